// SPDX-License-Identifier: Apache-2.0
// Arguments: flags anywhere, --flag VALUE or --flag=VALUE, -- ends them. The
// subcommand is the first one or two words; the table says which flags it has.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "cli.h"
#include "clock.h"
#include "conf.h"
#include "keypair.h"

static const struct cli_command *find_command(const char *first, const char *second, bool *ret_two)
{
    for (const struct cli_command *k = cli_commands; k->name != NULL; k++) {
        const char *space = strchr(k->name, ' ');
        size_t n = space != NULL ? (size_t)(space - k->name) : strlen(k->name);
        if (strlen(first) != n || strncmp(first, k->name, n) != 0) continue;
        if (space == NULL || (second != NULL && strcmp(second, space + 1) == 0)) {
            *ret_two = space != NULL;
            return k;
        }
    }
    return NULL;
}

static const struct cli_flag *find_in(const struct cli_flag *flags, const char *name, size_t n)
{
    for (const struct cli_flag *f = flags; f != NULL && f->name != NULL; f++)
        if (strlen(f->name) == n && strncmp(f->name, name, n) == 0) return f;
    return NULL;
}

static const struct cli_flag *find_flag(const struct cli *c, const char *name, size_t n)
{
    const struct cli_flag *f = c->command != NULL ? find_in(c->command->flags, name, n) : NULL;
    return f != NULL ? f : find_in(cli_common_flags, name, n);
}

// Is this word, a flag of any subcommand, followed by a value? Needed to find
// the subcommand behind common flags.
static bool takes_value(const char *word)
{
    const struct cli_flag *f = find_in(cli_common_flags, word + 2, strlen(word + 2));
    return f != NULL && f->value != NULL;
}

// The places of the subcommand's words in argv, 0 when there are none.
static void find_words(int argc, char **argv, int ret[2])
{
    int n = 0;
    ret[0] = ret[1] = 0;
    for (int i = 1; i < argc && n < 2; i++) {
        if (strcmp(argv[i], "--") == 0) break;
        if (argv[i][0] == '-' && argv[i][1] != '\0') {
            if (argv[i][1] == '-' && takes_value(argv[i])) i++;
            continue;
        }
        ret[n++] = i;
    }
}

static int unknown_command(const char *word, const char *second)
{
    size_t n = strlen(word);
    bool family = false;
    for (const struct cli_command *k = cli_commands; k->name != NULL; k++)
        if (strncmp(k->name, word, n) == 0 && k->name[n] == ' ') {
            if (!family)
                fprintf(stderr, "kesu %s: %s%s; there are:", word, second != NULL ? "no " : "which one?",
                        second != NULL ? second : "");
            fprintf(stderr, " '%s'", k->name);
            family = true;
        }
    if (family)
        fputc('\n', stderr);
    else
        fprintf(stderr, "kesu: no subcommand '%s'; 'kesu help' lists them\n", word);
    return CLI_USAGE;
}

static int take_flag(struct cli *c, int argc, char **argv, int *i)
{
    const char *name = argv[*i] + 2, *equals = strchr(name, '=');
    size_t n = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const struct cli_flag *f = find_flag(c, name, n);
    if (f == NULL) return cli_fail(c, CLI_USAGE, "no flag --%.*s; see --help", (int)n, name);
    const char *value = "";
    if (f->value == NULL && equals != NULL) return cli_fail(c, CLI_USAGE, "--%s takes no value", f->name);
    if (f->value != NULL) {
        if (equals == NULL && *i + 1 >= argc)
            return cli_fail(c, CLI_USAGE, "--%s needs %s", f->name, f->value);
        value = equals != NULL ? equals + 1 : argv[++*i];
    }
    if (c->n_given == CLI_MAX_GIVEN) return cli_fail(c, CLI_USAGE, "too many flags");
    c->given[c->n_given++] = (struct cli_given){f->name, value};
    return 0;
}

// A public key may begin with two dashes.
static bool is_key(const struct cli *c, const char *word)
{
    uint8_t bytes[KEY_BYTES];
    const char *name = word + 2;
    return find_flag(c, name, strcspn(name, "=")) == NULL && keypair_decode(span_str(word), bytes);
}

static int take_all(struct cli *c, int argc, char **argv, const int words[2])
{
    bool flags = true;
    for (int i = 1; i < argc; i++) {
        if (i == words[0] || i == words[1]) continue;
        if (flags && strcmp(argv[i], "--") == 0) {
            flags = false;
        } else if (flags && strcmp(argv[i], "-h") == 0) {
            c->given[c->n_given++] = (struct cli_given){"help", ""};
        } else if (flags && strncmp(argv[i], "--", 2) == 0 && !is_key(c, argv[i])) {
            int status = take_flag(c, argc, argv, &i);
            if (status != 0) return status;
        } else {
            if (c->n_args == CLI_MAX_GIVEN) return cli_fail(c, CLI_USAGE, "too many arguments");
            c->args[c->n_args++] = argv[i];
        }
    }
    return 0;
}

static const char *setting(const struct cli *c, const char *flag, const char *variable)
{
    const char *given = cli_flag(c, flag);
    if (given != NULL) return given;
    given = getenv(variable);
    return given != NULL && given[0] != '\0' ? given : NULL;
}

static int take_common(struct cli *c)
{
    c->data_dir = setting(c, "data-dir", "KESU_DATA_DIR");
    if (c->data_dir == NULL) c->data_dir = "./kesu-data";
    c->run_dir = setting(c, "run-dir", "KESU_RUN_DIR");
    if (c->run_dir == NULL) c->run_dir = arena_printf(&c->arena, "%s/run", c->data_dir);
    c->peer = setting(c, "peer", "KESU_PEER");
    c->peer_keys = setting(c, "peer-keys", "KESU_PEER_KEYS");
    c->key_pair = setting(c, "key-pair", "KESU_KEY_PAIR");
    c->json = cli_switch(c, "json");
    return cli_flag_duration(c, "timeout", &c->timeout_us);
}

int cli_parse(struct cli *c, int argc, char **argv)
{
    int words[2];
    bool two = false;
    find_words(argc, argv, words);
    if (words[0] != 0) {
        const char *second = words[1] != 0 ? argv[words[1]] : NULL;
        c->command = find_command(argv[words[0]], second, &two);
        if (c->command == NULL) return unknown_command(argv[words[0]], second);
        if (!two) words[1] = 0;
    }
    int status = take_all(c, argc, argv, words);
    if (status != 0) return status;
    if (cli_switch(c, "version")) {
        puts("kesu " KESU_VERSION);
        c->command = NULL;
        return 0;
    }
    if (cli_switch(c, "help")) {
        if (c->command != NULL)
            cli_help_command(c, c->command);
        else
            cli_help_all();
        c->command = NULL;
        return 0;
    }
    if (c->command == NULL) {
        cli_help_all();
        return CLI_USAGE;
    }
    if (c->n_args < c->command->min_args || c->n_args > c->command->max_args)
        return cli_fail(c, CLI_USAGE, "%s; it takes: kesu %s %s",
                        c->n_args < c->command->min_args ? "something is missing" : "too many arguments",
                        c->command->name,
                        c->command->arguments[0] != '\0' ? c->command->arguments : "and nothing more");
    return take_common(c);
}

static const char *given_value(const struct cli *c, const char *name)
{
    for (unsigned i = c->n_given; i > 0; i--)
        if (strcmp(c->given[i - 1].name, name) == 0) return c->given[i - 1].value;
    return NULL;
}

const char *cli_flag(const struct cli *c, const char *name)
{
    const char *value = given_value(c, name);
    if (value != NULL) return value;
    const struct cli_flag *f = find_flag(c, name, strlen(name));
    CHECK(f != NULL);
    return f->def;
}

bool cli_switch(const struct cli *c, const char *name)
{
    return given_value(c, name) != NULL;
}

const char *cli_flag_next(const struct cli *c, const char *name, unsigned *place)
{
    while (*place < c->n_given) {
        const struct cli_given *g = &c->given[(*place)++];
        if (strcmp(g->name, name) == 0) return g->value;
    }
    return NULL;
}

int cli_flag_int(struct cli *c, const char *name, int64_t min, int64_t max, int64_t *ret)
{
    const char *value = cli_flag(c, name);
    if (value == NULL) return 0;
    if (conf_parse_int(value, min, max, ret) == 0) return 0;
    return cli_fail(c, CLI_USAGE, "--%s: found '%s', allowed is a number from %lld to %lld", name, value,
                    (long long)min, (long long)max);
}

int cli_flag_duration(struct cli *c, const char *name, int64_t *ret_us)
{
    const char *value = cli_flag(c, name);
    if (value == NULL) return 0;
    if (conf_parse_duration(value, ret_us) == 0) return 0;
    return cli_fail(c, CLI_USAGE, "--%s: found '%s', allowed is a time like 500ms, 5s, 10m, 24h", name,
                    value);
}

int cli_flag_enum(struct cli *c, const char *name, const ProtobufCEnumDescriptor *d, int *ret)
{
    const char *value = cli_flag(c, name);
    *ret = 0;
    if (value == NULL) return 0;
    if (codec_enum_value(d, value, ret) == 0 && *ret != 0) return 0;
    char allowed[512] = "", word[CLI_TEXT];
    size_t n = 0;
    for (unsigned i = 0; i < d->n_values; i++) {
        if (d->values[i].value == 0) continue;
        int more = snprintf(allowed + n, sizeof allowed - n, "%s%s", n > 0 ? ", " : "",
                            cli_word(d, d->values[i].value, word));
        if (more > 0 && n + (size_t)more < sizeof allowed) n += (size_t)more;
    }
    return cli_fail(c, CLI_USAGE, "--%s: found '%s', allowed are %s", name, value, allowed);
}
