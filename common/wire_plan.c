// SPDX-License-Identifier: Apache-2.0
// Plans of message types: by tag, what a field must be like and where it goes.
#include "wire_plan.h"

#include <pthread.h>
#include <stdatomic.h>

#include "check.h"
#include "mem.h"
#include "wire.h"

enum { PLAN_SLOTS = 1024 };

static _Atomic(const struct plan *) plans[PLAN_SLOTS];
static pthread_mutex_t plans_lock = PTHREAD_MUTEX_INITIALIZER;

static size_t slot_of(const ProtobufCMessageDescriptor *d)
{
    return ((uintptr_t)d >> 4) * 2654435761u % PLAN_SLOTS;
}

static const struct plan *plan_find(const ProtobufCMessageDescriptor *d, size_t *ret_slot)
{
    for (size_t i = slot_of(d);; i = (i + 1) % PLAN_SLOTS) {
        const struct plan *p = atomic_load_explicit(&plans[i], memory_order_acquire);
        *ret_slot = i;
        if (p == NULL || p->d == d) return p;
    }
}

static uint8_t wire_type_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return WIRE_BYTES;
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return WIRE_FIXED32;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return WIRE_FIXED64;
    default:
        return WIRE_VARINT;
    }
}

static const uint8_t sizes[] = {
    [STORE_32] = sizeof(uint32_t),
    [STORE_64] = sizeof(uint64_t),
    [STORE_BOOL] = sizeof(protobuf_c_boolean),
    [STORE_TEXT] = sizeof(char *),
    [STORE_BYTES] = sizeof(ProtobufCBinaryData),
    [STORE_MESSAGE] = sizeof(void *),
};

static uint8_t store_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_STRING:
        return STORE_TEXT;
    case PROTOBUF_C_TYPE_BYTES:
        return STORE_BYTES;
    case PROTOBUF_C_TYPE_MESSAGE:
        return STORE_MESSAGE;
    case PROTOBUF_C_TYPE_BOOL:
        return STORE_BOOL;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return STORE_64;
    default:
        return STORE_32;
    }
}

static uint64_t enum_bits(const ProtobufCEnumDescriptor *d)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < d->n_values; i++) {
        CHECK(d->values[i].value >= 0 && d->values[i].value < 64);
        bits |= UINT64_C(1) << d->values[i].value;
    }
    return bits;
}

static const struct plan *plan_compile(const ProtobufCMessageDescriptor *d);

static void compile_field(const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f,
                          struct plan_field *ret, uint8_t *counters)
{
    const struct limit *l = limits_find(d, f->name);
    *ret = (struct plan_field){
        .field = f, .wire_type = wire_type_of(f->type), .counter = PLAN_NOT_COUNTED, .once = PLAN_ANY_TIMES};
    ret->repeated = f->label == PROTOBUF_C_LABEL_REPEATED;
    ret->in_oneof = (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    ret->offset = f->offset;
    ret->quantifier = f->quantifier_offset;
    ret->store = store_of(f->type);
    ret->size = sizes[ret->store];
    ret->zigzag = f->type == PROTOBUF_C_TYPE_SINT32 || f->type == PROTOBUF_C_TYPE_SINT64;
    ret->max_bytes = UINT32_MAX;
    if (l != NULL) {
        ret->min_bytes = l->min_bytes;
        if (l->max_bytes > 0) ret->max_bytes = l->max_bytes;
        ret->max_count = l->max_count;
        ret->ranged = l->ranged;
        ret->min = l->min;
        ret->max = l->max;
    }
    if (ret->max_count > 0) {
        CHECK(ret->repeated && *counters < PLAN_MAX_COUNTED);
        ret->counter = (*counters)++;
    }
    if (f->type == PROTOBUF_C_TYPE_ENUM) {
        ret->enumeration = f->descriptor;
        ret->enum_values = enum_bits(f->descriptor);
    }
    if (f->type == PROTOBUF_C_TYPE_MESSAGE) ret->message = plan_compile(f->descriptor);
}

// Under the lock. Messages are not recursive (the .proto rules say so), so
// compiling the nested ones first ends.
static const struct plan *plan_compile(const ProtobufCMessageDescriptor *d)
{
    size_t slot;
    const struct plan *found = plan_find(d, &slot);
    if (found != NULL) return found;

    struct plan *p = mem_zalloc(&mem_libc, sizeof *p + d->n_fields * sizeof p->fields[0]);
    uint8_t counters = 0;
    p->d = d;
    CHECK(d->n_fields < 64);
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        CHECK(f->id < PLAN_MAX_TAG);
        compile_field(d, f, &p->fields[i], &counters);
        p->by_tag[f->id] = (uint8_t)(i + 1);
        if (p->fields[i].repeated) continue;
        bool in_oneof = p->fields[i].in_oneof;
        if (f->type != PROTOBUF_C_TYPE_MESSAGE && !in_oneof) continue;
        p->fields[i].once = (uint8_t)i;
        for (unsigned j = 0; in_oneof && j < i; j++)
            if (d->fields[j].quantifier_offset == f->quantifier_offset &&
                (d->fields[j].flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
                p->fields[i].once = p->fields[j].once;
                break;
            }
    }
    p->n_counters = counters;
    plan_find(d, &slot);
    atomic_store_explicit(&plans[slot], p, memory_order_release);
    return p;
}

const struct plan *plan_of(const ProtobufCMessageDescriptor *d)
{
    size_t slot;
    const struct plan *p = plan_find(d, &slot);
    if (p != NULL) return p;
    pthread_mutex_lock(&plans_lock);
    p = plan_compile(d);
    pthread_mutex_unlock(&plans_lock);
    return p;
}
