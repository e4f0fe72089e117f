// SPDX-License-Identifier: Apache-2.0
// Many complaints of one thing: which there are, and the members of one.
#include <inttypes.h>
#include <stdio.h>

#include "cli.h"
#include "eightd.h"
#include "field.h"

static const char indent[] = "                               ";

static void print_incident(const Kesu__V1__IncidentState *s)
{
    printf("%" PRIu64 "  %s%s, %u members%s%s%s%s%s%s\n", s->incident_id, s->title,
           s->closed ? " (closed)" : "", (unsigned)s->members, s->lot[0] != '\0' ? ", lot " : "", s->lot,
           s->lot_held ? " held" : "", s->lead[0] != '\0' ? ", lead " : "", s->lead,
           s->n_open_eightds > 0 ? ", 8D open" : "");
}

static int ask(struct cli *c, Kesu__V1__ControlRequest *request, Kesu__V1__ControlReply__BodyCase wanted,
               Kesu__V1__ControlReply **ret)
{
    int status = cli_ask(c, "intake-control", request, &c->arena, ret);
    if (status != 0) return status;
    return (*ret)->body_case == wanted ? 0 : cli_fail(c, CLI_INTERNAL, "intake answered something else");
}

int cli_incident_list(struct cli *c)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__ListIncidents list = KESU__V1__LIST_INCIDENTS__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    int64_t limit = 0;
    int status = cli_flag_int(c, "limit", 1, 1000, &limit);
    if (status != 0) return status;
    list.limit = (uint32_t)limit;
    list.open = cli_switch(c, "open");
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_LIST_INCIDENTS;
    request.list_incidents = &list;
    status = ask(c, &request, KESU__V1__CONTROL_REPLY__BODY_INCIDENT_LIST, &reply);
    if (status != 0) return status;
    const Kesu__V1__IncidentList *l = reply->incident_list;
    for (size_t i = 0; i < l->n_incidents; i++) {
        if (c->json)
            cli_print_json(c, l->incidents[i]);
        else
            print_incident(l->incidents[i]);
    }
    if (!c->json && l->n_incidents == 0) printf("no incidents\n");
    return 0;
}

static void print_member(const Kesu__V1__IncidentMember *m)
{
    char stage[CLI_TEXT], language[CLI_TEXT];
    printf("  %-14s %-15s %-8s %-14s%s%s\n", m->number,
           cli_word(&kesu__v1__stage__descriptor, (int)m->stage, stage),
           cli_word(&kesu__v1__language__descriptor, (int)m->language, language), cli_or(m->agent, "-"),
           m->answer_seq != 0 ? " answered" : "", m->representative ? ", speaks for all" : "");
}

static int print_events(struct cli *c, const Kesu__V1__IncidentDetail *d)
{
    for (size_t i = 0; i < d->n_events; i++) {
        const Kesu__V1__EventRecord *r = d->events[i];
        struct codec_error error;
        Kesu__V1__Event *e = NULL;
        if (codec_unpack(&kesu__v1__event__descriptor, span_of(r->event.data, r->event.len), &c->arena, &e,
                         &error) != 0)
            return cli_fail(c, CLI_INTERNAL, "event %" PRIu64 ": %s: %s", r->seq, error.field, error.reason);
        cli_story_event(e, r->seq, r->block_time, 0, indent);
    }
    return 0;
}

int cli_incident_show(struct cli *c)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__GetIncident get = KESU__V1__GET_INCIDENT__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    int status = cli_field_id(c, "ID", c->args[0], &get.incident_id);
    get.limit = 1000;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_GET_INCIDENT;
    request.get_incident = &get;
    for (bool first = true; status == 0; first = false) {
        status = ask(c, &request, KESU__V1__CONTROL_REPLY__BODY_INCIDENT_DETAIL, &reply);
        if (status != 0) return status;
        const Kesu__V1__IncidentDetail *d = reply->incident_detail;
        if (c->json) {
            cli_print_json(c, d);
        } else {
            if (first) print_incident(d->state);
            if (first) status = print_events(c, d);
            if (first && status == 0) status = eightd_list_of_incident(c, get.incident_id);
            for (size_t i = 0; i < d->n_members; i++) print_member(d->members[i]);
        }
        if (d->next_after == 0) return status;
        get.after_case = d->next_after;
    }
    return status;
}
