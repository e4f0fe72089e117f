/* SPDX-License-Identifier: Apache-2.0 */
/* Block time = max(wall, previous block time): the only legal time.
 *
 * When the wall clock departs from the monotonic one by more than 5 s, block
 * time goes on by the monotonic clock and an alarm is up, until both agree
 * again or a person accepts the wall clock as it is. */
#ifndef INTAKE_WALLCLOCK_H
#define INTAKE_WALLCLOCK_H

#include "env.h"

struct intake_wallclock {
    struct env *env;
    int64_t base_us; /* wall minus monotonic when they last agreed */
    int64_t last_us; /* newest block time */
    bool alarm;
};

/* last_us: time of the newest block, 0: none. */
void intake_wallclock_init(struct intake_wallclock *w, struct env *env, int64_t last_us);
/* Looks at both clocks; the time for a block that begins now. */
int64_t intake_wallclock_block_time(struct intake_wallclock *w);
void intake_wallclock_accept(struct intake_wallclock *w);

#endif
