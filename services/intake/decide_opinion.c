/* SPDX-License-Identifier: Apache-2.0 */
/* The opinion, what the customer answers, and who outside looks at it. */
#include "decide_life.h"
#include "err.h"

int intake_decide_opinion(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_OPINION_SENT);
}

int intake_decide_answer(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_ANSWER_RECORDED);
}

int intake_decide_deadlock(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_DEADLOCK_DECLARED);
}

int intake_decide_external(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_EXTERNAL_REFERRED);
}

int intake_decide_external_outcome(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_EXTERNAL_RECORDED);
}

/* Was an appeal decided in this cycle? Then what follows is final. */
static bool is_final(const Kesu__V1__CaseLife *life)
{
    return life != NULL && life->appeal != NULL &&
           life->appeal->outcome != KESU__V1__APPEAL_OUTCOME__APPEAL_OUTCOME_UNSPECIFIED;
}

int intake_decide_silence(struct decide *d)
{
    const Kesu__V1__Policy *p = d->ctx->policy;
    if (d->stage != KESU__V1__STAGE__STAGE_OPINION_SENT && d->stage != KESU__V1__STAGE__STAGE_EXPLAINED)
        return 0;
    Kesu__V1__AnswerRecorded *body = intake_decide_new(d, &kesu__v1__answer_recorded__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->answer = KESU__V1__ANSWER__ANSWER_SILENT;
    body->final = is_final(d->state->life);
    body->declined = p != NULL && p->life != NULL && p->life->silence == KESU__V1__ANSWER__ANSWER_OBJECTED;
    return intake_decide_follow(d, KESU__V1__EVENT__BODY_ANSWER_RECORDED, body);
}
