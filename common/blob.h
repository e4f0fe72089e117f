/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence files: named by their content, sealed, synced before the name is
 * given to anyone. Directory: one file a blob, DIR/ab/cdef... */
#ifndef KESU_BLOB_H
#define KESU_BLOB_H

#include "env.h"
#include "hash.h"

#define BLOB_MAX_BYTES ((size_t)64 << 20)

struct blob;

/* The sealing key of the directory is made at first use (DIR/key, 0600). */
int blob_open(struct env *env, const char *dir, struct blob **ret);
void blob_close(struct blob *b); /* accepts NULL */
/* Synced when it returns. The same content twice is one file. E_TOO_BIG E_NOSPACE. */
int blob_put(struct blob *b, struct span content, uint8_t ret_name[HASH_BYTES]);
/* To be freed with mem_free. E_NOT_FOUND E_CRYPTO. */
int blob_get(struct blob *b, const uint8_t name[HASH_BYTES], struct span *ret);
/* Overwritten, then removed. E_NOT_FOUND. */
int blob_drop(struct blob *b, const uint8_t name[HASH_BYTES]);

#endif
