/* SPDX-License-Identifier: Apache-2.0 */
/* Keeping a mail we do not take, with the reason, for a person to look at. To
 * have it tried again, give it to the pipe or move it into the Maildir's new/. */
#include <stdio.h>

#include "email.h"
#include "err.h"
#include "files.h"

#define PATH_BYTES 1024

int email_set_aside(struct env *env, const char *dir, struct span raw, const char *reason)
{
    uint8_t hash[HASH_BYTES];
    hash_bytes(raw, hash);
    char name[HASH_BYTES + 1], path[PATH_BYTES];
    for (unsigned i = 0; i < HASH_BYTES / 2; i++) snprintf(name + 2 * i, 3, "%02x", hash[i]);
    int rc = files_mkdir(env, dir);
    if (rc < 0) return rc;
    /* The reason first: a mail there always has one. */
    char line[512];
    int n = snprintf(line, sizeof(line), "%s\n", reason);
    snprintf(path, sizeof(path), "%s/%s.reason", dir, name);
    rc = files_replace(env, path, span_of(line, n < (int)sizeof(line) ? (size_t)n : sizeof(line) - 1));
    if (rc < 0) return rc;
    snprintf(path, sizeof(path), "%s/%s.mail", dir, name);
    return files_replace(env, path, raw);
}
