// SPDX-License-Identifier: Apache-2.0
// The rules behind a decision: those it names by their id, with what they say in
// the policy it was decided by, and those every office has.
#include <stdio.h>

#include "explain.h"

typedef void (*rule_fn)(void *self, const char *text);

static void told(const struct teller *t, const char *key, const ProtobufCMessage *m, rule_fn on_rule,
                 void *self)
{
    char text[TELL_TEXT];
    tell(t, tell_word(t, key), m, text);
    on_rule(self, text);
}

// A rule that is named: of the compensation matrix, a limit of authority, or another.
static void named(const struct teller *t, const char *id, const ProtobufCMessage *event, rule_fn on_rule,
                  void *self)
{
    const Kesu__V1__Policy *p = t->policy;
    if (id[0] == '\0') return;
    for (size_t i = 0; p != NULL && i < p->n_compensation; i++)
        if (strcmp(p->compensation[i]->id, id) == 0) {
            told(t, "rule.cap", &p->compensation[i]->base, on_rule, self);
            return;
        }
    for (size_t i = 0; p != NULL && i < p->n_authority; i++)
        if (strcmp(p->authority[i]->id, id) == 0) {
            told(t, "rule.limit", &p->authority[i]->base, on_rule, self);
            return;
        }
    told(t, "rule.other", event, on_rule, self);
}

static void of_judgement(const struct teller *t, const Kesu__V1__Judgement *j, rule_fn on_rule, void *self)
{
    for (size_t i = 0; j != NULL && i < j->n_evidence; i++)
        told(t, "rule.evidence", &j->evidence[i]->base, on_rule, self);
}

static void of_level(const struct teller *t, uint32_t level, rule_fn on_rule, void *self)
{
    Kesu__V1__AuthorityLimit limit = KESU__V1__AUTHORITY_LIMIT__INIT;
    if (level == 0 || level > KESU__V1__STAFF_ROLE__STAFF_ROLE_GENERAL_MANAGER) return;
    limit.role = (Kesu__V1__StaffRole)level;
    told(t, "rule.needs", &limit.base, on_rule, self);
}

// What holds for every event of a type.
static const struct {
    Kesu__V1__Event__BodyCase event;
    const char *key;
} always[] = {
    {KESU__V1__EVENT__BODY_ACCUSED_NAMED, "rule.recusal"},
    {KESU__V1__EVENT__BODY_APPEAL_FILED, "rule.window"},
    {KESU__V1__EVENT__BODY_REVIEWER_ASSIGNED, "rule.reviewer"},
    {KESU__V1__EVENT__BODY_EIGHTD_OPENED, "rule.eightd"},
    {KESU__V1__EVENT__BODY_ANSWER_SHARED, "rule.own_closure"},
    {KESU__V1__EVENT__BODY_SENSITIVE_MARKED, "rule.readers"},
};

void explain_rules(const struct teller *t, const Kesu__V1__Event *e, rule_fn on_rule, void *self)
{
    const ProtobufCMessage *body = tell_body(e);
    switch (e->body_case) {
    case KESU__V1__EVENT__BODY_CASE_CLASSIFIED:
        of_judgement(t, e->case_classified->judgement, on_rule, self);
        return;
    case KESU__V1__EVENT__BODY_REMEDY_PROPOSED:
        named(t, e->remedy_proposed->limit_rule, body, on_rule, self);
        if (e->remedy_proposed->v2 != NULL) told(t, "rule.value", body, on_rule, self);
        return;
    case KESU__V1__EVENT__BODY_PROPOSAL_SUBMITTED:
        of_level(t, e->proposal_submitted->level, on_rule, self);
        return;
    case KESU__V1__EVENT__BODY_PROPOSAL_DECIDED:
        named(t, e->proposal_decided->limit_rule, body, on_rule, self);
        return;
    case KESU__V1__EVENT__BODY_OPINION_SENT:
        named(t, e->opinion_sent->limit_rule, body, on_rule, self);
        if (e->opinion_sent->at_once) told(t, "rule.quota", body, on_rule, self);
        return;
    case KESU__V1__EVENT__BODY_ANSWER_RECORDED:
        if (e->answer_recorded->answer == KESU__V1__ANSWER__ANSWER_SILENT)
            told(t, "rule.silence", body, on_rule, self);
        return;
    default:
        break;
    }
    for (unsigned i = 0; i < sizeof always / sizeof always[0]; i++)
        if (always[i].event == e->body_case) told(t, always[i].key, body, on_rule, self);
}
