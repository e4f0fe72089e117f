/* SPDX-License-Identifier: Apache-2.0 */
/* The service: metrics, the fold's hooks, start and stop. */
#include "sla-watch.h"

#include "err.h"
#include "fold_control.h"
#include "log.h"
#include "sched.h"

static const struct conf_def settings[] = {{0}};

static const struct span armed_key = {(const uint8_t *)"armed", 5};

static void make_metrics(struct sla_watch *w)
{
    struct stats *s = w->env->stats;
    w->m.armed = stats_value(s, STATS_GAUGE, "kesu_sla_armed", NULL, "clocks with a step still to come");
    w->m.fired = stats_value(s, STATS_COUNTER, "kesu_sla_fired_total", NULL, "steps fired");
    w->m.late = stats_value(s, STATS_COUNTER, "kesu_sla_late_total", NULL, "steps fired after a stop");
    w->m.refused = stats_value(s, STATS_COUNTER, "kesu_sla_refused_total", NULL, "steps intake refused");
    w->m.alarm = stats_value(s, STATS_GAUGE, "kesu_sla_clock_alarm", NULL,
                             "1: wall and monotonic clock disagree, nothing is fired");
    w->m.lag = stats_histogram(s, "kesu_sla_timer_lag_seconds", NULL, "from due to fired, of steps in time");
}

static int on_open(void *self, struct fold *f)
{
    struct sla_watch *w = self;
    struct span v;
    w->armed = 0;
    int r = fold_get(f, SLA_META, armed_key, &v);
    if (r == E_NOT_FOUND) return 0;
    if (r < 0) return r;
    return key_take_u64(&v, &w->armed) ? 0 : E_CORRUPT;
}

static void on_reset(void *self, struct fold *f)
{
    struct sla_watch *w = self;
    (void)f;
    w->armed = 0;
    w->armed_changed = false;
    sla_fire_reset(w);
}

static int on_commit(void *self, struct fold *f)
{
    struct sla_watch *w = self;
    struct key v = {0};
    if (!w->armed_changed) return 0;
    key_u64(&v, w->armed);
    fold_put(f, SLA_META, armed_key, key_span(&v));
    w->armed_changed = false;
    return 0;
}

static void on_committed(void *self, struct fold *f)
{
    (void)f;
    sla_fire_run(self);
}

static void on_live(void *self, struct fold *f)
{
    struct sla_watch *w = self;
    w->fold = f;
    sla_wallclock_init(&w->wallclock, w->env); /* as at a start: it may have been accepted unseen */
    sla_fire_start(w);
}

static void on_refused(void *self, struct fold *f, const Kesu__V1__Command *command,
                       const Kesu__V1__Refused *refused)
{
    (void)f;
    if (command->body_case == KESU__V1__COMMAND__BODY_FIRE_CLOCK)
        sla_fire_on_refused(self, command->fire_clock, refused);
}

/* ---- a second state, for comparing ------------------------------------------- */

static int aside_open(void *self, void **ret_self)
{
    struct sla_watch *w = self, *aside = mem_zalloc(&w->env->mem, sizeof(*aside));
    aside->env = w->env;
    *ret_self = aside;
    return 0;
}

static void aside_close(void *self)
{
    struct sla_watch *aside = self;
    mem_free(&aside->env->mem, aside);
}

static const struct fold_def fold_def = {
    .name = "sla-watch",
    .version = 3,
    .tables = sla_tables,
    .n_tables = SLA_N_TABLES,
    .rows = sla_events_rows,
    .n_rows = SLA_N_EVENTS,
    .without = CODEC_BODIES,
    .sync = STORE_SYNC_LATEST,
    .on_open = on_open,
    .on_reset = on_reset,
    .on_commit = on_commit,
    .on_committed = on_committed,
    .on_live = on_live,
    .on_refused = on_refused,
    .aside_open = aside_open,
    .aside_close = aside_close,
};

/* ---- start and stop ------------------------------------------------------------ */

static void stop(void *self)
{
    struct sla_watch *w = self;
    fold_close(w->fold);
    timer_free(w->env, w->timer);
    mem_free(&w->env->mem, w->again);
    mem_free(&w->env->mem, w);
}

static int start(struct svc *svc, void **ret_self)
{
    struct env *env = svc_env(svc);
    struct sla_watch *w = mem_zalloc(&env->mem, sizeof(*w));
    w->svc = svc;
    w->env = env;
    make_metrics(w);
    sla_wallclock_init(&w->wallclock, env);
    w->timer = timer_new(env, sla_fire_on_timer, w);
    int r = fold_open_svc(svc, &fold_def, true, w, &w->fold);
    if (r == 0) r = fold_control(w->fold, svc, sla_control_rows, 1, sla_control_info, w);
    if (r < 0) {
        stop(w);
        return r;
    }
    *ret_self = w;
    return 0;
}

static const char *not_ready(void *self)
{
    const struct sla_watch *w = self;
    if (w->wallclock.alarm) return "wall and monotonic clock disagree";
    return fold_not_ready(w->fold);
}

const struct svc_def sla_watch_service = {
    .name = "sla-watch",
    .summary = "fires the clocks of cases when they are due",
    .settings = settings,
    .start = start,
    .stop = stop,
    .not_ready = not_ready,
};
