/* SPDX-License-Identifier: Apache-2.0 */
/* Redis Streams: XADD in a pipeline, XREADGROUP, XACK. How durable is the server's
 * setting appendfsync. ADDRESS is a port of this host. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

struct peer {
    redisContext *redis;
    unsigned waiting; /* answers to XADD not yet read */
    redisReply *taken;
};

static redisReply *answer(struct peer *p)
{
    void *reply = NULL;
    if (redisGetReply(p->redis, &reply) != REDIS_OK) peer_fail("answer", p->redis->errstr);
    redisReply *r = reply;
    if (r->type == REDIS_REPLY_ERROR) peer_fail("answer", r->str);
    return r;
}

static void settle(struct peer *p, unsigned down_to)
{
    for (; p->waiting > down_to; p->waiting--) freeReplyObject(answer(p));
}

static struct peer *open_peer(const char *address)
{
    struct peer *p = calloc(1, sizeof(*p));
    if (p == NULL) peer_fail("open", "memory");
    p->redis = redisConnect("127.0.0.1", atoi(address));
    if (p->redis == NULL || p->redis->err != 0) peer_fail("open", "cannot connect");
    return p;
}

static void close_peer(struct peer *p)
{
    redisFree(p->redis);
    free(p);
}

static void make(struct peer *p, unsigned n)
{
    redisAppendCommand(p->redis, "FLUSHALL");
    for (unsigned i = 0; i < n; i++) redisAppendCommand(p->redis, "XGROUP CREATE q%u g 0 MKSTREAM", i);
    p->waiting = n + 1;
    settle(p, 0);
}

static void put(struct peer *p, unsigned queue, const char text[PEER_TEXT_BYTES])
{
    redisAppendCommand(p->redis, "XADD q%u * d %b", queue, text, (size_t)PEER_TEXT_BYTES);
    if (++p->waiting == PEER_WINDOW) settle(p, PEER_WINDOW / 2);
}

static void flush(struct peer *p)
{
    settle(p, 0);
}

static unsigned take(struct peer *p, unsigned queue, char (*texts)[PEER_TEXT_BYTES])
{
    redisAppendCommand(p->redis, "XREADGROUP GROUP g c COUNT %u BLOCK 1000 STREAMS q%u >", PEER_BATCH, queue);
    redisReply *r = answer(p);
    if (r->type != REDIS_REPLY_ARRAY) {
        freeReplyObject(r);
        return 0;
    }
    redisReply *entries = r->element[0]->element[1];
    for (size_t i = 0; i < entries->elements; i++) {
        redisReply *text = entries->element[i]->element[1]->element[1];
        if (text->len != PEER_TEXT_BYTES) peer_fail("take", "a message of another length");
        memcpy(texts[i], text->str, PEER_TEXT_BYTES);
    }
    p->taken = r;
    return (unsigned)entries->elements;
}

static void done(struct peer *p, unsigned queue)
{
    redisReply *entries = p->taken->element[0]->element[1];
    for (size_t i = 0; i < entries->elements; i++)
        redisAppendCommand(p->redis, "XACK q%u g %s", queue, entries->element[i]->element[0]->str);
    p->waiting += (unsigned)entries->elements;
    settle(p, 0);
    freeReplyObject(p->taken);
    p->taken = NULL;
}

const struct peer_ops peer_ops = {"redis", open_peer, close_peer, make, put, flush, take, done};
