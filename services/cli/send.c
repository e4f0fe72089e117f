// SPDX-License-Identifier: Apache-2.0
// One command to intake, and its answer in words.
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "cli.h"
#include "clock.h"
#include "command.h"
#include "env_real.h"
#include "err.h"
#include "sched.h"
#include "uuid.h"

struct sending {
    struct env *env;
    struct arena *arena;
    Kesu__V1__Reply *reply;
    int err;
};

// Who sits at this terminal.
static const char *user_name(void)
{
    const struct passwd *p = getpwuid(getuid());
    return p != NULL ? p->pw_name : "operator";
}

void cli_command_prepare(struct cli *c, Kesu__V1__Command *command)
{
    if (command->id.len == 0) {
        uint8_t *id = arena_alloc(&c->arena, UUID_BYTES);
        CHECK(id != NULL);
        uuid_new(cli_env(c), id);
        command->id = (ProtobufCBinaryData){UUID_BYTES, id};
    }
    if (command->actor != NULL) return;
    command->actor = cli_new(c, &kesu__v1__actor__descriptor);
    command->actor->kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR;
    char *name = arena_strdup(&c->arena, user_name());
    if (strlen(name) > 64) name[64] = '\0';
    command->actor->name = name;
}

static void on_reply(void *self, const Kesu__V1__Reply *reply)
{
    struct sending *s = self;
    struct codec_error e;
    struct span bytes = codec_pack(reply, s->arena);
    s->err = codec_unpack(&kesu__v1__reply__descriptor, bytes, s->arena, &s->reply, &e);
    env_stop(s->env, 0);
}

static void on_timeout(void *self)
{
    struct sending *s = self;
    s->err = E_TIMEOUT;
    env_stop(s->env, 0);
}

int cli_send(struct cli *c, const char *lane, Kesu__V1__Command *command, Kesu__V1__Reply **ret)
{
    struct env *env = cli_env(c);
    struct sending s = {.env = env, .arena = &c->arena, .err = E_CLOSED};
    struct command_client *client = NULL;
    cli_command_prepare(c, command);
    struct place place = cli_place(c, lane);
    struct command_client_opts opts = {.endpoint = place.endpoint, .client = "kesu", .keys = place.keys};
    int err = command_client_open(env, &opts, &client);
    if (err != 0) return cli_fail(c, CLI_INTERNAL, "%s", err_text(err));
    struct timer *timer = timer_new(env, on_timeout, &s);
    timer_set(env, timer, clock_mono_us(env) + c->timeout_us);
    command_send(client, command->id.data, codec_pack(command, &c->arena), on_reply, &s);
    sched_wake(env);
    env_real_run(c->real);
    timer_free(env, timer);
    command_client_close(client);
    if (s.err == E_CLOSED)
        return cli_fail(c, CLI_UNAVAILABLE, "interrupted; the command may have been taken");
    if (s.err == E_TIMEOUT)
        return cli_fail(c, CLI_UNAVAILABLE, "no answer from intake at %s; the command may have been taken",
                        c->run_dir);
    if (s.err != 0) return cli_fail(c, CLI_INTERNAL, "intake: %s", err_text(s.err));
    if (s.reply->result_case == KESU__V1__REPLY__RESULT_REFUSED) return cli_refused(c, s.reply->refused);
    if (s.reply->result_case != KESU__V1__REPLY__RESULT_ACCEPTED)
        return cli_fail(c, CLI_INTERNAL, "intake answered something else");
    *ret = s.reply;
    return 0;
}

int cli_refused(const struct cli *c, const Kesu__V1__Refused *r)
{
    char allowed[512] = "";
    size_t n = 0;
    for (size_t i = 0; i < r->n_allowed && n < sizeof allowed; i++)
        n += (size_t)snprintf(allowed + n, sizeof allowed - n, "%s%s",
                              i > 0 ? ", " : " (possible: ", r->allowed[i]);
    if (n > 0 && n + 1 < sizeof allowed) snprintf(allowed + n, sizeof allowed - n, ")");
    bool retry = r->disposition == KESU__V1__DISPOSITION__DISPOSITION_RETRY;
    return cli_fail(c, retry ? CLI_TEMPORARY : CLI_DATA, "refused: %s%s%s: %s%s%s", err_name(-(int)r->code),
                    r->field[0] != '\0' ? " at " : "", r->field, cli_or(r->reason, err_text(-(int)r->code)),
                    allowed, retry ? "; the same may succeed later" : "");
}
