/* SPDX-License-Identifier: Apache-2.0 */
/* The service: the fold's hooks, and questions on the query and the control socket. */
#include "analytics.h"

#include "clock.h"
#include "err.h"
#include "fold_control.h"
#include "log.h"
#include "roles.h"

#define ARENA_BYTES ((size_t)16 << 20)

static const struct conf_def settings[] = {SVC_FAR_SETTINGS, {0}};

/* ---- hooks; self is the state ------------------------------------------------ */

static struct analytics_state *state_of(void *self)
{
    return self;
}

static int on_open(void *self, struct fold *f)
{
    return analytics_state_load(state_of(self), f);
}

static void on_reset(void *self, struct fold *f)
{
    struct analytics_state *s = state_of(self);
    struct env *env = s->env;
    (void)f;
    analytics_state_deinit(s);
    analytics_state_init(s, env);
}

static int on_commit(void *self, struct fold *f)
{
    return analytics_state_write(state_of(self), f);
}

static int aside_open(void *self, void **ret_self)
{
    struct env *env = state_of(self)->env;
    struct analytics_state *s = mem_alloc(&env->mem, sizeof *s);
    analytics_state_init(s, env);
    *ret_self = s;
    return 0;
}

static void aside_close(void *aside)
{
    struct analytics_state *s = state_of(aside);
    struct env *env = s->env;
    analytics_state_deinit(s);
    mem_free(&env->mem, s);
}

const struct fold_def analytics_fold = {
    .name = "analytics",
    .version = 3,
    .tables = analytics_tables,
    .n_tables = ANALYTICS_N_TABLES,
    .rows = analytics_events_rows,
    .n_rows = ANALYTICS_N_EVENTS,
    .without = CODEC_CLOCKS,
    .sync = STORE_SYNC_LATEST,
    .on_open = on_open,
    .on_reset = on_reset,
    .on_commit = on_commit,
    .aside_open = aside_open,
    .aside_close = aside_close,
};

/* ---- questions ---------------------------------------------------------------- */

static void refuse(Kesu__V1__ControlReply *reply, Kesu__V1__Refused *refused, int err, const char *field,
                   const char *reason)
{
    refused->code = err > -100 ? (Kesu__V1__ErrorCode)-err : KESU__V1__ERROR_CODE__E_INTERNAL;
    refused->disposition =
        err > -100 ? KESU__V1__DISPOSITION__DISPOSITION_FINAL : KESU__V1__DISPOSITION__DISPOSITION_RETRY;
    refused->field = (char *)(uintptr_t)field;
    refused->reason = (char *)(uintptr_t)reason;
    reply->body_case = KESU__V1__CONTROL_REPLY__BODY_REFUSED;
    reply->refused = refused;
}

static void answer(struct analytics *a, struct bus_server *server, uint64_t peer, const struct bus_msg *msg)
{
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    Kesu__V1__Refused refused = KESU__V1__REFUSED__INIT;
    Kesu__V1__ControlRequest *request;
    struct codec_error error;
    const char *field, *reason;
    arena_reset(&a->arena);
    int rc = codec_unpack(&kesu__v1__control_request__descriptor, msg->head, &a->arena, &request, &error);
    if (rc == 0) rc = roles_check_control(msg->user, SOCKET_QUERY, request, &error);
    if (rc != 0) {
        refuse(&reply, &refused, rc, error.field, error.reason);
    } else if (request->body_case != KESU__V1__CONTROL_REQUEST__BODY_GET_STATS) {
        refuse(&reply, &refused, E_UNKNOWN, "body", "only get_stats is answered here");
    } else {
        rc = analytics_answer(&a->state, a->fold, clock_wall_us(a->env), request->get_stats, &a->arena,
                              &reply.stats, &field, &reason);
        if (rc != 0)
            refuse(&reply, &refused, rc, field, reason);
        else
            reply.body_case = KESU__V1__CONTROL_REPLY__BODY_STATS;
        reply.id = request->id;
    }
    struct span bytes = codec_pack(&reply, &a->arena);
    if (bytes.p == NULL || bytes.n > BUS_MAX_BYTES) {
        refuse(&reply, &refused, E_TOO_BIG, "get_stats", "the answer is longer than a message: ask for less");
        bytes = codec_pack(&reply, &a->arena);
    }
    rc = bus_reply(a->env, server, peer, bytes, NULL);
    if (rc != 0) log_debug(a->env, "an answer was dropped", LOG_ERR(rc));
}

static void on_query(void *self, uint64_t peer, const struct bus_msg *msg)
{
    struct analytics *a = self;
    answer(a, a->queries, peer, msg);
}

static void on_far_query(void *self, uint64_t peer, const struct bus_msg *msg)
{
    struct analytics *a = self;
    answer(a, a->far_queries, peer, msg);
}

static void on_get_stats(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct analytics *a = self;
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    const char *field, *reason;
    arena_reset(&a->arena);
    int rc = analytics_answer(&a->state, a->fold, clock_wall_us(a->env), request->get_stats, &a->arena,
                              &reply.stats, &field, &reason);
    if (rc != 0) {
        svc_refuse(a->svc, peer, request->id, rc, field, reason);
        return;
    }
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_STATS;
    svc_answer(a->svc, peer, request->id, &reply);
}

static const struct svc_control_row controls[] = {
    {KESU__V1__CONTROL_REQUEST__BODY_GET_STATS, on_get_stats},
};

/* ---- start and stop ----------------------------------------------------------- */

static void stop(void *self)
{
    struct analytics *a = self;
    bus_server_close(a->env, a->queries);
    bus_server_close(a->env, a->far_queries);
    fold_close(a->fold);
    analytics_state_deinit(&a->state);
    arena_deinit(&a->arena);
    mem_free(&a->env->mem, a);
}

static int start(struct svc *svc, void **ret_self)
{
    struct env *env = svc_env(svc);
    struct analytics *a = mem_zalloc(&env->mem, sizeof *a);
    a->svc = svc;
    a->env = env;
    arena_init(&a->arena, &env->mem, ARENA_BYTES);
    analytics_state_init(&a->state, env);
    int rc = fold_open_svc(svc, &analytics_fold, false, &a->state, &a->fold);
    if (rc == 0) rc = fold_control(a->fold, svc, controls, sizeof controls / sizeof controls[0], NULL, a);
    if (rc == 0) {
        struct bus_server_opts opts = {.endpoint = svc_endpoint(svc, "analytics-query"),
                                       .budget = 16,
                                       .on_message = on_query,
                                       .self = a};
        rc = bus_listen(env, &opts, &a->queries);
        if (rc != 0) log_error(env, "the query socket cannot be opened", LOG_ERR(rc));
        opts.on_message = on_far_query;
        if (rc == 0) rc = svc_far_listen(svc, "analytics-query", opts, &a->far_queries);
    }
    if (rc != 0) {
        stop(a);
        return rc;
    }
    *ret_self = a;
    return 0;
}

static const char *not_ready(void *self)
{
    struct analytics *a = self;
    return fold_not_ready(a->fold);
}

const struct svc_def analytics_service = {
    .name = "analytics",
    .summary = "counts complaints, times and objects, and answers questions about them",
    .settings = settings,
    .start = start,
    .stop = stop,
    .not_ready = not_ready,
};
