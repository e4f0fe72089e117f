/* SPDX-License-Identifier: Apache-2.0 */
/* BLAKE2b, and SipHash with keys. */
#ifndef KESU_HASH_H
#define KESU_HASH_H

#include "span.h"

#define HASH_BYTES       32
#define HASH_KEY_BYTES   32
#define HASH_SHORT_BYTES 16

void hash_bytes(struct span in, uint8_t ret[HASH_BYTES]);
/* Over several pieces, as if they were one. */
void hash_pieces(const struct span *in, unsigned n, uint8_t ret[HASH_BYTES]);
/* Keyed, 16 bytes (SipHash-2-4-128, the first 16 bytes of the key; BLAKE2b-128
 * of what is longer than 1,000 bytes): for looking things up without keeping
 * them. The kind separates uses ("contact", "thread", ...). */
void hash_keyed(const uint8_t key[HASH_KEY_BYTES], const char *kind, struct span in,
                uint8_t ret[HASH_SHORT_BYTES]);
/* Keyed, 8 bytes, fast (SipHash-2-4, the first 16 bytes of the key): to notice
 * that content differs, without telling what it was. */
uint64_t hash_keyed_u64(const uint8_t key[HASH_KEY_BYTES], struct span in);
/* Random bytes from a random seed: ChaCha20. The seed is used once. */
void hash_expand(const uint8_t seed[HASH_KEY_BYTES], uint8_t *ret, size_t n);
/* In constant time. */
bool hash_equal(const void *a, const void *b, size_t n);
/* For tables in memory only: fast, not for outside. */
uint64_t hash_fast(struct span in);

#endif
