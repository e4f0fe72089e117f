// SPDX-License-Identifier: Apache-2.0
// The same command for many cases: found, shown, asked for, then sent, some at
// a time, each for the version that was shown: what has changed since is refused,
// unless only a letter left or a clock moved on.
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "act.h"
#include "cases.h"
#include "check.h"
#include "clock.h"
#include "command.h"
#include "env_real.h"
#include "err.h"
#include "sched.h"

enum { WINDOW = 64, PREVIEW = 10, MOST_AGAIN = 5 };
#define TICK_US (250 * USEC_PER_MS)

struct batch;

struct item {
    struct batch *all;
    const Kesu__V1__CaseState *state;
    uint64_t version;
    unsigned again;
};

struct batch {
    struct cli *c;
    struct env *env;
    struct command_client *client;
    struct timer *timer;
    struct cli_act act;
    ProtobufCMessage *body;
    struct cli_cases found;
    struct item *items;
    size_t sent, answered, done, refused;
    int64_t progress_us;
    bool show_bar;
    int status;
};

static void draw(const struct batch *b)
{
    if (b->show_bar)
        cli_progress((double)b->answered / (double)b->found.n, "%zu done, %zu refused", b->done, b->refused);
}

static void send_more(struct batch *b);
static void send_item(struct batch *b, struct item *item);

// Did nobody touch the case since it was shown, but that a letter left or a clock moved on?
static bool is_as_shown(const Kesu__V1__Refused *r)
{
    static const char *const harmless[] = {"delivery_recorded", "clock_fired", "reply_sent"};
    for (size_t i = 0; i < r->n_changed; i++) {
        unsigned k = 0;
        while (k < 3 && strcmp(harmless[k], r->changed[i]) != 0) k++;
        if (k == 3) return false;
    }
    return r->code == KESU__V1__ERROR_CODE__E_STALE && r->n_changed > 0;
}

static void on_reply(void *self, const Kesu__V1__Reply *reply)
{
    struct item *item = self;
    struct batch *b = item->all;
    b->progress_us = clock_mono_us(b->env);
    if (reply->result_case == KESU__V1__REPLY__RESULT_REFUSED && item->again < MOST_AGAIN &&
        is_as_shown(reply->refused)) {
        item->again++;
        item->version = reply->refused->version;
        send_item(b, item);
        return;
    }
    b->answered++;
    if (reply->result_case == KESU__V1__REPLY__RESULT_ACCEPTED) {
        b->done++;
        if (b->c->json) cli_print_json(b->c, reply);
    } else if (reply->result_case == KESU__V1__REPLY__RESULT_REFUSED) {
        b->refused++;
        if (b->show_bar) fputc('\n', stderr);
        fprintf(stderr, "%s: ", item->state->number);
        b->status = cli_refused(b->c, reply->refused);
    }
    send_more(b);
}

static void send_item(struct batch *b, struct item *item)
{
    Kesu__V1__Command *k = NULL;
    cli_act_aim(&b->act, b->body, item->state->case_id);
    int status = cli_act_command(b->c, &b->act, b->body, &k);
    CHECK(status == 0);
    k->expected_case = KESU__V1__COMMAND__EXPECTED_EXPECTED_VERSION;
    k->expected_version = item->version;
    command_send(b->client, k->id.data, codec_pack(k, &b->c->arena), on_reply, item);
}

static void send_more(struct batch *b)
{
    while (b->sent < b->found.n && b->sent - b->answered < WINDOW) send_item(b, &b->items[b->sent++]);
    if (b->answered == b->found.n) env_stop(b->env, 0);
}

static void on_tick(void *self)
{
    struct batch *b = self;
    int64_t now = clock_mono_us(b->env);
    draw(b);
    if (now - b->progress_us > b->c->timeout_us) {
        b->status = cli_fail(b->c, CLI_UNAVAILABLE, "no answer from intake; %zu cases are unanswered",
                             b->found.n - b->answered);
        env_stop(b->env, 0);
        return;
    }
    timer_set(b->env, b->timer, now + TICK_US);
}

static int run(struct batch *b)
{
    struct place place = cli_place(b->c, "intake-people");
    struct command_client_opts opts = {.endpoint = place.endpoint, .client = "kesu", .keys = place.keys};
    int err = command_client_open(b->env, &opts, &b->client);
    if (err != 0) return cli_fail(b->c, CLI_INTERNAL, "%s", err_text(err));
    b->timer = timer_new(b->env, on_tick, b);
    b->progress_us = clock_mono_us(b->env);
    timer_set(b->env, b->timer, b->progress_us + TICK_US);
    send_more(b);
    sched_wake(b->env);
    env_real_run(b->c->real);
    timer_free(b->env, b->timer);
    command_client_close(b->client);
    if (b->show_bar) {
        draw(b);
        fputc('\n', stderr);
    }
    fprintf(b->c->json ? stderr : stdout, "%zu done, %zu refused, %zu unanswered\n", b->done, b->refused,
            b->found.n - b->answered);
    return b->status;
}

// What would be done to which; a person at a terminal says yes.
static int preview(struct batch *b)
{
    char line[16] = "";
    FILE *out = b->c->json ? stderr : stdout;
    fprintf(out, "%s for %zu cases%s\n", cli_act_dashed(b->c, b->act.command->name), b->found.n,
            b->found.next_before != 0 ? ", and there are more: see --limit" : "");
    if (!b->c->json) {
        cli_cases_head();
        for (size_t i = 0; i < b->found.n && i < PREVIEW; i++) cli_cases_row(b->found.cases[i]);
        if (b->found.n > PREVIEW) printf("and %zu more\n", b->found.n - PREVIEW);
    }
    if (cli_switch(b->c, "yes")) return 0;
    if (!isatty(STDIN_FILENO)) return cli_fail(b->c, CLI_USAGE, "nobody is there to confirm it: give --yes");
    fprintf(out, "Go on? Type yes: ");
    fflush(out);
    if (fgets(line, sizeof line, stdin) == NULL || strcmp(line, "yes\n") != 0)
        return cli_fail(b->c, CLI_NO, "not confirmed, nothing was done");
    return 0;
}

int cli_batch(struct cli *c)
{
    struct batch b = {.c = c, .env = cli_env(c), .show_bar = isatty(STDERR_FILENO) == 1};
    Kesu__V1__Command *tried = NULL;
    int64_t limit = 0;
    if (!cli_act_find(c->args[0], &b.act) || b.act.target == NULL ||
        strcmp(b.act.target->name, "case_id") != 0)
        return cli_fail(c, CLI_USAGE, "'%s' is no command on cases; 'kesu act --help' lists them",
                        c->args[0]);
    int status = cli_flag_int(c, "limit", 1, 100000, &limit);
    if (status == 0) status = cli_act_body(c, &b.act, c->args + 1, c->n_args - 1, &b.body);
    if (status == 0)
        status = cli_act_command(c, &b.act, b.body, &tried); // its flags, before anything is sent
    if (status == 0) status = cli_cases_find(c, (unsigned)limit, 0, &b.found);
    if (status != 0) return status;
    if (b.found.n == 0) {
        printf("no cases\n");
        return 0;
    }
    b.items = arena_alloc(&c->arena, b.found.n * sizeof *b.items);
    CHECK(b.items != NULL);
    for (size_t i = 0; i < b.found.n; i++)
        b.items[i] = (struct item){&b, b.found.cases[i], b.found.cases[i]->version, 0};
    status = preview(&b);
    return status == 0 ? run(&b) : status;
}
