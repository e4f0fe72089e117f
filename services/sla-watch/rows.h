/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of sla-watch. In place of a case there may be a handover or an 8D:
 * their ids are of one sequence.
 *
 *   cases  case → its running clocks
 *   dues   (time of the next step, case, clock) → nothing: the order of firing
 *   meta   "armed" → rows in dues */
#ifndef KESU_SLA_ROWS_H
#define KESU_SLA_ROWS_H

#include "due.h"
#include "fold.h"
#include "key.h"

enum sla_table { SLA_CASES, SLA_DUES, SLA_META, SLA_N_TABLES };
extern const char *const sla_tables[SLA_N_TABLES];

#define SLA_MAX_NAME   65 /* of a clock, with NUL */
#define SLA_MAX_CLOCKS 40 /* of a case: of the policy, of its open sub-tasks, of a held reply */

struct sla_clock {
    uint64_t case_id;
    bool of_work; /* that is no case */
    char name[SLA_MAX_NAME];
    uint64_t set_seq; /* the event that set its times */
    int64_t started_at, warn_at, due_at;
    unsigned n_levels;
    int64_t escalate_at[DUE_MAX_LEVELS];
    bool warned, breached;
    unsigned escalated; /* highest level fired */
};

/* What a clock does next. */
struct sla_step {
    Kesu__V1__FireClock__Step step;
    uint32_t level;
    int64_t at;
};

struct sla_due {
    int64_t at;
    uint64_t case_id;
    char name[SLA_MAX_NAME];
};

/* The clocks of one case, as stored. */
struct sla_case {
    uint64_t case_id;
    bool of_work;
    unsigned n;
    struct sla_clock clocks[SLA_MAX_CLOCKS];
};

bool sla_name(char to[SLA_MAX_NAME], const char *name); /* false: it is too long */
/* False: all its steps have fired. */
bool sla_clock_next(const struct sla_clock *c, struct sla_step *ret);
const char *sla_step_name(Kesu__V1__FireClock__Step step);

/* A case that has no row has no clocks. E_CORRUPT, errors of the store. */
int sla_rows_get(struct fold *f, uint64_t case_id, struct sla_case *ret);
void sla_rows_put(struct fold *f, const struct sla_case *c);
struct sla_clock *sla_rows_find(struct sla_case *c, const char *name); /* NULL: it does not run */

void sla_due_key(const struct sla_due *due, struct key *ret);
int sla_due_of_key(struct span key, struct sla_due *ret);
void sla_due_of(const struct sla_clock *c, const struct sla_step *step, struct sla_due *ret);

#endif
