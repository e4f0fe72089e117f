// SPDX-License-Identifier: Apache-2.0
// Control and query requests.
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_message(&kesu__v1__control_request__descriptor, span_of(data, size));
    return 0;
}
