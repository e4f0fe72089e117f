/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: blocks in one total order, appended once. Only intake opens it.
 *
 * Nothing outside this module knows how blocks are stored: segments (one store
 * each, of about 1 GiB, one value a block), or memory. Syncs run on a lane. */
#ifndef KESU_JOURNAL_H
#define KESU_JOURNAL_H

#include "block.h"
#include "env.h"

struct journal;

struct journal_head {
    uint64_t seq;             /* of the last durable event, 0 when empty */
    int64_t time_us;          /* of its block */
    uint8_t hash[HASH_BYTES]; /* of its block, zeros when empty */
    uint64_t oldest_seq;      /* first event still here; 1 unless archived */
    uint8_t uuid[16];         /* made with the journal, kept for ever */
};

struct journal_opts {
    const char *path;       /* directory of the segments */
    uint64_t segment_bytes; /* 0 = 1 GiB */
};

/* E_IO E_CORRUPT E_EXISTS E_NOSPACE. Checks the chain of the last segment. */
int journal_open(struct env *env, const struct journal_opts *opts, struct journal **ret);
/* In memory, for tests; as asynchronous as the other. */
int journal_open_memory(struct env *env, struct journal **ret);
/* Waits for what is under way. */
void journal_close(struct journal *j); /* accepts NULL */

struct journal_head journal_head(const struct journal *j);

/* Work on a block that is not the loop's: run on a lane before the block is
 * chained and written, perhaps while that of another block runs. NULL: none. */
struct journal_step {
    void (*run)(void *self, struct buf *block);
    void *self;
};

/* Takes the block over until it is durable: lanes run the step, set prev_hash
 * and hash, write. Its first_seq must follow the last block appended
 * (durable or not). on_durable is called in order, in a later turn: 0, or
 * E_NOSPACE: then this block and all appended after it were not written (each
 * gets its call with E_NOSPACE, and until the last had it nothing may be
 * appended) and the journal is as before. A failed sync ends the process. */
void journal_append(struct journal *j, struct buf *block, struct journal_step step,
                    void (*on_durable)(void *self, int status), void *self);
uint64_t journal_pending(const struct journal *j); /* appended, not yet durable: bytes */

/* The durable block that holds seq; the caller unrefs it. E_NOT_FOUND past the
 * head, E_ARCHIVED, E_IO, E_CORRUPT. The newest are held in memory. */
int journal_read(struct journal *j, uint64_t seq, struct buf **ret);

/* The block with this event is still in memory, as it was made. */
bool journal_holds(const struct journal *j, uint64_t seq);

int journal_usage(struct journal *j, uint64_t *ret_bytes);

#endif
