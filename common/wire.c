// SPDX-License-Identifier: Apache-2.0
// Checking and unpacking, in one pass over the encoded bytes.
//
// The check runs on the wire form because protobuf-c keeps no length of a text
// (a NUL inside would go unseen) and allocates before it refuses. As the walk
// has each value in hand, it also puts it into protobuf-c's struct: its own
// unpack, general and careful of other compilers' layouts, took a third of a
// fold's time. The path of a field is only put together when it is refused.
#include "wire.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>

#include "err.h"
#include "wire_plan.h"

enum { LIST_FIRST = 4 }; // room of a list that begins

// Where the walk stands; only read for the path of an error.
struct place {
    const struct place *outer;
    const struct plan_field *field;
    uint32_t index;
};

struct walk {
    struct arena *arena; // NULL: only checked
    bool trusted;        // values are taken as they are
    unsigned without;    // details that are left out, of what is trusted
    struct codec_error *error;
};

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

// Byte by byte: what is long, or near the end.
static bool take_long_varint(struct span *s, size_t most, uint64_t *ret)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s->n && i < most; i++) {
        v |= (uint64_t)(s->p[i] & 0x7f) << (7 * i);
        if (s->p[i] >= 0x80) continue;
        s->p += i + 1;
        s->n -= i + 1;
        *ret = v;
        return true;
    }
    return false;
}

// One byte is nearly all there is (tags, lengths, small numbers), then times of eight.
static inline __attribute__((always_inline)) bool take_varint_of(struct span *s, size_t most, uint64_t *ret)
{
    uint64_t v;
    if (s->n > 0 && s->p[0] < 0x80) {
        *ret = *s->p++;
        s->n--;
        return true;
    }
    if (s->n < sizeof v) return take_long_varint(s, most, ret);
    memcpy(&v, s->p, sizeof v);
    v = le64toh(v);
    uint64_t last = ~v & UINT64_C(0x8080808080808080); // its lowest bit: of the last byte
    if (last == 0) return take_long_varint(s, most, ret);
    size_t n = (size_t)__builtin_ctzll(last) / 8 + 1;
    if (n > most) return false;
    // What follows is cut off, then seven bits of each byte pushed together.
    v &= (last ^ (last - 1)) & UINT64_C(0x7f7f7f7f7f7f7f7f);
    v = (v & UINT64_C(0x007f007f007f007f)) | (v & UINT64_C(0x7f007f007f007f00)) >> 1;
    v = (v & UINT64_C(0x00003fff00003fff)) | (v & UINT64_C(0x3fff00003fff0000)) >> 2;
    *ret = (v & UINT64_C(0x000000000fffffff)) | (v & UINT64_C(0x0fffffff00000000)) >> 4;
    s->p += n;
    s->n -= n;
    return true;
}

static inline __attribute__((always_inline)) bool take_varint(struct span *s, uint64_t *ret)
{
    return take_varint_of(s, 10, ret);
}

static inline bool take_bytes(struct span *s, size_t n, struct span *ret)
{
    if (s->n < n) return false;
    *ret = span_of(s->p, n);
    s->p += n;
    s->n -= n;
    return true;
}

static inline __attribute__((always_inline)) bool take_field(struct span *rest, struct wire_field *ret)
{
    enum { VARINT32 = 5 }; // keys and lengths, as protobuf-c has it
    uint64_t key, n;
    if (!take_varint_of(rest, VARINT32, &key) || key > UINT32_MAX || key >> 3 == 0) return false;
    ret->tag = (uint32_t)(key >> 3);
    ret->type = (uint8_t)(key & 7);
    if (ret->type == WIRE_BYTES)
        return take_varint_of(rest, VARINT32, &n) && take_bytes(rest, n, &ret->bytes);
    if (ret->type == WIRE_VARINT) return take_varint(rest, &ret->number);
    if (ret->type == WIRE_FIXED64) return take_bytes(rest, 8, &ret->bytes);
    return ret->type == WIRE_FIXED32 && take_bytes(rest, 4, &ret->bytes);
}

bool wire_take(struct span *rest, struct wire_field *ret)
{
    return take_field(rest, ret);
}

static int check_number(const struct plan_field *f, uint64_t v, const struct place *at, struct codec_error *e)
{
    if (f->enumeration != NULL && (v >= 64 || (f->enum_values >> v & 1) == 0))
        return refuse(at, e, E_ENUM, "%lld is no value of %s", (long long)v, f->enumeration->short_name);
    if (f->ranged && ((int64_t)v < f->min || (int64_t)v > f->max))
        return refuse(at, e, E_RANGE, "%lld, allowed are %lld to %lld", (long long)v, (long long)f->min,
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
    if (f->kind == PLAN_TEXT && !codec_is_utf8(v)) return refuse(at, e, E_UTF8, "not UTF-8, or holds NUL");
    return 0;
}

static int no_memory(struct codec_error *e)
{
    return refuse(NULL, e, E_NOMEM, "takes more memory than allowed");
}

// Room for one more element. Lists double, so their pieces in the arena sum up
// to less than twice the list.
static __attribute__((noinline)) void *list_room(const struct walk *w, const struct plan_field *f, uint8_t *m)
{
    size_t *count = (size_t *)(void *)(m + f->quantifier);
    uint8_t **list = (uint8_t **)(void *)(m + f->offset);
    size_t n = *count;
    if (n == 0 || (n >= LIST_FIRST && (n & (n - 1)) == 0)) {
        uint8_t *more = arena_alloc(w->arena, (n == 0 ? LIST_FIRST : 2 * n) * f->size);
        if (more == NULL) return NULL;
        if (n > 0) memcpy(more, *list, n * f->size);
        *list = more;
    }
    ++*count;
    return *list + n * f->size;
}

// Where the value goes; NULL: the arena is full.
static inline void *room_for(const struct walk *w, const struct plan_field *f, uint8_t *m)
{
    if (f->repeated) return list_room(w, f, m);
    if (f->in_oneof) *(uint32_t *)(void *)(m + f->quantifier) = f->field->id;
    return m + f->offset;
}

static inline int put_number(const struct walk *w, const struct plan_field *f, uint64_t v, uint8_t *m)
{
    void *to = room_for(w, f, m);
    if (to == NULL) return no_memory(w->error);
    if (f->size == sizeof(v))
        memcpy(to, &v, sizeof(v));
    else
        *(uint32_t *)to = f->kind == PLAN_BOOL ? v != 0 : (uint32_t)v;
    return 0;
}

static inline int put_bytes(const struct walk *w, const struct plan_field *f, struct span v, uint8_t *m)
{
    void *to = room_for(w, f, m);
    uint8_t *copy = NULL;
    if (f->kind == PLAN_TEXT || v.n > 0) copy = arena_alloc(w->arena, v.n + 1);
    if (to == NULL || (copy == NULL && (f->kind == PLAN_TEXT || v.n > 0))) return no_memory(w->error);
    if (v.n > 0) memcpy(copy, v.p, v.n);
    if (copy != NULL) copy[v.n] = '\0';
    if (f->kind == PLAN_TEXT)
        memcpy(to, &copy, sizeof(copy));
    else
        *(ProtobufCBinaryData *)to = (ProtobufCBinaryData){v.n, copy};
    return 0;
}

// Two walks come of what follows: of what was checked before only the form is
// looked at, and no path is kept.
#define EITHER static inline __attribute__((always_inline))
static int walk_checked(const struct walk *w, const struct plan *p, struct span bytes,
                        const struct place *outer, uint8_t *m);
static int walk_trusted(const struct walk *w, const struct plan *p, struct span bytes, uint8_t *m);

EITHER int walk_nested(const struct walk *w, const struct plan_field *f, struct span bytes,
                       const struct place *at, uint8_t *m, bool trusted)
{
    uint8_t *nested = NULL;
    if (m != NULL) {
        void *to = room_for(w, f, m);
        nested = arena_alloc(w->arena, f->message->d->sizeof_message);
        if (to == NULL || nested == NULL) return no_memory(w->error);
        f->message->d->message_init((ProtobufCMessage *)(void *)nested);
        memcpy(to, &nested, sizeof(nested));
    }
    return trusted ? walk_trusted(w, f->message, bytes, nested)
                   : walk_checked(w, f->message, bytes, at, nested);
}

EITHER int walk_number(const struct walk *w, const struct plan_field *f, uint64_t v, const struct place *at,
                       uint8_t *m, bool trusted)
{
    if (f->kind == PLAN_SINT32 || f->kind == PLAN_SINT64) v = (v >> 1) ^ -(v & 1);
    int err = trusted || f->wire_type != WIRE_VARINT ? 0 : check_number(f, v, at, w->error);
    return err == 0 && m != NULL ? put_number(w, f, v, m) : err;
}

static uint64_t fixed_number(struct span v)
{
    uint64_t number = 0;
    for (size_t i = 0; i < v.n; i++) number |= (uint64_t)v.p[i] << (8 * i);
    return number;
}

static int too_many(const struct walk *w, const struct plan_field *f, const struct place *at)
{
    return refuse(at, w->error, E_TOO_BIG, "more than %u", (unsigned)f->max_count);
}

static const char cut_list[] = "a list of numbers ends in the middle of one";

// A list of numbers in one piece.
static int walk_packed(const struct walk *w, const struct plan_field *f, struct span v, uint32_t *count,
                       struct place *at, uint8_t *m)
{
    while (v.n > 0) {
        uint64_t number = 0;
        struct span fixed = SPAN_NONE;
        bool ok = f->wire_type == WIRE_VARINT ? take_varint(&v, &number)
                                              : take_bytes(&v, f->wire_type == WIRE_FIXED64 ? 8 : 4, &fixed);
        if (!ok) return refuse(at, w->error, E_MALFORMED, cut_list);
        if (count != NULL && ++*count > f->max_count) return too_many(w, f, at);
        if (f->wire_type != WIRE_VARINT) number = fixed_number(fixed);
        int err = walk_number(w, f, number, at, m, w->trusted);
        if (err != 0) return err;
        at->index++;
    }
    return 0;
}

// Bytes without a top bit: each ends a number.
static inline size_t last_bytes(struct span v)
{
    uint64_t eight;
    size_t n = 0, i = 0;
    for (; v.n - i >= sizeof eight; i += sizeof eight) {
        memcpy(&eight, v.p + i, sizeof eight);
        n += ((~eight >> 7 & UINT64_C(0x0101010101010101)) * UINT64_C(0x0101010101010101)) >> 56;
    }
    for (; i < v.n; i++) n += v.p[i] < 0x80;
    return n;
}

// The same of times and counts, all at once: as many as there are last bytes.
static int take_packed(const struct walk *w, const struct plan_field *f, struct span v, uint8_t *m)
{
    size_t *count = (size_t *)(void *)(m + f->quantifier), n, room = LIST_FIRST;
    uint8_t **list = (uint8_t **)(void *)(m + f->offset), *to;
    struct place at = {.field = f};
    if ((f->kind != PLAN_UINT64 && f->kind != PLAN_UINT32) || *count > 0)
        return walk_packed(w, f, v, NULL, &at, m);
    n = last_bytes(v);
    while (room < n) room *= 2;
    *list = to = arena_alloc(w->arena, room * f->size);
    if (to == NULL) return no_memory(w->error);
    for (; v.n > 0; to += f->size) {
        uint64_t number;
        if (!take_varint(&v, &number)) return refuse(NULL, w->error, E_MALFORMED, cut_list);
        if (f->size == sizeof(number))
            memcpy(to, &number, sizeof(number));
        else
            *(uint32_t *)(void *)to = (uint32_t)number;
    }
    *count = n;
    return 0;
}

EITHER int walk_value(const struct walk *w, const struct plan_field *f, const struct wire_field *v,
                      uint32_t *count, struct place *at, uint8_t *m, bool trusted)
{
    if (v->type != f->wire_type) {
        if (f->repeated && v->type == WIRE_BYTES && f->kind < PLAN_TEXT)
            return trusted ? take_packed(w, f, v->bytes, m) : walk_packed(w, f, v->bytes, count, at, m);
        return refuse(at, w->error, E_MALFORMED, "not of the field's type");
    }
    if (count != NULL && ++*count > f->max_count) return too_many(w, f, at);
    if (f->message != NULL) return walk_nested(w, f, v->bytes, at, m, trusted);
    if (v->type == WIRE_VARINT) return walk_number(w, f, v->number, at, m, trusted);
    if (v->type != WIRE_BYTES) return walk_number(w, f, fixed_number(v->bytes), at, m, trusted);
    int err = trusted ? 0 : check_bytes(f, v->bytes, at, w->error);
    return err == 0 && m != NULL ? put_bytes(w, f, v->bytes, m) : err;
}

static int walk_checked(const struct walk *w, const struct plan *p, struct span bytes,
                        const struct place *outer, uint8_t *m)
{
    uint64_t seen = 0;
    uint32_t counts[PLAN_MAX_COUNTED];
    struct place at = {.outer = outer};
    for (unsigned i = 0; i < p->n_counters; i++) counts[i] = 0;
    while (bytes.n > 0) {
        struct wire_field v = {0};
        if (!take_field(&bytes, &v))
            return refuse(outer, w->error, E_MALFORMED, "truncated, or not a message");
        if (v.tag >= PLAN_MAX_TAG || p->by_tag[v.tag] == 0) continue; // of a newer version
        const struct plan_field *f = &p->fields[p->by_tag[v.tag] - 1];
        at.index = f != at.field ? 0 : at.index + 1;
        at.field = f;
        if (f->once != PLAN_ANY_TIMES) {
            if (seen >> f->once & 1) return refuse(&at, w->error, E_MALFORMED, "given twice");
            seen |= UINT64_C(1) << f->once;
        }
        uint32_t *count = f->counter != PLAN_NOT_COUNTED ? &counts[f->counter] : NULL;
        if (count != NULL) at.index = *count;
        int err = walk_value(w, f, &v, count, &at, m, false);
        if (err != 0) return err;
    }
    return 0;
}

static int walk_trusted(const struct walk *w, const struct plan *p, struct span bytes, uint8_t *m)
{
    while (bytes.n > 0) {
        struct wire_field v = {0};
        if (!take_field(&bytes, &v))
            return refuse(NULL, w->error, E_MALFORMED, "truncated, or not a message");
        if (v.tag >= PLAN_MAX_TAG || p->by_tag[v.tag] == 0) continue; // of a newer version
        const struct plan_field *f = &p->fields[p->by_tag[v.tag] - 1];
        if ((f->detail & w->without) != 0) continue;
        int err = walk_value(w, f, &v, NULL, NULL, m, true);
        if (err != 0) return err;
    }
    return 0;
}

int wire_check(const ProtobufCMessageDescriptor *d, struct span bytes, struct codec_error *ret_error)
{
    struct walk w = {.error = ret_error};
    return walk_checked(&w, plan_of(d), bytes, NULL, NULL);
}

int wire_unpack(const ProtobufCMessageDescriptor *d, struct span bytes, enum wire_trust trust,
                unsigned without, struct arena *arena, void *ret_message, struct codec_error *ret_error)
{
    struct walk w = {arena, trust == WIRE_TRUSTED, without, ret_error};
    uint8_t *m = arena_alloc(arena, d->sizeof_message);
    if (m == NULL) return no_memory(ret_error);
    d->message_init((ProtobufCMessage *)(void *)m);
    int err =
        w.trusted ? walk_trusted(&w, plan_of(d), bytes, m) : walk_checked(&w, plan_of(d), bytes, NULL, m);
    if (err == 0) memcpy(ret_message, &m, sizeof(m));
    return err;
}
