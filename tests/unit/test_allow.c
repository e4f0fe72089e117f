/* SPDX-License-Identifier: Apache-2.0 */
#include "allow.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "err.h"
#include "unit.h"

static struct allow_list *list_of(const char *text)
{
    struct allow_list *list = NULL;
    struct allow_error error;
    assert_int_equal(allow_parse(&mem_libc, span_str(text), &list, &error), 0);
    return list;
}

static void key_of(uint8_t seed, char ret[KEY_TEXT])
{
    uint8_t bytes[KEY_BYTES];
    memset(bytes, seed, sizeof(bytes));
    keypair_encode(bytes, ret);
}

static void lines_are_users(void **state)
{
    (void)state;
    char text[1024], keys[3][KEY_TEXT];
    for (unsigned i = 0; i < 3; i++) key_of((uint8_t)(200 - 60 * i), keys[i]);
    snprintf(text, sizeof(text),
             "# who may\n#\n%s adapter mail-1 email,letter\n\n  \t\n%s\treader   desk\r\n%s service x",
             keys[0], keys[1], keys[2]);
    struct allow_list *list = list_of(text);
    assert_int_equal(list->n, 3);
    const struct allow_entry *e = allow_find(list, keys[0]);
    assert_non_null(e);
    assert_int_equal(e->user.role, ROLE_ADAPTER);
    assert_string_equal(e->user.name, "mail-1");
    assert_int_equal(e->user.channels,
                     1u << KESU__V1__CHANNEL__CHANNEL_EMAIL | 1u << KESU__V1__CHANNEL__CHANNEL_LETTER);
    assert_int_equal(allow_find(list, keys[1])->user.role, ROLE_READER);
    assert_string_equal(allow_find(list, keys[2])->user.name, "x");
    assert_null(allow_find(list, "nobody"));
    assert_null(allow_find(NULL, keys[0]));
    char line[512];
    allow_format(e, line, sizeof(line));
    struct allow_list *again = list_of(line);
    assert_memory_equal(&again->entries[0], e, sizeof(*e));
    mem_free(&mem_libc, again);
    mem_free(&mem_libc, list);
}

static void one_bad_line_refuses_all(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "short adapter x",     "%s king x",
        "%s adapter",          "%s",
        "%s adapter x moon",   "%s adapter x email,",
        "%s adapter x ,email", "%s adapter x email more",
        "%s adapter \x01",     "%s adapter 0123456789012345678901234567890123456789012345678901234567890123x",
        "&not a comment"};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[512], line[256], key[KEY_TEXT], good[KEY_TEXT];
        struct allow_list *list = NULL;
        struct allow_error error;
        key_of(7, key);
        key_of(9, good);
        const char *place = strstr(bad[i], "%s");
        snprintf(line, sizeof(line), "%s%s", place != NULL ? key : bad[i], place != NULL ? bad[i] + 2 : "");
        snprintf(text, sizeof(text), "%s adapter fine\n%s\n", good, line);
        int err = allow_parse(&mem_libc, span_str(text), &list, &error);
        assert_int_equal(err, E_SYNTAX);
        assert_int_equal(error.line, 2);
        assert_non_null(error.reason);
        assert_null(list);
    }
    char text[256], key[KEY_TEXT];
    struct allow_list *list = NULL;
    struct allow_error error;
    key_of(7, key);
    snprintf(text, sizeof(text), "%s adapter a\n%s service b\n", key, key);
    assert_int_equal(allow_parse(&mem_libc, span_str(text), &list, &error), E_EXISTS);
}

static bool takes_away(const char *old_line, const char *new_line)
{
    char key[KEY_TEXT], a[256], b[256];
    key_of(7, key);
    snprintf(a, sizeof(a), "%s %s\n", key, old_line);
    snprintf(b, sizeof(b), "%s %s\n", key, new_line);
    struct allow_list *old = list_of(a), *new = list_of(new_line[0] != '\0' ? b : "");
    bool yes = allow_takes_away(old, new);
    assert_false(allow_takes_away(NULL, new));
    mem_free(&mem_libc, old);
    mem_free(&mem_libc, new);
    return yes;
}

static void a_changed_line_ends_connections(void **state)
{
    (void)state;
    assert_false(takes_away("adapter a email", "adapter a email"));
    assert_true(takes_away("adapter a", ""));
    assert_true(takes_away("adapter a", "reader a"));
    assert_true(takes_away("adapter a", "adapter b"));
    assert_true(takes_away("adapter a", "adapter a email"));
}

static int read_of(const char *text, struct allow_error *ret_error)
{
    char path[] = "/tmp/kesu-allow-XXXXXX";
    struct allow_list *list = NULL;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    int e = allow_read(&mem_libc, path, &list, ret_error);
    unlink(path);
    assert_true((e == 0) == (list != NULL));
    mem_free(&mem_libc, list);
    return e;
}

static void a_file_that_is_being_written_is_no_list(void **state)
{
    (void)state;
    char key[KEY_TEXT], text[256];
    struct allow_error error;
    key_of(7, key);
    snprintf(text, sizeof(text), "# KEY ROLE NAME\n%s adapter a email,letter\n", key);
    assert_int_equal(read_of(text, &error), 0);
    for (size_t n = strlen(text) - 1; n > strlen("# KEY ROLE NAME\n"); n--) {
        text[n] = '\0';
        assert_int_equal(read_of(text, &error), E_SYNTAX);
        assert_int_equal(error.line, 2);
        assert_non_null(error.reason);
    }
    assert_int_equal(read_of("", &error), E_NOT_FOUND);
    assert_int_equal(read_of("# nobody\n", &error), 0);
}

UNIT_MAIN(cmocka_unit_test(lines_are_users), cmocka_unit_test(one_bad_line_refuses_all),
          cmocka_unit_test(a_changed_line_ends_connections),
          cmocka_unit_test(a_file_that_is_being_written_is_no_list))
