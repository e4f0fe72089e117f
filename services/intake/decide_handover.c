/* SPDX-License-Identifier: Apache-2.0 */
/* A shift gives its open work to the next. The list is everything its agents
 * have open: how many that are, their rows count, so the newest cases are
 * looked through until all are found. Who has a case has it until routing has
 * given it to somebody, after the next shift's lead has accepted. */
#include "decide_life.h"
#include "err.h"
#include "policy.h"

#define CASES_MAX      16384 /* in a list */
#define LOOK_AT        65536 /* cases, before it is too much for one turn */
#define A_LOOK         8192
#define CATEGORIES_MAX 4096
#define ROOM_BYTES     ((size_t)1 << 20)

static char clock_name[] = "handover";

static bool is_in(char *const *list, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], id) == 0) return true;
    return false;
}

static const Kesu__V1__Shift *shift_led_by(const Kesu__V1__Policy *p, const char *staff)
{
    for (size_t i = 0; i < p->n_shifts; i++)
        if (strcmp(p->shifts[i]->lead, staff) == 0) return p->shifts[i];
    return NULL;
}

static bool leads(const struct decide *d, const Kesu__V1__Staff *s)
{
    Kesu__V1__Actor actor = KESU__V1__ACTOR__INIT;
    actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF;
    return shift_led_by(d->ctx->policy, s->id) != NULL || (life_who(&actor, s) & LIFE_LEADERS) != 0;
}

static int check_to(struct decide *d, const char *to)
{
    const Kesu__V1__Staff *s;
    DECIDE_TRY(intake_decide_somebody(d, to, "open_handover.to", &s));
    if (strcmp(to, d->staff->id) == 0)
        return intake_decide_refuse(d, E_RANGE, "open_handover.to", "somebody else");
    return leads(d, s) ? 0 : intake_decide_refuse(d, E_RANGE, "open_handover.to", "leads no shift");
}

/* Those named, or of the actor's shift: all in it or under the actor. */
static int find_agents(struct decide *d, const Kesu__V1__OpenHandover *c, Kesu__V1__HandoverOpened *body)
{
    const Kesu__V1__Policy *p = d->ctx->policy;
    const Kesu__V1__Shift *shift = shift_led_by(p, d->staff->id);
    body->agents = c->agents;
    body->n_agents = c->n_agents;
    for (size_t i = 0; i < c->n_agents; i++) {
        const Kesu__V1__Staff *s = policy_staff(p, c->agents[i]);
        if (s == NULL || !s->agent)
            return intake_decide_refuse(d, E_UNKNOWN, "open_handover.agents",
                                        "not an agent of the policy in force");
        if (!policy_stands_above(p, d->staff->id, s->id) &&
            (shift == NULL || strcmp(s->shift, shift->id) != 0))
            return intake_decide_refuse(d, E_NOT_ALLOWED, "open_handover.agents", "not of the actor's shift");
        if (is_in(c->agents, i, s->id))
            return intake_decide_refuse(d, E_EXISTS, "open_handover.agents", "named twice");
    }
    if (c->n_agents > 0) return 0;
    body->agents = arena_alloc(d->ctx->arena, sizeof(char *) * (p->n_staff + 1));
    if (body->agents == NULL) return intake_decide_no_memory(d);
    for (size_t i = 0; shift != NULL && i < p->n_staff; i++)
        if (p->staff[i]->agent && strcmp(p->staff[i]->shift, shift->id) == 0)
            body->agents[body->n_agents++] = p->staff[i]->id;
    return body->n_agents > 0 ? 0 : intake_decide_refuse(d, E_MISSING, "open_handover.agents", NULL);
}

/* How many cases they have open together. */
static int count_open(struct decide *d, const Kesu__V1__HandoverOpened *body, uint64_t *ret)
{
    uint64_t n = 0;
    for (size_t i = 0; i < body->n_agents; i++) {
        Kesu__V1__AgentState *a;
        if (intake_agent_get(d->view, body->agents[i], d->ctx->arena, &a) != 0)
            return intake_decide_no_memory(d);
        n += a->open_cases;
    }
    if (n > CASES_MAX)
        return intake_decide_refuse(d, E_TOO_BIG, "open_handover.agents", "fewer agents at a time");
    *ret = n;
    return 0;
}

/* What it takes to have it, for who gives it to somebody: the case may be forgotten where that is decided. */
static int add_kind(struct decide *d, Kesu__V1__HandoverOpened *body, const Kesu__V1__CaseState *s)
{
    Kesu__V1__HandedKind *kind = intake_decide_new(d, &kesu__v1__handed_kind__descriptor);
    size_t at = 0;
    while (at < body->n_categories && strcmp(body->categories[at], s->category) != 0) at++;
    if (at == CATEGORIES_MAX)
        return intake_decide_refuse(d, E_TOO_BIG, "open_handover.agents", "fewer agents at a time");
    if (at == body->n_categories)
        body->categories[body->n_categories++] = arena_strdup(d->ctx->arena, s->category);
    if (kind == NULL || body->categories[at] == NULL) return intake_decide_no_memory(d);
    kind->category = (uint32_t)at;
    kind->language = s->language;
    body->kinds[body->n_kinds++] = kind;
    return 0;
}

/* The next cases below *before; scratch is for one of them. */
static int look(struct decide *d, struct arena *scratch, uint64_t *before, uint64_t *ids,
                Kesu__V1__HandoverOpened *body, uint64_t wanted)
{
    unsigned n = intake_register_case_ids(d->view, *before, ids, A_LOOK);
    for (unsigned i = 0; i < n && body->n_case_ids < wanted; i++) {
        Kesu__V1__CaseState *s;
        arena_reset(scratch);
        if (intake_case_get(d->view, ids[i], scratch, &s) != 0) return intake_decide_no_memory(d);
        if (!life_is_open(s->stage) || !is_in(body->agents, body->n_agents, s->agent)) continue;
        body->case_ids[body->n_case_ids++] = ids[i];
        DECIDE_TRY(add_kind(d, body, s));
    }
    *before = n > 0 ? ids[n - 1] : 0;
    return 0;
}

static int find_cases(struct decide *d, Kesu__V1__HandoverOpened *body)
{
    struct arena scratch;
    uint64_t wanted = 0, before = 0;
    int err = count_open(d, body, &wanted);
    if (err != 0 || wanted == 0) return err;
    uint64_t *ids = arena_alloc(d->ctx->arena, sizeof(*ids) * A_LOOK);
    body->case_ids = arena_alloc(d->ctx->arena, sizeof(uint64_t) * wanted);
    body->kinds = arena_alloc(d->ctx->arena, sizeof(*body->kinds) * wanted);
    body->categories = arena_alloc(d->ctx->arena, sizeof(*body->categories) * CATEGORIES_MAX);
    if (ids == NULL || body->case_ids == NULL || body->kinds == NULL || body->categories == NULL)
        return intake_decide_no_memory(d);
    arena_init(&scratch, &d->view->env->mem, ROOM_BYTES);
    for (unsigned looked = 0; err == 0 && body->n_case_ids < wanted && looked < LOOK_AT; looked += A_LOOK) {
        err = look(d, &scratch, &before, ids, body, wanted);
        if (before == 0) break;
    }
    arena_deinit(&scratch);
    if (err == 0 && body->n_case_ids < wanted)
        err = intake_decide_refuse(d, E_TOO_BIG, "open_handover.agents",
                                   "their oldest cases lie too far back; give those to somebody first");
    return err;
}

int intake_decide_open_handover(struct decide *d)
{
    const Kesu__V1__OpenHandover *c = d->command->open_handover;
    if (d->ctx->policy == NULL) return intake_decide_refuse(d, E_NO_POLICY, "", NULL);
    if (!leads(d, d->staff)) return intake_decide_refuse(d, E_NOT_ALLOWED, "actor.name", "leads no shift");
    DECIDE_TRY(intake_decide_needs(d, "to due_at"));
    DECIDE_TRY(check_to(d, c->to));
    if (c->due_at <= d->ctx->block_time)
        return intake_decide_refuse(d, E_RANGE, "open_handover.due_at", "it is over");
    Kesu__V1__HandoverOpened *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_HANDOVER_OPENED);
    if (body == NULL) return intake_decide_no_memory(d);
    body->handover_id = d->ctx->next_seq;
    body->from = d->staff->id;
    DECIDE_TRY(find_agents(d, c, body));
    DECIDE_TRY(find_cases(d, body));
    return intake_decide_work_due(d, intake_decide_add(d, KESU__V1__EVENT__BODY_HANDOVER_OPENED, body),
                                  body->handover_id, clock_name, c->due_at);
}

static int load(struct decide *d, uint64_t id, Kesu__V1__HandoverState **ret)
{
    int err = intake_handover_get(d->view, id, d->ctx->arena, ret);
    if (err == E_NOMEM) return intake_decide_no_memory(d);
    return err == 0 ? 0
                    : intake_decide_refuse(d, E_UNKNOWN, intake_decide_field(d, "handover_id"),
                                           "no such handover");
}

int intake_decide_accept_handover(struct decide *d)
{
    Kesu__V1__HandoverState *s;
    if (d->ctx->policy == NULL) return intake_decide_refuse(d, E_NO_POLICY, "", NULL);
    DECIDE_TRY(load(d, d->command->accept_handover->handover_id, &s));
    if (s->accepted) return intake_decide_refuse(d, E_EXISTS, "accept_handover.handover_id", "is accepted");
    bool left = !policy_is_here(policy_staff(d->ctx->policy, s->to), d->ctx->block_time);
    if (strcmp(d->command->actor->name, s->to) != 0 && !(left && leads(d, d->staff)))
        return intake_decide_refuse(d, E_NOT_ALLOWED, "actor.name", "it is for somebody else to accept");
    Kesu__V1__HandoverAccepted *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_HANDOVER_ACCEPTED);
    if (body == NULL) return intake_decide_no_memory(d);
    body->to = left ? d->staff->id : s->to;
    return intake_decide_work_over(d, intake_decide_add(d, KESU__V1__EVENT__BODY_HANDOVER_ACCEPTED, body),
                                   s->handover_id, clock_name);
}

int intake_decide_handed(struct decide *d, uint64_t handover_id)
{
    Kesu__V1__HandoverState *s;
    DECIDE_TRY(load(d, handover_id, &s));
    if (!s->accepted)
        return intake_decide_refuse(d, E_NOT_ALLOWED, "assign_case.handover_id", "not accepted yet");
    for (size_t i = 0; i < s->n_case_ids; i++)
        if (s->case_ids[i] == d->state->case_id && is_in(s->agents, s->n_agents, d->state->agent)) return 0;
    return intake_decide_refuse(d, E_EXISTS, "assign_case.handover_id", "the case is with somebody else");
}
