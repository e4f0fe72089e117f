// SPDX-License-Identifier: Apache-2.0
// Control and query requests: connect, send once it can be sent, wait for the
// answer with the request's id, or for the time to be over.
#include <stdio.h>

#include "bus.h"
#include "check.h"
#include "cli.h"
#include "clock.h"
#include "due.h"
#include "env_real.h"
#include "err.h"
#include "sched.h"

struct asking {
    struct env *env;
    struct bus_client *client;
    struct timer *timer;
    struct span request;
    uint64_t id;
    int64_t end_us;
    bool sent;
    struct arena *arena;
    Kesu__V1__ControlReply *reply;
    int err;
};

static void try_send(struct asking *a)
{
    if (!a->sent) a->sent = bus_send(a->env, a->client, a->request, NULL) == 0;
}

static void on_tick(void *self)
{
    struct asking *a = self;
    int64_t now = clock_mono_us(a->env);
    if (now >= a->end_us) {
        a->err = E_TIMEOUT;
        env_stop(a->env, 0);
        return;
    }
    try_send(a);
    int64_t next = a->sent ? a->end_us : now + 10 * USEC_PER_MS;
    timer_set(a->env, a->timer, next < a->end_us ? next : a->end_us);
}

static void on_reply(void *self, const struct bus_msg *msg)
{
    struct asking *a = self;
    struct codec_error e;
    Kesu__V1__ControlReply *reply = NULL;
    int err = codec_unpack(&kesu__v1__control_reply__descriptor, msg->head, a->arena, &reply, &e);
    if (err == 0 && reply->id != a->id) return;
    a->reply = reply;
    a->err = err;
    env_stop(a->env, 0);
}

int cli_try(struct cli *c, const char *name, Kesu__V1__ControlRequest *request, int64_t timeout_us,
            struct arena *arena, Kesu__V1__ControlReply **ret)
{
    static uint64_t last_id;
    struct env *env = cli_env(c);
    struct asking a = {.env = env, .arena = arena, .id = ++last_id};
    request->id = a.id;
    a.request = codec_pack(request, arena);
    a.end_us = clock_mono_us(env) + timeout_us;
    struct place place;
    int err = cli_find_place(c, name, &place);
    if (err != 0) return err;
    struct bus_client_opts opts = {.endpoint = place.endpoint,
                                   .keys = place.keys,
                                   .on_message = on_reply,
                                   .self = &a,
                                   .max_bytes = 64 << 20};
    err = bus_connect(env, &opts, &a.client);
    if (err != 0) return err;
    a.timer = timer_new(env, on_tick, &a);
    timer_set(env, a.timer, clock_mono_us(env));
    a.err = E_CLOSED;
    env_real_run(c->real);
    timer_free(env, a.timer);
    bus_client_close(env, a.client);
    if (a.err == 0) *ret = a.reply;
    return a.err;
}

int cli_ask(struct cli *c, const char *name, Kesu__V1__ControlRequest *request, struct arena *arena,
            Kesu__V1__ControlReply **ret)
{
    struct place place = cli_place(c, name);
    int err = cli_try(c, name, request, c->timeout_us, arena, ret);
    if (err == E_CLOSED) return cli_fail(c, CLI_UNAVAILABLE, "interrupted");
    if (err == E_TIMEOUT)
        return cli_fail(c, CLI_UNAVAILABLE, "no answer at %s; is it running%s", place.endpoint,
                        place.keys != NULL ? ", and is our key in its list?" : "? ('kesu up' starts all)");
    if (err != 0) return cli_fail(c, CLI_INTERNAL, "%s: %s", name, err_text(err));
    if ((*ret)->body_case == KESU__V1__CONTROL_REPLY__BODY_REFUSED) return cli_refused(c, (*ret)->refused);
    return 0;
}

int cli_info(struct cli *c, const char *daemon, Kesu__V1__Info **ret)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__GetInfo get = KESU__V1__GET_INFO__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_INFO;
    request.info = &get;
    char *endpoint = arena_printf(&c->arena, "%s-control", daemon);
    int status = cli_ask(c, endpoint, &request, &c->arena, &reply);
    if (status != 0) return status;
    if (reply->body_case != KESU__V1__CONTROL_REPLY__BODY_INFO)
        return cli_fail(c, CLI_INTERNAL, "%s answered something else", daemon);
    *ret = reply->info;
    return 0;
}

static int ask_case(struct cli *c, const char *text, bool personal, const char *reader,
                    Kesu__V1__CaseDetail **ret)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__GetCase get = KESU__V1__GET_CASE__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    unsigned yymm;
    uint64_t serial;
    if (due_parse_number(text, &yymm, &serial) == 0) {
        get.which_case = KESU__V1__GET_CASE__WHICH_NUMBER;
        get.number = (char *)(uintptr_t)text;
    } else {
        unsigned long long id;
        char end;
        if (sscanf(text, "%llu%c", &id, &end) != 1 || id == 0)
            return cli_fail(c, CLI_USAGE, "'%s' is neither a number like 2611-000042 nor a case id", text);
        get.which_case = KESU__V1__GET_CASE__WHICH_CASE_ID;
        get.case_id = id;
    }
    get.personal = personal;
    if (reader != NULL) get.reader = (char *)(uintptr_t)reader;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_GET_CASE;
    request.get_case = &get;
    int status = cli_ask(c, "intake-control", &request, &c->arena, &reply);
    if (status != 0) return status;
    if (reply->body_case != KESU__V1__CONTROL_REPLY__BODY_CASE_DETAIL || reply->case_detail->state == NULL)
        return cli_fail(c, CLI_INTERNAL, "intake answered something else");
    *ret = reply->case_detail;
    return 0;
}

int cli_case(struct cli *c, const char *text, Kesu__V1__CaseDetail **ret)
{
    return ask_case(c, text, false, NULL, ret);
}

int cli_case_read(struct cli *c, const char *text, bool personal, Kesu__V1__CaseDetail **ret)
{
    return ask_case(c, text, personal, cli_switch(c, "as") ? cli_flag(c, "as") : NULL, ret);
}
