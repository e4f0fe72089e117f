/* SPDX-License-Identifier: Apache-2.0 */
/* What was promised is done; how a case ends, and goes on after all. */
#include "life_desk.h"
#include "unit.h"

#define KIND(name) KESU__V1__REMEDY_KIND__REMEDY_KIND_##name

static void add_line(struct life_desk *d, Kesu__V1__ProposalState *p, Kesu__V1__RemedyKind kind,
                     int64_t units)
{
    Kesu__V1__RemedyLine *line = NEW(d, remedy_line);
    line->kind = kind;
    if (units > 0) line->amount = life_money(d, "TWD", units);
    p->lines[p->n_lines++] = line;
}

/* Goods come back, are inspected, 300 are refunded; an apology last. */
static uint64_t accepted(struct life_desk *d)
{
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_EXECUTING);
    Kesu__V1__CaseState *s = life_state(d, id);
    s->life = NEW(d, case_life);
    s->life->proposal = NEW(d, proposal_state);
    s->life->proposal->proposal = 1;
    s->life->proposal->lines = arena_zalloc(&d->arena, sizeof(*s->life->proposal->lines) * 4);
    add_line(d, s->life->proposal, KIND(RETURN), 0);
    add_line(d, s->life->proposal, KIND(INSPECTION), 0);
    add_line(d, s->life->proposal, KIND(REFUND), 300);
    add_line(d, s->life->proposal, KIND(APOLOGY), 0);
    life_put(d, s);
    life_as(d, "ann");
    return id;
}

static Kesu__V1__CompleteStep *step(struct life_desk *d, uint64_t id, uint32_t number)
{
    Kesu__V1__CompleteStep *c = NEW(d, complete_step);
    c->case_id = id;
    c->step = number;
    c->words = life_words(d, "see the photo");
    return c;
}

static Kesu__V1__PaymentProof *payment(struct life_desk *d, const char *currency, int64_t units)
{
    Kesu__V1__PaymentProof *p = NEW(d, payment_proof);
    p->reference = life_text("TR-1");
    p->amount = life_money(d, currency, units);
    p->paid_at = LIFE_NOW;
    return p;
}

static void steps_are_done_in_order_with_evidence(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = accepted(d);
    REFUSED(d, COMPLETE_STEP, step(d, id, 0), E_MISSING, "complete_step.step");
    REFUSED(d, COMPLETE_STEP, step(d, id, 5), E_UNKNOWN, "complete_step.step");
    REFUSED(d, COMPLETE_STEP, step(d, id, 2), E_RANGE, "complete_step.step");
    Kesu__V1__CompleteStep *c = step(d, id, 1);
    c->words = NULL;
    REFUSED(d, COMPLETE_STEP, c, E_MISSING, "complete_step.words");
    DONE(d, COMPLETE_STEP, step(d, id, 1), EXECUTING);
    assert_int_equal(life_event(d)->n_clocks, 0);
    REFUSED(d, COMPLETE_STEP, step(d, id, 1), E_EXISTS, "complete_step.step");
    c = step(d, id, 2);
    c->payment = payment(d, "TWD", 300);
    REFUSED(d, COMPLETE_STEP, c, E_RANGE, "complete_step.payment");
    DONE(d, COMPLETE_STEP, step(d, id, 2), EXECUTING);
    assert_string_equal(life_event(d)->clocks[0]->clock, "refund");
    assert_int_equal(life_event(d)->clocks[0]->op, KESU__V1__CLOCK_CHANGE__OP__OP_START);
}

static void money_that_was_paid_is_proven(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = accepted(d);
    DONE(d, COMPLETE_STEP, step(d, id, 1), EXECUTING);
    DONE(d, COMPLETE_STEP, step(d, id, 2), EXECUTING);
    Kesu__V1__CompleteStep *c = step(d, id, 3);
    REFUSED(d, COMPLETE_STEP, c, E_MISSING, "complete_step.payment");
    c->payment = payment(d, "TWD", 299);
    REFUSED(d, COMPLETE_STEP, c, E_RANGE, "complete_step.payment.amount");
    c->payment = payment(d, "USD", 300);
    REFUSED(d, COMPLETE_STEP, c, E_RANGE, "complete_step.payment.amount");
    c->payment = payment(d, "TWD", 300);
    c->payment->reference = life_text("");
    REFUSED(d, COMPLETE_STEP, c, E_MISSING, "complete_step.payment.reference");
    c->payment = payment(d, "TWD", 300);
    c->payment->paid_at = LIFE_NOW + 1;
    REFUSED(d, COMPLETE_STEP, c, E_RANGE, "complete_step.payment.paid_at");
    c->payment->paid_at = LIFE_NOW;
    DONE(d, COMPLETE_STEP, c, EXECUTING);
    assert_int_equal(life_event(d)->clocks[0]->op, KESU__V1__CLOCK_CHANGE__OP__OP_STOP);
    assert_int_equal(life_state(d, id)->life->given->e4, 3000000);
    DONE(d, COMPLETE_STEP, step(d, id, 4), FEEDBACK);
    assert_true(life_event(d)->step_completed->last);
}

static void no_more_is_recovered_than_claimed(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__ClaimRecovery *c = NEW(d, claim_recovery);
    Kesu__V1__SettleRecovery *s = NEW(d, settle_recovery);
    c->case_id = s->case_id = accepted(d);
    c->party = life_text("carrier");
    REFUSED(d, CLAIM_RECOVERY, c, E_MISSING, "claim_recovery.amount");
    c->amount = life_money(d, "TWD", 0);
    REFUSED(d, CLAIM_RECOVERY, c, E_RANGE, "claim_recovery.amount");
    c->amount = life_money(d, "TWD", 200);
    DONE(d, CLAIM_RECOVERY, c, EXECUTING);
    s->claim = 2;
    s->amount = life_money(d, "TWD", 201);
    REFUSED(d, SETTLE_RECOVERY, s, E_UNKNOWN, "settle_recovery.claim");
    s->claim = 1;
    REFUSED(d, SETTLE_RECOVERY, s, E_MISSING, "settle_recovery.reason");
    s->amount->currency = life_text("USD");
    REFUSED(d, SETTLE_RECOVERY, s, E_RANGE, "settle_recovery.amount");
    s->amount = life_money(d, "TWD", 150);
    DONE(d, SETTLE_RECOVERY, s, EXECUTING);
    REFUSED(d, SETTLE_RECOVERY, s, E_EXISTS, "settle_recovery.claim");
}

static void accountability_is_sealed_with_a_key_of_its_own(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__RecordAccountability *c = NEW(d, record_accountability);
    c->case_id = accepted(d);
    c->staff = life_text("lead");
    c->words = life_words(d, "told to be more careful");
    REFUSED(d, RECORD_ACCOUNTABILITY, c, E_NOT_ALLOWED, "actor.name");
    life_as(d, "lead");
    REFUSED(d, RECORD_ACCOUNTABILITY, c, E_RECUSED, "actor.name");
    c->staff = life_text("stranger");
    REFUSED(d, RECORD_ACCOUNTABILITY, c, E_UNKNOWN, "record_accountability.staff");
    c->staff = life_text("ann");
    uint64_t key = d->ctx.next_key_id;
    DONE(d, RECORD_ACCOUNTABILITY, c, EXECUTING);
    assert_int_equal(d->out.new_keys, 1);
    assert_int_equal(d->out.events[0].key_id, key);
    assert_ptr_equal(d->out.events[0].plain, c);
    assert_int_equal(life_state(d, c->case_id)->life->accountability_key, key);
    assert_true(intake_key_is_restricted(&d->view, key, UINT64_MAX));
    assert_false(intake_key_is_restricted(&d->view, life_state(d, c->case_id)->key_id, UINT64_MAX));
    DONE(d, RECORD_ACCOUNTABILITY, c, EXECUTING); /* the same key for the next */
    assert_int_equal(d->out.new_keys, 0);
    assert_int_equal(d->out.events[0].key_id, key);
}

static Kesu__V1__CloseCase *closing(struct life_desk *d, uint64_t id)
{
    Kesu__V1__CloseCase *c = NEW(d, close_case);
    c->case_id = id;
    c->cause = life_text("method");
    return c;
}

static void a_case_closes_without_open_work(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_FEEDBACK), eightds[] = {7};
    Kesu__V1__CaseState *s = life_state(d, id);
    Kesu__V1__TaskState *task = NEW(d, task_state), *tasks[] = {task};
    Kesu__V1__CloseCase *c = closing(d, id);
    c->unit = life_text("nowhere");
    REFUSED(d, CLOSE_CASE, c, E_UNKNOWN, "close_case.unit");
    c->unit = life_text("");
    s->life = NEW(d, case_life);
    s->life->tasks = tasks;
    s->life->n_tasks = 1;
    task->task = 1;
    task->open = true;
    life_put(d, s);
    REFUSED(d, CLOSE_CASE, c, E_OPEN_WORK, "close_case.case_id");
    s->life->n_tasks = 0;
    s->life->open_eightds = eightds;
    s->life->n_open_eightds = 1;
    life_put(d, s);
    REFUSED(d, CLOSE_CASE, c, E_OPEN_WORK, "close_case.case_id");
    s->life->n_open_eightds = 0;
    s->severity = KESU__V1__SEVERITY__SEVERITY_S1; /* needs one */
    life_put(d, s);
    REFUSED(d, CLOSE_CASE, c, E_OPEN_WORK, "close_case.case_id");
    s->life->eightds_closed = 1;
    life_put(d, s);
    DONE(d, CLOSE_CASE, c, CLOSED);
    assert_string_equal(life_event(d)->case_closed->unit, "service");
    assert_string_equal(life_state(d, id)->life->cause, "method");
}

static void a_case_opened_again_begins_anew_and_keeps_its_first_outcome(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__ReopenCase *c = NEW(d, reopen_case);
    Kesu__V1__AgentState *ann;
    uint64_t id = accepted(d);
    Kesu__V1__CaseState *s = life_state(d, id);
    s->stage = KESU__V1__STAGE__STAGE_FEEDBACK;
    s->life->appeal = NEW(d, appeal_state);
    s->life->appeal->late = true;
    s->life->opinion = NEW(d, opinion_state);
    s->life->opinion->seq = 9;
    s->life->opinion->read_by = life_text("lead");
    life_put(d, s);
    DONE(d, CLOSE_CASE, closing(d, id), CLOSED);
    assert_int_equal(intake_agent_get(&d->view, "ann", &d->arena, &ann), 0);
    assert_int_equal(ann->open_cases, 0);
    c->case_id = id;
    REFUSED(d, REOPEN_CASE, c, E_MISSING, "reopen_case.reason");
    c->reason = life_text("it broke again");
    life_as(d, "ben");
    DONE(d, REOPEN_CASE, c, UNDER_REVIEW);
    assert_string_equal(life_event(d)->case_reopened->agent, "ann");
    s = life_state(d, id);
    assert_string_equal(s->agent, "ann");
    assert_int_equal(intake_agent_get(&d->view, "ann", &d->arena, &ann), 0);
    assert_int_equal(ann->open_cases, 1);
    assert_int_equal(s->life->cycle, 2);
    assert_string_equal(s->life->first_cause, "method");
    assert_null(s->life->appeal);
    assert_int_equal(s->life->proposal->n_lines, 0);
    assert_string_equal(s->life->opinion->read_by, "lead");
    /* Its owner has left: who opens it again has it. */
    s->stage = KESU__V1__STAGE__STAGE_FEEDBACK;
    life_put(d, s);
    life_as(d, "ann");
    Kesu__V1__CloseCase *other = closing(d, id);
    other->cause = life_text("machine");
    DONE(d, CLOSE_CASE, other, CLOSED);
    d->policy.staff[5]->until = LIFE_NOW - 1;
    life_as(d, "ben");
    DONE(d, REOPEN_CASE, c, UNDER_REVIEW);
    s = life_state(d, id);
    assert_string_equal(s->agent, "ben");
    assert_int_equal(s->life->cycle, 3);
    assert_string_equal(s->life->first_cause, "method");
    assert_int_equal(intake_agent_get(&d->view, "ann", &d->arena, &ann), 0);
    assert_int_equal(ann->open_cases, 0);
}

static void a_case_that_nobody_had_is_of_who_opens_it_again(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__ReopenCase *c = NEW(d, reopen_case);
    uint64_t id = c->case_id = life_case(d, KESU__V1__STAGE__STAGE_WITHDRAWN);
    Kesu__V1__CaseState *s = life_state(d, id);
    s->agent = life_text("");
    life_put(d, s);
    c->reason = life_text("it was a mistake");
    life_as(d, "lead"); /* who takes no cases otherwise */
    DONE(d, REOPEN_CASE, c, UNDER_REVIEW);
    assert_string_equal(life_state(d, id)->agent, "lead");
    /* Who has it has it again, whoever opens it. */
    s = life_state(d, id);
    s->stage = KESU__V1__STAGE__STAGE_WITHDRAWN;
    life_put(d, s);
    life_as(d, "ann");
    DONE(d, REOPEN_CASE, c, UNDER_REVIEW);
    assert_string_equal(life_state(d, id)->agent, "lead");
    assert_int_equal(d->out.n_events, 1);
}

static void conduct_is_marked_with_evidence_and_taken_back(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__MarkConduct *c = NEW(d, mark_conduct);
    c->case_id = accepted(d);
    c->conduct = KESU__V1__CONDUCT__CONDUCT_VEXATIOUS;
    c->reason = life_text("forty calls a day");
    REFUSED(d, MARK_CONDUCT, c, E_NOT_ALLOWED, "actor.name");
    life_as(d, "lead");
    REFUSED(d, MARK_CONDUCT, c, E_MISSING, "mark_conduct.words");
    c->words = life_words(d, "the list of calls");
    DONE(d, MARK_CONDUCT, c, EXECUTING);
    REFUSED(d, MARK_CONDUCT, c, E_EXISTS, "mark_conduct.conduct");
    c->conduct = KESU__V1__CONDUCT__CONDUCT_UNSPECIFIED;
    c->words = NULL;
    DONE(d, MARK_CONDUCT, c, EXECUTING);
    assert_int_equal(life_event(d)->conduct_marked->before, KESU__V1__CONDUCT__CONDUCT_VEXATIOUS);
}

static void what_the_law_holds_is_not_archived(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__HoldCase *hold = NEW(d, hold_case);
    Kesu__V1__ArchiveCase *archive = NEW(d, archive_case);
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_FEEDBACK);
    hold->case_id = archive->case_id = id;
    hold->reason = life_text("a lawsuit");
    DONE(d, CLOSE_CASE, closing(d, id), CLOSED);
    life_as(d, "law");
    REFUSED(d, HOLD_CASE, hold, E_EXISTS, "hold_case.held");
    life_as(d, NULL);
    REFUSED(d, ARCHIVE_CASE, archive, E_NOT_DUE, "archive_case.case_id");
    d->ctx.block_time += d->settings.retention;
    life_as(d, "law");
    hold->held = true;
    DONE(d, HOLD_CASE, hold, CLOSED);
    life_as(d, NULL);
    REFUSED(d, ARCHIVE_CASE, archive, E_NOT_ALLOWED, "archive_case.case_id");
    life_as(d, "law");
    hold->held = false;
    DONE(d, HOLD_CASE, hold, CLOSED);
    life_as(d, NULL);
    d->settings.retention = 0;
    REFUSED(d, ARCHIVE_CASE, archive, E_POLICY, "archive_case.case_id");
    d->settings.retention = USEC_PER_HOUR;
    DONE(d, ARCHIVE_CASE, archive, ARCHIVED);
}

static void what_is_held_by_law_is_not_erased(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__HoldCase *hold = NEW(d, hold_case);
    Kesu__V1__EraseCustomer *erase = NEW(d, erase_customer);
    hold->case_id = erase->case_id = accepted(d);
    hold->held = true;
    hold->reason = erase->reason = life_text("asked for");
    life_as(d, "law");
    DONE(d, HOLD_CASE, hold, EXECUTING);
    d->actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR;
    REFUSED(d, ERASE_CUSTOMER, erase, E_NOT_ALLOWED, "erase_customer.case_id");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, life_desk_open, life_desk_close)

UNIT_MAIN(TEST(steps_are_done_in_order_with_evidence), TEST(money_that_was_paid_is_proven),
          TEST(no_more_is_recovered_than_claimed), TEST(accountability_is_sealed_with_a_key_of_its_own),
          TEST(a_case_closes_without_open_work),
          TEST(a_case_opened_again_begins_anew_and_keeps_its_first_outcome),
          TEST(a_case_that_nobody_had_is_of_who_opens_it_again),
          TEST(conduct_is_marked_with_evidence_and_taken_back), TEST(what_the_law_holds_is_not_archived),
          TEST(what_is_held_by_law_is_not_erased))
