// SPDX-License-Identifier: Apache-2.0
// Keys ordered by memcmp.
#include "key.h"

#include <endian.h>

#include "check.h"

static void append(struct key *k, const void *p, size_t n)
{
    CHECK(n <= KEY_MAX - k->n);
    if (n > 0) memcpy(k->p + k->n, p, n);
    k->n += n;
}

static void append_number(struct key *k, uint64_t v, unsigned n)
{
    v = htobe64(v);
    append(k, (const uint8_t *)&v + (sizeof v - n), n);
}

void key_u8(struct key *k, uint8_t v)
{
    append_number(k, v, 1);
}

void key_u16(struct key *k, uint16_t v)
{
    append_number(k, v, 2);
}

void key_u32(struct key *k, uint32_t v)
{
    append_number(k, v, 4);
}

void key_u64(struct key *k, uint64_t v)
{
    append_number(k, v, 8);
}

void key_i64(struct key *k, int64_t v)
{
    append_number(k, (uint64_t)v ^ (UINT64_C(1) << 63), 8);
}

void key_bytes(struct key *k, struct span v)
{
    append(k, v.p, v.n);
}

void key_text(struct key *k, const char *s)
{
    append(k, s, strlen(s) + 1);
}

static bool take_number(struct span *k, unsigned n, uint64_t *ret)
{
    if (k->n < n) return false;
    uint64_t v = 0;
    memcpy((uint8_t *)&v + (sizeof v - n), k->p, n);
    k->p += n;
    k->n -= n;
    *ret = be64toh(v);
    return true;
}

bool key_take_u8(struct span *k, uint8_t *ret)
{
    uint64_t v;
    if (!take_number(k, 1, &v)) return false;
    *ret = (uint8_t)v;
    return true;
}

bool key_take_u16(struct span *k, uint16_t *ret)
{
    uint64_t v;
    if (!take_number(k, 2, &v)) return false;
    *ret = (uint16_t)v;
    return true;
}

bool key_take_u32(struct span *k, uint32_t *ret)
{
    uint64_t v;
    if (!take_number(k, 4, &v)) return false;
    *ret = (uint32_t)v;
    return true;
}

bool key_take_u64(struct span *k, uint64_t *ret)
{
    return take_number(k, 8, ret);
}

bool key_take_i64(struct span *k, int64_t *ret)
{
    uint64_t v;
    if (!take_number(k, 8, &v)) return false;
    *ret = (int64_t)(v ^ (UINT64_C(1) << 63));
    return true;
}

bool key_take_text(struct span *k, const char **ret)
{
    const uint8_t *end = k->n > 0 ? memchr(k->p, 0, k->n) : NULL;
    if (end == NULL) return false;
    *ret = (const char *)k->p;
    k->n -= (size_t)(end + 1 - k->p);
    k->p = end + 1;
    return true;
}
