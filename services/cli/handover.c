// SPDX-License-Identifier: Apache-2.0
// Open work on its way from one shift to the next.
#include <inttypes.h>
#include <stdio.h>

#include "cli.h"

static void print_handover(struct cli *c, const Kesu__V1__HandoverState *h)
{
    char due[CLI_TEXT];
    if (c->json) {
        cli_print_json(c, h);
        return;
    }
    printf("%" PRIu64 "  %s to %s, %zu cases, %s %s\n", h->handover_id, h->from, h->to, h->n_case_ids,
           h->accepted   ? "accepted, was due"
           : h->breached ? "late, was to be accepted until"
                         : "to be accepted until",
           cli_time(h->due_at, due));
}

int cli_handover_list(struct cli *c)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__ListHandovers ask = KESU__V1__LIST_HANDOVERS__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    int64_t limit = 0;
    int status = cli_flag_int(c, "limit", 1, 1000, &limit);
    if (status != 0) return status;
    ask.limit = (uint32_t)limit;
    ask.open = cli_switch(c, "open");
    ask.to = (char *)(uintptr_t)cli_or(cli_flag(c, "to"), "");
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_LIST_HANDOVERS;
    request.list_handovers = &ask;
    status = cli_ask(c, "intake-control", &request, &c->arena, &reply);
    if (status != 0) return status;
    if (reply->body_case != KESU__V1__CONTROL_REPLY__BODY_HANDOVER_LIST)
        return cli_fail(c, CLI_INTERNAL, "intake answered something else");
    const Kesu__V1__HandoverList *l = reply->handover_list;
    for (size_t i = 0; i < l->n_handovers; i++) print_handover(c, l->handovers[i]);
    if (!c->json && l->n_handovers == 0) printf("no handovers\n");
    return 0;
}
