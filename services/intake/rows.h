/* SPDX-License-Identifier: Apache-2.0 */
/* Changed rows of the register in memory: a hash table that is filled by the
 * loop, then frozen and written to the store by a lane, then emptied. */
#ifndef INTAKE_ROWS_H
#define INTAKE_ROWS_H

#include "mem.h"

struct row {
    uint32_t value_n;
    uint32_t value_room;
    uint16_t key_n;
    uint8_t table;
    uint8_t bytes[]; /* key, then value */
};

struct rows {
    struct mem *mem;
    struct arena arena;
    struct row_slot {
        uint64_t hash;
        struct row *row; /* NULL: free */
    } * slots;           /* a power of two, at most half full */
    uint32_t n_slots;
    uint32_t count;
    size_t bytes;
};

void intake_rows_init(struct rows *r, struct mem *mem);
void intake_rows_deinit(struct rows *r);
void intake_rows_clear(struct rows *r);

/* NULL when there is none. */
const struct row *intake_rows_find(const struct rows *r, uint64_t hash, unsigned table, struct span key);
/* Room for a value of n bytes under this key; to be filled at once. What was
 * there is gone, spans of it too. */
uint8_t *intake_rows_put(struct rows *r, uint64_t hash, unsigned table, struct span key, size_t n);
/* All rows, in order of table and key. ret: room for count pointers. Any thread, while nothing is put. */
void intake_rows_sorted(const struct rows *r, const struct row **ret);

static inline struct span intake_row_key(const struct row *r)
{
    return span_of(r->bytes, r->key_n);
}

static inline struct span intake_row_value(const struct row *r)
{
    return span_of(r->bytes + r->key_n, r->value_n);
}

#endif
