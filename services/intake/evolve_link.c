/* SPDX-License-Identifier: Apache-2.0 */
/* Merged and linked cases. */
#include "err.h"
#include "evolve_internal.h"

/* The clocks it stops are those that ran. */
int intake_evolve_merged(struct evolve *e)
{
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    if (life == NULL) return E_NOMEM;
    life->merged_into = e->event->case_merged->into_id;
    life->took_place = e->event->case_merged->took_place;
    life->n_clocks_before = 0;
    life->clocks_before = arena_alloc(e->arena, sizeof(*life->clocks_before) * (e->event->n_clocks + 1));
    if (life->clocks_before == NULL) return E_NOMEM;
    for (size_t i = 0; i < e->event->n_clocks; i++)
        life->clocks_before[life->n_clocks_before++] = e->event->clocks[i]->clock;
    return 0;
}

/* Whom the merged case stands for has the answers that were sent to it. */
int intake_evolve_absorbed(struct evolve *e)
{
    Kesu__V1__CaseState *from;
    int err = intake_case_get(e->r, e->event->case_absorbed->from_id, e->arena, &from);
    if (err != 0 || from->life == NULL || from->life->answer_seq == 0) return err;
    intake_evolve_got_answer(e, from->life->last_incident, from->life->answer_seq);
    return 0;
}

int intake_evolve_unmerged(struct evolve *e)
{
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    if (life == NULL) return E_NOMEM;
    life->merged_into = 0;
    life->took_place = false;
    life->n_clocks_before = 0;
    return 0;
}

int intake_evolve_linked(struct evolve *e)
{
    const Kesu__V1__CasesLinked *b = e->event->cases_linked;
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    Kesu__V1__LinkState *link = arena_alloc(e->arena, sizeof(*link));
    if (life == NULL || link == NULL) return E_NOMEM;
    kesu__v1__link_state__init(link);
    link->other_id = b->other_id;
    link->kind = b->kind;
    life->links = intake_evolve_append(e, life->links, &life->n_links, link);
    return life->links != NULL ? 0 : E_NOMEM;
}

int intake_evolve_unlinked(struct evolve *e)
{
    const Kesu__V1__CaseLife *now = e->state->life;
    size_t kept = 0;
    for (size_t i = 0; now != NULL && i < now->n_links; i++)
        if (now->links[i]->other_id != e->event->cases_unlinked->other_id) now->links[kept++] = now->links[i];
    if (now != NULL) e->state->life->n_links = kept;
    return 0;
}
