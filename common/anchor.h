/* SPDX-License-Identifier: Apache-2.0 */
/* A signed head of the journal, as text to be kept elsewhere:
 *
 *     SEQ HASH
 *     journal UUID
 *     time MICROSECONDS
 *     key PUBLIC-KEY
 *     signature SIGNATURE
 *
 * Ed25519 over the first four lines. Who has kept one can show later that the
 * journal up to SEQ is still the same. A file with the first line alone is
 * taken too: it proves as much to whoever wrote it. */
#ifndef KESU_ANCHOR_H
#define KESU_ANCHOR_H

#include "hash.h"

#define ANCHOR_TEXT       512
#define ANCHOR_SEED_BYTES 32
#define ANCHOR_KEY_BYTES  32

struct anchor {
    uint64_t seq;
    uint8_t hash[HASH_BYTES];
    uint8_t journal_uuid[16];
    int64_t time_us;
    bool is_signed;
    uint8_t key[ANCHOR_KEY_BYTES]; /* public */
};

/* Signs with the key made from the seed; sets a->key and a->is_signed. */
void anchor_write(struct anchor *a, const uint8_t seed[ANCHOR_SEED_BYTES], char ret[ANCHOR_TEXT]);
/* E_SYNTAX: no anchor; E_CRYPTO: the signature is not of this text. */
int anchor_read(const char *text, struct anchor *ret);

#endif
