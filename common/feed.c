/* SPDX-License-Identifier: Apache-2.0 */
/* The reader's end of the feed.
 *
 *      Subscribe        Subscribed         BlockFollows + block, Head
 *   ────────────▶ asking ─────────▶ following ◀──────────┐
 *                   ▲                  │ silence, gap,    │
 *                   └──── jitter ──────┘ broken send      │
 *
 * Whatever goes wrong on the way (a lost message, a restarted intake) ends in
 * asking again from the first seq not yet given to the reader; what comes
 * twice is dropped. What is wrong with the journal itself (a hash, the chain, a
 * refusal) is told to the reader once and then the feed is still. */
#include "feed.h"

#include "clock.h"
#include "err.h"
#include "log.h"
#include "sched.h"

#define DEFAULT_CREDIT ((uint64_t)8 << 20)
#define TICK_US        USEC_PER_SEC           /* sign of life, and looking for silence */
#define SILENCE_US     (5 * USEC_PER_SEC / 2) /* heartbeats come every second */
#define RETRY_MIN_US   (50 * USEC_PER_MS)
#define RETRY_MAX_US   (4 * USEC_PER_SEC)
#define ARENA_BYTES    ((size_t)1 << 20)
#define WANT_MAX       1024
#define ERASED_BYTES   ((size_t)8 << 20) /* of CustomerErased, unpacked */

enum feed_state { FEED_ASKING, FEED_FOLLOWING, FEED_REFUSED };

/* Keys asked for and not yet answered. */
struct want {
    struct want *next;
    void (*on_keys)(void *self); /* NULL: the last part of this asking calls */
    void *self;
    unsigned n;
    uint64_t ids[];
};

struct feed {
    struct env *env;
    struct feed_opts opts;
    char *endpoint, *name;
    struct bus_client *client;
    struct timer *timer;
    struct arena arena;
    enum feed_state state;
    uint8_t uuid[16];
    bool has_uuid;
    uint64_t next_seq;
    uint8_t last_hash[HASH_BYTES]; /* of the block that holds next_seq - 1 */
    bool has_hash;
    int64_t heard_us, block_us; /* monotonic: anything, a block */
    int64_t retry_us;
    uint64_t outstanding; /* bytes given to the reader, not done */
    uint64_t owed;        /* bytes done, not yet credited */
    uint64_t folded_seq;
    struct want *wants, **wants_end;
};

static int64_t jitter(struct feed *f, int64_t us)
{
    uint32_t r;
    env_random(f->env, &r, sizeof(r));
    return us / 2 + (int64_t)((uint64_t)r * (uint64_t)(us / 2) >> 32);
}

static void timer_in(struct feed *f, int64_t us)
{
    timer_set(f->env, f->timer, clock_mono_us(f->env) + us);
}

static int feed_send(struct feed *f, const Kesu__V1__FeedRequest *request)
{
    struct buf *b = codec_pack_buf(request);
    int r = bus_send(f->env, f->client, buf_span(b), NULL);
    buf_unref(b);
    return r;
}

static void subscribe(struct feed *f)
{
    Kesu__V1__Subscribe s = KESU__V1__SUBSCRIBE__INIT;
    Kesu__V1__FeedRequest request = KESU__V1__FEED_REQUEST__INIT;
    s.name = f->name;
    if (f->has_uuid) s.journal_uuid = (ProtobufCBinaryData){sizeof(f->uuid), f->uuid};
    s.from_seq = f->next_seq;
    if (f->has_hash && f->next_seq > 1) s.last_hash = (ProtobufCBinaryData){HASH_BYTES, f->last_hash};
    s.credit_bytes = f->opts.credit_bytes > f->outstanding ? f->opts.credit_bytes - f->outstanding : 0;
    s.personal = f->opts.ring != NULL;
    request.body_case = KESU__V1__FEED_REQUEST__BODY_SUBSCRIBE;
    request.subscribe = &s;
    f->state = FEED_ASKING;
    int r = feed_send(f, &request);
    if (r == 0) f->owed = 0;
    /* Not connected: soon again. Sent: the answer has a second at least. */
    timer_in(f, r < 0 ? jitter(f, f->retry_us) : TICK_US + jitter(f, f->retry_us));
    f->retry_us = f->retry_us * 2 < RETRY_MAX_US ? f->retry_us * 2 : RETRY_MAX_US;
}

/* Ask again, soon but not at the same moment as everybody else. */
static void subscribe_later(struct feed *f)
{
    f->state = FEED_ASKING;
    timer_in(f, jitter(f, f->retry_us));
}

static int send_credit(struct feed *f)
{
    Kesu__V1__Credit credit = KESU__V1__CREDIT__INIT;
    Kesu__V1__FeedRequest request = KESU__V1__FEED_REQUEST__INIT;
    credit.bytes = f->owed;
    credit.folded_seq = f->folded_seq;
    request.body_case = KESU__V1__FEED_REQUEST__BODY_CREDIT;
    request.credit = &credit;
    int r = feed_send(f, &request);
    if (r == 0) f->owed = 0;
    return r;
}

static void send_wants(struct feed *f)
{
    for (const struct want *w = f->wants; w != NULL; w = w->next) {
        Kesu__V1__WantKeys want = KESU__V1__WANT_KEYS__INIT;
        Kesu__V1__FeedRequest request = KESU__V1__FEED_REQUEST__INIT;
        want.n_key_ids = w->n;
        want.key_ids = (uint64_t *)(uintptr_t)w->ids;
        request.body_case = KESU__V1__FEED_REQUEST__BODY_WANT_KEYS;
        request.want_keys = &want;
        if (feed_send(f, &request) < 0) return;
    }
}

static void on_timer(void *self)
{
    struct feed *f = self;
    if (f->state == FEED_REFUSED) return;
    if (f->state == FEED_ASKING) {
        subscribe(f);
        return;
    }
    if (feed_is_silent(f)) {
        log_warn(f->env, "feed: silence, asking again", LOG_U64("from", f->next_seq));
        subscribe_later(f);
        return;
    }
    send_wants(f);
    if (send_credit(f) < 0) {
        subscribe_later(f);
        return;
    }
    timer_in(f, TICK_US);
}

bool feed_is_silent(const struct feed *f)
{
    return clock_mono_us(f->env) - f->heard_us >= SILENCE_US;
}

static void refuse(struct feed *f, int err)
{
    f->state = FEED_REFUSED;
    timer_cancel(f->env, f->timer);
    if (f->opts.on_refused != NULL) f->opts.on_refused(f->opts.self, err);
}

static void take_subscribed(struct feed *f, const Kesu__V1__Subscribed *s)
{
    if (f->state != FEED_ASKING) return;
    if (s->journal_uuid.len == sizeof(f->uuid)) {
        if (f->has_uuid && memcmp(f->uuid, s->journal_uuid.data, sizeof(f->uuid)) != 0) {
            refuse(f, E_MISMATCH);
            return;
        }
        memcpy(f->uuid, s->journal_uuid.data, sizeof(f->uuid));
        f->has_uuid = true;
    }
    f->state = FEED_FOLLOWING;
    f->retry_us = RETRY_MIN_US;
    f->block_us = f->heard_us;
    timer_in(f, TICK_US);
    if (f->opts.on_subscribed != NULL) f->opts.on_subscribed(f->opts.self, s);
}

static void take_keys(struct feed *f, Kesu__V1__Key *const *keys, size_t n)
{
    if (f->opts.ring == NULL) return;
    for (size_t i = 0; i < n; i++)
        if (!keys[i]->restricted)
            seal_ring_add(f->opts.ring, keys[i]->key_id, span_of(keys[i]->secret.data, keys[i]->secret.len));
}

static bool holds_key(const Kesu__V1__Keys *keys, uint64_t id)
{
    for (size_t i = 0; i < keys->n_keys; i++)
        if (keys->keys[i]->key_id == id) return true;
    return false;
}

/* Answers what was asked: those whose first key came. */
static void take_wanted(struct feed *f, const Kesu__V1__Keys *keys)
{
    struct want *answered = NULL, **end = &answered;
    for (struct want **p = &f->wants; *p != NULL;) {
        struct want *w = *p;
        if (!holds_key(keys, w->ids[0])) {
            p = &w->next;
            continue;
        }
        *p = w->next;
        w->next = NULL;
        *end = w;
        end = &w->next;
    }
    f->wants_end = &f->wants;
    while (*f->wants_end != NULL) f->wants_end = &(*f->wants_end)->next;
    while (answered != NULL) {
        struct want *w = answered;
        answered = w->next;
        if (w->on_keys != NULL) w->on_keys(w->self);
        mem_free(&f->env->mem, w);
    }
}

/* Does the block go on from what was given? 1: yes, 0: had it, or E_CORRUPT, E_AGAIN: a gap.
 * What intake sends from memory, as it made it, only has to follow the one
 * before: hashing it again in every fold cost a tenth of their time. */
static int check_block(struct feed *f, const struct buf *block, bool stored, struct block_head *ret_head)
{
    struct block_head h;
    if (block_open(buf_span(block), &h) < 0) return E_CORRUPT;
    if (stored && block_verify(buf_span(block), NULL) < 0) return E_CORRUPT;
    uint64_t last = h.first_seq + h.count - 1;
    if (last < f->next_seq) return 0;
    if (h.first_seq > f->next_seq) return E_AGAIN;
    if (f->has_hash) { /* a reader that stopped within a block gets that block again */
        const uint8_t *same = h.first_seq == f->next_seq ? h.prev_hash : h.hash;
        if (memcmp(same, f->last_hash, HASH_BYTES) != 0) return E_CORRUPT;
    }
    *ret_head = h;
    return 1;
}

/* Keys of people who were erased are forgotten as soon as the block is here. */
static void forget_keys(struct feed *f, struct span block, const struct block_head *head)
{
    struct arena arena = {0};
    for (uint32_t i = 0; f->opts.ring != NULL && i < head->count; i++) {
        struct block_event ev;
        Kesu__V1__Event *event;
        block_event_at(block, i, &ev);
        if (ev.type != KESU__V1__EVENT__BODY_CUSTOMER_ERASED) continue;
        if (arena.mem == NULL) arena_init(&arena, &f->env->mem, ERASED_BYTES);
        arena_reset(&arena);
        if (codec_unpack_own(&kesu__v1__event__descriptor, ev.bytes, &arena, &event) != 0) continue;
        for (size_t k = 0; k < event->customer_erased->n_key_ids; k++)
            seal_ring_erase(f->opts.ring, event->customer_erased->key_ids[k]);
    }
    if (arena.mem != NULL) arena_deinit(&arena);
}

static void take_block(struct feed *f, const Kesu__V1__BlockFollows *follows, struct buf *block)
{
    if (f->state != FEED_FOLLOWING) return;
    if (block == NULL) {
        subscribe_later(f);
        return;
    }
    struct block_head head;
    int r = check_block(f, block, follows->stored, &head);
    if (r == E_CORRUPT) {
        log_error(f->env, "feed: a block does not check", LOG_U64("next", f->next_seq));
        refuse(f, E_CORRUPT);
        return;
    }
    if (r == E_AGAIN) { /* one before it was lost on the way */
        subscribe_later(f);
        return;
    }
    if (r == 0) {
        f->owed += block->n;
        return;
    }
    take_keys(f, follows->keys, follows->n_keys);
    forget_keys(f, buf_span(block), &head);
    f->block_us = f->heard_us;
    f->next_seq = head.first_seq + head.count;
    memcpy(f->last_hash, head.hash, HASH_BYTES);
    f->has_hash = true;
    f->outstanding += block->n;
    f->opts.on_block(f->opts.self, block, &head);
}

static void take_head(struct feed *f, const Kesu__V1__Head *head)
{
    if (f->state != FEED_FOLLOWING) return;
    bool behind = head->head_seq >= f->next_seq;
    if (behind && f->outstanding == 0 && f->heard_us - f->block_us >= SILENCE_US) {
        subscribe_later(f); /* a block or our credit was lost on the way */
        return;
    }
    if (!behind) f->block_us = f->heard_us;
    if (f->opts.on_head != NULL) f->opts.on_head(f->opts.self, head->head_seq, head->block_time);
}

static void take_refused(struct feed *f, const Kesu__V1__Refused *refused)
{
    if (strcmp(refused->field, "want_keys") == 0) { /* this connection is not subscribed yet */
        if (f->state == FEED_FOLLOWING) subscribe_later(f);
        return;
    }
    if (f->state != FEED_ASKING) return;
    log_warn(f->env, "feed: refused", LOG_STR("reason", refused->reason), LOG_U64("from", f->next_seq));
    if (refused->disposition == KESU__V1__DISPOSITION__DISPOSITION_RETRY) return; /* the timer asks again */
    refuse(f, refused->code == KESU__V1__ERROR_CODE__E_RANGE     ? E_MISMATCH
              : refused->code == KESU__V1__ERROR_CODE__E_UNKNOWN ? E_ARCHIVED
                                                                 : E_PERMISSION);
}

static void on_message(void *self, const struct bus_msg *msg)
{
    struct feed *f = self;
    struct codec_error error;
    Kesu__V1__FeedReply *reply;
    arena_reset(&f->arena);
    int r = codec_unpack(&kesu__v1__feed_reply__descriptor, msg->head, &f->arena, &reply, &error);
    if (r < 0) {
        log_warn(f->env, "feed: unreadable message", LOG_ERR(r), LOG_STR("field", error.field));
        return;
    }
    f->heard_us = clock_mono_us(f->env);
    switch (reply->body_case) {
    case KESU__V1__FEED_REPLY__BODY_SUBSCRIBED:
        take_subscribed(f, reply->subscribed);
        break;
    case KESU__V1__FEED_REPLY__BODY_BLOCK:
        take_block(f, reply->block, msg->body);
        break;
    case KESU__V1__FEED_REPLY__BODY_KEYS:
        take_keys(f, reply->keys->keys, reply->keys->n_keys);
        take_wanted(f, reply->keys);
        break;
    case KESU__V1__FEED_REPLY__BODY_REFUSED:
        take_refused(f, reply->refused);
        break;
    case KESU__V1__FEED_REPLY__BODY_HEAD:
        take_head(f, reply->head);
        break;
    default:
        break;
    }
}

int feed_open(struct env *env, const struct feed_opts *opts, struct feed **ret)
{
    static const uint8_t zeros[16];
    struct feed *f = mem_zalloc(&env->mem, sizeof(*f));
    f->env = env;
    f->opts = *opts;
    if (f->opts.credit_bytes == 0) f->opts.credit_bytes = DEFAULT_CREDIT;
    f->endpoint = mem_strdup(&env->mem, opts->endpoint);
    f->name = mem_strdup(&env->mem, opts->name);
    memcpy(f->uuid, opts->journal_uuid, sizeof(f->uuid));
    f->has_uuid = memcmp(f->uuid, zeros, sizeof(zeros)) != 0;
    f->next_seq = opts->from_seq;
    f->folded_seq = opts->from_seq - 1;
    f->has_hash = opts->compare_hash || opts->from_seq == 1;
    if (opts->compare_hash) memcpy(f->last_hash, opts->last_hash, HASH_BYTES);
    f->retry_us = RETRY_MIN_US;
    f->heard_us = clock_mono_us(env);
    f->wants_end = &f->wants;
    arena_init(&f->arena, &env->mem, ARENA_BYTES);
    struct bus_client_opts bus = {f->endpoint, 0, on_message, f, opts->keys};
    int r = bus_connect(env, &bus, &f->client);
    if (r == 0) {
        f->timer = timer_new(env, on_timer, f);
        subscribe(f);
        *ret = f;
        return 0;
    }
    feed_close(f);
    return r;
}

void feed_close(struct feed *f)
{
    if (f == NULL) return;
    if (f->client != NULL && f->state == FEED_FOLLOWING) {
        Kesu__V1__Unsubscribe unsubscribe = KESU__V1__UNSUBSCRIBE__INIT;
        Kesu__V1__FeedRequest request = KESU__V1__FEED_REQUEST__INIT;
        request.body_case = KESU__V1__FEED_REQUEST__BODY_UNSUBSCRIBE;
        request.unsubscribe = &unsubscribe;
        (void)feed_send(f, &request); /* intake forgets a silent reader by itself */
    }
    bus_client_close(f->env, f->client);
    timer_free(f->env, f->timer);
    while (f->wants != NULL) {
        struct want *w = f->wants;
        f->wants = w->next;
        mem_free(&f->env->mem, w);
    }
    arena_deinit(&f->arena);
    mem_free(&f->env->mem, f->endpoint);
    mem_free(&f->env->mem, f->name);
    mem_free(&f->env->mem, f);
}

void feed_done(struct feed *f, size_t bytes, uint64_t folded_seq)
{
    f->outstanding -= bytes < f->outstanding ? bytes : f->outstanding;
    f->owed += bytes;
    f->folded_seq = folded_seq;
    if (f->state == FEED_FOLLOWING && f->owed >= f->opts.credit_bytes / 4) (void)send_credit(f);
}

void feed_want_keys(struct feed *f, const uint64_t *key_ids, unsigned n, void (*on_keys)(void *self),
                    void *self)
{
    for (unsigned at = 0; at < n; at += WANT_MAX) {
        unsigned part = n - at < WANT_MAX ? n - at : WANT_MAX;
        struct want *w = mem_alloc(&f->env->mem, sizeof(*w) + part * sizeof(w->ids[0]));
        w->next = NULL;
        w->on_keys = at + part == n ? on_keys : NULL;
        w->self = self;
        w->n = part;
        memcpy(w->ids, key_ids + at, part * sizeof(w->ids[0]));
        *f->wants_end = w;
        f->wants_end = &w->next;
    }
    if (f->state == FEED_FOLLOWING) send_wants(f);
}
