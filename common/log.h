/* SPDX-License-Identifier: Apache-2.0 */
/* Logs: one line a thing, key=value (or JSON), to standard error.
 *
 *   log_info(env, "case opened", LOG_U64("seq", seq), LOG_STR("number", number));
 *
 * Never give it personal data: names, contacts, texts stay out of every log. */
#ifndef KESU_LOG_H
#define KESU_LOG_H

#include "env.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log_field {
    const char *key; /* NULL ends the list */
    enum { LOG_FIELD_STR, LOG_FIELD_I64, LOG_FIELD_U64, LOG_FIELD_ERR } type;
    const char *str;
    int64_t number;
};

#define LOG_STR(k, v) ((struct log_field){(k), LOG_FIELD_STR, (v), 0})
#define LOG_I64(k, v) ((struct log_field){(k), LOG_FIELD_I64, NULL, (int64_t)(v)})
#define LOG_U64(k, v) ((struct log_field){(k), LOG_FIELD_U64, NULL, (int64_t)(v)})
#define LOG_ERR(v)    ((struct log_field){"error", LOG_FIELD_ERR, NULL, (v)})

/* For the whole process. */
void log_setup(enum log_level least, enum log_format format);
bool log_enabled(enum log_level level);
void log_write(struct env *env, enum log_level level, const char *what, const struct log_field *fields);

#define LOG_END ((struct log_field){NULL, LOG_FIELD_STR, NULL, 0})
#define LOG_AT(env, level, what, ...)                                                   \
    do {                                                                                \
        if (log_enabled(level))                                                         \
            log_write((env), (level), (what),                                           \
                      (const struct log_field[]){LOG_END, ##__VA_ARGS__, LOG_END} + 1); \
    } while (0)
#define log_debug(env, ...) LOG_AT(env, LOG_DEBUG, __VA_ARGS__)
#define log_info(env, ...)  LOG_AT(env, LOG_INFO, __VA_ARGS__)
#define log_warn(env, ...)  LOG_AT(env, LOG_WARN, __VA_ARGS__)
#define log_error(env, ...) LOG_AT(env, LOG_ERROR, __VA_ARGS__)

#endif
