/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing, linear probing; removing shifts the run back, so that
 * there are no gravestones and a table of short-lived keys never degrades. */
#include "map.h"

#include "check.h"

#define FIRST_ROOM 64

static size_t home(const struct map *m, uint64_t key)
{
    key ^= key >> 33;
    key *= UINT64_C(0xff51afd7ed558ccd);
    key ^= key >> 33;
    return (size_t)key & (m->room - 1);
}

void map_init(struct map *m, struct mem *mem)
{
    *m = (struct map){.mem = mem};
}

void map_deinit(struct map *m)
{
    if (m->mem != NULL) mem_free(m->mem, m->slots);
    m->slots = NULL;
    m->n = m->room = 0;
}

static size_t slot_of(const struct map *m, uint64_t key)
{
    size_t i = home(m, key);
    while (m->slots[i].value != NULL && m->slots[i].key != key) i = (i + 1) & (m->room - 1);
    return i;
}

void *map_get(const struct map *m, uint64_t key)
{
    return m->n == 0 ? NULL : m->slots[slot_of(m, key)].value;
}

static void grow(struct map *m)
{
    struct map_slot *old = m->slots;
    size_t n_old = m->room;
    m->room = n_old == 0 ? FIRST_ROOM : n_old * 2;
    m->slots = mem_zalloc(m->mem, m->room * sizeof *m->slots);
    for (size_t i = 0; i < n_old; i++)
        if (old[i].value != NULL) m->slots[slot_of(m, old[i].key)] = old[i];
    mem_free(m->mem, old);
}

void map_set(struct map *m, uint64_t key, void *value)
{
    CHECK(key != 0 && value != NULL);
    if ((m->n + 1) * 4 > m->room * 3) grow(m);
    size_t i = slot_of(m, key);
    if (m->slots[i].value == NULL) m->n++;
    m->slots[i] = (struct map_slot){key, value};
}

void *map_take(struct map *m, uint64_t key)
{
    if (m->n == 0) return NULL;
    size_t i = slot_of(m, key);
    void *value = m->slots[i].value;
    if (value == NULL) return NULL;
    for (size_t j = (i + 1) & (m->room - 1); m->slots[j].value != NULL; j = (j + 1) & (m->room - 1)) {
        size_t h = home(m, m->slots[j].key);
        if (((j - h) & (m->room - 1)) >= ((j - i) & (m->room - 1))) {
            m->slots[i] = m->slots[j];
            i = j;
        }
    }
    m->slots[i].value = NULL;
    m->n--;
    return value;
}

void *map_each(const struct map *m, size_t *i)
{
    while (*i < m->room) {
        void *value = m->slots[(*i)++].value;
        if (value != NULL) return value;
    }
    return NULL;
}
