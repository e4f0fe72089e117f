/* SPDX-License-Identifier: Apache-2.0 */
/* Words to the customer: held for a while before they leave; calls. */
#include "decide_life.h"

int intake_decide_reply(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_REPLY_HELD);
}

int intake_decide_undo_reply(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_REPLY_UNDONE);
}

int intake_decide_start_reply(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_REPLY_STARTED);
}

int intake_decide_call(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_CALL_RECORDED);
}
