// SPDX-License-Identifier: Apache-2.0
// Messages filled at random by their descriptors: the bytes are protobuf-c's.
#include "unit.h"

#include <stdlib.h>

#include "codec.h"
#include "pack.h"

static uint64_t state_of_random = 1;

static uint64_t draw(uint64_t below)
{
    state_of_random = state_of_random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state_of_random >> 33) % below;
}

static uint64_t draw_number(void)
{
    static const uint64_t some[] = {0, 1, 127, 128, 300, INT32_MAX, (uint64_t)-1, UINT64_C(1) << 63, 16384};
    return some[draw(sizeof some / sizeof some[0])];
}

static void *fill(const ProtobufCMessageDescriptor *d, struct arena *a);

static void fill_value(const ProtobufCFieldDescriptor *f, uint8_t *member, struct arena *a)
{
    uint64_t v = draw_number();
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING: {
        char *text = arena_printf(a, "%.*s", (int)draw(200),
                                  "a text of some length, a text of some length, "
                                  "a text of some length, a text of some length, "
                                  "a text of some length, a text of some length");
        memcpy(member, &text, sizeof text);
        return;
    }
    case PROTOBUF_C_TYPE_BYTES: {
        ProtobufCBinaryData b = {draw(40), arena_zalloc(a, 40)};
        memcpy(member, &b, sizeof b);
        return;
    }
    case PROTOBUF_C_TYPE_MESSAGE: {
        void *m = fill(f->descriptor, a);
        memcpy(member, &m, sizeof m);
        return;
    }
    case PROTOBUF_C_TYPE_BOOL: {
        protobuf_c_boolean b = v != 0;
        memcpy(member, &b, sizeof b);
        return;
    }
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        memcpy(member, &v, 8);
        return;
    default:
        memcpy(member, &v, 4);
    }
}

static size_t value_room(const ProtobufCFieldDescriptor *f)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_ENUM:
        return 4;
    default:
        return 8;
    }
}

static void *fill(const ProtobufCMessageDescriptor *d, struct arena *a)
{
    uint8_t *m = arena_alloc(a, d->sizeof_message);
    assert_non_null(m);
    d->message_init((ProtobufCMessage *)(void *)m);
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        if (draw(3) == 0) continue;
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t n = draw(4), size = value_room(f);
            uint8_t *list = arena_zalloc(a, (n + 1) * size);
            for (size_t k = 0; k < n; k++) fill_value(f, list + k * size, a);
            memcpy(m + f->quantifier_offset, &n, sizeof n);
            memcpy(m + f->offset, &list, sizeof list);
            continue;
        }
        if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
            if (draw(4) != 0) continue;
            memcpy(m + f->quantifier_offset, &f->id, sizeof f->id);
            memset(m + f->offset, 0, value_room(f));
        }
        fill_value(f, m + f->offset, a);
    }
    return m;
}

static void same_bytes(const ProtobufCMessageDescriptor *d)
{
    struct arena a;
    arena_init(&a, &mem_libc, 64 << 20);
    for (unsigned i = 0; i < 300; i++) {
        arena_reset(&a);
        const ProtobufCMessage *m = fill(d, &a);
        size_t n = protobuf_c_message_get_packed_size(m);
        uint8_t *wanted = arena_alloc(&a, n);
        protobuf_c_message_pack(m, wanted);
        struct span got = codec_pack(m, &a);
        assert_int_equal(got.n, n);
        assert_memory_equal(got.p, wanted, n);
        struct buf *b = codec_pack_buf(m);
        assert_int_equal(b->n, n);
        assert_memory_equal(b->p, wanted, n);
        buf_unref(b);
    }
    arena_deinit(&a);
}

static void random_messages_have_the_bytes_of_protobuf_c(void **state)
{
    (void)state;
    static const ProtobufCMessageDescriptor *const all[] = {
        &kesu__v1__event__descriptor,       &kesu__v1__command_batch__descriptor,
        &kesu__v1__reply_batch__descriptor, &kesu__v1__case_state__descriptor,
        &kesu__v1__policy__descriptor,      &kesu__v1__feed_reply__descriptor,
        &kesu__v1__task__descriptor,        &kesu__v1__case_detail__descriptor,
        &kesu__v1__personal__descriptor,    &kesu__v1__control_reply__descriptor,
    };
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) same_bytes(all[i]);
}

static void fields_of_a_newer_version_are_kept(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x12, 1, 'x', 0xfa, 0x3f, 3, 'n', 'e', 'w', 0xf8, 0x3f, 0x96, 0x01};
    Kesu__V1__Actor *actor = kesu__v1__actor__unpack(NULL, sizeof bytes, bytes);
    uint8_t wanted[64], room[64];
    assert_non_null(actor);
    size_t n = kesu__v1__actor__pack(actor, wanted);
    struct span got = pack_end(actor, room, sizeof room);
    assert_true(n >= 10);
    assert_int_equal(got.n, n);
    assert_memory_equal(got.p, wanted, n);
    kesu__v1__actor__free_unpacked(actor, NULL);
}

static void too_small_a_room_is_not_left(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, &mem_libc, 1 << 20);
    for (unsigned i = 0; i < 300; i++) {
        uint8_t room[4096];
        arena_reset(&a);
        const void *m = fill(&kesu__v1__event__descriptor, &a);
        size_t n = protobuf_c_message_get_packed_size(m), given = draw(n + 64);
        if (given + 64 > sizeof room) continue;
        memset(room, 0x5a, sizeof room);
        struct span got = pack_end(m, room + 32, given);
        assert_true(got.p == NULL ? given < n + 32 : got.n == n);
        for (size_t k = 0; k < 32; k++) assert_int_equal(room[k], 0x5a);
    }
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_messages_have_the_bytes_of_protobuf_c),
        cmocka_unit_test(fields_of_a_newer_version_are_kept),
        cmocka_unit_test(too_small_a_room_is_not_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
