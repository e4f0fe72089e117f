/* SPDX-License-Identifier: Apache-2.0 */
/* beanstalkd: put, reserve and delete, in a pipeline; how durable is its option
 * -f. No library is needed. ADDRESS is a port of this host. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

#define DEPTH 128 /* requests in the pipe: more than both sockets hold would stop both sides */

struct peer {
    int fd;
    FILE *in, *out;
    unsigned waiting; /* answers to put not yet read */
    int used, watched;
    unsigned long long taken[PEER_BATCH];
    unsigned n_taken;
};

static struct peer *open_peer(const char *address)
{
    struct peer *p = calloc(1, sizeof(*p));
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(address)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    if (p == NULL) peer_fail("open", "memory");
    p->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (p->fd < 0 || connect(p->fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
        peer_fail("open", "cannot connect");
    (void)setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    p->in = fdopen(p->fd, "r");
    p->out = fdopen(dup(p->fd), "w");
    if (p->in == NULL || p->out == NULL) peer_fail("open", "memory");
    p->used = p->watched = -1;
    return p;
}

static void close_peer(struct peer *p)
{
    (void)fclose(p->in);
    (void)fclose(p->out);
    free(p);
}

static void make(struct peer *p, unsigned n)
{
    (void)p; /* a tube is there when it is named; what was put has been taken out */
    (void)n;
}

static void expect(struct peer *p, const char *beginning, char line[256])
{
    if (fgets(line, 256, p->in) == NULL) peer_fail("answer", "the connection ended");
    if (strncmp(line, beginning, strlen(beginning)) != 0) peer_fail("answer", line);
}

static void settle(struct peer *p, unsigned down_to)
{
    char line[256];
    (void)fflush(p->out);
    for (; p->waiting > down_to; p->waiting--) expect(p, "INSERTED", line);
}

static void put(struct peer *p, unsigned queue, const char text[PEER_TEXT_BYTES])
{
    char line[256];
    if (p->used != (int)queue) {
        settle(p, 0);
        fprintf(p->out, "use q%u\r\n", queue);
        (void)fflush(p->out);
        expect(p, "USING", line);
        p->used = (int)queue;
    }
    fprintf(p->out, "put 1 0 600 %d\r\n%.*s\r\n", PEER_TEXT_BYTES, PEER_TEXT_BYTES, text);
    if (++p->waiting == DEPTH) settle(p, DEPTH / 2);
}

static void flush(struct peer *p)
{
    settle(p, 0);
}

static void watch(struct peer *p, unsigned queue)
{
    char line[256];
    fprintf(p->out, "watch q%u\r\nignore default\r\n", queue);
    (void)fflush(p->out);
    expect(p, "WATCHING", line);
    expect(p, "WATCHING", line);
    p->watched = (int)queue;
}

/* False: none came. */
static int take_one(struct peer *p, char text[PEER_TEXT_BYTES])
{
    char line[256], end[2];
    if (fgets(line, sizeof(line), p->in) == NULL) peer_fail("reserve", "the connection ended");
    if (strncmp(line, "TIMED_OUT", 9) == 0) return 0;
    if (sscanf(line, "RESERVED %llu", &p->taken[p->n_taken]) != 1) peer_fail("reserve", line);
    if (fread(text, PEER_TEXT_BYTES, 1, p->in) != 1 || fread(end, 2, 1, p->in) != 1)
        peer_fail("reserve", "the connection ended");
    p->n_taken++;
    return 1;
}

static unsigned take(struct peer *p, unsigned queue, char (*texts)[PEER_TEXT_BYTES])
{
    if (p->watched != (int)queue) watch(p, queue);
    p->n_taken = 0;
    fprintf(p->out, "reserve-with-timeout 1\r\n");
    (void)fflush(p->out);
    if (!take_one(p, texts[0])) return 0;
    for (int more = 1; more && p->n_taken + DEPTH <= PEER_BATCH;) {
        for (unsigned i = 0; i < DEPTH; i++) fprintf(p->out, "reserve-with-timeout 0\r\n");
        (void)fflush(p->out);
        for (unsigned i = 0; i < DEPTH; i++) more = take_one(p, texts[p->n_taken]);
    }
    return p->n_taken;
}

static void done(struct peer *p, unsigned queue)
{
    char line[256];
    (void)queue;
    for (unsigned i = 0; i < p->n_taken;) {
        unsigned n = p->n_taken - i < DEPTH ? p->n_taken - i : DEPTH;
        for (unsigned k = 0; k < n; k++) fprintf(p->out, "delete %llu\r\n", p->taken[i + k]);
        (void)fflush(p->out);
        for (unsigned k = 0; k < n; k++) expect(p, "DELETED", line);
        i += n;
    }
}

const struct peer_ops peer_ops = {"beanstalkd", open_peer, close_peer, make, put, flush, take, done};
