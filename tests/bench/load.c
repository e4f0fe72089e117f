/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "clock.h"
#include "codec.h"
#include "sched.h"
#include "uuid.h"
#include "wire.h"

#define MARK_BYTES  16 /* of hex digits in text and sender */
#define HASH_LENGTH 32
#define BATCHES_MAX 65536
#define TIME_BYTES  8                           /* of a time of this century as a varint */
#define TIME_MARK   (UINT64_C(0x2A5A5A5A5A5A5)) /* stands for received_at */

/* Where the parts that differ lie in an encoded batch. */
struct places {
    size_t id, hash, received, text, sender;
};

struct load {
    struct env *env;
    struct load_opts opts;
    struct bus_client *client;
    struct turn_hook *hook;
    struct timer *timer;
    void (*on_done)(void *self, const struct load_result *result);
    void *self;
    struct buf *message[64]; /* one for each beginning */
    struct places *places[64];
    unsigned n_messages;
    size_t batch_place[64]; /* of the batch's number: 5 bytes varint */
    uint64_t run;           /* makes texts of this run its own */
    uint64_t sent, answered, batches;
    uint32_t credit;
    int64_t sent_us[BATCHES_MAX];
    bool held_up; /* by the window or the socket: what is sent then counts from when it was due */
    struct load_result result;
    bool done;
};

static void hex16(uint64_t v, uint8_t *to)
{
    for (int i = 0; i < MARK_BYTES; i++, v <<= 4) to[i] = (uint8_t) "0123456789abcdef"[v >> 60];
}

static void varint(uint64_t v, unsigned n, uint8_t *to)
{
    for (unsigned i = 0; i < n; i++, v >>= 7) to[i] = (uint8_t)((v & 127) | (i + 1 < n ? 128 : 0));
}

/* ---- the batch ------------------------------------------------------------------- */

static size_t find(const struct buf *b, size_t from, const void *what, size_t n)
{
    const uint8_t *p = memmem(b->p + from, b->n - from, what, n);
    return p != NULL ? (size_t)(p - b->p) : SIZE_MAX;
}

static char *make_text(const struct load *l, const char *beginning)
{
    char *text = malloc(l->opts.text_bytes + MARK_BYTES + 2);
    CHECK(text != NULL);
    size_t n = beginning != NULL ? strlen(beginning) : 0;
    if (n > l->opts.text_bytes - MARK_BYTES - 1) n = l->opts.text_bytes - MARK_BYTES - 1;
    memset(text, 'T', MARK_BYTES);
    text[MARK_BYTES] = ' ';
    if (n > 0) n = codec_utf8_prefix(span_of(beginning, n), n);
    if (n > 0) memcpy(text + MARK_BYTES + 1, beginning, n);
    static const char filler[] = "the parcel came wet and the carton was torn open on one side ";
    for (size_t i = MARK_BYTES + 1 + n; i < l->opts.text_bytes; i++)
        text[i] = filler[i % (sizeof(filler) - 1)];
    text[l->opts.text_bytes] = 0;
    return text;
}

static struct buf *encode_batch(struct load *l, char *text)
{
    static char client[64];
    uint8_t id[16], hash[HASH_LENGTH];
    memset(id, 0xA5, sizeof(id));
    memset(hash, 0xC3, sizeof(hash));
    (void)snprintf(client, sizeof(client), "bench-%016llx", (unsigned long long)l->run);
    Kesu__V1__Contact contact = KESU__V1__CONTACT__INIT, *contacts[1] = {&contact};
    Kesu__V1__Personal personal = KESU__V1__PERSONAL__INIT;
    Kesu__V1__ExternalRef external = KESU__V1__EXTERNAL_REF__INIT;
    Kesu__V1__ReceiveMessage receive = KESU__V1__RECEIVE_MESSAGE__INIT;
    Kesu__V1__Actor actor = KESU__V1__ACTOR__INIT;
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    Kesu__V1__CommandBatch batch = KESU__V1__COMMAND_BATCH__INIT;
    contact.kind = KESU__V1__CONTACT__KIND__KIND_EMAIL;
    contact.value = "SSSSSSSSSSSSSSSS@example.com";
    personal.text = text;
    personal.contacts = contacts;
    personal.n_contacts = l->opts.contacts ? 1 : 0;
    external.mailbox = "bench";
    external.hash = (ProtobufCBinaryData){sizeof(hash), hash};
    external.sent_at = clock_wall_us(l->env);
    receive.received_at = (int64_t)TIME_MARK;
    receive.channel = KESU__V1__CHANNEL__CHANNEL_WEB;
    receive.external = &external;
    receive.personal = &personal;
    receive.anonymous = !l->opts.contacts;
    actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_CUSTOMER;
    actor.name = "bench";
    command.id = (ProtobufCBinaryData){sizeof(id), id};
    command.actor = &actor;
    command.body_case = KESU__V1__COMMAND__BODY_RECEIVE_MESSAGE;
    command.receive_message = &receive;
    batch.client = client;
    batch.batch = UINT64_C(1) << 34; /* five bytes, as all numbers written over it */
    batch.n_commands = l->opts.batch;
    Kesu__V1__Command **list = malloc(l->opts.batch * sizeof(Kesu__V1__Command *));
    CHECK(list != NULL);
    for (unsigned i = 0; i < l->opts.batch; i++) list[i] = &command;
    batch.commands = list;
    struct buf *b = codec_pack_buf(&batch);
    free((void *)list);
    return b;
}

static void make_message(struct load *l, const char *beginning)
{
    unsigned m = l->n_messages++;
    char *text = make_text(l, beginning);
    struct buf *b = l->message[m] = encode_batch(l, text);
    struct places *p = l->places[m] = calloc(l->opts.batch, sizeof(*p));
    uint8_t id[16], hash[HASH_LENGTH], received[TIME_BYTES];
    static const uint8_t number[] = {2 << 3, 0x80, 0x80, 0x80, 0x80, 0x40};
    CHECK(p != NULL && b->n <= BUS_MAX_BYTES);
    memset(id, 0xA5, sizeof(id));
    memset(hash, 0xC3, sizeof(hash));
    varint(TIME_MARK, TIME_BYTES, received);
    l->batch_place[m] = find(b, 0, number, sizeof(number)) + 1;
    size_t at = 0;
    for (unsigned i = 0; i < l->opts.batch; i++) {
        p[i].id = at = find(b, at, id, sizeof(id));
        p[i].hash = at = find(b, at, hash, sizeof(hash));
        if (l->opts.contacts) p[i].sender = find(b, at, "SSSSSSSSSSSSSSSS", MARK_BYTES);
        p[i].text = find(b, at, "TTTTTTTTTTTTTTTT", MARK_BYTES);
        p[i].received = find(b, p[i].id, received, sizeof(received));
        at = p[i].received > p[i].text ? p[i].received : p[i].text;
    }
    free(text);
}

/* Only what differs: number of the batch, id, hash, time, mark of text and sender. */
static void stamp(struct load *l, unsigned m, unsigned n)
{
    uint8_t *b = l->message[m]->p;
    uint64_t wall_us = (uint64_t)clock_wall_us(l->env), ms = wall_us / 1000;
    varint((UINT64_C(1) << 34) + l->batches, 5, b + l->batch_place[m]);
    for (unsigned i = 0; i < n; i++) {
        const struct places *p = &l->places[m][i];
        uint64_t serial = l->sent + i, mark = (l->run << 32) ^ serial;
        uint8_t *id = b + p->id;
        for (int k = 0; k < 6; k++) id[k] = (uint8_t)(ms >> (8 * (5 - k)));
        id[6] = 0x70;
        id[7] = (uint8_t)l->run;
        id[8] = 0x80;
        for (int k = 0; k < 7; k++) id[9 + k] = (uint8_t)(mark >> (8 * (6 - k)));
        memcpy(b + p->hash, &mark, sizeof(mark));
        varint(wall_us, TIME_BYTES, b + p->received);
        hex16(mark, b + p->text);
        if (l->opts.contacts) hex16(mark, b + p->sender);
    }
}

/* ---- the flow --------------------------------------------------------------------- */

static void finish(struct load *l)
{
    if (l->done) return;
    l->done = true;
    l->on_done(l->self, &l->result);
}

/* What may be sent now, of a rate: as the time that has passed allows. */
static uint64_t allowed(struct load *l, int64_t now)
{
    if (l->opts.rate <= 0) return l->opts.count;
    double due = (double)(now - l->result.first_send_us) / 1e6 * l->opts.rate + l->opts.batch;
    return due < (double)l->opts.count ? (uint64_t)due : l->opts.count;
}

/* When the next batch counts as sent. At a given rate one that was held up waits from when it was due. */
static int64_t sent_at(const struct load *l, int64_t now)
{
    if (l->opts.rate <= 0 || !l->held_up) return now;
    int64_t due = l->result.first_send_us + (int64_t)((double)l->sent / l->opts.rate * 1e6);
    return due < now ? due : now;
}

static void pump(void *self)
{
    struct load *l = self;
    int64_t now = clock_mono_us(l->env);
    unsigned window = l->opts.window < l->credit ? l->opts.window : l->credit, n = l->opts.batch;
    if (l->result.first_send_us == 0) l->result.first_send_us = now;
    uint64_t most = allowed(l, now);
    while (l->sent + n <= most) {
        unsigned m = (unsigned)(l->batches % l->n_messages);
        if (l->sent - l->answered + n > window) {
            l->held_up = true;
            return; /* the next answer goes on */
        }
        stamp(l, m, n);
        if (bus_send(l->env, l->client, buf_span(l->message[m]), NULL) < 0) {
            l->held_up = true;
            timer_set(l->env, l->timer, now + USEC_PER_MS);
            return;
        }
        l->sent_us[l->batches % BATCHES_MAX] = sent_at(l, now);
        l->batches++;
        l->sent += n;
        now = clock_mono_us(l->env);
    }
    l->held_up = false;
    if (l->opts.rate > 0 && l->sent < l->opts.count)
        timer_set(l->env, l->timer, now + (int64_t)(1e6 * l->opts.batch / l->opts.rate / 2));
}

static void count_reply(struct load *l, struct span reply)
{
    struct wire_field f;
    while (wire_take(&reply, &f)) {
        if (f.tag == 2) l->result.accepted++;
        if (f.tag != 3) continue;
        l->result.refused++;
        Kesu__V1__Refused *r = kesu__v1__refused__unpack(NULL, f.bytes.n, f.bytes.p);
        if (r == NULL) continue;
        (void)snprintf(l->result.refusal, sizeof(l->result.refusal), "%d %s: %s", (int)r->code, r->field,
                       r->reason);
        kesu__v1__refused__free_unpacked(r, NULL);
    }
    l->answered++;
}

static void on_message(void *self, const struct bus_msg *msg)
{
    struct load *l = self;
    struct span rest = msg->head;
    struct wire_field f;
    uint64_t batch = 0;
    int64_t now = clock_mono_us(l->env);
    while (wire_take(&rest, &f)) {
        if (f.tag == 1) batch = f.number - (UINT64_C(1) << 34);
        if (f.tag == 2) count_reply(l, f.bytes);
        if (f.tag == 3) l->credit = (uint32_t)f.number;
    }
    l->result.last_reply_us = now;
    l->result.latency_us[l->result.n_latencies++] = (uint32_t)(now - l->sent_us[batch % BATCHES_MAX]);
    if (l->answered >= l->opts.count)
        finish(l);
    else
        pump(l);
}

int load_open(struct env *env, const struct load_opts *opts,
              void (*on_done)(void *self, const struct load_result *result), void *self, struct load **ret)
{
    struct load *l = mem_zalloc(&env->mem, sizeof(*l));
    l->env = env;
    l->opts = *opts;
    l->on_done = on_done;
    l->self = self;
    l->credit = 1024;
    env_random(env, &l->run, 4);
    l->opts.count = opts->count / opts->batch * opts->batch;
    l->result.latency_us = calloc(l->opts.count / opts->batch + 1, sizeof(uint32_t));
    CHECK(l->result.latency_us != NULL);
    for (unsigned i = 0; i < (opts->n_texts > 64 ? 64 : opts->n_texts); i++) make_message(l, opts->texts[i]);
    if (l->n_messages == 0) make_message(l, NULL);
    l->timer = timer_new(env, pump, l);
    struct bus_client_opts bus = {.endpoint = opts->endpoint, .on_message = on_message, .self = l};
    int r = bus_connect(env, &bus, &l->client);
    if (r < 0) {
        load_close(l);
        return r;
    }
    timer_set(env, l->timer, clock_mono_us(env) + 50 * USEC_PER_MS); /* connected by then, or tried again */
    *ret = l;
    return 0;
}

void load_close(struct load *l)
{
    if (l == NULL) return;
    bus_client_close(l->env, l->client);
    timer_free(l->env, l->timer);
    for (unsigned i = 0; i < l->n_messages; i++) {
        buf_unref(l->message[i]);
        free(l->places[i]);
    }
    free(l->result.latency_us);
    mem_free(&l->env->mem, l);
}

struct load_result *load_result(struct load *l)
{
    return &l->result;
}

int64_t load_sent_us(const struct load *l, uint64_t serial)
{
    return l->sent_us[serial / l->opts.batch % BATCHES_MAX];
}

static int compare_us(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

uint32_t load_percentile(struct load_result *r, unsigned per_mille)
{
    if (r->n_latencies == 0) return 0;
    qsort(r->latency_us, r->n_latencies, sizeof(uint32_t), compare_us);
    return r->latency_us[(r->n_latencies - 1) * per_mille / 1000];
}
