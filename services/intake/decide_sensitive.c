/* SPDX-License-Identifier: Apache-2.0 */
/* Cases that only named people read. */
#include "decide_life.h"

int intake_decide_sensitive(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_SENSITIVE_MARKED);
}

int intake_decide_read(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_CASE_READ);
}
