/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: order, gathering of commits, the newest blocks.
 *
 *   journal_append ──▶ waiting ──▶ batch: one job on the lane ──▶ on_durable of each
 *                         └ step, on a lane of its own, while a batch is under way
 *
 * While one job runs the next batch gathers; there is no timer. When the disk
 * is full the rest of the batch and all that waits get E_NOSPACE, each when its
 * step has ended, and the tail goes back to the durable head. Any other failure of a write means that
 * nobody knows what is on disk: the process ends and finds out at its start. */
#include "journal_storage.h"

#include "check.h"
#include "err.h"
#include "log.h"
#include "sched.h"

#define BATCH_MAX_BLOCKS 256
#define BATCH_MAX_BYTES  ((size_t)16 << 20)
#define RECENT_MAX       1024
#define RECENT_MAX_BYTES ((size_t)16 << 20)
#define SEGMENT_BYTES    ((uint64_t)1 << 30)

struct append {
    struct job job; /* its step, on step_lane */
    struct journal *journal;
    enum { STEP_WANTED, STEP_UNDER_WAY, STEP_DONE } state;
    struct buf *block;
    struct journal_step step;
    void (*on_durable)(void *self, int status);
    void *self;
    struct append *next;
};

struct recent {
    uint64_t first_seq;
    struct buf *block;
};

struct journal {
    struct env *env;
    struct journal_storage *storage;
    struct lane *lane, *step_lane;
    struct journal_head head; /* durable */
    uint64_t tail_seq;        /* of the last appended event */
    uint64_t pending_bytes;
    struct append *waiting, **waiting_end;
    struct append *spare;
    bool closing;
    bool failing; /* the disk was full: what waits has steps under way, and gets E_NOSPACE */

    struct job job; /* the batch under way; the lane's until done */
    bool busy;
    unsigned n_batch, n_written;
    uint8_t chain_hash[HASH_BYTES]; /* of the last block chained */
    int status;
    struct append *batch[BATCH_MAX_BLOCKS];
    struct buf *batch_blocks[BATCH_MAX_BLOCKS];

    struct recent recent[RECENT_MAX]; /* a ring, oldest at recent_first */
    unsigned recent_first, n_recent;
    size_t recent_bytes;
};

static void recent_drop_oldest(struct journal *j)
{
    struct recent *r = &j->recent[j->recent_first];
    j->recent_bytes -= r->block->n;
    buf_unref(r->block);
    j->recent_first = (j->recent_first + 1) % RECENT_MAX;
    j->n_recent--;
}

static void recent_add(struct journal *j, uint64_t first_seq, struct buf *block)
{
    while (j->n_recent > 0 && (j->n_recent == RECENT_MAX || j->recent_bytes + block->n > RECENT_MAX_BYTES))
        recent_drop_oldest(j);
    unsigned i = (j->recent_first + j->n_recent++) % RECENT_MAX;
    j->recent[i] = (struct recent){first_seq, buf_ref(block)};
    j->recent_bytes += block->n;
}

/* The last block whose first_seq is not above seq; NULL when older than the ring. */
static struct buf *recent_find(const struct journal *j, uint64_t seq)
{
    unsigned low = 0, high = j->n_recent;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (j->recent[(j->recent_first + middle) % RECENT_MAX].first_seq <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NULL : j->recent[(j->recent_first + low - 1) % RECENT_MAX].block;
}

static void append_finish(struct journal *j, struct append *a, int status)
{
    void (*on_durable)(void *, int) = a->on_durable;
    void *self = a->self;
    j->pending_bytes -= a->block->n;
    buf_unref(a->block);
    a->next = j->spare;
    j->spare = a;
    on_durable(self, status);
}

static void run_step(struct job *job)
{
    struct append *a = (struct append *)job;
    if (a->step.run != NULL) a->step.run(a->step.self, a->block);
}

static void batch_work(struct job *job)
{
    struct journal *j = (struct journal *)((char *)job - offsetof(struct journal, job));
    for (unsigned i = 0; i < j->n_batch; i++) {
        if (j->batch[i]->state == STEP_WANTED) run_step(&j->batch[i]->job);
        block_chain(j->batch_blocks[i], j->chain_hash, j->chain_hash);
    }
    j->status = j->storage->write(j->storage, j->batch_blocks, j->n_batch, &j->n_written);
}

static void batch_take(struct journal *j)
{
    size_t bytes = 0;
    j->n_batch = 0;
    while (j->waiting != NULL && j->waiting->state != STEP_UNDER_WAY && j->n_batch < BATCH_MAX_BLOCKS &&
           (j->n_batch == 0 || bytes + j->waiting->block->n <= BATCH_MAX_BYTES)) {
        struct append *a = j->waiting;
        j->waiting = a->next;
        bytes += a->block->n;
        j->batch_blocks[j->n_batch] = a->block;
        j->batch[j->n_batch++] = a;
    }
    if (j->waiting == NULL) j->waiting_end = &j->waiting;
    memcpy(j->chain_hash, j->head.hash, HASH_BYTES); /* all before this batch is durable */
    j->n_written = 0;
    j->status = 0;
    j->busy = true;
}

/* If there is something to write, and nothing being written. */
static void batch_start(struct journal *j)
{
    if (j->busy || j->closing || j->failing) return;
    if (j->waiting == NULL || j->waiting->state == STEP_UNDER_WAY) return;
    batch_take(j);
    lane_post(j->env, j->lane, &j->job);
}

/* What waits is not written, in order, up to the first whose step is still under way. */
static void fail_waiting(struct journal *j)
{
    while (j->waiting != NULL && j->waiting->state != STEP_UNDER_WAY) {
        struct append *a = j->waiting;
        j->waiting = a->next;
        if (j->waiting == NULL) j->waiting_end = &j->waiting;
        j->failing = j->waiting != NULL;
        append_finish(j, a, E_NOSPACE);
    }
}

static void on_step_done(struct job *job)
{
    struct append *a = (struct append *)job;
    struct journal *j = a->journal;
    a->state = STEP_DONE;
    if (j->failing)
        fail_waiting(j);
    else
        batch_start(j);
}

/* The disk is full: nothing after the durable head will be written. */
static void fail_rest(struct journal *j, unsigned from)
{
    unsigned n_batch = j->n_batch;
    struct append *batch[BATCH_MAX_BLOCKS];
    memcpy(batch, j->batch, n_batch * sizeof(batch[0]));
    j->failing = j->waiting != NULL;
    j->tail_seq = j->head.seq;
    log_warn(j->env, "journal: no space left", LOG_U64("head", j->head.seq));
    for (unsigned i = from; i < n_batch; i++) append_finish(j, batch[i], E_NOSPACE);
    fail_waiting(j);
}

static void batch_done(struct job *job)
{
    struct journal *j = (struct journal *)((char *)job - offsetof(struct journal, job));
    if (j->status < 0 && j->status != E_NOSPACE) {
        log_error(j->env, "journal: write failed", LOG_ERR(j->status));
        env_die(j->env, "journal write failed");
        return;
    }
    unsigned n = j->n_written;
    j->storage->written(j->storage, j->batch_blocks, n);
    for (unsigned i = 0; i < n; i++) {
        struct block_head head;
        CHECK(block_open(buf_span(j->batch_blocks[i]), &head) == 0);
        j->head.seq = head.first_seq + head.count - 1;
        j->head.time_us = head.time_us;
        memcpy(j->head.hash, head.hash, HASH_BYTES);
        recent_add(j, head.first_seq, j->batch_blocks[i]);
    }
    /* The next batch goes to the lane before anyone is told of this one. */
    struct append *told[BATCH_MAX_BLOCKS];
    memcpy(told, j->batch, n * sizeof(told[0]));
    int status = j->status;
    j->busy = status != 0; /* then nothing starts between the calls below */
    batch_start(j);
    for (unsigned i = 0; i < n; i++) append_finish(j, told[i], 0);
    if (status == 0) return;
    j->busy = false;
    fail_rest(j, n);
}

static int journal_start(struct env *env, struct journal_storage *storage, const struct journal_head *head,
                         struct journal **ret)
{
    struct journal *j = mem_zalloc(&env->mem, sizeof(*j));
    j->env = env;
    j->storage = storage;
    j->head = *head;
    j->tail_seq = head->seq;
    j->waiting_end = &j->waiting;
    j->job.work = batch_work;
    j->job.done = batch_done;
    j->lane = lane_open(env, "journal");
    j->step_lane = lane_open(env, "journal-steps");
    *ret = j;
    return 0;
}

int journal_open(struct env *env, const struct journal_opts *opts, struct journal **ret)
{
    struct journal_storage *storage;
    struct journal_head head;
    uint64_t segment_bytes = opts->segment_bytes != 0 ? opts->segment_bytes : SEGMENT_BYTES;
    int r = journal_segments_open(env, opts->path, segment_bytes, &head, &storage);
    return r < 0 ? r : journal_start(env, storage, &head, ret);
}

int journal_open_memory(struct env *env, struct journal **ret)
{
    struct journal_storage *storage;
    struct journal_head head;
    int r = journal_memory_open(env, &head, &storage);
    return r < 0 ? r : journal_start(env, storage, &head, ret);
}

void journal_close(struct journal *j)
{
    if (j == NULL) return;
    j->closing = true;
    lane_close(j->env, j->step_lane);
    lane_close(j->env, j->lane);
    while (j->waiting != NULL) { /* the lane is gone: what gathered is written here */
        batch_take(j);
        batch_work(&j->job);
        batch_done(&j->job);
    }
    j->storage->close(j->storage);
    while (j->n_recent > 0) recent_drop_oldest(j);
    while (j->spare != NULL) {
        struct append *a = j->spare;
        j->spare = a->next;
        mem_free(&j->env->mem, a);
    }
    mem_free(&j->env->mem, j);
}

struct journal_head journal_head(const struct journal *j)
{
    return j->head;
}

void journal_append(struct journal *j, struct buf *block, struct journal_step step,
                    void (*on_durable)(void *self, int status), void *self)
{
    struct block_head head;
    CHECK(block_open(buf_span(block), &head) == 0);
    CHECK(!j->failing && head.first_seq == j->tail_seq + 1);
    struct append *a = j->spare;
    if (a != NULL)
        j->spare = a->next;
    else
        a = mem_alloc(&j->env->mem, sizeof(*a));
    *a = (struct append){.job = {.work = run_step, .done = on_step_done},
                         .journal = j,
                         .block = buf_ref(block),
                         .step = step,
                         .on_durable = on_durable,
                         .self = self};
    bool wait = j->busy || j->waiting != NULL;
    *j->waiting_end = a;
    j->waiting_end = &a->next;
    j->tail_seq += head.count;
    j->pending_bytes += block->n;
    if (wait && step.run != NULL) {
        a->state = STEP_UNDER_WAY;
        lane_post(j->env, j->step_lane, &a->job);
    }
    batch_start(j);
}

uint64_t journal_pending(const struct journal *j)
{
    return j->pending_bytes;
}

bool journal_holds(const struct journal *j, uint64_t seq)
{
    return recent_find(j, seq) != NULL;
}

int journal_read(struct journal *j, uint64_t seq, struct buf **ret)
{
    if (seq == 0 || seq > j->head.seq) return E_NOT_FOUND;
    if (seq < j->head.oldest_seq) return E_ARCHIVED;
    struct buf *block = recent_find(j, seq);
    if (block != NULL) {
        *ret = buf_ref(block);
        return 0;
    }
    struct block_head head;
    int r = j->storage->read(j->storage, seq, &block);
    if (r < 0) return r == E_NOT_FOUND ? E_CORRUPT : r;
    if (block_open(buf_span(block), &head) < 0 || seq < head.first_seq ||
        seq - head.first_seq >= head.count) {
        buf_unref(block);
        return E_CORRUPT;
    }
    *ret = block;
    return 0;
}

int journal_usage(struct journal *j, uint64_t *ret_bytes)
{
    *ret_bytes = j->storage->usage(j->storage);
    return 0;
}
