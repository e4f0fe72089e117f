/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the settings: what conf.c, conf_args.c and conf_help.c share. */
#ifndef KESU_CONF_TABLE_H
#define KESU_CONF_TABLE_H

#include "conf.h"

/* Where a setting may be said, the weightiest first. */
enum conf_where { CONF_IN_FLAG, CONF_IN_ENVIRONMENT, CONF_IN_FILE, CONF_IN_DEFAULT };
#define CONF_N_PLACES 4

struct conf_place {
    enum conf_where where;
    char *text; /* NULL: not said here */
    unsigned line;
    char separator; /* of a list */
};

struct conf_value {
    const struct conf_def *def;
    struct conf_place places[CONF_N_PLACES];
    const char *text; /* of the place that won */
    int64_t number;
    char **list;
    unsigned n_list;
};

struct conf {
    struct mem *mem;
    struct conf_value *values;
    unsigned n_values;
    enum conf_ask asked;
    char **arguments;
    unsigned n_arguments;
    char *file_name;
    char *error;
};

struct conf_value *conf_find(const struct conf *c, const char *name); /* NULL: no such setting */
char *conf_names(const struct conf *c);                               /* "a, b, c" */
char *conf_environment_name(struct mem *m, const char *name);
const char *conf_type_allowed(struct mem *m, const struct conf_def *d);
char *conf_duration_text(struct mem *m, int64_t us);
char *conf_size_text(struct mem *m, int64_t bytes);

/* Each sets c->error when it fails. */
int conf_take_yaml(struct conf *c, const char *name, struct span text);
int conf_settle(struct conf *c); /* file, then all values */

#endif
