/* SPDX-License-Identifier: Apache-2.0 */
/* Money: ten-thousandths of a currency's unit, never a fraction of binary digits. */
#ifndef KESU_MONEY_H
#define KESU_MONEY_H

#include "codec.h"

#define MONEY_TEXT 40

/* "TWD 3000.50", "TWD -12": three capital letters, a space, at most four decimals. E_SYNTAX, E_RANGE. */
int money_parse(const char *text, char ret_currency[4], int64_t *ret_e4);
/* "TWD 3000.50", "TWD 3000". Returns ret. */
char *money_text(const Kesu__V1__Money *m, char ret[MONEY_TEXT]);
/* m NULL: nothing. E_MISMATCH: another currency; E_RANGE: too much. */
int money_add(Kesu__V1__Money *sum, const Kesu__V1__Money *m);
/* ret: below 0, 0, above 0. E_MISMATCH: another currency. */
int money_compare(const Kesu__V1__Money *a, const Kesu__V1__Money *b, int *ret);

#endif
