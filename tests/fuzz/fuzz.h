/* SPDX-License-Identifier: Apache-2.0 */
/* What every fuzz target of a message type does: what is taken must survive
 * packing and JSON, within its memory. */
#ifndef KESU_FUZZ_H
#define KESU_FUZZ_H

#include "check.h"
#include "codec.h"
#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void *fuzz_alloc(void *arena, size_t n)
{
    return arena_alloc(arena, n);
}

static inline void fuzz_free(void *arena, void *p)
{
    (void)arena;
    (void)p;
}

/* Ours leaves out the fields of a newer version, protobuf-c keeps them. */
static inline void fuzz_forget_unknown(ProtobufCMessage *m)
{
    m->n_unknown_fields = 0;
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        uint8_t *at = (uint8_t *)m + f->offset;
        const uint32_t *quantifier = (const void *)((uint8_t *)m + f->quantifier_offset);
        bool one_of = (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
        if (f->type != PROTOBUF_C_TYPE_MESSAGE || (one_of && *quantifier != f->id)) continue;
        if (f->label != PROTOBUF_C_LABEL_REPEATED) {
            ProtobufCMessage *nested = *(ProtobufCMessage **)(void *)at;
            if (nested != NULL) fuzz_forget_unknown(nested);
            continue;
        }
        for (size_t j = 0; j < *(const size_t *)(const void *)quantifier; j++)
            fuzz_forget_unknown((*(ProtobufCMessage ***)(void *)at)[j]);
    }
}

/* What our unpack takes, protobuf-c's takes too and reads the same, and packs it the same. */
static inline void fuzz_compare(const ProtobufCMessageDescriptor *d, struct span bytes, struct span packed)
{
    struct arena a;
    arena_init(&a, &mem_libc, 256 << 20);
    ProtobufCAllocator allocator = {fuzz_alloc, fuzz_free, &a};
    ProtobufCMessage *m = protobuf_c_message_unpack(d, &allocator, bytes.n, bytes.p);
    CHECK(m != NULL);
    fuzz_forget_unknown(m);
    uint8_t *wanted = arena_alloc(&a, codec_size(m));
    CHECK(wanted != NULL && protobuf_c_message_pack(m, wanted) == packed.n);
    CHECK(span_equal(span_of(wanted, packed.n), packed));
    arena_deinit(&a);
}

static inline void fuzz_message(const ProtobufCMessageDescriptor *d, struct span bytes)
{
    struct arena a;
    struct codec_error e = {0};
    void *m = NULL, *again = NULL, *from_json = NULL;
    arena_init(&a, &mem_libc, 32 << 20);
    if (codec_unpack(d, bytes, &a, &m, &e) == 0) {
        struct span packed = codec_pack(m, &a);
        CHECK(packed.p != NULL && packed.n == codec_size(m));
        fuzz_compare(d, bytes, packed);
        CHECK(codec_unpack(d, packed, &a, &again, &e) == 0);
        CHECK(codec_size(again) == packed.n);
        char *json = json_from_message(&mem_libc, m, 0);
        CHECK(json_to_message(d, span_str(json), &a, &from_json, &e) == 0);
        mem_free(&mem_libc, json);
    } else {
        CHECK(e.code < 0 && e.reason[0] != '\0');
    }
    arena_deinit(&a);
}

#endif
