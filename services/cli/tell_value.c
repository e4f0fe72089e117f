// SPDX-License-Identifier: Apache-2.0
// One value in words. What a text means follows from the name of its field:
// ids of people, departments, categories become names, where a policy is known.
#include <inttypes.h>
#include <stdio.h>

#include "field.h"
#include "json.h"
#include "policy.h"
#include "tell.h"

enum meaning { PLAIN, STAFF, DEPARTMENT, CATEGORY, CLOCK, EVIDENCE, WORD };

static const struct {
    const char *field;
    enum meaning meaning;
} meanings[] = {
    {"agent", STAFF},
    {"previous_agent", STAFF},
    {"owner", STAFF},
    {"previous_owner", STAFF},
    {"to", STAFF},
    {"from", STAFF},
    {"reviewer", STAFF},
    {"previous", STAFF},
    {"lead", STAFF},
    {"staff", STAFF},
    {"told", STAFF},
    {"read_by", STAFF},
    {"readers", STAFF},
    {"before", STAFF},
    {"team", STAFF},
    {"supervisor", STAFF},
    {"department", DEPARTMENT},
    {"unit", DEPARTMENT},
    {"previous_department", DEPARTMENT},
    {"category", CATEGORY},
    {"clock", CLOCK},
    {"missing", EVIDENCE},
    {"kind", EVIDENCE},
    {"cause", WORD},
    {"first_cause", WORD},
    {"given_by", WORD},
    {"set", WORD},
    {"factor", WORD},
    {"joined_by", WORD},
    {"carriage_by", WORD},
    {"outcome", WORD},
    {"reason", WORD},
};

static const char *const case_fields[] = {"into_id", "from_id", "other_id", "suspected_case"};

size_t tell_put(char *ret, size_t n, const char *text)
{
    size_t more = strlen(text), room = TELL_TEXT - 1 - n;
    if (more > room) more = codec_utf8_prefix(span_of(text, more), room);
    memcpy(ret + n, text, more);
    ret[n + more] = '\0';
    return n + more;
}

static Kesu__V1__Language language_of(const struct teller *t)
{
    static const Kesu__V1__Language languages[] = {KESU__V1__LANGUAGE__LANGUAGE_EN,
                                                   KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT,
                                                   KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS};
    return languages[t->language];
}

const char *tell_staff(const struct teller *t, const char *id)
{
    const Kesu__V1__Staff *s = t->policy != NULL ? policy_staff(t->policy, id) : NULL;
    return s != NULL && s->name[0] != '\0' ? s->name : id;
}

static const char *local(const struct teller *t, Kesu__V1__LocalName *const *names, size_t n, const char *id)
{
    const char *name = n > 0 ? policy_local_name(names, n, language_of(t)) : NULL;
    return cli_or(name, id);
}

static const char *name_of(const struct teller *t, enum meaning meaning, const char *id)
{
    char base[CLI_TEXT];
    if (meaning == WORD) return tell_word(t, id);
    if (t->policy == NULL) return id;
    if (meaning == STAFF) return tell_staff(t, id);
    if (meaning == DEPARTMENT) {
        const Kesu__V1__Department *d = policy_department(t->policy, id);
        return d != NULL ? local(t, d->names, d->n_names, id) : id;
    }
    if (meaning == CATEGORY) {
        const Kesu__V1__Category *k = policy_category(t->policy, id);
        return k != NULL ? local(t, k->names, k->n_names, id) : id;
    }
    if (meaning == CLOCK) {
        snprintf(base, sizeof base, "%.*s", (int)strcspn(id, "#"), id);
        const Kesu__V1__Clock *k = policy_clock(t->policy, base);
        return k != NULL ? local(t, k->names, k->n_names, id) : tell_word(t, id);
    }
    for (size_t i = 0; meaning == EVIDENCE && i < t->policy->n_evidence; i++)
        if (strcmp(t->policy->evidence[i]->id, id) == 0)
            return local(t, t->policy->evidence[i]->names, t->policy->evidence[i]->n_names, id);
    return id;
}

static enum meaning meaning_of(const char *field)
{
    for (unsigned i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (strcmp(meanings[i].field, field) == 0) return meanings[i].meaning;
    return PLAIN;
}

static size_t put_money(char *ret, size_t n, const Kesu__V1__Money *money)
{
    char text[CLI_TEXT];
    int64_t e4 = money->e4 < 0 ? -money->e4 : money->e4;
    snprintf(text, sizeof text, "%.3s %s%" PRId64 ".%02" PRId64, money->currency, money->e4 < 0 ? "-" : "",
             e4 / 10000, e4 % 10000 / 100);
    return tell_put(ret, n, text);
}

static size_t put_line(const struct teller *t, char *ret, size_t n, const Kesu__V1__RemedyLine *l)
{
    char word[CLI_TEXT];
    n = tell_put(ret, n, tell_enum(t, &kesu__v1__remedy_kind__descriptor, (int)l->kind, word));
    if (l->amount != NULL) n = put_money(ret, tell_put(ret, n, " "), l->amount);
    if (l->detail[0] == '\0') return n;
    n = tell_put(ret, tell_put(ret, n, t->language == TELL_EN ? " (" : "（"), l->detail);
    return tell_put(ret, n, t->language == TELL_EN ? ")" : "）");
}

static size_t put_message(const struct teller *t, char *ret, size_t n, const ProtobufCMessage *m)
{
    if (m == NULL) return n;
    if (m->descriptor == &kesu__v1__money__descriptor)
        return put_money(ret, n, (const Kesu__V1__Money *)(const void *)m);
    if (m->descriptor == &kesu__v1__remedy_line__descriptor)
        return put_line(t, ret, n, (const Kesu__V1__RemedyLine *)(const void *)m);
    if (m->descriptor == &kesu__v1__attachment__descriptor)
        return tell_put(ret, n, ((const Kesu__V1__Attachment *)(const void *)m)->file_name);
    bool any = false;
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        if (!cli_field_given(m, f)) continue;
        n = tell_put(ret, tell_put(ret, n, any ? ", " : ""), f->name);
        n = tell_value(t, m, f, ret, tell_put(ret, n, " "));
        any = true;
    }
    return n;
}

// An id of a case: its number, when somebody may be asked.
static size_t put_number(const struct teller *t, const ProtobufCFieldDescriptor *f, char *ret, size_t n,
                         uint64_t value)
{
    char text[32];
    Kesu__V1__CaseDetail *d = NULL;
    bool of_case = false;
    for (unsigned i = 0; i < sizeof case_fields / sizeof case_fields[0]; i++)
        of_case = of_case || strcmp(f->name, case_fields[i]) == 0;
    snprintf(text, sizeof text, "%" PRIu64, value);
    if (of_case && t->numbers && cli_case(t->c, text, &d) == 0) return tell_put(ret, n, d->state->number);
    return tell_put(ret, n, text);
}

static size_t put_one(const struct teller *t, const ProtobufCFieldDescriptor *f, const void *at, char *ret,
                      size_t n)
{
    char text[CLI_TEXT];
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
        return tell_put(ret, n, name_of(t, meaning_of(f->name), *(char *const *)at));
    case PROTOBUF_C_TYPE_ENUM:
        return tell_put(ret, n, tell_enum(t, f->descriptor, *(const int *)at, text));
    case PROTOBUF_C_TYPE_MESSAGE:
        return put_message(t, ret, n, *(ProtobufCMessage *const *)at);
    case PROTOBUF_C_TYPE_BOOL:
        return tell_put(ret, n, tell_word(t, *(const protobuf_c_boolean *)at ? "yes" : "no"));
    case PROTOBUF_C_TYPE_INT64:
        return tell_put(ret, n, cli_time(*(const int64_t *)at, text));
    case PROTOBUF_C_TYPE_UINT64:
        return put_number(t, f, ret, n, *(const uint64_t *)at);
    case PROTOBUF_C_TYPE_SINT64:
        snprintf(text, sizeof text, "%.4g", (double)*(const int64_t *)at / 1e4);
        return tell_put(ret, n, text);
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
        snprintf(text, sizeof text, "%d", *(const int32_t *)at);
        return tell_put(ret, n, text);
    case PROTOBUF_C_TYPE_UINT32:
        snprintf(text, sizeof text, "%u", *(const uint32_t *)at);
        return tell_put(ret, n, text);
    default:
        return n;
    }
}

size_t tell_value(const struct teller *t, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                  char *ret, size_t n)
{
    const uint8_t *at = (const uint8_t *)m + f->offset;
    if (!cli_field_given(m, f) || f->type == PROTOBUF_C_TYPE_BYTES) return n;
    if (f->label != PROTOBUF_C_LABEL_REPEATED) return put_one(t, f, at, ret, n);
    size_t count = *(const size_t *)(const void *)((const uint8_t *)m + f->quantifier_offset);
    const uint8_t *list = *(const uint8_t *const *)(const void *)at;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) n = tell_put(ret, n, t->language == TELL_EN ? ", " : "、");
        n = put_one(t, f, list + i * json_element_size(f->type), ret, n);
    }
    return n;
}
