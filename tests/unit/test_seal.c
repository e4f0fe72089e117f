// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "err.h"
#include "seal.h"

static void counting_random(struct env *env, void *ret, size_t n)
{
    static uint8_t next;
    (void)env;
    for (size_t i = 0; i < n; i++) ((uint8_t *)ret)[i] = next++;
}

static struct env env = {.name = "unit", .random = counting_random};

static void sealed_and_opened(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, &mem_libc, 1 << 20);
    struct seal_key key = {.id = 42, .secret = {1, 2, 3}};
    Kesu__V1__NoteText note = KESU__V1__NOTE_TEXT__INIT, *back = NULL;
    note.text = "外箱破損";
    Kesu__V1__Sealed s, again;
    assert_int_equal(seal_message(&env, &key, &note, &a, &s), 0);
    assert_int_equal(seal_message(&env, &key, &note, &a, &again), 0);
    assert_int_equal(s.key_id, 42);
    assert_int_equal(s.nonce.len, SEAL_NONCE_BYTES);
    assert_int_equal(s.ciphertext.len, codec_size(&note) + SEAL_TAG_BYTES);
    assert_memory_not_equal(s.ciphertext.data, again.ciphertext.data, s.ciphertext.len);
    assert_int_equal(seal_open_message(key.secret, &s, &kesu__v1__note_text__descriptor, &a, &back), 0);
    assert_string_equal(back->text, "外箱破損");

    struct span plain = SPAN_NONE;
    s.ciphertext.data[0] ^= 1;
    assert_int_equal(seal_open(key.secret, &s, &a, &plain), E_CRYPTO);
    s.ciphertext.data[0] ^= 1;
    s.key_id = 43;
    assert_int_equal(seal_open(key.secret, &s, &a, &plain), E_CRYPTO);
    s.key_id = 42;
    key.secret[31] = 9;
    assert_int_equal(seal_open(key.secret, &s, &a, &plain), E_CRYPTO);
    s.ciphertext.len = 3;
    assert_int_equal(seal_open(key.secret, &s, &a, &plain), E_CRYPTO);
    assert_null(plain.p);
    arena_deinit(&a);
}

static void ring_keeps_the_newest(void **state)
{
    (void)state;
    struct seal_ring *r = seal_ring_new(&mem_libc, 100);
    uint8_t secret[SEAL_KEY_BYTES] = {0};
    const uint8_t *got = NULL;
    for (uint64_t id = 1; id <= 250; id++) {
        secret[0] = (uint8_t)id;
        seal_ring_add(r, id, span_of(secret, sizeof secret));
    }
    assert_int_equal(seal_ring_get(r, 150, &got), E_NOT_FOUND);
    assert_null(got);
    for (uint64_t id = 151; id <= 250; id++) {
        assert_int_equal(seal_ring_get(r, id, &got), 0);
        assert_int_equal(got[0], (uint8_t)id);
    }
    seal_ring_add(r, 200, SPAN_NONE);
    assert_int_equal(seal_ring_get(r, 200, &got), E_ERASED);
    seal_ring_add(r, 200, span_of(secret, sizeof secret));
    assert_int_equal(seal_ring_get(r, 200, &got), 0);
    seal_ring_free(&r);
    assert_null(r);
}

UNIT_MAIN(cmocka_unit_test(sealed_and_opened), cmocka_unit_test(ring_keeps_the_newest))
