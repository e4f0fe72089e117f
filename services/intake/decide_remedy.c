/* SPDX-License-Identifier: Apache-2.0 */
/* What is proposed to the customer, and who has to approve it.
 *
 * A proposal is a list of lines in the order they are to be done, of which the
 * chosen option counts. What it costs, together with what earlier proposals of
 * the case have cost already, must be within the compensation matrix when it
 * is made, and within somebody's authority when it is approved. */
#include "authority.h"
#include "decide_life.h"
#include "err.h"
#include "money.h"
#include "policy.h"

static char *item(struct decide *d, const char *list, size_t i, const char *name)
{
    char *path = arena_printf(d->ctx->arena, "%s[%zu].%s", list, i, name);
    return path != NULL ? path : (char *)(uintptr_t) "lines";
}

/* An amount, if there is one, in the one currency of the proposal. */
static int check_amount(struct decide *d, const char *field, const Kesu__V1__Money *m, const char **currency)
{
    if (m == NULL) return 0;
    DECIDE_TRY(intake_decide_money(d, field, m));
    if (*currency == NULL) *currency = m->currency;
    return strcmp(*currency, m->currency) == 0
               ? 0
               : intake_decide_refuse(d, E_RANGE, intake_decide_field(d, field),
                                      "all amounts of a case are in one currency");
}

static int check_line(struct decide *d, size_t i, const Kesu__V1__RemedyLine *line, const char **currency)
{
    static const char *const payers[] = {"", "us", "customer", "carrier"};
    unsigned p = 0;
    if (line->kind == KESU__V1__REMEDY_KIND__REMEDY_KIND_UNSPECIFIED)
        return intake_decide_refuse(d, E_MISSING, intake_decide_field(d, item(d, "lines", i, "kind")), NULL);
    char *amount = item(d, "lines", i, "amount");
    if (life_pays(line->kind) && (line->amount == NULL || line->amount->e4 <= 0))
        return intake_decide_refuse(d, E_MISSING, intake_decide_field(d, amount), "what is paid");
    DECIDE_TRY(check_amount(d, amount, line->amount, currency));
    while (p < 4 && strcmp(payers[p], line->carriage_by) != 0) p++;
    return p < 4
               ? 0
               : intake_decide_refuse(d, E_RANGE, intake_decide_field(d, item(d, "lines", i, "carriage_by")),
                                      "us, customer, carrier, or nothing");
}

static int check_lines(struct decide *d, const Kesu__V1__ProposeRemedy *c)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    const char *currency = life != NULL && life->given != NULL ? life->given->currency : NULL;
    for (size_t i = 0; i < c->n_lines; i++) DECIDE_TRY(check_line(d, i, c->lines[i], &currency));
    DECIDE_TRY(check_amount(d, "v1", c->v1, &currency));
    DECIDE_TRY(check_amount(d, "c", c->c, &currency));
    return check_amount(d, "v2", c->v2, &currency);
}

static const Kesu__V1__RemedyOption *option_of(const Kesu__V1__ProposeRemedy *c, uint32_t option)
{
    for (size_t i = 0; i < c->n_options; i++)
        if (c->options[i]->option == option) return c->options[i];
    return NULL;
}

/* When there is a choice, each is weighed. */
static int check_options(struct decide *d, const Kesu__V1__ProposeRemedy *c, uint32_t *ret_chosen)
{
    bool several = false, found = false;
    uint32_t chosen = c->chosen != 0 ? c->chosen : c->lines[0]->option;
    for (size_t i = 0; i < c->n_lines; i++) {
        several = several || c->lines[i]->option != c->lines[0]->option;
        found = found || c->lines[i]->option == chosen;
    }
    if (several && c->chosen == 0)
        return intake_decide_refuse(d, E_MISSING, "propose_remedy.chosen", "which option is proposed");
    if (!found) return intake_decide_refuse(d, E_RANGE, "propose_remedy.chosen", "an option that has lines");
    for (size_t i = 0; several && i < c->n_lines; i++) {
        const Kesu__V1__RemedyOption *o = option_of(c, c->lines[i]->option);
        if (o == NULL || o->pros[0] == '\0' || o->cons[0] == '\0')
            return intake_decide_refuse(
                d, E_MISSING, "propose_remedy.options",
                arena_printf(d->ctx->arena, "pros and cons of option %u", c->lines[i]->option));
    }
    *ret_chosen = chosen;
    return 0;
}

/* Goods come back, are looked at, and then are paid for. */
static int check_order(struct decide *d, const Kesu__V1__ProposeRemedy *c, uint32_t chosen)
{
    bool returned = false, inspected = false;
    for (size_t i = 0; i < c->n_lines; i++) {
        Kesu__V1__RemedyKind kind = c->lines[i]->kind;
        if (c->lines[i]->option != chosen) continue;
        if (kind == KESU__V1__REMEDY_KIND__REMEDY_KIND_RETURN) returned = true;
        if (kind == KESU__V1__REMEDY_KIND__REMEDY_KIND_INSPECTION) inspected = returned;
        if (kind == KESU__V1__REMEDY_KIND__REMEDY_KIND_REFUND && returned && !inspected)
            return intake_decide_refuse(d, E_RANGE, intake_decide_field(d, item(d, "lines", i, "kind")),
                                        "what comes back is inspected before it is refunded");
    }
    return 0;
}

/* NULL in *ret when the chosen lines cost nothing. */
static int add_up(struct decide *d, const Kesu__V1__ProposeRemedy *c, uint32_t chosen, Kesu__V1__Money **ret)
{
    Kesu__V1__Money *sum = NULL;
    for (size_t i = 0; i < c->n_lines; i++) {
        const Kesu__V1__Money *amount = c->lines[i]->amount;
        if (c->lines[i]->option != chosen || amount == NULL) continue;
        if (sum == NULL) {
            sum = intake_decide_new(d, &kesu__v1__money__descriptor);
            if (sum == NULL) return intake_decide_no_memory(d);
            sum->currency = amount->currency;
        }
        if (money_add(sum, amount) != 0)
            return intake_decide_refuse(d, E_RANGE, intake_decide_field(d, item(d, "lines", i, "amount")),
                                        "too much");
    }
    *ret = sum;
    return 0;
}

int intake_decide_whole(struct decide *d, const Kesu__V1__Money *total, Kesu__V1__Money **ret)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    const Kesu__V1__Money *given = life != NULL ? life->given : NULL;
    const Kesu__V1__Money *either = total != NULL ? total : given;
    *ret = NULL;
    if (either == NULL) return 0;
    Kesu__V1__Money *sum = intake_decide_new(d, &kesu__v1__money__descriptor);
    if (sum == NULL) return intake_decide_no_memory(d);
    sum->currency = either->currency;
    if (money_add(sum, total) != 0 || money_add(sum, given) != 0)
        return intake_decide_refuse(d, E_RANGE, intake_decide_field(d, "case_id"), "too much");
    *ret = sum;
    return 0;
}

/* V2 is at least V1 + C, or there is a reason. */
static int check_values(struct decide *d, const Kesu__V1__ProposeRemedy *c, const Kesu__V1__Money *total)
{
    Kesu__V1__Money due = KESU__V1__MONEY__INIT, nothing = KESU__V1__MONEY__INIT;
    int order = 0;
    if (total != NULL && total->e4 > 0) DECIDE_TRY(intake_decide_needs(d, "v1 v2"));
    const Kesu__V1__Money *any = c->v1 != NULL ? c->v1 : c->c != NULL ? c->c : c->v2;
    if (any == NULL) return 0;
    due.currency = nothing.currency = any->currency;
    if (money_add(&due, c->v1) != 0 || money_add(&due, c->c) != 0)
        return intake_decide_refuse(d, E_RANGE, "propose_remedy.c", "too much");
    if (money_compare(c->v2 != NULL ? c->v2 : &nothing, &due, &order) != 0)
        return intake_decide_refuse(d, E_RANGE, "propose_remedy.v2", NULL);
    return order >= 0 || c->lower_reason[0] != '\0'
               ? 0
               : intake_decide_refuse(d, E_MISSING, "propose_remedy.lower_reason",
                                      "v2 is below v1 + c: the customer ends with less than they had");
}

static int check_cap(struct decide *d, const Kesu__V1__Money *whole, const Kesu__V1__CompensationRule **ret)
{
    const Kesu__V1__CaseState *s = d->state;
    *ret = NULL;
    if (whole == NULL || whole->e4 == 0) return 0;
    int err = authority_cap(d->ctx->policy, s->category, s->object, whole, ret);
    if (err == 0) return 0;
    char text[MONEY_TEXT];
    money_text(whole, text);
    return intake_decide_refuse(
        d, E_LIMIT, "propose_remedy.lines",
        *ret != NULL ? arena_printf(d->ctx->arena, "%s is over the cap of rule %s%s%s", text, (*ret)->id,
                                    (*ret)->law[0] != '\0' ? ": " : "", (*ret)->law)
                     : "over the compensation matrix");
}

int intake_decide_propose(struct decide *d)
{
    const Kesu__V1__ProposeRemedy *c = d->command->propose_remedy;
    const Kesu__V1__ProposalState *last = d->state->life != NULL ? d->state->life->proposal : NULL;
    const Kesu__V1__CompensationRule *rule = NULL;
    Kesu__V1__Money *whole = NULL;
    uint32_t chosen = 0;
    if (d->ctx->policy == NULL) return intake_decide_refuse(d, E_NO_POLICY, "", NULL);
    DECIDE_TRY(intake_decide_needs(d, "lines"));
    DECIDE_TRY(intake_decide_open_tasks(d));
    DECIDE_TRY(check_lines(d, c));
    DECIDE_TRY(check_options(d, c, &chosen));
    DECIDE_TRY(check_order(d, c, chosen));
    Kesu__V1__RemedyProposed *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_REMEDY_PROPOSED);
    if (body == NULL) return intake_decide_no_memory(d);
    DECIDE_TRY(add_up(d, c, chosen, &body->total));
    DECIDE_TRY(check_values(d, c, body->total));
    DECIDE_TRY(intake_decide_whole(d, body->total, &whole));
    DECIDE_TRY(check_cap(d, whole, &rule));
    body->proposal = last != NULL ? last->proposal + 1 : 1;
    body->chosen = chosen;
    if (rule != NULL) body->limit_rule = rule->id;
    body->voids_approval = last != NULL && last->approved;
    return intake_decide_event(d, KESU__V1__EVENT__BODY_REMEDY_PROPOSED, body);
}
