/* SPDX-License-Identifier: Apache-2.0 */
/* The world a service lives in: every effect goes through here.
 *
 * A service gets one struct env and sees nothing else: no zmq.h, uv.h, lmdb.h,
 * no time(), no threads, no globals. env_real.h makes the real one (libuv,
 * ZeroMQ, LMDB, libcurl, POSIX files), sim/sim.h a simulated one (memory,
 * virtual time, one seed). The tables are called through the functions of
 * clock.h, sched.h, bus.h, store.h, files.h, mail.h, http.h. */
#ifndef KESU_ENV_H
#define KESU_ENV_H

#include "mem.h"

struct clock_ops;
struct sched_ops;
struct bus_ops;
struct store_ops;
struct files_ops;
struct mail_ops;
struct http_ops;
struct stats;

struct env {
    const char *name; /* of the service instance, for logs */
    struct mem mem;
    struct stats *stats; /* metrics registry of this instance */
    const struct clock_ops *clock;
    const struct sched_ops *sched;
    const struct bus_ops *bus;
    const struct store_ops *store;
    const struct files_ops *files;
    const struct mail_ops *mail;
    const struct http_ops *http;
    void (*random)(struct env *env, void *ret, size_t n);
    /* Stop in an orderly way with this exit status, at the end of the turn. */
    void (*stop)(struct env *env, int status);
    /* The process must not go on (a failed sync). Real: exits at once. */
    void (*die)(struct env *env, const char *why);
};

static inline void env_random(struct env *env, void *ret, size_t n)
{
    env->random(env, ret, n);
}

static inline void env_stop(struct env *env, int status)
{
    env->stop(env, status);
}

static inline void env_die(struct env *env, const char *why)
{
    env->die(env, why);
}

#endif
