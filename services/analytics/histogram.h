/* SPDX-License-Identifier: Apache-2.0 */
/* Times on a logarithmic scale: bucket i counts values in
 * [2^(i/4), 2^((i+1)/4)) microseconds, so that histograms of several periods or
 * places are merged by adding. Pure. */
#ifndef KESU_ANALYTICS_HISTOGRAM_H
#define KESU_ANALYTICS_HISTOGRAM_H

#include "span.h"

#define ANALYTICS_BUCKETS 252 /* to 2^63 microseconds */

struct analytics_histogram {
    uint64_t count;
    int64_t max_us;
    uint64_t buckets[ANALYTICS_BUCKETS];
};

unsigned analytics_histogram_bucket(int64_t us); /* what is not positive falls into the first */
void analytics_histogram_add(struct analytics_histogram *h, int64_t us);
/* The value that percent of all do not exceed, to the upper edge of its bucket; 0 when empty. */
int64_t analytics_histogram_quantile(const struct analytics_histogram *h, unsigned percent);
/* Buckets up to the last that is not empty. */
unsigned analytics_histogram_used(const struct analytics_histogram *h);

#endif
