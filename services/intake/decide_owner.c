/* SPDX-License-Identifier: Apache-2.0 */
/* Who has a case, and who must not. Whoever becomes accused, or reports to who
 * is, loses the case, its sub-tasks and the review of its appeal in the same
 * commit to somebody else: there is always one who has them. */
#include "decide_life.h"
#include "err.h"
#include "policy.h"

#define MAX_LEVELS 16 /* of a chain of command */

int intake_decide_claim(struct decide *d)
{
    const char *has = d->state->agent;
    if (d->ctx->policy == NULL) return intake_decide_refuse(d, E_NO_POLICY, "", NULL);
    if (has[0] != '\0') {
        const Kesu__V1__Staff *staff = policy_staff(d->ctx->policy, has);
        return intake_decide_refuse(
            d, E_EXISTS, "claim_case.case_id",
            arena_printf(d->ctx->arena, "%s has it", staff != NULL ? staff->name : has));
    }
    if (d->staff == NULL || !d->staff->agent)
        return intake_decide_refuse(d, E_NOT_ALLOWED, "actor.name", "does not take cases");
    DECIDE_TRY(intake_decide_room(d, d->staff->id, "actor.name"));
    Kesu__V1__CaseAssigned *body = intake_decide_new(d, &kesu__v1__case_assigned__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->agent = d->staff->id;
    body->department = d->state->department;
    return intake_decide_follow(d, KESU__V1__EVENT__BODY_CASE_ASSIGNED, body);
}

/* ---- recusal ---------------------------------------------------------------- */

static bool may_have(const struct decide *d, const Kesu__V1__Staff *staff, char *const *accused, size_t n)
{
    return policy_is_here(staff, d->ctx->block_time) && !policy_is_recused(accused, n, staff);
}

const Kesu__V1__Staff *intake_decide_leader(const struct decide *d, const char *who, const char *department,
                                            char *const *accused, size_t n)
{
    const Kesu__V1__Policy *p = d->ctx->policy;
    for (unsigned level = 1; level <= MAX_LEVELS; level++) {
        const Kesu__V1__Staff *staff = policy_escalate_to(p, who, department, level);
        if (may_have(d, staff, accused, n)) return staff;
    }
    return NULL;
}

/* Of the section or department, or above; if all of them are accused, any who leads. */
const Kesu__V1__Staff *intake_decide_heir(const struct decide *d, const char *who, const char *department,
                                          char *const *accused, size_t n)
{
    const Kesu__V1__Policy *p = d->ctx->policy;
    const Kesu__V1__Actor staff_actor = {.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF};
    const Kesu__V1__Staff *found = intake_decide_leader(d, who, department, accused, n);
    if (found == NULL) found = intake_decide_leader(d, "", department, accused, n);
    for (size_t i = 0; found == NULL && i < p->n_staff; i++)
        if ((life_who(&staff_actor, p->staff[i]) & LIFE_LEADERS) != 0 && may_have(d, p->staff[i], accused, n))
            found = p->staff[i];
    return found;
}

/* Is there an agent beside them who could be chosen for it another time? */
static bool another_may_have(const struct decide *d, const Kesu__V1__Staff *chosen)
{
    const Kesu__V1__Policy *p = d->ctx->policy;
    const Kesu__V1__CaseLife *life = d->state->life;
    const char *category = d->state->category;
    bool skilled = policy_has_skill(chosen, category, KESU__V1__LANGUAGE__LANGUAGE_UNSPECIFIED);
    for (size_t i = 0; i < p->n_staff; i++) {
        const Kesu__V1__Staff *s = p->staff[i];
        if (s->agent && strcmp(s->department, chosen->department) == 0 &&
            (!skilled || policy_has_skill(s, category, KESU__V1__LANGUAGE__LANGUAGE_UNSPECIFIED)) &&
            may_have(d, s, life->accused, life->n_accused))
            return true;
    }
    return false;
}

const Kesu__V1__Staff *intake_decide_instead(const struct decide *d, const Kesu__V1__Staff *chosen)
{
    const Kesu__V1__CaseState *s = d->state;
    if (s->agent[0] != '\0' || s->life == NULL ||
        !policy_is_recused(s->life->accused, s->life->n_accused, chosen) || another_may_have(d, chosen))
        return NULL;
    return intake_decide_heir(d, chosen->id, s->department, s->life->accused, s->life->n_accused);
}

static int check_accused(struct decide *d, const Kesu__V1__NameAccused *c)
{
    if (d->ctx->policy == NULL) return intake_decide_refuse(d, E_NO_POLICY, "", NULL);
    for (size_t i = 0; i < c->n_staff; i++)
        if (policy_staff(d->ctx->policy, c->staff[i]) == NULL)
            return intake_decide_refuse(d, E_UNKNOWN,
                                        arena_printf(d->ctx->arena, "name_accused.staff[%zu]", i),
                                        "no such person in the policy in force");
    return 0;
}

static int refuse_nobody(struct decide *d)
{
    return intake_decide_refuse(d, E_RECUSED, "name_accused.staff", "nobody would be left to have the case");
}

int intake_decide_give_case(struct decide *d, const Kesu__V1__Staff *to, const char *reason)
{
    const Kesu__V1__CaseState *s = d->state;
    Kesu__V1__CaseAssigned *body = intake_decide_new(d, &kesu__v1__case_assigned__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->agent = to->id;
    body->department = s->department;
    body->reason = (char *)(uintptr_t)reason;
    body->previous_agent = s->agent;
    return intake_decide_follow(d, KESU__V1__EVENT__BODY_CASE_ASSIGNED, body);
}

int intake_decide_adopt(struct decide *d, const char *reason)
{
    const Kesu__V1__CaseState *s = d->state;
    const Kesu__V1__Policy *p = d->ctx->policy;
    if (p == NULL || policy_is_here(policy_staff(p, s->agent), d->ctx->block_time)) return 0;
    const Kesu__V1__Staff *to =
        intake_decide_heir(d, s->agent, s->department, s->life != NULL ? s->life->accused : NULL,
                           s->life != NULL ? s->life->n_accused : 0);
    if (to == NULL) return 0;
    DECIDE_TRY(intake_decide_reserve(d, 1));
    return intake_decide_give_case(d, to, reason);
}

int intake_decide_give_task(struct decide *d, const Kesu__V1__TaskState *task, const Kesu__V1__Staff *to,
                            const char *reason)
{
    Kesu__V1__TaskTransferred *body = intake_decide_new(d, &kesu__v1__task_transferred__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->task = task->task;
    body->department = body->previous_department = task->department;
    body->owner = to->id;
    body->previous_owner = task->owner;
    body->transfers = task->transfers + 1;
    body->reason = (char *)(uintptr_t)reason;
    return intake_decide_follow(d, KESU__V1__EVENT__BODY_TASK_TRANSFERRED, body);
}

static int recuse_owner(struct decide *d, const Kesu__V1__NameAccused *c)
{
    const Kesu__V1__CaseState *s = d->state;
    if (!policy_is_recused(c->staff, c->n_staff, policy_staff(d->ctx->policy, s->agent))) return 0;
    const Kesu__V1__Staff *to = intake_decide_heir(d, s->agent, s->department, c->staff, c->n_staff);
    return to != NULL ? intake_decide_give_case(d, to, c->reason) : refuse_nobody(d);
}

static int recuse_task(struct decide *d, const Kesu__V1__NameAccused *c, const Kesu__V1__TaskState *task)
{
    if (!policy_is_recused(c->staff, c->n_staff, policy_staff(d->ctx->policy, task->owner))) return 0;
    if (d->out->n_events == d->out->room)
        return intake_decide_refuse(d, E_OPEN_WORK, "name_accused.staff",
                                    "they have too many open sub-tasks: transfer some first");
    const Kesu__V1__Staff *to = intake_decide_heir(d, task->owner, task->department, c->staff, c->n_staff);
    return to != NULL ? intake_decide_give_task(d, task, to, c->reason) : refuse_nobody(d);
}

int intake_decide_accused(struct decide *d)
{
    const Kesu__V1__NameAccused *c = d->command->name_accused;
    const Kesu__V1__CaseLife *life = d->state->life;
    DECIDE_TRY(check_accused(d, c));
    Kesu__V1__AccusedNamed *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_ACCUSED_NAMED);
    if (body == NULL) return intake_decide_no_memory(d);
    if (life != NULL) {
        body->before = life->accused;
        body->n_before = life->n_accused;
    }
    DECIDE_TRY(intake_decide_event(d, KESU__V1__EVENT__BODY_ACCUSED_NAMED, body));
    DECIDE_TRY(recuse_owner(d, c));
    DECIDE_TRY(intake_decide_recuse_reviewer(d, c->staff, c->n_staff, c->reason));
    for (size_t i = 0; life != NULL && i < life->n_tasks; i++)
        if (life->tasks[i]->open) DECIDE_TRY(recuse_task(d, c, life->tasks[i]));
    return 0;
}

/* By themself, or by somebody who takes part in the case. */
int intake_decide_statement(struct decide *d)
{
    const Kesu__V1__RecordStatement *c = d->command->record_statement;
    const Kesu__V1__CaseLife *life = d->state->life;
    DECIDE_TRY(intake_decide_needed(d, "record_statement.staff", c->staff));
    size_t n = life != NULL ? life->n_accused : 0, i = 0;
    while (i < n && strcmp(life->accused[i], c->staff) != 0) i++;
    if (i == n)
        return intake_decide_refuse(d, E_UNKNOWN, "record_statement.staff", "is not accused in this case");
    if (d->staff == NULL || strcmp(d->staff->id, c->staff) != 0)
        DECIDE_TRY(intake_decide_recusal(d, d->state, d->staff, "actor.name"));
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_STATEMENT_RECORDED);
}
