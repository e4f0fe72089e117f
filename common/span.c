// SPDX-License-Identifier: Apache-2.0
// Shared bytes: one allocation, an atomic count, freed by the last to let go.
#include "span.h"

#include <stdlib.h>

#include "check.h"

struct buf *buf_new(size_t n)
{
    struct buf *b = malloc(sizeof *b + n);
    CHECK(b != NULL);
    b->refs = 1;
    b->n = n;
    return b;
}

struct buf *buf_copy(struct span bytes)
{
    struct buf *b = buf_new(bytes.n);
    if (bytes.n > 0) memcpy(b->p, bytes.p, bytes.n);
    return b;
}

struct buf *buf_ref(struct buf *b)
{
    __atomic_fetch_add(&b->refs, 1, __ATOMIC_RELAXED);
    return b;
}

void buf_unref(struct buf *b)
{
    if (b == NULL) return;
    uint32_t before = __atomic_fetch_sub(&b->refs, 1, __ATOMIC_ACQ_REL);
    CHECK(before > 0);
    if (before == 1) free(b);
}
