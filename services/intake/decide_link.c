/* SPDX-License-Identifier: Apache-2.0 */
/* Merged, split and linked cases: always told on both sides, the other first,
 * so that the reply tells of the case that the command names (of a split: of
 * the new case).
 *
 * What is merged goes on as another case that is open, so there is never a
 * ring: whatever names it from then on, joins the other. */
#include "decide_life.h"
#include "err.h"
#include "persons.h"

#define MAX_LINKS 64

static int load_other(struct decide *d, const char *field, uint64_t id, Kesu__V1__CaseState **ret)
{
    if (id == 0) return intake_decide_refuse(d, E_MISSING, intake_decide_field(d, field), NULL);
    if (id == d->state->case_id)
        return intake_decide_refuse(d, E_RANGE, intake_decide_field(d, field), "this case itself");
    int err = intake_case_get(d->view, id, d->ctx->arena, ret);
    if (err == E_NOMEM) return intake_decide_no_memory(d);
    if (err != 0) return intake_decide_refuse(d, E_UNKNOWN, intake_decide_field(d, field), "no such case");
    return intake_decide_recusal(d, *ret, d->staff, "actor.name");
}

/* An event of another case, between those of this one. */
static int tell(struct decide *d, Kesu__V1__CaseState *other, Kesu__V1__Event__BodyCase type, void *body)
{
    Kesu__V1__CaseState *own = d->state;
    Kesu__V1__Stage stage = d->stage;
    d->state = other;
    d->stage = other->stage;
    int err = intake_decide_follow(d, type, body);
    d->state = own;
    d->stage = stage;
    return err;
}

static bool is_sensitive(const Kesu__V1__CaseState *s)
{
    return s->life != NULL && s->life->n_readers > 0;
}

/* ---- merged ----------------------------------------------------------------- */

static int check_work(struct decide *d)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    DECIDE_TRY(intake_decide_tasks_over(d, "merge_case.case_id"));
    if (life != NULL && life->n_open_eightds > 0)
        return intake_decide_refuse(d, E_OPEN_WORK, "merge_case.case_id", "an 8D is open");
    if (life != NULL && life->reply != NULL && life->reply->seq != 0)
        return intake_decide_refuse(d, E_OPEN_WORK, "merge_case.case_id", "a reply waits to be sent");
    return 0;
}

static int check_merge(struct decide *d, const Kesu__V1__CaseState *into)
{
    if (!life_is_open(into->stage))
        return intake_decide_refuse(d, E_STAGE, "merge_case.into_id", "nobody works on that case");
    if (d->state->erased_seq != 0 || into->erased_seq != 0)
        return intake_decide_refuse(
            d, E_ERASED, d->state->erased_seq != 0 ? "merge_case.case_id" : "merge_case.into_id", NULL);
    if (is_sensitive(d->state) || is_sensitive(into))
        return intake_decide_refuse(d, E_NOT_ALLOWED,
                                    is_sensitive(d->state) ? "merge_case.case_id" : "merge_case.into_id",
                                    "only some may read it: link the two instead");
    return check_work(d);
}

/* Of whom nothing is known, it may be anybody. */
static bool is_of_another(struct decide *d, const Kesu__V1__CaseState *into)
{
    uint64_t own = d->state->customer_id, other = into->customer_id;
    return own != 0 && other != 0 && own != other &&
           intake_person_root(d->view, own, d->ctx->arena) !=
               intake_person_root(d->view, other, d->ctx->arena);
}

/* It takes the other's place among the members. */
static int take_place(struct decide *d, Kesu__V1__CaseState *into, Kesu__V1__CaseMerged *merged)
{
    uint64_t incident_id = d->state->life != NULL ? d->state->life->incident_id : 0;
    Kesu__V1__IncidentState *incident;
    if (incident_id == 0 || (into->life != NULL && into->life->incident_id != 0)) return 0;
    if (intake_incident_get(d->view, incident_id, d->ctx->arena, &incident) != 0)
        return intake_decide_no_memory(d);
    if (incident->closed) return 0;
    Kesu__V1__JoinedIncident *joined = intake_decide_new(d, &kesu__v1__joined_incident__descriptor);
    if (joined == NULL) return intake_decide_no_memory(d);
    joined->incident_id = incident_id;
    merged->took_place = true;
    return tell(d, into, KESU__V1__EVENT__BODY_JOINED_INCIDENT, joined);
}

int intake_decide_merge(struct decide *d)
{
    const Kesu__V1__MergeCase *c = d->command->merge_case;
    Kesu__V1__CaseState *into;
    DECIDE_TRY(intake_decide_needs(d, "into_id reason"));
    DECIDE_TRY(load_other(d, "into_id", c->into_id, &into));
    DECIDE_TRY(check_merge(d, into));
    Kesu__V1__CaseAbsorbed *absorbed = intake_decide_new(d, &kesu__v1__case_absorbed__descriptor);
    Kesu__V1__CaseMerged *merged = intake_decide_copy(d, KESU__V1__EVENT__BODY_CASE_MERGED);
    if (absorbed == NULL || merged == NULL) return intake_decide_no_memory(d);
    absorbed->from_id = d->state->case_id;
    absorbed->reason = c->reason;
    merged->agent = d->state->agent;
    merged->other_customer = is_of_another(d, into);
    DECIDE_TRY(tell(d, into, KESU__V1__EVENT__BODY_CASE_ABSORBED, absorbed));
    DECIDE_TRY(take_place(d, into, merged));
    return intake_decide_event(d, KESU__V1__EVENT__BODY_CASE_MERGED, merged);
}

/* It stood in for this one only, and is still there. */
static int leave_place(struct decide *d, Kesu__V1__CaseState *into, char *reason)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    if (!life->took_place || !life_is_open(into->stage) || into->life == NULL ||
        into->life->incident_id != life->incident_id)
        return 0;
    Kesu__V1__LeftIncident *left = intake_decide_new(d, &kesu__v1__left_incident__descriptor);
    if (left == NULL) return intake_decide_no_memory(d);
    left->incident_id = life->incident_id;
    left->reason = reason;
    return tell(d, into, KESU__V1__EVENT__BODY_LEFT_INCIDENT, left);
}

int intake_decide_unmerge(struct decide *d)
{
    const Kesu__V1__UnmergeCase *c = d->command->unmerge_case;
    const Kesu__V1__CaseLife *life = d->state->life;
    Kesu__V1__CaseState *into;
    DECIDE_TRY(intake_decide_needs(d, "reason"));
    DECIDE_TRY(load_other(d, "case_id", life != NULL ? life->merged_into : 0, &into));
    Kesu__V1__CaseReleased *released = intake_decide_new(d, &kesu__v1__case_released__descriptor);
    Kesu__V1__CaseUnmerged *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_CASE_UNMERGED);
    if (released == NULL || body == NULL) return intake_decide_no_memory(d);
    released->from_id = d->state->case_id;
    released->reason = c->reason;
    body->into_id = into->case_id;
    body->agent = d->state->agent;
    DECIDE_TRY(leave_place(d, into, c->reason));
    DECIDE_TRY(tell(d, into, KESU__V1__EVENT__BODY_CASE_RELEASED, released));
    DECIDE_TRY(intake_decide_event(d, KESU__V1__EVENT__BODY_CASE_UNMERGED, body));
    return intake_decide_restart(d, &d->out->events[d->out->n_events - 1], life->clocks_before,
                                 life->n_clocks_before);
}

/* ---- linked ----------------------------------------------------------------- */

static Kesu__V1__LinkKind seen_from_there(Kesu__V1__LinkKind kind)
{
    if (kind == KESU__V1__LINK_KIND__LINK_KIND_PARENT) return KESU__V1__LINK_KIND__LINK_KIND_CHILD;
    if (kind == KESU__V1__LINK_KIND__LINK_KIND_CHILD) return KESU__V1__LINK_KIND__LINK_KIND_PARENT;
    return kind;
}

static bool is_linked(const Kesu__V1__CaseState *s, uint64_t other_id)
{
    for (size_t i = 0; s->life != NULL && i < s->life->n_links; i++)
        if (s->life->links[i]->other_id == other_id) return true;
    return false;
}

static bool is_full(const Kesu__V1__CaseState *s)
{
    return s->life != NULL && s->life->n_links >= MAX_LINKS;
}

static Kesu__V1__CasesLinked *link_to(struct decide *d, uint64_t other_id, Kesu__V1__LinkKind kind,
                                      char *reason)
{
    Kesu__V1__CasesLinked *b = intake_decide_new(d, &kesu__v1__cases_linked__descriptor);
    if (b == NULL) return NULL;
    b->other_id = other_id;
    b->kind = kind;
    b->reason = reason;
    return b;
}

int intake_decide_link(struct decide *d)
{
    const Kesu__V1__LinkCases *c = d->command->link_cases;
    Kesu__V1__CaseState *other;
    DECIDE_TRY(intake_decide_needs(d, "other_id kind"));
    DECIDE_TRY(load_other(d, "other_id", c->other_id, &other));
    if (is_linked(d->state, c->other_id))
        return intake_decide_refuse(d, E_EXISTS, "link_cases.other_id", "the two are linked");
    if (is_full(d->state) || is_full(other))
        return intake_decide_refuse(d, E_RANGE, "link_cases.other_id", "at most 64 links of a case");
    DECIDE_TRY(tell(d, other, KESU__V1__EVENT__BODY_CASES_LINKED,
                    link_to(d, d->state->case_id, seen_from_there(c->kind), c->reason)));
    return intake_decide_follow(d, KESU__V1__EVENT__BODY_CASES_LINKED,
                                link_to(d, c->other_id, c->kind, c->reason));
}

static Kesu__V1__CasesUnlinked *unlink_from(struct decide *d, uint64_t other_id, char *reason)
{
    Kesu__V1__CasesUnlinked *b = intake_decide_new(d, &kesu__v1__cases_unlinked__descriptor);
    if (b == NULL) return NULL;
    b->other_id = other_id;
    b->reason = reason;
    return b;
}

int intake_decide_unlink(struct decide *d)
{
    const Kesu__V1__UnlinkCases *c = d->command->unlink_cases;
    Kesu__V1__CaseState *other;
    DECIDE_TRY(intake_decide_needs(d, "other_id reason"));
    DECIDE_TRY(load_other(d, "other_id", c->other_id, &other));
    if (!is_linked(d->state, c->other_id))
        return intake_decide_refuse(d, E_UNKNOWN, "unlink_cases.other_id", "the two are not linked");
    DECIDE_TRY(
        tell(d, other, KESU__V1__EVENT__BODY_CASES_UNLINKED, unlink_from(d, d->state->case_id, c->reason)));
    return intake_decide_follow(d, KESU__V1__EVENT__BODY_CASES_UNLINKED,
                                unlink_from(d, c->other_id, c->reason));
}

/* ---- split ------------------------------------------------------------------ */

static int check_split(struct decide *d, const Kesu__V1__Words *words)
{
    DECIDE_TRY(intake_decide_needs(d, "words reason"));
    if (d->state->erased_seq != 0) return intake_decide_refuse(d, E_ERASED, "split_case.case_id", NULL);
    if (is_sensitive(d->state))
        return intake_decide_refuse(d, E_NOT_ALLOWED, "split_case.case_id", "only some may read it");
    if (is_full(d->state))
        return intake_decide_refuse(d, E_RANGE, "split_case.case_id", "at most 64 links of a case");
    if (d->ctx->policy == NULL) return intake_decide_refuse(d, E_NO_POLICY, "", NULL);
    if (d->ctx->storage_low) return intake_decide_refuse(d, E_STORAGE_LOW, "", NULL);
    for (size_t i = 0; i < words->n_attachments; i++)
        if (words->attachments[i]->blob.len != HASH_BYTES)
            return intake_decide_refuse(d, E_MISSING, "split_case.words.attachments.blob", NULL);
    return 0;
}

static Kesu__V1__CaseText *text_of(struct decide *d, const Kesu__V1__Words *words)
{
    Kesu__V1__CaseText *text = intake_decide_new(d, &kesu__v1__case_text__descriptor);
    Kesu__V1__Personal *personal = intake_decide_new(d, &kesu__v1__personal__descriptor);
    if (text == NULL || personal == NULL) return NULL;
    personal->text = words->text;
    personal->n_attachments = words->n_attachments;
    personal->attachments = words->attachments;
    text->personal = personal;
    return text;
}

/* Of the same customer and about the same thing, until the record says otherwise. */
static int open_part(struct decide *d, const Kesu__V1__Words *words, Kesu__V1__CaseState *ret)
{
    const Kesu__V1__CaseState *s = d->state;
    Kesu__V1__CaseOpened *body = intake_decide_new(d, &kesu__v1__case_opened__descriptor);
    Kesu__V1__Sealed *sealed = intake_decide_new(d, &kesu__v1__sealed__descriptor);
    Kesu__V1__CaseText *text = text_of(d, words);
    if (body == NULL || sealed == NULL || text == NULL) return intake_decide_no_memory(d);
    body->customer_id = s->customer_id;
    body->channel = s->channel;
    body->received_at = d->ctx->block_time;
    body->occurred_at = s->occurred_at;
    body->object = s->object;
    body->tier = s->tier;
    body->language = s->language;
    body->anonymous = s->anonymous;
    body->internal = s->internal;
    body->n_contact_hashes = s->n_contact_hashes;
    body->contact_hashes = s->contact_hashes;
    body->personal = sealed;
    body->split_from = s->case_id;
    DECIDE_TRY(intake_decide_number(d, body));
    if (words->n_attachments > 0)
        DECIDE_TRY(
            intake_decide_hash_files(d, words->attachments, words->n_attachments, &body->attachment_hashes));
    body->n_attachment_hashes = words->n_attachments;
    struct decide_event *e = intake_decide_add_to(d, NULL, KESU__V1__EVENT__BODY_CASE_OPENED, body);
    e->event.case_id = d->ctx->next_seq + d->out->n_events - 1;
    e->event.version = 1;
    intake_decide_seal(e, text, sealed, d->ctx->next_key_id + d->out->new_keys++);
    DECIDE_TRY(intake_decide_start_clocks(d, e, body->received_at));
    kesu__v1__case_state__init(ret);
    ret->case_id = e->event.case_id;
    ret->number = body->number;
    ret->stage = KESU__V1__STAGE__STAGE_RECEIVED;
    return 0;
}

int intake_decide_split(struct decide *d)
{
    const Kesu__V1__SplitCase *c = d->command->split_case;
    Kesu__V1__CaseState part;
    DECIDE_TRY(check_split(d, c->words));
    DECIDE_TRY(open_part(d, c->words, &part));
    DECIDE_TRY(
        intake_decide_follow(d, KESU__V1__EVENT__BODY_CASES_LINKED,
                             link_to(d, part.case_id, KESU__V1__LINK_KIND__LINK_KIND_CHILD, c->reason)));
    uint64_t whole = d->state->case_id;
    d->state = &part;
    d->stage = part.stage;
    int err = intake_decide_follow(d, KESU__V1__EVENT__BODY_CASES_LINKED,
                                   link_to(d, whole, KESU__V1__LINK_KIND__LINK_KIND_PARENT, c->reason));
    d->state = NULL;
    return err;
}
