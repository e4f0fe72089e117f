/* SPDX-License-Identifier: Apache-2.0 */
/* Looking through a whole table: memory and store together. Seldom used. */
#include <stdlib.h>

#include "check.h"
#include "err.h"
#include "register.h"

static bool begins_with(struct span key, struct span prefix)
{
    return key.n >= prefix.n && (prefix.n == 0 || memcmp(key.p, prefix.p, prefix.n) == 0);
}

static void each_in(const struct rows *rows, enum register_table table, struct span prefix,
                    void (*on_row)(void *self, struct span key, struct span value), void *self)
{
    const struct rows_table *t = &rows->tables[table];
    for (uint32_t i = 0; i < t->count; i++) {
        const struct row *row = t->list[i];
        if (begins_with(intake_row_key(row), prefix))
            on_row(self, intake_row_key(row), intake_row_value(row));
    }
}

void intake_register_each(struct intake_register *r, enum register_table table, struct span prefix,
                          void (*on_row)(void *self, struct span key, struct span value), void *self)
{
    struct store_txn *t = NULL;
    struct store_cursor *c = NULL;
    if (r->store != NULL && store_begin(r->env, r->store, STORE_READ, &t) == 0) {
        struct span key, value;
        int err = store_cursor_open(r->env, t, table, &c);
        if (err == 0)
            err = prefix.n > 0 ? store_seek(r->env, c, prefix, &key, &value)
                               : store_step(r->env, c, +1, &key, &value);
        for (; err == 0 && begins_with(key, prefix); err = store_step(r->env, c, +1, &key, &value))
            if (!intake_register_in_memory(r, table, key)) on_row(self, key, value);
        store_cursor_close(r->env, c);
        store_abort(r->env, t);
    }
    if (r->frozen != NULL) {
        /* A row in both is given once, from the newer. */
        const struct rows_table *frozen = &r->frozen->tables[table];
        for (uint32_t i = 0; i < frozen->count; i++) {
            const struct row *row = frozen->list[i];
            struct span key = intake_row_key(row);
            if (!begins_with(key, prefix)) continue;
            if (intake_rows_find(r->current, intake_register_hash(table, key), table, key) == NULL)
                on_row(self, intake_row_key(row), intake_row_value(row));
        }
    }
    each_in(r->current, table, prefix, on_row, self);
}

static int falling(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x > y ? -1 : x < y;
}

/* Cases that are only in memory; the older ones have a row in the store too. */
static unsigned ids_in_memory(struct intake_register *r, uint64_t before, uint64_t **ret)
{
    unsigned n = 0, room = r->current->count + (r->frozen != NULL ? r->frozen->count : 0);
    uint64_t *ids = mem_alloc(&r->env->mem, sizeof(*ids) * (room + 1));
    for (unsigned g = 0; g < 2; g++) {
        const struct rows *rows = g == 0 ? r->current : r->frozen;
        for (uint32_t i = 0; rows != NULL && i < rows->tables[TABLE_CASES].count; i++) {
            struct span key = intake_row_key(rows->tables[TABLE_CASES].list[i]);
            uint64_t id = 0;
            CHECK(key_take_u64(&key, &id));
            if (id > r->newest_case && (before == 0 || id < before)) ids[n++] = id;
        }
    }
    qsort(ids, n, sizeof(*ids), falling);
    *ret = ids;
    return n;
}

unsigned intake_register_case_ids(struct intake_register *r, uint64_t before, uint64_t *ret, unsigned max)
{
    uint64_t *ids = NULL;
    unsigned n = 0, n_memory = ids_in_memory(r, before, &ids);
    for (unsigned i = 0; i < n_memory && n < max; i++)
        if (n == 0 || ret[n - 1] != ids[i]) ret[n++] = ids[i];
    mem_free(&r->env->mem, ids);
    struct store_txn *t = NULL;
    if (r->store == NULL || n == max || store_begin(r->env, r->store, STORE_READ, &t) != 0) return n;
    struct store_cursor *c = NULL;
    struct span key, value;
    int err = store_cursor_open(r->env, t, TABLE_CASES, &c);
    if (err == 0 && before != 0) {
        struct key from = intake_key_u64(before);
        if (store_seek(r->env, c, key_span(&from), &key, &value) != 0) {
            store_cursor_close(r->env, c);
            c = NULL;
            err = store_cursor_open(r->env, t, TABLE_CASES, &c);
        }
    }
    if (err == 0) err = store_step(r->env, c, -1, &key, &value);
    for (; err == 0 && n < max; err = store_step(r->env, c, -1, &key, &value)) {
        uint64_t id = 0;
        if (key_take_u64(&key, &id)) ret[n++] = id;
    }
    store_cursor_close(r->env, c);
    store_abort(r->env, t);
    return n;
}
