/* SPDX-License-Identifier: Apache-2.0 */
/* The record put right, its nature, the evidence it needs and what goes back when it is missing. */
#include "life_bodies.h"
#include "life_desk.h"
#include "unit.h"

#define STAGE(name) KESU__V1__STAGE__STAGE_##name

static int open_office(void **state)
{
    int err = life_desk_open(state);
    struct life_desk *d = *state;
    life_bodies_policy(d);
    Kesu__V1__Category *wet = d->policy.categories[0];
    wet->evidence = arena_zalloc(&d->arena, sizeof(*wet->evidence) * 2);
    wet->evidence[0] = life_text("package_photo");
    wet->evidence[1] = life_text("weight");
    wet->n_evidence = 2;
    life_as(d, "ann");
    return err;
}

static Kesu__V1__AmendRecord *amend(struct life_desk *d, uint64_t id, const char *a, const char *b)
{
    Kesu__V1__AmendRecord *c = NEW(d, amend_record);
    c->case_id = id;
    c->set = arena_zalloc(&d->arena, sizeof(*c->set) * 2);
    c->set[c->n_set++] = life_text(a);
    if (b != NULL) c->set[c->n_set++] = life_text(b);
    c->fields = NEW(d, record_fields);
    c->personal = NEW(d, record_personal);
    c->reason = life_text("repeated to the customer");
    return c;
}

/* ---- put right -------------------------------------------------------------------- */

static void a_correction_says_what_was_and_what_is(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, STAGE(UNDER_REVIEW));
    Kesu__V1__AmendRecord *c = amend(d, id, "object", "occurred_at");
    c->fields->object = NEW(d, object);
    c->fields->object->waybill = life_text("SF1234567890");
    c->fields->object->quantity = 10;
    c->fields->object->defective_quantity = 3;
    c->fields->occurred_at = LIFE_NOW - USEC_PER_DAY;
    c->fields->channel = KESU__V1__CHANNEL__CHANNEL_PHONE; /* not named: stays as it is */
    DONE(d, AMEND_RECORD, c, UNDER_REVIEW);
    const Kesu__V1__RecordAmended *b = life_event(d)->record_amended;
    assert_int_equal(b->before->object->declared_value->e4, 90000000);
    assert_int_equal(b->before->occurred_at, 0);
    assert_string_equal(b->fields->object->waybill, "SF1234567890");
    assert_int_equal(b->fields->channel, KESU__V1__CHANNEL__CHANNEL_UNSPECIFIED);
    assert_string_equal(b->reason, "repeated to the customer");
    assert_null(b->personal);
    const Kesu__V1__CaseState *s = life_state(d, id);
    assert_int_equal(s->object->defective_quantity, 3);
    assert_null(s->object->declared_value);
    assert_int_equal(s->occurred_at, LIFE_NOW - USEC_PER_DAY);
    assert_int_equal(s->channel, KESU__V1__CHANNEL__CHANNEL_UNSPECIFIED);
    assert_null(s->life);
}

static void what_tells_of_a_person_is_sealed_and_names_what_was_before(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, STAGE(UNDER_REVIEW));
    Kesu__V1__AmendRecord *c = amend(d, id, "summary", "demand");
    c->personal->summary = life_text("two boxes of three are wet");
    c->personal->demand = life_text("the money back");
    c->personal->place = life_text("not named");
    DONE(d, AMEND_RECORD, c, UNDER_REVIEW);
    const struct decide_event *e = &d->out.events[0];
    const Kesu__V1__RecordPersonal *plain = e->plain;
    uint64_t first = d->ctx.next_seq - 1;
    assert_string_equal(plain->summary, "two boxes of three are wet");
    assert_string_equal(plain->place, "");
    assert_ptr_equal(e->sealed, e->event.record_amended->personal);
    assert_int_equal(e->key_id, life_state(d, id)->key_id);
    assert_int_equal(e->event.record_amended->before_seq, 0);
    assert_int_equal(life_state(d, id)->life->personal_seq, first);
    DONE(d, AMEND_RECORD, amend(d, id, "place", NULL), UNDER_REVIEW);
    assert_int_equal(life_event(d)->record_amended->before_seq, first);
}

static void who_speaks_for_the_customer_may_write_to_the_case(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, STAGE(UNDER_REVIEW));
    Kesu__V1__AmendRecord *c = amend(d, id, "representative", "affected");
    Kesu__V1__Contact *mail = NEW(d, contact), *phone = NEW(d, contact);
    mail->kind = KESU__V1__CONTACT__KIND__KIND_EMAIL;
    mail->value = life_text("lawyer@example.org");
    phone->kind = KESU__V1__CONTACT__KIND__KIND_PHONE;
    phone->value = life_text("0912345678");
    c->personal->representative = NEW(d, personal);
    c->personal->representative->contacts = &mail;
    c->personal->representative->n_contacts = 1;
    c->personal->affected = NEW(d, personal);
    c->personal->affected->contacts = &phone;
    c->personal->affected->n_contacts = 1;
    DONE(d, AMEND_RECORD, c, UNDER_REVIEW);
    uint8_t hash[HASH_SHORT_BYTES];
    const Kesu__V1__CaseState *s = life_state(d, id);
    assert_int_equal(s->n_contact_hashes, 2);
    assert_true(intake_secrets_contact(&d->secrets, mail, hash));
    assert_memory_equal(s->contact_hashes[0].data, hash, sizeof(hash));
}

static void a_correction_that_cannot_be_true_is_refused(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, STAGE(UNDER_REVIEW));
    REFUSED(d, AMEND_RECORD, amend(d, id, "number", NULL), E_RANGE, "amend_record.set[0]");
    REFUSED(d, AMEND_RECORD, amend(d, id, "tier", "tier"), E_RANGE, "amend_record.set[1]");
    REFUSED(d, AMEND_RECORD, amend(d, id, "channel", NULL), E_MISSING, "amend_record.fields.channel");
    Kesu__V1__AmendRecord *c = amend(d, id, "occurred_at", NULL);
    c->fields->occurred_at = LIFE_NOW + USEC_PER_HOUR;
    REFUSED(d, AMEND_RECORD, c, E_RANGE, "amend_record.fields.occurred_at");
    c = amend(d, id, "object", NULL);
    c->fields->object = NEW(d, object);
    c->fields->object->quantity = 2;
    c->fields->object->defective_quantity = 3;
    REFUSED(d, AMEND_RECORD, c, E_RANGE, "amend_record.fields.object.defective_quantity");
    c->fields->object->quantity = 3;
    c->fields->object->shipped_at = 2;
    c->fields->object->signed_at = 1;
    REFUSED(d, AMEND_RECORD, c, E_RANGE, "amend_record.fields.object.signed_at");
    c->fields->object->signed_at = 2;
    c->reason = life_text("");
    REFUSED(d, AMEND_RECORD, c, E_MISSING, "amend_record.reason");
    c = amend(d, id, "tier", NULL);
    c->n_set = 0;
    REFUSED(d, AMEND_RECORD, c, E_MISSING, "amend_record.set");
    c = amend(d, id, "demand", NULL);
    c->personal = NULL;
    REFUSED(d, AMEND_RECORD, c, E_MISSING, "amend_record.personal");
    c = amend(d, id, "affected", NULL);
    Kesu__V1__Attachment *file = NEW(d, attachment);
    c->personal->affected = NEW(d, personal);
    c->personal->affected->attachments = &file;
    c->personal->affected->n_attachments = 1;
    REFUSED(d, AMEND_RECORD, c, E_RANGE, "amend_record.personal.affected.attachments");
    life_as(d, "ben");
    REFUSED(d, AMEND_RECORD, amend(d, id, "tier", NULL), E_NOT_ALLOWED, "actor.name");
}

static void of_somebody_erased_nothing_personal_is_kept(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, STAGE(UNDER_REVIEW));
    Kesu__V1__CaseState *s = life_state(d, id);
    s->erased_seq = 5;
    life_put(d, s);
    REFUSED(d, AMEND_RECORD, amend(d, id, "summary", NULL), E_ERASED, "amend_record.personal");
    DONE(d, AMEND_RECORD, amend(d, id, "tier", NULL), UNDER_REVIEW);
}

/* ---- what it is ------------------------------------------------------------------- */

static Kesu__V1__SetNature *nature(struct life_desk *d, uint64_t id, Kesu__V1__Nature n)
{
    Kesu__V1__SetNature *c = NEW(d, set_nature);
    c->case_id = id;
    c->nature = n;
    c->reason = life_text("asks for a price");
    return c;
}

static void only_a_complaint_runs_the_whole_life(void **state)
{
    struct life_desk *d = *state;
    for (Kesu__V1__Nature n = KESU__V1__NATURE__NATURE_INQUIRY; n <= KESU__V1__NATURE__NATURE_NUISANCE; n++) {
        uint64_t id = life_case(d, STAGE(TRIAGED));
        DONE(d, SET_NATURE, nature(d, id, n), NOT_A_COMPLAINT);
        Kesu__V1__ReviewCase *review = NEW(d, review_case);
        review->case_id = id;
        review->finding = KESU__V1__FINDING__FINDING_FOUNDED;
        review->reason = life_text("so it is");
        REFUSED(d, REVIEW_CASE, review, E_STAGE, "review_case.case_id");
        Kesu__V1__ProposeRemedy *propose = NEW(d, propose_remedy);
        propose->case_id = id;
        REFUSED(d, PROPOSE_REMEDY, propose, E_STAGE, "propose_remedy.case_id");
    }
    uint64_t id = life_case(d, STAGE(UNDER_REVIEW));
    DONE(d, SET_NATURE, nature(d, id, KESU__V1__NATURE__NATURE_COMPLAINT), UNDER_REVIEW);
}

static void what_turns_out_to_be_a_complaint_goes_on_as_one(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, STAGE(UNDER_REVIEW));
    REFUSED(d, SET_NATURE, nature(d, id, 0), E_MISSING, "set_nature.nature");
    DONE(d, SET_NATURE, nature(d, id, KESU__V1__NATURE__NATURE_INQUIRY), NOT_A_COMPLAINT);
    REFUSED(d, SET_NATURE, nature(d, id, KESU__V1__NATURE__NATURE_INQUIRY), E_EXISTS, "set_nature.nature");
    DONE(d, SET_NATURE, nature(d, id, KESU__V1__NATURE__NATURE_PRAISE), NOT_A_COMPLAINT);
    assert_int_equal(life_event(d)->nature_set->before, KESU__V1__NATURE__NATURE_INQUIRY);
    DONE(d, SET_NATURE, nature(d, id, KESU__V1__NATURE__NATURE_COMPLAINT), TRIAGED);
    assert_int_equal(life_event(d)->nature_set->before, KESU__V1__NATURE__NATURE_PRAISE);
    assert_int_equal(life_state(d, id)->life->nature, KESU__V1__NATURE__NATURE_COMPLAINT);
    uint64_t late = life_case(d, STAGE(PROPOSED));
    REFUSED(d, SET_NATURE, nature(d, late, KESU__V1__NATURE__NATURE_INQUIRY), E_STAGE, "set_nature.case_id");
}

/* ---- evidence --------------------------------------------------------------------- */

static Kesu__V1__AddEvidence *evidence(struct life_desk *d, uint64_t id, const char *kind)
{
    Kesu__V1__AddEvidence *c = NEW(d, add_evidence);
    c->case_id = id;
    c->kind = life_text(kind);
    c->given_by = life_text("customer");
    c->words = life_words(d, "as photographed");
    return c;
}

static Kesu__V1__ReturnFile *return_file(struct life_desk *d, uint64_t id)
{
    Kesu__V1__ReturnFile *c = NEW(d, return_file);
    c->case_id = id;
    c->words = life_words(d, "please send us these");
    return c;
}

static void an_incomplete_file_goes_back_with_what_is_missing(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, STAGE(UNDER_REVIEW));
    DONE(d, RETURN_FILE, return_file(d, id), UNDER_REVIEW);
    assert_int_equal(life_event(d)->file_returned->n_missing, 2);
    DONE(d, ADD_EVIDENCE, evidence(d, id, "package_photo"), UNDER_REVIEW);
    DONE(d, ADD_EVIDENCE, evidence(d, id, "package_photo"), UNDER_REVIEW); /* another of the kind */
    DONE(d, ADD_EVIDENCE, evidence(d, id, "letter"), UNDER_REVIEW);        /* nobody asked for it */
    assert_int_equal(life_state(d, id)->life->n_evidence, 2);
    DONE(d, RETURN_FILE, return_file(d, id), UNDER_REVIEW);
    assert_int_equal(life_event(d)->file_returned->n_missing, 1);
    assert_string_equal(life_event(d)->file_returned->missing[0], "weight");
    DONE(d, ADD_EVIDENCE, evidence(d, id, "weight"), UNDER_REVIEW);
    REFUSED(d, RETURN_FILE, return_file(d, id), E_EXISTS, "return_file.case_id");
    Kesu__V1__CaseState *s = life_state(d, id);
    s->category = life_text("other");
    life_put(d, s);
    REFUSED(d, RETURN_FILE, return_file(d, id), E_EXISTS, "return_file.case_id");
}

static void evidence_says_who_gave_it_and_when(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, STAGE(UNDER_REVIEW));
    Kesu__V1__AddEvidence *c = evidence(d, id, "weight");
    DONE(d, ADD_EVIDENCE, c, UNDER_REVIEW);
    assert_int_equal(life_event(d)->evidence_added->given_at, LIFE_NOW);
    c->given_at = LIFE_NOW - USEC_PER_DAY;
    DONE(d, ADD_EVIDENCE, c, UNDER_REVIEW);
    assert_int_equal(life_event(d)->evidence_added->given_at, LIFE_NOW - USEC_PER_DAY);
    c->given_at = LIFE_NOW + 1;
    REFUSED(d, ADD_EVIDENCE, c, E_RANGE, "add_evidence.given_at");
    c->given_at = 0;
    c->given_by = life_text("a friend");
    REFUSED(d, ADD_EVIDENCE, c, E_RANGE, "add_evidence.given_by");
    c->given_by = life_text("");
    REFUSED(d, ADD_EVIDENCE, c, E_MISSING, "add_evidence.given_by");
    c->given_by = life_text("third_party");
    c->words = NULL;
    REFUSED(d, ADD_EVIDENCE, c, E_MISSING, "add_evidence.words");
    Kesu__V1__Attachment *file = NEW(d, attachment);
    c->words = NEW(d, words);
    c->words->attachments = &file;
    c->words->n_attachments = 1;
    REFUSED(d, ADD_EVIDENCE, c, E_MISSING, "add_evidence.words.attachments[0].blob");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_office, life_desk_close)

UNIT_MAIN(TEST(a_correction_says_what_was_and_what_is),
          TEST(what_tells_of_a_person_is_sealed_and_names_what_was_before),
          TEST(who_speaks_for_the_customer_may_write_to_the_case),
          TEST(a_correction_that_cannot_be_true_is_refused),
          TEST(of_somebody_erased_nothing_personal_is_kept), TEST(only_a_complaint_runs_the_whole_life),
          TEST(what_turns_out_to_be_a_complaint_goes_on_as_one),
          TEST(an_incomplete_file_goes_back_with_what_is_missing), TEST(evidence_says_who_gave_it_and_when))
