/* SPDX-License-Identifier: Apache-2.0 */
/* Time, in microseconds. Wall time may jump, monotonic time never does. */
#ifndef KESU_CLOCK_H
#define KESU_CLOCK_H

#include "env.h"

#define USEC_PER_MS   INT64_C(1000)
#define USEC_PER_SEC  INT64_C(1000000)
#define USEC_PER_MIN  (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MIN)
#define USEC_PER_DAY  (24 * USEC_PER_HOUR)

struct clock_ops {
    int64_t (*wall_us)(struct env *env); /* since 1970-01-01T00:00:00Z */
    int64_t (*mono_us)(struct env *env); /* since an arbitrary start */
};

static inline int64_t clock_wall_us(struct env *env)
{
    return env->clock->wall_us(env);
}

static inline int64_t clock_mono_us(struct env *env)
{
    return env->clock->mono_us(env);
}

#endif
