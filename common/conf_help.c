/* SPDX-License-Identifier: Apache-2.0 */
/* What people read about settings, from the tables. */
#include <stdio.h>

#include "conf_table.h"

static char *with_units(struct mem *m, int64_t v, const char *const *names, const int64_t *of, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (v % of[i] == 0 && v != 0) return mem_printf(m, "%lld%s", (long long)(v / of[i]), names[i]);
    return mem_printf(m, "%lld%s", (long long)v, v == 0 ? "" : names[n - 1]);
}

char *conf_duration_text(struct mem *m, int64_t us)
{
    static const char *const names[] = {"d", "h", "m", "s", "ms", "us"};
    static const int64_t of[] = {86400000000, 3600000000, 60000000, 1000000, 1000, 1};
    return with_units(m, us, names, of, 6);
}

char *conf_size_text(struct mem *m, int64_t bytes)
{
    static const char *const names[] = {"TiB", "GiB", "MiB", "KiB", ""};
    static const int64_t of[] = {INT64_C(1) << 40, INT64_C(1) << 30, INT64_C(1) << 20, INT64_C(1) << 10, 1};
    return with_units(m, bytes, names, of, 5);
}

static char *append(struct mem *m, char *text, char *more)
{
    char *both = mem_printf(m, "%s%s", text, more);
    mem_free(m, text);
    mem_free(m, more);
    return both;
}

static const char *value_name(enum conf_type type)
{
    static const char *const names[] = {"TEXT",     "PATH", "N",      "true|false",
                                        "DURATION", "SIZE", "CHOICE", "A,B,..."};
    return names[type];
}

static char *help_line(struct mem *m, const struct conf_def *d)
{
    char flag[80];
    snprintf(flag, sizeof(flag), "--%s%c%s", d->name, d->type == CONF_BOOL ? '=' : ' ', value_name(d->type));
    char *text = mem_printf(m, "  %-30s %s\n", flag, d->help);
    const char *allowed = conf_type_allowed(m, d);
    bool tell =
        d->type == CONF_INT || d->type == CONF_DURATION || d->type == CONF_SIZE || d->type == CONF_CHOICE;
    const char *def = d->def == NULL ? "must be given" : d->def[0] == 0 ? "none" : d->def;
    text = append(m, text,
                  mem_printf(m, "  %-30s %s%s%s%s\n", "", tell ? allowed : "", tell ? "; " : "",
                             d->def == NULL ? "" : "default ", def));
    mem_free(m, (void *)allowed);
    return text;
}

char *conf_help(struct mem *m, const struct conf_def *const *tables, unsigned n, const char *program,
                const char *summary)
{
    char *text = mem_printf(m,
                            "%s: %s\n\nusage: %s [--NAME VALUE]...\n\n"
                            "A setting NAME is taken from the flag --NAME, else from the environment\n"
                            "(KESU_NAME, upper case, _ for -), else from the YAML file of --config\n"
                            "(NAME: VALUE), else it has its default.\n\n",
                            program, summary, program);
    for (unsigned i = 0; i < n; i++)
        for (const struct conf_def *d = tables[i]; d != NULL && d->name != NULL; d++)
            text = append(m, text, help_line(m, d));
    return append(m, text,
                  mem_printf(m, "  %-30s %s\n  %-30s %s\n  %-30s %s\n", "--check-config",
                             "check the settings and exit: 0, or 78 with the reason", "--help", "this text",
                             "--version", "the version"));
}
