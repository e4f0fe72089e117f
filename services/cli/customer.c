// SPDX-License-Identifier: Apache-2.0
// A customer: whose case it is, and being forgotten.
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli.h"
#include "err.h"

static char *text_of(const char *s)
{
    return (char *)(uintptr_t)s;
}

static int ask_customer(struct cli *c, uint64_t case_id, bool personal, Kesu__V1__CustomerDetail **ret)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__GetCustomer get = KESU__V1__GET_CUSTOMER__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    get.case_id = case_id;
    get.personal = personal;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_GET_CUSTOMER;
    request.get_customer = &get;
    int status = cli_ask(c, "intake-control", &request, &c->arena, &reply);
    if (status != 0) return status;
    if (reply->body_case != KESU__V1__CONTROL_REPLY__BODY_CUSTOMER_DETAIL)
        return cli_fail(c, CLI_INTERNAL, "intake answered something else");
    *ret = reply->customer_detail;
    return 0;
}

static int find_customer(struct cli *c, bool personal, uint64_t *ret_case_id, Kesu__V1__CustomerDetail **ret)
{
    Kesu__V1__CaseDetail *d = NULL;
    int status = cli_case(c, c->args[0], &d);
    if (status != 0) return status;
    *ret_case_id = d->state->case_id;
    return ask_customer(c, d->state->case_id, personal, ret);
}

static void print_cases(const Kesu__V1__CustomerDetail *d)
{
    char stage[CLI_TEXT], received[CLI_TEXT];
    if (d->customer_id != 0)
        printf("Customer %" PRIu64 "%s\n", d->customer_id, d->erased_seq != 0 ? ", erased" : "");
    else
        printf("No customer: nobody left a contact%s\n", d->erased_seq != 0 ? "; erased" : "");
    for (size_t i = 0; i < d->n_cases; i++)
        printf("  %s  %-12s received %s\n", d->cases[i]->number,
               cli_word(&kesu__v1__stage__descriptor, (int)d->cases[i]->stage, stage),
               cli_time(d->cases[i]->received_at, received));
}

int cli_customer_show(struct cli *c)
{
    Kesu__V1__CustomerDetail *d = NULL;
    uint64_t case_id = 0;
    int status = find_customer(c, cli_switch(c, "personal"), &case_id, &d);
    if (status != 0) return status;
    if (c->json) {
        cli_print_json(c, d);
        return 0;
    }
    print_cases(d);
    for (size_t i = 0; i < d->n_contacts; i++) printf("  %s\n", d->contacts[i]);
    return 0;
}

// A person at a terminal types the number once more.
static int confirm(struct cli *c, const Kesu__V1__CustomerDetail *d)
{
    char line[64] = "";
    if (cli_switch(c, "yes")) return 0;
    if (!isatty(STDIN_FILENO)) return cli_fail(c, CLI_USAGE, "nobody is there to confirm it: give --yes");
    print_cases(d);
    printf("What this person wrote will be gone for ever. Type %s again to go on: ", c->args[0]);
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL) line[0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return strcmp(line, c->args[0]) == 0 ? 0 : cli_fail(c, CLI_NO, "not confirmed, nothing was erased");
}

// Before the keys: afterwards nobody knows any more what to look for.
static int forget_mails(struct cli *c, const Kesu__V1__CustomerDetail *d, uint64_t *ret_n)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__ForgetMails forget = KESU__V1__FORGET_MAILS__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_FORGET_MAILS;
    request.forget_mails = &forget;
    for (size_t at = 0; at < d->n_contacts; at += forget.n_addresses) {
        forget.addresses = d->contacts + at;
        forget.n_addresses = d->n_contacts - at < 64 ? d->n_contacts - at : 64;
        int status = cli_ask(c, "email-control", &request, &c->arena, &reply);
        if (status == CLI_UNAVAILABLE)
            fprintf(stderr, "Nothing was erased. Where no email adapter is used, give --no-mails.\n");
        if (status != 0) return status;
        if (reply->body_case != KESU__V1__CONTROL_REPLY__BODY_DONE)
            return cli_fail(c, CLI_INTERNAL, "the email adapter answered something else");
        *ret_n += reply->done->count;
    }
    return 0;
}

// Again until nothing is left: a customer of very many cases goes in portions.
static int erase(struct cli *c, uint64_t case_id, Kesu__V1__Reply **ret)
{
    for (*ret = NULL;;) {
        Kesu__V1__Command *k = cli_new(c, &kesu__v1__command__descriptor);
        Kesu__V1__EraseCustomer body = KESU__V1__ERASE_CUSTOMER__INIT;
        Kesu__V1__Reply *reply = NULL;
        body.case_id = case_id;
        body.reason = text_of(cli_flag(c, "reason"));
        k->body_case = KESU__V1__COMMAND__BODY_ERASE_CUSTOMER;
        k->erase_customer = &body;
        int status = cli_send(c, "intake-people", k, &reply);
        if (status != 0) return status;
        if (*ret == NULL || reply->accepted->seq != 0) *ret = reply;
        if (reply->accepted->seq == 0) return 0;
    }
}

int cli_customer_erase(struct cli *c)
{
    Kesu__V1__CustomerDetail *d = NULL;
    Kesu__V1__Reply *reply = NULL;
    uint64_t case_id = 0, mails = 0;
    if (cli_flag(c, "reason") == NULL) return cli_fail(c, CLI_USAGE, "--reason TEXT must be given");
    int status = find_customer(c, true, &case_id, &d);
    if (status == 0) status = confirm(c, d);
    if (status == 0 && !cli_switch(c, "no-mails")) status = forget_mails(c, d, &mails);
    if (status == 0) status = erase(c, case_id, &reply);
    if (status != 0) return status;
    if (c->json)
        cli_print_json(c, reply);
    else if (reply->accepted->seq == 0)
        printf("%s: nothing was left to erase\n", c->args[0]);
    else
        printf("%s: erased, event %" PRIu64 ", %zu case%s, %" PRIu64 " mail%s kept beside\n", c->args[0],
               reply->accepted->seq, d->n_cases, d->n_cases == 1 ? "" : "s", mails, mails == 1 ? "" : "s");
    return 0;
}
