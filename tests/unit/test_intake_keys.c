/* SPDX-License-Identifier: Apache-2.0 */
/* Key store, secrets, the note of commands in hand, the wall clock. */
#include "../../services/intake/keys.h"
#include "../../services/intake/poison.h"
#include "../../services/intake/secrets.h"
#include "../../services/intake/wallclock.h"
#include "clock.h"
#include "err.h"
#include "sim/sim.h"
#include "unit.h"

struct desk {
    struct sim *sim;
    struct sim_instance *instance;
    struct env *env;
    struct intake_keys *keys;
};

static void on_boot(void *self, struct env *env)
{
    struct desk *d = self;
    d->env = env;
    d->keys = NULL;
}

static int open_desk(void **state)
{
    struct desk *d = mem_zalloc(&mem_libc, sizeof(*d));
    d->sim = sim_new(9, INT64_C(1764000000) * USEC_PER_SEC);
    d->instance = sim_instance_new(d->sim, "keys", on_boot, d);
    files_mkdir(d->env, "data");
    *state = d;
    return 0;
}

static int close_desk(void **state)
{
    struct desk *d = *state;
    intake_keys_close(&d->keys);
    sim_free(&d->sim);
    mem_free(&mem_libc, d);
    return 0;
}

static void reboot(struct desk *d)
{
    sim_power_failure(d->instance);
    while (!sim_is_up(d->instance)) sim_step(d->sim, INT64_MAX);
}

static void keys_are_on_disk_before_they_are_used(void **state)
{
    struct desk *d = *state;
    struct seal_key key, again;
    assert_int_equal(intake_keys_open(d->env, "data/slots", 1, 1024, &d->keys), 0);
    assert_int_equal(intake_keys_ahead(d->keys, 1), 0);
    intake_keys_refill(d->keys, 1);
    assert_int_equal(intake_keys_ahead(d->keys, 1), 0); /* not synced yet */
    sim_run(d->sim, 5 * USEC_PER_SEC);
    uint64_t ahead = intake_keys_ahead(d->keys, 1);
    assert_true(ahead > 1000);
    assert_false(intake_keys_few(d->keys, 1));
    assert_true(intake_keys_few(d->keys, ahead - 500));
    assert_int_equal(intake_keys_get(d->keys, 7, &key), 0);
    assert_int_equal(intake_keys_get(d->keys, 0, &again), E_NOT_FOUND);
    assert_int_equal(intake_keys_get(d->keys, ahead + 1, &again), E_NOT_FOUND);
    reboot(d);
    assert_int_equal(intake_keys_open(d->env, "data/slots", 8, 1024, &d->keys), 0);
    assert_int_equal(intake_keys_ahead(d->keys, 8), ahead - 7);
    assert_int_equal(intake_keys_get(d->keys, 7, &again), 0);
    assert_memory_equal(key.secret, again.secret, sizeof(key.secret));
}

static void a_missing_key_is_a_broken_store(void **state)
{
    struct desk *d = *state;
    assert_int_equal(intake_keys_open(d->env, "data/slots", 5, 1024, &d->keys), E_CORRUPT);
}

static void an_erased_key_is_gone_from_the_disk(void **state)
{
    struct desk *d = *state;
    struct seal_key key;
    struct span bytes;
    assert_int_equal(intake_keys_open(d->env, "data/slots", 1, 1024, &d->keys), 0);
    intake_keys_refill(d->keys, 1);
    sim_run(d->sim, 5 * USEC_PER_SEC);
    assert_int_equal(intake_keys_get(d->keys, 3, &key), 0);
    const uint64_t third = 3, never = 1 << 30;
    assert_true(intake_keys_any_alive(d->env, "data/slots", &third, 1));
    assert_int_equal(intake_keys_erase(d->keys, &third, 1), 0);
    assert_false(intake_keys_any_alive(d->env, "data/slots", &third, 1));
    struct seal_key gone;
    assert_int_equal(intake_keys_get(d->keys, 3, &gone), E_ERASED);
    reboot(d);
    assert_int_equal(files_read_all(d->env, "data/slots", 16 << 20, &bytes), 0);
    assert_null(memmem(bytes.p, bytes.n, key.secret, sizeof(key.secret)));
    mem_free(&d->env->mem, (void *)(uintptr_t)bytes.p);
    assert_int_equal(intake_keys_open(d->env, "data/slots", 4, 1024, &d->keys), 0);
    assert_int_equal(intake_keys_get(d->keys, 3, &gone), E_ERASED);
    assert_int_equal(intake_keys_get(d->keys, 2, &gone), 0);
    assert_int_equal(intake_keys_erase(d->keys, &never, 1), E_NOT_FOUND);
    assert_false(intake_keys_any_alive(d->env, "data/slots", &never, 1));
}

static void a_key_erased_in_part_is_alive(void **state)
{
    struct desk *d = *state;
    struct sim_faults no_room = {.file_full = 1000000};
    const uint64_t both[] = {2, 3};
    assert_int_equal(intake_keys_open(d->env, "data/slots", 1, 1024, &d->keys), 0);
    intake_keys_refill(d->keys, 1);
    sim_run(d->sim, 5 * USEC_PER_SEC);
    sim_set_faults(d->sim, &no_room);
    assert_int_equal(intake_keys_erase(d->keys, both, 2), E_NOSPACE);
    sim_set_faults(d->sim, NULL);
    intake_keys_close(&d->keys);
    assert_true(intake_keys_any_alive(d->env, "data/slots", both, 1));
    assert_int_equal(intake_keys_open(d->env, "data/slots", 3, 1024, &d->keys), 0);
    assert_int_equal(intake_keys_erase(d->keys, both, 2), 0);
    intake_keys_close(&d->keys);
    assert_false(intake_keys_any_alive(d->env, "data/slots", both, 2));
    assert_int_equal(intake_keys_open(d->env, "data/slots", 4, 1024, &d->keys), 0);
}

static void secrets_are_made_once(void **state)
{
    struct desk *d = *state;
    struct intake_secrets a, b;
    char tag[REPLY_TAG_TEXT];
    unsigned yymm;
    uint64_t serial;
    assert_int_equal(intake_secrets_open(d->env, "data/secrets", &a), 0);
    reboot(d);
    assert_int_equal(intake_secrets_open(d->env, "data/secrets", &b), 0);
    assert_memory_equal(&a, &b, sizeof(a));
    intake_secrets_tag(&a, "2511-000042", tag);
    assert_true(intake_secrets_tag_number(&a, tag, &yymm, &serial));
    assert_int_equal(yymm, 2511);
    assert_int_equal(serial, 42);
    for (size_t i = 0; i < strlen(tag); i++) { /* whichever character is another */
        char other[REPLY_TAG_TEXT];
        memcpy(other, tag, sizeof(tag));
        other[i] = other[i] == '7' ? '6' : '7';
        assert_false(intake_secrets_tag_number(&a, other, &yymm, &serial));
    }
    assert_false(intake_secrets_tag_number(&a, "", &yymm, &serial));
    assert_false(intake_secrets_tag_number(&a, ".", &yymm, &serial));
    b.tag[0] ^= 1;
    assert_false(intake_secrets_tag_number(&b, tag, &yymm, &serial));
    assert_int_equal(files_replace(d->env, "data/secrets", SPAN_LIT("damaged")), 0);
    assert_int_equal(intake_secrets_open(d->env, "data/secrets", &b), E_CORRUPT);
}

/* ---- commands in hand ----------------------------------------------------------------- */

/* The process dies: nothing is closed, what was written stays. */
static struct intake_poison *die_and_open(struct desk *d, struct intake_poison *p)
{
    struct intake_poison *next;
    intake_poison_close(&p); /* gives back memory only: it leaves what is in hand in the file */
    assert_int_equal(intake_poison_open(d->env, "data/in-hand", &next), 0);
    return next;
}

static void a_command_that_kills_twice_is_refused(void **state)
{
    struct desk *d = *state;
    struct intake_poison *p;
    uint8_t batch[3][16] = {{1}, {2}, {3}};
    assert_int_equal(intake_poison_open(d->env, "data/in-hand", &p), 0);
    intake_poison_note(p, (const uint8_t(*)[16])batch, 3);
    intake_poison_done(p);
    p = die_and_open(d, p);
    assert_false(intake_poison_any(p)); /* it died of something else */

    intake_poison_note(p, (const uint8_t(*)[16])batch, 3);
    p = die_and_open(d, p);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(intake_poison_is_suspect(p, batch[i]));
        assert_false(intake_poison_is_refused(p, batch[i]));
    }
    /* They come again: each alone. The first two are harmless, the third is not. */
    for (unsigned i = 0; i < 2; i++) {
        intake_poison_note(p, (const uint8_t(*)[16]) & batch[i], 1);
        intake_poison_done(p);
        assert_false(intake_poison_is_suspect(p, batch[i]));
    }
    intake_poison_note(p, (const uint8_t(*)[16]) & batch[2], 1);
    p = die_and_open(d, p);
    assert_true(intake_poison_is_refused(p, batch[2]));
    assert_false(intake_poison_is_refused(p, batch[0]));
    p = die_and_open(d, p);
    assert_true(intake_poison_is_refused(p, batch[2])); /* for good */
    intake_poison_close(&p);
}

/* ---- the wall clock ---------------------------------------------------------------------- */

static void block_time_never_goes_back_nor_jumps(void **state)
{
    struct desk *d = *state;
    struct intake_wallclock w;
    intake_wallclock_init(&w, d->env, 0);
    int64_t t0 = intake_wallclock_block_time(&w);
    assert_int_equal(t0, clock_wall_us(d->env));
    sim_jump_wall(d->sim, -3 * USEC_PER_SEC); /* a small step back: time stands, no alarm */
    assert_int_equal(intake_wallclock_block_time(&w), t0);
    assert_false(w.alarm);
    sim_run(d->sim, 4 * USEC_PER_SEC);
    assert_int_equal(intake_wallclock_block_time(&w), clock_wall_us(d->env));
    int64_t t1 = w.last_us;
    sim_jump_wall(d->sim, USEC_PER_HOUR);
    sim_run(d->sim, USEC_PER_SEC);
    int64_t t2 = intake_wallclock_block_time(&w);
    assert_true(w.alarm);
    assert_in_range(t2 - t1, USEC_PER_SEC / 2, 2 * USEC_PER_SEC); /* goes on by the other clock */
    sim_jump_wall(d->sim, -USEC_PER_HOUR);
    intake_wallclock_block_time(&w);
    assert_false(w.alarm); /* they agree again */
    sim_jump_wall(d->sim, -USEC_PER_HOUR);
    int64_t t3 = intake_wallclock_block_time(&w);
    assert_true(w.alarm);
    intake_wallclock_accept(&w);
    assert_false(w.alarm);
    assert_int_equal(intake_wallclock_block_time(&w), t3); /* max(wall, previous) */
}

static void a_wall_clock_behind_the_journal_is_an_alarm(void **state)
{
    struct desk *d = *state;
    struct intake_wallclock w;
    int64_t last = clock_wall_us(d->env) + USEC_PER_HOUR;
    intake_wallclock_init(&w, d->env, last);
    assert_true(w.alarm);
    sim_run(d->sim, USEC_PER_SEC);
    assert_true(intake_wallclock_block_time(&w) >= last);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_desk, close_desk)

UNIT_MAIN(TEST(keys_are_on_disk_before_they_are_used), TEST(a_missing_key_is_a_broken_store),
          TEST(an_erased_key_is_gone_from_the_disk), TEST(a_key_erased_in_part_is_alive),
          TEST(secrets_are_made_once), TEST(a_command_that_kills_twice_is_refused),
          TEST(block_time_never_goes_back_nor_jumps), TEST(a_wall_clock_behind_the_journal_is_an_alarm))
