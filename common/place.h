/* SPDX-License-Identifier: Apache-2.0 */
/* Where a socket is found: in the run directory, or on another machine. */
#ifndef KESU_PLACE_H
#define KESU_PLACE_H

#include "bus.h"
#include "mem.h"

struct place {
    const char *endpoint;
    const struct bus_keys *keys; /* NULL: a socket of the run directory */
};

/* The settings; an empty path is the one in DATA_DIR/keys. */
struct place_opts {
    const char *run_dir, *data_dir;
    const char *address; /* HOST:PORT; "": the run directory */
    const char *pair;    /* DATA_DIR/keys/pair */
    const char *servers; /* to connect: DATA_DIR/keys/servers */
    const char *allow;   /* to listen: DATA_DIR/keys/allow */
};

/* All in the arena. E_UNSUPPORTED: this socket is not to be had over TCP.
 * E_RANGE: the address is none. E_NOMEM. */
int place_find(const struct place_opts *opts, const char *name, struct arena *arena, struct place *ret);

#endif
