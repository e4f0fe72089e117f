/* SPDX-License-Identifier: Apache-2.0 */
/* Many cases of one cause. An incident has a lead; it, and who stands above,
 * changes, answers and closes it. Its members stay cases of their own: each
 * with its clocks, its owner and its end. What is answered is shared with them
 * one by one (routing), each once. */
#include "decide_life.h"
#include "err.h"
#include "policy.h"

#define MAX_ANSWERS 64

static int load(struct decide *d, uint64_t id, Kesu__V1__IncidentState **ret)
{
    if (id == 0) return intake_decide_refuse(d, E_MISSING, intake_decide_field(d, "incident_id"), NULL);
    int err = intake_incident_get(d->view, id, d->ctx->arena, ret);
    if (err == E_NOMEM) return intake_decide_no_memory(d);
    if (err != 0)
        return intake_decide_refuse(d, E_UNKNOWN, intake_decide_field(d, "incident_id"), "no such incident");
    return 0;
}

static int check_open(struct decide *d, const Kesu__V1__IncidentState *s)
{
    if (!s->closed) return 0;
    return intake_decide_refuse(d, E_STAGE, intake_decide_field(d, "incident_id"), "the incident is closed");
}

/* Of a command that touches the incident alone. */
static int load_own(struct decide *d, uint64_t id, Kesu__V1__IncidentState **ret)
{
    DECIDE_TRY(load(d, id, ret));
    if (d->command->expected_case == KESU__V1__COMMAND__EXPECTED_EXPECTED_VERSION &&
        d->command->expected_version != (*ret)->version) {
        intake_decide_refuse(d, E_STALE, "expected_version", NULL);
        d->out->refused.version = (*ret)->version;
        return E_STALE;
    }
    return 0;
}

static int check_hand(struct decide *d, const Kesu__V1__IncidentState *s)
{
    if (s->lead[0] == '\0' || intake_decide_stands_above(d, s->lead)) return 0;
    return intake_decide_refuse(d, E_NOT_ALLOWED, "actor.name", "somebody else leads the incident");
}

static const Kesu__V1__Staff *find_lead(const struct decide *d, const char *id)
{
    return d->ctx->policy != NULL && id[0] != '\0' ? policy_staff(d->ctx->policy, id) : NULL;
}

static int check_lead(struct decide *d, const char *id)
{
    return id[0] != '\0' ? intake_decide_somebody(d, id, intake_decide_field(d, "lead"), NULL) : 0;
}

/* ---- members ---------------------------------------------------------------- */

static int check_member(struct decide *d, const char *lead, const char *field)
{
    const Kesu__V1__CaseState *s = d->state;
    if (s->erased_seq != 0) return intake_decide_refuse(d, E_ERASED, field, NULL);
    if (s->life != NULL && s->life->incident_id != 0)
        return intake_decide_refuse(d, E_EXISTS, field, "is of an incident");
    return intake_decide_recusal(d, s, find_lead(d, lead), field);
}

/* One of the cases it is made of; d->state is this one then. */
static int take_case(struct decide *d, size_t i, uint64_t incident_id)
{
    const Kesu__V1__CreateIncident *c = d->command->create_incident;
    char *field = arena_printf(d->ctx->arena, "create_incident.case_ids[%zu]", i);
    if (field == NULL) return intake_decide_no_memory(d);
    for (size_t k = 0; k < i; k++)
        if (c->case_ids[k] == c->case_ids[i])
            return intake_decide_refuse(d, E_EXISTS, field, "is among them already");
    int err = intake_case_get(d->view, c->case_ids[i], d->ctx->arena, &d->state);
    if (err == E_NOMEM) return intake_decide_no_memory(d);
    if (err != 0) return intake_decide_refuse(d, E_UNKNOWN, field, "no such case");
    d->stage = d->state->stage;
    if (!life_is_open(d->stage)) return intake_decide_refuse(d, E_STAGE, field, "nobody works on that case");
    DECIDE_TRY(intake_decide_recusal(d, d->state, d->staff, "actor.name"));
    DECIDE_TRY(check_member(d, c->lead, field));
    Kesu__V1__JoinedIncident *joined = intake_decide_new(d, &kesu__v1__joined_incident__descriptor);
    if (joined == NULL) return intake_decide_no_memory(d);
    joined->incident_id = incident_id;
    return intake_decide_follow(d, KESU__V1__EVENT__BODY_JOINED_INCIDENT, joined);
}

int intake_decide_create_incident(struct decide *d)
{
    const Kesu__V1__CreateIncident *c = d->command->create_incident;
    uint64_t id = d->ctx->next_seq + c->n_case_ids;
    DECIDE_TRY(intake_decide_needs(d, "title"));
    if (c->n_case_ids == 0 && c->lot[0] == '\0' && c->category[0] == '\0')
        return intake_decide_refuse(d, E_MISSING, "create_incident.case_ids", "these, a lot or a category");
    if (c->category[0] != '\0' &&
        (d->ctx->policy == NULL || policy_category(d->ctx->policy, c->category) == NULL))
        return intake_decide_refuse(d, E_UNKNOWN, "create_incident.category", NULL);
    DECIDE_TRY(check_lead(d, c->lead));
    DECIDE_TRY(intake_decide_reserve(d, c->n_case_ids + 1));
    for (size_t i = 0; i < c->n_case_ids; i++) DECIDE_TRY(take_case(d, i, id));
    d->state = NULL;
    Kesu__V1__IncidentCreated *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_INCIDENT_CREATED);
    if (body == NULL) return intake_decide_no_memory(d);
    body->incident_id = id;
    if (body->lead[0] == '\0' && d->staff != NULL) body->lead = d->staff->id;
    intake_decide_add(d, KESU__V1__EVENT__BODY_INCIDENT_CREATED, body);
    kesu__v1__accepted__init(&d->out->accepted); /* of none of the cases */
    return 0;
}

int intake_decide_join_incident(struct decide *d)
{
    Kesu__V1__IncidentState *s;
    DECIDE_TRY(load(d, d->command->add_to_incident->incident_id, &s));
    DECIDE_TRY(check_open(d, s));
    DECIDE_TRY(check_member(d, s->lead, "add_to_incident.case_id"));
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_JOINED_INCIDENT);
}

int intake_decide_leave_incident(struct decide *d)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    if (life == NULL || life->incident_id == 0)
        return intake_decide_refuse(d, E_UNKNOWN, "remove_from_incident.case_id", "is of no incident");
    Kesu__V1__LeftIncident *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_LEFT_INCIDENT);
    if (body == NULL) return intake_decide_no_memory(d);
    body->incident_id = life->incident_id;
    return intake_decide_event(d, KESU__V1__EVENT__BODY_LEFT_INCIDENT, body);
}

/* ---- changed ---------------------------------------------------------------- */

static int check_representatives(struct decide *d, const Kesu__V1__ChangeIncident *c)
{
    Kesu__V1__CaseState *s;
    for (size_t i = 0; i < c->n_representatives; i++) {
        for (size_t k = 0; k < i; k++)
            if (c->representatives[k] == c->representatives[i])
                return intake_decide_refuse(d, E_EXISTS, "change_incident.representatives",
                                            "is among them already");
        int err = intake_case_get(d->view, c->representatives[i], d->ctx->arena, &s);
        if (err == E_NOMEM) return intake_decide_no_memory(d);
        if (err != 0 || s->life == NULL || s->life->incident_id != c->incident_id || s->erased_seq != 0)
            return intake_decide_refuse(d, E_UNKNOWN, "change_incident.representatives",
                                        "members of the incident only");
    }
    return 0;
}

static bool sets(const Kesu__V1__ChangeIncident *c, const char *name)
{
    for (size_t i = 0; i < c->n_set; i++)
        if (strcmp(c->set[i], name) == 0) return true;
    return false;
}

static void tell_before(const Kesu__V1__ChangeIncident *c, const Kesu__V1__IncidentState *s,
                        Kesu__V1__IncidentChanged *body)
{
    if (sets(c, "title")) body->previous_title = s->title;
    if (sets(c, "lead")) body->previous_lead = s->lead;
    if (sets(c, "lot")) body->previous_lot = s->lot;
    if (!sets(c, "representatives")) return;
    body->n_previous_representatives = s->n_representatives;
    body->previous_representatives = s->representatives;
}

static int check_set(struct decide *d, const Kesu__V1__ChangeIncident *c)
{
    static const char *const fields[] = {"title", "lead", "lot", "representatives"};
    for (size_t i = 0; i < c->n_set; i++) {
        unsigned k = 0;
        while (k < 4 && strcmp(fields[k], c->set[i]) != 0) k++;
        if (k == 4) {
            intake_decide_refuse(d, E_ENUM, "change_incident.set", NULL);
            d->out->refused.n_allowed = 4;
            d->out->refused.allowed = (char **)(uintptr_t)fields;
            return E_ENUM;
        }
        if (k == 0) DECIDE_TRY(intake_decide_needed(d, "change_incident.title", c->title));
        if (k == 1) DECIDE_TRY(intake_decide_needed(d, "change_incident.lead", c->lead));
        if (k == 1) DECIDE_TRY(check_lead(d, c->lead));
        if (k == 3) DECIDE_TRY(check_representatives(d, c));
    }
    return 0;
}

int intake_decide_change_incident(struct decide *d)
{
    const Kesu__V1__ChangeIncident *c = d->command->change_incident;
    Kesu__V1__IncidentState *s;
    DECIDE_TRY(load_own(d, c->incident_id, &s));
    DECIDE_TRY(check_open(d, s));
    DECIDE_TRY(check_hand(d, s));
    DECIDE_TRY(intake_decide_needs(d, "set reason"));
    DECIDE_TRY(check_set(d, c));
    Kesu__V1__IncidentChanged *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_INCIDENT_CHANGED);
    if (body == NULL) return intake_decide_no_memory(d);
    body->previous = s->last_seq;
    tell_before(c, s, body);
    intake_decide_add(d, KESU__V1__EVENT__BODY_INCIDENT_CHANGED, body);
    return 0;
}

/* ---- lots ------------------------------------------------------------------- */

struct lot_sought {
    struct decide *d;
    const char *lot;
    bool found;
};

static void on_member(void *self, struct span key, struct span value)
{
    struct lot_sought *l = self;
    Kesu__V1__CaseState *s;
    uint64_t incident_id, case_id, member = 0;
    if (value.n == sizeof(member)) memcpy(&member, value.p, sizeof(member));
    if (l->found || (member & 1) == 0 || !key_take_u64(&key, &incident_id) || !key_take_u64(&key, &case_id))
        return;
    l->found = intake_case_get(l->d->view, case_id, l->d->ctx->arena, &s) == 0 && s->object != NULL &&
               strcmp(s->object->lot, l->lot) == 0;
}

/* Is it the incident's, or the lot of what a member complains of? */
static bool concerns(struct decide *d, const Kesu__V1__IncidentState *s, const char *lot)
{
    struct lot_sought sought = {.d = d, .lot = lot};
    struct key prefix = intake_key_u64(s->incident_id);
    if (strcmp(s->lot, lot) == 0) return true;
    intake_register_each(d->view, TABLE_MEMBERS, key_span(&prefix), on_member, &sought);
    return sought.found;
}

static bool is_held(const Kesu__V1__IncidentState *s, const char *lot)
{
    for (size_t i = 0; i < s->n_held_lots; i++)
        if (strcmp(s->held_lots[i], lot) == 0) return true;
    return false;
}

/* A lot may be let go after the end of the incident, not held. */
int intake_decide_hold_lot(struct decide *d)
{
    const Kesu__V1__HoldLot *c = d->command->hold_lot;
    Kesu__V1__IncidentState *s;
    DECIDE_TRY(load_own(d, c->incident_id, &s));
    if (c->held) DECIDE_TRY(check_open(d, s));
    DECIDE_TRY(intake_decide_needs(d, "reason"));
    Kesu__V1__LotHeld *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_LOT_HELD);
    if (body == NULL) return intake_decide_no_memory(d);
    if (body->lot[0] == '\0') body->lot = s->lot;
    DECIDE_TRY(intake_decide_needed(d, "hold_lot.lot", body->lot));
    if (is_held(s, body->lot) == (c->held != 0))
        return intake_decide_refuse(d, E_EXISTS, "hold_lot.held", c->held ? "is held" : "is not held");
    if (c->held && !concerns(d, s, body->lot))
        return intake_decide_refuse(d, E_UNKNOWN, "hold_lot.lot", "no member complains of this lot");
    body->previous = s->last_seq;
    intake_decide_add(d, KESU__V1__EVENT__BODY_LOT_HELD, body);
    return 0;
}

/* ---- answered --------------------------------------------------------------- */

static int check_texts(struct decide *d, const Kesu__V1__AnswerIncident *c)
{
    for (size_t i = 0; i < c->n_texts; i++) {
        const Kesu__V1__LocalText *t = c->texts[i];
        if (t->language == KESU__V1__LANGUAGE__LANGUAGE_UNSPECIFIED)
            return intake_decide_refuse(d, E_MISSING, "answer_incident.texts.language", NULL);
        DECIDE_TRY(intake_decide_needed(d, "answer_incident.texts.text", t->text));
        for (size_t k = 0; k < i; k++)
            if (c->texts[k]->language == t->language)
                return intake_decide_refuse(d, E_EXISTS, "answer_incident.texts.language",
                                            "one text a language");
    }
    return 0;
}

int intake_decide_answer_incident(struct decide *d)
{
    const Kesu__V1__AnswerIncident *c = d->command->answer_incident;
    Kesu__V1__IncidentState *s;
    DECIDE_TRY(load_own(d, c->incident_id, &s));
    DECIDE_TRY(check_open(d, s));
    DECIDE_TRY(check_hand(d, s));
    DECIDE_TRY(intake_decide_needs(d, "texts"));
    DECIDE_TRY(check_texts(d, c));
    if (s->n_answers >= MAX_ANSWERS)
        return intake_decide_refuse(d, E_RANGE, "answer_incident.incident_id", "at most 64 answers");
    Kesu__V1__IncidentAnswered *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_INCIDENT_ANSWERED);
    if (body == NULL) return intake_decide_no_memory(d);
    body->previous = s->last_seq;
    intake_decide_add(d, KESU__V1__EVENT__BODY_INCIDENT_ANSWERED, body);
    return 0;
}

static bool was_answered(const Kesu__V1__IncidentState *s, uint64_t seq)
{
    for (size_t i = 0; i < s->n_answers; i++)
        if (s->answers[i] == seq) return true;
    return false;
}

/* However often it is asked for: nobody gets an answer twice. */
int intake_decide_share_answer(struct decide *d)
{
    const Kesu__V1__ShareAnswer *c = d->command->share_answer;
    const Kesu__V1__CaseLife *life = d->state->life;
    Kesu__V1__IncidentState *s;
    DECIDE_TRY(intake_decide_needs(d, "answer_seq"));
    if (life == NULL || life->incident_id == 0)
        return intake_decide_refuse(d, E_UNKNOWN, "share_answer.case_id", "is of no incident");
    if (d->state->erased_seq != 0) return intake_decide_refuse(d, E_ERASED, "share_answer.case_id", NULL);
    if (c->answer_seq <= life->answer_seq)
        return intake_decide_refuse(d, E_EXISTS, "share_answer.answer_seq", "the case has this answer");
    DECIDE_TRY(load(d, life->incident_id, &s));
    if (!was_answered(s, c->answer_seq))
        return intake_decide_refuse(d, E_UNKNOWN, "share_answer.answer_seq", "no answer to this incident");
    Kesu__V1__AnswerShared *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_ANSWER_SHARED);
    if (body == NULL) return intake_decide_no_memory(d);
    body->incident_id = life->incident_id;
    return intake_decide_event(d, KESU__V1__EVENT__BODY_ANSWER_SHARED, body);
}

/* ---- closed ----------------------------------------------------------------- */

int intake_decide_close_incident(struct decide *d)
{
    Kesu__V1__IncidentState *s;
    DECIDE_TRY(load_own(d, d->command->close_incident->incident_id, &s));
    DECIDE_TRY(check_open(d, s));
    DECIDE_TRY(check_hand(d, s));
    DECIDE_TRY(intake_decide_needs(d, "reason"));
    if (s->n_open_eightds > 0)
        return intake_decide_refuse(d, E_OPEN_WORK, "close_incident.incident_id", "an 8D is open");
    Kesu__V1__IncidentClosed *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_INCIDENT_CLOSED);
    if (body == NULL) return intake_decide_no_memory(d);
    body->previous = s->last_seq;
    intake_decide_add(d, KESU__V1__EVENT__BODY_INCIDENT_CLOSED, body);
    return 0;
}
