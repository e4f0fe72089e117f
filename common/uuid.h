/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, version, the rest random or derived. */
#ifndef KESU_UUID_H
#define KESU_UUID_H

#include "env.h"

#define UUID_BYTES 16
#define UUID_TEXT  37 /* with NUL */

/* From wall time and the random port. */
void uuid_new(struct env *env, uint8_t ret[UUID_BYTES]);
/* The same for the same arguments: how a fold names its commands. time_us is
 * the causing block's (a timer's due), never the wall clock's. */
void uuid_derive(int64_t time_us, const char *service, uint64_t cause_seq, const char *purpose,
                 uint64_t target, uint8_t ret[UUID_BYTES]);
bool uuid_is_v7(const uint8_t id[UUID_BYTES]);
int64_t uuid_time_ms(const uint8_t id[UUID_BYTES]);
void uuid_text(const uint8_t id[UUID_BYTES], char ret[UUID_TEXT]);
int uuid_parse(const char *text, uint8_t ret[UUID_BYTES]); /* E_SYNTAX */

#endif
