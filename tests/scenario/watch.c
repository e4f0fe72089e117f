/* SPDX-License-Identifier: Apache-2.0 */
/* The auditor's eyes: blocks are audited the moment they are on disk, and what
 * anybody says is compared with what is on disk at that moment. Nobody may
 * acknowledge, show or act upon what a crash could still take back. */
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "key.h"
#include "office.h"

#define JOURNAL     OFFICE_DATA "/intake/journal/"
#define ARENA_BYTES ((size_t)8 << 20)

/* ---- the journal ------------------------------------------------------------------- */

static bool seek_block(struct office *o, const char *path, uint64_t from_seq, struct span *ret)
{
    struct key key = {0};
    struct span found;
    key_u64(&key, from_seq);
    return sim_disk_seek(o->sim, path, "blocks", true, key_span(&key), false, &found, ret);
}

static void note_uuid(struct office *o, const char *path)
{
    struct span key, meta;
    if (!sim_disk_seek(o->sim, path, "meta", true, SPAN_LIT("meta"), false, &key, &meta) || meta.n < 20)
        return;
    if (o->has_uuid && memcmp(o->journal_uuid, meta.p + 4, 16) != 0)
        audit_broken(&o->audit, "it is another journal");
    memcpy(o->journal_uuid, meta.p + 4, 16);
    o->has_uuid = true;
}

static void note_segment(struct office *o, const char *path)
{
    note_uuid(o, path);
    for (unsigned i = 0; i < o->n_segments; i++)
        if (strcmp(o->segments[i], path) == 0) return;
    o->segments = (char **)realloc((void *)o->segments, (o->n_segments + 1) * sizeof(char *));
    CHECK(o->segments != NULL);
    o->segments[o->n_segments++] = strdup(path);
    if (o->n_segments > 1) o->disasters[SEGMENT_ROLLED]++;
}

static void take_blocks(struct office *o, const char *path)
{
    struct span block;
    struct block_head head;
    while (seek_block(o, path, o->audit.n_events + 1, &block)) {
        if (block_open(block, &head) != 0) {
            audit_broken(&o->audit, "a block in %s cannot be read", path);
            return;
        }
        o->audit.now_us = sim_now_us(o->sim);
        shadow_block(o, block, &head);
        audit_block(&o->audit, block, &head);
        if (o->audit.broken[0] != '\0') return;
    }
}

/* All from the first block on: nothing that was durable may have changed. */
void watch_recheck(struct office *o)
{
    uint8_t hash[HASH_BYTES] = {0};
    unsigned n = 0;
    for (unsigned i = 0; i < o->n_segments; i++) {
        struct span block;
        struct block_head head;
        for (uint64_t from = 1; seek_block(o, o->segments[i], from, &block); from = head.first_seq + 1) {
            const struct audit_block *known = n < o->audit.n_blocks ? &o->audit.blocks[n] : NULL;
            if (block_open(block, &head) != 0 || block_verify(block, hash) != 0 || known == NULL ||
                memcmp(known->hash, head.hash, HASH_BYTES) != 0) {
                audit_broken(&o->audit, "block %u of the journal is another than it was", n);
                return;
            }
            memcpy(hash, head.hash, HASH_BYTES);
            n++;
        }
    }
    if (n != o->audit.n_blocks)
        audit_broken(&o->audit, "the journal has %u blocks, it had %u", n, o->audit.n_blocks);
}

/* The rows of a fold's outbox: what may leave from now on. */
static void note_rows(struct office *o, const char *path)
{
    struct span key = SPAN_NONE, value;
    while (sim_disk_seek(o->sim, path, "fold.outbox", false, key, true, &key, &value))
        if (value.n > 16) idset_add(&o->rows, value.p, 1);
}

static void on_commit(void *self, const struct sim_instance *i, const char *path)
{
    struct office *o = self;
    (void)i;
    if (strncmp(path, JOURNAL, strlen(JOURNAL)) == 0) {
        note_segment(o, path);
        take_blocks(o, path);
    } else {
        note_rows(o, path);
    }
}

/* ---- what intake says ------------------------------------------------------------------ */

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

static void *unpack(struct office *o, const ProtobufCMessageDescriptor *d, struct span bytes)
{
    void *message = NULL;
    arena_reset(&o->watch_arena);
    if (codec_unpack_own(d, bytes, &o->watch_arena, (void *)&message) == 0) return message;
    audit_broken(&o->audit, "a message cannot be read");
    return NULL;
}

static void must_be_durable(struct office *o, const char *what, uint64_t seq)
{
    if (seq > o->audit.n_events)
        audit_broken(&o->audit, "%s seq %llu, which is not on disk", what, (unsigned long long)seq);
    if (seq > o->told_seq) o->told_seq = seq;
}

static void check_replies(struct office *o, const struct sim_sent *m)
{
    const Kesu__V1__ReplyBatch *batch = unpack(o, &kesu__v1__reply_batch__descriptor, m->head);
    for (size_t i = 0; batch != NULL && i < batch->n_replies; i++) {
        if (batch->replies[i]->result_case != KESU__V1__REPLY__RESULT_ACCEPTED) continue;
        uint64_t seq = batch->replies[i]->accepted->seq;
        must_be_durable(o, "a command is acknowledged at", seq);
        erase_told(o, seq, seq);
    }
}

static struct office_credit *credit_of(struct office *o, uint64_t peer)
{
    for (unsigned i = o->n_credits; i > 0; i--)
        if (o->credits[i - 1].peer == peer) return &o->credits[i - 1];
    if ((o->n_credits & (o->n_credits - 1)) == 0) {
        o->credits = (struct office_credit *)realloc(o->credits, (o->n_credits > 0 ? 2 * o->n_credits : 1) *
                                                                     sizeof *o->credits);
        CHECK(o->credits != NULL);
    }
    struct office_credit *c = &o->credits[o->n_credits++];
    *c = (struct office_credit){.peer = peer};
    return c;
}

/* What a reader asks of intake, as it arrives. */
static void hear_reader(struct office *o, uint64_t peer, struct span head)
{
    const Kesu__V1__FeedRequest *request = unpack(o, &kesu__v1__feed_request__descriptor, head);
    if (request == NULL) return;
    if (request->body_case == KESU__V1__FEED_REQUEST__BODY_SUBSCRIBE) {
        credit_of(o, peer)->bytes = (int64_t)request->subscribe->credit_bytes;
        credit_of(o, peer)->outside = strcmp(request->subscribe->name, OFFICE_READER) == 0;
    } else if (request->body_case == KESU__V1__FEED_REQUEST__BODY_CREDIT)
        credit_of(o, peer)->bytes += (int64_t)request->credit->bytes;
}

/* Of what only named people read nobody else gets the key. */
static void check_keys(struct office *o, const struct office_credit *to, Kesu__V1__Key *const *keys, size_t n)
{
    erase_check_keys(o, keys, n);
    for (size_t i = 0; to->outside && i < n; i++) {
        if (keys[i]->secret.len == 0) {
            if (keys[i]->restricted) o->disasters[KEY_WITHHELD]++;
            continue;
        }
        o->disasters[KEY_GIVEN]++;
        if (shadow_is_restricted(o->shadow, keys[i]->key_id))
            audit_broken(&o->audit, "a reader gets key %llu, which is for named people only",
                         (unsigned long long)keys[i]->key_id);
    }
}

static void check_feed(struct office *o, const struct sim_sent *m)
{
    const Kesu__V1__FeedReply *reply = unpack(o, &kesu__v1__feed_reply__descriptor, m->head);
    struct block_head head;
    if (reply == NULL) return;
    if (reply->body_case == KESU__V1__FEED_REPLY__BODY_SUBSCRIBED)
        must_be_durable(o, "a reader is told of", reply->subscribed->head_seq);
    if (reply->body_case == KESU__V1__FEED_REPLY__BODY_HEAD)
        must_be_durable(o, "a reader is told of", reply->head->head_seq);
    if (reply->body_case == KESU__V1__FEED_REPLY__BODY_KEYS)
        check_keys(o, credit_of(o, m->peer), reply->keys->keys, reply->keys->n_keys);
    if (reply->body_case != KESU__V1__FEED_REPLY__BODY_BLOCK) return;
    check_keys(o, credit_of(o, m->peer), reply->block->keys, reply->block->n_keys);
    if (m->body == NULL || block_open(buf_span(m->body), &head) != 0) {
        audit_broken(&o->audit, "the feed gives what is no block");
        return;
    }
    must_be_durable(o, "a reader gets", head.first_seq + head.count - 1);
    erase_told(o, head.first_seq, head.first_seq + head.count - 1);
    struct office_credit *credit = credit_of(o, m->peer);
    if (credit->bytes <= 0) audit_broken(&o->audit, "a reader gets a block without credit for it");
    credit->bytes -= (int64_t)m->body->n;
    const struct audit_block *known = audit_find_block(&o->audit, head.first_seq);
    if (known != NULL && memcmp(known->hash, head.hash, HASH_BYTES) != 0)
        audit_broken(&o->audit, "a reader gets another block of seq %llu than is on disk",
                     (unsigned long long)head.first_seq);
}

/* ---- what folds say ---------------------------------------------------------------------- */

/* The position as it was committed last. */
static uint64_t folded_seq(struct office *o, const char *store)
{
    struct span key, value;
    uint64_t versions = 0, seq = 0;
    if (!sim_disk_seek(o->sim, store, "fold.meta", false, SPAN_LIT("position"), false, &key, &value))
        return 0;
    if (!span_equal(key, SPAN_LIT("position"))) return 0;
    return key_take_u64(&value, &versions) && key_take_u64(&value, &seq) ? seq : 0;
}

uint64_t watch_effect(struct office *o, const struct office_service *s, const char *what)
{
    char store[200];
    snprintf(store, sizeof store, OFFICE_DATA "/%s.fold", s->fold);
    uint64_t folded = folded_seq(o, store);
    if (folded < s->head_at_boot)
        audit_broken(&o->audit, "%s has folded %llu of %llu events and sends %s", s->instance,
                     (unsigned long long)folded, (unsigned long long)s->head_at_boot, what);
    return folded;
}

/* A command leaves when its row was committed, and the fold was up to date. */
static void check_commands(struct office *o, const struct office_service *s, const struct sim_sent *m)
{
    const Kesu__V1__CommandBatch *batch = unpack(o, &kesu__v1__command_batch__descriptor, m->head);
    if (batch == NULL) return;
    lease_commands_sent(o, s, batch->n_commands);
    if (batch->n_commands > 0) watch_effect(o, s, "commands");
    for (size_t i = 0; i < batch->n_commands; i++) {
        const Kesu__V1__Command *c = batch->commands[i];
        if (c->id.len != 16 || !idset_find(&o->rows, c->id.data, NULL))
            audit_broken(&o->audit, "%s sends a command (type %d) before its row is committed", s->instance,
                         (int)c->body_case);
    }
}

static struct office_service *service_of(struct office *o, const struct sim_instance *i)
{
    for (unsigned k = 0; k < o->n_services; k++)
        if (o->services[k].i == i) return &o->services[k];
    return NULL;
}

static bool is_lane(const char *endpoint)
{
    return ends_with(endpoint, "/intake-services.ipc") || ends_with(endpoint, "/intake-people.ipc") ||
           ends_with(endpoint, "/intake-new.ipc");
}

static void on_sent(void *self, const struct sim_sent *m)
{
    struct office *o = self;
    struct office_service *s = service_of(o, m->from);
    if (s == NULL || o->audit.broken[0] != '\0') return;
    if (m->by_server && ends_with(m->endpoint, "/intake-feed.ipc"))
        check_feed(o, m);
    else if (m->by_server && is_lane(m->endpoint))
        check_replies(o, m);
    else if (!m->by_server && s->fold != NULL && is_lane(m->endpoint))
        check_commands(o, s, m);
    else if (!m->by_server && ends_with(m->endpoint, "/routing-tasks.ipc")) {
        const Kesu__V1__ToRouting *said = unpack(o, &kesu__v1__to_routing__descriptor, m->head);
        if (said != NULL) lease_results_sent(o, s, said);
    }
}

static void on_call(void *self, const struct sim_mail *m)
{
    struct office *o = self;
    const struct office_service *s = service_of(o, m->by);
    if (s != NULL) mails_leave(o, s, m);
}

static void on_taken(void *self, const struct sim_mail *m)
{
    mails_taken(self, m);
}

static void on_renamed(void *self, const struct sim_instance *i, const char *from, const char *to)
{
    struct office *o = self;
    if (i != o->inspector) mailman_renamed(o->mailman, from, to);
}

static void hear_commands(struct office *o, struct span head)
{
    const Kesu__V1__CommandBatch *batch = unpack(o, &kesu__v1__command_batch__descriptor, head);
    if (batch != NULL) lease_commands_handed(o, batch);
}

/* A worker dies of a poison task. */
static bool hear_tasks(struct office *o, const struct office_service *s, struct span head)
{
    if (memmem(head.p, head.n, OFFICE_POISON, strlen(OFFICE_POISON)) != NULL) {
        o->disasters[POISON_TASK]++;
        return true;
    }
    const Kesu__V1__ToWorker *m = unpack(o, &kesu__v1__to_worker__descriptor, head);
    if (m != NULL) lease_tasks_handed(o, s, m);
    return false;
}

static bool on_handed(void *self, const struct sim_instance *to, const char *endpoint, uint64_t peer,
                      struct span head)
{
    struct office *o = self;
    struct office_service *s = service_of(o, to);
    if (s == NULL) return false;
    if (peer != 0 && ends_with(endpoint, "/intake-feed.ipc")) hear_reader(o, peer, head);
    if (peer != 0 && is_lane(endpoint)) hear_commands(o, head);
    if (peer == 0 && is_lane(endpoint)) s->heard_life = lease_life(s);
    return peer == 0 && ends_with(endpoint, "/routing-tasks.ipc") && hear_tasks(o, s, head);
}

void watch_start(struct office *o)
{
    arena_init(&o->watch_arena, &mem_libc, ARENA_BYTES);
    o->watch = (struct sim_watch){.self = o,
                                  .on_commit = on_commit,
                                  .on_sent = on_sent,
                                  .on_call = on_call,
                                  .on_taken = on_taken,
                                  .on_renamed = on_renamed,
                                  .on_handed = on_handed};
    sim_set_watch(o->sim, &o->watch);
}

void watch_end(struct office *o)
{
    for (unsigned i = 0; i < o->n_segments; i++) free(o->segments[i]);
    free((void *)o->segments);
    free(o->credits);
    idset_deinit(&o->leases);
    idset_deinit(&o->erased_keys);
    idset_deinit(&o->rows);
    arena_deinit(&o->watch_arena);
}
