/* SPDX-License-Identifier: Apache-2.0 */
/* The finding, and the sub-tasks of the investigation. */
#include "err.h"
#include "evolve_internal.h"

int intake_evolve_reviewed(struct evolve *e)
{
    const Kesu__V1__CaseReviewed *b = e->event->case_reviewed;
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    if (life == NULL) return E_NOMEM;
    life->finding = b->finding;
    return intake_evolve_took_part(e, NULL);
}

int intake_evolve_task_opened(struct evolve *e)
{
    const Kesu__V1__TaskOpened *b = e->event->task_opened;
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    Kesu__V1__TaskState *task = arena_alloc(e->arena, sizeof(*task));
    if (life == NULL || task == NULL) return E_NOMEM;
    kesu__v1__task_state__init(task);
    task->task = b->task;
    task->department = b->department;
    task->owner = b->owner;
    task->lead = b->lead;
    task->open = true;
    task->opened_at = e->block_time;
    life->tasks = intake_evolve_append(e, life->tasks, &life->n_tasks, task);
    return life->tasks != NULL ? 0 : E_NOMEM;
}

static Kesu__V1__TaskState *task_of(struct evolve *e, uint32_t number)
{
    const Kesu__V1__CaseLife *life = e->state->life;
    for (size_t i = 0; life != NULL && i < life->n_tasks; i++)
        if (life->tasks[i]->task == number) return life->tasks[i];
    return NULL;
}

int intake_evolve_task_answered(struct evolve *e)
{
    const Kesu__V1__TaskAnswered *b = e->event->task_answered;
    Kesu__V1__TaskState *task = task_of(e, b->task);
    if (task == NULL) return E_CORRUPT;
    task->open = false;
    return 0;
}

int intake_evolve_task_transferred(struct evolve *e)
{
    const Kesu__V1__TaskTransferred *b = e->event->task_transferred;
    Kesu__V1__TaskState *task = task_of(e, b->task);
    if (task == NULL) return E_CORRUPT;
    task->department = b->department;
    task->owner = b->owner;
    task->transfers = b->transfers;
    return 0;
}

int intake_evolve_task_waived(struct evolve *e)
{
    Kesu__V1__TaskState *task = task_of(e, e->event->task_waived->task);
    if (task == NULL) return E_CORRUPT;
    task->open = false;
    task->waived = true;
    return 0;
}
