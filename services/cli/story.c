// SPDX-License-Identifier: Apache-2.0
// Events one by one: a sentence of the catalog, what it is made of, its clocks,
// and what was sealed.
#include <inttypes.h>
#include <stdio.h>

#include "clock.h"
#include "tell.h"

const char *cli_event_name(unsigned type)
{
    const ProtobufCFieldDescriptor *f =
        type < 20 ? NULL : protobuf_c_message_descriptor_get_field(&kesu__v1__event__descriptor, type);
    return f != NULL ? f->name : NULL;
}

static void tell_evidence(const Kesu__V1__Event *e, const char *indent)
{
    const Kesu__V1__Judgement *j =
        e->body_case == KESU__V1__EVENT__BODY_CASE_CLASSIFIED ? e->case_classified->judgement : NULL;
    for (size_t i = 0; j != NULL && i < j->n_evidence; i++)
        printf("%s%+d %s: %s%s%s%s\n", indent, (int)j->evidence[i]->weight, j->evidence[i]->factor,
               j->evidence[i]->rule, j->evidence[i]->matched[0] != '\0' ? " \"" : "", j->evidence[i]->matched,
               j->evidence[i]->matched[0] != '\0' ? "\"" : "");
}

static void tell_clocks(const Kesu__V1__Event *e, const char *indent)
{
    static const char *const verbs[] = {"", "starts", "moves", "stops"};
    for (size_t i = 0; i < e->n_clocks; i++) {
        const Kesu__V1__ClockChange *k = e->clocks[i];
        char due[CLI_TEXT];
        if (k->op == KESU__V1__CLOCK_CHANGE__OP__OP_UNSPECIFIED ||
            k->op > KESU__V1__CLOCK_CHANGE__OP__OP_STOP)
            continue;
        printf("%sclock %s %s", indent, k->clock, verbs[k->op]);
        if (k->op != KESU__V1__CLOCK_CHANGE__OP__OP_STOP) printf(", due %s", cli_time(k->due_at, due));
        putchar('\n');
    }
}

void cli_story_event(const Kesu__V1__Event *e, uint64_t seq, int64_t time_us, uint64_t case_id,
                     const char *indent)
{
    const struct teller english = {.language = TELL_EN};
    const char *sentence = tell_sentence_of(&english, e);
    char time[CLI_TEXT], text[TELL_TEXT];
    printf("%8" PRIu64 "  %s  ", seq, cli_time(time_us, time));
    if (case_id != 0) printf("case %" PRIu64 ": ", case_id);
    if (sentence == NULL) {
        printf("event of a newer version (type %d)\n", (int)e->body_case);
        return;
    }
    tell(&english, sentence, tell_body(e), text);
    puts(text);
    tell_evidence(e, indent);
    tell_clocks(e, indent);
    if (e->actor != NULL && e->actor->kind == KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF)
        printf("%sby %s%s%s\n", indent, e->actor->name,
               e->actor->on_behalf_of[0] != '\0' ? " on behalf of " : "", e->actor->on_behalf_of);
}

// Text with an indent before each line.
static void print_text(const char *label, const char *text, const char *indent)
{
    if (text[0] == '\0') return;
    printf("%s%s: ", indent, label);
    for (; *text != '\0'; text++) {
        // Nothing that a terminal would take as an order.
        if ((unsigned char)*text < 0x20 && *text != '\n' && *text != '\t')
            putchar('?');
        else if (*text == '\r' || (unsigned char)*text == 0x7f)
            putchar('?');
        else
            putchar(*text);
        if (*text == '\n') fputs(indent, stdout);
    }
    putchar('\n');
}

static void tell_opened(const ProtobufCMessage *m, const char *indent);

static void tell_part(const ProtobufCFieldDescriptor *f, const void *at, const char *indent)
{
    char kind[CLI_TEXT];
    if (f->type == PROTOBUF_C_TYPE_STRING) {
        print_text(f->name, *(char *const *)at, indent);
    } else if (f->type == PROTOBUF_C_TYPE_MESSAGE && f->descriptor == &kesu__v1__contact__descriptor) {
        const Kesu__V1__Contact *k = *(Kesu__V1__Contact *const *)at;
        if (k != NULL && f->label != PROTOBUF_C_LABEL_REPEATED) printf("%s%s ", indent, f->name);
        if (k != NULL)
            print_text(cli_word(&kesu__v1__contact__kind__descriptor, (int)k->kind, kind), k->value,
                       f->label == PROTOBUF_C_LABEL_REPEATED ? indent : "");
    } else if (f->type == PROTOBUF_C_TYPE_MESSAGE && f->descriptor == &kesu__v1__attachment__descriptor) {
        print_text("attached", (*(Kesu__V1__Attachment *const *)at)->file_name, indent);
    } else if (f->type == PROTOBUF_C_TYPE_MESSAGE && *(ProtobufCMessage *const *)at != NULL) {
        if (f->descriptor == &kesu__v1__personal__descriptor && strcmp(f->name, "personal") != 0)
            printf("%s%s\n", indent, f->name);
        tell_opened(*(ProtobufCMessage *const *)at, indent);
    }
}

// Every text of a message and of those in it.
static void tell_opened(const ProtobufCMessage *m, const char *indent)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        const uint8_t *at = (const uint8_t *)m + f->offset;
        if (f->type != PROTOBUF_C_TYPE_STRING && f->type != PROTOBUF_C_TYPE_MESSAGE) continue;
        if (f->label != PROTOBUF_C_LABEL_REPEATED) {
            tell_part(f, at, indent);
            continue;
        }
        size_t n = *(const size_t *)(const void *)((const uint8_t *)m + f->quantifier_offset);
        void *const *list = *(void *const *const *)(const void *)at;
        for (size_t k = 0; k < n; k++) tell_part(f, &list[k], indent);
    }
}

// What was sealed: words, but for these.
static const ProtobufCMessageDescriptor *sealed_as(const Kesu__V1__Event *e)
{
    switch (e->body_case) {
    case KESU__V1__EVENT__BODY_CASE_OPENED:
    case KESU__V1__EVENT__BODY_MESSAGE_ADDED:
        return &kesu__v1__case_text__descriptor;
    case KESU__V1__EVENT__BODY_NOTE_ADDED:
    case KESU__V1__EVENT__BODY_CASE_RESOLVED:
        return &kesu__v1__note_text__descriptor;
    case KESU__V1__EVENT__BODY_CUSTOMER_ADDED:
    case KESU__V1__EVENT__BODY_CUSTOMER_CHANGED:
        return &kesu__v1__personal__descriptor;
    case KESU__V1__EVENT__BODY_RECORD_AMENDED:
        return &kesu__v1__record_personal__descriptor;
    case KESU__V1__EVENT__BODY_ACCOUNTABILITY_RECORDED:
        return &kesu__v1__record_accountability__descriptor;
    default:
        return &kesu__v1__words__descriptor;
    }
}

void cli_story_opened(struct cli *c, const Kesu__V1__Event *e, struct span plain, const char *indent)
{
    struct codec_error error;
    ProtobufCMessage *m = NULL;
    if (plain.n > 0 && codec_unpack(sealed_as(e), plain, &c->arena, &m, &error) == 0) tell_opened(m, indent);
}
