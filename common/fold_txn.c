/* SPDX-License-Identifier: Apache-2.0 */
/* The fold's transaction: one write transaction stays open while folding and
 * takes rows, outbox and position to disk together.
 *
 * It is committed when the input is drained, at the latest after 20 ms (250 ms
 * while catching up, when nothing may leave anyway), but not before twice the
 * time the last commit took has passed; at once when something urgent waits. A
 * position that moved over events of no interest waits for a second. When it fails for want of space
 * everything in memory is dropped and the fold begins again from what is committed. */
#include "fold_internal.h"

#include <stdio.h>

#include "check.h"
#include "err.h"
#include "key.h"
#include "log.h"

#define COMMIT_LIVE_US     (20 * USEC_PER_MS)
#define COMMIT_REST        2 /* times what the last commit took, until the next */
#define COMMIT_REST_MAX_US (100 * USEC_PER_MS)
#define COMMIT_CATCHING_US (250 * USEC_PER_MS)
#define COMMIT_MOVED_US    USEC_PER_SEC
#define NOSPACE_WAIT_US    (5 * USEC_PER_SEC)

static const struct span position_key = {(const uint8_t *)"position", 8};

unsigned fold_own_table(const struct fold *f, enum fold_table t)
{
    return f->n_tables + (unsigned)t;
}

/* ---- position ------------------------------------------------------------ */

static void position_pack(const struct fold *f, struct key *k)
{
    k->n = 0;
    key_u32(k, FOLD_SCHEMA_VERSION);
    key_u32(k, f->def->version);
    key_u64(k, f->at.seq);
    key_bytes(k, span_of(f->at.hash, HASH_BYTES));
    key_i64(k, f->at.time_us);
    key_bytes(k, span_of(f->at.uuid, sizeof(f->at.uuid)));
    key_u64(k, f->live ? 0 : f->at.rebuilt_to);
}

static bool take_bytes(struct span *v, void *ret, size_t n)
{
    if (v->n < n) return false;
    memcpy(ret, v->p, n);
    *v = span_of(v->p + n, v->n - n);
    return true;
}

/* 0, 1: another version's, E_VERSION: a newer one's, E_CORRUPT. */
static int position_unpack(struct fold *f, struct span v)
{
    uint32_t schema, version;
    struct fold_position at;
    if (!key_take_u32(&v, &schema) || !key_take_u32(&v, &version)) return E_CORRUPT;
    if (schema > FOLD_SCHEMA_VERSION || version > f->def->version) return E_VERSION;
    if (schema < FOLD_SCHEMA_VERSION || version < f->def->version) return 1;
    if (!key_take_u64(&v, &at.seq) || !take_bytes(&v, at.hash, HASH_BYTES) ||
        !key_take_i64(&v, &at.time_us) || !take_bytes(&v, at.uuid, sizeof(at.uuid)) ||
        !key_take_u64(&v, &at.rebuilt_to))
        return E_CORRUPT;
    f->at = at;
    return 0;
}

int fold_store_open(struct fold *f)
{
    struct span v;
    memset(&f->at, 0, sizeof(f->at));
    if (f->store == NULL) {
        struct store_opts opts = {f->path, f->tables, f->n_tables + FOLD_N_TABLES, 0, false};
        int r = store_open(f->env, &opts, &f->store);
        if (r < 0) return r;
    }
    int r = fold_own_get(f, FOLD_META, position_key, &v);
    if (r == E_NOT_FOUND) return 0;
    return r < 0 ? r : position_unpack(f, v);
}

/* ---- the transaction ------------------------------------------------------ */

struct store_txn *fold_txn(struct fold *f)
{
    if (f->txn == NULL && f->failed == 0 && f->store != NULL) {
        int r = store_begin(f->env, f->store, STORE_WRITE, &f->txn);
        if (r < 0) {
            f->txn = NULL;
            f->failed = r;
        }
    }
    return f->failed == 0 ? f->txn : NULL;
}

void fold_abandon(struct fold *f)
{
    if (f->txn != NULL) store_abort(f->env, f->txn);
    f->txn = NULL;
    f->dirty = f->moved = f->urgent = false;
    f->failed = 0;
}

void fold_changed(struct fold *f)
{
    if (!f->dirty && !f->moved) f->since_us = clock_mono_us(f->env);
    f->dirty = true;
}

static void note_failure(struct fold *f, int r)
{
    if (r < 0 && f->failed == 0) f->failed = r;
}

static int commit_rows(struct fold *f)
{
    struct key k;
    if (f->def->on_commit != NULL) {
        int r = f->def->on_commit(f->self, f);
        if (r < 0) return r;
    }
    fold_outbox_flush(f);
    position_pack(f, &k);
    fold_own_put(f, FOLD_META, position_key, key_span(&k), false);
    return f->failed;
}

int fold_commit(struct fold *f)
{
    int64_t start = clock_mono_us(f->env);
    (void)fold_txn(f);
    int r = f->failed != 0 ? f->failed : commit_rows(f);
    if (r == 0) {
        r = store_commit(f->env, f->txn, f->def->sync);
        f->txn = NULL;
    }
    if (r < 0) {
        fold_abandon(f);
        return r;
    }
    f->dirty = f->moved = f->urgent = false;
    f->committed_us = clock_mono_us(f->env);
    f->commit_us = f->committed_us - start;
    stats_observe_us(f->stat_commit_time, f->commit_us);
    stats_add(f->stat_commits, 1);
    stats_set(f->stat_seq, (int64_t)f->at.seq);
    fold_trial_committed(f);
    return 0;
}

/* ---- when ------------------------------------------------------------------ */

/* On a slow disk commits leave time for folding, and the disk to others. */
static int64_t rested_at(const struct fold *f)
{
    int64_t rest = COMMIT_REST * f->commit_us;
    return f->committed_us + (rest < COMMIT_REST_MAX_US ? rest : COMMIT_REST_MAX_US);
}

static bool due(struct fold *f, bool drained)
{
    int64_t now = clock_mono_us(f->env), age = now - f->since_us;
    bool arriving = !f->live && f->subscribed && f->at.seq >= f->target;
    if (f->urgent || arriving) return true;
    if (!f->dirty) return age >= COMMIT_MOVED_US;
    if (!f->live) return age >= COMMIT_CATCHING_US;
    return now >= rested_at(f) && (drained || age >= COMMIT_LIVE_US);
}

static void come_back(struct fold *f)
{
    if (!f->live || !f->dirty) {
        fold_wake_at(f, f->since_us + (f->dirty ? COMMIT_CATCHING_US : COMMIT_MOVED_US));
    } else if (clock_mono_us(f->env) < rested_at(f)) {
        fold_wake_at(f, rested_at(f));
    } else {
        fold_wake_at(f, f->since_us + COMMIT_LIVE_US);
        sched_wake(f->env); /* the next turn sees whether more waits */
    }
}

static void commit_failed(struct fold *f, int r)
{
    char why[120];
    if (r != E_NOSPACE) {
        if (r == E_IO) {
            env_die(f->env, "fold: commit failed");
            return;
        }
        fold_halt(f, f->at.seq, "its own state cannot be written", r);
        return;
    }
    (void)snprintf(why, sizeof(why), "no space left for %s", f->path);
    fold_restart(f, false, NOSPACE_WAIT_US, why);
}

void fold_turn_end(struct fold *f)
{
    bool drained = !f->folded_in_turn;
    f->folded_in_turn = false;
    if (f->failed != 0) {
        int r = f->failed;
        fold_abandon(f);
        commit_failed(f, r);
        return;
    }
    bool arrived = !f->live && f->subscribed && f->at.seq >= f->target;
    if (!f->dirty && !f->moved && !arrived) {
        fold_abandon(f); /* only read */
        return;
    }
    if (!due(f, drained)) {
        come_back(f);
        return;
    }
    bool becomes_live = arrived;
    f->live = f->live || arrived;
    int r = fold_commit(f);
    if (r < 0) {
        if (becomes_live) f->live = false;
        commit_failed(f, r);
        return;
    }
    fold_outbox_committed(f);
    if (becomes_live) {
        log_info(f->env, "fold: live", LOG_U64("seq", f->at.seq));
        if (f->def->on_live != NULL && f->aside_of == NULL) f->def->on_live(f->self, f);
    }
    if (f->def->on_committed != NULL && f->aside_of == NULL) f->def->on_committed(f->self, f);
}

/* ---- tables ---------------------------------------------------------------- */

static int table_get(struct fold *f, unsigned table, struct span key, struct span *ret)
{
    struct store_txn *t = fold_txn(f);
    if (t == NULL) return f->failed != 0 ? f->failed : E_CLOSED;
    int r = store_get(f->env, t, table, key, ret);
    if (r < 0 && r != E_NOT_FOUND) note_failure(f, r);
    return r;
}

static void table_put(struct fold *f, unsigned table, struct span key, struct span value, bool append)
{
    struct store_txn *t = fold_txn(f);
    if (t == NULL) return;
    note_failure(f, store_put(f->env, t, table, key, value, append));
    fold_changed(f);
}

static void table_del(struct fold *f, unsigned table, struct span key)
{
    struct store_txn *t = fold_txn(f);
    if (t == NULL) return;
    int r = store_del(f->env, t, table, key);
    if (r == E_NOT_FOUND) return;
    note_failure(f, r);
    fold_changed(f);
}

int fold_own_get(struct fold *f, enum fold_table t, struct span key, struct span *ret)
{
    return table_get(f, fold_own_table(f, t), key, ret);
}

void fold_own_put(struct fold *f, enum fold_table t, struct span key, struct span value, bool append)
{
    table_put(f, fold_own_table(f, t), key, value, append);
}

void fold_own_del(struct fold *f, enum fold_table t, struct span key)
{
    table_del(f, fold_own_table(f, t), key);
}

int fold_get(struct fold *f, unsigned table, struct span key, struct span *ret)
{
    CHECK(table < f->n_tables);
    return table_get(f, table, key, ret);
}

void fold_put(struct fold *f, unsigned table, struct span key, struct span value)
{
    CHECK(table < f->n_tables);
    table_put(f, table, key, value, false);
}

void fold_del(struct fold *f, unsigned table, struct span key)
{
    CHECK(table < f->n_tables);
    table_del(f, table, key);
}

int fold_cursor(struct fold *f, unsigned table, struct store_cursor **ret)
{
    CHECK(table < f->n_tables);
    struct store_txn *t = fold_txn(f);
    if (t == NULL) return f->failed != 0 ? f->failed : E_CLOSED;
    return store_cursor_open(f->env, t, table, ret);
}

int fold_get_message(struct fold *f, unsigned table, struct span key, const ProtobufCMessageDescriptor *d,
                     struct arena *arena, void *ret_message)
{
    struct span v;
    int r = fold_get(f, table, key, &v);
    return r < 0 ? r : codec_unpack_own(d, v, arena, ret_message);
}

void fold_put_message(struct fold *f, unsigned table, struct span key, const void *message)
{
    struct buf *b = codec_pack_buf(message);
    fold_put(f, table, key, buf_span(b));
    buf_unref(b);
}

void fold_touch(struct fold *f)
{
    fold_changed(f);
    f->urgent = true;
    sched_wake(f->env);
}
