/* SPDX-License-Identifier: Apache-2.0 */
/* Replies that can be undone, sub-tasks, recusal, claims, and the clocks they move. */
#include <stdlib.h>

#include "life_desk.h"
#include "unit.h"

#define HOLD_US (7 * USEC_PER_SEC)

static void add_clock(struct life_desk *d, const char *id, const char *starts, const char *stops)
{
    Kesu__V1__Policy *p = &d->policy;
    Kesu__V1__Clock *c = NEW(d, clock);
    c->id = life_text(id);
    c->starts = life_text(starts);
    c->stops = life_text(stops);
    c->warn_percent = 50;
    c->dues = arena_zalloc(&d->arena, sizeof(*c->dues));
    c->dues[c->n_dues++] = NEW(d, clock_due);
    c->dues[0]->after = USEC_PER_HOUR;
    p->clocks[p->n_clocks++] = c;
}

/* With a second department, qa, whose manager is side; new leads service. */
static int open_office(void **state)
{
    int err = life_desk_open(state);
    struct life_desk *d = *state;
    Kesu__V1__Policy *p = &d->policy;
    p->departments[0]->manager = life_text("lead");
    Kesu__V1__Department **two = arena_zalloc(&d->arena, sizeof(*two) * 2);
    two[0] = p->departments[0];
    two[1] = NEW(d, department);
    two[1]->id = life_text("qa");
    two[1]->manager = life_text("side");
    p->departments = two;
    p->n_departments = 2;
    Kesu__V1__Clock **clocks = arena_zalloc(&d->arena, sizeof(*clocks) * 8);
    memcpy(clocks, p->clocks, sizeof(*clocks) * p->n_clocks);
    p->clocks = clocks;
    add_clock(d, "department_task", "task_given", "task_answered withdrawn");
    add_clock(d, "next_reply", "customer_message", "replied");
    add_clock(d, "progress", "progress_told", "progress_told executed");
    d->settings.reply_hold = HOLD_US;
    d->settings.replying_for = USEC_PER_MIN;
    return err;
}

static const Kesu__V1__ClockState *clock_of(struct life_desk *d, uint64_t id, const char *name)
{
    const Kesu__V1__CaseState *s = life_state(d, id);
    for (size_t i = 0; i < s->n_clocks; i++)
        if (strcmp(s->clocks[i]->clock, name) == 0) return s->clocks[i];
    return NULL;
}

static void *reply(struct life_desk *d, uint64_t id)
{
    Kesu__V1__ReplyToCustomer *c = NEW(d, reply_to_customer);
    c->case_id = id;
    c->words = life_words(d, "we are looking");
    return c;
}

static void *undo(struct life_desk *d, uint64_t id)
{
    Kesu__V1__UndoReply *c = NEW(d, undo_reply);
    c->case_id = id;
    return c;
}

static void *fire(struct life_desk *d, uint64_t id, const char *name)
{
    Kesu__V1__FireClock *c = NEW(d, fire_clock);
    const Kesu__V1__ClockState *clock = clock_of(d, id, name);
    assert_non_null(clock);
    c->case_id = id;
    c->clock = life_text(name);
    c->step = KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH;
    c->due_at = clock->due_at;
    return c;
}

/* ---- words to the customer ---------------------------------------------------- */

static void a_reply_leaves_when_its_hold_is_over(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW);
    DONE(d, REPLY_TO_CUSTOMER, reply(d, id), UNDER_REVIEW);
    uint64_t held_seq = d->ctx.next_seq - 1;
    assert_int_equal(life_event(d)->reply_held->send_at, LIFE_NOW + HOLD_US);
    assert_int_equal(life_state(d, id)->life->reply->seq, held_seq);
    life_as(d, NULL);
    REFUSED(d, FIRE_CLOCK, fire(d, id, "reply_hold"), E_NOT_DUE, "fire_clock.due_at");
    d->ctx.block_time += HOLD_US;
    DONE(d, FIRE_CLOCK, fire(d, id, "reply_hold"), UNDER_REVIEW);
    assert_int_equal(d->out.n_events, 2);
    assert_int_equal(life_event(d)->body_case, KESU__V1__EVENT__BODY_REPLY_SENT);
    assert_int_equal(life_event(d)->reply_sent->reply_seq, held_seq);
    assert_string_equal(d->out.events[0].event.clock_fired->told, "");
    assert_null(clock_of(d, id, "reply_hold"));
    assert_null(life_state(d, id)->life->reply);
    assert_true(clock_of(d, id, "progress")->running);
}

static void a_reply_is_undone_before_it_leaves(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW);
    REFUSED(d, UNDO_REPLY, undo(d, id), E_UNKNOWN, "undo_reply.case_id");
    DONE(d, REPLY_TO_CUSTOMER, reply(d, id), UNDER_REVIEW);
    uint64_t held_seq = d->ctx.next_seq - 1;
    DONE(d, UNDO_REPLY, undo(d, id), UNDER_REVIEW);
    assert_int_equal(life_event(d)->reply_undone->reply_seq, held_seq);
    assert_null(clock_of(d, id, "reply_hold"));
    DONE(d, REPLY_TO_CUSTOMER, reply(d, id), UNDER_REVIEW);
    d->ctx.block_time += HOLD_US;
    REFUSED(d, UNDO_REPLY, undo(d, id), E_EXISTS, "undo_reply.case_id");
}

static void one_reply_is_held_and_the_case_does_not_end_before_it(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_FEEDBACK);
    Kesu__V1__CloseCase *c = NEW(d, close_case);
    c->case_id = id;
    c->cause = life_text("method");
    DONE(d, REPLY_TO_CUSTOMER, reply(d, id), FEEDBACK);
    life_as(d, "lead");
    REFUSED(d, REPLY_TO_CUSTOMER, reply(d, id), E_EXISTS, "reply_to_customer.case_id");
    assert_non_null(strstr(d->out.refused.reason, "ann"));
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_CLOSE_CASE, c), E_OPEN_WORK);
}

static void who_is_writing_is_named_until_their_time_is_over(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW);
    Kesu__V1__StartReply *c = NEW(d, start_reply);
    c->case_id = id;
    DONE(d, START_REPLY, c, UNDER_REVIEW);
    DONE(d, START_REPLY, c, UNDER_REVIEW); /* the same person goes on */
    life_as(d, "ben");
    REFUSED(d, START_REPLY, c, E_EXISTS, "start_reply.case_id");
    assert_non_null(strstr(d->out.refused.reason, "ann"));
    d->ctx.block_time += USEC_PER_MIN;
    DONE(d, START_REPLY, c, UNDER_REVIEW);
}

static void a_call_is_of_a_time_that_can_be_true(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW);
    Kesu__V1__RecordCall *c = NEW(d, record_call);
    c->case_id = id;
    c->direction = KESU__V1__CALL_DIRECTION__CALL_DIRECTION_OUT;
    c->outcome = KESU__V1__CALL_OUTCOME__CALL_OUTCOME_REACHED;
    REFUSED(d, RECORD_CALL, c, E_MISSING, "record_call.at");
    c->at = LIFE_NOW + USEC_PER_HOUR;
    REFUSED(d, RECORD_CALL, c, E_RANGE, "record_call.at");
    c->at = LIFE_NOW - 31 * USEC_PER_DAY;
    REFUSED(d, RECORD_CALL, c, E_RANGE, "record_call.at");
    c->at = LIFE_NOW - USEC_PER_HOUR;
    DONE(d, RECORD_CALL, c, UNDER_REVIEW);
    assert_non_null(clock_of(d, id, "progress")); /* the customer was told something */
}

static void a_word_to_the_customer_starts_progress_anew_and_the_end_stops_it(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW);
    Kesu__V1__RecordCall *call = NEW(d, record_call);
    call->case_id = id;
    call->direction = KESU__V1__CALL_DIRECTION__CALL_DIRECTION_OUT;
    call->outcome = KESU__V1__CALL_OUTCOME__CALL_OUTCOME_REACHED;
    call->at = LIFE_NOW;
    DONE(d, RECORD_CALL, call, UNDER_REVIEW);
    d->ctx.block_time += USEC_PER_MIN;
    DONE(d, RECORD_CALL, call, UNDER_REVIEW);
    assert_int_equal(clock_of(d, id, "progress")->started_at, LIFE_NOW + USEC_PER_MIN);
    Kesu__V1__ResolveCase *c = NEW(d, resolve_case);
    c->case_id = id;
    c->summary = life_text("done");
    DONE(d, RESOLVE_CASE, c, FEEDBACK);
    assert_false(clock_of(d, id, "progress")->running);
}

static void a_progress_report_starts_its_clock_anew_when_it_leaves(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    Kesu__V1__ReplyToCustomer *report = reply(d, id);
    report->progress = true;
    for (unsigned day = 1; day <= 2; day++) {
        life_as(d, "ann");
        d->ctx.block_time = LIFE_NOW + day * USEC_PER_DAY;
        DONE(d, REPLY_TO_CUSTOMER, report, INVESTIGATING);
        /* It runs from what the customer was told last, which is not yet this. */
        if (day == 1) assert_null(clock_of(d, id, "progress"));
        if (day == 2)
            assert_int_equal(clock_of(d, id, "progress")->started_at, LIFE_NOW + USEC_PER_DAY + HOLD_US);
        life_as(d, NULL);
        d->ctx.block_time += HOLD_US;
        DONE(d, FIRE_CLOCK, fire(d, id, "reply_hold"), INVESTIGATING);
        assert_true(life_event(d)->reply_sent->progress);
        assert_int_equal(clock_of(d, id, "progress")->started_at, d->ctx.block_time);
    }
}

static void a_call_back_is_done_when_the_customer_was_reached(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW);
    add_clock(d, "call_back", "executed", "called_back");
    Kesu__V1__ResolveCase *resolve = NEW(d, resolve_case);
    resolve->case_id = id;
    resolve->summary = life_text("done");
    DONE(d, RESOLVE_CASE, resolve, FEEDBACK);
    Kesu__V1__RecordCall *call = NEW(d, record_call);
    call->case_id = id;
    call->direction = KESU__V1__CALL_DIRECTION__CALL_DIRECTION_OUT;
    call->outcome = KESU__V1__CALL_OUTCOME__CALL_OUTCOME_NO_ANSWER;
    call->call_back = true;
    call->at = LIFE_NOW;
    DONE(d, RECORD_CALL, call, FEEDBACK);
    assert_true(clock_of(d, id, "call_back")->running);
    call->outcome = KESU__V1__CALL_OUTCOME__CALL_OUTCOME_REACHED;
    call->call_back = false; /* about something else */
    DONE(d, RECORD_CALL, call, FEEDBACK);
    assert_true(clock_of(d, id, "call_back")->running);
    call->call_back = true;
    DONE(d, RECORD_CALL, call, FEEDBACK);
    assert_false(clock_of(d, id, "call_back")->running);
}

/* ---- review and sub-tasks ------------------------------------------------------ */

static Kesu__V1__OpenTask *task(struct life_desk *d, uint64_t id, const char *department)
{
    Kesu__V1__OpenTask *c = NEW(d, open_task);
    c->case_id = id;
    c->department = life_text(department);
    c->words = life_words(d, "what happened?");
    return c;
}

static Kesu__V1__AnswerTask *answer(struct life_desk *d, uint64_t id, uint32_t number)
{
    Kesu__V1__AnswerTask *c = NEW(d, answer_task);
    c->case_id = id;
    c->task = number;
    c->words = life_words(d, "this");
    return c;
}

static Kesu__V1__ReviewCase *review(struct life_desk *d, uint64_t id, Kesu__V1__Finding finding)
{
    Kesu__V1__ReviewCase *c = NEW(d, review_case);
    c->case_id = id;
    c->finding = finding;
    c->reason = life_text("as the scans say");
    return c;
}

static void not_founded_is_explained_once_no_sub_task_is_open(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW);
    Kesu__V1__ReviewCase *c = review(d, id, KESU__V1__FINDING__FINDING_NOT_FOUNDED);
    REFUSED(d, REVIEW_CASE, c, E_MISSING, "review_case.words");
    c->words = life_words(d, "it was signed for");
    DONE(d, OPEN_TASK, task(d, id, "qa"), UNDER_REVIEW);
    REFUSED(d, REVIEW_CASE, c, E_OPEN_WORK, "review_case.finding");
    life_as(d, "side");
    DONE(d, ANSWER_TASK, answer(d, id, 1), UNDER_REVIEW);
    life_as(d, "ann");
    DONE(d, REVIEW_CASE, c, EXPLAINED);
    const Kesu__V1__CaseLife *life = life_state(d, id)->life;
    assert_int_equal(life->finding, KESU__V1__FINDING__FINDING_NOT_FOUNDED);
    assert_int_equal(life->n_took_part, 1);
    assert_string_equal(life->took_part[0], "ann");
    assert_true(clock_of(d, id, "appeal_window")->running);
}

static void a_sub_task_is_the_manager_s_and_has_its_own_clock(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    REFUSED(d, OPEN_TASK, task(d, id, "kitchen"), E_UNKNOWN, "open_task.department");
    Kesu__V1__OpenTask *c = task(d, id, "qa");
    c->owner = life_text("ben");
    REFUSED(d, OPEN_TASK, c, E_RANGE, "open_task.owner");
    c->owner = life_text("");
    c->lead = true;
    DONE(d, OPEN_TASK, c, INVESTIGATING);
    assert_string_equal(life_event(d)->task_opened->owner, "side");
    REFUSED(d, OPEN_TASK, c, E_EXISTS, "open_task.lead");
    DONE(d, OPEN_TASK, task(d, id, "service"), INVESTIGATING);
    assert_int_equal(clock_of(d, id, "department_task#1")->due_at, LIFE_NOW + USEC_PER_HOUR);
    assert_non_null(clock_of(d, id, "department_task#2"));
    life_as(d, "ben");
    REFUSED(d, ANSWER_TASK, answer(d, id, 1), E_NOT_ALLOWED, "actor.name");
    life_as(d, "dep"); /* stands above */
    DONE(d, ANSWER_TASK, answer(d, id, 1), INVESTIGATING);
    assert_null(clock_of(d, id, "department_task#1"));
    assert_non_null(clock_of(d, id, "department_task#2"));
    REFUSED(d, ANSWER_TASK, answer(d, id, 1), E_EXISTS, "answer_task.task");
    REFUSED(d, ANSWER_TASK, answer(d, id, 3), E_UNKNOWN, "answer_task.task");
}

static void files_of_an_answer_are_evidence_of_the_case(void **state)
{
    struct life_desk *d = *state;
    uint8_t blob[32] = {1};
    struct key key;
    struct span found;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    DONE(d, OPEN_TASK, task(d, id, "qa"), INVESTIGATING);
    Kesu__V1__AnswerTask *c = answer(d, id, 1);
    Kesu__V1__Attachment *file = NEW(d, attachment), *files[] = {file};
    file->blob = (ProtobufCBinaryData){sizeof(blob), blob};
    c->words->attachments = files;
    c->words->n_attachments = 1;
    Kesu__V1__CaseState *s = life_state(d, id);
    s->attachment_seq = 77;
    life_put(d, s);
    life_as(d, "side");
    DONE(d, ANSWER_TASK, c, INVESTIGATING);
    const Kesu__V1__TaskAnswered *b = life_event(d)->task_answered;
    assert_int_equal(b->n_attachment_hashes, 1);
    assert_int_equal(b->previous_attachment_seq, 77);
    assert_int_equal(life_state(d, id)->attachment_seq, d->ctx.next_seq - 1);
    intake_evidence_key(span_of(b->attachment_hashes[0].data, b->attachment_hashes[0].len), id, &key);
    assert_int_equal(intake_register_get(&d->view, TABLE_EVIDENCE, key_span(&key), &found), 0);
}

static void a_late_sub_task_is_told_to_who_leads_its_owner(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    DONE(d, OPEN_TASK, task(d, id, "qa"), INVESTIGATING);
    life_as(d, NULL);
    d->policy.n_delegations = 0; /* nobody stands in for lead */
    d->ctx.block_time += USEC_PER_HOUR;
    DONE(d, FIRE_CLOCK, fire(d, id, "department_task#1"), INVESTIGATING);
    assert_string_equal(life_event(d)->clock_fired->agent, "side");
    assert_string_equal(life_event(d)->clock_fired->department, "qa");
    assert_string_equal(life_event(d)->clock_fired->told, "lead"); /* of the department side is in */
}

static void a_sub_task_changes_hands_and_counts_how_often(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    DONE(d, OPEN_TASK, task(d, id, "qa"), INVESTIGATING);
    int64_t due_at = clock_of(d, id, "department_task#1")->due_at;
    Kesu__V1__TransferTask *c = NEW(d, transfer_task);
    c->case_id = id;
    c->task = 1;
    c->department = life_text("service");
    c->reason = life_text("not ours");
    life_as(d, "hand");
    REFUSED(d, TRANSFER_TASK, c, E_NOT_ALLOWED, "actor.name");
    life_as(d, "side");
    DONE(d, TRANSFER_TASK, c, INVESTIGATING);
    REFUSED(d, TRANSFER_TASK, c, E_NOT_ALLOWED, "actor.name"); /* not theirs any more */
    life_as(d, "lead");
    REFUSED(d, TRANSFER_TASK, c, E_EXISTS, "transfer_task.owner");
    const Kesu__V1__TaskState *t = life_state(d, id)->life->tasks[0];
    assert_string_equal(t->owner, "lead");
    assert_int_equal(t->transfers, 1);
    assert_int_equal(clock_of(d, id, "department_task#1")->due_at, due_at);
    c->department = life_text("qa");
    DONE(d, TRANSFER_TASK, c, INVESTIGATING);
    assert_int_equal(life_event(d)->task_transferred->transfers, 2);
    assert_int_equal(life_state(d, id)->life->tasks[0]->transfers, 2);
}

static void a_sub_task_is_waived_by_who_stands_above(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    DONE(d, OPEN_TASK, task(d, id, "service"), INVESTIGATING);
    Kesu__V1__WaiveTask *c = NEW(d, waive_task);
    c->case_id = id;
    c->task = 1;
    life_as(d, "side");
    REFUSED(d, WAIVE_TASK, c, E_NOT_ALLOWED, "actor.name");
    life_as(d, "dep");
    REFUSED(d, WAIVE_TASK, c, E_MISSING, "waive_task.reason");
    c->reason = life_text("we know enough");
    DONE(d, WAIVE_TASK, c, INVESTIGATING);
    assert_true(life_state(d, id)->life->tasks[0]->waived);
    assert_null(clock_of(d, id, "department_task#1"));
}

/* ---- recusal -------------------------------------------------------------------- */

static Kesu__V1__NameAccused *accuse(struct life_desk *d, uint64_t id, const char *staff)
{
    Kesu__V1__NameAccused *c = NEW(d, name_accused);
    c->case_id = id;
    c->staff = arena_zalloc(&d->arena, sizeof(*c->staff));
    c->staff[c->n_staff++] = life_text(staff);
    c->reason = life_text("named in the complaint");
    return c;
}

static uint32_t open_cases(struct life_desk *d, const char *agent)
{
    Kesu__V1__AgentState *a;
    assert_int_equal(intake_agent_get(&d->view, agent, &d->arena, &a), 0);
    return a->open_cases;
}

static void who_is_accused_loses_the_case_at_once(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW);
    life_as(d, "dep");
    REFUSED(d, NAME_ACCUSED, accuse(d, id, "nobody"), E_UNKNOWN, "name_accused.staff[0]");
    DONE(d, NAME_ACCUSED, accuse(d, id, "ann"), UNDER_REVIEW);
    assert_int_equal(d->out.n_events, 2);
    assert_int_equal(life_event(d)->body_case, KESU__V1__EVENT__BODY_CASE_ASSIGNED);
    assert_string_equal(life_state(d, id)->agent, "lead");
    assert_int_equal(open_cases(d, "ann"), 0);
    assert_int_equal(open_cases(d, "lead"), 1);
    life_as(d, "ann");
    REFUSED(d, REPLY_TO_CUSTOMER, reply(d, id), E_RECUSED, "actor.name");
}

static void who_reports_to_the_accused_loses_it_too_with_the_sub_tasks(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    DONE(d, OPEN_TASK, task(d, id, "service"), INVESTIGATING); /* lead's */
    life_as(d, "gm");
    DONE(d, NAME_ACCUSED, accuse(d, id, "lead"), INVESTIGATING);
    assert_int_equal(d->out.n_events, 3);
    assert_string_equal(life_state(d, id)->agent, "dep");
    assert_string_equal(life_state(d, id)->life->tasks[0]->owner, "dep");
    Kesu__V1__AssignCase *c = NEW(d, assign_case);
    c->case_id = id;
    c->agent = life_text("ben"); /* reports to lead */
    REFUSED(d, ASSIGN_CASE, c, E_RECUSED, "assign_case.agent");
}

static void the_accused_tell_their_own_side_only(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW);
    Kesu__V1__RecordStatement *c = NEW(d, record_statement);
    c->case_id = id;
    c->staff = life_text("lead");
    c->words = life_words(d, "it was not so");
    REFUSED(d, RECORD_STATEMENT, c, E_UNKNOWN, "record_statement.staff");
    life_as(d, "dep");
    DONE(d, NAME_ACCUSED, accuse(d, id, "lead"), UNDER_REVIEW);
    life_as(d, "lead");
    DONE(d, RECORD_STATEMENT, c, UNDER_REVIEW);
    life_as(d, "ben"); /* reports to them */
    REFUSED(d, RECORD_STATEMENT, c, E_RECUSED, "actor.name");
    life_as(d, "side");
    DONE(d, RECORD_STATEMENT, c, UNDER_REVIEW);
}

/* ---- claims ---------------------------------------------------------------------- */

static void the_first_to_claim_has_it(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    Kesu__V1__CaseState *s = life_state(d, id);
    Kesu__V1__ClaimCase *c = NEW(d, claim_case);
    Kesu__V1__AgentState *a;
    s->agent = life_text("");
    life_put(d, s);
    c->case_id = id;
    life_as(d, "ben");
    REFUSED(d, CLAIM_CASE, c, E_ABSENT, "actor.name");
    assert_int_equal(intake_agent_get(&d->view, "ben", &d->arena, &a), 0);
    a->present = true;
    intake_agent_put(&d->view, a);
    REFUSED(d, CLAIM_CASE, c, E_CAPACITY, "actor.name");
    a->capacity = 1;
    intake_agent_put(&d->view, a);
    DONE(d, CLAIM_CASE, c, TRIAGED);
    assert_string_equal(life_state(d, id)->agent, "ben");
    assert_int_equal(open_cases(d, "ben"), 1);
    life_as(d, "ann");
    REFUSED(d, CLAIM_CASE, c, E_EXISTS, "claim_case.case_id");
    assert_non_null(strstr(d->out.refused.reason, "ben"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_office, life_desk_close)

UNIT_MAIN(TEST(a_reply_leaves_when_its_hold_is_over), TEST(a_reply_is_undone_before_it_leaves),
          TEST(one_reply_is_held_and_the_case_does_not_end_before_it),
          TEST(who_is_writing_is_named_until_their_time_is_over), TEST(a_call_is_of_a_time_that_can_be_true),
          TEST(a_progress_report_starts_its_clock_anew_when_it_leaves),
          TEST(a_call_back_is_done_when_the_customer_was_reached),
          TEST(a_word_to_the_customer_starts_progress_anew_and_the_end_stops_it),
          TEST(not_founded_is_explained_once_no_sub_task_is_open),
          TEST(a_sub_task_is_the_manager_s_and_has_its_own_clock),
          TEST(files_of_an_answer_are_evidence_of_the_case),
          TEST(a_late_sub_task_is_told_to_who_leads_its_owner),
          TEST(a_sub_task_changes_hands_and_counts_how_often), TEST(a_sub_task_is_waived_by_who_stands_above),
          TEST(who_is_accused_loses_the_case_at_once),
          TEST(who_reports_to_the_accused_loses_it_too_with_the_sub_tasks),
          TEST(the_accused_tell_their_own_side_only), TEST(the_first_to_claim_has_it))
