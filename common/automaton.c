// SPDX-License-Identifier: Apache-2.0
// States are places in the double array: the child of s by byte c is at
// base[s] + c when check[] there names s. The trie is laid out level by level
// from the sorted patterns, so that a state's failure target, which is
// shallower, is always there before it.
#include "automaton.h"

#include <stdlib.h>

#include "check.h"
#include "err.h"

enum { ROOT = 0, NOBODY = -1, TOTAL_MAX = 1 << 20, SEARCH_MAX = 512 };

struct state {
    int32_t base;
    int32_t check; /* parent, or NOBODY */
    int32_t fail;
    int32_t out; /* nearest state on the failure path, itself included, that ends a pattern */
};

struct automaton {
    struct mem *mem;
    struct state *states;
    int32_t *pattern;  /* of a state that ends one, or NOBODY */
    int32_t *shorter;  /* next `out` below a state that ends a pattern */
    uint32_t *lengths; /* of patterns */
    uint32_t n_states, used;
    int32_t from_root[256];
};

/* A trie node still to be expanded: patterns [low, high) share `depth` bytes. */
struct node {
    uint32_t low, high, depth;
    int32_t state;
};

struct builder {
    struct automaton *a;
    const struct span *patterns;
    uint32_t *order; /* of the patterns, sorted */
    struct node *queue;
    uint32_t head, tail;
    uint32_t first_free, search_from;
};

static int compare_patterns(const void *x, const void *y, void *patterns)
{
    const struct span *p = patterns;
    return span_compare(p[*(const uint32_t *)x], p[*(const uint32_t *)y]);
}

static void grow(struct automaton *a, uint32_t least)
{
    uint32_t n = a->n_states;
    if (least <= n) return;
    uint32_t to = least + least / 2 + 512;
    a->states = mem_realloc(a->mem, a->states, to * sizeof *a->states);
    a->pattern = mem_realloc(a->mem, a->pattern, to * sizeof *a->pattern);
    a->shorter = mem_realloc(a->mem, a->shorter, to * sizeof *a->shorter);
    for (; n < to; n++) {
        a->states[n] = (struct state){.base = 0, .check = NOBODY, .fail = ROOT, .out = NOBODY};
        a->pattern[n] = NOBODY;
        a->shorter[n] = NOBODY;
    }
    a->n_states = to;
}

static int32_t child_of(const struct automaton *a, int32_t s, uint8_t c)
{
    if (s == ROOT) return a->from_root[c];
    int32_t t = a->states[s].base + c;
    return (uint32_t)t < a->n_states && a->states[t].check == s ? t : NOBODY;
}

/* A place where all the bytes find a free state. A single one goes to the first
 * free state; for several, a stretch that was searched long is not searched
 * again: a little room is left empty there. */
static int32_t find_base(struct builder *b, const uint8_t *bytes, unsigned n)
{
    struct automaton *a = b->a;
    while (b->first_free < a->n_states && a->states[b->first_free].check != NOBODY) b->first_free++;
    if (b->search_from < b->first_free) b->search_from = b->first_free;
    uint32_t from = n == 1 ? b->first_free : b->search_from;
    CHECK(from > 255);
    for (uint32_t at = from;; at++) {
        uint32_t base = at - bytes[0];
        grow(a, base + 257);
        unsigned i = 0;
        while (i < n && a->states[base + bytes[i]].check == NOBODY) i++;
        if (i < n) continue;
        if (n > 1 && at - from > SEARCH_MAX) b->search_from = at - SEARCH_MAX / 2;
        return (int32_t)base;
    }
}

static void add_state(struct builder *b, const struct node *parent, uint8_t c, uint32_t low, uint32_t high)
{
    struct automaton *a = b->a;
    int32_t s = a->states[parent->state].base + c;
    struct state *state = &a->states[s];
    state->check = parent->state;
    if ((uint32_t)s >= a->used) a->used = (uint32_t)s + 1;
    int32_t fail = ROOT;
    if (parent->state == ROOT) {
        a->from_root[c] = s;
    } else {
        int32_t f = a->states[parent->state].fail, t;
        while ((t = child_of(a, f, c)) == NOBODY && f != ROOT) f = a->states[f].fail;
        fail = t != NOBODY ? t : ROOT;
    }
    state->fail = fail;
    state->out = a->states[fail].out;
    uint32_t first = b->order[low];
    if (b->patterns[first].n == parent->depth + 1) {
        a->pattern[s] = (int32_t)first;
        a->shorter[s] = state->out;
        state->out = s;
        low++;
    }
    if (low < high) b->queue[b->tail++] = (struct node){low, high, parent->depth + 1, s};
}

static void expand(struct builder *b, const struct node *node)
{
    uint8_t bytes[256];
    uint32_t starts[257];
    unsigned n = 0;
    for (uint32_t i = node->low; i < node->high; i++) {
        uint8_t c = b->patterns[b->order[i]].p[node->depth];
        if (n > 0 && bytes[n - 1] == c) continue;
        bytes[n] = c;
        starts[n++] = i;
    }
    starts[n] = node->high;
    int32_t base = find_base(b, bytes, n);
    b->a->states[node->state].base = base;
    for (unsigned i = 0; i < n; i++) b->a->states[base + bytes[i]].check = node->state;
    for (unsigned i = 0; i < n; i++) add_state(b, node, bytes[i], starts[i], starts[i + 1]);
}

int automaton_new(struct mem *m, const struct span *patterns, uint32_t n, struct automaton **ret)
{
    size_t total = 0;
    for (uint32_t i = 0; i < n; i++) {
        CHECK(patterns[i].n > 0);
        if (patterns[i].n > TOTAL_MAX || (total += patterns[i].n) > TOTAL_MAX) return E_TOO_BIG;
    }
    struct automaton *a = mem_zalloc(m, sizeof *a);
    a->mem = m;
    grow(a, 512);
    a->used = 1;
    memset(a->from_root, 0xff, sizeof a->from_root);
    a->lengths = mem_alloc(m, (n + 1) * sizeof *a->lengths);
    struct builder b = {.a = a, .patterns = patterns, .first_free = 257};
    b.order = mem_alloc(m, (n + 1) * sizeof *b.order);
    b.queue = mem_alloc(m, (total + 1) * sizeof *b.queue);
    for (uint32_t i = 0; i < n; i++) {
        b.order[i] = i;
        a->lengths[i] = (uint32_t)patterns[i].n;
    }
    if (n > 0) {
        qsort_r(b.order, n, sizeof *b.order, compare_patterns, (void *)(uintptr_t)patterns);
        b.queue[b.tail++] = (struct node){0, n, 0, ROOT};
    }
    while (b.head < b.tail) expand(&b, &b.queue[b.head++]);
    mem_free(m, b.order);
    mem_free(m, b.queue);
    *ret = a;
    return 0;
}

void automaton_free(struct automaton **p)
{
    struct automaton *a = *p;
    if (a == NULL) return;
    mem_free(a->mem, a->states);
    mem_free(a->mem, a->pattern);
    mem_free(a->mem, a->shorter);
    mem_free(a->mem, a->lengths);
    mem_free(a->mem, a);
    *p = NULL;
}

void automaton_scan(const struct automaton *a, struct span text, automaton_on_match on_match, void *self)
{
    const struct state *states = a->states;
    uint32_t n_states = a->n_states;
    int32_t s = ROOT;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        while (s != ROOT) {
            uint32_t t = (uint32_t)(states[s].base + c);
            if (t < n_states && states[t].check == s) {
                s = (int32_t)t;
                goto moved;
            }
            s = states[s].fail;
        }
        s = a->from_root[c];
        if (s == NOBODY) s = ROOT;
    moved:
        for (int32_t out = states[s].out; out != NOBODY; out = a->shorter[out]) {
            uint32_t pattern = (uint32_t)a->pattern[out];
            on_match(self, pattern, i + 1 - a->lengths[pattern], i + 1);
        }
    }
}
