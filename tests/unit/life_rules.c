/* SPDX-License-Identifier: Apache-2.0 */
#include "life_rules.h"

#include "life.h"
#include "policy.h"

static bool is_recused(const Kesu__V1__Policy *p, const Kesu__V1__CaseLife *life, const char *id)
{
    const Kesu__V1__Staff *s = policy_staff(p, id);
    for (size_t i = 0; s != NULL && life != NULL && i < life->n_accused; i++)
        if (strcmp(life->accused[i], id) == 0 || strcmp(life->accused[i], s->manager) == 0) return true;
    return false;
}

/* ---- sums ------------------------------------------------------------------ */

static int64_t amount_of(const Kesu__V1__Money *m)
{
    return m != NULL ? m->e4 : 0;
}

static int64_t upto_of(const Kesu__V1__Policy *p, const char *id)
{
    const Kesu__V1__Staff *s = policy_staff(p, id);
    int64_t widest = -1;
    for (size_t i = 0; s != NULL && i < p->n_authority; i++) {
        const Kesu__V1__AuthorityLimit *l = p->authority[i];
        int64_t upto = l->upto != NULL ? l->upto->e4 : INT64_MAX;
        bool below = s->role <= KESU__V1__STAFF_ROLE__STAFF_ROLE_GENERAL_MANAGER && l->role < s->role;
        if ((l->role == s->role || below) && upto > widest) widest = upto;
    }
    return widest;
}

/* On behalf of somebody: as far as that person, and as far as it was given. */
static int64_t upto_of_actor(const Kesu__V1__Policy *p, const Kesu__V1__Actor *actor)
{
    if (actor->on_behalf_of[0] == '\0') return upto_of(p, actor->name);
    int64_t upto = upto_of(p, actor->on_behalf_of), given = -1;
    for (size_t i = 0; i < p->n_delegations; i++) {
        const Kesu__V1__Delegation *d = p->delegations[i];
        if (strcmp(d->from, actor->on_behalf_of) != 0 || strcmp(d->to, actor->name) != 0) continue;
        int64_t one = d->upto != NULL ? d->upto->e4 : INT64_MAX;
        if (one > given) given = one;
    }
    return upto < given ? upto : given;
}

static int64_t whole_of(const Kesu__V1__CaseLife *life)
{
    int64_t sum = amount_of(life->given);
    for (size_t i = 0; i < life->proposal->n_lines; i++) sum += amount_of(life->proposal->lines[i]->amount);
    return sum;
}

static bool covers(const char *category, const char *of)
{
    size_t n = strlen(category);
    return n == 0 || (strncmp(category, of, n) == 0 && (of[n] == '\0' || of[n] == '.'));
}

/* INT64_MAX: no rule fits, or the one that does has no fixed cap. */
static int64_t cap_of(const Kesu__V1__Policy *p, const char *category)
{
    for (size_t i = 0; i < p->n_compensation; i++) {
        const Kesu__V1__CompensationRule *r = p->compensation[i];
        if (r->insured != KESU__V1__COMPENSATION_RULE__INSURED__INSURED_UNSPECIFIED) return INT64_MAX;
        if (covers(r->category, category)) return r->most != NULL ? r->most->e4 : INT64_MAX;
    }
    return INT64_MAX;
}

static int64_t quota_of(const Kesu__V1__Policy *p, Kesu__V1__StaffRole role)
{
    for (size_t i = 0; i < p->n_quotas; i++)
        if (p->quotas[i]->role == role && p->quotas[i]->per_case != NULL) return p->quotas[i]->per_case->e4;
    return INT64_MAX;
}

/* ---- an event each ----------------------------------------------------------- */

static bool has_open_task(const Kesu__V1__CaseLife *life)
{
    for (size_t i = 0; life != NULL && i < life->n_tasks; i++)
        if (life->tasks[i]->open && !life->tasks[i]->waived) return true;
    return false;
}

static const char *approval(const Kesu__V1__Policy *p, const Kesu__V1__CaseState *was,
                            const Kesu__V1__Event *e)
{
    if (e->proposal_decided->decision != KESU__V1__DECISION__DECISION_APPROVED) return NULL;
    if (strcmp(was->life->proposal->proposer, e->actor->name) == 0) return "approved by who proposed it";
    return whole_of(was->life) > upto_of_actor(p, e->actor) ? "approved above the limit" : NULL;
}

static const char *opinion(const Kesu__V1__Policy *p, const Kesu__V1__CaseState *was,
                           const Kesu__V1__Event *e)
{
    const Kesu__V1__CaseLife *life = was->life;
    bool at_once = e->opinion_sent->at_once;
    if (at_once != (was->stage == KESU__V1__STAGE__STAGE_PROPOSED))
        return "at once is what was not submitted";
    if (!at_once) return life->proposal->approved ? NULL : "sent without approval";
    const Kesu__V1__Staff *s = policy_staff(p, life->proposal->proposer);
    if (s == NULL || whole_of(life) > upto_of(p, s->id)) return "decided at once above the limit";
    return whole_of(life) > quota_of(p, s->role) ? "decided at once above the quota of a case" : NULL;
}

static const char *proposal(const Kesu__V1__Policy *p, const Kesu__V1__CaseState *was,
                            const Kesu__V1__Event *e)
{
    int64_t total = amount_of(e->remedy_proposed->total), cap = cap_of(p, was->category);
    int64_t given = was->life != NULL ? amount_of(was->life->given) : 0;
    if (total > 0 && total + given > cap) return "proposed above the cap";
    return has_open_task(was->life) ? "proposed while a sub-task is open" : NULL;
}

/* Closed 8Ds of the incident count, which the case does not tell. */
static const char *closing(const Kesu__V1__Policy *p, const Kesu__V1__CaseState *was,
                           const Kesu__V1__Event *e)
{
    const Kesu__V1__CaseLife *life = was->life;
    Kesu__V1__Severity from =
        p->life != NULL ? p->life->eightd_from : KESU__V1__SEVERITY__SEVERITY_UNSPECIFIED;
    if (e->case_closed->cause[0] == '\0') return "closed without a cause";
    if (has_open_task(life)) return "closed with an open sub-task";
    if (life != NULL && life->n_open_eightds > 0) return "closed with an open 8D";
    bool grave = was->severity != KESU__V1__SEVERITY__SEVERITY_UNSPECIFIED && was->severity <= from &&
                 was->stage != KESU__V1__STAGE__STAGE_NOT_A_COMPLAINT;
    bool done = life != NULL && (life->eightds_closed > 0 || life->incident_id != 0);
    return grave && !done ? "grave, and closed without an 8D" : NULL;
}

static const char *appeal(const Kesu__V1__Policy *p, const Kesu__V1__CaseState *was, const Kesu__V1__Event *e)
{
    const Kesu__V1__AppealState *a = was->life != NULL ? was->life->appeal : NULL;
    (void)p;
    if (a != NULL && a->outcome != KESU__V1__APPEAL_OUTCOME__APPEAL_OUTCOME_UNSPECIFIED)
        return "what was final is appealed";
    if (e->body_case != KESU__V1__EVENT__BODY_APPEAL_DECIDED) return NULL;
    if (a == NULL ||
        (strcmp(a->reviewer, e->actor->name) != 0 && strcmp(a->reviewer, e->actor->on_behalf_of) != 0))
        return "decided by another than the reviewer";
    for (size_t i = 0; i < was->life->n_took_part; i++)
        if (strcmp(was->life->took_part[i], e->actor->name) == 0 ||
            strcmp(was->life->took_part[i], e->actor->on_behalf_of) == 0)
            return "reviewed by who took part";
    return NULL;
}

static const char *reopening(const Kesu__V1__Policy *p, const Kesu__V1__CaseState *was,
                             const Kesu__V1__Event *e)
{
    const Kesu__V1__AppealState *a = was->life != NULL ? was->life->appeal : NULL;
    const Kesu__V1__Staff *s = policy_staff(p, e->actor->name);
    bool final = a != NULL && a->outcome != KESU__V1__APPEAL_OUTCOME__APPEAL_OUTCOME_UNSPECIFIED;
    if (e->case_reopened->final != final) return "reopened as what it is not";
    return final && (s == NULL || (1u << s->role & (LIFE_LEADERS | LIFE_ROLE(LEGAL))) == 0)
               ? "what was final is opened again by who may not"
               : NULL;
}

static const struct {
    Kesu__V1__Event__BodyCase type;
    const char *(*check)(const Kesu__V1__Policy *p, const Kesu__V1__CaseState *was, const Kesu__V1__Event *e);
} rows[] = {
    {KESU__V1__EVENT__BODY_PROPOSAL_DECIDED, approval}, {KESU__V1__EVENT__BODY_OPINION_SENT, opinion},
    {KESU__V1__EVENT__BODY_REMEDY_PROPOSED, proposal},  {KESU__V1__EVENT__BODY_CASE_CLOSED, closing},
    {KESU__V1__EVENT__BODY_CASE_REOPENED, reopening},   {KESU__V1__EVENT__BODY_APPEAL_FILED, appeal},
    {KESU__V1__EVENT__BODY_APPEAL_DECIDED, appeal},
};

const char *life_rules_before(const Kesu__V1__Policy *policy, const Kesu__V1__CaseState *was,
                              const Kesu__V1__Event *e, bool first)
{
    if (e->body_case != KESU__V1__EVENT__BODY_MESSAGE_ADDED && life_find(was->stage, e) == NULL)
        return "it is not in the table";
    if (first && e->actor->kind == KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF &&
        e->body_case != KESU__V1__EVENT__BODY_STATEMENT_RECORDED &&
        (is_recused(policy, was->life, e->actor->name) ||
         is_recused(policy, was->life, e->actor->on_behalf_of)))
        return "by somebody who takes no part";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].type == e->body_case) return rows[i].check(policy, was, e);
    return NULL;
}

const char *life_rules_after(const Kesu__V1__CaseState *was, const Kesu__V1__CaseState *now,
                             const Kesu__V1__Event *e)
{
    unsigned back = was->life != NULL ? was->life->stage_before : 0;
    if (now->version != was->version + 1 || e->version != now->version)
        return "the version is not one higher";
    if (now->stage != life_next(was->stage, (Kesu__V1__Stage)back, e)) return "the stage is not the table's";
    return was->agent[0] != '\0' && now->agent[0] == '\0' ? "the case has no owner any more" : NULL;
}
