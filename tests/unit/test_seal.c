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

/* Every event there is: what its body seals is known, and it seals no second thing. */
static void what_an_event_seals_is_known(void **state)
{
    (void)state;
    const ProtobufCMessageDescriptor *d = &kesu__v1__event__descriptor;
    unsigned found = 0;
    for (unsigned i = 0; i < d->n_fields; i++) {
        if ((d->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0) continue;
        const ProtobufCMessageDescriptor *body = d->fields[i].descriptor;
        unsigned sealed = 0;
        for (unsigned k = 0; k < body->n_fields; k++) {
            if (body->fields[k].descriptor != &kesu__v1__sealed__descriptor) continue;
            assert_int_equal(sealed, 0);
            sealed = body->fields[k].id;
            found++;
        }
        if (seal_field_of(d->fields[i].id) != sealed) fail_msg("%s: %u", d->fields[i].name, sealed);
    }
    assert_true(found > 20);
    assert_int_equal(seal_field_of(0), 0);
    assert_int_equal(seal_field_of(60000), 0);
}

static void what_is_sealed_is_found_in_the_event(void **state)
{
    (void)state;
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__CallRecorded call = KESU__V1__CALL_RECORDED__INIT;
    Kesu__V1__Sealed sealed = KESU__V1__SEALED__INIT;
    e.body_case = KESU__V1__EVENT__BODY_CALL_RECORDED;
    e.call_recorded = &call;
    assert_null(seal_of_event(&e));
    call.words = &sealed;
    assert_ptr_equal(seal_of_event(&e), &sealed);
    e.body_case = KESU__V1__EVENT__BODY_WORK_STARTED;
    assert_null(seal_of_event(&e));
}

UNIT_MAIN(cmocka_unit_test(sealed_and_opened), cmocka_unit_test(ring_keeps_the_newest),
          cmocka_unit_test(what_an_event_seals_is_known),
          cmocka_unit_test(what_is_sealed_is_found_in_the_event))
