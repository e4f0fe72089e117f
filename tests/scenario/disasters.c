/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to an office beside the faults of each step: somebody deletes a
 * store, stops a daemon, lets the disk fill up, puts another policy into force. */
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "clock.h"
#include "office.h"
#include "store.h"

const char *const disaster_names[N_DISASTERS] = {"store_deleted", "service_stopped", "disk_low",
                                                 "policy_changed"};

static struct office_service *any_service(struct office *o)
{
    return &o->services[sim_random(o->sim, o->n_services)];
}

static bool delete_store(struct office *o)
{
    struct office_service *s = any_service(o);
    while (s->fold == NULL) s = any_service(o);
    char path[200];
    if (!sim_is_up(o->reader)) return false;
    sim_power_failure(s->i);
    snprintf(path, sizeof path, OFFICE_DATA "/%s.fold", s->fold);
    CHECK(store_remove(o->reader_env, path) == 0);
    return true;
}

static bool stop_service(struct office *o)
{
    struct office_service *s = any_service(o);
    if (!sim_is_up(s->i)) return false;
    env_stop(sim_env(s->i), 0);
    return true;
}

static bool lower_disk(struct office *o)
{
    sim_set_free_bytes(o->sim, UINT64_C(1) << 20);
    office_run(o, 5 * USEC_PER_SEC + (int64_t)sim_random(o->sim, 20 * USEC_PER_SEC));
    sim_set_free_bytes(o->sim, UINT64_C(100) << 30);
    return true;
}

static bool change_policy(struct office *o)
{
    return people_change_policy(o->people);
}

void disasters_run(struct office *o, int64_t for_us)
{
    static bool (*const acts[N_DISASTERS])(struct office * o) = {delete_store, stop_service, lower_disk,
                                                                 change_policy};
    int64_t until_us = sim_now_us(o->sim) + for_us;
    while (sim_now_us(o->sim) < until_us && o->audit.broken[0] == '\0') {
        office_run(o, (int64_t)sim_random(o->sim, USEC_PER_MIN));
        unsigned k = (unsigned)sim_random(o->sim, 2 * N_DISASTERS); /* every other time nothing */
        if (k < N_DISASTERS && sim_fire(o->sim) && acts[k](o)) o->disasters[k]++;
    }
    if (o->audit.policies > 0) o->disasters[POLICY_CHANGED] = o->audit.policies - 1; /* those in force */
}
