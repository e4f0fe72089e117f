/* SPDX-License-Identifier: Apache-2.0 */
/* Events to intents, by the notices of the policy in force at that event.
 *
 * A notice of a kind the event is of makes one intent; the event that records
 * its delivery removes it, the one that records it was given up makes it a
 * dead letter. A case is forgotten when it is archived and nothing of it is
 * left to tell. */
#include <stdio.h>

#include "err.h"
#include "life.h"
#include "notification.h"

static void copy_id(char ret[NOTIFICATION_ID_BYTES], const char *id)
{
    (void)snprintf(ret, NOTIFICATION_ID_BYTES, "%s", id);
}

static const char *addressee(const Kesu__V1__Notice *notice, const struct notification_cause *cause)
{
    const char *who = strcmp(notice->to, "agent") == 0     ? cause->agent
                      : strcmp(notice->to, "manager") == 0 ? cause->manager
                                                           : NULL;
    return who != NULL && who[0] != '\0' ? who : "-";
}

unsigned notification_intents_add(struct notification *n, struct fold *f, const struct fold_event *ev,
                                  const struct notification_cause *cause)
{
    const uint8_t *hash;
    const Kesu__V1__Policy *p = fold_policy(f, &hash);
    unsigned added = 0;
    for (size_t k = 0; p != NULL && k < p->n_notices; k++) {
        const Kesu__V1__Notice *notice = p->notices[k];
        if (strcmp(notice->on, cause->on) != 0) continue;
        struct notification_intent i = {.cause_seq = ev->seq,
                                        .case_id = ev->case_id,
                                        .time_us = ev->time_us,
                                        .words_seq = cause->words_seq};
        copy_id(i.kind, notice->id);
        if (strcmp(notice->to, "customer") != 0) copy_id(i.staff, addressee(notice, cause));
        if (cause->clock != NULL) {
            copy_id(i.clock, cause->clock->clock);
            i.due_us = cause->clock->due_at;
            i.level = cause->clock->level;
            i.work_id = cause->clock->work_id;
            if (i.work_id != 0) copy_id(i.owner, cause->clock->agent);
        }
        notification_put_intent(f, &i);
        added++;
    }
    n->queued += added;
    if (n->fold != NULL) stats_add(n->m.intents, added);
    return added;
}

static int on_opened(void *self, struct fold *f, const struct fold_event *ev)
{
    unsigned added = notification_intents_add(self, f, ev, &(struct notification_cause){.on = "opened"});
    Kesu__V1__CaseOpened opened = *ev->event->case_opened, *whole;
    int err = opened.split_from != 0 ? notification_get_case(f, opened.split_from, ev->arena, &whole, NULL)
                                     : E_NOT_FOUND;
    if (err == 0) opened.personal = whole->personal; /* who it is, says the case it was a part of */
    notification_put_case(f, ev->case_id, &opened, added, ev->arena);
    return err == E_NOT_FOUND ? 0 : err;
}

/* E_NOT_FOUND, as 0: a case that was closed and forgotten. */
static int known(int err)
{
    return err == E_NOT_FOUND ? 0 : err;
}

static int on_classified(void *self, struct fold *f, const struct fold_event *ev)
{
    const Kesu__V1__Judgement *j = ev->event->case_classified->judgement;
    struct notification_state s;
    (void)self;
    int err = notification_get_state(f, ev->case_id, &s);
    if (err != 0 || j == NULL) return known(err);
    s.severity = j->severity;
    s.language = j->language;
    copy_id(s.category, j->category);
    copy_id(s.department, j->department);
    notification_put_state(f, ev->case_id, &s);
    return 0;
}

static int on_assigned(void *self, struct fold *f, const struct fold_event *ev)
{
    const Kesu__V1__CaseAssigned *a = ev->event->case_assigned;
    struct notification_state s;
    int err = notification_get_state(f, ev->case_id, &s);
    if (err != 0) return known(err);
    copy_id(s.agent, a->agent);
    copy_id(s.department, a->department);
    s.n_intents += notification_intents_add(
        self, f, ev, &(struct notification_cause){.on = "assigned", .agent = a->agent});
    notification_put_state(f, ev->case_id, &s);
    return 0;
}

static const char *notice_of_step(Kesu__V1__FireClock__Step step)
{
    switch (step) {
    case KESU__V1__FIRE_CLOCK__STEP__STEP_WARN:
        return "warn";
    case KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH:
        return "breach";
    case KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE:
        return "escalate";
    default:
        return "";
    }
}

/* A handover, or a discipline of an 8D. */
static int on_work_late(struct notification *n, struct fold *f, const struct fold_event *ev)
{
    const Kesu__V1__ClockFired *c = ev->event->clock_fired;
    struct notification_cause cause = {
        .on = "handover_overdue", .agent = c->agent, .manager = c->told, .clock = c};
    if (strcmp(c->clock, "handover") != 0)
        cause.on = c->step == KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE ? "discipline_escalated"
                                                                        : "discipline_overdue";
    (void)notification_intents_add(n, f, ev, &cause);
    return 0;
}

static int on_fired(void *self, struct fold *f, const struct fold_event *ev)
{
    const Kesu__V1__ClockFired *c = ev->event->clock_fired;
    struct notification_state s;
    if (ev->case_id == 0) return on_work_late(self, f, ev);
    int err = notification_get_state(f, ev->case_id, &s);
    if (err != 0 || life_clock_waits(c->clock)) return known(err);
    const char *agent = c->agent[0] != '\0' ? c->agent : c->told; /* of a case nobody has */
    unsigned added = notification_intents_add(
        self, f, ev,
        &(struct notification_cause){
            .on = notice_of_step(c->step), .agent = agent, .manager = c->told, .clock = c});
    if (added == 0) return 0;
    s.n_intents += added;
    notification_put_state(f, ev->case_id, &s);
    return 0;
}

static int on_resolved(void *self, struct fold *f, const struct fold_event *ev)
{
    const Kesu__V1__CaseResolved *r = ev->event->case_resolved;
    struct notification_state s;
    struct key key;
    int err = notification_get_state(f, ev->case_id, &s);
    if (err != 0) return known(err);
    notification_case_key(ev->case_id, &key);
    if (r->summary != NULL) fold_put_message(f, NOTIFICATION_SUMMARIES, key_span(&key), r->summary);
    s.n_intents += notification_intents_add(
        self, f, ev, &(struct notification_cause){.on = "resolved", .agent = r->agent});
    notification_put_state(f, ev->case_id, &s);
    return 0;
}

/* Who leads the unit that has something to learn; "": nobody. */
static const char *learner(struct fold *f, const Kesu__V1__CaseClosed *b)
{
    const uint8_t *hash;
    const Kesu__V1__Policy *p = fold_policy(f, &hash);
    const Kesu__V1__Department *unit =
        p != NULL && b->lesson[0] != '\0' ? policy_department(p, b->unit) : NULL;
    return unit != NULL ? unit->manager : "";
}

/* It may be opened again, or appealed: it is known until it is archived. */
static int on_closed(void *self, struct fold *f, const struct fold_event *ev)
{
    const Kesu__V1__CaseClosed *b = ev->event->case_closed;
    const char *reader = learner(f, b);
    struct notification_state s;
    int err = notification_get_state(f, ev->case_id, &s);
    if (err != 0) return known(err);
    s.n_intents += notification_intents_add(
        self, f, ev,
        &(struct notification_cause){.on = b->no_survey ? "closed_no_survey" : "closed", .agent = b->agent});
    if (reader[0] != '\0')
        s.n_intents += notification_intents_add(
            self, f, ev, &(struct notification_cause){.on = "lesson", .agent = reader});
    notification_put_state(f, ev->case_id, &s);
    return 0;
}

static int on_archived(void *self, struct fold *f, const struct fold_event *ev)
{
    struct notification_state s;
    (void)self;
    int err = notification_get_state(f, ev->case_id, &s);
    if (err != 0) return known(err);
    s.archived = true;
    if (s.n_intents == 0)
        notification_drop_case(f, ev->case_id);
    else
        notification_put_state(f, ev->case_id, &s);
    return 0;
}

static void make_dead(struct notification *n, struct fold *f, struct notification_intent *i,
                      const Kesu__V1__DeliveryRecorded *d, int64_t time_us)
{
    i->dead = true;
    i->dead_since_us = time_us;
    i->attempts = d->attempts;
    size_t shown = codec_utf8_prefix(span_str(d->detail), sizeof i->detail - 1);
    memcpy(i->detail, d->detail, shown);
    i->detail[shown] = '\0';
    notification_put_intent(f, i);
    notification_drop_attempt(f, i);
    notification_put_letter(f, i, false);
    (void)n;
}

/* Nothing is left to do for it. */
static int forget_intent(struct notification *n, struct fold *f, const struct notification_intent *i)
{
    struct notification_state s;
    struct key key;
    notification_drop_attempt(f, i);
    notification_intent_key(i->cause_seq, i->kind, &key);
    fold_del(f, NOTIFICATION_INTENTS, key_span(&key));
    n->queued--;
    int err = notification_words_forget(n, f, i);
    if (err == 0) err = notification_get_state(f, i->case_id, &s);
    if (err != 0) return known(err);
    s.n_intents--;
    if (s.archived && s.n_intents == 0)
        notification_drop_case(f, i->case_id);
    else
        notification_put_state(f, i->case_id, &s);
    return 0;
}

static int on_recorded(void *self, struct fold *f, const struct fold_event *ev)
{
    struct notification *n = self;
    const Kesu__V1__DeliveryRecorded *d = ev->event->delivery_recorded;
    struct notification_intent i;
    struct notification_attempt a = {0};
    char purpose[NOTIFICATION_ID_BYTES + 12];
    int err = d->target == 0 ? notification_get_intent(f, d->cause_seq, d->kind, &i) : E_NOT_FOUND;
    if (err != 0) return known(err);
    (void)notification_get_attempt(f, i.cause_seq, i.kind, &a);
    notification_purpose(i.kind, a.round, purpose);
    fold_unsend(f, i.cause_seq, i.time_us, purpose, 0);
    if (d->outcome == KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_GIVEN_UP) {
        make_dead(n, f, &i, d, ev->time_us);
        return 0;
    }
    return forget_intent(n, f, &i);
}

static bool is_among(const Kesu__V1__CustomerErased *x, uint64_t case_id)
{
    size_t low = 0, high = x->n_case_ids; /* descending */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (x->case_ids[middle] == case_id) return true;
        if (x->case_ids[middle] > case_id)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* The next dead letter to the person, after `from`. E_NOT_FOUND: there is none. */
static int next_dead(struct notification *n, struct fold *f, const Kesu__V1__CustomerErased *x,
                     struct key *from, struct notification_intent *ret)
{
    struct store_cursor *cursor;
    struct span key, value;
    int err = fold_cursor(f, NOTIFICATION_INTENTS, &cursor);
    if (err != 0) return err;
    for (err = store_seek(n->env, cursor, key_span(from), &key, &value); err == 0;
         err = store_step(n->env, cursor, +1, &key, &value)) {
        err = notification_read_intent(key, value, ret);
        if (err != 0 || (ret->dead && ret->staff[0] == '\0' && is_among(x, ret->case_id))) break;
    }
    if (err == 0) {
        from->n = 0;
        key_bytes(from, key);
        key_u8(from, 0);
    }
    store_cursor_close(n->env, cursor);
    return err;
}

/* What waits to be sent finds no key and is not sent; what could not be sent never will be. */
static int on_erased(void *self, struct fold *f, const struct fold_event *ev)
{
    const Kesu__V1__CustomerErased *x = ev->event->customer_erased;
    struct notification_intent i;
    struct key key, from = {.n = 0};
    int err;
    for (size_t k = 0; k < x->n_case_ids; k++) {
        notification_case_key(x->case_ids[k], &key);
        fold_del(f, NOTIFICATION_SUMMARIES, key_span(&key));
        notification_send_erased(self, x->case_ids[k]);
        err = notification_words_erase(self, f, x->case_ids[k]);
        if (err != 0) return err;
    }
    key_u8(&from, 0);
    while ((err = next_dead(self, f, x, &from, &i)) == 0) {
        err = forget_intent(self, f, &i);
        if (err != 0) return err;
    }
    return known(err);
}

/* What was told between the backup and the loss is not known: a person decides. */
static int on_restored(void *self, struct fold *f, const struct fold_event *ev)
{
    struct notification *n = self;
    n->restored_seq = ev->seq;
    notification_put_number(f, "restored_seq", ev->seq);
    return 0;
}

const struct fold_row notification_intents_rows[NOTIFICATION_N_EVENTS] = {
    {KESU__V1__EVENT__BODY_CASE_OPENED, on_opened},
    {KESU__V1__EVENT__BODY_CASE_CLASSIFIED, on_classified},
    {KESU__V1__EVENT__BODY_CASE_ASSIGNED, on_assigned},
    {KESU__V1__EVENT__BODY_CLOCK_FIRED, on_fired},
    {KESU__V1__EVENT__BODY_CASE_RESOLVED, on_resolved},
    {KESU__V1__EVENT__BODY_CASE_CLOSED, on_closed},
    {KESU__V1__EVENT__BODY_CASE_ARCHIVED, on_archived},
    {KESU__V1__EVENT__BODY_REPLY_HELD, notification_words_held},
    {KESU__V1__EVENT__BODY_REPLY_UNDONE, notification_words_undone},
    {KESU__V1__EVENT__BODY_REPLY_SENT, notification_words_sent},
    {KESU__V1__EVENT__BODY_CASE_REVIEWED, notification_words_reviewed},
    {KESU__V1__EVENT__BODY_OPINION_SENT, notification_words_opinion},
    {KESU__V1__EVENT__BODY_APPEAL_ADMITTED, notification_words_admitted},
    {KESU__V1__EVENT__BODY_APPEAL_DECIDED, notification_words_appeal},
    {KESU__V1__EVENT__BODY_DEADLOCK_DECLARED, notification_words_deadlock},
    {KESU__V1__EVENT__BODY_FILE_RETURNED, notification_words_returned},
    {KESU__V1__EVENT__BODY_TASK_OPENED, notification_words_task},
    {KESU__V1__EVENT__BODY_TASK_TRANSFERRED, notification_words_transferred},
    {KESU__V1__EVENT__BODY_PROPOSAL_SUBMITTED, notification_words_submitted},
    {KESU__V1__EVENT__BODY_REVIEWER_ASSIGNED, notification_words_reviewer},
    {KESU__V1__EVENT__BODY_DELIVERY_RECORDED, on_recorded},
    {KESU__V1__EVENT__BODY_CUSTOMER_ERASED, on_erased},
    {KESU__V1__EVENT__BODY_JOURNAL_RESTORED, on_restored},
    {KESU__V1__EVENT__BODY_INCIDENT_ANSWERED, notification_answers_given},
    {KESU__V1__EVENT__BODY_ANSWER_SHARED, notification_answers_shared},
};
