// SPDX-License-Identifier: Apache-2.0
// What daemons keep in lists: clocks, workers, dead letters.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static int ask(struct cli *c, const char *endpoint, Kesu__V1__ControlRequest *request,
               Kesu__V1__ControlReply__BodyCase wanted, Kesu__V1__ControlReply **ret)
{
    int status = cli_ask(c, endpoint, request, &c->arena, ret);
    if (status != 0) return status;
    return (*ret)->body_case == wanted ? 0
                                       : cli_fail(c, CLI_INTERNAL, "%s answered something else", endpoint);
}

static const char *work_kind(const Kesu__V1__ArmedClock *k)
{
    if (k->work_id == 0) return "case";
    return strcmp(k->clock, "handover") == 0 ? "handover" : "8D";
}

int cli_clocks(struct cli *c)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__GetClocks get = KESU__V1__GET_CLOCKS__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    int64_t limit = 0;
    int status = cli_flag_int(c, "limit", 1, 1000, &limit);
    if (status != 0) return status;
    get.limit = (uint32_t)limit;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_GET_CLOCKS;
    request.get_clocks = &get;
    status = ask(c, "sla-watch-control", &request, KESU__V1__CONTROL_REPLY__BODY_CLOCK_LIST, &reply);
    if (status != 0) return status;
    const Kesu__V1__ClockList *l = reply->clock_list;
    for (size_t i = 0; i < l->n_clocks; i++) {
        char time[CLI_TEXT];
        const Kesu__V1__ArmedClock *k = l->clocks[i];
        if (c->json)
            cli_print_json(c, k);
        else
            printf("%s  %-16s %-12s %s %" PRIu64 "\n", cli_time(k->next_at, time), k->clock, k->next,
                   work_kind(k), k->work_id != 0 ? k->work_id : k->case_id);
    }
    if (!c->json) printf("%" PRIu64 " armed\n", l->armed);
    return 0;
}

int cli_workers(struct cli *c)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__GetWorkers get = KESU__V1__GET_WORKERS__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_GET_WORKERS;
    request.get_workers = &get;
    int status = ask(c, "routing-control", &request, KESU__V1__CONTROL_REPLY__BODY_WORKER_LIST, &reply);
    if (status != 0) return status;
    const Kesu__V1__WorkerList *l = reply->worker_list;
    if (!c->json) printf("%-24s %20s %8s %8s %12s\n", "worker", "epoch", "credit", "leased", "done");
    for (size_t i = 0; i < l->n_workers; i++) {
        const Kesu__V1__Worker *w = l->workers[i];
        if (c->json)
            cli_print_json(c, w);
        else
            printf("%-24s %20" PRIu64 " %8u %8u %12" PRIu64 "\n", w->name, w->epoch, (unsigned)w->credit,
                   (unsigned)w->leased, w->done);
    }
    if (!c->json) printf("%" PRIu64 " tasks wait, %" PRIu64 " are being worked on\n", l->queued, l->leased);
    return 0;
}

int cli_deadletters_list(struct cli *c)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__ListDeadLetters list = KESU__V1__LIST_DEAD_LETTERS__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    int64_t limit = 0;
    int status = cli_flag_int(c, "limit", 1, 1000, &limit);
    if (status != 0) return status;
    list.limit = (uint32_t)limit;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_LIST_DEAD_LETTERS;
    request.list_dead_letters = &list;
    status = ask(c, "notification-control", &request, KESU__V1__CONTROL_REPLY__BODY_DEAD_LETTER_LIST, &reply);
    if (status != 0) return status;
    const Kesu__V1__DeadLetterList *l = reply->dead_letter_list;
    for (size_t i = 0; i < l->n_letters; i++) {
        const Kesu__V1__DeadLetter *d = l->letters[i];
        char since[CLI_TEXT];
        if (c->json)
            cli_print_json(c, d);
        else
            printf("%8" PRIu64 "  %-10s case %" PRIu64 ", since %s, %u attempts%s: %s\n", d->cause_seq,
                   d->kind, d->case_id, cli_time(d->since, since), (unsigned)d->attempts,
                   d->held ? ", held since a rebuild" : "", cli_or(d->detail, "-"));
    }
    if (!c->json && l->n_letters == 0) printf("no dead letters\n");
    return 0;
}

int cli_deadletters_resend(struct cli *c)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__ResendDeadLetters resend = KESU__V1__RESEND_DEAD_LETTERS__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    if (strcmp(c->args[0], "all") != 0) {
        char *end = NULL;
        resend.cause_seq = strtoull(c->args[0], &end, 10);
        if (*end != '\0' || resend.cause_seq == 0)
            return cli_fail(c, CLI_USAGE, "found '%s', allowed are all, or a number of 'deadletters list'",
                            c->args[0]);
    }
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_RESEND_DEAD_LETTERS;
    request.resend_dead_letters = &resend;
    int status = ask(c, "notification-control", &request, KESU__V1__CONTROL_REPLY__BODY_DONE, &reply);
    if (status != 0) return status;
    if (c->json)
        cli_print_json(c, reply->done);
    else
        printf("%" PRIu64 " messages go again\n", reply->done->count);
    return 0;
}
