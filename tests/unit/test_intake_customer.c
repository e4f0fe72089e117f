/* SPDX-License-Identifier: Apache-2.0 */
/* One person over several identities: suggested, decided by a person, undone; what is known of them. */
#include "../../services/intake/persons.h"
#include "life_bodies.h"
#include "life_desk.h"
#include "unit.h"

#define EMAIL KESU__V1__CONTACT__KIND__KIND_EMAIL
#define PHONE KESU__V1__CONTACT__KIND__KIND_PHONE
#define CHAT  KESU__V1__CONTACT__KIND__KIND_CHAT
#define VIP   KESU__V1__TIER__TIER_VIP

static int open_office(void **state)
{
    int err = life_desk_open(state);
    life_bodies_policy(*state);
    life_as(*state, "ann");
    return err;
}

static Kesu__V1__Contact *contact(struct life_desk *d, Kesu__V1__Contact__Kind kind, const char *value)
{
    Kesu__V1__Contact *c = NEW(d, contact);
    c->kind = kind;
    c->value = life_text(value);
    return c;
}

/* By one contact, or by two of them. */
static Kesu__V1__ReceiveMessage *message(struct life_desk *d, Kesu__V1__Contact *a, Kesu__V1__Contact *b)
{
    Kesu__V1__ReceiveMessage *m = NEW(d, receive_message);
    m->channel = KESU__V1__CHANNEL__CHANNEL_WEB;
    m->received_at = d->ctx.block_time;
    m->personal = NEW(d, personal);
    m->personal->text = life_text("my parcel is wet");
    m->personal->contacts = arena_zalloc(&d->arena, sizeof(*m->personal->contacts) * 2);
    m->personal->contacts[m->personal->n_contacts++] = a;
    if (b != NULL) m->personal->contacts[m->personal->n_contacts++] = b;
    return m;
}

static uint64_t opens(struct life_desk *d, Kesu__V1__ReceiveMessage *m)
{
    DONE(d, RECEIVE_MESSAGE, m, RECEIVED);
    return d->out.accepted.case_id;
}

/* The identity of who writes by this contact. */
static uint64_t identity(struct life_desk *d, Kesu__V1__Contact__Kind kind, const char *value)
{
    return life_state(d, opens(d, message(d, contact(d, kind, value), NULL)))->customer_id;
}

static const Kesu__V1__CustomerState *person(struct life_desk *d, uint64_t id)
{
    Kesu__V1__CustomerState *s;
    assert_int_equal(intake_person_get(&d->view, id, &d->arena, &s), 0);
    return s;
}

static uint64_t root(struct life_desk *d, uint64_t id)
{
    return intake_person_root(&d->view, id, &d->arena);
}

static void decided(struct life_desk *d, Kesu__V1__Command__BodyCase type, void *body)
{
    if (life_decide(d, type, body) != 0)
        fail_msg("refused %d (%s: %s)", d->out.err, d->out.refused.field, d->out.refused.reason);
}
#define DECIDED(d, type, body) decided((d), KESU__V1__COMMAND__BODY_##type, (body))

static void *merge(struct life_desk *d, uint64_t id, uint64_t other)
{
    Kesu__V1__MergeCustomers *c = NEW(d, merge_customers);
    c->customer_id = id;
    c->other_id = other;
    c->reason = life_text("the same name and street");
    return c;
}

static void *unmerge(struct life_desk *d, uint64_t id, uint64_t other)
{
    Kesu__V1__UnmergeCustomers *c = NEW(d, unmerge_customers);
    c->customer_id = id;
    c->other_id = other;
    c->reason = life_text("a brother");
    return c;
}

static void *suggest(struct life_desk *d, uint64_t id, uint64_t other)
{
    Kesu__V1__SuggestMerge *c = NEW(d, suggest_merge);
    c->customer_id = id;
    c->other_id = other;
    c->reason = life_text("the same waybill");
    return c;
}

static void *dismiss(struct life_desk *d, uint64_t id, uint64_t other)
{
    Kesu__V1__DismissMerge *c = NEW(d, dismiss_merge);
    c->customer_id = id;
    c->other_id = other;
    c->reason = life_text("father and son");
    return c;
}

static Kesu__V1__ChangeCustomer *change(struct life_desk *d, uint64_t id, const char *a, const char *b)
{
    Kesu__V1__ChangeCustomer *c = NEW(d, change_customer);
    c->customer_id = id;
    c->set = arena_zalloc(&d->arena, sizeof(*c->set) * 2);
    c->set[c->n_set++] = life_text(a);
    if (b != NULL) c->set[c->n_set++] = life_text(b);
    c->reason = life_text("said so on the phone");
    return c;
}

/* ---- is it one person? ---------------------------------------------------------- */

static void contacts_of_two_in_one_message_suggest_that_they_are_one(void **state)
{
    struct life_desk *d = *state;
    uint64_t mail = identity(d, EMAIL, "wang@example.org"), phone = identity(d, PHONE, "0912345678");
    assert_int_not_equal(mail, phone);
    opens(d, message(d, contact(d, EMAIL, "Wang@example.org"), contact(d, PHONE, "0912-345-678")));
    assert_int_equal(d->out.n_events, 2);
    assert_int_equal(d->out.events[0].event.body_case, KESU__V1__EVENT__BODY_MERGE_SUGGESTED);
    assert_int_equal(life_event(d)->case_opened->customer_id, mail);
    assert_int_equal(person(d, mail)->suggested[0], phone);
    assert_int_equal(person(d, phone)->suggested[0], mail);
    assert_int_equal(root(d, phone), phone); /* nobody has decided it */
    opens(d, message(d, contact(d, EMAIL, "wang@example.org"), contact(d, PHONE, "0912345678")));
    assert_int_equal(d->out.n_events, 1); /* it is not asked twice */
}

static void a_suggestion_that_was_dismissed_is_not_made_again(void **state)
{
    struct life_desk *d = *state;
    uint64_t a = identity(d, EMAIL, "a@example.org"), b = identity(d, EMAIL, "b@example.org");
    REFUSED(d, DISMISS_MERGE, dismiss(d, a, b), E_UNKNOWN, "dismiss_merge.other_id");
    DECIDED(d, SUGGEST_MERGE, suggest(d, a, b));
    REFUSED(d, SUGGEST_MERGE, suggest(d, b, a), E_EXISTS, "suggest_merge.other_id");
    DECIDED(d, DISMISS_MERGE, dismiss(d, b, a));
    assert_int_equal(person(d, a)->n_suggested + person(d, b)->n_suggested, 0);
    REFUSED(d, SUGGEST_MERGE, suggest(d, a, b), E_EXISTS, "suggest_merge.other_id");
    opens(d, message(d, contact(d, EMAIL, "a@example.org"), contact(d, EMAIL, "b@example.org")));
    assert_int_equal(d->out.n_events, 1);
}

static void one_person_is_merged_and_undone(void **state)
{
    struct life_desk *d = *state;
    uint64_t a = identity(d, EMAIL, "a@example.org"), b = identity(d, PHONE, "0912345678");
    uint64_t c = identity(d, CHAT, "wx-77");
    Kesu__V1__CustomerState *all[PERSON_MAX];
    DECIDED(d, SUGGEST_MERGE, suggest(d, a, b));
    DECIDED(d, MERGE_CUSTOMERS, merge(d, a, b));
    assert_int_equal(person(d, a)->n_suggested + person(d, b)->n_suggested, 0);
    REFUSED(d, MERGE_CUSTOMERS, merge(d, c, b), E_EXISTS, "merge_customers.other_id");
    REFUSED(d, MERGE_CUSTOMERS, merge(d, b, c), E_EXISTS, "merge_customers.customer_id");
    DECIDED(d, MERGE_CUSTOMERS, merge(d, c, a));
    assert_int_equal(root(d, b), c);
    assert_int_equal(intake_person_all(&d->view, b, &d->arena, all), 3);
    assert_int_equal(all[0]->customer_id, c);
    REFUSED(d, SUGGEST_MERGE, suggest(d, b, c), E_EXISTS, "suggest_merge.other_id");
    REFUSED(d, UNMERGE_CUSTOMERS, unmerge(d, c, b), E_UNKNOWN, "unmerge_customers.other_id");
    DECIDED(d, UNMERGE_CUSTOMERS, unmerge(d, a, b)); /* from the middle */
    assert_int_equal(root(d, b), b);
    assert_int_equal(root(d, a), c);
    assert_int_equal(intake_person_all(&d->view, a, &d->arena, all), 2);
    assert_int_equal(intake_person_all(&d->view, b, &d->arena, all), 1);
    /* Who was wrong once is not asked the same again, but may change their mind. */
    opens(d, message(d, contact(d, PHONE, "0912345678"), contact(d, EMAIL, "a@example.org")));
    assert_int_equal(d->out.n_events, 1);
    DECIDED(d, MERGE_CUSTOMERS, merge(d, b, c));
    assert_int_equal(root(d, a), b);
}

static void nobody_is_merged_with_themselves_or_nobody(void **state)
{
    struct life_desk *d = *state;
    uint64_t a = identity(d, EMAIL, "a@example.org");
    REFUSED(d, MERGE_CUSTOMERS, merge(d, a, a), E_RANGE, "merge_customers.other_id");
    REFUSED(d, MERGE_CUSTOMERS, merge(d, a, 0), E_MISSING, "merge_customers.other_id");
    REFUSED(d, MERGE_CUSTOMERS, merge(d, a, 999999), E_UNKNOWN, "merge_customers.other_id");
    Kesu__V1__MergeCustomers *c = merge(d, a, a + 1);
    c->reason = life_text("");
    REFUSED(d, MERGE_CUSTOMERS, c, E_MISSING, "merge_customers.reason");
    life_as(d, NULL); /* a service suggests, it does not decide */
    REFUSED(d, MERGE_CUSTOMERS, merge(d, a, a), E_NOT_ALLOWED, "actor.kind");
    life_as(d, "aud"); /* reads all, changes nothing */
    REFUSED(d, MERGE_CUSTOMERS, merge(d, a, a), E_NOT_ALLOWED, "actor.name");
}

static void a_person_has_so_many_identities_and_no_more(void **state)
{
    struct life_desk *d = *state;
    uint64_t first = identity(d, EMAIL, "0@example.org"), id = 0;
    for (unsigned i = 1; i <= PERSON_MAX; i++) {
        id = identity(d, EMAIL, arena_printf(&d->arena, "%u@example.org", i));
        if (i < PERSON_MAX) DECIDED(d, MERGE_CUSTOMERS, merge(d, first, id));
    }
    REFUSED(d, MERGE_CUSTOMERS, merge(d, first, id), E_TOO_BIG, "merge_customers.other_id");
}

/* ---- what is known of them -------------------------------------------------------- */

static void what_changes_is_recorded_with_what_it_was(void **state)
{
    struct life_desk *d = *state;
    uint64_t a = identity(d, EMAIL, "a@example.org");
    Kesu__V1__ChangeCustomer *c = change(d, a, "tier", "caution");
    c->tier = VIP;
    c->caution = true;
    c->vulnerable = true; /* not named: stays as it is */
    DECIDED(d, CHANGE_CUSTOMER, c);
    const Kesu__V1__CustomerChanged *b = life_event(d)->customer_changed;
    assert_null(b->before);
    assert_int_equal(b->after->tier, VIP);
    assert_true(b->after->caution);
    assert_false(b->after->vulnerable);
    c = change(d, a, "caution", "recording");
    c->recording = KESU__V1__CONSENT__CONSENT_REFUSED;
    DECIDED(d, CHANGE_CUSTOMER, c);
    b = life_event(d)->customer_changed;
    assert_true(b->before->caution);
    assert_int_equal(b->before->recording, KESU__V1__CONSENT__CONSENT_UNSPECIFIED);
    assert_false(b->after->caution);
    assert_int_equal(b->after->tier, VIP);
    assert_int_equal(person(d, a)->traits->recording, KESU__V1__CONSENT__CONSENT_REFUSED);
    assert_string_equal(b->reason, "said so on the phone");
}

static void only_what_there_is_can_be_changed(void **state)
{
    struct life_desk *d = *state;
    uint64_t a = identity(d, EMAIL, "a@example.org");
    REFUSED(d, CHANGE_CUSTOMER, change(d, a, "colour", NULL), E_RANGE, "change_customer.set");
    REFUSED(d, CHANGE_CUSTOMER, change(d, 0, "tier", NULL), E_MISSING, "change_customer.customer_id");
    REFUSED(d, CHANGE_CUSTOMER, change(d, 9999, "tier", NULL), E_UNKNOWN, "change_customer.customer_id");
    REFUSED(d, CHANGE_CUSTOMER, change(d, a, "contacts", NULL), E_MISSING, "change_customer.contacts");
    Kesu__V1__ChangeCustomer *c = change(d, a, "tier", NULL);
    c->n_set = 0;
    REFUSED(d, CHANGE_CUSTOMER, c, E_MISSING, "change_customer.set");
    c = change(d, a, "tier", NULL);
    c->reason = life_text("");
    REFUSED(d, CHANGE_CUSTOMER, c, E_MISSING, "change_customer.reason");
}

static void a_case_of_a_vip_is_one_by_any_identity(void **state)
{
    struct life_desk *d = *state;
    uint64_t a = identity(d, EMAIL, "a@example.org"), b = identity(d, PHONE, "0912345678");
    Kesu__V1__ChangeCustomer *c = change(d, a, "tier", "language");
    c->tier = VIP;
    c->language = KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS;
    DECIDED(d, CHANGE_CUSTOMER, c);
    opens(d, message(d, contact(d, PHONE, "0912345678"), NULL));
    assert_int_equal(life_event(d)->case_opened->tier, KESU__V1__TIER__TIER_UNSPECIFIED);
    DECIDED(d, MERGE_CUSTOMERS, merge(d, a, b));
    uint64_t id = opens(d, message(d, contact(d, PHONE, "0912345678"), NULL));
    assert_int_equal(life_event(d)->case_opened->tier, VIP);
    assert_int_equal(life_event(d)->case_opened->customer_id, b); /* so that it can be undone */
    assert_int_equal(life_state(d, id)->language, KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS);
    DECIDED(d, UNMERGE_CUSTOMERS, unmerge(d, a, b));
    opens(d, message(d, contact(d, PHONE, "0912345678"), NULL));
    assert_int_equal(life_event(d)->case_opened->tier, KESU__V1__TIER__TIER_UNSPECIFIED);
}

static void a_refusal_outweighs_a_consent_and_a_flag_its_absence(void **state)
{
    struct life_desk *d = *state;
    uint64_t a = identity(d, EMAIL, "a@example.org"), b = identity(d, PHONE, "0912345678");
    Kesu__V1__CustomerTraits traits;
    Kesu__V1__ChangeCustomer *c = change(d, a, "surveys", "vulnerable");
    c->surveys = KESU__V1__CONSENT__CONSENT_GIVEN;
    c->vulnerable = true;
    DECIDED(d, CHANGE_CUSTOMER, c);
    c = change(d, b, "surveys", NULL);
    c->surveys = KESU__V1__CONSENT__CONSENT_REFUSED;
    DECIDED(d, CHANGE_CUSTOMER, c);
    DECIDED(d, MERGE_CUSTOMERS, merge(d, b, a));
    for (unsigned i = 0; i < 2; i++) {
        assert_true(intake_person_traits(&d->view, i == 0 ? a : b, &d->arena, &traits));
        assert_int_equal(traits.surveys, KESU__V1__CONSENT__CONSENT_REFUSED);
        assert_true(traits.vulnerable);
    }
}

static void who_refused_surveys_is_not_asked_how_it_was(void **state)
{
    struct life_desk *d = *state;
    uint64_t a = identity(d, EMAIL, "a@example.org");
    Kesu__V1__ChangeCustomer *c = change(d, a, "surveys", NULL);
    Kesu__V1__CloseCase *close = NEW(d, close_case);
    close->cause = life_text("method");
    for (unsigned i = 0; i < 2; i++) {
        close->case_id = life_case(d, KESU__V1__STAGE__STAGE_FEEDBACK);
        Kesu__V1__CaseState *s = life_state(d, close->case_id);
        s->customer_id = a;
        life_put(d, s);
        DECIDED(d, CLOSE_CASE, close);
        assert_int_equal(life_event(d)->case_closed->no_survey, i == 1);
        c->surveys = KESU__V1__CONSENT__CONSENT_REFUSED;
        DECIDED(d, CHANGE_CUSTOMER, c);
    }
}

/* ---- further contacts -------------------------------------------------------------- */

static void who_writes_by_a_contact_that_was_added_is_the_same_person(void **state)
{
    struct life_desk *d = *state;
    uint64_t a = identity(d, EMAIL, "a@example.org"), other = identity(d, PHONE, "0911111111");
    Kesu__V1__ChangeCustomer *c = change(d, a, "contacts", NULL);
    Kesu__V1__Contact *list[] = {contact(d, CHAT, "line-5"), contact(d, PHONE, "0911111111")};
    c->contacts = list;
    c->n_contacts = 2;
    DECIDED(d, CHANGE_CUSTOMER, c);
    assert_int_equal(d->out.n_events, 2); /* one of them is another's: may they be one? */
    assert_int_equal(life_event(d)->merge_suggested->other_id, other);
    const struct decide_event *e = &d->out.events[0];
    assert_int_equal(e->event.customer_changed->n_contact_hashes, 2);
    assert_int_equal(e->key_id, person(d, a)->profile_key); /* sealed as the profile is */
    assert_int_equal(person(d, a)->n_contact_seqs, 1);
    assert_int_equal(identity(d, CHAT, "line-5"), a);
    assert_int_equal(identity(d, PHONE, "0911111111"), other);
}

static void contacts_are_whole_and_not_without_end(void **state)
{
    struct life_desk *d = *state;
    uint64_t a = identity(d, EMAIL, "a@example.org");
    Kesu__V1__ChangeCustomer *c = change(d, a, "contacts", NULL);
    Kesu__V1__Contact *list[16];
    c->contacts = list;
    c->n_contacts = 1;
    list[0] = contact(d, EMAIL, "");
    REFUSED(d, CHANGE_CUSTOMER, c, E_MISSING, "change_customer.contacts[0].value");
    for (unsigned i = 0; i < 64; i++) {
        list[i % 16] = contact(d, PHONE, arena_printf(&d->arena, "09%08u", i));
        c->n_contacts = 16;
        if (i % 16 == 15) DECIDED(d, CHANGE_CUSTOMER, c);
    }
    c->n_contacts = 1;
    REFUSED(d, CHANGE_CUSTOMER, c, E_TOO_BIG, "change_customer.contacts");
}

/* ---- forgotten ---------------------------------------------------------------------- */

static void who_is_forgotten_is_forgotten_by_all_identities(void **state)
{
    struct life_desk *d = *state;
    uint64_t a = identity(d, EMAIL, "a@example.org"), b = identity(d, PHONE, "0912345678");
    uint64_t c = identity(d, CHAT, "wx-77");
    Kesu__V1__ChangeCustomer *more = change(d, b, "contacts", NULL);
    Kesu__V1__Contact *list[] = {contact(d, CHAT, "line-5")};
    more->contacts = list;
    more->n_contacts = 1;
    DECIDED(d, CHANGE_CUSTOMER, more);
    DECIDED(d, MERGE_CUSTOMERS, merge(d, a, b));
    Kesu__V1__EraseCustomer *erase = NEW(d, erase_customer);
    erase->customer_id = b;
    erase->reason = life_text("asked for it");
    d->actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR;
    DECIDED(d, ERASE_CUSTOMER, erase);
    const Kesu__V1__CustomerErased *e = life_event(d)->customer_erased;
    assert_int_equal(e->customer_id, b);
    assert_int_equal(e->n_merged_ids, 1);
    assert_int_equal(e->merged_ids[0], a);
    assert_int_equal(e->n_case_ids, 2);
    assert_int_equal(e->n_key_ids, 4); /* two profiles, two cases */
    assert_true(person(d, a)->erased_seq != 0 && person(d, b)->erased_seq != 0);
    assert_int_equal(person(d, c)->erased_seq, 0);
    DECIDED(d, ERASE_CUSTOMER, erase);
    assert_int_equal(d->out.n_events, 0);
    life_as(d, "ann");
    REFUSED(d, UNMERGE_CUSTOMERS, unmerge(d, a, b), E_ERASED, "unmerge_customers.customer_id");
    REFUSED(d, MERGE_CUSTOMERS, merge(d, c, b), E_ERASED, "merge_customers.other_id");
    assert_int_not_equal(identity(d, CHAT, "line-5"), b); /* a stranger from now on */
    assert_int_not_equal(identity(d, EMAIL, "a@example.org"), a);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_office, life_desk_close)

UNIT_MAIN(TEST(contacts_of_two_in_one_message_suggest_that_they_are_one),
          TEST(a_suggestion_that_was_dismissed_is_not_made_again), TEST(one_person_is_merged_and_undone),
          TEST(nobody_is_merged_with_themselves_or_nobody), TEST(a_person_has_so_many_identities_and_no_more),
          TEST(what_changes_is_recorded_with_what_it_was), TEST(only_what_there_is_can_be_changed),
          TEST(a_case_of_a_vip_is_one_by_any_identity),
          TEST(a_refusal_outweighs_a_consent_and_a_flag_its_absence),
          TEST(who_refused_surveys_is_not_asked_how_it_was),
          TEST(who_writes_by_a_contact_that_was_added_is_the_same_person),
          TEST(contacts_are_whole_and_not_without_end), TEST(who_is_forgotten_is_forgotten_by_all_identities))
