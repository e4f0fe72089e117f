/* SPDX-License-Identifier: Apache-2.0 */
#include "wallclock.h"

#include "clock.h"
#include "log.h"

#define DEPARTURE_US (5 * USEC_PER_SEC)

void sla_wallclock_init(struct sla_wallclock *w, struct env *env)
{
    w->base_us = clock_wall_us(env) - clock_mono_us(env);
    w->alarm = false;
}

bool sla_wallclock_look(struct sla_wallclock *w, struct env *env)
{
    int64_t now = clock_wall_us(env) - clock_mono_us(env);
    int64_t departure = now - w->base_us;
    bool alarm = departure > DEPARTURE_US || departure < -DEPARTURE_US;
    if (!alarm) w->base_us = now;
    if (alarm == w->alarm) return false;
    w->alarm = alarm;
    if (alarm)
        log_error(env, "the wall clock jumped: nothing is fired until it agrees or is accepted",
                  LOG_I64("departure_us", departure));
    else
        log_info(env, "wall and monotonic clock agree again");
    return true;
}
