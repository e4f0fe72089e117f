// SPDX-License-Identifier: Apache-2.0
// --help, the completion for bash and the manual pages, from the tables.
#include <stdio.h>

#include "act.h"

static void print_flag(const struct cli_flag *f)
{
    char left[48], note[64] = "";
    snprintf(left, sizeof left, "--%s%s%s", f->name, f->value != NULL ? " " : "",
             f->value != NULL ? f->value : "");
    if (f->def != NULL) snprintf(note, sizeof note, " (%s)", f->def);
    printf("  %-24s %s%s\n", left, f->help, note);
}

static void print_exits(void)
{
    printf("\nExit status:\n");
    for (const struct cli_exit_row *e = cli_exits; e->meaning != NULL; e++)
        printf("  %-3d %s\n", e->status, e->meaning);
}

void cli_help_all(void)
{
    printf("kesu: the backbone of a complaint office, from the command line.\n\nusage: kesu COMMAND [FLAGS] "
           "[ARGUMENTS]\n\n");
    for (const struct cli_command *k = cli_commands; k->name != NULL; k++)
        printf("  %-20s %s\n", k->name, k->summary);
    printf("\nFlags of all:\n");
    for (const struct cli_flag *f = cli_common_flags; f->name != NULL; f++) print_flag(f);
    print_exits();
}

// Words broken at 78 columns.
static void print_wrapped(const char *text)
{
    size_t column = 0;
    while (*text != '\0') {
        if (*text == '\n') {
            putchar('\n');
            column = 0;
            text++;
            continue;
        }
        size_t n = strcspn(text, " \n");
        if (column > 0 && column + 1 + n > 78) {
            putchar('\n');
            column = 0;
        } else if (column > 0) {
            putchar(' ');
            column++;
        }
        fwrite(text, 1, n, stdout);
        column += n;
        text += n;
        if (*text == ' ') text++;
    }
    putchar('\n');
}

void cli_help_command(struct cli *c, const struct cli_command *k)
{
    struct cli_act a;
    if (k->run == cli_act && c->n_args > 0 && cli_act_find(c->args[c->n_args - 1], &a)) {
        cli_act_help(c, &a);
        return;
    }
    printf("usage: kesu %s%s%s%s\n\n%s.\n", k->name, k->flags != NULL ? " [FLAGS]" : "",
           k->arguments[0] != '\0' ? " " : "", k->arguments, k->summary);
    print_wrapped(k->about);
    const char *name;
    for (unsigned i = 0; k->run == cli_act && (name = cli_act_name(c, i)) != NULL; i++)
        printf("%s%s", i == 0 ? "\nCommands:\n  " : i % 4 == 0 ? "\n  " : ", ", name);
    if (k->run == cli_act) putchar('\n');
    if (k->flags != NULL) {
        printf("\nFlags:\n");
        for (const struct cli_flag *f = k->flags; f->name != NULL; f++) print_flag(f);
    }
    printf("\nFlags of all:\n");
    for (const struct cli_flag *f = cli_common_flags; f->name != NULL; f++) print_flag(f);
    print_exits();
}

static const struct cli_command *command_of_arguments(struct cli *c)
{
    for (const struct cli_command *k = cli_commands; k->name != NULL; k++) {
        const char *space = strchr(k->name, ' ');
        if (space == NULL && (c->n_args == 1 || k->run == cli_act) && strcmp(k->name, c->args[0]) == 0)
            return k;
        if (space != NULL && c->n_args == 2 && strlen(c->args[0]) == (size_t)(space - k->name) &&
            strncmp(k->name, c->args[0], strlen(c->args[0])) == 0 && strcmp(space + 1, c->args[1]) == 0)
            return k;
    }
    return NULL;
}

int cli_help(struct cli *c)
{
    if (c->n_args == 0) {
        for (const struct cli_command *k = cli_commands; c->json && k->name != NULL; k++)
            printf("{\"name\":\"%s\",\"summary\":\"%s\"}\n", k->name, k->summary);
        if (!c->json) cli_help_all();
        return 0;
    }
    const struct cli_command *k = command_of_arguments(c);
    if (k == NULL) return cli_fail(c, CLI_USAGE, "no such subcommand");
    cli_help_command(c, k);
    return 0;
}

static void print_words(const struct cli_flag *flags)
{
    for (const struct cli_flag *f = flags; f != NULL && f->name != NULL; f++) printf(" --%s", f->name);
}

int cli_completion(struct cli *c)
{
    if (strcmp(c->args[0], "bash") != 0)
        return cli_fail(c, CLI_USAGE, "found '%s', allowed is bash", c->args[0]);
    printf(
        "# SPDX-License-Identifier: Apache-2.0\n# bash completion for kesu; made by 'kesu completion bash'.\n"
        "_kesu()\n{\n\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words=() w\n"
        "\tfor w in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do [[ $w == -* ]] || words+=(\"$w\"); done\n"
        "\tcase $before in\n\t--*-dir|--maildir|--incoming) mapfile -t COMPREPLY < <(compgen -d -- "
        "\"$word\"); return ;;\n"
        "\t--from|--lines|--file|--anchor|--allow) mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); return "
        ";;\n\tesac\n"
        "\tif [[ ${words[0]} == act && $word != -* ]]; then\n"
        "\t\tlocal n=$COMP_CWORD; [[ $word != '=' ]] || n=$((n + 1))\n"
        "\t\tmapfile -t COMPREPLY < <(compgen -W \"$(\"${COMP_WORDS[@]:0:n}\" --complete 2>/dev/null)\" "
        "-- \"${word#=}\")\n"
        "\t\t[[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace\n\t\treturn\n\tfi\n"
        "\tlocal common='");
    print_words(cli_common_flags);
    printf("' offer=''\n\tcase \"${words[0]} ${words[1]}\" in\n");
    for (const struct cli_command *k = cli_commands; k->name != NULL; k++) {
        printf("\t'%s%s'*) offer='", k->name, strchr(k->name, ' ') != NULL ? "" : " ");
        print_words(k->flags);
        printf("' ;;\n");
    }
    printf("\tesac\n\tif [[ $word == -* ]]; then offer+=\" $common\"\n\telif [[ ${#words[@]} -eq 0 ]]; then "
           "offer='");
    const char *family = "";
    for (const struct cli_command *k = cli_commands; k->name != NULL; k++) {
        size_t n = strcspn(k->name, " ");
        if (strlen(family) >= n && strncmp(family, k->name, n) == 0 && strcspn(family, " ") == n) continue;
        printf(" %.*s", (int)n, k->name);
        family = k->name;
    }
    printf("'\n\telif [[ ${#words[@]} -eq 1 ]]; then\n\t\tcase ${words[0]} in\n");
    family = "";
    for (const struct cli_command *k = cli_commands; k->name != NULL; k++) {
        const char *space = strchr(k->name, ' ');
        if (space == NULL) continue;
        bool same = strncmp(family, k->name, (size_t)(space - k->name) + 1) == 0;
        if (!same)
            printf("%s\t\t%.*s) offer='", *family != '\0' ? "' ;;\n" : "", (int)(space - k->name), k->name);
        printf("%s%s", same ? " " : "", space + 1);
        family = k->name;
    }
    printf("' ;;\n");
    printf("\t\tesac\n\tfi\n\tmapfile -t COMPREPLY < <(compgen -W \"$offer\" -- \"$word\")\n"
           "\t[[ ${#COMPREPLY[@]} -gt 0 || $word == -* ]] || mapfile -t COMPREPLY < <(compgen -f -- "
           "\"$word\")\n}\n"
           "complete -F _kesu kesu\n");
    return 0;
}

static void roff(const char *s)
{
    bool line_start = true;
    for (; *s != '\0'; s++) {
        if (line_start && (*s == '.' || *s == '\'')) fputs("\\&", stdout);
        if (*s == '-')
            fputs("\\-", stdout);
        else if (*s == '\\')
            fputs("\\e", stdout);
        else if (*s == '\n' && s[1] == '\n') {
            fputs("\n.PP\n", stdout);
            s++;
        } else
            putchar(*s);
        line_start = *s == '\n';
    }
    putchar('\n');
}

static void roff_flags(const struct cli_flag *flags)
{
    for (const struct cli_flag *f = flags; f != NULL && f->name != NULL; f++) {
        printf(".TP\n.B ");
        printf("\\-\\-%s", f->name);
        if (f->value != NULL) printf(" \\fI%s\\fR", f->value);
        putchar('\n');
        roff(f->help);
        if (f->def != NULL) printf(".br\nDefault: %s.\n", f->def);
    }
}

static void roff_exits(void)
{
    printf(".SH EXIT STATUS\n");
    for (const struct cli_exit_row *e = cli_exits; e->meaning != NULL; e++)
        printf(".TP\n.B %d\n%s\n", e->status, e->meaning);
}

static void manual_head(const char *page, const char *summary)
{
    printf(".\\\" SPDX-License-Identifier: Apache-2.0\n.\\\" Made by 'kesu manual' from the table of "
           "subcommands.\n");
    printf(".TH %s 1 \"\" \"Kesu %s\" \"Kesu\"\n.SH NAME\n%s \\- ", page, KESU_VERSION, page);
    roff(summary);
}

static void manual_of_all(void)
{
    manual_head("kesu", "the backbone of a complaint office, from the command line");
    printf(".SH SYNOPSIS\n.B kesu\n.I command\n.RI [ flags ]\n.RI [ arguments ]\n.SH DESCRIPTION\n");
    roff("Starts the daemons of a complaint office, hands in complaints, follows, shows and works on cases, "
         "and operates the "
         "daemons. Each subcommand has a page of its own, kesu-COMMAND(1).");
    printf(".SH COMMANDS\n");
    for (const struct cli_command *k = cli_commands; k->name != NULL; k++) {
        printf(".TP\n.B kesu %s%s%s%s\n", k->name, k->arguments[0] != '\0' ? " \\fI" : "", k->arguments,
               k->arguments[0] != '\0' ? "\\fR" : "");
        roff(k->summary);
    }
    printf(".SH FLAGS OF ALL\n");
    roff_flags(cli_common_flags);
    roff_exits();
}

int cli_manual(struct cli *c)
{
    if (c->n_args == 0) {
        manual_of_all();
        return 0;
    }
    const struct cli_command *k = command_of_arguments(c);
    if (k == NULL) return cli_fail(c, CLI_USAGE, "no such subcommand");
    char page[64];
    snprintf(page, sizeof page, "kesu-%s", k->name);
    for (char *p = page; *p != '\0'; p++)
        if (*p == ' ') *p = '-';
    manual_head(page, k->summary);
    printf(".SH SYNOPSIS\n.B kesu %s\n%s", k->name, k->flags != NULL ? ".RI [ flags ]\n" : "");
    if (k->arguments[0] != '\0') printf(".I %s\n", k->arguments);
    printf(".SH DESCRIPTION\n");
    roff(k->about);
    if (k->flags != NULL) {
        printf(".SH FLAGS\n");
        roff_flags(k->flags);
    }
    printf(".SH FLAGS OF ALL\n");
    roff_flags(cli_common_flags);
    roff_exits();
    printf(".SH SEE ALSO\n.BR kesu (1)\n");
    return 0;
}
