// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "err.h"
#include "fake_intake.h"
#include "feed.h"

#define WALL_US (1764000000 * USEC_PER_SEC)

struct reader {
    struct sim *sim;
    struct fake_intake intake;
    struct sim_instance *instance;
    struct env *env;
    struct feed_opts opts;
    struct feed *feed;
    struct seal_ring *ring;
    uint64_t next_seq;
    unsigned n_blocks, n_subscribed, n_keys;
    int refused;
    bool slow; /* never says that it is done */
};

static void on_subscribed(void *self, const Kesu__V1__Subscribed *s)
{
    struct reader *r = self;
    (void)s;
    r->n_subscribed++;
}

static void on_block(void *self, struct buf *block, const struct block_head *head)
{
    struct reader *r = self;
    assert_true(head->first_seq <= r->next_seq);
    r->next_seq = head->first_seq + head->count;
    r->n_blocks++;
    if (!r->slow) feed_done(r->feed, block->n, r->next_seq - 1);
}

static void on_refused(void *self, int err)
{
    struct reader *r = self;
    r->refused = err;
}

static void on_boot(void *self, struct env *env)
{
    struct reader *r = self;
    r->env = env;
    r->opts.endpoint = FAKE_FEED;
    r->opts.name = "unit";
    r->opts.self = r;
    r->opts.on_subscribed = on_subscribed;
    r->opts.on_block = on_block;
    r->opts.on_refused = on_refused;
    r->opts.ring = r->ring;
    assert_int_equal(feed_open(env, &r->opts, &r->feed), 0);
}

static void open_reader(struct reader *r, uint64_t seed)
{
    memset(r, 0, sizeof(*r));
    r->sim = sim_new(seed, WALL_US);
    fake_intake_init(&r->intake, r->sim);
    r->opts.from_seq = r->next_seq = 1;
}

static void start_reader(struct reader *r)
{
    r->instance = sim_instance_new(r->sim, "reader", on_boot, r);
}

static void close_reader(struct reader *r)
{
    if (sim_is_up(r->instance)) feed_close(r->feed);
    fake_intake_deinit(&r->intake);
    sim_free(&r->sim);
}

static void journal_notes(struct reader *r, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        Kesu__V1__Event e = KESU__V1__EVENT__INIT;
        Kesu__V1__WorkStarted body = KESU__V1__WORK_STARTED__INIT;
        e.body_case = KESU__V1__EVENT__BODY_WORK_STARTED;
        e.work_started = &body;
        (void)fake_intake_event(&r->intake, 1, &e);
    }
    fake_intake_block(&r->intake);
}

static void gets_every_block_once_in_order(void **state)
{
    (void)state;
    struct reader r;
    open_reader(&r, 1);
    for (int i = 0; i < 20; i++) journal_notes(&r, 3);
    start_reader(&r);
    sim_run(r.sim, 5 * USEC_PER_SEC);
    for (int i = 0; i < 20; i++) journal_notes(&r, 3);
    sim_run(r.sim, 5 * USEC_PER_SEC);
    assert_int_equal(r.next_seq, 121);
    assert_int_equal(r.n_blocks, 40);
    assert_int_equal(r.n_subscribed, 1);
    close_reader(&r);
}

static void comes_through_loss_and_restarts(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct reader r;
        open_reader(&r, seed);
        struct sim_faults bad = {.lose = 100000, .duplicate = 100000, .reorder = 100000, .delay = 100000};
        sim_set_faults(r.sim, &bad);
        start_reader(&r);
        for (int i = 0; i < 60; i++) {
            journal_notes(&r, 2);
            sim_run(r.sim, USEC_PER_SEC);
            if (i % 20 == 10) sim_crash(r.intake.instance);
        }
        sim_set_faults(r.sim, NULL);
        sim_run(r.sim, 20 * USEC_PER_SEC);
        assert_int_equal(r.next_seq, 121);
        assert_int_equal(r.n_blocks, 60);
        assert_int_equal(r.refused, 0);
        close_reader(&r);
    }
}

static void takes_no_more_than_its_credit(void **state)
{
    (void)state;
    struct reader r;
    open_reader(&r, 1);
    r.slow = true;
    r.opts.credit_bytes = 1000;
    for (int i = 0; i < 50; i++) journal_notes(&r, 3);
    start_reader(&r);
    sim_run(r.sim, 5 * USEC_PER_SEC);
    size_t n = r.intake.blocks[0]->n;
    assert_true(r.n_blocks >= 1 && r.n_blocks <= 1000 / n + 1);
    r.slow = false;
    feed_done(r.feed, r.n_blocks * n, r.next_seq - 1);
    sim_run(r.sim, 30 * USEC_PER_SEC);
    assert_int_equal(r.n_blocks, 50);
    close_reader(&r);
}

static void another_journal_is_told(void **state)
{
    (void)state;
    struct reader r;
    open_reader(&r, 1);
    journal_notes(&r, 3);
    start_reader(&r);
    sim_run(r.sim, 5 * USEC_PER_SEC);
    fake_intake_other_journal(&r.intake);
    sim_run(r.sim, 20 * USEC_PER_SEC);
    assert_int_equal(r.refused, E_MISMATCH);
    close_reader(&r);
}

static void a_changed_block_is_not_given(void **state)
{
    (void)state;
    for (int chain = 0; chain < 3; chain++) {
        struct reader r;
        open_reader(&r, 1);
        r.intake.from_memory = chain == 2;
        for (int i = 0; i < 5; i++) journal_notes(&r, 3);
        struct buf *b = r.intake.blocks[2];
        if (chain == 0) {
            b->p[b->n - 1] ^= 1;
        } else { /* whole in itself, but it does not go on from the one before */
            static const uint8_t other[HASH_BYTES] = {1};
            uint8_t hash[HASH_BYTES];
            buf_unref(b);
            struct block_builder *builder = block_builder_new(&mem_libc);
            block_begin(builder, 7, WALL_US);
            for (int i = 0; i < 3; i++) memset(block_add(builder, 25, 0, 1, 4), 0, 4);
            r.intake.blocks[2] = block_finish(builder);
            block_chain(r.intake.blocks[2], other, hash);
            block_builder_free(&builder);
        }
        start_reader(&r);
        sim_run(r.sim, 5 * USEC_PER_SEC);
        assert_int_equal(r.refused, E_CORRUPT);
        assert_int_equal(r.next_seq, 7);
        close_reader(&r);
    }
}

static void starts_within_a_block(void **state)
{
    (void)state;
    struct reader r;
    open_reader(&r, 1);
    for (int i = 0; i < 5; i++) journal_notes(&r, 10);
    r.opts.from_seq = r.next_seq = 15;
    start_reader(&r);
    sim_run(r.sim, 5 * USEC_PER_SEC);
    assert_int_equal(r.next_seq, 51);
    assert_int_equal(r.n_blocks, 4);
    close_reader(&r);
}

static void on_keys(void *self)
{
    struct reader *r = self;
    r->n_keys++;
}

/* A reader that got key 9 with a block. */
static void open_with_key(struct reader *r)
{
    open_reader(r, 1);
    r->ring = seal_ring_new(&mem_libc, 16);
    r->intake.keys_from = 9;
    journal_notes(r, 1);
    start_reader(r);
    sim_run(r->sim, 5 * USEC_PER_SEC);
}

static void keys_come_beside_and_when_asked(void **state)
{
    (void)state;
    struct reader r;
    const uint8_t *secret = NULL;
    uint64_t wanted[3] = {40, 41, 42};
    open_with_key(&r);
    assert_int_equal(seal_ring_get(r.ring, 9, &secret), 0);
    assert_int_equal(secret[0], 9);
    assert_int_equal(seal_ring_get(r.ring, 41, &secret), E_NOT_FOUND);
    struct sim_faults bad = {.lose = 500000};
    sim_set_faults(r.sim, &bad);
    feed_want_keys(r.feed, wanted, 3, on_keys, &r);
    sim_run(r.sim, 60 * USEC_PER_SEC);
    sim_set_faults(r.sim, NULL);
    sim_run(r.sim, 20 * USEC_PER_SEC);
    assert_int_equal(r.n_keys, 1);
    assert_int_equal(seal_ring_get(r.ring, 41, &secret), 0);
    assert_int_equal(secret[0], 41);
    seal_ring_free(&r.ring);
    close_reader(&r);
}

static void keys_of_the_erased_are_forgotten(void **state)
{
    (void)state;
    struct reader r;
    const uint8_t *secret = NULL;
    uint64_t gone[2] = {9, 500}; /* one that it has, one it never had */
    open_with_key(&r);
    assert_int_equal(seal_ring_get(r.ring, 9, &secret), 0);
    r.intake.keys_from = 10;
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__CustomerErased erased = KESU__V1__CUSTOMER_ERASED__INIT;
    erased.key_ids = gone;
    erased.n_key_ids = 2;
    e.body_case = KESU__V1__EVENT__BODY_CUSTOMER_ERASED;
    e.customer_erased = &erased;
    fake_intake_event(&r.intake, 0, &e);
    fake_intake_block(&r.intake);
    sim_run(r.sim, 5 * USEC_PER_SEC);
    assert_int_equal(seal_ring_get(r.ring, 9, &secret), E_ERASED);
    assert_int_equal(seal_ring_get(r.ring, 500, &secret), E_NOT_FOUND);
    seal_ring_free(&r.ring);
    close_reader(&r);
}

UNIT_MAIN(cmocka_unit_test(gets_every_block_once_in_order), cmocka_unit_test(comes_through_loss_and_restarts),
          cmocka_unit_test(takes_no_more_than_its_credit), cmocka_unit_test(another_journal_is_told),
          cmocka_unit_test(a_changed_block_is_not_given), cmocka_unit_test(starts_within_a_block),
          cmocka_unit_test(keys_come_beside_and_when_asked),
          cmocka_unit_test(keys_of_the_erased_are_forgotten))
