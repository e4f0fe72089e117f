/* SPDX-License-Identifier: Apache-2.0 */
/* Who may come over TCP: a file of lines
 *
 *     KEY ROLE NAME [CHANNEL[,CHANNEL...]]
 *
 * KEY is a public key in Z85. The name is the client of its commands. Channels
 * narrow what the role may claim. A line that begins with # is a comment. A file with a line that is none of
 * these, or whose last line has no end, is refused as a whole; an empty one is as none. So a file that is
 * being written is not taken for a shorter list; one that lets nobody in has a comment. */
#ifndef KESU_ALLOW_H
#define KESU_ALLOW_H

#include "keypair.h"
#include "roles.h"

#define ALLOW_MAX_BYTES ((size_t)1 << 20)

struct allow_entry {
    char key[KEY_TEXT];
    struct role_user user;
};

struct allow_list {
    unsigned n;
    struct allow_entry entries[]; /* in order of key */
};

struct allow_error {
    unsigned line; /* from 1 */
    const char *reason;
};

/* E_SYNTAX (told in ret_error), E_EXISTS (a key twice). To be freed with mem_free. */
int allow_parse(struct mem *m, struct span text, struct allow_list **ret, struct allow_error *ret_error);
/* Of a file: E_PERMISSION when others may write it, E_NOT_FOUND (or empty), E_IO, E_TOO_BIG. */
int allow_read(struct mem *m, const char *path, struct allow_list **ret, struct allow_error *ret_error);
const struct allow_entry *allow_find(const struct allow_list *list, const char *key);
/* Has somebody of the old list lost something by the new one? */
bool allow_takes_away(const struct allow_list *old, const struct allow_list *new);
/* A line with its end, as it stands in the file. */
void allow_format(const struct allow_entry *e, char *ret, size_t n);
/* "email,chat" as bits of Channel. */
bool allow_parse_channels(struct span text, uint32_t *ret);

#endif
