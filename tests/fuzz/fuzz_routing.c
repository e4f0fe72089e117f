/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation of workers with routing: whatever they say, no task is lost
 * and none is in two places. Input: messages, each peer (1 byte), length (2,
 * little-endian), bytes; a length of 0xffff lets three seconds pass. */
#include "../../services/routing/workers.h"
#include "clock.h"
#include "err.h"
#include "fuzz.h"
#include "log.h"
#include "sim/sim.h"

#define N_TASKS 24

struct office {
    struct env *env;
    struct routing_queue queue;
    struct routing_workers workers;
    unsigned done;
};

static void dispatch(void *self)
{
    struct office *o = self;
    struct routing_worker *to;
    struct routing_task *t;
    while ((to = routing_workers_next(&o->workers)) != NULL && (t = routing_queue_take(&o->queue)) != NULL) {
        Kesu__V1__Task task = KESU__V1__TASK__INIT;
        CHECK(routing_workers_give(&o->workers, to, t, &task) == 0);
    }
    routing_workers_flush(&o->workers);
}

/* Nobody listens in here; as if it had been sent, so that results can follow. */
static int swallow(struct bus_server *s, uint64_t peer, struct span head, struct buf *body)
{
    (void)s;
    (void)peer;
    (void)head;
    (void)body;
    return 0;
}

static void on_result(void *self, struct routing_task *t, const Kesu__V1__Judgement *judgement,
                      const char *reason)
{
    struct office *o = self;
    CHECK(t->state == ROUTING_TASK_IN_HAND && reason != NULL);
    if (judgement == NULL) {
        routing_queue_return(&o->queue, t, true, reason);
        return;
    }
    o->done++;
    routing_queue_drop(&o->queue, t);
}

static void on_boot(void *self, struct env *env)
{
    struct office *o = self;
    uint8_t hash[32] = {0};
    static struct bus_ops deaf;
    deaf = *env->bus;
    deaf.reply = swallow;
    env->bus = &deaf;
    o->env = env;
    routing_queue_init(&o->queue, &env->mem);
    CHECK(routing_workers_open(env,
                               &(struct routing_workers_opts){.endpoint = "ipc://tasks",
                                                              .beat_us = USEC_PER_SEC,
                                                              .silence_us = 2 * USEC_PER_SEC,
                                                              .lease_us = 2 * USEC_PER_SEC,
                                                              .window = 8,
                                                              .max_workers = 3,
                                                              .queue = &o->queue,
                                                              .on_result = on_result,
                                                              .on_room = dispatch,
                                                              .self = o},
                               &o->workers) == 0);
    routing_workers_set_rules(&o->workers, SPAN_LIT("rules"), hash);
    for (uint64_t id = 1; id <= N_TASKS; id++) routing_queue_add(&o->queue, id);
    routing_queue_committed(&o->queue);
}

static void check(struct office *o)
{
    CHECK(o->workers.n <= 3);
    for (unsigned i = 0; i < o->workers.n; i++) {
        CHECK(o->workers.list[i]->leases.n <= 8);
        o->workers.list[i]->has_rules = true;
    }
    CHECK(o->done + routing_workers_leased(&o->workers) + routing_queue_waiting(&o->queue) == N_TASKS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct office o = {0};
    log_setup(LOG_ERROR, LOG_FORMAT_TEXT);
    struct sim *sim = sim_new(1, INT64_C(1700000000000000));
    sim_instance_new(sim, "routing", on_boot, &o);
    while (size >= 3) {
        uint64_t peer = data[0] % 4;
        size_t n = (size_t)data[1] | (size_t)data[2] << 8;
        data += 3, size -= 3;
        if (n == 0xffff) {
            sim_run(sim, 3 * USEC_PER_SEC);
        } else {
            if (n > size) n = size;
            routing_workers_on_message(&o.workers, peer, &(struct bus_msg){.head = span_of(data, n)});
            data += n, size -= n;
        }
        check(&o);
    }
    routing_workers_close(&o.workers);
    routing_queue_deinit(&o.queue);
    sim_free(&sim);
    return 0;
}
