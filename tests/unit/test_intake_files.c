/* SPDX-License-Identifier: Apache-2.0 */
/* Files that come with words, whatever the words are: each is evidence of the
 * case, found by others that have it and destroyed with the person. */
#include "../../services/intake/cases.h"
#include "hash.h"
#include "life_bodies.h"
#include "unit.h"

static const char *const people[] = {"ann", "lead", "dep", "side", "law", "gm", "hand"};

static const ProtobufCFieldDescriptor *field(const ProtobufCMessageDescriptor *m, const char *name)
{
    return protobuf_c_message_descriptor_get_field_by_name(m, name);
}

/* Of the events of cases that have words: CasesLinked of a split has its words in the new case. */
static bool has_words(const ProtobufCMessageDescriptor *event)
{
    const ProtobufCFieldDescriptor *f = field(event, "words");
    return f != NULL && f->descriptor == &kesu__v1__sealed__descriptor;
}

static void every_event_with_words_tells_their_files(void **state)
{
    unsigned n = 0;
    (void)state;
    for (unsigned i = 0; i < kesu__v1__event__descriptor.n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &kesu__v1__event__descriptor.fields[i];
        if (f->type != PROTOBUF_C_TYPE_MESSAGE || f->quantifier_offset == 0) continue; /* not of the body */
        const ProtobufCMessageDescriptor *event = f->descriptor;
        if (!has_words(event)) continue;
        if (field(event, "attachment_hashes") == NULL || field(event, "previous_attachment_seq") == NULL)
            fail_msg("%s has words without their files", f->name);
        n++;
    }
    assert_true(n >= 17);
}

static void show(struct life_desk *d, void *body)
{
    static uint8_t blob[HASH_BYTES] = {7};
    const ProtobufCFieldDescriptor *f = field(((ProtobufCMessage *)body)->descriptor, "words");
    Kesu__V1__Words *words = life_words(d, "see the photo");
    words->attachments = arena_alloc(&d->arena, sizeof(*words->attachments));
    words->attachments[0] = NEW(d, attachment);
    words->attachments[0]->blob = (ProtobufCBinaryData){sizeof(blob), blob};
    words->n_attachments = 1;
    memcpy((uint8_t *)body + f->offset, &words, sizeof(words));
}

/* The event of what was decided that has the words; its seq in *ret_seq. NULL: none of them has. */
static const ProtobufCMessage *with_words(const struct life_desk *d, uint64_t first_seq, uint64_t *ret_seq)
{
    for (unsigned i = 0; i < d->out.n_events; i++) {
        const ProtobufCMessage *body = &d->out.events[i].event.case_opened->base;
        *ret_seq = first_seq + i;
        if (has_words(body->descriptor) && d->out.events[i].plain != NULL) return body;
    }
    return NULL;
}

static void check_evidence(struct life_desk *d, const ProtobufCMessage *body, uint64_t id, uint64_t seq)
{
    ProtobufCBinaryData *hashes;
    struct span found;
    struct key key;
    size_t n;
    uint64_t previous;
    const ProtobufCFieldDescriptor *f = field(body->descriptor, "attachment_hashes");
    memcpy(&hashes, (const uint8_t *)body + f->offset, sizeof(hashes));
    memcpy(&n, (const uint8_t *)body + f->quantifier_offset, sizeof(n));
    f = field(body->descriptor, "previous_attachment_seq");
    memcpy(&previous, (const uint8_t *)body + f->offset, sizeof(previous));
    if (n != 1 || previous != 77 || life_state(d, id)->attachment_seq != seq)
        fail_msg("%s: %zu files, after %llu, %llu is not %llu", body->descriptor->name, n,
                 (unsigned long long)previous, (unsigned long long)life_state(d, id)->attachment_seq,
                 (unsigned long long)seq);
    intake_evidence_key(span_of(hashes[0].data, hashes[0].len), id, &key);
    assert_int_equal(intake_register_get(&d->view, TABLE_EVIDENCE, key_span(&key), &found), 0);
}

/* By the first who may, in the first stage where it may be. */
static bool is_kept(struct life_desk *d, const struct life_row *row)
{
    unsigned variant = row->variant == LIFE_ANY ? 0 : row->variant;
    for (int stage = KESU__V1__STAGE__STAGE_RECEIVED; stage < LIFE_STAGES; stage++)
        for (unsigned a = 0; a < sizeof(people) / sizeof(people[0]) && (row->from >> stage & 1) != 0; a++) {
            uint64_t id = life_case(d, (Kesu__V1__Stage)stage), first = d->ctx.next_seq, seq;
            life_as(d, people[a]);
            life_prepare(d, row->command, variant, id);
            Kesu__V1__CaseState *s = life_state(d, id);
            s->attachment_seq = 77;
            life_put(d, s);
            void *body = life_body(d, row->command, variant, id, 1);
            show(d, body);
            if (life_decide(d, (Kesu__V1__Command__BodyCase)row->command, body) != 0) continue;
            const ProtobufCMessage *event = with_words(d, first, &seq);
            if (event == NULL) return false;
            check_evidence(d, event, id, seq);
            return true;
        }
    fail_msg("nobody may %s, %s", life_command_name(row->command), row->when);
    return false;
}

static void files_of_all_words_are_evidence_of_the_case(void **state)
{
    struct life_desk *d = *state;
    const struct life_row *row;
    unsigned kept = 0;
    life_bodies_policy(d);
    for (unsigned i = 0; (row = life_row(i)) != NULL; i++) {
        const ProtobufCFieldDescriptor *command =
            protobuf_c_message_descriptor_get_field(&kesu__v1__command__descriptor, row->command);
        if (row->tie == TIE_FOLLOWS || field(command->descriptor, "words") == NULL) continue;
        const ProtobufCFieldDescriptor *event =
            protobuf_c_message_descriptor_get_field(&kesu__v1__event__descriptor, row->event);
        if (has_words(event->descriptor) && is_kept(d, row)) kept++;
    }
    assert_true(kept >= 30);
}

static void a_file_has_its_name(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__FileAppeal *c = NEW(d, file_appeal);
    c->case_id = life_case(d, KESU__V1__STAGE__STAGE_EXPLAINED);
    show(d, c);
    c->words->attachments[0]->blob.len = 5;
    REFUSED(d, FILE_APPEAL, c, E_MISSING, "file_appeal.words.attachments[0].blob");
    c->words->attachments[0]->blob.len = HASH_BYTES;
    DONE(d, FILE_APPEAL, c, APPEALED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, life_desk_open, life_desk_close)

UNIT_MAIN(TEST(every_event_with_words_tells_their_files), TEST(files_of_all_words_are_evidence_of_the_case),
          TEST(a_file_has_its_name))
