/* SPDX-License-Identifier: Apache-2.0 */
/* The office itself: who is there, which policy is in force, what operators do. */
#include <stdio.h>

#include "decide_internal.h"
#include "err.h"
#include "policy.h"

int intake_decide_presence(struct decide *d)
{
    const Kesu__V1__SetPresence *c = d->command->set_presence;
    Kesu__V1__AgentState *agent;
    DECIDE_TRY(intake_decide_needed(d, "set_presence.agent", c->agent));
    if (d->ctx->policy == NULL) return intake_decide_refuse(d, E_NO_POLICY, "", NULL);
    const Kesu__V1__Staff *staff = policy_staff(d->ctx->policy, c->agent);
    if (staff == NULL || !staff->agent)
        return intake_decide_refuse(d, E_UNKNOWN, "set_presence.agent",
                                    "not an agent of the policy in force");
    if (c->present) DECIDE_TRY(intake_decide_somebody(d, c->agent, "set_presence.agent", NULL));
    bool staff_acts = d->command->actor->kind == KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF;
    if (staff_acts && strcmp(d->command->actor->name, c->agent) != 0 &&
        strcmp(d->command->actor->name, staff->manager) != 0)
        return intake_decide_refuse(d, E_NOT_ALLOWED, "actor.name", "only oneself, or one's manager");
    if (intake_agent_get(d->view, c->agent, d->ctx->arena, &agent) != 0) return intake_decide_no_memory(d);
    if (agent->present == c->present && agent->capacity == c->capacity) return 0;
    Kesu__V1__PresenceSet *body = intake_decide_new(d, &kesu__v1__presence_set__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->agent = c->agent;
    body->present = c->present;
    body->capacity = c->capacity;
    struct decide_event *e = intake_decide_add(d, KESU__V1__EVENT__BODY_PRESENCE_SET, body);
    e->department = staff->department;
    return 0;
}

int intake_decide_policy_part(struct decide *d)
{
    const Kesu__V1__StorePolicyPart *c = d->command->store_policy_part;
    struct key key;
    uint64_t seq;
    if (c->hash.len == 0) return intake_decide_refuse(d, E_MISSING, "store_policy_part.hash", NULL);
    if (c->content.len == 0) return intake_decide_refuse(d, E_MISSING, "store_policy_part.content", NULL);
    if (c->count == 0 || c->count > 64)
        return intake_decide_refuse(d, E_RANGE, "store_policy_part.count", "1 to 64");
    if (c->index >= c->count)
        return intake_decide_refuse(d, E_RANGE, "store_policy_part.index", "below count");
    if (d->ctx->storage_low) return intake_decide_refuse(d, E_STORAGE_LOW, "", NULL);
    intake_part_key(span_of(c->hash.data, c->hash.len), c->index, &key);
    if (intake_register_get_u64(d->view, TABLE_PARTS, key_span(&key), &seq)) return 0;
    Kesu__V1__PolicyPartStored *body = intake_decide_new(d, &kesu__v1__policy_part_stored__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->hash = c->hash;
    body->index = c->index;
    body->count = c->count;
    body->content = c->content;
    intake_decide_add(d, KESU__V1__EVENT__BODY_POLICY_PART_STORED, body);
    return 0;
}

static int missing_policy(char *ret_reason, size_t n)
{
    snprintf(ret_reason, n, "policy: missing");
    return E_POLICY;
}

static int check_policy(struct decide *d, struct span bytes)
{
    Kesu__V1__PolicyBundle *bundle = NULL;
    struct codec_error error;
    char reason[256] = "";
    struct arena scratch;
    arena_init(&scratch, d->ctx->arena->mem, POLICY_MAX_BYTES * 8);
    int err = codec_unpack(&kesu__v1__policy_bundle__descriptor, bytes, &scratch, &bundle, &error);
    if (err != 0)
        snprintf(reason, sizeof(reason), "%.120s: %.120s", error.field, error.reason);
    else if (bundle->policy == NULL)
        err = missing_policy(reason, sizeof(reason));
    else
        err = policy_check(bundle->policy, reason, sizeof(reason));
    arena_deinit(&scratch);
    if (err == 0) return 0;
    char *kept = arena_strdup(d->ctx->arena, reason);
    return intake_decide_refuse(d, E_POLICY, "activate_policy.hash", kept);
}

int intake_decide_policy(struct decide *d)
{
    const Kesu__V1__ActivatePolicy *c = d->command->activate_policy;
    uint32_t parts = 0;
    uint64_t first_seq = 0;
    uint8_t hash[HASH_BYTES];
    if (c->hash.len == 0) return intake_decide_refuse(d, E_MISSING, "activate_policy.hash", NULL);
    if (d->ctx->policy != NULL && memcmp(d->ctx->policy_hash, c->hash.data, HASH_BYTES) == 0) return 0;
    struct span bytes =
        d->ctx->policy_bytes(d->ctx->self, span_of(c->hash.data, c->hash.len), &parts, &first_seq);
    if (bytes.p == NULL)
        return intake_decide_refuse(d, E_UNKNOWN, "activate_policy.hash", "not all parts have come");
    hash_bytes(bytes, hash);
    if (memcmp(hash, c->hash.data, HASH_BYTES) != 0)
        return intake_decide_refuse(d, E_POLICY, "activate_policy.hash", "the parts have another hash");
    DECIDE_TRY(check_policy(d, bytes));
    Kesu__V1__PolicyActivated *body = intake_decide_new(d, &kesu__v1__policy_activated__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->hash = c->hash;
    body->name = c->name;
    body->parts = parts;
    body->first_part_seq = first_seq;
    intake_decide_add(d, KESU__V1__EVENT__BODY_POLICY_ACTIVATED, body);
    return 0;
}

int intake_decide_skip(struct decide *d)
{
    const Kesu__V1__SkipEvent *c = d->command->skip_event;
    struct key key;
    struct span row;
    DECIDE_TRY(intake_decide_needed(d, "skip_event.fold", c->fold));
    DECIDE_TRY(intake_decide_needed(d, "skip_event.reason", c->reason));
    if (c->seq == 0) return intake_decide_refuse(d, E_MISSING, "skip_event.seq", NULL);
    if (c->seq >= d->ctx->next_seq)
        return intake_decide_refuse(d, E_UNKNOWN, "skip_event.seq", "no such event");
    intake_skip_key(c->fold, c->seq, &key);
    if (intake_register_get(d->view, TABLE_SKIPS, key_span(&key), &row) == 0) return 0;
    Kesu__V1__EventSkipped *body = intake_decide_new(d, &kesu__v1__event_skipped__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->fold = c->fold;
    body->seq = c->seq;
    body->reason = c->reason;
    intake_decide_add(d, KESU__V1__EVENT__BODY_EVENT_SKIPPED, body);
    return 0;
}

int intake_decide_accept_clock(struct decide *d)
{
    const Kesu__V1__AcceptClock *c = d->command->accept_clock;
    DECIDE_TRY(intake_decide_needed(d, "accept_clock.reason", c->reason));
    /* Also without an alarm of intake's own, which a restart ends: others may still have theirs. */
    Kesu__V1__ClockAccepted *body = intake_decide_new(d, &kesu__v1__clock_accepted__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->reason = c->reason;
    intake_decide_add(d, KESU__V1__EVENT__BODY_CLOCK_ACCEPTED, body);
    return 0;
}
