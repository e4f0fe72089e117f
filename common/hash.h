/* SPDX-License-Identifier: Apache-2.0 */
/* BLAKE2b, plain and keyed. */
#ifndef KESU_HASH_H
#define KESU_HASH_H

#include "span.h"

#define HASH_BYTES       32
#define HASH_KEY_BYTES   32
#define HASH_SHORT_BYTES 16

void hash_bytes(struct span in, uint8_t ret[HASH_BYTES]);
/* Over several pieces, as if they were one. */
void hash_pieces(const struct span *in, unsigned n, uint8_t ret[HASH_BYTES]);
/* Keyed, 16 bytes: for looking things up without keeping them. The kind
 * separates uses ("contact", "thread", ...). */
void hash_keyed(const uint8_t key[HASH_KEY_BYTES], const char *kind, struct span in,
                uint8_t ret[HASH_SHORT_BYTES]);
/* Keyed, 8 bytes, fast (SipHash-2-4, the first 16 bytes of the key): to notice
 * that content differs, without telling what it was. */
uint64_t hash_keyed_u64(const uint8_t key[HASH_KEY_BYTES], struct span in);
/* In constant time. */
bool hash_equal(const void *a, const void *b, size_t n);
/* For tables in memory only: fast, not for outside. */
uint64_t hash_fast(struct span in);

#endif
