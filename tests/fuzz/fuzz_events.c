// SPDX-License-Identifier: Apache-2.0
// Events, as folds and intake read them back.
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_message(&kesu__v1__event__descriptor, span_of(data, size));
    return 0;
}
