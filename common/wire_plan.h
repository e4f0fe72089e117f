/* SPDX-License-Identifier: Apache-2.0 */
/* What a message type looks like on the wire and in memory, compiled once from
 * its descriptor and limits.c; for wire.c and pack.c. */
#ifndef KESU_WIRE_PLAN_H
#define KESU_WIRE_PLAN_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* The numbers first, then what has a length. */
enum plan_kind {
    PLAN_UINT32,
    PLAN_INT32, /* an enum, too */
    PLAN_SINT32,
    PLAN_BOOL,
    PLAN_FIXED32,
    PLAN_UINT64, /* int64, too */
    PLAN_SINT64,
    PLAN_FIXED64,
    PLAN_DOUBLE,
    PLAN_TEXT,
    PLAN_BYTES,
    PLAN_MESSAGE,
};

enum {
    PLAN_MAX_TAG = 128,
    PLAN_MAX_COUNTED = 16,
    PLAN_NOT_COUNTED = 0xff,
    PLAN_ANY_TIMES = 0xff,
};

struct plan_field {
    const struct plan *message; /* of a nested message */
    const void *unset;          /* a text that was never given */
    uint32_t key;               /* of the wire, as it is written: number and type */
    uint16_t offset;            /* of the value, of a list its pointer */
    uint16_t quantifier;        /* of a list's count, of a oneof's case */
    uint8_t kind;               /* enum plan_kind */
    uint8_t size;               /* of one value */
    uint8_t wire_type;          /* of one value */
    uint8_t earlier;            /* fields of the same oneof just before this one */
    bool repeated, in_oneof, packed;
    bool plain;     /* neither repeated nor of a oneof */
    uint8_t detail; /* enum codec_detail, or 0: what may be left out */
    /* What is checked. */
    uint8_t counter; /* slot of the count, or PLAN_NOT_COUNTED */
    uint8_t once;    /* bit of a message that may be there once (a oneof is one), or PLAN_ANY_TIMES */
    bool ranged;
    uint32_t min_bytes, max_bytes, max_count;
    int64_t min, max;
    uint64_t enum_values;                       /* bit v: value v is known */
    const ProtobufCEnumDescriptor *enumeration; /* of an enum */
    const ProtobufCFieldDescriptor *field;
};

struct plan {
    const ProtobufCMessageDescriptor *d;
    uint8_t n_counters, n_fields;
    uint8_t by_tag[PLAN_MAX_TAG]; /* place in fields + 1; 0: unknown */
    struct plan_field fields[];
};

/* Lives for ever; from any thread. */
const struct plan *plan_of(const ProtobufCMessageDescriptor *d);

#endif
