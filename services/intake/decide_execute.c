/* SPDX-License-Identifier: Apache-2.0 */
/* What was promised is done, step by step; what others owe us; what the customer thinks of it. */
#include "decide_life.h"

int intake_decide_step(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_STEP_COMPLETED);
}

int intake_decide_claim_recovery(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_RECOVERY_CLAIMED);
}

int intake_decide_settle_recovery(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_RECOVERY_SETTLED);
}

int intake_decide_feedback(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_FEEDBACK_RECORDED);
}

int intake_decide_accountability(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_ACCOUNTABILITY_RECORDED);
}
