/* SPDX-License-Identifier: Apache-2.0 */
#include "histogram.h"

/* 2^(62 + j/4), rounded up: where the quarters of an octave begin. */
static const uint64_t quarters[4] = {UINT64_C(4611686018427387904), UINT64_C(5484249825272419512),
                                     UINT64_C(6521908912666391107), UINT64_C(7755900482342532475)};

unsigned analytics_histogram_bucket(int64_t us)
{
    if (us < 1) return 0;
    uint64_t v = (uint64_t)us;
    unsigned octave = 63 - (unsigned)__builtin_clzll(v), quarter = 3;
    v <<= 62 - octave;
    while (v < quarters[quarter]) quarter--;
    return 4 * octave + quarter;
}

/* Where bucket i ends: the first value that is not in it. */
static int64_t edge(unsigned i)
{
    unsigned octave = (i + 1) / 4;
    if (octave > 62) return INT64_MAX;
    uint64_t q = quarters[(i + 1) % 4], unit = UINT64_C(1) << (62 - octave);
    return (int64_t)(q / unit + (q % unit != 0));
}

void analytics_histogram_add(struct analytics_histogram *h, int64_t us)
{
    h->count++;
    h->buckets[analytics_histogram_bucket(us)]++;
    if (us > h->max_us) h->max_us = us;
}

int64_t analytics_histogram_quantile(const struct analytics_histogram *h, unsigned percent)
{
    uint64_t wanted = h->count / 100 * percent + (h->count % 100 * percent + 99) / 100, seen = 0;
    if (h->count == 0) return 0;
    if (wanted == 0) wanted = 1;
    for (unsigned i = 0; i < ANALYTICS_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen < wanted) continue;
        int64_t end = edge(i);
        return end < h->max_us ? end : h->max_us;
    }
    return h->max_us;
}

unsigned analytics_histogram_used(const struct analytics_histogram *h)
{
    unsigned n = ANALYTICS_BUCKETS;
    while (n > 0 && h->buckets[n - 1] == 0) n--;
    return n;
}
