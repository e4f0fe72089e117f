// SPDX-License-Identifier: Apache-2.0
// The subcommand: what was asked for; printing needs no daemon.
#include "demo.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "demo_run.h"
#include "env.h"
#include "json.h"

enum { COMPLAINT_ARENA = 1 << 20 };

static int print_all(struct cli *c, const struct demo_options *o)
{
    struct demo_random random = {o->seed};
    struct arena kept = c->arena;
    arena_init(&c->arena, &mem_libc, COMPLAINT_ARENA);
    for (unsigned i = 0; (o->complaints == 0 || i < o->complaints) && !ferror(stdout); i++) {
        struct demo_complaint d;
        arena_reset(&c->arena);
        demo_invent(c, &random, &c->arena, "0", i, &d);
        cli_print_json(c, d.message);
    }
    arena_deinit(&c->arena);
    c->arena = kept;
    return 0;
}

int cli_demo(struct cli *c)
{
    int64_t complaints = 0, rate = 0, seed = 0;
    struct demo_options o = {.maildir = cli_flag(c, "maildir"), .incoming = cli_flag(c, "incoming")};
    int status = cli_flag_int(c, "complaints", 0, 1000000, &complaints);
    if (status == 0) status = cli_flag_int(c, "rate", 1, 100000, &rate);
    if (status == 0) status = cli_flag_int(c, "seed", 1, INT64_MAX, &seed);
    if (status == 0) status = cli_flag_duration(c, "limit", &o.limit_us);
    if (status != 0) return status;
    o.complaints = (unsigned)complaints;
    o.rate = (unsigned)rate;
    o.seed = (uint64_t)seed;
    o.follow = cli_switch(c, "follow");
    while (o.seed == 0) env_random(cli_env(c), &o.seed, sizeof o.seed);
    return cli_switch(c, "print") ? print_all(c, &o) : demo_run(c, &o);
}
