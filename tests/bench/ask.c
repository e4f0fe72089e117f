/* SPDX-License-Identifier: Apache-2.0 */
#include "ask.h"

#include "check.h"
#include "clock.h"
#include "sched.h"

#define AGAIN_US (5 * USEC_PER_SEC)
#define SOON_US  (20 * USEC_PER_MS)

struct ask {
    struct env *env;
    struct bus_client *client;
    struct timer *timer;
    uint64_t id;
    struct buf *request;
    ask_on_reply on_reply;
    void *self;
};

static void send(void *self)
{
    struct ask *a = self;
    if (a->request == NULL) return;
    int r = bus_send(a->env, a->client, buf_span(a->request), NULL);
    timer_set(a->env, a->timer, clock_mono_us(a->env) + (r < 0 ? SOON_US : AGAIN_US));
}

static void on_message(void *self, const struct bus_msg *msg)
{
    struct ask *a = self;
    Kesu__V1__ControlReply *reply = kesu__v1__control_reply__unpack(NULL, msg->head.n, msg->head.p);
    CHECK(reply != NULL);
    if (reply->id == a->id && a->request != NULL) {
        buf_unref(a->request);
        a->request = NULL;
        timer_cancel(a->env, a->timer);
        a->on_reply(a->self, reply);
    }
    kesu__v1__control_reply__free_unpacked(reply, NULL);
}

int ask_open(struct env *env, const char *endpoint, struct ask **ret)
{
    struct ask *a = mem_zalloc(&env->mem, sizeof(*a));
    a->env = env;
    a->timer = timer_new(env, send, a);
    struct bus_client_opts opts = {.endpoint = endpoint, .on_message = on_message, .self = a};
    int r = bus_connect(env, &opts, &a->client);
    if (r < 0) {
        ask_close(a);
        return r;
    }
    *ret = a;
    return 0;
}

void ask_close(struct ask *a)
{
    if (a == NULL) return;
    bus_client_close(a->env, a->client);
    timer_free(a->env, a->timer);
    buf_unref(a->request);
    mem_free(&a->env->mem, a);
}

void ask_send(struct ask *a, Kesu__V1__ControlRequest *request, ask_on_reply on_reply, void *self)
{
    buf_unref(a->request);
    request->id = ++a->id;
    a->request = codec_pack_buf(request);
    a->on_reply = on_reply;
    a->self = self;
    send(a);
}
