// SPDX-License-Identifier: Apache-2.0
// Batches of commands, as intake takes them.
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct codec_error e = {0}, *errors = NULL;
    Kesu__V1__CommandBatch *batch = NULL;
    arena_init(&a, &mem_libc, 32 << 20);
    if (codec_unpack_commands(span_of(data, size), &a, &batch, &errors, &e) == 0) {
        for (size_t i = 0; i < batch->n_commands; i++) {
            struct span packed = codec_pack(batch->commands[i], &a);
            Kesu__V1__Command *again = NULL;
            CHECK(errors[i].code <= 0);
            if (errors[i].code != 0) CHECK(batch->commands[i]->body_case == KESU__V1__COMMAND__BODY__NOT_SET);
            CHECK(codec_unpack(&kesu__v1__command__descriptor, packed, &a, &again, &e) == 0);
        }
    } else {
        CHECK(e.code < 0 && e.reason[0] != '\0');
    }
    arena_deinit(&a);
    return 0;
}
