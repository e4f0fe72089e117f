/* SPDX-License-Identifier: Apache-2.0 */
/* The talk with routing: hello, a sign of life every second, results. What
 * does not carry our epoch was meant for an earlier life and is dropped. A
 * message that cannot be sent is dropped too: routing gives the task again. */
#include "clock.h"
#include "err.h"
#include "log.h"
#include "policy.h"
#include "routing-worker.h"

#define RESULTS_BYTES    ((size_t)64 << 10)
#define RESULTS_US       (5 * USEC_PER_MS)
#define BEAT_US          USEC_PER_SEC
#define SILENCE_US       (3 * USEC_PER_SEC)
#define NOT_CONNECTED_US (50 * USEC_PER_MS)

static void new_epoch(struct routing_worker_self *w)
{
    do env_random(w->env, &w->epoch, sizeof w->epoch);
    while (w->epoch == 0);
}

static bool say(struct routing_worker_self *w, Kesu__V1__ToRouting *m)
{
    m->epoch = w->epoch;
    arena_reset(&w->outgoing);
    struct span head = codec_pack(m, &w->outgoing);
    return head.p != NULL && bus_send(w->env, w->client, head, NULL) == 0;
}

static bool say_hello(struct routing_worker_self *w)
{
    Kesu__V1__WorkerHello hello = KESU__V1__WORKER_HELLO__INIT;
    Kesu__V1__ToRouting m = KESU__V1__TO_ROUTING__INIT;
    hello.name = (char *)(uintptr_t)w->name;
    hello.credit = w->credit;
    if (w->has_hash) hello.policy_hash = (ProtobufCBinaryData){sizeof w->policy_hash, w->policy_hash};
    m.body_case = KESU__V1__TO_ROUTING__BODY_HELLO;
    m.hello = &hello;
    if (!say(w, &m)) return false;
    stats_add(w->m.hellos, 1);
    return true;
}

static void send_results(struct routing_worker_self *w)
{
    if (w->n_results == 0) return;
    if (bus_send(w->env, w->client, span_of(w->results.bytes, w->results.n), NULL) != 0)
        stats_add(w->m.lost, w->n_results);
    w->n_results = 0;
}

void routing_worker_talk_result(struct routing_worker_self *w, Kesu__V1__TaskResult *result)
{
    enum { RESULTS_TAG = 4 };
    if (w->n_results == 0) {
        Kesu__V1__ToRouting m = KESU__V1__TO_ROUTING__INIT;
        m.epoch = w->epoch;
        codec_pile_start(&w->results, &w->env->mem, &m);
        w->first_result_us = clock_mono_us(w->env);
    }
    (void)codec_pile_add(&w->results, &w->env->mem, RESULTS_TAG, result, SIZE_MAX);
    w->n_results++;
    if (w->results.n > RESULTS_BYTES || clock_mono_us(w->env) - w->first_result_us > RESULTS_US)
        send_results(w);
}

static void on_beat(void *self)
{
    struct routing_worker_self *w = self;
    int64_t now = clock_mono_us(w->env);
    Kesu__V1__WorkerHeartbeat heartbeat = KESU__V1__WORKER_HEARTBEAT__INIT;
    Kesu__V1__ToRouting m = KESU__V1__TO_ROUTING__INIT;
    m.body_case = KESU__V1__TO_ROUTING__BODY_HEARTBEAT;
    m.heartbeat = &heartbeat;
    bool lost = w->heard_us == 0 || now - w->heard_us > SILENCE_US;
    bool said = lost ? say_hello(w) : say(w, &m);
    timer_set(w->env, w->beat, now + (said ? BEAT_US : NOT_CONNECTED_US));
}

/* ---- tasks that wait (work-delay) --------------------------------------------- */

static void take_task(struct routing_worker_self *w, struct span bytes)
{
    Kesu__V1__Task *task;
    arena_reset(&w->incoming);
    if (codec_unpack_own(&kesu__v1__task__descriptor, bytes, &w->incoming, (void *)&task) == 0)
        routing_worker_judge_task(w, task);
}

static void on_turn(void *self)
{
    struct routing_worker_self *w = self;
    int64_t now = clock_mono_us(w->env);
    while (w->n_waiting > 0 && w->waiting[w->first_waiting].due_us <= now) {
        struct buf *task = w->waiting[w->first_waiting].task;
        w->first_waiting = (w->first_waiting + 1) % w->credit;
        w->n_waiting--;
        take_task(w, buf_span(task));
        buf_unref(task);
    }
    if (w->n_waiting == 0 || w->waiting[w->first_waiting].due_us > w->first_result_us + RESULTS_US)
        send_results(w);
    stats_set(w->m.waiting, w->n_waiting);
    if (w->n_waiting > 0) timer_set(w->env, w->turn, w->waiting[w->first_waiting].due_us);
}

/* False when there are already as many as we said we take. */
static bool wait_task(struct routing_worker_self *w, const Kesu__V1__Task *task)
{
    if (w->n_waiting == w->credit) return false;
    int64_t from = clock_mono_us(w->env);
    if (w->n_waiting > 0) {
        int64_t last = w->waiting[(w->first_waiting + w->n_waiting - 1) % w->credit].due_us;
        if (last > from) from = last;
    }
    w->waiting[(w->first_waiting + w->n_waiting) % w->credit] =
        (struct routing_worker_waiting){codec_pack_buf(task), from + w->delay_us};
    if (w->n_waiting++ == 0) timer_set(w->env, w->turn, from + w->delay_us);
    stats_set(w->m.waiting, w->n_waiting);
    return true;
}

static void drop_waiting(struct routing_worker_self *w)
{
    for (; w->n_waiting > 0; w->n_waiting--) {
        buf_unref(w->waiting[w->first_waiting].task);
        w->first_waiting = (w->first_waiting + 1) % w->credit;
    }
}

/* ---- what routing says ------------------------------------------------------------ */

static void on_rules(struct routing_worker_self *w, const Kesu__V1__RulesFollow *rules, struct buf *body)
{
    if (rules->policy_hash.len != sizeof w->policy_hash || body == NULL) {
        stats_add(w->m.bad, 1);
        return;
    }
    bool same = w->has_hash && memcmp(w->policy_hash, rules->policy_hash.data, sizeof w->policy_hash) == 0;
    if (!same || w->rules == NULL) routing_worker_judge_rules(w, buf_span(body), rules->policy_hash.data);
    say_hello(w); /* it names the rules: from now on tasks may come */
}

static void on_message(void *self, const struct bus_msg *msg)
{
    struct routing_worker_self *w = self;
    Kesu__V1__ToWorker *m;
    struct codec_error error;
    arena_reset(&w->incoming);
    if (codec_unpack(&kesu__v1__to_worker__descriptor, msg->head, &w->incoming, (void *)&m, &error) != 0) {
        stats_add(w->m.bad, 1);
        log_warn(w->env, "message of routing refused", LOG_STR("field", error.field),
                 LOG_STR("reason", error.reason));
        return;
    }
    if (m->epoch != w->epoch) return;
    w->heard_us = clock_mono_us(w->env);
    for (size_t i = 0; i < m->n_tasks; i++) {
        if (w->delay_us == 0)
            routing_worker_judge_task(w, m->tasks[i]);
        else if (!wait_task(w, m->tasks[i]))
            stats_add(w->m.lost, 1);
    }
    send_results(w);
    if (m->body_case == KESU__V1__TO_WORKER__BODY_RULES) {
        on_rules(w, m->rules, msg->body);
    } else if (m->body_case == KESU__V1__TO_WORKER__BODY_HELLO_WANTED) {
        /* It knows nothing of the tasks that wait here: they would only be in
         * the way of those it gives next. A repeated wish names the old epoch. */
        drop_waiting(w);
        new_epoch(w);
        say_hello(w);
    }
}

int routing_worker_talk_open(struct routing_worker_self *w)
{
    new_epoch(w);
    w->waiting = mem_zalloc(&w->env->mem, w->credit * sizeof *w->waiting);
    struct place place;
    int err = svc_peer(w->svc, "routing-tasks", &place);
    if (err != 0) return err;
    err = bus_connect(w->env,
                      &(struct bus_client_opts){.endpoint = place.endpoint,
                                                .keys = place.keys,
                                                .max_bytes = POLICY_MAX_BYTES,
                                                .on_message = on_message,
                                                .self = w},
                      &w->client);
    if (err != 0) return err;
    w->turn = timer_new(w->env, on_turn, w);
    w->beat = timer_new(w->env, on_beat, w);
    timer_set(w->env, w->beat, clock_mono_us(w->env));
    return 0;
}

void routing_worker_talk_close(struct routing_worker_self *w)
{
    Kesu__V1__WorkerBye bye = KESU__V1__WORKER_BYE__INIT;
    Kesu__V1__ToRouting m = KESU__V1__TO_ROUTING__INIT;
    m.body_case = KESU__V1__TO_ROUTING__BODY_BYE;
    m.bye = &bye;
    if (w->client != NULL) say(w, &m);
    timer_free(w->env, w->beat);
    timer_free(w->env, w->turn);
    bus_client_close(w->env, w->client);
    drop_waiting(w);
    codec_pile_free(&w->results, &w->env->mem);
    mem_free(&w->env->mem, w->waiting);
}
