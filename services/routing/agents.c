/* SPDX-License-Identifier: Apache-2.0 */
#include "agents.h"

#include "hash.h"

void routing_agents_init(struct routing_agents *a, struct mem *mem)
{
    *a = (struct routing_agents){.mem = mem};
    map_init(&a->by_id, mem);
}

void routing_agents_deinit(struct routing_agents *a)
{
    if (a->mem == NULL) return;
    for (unsigned i = 0; i < a->n; i++) mem_free(a->mem, a->list[i]);
    mem_free(a->mem, a->list);
    map_deinit(&a->by_id);
    a->list = NULL;
    a->n = a->room = 0;
}

struct routing_agent *routing_agents_get(struct routing_agents *a, const char *id)
{
    struct routing_agent *one;
    size_t n = strlen(id);
    if (n == 0 || n > ROUTING_ID_MAX) return NULL;
    uint64_t key = hash_fast(span_of(id, n)) | 1;
    for (; (one = map_get(&a->by_id, key)) != NULL; key += 2)
        if (strcmp(one->id, id) == 0) return one;
    one = mem_zalloc(a->mem, sizeof *one);
    memcpy(one->id, id, n);
    if (a->n == a->room) {
        a->room = a->room == 0 ? 32 : a->room * 2;
        a->list = mem_realloc(a->mem, a->list, a->room * sizeof(struct routing_agent *));
    }
    a->list[a->n++] = one;
    map_set(&a->by_id, key, one);
    return one;
}

bool routing_agent_has_room(const struct routing_agent *a, int64_t now_us)
{
    return a->staff != NULL && a->here && a->row.present && a->row.load + a->in_flight < a->row.capacity &&
           a->shut_until_us <= now_us;
}

bool routing_agent_before(const struct routing_agent *a, const struct routing_agent *b)
{
    if (a->on_shift != b->on_shift) return a->on_shift;
    uint64_t left = (uint64_t)(a->row.load + a->in_flight) * b->row.capacity;
    uint64_t right = (uint64_t)(b->row.load + b->in_flight) * a->row.capacity;
    if (left != right) return left < right;
    return strcmp(a->id, b->id) < 0;
}
