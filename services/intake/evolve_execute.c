/* SPDX-License-Identifier: Apache-2.0 */
/* What was done, claimed from others and thought of it. */
#include "err.h"
#include "evolve_internal.h"
#include "money.h"

int intake_evolve_step_completed(struct evolve *e)
{
    const Kesu__V1__StepCompleted *b = e->event->step_completed;
    Kesu__V1__CaseLife *life = e->state->life;
    if (life == NULL || life->proposal == NULL || b->step == 0 || b->step > life->proposal->n_lines)
        return E_CORRUPT;
    life->steps_done = b->step;
    const Kesu__V1__Money *amount = life->proposal->lines[b->step - 1]->amount;
    if (amount == NULL) return 0;
    if (life->given == NULL) {
        life->given = arena_alloc(e->arena, sizeof(*life->given));
        if (life->given == NULL) return E_NOMEM;
        kesu__v1__money__init(life->given);
        life->given->currency = amount->currency;
    }
    return money_add(life->given, amount);
}

int intake_evolve_recovery_claimed(struct evolve *e)
{
    const Kesu__V1__RecoveryClaimed *b = e->event->recovery_claimed;
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    Kesu__V1__RecoveryState *claim = arena_alloc(e->arena, sizeof(*claim));
    if (life == NULL || claim == NULL) return E_NOMEM;
    kesu__v1__recovery_state__init(claim);
    claim->claim = b->claim;
    claim->amount = b->amount;
    life->recoveries = intake_evolve_append(e, life->recoveries, &life->n_recoveries, claim);
    return life->recoveries != NULL ? 0 : E_NOMEM;
}

int intake_evolve_recovery_settled(struct evolve *e)
{
    const Kesu__V1__RecoverySettled *b = e->event->recovery_settled;
    Kesu__V1__CaseLife *life = e->state->life;
    if (life == NULL || b->claim == 0 || b->claim > life->n_recoveries) return E_CORRUPT;
    life->recoveries[b->claim - 1]->settled = true;
    return 0;
}

int intake_evolve_feedback_recorded(struct evolve *e)
{
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    if (life == NULL) return E_NOMEM;
    life->csat = e->event->feedback_recorded->csat;
    return 0;
}

int intake_evolve_accountability_recorded(struct evolve *e)
{
    const Kesu__V1__Sealed *details = e->event->accountability_recorded->details;
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    if (life == NULL) return E_NOMEM;
    if (details == NULL) return 0;
    life->accountability_key = details->key_id;
    intake_evolve_key(e, details);
    intake_evolve_restrict(e, details->key_id, true);
    return 0;
}
