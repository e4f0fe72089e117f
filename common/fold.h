/* SPDX-License-Identifier: Apache-2.0 */
/* A fold: state computed from the journal, effectively once.
 *
 *          subscribe            block               drained, or 20 ms
 *   opening ──────▶ catching up ─────▶ handlers ─────▶ commit(state, cursor, outbox)
 *                        │                                    │
 *                        └── cursor = head ──▶ live ◀─────────┘ then effects and commands leave
 *
 * A service gives a const table of handlers by event type and its tables; the
 * skeleton keeps the store (one write transaction open while folding), the
 * cursor, the outbox, and the rules: nothing leaves before its row is
 * committed, nothing leaves before the head that Subscribe reported is
 * reached, a mismatch of the journal or a changed fold_version rebuilds from
 * seq 1, three deaths on one event halt the fold unready (until `kesu fold
 * skip`), events in the skip list are stepped over.
 *
 * The same handlers run while rebuilding: they may only read and write the
 * fold's tables, call fold_send, and use ev->time_us as the time. */
#ifndef KESU_FOLD_H
#define KESU_FOLD_H

#include "codec.h"
#include "env.h"
#include "seal.h"
#include "store.h"

struct fold;

struct fold_event {
    uint64_t seq;
    uint16_t type;
    uint64_t case_id;
    int64_t time_us;              /* block time */
    const Kesu__V1__Event *event; /* valid during the call */
    struct arena *arena;          /* scratch, valid during the call */
};

/* 0, or an error, which halts the fold (a broken invariant of the service). */
typedef int (*fold_handler)(void *self, struct fold *f, const struct fold_event *ev);

struct fold_row {
    uint16_t type; /* KESU__V1__EVENT__BODY_CASE_OPENED ... */
    fold_handler handle;
};

struct fold_def {
    const char *name;
    uint32_t version;          /* raise it when handlers or tables change meaning */
    const char *const *tables; /* the service's, numbered from 0 */
    unsigned n_tables;
    const struct fold_row *rows;
    unsigned n_rows;
    bool personal;        /* wants keys */
    unsigned without;     /* enum codec_detail: parts of events that its handlers do not read */
    enum store_sync sync; /* FULL for folds with outside effects */
    /* All may be NULL. */
    int (*on_open)(void *self,
                   struct fold *f); /* store open, before the first event: load what memory needs */
    void (*on_reset)(void *self, struct fold *f); /* store emptied: drop what memory holds */
    /* Just before a commit, in its transaction: write what handlers gathered in memory. 0, or an error,
     * which halts the fold. Also called by fold_close and before a store is compared. */
    int (*on_commit)(void *self, struct fold *f);
    void (*on_committed)(void *self, struct fold *f); /* effects may leave if fold_live */
    void (*on_live)(void *self, struct fold *f);
    /* A command of the outbox was refused for good (not RETRY: those the
     * skeleton sends again, but E_CAPACITY and E_ABSENT come here too: somebody
     * else may have room); called inside the open write transaction, the outbox
     * row is already gone. STALE: decide again. What was accepted tells the journal. */
    void (*on_refused)(void *self, struct fold *f, const Kesu__V1__Command *command,
                       const Kesu__V1__Refused *refused);
    /* `fold verify` folds the journal again into a second store, with a second
     * state of the service made here (no effects: only handlers, on_open and
     * on_commit are called with it). NULL: the service keeps nothing in memory
     * and self serves both; with on_reset or on_commit it must be given. */
    int (*aside_open)(void *self, void **ret_self);
    void (*aside_close)(void *aside);
    uint64_t local_tables; /* bit i: table i also holds what is not in the journal (attempts): not compared */
};

struct fold_opts {
    const char *data_dir; /* store in DATA_DIR/NAME.fold */
    const char *feed_endpoint;
    const char *command_endpoint; /* NULL: sends none */
    const struct bus_keys *keys;
    uint64_t pause_below_bytes; /* stops folding while less is free in data_dir; 0: never */
};

int fold_open(struct env *env, const struct fold_def *def, const struct fold_opts *opts, void *self,
              struct fold **ret);
void fold_close(struct fold *f); /* accepts NULL; commits what is folded */

/* The service's tables, in the open write transaction. As in store.h. */
int fold_get(struct fold *f, unsigned table, struct span key, struct span *ret);
void fold_put(struct fold *f, unsigned table, struct span key, struct span value);
void fold_del(struct fold *f, unsigned table, struct span key); /* nothing when missing */
/* cursor: see store_seek and store_step; close it before the next write. */
int fold_cursor(struct fold *f, unsigned table, struct store_cursor **ret);
/* Messages as values. */
int fold_get_message(struct fold *f, unsigned table, struct span key, const ProtobufCMessageDescriptor *d,
                     struct arena *arena, void *ret_message);
void fold_put_message(struct fold *f, unsigned table, struct span key, const void *message);
/* Asks for a commit at the end of the turn, for writes made outside handlers
 * (timers, answers of the outside); those are made in the same transaction. */
void fold_touch(struct fold *f);

/* Puts a command into the outbox. Its id is derived from (fold, cause_seq,
 * purpose, target) and time_us; actor is set to the service. The same
 * identity twice is one row. Leaves after the commit, when live; in order per
 * case. urgent: commit at the end of this turn. */
void fold_send(struct fold *f, Kesu__V1__Command *command, uint64_t cause_seq, int64_t time_us,
               const char *purpose, uint64_t target, bool urgent);
/* Takes it out again if it has not been answered (its outcome was folded). */
void fold_unsend(struct fold *f, uint64_t cause_seq, int64_t time_us, const char *purpose, uint64_t target);

bool fold_live(const struct fold *f);
unsigned fold_unanswered(const struct fold *f); /* commands in the outbox */
uint64_t fold_cursor_seq(const struct fold *f);
int64_t fold_block_time(const struct fold *f); /* of the last folded block */
uint64_t
fold_rebuilt_to(const struct fold *f); /* head when a rebuild began; 0: store was kept. For the 24 h rule. */
const uint8_t *fold_journal_uuid(const struct fold *f); /* 16 bytes; zeros before the first Subscribe */
struct seal_ring *fold_ring(struct fold *f);
void fold_want_keys(struct fold *f, const uint64_t *key_ids, unsigned n, void (*on_keys)(void *self),
                    void *self);
/* NULL when ready, else why not. */
const char *fold_not_ready(const struct fold *f);

/* The policy in force at the cursor, kept by the skeleton; NULL before the
 * first activation. hash: 32 bytes. Valid until the next event. */
const Kesu__V1__Policy *fold_policy(const struct fold *f, const uint8_t **ret_hash);

#endif
