/* SPDX-License-Identifier: Apache-2.0 */
/* Merged, split and linked cases: told on both sides, and undone. */
#include "../../services/intake/evolve.h"
#include "../../services/intake/persons.h"
#include "err.h"
#include "life_desk.h"
#include "unit.h"

static void *merging(struct life_desk *d, uint64_t from, uint64_t into)
{
    Kesu__V1__MergeCase *c = NEW(d, merge_case);
    c->case_id = from;
    c->into_id = into;
    c->reason = life_text("the same parcel");
    return c;
}

static void *unmerging(struct life_desk *d, uint64_t id)
{
    Kesu__V1__UnmergeCase *c = NEW(d, unmerge_case);
    c->case_id = id;
    c->reason = life_text("another parcel");
    return c;
}

static void *linking(struct life_desk *d, uint64_t id, uint64_t other, Kesu__V1__LinkKind kind)
{
    Kesu__V1__LinkCases *c = NEW(d, link_cases);
    c->case_id = id;
    c->other_id = other;
    c->kind = kind;
    return c;
}

static uint32_t load_of(struct life_desk *d, const char *agent)
{
    Kesu__V1__AgentState *a;
    assert_int_equal(intake_agent_get(&d->view, agent, &d->arena, &a), 0);
    return a->open_cases;
}

/* One that runs and has warned, one that has stopped before. */
static void give_clocks(struct life_desk *d, uint64_t id)
{
    Kesu__V1__CaseState *s = life_state(d, id);
    s->clocks = arena_alloc(&d->arena, sizeof(*s->clocks) * 2);
    for (s->n_clocks = 0; s->n_clocks < 2; s->n_clocks++) {
        Kesu__V1__ClockState *c = s->clocks[s->n_clocks] = NEW(d, clock_state);
        c->clock = life_text(s->n_clocks == 0 ? "refund" : "receipt");
        c->running = s->n_clocks == 0;
        c->started_at = LIFE_NOW - 100;
        c->warn_at = LIFE_NOW - 50;
        c->due_at = LIFE_NOW + 1000;
        c->warned = true;
    }
    life_put(d, s);
}

static void test_merged_and_taken_apart_again(void **state)
{
    struct life_desk *d = *state;
    uint64_t into = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    uint64_t from = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW);
    give_clocks(d, from);
    DONE(d, MERGE_CASE, merging(d, from, into), MERGED);
    assert_int_equal(d->out.n_events, 2);
    assert_int_equal(d->out.events[0].event.case_id, into);
    assert_int_equal(d->out.events[0].event.case_absorbed->from_id, from);
    assert_string_equal(life_event(d)->case_merged->agent, "ann");
    assert_int_equal(life_state(d, from)->life->merged_into, into);
    assert_false(life_state(d, from)->clocks[0]->running);
    assert_int_equal(load_of(d, "ann"), 1);
    d->ctx.block_time += 10;
    DONE(d, UNMERGE_CASE, unmerging(d, from), UNDER_REVIEW);
    const Kesu__V1__CaseState *s = life_state(d, from);
    assert_int_equal(s->life->merged_into, 0);
    assert_true(s->clocks[0]->running && s->clocks[0]->warned);
    assert_false(s->clocks[1]->running);
    assert_int_equal(s->clocks[0]->started_at, LIFE_NOW - 100);
    assert_int_equal(s->clocks[0]->due_at, LIFE_NOW + 1000);
    assert_int_equal(life_event(d)->n_clocks, 1);
    assert_true(life_event(d)->clocks[0]->warned);
    assert_int_equal(load_of(d, "ann"), 2);
    assert_int_equal(life_state(d, into)->version, 5);
}

static void test_never_in_a_ring(void **state)
{
    struct life_desk *d = *state;
    uint64_t a = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED),
             b = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    REFUSED(d, MERGE_CASE, merging(d, a, a), E_RANGE, "merge_case.into_id");
    DONE(d, MERGE_CASE, merging(d, a, b), MERGED);
    REFUSED(d, MERGE_CASE, merging(d, b, a), E_STAGE, "merge_case.into_id");
}

static void test_what_must_not_be_merged(void **state)
{
    struct life_desk *d = *state;
    uint64_t a = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED),
             b = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    Kesu__V1__CaseState *s = life_state(d, b);
    s->life = NEW(d, case_life);
    s->life->readers = (char *[]){life_text("ann")};
    s->life->n_readers = 1;
    life_put(d, s);
    REFUSED(d, MERGE_CASE, merging(d, a, b), E_NOT_ALLOWED, "merge_case.into_id");
    s->life->n_readers = 0;
    s->life->accused = (char *[]){life_text("ann")};
    s->life->n_accused = 1;
    life_put(d, s);
    REFUSED(d, MERGE_CASE, merging(d, a, b), E_RECUSED, "actor.name");
    s->life->n_accused = 0;
    s->erased_seq = 9;
    life_put(d, s);
    REFUSED(d, MERGE_CASE, merging(d, a, b), E_ERASED, "merge_case.into_id");
    REFUSED(d, MERGE_CASE, merging(d, b, a), E_ERASED, "merge_case.case_id");
    s->erased_seq = 0;
    Kesu__V1__TaskState *task = NEW(d, task_state);
    task->open = true;
    s->life->tasks = &task;
    s->life->n_tasks = 1;
    life_put(d, s);
    REFUSED(d, MERGE_CASE, merging(d, b, a), E_OPEN_WORK, "merge_case.case_id");
    life_as(d, "ben");
    REFUSED(d, MERGE_CASE, merging(d, a, b), E_NOT_ALLOWED, "actor.name");
}

/* The other stands in for it, and is not told twice what it was told. */
static void test_its_place_in_an_incident(void **state)
{
    struct life_desk *d = *state;
    uint64_t from = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    uint64_t into = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    Kesu__V1__IncidentState *i = NEW(d, incident_state);
    i->incident_id = 77;
    i->members = 1;
    i->answers = (uint64_t[]){90};
    i->n_answers = 1;
    intake_incident_put(&d->view, i);
    Kesu__V1__CaseState *s = life_state(d, from);
    s->life = NEW(d, case_life);
    s->life->incident_id = s->life->last_incident = 77;
    s->life->answer_seq = 90;
    life_put(d, s);
    DONE(d, MERGE_CASE, merging(d, from, into), MERGED);
    assert_int_equal(life_state(d, into)->life->incident_id, 77);
    assert_int_equal(life_state(d, into)->life->answer_seq, 90);
    Kesu__V1__ShareAnswer *share = NEW(d, share_answer);
    share->case_id = into;
    share->answer_seq = 90;
    life_as(d, NULL);
    REFUSED(d, SHARE_ANSWER, share, E_EXISTS, "share_answer.answer_seq");
}

/* As before: what stood in for it only leaves the incident again, what was of it stays. */
static void test_taken_apart_each_has_its_own_place_again(void **state)
{
    struct life_desk *d = *state;
    for (unsigned was_member = 0; was_member < 2; was_member++) {
        uint64_t from = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
        uint64_t into = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
        Kesu__V1__IncidentState *i = NEW(d, incident_state);
        i->incident_id = 77;
        i->members = 1 + was_member;
        intake_incident_put(&d->view, i);
        for (unsigned k = 0; k <= was_member; k++) {
            Kesu__V1__CaseState *s = life_state(d, k == 0 ? from : into);
            s->life = NEW(d, case_life);
            s->life->incident_id = s->life->last_incident = 77;
            life_put(d, s);
        }
        DONE(d, MERGE_CASE, merging(d, from, into), MERGED);
        assert_int_equal(life_event(d)->case_merged->took_place, was_member == 0);
        DONE(d, UNMERGE_CASE, unmerging(d, from), TRIAGED);
        assert_int_equal(life_state(d, from)->life->incident_id, 77);
        assert_int_equal(life_state(d, into)->life->incident_id, was_member == 0 ? 0 : 77);
        assert_int_equal(intake_incident_get(&d->view, 77, &d->arena, &i), 0);
        assert_int_equal(i->members, 1 + was_member);
        assert_false(life_state(d, from)->life->took_place);
    }
}

/* The other was given to another incident, or has ended: it stays what it is. */
static void test_who_stood_in_goes_its_own_way(void **state)
{
    struct life_desk *d = *state;
    for (unsigned ended = 0; ended < 2; ended++) {
        uint64_t from = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
        uint64_t into = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
        Kesu__V1__CaseState *s = life_state(d, from);
        s->life = NEW(d, case_life);
        s->life->incident_id = s->life->last_incident = 77;
        life_put(d, s);
        Kesu__V1__IncidentState *i = NEW(d, incident_state);
        i->incident_id = 77;
        i->members = 1;
        intake_incident_put(&d->view, i);
        DONE(d, MERGE_CASE, merging(d, from, into), MERGED);
        s = life_state(d, into);
        if (ended == 1) s->stage = KESU__V1__STAGE__STAGE_CLOSED;
        if (ended == 0) s->life->incident_id = 78;
        life_put(d, s);
        DONE(d, UNMERGE_CASE, unmerging(d, from), TRIAGED);
        assert_int_equal(life_state(d, into)->life->incident_id, ended == 1 ? 77 : 78);
    }
}

static void give_customer(struct life_desk *d, uint64_t id, uint64_t customer_id)
{
    Kesu__V1__CaseState *s = life_state(d, id);
    s->customer_id = customer_id;
    life_put(d, s);
}

static void test_cases_of_different_people_are_merged_by_who_leads(void **state)
{
    struct life_desk *d = *state;
    uint64_t from = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    uint64_t into = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    give_customer(d, from, 40);
    give_customer(d, into, 41);
    REFUSED(d, MERGE_CASE, merging(d, from, into), E_NOT_ALLOWED, "actor.name");
    assert_non_null(strstr(d->out.refused.reason, "another customer"));
    life_as(d, "lead");
    DONE(d, MERGE_CASE, merging(d, from, into), MERGED);
    assert_true(life_event(d)->case_merged->other_customer);
    assert_int_equal(life_state(d, from)->customer_id, 40); /* and stays theirs */
}

static void test_two_identities_of_one_person_are_the_same_customer(void **state)
{
    struct life_desk *d = *state;
    uint64_t from = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    uint64_t into = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    Kesu__V1__CustomerState *one = NEW(d, customer_state), *other = NEW(d, customer_state);
    one->customer_id = 40;
    other->customer_id = 41;
    other->merged_into = 40;
    intake_person_put(&d->view, one);
    intake_person_put(&d->view, other);
    give_customer(d, from, 40);
    give_customer(d, into, 41);
    DONE(d, MERGE_CASE, merging(d, from, into), MERGED);
    assert_false(life_event(d)->case_merged->other_customer);
}

static void test_linked_on_both_sides(void **state)
{
    struct life_desk *d = *state;
    uint64_t a = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED),
             b = life_case(d, KESU__V1__STAGE__STAGE_CLOSED);
    DONE(d, LINK_CASES, linking(d, a, b, KESU__V1__LINK_KIND__LINK_KIND_PARENT), TRIAGED);
    assert_int_equal(life_state(d, a)->life->links[0]->kind, KESU__V1__LINK_KIND__LINK_KIND_PARENT);
    assert_int_equal(life_state(d, b)->life->links[0]->kind, KESU__V1__LINK_KIND__LINK_KIND_CHILD);
    assert_int_equal(life_state(d, b)->life->links[0]->other_id, a);
    REFUSED(d, LINK_CASES, linking(d, b, a, KESU__V1__LINK_KIND__LINK_KIND_RELATED), E_EXISTS,
            "link_cases.other_id");
    Kesu__V1__UnlinkCases *c = NEW(d, unlink_cases);
    c->case_id = b;
    c->other_id = a;
    c->reason = life_text("by mistake");
    DONE(d, UNLINK_CASES, c, CLOSED);
    assert_int_equal(life_state(d, a)->life->n_links, 0);
    REFUSED(d, UNLINK_CASES, c, E_UNKNOWN, "unlink_cases.other_id");
}

static void test_a_part_becomes_a_case(void **state)
{
    struct life_desk *d = *state;
    uint64_t whole = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    Kesu__V1__CaseState *s = life_state(d, whole);
    s->customer_id = 40;
    s->language = KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS;
    life_put(d, s);
    Kesu__V1__SplitCase *c = NEW(d, split_case);
    c->case_id = whole;
    c->words = life_words(d, "The driver shouted, too.");
    c->reason = life_text("two complaints");
    DONE(d, SPLIT_CASE, c, RECEIVED);
    uint64_t part = d->out.accepted.case_id;
    assert_int_not_equal(part, whole);
    const Kesu__V1__CaseState *p = life_state(d, part);
    assert_int_equal(p->customer_id, 40);
    assert_int_equal(p->language, KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS);
    assert_int_equal(p->version, 2);
    assert_int_equal(p->life->links[0]->kind, KESU__V1__LINK_KIND__LINK_KIND_PARENT);
    assert_int_equal(p->life->links[0]->other_id, whole);
    assert_int_equal(life_state(d, whole)->life->links[0]->kind, KESU__V1__LINK_KIND__LINK_KIND_CHILD);
    assert_int_not_equal(p->key_id, 0);
    assert_int_not_equal(p->key_id, s->key_id);
    assert_string_equal(p->number, d->out.accepted.number);
    assert_int_equal(d->out.events[0].event.case_opened->split_from, whole);
    assert_string_equal(((const Kesu__V1__CaseText *)d->out.events[0].plain)->personal->text,
                        "The driver shouted, too.");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, life_desk_open, life_desk_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_merged_and_taken_apart_again),
        TEST(test_never_in_a_ring),
        TEST(test_what_must_not_be_merged),
        TEST(test_its_place_in_an_incident),
        TEST(test_taken_apart_each_has_its_own_place_again),
        TEST(test_who_stood_in_goes_its_own_way),
        TEST(test_cases_of_different_people_are_merged_by_who_leads),
        TEST(test_two_identities_of_one_person_are_the_same_customer),
        TEST(test_linked_on_both_sides),
        TEST(test_a_part_becomes_a_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
