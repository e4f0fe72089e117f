// SPDX-License-Identifier: Apache-2.0
// What a worker sends to routing.
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_message(&kesu__v1__to_routing__descriptor, span_of(data, size));
    return 0;
}
