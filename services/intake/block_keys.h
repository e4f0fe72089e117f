/* SPDX-License-Identifier: Apache-2.0 */
/* The sealed parts of a block's events, found without unpacking. */
#ifndef INTAKE_BLOCK_KEYS_H
#define INTAKE_BLOCK_KEYS_H

#include "block.h"
#include "seal.h"

/* Ids of the keys a block's events are sealed with, each once in a row. */
unsigned intake_block_keys(struct span block, uint64_t *ret, unsigned max);

/* Seals what seal_prepare left to be done, the keys in the order of the
 * events. Every part that has a key id is one of them. */
void intake_block_seal(struct buf *block, const struct seal_key *keys, unsigned n_keys);

#endif
