/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler on libuv.
 *
 * A turn is one iteration of the uv loop. ZeroMQ's descriptors are edge
 * triggered and every send may swallow the edge, so the poll callbacks do
 * nothing: `prepare` asks each source whether it has input and, if so, starts
 * an idle handle so that the poll does not sleep; `check` drains the sources,
 * then fires due timers, then finished jobs, then the turn hooks. */
#include "check.h"
#include "err.h"
#include "real.h"
#include "stats.h"

#define TICK_MS 250

struct turn_hook {
    struct env_real *real;
    void (*on_turn_end)(void *self);
    void *self;
    struct turn_hook *next;
    bool dead;
};

static struct turn_hook *hook_new(struct env *env, void (*on_turn_end)(void *self), void *self)
{
    struct env_real *r = real_of(env);
    struct turn_hook *h = mem_zalloc(&env->mem, sizeof(*h));
    h->real = r;
    h->on_turn_end = on_turn_end;
    h->self = self;
    struct turn_hook **last = &r->hooks;
    while (*last != NULL) last = &(*last)->next;
    *last = h;
    return h;
}

static void sweep(struct env_real *r)
{
    if (r->walking) return;
    for (struct turn_hook **p = &r->hooks; *p != NULL;) {
        struct turn_hook *h = *p;
        if (!h->dead) {
            p = &h->next;
            continue;
        }
        *p = h->next;
        mem_free(&r->env.mem, h);
    }
    for (struct real_source **p = &r->sources; *p != NULL;) {
        struct real_source *s = *p;
        if (!s->dead) {
            p = &s->next;
            continue;
        }
        *p = s->next;
        s->free(s);
    }
}

static void hook_free(struct turn_hook *h)
{
    if (h == NULL) return;
    h->dead = true;
    sweep(h->real);
}

void loop_uv_add_source(struct env_real *r, struct real_source *s)
{
    s->dead = false;
    s->next = NULL;
    struct real_source **last = &r->sources;
    while (*last != NULL) last = &(*last)->next;
    *last = s;
}

void loop_uv_drop_source(struct env_real *r, struct real_source *s)
{
    s->dead = true;
    sweep(r);
}

static void wake(struct env *env)
{
    real_of(env)->woken = true;
}

static void note_turn(struct env_real *r)
{
    atomic_store_explicit(&r->last_turn, clock_mono_us(&r->env), memory_order_relaxed);
}

static void on_idle(uv_idle_t *handle)
{
    (void)handle; /* while it is started, the poll does not sleep */
}

static void on_prepare(uv_prepare_t *handle)
{
    struct env_real *r = handle->data;
    r->forced = r->woken || r->stopping;
    r->woken = false;
    bool more = r->forced || r->timers.expired;
    r->timers.expired = false;
    for (struct real_source *s = r->sources; s != NULL && !more; s = s->next)
        more = !s->dead && s->has_input(s);
    if (more)
        uv_idle_start(&r->idle, on_idle);
    else
        uv_idle_stop(&r->idle);
    note_turn(r);
}

static void on_check(uv_check_t *handle)
{
    struct env_real *r = handle->data;
    int64_t start_us = clock_mono_us(&r->env);
    bool ran = r->ran || r->forced;
    r->walking = true;
    for (struct real_source *s = r->sources; s != NULL; s = s->next)
        if (!s->dead) ran |= s->drain(s);
    ran |= loop_timers_run(r);
    ran |= loop_lanes_run(r);
    for (struct turn_hook *h = r->hooks; h != NULL && ran; h = h->next)
        if (!h->dead) h->on_turn_end(h->self);
    r->walking = false;
    r->ran = false;
    sweep(r);
    loop_timers_arm(r);
    note_turn(r);
    if (ran) stats_observe_us(r->turn_time, clock_mono_us(&r->env) - start_us);
    if (r->stopping) uv_stop(&r->loop);
}

static void on_tick(uv_timer_t *handle)
{
    note_turn(handle->data);
}

static void on_async(uv_async_t *handle)
{
    (void)handle; /* a lane has finished something: check looks */
}

int loop_uv_init(struct env_real *r)
{
    if (uv_loop_init(&r->loop) != 0) return E_IO;
    int bad = uv_prepare_init(&r->loop, &r->prepare);
    bad |= uv_check_init(&r->loop, &r->check);
    bad |= uv_idle_init(&r->loop, &r->idle);
    bad |= uv_timer_init(&r->loop, &r->tick);
    bad |= uv_timer_init(&r->loop, &r->timers.uv);
    bad |= uv_async_init(&r->loop, &r->async, on_async);
    CHECK(bad == 0);
    r->prepare.data = r->check.data = r->tick.data = r;
    r->timers.armed_us = INT64_MAX;
    uv_prepare_start(&r->prepare, on_prepare);
    uv_check_start(&r->check, on_check);
    uv_timer_start(&r->tick, on_tick, TICK_MS, TICK_MS);
    r->turn_time = stats_histogram(r->env.stats, "kesu_loop_turn_seconds", NULL,
                                   "Time of the turns of the loop in which anything ran, without the sleep");
    note_turn(r);
    return 0;
}

void loop_uv_deinit(struct env_real *r)
{
    while (r->lanes != NULL) loop_lane_close(r->lanes);
    loop_timers_deinit(r);
    uv_close((uv_handle_t *)&r->prepare, NULL);
    uv_close((uv_handle_t *)&r->check, NULL);
    uv_close((uv_handle_t *)&r->idle, NULL);
    uv_close((uv_handle_t *)&r->tick, NULL);
    uv_close((uv_handle_t *)&r->timers.uv, NULL);
    uv_close((uv_handle_t *)&r->async, NULL);
    uv_run(&r->loop, UV_RUN_NOWAIT); /* the close callbacks, also of sockets closed before */
    for (struct turn_hook *h = r->hooks; h != NULL; h = h->next) h->dead = true;
    sweep(r);
    CHECK(r->sources == NULL); /* each was closed by its owner */
    CHECK(uv_loop_close(&r->loop) == 0);
}

const struct sched_ops loop_uv_ops = {
    .timer_new = loop_timer_new,
    .timer_set = loop_timer_set,
    .timer_cancel = loop_timer_cancel,
    .timer_free = loop_timer_free,
    .hook_new = hook_new,
    .hook_free = hook_free,
    .wake = wake,
    .lane_open = loop_lane_open,
    .lane_post = loop_lane_post,
    .lane_close = loop_lane_close,
};
