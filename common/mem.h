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

enum { ARENA_ALIGN = 16 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t size, pos;
    _Alignas(ARENA_ALIGN) uint8_t bytes[];
};

struct arena {
    struct mem *mem;
    size_t limit; /* bytes in all */
    size_t used;
    struct arena_chunk *chunks; /* the newest first */
};

void arena_init(struct arena *a, struct mem *m, size_t limit);
void arena_deinit(struct arena *a);
void arena_reset(struct arena *a); /* keeps one chunk for the next message */
void *arena_alloc_slow(struct arena *a, size_t n);

static inline size_t arena_round(size_t n)
{
    return n == 0 ? ARENA_ALIGN : (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
}

/* 16-aligned, not zeroed; NULL past the limit. */
static inline void *arena_alloc(struct arena *a, size_t n)
{
    struct arena_chunk *c = a->chunks;
    size_t room = arena_round(n);
    if (c == NULL || n > a->limit || c->size - c->pos < room || a->limit - a->used < room)
        return arena_alloc_slow(a, n);
    void *p = c->bytes + c->pos;
    c->pos += room;
    a->used += room;
    return p;
}

void *arena_zalloc(struct arena *a, size_t n);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
