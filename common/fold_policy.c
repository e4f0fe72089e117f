/* SPDX-License-Identifier: Apache-2.0 */
/* The policy in force at the cursor: parts are rows, the activation names
 * their hash, decoding waits until somebody asks. */
#include "fold_internal.h"

#include "err.h"
#include "key.h"
#include "log.h"
#include "policy.h"

#define DECODED_MAX_BYTES (8 * POLICY_MAX_BYTES)
#define PARTS_MAX         64

static const struct span active_key = {(const uint8_t *)"policy", 6};

static void part_key(const uint8_t hash[HASH_BYTES], uint32_t index, struct key *k)
{
    k->n = 0;
    key_bytes(k, span_of(hash, HASH_BYTES));
    key_u32(k, index);
}

void fold_policy_forget(struct fold *f)
{
    f->policy = NULL;
    f->has_policy = false;
    arena_deinit(&f->policy_arena);
    arena_init(&f->policy_arena, &f->env->mem, DECODED_MAX_BYTES);
}

static void activate(struct fold *f, const uint8_t hash[HASH_BYTES])
{
    struct key k;
    if (f->has_policy && memcmp(f->policy_hash, hash, HASH_BYTES) == 0) return;
    for (uint32_t i = 0; f->has_policy && i < PARTS_MAX; i++) {
        part_key(f->policy_hash, i, &k);
        fold_own_del(f, FOLD_POLICY, key_span(&k));
    }
    fold_policy_forget(f);
    memcpy(f->policy_hash, hash, HASH_BYTES);
    f->has_policy = true;
    fold_own_put(f, FOLD_META, active_key, span_of(hash, HASH_BYTES), false);
}

void fold_policy_event(struct fold *f, const struct fold_event *ev)
{
    const Kesu__V1__Event *e = ev->event;
    struct key k;
    if (e->body_case == KESU__V1__EVENT__BODY_POLICY_PART_STORED) {
        const Kesu__V1__PolicyPartStored *p = e->policy_part_stored;
        if (p->hash.len != HASH_BYTES || p->index >= PARTS_MAX) return;
        part_key(p->hash.data, p->index, &k);
        fold_own_put(f, FOLD_POLICY, key_span(&k), span_of(p->content.data, p->content.len), false);
    } else if (e->policy_activated->hash.len == HASH_BYTES) {
        activate(f, e->policy_activated->hash.data);
    }
}

int fold_policy_load(struct fold *f)
{
    struct span v;
    fold_policy_forget(f);
    int r = fold_own_get(f, FOLD_META, active_key, &v);
    if (r == E_NOT_FOUND) return 0;
    if (r < 0) return r;
    if (v.n != HASH_BYTES) return E_CORRUPT;
    memcpy(f->policy_hash, v.p, HASH_BYTES);
    f->has_policy = true;
    return 0;
}

static struct span join_parts(struct fold *f)
{
    struct key k;
    struct span v;
    size_t n = 0;
    for (uint32_t i = 0; i < PARTS_MAX; i++) {
        part_key(f->policy_hash, i, &k);
        if (fold_own_get(f, FOLD_POLICY, key_span(&k), &v) < 0) break;
        n += v.n;
    }
    uint8_t *all = n > 0 ? arena_alloc(&f->policy_arena, n) : NULL;
    if (all == NULL) return SPAN_NONE;
    size_t at = 0;
    for (uint32_t i = 0; at < n; i++) {
        part_key(f->policy_hash, i, &k);
        if (fold_own_get(f, FOLD_POLICY, key_span(&k), &v) < 0) return SPAN_NONE;
        memcpy(all + at, v.p, v.n);
        at += v.n;
    }
    return span_of(all, n);
}

const Kesu__V1__Policy *fold_policy(const struct fold *f, const uint8_t **ret_hash)
{
    if (!f->has_policy) return NULL;
    if (f->policy == NULL) { /* decoding changes what we remember, not what we are */
        struct fold *w = (struct fold *)(uintptr_t)f;
        struct codec_error error = {0};
        Kesu__V1__PolicyBundle *bundle;
        struct span all = join_parts(w);
        int r = all.n == 0 ? E_MISSING
                           : codec_unpack(&kesu__v1__policy_bundle__descriptor, all, &w->policy_arena,
                                          &bundle, &error);
        if (r < 0 || bundle->policy == NULL) {
            log_error(f->env, "fold: the policy in force cannot be read", LOG_ERR(r),
                      LOG_STR("field", error.field));
            arena_reset(&w->policy_arena);
            return NULL;
        }
        w->policy = bundle->policy;
    }
    if (ret_hash != NULL) *ret_hash = f->policy_hash;
    return f->policy;
}
