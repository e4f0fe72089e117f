/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding of messages into room of the caller's; codec_pack finds the room itself. */
#ifndef KESU_PACK_H
#define KESU_PACK_H

#include "codec.h"

/* Encodes into the end of the room; SPAN_NONE when a few bytes more than the
 * message are not there. An empty message has a span of no bytes with p set. */
struct span pack_end(const void *message, uint8_t *room, size_t n);

#endif
