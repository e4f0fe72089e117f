/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a case that is there: judged, given to somebody, worked on,
 * solved, closed; notes; outcomes of what was sent to people. */
#include "clock.h"
#include "decide_life.h"
#include "err.h"
#include "policy.h"

static int check_judgement(struct decide *d, const Kesu__V1__Judgement *j)
{
    if (j == NULL) return intake_decide_refuse(d, E_MISSING, "classify_case.judgement", NULL);
    DECIDE_TRY(intake_decide_needed(d, "classify_case.judgement.category", j->category));
    DECIDE_TRY(intake_decide_needed(d, "classify_case.judgement.department", j->department));
    if (j->severity == KESU__V1__SEVERITY__SEVERITY_UNSPECIFIED)
        return intake_decide_refuse(d, E_MISSING, "classify_case.judgement.severity", NULL);
    if (policy_category(d->ctx->policy, j->category) == NULL)
        return intake_decide_refuse(d, E_UNKNOWN, "classify_case.judgement.category", NULL);
    if (policy_department(d->ctx->policy, j->department) == NULL)
        return intake_decide_refuse(d, E_UNKNOWN, "classify_case.judgement.department", NULL);
    return 0;
}

int intake_decide_classify(struct decide *d)
{
    const Kesu__V1__ClassifyCase *c = d->command->classify_case;
    if (d->ctx->policy == NULL) return intake_decide_refuse(d, E_NO_POLICY, "", NULL);
    DECIDE_TRY(check_judgement(d, c->judgement));
    if (c->fallback) DECIDE_TRY(intake_decide_needed(d, "classify_case.reason", c->reason));
    Kesu__V1__CaseClassified *body = intake_decide_new(d, &kesu__v1__case_classified__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->judgement = c->judgement;
    body->fallback = c->fallback;
    body->reason = c->reason;
    body->previous_category = d->state->category;
    body->previous_department = d->state->department;
    body->previous_severity = d->state->severity;
    struct decide_event *e = intake_decide_add(d, KESU__V1__EVENT__BODY_CASE_CLASSIFIED, body);
    e->department = c->judgement->department;
    return intake_decide_move_clocks(d, e, c->judgement->severity);
}

int intake_decide_room(struct decide *d, char *id, const char *field)
{
    Kesu__V1__AgentState *agent;
    if (intake_agent_get(d->view, id, d->ctx->arena, &agent) != 0) return intake_decide_no_memory(d);
    if (!agent->present) return intake_decide_refuse(d, E_ABSENT, field, NULL);
    return agent->open_cases >= agent->capacity ? intake_decide_refuse(d, E_CAPACITY, field, NULL) : 0;
}

int intake_decide_assign(struct decide *d)
{
    const Kesu__V1__AssignCase *c = d->command->assign_case;
    DECIDE_TRY(intake_decide_needed(d, "assign_case.agent", c->agent));
    if (d->ctx->policy == NULL) return intake_decide_refuse(d, E_NO_POLICY, "", NULL);
    const Kesu__V1__Staff *staff = policy_staff(d->ctx->policy, c->agent);
    if (staff == NULL || !staff->agent)
        return intake_decide_refuse(d, E_UNKNOWN, "assign_case.agent", "not an agent of the policy in force");
    DECIDE_TRY(intake_decide_somebody(d, c->agent, "assign_case.agent", NULL));
    if (strcmp(d->state->agent, c->agent) == 0)
        return intake_decide_refuse(d, E_EXISTS, "assign_case.agent", "has the case");
    if (c->handover_id != 0) DECIDE_TRY(intake_decide_handed(d, c->handover_id));
    const Kesu__V1__Staff *instead = d->who == LIFE_SERVICE ? intake_decide_instead(d, staff) : NULL;
    if (instead == NULL) {
        DECIDE_TRY(intake_decide_recusal(d, d->state, staff, "assign_case.agent"));
        DECIDE_TRY(intake_decide_room(d, c->agent, "assign_case.agent"));
    }
    Kesu__V1__CaseAssigned *body = intake_decide_new(d, &kesu__v1__case_assigned__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->agent = instead != NULL ? instead->id : c->agent;
    body->department = d->state->department;
    body->reason = c->reason;
    body->previous_agent = d->state->agent;
    body->handover_id = c->handover_id;
    intake_decide_add(d, KESU__V1__EVENT__BODY_CASE_ASSIGNED, body);
    return intake_decide_recuse_reviewer(d, NULL, 0, c->reason);
}

int intake_decide_start_work(struct decide *d)
{
    if (d->state->agent[0] == '\0')
        return intake_decide_refuse(d, E_NOT_ALLOWED, "start_work.case_id", "nobody has the case");
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_WORK_STARTED);
}

static Kesu__V1__NoteText *note_text(struct decide *d, char *text)
{
    Kesu__V1__NoteText *t = intake_decide_new(d, &kesu__v1__note_text__descriptor);
    if (t != NULL) t->text = text;
    return t;
}

int intake_decide_note(struct decide *d)
{
    const Kesu__V1__AddNote *c = d->command->add_note;
    if (d->state->erased_seq != 0) return intake_decide_refuse(d, E_ERASED, "add_note.case_id", NULL);
    DECIDE_TRY(intake_decide_needed(d, "add_note.text", c->text));
    Kesu__V1__NoteAdded *body = intake_decide_new(d, &kesu__v1__note_added__descriptor);
    Kesu__V1__Sealed *sealed = intake_decide_new(d, &kesu__v1__sealed__descriptor);
    Kesu__V1__NoteText *text = note_text(d, c->text);
    if (body == NULL || sealed == NULL || text == NULL) return intake_decide_no_memory(d);
    body->text = sealed;
    struct decide_event *e = intake_decide_add(d, KESU__V1__EVENT__BODY_NOTE_ADDED, body);
    intake_decide_seal(e, text, sealed, intake_decide_key(d->state));
    return 0;
}

/* A case of somebody erased must still come to an end: without a word. */
int intake_decide_resolve(struct decide *d)
{
    const Kesu__V1__ResolveCase *c = d->command->resolve_case;
    bool erased = d->state->erased_seq != 0;
    if (erased && c->summary[0] != '\0')
        return intake_decide_refuse(d, E_ERASED, "resolve_case.summary", NULL);
    if (!erased) DECIDE_TRY(intake_decide_needed(d, "resolve_case.summary", c->summary));
    if (d->state->agent[0] == '\0')
        return intake_decide_refuse(d, E_NOT_ALLOWED, "resolve_case.case_id", "nobody has the case");
    Kesu__V1__CaseResolved *body = intake_decide_new(d, &kesu__v1__case_resolved__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->agent = d->state->agent;
    DECIDE_TRY(intake_decide_event(d, KESU__V1__EVENT__BODY_CASE_RESOLVED, body));
    if (erased) return 0;
    body->summary = intake_decide_new(d, &kesu__v1__sealed__descriptor);
    Kesu__V1__NoteText *text = note_text(d, c->summary);
    if (body->summary == NULL || text == NULL) return intake_decide_no_memory(d);
    intake_decide_seal(&d->out->events[d->out->n_events - 1], text, body->summary,
                       intake_decide_key(d->state));
    return 0;
}

static int copy_delivery(struct decide *d, const Kesu__V1__RecordDelivery *c,
                         Kesu__V1__DeliveryRecorded *body)
{
    body->kind = c->kind;
    body->cause_seq = c->cause_seq;
    body->outcome = c->outcome;
    body->transport = c->transport;
    body->message_id = c->message_id;
    body->attempts = c->attempts;
    body->detail = c->detail;
    body->target = c->target;
    body->told = c->told;
    body->work_id = c->work_id;
    if (c->message_id[0] == '\0' || d->state == NULL) return 0;
    uint8_t *hash = arena_alloc(d->ctx->arena, HASH_SHORT_BYTES);
    if (hash == NULL) return intake_decide_no_memory(d);
    intake_secrets_thread(d->ctx->secrets, KESU__V1__CHANNEL__CHANNEL_EMAIL, c->message_id, hash);
    body->thread_hash = (ProtobufCBinaryData){HASH_SHORT_BYTES, hash};
    return 0;
}

int intake_decide_delivery(struct decide *d)
{
    const Kesu__V1__RecordDelivery *c = d->command->record_delivery;
    struct key key;
    uint64_t outcome = 0;
    DECIDE_TRY(intake_decide_needed(d, "record_delivery.kind", c->kind));
    if (c->outcome == KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_UNSPECIFIED)
        return intake_decide_refuse(d, E_MISSING, "record_delivery.outcome", NULL);
    if (c->cause_seq == 0) return intake_decide_refuse(d, E_MISSING, "record_delivery.cause_seq", NULL);
    if (c->cause_seq >= d->ctx->next_seq)
        return intake_decide_refuse(d, E_UNKNOWN, "record_delivery.cause_seq", "no such event");
    intake_delivery_key(c->cause_seq, c->target, c->kind, &key);
    if (intake_register_get_u64(d->view, TABLE_DELIVERIES, key_span(&key), &outcome) &&
        (outcome == KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DELIVERED ||
         outcome == (uint64_t)c->outcome))
        return intake_decide_refuse(d, E_EXISTS, "record_delivery.cause_seq", "has this outcome");
    Kesu__V1__DeliveryRecorded *body = intake_decide_new(d, &kesu__v1__delivery_recorded__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    DECIDE_TRY(copy_delivery(d, c, body));
    struct decide_event *e = intake_decide_add(d, KESU__V1__EVENT__BODY_DELIVERY_RECORDED, body);
    /* Who cannot be reached at all need not be reached in time. */
    bool done = c->outcome == KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DELIVERED ||
                c->outcome == KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_NOT_SENT;
    return done && d->state != NULL && strcmp(c->kind, "receipt") == 0
               ? intake_decide_moments(d, e, "receipt_delivered", d->ctx->block_time)
               : 0;
}
