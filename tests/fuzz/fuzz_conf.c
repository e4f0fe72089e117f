/* SPDX-License-Identifier: Apache-2.0 */
/* Settings and YAML: any bytes as a file, and as each scalar. */
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "conf_table.h"
#include "err.h"
#include "svc.h"
#include "yaml_doc.h"

static const struct conf_def table[] = {
    {"name", CONF_STRING, "x", 0, 0, NULL, "a name"},
    {"dir", CONF_PATH, "/tmp", 0, 0, NULL, "a directory"},
    {"count", CONF_INT, "5", -10, 100, NULL, "a count"},
    {"loud", CONF_BOOL, "false", 0, 0, NULL, "a switch"},
    {"wait", CONF_DURATION, "5s", 1000, 86400000000, NULL, "a time"},
    {"room", CONF_SIZE, "1MiB", 1024, 1 << 30, NULL, "a size"},
    {"colour", CONF_CHOICE, "red", 0, 0, "red|green|blue", "a colour"},
    {"boxes", CONF_LIST, "", 0, 0, NULL, "boxes"},
    {NULL, CONF_STRING, NULL, 0, 0, NULL, NULL},
};

static unsigned walk(const struct yaml_doc *d, yaml_node n)
{
    unsigned count = 1;
    CHECK(n == NULL || yaml_line(d, n) > 0);
    for (unsigned i = 0; i < yaml_size(d, n); i++) {
        yaml_node key, value;
        if (yaml_kind(d, n) == YAML_LIST) {
            count += walk(d, yaml_item(d, n, i));
            continue;
        }
        yaml_pair(d, n, i, &key, &value);
        CHECK(yaml_get(d, n, yaml_scalar(d, key)) == value); /* no key twice */
        count += walk(d, value);
    }
    return count;
}

static void try_yaml(struct span text)
{
    struct yaml_doc *d = NULL;
    char *error = NULL;
    if (yaml_doc_parse(&mem_libc, "f", text, &d, &error) == 0)
        walk(d, yaml_doc_root(d));
    else
        CHECK(error != NULL && strncmp(error, "f:", 2) == 0);
    mem_free(&mem_libc, error);
    yaml_doc_free(&d);
}

static void try_conf(char *text)
{
    const struct conf_def *tables[1] = {table};
    for (const struct conf_def *t = table; t->name != NULL; t++) {
        char *flag = mem_printf(&mem_libc, "--%s=%s", t->name, text), *error = NULL;
        char *argv[] = {(char *)"p", flag, text};
        struct conf *c = NULL;
        if (conf_load(&mem_libc, tables, 1, "p", 3, argv, NULL, &c, &error) == 0 &&
            conf_asked(c) == CONF_RUN) {
            if (t->type == CONF_INT || t->type == CONF_DURATION || t->type == CONF_SIZE)
                CHECK(conf_int(c, t->name) >= t->min && conf_int(c, t->name) <= t->max);
        }
        conf_free(&c);
        mem_free(&mem_libc, error);
        mem_free(&mem_libc, flag);
    }
}

static void try_file(struct span text)
{
    const struct conf_def *tables[1] = {table};
    char *argv[] = {(char *)"p"}, *error = NULL;
    struct conf *c = NULL;
    CHECK(conf_load(&mem_libc, tables, 1, "p", 1, argv, NULL, &c, &error) == 0);
    if (conf_take_yaml(c, "f", text) < 0) CHECK(c->error != NULL && strncmp(c->error, "f:", 2) == 0);
    conf_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096) return 0;
    struct span text = span_of(data, size);
    char *line = mem_zalloc(&mem_libc, size + 1);
    if (size > 0) memcpy(line, data, size);
    try_yaml(text);
    try_file(text);
    if (size < 100) try_conf(line);
    mem_free(&mem_libc, line);
    return 0;
}
