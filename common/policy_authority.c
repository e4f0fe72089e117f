/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of org.yaml that say who may give how much, and the settings of
 * the life of a case. */
#include "clock.h"
#include "policy_schema.h"

#define ROLES "agent|handler|section_manager|deputy|general_manager|legal"
#define KINDS                                                                                                \
    "apology|explanation|return|exchange|repair|refund|partial_refund|discount|compensation|reship|pick_up|" \
    "cancel|coupon|gift|expedite|warranty|reimbursement|inspection"

#define END                                    \
    {                                          \
        NULL, 0, false, 0, 0, NULL, NULL, NULL \
    }

static const struct policy_key shift_keys[] = {
    {"id", POLICY_ID, true, 0, 0, NULL, NULL, "unique"},
    {"names", POLICY_NAMES, true, 1, 200, NULL, NULL, "name by language"},
    {"begins", POLICY_MINUTE, true, 0, 0, NULL, NULL, "in the office's time zone"},
    {"ends", POLICY_MINUTE, true, 0, 0, NULL, NULL, "before begins: on the next day"},
    {"lead", POLICY_ID, true, 0, 0, NULL, NULL, "staff id of who takes over its open work"},
    END,
};
const struct policy_shape policy_shift_shape = {&kesu__v1__shift__descriptor, shift_keys};

static const struct policy_key authority_keys[] = {
    {"id", POLICY_ID, true, 0, 0, NULL, NULL, "unique; stands in what is explained"},
    {"role", POLICY_ENUM, true, 0, 0, ROLES, NULL, "whose limit it is"},
    {"kinds", POLICY_ENUMS, false, 0, 0, KINDS, NULL, "remedies it covers; left out: all"},
    {"upto", POLICY_MONEY, false, 0, 0, NULL, NULL, "the most in a case; left out: any amount"},
    END,
};
const struct policy_shape policy_authority_shape = {&kesu__v1__authority_limit__descriptor, authority_keys};

static const struct policy_key quota_keys[] = {
    {"id", POLICY_ID, true, 0, 0, NULL, NULL, "unique"},
    {"role", POLICY_ENUM, true, 0, 0, ROLES, NULL, "who decides at once within it"},
    {"per_case", POLICY_MONEY, false, 0, 0, NULL, NULL, "the most in a case"},
    {"per_period", POLICY_MONEY, false, 0, 0, NULL, NULL, "the most of one person in a period"},
    {"period", POLICY_DURATION, false, USEC_PER_HOUR, 366 * USEC_PER_DAY, NULL, NULL, "how long a period is"},
    {"cases", POLICY_INT, false, 1, 100000, NULL, NULL, "the most cases of one person in a period"},
    END,
};
const struct policy_shape policy_quota_shape = {&kesu__v1__quota__descriptor, quota_keys};

static const struct policy_key compensation_keys[] = {
    {"id", POLICY_ID, true, 0, 0, NULL, NULL, "unique; stands in what is explained"},
    {"category", POLICY_ID, false, 0, 0, NULL, NULL, "covers all under it, too; left out: all"},
    {"insured", POLICY_ENUM, false, 0, 0, "yes|no", NULL, "left out: either"},
    {"most", POLICY_MONEY, false, 0, 0, NULL, NULL, "a fixed cap"},
    {"percent_of_declared", POLICY_INT, false, 1, 1000, NULL, NULL, "of the declared value"},
    {"times_carriage", POLICY_INT, false, 1, 100, NULL, NULL, "of what the transport cost"},
    {"law", POLICY_TEXT, false, 1, 200, NULL, NULL, "what the cap comes from"},
    END,
};
const struct policy_shape policy_compensation_shape = {&kesu__v1__compensation_rule__descriptor,
                                                       compensation_keys};

static const struct policy_key delegation_keys[] = {
    {"id", POLICY_ID, true, 0, 0, NULL, NULL, "unique"},
    {"from", POLICY_ID, true, 0, 0, NULL, NULL, "staff id of whose authority it is"},
    {"to", POLICY_ID, true, 0, 0, NULL, NULL, "staff id of who has it meanwhile"},
    {"upto", POLICY_MONEY, false, 0, 0, NULL, NULL, "the most; left out: as who gives it"},
    {"starts", POLICY_TIME, false, 0, 0, NULL, NULL, "left out: now"},
    {"until", POLICY_TIME, true, 0, 0, NULL, NULL, "when it ends"},
    END,
};
const struct policy_shape policy_delegation_shape = {&kesu__v1__delegation__descriptor, delegation_keys};

static const struct policy_key life_keys[] = {
    {"reply_hold", POLICY_DURATION, false, 0, USEC_PER_DAY, NULL, NULL,
     "a reply can be undone for so long; left out: it leaves at once"},
    {"replying_for", POLICY_DURATION, false, USEC_PER_SEC, USEC_PER_DAY, NULL, NULL,
     "others are told for so long that somebody is writing"},
    {"silence", POLICY_ENUM, false, 0, 0, "accepted|objected", NULL,
     "what no answer to an opinion counts as; left out: accepted"},
    {"retention", POLICY_DURATION, false, 0, 36500 * USEC_PER_DAY, NULL, NULL,
     "from closing to archiving at least"},
    {"eightd_from", POLICY_ENUM, false, 0, 0, "S1|S2|S3|S4", NULL,
     "this severity and graver ones close only with an 8D; left out: none needs one"},
    {"overdue_after", POLICY_DURATIONS, false, USEC_PER_SEC, 366 * USEC_PER_DAY, NULL, NULL,
     "waits after a handover or a discipline of an 8D was due, one a level of the chain of command; left "
     "out: "
     "nobody further is told"},
    END,
};
const struct policy_shape policy_life_shape = {&kesu__v1__life_settings__descriptor, life_keys};
