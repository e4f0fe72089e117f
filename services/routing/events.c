/* SPDX-License-Identifier: Apache-2.0 */
/* What routing makes of each event. A case has a row until it is assigned or
 * over; events of cases without one change only the load of agents. */
#include "err.h"
#include "routing.h"
#include "similar.h"

static void copy_id(char to[ROUTING_ID_MAX + 1], const char *from)
{
    size_t n = strnlen(from, ROUTING_ID_MAX);
    memset(to, 0, ROUTING_ID_MAX + 1);
    memcpy(to, from, n);
}

static int on_case_opened(void *self, struct fold *f, const struct fold_event *ev)
{
    struct routing *r = self;
    const Kesu__V1__CaseOpened *o = ev->event->case_opened;
    struct routing_case c = {.version = ev->event->version,
                             .changed_us = ev->time_us,
                             .messages = 1,
                             .state = ROUTING_RECEIVED,
                             .language = (uint8_t)o->language};
    struct routing_brief b = {.since_us = o->occurred_at != 0 ? o->occurred_at : o->received_at,
                              .channel = (uint8_t)o->channel,
                              .tier = (uint8_t)o->tier,
                              .language = (uint8_t)o->language};
    b.customer_cases = routing_similar_customer(f, &r->identities, o->customer_id);
    b.same_object =
        routing_similar_object(f, &r->identities, ev->case_id, o->customer_id, ev->time_us, o->object);
    routing_rows_put_case(f, ev->case_id, &c);
    int rc = routing_rows_put_waiting(f, ev->case_id, &b, o->personal, ev->arena);
    if (rc == 0) routing_queue_add(&r->queue, ev->case_id);
    return rc;
}

/* Something happened to a case that changes nothing but its version, for us. */
static int touch(struct routing *r, struct fold *f, const struct fold_event *ev, bool message,
                 uint32_t escalated)
{
    struct routing_case c;
    if (ev->case_id == 0) return 0;
    int rc = routing_rows_case(f, ev->case_id, &c);
    if (rc != 0) return rc == E_NOT_FOUND ? 0 : rc;
    bool climbs = escalated > c.escalated;
    c.version = ev->event->version;
    c.changed_us = ev->time_us;
    c.messages += message;
    if (climbs) c.escalated = (uint8_t)(escalated < UINT8_MAX ? escalated : UINT8_MAX);
    routing_rows_put_case(f, ev->case_id, &c);
    routing_classify_moved(r, ev->case_id, c.version);
    routing_assign_moved(&r->assign, ev->case_id, &c);
    if (climbs && c.state == ROUTING_TRIAGED) routing_assign_wait(&r->assign, ev->case_id, &c);
    return 0;
}

int routing_events_touch(void *self, struct fold *f, const struct fold_event *ev)
{
    return touch(self, f, ev, false, 0);
}

static int on_message_added(void *self, struct fold *f, const struct fold_event *ev)
{
    return touch(self, f, ev, true, 0);
}

static int on_clock_fired(void *self, struct fold *f, const struct fold_event *ev)
{
    const Kesu__V1__ClockFired *fired = ev->event->clock_fired;
    bool escalate = fired->step == KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE;
    return touch(self, f, ev, false, escalate ? fired->level : 0);
}

static void drop_task(struct routing *r, uint64_t case_id)
{
    struct routing_task *t = routing_queue_find(&r->queue, case_id);
    if (t != NULL) routing_queue_drop(&r->queue, t);
}

static int on_case_classified(void *self, struct fold *f, const struct fold_event *ev)
{
    struct routing *r = self;
    const Kesu__V1__Judgement *j = ev->event->case_classified->judgement;
    struct routing_case c;
    int rc = routing_rows_case(f, ev->case_id, &c);
    if (rc != 0) return rc == E_NOT_FOUND ? 0 : rc; /* judged anew while an agent has it */
    if (c.state == ROUTING_RECEIVED) {
        routing_rows_del_waiting(f, ev->case_id);
        drop_task(r, ev->case_id);
    }
    c.version = ev->event->version;
    c.changed_us = ev->time_us;
    c.state = ROUTING_TRIAGED;
    if (j != NULL) {
        c.severity = (uint8_t)j->severity;
        if (j->language != KESU__V1__LANGUAGE__LANGUAGE_UNSPECIFIED) c.language = (uint8_t)j->language;
        copy_id(c.category, j->category);
        copy_id(c.department, j->department);
    }
    routing_rows_put_case(f, ev->case_id, &c);
    routing_assign_moved(&r->assign, ev->case_id, &c);
    routing_assign_wait(&r->assign, ev->case_id, &c);
    return 0;
}

/* Routing has nothing to do for the case any more. */
static void done_with(struct routing *r, struct fold *f, uint64_t case_id)
{
    struct routing_case c;
    routing_assign_settled(&r->assign, case_id);
    routing_bars_forget(&r->assign.bars, case_id);
    if (routing_rows_case(f, case_id, &c) != 0) return;
    if (c.state == ROUTING_RECEIVED) {
        routing_rows_del_waiting(f, case_id);
        drop_task(r, case_id);
    }
    routing_rows_del_case(f, case_id);
}

static int on_case_assigned(void *self, struct fold *f, const struct fold_event *ev)
{
    struct routing *r = self;
    const Kesu__V1__CaseAssigned *a = ev->event->case_assigned;
    done_with(r, f, ev->case_id);
    routing_handover_settled(r, f, ev->case_id);
    routing_assign_load(&r->assign, a->previous_agent, -1);
    routing_assign_load(&r->assign, a->agent, 1);
    return 0;
}

static int on_case_closed(void *self, struct fold *f, const struct fold_event *ev)
{
    struct routing *r = self;
    done_with(r, f, ev->case_id);
    routing_handover_settled(r, f, ev->case_id);
    routing_assign_load(&r->assign, ev->event->case_closed->agent, -1);
    return 0;
}

/* What was not judged before it ended, nobody judged since: that was refused. */
static int goes_on(void *self, struct fold *f, const struct fold_event *ev)
{
    struct routing *r = self;
    struct routing_case c;
    int rc = routing_rows_case(f, ev->case_id, &c);
    if (rc != 0) return rc == E_NOT_FOUND ? 0 : rc;
    if (c.state == ROUTING_RECEIVED && !routing_queue_has(&r->queue, ev->case_id))
        routing_queue_add(&r->queue, ev->case_id);
    return routing_events_touch(self, f, ev);
}

/* A case that had ended goes on: who has it has one more again. */
static int on_case_reopened(void *self, struct fold *f, const struct fold_event *ev)
{
    struct routing *r = self;
    routing_assign_load(&r->assign, ev->event->case_reopened->agent, 1);
    return goes_on(self, f, ev);
}

/* Others may not have it now. */
static int on_accused(void *self, struct fold *f, const struct fold_event *ev)
{
    struct routing *r = self;
    routing_bars_forget(&r->assign.bars, ev->case_id);
    return routing_events_touch(self, f, ev);
}

static int on_appeal_admitted(void *self, struct fold *f, const struct fold_event *ev)
{
    struct routing *r = self;
    routing_assign_load(&r->assign, ev->event->appeal_admitted->agent, 1);
    return routing_events_touch(self, f, ev);
}

static int on_case_resolved(void *self, struct fold *f, const struct fold_event *ev)
{
    done_with(self, f, ev->case_id);
    return 0;
}

static int on_presence_set(void *self, struct fold *f, const struct fold_event *ev)
{
    struct routing *r = self;
    const Kesu__V1__PresenceSet *p = ev->event->presence_set;
    (void)f;
    routing_assign_presence(&r->assign, p->agent, p->present, p->capacity);
    return 0;
}

/* Cases not judged yet stay: their key is gone, and they go to the default queue. */
static int on_customer_erased(void *self, struct fold *f, const struct fold_event *ev)
{
    struct routing *r = self;
    const Kesu__V1__CustomerErased *b = ev->event->customer_erased;
    routing_similar_forget(f, b->customer_id);
    identities_unmerge(&r->identities, f, ROUTING_IDENTITIES, b->customer_id);
    for (size_t i = 0; i < b->n_merged_ids; i++) {
        routing_similar_forget(f, b->merged_ids[i]);
        identities_unmerge(&r->identities, f, ROUTING_IDENTITIES, b->merged_ids[i]);
    }
    return 0;
}

static int on_customers_merged(void *self, struct fold *f, const struct fold_event *ev)
{
    struct routing *r = self;
    const Kesu__V1__CustomersMerged *b = ev->event->customers_merged;
    return identities_merge(&r->identities, f, ROUTING_IDENTITIES, b->customer_id, b->other_id);
}

static int on_customers_unmerged(void *self, struct fold *f, const struct fold_event *ev)
{
    struct routing *r = self;
    identities_unmerge(&r->identities, f, ROUTING_IDENTITIES, ev->event->customers_unmerged->other_id);
    return 0;
}

static int on_policy_activated(void *self, struct fold *f, const struct fold_event *ev)
{
    (void)f;
    (void)ev;
    routing_take_policy(self);
    return 0;
}

/* What may happen to a case before somebody has it, and changes only its version. */
#define TOUCHED(name)                                      \
    {                                                      \
        KESU__V1__EVENT__BODY_##name, routing_events_touch \
    }

const struct fold_row routing_events_rows[ROUTING_N_EVENTS] = {
    {KESU__V1__EVENT__BODY_CASE_OPENED, on_case_opened},
    {KESU__V1__EVENT__BODY_MESSAGE_ADDED, on_message_added},
    {KESU__V1__EVENT__BODY_CASE_CLASSIFIED, on_case_classified},
    {KESU__V1__EVENT__BODY_CASE_ASSIGNED, on_case_assigned},
    {KESU__V1__EVENT__BODY_WORK_STARTED, routing_events_touch},
    {KESU__V1__EVENT__BODY_NOTE_ADDED, routing_events_touch},
    {KESU__V1__EVENT__BODY_CASE_RESOLVED, on_case_resolved},
    {KESU__V1__EVENT__BODY_CASE_CLOSED, on_case_closed},
    {KESU__V1__EVENT__BODY_CASE_REOPENED, on_case_reopened},
    {KESU__V1__EVENT__BODY_NATURE_SET, goes_on},
    {KESU__V1__EVENT__BODY_EXTERNAL_RECORDED, goes_on},
    {KESU__V1__EVENT__BODY_CASE_ARCHIVED, on_case_resolved},
    {KESU__V1__EVENT__BODY_APPEAL_ADMITTED, on_appeal_admitted},
    {KESU__V1__EVENT__BODY_PRESENCE_SET, on_presence_set},
    {KESU__V1__EVENT__BODY_CLOCK_FIRED, on_clock_fired},
    {KESU__V1__EVENT__BODY_DELIVERY_RECORDED, routing_events_touch},
    {KESU__V1__EVENT__BODY_POLICY_ACTIVATED, on_policy_activated},
    {KESU__V1__EVENT__BODY_CUSTOMER_ERASED, on_customer_erased},
    {KESU__V1__EVENT__BODY_CUSTOMERS_MERGED, on_customers_merged},
    {KESU__V1__EVENT__BODY_CUSTOMERS_UNMERGED, on_customers_unmerged},
    {KESU__V1__EVENT__BODY_HANDOVER_OPENED, routing_handover_on_opened},
    {KESU__V1__EVENT__BODY_HANDOVER_ACCEPTED, routing_handover_on_accepted},
    TOUCHED(RECORD_AMENDED),
    TOUCHED(EVIDENCE_ADDED),
    TOUCHED(FILE_RETURNED),
    {KESU__V1__EVENT__BODY_ACCUSED_NAMED, on_accused},
    TOUCHED(STATEMENT_RECORDED),
    TOUCHED(REPLY_HELD),
    TOUCHED(REPLY_UNDONE),
    TOUCHED(REPLY_SENT),
    TOUCHED(REPLY_STARTED),
    TOUCHED(CALL_RECORDED),
    TOUCHED(CASE_REVIEWED),
    TOUCHED(TASK_OPENED),
    TOUCHED(TASK_ANSWERED),
    TOUCHED(TASK_TRANSFERRED),
    TOUCHED(TASK_WAIVED),
    TOUCHED(REMEDY_PROPOSED),
    TOUCHED(CONDUCT_MARKED),
    TOUCHED(CASE_HELD),
    TOUCHED(CASE_ABSORBED),
    TOUCHED(CASE_RELEASED),
    TOUCHED(CASES_LINKED),
    TOUCHED(CASES_UNLINKED),
    TOUCHED(EIGHTD_OPENED),
    TOUCHED(EIGHTD_CLOSED),
    TOUCHED(SENSITIVE_MARKED),
    TOUCHED(CASE_READ),
    TOUCHED(PROPOSAL_SUBMITTED),
    TOUCHED(PROPOSAL_DECIDED),
    TOUCHED(READING_CONFIRMED),
    TOUCHED(OPINION_SENT),
    TOUCHED(ANSWER_RECORDED),
    TOUCHED(APPEAL_FILED),
    TOUCHED(REVIEWER_ASSIGNED),
    TOUCHED(APPEAL_DECIDED),
    TOUCHED(DEADLOCK_DECLARED),
    TOUCHED(STEP_COMPLETED),
    TOUCHED(RECOVERY_CLAIMED),
    TOUCHED(RECOVERY_SETTLED),
    TOUCHED(FEEDBACK_RECORDED),
    TOUCHED(ACCOUNTABILITY_RECORDED),
    {KESU__V1__EVENT__BODY_JOINED_INCIDENT, routing_group_joined},
    {KESU__V1__EVENT__BODY_LEFT_INCIDENT, routing_group_left},
    {KESU__V1__EVENT__BODY_INCIDENT_ANSWERED, routing_group_answered},
    {KESU__V1__EVENT__BODY_ANSWER_SHARED, routing_group_shared},
    {KESU__V1__EVENT__BODY_CASE_MERGED, routing_group_merged},
    {KESU__V1__EVENT__BODY_CASE_UNMERGED, routing_group_unmerged},
    {KESU__V1__EVENT__BODY_CASE_WITHDRAWN, routing_events_touch},
    {KESU__V1__EVENT__BODY_EXTERNAL_REFERRED, routing_events_touch},
};

/* ---- memory from the store ------------------------------------------------ */

static void load_case(void *self, struct span key, struct span value)
{
    struct routing *r = self;
    struct routing_case c;
    uint64_t case_id = 0;
    if (key.n != 8 || !routing_rows_read_case(value, &c)) return;
    for (unsigned i = 0; i < 8; i++) case_id = case_id << 8 | key.p[i];
    if (c.state == ROUTING_RECEIVED)
        routing_queue_add(&r->queue, case_id);
    else if (c.state == ROUTING_TRIAGED)
        routing_assign_wait(&r->assign, case_id, &c);
}

static void load_agent(void *self, struct span key, struct span value)
{
    struct routing *r = self;
    struct routing_agent_row row;
    char id[ROUTING_ID_MAX + 1] = "";
    if (key.n > ROUTING_ID_MAX || !routing_rows_read_agent(value, &row)) return;
    memcpy(id, key.p, key.n);
    struct routing_agent *agent = routing_agents_get(&r->assign.agents, id);
    if (agent != NULL) agent->row = row;
}

int routing_events_load(struct routing *r)
{
    int rc = routing_rows_each(r->env, r->fold, ROUTING_AGENTS, load_agent, r);
    routing_take_policy(r);
    if (rc == 0) rc = routing_rows_each(r->env, r->fold, ROUTING_CASES, load_case, r);
    if (rc == 0) rc = routing_handover_load(r);
    if (rc == 0) rc = identities_load(&r->identities, r->env, r->fold, ROUTING_IDENTITIES);
    routing_queue_committed(&r->queue);
    return rc;
}
