/* SPDX-License-Identifier: Apache-2.0 */
#include "objects.h"

#include "analytics.h"
#include "err.h"
#include "hash.h"
#include "key.h"

#define KEEP_OBJECTS 65536

const char *const analytics_kind_names[ANALYTICS_N_KINDS] = {"product", "part_number", "lot", "branch",
                                                             "waybill"};

void analytics_objects_init(struct analytics_objects *o, struct mem *mem)
{
    memset(o, 0, sizeof *o);
    o->mem = mem;
    map_init(&o->map, mem);
}

static void forget(struct analytics_objects *o)
{
    struct analytics_object *one;
    for (size_t i = 0; (one = map_each(&o->map, &i)) != NULL;) mem_free(o->mem, one);
    map_deinit(&o->map);
    o->n_changed = 0;
}

void analytics_objects_deinit(struct analytics_objects *o)
{
    if (o->mem == NULL) return;
    forget(o);
    mem_free(o->mem, o->changed);
    o->mem = NULL;
}

static void object_key(struct key *k, unsigned kind, const uint8_t hash[ANALYTICS_OBJECT_BYTES])
{
    k->n = 0;
    key_u8(k, (uint8_t)kind);
    key_bytes(k, span_of(hash, ANALYTICS_OBJECT_BYTES));
}

static int load_object(struct fold *f, struct analytics_object *one)
{
    struct key k;
    struct span value;
    object_key(&k, one->kind, one->hash);
    int rc = fold_get(f, ANALYTICS_OBJECTS, key_span(&k), &value);
    if (rc != 0) return rc;
    if (!key_take_u64(&value, &one->count) || !key_take_u64(&value, &one->customers) ||
        !key_take_u64(&value, &one->first_customer) || value.n > ANALYTICS_VALUE_MAX)
        return E_CORRUPT;
    memcpy(one->value, value.p, value.n);
    return 0;
}

static int find(struct analytics_objects *o, struct fold *f, unsigned kind, struct span value,
                struct analytics_object **ret)
{
    uint8_t hash[HASH_BYTES];
    uint64_t key = hash_fast(value) + kind;
    struct analytics_object *one;
    if (key == 0) key = 1;
    for (; (one = map_get(&o->map, key)) != NULL; key = key == UINT64_MAX ? 1 : key + 1)
        if (one->kind == kind && span_equal(span_str(one->value), value)) {
            *ret = one;
            return 0;
        }
    one = mem_zalloc(o->mem, sizeof *one);
    hash_bytes(value, hash);
    one->kind = (uint8_t)kind;
    memcpy(one->hash, hash, sizeof one->hash);
    int rc = load_object(f, one);
    if (rc != 0 && rc != E_NOT_FOUND) {
        mem_free(o->mem, one);
        return rc;
    }
    if (rc == E_NOT_FOUND) memcpy(one->value, value.p, value.n);
    map_set(&o->map, key, one);
    *ret = one;
    return 0;
}

static void people_key(struct key *k, uint64_t customer_id, unsigned kind, const uint8_t *hash)
{
    k->n = 0;
    key_u64(k, customer_id);
    key_u8(k, (uint8_t)kind);
    key_bytes(k, span_of(hash, ANALYTICS_OBJECT_BYTES));
}

/* 0, or E_NOT_FOUND. The first has no row. */
static int has_row(struct fold *f, const struct analytics_object *one, uint64_t customer_id)
{
    struct key k;
    struct span value;
    people_key(&k, customer_id, one->kind, one->hash);
    return fold_get(f, ANALYTICS_PEOPLE, key_span(&k), &value);
}

static int has_named(struct fold *f, const struct analytics_object *one, const uint64_t *identities,
                     unsigned n, bool *ret)
{
    int rc = 0;
    *ret = false;
    for (unsigned i = 0; i < n && !*ret; i++) {
        rc = one->first_customer == identities[i] ? 0 : has_row(f, one, identities[i]);
        if (rc != 0 && rc != E_NOT_FOUND) return rc;
        *ret = rc == 0;
    }
    return 0;
}

/* Is this person new to the object? The identity is remembered from now on. */
static int is_new(struct fold *f, const struct identities *people, struct analytics_object *one,
                  uint64_t customer_id, bool *ret)
{
    struct key k;
    uint64_t all[IDENTITIES_MAX];
    bool named;
    *ret = customer_id == 0 || one->first_customer == 0;
    if (customer_id == 0 || one->first_customer == customer_id) return 0;
    if (one->first_customer == 0) {
        one->first_customer = customer_id;
        return 0;
    }
    int rc = has_row(f, one, customer_id);
    if (rc != E_NOT_FOUND) return rc;
    unsigned n = identities_of(people, identities_person(people, customer_id), all);
    rc = n == 1 ? 0 : has_named(f, one, all, n, &named);
    if (rc != 0) return rc;
    *ret = n == 1 || !named;
    people_key(&k, customer_id, one->kind, one->hash);
    fold_put(f, ANALYTICS_PEOPLE, key_span(&k), SPAN_LIT("1"));
    return 0;
}

/* One more of an object: in its place among the most frequent, if it is one. */
static void place(struct analytics_objects *o, const struct analytics_object *one)
{
    struct analytics_object *top = o->top[one->kind];
    unsigned *n = &o->n_top[one->kind], i = 0;
    if (*n == ANALYTICS_TOP && one->count < top[*n - 1].count) return;
    while (i < *n && memcmp(top[i].hash, one->hash, sizeof one->hash) != 0) i++;
    if (i == *n) {
        if (*n == ANALYTICS_TOP && one->count == top[*n - 1].count) return;
        if (*n == ANALYTICS_TOP)
            i--;
        else
            (*n)++;
        o->top_changed[one->kind] = true;
    }
    for (; i > 0 && top[i - 1].count < one->count; i--) {
        top[i] = top[i - 1];
        o->top_changed[one->kind] = true;
    }
    top[i] = *one;
}

static void changed(struct analytics_objects *o, struct analytics_object *one)
{
    if (one->changed) return;
    one->changed = true;
    if (o->n_changed == o->room_changed) {
        o->room_changed = o->room_changed == 0 ? 256 : o->room_changed * 2;
        o->changed = mem_realloc(o->mem, o->changed, o->room_changed * sizeof(struct analytics_object *));
    }
    o->changed[o->n_changed++] = one;
}

static int count_one(struct analytics_objects *o, struct fold *f, const struct identities *people,
                     unsigned kind, const char *text, uint64_t customer_id)
{
    struct analytics_object *one;
    bool is;
    if (text[0] == 0) return 0;
    int rc = find(o, f, kind, span_of(text, codec_utf8_prefix(span_str(text), ANALYTICS_VALUE_MAX)), &one);
    if (rc == 0) rc = is_new(f, people, one, customer_id, &is);
    if (rc != 0) return rc;
    one->count++;
    one->customers += is;
    place(o, one);
    changed(o, one);
    return 0;
}

int analytics_objects_count(struct analytics_objects *o, struct fold *f, const struct identities *people,
                            const Kesu__V1__Object *object, uint64_t customer_id)
{
    const char *values[ANALYTICS_N_KINDS];
    int rc = 0;
    if (object == NULL) return 0;
    values[ANALYTICS_K_PRODUCT] = object->product;
    values[ANALYTICS_K_PART] = object->part_number;
    values[ANALYTICS_K_LOT] = object->lot;
    values[ANALYTICS_K_BRANCH] = object->branch;
    values[ANALYTICS_K_WAYBILL] = object->waybill;
    for (unsigned kind = 0; rc == 0 && kind < ANALYTICS_N_KINDS; kind++)
        rc = count_one(o, f, people, kind, values[kind], customer_id);
    return rc;
}

/* ---- one person or two -------------------------------------------------- */

struct tying {
    struct analytics_objects *objects;
    struct fold *f;
    const struct analytics_tie *tie;
};

static int tie_object(struct tying *t, unsigned kind, const uint8_t *hash)
{
    struct analytics_object row = {.kind = (uint8_t)kind}, *one;
    bool first, second = false;
    memcpy(row.hash, hash, sizeof row.hash);
    int rc = load_object(t->f, &row);
    if (rc == 0) rc = find(t->objects, t->f, kind, span_str(row.value), &one);
    const uint64_t *all = t->tie->all;
    unsigned n_one = t->tie->n_one;
    if (rc == 0) rc = has_named(t->f, one, all, n_one, &first);
    if (rc == 0 && first) rc = has_named(t->f, one, all + n_one, t->tie->n - n_one, &second);
    if (rc != 0 || !second) return rc == E_NOT_FOUND ? E_CORRUPT : rc;
    one->customers = t->tie->change < 0 ? one->customers - 1 : one->customers + 1;
    changed(t->objects, one);
    for (unsigned i = 0; i < t->objects->n_top[kind]; i++) {
        struct analytics_object *top = &t->objects->top[kind][i];
        if (memcmp(top->hash, one->hash, sizeof top->hash) == 0) top->customers = one->customers;
    }
    return 0;
}

/* An object is looked at with the first identity that has a row for it. */
static int is_looked_at(struct tying *t, unsigned at, const struct key *k)
{
    struct analytics_object one = {.kind = k->p[8]};
    memcpy(one.hash, k->p + 9, sizeof one.hash);
    for (unsigned i = 0; i < at; i++) {
        int rc = has_row(t->f, &one, t->tie->all[i]);
        if (rc != E_NOT_FOUND) return rc;
    }
    return E_NOT_FOUND;
}

int analytics_objects_tie(struct analytics_objects *o, struct env *env, struct fold *f,
                          const struct analytics_tie *tie)
{
    struct tying t = {.objects = o, .f = f, .tie = tie};
    analytics_objects_write(o, f); /* what is in memory only has no row yet */
    for (unsigned i = 0; i < tie->n; i++) {
        struct key k = {.n = 0};
        int rc;
        key_u64(&k, tie->all[i]);
        for (; (rc = analytics_tie_next(env, f, ANALYTICS_PEOPLE, tie->all[i], &k)) == 0; key_u8(&k, 0)) {
            if (k.n != 9 + ANALYTICS_OBJECT_BYTES) return E_CORRUPT;
            rc = is_looked_at(&t, i, &k);
            if (rc == E_NOT_FOUND) rc = tie_object(&t, k.p[8], k.p + 9);
            if (rc != 0) return rc;
        }
        if (rc != E_NOT_FOUND) return rc;
    }
    return 0;
}

/* ---- rows ------------------------------------------------------------------ */

int analytics_objects_load(struct analytics_objects *o, struct fold *f)
{
    for (unsigned kind = 0; kind < ANALYTICS_N_KINDS; kind++) {
        const uint8_t key = (uint8_t)kind;
        struct span value;
        uint8_t hashes[ANALYTICS_TOP * ANALYTICS_OBJECT_BYTES];
        int rc = fold_get(f, ANALYTICS_TOP_ROWS, span_of(&key, 1), &value);
        if (rc == E_NOT_FOUND) continue;
        if (rc != 0) return rc;
        if (value.n > sizeof hashes || value.n % ANALYTICS_OBJECT_BYTES != 0) return E_CORRUPT;
        memcpy(hashes, value.p, value.n);
        o->n_top[kind] = (unsigned)(value.n / ANALYTICS_OBJECT_BYTES);
        for (unsigned i = 0; i < o->n_top[kind]; i++) {
            struct analytics_object *one = &o->top[kind][i];
            one->kind = key;
            memcpy(one->hash, hashes + (size_t)i * ANALYTICS_OBJECT_BYTES, ANALYTICS_OBJECT_BYTES);
            if (load_object(f, one) != 0) return E_CORRUPT;
        }
    }
    return 0;
}

static void write_object(struct fold *f, struct analytics_object *one)
{
    struct key k, v;
    object_key(&k, one->kind, one->hash);
    v.n = 0;
    key_u64(&v, one->count);
    key_u64(&v, one->customers);
    key_u64(&v, one->first_customer);
    key_bytes(&v, span_str(one->value));
    fold_put(f, ANALYTICS_OBJECTS, key_span(&k), key_span(&v));
    one->changed = false;
}

static void write_top(struct analytics_objects *o, struct fold *f, unsigned kind)
{
    const uint8_t key = (uint8_t)kind;
    uint8_t hashes[ANALYTICS_TOP * ANALYTICS_OBJECT_BYTES];
    if (!o->top_changed[kind]) return;
    for (unsigned i = 0; i < o->n_top[kind]; i++)
        memcpy(hashes + (size_t)i * ANALYTICS_OBJECT_BYTES, o->top[kind][i].hash, ANALYTICS_OBJECT_BYTES);
    fold_put(f, ANALYTICS_TOP_ROWS, span_of(&key, 1),
             span_of(hashes, (size_t)o->n_top[kind] * ANALYTICS_OBJECT_BYTES));
    o->top_changed[kind] = false;
}

void analytics_objects_write(struct analytics_objects *o, struct fold *f)
{
    for (size_t i = 0; i < o->n_changed; i++) write_object(f, o->changed[i]);
    o->n_changed = 0;
    for (unsigned kind = 0; kind < ANALYTICS_N_KINDS; kind++) write_top(o, f, kind);
    if (o->map.n > KEEP_OBJECTS) forget(o);
}
