/* SPDX-License-Identifier: Apache-2.0 */
/* What is proposed to the customer, and who has to approve it. */
#include "decide_life.h"

int intake_decide_propose(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_REMEDY_PROPOSED);
}

int intake_decide_submit(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_PROPOSAL_SUBMITTED);
}

int intake_decide_approve(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_PROPOSAL_DECIDED);
}

int intake_decide_confirm_reading(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_READING_CONFIRMED);
}
