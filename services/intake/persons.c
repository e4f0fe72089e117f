/* SPDX-License-Identifier: Apache-2.0 */
/* Most customers are one identity of which nothing is known but their cases:
 * their row says so, and no second one is looked for. */
#include "persons.h"

#include "check.h"
#include "err.h"
#include "pack.h"

static int read_person(struct intake_register *r, uint64_t customer_id, struct arena *arena,
                       Kesu__V1__CustomerState **ret)
{
    struct key key = intake_key_u64(customer_id);
    struct span bytes;
    void *m = NULL;
    int err = intake_register_get(r, TABLE_PERSONS, key_span(&key), &bytes);
    if (err == 0) err = codec_unpack_own(&kesu__v1__customer_state__descriptor, bytes, arena, &m);
    CHECK(err == 0 || err == E_NOMEM || err == E_TOO_BIG);
    *ret = m;
    return err == 0 ? 0 : E_NOMEM;
}

int intake_person_get(struct intake_register *r, uint64_t customer_id, struct arena *arena,
                      Kesu__V1__CustomerState **ret)
{
    struct customer_row row;
    Kesu__V1__CustomerState *s;
    if (!intake_customer_get(r, customer_id, &row)) return E_NOT_FOUND;
    if (row.more != 0) {
        int err = read_person(r, customer_id, arena, &s);
        if (err != 0) return err;
    } else {
        s = arena_alloc(arena, sizeof(*s));
        if (s == NULL) return E_NOMEM;
        kesu__v1__customer_state__init(s);
        s->customer_id = customer_id;
    }
    s->profile_key = row.profile_key;
    s->last_case = row.last_case;
    s->erased_seq = row.erased_seq;
    *ret = s;
    return 0;
}

void intake_person_put(struct intake_register *r, const Kesu__V1__CustomerState *state)
{
    struct customer_row row = {0};
    struct key key = intake_key_u64(state->customer_id);
    struct buf *bytes = codec_pack_buf(state);
    intake_register_put(r, TABLE_PERSONS, key_span(&key), buf_span(bytes));
    buf_unref(bytes);
    (void)intake_customer_get(r, state->customer_id, &row);
    row.more = 1;
    intake_customer_put(r, state->customer_id, &row);
}

uint64_t intake_person_root(struct intake_register *r, uint64_t customer_id, struct arena *arena)
{
    struct customer_row row;
    Kesu__V1__CustomerState *s;
    for (unsigned i = 0; i < PERSON_MAX; i++) {
        if (!intake_customer_get(r, customer_id, &row) || row.more == 0) break;
        if (read_person(r, customer_id, arena, &s) != 0 || s->merged_into == 0) break;
        customer_id = s->merged_into;
    }
    return customer_id;
}

unsigned intake_person_all(struct intake_register *r, uint64_t customer_id, struct arena *arena,
                           Kesu__V1__CustomerState **ret)
{
    unsigned n = 0;
    if (intake_person_get(r, intake_person_root(r, customer_id, arena), arena, &ret[0]) != 0) return 0;
    n = 1;
    for (unsigned i = 0; i < n; i++)
        for (size_t k = 0; k < ret[i]->n_merged && n < PERSON_MAX; k++)
            if (intake_person_get(r, ret[i]->merged[k], arena, &ret[n]) != 0)
                return 0;
            else
                n++;
    return n;
}

static Kesu__V1__Consent both(Kesu__V1__Consent a, Kesu__V1__Consent b)
{
    return a > b ? a : b;
}

bool intake_person_traits(struct intake_register *r, uint64_t customer_id, struct arena *arena,
                          Kesu__V1__CustomerTraits *ret)
{
    Kesu__V1__CustomerState *all[PERSON_MAX];
    struct customer_row row;
    bool known = false;
    kesu__v1__customer_traits__init(ret);
    if (customer_id == 0 || !intake_customer_get(r, customer_id, &row) || row.more == 0) return false;
    unsigned n = intake_person_all(r, customer_id, arena, all);
    for (unsigned i = 0; i < n; i++) {
        const Kesu__V1__CustomerTraits *t = all[i]->traits;
        if (t == NULL) continue;
        known = true;
        if (t->tier > ret->tier) ret->tier = t->tier;
        ret->vulnerable = ret->vulnerable || t->vulnerable;
        ret->caution = ret->caution || t->caution;
        ret->recording = both(ret->recording, t->recording);
        ret->surveys = both(ret->surveys, t->surveys);
        if (ret->language == KESU__V1__LANGUAGE__LANGUAGE_UNSPECIFIED) ret->language = t->language;
    }
    return known;
}
