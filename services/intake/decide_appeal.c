/* SPDX-License-Identifier: Apache-2.0 */
/* Appeals: in time or late, what is decided. Who took part in what the appeal
 * is against does not decide it. What an appeal decided is final as long as
 * the case runs; only a case that is opened again has an appeal again. */
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
    DECIDE_TRY(intake_decide_event(d, KESU__V1__EVENT__BODY_APPEAL_FILED, body));
    return intake_decide_name_reviewer(d);
}

int intake_decide_admit(struct decide *d)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    if (life == NULL || life->appeal == NULL || !life->appeal->waits)
        return intake_decide_refuse(d, E_UNKNOWN, "admit_appeal.case_id", "no late appeal waits");
    Kesu__V1__AppealAdmitted *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_APPEAL_ADMITTED);
    if (body == NULL) return intake_decide_no_memory(d);
    if (body->admitted && !life_is_open(d->stage)) body->agent = d->state->agent;
    DECIDE_TRY(intake_decide_event(d, KESU__V1__EVENT__BODY_APPEAL_ADMITTED, body));
    if (body->admitted && !life_is_open(d->state->stage)) DECIDE_TRY(intake_decide_adopt(d, body->reason));
    return intake_decide_name_reviewer(d);
}

/* Is what was told last still what is proposed? What came after it was never approved, perhaps. */
static bool opinion_stands(const Kesu__V1__CaseLife *life)
{
    return life != NULL && life->opinion != NULL && life->opinion->seq != 0 && life->proposal != NULL &&
           life->opinion->proposal == life->proposal->proposal;
}

int intake_decide_decide_appeal(struct decide *d)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    Kesu__V1__AppealDecided *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_APPEAL_DECIDED);
    if (body == NULL) return intake_decide_no_memory(d);
    if (d->staff != NULL) DECIDE_TRY(intake_decide_different(d, d->staff, "actor.name"));
    if (d->behalf != NULL) DECIDE_TRY(intake_decide_different(d, d->behalf, "actor.on_behalf_of"));
    DECIDE_TRY(intake_decide_needs(d, "outcome"));
    body->of_explanation = !opinion_stands(life);
    return intake_decide_event(d, KESU__V1__EVENT__BODY_APPEAL_DECIDED, body);
}
