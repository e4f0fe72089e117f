/* SPDX-License-Identifier: Apache-2.0 */
/* A run: people submit and work for some minutes while everything breaks by
 * turns; then no more faults, until all is quiet; then everything must agree
 * with everything. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

/* Every seed has its own mixture: a fault is on in about half of the runs. */
static struct sim_faults draw_faults(struct sim *s)
{
    static const unsigned chances[SIM_N_FAULTS] = {
        [SIM_LOSE] = 3000,
        [SIM_DUPLICATE] = 5000,
        [SIM_REORDER] = 5000,
        [SIM_DELAY] = 3000,
        [SIM_CRASH_STEP] = 1500,
        [SIM_CRASH_BEFORE_COMMIT] = 6000,
        [SIM_CRASH_AFTER_COMMIT] = 6000,
        [SIM_FREEZE] = 150,
        [SIM_SLOW_DISK] = 20000,
        [SIM_DISK_FULL] = 6000,
        [SIM_FILE_FULL] = 3000,
        [SIM_CLOCK_FORWARD] = 100,
        [SIM_CLOCK_BACK] = 100,
        [SIM_MAIL_TEMPORARY] = 100000,
        [SIM_MAIL_PERMANENT] = 30000,
        [SIM_MAIL_UNKNOWN] = 50000,
    };
    unsigned drawn[SIM_N_FAULTS];
    for (unsigned k = 0; k < SIM_N_FAULTS; k++)
        drawn[k] = sim_random(s, 2) == 0 ? 0 : (unsigned)sim_random(s, 2 * chances[k]);
#define DRAWN(upper, lower) .lower = drawn[SIM_##upper],
    return (struct sim_faults){SIM_FAULTS(DRAWN)};
}

static void note_result(struct office *o, struct result *r, uint32_t *ret_fires)
{
    const struct sim_mail *mails;
    const uint32_t *fires;
    memcpy(r->faults, sim_fault_counts(o->sim), sizeof r->faults);
    memcpy(r->disasters, o->disasters, sizeof r->disasters);
    r->cases = o->audit.n_cases;
    r->events = o->audit.n_events;
    r->counts = o->audit.counts;
    r->accepted = people_accepted(o->people);
    memcpy(r->kinds, people_counts(o->people), sizeof r->kinds);
    memcpy(r->happened, o->shadow->events, sizeof r->happened);
    r->acts = people_acts(o->people);
    r->mails = sim_mails(o->sim, &mails);
    r->steps = sim_steps(o->sim);
    r->trace = sim_trace(o->sim);
    r->rest_us = o->rest_us;
    for (unsigned k = 0; k < o->n_services; k++) r->boots += sim_boots(o->services[k].i);
    memcpy(r->broken, o->audit.broken, sizeof r->broken);
    r->n_fires = sim_fired(o->sim, &fires);
    if (r->n_fires > PLAN_MAX_FIRES) r->n_fires = PLAN_MAX_FIRES;
    if (ret_fires != NULL && r->n_fires > 0) memcpy(ret_fires, fires, r->n_fires * sizeof *fires);
    r->done = true;
}

void plan_run(const struct options *opts, const struct plan *plan, struct result *r, uint32_t *ret_fires)
{
    memset(r, 0, sizeof *r);
    struct office *o = office_new(plan->seed, opts->policy_dir);
    struct sim_faults faults = draw_faults(o->sim);
    if (plan->only) sim_only_fires(o->sim, plan->fires, plan->n_fires);
    people_limit(o->people, plan->acts);
    sim_set_faults(o->sim, &faults);
    r->for_us = 90 * USEC_PER_SEC + (int64_t)sim_random(o->sim, 2 * USEC_PER_MIN);
    if (plan->for_us != 0) r->for_us = plan->for_us;
    disasters_run(o, r->for_us);
    sim_set_faults(o->sim, NULL);
    finish(o);
    note_result(o, r, ret_fires);
    office_free(&o);
}

bool plan_parse_fires(struct plan *p, const char *text)
{
    p->only = true;
    p->n_fires = 0;
    while (*text != '\0') {
        char *end = NULL;
        unsigned long from = strtoul(text, &end, 10), to = from;
        if (end == text) return false;
        if (*end == '-') to = strtoul(end + 1, &end, 10);
        if (*end != '\0' && *end != ',') return false;
        for (; from <= to; from++) {
            if (p->n_fires == PLAN_MAX_FIRES) return false;
            p->fires[p->n_fires++] = (uint32_t)from;
        }
        text = *end == ',' ? end + 1 : end;
    }
    return true;
}

void plan_print(const struct options *opts, const struct plan *p)
{
    printf("  again: %s --seed %llu", opts->program, (unsigned long long)p->seed);
    if (strcmp(opts->policy_dir, "tests/scenario/policy") != 0) printf(" --policy %s", opts->policy_dir);
    if (p->for_us != 0) printf(" --for %lld", (long long)p->for_us);
    if (p->acts != PLAN_ALL_ACTS) printf(" --acts %u", p->acts);
    if (p->only) printf(" --fires ");
    if (p->only && p->n_fires == 0) printf("''");
    for (unsigned i = 0; p->only && i < p->n_fires; i++) {
        unsigned last = i;
        while (last + 1 < p->n_fires && p->fires[last + 1] == p->fires[last] + 1) last++;
        printf("%s%u", i > 0 ? "," : "", p->fires[i]);
        if (last > i) printf("-%u", p->fires[last]);
        i = last;
    }
    printf(" -v\n");
}
