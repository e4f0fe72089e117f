// SPDX-License-Identifier: Apache-2.0
// One value as people write it: names of enums, money, times, decimals, ids or
// numbers of cases, files.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "blob.h"
#include "check.h"
#include "clock.h"
#include "conf.h"
#include "due.h"
#include "err.h"
#include "field.h"
#include "json.h"

enum { E4 = 10000 };

static int wrong(struct cli *c, const char *path, const char *text, const char *allowed)
{
    return cli_fail(c, CLI_USAGE, "%s: found '%s', allowed is %s", path, text, allowed);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

bool cli_field_is_time(const ProtobufCFieldDescriptor *f)
{
    return f->type == PROTOBUF_C_TYPE_INT64 &&
           (ends_with(f->name, "_at") || strcmp(f->name, "at") == 0 || strcmp(f->name, "until") == 0);
}

// 2026-11-22, 2026-11-22T10:00[:30][Z|+08:00], now, +2h, -30m.
static int value_time(struct cli *c, const char *path, const char *text, int64_t *ret)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S",
                                        "%Y-%m-%d %H:%M", "%Y-%m-%d"};
    int64_t now = clock_wall_us(cli_env(c)), wait;
    if (strcmp(text, "now") == 0) {
        *ret = now;
        return 0;
    }
    if ((text[0] == '+' || text[0] == '-') && conf_parse_duration(text + 1, &wait) == 0) {
        *ret = text[0] == '+' ? now + wait : now - wait;
        return 0;
    }
    for (unsigned i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct tm tm = {.tm_isdst = -1};
        const char *rest = strptime(text, forms[i], &tm);
        int hours = 0, minutes = 0;
        char sign[2], end;
        if (rest == NULL) continue;
        if (rest[0] == '\0') {
            *ret = (int64_t)mktime(&tm) * USEC_PER_SEC;
        } else if (strcmp(rest, "Z") == 0 ||
                   sscanf(rest, "%1[+-]%2d:%2d%c", sign, &hours, &minutes, &end) == 3) {
            int64_t off = (rest[0] == 'Z' ? 0 : hours * 3600 + minutes * 60) * USEC_PER_SEC;
            *ret = (int64_t)timegm(&tm) * USEC_PER_SEC + (rest[0] == '-' ? off : -off);
        } else {
            continue;
        }
        return 0;
    }
    return wrong(c, path, text, "a time like 2026-11-22T10:00, with Z or +08:00, or now, +2h, -30m");
}

static int value_enum(struct cli *c, const char *path, const ProtobufCEnumDescriptor *d, const char *text,
                      int *ret)
{
    char name[CLI_TEXT], allowed[1024] = "", word[CLI_TEXT];
    size_t n = 0;
    snprintf(name, sizeof name, "%s", text);
    for (char *p = name; *p != '\0'; p++) *p = *p == '-' ? '_' : (char)tolower((unsigned char)*p);
    if (strlen(text) < sizeof name && codec_enum_value(d, name, ret) == 0) return 0;
    for (unsigned i = 0; i < d->n_values && n < sizeof allowed; i++)
        if (d->values[i].value != 0)
            n += (size_t)snprintf(allowed + n, sizeof allowed - n, "%s%s", n > 0 ? ", " : "one of ",
                                  cli_word(d, d->values[i].value, word));
    return wrong(c, path, text, allowed);
}

// At most four decimals, in ten-thousandths.
static int value_decimal(struct cli *c, const char *path, const char *text, int64_t *ret)
{
    char *end;
    errno = 0;
    long long whole = strtoll(text, &end, 10);
    int64_t part = 0, unit = E4;
    bool good = end != text && errno == 0 && whole < INT64_MAX / E4 && whole > INT64_MIN / E4;
    if (*end == '.')
        for (end++; isdigit((unsigned char)*end) && unit > 1; end++) part += (*end - '0') * (unit /= 10);
    if (!good || *end != '\0') return wrong(c, path, text, "a number with at most four decimals");
    *ret = (int64_t)whole * E4 + (text[0] == '-' ? -part : part);
    return 0;
}

int cli_field_id(struct cli *c, const char *path, const char *text, uint64_t *ret)
{
    unsigned yymm;
    uint64_t serial;
    char *end;
    if (due_parse_number(text, &yymm, &serial) == 0) {
        Kesu__V1__CaseDetail *d = NULL;
        int status = cli_case(c, text, &d);
        if (status == 0) *ret = d->state->case_id;
        return status;
    }
    errno = 0;
    unsigned long long id = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0)
        return wrong(c, path, text, "a number, or that of a case like 2611-000042");
    *ret = id;
    return 0;
}

// Kept in the blob store before anybody hears of it.
static int value_file(struct cli *c, const char *path, const char *text, Kesu__V1__Attachment **ret)
{
    static const struct {
        const char *end, *type;
    } types[] = {{".jpg", "image/jpeg"}, {".jpeg", "image/jpeg"},      {".png", "image/png"},
                 {".txt", "text/plain"}, {".pdf", "application/pdf"},  {".mp3", "audio/mpeg"},
                 {".mp4", "video/mp4"},  {".json", "application/json"}};
    struct blob *blobs = NULL;
    struct span content;
    uint8_t *name = arena_alloc(&c->arena, HASH_BYTES);
    if (text[0] != '@') return wrong(c, path, text, "@FILE");
    int status = cli_read_file(c, text + 1, BLOB_MAX_BYTES, &content);
    if (status != 0) return status;
    CHECK(name != NULL);
    int err = blob_open(cli_env(c), arena_printf(&c->arena, "%s/blobs", c->data_dir), &blobs);
    if (err == 0) err = blob_put(blobs, content, name);
    blob_close(blobs);
    if (err != 0) return cli_fail(c, CLI_CANNOT_CREATE, "%s: %s: %s", path, text + 1, err_text(err));
    const char *slash = strrchr(text, '/');
    Kesu__V1__Attachment *a = cli_new(c, &kesu__v1__attachment__descriptor);
    a->blob = (ProtobufCBinaryData){HASH_BYTES, name};
    a->file_name = (char *)(uintptr_t)(slash != NULL ? slash + 1 : text + 1);
    a->media_type = (char *)(uintptr_t) "application/octet-stream";
    a->size = content.n;
    for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++)
        if (ends_with(a->file_name, types[i].end)) a->media_type = (char *)(uintptr_t)types[i].type;
    *ret = a;
    return 0;
}

// "phone:0912 345 678", "zh_hant:..." : the enum of a message, then its text.
static int value_pair(struct cli *c, const char *path, const ProtobufCMessageDescriptor *d, const char *text,
                      ProtobufCMessage **ret)
{
    const char *colon = strchr(text, ':');
    if (colon == NULL) return wrong(c, path, text, "KIND:TEXT");
    ProtobufCMessage *m = cli_new(c, d);
    char *kind = arena_printf(&c->arena, "%.*s", (int)(colon - text), text);
    int status = value_enum(c, path, d->fields[0].descriptor, kind,
                            (int *)(void *)((uint8_t *)m + d->fields[0].offset));
    *(char **)(void *)((uint8_t *)m + d->fields[1].offset) = (char *)(uintptr_t)(colon + 1);
    *ret = m;
    return status;
}

static int value_message(struct cli *c, const char *path, const ProtobufCMessageDescriptor *d,
                         const char *text, ProtobufCMessage **ret)
{
    struct codec_error e;
    if (text[0] == '{') {
        if (json_to_message(d, span_str(text), &c->arena, ret, &e) == 0) return 0;
        return cli_fail(c, CLI_USAGE, "%s%s%s: %s", path, e.field[0] != '\0' ? "." : "", e.field, e.reason);
    }
    if (d == &kesu__v1__attachment__descriptor)
        return value_file(c, path, text, (Kesu__V1__Attachment **)(void *)ret);
    if (d == &kesu__v1__contact__descriptor || d == &kesu__v1__local_text__descriptor)
        return value_pair(c, path, d, text, ret);
    if (d == &kesu__v1__money__descriptor) {
        Kesu__V1__Money *money = cli_new(c, d);
        *ret = &money->base;
        if (strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3 || text[3] != ' ')
            return wrong(c, path, text, "money like \"TWD 3000.50\"");
        money->currency = arena_printf(&c->arena, "%.3s", text);
        return value_decimal(c, path, text + 4, &money->e4);
    }
    return cli_fail(c, CLI_USAGE,
                    "%s: found '%s', allowed is JSON in braces, or its fields one by one: %s.%s=...", path,
                    text, path, d->fields[0].name);
}

static int value_bool(struct cli *c, const char *path, const char *text, protobuf_c_boolean *ret)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(text, words[i]) == 0) {
            *ret = i % 2;
            return 0;
        }
    return wrong(c, path, text, "yes or no");
}

int cli_field_value(struct cli *c, const char *path, const ProtobufCFieldDescriptor *f, const char *text,
                    void *ret)
{
    int64_t number = 0;
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
        *(const char **)ret = text;
        return 0;
    case PROTOBUF_C_TYPE_MESSAGE:
        return value_message(c, path, f->descriptor, text, ret);
    case PROTOBUF_C_TYPE_ENUM:
        return value_enum(c, path, f->descriptor, text, ret);
    case PROTOBUF_C_TYPE_BOOL:
        return value_bool(c, path, text, ret);
    case PROTOBUF_C_TYPE_UINT64:
        return cli_field_id(c, path, text, ret);
    case PROTOBUF_C_TYPE_INT64:
        return value_time(c, path, text, ret);
    case PROTOBUF_C_TYPE_SINT64:
        return value_decimal(c, path, text, ret);
    case PROTOBUF_C_TYPE_UINT32:
        if (conf_parse_int(text, 0, UINT32_MAX, &number) != 0) return wrong(c, path, text, "a whole number");
        *(uint32_t *)ret = (uint32_t)number;
        return 0;
    default:
        return cli_fail(c, CLI_USAGE, "%s cannot be given in words", path);
    }
}

const char *cli_field_form(struct cli *c, const ProtobufCFieldDescriptor *f)
{
    char word[CLI_TEXT];
    char *form = arena_strdup(&c->arena, "");
    switch (f->type) {
    case PROTOBUF_C_TYPE_ENUM:
        for (unsigned i = 0; i < ((const ProtobufCEnumDescriptor *)f->descriptor)->n_values; i++) {
            int value = ((const ProtobufCEnumDescriptor *)f->descriptor)->values[i].value;
            if (value != 0)
                form = arena_printf(&c->arena, "%s%s%s", form, form[0] != '\0' ? "|" : "",
                                    cli_word(f->descriptor, value, word));
        }
        return form;
    case PROTOBUF_C_TYPE_BOOL:
        return "yes|no";
    case PROTOBUF_C_TYPE_INT64:
        return "TIME";
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT32:
        return "N";
    case PROTOBUF_C_TYPE_UINT64:
        return "NUMBER";
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    default:
        return "TEXT";
    }
    if (f->descriptor == &kesu__v1__money__descriptor) return "MONEY";
    if (f->descriptor == &kesu__v1__words__descriptor) return "TEXT|@FILE";
    if (f->descriptor == &kesu__v1__attachment__descriptor) return "@FILE";
    if (f->descriptor == &kesu__v1__contact__descriptor) return "KIND:VALUE";
    if (f->descriptor == &kesu__v1__local_text__descriptor) return "LANGUAGE:TEXT";
    return "JSON";
}
