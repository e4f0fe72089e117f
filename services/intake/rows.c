/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing with linear probing; rows live in an arena and are replaced,
 * not freed, when a larger value comes: the whole table is dropped soon. */
#include "rows.h"

#include <stdlib.h>

#include "check.h"

#define FIRST_SLOTS ((uint32_t)1 << 12)
#define ROWS_LIMIT  ((size_t)4 << 30)

void intake_rows_init(struct rows *r, struct mem *mem)
{
    *r = (struct rows){.mem = mem, .n_slots = FIRST_SLOTS};
    arena_init(&r->arena, mem, ROWS_LIMIT);
    r->slots = mem_zalloc(mem, sizeof(*r->slots) * r->n_slots);
}

void intake_rows_deinit(struct rows *r)
{
    if (r == NULL || r->mem == NULL) return;
    arena_deinit(&r->arena);
    mem_free(r->mem, r->slots);
    *r = (struct rows){0};
}

void intake_rows_clear(struct rows *r)
{
    arena_reset(&r->arena);
    memset(r->slots, 0, sizeof(*r->slots) * r->n_slots);
    r->count = 0;
    r->bytes = 0;
}

static struct row_slot *slot_of(const struct rows *r, uint64_t hash, unsigned table, struct span key)
{
    uint32_t mask = r->n_slots - 1;
    for (uint32_t i = (uint32_t)hash & mask;; i = (i + 1) & mask) {
        struct row_slot *slot = &r->slots[i];
        if (slot->row == NULL) return slot;
        if (slot->hash == hash && slot->row->table == table && span_equal(intake_row_key(slot->row), key))
            return slot;
    }
}

const struct row *intake_rows_find(const struct rows *r, uint64_t hash, unsigned table, struct span key)
{
    return slot_of(r, hash, table, key)->row;
}

static void grow(struct rows *r)
{
    uint32_t old_n = r->n_slots;
    struct row_slot *old = r->slots;
    r->n_slots = old_n * 2;
    r->slots = mem_zalloc(r->mem, sizeof(*r->slots) * r->n_slots);
    for (uint32_t i = 0; i < old_n; i++) {
        if (old[i].row == NULL) continue;
        uint32_t at = (uint32_t)old[i].hash & (r->n_slots - 1);
        while (r->slots[at].row != NULL) at = (at + 1) & (r->n_slots - 1);
        r->slots[at] = old[i];
    }
    mem_free(r->mem, old);
}

uint8_t *intake_rows_put(struct rows *r, uint64_t hash, unsigned table, struct span key, size_t n)
{
    CHECK(key.n > 0 && key.n <= UINT16_MAX && n <= UINT32_MAX && table <= UINT8_MAX);
    struct row_slot *slot = slot_of(r, hash, table, key);
    struct row *row = slot->row;
    if (row == NULL || row->value_room < n) {
        bool is_new = row == NULL;
        size_t bytes = sizeof(struct row) + key.n + n;
        row = arena_alloc(&r->arena, bytes);
        CHECK(row != NULL);
        *row = (struct row){.value_room = (uint32_t)n, .key_n = (uint16_t)key.n, .table = (uint8_t)table};
        memcpy(row->bytes, key.p, key.n);
        *slot = (struct row_slot){hash, row};
        r->bytes += bytes;
        r->count += is_new;
    }
    row->value_n = (uint32_t)n;
    if (r->count > r->n_slots / 2) grow(r);
    return row->bytes + row->key_n;
}

/* A row with the beginning of its key beside it: sorting seldom looks at the rows themselves. */
struct sorted_row {
    uint64_t first, second; /* table and 15 bytes of the key, as numbers */
    const struct row *row;
};

static struct sorted_row beginning_of(const struct row *row)
{
    uint8_t start[16] = {row->table};
    uint64_t number[2] = {0, 0};
    memcpy(start + 1, row->bytes, row->key_n < sizeof(start) - 1 ? row->key_n : sizeof(start) - 1);
    for (unsigned i = 0; i < sizeof(start); i++) number[i / 8] = number[i / 8] << 8 | start[i];
    return (struct sorted_row){number[0], number[1], row};
}

static int in_order(const void *a, const void *b)
{
    const struct sorted_row *x = a, *y = b;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    if (x->second != y->second) return x->second < y->second ? -1 : 1;
    return span_compare(intake_row_key(x->row), intake_row_key(y->row));
}

void intake_rows_sorted(const struct rows *r, const struct row **ret)
{
    struct sorted_row *rows = mem_alloc(r->mem, (r->count + 1) * sizeof(*rows));
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->n_slots; i++)
        if (r->slots[i].row != NULL) rows[n++] = beginning_of(r->slots[i].row);
    CHECK(n == r->count);
    qsort(rows, n, sizeof(*rows), in_order);
    for (uint32_t i = 0; i < n; i++) ret[i] = rows[i].row;
    mem_free(r->mem, rows);
}
