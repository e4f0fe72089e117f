/* SPDX-License-Identifier: Apache-2.0 */
/* Memory: the allocator port, and arenas.
 *
 * Services allocate through env->mem only, so that a simulated crash can drop
 * everything an instance had. mem_* never return NULL: running out of memory
 * stops the process. An arena has a limit and returns NULL past it: that is
 * what stands between outside bytes and our memory. */
#ifndef KESU_MEM_H
#define KESU_MEM_H

#include "span.h"

struct mem {
    void *(*realloc)(void *self, void *p, size_t n); /* p NULL: allocate; n 0: free */
    void *self;
};

/* malloc and free. */
extern struct mem mem_libc;

void *mem_alloc(struct mem *m, size_t n);
void *mem_zalloc(struct mem *m, size_t n);
void *mem_realloc(struct mem *m, void *p, size_t n);
void mem_free(struct mem *m, void *p); /* accepts NULL */
char *mem_strdup(struct mem *m, const char *s);
char *mem_printf(struct mem *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
void *mem_dup(struct mem *m, struct span bytes);

struct arena {
    struct mem *mem;
    size_t limit; /* bytes in all */
    size_t used;
    struct arena_chunk *chunks;
};

void arena_init(struct arena *a, struct mem *m, size_t limit);
void arena_deinit(struct arena *a);
void arena_reset(struct arena *a);            /* keeps one chunk for the next message */
void *arena_alloc(struct arena *a, size_t n); /* 16-aligned, not zeroed; NULL past the limit */
void *arena_zalloc(struct arena *a, size_t n);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
