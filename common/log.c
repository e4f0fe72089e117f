// SPDX-License-Identifier: Apache-2.0
// Log lines: built in one buffer, written by one write, so that lines of
// several processes on one terminal do not mix. What does not fit is cut.
#include "log.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"

static _Atomic int least_level = LOG_INFO;
static _Atomic int line_format = LOG_FORMAT_TEXT;

struct line {
    size_t n;
    char p[4096];
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_setup(enum log_level least, enum log_format format)
{
    least_level = (int)least;
    line_format = (int)format;
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&least_level, memory_order_relaxed);
}

static void put(struct line *l, const char *s, size_t n)
{
    size_t room = sizeof l->p - 2 - l->n;
    if (n > room) n = room;
    memcpy(l->p + l->n, s, n);
    l->n += n;
}

static void put_text(struct line *l, const char *s)
{
    put(l, s, strlen(s));
}

static void put_quoted(struct line *l, const char *s)
{
    put_text(l, "\"");
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        char escaped[8];
        if (c == '"' || c == '\\')
            put(l, (const char[]){'\\', *s}, 2);
        else if (c < 0x20 || c == 0x7f)
            put(l, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", c));
        else
            put(l, s, 1);
    }
    put_text(l, "\"");
}

// In key=value a word stands bare, all else in quotes.
static void put_value(struct line *l, const char *s)
{
    static const char bare[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/@+,";
    if (*s != '\0' && s[strspn(s, bare)] == '\0')
        put_text(l, s);
    else
        put_quoted(l, s);
}

static void put_time(struct line *l, int64_t us)
{
    time_t s = (time_t)(us / 1000000);
    struct tm tm;
    char text[40];
    gmtime_r(&s, &tm);
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    put(l, text, n);
    put(l, text, (size_t)snprintf(text, sizeof text, ".%03dZ", (int)(us / 1000 % 1000)));
}

static void put_field(struct line *l, const struct log_field *f, bool json)
{
    char number[24];
    switch (f->type) {
    case LOG_FIELD_STR:
        if (json)
            put_quoted(l, f->str != NULL ? f->str : "");
        else
            put_value(l, f->str != NULL ? f->str : "");
        break;
    case LOG_FIELD_I64:
        put(l, number, (size_t)snprintf(number, sizeof number, "%" PRId64, f->number));
        break;
    case LOG_FIELD_U64:
        put(l, number, (size_t)snprintf(number, sizeof number, "%" PRIu64, (uint64_t)f->number));
        break;
    case LOG_FIELD_ERR:
        if (json)
            put_quoted(l, err_name((int)f->number));
        else
            put_text(l, err_name((int)f->number));
        break;
    }
}

static int64_t now_us(struct env *env)
{
    if (env != NULL && env->clock != NULL) return clock_wall_us(env);
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void log_write(struct env *env, enum log_level level, const char *what, const struct log_field *fields)
{
    struct line l = {0};
    bool json = atomic_load_explicit(&line_format, memory_order_relaxed) == LOG_FORMAT_JSON;
    const char *name = env != NULL && env->name != NULL ? env->name : "-";
    if (json) {
        put_text(&l, "{\"time\":\"");
        put_time(&l, now_us(env));
        put_text(&l, "\",\"level\":\"");
        put_text(&l, level_names[level]);
        put_text(&l, "\",\"service\":");
        put_quoted(&l, name);
        put_text(&l, ",\"what\":");
        put_quoted(&l, what);
    } else {
        put_time(&l, now_us(env));
        put_text(&l, " ");
        put_text(&l, level_names[level]);
        put_text(&l, " ");
        put_text(&l, name);
        put_text(&l, ": ");
        put_text(&l, what);
    }
    for (const struct log_field *f = fields; f != NULL && f->key != NULL; f++) {
        put_text(&l, json ? ",\"" : " ");
        put_text(&l, f->key);
        put_text(&l, json ? "\":" : "=");
        put_field(&l, f, json);
    }
    if (json) l.p[l.n++] = '}';
    l.p[l.n++] = '\n';
    // A log that cannot be written has nobody to tell.
    ssize_t written = write(STDERR_FILENO, l.p, l.n);
    (void)written;
}
