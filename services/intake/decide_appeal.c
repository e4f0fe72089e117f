/* SPDX-License-Identifier: Apache-2.0 */
/* Appeals: in time or late, who reviews, what is decided. Who took part in
 * what the appeal is against does not decide it. What an appeal decided is
 * final as long as the case runs; only a case that is opened again has an
 * appeal again. */
#include "decide_life.h"
#include "err.h"
#include "policy.h"

bool intake_decide_is_final(const Kesu__V1__CaseLife *life)
{
    return life != NULL && life->appeal != NULL &&
           life->appeal->outcome != KESU__V1__APPEAL_OUTCOME__APPEAL_OUTCOME_UNSPECIFIED;
}

/* Has the customer's time to appeal passed, though nobody has noticed yet? */
bool intake_decide_window_over(const struct decide *d)
{
    const Kesu__V1__CaseState *s = d->state;
    for (size_t i = 0; i < s->n_clocks; i++)
        if (strcmp(s->clocks[i]->clock, "appeal_window") == 0 && s->clocks[i]->running)
            return d->ctx->block_time >= s->clocks[i]->due_at;
    return false;
}

int intake_decide_appeal(struct decide *d)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    Kesu__V1__AppealFiled *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_APPEAL_FILED);
    if (body == NULL) return intake_decide_no_memory(d);
    if (intake_decide_is_final(life)) return intake_decide_refuse(d, E_FINAL, "file_appeal.case_id", NULL);
    if (life != NULL && life->appeal != NULL && life->appeal->waits)
        return intake_decide_refuse(d, E_EXISTS, "file_appeal.case_id", "a late appeal waits for admission");
    bool open =
        d->stage == KESU__V1__STAGE__STAGE_OPINION_SENT || d->stage == KESU__V1__STAGE__STAGE_EXPLAINED;
    body->late = !open;
    if (open && intake_decide_window_over(d)) {
        DECIDE_TRY(intake_decide_silence(d));
        body->late = true;
    }
    return intake_decide_event(d, KESU__V1__EVENT__BODY_APPEAL_FILED, body);
}

int intake_decide_admit(struct decide *d)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    if (life == NULL || life->appeal == NULL || !life->appeal->waits)
        return intake_decide_refuse(d, E_UNKNOWN, "admit_appeal.case_id", "no late appeal waits");
    Kesu__V1__AppealAdmitted *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_APPEAL_ADMITTED);
    if (body == NULL) return intake_decide_no_memory(d);
    if (body->admitted && !life_is_open(d->stage)) body->agent = d->state->agent;
    return intake_decide_event(d, KESU__V1__EVENT__BODY_APPEAL_ADMITTED, body);
}

/* Somebody else than who has the case or had a part in what was decided. */
static int check_different(struct decide *d, const Kesu__V1__Staff *staff, const char *field)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    DECIDE_TRY(intake_decide_recusal(d, d->state, staff, field));
    if (strcmp(d->state->agent, staff->id) == 0)
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

int intake_decide_reviewer(struct decide *d)
{
    const Kesu__V1__AssignReviewer *c = d->command->assign_reviewer;
    DECIDE_TRY(intake_decide_needs(d, "reviewer"));
    if (d->ctx->policy == NULL) return intake_decide_refuse(d, E_NO_POLICY, "", NULL);
    const Kesu__V1__Staff *staff = policy_staff(d->ctx->policy, c->reviewer);
    if (staff == NULL || (staff->until != 0 && staff->until < d->ctx->block_time))
        return intake_decide_refuse(d, E_UNKNOWN, "assign_reviewer.reviewer",
                                    "no such person in the policy in force");
    if (!decides_appeals(staff))
        return intake_decide_refuse(d, E_NOT_ALLOWED, "assign_reviewer.reviewer",
                                    "a leader or legal decides appeals");
    DECIDE_TRY(check_different(d, staff, "assign_reviewer.reviewer"));
    Kesu__V1__ReviewerAssigned *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_REVIEWER_ASSIGNED);
    if (body == NULL) return intake_decide_no_memory(d);
    if (d->state->life != NULL && d->state->life->appeal != NULL)
        body->previous = d->state->life->appeal->reviewer;
    if (strcmp(body->previous, c->reviewer) == 0)
        return intake_decide_refuse(d, E_EXISTS, "assign_reviewer.reviewer", "reviews it");
    return intake_decide_event(d, KESU__V1__EVENT__BODY_REVIEWER_ASSIGNED, body);
}

int intake_decide_decide_appeal(struct decide *d)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    const char *by = d->command->actor->on_behalf_of;
    Kesu__V1__AppealDecided *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_APPEAL_DECIDED);
    if (body == NULL) return intake_decide_no_memory(d);
    if (d->staff != NULL) DECIDE_TRY(check_different(d, d->staff, "actor.name"));
    const Kesu__V1__Staff *other = d->ctx->policy != NULL ? policy_staff(d->ctx->policy, by) : NULL;
    if (other != NULL) DECIDE_TRY(check_different(d, other, "actor.on_behalf_of"));
    DECIDE_TRY(intake_decide_needs(d, "outcome"));
    body->of_explanation = life == NULL || life->opinion == NULL || life->opinion->seq == 0;
    return intake_decide_event(d, KESU__V1__EVENT__BODY_APPEAL_DECIDED, body);
}
