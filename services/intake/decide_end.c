/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a case, and ends that are none: reopened, withdrawn, marked, held, archived. */
#include "decide_life.h"
#include "err.h"
#include "persons.h"
#include "policy.h"

static const char *const causes[] = {"man",         "machine",      "material",    "method",  "environment",
                                     "measurement", "over_promise", "third_party", "customer"};

static int check_cause(struct decide *d, const char *cause)
{
    unsigned n = sizeof(causes) / sizeof(causes[0]);
    DECIDE_TRY(intake_decide_needed(d, "close_case.cause", cause));
    for (unsigned i = 0; i < n; i++)
        if (strcmp(causes[i], cause) == 0) return 0;
    intake_decide_refuse(d, E_RANGE, "close_case.cause", NULL);
    d->out->refused.n_allowed = n;
    d->out->refused.allowed = (char **)(uintptr_t)causes;
    return E_RANGE;
}

int intake_decide_open_tasks(struct decide *d)
{
    return intake_decide_tasks_over(d, intake_decide_field(d, "case_id"));
}

/* A grave case is not closed before its 8D is; but what turned out to be none needs none. */
static int check_eightd(struct decide *d)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    const Kesu__V1__Policy *p = d->ctx->policy;
    if (life != NULL && life->n_open_eightds > 0)
        return intake_decide_refuse(d, E_OPEN_WORK, "close_case.case_id", "an 8D is open");
    Kesu__V1__Severity from = p != NULL && p->life != NULL ? p->life->eightd_from : 0;
    if (from == KESU__V1__SEVERITY__SEVERITY_UNSPECIFIED ||
        d->state->severity == KESU__V1__SEVERITY__SEVERITY_UNSPECIFIED || d->state->severity > from ||
        d->stage == KESU__V1__STAGE__STAGE_NOT_A_COMPLAINT)
        return 0;
    if (life != NULL && life->eightds_closed > 0) return 0;
    Kesu__V1__IncidentState *incident;
    if (life != NULL && life->incident_id != 0 &&
        intake_incident_get(d->view, life->incident_id, d->ctx->arena, &incident) == 0 &&
        incident->eightds_closed > 0)
        return 0;
    return intake_decide_refuse(d, E_OPEN_WORK, "close_case.case_id", "this severity needs an 8D first");
}

int intake_decide_close(struct decide *d)
{
    const Kesu__V1__CloseCase *c = d->command->close_case;
    DECIDE_TRY(check_cause(d, c->cause));
    if (c->unit[0] != '\0' && d->ctx->policy != NULL && policy_department(d->ctx->policy, c->unit) == NULL)
        return intake_decide_refuse(d, E_UNKNOWN, "close_case.unit", "no such department");
    DECIDE_TRY(intake_decide_open_tasks(d));
    DECIDE_TRY(check_eightd(d));
    Kesu__V1__CaseClosed *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_CASE_CLOSED);
    if (body == NULL) return intake_decide_no_memory(d);
    body->agent = d->state->agent;
    if (body->unit[0] == '\0') body->unit = d->state->department;
    Kesu__V1__CustomerTraits traits;
    (void)intake_person_traits(d->view, d->state->customer_id, d->ctx->arena, &traits);
    body->no_survey = traits.surveys == KESU__V1__CONSENT__CONSENT_REFUSED;
    return intake_decide_event(d, KESU__V1__EVENT__BODY_CASE_CLOSED, body);
}

/* Who had it has it again; when they are gone or nobody had it, who opened it again has it. */
static int give_owner(struct decide *d)
{
    if (d->staff == NULL || policy_is_here(policy_staff(d->ctx->policy, d->state->agent), d->ctx->block_time))
        return 0;
    Kesu__V1__CaseAssigned *body = intake_decide_new(d, &kesu__v1__case_assigned__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->agent = d->staff->id;
    body->department = d->state->department;
    body->previous_agent = d->state->agent;
    body->reason = d->command->reopen_case->reason;
    return intake_decide_follow(d, KESU__V1__EVENT__BODY_CASE_ASSIGNED, body);
}

int intake_decide_reopen(struct decide *d)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    Kesu__V1__CaseReopened *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_CASE_REOPENED);
    if (body == NULL) return intake_decide_no_memory(d);
    if (!life_is_open(d->stage)) body->agent = d->state->agent;
    body->final = intake_decide_is_final(life);
    body->cycle = life != NULL && life->cycle > 1 ? life->cycle + 1 : 2;
    if (life != NULL && life->first_cause[0] != '\0')
        body->first_cause = life->first_cause;
    else if (d->stage == KESU__V1__STAGE__STAGE_WITHDRAWN)
        body->first_cause = (char *)(uintptr_t) "withdrawn";
    else if (life != NULL)
        body->first_cause = life->cause;
    DECIDE_TRY(intake_decide_event(d, KESU__V1__EVENT__BODY_CASE_REOPENED, body));
    return give_owner(d);
}

int intake_decide_withdraw(struct decide *d)
{
    DECIDE_TRY(intake_decide_plain(d, KESU__V1__EVENT__BODY_CASE_WITHDRAWN));
    return intake_decide_wait_over(d, intake_decide_last(d), "external_due");
}

/* Nothing is held against somebody without showing why; it closes nothing. */
int intake_decide_conduct(struct decide *d)
{
    const Kesu__V1__MarkConduct *c = d->command->mark_conduct;
    Kesu__V1__Conduct before =
        d->state->life != NULL ? d->state->life->conduct : KESU__V1__CONDUCT__CONDUCT_UNSPECIFIED;
    Kesu__V1__ConductMarked *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_CONDUCT_MARKED);
    if (body == NULL) return intake_decide_no_memory(d);
    if (c->conduct == before) return intake_decide_refuse(d, E_EXISTS, "mark_conduct.conduct", NULL);
    if (c->conduct != KESU__V1__CONDUCT__CONDUCT_UNSPECIFIED) DECIDE_TRY(intake_decide_needs(d, "words"));
    body->before = before;
    return intake_decide_event(d, KESU__V1__EVENT__BODY_CONDUCT_MARKED, body);
}

int intake_decide_hold(struct decide *d)
{
    bool held = d->state->life != NULL && d->state->life->held;
    if ((d->command->hold_case->held != 0) == held)
        return intake_decide_refuse(d, E_EXISTS, "hold_case.held", NULL);
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_CASE_HELD);
}

/* The law's years have passed and no law holds it. */
int intake_decide_archive(struct decide *d)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    const Kesu__V1__Policy *p = d->ctx->policy;
    if (p == NULL) return intake_decide_refuse(d, E_NO_POLICY, "", NULL);
    if (life != NULL && life->held)
        return intake_decide_refuse(d, E_NOT_ALLOWED, "archive_case.case_id", "it is held by law");
    if (p->life == NULL || p->life->retention == 0)
        return intake_decide_refuse(d, E_POLICY, "archive_case.case_id", "the policy has no retention");
    if (life == NULL || d->ctx->block_time - life->ended_at < p->life->retention)
        return intake_decide_refuse(d, E_NOT_DUE, "archive_case.case_id", "its retention has not passed");
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_CASE_ARCHIVED);
}
