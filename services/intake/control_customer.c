/* SPDX-License-Identifier: Apache-2.0 */
/* A person over all identities, with the cases that are not erased: whom staff
 * talk to, what an operator looks at before erasing, and the contacts by which
 * mails kept elsewhere are found.
 *
 * Whose a sensitive case is, only its readers know: it is left out, and of who
 * has no other, the contacts too. */
#include "control.h"

#include "cases.h"
#include "err.h"
#include "intake.h"
#include "persons.h"
#include "seal.h"
#include "veil.h"

#define MAX_CASES   1000
#define REPLY_BYTES ((size_t)900 << 10)

struct telling {
    struct intake *in;
    struct arena *arena;
    Kesu__V1__CustomerDetail *detail;
    size_t bytes, room;
};

static void add_contact(struct telling *t, const char *value)
{
    Kesu__V1__CustomerDetail *d = t->detail;
    for (size_t i = 0; i < d->n_contacts; i++)
        if (strcmp(d->contacts[i], value) == 0) return;
    if (t->bytes + strlen(value) > REPLY_BYTES) return;
    if (d->n_contacts == t->room) {
        size_t room = t->room * 2 + 16;
        char **grown = arena_alloc(t->arena, room * sizeof(char *));
        if (grown == NULL) return;
        if (d->n_contacts > 0) memcpy(grown, d->contacts, d->n_contacts * sizeof(char *));
        d->contacts = grown;
        t->room = room;
    }
    d->contacts[d->n_contacts++] = (char *)(uintptr_t)value;
    t->bytes += strlen(value) + 4;
}

static void add_contacts(struct telling *t, const Kesu__V1__Personal *p)
{
    for (size_t i = 0; p != NULL && i < p->n_contacts; i++) add_contact(t, p->contacts[i]->value);
}

/* Of the event that added the customer, or a contact of theirs, or opened a case. */
static void open_contacts(struct telling *t, uint64_t seq)
{
    Kesu__V1__Event *event;
    Kesu__V1__Personal *profile;
    Kesu__V1__CaseText *text;
    struct seal_key key;
    struct span bytes;
    int64_t time_us;
    if (!t->in->open || intake_read_event(t->in->journal, seq, t->arena, &event, &time_us, &bytes) != 0)
        return;
    const Kesu__V1__Sealed *sealed = seal_of_event(event);
    if (sealed == NULL || intake_keys_get(t->in->keys, sealed->key_id, &key) != 0) return;
    if ((event->body_case == KESU__V1__EVENT__BODY_CUSTOMER_ADDED ||
         event->body_case == KESU__V1__EVENT__BODY_CUSTOMER_CHANGED) &&
        seal_open_message(key.secret, sealed, &kesu__v1__personal__descriptor, t->arena, &profile) == 0)
        add_contacts(t, profile);
    if (event->body_case == KESU__V1__EVENT__BODY_CASE_OPENED &&
        seal_open_message(key.secret, sealed, &kesu__v1__case_text__descriptor, t->arena, &text) == 0)
        add_contacts(t, text->personal);
    memset(&key, 0, sizeof(key));
}

/* Newest first, of chains that each are: at[] names where each goes on, 0 at its end. */
static int add_cases(struct telling *t, uint64_t *at, unsigned n, bool personal)
{
    Kesu__V1__CustomerDetail *d = t->detail;
    d->cases = arena_alloc(t->arena, MAX_CASES * sizeof(*d->cases));
    if (d->cases == NULL) return E_NOMEM;
    while (d->n_cases < MAX_CASES && t->bytes < REPLY_BYTES) {
        Kesu__V1__CaseState *s;
        unsigned newest = 0;
        for (unsigned i = 1; i < n; i++)
            if (at[i] > at[newest]) newest = i;
        if (at[newest] == 0) return 0;
        int err = intake_case_get(&t->in->reg, at[newest], t->arena, &s);
        if (err != 0) return err;
        at[newest] = s->previous_case;
        if (intake_veil_is_on(s)) continue;
        t->bytes += codec_size(s) + 8;
        d->cases[d->n_cases++] = s;
        if (personal) open_contacts(t, s->case_id);
    }
    return 0;
}

/* Is all we know of them from cases that only named people read? */
static bool is_hidden(struct telling *t, const uint64_t *at, unsigned n)
{
    struct arena *arena = t->arena;
    bool hidden = false;
    for (unsigned i = 0; i < n; i++)
        for (uint64_t id = at[i]; id != 0;) {
            Kesu__V1__CaseState *s;
            if (intake_case_get(&t->in->reg, id, arena, &s) != 0) return true;
            if (!intake_veil_is_on(s)) return false;
            hidden = true;
            id = s->previous_case;
        }
    return hidden;
}

static int tell_person(struct telling *t, uint64_t customer_id, bool personal)
{
    Kesu__V1__CustomerDetail *d = t->detail;
    Kesu__V1__CustomerState **all = arena_alloc(t->arena, PERSON_MAX * sizeof(Kesu__V1__CustomerState *));
    Kesu__V1__CustomerTraits *traits = arena_alloc(t->arena, sizeof(*traits));
    uint64_t at[PERSON_MAX];
    if (all == NULL || traits == NULL) return E_NOMEM;
    unsigned n = intake_person_all(&t->in->reg, customer_id, t->arena, all);
    if (n == 0) return E_NOT_FOUND;
    d->customer_id = all[0]->customer_id;
    d->identities = all;
    d->n_identities = n;
    if (intake_person_traits(&t->in->reg, customer_id, t->arena, traits)) d->traits = traits;
    for (unsigned i = 0; i < n; i++) {
        if (all[i]->erased_seq != 0) d->erased_seq = all[i]->erased_seq;
        at[i] = all[i]->last_case;
    }
    personal = personal && !is_hidden(t, at, n);
    for (unsigned i = 0; i < n; i++) {
        if (personal) open_contacts(t, all[i]->customer_id);
        for (size_t k = 0; k < all[i]->n_contact_seqs && personal; k++)
            open_contacts(t, all[i]->contact_seqs[k]);
        all[i]->n_contact_hashes = 0; /* the register's own */
        all[i]->n_contact_seqs = 0;
        t->bytes += codec_size(all[i]) + 8;
    }
    return add_cases(t, at, n, personal);
}

/* Whose contact is this? */
static int find_contact(struct telling *t, const Kesu__V1__Contact *contact, uint64_t *ret_id)
{
    uint8_t hash[HASH_SHORT_BYTES];
    uint64_t id = 0;
    if (!intake_secrets_contact(&t->in->secrets, contact, hash) ||
        !intake_register_get_u64(&t->in->reg, TABLE_CONTACTS, span_of(hash, sizeof(hash)), &id) || id == 0)
        return E_NOT_FOUND;
    *ret_id = id;
    return 0;
}

static int tell(struct telling *t, const Kesu__V1__GetCustomer *get)
{
    uint64_t customer_id = get->customer_id;
    Kesu__V1__CaseState *s = NULL;
    int err = 0;
    if (get->contact != NULL) err = find_contact(t, get->contact, &customer_id);
    if (get->case_id != 0) err = intake_case_get(&t->in->reg, get->case_id, t->arena, &s);
    if (err != 0) return err;
    if (s != NULL && intake_veil_is_on(s)) return E_NOT_FOUND;
    if (s != NULL) customer_id = s->customer_id;
    if (s != NULL && customer_id == 0) {
        t->detail->erased_seq = s->erased_seq;
        return s->erased_seq == 0 ? add_cases(t, &s->case_id, 1, get->personal) : 0;
    }
    return tell_person(t, customer_id, get->personal);
}

void intake_control_customer(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct intake *in = self;
    Kesu__V1__CustomerDetail detail = KESU__V1__CUSTOMER_DETAIL__INIT;
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    struct telling t = {.in = in, .arena = &in->control.arena, .detail = &detail};
    arena_reset(t.arena);
    int err = tell(&t, request->get_customer);
    if (err != 0) {
        svc_refuse(in->svc, peer, request->id, err == E_NOT_FOUND ? E_UNKNOWN : E_TOO_BIG, "get_customer",
                   err == E_NOT_FOUND ? "no such customer or case" : err_text(err));
        return;
    }
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_CUSTOMER_DETAIL;
    reply.customer_detail = &detail;
    svc_answer(in->svc, peer, request->id, &reply);
}
