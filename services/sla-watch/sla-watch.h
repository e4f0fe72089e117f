/* SPDX-License-Identifier: Apache-2.0 */
/* kesu-sla-watch: the clocks of cases, fired when they are due.
 *
 *   Event.clocks ─▶ rows, ordered by next due ─▶ one timer ─▶ FireClock ─▶ intake
 *                             ▲                                              │
 *                             └───────────────── ClockFired ◀────────────────┘
 *
 * Times come with the events; nothing is computed here. What is due is fired
 * again and again (the same command) until the journal says that it has. No
 * clock is kept in memory but those overdue. */
#ifndef KESU_SLA_WATCH_H
#define KESU_SLA_WATCH_H

#include "fold.h"
#include "rows.h"
#include "stats.h"
#include "svc.h"
#include "wallclock.h"

extern const struct svc_def sla_watch_service;

/* Overdue steps that lie before the point fired so far. */
struct sla_again {
    struct sla_due due;
    int64_t not_before_us; /* monotonic */
};

struct sla_watch {
    struct svc *svc;
    struct env *env;
    struct fold *fold; /* NULL in the state of a verification */
    uint64_t armed;    /* rows of the table of dues */
    bool armed_changed;

    struct timer *timer;
    int64_t timer_us; /* monotonic, when it is due; 0: not set */
    struct sla_wallclock wallclock;
    int64_t since_us;    /* wall: what was due before is late */
    struct key fired_to; /* dues up to here were fired in this life */
    struct sla_again *again;
    unsigned n_again, max_again;
    Kesu__V1__Gauge gauges[2]; /* of the last GetInfo */
    Kesu__V1__Gauge *gauge_list[2];
    struct {
        struct stats_value *armed, *fired, *late, *refused, *alarm;
        struct stats_histogram *lag;
    } m;
};

/* events.c */
#define SLA_N_EVENTS 67
extern const struct fold_row sla_events_rows[SLA_N_EVENTS];

/* fire.c */
void sla_fire_start(struct sla_watch *w); /* live, or firing again after an alarm */
void sla_fire_run(struct sla_watch *w);
void sla_fire_on_timer(void *self);
void sla_fire_armed(struct sla_watch *w, const struct sla_due *due); /* a row came */
void sla_fire_unsend(struct fold *f, const struct sla_clock *clock, const struct sla_step *step);
void sla_fire_on_refused(struct sla_watch *w, const Kesu__V1__FireClock *sent,
                         const Kesu__V1__Refused *refused);
void sla_fire_reset(struct sla_watch *w);

/* control.c */
extern const struct svc_control_row sla_control_rows[1];
void sla_control_info(void *self, Kesu__V1__Info *info);

#endif
