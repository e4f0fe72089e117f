/* SPDX-License-Identifier: Apache-2.0 */
/* What all moves of a case share: an event says what the command said, under
 * the same names; its words are sealed; the table of the life tells whether it
 * may happen, what had to be given and which clocks it moves. */
#include "check.h"
#include "decide_internal.h"
#include "err.h"
#include "fields.h"
#include "hash.h"

static const void *member(const void *message, const ProtobufCFieldDescriptor *f)
{
    return (const uint8_t *)message + f->offset;
}

static bool words_given(const Kesu__V1__Words *words)
{
    return words != NULL && (words->text[0] != '\0' || words->n_attachments > 0);
}

static bool is_given(const void *message, const ProtobufCFieldDescriptor *f)
{
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        const void *count = (const uint8_t *)message + f->quantifier_offset;
        return *(const size_t *)count > 0;
    }
    const void *at = member(message, f);
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
        return (*(char *const *)at)[0] != '\0';
    case PROTOBUF_C_TYPE_BYTES:
        return ((const ProtobufCBinaryData *)at)->len > 0;
    case PROTOBUF_C_TYPE_MESSAGE:
        return f->descriptor == &kesu__v1__words__descriptor ? words_given(*(Kesu__V1__Words *const *)at)
                                                             : *(void *const *)at != NULL;
    case PROTOBUF_C_TYPE_BOOL:
        return *(const protobuf_c_boolean *)at != 0;
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_UINT32:
        return *(const uint32_t *)at != 0;
    default:
        return *(const uint64_t *)at != 0;
    }
}

/* The body of a command: every member of the union is one pointer. */
static const ProtobufCMessage *body_of(const Kesu__V1__Command *command)
{
    return &command->start_work->base;
}

int intake_decide_needs(struct decide *d, const char *fields)
{
    const ProtobufCMessage *body = body_of(d->command);
    char name[64];
    for (const char *at = fields; *at != '\0'; at += strspn(at, " ")) {
        size_t n = strcspn(at, " ");
        CHECK(n < sizeof(name));
        memcpy(name, at, n);
        name[n] = '\0';
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field_by_name(body->descriptor, name);
        CHECK(f != NULL);
        if (!is_given(body, f)) return intake_decide_refuse(d, E_MISSING, intake_decide_field(d, name), NULL);
        at += n;
    }
    return 0;
}

void *intake_decide_copy(struct decide *d, Kesu__V1__Event__BodyCase type)
{
    const ProtobufCFieldDescriptor *oneof =
        protobuf_c_message_descriptor_get_field(&kesu__v1__event__descriptor, type);
    const ProtobufCMessageDescriptor *event = oneof->descriptor;
    const ProtobufCMessage *from = body_of(d->command);
    void *to = intake_decide_new(d, event);
    for (unsigned i = 0; to != NULL && i < event->n_fields; i++)
        (void)intake_field_copy(from, to, event->fields[i].name);
    return to;
}

uint64_t intake_decide_key(const Kesu__V1__CaseState *state)
{
    return state->life != NULL && state->life->key_id != 0 ? state->life->key_id : state->key_id;
}

static int check_files(struct decide *d, const Kesu__V1__Words *words)
{
    for (size_t i = 0; i < words->n_attachments; i++) {
        if (words->attachments[i]->blob.len == HASH_BYTES) continue;
        const char *field = arena_printf(d->ctx->arena, "words.attachments[%zu].blob", i);
        return intake_decide_refuse(d, E_MISSING, intake_decide_field(d, field != NULL ? field : ""), NULL);
    }
    return 0;
}

/* Files of words are evidence of the case as those of a message are: found by others that have them, and
 * destroyed with the person. */
static int hash_files(struct decide *d, const Kesu__V1__Words *words, void *body)
{
    const ProtobufCMessageDescriptor *event = ((ProtobufCMessage *)body)->descriptor;
    const ProtobufCFieldDescriptor *hashes =
        protobuf_c_message_descriptor_get_field_by_name(event, "attachment_hashes");
    const ProtobufCFieldDescriptor *previous =
        protobuf_c_message_descriptor_get_field_by_name(event, "previous_attachment_seq");
    if (words->n_attachments == 0) return 0;
    CHECK(hashes != NULL && previous != NULL);
    ProtobufCBinaryData *list;
    DECIDE_TRY(intake_decide_hash_files(d, words->attachments, words->n_attachments, &list));
    memcpy((uint8_t *)body + hashes->offset, &list, sizeof(list));
    memcpy((uint8_t *)body + hashes->quantifier_offset, &words->n_attachments, sizeof(size_t));
    memcpy((uint8_t *)body + previous->offset, &d->state->attachment_seq, sizeof(uint64_t));
    return 0;
}

/* The words of the command become those of the event, sealed with the case's key. */
static int seal_words(struct decide *d, struct decide_event *e, void *body)
{
    const ProtobufCMessage *from = body_of(d->command);
    const ProtobufCMessageDescriptor *event = ((ProtobufCMessage *)body)->descriptor;
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(from->descriptor, "words");
    const ProtobufCFieldDescriptor *t = protobuf_c_message_descriptor_get_field_by_name(event, "words");
    if (f == NULL || t == NULL || e->plain != NULL) return 0;
    const Kesu__V1__Words *words = *(Kesu__V1__Words *const *)member(from, f);
    if (!words_given(words)) return 0;
    DECIDE_TRY(check_files(d, words));
    if (d->state->erased_seq != 0)
        return intake_decide_refuse(d, E_ERASED, intake_decide_field(d, "words"), NULL);
    Kesu__V1__Sealed *sealed = intake_decide_new(d, &kesu__v1__sealed__descriptor);
    if (sealed == NULL) return intake_decide_no_memory(d);
    memcpy((uint8_t *)body + t->offset, &sealed, sizeof(sealed));
    intake_decide_seal(e, words, sealed, intake_decide_key(d->state));
    return hash_files(d, words, body);
}

static int move(struct decide *d, struct decide_event *e, const struct life_row *row)
{
    Kesu__V1__Stage stage = d->stage;
    unsigned before = d->state->life != NULL ? d->state->life->stage_before : 0;
    d->stage = life_next(stage, (Kesu__V1__Stage)before, &e->event);
    if (!life_is_open(d->stage) && life_is_open(stage)) {
        if (d->state->life != NULL && d->state->life->reply != NULL && d->state->life->reply->seq != 0)
            return intake_decide_refuse(d, E_OPEN_WORK, intake_decide_field(d, "case_id"),
                                        "a reply is still held");
        return intake_decide_stop_all(d, e);
    }
    return intake_decide_moments(d, e, row->moments, d->ctx->block_time);
}

/* They may bring about another row of this command. */
static int refuse_role(struct decide *d, const struct life_row *row)
{
    return intake_decide_refuse(
        d, E_NOT_ALLOWED,
        d->command->actor->kind == KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF ? "actor.name" : "actor.kind",
        arena_printf(d->ctx->arena, "%s: for others of the office", row->when));
}

int intake_decide_event(struct decide *d, Kesu__V1__Event__BodyCase type, void *body)
{
    if (body == NULL) return intake_decide_no_memory(d);
    struct decide_event *e = intake_decide_add(d, type, body);
    unsigned command = (unsigned)d->command->body_case;
    const struct life_row *row = life_find_of(command, d->stage, &e->event);
    if (row == NULL) return intake_decide_refuse_stage(d);
    if (row->tie != TIE_FOLLOWS && row->command == command) {
        if ((row->who & d->who) == 0) return refuse_role(d, row);
        DECIDE_TRY(intake_decide_needs(d, row->needs));
    }
    DECIDE_TRY(seal_words(d, e, body));
    return move(d, e, row);
}

int intake_decide_follow(struct decide *d, Kesu__V1__Event__BodyCase type, void *body)
{
    if (body == NULL) return intake_decide_no_memory(d);
    struct decide_event *e = intake_decide_add(d, type, body);
    const struct life_row *row = life_find(d->stage, &e->event);
    return row != NULL ? move(d, e, row) : intake_decide_refuse_stage(d);
}

int intake_decide_plain(struct decide *d, Kesu__V1__Event__BodyCase type)
{
    return intake_decide_event(d, type, intake_decide_copy(d, type));
}
