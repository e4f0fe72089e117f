/* SPDX-License-Identifier: Apache-2.0 */
/* Who has left (the policy has them no more, or their time has ended) leaves
 * open work: it goes to who leads them, and is nobody's at no moment. Where
 * somebody has left but nobody is here who may have it, it stays where it is:
 * whoever leads may act for who has left. */
#include "decide_life.h"
#include "err.h"
#include "policy.h"

#define MAX_PARTS 18 /* of a case: itself, its open sub-tasks, the review of its appeal */
#define REASON    "who had it has left"

static bool has_left(const struct decide *d, const char *id)
{
    return id[0] != '\0' && !policy_is_here(policy_staff(d->ctx->policy, id), d->ctx->block_time);
}

static const Kesu__V1__Staff *heir(const struct decide *d, const char *who, const char *department)
{
    const Kesu__V1__CaseLife *life = d->state != NULL ? d->state->life : NULL;
    return intake_decide_heir(d, who, department, life != NULL ? life->accused : NULL,
                              life != NULL ? life->n_accused : 0);
}

static int relieve_case(struct decide *d)
{
    const Kesu__V1__CaseState *s = d->state;
    const Kesu__V1__CaseLife *life = s->life;
    const Kesu__V1__Staff *to;
    DECIDE_TRY(intake_decide_reserve(d, MAX_PARTS));
    if (has_left(d, s->agent) && (to = heir(d, s->agent, s->department)) != NULL)
        DECIDE_TRY(intake_decide_give_case(d, to, REASON));
    for (size_t i = 0; life != NULL && i < life->n_tasks; i++) {
        const Kesu__V1__TaskState *task = life->tasks[i];
        if (task->open && has_left(d, task->owner) && (to = heir(d, task->owner, task->department)) != NULL)
            DECIDE_TRY(intake_decide_give_task(d, task, to, REASON));
    }
    return intake_decide_recuse_reviewer(d, NULL, 0, REASON);
}

static int relieve_incident(struct decide *d, uint64_t id)
{
    static char *set[] = {(char *)(uintptr_t) "lead"};
    Kesu__V1__IncidentState *s;
    const Kesu__V1__Staff *to;
    int err = intake_incident_get(d->view, id, d->ctx->arena, &s);
    if (err == E_NOMEM) return intake_decide_no_memory(d);
    if (err != 0)
        return intake_decide_refuse(d, E_UNKNOWN, "replace_leavers.incident_id", "no such incident");
    if (s->closed || !has_left(d, s->lead) || (to = heir(d, s->lead, "")) == NULL) return 0;
    Kesu__V1__IncidentChanged *body = intake_decide_new(d, &kesu__v1__incident_changed__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->incident_id = id;
    body->set = set;
    body->n_set = 1;
    body->lead = to->id;
    body->reason = (char *)(uintptr_t) "who led it has left";
    body->previous = s->last_seq;
    intake_decide_add(d, KESU__V1__EVENT__BODY_INCIDENT_CHANGED, body);
    return 0;
}

int intake_decide_replace_leavers(struct decide *d)
{
    const Kesu__V1__ReplaceLeavers *c = d->command->replace_leavers;
    if (d->ctx->policy == NULL) return intake_decide_refuse(d, E_NO_POLICY, "", NULL);
    if (c->incident_id != 0) return relieve_incident(d, c->incident_id);
    DECIDE_TRY(intake_decide_load_case(d, c->case_id));
    return life_is_open(d->stage) && d->stage != KESU__V1__STAGE__STAGE_RECEIVED ? relieve_case(d) : 0;
}
