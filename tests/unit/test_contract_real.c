/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of struct env, in the real world. */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "contract.h"
#include "env_real.h"
#include "sched.h"
#include "unit.h"

struct waiting {
    struct env *env;
    bool (*done)(void *arg);
    void *arg;
    bool late;
};

static void on_turn_end(void *self)
{
    struct waiting *wait = self;
    if (wait->done(wait->arg)) env_stop(wait->env, 0);
}

static void on_late(void *self)
{
    struct waiting *wait = self;
    wait->late = true;
    env_stop(wait->env, 1);
}

static bool run(struct contract_world *w, bool (*done)(void *arg), void *arg)
{
    struct waiting wait = {.env = w->env, .done = done, .arg = arg};
    if (done(arg)) return true;
    struct turn_hook *hook = turn_hook_new(w->env, on_turn_end, &wait);
    struct timer *limit = timer_new(w->env, on_late, &wait);
    timer_set(w->env, limit, clock_mono_us(w->env) + 20 * USEC_PER_SEC);
    env_real_run(w->self);
    timer_free(w->env, limit);
    turn_hook_free(w->env, hook);
    return !wait.late;
}

static void open_world(struct contract_world *w)
{
    struct env_real *r = NULL;
    assert_int_equal(env_real_new("test", &r), 0);
    w->self = r;
    w->env = env_real_env(r);
    w->run = run;
    snprintf(w->dir, sizeof(w->dir), "/tmp/kesu-contract-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
}

static void close_world(struct contract_world *w)
{
    struct env_real *r = w->self;
    env_real_free(&r);
    char command[200];
    snprintf(command, sizeof(command), "rm -rf '%s'", w->dir);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    return contract_main("contract, real", open_world, close_world);
}
