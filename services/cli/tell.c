// SPDX-License-Identifier: Apache-2.0
// Patterns of the catalog, filled from a message by its descriptor.
#include "tell.h"

#include <stdio.h>

#include "field.h"
#include "life.h"

enum { MAX_TERM = 256 };

const ProtobufCMessage *tell_body(const Kesu__V1__Event *e)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field(&kesu__v1__event__descriptor, (unsigned)e->body_case);
    return f != NULL ? *(ProtobufCMessage *const *)(const void *)((const uint8_t *)e + f->offset) : NULL;
}

const char *tell_word(const struct teller *t, const char *key)
{
    for (const struct tell_entry *x = tell_entries; x->key != NULL; x++)
        if (strcmp(x->key, key) == 0) return x->text[t->language];
    return key;
}

const char *tell_enum(const struct teller *t, const ProtobufCEnumDescriptor *d, int value, char ret[CLI_TEXT])
{
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(d, value);
    const char *word = v != NULL ? tell_word(t, v->name) : NULL;
    return word != NULL && word != v->name ? word : cli_word(d, value, ret);
}

const char *tell_sentence_of(const struct teller *t, const Kesu__V1__Event *e)
{
    unsigned variant = life_variant(e);
    for (const struct tell_sentence *s = tell_sentences; s->event != 0; s++)
        if (s->event == (unsigned)e->body_case && (s->variant == LIFE_ANY || s->variant == variant))
            return s->text[t->language];
    return NULL;
}

// The message and its field at the end of a path; false: an inner message is not there.
static bool find(const ProtobufCMessage **m, const char *path, const ProtobufCFieldDescriptor **ret)
{
    for (;;) {
        char name[64];
        size_t n = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)n, path);
        *ret = protobuf_c_message_descriptor_get_field_by_name((*m)->descriptor, name);
        if (*ret == NULL) return false;
        if (path[n] == '\0') return true;
        *m = *(ProtobufCMessage *const *)(const void *)((const uint8_t *)*m + (*ret)->offset);
        if (*m == NULL) return false;
        path += n + 1;
    }
}

static bool has_value(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, const char *value)
{
    char word[CLI_TEXT];
    if (f->type == PROTOBUF_C_TYPE_ENUM) {
        int found = *(const int *)(const void *)((const uint8_t *)m + f->offset);
        return codec_enum_name(f->descriptor, found, word, sizeof word) != NULL && strcmp(word, value) == 0;
    }
    return f->type == PROTOBUF_C_TYPE_STRING &&
           strcmp(*(char *const *)(const void *)((const uint8_t *)m + f->offset), value) == 0;
}

// {FIELD=VALUE?TEXT} and its like.
static size_t condition(const ProtobufCMessage *m, char *term, char *question, char *ret, size_t n)
{
    const ProtobufCFieldDescriptor *f;
    *question = '\0';
    bool no = term[0] == '!';
    char *equals = strchr(term, '=');
    if (equals != NULL) *equals = '\0';
    bool is =
        find(&m, term + no, &f) && (equals != NULL ? has_value(m, f, equals + 1) : cli_field_given(m, f));
    return is != no ? tell_put(ret, n, question + 1) : n;
}

static size_t put_term(const struct teller *t, const ProtobufCMessage *m, char *term, char *ret, size_t n)
{
    const ProtobufCFieldDescriptor *f;
    char number[32];
    size_t start = n;
    char *question = strchr(term, '?');
    if (question != NULL) return condition(m, term, question, ret, n);
    char *otherwise = strchr(term, '|');
    if (otherwise != NULL) *otherwise = '\0';
    bool count = term[0] == '#';
    if (find(&m, term + count, &f)) {
        if (count) {
            snprintf(number, sizeof number, "%zu",
                     *(const size_t *)(const void *)((const uint8_t *)m + f->quantifier_offset));
            return tell_put(ret, n, number);
        }
        n = tell_value(t, m, f, ret, n);
    }
    if (n == start && otherwise != NULL) n = tell_put(ret, n, otherwise + 1);
    return n;
}

void tell(const struct teller *t, const char *pattern, const ProtobufCMessage *m, char ret[TELL_TEXT])
{
    size_t n = 0, bracket = 0;
    bool empty = false;
    ret[0] = '\0';
    for (const char *at = pattern; *at != '\0'; at++) {
        char term[MAX_TERM];
        size_t length, before = n;
        switch (*at) {
        case '[':
            bracket = n;
            empty = false;
            break;
        case ']':
            if (empty) n = bracket;
            break;
        case '{':
            length = strcspn(at, "}");
            snprintf(term, sizeof term, "%.*s", (int)length - 1, at + 1);
            n = put_term(t, m, term, ret, n);
            empty = empty || n == before;
            at += length;
            break;
        default:
            term[0] = *at;
            term[1] = '\0';
            n = tell_put(ret, n, term);
            break;
        }
    }
    ret[n] = '\0';
}
