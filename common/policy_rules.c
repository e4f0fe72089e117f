/* SPDX-License-Identifier: Apache-2.0 */
/* routing.yaml: categories, the scoring of severity, defaults; and the files
 * of rules/: what is looked for in a complaint. Keywords stand as written:
 * the rules engine normalises them. */
#include "clock.h"
#include "policy_schema.h"

#define SCORE(key, help)                                     \
    {                                                        \
        key, POLICY_INT, true, -1000, 1000, NULL, NULL, help \
    }

static const struct policy_key category_keys[] = {
    {"id", POLICY_ID, true, 0, 0, NULL, NULL, "dotted, e.g. damage.wet; unique"},
    {"names", POLICY_NAMES, true, 1, 200, NULL, NULL, "name by language"},
    {"department", POLICY_ID, true, 0, 0, NULL, NULL, "id of the responsible department"},
    {"weight", POLICY_INT, true, -1000, 1000, NULL, NULL, "what it adds to the severity score"},
    {"rank", POLICY_INT, true, 0, 100000, NULL, NULL, "of equal votes the smaller rank wins"},
    {"evidence", POLICY_TEXTS, false, 1, POLICY_ID_MAX, NULL, NULL,
     "ids of evidence: what a complete file has"},
    {NULL, 0, false, 0, 0, NULL, NULL, NULL},
};
static const struct policy_shape category_shape = {&kesu__v1__category__descriptor, category_keys};

static const struct policy_key scoring_keys[] = {
    SCORE("s1", "score from which a case is S1"),
    SCORE("s2", "score from which a case is S2"),
    SCORE("s3", "score from which a case is S3; below it is S4"),
    SCORE("vip", "added for a customer of tier VIP"),
    SCORE("regulator", "added for the channel regulator"),
    SCORE("media", "added for the channel media"),
    SCORE("repeat", "added for each earlier case of the customer"),
    SCORE("repeat_max", "most that repeats add"),
    SCORE("count", "added for each doubling of the customers with the same object"),
    SCORE("count_max", "most that the count adds"),
    SCORE("age", "added for each doubling of age_unit since it happened"),
    SCORE("age_max", "most that the age adds"),
    {"age_unit", POLICY_DURATION, true, USEC_PER_MIN, 366 * USEC_PER_DAY, NULL, NULL,
     "age that counts as one"},
    {NULL, 0, false, 0, 0, NULL, NULL, NULL},
};
static const struct policy_shape scoring_shape = {&kesu__v1__scoring__descriptor, scoring_keys};

static const struct policy_key defaults_keys[] = {
    {"department", POLICY_ID, true, 0, 0, NULL, NULL, "id of the department of the default queue"},
    {"category", POLICY_ID, true, 0, 0, NULL, NULL, "id of the category when no rule speaks"},
    {"capacity", POLICY_INT, true, 1, 1000, NULL, NULL, "open cases at once of an agent who says nothing"},
    {NULL, 0, false, 0, 0, NULL, NULL, NULL},
};
static const struct policy_shape defaults_shape = {&kesu__v1__defaults__descriptor, defaults_keys};

static const struct policy_key evidence_keys[] = {
    {"id", POLICY_ID, true, 0, 0, NULL, NULL, "unique"},
    {"names", POLICY_NAMES, true, 1, 200, NULL, NULL, "name by language"},
    {NULL, 0, false, 0, 0, NULL, NULL, NULL},
};
static const struct policy_shape evidence_shape = {&kesu__v1__evidence_item__descriptor, evidence_keys};

static const struct policy_key routing_keys[] = {
    {"categories", POLICY_MAPS, true, 1, 1000, NULL, &category_shape, "what complaints are about"},
    {"evidence", POLICY_MAPS, false, 0, 200, NULL, &evidence_shape, "what a file may be missing"},
    {"scoring", POLICY_MAP, true, 0, 0, NULL, &scoring_shape, "severity beside the words"},
    {"defaults", POLICY_MAP, true, 0, 0, NULL, &defaults_shape, "when nothing else speaks"},
    {NULL, 0, false, 0, 0, NULL, NULL, NULL},
};
const struct policy_shape policy_routing_shape = {&kesu__v1__policy__descriptor, routing_keys};

static const struct policy_key rule_keys[] = {
    {"id", POLICY_ID, true, 0, 0, NULL, NULL, "unique; stands in the evidence"},
    {"category", POLICY_ID, false, 0, 0, NULL, NULL, "category it votes for"},
    {"factor", POLICY_CHOICE, false, 0, 0, "content|count|source|emotion|age|scope|urgency", NULL,
     "severity factor it adds to, when it votes for no category"},
    {"weight", POLICY_INT, true, -1000, 1000, NULL, NULL, "of the vote, or added to the score"},
    {"keywords", POLICY_TEXTS, false, 1, 200, NULL, NULL, "any of these"},
    {"regex", POLICY_TEXT, false, 1, 1000, NULL, NULL, "or this, PCRE2 on normalised text"},
    {"label", POLICY_TEXT, false, 1, 200, NULL, NULL, "what the regex finds, in words, for the evidence"},
    {"unless", POLICY_TEXTS, false, 1, 200, NULL, NULL, "but none of these"},
    {"subject_only", POLICY_BOOL, false, 0, 0, NULL, NULL, "look at the subject alone"},
    {"match", POLICY_LINES, false, 1, 1000, NULL, NULL, "test lines the rule must match"},
    {"no_match", POLICY_LINES, false, 1, 1000, NULL, NULL, "test lines the rule must not match"},
    {NULL, 0, false, 0, 0, NULL, NULL, NULL},
};
static const struct policy_shape rule_shape = {&kesu__v1__rule__descriptor, rule_keys};

static const struct policy_key rules_keys[] = {
    {"rules", POLICY_MAPS, true, 0, 10000, NULL, &rule_shape, "in any order"},
    {NULL, 0, false, 0, 0, NULL, NULL, NULL},
};
const struct policy_shape policy_rules_shape = {&kesu__v1__policy__descriptor, rules_keys};
