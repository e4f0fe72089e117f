/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of tasks. What comes again stands before what is new, so that a
 * case whose worker died is not set back behind a surge. */
#include "queue.h"

#include "check.h"
#include "codec.h"

#define FIRST_ROOM 1024

void routing_queue_init(struct routing_queue *q, struct mem *mem)
{
    *q = (struct routing_queue){.mem = mem};
    map_init(&q->tasks, mem);
}

void routing_queue_deinit(struct routing_queue *q)
{
    if (q->mem == NULL) return;
    routing_queue_clear(q);
    map_deinit(&q->tasks);
    mem_free(q->mem, q->fresh);
    q->fresh = NULL;
    q->fresh_room = 0;
}

void routing_queue_clear(struct routing_queue *q)
{
    struct routing_task *t;
    for (size_t i = 0; (t = map_each(&q->tasks, &i)) != NULL;) {
        mem_free(q->mem, (void *)(uintptr_t)t->judged.p);
        mem_free(q->mem, t);
    }
    map_deinit(&q->tasks);
    q->again = q->keyless = (struct routing_list){0};
    q->fresh_head = q->n_fresh = q->n_committed = 0;
}

static void grow(struct routing_queue *q)
{
    size_t room = q->fresh_room == 0 ? FIRST_ROOM : q->fresh_room * 2;
    uint64_t *fresh = mem_alloc(q->mem, room * sizeof *fresh);
    for (size_t i = 0; i < q->n_fresh; i++) fresh[i] = q->fresh[(q->fresh_head + i) & (q->fresh_room - 1)];
    mem_free(q->mem, q->fresh);
    q->fresh = fresh;
    q->fresh_room = room;
    q->fresh_head = 0;
}

void routing_queue_add(struct routing_queue *q, uint64_t case_id)
{
    if (q->n_fresh == q->fresh_room) grow(q);
    q->fresh[(q->fresh_head + q->n_fresh++) & (q->fresh_room - 1)] = case_id;
}

bool routing_queue_has(const struct routing_queue *q, uint64_t case_id)
{
    for (size_t i = 0; i < q->n_fresh; i++)
        if (q->fresh[(q->fresh_head + i) & (q->fresh_room - 1)] == case_id) return true;
    return routing_queue_find(q, case_id) != NULL;
}

void routing_queue_committed(struct routing_queue *q)
{
    q->n_committed = q->n_fresh;
}

static void unlink_task(struct routing_task *t)
{
    struct routing_list *l = t->in;
    if (l == NULL) return;
    *(t->prev != NULL ? &t->prev->next : &l->first) = t->next;
    *(t->next != NULL ? &t->next->prev : &l->last) = t->prev;
    t->prev = t->next = NULL;
    t->in = NULL;
    l->n--;
}

void routing_queue_move(struct routing_task *t, enum routing_task_state state, struct routing_list *in)
{
    unlink_task(t);
    t->state = state;
    if (state != ROUTING_TASK_LEASED) t->holder = NULL;
    if (in == NULL) return;
    t->in = in;
    t->prev = in->last;
    *(in->last != NULL ? &in->last->next : &in->first) = t;
    in->last = t;
    in->n++;
}

/* Before all others of the list. */
static void move_front(struct routing_task *t, enum routing_task_state state, struct routing_list *in)
{
    unlink_task(t);
    t->state = state;
    t->holder = NULL;
    t->in = in;
    t->next = in->first;
    *(in->first != NULL ? &in->first->prev : &in->last) = t;
    in->first = t;
    in->n++;
}

struct routing_task *routing_queue_take(struct routing_queue *q)
{
    struct routing_task *t = q->again.first;
    if (t != NULL) {
        routing_queue_move(t, ROUTING_TASK_IN_HAND, NULL);
        return t;
    }
    while (q->n_committed > 0) {
        uint64_t case_id = q->fresh[q->fresh_head];
        q->fresh_head = (q->fresh_head + 1) & (q->fresh_room - 1);
        q->n_fresh--;
        q->n_committed--;
        if (map_get(&q->tasks, case_id) != NULL) continue;
        t = mem_zalloc(q->mem, sizeof *t);
        t->case_id = case_id;
        map_set(&q->tasks, case_id, t);
        return t;
    }
    return NULL;
}

struct routing_task *routing_queue_find(const struct routing_queue *q, uint64_t case_id)
{
    return map_get(&q->tasks, case_id);
}

void routing_queue_return(struct routing_queue *q, struct routing_task *t, bool blamed, const char *reason)
{
    if (blamed) {
        t->tries++;
        size_t n = codec_utf8_prefix(span_str(reason), ROUTING_REASON_MAX);
        memcpy(t->reason, reason, n);
        t->reason[n] = 0;
    }
    move_front(t, ROUTING_TASK_AGAIN, &q->again);
}

void routing_queue_keys_came(struct routing_queue *q)
{
    while (q->keyless.last != NULL) move_front(q->keyless.last, ROUTING_TASK_AGAIN, &q->again);
}

void routing_queue_drop(struct routing_queue *q, struct routing_task *t)
{
    unlink_task(t);
    CHECK(map_take(&q->tasks, t->case_id) == t);
    mem_free(q->mem, (void *)(uintptr_t)t->judged.p);
    mem_free(q->mem, t);
}

uint64_t routing_queue_waiting(const struct routing_queue *q)
{
    return q->n_fresh + q->again.n + q->keyless.n;
}
