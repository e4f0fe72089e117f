/* SPDX-License-Identifier: Apache-2.0 */
#include "money.h"

#include <inttypes.h>
#include <stdio.h>

#include "err.h"

char *money_text(const Kesu__V1__Money *m, char ret[MONEY_TEXT])
{
    uint64_t e4 = m->e4 < 0 ? 0 - (uint64_t)m->e4 : (uint64_t)m->e4;
    const char *sign = m->e4 < 0 ? "-" : "";
    unsigned part = (unsigned)(e4 % 10000);
    if (part == 0)
        snprintf(ret, MONEY_TEXT, "%.3s %s%" PRIu64, m->currency, sign, e4 / 10000);
    else if (part % 100 == 0)
        snprintf(ret, MONEY_TEXT, "%.3s %s%" PRIu64 ".%02u", m->currency, sign, e4 / 10000, part / 100);
    else
        snprintf(ret, MONEY_TEXT, "%.3s %s%" PRIu64 ".%04u", m->currency, sign, e4 / 10000, part);
    return ret;
}

int money_add(Kesu__V1__Money *sum, const Kesu__V1__Money *m)
{
    int64_t e4;
    if (m == NULL) return 0;
    if (strcmp(sum->currency, m->currency) != 0) return E_MISMATCH;
    if (__builtin_add_overflow(sum->e4, m->e4, &e4)) return E_RANGE;
    sum->e4 = e4;
    return 0;
}

int money_compare(const Kesu__V1__Money *a, const Kesu__V1__Money *b, int *ret)
{
    if (strcmp(a->currency, b->currency) != 0) return E_MISMATCH;
    *ret = a->e4 < b->e4 ? -1 : a->e4 > b->e4;
    return 0;
}
