/* SPDX-License-Identifier: Apache-2.0 */
/* What changed between two policies, a line a thing:
 *
 *     + staff lin_yu
 *     - categories damage.wet
 *     ~ clocks resolution: warn_percent 80 -> 70
 *
 * Things are told apart by id (templates by id and language), single maps by
 * their name. Numbers and short texts are shown, the rest is named. */
#include <stdio.h>

#include "codec.h"
#include "policy.h"
#include "policy_schema.h"

struct lines {
    struct mem *m;
    char *text;
    size_t n;
};

static void add(struct lines *l, const char *a, const char *b, const char *c, const char *d)
{
    const char *parts[] = {a, b, c, d, "\n"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        size_t n = strlen(parts[i]);
        l->text = mem_realloc(l->m, l->text, l->n + n + 1);
        memcpy(l->text + l->n, parts[i], n + 1);
        l->n += n;
    }
}

static const void *field_at(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    return (const char *)m + f->offset;
}

static size_t count_of(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    if (f->label != PROTOBUF_C_LABEL_REPEATED) return 0;
    return *(const size_t *)(const void *)((const char *)m + f->quantifier_offset);
}

static bool same_message(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    if (a == NULL || b == NULL) return a == b;
    struct buf *x = codec_pack_buf(a), *y = codec_pack_buf(b);
    bool same = span_equal(buf_span(x), buf_span(y));
    buf_unref(x);
    buf_unref(y);
    return same;
}

static int64_t number_of(const ProtobufCFieldDescriptor *f, const void *at)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_INT64:
        return *(const int64_t *)at;
    case PROTOBUF_C_TYPE_BOOL:
        return *(const protobuf_c_boolean *)at;
    case PROTOBUF_C_TYPE_UINT32:
        return *(const uint32_t *)at;
    default:
        return *(const int32_t *)at;
    }
}

static bool same_item(const ProtobufCFieldDescriptor *f, const void *a, const void *b)
{
    if (f->type == PROTOBUF_C_TYPE_STRING)
        return strcmp(*(const char *const *)a, *(const char *const *)b) == 0;
    if (f->type == PROTOBUF_C_TYPE_MESSAGE)
        return same_message(*(const ProtobufCMessage *const *)a, *(const ProtobufCMessage *const *)b);
    return number_of(f, a) == number_of(f, b);
}

static size_t item_bytes(const ProtobufCFieldDescriptor *f)
{
    if (f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_MESSAGE) return sizeof(void *);
    return f->type == PROTOBUF_C_TYPE_INT64 ? sizeof(int64_t) : sizeof(int32_t);
}

static bool same_field(const ProtobufCFieldDescriptor *f, const ProtobufCMessage *a,
                       const ProtobufCMessage *b)
{
    const void *x = field_at(a, f), *y = field_at(b, f);
    if (f->label != PROTOBUF_C_LABEL_REPEATED) return same_item(f, x, y);
    if (count_of(a, f) != count_of(b, f)) return false;
    const char *xs = *(const char *const *)x, *ys = *(const char *const *)y;
    for (size_t i = 0; i < count_of(a, f); i++)
        if (!same_item(f, xs + i * item_bytes(f), ys + i * item_bytes(f))) return false;
    return true;
}

static void value_text(const ProtobufCFieldDescriptor *f, const void *at, char *ret, size_t n)
{
    if (f->type == PROTOBUF_C_TYPE_STRING) {
        const char *s = *(const char *const *)at;
        size_t shown = codec_utf8_prefix(span_str(s), 40);
        (void)snprintf(ret, n, "'%.*s%s'", (int)shown, s, s[shown] != '\0' ? "..." : "");
        for (char *c = ret; *c != '\0'; c++)
            if ((unsigned char)*c < 0x20) *c = ' ';
    } else {
        (void)snprintf(ret, n, "%lld", (long long)number_of(f, at));
    }
}

/* The fields in which two things of one kind differ. */
static void add_changes(struct lines *l, const char *kind, const char *id, const ProtobufCMessage *a,
                        const ProtobufCMessage *b)
{
    for (unsigned i = 0; i < a->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &a->descriptor->fields[i];
        if (same_field(f, a, b)) continue;
        char head[300], change[300];
        (void)snprintf(head, sizeof head, "%s%s%s: %s", kind, id[0] != '\0' ? " " : "", id, f->name);
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            (void)snprintf(change, sizeof change, " changed (%zu -> %zu)", count_of(a, f), count_of(b, f));
        } else if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
            (void)snprintf(change, sizeof change, " changed");
        } else {
            char from[100], to[100];
            value_text(f, field_at(a, f), from, sizeof from);
            value_text(f, field_at(b, f), to, sizeof to);
            (void)snprintf(change, sizeof change, " %s -> %s", from, to);
        }
        add(l, "~ ", head, change, "");
    }
}

/* "receipt" or, for a template, "receipt zh-Hant". */
static void id_text(const ProtobufCMessage *m, char *ret, size_t n)
{
    const ProtobufCFieldDescriptor *id = protobuf_c_message_descriptor_get_field_by_name(m->descriptor, "id");
    (void)snprintf(ret, n, "%.150s", *(const char *const *)field_at(m, id));
    if (m->descriptor != &kesu__v1__template__descriptor) return;
    size_t used = strlen(ret);
    (void)snprintf(ret + used, n - used, " %s",
                   policy_language_name(((const Kesu__V1__Template *)(const void *)m)->language));
}

static const ProtobufCMessage *find(const ProtobufCMessage *const *list, size_t n, const char *id)
{
    char other[200];
    for (size_t i = 0; i < n; i++) {
        id_text(list[i], other, sizeof other);
        if (strcmp(other, id) == 0) return list[i];
    }
    return NULL;
}

static void add_list(struct lines *l, const ProtobufCFieldDescriptor *f, const ProtobufCMessage *from,
                     const ProtobufCMessage *to)
{
    const ProtobufCMessage *const *a = *(const ProtobufCMessage *const *const *)field_at(from, f);
    const ProtobufCMessage *const *b = *(const ProtobufCMessage *const *const *)field_at(to, f);
    size_t n_a = count_of(from, f), n_b = count_of(to, f);
    char id[200];
    for (size_t i = 0; i < n_a; i++) {
        id_text(a[i], id, sizeof id);
        const ProtobufCMessage *same = find(b, n_b, id);
        if (same == NULL)
            add(l, "- ", f->name, " ", id);
        else
            add_changes(l, f->name, id, a[i], same);
    }
    for (size_t i = 0; i < n_b; i++) {
        id_text(b[i], id, sizeof id);
        if (find(a, n_a, id) == NULL) add(l, "+ ", f->name, " ", id);
    }
}

char *policy_diff(struct mem *m, const Kesu__V1__Policy *from, const Kesu__V1__Policy *to)
{
    struct lines l = {m, mem_strdup(m, ""), 0};
    const ProtobufCMessageDescriptor *d = &kesu__v1__policy__descriptor;
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            add_list(&l, f, &from->base, &to->base);
            continue;
        }
        const ProtobufCMessage *a = *(const ProtobufCMessage *const *)field_at(&from->base, f);
        const ProtobufCMessage *b = *(const ProtobufCMessage *const *)field_at(&to->base, f);
        if (a == NULL || b == NULL) {
            if (a != b) add(&l, a == NULL ? "+ " : "- ", f->name, "", "");
        } else {
            add_changes(&l, f->name, "", a, b);
        }
    }
    return l.text;
}
