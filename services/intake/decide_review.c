/* SPDX-License-Identifier: Apache-2.0 */
/* Founded or not, and the questions to departments on the way to it. A
 * sub-task has an owner who answers, or whoever stands above them; while one is
 * open nothing is proposed and nothing explained, unless it was waived. */
#include "decide_life.h"
#include "err.h"
#include "policy.h"

#define MAX_TASKS      64 /* of a case */
#define MAX_OPEN_TASKS 16

int intake_decide_tasks_over(struct decide *d, const char *field)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    for (size_t i = 0; life != NULL && i < life->n_tasks; i++)
        if (life->tasks[i]->open)
            return intake_decide_refuse(d, E_OPEN_WORK, field,
                                        arena_printf(d->ctx->arena, "sub-task %u of %s is open",
                                                     life->tasks[i]->task, life->tasks[i]->department));
    return 0;
}

int intake_decide_review(struct decide *d)
{
    if (d->command->review_case->finding == KESU__V1__FINDING__FINDING_NOT_FOUNDED)
        DECIDE_TRY(intake_decide_tasks_over(d, "review_case.finding"));
    Kesu__V1__CaseReviewed *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_CASE_REVIEWED);
    if (body == NULL) return intake_decide_no_memory(d);
    if (d->state->life != NULL) body->before = d->state->life->finding;
    return intake_decide_event(d, KESU__V1__EVENT__BODY_CASE_REVIEWED, body);
}

/* ---- whose it is ----------------------------------------------------------- */

/* Who leads the department, or the next above who may and is here. */
static const Kesu__V1__Staff *leader(const struct decide *d, const char *department)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    return life != NULL ? intake_decide_leader(d, "", department, life->accused, life->n_accused)
                        : intake_decide_leader(d, "", department, NULL, 0);
}

static int choose_owner(struct decide *d, const char *department_id, const char *owner,
                        const Kesu__V1__Staff **ret)
{
    const Kesu__V1__Policy *p = d->ctx->policy;
    char *field = intake_decide_field(d, "owner");
    if (p == NULL) return intake_decide_refuse(d, E_NO_POLICY, "", NULL);
    const Kesu__V1__Department *department = policy_department(p, department_id);
    if (department == NULL)
        return intake_decide_refuse(d, E_UNKNOWN, intake_decide_field(d, "department"), NULL);
    const Kesu__V1__Staff *staff = owner[0] != '\0' ? policy_staff(p, owner) : leader(d, department_id);
    if (staff == NULL) return intake_decide_refuse(d, E_UNKNOWN, field, "nobody of the policy in force");
    if (strcmp(staff->department, department_id) != 0 &&
        !policy_stands_above(p, staff->id, department->manager))
        return intake_decide_refuse(d, E_RANGE, field, "not of this department");
    if (!policy_is_here(staff, d->ctx->block_time))
        return intake_decide_refuse(d, E_NOT_ALLOWED, field, "their time here has ended");
    DECIDE_TRY(intake_decide_recusal(d, d->state, staff, field));
    *ret = staff;
    return 0;
}

static bool stands_above(const struct decide *d, const char *whom)
{
    return whom[0] != '\0' && d->staff != NULL && intake_decide_stands_above(d, whom);
}

static int refuse_owner(struct decide *d, const char *owner)
{
    return intake_decide_refuse(d, E_NOT_ALLOWED, "actor.name",
                                arena_printf(d->ctx->arena, "the sub-task belongs to %s", owner));
}

/* ---- sub-tasks -------------------------------------------------------------- */

/* The sub-task a command names, which must be open. */
static int find_open(struct decide *d, uint32_t number, Kesu__V1__TaskState **ret)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    char *field = intake_decide_field(d, "task");
    if (number == 0) return intake_decide_refuse(d, E_MISSING, field, NULL);
    for (size_t i = 0; life != NULL && i < life->n_tasks; i++) {
        if (life->tasks[i]->task != number) continue;
        *ret = life->tasks[i];
        if (life->tasks[i]->open) return 0;
        return intake_decide_refuse(d, E_EXISTS, field,
                                    life->tasks[i]->waived ? "was waived" : "was answered");
    }
    return intake_decide_refuse(d, E_UNKNOWN, field, "the case has no such sub-task");
}

static int check_room(struct decide *d, const Kesu__V1__OpenTask *c)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    unsigned open = 0;
    for (size_t i = 0; life != NULL && i < life->n_tasks; i++) {
        const Kesu__V1__TaskState *task = life->tasks[i];
        if (task->open) open++;
        if (c->lead && task->lead && task->open)
            return intake_decide_refuse(d, E_EXISTS, "open_task.lead",
                                        arena_printf(d->ctx->arena, "%s leads already", task->department));
    }
    if (open >= MAX_OPEN_TASKS || (life != NULL && life->n_tasks >= MAX_TASKS))
        return intake_decide_refuse(d, E_RANGE, "open_task.case_id", "16 open sub-tasks, 64 in all");
    return 0;
}

int intake_decide_open_task(struct decide *d)
{
    const Kesu__V1__OpenTask *c = d->command->open_task;
    const Kesu__V1__Staff *owner;
    DECIDE_TRY(intake_decide_needs(d, "department words"));
    DECIDE_TRY(choose_owner(d, c->department, c->owner, &owner));
    DECIDE_TRY(check_room(d, c));
    Kesu__V1__TaskOpened *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_TASK_OPENED);
    if (body == NULL) return intake_decide_no_memory(d);
    body->task = (uint32_t)(d->state->life != NULL ? d->state->life->n_tasks : 0) + 1;
    body->owner = owner->id;
    DECIDE_TRY(intake_decide_event(d, KESU__V1__EVENT__BODY_TASK_OPENED, body));
    return intake_decide_start_task_clocks(d, intake_decide_last(d), body->task);
}

int intake_decide_answer_task(struct decide *d)
{
    Kesu__V1__TaskState *task;
    DECIDE_TRY(find_open(d, d->command->answer_task->task, &task));
    if (!stands_above(d, task->owner)) return refuse_owner(d, task->owner);
    DECIDE_TRY(intake_decide_plain(d, KESU__V1__EVENT__BODY_TASK_ANSWERED));
    return intake_decide_stop_task_clocks(d, intake_decide_last(d), task->task);
}

/* Its time goes on: who gets it late is helped by who gave it late. */
int intake_decide_transfer_task(struct decide *d)
{
    const Kesu__V1__TransferTask *c = d->command->transfer_task;
    Kesu__V1__TaskState *task;
    const Kesu__V1__Staff *owner;
    DECIDE_TRY(find_open(d, c->task, &task));
    if (!stands_above(d, task->owner) && !stands_above(d, d->state->agent))
        return refuse_owner(d, task->owner);
    DECIDE_TRY(intake_decide_needs(d, "department reason"));
    DECIDE_TRY(choose_owner(d, c->department, c->owner, &owner));
    if (strcmp(owner->id, task->owner) == 0 && strcmp(c->department, task->department) == 0)
        return intake_decide_refuse(d, E_EXISTS, "transfer_task.owner", "has the sub-task");
    Kesu__V1__TaskTransferred *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_TASK_TRANSFERRED);
    if (body == NULL) return intake_decide_no_memory(d);
    body->owner = owner->id;
    body->previous_department = task->department;
    body->previous_owner = task->owner;
    body->transfers = task->transfers + 1;
    return intake_decide_event(d, KESU__V1__EVENT__BODY_TASK_TRANSFERRED, body);
}

int intake_decide_waive_task(struct decide *d)
{
    Kesu__V1__TaskState *task;
    DECIDE_TRY(find_open(d, d->command->waive_task->task, &task));
    if (!stands_above(d, d->state->agent) && !stands_above(d, task->owner))
        return intake_decide_refuse(d, E_NOT_ALLOWED, "actor.name",
                                    "stands above neither who has the case nor who has the sub-task");
    DECIDE_TRY(intake_decide_plain(d, KESU__V1__EVENT__BODY_TASK_WAIVED));
    return intake_decide_stop_task_clocks(d, intake_decide_last(d), task->task);
}
