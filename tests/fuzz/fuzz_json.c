// SPDX-License-Identifier: Apache-2.0
// JSON of a ReceiveMessage, as the command line takes it.
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct codec_error e = {0};
    void *m = NULL;
    arena_init(&a, &mem_libc, 32 << 20);
    if (json_to_message(&kesu__v1__receive_message__descriptor, span_of(data, size), &a, &m, &e) == 0)
        fuzz_message(&kesu__v1__receive_message__descriptor, codec_pack(m, &a));
    else
        CHECK(e.code < 0 && e.reason[0] != '\0');
    arena_deinit(&a);
    return 0;
}
