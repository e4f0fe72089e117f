/* SPDX-License-Identifier: Apache-2.0 */
/* A fold stops folding while storage is low, before intake refuses new cases:
 * what folds write must not take the room that closing cases needs. Blocks that
 * come are held and no credit is given for them, so no more come than that. */
#include "fold_internal.h"

#include "log.h"

#define LOOK_US USEC_PER_SEC

static bool is_low(struct fold *f)
{
    uint64_t free_bytes;
    f->pause.looked_us = clock_mono_us(f->env);
    return files_free_bytes(f->env, f->opts.data_dir, &free_bytes) == 0 &&
           free_bytes < f->opts.pause_below_bytes;
}

static void hold(struct fold *f, struct buf *block)
{
    struct fold_pause *p = &f->pause;
    if (p->n == p->max) {
        p->max = p->max == 0 ? 64 : 2 * p->max;
        p->held = mem_realloc(&f->env->mem, p->held, p->max * sizeof(*p->held));
    }
    p->held[p->n++] = buf_ref(block);
}

bool fold_pause_holds(struct fold *f, struct buf *block)
{
    struct fold_pause *p = &f->pause;
    bool look = !p->on && f->opts.pause_below_bytes > 0 &&
                (p->looked_us == 0 || clock_mono_us(f->env) - p->looked_us >= LOOK_US);
    if (look && is_low(f)) {
        p->on = true;
        log_warn(f->env, "fold: storage is low, pausing", LOG_STR("fold", f->def->name),
                 LOG_U64("seq", f->at.seq));
    }
    if (p->on) hold(f, block);
    return p->on;
}

struct buf *fold_pause_next(struct fold *f)
{
    struct fold_pause *p = &f->pause;
    if (p->on) {
        if (clock_mono_us(f->env) - p->looked_us < LOOK_US || is_low(f)) {
            fold_wake_at(f, p->looked_us + LOOK_US);
            return NULL;
        }
        p->on = false;
        log_info(f->env, "fold: goes on", LOG_STR("fold", f->def->name), LOG_U64("blocks", p->n));
    }
    if (p->first < p->n) return p->held[p->first++];
    p->first = p->n = 0;
    return NULL;
}

void fold_pause_drop(struct fold *f)
{
    struct fold_pause *p = &f->pause;
    while (p->first < p->n) buf_unref(p->held[p->first++]);
    mem_free(&f->env->mem, p->held);
    *p = (struct fold_pause){0};
}
