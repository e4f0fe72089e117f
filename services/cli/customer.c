// SPDX-License-Identifier: Apache-2.0
// Customers: who they are by all identities, their cases, who may be the same.
#include "customer.h"

#include <inttypes.h>
#include <stdio.h>

#include "due.h"
#include "err.h"
#include "field.h"

static int ask(struct cli *c, Kesu__V1__GetCustomer *get, Kesu__V1__ControlReply **ret)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_GET_CUSTOMER;
    request.get_customer = get;
    int status = cli_ask(c, "intake-control", &request, &c->arena, ret);
    if (status != 0) return status;
    if ((*ret)->body_case != KESU__V1__CONTROL_REPLY__BODY_CUSTOMER_DETAIL)
        return cli_fail(c, CLI_INTERNAL, "intake answered something else");
    return 0;
}

// Numbers of customers and of cases are never the same.
static bool is_customer(struct cli *c, uint64_t id)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__GetCustomer get = KESU__V1__GET_CUSTOMER__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    get.customer_id = id;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_GET_CUSTOMER;
    request.get_customer = &get;
    return cli_try(c, "intake-control", &request, c->timeout_us, &c->arena, &reply) == 0 &&
           reply->body_case == KESU__V1__CONTROL_REPLY__BODY_CUSTOMER_DETAIL;
}

int cli_customer_find(struct cli *c, const char *whom, bool personal, Kesu__V1__GetCustomer *get,
                      Kesu__V1__CustomerDetail **ret)
{
    Kesu__V1__ControlReply *reply = NULL;
    uint64_t id = 0;
    int status;
    kesu__v1__get_customer__init(get);
    if (strchr(whom, ':') != NULL) {
        status = cli_field_set(c, &get->base, arena_printf(&c->arena, "contact=%s", whom));
    } else if (strchr(whom, '@') != NULL) {
        status = cli_field_set(c, &get->base, arena_printf(&c->arena, "contact=email:%s", whom));
    } else {
        unsigned yymm;
        uint64_t serial;
        status = cli_field_id(c, "WHOM", whom, &id);
        if (status == 0 && due_parse_number(whom, &yymm, &serial) != 0 && is_customer(c, id))
            get->customer_id = id;
        else
            get->case_id = id;
    }
    get->personal = personal;
    if (status == 0) status = ask(c, get, &reply);
    if (status == 0) *ret = reply->customer_detail;
    return status;
}

// ---- in words -------------------------------------------------------------

static void print_word(const char *name, const ProtobufCEnumDescriptor *d, int value, const char **between)
{
    char word[CLI_TEXT];
    if (value == 0) return;
    printf("%s%s%s%s", *between, name, name[0] != '\0' ? " " : "", cli_word(d, value, word));
    *between = ", ";
}

void cli_customer_traits(const Kesu__V1__CustomerTraits *t, const char *before, const char *after)
{
    const char *between = before;
    if (t == NULL) return;
    print_word("", &kesu__v1__tier__descriptor, (int)t->tier, &between);
    if (t->vulnerable) {
        printf("%svulnerable", between);
        between = ", ";
    }
    if (t->caution) {
        printf("%scaution", between);
        between = ", ";
    }
    print_word("recording", &kesu__v1__consent__descriptor, (int)t->recording, &between);
    print_word("surveys", &kesu__v1__consent__descriptor, (int)t->surveys, &between);
    print_word("language", &kesu__v1__language__descriptor, (int)t->language, &between);
    if (between != before) printf("%s", after);
}

static void print_ids(const char *before, const uint64_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) printf("%s%" PRIu64, i == 0 ? before : ", ", ids[i]);
}

static void print_identities(const Kesu__V1__CustomerDetail *d)
{
    for (size_t i = 1; i < d->n_identities; i++)
        printf("%s%" PRIu64, i == 1 ? ", the same as " : ", ", d->identities[i]->customer_id);
    printf("%s\n", d->erased_seq != 0 ? ", erased" : "");
    cli_customer_traits(d->traits, "  ", "\n");
    for (size_t i = 0; i < d->n_identities; i++) {
        const Kesu__V1__CustomerState *s = d->identities[i];
        if (s->n_suggested == 0) continue;
        printf("  %" PRIu64, s->customer_id);
        print_ids(" may be the same as ", s->suggested, s->n_suggested);
        putchar('\n');
    }
}

void cli_customer_print(const Kesu__V1__CustomerDetail *d)
{
    char stage[CLI_TEXT], received[CLI_TEXT];
    if (d->customer_id != 0) {
        printf("Customer %" PRIu64, d->customer_id);
        print_identities(d);
    } else {
        printf("No customer: nobody left a contact%s\n", d->erased_seq != 0 ? "; erased" : "");
    }
    for (size_t i = 0; i < d->n_cases; i++)
        printf("  %s  %-12s received %s\n", d->cases[i]->number,
               cli_word(&kesu__v1__stage__descriptor, (int)d->cases[i]->stage, stage),
               cli_time(d->cases[i]->received_at, received));
}

int cli_customer_show(struct cli *c)
{
    Kesu__V1__CustomerDetail *d = NULL;
    Kesu__V1__GetCustomer get;
    int status = cli_customer_find(c, c->args[0], cli_switch(c, "personal"), &get, &d);
    if (status != 0) return status;
    if (c->json) {
        cli_print_json(c, d);
        return 0;
    }
    cli_customer_print(d);
    for (size_t i = 0; i < d->n_contacts; i++) printf("  %s\n", d->contacts[i]);
    return 0;
}

// ---- lists ------------------------------------------------------------------

static void print_person(struct cli *c, const Kesu__V1__CustomerState *s)
{
    if (c->json) {
        cli_print_json(c, s);
        return;
    }
    printf("%-10" PRIu64, s->customer_id);
    cli_customer_traits(s->traits, "  ", "");
    print_ids("  the same as ", s->merged, s->n_merged);
    print_ids("  may be the same as ", s->suggested, s->n_suggested);
    putchar('\n');
}

// A question stands with both: it is printed with the newer.
static void print_questions(struct cli *c, Kesu__V1__CustomerState *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->n_suggested; i++)
        if (s->suggested[i] < s->customer_id) s->suggested[kept++] = s->suggested[i];
    s->n_suggested = kept;
    if (c->json && kept > 0) cli_print_json(c, s);
    for (size_t i = 0; i < kept && !c->json; i++)
        printf("%-10" PRIu64 " may be the same as %" PRIu64 "\n", s->customer_id, s->suggested[i]);
}

static int list(struct cli *c, bool suggested)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__ListCustomers l = KESU__V1__LIST_CUSTOMERS__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    int64_t limit = 0, n = 0;
    int tier = 0, status = cli_flag_int(c, "limit", 1, 1000, &limit);
    if (status == 0 && !suggested) status = cli_flag_enum(c, "tier", &kesu__v1__tier__descriptor, &tier);
    l.suggested = suggested;
    l.tier = (Kesu__V1__Tier)tier;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_LIST_CUSTOMERS;
    request.list_customers = &l;
    while (status == 0 && n < limit) {
        l.limit = (uint32_t)(limit - n);
        status = cli_ask(c, "intake-control", &request, &c->arena, &reply);
        if (status != 0) return status;
        if (reply->body_case != KESU__V1__CONTROL_REPLY__BODY_CUSTOMER_LIST)
            return cli_fail(c, CLI_INTERNAL, "intake answered something else");
        const Kesu__V1__CustomerList *page = reply->customer_list;
        for (size_t i = 0; i < page->n_customers; i++)
            if (suggested)
                print_questions(c, page->customers[i]);
            else
                print_person(c, page->customers[i]);
        n += (int64_t)page->n_customers;
        l.before = page->next_before;
        if (l.before == 0) break;
    }
    if (status == 0 && n == 0 && !c->json) printf(suggested ? "nothing to decide\n" : "no customers\n");
    return status;
}

int cli_customer_list(struct cli *c)
{
    return list(c, false);
}

int cli_customer_suggestions(struct cli *c)
{
    return list(c, true);
}
