/* SPDX-License-Identifier: Apache-2.0 */
/* Who leaves gives what they have to who leads them; escalations reach who is there. */
#include "../../services/intake/cases.h"
#include "life_desk.h"
#include "unit.h"

static Kesu__V1__Staff *person(struct life_desk *d, const char *id)
{
    for (size_t i = 0; i < d->policy.n_staff; i++)
        if (strcmp(d->policy.staff[i]->id, id) == 0) return d->policy.staff[i];
    fail_msg("no %s", id);
    return NULL;
}

static void drop(struct life_desk *d, const char *id)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->policy.n_staff; i++)
        if (strcmp(d->policy.staff[i]->id, id) != 0) d->policy.staff[kept++] = d->policy.staff[i];
    d->policy.n_staff = kept;
}

static void lead_department(struct life_desk *d)
{
    d->policy.departments[0]->manager = life_text("lead");
}

static int replace(struct life_desk *d, uint64_t case_id, uint64_t incident_id)
{
    Kesu__V1__ReplaceLeavers *c = NEW(d, replace_leavers);
    c->case_id = case_id;
    c->incident_id = incident_id;
    life_as(d, NULL);
    return life_decide(d, KESU__V1__COMMAND__BODY_REPLACE_LEAVERS, c);
}

static uint32_t open_of(struct life_desk *d, const char *agent)
{
    Kesu__V1__AgentState *a;
    assert_int_equal(intake_agent_get(&d->view, agent, &d->arena, &a), 0);
    return a->open_cases;
}

static void give_task(struct life_desk *d, uint64_t id, const char *owner)
{
    Kesu__V1__OpenTask *c = NEW(d, open_task);
    c->case_id = id;
    c->department = life_text("service");
    c->owner = life_text(owner);
    c->words = life_words(d, "who carried it?");
    life_as(d, "ann");
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_OPEN_TASK, c), 0);
}

static void the_case_of_who_left_goes_to_who_leads_them(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    lead_department(d);
    assert_int_equal(replace(d, id, 0), 0); /* nobody has left */
    assert_int_equal(d->out.n_events, 0);
    drop(d, "ann");
    assert_int_equal(replace(d, id, 0), 0);
    const Kesu__V1__CaseAssigned *b = life_event(d)->case_assigned;
    assert_string_equal(b->agent, "lead");
    assert_string_equal(b->previous_agent, "ann");
    assert_string_equal(b->reason, "who had it has left");
    assert_string_equal(life_state(d, id)->agent, "lead");
    assert_int_equal(life_state(d, id)->stage, KESU__V1__STAGE__STAGE_INVESTIGATING);
    assert_int_equal(open_of(d, "ann"), 0);
    assert_int_equal(open_of(d, "lead"), 1);
    assert_int_equal(replace(d, id, 0), 0); /* once */
    assert_int_equal(d->out.n_events, 0);
}

static void sub_tasks_of_who_left_go_after_their_last_moment(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    lead_department(d);
    give_task(d, id, "ben");
    give_task(d, id, "hand");
    person(d, "ben")->until = LIFE_NOW;
    assert_int_equal(replace(d, id, 0), 0);
    assert_int_equal(d->out.n_events, 0); /* their last moment is theirs */
    d->ctx.block_time = LIFE_NOW + 1;
    assert_int_equal(replace(d, id, 0), 0);
    assert_int_equal(d->out.n_events, 1);
    const Kesu__V1__CaseLife *life = life_state(d, id)->life;
    assert_string_equal(life->tasks[0]->owner, "lead");
    assert_int_equal(life->tasks[0]->transfers, 1);
    assert_string_equal(life->tasks[1]->owner, "hand");
    assert_string_equal(life_state(d, id)->agent, "ann");
}

static void the_accused_do_not_inherit(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    Kesu__V1__CaseState *s = life_state(d, id);
    lead_department(d);
    s->life = NEW(d, case_life);
    s->life->accused = arena_zalloc(&d->arena, sizeof(char *));
    s->life->accused[s->life->n_accused++] = life_text("lead");
    life_put(d, s);
    drop(d, "ann");
    assert_int_equal(replace(d, id, 0), 0);
    assert_string_equal(life_state(d, id)->agent, "dep");
}

static void an_incident_gets_another_lead(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__IncidentState s = KESU__V1__INCIDENT_STATE__INIT, *now;
    lead_department(d);
    s.incident_id = 7;
    s.lead = life_text("ben");
    s.version = 1;
    intake_incident_put(&d->view, &s);
    assert_int_equal(replace(d, 0, 7), 0);
    assert_int_equal(d->out.n_events, 0);
    person(d, "ben")->until = LIFE_NOW - 1;
    assert_int_equal(replace(d, 0, 7), 0);
    assert_int_equal(intake_incident_get(&d->view, 7, &d->arena, &now), 0);
    assert_string_equal(now->lead, "lead");
    assert_int_equal(replace(d, 0, 8), E_UNKNOWN);
    life_as(d, "gm");
    REFUSED(d, REPLACE_LEAVERS, NEW(d, replace_leavers), E_NOT_ALLOWED, "actor.name");
}

static void what_nobody_inherits_whoever_leads_may_act_for(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_FEEDBACK);
    Kesu__V1__CloseCase *c = NEW(d, close_case);
    c->case_id = id;
    c->cause = life_text("method");
    life_as(d, "side");
    REFUSED(d, CLOSE_CASE, c, E_NOT_ALLOWED, "actor.name");
    drop(d, "ann");
    life_as(d, "hand");
    REFUSED(d, CLOSE_CASE, c, E_NOT_ALLOWED, "actor.name");
    life_as(d, "side");
    DONE(d, CLOSE_CASE, c, CLOSED);
}

/* ---- who is told ------------------------------------------------------------------ */

static const char *told(struct life_desk *d, uint64_t id, uint32_t level)
{
    Kesu__V1__CaseState *s = life_state(d, id);
    Kesu__V1__ClockState *clock = NEW(d, clock_state);
    Kesu__V1__FireClock *c = NEW(d, fire_clock);
    int64_t *ladder = arena_zalloc(&d->arena, sizeof(*ladder) * 2);
    ladder[0] = ladder[1] = LIFE_NOW - 1;
    clock->clock = life_text("resolution");
    clock->running = true;
    clock->due_at = LIFE_NOW - 2;
    clock->escalate_at = ladder;
    clock->n_escalate_at = 2;
    s->clocks = arena_zalloc(&d->arena, sizeof(*s->clocks));
    s->clocks[0] = clock;
    s->n_clocks = 1;
    life_put(d, s);
    c->case_id = id;
    c->clock = clock->clock;
    c->step = KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE;
    c->level = level;
    c->due_at = LIFE_NOW - 1;
    life_as(d, NULL);
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_FIRE_CLOCK, c), 0);
    return d->out.events[0].event.clock_fired->told;
}

static void a_delegate_is_told_while_the_delegation_lasts(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    lead_department(d);
    assert_string_equal(told(d, id, 1), "hand"); /* stands in for lead */
    assert_string_equal(told(d, id, 2), "side"); /* for dep */
    Kesu__V1__CaseState *s = life_state(d, id);
    s->agent = life_text("hand");
    life_put(d, s);
    assert_string_equal(told(d, id, 1), "lead"); /* not who is late themself */
    d->policy.n_delegations = 0;
    assert_string_equal(told(d, id, 1), "lead");
    assert_string_equal(told(d, id, 2), "dep");
    person(d, "lead")->until = LIFE_NOW - 1;
    assert_string_equal(told(d, id, 1), "dep");
}

static void the_accused_are_not_told(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    Kesu__V1__CaseState *s = life_state(d, id);
    lead_department(d);
    s->life = NEW(d, case_life);
    s->life->accused = arena_zalloc(&d->arena, sizeof(char *));
    s->life->accused[s->life->n_accused++] = life_text("hand");
    life_put(d, s);
    assert_string_equal(told(d, id, 1), "lead"); /* not who stands in for them */
    s->life->accused[0] = life_text("lead");
    life_put(d, s);
    assert_string_equal(told(d, id, 1), "side"); /* dep's: lead is passed over */
    d->policy.n_delegations = 0;
    assert_string_equal(told(d, id, 1), "dep");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_case_of_who_left_goes_to_who_leads_them, life_desk_open,
                                        life_desk_close),
        cmocka_unit_test_setup_teardown(sub_tasks_of_who_left_go_after_their_last_moment, life_desk_open,
                                        life_desk_close),
        cmocka_unit_test_setup_teardown(the_accused_do_not_inherit, life_desk_open, life_desk_close),
        cmocka_unit_test_setup_teardown(an_incident_gets_another_lead, life_desk_open, life_desk_close),
        cmocka_unit_test_setup_teardown(what_nobody_inherits_whoever_leads_may_act_for, life_desk_open,
                                        life_desk_close),
        cmocka_unit_test_setup_teardown(a_delegate_is_told_while_the_delegation_lasts, life_desk_open,
                                        life_desk_close),
        cmocka_unit_test_setup_teardown(the_accused_are_not_told, life_desk_open, life_desk_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
