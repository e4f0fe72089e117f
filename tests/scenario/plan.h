/* SPDX-License-Identifier: Apache-2.0 */
/* One run of the scenario: what makes it, and what came of it. */
#ifndef KESU_SCENARIO_PLAN_H
#define KESU_SCENARIO_PLAN_H

#include "office.h"

#define PLAN_MAX_FIRES 4096
#define PLAN_ALL_ACTS  UINT32_MAX

/* A seed gives the same run each time. The rest makes less happen in it. */
struct plan {
    uint64_t seed;
    int64_t for_us; /* how long things go wrong; 0: as the seed says */
    uint32_t acts;  /* most that people do; PLAN_ALL_ACTS */
    bool only;      /* only these faults: */
    unsigned n_fires;
    uint32_t fires[PLAN_MAX_FIRES]; /* rising */
};

struct result { /* in memory shared with the children */
    bool done;
    uint64_t faults[SIM_N_FAULTS], disasters[N_DISASTERS];
    uint64_t cases, events, accepted, mails, boots, steps;
    struct audit_counts counts;
    struct people_count kinds[SHADOW_KINDS]; /* commands of people */
    uint64_t happened[SHADOW_KINDS];         /* events */
    int64_t for_us, rest_us;
    uint32_t acts, n_fires;
    uint64_t trace; /* the same run has the same */
    char broken[400];
};

struct options {
    const char *program, *policy_dir;
    unsigned long seeds, first, jobs;
    bool verbose, shrink;
    struct plan plan; /* seed 0: many seeds */
};

/* ret_fires: those that happened, PLAN_MAX_FIRES at most; NULL: not wanted. */
void plan_run(const struct options *opts, const struct plan *plan, struct result *r, uint32_t *ret_fires);
/* "3,17-19" into fires; false: it is none. */
bool plan_parse_fires(struct plan *p, const char *text);
/* The command that runs it again. */
void plan_print(const struct options *opts, const struct plan *p);

/* seeds.c: many, several at a time, each in a process of its own; the exit status. */
int seeds_run(const struct options *opts);
/* One, in a process of its own, whose output goes away: true when nothing was broken. */
bool seeds_try(const struct options *opts, const struct plan *plan, struct result *r, uint32_t *ret_fires);

/* shrink.c: a smaller plan that breaks the same, printed. */
void shrink_run(const struct options *opts, const struct plan *plan);

#endif
