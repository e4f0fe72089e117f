/* SPDX-License-Identifier: Apache-2.0 */
/* The auditor follows the journal like any reader: crashed and cut off like
 * the services, it goes on where it was. What it has read once may never
 * change. */
#include "check.h"
#include "err.h"
#include "office.h"

static void on_block(void *self, struct buf *block, const struct block_head *head)
{
    struct office *o = self;
    if (head->first_seq != o->audit.n_events + 1)
        audit_broken(&o->audit, "the feed gave seq %llu after %llu", (unsigned long long)head->first_seq,
                     (unsigned long long)o->audit.n_events);
    o->audit.now_us = sim_now_us(o->sim);
    audit_block(&o->audit, buf_span(block), head);
    feed_done(o->feed, block->n, o->audit.n_events);
}

static void on_subscribed(void *self, const Kesu__V1__Subscribed *s)
{
    struct office *o = self;
    CHECK(s->journal_uuid.len == sizeof o->journal_uuid);
    if (o->has_uuid && memcmp(o->journal_uuid, s->journal_uuid.data, 16) != 0)
        audit_broken(&o->audit, "it is another journal");
    memcpy(o->journal_uuid, s->journal_uuid.data, 16);
    o->has_uuid = true;
    o->head_seq = s->head_seq;
    if (s->head_seq < o->audit.n_events)
        audit_broken(&o->audit, "the journal ends at seq %llu, it had %llu", (unsigned long long)s->head_seq,
                     (unsigned long long)o->audit.n_events);
}

static void on_head(void *self, uint64_t head_seq, int64_t block_time)
{
    struct office *o = self;
    (void)block_time;
    o->head_seq = head_seq;
}

static void on_refused(void *self, int err)
{
    struct office *o = self;
    audit_broken(&o->audit, "the feed refuses the auditor at seq %llu: %s",
                 (unsigned long long)o->audit.n_events, err_name(err));
}

static void on_boot(void *self, struct env *env)
{
    struct office *o = self;
    o->reader_env = env;
    struct feed_opts opts = {
        .endpoint = "ipc://" OFFICE_RUN "/intake-feed.ipc",
        .name = "auditor",
        .from_seq = o->audit.n_events + 1,
        .compare_hash = o->audit.n_events > 0,
        .self = o,
        .on_subscribed = on_subscribed,
        .on_block = on_block,
        .on_head = on_head,
        .on_refused = on_refused,
    };
    memcpy(opts.journal_uuid, o->journal_uuid, sizeof opts.journal_uuid);
    memcpy(opts.last_hash, o->audit.hash, sizeof opts.last_hash);
    CHECK(feed_open(env, &opts, &o->feed) == 0);
}

void reader_start(struct office *o)
{
    o->reader = sim_instance_new(o->sim, "auditor", on_boot, o);
}
