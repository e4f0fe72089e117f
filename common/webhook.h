/* SPDX-License-Identifier: Apache-2.0 */
/* Signing webhooks as the Standard Webhooks specification says. */
#ifndef KESU_WEBHOOK_H
#define KESU_WEBHOOK_H

#include "mem.h"

#define WEBHOOK_MAX_SECRETS 8

/* secrets: lines of "whsec_" and base64, the newest first; while keys rotate
 * there are several and each signs. ret: "v1,BASE64 v1,BASE64", from the
 * arena. E_SYNTAX: a line is no secret, or there is none; E_NOMEM. */
int webhook_sign(struct arena *arena, const char *secrets, const char *id, int64_t timestamp_s,
                 struct span body, const char **ret);

/* text as a JSON string with its quotes, from the arena; NULL past the limit. text: UTF-8. */
const char *webhook_json_string(struct arena *arena, const char *text);

#endif
