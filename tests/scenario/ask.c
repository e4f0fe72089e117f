/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "check.h"
#include "clock.h"
#include "office.h"

struct question {
    struct office *o;
    struct arena *arena;
    Kesu__V1__ControlReply *reply;
    uint64_t id;
};

static void on_answer(void *self, const struct bus_msg *msg)
{
    struct question *q = self;
    struct codec_error error;
    Kesu__V1__ControlReply *reply = NULL;
    if (codec_unpack(&kesu__v1__control_reply__descriptor, msg->head, q->arena, (void *)&reply, &error) != 0)
        audit_broken(&q->o->audit, "a control socket answers nonsense: %s %s", error.field, error.reason);
    else if (reply->id == q->id)
        q->reply = reply;
}

Kesu__V1__ControlReply *ask(struct office *o, const char *endpoint, Kesu__V1__ControlRequest *request,
                            int64_t patience_us, struct arena *arena)
{
    struct question q = {o, arena, NULL, ++o->questions};
    char path[200];
    snprintf(path, sizeof path, "ipc://" OFFICE_RUN "/%s.ipc", endpoint);
    struct bus_client_opts opts = {.endpoint = path, .on_message = on_answer, .self = &q};
    struct bus_client *client = NULL;
    CHECK(bus_connect(o->inspector_env, &opts, &client) == 0);
    request->id = q.id;
    struct buf *encoded = codec_pack_buf(request);
    int64_t until_us = sim_now_us(o->sim) + patience_us;
    bool sent = false;
    while (q.reply == NULL && o->audit.broken[0] == '\0' && sim_step(o->sim, until_us))
        if (!sent) sent = bus_send(o->inspector_env, client, buf_span(encoded), NULL) == 0;
    buf_unref(encoded);
    bus_client_close(o->inspector_env, client);
    return q.reply;
}
