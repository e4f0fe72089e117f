/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "contract.h"
#include "sched.h"
#include "unit.h"

static void clocks_go_forward(struct contract_world *w)
{
    int64_t wall_us = clock_wall_us(w->env), mono_us = clock_mono_us(w->env);
    assert_true(wall_us > 1700000000 * USEC_PER_SEC); /* microseconds, and since 1970 */
    contract_pass(w, 20 * USEC_PER_MS);
    int64_t passed_us = clock_mono_us(w->env) - mono_us;
    assert_true(passed_us >= 20 * USEC_PER_MS);
    assert_true(llabs(clock_wall_us(w->env) - wall_us - passed_us) < USEC_PER_SEC);
}

static void random_differs(struct contract_world *w)
{
    uint8_t a[21] = {0}, b[21] = {0};
    env_random(w->env, a, sizeof a - 1);
    env_random(w->env, b, sizeof b - 1);
    assert_memory_not_equal(a, b, sizeof a - 1);
    assert_int_equal(a[20], 0);
}

/* ---- timers -------------------------------------------------------------------- */

struct rung {
    struct env *env;
    struct timer *timer;
    unsigned count;
    int64_t due_us, early_us; /* by how much, at most */
    char *trace;
    char letter;
    int64_t again_us;
    bool free_it;
};

static void on_due(void *self)
{
    struct rung *r = self;
    int64_t early_us = r->due_us - clock_mono_us(r->env);
    if (early_us > r->early_us) r->early_us = early_us;
    r->count++;
    if (r->trace != NULL) strncat(r->trace, &r->letter, 1);
    if (r->again_us > 0) {
        r->due_us = clock_mono_us(r->env) + r->again_us;
        timer_set(r->env, r->timer, r->due_us);
    }
    if (r->free_it) timer_free(r->env, r->timer);
}

static void rung_init(struct contract_world *w, struct rung *r)
{
    *r = (struct rung){.env = w->env};
    r->timer = timer_new(w->env, on_due, r);
}

static void rung_set(struct rung *r, int64_t in_us)
{
    r->due_us = clock_mono_us(r->env) + in_us;
    timer_set(r->env, r->timer, r->due_us);
}

static void timers_are_never_early(struct contract_world *w)
{
    struct rung r[8];
    for (unsigned i = 0; i < 8; i++) {
        rung_init(w, &r[i]);
        rung_set(&r[i], 333 + 1777 * (int64_t)i);
        r[i].again_us = 1501;
    }
    for (unsigned i = 0; i < 8; i++) contract_wait(w, &r[i].count, 5);
    for (unsigned i = 0; i < 8; i++) {
        assert_true(r[i].early_us <= 0);
        timer_free(w->env, r[i].timer);
    }
}

static void timers_ring_in_order_of_their_times(struct contract_world *w)
{
    char trace[8] = "";
    struct rung r[3];
    for (unsigned i = 0; i < 3; i++) {
        rung_init(w, &r[i]);
        r[i].trace = trace;
        r[i].letter = (char)('a' + (char)i);
    }
    rung_set(&r[0], 40 * USEC_PER_MS);
    rung_set(&r[1], 10 * USEC_PER_MS);
    rung_set(&r[2], 25 * USEC_PER_MS);
    contract_wait(w, &r[0].count, 1);
    assert_string_equal(trace, "bca");
    for (unsigned i = 0; i < 3; i++) timer_free(w->env, r[i].timer);
}

static void a_timer_not_set_or_cancelled_does_not_ring(struct contract_world *w)
{
    struct rung never, cancelled;
    rung_init(w, &never);
    rung_init(w, &cancelled);
    rung_set(&cancelled, USEC_PER_MS);
    timer_cancel(w->env, cancelled.timer);
    contract_pass(w, 20 * USEC_PER_MS);
    assert_int_equal(never.count + cancelled.count, 0);
    rung_set(&cancelled, USEC_PER_MS); /* it may be used again */
    contract_wait(w, &cancelled.count, 1);
    timer_free(w->env, never.timer);
    timer_free(w->env, cancelled.timer);
    timer_free(w->env, NULL);
}

static void setting_a_timer_again_moves_it(struct contract_world *w)
{
    struct rung later, sooner;
    rung_init(w, &later);
    rung_init(w, &sooner);
    rung_set(&later, USEC_PER_MS);
    rung_set(&later, 60 * USEC_PER_MS);
    rung_set(&sooner, 60 * USEC_PER_SEC);
    rung_set(&sooner, 5 * USEC_PER_MS);
    contract_pass(w, 30 * USEC_PER_MS);
    assert_int_equal(later.count, 0);
    assert_int_equal(sooner.count, 1);
    contract_wait(w, &later.count, 1);
    contract_pass(w, 10 * USEC_PER_MS);
    assert_int_equal(later.count, 1); /* one shot */
    timer_free(w->env, later.timer);
    timer_free(w->env, sooner.timer);
}

static void a_past_time_is_due_in_a_later_turn(struct contract_world *w)
{
    struct rung r;
    rung_init(w, &r);
    rung_set(&r, -5 * USEC_PER_SEC);
    assert_int_equal(r.count, 0);
    contract_wait(w, &r.count, 1);
    r.free_it = true; /* in its own callback */
    rung_set(&r, 0);
    contract_wait(w, &r.count, 2);
}

/* ---- the end of a turn ------------------------------------------------------------ */

struct hooked {
    struct env *env;
    struct turn_hook *hook;
    char *trace;
    char letter;
    unsigned count;
    struct hooked *free_other;
};

static void on_turn_end(void *self)
{
    struct hooked *h = self;
    h->count++;
    if (strlen(h->trace) < 9) strncat(h->trace, &h->letter, 1);
    if (h->free_other != NULL) turn_hook_free(h->env, h->free_other->hook);
    h->free_other = NULL;
}

static void hooked_init(struct contract_world *w, struct hooked *h, char *trace, char letter)
{
    *h = (struct hooked){.env = w->env, .trace = trace, .letter = letter};
    h->hook = turn_hook_new(w->env, on_turn_end, h);
}

static void hooks_run_in_the_order_they_were_added(struct contract_world *w)
{
    char trace[16] = "";
    struct hooked a, b, c;
    hooked_init(w, &a, trace, 'a');
    hooked_init(w, &b, trace, 'b');
    hooked_init(w, &c, trace, 'c');
    sched_wake(w->env);
    contract_wait(w, &c.count, 1);
    assert_memory_equal(trace, "abc", 3);
    turn_hook_free(w->env, a.hook);
    turn_hook_free(w->env, b.hook);
    turn_hook_free(w->env, c.hook);
    turn_hook_free(w->env, NULL);
}

static void a_freed_hook_runs_no_more(struct contract_world *w)
{
    char trace[16] = "";
    struct hooked a, b;
    hooked_init(w, &a, trace, 'a');
    hooked_init(w, &b, trace, 'b');
    a.free_other = &b; /* before it had its turn */
    sched_wake(w->env);
    contract_wait(w, &a.count, 1);
    sched_wake(w->env);
    contract_wait(w, &a.count, 2);
    assert_int_equal(b.count, 0);
    turn_hook_free(w->env, a.hook);
}

struct order {
    struct env *env;
    unsigned timers, hooks, hook_before_timer;
    struct timer *timer;
    struct turn_hook *hook;
};

static void on_order_timer(void *self)
{
    struct order *o = self;
    o->timers++;
}

static void on_order_hook(void *self)
{
    struct order *o = self;
    o->hooks++;
    if (o->timers == 0) o->hook_before_timer++;
    if (o->hooks < 3) sched_wake(o->env); /* another turn, though nothing else happens */
}

static void hooks_run_after_what_ran_and_wake_gives_another_turn(struct contract_world *w)
{
    contract_pass(w, USEC_PER_MS);
    struct order o = {.env = w->env};
    o.timer = timer_new(w->env, on_order_timer, &o);
    o.hook = turn_hook_new(w->env, on_order_hook, &o);
    sched_wake(w->env);
    contract_wait(w, &o.hooks, 3);
    assert_true(o.hook_before_timer >= 3);
    timer_set(w->env, o.timer, clock_mono_us(w->env));
    contract_wait(w, &o.timers, 1);
    contract_wait(w, &o.hooks, 4);
    timer_free(w->env, o.timer);
    turn_hook_free(w->env, o.hook);
}

/* ---- lanes --------------------------------------------------------------------------- */

#define JOBS 50

struct work {
    struct job job; /* first */
    struct laned *in;
    unsigned number;
};

struct laned {
    struct work works[JOBS];
    unsigned worked, done; /* how many */
    bool out_of_order;
};

static void work(struct job *job)
{
    struct work *k = (struct work *)job;
    if (k->in->worked++ != k->number) k->in->out_of_order = true;
}

static void on_worked(struct job *job)
{
    struct work *k = (struct work *)job;
    if (k->in->done++ != k->number) k->in->out_of_order = true;
    k->job.work = NULL; /* it is ours again */
}

static struct lane *post_all(struct contract_world *w, struct laned *l)
{
    struct lane *lane = lane_open(w->env, "test");
    for (unsigned i = 0; i < JOBS; i++) {
        l->works[i] = (struct work){{work, on_worked, NULL}, l, i};
        lane_post(w->env, lane, &l->works[i].job);
    }
    return lane;
}

static void a_lane_works_its_jobs_in_order(struct contract_world *w)
{
    struct laned l = {.worked = 0};
    struct lane *lane = post_all(w, &l);
    assert_int_equal(l.done, 0); /* only from the loop */
    contract_wait(w, &l.done, JOBS);
    assert_false(l.out_of_order);
    lane_close(w->env, lane);
    lane_close(w->env, NULL);
}

static void closing_a_lane_waits_for_its_jobs(struct contract_world *w)
{
    struct laned l = {.worked = 0};
    struct lane *lane = post_all(w, &l);
    lane_close(w->env, lane);
    assert_int_equal(l.worked, JOBS);
    assert_int_equal(l.done, JOBS);
    assert_false(l.out_of_order);
}

const struct contract_row contract_sched_rows[] = {
    {"clocks_go_forward", clocks_go_forward},
    {"random_differs", random_differs},
    {"timers_are_never_early", timers_are_never_early},
    {"timers_ring_in_order_of_their_times", timers_ring_in_order_of_their_times},
    {"a_timer_not_set_or_cancelled_does_not_ring", a_timer_not_set_or_cancelled_does_not_ring},
    {"setting_a_timer_again_moves_it", setting_a_timer_again_moves_it},
    {"a_past_time_is_due_in_a_later_turn", a_past_time_is_due_in_a_later_turn},
    {"hooks_run_in_the_order_they_were_added", hooks_run_in_the_order_they_were_added},
    {"a_freed_hook_runs_no_more", a_freed_hook_runs_no_more},
    {"hooks_run_after_what_ran_and_wake_gives_another_turn",
     hooks_run_after_what_ran_and_wake_gives_another_turn},
    {"a_lane_works_its_jobs_in_order", a_lane_works_its_jobs_in_order},
    {"closing_a_lane_waits_for_its_jobs", closing_a_lane_waits_for_its_jobs},
    {NULL, NULL},
};
