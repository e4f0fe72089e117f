/* SPDX-License-Identifier: Apache-2.0 */
/* Checking and unpacking encoded messages; for codec.c. */
#ifndef KESU_WIRE_H
#define KESU_WIRE_H

#include "codec.h"

/* A key of the wire and its value, as it stands. */
struct wire_field {
    uint32_t tag;
    uint8_t type;      /* 0 varint, 1 fixed64, 2 bytes, 5 fixed32 */
    uint64_t number;   /* of a varint */
    struct span bytes; /* of bytes */
};

/* Takes one field from the front; false when the bytes are not a field. */
bool wire_take(struct span *rest, struct wire_field *ret);

/* Everything codec_unpack promises, on the encoded form. 0 or error->code. */
int wire_check(const ProtobufCMessageDescriptor *d, struct span bytes, struct codec_error *ret_error);

enum wire_trust {
    WIRE_CHECKED, /* all that wire_check promises */
    WIRE_TRUSTED, /* only the form is looked at: it was checked when it was taken */
};

/* The message put into the arena as protobuf-c's unpack would (fields of a newer
 * version are left out, and of what is trusted those of `without`, enum
 * codec_detail). E_NOMEM: the arena is full. */
int wire_unpack(const ProtobufCMessageDescriptor *d, struct span bytes, enum wire_trust trust,
                unsigned without, struct arena *arena, void *ret_message, struct codec_error *ret_error);

/* The limits of the protocol's fields (limits.c): one row each, the numbers of
 * the .proto comments. Documentation is made from them too. */
struct limit {
    const ProtobufCMessageDescriptor *message;
    const char *field;
    uint32_t max_count;            /* of a repeated field; 0 = none of its own */
    uint32_t min_bytes, max_bytes; /* of a text, bytes, or each of them; empty is always
                                      "not given"; max 0 = none of its own */
    bool ranged;                   /* a number between min and max */
    int64_t min, max;
};

extern const struct limit limits_table[];
extern const unsigned limits_count;

/* NULL: no row. */
const struct limit *limits_find(const ProtobufCMessageDescriptor *message, const char *field);

#endif
