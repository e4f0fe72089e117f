// SPDX-License-Identifier: Apache-2.0
// A run of the demo: at the rate, every fifteen seconds for three of them at
// five times that, a complaint is invented and sent to intake, or dropped as a
// mail. With --follow it waits until every service has accounted for each.
#include "demo_run.h"

#include <inttypes.h>
#include <stdio.h>

#include "check.h"
#include "clock.h"
#include "command.h"
#include "env_real.h"
#include "err.h"
#include "sched.h"
#include "stats_ask.h"
#include "uuid.h"

enum { COMPLAINT_ARENA = 1 << 20, CAPACITY = 1000, BURST_TIMES = 5, MAIL_EVERY = 5 };
#define TICK_US        (20 * USEC_PER_MS)
#define CHECK_US       (500 * USEC_PER_MS)
#define REPORT_US      (10 * USEC_PER_SEC)
#define BURST_EVERY_US (15 * USEC_PER_SEC)
#define BURST_US       (3 * USEC_PER_SEC)

static void on_tick(void *self)
{
    env_stop(((struct demo *)self)->env, 0);
}

static void on_signal(void *self, int signal)
{
    struct demo *d = self;
    (void)signal;
    d->stop = true;
    env_stop(d->env, 0);
}

static void on_reply(void *self, const Kesu__V1__Reply *reply)
{
    struct demo *d = self;
    d->answered++;
    if (reply->result_case == KESU__V1__REPLY__RESULT_REFUSED) {
        d->refused++;
        d->status = cli_refused(d->c, reply->refused);
    } else if (!d->o->follow && reply->accepted != NULL) {
        printf("%s\n", reply->accepted->number);
    }
}

static struct demo_item *add_item(struct demo *d, const struct demo_complaint *k)
{
    struct demo_item *i = mem_zalloc(&mem_libc, sizeof *i);
    if (d->n_items == d->items_size) {
        unsigned before = d->items_size;
        d->items_size = before > 0 ? before * 2 : 64;
        d->items = mem_realloc(&mem_libc, d->items, d->items_size * sizeof d->items[0]);
        d->mailed = mem_realloc(&mem_libc, d->mailed, d->items_size * sizeof d->mailed[0]);
        memset(d->mailed + before, 0, (d->items_size - before) * sizeof d->mailed[0]);
    }
    i->serial = d->n_items;
    i->sent_us = clock_mono_us(d->env);
    size_t n = codec_utf8_prefix(span_str(k->gist), sizeof i->gist - 1);
    memcpy(i->gist, k->gist, n);
    d->items[d->n_items++] = i;
    return i;
}

static void send_one(struct demo *d)
{
    struct cli *c = d->c;
    struct demo_complaint k;
    struct arena kept = c->arena; // everything of this complaint comes from an arena of its own
    arena_init(&c->arena, &mem_libc, COMPLAINT_ARENA);
    unsigned serial = d->n_items;
    demo_invent(c, &d->random, &c->arena, d->run, serial, &k);
    struct demo_item *i = add_item(d, &k);
    i->by_mail = d->o->incoming != NULL && serial % MAIL_EVERY == MAIL_EVERY - 1;
    if (i->by_mail) {
        int status = demo_mail_drop(c, d->o->incoming, &k, d->run, serial);
        d->answered++;
        if (status != 0) d->status = status;
    } else {
        Kesu__V1__Command *command = cli_new(c, &kesu__v1__command__descriptor);
        command->body_case = KESU__V1__COMMAND__BODY_RECEIVE_MESSAGE;
        command->receive_message = k.message;
        cli_command_prepare(c, command);
        command_send(d->client, command->id.data, codec_pack(command, &c->arena), on_reply, d);
    }
    arena_deinit(&c->arena);
    c->arena = kept;
}

static void send_due(struct demo *d)
{
    int64_t now = clock_mono_us(d->env);
    while (d->next_us <= now && (d->o->complaints == 0 || d->n_items < d->o->complaints)) {
        bool burst = (d->next_us - d->start_us) % BURST_EVERY_US >= BURST_EVERY_US - BURST_US;
        send_one(d);
        d->next_us += USEC_PER_SEC / (int64_t)d->o->rate / (burst ? BURST_TIMES : 1) + 1;
    }
}

static int set_present(struct demo *d)
{
    struct cli *c = d->c;
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__ListAgents list = KESU__V1__LIST_AGENTS__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_LIST_AGENTS;
    request.list_agents = &list;
    int status = cli_ask(c, "intake-control", &request, &c->arena, &reply);
    if (status != 0) return status;
    if (reply->body_case != KESU__V1__CONTROL_REPLY__BODY_AGENT_LIST || reply->agent_list->n_agents == 0)
        return cli_fail(c, CLI_DATA, "the policy in force has no agents");
    for (size_t i = 0; i < reply->agent_list->n_agents && status == 0; i++) {
        Kesu__V1__Command *k = cli_new(c, &kesu__v1__command__descriptor);
        Kesu__V1__SetPresence *presence = cli_new(c, &kesu__v1__set_presence__descriptor);
        Kesu__V1__Reply *answer = NULL;
        presence->agent = reply->agent_list->agents[i]->agent;
        presence->present = true;
        presence->capacity = CAPACITY;
        k->body_case = KESU__V1__COMMAND__BODY_SET_PRESENCE;
        k->set_presence = presence;
        status = cli_send(c, "intake-people", k, &answer);
    }
    if (status == 0) printf("%zu agents are present\n", reply->agent_list->n_agents);
    return status;
}

static int prepare(struct demo *d)
{
    uint32_t run;
    Kesu__V1__Stats *before = NULL;
    env_random(d->env, &run, sizeof run);
    snprintf(d->run, sizeof d->run, "%08" PRIx32, run);
    if (d->o->follow) {
        int status = demo_check_ready(d);
        if (status == 0) status = set_present(d);
        if (status == 0) status = cli_stats_ask(d->c, NULL, 0, 0, &d->c->arena, &before);
        if (status == 0) status = demo_watch_open(d);
        if (status != 0) return status;
        d->opened_before = before->opened;
    }
    struct place place = cli_place(d->c, "intake-new");
    struct command_client_opts opts = {.endpoint = place.endpoint, .client = "kesu-demo", .keys = place.keys};
    int err = command_client_open(d->env, &opts, &d->client);
    return err == 0 ? 0 : cli_fail(d->c, CLI_INTERNAL, "%s", err_text(err));
}

static bool all_sent(const struct demo *d)
{
    return d->o->complaints > 0 && d->n_items >= d->o->complaints;
}

static int say_end(struct demo *d, bool whole)
{
    char took[CLI_TEXT];
    unsigned mails = 0;
    for (unsigned i = 0; i < d->n_items; i++) mails += d->items[i]->by_mail ? 1 : 0;
    cli_duration(clock_mono_us(d->env) - d->start_us, took);
    if (whole) {
        printf("all %u complaints (%u of them mails) are accounted for after %s: in the journal, classified, "
               "assigned by "
               "routing, clocks at sla-watch, counted by analytics",
               d->n_items, mails, took);
        if (d->o->maildir != NULL) printf(", receipts in the mailbox");
        printf("\n");
        return d->status;
    }
    if (d->stop) return d->status;
    demo_check_all(d, true);
    return cli_fail(d->c, CLI_NO, "not all of %u complaints are accounted for after %s", d->n_items, took);
}

// While it goes on for ever: what the others say so far.
static void report(struct demo *d)
{
    struct arena a;
    Kesu__V1__Stats *s = NULL;
    timer_cancel(d->env, d->timer);
    if (d->o->maildir != NULL) d->n_mailed += demo_mail_find(d->o->maildir, d->run, d->mailed, d->n_items);
    arena_init(&a, &mem_libc, COMPLAINT_ARENA);
    if (cli_stats_ask(d->c, NULL, 0, 0, &a, &s) == 0) {
        printf("%u complaints sent; analytics counts %" PRIu64 " opened, %" PRIu64 " classified, %" PRIu64
               " assigned",
               d->n_items, s->opened - d->opened_before, s->classified, s->assigned);
        if (d->o->maildir != NULL) printf("; %u receipts in the mailbox", d->n_mailed);
        printf("\n");
    }
    arena_deinit(&a);
    fflush(stdout);
}

static int go(struct demo *d)
{
    int64_t end = d->start_us + d->o->limit_us, next_check = 0;
    while (!d->stop) {
        timer_set(d->env, d->timer, clock_mono_us(d->env) + TICK_US);
        env_real_run(d->c->real);
        send_due(d);
        int64_t now = clock_mono_us(d->env);
        if (d->o->complaints == 0 && d->o->follow && now >= next_check) {
            if (next_check > 0) report(d);
            next_check = now + REPORT_US;
        }
        if (!all_sent(d)) continue;
        if (!d->o->follow && d->answered >= d->n_items) return d->status;
        if (!d->o->follow && now > end) return cli_fail(d->c, CLI_UNAVAILABLE, "no answer from intake");
        if (!d->o->follow || now < next_check) continue;
        timer_cancel(d->env, d->timer);
        if (d->refused == 0 && demo_check_all(d, false)) return say_end(d, true);
        if (now > end || d->refused > 0) return say_end(d, false);
        next_check = now + CHECK_US;
    }
    return say_end(d, false);
}

int demo_run(struct cli *c, const struct demo_options *o)
{
    struct demo d = {.c = c, .env = cli_env(c), .o = o, .random = {o->seed}};
    env_real_on_signal(c->real, on_signal, &d);
    d.timer = timer_new(d.env, on_tick, &d);
    int status = prepare(&d);
    d.start_us = d.next_us = clock_mono_us(d.env);
    if (status == 0) status = go(&d);
    timer_free(d.env, d.timer);
    command_client_close(d.client);
    demo_watch_close(&d);
    for (unsigned i = 0; i < d.n_items; i++) mem_free(&mem_libc, d.items[i]);
    mem_free(&mem_libc, d.items);
    mem_free(&mem_libc, d.mailed);
    return status;
}
