/* SPDX-License-Identifier: Apache-2.0 */
/* Who is accused, and what they say. Who has the case is told by CaseAssigned. */
#include "err.h"
#include "evolve_internal.h"

int intake_evolve_accused(struct evolve *e)
{
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    if (life == NULL) return E_NOMEM;
    life->accused = e->event->accused_named->staff;
    life->n_accused = e->event->accused_named->n_staff;
    return 0;
}
