// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob.h"
#include "env_real.h"
#include "err.h"
#include "files.h"

static struct env_real *real;
static struct env *env;
static char dir[64];

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/kesu-blob-XXXXXX");
    if (mkdtemp(dir) == NULL || env_real_new("unit", &real) != 0) return -1;
    env = env_real_env(real);
    return 0;
}

static int teardown(void **state)
{
    char command[128];
    (void)state;
    env_real_free(&real);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) == 0 ? 0 : -1;
}

static void path_of(const uint8_t name[HASH_BYTES], char *ret, size_t n)
{
    size_t at = (size_t)snprintf(ret, n, "%s/%02x/", dir, name[0]);
    for (unsigned i = 1; i < HASH_BYTES; i++) at += (size_t)snprintf(ret + at, n - at, "%02x", name[i]);
}

static void kept_and_found_again(void **state)
{
    (void)state;
    struct blob *b = NULL;
    uint8_t name[HASH_BYTES], again[HASH_BYTES], expected[HASH_BYTES];
    struct span got = SPAN_NONE;
    assert_int_equal(blob_open(env, dir, &b), 0);
    assert_int_equal(blob_put(b, SPAN_LIT("a photo"), name), 0);
    assert_int_equal(blob_put(b, SPAN_LIT("a photo"), again), 0);
    hash_bytes(SPAN_LIT("a photo"), expected);
    assert_memory_equal(name, expected, HASH_BYTES);
    assert_memory_equal(name, again, HASH_BYTES);
    blob_close(b);
    assert_int_equal(blob_open(env, dir, &b), 0);
    assert_int_equal(blob_get(b, name, &got), 0);
    assert_true(span_equal(got, SPAN_LIT("a photo")));
    mem_free(&env->mem, (void *)(uintptr_t)got.p);
    assert_int_equal(blob_put(b, SPAN_NONE, name), 0);
    assert_int_equal(blob_get(b, name, &got), 0);
    assert_int_equal(got.n, 0);
    mem_free(&env->mem, (void *)(uintptr_t)got.p);
    assert_int_equal(blob_drop(b, name), 0);
    assert_int_equal(blob_get(b, name, &got), E_NOT_FOUND);
    blob_close(b);
    blob_close(NULL);
}

static void sealed_on_disk_and_closed_to_others(void **state)
{
    (void)state;
    struct blob *b = NULL;
    uint8_t name[HASH_BYTES];
    struct span raw;
    struct stat st;
    char path[256];
    assert_int_equal(blob_open(env, dir, &b), 0);
    assert_int_equal(blob_put(b, SPAN_LIT("the customer's passport"), name), 0);
    path_of(name, path, sizeof path);
    assert_int_equal(files_read_all(env, path, 4096, &raw), 0);
    assert_null(memmem(raw.p, raw.n, "passport", 8));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    uint8_t *changed = mem_dup(&env->mem, raw);
    changed[raw.n - 1] ^= 1;
    assert_int_equal(files_replace(env, path, span_of(changed, raw.n)), 0);
    struct span got = SPAN_NONE;
    assert_int_equal(blob_get(b, name, &got), E_CRYPTO);
    assert_int_equal(files_replace(env, path, span_of(changed, 10)), 0);
    assert_int_equal(blob_get(b, name, &got), E_CRYPTO);
    assert_null(got.p);
    mem_free(&env->mem, changed);
    mem_free(&env->mem, (void *)(uintptr_t)raw.p);
    blob_close(b);
}

static void a_damaged_key_is_not_replaced(void **state)
{
    (void)state;
    struct blob *b = NULL;
    char path[80];
    assert_int_equal(blob_open(env, dir, &b), 0);
    blob_close(b);
    b = NULL;
    snprintf(path, sizeof path, "%s/key", dir);
    assert_int_equal(truncate(path, 5), 0);
    assert_int_equal(blob_open(env, dir, &b), E_CORRUPT);
    assert_null(b);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
UNIT_MAIN(T(kept_and_found_again), T(sealed_on_disk_and_closed_to_others), T(a_damaged_key_is_not_replaced))
