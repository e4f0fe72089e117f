// SPDX-License-Identifier: Apache-2.0
// What a reader sends to the feed.
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_message(&kesu__v1__feed_request__descriptor, span_of(data, size));
    return 0;
}
