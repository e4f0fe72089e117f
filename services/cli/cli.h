/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: what its subcommands share.
 *
 * table.c says everything of each subcommand; help, completion and manual
 * pages come from it. A subcommand is a function in a file of its name; it
 * returns the exit status. */
#ifndef KESU_CLI_H
#define KESU_CLI_H

#include "codec.h"
#include "env.h"
#include "place.h"

enum cli_exit {
    CLI_OK = 0,
    CLI_NO = 1,
    CLI_USAGE = 64,
    CLI_DATA = 65,
    CLI_NO_INPUT = 66,
    CLI_UNAVAILABLE = 69,
    CLI_INTERNAL = 70,
    CLI_CANNOT_CREATE = 73,
    CLI_TEMPORARY = 75,
};

struct cli_exit_row {
    int status;
    const char *meaning;
};
extern const struct cli_exit_row cli_exits[]; /* ends with meaning NULL */

struct cli;

struct cli_flag {
    const char *name;  /* without --; NULL ends a list */
    const char *value; /* how its value is called; NULL: a switch */
    const char *def;   /* NULL: none */
    const char *help;
};

struct cli_command {
    const char *name;      /* "submit", "policy check"; NULL ends the table */
    const char *arguments; /* "NUMBER TEXT", "" */
    unsigned min_args, max_args;
    const char *summary; /* one line */
    const char *about;   /* paragraphs, separated by an empty line */
    const struct cli_flag *flags;
    int (*run)(struct cli *c);
};
extern const struct cli_command cli_commands[];
extern const struct cli_flag cli_common_flags[];

#define CLI_MAX_GIVEN 256

struct cli_given {
    const char *name, *value;
};

struct cli {
    const struct cli_command *command;
    struct env_real *real;                                        /* made by cli_env */
    struct arena arena;                                           /* for the whole run */
    const char *run_dir, *data_dir, *peer, *peer_keys, *key_pair; /* the last three NULL: not given */
    bool json;
    int64_t timeout_us;
    struct cli_given given[CLI_MAX_GIVEN];
    unsigned n_given;
    const char *args[CLI_MAX_GIVEN];
    unsigned n_args;
};

int cli_main(int argc, char **argv);

/* args.c: 0 or an exit status after saying what is wrong. */
int cli_parse(struct cli *c, int argc, char **argv);
const char *cli_flag(const struct cli *c, const char *name); /* given, or its default, or NULL */
bool cli_switch(const struct cli *c, const char *name);
const char *cli_flag_next(const struct cli *c, const char *name, unsigned *place); /* of one given often */
int cli_flag_int(struct cli *c, const char *name, int64_t min, int64_t max, int64_t *ret);
int cli_flag_duration(struct cli *c, const char *name, int64_t *ret_us);
/* Of an enum, by its short name; not given: 0. */
int cli_flag_enum(struct cli *c, const char *name, const ProtobufCEnumDescriptor *d, int *ret);

/* help.c */
void cli_help_all(void);
void cli_help_command(struct cli *c, const struct cli_command *k); /* of act: that of its first argument */

/* cli.c */
struct env *cli_env(struct cli *c);
/* Says "kesu COMMAND: ..." on standard error; returns status. */
int cli_fail(const struct cli *c, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Of a daemon's socket, in the arena: E_UNSUPPORTED not over TCP, E_RANGE. cli_place says so and ends. */
int cli_find_place(struct cli *c, const char *name, struct place *ret);
struct place cli_place(struct cli *c, const char *name);
void *cli_new(struct cli *c, const ProtobufCMessageDescriptor *d); /* empty message in the arena */

/* ask.c: one request, one answer. 0 or an exit status after saying why. */
int cli_ask(struct cli *c, const char *name, Kesu__V1__ControlRequest *request, struct arena *arena,
            Kesu__V1__ControlReply **ret);
/* The same, but says nothing and gives the error. */
int cli_try(struct cli *c, const char *name, Kesu__V1__ControlRequest *request, int64_t timeout_us,
            struct arena *arena, Kesu__V1__ControlReply **ret);
int cli_info(struct cli *c, const char *daemon, Kesu__V1__Info **ret);
/* Of a number (2611-000042) or a case id; not NULL state. Nobody's reading: of a sensitive case little is
 * told. */
int cli_case(struct cli *c, const char *text, Kesu__V1__CaseDetail **ret);
/* Read by who --as says: of a sensitive case that is recorded. */
int cli_case_read(struct cli *c, const char *text, bool personal, Kesu__V1__CaseDetail **ret);

/* command_send.c: id and actor are set when missing; the accepted reply. */
int cli_send(struct cli *c, const char *lane, Kesu__V1__Command *command, Kesu__V1__Reply **ret);
void cli_command_prepare(struct cli *c, Kesu__V1__Command *command);
/* Says why; returns the exit status of the disposition. */
int cli_refused(const struct cli *c, const Kesu__V1__Refused *r);

/* words.c: texts for people, each into ret. */
#define CLI_TEXT 64
const char *cli_time(int64_t us, char ret[CLI_TEXT]);     /* local time */
const char *cli_duration(int64_t us, char ret[CLI_TEXT]); /* 1 d 2 h, 350 ms */
const char *cli_word(const ProtobufCEnumDescriptor *d, int value, char ret[CLI_TEXT]);
const char *cli_hex(ProtobufCBinaryData b, char *ret, size_t n);
const char *cli_or(const char *text, const char *otherwise); /* otherwise when empty */
void cli_print_json(struct cli *c, const void *message);     /* one line on standard output */

/* story.c: one event in words, with its body's own line(s), to standard output.
 * case_id: 0 where the reader knows of which case it is. */
void cli_story_event(const Kesu__V1__Event *e, uint64_t seq, int64_t time_us, uint64_t case_id,
                     const char *indent);
const char *cli_event_name(unsigned type); /* "case_opened", NULL when unknown */
/* What the event seals, opened. */
void cli_story_opened(struct cli *c, const Kesu__V1__Event *e, struct span plain, const char *indent);

/* policies.c: what is in force, NULL when nothing is. 0 or an exit status after saying why. */
int cli_policy_in_force(struct cli *c, const Kesu__V1__Policy **ret);

/* Files to be read whole: "-" is standard input. In the arena, at most max bytes. */
int cli_read_file(struct cli *c, const char *path, size_t max, struct span *ret);

/* The subcommands. */
int cli_act(struct cli *c);
int cli_act_alias(struct cli *c);
int cli_backup(struct cli *c);
int cli_batch(struct cli *c);
int cli_clock_accept(struct cli *c);
int cli_clocks(struct cli *c);
int cli_completion(struct cli *c);
int cli_customer_erase(struct cli *c);
int cli_customer_list(struct cli *c);
int cli_customer_show(struct cli *c);
int cli_customer_suggestions(struct cli *c);
int cli_deadletters_list(struct cli *c);
int cli_deadletters_resend(struct cli *c);
int cli_demo(struct cli *c);
int cli_eightd_export(struct cli *c);
int cli_eightd_list(struct cli *c);
int cli_eightd_show(struct cli *c);
int cli_fold_list(struct cli *c);
int cli_fold_rebuild(struct cli *c);
int cli_fold_skip(struct cli *c);
int cli_fold_verify(struct cli *c);
int cli_handover_list(struct cli *c);
int cli_health(struct cli *c);
int cli_help(struct cli *c);
int cli_history(struct cli *c);
int cli_incident_list(struct cli *c);
int cli_incident_show(struct cli *c);
int cli_journal_export(struct cli *c);
int cli_journal_info(struct cli *c);
int cli_journal_verify(struct cli *c);
int cli_keys_add(struct cli *c);
int cli_keys_list(struct cli *c);
int cli_keys_new(struct cli *c);
int cli_keys_next(struct cli *c);
int cli_keys_remove(struct cli *c);
int cli_keys_roles(struct cli *c);
int cli_stages(struct cli *c);
int cli_keys_rotate(struct cli *c);
int cli_keys_show(struct cli *c);
int cli_keys_switch(struct cli *c);
int cli_list(struct cli *c);
int cli_manual(struct cli *c);
int cli_presence(struct cli *c); /* of act */
int cli_policy_apply(struct cli *c);
int cli_policy_check(struct cli *c);
int cli_policy_keys(struct cli *c);
int cli_policy_diff(struct cli *c);
int cli_restore(struct cli *c);
int cli_show(struct cli *c);
int cli_stats(struct cli *c);
int cli_submit(struct cli *c);
int cli_tail(struct cli *c);
int cli_top(struct cli *c);
int cli_up(struct cli *c);
int cli_workers(struct cli *c);

#endif
