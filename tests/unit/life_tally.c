/* SPDX-License-Identifier: Apache-2.0 */
#include "life_tally.h"

#include "../../services/intake/cases.h"
#include "../../services/intake/persons.h"
#include "policy.h"
#include "unit.h"

static struct tally_case *case_of(struct life_tally *t, uint64_t id)
{
    for (unsigned i = 0; i < t->n_cases; i++)
        if (t->cases[i].case_id == id) return &t->cases[i];
    assert_true(t->n_cases < TALLY_CASES);
    t->cases[t->n_cases].case_id = id;
    return &t->cases[t->n_cases++];
}

static int64_t amount_of(const Kesu__V1__Money *m)
{
    return m != NULL ? m->e4 : 0;
}

static int64_t cost_of(const Kesu__V1__ProposalState *p)
{
    int64_t sum = 0;
    for (size_t i = 0; i < p->n_lines; i++) sum += amount_of(p->lines[i]->amount);
    return sum;
}

/* ---- who may give how much ---------------------------------------------------- */

static const Kesu__V1__Quota *quota_of(const Kesu__V1__Policy *p, const char *staff)
{
    const Kesu__V1__Staff *s = policy_staff(p, staff);
    for (size_t i = 0; s != NULL && i < p->n_quotas; i++)
        if (p->quotas[i]->role == s->role) return p->quotas[i];
    return NULL;
}

static const char *count_quota(struct life_tally *t, const struct life_desk *d,
                               const Kesu__V1__ProposalState *p)
{
    const Kesu__V1__Quota *q = quota_of(&d->policy, p->proposer);
    unsigned i = 0;
    t->at_once++;
    if (q == NULL || q->period == 0) return NULL;
    int64_t from = d->ctx.block_time - d->ctx.block_time % q->period;
    while (i < t->n_agents && strcmp(t->agents[i].id, p->proposer) != 0) i++;
    assert_true(i < TALLY_AGENTS && strlen(p->proposer) < sizeof(t->agents[i].id));
    if (i == t->n_agents) strcpy(t->agents[t->n_agents++].id, p->proposer);
    if (t->agents[i].from != from) t->agents[i].sum = t->agents[i].cases = 0;
    t->agents[i].from = from;
    t->agents[i].sum += cost_of(p);
    t->agents[i].cases++;
    if (q->cases != 0 && t->agents[i].cases > q->cases)
        return "more cases decided at once than the quota has";
    return q->per_period != NULL && t->agents[i].sum > q->per_period->e4
               ? "decided at once above the quota of the period"
               : NULL;
}

static const char *check_delegate(struct life_tally *t, const struct life_desk *d, const Kesu__V1__Event *e)
{
    const Kesu__V1__Policy *p = &d->policy;
    if (e->actor->kind != KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF || e->actor->on_behalf_of[0] == '\0')
        return NULL;
    t->delegated++;
    for (size_t i = 0; i < p->n_delegations; i++)
        if (strcmp(p->delegations[i]->to, e->actor->name) == 0 &&
            strcmp(p->delegations[i]->from, e->actor->on_behalf_of) == 0 &&
            p->delegations[i]->starts <= d->ctx.block_time && d->ctx.block_time <= p->delegations[i]->until)
            return NULL;
    return "for somebody who has not given it to them, or not now";
}

/* ---- from the proposal to the payment -------------------------------------------- */

static const char *on_decided(struct life_tally *t, const struct life_desk *d, struct tally_case *c,
                              const Kesu__V1__CaseState *was, const Kesu__V1__Event *e)
{
    bool approved = e->proposal_decided->decision == KESU__V1__DECISION__DECISION_APPROVED;
    (void)t;
    (void)d;
    c->cleared = approved ? was->life->proposal->proposal : 0;
    return NULL;
}

static const char *on_opinion(struct life_tally *t, const struct life_desk *d, struct tally_case *c,
                              const Kesu__V1__CaseState *was, const Kesu__V1__Event *e)
{
    const Kesu__V1__ProposalState *p = was->life->proposal;
    if (e->opinion_sent->at_once) {
        c->cleared = p->proposal;
        return count_quota(t, d, p);
    }
    return c->cleared == p->proposal ? NULL : "another proposal was approved";
}

static const char *on_step(struct life_tally *t, const struct life_desk *d, struct tally_case *c,
                           const Kesu__V1__CaseState *was, const Kesu__V1__Event *e)
{
    const Kesu__V1__StepCompleted *b = e->step_completed;
    const Kesu__V1__ProposalState *p = was->life->proposal;
    (void)t;
    (void)d;
    if (c->cleared != p->proposal) return "done, and never approved";
    if (b->step != was->life->steps_done + 1 || b->step > p->n_lines) return "done out of order";
    const Kesu__V1__Money *amount = p->lines[b->step - 1]->amount;
    c->given += amount_of(amount);
    if (!life_pays(p->lines[b->step - 1]->kind)) return NULL;
    if (b->payment == NULL || b->payment->reference[0] == '\0') return "paid without a proof";
    return amount_of(b->payment->amount) == amount_of(amount) ? NULL : "paid another amount than promised";
}

static const char *on_proposed(struct life_tally *t, const struct life_desk *d, struct tally_case *c,
                               const Kesu__V1__CaseState *was, const Kesu__V1__Event *e)
{
    (void)t;
    (void)d;
    (void)was;
    (void)e;
    c->cleared = 0;
    return NULL;
}

/* ---- words ------------------------------------------------------------------------ */

static const char *on_answer(struct life_tally *t, const struct life_desk *d, struct tally_case *c,
                             const Kesu__V1__CaseState *was, const Kesu__V1__Event *e)
{
    const Kesu__V1__AppealState *a = was->life != NULL ? was->life->appeal : NULL;
    bool final = a != NULL && a->outcome != KESU__V1__APPEAL_OUTCOME__APPEAL_OUTCOME_UNSPECIFIED;
    (void)t;
    (void)d;
    (void)c;
    if (e->answer_recorded->final != final) return "final is what follows an appeal";
    return final && e->answer_recorded->answer == KESU__V1__ANSWER__ANSWER_COUNTER_PROPOSED
               ? "what is final is bargained about"
               : NULL;
}

static const char *on_shared(struct life_tally *t, const struct life_desk *d, struct tally_case *c,
                             const Kesu__V1__CaseState *was, const Kesu__V1__Event *e)
{
    (void)t;
    (void)d;
    (void)was;
    if (c->incident_id == 0 || e->answer_shared->incident_id != c->incident_id)
        return "told of another incident";
    for (unsigned i = 0; i < c->n_told; i++)
        if (c->told[i] == e->answer_shared->answer_seq) return "told the same answer twice";
    assert_true(c->n_told < sizeof(c->told) / sizeof(c->told[0]));
    c->told[c->n_told++] = e->answer_shared->answer_seq;
    return NULL;
}

static const char *check_reply(struct tally_case *c, const Kesu__V1__Event *e, uint64_t seq)
{
    uint64_t over = 0;
    if (e->body_case == KESU__V1__EVENT__BODY_REPLY_HELD) {
        if (c->held_reply != 0) return "held beside another reply";
        c->held_reply = seq;
    }
    if (e->body_case == KESU__V1__EVENT__BODY_REPLY_SENT) over = e->reply_sent->reply_seq;
    if (e->body_case == KESU__V1__EVENT__BODY_REPLY_UNDONE) over = e->reply_undone->reply_seq;
    if (over == 0) return NULL;
    if (over != c->held_reply) return "sent or undone, and not held";
    c->held_reply = 0;
    return NULL;
}

/* ---- who reads -------------------------------------------------------------------- */

static const char *check_secret(struct life_desk *d, const Kesu__V1__CaseState *was,
                                const struct decide_event *de)
{
    const Kesu__V1__CaseLife *life = was->life;
    bool named = false;
    if (life == NULL || life->n_readers == 0) return NULL;
    if (!intake_key_is_restricted(&d->view, was->key_id, UINT64_MAX)) return "its key is still for everybody";
    if (de->sealed != NULL && !intake_key_is_restricted(&d->view, de->key_id, UINT64_MAX) &&
        de->event.body_case != KESU__V1__EVENT__BODY_ACCOUNTABILITY_RECORDED) /* with a new key of its own */
        return "sealed with a key that everybody gets";
    if (de->event.body_case != KESU__V1__EVENT__BODY_CASE_READ) return NULL;
    for (size_t i = 0; i < life->n_readers; i++)
        named = named || strcmp(life->readers[i], de->event.actor->name) == 0;
    return named ? NULL : "read by somebody who is no reader";
}

/* ---- people, handovers -------------------------------------------------------------- */

static uint64_t *into_of(struct life_tally *t, uint64_t id)
{
    for (unsigned i = 0; i < t->n_people; i++)
        if (t->people[i].id == id) return &t->people[i].into;
    assert_true(t->n_people < TALLY_PEOPLE);
    t->people[t->n_people].id = id;
    return &t->people[t->n_people++].into;
}

static const char *check_people(struct life_tally *t, const Kesu__V1__Event *e)
{
    if (e->body_case == KESU__V1__EVENT__BODY_CUSTOMER_ADDED) *into_of(t, e->customer_added->customer_id) = 0;
    if (e->body_case == KESU__V1__EVENT__BODY_CUSTOMERS_MERGED) {
        uint64_t *into = into_of(t, e->customers_merged->other_id);
        if (*into != 0 || *into_of(t, e->customers_merged->customer_id) != 0) return "merged, and no root";
        *into = e->customers_merged->customer_id;
    }
    if (e->body_case == KESU__V1__EVENT__BODY_CUSTOMERS_UNMERGED) {
        uint64_t *into = into_of(t, e->customers_unmerged->other_id);
        if (*into != e->customers_unmerged->customer_id) return "undone, and never done";
        *into = 0;
    }
    return NULL;
}

static bool has(char *const *list, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], id) == 0) return true;
    return false;
}

/* The list is all that those agents have open, no more and no less. */
static const char *check_handover(struct life_tally *t, struct life_desk *d, const Kesu__V1__Event *e)
{
    const Kesu__V1__HandoverOpened *b = e->handover_opened;
    size_t open = 0;
    for (unsigned i = 0; i < t->n_cases; i++) {
        const Kesu__V1__CaseState *s = life_state(d, t->cases[i].case_id);
        if (!life_is_open(s->stage) || !has(b->agents, b->n_agents, s->agent)) continue;
        size_t k = 0;
        while (k < b->n_case_ids && b->case_ids[k] != s->case_id) k++;
        if (k == b->n_case_ids) return "an open case is not on the list";
        open++;
    }
    return open == b->n_case_ids ? NULL : "something on the list is not theirs, or twice";
}

static const char *check_handed(struct life_tally *t, struct life_desk *d, const Kesu__V1__CaseState *was,
                                const Kesu__V1__Event *e)
{
    Kesu__V1__HandoverState *h;
    if (e->body_case != KESU__V1__EVENT__BODY_CASE_ASSIGNED || e->case_assigned->handover_id == 0)
        return NULL;
    t->handed++;
    if (intake_handover_get(&d->view, e->case_assigned->handover_id, &d->arena, &h) != 0 || !h->accepted)
        return "handed over before it was accepted";
    return has(h->agents, h->n_agents, was->agent) ? NULL : "handed over by somebody else";
}

/* ---- an event ------------------------------------------------------------------------- */

static const struct {
    Kesu__V1__Event__BodyCase type;
    const char *(*check)(struct life_tally *t, const struct life_desk *d, struct tally_case *c,
                         const Kesu__V1__CaseState *was, const Kesu__V1__Event *e);
} rows[] = {
    {KESU__V1__EVENT__BODY_REMEDY_PROPOSED, on_proposed},
    {KESU__V1__EVENT__BODY_PROPOSAL_DECIDED, on_decided},
    {KESU__V1__EVENT__BODY_OPINION_SENT, on_opinion},
    {KESU__V1__EVENT__BODY_STEP_COMPLETED, on_step},
    {KESU__V1__EVENT__BODY_ANSWER_RECORDED, on_answer},
    {KESU__V1__EVENT__BODY_ANSWER_SHARED, on_shared},
};

static const char *of_case(struct life_tally *t, struct life_desk *d, const Kesu__V1__CaseState *was,
                           const struct decide_event *de, uint64_t seq)
{
    const Kesu__V1__Event *e = &de->event;
    struct tally_case *c = case_of(t, e->case_id);
    const char *what = check_reply(c, e, seq);
    if (e->body_case == KESU__V1__EVENT__BODY_JOINED_INCIDENT)
        c->incident_id = e->joined_incident->incident_id;
    if (e->body_case == KESU__V1__EVENT__BODY_LEFT_INCIDENT) c->incident_id = 0;
    for (size_t i = 0; what == NULL && was != NULL && i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].type == e->body_case) what = rows[i].check(t, d, c, was, e);
    if (what == NULL && was != NULL) what = check_secret(d, was, de);
    return what == NULL && was != NULL ? check_handed(t, d, was, e) : what;
}

const char *life_tally_event(struct life_tally *t, struct life_desk *d, unsigned command,
                             const Kesu__V1__CaseState *was, const struct decide_event *de, uint64_t seq)
{
    const Kesu__V1__Event *e = &de->event;
    if (e->case_id != 0 && (command == KESU__V1__COMMAND__BODY_CLOSE_INCIDENT ||
                            command == KESU__V1__COMMAND__BODY_ANSWER_INCIDENT ||
                            command == KESU__V1__COMMAND__BODY_ACCEPT_HANDOVER))
        return "members go on by themselves";
    const char *what = check_delegate(t, d, e);
    if (what != NULL) return what;
    if (e->case_id != 0) return of_case(t, d, was, de, seq);
    if (e->body_case == KESU__V1__EVENT__BODY_HANDOVER_OPENED) return check_handover(t, d, e);
    return check_people(t, e);
}

/* The 8D or incident an event is of, 0: none; eightd_id and incident_id are the first fields of their events.
 */
static uint64_t other_of(const Kesu__V1__Event *e, bool *ret_eightd)
{
    switch (e->body_case) {
    case KESU__V1__EVENT__BODY_EIGHTD_OPENED:
    case KESU__V1__EVENT__BODY_EIGHTD_CLOSED:
    case KESU__V1__EVENT__BODY_DISCIPLINE_PLANNED:
    case KESU__V1__EVENT__BODY_DISCIPLINE_RECORDED:
        *ret_eightd = true;
        return e->eightd_opened->eightd_id;
    case KESU__V1__EVENT__BODY_INCIDENT_CREATED:
    case KESU__V1__EVENT__BODY_INCIDENT_CHANGED:
    case KESU__V1__EVENT__BODY_INCIDENT_ANSWERED:
    case KESU__V1__EVENT__BODY_INCIDENT_CLOSED:
    case KESU__V1__EVENT__BODY_LOT_HELD:
        *ret_eightd = false;
        return e->incident_created->incident_id;
    default:
        return 0;
    }
}

const char *life_tally_folded(struct life_tally *t, struct life_desk *d, const Kesu__V1__Event *e)
{
    Kesu__V1__EightDState *eightd;
    Kesu__V1__IncidentState *incident;
    bool is_eightd = false;
    uint64_t id = other_of(e, &is_eightd), version = 0;
    unsigned i = 0;
    if (id == 0) return NULL;
    if (is_eightd && intake_eightd_get(&d->view, id, &d->arena, &eightd) == 0) version = eightd->version;
    if (!is_eightd && intake_incident_get(&d->view, id, &d->arena, &incident) == 0)
        version = incident->version;
    while (i < t->n_others && t->others[i].id != id) i++;
    assert_true(i < TALLY_CASES);
    if (i == t->n_others) t->others[t->n_others++].id = id;
    if (version != t->others[i].version + 1) return "the version of its 8D or incident is not one higher";
    t->others[i].version = version;
    return NULL;
}

/* ---- the register says so too ------------------------------------------------------------ */

static const char *compare_case(struct life_tally *t, struct life_desk *d, const struct tally_case *c)
{
    const Kesu__V1__CaseState *s = life_state(d, c->case_id);
    const Kesu__V1__CaseLife *life = s->life;
    bool external = life != NULL && life->external != NULL;
    (void)t;
    if ((life != NULL ? amount_of(life->given) : 0) != c->given) return "given is another sum";
    if ((life != NULL ? life->incident_id : 0) != c->incident_id) return "is of another incident";
    if ((life != NULL && life->reply != NULL ? life->reply->seq : 0) != c->held_reply)
        return "another reply is held";
    if (external != (s->stage == KESU__V1__STAGE__STAGE_EXTERNAL)) return "is outside, or is not";
    if (intake_key_is_restricted(&d->view, s->key_id, UINT64_MAX) != (life != NULL && life->n_readers > 0))
        return "its key is for others than it says";
    return NULL;
}

static const char *compare_incident(struct life_tally *t, struct life_desk *d, uint64_t id)
{
    Kesu__V1__IncidentState *s;
    uint32_t members = 0;
    for (unsigned i = 0; i < t->n_cases; i++) members += t->cases[i].incident_id == id ? 1 : 0;
    if (id == 0) return NULL;
    assert_int_equal(intake_incident_get(&d->view, id, &d->arena, &s), 0);
    return s->members == members ? NULL : "an incident counts other members";
}

const char *life_tally_compare(struct life_tally *t, struct life_desk *d)
{
    const char *what = NULL;
    for (unsigned i = 0; i < t->n_cases && what == NULL; i++) {
        what = compare_case(t, d, &t->cases[i]);
        if (what == NULL) what = compare_incident(t, d, t->cases[i].incident_id);
    }
    for (unsigned i = 0; i < t->n_people && what == NULL; i++) {
        uint64_t root = t->people[i].id;
        while (*into_of(t, root) != 0) root = *into_of(t, root);
        if (intake_person_root(&d->view, t->people[i].id, &d->arena) != root) what = "means somebody else";
    }
    return what;
}
