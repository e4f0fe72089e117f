/* SPDX-License-Identifier: Apache-2.0 */
/* notify.yaml: who is told what and how; and the files of templates/, each a
 * map from language to subject, text and html. */
#include "policy_schema.h"

static const struct policy_key notice_keys[] = {
    {"id", POLICY_ID, true, 0, 0, NULL, NULL, "kind of the message, unique; receipt stops the receipt clock"},
    {"on", POLICY_CHOICE, true, 0, 0,
     "opened|assigned|breach|warn|escalate|resolved|closed|closed_no_survey|replied|progress|explained|"
     "opinion|final_opinion|appeal_not_admitted|appeal_decided|deadlocked|file_returned|task_given|"
     "approval_asked|reading_asked|reviewer_assigned|lesson|incident_answer|handover_overdue|"
     "discipline_overdue|discipline_escalated",
     NULL, "what it tells of"},
    {"to", POLICY_CHOICE, true, 0, 0, "customer|agent|manager", NULL,
     "agent: who has the case, the sub-task, is asked, or leads the unit of a lesson; manager: the person "
     "the clock's step is for"},
    {"transport", POLICY_CHOICE, true, 0, 0, "smtp|maildir|webhook", NULL, "how it goes"},
    {"url", POLICY_URL, false, 0, 0, NULL, NULL, "of the webhook"},
    {"template", POLICY_ID, true, 0, 0, NULL, NULL, "a file of templates/, without .yaml"},
    {NULL, 0, false, 0, 0, NULL, NULL, NULL},
};
static const struct policy_shape notice_shape = {&kesu__v1__notice__descriptor, notice_keys};

static const struct policy_key notify_keys[] = {
    {"notices", POLICY_MAPS, true, 0, 64, NULL, &notice_shape, "the messages"},
    {NULL, 0, false, 0, 0, NULL, NULL, NULL},
};
const struct policy_shape policy_notify_shape = {&kesu__v1__policy__descriptor, notify_keys};

static const struct policy_key template_keys[] = {
    {"subject", POLICY_TEXT, true, 1, 500, NULL, NULL, "one line; {{name}} stands for a value"},
    {"text", POLICY_TEXT, true, 1, 32768, NULL, NULL, "plain text"},
    {"html", POLICY_TEXT, false, 1, 65536, NULL, NULL, "HTML; values are escaped"},
    {NULL, 0, false, 0, 0, NULL, NULL, NULL},
};
const struct policy_shape policy_template_shape = {&kesu__v1__template__descriptor, template_keys};
