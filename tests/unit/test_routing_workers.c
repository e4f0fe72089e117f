/* SPDX-License-Identifier: Apache-2.0 */
/* The workers' talk on the simulated bus: a worker that is killed, stopped, or
 * connects again in the middle of its tasks, and what becomes of these. */
#include <stdio.h>

#include "../../services/routing/workers.h"
#include "clock.h"
#include "err.h"
#include "sched.h"
#include "sim/sim.h"
#include "unit.h"

#define WALL     INT64_C(1700000000000000)
#define MAX_TASK 64

struct office;

struct player {
    struct office *office;
    struct sim_instance *instance;
    struct env *env;
    struct bus_client *client;
    struct timer *beat;
    struct arena arena;
    char name[16];
    uint64_t epoch;
    uint32_t credit;
    bool stopped; /* neither beats nor answers */
    bool holds;   /* beats, keeps its tasks */
    bool fails;   /* answers that it could not */
    bool dead;    /* is not started again */
    uint64_t task[MAX_TASK];
    uint32_t attempt[MAX_TASK];
    unsigned n_tasks, n_hellos_wanted, n_rules;
    uint8_t rules[32];   /* their hash */
    bool reads;          /* does not get done with them */
    uint64_t first_case; /* given ever */
    unsigned n_messages; /* that held tasks */
    size_t largest;      /* most tasks in one of them */
};

struct office {
    struct sim *sim;
    struct sim_instance *instance;
    struct env *env;
    struct routing_queue queue;
    struct routing_workers workers;
    unsigned judged[MAX_TASK + 1], failed[MAX_TASK + 1];
    char reason[MAX_TASK + 1][64];
    struct player players[3];
};

static void dispatch(void *self)
{
    struct office *o = self;
    struct routing_worker *to;
    struct routing_task *t;
    while ((to = routing_workers_next(&o->workers)) != NULL && (t = routing_queue_take(&o->queue)) != NULL) {
        Kesu__V1__Task task = KESU__V1__TASK__INIT;
        if (routing_workers_give(&o->workers, to, t, &task) != 0)
            routing_queue_return(&o->queue, t, false, "");
    }
    routing_workers_flush(&o->workers);
}

static void on_result(void *self, struct routing_task *t, const Kesu__V1__Judgement *judgement,
                      const char *reason)
{
    struct office *o = self;
    if (judgement == NULL) {
        o->failed[t->case_id]++;
        routing_queue_return(&o->queue, t, true, reason);
        return;
    }
    o->judged[t->case_id]++;
    routing_queue_drop(&o->queue, t);
}

static void on_office(void *self, struct env *env)
{
    struct office *o = self;
    uint8_t hash[32] = {7};
    o->env = env;
    routing_queue_init(&o->queue, &env->mem);
    assert_int_equal(routing_workers_open(env,
                                          &(struct routing_workers_opts){.endpoint = "ipc://tasks",
                                                                         .beat_us = USEC_PER_SEC,
                                                                         .silence_us = 3 * USEC_PER_SEC,
                                                                         .lease_us = 30 * USEC_PER_SEC,
                                                                         .window = 8,
                                                                         .max_workers = 8,
                                                                         .queue = &o->queue,
                                                                         .on_result = on_result,
                                                                         .on_room = dispatch,
                                                                         .self = o},
                                          &o->workers),
                     0);
    routing_workers_set_rules(&o->workers, SPAN_LIT("rules"), hash);
}

static void say(struct player *p, Kesu__V1__ToRouting *m)
{
    m->epoch = p->epoch;
    arena_reset(&p->arena);
    bus_send(p->env, p->client, codec_pack(m, &p->arena), NULL);
}

static void say_hello(struct player *p)
{
    Kesu__V1__WorkerHello hello = KESU__V1__WORKER_HELLO__INIT;
    Kesu__V1__ToRouting m = KESU__V1__TO_ROUTING__INIT;
    hello.name = p->name;
    hello.credit = p->credit;
    if (p->n_rules > 0 && !p->reads) hello.policy_hash = (ProtobufCBinaryData){sizeof p->rules, p->rules};
    m.body_case = KESU__V1__TO_ROUTING__BODY_HELLO;
    m.hello = &hello;
    say(p, &m);
}

static void say_result(struct player *p, uint64_t task_id, uint32_t attempt, bool failed)
{
    Kesu__V1__Judgement judgement = KESU__V1__JUDGEMENT__INIT;
    Kesu__V1__TaskFailed why = KESU__V1__TASK_FAILED__INIT;
    Kesu__V1__TaskResult result = KESU__V1__TASK_RESULT__INIT;
    Kesu__V1__ToRouting m = KESU__V1__TO_ROUTING__INIT;
    result.task_id = task_id;
    result.attempt = attempt;
    result.outcome_case =
        failed ? KESU__V1__TASK_RESULT__OUTCOME_FAILED : KESU__V1__TASK_RESULT__OUTCOME_JUDGEMENT;
    why.reason = "could not";
    judgement.category = "other";
    judgement.severity = KESU__V1__SEVERITY__SEVERITY_S4;
    if (failed)
        result.failed = &why;
    else
        result.judgement = &judgement;
    m.results = (Kesu__V1__TaskResult *[]){&result};
    m.n_results = 1;
    say(p, &m);
}

static void answer_all(struct player *p)
{
    for (unsigned i = 0; i < p->n_tasks; i++) say_result(p, p->task[i], p->attempt[i], p->fails);
    p->n_tasks = 0;
}

static void on_worker_message(void *self, const struct bus_msg *msg)
{
    struct player *p = self;
    Kesu__V1__ToWorker *m;
    struct codec_error error;
    arena_reset(&p->arena);
    assert_int_equal(codec_unpack(&kesu__v1__to_worker__descriptor, msg->head, &p->arena, (void *)&m, &error),
                     0);
    if (m->epoch != p->epoch) return;
    if (m->body_case == KESU__V1__TO_WORKER__BODY_RULES) {
        p->n_rules++;
        memcpy(p->rules, m->rules->policy_hash.data, sizeof p->rules);
        if (!p->stopped) say_hello(p);
        return;
    }
    if (m->body_case == KESU__V1__TO_WORKER__BODY_HELLO_WANTED) {
        p->n_hellos_wanted++;
        if (!p->stopped) say_hello(p);
        return;
    }
    p->n_messages += m->n_tasks > 0;
    if (m->n_tasks > p->largest) p->largest = m->n_tasks;
    for (size_t i = 0; i < m->n_tasks; i++) {
        assert_true(p->n_rules > 0 && p->n_tasks < MAX_TASK);
        if (p->first_case == 0) p->first_case = m->tasks[i]->task_id;
        p->task[p->n_tasks] = m->tasks[i]->task_id;
        p->attempt[p->n_tasks++] = m->tasks[i]->attempt;
    }
    if (!p->stopped && !p->holds) answer_all(p);
}

static void on_beat(void *self)
{
    struct player *p = self;
    Kesu__V1__WorkerHeartbeat beat = KESU__V1__WORKER_HEARTBEAT__INIT;
    Kesu__V1__ToRouting m = KESU__V1__TO_ROUTING__INIT;
    m.body_case = KESU__V1__TO_ROUTING__BODY_HEARTBEAT;
    m.heartbeat = &beat;
    if (!p->stopped) say(p, &m);
    timer_set(p->env, p->beat, clock_mono_us(p->env) + USEC_PER_SEC);
}

static void connect_player(struct player *p)
{
    assert_int_equal(bus_connect(p->env,
                                 &(struct bus_client_opts){
                                     .endpoint = "ipc://tasks", .on_message = on_worker_message, .self = p},
                                 &p->client),
                     0);
}

static void on_player(void *self, struct env *env)
{
    struct player *p = self;
    if (p->dead) return;
    p->env = env;
    p->n_tasks = p->n_rules = 0;
    p->epoch++;
    arena_init(&p->arena, &env->mem, 1 << 20);
    connect_player(p);
    p->beat = timer_new(env, on_beat, p);
    timer_set(env, p->beat, clock_mono_us(env) + USEC_PER_MS);
}

static struct player *join(struct office *o, unsigned i, bool holds, uint32_t credit)
{
    struct player *p = &o->players[i];
    p->office = o;
    p->holds = holds;
    p->credit = credit;
    p->epoch = 100 * (i + 1);
    snprintf(p->name, sizeof p->name, "worker-%u", i);
    p->instance = sim_instance_new(o->sim, p->name, on_player, p);
    return p;
}

static void add(struct office *o, uint64_t first, uint64_t last)
{
    for (uint64_t id = first; id <= last; id++) routing_queue_add(&o->queue, id);
    routing_queue_committed(&o->queue);
    dispatch(o);
}

static int setup(void **state)
{
    static struct office office;
    office = (struct office){0};
    office.sim = sim_new(11, WALL);
    office.instance = sim_instance_new(office.sim, "routing", on_office, &office);
    *state = &office;
    return 0;
}

static int teardown(void **state)
{
    struct office *o = *state;
    routing_workers_close(&o->workers);
    routing_queue_deinit(&o->queue);
    sim_free(&o->sim);
    return 0;
}

static void expect_all_judged_once(struct office *o, uint64_t last)
{
    for (uint64_t id = 1; id <= last; id++) assert_int_equal(o->judged[id], 1);
    assert_int_equal(routing_queue_waiting(&o->queue), 0);
    assert_int_equal(routing_workers_leased(&o->workers), 0);
}

static void run(struct office *o, int64_t seconds)
{
    sim_run(o->sim, seconds * USEC_PER_SEC);
}

static void test_unknown_worker_is_asked_for_hello_and_works(void **state)
{
    struct office *o = *state;
    struct player *p = join(o, 0, false, 4);
    add(o, 1, 20);
    run(o, 5);
    assert_true(p->n_hellos_wanted >= 1);
    assert_true(p->n_rules >= 1);
    expect_all_judged_once(o, 20);
}

static void test_credit_and_window_are_kept(void **state)
{
    struct office *o = *state;
    struct player *small = join(o, 0, true, 3), *large = join(o, 1, true, 1000);
    add(o, 1, 40);
    run(o, 3);
    assert_int_equal(small->n_tasks, 3);
    assert_int_equal(large->n_tasks, 8);
    assert_int_equal(routing_workers_leased(&o->workers), 11);
}

static void test_uncommitted_tasks_stay(void **state)
{
    struct office *o = *state;
    join(o, 0, false, 4);
    run(o, 3);
    routing_queue_add(&o->queue, 1);
    dispatch(o);
    run(o, 3);
    assert_int_equal(o->judged[1], 0);
    routing_queue_committed(&o->queue);
    dispatch(o);
    run(o, 1);
    assert_int_equal(o->judged[1], 1);
}

static void test_tasks_of_a_killed_worker_go_on_elsewhere(void **state)
{
    struct office *o = *state;
    struct player *victim = join(o, 0, true, 8);
    add(o, 1, 8);
    run(o, 3);
    assert_int_equal(victim->n_tasks, 8);
    victim->dead = true;
    sim_crash(victim->instance);
    join(o, 1, false, 8);
    run(o, 6);
    expect_all_judged_once(o, 8);
    assert_int_equal(o->workers.counts.died, 1);
    assert_int_equal(o->workers.n, 1);
}

static void test_only_the_task_in_hand_is_blamed(void **state)
{
    struct office *o = *state;
    struct player *victim = join(o, 0, true, 3);
    add(o, 1, 3);
    run(o, 3);
    victim->stopped = true;
    run(o, 6);
    assert_int_equal(routing_queue_find(&o->queue, 1)->tries, 1);
    assert_int_equal(routing_queue_find(&o->queue, 2)->tries, 0);
    assert_int_equal(routing_queue_find(&o->queue, 3)->tries, 0);
    assert_int_equal(routing_queue_take(&o->queue)->case_id, 1);
    assert_int_equal(routing_queue_take(&o->queue)->case_id, 2);
}

static void test_tasks_travel_together_but_not_one_that_ended_badly(void **state)
{
    struct office *o = *state;
    struct player *victim = join(o, 0, true, 3);
    add(o, 1, 3);
    run(o, 3);
    assert_int_equal(victim->n_messages, 1);
    assert_int_equal(victim->largest, 3);
    victim->dead = true; /* of the first, as far as anybody knows */
    sim_crash(victim->instance);
    struct player *next = join(o, 1, true, 3);
    run(o, 6);
    assert_int_equal(next->n_tasks, 3);
    assert_int_equal(next->task[0], 1);
    assert_int_equal(next->n_messages, 2);
    assert_int_equal(next->largest, 2);
}

static void test_tasks_that_cannot_be_sent_go_back_unblamed(void **state)
{
    struct office *o = *state;
    struct player *p = join(o, 0, true, 3);
    run(o, 3);
    p->dead = true;
    sim_crash(p->instance); /* its connection is no more; routing does not know yet */
    add(o, 1, 3);
    dispatch(o);
    assert_int_equal(routing_workers_leased(&o->workers), 0);
    assert_int_equal(routing_queue_waiting(&o->queue), 3);
    for (uint64_t id = 1; id <= 3; id++) {
        struct routing_task *t = routing_queue_take(&o->queue);
        assert_int_equal(t->case_id, id);
        assert_int_equal(t->tries, 0);
    }
}

static void test_results_after_being_stopped_are_dropped(void **state)
{
    struct office *o = *state;
    struct player *sleeper = join(o, 0, true, 8);
    add(o, 1, 5);
    run(o, 3);
    assert_int_equal(sleeper->n_tasks, 5);
    sleeper->stopped = true; /* as by SIGSTOP */
    join(o, 1, false, 8);
    run(o, 6);
    expect_all_judged_once(o, 5);
    sleeper->stopped = false;
    answer_all(sleeper);
    run(o, 3);
    expect_all_judged_once(o, 5);
    assert_true(o->workers.counts.unknown >= 5);
    assert_int_equal(o->workers.n, 2); /* it was asked for a hello and is back */
}

static void test_reconnecting_in_the_middle(void **state)
{
    struct office *o = *state;
    struct player *p = join(o, 0, true, 8);
    add(o, 1, 5);
    run(o, 3);
    uint64_t old_task = p->task[4];
    uint32_t old_attempt = p->attempt[4];
    bus_client_close(p->env, p->client);
    p->epoch++;
    p->n_tasks = 0;
    connect_player(p);
    say_hello(p);
    run(o, 2);
    assert_int_equal(p->n_tasks, 5); /* all again, of the new epoch */
    assert_int_equal(o->workers.n, 1);
    say_result(p, old_task, old_attempt, false); /* the attempt before */
    run(o, 1);
    assert_int_equal(o->judged[old_task], 0);
    assert_int_equal(o->workers.counts.stale, 1);
    answer_all(p);
    run(o, 1);
    expect_all_judged_once(o, 5);
}

static void test_result_of_an_old_epoch_is_dropped(void **state)
{
    struct office *o = *state;
    struct player *p = join(o, 0, true, 8);
    add(o, 1, 1);
    run(o, 3);
    p->epoch--;
    say_result(p, p->task[0], p->attempt[0], false);
    p->epoch++;
    run(o, 1);
    assert_int_equal(o->judged[1], 0);
    assert_int_equal(o->workers.counts.unknown, 2); /* the first beat, and this */
    answer_all(p);
    run(o, 1);
    assert_int_equal(o->judged[1], 1);
}

static void test_three_bad_ends(void **state)
{
    struct office *o = *state;
    struct player *p = join(o, 0, true, 1);
    add(o, 1, 1);
    for (unsigned i = 1; i <= 3; i++) {
        run(o, 3);
        assert_int_equal(p->n_tasks, 1);
        assert_int_equal(p->attempt[0], i);
        p->n_tasks = 0;
        p->holds = true;
        say_result(p, 1, i, true);
        run(o, 1);
        assert_int_equal(routing_queue_find(&o->queue, 1)->tries, i);
    }
    assert_string_equal(routing_queue_find(&o->queue, 1)->reason, "could not");
}

static void test_a_lost_task_comes_back_when_its_lease_ends(void **state)
{
    struct office *o = *state;
    struct player *p = join(o, 0, true, 8);
    add(o, 1, 2);
    run(o, 3);
    p->n_tasks = 0; /* as if it never came */
    run(o, 34);
    assert_true(o->workers.counts.expired >= 2);
    assert_int_equal(p->n_tasks, 2);
    answer_all(p);
    run(o, 1);
    expect_all_judged_once(o, 2);
}

static void test_rules_follow_a_new_policy(void **state)
{
    struct office *o = *state;
    struct player *p = join(o, 0, false, 8);
    uint8_t hash[32] = {9};
    run(o, 3);
    unsigned before = p->n_rules;
    routing_workers_set_rules(&o->workers, SPAN_LIT("rules"), hash);
    run(o, 3);
    assert_int_equal(p->n_rules, before + 1);
    assert_int_equal(p->rules[0], 9);
    assert_true(o->workers.list[0]->has_rules);
}

static void test_nothing_is_expected_of_a_worker_that_reads_its_rules(void **state)
{
    struct office *o = *state;
    struct player *p = join(o, 0, false, 8);
    p->reads = true;
    add(o, 1, 4);
    run(o, 3);
    assert_true(p->n_rules > 0);
    p->stopped = true;
    run(o, 20);
    assert_int_equal(p->first_case, 0);
    assert_int_equal(o->workers.n, 1);
    p->stopped = p->reads = false;
    run(o, 7); /* the rules come again, and now it is done with them */
    expect_all_judged_once(o, 4);
    p->stopped = p->reads = true;
    routing_workers_set_rules(&o->workers, SPAN_LIT("third"), (uint8_t[32]){3});
    run(o, 40);
    assert_int_equal(o->workers.n, 0); /* but not for ever */
}

static void test_nobody_is_lost_under_faults(void **state)
{
    struct office *o = *state;
    struct player *a = join(o, 0, false, 4), *b = join(o, 1, false, 4);
    sim_set_faults(o->sim,
                   &(struct sim_faults){.lose = 20000, .duplicate = 20000, .delay = 20000, .reorder = 5000});
    for (uint64_t id = 1; id <= MAX_TASK; id += 4) {
        add(o, id, id + 3);
        run(o, 4);
        if (id == 21) sim_crash(a->instance);
        if (id == 41) sim_crash(b->instance);
    }
    sim_set_faults(o->sim, NULL);
    run(o, 120);
    expect_all_judged_once(o, MAX_TASK);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_unknown_worker_is_asked_for_hello_and_works),
        T(test_credit_and_window_are_kept),
        T(test_uncommitted_tasks_stay),
        T(test_tasks_of_a_killed_worker_go_on_elsewhere),
        T(test_only_the_task_in_hand_is_blamed),
        T(test_tasks_travel_together_but_not_one_that_ended_badly),
        T(test_tasks_that_cannot_be_sent_go_back_unblamed),
        T(test_results_after_being_stopped_are_dropped),
        T(test_reconnecting_in_the_middle),
        T(test_result_of_an_old_epoch_is_dropped),
        T(test_three_bad_ends),
        T(test_a_lost_task_comes_back_when_its_lease_ends),
        T(test_rules_follow_a_new_policy),
        T(test_nothing_is_expected_of_a_worker_that_reads_its_rules),
        T(test_nobody_is_lost_under_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
