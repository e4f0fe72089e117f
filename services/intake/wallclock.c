/* SPDX-License-Identifier: Apache-2.0 */
#include "wallclock.h"

#include "clock.h"
#include "log.h"

#define DEPARTURE_US (5 * USEC_PER_SEC)

void intake_wallclock_init(struct intake_wallclock *w, struct env *env, int64_t last_us)
{
    int64_t wall = clock_wall_us(env), mono = clock_mono_us(env);
    *w = (struct intake_wallclock){.env = env, .last_us = last_us};
    /* A wall clock far behind the journal has departed before we started. */
    w->base_us = (wall < last_us - DEPARTURE_US ? last_us : wall) - mono;
    intake_wallclock_block_time(w);
}

static void set_alarm(struct intake_wallclock *w, bool alarm, int64_t departure_us)
{
    if (alarm == w->alarm) return;
    w->alarm = alarm;
    if (alarm)
        log_error(w->env, "wall clock jumped: clocks do not fire until it agrees or is accepted",
                  LOG_I64("departure_us", departure_us));
    else
        log_info(w->env, "wall and monotonic clock agree again");
}

int64_t intake_wallclock_block_time(struct intake_wallclock *w)
{
    int64_t wall = clock_wall_us(w->env), mono = clock_mono_us(w->env);
    int64_t departure = wall - mono - w->base_us;
    bool far = departure > DEPARTURE_US || departure < -DEPARTURE_US;
    set_alarm(w, far, departure);
    if (!far) w->base_us = wall - mono; /* a clock that is slewed is followed */
    int64_t now = far ? mono + w->base_us : wall;
    if (now > w->last_us) w->last_us = now;
    return w->last_us;
}

void intake_wallclock_accept(struct intake_wallclock *w)
{
    w->base_us = clock_wall_us(w->env) - clock_mono_us(w->env);
    set_alarm(w, false, 0);
}
