/* SPDX-License-Identifier: Apache-2.0 */
#include "veil.h"

#include "life.h"
#include "policy.h"

bool intake_veil_is_on(const Kesu__V1__CaseState *state)
{
    return state->life != NULL && state->life->n_readers > 0;
}

/* NULL: not here, or recused. */
static const Kesu__V1__Staff *free_to_read(const Kesu__V1__Policy *policy, const Kesu__V1__CaseState *state,
                                           const char *staff, int64_t now)
{
    const Kesu__V1__Staff *s = policy_staff(policy, staff);
    const Kesu__V1__CaseLife *life = state->life;
    bool recused = life != NULL && policy_is_recused(life->accused, life->n_accused, s);
    return policy_is_here(s, now) && !recused ? s : NULL;
}

bool intake_veil_may_read(const Kesu__V1__Policy *policy, const Kesu__V1__CaseState *state, const char *staff,
                          int64_t now)
{
    bool named = false;
    for (size_t i = 0; state->life != NULL && i < state->life->n_readers; i++)
        named = named || strcmp(state->life->readers[i], staff) == 0;
    return named && (policy == NULL || free_to_read(policy, state, staff, now) != NULL);
}

bool intake_veil_accountability(const Kesu__V1__Policy *policy, const Kesu__V1__CaseState *state,
                                const char *staff, int64_t now)
{
    const Kesu__V1__Staff *s = policy != NULL ? free_to_read(policy, state, staff, now) : NULL;
    if (s == NULL) return false;
    Kesu__V1__Actor actor = KESU__V1__ACTOR__INIT;
    actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF;
    return (life_who(&actor, s) & (LIFE_LEADERS | LIFE_ROLE(LEGAL) | LIFE_ROLE(AUDITOR))) != 0;
}

Kesu__V1__CaseState *intake_veil_state(Kesu__V1__CaseState *state, struct arena *arena)
{
    if (!intake_veil_is_on(state)) return state;
    Kesu__V1__CaseState *s = arena_alloc(arena, sizeof(*s));
    if (s == NULL) return NULL;
    kesu__v1__case_state__init(s);
    s->case_id = state->case_id;
    s->number = state->number;
    s->version = state->version;
    s->stage = state->stage;
    s->n_clocks = state->n_clocks;
    s->clocks = state->clocks;
    return s;
}
