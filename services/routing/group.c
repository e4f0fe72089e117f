/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to incidents: each member is asked for once, the register says no to
 * a second time.
 *
 *   IncidentAnswered ─▶ ShareAnswer to each member ─▶ AnswerShared
 *   JoinedIncident, CaseUnmerged ─▶ ShareAnswer of the newest answer
 *
 * And cases that go on as another, until they are taken apart again: they keep
 * their row and wait for nothing. */
#include "err.h"
#include "key.h"
#include "log.h"
#include "routing.h"

#define MEMBERS_AT_ONCE 512
#define PURPOSE         "share"

static struct key pair(uint64_t first, uint64_t second)
{
    struct key k = {.n = 0};
    key_u64(&k, first);
    key_u64(&k, second);
    return k;
}

static struct key one(uint64_t id)
{
    struct key k = {.n = 0};
    key_u64(&k, id);
    return k;
}

/* 0: there is none. */
static int get_number(struct fold *f, unsigned table, uint64_t id, uint64_t *ret)
{
    struct key key = one(id);
    struct span value;
    int rc = fold_get(f, table, key_span(&key), &value);
    *ret = 0;
    if (rc == 0 && !key_take_u64(&value, ret)) return E_CORRUPT;
    return rc == E_NOT_FOUND ? 0 : rc;
}

static void put_number(struct fold *f, unsigned table, uint64_t id, uint64_t number)
{
    struct key key = one(id), value = one(number);
    fold_put(f, table, key_span(&key), key_span(&value));
}

static void share(struct fold *f, uint64_t case_id, uint64_t answer_seq, const struct fold_event *why)
{
    Kesu__V1__ShareAnswer body = KESU__V1__SHARE_ANSWER__INIT;
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    struct key key = pair(case_id, answer_seq), value = pair(why->seq, (uint64_t)why->time_us);
    body.case_id = case_id;
    body.answer_seq = answer_seq;
    command.body_case = KESU__V1__COMMAND__BODY_SHARE_ANSWER;
    command.share_answer = &body;
    fold_put(f, ROUTING_SHARES, key_span(&key), key_span(&value));
    fold_send(f, &command, why->seq, why->time_us, PURPOSE, case_id, false);
}

/* It is in the journal, or the case is no member any more. */
static int shared(struct fold *f, uint64_t case_id, uint64_t answer_seq)
{
    struct key key = pair(case_id, answer_seq);
    struct span value;
    uint64_t seq, time_us;
    int rc = fold_get(f, ROUTING_SHARES, key_span(&key), &value);
    if (rc != 0) return rc == E_NOT_FOUND ? 0 : rc;
    if (!key_take_u64(&value, &seq) || !key_take_u64(&value, &time_us)) return E_CORRUPT;
    fold_unsend(f, seq, (int64_t)time_us, PURPOSE, case_id);
    fold_del(f, ROUTING_SHARES, key_span(&key));
    return 0;
}

/* What the others of the incident know, it is to know too. */
static int share_newest(struct fold *f, uint64_t incident_id, const struct fold_event *ev)
{
    uint64_t answer_seq;
    int rc = get_number(f, ROUTING_ANSWERS, incident_id, &answer_seq);
    if (rc == 0 && answer_seq != 0) share(f, ev->case_id, answer_seq, ev);
    return rc;
}

int routing_group_joined(void *self, struct fold *f, const struct fold_event *ev)
{
    uint64_t incident_id = ev->event->joined_incident->incident_id;
    struct key key = pair(incident_id, ev->case_id);
    fold_put(f, ROUTING_MEMBERS, key_span(&key), SPAN_LIT("."));
    put_number(f, ROUTING_MEMBER_OF, ev->case_id, incident_id);
    int rc = share_newest(f, incident_id, ev);
    return rc != 0 ? rc : routing_events_touch(self, f, ev);
}

int routing_group_left(void *self, struct fold *f, const struct fold_event *ev)
{
    uint64_t incident_id = ev->event->left_incident->incident_id, answer_seq;
    struct key key = pair(incident_id, ev->case_id), of = one(ev->case_id);
    int rc = get_number(f, ROUTING_ANSWERS, incident_id, &answer_seq);
    if (rc == 0 && answer_seq != 0) rc = shared(f, ev->case_id, answer_seq);
    fold_del(f, ROUTING_MEMBERS, key_span(&key));
    fold_del(f, ROUTING_MEMBER_OF, key_span(&of));
    return rc != 0 ? rc : routing_events_touch(self, f, ev);
}

/* Members after this one, up to so many. */
static int members(struct routing *r, struct fold *f, uint64_t incident_id, uint64_t after, uint64_t *ret,
                   unsigned *ret_n)
{
    struct store_cursor *cursor;
    struct span key, value;
    struct key from = pair(incident_id, after + 1);
    unsigned n = 0;
    int rc = fold_cursor(f, ROUTING_MEMBERS, &cursor);
    if (rc != 0) return rc;
    for (rc = store_seek(r->env, cursor, key_span(&from), &key, &value); rc == 0 && n < MEMBERS_AT_ONCE;
         rc = store_step(r->env, cursor, +1, &key, &value)) {
        uint64_t of, case_id;
        if (!key_take_u64(&key, &of) || !key_take_u64(&key, &case_id) || of != incident_id) break;
        ret[n++] = case_id;
    }
    store_cursor_close(r->env, cursor);
    *ret_n = n;
    return rc == E_NOT_FOUND ? 0 : rc;
}

int routing_group_answered(void *self, struct fold *f, const struct fold_event *ev)
{
    uint64_t incident_id = ev->event->incident_answered->incident_id, ids[MEMBERS_AT_ONCE];
    unsigned n = MEMBERS_AT_ONCE;
    int rc = 0;
    put_number(f, ROUTING_ANSWERS, incident_id, ev->seq);
    for (uint64_t after = 0; rc == 0 && n == MEMBERS_AT_ONCE; after = n > 0 ? ids[n - 1] : after) {
        rc = members(self, f, incident_id, after, ids, &n);
        for (unsigned i = 0; rc == 0 && i < n; i++) share(f, ids[i], ev->seq, ev);
    }
    return rc;
}

int routing_group_shared(void *self, struct fold *f, const struct fold_event *ev)
{
    int rc = shared(f, ev->case_id, ev->event->answer_shared->answer_seq);
    return rc != 0 ? rc : routing_events_touch(self, f, ev);
}

void routing_group_on_refused(struct routing *r, const Kesu__V1__ShareAnswer *sent,
                              const Kesu__V1__Refused *refused)
{
    /* Has it, is over, has left, was erased: each is an end. */
    log_debug(r->env, "an answer was not shared", LOG_U64("case", sent->case_id),
              LOG_U64("answer", sent->answer_seq), LOG_STR("reason", refused->reason));
}

/* ---- merged ------------------------------------------------------------------ */

int routing_group_merged(void *self, struct fold *f, const struct fold_event *ev)
{
    struct routing *r = self;
    struct routing_case c;
    routing_assign_load(&r->assign, ev->event->case_merged->agent, -1);
    routing_assign_settled(&r->assign, ev->case_id);
    int rc = routing_rows_case(f, ev->case_id, &c);
    if (rc != 0) return rc == E_NOT_FOUND ? 0 : rc;
    struct routing_task *t = routing_queue_find(&r->queue, ev->case_id);
    if (t != NULL) routing_queue_drop(&r->queue, t);
    c.version = ev->event->version;
    c.changed_us = ev->time_us;
    c.state |= ROUTING_MERGED;
    routing_rows_put_case(f, ev->case_id, &c);
    return 0;
}

static int wait_again(struct routing *r, struct fold *f, const struct fold_event *ev)
{
    struct routing_case c;
    int rc = routing_rows_case(f, ev->case_id, &c);
    if (rc != 0) return rc == E_NOT_FOUND ? 0 : rc;
    c.version = ev->event->version;
    c.changed_us = ev->time_us;
    c.state &= (uint8_t)~ROUTING_MERGED;
    routing_rows_put_case(f, ev->case_id, &c);
    if (c.state == ROUTING_TRIAGED)
        routing_assign_wait(&r->assign, ev->case_id, &c);
    else if (!routing_queue_has(&r->queue, ev->case_id))
        routing_queue_add(&r->queue, ev->case_id);
    return 0;
}

int routing_group_unmerged(void *self, struct fold *f, const struct fold_event *ev)
{
    struct routing *r = self;
    uint64_t incident_id = 0;
    routing_assign_load(&r->assign, ev->event->case_unmerged->agent, +1);
    int rc = wait_again(r, f, ev);
    if (rc == 0) rc = get_number(f, ROUTING_MEMBER_OF, ev->case_id, &incident_id);
    return rc == 0 && incident_id != 0 ? share_newest(f, incident_id, ev) : rc;
}
