/* SPDX-License-Identifier: Apache-2.0 */
#include "cells.h"

#include "analytics.h"
#include "check.h"
#include "err.h"
#include "hash.h"
#include "key.h"
#include "store.h"

#define KEEP_CELLS 65536

static const struct {
    unsigned shift, bits;
} parts[ANALYTICS_N_PARTS] = {[ANALYTICS_HOUR] = {40, 24},
                              [ANALYTICS_CATEGORY] = {20, 20},
                              [ANALYTICS_DEPARTMENT] = {8, 12},
                              [ANALYTICS_CHANNEL] = {3, 5},
                              [ANALYTICS_SEVERITY] = {0, 3}};

uint64_t analytics_cell_mask(enum analytics_part part)
{
    return ((UINT64_C(1) << parts[part].bits) - 1) << parts[part].shift;
}

uint64_t analytics_cell_part(uint64_t cell, enum analytics_part part)
{
    return (cell & analytics_cell_mask(part)) >> parts[part].shift;
}

uint64_t analytics_cell_with(uint64_t cell, enum analytics_part part, uint64_t value)
{
    if (value >> parts[part].bits != 0) value = 0;
    return (cell & ~analytics_cell_mask(part)) | value << parts[part].shift;
}

void analytics_cells_init(struct analytics_cells *c, struct mem *mem)
{
    *c = (struct analytics_cells){.mem = mem};
    map_init(&c->map, mem);
    map_init(&c->by_name, mem);
    CHECK(analytics_cells_name(c, "") == 0);
    c->n_names_written = 1;
}

static void forget(struct analytics_cells *c)
{
    struct analytics_cell *one;
    for (size_t i = 0; (one = map_each(&c->map, &i)) != NULL;) mem_free(c->mem, one);
    map_deinit(&c->map);
    c->n_changed = 0;
}

void analytics_cells_deinit(struct analytics_cells *c)
{
    if (c->mem == NULL) return;
    forget(c);
    mem_free(c->mem, c->changed);
    for (uint32_t i = 0; i < c->n_names; i++) mem_free(c->mem, c->names[i]);
    mem_free(c->mem, c->names);
    map_deinit(&c->by_name);
    c->mem = NULL;
}

/* ---- names ----------------------------------------------------------------- */

static uint64_t name_key(const struct analytics_cells *c, struct span name, uint32_t *ret)
{
    uint64_t key = hash_fast(name) | 1;
    char **found;
    for (; (found = map_get(&c->by_name, key)) != NULL; key += 2)
        if (span_equal(span_str(*found), name)) {
            *ret = (uint32_t)(uintptr_t)(found - c->names);
            return 0;
        }
    return key;
}

static void index_names(struct analytics_cells *c, uint32_t from)
{
    uint32_t known;
    for (uint32_t i = from; i < c->n_names; i++) {
        uint64_t key = name_key(c, span_str(c->names[i]), &known);
        if (key != 0) map_set(&c->by_name, key, &c->names[i]);
    }
}

static void add_name(struct analytics_cells *c, struct span name)
{
    bool moves = c->n_names == c->room_names;
    if (moves) {
        c->room_names = c->room_names == 0 ? 64 : c->room_names * 2;
        c->names = mem_realloc(c->mem, c->names, c->room_names * sizeof(char *));
        map_deinit(&c->by_name);
    }
    char *copy = mem_zalloc(c->mem, name.n + 1);
    if (name.n > 0) memcpy(copy, name.p, name.n);
    c->names[c->n_names++] = copy;
    index_names(c, moves ? 0 : c->n_names - 1);
}

uint32_t analytics_cells_name(struct analytics_cells *c, const char *name)
{
    struct span text = span_of(name, strnlen(name, ANALYTICS_NAME_MAX));
    uint32_t id = c->n_names;
    if (name_key(c, text, &id) == 0) return id;
    add_name(c, text);
    return c->n_names - 1;
}

int analytics_cells_load(struct analytics_cells *c, struct env *env, struct fold *f)
{
    struct store_cursor *cursor;
    struct span key, value;
    int rc = fold_cursor(f, ANALYTICS_NAMES, &cursor);
    if (rc != 0) return rc;
    while ((rc = store_step(env, cursor, 1, &key, &value)) == 0) {
        uint32_t id;
        if (!key_take_u32(&key, &id) || id != c->n_names || value.n > ANALYTICS_NAME_MAX) {
            rc = E_CORRUPT;
            break;
        }
        add_name(c, value);
    }
    store_cursor_close(env, cursor);
    c->n_names_written = c->n_names;
    return rc == E_NOT_FOUND ? 0 : rc;
}

/* ---- counts ---------------------------------------------------------------- */

static int find(struct analytics_cells *c, struct fold *f, uint64_t cell, struct analytics_cell **ret)
{
    struct analytics_cell *one = map_get(&c->map, cell + 1);
    if (one == NULL) {
        struct key k = {.n = 0};
        struct span value;
        uint64_t opened = 0;
        key_u64(&k, cell);
        int rc = fold_get(f, ANALYTICS_CELLS, key_span(&k), &value);
        if (rc == 0 && !key_take_u64(&value, &opened)) rc = E_CORRUPT;
        if (rc != 0 && rc != E_NOT_FOUND) return rc;
        one = mem_zalloc(c->mem, sizeof *one);
        one->cell = cell;
        one->opened = opened;
        map_set(&c->map, cell + 1, one);
    }
    *ret = one;
    return 0;
}

int analytics_cells_add(struct analytics_cells *c, struct fold *f, uint64_t cell, int change)
{
    struct analytics_cell *one;
    int rc = find(c, f, cell, &one);
    if (rc != 0) return rc;
    if (change < 0 && one->opened < (uint64_t)-change) return E_CORRUPT;
    one->opened = change < 0 ? one->opened - (uint64_t)-change : one->opened + (uint64_t)change;
    if (one->changed) return 0;
    one->changed = true;
    if (c->n_changed == c->room_changed) {
        c->room_changed = c->room_changed == 0 ? 256 : c->room_changed * 2;
        c->changed = mem_realloc(c->mem, c->changed, c->room_changed * sizeof(struct analytics_cell *));
    }
    c->changed[c->n_changed++] = one;
    return 0;
}

static void write_name(struct analytics_cells *c, struct fold *f, uint32_t id)
{
    struct key k = {.n = 0};
    key_u32(&k, id);
    fold_put(f, ANALYTICS_NAMES, key_span(&k), span_str(c->names[id]));
}

int analytics_cells_write(struct analytics_cells *c, struct fold *f)
{
    for (; c->n_names_written < c->n_names; c->n_names_written++) write_name(c, f, c->n_names_written);
    for (size_t i = 0; i < c->n_changed; i++) {
        struct key k, v;
        k.n = v.n = 0;
        key_u64(&k, c->changed[i]->cell);
        key_u64(&v, c->changed[i]->opened);
        c->changed[i]->changed = false;
        if (c->changed[i]->opened > 0)
            fold_put(f, ANALYTICS_CELLS, key_span(&k), key_span(&v));
        else
            fold_del(f, ANALYTICS_CELLS, key_span(&k));
    }
    c->n_changed = 0;
    if (c->map.n > KEEP_CELLS) forget(c);
    return 0;
}
