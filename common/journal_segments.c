/* SPDX-License-Identifier: Apache-2.0 */
/* A journal's blocks on disk: one store a segment, one value a block.
 *
 * A segment is a directory named by its first seq. The newest is written on
 * the journal's lane and read on the loop; older ones never change and are
 * opened when somebody asks for them, a few at a time. Its first commit holds
 * its first block and the meta row together, so a segment without a meta row
 * is one that was begun and never used.
 *
 * At open the chain of headers of the newest segment is walked, down to its
 * joint with the one before; of the newest blocks the whole hash is computed. */
#include "journal_storage.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "err.h"
#include "files.h"
#include "key.h"
#include "log.h"
#include "store.h"

#define FORMAT_VERSION     1
#define OPEN_OLD_MAX       8 /* closed segments held open */
#define VERIFY_TAIL_BYTES  ((size_t)16 << 20)
#define PATH_BYTES         600
#define NAME_DIGITS        20
#define META_BYTES         36 /* version u32, uuid 16, bytes in earlier segments u64, spare u64 */
#define SEGMENT_MAP(bytes) ((size_t)((bytes) + (bytes) / 2) + ((size_t)64 << 20))

enum { TABLE_BLOCKS, TABLE_META, N_TABLES };
static const char *const table_names[N_TABLES] = {"blocks", "meta"};

struct segment {
    uint64_t first_seq;
    struct store *store; /* NULL: closed */
    uint64_t used_at;    /* of old ones: when last read, in reads */
};

struct segments {
    struct journal_storage storage;
    struct env *env;
    char *path;
    uint64_t segment_bytes;
    uint8_t uuid[16];
    struct segment *list; /* ascending; the loop's */
    unsigned n, max, n_open_old;
    uint64_t reads;
    /* The lane's while a write is under way. */
    struct store *writer;
    uint64_t writer_first;     /* 0: none yet */
    uint64_t writer_bytes;     /* what its blocks take */
    uint64_t earlier_bytes;    /* what the segments before it take */
    bool writer_used;          /* has its meta row */
    struct segment begun[256]; /* opened by this write, not yet in the list */
    unsigned n_begun;
};

/* What a block takes on disk, nearly: values past a quarter page go to pages of their own. */
static uint64_t stored_bytes(size_t n)
{
    return n < 1000 ? n + 64 : (n + 64 + 4095) & ~(uint64_t)4095;
}

static void segment_path(const struct segments *s, uint64_t first_seq, char ret[PATH_BYTES])
{
    int n = snprintf(ret, PATH_BYTES, "%s/%0*llu", s->path, NAME_DIGITS, (unsigned long long)first_seq);
    CHECK(n > 0 && n < PATH_BYTES);
}

static int segment_store_open(struct segments *s, uint64_t first_seq, bool read_only, struct store **ret)
{
    char path[PATH_BYTES];
    segment_path(s, first_seq, path);
    struct store_opts opts = {path, table_names, N_TABLES, SEGMENT_MAP(s->segment_bytes), read_only};
    return store_open(s->env, &opts, ret);
}

/* ---- the lane ------------------------------------------------------------ */

static int writer_begin_segment(struct segments *s, uint64_t first_seq)
{
    struct store *store;
    CHECK(s->n_begun < sizeof(s->begun) / sizeof(s->begun[0]));
    int r = segment_store_open(s, first_seq, false, &store);
    if (r < 0) return r;
    s->begun[s->n_begun++] = (struct segment){first_seq, store, 0};
    s->earlier_bytes += s->writer_bytes;
    s->writer = store;
    s->writer_first = first_seq;
    s->writer_bytes = 0;
    s->writer_used = false;
    return 0;
}

static int put_meta(struct segments *s, struct store_txn *t)
{
    struct key v = {0};
    key_u32(&v, FORMAT_VERSION);
    key_bytes(&v, span_of(s->uuid, sizeof(s->uuid)));
    key_u64(&v, s->earlier_bytes);
    key_u64(&v, 0);
    return store_put(s->env, t, TABLE_META, SPAN_LIT("meta"), key_span(&v), false);
}

/* One transaction: the blocks that fit into the current segment. */
static int write_some(struct segments *s, struct buf *const *blocks, unsigned n, unsigned *ret_n)
{
    struct store_txn *t;
    int r = store_begin(s->env, s->writer, STORE_WRITE, &t);
    if (r < 0) return r;
    uint64_t bytes = s->writer_bytes;
    unsigned i = 0;
    r = s->writer_used ? 0 : put_meta(s, t);
    for (; r == 0 && i < n; i++) {
        uint64_t more = stored_bytes(blocks[i]->n);
        if (bytes > 0 && bytes + more > s->segment_bytes) break;
        struct block_head head;
        CHECK(block_open(buf_span(blocks[i]), &head) == 0);
        struct key k = {0};
        key_u64(&k, head.first_seq);
        r = store_put(s->env, t, TABLE_BLOCKS, key_span(&k), buf_span(blocks[i]), true);
        bytes += more;
    }
    if (r < 0) {
        store_abort(s->env, t);
        return r;
    }
    r = store_commit(s->env, t, STORE_SYNC_FULL);
    if (r < 0) return r;
    s->writer_bytes = bytes;
    s->writer_used = true;
    *ret_n = i;
    return 0;
}

static int segments_write(struct journal_storage *storage, struct buf *const *blocks, unsigned n,
                          unsigned *ret_n)
{
    struct segments *s = (struct segments *)storage;
    s->n_begun = 0;
    *ret_n = 0;
    while (*ret_n < n) {
        struct block_head head;
        CHECK(block_open(buf_span(blocks[*ret_n]), &head) == 0);
        uint64_t more = stored_bytes(blocks[*ret_n]->n);
        bool full = s->writer_bytes > 0 && s->writer_bytes + more > s->segment_bytes;
        int r = s->writer == NULL || full ? writer_begin_segment(s, head.first_seq) : 0;
        unsigned done = 0;
        if (r == 0) r = write_some(s, blocks + *ret_n, n - *ret_n, &done);
        if (r < 0) return r;
        *ret_n += done;
    }
    return 0;
}

/* ---- the loop ------------------------------------------------------------ */

static void list_add(struct segments *s, uint64_t first_seq, struct store *store)
{
    if (s->n == s->max) {
        s->max = s->max == 0 ? 16 : 2 * s->max;
        s->list = mem_realloc(&s->env->mem, s->list, s->max * sizeof(*s->list));
    }
    s->list[s->n++] = (struct segment){first_seq, store, 0};
}

/* Closed segments beyond the few we hold are closed, the longest unread first. */
static void close_unread(struct segments *s)
{
    while (s->n_open_old > OPEN_OLD_MAX) {
        struct segment *oldest = NULL;
        for (unsigned i = 0; i + 1 < s->n; i++) {
            struct segment *g = &s->list[i];
            if (g->store != NULL && (oldest == NULL || g->used_at < oldest->used_at)) oldest = g;
        }
        if (oldest == NULL) return;
        store_close(s->env, oldest->store);
        oldest->store = NULL;
        s->n_open_old--;
    }
}

static void segments_written(struct journal_storage *storage, struct buf *const *blocks, unsigned n)
{
    struct segments *s = (struct segments *)storage;
    (void)blocks;
    (void)n;
    for (unsigned i = 0; i < s->n_begun; i++) {
        if (s->n > 0 && s->list[s->n - 1].store != NULL) s->n_open_old++;
        list_add(s, s->begun[i].first_seq, s->begun[i].store);
    }
    s->n_begun = 0;
    close_unread(s);
}

static int segment_open_old(struct segments *s, struct segment *g)
{
    g->used_at = ++s->reads;
    if (g->store != NULL) return 0;
    int r = segment_store_open(s, g->first_seq, true, &g->store);
    if (r < 0) return r;
    s->n_open_old++;
    close_unread(s);
    return 0;
}

/* The last record whose key is not above seq. */
static int read_before(struct segments *s, struct store_txn *t, uint64_t seq, struct span *ret)
{
    struct store_cursor *c;
    struct span key, value;
    struct key k = {0};
    key_u64(&k, seq);
    int r = store_cursor_open(s->env, t, TABLE_BLOCKS, &c);
    if (r < 0) return r;
    r = store_seek(s->env, c, key_span(&k), &key, &value);
    if (r == E_NOT_FOUND) { /* past the last one */
        store_cursor_close(s->env, c);
        r = store_cursor_open(s->env, t, TABLE_BLOCKS, &c);
        if (r < 0) return r;
        r = store_step(s->env, c, -1, &key, &value);
    } else if (r == 0 && !span_equal(key, key_span(&k))) {
        r = store_step(s->env, c, -1, &key, &value);
    }
    store_cursor_close(s->env, c);
    if (r == 0) *ret = value;
    return r;
}

static int store_read_block(struct segments *s, struct store *store, uint64_t seq, struct buf **ret)
{
    struct store_txn *t;
    struct span value;
    int r = store_begin(s->env, store, STORE_READ, &t);
    if (r < 0) return r;
    r = read_before(s, t, seq, &value);
    if (r == 0) *ret = buf_copy(value);
    store_abort(s->env, t);
    return r;
}

static int segments_read(struct journal_storage *storage, uint64_t seq, struct buf **ret)
{
    struct segments *s = (struct segments *)storage;
    unsigned low = 0, high = s->n;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (s->list[middle].first_seq <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0) return E_NOT_FOUND;
    struct segment *g = &s->list[low - 1];
    int r = low == s->n ? 0 : segment_open_old(s, g);
    return r < 0 ? r : store_read_block(s, g->store, seq, ret);
}

static uint64_t segments_usage(struct journal_storage *storage)
{
    const struct segments *s = (const struct segments *)storage;
    return s->earlier_bytes + s->writer_bytes;
}

static void segments_close(struct journal_storage *storage)
{
    struct segments *s = (struct segments *)storage;
    for (unsigned i = 0; i < s->n; i++) store_close(s->env, s->list[i].store);
    mem_free(&s->env->mem, s->list);
    mem_free(&s->env->mem, s->path);
    mem_free(&s->env->mem, s);
}

/* ---- open ---------------------------------------------------------------- */

static int on_segment_name(void *self, const char *name)
{
    struct segments *s = self;
    char *end;
    if (strlen(name) != NAME_DIGITS || strspn(name, "0123456789") != NAME_DIGITS) return 0;
    unsigned long long first = strtoull(name, &end, 10);
    if (first == 0) return 0;
    list_add(s, first, NULL);
    return 0;
}

/* 1: begun, never used. */
static int read_meta(struct segments *s, struct store_txn *t)
{
    struct span v;
    uint32_t version;
    int r = store_get(s->env, t, TABLE_META, SPAN_LIT("meta"), &v);
    if (r == E_NOT_FOUND) return read_before(s, t, UINT64_MAX, &v) == E_NOT_FOUND ? 1 : E_CORRUPT;
    if (r < 0) return r;
    if (v.n != META_BYTES || !key_take_u32(&v, &version)) return E_CORRUPT;
    if (version > FORMAT_VERSION) return E_VERSION;
    memcpy(s->uuid, v.p, sizeof(s->uuid));
    v = span_of(v.p + sizeof(s->uuid), v.n - sizeof(s->uuid));
    return key_take_u64(&v, &s->earlier_bytes) ? 0 : E_CORRUPT;
}

static void head_set(struct journal_head *head, const struct block_head *b)
{
    head->seq = b->first_seq + b->count - 1;
    head->time_us = b->time_us;
    memcpy(head->hash, b->hash, HASH_BYTES);
}

/* From the last block to the first: each header names the hash of the one before. */
static int walk_chain(struct segments *s, struct store_cursor *c, struct journal_head *ret_head,
                      struct block_head *ret_first)
{
    struct span key, value;
    size_t verified = 0;
    uint8_t wanted[HASH_BYTES];
    uint64_t next_seq = 0;
    int r;
    while ((r = store_step(s->env, c, -1, &key, &value)) == 0) {
        struct block_head b;
        uint64_t seq;
        if (block_open(value, &b) < 0 || !key_take_u64(&key, &seq) || seq != b.first_seq) return E_CORRUPT;
        if (next_seq == 0)
            head_set(ret_head, &b);
        else if (b.first_seq + b.count != next_seq || memcmp(wanted, b.hash, HASH_BYTES) != 0)
            return E_CORRUPT;
        if (verified < VERIFY_TAIL_BYTES && block_verify(value, NULL) < 0) return E_CORRUPT;
        verified += value.n;
        s->writer_bytes += stored_bytes(value.n);
        next_seq = b.first_seq;
        memcpy(wanted, b.prev_hash, HASH_BYTES);
        *ret_first = b;
    }
    if (r != E_NOT_FOUND) return r;
    return next_seq == 0 ? E_CORRUPT : 0;
}

/* The newest block of the segment before the last must be what the last begins with. */
static int check_joint(struct segments *s, const struct block_head *first)
{
    static const uint8_t zeros[HASH_BYTES];
    struct block_head b;
    struct buf *block;
    if (first->first_seq == 1) return memcmp(first->prev_hash, zeros, HASH_BYTES) == 0 ? 0 : E_CORRUPT;
    if (s->n < 2) return 0; /* archived */
    int r = segments_read(&s->storage, first->first_seq - 1, &block);
    if (r < 0) return r == E_NOT_FOUND ? E_CORRUPT : r;
    bool joined = block_open(buf_span(block), &b) == 0 && b.first_seq + b.count == first->first_seq &&
                  memcmp(b.hash, first->prev_hash, HASH_BYTES) == 0;
    buf_unref(block);
    return joined ? 0 : E_CORRUPT;
}

/* 1: the newest segment was begun and never used. */
static int open_newest(struct segments *s, struct journal_head *ret_head)
{
    struct segment *g = &s->list[s->n - 1];
    struct store_txn *t = NULL;
    struct store_cursor *c = NULL;
    struct block_head first = {0};
    int r = segment_store_open(s, g->first_seq, false, &g->store);
    if (r < 0) return r;
    s->writer_bytes = 0;
    r = store_begin(s->env, g->store, STORE_READ, &t);
    if (r < 0) return r;
    r = read_meta(s, t);
    if (r == 0) r = store_cursor_open(s->env, t, TABLE_BLOCKS, &c);
    if (r == 0) r = walk_chain(s, c, ret_head, &first);
    if (r == 0) r = check_joint(s, &first);
    if (r == 0 && first.first_seq != g->first_seq) r = E_CORRUPT;
    store_cursor_close(s->env, c);
    store_abort(s->env, t);
    if (r != 0) return r;
    s->writer = g->store;
    s->writer_first = g->first_seq;
    s->writer_used = true;
    return 0;
}

static int segments_load(struct segments *s, struct journal_head *ret_head)
{
    int r = files_mkdir(s->env, s->path);
    if (r < 0) return r;
    r = files_list(s->env, s->path, on_segment_name, s);
    if (r < 0) return r;
    memset(ret_head, 0, sizeof(*ret_head));
    while (s->n > 0) {
        r = open_newest(s, ret_head);
        if (r == 0) break;
        if (r < 0) {
            log_error(s->env, "journal: segment does not check",
                      LOG_U64("segment", s->list[s->n - 1].first_seq), LOG_ERR(r));
            return r;
        }
        char unused[PATH_BYTES];
        struct segment *g = &s->list[--s->n];
        segment_path(s, g->first_seq, unused);
        store_close(s->env, g->store);
        r = store_remove(s->env, unused);
        if (r < 0) return r;
    }
    if (s->n == 0) env_random(s->env, s->uuid, sizeof(s->uuid));
    memcpy(ret_head->uuid, s->uuid, sizeof(s->uuid));
    ret_head->oldest_seq = s->n > 0 ? s->list[0].first_seq : 1;
    return 0;
}

int journal_segments_open(struct env *env, const char *path, uint64_t segment_bytes,
                          struct journal_head *ret_head, struct journal_storage **ret)
{
    if (strlen(path) + NAME_DIGITS + 2 > PATH_BYTES) return E_RANGE;
    struct segments *s = mem_zalloc(&env->mem, sizeof(*s));
    s->storage = (struct journal_storage){segments_write, segments_written, segments_read, segments_usage,
                                          segments_close};
    s->env = env;
    s->path = mem_strdup(&env->mem, path);
    s->segment_bytes = segment_bytes;
    int r = segments_load(s, ret_head);
    if (r < 0) {
        segments_close(&s->storage);
        return r;
    }
    *ret = &s->storage;
    return 0;
}
