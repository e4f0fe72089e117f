/* SPDX-License-Identifier: Apache-2.0 */
/* The real environment put together: loop, clock, randomness, signals, and the
 * ports of the other files. */
#include <errno.h>
#include <signal.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "err.h"
#include "hash.h"
#include "log.h"
#include "real.h"
#include "stats.h"

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    CHECK(clock_gettime(id, &t) == 0);
    return t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000;
}

static int64_t wall_us(struct env *env)
{
    (void)env;
    return read_clock(CLOCK_REALTIME);
}

static int64_t mono_us(struct env *env)
{
    (void)env;
    return read_clock(CLOCK_MONOTONIC);
}

const struct clock_ops clock_real_ops = {.wall_us = wall_us, .mono_us = mono_us};

void real_thread_start(pthread_t *ret, void *(*main)(void *), void *arg)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    CHECK(pthread_create(ret, NULL, main, arg) == 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void kernel_random(uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0) {
            CHECK(errno == EINTR);
            continue;
        }
        p += got;
        n -= (size_t)got;
    }
}

/* A fresh seed of the kernel, made longer: its own generator takes ten times as long. */
static void fresh_random(uint8_t *p, size_t n)
{
    uint8_t seed[HASH_KEY_BYTES];
    kernel_random(seed, sizeof(seed));
    hash_expand(seed, p, n);
    explicit_bzero(seed, sizeof(seed));
}

/* Small requests come from a pool: a system call each would cost more than
 * the id it is for. What was handed out is wiped from the pool. */
static void random_bytes(struct env *env, void *ret, size_t n)
{
    struct real_pool *pool = &real_of(env)->random;
    if (n > sizeof(pool->bytes) / 8) {
        fresh_random(ret, n);
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    if (pool->left < n) {
        fresh_random(pool->bytes, sizeof(pool->bytes));
        pool->left = sizeof(pool->bytes);
    }
    pool->left -= n;
    memcpy(ret, pool->bytes + pool->left, n);
    memset(pool->bytes + pool->left, 0, n); /* still reachable: not left out */
    pthread_mutex_unlock(&pool->mutex);
}

static void stop(struct env *env, int status)
{
    struct env_real *r = real_of(env);
    if (r->stopping) return;
    r->stopping = true;
    r->status = status;
}

static void die(struct env *env, const char *why)
{
    log_error(env, "the process must not go on", LOG_STR("why", why));
    _exit(70); /* EX_SOFTWARE; nothing is flushed, nothing more is written */
}

static void on_uv_signal(uv_signal_t *handle, int number)
{
    struct env_real *r = handle->data;
    r->ran = true;
    if (r->on_signal != NULL)
        r->on_signal(r->on_signal_self, number);
    else
        stop(&r->env, 0);
}

int real_error(int error_number)
{
    switch (error_number) {
    case ENOSPC:
    case EDQUOT:
        return E_NOSPACE;
    case ENOENT:
    case ENOTDIR:
        return E_NOT_FOUND;
    case EEXIST:
    case EADDRINUSE:
        return E_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return E_PERMISSION;
    default:
        return E_IO;
    }
}

int env_real_new(const char *name, struct env_real **ret)
{
    signal(SIGPIPE, SIG_IGN);
    struct env_real *r = mem_zalloc(&mem_libc, sizeof(*r));
    r->env = (struct env){
        .name = name,
        .mem = mem_libc,
        .clock = &clock_real_ops,
        .sched = &loop_uv_ops,
        .bus = &bus_zmq_ops,
        .store = &store_lmdb_ops,
        .files = &files_posix_ops,
        .mail = &curl_mail_ops,
        .http = &curl_http_ops,
        .random = random_bytes,
        .stop = stop,
        .die = die,
    };
    r->env.stats = stats_new(&r->env.mem);
    pthread_mutex_init(&r->random.mutex, NULL);
    int e = loop_uv_init(r);
    if (e < 0) {
        stats_free(&r->env.stats);
        mem_free(&mem_libc, r);
        return e;
    }
    static const int numbers[2] = {SIGTERM, SIGINT};
    for (unsigned i = 0; i < 2; i++) {
        CHECK(uv_signal_init(&r->loop, &r->signals[i]) == 0);
        r->signals[i].data = r;
        uv_signal_start(&r->signals[i], on_uv_signal, numbers[i]);
    }
    *ret = r;
    return 0;
}

void env_real_free(struct env_real **p)
{
    struct env_real *r = *p;
    if (r == NULL) return;
    *p = NULL;
    for (unsigned i = 0; i < 2; i++) uv_close((uv_handle_t *)&r->signals[i], NULL);
    curl_deinit(r);
    loop_uv_deinit(r);
    bus_zmq_deinit(r);
    stats_free(&r->env.stats);
    explicit_bzero(&r->random.bytes, sizeof(r->random.bytes));
    pthread_mutex_destroy(&r->random.mutex);
    mem_free(&mem_libc, r);
}

struct env *env_real_env(struct env_real *r)
{
    return &r->env;
}

int env_real_run(struct env_real *r)
{
    loop_timers_arm(r);
    while (!r->stopping) uv_run(&r->loop, UV_RUN_DEFAULT);
    r->stopping = false;
    return r->status;
}

void env_real_on_signal(struct env_real *r, void (*on_signal)(void *self, int signal), void *self)
{
    r->on_signal = on_signal;
    r->on_signal_self = self;
}

const _Atomic int64_t *env_real_last_turn(struct env_real *r)
{
    return &r->last_turn;
}
