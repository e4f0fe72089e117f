/* SPDX-License-Identifier: Apache-2.0 */
/* Who reviews an appeal: somebody who decides appeals, has not the case, had
 * no part in what the appeal is against and is not accused. One is named with
 * the appeal; a leader may name another. */
#include "decide_life.h"
#include "err.h"
#include "policy.h"

/* Who has the case, after the events so far. */
static const char *owner(const struct decide *d)
{
    const char *agent = d->state->agent;
    for (unsigned i = 0; i < d->out->n_events; i++)
        if (d->out->events[i].event.body_case == KESU__V1__EVENT__BODY_CASE_ASSIGNED)
            agent = d->out->events[i].event.case_assigned->agent;
    return agent;
}

int intake_decide_different(struct decide *d, const Kesu__V1__Staff *staff, const char *field)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    DECIDE_TRY(intake_decide_recusal(d, d->state, staff, field));
    if (strcmp(owner(d), staff->id) == 0)
        return intake_decide_refuse(d, E_RECUSED, field, "they have the case");
    for (size_t i = 0; life != NULL && i < life->n_took_part; i++)
        if (strcmp(life->took_part[i], staff->id) == 0)
            return intake_decide_refuse(d, E_RECUSED, field, "they took part in what the appeal is against");
    return 0;
}

/* May this person, as what they are in the office, decide appeals? */
static bool decides_appeals(const Kesu__V1__Staff *staff)
{
    Kesu__V1__Actor actor = KESU__V1__ACTOR__INIT;
    const struct life_row *row;
    actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF;
    for (unsigned i = 0; (row = life_row(i)) != NULL; i++)
        if (row->command == KESU__V1__COMMAND__BODY_DECIDE_APPEAL)
            return (row->who & life_who(&actor, staff)) != 0;
    return false;
}

/* ---- one is named with the appeal ------------------------------------------- */

static bool is_different(const struct decide *d, const Kesu__V1__Staff *staff, char *const *accused, size_t n)
{
    struct decision out = *d->out;
    struct decide aside = *d;
    aside.out = &out;
    return intake_decide_different(&aside, staff, "") == 0 && !policy_is_recused(accused, n, staff);
}

/* Whoever took part in the decision does not lead them. */
static bool is_free(const struct decide *d, const Kesu__V1__Staff *staff)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    for (size_t i = 0; life != NULL && i < life->n_took_part; i++)
        if (policy_stands_above(d->ctx->policy, life->took_part[i], staff->id)) return false;
    return true;
}

/* Above who has the case, then anybody, whom nobody leads that took part; else legal, else who is left. */
static unsigned rank(const struct decide *d, const Kesu__V1__Staff *staff)
{
    if (is_free(d, staff)) return policy_stands_above(d->ctx->policy, staff->id, d->state->agent) ? 4 : 3;
    return staff->role == KESU__V1__STAFF_ROLE__STAFF_ROLE_LEGAL ? 2 : 1;
}

/* The best, of those in the chain of command the lowest. NULL: there is nobody. */
static const Kesu__V1__Staff *choose(const struct decide *d, char *const *accused, size_t n)
{
    const Kesu__V1__Policy *p = d->ctx->policy;
    const Kesu__V1__Staff *best = NULL;
    unsigned best_rank = 0;
    for (size_t i = 0; p != NULL && i < p->n_staff; i++) {
        const Kesu__V1__Staff *s = p->staff[i];
        if (!decides_appeals(s) || !policy_is_here(s, d->ctx->block_time) || !is_different(d, s, accused, n))
            continue;
        unsigned own = rank(d, s);
        if (own > best_rank || (own == best_rank && own == 4 && policy_stands_above(p, best->id, s->id))) {
            best = s;
            best_rank = own;
        }
    }
    return best;
}

static int name(struct decide *d, const Kesu__V1__Staff *to, const char *previous, const char *reason)
{
    Kesu__V1__ReviewerAssigned *body = intake_decide_new(d, &kesu__v1__reviewer_assigned__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->reviewer = to->id;
    body->previous = (char *)(uintptr_t)previous;
    body->reason = (char *)(uintptr_t)reason;
    DECIDE_TRY(intake_decide_reserve(d, 1));
    return intake_decide_follow(d, KESU__V1__EVENT__BODY_REVIEWER_ASSIGNED, body);
}

int intake_decide_name_reviewer(struct decide *d)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    if (d->stage != KESU__V1__STAGE__STAGE_APPEALED) return 0;
    const Kesu__V1__Staff *to =
        choose(d, life != NULL ? life->accused : NULL, life != NULL ? life->n_accused : 0);
    return to != NULL ? name(d, to, "", "took no part in it") : 0;
}

int intake_decide_recuse_reviewer(struct decide *d, char *const *accused, size_t n, const char *reason)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    if (d->stage != KESU__V1__STAGE__STAGE_APPEALED || life == NULL || life->appeal == NULL) return 0;
    const Kesu__V1__Staff *now = policy_staff(d->ctx->policy, life->appeal->reviewer);
    if (life->appeal->reviewer[0] == '\0') return 0;
    if (policy_is_here(now, d->ctx->block_time) && is_different(d, now, accused, n)) return 0;
    const Kesu__V1__Staff *to = choose(d, accused, n);
    return to != NULL ? name(d, to, life->appeal->reviewer, reason) : 0;
}

/* ---- a leader names another --------------------------------------------------- */

int intake_decide_reviewer(struct decide *d)
{
    const Kesu__V1__AssignReviewer *c = d->command->assign_reviewer;
    DECIDE_TRY(intake_decide_needs(d, "reviewer"));
    const Kesu__V1__Staff *staff;
    DECIDE_TRY(intake_decide_somebody(d, c->reviewer, "assign_reviewer.reviewer", &staff));
    if (!decides_appeals(staff))
        return intake_decide_refuse(d, E_NOT_ALLOWED, "assign_reviewer.reviewer",
                                    "a leader or legal decides appeals");
    DECIDE_TRY(intake_decide_different(d, staff, "assign_reviewer.reviewer"));
    Kesu__V1__ReviewerAssigned *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_REVIEWER_ASSIGNED);
    if (body == NULL) return intake_decide_no_memory(d);
    if (d->state->life != NULL && d->state->life->appeal != NULL)
        body->previous = d->state->life->appeal->reviewer;
    if (strcmp(body->previous, c->reviewer) == 0)
        return intake_decide_refuse(d, E_EXISTS, "assign_reviewer.reviewer", "reviews it");
    return intake_decide_event(d, KESU__V1__EVENT__BODY_REVIEWER_ASSIGNED, body);
}
