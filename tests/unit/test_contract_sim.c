/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of struct env, in the simulated world. */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "contract.h"
#include "files.h"
#include "sim/sim.h"
#include "unit.h"

static void on_boot(void *self, struct env *env)
{
    struct contract_world *w = self;
    w->env = env;
}

static bool run(struct contract_world *w, bool (*done)(void *arg), void *arg)
{
    struct sim *s = w->self;
    int64_t until_us = sim_now_us(s) + 20 * USEC_PER_SEC;
    while (!done(arg))
        if (!sim_step(s, until_us)) return false;
    return true;
}

static void open_world(struct contract_world *w)
{
    static uint64_t seed = 1;
    struct sim *s = sim_new(seed++, 1764000000 * USEC_PER_SEC);
    w->self = s;
    w->run = run;
    snprintf(w->dir, sizeof w->dir, "data/test");
    sim_instance_new(s, "test", on_boot, w);
    assert_int_equal(files_mkdir(w->env, w->dir), 0);
}

static void close_world(struct contract_world *w)
{
    struct sim *s = w->self;
    sim_free(&s);
}

int main(void)
{
    return contract_main("contract, simulated", open_world, close_world);
}
