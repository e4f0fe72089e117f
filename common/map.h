/* SPDX-License-Identifier: Apache-2.0 */
/* A table in memory from a number (not 0) to a pointer (not NULL). */
#ifndef KESU_MAP_H
#define KESU_MAP_H

#include "mem.h"

struct map_slot {
    uint64_t key;
    void *value; /* NULL: empty */
};

struct map {
    struct mem *mem;
    struct map_slot *slots;
    size_t n, room; /* room: a power of two, or 0 */
};

void map_init(struct map *m, struct mem *mem);
void map_deinit(struct map *m); /* not what the values point to */
void *map_get(const struct map *m, uint64_t key);
void map_set(struct map *m, uint64_t key, void *value); /* replaces */
void *map_take(struct map *m, uint64_t key);            /* removes; NULL when missing */
/* Every value in no order that means anything: only to free or count them. NULL at the end. */
void *map_each(const struct map *m, size_t *i);

#endif
