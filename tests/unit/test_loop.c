/* SPDX-License-Identifier: Apache-2.0 */
/* What the contract of sched.h cannot see: the loop itself. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "env_real.h"
#include "sched.h"
#include "unit.h"

enum { N_TIMERS = 2000 };

struct world {
    struct env_real *real;
    struct env *env;
};

struct alarm {
    struct world *w;
    struct timer *timer;
    int64_t due_us;
    unsigned rung;
    bool cancelled;
};

static struct alarm alarms[N_TIMERS];
static unsigned left;

static int open_world(void **state)
{
    static struct world w;
    assert_int_equal(env_real_new("test", &w.real), 0);
    w.env = env_real_env(w.real);
    *state = &w;
    return 0;
}

static int close_world(void **state)
{
    struct world *w = *state;
    env_real_free(&w->real);
    return 0;
}

static void on_alarm(void *self)
{
    struct alarm *a = self;
    assert_false(a->cancelled);
    assert_true(clock_mono_us(a->w->env) >= a->due_us); /* never early */
    a->rung++;
    if (--left == 0) env_stop(a->w->env, 3);
}

static void many_timers_ring_once_each(void **state)
{
    struct world *w = *state;
    int64_t now = clock_mono_us(w->env);
    srandom(7);
    left = 0;
    for (unsigned i = 0; i < N_TIMERS; i++) {
        struct alarm *a = &alarms[i];
        *a = (struct alarm){.w = w};
        a->timer = timer_new(w->env, on_alarm, a);
        timer_set(w->env, a->timer, now + random() % 100000);
    }
    for (unsigned i = 0; i < N_TIMERS; i++) { /* a third is moved, a third cancelled */
        struct alarm *a = &alarms[i];
        a->due_us = now + random() % 100000;
        if (i % 3 == 0) {
            a->cancelled = true;
            timer_cancel(w->env, a->timer);
        } else {
            timer_set(w->env, a->timer, a->due_us);
            left++;
        }
    }
    assert_int_equal(env_real_run(w->real), 3);
    for (unsigned i = 0; i < N_TIMERS; i++) {
        assert_int_equal(alarms[i].rung, alarms[i].cancelled ? 0 : 1);
        timer_free(w->env, alarms[i].timer);
    }
}

struct again {
    struct world *w;
    struct timer *timer;
    unsigned rung, turns, turns_at_first;
};

static void on_again(void *self)
{
    struct again *a = self;
    if (a->rung == 0) a->turns_at_first = a->turns;
    if (++a->rung == 3) env_stop(a->w->env, 0);
    timer_set(a->w->env, a->timer, 0);
}

static void on_turn(void *self)
{
    ((struct again *)self)->turns++;
}

static void a_past_time_is_due_in_a_later_turn(void **state)
{
    struct world *w = *state;
    struct again a = {.w = w};
    a.timer = timer_new(w->env, on_again, &a);
    struct turn_hook *hook = turn_hook_new(w->env, on_turn, &a);
    timer_set(w->env, a.timer, 0);
    assert_int_equal(env_real_run(w->real), 0);
    assert_int_equal(a.rung, 3);
    assert_int_equal(a.turns - a.turns_at_first, 3); /* each in a turn of its own */
    timer_free(w->env, a.timer);
    turn_hook_free(w->env, hook);
}

/* ---- what wakes the loop ------------------------------------------------------ */

enum { N_STEPS = 400 };

struct steps {
    struct job job;
    struct world *w;
    struct timer *timer;
    struct lane *lane;
    int64_t work_us;
    unsigned left;
    bool working;
};

static void do_step(struct job *job)
{
    usleep((useconds_t)((struct steps *)job)->work_us);
}

static void on_step(void *self)
{
    struct steps *s = self;
    int64_t wait_us = 1500 + (int64_t)s->left % 10 * 100;
    if (--s->left == 0) {
        env_stop(s->w->env, 0);
        return;
    }
    timer_set(s->w->env, s->timer, clock_mono_us(s->w->env) + wait_us);
    if (s->working) return;
    s->working = true;
    s->work_us = wait_us - 400;
    lane_post(s->w->env, s->lane, &s->job);
}

static void on_step_done(struct job *job)
{
    ((struct steps *)job)->working = false;
}

/* uv counts whole milliseconds and calls its timers before it sleeps. When
 * something else wakes the loop shortly before a timer is due, uv may think it
 * due, a little early: it was then slept over until the tick of 250 ms. */
static void no_timer_is_slept_over(void **state)
{
    struct world *w = *state;
    struct steps s = {.w = w, .left = N_STEPS, .job = {.work = do_step, .done = on_step_done}};
    int64_t start = clock_mono_us(w->env);
    s.timer = timer_new(w->env, on_step, &s);
    s.lane = lane_open(w->env, "steps");
    timer_set(w->env, s.timer, start);
    assert_int_equal(env_real_run(w->real), 0);
    assert_true(clock_mono_us(w->env) - start < 15 * USEC_PER_SEC); /* 1 s; it was 40 s */
    lane_close(w->env, s.lane);
    timer_free(w->env, s.timer);
}

static void on_stop(void *self)
{
    struct world *w = self;
    env_stop(w->env, 5);
    env_stop(w->env, 6); /* the first counts */
}

static void an_idle_loop_shows_that_it_lives(void **state)
{
    struct world *w = *state;
    int64_t before = atomic_load(env_real_last_turn(w->real)), start = clock_mono_us(w->env);
    struct timer *t = timer_new(w->env, on_stop, w);
    timer_set(w->env, t, start + 700 * USEC_PER_MS);
    assert_int_equal(env_real_run(w->real), 5);
    assert_true(clock_mono_us(w->env) - start < 5 * USEC_PER_SEC);
    assert_true(atomic_load(env_real_last_turn(w->real)) > before + 500 * USEC_PER_MS);
    timer_free(w->env, t);
}

struct pulse {
    struct world *w;
    int64_t last;
    unsigned seen;
};

/* On a lane: looks at the loop as the health thread does. */
struct watch {
    struct job job;
    struct pulse *pulse;
    bool ended;
};

static void watch_loop(struct job *job)
{
    struct pulse *p = ((struct watch *)job)->pulse;
    int64_t end = clock_mono_us(p->w->env) + 900 * USEC_PER_MS;
    for (int64_t now; (now = clock_mono_us(p->w->env)) < end; usleep(1000)) {
        int64_t turn = atomic_load(env_real_last_turn(p->w->real));
        if (turn != p->last) p->seen++;
        p->last = turn;
    }
}

static void on_watched(struct job *job)
{
    struct watch *watch = (struct watch *)job;
    watch->ended = true;
    env_stop(watch->pulse->w->env, 0);
}

static void the_last_turn_is_renewed_every_quarter_second(void **state)
{
    struct world *w = *state;
    struct pulse p = {.w = w};
    struct watch watch = {.job = {.work = watch_loop, .done = on_watched}, .pulse = &p};
    struct lane *lane = lane_open(w->env, "watch");
    lane_post(w->env, lane, &watch.job);
    assert_int_equal(env_real_run(w->real), 0);
    assert_true(watch.ended);
    assert_true(p.seen >= 3);
    lane_close(w->env, lane);
}

static void on_signal(void *self, int number)
{
    int *got = self;
    *got = number;
}

static void signals_come_on_the_loop(void **state)
{
    struct world *w = *state;
    int got = 0;
    env_real_on_signal(w->real, on_signal, &got);
    struct timer *t = timer_new(w->env, on_stop, w);
    timer_set(w->env, t, clock_mono_us(w->env) + 50 * USEC_PER_MS);
    kill(getpid(), SIGTERM);
    assert_int_equal(env_real_run(w->real), 5);
    assert_int_equal(got, SIGTERM);
    timer_free(w->env, t);
    env_real_on_signal(w->real, NULL, NULL); /* now it stops the loop */
    kill(getpid(), SIGINT);
    assert_int_equal(env_real_run(w->real), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
UNIT_MAIN(TEST(many_timers_ring_once_each), TEST(no_timer_is_slept_over),
          TEST(a_past_time_is_due_in_a_later_turn), TEST(an_idle_loop_shows_that_it_lives),
          TEST(the_last_turn_is_renewed_every_quarter_second), TEST(signals_come_on_the_loop))
