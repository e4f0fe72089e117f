/* SPDX-License-Identifier: Apache-2.0 */
/* Stores on LMDB.
 *
 * One environment a store, its directory locked for this process. Read
 * transactions are kept and renewed (NOTLS: they belong to no thread), so that
 * a look-up costs no allocation; the one write transaction lives in the store
 * and may be used on a lane while the loop reads. A full map or disk is
 * E_NOSPACE and changes nothing; after any other failure of a commit the
 * caller must end the process. */
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "check.h"
#include "err.h"
#include "files.h"
#include "log.h"
#include "real.h"
#include "store.h"

#define DEFAULT_MAP_BYTES ((size_t)16 << 30)
#define MAX_KEY_BYTES     500
#define KEPT_READERS      8

struct store_txn {
    struct store *store;
    MDB_txn *mdb;
    bool write;
};

struct store {
    struct env *env;
    MDB_env *mdb;
    MDB_dbi *tables;
    unsigned n_tables;
    int lock_fd;
    bool meta_unsynced;      /* how the environment is set now */
    struct store_txn writer; /* mdb NULL: none */
    MDB_cursor **puts;       /* of the writer, one a table, opened at its first put */
    struct store_txn *kept[KEPT_READERS];
    unsigned n_kept;
};

struct store_cursor {
    struct store *store;
    MDB_cursor *mdb;
    bool fresh;
};

static int error_of(int rc)
{
    switch (rc) {
    case 0:
        return 0;
    case MDB_NOTFOUND:
        return E_NOT_FOUND;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
        return E_NOSPACE;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
        return E_CORRUPT;
    case MDB_PANIC: /* a meta page could not be written: only a new start helps */
        return E_IO;
    case MDB_VERSION_MISMATCH:
        return E_VERSION;
    default:
        return rc > 0 ? real_error(rc) : E_IO;
    }
}

/* ---- opening ----------------------------------------------------------- */

static int lock_directory(struct store *s, const struct store_opts *opts)
{
    char path[4096];
    if (snprintf(path, sizeof(path), "%s/owner.lock", opts->path) >= (int)sizeof(path)) return E_RANGE;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return real_error(errno);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return E_EXISTS;
    }
    s->lock_fd = fd;
    return 0;
}

static int open_tables(struct store *s, const struct store_opts *opts)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(s->mdb, NULL, opts->read_only ? MDB_RDONLY : 0, &txn);
    if (rc != 0) return error_of(rc);
    for (unsigned i = 0; i < opts->n_tables && rc == 0; i++)
        rc = mdb_dbi_open(txn, opts->tables[i], opts->read_only ? 0 : MDB_CREATE, &s->tables[i]);
    if (rc != 0) {
        mdb_txn_abort(txn);
        return error_of(rc);
    }
    return error_of(mdb_txn_commit(txn));
}

static int set_up(MDB_env *mdb, const struct store_opts *opts)
{
    int rc = mdb_env_set_mapsize(mdb, opts->map_bytes > 0 ? opts->map_bytes : DEFAULT_MAP_BYTES);
    return rc != 0 ? rc : mdb_env_set_maxdbs(mdb, opts->n_tables + 1);
}

static int open_environment(struct store *s, const struct store_opts *opts)
{
    int rc = mdb_env_create(&s->mdb);
    if (rc != 0) return error_of(rc);
    rc = set_up(s->mdb, opts);
    unsigned flags = MDB_NOTLS | (opts->read_only ? (unsigned)MDB_RDONLY : 0);
    if (rc == 0) rc = mdb_env_open(s->mdb, opts->path, flags, 0600);
    int dead = 0;
    if (rc == 0) rc = mdb_reader_check(s->mdb, &dead);
    return error_of(rc);
}

static int sync_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return real_error(errno);
    int e = fsync(fd) == 0 ? 0 : E_IO;
    close(fd);
    return e;
}

static int make_aside(struct store *s, const struct store_opts *opts, const char *aside)
{
    MDB_env *mdb = NULL;
    MDB_txn *txn = NULL;
    if (unlink(aside) != 0 && errno != ENOENT) return real_error(errno);
    int rc = mdb_env_create(&mdb);
    if (rc != 0) return error_of(rc);
    rc = set_up(mdb, opts);
    if (rc == 0) rc = mdb_env_open(mdb, aside, MDB_NOSUBDIR | MDB_NOLOCK, 0600);
    if (rc == 0) rc = mdb_txn_begin(mdb, NULL, 0, &txn);
    for (unsigned i = 0; i < opts->n_tables && rc == 0; i++)
        rc = mdb_dbi_open(txn, opts->tables[i], MDB_CREATE, &s->tables[i]);
    if (rc == 0)
        rc = mdb_txn_commit(txn);
    else
        mdb_txn_abort(txn);
    mdb_env_close(mdb);
    return rc != 0 ? error_of(rc) : sync_path(aside);
}

/* LMDB writes its first pages in place and never syncs the directory: a power
 * failure would leave a file that is no environment, or take its name away
 * together with what was committed into it. */
static int make_environment(struct store *s, const struct store_opts *opts)
{
    char file[4096], aside[4096];
    if (snprintf(file, sizeof(file), "%s/data.mdb", opts->path) >= (int)sizeof(file)) return E_RANGE;
    if (snprintf(aside, sizeof(aside), "%s/new.mdb", opts->path) >= (int)sizeof(aside)) return E_RANGE;
    if (access(file, F_OK) == 0) return 0;
    int e = make_aside(s, opts, aside);
    if (e == 0 && rename(aside, file) != 0) e = real_error(errno);
    return e == 0 ? sync_path(opts->path) : e;
}

static void store_free(struct store *s)
{
    struct mem *m = &s->env->mem;
    for (unsigned i = 0; i < s->n_kept; i++) {
        mdb_txn_abort(s->kept[i]->mdb);
        mem_free(m, s->kept[i]);
    }
    if (s->mdb != NULL) mdb_env_close(s->mdb);
    if (s->lock_fd >= 0) close(s->lock_fd);
    mem_free(m, (void *)s->puts);
    mem_free(m, s->tables);
    mem_free(m, s);
}

static int open_store(struct env *env, const struct store_opts *opts, struct store **ret)
{
    int e = opts->read_only ? 0 : env->files->mkdir(env, opts->path);
    if (e < 0) return e;
    struct store *s = mem_zalloc(&env->mem, sizeof(*s));
    s->env = env;
    s->lock_fd = -1;
    s->n_tables = opts->n_tables;
    s->tables = mem_zalloc(&env->mem, (opts->n_tables + 1) * sizeof(MDB_dbi));
    s->puts = mem_zalloc(&env->mem, (opts->n_tables + 1) * sizeof(MDB_cursor *));
    e = lock_directory(s, opts);
    if (e == 0 && !opts->read_only) e = make_environment(s, opts);
    if (e == 0) e = open_environment(s, opts);
    if (e == 0) e = open_tables(s, opts);
    if (e < 0) {
        log_error(env, "cannot open a store", LOG_STR("path", opts->path), LOG_ERR(e));
        store_free(s);
        return e;
    }
    *ret = s;
    return 0;
}

static void close_store(struct store *s)
{
    if (s == NULL) return;
    CHECK(s->writer.mdb == NULL);
    store_free(s);
}

static int on_stored_file(void *self, const char *name)
{
    (void)self;
    static const char *const ours[] = {"data.mdb", "lock.mdb", "new.mdb", "owner.lock"};
    for (unsigned i = 0; i < 4; i++)
        if (strcmp(name, ours[i]) == 0) return 0;
    return E_EXISTS;
}

/* Only what a store consists of is removed, the data last but for its lock. */
static int remove_store(struct env *env, const char *path)
{
    int e = env->files->list(env, path, on_stored_file, NULL);
    if (e == E_NOT_FOUND) return 0;
    if (e < 0) return e;
    struct store_opts opts = {.path = path};
    struct store s = {.lock_fd = -1};
    e = lock_directory(&s, &opts);
    static const char *const files[] = {"lock.mdb", "new.mdb", "data.mdb", "owner.lock"};
    for (unsigned i = 0; i < 4 && e == 0; i++) {
        char file[4096];
        if (snprintf(file, sizeof(file), "%s/%s", path, files[i]) >= (int)sizeof(file)) e = E_RANGE;
        if (e == 0) e = env->files->unlink(env, file);
        if (e == E_NOT_FOUND) e = 0;
    }
    if (e == 0 && rmdir(path) != 0) e = real_error(errno);
    if (s.lock_fd >= 0) close(s.lock_fd);
    return e;
}

/* ---- transactions ------------------------------------------------------ */

static int begin_read(struct store *s, struct store_txn **ret)
{
    struct store_txn *t;
    int rc;
    if (s->n_kept > 0) {
        t = s->kept[--s->n_kept];
        rc = mdb_txn_renew(t->mdb);
        if (rc != 0) mdb_txn_abort(t->mdb);
    } else {
        t = mem_zalloc(&s->env->mem, sizeof(*t));
        t->store = s;
        rc = mdb_txn_begin(s->mdb, NULL, MDB_RDONLY, &t->mdb);
    }
    if (rc != 0) {
        mem_free(&s->env->mem, t);
        return error_of(rc);
    }
    *ret = t;
    return 0;
}

static int begin(struct store *s, enum store_mode mode, struct store_txn **ret)
{
    if (mode == STORE_READ) return begin_read(s, ret);
    CHECK(s->writer.mdb == NULL);
    int rc = mdb_txn_begin(s->mdb, NULL, 0, &s->writer.mdb);
    if (rc != 0) {
        s->writer.mdb = NULL;
        return error_of(rc);
    }
    s->writer.store = s;
    s->writer.write = true;
    *ret = &s->writer;
    return 0;
}

static void end_read(struct store_txn *t)
{
    struct store *s = t->store;
    if (s->n_kept < KEPT_READERS) {
        mdb_txn_reset(t->mdb);
        s->kept[s->n_kept++] = t;
        return;
    }
    mdb_txn_abort(t->mdb);
    mem_free(&s->env->mem, t);
}

static void close_puts(struct store *s)
{
    for (unsigned i = 0; i < s->n_tables; i++) {
        if (s->puts[i] != NULL) mdb_cursor_close(s->puts[i]);
        s->puts[i] = NULL;
    }
}

static void abort_txn(struct store_txn *t)
{
    if (t == NULL) return;
    if (!t->write) {
        end_read(t);
        return;
    }
    close_puts(t->store);
    mdb_txn_abort(t->mdb);
    t->mdb = NULL;
}

/* Where the last bytes end in the middle of what is written, LMDB says EIO. */
static bool is_full(const struct store *s)
{
    enum { AT_ONCE = 1 << 20 }; /* more than LMDB writes with one call */
    mdb_filehandle_t fd;
    struct statvfs fs;
    return mdb_env_get_fd(s->mdb, &fd) == 0 && fstatvfs(fd, &fs) == 0 && fs.f_bavail * fs.f_frsize < AT_ONCE;
}

/* Pages that find no room change nothing. When it was the meta page, LMDB takes
 * no more transactions, and nobody knows which one is on disk. */
static int error_of_commit(struct store *s, int rc)
{
    MDB_txn *probe = NULL;
    if (error_of(rc) != E_NOSPACE && !(rc == EIO && is_full(s))) return error_of(rc);
    rc = mdb_txn_begin(s->mdb, NULL, 0, &probe);
    if (rc == 0) mdb_txn_abort(probe);
    return rc == 0 ? E_NOSPACE : E_IO;
}

static int commit(struct store_txn *t, enum store_sync sync)
{
    if (!t->write) {
        end_read(t);
        return 0;
    }
    struct store *s = t->store;
    bool unsynced = sync == STORE_SYNC_LATEST;
    if (unsynced != s->meta_unsynced) {
        mdb_env_set_flags(s->mdb, MDB_NOMETASYNC, unsynced);
        s->meta_unsynced = unsynced;
    }
    close_puts(s);
    int rc = mdb_txn_commit(t->mdb);
    t->mdb = NULL;
    return error_of_commit(s, rc);
}

/* ---- records ----------------------------------------------------------- */

static MDB_val val_of(struct span s)
{
    union {
        const void *in;
        void *out;
    } p = {.in = s.p}; /* LMDB does not write through it */
    return (MDB_val){s.n, p.out};
}

static struct span span_of_val(const MDB_val *v)
{
    return span_of(v->mv_data, v->mv_size);
}

static MDB_dbi table_of(const struct store_txn *t, unsigned table)
{
    CHECK(table < t->store->n_tables);
    return t->store->tables[table];
}

static MDB_val key_val(struct span key)
{
    CHECK(key.n > 0 && key.n <= MAX_KEY_BYTES);
    return val_of(key);
}

static int get(struct store_txn *t, unsigned table, struct span key, struct span *ret)
{
    MDB_val k = key_val(key), v;
    int rc = mdb_get(t->mdb, table_of(t, table), &k, &v);
    if (rc == 0) *ret = span_of_val(&v);
    return error_of(rc);
}

/* Through a cursor that stays where the last put was: the next is often beside it,
 * and then nothing is searched from the root. */
static int put(struct store_txn *t, unsigned table, struct span key, struct span value, bool append)
{
    CHECK(t->write);
    MDB_val k = key_val(key), v = val_of(value);
    MDB_dbi dbi = table_of(t, table);
    MDB_cursor **c = &t->store->puts[table];
    int rc = *c == NULL ? mdb_cursor_open(t->mdb, dbi, c) : 0;
    if (rc == 0) rc = mdb_cursor_put(*c, &k, &v, append ? MDB_APPEND : 0);
    CHECK(rc != MDB_KEYEXIST); /* append of what is not last */
    return error_of(rc);
}

static int del(struct store_txn *t, unsigned table, struct span key)
{
    CHECK(t->write);
    MDB_val k = key_val(key);
    return error_of(mdb_del(t->mdb, table_of(t, table), &k, NULL));
}

static int clear(struct store_txn *t, unsigned table)
{
    CHECK(t->write);
    return error_of(mdb_drop(t->mdb, table_of(t, table), 0));
}

static int cursor_open(struct store_txn *t, unsigned table, struct store_cursor **ret)
{
    MDB_cursor *mdb;
    int rc = mdb_cursor_open(t->mdb, table_of(t, table), &mdb);
    if (rc != 0) return error_of(rc);
    struct store_cursor *c = mem_alloc(&t->store->env->mem, sizeof(*c));
    *c = (struct store_cursor){.store = t->store, .mdb = mdb, .fresh = true};
    *ret = c;
    return 0;
}

static void cursor_close(struct store_cursor *c)
{
    if (c == NULL) return;
    mdb_cursor_close(c->mdb);
    mem_free(&c->store->env->mem, c);
}

static int cursor_get(struct store_cursor *c, MDB_val *k, MDB_cursor_op op, struct span *ret_key,
                      struct span *ret_value)
{
    MDB_val v = {0, NULL};
    int rc = mdb_cursor_get(c->mdb, k, &v, op);
    if (rc != 0) return error_of(rc);
    c->fresh = false;
    *ret_key = span_of_val(k);
    *ret_value = span_of_val(&v);
    return 0;
}

static int seek(struct store_cursor *c, struct span key, struct span *ret_key, struct span *ret_value)
{
    MDB_val k = val_of(key);
    return cursor_get(c, &k, key.n == 0 ? MDB_FIRST : MDB_SET_RANGE, ret_key, ret_value);
}

static int step(struct store_cursor *c, int direction, struct span *ret_key, struct span *ret_value)
{
    MDB_val k = {0, NULL};
    MDB_cursor_op op;
    if (direction > 0)
        op = c->fresh ? MDB_FIRST : MDB_NEXT;
    else
        op = c->fresh ? MDB_LAST : MDB_PREV;
    return cursor_get(c, &k, op, ret_key, ret_value);
}

/* ---- the rest ---------------------------------------------------------- */

static int copy_store(struct store *s, const char *path)
{
    int e = s->env->files->mkdir(s->env, path);
    if (e < 0) return e;
    char file[4096];
    if (snprintf(file, sizeof(file), "%s/data.mdb", path) >= (int)sizeof(file)) return E_RANGE;
    if (access(file, F_OK) == 0) return E_EXISTS;
    e = error_of(mdb_env_copy2(s->mdb, path, MDB_CP_COMPACT));
    if (e == 0) e = sync_path(file);
    if (e == 0) e = sync_path(path);
    return e;
}

static int usage(struct store *s, uint64_t *ret_used, uint64_t *ret_limit)
{
    MDB_envinfo info;
    MDB_stat stat;
    int rc = mdb_env_info(s->mdb, &info);
    if (rc == 0) rc = mdb_env_stat(s->mdb, &stat);
    if (rc != 0) return error_of(rc);
    *ret_used = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
    *ret_limit = info.me_mapsize;
    return 0;
}

const struct store_ops store_lmdb_ops = {
    .open = open_store,
    .close = close_store,
    .remove = remove_store,
    .begin = begin,
    .commit = commit,
    .abort = abort_txn,
    .get = get,
    .put = put,
    .del = del,
    .clear = clear,
    .cursor_open = cursor_open,
    .cursor_close = cursor_close,
    .seek = seek,
    .step = step,
    .copy = copy_store,
    .usage = usage,
};
