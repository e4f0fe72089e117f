/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps the blocks of a journal: segments on disk, or memory.
 *
 * journal.c owns order, gathering and the newest blocks; a storage only keeps
 * and finds. write runs on the journal's lane, everything else on the loop. */
#ifndef KESU_JOURNAL_STORAGE_H
#define KESU_JOURNAL_STORAGE_H

#include "journal.h"

struct journal_storage {
    /* Durable when it returns. 0, or E_NOSPACE: the first *ret_n blocks are
     * kept, nothing of the others; any other error: nobody knows. */
    int (*write)(struct journal_storage *s, struct buf *const *blocks, unsigned n, unsigned *ret_n);
    /* After each write, with the blocks that were kept. */
    void (*written)(struct journal_storage *s, struct buf *const *blocks, unsigned n);
    /* The block that holds seq, which was written and is not older than the oldest. */
    int (*read)(struct journal_storage *s, uint64_t seq, struct buf **ret);
    uint64_t (*usage)(struct journal_storage *s);
    void (*close)(struct journal_storage *s);
};

/* Each fills ret_head with what it holds. */
int journal_segments_open(struct env *env, const char *path, uint64_t segment_bytes,
                          struct journal_head *ret_head, struct journal_storage **ret);
int journal_memory_open(struct env *env, struct journal_head *ret_head, struct journal_storage **ret);

#endif
