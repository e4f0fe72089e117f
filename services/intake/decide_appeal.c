/* SPDX-License-Identifier: Apache-2.0 */
/* Appeals: in time or late, who reviews, what is decided. */
#include "decide_life.h"

int intake_decide_appeal(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_APPEAL_FILED);
}

int intake_decide_admit(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_APPEAL_ADMITTED);
}

int intake_decide_reviewer(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_REVIEWER_ASSIGNED);
}

int intake_decide_decide_appeal(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_APPEAL_DECIDED);
}
