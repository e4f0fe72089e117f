/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the ZeroMQ bus: what bus_zmq.c and the files about CURVE share. */
#ifndef KESU_BUS_ZMQ_H
#define KESU_BUS_ZMQ_H

#include "allow.h"
#include "bus.h"
#include "real.h"

/* Events of a monitor that say no. For those that include zmq.h. */
#define BUS_REFUSED                                                           \
    (ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | \
     ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)

struct bus_curve; /* answers for all doors of a context, on its own thread */

struct bus_context {
    void *zmq;
    struct bus_curve *curve; /* made with the first door */
    unsigned n_monitors;     /* names for them */
};

/* ---- bus_curve.c: who is let in ------------------------------------------ */

/* A bound socket with keys. The ZAP handler finds it by its domain, the name of the socket. */
struct bus_door {
    struct bus_door *next;
    struct env *env;
    enum role_socket name;
    char *pair_path, *allow_path;
    struct allow_list *list; /* written by the loop under the handler's mutex ... */
    int64_t allow_stamp;     /* likewise: of the file when it was read */
    char test_key[KEY_TEXT]; /* likewise; "": none; of the test of the door */
    bool test_let_in;        /* likewise */
    char public_key[KEY_TEXT];
    int64_t pair_stamp;
};

/* The handler is bound before the door exists. */
void bus_curve_add(struct bus_context *c, struct bus_door *d);
void bus_curve_remove(struct bus_context *c, struct bus_door *d);
/* Takes the list; NULL: the file of this stamp is not taken, the list stays. */
void bus_curve_set_list(struct bus_context *c, struct bus_door *d, struct allow_list *list, int64_t stamp);
void bus_curve_free(struct bus_curve **p);
/* After each bind: a fresh key and no key at all must be refused, a listed one let in. type: of the socket.
 * E_PERMISSION; E_TIMEOUT when there was no verdict. */
int bus_curve_test(struct bus_context *c, struct bus_door *d, void *socket, int type);

/* ---- bus_door.c: a server's files ---------------------------------------- */

/* Before the bind. E_PERMISSION, E_NOT_FOUND, E_SYNTAX, E_IO, logged. */
int bus_door_open(struct env *env, struct bus_context *c, void *socket, const struct bus_keys *keys,
                  struct bus_door **ret);
void bus_door_close(struct bus_context *c, struct bus_door **p);
/* Of a file: changes with every replacement and every writing. Any thread. -1: not there. */
int64_t bus_door_stamp(const char *path);
/* True: the socket must be bound anew, so that all connections are made again. */
bool bus_door_look(struct bus_context *c, struct bus_door *d, void *socket);
/* Of a message's User-Id; NULL: taken from the list since. */
const struct role_user *bus_door_user(const struct bus_door *d, const char *key);

/* ---- bus_visit.c: a client's files --------------------------------------- */

struct bus_visit {
    struct env *env;
    char *pair_path, *servers_path;
    void *monitor;
    unsigned turn;            /* which of the server's keys */
    bool refused;             /* and nothing tried since */
    unsigned refusals, pause; /* in a row; looks to wait */
};

int bus_visit_open(struct env *env, struct bus_context *c, void *socket, const struct bus_keys *keys,
                   struct bus_visit **ret);
void bus_visit_close(struct bus_visit **p, void *socket);
/* True: it was not let in and has other keys now: connect anew. */
bool bus_visit_look(struct bus_visit *v, void *socket);

#endif
