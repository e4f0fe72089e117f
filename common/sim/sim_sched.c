/* SPDX-License-Identifier: Apache-2.0 */
/* Clock, timers, turn hooks and lanes in virtual time.
 *
 * A timer fires 0 to 200 us late, never early. A job of a lane takes virtual
 * time (up to 2 s with a slow disk), then its work runs, then its done a bit
 * later on the loop: other things happen in between, as with a real thread. */
#include <stdlib.h>

#include "../check.h"
#include "world.h"

struct timer {
    struct timer *next, *previous;
    struct sim_instance *i;
    struct sim_event *event;
    void (*on_due)(void *self);
    void *self;
};

struct turn_hook {
    struct turn_hook *next;
    struct sim_instance *i;
    void (*on_turn_end)(void *self); /* NULL: freed */
    void *self;
};

struct job_list {
    struct job *first, *last;
};

struct lane {
    struct lane *next;
    struct sim_instance *i;
    struct job_list posted, worked;
    struct sim_event *work_event, *done_event;
};

static int64_t wall_us(struct env *env)
{
    struct sim *s = sim_of(env)->sim;
    return s->now_us + s->wall_offset_us;
}

static int64_t mono_us(struct env *env)
{
    return sim_of(env)->sim->now_us;
}

const struct clock_ops sim_clock_ops = {wall_us, mono_us};

/* ---- timers ------------------------------------------------------------------ */

static struct timer *sim_timer_new(struct env *env, void (*on_due)(void *self), void *self)
{
    struct sim_instance *i = sim_of(env);
    struct timer *t = (struct timer *)sim_alloc(sizeof *t);
    *t = (struct timer){.next = i->timers, .i = i, .on_due = on_due, .self = self};
    if (i->timers != NULL) i->timers->previous = t;
    i->timers = t;
    return t;
}

static void on_timer(void *self)
{
    struct timer *t = (struct timer *)self;
    t->event = NULL;
    t->on_due(t->self); /* may free t */
}

static void sim_timer_set(struct timer *t, int64_t due_us)
{
    struct sim *s = t->i->sim;
    sim_cancel(&t->event);
    if (!t->i->ending) sim_touch(t->i); /* past times are due after the end of this turn */
    int64_t soonest_us = t->i->turn_end != NULL ? t->i->turn_end->due_us + 1 : s->now_us + 1;
    if (due_us < soonest_us) due_us = soonest_us;
    t->event = sim_at(s, t->i, due_us + (int64_t)sim_random(s, 200), on_timer, t);
}

static void sim_timer_cancel(struct timer *t)
{
    sim_cancel(&t->event);
}

static void sim_timer_free(struct timer *t)
{
    if (t == NULL) return;
    sim_cancel(&t->event);
    if (t->next != NULL) t->next->previous = t->previous;
    if (t->previous != NULL)
        t->previous->next = t->next;
    else
        t->i->timers = t->next;
    free(t);
}

/* ---- the end of a turn --------------------------------------------------------- */

static struct turn_hook *sim_hook_new(struct env *env, void (*on_turn_end)(void *self), void *self)
{
    struct sim_instance *i = sim_of(env);
    struct turn_hook *h = (struct turn_hook *)sim_alloc(sizeof *h);
    *h = (struct turn_hook){.i = i, .on_turn_end = on_turn_end, .self = self};
    if (i->hooks_last != NULL)
        i->hooks_last->next = h;
    else
        i->hooks = h;
    i->hooks_last = h;
    return h;
}

static void sweep_hooks(struct sim_instance *i)
{
    struct turn_hook **at = &i->hooks, *last = NULL;
    while (*at != NULL) {
        struct turn_hook *h = *at;
        if (h->on_turn_end != NULL) {
            last = h;
            at = &h->next;
        } else {
            *at = h->next;
            free(h);
        }
    }
    i->hooks_last = last;
}

void sim_sched_run_hooks(struct sim_instance *i)
{
    i->ending = true;
    for (struct turn_hook *h = i->hooks; h != NULL; h = h->next)
        if (h->on_turn_end != NULL) h->on_turn_end(h->self);
    i->ending = false;
    sweep_hooks(i);
}

static void sim_hook_free(struct turn_hook *h)
{
    if (h != NULL) h->on_turn_end = NULL; /* swept after the hooks ran */
}

static void sim_wake(struct env *env)
{
    sim_touch(sim_of(env));
    sim_of(env)->woken = true;
}

/* ---- lanes ----------------------------------------------------------------------- */

static void job_push(struct job_list *l, struct job *job)
{
    job->next = NULL;
    if (l->last != NULL)
        l->last->next = job;
    else
        l->first = job;
    l->last = job;
}

static struct job *job_pop(struct job_list *l)
{
    struct job *job = l->first;
    if (job == NULL) return NULL;
    l->first = job->next;
    if (l->first == NULL) l->last = NULL;
    return job;
}

static struct lane *sim_lane_open(struct env *env, const char *name)
{
    (void)name;
    struct sim_instance *i = sim_of(env);
    struct lane *lane = (struct lane *)sim_alloc(sizeof *lane);
    *lane = (struct lane){.next = i->lanes, .i = i};
    i->lanes = lane;
    return lane;
}

static void on_work(void *self);

static void arm_lane(struct lane *lane)
{
    struct sim *s = lane->i->sim;
    if (lane->posted.first == NULL || lane->work_event != NULL) return;
    int64_t takes_us = 20 + (int64_t)sim_random(s, 2000);
    if (sim_fault(s, SIM_SLOW_DISK)) takes_us += (int64_t)sim_random(s, 2 * USEC_PER_SEC);
    lane->work_event = sim_at(s, lane->i, s->now_us + takes_us, on_work, lane);
}

static void on_done(void *self)
{
    struct lane *lane = (struct lane *)self;
    struct job *job = job_pop(&lane->worked);
    lane->done_event = NULL;
    if (lane->worked.first != NULL)
        lane->done_event = sim_at(lane->i->sim, lane->i, lane->i->sim->now_us + 1, on_done, lane);
    if (job != NULL) job->done(job); /* may close the lane */
}

static void on_work(void *self)
{
    struct lane *lane = (struct lane *)self;
    struct sim *s = lane->i->sim;
    struct job *job = job_pop(&lane->posted);
    lane->work_event = NULL;
    job->work(job);
    job_push(&lane->worked, job);
    if (lane->done_event == NULL)
        lane->done_event = sim_at(s, lane->i, s->now_us + 1 + (int64_t)sim_random(s, 50), on_done, lane);
    arm_lane(lane);
}

static void sim_lane_post(struct lane *lane, struct job *job)
{
    job_push(&lane->posted, job);
    arm_lane(lane);
}

static void sim_lane_close(struct lane *lane)
{
    if (lane == NULL) return;
    sim_cancel(&lane->work_event);
    sim_cancel(&lane->done_event);
    for (;;) {
        struct job *job = job_pop(&lane->worked);
        if (job != NULL) {
            job->done(job);
        } else {
            job = job_pop(&lane->posted);
            if (job == NULL) break;
            job->work(job);
            job_push(&lane->worked, job);
        }
        sim_cancel(&lane->work_event); /* a done may have posted */
        sim_cancel(&lane->done_event);
    }
    struct lane **at = &lane->i->lanes;
    while (*at != lane) at = &(*at)->next;
    *at = lane->next;
    free(lane);
}

const struct sched_ops sim_sched_ops = {
    .timer_new = sim_timer_new,
    .timer_set = sim_timer_set,
    .timer_cancel = sim_timer_cancel,
    .timer_free = sim_timer_free,
    .hook_new = sim_hook_new,
    .hook_free = sim_hook_free,
    .wake = sim_wake,
    .lane_open = sim_lane_open,
    .lane_post = sim_lane_post,
    .lane_close = sim_lane_close,
};

void sim_sched_drop(struct sim_instance *i)
{
    while (i->timers != NULL) sim_timer_free(i->timers);
    for (struct turn_hook *h = i->hooks; h != NULL; h = h->next) h->on_turn_end = NULL;
    sweep_hooks(i);
    while (i->lanes != NULL) { /* the jobs are the instance's: gone with its memory */
        struct lane *lane = i->lanes;
        i->lanes = lane->next;
        sim_cancel(&lane->work_event);
        sim_cancel(&lane->done_event);
        free(lane);
    }
}
