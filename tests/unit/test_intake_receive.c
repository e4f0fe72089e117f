/* SPDX-License-Identifier: Apache-2.0 */
/* Messages from outside: which open a case, which join one, which are known. */
#include "clock.h"
#include "err.h"
#include "intake_rig.h"
#include "unit.h"

static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

static void set_threads(struct rig *r, Kesu__V1__Command *c, const char *a, const char *b)
{
    c->receive_message->thread_keys = arena_alloc(&r->arena, 2 * sizeof(char *));
    c->receive_message->thread_keys[0] = text(a);
    c->receive_message->thread_keys[1] = text(b);
    c->receive_message->n_thread_keys = b != NULL ? 2 : 1;
}

static const Kesu__V1__Accepted *first_case(struct rig *r)
{
    Kesu__V1__Command *c = rig_message(r, "my parcel is wet", "Wang@Example.org");
    c->receive_message->own_thread_key = text("<1@example.org>");
    return rig_accepted(r, RIG_NEW, c);
}

static void a_reply_joins_by_thread(void **state)
{
    struct rig *r = *state;
    const Kesu__V1__Accepted *first = first_case(r);
    Kesu__V1__Command *c = rig_message(r, "any news?", "wang@example.org ");
    set_threads(r, c, "<unknown@example.org>", "<1@example.org>");
    c->receive_message->own_thread_key = text("<2@example.org>");
    const Kesu__V1__Accepted *a = rig_accepted(r, RIG_NEW, c);
    assert_true(a->joined);
    assert_int_equal(a->case_id, first->case_id);
    assert_string_equal(a->number, first->number);
    assert_int_equal(rig_case(r, first->case_id)->messages, 2);
    /* And a reply to that one, after a restart. */
    rig_restart(r);
    c = rig_message(r, "still nothing", "wang@example.org");
    set_threads(r, c, "<2@example.org>", NULL);
    assert_int_equal(rig_accepted(r, RIG_NEW, c)->case_id, first->case_id);
}

static Kesu__V1__Personal *somebody(struct rig *r, const char *email)
{
    Kesu__V1__Personal *p = arena_alloc(&r->arena, sizeof(*p));
    Kesu__V1__Contact *k = arena_alloc(&r->arena, sizeof(*k));
    kesu__v1__personal__init(p);
    kesu__v1__contact__init(k);
    k->kind = KESU__V1__CONTACT__KIND__KIND_EMAIL;
    k->value = text(email);
    p->contacts = arena_alloc(&r->arena, sizeof(*p->contacts));
    p->contacts[p->n_contacts++] = k;
    return p;
}

static void who_speaks_for_the_customer_joins_and_is_somebody_else(void **state)
{
    struct rig *r = *state;
    Kesu__V1__Command *c = rig_message(r, "my mother's parcel is wet", "wang@example.org");
    c->receive_message->own_thread_key = text("<1@example.org>");
    c->receive_message->representative = somebody(r, "lawyer@example.org");
    c->receive_message->affected = somebody(r, "mother@example.org");
    uint64_t first = rig_accepted(r, RIG_NEW, c)->case_id;
    assert_int_equal(rig_case(r, first)->n_contact_hashes, 3);
    c = rig_message(r, "on behalf of Wang", "lawyer@example.org");
    set_threads(r, c, "<1@example.org>", NULL);
    assert_int_equal(rig_accepted(r, RIG_NEW, c)->case_id, first);
    rig_restart(r);
    c = rig_message(r, "it was mine", "mother@example.org");
    set_threads(r, c, "<1@example.org>", NULL);
    assert_int_equal(rig_accepted(r, RIG_NEW, c)->case_id, first);
    uint64_t own = rig_accepted(r, RIG_NEW, rig_message(r, "my own trouble", "lawyer@example.org"))->case_id;
    assert_int_not_equal(rig_case(r, own)->customer_id, rig_case(r, first)->customer_id);
}

static void people_in_a_message_are_whole_and_bring_no_files(void **state)
{
    struct rig *r = *state;
    Kesu__V1__Command *c = rig_message(r, "wet", "wang@example.org");
    c->receive_message->representative = somebody(r, "");
    assert_string_equal(rig_refused(r, RIG_NEW, c)->field,
                        "receive_message.representative.contacts[0].value");
    c = rig_message(r, "wet", "wang@example.org");
    c->receive_message->affected = somebody(r, "mother@example.org");
    Kesu__V1__Attachment *file = arena_alloc(&r->arena, sizeof(*file));
    uint8_t *blob = arena_zalloc(&r->arena, 32);
    kesu__v1__attachment__init(file);
    file->blob = (ProtobufCBinaryData){32, blob};
    c->receive_message->affected->attachments = &file;
    c->receive_message->affected->n_attachments = 1;
    assert_string_equal(rig_refused(r, RIG_NEW, c)->field, "receive_message.affected.attachments");
}

static void a_reply_joins_by_its_tag(void **state)
{
    struct rig *r = *state;
    const Kesu__V1__Accepted *first = first_case(r);
    char *tag = arena_strdup(&r->arena, rig_case(r, first->case_id)->reply_tag);
    Kesu__V1__Command *c = rig_message(r, "any news?", "wang@example.org");
    c->receive_message->reply_tag = tag;
    assert_true(rig_accepted(r, RIG_NEW, c)->joined);
    /* In capitals, as some mail programs make it. */
    for (char *p = tag; *p != '\0'; p++)
        if (*p >= 'a' && *p <= 'z') *p = (char)(*p - 'a' + 'A');
    c = rig_message(r, "any news?", "wang@example.org");
    c->receive_message->reply_tag = tag;
    assert_true(rig_accepted(r, RIG_NEW, c)->joined);
    /* A MAC that is not ours names nothing. */
    tag[strlen(tag) - 1] = tag[strlen(tag) - 1] == 'A' ? 'B' : 'A';
    c = rig_message(r, "any news?", "wang@example.org");
    c->receive_message->reply_tag = tag;
    const Kesu__V1__Accepted *a = rig_accepted(r, RIG_NEW, c);
    assert_false(a->joined);
    assert_int_equal(rig_case(r, a->case_id)->suspected_case, 0);
}

static void a_reply_may_say_which_version_it_answers(void **state)
{
    struct rig *r = *state;
    const Kesu__V1__Accepted *first = first_case(r);
    for (uint64_t version = 0; version < 2; version++) {
        Kesu__V1__Command *c = rig_message(r, "any news?", "wang@example.org");
        set_threads(r, c, "<1@example.org>", NULL);
        c->expected_case = KESU__V1__COMMAND__EXPECTED_EXPECTED_VERSION;
        c->expected_version = version;
        if (version == 1) {
            assert_true(rig_accepted(r, RIG_NEW, c)->joined);
            continue;
        }
        const Kesu__V1__Refused *refused = rig_refused(r, RIG_NEW, c);
        assert_int_equal(refused->code, -E_STALE);
        assert_string_equal(refused->field, "expected_version");
        assert_int_equal(refused->version, 1);
    }
    assert_int_equal(rig_case(r, first->case_id)->messages, 2);
}

static void an_unknown_sender_never_joins_silently(void **state)
{
    struct rig *r = *state;
    const Kesu__V1__Accepted *first = first_case(r);
    char *tag = rig_case(r, first->case_id)->reply_tag;
    for (unsigned i = 0; i < 3; i++) {
        Kesu__V1__Command *c = rig_message(r, "tell me all", i == 2 ? NULL : "thief@example.net");
        if (i == 0)
            set_threads(r, c, "<1@example.org>", NULL);
        else
            c->receive_message->reply_tag = tag;
        const Kesu__V1__Accepted *a = rig_accepted(r, RIG_NEW, c);
        assert_false(a->joined);
        assert_int_not_equal(a->case_id, first->case_id);
        assert_int_equal(rig_case(r, a->case_id)->suspected_case, first->case_id);
    }
    assert_int_equal(rig_case(r, first->case_id)->messages, 1);
}

static void a_bounce_joins_or_is_refused(void **state)
{
    struct rig *r = *state;
    const Kesu__V1__Accepted *first = first_case(r);
    Kesu__V1__Command *c = rig_message(r, "undeliverable", "mailer-daemon@example.net");
    c->receive_message->join_only = c->receive_message->automatic = true;
    set_threads(r, c, "<1@example.org>", NULL);
    assert_int_equal(rig_accepted(r, RIG_NEW, c)->case_id, first->case_id);
    c = rig_message(r, "undeliverable", "mailer-daemon@example.net");
    c->receive_message->join_only = true;
    set_threads(r, c, "<other@example.org>", NULL);
    const Kesu__V1__Refused *refused = rig_refused(r, RIG_NEW, c);
    assert_int_equal(refused->code, KESU__V1__ERROR_CODE__E_UNKNOWN);
    assert_string_equal(refused->field, "receive_message.thread_keys");
}

static void set_external(struct rig *r, Kesu__V1__Command *c, const char *mailbox, uint8_t fill)
{
    c->receive_message->external = arena_alloc(&r->arena, sizeof(Kesu__V1__ExternalRef));
    kesu__v1__external_ref__init(c->receive_message->external);
    uint8_t *hash = arena_alloc(&r->arena, 32);
    memset(hash, fill, 32);
    c->receive_message->external->mailbox = text(mailbox);
    c->receive_message->external->hash = (ProtobufCBinaryData){32, hash};
}

static void a_channel_s_own_identity_is_taken_once(void **state)
{
    struct rig *r = *state;
    uint64_t ids[3];
    for (unsigned i = 0; i < 3; i++) {
        static const char *const boxes[] = {"a@kesu", "b@kesu", "a@kesu"};
        Kesu__V1__Command *c = rig_message(r, "wet", "wang@example.org");
        set_external(r, c, boxes[i], 9);
        const Kesu__V1__Accepted *a = rig_accepted(r, RIG_NEW, c);
        ids[i] = a->case_id;
        assert_int_equal(a->duplicate, i == 2);
        if (i == 1) rig_restart(r);
    }
    assert_int_not_equal(ids[0], ids[1]);
    assert_int_equal(ids[0], ids[2]);
}

static void the_same_person_is_one_customer(void **state)
{
    struct rig *r = *state;
    uint64_t a = rig_accepted(r, RIG_NEW, rig_message(r, "x", "wang@example.org"))->case_id;
    uint64_t b = rig_accepted(r, RIG_NEW, rig_message(r, "y", " WANG@example.org"))->case_id;
    uint64_t c = rig_accepted(r, RIG_NEW, rig_message(r, "z", "li@example.org"))->case_id;
    uint64_t d = rig_accepted(r, RIG_NEW, rig_message(r, "z", NULL))->case_id;
    assert_int_equal(rig_case(r, a)->customer_id, rig_case(r, b)->customer_id);
    assert_int_not_equal(rig_case(r, a)->customer_id, rig_case(r, c)->customer_id);
    assert_int_equal(rig_case(r, d)->customer_id, 0);
    assert_int_not_equal(rig_case(r, a)->key_id, rig_case(r, b)->key_id);
}

static void what_is_missing_or_out_of_range_is_named(void **state)
{
    struct rig *r = *state;
    for (unsigned i = 0; i < 10; i++) {
        Kesu__V1__Command *c = rig_message(r, "x", "wang@example.org");
        Kesu__V1__ReceiveMessage *m = c->receive_message;
        const char *field = "";
        int err = E_MISSING;
        switch (i) {
        case 0:
            m->channel = KESU__V1__CHANNEL__CHANNEL_UNSPECIFIED;
            field = "receive_message.channel";
            break;
        case 1:
            m->personal = NULL;
            field = "receive_message.personal";
            break;
        case 2:
            m->personal->text = text("");
            field = "receive_message.personal.text";
            break;
        case 3:
            m->personal->contacts[0]->kind = KESU__V1__CONTACT__KIND__KIND_UNSPECIFIED;
            field = "receive_message.personal.contacts[0].kind";
            break;
        case 4:
            m->received_at = 0;
            field = "receive_message.received_at";
            break;
        case 5:
            m->received_at += 6 * USEC_PER_MIN;
            field = "receive_message.received_at";
            err = E_RANGE;
            break;
        case 6:
            m->received_at -= 31 * USEC_PER_DAY;
            field = "receive_message.received_at";
            err = E_RANGE;
            break;
        case 7:
            m->occurred_at = m->received_at + USEC_PER_HOUR;
            field = "receive_message.occurred_at";
            err = E_RANGE;
            break;
        case 8:
            set_external(r, c, "a", 1);
            m->external->hash.len = 0;
            field = "receive_message.external.hash";
            break;
        default:
            m->channel = (Kesu__V1__Channel)99;
            field = "receive_message.channel";
            err = E_ENUM;
        }
        const Kesu__V1__Refused *refused = rig_refused(r, RIG_NEW, c);
        assert_int_equal(refused->code, -err);
        assert_string_equal(refused->field, field);
        assert_int_equal(refused->disposition, KESU__V1__DISPOSITION__DISPOSITION_FINAL);
    }
}

static void received_and_recorded_times_are_both_kept(void **state)
{
    struct rig *r = *state;
    Kesu__V1__Command *c = rig_message(r, "x", "wang@example.org");
    c->receive_message->received_at -= USEC_PER_HOUR;
    Kesu__V1__CaseState *s = rig_case(r, rig_accepted(r, RIG_NEW, c)->case_id);
    assert_int_equal(s->received_at, c->receive_message->received_at);
    assert_true(s->opened_at >= s->received_at + USEC_PER_HOUR);
    assert_int_equal(s->clocks[0]->started_at, s->received_at);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

UNIT_MAIN(TEST(who_speaks_for_the_customer_joins_and_is_somebody_else),
          TEST(people_in_a_message_are_whole_and_bring_no_files), TEST(a_reply_joins_by_thread),
          TEST(a_reply_joins_by_its_tag), TEST(a_reply_may_say_which_version_it_answers),
          TEST(an_unknown_sender_never_joins_silently), TEST(a_bounce_joins_or_is_refused),
          TEST(a_channel_s_own_identity_is_taken_once), TEST(the_same_person_is_one_customer),
          TEST(what_is_missing_or_out_of_range_is_named), TEST(received_and_recorded_times_are_both_kept))
