// SPDX-License-Identifier: Apache-2.0
// Being forgotten.
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "customer.h"
#include "err.h"

static char *text_of(const char *s)
{
    return (char *)(uintptr_t)s;
}

// A person at a terminal types the number once more.
static int confirm(struct cli *c, const Kesu__V1__CustomerDetail *d)
{
    char line[64] = "";
    if (cli_switch(c, "yes")) return 0;
    if (!isatty(STDIN_FILENO)) return cli_fail(c, CLI_USAGE, "nobody is there to confirm it: give --yes");
    cli_customer_print(d);
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
static int erase(struct cli *c, const Kesu__V1__CustomerDetail *d, uint64_t case_id, Kesu__V1__Reply **ret)
{
    for (*ret = NULL;;) {
        Kesu__V1__Command *k = cli_new(c, &kesu__v1__command__descriptor);
        Kesu__V1__EraseCustomer body = KESU__V1__ERASE_CUSTOMER__INIT;
        Kesu__V1__Reply *reply = NULL;
        body.customer_id = d->customer_id;
        if (d->customer_id == 0) body.case_id = case_id;
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
    Kesu__V1__GetCustomer get;
    uint64_t mails = 0;
    if (cli_flag(c, "reason") == NULL) return cli_fail(c, CLI_USAGE, "--reason TEXT must be given");
    int status = cli_customer_find(c, c->args[0], true, &get, &d);
    if (status == 0) status = confirm(c, d);
    if (status == 0 && !cli_switch(c, "no-mails")) status = forget_mails(c, d, &mails);
    if (status == 0) status = erase(c, d, get.case_id, &reply);
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
