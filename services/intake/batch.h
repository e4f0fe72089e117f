/* SPDX-License-Identifier: Apache-2.0 */
/* Group commit.
 *
 *   message ─▶ decide each ─▶ block being built ─▶ append ─ ─ sync ─ ─▶ durable
 *      │                          ▲ more while one commit runs            │
 *      └─ reply, kept back ───────┴──────────────────────────────────────▶ replies, then the block to readers
 *
 * There is no timer: while one commit runs the next block gathers; a full
 * block is appended at once behind it. */
#ifndef INTAKE_BATCH_H
#define INTAKE_BATCH_H

#include "bus.h"
#include "codec.h"
#include "decide.h"
#include "hint.h"
#include "journal.h"
#include "seal.h"

struct intake;

struct pending_block {
    struct pending_block *next;
    uint64_t last_seq;
    int64_t appended_mono_us;
    struct hint_set hints;
    unsigned n_keys; /* of what is sealed on the journal's lane, in the order of events */
    struct seal_key keys[BLOCK_MAX_EVENTS];
};

struct pending_reply {
    struct pending_reply *next;
    uint64_t ticket; /* leaves when this seq is durable */
    struct bus_server *server;
    uint64_t peer;
    unsigned n_commands;
    struct buf *bytes;
};

struct intake_batch {
    struct block_builder *builder;
    int64_t block_time; /* of the block being built */
    uint64_t next_seq;
    struct pending_block *building; /* what goes with the block being built */
    struct pending_block *blocks, **blocks_end, *spare;
    unsigned in_flight;
    struct pending_reply *replies, **replies_end;
    bool not_written; /* an append failed: roll back when the last answer came */
    unsigned yymm;    /* of block_time, for the policy in force */
    int64_t yymm_until_us;
    const Kesu__V1__Policy *yymm_policy;
    struct arena arena;
};

void intake_batch_init(struct intake *in);
void intake_batch_deinit(struct intake *in);
/* The journal's head is where the next event goes: after replay. */
void intake_batch_begin(struct intake *in);
/* One CommandBatch from a peer. */
void intake_batch_message(struct intake *in, struct bus_server *server, uint64_t peer,
                          const struct bus_msg *msg);
/* A command of our own (the policy of --policy-dir). 0 or the refusal. */
int intake_batch_own(struct intake *in, Kesu__V1__Command *command);
/* End of a turn: appends, rolls back, sends what may leave. */
void intake_batch_turn(struct intake *in);

#endif
