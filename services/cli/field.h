/* SPDX-License-Identifier: Apache-2.0 */
/* A message from words of a command line, by its descriptor: "finding=founded",
 * "words.text=...", "lines.amount=TWD 300.50". Again: a further one of a list. */
#ifndef KESU_CLI_FIELD_H
#define KESU_CLI_FIELD_H

#include "cli.h"

/* Is the word a field of the message with its value? */
bool cli_field_is(const ProtobufCMessageDescriptor *d, const char *word);
/* 0, or an exit status after saying which field and what is allowed. */
int cli_field_set(struct cli *c, ProtobufCMessage *m, const char *word);
/* Where a path leads: a field, perhaps of an inner message. NULL: nowhere. */
const ProtobufCFieldDescriptor *cli_field_find(const ProtobufCMessageDescriptor *d, const char *path);
bool cli_field_given(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f);
/* How a value of the field is written, for help: "TEXT", "founded|partly|not_founded". */
const char *cli_field_form(struct cli *c, const ProtobufCFieldDescriptor *f);
/* Is it a moment, in microseconds? */
bool cli_field_is_time(const ProtobufCFieldDescriptor *f);

/* field_value.c: one value into ret, which is as large as the field's type; path is for what is said. */
int cli_field_value(struct cli *c, const char *path, const ProtobufCFieldDescriptor *f, const char *text,
                    void *ret);
/* A number of a case or a plain id. */
int cli_field_id(struct cli *c, const char *path, const char *text, uint64_t *ret);

#endif
