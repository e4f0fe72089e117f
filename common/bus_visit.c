/* SPDX-License-Identifier: Apache-2.0 */
/* A client with keys. ZeroMQ connects again by itself after every break, but
 * always with the same keys: when the server says no, or is another than the
 * one looked for, the files are read again and the next of the server's keys
 * is tried, at longer and longer intervals. So either side may change its pair
 * while the other runs. */
#include <zmq.h>

#include "bus_zmq.h"
#include "check.h"
#include "err.h"
#include "log.h"

#define SERVERS_MAX_BYTES ((size_t)64 << 10)
#define PAUSE_MAX         16 /* looks */

/* The turn-th key of the file, beginning anew behind the last. */
static int read_server_key(struct bus_visit *v, char ret[KEY_TEXT])
{
    struct span text, rest;
    char key[KEY_TEXT];
    unsigned n = 0;
    int e = keypair_read_trusted(&v->env->mem, v->servers_path, SERVERS_MAX_BYTES, &text);
    if (e < 0) return e;
    for (rest = text; (e = keypair_take_public(&rest, key)) > 0;) n++;
    if (e == 0 && n == 0) e = E_SYNTAX;
    if (e == 0) {
        unsigned wanted = v->turn % n;
        rest = text;
        for (unsigned i = 0; i <= wanted; i++) (void)keypair_take_public(&rest, ret);
    }
    mem_free(&v->env->mem, (void *)(uintptr_t)text.p);
    return e;
}

static int set_keys(struct bus_visit *v, void *socket)
{
    struct keypair own;
    char server[KEY_TEXT];
    int e = keypair_read(v->pair_path, &own);
    if (e < 0) {
        log_error(v->env, "cannot use the key pair", LOG_STR("file", v->pair_path), LOG_ERR(e));
        return e;
    }
    e = read_server_key(v, server);
    if (e < 0)
        log_error(v->env, "cannot use the server's keys", LOG_STR("file", v->servers_path), LOG_ERR(e));
    else if (zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server, KEY_TEXT) != 0 ||
             zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, own.public_key, KEY_TEXT) != 0 ||
             zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, own.secret_key, KEY_TEXT) != 0)
        e = E_UNSUPPORTED;
    keypair_forget(&own);
    return e;
}

static void open_monitor(struct bus_visit *v, struct bus_context *c, void *socket)
{
    char name[48];
    int zero = 0;
    snprintf(name, sizeof(name), "inproc://kesu-monitor-%u", c->n_monitors++);
    v->monitor = zmq_socket(c->zmq, ZMQ_PAIR);
    CHECK(v->monitor != NULL);
    zmq_setsockopt(v->monitor, ZMQ_LINGER, &zero, sizeof(zero));
    CHECK(zmq_socket_monitor(socket, name, BUS_REFUSED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED) == 0);
    CHECK(zmq_connect(v->monitor, name) == 0);
}

int bus_visit_open(struct env *env, struct bus_context *c, void *socket, const struct bus_keys *keys,
                   struct bus_visit **ret)
{
    if (keys->pair_path == NULL || keys->servers_path == NULL) return E_RANGE;
    struct bus_visit *v = mem_zalloc(&env->mem, sizeof(*v));
    v->env = env;
    v->pair_path = mem_strdup(&env->mem, keys->pair_path);
    v->servers_path = mem_strdup(&env->mem, keys->servers_path);
    int e = set_keys(v, socket);
    if (e < 0) {
        bus_visit_close(&v, socket);
        return e;
    }
    open_monitor(v, c, socket);
    *ret = v;
    return 0;
}

void bus_visit_close(struct bus_visit **p, void *socket)
{
    struct bus_visit *v = *p;
    if (v == NULL) return;
    *p = NULL;
    if (v->monitor != NULL) {
        zmq_socket_monitor(socket, NULL, 0);
        zmq_close(v->monitor);
    }
    mem_free(&v->env->mem, v->pair_path);
    mem_free(&v->env->mem, v->servers_path);
    mem_free(&v->env->mem, v);
}

/* The newest verdict, 0: none since. */
static uint16_t take_verdict(struct bus_visit *v)
{
    uint8_t event[6];
    char address[256];
    uint16_t verdict = 0;
    while (zmq_recv(v->monitor, event, sizeof(event), ZMQ_DONTWAIT) >= 0) {
        zmq_recv(v->monitor, address, sizeof(address), 0);
        memcpy(&verdict, event, sizeof(verdict));
    }
    return verdict;
}

/* After some refusals ZeroMQ tries no more: so a refusal counts until we are let in. */
bool bus_visit_look(struct bus_visit *v, void *socket)
{
    uint16_t verdict = take_verdict(v);
    if (verdict == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
        v->refused = false;
        v->refusals = v->pause = 0;
    }
    if ((verdict & BUS_REFUSED) != 0) v->refused = true;
    if (!v->refused) return false;
    if (v->pause > 0) {
        v->pause--;
        return false;
    }
    v->refusals++;
    v->pause = v->refusals < PAUSE_MAX ? v->refusals : PAUSE_MAX;
    v->turn++;
    if (v->refusals == 2 || v->refusals % 64 == 0) /* one refusal is how a change of keys looks */
        log_warn(v->env, "not let in: the key is not in the server's list, or it is another server",
                 LOG_STR("pair", v->pair_path), LOG_U64("refusals", v->refusals));
    v->refused = set_keys(v, socket) != 0;
    return !v->refused;
}
