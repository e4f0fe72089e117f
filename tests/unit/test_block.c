// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "block.h"
#include "err.h"

static const uint8_t no_hash[HASH_BYTES];

static struct buf *make(struct block_builder *b, uint64_t first_seq, const uint8_t *prev, uint8_t *ret_hash)
{
    block_begin(b, first_seq, 1234567);
    memcpy(block_add(b, 21, 0, first_seq, 5), "first", 5);
    block_add(b, 25, 3, 0, 0);
    memcpy(block_add(b, 26, 0, 9, 6), "second", 6);
    struct buf *block = block_finish(b);
    block_chain(block, prev, ret_hash);
    return block;
}

static void built_and_read(void **state)
{
    (void)state;
    struct block_builder *b = block_builder_new(&mem_libc);
    uint8_t hash[HASH_BYTES], next_hash[HASH_BYTES];
    struct buf *one = make(b, 1, no_hash, hash);
    struct buf *two = make(b, 4, hash, next_hash);
    struct block_head head;
    assert_int_equal(block_open(buf_span(one), &head), 0);
    assert_int_equal(head.first_seq, 1);
    assert_int_equal(head.count, 3);
    assert_int_equal(head.bytes, one->n);
    assert_int_equal(head.time_us, 1234567);
    assert_memory_equal(head.hash, hash, HASH_BYTES);
    struct block_event e;
    block_event_at(buf_span(one), 1, &e);
    assert_int_equal(e.seq, 2);
    assert_int_equal(e.type, 25);
    assert_int_equal(e.flags, 3);
    assert_int_equal(e.bytes.n, 0);
    block_event_at(buf_span(one), 2, &e);
    assert_int_equal(e.case_id, 9);
    assert_true(span_equal(e.bytes, SPAN_LIT("second")));
    assert_int_equal(block_verify(buf_span(one), no_hash), 0);
    assert_int_equal(block_verify(buf_span(two), hash), 0);
    assert_int_equal(block_verify(buf_span(two), NULL), 0);
    assert_int_equal(block_verify(buf_span(two), no_hash), E_CORRUPT);
    buf_unref(one);
    buf_unref(two);
    block_builder_free(&b);
}

static void every_changed_byte_is_seen(void **state)
{
    (void)state;
    struct block_builder *b = block_builder_new(&mem_libc);
    uint8_t hash[HASH_BYTES];
    struct buf *block = make(b, 1, no_hash, hash);
    for (size_t i = 0; i < block->n; i++) {
        block->p[i] ^= 0x10;
        assert_int_equal(block_verify(buf_span(block), NULL), E_CORRUPT);
        block->p[i] ^= 0x10;
    }
    for (size_t n = 0; n < block->n; n++) {
        struct block_head head;
        assert_int_equal(block_open(span_of(block->p, n), &head), E_CORRUPT);
    }
    assert_int_equal(block_verify(buf_span(block), no_hash), 0);
    buf_unref(block);
    block_builder_free(&b);
}

static void room(void **state)
{
    (void)state;
    struct block_builder *b = block_builder_new(&mem_libc);
    block_begin(b, 1, 0);
    assert_true(block_has_room(b, 1, BLOCK_MAX_BYTES - BLOCK_HEADER_BYTES - BLOCK_ROW_BYTES));
    assert_false(block_has_room(b, 1, BLOCK_MAX_BYTES - BLOCK_HEADER_BYTES - BLOCK_ROW_BYTES + 1));
    assert_false(block_has_room(b, BLOCK_MAX_EVENTS + 1, 0));
    for (int i = 0; i < BLOCK_MAX_EVENTS; i++) {
        assert_true(block_has_room(b, 1, 10));
        memset(block_add(b, 1, 0, 1, 10), 'x', 10);
    }
    assert_false(block_has_room(b, 1, 0));
    assert_int_equal(block_count(b), BLOCK_MAX_EVENTS);
    block_begin(b, 1, 0);
    size_t most = BLOCK_CLOSE_BYTES - BLOCK_HEADER_BYTES - 2 * BLOCK_ROW_BYTES - 1;
    memset(block_add(b, 1, 0, 1, 1), 'x', 1);
    assert_true(block_has_room(b, 1, most));
    assert_false(block_has_room(b, 1, most + 1));
    block_builder_free(&b);
    block_builder_free(&b);
}

UNIT_MAIN(cmocka_unit_test(built_and_read), cmocka_unit_test(every_changed_byte_is_seen),
          cmocka_unit_test(room))
