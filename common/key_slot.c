/* SPDX-License-Identifier: Apache-2.0 */
#include "key_slot.h"

#include <string.h>

#include "hash.h"

static void check_of(const struct key_slot *s, uint8_t ret[16])
{
    static const uint8_t no_key[HASH_KEY_BYTES];
    hash_keyed(no_key, "slot", span_of(s, 48), ret);
}

void key_slot_seal(struct key_slot *s)
{
    check_of(s, s->check);
}

struct key_slot key_slot_erased(uint64_t id)
{
    struct key_slot s = {.id = id, .state = KEY_SLOT_ERASED};
    key_slot_seal(&s);
    return s;
}

bool key_slot_is(const struct key_slot *s, uint64_t id)
{
    uint8_t check[16];
    check_of(s, check);
    return memcmp(check, s->check, sizeof(check)) == 0 && s->id == id;
}
