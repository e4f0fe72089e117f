// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "hash.h"

static void blake2b_256_of_nothing(void **state)
{
    (void)state;
    static const uint8_t expected[HASH_BYTES] = {
        0x0e, 0x57, 0x51, 0xc0, 0x26, 0xe5, 0x43, 0xb2, 0xe8, 0xab, 0x2e, 0xb0, 0x60, 0x99, 0xda, 0xa1,
        0xd1, 0xe5, 0xdf, 0x47, 0x77, 0x8f, 0x77, 0x87, 0xfa, 0xab, 0x45, 0xcd, 0xf1, 0x2f, 0xe3, 0xa8};
    uint8_t h[HASH_BYTES];
    hash_bytes(SPAN_NONE, h);
    assert_memory_equal(h, expected, HASH_BYTES);
}

static void pieces_are_one(void **state)
{
    (void)state;
    uint8_t a[HASH_BYTES], b[HASH_BYTES];
    struct span pieces[] = {SPAN_LIT("ab"), SPAN_NONE, SPAN_LIT("c")};
    hash_bytes(SPAN_LIT("abc"), a);
    hash_pieces(pieces, 3, b);
    assert_true(hash_equal(a, b, HASH_BYTES));
    b[31] ^= 1;
    assert_false(hash_equal(a, b, HASH_BYTES));
}

static void keyed_by_key_and_kind(void **state)
{
    (void)state;
    uint8_t key[HASH_KEY_BYTES] = {1}, other[HASH_KEY_BYTES] = {2};
    uint8_t a[HASH_SHORT_BYTES], b[HASH_SHORT_BYTES];
    hash_keyed(key, "contact", SPAN_LIT("x"), a);
    hash_keyed(key, "contact", SPAN_LIT("x"), b);
    assert_memory_equal(a, b, HASH_SHORT_BYTES);
    hash_keyed(other, "contact", SPAN_LIT("x"), b);
    assert_memory_not_equal(a, b, HASH_SHORT_BYTES);
    hash_keyed(key, "thread", SPAN_LIT("x"), b);
    assert_memory_not_equal(a, b, HASH_SHORT_BYTES);
}

static void keyed_of_any_length(void **state)
{
    (void)state;
    uint8_t key[HASH_KEY_BYTES] = {1}, text[1500], a[HASH_SHORT_BYTES], b[HASH_SHORT_BYTES];
    memset(text, 'x', sizeof text);
    for (size_t n = 1; n <= sizeof text; n++) {
        hash_keyed(key, "contact", span_of(text, n), a);
        hash_keyed(key, "contact", span_of(text, n - 1), b);
        assert_memory_not_equal(a, b, HASH_SHORT_BYTES);
        text[n - 1] ^= 1;
        hash_keyed(key, "contact", span_of(text, n), b);
        assert_memory_not_equal(a, b, HASH_SHORT_BYTES);
    }
}

static void expanded_as_the_seed_says(void **state)
{
    (void)state;
    uint8_t one[HASH_KEY_BYTES] = {1}, two[HASH_KEY_BYTES] = {2}, a[100], b[100];
    hash_expand(one, a, sizeof a);
    hash_expand(one, b, sizeof b);
    assert_memory_equal(a, b, sizeof a);
    hash_expand(two, b, sizeof b);
    assert_memory_not_equal(a, b, 8);
    assert_memory_not_equal(a, a + 50, 8);
}

static void fast_spreads(void **state)
{
    (void)state;
    unsigned buckets[256] = {0};
    for (uint64_t i = 0; i < 25600; i++) buckets[hash_fast(span_of(&i, sizeof i)) & 255]++;
    for (int i = 0; i < 256; i++) assert_in_range(buckets[i], 50, 160);
    uint8_t text[200] = {0};
    for (size_t n = 1; n <= sizeof text; n++) { // every byte counts, wherever it stands
        uint64_t before = hash_fast(span_of(text, n));
        for (size_t i = 0; i < n; i++) {
            text[i] ^= 1;
            assert_int_not_equal(hash_fast(span_of(text, n)), before);
            text[i] ^= 1;
        }
        assert_int_not_equal(hash_fast(span_of(text, n - 1)), before);
    }
    assert_int_not_equal(hash_fast(SPAN_LIT("a")), hash_fast(SPAN_LIT("a\0")));
}

UNIT_MAIN(cmocka_unit_test(blake2b_256_of_nothing), cmocka_unit_test(pieces_are_one),
          cmocka_unit_test(keyed_by_key_and_kind), cmocka_unit_test(keyed_of_any_length),
          cmocka_unit_test(expanded_as_the_seed_says), cmocka_unit_test(fast_spreads))
