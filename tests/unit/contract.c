/* SPDX-License-Identifier: Apache-2.0 */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "sched.h"
#include "unit.h"

struct contract_case {
    const struct contract_row *row;
    void (*open)(struct contract_world *w);
    void (*close)(struct contract_world *w);
    struct contract_world world;
};

static int open_world(void **state)
{
    struct contract_case *c = *state;
    c->world = (struct contract_world){0};
    c->open(&c->world);
    return 0;
}

static int close_world(void **state)
{
    struct contract_case *c = *state;
    c->close(&c->world);
    return 0;
}

static void run_row(void **state)
{
    struct contract_case *c = *state;
    c->row->run(&c->world);
}

int contract_main(const char *name, void (*open)(struct contract_world *w),
                  void (*close)(struct contract_world *w))
{
    const struct contract_row *const tables[] = {contract_sched_rows, contract_bus_rows, contract_store_rows,
                                                 contract_files_rows};
    enum { MAX = 100 };
    static struct contract_case cases[MAX];
    static struct CMUnitTest tests[MAX];
    size_t n = 0;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        for (const struct contract_row *row = tables[t]; row->name != NULL; row++, n++) {
            if (n == MAX) return EXIT_FAILURE;
            cases[n] = (struct contract_case){.row = row, .open = open, .close = close};
            tests[n] = (struct CMUnitTest){row->name, run_row, open_world, close_world, &cases[n]};
        }
    }
    return _cmocka_run_group_tests(name, tests, n, NULL, NULL);
}

struct wanted {
    const unsigned *count;
    unsigned n;
};

static bool has_come(void *arg)
{
    const struct wanted *wanted = arg;
    return *wanted->count >= wanted->n;
}

void contract_wait(struct contract_world *w, const unsigned *count, unsigned n)
{
    struct wanted wanted = {count, n};
    if (!w->run(w, has_come, &wanted)) fail_msg("%u of %u came", *count, n);
}

static void count_one(void *self)
{
    unsigned *count = self;
    ++*count;
}

void contract_pass(struct contract_world *w, int64_t us)
{
    unsigned rung = 0;
    struct timer *t = timer_new(w->env, count_one, &rung);
    timer_set(w->env, t, clock_mono_us(w->env) + us);
    contract_wait(w, &rung, 1);
    timer_free(w->env, t);
}

static const char *keep(const char *before, const char *dir, const char *name)
{
    static char kept[4][256];
    static unsigned next;
    char *text = kept[next++ % 4];
    snprintf(text, sizeof kept[0], "%s%s/%s", before, dir, name);
    return text;
}

const char *contract_path(struct contract_world *w, const char *name)
{
    return keep("", w->dir, name);
}

const char *contract_endpoint(struct contract_world *w, const char *name)
{
    return keep("ipc://", w->dir, name);
}
