/* SPDX-License-Identifier: Apache-2.0 */
/* The scalars of the policy and what each key allows, in words. */
#include <stdio.h>
#include <time.h>

#include "clock.h"
#include "err.h"
#include "policy_schema.h"

static const struct {
    const char *name;
    Kesu__V1__Language language;
} languages[] = {
    {"zh-Hant", KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT},
    {"zh-Hans", KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS},
    {"en", KESU__V1__LANGUAGE__LANGUAGE_EN},
};

int policy_parse_language(const char *s, Kesu__V1__Language *ret)
{
    for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++) {
        if (strcmp(s, languages[i].name) == 0) {
            *ret = languages[i].language;
            return 0;
        }
    }
    return E_ENUM;
}

const char *policy_language_name(Kesu__V1__Language language)
{
    for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++)
        if (languages[i].language == language) return languages[i].name;
    return "";
}

bool policy_is_id(const char *s)
{
    size_t n = strlen(s);
    if (n == 0 || n > POLICY_ID_MAX) return false;
    for (size_t i = 0; i < n; i++) {
        bool plain = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9');
        bool inner = i > 0 && i + 1 < n && (s[i] == '_' || s[i] == '.' || s[i] == '-');
        if (!plain && !inner) return false;
    }
    return strstr(s, "..") == NULL;
}

static bool is_atom(const char *s, size_t n)
{
    if (n == 0) return false;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c <= 0x20 || c >= 0x7f || strchr("()<>[]:;@\\,\"", c) != NULL) return false;
    }
    return s[0] != '.' && s[n - 1] != '.';
}

bool policy_is_email(const char *s)
{
    const char *at = strrchr(s, '@');
    return at != NULL && strlen(s) <= 254 && at - s <= 64 && is_atom(s, (size_t)(at - s)) &&
           is_atom(at + 1, strlen(at + 1));
}

bool policy_is_url(const char *s)
{
    const char *host = NULL;
    if (strncmp(s, "http://", 7) == 0) host = s + 7;
    if (strncmp(s, "https://", 8) == 0) host = s + 8;
    if (host == NULL || *host == '\0' || *host == '/' || strlen(s) > 1000) return false;
    for (const char *c = s; *c != '\0'; c++)
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f) return false;
    return true;
}

bool policy_is_choice(const char *choices, const char *s)
{
    size_t n = strlen(s);
    for (const char *c = choices; n > 0 && c != NULL; c = strchr(c, '|')) {
        if (*c == '|') c++;
        if (strncmp(c, s, n) == 0 && (c[n] == '|' || c[n] == '\0')) return true;
    }
    return false;
}

static void lower(const char *s, char *ret, size_t n)
{
    size_t i = 0;
    for (; s[i] != '\0' && i + 1 < n; i++) ret[i] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32 : s[i]);
    ret[i] = '\0';
}

int policy_parse_enum(const struct policy_key *k, const ProtobufCEnumDescriptor *d, const char *s, int *ret)
{
    char name[64];
    if (!policy_is_choice(k->choices, s)) return E_ENUM;
    lower(s, name, sizeof name);
    return codec_enum_value(d, name, ret);
}

bool policy_is_enum(const struct policy_key *k, const ProtobufCEnumDescriptor *d, int value)
{
    char name[64], choices[512];
    lower(k->choices, choices, sizeof choices);
    const char *s = codec_enum_name(d, value, name, sizeof name);
    return s != NULL && policy_is_choice(choices, s);
}

int policy_parse_time(const char *s, int64_t *ret)
{
    struct tm tm = {0};
    int hours = 0, minutes = 0, n = 0;
    char sign = '+';
    const char *rest = strptime(s, "%Y-%m-%d", &tm);
    if (rest == NULL) return E_SYNTAX;
    if (*rest != '\0') {
        rest = strptime(rest, "T%H:%M:%S", &tm);
        if (rest == NULL) return E_SYNTAX;
        bool offset = sscanf(rest, "%c%2d:%2d%n", &sign, &hours, &minutes, &n) == 3 && rest[n] == '\0' &&
                      (sign == '+' || sign == '-');
        if (!offset && strcmp(rest, "Z") != 0) return E_SYNTAX;
        if (!offset) sign = '+', hours = minutes = 0;
    }
    int64_t off = ((int64_t)hours * 60 + minutes) * USEC_PER_MIN;
    *ret = (int64_t)timegm(&tm) * USEC_PER_SEC - (sign == '-' ? -off : off);
    return 0;
}

int policy_parse_minute(const char *s, uint32_t *ret)
{
    unsigned hours, minutes;
    int n = 0;
    if (sscanf(s, "%2u:%2u%n", &hours, &minutes, &n) != 2 || s[n] != '\0' || n != 5 || hours > 23 ||
        minutes > 59)
        return E_SYNTAX;
    *ret = hours * 60 + minutes;
    return 0;
}

bool policy_are_choices(const char *choices, const char *words)
{
    char word[POLICY_ID_MAX + 1];
    if (*words == '\0') return false;
    for (const char *at = words; *at != '\0'; at += strspn(at, " ")) {
        size_t n = strcspn(at, " ");
        if (n == 0 || n >= sizeof word) return false;
        memcpy(word, at, n);
        word[n] = '\0';
        if (!policy_is_choice(choices, word)) return false;
        at += n;
    }
    return true;
}

static void duration_text(int64_t us, char *ret, size_t n)
{
    static const struct {
        int64_t us;
        const char *unit;
    } units[] = {{USEC_PER_DAY, "d"}, {USEC_PER_HOUR, "h"}, {USEC_PER_MIN, "m"}, {USEC_PER_SEC, "s"}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (us % units[i].us == 0) {
            (void)snprintf(ret, n, "%lld%s", (long long)(us / units[i].us), units[i].unit);
            return;
        }
    }
    (void)snprintf(ret, n, "%lldms", (long long)(us / USEC_PER_MS));
}

static void choices_text(const char *before, const char *choices, char *ret, size_t n)
{
    size_t used = (size_t)snprintf(ret, n, "%s", before);
    for (const char *c = choices; *c != '\0' && used + 3 < n; c++) {
        if (*c == '|') {
            ret[used++] = ',';
            ret[used++] = ' ';
        } else {
            ret[used++] = *c;
        }
    }
    ret[used] = '\0';
}

void policy_key_allowed(const struct policy_key *k, char *ret, size_t n)
{
    char least[32], most[32];
    long long min = (long long)k->min, max = (long long)k->max;
    duration_text(k->min, least, sizeof least);
    duration_text(k->max, most, sizeof most);
    switch (k->type) {
    case POLICY_TEXT:
        (void)snprintf(ret, n, "text of %lld to %lld bytes", min, max);
        break;
    case POLICY_ID:
        (void)snprintf(ret, n, "an id of a-z, 0-9 and . _ - inside, at most %d bytes", POLICY_ID_MAX);
        break;
    case POLICY_INT:
        (void)snprintf(ret, n, "%lld to %lld", min, max);
        break;
    case POLICY_BOOL:
        (void)snprintf(ret, n, "true or false");
        break;
    case POLICY_DURATION:
        (void)snprintf(ret, n, "a duration such as 5m or 48h, from %s to %s", least, most);
        break;
    case POLICY_CHOICE:
    case POLICY_ENUM:
        choices_text("one of ", k->choices, ret, n);
        break;
    case POLICY_CHOICES:
        choices_text("a list of different words, or one, of ", k->choices, ret, n);
        break;
    case POLICY_ENUMS: {
        char each[256];
        choices_text("one of ", k->choices, each, sizeof each);
        (void)snprintf(ret, n, "a list, each %s", each);
        break;
    }
    case POLICY_MONEY:
        (void)snprintf(ret, n, "a currency and an amount such as TWD 3000.50");
        break;
    case POLICY_TIME:
        (void)snprintf(ret, n, "a day such as 2026-12-31, or a time such as 2026-12-31T18:00:00+08:00");
        break;
    case POLICY_MINUTE:
        (void)snprintf(ret, n, "a time of day such as 08:30");
        break;
    case POLICY_LANGUAGE:
        (void)snprintf(ret, n, "one of zh-Hant, zh-Hans, en");
        break;
    case POLICY_EMAIL:
        (void)snprintf(ret, n, "an address local@domain");
        break;
    case POLICY_URL:
        (void)snprintf(ret, n, "http:// or https:// and a host, at most 1000 bytes");
        break;
    case POLICY_TEXTS:
        (void)snprintf(ret, n, "a list of different texts of %lld to %lld bytes", min, max);
        break;
    case POLICY_LINES:
        (void)snprintf(ret, n, "a list of texts of %lld to %lld bytes", min, max);
        break;
    case POLICY_DURATIONS:
        (void)snprintf(ret, n, "a list of durations from %s to %s", least, most);
        break;
    case POLICY_NAMES:
        (void)snprintf(ret, n, "a map from zh-Hant, zh-Hans, en to text of %lld to %lld bytes", min, max);
        break;
    case POLICY_DUES:
        (void)snprintf(ret, n, "a map from S1, S2, S3, S4, all to a duration from %s to %s", least, most);
        break;
    case POLICY_MAP:
        (void)snprintf(ret, n, "a map");
        break;
    case POLICY_MAPS:
        (void)snprintf(ret, n, "a list of %lld to %lld maps", min, max);
        break;
    }
}
