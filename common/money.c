/* SPDX-License-Identifier: Apache-2.0 */
#include "money.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "err.h"

static int parse_decimals(const char *s, int64_t *ret_e4)
{
    int64_t part = 0, unit = 1000;
    if (*s == '\0') return E_SYNTAX;
    for (; *s != '\0'; s++, unit /= 10) {
        if (*s < '0' || *s > '9' || unit == 0) return E_SYNTAX;
        part += (*s - '0') * unit;
    }
    *ret_e4 = part;
    return 0;
}

int money_parse(const char *text, char ret_currency[4], int64_t *ret_e4)
{
    int64_t whole = 0, part = 0;
    for (unsigned i = 0; i < 3; i++)
        if (text[i] < 'A' || text[i] > 'Z') return E_SYNTAX;
    if (text[3] != ' ') return E_SYNTAX;
    const char *s = text + 4;
    bool minus = *s == '-';
    if (minus) s++;
    if (*s < '0' || *s > '9') return E_SYNTAX;
    for (; *s >= '0' && *s <= '9'; s++)
        if (__builtin_mul_overflow(whole, 10, &whole) || __builtin_add_overflow(whole, *s - '0', &whole))
            return E_RANGE;
    if (*s != '\0' && (*s != '.' || parse_decimals(s + 1, &part) != 0)) return E_SYNTAX;
    if (__builtin_mul_overflow(whole, 10000, &whole) || __builtin_add_overflow(whole, part, &whole))
        return E_RANGE;
    memcpy(ret_currency, text, 3);
    ret_currency[3] = '\0';
    *ret_e4 = minus ? -whole : whole;
    return 0;
}

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
