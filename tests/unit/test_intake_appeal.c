/* SPDX-License-Identifier: Apache-2.0 */
/* What the customer answers to an opinion, appeals, and bodies outside. */
#include "life_desk.h"
#include "unit.h"

#define ANSWER(name) KESU__V1__ANSWER__ANSWER_##name
#define DAY          (24 * USEC_PER_HOUR)

/* A case with an approved proposal of one step, proposed by ann, approved by lead; owner ann. */
static uint64_t case_in(struct life_desk *d, Kesu__V1__Stage stage)
{
    uint64_t id = life_case(d, stage);
    Kesu__V1__CaseState *s = life_state(d, id);
    Kesu__V1__RemedyLine *line = NEW(d, remedy_line);
    line->kind = KESU__V1__REMEDY_KIND__REMEDY_KIND_APOLOGY;
    s->life = NEW(d, case_life);
    s->life->proposal = NEW(d, proposal_state);
    s->life->proposal->proposal = 1;
    s->life->proposal->lines = arena_zalloc(&d->arena, sizeof(*s->life->proposal->lines));
    s->life->proposal->lines[s->life->proposal->n_lines++] = line;
    s->life->proposal->approved = true;
    s->life->proposal->proposer = life_text("ann");
    s->life->took_part = arena_zalloc(&d->arena, sizeof(*s->life->took_part) * 2);
    s->life->took_part[s->life->n_took_part++] = life_text("ann");
    s->life->took_part[s->life->n_took_part++] = life_text("lead");
    life_put(d, s);
    return id;
}

static void *opinion(struct life_desk *d, uint64_t id)
{
    Kesu__V1__SendOpinion *c = NEW(d, send_opinion);
    c->case_id = id;
    c->words = life_words(d, "we offer");
    return c;
}

static uint64_t told(struct life_desk *d)
{
    uint64_t id = case_in(d, KESU__V1__STAGE__STAGE_APPROVAL);
    life_as(d, "ann");
    DONE(d, SEND_OPINION, opinion(d, id), OPINION_SENT);
    return id;
}

static Kesu__V1__RecordAnswer *answer(struct life_desk *d, uint64_t id, Kesu__V1__Answer what)
{
    Kesu__V1__RecordAnswer *c = NEW(d, record_answer);
    c->case_id = id;
    c->answer = what;
    c->words = life_words(d, "well");
    return c;
}

static void *appeal(struct life_desk *d, uint64_t id)
{
    Kesu__V1__FileAppeal *c = NEW(d, file_appeal);
    c->case_id = id;
    c->words = life_words(d, "no");
    return c;
}

static void *reviewer(struct life_desk *d, uint64_t id, const char *who)
{
    Kesu__V1__AssignReviewer *c = NEW(d, assign_reviewer);
    c->case_id = id;
    c->reviewer = life_text(who);
    return c;
}

static void *verdict(struct life_desk *d, uint64_t id, Kesu__V1__AppealOutcome outcome)
{
    Kesu__V1__DecideAppeal *c = NEW(d, decide_appeal);
    c->case_id = id;
    c->outcome = outcome;
    c->reason = life_text("looked at it again");
    c->words = life_words(d, "we looked at it again");
    return c;
}
#define UPHELD    KESU__V1__APPEAL_OUTCOME__APPEAL_OUTCOME_UPHELD
#define DISMISSED KESU__V1__APPEAL_OUTCOME__APPEAL_OUTCOME_DISMISSED

static void *window_ends(struct life_desk *d, uint64_t id)
{
    const Kesu__V1__CaseState *s = life_state(d, id);
    Kesu__V1__FireClock *c = NEW(d, fire_clock);
    c->case_id = id;
    c->clock = life_text("appeal_window");
    c->step = KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH;
    c->due_at = s->clocks[0]->due_at;
    d->ctx.block_time = c->due_at;
    life_as(d, NULL);
    return c;
}

static uint64_t explained(struct life_desk *d)
{
    Kesu__V1__ReviewCase *c = NEW(d, review_case);
    uint64_t id = c->case_id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW);
    c->finding = KESU__V1__FINDING__FINDING_NOT_FOUNDED;
    c->reason = life_text("the list was shown");
    c->words = life_words(d, "the price was on the list");
    life_as(d, "ann");
    DONE(d, REVIEW_CASE, c, EXPLAINED);
    return id;
}

static void an_answer_leads_on(void **state)
{
    struct life_desk *d = *state;
    DONE(d, RECORD_ANSWER, answer(d, told(d), ANSWER(ACCEPTED)), EXECUTING);
    assert_int_equal(life_event(d)->n_clocks, 1);
    DONE(d, RECORD_ANSWER, answer(d, told(d), ANSWER(OBJECTED)), APPEALED);
    uint64_t id = told(d);
    REFUSED(d, RECORD_ANSWER, answer(d, id, ANSWER(SILENT)), E_RANGE, "record_answer.answer");
    REFUSED(d, RECORD_ANSWER, answer(d, id, ANSWER(UNSPECIFIED)), E_MISSING, "record_answer.answer");
    Kesu__V1__RecordAnswer *wordless = answer(d, id, ANSWER(COUNTER_PROPOSED));
    wordless->words = NULL;
    REFUSED(d, RECORD_ANSWER, wordless, E_MISSING, "record_answer.words");
    DONE(d, RECORD_ANSWER, answer(d, id, ANSWER(COUNTER_PROPOSED)), PROPOSED);
    assert_false(life_state(d, id)->life->proposal->approved);
}

static void silence_is_what_the_policy_says(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = told(d);
    DONE(d, FIRE_CLOCK, window_ends(d, id), EXECUTING);
    assert_int_equal(d->out.n_events, 2);
    assert_int_equal(life_event(d)->answer_recorded->answer, ANSWER(SILENT));
    d->settings.silence = ANSWER(OBJECTED);
    id = told(d);
    DONE(d, FIRE_CLOCK, window_ends(d, id), FEEDBACK);
    assert_true(life_event(d)->answer_recorded->declined);
}

static void silence_to_an_explanation_ends_it(void **state)
{
    struct life_desk *d = *state;
    for (unsigned i = 0; i < 2; i++) {
        uint64_t id = explained(d);
        d->settings.silence = i == 0 ? ANSWER(ACCEPTED) : ANSWER(OBJECTED);
        DONE(d, FIRE_CLOCK, window_ends(d, id), FEEDBACK);
        assert_int_equal(life_event(d)->answer_recorded->answer, ANSWER(SILENT));
        assert_int_equal(life_event(d)->answer_recorded->declined, i == 1);
    }
}

static void refer(struct life_desk *d, uint64_t id)
{
    Kesu__V1__ReferExternal *c = NEW(d, refer_external);
    c->case_id = id;
    c->kind = KESU__V1__BODY_KIND__BODY_KIND_CONSUMER_ASSOCIATION;
    c->body = life_text("Consumers' Association");
    life_as(d, "lead");
    DONE(d, REFER_EXTERNAL, c, EXTERNAL);
    assert_string_equal(life_event(d)->clocks[0]->clock, "appeal_window");
    assert_int_equal(life_event(d)->clocks[0]->op, KESU__V1__CLOCK_CHANGE__OP__OP_STOP);
}

static void *returned(struct life_desk *d, uint64_t id)
{
    Kesu__V1__RecordExternal *c = NEW(d, record_external);
    c->case_id = id;
    c->outcome = KESU__V1__EXTERNAL_OUTCOME__EXTERNAL_OUTCOME_RETURNED;
    c->reason = life_text("settle it with us first, they say");
    return c;
}

static void after_a_body_outside_the_customer_has_their_time_anew(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = told(d);
    refer(d, id);
    d->ctx.block_time += 30 * DAY; /* longer than the window was */
    DONE(d, RECORD_EXTERNAL, returned(d, id), OPINION_SENT);
    assert_true(life_event(d)->external_recorded->answer_awaited);
    assert_int_equal(life_event(d)->clocks[0]->due_at, d->ctx.block_time + 10 * DAY);
    life_as(d, "ann");
    DONE(d, FILE_APPEAL, appeal(d, id), APPEALED);
    assert_false(d->out.events[0].event.appeal_filed->late);
    id = told(d);
    refer(d, id);
    DONE(d, RECORD_EXTERNAL, returned(d, id), OPINION_SENT);
    DONE(d, FIRE_CLOCK, window_ends(d, id), EXECUTING);
    id = explained(d);
    refer(d, id);
    DONE(d, RECORD_EXTERNAL, returned(d, id), EXPLAINED);
    DONE(d, FIRE_CLOCK, window_ends(d, id), FEEDBACK);
    /* Where nobody waited for an answer, nobody does now. */
    id = case_in(d, KESU__V1__STAGE__STAGE_PROPOSED);
    Kesu__V1__ReferExternal *c = NEW(d, refer_external);
    c->case_id = id;
    c->kind = KESU__V1__BODY_KIND__BODY_KIND_COURT;
    c->body = life_text("District Court");
    life_as(d, "lead");
    DONE(d, REFER_EXTERNAL, c, EXTERNAL);
    DONE(d, RECORD_EXTERNAL, returned(d, id), PROPOSED);
    assert_false(life_event(d)->external_recorded->answer_awaited);
    assert_int_equal(life_event(d)->n_clocks, 0);
}

static void an_appeal_after_the_window_is_late(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = told(d);
    DONE(d, FILE_APPEAL, appeal(d, id), APPEALED);
    assert_false(d->out.events[0].event.appeal_filed->late);
    /* The clock has not fired yet, but its time has come. */
    id = told(d);
    d->ctx.block_time += 10 * DAY;
    REFUSED(d, RECORD_ANSWER, answer(d, id, ANSWER(OBJECTED)), E_NOT_ALLOWED, "record_answer.answer");
    DONE(d, FILE_APPEAL, appeal(d, id), EXECUTING);
    assert_true(life_event(d)->appeal_filed->late);
    assert_int_equal(d->out.n_events, 2);
    assert_null(d->out.events[0].plain);
    REFUSED(d, FILE_APPEAL, appeal(d, id), E_EXISTS, "file_appeal.case_id");
}

static void a_late_appeal_waits_for_admission(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__AdmitAppeal *c = NEW(d, admit_appeal);
    uint64_t id = told(d);
    DONE(d, RECORD_ANSWER, answer(d, id, ANSWER(ACCEPTED)), EXECUTING);
    c->case_id = id;
    c->reason = life_text("they were ill");
    life_as(d, "dep");
    REFUSED(d, ADMIT_APPEAL, c, E_UNKNOWN, "admit_appeal.case_id");
    life_as(d, "ann");
    DONE(d, FILE_APPEAL, appeal(d, id), EXECUTING);
    REFUSED(d, ADMIT_APPEAL, c, E_NOT_ALLOWED, "actor.name");
    life_as(d, "dep");
    DONE(d, ADMIT_APPEAL, c, EXECUTING);
    REFUSED(d, ADMIT_APPEAL, c, E_UNKNOWN, "admit_appeal.case_id");
    life_as(d, "ann");
    DONE(d, FILE_APPEAL, appeal(d, id), EXECUTING);
    c->admitted = true;
    life_as(d, "dep");
    DONE(d, ADMIT_APPEAL, c, APPEALED);
}

static void took_part(struct life_desk *d, uint64_t id, const char *who)
{
    Kesu__V1__CaseState *s = life_state(d, id);
    s->life->took_part = arena_zalloc(&d->arena, sizeof(*s->life->took_part) * 2);
    s->life->took_part[0] = life_text("ann");
    s->life->took_part[1] = life_text(who);
    s->life->n_took_part = who[0] != '\0' ? 2 : 1;
    life_put(d, s);
}

static void somebody_else_reviews(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = told(d);
    DONE(d, FILE_APPEAL, appeal(d, id), APPEALED);
    life_as(d, "dep");
    REFUSED(d, ASSIGN_REVIEWER, reviewer(d, id, "nobody"), E_UNKNOWN, "assign_reviewer.reviewer");
    REFUSED(d, ASSIGN_REVIEWER, reviewer(d, id, "ben"), E_NOT_ALLOWED, "assign_reviewer.reviewer");
    REFUSED(d, ASSIGN_REVIEWER, reviewer(d, id, "lead"), E_RECUSED, "assign_reviewer.reviewer");
    Kesu__V1__CaseState *s = life_state(d, id);
    char *accused[] = {life_text("gm")};
    s->agent = life_text("side");
    s->life->accused = accused;
    s->life->n_accused = 1;
    life_put(d, s);
    life_as(d, NULL);
    REFUSED(d, ASSIGN_REVIEWER, reviewer(d, id, "side"), E_RECUSED, "assign_reviewer.reviewer");
    REFUSED(d, ASSIGN_REVIEWER, reviewer(d, id, "gm"), E_RECUSED, "assign_reviewer.reviewer");
    REFUSED(d, ASSIGN_REVIEWER, reviewer(d, id, "law"), E_RECUSED, "assign_reviewer.reviewer");
    s = life_state(d, id);
    s->agent = life_text("ann");
    s->life->n_accused = 0;
    life_put(d, s);
    DONE(d, ASSIGN_REVIEWER, reviewer(d, id, "law"), APPEALED);
    REFUSED(d, ASSIGN_REVIEWER, reviewer(d, id, "law"), E_EXISTS, "assign_reviewer.reviewer");
    DONE(d, ASSIGN_REVIEWER, reviewer(d, id, "side"), APPEALED);
    assert_string_equal(life_event(d)->reviewer_assigned->previous, "law");
    life_as(d, "law");
    REFUSED(d, DECIDE_APPEAL, verdict(d, id, UPHELD), E_NOT_ALLOWED, "actor.name");
    took_part(d, id, "dep");
    life_as(d, "side");
    d->actor.on_behalf_of = life_text("dep");
    REFUSED(d, DECIDE_APPEAL, verdict(d, id, UPHELD), E_RECUSED, "actor.on_behalf_of");
    life_as(d, "side");
    DONE(d, DECIDE_APPEAL, verdict(d, id, UPHELD), PROPOSED);
    assert_false(life_state(d, id)->life->proposal->approved);
}

static const char *named(struct life_desk *d, uint64_t id)
{
    return life_state(d, id)->life->appeal->reviewer;
}

static void an_appeal_gets_the_lowest_above_who_took_no_part(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = told(d);
    DONE(d, FILE_APPEAL, appeal(d, id), APPEALED);
    assert_int_equal(life_event(d)->body_case, KESU__V1__EVENT__BODY_REVIEWER_ASSIGNED);
    assert_string_equal(named(d, id), "dep"); /* lead approved it */
    id = told(d);
    took_part(d, id, "");
    DONE(d, RECORD_ANSWER, answer(d, id, ANSWER(OBJECTED)), APPEALED);
    assert_string_equal(named(d, id), "lead");
    /* Whom nobody leads that took part: not side, whose leader is dep. */
    id = told(d);
    took_part(d, id, "dep");
    DONE(d, FILE_APPEAL, appeal(d, id), APPEALED);
    assert_string_equal(named(d, id), "gm");
    /* The highest took part: legal, who is nearest to nobody. */
    id = told(d);
    took_part(d, id, "gm");
    DONE(d, FILE_APPEAL, appeal(d, id), APPEALED);
    assert_string_equal(named(d, id), "law");
}

static void an_explanation_objected_to_gets_another_than_who_explained(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = explained(d);
    DONE(d, RECORD_ANSWER, answer(d, id, ANSWER(OBJECTED)), APPEALED);
    assert_string_equal(named(d, id), "lead");
    id = explained(d);
    took_part(d, id, "lead"); /* explained it for ann */
    DONE(d, RECORD_ANSWER, answer(d, id, ANSWER(OBJECTED)), APPEALED);
    assert_string_equal(named(d, id), "dep");
}

static void a_late_appeal_gets_its_reviewer_when_it_is_admitted(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__AdmitAppeal *admit = NEW(d, admit_appeal);
    uint64_t id = admit->case_id = told(d);
    DONE(d, RECORD_ANSWER, answer(d, id, ANSWER(ACCEPTED)), EXECUTING);
    DONE(d, FILE_APPEAL, appeal(d, id), EXECUTING);
    assert_string_equal(named(d, id), "");
    admit->admitted = true;
    admit->reason = life_text("they were ill");
    life_as(d, "side");
    DONE(d, ADMIT_APPEAL, admit, APPEALED);
    assert_string_equal(named(d, id), "dep");
}

static void an_admitted_appeal_to_what_nobody_had_finds_an_owner(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__AdmitAppeal *admit = NEW(d, admit_appeal);
    uint64_t id = admit->case_id = told(d);
    DONE(d, RECORD_ANSWER, answer(d, id, ANSWER(ACCEPTED)), EXECUTING);
    DONE(d, FILE_APPEAL, appeal(d, id), EXECUTING);
    Kesu__V1__CaseState *s = life_state(d, id);
    s->stage = KESU__V1__STAGE__STAGE_CLOSED;
    s->agent = life_text("");
    life_put(d, s);
    d->policy.departments[0]->manager = life_text("side");
    admit->admitted = true;
    admit->reason = life_text("they were ill");
    life_as(d, "gm");
    DONE(d, ADMIT_APPEAL, admit, APPEALED);
    assert_string_equal(life_state(d, id)->agent, "side");
    assert_string_not_equal(named(d, id), "side");
    assert_string_not_equal(named(d, id), "");
}

static void what_nobody_had_finds_an_owner_when_a_body_outside_is_done_with_it(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__RecordExternal *c = NEW(d, record_external);
    d->policy.departments[0]->manager = life_text("side");
    for (unsigned i = 0; i < 2; i++) {
        uint64_t id = c->case_id = life_case(d, KESU__V1__STAGE__STAGE_EXTERNAL);
        Kesu__V1__CaseState *s = life_state(d, id);
        s->life = NEW(d, case_life);
        s->life->stage_before = KESU__V1__STAGE__STAGE_NOT_A_COMPLAINT;
        s->agent = life_text("");
        life_put(d, s);
        c->outcome = i == 0 ? KESU__V1__EXTERNAL_OUTCOME__EXTERNAL_OUTCOME_CONFIRMED
                            : KESU__V1__EXTERNAL_OUTCOME__EXTERNAL_OUTCOME_RETURNED;
        c->reason = life_text("they decided");
        life_as(d, "lead");
        if (i == 0)
            DONE(d, RECORD_EXTERNAL, c, FEEDBACK);
        else
            DONE(d, RECORD_EXTERNAL, c, NOT_A_COMPLAINT);
        assert_string_equal(life_state(d, id)->agent, i == 0 ? "side" : "");
    }
}

static void a_reviewer_who_is_accused_or_gets_the_case_gives_the_review_away(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__NameAccused *name = NEW(d, name_accused);
    char *accused[] = {life_text("dep")};
    uint64_t id = name->case_id = told(d);
    DONE(d, FILE_APPEAL, appeal(d, id), APPEALED);
    name->staff = accused;
    name->n_staff = 1;
    name->reason = life_text("the letter names them");
    life_as(d, "gm");
    DONE(d, NAME_ACCUSED, name, APPEALED);
    /* lead and side report to dep */
    assert_string_equal(named(d, id), "gm");
    assert_string_equal(life_event(d)->reviewer_assigned->previous, "dep");
    DONE(d, ASSIGN_REVIEWER, reviewer(d, id, "law"), APPEALED);
    d->policy.staff[4]->agent = true; /* law */
    Kesu__V1__AgentState *law;
    assert_int_equal(intake_agent_get(&d->view, "law", &d->arena, &law), 0);
    law->present = true;
    law->capacity = 9;
    intake_agent_put(&d->view, law);
    Kesu__V1__AssignCase *assign = NEW(d, assign_case);
    assign->case_id = id;
    assign->agent = life_text("law");
    DONE(d, ASSIGN_CASE, assign, APPEALED);
    assert_string_equal(named(d, id), "gm");
}

static void what_an_appeal_decided_is_final(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = told(d);
    DONE(d, FILE_APPEAL, appeal(d, id), APPEALED);
    life_as(d, "dep");
    DONE(d, ASSIGN_REVIEWER, reviewer(d, id, "side"), APPEALED);
    life_as(d, "side");
    DONE(d, DECIDE_APPEAL, verdict(d, id, DISMISSED), OPINION_SENT);
    assert_true(life_state(d, id)->life->opinion->final);
    life_as(d, "ann");
    REFUSED(d, FILE_APPEAL, appeal(d, id), E_FINAL, "file_appeal.case_id");
    REFUSED(d, RECORD_ANSWER, answer(d, id, ANSWER(COUNTER_PROPOSED)), E_FINAL, "record_answer.answer");
    DONE(d, RECORD_ANSWER, answer(d, id, ANSWER(OBJECTED)), DEADLOCKED);
    assert_true(life_event(d)->answer_recorded->final);
    /* The final letter goes once. */
    Kesu__V1__DeclareDeadlock *letter = NEW(d, declare_deadlock);
    letter->case_id = id;
    letter->reason = life_text("objected to what is final");
    letter->words = life_words(d, "our final letter");
    life_as(d, "lead");
    DONE(d, DECLARE_DEADLOCK, letter, DEADLOCKED);
    REFUSED(d, DECLARE_DEADLOCK, letter, E_EXISTS, "declare_deadlock.case_id");
}

static void what_was_final_is_opened_again_by_a_leader_as_a_new_cycle(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__CloseCase *close = NEW(d, close_case);
    Kesu__V1__ReopenCase *reopen = NEW(d, reopen_case);
    uint64_t id = close->case_id = reopen->case_id = told(d);
    DONE(d, FILE_APPEAL, appeal(d, id), APPEALED);
    life_as(d, "dep");
    DONE(d, DECIDE_APPEAL, verdict(d, id, DISMISSED), OPINION_SENT);
    life_as(d, "ann");
    DONE(d, RECORD_ANSWER, answer(d, id, ANSWER(OBJECTED)), DEADLOCKED);
    close->cause = life_text("customer");
    DONE(d, CLOSE_CASE, close, CLOSED);
    REFUSED(d, FILE_APPEAL, appeal(d, id), E_FINAL, "file_appeal.case_id");
    reopen->reason = life_text("a photo nobody had seen");
    REFUSED(d, REOPEN_CASE, reopen, E_NOT_ALLOWED, "actor.name");
    life_as(d, "lead");
    DONE(d, REOPEN_CASE, reopen, UNDER_REVIEW);
    assert_true(life_event(d)->case_reopened->final);
    Kesu__V1__CaseState *s = life_state(d, id);
    assert_null(s->life->appeal);
    assert_false(s->life->opinion->final);
    /* The new cycle has an appeal of its own, by none of those who took part in the first. */
    s->stage = KESU__V1__STAGE__STAGE_EXPLAINED;
    life_put(d, s);
    DONE(d, FILE_APPEAL, appeal(d, id), APPEALED);
    assert_string_equal(named(d, id), "gm");
}

static void an_appeal_against_an_explanation_leads_back(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_EXPLAINED);
    REFUSED(d, RECORD_ANSWER, answer(d, id, ANSWER(COUNTER_PROPOSED)), E_STAGE, "record_answer.case_id");
    DONE(d, RECORD_ANSWER, answer(d, id, ANSWER(OBJECTED)), APPEALED);
    life_as(d, "dep");
    DONE(d, ASSIGN_REVIEWER, reviewer(d, id, "side"), APPEALED);
    life_as(d, "side");
    DONE(d, DECIDE_APPEAL, verdict(d, id, UPHELD), INVESTIGATING);
    assert_int_equal(life_state(d, id)->life->finding, KESU__V1__FINDING__FINDING_FOUNDED);

    id = life_case(d, KESU__V1__STAGE__STAGE_EXPLAINED);
    life_as(d, "ann");
    DONE(d, FILE_APPEAL, appeal(d, id), APPEALED);
    life_as(d, "dep");
    DONE(d, ASSIGN_REVIEWER, reviewer(d, id, "side"), APPEALED);
    life_as(d, "side");
    DONE(d, DECIDE_APPEAL, verdict(d, id, DISMISSED), EXPLAINED);
    life_as(d, "ann");
    DONE(d, RECORD_ANSWER, answer(d, id, ANSWER(OBJECTED)), DEADLOCKED);
}

/* The customer wanted something else, which was proposed and never approved. */
static void an_appeal_leads_to_no_proposal_that_nobody_approved(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__WithdrawCase *withdraw = NEW(d, withdraw_case);
    Kesu__V1__CloseCase *close = NEW(d, close_case);
    Kesu__V1__AdmitAppeal *admit = NEW(d, admit_appeal);
    uint64_t id = withdraw->case_id = close->case_id = admit->case_id = told(d);
    Kesu__V1__ProposeRemedy *propose = NEW(d, propose_remedy);
    propose->case_id = id;
    propose->lines = life_state(d, id)->life->proposal->lines;
    propose->n_lines = 1;
    DONE(d, RECORD_ANSWER, answer(d, id, ANSWER(COUNTER_PROPOSED)), PROPOSED);
    DONE(d, PROPOSE_REMEDY, propose, PROPOSED);
    withdraw->reason = admit->reason = life_text("they say so");
    DONE(d, WITHDRAW_CASE, withdraw, WITHDRAWN);
    close->cause = life_text("method");
    DONE(d, CLOSE_CASE, close, CLOSED);
    DONE(d, FILE_APPEAL, appeal(d, id), CLOSED);
    admit->admitted = true;
    life_as(d, "dep");
    DONE(d, ADMIT_APPEAL, admit, APPEALED);
    DONE(d, ASSIGN_REVIEWER, reviewer(d, id, "side"), APPEALED);
    life_as(d, "side");
    DONE(d, DECIDE_APPEAL, verdict(d, id, DISMISSED), EXPLAINED);
    life_as(d, "ann");
    DONE(d, RECORD_ANSWER, answer(d, id, ANSWER(ACCEPTED)), FEEDBACK);
}

static void what_was_done_before_a_late_appeal_is_not_done_twice(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__AdmitAppeal *admit = NEW(d, admit_appeal);
    uint64_t id = told(d);
    DONE(d, RECORD_ANSWER, answer(d, id, ANSWER(ACCEPTED)), EXECUTING);
    Kesu__V1__CompleteStep *step = NEW(d, complete_step);
    step->case_id = admit->case_id = id;
    step->step = 1;
    step->words = life_words(d, "sorry");
    DONE(d, COMPLETE_STEP, step, FEEDBACK);
    DONE(d, FILE_APPEAL, appeal(d, id), FEEDBACK);
    admit->admitted = true;
    admit->reason = life_text("a mistake in our letter");
    life_as(d, "dep");
    DONE(d, ADMIT_APPEAL, admit, APPEALED);
    DONE(d, ASSIGN_REVIEWER, reviewer(d, id, "side"), APPEALED);
    life_as(d, "side");
    DONE(d, DECIDE_APPEAL, verdict(d, id, DISMISSED), OPINION_SENT);
    life_as(d, "ann");
    DONE(d, RECORD_ANSWER, answer(d, id, ANSWER(ACCEPTED)), FEEDBACK);
}

static void without_agreement_there_are_bodies_outside(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__DeclareDeadlock *dead = NEW(d, declare_deadlock);
    Kesu__V1__ReferExternal *refer = NEW(d, refer_external);
    Kesu__V1__RecordExternal *back = NEW(d, record_external);
    dead->case_id = refer->case_id = back->case_id = case_in(d, KESU__V1__STAGE__STAGE_PROPOSED);
    dead->reason = life_text("three offers were declined");
    dead->words = life_words(d, "our final letter");
    life_as(d, "lead");
    REFUSED(d, DECLARE_DEADLOCK, dead, E_NOT_ALLOWED, "declare_deadlock.case_id");
    dead->case_id = refer->case_id = back->case_id = told(d);
    REFUSED(d, DECLARE_DEADLOCK, dead, E_NOT_ALLOWED, "actor.name");
    life_as(d, "lead");
    DONE(d, DECLARE_DEADLOCK, dead, DEADLOCKED);
    refer->kind = KESU__V1__BODY_KIND__BODY_KIND_REGULATOR;
    REFUSED(d, REFER_EXTERNAL, refer, E_MISSING, "refer_external.body");
    refer->body = life_text("Consumer Ombudsman");
    refer->reference = life_text("CO-77");
    refer->due_at = LIFE_NOW;
    REFUSED(d, REFER_EXTERNAL, refer, E_RANGE, "refer_external.due_at");
    refer->due_at = LIFE_NOW + DAY;
    DONE(d, REFER_EXTERNAL, refer, EXTERNAL);
    assert_string_equal(life_state(d, refer->case_id)->life->external->reference, "CO-77");
    const Kesu__V1__ClockChange *clock = life_event(d)->clocks[life_event(d)->n_clocks - 1];
    assert_string_equal(clock->clock, "external_due");
    assert_int_equal(clock->due_at, refer->due_at);
    back->reason = life_text("their letter of today");
    REFUSED(d, RECORD_EXTERNAL, back, E_MISSING, "record_external.outcome");
    back->outcome = KESU__V1__EXTERNAL_OUTCOME__EXTERNAL_OUTCOME_RETURNED;
    DONE(d, RECORD_EXTERNAL, back, DEADLOCKED);
    assert_string_equal(life_event(d)->external_recorded->body, "Consumer Ombudsman");
    assert_null(life_state(d, refer->case_id)->life->external);
    assert_int_equal(life_event(d)->clocks[0]->op, KESU__V1__CLOCK_CHANGE__OP__OP_STOP);
    DONE(d, REFER_EXTERNAL, refer, EXTERNAL);
    back->outcome = KESU__V1__EXTERNAL_OUTCOME__EXTERNAL_OUTCOME_ORDERED;
    DONE(d, RECORD_EXTERNAL, back, PROPOSED);
    assert_false(life_state(d, refer->case_id)->life->proposal->approved);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, life_desk_open, life_desk_close)

UNIT_MAIN(TEST(an_answer_leads_on), TEST(silence_is_what_the_policy_says),
          TEST(silence_to_an_explanation_ends_it),
          TEST(after_a_body_outside_the_customer_has_their_time_anew),
          TEST(an_appeal_after_the_window_is_late), TEST(a_late_appeal_waits_for_admission),
          TEST(somebody_else_reviews), TEST(what_an_appeal_decided_is_final),
          TEST(what_was_final_is_opened_again_by_a_leader_as_a_new_cycle),
          TEST(an_appeal_gets_the_lowest_above_who_took_no_part),
          TEST(an_explanation_objected_to_gets_another_than_who_explained),
          TEST(a_late_appeal_gets_its_reviewer_when_it_is_admitted),
          TEST(an_admitted_appeal_to_what_nobody_had_finds_an_owner),
          TEST(what_nobody_had_finds_an_owner_when_a_body_outside_is_done_with_it),
          TEST(a_reviewer_who_is_accused_or_gets_the_case_gives_the_review_away),
          TEST(an_appeal_against_an_explanation_leads_back),
          TEST(an_appeal_leads_to_no_proposal_that_nobody_approved),
          TEST(what_was_done_before_a_late_appeal_is_not_done_twice),
          TEST(without_agreement_there_are_bodies_outside))
