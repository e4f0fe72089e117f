/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks of a case: started, moved, stopped, fired; never early. */
#include "clock.h"
#include "err.h"
#include "intake_rig.h"
#include "unit.h"

static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

static Kesu__V1__ClockState *clock_of(struct rig *r, uint64_t id, const char *name)
{
    Kesu__V1__CaseState *s = rig_case(r, id);
    for (size_t i = 0; i < s->n_clocks; i++)
        if (strcmp(s->clocks[i]->clock, name) == 0) return s->clocks[i];
    fail();
    return NULL;
}

static Kesu__V1__Command *fire(struct rig *r, uint64_t id, const char *clock, Kesu__V1__FireClock__Step step,
                               uint32_t level, int64_t due_at)
{
    Kesu__V1__Command *c = RIG_NEW_COMMAND(r, SERVICE, "sla-watch", FIRE_CLOCK, fire_clock);
    c->fire_clock->case_id = id;
    c->fire_clock->clock = text(clock);
    c->fire_clock->step = step;
    c->fire_clock->level = level;
    c->fire_clock->due_at = due_at;
    return c;
}

#define WARN     KESU__V1__FIRE_CLOCK__STEP__STEP_WARN
#define BREACH   KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH
#define ESCALATE KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE

static void judge(struct rig *r, uint64_t id, Kesu__V1__Severity severity)
{
    Kesu__V1__Judgement *j = arena_alloc(&r->arena, sizeof(*j));
    kesu__v1__judgement__init(j);
    j->category = text("damage.wet");
    j->department = text("transport");
    j->severity = severity;
    Kesu__V1__Command *c = RIG_NEW_COMMAND(r, SERVICE, "routing", CLASSIFY_CASE, classify_case);
    c->classify_case->case_id = id;
    c->classify_case->judgement = j;
    rig_accepted(r, RIG_SERVICES, c);
}

static int refusal(struct rig *r, Kesu__V1__Command *c)
{
    return -(int)rig_refused(r, RIG_SERVICES, c)->code;
}

static void a_channel_has_its_own_times(void **state)
{
    struct rig *r = *state;
    Kesu__V1__Command *c = rig_message(r, "wet", "a@example.org");
    c->receive_message->channel = KESU__V1__CHANNEL__CHANNEL_CHAT;
    int64_t received_at = c->receive_message->received_at;
    uint64_t id = rig_accepted(r, RIG_NEW, c)->case_id;
    assert_int_equal(clock_of(r, id, "resolution")->due_at, received_at + USEC_PER_HOUR);
    judge(r, id, KESU__V1__SEVERITY__SEVERITY_S1);
    assert_int_equal(clock_of(r, id, "resolution")->due_at, received_at + 10 * USEC_PER_MIN);
}

static void steps_fire_once_in_time_and_tell_the_chain(void **state)
{
    struct rig *r = *state;
    uint64_t id = rig_accepted(r, RIG_NEW, rig_message(r, "wet", "a@example.org"))->case_id;
    judge(r, id, KESU__V1__SEVERITY__SEVERITY_S1);
    Kesu__V1__ClockState *c = clock_of(r, id, "resolution");
    assert_int_equal(c->due_at - c->started_at, 48 * USEC_PER_HOUR);
    assert_int_equal(c->n_escalate_at, 2);
    assert_int_equal(refusal(r, fire(r, id, "resolution", WARN, 0, c->warn_at)), E_NOT_DUE);
    assert_int_equal(refusal(r, fire(r, id, "resolution", WARN, 0, c->warn_at - 1)), E_STALE);
    assert_int_equal(refusal(r, fire(r, id, "nothing", WARN, 0, c->warn_at)), E_UNKNOWN);
    assert_int_equal(refusal(r, fire(r, id, "resolution", ESCALATE, 3, 1)), E_RANGE);
    sim_run(r->sim, c->warn_at - clock_wall_us(r->client_env) - 5 * USEC_PER_SEC);
    assert_int_equal(refusal(r, fire(r, id, "resolution", WARN, 0, c->warn_at)), E_NOT_DUE);
    sim_run(r->sim, c->warn_at - clock_wall_us(r->client_env) + USEC_PER_SEC);
    rig_accepted(r, RIG_SERVICES, fire(r, id, "resolution", WARN, 0, c->warn_at));
    assert_int_equal(refusal(r, fire(r, id, "resolution", WARN, 0, c->warn_at)), E_EXISTS);
    assert_int_equal(refusal(r, fire(r, id, "resolution", BREACH, 0, c->due_at)), E_NOT_DUE);
    sim_run(r->sim, c->escalate_at[1] - clock_wall_us(r->client_env) + USEC_PER_SEC);
    rig_accepted(r, RIG_SERVICES, fire(r, id, "resolution", BREACH, 0, c->due_at));
    rig_accepted(r, RIG_SERVICES, fire(r, id, "resolution", ESCALATE, 1, c->escalate_at[0]));
    rig_accepted(r, RIG_SERVICES, fire(r, id, "resolution", ESCALATE, 2, c->escalate_at[1]));
    assert_int_equal(refusal(r, fire(r, id, "resolution", ESCALATE, 1, c->escalate_at[0])), E_EXISTS);
    c = clock_of(r, id, "resolution");
    assert_true(c->warned && c->breached && c->escalated == 2);
}

static void a_judged_severity_moves_what_depends_on_it(void **state)
{
    struct rig *r = *state;
    uint64_t id = rig_accepted(r, RIG_NEW, rig_message(r, "wet", "a@example.org"))->case_id;
    int64_t receipt = clock_of(r, id, "receipt")->due_at;
    Kesu__V1__ClockState *c = clock_of(r, id, "resolution");
    int64_t long_due = c->due_at, started = c->started_at;
    assert_int_equal(long_due - started, 15 * USEC_PER_DAY);
    judge(r, id, KESU__V1__SEVERITY__SEVERITY_S1);
    c = clock_of(r, id, "resolution");
    assert_int_equal(c->started_at, started);
    assert_int_equal(c->due_at - started, 48 * USEC_PER_HOUR);
    assert_int_equal(clock_of(r, id, "receipt")->due_at, receipt);
    assert_int_equal(refusal(r, fire(r, id, "resolution", BREACH, 0, long_due)), E_STALE);
}

static void a_delivered_receipt_stops_its_clock(void **state)
{
    struct rig *r = *state;
    uint64_t id = rig_accepted(r, RIG_NEW, rig_message(r, "wet", "a@example.org"))->case_id;
    Kesu__V1__Command *c = RIG_NEW_COMMAND(r, SERVICE, "notification", RECORD_DELIVERY, record_delivery);
    c->record_delivery->case_id = c->record_delivery->cause_seq = id;
    c->record_delivery->kind = text("receipt");
    c->record_delivery->outcome = KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DELIVERED;
    rig_accepted(r, RIG_SERVICES, c);
    assert_false(clock_of(r, id, "receipt")->running);
    assert_true(clock_of(r, id, "resolution")->running);
    assert_int_equal(refusal(r, fire(r, id, "receipt", WARN, 0, clock_of(r, id, "receipt")->warn_at)),
                     E_EXISTS);
}

static void nothing_fires_while_the_clocks_disagree(void **state)
{
    struct rig *r = *state;
    uint64_t id = rig_accepted(r, RIG_NEW, rig_message(r, "wet", "a@example.org"))->case_id;
    Kesu__V1__ClockState *c = clock_of(r, id, "receipt");
    sim_run(r->sim, c->due_at - clock_wall_us(r->client_env) + USEC_PER_SEC);
    sim_jump_wall(r->sim, -USEC_PER_MIN);
    sim_run(r->sim, USEC_PER_SEC);
    const Kesu__V1__Refused *refused =
        rig_refused(r, RIG_SERVICES, fire(r, id, "receipt", BREACH, 0, c->due_at));
    assert_int_equal(refused->code, KESU__V1__ERROR_CODE__E_CLOCK_ALARM);
    assert_int_equal(refused->disposition, KESU__V1__DISPOSITION__DISPOSITION_RETRY);
    sim_jump_wall(r->sim, USEC_PER_MIN);
    sim_run(r->sim, USEC_PER_SEC);
    rig_accepted(r, RIG_SERVICES, fire(r, id, "receipt", BREACH, 0, c->due_at));
}

static void block_time_does_not_jump_with_the_wall_clock(void **state)
{
    struct rig *r = *state;
    for (int sign = -1; sign <= 1; sign += 2) {
        int64_t jump = sign * 40 * USEC_PER_DAY, before = rig_intake(r)->wallclock.last_us;
        Kesu__V1__Command *c = rig_message(r, "wet", "a@example.org"); /* its id is of the right time */
        sim_jump_wall(r->sim, jump);
        sim_run(r->sim, USEC_PER_SEC);
        rig_accepted(r, RIG_NEW, c);
        assert_in_range(rig_intake(r)->wallclock.last_us, before, before + 10 * USEC_PER_SEC);
        sim_jump_wall(r->sim, -jump);
        sim_run(r->sim, USEC_PER_SEC);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

UNIT_MAIN(TEST(a_channel_has_its_own_times), TEST(steps_fire_once_in_time_and_tell_the_chain),
          TEST(a_judged_severity_moves_what_depends_on_it), TEST(a_delivered_receipt_stops_its_clock),
          TEST(nothing_fires_while_the_clocks_disagree), TEST(block_time_does_not_jump_with_the_wall_clock))
