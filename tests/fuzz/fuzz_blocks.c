// SPDX-License-Identifier: Apache-2.0
// Blocks, as readers get them: what block_open takes can be walked.
#include "block.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = span_of(data, size);
    struct block_head head;
    block_verify(bytes, NULL);
    if (block_open(bytes, &head) != 0) return 0;
    size_t total = BLOCK_HEADER_BYTES + (size_t)head.count * BLOCK_ROW_BYTES;
    for (uint32_t i = 0; i < head.count; i++) {
        struct block_event e;
        block_event_at(bytes, i, &e);
        CHECK(e.bytes.p >= data && e.bytes.p + e.bytes.n <= data + size);
        CHECK(e.seq == head.first_seq + i);
        total += e.bytes.n;
        fuzz_message(&kesu__v1__event__descriptor, e.bytes);
    }
    CHECK(total == size);
    return 0;
}
