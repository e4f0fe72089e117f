/* SPDX-License-Identifier: Apache-2.0 */
/* Stores in memory: a version is a set of trees, a commit makes it the last
 * one, a crash goes back to one that was on disk.
 *
 * What a write transaction lends is copied and spoiled at its next write or
 * end, so that whoever keeps a span too long is found. */
#include <stdlib.h>

#include "../check.h"
#include "../err.h"
#include "tree.h"
#include "world.h"

#define MAP_DEFAULT ((uint64_t)16 << 30)
#define KEY_BYTES   500

/* Of all versions of a store, in the order they were made. */
struct names {
    unsigned refs;
    unsigned n;
    char **list;
};

struct version {
    unsigned refs;
    unsigned n_tables; /* may be fewer than there are names */
    struct names *names;
    struct sim_tree **roots;
    int64_t used;
};

/* On the world's disk; open or not. */
struct sim_disk_store {
    struct sim_disk_store *next;
    char *path;
    struct version *last;
    struct version *safe; /* where a power failure may go back to */
    struct store *open;
};

struct store {
    struct store *next;
    struct sim_instance *i;
    struct sim_disk_store *disk;
    uint64_t limit;
    bool read_only;
    unsigned n_tables;
    unsigned *places; /* of our tables in the version */
    struct store_txn *writer;
    struct store_txn *txns;
};

struct loan {
    struct loan *next;
    size_t n;
    uint8_t p[];
};

struct store_txn {
    struct store_txn *next;
    struct store *store;
    enum store_mode mode;
    struct version *version;
    bool full; /* a put found no room: the commit fails */
    struct loan *loans;
    struct store_cursor *cursors;
};

struct store_cursor {
    struct store_cursor *next;
    struct store_txn *txn;
    unsigned table;
    bool placed;
    size_t n_key;
    uint8_t key[KEY_BYTES];
};

/* ---- versions -------------------------------------------------------------------- */

static struct version *version_new(void)
{
    struct version *v = (struct version *)sim_alloc(sizeof *v);
    v->names = (struct names *)sim_alloc(sizeof *v->names);
    v->refs = v->names->refs = 1;
    return v;
}

static struct version *version_copy(const struct version *from)
{
    struct version *v = (struct version *)sim_alloc(sizeof *v);
    *v = (struct version){.refs = 1, .n_tables = from->n_tables, .used = from->used, .names = from->names};
    v->names->refs++;
    v->roots = (struct sim_tree **)sim_alloc(from->n_tables * sizeof(struct sim_tree *));
    for (unsigned i = 0; i < from->n_tables; i++) v->roots[i] = sim_tree_hold(from->roots[i]);
    return v;
}

static void names_drop(struct names *names)
{
    if (--names->refs > 0) return;
    for (unsigned i = 0; i < names->n; i++) free(names->list[i]);
    free((void *)names->list);
    free(names);
}

static void version_drop(struct version *v)
{
    if (v == NULL || --v->refs > 0) return;
    for (unsigned i = 0; i < v->n_tables; i++) sim_tree_drop(v->roots[i]);
    free((void *)v->roots);
    names_drop(v->names);
    free(v);
}

static struct version *version_hold(struct version *v)
{
    v->refs++;
    return v;
}

static void version_set(struct version **at, struct version *v)
{
    version_hold(v);
    version_drop(*at);
    *at = v;
}

static unsigned name_place(struct names *names, const char *name)
{
    for (unsigned i = 0; i < names->n; i++)
        if (strcmp(names->list[i], name) == 0) return i;
    names->list = (char **)realloc((void *)names->list, (names->n + 1) * sizeof(char *));
    CHECK(names->list != NULL);
    names->list[names->n] = sim_copy_text(name);
    return names->n++;
}

/* The place of the table of this name, made when missing. */
static unsigned place_of(struct version *v, const char *name)
{
    unsigned place = name_place(v->names, name);
    if (place < v->n_tables) return place;
    v->roots = (struct sim_tree **)realloc((void *)v->roots, (place + 1) * sizeof(struct sim_tree *));
    CHECK(v->roots != NULL);
    for (; v->n_tables <= place; v->n_tables++) v->roots[v->n_tables] = NULL;
    return place;
}

/* ---- stores on disk ---------------------------------------------------------------- */

static struct sim_disk_store **disk_find(struct sim *s, const char *path)
{
    struct sim_disk_store **at = &s->stores;
    while (*at != NULL && strcmp((*at)->path, path) != 0) at = &(*at)->next;
    return at;
}

static struct sim_disk_store *disk_new(struct sim *s, const char *path, struct version *v)
{
    struct sim_disk_store *d = (struct sim_disk_store *)sim_alloc(sizeof *d);
    *d = (struct sim_disk_store){.next = s->stores, .path = sim_copy_text(path), .last = v};
    d->safe = version_hold(v);
    s->stores = d;
    sim_files_add_dir(s, path);
    return d;
}

static void disk_free(struct sim_disk_store **at)
{
    struct sim_disk_store *d = *at;
    *at = d->next;
    version_drop(d->last);
    version_drop(d->safe);
    free(d->path);
    free(d);
}

static int sim_open(struct env *env, const struct store_opts *opts, struct store **ret)
{
    struct sim_instance *i = sim_of(env);
    struct sim *s = i->sim;
    char *path = sim_files_path(opts->path);
    struct sim_disk_store *d = *disk_find(s, path);
    int err = 0;
    if (d != NULL && d->open != NULL) err = E_EXISTS;
    if (d == NULL && opts->read_only) err = E_NOT_FOUND;
    if (err == 0 && d == NULL) d = disk_new(s, path, version_new());
    free(path);
    if (err != 0) return err;
    struct store *store = (struct store *)sim_alloc(sizeof *store);
    *store = (struct store){
        .next = i->stores,
        .i = i,
        .disk = d,
        .limit = opts->map_bytes > 0 ? opts->map_bytes : MAP_DEFAULT,
        .read_only = opts->read_only,
        .n_tables = opts->n_tables,
        .places = (unsigned *)sim_alloc(opts->n_tables * sizeof(unsigned)),
    };
    struct version *v = version_copy(d->last);
    for (unsigned k = 0; k < opts->n_tables; k++) store->places[k] = place_of(v, opts->tables[k]);
    version_set(&d->last, v);
    version_set(&d->safe, v);
    version_drop(v);
    d->open = store;
    i->stores = store;
    *ret = store;
    return 0;
}

static void txn_free(struct store_txn *t);

static void store_free(struct store *store)
{
    while (store->txns != NULL) txn_free(store->txns);
    store->disk->open = NULL;
    struct store **at = &store->i->stores;
    while (*at != store) at = &(*at)->next;
    *at = store->next;
    free(store->places);
    free(store);
}

static void sim_close(struct store *store)
{
    if (store == NULL) return;
    CHECK(store->txns == NULL); /* a transaction was left open */
    store_free(store);
}

static int sim_remove(struct env *env, const char *path)
{
    struct sim *s = sim_of(env)->sim;
    char *clean = sim_files_path(path);
    struct sim_disk_store **at = disk_find(s, clean);
    if (*at != NULL) {
        CHECK((*at)->open == NULL);
        disk_free(at);
        sim_files_remove_dir(s, clean);
    }
    free(clean);
    return 0;
}

/* ---- transactions --------------------------------------------------------------------- */

static int sim_begin(struct store *store, enum store_mode mode, struct store_txn **ret)
{
    CHECK(mode == STORE_READ ||
          (store->writer == NULL && !store->read_only)); /* the other would wait for ever */
    struct store_txn *t = (struct store_txn *)sim_alloc(sizeof *t);
    *t = (struct store_txn){.next = store->txns, .store = store, .mode = mode};
    t->version = mode == STORE_READ ? version_hold(store->disk->last) : version_copy(store->disk->last);
    store->txns = t;
    if (mode == STORE_WRITE) store->writer = t;
    *ret = t;
    return 0;
}

static void spoil_loans(struct store_txn *t)
{
    while (t->loans != NULL) {
        struct loan *l = t->loans;
        t->loans = l->next;
        memset(l->p, 0xdd, l->n);
        free(l);
    }
}

static void txn_free(struct store_txn *t)
{
    spoil_loans(t);
    while (t->cursors != NULL) {
        struct store_cursor *c = t->cursors;
        t->cursors = c->next;
        free(c);
    }
    struct store_txn **at = &t->store->txns;
    while (*at != t) at = &(*at)->next;
    *at = t->next;
    if (t->store->writer == t) t->store->writer = NULL;
    version_drop(t->version);
    free(t);
}

static int sim_commit(struct store_txn *t, enum store_sync sync)
{
    struct sim *s = t->store->i->sim;
    struct sim_disk_store *d = t->store->disk;
    CHECK(t->cursors == NULL);
    if (t->mode == STORE_READ) {
        txn_free(t);
        return 0;
    }
    if (s->running != NULL && sim_fault(s, SIM_CRASH_BEFORE_COMMIT)) sim_crash_here(s);
    if (t->full || sim_fault(s, SIM_DISK_FULL)) {
        t->store->i->failed_commits++;
        txn_free(t);
        return E_NOSPACE;
    }
    version_set(&d->safe, sync == STORE_SYNC_FULL ? t->version : d->last);
    version_set(&d->last, t->version);
    if (s->watch != NULL && s->watch->on_commit != NULL)
        s->watch->on_commit(s->watch->self, t->store->i, d->path);
    if (s->running != NULL && sim_fault(s, SIM_CRASH_AFTER_COMMIT)) sim_crash_here(s);
    txn_free(t);
    return 0;
}

static void sim_abort(struct store_txn *t)
{
    if (t == NULL) return;
    CHECK(t->cursors == NULL);
    txn_free(t);
}

/* ---- records --------------------------------------------------------------------------- */

static struct sim_tree **root_of(struct store_txn *t, unsigned table)
{
    CHECK(table < t->store->n_tables);
    return &t->version->roots[t->store->places[table]];
}

static struct span lend(struct store_txn *t, struct span bytes)
{
    if (t->mode == STORE_READ) return bytes; /* the version holds it */
    struct loan *l = (struct loan *)malloc(sizeof *l + bytes.n);
    CHECK(l != NULL);
    *l = (struct loan){.next = t->loans, .n = bytes.n};
    if (bytes.n > 0) memcpy(l->p, bytes.p, bytes.n);
    t->loans = l;
    return span_of(l->p, l->n);
}

static int sim_get(struct store_txn *t, unsigned table, struct span key, struct span *ret)
{
    struct span value;
    CHECK(key.n > 0 && key.n <= KEY_BYTES);
    if (!sim_tree_get(*root_of(t, table), key, &value)) return E_NOT_FOUND;
    *ret = lend(t, value);
    return 0;
}

static int sim_put(struct store_txn *t, unsigned table, struct span key, struct span value, bool append)
{
    CHECK(t->mode == STORE_WRITE && key.n > 0 && key.n <= KEY_BYTES);
    struct sim_tree **root = root_of(t, table);
    if (append) {
        struct span last_key, last_value;
        CHECK(!sim_tree_last(*root, &last_key, &last_value) || span_compare(last_key, key) < 0);
    }
    if (t->full || (uint64_t)t->version->used + key.n + value.n > t->store->limit) {
        t->full = true;
        return E_NOSPACE;
    }
    sim_tree_put(root, key, value, &t->version->used);
    spoil_loans(t); /* after: key and value may be from here */
    return 0;
}

static int sim_del(struct store_txn *t, unsigned table, struct span key)
{
    CHECK(t->mode == STORE_WRITE && key.n > 0 && key.n <= KEY_BYTES);
    if (t->full) return E_NOSPACE;
    bool found = sim_tree_del(root_of(t, table), key, &t->version->used);
    spoil_loans(t);
    return found ? 0 : E_NOT_FOUND;
}

static int sim_clear(struct store_txn *t, unsigned table)
{
    CHECK(t->mode == STORE_WRITE);
    struct sim_tree **root = root_of(t, table);
    struct span key, value;
    for (bool more = sim_tree_first(*root, &key, &value); more;
         more = sim_tree_after(*root, key, true, &key, &value))
        t->version->used -= (int64_t)(key.n + value.n);
    sim_tree_drop(*root);
    *root = NULL;
    spoil_loans(t);
    return 0;
}

/* ---- cursors ----------------------------------------------------------------------------- */

static int sim_cursor_open(struct store_txn *t, unsigned table, struct store_cursor **ret)
{
    CHECK(table < t->store->n_tables);
    struct store_cursor *c = (struct store_cursor *)sim_alloc(sizeof *c);
    c->next = t->cursors;
    c->txn = t;
    c->table = table;
    t->cursors = c;
    *ret = c;
    return 0;
}

static void sim_cursor_close(struct store_cursor *c)
{
    if (c == NULL) return;
    struct store_cursor **at = &c->txn->cursors;
    while (*at != c) at = &(*at)->next;
    *at = c->next;
    free(c);
}

static int place(struct store_cursor *c, bool found, struct span key, struct span value, struct span *ret_key,
                 struct span *ret_value)
{
    if (!found) return E_NOT_FOUND;
    c->placed = true;
    c->n_key = key.n;
    memcpy(c->key, key.p, key.n);
    key = lend(c->txn, key);
    value = lend(c->txn, value);
    if (ret_key != NULL) *ret_key = key;
    if (ret_value != NULL) *ret_value = value;
    return 0;
}

static int sim_seek(struct store_cursor *c, struct span key, struct span *ret_key, struct span *ret_value)
{
    struct span found_key = SPAN_NONE, value = SPAN_NONE;
    bool found = sim_tree_after(*root_of(c->txn, c->table), key, false, &found_key, &value);
    return place(c, found, found_key, value, ret_key, ret_value);
}

static int sim_cursor_step(struct store_cursor *c, int direction, struct span *ret_key,
                           struct span *ret_value)
{
    const struct sim_tree *t = *root_of(c->txn, c->table);
    struct span at = span_of(c->key, c->n_key), key = SPAN_NONE, value = SPAN_NONE;
    bool found;
    if (!c->placed)
        found = direction > 0 ? sim_tree_first(t, &key, &value) : sim_tree_last(t, &key, &value);
    else if (direction > 0)
        found = sim_tree_after(t, at, true, &key, &value);
    else
        found = sim_tree_before(t, at, &key, &value);
    return place(c, found, key, value, ret_key, ret_value);
}

/* ---- the whole store ------------------------------------------------------------------------ */

static int sim_copy(struct store *store, const char *path)
{
    struct sim *s = store->i->sim;
    char *clean = sim_files_path(path);
    int err = *disk_find(s, clean) != NULL ? E_EXISTS : 0;
    if (err == 0) disk_new(s, clean, version_copy(store->disk->last));
    free(clean);
    return err;
}

static int sim_usage(struct store *store, uint64_t *ret_used, uint64_t *ret_limit)
{
    *ret_used = (uint64_t)store->disk->last->used;
    *ret_limit = store->limit;
    return 0;
}

bool sim_disk_seek(struct sim *s, const char *path, const char *table, bool safe, struct span key, bool past,
                   struct span *ret_key, struct span *ret_value)
{
    const struct sim_disk_store *d = *disk_find(s, path);
    if (d == NULL) return false;
    const struct version *v = safe ? d->safe : d->last;
    unsigned i = 0;
    while (i < v->n_tables && strcmp(v->names->list[i], table) != 0) i++;
    if (i == v->n_tables) return false;
    return key.n == 0 ? sim_tree_first(v->roots[i], ret_key, ret_value)
                      : sim_tree_after(v->roots[i], key, past, ret_key, ret_value);
}

const struct store_ops sim_store_ops = {
    .open = sim_open,
    .close = sim_close,
    .remove = sim_remove,
    .begin = sim_begin,
    .commit = sim_commit,
    .abort = sim_abort,
    .get = sim_get,
    .put = sim_put,
    .del = sim_del,
    .clear = sim_clear,
    .cursor_open = sim_cursor_open,
    .cursor_close = sim_cursor_close,
    .seek = sim_seek,
    .step = sim_cursor_step,
    .copy = sim_copy,
    .usage = sim_usage,
};

void sim_store_drop(struct sim_instance *i, bool power)
{
    while (i->stores != NULL) {
        struct sim_disk_store *d = i->stores->disk;
        store_free(i->stores);
        if (power && sim_random(i->sim, 2) == 0) version_set(&d->last, d->safe);
        version_set(&d->safe, d->last);
    }
}

void sim_store_free_all(struct sim *s)
{
    while (s->stores != NULL) disk_free(&s->stores);
}
