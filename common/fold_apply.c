/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks to handlers. An event whose type has no row is not even decoded; all
 * others are unpacked into one arena that is used again for the next. */
#include "fold_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "err.h"
#include "log.h"

static int compare_seq(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

bool fold_skips(const struct fold *f, uint64_t seq)
{
    const struct fold *of = f->aside_of != NULL ? f->aside_of : f;
    return of->n_skips > 0 && bsearch(&seq, of->skips, of->n_skips, sizeof(seq), compare_seq) != NULL;
}

static bool is_skeletons(uint16_t type)
{
    return type == KESU__V1__EVENT__BODY_POLICY_PART_STORED || type == KESU__V1__EVENT__BODY_POLICY_ACTIVATED;
}

/* Intake has checked every event before it stood in the journal: unpacked, not
 * validated again. */
static int apply_event(struct fold *f, const struct block_event *e, int64_t time_us)
{
    Kesu__V1__Event *event;
    arena_reset(&f->arena);
    unsigned without = CODEC_EVIDENCE | (is_skeletons(e->type) ? 0 : f->def->without);
    int r = codec_unpack_brief(&kesu__v1__event__descriptor, e->bytes, without, &f->arena, &event);
    if (r < 0) return r;
    struct fold_event ev = {e->seq, e->type, e->case_id, time_us, event, &f->arena};
    if (is_skeletons(e->type)) fold_policy_event(f, &ev);
    fold_handler handle = f->handlers[e->type];
    return handle != NULL ? handle(f->self, f, &ev) : 0;
}

void fold_apply(struct fold *f, struct span block, const struct block_head *head)
{
    uint64_t last = head->first_seq + head->count - 1;
    fold_trial_block(f, head->first_seq, last);
    for (uint32_t i = 0; i < head->count; i++) {
        struct block_event e;
        block_event_at(block, i, &e);
        if (e.seq <= f->at.seq || e.type >= FOLD_TYPES) continue;
        if (f->handlers[e.type] == NULL && !is_skeletons(e.type)) continue;
        if (fold_skips(f, e.seq)) continue;
        fold_trial_event(f, e.seq);
        int r = apply_event(f, &e, head->time_us);
        if (r < 0) {
            fold_halt(f, e.seq, "an event cannot be folded", r);
            return;
        }
        if (f->failed != 0) return; /* the end of the turn deals with it */
    }
    fold_trial_block_done(f);
    stats_add(f->stat_events, head->count);
    if (!f->dirty && !f->moved) f->since_us = clock_mono_us(f->env);
    f->moved = true;
    f->folded_in_turn = true;
    f->at.seq = last;
    f->at.time_us = head->time_us;
    memcpy(f->at.hash, head->hash, HASH_BYTES);
    if (f->head < last) f->head = last;
}
