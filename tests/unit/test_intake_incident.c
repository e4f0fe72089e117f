/* SPDX-License-Identifier: Apache-2.0 */
/* Many cases of one cause: who leads, who is a member, who gets an answer. */
#include "err.h"
#include "life_desk.h"
#include "unit.h"

static uint64_t with_lot(struct life_desk *d, const char *lot)
{
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    Kesu__V1__CaseState *s = life_state(d, id);
    s->object->lot = life_text(lot);
    life_put(d, s);
    return id;
}

static int create(struct life_desk *d, uint64_t *cases, size_t n, uint64_t *ret_id)
{
    Kesu__V1__CreateIncident *c = NEW(d, create_incident);
    c->title = life_text("Soup of lot L-7 is sour");
    c->lot = life_text("L-7");
    c->lead = life_text("lead");
    c->n_case_ids = n;
    c->case_ids = cases;
    int err = life_decide(d, KESU__V1__COMMAND__BODY_CREATE_INCIDENT, c);
    *ret_id = d->out.accepted.seq;
    return err;
}

static Kesu__V1__IncidentState *incident(struct life_desk *d, uint64_t id)
{
    Kesu__V1__IncidentState *s;
    assert_int_equal(intake_incident_get(&d->view, id, &d->arena, &s), 0);
    return s;
}

static void *joining(struct life_desk *d, uint64_t case_id, uint64_t incident_id)
{
    Kesu__V1__AddToIncident *c = NEW(d, add_to_incident);
    c->case_id = case_id;
    c->incident_id = incident_id;
    return c;
}

static uint64_t answer(struct life_desk *d, uint64_t id)
{
    Kesu__V1__AnswerIncident *c = NEW(d, answer_incident);
    c->incident_id = id;
    c->texts = arena_alloc(&d->arena, sizeof(*c->texts));
    c->texts[c->n_texts++] = NEW(d, local_text);
    c->texts[0]->language = KESU__V1__LANGUAGE__LANGUAGE_EN;
    c->texts[0]->text = life_text("Do not eat it.");
    life_as(d, "lead");
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_ANSWER_INCIDENT, c), 0);
    return d->out.accepted.seq;
}

static void *sharing(struct life_desk *d, uint64_t case_id, uint64_t answer_seq)
{
    Kesu__V1__ShareAnswer *c = NEW(d, share_answer);
    c->case_id = case_id;
    c->answer_seq = answer_seq;
    life_as(d, NULL);
    return c;
}

static void *changing(struct life_desk *d, uint64_t id, const char *what)
{
    Kesu__V1__ChangeIncident *c = NEW(d, change_incident);
    c->incident_id = id;
    c->set = arena_alloc(&d->arena, sizeof(*c->set));
    c->set[c->n_set++] = life_text(what);
    c->reason = life_text("it is so");
    return c;
}

static void test_members_join_with_it(void **state)
{
    struct life_desk *d = *state;
    uint64_t cases[64], id;
    for (unsigned i = 0; i < 64; i++) cases[i] = with_lot(d, "L-7");
    assert_int_equal(create(d, cases, 64, &id), 0);
    assert_int_equal(incident(d, id)->members, 64);
    assert_int_equal(incident(d, id)->incident_id, id);
    assert_int_equal(life_state(d, cases[63])->life->incident_id, id);
    assert_int_equal(life_state(d, cases[63])->version, 4);
    assert_int_equal(d->out.accepted.case_id, 0);
}

static void test_a_case_is_of_one_incident(void **state)
{
    struct life_desk *d = *state;
    uint64_t cases[2] = {with_lot(d, "L-7"), 0}, id, other;
    assert_int_equal(create(d, cases, 1, &id), 0);
    assert_int_equal(create(d, cases, 1, &other), E_EXISTS);
    REFUSED(d, ADD_TO_INCIDENT, joining(d, cases[0], id), E_EXISTS, "add_to_incident.case_id");
    cases[0] = cases[1] = with_lot(d, "L-7");
    assert_int_equal(create(d, cases, 2, &other), E_EXISTS);
    assert_string_equal(d->out.refused.field, "create_incident.case_ids[1]");
    assert_null(life_state(d, cases[0])->life);
    cases[0] = life_case(d, KESU__V1__STAGE__STAGE_CLOSED);
    assert_int_equal(create(d, cases, 1, &other), E_STAGE);
}

static void test_a_hint_is_enough(void **state)
{
    struct life_desk *d = *state;
    uint64_t id;
    Kesu__V1__CreateIncident *c = NEW(d, create_incident);
    c->title = life_text("Something");
    REFUSED(d, CREATE_INCIDENT, c, E_MISSING, "create_incident.case_ids");
    assert_int_equal(create(d, NULL, 0, &id), 0);
    assert_int_equal(incident(d, id)->members, 0);
    uint64_t late = with_lot(d, "");
    DONE(d, ADD_TO_INCIDENT, joining(d, late, id), TRIAGED);
    assert_int_equal(incident(d, id)->members, 1);
}

static void test_an_answer_is_given_once(void **state)
{
    struct life_desk *d = *state;
    uint64_t cases[1] = {with_lot(d, "L-7")}, id, stranger = with_lot(d, "L-7");
    assert_int_equal(create(d, cases, 1, &id), 0);
    uint64_t first = answer(d, id);
    DONE(d, SHARE_ANSWER, sharing(d, cases[0], first), TRIAGED);
    assert_int_equal(life_event(d)->answer_shared->incident_id, id);
    REFUSED(d, SHARE_ANSWER, sharing(d, cases[0], first), E_EXISTS, "share_answer.answer_seq");
    REFUSED(d, SHARE_ANSWER, sharing(d, cases[0], first + 1), E_UNKNOWN, "share_answer.answer_seq");
    REFUSED(d, SHARE_ANSWER, sharing(d, stranger, first), E_UNKNOWN, "share_answer.case_id");
    uint64_t second = answer(d, id);
    DONE(d, SHARE_ANSWER, sharing(d, cases[0], second), TRIAGED);
    REFUSED(d, SHARE_ANSWER, sharing(d, cases[0], first), E_EXISTS, "share_answer.answer_seq");
}

static void test_who_leaves_and_joins_again_has_its_answers(void **state)
{
    struct life_desk *d = *state;
    uint64_t cases[1] = {with_lot(d, "L-7")}, id, other, more[1] = {with_lot(d, "L-7")};
    assert_int_equal(create(d, more, 1, &other), 0);
    uint64_t older = answer(d, other);
    life_as(d, "ann");
    assert_int_equal(create(d, cases, 1, &id), 0);
    uint64_t first = answer(d, id);
    DONE(d, SHARE_ANSWER, sharing(d, cases[0], first), TRIAGED);
    Kesu__V1__RemoveFromIncident *leave = NEW(d, remove_from_incident);
    leave->case_id = cases[0];
    leave->reason = life_text("another soup");
    life_as(d, "ann");
    DONE(d, REMOVE_FROM_INCIDENT, leave, TRIAGED);
    assert_int_equal(incident(d, id)->members, 0);
    REFUSED(d, REMOVE_FROM_INCIDENT, leave, E_UNKNOWN, "remove_from_incident.case_id");
    DONE(d, ADD_TO_INCIDENT, joining(d, cases[0], id), TRIAGED);
    REFUSED(d, SHARE_ANSWER, sharing(d, cases[0], first), E_EXISTS, "share_answer.answer_seq");
    life_as(d, "ann");
    DONE(d, REMOVE_FROM_INCIDENT, leave, TRIAGED);
    DONE(d, ADD_TO_INCIDENT, joining(d, cases[0], other), TRIAGED);
    DONE(d, SHARE_ANSWER, sharing(d, cases[0], older), TRIAGED);
    life_as(d, "ann");
    DONE(d, REMOVE_FROM_INCIDENT, leave, TRIAGED);
    DONE(d, ADD_TO_INCIDENT, joining(d, cases[0], id), TRIAGED); /* after having been elsewhere */
    REFUSED(d, SHARE_ANSWER, sharing(d, cases[0], first), E_EXISTS, "share_answer.answer_seq");
}

static void test_its_lead_and_who_stands_above_change_it(void **state)
{
    struct life_desk *d = *state;
    uint64_t cases[1] = {with_lot(d, "L-7")}, id;
    assert_int_equal(create(d, cases, 1, &id), 0);
    Kesu__V1__ChangeIncident *c = changing(d, id, "lead");
    c->lead = life_text("side");
    life_as(d, "ben");
    REFUSED(d, CHANGE_INCIDENT, c, E_NOT_ALLOWED, "actor.name");
    life_as(d, "dep");
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_CHANGE_INCIDENT, c), 0);
    assert_string_equal(incident(d, id)->lead, "side");
    assert_string_equal(life_event(d)->incident_changed->previous_lead, "lead");
    assert_string_equal(life_event(d)->incident_changed->previous_title, "");
    life_as(d, "lead");
    REFUSED(d, CHANGE_INCIDENT, c, E_NOT_ALLOWED, "actor.name");
    life_as(d, "side");
    c->set[0] = life_text("weight");
    REFUSED(d, CHANGE_INCIDENT, c, E_ENUM, "change_incident.set");
}

static void test_only_members_speak_for_all(void **state)
{
    struct life_desk *d = *state;
    uint64_t cases[2] = {with_lot(d, "L-7"), with_lot(d, "L-7")}, id, stranger = with_lot(d, "L-7");
    assert_int_equal(create(d, cases, 2, &id), 0);
    Kesu__V1__ChangeIncident *c = changing(d, id, "representatives");
    life_as(d, "lead");
    c->representatives = (uint64_t[]){cases[0], stranger};
    c->n_representatives = 2;
    REFUSED(d, CHANGE_INCIDENT, c, E_UNKNOWN, "change_incident.representatives");
    c->representatives[1] = cases[1];
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_CHANGE_INCIDENT, c), 0);
    Kesu__V1__EraseCustomer *erase = NEW(d, erase_customer);
    erase->case_id = cases[0];
    erase->reason = life_text("asked to");
    d->actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR;
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_ERASE_CUSTOMER, erase), 0);
    assert_int_equal(incident(d, id)->n_representatives, 1);
    assert_int_equal(incident(d, id)->members, 2);
    uint64_t seq = answer(d, id);
    REFUSED(d, SHARE_ANSWER, sharing(d, cases[0], seq), E_ERASED, "share_answer.case_id");
}

static void test_a_lot_of_a_member_is_held(void **state)
{
    struct life_desk *d = *state;
    uint64_t cases[1] = {with_lot(d, "L-8")}, id;
    assert_int_equal(create(d, cases, 1, &id), 0);
    Kesu__V1__HoldLot *c = NEW(d, hold_lot);
    c->incident_id = id;
    c->held = true;
    c->reason = life_text("sour");
    c->lot = life_text("L-9");
    REFUSED(d, HOLD_LOT, c, E_NOT_ALLOWED, "actor.name");
    life_as(d, "lead");
    REFUSED(d, HOLD_LOT, c, E_UNKNOWN, "hold_lot.lot");
    c->lot = life_text("L-8");
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_HOLD_LOT, c), 0);
    REFUSED(d, HOLD_LOT, c, E_EXISTS, "hold_lot.held");
    c->lot = life_text("");
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_HOLD_LOT, c), 0);
    assert_string_equal(life_event(d)->lot_held->lot, "L-7");
    c->held = false;
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_HOLD_LOT, c), 0);
    assert_true(incident(d, id)->lot_held);
    c->lot = life_text("L-8");
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_HOLD_LOT, c), 0);
    assert_false(incident(d, id)->lot_held);
}

static void test_what_is_closed_takes_nobody(void **state)
{
    struct life_desk *d = *state;
    uint64_t cases[1] = {with_lot(d, "L-7")}, id, late = with_lot(d, "L-7");
    assert_int_equal(create(d, cases, 1, &id), 0);
    Kesu__V1__CloseIncident *c = NEW(d, close_incident);
    c->incident_id = id;
    c->reason = life_text("all know");
    life_as(d, "lead");
    Kesu__V1__IncidentState *s = incident(d, id);
    s->open_eightds = (uint64_t[]){7};
    s->n_open_eightds = 1;
    intake_incident_put(&d->view, s);
    REFUSED(d, CLOSE_INCIDENT, c, E_OPEN_WORK, "close_incident.incident_id");
    s->n_open_eightds = 0;
    intake_incident_put(&d->view, s);
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_CLOSE_INCIDENT, c), 0);
    REFUSED(d, ADD_TO_INCIDENT, joining(d, late, id), E_STAGE, "add_to_incident.incident_id");
    assert_int_equal(life_state(d, cases[0])->stage, KESU__V1__STAGE__STAGE_TRIAGED);
}

static void test_the_accused_has_no_part(void **state)
{
    struct life_desk *d = *state;
    uint64_t cases[1] = {with_lot(d, "L-7")}, id;
    Kesu__V1__CaseState *s = life_state(d, cases[0]);
    s->life = NEW(d, case_life);
    s->life->accused = (char *[]){life_text("lead")};
    s->life->n_accused = 1;
    life_put(d, s);
    life_as(d, "dep");
    assert_int_equal(create(d, cases, 1, &id), E_RECUSED);
    assert_string_equal(d->out.refused.field, "create_incident.case_ids[0]");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, life_desk_open, life_desk_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_members_join_with_it),
        TEST(test_a_case_is_of_one_incident),
        TEST(test_a_hint_is_enough),
        TEST(test_an_answer_is_given_once),
        TEST(test_who_leaves_and_joins_again_has_its_answers),
        TEST(test_its_lead_and_who_stands_above_change_it),
        TEST(test_only_members_speak_for_all),
        TEST(test_a_lot_of_a_member_is_held),
        TEST(test_what_is_closed_takes_nobody),
        TEST(test_the_accused_has_no_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
