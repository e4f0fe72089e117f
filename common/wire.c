// SPDX-License-Identifier: Apache-2.0
// The check that stands before every unpack: one pass over the encoded bytes.
//
// It runs on the wire form because protobuf-c keeps no length of a text (a NUL
// inside would go unseen) and allocates before it refuses. For each message
// type a plan is compiled once from its descriptor and limits.c: by tag, what
// the field must be like. The walk then looks at nothing else; the path of a
// field is only put together when it is refused.
#include "wire.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "check.h"
#include "err.h"

enum {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_BYTES = 2,
    WIRE_FIXED32 = 5,
    MAX_TAG = 128,
    MAX_COUNTED = 16,
    PLAN_SLOTS = 1024,
    NOT_COUNTED = 0xff,
};

struct plan;

struct plan_field {
    const ProtobufCFieldDescriptor *field;
    const struct plan *message;                 // of a nested message
    const ProtobufCEnumDescriptor *enumeration; // of an enum
    uint64_t enum_values;                       // bit v: value v is known
    int64_t min, max;
    uint32_t min_bytes, max_bytes, max_count;
    uint8_t wire_type;
    uint8_t counter; // slot of the count, or NOT_COUNTED
    uint8_t once;    // bit of a message that may be there once (a oneof is one), 0xff: any
    bool ranged, zigzag, text, repeated;
};

struct plan {
    const ProtobufCMessageDescriptor *d;
    uint8_t by_tag[MAX_TAG]; // place in fields + 1; 0: unknown
    struct plan_field fields[];
};

// Where the walk stands; only read for the path of an error.
struct place {
    const struct place *outer;
    const struct plan_field *field;
    uint32_t index;
};

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
        .field = f, .wire_type = wire_type_of(f->type), .counter = NOT_COUNTED, .once = 0xff};
    ret->repeated = f->label == PROTOBUF_C_LABEL_REPEATED;
    ret->text = f->type == PROTOBUF_C_TYPE_STRING;
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
        CHECK(ret->repeated && *counters < MAX_COUNTED);
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
        CHECK(f->id < MAX_TAG);
        compile_field(d, f, &p->fields[i], &counters);
        p->by_tag[f->id] = (uint8_t)(i + 1);
        if (p->fields[i].repeated) continue;
        bool in_oneof = (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
        if (f->type != PROTOBUF_C_TYPE_MESSAGE && !in_oneof) continue;
        p->fields[i].once = (uint8_t)i;
        for (unsigned j = 0; in_oneof && j < i; j++)
            if (d->fields[j].quantifier_offset == f->quantifier_offset &&
                (d->fields[j].flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
                p->fields[i].once = p->fields[j].once;
                break;
            }
    }
    plan_find(d, &slot);
    atomic_store_explicit(&plans[slot], p, memory_order_release);
    return p;
}

static const struct plan *plan_of(const ProtobufCMessageDescriptor *d)
{
    size_t slot;
    const struct plan *p = plan_find(d, &slot);
    if (p != NULL) return p;
    pthread_mutex_lock(&plans_lock);
    p = plan_compile(d);
    pthread_mutex_unlock(&plans_lock);
    return p;
}

static size_t put_path(const struct place *at, char *ret, size_t n)
{
    if (at == NULL) return 0;
    size_t used = put_path(at->outer, ret, n);
    int more = snprintf(ret + used, n - used, "%s%s", used > 0 ? "." : "", at->field->field->name);
    used = used + (size_t)more < n ? used + (size_t)more : n - 1;
    if (!at->field->repeated) return used;
    more = snprintf(ret + used, n - used, "[%u]", (unsigned)at->index);
    return used + (size_t)more < n ? used + (size_t)more : n - 1;
}

__attribute__((format(printf, 4, 5), cold)) static int refuse(const struct place *at, struct codec_error *e,
                                                              int code, const char *format, ...)
{
    va_list args;
    e->code = code;
    e->field[0] = '\0';
    put_path(at, e->field, sizeof e->field);
    va_start(args, format);
    vsnprintf(e->reason, sizeof e->reason, format, args);
    va_end(args);
    return code;
}

static inline bool take_varint(struct span *s, uint64_t *ret)
{
    if (s->n > 0 && s->p[0] < 0x80) {
        *ret = s->p[0];
        s->p++;
        s->n--;
        return true;
    }
    uint64_t v = 0;
    for (unsigned i = 0; i < 10 && i < s->n; i++) {
        v |= (uint64_t)(s->p[i] & 0x7f) << (7 * i);
        if (s->p[i] < 0x80) {
            s->p += i + 1;
            s->n -= i + 1;
            *ret = v;
            return true;
        }
    }
    return false;
}

static inline bool take_bytes(struct span *s, size_t n, struct span *ret)
{
    if (s->n < n) return false;
    *ret = span_of(s->p, n);
    s->p += n;
    s->n -= n;
    return true;
}

bool wire_take(struct span *rest, struct wire_field *ret)
{
    uint64_t key, n;
    if (!take_varint(rest, &key) || key > UINT32_MAX || key >> 3 == 0) return false;
    ret->tag = (uint32_t)(key >> 3);
    ret->type = (uint8_t)(key & 7);
    switch (ret->type) {
    case WIRE_VARINT:
        return take_varint(rest, &ret->number);
    case WIRE_FIXED64:
        return take_bytes(rest, 8, &ret->bytes);
    case WIRE_BYTES:
        return take_varint(rest, &n) && n <= rest->n && take_bytes(rest, (size_t)n, &ret->bytes);
    case WIRE_FIXED32:
        return take_bytes(rest, 4, &ret->bytes);
    default:
        return false;
    }
}

static int check_number(const struct plan_field *f, uint64_t v, const struct place *at, struct codec_error *e)
{
    if (f->enumeration != NULL && (v >= 64 || (f->enum_values >> v & 1) == 0))
        return refuse(at, e, E_ENUM, "%lld is no value of %s", (long long)v, f->enumeration->short_name);
    if (!f->ranged) return 0;
    int64_t n = f->zigzag ? (int64_t)(v >> 1) ^ -(int64_t)(v & 1) : (int64_t)v;
    if (n < f->min || n > f->max)
        return refuse(at, e, E_RANGE, "%lld, allowed are %lld to %lld", (long long)n, (long long)f->min,
                      (long long)f->max);
    return 0;
}

static int check_bytes(const struct plan_field *f, struct span v, const struct place *at,
                       struct codec_error *e)
{
    if (v.n > f->max_bytes)
        return refuse(at, e, f->min_bytes == f->max_bytes ? E_RANGE : E_TOO_BIG,
                      "%zu bytes, allowed are %s%u", v.n, f->min_bytes == f->max_bytes ? "" : "at most ",
                      (unsigned)f->max_bytes);
    if (v.n > 0 && v.n < f->min_bytes)
        return refuse(at, e, E_RANGE, "%zu bytes, allowed are %u", v.n, (unsigned)f->min_bytes);
    if (f->text && !codec_is_utf8(v)) return refuse(at, e, E_UTF8, "not UTF-8, or holds NUL");
    return 0;
}

static int check_message(const struct plan *p, struct span bytes, const struct place *outer,
                         struct codec_error *e);

// A list of numbers in one piece.
static int check_packed(const struct plan_field *f, struct span v, uint32_t *count, struct place *at,
                        struct codec_error *e)
{
    while (v.n > 0) {
        uint64_t number = 0;
        struct span skipped;
        bool ok = f->wire_type == WIRE_VARINT
                      ? take_varint(&v, &number)
                      : take_bytes(&v, f->wire_type == WIRE_FIXED64 ? 8 : 4, &skipped);
        if (!ok) return refuse(at, e, E_MALFORMED, "a list of numbers ends in the middle of one");
        if (count != NULL && ++*count > f->max_count)
            return refuse(at, e, E_TOO_BIG, "more than %u", (unsigned)f->max_count);
        int err = f->wire_type == WIRE_VARINT ? check_number(f, number, at, e) : 0;
        if (err != 0) return err;
        at->index++;
    }
    return 0;
}

static int check_value(const struct plan_field *f, const struct wire_field *w, uint32_t *count,
                       struct place *at, struct codec_error *e)
{
    if (w->type != f->wire_type) {
        if (f->repeated && w->type == WIRE_BYTES) return check_packed(f, w->bytes, count, at, e);
        return refuse(at, e, E_MALFORMED, "not of the field's type");
    }
    if (count != NULL && ++*count > f->max_count)
        return refuse(at, e, E_TOO_BIG, "more than %u", (unsigned)f->max_count);
    if (f->message != NULL) return check_message(f->message, w->bytes, at, e);
    if (w->type == WIRE_BYTES) return check_bytes(f, w->bytes, at, e);
    return w->type == WIRE_VARINT ? check_number(f, w->number, at, e) : 0;
}

static int check_message(const struct plan *p, struct span bytes, const struct place *outer,
                         struct codec_error *e)
{
    uint64_t seen = 0;
    uint32_t counts[MAX_COUNTED] = {0};
    struct place at = {.outer = outer};
    while (bytes.n > 0) {
        struct wire_field w;
        if (!wire_take(&bytes, &w)) return refuse(outer, e, E_MALFORMED, "truncated, or not a message");
        if (w.tag >= MAX_TAG || p->by_tag[w.tag] == 0) continue; // of a newer version
        const struct plan_field *f = &p->fields[p->by_tag[w.tag] - 1];
        at.index = f != at.field ? 0 : at.index + 1;
        at.field = f;
        if (f->once != 0xff) {
            if (seen >> f->once & 1) return refuse(&at, e, E_MALFORMED, "given twice");
            seen |= UINT64_C(1) << f->once;
        }
        uint32_t *count = f->counter != NOT_COUNTED ? &counts[f->counter] : NULL;
        if (count != NULL) at.index = *count;
        int err = check_value(f, &w, count, &at, e);
        if (err != 0) return err;
    }
    return 0;
}

int wire_check(const ProtobufCMessageDescriptor *d, struct span bytes, struct codec_error *ret_error)
{
    return check_message(plan_of(d), bytes, NULL, ret_error);
}
