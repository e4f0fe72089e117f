/* SPDX-License-Identifier: Apache-2.0 */
/* The record: what is put right in it, its nature, the evidence it needs. */
#include "decide_life.h"

int intake_decide_amend(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_RECORD_AMENDED);
}

int intake_decide_nature(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_NATURE_SET);
}

int intake_decide_evidence(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_EVIDENCE_ADDED);
}

int intake_decide_return_file(struct decide *d)
{
    return intake_decide_plain(d, KESU__V1__EVENT__BODY_FILE_RETURNED);
}
