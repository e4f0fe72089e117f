/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted over everything: totals, times, and rates of the last minute. */
#ifndef KESU_ANALYTICS_TOTALS_H
#define KESU_ANALYTICS_TOTALS_H

#include "fold.h"
#include "histogram.h"

enum analytics_total {
    ANALYTICS_T_OPENED,
    ANALYTICS_T_CLASSIFIED, /* cases, however often */
    ANALYTICS_T_ASSIGNED,   /* cases, however often */
    ANALYTICS_T_RESOLVED,
    ANALYTICS_T_CLOSED,
    ANALYTICS_T_BREACHED,  /* clocks */
    ANALYTICS_T_DELIVERED, /* messages */
    ANALYTICS_T_FALLBACK,  /* cases first given to the default queue */
    ANALYTICS_T_JOINED,    /* messages */
    ANALYTICS_N_TOTALS
};

enum analytics_rate { ANALYTICS_R_OPENED, ANALYTICS_R_ASSIGNED, ANALYTICS_R_CLOSED, ANALYTICS_N_RATES };
extern const char *const analytics_rate_names[ANALYTICS_N_RATES];

#define ANALYTICS_RATE_SECONDS 60

/* A ring of seconds of block time; `second` is the newest it holds. */
struct analytics_ring {
    int64_t second;
    uint32_t counts[ANALYTICS_N_RATES][ANALYTICS_RATE_SECONDS];
};

struct analytics_totals {
    uint64_t totals[ANALYTICS_N_TOTALS];
    struct analytics_histogram route, close;
    struct analytics_ring ring;
    bool changed, route_changed, close_changed;
};

void analytics_totals_count(struct analytics_totals *t, enum analytics_total what);
void analytics_totals_rate(struct analytics_totals *t, enum analytics_rate what, int64_t time_us);
void analytics_totals_route(struct analytics_totals *t, int64_t us); /* received to first assigned */
void analytics_totals_close(struct analytics_totals *t, int64_t us); /* received to closed */
/* Of the minute before now_us. */
double analytics_totals_per_second(const struct analytics_totals *t, enum analytics_rate what,
                                   int64_t now_us);

int analytics_totals_load(struct analytics_totals *t, struct fold *f);
void analytics_totals_write(struct analytics_totals *t, struct fold *f);

#endif
