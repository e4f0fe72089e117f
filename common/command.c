/* SPDX-License-Identifier: Apache-2.0 */
/* The client's end of a command lane.
 *
 *   command_send ──▶ queued ──(end of turn, within credit)──▶ in flight ──▶ on_reply
 *                      ▲                                         │
 *                      └──────── no answer in time ──────────────┘
 *
 * Batches are put together from the encoded commands without decoding them.
 * The waiting time doubles with each round that nothing answers and falls back
 * with the first answer. */
#include "command.h"

#include "check.h"
#include "clock.h"
#include "err.h"
#include "log.h"
#include "sched.h"
#include "uuid.h"

#define DEFAULT_RESEND_US (2 * USEC_PER_SEC)
#define RESEND_MAX_US     (30 * USEC_PER_SEC)
#define BUSY_RETRY_US     (20 * USEC_PER_MS)
#define FIRST_CREDIT      1024
#define MAX_BATCH         1024
#define ARENA_BYTES       ((size_t)4 << 20)
#define BATCH_BYTES       (BUS_MAX_BYTES - 256)
#define FIRST_BUCKETS     256

struct entry {
    struct entry *next, *previous; /* in its list */
    struct entry *same_bucket;
    command_on_reply on_reply;
    void *self;
    int64_t sent_us; /* monotonic; -1: queued */
    uint8_t id[UUID_BYTES];
    size_t n;
    uint8_t encoded[];
};

struct list {
    struct entry *first, *last;
    unsigned n;
};

struct command_client {
    struct env *env;
    char *endpoint, *client;
    struct bus_client *bus;
    struct timer *timer;
    struct turn_hook *hook;
    struct arena arena;
    unsigned max_batch, credit;
    int64_t resend_us, round_us; /* as configured, now */
    uint64_t batch;
    struct list queued, flying;
    struct entry **buckets;
    unsigned n_buckets;
    uint8_t *message; /* being put together */
};

static void list_append(struct list *l, struct entry *e)
{
    e->next = NULL;
    e->previous = l->last;
    if (l->last != NULL)
        l->last->next = e;
    else
        l->first = e;
    l->last = e;
    l->n++;
}

static void list_prepend(struct list *l, struct entry *e)
{
    e->previous = NULL;
    e->next = l->first;
    if (l->first != NULL)
        l->first->previous = e;
    else
        l->last = e;
    l->first = e;
    l->n++;
}

static void list_remove(struct list *l, struct entry *e)
{
    if (e->previous != NULL)
        e->previous->next = e->next;
    else
        l->first = e->next;
    if (e->next != NULL)
        e->next->previous = e->previous;
    else
        l->last = e->previous;
    l->n--;
}

static unsigned bucket_of(const struct command_client *c, const uint8_t id[UUID_BYTES])
{
    uint64_t random_part; /* the last 8 bytes of a UUIDv7 are random or a hash */
    memcpy(&random_part, id + 8, sizeof(random_part));
    return (unsigned)(random_part ^ random_part >> 32) & (c->n_buckets - 1);
}

static void map_grow(struct command_client *c)
{
    unsigned n_old = c->n_buckets;
    struct entry **old = c->buckets;
    c->n_buckets = n_old == 0 ? FIRST_BUCKETS : 4 * n_old;
    c->buckets = mem_zalloc(&c->env->mem, c->n_buckets * sizeof(struct entry *));
    for (unsigned i = 0; i < n_old; i++) {
        while (old[i] != NULL) {
            struct entry *e = old[i];
            old[i] = e->same_bucket;
            struct entry **to = &c->buckets[bucket_of(c, e->id)];
            e->same_bucket = *to;
            *to = e;
        }
    }
    mem_free(&c->env->mem, old);
}

static struct entry *map_take(struct command_client *c, const uint8_t id[UUID_BYTES])
{
    for (struct entry **p = &c->buckets[bucket_of(c, id)]; *p != NULL; p = &(*p)->same_bucket) {
        struct entry *e = *p;
        if (memcmp(e->id, id, UUID_BYTES) != 0) continue;
        *p = e->same_bucket;
        return e;
    }
    return NULL;
}

static void timer_in(struct command_client *c, int64_t us)
{
    uint32_t r;
    env_random(c->env, &r, sizeof(r));
    int64_t extra = (int64_t)((uint64_t)r * (uint64_t)(us / 4 + 1) >> 32);
    timer_set(c->env, c->timer, clock_mono_us(c->env) + us + extra);
}

static uint8_t *put_varint(uint8_t *p, uint64_t v)
{
    for (; v >= 128; v >>= 7) *p++ = (uint8_t)(v | 128);
    *p++ = (uint8_t)v;
    return p;
}

static size_t varint_bytes(uint64_t v)
{
    size_t n = 1;
    for (; v >= 128; v >>= 7) n++;
    return n;
}

/* CommandBatch of the first queued commands: 1 client, 2 batch, 3 commands. */
static struct span pack_batch(struct command_client *c, unsigned max, unsigned *ret_n)
{
    uint8_t *start = c->message, *p = start;
    size_t n_client = strlen(c->client);
    *p++ = 1 << 3 | 2;
    p = put_varint(p, n_client);
    memcpy(p, c->client, n_client);
    p += n_client;
    *p++ = 2 << 3;
    p = put_varint(p, ++c->batch);
    unsigned n = 0;
    for (const struct entry *e = c->queued.first; e != NULL && n < max; e = e->next, n++) {
        if (n > 0 && (size_t)(p - start) + 1 + varint_bytes(e->n) + e->n > BATCH_BYTES) break;
        *p++ = 3 << 3 | 2;
        p = put_varint(p, e->n);
        memcpy(p, e->encoded, e->n);
        p += e->n;
    }
    *ret_n = n;
    return span_of(start, (size_t)(p - start));
}

/* False: the bus does not take it now; the timer tries again. */
static bool send_queued(struct command_client *c)
{
    int64_t now = clock_mono_us(c->env);
    while (c->queued.n > 0 && c->flying.n < c->credit) {
        unsigned room = c->credit - c->flying.n;
        unsigned n;
        struct span head = pack_batch(c, room < c->max_batch ? room : c->max_batch, &n);
        if (bus_send(c->env, c->bus, head, NULL) < 0) {
            timer_in(c, BUSY_RETRY_US);
            return false;
        }
        if (c->flying.n == 0) timer_in(c, c->round_us);
        for (; n > 0; n--) {
            struct entry *e = c->queued.first;
            list_remove(&c->queued, e);
            e->sent_us = now;
            list_append(&c->flying, e);
        }
    }
    return true;
}

static void on_turn_end(void *self)
{
    struct command_client *c = self;
    if (c->queued.n > 0) (void)send_queued(c);
}

/* What was not answered in time goes to the front of the queue, in its order. */
static void on_timer(void *self)
{
    struct command_client *c = self;
    int64_t now = clock_mono_us(c->env);
    unsigned n = 0;
    for (struct entry *e = c->flying.last, *previous; e != NULL; e = previous) {
        previous = e->previous;
        if (now - e->sent_us < c->round_us) continue;
        list_remove(&c->flying, e);
        e->sent_us = -1;
        list_prepend(&c->queued, e);
        n++;
    }
    if (n > 0) {
        log_info(c->env, "commands: no answer, sending again", LOG_U64("commands", n));
        c->round_us = 2 * c->round_us < RESEND_MAX_US ? 2 * c->round_us : RESEND_MAX_US;
    }
    if (send_queued(c) && c->flying.n > 0) timer_in(c, c->flying.first->sent_us + c->round_us - now);
}

static void take_reply(struct command_client *c, const Kesu__V1__Reply *reply)
{
    if (reply->id.len != UUID_BYTES) {
        log_warn(c->env, "commands: a command of ours could not be read");
        return;
    }
    struct entry *e = map_take(c, reply->id.data);
    if (e == NULL) return; /* answered before */
    /* A late answer may find its command queued to be sent again. */
    list_remove(e->sent_us < 0 ? &c->queued : &c->flying, e);
    e->on_reply(e->self, reply);
    mem_free(&c->env->mem, e);
}

static void on_message(void *self, const struct bus_msg *msg)
{
    struct command_client *c = self;
    struct codec_error error;
    Kesu__V1__ReplyBatch *batch;
    arena_reset(&c->arena);
    int r = codec_unpack(&kesu__v1__reply_batch__descriptor, msg->head, &c->arena, &batch, &error);
    if (r < 0) {
        log_warn(c->env, "commands: unreadable replies", LOG_ERR(r), LOG_STR("field", error.field));
        return;
    }
    c->credit = batch->credit > 0 ? batch->credit : 1; /* one asks whether there is room again */
    c->round_us = c->resend_us;
    for (size_t i = 0; i < batch->n_replies; i++) take_reply(c, batch->replies[i]);
    (void)send_queued(c);
}

int command_client_open(struct env *env, const struct command_client_opts *opts, struct command_client **ret)
{
    struct command_client *c = mem_zalloc(&env->mem, sizeof(*c));
    c->env = env;
    c->endpoint = mem_strdup(&env->mem, opts->endpoint);
    c->client = mem_strdup(&env->mem, opts->client);
    CHECK(strlen(c->client) <= 64);
    c->max_batch = opts->max_batch != 0 && opts->max_batch < MAX_BATCH ? opts->max_batch : MAX_BATCH;
    c->credit = FIRST_CREDIT;
    c->resend_us = opts->resend_us != 0 ? opts->resend_us : DEFAULT_RESEND_US;
    c->round_us = c->resend_us;
    map_grow(c);
    arena_init(&c->arena, &env->mem, ARENA_BYTES);
    struct bus_client_opts bus = {c->endpoint, 0, on_message, c, opts->keys};
    int r = bus_connect(env, &bus, &c->bus);
    if (r == 0) {
        c->message = mem_alloc(&env->mem, BUS_MAX_BYTES);
        c->timer = timer_new(env, on_timer, c);
        c->hook = turn_hook_new(env, on_turn_end, c);
        *ret = c;
        return 0;
    }
    command_client_close(c);
    return r;
}

static void list_free(struct command_client *c, struct list *l)
{
    while (l->first != NULL) {
        struct entry *e = l->first;
        list_remove(l, e);
        mem_free(&c->env->mem, e);
    }
}

void command_client_close(struct command_client *c)
{
    if (c == NULL) return;
    bus_client_close(c->env, c->bus);
    timer_free(c->env, c->timer);
    turn_hook_free(c->env, c->hook);
    list_free(c, &c->queued);
    list_free(c, &c->flying);
    mem_free(&c->env->mem, c->message);
    arena_deinit(&c->arena);
    mem_free(&c->env->mem, c->buckets);
    mem_free(&c->env->mem, c->endpoint);
    mem_free(&c->env->mem, c->client);
    mem_free(&c->env->mem, c);
}

void command_send(struct command_client *c, const uint8_t id[16], struct span encoded,
                  command_on_reply on_reply, void *self)
{
    CHECK(encoded.n <= BATCH_BYTES);
    struct entry *e = mem_alloc(&c->env->mem, sizeof(*e) + encoded.n);
    e->on_reply = on_reply;
    e->self = self;
    e->sent_us = -1;
    memcpy(e->id, id, UUID_BYTES);
    e->n = encoded.n;
    memcpy(e->encoded, encoded.p, encoded.n);
    if (c->queued.n + c->flying.n >= c->n_buckets) map_grow(c);
    struct entry **bucket = &c->buckets[bucket_of(c, id)];
    e->same_bucket = *bucket;
    *bucket = e;
    list_append(&c->queued, e);
    if (c->queued.n == 1) sched_wake(c->env);
}

unsigned command_unanswered(const struct command_client *c)
{
    return c->queued.n + c->flying.n;
}
