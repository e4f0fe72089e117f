// SPDX-License-Identifier: Apache-2.0
// protobuf to ProtoJSON: fields in the order of their numbers, those at their
// default left out, as ProtoJSON says. Reading is in json_read.c.
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>

#include "check.h"

struct out {
    struct mem *mem;
    char *p;
    size_t n, size;
    unsigned indent, level;
};

static char *reserve(struct out *o, size_t n)
{
    if (o->size - o->n < n + 1) {
        o->size = (o->n + n + 1) * 2;
        o->p = mem_realloc(o->mem, o->p, o->size);
    }
    return o->p + o->n;
}

static void put(struct out *o, const char *s, size_t n)
{
    memcpy(reserve(o, n), s, n);
    o->n += n;
}

static void put_text(struct out *o, const char *s)
{
    put(o, s, strlen(s));
}

static void put_line(struct out *o)
{
    if (o->indent == 0) return;
    put_text(o, "\n");
    for (unsigned i = 0; i < o->level * o->indent; i++) put(o, " ", 1);
}

static void put_quoted(struct out *o, const char *s)
{
    put(o, "\"", 1);
    for (size_t plain; *s != '\0'; s += plain) {
        plain = 0;
        while ((unsigned char)s[plain] >= 0x20 && s[plain] != '"' && s[plain] != '\\' && s[plain] != 0x7f)
            plain++;
        put(o, s, plain);
        if (s[plain] == '\0') break;
        char escaped[8];
        put(o, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned char)s[plain]));
        plain++;
    }
    put(o, "\"", 1);
}

static void put_base64(struct out *o, const ProtobufCBinaryData *b)
{
    size_t n = sodium_base64_ENCODED_LEN(b->len, sodium_base64_VARIANT_ORIGINAL);
    put(o, "\"", 1);
    sodium_bin2base64(reserve(o, n), n, b->data, b->len, sodium_base64_VARIANT_ORIGINAL);
    o->n += n - 1;
    put(o, "\"", 1);
}

static void put_double(struct out *o, double v)
{
    char text[40];
    if (isnan(v))
        put_text(o, "\"NaN\"");
    else if (isinf(v))
        put_text(o, v > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    else
        put(o, text, (size_t)snprintf(text, sizeof text, "%.17g", v));
}

static void put_enum(struct out *o, const ProtobufCEnumDescriptor *d, int v)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(d, v);
    char text[16];
    if (value != NULL)
        put_quoted(o, value->name);
    else
        put(o, text, (size_t)snprintf(text, sizeof text, "%d", v));
}

static void put_message(struct out *o, const ProtobufCMessage *m);

static void put_value(struct out *o, const ProtobufCFieldDescriptor *f, const void *p)
{
    char text[32];
    size_t n = 0;
    switch (f->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        n = (size_t)snprintf(text, sizeof text, "%" PRId32, *(const int32_t *)p);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        n = (size_t)snprintf(text, sizeof text, "%" PRIu32, *(const uint32_t *)p);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        n = (size_t)snprintf(text, sizeof text, "\"%" PRId64 "\"", *(const int64_t *)p);
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        n = (size_t)snprintf(text, sizeof text, "\"%" PRIu64 "\"", *(const uint64_t *)p);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        put_double(o, (double)*(const float *)p);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        put_double(o, *(const double *)p);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        put_text(o, *(const protobuf_c_boolean *)p ? "true" : "false");
        break;
    case PROTOBUF_C_TYPE_ENUM:
        put_enum(o, f->descriptor, *(const int *)p);
        break;
    case PROTOBUF_C_TYPE_STRING:
        put_quoted(o, *(char *const *)p);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        put_base64(o, p);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        put_message(o, *(const ProtobufCMessage *const *)p);
        break;
    }
    put(o, text, n);
}

size_t json_element_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 4;
    }
}

static bool is_default(const ProtobufCFieldDescriptor *f, const void *p)
{
    static const uint8_t zeros[8];
    if (f->type == PROTOBUF_C_TYPE_STRING) {
        const char *s = *(char *const *)p;
        return s == NULL || *s == '\0';
    }
    if (f->type == PROTOBUF_C_TYPE_BYTES) return ((const ProtobufCBinaryData *)p)->len == 0;
    return memcmp(p, zeros, json_element_size(f->type)) == 0;
}

static bool is_given(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    const uint8_t *base = (const uint8_t *)m;
    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        return *(const size_t *)(const void *)(base + f->quantifier_offset) > 0;
    if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
        return *(const uint32_t *)(const void *)(base + f->quantifier_offset) == f->id;
    return !is_default(f, base + f->offset);
}

static void put_list(struct out *o, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    const uint8_t *base = (const uint8_t *)m;
    size_t n = *(const size_t *)(const void *)(base + f->quantifier_offset);
    const uint8_t *items = *(const uint8_t *const *)(const void *)(base + f->offset);
    put(o, "[", 1);
    o->level++;
    for (size_t i = 0; i < n; i++) {
        if (i > 0) put(o, ",", 1);
        put_line(o);
        put_value(o, f, items + i * json_element_size(f->type));
    }
    o->level--;
    put_line(o);
    put(o, "]", 1);
}

static void put_message(struct out *o, const ProtobufCMessage *m)
{
    bool first = true;
    put(o, "{", 1);
    o->level++;
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        if (!is_given(m, f)) continue;
        if (!first) put(o, ",", 1);
        first = false;
        put_line(o);
        put_quoted(o, f->name);
        put_text(o, o->indent > 0 ? ": " : ":");
        if (f->label == PROTOBUF_C_LABEL_REPEATED)
            put_list(o, m, f);
        else
            put_value(o, f, (const uint8_t *)m + f->offset);
    }
    o->level--;
    if (!first) put_line(o);
    put(o, "}", 1);
}

char *json_from_message(struct mem *m, const void *message, unsigned indent)
{
    struct out o = {.mem = m, .indent = indent};
    reserve(&o, 512);
    put_message(&o, message);
    o.p[o.n] = '\0';
    return o.p;
}
