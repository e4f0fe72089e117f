/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets a case: order, skill, fairness, capacity, and what follows a refusal. */
#include <stdio.h>

#include "../../services/routing/assign.h"
#include "clock.h"
#include "err.h"
#include "unit.h"

#define MAX_CASES 4096

struct office {
    struct routing_assign assign;
    struct routing_case cases[MAX_CASES]; /* as folded */
    char proposed[MAX_CASES][16];
    unsigned order[MAX_CASES], n;
    char reason[128];
};

static int get_case(void *self, uint64_t case_id, struct routing_case *ret)
{
    struct office *o = self;
    if (case_id >= MAX_CASES || o->cases[case_id].version == 0) return E_NOT_FOUND;
    *ret = o->cases[case_id];
    return 0;
}

static void propose(void *self, uint64_t case_id, const struct routing_case *c, const char *agent,
                    const char *reason)
{
    struct office *o = self;
    assert_int_equal(c->version, o->cases[case_id].version);
    snprintf(o->proposed[case_id], sizeof o->proposed[case_id], "%s", agent);
    snprintf(o->reason, sizeof o->reason, "%s", reason);
    o->order[o->n++] = (unsigned)case_id;
}

/* ---- an office: claims (ann, bob, eve the manager), qa (kim), it (nobody) ---- */

static char *ann_skills[] = {"claims.*", "lang:zh"}, *bob_skills[] = {"claims.*", "lang:zh", "lang:en"},
            *kim_skills[] = {"quality"}, *eve_skills[] = {"*"};
static Kesu__V1__Staff staff[4], *staff_list[] = {&staff[0], &staff[1], &staff[2], &staff[3]};
static Kesu__V1__Department departments[3],
    *department_list[] = {&departments[0], &departments[1], &departments[2]};
static Kesu__V1__Defaults defaults;
static Kesu__V1__Policy policy;

static void make_staff(unsigned i, char *id, char *department, char **skills, size_t n_skills)
{
    kesu__v1__staff__init(&staff[i]);
    staff[i].id = id;
    staff[i].department = department;
    staff[i].skills = skills;
    staff[i].n_skills = n_skills;
    staff[i].agent = true;
}

static void make_policy(void)
{
    kesu__v1__policy__init(&policy);
    make_staff(0, "ann", "claims", ann_skills, 2);
    make_staff(1, "bob", "claims", bob_skills, 3);
    make_staff(2, "kim", "qa", kim_skills, 1);
    make_staff(3, "eve", "board", eve_skills, 1);
    for (unsigned i = 0; i < 3; i++) kesu__v1__department__init(&departments[i]);
    departments[0].id = "claims";
    departments[0].manager = "eve";
    departments[1].id = "qa";
    departments[2].id = "it";
    kesu__v1__defaults__init(&defaults);
    defaults.department = "qa";
    policy.staff = staff_list;
    policy.n_staff = 4;
    policy.departments = department_list;
    policy.n_departments = 3;
    policy.defaults = &defaults;
}

static int setup(void **state)
{
    static struct office office;
    memset(&office, 0, sizeof office);
    make_policy();
    routing_assign_init(&office.assign, &mem_libc);
    office.assign.get_case = get_case;
    office.assign.propose = propose;
    office.assign.self = &office;
    routing_assign_set_policy(&office.assign, &policy);
    *state = &office;
    return 0;
}

static int teardown(void **state)
{
    struct office *o = *state;
    routing_assign_deinit(&o->assign);
    return 0;
}

static void triage(struct office *o, uint64_t id, const char *category, const char *department, int severity,
                   int language)
{
    struct routing_case *c = &o->cases[id];
    *c = (struct routing_case){
        .version = 2, .state = ROUTING_TRIAGED, .severity = (uint8_t)severity, .language = (uint8_t)language};
    snprintf(c->category, sizeof c->category, "%s", category);
    snprintf(c->department, sizeof c->department, "%s", department);
    routing_assign_wait(&o->assign, id, c);
}

static void claim(struct office *o, uint64_t id, int severity)
{
    triage(o, id, "claims.late", "claims", severity, KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS);
}

/* The proposal was accepted and its event folded. */
static void folded(struct office *o, uint64_t id)
{
    o->cases[id].version = 0;
    routing_assign_settled(&o->assign, id);
    routing_assign_load(&o->assign, o->proposed[id], 1);
}

#define NOON (20000 * 24 * USEC_PER_HOUR + 12 * USEC_PER_HOUR) /* the office's clock is UTC */

static void run_at(struct office *o, int64_t wall_us)
{
    routing_assign_look(&o->assign, wall_us);
    routing_assign_run(&o->assign, 1000 * USEC_PER_SEC);
}

static void run(struct office *o)
{
    routing_assign_look(&o->assign, NOON);
    routing_assign_run(&o->assign, 1000 * USEC_PER_SEC);
}

static void test_severe_first_then_oldest(void **state)
{
    struct office *o = *state;
    claim(o, 10, 3), claim(o, 11, 1), claim(o, 12, 4), claim(o, 13, 1), claim(o, 14, 3);
    run(o);
    assert_int_equal(o->n, 0);
    routing_assign_presence(&o->assign, "ann", true, 100);
    run(o);
    assert_int_equal(o->n, 5);
    const unsigned expected[] = {11, 13, 10, 14, 12};
    assert_memory_equal(o->order, expected, sizeof expected);
}

static void test_least_loaded_relative_to_capacity(void **state)
{
    struct office *o = *state;
    unsigned ann = 0;
    routing_assign_presence(&o->assign, "ann", true, 10);
    routing_assign_presence(&o->assign, "bob", true, 30);
    for (uint64_t id = 1; id <= 40; id++) claim(o, id, 2);
    run(o);
    assert_int_equal(o->n, 40);
    assert_string_equal(o->proposed[1], "ann"); /* a tie goes by id */
    for (uint64_t id = 1; id <= 20; id++) ann += strcmp(o->proposed[id], "ann") == 0;
    assert_int_equal(ann, 5);
}

static void test_capacity_is_never_exceeded(void **state)
{
    struct office *o = *state;
    unsigned open = 0;
    uint64_t next = 1, random = 12345;
    routing_assign_presence(&o->assign, "ann", true, 3);
    for (unsigned step = 0; step < 2000; step++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        if (random >> 62 == 0 && next < MAX_CASES) claim(o, next++, 1 + (int)(random >> 40) % 4);
        if (random >> 62 == 1 && o->assign.agents.list[0]->row.load > 0) {
            routing_assign_load(&o->assign, "ann", -1);
            open--;
        }
        unsigned before = o->n;
        run(o);
        for (unsigned i = before; i < o->n; i++) open++;
        assert_true(open <= 3);
        if (random >> 62 == 2)
            for (unsigned i = 0; i < o->n; i++)
                if (o->cases[o->order[i]].version != 0) folded(o, o->order[i]);
    }
    assert_true(o->n > 300);
    assert_int_equal(open, o->assign.agents.list[0]->row.load + o->assign.agents.list[0]->in_flight);
}

static Kesu__V1__Shift shifts[2], *shift_list[] = {&shifts[0], &shifts[1]};

static void set_shifts(struct office *o, char *of_ann, char *of_bob)
{
    kesu__v1__shift__init(&shifts[0]);
    kesu__v1__shift__init(&shifts[1]);
    shifts[0].id = "day", shifts[0].begins = 8 * 60, shifts[0].ends = 20 * 60;
    shifts[1].id = "night", shifts[1].begins = 20 * 60, shifts[1].ends = 8 * 60;
    policy.shifts = shift_list;
    policy.n_shifts = 2;
    staff[0].shift = of_ann;
    staff[1].shift = of_bob;
    routing_assign_presence(&o->assign, "ann", true, 2);
    routing_assign_presence(&o->assign, "bob", true, 100);
}

static void test_who_is_on_shift_is_chosen_before_who_is_not(void **state)
{
    struct office *o = *state;
    set_shifts(o, "day", "night");
    for (uint64_t id = 1; id <= 3; id++) claim(o, id, 2);
    run_at(o, NOON);
    assert_string_equal(o->proposed[1], "ann");
    assert_string_equal(o->proposed[2], "ann");
    assert_string_equal(o->proposed[3], "bob"); /* here, and nobody on shift has room */
}

static void test_a_shift_goes_over_midnight(void **state)
{
    struct office *o = *state;
    set_shifts(o, "night", "day");
    claim(o, 1, 2);
    run_at(o, NOON - 12 * USEC_PER_HOUR);
    assert_string_equal(o->proposed[1], "ann");
    claim(o, 2, 2);
    run_at(o, NOON - 4 * USEC_PER_HOUR); /* its end is of the next */
    assert_string_equal(o->proposed[2], "bob");
    claim(o, 3, 2);
    run_at(o, NOON + 8 * USEC_PER_HOUR);
    assert_string_equal(o->proposed[3], "ann");
}

static void test_who_is_gone_is_not_chosen(void **state)
{
    struct office *o = *state;
    routing_assign_presence(&o->assign, "ann", true, 10);
    staff[0].until = NOON;
    claim(o, 1, 2);
    run_at(o, NOON + 1);
    assert_int_equal(o->n, 0);
    routing_assign_presence(&o->assign, "bob", true, 10);
    run_at(o, NOON + 1);
    assert_string_equal(o->proposed[1], "bob");
}

static void test_skill_and_language(void **state)
{
    struct office *o = *state;
    routing_assign_presence(&o->assign, "ann", true, 10);
    triage(o, 1, "claims.late", "claims", 2, KESU__V1__LANGUAGE__LANGUAGE_EN);
    run(o);
    assert_int_equal(o->n, 0); /* bob could, but is not there */
    routing_assign_presence(&o->assign, "bob", true, 10);
    run(o);
    assert_string_equal(o->proposed[1], "bob");
    triage(o, 2, "price", "claims", 2, KESU__V1__LANGUAGE__LANGUAGE_EN);
    run(o);
    assert_string_equal(o->proposed[2], "ann"); /* nobody of the department has that skill */
}

static void test_chain_of_command_and_default_department(void **state)
{
    struct office *o = *state;
    routing_assign_presence(&o->assign, "eve", true, 10);
    routing_assign_presence(&o->assign, "kim", true, 10);
    claim(o, 1, 1);
    run(o);
    assert_int_equal(o->n, 0);
    o->cases[1].escalated = 1;
    o->cases[1].version++;
    routing_assign_wait(&o->assign, 1, &o->cases[1]);
    run(o);
    assert_string_equal(o->proposed[1], "eve");
    triage(o, 2, "system", "it", 2, KESU__V1__LANGUAGE__LANGUAGE_EN);
    run(o);
    assert_string_equal(o->proposed[2], "kim");
    triage(o, 3, "system", "gone", 2, KESU__V1__LANGUAGE__LANGUAGE_EN);
    run(o);
    assert_string_equal(o->proposed[3], "kim");
    assert_int_equal(o->n, 3);
}

static void test_absent_or_full_is_decided_again(void **state)
{
    struct office *o = *state;
    routing_assign_presence(&o->assign, "ann", true, 10);
    routing_assign_presence(&o->assign, "bob", true, 10);
    claim(o, 1, 1);
    run(o);
    assert_string_equal(o->proposed[1], "ann");
    routing_assign_refused(&o->assign, 1, true, 0, 1000 * USEC_PER_SEC);
    run(o);
    assert_string_equal(o->proposed[1], "bob");
    routing_assign_refused(&o->assign, 1, true, 0, 1000 * USEC_PER_SEC);
    run(o);
    assert_int_equal(o->n, 2); /* both are shut for a second */
    routing_assign_run(&o->assign, 1002 * USEC_PER_SEC);
    assert_int_equal(o->n, 3);
    assert_string_equal(o->proposed[1], "ann");
    routing_assign_refused(&o->assign, 1, false, 0, 1002 * USEC_PER_SEC); /* over: no more */
    run(o);
    assert_int_equal(o->n, 3);
}

static void refuse_for_good(struct office *o, uint64_t id)
{
    routing_assign_bar(&o->assign, id);
    routing_assign_refused(&o->assign, id, true, 0, 1000 * USEC_PER_SEC);
    run(o);
}

static void test_who_may_not_have_a_case_is_not_asked_again(void **state)
{
    struct office *o = *state;
    routing_assign_presence(&o->assign, "ann", true, 10);
    routing_assign_presence(&o->assign, "bob", true, 0);
    claim(o, 1, 1);
    claim(o, 2, 1);
    run(o);
    assert_string_equal(o->proposed[1], "ann");
    assert_string_equal(o->proposed[2], "ann");
    routing_assign_settled(&o->assign, 2);
    refuse_for_good(o, 1);
    assert_int_equal(o->n, 2); /* bob, who may, has no room */
    claim(o, 3, 2);
    run(o);
    assert_string_equal(o->proposed[3], "ann"); /* what stands behind it does not wait */
    routing_assign_presence(&o->assign, "bob", true, 10);
    run(o);
    assert_string_equal(o->proposed[1], "bob");
}

static void test_when_nobody_may_have_it_it_is_proposed_all_the_same(void **state)
{
    struct office *o = *state;
    routing_assign_presence(&o->assign, "ann", true, 10);
    routing_assign_presence(&o->assign, "bob", true, 10);
    claim(o, 1, 1);
    run(o);
    refuse_for_good(o, 1);
    assert_string_equal(o->proposed[1], "bob");
    refuse_for_good(o, 1);
    assert_int_equal(o->n, 3); /* intake says who has it instead */
}

static void test_stale_waits_for_the_fold(void **state)
{
    struct office *o = *state;
    routing_assign_presence(&o->assign, "ann", true, 1);
    claim(o, 1, 1);
    run(o);
    assert_int_equal(o->n, 1);
    routing_assign_refused(&o->assign, 1, true, 4, 1000 * USEC_PER_SEC);
    run(o);
    assert_int_equal(o->n, 1);
    o->cases[1].version = 3;
    routing_assign_moved(&o->assign, 1, &o->cases[1]);
    run(o);
    assert_int_equal(o->n, 1);
    o->cases[1].version = 4;
    routing_assign_moved(&o->assign, 1, &o->cases[1]);
    run(o);
    assert_int_equal(o->n, 2);
    routing_assign_refused(&o->assign, 1, true, 4, 1000 * USEC_PER_SEC); /* seen already */
    run(o);
    assert_int_equal(o->n, 3);
    folded(o, 1);
    claim(o, 2, 1);
    run(o);
    assert_int_equal(o->n, 3); /* ann has her one case */
    routing_assign_load(&o->assign, "ann", -1);
    run(o);
    assert_int_equal(o->n, 4);
}

static void test_judged_anew_while_waiting(void **state)
{
    struct office *o = *state;
    claim(o, 1, 4);
    claim(o, 2, 3);
    claim(o, 1, 1); /* reclassified: the first entry is history */
    routing_assign_presence(&o->assign, "ann", true, 10);
    run(o);
    assert_int_equal(o->n, 2);
    assert_int_equal(o->order[0], 1);
    assert_int_equal(o->order[1], 2);
    assert_int_equal(routing_assign_waiting(&o->assign), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_severe_first_then_oldest),
        T(test_least_loaded_relative_to_capacity),
        T(test_capacity_is_never_exceeded),
        T(test_who_is_on_shift_is_chosen_before_who_is_not),
        T(test_a_shift_goes_over_midnight),
        T(test_who_is_gone_is_not_chosen),
        T(test_skill_and_language),
        T(test_chain_of_command_and_default_department),
        T(test_absent_or_full_is_decided_again),
        T(test_who_may_not_have_a_case_is_not_asked_again),
        T(test_when_nobody_may_have_it_it_is_proposed_all_the_same),
        T(test_stale_waits_for_the_fold),
        T(test_judged_anew_while_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
