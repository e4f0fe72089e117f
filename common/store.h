/* SPDX-License-Identifier: Apache-2.0 */
/* State on disk: ordered tables of bytes, one writer, transactions.
 *
 * A store belongs to one process. One write transaction at a time, begun and
 * committed on the same thread (the loop, or one lane: never both at once);
 * read transactions on the loop, for milliseconds. Keys are 1 to 500 bytes and ordered as
 * memcmp does; pack numbers big-endian (key.h). Values up to 1 GiB.
 *
 * Spans got from a transaction are valid until its next write or end. */
#ifndef KESU_STORE_H
#define KESU_STORE_H

#include "env.h"

struct store;
struct store_txn;
struct store_cursor;

enum store_mode { STORE_READ, STORE_WRITE };

enum store_sync {
    STORE_SYNC_FULL,   /* on disk when store_commit returns */
    STORE_SYNC_LATEST, /* a power failure may lose the last commit, nothing older */
};

struct store_opts {
    const char *path;          /* directory, made when missing */
    const char *const *tables; /* names; a table's number is its place */
    unsigned n_tables;
    size_t map_bytes; /* most it can grow to; 0 = 16 GiB */
    bool read_only;
};

struct store_ops {
    int (*open)(struct env *env, const struct store_opts *opts, struct store **ret);
    void (*close)(struct store *s);
    int (*remove)(struct env *env, const char *path);
    int (*begin)(struct store *s, enum store_mode mode, struct store_txn **ret);
    int (*commit)(struct store_txn *t, enum store_sync sync);
    void (*abort)(struct store_txn *t);
    int (*get)(struct store_txn *t, unsigned table, struct span key, struct span *ret);
    int (*put)(struct store_txn *t, unsigned table, struct span key, struct span value, bool append);
    int (*del)(struct store_txn *t, unsigned table, struct span key);
    int (*clear)(struct store_txn *t, unsigned table);
    int (*cursor_open)(struct store_txn *t, unsigned table, struct store_cursor **ret);
    void (*cursor_close)(struct store_cursor *c);
    int (*seek)(struct store_cursor *c, struct span key, struct span *ret_key, struct span *ret_value);
    int (*step)(struct store_cursor *c, int direction, struct span *ret_key, struct span *ret_value);
    int (*copy)(struct store *s, const char *path);
    int (*usage)(struct store *s, uint64_t *ret_used, uint64_t *ret_limit);
};

/* E_IO, E_NOSPACE, E_CORRUPT, E_EXISTS (open elsewhere), E_VERSION. */
static inline int store_open(struct env *env, const struct store_opts *opts, struct store **ret)
{
    return env->store->open(env, opts, ret);
}
/* accepts NULL */
static inline void store_close(struct env *env, struct store *s)
{
    env->store->close(s);
}
/* of a closed store; 0 when there is none */
static inline int store_remove(struct env *env, const char *path)
{
    return env->store->remove(env, path);
}
static inline int store_begin(struct env *env, struct store *s, enum store_mode mode, struct store_txn **ret)
{
    return env->store->begin(s, mode, ret);
}
/* Ends the transaction whatever it returns. E_NOSPACE: nothing was written,
 * the store is as before. E_IO: nobody knows what is on disk; call env_die. */
static inline int store_commit(struct env *env, struct store_txn *t, enum store_sync sync)
{
    return env->store->commit(t, sync);
}
/* accepts NULL */
static inline void store_abort(struct env *env, struct store_txn *t)
{
    env->store->abort(t);
}
/* E_NOT_FOUND leaves *ret untouched. */
static inline int store_get(struct env *env, struct store_txn *t, unsigned table, struct span key,
                            struct span *ret)
{
    return env->store->get(t, table, key, ret);
}
/* append: the key is after all others of the table; faster. E_NOSPACE when full. */
static inline int store_put(struct env *env, struct store_txn *t, unsigned table, struct span key,
                            struct span value, bool append)
{
    return env->store->put(t, table, key, value, append);
}
/* E_NOT_FOUND */
static inline int store_del(struct env *env, struct store_txn *t, unsigned table, struct span key)
{
    return env->store->del(t, table, key);
}
static inline int store_clear(struct env *env, struct store_txn *t, unsigned table)
{
    return env->store->clear(t, table);
}
static inline int store_cursor_open(struct env *env, struct store_txn *t, unsigned table,
                                    struct store_cursor **ret)
{
    return env->store->cursor_open(t, table, ret);
}
/* accepts NULL; before its transaction ends */
static inline void store_cursor_close(struct env *env, struct store_cursor *c)
{
    env->store->cursor_close(c);
}
/* First record whose key is >= key; E_NOT_FOUND past the end. */
static inline int store_seek(struct env *env, struct store_cursor *c, struct span key, struct span *ret_key,
                             struct span *ret_value)
{
    return env->store->seek(c, key, ret_key, ret_value);
}
/* direction +1 next, -1 previous; on a fresh cursor: first, last. E_NOT_FOUND at the end. */
static inline int store_step(struct env *env, struct store_cursor *c, int direction, struct span *ret_key,
                             struct span *ret_value)
{
    return env->store->step(c, direction, ret_key, ret_value);
}
static inline int store_copy(struct env *env, struct store *s, const char *path)
{
    return env->store->copy(s, path);
}
static inline int store_usage(struct env *env, struct store *s, uint64_t *ret_used, uint64_t *ret_limit)
{
    return env->store->usage(s, ret_used, ret_limit);
}

#endif
