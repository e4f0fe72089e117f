/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys the events of a block are sealed with, found without unpacking:
 * Event.body is one message field, Sealed one field in it, key_id its first. */
#include "block.h"
#include "readers.h"
#include "wire.h"

/* Event type -> field of the Sealed in it. */
static const struct {
    uint16_t type;
    uint8_t field;
} sealed_fields[] = {
    {KESU__V1__EVENT__BODY_CUSTOMER_ADDED, 3}, {KESU__V1__EVENT__BODY_CASE_OPENED, 7},
    {KESU__V1__EVENT__BODY_MESSAGE_ADDED, 4},  {KESU__V1__EVENT__BODY_NOTE_ADDED, 1},
    {KESU__V1__EVENT__BODY_CASE_RESOLVED, 1},
};

static bool take_field(struct span bytes, uint32_t tag, struct wire_field *ret)
{
    while (bytes.n > 0 && wire_take(&bytes, ret))
        if (ret->tag == tag) return true;
    return false;
}

static uint64_t key_of(const struct block_event *ev)
{
    struct wire_field w;
    for (unsigned i = 0; i < sizeof(sealed_fields) / sizeof(sealed_fields[0]); i++) {
        if (sealed_fields[i].type != ev->type) continue;
        if (take_field(ev->bytes, ev->type, &w) && take_field(w.bytes, sealed_fields[i].field, &w) &&
            take_field(w.bytes, 1, &w))
            return w.number;
    }
    return 0;
}

unsigned intake_block_keys(struct span block, uint64_t *ret, unsigned max)
{
    struct block_head head;
    unsigned n = 0;
    if (block_open(block, &head) != 0) return 0;
    for (uint32_t i = 0; i < head.count && n < max; i++) {
        struct block_event ev;
        block_event_at(block, i, &ev);
        uint64_t id = key_of(&ev);
        if (id != 0 && (n == 0 || ret[n - 1] != id)) ret[n++] = id;
    }
    return n;
}
