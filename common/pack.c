// SPDX-License-Identifier: Apache-2.0
// Encoding, from the last byte to the first: when the length of a part has to
// be written, the part stands there already, so nothing is measured or moved.
// The bytes are those of protobuf-c, fields by number, what a newer version
// added last.
#include "pack.h"

#include <endian.h>

#include "check.h"
#include "wire_plan.h"

enum { MAX_VARINT = 10, MAX_TAG = 8 }; // of a tag 5 bytes, but a varint is written eight at once

struct room {
    uint8_t *start, *at; // free from start to at
};

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
    if (kind >= PLAN_UINT64) {
        memcpy(&u64, member, sizeof u64);
        return kind == PLAN_SINT64 ? u64 << 1 ^ (0 - (u64 >> 63)) : u64;
    }
    memcpy(&u32, member, sizeof u32);
    if (kind == PLAN_INT32) return (uint64_t)(int64_t)(int32_t)u32;
    if (kind == PLAN_SINT32) return u32 << 1 ^ (0 - (u32 >> 31));
    return kind == PLAN_BOOL ? u32 != 0 : u32;
}

static inline void put_number(struct room *r, uint8_t kind, uint64_t v)
{
    if (kind == PLAN_FIXED64 || kind == PLAN_DOUBLE)
        put_fixed(r, v, 8);
    else if (kind == PLAN_FIXED32)
        put_fixed(r, v, 4);
    else
        put_varint(r, v);
}

static bool put_message(struct room *r, const struct plan *p, const uint8_t *m);

// One value with its key; of text, bytes and messages an empty one, too.
static bool put_part(struct room *r, const struct plan_field *f, const uint8_t *member)
{
    const char *text;
    const uint8_t *message;
    ProtobufCBinaryData bytes;
    const uint8_t *end = r->at;
    switch (f->kind) {
    case PLAN_TEXT:
        memcpy(&text, member, sizeof text);
        if (!put_bytes(r, text, text != NULL ? strlen(text) : 0)) return false;
        break;
    case PLAN_BYTES:
        memcpy(&bytes, member, sizeof bytes);
        if (!put_bytes(r, bytes.data, bytes.len)) return false;
        break;
    default:
        memcpy(&message, member, sizeof message);
        if (message != NULL && !put_message(r, f->message, message)) return false;
        if (!has(r, MAX_VARINT + MAX_TAG)) return false;
        put_varint(r, (uint64_t)(end - r->at));
    }
    put_varint(r, f->key);
    return true;
}

// Most are numbers, and seldom worth a call.
static inline bool put_value(struct room *r, const struct plan_field *f, const uint8_t *member)
{
    if (f->kind >= PLAN_TEXT) return put_part(r, f, member);
    if (!has(r, MAX_VARINT + MAX_TAG)) return false;
    put_number(r, f->kind, number_at(f->kind, member));
    put_varint(r, f->key);
    return true;
}

static bool put_list(struct room *r, const struct plan_field *f, const uint8_t *m)
{
    size_t n;
    const uint8_t *list, *end = r->at;
    memcpy(&n, m + f->quantifier, sizeof n);
    if (n == 0) return true;
    memcpy(&list, m + f->offset, sizeof list);
    for (size_t i = n; i-- > 0;) {
        if (!f->packed) {
            if (!put_value(r, f, list + i * f->size)) return false;
            continue;
        }
        if (!has(r, 2 * MAX_VARINT + MAX_TAG)) return false;
        put_number(r, f->kind, number_at(f->kind, list + i * f->size));
    }
    if (!f->packed) return true;
    put_varint(r, (uint64_t)(end - r->at));
    put_varint(r, f->key);
    return true;
}

// The field of the oneof that was given, or NULL. f: the last field of it;
// goes to the first.
static const struct plan_field *one_of(const struct plan *p, const struct plan_field **f, const uint8_t *m)
{
    const struct plan_field *last = *f, *first = last - last->earlier;
    uint32_t which;
    const char *pointer;
    memcpy(&which, m + last->quantifier, sizeof which);
    *f = first;
    if (which >= PLAN_MAX_TAG || p->by_tag[which] == 0) return NULL;
    const struct plan_field *at = &p->fields[p->by_tag[which] - 1];
    if (at < first || at > last) return NULL;
    if (at->kind != PLAN_TEXT && at->kind != PLAN_MESSAGE) return at;
    memcpy(&pointer, m + at->offset, sizeof pointer);
    return pointer == NULL || (const void *)pointer == at->unset ? NULL : at;
}

// Does it have what every field has that was not given?
static inline bool is_unset(const struct plan_field *f, const uint8_t *member)
{
    _Static_assert(offsetof(ProtobufCBinaryData, len) == 0 && sizeof(size_t) == 8, "sizes");
    uint32_t u32;
    uint64_t u64;
    const char *text;
    if (f->size == sizeof u32) {
        memcpy(&u32, member, sizeof u32);
        return u32 == 0;
    }
    if (f->kind == PLAN_TEXT) {
        memcpy(&text, member, sizeof text);
        return text == NULL || *text == '\0';
    }
    memcpy(&u64, member, sizeof u64);                         // also a pointer, and the length of bytes
    return f->kind == PLAN_DOUBLE ? u64 << 1 == 0 : u64 == 0; // -0.0, too
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
    for (const struct plan_field *f = p->fields + p->n_fields; f-- > p->fields;) {
        if (f->plain) {
            if (!is_unset(f, m + f->offset) && !put_value(r, f, m + f->offset)) return false;
        } else if (f->repeated) {
            if (!put_list(r, f, m)) return false;
        } else {
            const struct plan_field *given = one_of(p, &f, m);
            if (given != NULL && !put_value(r, given, m + given->offset)) return false;
        }
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
