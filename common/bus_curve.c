/* SPDX-License-Identifier: Apache-2.0 */
/* CURVE for the bus: keys, and who may connect.
 *
 * Without a bound ZAP handler ZeroMQ lets any client key in, so the handler is
 * bound before the first server socket and, after each bind, a client with a
 * fresh key tries the door: were it let in, the server would not start. The
 * handler runs on its own thread, because ZeroMQ asks it while the loop may
 * be waiting. Allow file: a line each, KEY ROLE NAME; # begins a comment; it
 * is read at each new connection, so that a change needs no restart. */
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "bus_zmq.h"
#include "check.h"
#include "err.h"
#include "log.h"

#define KEY_TEXT      40
#define KEY_BYTES     32
#define TEST_WAIT_MS  3000
#define LINE_BYTES    512
#define ZAP_FRAMES    16
#define ZAP_FRAME_MAX 256

struct bus_curve {
    void *zap;  /* REP, of the thread */
    void *stop; /* PAIR; its other end ... */
    void *stop_inside;
    pthread_t thread;
};

/* ---- who may ----------------------------------------------------------- */

/* The ROLE NAME of the key in the file, or false. */
static bool find_key(const char *path, const char *key, char *ret_user, size_t n)
{
    FILE *f = fopen(path, "re");
    if (f == NULL) return false;
    char line[LINE_BYTES], found[KEY_TEXT + 2], role[64], name[65];
    bool yes = false;
    while (!yes && fgets(line, sizeof(line), f) != NULL) {
        if (line[0] == '#') continue;
        if (sscanf(line, "%41s %63s %64s", found, role, name) != 3 || strcmp(found, key) != 0) continue;
        snprintf(ret_user, n, "%s %s", role, name);
        yes = true;
    }
    (void)fclose(f);
    return yes;
}

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

static void answer_request(void *zap, const struct zap_request *q)
{
    char user[160] = "", key[KEY_TEXT + 1] = "";
    bool yes = q->n == 7 && strcmp(q->frames[5], "CURVE") == 0 && q->sizes[6] == KEY_BYTES &&
               zmq_z85_encode(key, (const uint8_t *)q->frames[6], KEY_BYTES) != NULL &&
               find_key(q->frames[2], key, user, sizeof(user)); /* the domain is the file */
    const char *id = q->n > 1 ? q->frames[1] : "";
    zmq_send(zap, "1.0", 3, ZMQ_SNDMORE);
    zmq_send(zap, id, q->n > 1 ? q->sizes[1] : 0, ZMQ_SNDMORE);
    zmq_send(zap, yes ? "200" : "400", 3, ZMQ_SNDMORE);
    zmq_send(zap, "", 0, ZMQ_SNDMORE);
    zmq_send(zap, user, strlen(user), ZMQ_SNDMORE);
    zmq_send(zap, "", 0, 0);
}

static void *curve_main(void *arg)
{
    struct bus_curve *c = arg;
    zmq_pollitem_t items[2] = {{c->zap, 0, ZMQ_POLLIN, 0}, {c->stop_inside, 0, ZMQ_POLLIN, 0}};
    while (zmq_poll(items, 2, -1) >= 0 && items[1].revents == 0) {
        struct zap_request q;
        if (items[0].revents != 0 && receive_request(c->zap, &q)) answer_request(c->zap, &q);
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

static int start_handler(struct bus_context *context)
{
    if (context->curve != NULL) return 0;
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
    CHECK(pthread_create(&c->thread, NULL, curve_main, c) == 0);
    context->curve = c;
    return 0;
}

void bus_curve_free(struct bus_curve **p)
{
    struct bus_curve *c = *p;
    if (c == NULL) return;
    *p = NULL;
    zmq_send(c->stop, "", 0, 0);
    pthread_join(c->thread, NULL);
    zmq_close(c->stop);
    mem_free(&mem_libc, c);
}

/* ---- keys -------------------------------------------------------------- */

static int set_key(void *socket, int option, const char *key)
{
    if (key == NULL || strlen(key) != KEY_TEXT) return E_RANGE;
    return zmq_setsockopt(socket, option, key, KEY_TEXT + 1) == 0 ? 0 : E_RANGE;
}

int bus_curve_server(struct bus_context *c, void *socket, const struct bus_keys *keys)
{
    if (keys->allow_path == NULL || strlen(keys->allow_path) >= ZAP_FRAME_MAX) return E_RANGE;
    int e = start_handler(c);
    int yes = 1;
    if (e == 0) e = zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &yes, sizeof(yes)) == 0 ? 0 : E_UNSUPPORTED;
    if (e == 0) e = set_key(socket, ZMQ_CURVE_SECRETKEY, keys->secret_key);
    if (e == 0 && zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, keys->allow_path, strlen(keys->allow_path)) != 0)
        e = E_IO;
    return e;
}

int bus_curve_client(void *socket, const struct bus_keys *keys)
{
    int e = set_key(socket, ZMQ_CURVE_SERVERKEY, keys->server_key);
    if (e == 0) e = set_key(socket, ZMQ_CURVE_PUBLICKEY, keys->public_key);
    if (e == 0) e = set_key(socket, ZMQ_CURVE_SECRETKEY, keys->secret_key);
    return e;
}

/* ---- the test of the door ---------------------------------------------- */

/* What the server's socket says of a try: refused or let in; 0 for neither. */
static int wait_for_verdict(void *monitor)
{
    uint8_t event[6];
    char address[ZAP_FRAME_MAX];
    for (;;) {
        if (zmq_recv(monitor, event, sizeof(event), 0) < 0) return 0;
        zmq_recv(monitor, address, sizeof(address), 0);
        uint16_t number;
        memcpy(&number, event, sizeof(number));
        if (number == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH || number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
            return number;
    }
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

int bus_curve_test(struct bus_context *c, void *socket, const struct bus_keys *keys)
{
    char public_key[KEY_TEXT + 1], secret_key[KEY_TEXT + 1], server_key[KEY_TEXT + 1];
    char address[ZAP_FRAME_MAX + 16], name[48];
    CHECK(zmq_curve_keypair(public_key, secret_key) == 0);
    if (zmq_curve_public(server_key, keys->secret_key) != 0) return E_RANGE;
    local_address(socket, address, sizeof(address));
    snprintf(name, sizeof(name), "inproc://kesu-monitor-%u", c->n_monitors++);
    void *stranger = zmq_socket(c->zmq, ZMQ_DEALER), *monitor = zmq_socket(c->zmq, ZMQ_PAIR);
    CHECK(stranger != NULL && monitor != NULL);
    set_linger(stranger);
    set_linger(monitor);
    int wait_ms = TEST_WAIT_MS, v = 0;
    zmq_setsockopt(monitor, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms));
    struct bus_keys wrong = {.public_key = public_key, .secret_key = secret_key, .server_key = server_key};
    int e = bus_curve_client(stranger, &wrong);
    if (zmq_socket_monitor(stranger, name, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_SUCCEEDED) !=
            0 ||
        zmq_connect(monitor, name) != 0 || zmq_connect(stranger, address) != 0)
        e = E_IO;
    if (e == 0) v = wait_for_verdict(monitor);
    if (e == 0 && v != ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) e = E_PERMISSION;
    zmq_socket_monitor(stranger, NULL, 0);
    zmq_close(monitor);
    zmq_close(stranger);
    return e;
}
