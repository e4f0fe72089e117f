/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a failing run smaller: a shorter time, fewer acts of people, fewer
 * faults (delta debugging over their numbers), as long as the same thing
 * breaks. Each try is a run in a process of its own. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "clock.h"
#include "plan.h"

#define MOST_TRIES 400

struct shrink {
    const struct options *opts;
    char wanted[48]; /* how it breaks, without numbers */
    unsigned tries;
    struct plan best;
    struct result result; /* of the best */
};

/* The same thing breaks when the words are the same. */
static void words_of(const struct result *r, char ret[48])
{
    const char *text = r->done ? r->broken : "the process ended by itself";
    unsigned n = 0;
    for (; *text != '\0' && n < 47; text++)
        if (isalpha((unsigned char)*text) || *text == ' ') ret[n++] = *text;
    ret[n] = '\0';
}

/* Keeps the plan when it breaks the same. */
static bool try_plan(struct shrink *s, const struct plan *p)
{
    struct result r;
    char words[48];
    if (s->tries >= MOST_TRIES) return false;
    s->tries++;
    if (seeds_try(s->opts, p, &r, NULL)) return false;
    words_of(&r, words);
    if (strcmp(words, s->wanted) != 0) return false;
    s->best = *p;
    s->result = r;
    return true;
}

/* Complements of ever smaller parts, until no single fault can be left out. */
static void fewer_fires(struct shrink *s)
{
    for (unsigned parts = 2; s->best.n_fires > 0;) {
        bool smaller = false;
        unsigned n = s->best.n_fires, size = (n + parts - 1) / parts;
        for (unsigned from = 0; from < n && !smaller; from += size) {
            struct plan p = s->best;
            unsigned to = from + size < n ? from + size : n;
            memmove(p.fires + from, p.fires + to, (n - to) * sizeof p.fires[0]);
            p.n_fires = n - (to - from);
            smaller = try_plan(s, &p);
        }
        if (s->tries >= MOST_TRIES) return;
        if (smaller) {
            parts = parts > 2 ? parts - 1 : 2;
        } else if (size == 1) {
            return;
        } else {
            parts = 2 * parts < n ? 2 * parts : n;
        }
    }
}

static void fewer_acts(struct shrink *s)
{
    uint32_t low = 0, high = s->result.acts;
    while (low < high) {
        struct plan p = s->best;
        p.acts = low + (high - low) / 2;
        if (try_plan(s, &p))
            high = p.acts;
        else
            low = p.acts + 1;
    }
}

static void shorter(struct shrink *s)
{
    int64_t low = USEC_PER_SEC, high = s->result.for_us;
    while (high - low > USEC_PER_SEC) {
        struct plan p = s->best;
        p.for_us = low + (high - low) / 2;
        if (try_plan(s, &p))
            high = p.for_us;
        else
            low = p.for_us;
    }
}

void shrink_run(const struct options *opts, const struct plan *plan)
{
    static struct shrink s;
    s = (struct shrink){.opts = opts, .best = *plan};
    s.best.only = plan->only;
    if (seeds_try(opts, plan, &s.result, s.best.fires)) {
        printf("seed %llu: nothing is broken\n", (unsigned long long)plan->seed);
        return;
    }
    words_of(&s.result, s.wanted);
    unsigned n_before = s.result.n_fires;
    struct plan p = s.best;
    p.only = s.result.done; /* a process that ended did not say what happened */
    p.n_fires = s.result.n_fires;
    if (p.only && !try_plan(&s, &p)) {
        printf("seed %llu: it does not break twice in the same way\n", (unsigned long long)plan->seed);
        return;
    }
    shorter(&s);
    fewer_fires(&s);
    fewer_acts(&s);
    fewer_fires(&s);
    printf("seed %llu, smaller (%u tries): %u faults of %u, %u acts of people, %lld s\n  %s\n",
           (unsigned long long)plan->seed, s.tries, s.best.n_fires, n_before, s.result.acts,
           (long long)(s.result.for_us / USEC_PER_SEC),
           s.result.done ? s.result.broken : "the process ended by itself");
    plan_print(opts, &s.best);
}
