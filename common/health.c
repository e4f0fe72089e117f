/* SPDX-License-Identifier: Apache-2.0 */
/* /healthz, /readyz and /metrics on libmicrohttpd's own thread: it answers
 * though the loop is blocked, and then says for how long; a stopped process
 * answers nothing, since all its threads are stopped. */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>

#include "clock.h"
#include "err.h"
#include "log.h"
#include "stats.h"
#include "svc_private.h"

#define BUSY_AFTER_US     (2 * USEC_PER_SEC)
#define MAX_CONNECTIONS   64
#define IDLE_SECONDS      10u
#define CONNECTION_MEMORY ((size_t)8 << 10)

struct health {
    struct MHD_Daemon *daemon;
    struct stats *stats;
    struct env *env;
    const _Atomic int64_t *last_turn_us;
    pthread_mutex_t mutex;
    char not_ready[256]; /* under the mutex; empty: ready */
};

static int64_t busy_us(const struct health *h)
{
    int64_t age = clock_mono_us(h->env) - atomic_load_explicit(h->last_turn_us, memory_order_relaxed);
    return age > BUSY_AFTER_US ? age : 0;
}

static unsigned healthz(const struct health *h, char *text, size_t n)
{
    int64_t busy = busy_us(h);
    if (busy > 0)
        snprintf(text, n, "busy for %lld s\n", (long long)(busy / USEC_PER_SEC));
    else
        snprintf(text, n, "ok\n");
    return MHD_HTTP_OK;
}

static unsigned readyz(struct health *h, char *text, size_t n)
{
    int64_t busy = busy_us(h);
    pthread_mutex_lock(&h->mutex);
    bool ready = h->not_ready[0] == 0 && busy == 0;
    if (ready)
        snprintf(text, n, "ready\n");
    else if (h->not_ready[0] != 0)
        snprintf(text, n, "%s\n", h->not_ready);
    else
        snprintf(text, n, "busy for %lld s\n", (long long)(busy / USEC_PER_SEC));
    pthread_mutex_unlock(&h->mutex);
    return ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type,
                              const char *text)
{
    union {
        const char *in;
        void *out;
    } p = {.in = text}; /* MHD copies it */
    struct MHD_Response *r = MHD_create_response_from_buffer(strlen(text), p.out, MHD_RESPMEM_MUST_COPY);
    if (r == NULL) return MHD_NO;
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    enum MHD_Result done = MHD_queue_response(connection, status, r);
    MHD_destroy_response(r);
    return done;
}

static enum MHD_Result on_http(void *self, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_size, void **state)
{
    (void)version, (void)upload, (void)upload_size, (void)state;
    static const char plain[] = "text/plain; charset=utf-8";
    struct health *h = self;
    char text[320];
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, plain, "only GET\n");
    if (strcmp(url, "/healthz") == 0) {
        unsigned status = healthz(h, text, sizeof(text));
        return answer(connection, status, plain, text);
    }
    if (strcmp(url, "/readyz") == 0) {
        unsigned status = readyz(h, text, sizeof(text));
        return answer(connection, status, plain, text);
    }
    if (strcmp(url, "/metrics") == 0) {
        char *metrics = stats_render(h->stats, &mem_libc);
        enum MHD_Result done =
            answer(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", metrics);
        mem_free(&mem_libc, metrics);
        return done;
    }
    return answer(connection, MHD_HTTP_NOT_FOUND, plain, "/healthz /readyz /metrics\n");
}

static int resolve(const struct health_opts *opts, struct addrinfo **ret)
{
    char port[8];
    snprintf(port, sizeof(port), "%u", opts->port);
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    return getaddrinfo(opts->host, port, &hints, ret) == 0 ? 0 : E_UNKNOWN;
}

static int start(struct health *h, const struct health_opts *opts)
{
    struct addrinfo *address = NULL;
    int e = resolve(opts, &address);
    if (e < 0) return e;
    unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | (address->ai_family == AF_INET6 ? (unsigned)MHD_USE_IPv6 : 0);
    errno = 0;
    h->daemon =
        MHD_start_daemon(flags, opts->port, NULL, NULL, on_http, h, MHD_OPTION_SOCK_ADDR, address->ai_addr,
                         MHD_OPTION_CONNECTION_LIMIT, MAX_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
                         IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, MHD_OPTION_END);
    e = h->daemon != NULL ? 0 : errno == EADDRINUSE ? E_EXISTS : E_IO;
    freeaddrinfo(address);
    return e;
}

int health_open(const struct health_opts *opts, struct health **ret, uint16_t *ret_port)
{
    struct health *h = mem_zalloc(&mem_libc, sizeof(*h));
    h->stats = opts->stats;
    h->env = opts->env;
    h->last_turn_us = opts->last_turn_us;
    pthread_mutex_init(&h->mutex, NULL);
    snprintf(h->not_ready, sizeof(h->not_ready), "starting");
    int e = start(h, opts);
    if (e < 0) {
        log_error(opts->env, "cannot serve health", LOG_STR("host", opts->host), LOG_U64("port", opts->port),
                  LOG_ERR(e));
        health_close(h);
        return e;
    }
    *ret_port = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    *ret = h;
    return 0;
}

void health_close(struct health *h)
{
    if (h == NULL) return;
    if (h->daemon != NULL) MHD_stop_daemon(h->daemon);
    pthread_mutex_destroy(&h->mutex);
    mem_free(&mem_libc, h);
}

void health_set_ready(struct health *h, const char *not_ready)
{
    pthread_mutex_lock(&h->mutex);
    snprintf(h->not_ready, sizeof(h->not_ready), "%s", not_ready != NULL ? not_ready : "");
    pthread_mutex_unlock(&h->mutex);
}
