// SPDX-License-Identifier: Apache-2.0
// The allocator port and arenas.
//
// An arena hands out pieces of chunks, the newest chunk first; chunks grow from
// 16 KiB to 1 MiB, a larger piece gets a chunk of its own size. A reset keeps
// the largest chunk, so that a loop over messages allocates nothing.
#include "mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"

enum { FIRST_CHUNK = 16 << 10, LARGEST_CHUNK = 1 << 20 };

static void *libc_realloc(void *self, void *p, size_t n)
{
    (void)self;
    if (n == 0) {
        free(p);
        return NULL;
    }
    return realloc(p, n);
}

struct mem mem_libc = {libc_realloc, NULL};

void *mem_realloc(struct mem *m, void *p, size_t n)
{
    void *q = m->realloc(m->self, p, n > 0 ? n : 1);
    CHECK(q != NULL);
    return q;
}

void *mem_alloc(struct mem *m, size_t n)
{
    return mem_realloc(m, NULL, n);
}

void *mem_zalloc(struct mem *m, size_t n)
{
    return memset(mem_alloc(m, n), 0, n > 0 ? n : 1);
}

void mem_free(struct mem *m, void *p)
{
    if (p != NULL) m->realloc(m->self, p, 0);
}

char *mem_strdup(struct mem *m, const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(mem_alloc(m, n), s, n);
}

void *mem_dup(struct mem *m, struct span bytes)
{
    void *p = mem_alloc(m, bytes.n);
    if (bytes.n > 0) memcpy(p, bytes.p, bytes.n);
    return p;
}

void arena_init(struct arena *a, struct mem *m, size_t limit)
{
    *a = (struct arena){.mem = m, .limit = limit};
}

void arena_deinit(struct arena *a)
{
    if (a == NULL) return;
    for (struct arena_chunk *c = a->chunks, *next; c != NULL; c = next) {
        next = c->next;
        mem_free(a->mem, c);
    }
    a->chunks = NULL;
    a->used = 0;
}

void arena_reset(struct arena *a)
{
    struct arena_chunk *keep = a->chunks;
    for (struct arena_chunk *c = a->chunks; c != NULL; c = c->next)
        if (c->size > keep->size) keep = c;
    for (struct arena_chunk *c = a->chunks, *next; c != NULL; c = next) {
        next = c->next;
        if (c != keep) mem_free(a->mem, c);
    }
    if (keep != NULL) {
        keep->next = NULL;
        keep->pos = 0;
    }
    a->chunks = keep;
    a->used = 0;
}

static struct arena_chunk *add_chunk(struct arena *a, size_t n)
{
    size_t size = a->chunks != NULL ? a->chunks->size * 2 : FIRST_CHUNK;
    if (size > LARGEST_CHUNK) size = LARGEST_CHUNK;
    if (size < n) size = n;
    struct arena_chunk *c = mem_alloc(a->mem, sizeof *c + size);
    c->next = a->chunks;
    c->size = size;
    c->pos = 0;
    a->chunks = c;
    return c;
}

void *arena_alloc_slow(struct arena *a, size_t n)
{
    if (n > a->limit) return NULL;
    n = arena_round(n);
    if (n > a->limit - a->used) return NULL;
    struct arena_chunk *c = add_chunk(a, n);
    c->pos = n;
    a->used += n;
    return c->bytes;
}

void *arena_zalloc(struct arena *a, size_t n)
{
    void *p = arena_alloc(a, n);
    return p != NULL ? memset(p, 0, n) : NULL;
}

char *arena_strdup(struct arena *a, const char *s)
{
    size_t n = strlen(s) + 1;
    char *p = arena_alloc(a, n);
    return p != NULL ? memcpy(p, s, n) : NULL;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) return NULL;
    char *p = arena_alloc(a, (size_t)n + 1);
    if (p == NULL) return NULL;
    va_start(args, format);
    vsnprintf(p, (size_t)n + 1, format, args);
    va_end(args);
    return p;
}
