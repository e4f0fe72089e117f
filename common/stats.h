/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics: counters, gauges and histograms, read by Prometheus.
 *
 * Registered once at start, changed by the loop (or a lane) and read by the
 * health thread: values are atomics. Names begin with kesu_, units stand in
 * them (_seconds, _bytes, _total). */
#ifndef KESU_STATS_H
#define KESU_STATS_H

#include <stdatomic.h>

#include "mem.h"

struct stats;
struct stats_value {
    _Atomic int64_t v;
};
struct stats_histogram;

enum stats_kind { STATS_COUNTER, STATS_GAUGE };

struct stats *stats_new(struct mem *m);
void stats_free(struct stats **p);

/* labels: `reason="retry"` or NULL. Never NULL; lives as long as the registry. */
struct stats_value *stats_value(struct stats *s, enum stats_kind kind, const char *name, const char *labels,
                                const char *help);
/* Buckets are powers of two of a microsecond, shown in seconds. */
struct stats_histogram *stats_histogram(struct stats *s, const char *name, const char *labels,
                                        const char *help);
void stats_observe_us(struct stats_histogram *h, int64_t us);

static inline void stats_add(struct stats_value *v, int64_t n)
{
    atomic_fetch_add_explicit(&v->v, n, memory_order_relaxed);
}
static inline void stats_set(struct stats_value *v, int64_t n)
{
    atomic_store_explicit(&v->v, n, memory_order_relaxed);
}
static inline int64_t stats_get(const struct stats_value *v)
{
    return atomic_load_explicit(&v->v, memory_order_relaxed);
}

/* Text exposition format 0.0.4; to be freed with mem_free. Any thread. */
char *stats_render(struct stats *s, struct mem *m);

#endif
