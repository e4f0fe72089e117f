/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between processes: servers, clients, and hints.
 *
 * A message is a head (frame 0) and, sometimes, a body (frame 1). It may be
 * lost at any time (a full or gone peer, a crash); whoever needs an answer
 * sends again. Order holds from one client to one server while connected.
 * Nobody blocks on a send. Endpoints: ipc://PATH, tcp://HOST:PORT (only with
 * keys), inproc://NAME; in the simulation any string. */
#ifndef KESU_BUS_H
#define KESU_BUS_H

#include "env.h"

#define BUS_MAX_BYTES ((size_t)1 << 20) /* of one frame */

struct bus_server;
struct role_user;
struct bus_client;
struct bus_publisher;
struct bus_subscriber;

#define BUS_FAR \
    (UINT64_C(1) << 63) /* never set in a peer: free for who has a server inside and one outside */

/* Valid during the callback; body may be kept with buf_ref. */
struct bus_msg {
    struct span head;
    struct buf *body;             /* NULL: no second frame */
    const struct role_user *user; /* servers with keys: who it is by the allow list; else NULL */
    unsigned socket;              /* and which server, enum role_socket */
};

/* Files of CURVE keys (keypair.h, allow.h). They are looked at while in use:
 * who is taken from the allow list loses its connection, a server with a new
 * pair is bound anew with it, a client that is not let in reads its files
 * again and tries the server's next key. */
struct bus_keys {
    const char *pair_path;    /* our own pair */
    const char *allow_path;   /* servers: who may come */
    unsigned socket;          /* servers: enum role_socket */
    const char *servers_path; /* clients: the server's public keys */
};

typedef void (*bus_on_request)(void *self, uint64_t peer, const struct bus_msg *msg);
typedef void (*bus_on_message)(void *self, const struct bus_msg *msg);

struct bus_server_opts {
    const char *endpoint;
    size_t max_bytes; /* of a frame; 0 = BUS_MAX_BYTES */
    unsigned budget;  /* messages drained in a turn; 0 = 64. Lanes have weights by it. */
    bool gives_way;   /* after a message, to a job that has ended meanwhile */
    bus_on_request on_message;
    void *self;
    const struct bus_keys *keys; /* NULL: ipc and inproc only */
};

struct bus_client_opts {
    const char *endpoint;
    size_t max_bytes;
    bus_on_message on_message;
    void *self;
    const struct bus_keys *keys;
};

struct bus_ops {
    int (*listen)(struct env *env, const struct bus_server_opts *opts, struct bus_server **ret);
    void (*server_close)(struct bus_server *s);
    int (*reply)(struct bus_server *s, uint64_t peer, struct span head, struct buf *body);
    void (*pause)(struct bus_server *s, bool paused);
    int (*connect)(struct env *env, const struct bus_client_opts *opts, struct bus_client **ret);
    void (*client_close)(struct bus_client *c);
    int (*send)(struct bus_client *c, struct span head, struct buf *body);
    int (*publisher_open)(struct env *env, const char *endpoint, const struct bus_keys *keys,
                          struct bus_publisher **ret);
    void (*publisher_close)(struct bus_publisher *p);
    void (*publish)(struct bus_publisher *p, const char *topic, struct span payload);
    int (*subscriber_open)(struct env *env, const char *endpoint, const struct bus_keys *keys,
                           const char *topic_prefix, bus_on_message on_message, void *self,
                           struct bus_subscriber **ret);
    void (*subscriber_close)(struct bus_subscriber *s);
};

/* Binds; E_EXISTS when another process has the endpoint, E_PERMISSION for tcp
 * without keys, with files that others may open, or with a door that let a
 * wrong key in; E_SYNTAX (key files), E_IO. A peer is a number for one connection of one client;
 * after a reconnect it is another. */
static inline int bus_listen(struct env *env, const struct bus_server_opts *opts, struct bus_server **ret)
{
    return env->bus->listen(env, opts, ret);
}
/* accepts NULL */
static inline void bus_server_close(struct env *env, struct bus_server *s)
{
    env->bus->server_close(s);
}

/* body: NULL or a buffer the bus takes a reference of. E_AGAIN: the peer's
 * queue is full; E_NOT_FOUND: the peer is gone. Nothing was sent then. */
static inline int bus_reply(struct env *env, struct bus_server *s, uint64_t peer, struct span head,
                            struct buf *body)
{
    return env->bus->reply(s, peer, head, body);
}

/* While paused nothing is drained; what comes waits in the socket. */
static inline void bus_pause(struct env *env, struct bus_server *s, bool paused)
{
    env->bus->pause(s, paused);
}

/* Connects in the background and again after every break, with jitter. */
static inline int bus_connect(struct env *env, const struct bus_client_opts *opts, struct bus_client **ret)
{
    return env->bus->connect(env, opts, ret);
}
/* accepts NULL */
static inline void bus_client_close(struct env *env, struct bus_client *c)
{
    env->bus->client_close(c);
}

/* E_AGAIN: not connected, or the queue is full. Nothing was sent then. */
static inline int bus_send(struct env *env, struct bus_client *c, struct span head, struct buf *body)
{
    return env->bus->send(c, head, body);
}

static inline int bus_publisher_open(struct env *env, const char *endpoint, const struct bus_keys *keys,
                                     struct bus_publisher **ret)
{
    return env->bus->publisher_open(env, endpoint, keys, ret);
}
/* accepts NULL */
static inline void bus_publisher_close(struct env *env, struct bus_publisher *p)
{
    env->bus->publisher_close(p);
}
static inline void bus_publish(struct env *env, struct bus_publisher *p, const char *topic,
                               struct span payload)
{
    env->bus->publish(p, topic, payload);
}

/* head of each message = topic, body = payload. */
static inline int bus_subscriber_open(struct env *env, const char *endpoint, const struct bus_keys *keys,
                                      const char *topic_prefix, bus_on_message on_message, void *self,
                                      struct bus_subscriber **ret)
{
    return env->bus->subscriber_open(env, endpoint, keys, topic_prefix, on_message, self, ret);
}
/* accepts NULL */
static inline void bus_subscriber_close(struct env *env, struct bus_subscriber *s)
{
    env->bus->subscriber_close(s);
}

#endif
