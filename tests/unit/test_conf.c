/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf.h"
#include "err.h"
#include "svc.h"
#include "unit.h"

static const struct conf_def table[] = {
    {"name", CONF_STRING, "kesu", 0, 0, NULL, "a name"},
    {"config", CONF_PATH, "", 0, 0, NULL, "a file"},
    {"dir", CONF_PATH, "/tmp", 0, 0, NULL, "a directory"},
    {"count", CONF_INT, "5", -10, 100, NULL, "a count"},
    {"loud", CONF_BOOL, "false", 0, 0, NULL, "a switch"},
    {"wait", CONF_DURATION, "5s", 1000, 86400000000, NULL, "a time"},
    {"room", CONF_SIZE, "1MiB", 1024, 1 << 30, NULL, "a size"},
    {"colour", CONF_CHOICE, "red", 0, 0, "red|green|blue", "a colour"},
    {"boxes", CONF_LIST, "", 0, 0, NULL, "boxes"},
    {NULL, CONF_STRING, NULL, 0, 0, NULL, NULL},
};
static const struct conf_def strict[] = {
    {"needed", CONF_STRING, NULL, 0, 0, NULL, "must be given"},
    {NULL, CONF_STRING, NULL, 0, 0, NULL, NULL},
};

struct given {
    const char *args[8]; /* after the program's name */
    char *env[4];
    const char *file; /* content, or NULL */
};

static char path[64];

static int load(const struct conf_def *t, const struct given *g, struct conf **ret, char **ret_error)
{
    char *argv[12] = {(char *)"prog"};
    int argc = 1;
    if (g->file != NULL) {
        FILE *f = fopen(path, "we");
        assert_non_null(f);
        fputs(g->file, f);
        fclose(f);
        argv[argc++] = (char *)"--config";
        argv[argc++] = path;
    }
    for (unsigned i = 0; i < 8 && g->args[i] != NULL; i++) argv[argc++] = (char *)g->args[i];
    return conf_load(&mem_libc, &t, 1, "prog", argc, argv, (char **)g->env, ret, ret_error);
}

static struct conf *load_right(const struct given *g)
{
    struct conf *c = NULL;
    char *error = NULL;
    if (load(table, g, &c, &error) != 0) fail_msg("%s", error);
    return c;
}

static void what_is_nearest_wins(void **state)
{
    (void)state;
    struct given g = {0};
    struct conf *c = load_right(&g);
    assert_string_equal(conf_string(c, "name"), "kesu");
    assert_int_equal(conf_int(c, "count"), 5);
    assert_int_equal(conf_int(c, "wait"), 5000000);
    assert_int_equal(conf_int(c, "room"), 1 << 20);
    assert_false(conf_bool(c, "loud"));
    conf_free(&c);
    g = (struct given){.file = "count: 1\nwait: 10m\nloud: true\nboxes: [a, 'b c']\nname:\ndir: /x\n",
                       .env = {(char *)"KESU_COUNT=2", (char *)"KESU_DIR=/y"},
                       .args = {"--count", "3"}};
    c = load_right(&g);
    assert_int_equal(conf_int(c, "count"), 3);
    assert_string_equal(conf_string(c, "dir"), "/y");
    assert_int_equal(conf_int(c, "wait"), 600000000);
    assert_true(conf_bool(c, "loud"));
    assert_string_equal(conf_string(c, "name"), "");
    const char *const *boxes = NULL;
    assert_int_equal(conf_list(c, "boxes", &boxes), 2);
    assert_string_equal(boxes[1], "b c");
    conf_free(&c);
}

static void flags_have_two_forms(void **state)
{
    (void)state;
    struct given g = {.args = {"one", "--count=-7", "--loud", "--boxes", "x,y", "--", "--two"}};
    struct conf *c = load_right(&g);
    assert_int_equal(conf_int(c, "count"), -7);
    assert_true(conf_bool(c, "loud"));
    const char *const *list = NULL;
    assert_int_equal(conf_list(c, "boxes", &list), 2);
    assert_string_equal(list[0], "x");
    assert_int_equal(conf_arguments(c, &list), 2);
    assert_string_equal(list[0], "one");
    assert_string_equal(list[1], "--two");
    assert_int_equal(conf_asked(c), CONF_RUN);
    conf_free(&c);
    g = (struct given){.args = {"--count", "x", "--help"}}; /* helped, though wrong */
    c = load_right(&g);
    assert_int_equal(conf_asked(c), CONF_HELP);
    conf_free(&c);
}

static void errors_say_where_and_what(void **state)
{
    (void)state;
    const struct {
        struct given given;
        int error;
        const char *text;
    } rows[] = {
        {{.file = "name: x\ncount: 101\n"},
         E_RANGE,
         ":2: count: found '101', allowed is a whole number from -10 to 100"},
        {{.file = "loud: yes\n"}, E_SYNTAX, ":1: loud: found 'yes', allowed is true or false"},
        {{.file = "\nwait: 10\n"}, E_SYNTAX, ":2: wait: found '10', allowed is a duration from 1ms to 1d"},
        {{.file = "room: 1mb\n"}, E_SYNTAX, ":1: room: found '1mb', allowed is a size from 1KiB to 1GiB"},
        {{.file = "colour: pink\n"}, E_RANGE, ":1: colour: found 'pink', allowed is one of red|green|blue"},
        {{.file = "colour: red|green\n"}, E_RANGE, ":1: colour:"},
        {{.file = "boxes: {a: b}\n"}, E_SYNTAX, ":1: boxes: found 'a map', allowed is a list"},
        {{.file = "boxes: [a, '']\n"}, E_SYNTAX, ":1: boxes:"},
        {{.file = "count: [1]\n"}, E_SYNTAX, ":1: count: found 'a list', allowed is a whole number"},
        {{.file = "count:\n"}, E_SYNTAX, ":1: count: found 'nothing'"},
        {{.file = "name: x\ncuont: 1\n"},
         E_UNKNOWN,
         ":2: cuont: found a key that is no setting, allowed are name,"},
        {{.file = "config: x\n"}, E_UNKNOWN, ":1: config:"},
        {{.file = "- x\n"}, E_SYNTAX, ":1: found no settings"},
        {{.file = "count: 1\ncount: 2\n"}, E_SYNTAX, ":2: key 'count' stands twice"},
        /* wrong in the file, though a flag wins */
        {{.file = "count: x\n", .args = {"--count", "1"}}, E_SYNTAX, ":1: count: found 'x'"},
        {{.env = {(char *)"KESU_COUNT=010"}},
         E_SYNTAX,
         "prog: environment: KESU_COUNT: found '010', allowed is"},
        {{.args = {"--count", "1e3"}}, E_SYNTAX, "prog: command line: --count: found '1e3', allowed is"},
        {{.args = {"--count"}}, E_MISSING, "prog: command line: found '--count', which needs a value"},
        {{.args = {"--cuont", "1"}}, E_UNKNOWN, "prog: command line: found '--cuont', which is no setting"},
        {{.args = {"-x"}}, E_UNKNOWN, "prog: command line: found '-x'"},
        {{.args = {"--boxes", "a,,b"}}, E_SYNTAX, "prog: command line: --boxes: found 'a,,b'"},
        {{.args = {"--config", "/no/such/file"}},
         E_NOT_FOUND,
         "prog: config: cannot read the file '/no/such/file'"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct conf *c = NULL;
        char *error = NULL;
        int e = load(table, &rows[i].given, &c, &error);
        if (e != rows[i].error || strstr(error, rows[i].text) == NULL) fail_msg("row %u: %d %s", i, e, error);
        if (rows[i].given.file != NULL) assert_non_null(strstr(error, path));
        mem_free(&mem_libc, error);
    }
    struct given nothing = {0};
    struct conf *c = NULL;
    char *error = NULL;
    assert_int_equal(load(strict, &nothing, &c, &error), E_MISSING);
    assert_string_equal(error, "prog: needed: missing; give --needed, or 'needed:' in the file of --config");
    mem_free(&mem_libc, error);
}

/* Bad for every type but text; "" and NUL-like things are tried where they are bad. */
static void every_setting_refuses_bad_values(void **state)
{
    (void)state;
    const struct conf_def *tables[] = {table, svc_settings};
    unsigned tried = 0;
    for (unsigned t = 0; t < 2; t++) {
        for (const struct conf_def *d = tables[t]; d->name != NULL; d++) {
            static const char *const bad[] = {"",
                                              "-",
                                              "1x",
                                              "01",
                                              " 1",
                                              "yes",
                                              "1.5",
                                              "0x10",
                                              "1 s",
                                              "1KB",
                                              "+1",
                                              "red|",
                                              "99999999999999999999"};
            for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                bool text = d->type == CONF_STRING || d->type == CONF_LIST || d->type == CONF_PATH;
                if (text) continue;
                char flag[64];
                snprintf(flag, sizeof(flag), "--%s=%s", d->name, bad[i]);
                struct given g = {.args = {flag}};
                struct conf *c = NULL;
                char *error = NULL;
                if (load(tables[t], &g, &c, &error) == 0) fail_msg("%s was taken", flag);
                assert_non_null(strstr(error, d->name));
                assert_non_null(strstr(error, "found '"));
                assert_non_null(strstr(error, "allowed is "));
                mem_free(&mem_libc, error);
                tried++;
            }
        }
    }
    assert_true(tried > 60);
}

static void scalars_have_one_form(void **state)
{
    (void)state;
    int64_t v = 7;
    uint64_t size = 7;
    bool yes = true;
    assert_int_equal(conf_parse_int("-9223372036854775807", INT64_MIN, INT64_MAX, &v), 0);
    assert_int_equal(conf_parse_int("9223372036854775808", INT64_MIN, INT64_MAX, &v), E_RANGE);
    assert_int_equal(conf_parse_int("-0", -1, 1, &v), E_SYNTAX);
    assert_int_equal(conf_parse_int("99999999999999999999x", -1, 1, &v), E_SYNTAX);
    v = 7;
    assert_int_equal(conf_parse_int("8", 0, 7, &v), E_RANGE);
    assert_int_equal(v, 7); /* untouched */
    assert_int_equal(conf_parse_duration("0", &v), 0);
    assert_int_equal(v, 0);
    assert_int_equal(conf_parse_duration("3d", &v), 0);
    assert_int_equal(v, INT64_C(259200000000));
    assert_int_equal(conf_parse_duration("106751992d", &v), E_RANGE);
    assert_int_equal(conf_parse_duration("1h30m", &v), E_SYNTAX);
    assert_int_equal(conf_parse_duration("S", &v), E_SYNTAX);
    assert_int_equal(conf_parse_size("16GiB", &size), 0);
    assert_int_equal(size, UINT64_C(16) << 30);
    assert_int_equal(conf_parse_size("9000000TiB", &size), E_RANGE);
    assert_int_equal(conf_parse_size("1kib", &size), E_SYNTAX);
    assert_int_equal(conf_parse_bool("True", &yes), E_SYNTAX);
    assert_int_equal(conf_parse_bool("false", &yes), 0);
    assert_false(yes);
}

static void help_tells_every_setting(void **state)
{
    (void)state;
    const struct conf_def *tables[] = {table, svc_settings};
    tables[1] = strict;
    char *text = conf_help(&mem_libc, tables, 2, "prog", "does things");
    for (unsigned t = 0; t < 2; t++)
        for (const struct conf_def *d = tables[t]; d->name != NULL; d++) {
            assert_non_null(strstr(text, d->name));
            assert_non_null(strstr(text, d->help));
        }
    assert_non_null(strstr(text, "a duration from 1ms to 1d (like 250ms, 5s, 10m, 24h, 3d); default 5s"));
    assert_non_null(strstr(text, "must be given"));
    mem_free(&mem_libc, text);
}

static int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/kesu-conf-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int drop_path(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_nearest_wins),      cmocka_unit_test(flags_have_two_forms),
        cmocka_unit_test(errors_say_where_and_what), cmocka_unit_test(every_setting_refuses_bad_values),
        cmocka_unit_test(scalars_have_one_form),     cmocka_unit_test(help_tells_every_setting),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, make_path, drop_path);
}
