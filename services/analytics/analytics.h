/* SPDX-License-Identifier: Apache-2.0 */
/* kesu-analytics: counts what is in the journal, each thing once.
 *
 * Counters live in memory and the touched ones are written in the transaction
 * that moves the cursor: a restart finds both or neither. */
#ifndef KESU_ANALYTICS_H
#define KESU_ANALYTICS_H

#include "cases.h"
#include "cells.h"
#include "fold.h"
#include "groups.h"
#include "identities.h"
#include "objects.h"
#include "outcomes.h"
#include "svc.h"
#include "totals.h"

extern const struct svc_def analytics_service;
extern const struct fold_def analytics_fold; /* its self is a struct analytics_state */

/* Everything folded; a second one is made to compare with. */
struct analytics_state {
    struct env *env;
    struct analytics_cases cases;
    struct analytics_cells cells;
    struct analytics_objects objects;
    struct identities identities;
    struct analytics_totals totals;
    struct analytics_outcomes outcomes;
    struct analytics_groups groups;
};

struct analytics {
    struct svc *svc;
    struct env *env;
    struct fold *fold;
    struct bus_server *queries, *far_queries; /* far NULL: not over TCP */
    struct arena arena;                       /* of one question */
    struct analytics_state state;
};

enum {
    ANALYTICS_CASES,
    ANALYTICS_CELLS,
    ANALYTICS_COVERS,
    ANALYTICS_GROUPS,
    ANALYTICS_IDENTITIES,
    ANALYTICS_INCIDENT_CASES,
    ANALYTICS_INCIDENT_PEOPLE,
    ANALYTICS_INCIDENTS,
    ANALYTICS_NAMES,
    ANALYTICS_OBJECTS,
    ANALYTICS_PEOPLE,
    ANALYTICS_TOP_ROWS,
    ANALYTICS_TOTALS,
    ANALYTICS_N_TABLES
};
extern const char *const analytics_tables[ANALYTICS_N_TABLES];

/* events.c */
#define ANALYTICS_N_EVENTS 22
extern const struct fold_row analytics_events_rows[ANALYTICS_N_EVENTS];
void analytics_state_init(struct analytics_state *s, struct env *env);
void analytics_state_deinit(struct analytics_state *s);
int analytics_state_load(struct analytics_state *s, struct fold *f);
int analytics_state_write(struct analytics_state *s, struct fold *f);

/* answer.c: from the arena. 0, or an error with the field it is about and why. */
int analytics_answer(struct analytics_state *s, struct fold *f, int64_t now_us,
                     const Kesu__V1__GetStats *request, struct arena *arena, Kesu__V1__Stats **ret,
                     const char **ret_field, const char **ret_reason);

#endif
