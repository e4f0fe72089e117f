/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_intake.h"

#include <stdlib.h>

#include "check.h"
#include "clock.h"
#include "sched.h"

static void answer_feed(struct fake_intake *fi, uint64_t peer, Kesu__V1__FeedReply *reply, struct buf *body)
{
    struct buf *b = codec_pack_buf(reply);
    (void)bus_reply(fi->env, fi->feed, peer, buf_span(b), body);
    buf_unref(b);
}

static unsigned block_of(const struct fake_intake *fi, uint64_t seq)
{
    unsigned i = fi->n_blocks;
    while (i > 0 && fi->firsts[i - 1] > seq) i--;
    return i - 1;
}

static void push(struct fake_intake *fi, struct fake_reader *r)
{
    while (r->credit > 0 && r->next_seq <= fi->seq) {
        Kesu__V1__FeedReply reply = KESU__V1__FEED_REPLY__INIT;
        Kesu__V1__BlockFollows follows = KESU__V1__BLOCK_FOLLOWS__INIT;
        Kesu__V1__Key key = KESU__V1__KEY__INIT, *keys[1] = {&key};
        uint8_t secret[32] = {0};
        struct block_head head;
        struct buf *block = fi->blocks[block_of(fi, r->next_seq)];
        CHECK(block_open(buf_span(block), &head) == 0);
        if (fi->keys_from != 0) {
            key.key_id = fi->keys_from;
            secret[0] = (uint8_t)fi->keys_from;
            key.secret = (ProtobufCBinaryData){sizeof(secret), secret};
            follows.keys = keys;
            follows.n_keys = 1;
        }
        follows.first_seq = head.first_seq;
        follows.count = head.count;
        follows.stored = !fi->from_memory;
        reply.body_case = KESU__V1__FEED_REPLY__BODY_BLOCK;
        reply.block = &follows;
        answer_feed(fi, r->peer, &reply, block);
        r->credit -= (int64_t)block->n;
        r->next_seq = head.first_seq + head.count;
    }
}

static void send_head(struct fake_intake *fi, struct fake_reader *r)
{
    Kesu__V1__FeedReply reply = KESU__V1__FEED_REPLY__INIT;
    Kesu__V1__Head head = KESU__V1__HEAD__INIT;
    head.head_seq = fi->seq;
    reply.body_case = KESU__V1__FEED_REPLY__BODY_HEAD;
    reply.head = &head;
    answer_feed(fi, r->peer, &reply, NULL);
}

static void on_tick(void *self)
{
    struct fake_intake *fi = self;
    for (unsigned i = 0; i < fi->n_readers && !fi->deaf; i++) send_head(fi, &fi->readers[i]);
    timer_set(fi->env, fi->timer, clock_mono_us(fi->env) + USEC_PER_SEC);
}

static struct fake_reader *reader_of(struct fake_intake *fi, uint64_t peer, const char *name)
{
    for (unsigned i = 0; i < fi->n_readers; i++) {
        if (fi->readers[i].peer != peer && strcmp(fi->readers[i].name, name) != 0) continue;
        fi->readers[i].peer = peer;
        return &fi->readers[i];
    }
    CHECK(fi->n_readers < FAKE_READERS);
    struct fake_reader *r = &fi->readers[fi->n_readers++];
    *r = (struct fake_reader){.peer = peer};
    return r;
}

static bool fits(const struct fake_intake *fi, const Kesu__V1__Subscribe *s)
{
    struct block_head head;
    if (s->journal_uuid.len == 16 && memcmp(s->journal_uuid.data, fi->uuid, 16) != 0) return false;
    if (s->from_seq > fi->seq + 1) return false;
    if (s->last_hash.len != HASH_BYTES) return true;
    CHECK(block_open(buf_span(fi->blocks[block_of(fi, s->from_seq - 1)]), &head) == 0);
    return memcmp(head.hash, s->last_hash.data, HASH_BYTES) == 0;
}

static void take_subscribe(struct fake_intake *fi, uint64_t peer, const Kesu__V1__Subscribe *s)
{
    Kesu__V1__FeedReply reply = KESU__V1__FEED_REPLY__INIT;
    Kesu__V1__Refused refused = KESU__V1__REFUSED__INIT;
    Kesu__V1__Subscribed subscribed = KESU__V1__SUBSCRIBED__INIT;
    if (!fits(fi, s)) {
        refused.code = KESU__V1__ERROR_CODE__E_RANGE;
        refused.disposition = KESU__V1__DISPOSITION__DISPOSITION_FINAL;
        reply.body_case = KESU__V1__FEED_REPLY__BODY_REFUSED;
        reply.refused = &refused;
        answer_feed(fi, peer, &reply, NULL);
        return;
    }
    struct fake_reader *r = reader_of(fi, peer, s->name);
    strncpy(r->name, s->name, sizeof(r->name) - 1);
    r->next_seq = s->from_seq;
    r->credit = fi->slow_feed ? 1 : (int64_t)s->credit_bytes;
    fi->n_subscribed++;
    subscribed.journal_uuid = (ProtobufCBinaryData){sizeof(fi->uuid), fi->uuid};
    subscribed.head_seq = fi->seq;
    subscribed.skips = fi->skips;
    subscribed.n_skips = fi->n_skips;
    reply.body_case = KESU__V1__FEED_REPLY__BODY_SUBSCRIBED;
    reply.subscribed = &subscribed;
    answer_feed(fi, peer, &reply, NULL);
    push(fi, r);
}

static void take_want(struct fake_intake *fi, uint64_t peer, const Kesu__V1__WantKeys *w)
{
    Kesu__V1__FeedReply reply = KESU__V1__FEED_REPLY__INIT;
    Kesu__V1__Keys keys = KESU__V1__KEYS__INIT;
    Kesu__V1__Key key[64], *list[64];
    uint8_t secrets[64][32] = {{0}};
    for (size_t i = 0; i < w->n_key_ids && i < 64; i++) {
        key[i] = (Kesu__V1__Key)KESU__V1__KEY__INIT;
        key[i].key_id = w->key_ids[i];
        secrets[i][0] = (uint8_t)w->key_ids[i];
        key[i].secret = (ProtobufCBinaryData){w->key_ids[i] == fi->erased ? 0 : 32, secrets[i]};
        list[i] = &key[i];
        keys.n_keys++;
    }
    keys.keys = list;
    reply.body_case = KESU__V1__FEED_REPLY__BODY_KEYS;
    reply.keys = &keys;
    answer_feed(fi, peer, &reply, NULL);
}

static void on_feed(void *self, uint64_t peer, const struct bus_msg *msg)
{
    struct fake_intake *fi = self;
    if (fi->deaf) return;
    Kesu__V1__FeedRequest *q = kesu__v1__feed_request__unpack(NULL, msg->head.n, msg->head.p);
    CHECK(q != NULL);
    if (q->body_case == KESU__V1__FEED_REQUEST__BODY_SUBSCRIBE) {
        take_subscribe(fi, peer, q->subscribe);
    } else if (q->body_case == KESU__V1__FEED_REQUEST__BODY_CREDIT) {
        for (unsigned i = 0; i < fi->n_readers; i++) {
            if (fi->readers[i].peer != peer) continue;
            fi->readers[i].credit += (int64_t)q->credit->bytes;
            push(fi, &fi->readers[i]);
        }
    } else if (q->body_case == KESU__V1__FEED_REQUEST__BODY_WANT_KEYS) {
        take_want(fi, peer, q->want_keys);
    } else {
        for (unsigned i = 0; i < fi->n_readers; i++)
            if (fi->readers[i].peer == peer) fi->readers[i] = fi->readers[--fi->n_readers];
    }
    kesu__v1__feed_request__free_unpacked(q, NULL);
}

/* Is it new? */
static bool note_command(struct fake_intake *fi, const Kesu__V1__Command *c)
{
    for (unsigned i = 0; i < fi->n_commands; i++) {
        const Kesu__V1__Command *had = fi->commands[i].command;
        if (memcmp(had->id.data, c->id.data, 16) != 0) continue;
        fi->commands[i].times++;
        return false;
    }
    CHECK(fi->n_commands < FAKE_COMMANDS_MAX);
    struct buf *b = codec_pack_buf(c);
    fi->commands[fi->n_commands].command = kesu__v1__command__unpack(NULL, b->n, b->p);
    fi->commands[fi->n_commands].at_us = clock_wall_us(fi->env);
    fi->commands[fi->n_commands++].times = 1;
    buf_unref(b);
    return true;
}

static bool answer_command(struct fake_intake *fi, const Kesu__V1__Command *c, Kesu__V1__Reply *reply,
                           Kesu__V1__Accepted *accepted)
{
    bool again = !note_command(fi, c);
    *reply = (Kesu__V1__Reply)KESU__V1__REPLY__INIT;
    *accepted = (Kesu__V1__Accepted)KESU__V1__ACCEPTED__INIT;
    reply->id = c->id;
    reply->result_case = KESU__V1__REPLY__RESULT_ACCEPTED;
    reply->accepted = accepted;
    accepted->duplicate = again;
    return fi->on_command == NULL || fi->on_command(fi->self, c, again, reply);
}

static void on_batch(void *self, uint64_t peer, const struct bus_msg *msg)
{
    struct fake_intake *fi = self;
    if (fi->deaf) return;
    Kesu__V1__CommandBatch *q = kesu__v1__command_batch__unpack(NULL, msg->head.n, msg->head.p);
    CHECK(q != NULL && q->n_commands <= 1024);
    fi->n_batches++;
    Kesu__V1__ReplyBatch batch = KESU__V1__REPLY_BATCH__INIT;
    Kesu__V1__Reply *replies = calloc(q->n_commands + 1, sizeof(*replies)), **list;
    Kesu__V1__Accepted *accepted = calloc(q->n_commands + 1, sizeof(*accepted));
    list = calloc(q->n_commands + 1, sizeof(Kesu__V1__Reply *));
    for (size_t i = 0; i < q->n_commands; i++)
        if (answer_command(fi, q->commands[i], &replies[i], &accepted[i]))
            list[batch.n_replies++] = &replies[i];
    batch.batch = q->batch;
    batch.credit = fi->credit != 0 ? fi->credit : 1024;
    batch.replies = list;
    struct buf *b = codec_pack_buf(&batch);
    if (batch.n_replies > 0) (void)bus_reply(fi->env, fi->lane, peer, buf_span(b), NULL);
    buf_unref(b);
    free((void *)list);
    free(accepted);
    free(replies);
    kesu__v1__command_batch__free_unpacked(q, NULL);
}

static void on_boot(void *self, struct env *env)
{
    struct fake_intake *fi = self;
    fi->env = env;
    fi->n_readers = 0;
    struct bus_server_opts feed = {.endpoint = FAKE_FEED, .on_message = on_feed, .self = fi};
    struct bus_server_opts lane = {.endpoint = FAKE_COMMANDS, .on_message = on_batch, .self = fi};
    CHECK(bus_listen(env, &feed, &fi->feed) == 0);
    CHECK(bus_listen(env, &lane, &fi->lane) == 0);
    fi->timer = timer_new(env, on_tick, fi);
    on_tick(fi);
}

void fake_intake_init(struct fake_intake *fi, struct sim *sim)
{
    memset(fi, 0, sizeof(*fi));
    fi->sim = sim;
    fi->uuid[0] = 7;
    fi->builder = block_builder_new(&mem_libc);
    fi->instance = sim_instance_new(sim, "intake", on_boot, fi);
}

static void drop_blocks(struct fake_intake *fi)
{
    for (unsigned i = 0; i < fi->n_blocks; i++) buf_unref(fi->blocks[i]);
    fi->n_blocks = 0;
    fi->seq = 0;
    memset(fi->hash, 0, sizeof(fi->hash));
}

void fake_intake_deinit(struct fake_intake *fi)
{
    drop_blocks(fi);
    for (unsigned i = 0; i < fi->n_commands; i++)
        kesu__v1__command__free_unpacked(fi->commands[i].command, NULL);
    block_builder_free(&fi->builder);
}

uint64_t fake_intake_event(struct fake_intake *fi, uint64_t case_id, Kesu__V1__Event *event)
{
    if (!fi->building)
        block_begin(fi->builder, fi->seq + 1, fi->time_us != 0 ? fi->time_us : clock_wall_us(fi->env));
    fi->building = true;
    event->case_id = case_id;
    size_t n = kesu__v1__event__get_packed_size(event);
    uint8_t *p = block_add(fi->builder, (uint16_t)event->body_case, 0, case_id, n);
    (void)kesu__v1__event__pack(event, p);
    return ++fi->seq;
}

void fake_intake_block(struct fake_intake *fi)
{
    if (!fi->building) return;
    CHECK(fi->n_blocks < FAKE_BLOCKS);
    fi->building = false;
    fi->firsts[fi->n_blocks] = fi->seq + 1 - block_count(fi->builder);
    struct buf *block = fi->blocks[fi->n_blocks++] = block_finish(fi->builder);
    block_chain(block, fi->hash, fi->hash);
    for (unsigned i = 0; i < fi->n_readers && sim_is_up(fi->instance); i++) push(fi, &fi->readers[i]);
}

void fake_intake_other_journal(struct fake_intake *fi)
{
    drop_blocks(fi);
    fi->uuid[0]++;
    sim_crash(fi->instance);
}
