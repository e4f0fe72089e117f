/* SPDX-License-Identifier: Apache-2.0 */
/* Deaths. Before the handlers of a block run, the block is noted in a small
 * file, written without a sync: what a process wrote outlives it (a power
 * failure is nobody's fault). After the commit the note is taken back.
 *
 * A note found at start is a death. Then the same blocks are folded carefully,
 * each event noted; after three deaths on one event the fold halts and names
 * it, until it is skipped. */
#include "fold_internal.h"

#include <stdio.h>

#include "err.h"
#include "key.h"
#include "log.h"

#define TRIAL_MAGIC  0x4b535431u
#define TRIAL_BYTES  45
#define TRIAL_DEATHS 3

static void note(struct fold *f)
{
    struct fold_trial *t = &f->trial;
    struct key k = {0};
    if (t->file == NULL) return;
    key_u32(&k, TRIAL_MAGIC);
    key_u8(&k, t->active);
    key_u64(&k, t->first);
    key_u64(&k, t->last);
    key_u64(&k, t->current);
    key_u64(&k, t->suspect);
    key_u32(&k, t->deaths);
    key_u32(&k, t->unnamed);
    int r = file_write(f->env, t->file, 0, k.p, k.n);
    if (r < 0) {
        log_warn(f->env, "fold: cannot note what is being folded", LOG_STR("path", t->path), LOG_ERR(r));
        file_close(f->env, t->file);
        t->file = NULL;
    }
}

/* False: nothing (readable) stands there. */
static bool read_note(struct fold *f)
{
    struct fold_trial *t = &f->trial;
    uint8_t bytes[TRIAL_BYTES];
    size_t n;
    uint32_t magic;
    uint8_t active;
    if (file_read(f->env, t->file, 0, bytes, sizeof(bytes), &n) < 0 || n != sizeof(bytes)) return false;
    struct span s = span_of(bytes, n);
    if (!key_take_u32(&s, &magic) || magic != TRIAL_MAGIC || !key_take_u8(&s, &active) || active > 1)
        return false;
    t->active = active == 1;
    return key_take_u64(&s, &t->first) && key_take_u64(&s, &t->last) && key_take_u64(&s, &t->current) &&
           key_take_u64(&s, &t->suspect) && key_take_u32(&s, &t->deaths) && key_take_u32(&s, &t->unnamed);
}

static void count_death(struct fold *f)
{
    struct fold_trial *t = &f->trial;
    if (t->current == 0) {
        t->unnamed++;
    } else if (t->current == t->suspect) {
        t->deaths++;
    } else {
        t->suspect = t->current;
        t->deaths = 1 + (t->unnamed > 0);
        t->unnamed = 0;
    }
    t->careful_to = t->last;
    t->current = 0;
    t->active = false; /* counted */
    note(f);
    log_warn(f->env, "fold: died while folding", LOG_U64("from", t->first), LOG_U64("to", t->last),
             LOG_U64("suspect", t->suspect), LOG_U64("deaths", t->deaths));
}

void fold_trial_open(struct fold *f)
{
    struct fold_trial *t = &f->trial;
    if (f->aside_of != NULL) return;
    if (t->file == NULL) {
        size_t n = strlen(f->opts.data_dir) + strlen(f->def->name) + 16;
        t->path = mem_alloc(&f->env->mem, n);
        (void)snprintf(t->path, n, "%s/%s.trial", f->opts.data_dir, f->def->name);
        int r = file_open(f->env, t->path, FILE_CREATE, &t->file);
        if (r < 0) {
            log_warn(f->env, "fold: deaths will not be counted", LOG_STR("path", t->path), LOG_ERR(r));
            t->file = NULL;
            return;
        }
        if (!read_note(f)) t->active = false;
        if (t->active) count_death(f);
    }
    if (t->deaths >= TRIAL_DEATHS) fold_halt(f, t->suspect, "died three times of an event", E_INTERNAL);
}

void fold_trial_close(struct fold *f)
{
    file_close(f->env, f->trial.file);
    f->trial.file = NULL;
    mem_free(&f->env->mem, f->trial.path);
    f->trial.path = NULL;
}

void fold_trial_block(struct fold *f, uint64_t first, uint64_t last)
{
    struct fold_trial *t = &f->trial;
    if (!t->active) t->first = first;
    t->last = last;
    t->active = true;
    note(f);
}

void fold_trial_event(struct fold *f, uint64_t seq)
{
    struct fold_trial *t = &f->trial;
    if (seq > t->careful_to) return;
    t->current = seq;
    note(f);
}

void fold_trial_block_done(struct fold *f)
{
    struct fold_trial *t = &f->trial;
    if (t->current == 0) return;
    t->current = 0;
    note(f);
}

void fold_trial_committed(struct fold *f)
{
    struct fold_trial *t = &f->trial;
    if (!t->active) return;
    t->active = false;
    t->current = 0;
    if (f->at.seq >= t->careful_to) {
        t->suspect = t->careful_to = 0;
        t->deaths = t->unnamed = 0;
    }
    note(f);
}

void fold_trial_forgive(struct fold *f)
{
    struct fold_trial *t = &f->trial;
    t->suspect = 0;
    t->deaths = t->unnamed = 0;
    note(f);
}
