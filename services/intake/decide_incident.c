/* SPDX-License-Identifier: Apache-2.0 */
/* Many cases of one cause. */
#include "decide_life.h"

int intake_decide_create_incident(struct decide *d)
{
    void *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_INCIDENT_CREATED);
    if (body == NULL) return intake_decide_no_memory(d);
    intake_decide_add(d, KESU__V1__EVENT__BODY_INCIDENT_CREATED, body);
    return 0;
}

int intake_decide_join_incident(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_JOINED_INCIDENT);
}

int intake_decide_leave_incident(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_LEFT_INCIDENT);
}

int intake_decide_change_incident(struct decide *d)
{
    void *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_INCIDENT_CHANGED);
    if (body == NULL) return intake_decide_no_memory(d);
    intake_decide_add(d, KESU__V1__EVENT__BODY_INCIDENT_CHANGED, body);
    return 0;
}

int intake_decide_hold_lot(struct decide *d)
{
    void *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_LOT_HELD);
    if (body == NULL) return intake_decide_no_memory(d);
    intake_decide_add(d, KESU__V1__EVENT__BODY_LOT_HELD, body);
    return 0;
}

int intake_decide_answer_incident(struct decide *d)
{
    void *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_INCIDENT_ANSWERED);
    if (body == NULL) return intake_decide_no_memory(d);
    intake_decide_add(d, KESU__V1__EVENT__BODY_INCIDENT_ANSWERED, body);
    return 0;
}

int intake_decide_share_answer(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_ANSWER_SHARED);
}

int intake_decide_close_incident(struct decide *d)
{
    void *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_INCIDENT_CLOSED);
    if (body == NULL) return intake_decide_no_memory(d);
    intake_decide_add(d, KESU__V1__EVENT__BODY_INCIDENT_CLOSED, body);
    return 0;
}
