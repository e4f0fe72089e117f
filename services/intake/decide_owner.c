/* SPDX-License-Identifier: Apache-2.0 */
/* Who has a case, and who must not. */
#include "decide_life.h"
#include "err.h"

int intake_decide_claim(struct decide *d)
{
    (void)d;
    return intake_decide_refuse(d, E_UNKNOWN, "body", "claim");
}

int intake_decide_accused(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_ACCUSED_NAMED);
}

int intake_decide_statement(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_STATEMENT_RECORDED);
}
