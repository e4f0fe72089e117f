// SPDX-License-Identifier: Apache-2.0
// The metrics registry. Registering and rendering take a lock; counting does
// not. Entries of one name stand together in the output, however registered.
#include "stats.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "check.h"

// Buckets from 2^4 microseconds (16 us) to 2^34 (about 5 hours), then all.
enum { FIRST_POWER = 4, LAST_POWER = 34, N_BUCKETS = LAST_POWER - FIRST_POWER + 2 };

struct stats_histogram {
    _Atomic int64_t buckets[N_BUCKETS];
    _Atomic int64_t sum_us;
};

enum entry_kind { ENTRY_COUNTER, ENTRY_GAUGE, ENTRY_HISTOGRAM };

struct entry {
    struct entry *next;
    enum entry_kind kind;
    char *name, *labels, *help;
    union {
        struct stats_value value;
        struct stats_histogram histogram;
    };
};

struct stats {
    struct mem *mem;
    pthread_mutex_t lock;
    struct entry *first, **last;
};

struct out {
    struct mem *mem;
    char *p;
    size_t n, size;
};

struct stats *stats_new(struct mem *m)
{
    struct stats *s = mem_zalloc(m, sizeof *s);
    s->mem = m;
    s->last = &s->first;
    CHECK(pthread_mutex_init(&s->lock, NULL) == 0);
    return s;
}

void stats_free(struct stats **p)
{
    struct stats *s = *p;
    if (s == NULL) return;
    for (struct entry *e = s->first, *next; e != NULL; e = next) {
        next = e->next;
        mem_free(s->mem, e->name);
        mem_free(s->mem, e->labels);
        mem_free(s->mem, e->help);
        mem_free(s->mem, e);
    }
    pthread_mutex_destroy(&s->lock);
    mem_free(s->mem, s);
    *p = NULL;
}

static struct entry *entry_get(struct stats *s, enum entry_kind kind, const char *name, const char *labels,
                               const char *help)
{
    if (labels == NULL) labels = "";
    pthread_mutex_lock(&s->lock);
    struct entry *e = s->first;
    while (e != NULL && (strcmp(e->name, name) != 0 || strcmp(e->labels, labels) != 0)) e = e->next;
    if (e == NULL) {
        e = mem_zalloc(s->mem, sizeof *e);
        e->kind = kind;
        e->name = mem_strdup(s->mem, name);
        e->labels = mem_strdup(s->mem, labels);
        e->help = mem_strdup(s->mem, help);
        *s->last = e;
        s->last = &e->next;
    }
    pthread_mutex_unlock(&s->lock);
    CHECK(e->kind == kind);
    return e;
}

struct stats_value *stats_value(struct stats *s, enum stats_kind kind, const char *name, const char *labels,
                                const char *help)
{
    enum entry_kind k = kind == STATS_COUNTER ? ENTRY_COUNTER : ENTRY_GAUGE;
    return &entry_get(s, k, name, labels, help)->value;
}

struct stats_histogram *stats_histogram(struct stats *s, const char *name, const char *labels,
                                        const char *help)
{
    return &entry_get(s, ENTRY_HISTOGRAM, name, labels, help)->histogram;
}

void stats_observe_us(struct stats_histogram *h, int64_t us)
{
    if (us < 0) us = 0;
    // The smallest power with us <= 2^power.
    int power = us <= 1 ? 0 : 64 - __builtin_clzll((unsigned long long)us - 1);
    int i = power <= FIRST_POWER ? 0 : power - FIRST_POWER;
    if (i >= N_BUCKETS) i = N_BUCKETS - 1;
    atomic_fetch_add_explicit(&h->buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum_us, us, memory_order_relaxed);
}

__attribute__((format(printf, 2, 3))) static void out_printf(struct out *o, const char *format, ...)
{
    for (;;) {
        va_list args;
        va_start(args, format);
        int n = vsnprintf(o->p + o->n, o->size - o->n, format, args);
        va_end(args);
        CHECK(n >= 0);
        if ((size_t)n < o->size - o->n) {
            o->n += (size_t)n;
            return;
        }
        o->size = o->size * 2 + (size_t)n;
        o->p = mem_realloc(o->mem, o->p, o->size);
    }
}

static void render_histogram(struct out *o, const struct entry *e)
{
    const char *comma = *e->labels != '\0' ? "," : "";
    int64_t total = 0;
    for (int i = 0; i < N_BUCKETS; i++) {
        total += atomic_load_explicit(&e->histogram.buckets[i], memory_order_relaxed);
        if (i + 1 < N_BUCKETS)
            out_printf(o, "%s_bucket{%s%sle=\"%.9g\"} %" PRId64 "\n", e->name, e->labels, comma,
                       (double)(INT64_C(1) << (i + FIRST_POWER)) / 1e6, total);
        else
            out_printf(o, "%s_bucket{%s%sle=\"+Inf\"} %" PRId64 "\n", e->name, e->labels, comma, total);
    }
    const char *open = *e->labels != '\0' ? "{" : "", *close = *e->labels != '\0' ? "}" : "";
    double sum = (double)atomic_load_explicit(&e->histogram.sum_us, memory_order_relaxed) / 1e6;
    out_printf(o, "%s_sum%s%s%s %.6f\n", e->name, open, e->labels, close, sum);
    out_printf(o, "%s_count%s%s%s %" PRId64 "\n", e->name, open, e->labels, close, total);
}

static void render_entry(struct out *o, const struct entry *e)
{
    if (e->kind == ENTRY_HISTOGRAM)
        render_histogram(o, e);
    else if (*e->labels != '\0')
        out_printf(o, "%s{%s} %" PRId64 "\n", e->name, e->labels, stats_get(&e->value));
    else
        out_printf(o, "%s %" PRId64 "\n", e->name, stats_get(&e->value));
}

static bool is_first_of_name(const struct stats *s, const struct entry *e)
{
    for (const struct entry *x = s->first; x != e; x = x->next)
        if (strcmp(x->name, e->name) == 0) return false;
    return true;
}

char *stats_render(struct stats *s, struct mem *m)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    struct out o = {.mem = m, .size = 4096};
    o.p = mem_alloc(m, o.size);
    o.p[0] = '\0';
    pthread_mutex_lock(&s->lock);
    for (struct entry *e = s->first; e != NULL; e = e->next) {
        if (!is_first_of_name(s, e)) continue;
        out_printf(&o, "# HELP %s %s\n# TYPE %s %s\n", e->name, e->help, e->name, types[e->kind]);
        for (struct entry *x = e; x != NULL; x = x->next)
            if (strcmp(x->name, e->name) == 0) render_entry(&o, x);
    }
    pthread_mutex_unlock(&s->lock);
    return o.p;
}
