// SPDX-License-Identifier: Apache-2.0
// kesu act: find the command, fill its body, send it.
#include "act.h"

#include <inttypes.h>
#include <stdio.h>

#include "check.h"
#include "due.h"
#include "err.h"
#include "field.h"
#include "json.h"

enum { MAX_JSON = 1 << 20, MAX_NAME = 64 };

// Commands of services, and those that have a subcommand of their own.
static const unsigned not_for_people[] = {
    KESU__V1__COMMAND__BODY_RECEIVE_MESSAGE, KESU__V1__COMMAND__BODY_FIRE_CLOCK,
    KESU__V1__COMMAND__BODY_RECORD_DELIVERY, KESU__V1__COMMAND__BODY_STORE_POLICY_PART,
    KESU__V1__COMMAND__BODY_ACTIVATE_POLICY, KESU__V1__COMMAND__BODY_SKIP_EVENT,
    KESU__V1__COMMAND__BODY_ACCEPT_CLOCK,    KESU__V1__COMMAND__BODY_ERASE_CUSTOMER,
    KESU__V1__COMMAND__BODY_SHARE_ANSWER,    KESU__V1__COMMAND__BODY_REPLACE_LEAVERS,
};

// Shorter names, and which field needs no name.
static const struct {
    const char *name;
    unsigned command;
    const char *plain;
} short_forms[] = {
    {"start", KESU__V1__COMMAND__BODY_START_WORK, NULL},
    {"note", KESU__V1__COMMAND__BODY_ADD_NOTE, "text"},
    {"resolve", KESU__V1__COMMAND__BODY_RESOLVE_CASE, "summary"},
    {"close", KESU__V1__COMMAND__BODY_CLOSE_CASE, "cause"},
    {"assign", KESU__V1__COMMAND__BODY_ASSIGN_CASE, "agent"},
    {"claim", KESU__V1__COMMAND__BODY_CLAIM_CASE, NULL},
    {"reply", KESU__V1__COMMAND__BODY_REPLY_TO_CUSTOMER, "words"},
};
#define N_SHORT (sizeof short_forms / sizeof short_forms[0])

static bool for_people(const ProtobufCFieldDescriptor *f)
{
    for (unsigned i = 0; i < sizeof not_for_people / sizeof not_for_people[0]; i++)
        if (not_for_people[i] == f->id) return false;
    return f->type == PROTOBUF_C_TYPE_MESSAGE && (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

// The first id of the body is what the command is about.
static const ProtobufCFieldDescriptor *target_of(const ProtobufCMessageDescriptor *d)
{
    const ProtobufCFieldDescriptor *f = d->n_fields > 0 ? &d->fields[0] : NULL;
    for (unsigned i = 1; i < d->n_fields; i++)
        if (d->fields[i].id < f->id) f = &d->fields[i];
    return f != NULL && f->type == PROTOBUF_C_TYPE_UINT64 && f->label != PROTOBUF_C_LABEL_REPEATED ? f : NULL;
}

static void set_act(struct cli_act *a, const ProtobufCFieldDescriptor *f)
{
    *a = (struct cli_act){.command = f, .body = f->descriptor, .target = target_of(f->descriptor)};
    for (unsigned i = 0; i < N_SHORT; i++)
        if (short_forms[i].command == f->id) a->plain = short_forms[i].plain;
}

bool cli_act_find(const char *name, struct cli_act *ret)
{
    char wanted[MAX_NAME];
    size_t n = strlen(name);
    const ProtobufCFieldDescriptor *f = NULL;
    if (n >= sizeof wanted) return false;
    for (size_t i = 0; i <= n; i++) wanted[i] = name[i] == '-' ? '_' : name[i];
    for (unsigned i = 0; i < N_SHORT; i++)
        if (strcmp(short_forms[i].name, name) == 0)
            f = protobuf_c_message_descriptor_get_field(&kesu__v1__command__descriptor,
                                                        short_forms[i].command);
    if (f == NULL)
        f = protobuf_c_message_descriptor_get_field_by_name(&kesu__v1__command__descriptor, wanted);
    if (f == NULL || !for_people(f)) return false;
    set_act(ret, f);
    return true;
}

const char *cli_act_dashed(struct cli *c, const char *name)
{
    char *dashed = arena_strdup(&c->arena, name);
    for (char *p = dashed; *p != '\0'; p++)
        if (*p == '_') *p = '-';
    return dashed;
}

const char *cli_act_name(struct cli *c, unsigned i)
{
    const ProtobufCMessageDescriptor *d = &kesu__v1__command__descriptor;
    for (unsigned k = 0; k < d->n_fields; k++)
        if (for_people(&d->fields[k]) && i-- == 0) return cli_act_dashed(c, d->fields[k].name);
    return NULL;
}

const struct life_row *cli_act_row(const struct cli_act *a, Kesu__V1__Stage stage, unsigned *i)
{
    for (const struct life_row *row; (row = life_row(*i)) != NULL;) {
        ++*i;
        if (row->command == a->command->id && row->tie != TIE_FOLLOWS && (row->from >> stage & 1) != 0)
            return row;
    }
    return NULL;
}

// A message with a list "set" of what is changed: named from what was given, unless it was.
static void name_changes(struct cli *c, const struct cli_act *a, const char *const *words, unsigned n,
                         ProtobufCMessage *body)
{
    const ProtobufCFieldDescriptor *set = protobuf_c_message_descriptor_get_field_by_name(a->body, "set");
    if (set == NULL || cli_field_given(body, set)) return;
    char **names = arena_alloc(&c->arena, (n + 1) * sizeof *names);
    size_t n_names = 0;
    CHECK(names != NULL);
    for (unsigned i = 0; i < n; i++) {
        const char *at = words[i];
        if (strncmp(at, "fields.", 7) == 0 || strncmp(at, "personal.", 9) == 0) at = strchr(at, '.') + 1;
        char *name = arena_printf(&c->arena, "%.*s", (int)strcspn(at, ".="), at);
        bool known = strcmp(name, "reason") == 0;
        for (size_t k = 0; k < n_names; k++) known = known || strcmp(names[k], name) == 0;
        if (!known) names[n_names++] = name;
    }
    *(size_t *)(void *)((uint8_t *)body + set->quantifier_offset) = n_names;
    *(char ***)(void *)((uint8_t *)body + set->offset) = names;
}

int cli_act_body(struct cli *c, const struct cli_act *a, const char *const *words, unsigned n,
                 ProtobufCMessage **ret)
{
    const char *from = cli_switch(c, "from") ? cli_flag(c, "from") : NULL;
    ProtobufCMessage *body = NULL;
    if (from != NULL) {
        struct span text;
        struct codec_error e;
        int status = cli_read_file(c, from, MAX_JSON, &text);
        if (status != 0) return status;
        if (json_to_message(a->body, text, &c->arena, &body, &e) != 0)
            return cli_fail(c, CLI_DATA, "%s: %s%s%s: %s", from, err_name(e.code),
                            e.field[0] != '\0' ? " at " : "", e.field, e.reason);
    } else {
        body = cli_new(c, a->body);
    }
    static const char *const flags[] = {"reason", "lesson"};
    for (unsigned i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (!cli_switch(c, flags[i])) continue;
        int status =
            cli_field_set(c, body, arena_printf(&c->arena, "%s=%s", flags[i], cli_flag(c, flags[i])));
        if (status != 0) return status;
    }
    for (unsigned i = 0; i < n; i++) {
        const char *word = words[i];
        if (a->plain != NULL && !cli_field_is(a->body, word))
            word = arena_printf(&c->arena, "%s=%s", a->plain, word);
        int status = cli_field_set(c, body, word);
        if (status != 0) return status;
    }
    name_changes(c, a, words, n, body);
    *ret = body;
    return 0;
}

void cli_act_aim(const struct cli_act *a, ProtobufCMessage *body, uint64_t id)
{
    *(uint64_t *)(void *)((uint8_t *)body + a->target->offset) = id;
}

static int staff_name(struct cli *c, const char *flag, char **ret)
{
    const char *name = cli_switch(c, flag) ? cli_flag(c, flag) : NULL;
    if (name == NULL) return 0;
    if (strlen(name) > 64) return cli_fail(c, CLI_USAGE, "--%s: longer than 64 bytes", flag);
    *ret = (char *)(uintptr_t)name;
    return 0;
}

int cli_act_command(struct cli *c, const struct cli_act *a, ProtobufCMessage *body, Kesu__V1__Command **ret)
{
    Kesu__V1__Command *k = cli_new(c, &kesu__v1__command__descriptor);
    char *as = NULL, *for_whom = NULL;
    int64_t version = -1;
    int status = staff_name(c, "as", &as);
    if (status == 0) status = staff_name(c, "on-behalf-of", &for_whom);
    if (status == 0 && cli_switch(c, "expected-version"))
        status = cli_flag_int(c, "expected-version", 1, INT64_MAX, &version);
    if (status != 0) return status;
    if (as != NULL) {
        k->actor = cli_new(c, &kesu__v1__actor__descriptor);
        k->actor->kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF;
        k->actor->name = as;
    }
    cli_command_prepare(c, k);
    if (for_whom != NULL) k->actor->on_behalf_of = for_whom;
    if (version >= 0) {
        k->expected_case = KESU__V1__COMMAND__EXPECTED_EXPECTED_VERSION;
        k->expected_version = (uint64_t)version;
    }
    k->body_case = (Kesu__V1__Command__BodyCase)a->command->id;
    *(ProtobufCMessage **)(void *)((uint8_t *)k + a->command->offset) = body;
    *ret = k;
    return 0;
}

int cli_act_send(struct cli *c, const struct cli_act *a, const char *what, Kesu__V1__Command *k)
{
    Kesu__V1__Reply *reply = NULL;
    int status = cli_send(c, "intake-people", k, &reply);
    if (status != 0) return status;
    const Kesu__V1__Accepted *done = reply->accepted;
    if (c->json)
        cli_print_json(c, reply);
    else if (done->seq == 0)
        printf("%s: already so\n", cli_or(done->number, what));
    else if (done->number[0] != '\0')
        printf("%s: done, version %" PRIu64 " (event %" PRIu64 ")\n", done->number, done->version, done->seq);
    else
        printf("%s%s%s: done (event %" PRIu64 ")\n", cli_act_dashed(c, a->command->name),
               what[0] != '\0' ? " " : "", what, done->seq);
    return 0;
}

int cli_act_words(struct cli *c, const struct cli_act *a, const char *const *words, unsigned n)
{
    Kesu__V1__Command *k = NULL;
    ProtobufCMessage *body = NULL;
    const char *what = "";
    uint64_t id = 0;
    int status = 0;
    if (a->target != NULL && n > 0 && !cli_field_is(a->body, words[0])) {
        what = *words++;
        n--;
        Kesu__V1__CaseDetail *d = NULL;
        if (strcmp(a->target->name, "case_id") == 0) {
            status = cli_case(c, what, &d);
            if (status == 0) id = d->state->case_id;
        } else {
            status = cli_field_id(c, a->target->name, what, &id);
        }
    }
    if (status == 0) status = cli_act_body(c, a, words, n, &body);
    if (status == 0 && id != 0) cli_act_aim(a, body, id);
    if (status == 0 && a->target != NULL && strcmp(a->command->name, "open_eightd") != 0 &&
        !cli_field_given(body, a->target))
        status = cli_fail(c, CLI_USAGE, "%s must be given; --help explains %s", a->target->name,
                          cli_act_dashed(c, a->command->name));
    if (status == 0) status = cli_act_command(c, a, body, &k);
    return status == 0 ? cli_act_send(c, a, what, k) : status;
}

// Both "act note 2611-000042" and "act 2611-000042 note" are understood.
int cli_act(struct cli *c)
{
    unsigned yymm;
    uint64_t serial;
    struct cli_act a;
    if (cli_switch(c, "complete")) return cli_act_complete(c);
    if (c->n_args == 0) return cli_fail(c, CLI_USAGE, "which command, or which case? see --help");
    if (strcmp(c->args[0], "presence") == 0) return cli_presence(c);
    bool number = due_parse_number(c->args[0], &yymm, &serial) == 0 ||
                  strspn(c->args[0], "0123456789") == strlen(c->args[0]);
    if (number && c->n_args == 1) return cli_act_possible(c, c->args[0]);
    if (number && cli_act_find(c->args[1], &a)) {
        c->args[1] = c->args[0];
        return cli_act_words(c, &a, c->args + 1, c->n_args - 1);
    }
    if (!cli_act_find(c->args[0], &a))
        return cli_fail(c, CLI_USAGE, "no command '%s'; 'kesu act --help' lists them",
                        c->args[number ? 1 : 0]);
    return cli_act_words(c, &a, c->args + 1, c->n_args - 1);
}

// Subcommands like "incident add": the same by another name.
int cli_act_alias(struct cli *c)
{
    static const struct {
        const char *name, *command;
    } aliases[] = {
        {"customer change", "change_customer"},    {"customer merge", "merge_customers"},
        {"customer unmerge", "unmerge_customers"}, {"customer suggest", "suggest_merge"},
        {"customer dismiss", "dismiss_merge"},     {"incident create", "create_incident"},
        {"incident add", "add_to_incident"},       {"incident remove", "remove_from_incident"},
        {"incident change", "change_incident"},    {"incident hold-lot", "hold_lot"},
        {"incident answer", "answer_incident"},    {"incident close", "close_incident"},
        {"handover open", "open_handover"},        {"handover accept", "accept_handover"},
    };
    struct cli_act a;
    for (unsigned i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (strcmp(aliases[i].name, c->command->name) == 0 && cli_act_find(aliases[i].command, &a))
            return cli_act_words(c, &a, c->args, c->n_args);
    return cli_fail(c, CLI_INTERNAL, "no command of this name");
}
