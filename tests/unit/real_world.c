/* SPDX-License-Identifier: Apache-2.0 */
#include "real_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "clock.h"
#include "sched.h"

int real_world_open(void **state)
{
    struct real_world *w = calloc(1, sizeof(*w));
    CHECK(w != NULL && env_real_new("test", &w->real) == 0);
    w->env = env_real_env(w->real);
    snprintf(w->dir, sizeof(w->dir), "/tmp/kesu-unit-XXXXXX");
    CHECK(mkdtemp(w->dir) != NULL);
    *state = w;
    return 0;
}

int real_world_close(void **state)
{
    struct real_world *w = *state;
    env_real_free(&w->real);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", w->dir);
    int status = system(command);
    free(w);
    return status;
}

struct waiting {
    struct env *env;
    const unsigned *count;
    unsigned n;
    bool late;
};

static void on_turn_end(void *self)
{
    struct waiting *wait = self;
    if (*wait->count >= wait->n) env_stop(wait->env, 0);
}

static void on_late(void *self)
{
    struct waiting *wait = self;
    wait->late = true;
    env_stop(wait->env, 0);
}

static bool run_until(struct real_world *w, const unsigned *count, unsigned n, int64_t limit_us)
{
    struct waiting wait = {.env = w->env, .count = count, .n = n};
    if (*count >= n) return true;
    struct turn_hook *hook = turn_hook_new(w->env, on_turn_end, &wait);
    struct timer *limit = timer_new(w->env, on_late, &wait);
    timer_set(w->env, limit, clock_mono_us(w->env) + limit_us);
    env_real_run(w->real);
    timer_free(w->env, limit);
    turn_hook_free(w->env, hook);
    return !wait.late;
}

bool real_world_wait(struct real_world *w, const unsigned *count, unsigned n)
{
    return run_until(w, count, n, 20 * USEC_PER_SEC);
}

void real_world_pass(struct real_world *w, int64_t us)
{
    unsigned never = 0;
    run_until(w, &never, 1, us);
}
