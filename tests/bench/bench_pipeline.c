/* SPDX-License-Identifier: Apache-2.0 */
/* Complaints through all daemons that run in RUN_DIR:
 *
 *     bench_pipeline RUN_DIR COUNT BATCH WINDOW RATE BYTES FOLD...
 *
 * Every agent is made present, then COUNT complaints of BYTES are sent, RATE a
 * second (0: as fast as it goes); it is over when the journal says that each is
 * classified and assigned and every FOLD has folded that. The counts of the
 * journal and of analytics must agree. At a given rate the time from each
 * complaint's sending to the reading of its assignment is told, too. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "check.h"
#include "clock.h"
#include "command.h"
#include "env_real.h"
#include "feed.h"
#include "load.h"
#include "map.h"
#include "sched.h"
#include "uuid.h"

#define LOOK_US        (10 * USEC_PER_MS)
#define AGENT_CAPACITY 1000                /* the most there is */
#define STALL_US       (20 * USEC_PER_SEC) /* without a new block: something does not go on */

static const char *const texts[] = {
    "The parcel arrived wet and the carton was crushed; the contents are broken. ",
    "包裹外箱破損，裡面的杯子碎了，要求賠償。",
    "快递延误了五天还没有送到，客服电话一直没人接。",
    "The delivery is five days late and nobody answers the phone. ",
    "包裹遺失，查不到任何物流紀錄，請協助查詢。",
    "送货员态度恶劣，把包裹直接扔在门口就走了。",
    "The invoice shows the wrong amount, I was charged twice. ",
    "重複扣款，退款一直沒有入帳，請盡快處理。",
};

struct pipeline {
    struct env *env;
    const char *run_dir;
    char **folds;
    unsigned n_folds, fold;
    struct ask *intake, *analytics, *fold_asks[16];
    struct command_client *people;
    struct feed *feed;
    struct timer *timer, *stall;
    struct load_opts load_opts;
    struct load *load;
    unsigned present;
    uint64_t head, opened, classified, assigned, last_seq;
    uint64_t base_opened, base_seq;
    int64_t start_us, journalled_us, folded_us, show_us;
    bool agents_known, loaded, failed;
    struct map sent; /* case to the time it was sent, of those not yet assigned */
    uint32_t *latency_us;
    uint64_t n_latencies;
};

static const char *endpoint(const struct pipeline *p, const char *name)
{
    static char text[32][512]; /* each lives for 32 more */
    static unsigned next;
    char *to = text[next++ % 32];
    (void)snprintf(to, sizeof(text[0]), "ipc://%s/%s.ipc", p->run_dir, name);
    return to;
}

static void fail(struct pipeline *p, const char *why)
{
    if (!p->failed) fprintf(stderr, "bench_pipeline: %s\n", why);
    p->failed = true;
    env_stop(p->env, 1);
}

static void on_stall(void *self)
{
    struct pipeline *p = self;
    fprintf(stderr, "opened %" PRIu64 " classified %" PRIu64 " assigned %" PRIu64 "\n", p->opened,
            p->classified, p->assigned);
    fail(p, "the pipeline stands still");
}

/* ---- the end: all have folded it, and the counts agree --------------------------------- */

static void on_stats(void *self, const Kesu__V1__ControlReply *reply)
{
    struct pipeline *p = self;
    if (reply->body_case != KESU__V1__CONTROL_REPLY__BODY_STATS) {
        fail(p, "analytics does not answer with its counts");
        return;
    }
    const Kesu__V1__Stats *s = reply->stats;
    if (s->opened != p->opened || s->classified != p->classified || s->assigned != p->assigned) {
        fprintf(stderr, "analytics: opened %" PRIu64 " classified %" PRIu64 " assigned %" PRIu64 "\n",
                s->opened, s->classified, s->assigned);
        fail(p, "the counts of analytics are not those of the journal");
        return;
    }
    env_stop(p->env, 0);
}

static void ask_fold(void *self);

static void on_fold(void *self, const Kesu__V1__ControlReply *reply)
{
    struct pipeline *p = self;
    if (reply->body_case != KESU__V1__CONTROL_REPLY__BODY_INFO) {
        fail(p, "a fold does not answer");
        return;
    }
    if (getenv("BENCH_SHOW") != NULL)
        fprintf(stderr, "%.3f s: %s at %" PRIu64 " of %" PRIu64 "\n",
                (double)(clock_mono_us(p->env) - p->start_us) / 1e6, p->folds[p->fold],
                reply->info->folded_seq, p->last_seq);
    if (reply->info->folded_seq < p->last_seq) {
        timer_set(p->env, p->timer, clock_mono_us(p->env) + LOOK_US);
        return;
    }
    p->fold++;
    timer_set(p->env, p->timer, clock_mono_us(p->env));
}

static void ask_fold(void *self)
{
    struct pipeline *p = self;
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__GetInfo get = KESU__V1__GET_INFO__INIT;
    Kesu__V1__GetStats stats = KESU__V1__GET_STATS__INIT;
    if (p->fold == p->n_folds) {
        p->folded_us = clock_mono_us(p->env);
        request.body_case = KESU__V1__CONTROL_REQUEST__BODY_GET_STATS;
        request.get_stats = &stats;
        ask_send(p->analytics, &request, on_stats, p);
        return;
    }
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_INFO;
    request.info = &get;
    ask_send(p->fold_asks[p->fold], &request, on_fold, p);
}

/* ---- the journal ---------------------------------------------------------------------------- */

static void look_at_end(struct pipeline *p)
{
    if (!p->loaded || p->assigned < p->base_opened + p->load_opts.count || p->journalled_us != 0) return;
    p->journalled_us = clock_mono_us(p->env);
    ask_fold(p);
}

/* One driver on one connection: cases are opened in the order they were sent. */
static void note_time(struct pipeline *p, const struct block_event *e)
{
    if (p->load_opts.rate <= 0 || p->load == NULL) return;
    if (e->type == KESU__V1__EVENT__BODY_CASE_OPENED) {
        int64_t sent = load_sent_us(p->load, p->opened - p->base_opened);
        map_set(&p->sent, e->case_id, (void *)(uintptr_t)sent);
    } else if (e->type == KESU__V1__EVENT__BODY_CASE_ASSIGNED) {
        int64_t sent = (int64_t)(uintptr_t)map_take(&p->sent, e->case_id);
        CHECK(sent != 0 && p->n_latencies < p->load_opts.count);
        p->latency_us[p->n_latencies++] = (uint32_t)(clock_mono_us(p->env) - sent);
    }
}

static void look_at_start(struct pipeline *p);

static void on_subscribed(void *self, const Kesu__V1__Subscribed *s)
{
    struct pipeline *p = self;
    p->head = s->head_seq;
}

static void on_block(void *self, struct buf *block, const struct block_head *head)
{
    struct pipeline *p = self;
    for (uint32_t i = 0; i < head->count; i++) {
        struct block_event e;
        block_event_at(buf_span(block), i, &e);
        note_time(p, &e);
        p->opened += e.type == KESU__V1__EVENT__BODY_CASE_OPENED;
        p->classified += e.type == KESU__V1__EVENT__BODY_CASE_CLASSIFIED;
        p->assigned += e.type == KESU__V1__EVENT__BODY_CASE_ASSIGNED;
    }
    p->last_seq = head->first_seq + head->count - 1;
    feed_done(p->feed, block->n, p->last_seq);
    timer_set(p->env, p->stall, clock_mono_us(p->env) + STALL_US);
    int64_t now = clock_mono_us(p->env);
    if (getenv("BENCH_SHOW") != NULL && now - p->show_us > USEC_PER_SEC) {
        p->show_us = now;
        fprintf(stderr, "%.1f s: opened %" PRIu64 " classified %" PRIu64 " assigned %" PRIu64 "\n",
                (double)(now - p->start_us) / 1e6, p->opened, p->classified, p->assigned);
    }
    look_at_start(p);
    look_at_end(p);
}

static void on_loaded(void *self, const struct load_result *result)
{
    struct pipeline *p = self;
    p->loaded = true;
    if (result->accepted != p->load_opts.count) fail(p, "a complaint was refused");
    look_at_end(p);
}

/* ---- agents ---------------------------------------------------------------------------------- */

static void on_present(void *self, const Kesu__V1__Reply *reply)
{
    struct pipeline *p = self;
    if (reply->result_case != KESU__V1__REPLY__RESULT_ACCEPTED)
        fail(p,
             reply->result_case == KESU__V1__REPLY__RESULT_REFUSED ? reply->refused->reason : "no presence");
    p->present--;
    look_at_start(p);
}

/* Once all agents are present and what stood in the journal before is read. */
static void look_at_start(struct pipeline *p)
{
    if (p->load != NULL || !p->agents_known || p->present > 0 || p->head == 0 || p->last_seq < p->head)
        return;
    if (p->assigned != p->opened) fail(p, "there are complaints that nobody has");
    p->base_opened = p->opened;
    p->base_seq = p->last_seq;
    p->start_us = clock_mono_us(p->env);
    if (load_open(p->env, &p->load_opts, on_loaded, p, &p->load) < 0) fail(p, "cannot connect to intake");
}

static void set_present(struct pipeline *p, char *agent)
{
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    Kesu__V1__Actor actor = KESU__V1__ACTOR__INIT;
    Kesu__V1__SetPresence set = KESU__V1__SET_PRESENCE__INIT;
    uint8_t id[UUID_BYTES];
    uuid_new(p->env, id);
    actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR;
    actor.name = "bench";
    set.agent = agent;
    set.present = true;
    set.capacity = AGENT_CAPACITY;
    command.id = (ProtobufCBinaryData){sizeof(id), id};
    command.actor = &actor;
    command.body_case = KESU__V1__COMMAND__BODY_SET_PRESENCE;
    command.set_presence = &set;
    struct buf *b = codec_pack_buf(&command);
    command_send(p->people, id, buf_span(b), on_present, p);
    buf_unref(b);
    p->present++;
}

static void on_agents(void *self, const Kesu__V1__ControlReply *reply)
{
    struct pipeline *p = self;
    if (reply->body_case != KESU__V1__CONTROL_REPLY__BODY_AGENT_LIST || reply->agent_list->n_agents == 0) {
        fail(p, "intake knows no agents");
        return;
    }
    for (size_t i = 0; i < reply->agent_list->n_agents; i++)
        set_present(p, reply->agent_list->agents[i]->agent);
    p->agents_known = true;
}

static int start(struct pipeline *p)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__ListAgents list = KESU__V1__LIST_AGENTS__INIT;
    struct command_client_opts people = {.endpoint = endpoint(p, "intake-people"), .client = "bench"};
    struct feed_opts feed = {.endpoint = endpoint(p, "intake-feed"),
                             .name = "bench",
                             .from_seq = 1,
                             .self = p,
                             .on_subscribed = on_subscribed,
                             .on_block = on_block};
    p->stall = timer_new(p->env, on_stall, p);
    timer_set(p->env, p->stall, clock_mono_us(p->env) + STALL_US);
    int r = ask_open(p->env, endpoint(p, "intake-control"), &p->intake);
    if (r == 0) r = ask_open(p->env, endpoint(p, "analytics-query"), &p->analytics);
    for (unsigned i = 0; r == 0 && i < p->n_folds; i++) {
        char name[100];
        (void)snprintf(name, sizeof(name), "%s-control", p->folds[i]);
        r = ask_open(p->env, endpoint(p, name), &p->fold_asks[i]);
    }
    if (r == 0) r = command_client_open(p->env, &people, &p->people);
    if (r == 0) r = feed_open(p->env, &feed, &p->feed);
    if (r < 0) return r;
    p->timer = timer_new(p->env, ask_fold, p);
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_LIST_AGENTS;
    request.list_agents = &list;
    ask_send(p->intake, &request, on_agents, p);
    return 0;
}

static int compare_us(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void print(struct pipeline *p)
{
    double us = (double)(p->folded_us - p->start_us), n = (double)p->load_opts.count;
    printf("complaints=%" PRIu64 " events=%" PRIu64 " opened=%" PRIu64
           " accepted_rate=%.0f assigned_seconds=%.3f seconds=%.3f rate=%.0f",
           p->load_opts.count, p->last_seq - p->base_seq, p->opened,
           n * 1e6 / (double)(load_result(p->load)->last_reply_us - p->start_us),
           (double)(p->journalled_us - p->start_us) / 1e6, us / 1e6, n * 1e6 / us);
    if (p->n_latencies > 0) {
        qsort(p->latency_us, p->n_latencies, sizeof(p->latency_us[0]), compare_us);
        printf(" p50_us=%u p99_us=%u", p->latency_us[p->n_latencies / 2],
               p->latency_us[p->n_latencies * 99 / 100]);
    }
    printf("\n");
}

static void read_load(struct pipeline *p, char **argv)
{
    p->load_opts = (struct load_opts){.count = strtoull(argv[2], NULL, 10),
                                      .batch = (unsigned)strtoul(argv[3], NULL, 10),
                                      .window = (unsigned)strtoul(argv[4], NULL, 10),
                                      .rate = strtod(argv[5], NULL),
                                      .contacts = true,
                                      .text_bytes = (unsigned)strtoul(argv[6], NULL, 10),
                                      .texts = texts,
                                      .n_texts = sizeof(texts) / sizeof(texts[0])};
    p->load_opts.endpoint = strdup(endpoint(p, "intake-new"));
    p->load_opts.count -= p->load_opts.count % p->load_opts.batch;
    p->latency_us = calloc(p->load_opts.count, sizeof(uint32_t));
    CHECK(p->load_opts.endpoint != NULL && p->latency_us != NULL);
}

int main(int argc, char **argv)
{
    struct env_real *real;
    struct pipeline p = {0};
    if (argc < 8 || argc > 7 + 16 || env_real_new("bench", &real) < 0) return EXIT_FAILURE;
    p.env = env_real_env(real);
    p.run_dir = argv[1];
    p.folds = argv + 7;
    p.n_folds = (unsigned)argc - 7;
    map_init(&p.sent, &p.env->mem);
    read_load(&p, argv);
    if (start(&p) < 0) return EXIT_FAILURE;
    int status = env_real_run(real);
    if (status == 0) print(&p);
    load_close(p.load);
    feed_close(p.feed);
    command_client_close(p.people);
    ask_close(p.intake);
    ask_close(p.analytics);
    for (unsigned i = 0; i < p.n_folds; i++) ask_close(p.fold_asks[i]);
    map_deinit(&p.sent);
    free(p.latency_us);
    timer_free(p.env, p.timer);
    timer_free(p.env, p.stall);
    env_real_free(&real);
    return status;
}
