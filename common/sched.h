/* SPDX-License-Identifier: Apache-2.0 */
/* When code runs: timers, the end of a turn, and work beside the loop.
 *
 * A turn is: drain the bus up to its budgets, due timers, finished jobs; then
 * the turn hooks, in the order they were added; then sleep until something
 * happens. All callbacks of a service run on its loop, never two at once. */
#ifndef KESU_SCHED_H
#define KESU_SCHED_H

#include "env.h"

struct timer;
struct turn_hook;
struct lane;

/* Work beside the loop. `work` runs on the lane's own thread and may touch
 * only what the job owns, stores and files opened for that lane; `done` runs
 * on the loop afterwards. The caller owns the job until done was called. */
struct job {
    void (*work)(struct job *job);
    void (*done)(struct job *job);
    struct job *next; /* the scheduler's */
};

struct sched_ops {
    struct timer *(*timer_new)(struct env *env, void (*on_due)(void *self), void *self);
    void (*timer_set)(struct timer *t, int64_t due_mono_us);
    void (*timer_cancel)(struct timer *t);
    void (*timer_free)(struct timer *t);
    struct turn_hook *(*hook_new)(struct env *env, void (*on_turn_end)(void *self), void *self);
    void (*hook_free)(struct turn_hook *h);
    void (*wake)(struct env *env);
    struct lane *(*lane_open)(struct env *env, const char *name);
    void (*lane_post)(struct lane *lane, struct job *job);
    void (*lane_close)(struct lane *lane);
};

/* A one-shot timer; setting it again moves it. Past times are due at once,
 * in a later turn. Not armed at first. Never early. */
static inline struct timer *timer_new(struct env *env, void (*on_due)(void *self), void *self)
{
    return env->sched->timer_new(env, on_due, self);
}
static inline void timer_set(struct env *env, struct timer *t, int64_t due_mono_us)
{
    env->sched->timer_set(t, due_mono_us);
}
static inline void timer_cancel(struct env *env, struct timer *t)
{
    env->sched->timer_cancel(t);
}
/* accepts NULL */
static inline void timer_free(struct env *env, struct timer *t)
{
    env->sched->timer_free(t);
}

/* on_turn_end is called after every turn in which anything ran. */
static inline struct turn_hook *turn_hook_new(struct env *env, void (*on_turn_end)(void *self), void *self)
{
    return env->sched->hook_new(env, on_turn_end, self);
}
/* accepts NULL */
static inline void turn_hook_free(struct env *env, struct turn_hook *h)
{
    env->sched->hook_free(h);
}

/* Makes sure that another turn runs, though nothing may happen outside. */
static inline void sched_wake(struct env *env)
{
    env->sched->wake(env);
}

/* A thread of its own that works its jobs in order. */
static inline struct lane *lane_open(struct env *env, const char *name)
{
    return env->sched->lane_open(env, name);
}
static inline void lane_post(struct env *env, struct lane *lane, struct job *job)
{
    env->sched->lane_post(lane, job);
}
/* Waits for the work of posted jobs, calls their done, ends the thread. Accepts NULL. */
static inline void lane_close(struct env *env, struct lane *lane)
{
    env->sched->lane_close(lane);
}

#endif
