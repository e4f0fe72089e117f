/* SPDX-License-Identifier: Apache-2.0 */
/* What the ends of a case leave, and what a new cycle begins with. */
#include "err.h"
#include "evolve_internal.h"

int intake_evolve_closed(struct evolve *e)
{
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    if (life == NULL) return E_NOMEM;
    life->cause = e->event->case_closed->cause;
    life->ended_at = e->block_time;
    return 0;
}

/* Review, proposal, opinion and appeal begin anew; what they were stands in the journal. A proposal's
 * number is not given twice, and a leader still reads what was decided at once. */
int intake_evolve_reopened(struct evolve *e)
{
    const Kesu__V1__CaseReopened *b = e->event->case_reopened;
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    if (life == NULL) return E_NOMEM;
    life->cycle = b->cycle;
    life->first_cause = b->first_cause;
    life->finding = KESU__V1__FINDING__FINDING_UNSPECIFIED;
    life->appeal = NULL;
    life->external = NULL;
    life->deadlock_seq = 0;
    life->steps_done = 0;
    life->csat = 0;
    if (life->proposal != NULL) {
        intake_evolve_unapproved(life);
        life->proposal->n_lines = 0;
        life->proposal->total = NULL;
        life->proposal->proposer = (char *)(uintptr_t) "";
        life->proposal->proposed_for = (char *)(uintptr_t) "";
    }
    if (life->opinion != NULL) {
        life->opinion->seq = 0;
        life->opinion->sent_at = 0;
        life->opinion->final = false;
    }
    return 0;
}

int intake_evolve_withdrawn(struct evolve *e)
{
    if (e->state->life != NULL) e->state->life->external = NULL;
    return 0;
}

int intake_evolve_conduct_marked(struct evolve *e)
{
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    if (life == NULL) return E_NOMEM;
    life->conduct = e->event->conduct_marked->conduct;
    return 0;
}

int intake_evolve_held(struct evolve *e)
{
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    if (life == NULL) return E_NOMEM;
    life->held = e->event->case_held->held;
    return 0;
}
