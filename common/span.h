/* SPDX-License-Identifier: Apache-2.0 */
/* Borrowed bytes, and shared immutable bytes.
 *
 * A span owns nothing: it is valid as long as whoever gave it says.
 * A buf is reference counted, may be shared between threads, and is not
 * changed once a second reference exists. */
#ifndef KESU_SPAN_H
#define KESU_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *p;
    size_t n;
};

#define SPAN_NONE ((struct span){NULL, 0})
/* Of a string literal or array, without its NUL. */
#define SPAN_LIT(s) ((struct span){(const uint8_t *)(s), sizeof(s) - 1})

static inline struct span span_of(const void *p, size_t n)
{
    return (struct span){(const uint8_t *)p, n};
}

static inline struct span span_str(const char *s)
{
    return span_of(s, strlen(s));
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Order of memcmp, a prefix before what it begins. */
static inline int span_compare(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n > 0 ? memcmp(a.p, b.p, n) : 0;
    if (c != 0) return c;
    return a.n < b.n ? -1 : a.n > b.n;
}

struct buf {
    uint32_t refs; /* only through buf_ref and buf_unref */
    size_t n;
    uint8_t p[];
};

/* n bytes, not initialised, one reference. Never NULL: out of memory stops
 * the process. From malloc, because the last reference may go on any thread. */
struct buf *buf_new(size_t n);
struct buf *buf_copy(struct span bytes);
struct buf *buf_ref(struct buf *b);
void buf_unref(struct buf *b); /* accepts NULL */

static inline struct span buf_span(const struct buf *b)
{
    return b != NULL ? span_of(b->p, b->n) : SPAN_NONE;
}

#endif
