/* SPDX-License-Identifier: Apache-2.0 */
/* Who reads a sensitive case, by which key it is sealed, and which keys are
 * for nobody else. What was sealed before is held back while it is sensitive;
 * what was written while it was, stays so. */
#include "err.h"
#include "evolve_internal.h"

void intake_evolve_restrict(struct evolve *e, uint64_t key_id, bool restricted)
{
    struct key key = intake_key_u64(key_id);
    if (key_id != 0) intake_register_put_u64(e->r, TABLE_RESTRICTED, key_span(&key), restricted ? 0 : e->seq);
}

int intake_evolve_sensitive_marked(struct evolve *e)
{
    const Kesu__V1__SensitiveMarked *b = e->event->sensitive_marked;
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    if (life == NULL) return E_NOMEM;
    life->n_readers = b->n_readers;
    life->readers = b->readers;
    life->key_id = b->key_id;
    if (b->key_id != 0) life->sensitive_key = b->key_id;
    if (b->key_id >= e->r->meta.next_key_id) e->r->meta.next_key_id = b->key_id + 1;
    intake_evolve_restrict(e, e->state->key_id, b->n_readers > 0);
    intake_evolve_restrict(e, b->key_id, true);
    return 0;
}
