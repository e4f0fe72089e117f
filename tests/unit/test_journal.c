// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "err.h"
#include "files.h"
#include "journal.h"
#include "sim/sim.h"
#include "store.h"

#define WALL_US (1764000000 * USEC_PER_SEC)

/* An instance that opens a journal; what it was told survives its crashes. */
struct box {
    struct sim *sim;
    struct sim_instance *instance;
    struct env *env;
    bool memory;
    uint64_t segment_bytes;
    int opened;
    struct journal *journal;
    struct block_builder *builder;
    uint64_t seq; /* appended */
    uint8_t hash[HASH_BYTES];
    unsigned n_told, n_stepped;
    int told[1000];
};

static void on_boot(void *self, struct env *env)
{
    struct box *b = self;
    struct journal_opts opts = {.path = "data/journal", .segment_bytes = b->segment_bytes};
    b->env = env;
    b->journal = NULL;
    b->opened = b->memory ? journal_open_memory(env, &b->journal) : journal_open(env, &opts, &b->journal);
    if (b->opened < 0) return;
    struct journal_head head = journal_head(b->journal);
    b->seq = head.seq;
    memcpy(b->hash, head.hash, HASH_BYTES);
}

static void open_box(struct box *b, bool memory, uint64_t segment_bytes)
{
    memset(b, 0, sizeof(*b));
    b->memory = memory;
    b->segment_bytes = segment_bytes;
    b->sim = sim_new(1, WALL_US);
    b->builder = block_builder_new(&mem_libc);
    b->instance = sim_instance_new(b->sim, "box", on_boot, b);
    assert_int_equal(b->opened, 0);
}

static void close_box(struct box *b)
{
    if (sim_is_up(b->instance)) journal_close(b->journal);
    block_builder_free(&b->builder);
    sim_free(&b->sim);
}

static void on_durable(void *self, int status)
{
    struct box *b = self;
    b->told[b->n_told++] = status;
}

/* Before its block is chained, once. */
static void on_step(void *self, struct buf *block)
{
    struct box *b = self;
    for (unsigned i = 32; i < 96; i++) assert_int_equal(block->p[i], 0);
    b->n_stepped++;
}

static void append(struct box *b, unsigned n_events, size_t n_bytes)
{
    block_begin(b->builder, b->seq + 1, WALL_US + (int64_t)b->seq);
    for (unsigned i = 0; i < n_events; i++) {
        b->seq++;
        memset(block_add(b->builder, 21, 0, b->seq, n_bytes), (int)b->seq, n_bytes);
    }
    struct buf *block = block_finish(b->builder);
    struct buf *chained = buf_copy(buf_span(block));
    block_chain(chained, b->hash, b->hash);
    buf_unref(chained);
    journal_append(b->journal, block, (struct journal_step){on_step, b}, on_durable, b);
    buf_unref(block);
}

static void change_first_event(void *self, struct buf *block)
{
    struct block_event e;
    block_event_at(buf_span(block), 0, &e);
    *(uint8_t *)self = block->p[e.bytes.p - block->p];
    block->p[e.bytes.p - block->p] = 0x7e;
}

static void assert_holds(struct box *b, uint64_t seq)
{
    struct buf *block = NULL;
    struct block_head head;
    struct block_event e;
    assert_int_equal(journal_read(b->journal, seq, &block), 0);
    assert_int_equal(block_open(buf_span(block), &head), 0);
    assert_int_equal(block_verify(buf_span(block), NULL), 0);
    assert_true(head.first_seq <= seq && seq < head.first_seq + head.count);
    block_event_at(buf_span(block), (uint32_t)(seq - head.first_seq), &e);
    assert_int_equal(e.seq, seq);
    assert_int_equal(e.bytes.p[0], (uint8_t)seq);
    buf_unref(block);
}

static void tells_after_it_is_durable_and_reads_back(void **state)
{
    (void)state;
    for (int memory = 0; memory < 2; memory++) {
        struct box b;
        struct buf *block = NULL;
        open_box(&b, memory == 1, 0);
        for (int i = 0; i < 50; i++) append(&b, 3, 100);
        assert_int_equal(b.n_told, 0);
        assert_true(journal_pending(b.journal) > 50 * 300);
        assert_int_equal(journal_head(b.journal).seq, 0);
        assert_int_equal(journal_read(b.journal, 1, &block), E_NOT_FOUND);
        sim_run(b.sim, USEC_PER_SEC);
        assert_int_equal(b.n_told, 50);
        assert_int_equal(b.n_stepped, 50);
        for (int i = 0; i < 50; i++) assert_int_equal(b.told[i], 0);
        assert_int_equal(journal_pending(b.journal), 0);
        assert_int_equal(journal_head(b.journal).seq, 150);
        assert_memory_equal(journal_head(b.journal).hash, b.hash, HASH_BYTES);
        for (uint64_t seq = 1; seq <= 150; seq++) assert_holds(&b, seq);
        assert_int_equal(journal_read(b.journal, 151, &block), E_NOT_FOUND);
        close_box(&b);
    }
}

static void a_step_changes_the_block_before_it_is_chained(void **state)
{
    (void)state;
    struct box b;
    struct buf *block = NULL;
    struct block_event e;
    uint8_t before = 0;
    open_box(&b, false, 0);
    append(&b, 2, 100);
    block_begin(b.builder, 3, WALL_US + 3);
    memset(block_add(b.builder, 21, 0, 3, 50), 0x11, 50);
    struct buf *given = block_finish(b.builder);
    journal_append(b.journal, given, (struct journal_step){change_first_event, &before}, on_durable, &b);
    buf_unref(given);
    sim_run(b.sim, USEC_PER_SEC);
    assert_int_equal(b.n_told, 2);
    assert_int_equal(before, 0x11);
    assert_int_equal(journal_read(b.journal, 3, &block), 0);
    assert_int_equal(block_verify(buf_span(block), b.hash), 0);
    block_event_at(buf_span(block), 0, &e);
    assert_int_equal(e.bytes.p[0], 0x7e);
    assert_memory_equal(journal_head(b.journal).hash, block->p + 64, HASH_BYTES);
    buf_unref(block);
    close_box(&b);
}

static void is_the_same_after_a_start_over_many_segments(void **state)
{
    (void)state;
    struct box b;
    uint8_t uuid[16], hash[HASH_BYTES];
    open_box(&b, false, 64 << 10);
    memcpy(uuid, journal_head(b.journal).uuid, sizeof(uuid));
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 40; i++) append(&b, 2, 5000);
        sim_run(b.sim, USEC_PER_SEC);
        memcpy(hash, b.hash, sizeof(hash));
        sim_crash(b.instance);
        sim_run(b.sim, 20 * USEC_PER_SEC);
        assert_int_equal(b.opened, 0);
        assert_int_equal(b.seq, 80 * (round + 1));
        assert_memory_equal(b.hash, hash, sizeof(hash));
        assert_memory_equal(journal_head(b.journal).uuid, uuid, sizeof(uuid));
        for (uint64_t seq = 1; seq <= b.seq; seq++) assert_holds(&b, seq);
    }
    uint64_t bytes;
    assert_int_equal(journal_usage(b.journal, &bytes), 0);
    assert_true(bytes >= 400 * 5000);
    close_box(&b);
}

static void what_was_told_survives_a_power_failure(void **state)
{
    (void)state;
    struct box b;
    open_box(&b, false, 64 << 10);
    for (int round = 0; round < 30; round++) {
        uint64_t told = journal_head(b.journal).seq;
        for (int i = 0; i < 20; i++) append(&b, 1, 4000);
        for (int i = 0; i < 3 * round; i++) (void)sim_step(b.sim, sim_now_us(b.sim) + USEC_PER_SEC);
        told = journal_head(b.journal).seq;
        sim_power_failure(b.instance);
        sim_run(b.sim, 20 * USEC_PER_SEC);
        assert_int_equal(b.opened, 0);
        assert_true(b.seq >= told);
        for (uint64_t seq = 1; seq <= b.seq; seq++) assert_holds(&b, seq);
    }
    assert_true(b.seq > 100);
    close_box(&b);
}

static void a_full_disk_refuses_all_that_follows(void **state)
{
    (void)state;
    struct box b;
    open_box(&b, false, 64 << 10);
    append(&b, 1, 100);
    sim_run(b.sim, USEC_PER_SEC);
    struct sim_faults full = {.disk_full = 1000000};
    sim_set_faults(b.sim, &full);
    for (int i = 0; i < 10; i++) append(&b, 1, 20000);
    sim_run(b.sim, USEC_PER_SEC);
    assert_int_equal(b.n_told, 11);
    assert_int_equal(b.n_stepped, 11);
    for (int i = 1; i < 11; i++) assert_int_equal(b.told[i], E_NOSPACE);
    assert_int_equal(journal_head(b.journal).seq, 1);
    assert_int_equal(journal_pending(b.journal), 0);
    sim_set_faults(b.sim, NULL);
    struct journal_head head = journal_head(b.journal);
    b.seq = head.seq;
    memcpy(b.hash, head.hash, HASH_BYTES);
    for (int i = 0; i < 10; i++) append(&b, 1, 20000);
    sim_run(b.sim, USEC_PER_SEC);
    assert_int_equal(journal_head(b.journal).seq, 11);
    sim_crash(b.instance);
    sim_run(b.sim, 20 * USEC_PER_SEC);
    assert_int_equal(b.opened, 0);
    for (uint64_t seq = 1; seq <= 11; seq++) assert_holds(&b, seq);
    close_box(&b);
}

/* The store's only segment, its block changed behind the journal's back. */
static void damage(struct box *b, uint64_t seq, size_t at)
{
    static const char *const tables[] = {"blocks", "meta"};
    struct store_opts opts = {.path = "data/journal/00000000000000000001", .tables = tables, .n_tables = 2};
    struct store *s = NULL;
    struct store_txn *t = NULL;
    struct span value;
    uint8_t key[8] = {0, 0, 0, 0, 0, 0, 0, (uint8_t)seq}, bytes[2000];
    assert_int_equal(store_open(b->env, &opts, &s), 0);
    assert_int_equal(store_begin(b->env, s, STORE_WRITE, &t), 0);
    assert_int_equal(store_get(b->env, t, 0, span_of(key, 8), &value), 0);
    assert_true(value.n < sizeof(bytes));
    memcpy(bytes, value.p, value.n);
    bytes[at] ^= 1;
    assert_int_equal(store_put(b->env, t, 0, span_of(key, 8), span_of(bytes, value.n), false), 0);
    assert_int_equal(store_commit(b->env, t, STORE_SYNC_FULL), 0);
    store_close(b->env, s);
}

static void a_changed_block_is_found_at_the_start(void **state)
{
    (void)state;
    for (uint64_t seq = 1; seq <= 5; seq++) {
        struct box b;
        open_box(&b, false, 0);
        for (int i = 0; i < 5; i++) append(&b, 1, 300);
        sim_run(b.sim, USEC_PER_SEC);
        journal_close(b.journal);
        damage(&b, seq, 200);
        struct journal_opts opts = {.path = "data/journal"};
        assert_int_equal(journal_open(b.env, &opts, &b.journal), E_CORRUPT);
        block_builder_free(&b.builder);
        sim_free(&b.sim);
    }
}

static void clear(struct box *b, const char *path, unsigned table)
{
    static const char *const tables[] = {"blocks", "meta"};
    struct store_opts opts = {.path = path, .tables = tables, .n_tables = 2};
    struct store *s = NULL;
    struct store_txn *t = NULL;
    assert_int_equal(store_open(b->env, &opts, &s), 0);
    assert_int_equal(store_begin(b->env, s, STORE_WRITE, &t), 0);
    assert_int_equal(store_clear(b->env, t, table), 0);
    assert_int_equal(store_commit(b->env, t, STORE_SYNC_FULL), 0);
    store_close(b->env, s);
}

/* A segment is removed as never used when it is, not when it or the one before it is damaged. */
static void damage_does_not_remove_the_newest_segment(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        unsigned table;
    } damages[] = {{"data/journal/00000000000000000001", 0}, {"data/journal/00000000000000000004", 1}};
    for (unsigned i = 0; i < 2; i++) {
        struct box b;
        open_box(&b, false, 64 << 10);
        for (int n = 0; n < 6; n++) append(&b, 1, 20000);
        sim_run(b.sim, USEC_PER_SEC);
        journal_close(b.journal);
        clear(&b, damages[i].path, damages[i].table);
        struct journal_opts opts = {.path = "data/journal", .segment_bytes = 64 << 10};
        for (int n = 0; n < 2; n++) assert_int_equal(journal_open(b.env, &opts, &b.journal), E_CORRUPT);
        block_builder_free(&b.builder);
        sim_free(&b.sim);
    }
}

static void close_writes_what_waits(void **state)
{
    (void)state;
    struct box b;
    open_box(&b, false, 0);
    for (int i = 0; i < 5; i++) append(&b, 1, 300);
    journal_close(b.journal);
    assert_int_equal(b.n_told, 5);
    for (int i = 0; i < 5; i++) assert_int_equal(b.told[i], 0);
    on_boot(&b, b.env);
    assert_int_equal(b.seq, 5);
    close_box(&b);
}

UNIT_MAIN(cmocka_unit_test(tells_after_it_is_durable_and_reads_back),
          cmocka_unit_test(a_step_changes_the_block_before_it_is_chained),
          cmocka_unit_test(is_the_same_after_a_start_over_many_segments),
          cmocka_unit_test(what_was_told_survives_a_power_failure),
          cmocka_unit_test(a_full_disk_refuses_all_that_follows),
          cmocka_unit_test(a_changed_block_is_found_at_the_start),
          cmocka_unit_test(damage_does_not_remove_the_newest_segment),
          cmocka_unit_test(close_writes_what_waits))
