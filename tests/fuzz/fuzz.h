/* SPDX-License-Identifier: Apache-2.0 */
/* What every fuzz target of a message type does: what is taken must survive
 * packing and JSON, within its memory. */
#ifndef KESU_FUZZ_H
#define KESU_FUZZ_H

#include "check.h"
#include "codec.h"
#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_message(const ProtobufCMessageDescriptor *d, struct span bytes)
{
    struct arena a;
    struct codec_error e = {0};
    void *m = NULL, *again = NULL, *from_json = NULL;
    arena_init(&a, &mem_libc, 32 << 20);
    if (codec_unpack(d, bytes, &a, &m, &e) == 0) {
        struct span packed = codec_pack(m, &a);
        CHECK(packed.p != NULL || codec_size(m) == 0);
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
