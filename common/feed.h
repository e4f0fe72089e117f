/* SPDX-License-Identifier: Apache-2.0 */
/* Following the journal from a seq: what folds and `kesu tail` are made of. */
#ifndef KESU_FEED_H
#define KESU_FEED_H

#include "block.h"
#include "bus.h"
#include "seal.h"

struct feed;

struct feed_opts {
    const char *endpoint;
    const char *name;
    uint8_t journal_uuid[16]; /* zeros: whichever */
    uint64_t from_seq;
    uint8_t last_hash[HASH_BYTES]; /* zeros: do not compare */
    bool compare_hash;
    uint64_t credit_bytes;  /* 0 = 8 MiB */
    struct seal_ring *ring; /* not NULL: wants keys, put here before their block is given */
    const struct bus_keys *keys;
    void *self;
    void (*on_subscribed)(void *self, const Kesu__V1__Subscribed *s);
    /* In order, without gaps, hash and chain verified (a break is E_CORRUPT to
     * on_refused). The buf may be kept by reference. */
    void (*on_block)(void *self, struct buf *block, const struct block_head *head);
    void (*on_head)(void *self, uint64_t head_seq, int64_t block_time);
    void (*on_refused)(void *self, int err); /* E_MISMATCH: rebuild; E_ARCHIVED */
};

int feed_open(struct env *env, const struct feed_opts *opts, struct feed **ret);
void feed_close(struct feed *f);           /* accepts NULL */
bool feed_is_silent(const struct feed *f); /* nothing heard of intake for longer than it may be still */
/* The reader is done with this many bytes: credit for more. folded_seq: for operators. */
void feed_done(struct feed *f, size_t bytes, uint64_t folded_seq);
/* Asks intake for keys the ring has not; they arrive in the ring and on_keys is called. */
void feed_want_keys(struct feed *f, const uint64_t *key_ids, unsigned n, void (*on_keys)(void *self),
                    void *self);

#endif
