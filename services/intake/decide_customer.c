/* SPDX-License-Identifier: Apache-2.0 */
/* Customers: what is known of them, and which identities are one person. */
#include "decide_life.h"

int intake_decide_change_customer(struct decide *d)
{
    void *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_CUSTOMER_CHANGED);
    if (body == NULL) return intake_decide_no_memory(d);
    intake_decide_add(d, KESU__V1__EVENT__BODY_CUSTOMER_CHANGED, body);
    return 0;
}

int intake_decide_suggest_merge(struct decide *d)
{
    void *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_MERGE_SUGGESTED);
    if (body == NULL) return intake_decide_no_memory(d);
    intake_decide_add(d, KESU__V1__EVENT__BODY_MERGE_SUGGESTED, body);
    return 0;
}

int intake_decide_dismiss_merge(struct decide *d)
{
    void *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_MERGE_DISMISSED);
    if (body == NULL) return intake_decide_no_memory(d);
    intake_decide_add(d, KESU__V1__EVENT__BODY_MERGE_DISMISSED, body);
    return 0;
}

int intake_decide_merge_customers(struct decide *d)
{
    void *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_CUSTOMERS_MERGED);
    if (body == NULL) return intake_decide_no_memory(d);
    intake_decide_add(d, KESU__V1__EVENT__BODY_CUSTOMERS_MERGED, body);
    return 0;
}

int intake_decide_unmerge_customers(struct decide *d)
{
    void *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_CUSTOMERS_UNMERGED);
    if (body == NULL) return intake_decide_no_memory(d);
    intake_decide_add(d, KESU__V1__EVENT__BODY_CUSTOMERS_UNMERGED, body);
    return 0;
}
