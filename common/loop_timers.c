/* SPDX-License-Identifier: Apache-2.0 */
/* Timers: a binary heap by due time over one uv timer.
 *
 * uv's clock counts whole milliseconds and may lag, so it only wakes the loop;
 * what is due is decided by the monotonic clock. uv calls its timers before it
 * polls, we look after: when its timer has expired, that poll must not sleep,
 * whether ours came due just then or is due within the millisecond. Those due
 * are moved to a list before the first is called: one that sets itself to a past
 * time comes again in a later turn, not in this. */
#include "check.h"
#include "real.h"

#define NOWHERE UINT32_MAX

struct timer {
    struct env_real *real;
    void (*on_due)(void *self);
    void *self;
    int64_t due_us;
    unsigned at; /* place in the heap, or NOWHERE */
    bool firing;
    struct timer *next, *previous; /* in the list of firing ones */
};

static void place(struct real_timers *q, struct timer *t, unsigned at)
{
    q->heap[at] = t;
    t->at = at;
}

static void sift_up(struct real_timers *q, unsigned at)
{
    struct timer *t = q->heap[at];
    while (at > 0) {
        unsigned parent = (at - 1) / 2;
        if (q->heap[parent]->due_us <= t->due_us) break;
        place(q, q->heap[parent], at);
        at = parent;
    }
    place(q, t, at);
}

static void sift_down(struct real_timers *q, unsigned at)
{
    struct timer *t = q->heap[at];
    for (;;) {
        unsigned child = 2 * at + 1;
        if (child >= q->n) break;
        if (child + 1 < q->n && q->heap[child + 1]->due_us < q->heap[child]->due_us) child++;
        if (t->due_us <= q->heap[child]->due_us) break;
        place(q, q->heap[child], at);
        at = child;
    }
    place(q, t, at);
}

static void heap_remove(struct real_timers *q, struct timer *t)
{
    unsigned at = t->at;
    struct timer *last = q->heap[--q->n];
    t->at = NOWHERE;
    if (last == t) return;
    place(q, last, at);
    sift_up(q, at);
    sift_down(q, last->at);
}

static void heap_add(struct env_real *r, struct timer *t)
{
    struct real_timers *q = &r->timers;
    if (q->n == q->room) {
        q->room = q->room == 0 ? 64 : q->room * 2;
        q->heap = mem_realloc(&r->env.mem, q->heap, q->room * sizeof(struct timer *));
    }
    place(q, t, q->n++);
    sift_up(q, t->at);
}

static void firing_remove(struct env_real *r, struct timer *t)
{
    if (t->previous != NULL)
        t->previous->next = t->next;
    else
        r->timers.firing = t->next;
    if (t->next != NULL) t->next->previous = t->previous;
    t->next = t->previous = NULL;
    t->firing = false;
}

struct timer *loop_timer_new(struct env *env, void (*on_due)(void *self), void *self)
{
    struct timer *t = mem_zalloc(&env->mem, sizeof(*t));
    t->real = real_of(env);
    t->on_due = on_due;
    t->self = self;
    t->at = NOWHERE;
    return t;
}

void loop_timer_cancel(struct timer *t)
{
    if (t->firing) firing_remove(t->real, t);
    if (t->at != NOWHERE) heap_remove(&t->real->timers, t);
}

void loop_timer_set(struct timer *t, int64_t due_mono_us)
{
    if (t->firing) firing_remove(t->real, t);
    if (t->at != NOWHERE) {
        if (t->due_us == due_mono_us) return;
        t->due_us = due_mono_us;
        sift_up(&t->real->timers, t->at);
        sift_down(&t->real->timers, t->at);
    } else {
        t->due_us = due_mono_us;
        heap_add(t->real, t);
    }
}

void loop_timer_free(struct timer *t)
{
    if (t == NULL) return;
    loop_timer_cancel(t);
    mem_free(&t->real->env.mem, t);
}

bool loop_timers_run(struct env_real *r)
{
    struct real_timers *q = &r->timers;
    if (q->n == 0) return false;
    int64_t now = clock_mono_us(&r->env);
    struct timer *last = NULL;
    while (q->n > 0 && q->heap[0]->due_us <= now) {
        struct timer *t = q->heap[0];
        heap_remove(q, t);
        t->firing = true;
        t->previous = last;
        if (last != NULL)
            last->next = t;
        else
            q->firing = t;
        last = t;
    }
    bool ran = q->firing != NULL;
    while (q->firing != NULL) {
        struct timer *t = q->firing;
        firing_remove(r, t);
        t->on_due(t->self);
    }
    return ran;
}

static void on_uv_timer(uv_timer_t *handle)
{
    struct real_timers *q = handle->data;
    q->armed_us = INT64_MAX;
    q->expired = true;
}

void loop_timers_arm(struct env_real *r)
{
    struct real_timers *q = &r->timers;
    int64_t due = q->n > 0 ? q->heap[0]->due_us : INT64_MAX;
    if (due == q->armed_us) return;
    q->armed_us = due;
    q->uv.data = q;
    if (due == INT64_MAX) {
        uv_timer_stop(&q->uv);
        return;
    }
    uv_update_time(&r->loop);
    int64_t wait_us = due - clock_mono_us(&r->env);
    uint64_t wait_ms = wait_us <= 0 ? 0 : (uint64_t)(wait_us + 999) / 1000;
    uv_timer_start(&q->uv, on_uv_timer, wait_ms, 0);
}

void loop_timers_deinit(struct env_real *r)
{
    CHECK(r->timers.firing == NULL);
    mem_free(&r->env.mem, r->timers.heap);
    r->timers.heap = NULL;
    r->timers.n = r->timers.room = 0;
}
