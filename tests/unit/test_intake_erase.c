/* SPDX-License-Identifier: Apache-2.0 */
/* A person is forgotten: keys and evidence go, the office goes on. */
#include "blob.h"
#include "clock.h"
#include "err.h"
#include "files.h"
#include "intake_rig.h"
#include "unit.h"

static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

static Kesu__V1__Command *erase(struct rig *r, uint64_t customer_id, uint64_t case_id)
{
    Kesu__V1__Command *c = RIG_NEW_COMMAND(r, OPERATOR, "root", ERASE_CUSTOMER, erase_customer);
    c->erase_customer->customer_id = customer_id;
    c->erase_customer->case_id = case_id;
    c->erase_customer->reason = text("asked for it");
    return c;
}

static struct seal_key key_of(struct rig *r, uint64_t case_id)
{
    struct seal_key key;
    assert_int_equal(intake_keys_get(rig_intake(r)->keys, rig_case(r, case_id)->key_id, &key), 0);
    return key;
}

static bool is_on_disk(struct rig *r, const struct seal_key *key)
{
    struct span bytes;
    assert_int_equal(files_read_all(r->client_env, svc_path(r->svc, "intake/keys/slots"), 64 << 20, &bytes),
                     0);
    bool found = memmem(bytes.p, bytes.n, key->secret, sizeof(key->secret)) != NULL;
    mem_free(&r->client_env->mem, (void *)(uintptr_t)bytes.p);
    return found;
}

static void all_keys_of_a_person_go_and_no_others(void **state)
{
    struct rig *r = *state;
    uint64_t first = rig_accepted(r, RIG_NEW, rig_message(r, "wet", "wang@example.org"))->case_id;
    uint64_t other = rig_accepted(r, RIG_NEW, rig_message(r, "wet too", "li@example.org"))->case_id;
    uint64_t second = rig_accepted(r, RIG_NEW, rig_message(r, "and broken", "wang@example.org"))->case_id;
    struct seal_key gone[2] = {key_of(r, first), key_of(r, second)}, kept = key_of(r, other), key;
    uint64_t customer = rig_case(r, first)->customer_id;
    assert_true(is_on_disk(r, &gone[0]) && is_on_disk(r, &gone[1]));
    assert_true(rig_accepted(r, RIG_PEOPLE, erase(r, 0, first))->seq > second);
    assert_false(is_on_disk(r, &gone[0]));
    assert_false(is_on_disk(r, &gone[1]));
    assert_true(is_on_disk(r, &kept));
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(intake_keys_get(rig_intake(r)->keys, gone[i].id, &key), E_ERASED);
        rig_restart(r);
    }
    assert_true(rig_case(r, first)->erased_seq != 0 && rig_case(r, second)->erased_seq != 0);
    assert_int_equal(rig_case(r, other)->erased_seq, 0);
    /* Again, by the other name: nothing is left. */
    assert_int_equal(rig_accepted(r, RIG_PEOPLE, erase(r, customer, 0))->seq, 0);
    assert_int_equal(rig_accepted(r, RIG_PEOPLE, erase(r, 0, second))->seq, 0);
    uint64_t again = rig_accepted(r, RIG_NEW, rig_message(r, "I am new here", "wang@example.org"))->case_id;
    assert_int_not_equal(rig_case(r, again)->customer_id, customer);
    assert_int_equal(rig_case(r, again)->erased_seq, 0);
    key_of(r, again);
}

static void a_case_without_a_customer_stands_alone(void **state)
{
    struct rig *r = *state;
    uint64_t one = rig_accepted(r, RIG_NEW, rig_message(r, "nobody's", NULL))->case_id;
    uint64_t two = rig_accepted(r, RIG_NEW, rig_message(r, "nobody's either", NULL))->case_id;
    struct seal_key key = key_of(r, one);
    assert_int_equal(rig_case(r, one)->customer_id, 0);
    rig_accepted(r, RIG_PEOPLE, erase(r, 0, one));
    assert_false(is_on_disk(r, &key));
    key_of(r, two);
    assert_int_equal(rig_case(r, two)->erased_seq, 0);
}

static void an_erased_case_comes_to_an_end_without_a_word(void **state)
{
    struct rig *r = *state;
    uint64_t id = rig_accepted(r, RIG_NEW, rig_message(r, "wet", "wang@example.org"))->case_id;
    rig_accepted(r, RIG_PEOPLE, erase(r, 0, id));
    Kesu__V1__Command *c = RIG_NEW_COMMAND(r, OPERATOR, "root", CLASSIFY_CASE, classify_case);
    Kesu__V1__Judgement *j = arena_alloc(&r->arena, sizeof(*j));
    kesu__v1__judgement__init(j);
    j->category = text("other");
    j->department = text("service");
    j->severity = KESU__V1__SEVERITY__SEVERITY_S3;
    c->classify_case->case_id = id;
    c->classify_case->judgement = j;
    rig_accepted(r, RIG_PEOPLE, c);
    c = RIG_NEW_COMMAND(r, OPERATOR, "root", ASSIGN_CASE, assign_case);
    c->assign_case->case_id = id;
    c->assign_case->agent = text("ben");
    rig_accepted(r, RIG_PEOPLE, c);
    c = RIG_NEW_COMMAND(r, OPERATOR, "root", ADD_NOTE, add_note);
    c->add_note->case_id = id;
    c->add_note->text = text("she said");
    assert_int_equal(rig_refused(r, RIG_PEOPLE, c)->code, -E_ERASED);
    for (unsigned i = 0; i < 2; i++) {
        c = RIG_NEW_COMMAND(r, OPERATOR, "root", RESOLVE_CASE, resolve_case);
        c->resolve_case->case_id = id;
        if (i == 0) {
            c->resolve_case->summary = text("paid");
            assert_int_equal(rig_refused(r, RIG_PEOPLE, c)->code, -E_ERASED);
        } else {
            rig_accepted(r, RIG_PEOPLE, c);
        }
    }
    c = RIG_NEW_COMMAND(r, OPERATOR, "root", CLOSE_CASE, close_case);
    c->close_case->case_id = id;
    c->close_case->cause = text("method");
    rig_accepted(r, RIG_PEOPLE, c);
    rig_restart(r);
    assert_int_equal(rig_case(r, id)->stage, KESU__V1__STAGE__STAGE_CLOSED);
}

static void who_names_an_erased_case_names_nothing(void **state)
{
    struct rig *r = *state;
    Kesu__V1__Command *c = rig_message(r, "wet", "wang@example.org");
    c->receive_message->own_thread_key = text("<1@example.org>");
    uint64_t id = rig_accepted(r, RIG_NEW, c)->case_id;
    char *tag = rig_case(r, id)->reply_tag;
    rig_accepted(r, RIG_PEOPLE, erase(r, 0, id));
    c = rig_message(r, "any news?", "wang@example.org");
    c->receive_message->reply_tag = tag;
    const Kesu__V1__Accepted *a = rig_accepted(r, RIG_NEW, c);
    assert_false(a->joined);
    assert_int_not_equal(a->case_id, id);
    assert_int_equal(rig_case(r, a->case_id)->suspected_case, 0);
    c = rig_message(r, "undeliverable: wang@example.org", "mailer-daemon@example.net");
    c->receive_message->join_only = true;
    c->receive_message->reply_tag = tag;
    assert_int_equal(rig_accepted(r, RIG_NEW, c)->seq, 0);
    assert_int_equal(rig_case(r, id)->messages, 1);
}

static Kesu__V1__Command *with_attachment(struct rig *r, Kesu__V1__Command *c, const uint8_t name[HASH_BYTES])
{
    Kesu__V1__Attachment *a = arena_alloc(&r->arena, sizeof(*a)),
                         **list = arena_alloc(&r->arena, sizeof(void *));
    kesu__v1__attachment__init(a);
    a->blob = (ProtobufCBinaryData){HASH_BYTES, (uint8_t *)(uintptr_t)name};
    list[0] = a;
    c->receive_message->personal->n_attachments = 1;
    c->receive_message->personal->attachments = list;
    return c;
}

static bool has_blob(struct rig *r, struct blob *b, const uint8_t name[HASH_BYTES])
{
    struct span content;
    if (blob_get(b, name, &content) != 0) return false;
    mem_free(&r->client_env->mem, (void *)(uintptr_t)content.p);
    return true;
}

static void evidence_goes_when_nobody_else_shares_it(void **state)
{
    struct rig *r = *state;
    struct blob *b = NULL;
    uint8_t names[4][HASH_BYTES];
    static const char *const contents[] = {"photo", "her passport", "her letter", "his photo"};
    assert_int_equal(blob_open(r->client_env, svc_path(r->svc, "blobs"), &b), 0);
    for (unsigned i = 0; i < 4; i++) assert_int_equal(blob_put(b, span_str(contents[i]), names[i]), 0);
    Kesu__V1__Command *c = with_attachment(r, rig_message(r, "wet", "wang@example.org"), names[1]);
    c->receive_message->own_thread_key = text("<1@example.org>");
    uint64_t hers = rig_accepted(r, RIG_NEW, c)->case_id;
    for (unsigned i = 0; i < 3; i += 2) { /* the shared one, then the letter: further messages */
        char **keys = arena_alloc(&r->arena, sizeof(char *));
        keys[0] = text("<1@example.org>");
        c = with_attachment(r, rig_message(r, "look", "wang@example.org"), names[i]);
        c->receive_message->thread_keys = keys;
        c->receive_message->n_thread_keys = 1;
        assert_true(rig_accepted(r, RIG_NEW, c)->joined);
    }
    /* The same file again of the same person holds nothing. */
    rig_accepted(r, RIG_NEW, with_attachment(r, rig_message(r, "again", "wang@example.org"), names[1]));
    uint64_t his =
        rig_accepted(r, RIG_NEW, with_attachment(r, rig_message(r, "x", "li@example.org"), names[0]))
            ->case_id;
    rig_accepted(r, RIG_NEW, with_attachment(r, rig_message(r, "y", "li@example.org"), names[3]));
    rig_accepted(r, RIG_PEOPLE, erase(r, 0, hers));
    assert_true(has_blob(r, b, names[0]));
    assert_false(has_blob(r, b, names[1]));
    assert_false(has_blob(r, b, names[2]));
    assert_true(has_blob(r, b, names[3]));
    rig_accepted(r, RIG_PEOPLE, erase(r, 0, his));
    assert_false(has_blob(r, b, names[0]));
    assert_false(has_blob(r, b, names[3]));
    blob_close(b);
}

/* Whenever it dies after the command was sent: once accepted, the keys are gone. */
static void a_crash_in_between_is_made_up_for(void **state)
{
    (void)state;
    unsigned finished_later = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct rig r;
        rig_open(&r, seed, NULL);
        rig_policy(&r);
        struct blob *b = NULL;
        uint8_t name[HASH_BYTES];
        assert_int_equal(blob_open(r.client_env, svc_path(r.svc, "blobs"), &b), 0);
        assert_int_equal(blob_put(b, SPAN_LIT("photo"), name), 0);
        uint64_t id =
            rig_accepted(&r, RIG_NEW, with_attachment(&r, rig_message(&r, "wet", "wang@example.org"), name))
                ->case_id;
        struct seal_key key = key_of(&r, id);
        Kesu__V1__Command *c = erase(&r, 0, id);
        rig_send(&r, RIG_PEOPLE, &c, 1);
        for (unsigned steps = (unsigned)sim_random(r.sim, 12); steps > 0; steps--) sim_step(r.sim, INT64_MAX);
        bool durable = journal_head(rig_intake(&r)->journal).seq > id;
        bool alive = is_on_disk(&r, &key);
        rig_restart(&r);
        if (durable) assert_false(is_on_disk(&r, &key));
        finished_later += alive && !is_on_disk(&r, &key);
        rig_accepted(&r, RIG_PEOPLE, c);
        assert_false(is_on_disk(&r, &key));
        assert_false(has_blob(&r, b, name));
        rig_restart(&r);
        assert_true(rig_case(&r, id)->erased_seq != 0);
        blob_close(b);
        rig_close(&r);
    }
    assert_true(finished_later > 0);
}

static void a_reader_is_told_and_gets_no_key_any_more(void **state)
{
    struct rig *r = *state;
    Kesu__V1__Subscribe s = KESU__V1__SUBSCRIBE__INIT;
    s.name = text("reader");
    s.from_seq = 1;
    s.credit_bytes = 1 << 24;
    s.personal = true;
    uint64_t id = rig_accepted(r, RIG_NEW, rig_message(r, "wet", "wang@example.org"))->case_id;
    struct rig_reader *before = rig_reader(r, 0), *after = rig_reader(r, 1);
    rig_subscribe(before, &s);
    assert_int_equal(before->n_keys, 2); /* the profile's and the case's */
    rig_accepted(r, RIG_PEOPLE, erase(r, 0, id));
    rig_subscribe(after, &s);
    assert_int_equal(after->n_keys, 0);
    assert_int_equal(after->next_seq, before->next_seq);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

UNIT_MAIN(TEST(all_keys_of_a_person_go_and_no_others), TEST(a_case_without_a_customer_stands_alone),
          TEST(an_erased_case_comes_to_an_end_without_a_word), TEST(who_names_an_erased_case_names_nothing),
          TEST(evidence_goes_when_nobody_else_shares_it), cmocka_unit_test(a_crash_in_between_is_made_up_for),
          TEST(a_reader_is_told_and_gets_no_key_any_more))
