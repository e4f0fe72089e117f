// SPDX-License-Identifier: Apache-2.0
// One command to intake, and its answer in words.
#include <inttypes.h>
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

static size_t add_list(char *text, size_t size, size_t n, const char *head, char *const *words,
                       size_t n_words)
{
    for (size_t i = 0; i < n_words && n < size; i++)
        n += (size_t)snprintf(text + n, size - n, "%s%s", i > 0 ? ", " : head, words[i]);
    return n < size ? n : size - 1;
}

int cli_refused(const struct cli *c, const Kesu__V1__Refused *r)
{
    char more[1024] = "";
    bool retry = r->disposition == KESU__V1__DISPOSITION__DISPOSITION_RETRY;
    bool stage = r->code == KESU__V1__ERROR_CODE__E_STAGE;
    size_t n =
        add_list(more, sizeof more, 0, stage ? "; possible now: " : "; allowed: ", r->allowed, r->n_allowed);
    if (r->version != 0 && n < sizeof more)
        n += (size_t)snprintf(more + n, sizeof more - n, "; it is at version %" PRIu64 " now", r->version);
    if (n < sizeof more) add_list(more, sizeof more, n, ", since then: ", r->changed, r->n_changed);
    return cli_fail(c, retry ? CLI_TEMPORARY : CLI_DATA, "refused: %s%s%s: %s%s%s", err_name(-(int)r->code),
                    r->field[0] != '\0' ? " at " : "", r->field, cli_or(r->reason, err_text(-(int)r->code)),
                    more, retry ? "; the same may succeed later" : "");
}
