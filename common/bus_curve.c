/* SPDX-License-Identifier: Apache-2.0 */
/* CURVE for the bus: who is let in.
 *
 * Without a bound ZAP handler ZeroMQ lets any client key in, so the handler is
 * bound before the first door and, after each bind, three clients try it: one
 * with a fresh key, one without any, one with a key that is let in for the
 * test. Were it open to the first two, or closed to the third, the server would
 * not start. The handler runs on its own thread, because ZeroMQ asks it while
 * the loop may be waiting. What it answers as user is the key: who that is
 * stands in the list, which may change while the connection lasts.
 *
 * Who is refused (400) does not knock again: so a key that is not in our list
 * while the file is another than the one we read is told to come later (300). */
#include <stdio.h>
#include <zmq.h>

#include "bus_zmq.h"
#include "check.h"
#include "err.h"
#include "log.h"

#define TEST_WAIT_MS  10000
#define ZAP_FRAMES    16
#define ZAP_FRAME_MAX 256

struct bus_curve {
    void *zap;  /* REP, of the thread */
    void *stop; /* PAIR; its other end ... */
    void *stop_inside;
    pthread_t thread;
    pthread_mutex_t mutex; /* of the doors and their lists */
    struct bus_door *doors;
};

/* ---- the handler ------------------------------------------------------- */

struct zap_request {
    unsigned n;
    size_t sizes[ZAP_FRAMES];
    char frames[ZAP_FRAMES][ZAP_FRAME_MAX];
};

/* Frames: version, request id, domain, address, identity, mechanism, key. */
static bool receive_request(void *zap, struct zap_request *q)
{
    int more = 1;
    bool fits = true;
    for (q->n = 0; more;) {
        char scratch[ZAP_FRAME_MAX];
        char *to = q->n < ZAP_FRAMES ? q->frames[q->n] : scratch;
        int n = zmq_recv(zap, to, ZAP_FRAME_MAX - 1, 0);
        if (n < 0) return false;
        fits = fits && q->n < ZAP_FRAMES && n < ZAP_FRAME_MAX;
        if (fits) {
            to[n] = 0;
            q->sizes[q->n++] = (size_t)n;
        }
        size_t size = sizeof(more);
        zmq_getsockopt(zap, ZMQ_RCVMORE, &more, &size);
    }
    return true;
}

/* Of RFC 27 */
#define WELCOME "200"
#define LATER   "300"
#define REFUSED "400"

static const char *answer_at(const struct bus_door *d, const char *key)
{
    const struct allow_entry *e = allow_find(d->list, key);
    bool tested = strcmp(d->test_key, key) == 0; /* until this test ends the file is not read again */
    if (e != NULL && !role_stays_out(e->user.role, d->name)) return WELCOME;
    if (tested && d->test_let_in) return WELCOME;
    return !tested && bus_door_stamp(d->allow_path) != d->allow_stamp ? LATER : REFUSED;
}

static const char *answer_for(struct bus_curve *c, const char *domain, const char *key)
{
    const char *answer = REFUSED;
    pthread_mutex_lock(&c->mutex);
    for (const struct bus_door *d = c->doors; d != NULL; d = d->next) {
        if (strcmp(role_socket_name(d->name), domain) != 0) continue;
        answer = answer_at(d, key);
        if (strcmp(answer, WELCOME) == 0) break;
    }
    pthread_mutex_unlock(&c->mutex);
    return answer;
}

static void answer_request(struct bus_curve *c, const struct zap_request *q)
{
    char key[KEY_TEXT] = "";
    const char *answer = REFUSED;
    if (q->n == 7 && strcmp(q->frames[5], "CURVE") == 0 && q->sizes[6] == KEY_BYTES) {
        keypair_encode((const uint8_t *)q->frames[6], key);
        answer = answer_for(c, q->frames[2], key);
    }
    bool yes = strcmp(answer, WELCOME) == 0;
    const char *id = q->n > 1 ? q->frames[1] : "";
    zmq_send(c->zap, "1.0", 3, ZMQ_SNDMORE);
    zmq_send(c->zap, id, q->n > 1 ? q->sizes[1] : 0, ZMQ_SNDMORE);
    zmq_send(c->zap, answer, strlen(answer), ZMQ_SNDMORE);
    zmq_send(c->zap, "", 0, ZMQ_SNDMORE);
    zmq_send(c->zap, key, yes ? strlen(key) : 0, ZMQ_SNDMORE);
    zmq_send(c->zap, "", 0, 0);
}

static void *curve_main(void *arg)
{
    struct bus_curve *c = arg;
    zmq_pollitem_t items[2] = {{c->zap, 0, ZMQ_POLLIN, 0}, {c->stop_inside, 0, ZMQ_POLLIN, 0}};
    while (items[1].revents == 0) {
        struct zap_request q;
        if (zmq_poll(items, 2, -1) < 0) {
            CHECK(errno == EINTR); /* without a handler ZeroMQ lets everybody in */
            continue;
        }
        if (items[0].revents != 0 && receive_request(c->zap, &q)) answer_request(c, &q);
    }
    zmq_close(c->zap);
    zmq_close(c->stop_inside);
    return NULL;
}

static void set_linger(void *socket)
{
    int zero = 0;
    zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof(zero));
}

static void start_handler(struct bus_context *context)
{
    if (context->curve != NULL) return;
    struct bus_curve *c = mem_zalloc(&mem_libc, sizeof(*c));
    c->zap = zmq_socket(context->zmq, ZMQ_REP);
    c->stop = zmq_socket(context->zmq, ZMQ_PAIR);
    c->stop_inside = zmq_socket(context->zmq, ZMQ_PAIR);
    CHECK(c->zap != NULL && c->stop != NULL && c->stop_inside != NULL);
    set_linger(c->zap);
    set_linger(c->stop);
    set_linger(c->stop_inside);
    CHECK(zmq_bind(c->zap, "inproc://zeromq.zap.01") == 0);
    CHECK(zmq_bind(c->stop, "inproc://kesu-curve-stop") == 0);
    CHECK(zmq_connect(c->stop_inside, "inproc://kesu-curve-stop") == 0);
    CHECK(pthread_mutex_init(&c->mutex, NULL) == 0);
    real_thread_start(&c->thread, curve_main, c);
    context->curve = c;
}

void bus_curve_free(struct bus_curve **p)
{
    struct bus_curve *c = *p;
    if (c == NULL) return;
    *p = NULL;
    zmq_send(c->stop, "", 0, 0);
    pthread_join(c->thread, NULL);
    zmq_close(c->stop);
    pthread_mutex_destroy(&c->mutex);
    mem_free(&mem_libc, c);
}

/* ---- doors ------------------------------------------------------------- */

void bus_curve_add(struct bus_context *c, struct bus_door *d)
{
    start_handler(c);
    pthread_mutex_lock(&c->curve->mutex);
    d->next = c->curve->doors;
    c->curve->doors = d;
    pthread_mutex_unlock(&c->curve->mutex);
}

void bus_curve_remove(struct bus_context *c, struct bus_door *d)
{
    pthread_mutex_lock(&c->curve->mutex);
    for (struct bus_door **at = &c->curve->doors; *at != NULL; at = &(*at)->next) {
        if (*at != d) continue;
        *at = d->next;
        break;
    }
    pthread_mutex_unlock(&c->curve->mutex);
}

void bus_curve_set_list(struct bus_context *c, struct bus_door *d, struct allow_list *list, int64_t stamp)
{
    struct allow_list *was = NULL;
    pthread_mutex_lock(&c->curve->mutex);
    d->allow_stamp = stamp;
    if (list != NULL) {
        was = d->list;
        d->list = list;
    }
    pthread_mutex_unlock(&c->curve->mutex);
    mem_free(&d->env->mem, was);
}

static void set_test_key(struct bus_context *c, struct bus_door *d, const char *key, bool let_in)
{
    if (c->curve == NULL) return;
    pthread_mutex_lock(&c->curve->mutex);
    snprintf(d->test_key, sizeof(d->test_key), "%s", key);
    d->test_let_in = let_in;
    pthread_mutex_unlock(&c->curve->mutex);
}

/* ---- the test of the door ---------------------------------------------- */

#define LET_IN ZMQ_EVENT_HANDSHAKE_SUCCEEDED

/* What becomes of a try: refused or let in; 0 for neither. */
static int wait_for_verdict(void *monitor)
{
    uint8_t event[6];
    char address[ZAP_FRAME_MAX];
    uint16_t number;
    int n;
    do n = zmq_recv(monitor, event, sizeof(event), 0);
    while (n < 0 && errno == EINTR); /* a signal is no verdict */
    if (n < 0) return 0;
    zmq_recv(monitor, address, sizeof(address), 0);
    memcpy(&number, event, sizeof(number));
    return number;
}

static void local_address(void *socket, char *ret, size_t n)
{
    char bound[ZAP_FRAME_MAX];
    size_t size = sizeof(bound);
    CHECK(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, bound, &size) == 0);
    const char *any = "tcp://0.0.0.0:", *any6 = "tcp://[::]:";
    if (strncmp(bound, any, strlen(any)) == 0)
        snprintf(ret, n, "tcp://127.0.0.1:%s", bound + strlen(any));
    else if (strncmp(bound, any6, strlen(any6)) == 0)
        snprintf(ret, n, "tcp://[::1]:%s", bound + strlen(any6));
    else
        snprintf(ret, n, "%s", bound);
}

/* key NULL: without CURVE. 0 when neither let in nor refused in time. */
static int try_door(struct bus_context *c, const char *address, int type, const struct keypair *key,
                    const char *server_key)
{
    char name[48];
    int wait_ms = TEST_WAIT_MS, v = 0;
    snprintf(name, sizeof(name), "inproc://kesu-monitor-%u", c->n_monitors++);
    void *visitor = zmq_socket(c->zmq, type), *monitor = zmq_socket(c->zmq, ZMQ_PAIR);
    CHECK(visitor != NULL && monitor != NULL);
    set_linger(visitor);
    set_linger(monitor);
    zmq_setsockopt(monitor, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms));
    if (key != NULL) {
        CHECK(zmq_setsockopt(visitor, ZMQ_CURVE_SERVERKEY, server_key, KEY_TEXT) == 0);
        CHECK(zmq_setsockopt(visitor, ZMQ_CURVE_PUBLICKEY, key->public_key, KEY_TEXT) == 0);
        CHECK(zmq_setsockopt(visitor, ZMQ_CURVE_SECRETKEY, key->secret_key, KEY_TEXT) == 0);
    }
    if (zmq_socket_monitor(visitor, name, BUS_REFUSED | LET_IN) == 0 && zmq_connect(monitor, name) == 0 &&
        zmq_connect(visitor, address) == 0)
        v = wait_for_verdict(monitor);
    zmq_socket_monitor(visitor, NULL, 0);
    zmq_close(monitor);
    zmq_close(visitor);
    return v;
}

static int told(struct bus_door *d, int verdict, const char *what)
{
    int e = verdict == 0 ? E_TIMEOUT : E_PERMISSION;
    log_error(d->env, "the door is not as it should be", LOG_STR("socket", role_socket_name(d->name)),
              LOG_STR("because", what), LOG_ERR(e));
    return e;
}

int bus_curve_test(struct bus_context *c, struct bus_door *d, void *socket, int type)
{
    struct keypair stranger, listed;
    char address[ZAP_FRAME_MAX + 16];
    int visitor = type == ZMQ_PUB ? ZMQ_SUB : ZMQ_DEALER, e = 0;
    CHECK(keypair_new(&stranger) == 0 && keypair_new(&listed) == 0);
    local_address(socket, address, sizeof(address));
    set_test_key(c, d, stranger.public_key, false);
    int v = try_door(c, address, visitor, &stranger, d->public_key);
    if (v != ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) e = told(d, v, "a key that is not in the list was not refused");
    if (e == 0) {
        v = try_door(c, address, visitor, NULL, NULL);
        if ((v & BUS_REFUSED) == 0) e = told(d, v, "a client without a key was not refused");
    }
    if (e == 0) {
        set_test_key(c, d, listed.public_key, true);
        v = try_door(c, address, visitor, &listed, d->public_key);
        if (v != LET_IN) e = told(d, v, "a key of the list was not let in");
    }
    set_test_key(c, d, "", false);
    keypair_forget(&stranger);
    keypair_forget(&listed);
    return e;
}
