/* SPDX-License-Identifier: Apache-2.0 */
/* Rows in memory over a store: what is read, what is stored when, what a crash
 * and a rollback leave. */
#include "../../services/intake/cases.h"
#include "../../services/intake/dedup.h"
#include "../../services/intake/register.h"
#include "clock.h"
#include "err.h"
#include "sim/sim.h"
#include "unit.h"

struct desk {
    struct sim *sim;
    struct sim_instance *instance;
    struct env *env;
    struct intake_register reg;
};

static const uint8_t uuid[16] = {1};

static void on_boot(void *self, struct env *env)
{
    struct desk *d = self;
    d->env = env;
    memset(&d->reg, 0, sizeof(d->reg));
}

static void open_register(struct desk *d, uint64_t head_seq)
{
    assert_int_equal(intake_register_open(&d->reg, d->env, "data/register"), 0);
    assert_int_equal(intake_register_follow(&d->reg, uuid, head_seq), 0);
}

static int open_desk(void **state)
{
    struct desk *d = mem_zalloc(&mem_libc, sizeof(*d));
    d->sim = sim_new(5, INT64_C(1764000000) * USEC_PER_SEC);
    d->instance = sim_instance_new(d->sim, "register", on_boot, d);
    open_register(d, 0);
    *state = d;
    return 0;
}

static int close_desk(void **state)
{
    struct desk *d = *state;
    intake_register_close(&d->reg, 0);
    sim_free(&d->sim);
    mem_free(&mem_libc, d);
    return 0;
}

static void put(struct desk *d, uint64_t id, uint64_t value)
{
    struct key key = intake_key_u64(id);
    intake_register_put_u64(&d->reg, TABLE_CUSTOMERS, key_span(&key), value);
    d->reg.meta.seq++;
}

static uint64_t get(struct desk *d, uint64_t id)
{
    struct key key = intake_key_u64(id);
    uint64_t value = 0;
    return intake_register_get_u64(&d->reg, TABLE_CUSTOMERS, key_span(&key), &value) ? value : 0;
}

/* Two seconds and a turn: old enough to be frozen and flushed. */
static void turns(struct desk *d, uint64_t durable_seq)
{
    for (unsigned i = 0; i < 3; i++) {
        sim_run(d->sim, 2 * USEC_PER_SEC);
        intake_register_turn(&d->reg, durable_seq, INT64_MIN);
        sim_run(d->sim, USEC_PER_SEC);
    }
}

static void reboot(struct desk *d, uint64_t head_seq)
{
    sim_power_failure(d->instance);
    while (!sim_is_up(d->instance)) sim_step(d->sim, INT64_MAX);
    open_register(d, head_seq);
}

static void memory_hides_the_store(void **state)
{
    struct desk *d = *state;
    put(d, 1, 11);
    assert_int_equal(get(d, 1), 11);
    turns(d, 1);
    assert_int_equal(d->reg.stored_seq, 1);
    assert_int_equal(d->reg.current->count, 0);
    assert_int_equal(get(d, 1), 11); /* from the store */
    put(d, 1, 12);
    assert_int_equal(get(d, 1), 12);
    assert_int_equal(get(d, 2), 0);
}

static void only_what_is_durable_is_stored(void **state)
{
    struct desk *d = *state;
    put(d, 1, 11);
    turns(d, 1);
    put(d, 2, 22);
    turns(d, 1); /* seq 2 is not on disk yet */
    assert_int_equal(d->reg.stored_seq, 1);
    assert_int_equal(get(d, 2), 22);
    reboot(d, 1);
    assert_int_equal(d->reg.meta.seq, 1);
    assert_int_equal(get(d, 1), 11);
    assert_int_equal(get(d, 2), 0);
    put(d, 2, 23);
    turns(d, 2);
    reboot(d, 2);
    assert_int_equal(get(d, 2), 23);
}

static void a_rollback_forgets_what_was_not_stored(void **state)
{
    struct desk *d = *state;
    put(d, 1, 11);
    turns(d, 1);
    put(d, 1, 12);
    put(d, 3, 33);
    intake_register_rollback(&d->reg);
    assert_int_equal(d->reg.meta.seq, 1);
    assert_int_equal(get(d, 1), 11);
    assert_int_equal(get(d, 3), 0);
    put(d, 3, 34);
    turns(d, 2);
    assert_int_equal(d->reg.stored_seq, 2);
    assert_int_equal(get(d, 3), 34);
}

static void another_journal_s_register_is_emptied(void **state)
{
    struct desk *d = *state;
    put(d, 1, 11);
    turns(d, 1);
    sim_power_failure(d->instance);
    while (!sim_is_up(d->instance)) sim_step(d->sim, INT64_MAX);
    uint8_t other[16] = {2};
    assert_int_equal(intake_register_open(&d->reg, d->env, "data/register"), 0);
    assert_int_equal(intake_register_follow(&d->reg, other, 1), 0);
    assert_int_equal(d->reg.meta.seq, 0);
    assert_int_equal(get(d, 1), 0);
}

static void a_register_ahead_of_its_journal_is_emptied(void **state)
{
    struct desk *d = *state;
    put(d, 1, 11);
    put(d, 2, 22);
    turns(d, 2);
    reboot(d, 1);
    assert_int_equal(d->reg.meta.seq, 0);
    assert_int_equal(get(d, 1), 0);
}

static void cases_are_listed_over_both(void **state)
{
    struct desk *d = *state;
    uint64_t ids[100];
    for (uint64_t id = 1; id <= 30; id++) {
        Kesu__V1__CaseState s = KESU__V1__CASE_STATE__INIT;
        s.case_id = id * 10;
        intake_case_put(&d->reg, &s);
        d->reg.meta.seq++;
        if (id == 20) turns(d, 20);
    }
    Kesu__V1__CaseState again = KESU__V1__CASE_STATE__INIT;
    again.case_id = 50; /* stored and changed since: once */
    intake_case_put(&d->reg, &again);
    assert_int_equal(intake_register_case_ids(&d->reg, 0, ids, 100), 30);
    for (unsigned i = 0; i < 30; i++) assert_int_equal(ids[i], 300 - 10 * i);
    assert_int_equal(intake_register_case_ids(&d->reg, 210, ids, 3), 3);
    assert_int_equal(ids[0], 200);
    assert_int_equal(intake_register_case_ids(&d->reg, 10, ids, 3), 0);
}

static void old_commands_are_trimmed_and_never_taken_again(void **state)
{
    struct desk *d = *state;
    struct dedup_row row = {.seq = 1}, found;
    uint8_t old[16] = {0, 1, 0, 0, 0, 0, 0x70, 0, 0x80}, young[16] = {1, 0, 0, 0, 0, 0, 0x70, 0, 0x80};
    intake_dedup_put(&d->reg, "a", old, &row);
    intake_dedup_put(&d->reg, "a", young, &row);
    d->reg.meta.seq++;
    int64_t old_ms = (int64_t)1 << 32;
    turns(d, 1);
    assert_true(intake_dedup_find(&d->reg, "a", old, &found));
    put(d, 1, 1);
    sim_run(d->sim, 3 * USEC_PER_SEC);
    intake_register_turn(&d->reg, 2, old_ms + 1000);
    sim_run(d->sim, USEC_PER_SEC);
    assert_false(intake_dedup_find(&d->reg, "a", old, &found));
    assert_true(intake_dedup_find(&d->reg, "a", young, &found));
    assert_false(intake_dedup_find(&d->reg, "b", young, &found));
    reboot(d, 2);
    assert_int_equal(d->reg.meta.floor_ms, old_ms + 1000);
    /* Whatever the clock says. */
    assert_int_equal(intake_dedup_check_id(span_of(old, 16), old_ms * 1000, d->reg.meta.floor_ms), E_ID_OLD);
    assert_int_equal(intake_dedup_check_id(span_of(old, 16), old_ms * 1000, 0), 0);
    old[6] = 0x40;
    assert_int_equal(intake_dedup_check_id(span_of(old, 16), old_ms * 1000, 0), E_MALFORMED);
    assert_int_equal(intake_dedup_check_id(SPAN_NONE, old_ms * 1000, 0), E_MISSING);
}

static void a_full_disk_keeps_the_rows_in_memory(void **state)
{
    struct desk *d = *state;
    struct sim_faults full = {.disk_full = 1000000};
    sim_set_faults(d->sim, &full);
    put(d, 1, 11);
    turns(d, 1);
    assert_int_equal(d->reg.stored_seq, 0);
    assert_int_equal(get(d, 1), 11);
    sim_set_faults(d->sim, NULL);
    turns(d, 1);
    assert_int_equal(d->reg.stored_seq, 1);
    assert_int_equal(get(d, 1), 11);
}

static struct key contact(uint64_t id)
{
    struct key key = intake_key_u64(id * UINT64_C(0x2545F4914F6CDD1D));
    key_u64(&key, id);
    return key;
}

static void what_is_stored_is_found_through_the_filter(void **state)
{
    struct desk *d = *state;
    for (unsigned start = 0; start < 2; start++) {
        for (uint64_t id = 1; id <= 3000; id++) {
            struct key key = contact(id + 3000 * start);
            intake_register_put_u64(&d->reg, TABLE_CONTACTS, key_span(&key), id);
            d->reg.meta.seq++;
        }
        turns(d, d->reg.meta.seq);
        assert_int_equal(d->reg.current->count, 0);
        for (unsigned when = 0; when < 2; when++) { /* when 1: after a start, while the filter fills */
            uint64_t value;
            for (uint64_t id = 1; id <= 3000 * (start + 1); id++) {
                struct key key = contact(id);
                assert_true(intake_register_get_u64(&d->reg, TABLE_CONTACTS, key_span(&key), &value));
                if (id % 1000 == 0) intake_register_turn(&d->reg, d->reg.meta.seq, INT64_MIN);
            }
            struct key other = contact(7000);
            assert_false(intake_register_get_u64(&d->reg, TABLE_CONTACTS, key_span(&other), &value));
            if (when == 0) reboot(d, d->reg.meta.seq);
        }
        while (d->reg.filling < N_REGISTER_TABLES) intake_register_turn(&d->reg, d->reg.meta.seq, INT64_MIN);
    }
}

static void the_filter_says_no_to_almost_all_others(void **state)
{
    (void)state;
    struct intake_filter f;
    unsigned wrong = 0;
    intake_filter_init(&f, &mem_libc);
    for (uint64_t i = 1; i <= 400000; i++) intake_filter_add(&f, i * UINT64_C(0xD6E8FEB86659FD93));
    assert_int_equal(f.n_layers, 2);
    for (uint64_t i = 1; i <= 400000; i++)
        assert_true(intake_filter_may_have(&f, i * UINT64_C(0xD6E8FEB86659FD93)));
    for (uint64_t i = 400001; i <= 500000; i++)
        wrong += intake_filter_may_have(&f, i * UINT64_C(0xD6E8FEB86659FD93));
    assert_true(wrong < 3000);
    intake_filter_deinit(&f);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_desk, close_desk)

UNIT_MAIN(TEST(memory_hides_the_store), TEST(only_what_is_durable_is_stored),
          TEST(a_rollback_forgets_what_was_not_stored), TEST(another_journal_s_register_is_emptied),
          TEST(a_register_ahead_of_its_journal_is_emptied), TEST(cases_are_listed_over_both),
          TEST(old_commands_are_trimmed_and_never_taken_again), TEST(a_full_disk_keeps_the_rows_in_memory),
          TEST(what_is_stored_is_found_through_the_filter), TEST(the_filter_says_no_to_almost_all_others))
