/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to an office beside the faults of each step: somebody deletes a
 * store, stops a daemon, lets the disk fill up, puts another policy into force. */
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "clock.h"
#include "office.h"
#include "store.h"

const char *const disaster_names[N_DISASTERS] = {
    [STORE_DELETED] = "store_deleted",
    [SERVICE_STOPPED] = "service_stopped",
    [DISK_LOW] = "disk_low",
    [POLICY_CHANGED] = "policy_changed",
    [WORKER_LOST] = "worker_lost",
    [READER_DEAF] = "reader_deaf",
    [READER_SLOW] = "reader_slow",
    [POISON_TASK] = "poison_task",
    [SEGMENT_ROLLED] = "segment_rolled",
    [CHECKED] = "fold_checked",
    [MAIL_POSTED] = "mail_posted",
    [PERSON_ERASED] = "key_erased",
    [KEY_GIVEN] = "key_given",
    [KEY_WITHHELD] = "key_withheld",
};

static struct office_service *any_service(struct office *o)
{
    return &o->services[sim_random(o->sim, o->n_services)];
}

static bool delete_store(struct office *o)
{
    struct office_service *s = any_service(o);
    while (s->fold == NULL) s = any_service(o);
    char path[200];
    sim_power_failure(s->i);
    snprintf(path, sizeof path, OFFICE_DATA "/%s.fold", s->fold);
    CHECK(store_remove(o->inspector_env, path) == 0);
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

static bool lose_worker(struct office *o)
{
    struct office_service *s = any_service(o);
    while (strcmp(s->def->name, "routing-worker") != 0) s = any_service(o);
    if (!sim_is_up(s->i)) return false;
    sim_crash_for(s->i, (int64_t)sim_random(o->sim, USEC_PER_MIN));
    return true;
}

static bool deafen_reader(struct office *o)
{
    if (!sim_is_up(o->reader)) return false;
    sim_freeze(o->reader, 10 * USEC_PER_SEC + (int64_t)sim_random(o->sim, 2 * USEC_PER_MIN));
    return true;
}

static bool check_fold(struct office *o)
{
    const struct office_service *s = any_service(o);
    while (s->fold == NULL) s = any_service(o);
    return finish_check(o, s);
}

void disasters_run(struct office *o, int64_t for_us)
{
    static const struct {
        unsigned disaster;
        bool (*act)(struct office *o);
    } acts[] = {
        {STORE_DELETED, delete_store},   {SERVICE_STOPPED, stop_service}, {DISK_LOW, lower_disk},
        {POLICY_CHANGED, change_policy}, {WORKER_LOST, lose_worker},      {READER_DEAF, deafen_reader},
        {CHECKED, check_fold},
    };
    const unsigned n_acts = sizeof acts / sizeof acts[0];
    int64_t until_us = sim_now_us(o->sim) + for_us;
    while (sim_now_us(o->sim) < until_us && o->audit.broken[0] == '\0') {
        office_run(o, (int64_t)sim_random(o->sim, 40 * USEC_PER_SEC));
        unsigned k = (unsigned)sim_random(o->sim, n_acts + n_acts / 3); /* sometimes nothing */
        if (k < n_acts && sim_fire(o->sim) && acts[k].act(o)) o->disasters[acts[k].disaster]++;
    }
    o->disasters[MAIL_POSTED] = mailman_posted(o->mailman);
    if (o->audit.policies > 0) o->disasters[POLICY_CHANGED] = o->audit.policies - 1; /* those in force */
}
