/* SPDX-License-Identifier: Apache-2.0 */
/* The bus on ZeroMQ: servers are ROUTERs, clients DEALERs.
 *
 * The loop drains each socket up to its budget with DONTWAIT until it says
 * EAGAIN; what is sent goes with DONTWAIT too. A peer is its routing id, which
 * ZeroMQ makes of five bytes, packed into a number: a table is not needed.
 * Bodies are sent without a copy: ZeroMQ holds a reference of the buf.
 * An ipc endpoint is locked beside its path, because a bind would take it
 * from another process without a word. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <zmq.h>

#include "bus_zmq.h"
#include "check.h"
#include "err.h"
#include "log.h"
#include "stats.h"

#define DEFAULT_BUDGET  64
#define SERVER_HWM      1000
#define CLIENT_HWM      256
#define LINGER_MS       500
#define RECONNECT_MS    50
#define RECONNECT_MAX   1000
#define HEARTBEAT_MS    5000
#define HEARTBEAT_LIMIT 20000
#define HANDSHAKE_MS    5000 /* then whoever was told to come later is turned away, and knocks again */
#define CLOSE_WAIT_MS   2000
#define LOOK_US         (250 * USEC_PER_MS) /* at key files, and whether we are let in */

/* One of the four kinds, all drained alike. */
struct bus_socket {
    struct real_source source; /* first */
    struct env_real *real;
    void *zmq;
    uv_poll_t poll;
    bool polled;
    unsigned budget;
    bool gives_way;
    bool paused;
    bool router;
    int type;
    struct bus_door *door;   /* bound with keys */
    struct bus_visit *visit; /* connected with keys */
    struct timer *look;
    bool unbound; /* it could not be bound anew, yet */
    bus_on_request on_request;
    bus_on_message on_message;
    void *self;
    int lock_fd;
    char *endpoint; /* as bound */
};

struct bus_server {
    struct bus_socket s;
};
struct bus_client {
    struct bus_socket s;
};
struct bus_publisher {
    struct bus_socket s;
};
struct bus_subscriber {
    struct bus_socket s;
};

/* ---- draining ---------------------------------------------------------- */

static bool has_input(struct real_source *source)
{
    struct bus_socket *s = (struct bus_socket *)source;
    if (s->zmq == NULL || s->paused || s->budget == 0) return false;
    int events = 0;
    size_t n = sizeof(events);
    return zmq_getsockopt(s->zmq, ZMQ_EVENTS, &events, &n) == 0 && (events & ZMQ_POLLIN) != 0;
}

/* Routing ids are 5 bytes unless a client set its own; those up to 7 fit too. */
static bool pack_peer(zmq_msg_t *frame, uint64_t *ret)
{
    size_t n = zmq_msg_size(frame);
    if (n == 0 || n > 7) return false;
    const uint8_t *p = zmq_msg_data(frame);
    uint64_t peer = n;
    for (size_t i = 0; i < 7; i++) peer = peer << 8 | (i < n ? p[i] : 0);
    *ret = peer;
    return true;
}

static size_t unpack_peer(uint64_t peer, uint8_t ret[7])
{
    for (unsigned i = 0; i < 7; i++) ret[i] = (uint8_t)(peer >> (8 * (6 - i)));
    return (size_t)(peer >> 56);
}

static bool receive(struct bus_socket *s, zmq_msg_t *frame, bool *ret_more)
{
    zmq_msg_init(frame);
    if (zmq_msg_recv(frame, s->zmq, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(frame);
        return false;
    }
    *ret_more = zmq_msg_more(frame) != 0;
    return true;
}

/* The frames of a message arrive together: after the first, none blocks. */
static bool drain_one(struct bus_socket *s)
{
    zmq_msg_t first, head, extra;
    bool more = false, has_peer = false;
    uint64_t peer = 0;
    if (s->router) {
        if (!receive(s, &first, &more)) return false;
        has_peer = pack_peer(&first, &peer);
        zmq_msg_close(&first);
        if (!more) return true; /* a peer and nothing else */
    }
    if (!receive(s, &head, &more)) return false;
    struct bus_msg msg = {.head = span_of(zmq_msg_data(&head), zmq_msg_size(&head))};
    /* On frame 0 of a ROUTER the id of the user gets lost; here it stands. */
    if (s->door != NULL) {
        msg.user = bus_door_user(s->door, zmq_msg_gets(&head, "User-Id"));
        msg.socket = s->door->name;
    }
    while (more) {
        if (!receive(s, &extra, &more)) break;
        if (msg.body == NULL) msg.body = buf_copy(span_of(zmq_msg_data(&extra), zmq_msg_size(&extra)));
        zmq_msg_close(&extra);
    }
    if (s->on_request != NULL) {
        bool known = s->door == NULL || msg.user != NULL; /* or taken from the list meanwhile */
        if (has_peer && known) s->on_request(s->self, peer, &msg);
    } else if (s->on_message != NULL) {
        s->on_message(s->self, &msg);
    }
    buf_unref(msg.body);
    zmq_msg_close(&head);
    return true;
}

static bool drain(struct real_source *source)
{
    struct bus_socket *s = (struct bus_socket *)source;
    unsigned n = 0;
    while (n < s->budget && !s->paused && s->zmq != NULL && drain_one(s)) {
        n++;
        if (s->gives_way && loop_lanes_ended(s->real)) break;
    }
    return n > 0;
}

/* ---- sending ----------------------------------------------------------- */

static void release_body(void *data, void *hint)
{
    (void)data;
    buf_unref(hint);
}

/* more: 0 or ZMQ_SNDMORE */
static int send_copy(struct bus_socket *s, struct span bytes, int more)
{
    return zmq_send(s->zmq, bytes.p, bytes.n, ZMQ_DONTWAIT | more);
}

static int send_body(struct bus_socket *s, struct buf *body)
{
    zmq_msg_t frame;
    buf_ref(body);
    CHECK(zmq_msg_init_data(&frame, body->p, body->n, release_body, body) == 0);
    int r = zmq_msg_send(&frame, s->zmq, ZMQ_DONTWAIT);
    if (r < 0) zmq_msg_close(&frame);
    return r;
}

/* Only the first frame can be refused: the others go where it went. */
static int send_message(struct bus_socket *s, struct span head, struct buf *body)
{
    if (send_copy(s, head, body != NULL ? ZMQ_SNDMORE : 0) < 0) return E_AGAIN;
    if (body != NULL && send_body(s, body) < 0) return E_AGAIN;
    return 0;
}

static int server_reply(struct bus_server *server, uint64_t peer, struct span head, struct buf *body)
{
    uint8_t id[7];
    size_t n = unpack_peer(peer, id);
    if (zmq_send(server->s.zmq, id, n, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
        return errno == EHOSTUNREACH ? E_NOT_FOUND : E_AGAIN;
    return send_message(&server->s, head, body);
}

static int client_send(struct bus_client *c, struct span head, struct buf *body)
{
    return send_message(&c->s, head, body);
}

static void publish(struct bus_publisher *p, const char *topic, struct span payload)
{
    if (send_copy(&p->s, span_str(topic), ZMQ_SNDMORE) >= 0) send_copy(&p->s, payload, 0);
}

/* ---- opening and closing ----------------------------------------------- */

static struct bus_context *context(struct env_real *r)
{
    if (r->bus == NULL) {
        r->bus = mem_zalloc(&r->env.mem, sizeof(*r->bus));
        r->bus->zmq = zmq_ctx_new();
        CHECK(r->bus->zmq != NULL);
        zmq_ctx_set(r->bus->zmq, ZMQ_MAX_SOCKETS, 4096);
    }
    return r->bus;
}

static void set_int(void *zmq, int option, int value)
{
    CHECK(zmq_setsockopt(zmq, option, &value, sizeof(value)) == 0);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    (void)handle, (void)status, (void)events; /* only wakes the loop: check drains */
}

static void socket_release(struct real_source *source)
{
    mem_free(&((struct bus_socket *)source)->real->env.mem, source);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct bus_socket *s = handle->data;
    loop_uv_drop_source(s->real, &s->source);
}

static int socket_new(struct env *env, int type, size_t max_bytes, struct bus_socket **ret)
{
    struct env_real *r = real_of(env);
    void *zmq = zmq_socket(context(r)->zmq, type);
    if (zmq == NULL) return E_IO;
    int64_t max = max_bytes > 0 ? (int64_t)max_bytes : (int64_t)BUS_MAX_BYTES;
    CHECK(zmq_setsockopt(zmq, ZMQ_MAXMSGSIZE, &max, sizeof(max)) == 0);
    set_int(zmq, ZMQ_LINGER, LINGER_MS);
    int hwm = type == ZMQ_DEALER ? CLIENT_HWM : SERVER_HWM;
    set_int(zmq, ZMQ_SNDHWM, hwm);
    set_int(zmq, ZMQ_RCVHWM, hwm);
    set_int(zmq, ZMQ_RECONNECT_IVL, RECONNECT_MS);
    set_int(zmq, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX);
    if (type == ZMQ_ROUTER) set_int(zmq, ZMQ_ROUTER_MANDATORY, 1);
    if (type == ZMQ_DEALER) set_int(zmq, ZMQ_IMMEDIATE, 1);
    struct bus_socket *s = mem_zalloc(&env->mem, sizeof(*s));
    s->source = (struct real_source){.has_input = has_input, .drain = drain, .free = socket_release};
    s->real = r;
    s->zmq = zmq;
    s->lock_fd = -1;
    s->router = type == ZMQ_ROUTER;
    s->type = type;
    *ret = s;
    return 0;
}

/* From here on the loop drains it. */
static void socket_start(struct bus_socket *s)
{
    int fd = -1;
    size_t n = sizeof(fd);
    CHECK(zmq_getsockopt(s->zmq, ZMQ_FD, &fd, &n) == 0);
    CHECK(uv_poll_init(&s->real->loop, &s->poll, fd) == 0);
    s->poll.data = s;
    uv_poll_start(&s->poll, UV_READABLE, on_poll);
    s->polled = true;
    loop_uv_add_source(s->real, &s->source);
}

/* ZeroMQ unbinds and unlinks on its own thread; a new owner must not lose its
 * path to that, so this waits until it is done. */
static void unbind(struct bus_socket *s)
{
    struct bus_context *c = s->real->bus;
    char name[48];
    snprintf(name, sizeof(name), "inproc://kesu-monitor-%u", c->n_monitors++);
    if (zmq_socket_monitor(s->zmq, name, ZMQ_EVENT_CLOSED | ZMQ_EVENT_CLOSE_FAILED) != 0) return;
    void *monitor = zmq_socket(c->zmq, ZMQ_PAIR);
    set_int(monitor, ZMQ_RCVTIMEO, CLOSE_WAIT_MS);
    set_int(monitor, ZMQ_LINGER, 0);
    char frame[16];
    if (zmq_connect(monitor, name) == 0 && zmq_unbind(s->zmq, s->endpoint) == 0)
        zmq_recv(monitor, frame, sizeof(frame), 0);
    zmq_socket_monitor(s->zmq, NULL, 0);
    zmq_close(monitor);
}

static void socket_close(struct bus_socket *s)
{
    if (s == NULL) return;
    struct mem *m = &s->real->env.mem;
    if (s->lock_fd >= 0) {
        unbind(s);
        close(s->lock_fd);
    }
    if (s->polled) uv_poll_stop(&s->poll);
    timer_free(&s->real->env, s->look);
    bus_visit_close(&s->visit, s->zmq);
    zmq_close(s->zmq);
    s->zmq = NULL;
    bus_door_close(s->real->bus, &s->door);
    mem_free(m, s->endpoint);
    s->endpoint = NULL;
    if (!s->polled) {
        mem_free(m, s);
        return;
    }
    /* A sweep must not free it before libuv has let go of the handle. */
    uv_close((uv_handle_t *)&s->poll, on_poll_closed);
}

static bool starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

static int lock_endpoint(struct bus_socket *s, const char *endpoint)
{
    char path[4096];
    if (snprintf(path, sizeof(path), "%s.lock", endpoint + strlen("ipc://")) >= (int)sizeof(path))
        return E_RANGE;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return real_error(errno);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return E_EXISTS;
    }
    s->lock_fd = fd;
    return 0;
}

static int bind_socket(struct bus_socket *s, const char *endpoint)
{
    struct env *env = &s->real->env;
    int e = starts_with(endpoint, "ipc://") ? lock_endpoint(s, endpoint) : 0;
    if (e == 0 && zmq_bind(s->zmq, endpoint) != 0) {
        e = real_error(errno);
        if (s->lock_fd >= 0) close(s->lock_fd);
        s->lock_fd = -1;
    }
    if (e < 0) {
        log_error(env, "cannot listen", LOG_STR("endpoint", endpoint), LOG_ERR(e));
        return e;
    }
    char bound[4200];
    size_t n = sizeof(bound);
    CHECK(zmq_getsockopt(s->zmq, ZMQ_LAST_ENDPOINT, bound, &n) == 0);
    s->endpoint = mem_strdup(&env->mem, bound);
    return 0;
}

/* tcp leaves the machine: never without keys. */
static int check_endpoint(struct env *env, const char *endpoint, const struct bus_keys *keys)
{
    if (starts_with(endpoint, "ipc://") || starts_with(endpoint, "inproc://")) return 0;
    if (!starts_with(endpoint, "tcp://")) return E_UNSUPPORTED;
    if (keys != NULL) return 0;
    log_error(env, "tcp is refused without keys", LOG_STR("endpoint", endpoint));
    return E_PERMISSION;
}

static void set_heartbeat(void *zmq)
{
    set_int(zmq, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS);
    set_int(zmq, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_LIMIT);
}

/* ---- with keys --------------------------------------------------------- */

/* All connections end with the listener; who is let in comes again. */
static void bind_anew(struct bus_socket *s)
{
    struct env *env = &s->real->env;
    if (!s->unbound) unbind(s);
    s->unbound = zmq_bind(s->zmq, s->endpoint) != 0;
    if (s->unbound) {
        log_error(env, "cannot listen anew, trying again", LOG_STR("endpoint", s->endpoint),
                  LOG_ERR(real_error(errno)));
        return;
    }
    if (bus_curve_test(s->real->bus, s->door, s->zmq, s->type) != 0) env_stop(env, 1);
}

static void on_look(void *self)
{
    struct bus_socket *s = self;
    struct env *env = &s->real->env;
    if (s->door != NULL) {
        bool anew = bus_door_look(s->real->bus, s->door, s->zmq);
        if (anew || s->unbound) bind_anew(s);
    } else if (bus_visit_look(s->visit, s->zmq)) {
        zmq_disconnect(s->zmq, s->endpoint);
        CHECK(zmq_connect(s->zmq, s->endpoint) == 0);
    }
    timer_set(env, s->look, clock_mono_us(env) + LOOK_US);
}

static void start_looking(struct bus_socket *s)
{
    struct env *env = &s->real->env;
    s->look = timer_new(env, on_look, s);
    timer_set(env, s->look, clock_mono_us(env) + LOOK_US);
}

/* keys NULL: a socket of the run directory. */
static int open_bound(struct env *env, int type, const char *endpoint, size_t max_bytes,
                      const struct bus_keys *keys, struct bus_socket **ret)
{
    struct bus_socket *s;
    int e = check_endpoint(env, endpoint, keys);
    if (e < 0 || (e = socket_new(env, type, max_bytes, &s)) < 0) return e;
    if (keys != NULL) {
        set_heartbeat(s->zmq);
        set_int(s->zmq, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
        e = bus_door_open(env, s->real->bus, s->zmq, keys, &s->door);
    }
    if (e == 0) e = bind_socket(s, endpoint);
    if (e == 0 && keys != NULL) e = bus_curve_test(s->real->bus, s->door, s->zmq, type);
    if (e < 0) {
        socket_close(s);
        return e;
    }
    if (keys != NULL) start_looking(s);
    *ret = s;
    return 0;
}

static int open_connected(struct env *env, int type, const char *endpoint, size_t max_bytes,
                          const struct bus_keys *keys, struct bus_socket **ret)
{
    struct bus_socket *s;
    int e = check_endpoint(env, endpoint, keys);
    if (e < 0 || (e = socket_new(env, type, max_bytes, &s)) < 0) return e;
    s->budget = DEFAULT_BUDGET;
    s->endpoint = mem_strdup(&env->mem, endpoint);
    if (keys != NULL) {
        set_heartbeat(s->zmq);
        e = bus_visit_open(env, s->real->bus, s->zmq, keys, &s->visit);
    }
    if (e == 0 && zmq_connect(s->zmq, endpoint) != 0) e = E_IO;
    if (e < 0) {
        log_error(env, "cannot connect", LOG_STR("endpoint", endpoint), LOG_ERR(e));
        socket_close(s);
        return e;
    }
    if (keys != NULL) start_looking(s);
    *ret = s;
    return 0;
}

/* ---- the four kinds ---------------------------------------------------- */

static int server_listen(struct env *env, const struct bus_server_opts *opts, struct bus_server **ret)
{
    struct bus_socket *s;
    int e = open_bound(env, ZMQ_ROUTER, opts->endpoint, opts->max_bytes, opts->keys, &s);
    if (e < 0) return e;
    s->budget = opts->budget > 0 ? opts->budget : DEFAULT_BUDGET;
    s->gives_way = opts->gives_way;
    s->on_request = opts->on_message;
    s->self = opts->self;
    socket_start(s);
    *ret = (struct bus_server *)s;
    return 0;
}

static int client_connect(struct env *env, const struct bus_client_opts *opts, struct bus_client **ret)
{
    struct bus_socket *s;
    int e = open_connected(env, ZMQ_DEALER, opts->endpoint, opts->max_bytes, opts->keys, &s);
    if (e < 0) return e;
    s->on_message = opts->on_message;
    s->self = opts->self;
    socket_start(s);
    *ret = (struct bus_client *)s;
    return 0;
}

static int publisher_open(struct env *env, const char *endpoint, const struct bus_keys *keys,
                          struct bus_publisher **ret)
{
    return open_bound(env, ZMQ_PUB, endpoint, 0, keys, (struct bus_socket **)(void *)ret);
}

static int subscriber_open(struct env *env, const char *endpoint, const struct bus_keys *keys,
                           const char *topic_prefix, bus_on_message on_message, void *self,
                           struct bus_subscriber **ret)
{
    struct bus_socket *s;
    int e = open_connected(env, ZMQ_SUB, endpoint, 0, keys, &s);
    if (e < 0) return e;
    s->on_message = on_message;
    s->self = self;
    CHECK(zmq_setsockopt(s->zmq, ZMQ_SUBSCRIBE, topic_prefix, strlen(topic_prefix)) == 0);
    socket_start(s);
    *ret = (struct bus_subscriber *)s;
    return 0;
}

static void server_close(struct bus_server *s)
{
    socket_close((struct bus_socket *)s);
}

static void client_close(struct bus_client *c)
{
    socket_close((struct bus_socket *)c);
}

static void publisher_close(struct bus_publisher *p)
{
    socket_close((struct bus_socket *)p);
}

static void subscriber_close(struct bus_subscriber *s)
{
    socket_close((struct bus_socket *)s);
}

static void server_pause(struct bus_server *s, bool paused)
{
    s->s.paused = paused;
}

void bus_zmq_deinit(struct env_real *r)
{
    struct bus_context *c = r->bus;
    if (c == NULL) return;
    r->bus = NULL;
    bus_curve_free(&c->curve);
    while (zmq_ctx_term(c->zmq) != 0) CHECK(errno == EINTR);
    mem_free(&r->env.mem, c);
}

const struct bus_ops bus_zmq_ops = {
    .listen = server_listen,
    .server_close = server_close,
    .reply = server_reply,
    .pause = server_pause,
    .connect = client_connect,
    .client_close = client_close,
    .send = client_send,
    .publisher_open = publisher_open,
    .publisher_close = publisher_close,
    .publish = publish,
    .subscriber_open = subscriber_open,
    .subscriber_close = subscriber_close,
};
