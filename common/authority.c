/* SPDX-License-Identifier: Apache-2.0 */
#include "authority.h"

#include "clock.h"
#include "due.h"
#include "err.h"
#include "life.h"
#include "money.h"
#include "policy.h"

#define MAX_CHAIN 64

/* Is the amount within this one? NULL cap: any is; NULL amount: nothing is given. */
static bool within(const Kesu__V1__Money *m, const Kesu__V1__Money *cap)
{
    int order;
    if (m == NULL || m->e4 == 0 || cap == NULL) return true;
    return money_compare(m, cap, &order) == 0 && order <= 0;
}

/* Levels grow up to the general manager; other roles have their own limits only. */
static bool has_limit(const Kesu__V1__Staff *s, const Kesu__V1__AuthorityLimit *l)
{
    const unsigned top = KESU__V1__STAFF_ROLE__STAFF_ROLE_GENERAL_MANAGER;
    unsigned role = (unsigned)life_role(s);
    return role == (unsigned)l->role || (role <= top && (unsigned)l->role < role);
}

static bool covers_kinds(const Kesu__V1__AuthorityLimit *l, Kesu__V1__RemedyLine *const *lines, size_t n)
{
    for (size_t i = 0; i < n && l->n_kinds > 0; i++) {
        size_t k = 0;
        while (k < l->n_kinds && l->kinds[k] != lines[i]->kind) k++;
        if (k == l->n_kinds) return false;
    }
    return true;
}

static bool wider(const Kesu__V1__AuthorityLimit *a, const Kesu__V1__AuthorityLimit *b)
{
    int order;
    if (b == NULL || b->upto == NULL || a->upto == NULL) return b == NULL || b->upto != NULL;
    return money_compare(a->upto, b->upto, &order) == 0 && order > 0;
}

static const Kesu__V1__AuthorityLimit *own_limit(const Kesu__V1__Policy *p, const Kesu__V1__Staff *staff,
                                                 Kesu__V1__RemedyLine *const *lines, size_t n,
                                                 const Kesu__V1__Money *total)
{
    const Kesu__V1__AuthorityLimit *best = NULL;
    for (size_t i = 0; i < p->n_authority; i++) {
        const Kesu__V1__AuthorityLimit *l = p->authority[i];
        if (has_limit(staff, l) && covers_kinds(l, lines, n) && within(total, l->upto) && wider(l, best))
            best = l;
    }
    return best;
}

const Kesu__V1__Delegation *authority_delegation(const Kesu__V1__Policy *p, const char *from, const char *to,
                                                 const Kesu__V1__Money *total, int64_t now)
{
    if (!policy_is_here(policy_staff(p, from), now)) return NULL;
    for (size_t i = 0; i < p->n_delegations; i++) {
        const Kesu__V1__Delegation *d = p->delegations[i];
        if (strcmp(d->from, from) == 0 && strcmp(d->to, to) == 0 && d->starts <= now &&
            (d->until == 0 || now <= d->until) && within(total, d->upto))
            return d;
    }
    return NULL;
}

const Kesu__V1__AuthorityLimit *authority_limit(const Kesu__V1__Policy *p, const Kesu__V1__Staff *staff,
                                                const Kesu__V1__Actor *actor,
                                                Kesu__V1__RemedyLine *const *lines, size_t n,
                                                const Kesu__V1__Money *total, int64_t now,
                                                const Kesu__V1__Delegation **ret_by)
{
    *ret_by = NULL;
    if (staff == NULL) return NULL;
    if (actor->on_behalf_of[0] == '\0') return own_limit(p, staff, lines, n, total);
    const Kesu__V1__Staff *from = policy_staff(p, actor->on_behalf_of);
    *ret_by = authority_delegation(p, actor->on_behalf_of, staff->id, total, now);
    return from != NULL && *ret_by != NULL ? own_limit(p, from, lines, n, total) : NULL;
}

const Kesu__V1__Staff *authority_approver(const Kesu__V1__Policy *p, const char *proposer, const char *agent,
                                          Kesu__V1__RemedyLine *const *lines, size_t n,
                                          const Kesu__V1__Money *total, int64_t now)
{
    const Kesu__V1__Staff *s = policy_staff(p, proposer);
    for (unsigned steps = 0; s != NULL && s->manager[0] != '\0' && steps < MAX_CHAIN; steps++) {
        s = policy_staff(p, s->manager);
        if (s != NULL && (1u << life_role(s) & LIFE_LEADERS) != 0 && strcmp(s->id, agent) != 0 &&
            policy_is_here(s, now) && own_limit(p, s, lines, n, total) != NULL)
            return s;
    }
    return NULL;
}

/* ---- the compensation matrix --------------------------------------------------- */

static bool rule_fits(const Kesu__V1__CompensationRule *r, const char *category, bool insured)
{
    size_t n = strlen(r->category);
    if (r->insured == KESU__V1__COMPENSATION_RULE__INSURED__INSURED_YES && !insured) return false;
    if (r->insured == KESU__V1__COMPENSATION_RULE__INSURED__INSURED_NO && insured) return false;
    return n == 0 || (strncmp(r->category, category, n) == 0 && (category[n] == '\0' || category[n] == '.'));
}

/* At most this many hundredths of that; what is not known caps nothing. */
static bool within_share(const Kesu__V1__Money *m, const Kesu__V1__Money *of, uint64_t hundredths)
{
    Kesu__V1__Money cap;
    int64_t whole, rest;
    if (of == NULL || hundredths == 0) return true;
    cap = *of;
    if (__builtin_mul_overflow(of->e4 / 100, hundredths, &whole) ||
        __builtin_mul_overflow(of->e4 % 100, hundredths, &rest) ||
        __builtin_add_overflow(whole, rest / 100, &cap.e4))
        return strcmp(m->currency, of->currency) == 0;
    return within(m, &cap);
}

int authority_cap(const Kesu__V1__Policy *p, const char *category, const Kesu__V1__Object *object,
                  const Kesu__V1__Money *total, const Kesu__V1__CompensationRule **ret)
{
    bool insured = object != NULL && object->insured;
    *ret = NULL;
    for (size_t i = 0; i < p->n_compensation && *ret == NULL; i++)
        if (rule_fits(p->compensation[i], category, insured)) *ret = p->compensation[i];
    if (*ret == NULL || total == NULL || total->e4 == 0) return 0;
    const Kesu__V1__CompensationRule *r = *ret;
    if (!within(total, r->most)) return E_LIMIT;
    if (object == NULL) return 0;
    return within_share(total, object->declared_value, r->percent_of_declared) &&
                   within_share(total, object->carriage, (uint64_t)r->times_carriage * 100)
               ? 0
               : E_LIMIT;
}

/* ---- the front line's quota ---------------------------------------------------- */

static bool within_period(const Kesu__V1__Quota *q, const Kesu__V1__AgentState *used,
                          const Kesu__V1__Money *total, int64_t from)
{
    Kesu__V1__Money sum = KESU__V1__MONEY__INIT;
    bool same = used->quota_from == from;
    if (q->cases > 0 && same && used->quota_cases >= q->cases) return false;
    if (total == NULL || total->e4 == 0 || q->per_period == NULL) return true;
    sum.currency = total->currency;
    if (same && used->quota_e4 != 0) {
        if (strcmp(used->quota_currency, total->currency) != 0) return false;
        sum.e4 = used->quota_e4;
    }
    return money_add(&sum, total) == 0 && within(&sum, q->per_period);
}

int authority_quota(const Kesu__V1__Policy *p, const Kesu__V1__Staff *staff, const Kesu__V1__AgentState *used,
                    const Kesu__V1__Money *total, const Kesu__V1__Money *whole, int64_t now,
                    const Kesu__V1__Quota **ret, int64_t *ret_from)
{
    *ret = NULL;
    *ret_from = 0;
    for (size_t i = 0; i < p->n_quotas && *ret == NULL; i++)
        if (p->quotas[i]->role == life_role(staff)) *ret = p->quotas[i];
    const Kesu__V1__Quota *q = *ret;
    if (q == NULL) return 0;
    int64_t local = now / USEC_PER_SEC;
    if (p->office != NULL) (void)due_local_seconds(p->office->time_zone, now, &local);
    local *= USEC_PER_SEC;
    if (q->period > 0) *ret_from = local - local % q->period;
    return within(whole, q->per_case) && within_period(q, used, total, *ret_from) ? 0 : E_LIMIT;
}
