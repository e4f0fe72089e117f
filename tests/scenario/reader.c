/* SPDX-License-Identifier: Apache-2.0 */
/* A reader of little credit that is often slow to give it back: crashed and cut
 * off like the services, it goes on where it was. It gets every block once, in
 * order, and the keys beside them but for what only named people read. */
#include "check.h"
#include "clock.h"
#include "err.h"
#include "office.h"
#include "roles.h"
#include "sched.h"
#include "seal.h"

#define CREDIT_BYTES ((uint64_t)4 << 10)
#define SLOW_US      (3 * USEC_PER_SEC)
#define MAX_KEYS     100

static void give_back(void *self)
{
    struct office *o = self;
    feed_done(o->feed, o->reader_keeps, o->read_seq);
    o->reader_keeps = 0;
}

static void on_block(void *self, struct buf *block, const struct block_head *head)
{
    struct office *o = self;
    if (head->first_seq != o->read_seq + 1)
        audit_broken(&o->audit, "the feed gave seq %llu after %llu", (unsigned long long)head->first_seq,
                     (unsigned long long)o->read_seq);
    o->read_seq = head->first_seq + head->count - 1;
    memcpy(o->read_hash, head->hash, HASH_BYTES);
    o->reader_keeps += block->n;
    if (o->reader_keeps > block->n) return; /* the timer comes */
    int64_t wait_us = o->resting || sim_random(o->sim, 4) > 0 ? 0 : (int64_t)sim_random(o->sim, SLOW_US);
    if (wait_us > 0) o->disasters[READER_SLOW]++;
    if (wait_us > 0)
        timer_set(o->reader_env, o->reader_timer, sim_now_us(o->sim) + wait_us);
    else
        give_back(o);
}

static void on_subscribed(void *self, const Kesu__V1__Subscribed *s)
{
    struct office *o = self;
    CHECK(s->journal_uuid.len == sizeof o->journal_uuid);
    if (o->has_uuid && memcmp(o->journal_uuid, s->journal_uuid.data, 16) != 0)
        audit_broken(&o->audit, "it is another journal");
    if (s->head_seq < o->read_seq)
        audit_broken(&o->audit, "the journal ends at seq %llu, it had %llu", (unsigned long long)s->head_seq,
                     (unsigned long long)o->read_seq);
}

static void on_refused(void *self, int err)
{
    struct office *o = self;
    if (err == E_MISMATCH && o->read_seq == 0) { /* an empty journal has no identity that lasts */
        env_stop(o->reader_env, 1);
        return;
    }
    audit_broken(&o->audit, "the feed refuses the reader at seq %llu: %s", (unsigned long long)o->read_seq,
                 err_name(err));
}

static void on_boot(void *self, struct env *env)
{
    struct office *o = self;
    o->reader_env = env;
    struct seal_ring *ring = seal_ring_new(&env->mem, MAX_KEYS); /* goes with the process */
    struct feed_opts opts = {
        .endpoint = "ipc://" OFFICE_RUN "/intake-feed.ipc",
        .name = OFFICE_READER,
        .ring = ring,
        .credit_bytes = CREDIT_BYTES,
        .from_seq = o->read_seq + 1,
        .compare_hash = o->read_seq > 0,
        .self = o,
        .on_subscribed = on_subscribed,
        .on_block = on_block,
        .on_refused = on_refused,
    };
    if (o->read_seq > 0) memcpy(opts.journal_uuid, o->journal_uuid, sizeof opts.journal_uuid);
    memcpy(opts.last_hash, o->read_hash, sizeof opts.last_hash);
    o->reader_keeps = 0;
    o->reader_timer = timer_new(env, give_back, o);
    CHECK(feed_open(env, &opts, &o->feed) == 0);
}

void reader_start(struct office *o)
{
    static const struct role_user user = {.role = ROLE_READER_WITH_PERSONAL, .name = OFFICE_READER};
    o->reader = sim_instance_new(o->sim, "reader", on_boot, o);
    sim_set_user(o->reader, &user);
}
