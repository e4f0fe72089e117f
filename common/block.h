/* SPDX-License-Identifier: Apache-2.0 */
/* The block: events of one group commit; unit of commit, wire and replay.
 *
 * All numbers little-endian. Layout:
 *
 *     0  4  magic "KSB1"
 *     4  2  format version, 1
 *     6  2  flags, 0
 *     8  8  first_seq, from 1
 *    16  4  count of events, 1..1024
 *    20  4  length of the whole block, bytes
 *    24  8  block time, microseconds
 *    32 32  prev_hash: hash of the block before, zeros for the first
 *    64 32  hash: BLAKE2b-256 of the whole block with these 32 bytes left out
 *    96 20  a row an event: type u16, flags u16, case id u64, offset u32, length u32
 *           (offset from the start of the block)
 *     .  .  the events, encoded Event messages
 */
#ifndef KESU_BLOCK_H
#define KESU_BLOCK_H

#include "hash.h"
#include "mem.h"

#define BLOCK_MAX_EVENTS   1024
#define BLOCK_CLOSE_BYTES  ((size_t)512 << 10) /* closed when it would grow past this ... */
#define BLOCK_MAX_BYTES    ((size_t)1 << 20)   /* ... which one large event may, to here */
#define BLOCK_HEADER_BYTES 96
#define BLOCK_ROW_BYTES    20

struct block_head {
    uint64_t first_seq;
    uint32_t count;
    uint32_t bytes;
    int64_t time_us;
    const uint8_t *prev_hash;
    const uint8_t *hash;
};

struct block_event {
    uint64_t seq;
    uint16_t type; /* number of the oneof field in Event */
    uint16_t flags;
    uint64_t case_id;
    struct span bytes; /* into the block */
};

struct block_builder; /* grows its buffers once, reused block after block */

struct block_builder *block_builder_new(struct mem *m);
void block_builder_free(struct block_builder **p);
void block_begin(struct block_builder *b, uint64_t first_seq, int64_t time_us);
/* Room for n more bytes as one event? An empty block always has it up to BLOCK_MAX_BYTES. */
bool block_has_room(const struct block_builder *b, size_t n_events, size_t n_bytes);
/* Returns n bytes to be filled with the encoded event. */
uint8_t *block_add(struct block_builder *b, uint16_t type, uint16_t flags, uint64_t case_id, size_t n);
uint32_t block_count(const struct block_builder *b);
/* All but prev_hash and hash, which block_chain sets. */
struct buf *block_finish(const struct block_builder *b);
/* Sets prev_hash, computes hash (also into ret_hash, which may be prev_hash itself). */
void block_chain(struct buf *block, const uint8_t prev_hash[HASH_BYTES], uint8_t ret_hash[HASH_BYTES]);

/* Structure only: E_CORRUPT when lengths, offsets or counts do not fit. */
int block_open(struct span bytes, struct block_head *ret);
/* The hash, and prev_hash when given: E_CORRUPT. */
int block_verify(struct span bytes, const uint8_t *prev_hash);
/* i < count, of a block that block_open took. */
void block_event_at(struct span bytes, uint32_t i, struct block_event *ret);

#endif
