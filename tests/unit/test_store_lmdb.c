/* SPDX-License-Identifier: Apache-2.0 */
/* What the contract of store.h cannot see: processes, lanes, growth. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "err.h"
#include "files.h"
#include "key.h"
#include "real_world.h"
#include "sched.h"
#include "store.h"
#include "unit.h"

static const char *const tables[] = {"one", "two"};

static struct store *open_store(struct env *env, const char *dir, size_t map_bytes)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/store", dir);
    struct store_opts opts = {.path = path, .tables = tables, .n_tables = 2, .map_bytes = map_bytes};
    struct store *s = NULL;
    assert_int_equal(store_open(env, &opts, &s), 0);
    return s;
}

static void put_number(struct env *env, struct store *s, uint64_t n, size_t bytes, enum store_sync sync)
{
    struct store_txn *t = NULL;
    struct key k = {0};
    key_u64(&k, n);
    uint8_t *value = mem_zalloc(&mem_libc, bytes);
    assert_int_equal(store_begin(env, s, STORE_WRITE, &t), 0);
    assert_int_equal(store_put(env, t, 0, key_span(&k), span_of(value, bytes), false), 0);
    assert_int_equal(store_commit(env, t, sync), 0);
    mem_free(&mem_libc, value);
}

static bool has_number(struct env *env, struct store *s, uint64_t n)
{
    struct store_txn *t = NULL;
    struct key k = {0};
    struct span value;
    key_u64(&k, n);
    assert_int_equal(store_begin(env, s, STORE_READ, &t), 0);
    int e = store_get(env, t, 0, key_span(&k), &value);
    store_abort(env, t);
    return e == 0;
}

/* In a child: its status. Forked while this process has no environment. */
static int in_child(const char *dir, int (*what)(struct env *env, const char *dir))
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct env_real *r = NULL;
        if (env_real_new("child", &r) != 0) _exit(99);
        _exit(what(env_real_env(r), dir));
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int write_and_vanish(struct env *env, const char *dir)
{
    struct store *s = open_store(env, dir, 0);
    put_number(env, s, 1, 100, STORE_SYNC_FULL);
    put_number(env, s, 2, 100, STORE_SYNC_LATEST);
    struct store_txn *t = NULL;
    struct key k = {0};
    key_u64(&k, 3);
    store_begin(env, s, STORE_WRITE, &t);
    store_put(env, t, 0, key_span(&k), SPAN_LIT("x"), false);
    return 0; /* neither committed nor closed */
}

static int find_it_taken(struct env *env, const char *dir)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/store", dir);
    struct store_opts opts = {.path = path, .tables = tables, .n_tables = 2};
    struct store *s = NULL;
    int e = store_open(env, &opts, &s);
    return e == E_EXISTS && store_remove(env, path) == E_EXISTS ? 0 : 1;
}

static void a_process_that_vanished_left_what_it_committed(void **state)
{
    (void)state;
    char dir[] = "/tmp/kesu-store-XXXXXX";
    assert_non_null(mkdtemp(dir));
    assert_int_equal(in_child(dir, write_and_vanish), 0);
    struct real_world *w = NULL;
    real_world_open((void **)&w);
    struct store *s = open_store(w->env, dir, 0);
    assert_true(has_number(w->env, s, 1));
    assert_true(has_number(w->env, s, 2));
    assert_false(has_number(w->env, s, 3));
    assert_int_equal(in_child(dir, find_it_taken), 0);
    store_close(w->env, s);
    char path[128], strange[160];
    snprintf(path, sizeof(path), "%s/store", dir);
    snprintf(strange, sizeof(strange), "%s/notes", path);
    assert_int_equal(files_replace(w->env, strange, SPAN_LIT("mine")), 0);
    assert_int_equal(store_remove(w->env, path), E_EXISTS); /* what is not a store's is not removed */
    assert_int_equal(files_unlink(w->env, strange), 0);
    assert_int_equal(store_remove(w->env, path), 0);
    assert_int_equal(store_remove(w->env, path), 0);
    assert_int_equal(rmdir(dir), 0);
    real_world_close((void **)&w);
}

struct writing {
    struct job job;
    struct env *env;
    struct store *store;
    unsigned n;
    unsigned done;
};

static void write_many(struct job *job)
{
    struct writing *w = (struct writing *)job;
    for (unsigned i = 0; i < w->n; i++)
        put_number(w->env, w->store, i, 500, i % 2 == 0 ? STORE_SYNC_LATEST : STORE_SYNC_FULL);
}

static void on_written(struct job *job)
{
    ((struct writing *)job)->done++;
}

struct reading {
    struct writing *writing;
    unsigned reads, seen;
};

static void on_turn(void *self)
{
    struct reading *r = self;
    while (r->seen < r->writing->n && has_number(r->writing->env, r->writing->store, r->seen)) r->seen++;
    r->reads++;
    sched_wake(r->writing->env);
}

static void the_loop_reads_while_a_lane_writes(void **state)
{
    struct real_world *w = *state;
    struct store *s = open_store(w->env, w->dir, 0);
    struct writing writing = {
        .job = {.work = write_many, .done = on_written}, .env = w->env, .store = s, .n = 200};
    struct reading reading = {.writing = &writing};
    struct lane *lane = lane_open(w->env, "writer");
    struct turn_hook *hook = turn_hook_new(w->env, on_turn, &reading);
    lane_post(w->env, lane, &writing.job);
    sched_wake(w->env);
    assert_true(real_world_wait(w, &writing.done, 1));
    on_turn(&reading);
    assert_int_equal(reading.seen, 200);
    assert_true(reading.reads > 10);
    turn_hook_free(w->env, hook);
    lane_close(w->env, lane);
    store_close(w->env, s);
}

/* Kept readers must not hold old pages: the same record again and again. */
static void the_file_does_not_grow_by_readers(void **state)
{
    struct real_world *w = *state;
    struct store *s = open_store(w->env, w->dir, (size_t)64 << 20);
    uint64_t used = 0, limit = 0;
    for (unsigned i = 0; i < 300; i++) {
        put_number(w->env, s, 1, 20000, STORE_SYNC_LATEST);
        assert_true(has_number(w->env, s, 1));
    }
    assert_int_equal(store_usage(w->env, s, &used, &limit), 0);
    assert_int_equal(limit, (uint64_t)64 << 20);
    assert_true(used < (uint64_t)1 << 20);
    store_close(w->env, s);
}

static void damage_is_told(void **state)
{
    struct real_world *w = *state;
    struct store *s = open_store(w->env, w->dir, 0);
    put_number(w->env, s, 1, 10, STORE_SYNC_FULL);
    store_close(w->env, s);
    char path[128], file[160];
    snprintf(path, sizeof(path), "%s/store", w->dir);
    snprintf(file, sizeof(file), "%s/data.mdb", path);
    struct file *f = NULL;
    assert_int_equal(file_open(w->env, file, FILE_WRITE, &f), 0);
    static const uint8_t noise[8192] = {1, 2, 3};
    assert_int_equal(file_write(w->env, f, 0, noise, sizeof(noise)), 0);
    file_close(w->env, f);
    struct store_opts opts = {.path = path, .tables = tables, .n_tables = 2};
    s = NULL;
    assert_int_equal(store_open(w->env, &opts, &s), E_CORRUPT);
    assert_null(s);
}

/* As a power failure leaves it: begun and not yet under its name. */
static void what_was_half_made_is_made_anew(void **state)
{
    struct real_world *w = *state;
    char path[128], file[160];
    snprintf(path, sizeof(path), "%s/store", w->dir);
    snprintf(file, sizeof(file), "%s/new.mdb", path);
    static const uint8_t noise[4096] = {1, 2, 3};
    for (int round = 0; round < 2; round++) {
        struct file *f = NULL;
        assert_int_equal(files_mkdir(w->env, path), 0);
        assert_int_equal(file_open(w->env, file, FILE_CREATE, &f), 0);
        assert_int_equal(file_write(w->env, f, 0, noise, sizeof(noise)), 0);
        file_close(w->env, f);
        if (round == 1) assert_int_equal(store_remove(w->env, path), 0);
        struct store *s = open_store(w->env, w->dir, 0);
        assert_false(has_number(w->env, s, 1));
        put_number(w->env, s, 1, 10, STORE_SYNC_FULL);
        store_close(w->env, s);
        s = open_store(w->env, w->dir, 0);
        assert_true(has_number(w->env, s, 1));
        store_close(w->env, s);
        assert_int_equal(file_open(w->env, file, FILE_READ, &f), E_NOT_FOUND);
        if (round == 0) assert_int_equal(store_remove(w->env, path), 0);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, real_world_open, real_world_close)
UNIT_MAIN(cmocka_unit_test(a_process_that_vanished_left_what_it_committed),
          TEST(the_loop_reads_while_a_lane_writes), TEST(the_file_does_not_grow_by_readers),
          TEST(damage_is_told), TEST(what_was_half_made_is_made_anew))
