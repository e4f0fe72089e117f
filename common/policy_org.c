/* SPDX-License-Identifier: Apache-2.0 */
/* org.yaml: the office, its departments and sections, its people and the
 * chain of command. */
#include "policy_schema.h"

static const struct policy_key office_keys[] = {
    {"name", POLICY_TEXT, true, 1, 200, NULL, NULL, "the office as customers know it"},
    {"names", POLICY_NAMES, false, 1, 200, NULL, NULL, "the same by language, where it differs"},
    {"time_zone", POLICY_TEXT, true, 1, 64, NULL, NULL, "IANA zone; numbers and times shown follow it"},
    {"mail_from", POLICY_EMAIL, true, 0, 0, NULL, NULL, "address that mail to customers comes from"},
    {"mail_name", POLICY_TEXT, true, 1, 200, NULL, NULL, "name beside that address"},
    {"language", POLICY_LANGUAGE, true, 0, 0, NULL, NULL, "used when the customer's is not known"},
    {"outside", POLICY_NAMES, false, 1, 200, NULL, NULL,
     "where customers may turn when no agreement is reached, by language; left out: in general words"},
    {NULL, 0, false, 0, 0, NULL, NULL, NULL},
};
static const struct policy_shape office_shape = {&kesu__v1__office__descriptor, office_keys};

static const struct policy_key section_keys[] = {
    {"id", POLICY_ID, true, 0, 0, NULL, NULL, "unique within the department"},
    {"names", POLICY_NAMES, true, 1, 200, NULL, NULL, "name by language"},
    {"manager", POLICY_ID, true, 0, 0, NULL, NULL, "staff id of who leads it"},
    {NULL, 0, false, 0, 0, NULL, NULL, NULL},
};
static const struct policy_shape section_shape = {&kesu__v1__section__descriptor, section_keys};

static const struct policy_key department_keys[] = {
    {"id", POLICY_ID, true, 0, 0, NULL, NULL, "unique"},
    {"names", POLICY_NAMES, true, 1, 200, NULL, NULL, "name by language"},
    {"manager", POLICY_ID, true, 0, 0, NULL, NULL, "staff id of who leads it"},
    {"sections", POLICY_MAPS, false, 0, 64, NULL, &section_shape, "its sections"},
    {NULL, 0, false, 0, 0, NULL, NULL, NULL},
};
static const struct policy_shape department_shape = {&kesu__v1__department__descriptor, department_keys};

static const struct policy_key staff_keys[] = {
    {"id", POLICY_ID, true, 0, 0, NULL, NULL, "unique; the name this person acts by"},
    {"name", POLICY_TEXT, true, 1, 200, NULL, NULL, "as colleagues and customers read it"},
    {"email", POLICY_EMAIL, true, 0, 0, NULL, NULL, "where notices go"},
    {"department", POLICY_ID, true, 0, 0, NULL, NULL, "id of a department"},
    {"section", POLICY_ID, false, 0, 0, NULL, NULL, "id of a section of that department"},
    {"manager", POLICY_ID, false, 0, 0, NULL, NULL, "next in the chain of command; left out at the top"},
    {"skills", POLICY_TEXTS, false, 1, POLICY_ID_MAX, NULL, NULL,
     "categories (damage.* takes all under it, * all), languages as lang:zh"},
    {"capacity", POLICY_INT, false, 0, 1000, NULL, NULL,
     "open cases at once; left out: the default of routing.yaml"},
    {"language", POLICY_LANGUAGE, true, 0, 0, NULL, NULL, "of notices to this person"},
    {"agent", POLICY_BOOL, false, 0, 0, NULL, NULL, "takes cases"},
    {"role", POLICY_ENUM, false, 0, 0,
     "agent|handler|section_manager|deputy|general_manager|legal|auditor|administrator", NULL,
     "what this person may do; left out: agent, or by their place in the chain of command"},
    {"until", POLICY_TIME, false, 0, 0, NULL, NULL,
     "the end of somebody temporary: then they may do nothing, and what they have goes to who leads them"},
    {"shift", POLICY_ID, false, 0, 0, NULL, NULL, "id of a shift; who is on it gets cases before who is not"},
    {NULL, 0, false, 0, 0, NULL, NULL, NULL},
};
static const struct policy_shape staff_shape = {&kesu__v1__staff__descriptor, staff_keys};

static const struct policy_key org_keys[] = {
    {"office", POLICY_MAP, true, 0, 0, NULL, &office_shape, "the office itself"},
    {"departments", POLICY_MAPS, true, 1, 200, NULL, &department_shape, "who is responsible for what"},
    {"staff", POLICY_MAPS, true, 1, 10000, NULL, &staff_shape, "the people"},
    {"shifts", POLICY_MAPS, false, 0, 50, NULL, &policy_shift_shape, "when who is there"},
    {"authority", POLICY_MAPS, false, 0, 200, NULL, &policy_authority_shape, "who may approve how much"},
    {"quotas", POLICY_MAPS, false, 0, 50, NULL, &policy_quota_shape, "what may be given at once"},
    {"compensation", POLICY_MAPS, false, 0, 500, NULL, &policy_compensation_shape,
     "the compensation matrix: the first that fits caps what is given in a case"},
    {"delegations", POLICY_MAPS, false, 0, 200, NULL, &policy_delegation_shape,
     "who stands in for whom, and is told what is escalated to them"},
    {"life", POLICY_MAP, false, 0, 0, NULL, &policy_life_shape, "settings of the life of a case"},
    {NULL, 0, false, 0, 0, NULL, NULL, NULL},
};
const struct policy_shape policy_org_shape = {&kesu__v1__policy__descriptor, org_keys};
