/* SPDX-License-Identifier: Apache-2.0 */
#include "shift.h"

#include <string.h>

#include "clock.h"
#include "due.h"

#define MINUTES_A_DAY 1440

unsigned shift_minute(const Kesu__V1__Policy *p, int64_t now)
{
    int64_t local = now / USEC_PER_SEC;
    if (p->office != NULL) (void)due_local_seconds(p->office->time_zone, now, &local);
    return (unsigned)(local / 60 % MINUTES_A_DAY);
}

bool shift_is_on(const Kesu__V1__Policy *p, const Kesu__V1__Staff *staff, unsigned minute)
{
    for (size_t i = 0; staff->shift[0] != '\0' && i < p->n_shifts; i++) {
        const Kesu__V1__Shift *s = p->shifts[i];
        if (strcmp(s->id, staff->shift) != 0) continue;
        if (s->begins <= s->ends) return s->begins <= minute && minute < s->ends;
        return minute >= s->begins || minute < s->ends;
    }
    return true;
}
