/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the skeleton: what svc.c, svc_main.c, svc_control.c and health.c share. */
#ifndef KESU_SVC_PRIVATE_H
#define KESU_SVC_PRIVATE_H

#include "bus.h"
#include "svc.h"

#define SVC_INSTANCE_BYTES 128

struct svc {
    struct env *env;
    const struct svc_def *def;
    struct conf *conf; /* borrowed */
    struct arena arena;
    char instance[SVC_INSTANCE_BYTES];
    void *self;
    bool started;
    int64_t started_at_us; /* wall */

    struct bus_server *control, *far_control;
    const struct svc_control_row *rows;
    unsigned n_rows;
    void (*on_info)(void *self, Kesu__V1__Info *info);
    void *control_self;
    struct arena request_arena;
};

/* --instance with the host's name put in, else the daemon's name. */
void svc_instance_name(const struct conf *conf, const struct svc_def *def, char ret[SVC_INSTANCE_BYTES]);

/* NULL when ready. */
const char *svc_not_ready(struct svc *svc);
bool svc_finishing(struct svc *svc);

int svc_control_open(struct svc *svc);
void svc_control_close(struct svc *svc);

/* Health over HTTP on its own thread. */
struct health;
struct health_opts {
    const char *host;
    uint16_t port; /* 0: any */
    struct stats *stats;
    struct env *env;
    const _Atomic int64_t *last_turn_us; /* monotonic */
};
/* E_EXISTS: the port is taken. E_IO. Until the first health_set_ready it says "starting". */
int health_open(const struct health_opts *opts, struct health **ret, uint16_t *ret_port);
void health_close(struct health *h);                            /* accepts NULL */
void health_set_ready(struct health *h, const char *not_ready); /* NULL: ready. Any thread. */

#endif
