/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of the journal: who is let in, what they get, who waits for whom. */
#include "clock.h"
#include "err.h"
#include "intake_rig.h"
#include "unit.h"

static Kesu__V1__Subscribe wish(const char *name, uint64_t from_seq)
{
    Kesu__V1__Subscribe s = KESU__V1__SUBSCRIBE__INIT;
    s.name = (char *)(uintptr_t)name;
    s.from_seq = from_seq;
    s.credit_bytes = 1 << 20;
    return s;
}

static uint64_t head_of(struct rig *r)
{
    return journal_head(rig_intake(r)->journal).seq;
}

static void add_cases(struct rig *r, unsigned n)
{
    while (n-- > 0) rig_accepted(r, RIG_NEW, rig_message(r, "wet", "a@example.org"));
}

static void all_of_it_and_what_comes_after(void **state)
{
    struct rig *r = *state;
    add_cases(r, 5);
    struct rig_reader *reader = rig_reader(r, 0);
    Kesu__V1__Subscribe s = wish("fold", 1);
    rig_subscribe(reader, &s);
    assert_true(reader->subscribed);
    assert_int_equal(reader->subscribed_head, head_of(r));
    assert_int_equal(reader->next_seq, head_of(r) + 1);
    add_cases(r, 5);
    sim_run(r->sim, USEC_PER_SEC);
    assert_int_equal(reader->next_seq, head_of(r) + 1);
    assert_false(reader->broken_order);
    assert_int_equal(reader->n_keys, 0);
    assert_true(reader->n_heads == 0 || reader->n_heads < 3);
    unsigned heads = reader->n_heads;
    sim_run(r->sim, 5 * USEC_PER_SEC);
    assert_in_range(reader->n_heads - heads, 4, 6); /* a heartbeat every second */
}

static void another_history_is_refused(void **state)
{
    struct rig *r = *state;
    add_cases(r, 3);
    uint8_t other[32] = {1, 2, 3};
    struct rig_reader *reader = rig_reader(r, 0);
    Kesu__V1__Subscribe s = wish("fold", 1);
    rig_subscribe(reader, &s);
    uint8_t hash[32], uuid[16];
    memcpy(hash, reader->last_hash, 32);
    memcpy(uuid, reader->uuid, 16);
    uint64_t next = reader->next_seq;

    reader = rig_reader(r, 1);
    s = wish("fold", next);
    s.journal_uuid = (ProtobufCBinaryData){16, other};
    rig_subscribe(reader, &s);
    assert_int_equal(reader->refused, KESU__V1__ERROR_CODE__E_RANGE);
    assert_string_equal(reader->refused_field, "subscribe.journal_uuid");

    s = wish("fold", next);
    s.journal_uuid = (ProtobufCBinaryData){16, uuid};
    s.last_hash = (ProtobufCBinaryData){32, other};
    rig_subscribe(reader, &s);
    assert_string_equal(reader->refused_field, "subscribe.last_hash");
    s.last_hash.data = hash;
    s.from_seq = next + 1;
    rig_subscribe(reader, &s);
    assert_string_equal(reader->refused_field, "subscribe.from_seq");
    assert_false(reader->subscribed);

    s.from_seq = next;
    rig_subscribe(reader, &s);
    assert_true(reader->subscribed);
    add_cases(r, 1);
    sim_run(r->sim, USEC_PER_SEC);
    assert_int_equal(reader->next_seq, head_of(r) + 1);
    s = wish("", 1);
    rig_subscribe(reader, &s);
    assert_string_equal(reader->refused_field, "subscribe.name");
}

static void a_slow_reader_slows_only_itself(void **state)
{
    struct rig *r = *state;
    struct rig_reader *slow = rig_reader(r, 0), *quick = rig_reader(r, 1);
    Kesu__V1__Subscribe s = wish("slow", 1);
    s.credit_bytes = 1;
    rig_subscribe(slow, &s);
    s = wish("quick", 1);
    rig_subscribe(quick, &s);
    add_cases(r, 10);
    sim_run(r->sim, USEC_PER_SEC);
    assert_int_equal(slow->n_blocks, 1); /* credit was above nothing: one block, then it waits */
    assert_int_equal(quick->next_seq, head_of(r) + 1);
    Kesu__V1__FeedRequest request = KESU__V1__FEED_REQUEST__INIT;
    Kesu__V1__Credit credit = KESU__V1__CREDIT__INIT;
    request.body_case = KESU__V1__FEED_REQUEST__BODY_CREDIT;
    request.credit = &credit;
    credit.bytes = 1 << 20;
    rig_request(slow, &request);
    sim_run(r->sim, USEC_PER_SEC);
    assert_int_equal(slow->next_seq, head_of(r) + 1);
    assert_false(slow->broken_order);
}

/* It claims all there is and never gives credit back: it gets 32 MiB and a block. */
static void a_reader_that_never_reads_holds_a_bounded_memory(void **state)
{
    struct rig *r = *state;
    static char text[64 << 10];
    memset(text, 'x', sizeof(text) - 1);
    struct rig_reader *deaf = rig_reader(r, 0);
    Kesu__V1__Subscribe s = wish("deaf", 1);
    s.credit_bytes = UINT64_MAX;
    rig_subscribe(deaf, &s);
    for (unsigned i = 0; i < 600; i++) rig_accepted(r, RIG_NEW, rig_message(r, text, "a@example.org"));
    sim_run(r->sim, USEC_PER_SEC);
    assert_true(deaf->next_seq < head_of(r));
    assert_in_range(deaf->next_seq, 400, 550);
    Kesu__V1__FeedRequest request = KESU__V1__FEED_REQUEST__INIT;
    Kesu__V1__Credit credit = KESU__V1__CREDIT__INIT;
    request.body_case = KESU__V1__FEED_REQUEST__BODY_CREDIT;
    request.credit = &credit;
    credit.bytes = UINT64_MAX;
    rig_request(deaf, &request);
    sim_run(r->sim, USEC_PER_SEC);
    assert_int_equal(deaf->next_seq, head_of(r) + 1);
}

static void a_silent_reader_is_forgotten(void **state)
{
    struct rig *r = *state;
    struct rig_reader *reader = rig_reader(r, 0);
    Kesu__V1__Subscribe s = wish("fold", 1);
    rig_subscribe(reader, &s);
    assert_int_equal(rig_intake(r)->readers.n, 1);
    sim_run(r->sim, 25 * USEC_PER_SEC);
    assert_int_equal(rig_intake(r)->readers.n, 0);
}

static void keys_go_only_to_those_that_asked(void **state)
{
    struct rig *r = *state;
    add_cases(r, 2); /* one customer, two cases: three keys */
    struct rig_reader *plain = rig_reader(r, 0), *personal = rig_reader(r, 1);
    Kesu__V1__Subscribe s = wish("plain", 1);
    rig_subscribe(plain, &s);
    s = wish("personal", 1);
    s.personal = true;
    rig_subscribe(personal, &s);
    assert_int_equal(plain->n_keys, 0);
    assert_int_equal(personal->n_keys, 3);
    Kesu__V1__FeedRequest request = KESU__V1__FEED_REQUEST__INIT;
    Kesu__V1__WantKeys want = KESU__V1__WANT_KEYS__INIT;
    uint64_t ids[] = {1, 2};
    request.body_case = KESU__V1__FEED_REQUEST__BODY_WANT_KEYS;
    request.want_keys = &want;
    want.n_key_ids = 2;
    want.key_ids = ids;
    rig_request(personal, &request);
    rig_request(plain, &request);
    sim_run(r->sim, USEC_PER_SEC);
    assert_int_equal(personal->n_keys, 5);
    assert_int_equal(plain->n_keys, 0);
    assert_int_equal(plain->refused, KESU__V1__ERROR_CODE__E_NOT_ALLOWED);
    /* From the key file, after a restart. */
    rig_restart(r);
    personal = rig_reader(r, 2);
    s = wish("personal", 1);
    s.personal = true;
    rig_subscribe(personal, &s);
    assert_int_equal(personal->n_keys, 3);
}

static void skipped_events_are_told_to_their_fold(void **state)
{
    struct rig *r = *state;
    for (uint64_t seq = 1; seq <= 2; seq++) {
        Kesu__V1__Command *c = RIG_NEW_COMMAND(r, OPERATOR, "rig", SKIP_EVENT, skip_event);
        c->skip_event->fold = (char *)(uintptr_t)(seq == 1 ? "routing" : "routing-2");
        c->skip_event->seq = seq;
        c->skip_event->reason = (char *)(uintptr_t) "broken";
        rig_accepted(r, RIG_PEOPLE, c);
    }
    rig_restart(r);
    struct rig_reader *reader = rig_reader(r, 0);
    Kesu__V1__Subscribe s = wish("routing", 1);
    rig_subscribe(reader, &s);
    assert_int_equal(reader->n_skips, 1);
    assert_int_equal(reader->skips[0], 1);
}

/* What a reader has got, a power failure in the very next moment does not take away. */
static void no_block_leaves_before_it_is_durable(void **state)
{
    struct rig *r = *state;
    for (unsigned i = 0; i < 20; i++) {
        struct rig_reader *reader = rig_reader(r, 0);
        Kesu__V1__Subscribe s = wish("fold", head_of(r) + 1);
        rig_subscribe(reader, &s);
        Kesu__V1__Command *c = rig_message(r, "wet", "a@example.org");
        uint64_t next = reader->next_seq;
        rig_send(r, RIG_NEW, &c, 1);
        while (reader->next_seq == next) assert_true(sim_step(r->sim, INT64_MAX));
        next = reader->next_seq;
        rig_restart(r);
        assert_true(next <= head_of(r) + 1);
    }
}

static void garbage_is_refused_and_harms_nobody(void **state)
{
    struct rig *r = *state;
    struct rig_reader *reader = rig_reader(r, 0);
    assert_int_equal(bus_send(r->client_env, reader->client, SPAN_LIT("\xff\xff\xff"), NULL), 0);
    sim_run(r->sim, USEC_PER_SEC);
    assert_int_equal(reader->refused, KESU__V1__ERROR_CODE__E_MALFORMED);
    Kesu__V1__Subscribe s = wish("fold", 1);
    rig_subscribe(reader, &s);
    assert_true(reader->subscribed);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

static void what_comes_from_disk_is_marked(void **state)
{
    struct rig *r = *state;
    add_cases(r, 5);
    rig_restart(r);
    struct rig_reader *reader = rig_reader(r, 0);
    Kesu__V1__Subscribe s = wish("fold", 1);
    rig_subscribe(reader, &s);
    unsigned old = reader->n_blocks;
    assert_true(old > 0);
    assert_int_equal(reader->n_stored, old);
    add_cases(r, 5);
    sim_run(r->sim, USEC_PER_SEC);
    assert_true(reader->n_blocks > old);
    assert_int_equal(reader->n_stored, old);
}

UNIT_MAIN(TEST(all_of_it_and_what_comes_after), TEST(what_comes_from_disk_is_marked),
          TEST(another_history_is_refused), TEST(a_slow_reader_slows_only_itself),
          TEST(a_reader_that_never_reads_holds_a_bounded_memory), TEST(a_silent_reader_is_forgotten),
          TEST(keys_go_only_to_those_that_asked), TEST(skipped_events_are_told_to_their_fold),
          TEST(no_block_leaves_before_it_is_durable), TEST(garbage_is_refused_and_harms_nobody))
