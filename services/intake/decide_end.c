/* SPDX-License-Identifier: Apache-2.0 */
/* Ends that are none: reopened, withdrawn, marked, held, archived. */
#include "decide_life.h"

int intake_decide_reopen(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_CASE_REOPENED);
}

int intake_decide_withdraw(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_CASE_WITHDRAWN);
}

int intake_decide_conduct(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_CONDUCT_MARKED);
}

int intake_decide_hold(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_CASE_HELD);
}

int intake_decide_archive(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_CASE_ARCHIVED);
}
