/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "contract.h"
#include "err.h"
#include "store.h"
#include "unit.h"

enum { FIRST, SECOND };
static const char *const tables[] = {"first", "second"};

static struct store *open_store(struct contract_world *w, const char *name, size_t map_bytes)
{
    struct store *s = NULL;
    struct store_opts opts = {contract_path(w, name), tables, 2, map_bytes, false};
    assert_int_equal(store_open(w->env, &opts, &s), 0);
    return s;
}

static struct store_txn *begin(struct contract_world *w, struct store *s, enum store_mode mode)
{
    struct store_txn *t = NULL;
    assert_int_equal(store_begin(w->env, s, mode, &t), 0);
    return t;
}

static void put(struct contract_world *w, struct store_txn *t, unsigned table, const char *key,
                const char *value)
{
    assert_int_equal(store_put(w->env, t, table, span_str(key), span_str(value), false), 0);
}

static void commit(struct contract_world *w, struct store_txn *t)
{
    assert_int_equal(store_commit(w->env, t, STORE_SYNC_FULL), 0);
}

static void expect(struct contract_world *w, struct store_txn *t, unsigned table, const char *key,
                   const char *value)
{
    struct span got = SPAN_LIT("untouched");
    int e = store_get(w->env, t, table, span_str(key), &got);
    assert_int_equal(e, value != NULL ? 0 : E_NOT_FOUND);
    struct span wanted = value != NULL ? span_str(value) : SPAN_LIT("untouched");
    assert_true(span_equal(got, wanted));
}

static void expect_stored(struct contract_world *w, struct store *s, unsigned table, const char *key,
                          const char *value)
{
    struct store_txn *t = begin(w, s, STORE_READ);
    expect(w, t, table, key, value);
    store_abort(w->env, t);
}

static void a_commit_is_kept_and_an_abort_is_not(struct contract_world *w)
{
    struct store *s = open_store(w, "a", 0);
    struct store_txn *t = begin(w, s, STORE_WRITE);
    put(w, t, FIRST, "k", "one");
    put(w, t, FIRST, "empty", "");
    expect(w, t, FIRST, "k", "one"); /* it sees itself */
    expect(w, t, SECOND, "k", NULL);
    commit(w, t);
    t = begin(w, s, STORE_WRITE);
    put(w, t, FIRST, "k", "two");
    assert_int_equal(store_del(w->env, t, FIRST, span_str("empty")), 0);
    assert_int_equal(store_del(w->env, t, FIRST, span_str("empty")), E_NOT_FOUND);
    store_abort(w->env, t);
    store_abort(w->env, NULL);
    expect_stored(w, s, FIRST, "k", "one");
    expect_stored(w, s, FIRST, "empty", "");
    t = begin(w, s, STORE_WRITE);
    put(w, t, FIRST, "k", "three");
    assert_int_equal(store_commit(w->env, t, STORE_SYNC_LATEST), 0);
    expect_stored(w, s, FIRST, "k", "three");
    store_close(w->env, s);
}

static void a_reader_sees_what_was_when_it_began(struct contract_world *w)
{
    struct store *s = open_store(w, "a", 0);
    struct store_txn *t = begin(w, s, STORE_WRITE);
    put(w, t, FIRST, "k", "old");
    put(w, t, FIRST, "gone", "old");
    commit(w, t);
    struct store_txn *before = begin(w, s, STORE_READ);
    t = begin(w, s, STORE_WRITE);
    put(w, t, FIRST, "k", "new");
    assert_int_equal(store_del(w->env, t, FIRST, span_str("gone")), 0);
    struct store_txn *during = begin(w, s, STORE_READ);
    expect(w, during, FIRST, "k", "old");
    commit(w, t);
    struct store_txn *after = begin(w, s, STORE_READ);
    expect(w, before, FIRST, "k", "old");
    expect(w, during, FIRST, "gone", "old");
    expect(w, after, FIRST, "k", "new");
    expect(w, after, FIRST, "gone", NULL);
    store_abort(w->env, before);
    store_abort(w->env, during);
    store_abort(w->env, after);
    store_close(w->env, s);
}

static void fill(struct contract_world *w, struct store *s)
{
    struct store_txn *t = begin(w, s, STORE_WRITE);
    static const char *const keys[] = {"b", "a", "\xff", "ab", "c", "aa"};
    for (unsigned i = 0; i < 6; i++) put(w, t, FIRST, keys[i], keys[i]);
    put(w, t, SECOND, "x", "");
    commit(w, t);
}

/* NULL: the end. */
static void at(int e, struct span key, struct span value, const char *wanted)
{
    assert_int_equal(e, wanted != NULL ? 0 : E_NOT_FOUND);
    if (wanted == NULL) return;
    assert_true(span_equal(key, span_str(wanted)));
    assert_true(span_equal(value, span_str(wanted)));
}

static void walk(struct contract_world *w, struct store_txn *t)
{
    static const char *const order[] = {"a", "aa", "ab", "b", "c", "\xff", NULL};
    struct store_cursor *c = NULL;
    struct span key = SPAN_NONE, value = SPAN_NONE;
    assert_int_equal(store_cursor_open(w->env, t, FIRST, &c), 0);
    for (unsigned i = 0; i < 7; i++) {
        int e = store_step(w->env, c, +1, &key, &value);
        at(e, key, value, order[i]);
    }
    store_cursor_close(w->env, c);
    assert_int_equal(store_cursor_open(w->env, t, FIRST, &c), 0);
    for (unsigned i = 6; i > 0; i--) {
        int e = store_step(w->env, c, -1, &key, &value);
        at(e, key, value, order[i - 1]);
    }
    at(store_step(w->env, c, -1, &key, &value), key, value, NULL);
    store_cursor_close(w->env, c);
}

static void seeks(struct contract_world *w, struct store_txn *t)
{
    struct store_cursor *c = NULL;
    struct span key = SPAN_NONE, value = SPAN_NONE;
    assert_int_equal(store_cursor_open(w->env, t, FIRST, &c), 0);
    int e = store_seek(w->env, c, SPAN_LIT("ab"), &key, &value);
    at(e, key, value, "ab");
    e = store_seek(w->env, c, SPAN_LIT("abc"), &key, &value);
    at(e, key, value, "b");
    e = store_step(w->env, c, +1, &key, &value);
    at(e, key, value, "c");
    e = store_step(w->env, c, -1, &key, &value);
    at(e, key, value, "b");
    e = store_step(w->env, c, -1, &key, &value);
    at(e, key, value, "ab");
    e = store_seek(w->env, c, SPAN_LIT("\xff\x01"), &key, &value);
    at(e, key, value, NULL);
    e = store_seek(w->env, c, SPAN_NONE, &key, &value);
    at(e, key, value, "a");
    store_cursor_close(w->env, c);
    store_cursor_close(w->env, NULL);
}

static void cursors_go_in_order_of_memcmp(struct contract_world *w)
{
    struct store *s = open_store(w, "a", 0);
    fill(w, s);
    struct store_txn *t = begin(w, s, STORE_READ);
    walk(w, t);
    seeks(w, t);
    store_abort(w->env, t);
    t = begin(w, s, STORE_WRITE);
    walk(w, t);
    seeks(w, t);
    store_abort(w->env, t);
    store_close(w->env, s);
}

enum { MIXED_KEYS = 600 };

/* One key and value of the mix; values differ much in length, so that pages split and join. */
static void mixed_row(unsigned k, unsigned version, char key[16], char value[1500])
{
    snprintf(key, 16, "%05u", k * 7919 % 100003);
    size_t n = (k * 31 + version * 977) % 1400;
    memset(value, 'a' + (int)(version % 26), n);
    value[n] = 0;
}

static void expect_mixed(struct contract_world *w, struct store_txn *t, unsigned (*have)[MIXED_KEYS])
{
    char key[16], value[1500];
    for (unsigned table = FIRST; table <= SECOND; table++) {
        for (unsigned k = 0; k < MIXED_KEYS; k++) {
            mixed_row(k, have[table][k], key, value);
            expect(w, t, table, key, have[table][k] > 0 ? value : NULL);
        }
    }
}

static void puts_deletions_and_clears_mix(struct contract_world *w)
{
    static unsigned have[2][MIXED_KEYS], before[2][MIXED_KEYS];
    struct store *s = open_store(w, "a", 0);
    uint64_t random = 7;
    char key[16], value[1500];
    memset(have, 0, sizeof(have));
    for (unsigned round = 0; round < 30; round++) {
        struct store_txn *t = begin(w, s, STORE_WRITE);
        memcpy(before, have, sizeof(have));
        for (unsigned i = 0; i < 300; i++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            unsigned k = (unsigned)(random >> 33) % MIXED_KEYS, table = (unsigned)(random >> 62) & 1;
            unsigned what = (unsigned)(random >> 50) % 64;
            mixed_row(k, what < 40 ? round + 1 : 0, key, value);
            if (what == 0) {
                assert_int_equal(store_clear(w->env, t, table), 0);
                memset(have[table], 0, sizeof(have[table]));
            } else if (what < 40) {
                put(w, t, table, key, value);
                have[table][k] = round + 1;
            } else {
                int e = store_del(w->env, t, table, span_str(key));
                assert_int_equal(e, have[table][k] > 0 ? 0 : E_NOT_FOUND);
                have[table][k] = 0;
            }
        }
        expect_mixed(w, t, have);
        if (round % 5 == 3) {
            store_abort(w->env, t);
            memcpy(have, before, sizeof(have));
        } else {
            commit(w, t);
        }
        t = begin(w, s, STORE_READ);
        expect_mixed(w, t, have);
        store_abort(w->env, t);
    }
    store_close(w->env, s);
}

static void clearing_empties_one_table(struct contract_world *w)
{
    struct store *s = open_store(w, "a", 0);
    fill(w, s);
    struct store_txn *t = begin(w, s, STORE_WRITE);
    assert_int_equal(store_clear(w->env, t, FIRST), 0);
    expect(w, t, FIRST, "a", NULL);
    put(w, t, FIRST, "z", "after");
    commit(w, t);
    t = begin(w, s, STORE_READ);
    struct store_cursor *c = NULL;
    struct span key = SPAN_NONE, value = SPAN_NONE;
    assert_int_equal(store_cursor_open(w->env, t, FIRST, &c), 0);
    assert_int_equal(store_step(w->env, c, +1, &key, &value), 0);
    assert_true(span_equal(key, SPAN_LIT("z")));
    assert_int_equal(store_step(w->env, c, +1, &key, &value), E_NOT_FOUND);
    store_cursor_close(w->env, c);
    expect(w, t, SECOND, "x", "");
    store_abort(w->env, t);
    store_close(w->env, s);
}

static void appended_records_are_found(struct contract_world *w)
{
    struct store *s = open_store(w, "a", 0);
    struct store_txn *t = begin(w, s, STORE_WRITE);
    char key[8], value[300];
    memset(value, 'v', sizeof value);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "%06u", i);
        assert_int_equal(store_put(w->env, t, FIRST, span_str(key), span_of(value, sizeof value), true), 0);
    }
    commit(w, t);
    t = begin(w, s, STORE_READ);
    struct store_cursor *c = NULL;
    struct span k = SPAN_NONE, v = SPAN_NONE;
    unsigned n = 0;
    assert_int_equal(store_cursor_open(w->env, t, FIRST, &c), 0);
    while (store_step(w->env, c, +1, &k, &v) == 0) {
        snprintf(key, sizeof key, "%06u", n++);
        assert_true(span_equal(k, span_str(key)) && v.n == sizeof value);
    }
    assert_int_equal(n, 1000);
    store_cursor_close(w->env, c);
    store_abort(w->env, t);
    store_close(w->env, s);
}

static void what_was_committed_is_there_after_reopening(struct contract_world *w)
{
    struct store *s = open_store(w, "a", 0), *again = NULL;
    fill(w, s);
    struct store_opts opts = {contract_path(w, "a"), tables, 2, 0, false};
    assert_int_equal(store_open(w->env, &opts, &again), E_EXISTS); /* it is open */
    store_close(w->env, s);
    static const char *const more[] = {"second", "third"}; /* by name, in another order */
    opts.tables = more;
    assert_int_equal(store_open(w->env, &opts, &s), 0);
    expect_stored(w, s, 0, "x", "");
    expect_stored(w, s, 1, "x", NULL);
    store_close(w->env, s);
    s = open_store(w, "a", 0);
    expect_stored(w, s, FIRST, "ab", "ab");
    store_close(w->env, s);
    assert_int_equal(store_remove(w->env, contract_path(w, "a")), 0);
    assert_int_equal(store_remove(w->env, contract_path(w, "a")), 0); /* none there */
    s = open_store(w, "a", 0);
    expect_stored(w, s, FIRST, "ab", NULL);
    store_close(w->env, s);
    store_close(w->env, NULL);
}

static void a_full_store_is_as_before(struct contract_world *w)
{
    struct store *s = open_store(w, "a", (size_t)1 << 20);
    struct store_txn *t = begin(w, s, STORE_WRITE);
    put(w, t, FIRST, "k", "kept");
    commit(w, t);
    t = begin(w, s, STORE_WRITE);
    static const uint8_t zeros[8192];
    char key[16];
    int e = 0;
    for (unsigned i = 0; i < 1000 && e == 0; i++) {
        snprintf(key, sizeof key, "n%u", i);
        e = store_put(w->env, t, FIRST, span_str(key), span_of(zeros, sizeof zeros), false);
    }
    assert_int_equal(e, E_NOSPACE);
    assert_int_not_equal(store_commit(w->env, t, STORE_SYNC_FULL), 0); /* half of it is not wanted */
    expect_stored(w, s, FIRST, "k", "kept");
    expect_stored(w, s, FIRST, "n0", NULL);
    t = begin(w, s, STORE_WRITE);
    put(w, t, FIRST, "k", "goes on");
    commit(w, t);
    uint64_t used = 0, limit = 0;
    assert_int_equal(store_usage(w->env, s, &used, &limit), 0);
    assert_true(used > 0 && used <= limit && limit == (uint64_t)1 << 20);
    store_close(w->env, s);
}

static void a_copy_is_a_store_of_its_own(struct contract_world *w)
{
    struct store *s = open_store(w, "a", 0);
    fill(w, s);
    assert_int_equal(store_copy(w->env, s, contract_path(w, "b")), 0);
    assert_int_equal(store_copy(w->env, s, contract_path(w, "b")), E_EXISTS);
    struct store *copy = open_store(w, "b", 0);
    struct store_txn *t = begin(w, s, STORE_WRITE);
    put(w, t, FIRST, "a", "changed");
    commit(w, t);
    expect_stored(w, copy, FIRST, "a", "a");
    expect_stored(w, s, FIRST, "a", "changed");
    store_close(w->env, copy);
    store_close(w->env, s);
}

static void large_values_are_whole(struct contract_world *w)
{
    struct store *s = open_store(w, "a", 0);
    struct store_txn *t = begin(w, s, STORE_WRITE);
    static uint8_t large[1 << 20];
    for (size_t i = 0; i < sizeof large; i++) large[i] = (uint8_t)(i * 7 + i / 251);
    assert_int_equal(store_put(w->env, t, FIRST, SPAN_LIT("l"), span_of(large, sizeof large), false), 0);
    commit(w, t);
    t = begin(w, s, STORE_READ);
    struct span got = SPAN_NONE;
    assert_int_equal(store_get(w->env, t, FIRST, SPAN_LIT("l"), &got), 0);
    assert_true(span_equal(got, span_of(large, sizeof large)));
    store_abort(w->env, t);
    store_close(w->env, s);
}

const struct contract_row contract_store_rows[] = {
    {"a_commit_is_kept_and_an_abort_is_not", a_commit_is_kept_and_an_abort_is_not},
    {"a_reader_sees_what_was_when_it_began", a_reader_sees_what_was_when_it_began},
    {"cursors_go_in_order_of_memcmp", cursors_go_in_order_of_memcmp},
    {"puts_deletions_and_clears_mix", puts_deletions_and_clears_mix},
    {"clearing_empties_one_table", clearing_empties_one_table},
    {"appended_records_are_found", appended_records_are_found},
    {"what_was_committed_is_there_after_reopening", what_was_committed_is_there_after_reopening},
    {"a_full_store_is_as_before", a_full_store_is_as_before},
    {"a_copy_is_a_store_of_its_own", a_copy_is_a_store_of_its_own},
    {"large_values_are_whole", large_values_are_whole},
    {NULL, NULL},
};
