/* SPDX-License-Identifier: Apache-2.0 */
/* Life of a fold: opening, following the feed, halting, beginning again.
 *
 *            blocks                 error, three deaths
 *   WORKING ───────▶ WORKING    ──────────────────────▶ HALTED ── skipped ──┐
 *      ▲                │                                                   │
 *      │                └── other journal, no space, rebuild ──▶ STARTING ◀─┘
 *      └──────────────────────── store loaded ──────────────────────┘
 *
 * Feed and command client are only closed at the end of a turn, never from
 * within one of their own calls. */
#include "fold_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "err.h"
#include "log.h"

#define EVENT_BYTES     ((size_t)32 << 20) /* an event of 1 MiB, unpacked */
#define RING_KEYS       65536
#define HALTED_LOOK_US  (5 * USEC_PER_SEC)
#define REFUSED_WAIT_US (5 * USEC_PER_SEC)

/* ---- halting and beginning again --------------------------------------------- */

void fold_halt(struct fold *f, uint64_t seq, const char *why, int err)
{
    if (f->state != FOLD_WORKING) return;
    f->state = FOLD_HALTED;
    f->settled = false;
    f->halted_seq = seq;
    (void)snprintf(f->why, sizeof(f->why), "halted at %llu: %s (%s)", (unsigned long long)seq, why,
                   err_name(err));
    log_error(f->env, "fold: halted", LOG_STR("fold", f->def->name), LOG_U64("seq", seq), LOG_STR("why", why),
              LOG_ERR(err));
    sched_wake(f->env);
}

void fold_restart(struct fold *f, bool rebuild, int64_t wait_us, const char *why)
{
    f->state = FOLD_STARTING;
    f->settled = false;
    f->rebuild = f->rebuild || rebuild;
    f->start_us = clock_mono_us(f->env) + wait_us;
    (void)snprintf(f->why, sizeof(f->why), "starting again: %s", why);
    log_warn(f->env, "fold: starts again", LOG_STR("fold", f->def->name), LOG_STR("why", why));
    sched_wake(f->env);
}

void fold_wake_at(struct fold *f, int64_t mono_us)
{
    if (f->timer_us == mono_us) return; /* setting a timer is itself a reason for a turn */
    f->timer_us = mono_us;
    timer_set(f->env, f->timer, mono_us);
}

/* ---- the feed ------------------------------------------------------------------ */

static int compare_seq(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void take_skips(struct fold *f, const Kesu__V1__Subscribed *s)
{
    if (f->aside_of != NULL) return; /* has those of the fold it is compared with */
    f->n_skips = (unsigned)s->n_skips;
    f->skips = mem_realloc(&f->env->mem, f->skips, (s->n_skips + 1) * sizeof(*f->skips));
    if (s->n_skips > 0) memcpy(f->skips, s->skips, s->n_skips * sizeof(*f->skips));
    qsort(f->skips, f->n_skips, sizeof(*f->skips), compare_seq);
}

static void on_subscribed(void *self, const Kesu__V1__Subscribed *s)
{
    struct fold *f = self;
    take_skips(f, s);
    if (f->head < s->head_seq) f->head = s->head_seq;
    if (f->state == FOLD_HALTED && fold_skips(f, f->halted_seq)) {
        fold_trial_forgive(f);
        fold_restart(f, false, 0, "the event it halted at is skipped");
    }
    if (f->state != FOLD_WORKING) return;
    if (s->journal_uuid.len == sizeof(f->at.uuid))
        memcpy(f->at.uuid, s->journal_uuid.data, sizeof(f->at.uuid));
    if (!f->subscribed) {
        f->subscribed = true;
        f->target = s->head_seq;
        if (f->at.seq == 0) f->at.rebuilt_to = s->head_seq;
        log_info(f->env, "fold: following", LOG_STR("fold", f->def->name), LOG_U64("from", f->at.seq + 1),
                 LOG_U64("head", s->head_seq));
    }
    sched_wake(f->env);
}

static void take_block(struct fold *f, struct buf *block, const struct block_head *head)
{
    fold_apply(f, buf_span(block), head);
    if (f->state != FOLD_WORKING || f->failed != 0) return;
    feed_done(f->feed, block->n, f->at.seq);
    fold_verify_block(f);
}

static void on_block(void *self, struct buf *block, const struct block_head *head)
{
    struct fold *f = self;
    if (f->state != FOLD_WORKING || f->failed != 0 || fold_pause_holds(f, block)) return;
    take_block(f, block, head);
}

static void take_held(struct fold *f)
{
    struct buf *block;
    struct block_head head;
    if (f->pause.n == 0) return;
    while (f->state == FOLD_WORKING && f->failed == 0 && (block = fold_pause_next(f)) != NULL) {
        CHECK(block_open(buf_span(block), &head) == 0);
        take_block(f, block, &head);
        buf_unref(block);
    }
}

static void on_head(void *self, uint64_t head_seq, int64_t block_time)
{
    struct fold *f = self;
    (void)block_time;
    if (f->head < head_seq) f->head = head_seq;
    stats_set(f->stat_head, (int64_t)f->head);
}

static void on_refused(void *self, int err)
{
    struct fold *f = self;
    char why[100];
    if (err == E_MISMATCH) {
        fold_restart(f, true, 0, "restored or other journal");
        return;
    }
    (void)snprintf(why, sizeof(why), "the journal cannot be followed (%s)", err_name(err));
    fold_restart(f, false, REFUSED_WAIT_US, why);
}

static int open_feed(struct fold *f)
{
    char name[80];
    (void)snprintf(name, sizeof(name), "%s%s", f->def->name, f->aside_of != NULL ? "~verify" : "");
    struct feed_opts opts = {
        .endpoint = f->opts.feed_endpoint,
        .name = name,
        .from_seq = f->at.seq + 1,
        .compare_hash = f->at.seq > 0,
        .credit_bytes = f->state == FOLD_HALTED ? 1 : 0,
        .ring = f->ring,
        .keys = f->opts.keys,
        .self = f,
        .on_subscribed = on_subscribed,
        .on_block = on_block,
        .on_head = on_head,
        .on_refused = on_refused,
    };
    memcpy(opts.journal_uuid, f->at.uuid, sizeof(opts.journal_uuid));
    memcpy(opts.last_hash, f->at.hash, HASH_BYTES);
    return feed_open(f->env, &opts, &f->feed);
}

static int open_commands(struct fold *f)
{
    if (f->aside_of != NULL || f->opts.command_endpoint == NULL) return 0;
    struct command_client_opts opts = {f->opts.command_endpoint, f->def->name, 0, 0, f->opts.keys};
    return command_client_open(f->env, &opts, &f->commands);
}

static void close_outside(struct fold *f)
{
    command_client_close(f->commands);
    f->commands = NULL;
    feed_close(f->feed);
    f->feed = NULL;
}

/* ---- beginning ------------------------------------------------------------------ */

static int empty_store(struct fold *f)
{
    store_close(f->env, f->store);
    f->store = NULL;
    return store_remove(f->env, f->path);
}

/* Everything from the store: position, policy, outbox, what the service keeps. */
static int load(struct fold *f)
{
    if (f->begun && f->def->on_reset != NULL) f->def->on_reset(f->self, f);
    f->begun = true;
    if (f->rebuild) { /* what was written since it stopped goes with the old store */
        fold_abandon(f);
        fold_outbox_clear(f);
    }
    int r = f->rebuild ? empty_store(f) : 0;
    if (r == 0) r = fold_store_open(f);
    if (r == 1) {
        log_warn(f->env, "fold: the store is of another version, rebuilding", LOG_STR("fold", f->def->name));
        fold_abandon(f);
        r = empty_store(f);
        if (r == 0) r = fold_store_open(f);
    }
    if (r == 0) r = fold_policy_load(f);
    if (r == 0) r = fold_outbox_load(f);
    if (r == 0 && f->def->on_open != NULL) r = f->def->on_open(f->self, f);
    if (r < 0) fold_abandon(f);
    return r;
}

static int begin(struct fold *f)
{
    int r = load(f);
    if (r < 0) return r;
    f->state = FOLD_WORKING;
    f->rebuild = f->settled = false;
    f->subscribed = f->live = false;
    f->halted_seq = 0;
    fold_trial_open(f);
    if (f->state == FOLD_WORKING) r = open_commands(f);
    if (r == 0 && f->state == FOLD_WORKING) r = open_feed(f);
    sched_wake(f->env);
    return r;
}

static void put_away(struct fold *f)
{
    close_outside(f);
    fold_abandon(f);
    fold_outbox_clear(f);
    fold_pause_drop(f);
    f->live = f->subscribed = false;
    f->settled = true;
    if (f->state == FOLD_HALTED) f->start_us = clock_mono_us(f->env);
}

/* Not working: put away what runs, then begin again or look for a skip when it is time. */
static void attend(struct fold *f)
{
    if (!f->settled) put_away(f);
    int64_t now = clock_mono_us(f->env);
    if (now < f->start_us) {
        fold_wake_at(f, f->start_us);
        return;
    }
    int r;
    if (f->state == FOLD_HALTED) {
        f->start_us = now + HALTED_LOOK_US;
        fold_wake_at(f, f->start_us);
        feed_close(f->feed);
        f->feed = NULL;
        r = open_feed(f);
    } else {
        r = begin(f);
    }
    if (r == 0) return;
    log_error(f->env, "fold: cannot begin again", LOG_STR("fold", f->def->name), LOG_ERR(r));
    if (r != E_NOSPACE) {
        env_die(f->env, "fold: cannot begin again");
        return;
    }
    fold_restart(f, f->rebuild, REFUSED_WAIT_US, "no space left");
}

static void on_turn_end(void *self)
{
    struct fold *f = self;
    if (f->state == FOLD_WORKING) take_held(f);
    if (f->state == FOLD_WORKING) fold_turn_end(f);
    if (f->state != FOLD_WORKING) attend(f);
    fold_verify_step(f);
}

static void on_timer(void *self)
{
    struct fold *f = self;
    f->timer_us = 0; /* it is the end of the turn that works */
}

/* ---- open and close --------------------------------------------------------------- */

static void init_stats(struct fold *f)
{
    struct stats *s = f->env->stats;
    char label[100];
    (void)snprintf(label, sizeof(label), "fold=\"%s%s\"", f->def->name, f->aside_of != NULL ? "~verify" : "");
    f->stat_events = stats_value(s, STATS_COUNTER, "kesu_fold_events_total", label, "Events folded");
    f->stat_commits = stats_value(s, STATS_COUNTER, "kesu_fold_commits_total", label, "Commits of the fold");
    f->stat_seq = stats_value(s, STATS_GAUGE, "kesu_fold_seq", label, "Last committed seq");
    f->stat_head = stats_value(s, STATS_GAUGE, "kesu_fold_head_seq", label, "Newest seq heard of");
    f->stat_outbox = stats_value(s, STATS_GAUGE, "kesu_fold_outbox", label, "Commands not yet answered");
    f->stat_commit_time = stats_histogram(s, "kesu_fold_commit_seconds", label, "Time of a commit");
}

static void init_tables(struct fold *f)
{
    static const char *const own[FOLD_N_TABLES] = {"fold.meta", "fold.outbox", "fold.policy"};
    f->n_tables = f->def->n_tables;
    f->tables = mem_alloc(&f->env->mem, (f->n_tables + FOLD_N_TABLES) * sizeof(*f->tables));
    for (unsigned i = 0; i < f->n_tables; i++) f->tables[i] = f->def->tables[i];
    for (unsigned i = 0; i < FOLD_N_TABLES; i++) f->tables[f->n_tables + i] = own[i];
    for (unsigned i = 0; i < f->def->n_rows; i++) {
        CHECK(f->def->rows[i].type < FOLD_TYPES);
        f->handlers[f->def->rows[i].type] = f->def->rows[i].handle;
    }
}

static const char *own_string(struct fold *f, const char *s)
{
    return s != NULL ? mem_strdup(&f->env->mem, s) : NULL;
}

int fold_open_at(struct env *env, const struct fold_def *def, const struct fold_opts *opts, void *self,
                 const char *path, struct fold *aside_of, struct fold **ret)
{
    struct fold *f = mem_zalloc(&env->mem, sizeof(*f));
    f->env = env;
    f->def = def;
    f->self = self;
    f->aside_of = aside_of;
    f->opts = (struct fold_opts){own_string(f, opts->data_dir), own_string(f, opts->feed_endpoint),
                                 own_string(f, opts->command_endpoint), opts->keys, opts->pause_below_bytes};
    f->path = mem_strdup(&env->mem, path);
    arena_init(&f->arena, &env->mem, EVENT_BYTES);
    fold_policy_forget(f);
    init_tables(f);
    init_stats(f);
    if (def->personal) f->ring = seal_ring_new(&env->mem, RING_KEYS);
    fold_outbox_init(f);
    f->timer = timer_new(env, on_timer, f);
    f->hook = turn_hook_new(env, on_turn_end, f);
    int r = begin(f);
    if (r < 0) {
        log_error(env, "fold: cannot open", LOG_STR("path", path), LOG_ERR(r));
        f->state = FOLD_STARTING;
        fold_close(f);
        return r;
    }
    *ret = f;
    return 0;
}

int fold_open(struct env *env, const struct fold_def *def, const struct fold_opts *opts, void *self,
              struct fold **ret)
{
    char path[FOLD_PATH_BYTES];
    int n = snprintf(path, sizeof(path), "%s/%s.fold", opts->data_dir, def->name);
    if (n < 0 || (size_t)n >= sizeof(path) - 16) return E_RANGE;
    int r = files_mkdir(env, opts->data_dir);
    return r < 0 ? r : fold_open_at(env, def, opts, self, path, NULL, ret);
}

static void free_string(struct fold *f, const char *s)
{
    mem_free(&f->env->mem, (void *)(uintptr_t)s);
}

void fold_close(struct fold *f)
{
    if (f == NULL) return;
    struct mem *m = &f->env->mem;
    fold_verify_cancel(f, "the fold stops");
    if (f->state == FOLD_WORKING && (f->dirty || f->moved) && f->failed == 0) {
        int r = fold_commit(f);
        if (r < 0)
            log_warn(f->env, "fold: the last commit failed", LOG_STR("fold", f->def->name), LOG_ERR(r));
    }
    close_outside(f);
    fold_abandon(f);
    if (f->control_free != NULL) f->control_free(f);
    fold_outbox_deinit(f);
    fold_pause_drop(f);
    fold_trial_close(f);
    turn_hook_free(f->env, f->hook);
    timer_free(f->env, f->timer);
    store_close(f->env, f->store);
    seal_ring_free(&f->ring);
    arena_deinit(&f->policy_arena);
    arena_deinit(&f->arena);
    free_string(f, f->opts.data_dir);
    free_string(f, f->opts.feed_endpoint);
    free_string(f, f->opts.command_endpoint);
    mem_free(m, f->skips);
    mem_free(m, f->tables);
    mem_free(m, f->path);
    mem_free(m, f);
}

/* ---- questions ---------------------------------------------------------------------- */

bool fold_live(const struct fold *f)
{
    return f->live;
}

unsigned fold_unanswered(const struct fold *f)
{
    return f->outbox.n;
}

uint64_t fold_cursor_seq(const struct fold *f)
{
    return f->at.seq;
}

int64_t fold_block_time(const struct fold *f)
{
    return f->at.time_us;
}

uint64_t fold_rebuilt_to(const struct fold *f)
{
    return f->at.rebuilt_to;
}

const uint8_t *fold_journal_uuid(const struct fold *f)
{
    return f->at.uuid;
}

struct seal_ring *fold_ring(struct fold *f)
{
    return f->ring;
}

void fold_want_keys(struct fold *f, const uint64_t *key_ids, unsigned n, void (*on_keys)(void *self),
                    void *self)
{
    if (f->feed != NULL) feed_want_keys(f->feed, key_ids, n, on_keys, self);
}

const char *fold_not_ready(const struct fold *f)
{
    if (f->state != FOLD_WORKING) return f->why;
    if (f->pause.on) return "storage is low: paused";
    if (!f->subscribed || f->feed == NULL || feed_is_silent(f->feed)) return "intake does not answer";
    return f->live ? NULL : "catching up";
}
