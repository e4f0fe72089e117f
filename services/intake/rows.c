/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing with linear probing; rows live in an arena and are replaced,
 * not freed, when a larger value comes: the whole table is dropped soon.
 *
 * Most rows come in the order of their keys, because ids rise. Sorting merges
 * the runs that stand there already: such a table costs one look at each row. */
#include "rows.h"

#include "check.h"

#define FIRST_SLOTS ((uint32_t)1 << 8)
#define FIRST_ROOM  ((uint32_t)1 << 7)
#define AHEAD       8 /* rows */
#define ROWS_LIMIT  ((size_t)4 << 30)

void intake_rows_init(struct rows *r, struct mem *mem)
{
    *r = (struct rows){.mem = mem};
    arena_init(&r->arena, mem, ROWS_LIMIT);
}

void intake_rows_deinit(struct rows *r)
{
    if (r == NULL || r->mem == NULL) return;
    arena_deinit(&r->arena);
    for (unsigned i = 0; i < ROWS_TABLES; i++) {
        mem_free(r->mem, r->tables[i].slots);
        mem_free(r->mem, r->tables[i].list);
    }
    *r = (struct rows){0};
}

void intake_rows_clear(struct rows *r)
{
    arena_reset(&r->arena);
    for (unsigned i = 0; i < ROWS_TABLES; i++) {
        struct rows_table *t = &r->tables[i];
        if (t->count > 0) memset(t->slots, 0, sizeof(*t->slots) * t->n_slots);
        t->count = 0;
    }
    r->count = 0;
    r->bytes = 0;
}

static struct row_slot *slot_of(const struct rows_table *t, uint32_t hash, struct span key)
{
    uint32_t mask = t->n_slots - 1;
    for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
        struct row_slot *slot = &t->slots[i];
        if (slot->place == 0) return slot;
        if (slot->hash == hash && span_equal(intake_row_key(t->list[slot->place - 1]), key)) return slot;
    }
}

const struct row *intake_rows_find(const struct rows *r, uint64_t hash, unsigned table, struct span key)
{
    const struct rows_table *t = &r->tables[table];
    if (t->count == 0) return NULL;
    const struct row_slot *slot = slot_of(t, (uint32_t)hash, key);
    return slot->place > 0 ? t->list[slot->place - 1] : NULL;
}

void intake_rows_prefetch(const struct rows *r, uint64_t hash, unsigned table)
{
    const struct rows_table *t = &r->tables[table];
    if (t->count > 0) __builtin_prefetch(&t->slots[(uint32_t)hash & (t->n_slots - 1)]);
}

static void grow_slots(struct mem *mem, struct rows_table *t)
{
    uint32_t old_n = t->n_slots;
    struct row_slot *old = t->slots;
    t->n_slots = old_n == 0 ? FIRST_SLOTS : old_n * 2;
    t->slots = mem_zalloc(mem, sizeof(*t->slots) * t->n_slots);
    for (uint32_t i = 0; i < old_n; i++) {
        if (old[i].place == 0) continue;
        uint32_t at = old[i].hash & (t->n_slots - 1);
        while (t->slots[at].place != 0) at = (at + 1) & (t->n_slots - 1);
        t->slots[at] = old[i];
    }
    mem_free(mem, old);
}

static void grow_list(struct mem *mem, struct rows_table *t)
{
    t->room = t->room == 0 ? FIRST_ROOM : t->room * 2;
    t->list = mem_realloc(mem, t->list, sizeof(*t->list) * t->room);
}

static struct row *row_new(struct rows *r, uint32_t place, unsigned table, struct span key, size_t n)
{
    size_t bytes = sizeof(struct row) + key.n + n;
    struct row *row = arena_alloc(&r->arena, bytes);
    CHECK(row != NULL);
    *row = (struct row){
        .value_room = (uint32_t)n, .place = place, .key_n = (uint16_t)key.n, .table = (uint8_t)table};
    memcpy(row->bytes, key.p, key.n);
    r->bytes += bytes;
    return row;
}

uint8_t *intake_rows_put(struct rows *r, uint64_t hash, unsigned table, struct span key, size_t n)
{
    CHECK(key.n > 0 && key.n <= UINT16_MAX && n <= UINT32_MAX && table < ROWS_TABLES);
    struct rows_table *t = &r->tables[table];
    if (t->count >= t->n_slots / 2) grow_slots(r->mem, t);
    struct row_slot *slot = slot_of(t, (uint32_t)hash, key);
    struct row *row = slot->place > 0 ? t->list[slot->place - 1] : NULL;
    if (row == NULL) {
        if (t->count == t->room) grow_list(r->mem, t);
        *slot = (struct row_slot){(uint32_t)hash, ++t->count};
        r->count++;
    }
    if (row == NULL || row->value_room < n)
        row = t->list[slot->place - 1] = row_new(r, slot->place, table, key, n);
    row->value_n = (uint32_t)n;
    return row->bytes + row->key_n;
}

/* ---- in order -------------------------------------------------------------- */

/* A row with the beginning of its key beside it: sorting seldom looks at the rows themselves. */
struct sorted_row {
    uint64_t first, second; /* 16 bytes of the key, as numbers */
    const struct row *row;
};

static struct sorted_row beginning_of(const struct row *row)
{
    uint8_t start[16] = {0};
    uint64_t number[2] = {0, 0};
    memcpy(start, row->bytes, row->key_n < sizeof(start) ? row->key_n : sizeof(start));
    for (unsigned i = 0; i < sizeof(start); i++) number[i / 8] = number[i / 8] << 8 | start[i];
    return (struct sorted_row){number[0], number[1], row};
}

static inline bool above(const struct sorted_row *x, const struct sorted_row *y)
{
    if (x->first != y->first) return x->first > y->first;
    if (x->second != y->second) return x->second > y->second;
    return span_compare(intake_row_key(x->row), intake_row_key(y->row)) > 0;
}

/* The end of the run that begins at i. */
static uint32_t run_end(const struct sorted_row *rows, uint32_t i, uint32_t n)
{
    if (i >= n) return n;
    for (i++; i < n && !above(&rows[i - 1], &rows[i]); i++) continue;
    return i;
}

static void merge(const struct sorted_row *from, uint32_t a, uint32_t b, uint32_t end, struct sorted_row *to)
{
    uint32_t middle = b;
    for (uint32_t i = a; i < end; i++)
        to[i] = b == end || (a < middle && !above(&from[a], &from[b])) ? from[a++] : from[b++];
}

/* Pairs of neighbouring runs become one, until there is one. Returns where it stands. */
static struct sorted_row *merge_runs(struct sorted_row *rows, struct sorted_row *other, uint32_t n)
{
    while (run_end(rows, 0, n) < n) {
        for (uint32_t a = 0; a < n;) {
            uint32_t b = run_end(rows, a, n), end = run_end(rows, b, n);
            merge(rows, a, b, end, other);
            a = end;
        }
        struct sorted_row *next = other;
        other = rows;
        rows = next;
    }
    return rows;
}

void intake_rows_sorted(const struct rows *r, const struct row **ret)
{
    struct sorted_row *rows = mem_alloc(r->mem, ((size_t)r->count + 1) * 2 * sizeof(*rows));
    for (unsigned k = 0; k < ROWS_TABLES; k++) {
        const struct rows_table *t = &r->tables[k];
        for (uint32_t i = 0; i < t->count; i++) {
            if (i + AHEAD < t->count) __builtin_prefetch(t->list[i + AHEAD]);
            rows[i] = beginning_of(t->list[i]);
        }
        const struct sorted_row *sorted = merge_runs(rows, rows + r->count, t->count);
        for (uint32_t i = 0; i < t->count; i++) *ret++ = sorted[i].row;
    }
    mem_free(r->mem, rows);
}
