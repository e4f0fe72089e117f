/* SPDX-License-Identifier: Apache-2.0 */
/* A run takes the best top of all heaps again and again; a class nobody can
 * take from now is set aside for the rest of the run, so that a run costs by
 * what it proposes and not by what waits. Heaps are lazy: a popped case is
 * compared with its row, and what was settled or judged anew meanwhile is
 * dropped (it was pushed again where it now belongs). */
#include "assign.h"

#include <stdio.h>

#include "clock.h"
#include "err.h"
#include "hash.h"
#include "policy.h"
#include "shift.h"

#define SHUT_US    USEC_PER_SEC
#define MAX_CHAIN  16
#define RANK_SHIFT 56
#define CASE_MASK  ((UINT64_C(1) << RANK_SHIFT) - 1)

struct routing_class {
    char category[ROUTING_ID_MAX + 1];
    char department[ROUTING_ID_MAX + 1];
    uint8_t language;
    bool escalated;
    bool need_skill, need_language;
    bool aside; /* nobody has room, in this run */
    const struct routing_department *at;
    uint64_t *heap; /* rank << 56 | case id, smallest first */
    size_t n, room;
};

struct routing_department {
    const char *id;
    struct routing_agent **agents;
    unsigned n_agents;
    struct routing_agent *chain[MAX_CHAIN];
    unsigned n_chain;
};

void routing_assign_init(struct routing_assign *a, struct mem *mem)
{
    *a = (struct routing_assign){.mem = mem};
    routing_agents_init(&a->agents, mem);
    map_init(&a->class_by_key, mem);
    map_init(&a->flying, mem);
    routing_bars_init(&a->bars, mem);
}

static void free_departments(struct routing_assign *a)
{
    for (unsigned i = 0; i < a->n_departments; i++) mem_free(a->mem, a->departments[i].agents);
    mem_free(a->mem, a->departments);
    a->departments = NULL;
    a->n_departments = 0;
}

void routing_assign_deinit(struct routing_assign *a)
{
    if (a->mem == NULL) return;
    routing_bars_deinit(&a->bars);
    mem_free(a->mem, a->passed);
    a->passed = NULL;
    a->n_passed = a->room_passed = 0;
    void *flying;
    for (size_t i = 0; (flying = map_each(&a->flying, &i)) != NULL;) mem_free(a->mem, flying);
    map_deinit(&a->flying);
    for (unsigned i = 0; i < a->n_classes; i++) {
        mem_free(a->mem, a->classes[i]->heap);
        mem_free(a->mem, a->classes[i]);
    }
    mem_free(a->mem, a->classes);
    a->classes = NULL;
    a->n_classes = a->room_classes = 0;
    map_deinit(&a->class_by_key);
    free_departments(a);
    routing_agents_deinit(&a->agents);
}

/* ---- heaps --------------------------------------------------------------- */

static void heap_push(struct routing_assign *a, struct routing_class *c, uint64_t v)
{
    if (c->n == c->room) {
        c->room = c->room == 0 ? 16 : c->room * 2;
        c->heap = mem_realloc(a->mem, c->heap, c->room * sizeof *c->heap);
    }
    size_t i = c->n++;
    for (; i > 0 && c->heap[(i - 1) / 2] > v; i = (i - 1) / 2) c->heap[i] = c->heap[(i - 1) / 2];
    c->heap[i] = v;
}

static uint64_t heap_pop(struct routing_class *c)
{
    uint64_t top = c->heap[0], v = c->heap[--c->n];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < c->n; i = child) {
        if (child + 1 < c->n && c->heap[child + 1] < c->heap[child]) child++;
        if (v <= c->heap[child]) break;
        c->heap[i] = c->heap[child];
    }
    if (c->n > 0) c->heap[i] = v;
    return top;
}

static uint64_t rank(const struct routing_case *c)
{
    return c->severity == 0 ? 5 : c->severity;
}

/* ---- classes and departments --------------------------------------------- */

static const struct routing_department *find_department(const struct routing_assign *a, const char *id)
{
    for (unsigned i = 0; i < a->n_departments; i++)
        if (strcmp(a->departments[i].id, id) == 0) return &a->departments[i];
    return NULL;
}

static void place_class(const struct routing_assign *a, struct routing_class *c)
{
    const char *fallback =
        a->policy != NULL && a->policy->defaults != NULL ? a->policy->defaults->department : "";
    c->at = find_department(a, c->department);
    if (c->at == NULL || (c->at->n_agents == 0 && c->at->n_chain == 0)) c->at = find_department(a, fallback);
    c->need_skill = c->need_language = false;
    for (unsigned i = 0; c->at != NULL && i < c->at->n_agents; i++) {
        const Kesu__V1__Staff *s = c->at->agents[i]->staff;
        if (!policy_has_skill(s, c->category, KESU__V1__LANGUAGE__LANGUAGE_UNSPECIFIED)) continue;
        c->need_skill = true;
        if (policy_has_skill(s, c->category, (Kesu__V1__Language)c->language)) c->need_language = true;
    }
}

static bool in_class(const struct routing_class *k, const struct routing_case *c)
{
    return k->language == c->language && k->escalated == (c->escalated > 0) &&
           strcmp(k->category, c->category) == 0 && strcmp(k->department, c->department) == 0;
}

static struct routing_class *class_of(struct routing_assign *a, const struct routing_case *c)
{
    uint8_t name[2 * (ROUTING_ID_MAX + 1) + 2] = {c->language, c->escalated > 0};
    size_t n_category = strlen(c->category) + 1, n_department = strlen(c->department);
    memcpy(name + 2, c->category, n_category);
    memcpy(name + 2 + n_category, c->department, n_department);
    uint64_t key = hash_fast(span_of(name, 2 + n_category + n_department)) | 1;
    struct routing_class *k;
    for (; (k = map_get(&a->class_by_key, key)) != NULL; key += 2)
        if (in_class(k, c)) return k;
    k = mem_zalloc(a->mem, sizeof *k);
    memcpy(k->category, c->category, sizeof k->category);
    memcpy(k->department, c->department, sizeof k->department);
    k->language = c->language;
    k->escalated = c->escalated > 0;
    place_class(a, k);
    if (a->n_classes == a->room_classes) {
        a->room_classes = a->room_classes == 0 ? 32 : a->room_classes * 2;
        a->classes = mem_realloc(a->mem, a->classes, a->room_classes * sizeof(struct routing_class *));
    }
    a->classes[a->n_classes++] = k;
    map_set(&a->class_by_key, key, k);
    return k;
}

static void fill_department(struct routing_assign *a, struct routing_department *d,
                            const Kesu__V1__Department *from)
{
    const Kesu__V1__Policy *p = a->policy;
    d->id = from->id;
    d->agents = mem_zalloc(a->mem, (p->n_staff + 1) * sizeof(struct routing_agent *));
    for (size_t i = 0; i < p->n_staff; i++) {
        if (!p->staff[i]->agent || strcmp(p->staff[i]->department, d->id) != 0) continue;
        struct routing_agent *agent = routing_agents_get(&a->agents, p->staff[i]->id);
        if (agent != NULL) d->agents[d->n_agents++] = agent;
    }
    const char *id = from->manager;
    for (unsigned level = 0; level < MAX_CHAIN && id[0] != 0; level++) {
        const Kesu__V1__Staff *s = policy_staff(p, id);
        if (s == NULL) break;
        struct routing_agent *agent = s->agent ? routing_agents_get(&a->agents, id) : NULL;
        if (agent != NULL) d->chain[d->n_chain++] = agent;
        id = s->manager;
    }
}

void routing_assign_set_policy(struct routing_assign *a, const Kesu__V1__Policy *policy)
{
    a->policy = policy;
    free_departments(a);
    for (unsigned i = 0; i < a->agents.n; i++) a->agents.list[i]->staff = NULL;
    for (size_t i = 0; i < policy->n_staff; i++) {
        struct routing_agent *agent =
            policy->staff[i]->agent ? routing_agents_get(&a->agents, policy->staff[i]->id) : NULL;
        if (agent != NULL) agent->staff = policy->staff[i];
    }
    a->departments = mem_zalloc(a->mem, (policy->n_departments + 1) * sizeof *a->departments);
    for (size_t i = 0; i < policy->n_departments; i++)
        fill_department(a, &a->departments[a->n_departments++], policy->departments[i]);
    for (unsigned i = 0; i < a->n_classes; i++) place_class(a, a->classes[i]);
    a->changed = true;
}

/* ---- what was folded ----------------------------------------------------- */

void routing_assign_presence(struct routing_assign *a, const char *id, bool present, uint32_t capacity)
{
    struct routing_agent *agent = routing_agents_get(&a->agents, id);
    if (agent == NULL) return;
    agent->row.present = present;
    agent->row.capacity = capacity;
    agent->shut_until_us = 0;
    agent->changed = a->changed = true;
}

void routing_assign_load(struct routing_assign *a, const char *id, int change)
{
    struct routing_agent *agent = routing_agents_get(&a->agents, id);
    if (agent == NULL) return;
    if (change > 0) agent->row.load++;
    if (change < 0 && agent->row.load > 0) agent->row.load--;
    if (change < 0) {
        agent->shut_until_us = 0;
        a->changed = true;
    }
    agent->changed = true;
}

void routing_assign_wait(struct routing_assign *a, uint64_t case_id, const struct routing_case *c)
{
    heap_push(a, class_of(a, c), rank(c) << RANK_SHIFT | case_id);
    a->changed = true;
}

void routing_assign_settled(struct routing_assign *a, uint64_t case_id)
{
    struct routing_proposal *p = map_take(&a->flying, case_id);
    if (p == NULL) return;
    if (p->agent != NULL) p->agent->in_flight--;
    a->changed = true;
    mem_free(a->mem, p);
}

void routing_assign_moved(struct routing_assign *a, uint64_t case_id, const struct routing_case *c)
{
    struct routing_proposal *p = map_get(&a->flying, case_id);
    if (p == NULL || p->agent != NULL || c->version < p->want_version) return;
    routing_assign_settled(a, case_id);
    routing_assign_wait(a, case_id, c);
}

void routing_assign_bar(struct routing_assign *a, uint64_t case_id)
{
    const struct routing_proposal *p = map_get(&a->flying, case_id);
    if (p != NULL && p->agent != NULL) routing_bars_add(&a->bars, case_id, p->agent);
}

void routing_assign_refused(struct routing_assign *a, uint64_t case_id, bool retry, uint64_t version,
                            int64_t now_us)
{
    struct routing_proposal *p = map_get(&a->flying, case_id);
    struct routing_case c;
    if (p == NULL || p->agent == NULL) return;
    p->agent->in_flight--;
    if (version == 0 && retry && !routing_bars_has(&a->bars, case_id, p->agent)) {
        p->agent->shut_until_us = now_us + SHUT_US;
        a->shut = true;
    }
    p->agent = NULL;
    a->changed = true;
    bool waits = a->get_case(a->self, case_id, &c) == 0 && c.state == ROUTING_TRIAGED;
    if (!waits || !retry || c.version >= version) {
        routing_assign_settled(a, case_id);
        if (waits && retry) routing_assign_wait(a, case_id, &c);
    } else {
        p->want_version = version;
    }
}

/* ---- deciding ------------------------------------------------------------ */

static bool fits(const struct routing_class *k, const struct routing_agent *agent)
{
    return agent->staff != NULL &&
           (!k->need_skill || policy_has_skill(agent->staff, k->category,
                                               k->need_language ? (Kesu__V1__Language)k->language
                                                                : KESU__V1__LANGUAGE__LANGUAGE_UNSPECIFIED));
}

/* Of the department, and with room; of those who are barred only when all who fit are: intake then says who
 * has the case instead. */
static struct routing_agent *least_loaded(const struct routing_assign *a, const struct routing_class *k,
                                          uint64_t case_id, bool barred, int64_t now_us)
{
    struct routing_agent *best = NULL;
    for (unsigned i = 0; i < k->at->n_agents; i++) {
        struct routing_agent *one = k->at->agents[i];
        bool is_barred = routing_bars_has(&a->bars, case_id, one);
        if (barred && !is_barred && fits(k, one)) return NULL;
        /* Skills are words: compared last. */
        if (is_barred == barred && (best == NULL || routing_agent_before(one, best)) &&
            routing_agent_has_room(one, now_us) && fits(k, one))
            best = one;
    }
    return best;
}

static struct routing_agent *choose(const struct routing_assign *a, const struct routing_class *k,
                                    uint64_t case_id, int64_t now_us, const char **ret_reason)
{
    if (k->at == NULL) return NULL;
    struct routing_agent *best = least_loaded(a, k, case_id, false, now_us);
    *ret_reason = strcmp(k->at->id, k->department) == 0 ? "least loaded of the department with the skill"
                                                        : "the department has no agents: default department";
    if (best == NULL && routing_bars_any(&a->bars, case_id)) best = least_loaded(a, k, case_id, true, now_us);
    if (best != NULL || (!k->escalated && k->at->n_agents > 0)) return best;
    *ret_reason = k->escalated ? "escalated: the chain of command" : "no agents: the chain of command";
    for (unsigned i = 0; i < k->at->n_chain; i++)
        if (routing_agent_has_room(k->at->chain[i], now_us) &&
            !routing_bars_has(&a->bars, case_id, k->at->chain[i]))
            return k->at->chain[i];
    return NULL;
}

static struct routing_class *best_class(struct routing_assign *a)
{
    struct routing_class *best = NULL;
    for (unsigned i = 0; i < a->n_classes; i++) {
        struct routing_class *k = a->classes[i];
        if (k->n > 0 && !k->aside && (best == NULL || k->heap[0] < best->heap[0])) best = k;
    }
    return best;
}

/* Somebody else may have room for what waits behind it. */
static void pass(struct routing_assign *a, struct routing_class *k)
{
    if (a->n_passed == a->room_passed) {
        a->room_passed = a->room_passed == 0 ? 16 : a->room_passed * 2;
        a->passed = mem_realloc(a->mem, a->passed, a->room_passed * sizeof *a->passed);
    }
    a->passed[a->n_passed++] = heap_pop(k) & CASE_MASK;
}

static void wait_again(struct routing_assign *a)
{
    struct routing_case c;
    for (unsigned i = 0; i < a->n_passed; i++)
        if (a->get_case(a->self, a->passed[i], &c) == 0 && c.state == ROUTING_TRIAGED)
            heap_push(a, class_of(a, &c), rank(&c) << RANK_SHIFT | a->passed[i]);
    a->n_passed = 0;
}

static void put_forward(struct routing_assign *a, struct routing_class *k, struct routing_agent *agent,
                        const char *reason)
{
    uint64_t top = heap_pop(k), case_id = top & CASE_MASK;
    struct routing_case c;
    if (map_get(&a->flying, case_id) != NULL || a->get_case(a->self, case_id, &c) != 0 ||
        c.state != ROUTING_TRIAGED || !in_class(k, &c) || rank(&c) != top >> RANK_SHIFT)
        return;
    struct routing_proposal *p = mem_zalloc(a->mem, sizeof *p);
    p->case_id = case_id;
    p->agent = agent;
    agent->in_flight++;
    map_set(&a->flying, case_id, p);
    a->propose(a->self, case_id, &c, agent->id, reason);
}

void routing_assign_look(struct routing_assign *a, int64_t wall_us)
{
    if (a->policy == NULL || (!a->changed && !a->shut)) return;
    unsigned minute = shift_minute(a->policy, wall_us);
    for (unsigned i = 0; i < a->agents.n; i++) {
        struct routing_agent *one = a->agents.list[i];
        one->here = policy_is_here(one->staff, wall_us);
        one->on_shift = one->here && shift_is_on(a->policy, one->staff, minute);
    }
}

void routing_assign_run(struct routing_assign *a, int64_t now_us)
{
    struct routing_class *k;
    if (!a->changed && !a->shut) return;
    a->changed = a->shut = false;
    for (unsigned i = 0; i < a->agents.n; i++) a->shut |= a->agents.list[i]->shut_until_us > now_us;
    for (unsigned i = 0; i < a->n_classes; i++) a->classes[i]->aside = false;
    while ((k = best_class(a)) != NULL) {
        const char *reason;
        uint64_t case_id = k->heap[0] & CASE_MASK;
        struct routing_agent *agent = choose(a, k, case_id, now_us, &reason);
        if (agent != NULL)
            put_forward(a, k, agent, reason);
        else if (routing_bars_any(&a->bars, case_id))
            pass(a, k);
        else
            k->aside = true;
    }
    wait_again(a);
}

uint64_t routing_assign_waiting(const struct routing_assign *a)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < a->n_classes; i++) n += a->classes[i]->n;
    return n;
}
