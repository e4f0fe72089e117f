/* SPDX-License-Identifier: Apache-2.0 */
/* The service on a journal: from opened to assigned, against an intake that
 * keeps versions and capacities, with one worker. */
#include <stdio.h>
#include <stdlib.h>

#include "../../services/routing/routing.h"
#include "clock.h"
#include "err.h"
#include "fake_intake.h"
#include "life.h"
#include "policy_fixture.h"
#include "sched.h"
#include "seal.h"
#include "unit.h"

#define WALL      (INT64_C(1764000000) * USEC_PER_SEC)
#define MAX_SEQ   4000
#define KEY_ID    9
#define CAPACITY  5
#define MAX_CASES 400

struct row {
    uint64_t version;
    unsigned classified, assigned, fallbacks;
    unsigned shared, asked; /* of the newest answer; how often it was asked for */
    char reason[200];
    char agent[16];
    unsigned people, before; /* what its task says */
};

struct office {
    struct sim *sim;
    struct fake_intake intake;
    struct sim_instance *routing, *worker;
    struct svc *svc;
    struct routing *r;
    struct policy_fixture policy;
    struct row rows[MAX_SEQ]; /* by case id */
    uint64_t cases[MAX_CASES];
    unsigned n_cases, load, max_load, n_stale, n_full, n_refused;
    bool refuses;   /* any classification, for good */
    bool over;      /* ... while the case has ended */
    bool full_once; /* the next proposal is refused for its agent's capacity */
    unsigned touch; /* events that come between the fold and its next commands */
    bool read;      /* they are readings, else deliveries */
    struct env *worker_env;
    struct bus_client *client;
    struct timer *beat;
    struct arena arena;
    uint64_t epoch;
    unsigned n_tasks;
    bool fails;
    char *why; /* not said: NULL */
    char text[64];
    uint64_t customer; /* of the next case; with one it is about a lot */
};

/* ---- the journal ------------------------------------------------------------- */

static void tell_policy(struct office *o, const char *name)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__PolicyPartStored part = KESU__V1__POLICY_PART_STORED__INIT;
    Kesu__V1__PolicyActivated activated = KESU__V1__POLICY_ACTIVATED__INIT;
    uint8_t hash[HASH_BYTES];
    policy_fixture_init(&o->policy);
    policy_fixture_change(&o->policy, "org.yaml", "name: Office", name);
    assert_int_equal(policy_fixture_compile(&o->policy), 0);
    struct buf *bytes = codec_pack_buf(o->policy.bundle);
    hash_bytes(buf_span(bytes), hash);
    part.hash = activated.hash = (ProtobufCBinaryData){sizeof hash, hash};
    part.count = activated.parts = 1;
    part.content = (ProtobufCBinaryData){bytes->n, bytes->p};
    e.body_case = KESU__V1__EVENT__BODY_POLICY_PART_STORED;
    e.policy_part_stored = &part;
    activated.first_part_seq = fake_intake_event(&o->intake, 0, &e);
    e.body_case = KESU__V1__EVENT__BODY_POLICY_ACTIVATED;
    e.policy_activated = &activated;
    fake_intake_event(&o->intake, 0, &e);
    buf_unref(bytes);
    policy_fixture_deinit(&o->policy);
}

static void tell_presence(struct office *o, uint32_t capacity)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__PresenceSet p = KESU__V1__PRESENCE_SET__INIT;
    p.agent = "anna";
    p.present = true;
    p.capacity = capacity;
    e.body_case = KESU__V1__EVENT__BODY_PRESENCE_SET;
    e.presence_set = &p;
    fake_intake_event(&o->intake, 0, &e);
    fake_intake_block(&o->intake);
}

static uint64_t tell_opened(struct office *o)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__CaseOpened body = KESU__V1__CASE_OPENED__INIT;
    Kesu__V1__CaseText text = KESU__V1__CASE_TEXT__INIT;
    Kesu__V1__Personal personal = KESU__V1__PERSONAL__INIT;
    Kesu__V1__Sealed sealed = KESU__V1__SEALED__INIT;
    struct seal_key key = {.id = KEY_ID, .secret = {KEY_ID}};
    struct arena arena;
    uint64_t case_id = o->intake.seq + 1;
    arena_init(&arena, &mem_libc, 1 << 16);
    personal.text = "The parcel was soaked";
    text.personal = &personal;
    assert_int_equal(seal_message(sim_env(o->intake.instance), &key, &text, &arena, &sealed), 0);
    body.personal = &sealed;
    body.channel = KESU__V1__CHANNEL__CHANNEL_WEB;
    body.received_at = o->intake.time_us;
    Kesu__V1__Object object = KESU__V1__OBJECT__INIT;
    object.lot = "L1";
    body.customer_id = o->customer;
    if (o->customer != 0) body.object = &object;
    e.version = o->rows[case_id].version = 1;
    e.body_case = KESU__V1__EVENT__BODY_CASE_OPENED;
    e.case_opened = &body;
    fake_intake_event(&o->intake, case_id, &e);
    fake_intake_block(&o->intake);
    arena_deinit(&arena);
    assert_true(o->n_cases < MAX_CASES && o->intake.seq < MAX_SEQ - 10);
    o->cases[o->n_cases++] = case_id;
    return case_id;
}

static void tell_touched(struct office *o, uint64_t case_id)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__DeliveryRecorded body = KESU__V1__DELIVERY_RECORDED__INIT;
    Kesu__V1__CaseRead read = KESU__V1__CASE_READ__INIT;
    e.version = ++o->rows[case_id].version;
    e.body_case = KESU__V1__EVENT__BODY_DELIVERY_RECORDED;
    e.delivery_recorded = &body;
    if (o->read) {
        e.body_case = KESU__V1__EVENT__BODY_CASE_READ;
        e.case_read = &read;
    }
    fake_intake_event(&o->intake, case_id, &e);
    fake_intake_block(&o->intake);
}

static uint64_t tell_opened_by(struct office *o, uint64_t customer)
{
    o->customer = customer;
    return tell_opened(o);
}

static void tell_tied(struct office *o, uint64_t customer, uint64_t other, bool one)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__CustomersMerged merged = KESU__V1__CUSTOMERS_MERGED__INIT;
    Kesu__V1__CustomersUnmerged unmerged = KESU__V1__CUSTOMERS_UNMERGED__INIT;
    merged.customer_id = unmerged.customer_id = customer;
    merged.other_id = unmerged.other_id = other;
    e.body_case = one ? KESU__V1__EVENT__BODY_CUSTOMERS_MERGED : KESU__V1__EVENT__BODY_CUSTOMERS_UNMERGED;
    if (one)
        e.customers_merged = &merged;
    else
        e.customers_unmerged = &unmerged;
    fake_intake_event(&o->intake, 0, &e);
    fake_intake_block(&o->intake);
}

static void tell_erased(struct office *o, uint64_t customer, uint64_t other)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__CustomerErased body = KESU__V1__CUSTOMER_ERASED__INIT;
    body.customer_id = customer;
    body.merged_ids = &other;
    body.n_merged_ids = 1;
    e.body_case = KESU__V1__EVENT__BODY_CUSTOMER_ERASED;
    e.customer_erased = &body;
    fake_intake_event(&o->intake, 0, &e);
    fake_intake_block(&o->intake);
}

static void tell_closed(struct office *o, uint64_t case_id)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__CaseClosed body = KESU__V1__CASE_CLOSED__INIT;
    body.agent = o->rows[case_id].agent;
    e.version = ++o->rows[case_id].version;
    e.body_case = KESU__V1__EVENT__BODY_CASE_CLOSED;
    e.case_closed = &body;
    o->load--;
    fake_intake_event(&o->intake, case_id, &e);
    fake_intake_block(&o->intake);
}

static void tell_reopened(struct office *o, uint64_t case_id, bool by_appeal)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__CaseReopened reopened = KESU__V1__CASE_REOPENED__INIT;
    Kesu__V1__AppealAdmitted admitted = KESU__V1__APPEAL_ADMITTED__INIT;
    reopened.agent = admitted.agent = o->rows[case_id].agent;
    admitted.admitted = true;
    e.version = ++o->rows[case_id].version;
    e.body_case = by_appeal ? KESU__V1__EVENT__BODY_APPEAL_ADMITTED : KESU__V1__EVENT__BODY_CASE_REOPENED;
    if (by_appeal)
        e.appeal_admitted = &admitted;
    else
        e.case_reopened = &reopened;
    o->load++;
    fake_intake_event(&o->intake, case_id, &e);
    fake_intake_block(&o->intake);
}

/* ---- the intake's decisions ---------------------------------------------------- */

static bool refuse(Kesu__V1__Reply *reply, Kesu__V1__ErrorCode code, Kesu__V1__Disposition disposition,
                   uint64_t version)
{
    static Kesu__V1__Refused refused;
    refused = (Kesu__V1__Refused)KESU__V1__REFUSED__INIT;
    refused.code = code;
    refused.disposition = disposition;
    refused.version = version;
    reply->result_case = KESU__V1__REPLY__RESULT_REFUSED;
    reply->refused = &refused;
    return true;
}

static void classified(struct office *o, const Kesu__V1__ClassifyCase *c)
{
    struct row *row = &o->rows[c->case_id];
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__CaseClassified body = KESU__V1__CASE_CLASSIFIED__INIT;
    body.judgement = c->judgement;
    body.fallback = c->fallback;
    row->classified++;
    row->fallbacks += c->fallback != 0;
    snprintf(row->reason, sizeof row->reason, "%s", c->reason);
    e.version = ++row->version;
    e.body_case = KESU__V1__EVENT__BODY_CASE_CLASSIFIED;
    e.case_classified = &body;
    fake_intake_event(&o->intake, c->case_id, &e);
    fake_intake_block(&o->intake);
}

static void assigned(struct office *o, const Kesu__V1__AssignCase *c)
{
    struct row *row = &o->rows[c->case_id];
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__CaseAssigned body = KESU__V1__CASE_ASSIGNED__INIT;
    body.agent = c->agent;
    row->assigned++;
    snprintf(row->agent, sizeof row->agent, "%s", c->agent);
    if (++o->load > o->max_load) o->max_load = o->load;
    e.version = ++row->version;
    e.body_case = KESU__V1__EVENT__BODY_CASE_ASSIGNED;
    e.case_assigned = &body;
    fake_intake_event(&o->intake, c->case_id, &e);
    fake_intake_block(&o->intake);
}

/* What intake makes of it: once, and then never again. */
static bool share(struct office *o, const Kesu__V1__ShareAnswer *c, Kesu__V1__Reply *reply)
{
    struct row *row = &o->rows[c->case_id];
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__AnswerShared body = KESU__V1__ANSWER_SHARED__INIT;
    row->asked++;
    if (row->shared > 0)
        return refuse(reply, KESU__V1__ERROR_CODE__E_EXISTS, KESU__V1__DISPOSITION__DISPOSITION_FINAL, 0);
    row->shared++;
    body.answer_seq = c->answer_seq;
    e.version = ++row->version;
    e.body_case = KESU__V1__EVENT__BODY_ANSWER_SHARED;
    e.answer_shared = &body;
    fake_intake_event(&o->intake, c->case_id, &e);
    fake_intake_block(&o->intake);
    return true;
}

static bool on_command(void *self, const Kesu__V1__Command *command, bool again, Kesu__V1__Reply *reply)
{
    struct office *o = self;
    if (command->body_case == KESU__V1__COMMAND__BODY_SHARE_ANSWER)
        return again || share(o, command->share_answer, reply);
    bool classify = command->body_case == KESU__V1__COMMAND__BODY_CLASSIFY_CASE;
    uint64_t case_id = classify ? command->classify_case->case_id : command->assign_case->case_id;
    struct row *row = &o->rows[case_id];
    if (again && (classify ? row->classified : row->assigned) > 0) return true; /* a duplicate */
    if (o->touch > 0) {
        o->touch--;
        tell_touched(o, case_id);
    }
    if (classify && o->over)
        return refuse(reply, KESU__V1__ERROR_CODE__E_STAGE, KESU__V1__DISPOSITION__DISPOSITION_FINAL, 0);
    if (classify && o->refuses) {
        o->n_refused++;
        return refuse(reply, KESU__V1__ERROR_CODE__E_UNKNOWN, KESU__V1__DISPOSITION__DISPOSITION_FINAL, 0);
    }
    assert_int_equal(command->expected_case, KESU__V1__COMMAND__EXPECTED_EXPECTED_VERSION);
    if (command->expected_version != row->version) {
        o->n_stale++;
        return refuse(reply, KESU__V1__ERROR_CODE__E_STALE, KESU__V1__DISPOSITION__DISPOSITION_STALE,
                      row->version);
    }
    if (!classify && (o->full_once || o->load >= CAPACITY)) {
        o->full_once = false;
        o->n_full++;
        return refuse(reply, KESU__V1__ERROR_CODE__E_CAPACITY, KESU__V1__DISPOSITION__DISPOSITION_RETRY, 0);
    }
    if (classify)
        classified(o, command->classify_case);
    else
        assigned(o, command->assign_case);
    return true;
}

/* ---- a worker -------------------------------------------------------------------- */

static void say(struct office *o, Kesu__V1__ToRouting *m)
{
    m->epoch = o->epoch;
    arena_reset(&o->arena);
    bus_send(o->worker_env, o->client, codec_pack(m, &o->arena), NULL);
}

static void on_task(struct office *o, const Kesu__V1__Task *task)
{
    Kesu__V1__Judgement judgement = KESU__V1__JUDGEMENT__INIT;
    Kesu__V1__TaskFailed failed = KESU__V1__TASK_FAILED__INIT;
    Kesu__V1__TaskResult result = KESU__V1__TASK_RESULT__INIT;
    Kesu__V1__ToRouting m = KESU__V1__TO_ROUTING__INIT;
    o->n_tasks++;
    o->rows[task->task_id].people = task->same_object_customers;
    o->rows[task->task_id].before = task->customer_cases;
    snprintf(o->text, sizeof o->text, "%s", task->text);
    result.task_id = task->task_id;
    result.attempt = task->attempt;
    result.outcome_case =
        o->fails ? KESU__V1__TASK_RESULT__OUTCOME_FAILED : KESU__V1__TASK_RESULT__OUTCOME_JUDGEMENT;
    judgement.category = "damage.wet";
    judgement.department = "transport";
    judgement.severity = KESU__V1__SEVERITY__SEVERITY_S2;
    judgement.language = KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT;
    failed.reason = o->why != NULL ? o->why : "";
    if (o->fails)
        result.failed = &failed;
    else
        result.judgement = &judgement;
    m.results = (Kesu__V1__TaskResult *[]){&result};
    m.n_results = 1;
    say(o, &m);
}

static void say_hello(struct office *o, ProtobufCBinaryData rules)
{
    Kesu__V1__WorkerHello hello = KESU__V1__WORKER_HELLO__INIT;
    Kesu__V1__ToRouting m = KESU__V1__TO_ROUTING__INIT;
    hello.name = "one";
    hello.credit = 8;
    hello.policy_hash = rules;
    m.body_case = KESU__V1__TO_ROUTING__BODY_HELLO;
    m.hello = &hello;
    say(o, &m);
}

static void on_worker_message(void *self, const struct bus_msg *msg)
{
    struct office *o = self;
    Kesu__V1__ToWorker *m;
    struct codec_error error;
    struct arena arena;
    arena_init(&arena, &mem_libc, 1 << 20);
    assert_int_equal(codec_unpack(&kesu__v1__to_worker__descriptor, msg->head, &arena, &m, &error), 0);
    for (size_t i = 0; m->epoch == o->epoch && i < m->n_tasks; i++) on_task(o, m->tasks[i]);
    if (m->epoch == o->epoch && m->body_case == KESU__V1__TO_WORKER__BODY_HELLO_WANTED)
        say_hello(o, (ProtobufCBinaryData){0, NULL});
    if (m->epoch == o->epoch && m->body_case == KESU__V1__TO_WORKER__BODY_RULES)
        say_hello(o, m->rules->policy_hash);
    arena_deinit(&arena);
}

static void on_beat(void *self)
{
    struct office *o = self;
    Kesu__V1__WorkerHeartbeat beat = KESU__V1__WORKER_HEARTBEAT__INIT;
    Kesu__V1__ToRouting m = KESU__V1__TO_ROUTING__INIT;
    m.body_case = KESU__V1__TO_ROUTING__BODY_HEARTBEAT;
    m.heartbeat = &beat;
    say(o, &m);
    timer_set(o->worker_env, o->beat, clock_mono_us(o->worker_env) + USEC_PER_SEC);
}

static void on_worker_boot(void *self, struct env *env)
{
    struct office *o = self;
    struct bus_client_opts opts = {
        .endpoint = "ipc://run/routing-tasks.ipc", .on_message = on_worker_message, .self = o};
    o->worker_env = env;
    o->epoch++;
    arena_init(&o->arena, &env->mem, 1 << 20);
    assert_int_equal(bus_connect(env, &opts, &o->client), 0);
    o->beat = timer_new(env, on_beat, o);
    timer_set(env, o->beat, clock_mono_us(env) + USEC_PER_MS);
}

/* ---- the office -------------------------------------------------------------------- */

static void on_routing_boot(void *self, struct env *env)
{
    struct office *o = self;
    const struct conf_def *tables[] = {svc_settings, routing_service.settings};
    char *argv[] = {"kesu-routing", "--run-dir", "run", "--data-dir", "data", NULL}, *envp[] = {NULL};
    struct conf *conf;
    char *error = NULL;
    assert_int_equal(conf_load(&env->mem, tables, 2, "kesu-routing", 5, argv, envp, &conf, &error), 0);
    assert_int_equal(svc_new(env, &routing_service, conf, &o->svc), 0);
    o->r = svc_self(o->svc);
}

static int open_office(void **state)
{
    struct office *o = calloc(1, sizeof *o);
    o->sim = sim_new(5, WALL);
    fake_intake_init(&o->intake, o->sim);
    o->intake.time_us = WALL;
    o->intake.on_command = on_command;
    o->intake.self = o;
    tell_policy(o, "name: First");
    o->routing = sim_instance_new(o->sim, "routing", on_routing_boot, o);
    *state = o;
    return 0;
}

static int close_office(void **state)
{
    struct office *o = *state;
    if (sim_is_up(o->routing)) svc_free(&o->svc);
    fake_intake_deinit(&o->intake);
    sim_free(&o->sim);
    free(o);
    return 0;
}

static void start_worker(struct office *o)
{
    o->worker = sim_instance_new(o->sim, "worker", on_worker_boot, o);
}

static void run(struct office *o, int64_t seconds)
{
    sim_run(o->sim, seconds * USEC_PER_SEC);
}

static void test_opened_is_judged_and_assigned(void **state)
{
    struct office *o = *state;
    start_worker(o);
    tell_presence(o, CAPACITY);
    uint64_t id = tell_opened(o);
    run(o, 5);
    assert_string_equal(o->text, "The parcel was soaked");
    assert_int_equal(o->n_tasks, 1);
    assert_int_equal(o->rows[id].classified, 1);
    assert_int_equal(o->rows[id].assigned, 1);
    assert_string_equal(o->rows[id].agent, "anna");
    assert_int_equal(o->n_stale, 0);
}

static void test_waits_for_capacity(void **state)
{
    struct office *o = *state;
    start_worker(o);
    tell_presence(o, CAPACITY);
    for (unsigned i = 0; i < 8; i++) tell_opened(o);
    run(o, 5);
    assert_int_equal(o->load, CAPACITY);
    assert_int_equal(o->n_full, 0); /* it was not even proposed */
    tell_closed(o, o->cases[0]);
    run(o, 2);
    assert_int_equal(o->load, CAPACITY);
    assert_int_equal(o->rows[o->cases[5]].assigned, 1);
    assert_int_equal(o->rows[o->cases[6]].assigned, 0);
}

static void test_a_case_that_goes_on_takes_room_again(void **state)
{
    struct office *o = *state;
    start_worker(o);
    tell_presence(o, CAPACITY);
    for (unsigned i = 0; i < CAPACITY; i++) tell_opened(o);
    run(o, 5);
    for (unsigned i = 0; i < 2; i++) {
        tell_closed(o, o->cases[i]);
        tell_reopened(o, o->cases[i], i == 1);
    }
    uint64_t id = tell_opened(o);
    run(o, 5);
    assert_int_equal(o->n_full, 0);
    assert_int_equal(o->rows[id].assigned, 0);
    tell_closed(o, o->cases[0]);
    run(o, 2);
    assert_int_equal(o->rows[id].assigned, 1);
}

static void test_stale_is_decided_again_without_the_worker(void **state)
{
    struct office *o = *state;
    start_worker(o);
    tell_presence(o, CAPACITY);
    run(o, 3);
    o->touch = 2;
    uint64_t id = tell_opened(o);
    run(o, 10);
    assert_int_equal(o->n_stale, 2);
    assert_int_equal(o->n_tasks, 1);
    assert_int_equal(o->rows[id].classified, 1);
    assert_int_equal(o->rows[id].assigned, 1);
}

static void test_what_only_changes_the_version_is_followed(void **state)
{
    struct office *o = *state;
    start_worker(o);
    tell_presence(o, CAPACITY);
    run(o, 3);
    o->touch = 2;
    o->read = true;
    uint64_t id = tell_opened(o);
    run(o, 10);
    assert_int_equal(o->n_stale, 2);
    assert_int_equal(o->rows[id].assigned, 1);
}

static void test_full_is_decided_again(void **state)
{
    struct office *o = *state;
    start_worker(o);
    tell_presence(o, CAPACITY);
    o->full_once = true;
    uint64_t id = tell_opened(o);
    run(o, 10);
    assert_int_equal(o->n_full, 1);
    assert_int_equal(o->rows[id].assigned, 1);
}

static void test_poison_goes_to_the_default_queue(void **state)
{
    struct office *o = *state;
    start_worker(o);
    o->fails = true;
    o->why = "cannot read this";
    uint64_t id = tell_opened(o);
    run(o, 10);
    assert_int_equal(o->n_tasks, 3);
    assert_int_equal(o->rows[id].classified, 1);
    assert_int_equal(o->rows[id].fallbacks, 1);
    assert_string_equal(o->rows[id].reason, "cannot read this");
}

static void test_the_reason_is_text_whatever_a_worker_says(void **state)
{
    struct office *o = *state;
    char endless[302];
    start_worker(o);
    o->fails = true;
    uint64_t mute = tell_opened(o);
    run(o, 10);
    assert_string_equal(o->rows[mute].reason, "the worker gave no reason");
    endless[0] = 'x';
    for (unsigned i = 0; i < 100; i++) memcpy(endless + 1 + (size_t)i * 3, "\xe5\xa3\x9e", 3);
    endless[301] = 0;
    o->why = endless;
    uint64_t wordy = tell_opened(o);
    run(o, 10);
    assert_int_equal(o->rows[wordy].fallbacks, 1);
    assert_int_equal(strlen(o->rows[wordy].reason), 1 + 39 * 3); /* never in the middle of a character */
}

static void test_refused_for_good_waits_for_another_policy(void **state)
{
    struct office *o = *state;
    start_worker(o);
    o->refuses = true;
    uint64_t id = tell_opened(o);
    run(o, 20);
    assert_int_equal(o->n_tasks, 3);
    assert_int_equal(o->n_refused, 4); /* three judgements and the default queue */
    assert_int_equal(o->r->n_stuck, 1);
    o->refuses = false;
    tell_policy(o, "name: Second");
    fake_intake_block(&o->intake);
    run(o, 20);
    assert_int_equal(o->rows[id].classified, 1);
    assert_int_equal(o->rows[id].fallbacks, 0);
    assert_int_equal(o->r->n_stuck, 0);
}

static void test_erased_goes_to_the_default_queue(void **state)
{
    struct office *o = *state;
    start_worker(o);
    o->intake.erased = KEY_ID;
    uint64_t id = tell_opened(o);
    run(o, 10);
    assert_int_equal(o->n_tasks, 0);
    assert_int_equal(o->rows[id].fallbacks, 1);
    assert_string_equal(o->rows[id].reason, "the text was erased");
}

static void test_a_restart_keeps_what_waits(void **state)
{
    struct office *o = *state;
    for (unsigned i = 0; i < 20; i++) tell_opened(o);
    run(o, 5);
    svc_free(&o->svc);
    on_routing_boot(o, sim_env(o->routing));
    assert_int_equal(routing_queue_waiting(&o->r->queue), 20);
    start_worker(o);
    run(o, 10);
    for (unsigned i = 0; i < 20; i++) assert_int_equal(o->rows[o->cases[i]].classified, 1);
    svc_free(&o->svc);
    on_routing_boot(o, sim_env(o->routing));
    assert_int_equal(routing_assign_waiting(&o->r->assign), 20);
    tell_presence(o, 3);
    run(o, 10);
    assert_int_equal(o->load, 3);
    svc_free(&o->svc);
    on_routing_boot(o, sim_env(o->routing));
    run(o, 10);
    assert_int_equal(o->load, 3); /* the load was kept, too */
    assert_int_equal(o->n_full, 0);
}

static void test_identities_of_one_person_count_as_one(void **state)
{
    enum { A = 100, B = 200, C = 300 };
    struct office *o = *state;
    const struct row *rows = o->rows;
    start_worker(o);
    tell_opened_by(o, A);
    tell_opened_by(o, B);
    uint64_t third = tell_opened_by(o, C);
    tell_tied(o, A, B, true);
    uint64_t merged = tell_opened_by(o, B);
    run(o, 5);
    assert_int_equal(rows[third].people, 3);
    assert_int_equal(rows[third].before, 0);
    assert_int_equal(rows[merged].people, 2);
    assert_int_equal(rows[merged].before, 2);
    svc_free(&o->svc);
    on_routing_boot(o, sim_env(o->routing));
    uint64_t after_a_restart = tell_opened_by(o, A);
    tell_tied(o, A, B, false);
    uint64_t undone = tell_opened_by(o, A);
    run(o, 10);
    assert_int_equal(rows[after_a_restart].people, 2);
    assert_int_equal(rows[after_a_restart].before, 3);
    assert_int_equal(rows[undone].people, 3);
    assert_int_equal(rows[undone].before, 2);
    tell_tied(o, C, A, true);
    tell_erased(o, C, A);
    uint64_t forgotten = tell_opened_by(o, A);
    run(o, 5);
    assert_int_equal(rows[forgotten].before, 0);
}

#define INCIDENT 3

static void tell_joined(struct office *o, uint64_t case_id)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__JoinedIncident body = KESU__V1__JOINED_INCIDENT__INIT;
    body.incident_id = INCIDENT;
    e.version = ++o->rows[case_id].version;
    e.body_case = KESU__V1__EVENT__BODY_JOINED_INCIDENT;
    e.joined_incident = &body;
    fake_intake_event(&o->intake, case_id, &e);
    fake_intake_block(&o->intake);
}

static void tell_left(struct office *o, uint64_t case_id)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__LeftIncident body = KESU__V1__LEFT_INCIDENT__INIT;
    body.incident_id = INCIDENT;
    e.version = ++o->rows[case_id].version;
    e.body_case = KESU__V1__EVENT__BODY_LEFT_INCIDENT;
    e.left_incident = &body;
    fake_intake_event(&o->intake, case_id, &e);
    fake_intake_block(&o->intake);
}

static void tell_answered(struct office *o)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__IncidentAnswered body = KESU__V1__INCIDENT_ANSWERED__INIT;
    body.incident_id = INCIDENT;
    e.body_case = KESU__V1__EVENT__BODY_INCIDENT_ANSWERED;
    e.incident_answered = &body;
    fake_intake_event(&o->intake, 0, &e);
    fake_intake_block(&o->intake);
}

static void tell_merged(struct office *o, uint64_t case_id, bool merged, const char *agent)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__CaseMerged into = KESU__V1__CASE_MERGED__INIT;
    Kesu__V1__CaseUnmerged out = KESU__V1__CASE_UNMERGED__INIT;
    into.agent = out.agent = (char *)(uintptr_t)agent;
    e.version = ++o->rows[case_id].version;
    e.body_case = merged ? KESU__V1__EVENT__BODY_CASE_MERGED : KESU__V1__EVENT__BODY_CASE_UNMERGED;
    if (merged)
        e.case_merged = &into;
    else
        e.case_unmerged = &out;
    fake_intake_event(&o->intake, case_id, &e);
    fake_intake_block(&o->intake);
}

static void test_an_answer_goes_to_each_member(void **state)
{
    struct office *o = *state;
    for (unsigned i = 0; i < 4; i++) tell_opened(o);
    for (unsigned i = 0; i < 3; i++) tell_joined(o, o->cases[i]);
    tell_left(o, o->cases[1]);
    tell_answered(o);
    run(o, 5);
    assert_int_equal(o->rows[o->cases[0]].asked, 1);
    assert_int_equal(o->rows[o->cases[1]].asked, 0);
    assert_int_equal(o->rows[o->cases[2]].asked, 1);
    tell_joined(o, o->cases[3]); /* later */
    run(o, 5);
    assert_int_equal(o->rows[o->cases[3]].asked, 1);
    assert_int_equal(fold_unanswered(o->r->fold), 0);
}

static void test_an_answer_has_many_members(void **state)
{
    struct office *o = *state;
    for (unsigned i = 0; i < MAX_CASES; i++) tell_joined(o, tell_opened(o));
    for (unsigned i = 0; i < MAX_CASES; i++) tell_joined(o, 2000 + i);
    tell_answered(o);
    run(o, 60);
    for (unsigned i = 0; i < MAX_CASES; i++) {
        assert_int_equal(o->rows[o->cases[i]].asked, 1);
        assert_int_equal(o->rows[2000 + i].asked, 1);
    }
}

static void test_an_answer_is_asked_for_once_whatever_happens(void **state)
{
    struct office *o = *state;
    sim_set_faults(o->sim, &(struct sim_faults){.lose = 100000,
                                                .duplicate = 100000,
                                                .crash_before_commit = 200000,
                                                .crash_after_commit = 200000});
    for (unsigned i = 0; i < 40; i++) tell_joined(o, tell_opened(o));
    tell_answered(o);
    for (unsigned i = 0; i < 40; i++) {
        tell_touched(o, o->cases[i]);
        sim_run(o->sim, 300 * USEC_PER_MS);
    }
    sim_set_faults(o->sim, NULL);
    run(o, 120);
    assert_true(sim_boots(o->routing) > 1);
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(o->rows[o->cases[i]].shared, 1);
        assert_int_equal(o->rows[o->cases[i]].asked, 1);
    }
    assert_int_equal(fold_unanswered(o->r->fold), 0);
}

static void test_a_merged_case_waits_for_nothing(void **state)
{
    struct office *o = *state;
    uint64_t waits = tell_opened(o), judged = tell_opened(o);
    run(o, 2);
    tell_merged(o, waits, true, "");
    run(o, 2);
    start_worker(o);
    run(o, 10);
    assert_int_equal(o->rows[waits].classified, 0);
    assert_int_equal(o->rows[judged].classified, 1);
    tell_merged(o, judged, true, "");
    tell_presence(o, CAPACITY);
    run(o, 5);
    assert_int_equal(o->rows[judged].assigned, 0);
    tell_merged(o, judged, false, "");
    tell_merged(o, waits, false, "");
    run(o, 10);
    assert_int_equal(o->rows[judged].assigned, 1);
    assert_int_equal(o->rows[waits].assigned, 1);
}

static void test_every_event_of_a_case_is_heard(void **state)
{
    const struct life_row *row;
    (void)state;
    for (unsigned i = 0; (row = life_row(i)) != NULL; i++) {
        unsigned k = 0;
        while (k < ROUTING_N_EVENTS && (unsigned)routing_events_rows[k].type != row->event) k++;
        if (k == ROUTING_N_EVENTS) fail_msg("%s is not heard", life_event_name(row->event));
    }
}

static void tell_withdrawn(struct office *o, uint64_t case_id)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__CaseWithdrawn body = KESU__V1__CASE_WITHDRAWN__INIT;
    e.version = ++o->rows[case_id].version;
    e.body_case = KESU__V1__EVENT__BODY_CASE_WITHDRAWN;
    e.case_withdrawn = &body;
    fake_intake_event(&o->intake, case_id, &e);
    fake_intake_block(&o->intake);
}

static void test_what_ended_unjudged_is_judged_when_it_goes_on(void **state)
{
    struct office *o = *state;
    uint64_t id = tell_opened(o);
    o->over = true;
    start_worker(o);
    tell_withdrawn(o, id);
    run(o, 10);
    assert_int_equal(o->rows[id].classified, 0);
    o->over = false;
    tell_reopened(o, id, false);
    run(o, 10);
    assert_int_equal(o->rows[id].classified, 1);
}

static void test_each_once_under_faults(void **state)
{
    struct office *o = *state;
    start_worker(o);
    tell_presence(o, CAPACITY);
    sim_set_faults(o->sim, &(struct sim_faults){.lose = 10000,
                                                .duplicate = 10000,
                                                .reorder = 3000,
                                                .delay = 3000,
                                                .crash_before_commit = 10000,
                                                .crash_after_commit = 10000,
                                                .disk_full = 5000});
    for (unsigned i = 0; i < 150; i++) {
        tell_opened(o);
        if (sim_random(o->sim, 10) == 0) o->touch = 1;
        sim_run(o->sim, (int64_t)sim_random(o->sim, 600) * USEC_PER_MS);
        for (unsigned k = 0; k < o->n_cases && o->load > CAPACITY / 2; k++)
            if (o->rows[o->cases[k]].assigned > 0 && o->rows[o->cases[k]].agent[0] != 0) {
                tell_closed(o, o->cases[k]);
                o->rows[o->cases[k]].agent[0] = 0;
            }
    }
    sim_set_faults(o->sim, NULL);
    for (unsigned i = 0; i < 60; i++) {
        run(o, 10);
        for (unsigned k = 0; k < o->n_cases; k++)
            if (o->rows[o->cases[k]].assigned > 0 && o->rows[o->cases[k]].agent[0] != 0) {
                tell_closed(o, o->cases[k]);
                o->rows[o->cases[k]].agent[0] = 0;
            }
    }
    assert_true(sim_boots(o->routing) > 3);
    assert_true(o->max_load <= CAPACITY);
    for (unsigned k = 0; k < o->n_cases; k++) {
        assert_int_equal(o->rows[o->cases[k]].classified, 1);
        assert_int_equal(o->rows[o->cases[k]].assigned, 1);
    }
    assert_int_equal(routing_queue_waiting(&o->r->queue), 0);
    assert_int_equal(o->r->queue.tasks.n, 0);
    assert_int_equal(o->r->assign.flying.n, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_office, close_office)
    const struct CMUnitTest tests[] = {
        T(test_opened_is_judged_and_assigned),
        T(test_waits_for_capacity),
        T(test_a_case_that_goes_on_takes_room_again),
        T(test_stale_is_decided_again_without_the_worker),
        T(test_what_only_changes_the_version_is_followed),
        T(test_full_is_decided_again),
        T(test_poison_goes_to_the_default_queue),
        T(test_the_reason_is_text_whatever_a_worker_says),
        T(test_refused_for_good_waits_for_another_policy),
        T(test_erased_goes_to_the_default_queue),
        T(test_a_restart_keeps_what_waits),
        T(test_identities_of_one_person_count_as_one),
        T(test_an_answer_goes_to_each_member),
        T(test_an_answer_has_many_members),
        T(test_an_answer_is_asked_for_once_whatever_happens),
        T(test_a_merged_case_waits_for_nothing),
        T(test_every_event_of_a_case_is_heard),
        T(test_what_ended_unjudged_is_judged_when_it_goes_on),
        T(test_each_once_under_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
