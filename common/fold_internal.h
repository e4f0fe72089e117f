/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the fold share. Nobody else includes this.
 *
 * fold.c life, feed and halting · fold_txn.c transaction, position, commits ·
 * fold_apply.c blocks to handlers · fold_outbox.c commands · fold_policy.c the
 * policy in force · fold_trial.c deaths · fold_pause.c low storage · fold_verify.c a second store beside ·
 * fold_control.c the control socket */
#ifndef KESU_FOLD_INTERNAL_H
#define KESU_FOLD_INTERNAL_H

#include "clock.h"
#include "command.h"
#include "feed.h"
#include "files.h"
#include "fold.h"
#include "sched.h"
#include "stats.h"
#include "uuid.h"

#define FOLD_SCHEMA_VERSION 1
#define FOLD_TYPES          128 /* event types are below */
#define FOLD_PATH_BYTES     600

/* The skeleton's tables, after the service's. */
enum fold_table { FOLD_META, FOLD_OUTBOX, FOLD_POLICY, FOLD_N_TABLES };

enum fold_state {
    FOLD_WORKING,
    FOLD_HALTED,  /* stepped out of folding; looks whether its event is skipped by now */
    FOLD_STARTING /* store as committed, memory dropped; begins anew at the end of the turn or later */
};

struct fold_position {
    uint64_t seq;             /* folded */
    uint8_t hash[HASH_BYTES]; /* of the block that holds it */
    int64_t time_us;
    uint8_t uuid[16];
    uint64_t rebuilt_to;
};

struct outbox_entry;

struct outbox_list {
    struct outbox_entry *first, *last;
};

struct fold_outbox {
    struct outbox_entry **by_id, **by_case; /* the second: heads only */
    unsigned n_buckets, n, n_flying;
    uint64_t next_order;
    struct outbox_entry *fresh, **fresh_end; /* of the open transaction, not yet rows */
    struct outbox_entry *flushed;            /* rows, not yet committed */
    struct outbox_list ready, waiting, gone; /* gone: flying, nobody waits for the answer */
    struct timer *timer;
    int64_t timer_us; /* when it is due; 0: not set */
};

/* What stands in NAME.trial, which outlives a death of the process. */
struct fold_trial {
    char *path;
    struct file *file; /* NULL: aside, or the file cannot be had */
    bool active;
    uint64_t first, last; /* what is being folded and not yet committed */
    uint64_t current;     /* careful: the event in hand */
    uint64_t suspect;     /* died on it ... */
    uint32_t deaths;      /* ... so often */
    uint32_t unnamed;     /* deaths within a block, event not known */
    uint64_t careful_to;  /* events up to here are noted one by one */
};

struct fold_pause {
    bool on;
    int64_t looked_us; /* monotonic; 0: never */
    struct buf **held; /* from first to n */
    unsigned first, n, max;
};

struct fold {
    struct env *env;
    const struct fold_def *def;
    void *self;
    struct fold_opts opts; /* strings are ours */
    struct fold *aside_of; /* not NULL: a second store beside that one's, see fold_verify.c */
    char *path;
    const char **tables;
    unsigned n_tables; /* the service's */
    struct store *store;

    struct store_txn *txn;
    bool dirty;          /* rows were written */
    bool moved;          /* the position moved */
    bool urgent;         /* commit at the end of this turn */
    bool folded_in_turn; /* a block came: maybe more wait */
    int failed;          /* a write failed: the transaction is lost */
    int64_t since_us;    /* monotonic: the first change not yet committed */
    struct fold_position at;

    enum fold_state state;
    char why[200]; /* halted, or starting */
    uint64_t halted_seq;
    bool rebuild;     /* starting: with an empty store */
    bool settled;     /* not working: feed and outbox are put away */
    bool begun;       /* memory of the service may hold something */
    int64_t start_us; /* starting: not before; halted: looks again (monotonic) */
    bool closing;
    bool subscribed, live;
    uint64_t target; /* head when subscribed: live from there */
    uint64_t head;   /* newest heard of */
    uint64_t *skips; /* ascending */
    unsigned n_skips;

    struct feed *feed;
    struct command_client *commands;
    struct seal_ring *ring;
    struct turn_hook *hook;
    struct timer *timer;
    int64_t timer_us;   /* when it is due; 0: not set */
    struct arena arena; /* of the event in hand */
    fold_handler handlers[FOLD_TYPES];
    struct fold_outbox outbox;
    struct fold_trial trial;
    struct fold_pause pause;
    int64_t commit_us;    /* what the last commit took */
    int64_t committed_us; /* monotonic, when it ended */

    uint8_t policy_hash[HASH_BYTES];
    bool has_policy;
    struct arena policy_arena;
    const Kesu__V1__Policy *policy; /* decoded at first use */

    struct fold_verify *verify;
    struct fold_control *control;
    void (*control_free)(struct fold *f); /* set with it: a fold without a daemon needs no svc.c */
    struct stats_value *stat_events, *stat_seq, *stat_head, *stat_outbox, *stat_commits;
    struct stats_histogram *stat_commit_time;
};

/* fold.c */
int fold_open_at(struct env *env, const struct fold_def *def, const struct fold_opts *opts, void *self,
                 const char *path, struct fold *aside_of, struct fold **ret); /* path: of the store */
void fold_halt(struct fold *f, uint64_t seq, const char *why, int err);
/* Begins anew from what is committed (or from nothing), at the end of this turn or later. */
void fold_restart(struct fold *f, bool rebuild, int64_t wait_us, const char *why);

void fold_wake_at(struct fold *f, int64_t mono_us); /* a turn no later than this */

/* fold_txn.c */
int fold_store_open(struct fold *f);        /* E_VERSION: newer than the program; 1: must be rebuilt */
struct store_txn *fold_txn(struct fold *f); /* begun when there is none; NULL after a failure */
void fold_changed(struct fold *f);
int fold_commit(struct fold *f);
void fold_abandon(struct fold *f); /* the open transaction */
void fold_turn_end(struct fold *f);
unsigned fold_own_table(const struct fold *f, enum fold_table t);
int fold_own_get(struct fold *f, enum fold_table t, struct span key, struct span *ret);
void fold_own_put(struct fold *f, enum fold_table t, struct span key, struct span value, bool append);
void fold_own_del(struct fold *f, enum fold_table t, struct span key);

/* fold_apply.c */
void fold_apply(struct fold *f, struct span block, const struct block_head *head);
bool fold_skips(const struct fold *f, uint64_t seq);

/* fold_outbox.c */
void fold_outbox_init(struct fold *f);
void fold_outbox_deinit(struct fold *f);
void fold_outbox_clear(struct fold *f); /* memory only; the command client is closed */
int fold_outbox_load(struct fold *f);
void fold_outbox_flush(struct fold *f);     /* in the transaction about to be committed */
void fold_outbox_committed(struct fold *f); /* sends what may leave */

/* fold_policy.c */
void fold_policy_event(struct fold *f, const struct fold_event *ev);
int fold_policy_load(struct fold *f);
void fold_policy_forget(struct fold *f);

/* fold_trial.c */
void fold_trial_open(struct fold *f); /* may halt */
void fold_trial_close(struct fold *f);
void fold_trial_block(struct fold *f, uint64_t first, uint64_t last);
void fold_trial_event(struct fold *f, uint64_t seq);
void fold_trial_block_done(struct fold *f);
void fold_trial_committed(struct fold *f);
void fold_trial_forgive(struct fold *f); /* the suspect is skipped now */

/* fold_pause.c */
bool fold_pause_holds(struct fold *f, struct buf *block); /* keeps a reference then */
struct buf *fold_pause_next(struct fold *f);              /* to be folded and unreferenced; NULL: none now */
void fold_pause_drop(struct fold *f);

/* fold_verify.c */
typedef void (*fold_on_verified)(void *self, int err, uint64_t seq, const char *difference); /* "": same */
int fold_verify_start(struct fold *f, fold_on_verified on_verified, void *self);
void fold_verify_block(struct fold *f); /* after each block of either */
void fold_verify_step(struct fold *f);  /* at the end of each turn of the main fold */
void fold_verify_cancel(struct fold *f, const char *why);

#endif
