/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf in and out: bounded, and checked after every unpack.
 *
 * codec_unpack refuses what protobuf-c lets pass: strings with NUL or that are
 * not UTF-8, enum values this version does not know, lists over their limit,
 * messages whose memory would grow past the arena. Limits of a field stand in
 * limits.c, one row each, the same numbers as in the .proto comments. */
#ifndef KESU_CODEC_H
#define KESU_CODEC_H

#include <protobuf-c/protobuf-c.h>

#include "kesu/v1/command.pb-c.h"
#include "kesu/v1/event.pb-c.h"
#include "kesu/v1/feed.pb-c.h"
#include "kesu/v1/life.pb-c.h"
#include "kesu/v1/policy.pb-c.h"
#include "kesu/v1/query.pb-c.h"
#include "kesu/v1/task.pb-c.h"
#include "kesu/v1/types.pb-c.h"
#include "mem.h"

/* Where and why a message was refused. */
struct codec_error {
    int code;        /* E_MALFORMED E_TOO_BIG E_UTF8 E_ENUM E_NOMEM */
    char field[256]; /* dotted path with [index], from the message's own root; "" for the whole */
    char reason[160];
};

/* The message lives in the arena; nothing else is to be freed. 0 or error->code. */
int codec_unpack(const ProtobufCMessageDescriptor *d, struct span bytes, struct arena *arena,
                 void *ret_message, struct codec_error *ret_error);

/* Of bytes we encoded ourselves and kept (rows, the journal): unpacked, not
 * checked again. E_MALFORMED, E_NOMEM. Never for what comes from outside. */
int codec_unpack_own(const ProtobufCMessageDescriptor *d, struct span bytes, struct arena *arena,
                     void *ret_message);

/* Parts of events that are large, and read by few. */
enum codec_detail {
    CODEC_EVIDENCE = 1, /* of a judgement: only read by whoever explains it */
    CODEC_CLOCKS = 2,   /* that an event starts, moves and stops */
    CODEC_BODIES = 4,   /* of events, but of those that a clock has fired */
};

/* The same, for a fold: without these (enum codec_detail). */
int codec_unpack_brief(const ProtobufCMessageDescriptor *d, struct span bytes, unsigned without,
                       struct arena *arena, void *ret_message);

/* As codec_unpack, but one bad command does not refuse the batch: of a
 * CommandBatch, ret_errors (n_commands long, from the arena) has code 0 or the
 * refusal of each. Returns an error only when the batch itself is unreadable. */
int codec_unpack_commands(struct span bytes, struct arena *arena, Kesu__V1__CommandBatch **ret,
                          struct codec_error **ret_errors, struct codec_error *ret_error);

/* Encoded size, and into a buffer of the arena or a new buf. Never fail but for
 * the arena's limit (SPAN_NONE). */
size_t codec_size(const void *message);
struct span codec_pack(const void *message, struct arena *arena);
struct buf *codec_pack_buf(const void *message);

/* A message of which one repeated field is written element by element, so that
 * none has to live longer than its turn. Starts empty ({0} is one). */
struct codec_pile {
    uint8_t *bytes;
    size_t n, room;
};

void codec_pile_start(struct codec_pile *p, struct mem *mem, const void *message);
/* tag: of the repeated field, below 16. False, and nothing added: it is larger than `most` bytes. */
bool codec_pile_add(struct codec_pile *p, struct mem *mem, unsigned tag, const void *element, size_t most);
void codec_pile_free(struct codec_pile *p, struct mem *mem);

/* Text rules on their own: UTF-8 without NUL, shortest form, no surrogates. */
bool codec_is_utf8(struct span text);
/* Bytes of the longest valid prefix of at most max bytes (never splits a character). */
size_t codec_utf8_prefix(struct span text, size_t max);

/* Name of an enum value without its prefix, in lower case (CHANNEL_ON_SITE is
 * "on_site"), and back; NULL, E_ENUM when unknown. */
const char *codec_enum_name(const ProtobufCEnumDescriptor *d, int value, char *ret, size_t n);
int codec_enum_value(const ProtobufCEnumDescriptor *d, const char *name, int *ret);

#endif
