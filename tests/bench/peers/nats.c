/* SPDX-License-Identifier: Apache-2.0 */
/* NATS JetStream: a stream in files for each queue, asynchronous publishing, a
 * pull consumer with explicit acknowledgement. The server acknowledges before it
 * syncs. ADDRESS is a port of this host. */
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

#define WAIT_MS 60000

struct peer {
    natsConnection *connection;
    jsCtx *js;
    natsSubscription *subscription;
    natsMsgList taken;
    unsigned n_put;
};

static void check(const char *what, natsStatus status)
{
    if (status != NATS_OK) peer_fail(what, natsStatus_GetText(status));
}

static struct peer *open_peer(const char *address)
{
    char url[100];
    jsOptions options;
    struct peer *p = calloc(1, sizeof(*p));
    if (p == NULL) peer_fail("open", "memory");
    (void)snprintf(url, sizeof(url), "nats://127.0.0.1:%s", address);
    check("connect", natsConnection_ConnectTo(&p->connection, url));
    check("options", jsOptions_Init(&options));
    options.PublishAsync.MaxPending = PEER_WINDOW;
    options.PublishAsync.StallWait = WAIT_MS;
    check("jetstream", natsConnection_JetStream(&p->js, p->connection, &options));
    return p;
}

static void close_peer(struct peer *p)
{
    check("flush", natsConnection_FlushTimeout(p->connection, WAIT_MS));
    natsSubscription_Destroy(p->subscription);
    jsCtx_Destroy(p->js);
    natsConnection_Destroy(p->connection);
    free(p);
}

static void make(struct peer *p, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        jsStreamConfig config;
        char name[16];
        const char *subject = name;
        (void)snprintf(name, sizeof(name), "q%u", i);
        (void)js_DeleteStream(p->js, name, NULL, NULL);
        check("stream", jsStreamConfig_Init(&config));
        config.Name = name;
        config.Subjects = &subject;
        config.SubjectsLen = 1;
        config.Storage = js_FileStorage;
        check("stream", js_AddStream(NULL, p->js, &config, NULL, NULL));
    }
}

static void flush(struct peer *p)
{
    jsPubOptions options;
    natsMsgList failed = {0};
    if (p->n_put == 0) return;
    p->n_put = 0;
    check("publish", jsPubOptions_Init(&options));
    options.MaxWait = WAIT_MS;
    check("publish", js_PublishAsyncComplete(p->js, &options));
    (void)js_PublishAsyncGetPendingList(&failed, p->js);
    if (failed.Count > 0) peer_fail("publish", "not acknowledged");
    natsMsgList_Destroy(&failed);
}

static void put(struct peer *p, unsigned queue, const char text[PEER_TEXT_BYTES])
{
    char subject[16];
    (void)snprintf(subject, sizeof(subject), "q%u", queue);
    check("publish", js_PublishAsync(p->js, subject, text, PEER_TEXT_BYTES, NULL));
    p->n_put++;
}

static void subscribe(struct peer *p, unsigned queue)
{
    jsSubOptions options;
    char subject[16];
    (void)snprintf(subject, sizeof(subject), "q%u", queue);
    check("subscribe", jsSubOptions_Init(&options));
    options.Config.MaxAckPending = 4096;
    check("subscribe", js_PullSubscribe(&p->subscription, p->js, subject, "d", NULL, &options, NULL));
}

static unsigned take(struct peer *p, unsigned queue, char (*texts)[PEER_TEXT_BYTES])
{
    if (p->subscription == NULL) subscribe(p, queue);
    natsStatus status = natsSubscription_Fetch(&p->taken, p->subscription, PEER_BATCH, 1000, NULL);
    if (status == NATS_TIMEOUT) return 0;
    check("fetch", status);
    for (int i = 0; i < p->taken.Count; i++) {
        if (natsMsg_GetDataLength(p->taken.Msgs[i]) != PEER_TEXT_BYTES)
            peer_fail("fetch", "a message of another length");
        memcpy(texts[i], natsMsg_GetData(p->taken.Msgs[i]), PEER_TEXT_BYTES);
    }
    return (unsigned)p->taken.Count;
}

static void done(struct peer *p, unsigned queue)
{
    (void)queue;
    for (int i = 0; i < p->taken.Count; i++) check("ack", natsMsg_Ack(p->taken.Msgs[i], NULL));
    natsMsgList_Destroy(&p->taken);
}

const struct peer_ops peer_ops = {"nats", open_peer, close_peer, make, put, flush, take, done};
