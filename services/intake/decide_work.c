/* SPDX-License-Identifier: Apache-2.0 */
/* Work of no case that is late: a handover nobody accepted, a discipline of an
 * 8D that is not done. Who is to do a discipline is told first, then the chain
 * of command; of a handover the chain is told at once, and who gives it when
 * nobody stands above who takes it. Nothing changes hands by it. */
#include <stdlib.h>

#include "decide_life.h"
#include "err.h"
#include "policy.h"

static const char discipline_prefix[] = "discipline_";

char *intake_decide_discipline_clock(struct decide *d, uint32_t discipline)
{
    return arena_printf(d->ctx->arena, "%s%u", discipline_prefix, discipline);
}

static int no_such_clock(struct decide *d)
{
    return intake_decide_refuse(d, E_UNKNOWN, "fire_clock.clock", "this work has no such clock");
}

/* ret: what is known of the clock; it runs until the work is done. */
static int handover_clock(struct decide *d, Kesu__V1__ClockState *ret, Kesu__V1__HandoverState **ret_handover)
{
    Kesu__V1__HandoverState *h;
    int err = intake_handover_get(d->view, d->command->fire_clock->work_id, d->ctx->arena, &h);
    if (err == E_NOMEM) return intake_decide_no_memory(d);
    if (err != 0) return intake_decide_refuse(d, E_UNKNOWN, "fire_clock.work_id", "no such handover");
    ret->running = !h->accepted;
    ret->due_at = h->due_at;
    ret->n_escalate_at = h->n_escalate_at;
    ret->escalate_at = h->escalate_at;
    ret->breached = h->breached;
    ret->escalated = h->escalated;
    *ret_handover = h;
    return 0;
}

static int discipline_clock(struct decide *d, Kesu__V1__ClockState *ret, const char **ret_owner)
{
    const Kesu__V1__FireClock *c = d->command->fire_clock;
    Kesu__V1__EightDState *s;
    int err = intake_eightd_get(d->view, c->work_id, d->ctx->arena, &s);
    if (err == E_NOMEM) return intake_decide_no_memory(d);
    if (err != 0) return intake_decide_refuse(d, E_UNKNOWN, "fire_clock.work_id", "no such 8D");
    for (size_t i = 0; i < s->n_disciplines; i++) {
        const Kesu__V1__DisciplineState *one = s->disciplines[i];
        char *clock = intake_decide_discipline_clock(d, one->discipline);
        if (clock == NULL) return intake_decide_no_memory(d);
        if (strcmp(clock, c->clock) != 0 || one->due_at == 0) continue;
        ret->running = !one->done && !s->closed;
        ret->due_at = one->due_at;
        ret->n_escalate_at = one->n_escalate_at;
        ret->escalate_at = one->escalate_at;
        ret->breached = one->breached;
        ret->escalated = one->escalated;
        *ret_owner = one->owner;
        return 0;
    }
    return no_such_clock(d);
}

#define MAX_LEVELS 16

/* Of the chain of command at this level, or the next one up who is still here. */
static const char *above(const struct decide *d, const char *who, unsigned level)
{
    for (; d->ctx->policy != NULL && level <= MAX_LEVELS; level++) {
        const Kesu__V1__Staff *staff = policy_escalate_to(d->ctx->policy, who, "", level);
        if (staff != NULL && (staff->until == 0 || staff->until >= d->ctx->block_time)) return staff->id;
    }
    return "";
}

int intake_decide_work_late(struct decide *d)
{
    const Kesu__V1__FireClock *c = d->command->fire_clock;
    bool escalate = c->step == KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE;
    Kesu__V1__ClockState now = KESU__V1__CLOCK_STATE__INIT;
    const char *who = "", *told;
    if (strcmp(c->clock, "handover") == 0) {
        Kesu__V1__HandoverState *h = NULL;
        DECIDE_TRY(handover_clock(d, &now, &h));
        who = h->to;
        told = above(d, who, escalate ? c->level + 1 : 1);
        if (told[0] == '\0') told = h->from;
    } else {
        if (strncmp(c->clock, discipline_prefix, sizeof(discipline_prefix) - 1) != 0) return no_such_clock(d);
        DECIDE_TRY(discipline_clock(d, &now, &who));
        told = escalate ? above(d, who, c->level) : who;
    }
    if (!now.running) return intake_decide_refuse(d, E_EXISTS, "fire_clock.clock", "has stopped");
    DECIDE_TRY(intake_decide_step_due(d, c, &now));
    Kesu__V1__ClockFired *body = intake_decide_new(d, &kesu__v1__clock_fired__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->clock = c->clock;
    body->step = c->step;
    body->level = escalate ? c->level : 0;
    body->due_at = c->due_at;
    body->late = c->late;
    body->agent = (char *)(uintptr_t)who;
    body->told = (char *)(uintptr_t)told;
    body->work_id = c->work_id;
    intake_decide_add(d, KESU__V1__EVENT__BODY_CLOCK_FIRED, body);
    return 0;
}
