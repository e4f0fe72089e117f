/* SPDX-License-Identifier: Apache-2.0 */
/* The service: settings, the fold's hooks, what operators ask. */
#include "routing.h"

#include "check.h"
#include "clock.h"
#include "err.h"
#include "fold_control.h"
#include "log.h"

#define SCRATCH_BYTES ((size_t)2 << 20)

static const struct conf_def settings[] = {
    {"lease-time", CONF_DURATION, "30s", 1000000, 3600000000, NULL,
     "how long a worker may hold a task before it goes to another"},
    {"heartbeat", CONF_DURATION, "500ms", 10000, 60000000, NULL, "between signs of life to each worker"},
    {"silence", CONF_DURATION, "3s", 20000, 600000000, NULL, "a worker silent for longer is dead"},
    {"task-window", CONF_INT, "64", 1, ROUTING_WORKER_CREDIT_MAX, NULL,
     "tasks a worker holds at most, whatever it offers"},
    {"max-tries", CONF_INT, "3", 1, 100, NULL, "bad ends after which a task goes to the default queue"},
    {"max-workers", CONF_INT, "256", 1, 65536, NULL, "workers at once"},
    SVC_FAR_SETTINGS,
    {0},
};

static void make_metrics(struct routing *r)
{
    struct stats *s = r->env->stats;
    struct routing_metrics *m = &r->m;
    const struct {
        struct stats_value **value;
        enum stats_kind kind;
        const char *name, *help;
    } rows[] = {
        {&m->queued, STATS_GAUGE, "kesu_routing_queued", "cases waiting for a worker"},
        {&m->keyless, STATS_GAUGE, "kesu_routing_keyless", "cases waiting for their key"},
        {&m->leased, STATS_GAUGE, "kesu_routing_leased", "tasks held by workers"},
        {&m->workers, STATS_GAUGE, "kesu_routing_workers", "workers known"},
        {&m->waiting, STATS_GAUGE, "kesu_routing_unassigned", "classified cases waiting for an agent"},
        {&m->given, STATS_COUNTER, "kesu_routing_tasks_given_total", "tasks given to workers"},
        {&m->results, STATS_COUNTER, "kesu_routing_results_total", "results taken"},
        {&m->failed, STATS_COUNTER, "kesu_routing_failed_total", "results that say the task failed"},
        {&m->dropped, STATS_COUNTER, "kesu_routing_results_dropped_total",
         "results of another epoch, attempt or lease"},
        {&m->returned, STATS_COUNTER, "kesu_routing_returned_total", "tasks taken back from a gone worker"},
        {&m->expired, STATS_COUNTER, "kesu_routing_leases_expired_total", "leases that ran out"},
        {&m->died, STATS_COUNTER, "kesu_routing_workers_died_total", "workers that fell silent"},
        {&m->bad, STATS_COUNTER, "kesu_routing_bad_messages_total", "messages of workers refused"},
        {&m->fallbacks, STATS_COUNTER, "kesu_routing_fallbacks_total", "cases sent to the default queue"},
        {&m->proposed, STATS_COUNTER, "kesu_routing_proposals_total", "agents proposed"},
        {&m->refused, STATS_COUNTER, "kesu_routing_refused_total", "commands refused"},
        {&m->stuck, STATS_GAUGE, "kesu_routing_stuck", "cases even the default queue was refused for"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        *rows[i].value = stats_value(s, rows[i].kind, rows[i].name, NULL, rows[i].help);
}

static void show_metrics(struct routing *r)
{
    const struct routing_workers_counts *c = &r->workers.counts;
    stats_set(r->m.queued, (int64_t)routing_queue_waiting(&r->queue));
    stats_set(r->m.keyless, r->queue.keyless.n);
    stats_set(r->m.leased, routing_workers_leased(&r->workers));
    stats_set(r->m.workers, r->workers.n);
    stats_set(r->m.waiting, (int64_t)routing_assign_waiting(&r->assign));
    stats_set(r->m.given, c->given);
    stats_set(r->m.results, c->results);
    stats_set(r->m.failed, c->failed);
    stats_set(r->m.dropped, c->stale + c->unknown);
    stats_set(r->m.returned, c->returned);
    stats_set(r->m.expired, c->expired);
    stats_set(r->m.died, c->died);
    stats_set(r->m.bad, c->bad);
    stats_set(r->m.stuck, r->n_stuck);
}

/* Cases the last policy had no place for may have one now. */
static void unstick(struct routing *r)
{
    if (r->n_stuck == 0) return;
    r->n_stuck = 0;
    routing_propose_write(r);
    routing_workers_recall(&r->workers);
    routing_queue_clear(&r->queue);
    routing_assign_deinit(&r->assign);
    routing_handover_deinit(&r->handover);
    routing_propose_init(r);
    routing_handover_init(&r->handover, &r->env->mem);
    routing_events_load(r);
}

void routing_take_policy(struct routing *r)
{
    const uint8_t *hash;
    const Kesu__V1__Policy *in_force = fold_policy(r->fold, &hash);
    Kesu__V1__Policy *copy;
    struct codec_error error;
    if (in_force == NULL) return;
    if (r->policy == NULL || memcmp(hash, r->policy_hash, sizeof r->policy_hash) != 0) {
        struct buf *bytes = codec_pack_buf(in_force);
        arena_reset(&r->policy_arena);
        int rc = codec_unpack(&kesu__v1__policy__descriptor, buf_span(bytes), &r->policy_arena, (void *)&copy,
                              &error);
        if (rc != 0) {
            log_error(r->env, "the policy in force cannot be read", LOG_STR("field", error.field),
                      LOG_ERR(rc));
            buf_unref(bytes);
            return;
        }
        r->policy = copy;
        memcpy(r->policy_hash, hash, sizeof r->policy_hash);
        if (r->workers.env != NULL) routing_workers_set_rules(&r->workers, buf_span(bytes), hash);
        buf_unref(bytes);
    }
    routing_assign_set_policy(&r->assign, r->policy);
    unstick(r);
}

/* ---- hooks ----------------------------------------------------------------- */

static int on_open(void *self, struct fold *f)
{
    struct routing *r = self;
    r->fold = f;
    return routing_events_load(r);
}

static void on_reset(void *self, struct fold *f)
{
    struct routing *r = self;
    (void)f;
    routing_workers_recall(&r->workers);
    routing_queue_clear(&r->queue);
    routing_assign_deinit(&r->assign);
    routing_handover_deinit(&r->handover);
    routing_propose_init(r);
    routing_handover_init(&r->handover, &r->env->mem);
    identities_deinit(&r->identities);
    identities_init(&r->identities, &r->env->mem);
    r->n_want_keys = 0;
    r->n_stuck = 0;
    if (r->policy != NULL) routing_assign_set_policy(&r->assign, r->policy);
}

static int on_commit(void *self, struct fold *f)
{
    (void)f;
    return routing_propose_write(self);
}

static void on_committed(void *self, struct fold *f)
{
    struct routing *r = self;
    (void)f;
    routing_queue_committed(&r->queue);
    routing_propose_run(r);
    routing_handover_run(r);
    routing_dispatch_run(r);
    show_metrics(r);
}

static void on_live(void *self, struct fold *f)
{
    on_committed(self, f);
}

static void on_refused(void *self, struct fold *f, const Kesu__V1__Command *command,
                       const Kesu__V1__Refused *refused)
{
    struct routing *r = self;
    (void)f;
    if (command->body_case == KESU__V1__COMMAND__BODY_CLASSIFY_CASE)
        routing_classify_on_refused(r, command->classify_case, refused);
    if (command->body_case == KESU__V1__COMMAND__BODY_SHARE_ANSWER)
        routing_group_on_refused(r, command->share_answer, refused);
    if (command->body_case != KESU__V1__COMMAND__BODY_ASSIGN_CASE) return;
    if (command->assign_case->handover_id != 0)
        routing_handover_on_refused(r, command->assign_case, refused);
    else
        routing_propose_on_refused(r, command->assign_case, refused);
}

/* ---- a second state, for comparing ---------------------------------------- */

static struct routing *new_state(struct env *env, struct svc *svc)
{
    struct routing *r = mem_zalloc(&env->mem, sizeof *r);
    r->svc = svc;
    r->env = env;
    arena_init(&r->scratch, &env->mem, SCRATCH_BYTES);
    arena_init(&r->policy_arena, &env->mem, 8 * POLICY_MAX_BYTES);
    routing_queue_init(&r->queue, &env->mem);
    routing_propose_init(r);
    routing_handover_init(&r->handover, &env->mem);
    identities_init(&r->identities, &env->mem);
    return r;
}

static void free_state(void *self)
{
    struct routing *r = self;
    routing_workers_close(&r->workers);
    identities_deinit(&r->identities);
    routing_handover_deinit(&r->handover);
    routing_assign_deinit(&r->assign);
    routing_queue_deinit(&r->queue);
    arena_deinit(&r->policy_arena);
    arena_deinit(&r->scratch);
    mem_free(&r->env->mem, r);
}

static int aside_open(void *self, void **ret_self)
{
    struct routing *r = self;
    *ret_self = new_state(r->env, r->svc);
    return 0;
}

static const struct fold_def fold_def = {
    .name = "routing",
    .version = 4,
    .tables = routing_tables,
    .n_tables = ROUTING_N_TABLES,
    .rows = routing_events_rows,
    .n_rows = ROUTING_N_EVENTS,
    .personal = true,
    .without = CODEC_CLOCKS,
    .sync = STORE_SYNC_LATEST,
    .on_open = on_open,
    .on_reset = on_reset,
    .on_commit = on_commit,
    .on_committed = on_committed,
    .on_live = on_live,
    .on_refused = on_refused,
    .aside_open = aside_open,
    .aside_close = free_state,
};

/* After every message of a worker and on every beat. */
static void on_room(void *self)
{
    struct routing *r = self;
    if (r->fold == NULL) return;
    routing_dispatch_tick(r);
    routing_dispatch_run(r);
    if (r->assign.shut) routing_propose_run(r);
    routing_handover_run(r);
}

/* ---- what operators ask ---------------------------------------------------- */

static void on_get_workers(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct routing *r = self;
    Kesu__V1__WorkerList list = KESU__V1__WORKER_LIST__INIT;
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    arena_reset(&r->scratch);
    Kesu__V1__Worker *rows = arena_zalloc(&r->scratch, (r->workers.n + 1) * sizeof *rows);
    list.workers = arena_zalloc(&r->scratch, (r->workers.n + 1) * sizeof(Kesu__V1__Worker *));
    if (rows == NULL || list.workers == NULL) {
        svc_refuse(r->svc, peer, request->id, E_TOO_BIG, "", "too many workers to list");
        return;
    }
    for (unsigned i = 0; i < r->workers.n; i++) {
        struct routing_worker *one = r->workers.list[i];
        kesu__v1__worker__init(&rows[i]);
        rows[i].name = one->name;
        rows[i].epoch = one->epoch;
        rows[i].credit = one->credit;
        rows[i].leased = one->leases.n;
        rows[i].done = one->done;
        list.workers[list.n_workers++] = &rows[i];
    }
    list.queued = routing_queue_waiting(&r->queue);
    list.leased = routing_workers_leased(&r->workers);
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_WORKER_LIST;
    reply.worker_list = &list;
    svc_answer(r->svc, peer, request->id, &reply);
}

static const struct svc_control_row controls[] = {
    {KESU__V1__CONTROL_REQUEST__BODY_GET_WORKERS, on_get_workers},
};

static void add_gauge(Kesu__V1__Info *info, Kesu__V1__Gauge *gauge, const char *name, uint64_t value)
{
    kesu__v1__gauge__init(gauge);
    gauge->name = (char *)(uintptr_t)name;
    gauge->value = (int64_t)value;
    info->gauges[info->n_gauges++] = gauge;
}

static void on_info(void *self, Kesu__V1__Info *info)
{
    struct routing *r = self;
    const size_t n = 4;
    arena_reset(&r->scratch);
    Kesu__V1__Gauge *rows = arena_zalloc(&r->scratch, n * sizeof *rows);
    info->gauges = arena_zalloc(&r->scratch, n * sizeof(Kesu__V1__Gauge *));
    CHECK(rows != NULL && info->gauges != NULL);
    add_gauge(info, &rows[0], "queued", routing_queue_waiting(&r->queue));
    add_gauge(info, &rows[1], "leased", routing_workers_leased(&r->workers));
    add_gauge(info, &rows[2], "unassigned", routing_assign_waiting(&r->assign));
    add_gauge(info, &rows[3], "workers", r->workers.n);
}

/* ---- start and stop -------------------------------------------------------- */

static void stop(void *self)
{
    struct routing *r = self;
    fold_close(r->fold);
    r->fold = NULL;
    free_state(r);
}

static int open_workers(struct routing *r)
{
    const struct conf *conf = svc_conf(r->svc);
    struct place far;
    int rc = svc_far(r->svc, "routing-tasks", &far);
    if (rc != 0) return rc;
    r->max_tries = (uint32_t)conf_int(conf, "max-tries");
    return routing_workers_open(
        r->env,
        &(struct routing_workers_opts){.endpoint = svc_endpoint(r->svc, "routing-tasks"),
                                       .far = far,
                                       .beat_us = conf_int(conf, "heartbeat"),
                                       .silence_us = conf_int(conf, "silence"),
                                       .lease_us = conf_int(conf, "lease-time"),
                                       .window = (unsigned)conf_int(conf, "task-window"),
                                       .max_workers = (unsigned)conf_int(conf, "max-workers"),
                                       .queue = &r->queue,
                                       .on_result = routing_classify_on_result,
                                       .on_room = on_room,
                                       .self = r},
        &r->workers);
}

static int start(struct svc *svc, void **ret_self)
{
    struct env *env = svc_env(svc);
    struct routing *r = new_state(env, svc);
    make_metrics(r);
    int rc = open_workers(r);
    if (rc != 0) log_error(env, "the workers' socket cannot be opened", LOG_ERR(rc));
    if (rc == 0) rc = fold_open_svc(svc, &fold_def, true, r, &r->fold);
    if (rc == 0) rc = fold_control(r->fold, svc, controls, sizeof controls / sizeof controls[0], on_info, r);
    if (rc != 0) {
        stop(r);
        return rc;
    }
    *ret_self = r;
    return 0;
}

static const char *not_ready(void *self)
{
    struct routing *r = self;
    return r->fold == NULL ? "starting" : fold_not_ready(r->fold);
}

const struct svc_def routing_service = {
    .name = "routing",
    .summary = "gives new complaints to workers to judge, and judged ones to agents",
    .settings = settings,
    .start = start,
    .stop = stop,
    .not_ready = not_ready,
};
