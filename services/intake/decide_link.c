/* SPDX-License-Identifier: Apache-2.0 */
/* Merged, split and linked cases. */
#include "decide_life.h"

int intake_decide_merge(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_CASE_MERGED);
}

int intake_decide_unmerge(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_CASE_UNMERGED);
}

int intake_decide_split(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_CASES_LINKED);
}

int intake_decide_link(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_CASES_LINKED);
}

int intake_decide_unlink(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_CASES_UNLINKED);
}
