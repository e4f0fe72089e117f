/* SPDX-License-Identifier: Apache-2.0 */
/* Messages in the world: links between clients and servers, and hints.
 *
 *   client ── up ──▶ server        a link is one connection: two queues, a
 *          ◀─ down ──              peer number, broken once and for ever
 *
 * Each queue has one event, for its first message: order holds whatever the
 * faults do. When one end goes, what is under way to the other may still
 * arrive (by the seed); then the client connects again and is another peer. */
#include <stdlib.h>

#include "../check.h"
#include "../err.h"
#include "../hash.h"
#include "world.h"

#define QUEUE_MAX 1000 /* messages; what is over it answers E_AGAIN */

struct sim_bus_message {
    struct sim_bus_message *next;
    int64_t due_us;
    struct buf *head, *body;
};

struct queue {
    struct sim_bus_message *first, *last;
    unsigned n;
    int64_t stalled_until_us; /* by the delay fault */
    struct sim_event *event;
};

struct sim_bus_link {
    struct sim_bus_link *next;
    struct sim *sim;
    uint64_t peer;
    struct bus_server *server; /* NULL: that end is gone */
    struct bus_client *client;
    const struct role_user *user; /* of the client's instance */
    struct queue up, down;
};

struct bus_server {
    struct bus_server *next;
    struct sim_instance *i;
    char *endpoint;
    size_t max_bytes;
    unsigned budget, drained; /* in this turn, */
    int64_t turn_us;          /* which ends then */
    bool paused;
    bus_on_request on_message;
    void *self;
};

struct bus_client {
    struct bus_client *next;
    struct sim_instance *i;
    char *endpoint;
    size_t max_bytes;
    bus_on_message on_message;
    void *self;
    struct sim_bus_link *link;
    struct sim_event *event; /* connects */
};

struct bus_publisher {
    struct bus_publisher *next;
    struct sim_instance *i;
    char *endpoint;
};

struct bus_subscriber {
    struct bus_subscriber *next;
    struct sim_instance *i;
    char *endpoint, *prefix;
    bus_on_message on_message;
    void *self;
    int64_t joined_us; /* when what is published begins to arrive */
    struct queue queue;
};

/* ---- messages and queues ------------------------------------------------------------ */

static void message_free(struct sim_bus_message *m)
{
    if (m == NULL) return;
    buf_unref(m->head);
    buf_unref(m->body);
    free(m);
}

static void queue_push(struct sim *s, struct queue *q, struct buf *head, struct buf *body)
{
    struct sim_bus_message *m = (struct sim_bus_message *)sim_alloc(sizeof *m);
    m->head = buf_ref(head);
    m->body = body != NULL ? buf_ref(body) : NULL;
    if (sim_fault(s, SIM_DELAY)) q->stalled_until_us = s->now_us + (int64_t)sim_random(s, 5 * USEC_PER_SEC);
    m->due_us = s->now_us + 20 + (int64_t)sim_random(s, 200);
    if (m->due_us < q->stalled_until_us) m->due_us = q->stalled_until_us;
    if (q->last != NULL)
        q->last->next = m;
    else
        q->first = m;
    q->last = m;
    q->n++;
}

static struct sim_bus_message *queue_pop(struct queue *q)
{
    struct sim_bus_message *m = q->first;
    if (m == NULL) return NULL;
    q->first = m->next;
    if (q->first == NULL) q->last = NULL;
    q->n--;
    return m;
}

static void queue_clear(struct queue *q)
{
    for (struct sim_bus_message *m; (m = queue_pop(q)) != NULL;) message_free(m);
    sim_cancel(&q->event);
}

static void tell(const struct sim_sent *m)
{
    struct sim *s = m->from->sim;
    sim_trace_add(s, hash_fast(m->head));
    if (s->watch != NULL && s->watch->on_sent != NULL) s->watch->on_sent(s->watch->self, m);
}

/* The instance may die of what it is about to get. */
static void hand_over(const struct sim_instance *i, const char *endpoint, uint64_t peer,
                      const struct sim_bus_message *m)
{
    const struct sim_watch *w = i->sim->watch;
    if (w != NULL && w->on_handed != NULL && w->on_handed(w->self, i, endpoint, peer, buf_span(m->head)))
        sim_crash_here(i->sim);
}

/* How often the message arrives: 0 when lost. */
static unsigned copies(struct sim *s)
{
    if (sim_fault(s, SIM_LOSE)) return 0;
    return sim_fault(s, SIM_DUPLICATE) ? 2 : 1;
}

static void queue_send(struct sim *s, struct queue *q, struct span head, struct buf *body)
{
    struct buf *copy = buf_copy(head);
    for (unsigned n = copies(s); n > 0; n--) queue_push(s, q, copy, body);
    buf_unref(copy);
}

/* The message is freed also when its receiver crashes of it. */
static void take_in_hand(struct sim *s, struct sim_bus_message *m)
{
    message_free(s->in_hand);
    s->in_hand = m;
}

static size_t max_or_default(size_t max_bytes)
{
    return max_bytes > 0 ? max_bytes : BUS_MAX_BYTES;
}

static bool fits(const struct sim_bus_message *m, size_t max_bytes)
{
    return m->head->n <= max_bytes && (m->body == NULL || m->body->n <= max_bytes);
}

/* ---- links --------------------------------------------------------------------------- */

static void connect_later(struct bus_client *c);

static void link_free(struct sim_bus_link *l)
{
    queue_clear(&l->up);
    queue_clear(&l->down);
    struct sim_bus_link **at = &l->sim->links;
    while (*at != l) at = &(*at)->next;
    *at = l->next;
    free(l);
}

/* The client sees that its connection is gone. */
static void client_lost(struct sim_bus_link *l)
{
    struct bus_client *c = l->client;
    l->client = NULL;
    queue_clear(&l->down);
    if (c == NULL) return;
    c->link = NULL;
    connect_later(c);
}

/* Frees a link that nobody has or that nothing can come out of any more. */
static void link_settle(struct sim_bus_link *l)
{
    if (l->server == NULL && l->client != NULL && l->down.first == NULL) client_lost(l);
    if (l->server == NULL && l->client == NULL) {
        link_free(l);
    } else if (l->client == NULL && l->up.first == NULL) {
        link_free(l);
    }
}

/* The server's end goes; what is on the way to the client arrives or not. */
static void link_drop_server(struct sim_bus_link *l)
{
    l->server = NULL;
    queue_clear(&l->up);
    if (sim_random(l->sim, 2) == 0) queue_clear(&l->down);
    link_settle(l);
}

/* The client's end goes; the same the other way. */
static void link_drop_client(struct sim_bus_link *l, bool keep)
{
    if (l->client != NULL) l->client->link = NULL;
    l->client = NULL;
    queue_clear(&l->down);
    if (!keep) queue_clear(&l->up);
    link_settle(l);
}

static void arm_up(struct sim_bus_link *l);
static void arm_down(struct sim_bus_link *l);

static void on_up(void *self)
{
    struct sim_bus_link *l = (struct sim_bus_link *)self;
    struct bus_server *server = l->server;
    struct sim *s = l->sim;
    l->up.event = NULL;
    if (server->paused) return;
    sim_touch(server->i);
    int64_t turn_us = server->i->turn_end->due_us;
    if (server->turn_us != turn_us) server->drained = 0;
    server->turn_us = turn_us;
    if (server->drained >= server->budget) { /* the rest in the next turn */
        l->up.event = sim_at(s, server->i, turn_us + 1, on_up, l);
        return;
    }
    server->drained++;
    struct sim_bus_message *m = queue_pop(&l->up);
    uint64_t peer = l->peer;
    const struct role_user *user = l->user;
    take_in_hand(s, m);
    if (!fits(m, server->max_bytes)) {
        link_drop_server(l); /* as ZMQ_MAXMSGSIZE does */
        return;
    }
    arm_up(l);
    link_settle(l);
    hand_over(server->i, server->endpoint, peer, m);
    struct bus_msg msg = {.head = buf_span(m->head), .body = m->body, .user = user};
    server->on_message(server->self, peer, &msg); /* may close it */
    take_in_hand(s, NULL);
}

static void arm_up(struct sim_bus_link *l)
{
    if (l->up.event != NULL || l->up.first == NULL || l->server == NULL || l->server->paused) return;
    l->up.event = sim_at(l->sim, l->server->i, l->up.first->due_us, on_up, l);
}

static void on_down(void *self)
{
    struct sim_bus_link *l = (struct sim_bus_link *)self;
    struct bus_client *client = l->client;
    struct sim *s = l->sim;
    struct sim_bus_message *m = queue_pop(&l->down);
    l->down.event = NULL;
    take_in_hand(s, m);
    if (!fits(m, client->max_bytes)) {
        queue_clear(&l->down);
        link_drop_client(l, true);
        connect_later(client);
        return;
    }
    arm_down(l);
    link_settle(l);
    hand_over(client->i, client->endpoint, 0, m);
    client->on_message(client->self, &(struct bus_msg){.head = buf_span(m->head), .body = m->body});
    take_in_hand(s, NULL);
}

static void arm_down(struct sim_bus_link *l)
{
    if (l->down.event != NULL || l->down.first == NULL || l->client == NULL) return;
    l->down.event = sim_at(l->sim, l->client->i, l->down.first->due_us, on_down, l);
}

/* ---- servers ---------------------------------------------------------------------------- */

static int sim_listen(struct env *env, const struct bus_server_opts *opts, struct bus_server **ret)
{
    struct sim_instance *i = sim_of(env);
    struct sim *s = i->sim;
    if (strncmp(opts->endpoint, "tcp:", 4) == 0 && opts->keys == NULL) return E_PERMISSION;
    for (struct bus_server *b = s->servers; b != NULL; b = b->next)
        if (strcmp(b->endpoint, opts->endpoint) == 0) return E_EXISTS;
    struct bus_server *server = (struct bus_server *)sim_alloc(sizeof *server);
    *server = (struct bus_server){
        .next = s->servers,
        .i = i,
        .endpoint = sim_copy_text(opts->endpoint),
        .max_bytes = max_or_default(opts->max_bytes),
        .budget = opts->budget > 0 ? opts->budget : 64,
        .on_message = opts->on_message,
        .self = opts->self,
    };
    s->servers = server;
    for (struct bus_client *c = s->clients; c != NULL; c = c->next)
        if (c->link == NULL && strcmp(c->endpoint, server->endpoint) == 0) connect_later(c);
    *ret = server;
    return 0;
}

static void sim_server_close(struct bus_server *server)
{
    if (server == NULL) return;
    struct sim *s = server->i->sim;
    for (struct sim_bus_link *l = s->links, *next; l != NULL; l = next) {
        next = l->next;
        if (l->server == server) link_drop_server(l);
    }
    struct bus_server **at = &s->servers;
    while (*at != server) at = &(*at)->next;
    *at = server->next;
    free(server->endpoint);
    free(server);
}

static int sim_reply(struct bus_server *server, uint64_t peer, struct span head, struct buf *body)
{
    struct sim *s = server->i->sim;
    struct sim_bus_link *l = s->links;
    while (l != NULL && l->peer != peer) l = l->next;
    if (l == NULL || l->server != server || l->client == NULL) return E_NOT_FOUND;
    if (l->down.n >= QUEUE_MAX) return E_AGAIN;
    tell(&(struct sim_sent){server->i, server->endpoint, true, peer, head, body});
    queue_send(s, &l->down, head, body);
    arm_down(l);
    return 0;
}

static void sim_pause(struct bus_server *server, bool paused)
{
    server->paused = paused;
    if (paused) return;
    for (struct sim_bus_link *l = server->i->sim->links; l != NULL; l = l->next)
        if (l->server == server) arm_up(l);
}

/* ---- clients ---------------------------------------------------------------------------- */

static void on_connect(void *self)
{
    struct bus_client *c = (struct bus_client *)self;
    struct sim *s = c->i->sim;
    c->event = NULL;
    struct bus_server *server = s->servers;
    while (server != NULL && strcmp(server->endpoint, c->endpoint) != 0) server = server->next;
    if (server == NULL) return; /* listen will call */
    struct sim_bus_link *l = (struct sim_bus_link *)sim_alloc(sizeof *l);
    *l = (struct sim_bus_link){.next = s->links,
                               .sim = s,
                               .peer = ++s->last_peer,
                               .server = server,
                               .client = c,
                               .user = c->i->user};
    s->links = l;
    c->link = l;
}

static void connect_later(struct bus_client *c)
{
    if (c->event != NULL) return;
    struct sim *s = c->i->sim;
    int64_t due_us = s->now_us + USEC_PER_MS + (int64_t)sim_random(s, 100 * USEC_PER_MS);
    c->event = sim_at(s, c->i, due_us, on_connect, c);
}

static int sim_connect(struct env *env, const struct bus_client_opts *opts, struct bus_client **ret)
{
    struct sim_instance *i = sim_of(env);
    struct bus_client *c = (struct bus_client *)sim_alloc(sizeof *c);
    *c = (struct bus_client){
        .next = i->sim->clients,
        .i = i,
        .endpoint = sim_copy_text(opts->endpoint),
        .max_bytes = max_or_default(opts->max_bytes),
        .on_message = opts->on_message,
        .self = opts->self,
    };
    i->sim->clients = c;
    connect_later(c);
    *ret = c;
    return 0;
}

static void client_free(struct bus_client *c, bool keep)
{
    struct sim *s = c->i->sim;
    sim_cancel(&c->event);
    if (c->link != NULL) link_drop_client(c->link, keep);
    struct bus_client **at = &s->clients;
    while (*at != c) at = &(*at)->next;
    *at = c->next;
    free(c->endpoint);
    free(c);
}

static void sim_client_close(struct bus_client *c)
{
    if (c != NULL) client_free(c, true); /* it lingers */
}

/* The connection breaks; what is under way on it arrives after the first of
 * the next one. */
static void overtake(struct bus_client *c)
{
    struct sim_bus_link *l = c->link;
    struct sim *s = l->sim;
    int64_t late_us = s->now_us + (int64_t)sim_random(s, 3 * USEC_PER_SEC);
    for (struct sim_bus_message *m = l->up.first; m != NULL; m = m->next)
        if (m->due_us < late_us) m->due_us = late_us;
    sim_cancel(&l->up.event);
    arm_up(l);
    link_drop_client(l, true);
    connect_later(c);
}

static int sim_send(struct bus_client *c, struct span head, struct buf *body)
{
    struct sim_bus_link *l = c->link;
    if (l == NULL || l->up.n >= QUEUE_MAX) return E_AGAIN;
    tell(&(struct sim_sent){c->i, c->endpoint, false, 0, head, body});
    if (l->server == NULL) return 0; /* the break is not noticed yet: lost */
    queue_send(l->sim, &l->up, head, body);
    arm_up(l);
    if (sim_fault(l->sim, SIM_REORDER)) overtake(c);
    return 0;
}

/* ---- hints ------------------------------------------------------------------------------- */

static int sim_publisher_open(struct env *env, const char *endpoint, const struct bus_keys *keys,
                              struct bus_publisher **ret)
{
    (void)keys;
    struct sim_instance *i = sim_of(env);
    for (struct bus_publisher *b = i->sim->publishers; b != NULL; b = b->next)
        if (strcmp(b->endpoint, endpoint) == 0) return E_EXISTS;
    struct bus_publisher *p = (struct bus_publisher *)sim_alloc(sizeof *p);
    *p = (struct bus_publisher){.next = i->sim->publishers, .i = i, .endpoint = sim_copy_text(endpoint)};
    i->sim->publishers = p;
    int64_t joined_us = i->sim->now_us + USEC_PER_MS + (int64_t)sim_random(i->sim, 100 * USEC_PER_MS);
    for (struct bus_subscriber *b = i->sim->subscribers; b != NULL; b = b->next)
        if (strcmp(b->endpoint, endpoint) == 0 && b->joined_us < joined_us) b->joined_us = joined_us;
    *ret = p;
    return 0;
}

static void sim_publisher_close(struct bus_publisher *p)
{
    if (p == NULL) return;
    struct bus_publisher **at = &p->i->sim->publishers;
    while (*at != p) at = &(*at)->next;
    *at = p->next;
    free(p->endpoint);
    free(p);
}

static void on_hint(void *self);

static void arm_hint(struct bus_subscriber *b)
{
    if (b->queue.event != NULL || b->queue.first == NULL) return;
    b->queue.event = sim_at(b->i->sim, b->i, b->queue.first->due_us, on_hint, b);
}

static void on_hint(void *self)
{
    struct bus_subscriber *b = (struct bus_subscriber *)self;
    struct sim *s = b->i->sim;
    struct sim_bus_message *m = queue_pop(&b->queue);
    b->queue.event = NULL;
    take_in_hand(s, m);
    arm_hint(b);
    b->on_message(b->self, &(struct bus_msg){.head = buf_span(m->head), .body = m->body});
    take_in_hand(s, NULL);
}

static void sim_publish(struct bus_publisher *p, const char *topic, struct span payload)
{
    struct sim *s = p->i->sim;
    struct buf *body = buf_copy(payload);
    for (struct bus_subscriber *b = s->subscribers; b != NULL; b = b->next) {
        if (strcmp(b->endpoint, p->endpoint) != 0 || strncmp(topic, b->prefix, strlen(b->prefix)) != 0)
            continue;
        if (s->now_us < b->joined_us || b->queue.n >= QUEUE_MAX) continue;
        queue_send(s, &b->queue, span_str(topic), body);
        arm_hint(b);
    }
    buf_unref(body);
}

static int sim_subscriber_open(struct env *env, const char *endpoint, const struct bus_keys *keys,
                               const char *topic_prefix, bus_on_message on_message, void *self,
                               struct bus_subscriber **ret)
{
    (void)keys;
    struct sim_instance *i = sim_of(env);
    struct bus_subscriber *b = (struct bus_subscriber *)sim_alloc(sizeof *b);
    *b = (struct bus_subscriber){
        .next = i->sim->subscribers,
        .i = i,
        .endpoint = sim_copy_text(endpoint),
        .prefix = sim_copy_text(topic_prefix),
        .on_message = on_message,
        .self = self,
        .joined_us = i->sim->now_us + USEC_PER_MS + (int64_t)sim_random(i->sim, 100 * USEC_PER_MS),
    };
    i->sim->subscribers = b;
    *ret = b;
    return 0;
}

static void sim_subscriber_close(struct bus_subscriber *b)
{
    if (b == NULL) return;
    queue_clear(&b->queue);
    struct bus_subscriber **at = &b->i->sim->subscribers;
    while (*at != b) at = &(*at)->next;
    *at = b->next;
    free(b->endpoint);
    free(b->prefix);
    free(b);
}

const struct bus_ops sim_bus_ops = {
    .listen = sim_listen,
    .server_close = sim_server_close,
    .reply = sim_reply,
    .pause = sim_pause,
    .connect = sim_connect,
    .client_close = sim_client_close,
    .send = sim_send,
    .publisher_open = sim_publisher_open,
    .publisher_close = sim_publisher_close,
    .publish = sim_publish,
    .subscriber_open = sim_subscriber_open,
    .subscriber_close = sim_subscriber_close,
};

void sim_bus_drop(struct sim_instance *i)
{
    struct sim *s = i->sim;
    if (s->running == NULL) take_in_hand(s, NULL);
    for (struct bus_client *c = s->clients, *next; c != NULL; c = next) {
        next = c->next;
        if (c->i == i) client_free(c, sim_random(s, 2) == 0);
    }
    for (struct bus_server *b = s->servers, *next; b != NULL; b = next) {
        next = b->next;
        if (b->i == i) sim_server_close(b);
    }
    for (struct bus_publisher *p = s->publishers, *next; p != NULL; p = next) {
        next = p->next;
        if (p->i == i) sim_publisher_close(p);
    }
    for (struct bus_subscriber *b = s->subscribers, *next; b != NULL; b = next) {
        next = b->next;
        if (b->i == i) sim_subscriber_close(b);
    }
}
