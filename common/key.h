/* SPDX-License-Identifier: Apache-2.0 */
/* Packing keys so that memcmp orders them: numbers big-endian, signed ones
 * with the top bit turned, text length-free and last. */
#ifndef KESU_KEY_H
#define KESU_KEY_H

#include "span.h"

#define KEY_MAX 500

struct key {
    size_t n;
    uint8_t p[KEY_MAX];
};

static inline struct span key_span(const struct key *k)
{
    return span_of(k->p, k->n);
}

/* Each appends; past KEY_MAX is a broken invariant: bound texts before. */
void key_u8(struct key *k, uint8_t v);
void key_u16(struct key *k, uint16_t v);
void key_u32(struct key *k, uint32_t v);
void key_u64(struct key *k, uint64_t v);
void key_i64(struct key *k, int64_t v);
void key_bytes(struct key *k, struct span v);
void key_text(struct key *k, const char *s); /* with a NUL after it, so that more may follow */

/* Reading back, from the front; false when too short. */
bool key_take_u8(struct span *k, uint8_t *ret);
bool key_take_u16(struct span *k, uint16_t *ret);
bool key_take_u32(struct span *k, uint32_t *ret);
bool key_take_u64(struct span *k, uint64_t *ret);
bool key_take_i64(struct span *k, int64_t *ret);
bool key_take_text(struct span *k, const char **ret); /* points into k */

#endif
