/* SPDX-License-Identifier: Apache-2.0 */
/* Changed rows of the register in memory: a hash table for each table of it,
 * filled by the loop, then frozen and written to the store by a lane, then
 * emptied. */
#ifndef INTAKE_ROWS_H
#define INTAKE_ROWS_H

#include "mem.h"

#define ROWS_TABLES 32

struct row {
    uint32_t value_n;
    uint32_t value_room;
    uint32_t place; /* in the list of its table */
    uint16_t key_n;
    uint8_t table;
    uint8_t bytes[]; /* key, then value */
};

struct rows_table {
    struct row_slot {
        uint32_t hash;  /* the low half */
        uint32_t place; /* of its row, from 1; 0: free */
    } * slots;          /* a power of two, at most half full; NULL: never used */
    uint32_t n_slots;
    uint32_t count, room;
    struct row **list; /* in the order they came */
};

struct rows {
    struct mem *mem;
    struct arena arena;
    struct rows_table tables[ROWS_TABLES];
    uint32_t count;
    size_t bytes;
};

void intake_rows_init(struct rows *r, struct mem *mem);
void intake_rows_deinit(struct rows *r);
void intake_rows_clear(struct rows *r);

/* NULL when there is none. hash: low bits that differ where keys differ; keys
 * that are numbers in a row do best as their own hash. */
const struct row *intake_rows_find(const struct rows *r, uint64_t hash, unsigned table, struct span key);
void intake_rows_prefetch(const struct rows *r, uint64_t hash, unsigned table);
/* Room for a value of n bytes under this key; to be filled at once. What was
 * there is gone, spans of it too. */
uint8_t *intake_rows_put(struct rows *r, uint64_t hash, unsigned table, struct span key, size_t n);
/* All rows, in order of table and key. ret: room for count pointers. Any thread, while nothing is put. */
void intake_rows_sorted(const struct rows *r, const struct row **ret);

/* The beginning of it, key and most values. */
static inline void intake_row_prefetch(const struct row *r)
{
    __builtin_prefetch(r);
    __builtin_prefetch((const uint8_t *)r + 64);
}

static inline struct span intake_row_key(const struct row *r)
{
    return span_of(r->bytes, r->key_n);
}

static inline struct span intake_row_value(const struct row *r)
{
    return span_of(r->bytes + r->key_n, r->value_n);
}

#endif
