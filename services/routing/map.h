/* SPDX-License-Identifier: Apache-2.0 */
/* A table in memory from a number (not 0) to a pointer (not NULL). */
#ifndef KESU_ROUTING_MAP_H
#define KESU_ROUTING_MAP_H

#include "mem.h"

struct routing_map_slot {
    uint64_t key;
    void *value; /* NULL: empty */
};

struct routing_map {
    struct mem *mem;
    struct routing_map_slot *slots;
    size_t n, room; /* room: a power of two, or 0 */
};

void routing_map_init(struct routing_map *m, struct mem *mem);
void routing_map_deinit(struct routing_map *m); /* not what the values point to */
void *routing_map_get(const struct routing_map *m, uint64_t key);
void routing_map_set(struct routing_map *m, uint64_t key, void *value); /* replaces */
void *routing_map_take(struct routing_map *m, uint64_t key);            /* removes; NULL when missing */
/* Every value in no order that means anything: only to free or count them. NULL at the end. */
void *routing_map_each(const struct routing_map *m, size_t *i);

#endif
