/* SPDX-License-Identifier: Apache-2.0 */
/* There are few at any time: they are looked through. */
#include "bars.h"

void routing_bars_init(struct routing_bars *b, struct mem *mem)
{
    *b = (struct routing_bars){.mem = mem};
}

void routing_bars_deinit(struct routing_bars *b)
{
    mem_free(b->mem, b->list);
    b->list = NULL;
    b->n = b->room = 0;
}

void routing_bars_add(struct routing_bars *b, uint64_t case_id, const struct routing_agent *agent)
{
    if (routing_bars_has(b, case_id, agent)) return;
    if (b->n == b->room) {
        b->room = b->room == 0 ? 16 : b->room * 2;
        b->list = mem_realloc(b->mem, b->list, b->room * sizeof *b->list);
    }
    b->list[b->n++] = (struct routing_bar){case_id, agent};
}

bool routing_bars_has(const struct routing_bars *b, uint64_t case_id, const struct routing_agent *agent)
{
    for (unsigned i = 0; i < b->n; i++)
        if (b->list[i].case_id == case_id && b->list[i].agent == agent) return true;
    return false;
}

bool routing_bars_any(const struct routing_bars *b, uint64_t case_id)
{
    for (unsigned i = 0; i < b->n; i++)
        if (b->list[i].case_id == case_id) return true;
    return false;
}

void routing_bars_forget(struct routing_bars *b, uint64_t case_id)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < b->n; i++)
        if (b->list[i].case_id != case_id) b->list[kept++] = b->list[i];
    b->n = kept;
}
