/* SPDX-License-Identifier: Apache-2.0 */
/* Who was refused for a case because they may not have it: not asked again, as
 * long as this process lives and nobody else becomes accused in it. */
#ifndef KESU_ROUTING_BARS_H
#define KESU_ROUTING_BARS_H

#include "agents.h"

struct routing_bars {
    struct mem *mem;
    struct routing_bar {
        uint64_t case_id;
        const struct routing_agent *agent;
    } * list;
    unsigned n, room;
};

void routing_bars_init(struct routing_bars *b, struct mem *mem);
void routing_bars_deinit(struct routing_bars *b);
void routing_bars_add(struct routing_bars *b, uint64_t case_id, const struct routing_agent *agent);
bool routing_bars_has(const struct routing_bars *b, uint64_t case_id, const struct routing_agent *agent);
bool routing_bars_any(const struct routing_bars *b, uint64_t case_id);
void routing_bars_forget(struct routing_bars *b, uint64_t case_id);

#endif
