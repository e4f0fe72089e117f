// SPDX-License-Identifier: Apache-2.0
// Times, durations and names as people read them.
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "cli.h"
#include "clock.h"

const char *cli_time(int64_t us, char ret[CLI_TEXT])
{
    time_t s = (time_t)(us / USEC_PER_SEC);
    struct tm tm;
    localtime_r(&s, &tm);
    strftime(ret, CLI_TEXT, "%Y-%m-%d %H:%M:%S", &tm);
    return ret;
}

const char *cli_duration(int64_t us, char ret[CLI_TEXT])
{
    const char *sign = us < 0 ? "-" : "";
    if (us < 0) us = -us;
    if (us < USEC_PER_MS)
        snprintf(ret, CLI_TEXT, "%s%" PRId64 " us", sign, us);
    else if (us < 10 * USEC_PER_SEC)
        snprintf(ret, CLI_TEXT, "%s%" PRId64 " ms", sign, us / USEC_PER_MS);
    else if (us < 2 * USEC_PER_MIN)
        snprintf(ret, CLI_TEXT, "%s%" PRId64 " s", sign, us / USEC_PER_SEC);
    else if (us < 2 * USEC_PER_HOUR)
        snprintf(ret, CLI_TEXT, "%s%" PRId64 " min", sign, us / USEC_PER_MIN);
    else if (us < 2 * USEC_PER_DAY)
        snprintf(ret, CLI_TEXT, "%s%" PRId64 " h %" PRId64 " min", sign, us / USEC_PER_HOUR,
                 us % USEC_PER_HOUR / USEC_PER_MIN);
    else
        snprintf(ret, CLI_TEXT, "%s%" PRId64 " d %" PRId64 " h", sign, us / USEC_PER_DAY,
                 us % USEC_PER_DAY / USEC_PER_HOUR);
    return ret;
}

const char *cli_word(const ProtobufCEnumDescriptor *d, int value, char ret[CLI_TEXT])
{
    if (value == 0) return "-";
    if (codec_enum_name(d, value, ret, CLI_TEXT) == NULL) snprintf(ret, CLI_TEXT, "%d", value);
    if (d == &kesu__v1__severity__descriptor && ret[0] == 's') ret[0] = 'S'; // S1, as people write it
    return ret;
}

const char *cli_hex(ProtobufCBinaryData b, char *ret, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    size_t i = 0;
    for (; i < b.len && 2 * i + 2 < n; i++) {
        ret[2 * i] = digits[b.data[i] >> 4];
        ret[2 * i + 1] = digits[b.data[i] & 15];
    }
    ret[2 * i] = '\0';
    return ret;
}

const char *cli_or(const char *text, const char *otherwise)
{
    return text != NULL && text[0] != '\0' ? text : otherwise;
}
