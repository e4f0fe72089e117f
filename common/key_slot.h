/* SPDX-License-Identifier: Apache-2.0 */
/* A slot of the key store: slot = key id, from 1. Intake's file is made of
 * them; a backup of it is too. */
#ifndef KESU_KEY_SLOT_H
#define KESU_KEY_SLOT_H

#include "seal.h"

#define KEY_SLOT_LIVE   1
#define KEY_SLOT_ERASED 2 /* its secret is zeros */

struct key_slot {
    uint8_t secret[SEAL_KEY_BYTES];
    uint64_t id, state;
    uint8_t check[16]; /* over the 48 bytes before */
};
_Static_assert(sizeof(struct key_slot) == 64, "a slot is 64 bytes");

/* Sets the check. */
void key_slot_seal(struct key_slot *s);
/* An erased one. */
struct key_slot key_slot_erased(uint64_t id);
/* Written whole, for this id. */
bool key_slot_is(const struct key_slot *s, uint64_t id);

#endif
