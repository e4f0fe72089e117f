/* SPDX-License-Identifier: Apache-2.0 */
/* What appeals leave in the register. */
#include "err.h"
#include "evolve_internal.h"

int intake_evolve_appeal(struct evolve *e, bool late)
{
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    Kesu__V1__AppealState *appeal = arena_alloc(e->arena, sizeof(*appeal));
    if (life == NULL || appeal == NULL) return E_NOMEM;
    kesu__v1__appeal_state__init(appeal);
    appeal->seq = e->seq;
    appeal->late = late;
    appeal->waits = late;
    life->appeal = appeal;
    return 0;
}

int intake_evolve_appeal_filed(struct evolve *e)
{
    return intake_evolve_appeal(e, e->event->appeal_filed->late);
}

static Kesu__V1__AppealState *appeal_of(struct evolve *e)
{
    return e->state->life != NULL ? e->state->life->appeal : NULL;
}

int intake_evolve_appeal_admitted(struct evolve *e)
{
    Kesu__V1__AppealState *appeal = appeal_of(e);
    if (appeal == NULL) return E_CORRUPT;
    appeal->waits = false;
    return 0;
}

int intake_evolve_reviewer_assigned(struct evolve *e)
{
    Kesu__V1__AppealState *appeal = appeal_of(e);
    if (appeal == NULL) return E_CORRUPT;
    appeal->reviewer = e->event->reviewer_assigned->reviewer;
    return 0;
}

/* Whoever was right: what was approved before is not approved any more, unless it stands. */
int intake_evolve_appeal_decided(struct evolve *e)
{
    const Kesu__V1__AppealDecided *b = e->event->appeal_decided;
    Kesu__V1__AppealState *appeal = appeal_of(e);
    if (appeal == NULL) return E_CORRUPT;
    appeal->outcome = b->outcome;
    Kesu__V1__CaseLife *life = e->state->life;
    bool dismissed = b->outcome == KESU__V1__APPEAL_OUTCOME__APPEAL_OUTCOME_DISMISSED;
    if (dismissed && !b->of_explanation && life->opinion != NULL) {
        life->opinion->final = true;
        life->opinion->sent_at = e->block_time;
    }
    if (!dismissed && b->of_explanation)
        life->finding = b->outcome == KESU__V1__APPEAL_OUTCOME__APPEAL_OUTCOME_UPHELD
                            ? KESU__V1__FINDING__FINDING_FOUNDED
                            : KESU__V1__FINDING__FINDING_PARTLY;
    if (!dismissed) intake_evolve_unapproved(life);
    return intake_evolve_took_part(e, NULL);
}
