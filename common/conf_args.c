/* SPDX-License-Identifier: Apache-2.0 */
/* Settings from the command line and the environment, and asking for them. */
#include <ctype.h>

#include "check.h"
#include "conf_table.h"
#include "err.h"

struct conf_value *conf_find(const struct conf *c, const char *name)
{
    for (unsigned i = 0; i < c->n_values; i++)
        if (strcmp(c->values[i].def->name, name) == 0) return &c->values[i];
    return NULL;
}

char *conf_names(const struct conf *c)
{
    char *text = mem_strdup(c->mem, "");
    for (unsigned i = 0; i < c->n_values; i++) {
        char *more = mem_printf(c->mem, "%s%s%s", text, i > 0 ? ", " : "", c->values[i].def->name);
        mem_free(c->mem, text);
        text = more;
    }
    return text;
}

char *conf_environment_name(struct mem *m, const char *name)
{
    char *text = mem_printf(m, "KESU_%s", name);
    for (char *p = text; *p != 0; p++) *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
    return text;
}

static void say(struct conf *c, struct conf_value *v, enum conf_where where, const char *text)
{
    struct conf_place *p = &v->places[where];
    mem_free(c->mem, p->text);
    *p = (struct conf_place){.where = where, .text = mem_strdup(c->mem, text), .separator = ','};
}

static int refuse_flag(struct conf *c, const char *flag, const char *what, int error)
{
    c->error = mem_printf(c->mem, "command line: found '%.200s', %s", flag, what);
    return error;
}

/* One flag and, where it stands apart, its value; *ret_used counts both. */
static int take_flag(struct conf *c, const char *flag, const char *next, int *ret_used)
{
    static const struct {
        const char *flag;
        enum conf_ask ask;
    } asks[] = {{"--help", CONF_HELP},
                {"-h", CONF_HELP},
                {"--version", CONF_VERSION},
                {"--check-config", CONF_CHECK}};
    *ret_used = 1;
    for (unsigned i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
        if (strcmp(flag, asks[i].flag) != 0) continue;
        if (c->asked == CONF_RUN || asks[i].ask == CONF_HELP) c->asked = asks[i].ask;
        return 0;
    }
    if (strncmp(flag, "--", 2) != 0)
        return refuse_flag(c, flag, "allowed are --NAME VALUE; see --help", E_UNKNOWN);
    const char *equal = strchr(flag, '=');
    size_t n = equal != NULL ? (size_t)(equal - flag) - 2 : strlen(flag) - 2;
    char name[64];
    if (n >= sizeof(name)) return refuse_flag(c, flag, "which is no setting; see --help", E_UNKNOWN);
    memcpy(name, flag + 2, n);
    name[n] = 0;
    struct conf_value *v = conf_find(c, name);
    if (v == NULL) return refuse_flag(c, flag, "which is no setting; see --help", E_UNKNOWN);
    if (equal != NULL) {
        say(c, v, CONF_IN_FLAG, equal + 1);
    } else if (v->def->type == CONF_BOOL) {
        say(c, v, CONF_IN_FLAG, "true");
    } else {
        if (next == NULL) return refuse_flag(c, flag, "which needs a value after it", E_MISSING);
        say(c, v, CONF_IN_FLAG, next);
        *ret_used = 2;
    }
    return 0;
}

static int take_arguments(struct conf *c, int argc, char **argv)
{
    bool flags = true;
    c->arguments = mem_zalloc(c->mem, ((size_t)(argc > 0 ? argc : 0) + 1) * sizeof(char *));
    for (int i = 1; i < argc;) {
        if (flags && strcmp(argv[i], "--") == 0) {
            flags = false;
            i++;
        } else if (flags && argv[i][0] == '-' && argv[i][1] != 0) {
            int used = 1;
            int e = take_flag(c, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &used);
            if (e < 0) return e;
            i += used;
        } else {
            c->arguments[c->n_arguments++] = mem_strdup(c->mem, argv[i++]);
        }
    }
    return 0;
}

static void take_environment(struct conf *c, char **envp)
{
    for (unsigned i = 0; i < c->n_values; i++) {
        struct conf_value *v = &c->values[i];
        char *name = conf_environment_name(c->mem, v->def->name);
        size_t n = strlen(name);
        for (char **p = envp; p != NULL && *p != NULL; p++)
            if (strncmp(*p, name, n) == 0 && (*p)[n] == '=') say(c, v, CONF_IN_ENVIRONMENT, *p + n + 1);
        mem_free(c->mem, name);
    }
}

static void take_tables(struct conf *c, const struct conf_def *const *tables, unsigned n)
{
    unsigned count = 0;
    for (unsigned i = 0; i < n; i++)
        for (const struct conf_def *d = tables[i]; d != NULL && d->name != NULL; d++) count++;
    c->values = mem_zalloc(c->mem, (count + 1) * sizeof(*c->values));
    for (unsigned i = 0; i < n; i++) {
        for (const struct conf_def *d = tables[i]; d != NULL && d->name != NULL; d++) {
            CHECK(conf_find(c, d->name) == NULL); /* two tables with the same name */
            struct conf_value *v = &c->values[c->n_values++];
            v->def = d;
            if (d->def != NULL) say(c, v, CONF_IN_DEFAULT, d->def);
        }
    }
}

int conf_load(struct mem *m, const struct conf_def *const *tables, unsigned n, const char *program, int argc,
              char **argv, char **envp, struct conf **ret, char **ret_error)
{
    struct conf *c = mem_zalloc(m, sizeof(*c));
    c->mem = m;
    take_tables(c, tables, n);
    int e = take_arguments(c, argc, argv);
    /* Whoever asks for help gets it, however wrong the rest is. */
    if (e == 0 && c->asked != CONF_HELP && c->asked != CONF_VERSION) {
        take_environment(c, envp);
        e = conf_settle(c);
    }
    if (e < 0) {
        CHECK(c->error != NULL);
        *ret_error = mem_printf(m, "%s: %s", program, c->error);
        conf_free(&c);
        return e;
    }
    *ret = c;
    return 0;
}

void conf_free(struct conf **p)
{
    struct conf *c = *p;
    if (c == NULL) return;
    *p = NULL;
    for (unsigned i = 0; i < c->n_values; i++) {
        struct conf_value *v = &c->values[i];
        for (unsigned j = 0; j < CONF_N_PLACES; j++) mem_free(c->mem, v->places[j].text);
        for (unsigned j = 0; j < v->n_list; j++) mem_free(c->mem, v->list[j]);
        mem_free(c->mem, v->list);
    }
    for (unsigned i = 0; i < c->n_arguments; i++) mem_free(c->mem, c->arguments[i]);
    mem_free(c->mem, c->arguments);
    mem_free(c->mem, c->values);
    mem_free(c->mem, c->file_name);
    mem_free(c->mem, c->error);
    mem_free(c->mem, c);
}

static const struct conf_value *value_of(const struct conf *c, const char *name)
{
    const struct conf_value *v = conf_find(c, name);
    CHECK(v != NULL);
    return v;
}

const char *conf_string(const struct conf *c, const char *name)
{
    const struct conf_value *v = value_of(c, name);
    CHECK(v->def->type == CONF_STRING || v->def->type == CONF_PATH || v->def->type == CONF_CHOICE);
    return v->text;
}

int64_t conf_int(const struct conf *c, const char *name)
{
    const struct conf_value *v = value_of(c, name);
    CHECK(v->def->type == CONF_INT || v->def->type == CONF_DURATION || v->def->type == CONF_SIZE);
    return v->number;
}

bool conf_bool(const struct conf *c, const char *name)
{
    const struct conf_value *v = value_of(c, name);
    CHECK(v->def->type == CONF_BOOL);
    return v->number != 0;
}

unsigned conf_list(const struct conf *c, const char *name, const char *const **ret)
{
    const struct conf_value *v = value_of(c, name);
    CHECK(v->def->type == CONF_LIST);
    *ret = (const char *const *)v->list;
    return v->n_list;
}

enum conf_ask conf_asked(const struct conf *c)
{
    return c->asked;
}

unsigned conf_arguments(const struct conf *c, const char *const **ret)
{
    *ret = (const char *const *)c->arguments;
    return c->n_arguments;
}
