// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "err.h"
#include "json.h"

static const char sample[] =
    "{\"id\":\"ERERERERERERERERERERMQ==\",\"actor\":{\"kind\":\"ACTOR_KIND_CUSTOMER\",\"name\":\"a "
    "\\u0022b\\u0022\"},"
    "\"expected_version\":\"18446744073709551615\",\"receive_message\":{\"channel\":\"CHANNEL_WEB\","
    "\"received_at\":\"-5\",\"personal\":{\"contacts\":[{\"kind\":\"KIND_EMAIL\",\"value\":\"a@example.org\"}"
    ","
    "{\"kind\":\"KIND_PHONE\",\"value\":\"1\"}],\"text\":\"客訴\"},\"anonymous\":true,\"thread_keys\":[\"x\","
    "\"y\"]}}";

static int read(const char *text, struct arena *a, Kesu__V1__Command **ret, struct codec_error *e)
{
    return json_to_message(&kesu__v1__command__descriptor, span_str(text), a, ret, e);
}

static void there_and_back(void **state)
{
    (void)state;
    struct arena a;
    struct codec_error e = {0};
    Kesu__V1__Command *c = NULL;
    arena_init(&a, &mem_libc, 1 << 20);
    assert_int_equal(read(sample, &a, &c, &e), 0);
    assert_int_equal(c->expected_version, UINT64_MAX);
    assert_int_equal(c->receive_message->received_at, -5);
    assert_string_equal(c->receive_message->personal->text, "客訴");
    char *text = json_from_message(&mem_libc, c, 0);
    assert_string_equal(text, sample);
    mem_free(&mem_libc, text);
    text = json_from_message(&mem_libc, c->actor, 2);
    assert_string_equal(text,
                        "{\n  \"kind\": \"ACTOR_KIND_CUSTOMER\",\n  \"name\": \"a \\u0022b\\u0022\"\n}");
    mem_free(&mem_libc, text);
    arena_deinit(&a);
}

static void taken_in_other_forms(void **state)
{
    (void)state;
    struct arena a;
    struct codec_error e = {0};
    Kesu__V1__Command *c = NULL;
    arena_init(&a, &mem_libc, 1 << 20);
    assert_int_equal(
        read("{\"receiveMessage\": {\"receivedAt\": 7, \"channel\": \"on_site\", \"language\": 3,"
             "\"external\": null}, \"id\": \"ERERERERERERERERERERMQ\"}",
             &a, &c, &e),
        0);
    assert_int_equal(c->receive_message->received_at, 7);
    assert_int_equal(c->receive_message->channel, KESU__V1__CHANNEL__CHANNEL_ON_SITE);
    assert_int_equal(c->receive_message->language, KESU__V1__LANGUAGE__LANGUAGE_EN);
    assert_null(c->receive_message->external);
    assert_int_equal(c->id.len, 16);
    arena_deinit(&a);
}

static void refused(void **state)
{
    static const struct {
        const char *text;
        int code;
        const char *field;
    } rows[] = {
        {"{", E_MALFORMED, ""},
        {"[]", E_MALFORMED, ""},
        {"{\"x\": 1}", E_MALFORMED, "x"},
        {"{\"actor\": {\"kind\": \"robot\"}}", E_ENUM, "actor.kind"},
        {"{\"actor\": {\"kind\": 99}}", E_ENUM, "actor.kind"},
        {"{\"actor\": {\"name\": 5}}", E_MALFORMED, "actor.name"},
        {"{\"expected_version\": -1}", E_RANGE, "expected_version"},
        {"{\"expected_version\": \"12x\"}", E_MALFORMED, "expected_version"},
        {"{\"expected_version\": \"99999999999999999999\"}", E_RANGE, "expected_version"},
        {"{\"receive_message\": {\"thread_keys\": [\"a\", 1]}}", E_MALFORMED,
         "receive_message.thread_keys[1]"},
        {"{\"receive_message\": {\"thread_keys\": \"a\"}}", E_MALFORMED, "receive_message.thread_keys"},
        {"{\"start_work\": {}, \"accept_clock\": {}}", E_MALFORMED, "accept_clock"},
        {"{\"set_presence\": {\"capacity\": 1001}}", E_RANGE, "set_presence.capacity"},
        {"{\"set_presence\": {\"capacity\": 4294967296}}", E_RANGE, "set_presence.capacity"},
        {"{\"set_presence\": {\"present\": 1}}", E_MALFORMED, "set_presence.present"},
        {"{\"id\": \"!!\"}", E_MALFORMED, "id"},
        {"{\"id\": \"AAAA\"}", E_RANGE, "id"},
        {"{\"actor\": {\"name\": \"\\u0000\"}}", E_MALFORMED, ""},
        {"{\"actor\": {}, \"actor\": {}}", E_MALFORMED, ""},
    };
    (void)state;
    struct arena a;
    arena_init(&a, &mem_libc, 1 << 20);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct codec_error e = {0};
        Kesu__V1__Command *c = NULL;
        if (read(rows[i].text, &a, &c, &e) != rows[i].code || strcmp(e.field, rows[i].field) != 0)
            fail_msg("%s: %s at '%s' (%s)", rows[i].text, err_name(e.code), e.field, e.reason);
        assert_null(c);
    }
    arena_deinit(&a);
}

static void memory_is_bounded(void **state)
{
    (void)state;
    struct arena a;
    struct codec_error e = {0};
    Kesu__V1__Command *c = NULL;
    arena_init(&a, &mem_libc, 200);
    assert_int_equal(read(sample, &a, &c, &e), E_NOMEM);
    arena_deinit(&a);
}

UNIT_MAIN(cmocka_unit_test(there_and_back), cmocka_unit_test(taken_in_other_forms), cmocka_unit_test(refused),
          cmocka_unit_test(memory_is_bounded))
