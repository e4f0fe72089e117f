// SPDX-License-Identifier: Apache-2.0
// The daemons and their folds.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "daemons.h"

const struct cli_daemon cli_daemons[] = {
    {"intake", false},      {"routing", true},   {"sla-watch", true},
    {"notification", true}, {"analytics", true}, {NULL, false},
};

Kesu__V1__Info *cli_daemon_info(struct cli *c, const char *name, int64_t timeout_us, struct arena *arena)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__GetInfo get = KESU__V1__GET_INFO__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_INFO;
    request.info = &get;
    char *socket = arena_printf(arena, "%s-control", name);
    if (cli_try(c, socket, &request, timeout_us, arena, &reply) != 0) return NULL;
    return reply->body_case == KESU__V1__CONTROL_REPLY__BODY_INFO ? reply->info : NULL;
}

static void print_line(const struct cli_daemon *d, const Kesu__V1__Info *i, uint64_t head, int64_t now)
{
    char up[CLI_TEXT];
    bool halted = strncmp(i->not_ready_because, "halted", strlen("halted")) == 0;
    uint64_t at = d->is_fold ? i->folded_seq : i->head_seq;
    printf("%-14s %-7s at %-10" PRIu64, d->name, i->ready ? "ready" : halted ? "halted" : "waits", at);
    if (d->is_fold && head > at)
        printf(" %10" PRIu64 " behind", head - at);
    else
        printf(" %17s", "");
    printf("  %4u unanswered  up %s", (unsigned)i->outbox, cli_duration(now - i->started_at, up));
    if (!i->ready) printf("  (%s)", i->not_ready_because);
    putchar('\n');
}

void cli_daemons_print(struct cli *c, struct arena *arena, int64_t timeout_us, unsigned *ret_silent)
{
    uint64_t head = 0;
    *ret_silent = 0;
    for (const struct cli_daemon *d = cli_daemons; d->name != NULL; d++) {
        Kesu__V1__Info *i = cli_daemon_info(c, d->name, timeout_us, arena);
        if (i == NULL) {
            ++*ret_silent;
            if (!c->json) printf("%-14s does not answer\n", d->name);
            continue;
        }
        if (!d->is_fold) head = i->head_seq;
        if (c->json)
            cli_print_json(c, i);
        else
            print_line(d, i, head, clock_wall_us(cli_env(c)));
    }
}

int cli_fold_list(struct cli *c)
{
    unsigned silent;
    int64_t each = c->timeout_us < 2 * USEC_PER_SEC ? c->timeout_us : 2 * USEC_PER_SEC;
    cli_daemons_print(c, &c->arena, each, &silent);
    return silent == 0 ? 0 : CLI_UNAVAILABLE;
}

static int check_name(struct cli *c)
{
    for (const struct cli_daemon *d = cli_daemons; d->name != NULL; d++)
        if (d->is_fold && strcmp(d->name, c->args[0]) == 0) return 0;
    return cli_fail(c, CLI_USAGE, "no fold '%s'; there are: routing, sla-watch, notification, analytics",
                    c->args[0]);
}

int cli_fold_verify(struct cli *c)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__VerifyFold verify = KESU__V1__VERIFY_FOLD__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    int status = check_name(c);
    if (status != 0) return status;
    if (!cli_switch(c, "timeout")) c->timeout_us = 10 * USEC_PER_MIN; // it reads the whole journal
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_VERIFY_FOLD;
    request.verify_fold = &verify;
    status = cli_ask(c, arena_printf(&c->arena, "%s-control", c->args[0]), &request, &c->arena, &reply);
    if (status != 0) return status;
    if (reply->body_case != KESU__V1__CONTROL_REPLY__BODY_FOLD_VERIFIED)
        return cli_fail(c, CLI_INTERNAL, "%s answered something else", c->args[0]);
    const Kesu__V1__FoldVerified *v = reply->fold_verified;
    if (c->json)
        cli_print_json(c, v);
    else if (v->same)
        printf("%s: the same at event %" PRIu64 "\n", c->args[0], v->seq);
    else
        printf("%s: differs at event %" PRIu64 ": %s\n", c->args[0], v->seq, v->difference);
    return v->same ? 0 : CLI_NO;
}

int cli_fold_rebuild(struct cli *c)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__RebuildFold rebuild = KESU__V1__REBUILD_FOLD__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    int status = check_name(c);
    if (status != 0) return status;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_REBUILD_FOLD;
    request.rebuild_fold = &rebuild;
    status = cli_ask(c, arena_printf(&c->arena, "%s-control", c->args[0]), &request, &c->arena, &reply);
    if (status != 0) return status;
    if (c->json)
        cli_print_json(c, reply);
    else
        printf("%s folds again from the first event; 'kesu fold list' shows how far it is\n", c->args[0]);
    return 0;
}

int cli_fold_skip(struct cli *c)
{
    Kesu__V1__Command *k = cli_new(c, &kesu__v1__command__descriptor);
    Kesu__V1__SkipEvent skip = KESU__V1__SKIP_EVENT__INIT;
    Kesu__V1__Reply *reply = NULL;
    char *end = NULL;
    int status = check_name(c);
    if (status != 0) return status;
    skip.fold = (char *)(uintptr_t)c->args[0];
    skip.seq = strtoull(c->args[1], &end, 10);
    skip.reason = (char *)(uintptr_t)c->args[2];
    if (*end != '\0' || skip.seq == 0)
        return cli_fail(c, CLI_USAGE, "found '%s', allowed is the number of an event", c->args[1]);
    k->body_case = KESU__V1__COMMAND__BODY_SKIP_EVENT;
    k->skip_event = &skip;
    status = cli_send(c, "intake-people", k, &reply);
    if (status != 0) return status;
    if (c->json)
        cli_print_json(c, reply);
    else
        printf("%s steps over event %" PRIu64 "\n", c->args[0], skip.seq);
    return 0;
}

int cli_clock_accept(struct cli *c)
{
    Kesu__V1__Command *k = cli_new(c, &kesu__v1__command__descriptor);
    Kesu__V1__AcceptClock accept = KESU__V1__ACCEPT_CLOCK__INIT;
    Kesu__V1__Reply *reply = NULL;
    accept.reason = (char *)(uintptr_t)c->args[0];
    k->body_case = KESU__V1__COMMAND__BODY_ACCEPT_CLOCK;
    k->accept_clock = &accept;
    int status = cli_send(c, "intake-people", k, &reply);
    if (status != 0) return status;
    if (c->json)
        cli_print_json(c, reply);
    else
        printf("the wall clock is accepted\n");
    return 0;
}
