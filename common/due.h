/* SPDX-License-Identifier: Apache-2.0 */
/* Times of clocks and numbers of cases: pure functions of policy and time. */
#ifndef KESU_DUE_H
#define KESU_DUE_H

#include "codec.h"

#define DUE_MAX_LEVELS 8
#define NUMBER_TEXT    32 /* with NUL */
#define DUE_LOCAL_TEXT 40

struct due {
    int64_t warn_at; /* start + (due - start) * warn_percent / 100 */
    int64_t due_at;
    unsigned n_levels;
    int64_t escalate_at[DUE_MAX_LEVELS];
};

/* Of a clock that started at start_us for a case of this severity
 * (unspecified: the row for all others) that came by this channel. E_UNKNOWN when the clock has no such row.
 */
int due_compute(const Kesu__V1__Clock *clock, Kesu__V1__Channel channel, Kesu__V1__Severity severity,
                int64_t start_us, struct due *ret);

/* YYMM of a time in the office's time zone (IANA), e.g. 2611. E_RANGE for an unknown zone. */
int due_month(const char *time_zone, int64_t time_us, unsigned *ret_yymm);
/* Seconds since 1970 as the office's wall clock would count them. E_RANGE for an unknown zone. */
int due_local_seconds(const char *time_zone, int64_t time_us, int64_t *ret);
/* "2026-11-22 17:33" there; "" for an unknown zone. */
void due_local_text(const char *time_zone, int64_t time_us, char ret[DUE_LOCAL_TEXT]);
/* "Sun, 22 Nov 2026 17:33:09 +0000", as mail wants it. */
void due_mail_date(int64_t time_us, char ret[DUE_LOCAL_TEXT]);
/* "2611-000042"; the serial has six digits at least, more when needed. */
void due_number(unsigned yymm, uint64_t serial, char ret[NUMBER_TEXT]);
int due_parse_number(const char *text, unsigned *ret_yymm, uint64_t *ret_serial); /* E_SYNTAX */

#endif
