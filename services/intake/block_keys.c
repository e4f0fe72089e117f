/* SPDX-License-Identifier: Apache-2.0 */
/* Event.body is one message field, Sealed one field in it. */
#include "block_keys.h"

#include "check.h"
#include "wire.h"

static bool take_field(struct span bytes, uint32_t tag, struct wire_field *ret)
{
    while (bytes.n > 0 && wire_take(&bytes, ret))
        if (ret->tag == tag) return true;
    return false;
}

/* The Sealed of an event; false when it has none. */
static bool find_sealed(const struct block_event *ev, struct span *ret)
{
    struct wire_field w;
    unsigned field = seal_field_of(ev->type);
    if (field == 0 || !take_field(ev->bytes, ev->type, &w) || !take_field(w.bytes, field, &w)) return false;
    *ret = w.bytes;
    return true;
}

static uint64_t key_of(const struct block_event *ev)
{
    struct span sealed;
    struct wire_field w;
    return find_sealed(ev, &sealed) && take_field(sealed, 1, &w) ? w.number : 0;
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

void intake_block_seal(struct buf *block, const struct seal_key *keys, unsigned n_keys)
{
    struct block_head head;
    unsigned n = 0;
    CHECK(block_open(buf_span(block), &head) == 0);
    for (uint32_t i = 0; i < head.count; i++) {
        struct block_event ev;
        struct span sealed;
        struct wire_field id, nonce, text;
        block_event_at(buf_span(block), i, &ev);
        if (!find_sealed(&ev, &sealed) || !take_field(sealed, 1, &id) || id.number == 0) continue;
        CHECK(n < n_keys && keys[n].id == id.number);
        CHECK(take_field(sealed, 2, &nonce) && nonce.bytes.n == SEAL_NONCE_BYTES);
        CHECK(take_field(sealed, 3, &text));
        seal_in_place(&keys[n++], nonce.bytes.p, block->p + (text.bytes.p - block->p), text.bytes.n);
    }
    CHECK(n == n_keys);
}
