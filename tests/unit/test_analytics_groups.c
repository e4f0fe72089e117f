/* SPDX-License-Identifier: Apache-2.0 */
/* What analytics says of incidents, and what it takes for one. */
#include <stdio.h>
#include <stdlib.h>

#include "../../services/analytics/analytics.h"
#include "clock.h"
#include "fake_intake.h"
#include "unit.h"

#define WALL (INT64_C(1764000000) * USEC_PER_SEC)

struct office {
    struct sim *sim;
    struct fake_intake intake;
    struct analytics_state state;
    struct fold *fold;
    struct env *env;
    struct arena arena;
};

static void on_boot(void *self, struct env *env)
{
    struct office *o = self;
    struct fold_opts opts = {.data_dir = "data", .feed_endpoint = FAKE_FEED};
    o->env = env;
    analytics_state_init(&o->state, env);
    assert_int_equal(fold_open(env, &analytics_fold, &opts, &o->state, &o->fold), 0);
}

static struct office *open_office(void)
{
    struct office *o = calloc(1, sizeof *o);
    o->sim = sim_new(5, WALL);
    fake_intake_init(&o->intake, o->sim);
    o->intake.time_us = WALL;
    arena_init(&o->arena, &mem_libc, (size_t)16 << 20);
    sim_instance_new(o->sim, "analytics", on_boot, o);
    return o;
}

static void close_office(struct office *o)
{
    fold_close(o->fold);
    analytics_state_deinit(&o->state);
    fake_intake_deinit(&o->intake);
    arena_deinit(&o->arena);
    sim_free(&o->sim);
    free(o);
}

static void tell(struct office *o, uint64_t case_id, Kesu__V1__Event__BodyCase type, void *body)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    e.body_case = type;
    e.case_opened = body;
    fake_intake_event(&o->intake, case_id, &e);
}

/* The same again after the journal was folded and the daemon came back. */
static const Kesu__V1__Stats *ask(struct office *o)
{
    Kesu__V1__GetStats request = KESU__V1__GET_STATS__INIT;
    Kesu__V1__Stats *stats = NULL;
    const char *field, *reason;
    fake_intake_block(&o->intake);
    sim_run(o->sim, 10 * USEC_PER_SEC);
    fold_close(o->fold);
    analytics_state_deinit(&o->state);
    on_boot(o, o->env);
    assert_int_equal(
        analytics_answer(&o->state, o->fold, o->intake.time_us, &request, &o->arena, &stats, &field, &reason),
        0);
    return stats;
}

static uint64_t open_case(struct office *o, uint64_t customer_id, const char *product, const char *lot)
{
    Kesu__V1__CaseOpened body = KESU__V1__CASE_OPENED__INIT;
    Kesu__V1__Object object = KESU__V1__OBJECT__INIT;
    uint64_t case_id = o->intake.seq + 1;
    object.product = (char *)(uintptr_t)product;
    object.lot = (char *)(uintptr_t)lot;
    body.object = &object;
    body.customer_id = customer_id;
    tell(o, case_id, KESU__V1__EVENT__BODY_CASE_OPENED, &body);
    return case_id;
}

static void join(struct office *o, uint64_t case_id, uint64_t incident_id)
{
    Kesu__V1__JoinedIncident body = KESU__V1__JOINED_INCIDENT__INIT;
    body.incident_id = incident_id;
    tell(o, case_id, KESU__V1__EVENT__BODY_JOINED_INCIDENT, &body);
}

static void leave(struct office *o, uint64_t case_id, uint64_t incident_id)
{
    Kesu__V1__LeftIncident body = KESU__V1__LEFT_INCIDENT__INIT;
    body.incident_id = incident_id;
    tell(o, case_id, KESU__V1__EVENT__BODY_LEFT_INCIDENT, &body);
}

static uint64_t create(struct office *o, uint64_t incident_id, const char *lot)
{
    Kesu__V1__IncidentCreated body = KESU__V1__INCIDENT_CREATED__INIT;
    body.incident_id = incident_id;
    body.lot = (char *)(uintptr_t)lot;
    tell(o, 0, KESU__V1__EVENT__BODY_INCIDENT_CREATED, &body);
    return incident_id;
}

static void close_incident(struct office *o, uint64_t incident_id)
{
    Kesu__V1__IncidentClosed body = KESU__V1__INCIDENT_CLOSED__INIT;
    body.incident_id = incident_id;
    tell(o, 0, KESU__V1__EVENT__BODY_INCIDENT_CLOSED, &body);
}

static void close_case(struct office *o, uint64_t case_id)
{
    Kesu__V1__CaseClosed body = KESU__V1__CASE_CLOSED__INIT;
    tell(o, case_id, KESU__V1__EVENT__BODY_CASE_CLOSED, &body);
}

/* ---- incidents --------------------------------------------------------------- */

static void test_incidents_are_counted_by_different_customers(void **state)
{
    struct office *o = open_office();
    (void)state;
    uint64_t first = open_case(o, 7, "", ""), again = open_case(o, 7, "", ""),
             other = open_case(o, 8, "", "");
    uint64_t nobody = open_case(o, 0, "", ""), unknown = open_case(o, 0, "", "");
    uint64_t id = o->intake.seq + 6;
    join(o, first, id);
    join(o, again, id);
    join(o, other, id);
    join(o, nobody, id);
    join(o, unknown, id);
    create(o, id, "");
    uint64_t empty = create(o, o->intake.seq + 1, "L-1");
    const Kesu__V1__Stats *s = ask(o);
    assert_int_equal(s->incidents, 2);
    assert_int_equal(s->incident_members, 5);
    assert_int_equal(s->incident_customers, 4); /* who is not known is a customer each time */
    assert_int_equal(s->n_incident_counts, 2);
    assert_int_equal(s->incident_counts[0]->incident_id, empty);
    assert_int_equal(s->incident_counts[0]->members, 0);
    assert_int_equal(s->incident_counts[1]->incident_id, id);
    assert_int_equal(s->incident_counts[1]->members, 5);
    assert_int_equal(s->incident_counts[1]->customers, 4);
    close_office(o);
}

static void test_who_leaves_an_incident_is_counted_no_more(void **state)
{
    struct office *o = open_office();
    (void)state;
    uint64_t first = open_case(o, 7, "", ""), again = open_case(o, 7, "", ""),
             other = open_case(o, 8, "", "");
    uint64_t id = o->intake.seq + 4;
    join(o, first, id);
    join(o, again, id);
    join(o, other, id);
    create(o, id, "");
    leave(o, first, id);
    assert_int_equal(ask(o)->incident_customers, 2); /* 7 is still there */
    close_case(o, again);                            /* whose it was is remembered */
    leave(o, again, id);
    const Kesu__V1__Stats *s = ask(o);
    assert_int_equal(s->incident_members, 1);
    assert_int_equal(s->incident_customers, 1);
    join(o, first, id);
    assert_int_equal(ask(o)->incident_customers, 2);
    close_office(o);
}

static void tie(struct office *o, uint64_t one, uint64_t other, bool merged)
{
    Kesu__V1__CustomersMerged body = KESU__V1__CUSTOMERS_MERGED__INIT;
    Kesu__V1__CustomersUnmerged undone = KESU__V1__CUSTOMERS_UNMERGED__INIT;
    body.customer_id = undone.customer_id = one;
    body.other_id = undone.other_id = other;
    if (merged)
        tell(o, 0, KESU__V1__EVENT__BODY_CUSTOMERS_MERGED, &body);
    else
        tell(o, 0, KESU__V1__EVENT__BODY_CUSTOMERS_UNMERGED, &undone);
}

static void test_identities_of_one_person_are_one_customer_of_an_incident(void **state)
{
    struct office *o = open_office();
    (void)state;
    uint64_t seven = open_case(o, 7, "", ""), eight = open_case(o, 8, "", ""), nine = open_case(o, 9, "", "");
    uint64_t one = o->intake.seq + 5, two = o->intake.seq + 7;
    join(o, seven, one);
    join(o, eight, one);
    tie(o, 8, 7, true);
    join(o, nine, one);
    create(o, one, "");
    join(o, eight, two); /* of the other incident it is the only one */
    create(o, two, "");
    const Kesu__V1__Stats *s = ask(o);
    assert_int_equal(s->incident_customers, 3);
    assert_int_equal(s->incident_counts[1]->customers, 2);
    tie(o, 9, 8, true);
    s = ask(o);
    assert_int_equal(s->incident_customers, 2);
    assert_int_equal(s->incident_counts[1]->customers, 1);
    leave(o, nine, one); /* the person is still there */
    assert_int_equal(ask(o)->incident_counts[1]->customers, 1);
    join(o, nine, one);
    tie(o, 9, 8, false); /* 7 goes with 8 */
    s = ask(o);
    assert_int_equal(s->incident_counts[1]->customers, 2);
    assert_int_equal(s->incident_counts[0]->customers, 1);
    tie(o, 8, 7, false);
    assert_int_equal(ask(o)->incident_counts[1]->customers, 3);
    close_office(o);
}

static void test_a_closed_incident_is_counted_once(void **state)
{
    struct office *o = open_office();
    (void)state;
    uint64_t id = create(o, o->intake.seq + 1, "L-1");
    create(o, o->intake.seq + 1, "L-2");
    close_incident(o, id);
    const Kesu__V1__Stats *s = ask(o);
    assert_int_equal(s->incidents, 2);
    assert_int_equal(s->incidents_closed, 1);
    assert_false(s->incident_counts[0]->closed);
    assert_true(s->incident_counts[1]->closed);
    close_office(o);
}

/* ---- hints ------------------------------------------------------------------- */

static void open_cases(struct office *o, unsigned n, uint64_t first_customer, const char *product,
                       const char *lot)
{
    for (unsigned i = 0; i < n; i++) open_case(o, first_customer + i, product, lot);
}

static void test_five_customers_of_a_lot_look_like_a_group(void **state)
{
    struct office *o = open_office();
    (void)state;
    open_cases(o, 4, 100, "soup", "L-7");
    open_cases(o, 3, 100, "soup", "L-7"); /* the same people */
    assert_int_equal(ask(o)->n_incident_hints, 0);
    open_case(o, 200, "bread", "L-7");
    const Kesu__V1__Stats *s = ask(o);
    assert_int_equal(s->n_incident_hints, 1); /* of the lot; not of the soup too */
    assert_string_equal(s->incident_hints[0]->kind, "lot");
    assert_string_equal(s->incident_hints[0]->value, "L-7");
    assert_int_equal(s->incident_hints[0]->customers, 5);
    assert_int_equal(s->incident_hints[0]->since, WALL / USEC_PER_HOUR * USEC_PER_HOUR);
    open_cases(o, 5, 300, "kettle", "");
    s = ask(o);
    assert_int_equal(s->n_incident_hints, 2);
    assert_string_equal(s->incident_hints[0]->kind, "product"); /* the newest first */
    assert_string_equal(s->incident_hints[0]->value, "kettle");
    close_office(o);
}

static void test_identities_of_one_person_are_no_group(void **state)
{
    struct office *o = open_office();
    (void)state;
    open_cases(o, 4, 100, "", "L-7");
    tie(o, 100, 200, true);
    open_case(o, 200, "", "L-7");
    assert_int_equal(ask(o)->n_incident_hints, 0);
    open_case(o, 300, "", "L-7");
    assert_int_equal(ask(o)->incident_hints[0]->customers, 5);
    tie(o, 100, 200, false);
    assert_int_equal(ask(o)->incident_hints[0]->customers, 6);
    tie(o, 100, 101, true);
    tie(o, 100, 102, true);
    assert_int_equal(ask(o)->n_incident_hints, 0);
    close_office(o);
}

static void test_who_is_not_known_counts_a_case(void **state)
{
    struct office *o = open_office();
    (void)state;
    for (unsigned i = 0; i < 5; i++) open_case(o, 0, "", "L-7");
    assert_int_equal(ask(o)->incident_hints[0]->customers, 5);
    close_office(o);
}

static void test_complaints_far_apart_are_no_group(void **state)
{
    struct office *o = open_office();
    (void)state;
    for (unsigned i = 0; i < 12; i++) {
        open_case(o, 100 + i, "", "L-7");
        o->intake.time_us += 2 * USEC_PER_DAY; /* never five in a week */
    }
    assert_int_equal(ask(o)->n_incident_hints, 0);
    close_office(o);
}

static void test_a_group_of_last_week_is_suggested_no_more(void **state)
{
    struct office *o = open_office();
    (void)state;
    open_cases(o, 6, 100, "", "L-7");
    o->intake.time_us += 7 * USEC_PER_DAY;
    assert_int_equal(ask(o)->n_incident_hints, 1);
    o->intake.time_us += 2 * USEC_PER_HOUR;
    assert_int_equal(ask(o)->n_incident_hints, 0);
    close_office(o);
}

static void test_what_many_always_complain_of_is_no_news(void **state)
{
    struct office *o = open_office();
    (void)state;
    for (unsigned week = 0; week < 5; week++) {
        open_cases(o, 4, 1000 * (week + 1), "parcel", "");
        o->intake.time_us += 8 * USEC_PER_DAY;
    }
    open_cases(o, 6, 100, "parcel", "");
    assert_int_equal(ask(o)->n_incident_hints, 0);
    open_cases(o, 20, 200, "parcel", ""); /* far more than ever */
    assert_int_equal(ask(o)->n_incident_hints, 1);
    close_office(o);
}

static void test_an_open_incident_covers_its_things(void **state)
{
    struct office *o = open_office();
    (void)state;
    open_cases(o, 5, 100, "", "L-7");
    open_cases(o, 4, 100, "kettle", "");
    uint64_t kettle = open_case(o, 105, "kettle", "");
    assert_int_equal(ask(o)->n_incident_hints, 2);
    uint64_t of_lot = create(o, o->intake.seq + 1, "L-7"), of_kettle = o->intake.seq + 2;
    assert_int_equal(ask(o)->n_incident_hints, 1);
    join(o, kettle, of_kettle);
    create(o, of_kettle, "");
    assert_int_equal(ask(o)->n_incident_hints, 0);
    close_incident(o, of_lot);
    const Kesu__V1__Stats *s = ask(o);
    assert_int_equal(s->n_incident_hints, 1); /* they go on complaining */
    assert_string_equal(s->incident_hints[0]->value, "L-7");
    close_office(o);
}

static void test_a_corrected_lot_is_covered(void **state)
{
    struct office *o = open_office();
    Kesu__V1__IncidentChanged body = KESU__V1__INCIDENT_CHANGED__INIT;
    char *set[] = {(char[]){"title"}};
    (void)state;
    open_cases(o, 5, 100, "", "L-7");
    body.incident_id = create(o, o->intake.seq + 1, "L-9");
    body.lot = (char[]){"L-7"};
    body.set = set;
    body.n_set = 1;
    tell(o, 0, KESU__V1__EVENT__BODY_INCIDENT_CHANGED, &body);
    assert_int_equal(ask(o)->n_incident_hints, 1); /* only the title was changed */
    set[0] = (char[]){"lot"};
    tell(o, 0, KESU__V1__EVENT__BODY_INCIDENT_CHANGED, &body);
    assert_int_equal(ask(o)->n_incident_hints, 0);
    close_office(o);
}

static void test_the_newest_of_too_many_groups_are_suggested(void **state)
{
    struct office *o = open_office();
    char lot[16];
    (void)state;
    for (unsigned i = 0; i < ANALYTICS_GROUP_HINTS + 2; i++) {
        snprintf(lot, sizeof lot, "L-%u", i);
        open_cases(o, 5, 100, "", lot);
    }
    open_case(o, 200, "", "L-2"); /* the oldest that is left is the newest again */
    const Kesu__V1__Stats *s = ask(o);
    assert_int_equal(s->n_incident_hints, ANALYTICS_GROUP_HINTS);
    assert_string_equal(s->incident_hints[0]->value, "L-2");
    assert_string_equal(s->incident_hints[1]->value, "L-17");
    assert_string_equal(s->incident_hints[ANALYTICS_GROUP_HINTS - 1]->value, "L-3");
    close_office(o);
}

static void test_of_very_many_the_newest_are_counted(void **state)
{
    struct office *o = open_office();
    (void)state;
    open_cases(o, ANALYTICS_GROUP_MAX + 10, 100, "", "L-7");
    assert_int_equal(ask(o)->incident_hints[0]->customers, ANALYTICS_GROUP_MAX);
    close_office(o);
}

UNIT_MAIN(cmocka_unit_test(test_incidents_are_counted_by_different_customers),
          cmocka_unit_test(test_who_leaves_an_incident_is_counted_no_more),
          cmocka_unit_test(test_identities_of_one_person_are_one_customer_of_an_incident),
          cmocka_unit_test(test_identities_of_one_person_are_no_group),
          cmocka_unit_test(test_a_closed_incident_is_counted_once),
          cmocka_unit_test(test_five_customers_of_a_lot_look_like_a_group),
          cmocka_unit_test(test_who_is_not_known_counts_a_case),
          cmocka_unit_test(test_complaints_far_apart_are_no_group),
          cmocka_unit_test(test_a_group_of_last_week_is_suggested_no_more),
          cmocka_unit_test(test_what_many_always_complain_of_is_no_news),
          cmocka_unit_test(test_an_open_incident_covers_its_things),
          cmocka_unit_test(test_a_corrected_lot_is_covered),
          cmocka_unit_test(test_the_newest_of_too_many_groups_are_suggested),
          cmocka_unit_test(test_of_very_many_the_newest_are_counted))
