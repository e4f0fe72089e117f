/* SPDX-License-Identifier: Apache-2.0 */
/* How cases end: what was paid, appealed, upheld, opened again, withdrawn, and what customers thought of it.
 */
#ifndef KESU_ANALYTICS_OUTCOMES_H
#define KESU_ANALYTICS_OUTCOMES_H

#include "fold.h"

enum analytics_outcome {
    ANALYTICS_O_APPEALS, /* objections, too */
    ANALYTICS_O_UPHELD,  /* of them, also in part */
    ANALYTICS_O_REOPENED,
    ANALYTICS_O_WITHDRAWN,
    ANALYTICS_O_FEEDBACKS,
    ANALYTICS_O_CSAT, /* sum of theirs */
    ANALYTICS_N_OUTCOMES
};

#define ANALYTICS_CURRENCIES 8 /* further ones are not added up */

struct analytics_outcomes {
    uint64_t counts[ANALYTICS_N_OUTCOMES];
    struct analytics_paid {
        char currency[4]; /* "": not used */
        int64_t e4;
    } paid[ANALYTICS_CURRENCIES];
    bool changed;
};

/* An event of the life of a case that may be an outcome; others count nothing. */
void analytics_outcomes_count(struct analytics_outcomes *o, const Kesu__V1__Event *event);
int analytics_outcomes_load(struct analytics_outcomes *o, struct fold *f);
void analytics_outcomes_write(struct analytics_outcomes *o, struct fold *f);
/* E_NOMEM */
int analytics_outcomes_fill(struct analytics_outcomes *o, struct arena *arena, Kesu__V1__Stats *stats);

#endif
