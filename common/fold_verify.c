/* SPDX-License-Identifier: Apache-2.0 */
/* `fold verify`: the journal is folded again into a second store beside, and
 * at the first block boundary where both have folded the same, the tables are
 * compared row by row, within the two open transactions. Moving a block at a
 * time the second meets the first at the latest where the first now stands. */
#include "fold_internal.h"

#include <stdio.h>

#include "err.h"
#include "log.h"

struct fold_verify {
    struct fold *aside;
    void *aside_self;
    fold_on_verified on_verified;
    void *self;
    bool done;
    int err;
    uint64_t seq;
    char difference[300];
};

static void hex(struct span s, char *ret, size_t n)
{
    size_t at = 0;
    ret[0] = 0;
    for (size_t i = 0; i < s.n && at + 3 < n; i++, at += 2) (void)snprintf(ret + at, n - at, "%02x", s.p[i]);
}

static void differ(struct fold_verify *v, const char *table, const char *what, struct span key)
{
    char text[130];
    hex(key, text, sizeof(text));
    (void)snprintf(v->difference, sizeof(v->difference), "table %s, key %s: %s", table, text, what);
}

static int compare_table(struct fold_verify *v, struct fold *f, unsigned table)
{
    struct store_cursor *a = NULL, *b = NULL;
    int r = fold_cursor(f, table, &a);
    if (r == 0) r = fold_cursor(v->aside, table, &b);
    while (r == 0 && v->difference[0] == 0) {
        struct span ka, va, kb, vb;
        int ra = store_step(f->env, a, +1, &ka, &va);
        int rb = store_step(f->env, b, +1, &kb, &vb);
        if ((ra < 0 && ra != E_NOT_FOUND) || (rb < 0 && rb != E_NOT_FOUND))
            r = ra < 0 && ra != E_NOT_FOUND ? ra : rb;
        if (r < 0 || (ra == E_NOT_FOUND && rb == E_NOT_FOUND)) break;
        int c = ra == E_NOT_FOUND ? 1 : rb == E_NOT_FOUND ? -1 : span_compare(ka, kb);
        if (c < 0) differ(v, f->tables[table], "only in the store", ka);
        if (c > 0) differ(v, f->tables[table], "only in what was folded again", kb);
        if (c == 0 && !span_equal(va, vb)) differ(v, f->tables[table], "values differ", ka);
    }
    store_cursor_close(f->env, a);
    store_cursor_close(f->env, b);
    return r;
}

static int gather(struct fold *f)
{
    return f->def->on_commit != NULL ? f->def->on_commit(f->self, f) : 0;
}

static void compare(struct fold *f, struct fold_verify *v)
{
    v->seq = f->at.seq;
    v->done = true;
    int r = gather(f);
    if (r == 0) r = gather(v->aside);
    for (unsigned i = 0; r == 0 && i < f->n_tables && v->difference[0] == 0; i++)
        if (i >= 64 || (f->def->local_tables >> i & 1) == 0) r = compare_table(v, f, i);
    v->err = r;
    sched_wake(f->env);
}

void fold_verify_block(struct fold *f)
{
    struct fold *first = f->aside_of != NULL ? f->aside_of : f;
    struct fold_verify *v = first->verify;
    if (v == NULL || v->done || v->aside->at.seq == 0) return;
    if (v->aside->at.seq == first->at.seq && first->state == FOLD_WORKING) compare(first, v);
}

static void end(struct fold *f, int err)
{
    struct fold_verify *v = f->verify;
    char path[FOLD_PATH_BYTES];
    f->verify = NULL;
    (void)snprintf(path, sizeof(path), "%s", v->aside->path);
    v->aside->moved = v->aside->dirty = false;
    fold_close(v->aside);
    (void)store_remove(f->env, path);
    if (f->def->aside_close != NULL && v->aside_self != f->self) f->def->aside_close(v->aside_self);
    v->on_verified(v->self, err, v->seq, v->difference);
    mem_free(&f->env->mem, v);
}

void fold_verify_step(struct fold *f)
{
    struct fold_verify *v = f->verify;
    if (v == NULL) return;
    bool empty = v->aside->subscribed && v->aside->target == 0; /* the journal is */
    if (!v->done && empty && f->at.seq == 0 && v->aside->at.seq == 0) compare(f, v);
    if (v->done) {
        end(f, v->err);
    } else if (v->aside->state == FOLD_STARTING) { /* no room for it: nothing is said of the fold */
        fold_verify_cancel(f, v->aside->why);
    } else if (v->aside->state != FOLD_WORKING) {
        (void)snprintf(v->difference, sizeof(v->difference), "folding again: %s", v->aside->why);
        end(f, 0);
    } else if (f->state != FOLD_WORKING) {
        fold_verify_cancel(f, f->why);
    }
}

void fold_verify_cancel(struct fold *f, const char *why)
{
    if (f->verify == NULL) return;
    (void)snprintf(f->verify->difference, sizeof(f->verify->difference), "not compared: %s", why);
    end(f, E_AGAIN);
}

int fold_verify_start(struct fold *f, fold_on_verified on_verified, void *self)
{
    char path[FOLD_PATH_BYTES];
    const struct fold_def *def = f->def;
    if (f->verify != NULL || f->state != FOLD_WORKING) return E_AGAIN;
    if (def->aside_open == NULL && (def->on_reset != NULL || def->on_commit != NULL)) return E_UNSUPPORTED;
    (void)snprintf(path, sizeof(path), "%s/%s.verify", f->opts.data_dir, def->name);
    int r = store_remove(f->env, path); /* of one that was interrupted */
    if (r < 0) return r;
    struct fold_verify *v = mem_zalloc(&f->env->mem, sizeof(*v));
    v->on_verified = on_verified;
    v->self = self;
    v->aside_self = f->self;
    if (def->aside_open != NULL) r = def->aside_open(f->self, &v->aside_self);
    if (r == 0) r = fold_open_at(f->env, def, &f->opts, v->aside_self, path, f, &v->aside);
    if (r < 0) {
        mem_free(&f->env->mem, v);
        return r;
    }
    f->verify = v;
    return 0;
}
