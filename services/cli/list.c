// SPDX-License-Identifier: Apache-2.0
// Cases of the register, newest first. Stage, department, agent and severity
// are looked for by intake; the rest here, over as many pages as it takes.
#include <inttypes.h>
#include <stdio.h>

#include "cases.h"
#include "check.h"
#include "policy.h"

enum { PAGE = 1000 };

static char *text_of(const char *s)
{
    return (char *)(uintptr_t)s;
}

static int ask_page(struct cli *c, Kesu__V1__ListCases *ask, Kesu__V1__CaseList **ret)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_LIST_CASES;
    request.list_cases = ask;
    int status = cli_ask(c, "intake-control", &request, &c->arena, &reply);
    if (status != 0) return status;
    if (reply->body_case != KESU__V1__CONTROL_REPLY__BODY_CASE_LIST)
        return cli_fail(c, CLI_INTERNAL, "intake answered something else");
    *ret = reply->case_list;
    return 0;
}

struct wanted {
    const char *category, *lot, *reader;
    int64_t incident;
    bool to_read;
};

static bool fits(const struct wanted *w, const Kesu__V1__CaseState *s)
{
    const Kesu__V1__CaseLife *life = s->life;
    const char *read_by = life != NULL && life->opinion != NULL ? life->opinion->read_by : "";
    if (w->category != NULL && !policy_skill_covers(w->category, s->category)) return false;
    if (w->lot != NULL && (s->object == NULL || strcmp(s->object->lot, w->lot) != 0)) return false;
    if (w->incident != 0 && (life == NULL || life->incident_id != (uint64_t)w->incident)) return false;
    if (w->to_read && read_by[0] == '\0') return false;
    return !w->to_read || w->reader == NULL || strcmp(w->reader, read_by) == 0;
}

int cli_cases_find(struct cli *c, unsigned limit, uint64_t before, struct cli_cases *ret)
{
    Kesu__V1__ListCases ask = KESU__V1__LIST_CASES__INIT;
    struct wanted w = {.category = cli_flag(c, "category"),
                       .lot = cli_flag(c, "lot"),
                       .to_read = cli_switch(c, "to-read"),
                       .reader = cli_switch(c, "as") ? cli_flag(c, "as") : NULL};
    int stage, severity;
    int status = cli_flag_enum(c, "stage", &kesu__v1__stage__descriptor, &stage);
    if (status == 0) status = cli_flag_enum(c, "severity", &kesu__v1__severity__descriptor, &severity);
    if (status == 0) status = cli_flag_int(c, "incident", 1, INT64_MAX, &w.incident);
    if (status != 0) return status;
    bool plain = w.category == NULL && w.lot == NULL && w.incident == 0 && !w.to_read;
    ask.before_case = before;
    ask.stage = (Kesu__V1__Stage)stage;
    ask.severity = (Kesu__V1__Severity)severity;
    ask.department = text_of(cli_or(cli_flag(c, "department"), ""));
    ask.agent = text_of(cli_or(cli_flag(c, "agent"), ""));
    if (w.to_read && w.reader != NULL) ask.read_by = text_of(w.reader);
    *ret = (struct cli_cases){.cases = arena_alloc(&c->arena, limit * sizeof ret->cases[0])};
    CHECK(ret->cases != NULL);
    while (ret->n < limit) {
        Kesu__V1__CaseList *page = NULL;
        ask.limit = plain && limit - ret->n < PAGE ? (uint32_t)(limit - ret->n) : PAGE;
        status = ask_page(c, &ask, &page);
        if (status != 0) return status;
        size_t i = 0;
        for (; i < page->n_cases && ret->n < limit; i++)
            if (fits(&w, page->cases[i])) ret->cases[ret->n++] = page->cases[i];
        ret->next_before = i < page->n_cases ? page->cases[i - 1]->case_id : page->next_before;
        if (page->next_before == 0) break;
        ask.before_case = page->next_before;
    }
    return 0;
}

void cli_cases_head(void)
{
    printf("%-14s %-15s %-3s %-20s %-12s %-14s %-8s %s\n", "number", "stage", "sev", "category", "department",
           "agent", "channel", "opened");
}

void cli_cases_row(const Kesu__V1__CaseState *s)
{
    char stage[CLI_TEXT], severity[CLI_TEXT], channel[CLI_TEXT], time[CLI_TEXT];
    printf("%-14s %-15s %-3s %-20s %-12s %-14s %-8s %s\n", s->number,
           cli_word(&kesu__v1__stage__descriptor, (int)s->stage, stage),
           cli_word(&kesu__v1__severity__descriptor, (int)s->severity, severity), cli_or(s->category, "-"),
           cli_or(s->department, "-"), cli_or(s->agent, "-"),
           cli_word(&kesu__v1__channel__descriptor, (int)s->channel, channel), cli_time(s->opened_at, time));
}

int cli_list(struct cli *c)
{
    struct cli_cases found;
    int64_t limit = 0, before = 0;
    int status = cli_flag_int(c, "limit", 1, 1000, &limit);
    if (status == 0) status = cli_flag_int(c, "before", 0, INT64_MAX, &before);
    if (status == 0) status = cli_cases_find(c, (unsigned)limit, (uint64_t)before, &found);
    if (status != 0) return status;
    if (!c->json && found.n > 0) cli_cases_head();
    for (size_t i = 0; i < found.n; i++) {
        if (c->json)
            cli_print_json(c, found.cases[i]);
        else
            cli_cases_row(found.cases[i]);
    }
    if (!c->json && found.n == 0) printf("no cases\n");
    if (!c->json && found.next_before != 0) printf("more: --before %" PRIu64 "\n", found.next_before);
    return 0;
}
