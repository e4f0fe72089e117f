/* SPDX-License-Identifier: Apache-2.0 */
/* What the opinion, its answer and bodies outside leave in the register. */
#include "err.h"
#include "evolve_internal.h"
#include "money.h"

/* What was decided at once counts in the quota of who proposed it. */
static int count_quota(struct evolve *e, const Kesu__V1__OpinionSent *b)
{
    const Kesu__V1__ProposalState *proposal = e->state->life->proposal;
    Kesu__V1__AgentState *agent;
    const char *who = proposal != NULL ? proposal->proposer : "";
    if (who[0] == '\0') return 0;
    int err = intake_agent_get(e->r, who, e->arena, &agent);
    if (err != 0) return err;
    if (agent->quota_from != b->quota_from) {
        agent->quota_from = b->quota_from;
        agent->quota_e4 = 0;
        agent->quota_cases = 0;
        agent->quota_currency = (char *)(uintptr_t) "";
    }
    /* Of another currency than the first of the period: only a quota without a sum lets it be decided at
     * once, and there cases count. */
    Kesu__V1__Money sum = KESU__V1__MONEY__INIT;
    sum.e4 = agent->quota_e4;
    sum.currency = agent->quota_currency;
    if (sum.e4 == 0 && b->total != NULL) sum.currency = b->total->currency;
    if (money_add(&sum, b->total) == 0) {
        agent->quota_e4 = sum.e4;
        agent->quota_currency = sum.currency;
    }
    agent->quota_cases++;
    intake_agent_put(e->r, agent);
    return 0;
}

int intake_evolve_opinion_sent(struct evolve *e)
{
    const Kesu__V1__OpinionSent *b = e->event->opinion_sent;
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    Kesu__V1__OpinionState *opinion = arena_alloc(e->arena, sizeof(*opinion));
    if (life == NULL || opinion == NULL) return E_NOMEM;
    kesu__v1__opinion_state__init(opinion);
    opinion->seq = e->seq;
    opinion->sent_at = e->block_time;
    opinion->final = b->final;
    opinion->proposal = b->proposal;
    opinion->sender = e->event->actor != NULL ? e->event->actor->name : opinion->sender;
    opinion->at_once = b->at_once;
    if (b->at_once)
        opinion->read_by = b->read_by;
    else if (life->opinion != NULL)
        opinion->read_by = life->opinion->read_by; /* what was decided before is still to be read */
    life->opinion = opinion;
    int err = b->at_once ? count_quota(e, b) : 0;
    return err != 0 ? err : intake_evolve_took_part(e, NULL);
}

int intake_evolve_reading_confirmed(struct evolve *e)
{
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    if (life == NULL) return E_NOMEM;
    if (life->opinion == NULL) return E_CORRUPT;
    life->opinion->read_by = (char *)(uintptr_t) "";
    return 0;
}

void intake_evolve_unapproved(Kesu__V1__CaseLife *life)
{
    if (life->proposal == NULL) return;
    life->proposal->submitted = false;
    life->proposal->approved = false;
    life->proposal->n_approvers = 0;
    life->proposal->level = 0;
    life->proposal->to = (char *)(uintptr_t) "";
}

int intake_evolve_answer_recorded(struct evolve *e)
{
    const Kesu__V1__AnswerRecorded *b = e->event->answer_recorded;
    if (b->answer == KESU__V1__ANSWER__ANSWER_OBJECTED && !b->final) return intake_evolve_appeal(e, false);
    if (b->answer == KESU__V1__ANSWER__ANSWER_COUNTER_PROPOSED && e->state->life != NULL)
        intake_evolve_unapproved(e->state->life);
    return 0;
}

int intake_evolve_deadlocked(struct evolve *e)
{
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    if (life == NULL) return E_NOMEM;
    life->deadlock_seq = e->seq;
    return 0;
}

int intake_evolve_external_referred(struct evolve *e)
{
    const Kesu__V1__ExternalReferred *b = e->event->external_referred;
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    Kesu__V1__ExternalState *external = arena_alloc(e->arena, sizeof(*external));
    if (life == NULL || external == NULL) return E_NOMEM;
    kesu__v1__external_state__init(external);
    external->kind = b->kind;
    external->body = b->body;
    external->reference = b->reference;
    external->due_at = b->due_at;
    life->external = external;
    return 0;
}

int intake_evolve_external_recorded(struct evolve *e)
{
    if (e->state->life == NULL) return 0;
    e->state->life->external = NULL;
    if (e->event->external_recorded->outcome == KESU__V1__EXTERNAL_OUTCOME__EXTERNAL_OUTCOME_ORDERED)
        intake_evolve_unapproved(e->state->life);
    return 0;
}
