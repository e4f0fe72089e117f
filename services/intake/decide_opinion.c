/* SPDX-License-Identifier: Apache-2.0 */
/* The opinion, what the customer answers, and who outside looks at it. */
#include "decide_life.h"

int intake_decide_opinion(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_OPINION_SENT);
}

int intake_decide_answer(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_ANSWER_RECORDED);
}

int intake_decide_deadlock(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_DEADLOCK_DECLARED);
}

int intake_decide_external(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_EXTERNAL_REFERRED);
}

int intake_decide_external_outcome(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_EXTERNAL_RECORDED);
}
