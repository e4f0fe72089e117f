/* SPDX-License-Identifier: Apache-2.0 */
/* Firing: dues in their order up to now, then the timer waits for the next.
 *
 * `fired_to` is how far this life has gone through the table. A fired due stays
 * in the table until the journal says that it fired, so after a restart it is
 * fired again: the same command. Rows that come before `fired_to` (an overdue
 * next step, a clock set in the past) and refused ones wait in `again`. */
#include <stdio.h>

#include "clock.h"
#include "err.h"
#include "log.h"
#include "sched.h"
#include "sla-watch.h"

#define BATCH         1024 /* fired in one go */
#define OUTBOX_MAX    8192
#define LOOK_US       USEC_PER_SEC /* at both clocks, at the latest */
#define MORE_US       USEC_PER_MS
#define FULL_US       (10 * USEC_PER_MS)
#define REFUSED_US    (10 * USEC_PER_SEC) /* refused and still in the table: again */
#define ID_TIME_BACK  (20 * USEC_PER_DAY) /* ids are refused after 30 days */
#define PURPOSE_BYTES (SLA_MAX_NAME + 32)

static void purpose_of(const char *clock, const struct sla_step *step, char ret[PURPOSE_BYTES])
{
    (void)snprintf(ret, PURPOSE_BYTES, "%s.%s.%u", clock, sla_step_name(step->step), step->level);
}

static int64_t id_time(const struct fold *f, int64_t at)
{
    int64_t oldest = fold_block_time(f) - ID_TIME_BACK;
    return at > oldest ? at : oldest;
}

void sla_fire_unsend(struct fold *f, const struct sla_clock *clock, const struct sla_step *step)
{
    char purpose[PURPOSE_BYTES];
    purpose_of(clock->name, step, purpose);
    fold_unsend(f, clock->set_seq, id_time(f, step->at), purpose, clock->case_id);
}

static void send(struct sla_watch *w, const struct sla_clock *c, const struct sla_step *step, int64_t now)
{
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    Kesu__V1__FireClock fire = KESU__V1__FIRE_CLOCK__INIT;
    char purpose[PURPOSE_BYTES];
    if (c->of_work)
        fire.work_id = c->case_id;
    else
        fire.case_id = c->case_id;
    fire.clock = (char *)(uintptr_t)c->name;
    fire.step = step->step;
    fire.level = step->level;
    fire.due_at = step->at;
    fire.late = step->at < w->since_us;
    command.body_case = KESU__V1__COMMAND__BODY_FIRE_CLOCK;
    command.fire_clock = &fire;
    purpose_of(c->name, step, purpose);
    fold_send(w->fold, &command, c->set_seq, id_time(w->fold, step->at), purpose, c->case_id, true);
    stats_add(w->m.fired, 1);
    if (fire.late)
        stats_add(w->m.late, 1);
    else
        stats_observe_us(w->m.lag, now - step->at);
}

/* Only if that is still what its clock does next. */
static void fire_due(struct sla_watch *w, const struct sla_due *due, int64_t now)
{
    struct sla_case row;
    struct sla_step step;
    if (sla_rows_get(w->fold, due->case_id, &row) < 0) return;
    const struct sla_clock *c = sla_rows_find(&row, due->name);
    if (c == NULL || !sla_clock_next(c, &step) || step.at != due->at) return;
    send(w, c, &step, now);
}

/* ---- again ------------------------------------------------------------------- */

static void add_again(struct sla_watch *w, const struct sla_due *due, int64_t not_before_us)
{
    if (w->n_again == w->max_again) {
        w->max_again = w->max_again == 0 ? 64 : 2 * w->max_again;
        w->again = mem_realloc(&w->env->mem, w->again, w->max_again * sizeof(*w->again));
    }
    w->again[w->n_again++] = (struct sla_again){*due, not_before_us};
}

void sla_fire_armed(struct sla_watch *w, const struct sla_due *due)
{
    struct key k;
    if (w->fold == NULL || w->fired_to.n == 0) return;
    sla_due_key(due, &k);
    if (span_compare(key_span(&k), key_span(&w->fired_to)) <= 0) add_again(w, due, 0);
}

static unsigned run_again(struct sla_watch *w, int64_t now)
{
    int64_t mono = clock_mono_us(w->env);
    unsigned fired = 0, kept = 0;
    for (unsigned i = 0; i < w->n_again; i++) {
        struct sla_again *a = &w->again[i];
        if (fired < BATCH && a->not_before_us <= mono && a->due.at <= now) {
            fire_due(w, &a->due, now);
            fired++;
        } else {
            w->again[kept++] = *a;
        }
    }
    w->n_again = kept;
    return fired;
}

void sla_fire_on_refused(struct sla_watch *w, const Kesu__V1__FireClock *sent,
                         const Kesu__V1__Refused *refused)
{
    struct sla_due due = {.at = sent->due_at, .case_id = sent->case_id != 0 ? sent->case_id : sent->work_id};
    stats_add(w->m.refused, 1);
    log_debug(w->env, "a clock was not fired", LOG_U64("case", due.case_id), LOG_STR("clock", sent->clock),
              LOG_STR("reason", refused->reason));
    /* The journal will say why: moved, stopped, fired. If it does not, again. */
    (void)snprintf(due.name, sizeof(due.name), "%s", sent->clock);
    add_again(w, &due, clock_mono_us(w->env) + REFUSED_US);
}

/* ---- the table ---------------------------------------------------------------- */

/* Fires what is due after fired_to. Returns how many; ret_next: when the next is due, 0: never. */
static unsigned run_table(struct sla_watch *w, int64_t now, unsigned most, int64_t *ret_next)
{
    struct store_cursor *c;
    struct span key, value;
    struct key from = w->fired_to;
    unsigned fired = 0;
    *ret_next = 0;
    if (fold_cursor(w->fold, SLA_DUES, &c) < 0) return 0;
    key_u8(&from, 0); /* the first one after it */
    int r = store_seek(w->env, c, key_span(&from), &key, &value);
    for (; r == 0; r = store_step(w->env, c, +1, &key, &value)) {
        struct sla_due due;
        if (sla_due_of_key(key, &due) < 0) break;
        if (due.at > now || fired == most) {
            *ret_next = due.at;
            break;
        }
        w->fired_to.n = 0;
        key_bytes(&w->fired_to, key);
        fire_due(w, &due, now);
        fired++;
    }
    store_cursor_close(w->env, c);
    return fired;
}

static void set_timer(struct sla_watch *w, int64_t now, int64_t next, int64_t wait)
{
    int64_t mono = clock_mono_us(w->env);
    if (next != 0 && next - now < wait) wait = next > now ? next - now : 0;
    if (w->timer_us > mono && w->timer_us <= mono + wait) return; /* comes early enough */
    w->timer_us = mono + wait;
    timer_set(w->env, w->timer, w->timer_us);
}

/* Before each look at what is due: a wall clock that jumped would make all of it due at once. */
static void look_at_wallclock(struct sla_watch *w)
{
    if (!sla_wallclock_look(&w->wallclock, w->env)) return;
    stats_set(w->m.alarm, w->wallclock.alarm);
    if (!w->wallclock.alarm) w->since_us = clock_wall_us(w->env);
}

void sla_fire_run(struct sla_watch *w)
{
    look_at_wallclock(w);
    int64_t now = clock_wall_us(w->env), next = 0;
    unsigned fired = 0;
    bool wait = w->fold == NULL || !fold_live(w->fold) || w->wallclock.alarm;
    bool full = !wait && fold_unanswered(w->fold) >= OUTBOX_MAX;
    if (!wait && !full) {
        fired = run_again(w, now);
        if (fired < BATCH) fired += run_table(w, now, BATCH - fired, &next);
    }
    stats_set(w->m.armed, (int64_t)w->armed);
    set_timer(w, now, next, full ? FULL_US : fired >= BATCH ? MORE_US : LOOK_US);
}

void sla_fire_start(struct sla_watch *w)
{
    w->since_us = clock_wall_us(w->env);
    stats_set(w->m.alarm, w->wallclock.alarm);
    sla_fire_run(w);
}

void sla_fire_on_timer(void *self)
{
    struct sla_watch *w = self;
    w->timer_us = 0;
    sla_fire_run(w);
}

void sla_fire_reset(struct sla_watch *w)
{
    w->fired_to.n = 0;
    w->n_again = 0;
}
