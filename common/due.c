/* SPDX-License-Identifier: Apache-2.0 */
/* Due times are real time added to a start; the month of a number is that of
 * the office's wall calendar, by libical's zones. */
#include "due.h"

#include <inttypes.h>
#include <libical/ical.h>
#include <stdio.h>

#include "clock.h"
#include "err.h"

static const Kesu__V1__ChannelDues *of_channel(const Kesu__V1__Clock *clock, Kesu__V1__Channel channel)
{
    for (size_t i = 0; i < clock->n_by_channel; i++)
        for (size_t j = 0; j < clock->by_channel[i]->n_channels; j++)
            if (clock->by_channel[i]->channels[j] == channel) return clock->by_channel[i];
    return NULL;
}

int due_compute(const Kesu__V1__Clock *clock, Kesu__V1__Channel channel, Kesu__V1__Severity severity,
                int64_t start_us, struct due *ret)
{
    const Kesu__V1__ChannelDues *own = of_channel(clock, channel);
    Kesu__V1__ClockDue *const *dues = own != NULL ? own->dues : clock->dues;
    size_t n = own != NULL ? own->n_dues : clock->n_dues;
    const Kesu__V1__ClockDue *row = NULL;
    for (size_t i = 0; i < n; i++) {
        const Kesu__V1__ClockDue *d = dues[i];
        if (d->severity == severity) row = d;
        if (d->severity == KESU__V1__SEVERITY__SEVERITY_UNSPECIFIED && row == NULL) row = d;
    }
    if (row == NULL) return E_UNKNOWN;
    struct due due = {.due_at = start_us + row->after};
    due.warn_at =
        start_us + row->after / 100 * clock->warn_percent + row->after % 100 * clock->warn_percent / 100;
    for (size_t i = 0; i < clock->n_escalate_after && i < DUE_MAX_LEVELS; i++)
        due.escalate_at[due.n_levels++] = due.due_at + clock->escalate_after[i];
    *ret = due;
    return 0;
}

/* Year, month and day of a day counted from 1970-01-01 (proleptic Gregorian): eras
 * of 400 years that begin on the first of March. */
static void civil(int64_t day, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    int64_t z = day + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t of_era = z - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t from_march = (5 * of_year + 2) / 153;
    *ret_month = (unsigned)(from_march < 10 ? from_march + 3 : from_march - 9);
    *ret_day = (unsigned)(of_year - (153 * from_march + 2) / 5 + 1);
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2 ? 1 : 0);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

int due_month(const char *time_zone, int64_t time_us, unsigned *ret_yymm)
{
    int64_t seconds;
    int err = due_local_seconds(time_zone, time_us, &seconds);
    if (err != 0) return err;
    int64_t year;
    unsigned month, day;
    civil(floor_div(seconds, 86400), &year, &month, &day);
    *ret_yymm = (unsigned)(year % 100) * 100 + month;
    return 0;
}

int due_local_seconds(const char *time_zone, int64_t time_us, int64_t *ret)
{
    if (time_zone[0] == '\0') return E_RANGE;
    icaltimezone *zone = strcmp(time_zone, "UTC") == 0 ? icaltimezone_get_utc_timezone()
                                                       : icaltimezone_get_builtin_timezone(time_zone);
    if (zone == NULL) return E_RANGE;
    int64_t seconds = floor_div(time_us, USEC_PER_SEC);
    struct icaltimetype utc =
        icaltime_from_timet_with_zone((time_t)seconds, 0, icaltimezone_get_utc_timezone());
    int is_dst;
    *ret = seconds + icaltimezone_get_utc_offset_of_utc_time(zone, &utc, &is_dst);
    return 0;
}

void due_local_text(const char *time_zone, int64_t time_us, char ret[DUE_LOCAL_TEXT])
{
    int64_t seconds, year;
    unsigned month, day;
    ret[0] = '\0';
    if (due_local_seconds(time_zone, time_us, &seconds) != 0) return;
    civil(floor_div(seconds, 86400), &year, &month, &day);
    unsigned minutes = (unsigned)((seconds - floor_div(seconds, 86400) * 86400) / 60);
    (void)snprintf(ret, DUE_LOCAL_TEXT, "%04d-%02u-%02u %02u:%02u", (int)(year % 10000), month, day,
                   minutes / 60, minutes % 60);
}

void due_mail_date(int64_t time_us, char ret[DUE_LOCAL_TEXT])
{
    static const char days[7][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"}; /* from 1970-01-01 */
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t seconds = floor_div(time_us, USEC_PER_SEC), year;
    int64_t day_number = floor_div(seconds, 86400);
    unsigned month, day, of_day = (unsigned)(seconds - day_number * 86400);
    civil(day_number, &year, &month, &day);
    (void)snprintf(ret, DUE_LOCAL_TEXT, "%s, %02u %s %04d %02u:%02u:%02u +0000",
                   days[day_number - floor_div(day_number, 7) * 7], day, months[month - 1],
                   (int)(year % 10000), of_day / 3600, of_day / 60 % 60, of_day % 60);
}

void due_number(unsigned yymm, uint64_t serial, char ret[NUMBER_TEXT])
{
    char digits[20];
    unsigned n = 0;
    for (uint64_t v = serial; v > 0 || n < 6; v /= 10) digits[n++] = (char)('0' + v % 10);
    for (unsigned i = 4, v = yymm; i-- > 0; v /= 10) ret[i] = (char)('0' + v % 10);
    ret[4] = '-';
    for (unsigned i = 0; i < n; i++) ret[5 + i] = digits[n - 1 - i];
    ret[5 + n] = '\0';
}

int due_parse_number(const char *text, unsigned *ret_yymm, uint64_t *ret_serial)
{
    size_t n = strlen(text);
    if (n < 11 || n > 17 || text[4] != '-') return E_SYNTAX;
    unsigned yymm = 0;
    uint64_t serial = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 4) continue;
        if (text[i] < '0' || text[i] > '9') return E_SYNTAX;
        unsigned digit = (unsigned)(text[i] - '0');
        if (i < 4)
            yymm = yymm * 10 + digit;
        else
            serial = serial * 10 + digit;
    }
    bool padded = n > 11 && text[5] == '0'; /* one way to write a number */
    if (yymm % 100 < 1 || yymm % 100 > 12 || serial == 0 || padded) return E_SYNTAX;
    *ret_yymm = yymm;
    *ret_serial = serial;
    return 0;
}
