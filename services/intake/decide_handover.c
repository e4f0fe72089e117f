/* SPDX-License-Identifier: Apache-2.0 */
/* A shift gives its open work to the next. */
#include "decide_life.h"

int intake_decide_open_handover(struct decide *d)
{
    void *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_HANDOVER_OPENED);
    if (body == NULL) return intake_decide_no_memory(d);
    intake_decide_add(d, KESU__V1__EVENT__BODY_HANDOVER_OPENED, body);
    return 0;
}

int intake_decide_accept_handover(struct decide *d)
{
    void *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_HANDOVER_ACCEPTED);
    if (body == NULL) return intake_decide_no_memory(d);
    intake_decide_add(d, KESU__V1__EVENT__BODY_HANDOVER_ACCEPTED, body);
    return 0;
}
