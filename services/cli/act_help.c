// SPDX-License-Identifier: Apache-2.0
// What may be done, from the table of the life and the messages of the
// protocol: the help of a command, what is possible for a case now, and what a
// shell may complete.
#include <stdio.h>

#include "act.h"
#include "due.h"
#include "field.h"

static const char *stage_word(Kesu__V1__Stage stage, char ret[CLI_TEXT])
{
    return cli_word(&kesu__v1__stage__descriptor, (int)stage, ret);
}

static void print_stages(uint32_t from)
{
    char word[CLI_TEXT];
    bool any = false;
    if (from == (((1u << LIFE_STAGES) - 1) & ~1u)) {
        printf("any stage");
        return;
    }
    for (int s = 1; s < LIFE_STAGES; s++)
        if ((from >> s & 1) != 0) {
            printf("%s%s", any ? ", " : "", stage_word((Kesu__V1__Stage)s, word));
            any = true;
        }
}

static void print_target(const struct life_row *row)
{
    char word[CLI_TEXT];
    if (row->to == LIFE_GOES_BACK)
        printf(" -> back to the stage before");
    else if (row->to != LIFE_STAYS)
        printf(" -> %s", stage_word((Kesu__V1__Stage)row->to, word));
}

static void print_who(const struct life_row *row)
{
    static const char *const ties[] = {"", ", who has the case or stands above", ", who was given the appeal",
                                       ""};
    char word[CLI_TEXT];
    bool any = false;
    for (int role = 1; role <= KESU__V1__STAFF_ROLE__STAFF_ROLE_ADMINISTRATOR; role++)
        if ((row->who >> role & 1) != 0) {
            printf("%s%s", any ? ", " : "", cli_word(&kesu__v1__staff_role__descriptor, role, word));
            any = true;
        }
    static const struct {
        uint32_t bit;
        const char *word;
    } others[] = {{LIFE_CUSTOMER, "customer"}, {LIFE_SERVICE, "service"}, {LIFE_OPERATOR, "operator"}};
    for (unsigned i = 0; i < sizeof others / sizeof others[0]; i++)
        if ((row->who & others[i].bit) != 0) {
            printf("%s%s", any ? ", " : "", others[i].word);
            any = true;
        }
    printf("%s", ties[row->tie]);
}

void cli_act_help(struct cli *c, const struct cli_act *a)
{
    const char *name = cli_act_dashed(c, a->command->name);
    printf("usage: kesu act %s%s%s [FIELD=VALUE ...]\n\nFields:\n", name,
           a->target == NULL                         ? ""
           : strcmp(a->target->name, "case_id") == 0 ? " CASE"
                                                     : " NUMBER",
           a->plain != NULL ? arena_printf(&c->arena, " [%s]", a->plain) : "");
    for (unsigned i = 0; i < a->body->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &a->body->fields[i];
        printf("  %-20s %s%s\n", f->name, cli_field_form(c, f),
               f->label == PROTOBUF_C_LABEL_REPEATED ? ", may be given often" : "");
        if (f->type != PROTOBUF_C_TYPE_MESSAGE || strcmp(cli_field_form(c, f), "JSON") != 0) continue;
        const ProtobufCMessageDescriptor *inner = f->descriptor;
        for (unsigned k = 0; k < inner->n_fields; k++)
            printf("    %s.%-*s %s\n", f->name, (int)(17 - strlen(f->name)), inner->fields[k].name,
                   cli_field_form(c, &inner->fields[k]));
    }
    const struct life_row *row;
    bool head = false;
    for (unsigned i = 0; (row = life_row(i)) != NULL; i++) {
        if (row->command != a->command->id || row->tie == TIE_FOLLOWS) continue;
        if (!head) printf("\nMoves:\n");
        head = true;
        printf("  ");
        print_stages(row->from);
        print_target(row);
        if (row->when[0] != '\0') printf(": %s", row->when);
        if (row->needs[0] != '\0') printf("\n      needs %s", row->needs);
        printf("\n      by ");
        print_who(row);
        putchar('\n');
    }
}

static int detail_of(struct cli *c, const char *number, Kesu__V1__CaseDetail **ret)
{
    return cli_case_read(c, number, false, ret);
}

static void print_possible(struct cli *c, const struct cli_act *a, Kesu__V1__Stage stage)
{
    const struct life_row *row;
    unsigned i = 0;
    for (bool first = true; (row = cli_act_row(a, stage, &i)) != NULL; first = false) {
        printf("  %-22s", first ? cli_act_dashed(c, a->command->name) : "");
        printf(" %-28s %s", row->needs, row->when);
        print_target(row);
        putchar('\n');
    }
    if (i == 0) printf("  %s\n", cli_act_dashed(c, a->command->name));
}

int cli_act_possible(struct cli *c, const char *number)
{
    Kesu__V1__CaseDetail *d = NULL;
    struct cli_act a;
    char word[CLI_TEXT];
    int status = detail_of(c, number, &d);
    if (status != 0) return status;
    if (c->json) {
        for (size_t i = 0; i < d->n_allowed; i++) printf("\"%s\"\n", d->allowed[i]);
        return 0;
    }
    printf("%s is %s%s%s; possible now%s%s:\n", d->state->number, stage_word(d->state->stage, word),
           d->state->agent[0] != '\0' ? ", with " : "", d->state->agent,
           cli_flag(c, "as") != NULL ? " for " : "", cli_or(cli_flag(c, "as"), ""));
    for (size_t i = 0; i < d->n_allowed; i++)
        if (cli_act_find(d->allowed[i], &a)) print_possible(c, &a, d->state->stage);
    if (d->n_allowed == 0) printf("  nothing\n");
    return 0;
}

// "finding" "=" "fo", as a shell splits words, are one again.
static void join_words(struct cli *c)
{
    unsigned n = 0;
    for (unsigned i = 0; i < c->n_args; i++) {
        size_t last = n > 0 ? strlen(c->args[n - 1]) : 0;
        bool goes_on = n > 0 && (c->args[i][0] == '=' || (last > 0 && c->args[n - 1][last - 1] == '='));
        if (goes_on)
            c->args[n - 1] = arena_printf(&c->arena, "%s%s", c->args[n - 1], c->args[i]);
        else
            c->args[n++] = c->args[i];
    }
    c->n_args = n;
}

static void complete_value(struct cli *c, const struct cli_act *a, const char *word)
{
    const ProtobufCFieldDescriptor *f = cli_field_find(a->body, word);
    if (f == NULL || (f->type != PROTOBUF_C_TYPE_ENUM && f->type != PROTOBUF_C_TYPE_BOOL)) return;
    for (const char *at = cli_field_form(c, f); *at != '\0'; at += strspn(at, "|")) {
        size_t n = strcspn(at, "|");
        printf("%.*s\n", (int)n, at);
        at += n;
    }
}

static void complete_field(const struct cli_act *a)
{
    for (unsigned i = 0; i < a->body->n_fields; i++)
        if (&a->body->fields[i] != a->target) printf("%s=\n", a->body->fields[i].name);
}

int cli_act_complete(struct cli *c)
{
    unsigned yymm;
    uint64_t serial;
    struct cli_act a;
    const char *number = NULL, *name;
    bool found = false;
    join_words(c);
    for (unsigned i = 0; i < c->n_args && i < 2; i++) {
        if (due_parse_number(c->args[i], &yymm, &serial) == 0) number = c->args[i];
        if (!found) found = cli_act_find(c->args[i], &a);
    }
    const char *last = c->n_args > 0 ? c->args[c->n_args - 1] : "";
    if (found && strlen(last) > 0 && last[strlen(last) - 1] == '=') {
        complete_value(c, &a, last);
    } else if (found) {
        complete_field(&a);
    } else if (number != NULL) {
        Kesu__V1__CaseDetail *d = NULL;
        if (detail_of(c, number, &d) != 0) return CLI_UNAVAILABLE;
        for (size_t i = 0; i < d->n_allowed; i++) puts(cli_act_dashed(c, d->allowed[i]));
    } else {
        for (unsigned i = 0; (name = cli_act_name(c, i)) != NULL; i++) puts(name);
        puts("presence");
    }
    return 0;
}
