// SPDX-License-Identifier: Apache-2.0
// What analytics has counted.
#include <inttypes.h>
#include <stdio.h>

#include "cli.h"
#include "clock.h"
#include "money.h"
#include "stats_ask.h"

enum { MAX_BY = 5 };

int cli_stats_ask(struct cli *c, char **by, size_t n_by, int64_t from, struct arena *arena,
                  Kesu__V1__Stats **ret)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__GetStats get = KESU__V1__GET_STATS__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    get.by = by;
    get.n_by = n_by;
    get.from = from;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_GET_STATS;
    request.get_stats = &get;
    int status = cli_ask(c, "analytics-query", &request, arena, &reply);
    if (status != 0) return status;
    if (reply->body_case != KESU__V1__CONTROL_REPLY__BODY_STATS)
        return cli_fail(c, CLI_INTERNAL, "analytics answered something else");
    *ret = reply->stats;
    return 0;
}

static void print_times(const char *what, const Kesu__V1__Distribution *d)
{
    char a[CLI_TEXT], b[CLI_TEXT], c[CLI_TEXT], e[CLI_TEXT];
    if (d == NULL || d->count == 0) return;
    printf("%-20s %" PRIu64 " cases, half within %s, 90 %% %s, 99 %% %s, longest %s\n", what, d->count,
           cli_duration(d->p50, a), cli_duration(d->p90, b), cli_duration(d->p99, c),
           cli_duration(d->max, e));
}

static void print_count(const Kesu__V1__Count *k)
{
    char text[CLI_TEXT];
    if (k->hour != 0) printf("%-20s ", cli_time(k->hour, text));
    if (k->category[0] != '\0') printf("%-24s ", k->category);
    if (k->department[0] != '\0') printf("%-14s ", k->department);
    if (k->channel != 0) printf("%-14s ", cli_word(&kesu__v1__channel__descriptor, (int)k->channel, text));
    if (k->severity != 0) printf("%-4s ", cli_word(&kesu__v1__severity__descriptor, (int)k->severity, text));
    printf("%" PRIu64 "\n", k->opened);
}

static void print_outcomes(const Kesu__V1__Stats *s)
{
    char text[MONEY_TEXT];
    printf("appeals %" PRIu64 " (%" PRIu64 " upheld), reopened %" PRIu64 ", withdrawn %" PRIu64
           ", feedback %" PRIu64,
           s->appeals, s->upheld, s->reopened, s->withdrawn, s->feedbacks);
    if (s->feedbacks > 0) printf(" (CSAT %.2f)", (double)s->csat_sum / (double)s->feedbacks);
    for (size_t i = 0; i < s->n_paid; i++)
        printf("%s%s", i == 0 ? ", paid " : " and ", money_text(s->paid[i], text));
    putchar('\n');
}

static void print_incidents(const Kesu__V1__Stats *s)
{
    if (s->incidents > 0)
        printf("incidents %" PRIu64 " (%" PRIu64 " closed), with %" PRIu64 " cases of %" PRIu64
               " customers\n",
               s->incidents, s->incidents_closed, s->incident_members, s->incident_customers);
    for (size_t i = 0; i < s->n_incident_counts; i++) {
        const Kesu__V1__IncidentCount *n = s->incident_counts[i];
        if (n->closed) continue;
        printf("  incident %-10" PRIu64 " %" PRIu64 " cases of %" PRIu64 " customers\n", n->incident_id,
               n->members, n->customers);
    }
    cli_stats_print_hints(s);
}

void cli_stats_print_hints(const Kesu__V1__Stats *s)
{
    char since[CLI_TEXT];
    for (size_t i = 0; i < s->n_incident_hints; i++) {
        const Kesu__V1__IncidentHint *h = s->incident_hints[i];
        printf("a group complaint? %s %s: %u customers since %s\n", h->kind, h->value, (unsigned)h->customers,
               cli_time(h->since, since));
    }
}

static void print_stats(const Kesu__V1__Stats *s)
{
    printf("opened %" PRIu64 ", joined %" PRIu64 ", classified %" PRIu64 " (%" PRIu64
           " to the default queue), assigned %" PRIu64 ", resolved %" PRIu64 ", closed %" PRIu64
           "\nbreached %" PRIu64 ", messages delivered %" PRIu64 "\n",
           s->opened, s->joined, s->classified, s->fallback, s->assigned, s->resolved, s->closed, s->breached,
           s->delivered);
    print_outcomes(s);
    print_incidents(s);
    print_times("received to assigned", s->route);
    print_times("received to closed", s->close);
    for (size_t i = 0; i < s->n_rates; i++)
        printf("%-20s %.1f a second\n", s->rates[i]->what, s->rates[i]->per_second);
    if (s->n_counts > 0) putchar('\n');
    for (size_t i = 0; i < s->n_counts; i++) print_count(s->counts[i]);
    if (s->n_top_objects > 0) printf("\nmost complained about\n");
    for (size_t i = 0; i < s->n_top_objects; i++) {
        const Kesu__V1__TopObject *o = s->top_objects[i];
        printf("%-12s %-30s %" PRIu64 " cases, %" PRIu64 " customers\n", o->kind, o->value, o->count,
               o->customers);
    }
}

static int split_by(struct cli *c, char *ret[MAX_BY], size_t *ret_n)
{
    static const char *const allowed[] = {"hour", "category", "department", "channel", "severity"};
    char *list = arena_strdup(&c->arena, cli_flag(c, "by")), *rest = NULL;
    for (char *word = strtok_r(list, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        bool known = false;
        for (unsigned i = 0; i < MAX_BY; i++) known = known || strcmp(word, allowed[i]) == 0;
        if (!known || *ret_n == MAX_BY)
            return cli_fail(c, CLI_USAGE,
                            "--by: found '%s', allowed are hour, category, department, channel, severity",
                            word);
        ret[(*ret_n)++] = word;
    }
    return 0;
}

int cli_stats(struct cli *c)
{
    char *by[MAX_BY];
    size_t n_by = 0;
    int64_t since = 0;
    Kesu__V1__Stats *s = NULL;
    int status = split_by(c, by, &n_by);
    if (status == 0) status = cli_flag_duration(c, "since", &since);
    if (status != 0) return status;
    int64_t from = since > 0 ? clock_wall_us(cli_env(c)) - since : 0;
    status = cli_stats_ask(c, by, n_by, from, &c->arena, &s);
    if (status != 0) return status;
    if (c->json)
        cli_print_json(c, s);
    else
        print_stats(s);
    return 0;
}
