/* SPDX-License-Identifier: Apache-2.0 */
/* Words to the customer. A reply is held for a while, in which it can be
 * undone; when its clock "reply_hold" breaches it is sent. One at a time is
 * held. Who says that they are writing is named to whoever says so next. */
#include "clock.h"
#include "decide_life.h"
#include "err.h"
#include "policy.h"

#define REPLY_HOLD_US   (30 * USEC_PER_SEC) /* when the policy says nothing */
#define REPLYING_US     (10 * USEC_PER_MIN)
#define CALLED_BACK_US  (30 * USEC_PER_DAY)
#define CALLED_AHEAD_US (5 * USEC_PER_MIN)

static const Kesu__V1__ReplyState *reply_of(const struct decide *d)
{
    return d->state->life != NULL ? d->state->life->reply : NULL;
}

static const char *name_of(const struct decide *d, const char *staff)
{
    const Kesu__V1__Staff *s = d->ctx->policy != NULL ? policy_staff(d->ctx->policy, staff) : NULL;
    return s != NULL ? s->name : staff;
}

static int refuse_naming(struct decide *d, const char *what, const char *staff)
{
    return intake_decide_refuse(d, E_EXISTS, intake_decide_field(d, "case_id"),
                                arena_printf(d->ctx->arena, "%s %s", name_of(d, staff), what));
}

static int64_t setting(int64_t of_policy, int64_t usual)
{
    return of_policy > 0 ? of_policy : usual;
}

int intake_decide_reply(struct decide *d)
{
    const Kesu__V1__LifeSettings *life = d->ctx->policy != NULL ? d->ctx->policy->life : NULL;
    const Kesu__V1__ReplyState *held = reply_of(d);
    if (held != NULL && held->seq != 0) return refuse_naming(d, "has a reply that is still held", held->by);
    Kesu__V1__ReplyHeld *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_REPLY_HELD);
    if (body == NULL) return intake_decide_no_memory(d);
    body->send_at = d->ctx->block_time + setting(life != NULL ? life->reply_hold : 0, REPLY_HOLD_US);
    DECIDE_TRY(intake_decide_event(d, KESU__V1__EVENT__BODY_REPLY_HELD, body));
    return intake_decide_wait(d, intake_decide_last(d), "reply_hold", body->send_at);
}

int intake_decide_undo_reply(struct decide *d)
{
    const Kesu__V1__ReplyState *held = reply_of(d);
    if (held == NULL || held->seq == 0)
        return intake_decide_refuse(d, E_UNKNOWN, "undo_reply.case_id", "no reply is held");
    if (d->ctx->block_time >= held->send_at)
        return intake_decide_refuse(d, E_EXISTS, "undo_reply.case_id", "it has left");
    Kesu__V1__ReplyUndone *body = intake_decide_new(d, &kesu__v1__reply_undone__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->reply_seq = held->seq;
    DECIDE_TRY(intake_decide_event(d, KESU__V1__EVENT__BODY_REPLY_UNDONE, body));
    return intake_decide_wait_over(d, intake_decide_last(d), "reply_hold");
}

int intake_decide_reply_over(struct decide *d)
{
    const Kesu__V1__ReplyState *held = reply_of(d);
    if (held == NULL || held->seq == 0) return 0;
    Kesu__V1__ReplySent *body = intake_decide_new(d, &kesu__v1__reply_sent__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->reply_seq = held->seq;
    body->progress = held->progress;
    DECIDE_TRY(intake_decide_follow(d, KESU__V1__EVENT__BODY_REPLY_SENT, body));
    return intake_decide_wait_over(d, intake_decide_last(d), "reply_hold");
}

int intake_decide_start_reply(struct decide *d)
{
    const Kesu__V1__LifeSettings *life = d->ctx->policy != NULL ? d->ctx->policy->life : NULL;
    const Kesu__V1__ReplyState *now = reply_of(d);
    if (now != NULL && now->replying[0] != '\0' && now->replying_until > d->ctx->block_time &&
        strcmp(now->replying, d->command->actor->name) != 0)
        return refuse_naming(d, "is writing to the customer", now->replying);
    Kesu__V1__ReplyStarted *body = intake_decide_new(d, &kesu__v1__reply_started__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->until = d->ctx->block_time + setting(life != NULL ? life->replying_for : 0, REPLYING_US);
    return intake_decide_event(d, KESU__V1__EVENT__BODY_REPLY_STARTED, body);
}

int intake_decide_call(struct decide *d)
{
    int64_t at = d->command->record_call->at, now = d->ctx->block_time;
    if (at != 0 && (at < now - CALLED_BACK_US || at > now + CALLED_AHEAD_US))
        return intake_decide_refuse(d, E_RANGE, "record_call.at", "30 days back to 5 minutes ahead");
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_CALL_RECORDED);
}
