/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks to workers. The text is opened just before it leaves; keys that are
 * not at hand are asked for together, and their tasks wait aside. What cannot
 * be opened for good goes to the default queue. */
#include "clock.h"
#include "err.h"
#include "log.h"
#include "routing.h"
#include "seal.h"

#define KEYS_AGAIN_US (3 * USEC_PER_SEC)

/* 0: text is set; E_AGAIN: the task waits for its key; else the reason says why not. */
static int open_text(struct routing *r, struct routing_task *t, const Kesu__V1__Sealed *sealed,
                     Kesu__V1__CaseText **ret, const char **ret_reason)
{
    const uint8_t *secret;
    *ret = NULL;
    if (sealed->key_id == 0) return 0;
    int rc = seal_ring_get(fold_ring(r->fold), sealed->key_id, &secret);
    if (rc == E_NOT_FOUND) {
        r->want_keys[r->n_want_keys++] = sealed->key_id;
        routing_queue_move(t, ROUTING_TASK_KEYLESS, &r->queue.keyless);
        return E_AGAIN;
    }
    *ret_reason = "the text was erased";
    if (rc != 0) return rc;
    *ret_reason = "the text cannot be opened";
    return seal_open_message(secret, sealed, &kesu__v1__case_text__descriptor, &r->scratch, (void *)ret);
}

static int give(struct routing *r, struct routing_worker *to, struct routing_task *t,
                const struct routing_brief *b, const Kesu__V1__CaseText *text, uint32_t messages)
{
    Kesu__V1__Task task = KESU__V1__TASK__INIT;
    if (text != NULL && text->personal != NULL) {
        task.subject = text->personal->subject;
        task.text = text->personal->text;
    }
    if (text != NULL) task.demand = text->demand;
    task.channel = (Kesu__V1__Channel)b->channel;
    task.tier = (Kesu__V1__Tier)b->tier;
    task.language = (Kesu__V1__Language)b->language;
    task.same_object_customers = b->same_object;
    task.customer_cases = b->customer_cases;
    task.messages = messages;
    int64_t age = fold_block_time(r->fold) - b->since_us;
    task.age = age > 0 ? age : 0;
    return routing_workers_give(&r->workers, to, t, &task);
}

static void give_one(struct routing *r, struct routing_worker *to, struct routing_task *t)
{
    struct routing_brief brief;
    struct routing_case c;
    Kesu__V1__Sealed *sealed;
    Kesu__V1__CaseText *text;
    const char *reason = "its record is damaged";
    arena_reset(&r->scratch);
    if (t->tries >= r->max_tries) {
        routing_poison_fallback(r, t, t->reason);
        return;
    }
    int rc = routing_rows_waiting(r->fold, t->case_id, &r->scratch, &brief, &sealed);
    if (rc == 0) rc = routing_rows_case(r->fold, t->case_id, &c);
    if (rc == E_NOT_FOUND) { /* classified or closed by somebody meanwhile */
        routing_queue_drop(&r->queue, t);
        return;
    }
    if (rc == 0) rc = open_text(r, t, sealed, &text, &reason);
    if (rc == E_AGAIN) return;
    if (rc != 0) {
        routing_poison_fallback(r, t, reason);
        return;
    }
    if (give(r, to, t, &brief, text, c.messages) != 0)
        routing_poison_fallback(r, t, "the text is too big for a worker");
}

static void on_keys(void *self)
{
    struct routing *r = self;
    r->keys_asked_us = 0;
    r->n_want_keys = 0;
    routing_queue_keys_came(&r->queue);
    routing_dispatch_run(r);
}

void routing_dispatch_run(struct routing *r)
{
    struct routing_worker *to;
    struct routing_task *t;
    if (r->fold == NULL || r->policy == NULL || !fold_live(r->fold)) return;
    while (r->n_want_keys < ROUTING_WANT_KEYS && (to = routing_workers_next(&r->workers)) != NULL &&
           (t = routing_queue_take(&r->queue)) != NULL)
        give_one(r, to, t);
    routing_workers_flush(&r->workers);
    if (r->n_want_keys == 0 || r->keys_asked_us != 0) return;
    unsigned n = r->n_want_keys;
    r->n_want_keys = 0;
    r->keys_asked_us = clock_mono_us(r->env);
    fold_want_keys(r->fold, r->want_keys, n, on_keys, r);
}

/* Keys asked for and not come: the question or the answer was lost. */
void routing_dispatch_tick(struct routing *r)
{
    int64_t now = clock_mono_us(r->env);
    if (r->keys_asked_us == 0 || now - r->keys_asked_us < KEYS_AGAIN_US) return;
    r->keys_asked_us = 0;
    r->n_want_keys = 0;
    routing_queue_keys_came(&r->queue);
}
