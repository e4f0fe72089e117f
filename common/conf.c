/* SPDX-License-Identifier: Apache-2.0 */
/* Settings from flags, the environment, a YAML file, the defaults.
 *
 * Each setting holds one text per place it was said in the order of their
 * weight; the weightiest is parsed by its type and range, and its place is
 * what an error names. What is in the file is checked whole even where a flag
 * wins: a wrong line must not sleep there. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "conf_table.h"
#include "err.h"
#include "yaml_doc.h"

#define CONF_FILE_MAX_BYTES ((size_t)1 << 20)

const char *conf_type_allowed(struct mem *m, const struct conf_def *d)
{
    switch (d->type) {
    case CONF_INT:
        return mem_printf(m, "a whole number from %lld to %lld", (long long)d->min, (long long)d->max);
    case CONF_BOOL:
        return mem_strdup(m, "true or false");
    case CONF_DURATION: {
        char *min = conf_duration_text(m, d->min), *max = conf_duration_text(m, d->max);
        char *text = mem_printf(m, "a duration from %s to %s (like 250ms, 5s, 10m, 24h, 3d)", min, max);
        mem_free(m, min);
        mem_free(m, max);
        return text;
    }
    case CONF_SIZE: {
        char *min = conf_size_text(m, d->min), *max = conf_size_text(m, d->max);
        char *text = mem_printf(m, "a size from %s to %s (like 512, 64KiB, 1MiB, 16GiB)", min, max);
        mem_free(m, min);
        mem_free(m, max);
        return text;
    }
    case CONF_CHOICE:
        return mem_printf(m, "one of %s", d->choices);
    case CONF_PATH:
        return mem_strdup(m, "a path");
    case CONF_LIST:
        return mem_strdup(m, "a list of texts that are not empty");
    case CONF_STRING:
        break;
    }
    return mem_strdup(m, "a text");
}

/* "kesu.yaml:3", "environment", "command line"; to be freed. */
static char *place_text(struct conf *c, const struct conf_place *p, const struct conf_def *d)
{
    switch (p->where) {
    case CONF_IN_FLAG:
        return mem_printf(c->mem, "command line: --%s", d->name);
    case CONF_IN_ENVIRONMENT: {
        char *name = conf_environment_name(c->mem, d->name);
        char *text = mem_printf(c->mem, "environment: %s", name);
        mem_free(c->mem, name);
        return text;
    }
    case CONF_IN_FILE:
        return mem_printf(c->mem, "%s:%u: %s", c->file_name, p->line, d->name);
    case CONF_IN_DEFAULT:
        break;
    }
    return mem_printf(c->mem, "default: %s", d->name);
}

static int refuse_value(struct conf *c, const struct conf_place *p, const struct conf_def *d,
                        const char *found, int error)
{
    char *place = place_text(c, p, d);
    const char *allowed = conf_type_allowed(c->mem, d);
    c->error = mem_printf(c->mem, "%s: found '%.200s', allowed is %s", place, found, allowed);
    mem_free(c->mem, place);
    mem_free(c->mem, (void *)allowed);
    return error;
}

static bool is_choice(const char *choices, const char *s)
{
    size_t n = strlen(s);
    if (strchr(s, '|') != NULL) return false;
    for (const char *p = choices; p != NULL; p = strchr(p, '|')) {
        if (*p == '|') p++;
        if (strncmp(p, s, n) == 0 && (p[n] == '|' || p[n] == 0)) return n > 0;
    }
    return false;
}

static int parse_scalar(const struct conf_def *d, const char *s, int64_t *ret)
{
    bool yes = false;
    uint64_t size = 0;
    int e = 0;
    switch (d->type) {
    case CONF_INT:
        return conf_parse_int(s, d->min, d->max, ret);
    case CONF_BOOL:
        e = conf_parse_bool(s, &yes);
        if (e == 0) *ret = yes;
        return e;
    case CONF_DURATION:
        e = conf_parse_duration(s, ret);
        return e < 0 ? e : *ret < d->min || *ret > d->max ? E_RANGE : 0;
    case CONF_SIZE:
        e = conf_parse_size(s, &size);
        if (e < 0) return e;
        *ret = (int64_t)size;
        return *ret < d->min || *ret > d->max ? E_RANGE : 0;
    case CONF_CHOICE:
        return is_choice(d->choices, s) ? 0 : E_RANGE;
    case CONF_PATH:
        return s[0] != 0 || (d->def != NULL && d->def[0] == 0) ? 0 : E_RANGE;
    case CONF_STRING:
    case CONF_LIST:
        break;
    }
    return 0;
}

static int parse_list(struct conf *c, struct conf_value *v, const struct conf_place *p)
{
    const char *s = p->text;
    unsigned n = 0;
    for (const char *q = s; *q != 0; q++) n += *q == p->separator;
    v->list = mem_zalloc(c->mem, (n + 2) * sizeof(char *));
    v->n_list = 0;
    while (*s != 0) {
        const char *end = strchr(s, p->separator);
        size_t length = end != NULL ? (size_t)(end - s) : strlen(s);
        if (length == 0 || (end != NULL && end[1] == 0)) return refuse_value(c, p, v->def, p->text, E_SYNTAX);
        char *item = mem_alloc(c->mem, length + 1);
        memcpy(item, s, length);
        item[length] = 0;
        v->list[v->n_list++] = item;
        s += length + (end != NULL);
    }
    return 0;
}

/* keep: this is the value; else it is only checked. */
static int parse_place(struct conf *c, struct conf_value *v, const struct conf_place *p, bool keep)
{
    int64_t number = 0;
    int e = parse_scalar(v->def, p->text, &number);
    if (e < 0) return refuse_value(c, p, v->def, p->text, e);
    if (!keep) return 0;
    v->text = p->text;
    v->number = number;
    return v->def->type == CONF_LIST ? parse_list(c, v, p) : 0;
}

static int settle(struct conf *c, struct conf_value *v)
{
    bool found = false;
    for (unsigned i = 0; i < CONF_N_PLACES; i++) {
        if (v->places[i].text == NULL) continue;
        int e = parse_place(c, v, &v->places[i], !found);
        if (e < 0) return e;
        found = true;
    }
    if (found) return 0;
    c->error = mem_printf(c->mem, "%s: missing; give --%s, or '%s:' in the file of --config", v->def->name,
                          v->def->name, v->def->name);
    return E_MISSING;
}

/* ---- the file ---------------------------------------------------------- */

static char *joined_list(struct conf *c, const struct yaml_doc *d, yaml_node n)
{
    char *text = mem_strdup(c->mem, "");
    for (unsigned i = 0; i < yaml_size(d, n); i++) {
        char *more =
            mem_printf(c->mem, "%s%s%s", text, i > 0 ? "\n" : "", yaml_scalar(d, yaml_item(d, n, i)));
        mem_free(c->mem, text);
        text = more;
    }
    return text;
}

static bool is_list_of_scalars(const struct yaml_doc *d, yaml_node n)
{
    if (yaml_kind(d, n) != YAML_LIST) return false;
    for (unsigned i = 0; i < yaml_size(d, n); i++) {
        yaml_node item = yaml_item(d, n, i);
        if (yaml_kind(d, item) != YAML_SCALAR || yaml_scalar(d, item)[0] == 0) return false;
        if (strchr(yaml_scalar(d, item), '\n') != NULL) return false;
    }
    return true;
}

static int take_pair(struct conf *c, const struct yaml_doc *d, yaml_node key, yaml_node node)
{
    const char *name = yaml_scalar(d, key);
    struct conf_value *v = conf_find(c, name);
    if (v == NULL || strcmp(name, "config") == 0) {
        char *names = conf_names(c);
        c->error = mem_printf(c->mem, "%s:%u: %.100s: found a key that is no setting, allowed are %s",
                              c->file_name, yaml_line(d, key), name, names);
        mem_free(c->mem, names);
        return E_UNKNOWN;
    }
    struct conf_place *p = &v->places[CONF_IN_FILE];
    *p = (struct conf_place){.where = CONF_IN_FILE, .line = yaml_line(d, node), .separator = '\n'};
    bool list = v->def->type == CONF_LIST;
    enum yaml_kind kind = yaml_kind(d, node);
    if (list && is_list_of_scalars(d, node)) {
        p->text = joined_list(c, d, node);
        return 0;
    }
    if (kind == YAML_SCALAR || (kind == YAML_NULL && v->def->type == CONF_STRING)) {
        p->text = mem_strdup(c->mem, kind == YAML_SCALAR ? yaml_scalar(d, node) : "");
        return 0;
    }
    static const char *const kinds[] = {"nothing", "a scalar", "a list", "a map"};
    return refuse_value(c, p, v->def, kinds[kind], E_SYNTAX);
}

static int take_document(struct conf *c, const struct yaml_doc *d)
{
    yaml_node root = yaml_doc_root(d);
    if (yaml_kind(d, root) == YAML_NULL) return 0;
    if (yaml_kind(d, root) != YAML_MAP) {
        c->error = mem_printf(c->mem, "%s:1: found no settings, allowed is 'name: value' in each line",
                              c->file_name);
        return E_SYNTAX;
    }
    for (unsigned i = 0; i < yaml_size(d, root); i++) {
        yaml_node key, value;
        yaml_pair(d, root, i, &key, &value);
        int e = take_pair(c, d, key, value);
        if (e < 0) return e;
    }
    return 0;
}

int conf_take_yaml(struct conf *c, const char *name, struct span text)
{
    c->file_name = mem_strdup(c->mem, name);
    struct yaml_doc *d = NULL;
    int e = yaml_doc_parse(c->mem, name, text, &d, &c->error);
    if (e < 0) return e;
    e = take_document(c, d);
    yaml_doc_free(&d);
    return e;
}

static int take_file(struct conf *c)
{
    const struct conf_value *v = conf_find(c, "config");
    if (v == NULL) return 0;
    const char *path = v->places[CONF_IN_FLAG].text;
    if (path == NULL) path = v->places[CONF_IN_ENVIRONMENT].text;
    if (path == NULL) path = v->def->def;
    if (path == NULL || path[0] == 0) return 0;
    FILE *f = fopen(path, "re");
    char *text = mem_alloc(c->mem, CONF_FILE_MAX_BYTES + 1);
    size_t n = f != NULL ? fread(text, 1, CONF_FILE_MAX_BYTES + 1, f) : 0;
    int e = 0;
    if (f == NULL || ferror(f)) {
        c->error = mem_printf(c->mem, "config: cannot read the file '%s'", path);
        e = E_NOT_FOUND;
    }
    if (f != NULL) (void)fclose(f); /* only read */
    if (e == 0) e = conf_take_yaml(c, path, span_of(text, n));
    mem_free(c->mem, text);
    return e;
}

int conf_settle(struct conf *c)
{
    int e = take_file(c);
    for (unsigned i = 0; i < c->n_values && e == 0; i++) e = settle(c, &c->values[i]);
    return e;
}
