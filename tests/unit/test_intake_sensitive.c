/* SPDX-License-Identifier: Apache-2.0 */
/* Cases that only named people read: their keys, and who is told what. */
#include "../../services/intake/cases.h"
#include "../../services/intake/veil.h"
#include "life_desk.h"
#include "unit.h"

static Kesu__V1__MarkSensitive *mark(struct life_desk *d, uint64_t id, const char *one, const char *two)
{
    Kesu__V1__MarkSensitive *c = NEW(d, mark_sensitive);
    c->case_id = id;
    c->reason = life_text("about an employee");
    c->readers = arena_zalloc(&d->arena, sizeof(*c->readers) * 2);
    if (one != NULL) c->readers[c->n_readers++] = life_text(one);
    if (two != NULL) c->readers[c->n_readers++] = life_text(two);
    return c;
}

static void accuse(struct life_desk *d, uint64_t id, const char *who)
{
    Kesu__V1__CaseState *s = life_state(d, id);
    if (s->life == NULL) s->life = NEW(d, case_life);
    s->life->accused = arena_zalloc(&d->arena, sizeof(char *));
    s->life->accused[0] = life_text(who);
    s->life->n_accused = 1;
    life_put(d, s);
}

static uint64_t key_of_note(struct life_desk *d, uint64_t id)
{
    Kesu__V1__AddNote *c = NEW(d, add_note);
    c->case_id = id;
    c->text = life_text("said so");
    life_as(d, "side");
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_ADD_NOTE, c), 0);
    return d->out.events[0].key_id;
}

static void words_get_a_key_of_their_own_while_it_is_sensitive(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW);
    assert_int_equal(key_of_note(d, id), 1);
    life_as(d, "lead");
    DONE(d, MARK_SENSITIVE, mark(d, id, "lead", "side"), UNDER_REVIEW);
    assert_int_equal(life_event(d)->sensitive_marked->key_id, 50);
    assert_int_equal(d->out.new_keys, 1);
    assert_int_equal(key_of_note(d, id), 50);
    assert_true(intake_key_is_restricted(&d->view, 1, UINT64_MAX));
    assert_true(intake_key_is_restricted(&d->view, 50, UINT64_MAX));
    assert_false(intake_key_is_restricted(&d->view, 2, UINT64_MAX));
    life_as(d, "lead");
    DONE(d, MARK_SENSITIVE, mark(d, id, NULL, NULL), UNDER_REVIEW);
    uint64_t lifted = d->ctx.next_seq - 1;
    assert_true(intake_key_is_restricted(&d->view, 1, lifted - 1)); /* before it is durable */
    assert_false(intake_key_is_restricted(&d->view, 1, lifted));
    assert_int_equal(life_event(d)->sensitive_marked->n_before, 2);
    assert_int_equal(d->out.new_keys, 0);
    assert_int_equal(key_of_note(d, id), 1);
    assert_false(intake_key_is_restricted(&d->view, 1, UINT64_MAX));
    assert_true(intake_key_is_restricted(&d->view, 50, UINT64_MAX)); /* what was written then, stays so */
    life_as(d, "lead");
    DONE(d, MARK_SENSITIVE, mark(d, id, "lead", NULL), UNDER_REVIEW);
    assert_int_equal(d->out.new_keys, 0);
    assert_int_equal(key_of_note(d, id), 50);
}

static void who_is_accused_or_under_them_is_no_reader(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW);
    accuse(d, id, "lead");
    life_as(d, "side");
    REFUSED(d, MARK_SENSITIVE, mark(d, id, "side", "lead"), E_RECUSED, "mark_sensitive.readers");
    REFUSED(d, MARK_SENSITIVE, mark(d, id, "ben", NULL), E_RECUSED, "mark_sensitive.readers");
    REFUSED(d, MARK_SENSITIVE, mark(d, id, "nobody", NULL), E_UNKNOWN, "mark_sensitive.readers");
    DONE(d, MARK_SENSITIVE, mark(d, id, "side", "law"), UNDER_REVIEW);
    assert_true(intake_veil_may_read(&d->policy, life_state(d, id), "law", LIFE_NOW));
    accuse(d, id, "law"); /* who is accused later reads no more */
    assert_false(intake_veil_may_read(&d->policy, life_state(d, id), "law", LIFE_NOW));
    assert_true(intake_veil_may_read(&d->policy, life_state(d, id), "side", LIFE_NOW));
}

static void who_may_not_read_does_not_choose_who_may(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW);
    life_as(d, "ann");
    REFUSED(d, MARK_SENSITIVE, mark(d, id, "ann", NULL), E_NOT_ALLOWED, "actor.name");
    life_as(d, "side");
    DONE(d, MARK_SENSITIVE, mark(d, id, "side", NULL), UNDER_REVIEW);
    life_as(d, "lead");
    REFUSED(d, MARK_SENSITIVE, mark(d, id, "lead", NULL), E_NOT_ALLOWED, "actor.name");
    REFUSED(d, MARK_SENSITIVE, mark(d, id, NULL, NULL), E_NOT_ALLOWED, "actor.name");
    life_as(d, "law");
    DONE(d, MARK_SENSITIVE, mark(d, id, "law", "side"), UNDER_REVIEW);
}

static void a_reading_is_an_event_of_who_may_read(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW);
    Kesu__V1__ReadCase *c = NEW(d, read_case);
    c->case_id = id;
    life_as(d, "side");
    DONE(d, MARK_SENSITIVE, mark(d, id, "side", NULL), UNDER_REVIEW);
    DONE(d, READ_CASE, c, UNDER_REVIEW);
    assert_int_equal(life_event(d)->body_case, KESU__V1__EVENT__BODY_CASE_READ);
    assert_string_equal(life_event(d)->actor->name, "side");
    life_as(d, "lead");
    REFUSED(d, READ_CASE, c, E_NOT_ALLOWED, "actor.name");
}

static void others_are_told_number_stage_and_clocks(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW);
    Kesu__V1__CaseState *s = life_state(d, id);
    assert_ptr_equal(intake_veil_state(s, &d->arena), s);
    life_as(d, "side");
    DONE(d, MARK_SENSITIVE, mark(d, id, "side", NULL), UNDER_REVIEW);
    s = life_state(d, id);
    Kesu__V1__CaseState *told = intake_veil_state(s, &d->arena);
    Kesu__V1__CaseState only = KESU__V1__CASE_STATE__INIT;
    only.case_id = s->case_id;
    only.number = s->number;
    only.version = s->version;
    only.stage = s->stage;
    only.n_clocks = s->n_clocks;
    only.clocks = s->clocks;
    struct span a = codec_pack(told, &d->arena), b = codec_pack(&only, &d->arena);
    assert_true(span_equal(a, b));
}

static void what_is_held_against_people_is_for_leaders(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_FEEDBACK);
    Kesu__V1__CaseState *s = life_state(d, id);
    Kesu__V1__RecordAccountability *c = NEW(d, record_accountability);
    static const char *const may[] = {"gm", "dep", "lead", "law"}, *const may_not[] = {"ann", "hand", "",
                                                                                       "x"};
    for (unsigned i = 0; i < 4; i++) {
        assert_true(intake_veil_accountability(&d->policy, s, may[i], LIFE_NOW));
        assert_false(intake_veil_accountability(&d->policy, s, may_not[i], LIFE_NOW));
    }
    accuse(d, id, "lead");
    assert_false(intake_veil_accountability(&d->policy, life_state(d, id), "lead", LIFE_NOW));
    c->case_id = id;
    c->staff = life_text("ben");
    c->words = life_words(d, "was told");
    life_as(d, "side");
    DONE(d, RECORD_ACCOUNTABILITY, c, FEEDBACK);
    assert_true(intake_key_is_restricted(&d->view, d->out.events[0].key_id, UINT64_MAX));
}

static void erasing_takes_all_keys_of_the_case(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW);
    Kesu__V1__EraseCustomer *c = NEW(d, erase_customer);
    life_as(d, "side");
    DONE(d, MARK_SENSITIVE, mark(d, id, "side", NULL), UNDER_REVIEW);
    c->case_id = id;
    c->reason = life_text("asked for it");
    d->actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR;
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_ERASE_CUSTOMER, c), 0);
    const Kesu__V1__CustomerErased *b = life_event(d)->customer_erased;
    assert_int_equal(b->n_key_ids, 2);
    assert_int_equal(b->key_ids[0], 1);
    assert_int_equal(b->key_ids[1], 50);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, life_desk_open, life_desk_close)
UNIT_MAIN(TEST(words_get_a_key_of_their_own_while_it_is_sensitive),
          TEST(who_is_accused_or_under_them_is_no_reader), TEST(who_may_not_read_does_not_choose_who_may),
          TEST(a_reading_is_an_event_of_who_may_read), TEST(others_are_told_number_stage_and_clocks),
          TEST(what_is_held_against_people_is_for_leaders), TEST(erasing_takes_all_keys_of_the_case))
