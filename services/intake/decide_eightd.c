/* SPDX-License-Identifier: Apache-2.0 */
/* 8D. */
#include "decide_life.h"

int intake_decide_open_eightd(struct decide *d)
{
    void *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_EIGHTD_OPENED);
    if (body == NULL) return intake_decide_no_memory(d);
    intake_decide_add(d, KESU__V1__EVENT__BODY_EIGHTD_OPENED, body);
    return 0;
}

int intake_decide_plan_discipline(struct decide *d)
{
    void *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_DISCIPLINE_PLANNED);
    if (body == NULL) return intake_decide_no_memory(d);
    intake_decide_add(d, KESU__V1__EVENT__BODY_DISCIPLINE_PLANNED, body);
    return 0;
}

int intake_decide_discipline(struct decide *d)
{
    void *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_DISCIPLINE_RECORDED);
    if (body == NULL) return intake_decide_no_memory(d);
    intake_decide_add(d, KESU__V1__EVENT__BODY_DISCIPLINE_RECORDED, body);
    return 0;
}

int intake_decide_close_eightd(struct decide *d)
{
    void *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_EIGHTD_CLOSED);
    if (body == NULL) return intake_decide_no_memory(d);
    intake_decide_add(d, KESU__V1__EVENT__BODY_EIGHTD_CLOSED, body);
    return 0;
}
