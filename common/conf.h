/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: one table says everything of each.
 *
 * Taken from flags (--data-dir DIR), the environment (KESU_DATA_DIR), a YAML
 * file (data-dir: DIR), the default: the first that says it wins. --help and
 * --check-config come from the table. An error names file, line, key, what was
 * found and what is allowed. */
#ifndef KESU_CONF_H
#define KESU_CONF_H

#include "mem.h"

enum conf_type {
    CONF_STRING,
    CONF_PATH,
    CONF_INT,      /* decimal, no leading zeros */
    CONF_BOOL,     /* true or false, nothing else */
    CONF_DURATION, /* 250ms 5s 10m 24h 3d; kept in microseconds */
    CONF_SIZE,     /* 512 64KiB 1MiB 16GiB; kept in bytes */
    CONF_CHOICE,   /* one of choices */
    CONF_LIST,     /* strings; in the environment and flags separated by commas */
};

struct conf_def {
    const char *name; /* kebab-case; NULL ends a table */
    enum conf_type type;
    const char *def;     /* as written in a file; NULL: must be given; "" allowed for strings */
    int64_t min, max;    /* of INT, DURATION (microseconds), SIZE (bytes) */
    const char *choices; /* "a|b|c" */
    const char *help;    /* one line */
};

struct conf;

/* tables: of n settings tables, e.g. the skeleton's and the service's.
 * ret_error: on failure a line for people, to be freed with mem_free. */
int conf_load(struct mem *m, const struct conf_def *const *tables, unsigned n, const char *program, int argc,
              char **argv, char **envp, struct conf **ret, char **ret_error);
void conf_free(struct conf **p);

/* Asking for a name that is in no table, or by the wrong type, is a broken
 * invariant. Strings live as long as conf. */
const char *conf_string(const struct conf *c, const char *name); /* STRING, PATH, CHOICE */
int64_t conf_int(const struct conf *c, const char *name);        /* INT, DURATION, SIZE */
bool conf_bool(const struct conf *c, const char *name);
unsigned conf_list(const struct conf *c, const char *name, const char *const **ret);

/* What was asked of the program beside settings. */
enum conf_ask { CONF_RUN, CONF_HELP, CONF_VERSION, CONF_CHECK };
enum conf_ask conf_asked(const struct conf *c);
unsigned conf_arguments(const struct conf *c, const char *const **ret); /* what is not a flag */

/* The text of --help. To be freed with mem_free. */
char *conf_help(struct mem *m, const struct conf_def *const *tables, unsigned n, const char *program,
                const char *summary);

/* The scalars, strictly, for settings and policy alike. E_SYNTAX, E_RANGE. */
int conf_parse_int(const char *s, int64_t min, int64_t max, int64_t *ret);
int conf_parse_bool(const char *s, bool *ret);
int conf_parse_duration(const char *s, int64_t *ret_us);
int conf_parse_size(const char *s, uint64_t *ret_bytes);

#endif
