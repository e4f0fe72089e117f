/* SPDX-License-Identifier: Apache-2.0 */
#include "tie.h"

#include "err.h"

int analytics_tie_next(struct env *env, struct fold *f, unsigned table, uint64_t identity, struct key *key)
{
    struct store_cursor *c;
    struct span found, value;
    uint64_t id = 0;
    int rc = fold_cursor(f, table, &c);
    if (rc != 0) return rc;
    rc = store_seek(env, c, key_span(key), &found, &value);
    key->n = 0;
    if (rc == 0) key_bytes(key, found);
    store_cursor_close(env, c);
    if (rc != 0) return rc;
    found = key_span(key);
    if (!key_take_u64(&found, &id)) return E_CORRUPT;
    return id == identity ? 0 : E_NOT_FOUND;
}
