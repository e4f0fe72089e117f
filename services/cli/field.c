// SPDX-License-Identifier: Apache-2.0
// Fields by their path. What is no field of the message itself may be one of an
// inner message, when only one has it: text is words.text. Of a list of
// messages the last is meant; a field it has already begins the next.
#include "field.h"

#include <stdio.h>

#include "check.h"
#include "json.h"

enum { MAX_PATH = 128 };

static void *member(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    return (uint8_t *)(uintptr_t)m + f->offset;
}

static size_t *count(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    return (size_t *)(void *)((uint8_t *)(uintptr_t)m + f->quantifier_offset);
}

bool cli_field_given(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    const void *at = member(m, f);
    if (f->label == PROTOBUF_C_LABEL_REPEATED) return *count(m, f) > 0;
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
        return (*(char *const *)at)[0] != '\0';
    case PROTOBUF_C_TYPE_BYTES:
        return ((const ProtobufCBinaryData *)at)->len > 0;
    case PROTOBUF_C_TYPE_MESSAGE:
        return *(void *const *)at != NULL;
    case PROTOBUF_C_TYPE_BOOL:
        return *(const protobuf_c_boolean *)at != 0;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_SINT64:
        return *(const uint64_t *)at != 0;
    default:
        return *(const uint32_t *)at != 0;
    }
}

// One name of a path; dashes are underscores, and what counts ten-thousandths is called without saying so.
static const ProtobufCFieldDescriptor *own_field(const ProtobufCMessageDescriptor *d, const char *name,
                                                 size_t n)
{
    char wanted[MAX_PATH];
    if (n == 0 || n + sizeof "_e4" > sizeof wanted) return NULL;
    for (size_t i = 0; i < n; i++) wanted[i] = name[i] == '-' ? '_' : name[i];
    wanted[n] = '\0';
    const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(d, wanted);
    if (f != NULL) return f;
    memcpy(wanted + n, "_e4", sizeof "_e4");
    return protobuf_c_message_descriptor_get_field_by_name(d, wanted);
}

// The message among the fields of d that alone has this field; NULL: none, or several.
static const ProtobufCFieldDescriptor *inner_of(const ProtobufCMessageDescriptor *d, const char *name,
                                                size_t n)
{
    const ProtobufCFieldDescriptor *found = NULL;
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        if (f->type != PROTOBUF_C_TYPE_MESSAGE || f->label == PROTOBUF_C_LABEL_REPEATED ||
            own_field(f->descriptor, name, n) == NULL)
            continue;
        if (found != NULL) return NULL;
        found = f;
    }
    return found;
}

const ProtobufCFieldDescriptor *cli_field_find(const ProtobufCMessageDescriptor *d, const char *path)
{
    const ProtobufCFieldDescriptor *f = NULL;
    for (;;) {
        size_t n = strcspn(path, ".=");
        f = own_field(d, path, n);
        if (f == NULL) {
            const ProtobufCFieldDescriptor *inner = inner_of(d, path, n);
            f = inner != NULL ? own_field(inner->descriptor, path, n) : NULL;
        }
        if (f == NULL || path[n] != '.') return f;
        if (f->type != PROTOBUF_C_TYPE_MESSAGE) return NULL;
        d = f->descriptor;
        path += n + 1;
    }
}

bool cli_field_is(const ProtobufCMessageDescriptor *d, const char *word)
{
    return strchr(word, '=') != NULL && cli_field_find(d, word) != NULL;
}

// Room for one more at the end of a list.
static void *append(struct cli *c, ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    size_t size = json_element_size(f->type), n = *count(m, f);
    uint8_t *list = arena_zalloc(&c->arena, (n + 1) * size);
    CHECK(list != NULL);
    if (n > 0) memcpy(list, *(void **)member(m, f), n * size);
    *(void **)member(m, f) = list;
    *count(m, f) = n + 1;
    return list + n * size;
}

// The message a path goes on in: made when it is not there.
static ProtobufCMessage *enter(struct cli *c, ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                               const char *rest)
{
    ProtobufCMessage **at = member(m, f);
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t n = *count(m, f);
        ProtobufCMessage *last = n > 0 ? (*(ProtobufCMessage ***)member(m, f))[n - 1] : NULL;
        const ProtobufCFieldDescriptor *next = own_field(f->descriptor, rest, strcspn(rest, ".="));
        if (last != NULL && (next == NULL || next->label == PROTOBUF_C_LABEL_REPEATED ||
                             strcspn(rest, ".") < strcspn(rest, "=") || !cli_field_given(last, next)))
            return last;
        at = append(c, m, f);
    }
    if (*at == NULL) *at = cli_new(c, f->descriptor);
    return *at;
}

static int no_field(struct cli *c, const ProtobufCMessageDescriptor *d, const char *word)
{
    char names[1024] = "";
    size_t n = 0;
    for (unsigned i = 0; i < d->n_fields && n < sizeof names; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i > 0 ? ", " : "", d->fields[i].name);
    return cli_fail(c, CLI_USAGE, "found '%.*s', allowed are FIELD=VALUE with the fields %s",
                    (int)strcspn(word, "="), word, names);
}

// Words may be said as they are; @FILE adds a file to them.
static int set_words(struct cli *c, const char *path, Kesu__V1__Words **words, const char *text)
{
    if (*words == NULL) *words = cli_new(c, &kesu__v1__words__descriptor);
    const char *inner = text[0] == '@' ? "attachments" : "text";
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(&kesu__v1__words__descriptor, inner);
    void *at = text[0] == '@' ? append(c, &(*words)->base, f) : member(&(*words)->base, f);
    return cli_field_value(c, path, f, text, at);
}

int cli_field_set(struct cli *c, ProtobufCMessage *m, const char *word)
{
    const char *value = strchr(word, '='), *at = word;
    char path[MAX_PATH];
    if (value == NULL || cli_field_find(m->descriptor, word) == NULL) return no_field(c, m->descriptor, word);
    snprintf(path, sizeof path, "%.*s", (int)(value - word), word);
    for (;;) {
        size_t n = strcspn(at, ".=");
        const ProtobufCFieldDescriptor *f = own_field(m->descriptor, at, n);
        if (f == NULL) {
            m = enter(c, m, inner_of(m->descriptor, at, n), at);
            f = own_field(m->descriptor, at, n);
        }
        if (at[n] == '.') {
            at += n + 1;
            m = enter(c, m, f, at);
            continue;
        }
        value++;
        if (f->type == PROTOBUF_C_TYPE_MESSAGE && f->descriptor == &kesu__v1__words__descriptor)
            return set_words(c, path, member(m, f), value);
        if (f->label == PROTOBUF_C_LABEL_REPEATED && value[0] == '\0') return 0; // none
        return cli_field_value(c, path, f, value,
                               f->label == PROTOBUF_C_LABEL_REPEATED ? append(c, m, f) : member(m, f));
    }
}
