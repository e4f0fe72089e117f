/* SPDX-License-Identifier: Apache-2.0 */
/* The scalars of settings and policy, strictly: one way to write each value,
 * no leading zeros, no signs but a minus, no white space, no yes and no. */
#include "conf.h"
#include "err.h"

/* Digits at s as a number up to max; *ret_end is what follows. */
static int take_digits(const char *s, uint64_t max, uint64_t *ret, const char **ret_end)
{
    if (*s < '0' || *s > '9') return E_SYNTAX;
    if (*s == '0' && s[1] >= '0' && s[1] <= '9') return E_SYNTAX;
    uint64_t v = 0;
    bool over = false;
    for (; *s >= '0' && *s <= '9'; s++) {
        uint64_t digit = (uint64_t)(*s - '0');
        if (over || v > (max - digit) / 10)
            over = true;
        else
            v = v * 10 + digit;
    }
    *ret_end = s;
    if (over) return E_RANGE;
    *ret = v;
    return 0;
}

int conf_parse_int(const char *s, int64_t min, int64_t max, int64_t *ret)
{
    bool minus = *s == '-';
    if (minus) s++;
    uint64_t magnitude = 0;
    const char *end = s;
    int r = take_digits(s, (uint64_t)INT64_MAX, &magnitude, &end);
    if (r == E_SYNTAX || (end != s && *end != 0)) return E_SYNTAX;
    if (r < 0) return r;
    if (minus && magnitude == 0) return E_SYNTAX;
    int64_t v = minus ? -(int64_t)magnitude : (int64_t)magnitude;
    if (v < min || v > max) return E_RANGE;
    *ret = v;
    return 0;
}

int conf_parse_bool(const char *s, bool *ret)
{
    bool yes = strcmp(s, "true") == 0;
    if (!yes && strcmp(s, "false") != 0) return E_SYNTAX;
    *ret = yes;
    return 0;
}

struct unit {
    const char *name;
    uint64_t of;
};

static int parse_with_unit(const char *s, const struct unit *units, uint64_t *ret)
{
    uint64_t v = 0;
    const char *end = s;
    int r = take_digits(s, (uint64_t)INT64_MAX, &v, &end);
    if (r == E_SYNTAX) return r;
    for (const struct unit *u = units; u->name != NULL; u++) {
        if (strcmp(u->name, end) != 0) continue;
        if (r < 0 || v > (uint64_t)INT64_MAX / u->of) return E_RANGE;
        *ret = v * u->of;
        return 0;
    }
    return E_SYNTAX;
}

int conf_parse_duration(const char *s, int64_t *ret_us)
{
    static const struct unit units[] = {
        {"us", 1},
        {"ms", 1000},
        {"s", 1000000},
        {"m", UINT64_C(60000000)},
        {"h", UINT64_C(3600000000)},
        {"d", UINT64_C(86400000000)},
        {NULL, 0},
    };
    uint64_t v = 0;
    if (strcmp(s, "0") == 0) {
        *ret_us = 0;
        return 0;
    }
    int r = parse_with_unit(s, units, &v);
    if (r == 0) *ret_us = (int64_t)v;
    return r;
}

int conf_parse_size(const char *s, uint64_t *ret_bytes)
{
    static const struct unit units[] = {
        {"", 1},
        {"KiB", UINT64_C(1) << 10},
        {"MiB", UINT64_C(1) << 20},
        {"GiB", UINT64_C(1) << 30},
        {"TiB", UINT64_C(1) << 40},
        {NULL, 0},
    };
    return parse_with_unit(s, units, ret_bytes);
}
