/* SPDX-License-Identifier: Apache-2.0 */
/* An intake for tests of its readers and clients, in the simulated world: it
 * journals what the test says, serves the feed, and answers every command by a
 * function of the test. What it holds survives its crashes. */
#ifndef KESU_TEST_FAKE_INTAKE_H
#define KESU_TEST_FAKE_INTAKE_H

#include "block.h"
#include "bus.h"
#include "codec.h"
#include "sim/sim.h"

#define FAKE_FEED     "ipc://run/intake-feed.ipc" /* of a daemon with --run-dir run */
#define FAKE_COMMANDS "ipc://run/intake-services.ipc"

enum { FAKE_BLOCKS = 4096, FAKE_READERS = 16, FAKE_COMMANDS_MAX = 4096 };

struct fake_reader {
    uint64_t peer;
    uint64_t next_seq;
    int64_t credit;
    char name[80];
};

struct fake_command {
    Kesu__V1__Command *command; /* unpacked, ours */
    int64_t at_us;              /* wall time */
    unsigned times;             /* how often it came */
};

struct fake_intake {
    struct sim *sim;
    struct sim_instance *instance;
    struct env *env; /* NULL while down */
    uint8_t uuid[16];
    struct block_builder *builder;
    bool building;
    uint64_t seq;
    uint8_t hash[HASH_BYTES];
    struct buf *blocks[FAKE_BLOCKS];
    uint64_t firsts[FAKE_BLOCKS];
    unsigned n_blocks;
    bool from_memory; /* says that it still held the blocks */
    int64_t time_us;  /* of the next block; 0: virtual wall time */
    struct fake_reader readers[FAKE_READERS];
    unsigned n_readers, n_subscribed;
    uint64_t skips[8];
    unsigned n_skips;
    uint64_t keys_from; /* key ids from here on are handed out; their first byte is the id */
    uint64_t erased;    /* the key with this id is no more */
    struct fake_command commands[FAKE_COMMANDS_MAX];
    unsigned n_commands, n_batches;
    uint32_t credit; /* told to clients; 0 = 1024 */
    bool deaf;       /* takes nothing */
    bool slow_feed;  /* one block at a subscription, then waits for credit */
    /* Fills the reply of one command; NULL: accepted. False: no answer. */
    bool (*on_command)(void *self, const Kesu__V1__Command *command, bool again, Kesu__V1__Reply *reply);
    void *self;
    struct bus_server *feed, *lane;
    struct timer *timer;
};

void fake_intake_init(struct fake_intake *fi, struct sim *sim);
void fake_intake_deinit(struct fake_intake *fi);
/* Adds to the block at hand (sets no field but the body's); returns its seq. */
uint64_t fake_intake_event(struct fake_intake *fi, uint64_t case_id, Kesu__V1__Event *event);
/* Ends the block and sends it to readers. */
void fake_intake_block(struct fake_intake *fi);
/* All blocks gone, another uuid: as after a restore of another journal. */
void fake_intake_other_journal(struct fake_intake *fi);

#endif
