// SPDX-License-Identifier: Apache-2.0
// What people do to cases, and their coming and going.
#include <inttypes.h>
#include <stdio.h>

#include "cli.h"
#include "conf.h"

static char *text_of(const char *s)
{
    return (char *)(uintptr_t)s;
}

// A command on the case of the first argument, with the flags of all actions.
static int begin(struct cli *c, Kesu__V1__Command **ret, uint64_t *ret_case_id)
{
    Kesu__V1__Command *k = cli_new(c, &kesu__v1__command__descriptor);
    const char *as = cli_flag(c, "as");
    if (as != NULL) {
        if (strlen(as) > 64) return cli_fail(c, CLI_USAGE, "--as: longer than 64 bytes");
        k->actor = cli_new(c, &kesu__v1__actor__descriptor);
        k->actor->kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF;
        k->actor->name = text_of(as);
    }
    if (ret_case_id != NULL) {
        Kesu__V1__CaseDetail *d = NULL;
        int64_t version = -1;
        int status = cli_case(c, c->args[0], false, &d);
        if (status == 0) status = cli_flag_int(c, "expected-version", 1, INT64_MAX, &version);
        if (status != 0) return status;
        if (version >= 0) {
            k->expected_case = KESU__V1__COMMAND__EXPECTED_EXPECTED_VERSION;
            k->expected_version = (uint64_t)version;
        }
        *ret_case_id = d->state->case_id;
    }
    *ret = k;
    return 0;
}

static int finish(struct cli *c, Kesu__V1__Command *k)
{
    Kesu__V1__Reply *reply = NULL;
    int status = cli_send(c, "intake-people", k, &reply);
    if (status != 0) return status;
    if (c->json)
        cli_print_json(c, reply);
    else
        printf("%s: done, version %" PRIu64 " (event %" PRIu64 ")\n",
               cli_or(reply->accepted->number, c->args[0]), reply->accepted->version, reply->accepted->seq);
    return 0;
}

int cli_act_start(struct cli *c)
{
    Kesu__V1__Command *k = NULL;
    Kesu__V1__StartWork body = KESU__V1__START_WORK__INIT;
    int status = begin(c, &k, &body.case_id);
    if (status != 0) return status;
    k->body_case = KESU__V1__COMMAND__BODY_START_WORK;
    k->start_work = &body;
    return finish(c, k);
}

int cli_act_note(struct cli *c)
{
    Kesu__V1__Command *k = NULL;
    Kesu__V1__AddNote body = KESU__V1__ADD_NOTE__INIT;
    int status = begin(c, &k, &body.case_id);
    if (status != 0) return status;
    body.text = text_of(c->args[1]);
    k->body_case = KESU__V1__COMMAND__BODY_ADD_NOTE;
    k->add_note = &body;
    return finish(c, k);
}

int cli_act_resolve(struct cli *c)
{
    Kesu__V1__Command *k = NULL;
    Kesu__V1__ResolveCase body = KESU__V1__RESOLVE_CASE__INIT;
    int status = begin(c, &k, &body.case_id);
    if (status != 0) return status;
    body.summary = text_of(c->args[1]);
    k->body_case = KESU__V1__COMMAND__BODY_RESOLVE_CASE;
    k->resolve_case = &body;
    return finish(c, k);
}

int cli_act_close(struct cli *c)
{
    Kesu__V1__Command *k = NULL;
    Kesu__V1__CloseCase body = KESU__V1__CLOSE_CASE__INIT;
    int status = begin(c, &k, &body.case_id);
    if (status != 0) return status;
    body.cause = text_of(c->args[1]);
    body.lesson = text_of(cli_or(cli_flag(c, "lesson"), ""));
    k->body_case = KESU__V1__COMMAND__BODY_CLOSE_CASE;
    k->close_case = &body;
    return finish(c, k);
}

int cli_act_assign(struct cli *c)
{
    Kesu__V1__Command *k = NULL;
    Kesu__V1__AssignCase body = KESU__V1__ASSIGN_CASE__INIT;
    int status = begin(c, &k, &body.case_id);
    if (status != 0) return status;
    body.agent = text_of(c->args[1]);
    body.reason = text_of(cli_or(cli_flag(c, "reason"), "by hand"));
    k->body_case = KESU__V1__COMMAND__BODY_ASSIGN_CASE;
    k->assign_case = &body;
    return finish(c, k);
}

static int set_presence(struct cli *c, const char *agent, bool present, uint32_t capacity)
{
    Kesu__V1__Command *k = NULL;
    Kesu__V1__SetPresence body = KESU__V1__SET_PRESENCE__INIT;
    Kesu__V1__Reply *reply = NULL;
    int status = begin(c, &k, NULL);
    if (status != 0) return status;
    body.agent = text_of(agent);
    body.present = present;
    body.capacity = capacity;
    k->body_case = KESU__V1__COMMAND__BODY_SET_PRESENCE;
    k->set_presence = &body;
    status = cli_send(c, "intake-people", k, &reply);
    if (status != 0) return status;
    if (c->json)
        cli_print_json(c, reply);
    else
        printf("%s is %s, takes %u cases\n", agent, present ? "present" : "away", (unsigned)capacity);
    return 0;
}

int cli_act_presence(struct cli *c)
{
    bool present = strcmp(c->args[1], "on") == 0;
    int64_t capacity = 0;
    if (!present && strcmp(c->args[1], "off") != 0)
        return cli_fail(c, CLI_USAGE, "found '%s', allowed are on and off", c->args[1]);
    int status = cli_flag_int(c, "capacity", 0, 1000, &capacity);
    if (status != 0) return status;
    if (strcmp(c->args[0], "all") != 0) return set_presence(c, c->args[0], present, (uint32_t)capacity);

    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__ListAgents list = KESU__V1__LIST_AGENTS__INIT;
    Kesu__V1__ControlReply *reply = NULL;
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
