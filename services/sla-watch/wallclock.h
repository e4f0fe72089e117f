/* SPDX-License-Identifier: Apache-2.0 */
/* Does the wall clock still go as the monotonic one does?
 *
 * When they depart by more than 5 s nothing is fired, until they agree again
 * or a person accepted the wall clock as it is. A clock that is slewed is
 * followed. */
#ifndef KESU_SLA_WALLCLOCK_H
#define KESU_SLA_WALLCLOCK_H

#include "env.h"

struct sla_wallclock {
    int64_t base_us; /* wall minus monotonic when they last agreed */
    bool alarm;
};

void sla_wallclock_init(struct sla_wallclock *w, struct env *env);
/* Looks at both. True when the alarm went up or down. */
bool sla_wallclock_look(struct sla_wallclock *w, struct env *env);

#endif
