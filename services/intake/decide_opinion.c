/* SPDX-License-Identifier: Apache-2.0 */
/* The opinion, what the customer answers, and who outside looks at it. */
#include "decide_life.h"
#include "err.h"

/* Is it the customer who has to say something? */
static bool awaits_answer(unsigned stage)
{
    return stage == KESU__V1__STAGE__STAGE_OPINION_SENT || stage == KESU__V1__STAGE__STAGE_EXPLAINED;
}

/* Was all that the customer now accepts done before? */
static bool is_done(const Kesu__V1__CaseLife *life)
{
    return life != NULL && life->proposal != NULL && life->proposal->n_lines > 0 &&
           life->steps_done >= life->proposal->n_lines;
}

/* An approved proposal, or one that its proposer may decide at once. */
int intake_decide_opinion(struct decide *d)
{
    const Kesu__V1__ProposalState *p;
    DECIDE_TRY(intake_decide_has_proposal(d, &p));
    DECIDE_TRY(intake_decide_open_tasks(d));
    Kesu__V1__OpinionSent *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_OPINION_SENT);
    if (body == NULL) return intake_decide_no_memory(d);
    body->proposal = p->proposal;
    body->final = intake_decide_is_final(d->state->life);
    if (d->stage == KESU__V1__STAGE__STAGE_PROPOSED)
        DECIDE_TRY(intake_decide_at_once(d, p, body));
    else if (!p->approved)
        return intake_decide_refuse(d, E_NOT_ALLOWED, "send_opinion.case_id", "it is not approved yet");
    return intake_decide_event(d, KESU__V1__EVENT__BODY_OPINION_SENT, body);
}

int intake_decide_silence(struct decide *d)
{
    const Kesu__V1__Policy *p = d->ctx->policy;
    if (!awaits_answer(d->stage)) return 0;
    Kesu__V1__AnswerRecorded *body = intake_decide_new(d, &kesu__v1__answer_recorded__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->answer = KESU__V1__ANSWER__ANSWER_SILENT;
    body->final = intake_decide_is_final(d->state->life);
    body->declined = p != NULL && p->life != NULL && p->life->silence == KESU__V1__ANSWER__ANSWER_OBJECTED;
    body->done =
        d->stage == KESU__V1__STAGE__STAGE_OPINION_SENT && !body->declined && is_done(d->state->life);
    return intake_decide_follow(d, KESU__V1__EVENT__BODY_ANSWER_RECORDED, body);
}

int intake_decide_answer(struct decide *d)
{
    const Kesu__V1__RecordAnswer *c = d->command->record_answer;
    Kesu__V1__AnswerRecorded *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_ANSWER_RECORDED);
    if (body == NULL) return intake_decide_no_memory(d);
    DECIDE_TRY(intake_decide_needs(d, "answer"));
    if (c->answer == KESU__V1__ANSWER__ANSWER_SILENT)
        return intake_decide_refuse(d, E_RANGE, "record_answer.answer",
                                    "silence is known when the time to appeal is over");
    body->final = intake_decide_is_final(d->state->life);
    if (c->answer == KESU__V1__ANSWER__ANSWER_COUNTER_PROPOSED && body->final)
        return intake_decide_refuse(d, E_FINAL, "record_answer.answer", NULL);
    if (c->answer == KESU__V1__ANSWER__ANSWER_OBJECTED && !body->final && intake_decide_window_over(d))
        return intake_decide_refuse(d, E_NOT_ALLOWED, "record_answer.answer",
                                    "the time to appeal is over: file_appeal records it as late");
    body->done = c->answer == KESU__V1__ANSWER__ANSWER_ACCEPTED &&
                 d->stage == KESU__V1__STAGE__STAGE_OPINION_SENT && is_done(d->state->life);
    DECIDE_TRY(intake_decide_event(d, KESU__V1__EVENT__BODY_ANSWER_RECORDED, body));
    return intake_decide_name_reviewer(d);
}

/* There must have been something to agree on; and the final letter is one. */
int intake_decide_deadlock(struct decide *d)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    if (d->stage == KESU__V1__STAGE__STAGE_PROPOSED &&
        (life == NULL || life->opinion == NULL || life->opinion->seq == 0))
        return intake_decide_refuse(d, E_NOT_ALLOWED, "declare_deadlock.case_id",
                                    "the customer has not been told an opinion yet");
    if (d->stage == KESU__V1__STAGE__STAGE_DEADLOCKED && life != NULL && life->deadlock_seq != 0)
        return intake_decide_refuse(d, E_EXISTS, "declare_deadlock.case_id", "the final letter was sent");
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_DEADLOCK_DECLARED);
}

int intake_decide_external(struct decide *d)
{
    const Kesu__V1__ReferExternal *c = d->command->refer_external;
    if (c->due_at != 0 && c->due_at <= d->ctx->block_time)
        return intake_decide_refuse(d, E_RANGE, "refer_external.due_at", "a time to come");
    DECIDE_TRY(intake_decide_plain(d, KESU__V1__EVENT__BODY_EXTERNAL_REFERRED));
    return c->due_at != 0 ? intake_decide_wait(d, intake_decide_last(d), "external_due", c->due_at) : 0;
}

int intake_decide_external_outcome(struct decide *d)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    Kesu__V1__ExternalRecorded *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_EXTERNAL_RECORDED);
    if (body == NULL) return intake_decide_no_memory(d);
    DECIDE_TRY(intake_decide_needs(d, "outcome"));
    if (body->outcome == KESU__V1__EXTERNAL_OUTCOME__EXTERNAL_OUTCOME_RETURNED)
        body->answer_awaited = awaits_answer(life != NULL ? life->stage_before : 0);
    if (life != NULL && life->external != NULL) {
        body->body = life->external->body;
        body->reference = life->external->reference;
    }
    DECIDE_TRY(intake_decide_event(d, KESU__V1__EVENT__BODY_EXTERNAL_RECORDED, body));
    DECIDE_TRY(intake_decide_wait_over(d, intake_decide_last(d), "external_due"));
    /* What is given back is where it was before; else it is work, perhaps for the first time. */
    return body->outcome != KESU__V1__EXTERNAL_OUTCOME__EXTERNAL_OUTCOME_RETURNED
               ? intake_decide_adopt(d, body->reason)
               : 0;
}
