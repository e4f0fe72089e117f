// SPDX-License-Identifier: Apache-2.0
// Every event of a case as it stands in the journal: who, for whom, when, and
// each value, with the one before where the event has it.
#include <inttypes.h>
#include <stdio.h>

#include "field.h"
#include "json.h"
#include "tell.h"

static const char indent[] = "          ";

// The field with the value before: before, before_X, previous_X.
static const ProtobufCFieldDescriptor *before_of(const ProtobufCMessageDescriptor *d, const char *name)
{
    static const char *const starts[] = {"before", "previous"};
    char before[64];
    for (unsigned i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        snprintf(before, sizeof before, "%s_%s", starts[i], name);
        const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(d, before);
        if (f != NULL) return f;
    }
    return NULL;
}

static bool is_before(const char *name)
{
    return strcmp(name, "before") == 0 || strncmp(name, "before_", 7) == 0 ||
           strncmp(name, "previous", 8) == 0;
}

// The field that "before" alone is about: the first one of its type.
static bool is_main(const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f,
                    const ProtobufCFieldDescriptor *before)
{
    for (unsigned i = 0; before != NULL && i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *x = &d->fields[i];
        if (x->type == before->type && x->label == before->label && x->descriptor == before->descriptor)
            return x == f;
    }
    return false;
}

static void print_value(const char *label, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    const struct teller plain = {.language = TELL_EN};
    char text[TELL_TEXT] = "";
    if (tell_value(&plain, m, f, text, 0) > 0 || !cli_field_given(m, f))
        printf("%s%s", label, cli_or(text, "-"));
}

static void print_body(const ProtobufCMessage *m)
{
    const ProtobufCMessageDescriptor *d = m->descriptor;
    const ProtobufCFieldDescriptor *alone = protobuf_c_message_descriptor_get_field_by_name(d, "before");
    if (alone == NULL) alone = protobuf_c_message_descriptor_get_field_by_name(d, "previous");
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        const ProtobufCFieldDescriptor *before = before_of(d, f->name);
        if (before == NULL && is_main(d, f, alone)) before = alone;
        bool sealed = f->type == PROTOBUF_C_TYPE_MESSAGE && f->descriptor == &kesu__v1__sealed__descriptor;
        if (is_before(f->name) || f->type == PROTOBUF_C_TYPE_BYTES ||
            (!cli_field_given(m, f) && (before == NULL || !cli_field_given(m, before))))
            continue;
        printf("%s%s: ", indent, f->name);
        if (sealed)
            printf("(sealed)");
        else
            print_value("", m, f);
        if (before != NULL && cli_field_given(m, before)) print_value(", before ", m, before);
        putchar('\n');
    }
}

static void print_event(const Kesu__V1__Event *e, uint64_t seq, int64_t time_us)
{
    static const char *const kinds[] = {"-", "customer", "staff", "service", "operator"};
    char time[CLI_TEXT];
    const Kesu__V1__Actor *a = e->actor;
    printf("%8" PRIu64 "  %s  %s, version %" PRIu64, seq, cli_time(time_us, time),
           cli_or(cli_event_name((unsigned)e->body_case), "event of a newer version"), e->version);
    if (a != NULL) printf(", by %s %s", kinds[(unsigned)a->kind < 5 ? a->kind : 0], a->name);
    if (a != NULL && a->on_behalf_of[0] != '\0') printf(" on behalf of %s", a->on_behalf_of);
    putchar('\n');
    if (tell_body(e) != NULL) print_body(tell_body(e));
}

int cli_history(struct cli *c)
{
    Kesu__V1__CaseDetail *d = NULL;
    int status = cli_case_read(c, c->args[0], cli_switch(c, "personal"), &d);
    if (status != 0) return status;
    for (size_t i = 0; i < d->n_events; i++) {
        const Kesu__V1__EventRecord *r = d->events[i];
        struct codec_error error;
        Kesu__V1__Event *e = NULL;
        if (codec_unpack(&kesu__v1__event__descriptor, span_of(r->event.data, r->event.len), &c->arena, &e,
                         &error) != 0)
            return cli_fail(c, CLI_INTERNAL, "event %" PRIu64 ": %s: %s", r->seq, error.field, error.reason);
        if (c->json) {
            char *text = json_from_message(&mem_libc, e, 0);
            printf("{\"seq\":\"%" PRIu64 "\",\"time\":\"%" PRId64 "\",\"event\":%s}\n", r->seq, r->block_time,
                   text);
            mem_free(&mem_libc, text);
            continue;
        }
        print_event(e, r->seq, r->block_time);
        if (i < d->n_opened) cli_story_opened(c, e, span_of(d->opened[i].data, d->opened[i].len), indent);
    }
    return 0;
}
