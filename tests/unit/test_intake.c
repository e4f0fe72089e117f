/* SPDX-License-Identifier: Apache-2.0 */
/* intake as a whole: what it says yes to is on disk, and stays. */
#include <stdio.h>

#include "clock.h"
#include "err.h"
#include "files.h"
#include "intake_rig.h"
#include "unit.h"

static void an_accepted_command_survives_a_power_failure(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct rig r;
        uint64_t ids[10];
        rig_open(&r, seed, NULL);
        rig_policy(&r);
        for (unsigned i = 0; i < 10; i++) {
            ids[i] = rig_accepted(&r, RIG_NEW, rig_message(&r, "lost parcel", "a@example.org"))->case_id;
            if (i % 4 == 3) rig_restart(&r);
        }
        rig_restart(&r);
        for (unsigned i = 0; i < 10; i++) assert_int_equal(rig_case(&r, ids[i])->case_id, ids[i]);
        rig_close(&r);
    }
}

static void a_repeated_command_gets_the_first_answer(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 3, NULL);
    rig_policy(&r);
    Kesu__V1__Command *c = rig_message(&r, "broken", "a@example.org");
    const Kesu__V1__Accepted *first = rig_accepted(&r, RIG_NEW, c);
    assert_false(first->duplicate);
    for (unsigned i = 0; i < 2; i++) {
        const Kesu__V1__Accepted *again = rig_accepted(&r, RIG_NEW, c);
        assert_true(again->duplicate);
        assert_false(again->differed);
        assert_int_equal(again->seq, first->seq);
        assert_string_equal(again->number, first->number);
        rig_restart(&r);
    }
    c->receive_message->personal->text = (char *)(uintptr_t) "broken too";
    assert_true(rig_accepted(&r, RIG_NEW, c)->differed);
    /* The same id of another client is another command. */
    r.client = "other";
    assert_false(rig_accepted(&r, RIG_NEW, c)->duplicate);
    rig_close(&r);
}

static void ids_are_taken_within_their_window_only(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 4, NULL);
    rig_policy(&r);
    static const struct {
        int64_t by_ms;
        int err;
    } cases[] = {{-DEDUP_BACK_MS - 1000, E_ID_OLD},
                 {-DEDUP_BACK_MS + 60000, 0},
                 {DEDUP_AHEAD_MS - 10000, 0},
                 {DEDUP_AHEAD_MS + 10000, E_ID_AHEAD}};
    for (unsigned i = 0; i < 4; i++) {
        Kesu__V1__Command *c = rig_message(&r, "x", "a@example.org");
        uint64_t ms = (uint64_t)(clock_wall_us(r.client_env) / 1000 + cases[i].by_ms);
        for (unsigned b = 0; b < 6; b++) c->id.data[b] = (uint8_t)(ms >> (40 - 8 * b));
        if (cases[i].err == 0) {
            rig_accepted(&r, RIG_NEW, c);
            continue;
        }
        const Kesu__V1__Refused *refused = rig_refused(&r, RIG_NEW, c);
        assert_int_equal(refused->code, -cases[i].err);
        assert_string_equal(refused->field, "id");
    }
    rig_close(&r);
}

static void numbers_have_no_gap_across_crashes(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 5, NULL);
    rig_policy(&r);
    for (unsigned i = 1; i <= 12; i++) {
        char want[NUMBER_TEXT];
        Kesu__V1__Command *c = rig_message(&r, "x", "a@example.org");
        rig_send(&r, RIG_NEW, &c, 1);
        if (i % 3 == 0) { /* dies with it in hand, or just after: sent again it has the same number */
            sim_run(r.sim, (int64_t)sim_random(r.sim, 2000));
            rig_restart(&r);
        }
        const Kesu__V1__Accepted *a = rig_accepted(&r, RIG_NEW, c);
        due_number(2511, i, want);
        assert_string_equal(a->number, want);
    }
    rig_close(&r);
}

static void a_reply_waits_for_the_disk(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 6, NULL);
    rig_policy(&r);
    for (unsigned i = 0; i < 20; i++) {
        Kesu__V1__Command *c = rig_message(&r, "x", "a@example.org");
        rig_send(&r, RIG_NEW, &c, 1);
        while (r.reply == NULL) {
            assert_true(sim_step(r.sim, INT64_MAX));
            if (r.reply == NULL) continue;
            assert_true(r.reply->replies[0]->accepted->seq <= journal_head(rig_intake(&r)->journal).seq);
        }
    }
    rig_close(&r);
}

static void a_stale_version_is_told_the_current_one(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 7, NULL);
    rig_policy(&r);
    uint64_t id = rig_accepted(&r, RIG_NEW, rig_message(&r, "x", "a@example.org"))->case_id;
    Kesu__V1__Command *note = RIG_NEW_COMMAND(&r, OPERATOR, "rig", ADD_NOTE, add_note);
    note->add_note->case_id = id;
    note->add_note->text = (char *)(uintptr_t) "called back";
    assert_int_equal(rig_accepted(&r, RIG_PEOPLE, note)->version, 2);
    note = RIG_NEW_COMMAND(&r, OPERATOR, "rig", ADD_NOTE, add_note);
    note->add_note->case_id = id;
    note->add_note->text = (char *)(uintptr_t) "again";
    note->expected_case = KESU__V1__COMMAND__EXPECTED_EXPECTED_VERSION;
    note->expected_version = 1;
    const Kesu__V1__Refused *refused = rig_refused(&r, RIG_PEOPLE, note);
    assert_int_equal(refused->code, KESU__V1__ERROR_CODE__E_STALE);
    assert_int_equal(refused->disposition, KESU__V1__DISPOSITION__DISPOSITION_STALE);
    assert_int_equal(refused->version, 2);
    /* A refusal is not remembered: the same id with the right version is taken. */
    note->expected_version = 2;
    assert_false(rig_accepted(&r, RIG_PEOPLE, note)->duplicate);
    rig_close(&r);
}

static void below_the_reserve_work_is_finished_but_not_begun(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 8, NULL);
    rig_policy(&r);
    Kesu__V1__Command *c = rig_message(&r, "x", "a@example.org");
    uint64_t id = rig_accepted(&r, RIG_NEW, c)->case_id;
    sim_set_free_bytes(r.sim, 1 << 20);
    sim_run(r.sim, 3 * USEC_PER_SEC);
    const Kesu__V1__Refused *refused = rig_refused(&r, RIG_NEW, rig_message(&r, "y", "b@example.org"));
    assert_int_equal(refused->code, KESU__V1__ERROR_CODE__E_STORAGE_LOW);
    assert_int_equal(refused->disposition, KESU__V1__DISPOSITION__DISPOSITION_RETRY);
    Kesu__V1__Command *note = RIG_NEW_COMMAND(&r, OPERATOR, "rig", ADD_NOTE, add_note);
    note->add_note->case_id = id;
    note->add_note->text = (char *)(uintptr_t) "finished";
    rig_accepted(&r, RIG_PEOPLE, note);
    sim_set_free_bytes(r.sim, (uint64_t)1 << 40);
    sim_run(r.sim, 3 * USEC_PER_SEC);
    rig_accepted(&r, RIG_NEW, rig_message(&r, "y", "b@example.org"));
    rig_close(&r);
}

static void a_full_disk_loses_nothing_and_says_no_yes(void **state)
{
    (void)state;
    unsigned unanswered = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct rig r;
        uint64_t accepted[40] = {0}, n = 0;
        rig_open(&r, seed, NULL);
        rig_policy(&r);
        struct sim_faults full = {.disk_full = 300000};
        sim_set_faults(r.sim, &full);
        for (unsigned i = 0; i < 40; i++) {
            Kesu__V1__Command *c = rig_message(&r, "x", "a@example.org");
            rig_send(&r, RIG_NEW, &c, 1);
            if (!rig_run_until_reply(&r, 2 * USEC_PER_SEC)) {
                unanswered++;
                continue;
            }
            const Kesu__V1__Reply *reply = r.reply->replies[0];
            if (reply->result_case == KESU__V1__REPLY__RESULT_ACCEPTED)
                accepted[n++] = reply->accepted->case_id;
        }
        sim_set_faults(r.sim, NULL);
        rig_restart(&r);
        for (uint64_t i = 0; i < n; i++) assert_int_equal(rig_case(&r, accepted[i])->case_id, accepted[i]);
        rig_close(&r);
    }
    assert_true(unanswered > 0); /* the fault happened */
}

static void block_time_does_not_follow_a_jump(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 9, NULL);
    rig_policy(&r);
    sim_jump_wall(r.sim, 2 * USEC_PER_HOUR);
    sim_run(r.sim, USEC_PER_SEC);
    struct intake *in = rig_intake(&r);
    assert_true(in->wallclock.alarm);
    assert_true(in->wallclock.last_us < clock_wall_us(r.env) - USEC_PER_HOUR);
    Kesu__V1__Command *c = RIG_NEW_COMMAND(&r, OPERATOR, "rig", ACCEPT_CLOCK, accept_clock);
    uint64_t ms = (uint64_t)(clock_wall_us(r.client_env) / 1000 - 2 * 3600 * 1000);
    for (unsigned b = 0; b < 6; b++) c->id.data[b] = (uint8_t)(ms >> (40 - 8 * b));
    c->accept_clock->reason = (char *)(uintptr_t) "the machine slept";
    rig_accepted(&r, RIG_PEOPLE, c);
    sim_run(r.sim, USEC_PER_SEC);
    assert_false(in->wallclock.alarm);
    assert_true(in->wallclock.last_us > clock_wall_us(r.env) - USEC_PER_MIN);
    rig_close(&r);
}

static void more_than_the_credit_is_refused(void **state)
{
    (void)state;
    static const char *const args[] = {"--command-credit", "4", NULL};
    struct rig r;
    Kesu__V1__Command *batch[5];
    rig_open(&r, 10, args);
    rig_policy(&r);
    for (unsigned i = 0; i < 5; i++) batch[i] = rig_message(&r, "x", "a@example.org");
    rig_send(&r, RIG_NEW, batch, 5);
    assert_true(rig_run_until_reply(&r, USEC_PER_MIN));
    assert_int_equal(r.reply->n_replies, 5);
    assert_int_equal(r.reply->credit, 4);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(r.reply->replies[i]->result_case, KESU__V1__REPLY__RESULT_REFUSED);
        assert_int_equal(r.reply->replies[i]->refused->code, KESU__V1__ERROR_CODE__E_OVERLOADED);
    }
    rig_send(&r, RIG_NEW, batch, 4);
    assert_true(rig_run_until_reply(&r, USEC_PER_MIN));
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(r.reply->replies[i]->result_case, KESU__V1__REPLY__RESULT_ACCEPTED);
    rig_close(&r);
}

static void one_bad_command_does_not_spoil_the_batch(void **state)
{
    (void)state;
    struct rig r;
    Kesu__V1__Command *batch[3];
    rig_open(&r, 11, NULL);
    rig_policy(&r);
    for (unsigned i = 0; i < 3; i++) batch[i] = rig_message(&r, "x", "a@example.org");
    batch[1]->receive_message->personal->text = (char *)(uintptr_t) "\xff";
    rig_send(&r, RIG_NEW, batch, 3);
    assert_true(rig_run_until_reply(&r, USEC_PER_MIN));
    assert_int_equal(r.reply->replies[0]->result_case, KESU__V1__REPLY__RESULT_ACCEPTED);
    assert_int_equal(r.reply->replies[1]->refused->code, KESU__V1__ERROR_CODE__E_UTF8);
    assert_string_equal(r.reply->replies[1]->refused->field, "receive_message.personal.text");
    assert_int_equal(r.reply->replies[2]->result_case, KESU__V1__REPLY__RESULT_ACCEPTED);
    rig_raw(&r, RIG_NEW, SPAN_LIT("\x0a\xff\xff garbage"));
    assert_true(rig_run_until_reply(&r, USEC_PER_MIN));
    assert_int_equal(r.reply->replies[0]->refused->code, KESU__V1__ERROR_CODE__E_MALFORMED);
    rig_close(&r);
}

static void a_command_that_stopped_it_twice_is_refused(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 16, NULL);
    rig_policy(&r);
    Kesu__V1__Command *bad = rig_message(&r, "x", "a@example.org"),
                      *good = rig_message(&r, "y", "a@example.org");
    for (unsigned deaths = 1; deaths <= 2; deaths++) {
        intake_poison_note(rig_intake(&r)->poison, (const uint8_t(*)[16])(const void *)bad->id.data, 1);
        rig_stop_and_start(&r); /* with it in hand */
    }
    rig_accepted(&r, RIG_NEW, good);
    const Kesu__V1__Refused *refused = rig_refused(&r, RIG_NEW, bad);
    assert_int_equal(refused->code, KESU__V1__ERROR_CODE__E_INTERNAL);
    assert_int_equal(refused->disposition, KESU__V1__DISPOSITION__DISPOSITION_FINAL);
    /* One death is not enough. */
    intake_poison_note(rig_intake(&r)->poison, (const uint8_t(*)[16])(const void *)good->id.data, 1);
    rig_stop_and_start(&r);
    assert_true(rig_accepted(&r, RIG_NEW, good)->duplicate);
    bad = rig_message(&r, "z", "a@example.org");
    intake_poison_note(rig_intake(&r)->poison, (const uint8_t(*)[16])(const void *)bad->id.data, 1);
    rig_stop_and_start(&r);
    rig_accepted(&r, RIG_NEW, bad);
    assert_false(intake_poison_is_suspect(rig_intake(&r)->poison, bad->id.data));
    rig_close(&r);
}

static void without_a_policy_new_cases_wait(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 12, NULL);
    const Kesu__V1__Refused *refused = rig_refused(&r, RIG_NEW, rig_message(&r, "x", "a@example.org"));
    assert_int_equal(refused->code, KESU__V1__ERROR_CODE__E_NO_POLICY);
    assert_int_equal(refused->disposition, KESU__V1__DISPOSITION__DISPOSITION_RETRY);
    rig_close(&r);
}

static void the_policy_in_force_survives_a_restart(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 13, NULL);
    rig_policy(&r);
    sim_run(r.sim, 10 * USEC_PER_SEC); /* the register is stored: nothing is replayed */
    rig_restart(&r);
    rig_accepted(&r, RIG_NEW, rig_message(&r, "x", "a@example.org"));
    rig_close(&r);
}

static Kesu__V1__AgentState *agent_of(struct rig *r, const char *name)
{
    Kesu__V1__ControlRequest ask = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__ListAgents list = KESU__V1__LIST_AGENTS__INIT;
    ask.body_case = KESU__V1__CONTROL_REQUEST__BODY_LIST_AGENTS;
    ask.list_agents = &list;
    const Kesu__V1__ControlReply *a = rig_ask(r, &ask);
    assert_int_equal(a->body_case, KESU__V1__CONTROL_REPLY__BODY_AGENT_LIST);
    for (size_t i = 0; i < a->agent_list->n_agents; i++)
        if (strcmp(a->agent_list->agents[i]->agent, name) == 0) return a->agent_list->agents[i];
    fail();
    return NULL;
}

static Kesu__V1__Command *classify(struct rig *r, uint64_t case_id)
{
    Kesu__V1__Judgement *j = arena_alloc(&r->arena, sizeof(*j));
    kesu__v1__judgement__init(j);
    j->category = (char *)(uintptr_t) "damage.wet";
    j->department = (char *)(uintptr_t) "transport";
    j->severity = KESU__V1__SEVERITY__SEVERITY_S1;
    Kesu__V1__Command *c = RIG_NEW_COMMAND(r, SERVICE, "routing", CLASSIFY_CASE, classify_case);
    c->classify_case->case_id = case_id;
    c->classify_case->judgement = j;
    return c;
}

static void the_whole_life_of_a_case(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 14, NULL);
    rig_policy(&r);
    uint64_t id = rig_accepted(&r, RIG_NEW, rig_message(&r, "soaked", "a@example.org"))->case_id;
    Kesu__V1__Command *c = classify(&r, id);
    rig_accepted(&r, RIG_SERVICES, c);
    c = RIG_NEW_COMMAND(&r, SERVICE, "routing", ASSIGN_CASE, assign_case);
    c->assign_case->case_id = id;
    c->assign_case->agent = (char *)(uintptr_t) "anna";
    rig_accepted(&r, RIG_SERVICES, c);
    assert_int_equal(agent_of(&r, "anna")->open_cases, 1);
    rig_restart(&r);
    c = RIG_NEW_COMMAND(&r, STAFF, "anna", START_WORK, start_work);
    c->start_work->case_id = id;
    rig_accepted(&r, RIG_PEOPLE, c);
    c = RIG_NEW_COMMAND(&r, STAFF, "anna", RESOLVE_CASE, resolve_case);
    c->resolve_case->case_id = id;
    c->resolve_case->summary = (char *)(uintptr_t) "sent a new one";
    rig_accepted(&r, RIG_PEOPLE, c);
    c = RIG_NEW_COMMAND(&r, STAFF, "anna", CLOSE_CASE, close_case);
    c->close_case->case_id = id;
    c->close_case->cause = (char *)(uintptr_t) "method";
    assert_int_equal(rig_accepted(&r, RIG_PEOPLE, c)->version, 6);
    assert_int_equal(agent_of(&r, "anna")->open_cases, 0);
    Kesu__V1__CaseState *s = rig_case(&r, id);
    assert_int_equal(s->stage, KESU__V1__STAGE__STAGE_CLOSED);
    for (size_t i = 0; i < s->n_clocks; i++) assert_false(s->clocks[i]->running);

    Kesu__V1__ControlRequest ask = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__GetCase get = KESU__V1__GET_CASE__INIT;
    ask.body_case = KESU__V1__CONTROL_REQUEST__BODY_GET_CASE;
    ask.get_case = &get;
    get.which_case = KESU__V1__GET_CASE__WHICH_NUMBER;
    get.number = s->number;
    get.personal = true;
    const Kesu__V1__ControlReply *a = rig_ask(&r, &ask);
    assert_int_equal(a->body_case, KESU__V1__CONTROL_REPLY__BODY_CASE_DETAIL);
    assert_int_equal(a->case_detail->n_events, 6);
    assert_int_equal(a->case_detail->events[0]->seq, id);
    assert_int_equal(a->case_detail->n_opened, 6);
    assert_true(a->case_detail->opened[0].len > 0);
    assert_null(
        memmem(a->case_detail->events[0]->event.data, a->case_detail->events[0]->event.len, "soaked", 6));
    assert_non_null(memmem(a->case_detail->opened[0].data, a->case_detail->opened[0].len, "soaked", 6));
    rig_close(&r);
}

/* A case whose classification is decided, and not on disk yet. */
static uint64_t open_and_classify(struct rig *r, const struct sim_faults *faults)
{
    uint64_t id = rig_accepted(r, RIG_NEW, rig_message(r, "wet", "a@example.org"))->case_id;
    Kesu__V1__Command *c = classify(r, id);
    sim_set_faults(r->sim, faults);
    rig_send(r, RIG_SERVICES, &c, 1);
    while (rig_case(r, id)->version == 1) assert_true(sim_step(r->sim, INT64_MAX));
    assert_null(r->reply);
    return id;
}

static const Kesu__V1__CaseDetail *ask_for(struct rig *r, uint64_t case_id)
{
    Kesu__V1__ControlRequest ask = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__GetCase get = KESU__V1__GET_CASE__INIT;
    ask.body_case = KESU__V1__CONTROL_REQUEST__BODY_GET_CASE;
    ask.get_case = &get;
    get.which_case = KESU__V1__GET_CASE__WHICH_CASE_ID;
    get.case_id = case_id;
    const Kesu__V1__ControlReply *a = rig_ask(r, &ask);
    assert_int_equal(a->body_case, KESU__V1__CONTROL_REPLY__BODY_CASE_DETAIL);
    return a->case_detail;
}

/* Asked between the decision and the sync: the story has the last event, or there is no answer yet. */
static void a_case_is_told_when_its_last_event_is_on_disk(void **state)
{
    (void)state;
    struct sim_faults slow = {.slow_disk = 1000000};
    struct rig r;
    rig_open(&r, 16, NULL);
    rig_policy(&r);
    const Kesu__V1__CaseDetail *told = ask_for(&r, open_and_classify(&r, &slow));
    assert_int_equal(told->state->version, 2);
    assert_int_equal(told->n_events, 2);
    assert_int_equal(told->events[1]->seq, told->state->last_seq);
    sim_set_faults(r.sim, NULL);
    rig_close(&r);
}

/* What was decided could not be written: the case is told as it was. */
static void who_waited_for_a_full_disk_is_told_what_there_is(void **state)
{
    (void)state;
    struct sim_faults full = {.slow_disk = 1000000, .disk_full = 1000000};
    struct rig r;
    rig_open(&r, 17, NULL);
    rig_policy(&r);
    const Kesu__V1__CaseDetail *told = ask_for(&r, open_and_classify(&r, &full));
    assert_int_equal(told->state->version, 1);
    assert_int_equal(told->n_events, 1);
    sim_set_faults(r.sim, NULL);
    rig_close(&r);
}

static void the_journal_verifies_and_lists_page(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 15, NULL);
    rig_policy(&r);
    for (unsigned i = 0; i < 30; i++) {
        rig_accepted(&r, RIG_NEW, rig_message(&r, "x", "a@example.org"));
        if (i == 20) sim_run(r.sim, 10 * USEC_PER_SEC);
    }
    Kesu__V1__ControlRequest ask = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__VerifyJournal verify = KESU__V1__VERIFY_JOURNAL__INIT;
    Kesu__V1__ListCases list = KESU__V1__LIST_CASES__INIT;
    ask.body_case = KESU__V1__CONTROL_REQUEST__BODY_VERIFY_JOURNAL;
    ask.verify_journal = &verify;
    const Kesu__V1__ControlReply *a = rig_ask(&r, &ask);
    assert_true(a->journal_verified->intact);
    assert_int_equal(a->journal_verified->events, journal_head(rig_intake(&r)->journal).seq);
    uint8_t wrong[32] = {1};
    verify.anchor_seq = a->journal_verified->head_seq;
    verify.anchor_hash = (ProtobufCBinaryData){32, wrong};
    assert_false(rig_ask(&r, &ask)->journal_verified->intact);
    unsigned n = 0;
    ask.body_case = KESU__V1__CONTROL_REQUEST__BODY_LIST_CASES;
    ask.list_cases = &list;
    list.limit = 7;
    uint64_t last = UINT64_MAX;
    do {
        a = rig_ask(&r, &ask);
        for (size_t i = 0; i < a->case_list->n_cases; i++, n++) {
            assert_true(a->case_list->cases[i]->case_id < last);
            last = a->case_list->cases[i]->case_id;
        }
        list.before_case = a->case_list->next_before;
    } while (list.before_case != 0);
    assert_int_equal(n, 30);
    rig_close(&r);
}

static int count_names(void *self, const char *name)
{
    unsigned *n = self;
    *n += strstr(name, ".anchor") != NULL;
    return 0;
}

static void the_signed_head_is_exported_every_hour(void **state)
{
    (void)state;
    struct rig r;
    unsigned n = 0;
    rig_open(&r, 17, NULL);
    rig_policy(&r);
    for (unsigned i = 0; i < 3; i++) {
        rig_accepted(&r, RIG_NEW, rig_message(&r, "x", "a@example.org"));
        sim_run(r.sim, USEC_PER_HOUR);
    }
    assert_int_equal(files_list(r.env, "data/intake/heads", count_names, &n), 0);
    assert_in_range(n, 3, 4);
    char path[64];
    struct span text;
    struct anchor a;
    struct journal_head head = journal_head(rig_intake(&r)->journal);
    snprintf(path, sizeof(path), "data/intake/heads/%020llu.anchor", (unsigned long long)head.seq);
    assert_int_equal(files_read_all(r.env, path, ANCHOR_TEXT, &text), 0);
    char *copy = arena_printf(&r.arena, "%.*s", (int)text.n, (const char *)text.p);
    mem_free(&r.env->mem, (void *)(uintptr_t)text.p);
    assert_int_equal(anchor_read(copy, &a), 0);
    assert_true(a.is_signed);
    assert_memory_equal(a.hash, head.hash, sizeof(a.hash));
    /* The journal that grew since still has it. */
    rig_accepted(&r, RIG_NEW, rig_message(&r, "x", "a@example.org"));
    Kesu__V1__ControlRequest ask = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__VerifyJournal verify = KESU__V1__VERIFY_JOURNAL__INIT;
    ask.body_case = KESU__V1__CONTROL_REQUEST__BODY_VERIFY_JOURNAL;
    ask.verify_journal = &verify;
    verify.anchor_seq = a.seq;
    verify.anchor_hash = (ProtobufCBinaryData){sizeof(a.hash), a.hash};
    assert_true(rig_ask(&r, &ask)->journal_verified->intact);
    rig_close(&r);
}

UNIT_MAIN(cmocka_unit_test(an_accepted_command_survives_a_power_failure),
          cmocka_unit_test(a_repeated_command_gets_the_first_answer),
          cmocka_unit_test(ids_are_taken_within_their_window_only),
          cmocka_unit_test(numbers_have_no_gap_across_crashes), cmocka_unit_test(a_reply_waits_for_the_disk),
          cmocka_unit_test(a_stale_version_is_told_the_current_one),
          cmocka_unit_test(below_the_reserve_work_is_finished_but_not_begun),
          cmocka_unit_test(a_full_disk_loses_nothing_and_says_no_yes),
          cmocka_unit_test(block_time_does_not_follow_a_jump),
          cmocka_unit_test(more_than_the_credit_is_refused),
          cmocka_unit_test(one_bad_command_does_not_spoil_the_batch),
          cmocka_unit_test(a_command_that_stopped_it_twice_is_refused),
          cmocka_unit_test(without_a_policy_new_cases_wait),
          cmocka_unit_test(the_policy_in_force_survives_a_restart),
          cmocka_unit_test(the_whole_life_of_a_case),
          cmocka_unit_test(a_case_is_told_when_its_last_event_is_on_disk),
          cmocka_unit_test(who_waited_for_a_full_disk_is_told_what_there_is),
          cmocka_unit_test(the_journal_verifies_and_lists_page),
          cmocka_unit_test(the_signed_head_is_exported_every_hour))
