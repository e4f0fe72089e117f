// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "key.h"

static void orders_as_numbers_do(void **state)
{
    (void)state;
    static const int64_t values[] = {INT64_MIN, -70000, -1, 0, 1, 255, 256, 70000, INT64_MAX};
    for (unsigned i = 0; i + 1 < sizeof values / sizeof values[0]; i++) {
        struct key a = {0}, b = {0};
        key_i64(&a, values[i]);
        key_i64(&b, values[i + 1]);
        assert_true(span_compare(key_span(&a), key_span(&b)) < 0);
        if (values[i] < 0) continue;
        a.n = b.n = 0;
        key_u64(&a, (uint64_t)values[i]);
        key_u64(&b, (uint64_t)values[i + 1]);
        assert_true(span_compare(key_span(&a), key_span(&b)) < 0);
    }
}

static void reads_back(void **state)
{
    (void)state;
    struct key k = {0};
    key_u8(&k, 7);
    key_u16(&k, 0x1234);
    key_u32(&k, 0xdeadbeef);
    key_u64(&k, UINT64_MAX - 1);
    key_i64(&k, -5);
    key_text(&k, "text");
    key_bytes(&k, SPAN_LIT("rest"));
    struct span s = key_span(&k);
    uint8_t a;
    uint16_t b;
    uint32_t c;
    uint64_t d;
    int64_t e;
    const char *t;
    assert_true(key_take_u8(&s, &a) && a == 7);
    assert_true(key_take_u16(&s, &b) && b == 0x1234);
    assert_true(key_take_u32(&s, &c) && c == 0xdeadbeef);
    assert_true(key_take_u64(&s, &d) && d == UINT64_MAX - 1);
    assert_true(key_take_i64(&s, &e) && e == -5);
    assert_true(key_take_text(&s, &t));
    assert_string_equal(t, "text");
    assert_true(span_equal(s, SPAN_LIT("rest")));
    assert_false(key_take_u64(&s, &d));
    assert_false(key_take_text(&s, &t));
    assert_int_equal(s.n, 4);
}

UNIT_MAIN(cmocka_unit_test(orders_as_numbers_do), cmocka_unit_test(reads_back))
