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

static uint8_t kind_of(ProtobufCType type)
{
    static const uint8_t kinds[] = {
        [PROTOBUF_C_TYPE_INT32] = PLAN_INT32,     [PROTOBUF_C_TYPE_SINT32] = PLAN_SINT32,
        [PROTOBUF_C_TYPE_UINT32] = PLAN_UINT32,   [PROTOBUF_C_TYPE_INT64] = PLAN_UINT64,
        [PROTOBUF_C_TYPE_SINT64] = PLAN_SINT64,   [PROTOBUF_C_TYPE_UINT64] = PLAN_UINT64,
        [PROTOBUF_C_TYPE_BOOL] = PLAN_BOOL,       [PROTOBUF_C_TYPE_ENUM] = PLAN_INT32,
        [PROTOBUF_C_TYPE_FIXED32] = PLAN_FIXED32, [PROTOBUF_C_TYPE_SFIXED32] = PLAN_FIXED32,
        [PROTOBUF_C_TYPE_FIXED64] = PLAN_FIXED64, [PROTOBUF_C_TYPE_SFIXED64] = PLAN_FIXED64,
        [PROTOBUF_C_TYPE_DOUBLE] = PLAN_DOUBLE,   [PROTOBUF_C_TYPE_STRING] = PLAN_TEXT,
        [PROTOBUF_C_TYPE_BYTES] = PLAN_BYTES,     [PROTOBUF_C_TYPE_MESSAGE] = PLAN_MESSAGE,
    };
    CHECK(type != PROTOBUF_C_TYPE_FLOAT); // the protocol has none
    return kinds[type];
}

static uint8_t wire_type_of(uint8_t kind)
{
    if (kind >= PLAN_TEXT) return WIRE_BYTES;
    if (kind == PLAN_FIXED64 || kind == PLAN_DOUBLE) return WIRE_FIXED64;
    return kind == PLAN_FIXED32 ? WIRE_FIXED32 : WIRE_VARINT;
}

static uint8_t size_of(uint8_t kind)
{
    _Static_assert(sizeof(protobuf_c_boolean) == 4, "a bool is read and written as 32 bits");
    if (kind == PLAN_BYTES) return sizeof(ProtobufCBinaryData);
    if (kind == PLAN_TEXT || kind == PLAN_MESSAGE) return sizeof(void *);
    return kind < PLAN_UINT64 ? 4 : 8;
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

static uint8_t detail_of(const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f)
{
    if (d == &kesu__v1__judgement__descriptor && strcmp(f->name, "evidence") == 0) return CODEC_EVIDENCE;
    if (d != &kesu__v1__event__descriptor) return 0;
    if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
        return f->id != KESU__V1__EVENT__BODY_CLOCK_FIRED ? CODEC_BODIES : 0;
    return strcmp(f->name, "clocks") == 0 ? CODEC_CLOCKS : 0;
}

static const struct plan *plan_compile(const ProtobufCMessageDescriptor *d);

static void compile_field(const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f,
                          struct plan_field *ret, uint8_t *counters)
{
    const struct limit *l = limits_find(d, f->name);
    CHECK(f->offset <= UINT16_MAX && f->quantifier_offset <= UINT16_MAX);
    *ret = (struct plan_field){
        .field = f, .unset = f->default_value, .counter = PLAN_NOT_COUNTED, .once = PLAN_ANY_TIMES};
    ret->offset = (uint16_t)f->offset;
    ret->quantifier = (uint16_t)f->quantifier_offset;
    ret->kind = kind_of(f->type);
    ret->size = size_of(ret->kind);
    ret->wire_type = wire_type_of(ret->kind);
    ret->repeated = f->label == PROTOBUF_C_LABEL_REPEATED;
    ret->in_oneof = (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    ret->packed = (f->flags & PROTOBUF_C_FIELD_FLAG_PACKED) != 0;
    ret->plain = !ret->repeated && !ret->in_oneof;
    ret->detail = detail_of(d, f);
    ret->key = f->id << 3 | (ret->packed ? WIRE_BYTES : ret->wire_type);
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
    uint8_t counters = 0, once = 0;
    p->d = d;
    CHECK(d->n_fields < UINT8_MAX);
    for (unsigned i = 0; i < d->n_fields; i++) {
        struct plan_field *to = &p->fields[i];
        CHECK(d->fields[i].id < PLAN_MAX_TAG);
        compile_field(d, &d->fields[i], to, &counters);
        p->by_tag[d->fields[i].id] = (uint8_t)(i + 1);
        if (to->repeated || (to->kind != PLAN_MESSAGE && !to->in_oneof)) continue;
        to->once = once;
        // protobuf-c lists the fields by number: those of a oneof may stand apart.
        for (unsigned j = 0; to->in_oneof && j < i; j++) {
            if (!p->fields[j].in_oneof || p->fields[j].quantifier != to->quantifier) continue;
            to->once = p->fields[j].once;
            break;
        }
        if (to->once == once) once++;
        CHECK(once <= 64);
        if (to->in_oneof && i > 0 && to[-1].in_oneof && to[-1].quantifier == to->quantifier)
            to->earlier = (uint8_t)(to[-1].earlier + 1);
    }
    p->n_fields = (uint8_t)d->n_fields;
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
