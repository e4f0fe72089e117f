/* SPDX-License-Identifier: Apache-2.0 */
/* What this machine could do at most, measured beside the figures it limits:
 *
 *     bench_limits DIR block BYTES SECONDS     blocks appended to a store, each synced
 *     bench_limits DIR fsync SECONDS           4 KiB written and synced
 *     bench_limits DIR zmq BATCH COUNT BYTES   complaints to a process that only answers
 *
 * Prints rate=, and for what is synced p50_us= and p99_us=. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "codec.h"
#include "env_real.h"
#include "files.h"
#include "key.h"
#include "load.h"
#include "store.h"
#include "wire.h"

static int compare_us(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

enum { MOST = 1000000 };
static uint32_t latency_us[MOST];

static void print_rate(uint64_t n, int64_t us)
{
    qsort(latency_us, n, sizeof(latency_us[0]), compare_us);
    printf("rate=%.2f p50_us=%u p99_us=%u\n", (double)n * 1e6 / (double)us, latency_us[n / 2],
           latency_us[n * 99 / 100]);
}

static void measure_blocks(struct env *env, const char *dir, size_t bytes, int64_t for_us)
{
    static const char *const tables[] = {"blocks"};
    char path[512];
    struct store *s;
    (void)snprintf(path, sizeof(path), "%s/blocks", dir);
    struct store_opts opts = {.path = path, .tables = tables, .n_tables = 1};
    CHECK(store_open(env, &opts, &s) == 0);
    uint8_t *block = malloc(bytes);
    CHECK(block != NULL);
    env_random(env, block, bytes);
    int64_t start = clock_mono_us(env), now = start;
    uint64_t n = 0;
    for (; now - start < for_us && n < MOST; n++) {
        struct store_txn *t;
        struct key k = {0};
        key_u64(&k, n + 1);
        CHECK(store_begin(env, s, STORE_WRITE, &t) == 0);
        CHECK(store_put(env, t, 0, key_span(&k), span_of(block, bytes), true) == 0);
        CHECK(store_commit(env, t, STORE_SYNC_FULL) == 0);
        int64_t after = clock_mono_us(env);
        latency_us[n] = (uint32_t)(after - now);
        now = after;
    }
    print_rate(n, now - start);
    free(block);
    store_close(env, s);
}

static void measure_fsync(struct env *env, const char *dir, int64_t for_us)
{
    char path[512];
    struct file *f;
    uint8_t page[4096] = {1};
    (void)snprintf(path, sizeof(path), "%s/file", dir);
    CHECK(file_open(env, path, FILE_CREATE, &f) == 0);
    int64_t start = clock_mono_us(env), now = start;
    uint64_t n = 0;
    for (; now - start < for_us && n < MOST; n++) {
        CHECK(file_write(env, f, n % 1024 * sizeof(page), page, sizeof(page)) == 0);
        CHECK(file_sync(env, f) == 0);
        int64_t after = clock_mono_us(env);
        latency_us[n] = (uint32_t)(after - now);
        now = after;
    }
    print_rate(n, now - start);
    file_close(env, f);
}

/* ---- messages ------------------------------------------------------------------------ */

struct echo {
    struct env *env;
    struct bus_server *server;
    struct buf *reply;
    size_t batch_place;
};

static void on_request(void *self, uint64_t peer, const struct bus_msg *msg)
{
    struct echo *e = self;
    struct span rest = msg->head;
    struct wire_field f;
    while (wire_take(&rest, &f) && f.tag != 2) continue;
    uint64_t batch = f.number;
    for (unsigned i = 0; i < 5; i++, batch >>= 7)
        e->reply->p[e->batch_place + i] = (uint8_t)((batch & 127) | (i < 4 ? 128 : 0));
    (void)bus_reply(e->env, e->server, peer, buf_span(e->reply), NULL);
}

static struct buf *make_reply(unsigned n)
{
    uint8_t id[16] = {0};
    Kesu__V1__Accepted accepted = KESU__V1__ACCEPTED__INIT;
    Kesu__V1__Reply reply = KESU__V1__REPLY__INIT;
    Kesu__V1__ReplyBatch batch = KESU__V1__REPLY_BATCH__INIT;
    Kesu__V1__Reply **list = malloc(n * sizeof(Kesu__V1__Reply *));
    CHECK(list != NULL);
    accepted.seq = accepted.case_id = 123456;
    accepted.number = "2611-000042";
    accepted.version = 1;
    reply.id = (ProtobufCBinaryData){sizeof(id), id};
    reply.result_case = KESU__V1__REPLY__RESULT_ACCEPTED;
    reply.accepted = &accepted;
    for (unsigned i = 0; i < n; i++) list[i] = &reply;
    batch.batch = UINT64_C(1) << 34;
    batch.n_replies = n;
    batch.replies = list;
    batch.credit = 1 << 20;
    struct buf *b = codec_pack_buf(&batch);
    free((void *)list);
    return b;
}

static void serve(const char *endpoint, unsigned batch)
{
    struct env_real *real;
    struct echo e = {.batch_place = 1, .reply = make_reply(batch)};
    CHECK(env_real_new("echo", &real) == 0);
    e.env = env_real_env(real);
    struct bus_server_opts opts = {.endpoint = endpoint, .on_message = on_request, .self = &e};
    CHECK(bus_listen(e.env, &opts, &e.server) == 0);
    (void)env_real_run(real);
}

static void on_done(void *self, const struct load_result *result)
{
    (void)result;
    env_stop(self, 0);
}

static void measure_messages(const char *dir, unsigned batch, uint64_t count, unsigned text_bytes)
{
    char endpoint[512];
    struct env_real *real;
    struct load *load;
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/echo.ipc", dir);
    pid_t child = fork();
    if (child == 0) {
        serve(endpoint, batch);
        _exit(0);
    }
    CHECK(env_real_new("bench", &real) == 0);
    struct env *env = env_real_env(real);
    struct load_opts opts = {.endpoint = endpoint,
                             .count = count,
                             .batch = batch,
                             .window = 16 * batch,
                             .contacts = true,
                             .text_bytes = text_bytes};
    CHECK(load_open(env, &opts, on_done, env, &load) == 0);
    (void)env_real_run(real);
    struct load_result *r = load_result(load);
    printf("rate=%.0f\n", (double)r->accepted * 1e6 / (double)(r->last_reply_us - r->first_send_us));
    load_close(load);
    env_real_free(&real);
    (void)kill(child, SIGTERM);
    (void)waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
    struct env_real *real;
    if (argc == 6 && strcmp(argv[2], "zmq") == 0) {
        measure_messages(argv[1], (unsigned)strtoul(argv[3], NULL, 10), strtoull(argv[4], NULL, 10),
                         (unsigned)strtoul(argv[5], NULL, 10));
        return 0;
    }
    bool blocks = argc == 5 && strcmp(argv[2], "block") == 0;
    if (!blocks && (argc != 4 || strcmp(argv[2], "fsync") != 0)) return EXIT_FAILURE;
    int64_t for_us = (int64_t)(strtod(argv[argc - 1], NULL) * 1e6);
    CHECK(env_real_new("limits", &real) == 0);
    if (blocks)
        measure_blocks(env_real_env(real), argv[1], strtoull(argv[3], NULL, 10), for_us);
    else
        measure_fsync(env_real_env(real), argv[1], for_us);
    env_real_free(&real);
    return 0;
}
