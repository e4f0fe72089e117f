// SPDX-License-Identifier: Apache-2.0
// Encoding, from the last byte to the first: when the length of a part has to
// be written, the part stands there already, so nothing is measured or moved.
// For each message type a plan is compiled once from its descriptor. The bytes
// are those of protobuf-c, fields by number, what a newer version added last.
#include "pack.h"

#include <endian.h>
#include <pthread.h>
#include <stdatomic.h>

#include "check.h"

enum { PLAN_SLOTS = 1024, MAX_VARINT = 10, MAX_TAG = 5 };

enum kind {
    KIND_UINT32,
    KIND_INT32,
    KIND_SINT32,
    KIND_UINT64,
    KIND_SINT64,
    KIND_BOOL,
    KIND_FIXED32,
    KIND_FIXED64,
    KIND_DOUBLE,
    KIND_TEXT,
    KIND_BYTES,
    KIND_MESSAGE,
};

// How a field shows that it was not given.
enum look {
    LOOK_U32, // zero
    LOOK_U64, // also a pointer, and the length of bytes
    LOOK_DOUBLE,
    LOOK_TEXT,
    LOOK_ONEOF,
    LOOK_LIST,
};

struct plan;

struct plan_field {
    const struct plan *message;
    const void *unset; // a text of a oneof that was never given
    uint32_t id;
    uint32_t key; // of the wire: number and type
    uint16_t offset, quantifier;
    uint8_t earlier; // fields of the same oneof just before this one
    uint8_t kind, look;
    bool packed;
};

struct plan {
    const ProtobufCMessageDescriptor *d;
    unsigned n;
    struct plan_field fields[];
};

struct room {
    uint8_t *start, *at; // free from start to at
};

static _Atomic(const struct plan *) plans[PLAN_SLOTS];
static pthread_mutex_t plans_lock = PTHREAD_MUTEX_INITIALIZER;

// ---- plans -----------------------------------------------------------------

static const struct plan *plan_find(const ProtobufCMessageDescriptor *d, size_t *ret_slot)
{
    for (size_t i = ((uintptr_t)d >> 4) * 2654435761u % PLAN_SLOTS;; i = (i + 1) % PLAN_SLOTS) {
        const struct plan *p = atomic_load_explicit(&plans[i], memory_order_acquire);
        *ret_slot = i;
        if (p == NULL || p->d == d) return p;
    }
}

static uint8_t kind_of(ProtobufCType type)
{
    static const uint8_t kinds[] = {
        [PROTOBUF_C_TYPE_INT32] = KIND_INT32,     [PROTOBUF_C_TYPE_SINT32] = KIND_SINT32,
        [PROTOBUF_C_TYPE_UINT32] = KIND_UINT32,   [PROTOBUF_C_TYPE_INT64] = KIND_UINT64,
        [PROTOBUF_C_TYPE_SINT64] = KIND_SINT64,   [PROTOBUF_C_TYPE_UINT64] = KIND_UINT64,
        [PROTOBUF_C_TYPE_BOOL] = KIND_BOOL,       [PROTOBUF_C_TYPE_ENUM] = KIND_INT32,
        [PROTOBUF_C_TYPE_FIXED32] = KIND_FIXED32, [PROTOBUF_C_TYPE_SFIXED32] = KIND_FIXED32,
        [PROTOBUF_C_TYPE_FIXED64] = KIND_FIXED64, [PROTOBUF_C_TYPE_SFIXED64] = KIND_FIXED64,
        [PROTOBUF_C_TYPE_DOUBLE] = KIND_DOUBLE,   [PROTOBUF_C_TYPE_STRING] = KIND_TEXT,
        [PROTOBUF_C_TYPE_BYTES] = KIND_BYTES,     [PROTOBUF_C_TYPE_MESSAGE] = KIND_MESSAGE,
    };
    CHECK(type != PROTOBUF_C_TYPE_FLOAT); // the protocol has none
    return kinds[type];
}

static uint32_t wire_type_of(uint8_t kind)
{
    if (kind >= KIND_TEXT) return 2;
    if (kind == KIND_FIXED64 || kind == KIND_DOUBLE) return 1;
    return kind == KIND_FIXED32 ? 5 : 0;
}

static uint8_t look_of(const ProtobufCFieldDescriptor *f)
{
    _Static_assert(offsetof(ProtobufCBinaryData, len) == 0 && sizeof(size_t) == 8, "sizes");
    if (f->label == PROTOBUF_C_LABEL_REPEATED) return LOOK_LIST;
    if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) return LOOK_ONEOF;
    switch (kind_of(f->type)) {
    case KIND_TEXT:
        return LOOK_TEXT;
    case KIND_DOUBLE:
        return LOOK_DOUBLE;
    case KIND_UINT64:
    case KIND_SINT64:
    case KIND_FIXED64:
    case KIND_BYTES:
    case KIND_MESSAGE:
        return LOOK_U64;
    default:
        return LOOK_U32;
    }
}

// Under the lock. Messages are not recursive (the .proto rules say so).
static const struct plan *plan_compile(const ProtobufCMessageDescriptor *d)
{
    size_t slot;
    const struct plan *found = plan_find(d, &slot);
    if (found != NULL) return found;
    struct plan *p = mem_zalloc(&mem_libc, sizeof *p + d->n_fields * sizeof p->fields[0]);
    p->d = d;
    p->n = d->n_fields;
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        struct plan_field *to = &p->fields[i];
        CHECK(f->offset <= UINT16_MAX && f->quantifier_offset <= UINT16_MAX);
        *to = (struct plan_field){.unset = f->default_value,
                                  .id = f->id,
                                  .offset = (uint16_t)f->offset,
                                  .quantifier = (uint16_t)f->quantifier_offset,
                                  .kind = kind_of(f->type),
                                  .look = look_of(f),
                                  .packed = (f->flags & PROTOBUF_C_FIELD_FLAG_PACKED) != 0};
        const struct plan_field *before = i > 0 ? to - 1 : NULL;
        if (to->look == LOOK_ONEOF && before != NULL && before->look == LOOK_ONEOF &&
            before->quantifier == to->quantifier)
            to->earlier = (uint8_t)(before->earlier + 1);
        CHECK(d->n_fields < UINT8_MAX);
        to->key = f->id << 3 | (to->packed ? 2 : wire_type_of(to->kind));
        if (to->kind == KIND_MESSAGE) to->message = plan_compile(f->descriptor);
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

// ---- writing ---------------------------------------------------------------

static inline bool has(const struct room *r, size_t n)
{
    return (size_t)(r->at - r->start) >= n;
}

static void put_long_varint(struct room *r, uint64_t v)
{
    unsigned n = (unsigned)(63 - __builtin_clzll(v)) / 7;
    uint8_t *p = r->at -= n + 1;
    for (unsigned i = 0; i < n; i++, v >>= 7) p[i] = (uint8_t)(v | 0x80);
    p[n] = (uint8_t)v;
}

static inline void put_varint(struct room *r, uint64_t v)
{
    if (v < 0x80) {
        *--r->at = (uint8_t)v;
        return;
    }
    if (v >> 56 != 0) {
        put_long_varint(r, v);
        return;
    }
    // Seven bits to each byte, all at once; the bytes before the first are written over later.
    unsigned n = (unsigned)(63 - __builtin_clzll(v)) / 7 + 1;
    v = (v & 0xfffffff) | (v & 0xfffffff0000000) << 4;
    v = (v & 0x3fff00003fff) | (v & 0xfffc0000fffc000) << 2;
    v = (v & 0x7f007f007f007f) | (v & 0x3f803f803f803f80) << 1;
    v |= UINT64_C(0x8080808080808080) >> (8 * (9 - n)); // on all but the last
    v = htole64(v << (8 * (8 - n)));
    memcpy(r->at - 8, &v, 8);
    r->at -= n;
}

static inline void put_fixed(struct room *r, uint64_t v, unsigned n)
{
    r->at -= n;
    for (unsigned i = 0; i < n; i++) r->at[i] = (uint8_t)(v >> (8 * i));
}

static inline bool put_bytes(struct room *r, const void *p, size_t n)
{
    if (n > (size_t)(r->at - r->start) || !has(r, n + MAX_VARINT + MAX_TAG)) return false;
    r->at -= n;
    if (n > 0) memcpy(r->at, p, n);
    put_varint(r, n);
    return true;
}

// A number as it stands in the wire's varint, or the bits of a fixed one.
static inline uint64_t number_at(uint8_t kind, const uint8_t *member)
{
    uint32_t u32;
    uint64_t u64;
    if (kind == KIND_UINT64 || kind == KIND_SINT64 || kind == KIND_FIXED64 || kind == KIND_DOUBLE) {
        memcpy(&u64, member, sizeof u64);
        return kind == KIND_SINT64 ? u64 << 1 ^ (uint64_t)((int64_t)u64 >> 63) : u64;
    }
    memcpy(&u32, member, sizeof u32);
    if (kind == KIND_INT32) return (uint64_t)(int64_t)(int32_t)u32;
    if (kind == KIND_SINT32) return u32 << 1 ^ (uint32_t)((int32_t)u32 >> 31);
    return kind == KIND_BOOL ? u32 != 0 : u32;
}

static inline void put_number(struct room *r, uint8_t kind, uint64_t v)
{
    if (kind == KIND_FIXED64 || kind == KIND_DOUBLE)
        put_fixed(r, v, 8);
    else if (kind == KIND_FIXED32)
        put_fixed(r, v, 4);
    else
        put_varint(r, v);
}

static bool put_message(struct room *r, const struct plan *p, const uint8_t *m);

// One value with its key; of text, bytes and messages an empty one, too.
static bool put_value(struct room *r, const struct plan_field *f, const uint8_t *member)
{
    const char *text;
    const uint8_t *message;
    ProtobufCBinaryData bytes;
    const uint8_t *end = r->at;
    switch (f->kind) {
    case KIND_TEXT:
        memcpy(&text, member, sizeof text);
        if (!put_bytes(r, text, text != NULL ? strlen(text) : 0)) return false;
        break;
    case KIND_BYTES:
        memcpy(&bytes, member, sizeof bytes);
        if (!put_bytes(r, bytes.data, bytes.len)) return false;
        break;
    case KIND_MESSAGE:
        memcpy(&message, member, sizeof message);
        if (message != NULL && !put_message(r, f->message, message)) return false;
        if (!has(r, MAX_VARINT + MAX_TAG)) return false;
        put_varint(r, (uint64_t)(end - r->at));
        break;
    default:
        if (!has(r, MAX_VARINT + MAX_TAG)) return false;
        put_number(r, f->kind, number_at(f->kind, member));
    }
    put_varint(r, f->key);
    return true;
}

static size_t value_bytes(uint8_t kind)
{
    static const uint8_t sizes[] = {
        [KIND_UINT32] = 4,
        [KIND_INT32] = 4,
        [KIND_SINT32] = 4,
        [KIND_UINT64] = 8,
        [KIND_SINT64] = 8,
        [KIND_BOOL] = sizeof(protobuf_c_boolean),
        [KIND_FIXED32] = 4,
        [KIND_FIXED64] = 8,
        [KIND_DOUBLE] = 8,
        [KIND_TEXT] = sizeof(char *),
        [KIND_BYTES] = sizeof(ProtobufCBinaryData),
        [KIND_MESSAGE] = sizeof(void *),
    };
    return sizes[kind];
}

static bool put_list(struct room *r, const struct plan_field *f, const uint8_t *m)
{
    size_t n, size = value_bytes(f->kind);
    const uint8_t *list, *end = r->at;
    memcpy(&n, m + f->quantifier, sizeof n);
    if (n == 0) return true;
    memcpy(&list, m + f->offset, sizeof list);
    for (size_t i = n; i-- > 0;) {
        if (!f->packed) {
            if (!put_value(r, f, list + i * size)) return false;
            continue;
        }
        if (!has(r, 2 * MAX_VARINT + MAX_TAG)) return false;
        put_number(r, f->kind, number_at(f->kind, list + i * size));
    }
    if (!f->packed) return true;
    put_varint(r, (uint64_t)(end - r->at));
    put_varint(r, f->key);
    return true;
}

// The field of the oneof that was given, or NULL. f: the last field of it;
// goes to the first.
static const struct plan_field *one_of(const struct plan_field **f, const uint8_t *m)
{
    const struct plan_field *at = *f, *first = at - at->earlier;
    uint32_t which;
    const char *pointer;
    memcpy(&which, m + at->quantifier, sizeof which);
    *f = first;
    if (which < first->id || which > at->id) return NULL;
    while (at > first && at->id != which) at--;
    if (at->id != which) return NULL;
    if (at->kind != KIND_TEXT && at->kind != KIND_MESSAGE) return at;
    memcpy(&pointer, m + at->offset, sizeof pointer);
    return pointer == NULL || (const void *)pointer == at->unset ? NULL : at;
}

// Does it have what every field has that was not given?
static inline bool is_unset(const struct plan_field *f, const uint8_t *member)
{
    uint32_t u32;
    uint64_t u64;
    const char *text;
    switch (f->look) {
    case LOOK_U32:
        memcpy(&u32, member, sizeof u32);
        return u32 == 0;
    case LOOK_TEXT:
        memcpy(&text, member, sizeof text);
        return text == NULL || *text == '\0';
    case LOOK_DOUBLE:
        memcpy(&u64, member, sizeof u64);
        return u64 << 1 == 0; // -0.0, too
    default:
        memcpy(&u64, member, sizeof u64);
        return u64 == 0;
    }
}

// Their payload was kept with its length, as it came.
static bool put_unknown(struct room *r, const ProtobufCMessage *m)
{
    for (unsigned i = m->n_unknown_fields; i-- > 0;) {
        const ProtobufCMessageUnknownField *u = &m->unknown_fields[i];
        if (u->len > (size_t)(r->at - r->start) || !has(r, u->len + MAX_VARINT)) return false;
        r->at -= u->len;
        if (u->len > 0) memcpy(r->at, u->data, u->len);
        put_varint(r, (uint64_t)u->tag << 3 | (uint64_t)u->wire_type);
    }
    return true;
}

static bool put_message(struct room *r, const struct plan *p, const uint8_t *m)
{
    ProtobufCMessage base;
    memcpy(&base, m, sizeof base);
    CHECK(base.descriptor == p->d);
    if (base.n_unknown_fields > 0 && !put_unknown(r, &base)) return false;
    for (const struct plan_field *f = p->fields + p->n; f-- > p->fields;) {
        const struct plan_field *given = f;
        if (f->look == LOOK_LIST) {
            if (!put_list(r, f, m)) return false;
            continue;
        }
        if (f->look == LOOK_ONEOF)
            given = one_of(&f, m);
        else if (is_unset(f, m + f->offset))
            continue;
        if (given != NULL && !put_value(r, given, m + given->offset)) return false;
    }
    return true;
}

struct span pack_end(const void *message, uint8_t *room, size_t n)
{
    ProtobufCMessage base;
    struct room r = {room, room + n};
    memcpy(&base, message, sizeof base);
    if (!put_message(&r, plan_of(base.descriptor), message)) return SPAN_NONE;
    return span_of(r.at, (size_t)(room + n - r.at));
}
