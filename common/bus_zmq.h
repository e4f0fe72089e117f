/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the ZeroMQ bus: what bus_zmq.c and bus_curve.c share. */
#ifndef KESU_BUS_ZMQ_H
#define KESU_BUS_ZMQ_H

#include "bus.h"
#include "real.h"

struct bus_curve; /* answers for all CURVE servers of a context, on its own thread */

struct bus_context {
    void *zmq;
    struct bus_curve *curve; /* made with the first server that has keys */
    unsigned n_monitors;     /* names for them */
};

/* Before the bind: the ZAP handler is bound, the socket gets keys and a domain
 * that names its allow file. E_IO E_RANGE (keys that are none). */
int bus_curve_server(struct bus_context *c, void *socket, const struct bus_keys *keys);
int bus_curve_client(void *socket, const struct bus_keys *keys);
/* After the bind: a client with a fresh key must be refused. E_PERMISSION. */
int bus_curve_test(struct bus_context *c, void *socket, const struct bus_keys *keys);
void bus_curve_free(struct bus_curve **p);

#endif
