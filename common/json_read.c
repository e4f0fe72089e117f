// SPDX-License-Identifier: Apache-2.0
// ProtoJSON to protobuf: Jansson parses, the descriptor leads, the message is
// built in the arena, and at the end passes the same check as encoded bytes.
#include "json.h"

#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "err.h"
#include "wire.h"

struct place {
    const struct place *outer;
    const char *name;
    long index; // -1: not a list
};

struct reading {
    struct arena *arena;
    struct codec_error *error;
};

static size_t put_path(const struct place *at, char *ret, size_t n)
{
    if (at == NULL) return 0;
    size_t used = put_path(at->outer, ret, n);
    int more = at->index < 0
                   ? snprintf(ret + used, n - used, "%s%s", used > 0 ? "." : "", at->name)
                   : snprintf(ret + used, n - used, "%s%s[%ld]", used > 0 ? "." : "", at->name, at->index);
    used += (size_t)more;
    return used < n ? used : n - 1;
}

__attribute__((format(printf, 4, 5))) static int refuse(struct reading *r, const struct place *at, int code,
                                                        const char *format, ...)
{
    va_list args;
    r->error->code = code;
    r->error->field[0] = '\0';
    put_path(at, r->error->field, sizeof r->error->field);
    va_start(args, format);
    vsnprintf(r->error->reason, sizeof r->error->reason, format, args);
    va_end(args);
    return code;
}

static int no_memory(struct reading *r, const struct place *at)
{
    return refuse(r, at, E_NOMEM, "takes more memory than allowed");
}

static int read_signed(struct reading *r, const struct place *at, json_t *j, int64_t min, int64_t max,
                       int64_t *ret)
{
    int64_t v;
    if (json_is_integer(j)) {
        v = json_integer_value(j);
    } else if (json_is_string(j)) {
        const char *s = json_string_value(j);
        char *end;
        errno = 0;
        v = strtoll(s, &end, 10);
        if (*s == '\0' || *s == ' ' || *s == '+' || *end != '\0')
            return refuse(r, at, E_MALFORMED, "not a whole number");
        if (errno != 0) return refuse(r, at, E_RANGE, "does not fit into 64 bits");
    } else {
        return refuse(r, at, E_MALFORMED, "not a whole number");
    }
    if (v < min || v > max)
        return refuse(r, at, E_RANGE, "%lld, allowed are %lld to %lld", (long long)v, (long long)min,
                      (long long)max);
    *ret = v;
    return 0;
}

static int read_unsigned(struct reading *r, const struct place *at, json_t *j, uint64_t *ret)
{
    if (json_is_string(j)) {
        const char *s = json_string_value(j);
        char *end;
        errno = 0;
        unsigned long long v = strtoull(s, &end, 10);
        if (*s < '0' || *s > '9' || *end != '\0')
            return refuse(r, at, E_MALFORMED, "not a whole number from 0");
        if (errno != 0) return refuse(r, at, E_RANGE, "does not fit into 64 bits");
        *ret = v;
        return 0;
    }
    int64_t v;
    int err = read_signed(r, at, j, 0, INT64_MAX, &v);
    if (err == 0) *ret = (uint64_t)v;
    return err;
}

static int read_double(struct reading *r, const struct place *at, json_t *j, double *ret)
{
    if (!json_is_number(j)) return refuse(r, at, E_MALFORMED, "not a number");
    *ret = json_number_value(j);
    return 0;
}

static int read_enum(struct reading *r, const struct place *at, json_t *j, const ProtobufCEnumDescriptor *d,
                     int *ret)
{
    if (json_is_integer(j)) {
        json_int_t v = json_integer_value(j);
        if (v < 0 || v > INT32_MAX || protobuf_c_enum_descriptor_get_value(d, (int)v) == NULL)
            return refuse(r, at, E_ENUM, "%lld is no value of %s", (long long)v, d->short_name);
        *ret = (int)v;
        return 0;
    }
    if (!json_is_string(j)) return refuse(r, at, E_MALFORMED, "not a name of %s", d->short_name);
    const char *name = json_string_value(j);
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value_by_name(d, name);
    if (v != NULL) {
        *ret = v->value;
        return 0;
    }
    if (codec_enum_value(d, name, ret) == 0) return 0;
    return refuse(r, at, E_ENUM, "no value of %s", d->short_name);
}

static int read_text(struct reading *r, const struct place *at, json_t *j, char **ret)
{
    if (!json_is_string(j)) return refuse(r, at, E_MALFORMED, "not a text");
    char *s = arena_strdup(r->arena, json_string_value(j));
    if (s == NULL) return no_memory(r, at);
    *ret = s;
    return 0;
}

static int read_bytes(struct reading *r, const struct place *at, json_t *j, ProtobufCBinaryData *ret)
{
    static const int variants[] = {sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
                                   sodium_base64_VARIANT_URLSAFE, sodium_base64_VARIANT_URLSAFE_NO_PADDING};
    if (!json_is_string(j)) return refuse(r, at, E_MALFORMED, "not base64");
    size_t n = json_string_length(j), used = 0;
    uint8_t *p = arena_alloc(r->arena, n + 1);
    if (p == NULL) return no_memory(r, at);
    for (unsigned i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        if (sodium_base642bin(p, n + 1, json_string_value(j), n, NULL, &used, NULL, variants[i]) != 0)
            continue;
        *ret = (ProtobufCBinaryData){used, p};
        return 0;
    }
    return refuse(r, at, E_MALFORMED, "not base64");
}

static int read_message(struct reading *r, const struct place *at, json_t *j,
                        const ProtobufCMessageDescriptor *d, ProtobufCMessage **ret);

static int read_number(struct reading *r, const struct place *at, json_t *j, ProtobufCType type, void *ret)
{
    int64_t s = 0;
    uint64_t u = 0;
    double d = 0;
    int err;
    switch (type) {
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        err = read_signed(r, at, j, 0, UINT32_MAX, &s);
        if (err == 0) *(uint32_t *)ret = (uint32_t)s;
        return err;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return read_signed(r, at, j, INT64_MIN, INT64_MAX, ret);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        err = read_unsigned(r, at, j, &u);
        if (err == 0) *(uint64_t *)ret = u;
        return err;
    case PROTOBUF_C_TYPE_FLOAT:
        err = read_double(r, at, j, &d);
        if (err == 0) *(float *)ret = (float)d;
        return err;
    case PROTOBUF_C_TYPE_DOUBLE:
        return read_double(r, at, j, ret);
    default:
        err = read_signed(r, at, j, INT32_MIN, INT32_MAX, &s);
        if (err == 0) *(int32_t *)ret = (int32_t)s;
        return err;
    }
}

static int read_value(struct reading *r, const struct place *at, json_t *j, const ProtobufCFieldDescriptor *f,
                      void *ret)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
        return read_text(r, at, j, ret);
    case PROTOBUF_C_TYPE_BYTES:
        return read_bytes(r, at, j, ret);
    case PROTOBUF_C_TYPE_MESSAGE:
        return read_message(r, at, j, f->descriptor, ret);
    case PROTOBUF_C_TYPE_ENUM:
        return read_enum(r, at, j, f->descriptor, ret);
    case PROTOBUF_C_TYPE_BOOL:
        if (!json_is_boolean(j)) return refuse(r, at, E_MALFORMED, "not true or false");
        *(protobuf_c_boolean *)ret = json_is_true(j);
        return 0;
    default:
        return read_number(r, at, j, f->type, ret);
    }
}

static int read_list(struct reading *r, const struct place *outer, json_t *j,
                     const ProtobufCFieldDescriptor *f, uint8_t *base)
{
    struct place at = {outer, f->name, -1};
    if (!json_is_array(j)) return refuse(r, &at, E_MALFORMED, "not a list");
    size_t n = json_array_size(j), size = json_element_size(f->type);
    if (n == 0) return 0;
    uint8_t *items = arena_zalloc(r->arena, n * size);
    if (items == NULL) return no_memory(r, &at);
    for (size_t i = 0; i < n; i++) {
        at.index = (long)i;
        int err = read_value(r, &at, json_array_get(j, i), f, items + i * size);
        if (err != 0) return err;
    }
    *(size_t *)(void *)(base + f->quantifier_offset) = n;
    *(void **)(void *)(base + f->offset) = items;
    return 0;
}

// Is the JSON name the field's: snake_case as in .proto, or lowerCamelCase?
static bool is_name(const char *field, const char *name)
{
    if (strcmp(field, name) == 0) return true;
    for (; *field != '\0'; field++, name++) {
        char c = *field;
        if (c == '_' && field[1] >= 'a' && field[1] <= 'z') c = (char)(*++field - 'a' + 'A');
        if (*name != c) return false;
    }
    return *name == '\0';
}

static int read_field(struct reading *r, const struct place *outer, json_t *j,
                      const ProtobufCFieldDescriptor *f, uint8_t *base)
{
    if (f->label == PROTOBUF_C_LABEL_REPEATED) return read_list(r, outer, j, f, base);
    struct place at = {outer, f->name, -1};
    if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
        uint32_t *which = (uint32_t *)(void *)(base + f->quantifier_offset);
        if (*which != 0) return refuse(r, &at, E_MALFORMED, "another of the same choice is given too");
        *which = f->id;
    }
    return read_value(r, &at, j, f, base + f->offset);
}

static int read_message(struct reading *r, const struct place *at, json_t *j,
                        const ProtobufCMessageDescriptor *d, ProtobufCMessage **ret)
{
    if (!json_is_object(j)) return refuse(r, at, E_MALFORMED, "not an object");
    ProtobufCMessage *m = arena_alloc(r->arena, d->sizeof_message);
    if (m == NULL) return no_memory(r, at);
    d->message_init(m);
    const char *name;
    json_t *value;
    json_object_foreach(j, name, value)
    {
        const ProtobufCFieldDescriptor *f = NULL;
        for (unsigned i = 0; i < d->n_fields && f == NULL; i++)
            if (is_name(d->fields[i].name, name)) f = &d->fields[i];
        struct place inner = {at, name, -1};
        if (f == NULL) return refuse(r, &inner, E_MALFORMED, "no such field");
        if (json_is_null(value)) continue;
        int err = read_field(r, at, value, f, (uint8_t *)m);
        if (err != 0) return err;
    }
    *ret = m;
    return 0;
}

int json_to_message(const ProtobufCMessageDescriptor *d, struct span text, struct arena *arena,
                    void *ret_message, struct codec_error *ret_error)
{
    struct reading r = {arena, ret_error};
    json_error_t where;
    json_t *j = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &where);
    if (j == NULL)
        return refuse(&r, NULL, E_MALFORMED, "line %d, column %d: %s", where.line, where.column, where.text);
    ProtobufCMessage *m = NULL;
    int err = read_message(&r, NULL, j, d, &m);
    json_decref(j);
    if (err != 0) return err;
    struct span packed = codec_pack(m, arena);
    if (packed.p == NULL) return no_memory(&r, NULL);
    err = wire_check(d, packed, ret_error);
    if (err != 0) return err;
    memcpy(ret_message, &m, sizeof m);
    return 0;
}
