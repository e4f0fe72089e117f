/* SPDX-License-Identifier: Apache-2.0 */
/* Cases that only named people read. What is written from then on is sealed
 * with a key of its own, the same one when a case becomes sensitive again. */
#include "decide_life.h"
#include "err.h"
#include "policy.h"
#include "veil.h"

/* Who may not read it does not choose who may: but for those at the top, and who keeps the law. */
static int check_chooser(struct decide *d)
{
    if (!intake_veil_is_on(d->state) || d->staff == NULL) return 0;
    if ((d->who & (LIFE_ROLE(GENERAL_MANAGER) | LIFE_ROLE(LEGAL))) != 0) return 0;
    if (intake_veil_may_read(d->ctx->policy, d->state, d->staff->id, d->ctx->block_time)) return 0;
    return intake_decide_refuse(d, E_NOT_ALLOWED, "actor.name", "not a reader of this case");
}

static int check_readers(struct decide *d, const Kesu__V1__MarkSensitive *c)
{
    for (size_t i = 0; i < c->n_readers; i++) {
        const Kesu__V1__Staff *reader;
        DECIDE_TRY(intake_decide_somebody(d, c->readers[i], "mark_sensitive.readers", &reader));
        DECIDE_TRY(intake_decide_recusal(d, d->state, reader, "mark_sensitive.readers"));
    }
    return 0;
}

int intake_decide_sensitive(struct decide *d)
{
    const Kesu__V1__MarkSensitive *c = d->command->mark_sensitive;
    const Kesu__V1__CaseLife *life = d->state->life;
    if (d->state->erased_seq != 0) return intake_decide_refuse(d, E_ERASED, "mark_sensitive.case_id", NULL);
    DECIDE_TRY(check_chooser(d));
    DECIDE_TRY(check_readers(d, c));
    Kesu__V1__SensitiveMarked *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_SENSITIVE_MARKED);
    if (body == NULL) return intake_decide_no_memory(d);
    if (life != NULL) {
        body->n_before = life->n_readers;
        body->before = life->readers;
        body->key_id = life->sensitive_key;
    }
    if (c->n_readers == 0)
        body->key_id = 0;
    else if (body->key_id == 0)
        body->key_id = d->ctx->next_key_id + d->out->new_keys++;
    return intake_decide_event(d, KESU__V1__EVENT__BODY_SENSITIVE_MARKED, body);
}

int intake_decide_read(struct decide *d)
{
    if (d->staff != NULL && intake_veil_is_on(d->state) &&
        !intake_veil_may_read(d->ctx->policy, d->state, d->staff->id, d->ctx->block_time))
        return intake_decide_refuse(d, E_NOT_ALLOWED, "actor.name", "not a reader of this case");
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_CASE_READ);
}
