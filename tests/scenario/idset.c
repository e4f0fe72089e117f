/* SPDX-License-Identifier: Apache-2.0 */
#include "idset.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

static struct idset_slot *slot_of(const struct idset *s, const uint8_t id[16])
{
    uint64_t a, b;
    memcpy(&a, id, 8);
    memcpy(&b, id + 8, 8);
    size_t at = (size_t)(((a ^ b) * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (s->size - 1);
    while (s->slots[at].used && memcmp(s->slots[at].id, id, 16) != 0) at = (at + 1) & (s->size - 1);
    return &s->slots[at];
}

static void grow(struct idset *s)
{
    struct idset old = *s;
    s->size = old.size > 0 ? 2 * old.size : 64;
    s->slots = (struct idset_slot *)calloc(s->size, sizeof *s->slots);
    CHECK(s->slots != NULL);
    for (size_t i = 0; i < old.size; i++)
        if (old.slots[i].used) *slot_of(s, old.slots[i].id) = old.slots[i];
    free(old.slots);
}

bool idset_add(struct idset *s, const uint8_t id[16], uint64_t value)
{
    if (2 * (s->n + 1) > s->size) grow(s);
    struct idset_slot *slot = slot_of(s, id);
    if (slot->used) return false;
    slot->used = true;
    memcpy(slot->id, id, 16);
    slot->value = value;
    s->n++;
    return true;
}

void idset_put(struct idset *s, const uint8_t id[16], uint64_t value)
{
    if (!idset_add(s, id, value)) slot_of(s, id)->value = value;
}

bool idset_find(const struct idset *s, const uint8_t id[16], uint64_t *ret_value)
{
    if (s->size == 0) return false;
    const struct idset_slot *slot = slot_of(s, id);
    if (slot->used && ret_value != NULL) *ret_value = slot->value;
    return slot->used;
}

void idset_deinit(struct idset *s)
{
    free(s->slots);
    *s = (struct idset){0};
}
