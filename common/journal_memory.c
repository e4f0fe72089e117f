/* SPDX-License-Identifier: Apache-2.0 */
/* A journal's blocks in memory: for tests, gone with the process. */
#include "journal_storage.h"

#include "err.h"

struct memory {
    struct journal_storage storage;
    struct env *env;
    struct buf **blocks; /* in order */
    size_t n, max;
    uint64_t bytes;
};

static int memory_write(struct journal_storage *s, struct buf *const *blocks, unsigned n, unsigned *ret_n)
{
    (void)s;
    (void)blocks;
    *ret_n = n;
    return 0;
}

static void memory_written(struct journal_storage *s, struct buf *const *blocks, unsigned n)
{
    struct memory *m = (struct memory *)s;
    for (unsigned i = 0; i < n; i++) {
        if (m->n == m->max) {
            m->max = m->max == 0 ? 64 : 2 * m->max;
            m->blocks = mem_realloc(&m->env->mem, m->blocks, m->max * sizeof(*m->blocks));
        }
        m->blocks[m->n++] = buf_ref(blocks[i]);
        m->bytes += blocks[i]->n;
    }
}

static int memory_read(struct journal_storage *s, uint64_t seq, struct buf **ret)
{
    struct memory *m = (struct memory *)s;
    size_t low = 0, high = m->n;
    while (low < high) { /* the last block whose first_seq is not above seq */
        size_t middle = low + (high - low) / 2;
        struct block_head head;
        int r = block_open(buf_span(m->blocks[middle]), &head);
        if (r < 0) return r;
        if (head.first_seq <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0) return E_NOT_FOUND;
    *ret = buf_ref(m->blocks[low - 1]);
    return 0;
}

static uint64_t memory_usage(struct journal_storage *s)
{
    return ((struct memory *)s)->bytes;
}

static void memory_close(struct journal_storage *s)
{
    struct memory *m = (struct memory *)s;
    for (size_t i = 0; i < m->n; i++) buf_unref(m->blocks[i]);
    mem_free(&m->env->mem, m->blocks);
    mem_free(&m->env->mem, m);
}

int journal_memory_open(struct env *env, struct journal_head *ret_head, struct journal_storage **ret)
{
    struct memory *m = mem_zalloc(&env->mem, sizeof(*m));
    m->storage =
        (struct journal_storage){memory_write, memory_written, memory_read, memory_usage, memory_close};
    m->env = env;
    memset(ret_head, 0, sizeof(*ret_head));
    ret_head->oldest_seq = 1;
    env_random(env, ret_head->uuid, sizeof(ret_head->uuid));
    *ret = &m->storage;
    return 0;
}
