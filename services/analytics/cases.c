/* SPDX-License-Identifier: Apache-2.0 */
/* A case that is opened and closed between two commits is never a row. After
 * a commit all are as in the store, so that memory can be let go at any time. */
#include "cases.h"

#include "analytics.h"
#include "err.h"
#include "key.h"

#define KEEP_CASES 262144

void analytics_cases_init(struct analytics_cases *c, struct mem *mem)
{
    *c = (struct analytics_cases){.mem = mem};
    map_init(&c->map, mem);
}

static void forget(struct analytics_cases *c)
{
    struct analytics_case *one;
    for (size_t i = 0; (one = map_each(&c->map, &i)) != NULL;) mem_free(c->mem, one);
    map_deinit(&c->map);
    c->n_changed = 0;
}

void analytics_cases_deinit(struct analytics_cases *c)
{
    if (c->mem == NULL) return;
    forget(c);
    mem_free(c->mem, c->changed);
    c->mem = NULL;
}

struct analytics_case *analytics_cases_add(struct analytics_cases *c, uint64_t case_id)
{
    struct analytics_case *one = map_get(&c->map, case_id);
    if (one != NULL) return one;
    one = mem_zalloc(c->mem, sizeof *one);
    one->case_id = case_id;
    map_set(&c->map, case_id, one);
    return one;
}

int analytics_cases_get(struct analytics_cases *c, struct fold *f, uint64_t case_id,
                        struct analytics_case **ret)
{
    struct analytics_case *one = case_id != 0 ? map_get(&c->map, case_id) : NULL;
    if (one != NULL) {
        if (one->closed) return E_NOT_FOUND;
        *ret = one;
        return 0;
    }
    struct key k = {.n = 0};
    struct span value;
    int64_t received_us;
    uint64_t cell, customer_id, thing;
    uint8_t flags;
    key_u64(&k, case_id);
    int rc = fold_get(f, ANALYTICS_CASES, key_span(&k), &value);
    if (rc != 0) return rc;
    if (!key_take_i64(&value, &received_us) || !key_take_u64(&value, &cell) || !key_take_u8(&value, &flags) ||
        !key_take_u64(&value, &customer_id) || !key_take_u64(&value, &thing))
        return E_CORRUPT;
    one = analytics_cases_add(c, case_id);
    one->received_us = received_us;
    one->cell = cell;
    one->flags = flags;
    one->customer_id = customer_id;
    one->thing = thing;
    one->stored = true;
    *ret = one;
    return 0;
}

void analytics_cases_changed(struct analytics_cases *c, struct analytics_case *one)
{
    if (one->changed) return;
    one->changed = true;
    if (c->n_changed == c->room_changed) {
        c->room_changed = c->room_changed == 0 ? 1024 : c->room_changed * 2;
        c->changed = mem_realloc(c->mem, c->changed, c->room_changed * sizeof(struct analytics_case *));
    }
    c->changed[c->n_changed++] = one;
}

static void write_one(struct analytics_cases *c, struct fold *f, struct analytics_case *one)
{
    struct key k, v;
    k.n = v.n = 0;
    key_u64(&k, one->case_id);
    one->changed = false;
    if (one->closed) {
        if (one->stored) fold_del(f, ANALYTICS_CASES, key_span(&k));
        map_take(&c->map, one->case_id);
        mem_free(c->mem, one);
        return;
    }
    key_i64(&v, one->received_us);
    key_u64(&v, one->cell);
    key_u8(&v, one->flags);
    key_u64(&v, one->customer_id);
    key_u64(&v, one->thing);
    fold_put(f, ANALYTICS_CASES, key_span(&k), key_span(&v));
    one->stored = true;
}

void analytics_cases_write(struct analytics_cases *c, struct fold *f)
{
    for (size_t i = 0; i < c->n_changed; i++) write_one(c, f, c->changed[i]);
    c->n_changed = 0;
    if (c->map.n > KEEP_CASES) forget(c);
}
