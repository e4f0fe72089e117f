/* SPDX-License-Identifier: Apache-2.0 */
/* What people do to cases, incidents, customers: each a command of the
 * protocol, found by its name, filled from FIELD=VALUE. Nothing here knows one
 * command from another but for the table of short forms. */
#ifndef KESU_CLI_ACT_H
#define KESU_CLI_ACT_H

#include "cli.h"
#include "life.h"

/* A command people give, by its name in the protocol (with dashes too) or its short one. */
struct cli_act {
    const ProtobufCFieldDescriptor *command; /* of kesu.v1.Command */
    const ProtobufCMessageDescriptor *body;
    const ProtobufCFieldDescriptor *target; /* what its first argument names; NULL: nothing */
    const char *plain;                      /* field that a word without "=" is, NULL: none */
};

/* False: people give no such command. */
bool cli_act_find(const char *name, struct cli_act *ret);
/* The i-th of all; NULL: no more. */
const char *cli_act_name(struct cli *c, unsigned i);
/* "review_case" as people type it. */
const char *cli_act_dashed(struct cli *c, const char *name);
/* Its row in this stage, from the i-th on; moves i behind it. NULL: no more. */
const struct life_row *cli_act_row(const struct cli_act *a, Kesu__V1__Stage stage, unsigned *i);

/* Its body from words: FIELD=VALUE, or the plain field. --from is read first. */
int cli_act_body(struct cli *c, const struct cli_act *a, const char *const *words, unsigned n,
                 ProtobufCMessage **ret);
/* The command with its actor (--as, --on-behalf-of) around a body. */
int cli_act_command(struct cli *c, const struct cli_act *a, ProtobufCMessage *body, Kesu__V1__Command **ret);
void cli_act_aim(const struct cli_act *a, ProtobufCMessage *body, uint64_t id);
/* Sends it and says what came of it. */
int cli_act_send(struct cli *c, const struct cli_act *a, const char *what, Kesu__V1__Command *k);
/* All of it: the first word is what the target names, the others the body. */
int cli_act_words(struct cli *c, const struct cli_act *a, const char *const *words, unsigned n);

/* act_help.c */
void cli_act_help(struct cli *c, const struct cli_act *a);
int cli_act_possible(struct cli *c, const char *number);
/* What may come next, a word a line: for a shell. */
int cli_act_complete(struct cli *c);

#endif
