/* SPDX-License-Identifier: Apache-2.0 */
/* What was promised is done, step by step; what others owe us; what the customer thinks of it. */
#include "decide_life.h"
#include "err.h"
#include "money.h"
#include "policy.h"

#define MAX_CLAIMS 32

int intake_decide_money(struct decide *d, const char *field, const Kesu__V1__Money *m)
{
    if (m == NULL) return intake_decide_refuse(d, E_MISSING, intake_decide_field(d, field), NULL);
    for (unsigned i = 0; i < 4; i++)
        if (i < 3 ? m->currency[i] < 'A' || m->currency[i] > 'Z' : m->currency[i] != '\0')
            return intake_decide_refuse(d, E_RANGE, intake_decide_field(d, field),
                                        "a currency in three capital letters");
    return m->e4 >= 0 ? 0
                      : intake_decide_refuse(d, E_RANGE, intake_decide_field(d, field),
                                             "an amount that is not below nothing");
}

static char *money_words(struct decide *d, const char *before, const Kesu__V1__Money *m)
{
    char text[MONEY_TEXT];
    money_text(m, text);
    return arena_printf(d->ctx->arena, "%s%s", before, text);
}

static int check_payment(struct decide *d, const Kesu__V1__RemedyLine *line,
                         const Kesu__V1__PaymentProof *payment)
{
    int order;
    if (!life_pays(line->kind))
        return payment == NULL ? 0
                               : intake_decide_refuse(d, E_RANGE, "complete_step.payment",
                                                      "no money is paid in this step");
    if (payment == NULL) return intake_decide_refuse(d, E_MISSING, "complete_step.payment", NULL);
    DECIDE_TRY(intake_decide_needed(d, "complete_step.payment.reference", payment->reference));
    DECIDE_TRY(intake_decide_money(d, "payment.amount", payment->amount));
    if (line->amount != NULL && (money_compare(payment->amount, line->amount, &order) != 0 || order != 0))
        return intake_decide_refuse(d, E_RANGE, "complete_step.payment.amount",
                                    money_words(d, "what was approved is ", line->amount));
    if (payment->paid_at == 0)
        return intake_decide_refuse(d, E_MISSING, "complete_step.payment.paid_at", NULL);
    if (payment->paid_at > d->ctx->block_time)
        return intake_decide_refuse(d, E_RANGE, "complete_step.payment.paid_at", "a time that has been");
    return 0;
}

/* Evidence: words or a file, or the proof of payment. Of somebody erased nothing more is kept. */
static int check_evidence(struct decide *d, const Kesu__V1__CompleteStep *c)
{
    return c->payment != NULL || d->state->erased_seq != 0 ? 0 : intake_decide_needs(d, "words");
}

int intake_decide_step(struct decide *d)
{
    const Kesu__V1__CompleteStep *c = d->command->complete_step;
    const Kesu__V1__CaseLife *life = d->state->life;
    const Kesu__V1__ProposalState *proposal = life != NULL ? life->proposal : NULL;
    DECIDE_TRY(intake_decide_needs(d, "step"));
    if (proposal == NULL || c->step > proposal->n_lines)
        return intake_decide_refuse(d, E_UNKNOWN, "complete_step.step", "no such step");
    if (c->step <= life->steps_done)
        return intake_decide_refuse(d, E_EXISTS, "complete_step.step", "is done");
    if (c->step != life->steps_done + 1)
        return intake_decide_refuse(d, E_RANGE, "complete_step.step",
                                    arena_printf(d->ctx->arena, "step %u comes first", life->steps_done + 1));
    const Kesu__V1__RemedyLine *line = proposal->lines[c->step - 1];
    DECIDE_TRY(check_payment(d, line, c->payment));
    DECIDE_TRY(check_evidence(d, c));
    Kesu__V1__StepCompleted *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_STEP_COMPLETED);
    if (body == NULL) return intake_decide_no_memory(d);
    body->kind = line->kind;
    body->last = c->step == proposal->n_lines;
    return intake_decide_event(d, KESU__V1__EVENT__BODY_STEP_COMPLETED, body);
}

int intake_decide_claim_recovery(struct decide *d)
{
    const Kesu__V1__ClaimRecovery *c = d->command->claim_recovery;
    const Kesu__V1__CaseLife *life = d->state->life;
    DECIDE_TRY(intake_decide_needs(d, "party"));
    DECIDE_TRY(intake_decide_money(d, "amount", c->amount));
    if (c->amount->e4 == 0)
        return intake_decide_refuse(d, E_RANGE, "claim_recovery.amount", "more than nothing");
    if (life != NULL && life->n_recoveries == MAX_CLAIMS)
        return intake_decide_refuse(d, E_TOO_BIG, "claim_recovery.case_id", "the case has 32 claims");
    Kesu__V1__RecoveryClaimed *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_RECOVERY_CLAIMED);
    if (body == NULL) return intake_decide_no_memory(d);
    body->claim = life != NULL ? (uint32_t)life->n_recoveries + 1 : 1;
    return intake_decide_event(d, KESU__V1__EVENT__BODY_RECOVERY_CLAIMED, body);
}

int intake_decide_settle_recovery(struct decide *d)
{
    const Kesu__V1__SettleRecovery *c = d->command->settle_recovery;
    const Kesu__V1__CaseLife *life = d->state->life;
    int order;
    DECIDE_TRY(intake_decide_needs(d, "claim"));
    if (life == NULL || c->claim > life->n_recoveries)
        return intake_decide_refuse(d, E_UNKNOWN, "settle_recovery.claim", "no such claim");
    const Kesu__V1__RecoveryState *claim = life->recoveries[c->claim - 1];
    if (claim->settled) return intake_decide_refuse(d, E_EXISTS, "settle_recovery.claim", "is settled");
    DECIDE_TRY(intake_decide_money(d, "amount", c->amount));
    if (money_compare(c->amount, claim->amount, &order) != 0)
        return intake_decide_refuse(d, E_RANGE, "settle_recovery.amount", "the currency of the claim");
    if (order > 0 && c->reason[0] == '\0')
        return intake_decide_refuse(d, E_MISSING, "settle_recovery.reason",
                                    money_words(d, "more came in than was claimed, ", claim->amount));
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_RECOVERY_SETTLED);
}

int intake_decide_feedback(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_FEEDBACK_RECORDED);
}

static int check_staff(struct decide *d, const char *field, const char *id)
{
    if (d->ctx->policy == NULL || id[0] == '\0' || policy_staff(d->ctx->policy, id) != NULL) return 0;
    return intake_decide_refuse(d, E_UNKNOWN, field, "no such person in the policy in force");
}

/* All of it is sealed, with a key that nobody gets who may not read it. */
int intake_decide_accountability(struct decide *d)
{
    const Kesu__V1__RecordAccountability *c = d->command->record_accountability;
    const Kesu__V1__CaseLife *life = d->state->life;
    DECIDE_TRY(intake_decide_needs(d, "staff words"));
    DECIDE_TRY(check_staff(d, "record_accountability.staff", c->staff));
    DECIDE_TRY(check_staff(d, "record_accountability.supervisor", c->supervisor));
    if (strcmp(c->staff, d->command->actor->name) == 0)
        return intake_decide_refuse(d, E_RECUSED, "actor.name", "it is about the actor");
    if (c->loss != NULL) DECIDE_TRY(intake_decide_money(d, "loss", c->loss));
    Kesu__V1__AccountabilityRecorded *body =
        intake_decide_copy(d, KESU__V1__EVENT__BODY_ACCOUNTABILITY_RECORDED);
    Kesu__V1__Sealed *sealed = intake_decide_new(d, &kesu__v1__sealed__descriptor);
    if (body == NULL || sealed == NULL) return intake_decide_no_memory(d);
    body->details = sealed;
    uint64_t key = life != NULL ? life->accountability_key : 0;
    if (key == 0) key = d->ctx->next_key_id + d->out->new_keys++;
    DECIDE_TRY(intake_decide_event(d, KESU__V1__EVENT__BODY_ACCOUNTABILITY_RECORDED, body));
    intake_decide_seal(&d->out->events[d->out->n_events - 1], c, sealed, key);
    return 0;
}
