/* SPDX-License-Identifier: Apache-2.0 */
/* Key pairs of CURVE in files. A pair is two lines,
 *
 *     public-key: '40 characters of Z85'
 *     secret-key: '40 characters of Z85'
 *
 * in a file that nobody but its owner may read. Public keys of servers are
 * lines of a key each; a line that begins with # is
 * a comment. */
#ifndef KESU_KEYPAIR_H
#define KESU_KEYPAIR_H

#include "mem.h"

#define KEY_BYTES 32
#define KEY_TEXT  41 /* with its NUL */

struct keypair {
    char public_key[KEY_TEXT], secret_key[KEY_TEXT];
};

void keypair_encode(const uint8_t key[KEY_BYTES], char ret[KEY_TEXT]);
bool keypair_decode(struct span text, uint8_t ret[KEY_BYTES]); /* of exactly 40 characters */

int keypair_new(struct keypair *ret); /* E_CRYPTO */
void keypair_forget(struct keypair *k);
/* The two lines, and do they belong together? E_SYNTAX, E_CRYPTO. */
int keypair_parse(struct span text, struct keypair *ret);
/* Of a file of ours that nobody else may open: E_PERMISSION. E_NOT_FOUND, E_IO. */
int keypair_read(const char *path, struct keypair *ret);
/* Whole or not at all, 0600, synced. E_EXISTS unless it may replace what is there. */
int keypair_write(const char *path, const struct keypair *k, bool replace);
/* Reads it, or makes it and its directory (0700) at first use. */
int keypair_ensure(const char *path, struct keypair *ret);

/* The next public key of the text: 1, or 0 at the end, or E_SYNTAX. */
int keypair_take_public(struct span *text, char ret[KEY_TEXT]);

/* A file that says who may come: whole, at most max bytes, ours or root's, and
 * writable by nobody else (E_PERMISSION). To be freed with mem_free. */
int keypair_read_trusted(struct mem *m, const char *path, size_t max, struct span *ret);
/* Whole or not at all, 0600, synced. */
int keypair_replace_file(const char *path, struct span content);

#endif
