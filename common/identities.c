/* SPDX-License-Identifier: Apache-2.0 */
#include "identities.h"

#include "err.h"
#include "key.h"

/* Of a tied identity. Those that mean it hang below, the smallest id first. */
struct identity {
    uint64_t id;
    struct identity *above, *below, *next;
};

void identities_init(struct identities *x, struct mem *mem)
{
    *x = (struct identities){.mem = mem};
    map_init(&x->map, mem);
}

void identities_deinit(struct identities *x)
{
    struct identity *one;
    if (x->mem == NULL) return;
    for (size_t i = 0; (one = map_each(&x->map, &i)) != NULL;) mem_free(x->mem, one);
    map_deinit(&x->map);
    x->mem = NULL;
}

static struct identity *get(struct identities *x, uint64_t id)
{
    struct identity *one = map_get(&x->map, id);
    if (one != NULL) return one;
    one = mem_zalloc(x->mem, sizeof *one);
    one->id = id;
    map_set(&x->map, id, one);
    return one;
}

static void forget_loner(struct identities *x, struct identity *one)
{
    if (one->above != NULL || one->below != NULL) return;
    map_take(&x->map, one->id);
    mem_free(x->mem, one);
}

static const struct identity *root_of(const struct identity *one)
{
    while (one->above != NULL) one = one->above;
    return one;
}

static void untie(struct identities *x, struct identity *one)
{
    struct identity *to = one->above, **at = &to->below;
    while (*at != one) at = &(*at)->next;
    *at = one->next;
    one->above = one->next = NULL;
    forget_loner(x, one);
    forget_loner(x, to);
}

static int tie(struct identities *x, uint64_t customer_id, uint64_t other_id)
{
    if (customer_id == 0 || other_id == 0 || customer_id == other_id) return E_CORRUPT;
    struct identity *one = map_get(&x->map, other_id), *to, **at;
    if (one != NULL && one->above != NULL) untie(x, one); /* its undoing was skipped */
    one = get(x, other_id);
    to = get(x, customer_id);
    if (root_of(to) == one) return E_CORRUPT;
    for (at = &to->below; *at != NULL && (*at)->id < one->id; at = &(*at)->next)
        ;
    one->above = to;
    one->next = *at;
    *at = one;
    return 0;
}

int identities_load(struct identities *x, struct env *env, struct fold *f, unsigned table)
{
    struct mem *mem = x->mem;
    struct store_cursor *c;
    struct span key, value;
    identities_deinit(x);
    identities_init(x, mem);
    int rc = fold_cursor(f, table, &c);
    if (rc != 0) return rc;
    for (rc = store_step(env, c, 1, &key, &value); rc == 0; rc = store_step(env, c, 1, &key, &value)) {
        uint64_t other_id = 0, customer_id = 0;
        if (!key_take_u64(&key, &other_id) || !key_take_u64(&value, &customer_id)) break;
        rc = tie(x, customer_id, other_id);
        if (rc != 0) break;
    }
    store_cursor_close(env, c);
    return rc == E_NOT_FOUND ? 0 : E_CORRUPT;
}

int identities_merge(struct identities *x, struct fold *f, unsigned table, uint64_t customer_id,
                     uint64_t other_id)
{
    struct key key = {.n = 0}, value = {.n = 0};
    int rc = tie(x, customer_id, other_id);
    if (rc != 0) return rc;
    key_u64(&key, other_id);
    key_u64(&value, customer_id);
    fold_put(f, table, key_span(&key), key_span(&value));
    return 0;
}

void identities_unmerge(struct identities *x, struct fold *f, unsigned table, uint64_t other_id)
{
    struct identity *one = map_get(&x->map, other_id);
    struct key key = {.n = 0};
    if (one == NULL || one->above == NULL) return; /* the merge was skipped */
    untie(x, one);
    key_u64(&key, other_id);
    fold_del(f, table, key_span(&key));
}

uint64_t identities_person(const struct identities *x, uint64_t customer_id)
{
    const struct identity *one = x->map.n > 0 && customer_id != 0 ? map_get(&x->map, customer_id) : NULL;
    return one != NULL ? root_of(one)->id : customer_id;
}

unsigned identities_of(const struct identities *x, uint64_t customer_id, uint64_t *ret)
{
    unsigned n = 1;
    ret[0] = customer_id;
    for (unsigned i = 0; i < n && x->map.n > 0; i++) {
        const struct identity *one = ret[i] != 0 ? map_get(&x->map, ret[i]) : NULL;
        for (const struct identity *b = one != NULL ? one->below : NULL; b != NULL; b = b->next)
            if (n < IDENTITIES_MAX) ret[n++] = b->id;
    }
    return n;
}
