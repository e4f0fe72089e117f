/* SPDX-License-Identifier: Apache-2.0 */
#include "dedup.h"

#include "clock.h"
#include "err.h"
#include "uuid.h"

int intake_dedup_check_id(struct span id, int64_t block_time_us, int64_t floor_ms)
{
    if (id.n == 0) return E_MISSING;
    if (id.n != UUID_BYTES || !uuid_is_v7(id.p)) return E_MALFORMED;
    int64_t ms = uuid_time_ms(id.p), now_ms = block_time_us / USEC_PER_MS;
    if (ms < floor_ms || ms < now_ms - DEDUP_BACK_MS) return E_ID_OLD;
    if (ms > now_ms + DEDUP_AHEAD_MS) return E_ID_AHEAD;
    return 0;
}

static void row_key(const char *client, const uint8_t id[16], struct key *ret)
{
    ret->n = 0;
    key_bytes(ret, span_of(id, UUID_BYTES));
    key_bytes(ret, span_str(client));
}

void intake_dedup_prefetch(const struct intake_register *r, const char *client, const uint8_t id[16])
{
    struct key key;
    row_key(client, id, &key);
    intake_register_prefetch(r, TABLE_COMMANDS, key_span(&key));
}

bool intake_dedup_find(struct intake_register *r, const char *client, const uint8_t id[16],
                       struct dedup_row *ret)
{
    struct key key;
    struct span value;
    row_key(client, id, &key);
    if (intake_register_get(r, TABLE_COMMANDS, key_span(&key), &value) != 0 || value.n != sizeof(*ret))
        return false;
    memcpy(ret, value.p, sizeof(*ret));
    return true;
}

void intake_dedup_put(struct intake_register *r, const char *client, const uint8_t id[16],
                      const struct dedup_row *row)
{
    struct key key;
    row_key(client, id, &key);
    intake_register_put(r, TABLE_COMMANDS, key_span(&key), span_of(row, sizeof(*row)));
}
