/* SPDX-License-Identifier: Apache-2.0 */
#include "keypair.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "err.h"
#include "real_world.h"
#include "unit.h"

static char *path_of(struct real_world *w, const char *name)
{
    return mem_printf(&mem_libc, "%s/%s", w->dir, name);
}

static void keys_are_written_as_zeromq_does(void **state)
{
    (void)state;
    struct keypair k;
    char ours[KEY_TEXT], theirs[KEY_TEXT];
    uint8_t bytes[KEY_BYTES], again[KEY_BYTES];
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(keypair_new(&k), 0);
        assert_true(keypair_decode(span_str(k.public_key), bytes));
        assert_non_null(zmq_z85_decode(again, k.public_key));
        assert_memory_equal(bytes, again, KEY_BYTES);
        keypair_encode(bytes, ours);
        assert_non_null(zmq_z85_encode(theirs, bytes, KEY_BYTES));
        assert_string_equal(ours, theirs);
        assert_string_equal(ours, k.public_key);
        assert_int_equal(zmq_curve_public(theirs, k.secret_key), 0);
        assert_string_equal(theirs, k.public_key);
    }
    memset(bytes, 0xff, sizeof(bytes));
    keypair_encode(bytes, ours);
    assert_true(keypair_decode(span_str(ours), again));
    assert_memory_equal(bytes, again, KEY_BYTES);
    memset(ours, '#', KEY_TEXT - 1); /* above what four bytes hold */
    assert_false(keypair_decode(span_str(ours), again));
    assert_false(keypair_decode(SPAN_LIT("short"), again));
    ours[3] = '"';
    assert_false(keypair_decode(span_str(ours), again));
}

static int parse(const char *text, struct keypair *ret)
{
    return keypair_parse(span_str(text), ret);
}

static void a_pair_is_two_lines_that_belong_together(void **state)
{
    (void)state;
    struct keypair a, b, k = {.public_key = "untouched"};
    char text[512];
    assert_int_equal(keypair_new(&a), 0);
    assert_int_equal(keypair_new(&b), 0);
    const char *const good[] = {"public-key: '%s'\nsecret-key: '%s'\n", "public-key: '%s'\nsecret-key: '%s'",
                                "public-key: '%s'\r\nsecret-key: '%s'\r\n"};
    const char *const bad[] = {"public-key: '%s'\n",
                               "secret-key: '%s'\npublic-key: '%s'\n",
                               "public-key: '%s'\nsecret-key: '%s'\nmore\n",
                               "public-key: %s\nsecret-key: %s\n",
                               "\npublic-key: '%s'\nsecret-key: '%s'\n",
                               ""};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
        snprintf(text, sizeof(text), bad[i], a.public_key, a.secret_key);
        assert_int_equal(parse(text, &k), E_SYNTAX);
        assert_string_equal(k.public_key, "untouched");
    }
    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        snprintf(text, sizeof(text), good[i], a.public_key, a.secret_key);
        assert_int_equal(parse(text, &k), 0);
        assert_string_equal(k.secret_key, a.secret_key);
    }
    snprintf(text, sizeof(text), good[0], b.public_key, a.secret_key);
#pragma GCC diagnostic pop
    assert_int_equal(parse(text, &k), E_CRYPTO);
}

static void files_are_ours_alone(void **state)
{
    struct real_world *w = *state;
    char *path = path_of(w, "pair"), *link_path = path_of(w, "fifo");
    struct keypair k, again;
    assert_int_equal(keypair_read(path, &k), E_NOT_FOUND);
    assert_int_equal(keypair_new(&k), 0);
    assert_int_equal(keypair_write(path, &k, false), 0);
    assert_int_equal(keypair_write(path, &k, false), E_EXISTS);
    assert_int_equal(keypair_read(path, &again), 0);
    assert_string_equal(again.secret_key, k.secret_key);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610, 0601};
    for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_int_equal(keypair_read(path, &again), E_PERMISSION);
    }
    assert_int_equal(chmod(path, 0400), 0);
    assert_int_equal(keypair_read(path, &again), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 65534, 65534), 0);
        assert_int_equal(keypair_read(path, &again), E_PERMISSION);
    }
    assert_int_equal(mkfifo(link_path, 0600), 0);
    assert_int_equal(keypair_read(link_path, &again), E_PERMISSION); /* and does not wait for a writer */
    assert_int_equal(keypair_read(w->dir, &again), E_PERMISSION);
    mem_free(&mem_libc, path);
    mem_free(&mem_libc, link_path);
}

static void lists_may_be_read_but_not_written_by_others(void **state)
{
    struct real_world *w = *state;
    char *path = path_of(w, "servers");
    struct span text;
    assert_int_equal(keypair_replace_file(path, SPAN_LIT("12345")), 0);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(keypair_read_trusted(&mem_libc, path, 5, &text), 0);
    assert_true(span_equal(text, SPAN_LIT("12345")));
    mem_free(&mem_libc, (void *)(uintptr_t)text.p);
    assert_int_equal(keypair_read_trusted(&mem_libc, path, 4, &text), E_TOO_BIG);
    static const mode_t modes[] = {0664, 0646, 0622};
    for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_int_equal(keypair_read_trusted(&mem_libc, path, 5, &text), E_PERMISSION);
    }
    mem_free(&mem_libc, path);
}

static void the_first_start_makes_a_pair(void **state)
{
    struct real_world *w = *state;
    char *directory = path_of(w, "keys"), *path = path_of(w, "keys/pair");
    struct keypair first, second;
    struct stat st;
    assert_int_equal(keypair_ensure(path, &first), 0);
    assert_int_equal(keypair_ensure(path, &second), 0);
    assert_string_equal(first.secret_key, second.secret_key);
    assert_int_equal(stat(directory, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(keypair_ensure(path, &second), E_PERMISSION); /* and is not replaced */
    mem_free(&mem_libc, directory);
    mem_free(&mem_libc, path);
}

static void public_keys_are_lines(void **state)
{
    (void)state;
    struct keypair a, b;
    char text[256], key[KEY_TEXT];
    assert_int_equal(keypair_new(&a), 0);
    assert_int_equal(keypair_new(&b), 0);
    snprintf(text, sizeof(text), "# now\n%s\n\n#\n#next\r\n%s", a.public_key, b.public_key);
    struct span rest = span_str(text);
    assert_int_equal(keypair_take_public(&rest, key), 1);
    assert_string_equal(key, a.public_key);
    assert_int_equal(keypair_take_public(&rest, key), 1);
    assert_string_equal(key, b.public_key);
    assert_int_equal(keypair_take_public(&rest, key), 0);
    rest = SPAN_LIT("# fine\nshort\n");
    assert_int_equal(keypair_take_public(&rest, key), E_SYNTAX);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, real_world_open, real_world_close)
UNIT_MAIN(TEST(keys_are_written_as_zeromq_does), TEST(a_pair_is_two_lines_that_belong_together),
          TEST(files_are_ours_alone), TEST(lists_may_be_read_but_not_written_by_others),
          TEST(the_first_start_makes_a_pair), TEST(public_keys_are_lines))
