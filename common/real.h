/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the real environment: what its files share. No service includes it. */
#ifndef KESU_REAL_H
#define KESU_REAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "clock.h"
#include "env_real.h"
#include "sched.h"

/* Something the loop drains in each turn: a socket. */
struct real_source {
    bool (*has_input)(struct real_source *s); /* before sleeping: is there more? */
    bool (*drain)(struct real_source *s);     /* at most its budget; did anything run? */
    struct real_source *next;
    bool dead; /* unlinked and freed by the loop when nothing walks the list */
    void (*free)(struct real_source *s);
};

struct real_timers {
    struct timer **heap; /* by due */
    unsigned n, room;
    struct timer *firing; /* due in this turn, not yet called */
    uv_timer_t uv;
    int64_t armed_us;
    bool expired; /* uv's timer did: the loop must look before it sleeps */
};

struct real_pool {
    pthread_mutex_t mutex;
    uint8_t bytes[4096];
    size_t left;
};

struct curl_port;
struct bus_context;

struct env_real {
    struct env env; /* first: env and env_real are converted into each other */
    uv_loop_t loop;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    uv_timer_t tick;
    uv_async_t async;
    uv_signal_t signals[2];
    _Atomic int64_t last_turn;

    bool ran;    /* something ran in this turn */
    bool woken;  /* another turn is wanted */
    bool forced; /* ... and is this one */
    bool stopping;
    bool walking; /* sources or hooks: nothing is unlinked meanwhile */
    int status;

    struct real_timers timers;
    struct turn_hook *hooks;
    struct lane *lanes;
    bool lanes_changed;
    struct real_source *sources;
    void (*on_signal)(void *self, int signal);
    void *on_signal_self;

    struct real_pool random;
    struct bus_context *bus;
    struct curl_port *curl;
    struct stats_histogram *turn_time;
};

static inline struct env_real *real_of(struct env *env)
{
    return (struct env_real *)env;
}

/* A thread that no signal reaches: they are the loop's. */
void real_thread_start(pthread_t *ret, void *(*main)(void *), void *arg);

extern const struct clock_ops clock_real_ops;
extern const struct sched_ops loop_uv_ops;
extern const struct bus_ops bus_zmq_ops;
extern const struct store_ops store_lmdb_ops;
extern const struct files_ops files_posix_ops;
extern const struct mail_ops curl_mail_ops;
extern const struct http_ops curl_http_ops;

int loop_uv_init(struct env_real *r);
void loop_uv_deinit(struct env_real *r);
void loop_uv_add_source(struct env_real *r, struct real_source *s);
/* It is drained no more; its free is called when nothing walks the list. */
void loop_uv_drop_source(struct env_real *r, struct real_source *s);

struct timer *loop_timer_new(struct env *env, void (*on_due)(void *self), void *self);
void loop_timer_set(struct timer *t, int64_t due_mono_us);
void loop_timer_cancel(struct timer *t);
void loop_timer_free(struct timer *t);
bool loop_timers_run(struct env_real *r); /* fires what is due */
void loop_timers_arm(struct env_real *r); /* at the end of a turn: for the next due */
void loop_timers_deinit(struct env_real *r);

struct lane *loop_lane_open(struct env *env, const char *name);
void loop_lane_post(struct lane *lane, struct job *job);
void loop_lane_close(struct lane *lane);
bool loop_lanes_run(struct env_real *r);         /* calls done of what is finished */
bool loop_lanes_ended(const struct env_real *r); /* is there any? */

/* Made at first use. */
void bus_zmq_deinit(struct env_real *r);
void curl_deinit(struct env_real *r);

/* E_* of an errno. */
int real_error(int error_number);

#endif
