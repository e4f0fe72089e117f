/* SPDX-License-Identifier: Apache-2.0 */
/* A shift gives its open work to the next: the whole of it, to who accepts it. */
#include "../../services/intake/cases.h"
#include "life_desk.h"
#include "unit.h"

#define LATER (LIFE_NOW + USEC_PER_HOUR)

static Kesu__V1__OpenHandover *handover(struct life_desk *d, const char *agent, const char *to)
{
    Kesu__V1__OpenHandover *c = NEW(d, open_handover);
    c->to = life_text(to);
    c->due_at = LATER;
    c->agents = arena_zalloc(&d->arena, sizeof(*c->agents));
    if (agent != NULL) c->agents[c->n_agents++] = life_text(agent);
    return c;
}

static uint64_t opened(struct life_desk *d, const char *agent)
{
    life_as(d, "lead");
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_OPEN_HANDOVER, handover(d, agent, "side")), 0);
    return life_event(d)->handover_opened->handover_id;
}

static void *accept_of(struct life_desk *d, uint64_t id)
{
    Kesu__V1__AcceptHandover *c = NEW(d, accept_handover);
    c->handover_id = id;
    return c;
}

static void *given(struct life_desk *d, uint64_t case_id, uint64_t handover_id)
{
    Kesu__V1__AssignCase *c = NEW(d, assign_case);
    c->case_id = case_id;
    c->agent = life_text("ben");
    c->handover_id = handover_id;
    return c;
}

static void set_presence(struct life_desk *d, const char *agent)
{
    Kesu__V1__AgentState *a;
    assert_int_equal(intake_agent_get(&d->view, agent, &d->arena, &a), 0);
    a->present = true;
    a->capacity = 100;
    intake_agent_put(&d->view, a);
}

static void the_list_is_all_that_is_open(void **state)
{
    struct life_desk *d = *state;
    uint64_t one = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    uint64_t closed = life_case(d, KESU__V1__STAGE__STAGE_CLOSED);
    uint64_t two = life_case(d, KESU__V1__STAGE__STAGE_FEEDBACK);
    Kesu__V1__AgentState *a;
    assert_int_equal(intake_agent_get(&d->view, "ann", &d->arena, &a), 0);
    a->open_cases = 2; /* the closed one does not count */
    intake_agent_put(&d->view, a);
    uint64_t id = opened(d, "ann");
    const Kesu__V1__HandoverOpened *b = life_event(d)->handover_opened;
    assert_int_equal(b->n_case_ids, 2);
    assert_int_equal(b->case_ids[0], two);
    assert_int_equal(b->case_ids[1], one);
    assert_true(closed != 0);
    assert_string_equal(b->from, "lead");
    assert_int_equal(b->n_kinds, 2);
    assert_int_equal(b->n_categories, 1);
    assert_string_equal(b->categories[b->kinds[1]->category], life_state(d, one)->category);
    Kesu__V1__HandoverState *s;
    assert_int_equal(intake_handover_get(&d->view, id, &d->arena, &s), 0);
    assert_int_equal(s->n_case_ids, 2);
    assert_false(s->accepted);
    a->open_cases = 3; /* one that cannot be found: nothing is left out in silence */
    intake_agent_put(&d->view, a);
    REFUSED(d, OPEN_HANDOVER, handover(d, "ann", "side"), E_TOO_BIG, "open_handover.agents");
}

static void who_leads_opens_it_for_who_leads(void **state)
{
    struct life_desk *d = *state;
    life_as(d, "ann");
    REFUSED(d, OPEN_HANDOVER, handover(d, "ann", "side"), E_NOT_ALLOWED, "actor.name");
    life_as(d, "side");
    REFUSED(d, OPEN_HANDOVER, handover(d, "ann", "lead"), E_NOT_ALLOWED, "open_handover.agents");
    life_as(d, "lead");
    REFUSED(d, OPEN_HANDOVER, handover(d, "ann", "lead"), E_RANGE, "open_handover.to");
    REFUSED(d, OPEN_HANDOVER, handover(d, "ann", "ben"), E_RANGE, "open_handover.to");
    REFUSED(d, OPEN_HANDOVER, handover(d, "ann", "nobody"), E_UNKNOWN, "open_handover.to");
    REFUSED(d, OPEN_HANDOVER, handover(d, "hand", "side"), E_UNKNOWN, "open_handover.agents");
    REFUSED(d, OPEN_HANDOVER, handover(d, NULL, "side"), E_MISSING, "open_handover.agents");
    Kesu__V1__OpenHandover *late = handover(d, "ann", "side");
    late->due_at = LIFE_NOW;
    REFUSED(d, OPEN_HANDOVER, late, E_RANGE, "open_handover.due_at");
}

static void a_shift_is_its_agents(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__Shift night = KESU__V1__SHIFT__INIT, *shifts[1] = {&night};
    night.id = life_text("night");
    night.lead = life_text("ben");
    d->policy.shifts = shifts;
    d->policy.n_shifts = 1;
    for (size_t i = 0; i < d->policy.n_staff; i++)
        if (strcmp(d->policy.staff[i]->id, "ann") == 0) d->policy.staff[i]->shift = life_text("night");
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    life_as(d, "ben"); /* no manager, but leads the shift */
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_OPEN_HANDOVER, handover(d, NULL, "side")), 0);
    const Kesu__V1__HandoverOpened *b = life_event(d)->handover_opened;
    assert_int_equal(b->n_agents, 1);
    assert_string_equal(b->agents[0], "ann");
    assert_int_equal(b->n_case_ids, 1);
    assert_int_equal(b->case_ids[0], id);
    d->policy.n_shifts = 0;
}

static void only_who_it_is_for_accepts_it_once(void **state)
{
    struct life_desk *d = *state;
    life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    uint64_t id = opened(d, "ann");
    REFUSED(d, ACCEPT_HANDOVER, accept_of(d, id), E_NOT_ALLOWED, "actor.name");
    life_as(d, "gm");
    REFUSED(d, ACCEPT_HANDOVER, accept_of(d, id), E_NOT_ALLOWED, "actor.name");
    life_as(d, "side");
    REFUSED(d, ACCEPT_HANDOVER, accept_of(d, 5), E_UNKNOWN, "accept_handover.handover_id");
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_ACCEPT_HANDOVER, accept_of(d, id)), 0);
    REFUSED(d, ACCEPT_HANDOVER, accept_of(d, id), E_EXISTS, "accept_handover.handover_id");
}

static void who_has_a_case_has_it_until_it_is_given(void **state)
{
    struct life_desk *d = *state;
    uint64_t one = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    set_presence(d, "ben");
    uint64_t id = opened(d, "ann");
    uint64_t later = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    life_as(d, NULL);
    REFUSED(d, ASSIGN_CASE, given(d, one, id), E_NOT_ALLOWED, "assign_case.handover_id");
    life_as(d, "side");
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_ACCEPT_HANDOVER, accept_of(d, id)), 0);
    assert_string_equal(life_state(d, one)->agent, "ann");
    life_as(d, NULL);
    REFUSED(d, ASSIGN_CASE, given(d, later, id), E_EXISTS, "assign_case.handover_id");
    DONE(d, ASSIGN_CASE, given(d, one, id), TRIAGED);
    assert_string_equal(life_state(d, one)->agent, "ben");
    assert_int_equal(life_event(d)->case_assigned->handover_id, id);
}

static void *fired(struct life_desk *d, uint64_t id, Kesu__V1__FireClock__Step step, uint32_t level,
                   int64_t due_at)
{
    Kesu__V1__FireClock *c = NEW(d, fire_clock);
    c->work_id = id;
    c->clock = life_text("handover");
    c->step = step;
    c->level = level;
    c->due_at = due_at;
    return c;
}

#define BREACH   KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH
#define ESCALATE KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE

static void one_that_is_not_accepted_in_time_climbs(void **state)
{
    struct life_desk *d = *state;
    int64_t waits[] = {USEC_PER_HOUR};
    d->settings.n_overdue_after = 1;
    d->settings.overdue_after = waits;
    d->policy.departments[0]->manager = life_text("dep");
    uint64_t one = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    uint64_t id = opened(d, "ann");
    const Kesu__V1__Event *event = life_event(d);
    assert_int_equal(event->n_clocks, 1);
    assert_int_equal(event->clocks[0]->work_id, id);
    assert_int_equal(event->clocks[0]->due_at, LATER);
    assert_int_equal(event->clocks[0]->escalate_at[0], LATER + USEC_PER_HOUR);
    life_as(d, NULL);
    REFUSED(d, FIRE_CLOCK, fired(d, id, BREACH, 0, LATER), E_NOT_DUE, "fire_clock.due_at");
    REFUSED(d, FIRE_CLOCK, fired(d, one, BREACH, 0, LATER), E_UNKNOWN, "fire_clock.work_id");
    d->ctx.block_time = LATER;
    REFUSED(d, FIRE_CLOCK, fired(d, id, BREACH, 0, LATER + 1), E_STALE, "fire_clock.due_at");
    REFUSED(d, FIRE_CLOCK, fired(d, id, ESCALATE, 1, LATER + USEC_PER_HOUR), E_NOT_DUE, "fire_clock.due_at");
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_FIRE_CLOCK, fired(d, id, BREACH, 0, LATER)), 0);
    assert_string_equal(life_event(d)->clock_fired->told, "dep");
    assert_string_equal(life_event(d)->clock_fired->agent, "side");
    assert_int_equal(life_event(d)->case_id, 0);
    assert_string_equal(life_state(d, one)->agent, "ann");
    REFUSED(d, FIRE_CLOCK, fired(d, id, BREACH, 0, LATER), E_EXISTS, "fire_clock.step");
    d->ctx.block_time = LATER + USEC_PER_HOUR;
    Kesu__V1__FireClock *up = fired(d, id, ESCALATE, 1, LATER + USEC_PER_HOUR);
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_FIRE_CLOCK, up), 0);
    assert_string_equal(life_event(d)->clock_fired->told, "gm");
    d->settings.n_overdue_after = 0;
}

static void one_that_was_accepted_is_not_late(void **state)
{
    struct life_desk *d = *state;
    life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    uint64_t id = opened(d, "ann");
    life_as(d, "side");
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_ACCEPT_HANDOVER, accept_of(d, id)), 0);
    assert_int_equal(life_event(d)->clocks[0]->op, KESU__V1__CLOCK_CHANGE__OP__OP_STOP);
    assert_int_equal(life_event(d)->clocks[0]->work_id, id);
    life_as(d, NULL);
    d->ctx.block_time = LATER;
    REFUSED(d, FIRE_CLOCK, fired(d, id, BREACH, 0, LATER), E_EXISTS, "fire_clock.clock");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, life_desk_open, life_desk_close)
UNIT_MAIN(TEST(the_list_is_all_that_is_open), TEST(who_leads_opens_it_for_who_leads),
          TEST(a_shift_is_its_agents), TEST(only_who_it_is_for_accepts_it_once),
          TEST(who_has_a_case_has_it_until_it_is_given), TEST(one_that_is_not_accepted_in_time_climbs),
          TEST(one_that_was_accepted_is_not_late))
