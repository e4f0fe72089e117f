/* SPDX-License-Identifier: Apache-2.0 */
/* The skeleton of every daemon: arguments, settings, log, metrics and health
 * over HTTP from their own thread, the control socket, ordered stop.
 *
 * /healthz 200 "ok", or 200 "busy for N s" when the loop has not turned for
 * more than 2 s; a stopped process does not answer. /readyz 200 or 503 with the
 * reason. /metrics Prometheus. The skeleton's own settings: --config FILE,
 * --run-dir, --data-dir, --http-port (0: any, its number in RUN_DIR/INSTANCE.port), --http-host,
 * --log-level, --log-format, --instance (the daemon's name unless several of it run). */
#ifndef KESU_SVC_H
#define KESU_SVC_H

#include "bus.h"
#include "codec.h"
#include "conf.h"
#include "env.h"
#include "place.h"

struct svc;

/* An instance of a service in an env; also how the simulation starts one. */
struct svc_def {
    const char *name;                /* "sla-watch"; the binary is kesu-NAME */
    const char *summary;             /* one line for --help */
    const struct conf_def *settings; /* ends with name NULL */
    /* Returns 0 and the instance, or an error after logging it. */
    int (*start)(struct svc *svc, void **ret_self);
    void (*stop)(void *self);             /* frees it; what is durable stays */
    const char *(*not_ready)(void *self); /* NULL when ready, else why; may be NULL */
    /* Asked from a signal to stop on: nothing new is begun; true while what is on its way may still come to
     * its end, for some seconds at most. May be NULL. */
    bool (*finishing)(void *self);
};

int svc_main(int argc, char **argv, const struct svc_def *def);

/* The skeleton's settings, for tables of settings and documentation. */
extern const struct conf_def svc_settings[];

struct env *svc_env(struct svc *svc);
const char *svc_instance(struct svc *svc); /* as --instance says */
const struct conf *svc_conf(struct svc *svc);
/* RUN_DIR/NAME.ipc as an endpoint, from svc's arena: svc_endpoint(svc, "intake-new"). */
const char *svc_endpoint(struct svc *svc, const char *name);
/* Where to connect to a socket of intake or routing: there, or on the machine --peer names. */
int svc_peer(struct svc *svc, const char *name, struct place *ret);
/* Where to listen for other machines besides; keys NULL: nowhere. Of a daemon with SVC_FAR_SETTINGS. */
int svc_far(struct svc *svc, const char *name, struct place *ret);
/* Listens there with these options but for endpoint and keys; 0 and *ret as it was: nowhere. */
int svc_far_listen(struct svc *svc, const char *name, struct bus_server_opts opts, struct bus_server **ret);
#define SVC_FAR_SETTINGS                                                                             \
    {"tcp-host",                                                                                     \
     CONF_STRING,                                                                                    \
     "",                                                                                             \
     0,                                                                                              \
     0,                                                                                              \
     NULL,                                                                                           \
     "address to listen at for other machines, with CURVE; empty: none"},                            \
        {"tcp-port",                                                                                 \
         CONF_INT,                                                                                   \
         "7700",                                                                                     \
         1,                                                                                          \
         65528,                                                                                      \
         NULL,                                                                                       \
         "first of eight ports, one a socket, as PROTOCOL.md numbers them"},                         \
    {                                                                                                \
        "allow-list", CONF_PATH, "", 0, 0, NULL, "who may come over TCP; empty: DATA_DIR/keys/allow" \
    }
/* DATA_DIR/NAME */
const char *svc_path(struct svc *svc, const char *name);

/* Control socket: RUN_DIR/INSTANCE-control.ipc. GetInfo is answered by the
 * skeleton, on_info may add to it. A handler answers now, or keeps the peer
 * and request id and answers later with svc_answer. */
typedef void (*svc_handler)(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request);
struct svc_control_row {
    Kesu__V1__ControlRequest__BodyCase body;
    svc_handler handle;
};
int svc_control(struct svc *svc, const struct svc_control_row *rows, unsigned n,
                void (*on_info)(void *self, Kesu__V1__Info *info), void *self);
/* The same on the machine's outside, for who has SVC_FAR_SETTINGS; roles are checked. */
int svc_control_far(struct svc *svc, const char *name);
void svc_answer(struct svc *svc, uint64_t peer, uint64_t request_id, Kesu__V1__ControlReply *reply);
void svc_refuse(struct svc *svc, uint64_t peer, uint64_t request_id, int err, const char *field,
                const char *reason);

/* A service without svc_main, for tests and the simulation. The svc lives in env->mem. */
int svc_new(struct env *env, const struct svc_def *def, struct conf *conf, struct svc **ret);
void svc_free(struct svc **p); /* stops the instance */
void *svc_self(struct svc *svc);

#endif
