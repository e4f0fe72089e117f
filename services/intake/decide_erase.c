/* SPDX-License-Identifier: Apache-2.0 */
/* A person is forgotten: which cases and which keys that means. The keys
 * themselves go when the event is on disk (erase.c). */
#include <stdlib.h>

#include "decide_internal.h"
#include "err.h"
#include "persons.h"

#define CASES_AT_ONCE 16384 /* their numbers and those of their keys fit into a block */
#define KEYS_OF_CASE  3

struct erasure {
    struct decide *d;
    uint64_t customer_id;
    Kesu__V1__CustomerErased *body;
    size_t room;
};

static int add_case(struct erasure *x, const Kesu__V1__CaseState *s)
{
    Kesu__V1__CustomerErased *b = x->body;
    if (s->life != NULL && s->life->held)
        return intake_decide_refuse(x->d, E_NOT_ALLOWED, "erase_customer.case_id",
                                    arena_printf(x->d->ctx->arena, "%s is held by law", s->number));
    if (b->n_case_ids == x->room) {
        struct arena *arena = x->d->ctx->arena;
        size_t room = x->room * 4 + 16;
        uint64_t *cases = arena_alloc(arena, sizeof(*cases) * room);
        uint64_t *keys =
            arena_alloc(arena, sizeof(*keys) * (room * KEYS_OF_CASE + PERSON_MAX)); /* and profiles */
        if (cases == NULL || keys == NULL) return intake_decide_no_memory(x->d);
        if (x->room > 0) {
            memcpy(cases, b->case_ids, sizeof(*cases) * b->n_case_ids);
            memcpy(keys, b->key_ids, sizeof(*keys) * b->n_key_ids);
        }
        b->case_ids = cases;
        b->key_ids = keys;
        x->room = room;
    }
    b->case_ids[b->n_case_ids++] = s->case_id;
    const uint64_t keys[KEYS_OF_CASE] = {s->key_id, s->life != NULL ? s->life->sensitive_key : 0,
                                         s->life != NULL ? s->life->accountability_key : 0};
    for (unsigned i = 0; i < KEYS_OF_CASE; i++)
        if (keys[i] != 0) b->key_ids[b->n_key_ids++] = keys[i];
    return 0;
}

/* Newest first, along the chain. */
static int add_cases(struct erasure *x, uint64_t newest)
{
    Kesu__V1__CaseState *s;
    for (uint64_t id = newest; id != 0; id = s->previous_case) {
        if (x->body->n_case_ids == CASES_AT_ONCE) {
            x->body->more = true;
            return 0;
        }
        int err = intake_case_get(x->d->view, id, x->d->ctx->arena, &s);
        if (err != 0) return intake_decide_no_memory(x->d);
        DECIDE_TRY(add_case(x, s));
    }
    return 0;
}

/* All profiles go with the first portion: from then on nothing is known of any identity. */
static void add_profiles(struct erasure *x, Kesu__V1__CustomerState *const *all, unsigned n)
{
    for (unsigned i = 0; i < n && x->body->n_case_ids > 0; i++)
        if (all[i]->erased_seq == 0 && all[i]->profile_key != 0)
            x->body->key_ids[x->body->n_key_ids++] = all[i]->profile_key;
}

static int newest_first(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

static int collect_customer(struct erasure *x)
{
    Kesu__V1__CustomerState *all[PERSON_MAX];
    Kesu__V1__CustomerErased *b = x->body;
    unsigned n = intake_person_all(x->d->view, x->customer_id, x->d->ctx->arena, all);
    if (n == 0)
        return intake_decide_refuse(x->d, E_UNKNOWN, "erase_customer.customer_id", "no such customer");
    b->merged_ids = arena_alloc(x->d->ctx->arena, sizeof(*b->merged_ids) * n);
    if (b->merged_ids == NULL) return intake_decide_no_memory(x->d);
    for (unsigned i = 0; i < n; i++) {
        DECIDE_TRY(add_cases(x, all[i]->last_case));
        if (all[i]->customer_id != x->customer_id) b->merged_ids[b->n_merged_ids++] = all[i]->customer_id;
    }
    add_profiles(x, all, n);
    if (n > 1 && b->n_case_ids > 1) qsort(b->case_ids, b->n_case_ids, sizeof(*b->case_ids), newest_first);
    b->customer_id = x->customer_id;
    return 0;
}

static int collect(struct erasure *x)
{
    const Kesu__V1__EraseCustomer *c = x->d->command->erase_customer;
    Kesu__V1__CaseState *s;
    x->customer_id = c->customer_id;
    if (c->case_id == 0) return collect_customer(x);
    int err = intake_case_get(x->d->view, c->case_id, x->d->ctx->arena, &s);
    if (err == E_NOMEM) return intake_decide_no_memory(x->d);
    if (err != 0) return intake_decide_refuse(x->d, E_UNKNOWN, "erase_customer.case_id", "no such case");
    x->customer_id = s->customer_id;
    if (x->customer_id != 0) return collect_customer(x);
    return s->erased_seq == 0 ? add_case(x, s) : 0;
}

int intake_decide_erase(struct decide *d)
{
    const Kesu__V1__EraseCustomer *c = d->command->erase_customer;
    struct erasure x = {.d = d};
    DECIDE_TRY(intake_decide_needed(d, "erase_customer.reason", c->reason));
    if (c->customer_id == 0 && c->case_id == 0)
        return intake_decide_refuse(d, E_MISSING, "erase_customer.customer_id", "this or case_id");
    if (c->customer_id != 0 && c->case_id != 0)
        return intake_decide_refuse(d, E_RANGE, "erase_customer.case_id", "not with customer_id");
    x.body = intake_decide_new(d, &kesu__v1__customer_erased__descriptor);
    if (x.body == NULL) return intake_decide_no_memory(d);
    DECIDE_TRY(collect(&x));
    if (x.body->n_case_ids == 0) return 0;
    x.body->reason = c->reason;
    intake_decide_add(d, KESU__V1__EVENT__BODY_CUSTOMER_ERASED, x.body);
    return 0;
}
