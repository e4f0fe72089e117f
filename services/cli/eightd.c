// SPDX-License-Identifier: Apache-2.0
// 8Ds: which there are, what one says, and its report.
#include "eightd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int ask_list(struct cli *c, Kesu__V1__ListEightDs *ask, Kesu__V1__EightDList **ret)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_LIST_EIGHTDS;
    request.list_eightds = ask;
    int status = cli_ask(c, "intake-control", &request, &c->arena, &reply);
    if (status != 0) return status;
    if (reply->body_case != KESU__V1__CONTROL_REPLY__BODY_EIGHTD_LIST)
        return cli_fail(c, CLI_INTERNAL, "intake answered something else");
    *ret = reply->eightd_list;
    return 0;
}

static unsigned n_done(const Kesu__V1__EightDState *s)
{
    unsigned n = 0;
    for (size_t i = 0; i < s->n_disciplines; i++) n += s->disciplines[i]->done ? 1 : 0;
    return n;
}

static void print_line(const Kesu__V1__EightDState *s, const char *of)
{
    unsigned late = 0;
    for (size_t i = 0; i < s->n_disciplines; i++)
        late += s->disciplines[i]->breached && !s->disciplines[i]->done && !s->closed ? 1 : 0;
    printf("%" PRIu64 "  %s, led by %s, %u done, ", s->eightd_id, s->closed ? "closed" : "open", s->lead,
           n_done(s));
    if (late > 0) printf("%u late, ", late);
    printf("%s%s\n", of, s->title);
}

int eightd_list_of_incident(struct cli *c, uint64_t incident_id)
{
    Kesu__V1__ListEightDs ask = KESU__V1__LIST_EIGHT_DS__INIT;
    Kesu__V1__EightDList *l = NULL;
    ask.incident_id = incident_id;
    ask.limit = 1000;
    int status = ask_list(c, &ask, &l);
    for (size_t i = 0; status == 0 && i < l->n_eightds; i++) {
        printf("  8D ");
        print_line(l->eightds[i], "");
    }
    return status;
}

int cli_eightd_list(struct cli *c)
{
    Kesu__V1__ListEightDs ask = KESU__V1__LIST_EIGHT_DS__INIT;
    Kesu__V1__EightDList *l = NULL;
    const char *number = cli_flag(c, "case");
    int64_t limit = 0;
    int status = cli_flag_int(c, "limit", 1, 1000, &limit);
    if (status == 0 && number != NULL) {
        Kesu__V1__CaseDetail *d = NULL;
        status = cli_case(c, number, &d);
        if (status == 0) ask.case_id = d->state->case_id;
    }
    if (status != 0) return status;
    ask.limit = (uint32_t)limit;
    ask.open = cli_switch(c, "open");
    status = ask_list(c, &ask, &l);
    if (status != 0) return status;
    for (size_t i = 0; i < l->n_eightds; i++) {
        const Kesu__V1__EightDState *s = l->eightds[i];
        if (c->json)
            cli_print_json(c, s);
        else
            print_line(s, s->case_id == 0 ? "of an incident, " : "");
    }
    if (!c->json && l->n_eightds == 0) printf("no 8Ds\n");
    return 0;
}

// An id, or the number of a case: its newest 8D.
static int find(struct cli *c, const char *text, uint64_t *ret)
{
    Kesu__V1__ListEightDs ask = KESU__V1__LIST_EIGHT_DS__INIT;
    Kesu__V1__CaseDetail *d = NULL;
    Kesu__V1__EightDList *l = NULL;
    char *end = NULL;
    unsigned long long id = strtoull(text, &end, 10);
    if (end != text && *end == '\0') {
        *ret = id;
        return 0;
    }
    int status = cli_case(c, text, &d);
    if (status != 0) return status;
    ask.case_id = d->state->case_id;
    ask.limit = 1;
    status = ask_list(c, &ask, &l);
    if (status != 0) return status;
    if (l->n_eightds == 0) return cli_fail(c, CLI_NO, "case %s has no 8D", d->state->number);
    *ret = l->eightds[0]->eightd_id;
    return 0;
}

static int fold_event(struct cli *c, const Kesu__V1__EventRecord *record, struct eightd *r)
{
    Kesu__V1__Event *e = NULL;
    struct codec_error error;
    int err = codec_unpack(&kesu__v1__event__descriptor, span_of(record->event.data, record->event.len),
                           &c->arena, &e, &error);
    if (err != 0)
        return cli_fail(c, CLI_INTERNAL, "event %" PRIu64 ": %s: %s", record->seq, error.field, error.reason);
    if (e->body_case == KESU__V1__EVENT__BODY_EIGHTD_CLOSED) r->close_reason = e->eightd_closed->reason;
    if (e->body_case != KESU__V1__EVENT__BODY_DISCIPLINE_RECORDED ||
        e->discipline_recorded->discipline >= EIGHTD_DISCIPLINES)
        return 0;
    uint32_t i = e->discipline_recorded->discipline;
    r->recorded[i] = e->discipline_recorded;
    r->recorded_by[i] = e->actor != NULL ? e->actor->name : "";
    r->recorded_at[i] = record->block_time;
    return 0;
}

static int ask_one(struct cli *c, struct eightd *ret)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__GetEightD get = KESU__V1__GET_EIGHT_D__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    int status = find(c, c->args[0], &get.eightd_id);
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_GET_EIGHTD;
    request.get_eightd = &get;
    if (status == 0) status = cli_ask(c, "intake-control", &request, &c->arena, &reply);
    if (status != 0) return status;
    if (reply->body_case != KESU__V1__CONTROL_REPLY__BODY_EIGHTD_DETAIL)
        return cli_fail(c, CLI_INTERNAL, "intake answered something else");
    const Kesu__V1__EightDDetail *d = reply->eightd_detail;
    *ret = (struct eightd){.state = d->state, .number = d->number, .close_reason = ""};
    for (size_t i = 0; i < d->state->n_disciplines; i++)
        if (d->state->disciplines[i]->discipline < EIGHTD_DISCIPLINES)
            ret->planned[d->state->disciplines[i]->discipline] = d->state->disciplines[i];
    for (size_t i = 0; i < d->n_events && status == 0; i++) status = fold_event(c, d->events[i], ret);
    return status;
}

static void print_json(struct cli *c, const struct eightd *r)
{
    Kesu__V1__EightDReport report = KESU__V1__EIGHT_DREPORT__INIT;
    Kesu__V1__DisciplineRecorded *recorded[EIGHTD_DISCIPLINES];
    report.state = (Kesu__V1__EightDState *)(uintptr_t)r->state;
    report.number = (char *)(uintptr_t)r->number;
    report.close_reason = (char *)(uintptr_t)r->close_reason;
    report.disciplines = recorded;
    for (unsigned i = 0; i < EIGHTD_DISCIPLINES; i++)
        if (r->recorded[i] != NULL)
            recorded[report.n_disciplines++] = (Kesu__V1__DisciplineRecorded *)(uintptr_t)r->recorded[i];
    cli_print_json(c, &report);
}

int cli_eightd_show(struct cli *c)
{
    struct eightd r;
    char at[CLI_TEXT];
    int status = ask_one(c, &r);
    if (status != 0) return status;
    if (c->json) {
        print_json(c, &r);
        return 0;
    }
    printf("8D %" PRIu64 " (version %" PRIu64 "): %s\n", r.state->eightd_id, r.state->version,
           r.state->title);
    if (r.number[0] != '\0') printf("  of case %s\n", r.number);
    if (r.state->incident_id != 0) printf("  of incident %" PRIu64 "\n", r.state->incident_id);
    printf("  led by %s, %s %s\n", r.state->lead, r.state->closed ? "closed" : "open since",
           cli_time(r.state->closed ? r.state->closed_at : r.state->opened_at, at));
    if (r.state->earlier_id != 0)
        printf("  the same cause, %s, was in 8D %" PRIu64 "\n", r.state->cause_key, r.state->earlier_id);
    for (unsigned i = 0; i < EIGHTD_DISCIPLINES; i++) {
        const Kesu__V1__DisciplineState *s = r.planned[i];
        char name[] = {'D', (char)('0' + i), '\0'};
        if (i == 0 && s == NULL) continue;
        printf("  %s %-28s %s", name, eightd_word(name, TELL_EN), s != NULL && s->done ? "done" : "not done");
        if (s != NULL && s->owner[0] != '\0') printf(", %s, due %s", s->owner, cli_time(s->due_at, at));
        printf("\n");
    }
    return 0;
}

int cli_eightd_export(struct cli *c)
{
    static const struct {
        const char *name;
        enum tell_language language;
    } languages[] = {{"en", TELL_EN}, {"zh-Hant", TELL_HANT}, {"zh-Hans", TELL_HANS}};
    const char *given = cli_or(cli_flag(c, "lang"), "en");
    struct eightd r;
    unsigned i = 0;
    while (i < 3 && strcmp(languages[i].name, given) != 0) i++;
    if (i == 3) return cli_fail(c, CLI_USAGE, "--lang: found '%s', allowed are zh-Hant, zh-Hans, en", given);
    if (c->json && cli_switch(c, "html")) return cli_fail(c, CLI_USAGE, "--html: not with --json");
    int status = ask_one(c, &r);
    if (status != 0) return status;
    if (c->json) {
        print_json(c, &r);
        return 0;
    }
    status = cli_policy_in_force(c, &r.policy);
    if (status != 0) return status;
    eightd_html(stdout, &r, languages[i].language);
    return 0;
}
