// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "../../services/sla-watch/sla-watch.h"
#include "clock.h"
#include "conf.h"
#include "err.h"
#include "fake_intake.h"

#define WALL_US (1764000000 * USEC_PER_SEC)
#define HOUR    USEC_PER_HOUR

/* sla-watch beside an intake that journals what it is told to fire. */
struct office {
    struct sim *sim;
    struct fake_intake intake;
    struct sim_instance *instance;
    struct svc *svc;
    struct conf *conf;
    int refuse; /* code, 0: fire */
    unsigned n_fired, n_late;
};

static bool on_command(void *self, const Kesu__V1__Command *command, bool again, Kesu__V1__Reply *reply)
{
    static Kesu__V1__Refused refused;
    struct office *o = self;
    const Kesu__V1__FireClock *c = command->fire_clock;
    assert_int_equal(command->body_case, KESU__V1__COMMAND__BODY_FIRE_CLOCK);
    if (o->refuse != 0) {
        refused = (Kesu__V1__Refused)KESU__V1__REFUSED__INIT;
        refused.code = (Kesu__V1__ErrorCode)-o->refuse;
        refused.disposition = KESU__V1__DISPOSITION__DISPOSITION_FINAL;
        reply->result_case = KESU__V1__REPLY__RESULT_REFUSED;
        reply->refused = &refused;
        return true;
    }
    assert_true(c->due_at <= clock_wall_us(o->intake.env));
    if (again) return true;
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__ClockFired fired = KESU__V1__CLOCK_FIRED__INIT;
    fired.clock = c->clock;
    fired.step = c->step;
    fired.level = c->level;
    fired.due_at = c->due_at;
    fired.late = c->late;
    e.body_case = KESU__V1__EVENT__BODY_CLOCK_FIRED;
    e.clock_fired = &fired;
    (void)fake_intake_event(&o->intake, c->case_id, &e);
    fake_intake_block(&o->intake);
    o->n_fired++;
    o->n_late += c->late ? 1 : 0;
    return true;
}

static void on_boot(void *self, struct env *env)
{
    struct office *o = self;
    assert_int_equal(svc_new(env, &sla_watch_service, o->conf, &o->svc), 0);
}

static void open_office(struct office *o, uint64_t seed)
{
    static char *argv[] = {"sla-watch", "--run-dir", "run", "--data-dir", "data", NULL}, *envp[] = {NULL};
    const struct conf_def *const tables[] = {svc_settings, sla_watch_service.settings};
    char *error = NULL;
    memset(o, 0, sizeof(*o));
    assert_int_equal(conf_load(&mem_libc, tables, 2, "sla-watch", 5, argv, envp, &o->conf, &error), 0);
    o->sim = sim_new(seed, WALL_US);
    fake_intake_init(&o->intake, o->sim);
    o->intake.on_command = on_command;
    o->intake.self = o;
    o->instance = sim_instance_new(o->sim, "sla-watch", on_boot, o);
    sim_run(o->sim, USEC_PER_SEC);
}

static void close_office(struct office *o)
{
    if (sim_is_up(o->instance)) svc_free(&o->svc);
    fake_intake_deinit(&o->intake);
    sim_free(&o->sim);
    conf_free(&o->conf);
}

static struct sla_watch *watch(struct office *o)
{
    return svc_self(o->svc);
}

/* An event of this type with one clock; levels at due + 1 h, + 2 h. */
static uint64_t journal_clock(struct office *o, uint64_t case_id, Kesu__V1__ClockChange__Op op,
                              int64_t warn_at, int64_t due_at)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__ClockChange change = KESU__V1__CLOCK_CHANGE__INIT, *changes[1] = {&change};
    Kesu__V1__CaseOpened opened = KESU__V1__CASE_OPENED__INIT;
    Kesu__V1__CaseClassified classified = KESU__V1__CASE_CLASSIFIED__INIT;
    int64_t levels[2] = {due_at + HOUR, due_at + 2 * HOUR};
    change.op = op;
    change.clock = "resolution";
    if (op != KESU__V1__CLOCK_CHANGE__OP__OP_STOP) {
        change.started_at = WALL_US;
        change.warn_at = warn_at;
        change.due_at = due_at;
        change.escalate_at = levels;
        change.n_escalate_at = 2;
    }
    e.clocks = changes;
    e.n_clocks = 1;
    if (case_id == 0) {
        e.body_case = KESU__V1__EVENT__BODY_CASE_OPENED;
        e.case_opened = &opened;
        case_id = o->intake.seq + 1;
    } else {
        e.body_case = KESU__V1__EVENT__BODY_CASE_CLASSIFIED;
        e.case_classified = &classified;
    }
    uint64_t seq = fake_intake_event(&o->intake, case_id, &e);
    fake_intake_block(&o->intake);
    return seq;
}

static uint64_t start_clock(struct office *o, int64_t warn_at, int64_t due_at)
{
    return journal_clock(o, 0, KESU__V1__CLOCK_CHANGE__OP__OP_START, warn_at, due_at);
}

static void assert_fired(struct office *o, unsigned i, Kesu__V1__FireClock__Step step, uint32_t level,
                         int64_t due, bool late)
{
    assert_true(i < o->intake.n_commands);
    const Kesu__V1__FireClock *c = o->intake.commands[i].command->fire_clock;
    assert_int_equal(c->step, step);
    assert_int_equal(c->level, level);
    assert_int_equal(c->due_at, due);
    assert_int_equal(c->late, late);
    int64_t at = o->intake.commands[i].at_us;
    assert_true(at >= due);
    if (!late) assert_true(at < due + 100 * USEC_PER_MS);
}

static void fires_step_by_step_in_time(void **state)
{
    (void)state;
    struct office o;
    open_office(&o, 1);
    int64_t due = WALL_US + 10 * HOUR;
    (void)start_clock(&o, WALL_US + 8 * HOUR, due);
    sim_run(o.sim, 7 * HOUR);
    assert_int_equal(o.intake.n_commands, 0);
    assert_int_equal(watch(&o)->armed, 1);
    sim_run(o.sim, 20 * HOUR);
    assert_int_equal(o.intake.n_commands, 4);
    assert_fired(&o, 0, KESU__V1__FIRE_CLOCK__STEP__STEP_WARN, 0, WALL_US + 8 * HOUR, false);
    assert_fired(&o, 1, KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH, 0, due, false);
    assert_fired(&o, 2, KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE, 1, due + HOUR, false);
    assert_fired(&o, 3, KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE, 2, due + 2 * HOUR, false);
    for (unsigned i = 0; i < 4; i++) assert_int_equal(o.intake.commands[i].times, 1);
    assert_int_equal(watch(&o)->armed, 0);
    close_office(&o);
}

static void fires_in_the_order_of_dues(void **state)
{
    (void)state;
    struct office o;
    open_office(&o, 1);
    for (int i = 0; i < 200; i++) {
        int64_t warn = WALL_US + HOUR + (int64_t)sim_random(o.sim, 1000) * USEC_PER_SEC;
        (void)start_clock(&o, warn, warn + HOUR);
    }
    sim_run(o.sim, 10 * HOUR);
    assert_int_equal(o.intake.n_commands, 800);
    for (unsigned i = 1; i < 800; i++)
        assert_true(o.intake.commands[i].command->fire_clock->due_at >=
                    o.intake.commands[i - 1].command->fire_clock->due_at);
    close_office(&o);
}

static void a_move_and_a_stop_change_what_fires(void **state)
{
    (void)state;
    struct office o;
    open_office(&o, 1);
    uint64_t moved = start_clock(&o, WALL_US + HOUR, WALL_US + 2 * HOUR);
    uint64_t stopped = start_clock(&o, WALL_US + HOUR, WALL_US + 2 * HOUR);
    sim_run(o.sim, 90 * USEC_PER_MIN);
    assert_int_equal(o.intake.n_commands, 2); /* both warned */
    int64_t due = WALL_US + 10 * HOUR;
    (void)journal_clock(&o, moved, KESU__V1__CLOCK_CHANGE__OP__OP_MOVE, WALL_US + 9 * HOUR, due);
    (void)journal_clock(&o, stopped, KESU__V1__CLOCK_CHANGE__OP__OP_STOP, 0, 0);
    sim_run(o.sim, USEC_PER_SEC);
    assert_int_equal(watch(&o)->armed, 1);
    sim_run(o.sim, 20 * HOUR);
    assert_int_equal(o.intake.n_commands, 6);
    assert_fired(&o, 2, KESU__V1__FIRE_CLOCK__STEP__STEP_WARN, 0, WALL_US + 9 * HOUR, false);
    assert_fired(&o, 3, KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH, 0, due, false);
    close_office(&o);
}

static void what_fired_fires_again_after_a_move_ahead(void **state)
{
    (void)state;
    struct office o;
    open_office(&o, 1);
    uint64_t moved = start_clock(&o, WALL_US + HOUR, WALL_US + 2 * HOUR);
    sim_run(o.sim, 210 * USEC_PER_MIN);
    assert_int_equal(o.intake.n_commands, 3); /* warned, breached, escalated once */
    int64_t due = WALL_US + 10 * HOUR;
    (void)journal_clock(&o, moved, KESU__V1__CLOCK_CHANGE__OP__OP_MOVE, WALL_US + 2 * HOUR, due);
    sim_run(o.sim, 20 * HOUR); /* its new warning lies behind: only what is ahead */
    assert_int_equal(o.intake.n_commands, 6);
    assert_fired(&o, 3, KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH, 0, due, false);
    assert_fired(&o, 4, KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE, 1, due + HOUR, false);
    close_office(&o);
}

static const Kesu__V1__ClockChange__Op start_op = KESU__V1__CLOCK_CHANGE__OP__OP_START;

/* All four steps of a clock that starts now, from the i-th command on. */
static void assert_fires_whole(struct office *o, unsigned i, int64_t due)
{
    sim_run(o->sim, 12 * HOUR);
    assert_int_equal(o->intake.n_commands, i + 4);
    assert_fired(o, i, KESU__V1__FIRE_CLOCK__STEP__STEP_WARN, 0, due - HOUR, false);
    assert_fired(o, i + 1, KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH, 0, due, false);
    assert_fired(o, i + 2, KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE, 1, due + HOUR, false);
    assert_fired(o, i + 3, KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE, 2, due + 2 * HOUR, false);
    assert_int_equal(watch(o)->armed, 0);
}

static void what_fired_and_stopped_fires_again_when_it_is_started_again(void **state)
{
    (void)state;
    struct office o;
    open_office(&o, 1);
    int64_t due = WALL_US + 4 * HOUR;
    uint64_t case_id = start_clock(&o, due - HOUR, due);
    assert_fires_whole(&o, 0, due);
    (void)journal_clock(&o, case_id, KESU__V1__CLOCK_CHANGE__OP__OP_STOP, 0, 0);
    due += 14 * HOUR;
    (void)journal_clock(&o, case_id, start_op, due - HOUR, due);
    assert_fires_whole(&o, 4, due);
    close_office(&o);
}

static void what_fired_fires_again_when_it_is_started_anew_while_it_runs(void **state)
{
    (void)state;
    struct office o;
    open_office(&o, 1);
    int64_t due = WALL_US + 4 * HOUR;
    uint64_t case_id = start_clock(&o, due - HOUR, due);
    assert_fires_whole(&o, 0, due);
    due += 14 * HOUR;
    (void)journal_clock(&o, case_id, start_op, due - HOUR, due);
    assert_fires_whole(&o, 4, due);
    sim_crash(o.instance); /* and the store knows of both runs */
    sim_run(o.sim, USEC_PER_MIN);
    due += 14 * HOUR;
    (void)journal_clock(&o, case_id, start_op, due - HOUR, due);
    assert_fires_whole(&o, 8, due);
    close_office(&o);
}

/* Measured from a time that is past: what is due already is due at once, whatever the run before fired. */
static void a_new_run_owes_nothing_to_the_one_before(void **state)
{
    (void)state;
    struct office o;
    open_office(&o, 1);
    int64_t due = WALL_US + 4 * HOUR;
    uint64_t case_id = start_clock(&o, due - HOUR, due);
    assert_fires_whole(&o, 0, due);
    due += 9 * HOUR; /* in an hour; its warning was due by now */
    (void)journal_clock(&o, case_id, start_op, WALL_US + 11 * HOUR, due);
    sim_run(o.sim, 4 * HOUR);
    assert_int_equal(o.intake.n_commands, 8);
    assert_int_equal(o.intake.commands[4].command->fire_clock->step, KESU__V1__FIRE_CLOCK__STEP__STEP_WARN);
    assert_fired(&o, 5, KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH, 0, due, false);
    close_office(&o);
}

/* It goes on where it stood: what it fired, it does not fire again. */
static void a_clock_that_goes_on_remembers_what_it_fired(void **state)
{
    (void)state;
    struct office o;
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__CaseUnmerged unmerged = KESU__V1__CASE_UNMERGED__INIT;
    Kesu__V1__ClockChange change = KESU__V1__CLOCK_CHANGE__INIT, *changes[1] = {&change};
    open_office(&o, 1);
    int64_t due = WALL_US + 4 * HOUR, levels[2] = {due + HOUR, due + 2 * HOUR};
    uint64_t case_id = start_clock(&o, due - HOUR, due);
    sim_run(o.sim, 270 * USEC_PER_MIN);
    assert_int_equal(o.intake.n_commands, 2); /* warned, breached */
    (void)journal_clock(&o, case_id, KESU__V1__CLOCK_CHANGE__OP__OP_STOP, 0, 0);
    sim_run(o.sim, USEC_PER_MIN);
    change.op = start_op;
    change.clock = "resolution";
    change.started_at = WALL_US;
    change.warn_at = due - HOUR;
    change.due_at = due;
    change.escalate_at = levels;
    change.n_escalate_at = 2;
    change.warned = change.breached = true;
    e.clocks = changes;
    e.n_clocks = 1;
    e.body_case = KESU__V1__EVENT__BODY_CASE_UNMERGED;
    e.case_unmerged = &unmerged;
    (void)fake_intake_event(&o.intake, case_id, &e);
    fake_intake_block(&o.intake);
    sim_run(o.sim, 12 * HOUR);
    assert_int_equal(o.intake.n_commands, 4);
    assert_fired(&o, 2, KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE, 1, due + HOUR, false);
    close_office(&o);
}

static void what_was_missed_fires_once_and_late(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct office o;
        open_office(&o, seed);
        int64_t due = WALL_US + 2 * HOUR;
        for (int i = 0; i < 20; i++) (void)start_clock(&o, WALL_US + HOUR, due);
        sim_run(o.sim, 90 * USEC_PER_MIN);
        assert_int_equal(o.n_fired, 20);
        sim_crash(o.instance);
        sim_jump_wall(o.sim, 2 * HOUR); /* while it is down: 3.5 h, so due and due + 1 h are past */
        sim_run(o.sim, 10 * USEC_PER_MIN);
        assert_int_equal(o.n_fired, 60);
        assert_int_equal(o.n_late, 40);
        sim_run(o.sim, 2 * HOUR);
        assert_int_equal(o.n_fired, 80);
        assert_int_equal(o.n_late, 40);
        close_office(&o);
    }
}

static void every_step_once_through_crashes_and_loss(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct office o;
        open_office(&o, seed);
        struct sim_faults bad = {.lose = 50000,
                                 .duplicate = 50000,
                                 .delay = 50000,
                                 .crash_before_commit = 20000,
                                 .crash_after_commit = 20000,
                                 .disk_full = 10000};
        sim_set_faults(o.sim, &bad);
        for (int i = 0; i < 30; i++) {
            int64_t warn = WALL_US + (int64_t)sim_random(o.sim, 2 * HOUR);
            (void)start_clock(&o, warn, warn + HOUR);
            sim_run(o.sim, USEC_PER_MIN);
        }
        sim_run(o.sim, 6 * HOUR);
        sim_set_faults(o.sim, NULL);
        sim_run(o.sim, HOUR);
        assert_int_equal(o.n_fired, 120);
        assert_int_equal(o.intake.n_commands, 120);
        assert_int_equal(watch(&o)->armed, 0);
        close_office(&o);
    }
}

static void a_jumped_wall_clock_stops_firing(void **state)
{
    (void)state;
    struct office o;
    open_office(&o, 1);
    (void)start_clock(&o, WALL_US + HOUR, WALL_US + 5 * HOUR);
    sim_run(o.sim, USEC_PER_MIN);
    sim_jump_wall(o.sim, 2 * HOUR);
    (void)start_clock(&o, WALL_US + 9 * HOUR,
                      WALL_US + 12 * HOUR); /* folded before the clocks are compared */
    sim_run(o.sim, 10 * USEC_PER_MIN);
    assert_int_equal(o.intake.n_commands, 0);
    assert_true(watch(&o)->wallclock.alarm);
    assert_int_equal(stats_get(watch(&o)->m.alarm), 1);
    sim_jump_wall(o.sim, -2 * HOUR);
    sim_run(o.sim, 10 * USEC_PER_MIN);
    assert_false(watch(&o)->wallclock.alarm);
    assert_int_equal(o.intake.n_commands, 0);
    sim_jump_wall(o.sim, 2 * HOUR);
    sim_run(o.sim, 10 * USEC_PER_MIN);
    assert_int_equal(o.intake.n_commands, 0);
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__ClockAccepted accepted = KESU__V1__CLOCK_ACCEPTED__INIT;
    e.body_case = KESU__V1__EVENT__BODY_CLOCK_ACCEPTED;
    e.clock_accepted = &accepted;
    (void)fake_intake_event(&o.intake, 0, &e);
    fake_intake_block(&o.intake);
    sim_run(o.sim, USEC_PER_MIN);
    assert_int_equal(o.intake.n_commands, 1);
    assert_true(o.intake.commands[0].command->fire_clock->late);
    close_office(&o);
}

static void what_is_refused_is_fired_again(void **state)
{
    (void)state;
    struct office o;
    open_office(&o, 1);
    o.refuse = E_STAGE;
    (void)start_clock(&o, WALL_US + HOUR, WALL_US + 2 * HOUR);
    sim_run(o.sim, HOUR + USEC_PER_MIN);
    assert_int_equal(o.intake.n_commands, 1);
    assert_true(o.intake.commands[0].times >= 3 && o.intake.commands[0].times <= 8);
    o.refuse = 0;
    sim_run(o.sim, USEC_PER_MIN);
    assert_int_equal(o.n_fired, 0); /* known by its id: not journalled again by this intake */
    assert_true(o.intake.commands[0].times > 3);
    close_office(&o);
}

UNIT_MAIN(cmocka_unit_test(fires_step_by_step_in_time), cmocka_unit_test(fires_in_the_order_of_dues),
          cmocka_unit_test(a_move_and_a_stop_change_what_fires),
          cmocka_unit_test(what_fired_fires_again_after_a_move_ahead),
          cmocka_unit_test(what_fired_and_stopped_fires_again_when_it_is_started_again),
          cmocka_unit_test(what_fired_fires_again_when_it_is_started_anew_while_it_runs),
          cmocka_unit_test(a_new_run_owes_nothing_to_the_one_before),
          cmocka_unit_test(a_clock_that_goes_on_remembers_what_it_fired),
          cmocka_unit_test(what_was_missed_fires_once_and_late),
          cmocka_unit_test(every_step_once_through_crashes_and_loss),
          cmocka_unit_test(a_jumped_wall_clock_stops_firing),
          cmocka_unit_test(what_is_refused_is_fired_again))
