/* SPDX-License-Identifier: Apache-2.0 */
/* 8D: who does what in which order, and what has to be there before it ends. */
#include <stdio.h>

#include "../../services/intake/cases.h"
#include "life_desk.h"
#include "unit.h"

#define LATER (LIFE_NOW + USEC_PER_HOUR)
#define GOOD(d, type, body)                                                                                 \
    do {                                                                                                    \
        if (life_decide((d), KESU__V1__COMMAND__BODY_##type, (body)) != 0)                                  \
            fail_msg("refused %d (%s: %s)", (d)->out.err, (d)->out.refused.field, (d)->out.refused.reason); \
    } while (0)

static Kesu__V1__OpenEightD *open_for(struct life_desk *d, uint64_t case_id, const char *cause_key)
{
    Kesu__V1__OpenEightD *c = NEW(d, open_eight_d);
    c->case_id = case_id;
    c->title = life_text("seals leak");
    c->lead = life_text("lead");
    c->cause_key = life_text(cause_key);
    return c;
}

static uint64_t opened(struct life_desk *d, uint64_t case_id, const char *cause_key)
{
    GOOD(d, OPEN_EIGHTD, open_for(d, case_id, cause_key));
    return life_event(d)->eightd_opened->eightd_id;
}

static Kesu__V1__EightDState *state_of(struct life_desk *d, uint64_t id)
{
    Kesu__V1__EightDState *s;
    assert_int_equal(intake_eightd_get(&d->view, id, &d->arena, &s), 0);
    return s;
}

static Kesu__V1__RecordDiscipline *record(struct life_desk *d, uint64_t id, uint32_t discipline)
{
    Kesu__V1__RecordDiscipline *c = NEW(d, record_discipline);
    c->eightd_id = id;
    c->discipline = discipline;
    c->done = true;
    return c;
}

static void *list_of_one(struct life_desk *d, const void *item)
{
    void **list = arena_alloc(&d->arena, sizeof(item));
    memcpy(list, &item, sizeof(item));
    return list;
}

static Kesu__V1__RecordDiscipline *with_team(struct life_desk *d, Kesu__V1__RecordDiscipline *c,
                                             const char *who)
{
    c->n_team = 1;
    c->team = list_of_one(d, who);
    return c;
}

static void add_cause(struct life_desk *d, Kesu__V1__RecordDiscipline *c, const char *kind)
{
    Kesu__V1__Cause *cause = NEW(d, cause), **more = arena_zalloc(&d->arena, sizeof(*more) * 4);
    cause->kind = life_text(kind);
    cause->branch = life_text("method");
    cause->text = life_text("no torque was set");
    if (c->n_causes > 0) memcpy(more, c->causes, sizeof(*more) * c->n_causes);
    more[c->n_causes++] = cause;
    c->causes = more;
}

static Kesu__V1__RecordDiscipline *with_option(struct life_desk *d, Kesu__V1__RecordDiscipline *c,
                                               bool chosen)
{
    Kesu__V1__EightDOption *o = NEW(d, eight_doption);
    o->text = life_text("a torque wrench");
    o->chosen = chosen;
    c->n_options = 1;
    c->options = list_of_one(d, o);
    return c;
}

static Kesu__V1__RecordDiscipline *with_measure(struct life_desk *d, Kesu__V1__RecordDiscipline *c)
{
    Kesu__V1__Measure *m = NEW(d, measure);
    m->name = life_text("defects");
    m->unit = life_text("PPM");
    m->before_e4 = 40000000;
    m->after_e4 = 3000000;
    c->n_measures = 1;
    c->measures = list_of_one(d, m);
    return c;
}

static Kesu__V1__RecordDiscipline *complete(struct life_desk *d, uint64_t id, uint32_t discipline)
{
    Kesu__V1__RecordDiscipline *c = record(d, id, discipline);
    Kesu__V1__IsIsNot *line = NEW(d, is_is_not);
    c->text = life_text("done so");
    switch (discipline) {
    case 1:
        return with_team(d, c, "ann");
    case 2:
        line->question = life_text("where");
        c->n_is_is_not = 1;
        c->is_is_not = list_of_one(d, line);
        return c;
    case 4:
        add_cause(d, c, "occurrence");
        add_cause(d, c, "escape");
        c->cause_key = life_text("lot-seal:leak");
        return c;
    case 5:
        return with_option(d, c, true);
    case 6:
        return with_measure(d, c);
    default:
        return c;
    }
}

static void *closing(struct life_desk *d, uint64_t id)
{
    Kesu__V1__CloseEightD *c = NEW(d, close_eight_d);
    c->eightd_id = id;
    c->reason = life_text("measured for a month");
    return c;
}

static void one_of_a_case_counts_for_it_until_it_is_closed(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    uint64_t eightd = opened(d, id, "");
    assert_int_equal(eightd, 1000);
    assert_int_equal(life_event(d)->case_id, id);
    assert_int_equal(life_state(d, id)->life->n_open_eightds, 1);
    assert_int_equal(life_state(d, id)->life->open_eightds[0], eightd);
    assert_int_equal(life_state(d, id)->version, 4);
    life_as(d, "lead");
    REFUSED(d, CLOSE_EIGHTD, closing(d, eightd), E_OPEN_WORK, "close_eightd.eightd_id");
    for (uint32_t i = 1; i <= 8; i++) {
        if (i == 8) {
            REFUSED(d, CLOSE_EIGHTD, closing(d, eightd), E_OPEN_WORK, "close_eightd.eightd_id");
            assert_string_equal(d->out.refused.reason, "not done: D8");
        }
        GOOD(d, RECORD_DISCIPLINE, complete(d, eightd, i));
        assert_int_equal(life_event(d)->case_id, 0);
        assert_int_equal(life_event(d)->discipline_recorded->previous, i == 1 ? eightd : d->ctx.next_seq - 2);
    }
    life_as(d, "ann");
    REFUSED(d, CLOSE_EIGHTD, closing(d, eightd), E_NOT_ALLOWED, "actor.name");
    life_as(d, "lead");
    DONE(d, CLOSE_EIGHTD, closing(d, eightd), INVESTIGATING);
    assert_int_equal(life_state(d, id)->life->n_open_eightds, 0);
    assert_true(state_of(d, eightd)->closed);
    assert_int_equal(state_of(d, eightd)->version, 10);
    REFUSED(d, CLOSE_EIGHTD, closing(d, eightd), E_STAGE, "close_eightd.eightd_id");
    REFUSED(d, RECORD_DISCIPLINE, complete(d, eightd, 8), E_STAGE, "record_discipline.eightd_id");
}

static void done_is_done_only_with_what_the_discipline_is_for(void **state)
{
    struct life_desk *d = *state;
    static const char *const needed[] = {"text",    "team",     "is_is_not",   "text", "causes",
                                         "options", "measures", "read_across", "text"};
    uint64_t eightd = opened(d, life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING), "");
    life_as(d, "lead");
    for (uint32_t i = 0; i <= 8; i++) {
        char field[64];
        snprintf(field, sizeof(field), "record_discipline.%s", needed[i]);
        REFUSED(d, RECORD_DISCIPLINE, record(d, eightd, i), E_MISSING, field);
        Kesu__V1__RecordDiscipline *draft = record(d, eightd, i);
        draft->done = false;
        GOOD(d, RECORD_DISCIPLINE, draft);
    }
    Kesu__V1__RecordDiscipline *half = record(d, eightd, 4);
    add_cause(d, half, "occurrence");
    REFUSED(d, RECORD_DISCIPLINE, half, E_MISSING, "record_discipline.causes");
    add_cause(d, half, "escape");
    REFUSED(d, RECORD_DISCIPLINE, half, E_MISSING, "record_discipline.cause_key");
    REFUSED(d, RECORD_DISCIPLINE, with_option(d, record(d, eightd, 5), false), E_MISSING,
            "record_discipline.options");
    REFUSED(d, RECORD_DISCIPLINE, with_measure(d, record(d, eightd, 7)), E_RANGE,
            "record_discipline.measures");
    REFUSED(d, RECORD_DISCIPLINE, with_team(d, record(d, eightd, 1), "nobody"), E_UNKNOWN,
            "record_discipline.team");
    Kesu__V1__RecordDiscipline *odd = complete(d, eightd, 4);
    odd->causes[0]->branch = life_text("moon");
    REFUSED(d, RECORD_DISCIPLINE, odd, E_ENUM, "record_discipline.causes.branch");
}

static void who_leads_plans_and_who_owns_records(void **state)
{
    struct life_desk *d = *state;
    uint64_t eightd = opened(d, life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING), "");
    Kesu__V1__PlanDiscipline *c = NEW(d, plan_discipline);
    c->eightd_id = eightd;
    c->discipline = 3;
    c->owner = life_text("hand");
    c->due_at = LATER;
    REFUSED(d, PLAN_DISCIPLINE, c, E_NOT_ALLOWED, "actor.name");
    life_as(d, "hand");
    REFUSED(d, RECORD_DISCIPLINE, complete(d, eightd, 3), E_NOT_ALLOWED, "actor.name");
    life_as(d, "dep"); /* above the lead */
    GOOD(d, PLAN_DISCIPLINE, c);
    assert_string_equal(state_of(d, eightd)->disciplines[0]->owner, "hand");
    assert_int_equal(state_of(d, eightd)->disciplines[0]->due_at, LATER);
    c->due_at = LIFE_NOW;
    REFUSED(d, PLAN_DISCIPLINE, c, E_RANGE, "plan_discipline.due_at");
    c->due_at = LATER;
    c->owner = life_text("nobody");
    REFUSED(d, PLAN_DISCIPLINE, c, E_UNKNOWN, "plan_discipline.owner");
    life_as(d, "hand");
    GOOD(d, RECORD_DISCIPLINE, complete(d, eightd, 3));
    REFUSED(d, RECORD_DISCIPLINE, complete(d, eightd, 8), E_NOT_ALLOWED, "actor.name");
}

static void the_same_cause_again_names_the_one_before(void **state)
{
    struct life_desk *d = *state;
    uint64_t first = opened(d, life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING), "lot-seal:leak");
    assert_int_equal(life_event(d)->eightd_opened->earlier_id, 0);
    uint64_t second = opened(d, life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING), "lot-seal:leak");
    assert_int_equal(life_event(d)->eightd_opened->earlier_id, first);
    uint64_t third = opened(d, life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING), "");
    life_as(d, "lead");
    GOOD(d, RECORD_DISCIPLINE, complete(d, third, 4));
    assert_int_equal(life_event(d)->discipline_recorded->earlier_id, second);
    assert_int_equal(state_of(d, third)->earlier_id, second);
    GOOD(d, RECORD_DISCIPLINE, complete(d, third, 4)); /* its own name is not one before */
    assert_int_equal(state_of(d, third)->earlier_id, second);
    Kesu__V1__RecordDiscipline *other = complete(d, third, 4);
    other->cause_key = life_text("another");
    REFUSED(d, RECORD_DISCIPLINE, other, E_EXISTS, "record_discipline.cause_key");
}

static void it_is_of_a_case_or_an_incident_that_is_open(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    Kesu__V1__OpenEightD *c = open_for(d, 0, "");
    REFUSED(d, OPEN_EIGHTD, c, E_MISSING, "open_eightd.case_id");
    c->incident_id = 77;
    REFUSED(d, OPEN_EIGHTD, c, E_UNKNOWN, "open_eightd.incident_id");
    c->case_id = id;
    REFUSED(d, OPEN_EIGHTD, c, E_RANGE, "open_eightd.incident_id");
    REFUSED(d, OPEN_EIGHTD, open_for(d, life_case(d, KESU__V1__STAGE__STAGE_CLOSED), ""), E_STAGE,
            "open_eightd.case_id");
    c = open_for(d, id, "");
    c->lead = life_text("nobody");
    REFUSED(d, OPEN_EIGHTD, c, E_UNKNOWN, "open_eightd.lead");
    Kesu__V1__CaseState *s = life_state(d, id);
    s->life = NEW(d, case_life);
    s->life->n_accused = 1;
    s->life->accused = list_of_one(d, "lead");
    life_put(d, s);
    life_as(d, "side");
    REFUSED(d, OPEN_EIGHTD, open_for(d, id, ""), E_RECUSED, "open_eightd.lead");

    Kesu__V1__IncidentState incident = KESU__V1__INCIDENT_STATE__INIT, *now;
    incident.incident_id = 77;
    intake_incident_put(&d->view, &incident);
    c = open_for(d, 0, "");
    c->incident_id = 77;
    GOOD(d, OPEN_EIGHTD, c);
    uint64_t eightd = life_event(d)->eightd_opened->eightd_id;
    assert_int_equal(intake_incident_get(&d->view, 77, &d->arena, &now), 0);
    assert_int_equal(now->n_open_eightds, 1);
    life_as(d, "lead");
    for (uint32_t i = 1; i <= 8; i++) GOOD(d, RECORD_DISCIPLINE, complete(d, eightd, i));
    GOOD(d, CLOSE_EIGHTD, closing(d, eightd));
    assert_int_equal(intake_incident_get(&d->view, 77, &d->arena, &now), 0);
    assert_int_equal(now->n_open_eightds, 0);
}

#define BREACH   KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH
#define ESCALATE KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE

static Kesu__V1__FireClock *late(struct life_desk *d, uint64_t id, const char *clock, int64_t due_at)
{
    Kesu__V1__FireClock *c = NEW(d, fire_clock);
    c->work_id = id;
    c->clock = life_text(clock);
    c->step = BREACH;
    c->due_at = due_at;
    return c;
}

static void *planned(struct life_desk *d, uint64_t id, uint32_t discipline, int64_t due_at)
{
    Kesu__V1__PlanDiscipline *c = NEW(d, plan_discipline);
    c->eightd_id = id;
    c->discipline = discipline;
    c->owner = life_text("hand");
    c->due_at = due_at;
    return c;
}

static void a_late_discipline_is_told_to_its_owner_then_above(void **state)
{
    struct life_desk *d = *state;
    int64_t waits[] = {USEC_PER_HOUR};
    d->settings.n_overdue_after = 1;
    d->settings.overdue_after = waits;
    d->policy.departments[0]->manager = life_text("lead");
    uint64_t eightd = opened(d, life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING), "");
    life_as(d, "lead");
    GOOD(d, PLAN_DISCIPLINE, planned(d, eightd, 3, LATER));
    assert_int_equal(life_event(d)->clocks[0]->work_id, eightd);
    assert_string_equal(life_event(d)->clocks[0]->clock, "discipline_3");
    uint64_t version = state_of(d, eightd)->version;
    life_as(d, NULL);
    REFUSED(d, FIRE_CLOCK, late(d, eightd, "discipline_3", LATER), E_NOT_DUE, "fire_clock.due_at");
    d->ctx.block_time = LATER + USEC_PER_HOUR;
    REFUSED(d, FIRE_CLOCK, late(d, eightd, "discipline_4", LATER), E_UNKNOWN, "fire_clock.clock");
    REFUSED(d, FIRE_CLOCK, late(d, 5, "discipline_3", LATER), E_UNKNOWN, "fire_clock.work_id");
    GOOD(d, FIRE_CLOCK, late(d, eightd, "discipline_3", LATER));
    assert_string_equal(life_event(d)->clock_fired->told, "hand");
    REFUSED(d, FIRE_CLOCK, late(d, eightd, "discipline_3", LATER), E_EXISTS, "fire_clock.step");
    Kesu__V1__FireClock *up = late(d, eightd, "discipline_3", LATER + USEC_PER_HOUR);
    up->step = ESCALATE;
    up->level = 1;
    GOOD(d, FIRE_CLOCK, up);
    assert_string_equal(life_event(d)->clock_fired->told, "lead");
    assert_string_equal(life_event(d)->clock_fired->agent, "hand");
    assert_int_equal(state_of(d, eightd)->version, version); /* nobody's next command is stale by it */
    d->settings.n_overdue_after = 0;
}

static void what_is_done_or_planned_anew_is_not_late(void **state)
{
    struct life_desk *d = *state;
    int64_t due = LATER;
    uint64_t eightd = opened(d, life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING), "");
    life_as(d, "lead");
    GOOD(d, PLAN_DISCIPLINE, planned(d, eightd, 0, due));
    GOOD(d, PLAN_DISCIPLINE, planned(d, eightd, 3, due));
    d->ctx.block_time = due;
    life_as(d, NULL);
    GOOD(d, FIRE_CLOCK, late(d, eightd, "discipline_3", due));
    life_as(d, "lead");
    GOOD(d, PLAN_DISCIPLINE, planned(d, eightd, 3, due + 1));
    life_as(d, NULL);
    REFUSED(d, FIRE_CLOCK, late(d, eightd, "discipline_3", due), E_STALE, "fire_clock.due_at");
    life_as(d, "hand");
    GOOD(d, RECORD_DISCIPLINE, complete(d, eightd, 3));
    assert_int_equal(life_event(d)->clocks[0]->op, KESU__V1__CLOCK_CHANGE__OP__OP_STOP);
    d->ctx.block_time = due + 1;
    life_as(d, NULL);
    REFUSED(d, FIRE_CLOCK, late(d, eightd, "discipline_3", due + 1), E_EXISTS, "fire_clock.clock");
    life_as(d, "lead");
    Kesu__V1__RecordDiscipline *undone = complete(d, eightd, 3);
    undone->done = false;
    GOOD(d, RECORD_DISCIPLINE, undone);
    assert_int_equal(life_event(d)->clocks[0]->op, KESU__V1__CLOCK_CHANGE__OP__OP_START);
    for (uint32_t i = 1; i <= 8; i++) GOOD(d, RECORD_DISCIPLINE, complete(d, eightd, i));
    GOOD(d, CLOSE_EIGHTD, closing(d, eightd));
    assert_int_equal(life_event(d)->n_clocks, 1); /* D0 was planned and is not late any more */
    assert_int_equal(life_event(d)->clocks[0]->work_id, eightd);
    life_as(d, NULL);
    REFUSED(d, FIRE_CLOCK, late(d, eightd, "discipline_0", due), E_EXISTS, "fire_clock.clock");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, life_desk_open, life_desk_close)
UNIT_MAIN(TEST(one_of_a_case_counts_for_it_until_it_is_closed),
          TEST(done_is_done_only_with_what_the_discipline_is_for), TEST(who_leads_plans_and_who_owns_records),
          TEST(the_same_cause_again_names_the_one_before), TEST(it_is_of_a_case_or_an_incident_that_is_open),
          TEST(a_late_discipline_is_told_to_its_owner_then_above),
          TEST(what_is_done_or_planned_anew_is_not_late))
