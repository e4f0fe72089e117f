/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks waiting for classification, in order. Memory only: after a restart it
 * is filled from the rows of the store.
 *
 *               take               lease               judged
 *   fresh ─────────────▶ in hand ────────▶ leased ───────────▶ sent ──▶ (dropped when folded)
 *   again ──────────▶      │ no key yet      │ worker gone       │ stale
 *     ▲                    ▼                 │                   ▼
 *     └───────────────── keyless ◀           │                 stale ──▶ sent
 *     └──────────────────────────────────────┘
 *
 * A case not yet touched is a number in a list; it becomes a task when taken. */
#ifndef KESU_ROUTING_QUEUE_H
#define KESU_ROUTING_QUEUE_H

#include "map.h"

#define ROUTING_REASON_MAX 120

enum routing_task_state {
    ROUTING_TASK_IN_HAND,
    ROUTING_TASK_AGAIN,
    ROUTING_TASK_KEYLESS,
    ROUTING_TASK_LEASED,
    ROUTING_TASK_SENT,
    ROUTING_TASK_STALE,
};

struct routing_list {
    struct routing_task *first, *last;
    unsigned n;
};

struct routing_task {
    uint64_t case_id;
    uint32_t attempt; /* times it was given out */
    uint32_t tries;   /* of these, ended badly with this task to blame */
    enum routing_task_state state;
    struct routing_list *in; /* the list it stands in, or NULL */
    struct routing_task *prev, *next;
    void *holder; /* leased: the worker */
    int64_t lease_until_us;
    struct span judged;                  /* stale: the command, encoded, to be sent again; owned */
    uint64_t want_version;               /* stale: once the case has got there */
    char reason[ROUTING_REASON_MAX + 1]; /* of the last bad end */
};

struct routing_queue {
    struct mem *mem;
    struct map tasks;
    uint64_t *fresh; /* ring of case ids */
    size_t fresh_room, fresh_head, n_fresh;
    size_t n_committed; /* of fresh, from its head: rows are on disk */
    struct routing_list again, keyless;
};

void routing_queue_init(struct routing_queue *q, struct mem *mem);
void routing_queue_deinit(struct routing_queue *q);
void routing_queue_clear(struct routing_queue *q);

void routing_queue_add(struct routing_queue *q, uint64_t case_id); /* ids ascend */
void routing_queue_committed(struct routing_queue *q);             /* all added so far may be taken */
/* The next: first what comes again, then the oldest. NULL when there is none. */
struct routing_task *routing_queue_take(struct routing_queue *q);
/* Is it waiting, or a task? Looks through all that wait. */
bool routing_queue_has(const struct routing_queue *q, uint64_t case_id);
struct routing_task *routing_queue_find(const struct routing_queue *q, uint64_t case_id);
/* Out of the list it stands in, into `in` (NULL: none), as `state`. */
void routing_queue_move(struct routing_task *t, enum routing_task_state state, struct routing_list *in);
/* Back, before all others. blamed: one of its tries is used up, for this reason. */
void routing_queue_return(struct routing_queue *q, struct routing_task *t, bool blamed, const char *reason);
/* All that waited for keys wait their turn again. */
void routing_queue_keys_came(struct routing_queue *q);
void routing_queue_drop(struct routing_queue *q, struct routing_task *t);
uint64_t routing_queue_waiting(const struct routing_queue *q); /* fresh, again and keyless */

#endif
