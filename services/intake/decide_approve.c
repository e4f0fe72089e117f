/* SPDX-License-Identifier: Apache-2.0 */
/* Who approves what is proposed: somebody else than who proposed it, within
 * their own authority or that of whom they stand in for. Small things their
 * proposer decides at once, within a quota, and a leader reads it afterwards. */
#include "authority.h"
#include "decide_life.h"
#include "err.h"
#include "money.h"
#include "policy.h"

int intake_decide_has_proposal(struct decide *d, const Kesu__V1__ProposalState **ret)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    if (d->ctx->policy == NULL) return intake_decide_refuse(d, E_NO_POLICY, "", NULL);
    if (life == NULL || life->proposal == NULL || life->proposal->n_lines == 0)
        return intake_decide_refuse(d, E_UNKNOWN, intake_decide_field(d, "case_id"),
                                    "nothing is proposed in this case");
    *ret = life->proposal;
    return 0;
}

static bool proposed_it(const Kesu__V1__ProposalState *p, const char *staff)
{
    return strcmp(p->proposer, staff) == 0 || strcmp(p->proposed_for, staff) == 0;
}

/* Not recused, and not who proposed it. */
static bool may_decide(const struct decide *d, const Kesu__V1__ProposalState *p, const Kesu__V1__Staff *staff)
{
    struct decision out = {0};
    struct decide aside = *d;
    aside.out = &out;
    return !proposed_it(p, staff->id) && intake_decide_recusal(&aside, d->state, staff, "") == 0;
}

/* The lowest above the proposer who may; recused ones are passed over. */
static const Kesu__V1__Staff *lowest_approver(const struct decide *d, const Kesu__V1__ProposalState *p,
                                              const Kesu__V1__Money *whole)
{
    const Kesu__V1__Policy *policy = d->ctx->policy;
    const char *from = p->proposer;
    for (unsigned steps = 0; steps < 64; steps++) {
        const Kesu__V1__Staff *s = authority_approver(policy, from, d->state->agent, p->lines, p->n_lines,
                                                      whole, d->ctx->block_time);
        if (s == NULL || may_decide(d, p, s)) return s;
        from = s->id;
    }
    return NULL;
}

int intake_decide_submit(struct decide *d)
{
    const Kesu__V1__ProposalState *p;
    Kesu__V1__Money *whole;
    DECIDE_TRY(intake_decide_has_proposal(d, &p));
    DECIDE_TRY(intake_decide_open_tasks(d));
    DECIDE_TRY(intake_decide_whole(d, p->total, &whole));
    const Kesu__V1__Staff *to = lowest_approver(d, p, whole);
    if (to == NULL)
        return intake_decide_refuse(d, E_LIMIT, "submit_proposal.case_id",
                                    "nobody above has the authority for it");
    Kesu__V1__ProposalSubmitted *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_PROPOSAL_SUBMITTED);
    if (body == NULL) return intake_decide_no_memory(d);
    body->proposal = p->proposal;
    body->to = to->id;
    body->level = (uint32_t)to->role;
    return intake_decide_event(d, KESU__V1__EVENT__BODY_PROPOSAL_SUBMITTED, body);
}

static char *over_limit(struct decide *d, const Kesu__V1__Staff *staff, const Kesu__V1__Money *whole)
{
    const Kesu__V1__Policy *policy = d->ctx->policy;
    const Kesu__V1__AuthorityLimit *own = NULL;
    char total[MONEY_TEXT] = "this", upto[MONEY_TEXT];
    for (size_t i = 0; staff != NULL && i < policy->n_authority; i++)
        if (policy->authority[i]->role == staff->role && policy->authority[i]->upto != NULL)
            own = policy->authority[i];
    if (whole != NULL) money_text(whole, total);
    if (own == NULL) return arena_printf(d->ctx->arena, "%s: no limit of theirs covers it", total);
    money_text(own->upto, upto);
    return arena_printf(d->ctx->arena, "%s: limit %s goes up to %s", total, own->id, upto);
}

static int check_decider(struct decide *d, const Kesu__V1__ProposalState *p)
{
    const Kesu__V1__Actor *actor = d->command->actor;
    if (proposed_it(p, actor->name))
        return intake_decide_refuse(d, E_RECUSED, "actor.name", "who proposes does not approve");
    if (actor->on_behalf_of[0] == '\0') return 0;
    if (proposed_it(p, actor->on_behalf_of))
        return intake_decide_refuse(d, E_RECUSED, "actor.on_behalf_of", "who proposes does not approve");
    return 0;
}

int intake_decide_approve(struct decide *d)
{
    const Kesu__V1__DecideProposal *c = d->command->decide_proposal;
    const Kesu__V1__ProposalState *p;
    const Kesu__V1__Delegation *by = NULL;
    Kesu__V1__Money *whole;
    DECIDE_TRY(intake_decide_has_proposal(d, &p));
    DECIDE_TRY(intake_decide_needs(d, "decision"));
    DECIDE_TRY(check_decider(d, p));
    if (p->approved) return intake_decide_refuse(d, E_EXISTS, "decide_proposal.decision", "is approved");
    Kesu__V1__ProposalDecided *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_PROPOSAL_DECIDED);
    if (body == NULL) return intake_decide_no_memory(d);
    body->proposal = p->proposal;
    if (c->decision == KESU__V1__DECISION__DECISION_APPROVED) {
        DECIDE_TRY(intake_decide_whole(d, p->total, &whole));
        const Kesu__V1__AuthorityLimit *limit =
            authority_limit(d->ctx->policy, d->staff, d->command->actor, p->lines, p->n_lines, whole,
                            d->ctx->block_time, &by);
        if (limit == NULL)
            return intake_decide_refuse(d, E_LIMIT, "decide_proposal.decision",
                                        over_limit(d, d->behalf != NULL ? d->behalf : d->staff, whole));
        body->limit_rule = limit->id;
    }
    return intake_decide_event(d, KESU__V1__EVENT__BODY_PROPOSAL_DECIDED, body);
}

/* ---- decided at once ---------------------------------------------------------- */

/* The first leader above the proposer who is not recused; at the very top nobody reads. */
static const Kesu__V1__Staff *reader_of(const struct decide *d, const Kesu__V1__ProposalState *p)
{
    const Kesu__V1__Policy *policy = d->ctx->policy;
    Kesu__V1__Actor actor = KESU__V1__ACTOR__INIT;
    actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF;
    const Kesu__V1__Staff *s = policy_staff(policy, p->proposer);
    for (unsigned steps = 0; s != NULL && s->manager[0] != '\0' && steps < 64; steps++) {
        s = policy_staff(policy, s->manager);
        if (s != NULL && (life_who(&actor, s) & LIFE_LEADERS) != 0 && may_decide(d, p, s)) return s;
    }
    return NULL;
}

int intake_decide_at_once(struct decide *d, const Kesu__V1__ProposalState *p, Kesu__V1__OpinionSent *body)
{
    const Kesu__V1__Policy *policy = d->ctx->policy;
    const Kesu__V1__Staff *proposer = policy_staff(policy, p->proposer);
    const Kesu__V1__Delegation *by = NULL;
    const Kesu__V1__Quota *quota = NULL;
    Kesu__V1__Actor actor = KESU__V1__ACTOR__INIT;
    Kesu__V1__AgentState *used;
    Kesu__V1__Money *whole;
    actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF;
    actor.name = p->proposer;
    DECIDE_TRY(intake_decide_whole(d, p->total, &whole));
    const Kesu__V1__AuthorityLimit *limit =
        proposer != NULL
            ? authority_limit(policy, proposer, &actor, p->lines, p->n_lines, whole, d->ctx->block_time, &by)
            : NULL;
    if (limit == NULL)
        return intake_decide_refuse(d, E_LIMIT, "send_opinion.case_id", over_limit(d, proposer, whole));
    if (intake_agent_get(d->view, p->proposer, d->ctx->arena, &used) != 0) return intake_decide_no_memory(d);
    if (authority_quota(policy, proposer, used, p->total, whole, d->ctx->block_time, &quota,
                        &body->quota_from) != 0)
        return intake_decide_refuse(d, E_LIMIT, "send_opinion.case_id",
                                    "over the quota of what may be decided at once: it needs approval");
    const Kesu__V1__Staff *reader = reader_of(d, p);
    body->at_once = true;
    body->limit_rule = limit->id;
    body->total = p->total;
    if (reader != NULL) body->read_by = reader->id;
    return 0;
}

int intake_decide_confirm_reading(struct decide *d)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    const Kesu__V1__Policy *policy = d->ctx->policy;
    const Kesu__V1__OpinionState *o = life != NULL ? life->opinion : NULL;
    if (o == NULL || o->read_by[0] == '\0')
        return intake_decide_refuse(d, E_EXISTS, "confirm_reading.case_id", "nothing is to be read");
    if (policy_staff(policy, o->read_by) != NULL && !intake_decide_stands_above(d, o->read_by))
        return intake_decide_refuse(d, E_NOT_ALLOWED, "actor.name", "it is on somebody else's list");
    Kesu__V1__ReadingConfirmed *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_READING_CONFIRMED);
    if (body == NULL) return intake_decide_no_memory(d);
    if (life->proposal != NULL) body->proposal = life->proposal->proposal;
    return intake_decide_event(d, KESU__V1__EVENT__BODY_READING_CONFIRMED, body);
}
