// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <string.h>

#include "clock.h"
#include "err.h"
#include "uuid.h"

static int64_t fixed_wall(struct env *env)
{
    (void)env;
    return INT64_C(1700000000123456);
}

static void fixed_random(struct env *env, void *ret, size_t n)
{
    (void)env;
    memset(ret, 0xff, n);
}

static const struct clock_ops fixed_clock = {fixed_wall, fixed_wall};
static struct env env = {.name = "unit", .clock = &fixed_clock, .random = fixed_random};

static void made_now(void **state)
{
    (void)state;
    uint8_t id[UUID_BYTES], back[UUID_BYTES];
    char text[UUID_TEXT];
    uuid_new(&env, id);
    assert_true(uuid_is_v7(id));
    assert_int_equal(uuid_time_ms(id), 1700000000123);
    uuid_text(id, text);
    assert_string_equal(text, "018bcfe5-687b-7fff-bfff-ffffffffffff");
    assert_int_equal(uuid_parse(text, back), 0);
    assert_memory_equal(id, back, UUID_BYTES);
    id[6] = 0x40;
    assert_false(uuid_is_v7(id));
}

static void derived_by_every_argument(void **state)
{
    (void)state;
    uint8_t a[UUID_BYTES], b[UUID_BYTES];
    uuid_derive(5000000, "routing", 7, "classify", 0, a);
    uuid_derive(5000000, "routing", 7, "classify", 0, b);
    assert_memory_equal(a, b, UUID_BYTES);
    assert_true(uuid_is_v7(a));
    assert_int_equal(uuid_time_ms(a), 5000);
    uuid_derive(5000001, "routing", 7, "classify", 0, b);
    assert_memory_not_equal(a, b, UUID_BYTES);
    uuid_derive(5000000, "routin", 7, "gclassify", 0, b);
    assert_memory_not_equal(a, b, UUID_BYTES);
    uuid_derive(5000000, "routing", 8, "classify", 0, b);
    assert_memory_not_equal(a, b, UUID_BYTES);
    uuid_derive(5000000, "routing", 7, "classify", 1, b);
    assert_memory_not_equal(a, b, UUID_BYTES);
}

static void bad_texts(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "018bcfe5-687b-7fff-bfff-fffffffffff", "018bcfe5-687b-7fff-bfff-fffffffffffg",
        "018bcfe5x687b-7fff-bfff-ffffffffffff", "018bcfe5-687b-7fff-bfff-ffffffffffff0"};
    uint8_t id[UUID_BYTES];
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(uuid_parse(bad[i], id), E_SYNTAX);
}

UNIT_MAIN(cmocka_unit_test(made_now), cmocka_unit_test(derived_by_every_argument),
          cmocka_unit_test(bad_texts))
