// SPDX-License-Identifier: Apache-2.0
// Cases of the register, newest first.
#include <inttypes.h>
#include <stdio.h>

#include "cli.h"

static void print_row(const Kesu__V1__CaseState *s)
{
    char stage[CLI_TEXT], severity[CLI_TEXT], channel[CLI_TEXT], time[CLI_TEXT];
    printf("%-14s %-11s %-3s %-20s %-12s %-14s %-8s %s\n", s->number,
           cli_word(&kesu__v1__stage__descriptor, (int)s->stage, stage),
           cli_word(&kesu__v1__severity__descriptor, (int)s->severity, severity), cli_or(s->category, "-"),
           cli_or(s->department, "-"), cli_or(s->agent, "-"),
           cli_word(&kesu__v1__channel__descriptor, (int)s->channel, channel), cli_time(s->opened_at, time));
}

int cli_list(struct cli *c)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__ListCases ask = KESU__V1__LIST_CASES__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    int64_t limit = 0, before = 0;
    int stage, severity;
    int status = cli_flag_int(c, "limit", 1, 1000, &limit);
    if (status == 0) status = cli_flag_int(c, "before", 0, INT64_MAX, &before);
    if (status == 0) status = cli_flag_enum(c, "stage", &kesu__v1__stage__descriptor, &stage);
    if (status == 0) status = cli_flag_enum(c, "severity", &kesu__v1__severity__descriptor, &severity);
    if (status != 0) return status;
    ask.limit = (uint32_t)limit;
    ask.before_case = (uint64_t)before;
    ask.stage = (Kesu__V1__Stage)stage;
    ask.severity = (Kesu__V1__Severity)severity;
    ask.department = (char *)(uintptr_t)cli_or(cli_flag(c, "department"), "");
    ask.agent = (char *)(uintptr_t)cli_or(cli_flag(c, "agent"), "");
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_LIST_CASES;
    request.list_cases = &ask;
    status = cli_ask(c, "intake-control", &request, &c->arena, &reply);
    if (status != 0) return status;
    if (reply->body_case != KESU__V1__CONTROL_REPLY__BODY_CASE_LIST)
        return cli_fail(c, CLI_INTERNAL, "intake answered something else");
    const Kesu__V1__CaseList *l = reply->case_list;
    if (!c->json && l->n_cases > 0)
        printf("%-14s %-11s %-3s %-20s %-12s %-14s %-8s %s\n", "number", "stage", "sev", "category",
               "department", "agent", "channel", "opened");
    for (size_t i = 0; i < l->n_cases; i++) {
        if (c->json)
            cli_print_json(c, l->cases[i]);
        else
            print_row(l->cases[i]);
    }
    if (!c->json && l->n_cases == 0) printf("no cases\n");
    if (!c->json && l->next_before != 0) printf("more: --before %" PRIu64 "\n", l->next_before);
    return 0;
}
