/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a running fold rebuilds from the journal:
 *
 *     bench_replay RUN_DIR FOLD
 *
 * Asks it to drop its store and looks until it has folded up to its head again. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ask.h"
#include "clock.h"
#include "env_real.h"
#include "sched.h"

#define LOOK_US (5 * USEC_PER_MS)

struct replay {
    struct env *env;
    struct ask *ask;
    struct timer *timer;
    uint64_t head, folded;
    bool dropped; /* seen with less than the head */
    int64_t start_us, last_us;
};

static void on_info(void *self, const Kesu__V1__ControlReply *reply)
{
    struct replay *r = self;
    if (reply->body_case != KESU__V1__CONTROL_REPLY__BODY_INFO) {
        env_stop(r->env, 1);
        return;
    }
    r->last_us = clock_mono_us(r->env);
    r->folded = reply->info->folded_seq;
    if (r->folded < r->head) r->dropped = true;
    if (r->dropped && r->folded >= r->head)
        env_stop(r->env, 0);
    else
        timer_set(r->env, r->timer, r->last_us + LOOK_US);
}

static void look(void *self)
{
    struct replay *r = self;
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__GetInfo get = KESU__V1__GET_INFO__INIT;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_INFO;
    request.info = &get;
    ask_send(r->ask, &request, on_info, r);
}

static void on_rebuilding(void *self, const Kesu__V1__ControlReply *reply)
{
    struct replay *r = self;
    (void)reply;
    look(r);
}

static void on_head(void *self, const Kesu__V1__ControlReply *reply)
{
    struct replay *r = self;
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__RebuildFold rebuild = KESU__V1__REBUILD_FOLD__INIT;
    if (reply->body_case != KESU__V1__CONTROL_REPLY__BODY_INFO) {
        env_stop(r->env, 1);
        return;
    }
    r->head = reply->info->folded_seq;
    r->start_us = clock_mono_us(r->env);
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_REBUILD_FOLD;
    request.rebuild_fold = &rebuild;
    ask_send(r->ask, &request, on_rebuilding, r);
}

int main(int argc, char **argv)
{
    struct env_real *real;
    struct replay r = {0};
    char endpoint[512];
    if (argc != 3 || env_real_new("replay", &real) < 0) return EXIT_FAILURE;
    r.env = env_real_env(real);
    r.timer = timer_new(r.env, look, &r);
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/%s-control.ipc", argv[1], argv[2]);
    if (ask_open(r.env, endpoint, &r.ask) < 0) return EXIT_FAILURE;
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__GetInfo get = KESU__V1__GET_INFO__INIT;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_INFO;
    request.info = &get;
    ask_send(r.ask, &request, on_head, &r);
    int status = env_real_run(real);
    if (status == 0)
        printf("events=%" PRIu64 " seconds=%.4f rate=%.0f\n", r.folded,
               (double)(r.last_us - r.start_us) / 1e6,
               (double)r.folded * 1e6 / (double)(r.last_us - r.start_us));
    ask_close(r.ask);
    timer_free(r.env, r.timer);
    env_real_free(&real);
    return status;
}
