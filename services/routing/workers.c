/* SPDX-License-Identifier: Apache-2.0 */
/* Leases over the bus. Every message of a worker is a sign of life; a beat
 * looks for the silent and the disconnected ones and for leases that have run
 * out (a lost message, a worker that is stuck but still beats). */
#include "workers.h"

#include "check.h"
#include "clock.h"
#include "err.h"
#include "log.h"
#include "roles.h"
#include "sched.h"

#define ARENA_BYTES    ((size_t)4 << 20)
#define RULES_AGAIN_US (5 * USEC_PER_SEC)

#define PILE_TASKS 32
#define PILE_BYTES ((size_t)256 << 10)

static int send_bytes(struct routing_workers *w, struct routing_worker *to, uint64_t peer, struct span head,
                      struct buf *body)
{
    struct bus_server *server = (peer & BUS_FAR) != 0 ? w->far_server : w->server;
    int rc = bus_reply(w->env, server, peer & ~BUS_FAR, head, body);
    if (rc == E_AGAIN && to != NULL) to->full = true;
    return rc;
}

static int send_to(struct routing_workers *w, struct routing_worker *to, uint64_t peer,
                   Kesu__V1__ToWorker *message, struct buf *body)
{
    arena_reset(&w->outgoing);
    struct span head = codec_pack(message, &w->outgoing);
    return head.p != NULL ? send_bytes(w, to, peer, head, body) : E_TOO_BIG;
}

static void ask_hello(struct routing_workers *w, uint64_t peer, uint64_t epoch)
{
    Kesu__V1__HelloWanted wanted = KESU__V1__HELLO_WANTED__INIT;
    Kesu__V1__ToWorker m = KESU__V1__TO_WORKER__INIT;
    m.epoch = epoch;
    m.body_case = KESU__V1__TO_WORKER__BODY_HELLO_WANTED;
    m.hello_wanted = &wanted;
    send_to(w, NULL, peer, &m, NULL);
}

static void send_rules(struct routing_workers *w, struct routing_worker *to)
{
    int64_t now = clock_mono_us(w->env);
    if (w->rules.p == NULL || to->has_rules) return;
    if (to->rules_sent_us != 0 && now - to->rules_sent_us < RULES_AGAIN_US) return;
    Kesu__V1__RulesFollow rules = KESU__V1__RULES_FOLLOW__INIT;
    Kesu__V1__ToWorker m = KESU__V1__TO_WORKER__INIT;
    rules.policy_hash = (ProtobufCBinaryData){sizeof w->rules_hash, w->rules_hash};
    m.epoch = to->epoch;
    m.body_case = KESU__V1__TO_WORKER__BODY_RULES;
    m.rules = &rules;
    struct buf *body = buf_copy(w->rules);
    if (send_to(w, to, to->peer, &m, body) == 0) to->rules_sent_us = now;
    buf_unref(body);
}

static int send_beat(struct routing_workers *w, struct routing_worker *to)
{
    Kesu__V1__RoutingHeartbeat beat = KESU__V1__ROUTING_HEARTBEAT__INIT;
    Kesu__V1__ToWorker m = KESU__V1__TO_WORKER__INIT;
    m.epoch = to->epoch;
    m.body_case = KESU__V1__TO_WORKER__BODY_HEARTBEAT;
    m.heartbeat = &beat;
    return send_to(w, to, to->peer, &m, NULL);
}

static void free_worker(struct routing_workers *w, struct routing_worker *gone)
{
    codec_pile_free(&gone->pile, &w->env->mem);
    mem_free(&w->env->mem, gone);
}

/* The newest first, so that the oldest ends up before all others. */
static void take_leases_back(struct routing_workers *w, struct routing_worker *from, bool blamed,
                             const char *reason)
{
    from->n_piled = 0;
    while (from->leases.last != NULL) {
        struct routing_task *t = from->leases.last;
        w->counts.returned++;
        routing_queue_return(w->opts.queue, t, blamed && from->leases.n == 1, reason);
    }
}

static void remove_worker(struct routing_workers *w, struct routing_worker *gone, bool blamed,
                          const char *reason)
{
    take_leases_back(w, gone, blamed, reason);
    CHECK(map_take(&w->by_peer, gone->peer + 1) == gone);
    for (unsigned i = 0; i < w->n; i++)
        if (w->list[i] == gone) {
            memmove(&w->list[i], &w->list[i + 1], (w->n - i - 1) * sizeof *w->list);
            break;
        }
    w->n--;
    free_worker(w, gone);
}

static struct routing_worker *by_name(struct routing_workers *w, const char *name)
{
    for (unsigned i = 0; i < w->n; i++)
        if (strcmp(w->list[i]->name, name) == 0) return w->list[i];
    return NULL;
}

static struct routing_worker *add_worker(struct routing_workers *w, uint64_t peer, const char *name)
{
    if (w->n == w->room) {
        w->room = w->room == 0 ? 16 : w->room * 2;
        w->list = mem_realloc(&w->env->mem, w->list, w->room * sizeof(struct routing_worker *));
    }
    struct routing_worker *new = mem_zalloc(&w->env->mem, sizeof *new);
    size_t n = strlen(name);
    CHECK(n <= ROUTING_WORKER_NAME_MAX);
    memcpy(new->name, name, n);
    new->peer = peer;
    w->list[w->n++] = new;
    map_set(&w->by_peer, peer + 1, new);
    return new;
}

static void on_hello(struct routing_workers *w, uint64_t peer, uint64_t epoch,
                     const Kesu__V1__WorkerHello *hello)
{
    size_t n = strlen(hello->name);
    if (n == 0 || n > ROUTING_WORKER_NAME_MAX || hello->credit == 0 ||
        hello->credit > ROUTING_WORKER_CREDIT_MAX || epoch == 0) {
        w->counts.bad++;
        return;
    }
    struct routing_worker *was = by_name(w, hello->name);
    struct routing_worker *other = map_get(&w->by_peer, peer + 1);
    if (was != NULL && (was->peer != peer || was->epoch != epoch)) {
        /* A new epoch: it started again and may have died of what it had in hand. */
        remove_worker(w, was, was->epoch != epoch, "a worker started again while it had this task");
        was = NULL;
    }
    if (other != NULL && other != was && map_get(&w->by_peer, peer + 1) == other)
        remove_worker(w, other, false, "");
    if (was == NULL) {
        if (w->n >= w->opts.max_workers) {
            log_warn(w->env, "too many workers", LOG_STR("worker", hello->name), LOG_U64("known", w->n));
            return;
        }
        was = add_worker(w, peer, hello->name);
        log_info(w->env, "worker joined", LOG_STR("worker", hello->name), LOG_U64("credit", hello->credit));
        w->counts.hellos++;
    }
    was->epoch = epoch;
    was->credit = hello->credit;
    was->heard_us = clock_mono_us(w->env);
    was->full = false;
    was->has_rules = w->rules.p != NULL && hello->policy_hash.len == sizeof w->rules_hash &&
                     memcmp(hello->policy_hash.data, w->rules_hash, sizeof w->rules_hash) == 0;
    send_rules(w, was);
}

static void on_result(struct routing_workers *w, struct routing_worker *from,
                      const Kesu__V1__TaskResult *result)
{
    struct routing_task *t = routing_queue_find(w->opts.queue, result->task_id);
    if (t == NULL || t->state != ROUTING_TASK_LEASED || t->holder != from || t->attempt != result->attempt) {
        w->counts.stale++;
        return;
    }
    const char *reason = "the worker gave no judgement";
    const Kesu__V1__Judgement *judgement = NULL;
    if (result->outcome_case == KESU__V1__TASK_RESULT__OUTCOME_JUDGEMENT) judgement = result->judgement;
    if (result->outcome_case == KESU__V1__TASK_RESULT__OUTCOME_FAILED) reason = result->failed->reason;
    w->counts.results++;
    if (judgement == NULL) w->counts.failed++;
    from->done++;
    routing_queue_move(t, ROUTING_TASK_IN_HAND, NULL);
    w->opts.on_result(w->opts.self, t, judgement, reason);
}

void routing_workers_on_message(void *self, uint64_t peer, const struct bus_msg *msg)
{
    struct routing_workers *w = self;
    Kesu__V1__ToRouting *m;
    struct codec_error error;
    arena_reset(&w->incoming);
    if (codec_unpack(&kesu__v1__to_routing__descriptor, msg->head, &w->incoming, (void *)&m, &error) != 0) {
        w->counts.bad++;
        log_warn(w->env, "message of a worker refused", LOG_STR("field", error.field),
                 LOG_STR("reason", error.reason));
        return;
    }
    struct routing_worker *from = map_get(&w->by_peer, peer + 1);
    if (m->body_case == KESU__V1__TO_ROUTING__BODY_HELLO && !roles_worker_name(msg->user, m->hello->name)) {
        w->counts.bad++;
        log_warn(w->env, "a worker goes by a name that is not its key's", LOG_STR("worker", m->hello->name),
                 LOG_STR("key", msg->user->name));
    } else if (m->body_case == KESU__V1__TO_ROUTING__BODY_HELLO) {
        on_hello(w, peer, m->epoch, m->hello);
    } else if (from == NULL || from->epoch != m->epoch) {
        w->counts.unknown++;
        if (m->body_case != KESU__V1__TO_ROUTING__BODY_BYE) ask_hello(w, peer, m->epoch);
    } else {
        from->heard_us = clock_mono_us(w->env);
        for (size_t i = 0; i < m->n_results; i++) on_result(w, from, m->results[i]);
        if (m->body_case == KESU__V1__TO_ROUTING__BODY_BYE) {
            log_info(w->env, "worker left", LOG_STR("worker", from->name));
            w->counts.left++;
            remove_worker(w, from, false, "");
        }
    }
    w->opts.on_room(w->opts.self);
}

static void on_far_message(void *self, uint64_t peer, const struct bus_msg *msg)
{
    routing_workers_on_message(self, peer | BUS_FAR, msg);
}

static void on_beat(void *self)
{
    struct routing_workers *w = self;
    int64_t now = clock_mono_us(w->env);
    for (unsigned i = w->n; i-- > 0;) {
        struct routing_worker *one = w->list[i];
        one->full = false;
        bool reads = one->rules_sent_us != 0 && !one->has_rules;
        bool silent = now - one->heard_us > (reads ? w->opts.lease_us : w->opts.silence_us);
        if (silent || send_beat(w, one) == E_NOT_FOUND) { /* its connection is no more */
            log_warn(w->env, "worker is gone", LOG_STR("worker", one->name),
                     LOG_STR("because", silent ? "silent" : "disconnected"),
                     LOG_U64("leased", one->leases.n));
            w->counts.died++;
            remove_worker(w, one, true, "a worker died while it had this task");
            continue;
        }
        while (one->leases.first != NULL && one->leases.first->lease_until_us <= now) {
            w->counts.expired++;
            routing_queue_return(w->opts.queue, one->leases.first, true, "no result in time");
        }
        send_rules(w, one);
    }
    timer_set(w->env, w->beat, now + w->opts.beat_us);
    w->opts.on_room(w->opts.self);
}

int routing_workers_open(struct env *env, const struct routing_workers_opts *opts,
                         struct routing_workers *ret)
{
    struct routing_workers *w = ret;
    *w = (struct routing_workers){.env = env, .opts = *opts};
    arena_init(&w->outgoing, &env->mem, 2 * BUS_MAX_BYTES);
    arena_init(&w->incoming, &env->mem, ARENA_BYTES);
    map_init(&w->by_peer, &env->mem);
    struct bus_server_opts bus = {
        .endpoint = opts->endpoint, .on_message = routing_workers_on_message, .budget = 256, .self = w};
    int rc = bus_listen(env, &bus, &w->server);
    if (rc == 0 && opts->far.keys != NULL) {
        bus.endpoint = opts->far.endpoint;
        bus.keys = opts->far.keys;
        bus.on_message = on_far_message;
        rc = bus_listen(env, &bus, &w->far_server);
    }
    if (rc != 0) {
        bus_server_close(env, w->server);
        arena_deinit(&w->outgoing);
        arena_deinit(&w->incoming);
        *w = (struct routing_workers){0};
        return rc;
    }
    w->beat = timer_new(env, on_beat, w);
    timer_set(env, w->beat, clock_mono_us(env) + opts->beat_us);
    return 0;
}

void routing_workers_close(struct routing_workers *w)
{
    if (w->env == NULL) return;
    timer_free(w->env, w->beat);
    bus_server_close(w->env, w->server);
    bus_server_close(w->env, w->far_server);
    routing_workers_recall(w);
    for (unsigned i = 0; i < w->n; i++) free_worker(w, w->list[i]);
    mem_free(&w->env->mem, w->list);
    map_deinit(&w->by_peer);
    mem_free(&w->env->mem, (void *)(uintptr_t)w->rules.p);
    arena_deinit(&w->outgoing);
    arena_deinit(&w->incoming);
    w->env = NULL;
}

void routing_workers_set_rules(struct routing_workers *w, struct span policy, const uint8_t hash[32])
{
    mem_free(&w->env->mem, (void *)(uintptr_t)w->rules.p);
    w->rules = span_of(mem_dup(&w->env->mem, policy), policy.n);
    memcpy(w->rules_hash, hash, sizeof w->rules_hash);
    for (unsigned i = 0; i < w->n; i++) {
        w->list[i]->has_rules = false;
        w->list[i]->rules_sent_us = 0;
        send_rules(w, w->list[i]);
    }
}

struct routing_worker *routing_workers_next(struct routing_workers *w)
{
    struct routing_worker *best = NULL;
    for (unsigned i = 0; i < w->n; i++) {
        struct routing_worker *one = w->list[i];
        unsigned room = one->credit < w->opts.window ? one->credit : w->opts.window;
        if (!one->has_rules || one->full || one->leases.n >= room) continue;
        if (best == NULL || one->leases.n < best->leases.n) best = one;
    }
    return best;
}

static void flush(struct routing_workers *w, struct routing_worker *to)
{
    if (to->n_piled == 0) return;
    int rc = send_bytes(w, to, to->peer, span_of(to->pile.bytes, to->pile.n), NULL);
    if (rc == 0) {
        w->counts.given += to->n_piled;
    } else {
        to->full = true;
        for (; to->n_piled > 0; to->n_piled--)
            routing_queue_return(w->opts.queue, to->leases.last, false, "");
    }
    to->n_piled = 0;
}

int routing_workers_give(struct routing_workers *w, struct routing_worker *to, struct routing_task *t,
                         Kesu__V1__Task *task)
{
    enum { TASKS_TAG = 3 };
    task->task_id = t->case_id;
    task->attempt = t->attempt + 1;
    task->policy_hash = (ProtobufCBinaryData){sizeof w->rules_hash, w->rules_hash};
    if (t->tries > 0) flush(w, to);
    if (to->n_piled == 0) {
        Kesu__V1__ToWorker m = KESU__V1__TO_WORKER__INIT;
        m.epoch = to->epoch;
        codec_pile_start(&to->pile, &w->env->mem, &m);
    }
    if (!codec_pile_add(&to->pile, &w->env->mem, TASKS_TAG, task, BUS_MAX_BYTES - 2 * PILE_BYTES))
        return E_TOO_BIG;
    t->attempt++;
    t->holder = to;
    t->lease_until_us = clock_mono_us(w->env) + w->opts.lease_us;
    routing_queue_move(t, ROUTING_TASK_LEASED, &to->leases);
    to->n_piled++;
    if (t->tries > 0 || to->n_piled == PILE_TASKS || to->pile.n > PILE_BYTES) flush(w, to);
    return 0;
}

void routing_workers_flush(struct routing_workers *w)
{
    for (unsigned i = 0; i < w->n; i++) flush(w, w->list[i]);
}

void routing_workers_recall(struct routing_workers *w)
{
    for (unsigned i = 0; i < w->n; i++) take_leases_back(w, w->list[i], false, "");
}

unsigned routing_workers_leased(const struct routing_workers *w)
{
    unsigned n = 0;
    for (unsigned i = 0; i < w->n; i++) n += w->list[i]->leases.n;
    return n;
}
