/* SPDX-License-Identifier: Apache-2.0 */
/* Which identities are one person, and what is known of them. Undoing a merge
 * leaves both as they were, but for the question whether they are one: a
 * person has answered it, and nobody asks again. */
#include "err.h"
#include "evolve_internal.h"
#include "persons.h"

#define MAX_LISTED 64 /* suggestions and dismissals each remembers: the oldest is forgotten */

static int get(struct evolve *e, uint64_t customer_id, Kesu__V1__CustomerState **ret)
{
    int err = intake_person_get(e->r, customer_id, e->arena, ret);
    return err == E_NOT_FOUND ? E_CORRUPT : err;
}

static int add_id(struct evolve *e, uint64_t **list, size_t *n, uint64_t id)
{
    size_t from = *n >= MAX_LISTED ? *n - MAX_LISTED + 1 : 0;
    uint64_t *more = arena_alloc(e->arena, sizeof(*more) * (*n - from + 1));
    if (more == NULL) return E_NOMEM;
    if (*n > from) memcpy(more, *list + from, sizeof(*more) * (*n - from));
    more[*n - from] = id;
    *n = *n - from + 1;
    *list = more;
    return 0;
}

static void remove_id(uint64_t *list, size_t *n, uint64_t id)
{
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if (list[i] != id) list[kept++] = list[i];
    *n = kept;
}

static int add_contacts(struct evolve *e, Kesu__V1__CustomerState *s, const Kesu__V1__CustomerChanged *b)
{
    ProtobufCBinaryData *all =
        arena_alloc(e->arena, sizeof(*all) * (s->n_contact_hashes + b->n_contact_hashes));
    if (all == NULL) return E_NOMEM;
    if (s->n_contact_hashes > 0) memcpy(all, s->contact_hashes, sizeof(*all) * s->n_contact_hashes);
    memcpy(all + s->n_contact_hashes, b->contact_hashes, sizeof(*all) * b->n_contact_hashes);
    s->n_contact_hashes += b->n_contact_hashes;
    s->contact_hashes = all;
    intake_evolve_contacts(e, b->contact_hashes, b->n_contact_hashes, b->customer_id);
    return add_id(e, &s->contact_seqs, &s->n_contact_seqs, e->seq);
}

int intake_evolve_customer_changed(struct evolve *e)
{
    const Kesu__V1__CustomerChanged *b = e->event->customer_changed;
    Kesu__V1__CustomerState *s;
    int err = get(e, b->customer_id, &s);
    if (err == 0 && b->n_contact_hashes > 0) err = add_contacts(e, s, b);
    if (err != 0) return err;
    s->traits = b->after;
    intake_person_put(e->r, s);
    return 0;
}

static int suggest(struct evolve *e, uint64_t id, uint64_t other)
{
    Kesu__V1__CustomerState *s;
    int err = get(e, id, &s);
    if (err == 0) err = add_id(e, &s->suggested, &s->n_suggested, other);
    if (err == 0) intake_person_put(e->r, s);
    return err;
}

int intake_evolve_merge_suggested(struct evolve *e)
{
    const Kesu__V1__MergeSuggested *b = e->event->merge_suggested;
    int err = suggest(e, b->customer_id, b->other_id);
    return err != 0 ? err : suggest(e, b->other_id, b->customer_id);
}

static int answer(struct evolve *e, Kesu__V1__CustomerState *s, uint64_t other, bool one)
{
    remove_id(s->suggested, &s->n_suggested, other);
    remove_id(s->dismissed, &s->n_dismissed, other);
    return one ? 0 : add_id(e, &s->dismissed, &s->n_dismissed, other);
}

static int dismiss(struct evolve *e, uint64_t id, uint64_t other)
{
    Kesu__V1__CustomerState *s;
    int err = get(e, id, &s);
    if (err == 0) err = answer(e, s, other, false);
    if (err == 0) intake_person_put(e->r, s);
    return err;
}

int intake_evolve_merge_dismissed(struct evolve *e)
{
    const Kesu__V1__MergeDismissed *b = e->event->merge_dismissed;
    int err = dismiss(e, b->customer_id, b->other_id);
    return err != 0 ? err : dismiss(e, b->other_id, b->customer_id);
}

static int tie(struct evolve *e, uint64_t customer_id, uint64_t other_id, bool one)
{
    Kesu__V1__CustomerState *s, *other;
    int err = get(e, customer_id, &s);
    if (err == 0) err = get(e, other_id, &other);
    if (err == 0) err = answer(e, s, other_id, one);
    if (err == 0) err = answer(e, other, customer_id, one);
    if (err != 0) return err;
    if (one)
        err = add_id(e, &s->merged, &s->n_merged, other_id);
    else
        remove_id(s->merged, &s->n_merged, other_id);
    other->merged_into = one ? customer_id : 0;
    if (err != 0) return err;
    intake_person_put(e->r, s);
    intake_person_put(e->r, other);
    return 0;
}

int intake_evolve_customers_merged(struct evolve *e)
{
    const Kesu__V1__CustomersMerged *b = e->event->customers_merged;
    return tie(e, b->customer_id, b->other_id, true);
}

int intake_evolve_customers_unmerged(struct evolve *e)
{
    const Kesu__V1__CustomersUnmerged *b = e->event->customers_unmerged;
    return tie(e, b->customer_id, b->other_id, false);
}

/* ---- forgotten --------------------------------------------------------------- */

static void free_contacts(struct evolve *e, const ProtobufCBinaryData *hashes, size_t n, uint64_t customer_id)
{
    for (size_t i = 0; i < n && customer_id != 0; i++) {
        struct span key = span_of(hashes[i].data, hashes[i].len);
        uint64_t known;
        if (intake_register_get_u64(e->r, TABLE_CONTACTS, key, &known) && known == customer_id)
            intake_register_put_u64(e->r, TABLE_CONTACTS, key, 0);
    }
}

/* The next message by these contacts is of somebody unknown. Cases come newest first. */
static int erase_case(struct evolve *e, uint64_t case_id)
{
    Kesu__V1__CaseState *s;
    struct customer_row row;
    int err = intake_case_get(e->r, case_id, e->arena, &s);
    if (err != 0) return err;
    free_contacts(e, s->contact_hashes, s->n_contact_hashes, s->customer_id);
    s->n_contact_hashes = 0;
    s->contact_hashes = NULL;
    s->erased_seq = e->seq;
    intake_case_put(e->r, s);
    err = intake_evolve_silence(e, s);
    if (err != 0 || s->customer_id == 0) return err;
    if (!intake_customer_get(e->r, s->customer_id, &row)) return E_CORRUPT;
    row.last_case = s->previous_case;
    intake_customer_put(e->r, s->customer_id, &row);
    return 0;
}

/* What was known of them goes; whom they were one with stays, so that all of them can be found. */
static int erase_customer(struct evolve *e, uint64_t customer_id)
{
    struct customer_row row;
    Kesu__V1__CustomerState *s;
    if (!intake_customer_get(e->r, customer_id, &row)) return E_CORRUPT;
    row.erased_seq = e->seq;
    intake_customer_put(e->r, customer_id, &row);
    if (row.more == 0) return 0;
    int err = intake_person_get(e->r, customer_id, e->arena, &s);
    if (err != 0) return err;
    free_contacts(e, s->contact_hashes, s->n_contact_hashes, customer_id);
    s->n_contact_hashes = 0;
    s->n_contact_seqs = 0;
    s->n_suggested = 0;
    s->n_dismissed = 0;
    s->traits = NULL;
    intake_person_put(e->r, s);
    return 0;
}

int intake_evolve_customer_erased(struct evolve *e)
{
    const Kesu__V1__CustomerErased *b = e->event->customer_erased;
    int err = 0;
    for (size_t i = 0; i < b->n_case_ids && err == 0; i++) err = erase_case(e, b->case_ids[i]);
    if (err == 0 && b->customer_id != 0) err = erase_customer(e, b->customer_id);
    for (size_t i = 0; i < b->n_merged_ids && err == 0; i++) err = erase_customer(e, b->merged_ids[i]);
    return err;
}
