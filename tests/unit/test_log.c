// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "log.h"

static int64_t fixed_wall(struct env *env)
{
    (void)env;
    return INT64_C(1700000000123456);
}

static const struct clock_ops fixed_clock = {fixed_wall, fixed_wall};
static struct env env = {.name = "unit", .clock = &fixed_clock};

// What was written to standard error since `saved` took its place.
static void capture(char *ret, size_t size, void (*write_it)(void))
{
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    int saved = dup(STDERR_FILENO);
    dup2(pipe_fds[1], STDERR_FILENO);
    close(pipe_fds[1]);
    write_it();
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t n = read(pipe_fds[0], ret, size - 1);
    close(pipe_fds[0]);
    ret[n > 0 ? n : 0] = '\0';
}

static void one_line(void)
{
    log_info(&env, "case opened", LOG_U64("seq", UINT64_MAX), LOG_STR("number", "2611-000042"),
             LOG_STR("odd", "a \"b\"\n"), LOG_I64("left", -1), LOG_ERR(E_STALE));
    log_debug(&env, "not shown");
}

static void text_line(void **state)
{
    (void)state;
    char line[1024];
    log_setup(LOG_INFO, LOG_FORMAT_TEXT);
    capture(line, sizeof line, one_line);
    assert_string_equal(line, "2023-11-14T22:13:20.123Z info unit: case opened seq=18446744073709551615 "
                              "number=2611-000042 odd=\"a \\\"b\\\"\\u000a\" left=-1 error=E_STALE\n");
}

static void json_line(void **state)
{
    (void)state;
    char line[1024];
    log_setup(LOG_INFO, LOG_FORMAT_JSON);
    capture(line, sizeof line, one_line);
    assert_string_equal(line,
                        "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"info\",\"service\":\"unit\","
                        "\"what\":\"case opened\",\"seq\":18446744073709551615,"
                        "\"number\":\"2611-000042\",\"odd\":\"a \\\"b\\\"\\u000a\",\"left\":-1,"
                        "\"error\":\"E_STALE\"}\n");
}

static void long_line(void)
{
    static char text[9000];
    memset(text, 'x', sizeof text - 1);
    log_error(&env, text);
}

static void too_long_is_cut(void **state)
{
    (void)state;
    static char line[16384];
    log_setup(LOG_INFO, LOG_FORMAT_TEXT);
    capture(line, sizeof line, long_line);
    assert_in_range(strlen(line), 4000, 4096);
    assert_int_equal(line[strlen(line) - 1], '\n');
}

UNIT_MAIN(cmocka_unit_test(text_line), cmocka_unit_test(json_line), cmocka_unit_test(too_long_is_cut))
