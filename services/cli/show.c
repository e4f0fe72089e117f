// SPDX-License-Identifier: Apache-2.0
// One case: what it is now, its clocks, all that happened.
#include <inttypes.h>
#include <stdio.h>

#include "customer.h"
#include "explain.h"
#include "money.h"
#include "seal.h"

static const char indent[] = "                               ";

static void print_clock(const Kesu__V1__ClockState *k)
{
    char due[CLI_TEXT], stopped[CLI_TEXT], took[CLI_TEXT];
    printf("  %-16s ", k->clock);
    if (k->running)
        printf("due %s%s%s\n", cli_time(k->due_at, due),
               k->breached ? ", breached"
               : k->warned ? ", warned"
                           : "",
               k->escalated > 0 ? ", escalated" : "");
    else
        printf("stopped %s after %s%s\n", cli_time(k->stopped_at, stopped),
               cli_duration(k->stopped_at - k->started_at, took), k->breached ? ", breached" : "");
}

static void print_customer(const Kesu__V1__CaseDetail *d)
{
    if (d->state->customer_id == 0) return;
    printf("  customer %" PRIu64, d->state->customer_id);
    cli_customer_traits(d->customer, ": ", "");
    putchar('\n');
}

static void print_text(const char *name, const char *text)
{
    if (text[0] != '\0') printf(", %s %s", name, text);
}

static void print_object(const Kesu__V1__Object *o)
{
    char money[MONEY_TEXT], at[CLI_TEXT];
    if (o == NULL || codec_size(o) == 0) return;
    printf("  about %s", cli_or(o->product, "something not named"));
    print_text("part", o->part_number);
    print_text("order", o->order);
    print_text("lot", o->lot);
    print_text("waybill", o->waybill);
    print_text("branch", o->branch);
    print_text("employee", o->employee);
    print_text("sample", o->sample);
    if (o->quantity != 0 || o->defective_quantity != 0)
        printf(", %" PRIu64 " of %" PRIu64 " defective", o->defective_quantity, o->quantity);
    if (o->declared_value != NULL) printf(", declared value %s", money_text(o->declared_value, money));
    if (o->insured) printf(", insured");
    if (o->carriage != NULL) printf(", carriage %s", money_text(o->carriage, money));
    if (o->shipped_at != 0) printf(", shipped %s", cli_time(o->shipped_at, at));
    if (o->signed_at != 0) printf(", signed %s", cli_time(o->signed_at, at));
    putchar('\n');
}

/* The three times, whose it is, what it is about, what evidence has come. */
static void print_record(const Kesu__V1__CaseState *s)
{
    char a[CLI_TEXT], b[CLI_TEXT];
    if (s->opened_at == 0) return;
    printf("  %s%s%saccepted %s", s->occurred_at != 0 ? "occurred " : "",
           s->occurred_at != 0 ? cli_time(s->occurred_at, a) : "", s->occurred_at != 0 ? ", " : "",
           cli_time(s->opened_at, b));
    if (s->anonymous) printf(", anonymous");
    if (s->internal) printf(", from our own house");
    if (s->tier != 0) printf(", tier %s", cli_word(&kesu__v1__tier__descriptor, (int)s->tier, a));
    if (s->life != NULL && s->life->nature != 0)
        printf(", nature %s", cli_word(&kesu__v1__nature__descriptor, (int)s->life->nature, a));
    putchar('\n');
    print_object(s->object);
    for (size_t i = 0; s->life != NULL && i < s->life->n_evidence; i++)
        printf("%s%s", i == 0 ? "  evidence " : ", ", s->life->evidence[i]);
    if (s->life != NULL && s->life->n_evidence > 0) putchar('\n');
}

static void print_state(const Kesu__V1__CaseDetail *detail)
{
    const Kesu__V1__CaseState *s = detail->state;
    char a[CLI_TEXT], b[CLI_TEXT], c[CLI_TEXT], d[CLI_TEXT];
    printf("Case %s (id %" PRIu64 ", version %" PRIu64 ")\n", s->number, s->case_id, s->version);
    printf("  stage %s, severity %s, category %s\n", cli_word(&kesu__v1__stage__descriptor, (int)s->stage, a),
           cli_word(&kesu__v1__severity__descriptor, (int)s->severity, b), cli_or(s->category, "-"));
    printf("  department %s, agent %s\n", cli_or(s->department, "-"), cli_or(s->agent, "-"));
    printf("  from %s, language %s, received %s, messages %u\n",
           cli_word(&kesu__v1__channel__descriptor, (int)s->channel, a),
           cli_word(&kesu__v1__language__descriptor, (int)s->language, c), cli_time(s->received_at, d),
           (unsigned)s->messages);
    print_record(s);
    print_customer(detail);
    if (s->erased_seq != 0) printf("  [erased] by event %" PRIu64 "\n", s->erased_seq);
    if (s->suspected_case != 0)
        printf("  names case %" PRIu64 ", but comes from somebody else\n", s->suspected_case);
    if (detail->veiled) printf("  sensitive: only its readers are told more\n");
    if (s->n_clocks > 0) printf("Clocks\n");
    for (size_t i = 0; i < s->n_clocks; i++) print_clock(s->clocks[i]);
}

int cli_show(struct cli *c)
{
    Kesu__V1__CaseDetail *d = NULL;
    int status = cli_case_read(c, c->args[0], cli_switch(c, "personal"), &d);
    if (status != 0) return status;
    if (cli_switch(c, "explain")) return cli_explain(c, d);
    if (c->json) {
        cli_print_json(c, d->state);
    } else {
        print_state(d);
        printf("Story\n");
    }
    for (size_t i = 0; i < d->n_events; i++) {
        const Kesu__V1__EventRecord *r = d->events[i];
        struct codec_error error;
        Kesu__V1__Event *e = NULL;
        int err = codec_unpack(&kesu__v1__event__descriptor, span_of(r->event.data, r->event.len), &c->arena,
                               &e, &error);
        if (err != 0)
            return cli_fail(c, CLI_INTERNAL, "event %" PRIu64 ": %s: %s", r->seq, error.field, error.reason);
        if (c->json) {
            cli_print_json(c, e);
            continue;
        }
        cli_story_event(e, r->seq, r->block_time, 0, indent);
        if (i < d->n_opened && d->opened[i].len == 0 && d->state->erased_seq != 0 && seal_of_event(e) != NULL)
            printf("%s[erased]\n", indent);
        if (i < d->n_opened) cli_story_opened(c, e, span_of(d->opened[i].data, d->opened[i].len), indent);
    }
    return 0;
}
