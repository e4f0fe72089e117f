// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "err.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, &mem_libc, 4 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

// A ReceiveMessage command with two contacts; the caller may spoil it.
struct sample {
    Kesu__V1__Command command;
    Kesu__V1__Actor actor;
    Kesu__V1__ReceiveMessage receive;
    Kesu__V1__Personal personal;
    Kesu__V1__Contact contacts[2];
    Kesu__V1__Contact *contact_list[2];
    uint8_t id[16];
};

static void sample_init(struct sample *s)
{
    memset(s->id, 0x11, sizeof s->id);
    kesu__v1__command__init(&s->command);
    kesu__v1__actor__init(&s->actor);
    kesu__v1__receive_message__init(&s->receive);
    kesu__v1__personal__init(&s->personal);
    for (int i = 0; i < 2; i++) {
        kesu__v1__contact__init(&s->contacts[i]);
        s->contacts[i].kind = KESU__V1__CONTACT__KIND__KIND_EMAIL;
        s->contacts[i].value = "a@example.org";
        s->contact_list[i] = &s->contacts[i];
    }
    s->personal.text = "包裹破損 it is broken";
    s->personal.n_contacts = 2;
    s->personal.contacts = s->contact_list;
    s->receive.channel = KESU__V1__CHANNEL__CHANNEL_WEB;
    s->receive.personal = &s->personal;
    s->actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_CUSTOMER;
    s->command.id = (ProtobufCBinaryData){16, s->id};
    s->command.actor = &s->actor;
    s->command.body_case = KESU__V1__COMMAND__BODY_RECEIVE_MESSAGE;
    s->command.receive_message = &s->receive;
}

static int round_trip(const struct sample *s, struct codec_error *e)
{
    struct span bytes = codec_pack(&s->command, &arena);
    Kesu__V1__Command *back = NULL;
    int err = codec_unpack(&kesu__v1__command__descriptor, bytes, &arena, &back, e);
    if (err == 0) assert_int_equal(codec_size(back), bytes.n);
    return err;
}

static void good_passes(void **state)
{
    (void)state;
    struct sample s;
    struct codec_error e = {0};
    sample_init(&s);
    assert_int_equal(round_trip(&s, &e), 0);
}

static void refusals_name_the_field(void **state)
{
    (void)state;
    struct sample s;
    struct codec_error e;
    char long_text[400];
    memset(long_text, 'x', sizeof long_text);
    long_text[321] = '\0';

    sample_init(&s);
    s.contacts[1].value = "bad \xff";
    assert_int_equal(round_trip(&s, &e), E_UTF8);
    assert_string_equal(e.field, "receive_message.personal.contacts[1].value");

    sample_init(&s);
    s.contacts[1].value = long_text;
    assert_int_equal(round_trip(&s, &e), E_TOO_BIG);
    assert_string_equal(e.field, "receive_message.personal.contacts[1].value");
    assert_string_equal(e.reason, "321 bytes, allowed are at most 320");

    sample_init(&s);
    s.receive.channel = 17;
    assert_int_equal(round_trip(&s, &e), E_ENUM);
    assert_string_equal(e.field, "receive_message.channel");
    s.receive.channel = -1;
    assert_int_equal(round_trip(&s, &e), E_ENUM);

    sample_init(&s);
    s.command.id.len = 15;
    assert_int_equal(round_trip(&s, &e), E_RANGE);
    assert_string_equal(e.field, "id");
    s.command.id.len = 0;
    assert_int_equal(round_trip(&s, &e), 0);

    sample_init(&s);
    Kesu__V1__Contact *many[17];
    for (int i = 0; i < 17; i++) many[i] = &s.contacts[0];
    s.personal.contacts = many;
    s.personal.n_contacts = 16;
    assert_int_equal(round_trip(&s, &e), 0);
    s.personal.n_contacts = 17;
    assert_int_equal(round_trip(&s, &e), E_TOO_BIG);
    assert_string_equal(e.field, "receive_message.personal.contacts[16]");

    sample_init(&s);
    Kesu__V1__SetPresence presence = KESU__V1__SET_PRESENCE__INIT;
    presence.capacity = 1001;
    s.command.body_case = KESU__V1__COMMAND__BODY_SET_PRESENCE;
    s.command.set_presence = &presence;
    assert_int_equal(round_trip(&s, &e), E_RANGE);
    assert_string_equal(e.field, "set_presence.capacity");
    presence.capacity = 1000;
    assert_int_equal(round_trip(&s, &e), 0);
}

static int check(const char *bytes, size_t n, const ProtobufCMessageDescriptor *d, struct codec_error *e)
{
    void *m = NULL;
    return codec_unpack(d, span_of(bytes, n), &arena, &m, e);
}

#define CHECK_BYTES(bytes, type, e) check(bytes, sizeof bytes - 1, &kesu__v1__##type##__descriptor, e)

static void raw_bytes(void **state)
{
    (void)state;
    struct codec_error e;
    // NUL inside a text, which protobuf-c would cut at
    assert_int_equal(CHECK_BYTES("\x0a\x03"
                                 "a\0b",
                                 note_text, &e),
                     E_UTF8);
    assert_string_equal(e.field, "text");
    // wrong wire type, a group, truncated, tag 0, endless varint
    assert_int_equal(CHECK_BYTES("\x08\x01", note_text, &e), E_MALFORMED);
    assert_string_equal(e.field, "text");
    assert_int_equal(CHECK_BYTES("\x0b\x0c", note_text, &e), E_MALFORMED);
    assert_int_equal(CHECK_BYTES("\x0a\x05"
                                 "ab",
                                 note_text, &e),
                     E_MALFORMED);
    assert_int_equal(CHECK_BYTES("\x02\x00", note_text, &e), E_MALFORMED);
    assert_int_equal(CHECK_BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", credit, &e),
                     E_MALFORMED);
    // a field of a newer version is skipped
    assert_int_equal(CHECK_BYTES("\xf8\x01\x05\x0a\x01x", note_text, &e), 0);
    // a oneof twice, a message twice
    assert_int_equal(CHECK_BYTES("\x12\x00\x22\x00", feed_request, &e), E_MALFORMED);
    assert_string_equal(e.field, "unsubscribe");
    assert_string_equal(e.reason, "given twice");
    // numbers in one piece, counted
    char packed[3 + 1025] = "\x0a\x81\x08";
    memset(packed + 3, 1, 1025);
    assert_int_equal(check(packed, sizeof packed, &kesu__v1__want_keys__descriptor, &e), E_TOO_BIG);
    assert_string_equal(e.field, "key_ids[1024]");
    memcpy(packed, "\x0a\x80\x08", 3);
    assert_int_equal(check(packed, sizeof packed - 1, &kesu__v1__want_keys__descriptor, &e), 0);
    packed[sizeof packed - 2] = (char)0x81;
    assert_int_equal(check(packed, sizeof packed - 1, &kesu__v1__want_keys__descriptor, &e), E_MALFORMED);
}

static void memory_is_bounded(void **state)
{
    (void)state;
    // 100,000 empty departments: 200 kB become megabytes
    size_t n = 200000;
    uint8_t *bytes = malloc(n);
    for (size_t i = 0; i < n; i += 2) {
        bytes[i] = 0x12;
        bytes[i + 1] = 0;
    }
    struct arena small;
    arena_init(&small, &mem_libc, 1 << 20);
    struct codec_error e;
    void *m = NULL;
    assert_int_equal(codec_unpack(&kesu__v1__policy__descriptor, span_of(bytes, n), &small, &m, &e), E_NOMEM);
    assert_null(m);
    arena_deinit(&small);
    free(bytes);
}

static void truncated_anywhere(void **state)
{
    (void)state;
    struct sample s;
    sample_init(&s);
    struct span bytes = codec_pack(&s.command, &arena);
    unsigned refused = 0;
    for (size_t n = 0; n < bytes.n; n++) {
        void *m = NULL;
        struct codec_error e;
        if (codec_unpack(&kesu__v1__command__descriptor, span_of(bytes.p, n), &arena, &m, &e) != 0) refused++;
    }
    assert_true(refused + 4 >= bytes.n); // but for the ends of fields
}

static void one_bad_command_spares_the_others(void **state)
{
    (void)state;
    struct sample good, bad;
    sample_init(&good);
    sample_init(&bad);
    bad.contacts[0].value = "\xc0\x80";
    memset(bad.id, 0x22, 16);
    Kesu__V1__Command *list[] = {&good.command, &bad.command, &good.command};
    Kesu__V1__CommandBatch batch = KESU__V1__COMMAND_BATCH__INIT, *back;
    batch.client = "unit";
    batch.batch = 77;
    batch.n_commands = 3;
    batch.commands = list;
    struct codec_error *errors, e;
    assert_int_equal(codec_unpack_commands(codec_pack(&batch, &arena), &arena, &back, &errors, &e), 0);
    assert_string_equal(back->client, "unit");
    assert_int_equal(back->batch, 77);
    assert_int_equal(back->n_commands, 3);
    assert_int_equal(errors[0].code, 0);
    assert_int_equal(errors[1].code, E_UTF8);
    assert_string_equal(errors[1].field, "receive_message.personal.contacts[0].value");
    assert_int_equal(errors[2].code, 0);
    assert_memory_equal(back->commands[1]->id.data, bad.id, 16);
    assert_int_equal(back->commands[1]->body_case, KESU__V1__COMMAND__BODY__NOT_SET);
    assert_string_equal(back->commands[2]->receive_message->personal->text, "包裹破損 it is broken");
}

static void batch_limits(void **state)
{
    (void)state;
    struct codec_error *errors, e;
    Kesu__V1__CommandBatch *back;
    uint8_t bytes[2 * 1025];
    for (size_t i = 0; i < sizeof bytes; i += 2) memcpy(bytes + i, "\x1a\x00", 2);
    assert_int_equal(codec_unpack_commands(span_of(bytes, sizeof bytes - 2), &arena, &back, &errors, &e), 0);
    assert_int_equal(back->n_commands, 1024);
    assert_int_equal(codec_unpack_commands(span_of(bytes, sizeof bytes), &arena, &back, &errors, &e),
                     E_TOO_BIG);
    assert_string_equal(e.field, "commands");
    assert_int_equal(codec_unpack_commands(SPAN_LIT("\x1a\x05"), &arena, &back, &errors, &e), E_MALFORMED);
}

static void utf8(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "plain ascii, longer than eight bytes",
                                       "é",
                                       "客訴",
                                       "12345678客訴12345678",
                                       "\xf0\x9f\x98\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {
        "\x80",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xe5\xae",     "12345678\xff",     "客\xe8\xa8"};
    for (unsigned i = 0; i < sizeof good / sizeof good[0]; i++) assert_true(codec_is_utf8(span_str(good[i])));
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(codec_is_utf8(span_str(bad[i])));
    assert_false(codec_is_utf8(SPAN_LIT("1234567\0")));
    assert_false(codec_is_utf8(SPAN_LIT("客\0")));
    assert_int_equal(codec_utf8_prefix(span_str("客訴"), 5), 3);
    assert_int_equal(codec_utf8_prefix(span_str("客訴"), 6), 6);
    assert_int_equal(codec_utf8_prefix(span_str("ab\xff"), 9), 2);
}

static void enum_names(void **state)
{
    (void)state;
    char name[64];
    int value = 0;
    assert_string_equal(codec_enum_name(&kesu__v1__channel__descriptor, 13, name, sizeof name), "on_site");
    assert_string_equal(codec_enum_name(&kesu__v1__error_code__descriptor, 22, name, sizeof name), "e_stale");
    assert_string_equal(codec_enum_name(&kesu__v1__severity__descriptor, 1, name, sizeof name), "s1");
    assert_null(codec_enum_name(&kesu__v1__channel__descriptor, 99, name, sizeof name));
    assert_int_equal(codec_enum_value(&kesu__v1__channel__descriptor, "on_site", &value), 0);
    assert_int_equal(value, KESU__V1__CHANNEL__CHANNEL_ON_SITE);
    assert_int_equal(codec_enum_value(&kesu__v1__contact__kind__descriptor, "email", &value), 0);
    assert_int_equal(value, 1);
    assert_int_equal(codec_enum_value(&kesu__v1__channel__descriptor, "fax", &value), E_ENUM);
}

// Lists of numbers in one piece, in several, and element by element.
static void own_lists_of_numbers(void **state)
{
    (void)state;
    static const uint8_t split[] = {0x2a, 3, 1, 0xac, 2, 0x28, 7, 0x2a, 4, 8, 9, 10, 11};
    static const int64_t wanted[] = {1, 300, 7, 8, 9, 10, 11};
    Kesu__V1__ClockState c = KESU__V1__CLOCK_STATE__INIT, *back = NULL;
    int64_t times[23];
    for (size_t n = 0; n <= 23; n++) {
        for (size_t i = 0; i < n; i++)
            times[i] = i % 5 == 4 ? -1 : (INT64_C(1) << (i * 61 / 23)) + (int64_t)i;
        c.n_escalate_at = n;
        c.escalate_at = times;
        struct span bytes = codec_pack(&c, &arena);
        assert_int_equal(codec_unpack_own(&kesu__v1__clock_state__descriptor, bytes, &arena, &back), 0);
        assert_int_equal(back->n_escalate_at, n);
        assert_memory_equal(back->escalate_at, times, n * sizeof times[0]);
    }
    struct span bytes = span_of(split, sizeof split);
    assert_int_equal(codec_unpack_own(&kesu__v1__clock_state__descriptor, bytes, &arena, &back), 0);
    assert_int_equal(back->n_escalate_at, 7);
    assert_memory_equal(back->escalate_at, wanted, sizeof wanted);
    bytes = span_of("\x2a\x02\x05\x80", 4);
    assert_int_equal(codec_unpack_own(&kesu__v1__clock_state__descriptor, bytes, &arena, &back), E_MALFORMED);
}

static Kesu__V1__Event *brief(Kesu__V1__Event *event, unsigned without)
{
    Kesu__V1__Event *back = NULL;
    struct span bytes = codec_pack(event, &arena);
    assert_int_equal(codec_unpack_brief(&kesu__v1__event__descriptor, bytes, without, &arena, &back), 0);
    return back;
}

static void a_fold_is_spared_what_it_does_not_read(void **state)
{
    (void)state;
    Kesu__V1__Event event = KESU__V1__EVENT__INIT;
    Kesu__V1__ClockChange change = KESU__V1__CLOCK_CHANGE__INIT, *changes[] = {&change};
    Kesu__V1__CaseOpened opened = KESU__V1__CASE_OPENED__INIT;
    Kesu__V1__ClockFired fired = KESU__V1__CLOCK_FIRED__INIT;
    change.clock = "receipt";
    event.case_id = 5;
    event.n_clocks = 1;
    event.clocks = changes;
    event.body_case = KESU__V1__EVENT__BODY_CASE_OPENED;
    event.case_opened = &opened;
    assert_string_equal(brief(&event, CODEC_BODIES)->clocks[0]->clock, "receipt");
    assert_int_equal(brief(&event, CODEC_BODIES)->body_case, KESU__V1__EVENT__BODY__NOT_SET);
    assert_int_equal(brief(&event, CODEC_CLOCKS)->n_clocks, 0);
    assert_non_null(brief(&event, CODEC_CLOCKS)->case_opened);
    event.body_case = KESU__V1__EVENT__BODY_CLOCK_FIRED;
    event.clock_fired = &fired;
    fired.clock = "resolution";
    assert_string_equal(brief(&event, CODEC_BODIES)->clock_fired->clock, "resolution");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
UNIT_MAIN(T(good_passes), T(refusals_name_the_field), T(raw_bytes), T(memory_is_bounded),
          T(truncated_anywhere), T(one_bad_command_spares_the_others), T(batch_limits), T(utf8),
          T(enum_names), T(own_lists_of_numbers), T(a_fold_is_spared_what_it_does_not_read))
