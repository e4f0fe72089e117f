/* SPDX-License-Identifier: Apache-2.0 */
/* The agents as routing knows them: presence and open cases as folded, and
 * its own proposals under way. */
#ifndef KESU_ROUTING_AGENTS_H
#define KESU_ROUTING_AGENTS_H

#include "codec.h"
#include "map.h"
#include "rows.h"

struct routing_agent {
    char id[ROUTING_ID_MAX + 1];
    struct routing_agent_row row;
    unsigned in_flight;           /* proposals not yet folded or refused */
    int64_t shut_until_us;        /* monotonic: refused lately, our view is behind */
    const Kesu__V1__Staff *staff; /* of the policy in force, NULL: not in it or no agent */
    bool changed;                 /* row not yet written */
    bool here, on_shift;          /* as of the last run */
};

struct routing_agents {
    struct mem *mem;
    struct routing_agent **list;
    unsigned n, room;
    struct map by_id; /* hash of id */
};

void routing_agents_init(struct routing_agents *a, struct mem *mem);
void routing_agents_deinit(struct routing_agents *a);
/* Finds or adds. NULL: not an id that can be kept (empty, too long). */
struct routing_agent *routing_agents_get(struct routing_agents *a, const char *id);
bool routing_agent_has_room(const struct routing_agent *a, int64_t now_us);
/* On shift, then less loaded relative to capacity; ties by id. Both have room. */
bool routing_agent_before(const struct routing_agent *a, const struct routing_agent *b);

#endif
