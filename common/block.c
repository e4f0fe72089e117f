// SPDX-License-Identifier: Apache-2.0
// Blocks. The builder gathers rows and events in two buffers of their largest
// size, made once; block_finish lays them out in one piece and hashes it.
#include "block.h"

#include "check.h"
#include "err.h"

enum { OFFSET_TIME = 24, OFFSET_PREV = 32, OFFSET_HASH = 64, FORMAT = 1 };

struct block_builder {
    struct mem *mem;
    uint64_t first_seq;
    int64_t time_us;
    uint32_t count;
    size_t bytes; // of events so far
    struct row {
        uint16_t type, flags;
        uint64_t case_id;
        uint32_t length;
    } rows[BLOCK_MAX_EVENTS];
    uint8_t events[BLOCK_MAX_BYTES];
};

static void put_number(uint8_t *p, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++) p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t get_number(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++) v |= (uint64_t)p[i] << (8 * i);
    return v;
}

struct block_builder *block_builder_new(struct mem *m)
{
    struct block_builder *b = mem_alloc(m, sizeof *b);
    b->mem = m;
    b->count = 0;
    b->bytes = 0;
    return b;
}

void block_builder_free(struct block_builder **p)
{
    if (*p != NULL) mem_free((*p)->mem, *p);
    *p = NULL;
}

void block_begin(struct block_builder *b, uint64_t first_seq, int64_t time_us)
{
    b->first_seq = first_seq;
    b->time_us = time_us;
    b->count = 0;
    b->bytes = 0;
}

static size_t total_bytes(size_t count, size_t bytes)
{
    return BLOCK_HEADER_BYTES + count * BLOCK_ROW_BYTES + bytes;
}

bool block_has_room(const struct block_builder *b, size_t n_events, size_t n_bytes)
{
    if (b->count + n_events > BLOCK_MAX_EVENTS || n_bytes > BLOCK_MAX_BYTES) return false;
    size_t total = total_bytes(b->count + n_events, b->bytes + n_bytes);
    return total <= (b->count == 0 ? BLOCK_MAX_BYTES : BLOCK_CLOSE_BYTES);
}

uint8_t *block_add(struct block_builder *b, uint16_t type, uint16_t flags, uint64_t case_id, size_t n)
{
    CHECK(b->count < BLOCK_MAX_EVENTS && n <= BLOCK_MAX_BYTES);
    CHECK(total_bytes(b->count + 1, b->bytes + n) <= BLOCK_MAX_BYTES);
    b->rows[b->count++] = (struct row){type, flags, case_id, (uint32_t)n};
    uint8_t *p = b->events + b->bytes;
    b->bytes += n;
    return p;
}

uint32_t block_count(const struct block_builder *b)
{
    return b->count;
}

static void hash_block(struct span bytes, uint8_t ret[HASH_BYTES])
{
    const struct span pieces[] = {
        span_of(bytes.p, OFFSET_HASH),
        span_of(bytes.p + BLOCK_HEADER_BYTES, bytes.n - BLOCK_HEADER_BYTES),
    };
    hash_pieces(pieces, 2, ret);
}

struct buf *block_finish(const struct block_builder *b)
{
    CHECK(b->count > 0 && b->first_seq > 0);
    struct buf *block = buf_new(total_bytes(b->count, b->bytes));
    uint8_t *p = block->p;
    memcpy(p, "KSB1", 4);
    put_number(p + 4, FORMAT, 2);
    put_number(p + 6, 0, 2);
    put_number(p + 8, b->first_seq, 8);
    put_number(p + 16, b->count, 4);
    put_number(p + 20, block->n, 4);
    put_number(p + OFFSET_TIME, (uint64_t)b->time_us, 8);
    memset(p + OFFSET_PREV, 0, BLOCK_HEADER_BYTES - OFFSET_PREV);
    uint8_t *row = p + BLOCK_HEADER_BYTES;
    size_t offset = total_bytes(b->count, 0);
    memcpy(p + offset, b->events, b->bytes);
    for (uint32_t i = 0; i < b->count; i++, row += BLOCK_ROW_BYTES) {
        put_number(row, b->rows[i].type, 2);
        put_number(row + 2, b->rows[i].flags, 2);
        put_number(row + 4, b->rows[i].case_id, 8);
        put_number(row + 12, offset, 4);
        put_number(row + 16, b->rows[i].length, 4);
        offset += b->rows[i].length;
    }
    return block;
}

void block_chain(struct buf *block, const uint8_t prev_hash[HASH_BYTES], uint8_t ret_hash[HASH_BYTES])
{
    memcpy(block->p + OFFSET_PREV, prev_hash, HASH_BYTES);
    hash_block(buf_span(block), block->p + OFFSET_HASH);
    memcpy(ret_hash, block->p + OFFSET_HASH, HASH_BYTES);
}

int block_open(struct span bytes, struct block_head *ret)
{
    if (bytes.n < BLOCK_HEADER_BYTES || bytes.n > BLOCK_MAX_BYTES) return E_CORRUPT;
    const uint8_t *p = bytes.p;
    if (memcmp(p, "KSB1", 4) != 0 || get_number(p + 4, 2) != FORMAT || get_number(p + 6, 2) != 0)
        return E_CORRUPT;
    uint64_t first_seq = get_number(p + 8, 8);
    uint32_t count = (uint32_t)get_number(p + 16, 4);
    if (get_number(p + 20, 4) != bytes.n || count == 0 || count > BLOCK_MAX_EVENTS) return E_CORRUPT;
    if (first_seq == 0 || first_seq > UINT64_MAX - count) return E_CORRUPT;
    uint64_t offset = total_bytes(count, 0);
    if (offset > bytes.n) return E_CORRUPT;
    for (const uint8_t *row = p + BLOCK_HEADER_BYTES; row < p + total_bytes(count, 0);
         row += BLOCK_ROW_BYTES) {
        if (get_number(row + 12, 4) != offset) return E_CORRUPT;
        offset += get_number(row + 16, 4);
        if (offset > bytes.n) return E_CORRUPT;
    }
    if (offset != bytes.n) return E_CORRUPT;
    *ret = (struct block_head){
        .first_seq = first_seq,
        .count = count,
        .bytes = (uint32_t)bytes.n,
        .time_us = (int64_t)get_number(p + OFFSET_TIME, 8),
        .prev_hash = p + OFFSET_PREV,
        .hash = p + OFFSET_HASH,
    };
    return 0;
}

int block_verify(struct span bytes, const uint8_t *prev_hash)
{
    struct block_head head;
    uint8_t hash[HASH_BYTES];
    int err = block_open(bytes, &head);
    if (err != 0) return err;
    if (prev_hash != NULL && memcmp(head.prev_hash, prev_hash, HASH_BYTES) != 0) return E_CORRUPT;
    hash_block(bytes, hash);
    return memcmp(hash, head.hash, HASH_BYTES) == 0 ? 0 : E_CORRUPT;
}

void block_event_at(struct span bytes, uint32_t i, struct block_event *ret)
{
    const uint8_t *row = bytes.p + BLOCK_HEADER_BYTES + (size_t)i * BLOCK_ROW_BYTES;
    CHECK(i < get_number(bytes.p + 16, 4));
    *ret = (struct block_event){
        .seq = get_number(bytes.p + 8, 8) + i,
        .type = (uint16_t)get_number(row, 2),
        .flags = (uint16_t)get_number(row + 2, 2),
        .case_id = get_number(row + 4, 8),
        .bytes = span_of(bytes.p + get_number(row + 12, 4), get_number(row + 16, 4)),
    };
}
