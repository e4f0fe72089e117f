/* SPDX-License-Identifier: Apache-2.0 */
/* What a message type looks like on the wire and in memory, compiled once from
 * its descriptor and limits.c; for wire.c. */
#ifndef KESU_WIRE_PLAN_H
#define KESU_WIRE_PLAN_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* How a value lies in protobuf-c's struct. */
enum plan_store { STORE_32, STORE_64, STORE_BOOL, STORE_TEXT, STORE_BYTES, STORE_MESSAGE };

enum {
    PLAN_MAX_TAG = 128,
    PLAN_MAX_COUNTED = 16,
    PLAN_NOT_COUNTED = 0xff,
    PLAN_ANY_TIMES = 0xff,
};

struct plan_field {
    const ProtobufCFieldDescriptor *field;
    const struct plan *message;                 /* of a nested message */
    const ProtobufCEnumDescriptor *enumeration; /* of an enum */
    uint64_t enum_values;                       /* bit v: value v is known */
    int64_t min, max;
    uint32_t min_bytes, max_bytes, max_count;
    uint32_t offset;     /* of the value, of a list its pointer */
    uint32_t quantifier; /* of a list's count, of a oneof's case */
    uint8_t wire_type;
    uint8_t store;   /* enum plan_store */
    uint8_t size;    /* of one element of a list */
    uint8_t counter; /* slot of the count, or PLAN_NOT_COUNTED */
    uint8_t once;    /* bit of a message that may be there once (a oneof is one), or PLAN_ANY_TIMES */
    bool ranged, zigzag, repeated, in_oneof;
};

struct plan {
    const ProtobufCMessageDescriptor *d;
    uint8_t n_counters;
    uint8_t by_tag[PLAN_MAX_TAG]; /* place in fields + 1; 0: unknown */
    struct plan_field fields[];
};

/* Lives for ever; from any thread. */
const struct plan *plan_of(const ProtobufCMessageDescriptor *d);

#endif
