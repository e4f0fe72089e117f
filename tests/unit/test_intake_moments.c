/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks that several moments start and stop, and that run more than once. */
#include "../../services/intake/decide_internal.h"
#include "../../services/intake/evolve.h"
#include "life_desk.h"
#include "unit.h"

static int open_office(void **state)
{
    int err = life_desk_open(state);
    struct life_desk *d = *state;
    Kesu__V1__Clock *c = NEW(d, clock);
    c->id = life_text("letter");
    c->starts = life_text("customer_message answered replied");
    c->stops = life_text("withdrawn replied opinion_sent");
    c->warn_percent = 50;
    c->dues = arena_zalloc(&d->arena, sizeof(*c->dues));
    c->dues[c->n_dues++] = NEW(d, clock_due);
    c->dues[0]->after = USEC_PER_HOUR;
    d->policy.clocks = arena_zalloc(&d->arena, sizeof(*d->policy.clocks));
    d->policy.clocks[0] = c;
    d->policy.n_clocks = 1;
    return err;
}

/* These moments in one event of the case, measured from then. */
static void happens(struct life_desk *d, uint64_t id, const char *moments, int64_t since)
{
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    struct decide one = {.view = &d->view, .ctx = &d->ctx, .out = &d->out, .command = &command};
    one.state = life_state(d, id);
    memset(&d->out, 0, sizeof(d->out));
    assert_int_equal(intake_decide_reserve(&one, 1), 0);
    command.actor = &d->actor;
    struct decide_event *e =
        intake_decide_add_to(&one, one.state, KESU__V1__EVENT__BODY_NOTE_ADDED, NEW(d, note_added));
    assert_int_equal(intake_decide_moments(&one, e, moments, since), 0);
    assert_int_equal(intake_evolve(&d->view, &e->event, d->ctx.next_seq++, d->ctx.block_time, &d->arena), 0);
}

static const Kesu__V1__ClockState *letter(struct life_desk *d, uint64_t id)
{
    const Kesu__V1__CaseState *s = life_state(d, id);
    return s->n_clocks > 0 ? s->clocks[0] : NULL;
}

static void each_of_its_moments_starts_it_and_each_stops_it(void **state)
{
    static const char *const starts[] = {"customer_message", "answered", "replied"};
    static const char *const stops[] = {"withdrawn", "opinion_sent"};
    struct life_desk *d = *state;
    for (unsigned i = 0; i < 3; i++)
        for (unsigned k = 0; k < 2; k++) {
            uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW);
            happens(d, id, "reviewed", LIFE_NOW);
            assert_null(letter(d, id));
            happens(d, id, starts[i], LIFE_NOW);
            assert_true(letter(d, id)->running);
            happens(d, id, stops[k], LIFE_NOW);
            assert_false(letter(d, id)->running);
        }
}

static void what_runs_is_started_anew_only_by_what_stops_it_too(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW);
    happens(d, id, "customer_message", LIFE_NOW);
    happens(d, id, "answered", LIFE_NOW + 5);
    assert_int_equal(letter(d, id)->started_at, LIFE_NOW); /* measured from the first */
    happens(d, id, "replied", LIFE_NOW + 10);
    assert_true(letter(d, id)->running);
    assert_int_equal(letter(d, id)->started_at, LIFE_NOW + 10);
}

static void of_several_moments_at_once_a_stop_wins(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW);
    happens(d, id, "answered withdrawn", LIFE_NOW);
    assert_null(letter(d, id));
    happens(d, id, "reviewed answered", LIFE_NOW);
    assert_true(letter(d, id)->running);
    happens(d, id, "replied opinion_sent", LIFE_NOW);
    assert_false(letter(d, id)->running);
}

/* A letter that lay in a mailbox: its time ran before it was read. */
static void a_new_run_owes_nothing_to_the_one_before(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW);
    happens(d, id, "customer_message", LIFE_NOW);
    Kesu__V1__CaseState *s = life_state(d, id);
    s->clocks[0]->warned = s->clocks[0]->breached = true;
    s->clocks[0]->escalated = 1;
    life_put(d, s);
    happens(d, id, "opinion_sent", LIFE_NOW);
    assert_true(letter(d, id)->breached);
    d->ctx.block_time = LIFE_NOW + USEC_PER_DAY;
    happens(d, id, "customer_message", LIFE_NOW + USEC_PER_DAY - 2 * USEC_PER_HOUR);
    const Kesu__V1__ClockState *c = letter(d, id);
    assert_true(c->running && c->due_at < d->ctx.block_time);
    assert_false(c->warned || c->breached);
    assert_int_equal(c->escalated, 0);
    Kesu__V1__FireClock *fire = NEW(d, fire_clock);
    fire->case_id = id;
    fire->clock = life_text("letter");
    fire->step = KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH;
    fire->due_at = c->due_at;
    life_as(d, NULL);
    DONE(d, FIRE_CLOCK, fire, UNDER_REVIEW);
    REFUSED(d, FIRE_CLOCK, fire, E_EXISTS, "fire_clock.step");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_office, life_desk_close)

UNIT_MAIN(TEST(each_of_its_moments_starts_it_and_each_stops_it),
          TEST(what_runs_is_started_anew_only_by_what_stops_it_too),
          TEST(of_several_moments_at_once_a_stop_wins), TEST(a_new_run_owes_nothing_to_the_one_before))
