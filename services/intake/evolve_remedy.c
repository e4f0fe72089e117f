/* SPDX-License-Identifier: Apache-2.0 */
/* What a proposal and its approval leave in the register. */
#include "err.h"
#include "evolve_internal.h"

static size_t chosen_lines(const Kesu__V1__RemedyProposed *b, Kesu__V1__RemedyLine **ret)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n_lines; i++)
        if (b->lines[i]->option == b->chosen) ret[n++] = b->lines[i];
    return n;
}

int intake_evolve_remedy_proposed(struct evolve *e)
{
    const Kesu__V1__RemedyProposed *b = e->event->remedy_proposed;
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    Kesu__V1__ProposalState *p = arena_alloc(e->arena, sizeof(*p));
    if (life == NULL || p == NULL) return E_NOMEM;
    kesu__v1__proposal_state__init(p);
    p->lines = arena_alloc(e->arena, sizeof(*p->lines) * (b->n_lines + 1));
    if (p->lines == NULL) return E_NOMEM;
    p->proposal = b->proposal;
    p->n_lines = chosen_lines(b, p->lines);
    p->total = b->total;
    p->proposer = e->event->actor != NULL ? e->event->actor->name : p->proposer;
    p->proposed_for = e->event->actor != NULL ? e->event->actor->on_behalf_of : p->proposed_for;
    life->proposal = p;
    life->steps_done = 0;
    if (p->proposed_for[0] != '\0' && intake_evolve_took_part(e, p->proposed_for) != 0) return E_NOMEM;
    return intake_evolve_took_part(e, NULL);
}

static Kesu__V1__ProposalState *proposal_of(struct evolve *e)
{
    return e->state->life != NULL ? e->state->life->proposal : NULL;
}

int intake_evolve_proposal_submitted(struct evolve *e)
{
    Kesu__V1__ProposalState *p = proposal_of(e);
    if (p == NULL) return E_CORRUPT;
    p->submitted = true;
    p->to = e->event->proposal_submitted->to;
    p->level = e->event->proposal_submitted->level;
    return 0;
}

int intake_evolve_proposal_decided(struct evolve *e)
{
    const Kesu__V1__Actor *actor = e->event->actor;
    Kesu__V1__ProposalState *p = proposal_of(e);
    if (p == NULL || actor == NULL) return E_CORRUPT;
    if (e->event->proposal_decided->decision == KESU__V1__DECISION__DECISION_APPROVED) {
        p->approved = true;
        p->approvers = intake_evolve_append(e, p->approvers, &p->n_approvers, actor->name);
        if (p->approvers == NULL) return E_NOMEM;
    } else {
        intake_evolve_unapproved(e->state->life);
    }
    if (actor->on_behalf_of[0] != '\0') {
        int err = intake_evolve_took_part(e, actor->on_behalf_of);
        if (err != 0) return err;
    }
    return intake_evolve_took_part(e, NULL);
}
