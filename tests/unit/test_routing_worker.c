// SPDX-License-Identifier: Apache-2.0
// The worker against a routing of this test, in the simulated world.
#include "unit.h"

#include <string.h>

#include "../../services/routing-worker/routing-worker.h"
#include "clock.h"
#include "conf.h"
#include "sched.h"
#include "sim/sim.h"

enum { RESULTS = 64 };

struct got {
    uint64_t task_id;
    uint32_t attempt;
    int64_t at_us;
    char category[32], reason[100];
};

struct play {
    struct sim *sim;
    struct sim_instance *office, *worker;
    struct env *env; /* the office's */
    struct bus_server *server;
    struct svc *svc;
    uint64_t peer, epoch;
    unsigned hellos, beats, byes, n_results;
    uint32_t credit;
    bool silent, had_rules;
    char name[65];
    struct got results[RESULTS];
    unsigned result_messages;
    const char *flag;
};

static const uint8_t hash[32] = {1}, other_hash[32] = {2};

static void say(struct play *p, Kesu__V1__ToWorker *m, uint64_t epoch, struct buf *body)
{
    struct arena a;
    arena_init(&a, &mem_libc, 1 << 20);
    m->epoch = epoch;
    assert_int_equal(bus_reply(p->env, p->server, p->peer, codec_pack(m, &a), body), 0);
    arena_deinit(&a);
}

static void on_result(struct play *p, const Kesu__V1__TaskResult *r)
{
    assert_true(p->n_results < RESULTS);
    struct got *g = &p->results[p->n_results++];
    g->task_id = r->task_id;
    g->attempt = r->attempt;
    g->at_us = sim_now_us(p->sim);
    if (r->outcome_case == KESU__V1__TASK_RESULT__OUTCOME_JUDGEMENT)
        strncpy(g->category, r->judgement->category, sizeof g->category - 1);
    if (r->outcome_case == KESU__V1__TASK_RESULT__OUTCOME_FAILED)
        strncpy(g->reason, r->failed->reason, sizeof g->reason - 1);
}

static void on_message(void *self, uint64_t peer, const struct bus_msg *msg)
{
    struct play *p = self;
    struct arena a;
    Kesu__V1__ToRouting *m;
    struct codec_error error;
    arena_init(&a, &mem_libc, 1 << 20);
    assert_int_equal(codec_unpack(&kesu__v1__to_routing__descriptor, msg->head, &a, (void *)&m, &error), 0);
    p->peer = peer;
    p->epoch = m->epoch;
    Kesu__V1__RoutingHeartbeat heartbeat = KESU__V1__ROUTING_HEARTBEAT__INIT;
    Kesu__V1__ToWorker back = KESU__V1__TO_WORKER__INIT;
    back.body_case = KESU__V1__TO_WORKER__BODY_HEARTBEAT;
    back.heartbeat = &heartbeat;
    if (m->body_case == KESU__V1__TO_ROUTING__BODY_HELLO) {
        p->hellos++;
        p->credit = m->hello->credit;
        p->had_rules = m->hello->policy_hash.len == 32;
        strncpy(p->name, m->hello->name, 64);
    }
    if (m->body_case == KESU__V1__TO_ROUTING__BODY_HEARTBEAT) p->beats++;
    if (m->body_case == KESU__V1__TO_ROUTING__BODY_BYE) p->byes++;
    p->result_messages += m->n_results > 0;
    for (size_t i = 0; i < m->n_results; i++) on_result(p, m->results[i]);
    if (!p->silent && m->body_case != KESU__V1__TO_ROUTING__BODY_BYE) say(p, &back, m->epoch, NULL);
    arena_deinit(&a);
}

static void on_office_boot(void *self, struct env *env)
{
    struct play *p = self;
    p->env = env;
    assert_int_equal(bus_listen(env,
                                &(struct bus_server_opts){.endpoint = "ipc://run/routing-tasks.ipc",
                                                          .on_message = on_message,
                                                          .self = p},
                                &p->server),
                     0);
}

static void on_worker_boot(void *self, struct env *env)
{
    struct play *p = self;
    char *argv[] = {"kesu", "--run-dir=run", "--instance=worker-7", (char *)(uintptr_t)p->flag, NULL};
    char *envp[] = {NULL};
    const struct conf_def *const tables[] = {svc_settings, routing_worker_service.settings};
    struct conf *conf;
    char *error = NULL;
    assert_int_equal(
        conf_load(&env->mem, tables, 2, "kesu", p->flag != NULL ? 4 : 3, argv, envp, &conf, &error), 0);
    assert_int_equal(svc_new(env, &routing_worker_service, conf, &p->svc), 0);
}

static struct play *begin(const char *flag)
{
    static struct play play;
    play = (struct play){.flag = flag};
    play.sim = sim_new(3, INT64_C(1764000000000000));
    play.office = sim_instance_new(play.sim, "office", on_office_boot, &play);
    play.worker = sim_instance_new(play.sim, "worker-7", on_worker_boot, &play);
    sim_run(play.sim, USEC_PER_SEC / 2);
    return &play;
}

static void end(struct play *p)
{
    svc_free(&p->svc);
    bus_server_close(p->env, p->server);
    sim_free(&p->sim);
}

static void give_rules(struct play *p, const uint8_t of[32], const char *keyword)
{
    Kesu__V1__Policy policy = KESU__V1__POLICY__INIT;
    Kesu__V1__Category category = KESU__V1__CATEGORY__INIT;
    Kesu__V1__Rule rule = KESU__V1__RULE__INIT;
    Kesu__V1__Defaults defaults = KESU__V1__DEFAULTS__INIT;
    Kesu__V1__RulesFollow rules = KESU__V1__RULES_FOLLOW__INIT;
    Kesu__V1__ToWorker m = KESU__V1__TO_WORKER__INIT;
    char *keywords[] = {(char *)(uintptr_t)keyword};
    category.id = rule.category = "damage.wet";
    rule.id = "wet";
    rule.weight = 4;
    rule.keywords = keywords;
    rule.n_keywords = 1;
    defaults.category = "other";
    defaults.department = "service";
    policy.categories = (Kesu__V1__Category *[]){&category};
    policy.rules = (Kesu__V1__Rule *[]){&rule};
    policy.n_categories = policy.n_rules = 1;
    policy.defaults = &defaults;
    rules.policy_hash = (ProtobufCBinaryData){32, (uint8_t *)(uintptr_t)of};
    m.body_case = KESU__V1__TO_WORKER__BODY_RULES;
    m.rules = &rules;
    struct buf *body = codec_pack_buf(&policy);
    say(p, &m, p->epoch, body);
    buf_unref(body);
}

static void give_task(struct play *p, uint64_t epoch, uint64_t id, const uint8_t of[32], const char *text)
{
    Kesu__V1__Task task = KESU__V1__TASK__INIT;
    Kesu__V1__ToWorker m = KESU__V1__TO_WORKER__INIT;
    task.task_id = id;
    task.attempt = 2;
    task.policy_hash = (ProtobufCBinaryData){32, (uint8_t *)(uintptr_t)of};
    task.text = (char *)(uintptr_t)text;
    m.tasks = (Kesu__V1__Task *[]){&task};
    m.n_tasks = 1;
    say(p, &m, epoch, NULL);
}

static void test_judges(void **state)
{
    (void)state;
    struct play *p = begin(NULL);
    assert_int_equal(p->hellos, 1);
    assert_string_equal(p->name, "worker-7");
    assert_int_equal(p->credit, 64);
    assert_false(p->had_rules);
    assert_string_equal(routing_worker_service.not_ready(svc_self(p->svc)), "no rules yet");
    give_rules(p, hash, "淋濕");
    give_task(p, p->epoch, 41, hash, "包裹淋湿了");
    give_task(p, p->epoch, 42, hash, "别的事");
    sim_run(p->sim, USEC_PER_SEC / 2);
    assert_null(routing_worker_service.not_ready(svc_self(p->svc)));
    assert_int_equal(p->n_results, 2);
    assert_int_equal(p->results[0].task_id, 41);
    assert_int_equal(p->results[0].attempt, 2);
    assert_string_equal(p->results[0].category, "damage.wet");
    assert_string_equal(p->results[1].category, "other");
    end(p);
}

static void test_what_cannot_be_judged_is_answered(void **state)
{
    (void)state;
    struct play *p = begin(NULL);
    give_task(p, p->epoch, 1, hash, "x");
    sim_run(p->sim, USEC_PER_SEC / 2);
    assert_string_equal(p->results[0].reason, "the worker has other rules than the task asks for");
    give_rules(p, hash, "wet");
    give_task(p, p->epoch, 2, other_hash, "wet");
    give_rules(p, other_hash, " "); /* does not compile */
    give_task(p, p->epoch, 3, other_hash, "wet");
    give_rules(p, hash, "wet");
    give_task(p, p->epoch, 4, hash, "wet");
    sim_run(p->sim, USEC_PER_SEC / 2);
    assert_int_equal(p->n_results, 4);
    assert_string_equal(p->results[1].reason, "the worker has other rules than the task asks for");
    assert_non_null(strstr(p->results[2].reason, "is empty"));
    assert_string_equal(p->results[3].category, "damage.wet");
    end(p);
}

static void test_results_of_one_message_travel_together(void **state)
{
    (void)state;
    struct play *p = begin(NULL);
    Kesu__V1__Task tasks[3];
    Kesu__V1__ToWorker m = KESU__V1__TO_WORKER__INIT;
    give_rules(p, hash, "wet");
    for (unsigned i = 0; i < 3; i++) {
        kesu__v1__task__init(&tasks[i]);
        tasks[i].task_id = i + 1;
        tasks[i].policy_hash = (ProtobufCBinaryData){32, (uint8_t *)(uintptr_t)hash};
    }
    m.tasks = (Kesu__V1__Task *[]){&tasks[0], &tasks[1], &tasks[2]};
    m.n_tasks = 3;
    say(p, &m, p->epoch, NULL);
    sim_run(p->sim, USEC_PER_SEC);
    assert_int_equal(p->n_results, 3);
    assert_int_equal(p->result_messages, 1);
    for (unsigned i = 0; i < 3; i++) assert_int_equal(p->results[i].task_id, i + 1);
    end(p);
}

static void test_only_its_own_epoch(void **state)
{
    (void)state;
    struct play *p = begin(NULL);
    give_rules(p, hash, "wet");
    give_task(p, p->epoch + 1, 1, hash, "wet");
    sim_run(p->sim, USEC_PER_SEC);
    assert_int_equal(p->n_results, 0);
    end(p);
}

static void test_beats_and_hellos(void **state)
{
    (void)state;
    struct play *p = begin("--name=other");
    assert_string_equal(p->name, "other");
    sim_run(p->sim, 10 * USEC_PER_SEC);
    assert_in_range(p->beats, 9, 11);
    assert_int_equal(p->hellos, 1);
    give_rules(p, hash, "wet");
    Kesu__V1__HelloWanted wanted = KESU__V1__HELLO_WANTED__INIT;
    Kesu__V1__ToWorker m = KESU__V1__TO_WORKER__INIT;
    m.body_case = KESU__V1__TO_WORKER__BODY_HELLO_WANTED;
    m.hello_wanted = &wanted;
    say(p, &m, p->epoch, NULL);
    sim_run(p->sim, USEC_PER_SEC / 2);
    assert_int_equal(p->hellos, 3); /* one that names the rules, one that was wanted */
    assert_true(p->had_rules);
    p->silent = true; /* hello instead of beats, until it is answered */
    sim_run(p->sim, 8 * USEC_PER_SEC);
    assert_true(p->hellos > 4);
    end(p);
}

static void test_starts_again_with_another_epoch(void **state)
{
    (void)state;
    struct play *p = begin(NULL);
    uint64_t before = p->epoch;
    sim_crash(p->worker);
    sim_run(p->sim, 10 * USEC_PER_SEC);
    assert_int_equal(p->hellos, 2);
    assert_true(p->epoch != before);
    end(p);
}

static void test_work_delay(void **state)
{
    (void)state;
    struct play *p = begin("--work-delay=1000");
    give_rules(p, hash, "wet");
    for (uint64_t id = 1; id <= 20; id++) give_task(p, p->epoch, id, hash, "wet");
    int64_t from = sim_now_us(p->sim);
    sim_run(p->sim, USEC_PER_SEC);
    assert_int_equal(p->n_results, 20);
    assert_in_range(p->result_messages, 3, 8); /* what is done within 5 ms travels together */
    for (unsigned i = 0; i < 20; i++) assert_int_equal(p->results[i].task_id, i + 1);
    assert_true(p->results[19].at_us - from >= 20 * USEC_PER_MS);
    assert_true(p->results[0].at_us - from < 15 * USEC_PER_MS);
    end(p);
}

static void test_what_routing_forgot_is_dropped(void **state)
{
    (void)state;
    struct play *p = begin("--work-delay=100000");
    give_rules(p, hash, "wet");
    uint64_t before = p->epoch;
    for (uint64_t id = 1; id <= 20; id++) give_task(p, p->epoch, id, hash, "wet");
    sim_run(p->sim, USEC_PER_SEC / 2);
    unsigned done = p->n_results;
    assert_in_range(done, 1, 19);
    Kesu__V1__HelloWanted wanted = KESU__V1__HELLO_WANTED__INIT;
    Kesu__V1__ToWorker m = KESU__V1__TO_WORKER__INIT;
    m.body_case = KESU__V1__TO_WORKER__BODY_HELLO_WANTED;
    m.hello_wanted = &wanted;
    unsigned hellos = p->hellos;
    say(p, &m, before, NULL);
    say(p, &m, before, NULL); /* once is enough: the second names the old epoch */
    sim_run(p->sim, USEC_PER_SEC / 2);
    assert_int_equal(p->hellos, hellos + 1);
    assert_true(p->epoch != before);
    sim_run(p->sim, 5 * USEC_PER_SEC);
    assert_in_range(p->n_results, done, done + 1);
    give_task(p, p->epoch, 21, hash, "wet");
    sim_run(p->sim, USEC_PER_SEC);
    assert_int_equal(p->results[p->n_results - 1].task_id, 21);
    end(p);
}

static void test_says_goodbye(void **state)
{
    (void)state;
    struct play *p = begin(NULL);
    svc_free(&p->svc);
    sim_run(p->sim, USEC_PER_SEC / 2);
    assert_int_equal(p->byes, 1);
    end(p);
}

UNIT_MAIN(cmocka_unit_test(test_judges), cmocka_unit_test(test_what_cannot_be_judged_is_answered),
          cmocka_unit_test(test_results_of_one_message_travel_together),
          cmocka_unit_test(test_only_its_own_epoch), cmocka_unit_test(test_beats_and_hellos),
          cmocka_unit_test(test_starts_again_with_another_epoch), cmocka_unit_test(test_work_delay),
          cmocka_unit_test(test_what_routing_forgot_is_dropped), cmocka_unit_test(test_says_goodbye))
