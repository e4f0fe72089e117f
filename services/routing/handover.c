/* SPDX-License-Identifier: Apache-2.0 */
/* An accepted handover: each of its cases goes to somebody of the shift whose
 * lead accepted, who is present and has room; the least loaded first. Skill and
 * language are asked for as when a case is assigned: what nobody of that shift
 * has is not asked for. When the policy knows nobody of the shift, to anybody
 * who does not give. While there
 * is none, who has the case keeps it, and it is tried again. */
#include "handover.h"

#include <stdio.h>

#include "clock.h"
#include "err.h"
#include "key.h"
#include "log.h"
#include "routing.h"

#define SHUT_US    USEC_PER_SEC
#define ROOM_BYTES ((size_t)8 << 20)

struct handed {
    uint64_t case_id, handover_id;
    int64_t accepted_us; /* block time */
    bool flying;
    bool refused;                   /* it waits for nobody, but its row goes when somebody has the case */
    char agent[ROUTING_ID_MAX + 1]; /* who it is proposed for */
};

void routing_handover_init(struct routing_handover *h, struct mem *mem)
{
    *h = (struct routing_handover){.mem = mem};
    map_init(&h->pending, mem);
}

void routing_handover_deinit(struct routing_handover *h)
{
    struct handed *one;
    if (h->mem == NULL) return;
    for (size_t i = 0; (one = map_each(&h->pending, &i)) != NULL;) mem_free(h->mem, one);
    map_deinit(&h->pending);
    mem_free(h->mem, h->order);
    *h = (struct routing_handover){0};
}

/* ---- rows ----------------------------------------------------------------- */

static void remember(struct routing_handover *h, uint64_t case_id, uint64_t handover_id, int64_t accepted_us)
{
    struct handed *one = map_get(&h->pending, case_id);
    bool listed = one != NULL && !one->refused;
    if (one == NULL) {
        one = mem_zalloc(h->mem, sizeof(*one));
        map_set(&h->pending, case_id, one);
    }
    if (!listed) {
        if (h->n_order == h->room) {
            h->room = h->room * 2 + 64;
            h->order = mem_realloc(h->mem, h->order, h->room * sizeof(*h->order));
        }
        h->order[h->n_order++] = case_id;
    }
    one->case_id = case_id;
    one->handover_id = handover_id;
    one->accepted_us = accepted_us;
    one->refused = false;
}

static void not_in_flight(struct routing *r, struct handed *one)
{
    struct routing_agent *agent = one->flying ? routing_agents_get(&r->assign.agents, one->agent) : NULL;
    if (agent != NULL && agent->in_flight > 0) agent->in_flight--;
    one->flying = false;
}

static void forget(struct routing *r, uint64_t case_id)
{
    struct handed *one = map_take(&r->handover.pending, case_id);
    if (one == NULL) return;
    not_in_flight(r, one);
    mem_free(r->handover.mem, one);
}

int routing_handover_on_opened(void *self, struct fold *f, const struct fold_event *ev)
{
    const Kesu__V1__HandoverOpened *b = ev->event->handover_opened;
    struct key key = {0};
    (void)self;
    key_u64(&key, b->handover_id);
    fold_put_message(f, ROUTING_HANDOVERS, key_span(&key), b);
    return 0;
}

static int load(struct fold *f, uint64_t id, struct arena *arena, Kesu__V1__HandoverOpened **ret)
{
    struct key key = {0};
    key_u64(&key, id);
    return fold_get_message(f, ROUTING_HANDOVERS, key_span(&key), &kesu__v1__handover_opened__descriptor,
                            arena, ret);
}

int routing_handover_on_accepted(void *self, struct fold *f, const struct fold_event *ev)
{
    struct routing *r = self;
    Kesu__V1__HandoverOpened *b;
    uint64_t id = ev->event->handover_accepted->handover_id;
    int rc = load(f, id, ev->arena, &b);
    if (rc != 0) return rc == E_NOT_FOUND ? 0 : rc;
    for (size_t i = 0; i < b->n_case_ids; i++) {
        struct key key = {0}, value = {0};
        key_u64(&key, b->case_ids[i]);
        key_u64(&value, id);
        key_u64(&value, (uint64_t)ev->time_us);
        fold_put(f, ROUTING_HANDED, key_span(&key), key_span(&value));
        remember(&r->handover, b->case_ids[i], id, ev->time_us);
    }
    return 0;
}

void routing_handover_settled(struct routing *r, struct fold *f, uint64_t case_id)
{
    struct key key = {0};
    if (map_get(&r->handover.pending, case_id) == NULL) return;
    key_u64(&key, case_id);
    fold_del(f, ROUTING_HANDED, key_span(&key));
    forget(r, case_id);
}

static void load_handed(void *self, struct span key, struct span value)
{
    struct routing *r = self;
    uint64_t case_id, handover_id, accepted_us;
    if (key_take_u64(&key, &case_id) && key_take_u64(&value, &handover_id) &&
        key_take_u64(&value, &accepted_us))
        remember(&r->handover, case_id, handover_id, (int64_t)accepted_us);
}

int routing_handover_load(struct routing *r)
{
    return routing_rows_each(r->env, r->fold, ROUTING_HANDED, load_handed, r);
}

/* ---- to whom -------------------------------------------------------------- */

static const char *shift_of(const Kesu__V1__Policy *p, const char *lead)
{
    for (size_t i = 0; i < p->n_shifts; i++)
        if (strcmp(p->shifts[i]->lead, lead) == 0) return p->shifts[i]->id;
    const Kesu__V1__Staff *s = policy_staff(p, lead);
    return s != NULL ? s->shift : "";
}

static bool gives(const Kesu__V1__HandoverOpened *b, const char *agent)
{
    for (size_t i = 0; i < b->n_agents; i++)
        if (strcmp(b->agents[i], agent) == 0) return true;
    return false;
}

struct asked_for {
    const char *category;
    Kesu__V1__Language language;
    bool skill, speaks;
};

/* Of the case, by what the list says; lists of before do not. */
static struct asked_for asked_for(const Kesu__V1__HandoverOpened *b, uint64_t case_id)
{
    struct asked_for a = {.category = ""};
    size_t low = 0, high = b->n_kinds == b->n_case_ids ? b->n_case_ids : 0; /* newest first */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (b->case_ids[middle] > case_id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == b->n_kinds || b->case_ids[low] != case_id || b->kinds[low]->category >= b->n_categories)
        return a;
    a.category = b->categories[b->kinds[low]->category];
    a.language = b->kinds[low]->language;
    return a;
}

static bool can_have(const struct asked_for *a, const Kesu__V1__Staff *s)
{
    if (!a->skill) return true;
    return policy_has_skill(s, a->category,
                            a->speaks ? a->language : KESU__V1__LANGUAGE__LANGUAGE_UNSPECIFIED);
}

static struct routing_agent *choose(struct routing *r, const Kesu__V1__HandoverOpened *b, struct asked_for a,
                                    int64_t now_us)
{
    const char *shift = shift_of(r->policy, b->to);
    struct routing_agent *best = NULL;
    bool any = false; /* of the shift, here or not */
    for (size_t i = 0; i < r->policy->n_staff; i++) {
        const Kesu__V1__Staff *s = r->policy->staff[i];
        any = any || (s->agent && shift[0] != '\0' && strcmp(s->shift, shift) == 0 && !gives(b, s->id));
    }
    for (size_t i = 0; a.category[0] != '\0' && i < r->policy->n_staff; i++) {
        const Kesu__V1__Staff *s = r->policy->staff[i];
        if (!s->agent || gives(b, s->id) || (any && strcmp(s->shift, shift) != 0)) continue;
        a.skill = a.skill || policy_has_skill(s, a.category, KESU__V1__LANGUAGE__LANGUAGE_UNSPECIFIED);
        a.speaks = a.speaks || policy_has_skill(s, a.category, a.language);
    }
    for (unsigned i = 0; i < r->assign.agents.n; i++) {
        struct routing_agent *one = r->assign.agents.list[i];
        if (one->staff == NULL || gives(b, one->id) || !routing_agent_has_room(one, now_us)) continue;
        if (any && strcmp(one->staff->shift, shift) != 0) continue;
        if (!can_have(&a, one->staff)) continue;
        if (best == NULL || routing_agent_before(one, best)) best = one;
    }
    return best;
}

static void propose(struct routing *r, struct handed *one, struct routing_agent *agent)
{
    Kesu__V1__AssignCase assign = KESU__V1__ASSIGN_CASE__INIT;
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    char reason[64];
    snprintf(reason, sizeof(reason), "handover %llu", (unsigned long long)one->handover_id);
    assign.case_id = one->case_id;
    assign.agent = agent->id;
    assign.reason = reason;
    assign.handover_id = one->handover_id;
    command.body_case = KESU__V1__COMMAND__BODY_ASSIGN_CASE;
    command.assign_case = &assign;
    snprintf(one->agent, sizeof(one->agent), "%s", agent->id);
    one->flying = true;
    agent->in_flight++;
    fold_send(r->fold, &command, one->handover_id, routing_classify_id_time(r, one->accepted_us), "handover",
              one->case_id, false);
    stats_add(r->m.proposed, 1);
}

/* In the order of the list; what is settled falls out of it. */
void routing_handover_run(struct routing *r)
{
    struct routing_handover *h = &r->handover;
    Kesu__V1__HandoverOpened *b = NULL;
    uint64_t loaded = 0;
    size_t kept = 0;
    struct asked_for nobody = {.category = NULL}; /* is free for the likes of this, of the list in hand */
    struct arena arena;
    if (h->n_order == 0 || r->policy == NULL || !fold_live(r->fold)) return;
    arena_init(&arena, &r->env->mem, ROOM_BYTES);
    int64_t now_us = clock_mono_us(r->env);
    for (size_t i = 0; i < h->n_order; i++) {
        struct handed *one = map_get(&h->pending, h->order[i]);
        if (one == NULL || one->refused) continue;
        h->order[kept++] = h->order[i];
        if (one->flying) continue;
        if (loaded != one->handover_id) {
            arena_reset(&arena);
            if (load(r->fold, one->handover_id, &arena, &b) != 0) continue;
            loaded = one->handover_id;
            nobody.category = NULL;
        }
        struct asked_for a = asked_for(b, one->case_id);
        if (a.category == nobody.category && a.language == nobody.language) continue;
        struct routing_agent *agent = choose(r, b, a, now_us);
        if (agent != NULL)
            propose(r, one, agent);
        else
            nobody = a;
    }
    h->n_order = kept;
    arena_deinit(&arena);
}

void routing_handover_on_refused(struct routing *r, const Kesu__V1__AssignCase *sent,
                                 const Kesu__V1__Refused *refused)
{
    struct handed *one = map_get(&r->handover.pending, sent->case_id);
    bool full =
        refused->code == KESU__V1__ERROR_CODE__E_CAPACITY || refused->code == KESU__V1__ERROR_CODE__E_ABSENT;
    stats_add(r->m.refused, 1);
    if (one == NULL) return;
    not_in_flight(r, one);
    struct routing_agent *agent = routing_agents_get(&r->assign.agents, sent->agent);
    if (full && agent != NULL) agent->shut_until_us = clock_mono_us(r->env) + SHUT_US;
    if (full) return;
    log_info(r->env, "a case is not handed over", LOG_U64("case", sent->case_id),
             LOG_STR("reason", refused->reason));
    one->refused = true;
}
