/* SPDX-License-Identifier: Apache-2.0 */
/* Routing workers that only wait, in one process, on the protocol of workers:
 *
 *     bench_workers RUN_DIR COUNT DELAY_US
 *
 * Each has a connection, a name, a credit and a queue of its own, and takes
 * DELAY_US for each task, one after the other; its judgement is always the same.
 * So what is measured is how routing keeps them busy, not how fast text is read
 * on a machine with fewer cores than workers. Prints `ready` when every worker
 * has the rules; runs until it is told to stop. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "check.h"
#include "clock.h"
#include "codec.h"
#include "env_real.h"
#include "sched.h"

enum { WORKERS_MAX = 64, CREDIT = 64, MESSAGE_BYTES = 8 << 20, RESULTS_TAG = 4 };

#define BEAT_US    USEC_PER_SEC
#define RESULTS_US (5 * USEC_PER_MS) /* results wait for others at most so long, as in the daemon */

struct waiting {
    uint64_t task_id;
    uint32_t attempt;
    int64_t due_us;
};

struct crew;

struct worker {
    struct crew *crew;
    struct bus_client *client;
    struct timer *turn, *beat;
    char name[32];
    uint64_t epoch;
    uint8_t policy_hash[32];
    bool has_rules;
    struct waiting queue[CREDIT];
    unsigned first, n;
    struct codec_pile results;
    unsigned n_results;
    int64_t first_result_us;
};

struct crew {
    struct env *env;
    int64_t delay_us;
    unsigned count, ready;
    struct arena incoming, outgoing;
    struct worker workers[WORKERS_MAX];
};

static bool say(struct worker *w, Kesu__V1__ToRouting *m)
{
    struct crew *c = w->crew;
    m->epoch = w->epoch;
    arena_reset(&c->outgoing);
    return bus_send(c->env, w->client, codec_pack(m, &c->outgoing), NULL) == 0;
}

static bool say_hello(struct worker *w)
{
    Kesu__V1__WorkerHello hello = KESU__V1__WORKER_HELLO__INIT;
    Kesu__V1__ToRouting m = KESU__V1__TO_ROUTING__INIT;
    hello.name = w->name;
    hello.credit = CREDIT;
    if (w->has_rules) hello.policy_hash = (ProtobufCBinaryData){sizeof(w->policy_hash), w->policy_hash};
    m.body_case = KESU__V1__TO_ROUTING__BODY_HELLO;
    m.hello = &hello;
    return say(w, &m);
}

static void on_beat(void *self)
{
    struct worker *w = self;
    Kesu__V1__WorkerHeartbeat beat = KESU__V1__WORKER_HEARTBEAT__INIT;
    Kesu__V1__ToRouting m = KESU__V1__TO_ROUTING__INIT;
    m.body_case = KESU__V1__TO_ROUTING__BODY_HEARTBEAT;
    m.heartbeat = &beat;
    bool said = w->has_rules ? say(w, &m) : say_hello(w);
    timer_set(w->crew->env, w->beat, clock_mono_us(w->crew->env) + (said ? BEAT_US : 50 * USEC_PER_MS));
}

/* ---- results --------------------------------------------------------------------- */

static void send_results(struct worker *w)
{
    if (w->n_results == 0) return;
    (void)bus_send(w->crew->env, w->client, span_of(w->results.bytes, w->results.n), NULL);
    w->n_results = 0;
}

static void add_result(struct worker *w, const struct waiting *done)
{
    struct env *env = w->crew->env;
    Kesu__V1__Judgement judgement = KESU__V1__JUDGEMENT__INIT;
    Kesu__V1__TaskResult result = KESU__V1__TASK_RESULT__INIT;
    judgement.category = "other";
    judgement.department = "service";
    judgement.severity = KESU__V1__SEVERITY__SEVERITY_S4;
    judgement.language = KESU__V1__LANGUAGE__LANGUAGE_EN;
    judgement.policy_hash = (ProtobufCBinaryData){sizeof(w->policy_hash), w->policy_hash};
    result.task_id = done->task_id;
    result.attempt = done->attempt;
    result.outcome_case = KESU__V1__TASK_RESULT__OUTCOME_JUDGEMENT;
    result.judgement = &judgement;
    if (w->n_results == 0) {
        Kesu__V1__ToRouting m = KESU__V1__TO_ROUTING__INIT;
        m.epoch = w->epoch;
        codec_pile_start(&w->results, &env->mem, &m);
        w->first_result_us = clock_mono_us(env);
    }
    (void)codec_pile_add(&w->results, &env->mem, RESULTS_TAG, &result, SIZE_MAX);
    w->n_results++;
}

static void on_turn(void *self)
{
    struct worker *w = self;
    int64_t now = clock_mono_us(w->crew->env);
    while (w->n > 0 && w->queue[w->first].due_us <= now) {
        add_result(w, &w->queue[w->first]);
        w->first = (w->first + 1) % CREDIT;
        w->n--;
    }
    if (w->n == 0 || w->queue[w->first].due_us > w->first_result_us + RESULTS_US) send_results(w);
    if (w->n > 0) timer_set(w->crew->env, w->turn, w->queue[w->first].due_us);
}

/* ---- what routing says ------------------------------------------------------------- */

static void take_task(struct worker *w, const Kesu__V1__Task *task)
{
    struct env *env = w->crew->env;
    int64_t from = clock_mono_us(env);
    CHECK(w->n < CREDIT);
    if (w->n > 0) {
        int64_t last = w->queue[(w->first + w->n - 1) % CREDIT].due_us;
        if (last > from) from = last;
    }
    w->queue[(w->first + w->n) % CREDIT] =
        (struct waiting){task->task_id, task->attempt, from + w->crew->delay_us};
    if (w->n++ == 0) timer_set(env, w->turn, from + w->crew->delay_us);
}

static void take_rules(struct worker *w, const Kesu__V1__RulesFollow *rules)
{
    CHECK(rules->policy_hash.len == sizeof(w->policy_hash));
    memcpy(w->policy_hash, rules->policy_hash.data, sizeof(w->policy_hash));
    if (!w->has_rules && ++w->crew->ready == w->crew->count) {
        puts("ready=1");
        fflush(stdout);
    }
    w->has_rules = true;
    say_hello(w);
}

static void on_message(void *self, const struct bus_msg *msg)
{
    struct worker *w = self;
    Kesu__V1__ToWorker *m;
    struct codec_error error;
    arena_reset(&w->crew->incoming);
    if (codec_unpack(&kesu__v1__to_worker__descriptor, msg->head, &w->crew->incoming, (void *)&m, &error) !=
        0) {
        fprintf(stderr, "bench_workers: %s: %s\n", error.field, error.reason);
        env_stop(w->crew->env, 1);
        return;
    }
    if (m->epoch != w->epoch) return;
    for (size_t i = 0; i < m->n_tasks; i++) take_task(w, m->tasks[i]);
    if (m->body_case == KESU__V1__TO_WORKER__BODY_RULES) take_rules(w, m->rules);
    if (m->body_case == KESU__V1__TO_WORKER__BODY_HELLO_WANTED) { /* what was given is given again */
        w->n = w->n_results = 0;
        w->epoch += WORKERS_MAX;
        say_hello(w);
    }
}

static int start_worker(struct crew *c, const char *endpoint, unsigned i)
{
    struct worker *w = &c->workers[i];
    struct bus_client_opts opts = {
        .endpoint = endpoint, .max_bytes = MESSAGE_BYTES, .on_message = on_message, .self = w};
    w->crew = c;
    w->epoch = i + 1;
    (void)snprintf(w->name, sizeof(w->name), "bench-%u", i);
    w->turn = timer_new(c->env, on_turn, w);
    w->beat = timer_new(c->env, on_beat, w);
    timer_set(c->env, w->beat, clock_mono_us(c->env));
    return bus_connect(c->env, &opts, &w->client);
}

static void stop_worker(struct worker *w)
{
    bus_client_close(w->crew->env, w->client);
    timer_free(w->crew->env, w->turn);
    timer_free(w->crew->env, w->beat);
    codec_pile_free(&w->results, &w->crew->env->mem);
}

int main(int argc, char **argv)
{
    static struct crew c;
    struct env_real *real;
    char endpoint[512];
    if (argc != 4 || env_real_new("bench", &real) < 0) return EXIT_FAILURE;
    c.env = env_real_env(real);
    c.count = (unsigned)strtoul(argv[2], NULL, 10);
    c.delay_us = strtoll(argv[3], NULL, 10);
    CHECK(c.count > 0 && c.count <= WORKERS_MAX);
    arena_init(&c.incoming, &c.env->mem, 4 * (size_t)MESSAGE_BYTES);
    arena_init(&c.outgoing, &c.env->mem, MESSAGE_BYTES);
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/routing-tasks.ipc", argv[1]);
    for (unsigned i = 0; i < c.count; i++)
        if (start_worker(&c, endpoint, i) < 0) return EXIT_FAILURE;
    int status = env_real_run(real);
    for (unsigned i = 0; i < c.count; i++) stop_worker(&c.workers[i]);
    arena_deinit(&c.incoming);
    arena_deinit(&c.outgoing);
    env_real_free(&real);
    return status;
}
