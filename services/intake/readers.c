/* SPDX-License-Identifier: Apache-2.0 */
/* Each turn every reader gets a few blocks, in order of subscription. The
 * heads of the newest blocks, with keys, are encoded once for all. */
#include "readers.h"

#include <stdio.h>

#include "block.h"
#include "block_keys.h"
#include "cases.h"
#include "check.h"
#include "clock.h"
#include "decide.h"
#include "err.h"
#include "intake.h"
#include "log.h"
#include "roles.h"

#define BLOCKS_A_TURN 8
#define SILENCE_US    (20 * USEC_PER_SEC)
#define PUSH_US       (2 * USEC_PER_MS)
#define BEAT_US       USEC_PER_SEC
#define CREDIT_MAX    (INT64_C(32) << 20) /* what a reader that never reads may hold of our memory */
#define ARENA_LIMIT   ((size_t)8 << 20)

struct reader {
    struct reader *next;
    struct bus_server *server;
    uint64_t peer;
    char name[65];
    bool personal, restricted, subscribed; /* restricted: gets also the keys that are for named people only */
    uint64_t next_seq, folded_seq;
    int64_t credit;
    int64_t heard_us, spoken_us; /* monotonic */
};

/* ---- heads with keys ------------------------------------------------------------ */

static Kesu__V1__Key *key_message(struct intake *in, uint64_t id, bool restricted)
{
    struct arena *arena = &in->readers.arena;
    struct seal_key key;
    Kesu__V1__Key *m = arena_alloc(arena, sizeof(*m));
    uint8_t *secret = arena_alloc(arena, SEAL_KEY_BYTES);
    if (m == NULL || secret == NULL) return NULL;
    kesu__v1__key__init(m);
    m->key_id = id;
    /* What a decision lifts is lifted when it is durable: before that a crash may take it back. */
    m->restricted = !restricted && intake_key_is_restricted(&in->reg, id, journal_head(in->journal).seq);
    if (!m->restricted && intake_keys_get(in->keys, id, &key) == 0) {
        memcpy(secret, key.secret, SEAL_KEY_BYTES);
        m->secret = (ProtobufCBinaryData){SEAL_KEY_BYTES, secret};
    }
    return m;
}

static size_t key_messages(struct intake *in, const uint64_t *ids, size_t n, bool restricted,
                           Kesu__V1__Key ***ret)
{
    Kesu__V1__Key **list = arena_alloc(&in->readers.arena, sizeof(*list) * (n + 1));
    size_t made = 0;
    if (list == NULL) return 0;
    for (size_t i = 0; i < n; i++) {
        list[made] = key_message(in, ids[i], restricted);
        if (list[made] == NULL) break;
        made++;
    }
    *ret = list;
    return made;
}

static struct buf *encode_head(struct intake *in, struct span block, const struct block_head *head,
                               enum head_kind kind, bool stored)
{
    Kesu__V1__FeedReply reply = KESU__V1__FEED_REPLY__INIT;
    Kesu__V1__BlockFollows follows = KESU__V1__BLOCK_FOLLOWS__INIT;
    uint64_t ids[BLOCK_MAX_EVENTS];
    arena_reset(&in->readers.arena);
    follows.first_seq = head->first_seq;
    follows.count = head->count;
    follows.stored = stored;
    if (kind != HEAD_PLAIN)
        follows.n_keys = key_messages(in, ids, intake_block_keys(block, ids, BLOCK_MAX_EVENTS),
                                      kind == HEAD_RESTRICTED, &follows.keys);
    reply.body_case = KESU__V1__FEED_REPLY__BODY_BLOCK;
    reply.block = &follows;
    return codec_pack_buf(&reply);
}

/* The newest are made once; an old one pushes nothing out. */
static struct buf *head_of(struct intake *in, struct span block, const struct block_head *head,
                           enum head_kind kind, bool stored)
{
    struct recent_head *slot = NULL;
    struct journal_head now = journal_head(in->journal);
    if (!stored && head->first_seq + 32 * BLOCK_MAX_EVENTS > now.seq) {
        slot = &in->readers.recent[head->first_seq % RECENT_BLOCKS];
        if (slot->first_seq != head->first_seq) {
            for (unsigned i = 0; i < N_HEAD_KINDS; i++) buf_unref(slot->made[i]);
            *slot = (struct recent_head){.first_seq = head->first_seq};
        }
        if (slot->made[kind] != NULL) return buf_ref(slot->made[kind]);
    }
    struct buf *fresh = encode_head(in, block, head, kind, stored);
    if (slot != NULL) slot->made[kind] = buf_ref(fresh);
    return fresh;
}

/* ---- sending --------------------------------------------------------------------- */

static int send_reply(struct intake *in, struct reader *r, const Kesu__V1__FeedReply *reply)
{
    struct buf *bytes = codec_pack_buf(reply);
    int err = bus_reply(in->env, r->server, r->peer, buf_span(bytes), NULL);
    buf_unref(bytes);
    if (err == 0) r->spoken_us = clock_mono_us(in->env);
    return err;
}

static int send_block(struct intake *in, struct reader *r)
{
    struct buf *block = NULL;
    struct block_head head;
    bool stored = !journal_holds(in->journal, r->next_seq);
    enum head_kind kind = !r->personal ? HEAD_PLAIN : r->restricted ? HEAD_RESTRICTED : HEAD_PERSONAL;
    int err = journal_read(in->journal, r->next_seq, &block);
    if (err != 0) return err;
    err = block_open(buf_span(block), &head);
    if (err == 0) {
        struct buf *bytes = head_of(in, buf_span(block), &head, kind, stored);
        err = bus_reply(in->env, r->server, r->peer, buf_span(bytes), block);
        buf_unref(bytes);
    }
    if (err == 0) {
        r->credit -= (int64_t)block->n;
        r->next_seq = head.first_seq + head.count;
        r->spoken_us = clock_mono_us(in->env);
    }
    buf_unref(block);
    return err;
}

/* E_NOT_FOUND: the reader is gone. */
static int pump(struct intake *in, struct reader *r, uint64_t head_seq, bool *ret_more)
{
    for (unsigned i = 0; r->subscribed && r->credit > 0 && r->next_seq <= head_seq; i++) {
        if (i == BLOCKS_A_TURN) {
            *ret_more = true;
            return 0;
        }
        int err = send_block(in, r);
        if (err == E_AGAIN) return 0; /* its queue is full: at the next beat */
        if (err != 0) {
            if (err != E_NOT_FOUND)
                log_error(in->env, "block cannot be read", LOG_U64("seq", r->next_seq), LOG_ERR(err));
            return E_NOT_FOUND;
        }
    }
    return 0;
}

static int beat(struct intake *in, struct reader *r, int64_t now, uint64_t head_seq)
{
    if (now - r->heard_us > SILENCE_US) return E_NOT_FOUND;
    if (now - r->spoken_us < BEAT_US) return 0;
    Kesu__V1__FeedReply reply = KESU__V1__FEED_REPLY__INIT;
    Kesu__V1__Head head = KESU__V1__HEAD__INIT;
    head.head_seq = head_seq;
    head.block_time = in->wallclock.last_us;
    reply.body_case = KESU__V1__FEED_REPLY__BODY_HEAD;
    reply.head = &head;
    return send_reply(in, r, &reply) == E_NOT_FOUND ? E_NOT_FOUND : 0;
}

static void drop(struct intake *in, struct reader **at)
{
    struct reader *r = *at;
    *at = r->next;
    in->readers.n--;
    mem_free(&in->env->mem, r);
}

/* Under load blocks follow each other within less than a millisecond, and each
 * would wake every reader: then they leave several at a time. */
void intake_readers_turn(struct intake *in)
{
    struct intake_readers *rs = &in->readers;
    uint64_t head_seq = journal_head(in->journal).seq;
    int64_t now = clock_mono_us(in->env);
    bool more = false, sent = false, beats = now >= rs->next_beat_us;
    if (!beats && now < rs->pushed_us + PUSH_US) {
        timer_set(in->env, rs->later, rs->pushed_us + PUSH_US);
        return;
    }
    if (beats) rs->next_beat_us = now + BEAT_US / 4;
    for (struct reader **at = &rs->list; *at != NULL;) {
        struct reader *r = *at;
        uint64_t next_seq = r->next_seq;
        int err = pump(in, r, head_seq, &more);
        sent = sent || r->next_seq != next_seq;
        if (err == 0 && beats) err = beat(in, r, now, head_seq);
        if (err != 0)
            drop(in, at);
        else
            at = &r->next;
    }
    if (sent && !more) rs->pushed_us = now;
    if (more) sched_wake(in->env);
}

/* Not here: at the end of this turn, after what is owed to what became durable in it. */
static void on_later(void *self)
{
    const struct intake *in = self;
    sched_wake(in->env);
}

/* ---- subscribing ------------------------------------------------------------------ */

static int refuse(struct intake *in, struct reader *r, int err, const char *field, const char *reason)
{
    Kesu__V1__FeedReply reply = KESU__V1__FEED_REPLY__INIT;
    Kesu__V1__Refused refused;
    intake_refused_set(&refused, err, field, reason);
    reply.body_case = KESU__V1__FEED_REPLY__BODY_REFUSED;
    reply.refused = &refused;
    send_reply(in, r, &reply);
    r->subscribed = false;
    return err;
}

static int check_history(struct intake *in, struct reader *r, const Kesu__V1__Subscribe *s)
{
    static const char other[] = "restored or other journal: rebuild";
    struct journal_head head = journal_head(in->journal);
    struct buf *block = NULL;
    struct block_head last;
    if (s->journal_uuid.len > 0 && memcmp(s->journal_uuid.data, head.uuid, sizeof(head.uuid)) != 0)
        return refuse(in, r, E_RANGE, "subscribe.journal_uuid", other);
    if (s->from_seq == 0) return refuse(in, r, E_MISSING, "subscribe.from_seq", NULL);
    if (s->from_seq > head.seq + 1) return refuse(in, r, E_RANGE, "subscribe.from_seq", other);
    if (s->from_seq < head.oldest_seq)
        return refuse(in, r, E_UNKNOWN, "subscribe.from_seq", "archived: begin with a snapshot");
    if (s->last_hash.len == 0 || s->from_seq == 1 || s->from_seq - 1 < head.oldest_seq) return 0;
    int err = journal_read(in->journal, s->from_seq - 1, &block);
    bool same = err == 0 && block_open(buf_span(block), &last) == 0 &&
                memcmp(last.hash, s->last_hash.data, HASH_BYTES) == 0;
    buf_unref(block);
    return same ? 0 : refuse(in, r, E_RANGE, "subscribe.last_hash", other);
}

struct skip_list {
    uint64_t *seqs;
    size_t n, room;
    struct arena *arena;
};

static void on_skip(void *self, struct span key, struct span value)
{
    struct skip_list *l = self;
    const char *fold;
    uint64_t seq;
    (void)value;
    if (!key_take_text(&key, &fold) || !key_take_u64(&key, &seq)) return;
    if (l->n == l->room) {
        size_t room = l->room * 2 + 16;
        uint64_t *grown = arena_alloc(l->arena, sizeof(*grown) * room);
        if (grown == NULL) return;
        if (l->n > 0) memcpy(grown, l->seqs, sizeof(*grown) * l->n);
        l->seqs = grown;
        l->room = room;
    }
    l->seqs[l->n++] = seq;
}

static void on_subscribe(struct intake *in, struct reader *r, const Kesu__V1__Subscribe *s)
{
    struct journal_head head = journal_head(in->journal);
    Kesu__V1__FeedReply reply = KESU__V1__FEED_REPLY__INIT;
    Kesu__V1__Subscribed subscribed = KESU__V1__SUBSCRIBED__INIT;
    struct skip_list skips = {.arena = &in->readers.arena};
    struct key prefix = {0};
    if (s->name[0] == '\0') {
        refuse(in, r, E_MISSING, "subscribe.name", NULL);
        return;
    }
    if (check_history(in, r, s) != 0) return;
    snprintf(r->name, sizeof(r->name), "%s", s->name);
    arena_reset(&in->readers.arena);
    key_text(&prefix, r->name);
    intake_register_each(&in->reg, TABLE_SKIPS, key_span(&prefix), on_skip, &skips);
    subscribed.journal_uuid = (ProtobufCBinaryData){sizeof(head.uuid), head.uuid};
    subscribed.head_seq = head.seq;
    subscribed.n_skips = skips.n;
    subscribed.skips = skips.seqs;
    reply.body_case = KESU__V1__FEED_REPLY__BODY_SUBSCRIBED;
    reply.subscribed = &subscribed;
    r->personal = s->personal;
    r->next_seq = s->from_seq;
    r->credit = s->credit_bytes > CREDIT_MAX ? CREDIT_MAX : (int64_t)s->credit_bytes;
    r->folded_seq = s->from_seq - 1;
    r->subscribed = send_reply(in, r, &reply) == 0;
}

static void on_credit(struct reader *r, const Kesu__V1__Credit *c)
{
    int64_t more = c->bytes > CREDIT_MAX ? CREDIT_MAX : (int64_t)c->bytes;
    r->credit = r->credit + more > CREDIT_MAX ? CREDIT_MAX : r->credit + more;
    if (c->folded_seq > r->folded_seq) r->folded_seq = c->folded_seq;
}

static void on_want_keys(struct intake *in, struct reader *r, const Kesu__V1__WantKeys *w)
{
    Kesu__V1__FeedReply reply = KESU__V1__FEED_REPLY__INIT;
    Kesu__V1__Keys keys = KESU__V1__KEYS__INIT;
    if (!r->subscribed || !r->personal) {
        refuse(in, r, E_NOT_ALLOWED, "want_keys", "only for a reader subscribed as personal");
        return;
    }
    arena_reset(&in->readers.arena);
    keys.n_keys = key_messages(in, w->key_ids, w->n_key_ids, r->restricted, &keys.keys);
    reply.body_case = KESU__V1__FEED_REPLY__BODY_KEYS;
    reply.keys = &keys;
    send_reply(in, r, &reply);
}

static struct reader *reader_of(struct intake *in, struct bus_server *server, uint64_t peer)
{
    struct reader **at = &in->readers.list;
    for (; *at != NULL; at = &(*at)->next)
        if ((*at)->peer == peer && (*at)->server == server) return *at;
    struct reader *r = mem_zalloc(&in->env->mem, sizeof(*r));
    r->server = server;
    r->peer = peer;
    *at = r;
    in->readers.n++;
    return r;
}

static void on_request(struct intake *in, struct bus_server *server, uint64_t peer, const struct bus_msg *msg)
{
    Kesu__V1__FeedRequest *request = NULL;
    struct codec_error error;
    struct arena arena;
    struct reader *r = reader_of(in, server, peer);
    r->heard_us = clock_mono_us(in->env);
    r->restricted = roles_restricted(msg->user);
    arena_init(&arena, &in->env->mem, ARENA_LIMIT);
    int err = codec_unpack(&kesu__v1__feed_request__descriptor, msg->head, &arena, &request, &error);
    if (err == 0) err = roles_check_feed(msg->user, request, &error);
    if (err != 0) {
        refuse(in, r, err == E_NOMEM ? E_TOO_BIG : err, error.field, error.reason);
    } else {
        if (msg->user != NULL && request->body_case == KESU__V1__FEED_REQUEST__BODY_SUBSCRIBE)
            request->subscribe->name = (char *)(uintptr_t)msg->user->name;
        switch (request->body_case) {
        case KESU__V1__FEED_REQUEST__BODY_SUBSCRIBE:
            on_subscribe(in, r, request->subscribe);
            break;
        case KESU__V1__FEED_REQUEST__BODY_CREDIT:
            on_credit(r, request->credit);
            break;
        case KESU__V1__FEED_REQUEST__BODY_WANT_KEYS:
            on_want_keys(in, r, request->want_keys);
            break;
        case KESU__V1__FEED_REQUEST__BODY_UNSUBSCRIBE:
            r->subscribed = false;
            r->heard_us = INT64_MIN / 2;
            break;
        default:
            refuse(in, r, E_MISSING, "body", NULL);
        }
    }
    arena_deinit(&arena);
}

static void on_near(void *self, uint64_t peer, const struct bus_msg *msg)
{
    struct intake *in = self;
    on_request(in, in->readers.server, peer, msg);
}

static void on_far(void *self, uint64_t peer, const struct bus_msg *msg)
{
    struct intake *in = self;
    on_request(in, in->readers.far, peer, msg);
}

int intake_readers_open(struct intake *in)
{
    struct intake_readers *rs = &in->readers;
    arena_init(&rs->arena, &in->env->mem, ARENA_LIMIT);
    rs->later = timer_new(in->env, on_later, in);
    struct bus_server_opts opts = {
        .endpoint = svc_endpoint(in->svc, "intake-feed"), .budget = 64, .on_message = on_near, .self = in};
    int err = bus_listen(in->env, &opts, &rs->server);
    if (err != 0) log_error(in->env, "cannot listen", LOG_STR("endpoint", opts.endpoint), LOG_ERR(err));
    opts.on_message = on_far;
    return err == 0 ? svc_far_listen(in->svc, "intake-feed", opts, &rs->far) : err;
}

void intake_readers_close(struct intake *in)
{
    struct intake_readers *rs = &in->readers;
    while (rs->list != NULL) drop(in, &rs->list);
    for (unsigned i = 0; i < RECENT_BLOCKS; i++) {
        for (unsigned k = 0; k < N_HEAD_KINDS; k++) buf_unref(rs->recent[i].made[k]);
    }
    timer_free(in->env, rs->later);
    bus_server_close(in->env, rs->server);
    bus_server_close(in->env, rs->far);
    if (rs->arena.mem != NULL) arena_deinit(&rs->arena);
    *rs = (struct intake_readers){0};
}

void intake_readers_forget_keys(struct intake *in)
{
    for (unsigned i = 0; i < RECENT_BLOCKS; i++) {
        struct recent_head *slot = &in->readers.recent[i];
        for (unsigned k = HEAD_PLAIN + 1; k < N_HEAD_KINDS; k++) {
            buf_unref(slot->made[k]);
            slot->made[k] = NULL;
        }
    }
}

void intake_readers_info(struct intake *in, Kesu__V1__Info *info, struct arena *arena)
{
    Kesu__V1__Reader **list = arena_alloc(arena, sizeof(*list) * (in->readers.n + 1));
    if (list == NULL) return;
    for (const struct reader *r = in->readers.list; r != NULL; r = r->next) {
        Kesu__V1__Reader *m = arena_alloc(arena, sizeof(*m));
        if (!r->subscribed || m == NULL) continue;
        kesu__v1__reader__init(m);
        m->name = (char *)(uintptr_t)r->name;
        m->folded_seq = r->folded_seq;
        list[info->n_readers++] = m;
    }
    info->readers = list;
}
