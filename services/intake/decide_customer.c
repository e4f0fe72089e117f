/* SPDX-License-Identifier: Apache-2.0 */
/* Customers: what is known of them, and which identities are one person.
 *
 *   two identities ──suggested──▶ a person decides ──merge──▶ other_id means customer_id ──unmerge──▶ two
 *                                     └──dismiss──▶ never suggested again
 *
 * Only the identity that names a person is merged into another that does. */
#include "decide_life.h"
#include "err.h"
#include "fields.h"
#include "hash.h"
#include "persons.h"

#define MAX_ADDED 64 /* contacts that came later */

static bool is_among(const uint64_t *list, size_t n, uint64_t id)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == id) return true;
    return false;
}

static int get(struct decide *d, const char *field, uint64_t id, Kesu__V1__CustomerState **ret)
{
    if (id == 0) return intake_decide_refuse(d, E_MISSING, intake_decide_field(d, field), NULL);
    int err = intake_person_get(d->view, id, d->ctx->arena, ret);
    if (err == E_NOMEM) return intake_decide_no_memory(d);
    if (err != 0)
        return intake_decide_refuse(d, E_UNKNOWN, intake_decide_field(d, field), "no such customer");
    return (*ret)->erased_seq == 0 ? 0
                                   : intake_decide_refuse(d, E_ERASED, intake_decide_field(d, field), NULL);
}

/* ---- what is known ------------------------------------------------------------ */

static int check_set(struct decide *d, const Kesu__V1__ChangeCustomer *c, bool *ret_contacts)
{
    DECIDE_TRY(intake_decide_needs(d, "set reason"));
    for (size_t i = 0; i < c->n_set; i++) {
        bool contacts = strcmp(c->set[i], "contacts") == 0;
        *ret_contacts = *ret_contacts || contacts;
        if (contacts || protobuf_c_message_descriptor_get_field_by_name(
                            &kesu__v1__customer_traits__descriptor, c->set[i]) != NULL)
            continue;
        return intake_decide_refuse(d, E_RANGE, intake_decide_field(d, "set"),
                                    "tier, vulnerable, caution, recording, surveys, language, contacts");
    }
    return 0;
}

static int check_contacts(struct decide *d, const Kesu__V1__ChangeCustomer *c)
{
    if (c->n_contacts == 0)
        return intake_decide_refuse(d, E_MISSING, intake_decide_field(d, "contacts"), NULL);
    for (size_t i = 0; i < c->n_contacts; i++) {
        const char *what = c->contacts[i]->kind == 0          ? "kind"
                           : c->contacts[i]->value[0] == '\0' ? "value"
                                                              : NULL;
        if (what == NULL) continue;
        char *field = arena_printf(d->ctx->arena, "change_customer.contacts[%zu].%s", i, what);
        return intake_decide_refuse(d, E_MISSING, field, NULL);
    }
    return 0;
}

/* What they are reached by is sealed as the profile is. */
static int add_contacts(struct decide *d, const Kesu__V1__CustomerState *s, Kesu__V1__CustomerChanged *body,
                        Kesu__V1__Personal **ret)
{
    const Kesu__V1__ChangeCustomer *c = d->command->change_customer;
    struct arena *arena = d->ctx->arena;
    DECIDE_TRY(check_contacts(d, c));
    if (s->n_contact_hashes + c->n_contacts > MAX_ADDED)
        return intake_decide_refuse(d, E_TOO_BIG, "change_customer.contacts", "64 were added already");
    if (s->profile_key == 0) return intake_decide_refuse(d, E_UNKNOWN, "change_customer.customer_id", NULL);
    Kesu__V1__Personal *p = intake_decide_new(d, &kesu__v1__personal__descriptor);
    body->profile = intake_decide_new(d, &kesu__v1__sealed__descriptor);
    body->contact_hashes = arena_alloc(arena, sizeof(*body->contact_hashes) * c->n_contacts);
    uint8_t *bytes = arena_alloc(arena, HASH_SHORT_BYTES * c->n_contacts);
    if (p == NULL || body->profile == NULL || body->contact_hashes == NULL || bytes == NULL)
        return intake_decide_no_memory(d);
    for (size_t i = 0; i < c->n_contacts; i++) {
        if (!intake_secrets_contact(d->ctx->secrets, c->contacts[i], bytes)) continue;
        body->contact_hashes[body->n_contact_hashes++] = (ProtobufCBinaryData){HASH_SHORT_BYTES, bytes};
        bytes += HASH_SHORT_BYTES;
    }
    p->n_contacts = c->n_contacts;
    p->contacts = c->contacts;
    *ret = p;
    return 0;
}

int intake_decide_change_customer(struct decide *d)
{
    const Kesu__V1__ChangeCustomer *c = d->command->change_customer;
    Kesu__V1__CustomerState *s;
    Kesu__V1__Personal *contacts = NULL;
    bool adds = false;
    DECIDE_TRY(get(d, "customer_id", c->customer_id, &s));
    DECIDE_TRY(check_set(d, c, &adds));
    Kesu__V1__CustomerChanged *body = intake_decide_new(d, &kesu__v1__customer_changed__descriptor);
    Kesu__V1__CustomerTraits *after = intake_decide_new(d, &kesu__v1__customer_traits__descriptor);
    if (body == NULL || after == NULL) return intake_decide_no_memory(d);
    if (s->traits != NULL) *after = *s->traits;
    for (size_t i = 0; i < c->n_set; i++) (void)intake_field_copy(&c->base, &after->base, c->set[i]);
    body->customer_id = c->customer_id;
    body->n_set = c->n_set;
    body->set = c->set;
    body->after = after;
    body->before = s->traits;
    body->reason = c->reason;
    if (adds) DECIDE_TRY(add_contacts(d, s, body, &contacts));
    struct decide_event *e = intake_decide_add(d, KESU__V1__EVENT__BODY_CUSTOMER_CHANGED, body);
    if (contacts != NULL) intake_decide_seal(e, contacts, body->profile, s->profile_key);
    return intake_decide_suggest(d, c->customer_id, body->contact_hashes, body->n_contact_hashes);
}

/* ---- one person? --------------------------------------------------------------- */

static int suggest(struct decide *d, uint64_t id, uint64_t other, const char *reason)
{
    Kesu__V1__MergeSuggested *body = intake_decide_new(d, &kesu__v1__merge_suggested__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->customer_id = id;
    body->other_id = other;
    body->reason = (char *)(uintptr_t)reason;
    intake_decide_add(d, KESU__V1__EVENT__BODY_MERGE_SUGGESTED, body);
    return 0;
}

/* Nobody has said anything of these two yet, and they are not one. */
static bool is_open_question(struct decide *d, uint64_t id, uint64_t other)
{
    Kesu__V1__CustomerState *s;
    struct arena *arena = d->ctx->arena;
    if (id == other || intake_person_root(d->view, id, arena) == intake_person_root(d->view, other, arena) ||
        intake_person_get(d->view, id, arena, &s) != 0)
        return false;
    return !is_among(s->suggested, s->n_suggested, other) && !is_among(s->dismissed, s->n_dismissed, other);
}

int intake_decide_suggest(struct decide *d, uint64_t customer_id, const ProtobufCBinaryData *contacts,
                          size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t known = 0;
        if (!intake_register_get_u64(d->view, TABLE_CONTACTS, span_of(contacts[i].data, contacts[i].len),
                                     &known) ||
            known == 0 || !is_open_question(d, customer_id, known))
            continue;
        return suggest(d, customer_id, known, "a contact of the one was given with one of the other");
    }
    return 0;
}

static int get_both(struct decide *d, uint64_t id, uint64_t other_id, Kesu__V1__CustomerState **ret,
                    Kesu__V1__CustomerState **ret_other)
{
    DECIDE_TRY(intake_decide_needs(d, "customer_id other_id reason"));
    DECIDE_TRY(get(d, "customer_id", id, ret));
    DECIDE_TRY(get(d, "other_id", other_id, ret_other));
    return id != other_id ? 0
                          : intake_decide_refuse(d, E_RANGE, intake_decide_field(d, "other_id"),
                                                 "another than customer_id");
}

static int add_copy(struct decide *d, Kesu__V1__Event__BodyCase type)
{
    void *body = intake_decide_copy(d, type);
    if (body == NULL) return intake_decide_no_memory(d);
    intake_decide_add(d, type, body);
    return 0;
}

int intake_decide_suggest_merge(struct decide *d)
{
    const Kesu__V1__SuggestMerge *c = d->command->suggest_merge;
    Kesu__V1__CustomerState *s, *other;
    DECIDE_TRY(get_both(d, c->customer_id, c->other_id, &s, &other));
    if (!is_open_question(d, c->customer_id, c->other_id))
        return intake_decide_refuse(d, E_EXISTS, "suggest_merge.other_id",
                                    "they are one, or this was suggested or dismissed before");
    return add_copy(d, KESU__V1__EVENT__BODY_MERGE_SUGGESTED);
}

int intake_decide_dismiss_merge(struct decide *d)
{
    const Kesu__V1__DismissMerge *c = d->command->dismiss_merge;
    Kesu__V1__CustomerState *s, *other;
    DECIDE_TRY(get_both(d, c->customer_id, c->other_id, &s, &other));
    if (!is_among(s->suggested, s->n_suggested, c->other_id))
        return intake_decide_refuse(d, E_UNKNOWN, "dismiss_merge.other_id", "nobody suggested this");
    return add_copy(d, KESU__V1__EVENT__BODY_MERGE_DISMISSED);
}

static int check_root(struct decide *d, const char *field, const Kesu__V1__CustomerState *s)
{
    if (s->merged_into == 0) return 0;
    const char *reason =
        arena_printf(d->ctx->arena, "it means customer %llu already", (unsigned long long)s->merged_into);
    return intake_decide_refuse(d, E_EXISTS, intake_decide_field(d, field), reason);
}

int intake_decide_merge_customers(struct decide *d)
{
    const Kesu__V1__MergeCustomers *c = d->command->merge_customers;
    Kesu__V1__CustomerState *s, *other, *all[PERSON_MAX];
    DECIDE_TRY(get_both(d, c->customer_id, c->other_id, &s, &other));
    DECIDE_TRY(check_root(d, "customer_id", s));
    DECIDE_TRY(check_root(d, "other_id", other));
    if (intake_person_all(d->view, c->customer_id, d->ctx->arena, all) +
            intake_person_all(d->view, c->other_id, d->ctx->arena, all) >
        PERSON_MAX)
        return intake_decide_refuse(d, E_TOO_BIG, "merge_customers.other_id",
                                    "a person has at most 32 identities");
    return add_copy(d, KESU__V1__EVENT__BODY_CUSTOMERS_MERGED);
}

int intake_decide_unmerge_customers(struct decide *d)
{
    const Kesu__V1__UnmergeCustomers *c = d->command->unmerge_customers;
    Kesu__V1__CustomerState *s, *other;
    DECIDE_TRY(get_both(d, c->customer_id, c->other_id, &s, &other));
    if (other->merged_into != c->customer_id)
        return intake_decide_refuse(d, E_UNKNOWN, "unmerge_customers.other_id",
                                    "it was not merged into this customer");
    return add_copy(d, KESU__V1__EVENT__BODY_CUSTOMERS_UNMERGED);
}
