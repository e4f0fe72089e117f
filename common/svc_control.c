/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: requests of the command line, one handler a kind. */
#include <stdio.h>

#include "err.h"
#include "log.h"
#include "roles.h"
#include "svc_private.h"

#define CONTROL_BUDGET 16
#define REASON_BYTES   256

static void answer_info(struct svc *svc, uint64_t peer, uint64_t request_id)
{
    Kesu__V1__Info info = KESU__V1__INFO__INIT;
    const char *why = svc_not_ready(svc);
    info.daemon = arena_strdup(&svc->request_arena, svc_instance(svc));
    info.version = arena_strdup(&svc->request_arena, KESU_VERSION);
    info.ready = why == NULL;
    info.not_ready_because = arena_strdup(&svc->request_arena, why != NULL ? why : "");
    info.started_at = svc->started_at_us;
    if (svc->on_info != NULL) svc->on_info(svc->control_self, &info);
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_INFO;
    reply.info = &info;
    svc_answer(svc, peer, request_id, &reply);
}

static void dispatch(struct svc *svc, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    for (unsigned i = 0; i < svc->n_rows; i++) {
        if (svc->rows[i].body != request->body_case) continue;
        svc->rows[i].handle(svc->control_self, peer, request);
        return;
    }
    if (request->body_case == KESU__V1__CONTROL_REQUEST__BODY_INFO)
        answer_info(svc, peer, request->id);
    else if (request->body_case == KESU__V1__CONTROL_REQUEST__BODY__NOT_SET)
        svc_refuse(svc, peer, request->id, E_MISSING, "body", "a request asks for something");
    else
        svc_refuse(svc, peer, request->id, E_UNKNOWN, "body", "this daemon does not do that");
}

static void on_message(struct svc *svc, uint64_t peer, const struct bus_msg *msg)
{
    Kesu__V1__ControlRequest *request;
    struct codec_error error;
    int e = codec_unpack(&kesu__v1__control_request__descriptor, msg->head, &svc->request_arena, &request,
                         &error);
    if (e < 0)
        svc_refuse(svc, peer, 0, e, error.field, error.reason);
    else if (roles_check_control(msg->user, (enum role_socket)msg->socket, request, &error) != 0)
        svc_refuse(svc, peer, request->id, error.code, error.field, error.reason);
    else
        dispatch(svc, peer, request);
    arena_reset(&svc->request_arena);
}

static void on_near(void *self, uint64_t peer, const struct bus_msg *msg)
{
    on_message(self, peer, msg);
}

static void on_far(void *self, uint64_t peer, const struct bus_msg *msg)
{
    on_message(self, peer | BUS_FAR, msg);
}

int svc_control_open(struct svc *svc)
{
    char name[128];
    snprintf(name, sizeof(name), "%s-control", svc_instance(svc));
    struct bus_server_opts opts = {
        .endpoint = svc_endpoint(svc, name),
        .budget = CONTROL_BUDGET,
        .on_message = on_near,
        .self = svc,
    };
    return bus_listen(svc->env, &opts, &svc->control);
}

void svc_control_close(struct svc *svc)
{
    bus_server_close(svc->env, svc->control);
    bus_server_close(svc->env, svc->far_control);
    svc->control = svc->far_control = NULL;
}

int svc_control_far(struct svc *svc, const char *name)
{
    struct bus_server_opts opts = {.budget = CONTROL_BUDGET, .on_message = on_far, .self = svc};
    return svc_far_listen(svc, name, opts, &svc->far_control);
}

int svc_control(struct svc *svc, const struct svc_control_row *rows, unsigned n,
                void (*on_info)(void *self, Kesu__V1__Info *info), void *self)
{
    svc->rows = rows;
    svc->n_rows = n;
    svc->on_info = on_info;
    svc->control_self = self;
    return 0;
}

void svc_answer(struct svc *svc, uint64_t peer, uint64_t request_id, Kesu__V1__ControlReply *reply)
{
    reply->id = request_id;
    struct buf *bytes = codec_pack_buf(reply);
    if (bytes->n > BUS_MAX_BYTES) {
        buf_unref(bytes);
        svc_refuse(svc, peer, request_id, E_TOO_BIG, "", "the answer is longer than a message: ask for less");
        return;
    }
    struct bus_server *server = (peer & BUS_FAR) != 0 ? svc->far_control : svc->control;
    int e = bus_reply(svc->env, server, peer & ~BUS_FAR, buf_span(bytes), NULL);
    if (e < 0) log_debug(svc->env, "an answer was dropped", LOG_ERR(e));
    buf_unref(bytes);
}

void svc_refuse(struct svc *svc, uint64_t peer, uint64_t request_id, int err, const char *field,
                const char *reason)
{
    char field_copy[REASON_BYTES], reason_copy[REASON_BYTES];
    snprintf(field_copy, sizeof(field_copy), "%s", field);
    snprintf(reason_copy, sizeof(reason_copy), "%s", reason);
    Kesu__V1__Refused refused = KESU__V1__REFUSED__INIT;
    if (err > -100)
        refused.code = (Kesu__V1__ErrorCode)(-err);
    else
        refused.code =
            err == E_NOT_FOUND ? KESU__V1__ERROR_CODE__E_UNKNOWN : KESU__V1__ERROR_CODE__E_INTERNAL;
    enum err_disposition d = err_disposition(-(int)refused.code);
    refused.disposition = err == E_AGAIN || d == ERR_RETRY ? KESU__V1__DISPOSITION__DISPOSITION_RETRY
                          : d == ERR_STALE                 ? KESU__V1__DISPOSITION__DISPOSITION_STALE
                                                           : KESU__V1__DISPOSITION__DISPOSITION_FINAL;
    refused.field = field_copy;
    refused.reason = reason_copy;
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_REFUSED;
    reply.refused = &refused;
    svc_answer(svc, peer, request_id, &reply);
}
