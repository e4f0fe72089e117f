/* SPDX-License-Identifier: Apache-2.0 */
/* What is held for the customer, and who is writing. */
#include "err.h"
#include "evolve_internal.h"

static Kesu__V1__ReplyState *reply_of(struct evolve *e)
{
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    if (life != NULL && life->reply == NULL) {
        life->reply = arena_alloc(e->arena, sizeof(*life->reply));
        if (life->reply != NULL) kesu__v1__reply_state__init(life->reply);
    }
    return life != NULL ? life->reply : NULL;
}

static char *actor_of(const struct evolve *e)
{
    return e->event->actor != NULL ? e->event->actor->name : (char *)(uintptr_t) "";
}

/* Who has written is not writing any more. */
int intake_evolve_reply_held(struct evolve *e)
{
    const Kesu__V1__ReplyHeld *b = e->event->reply_held;
    Kesu__V1__ReplyState *reply = reply_of(e);
    if (reply == NULL) return E_NOMEM;
    kesu__v1__reply_state__init(reply);
    reply->seq = e->seq;
    reply->progress = b->progress;
    reply->by = actor_of(e);
    reply->send_at = b->send_at;
    return 0;
}

int intake_evolve_reply_over(struct evolve *e)
{
    Kesu__V1__ReplyState *reply = reply_of(e);
    if (reply == NULL) return E_NOMEM;
    reply->seq = 0;
    reply->progress = false;
    reply->by = (char *)(uintptr_t) "";
    reply->send_at = 0;
    if (reply->replying[0] == '\0') e->state->life->reply = NULL;
    return 0;
}

int intake_evolve_reply_started(struct evolve *e)
{
    Kesu__V1__ReplyState *reply = reply_of(e);
    if (reply == NULL) return E_NOMEM;
    reply->replying = actor_of(e);
    reply->replying_until = e->event->reply_started->until;
    return 0;
}
