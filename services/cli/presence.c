// SPDX-License-Identifier: Apache-2.0
// The coming and going of agents: one, or all of the policy.
#include <stdio.h>

#include "act.h"
#include "check.h"

static int set_presence(struct cli *c, const char *agent, bool present, uint32_t capacity)
{
    Kesu__V1__SetPresence *body = cli_new(c, &kesu__v1__set_presence__descriptor);
    Kesu__V1__Command *k = NULL;
    Kesu__V1__Reply *reply = NULL;
    struct cli_act a;
    CHECK(cli_act_find("set_presence", &a));
    body->agent = (char *)(uintptr_t)agent;
    body->present = present;
    body->capacity = capacity;
    int status = cli_act_command(c, &a, &body->base, &k);
    if (status == 0) status = cli_send(c, "intake-people", k, &reply);
    if (status != 0) return status;
    if (c->json)
        cli_print_json(c, reply);
    else
        printf("%s is %s, takes %u cases\n", agent, present ? "present" : "away", (unsigned)capacity);
    return 0;
}

int cli_presence(struct cli *c)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__ListAgents list = KESU__V1__LIST_AGENTS__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    int64_t capacity = 0;
    if (c->n_args != 3) return cli_fail(c, CLI_USAGE, "it takes: kesu act presence AGENT|all on|off");
    const char *agent = c->args[1];
    bool present = strcmp(c->args[2], "on") == 0;
    if (!present && strcmp(c->args[2], "off") != 0)
        return cli_fail(c, CLI_USAGE, "found '%s', allowed are on and off", c->args[2]);
    int status = cli_flag_int(c, "capacity", 0, 1000, &capacity);
    if (status != 0) return status;
    if (strcmp(agent, "all") != 0) return set_presence(c, agent, present, (uint32_t)capacity);

    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_LIST_AGENTS;
    request.list_agents = &list;
    status = cli_ask(c, "intake-control", &request, &c->arena, &reply);
    if (status != 0) return status;
    if (reply->body_case != KESU__V1__CONTROL_REPLY__BODY_AGENT_LIST)
        return cli_fail(c, CLI_INTERNAL, "intake answered something else");
    if (reply->agent_list->n_agents == 0) return cli_fail(c, CLI_DATA, "the policy in force has no agents");
    for (size_t i = 0; i < reply->agent_list->n_agents && status == 0; i++)
        status = set_presence(c, reply->agent_list->agents[i]->agent, present, (uint32_t)capacity);
    return status;
}
