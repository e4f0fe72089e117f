/* SPDX-License-Identifier: Apache-2.0 */
/* Founded or not; the questions to departments. */
#include "decide_life.h"

int intake_decide_review(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_CASE_REVIEWED);
}

int intake_decide_open_task(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_TASK_OPENED);
}

int intake_decide_answer_task(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_TASK_ANSWERED);
}

int intake_decide_transfer_task(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_TASK_TRANSFERRED);
}

int intake_decide_waive_task(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_TASK_WAIVED);
}
