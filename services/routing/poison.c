/* SPDX-License-Identifier: Apache-2.0 */
/* A task nobody could do: a person shall look. It goes to the default queue of
 * the policy with the reason, in the middle of the severities that can wait. */
#include "log.h"
#include "routing.h"

void routing_poison_fallback(struct routing *r, struct routing_task *t, const char *reason)
{
    Kesu__V1__Judgement j = KESU__V1__JUDGEMENT__INIT;
    if (reason[0] == 0) reason = "the worker gave no reason";
    const Kesu__V1__Defaults *defaults = r->policy->defaults;
    j.category = defaults != NULL ? defaults->category : j.category;
    j.department = defaults != NULL ? defaults->department : j.department;
    j.severity = KESU__V1__SEVERITY__SEVERITY_S3;
    j.policy_hash = (ProtobufCBinaryData){sizeof r->policy_hash, r->policy_hash};
    log_warn(r->env, "to the default queue", LOG_U64("case", t->case_id), LOG_U64("tries", t->tries),
             LOG_STR("reason", reason));
    stats_add(r->m.fallbacks, 1);
    routing_classify_send(r, t, &j, true, reason);
}
