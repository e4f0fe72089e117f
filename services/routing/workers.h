/* SPDX-License-Identifier: Apache-2.0 */
/* The routing workers: who is there, what each holds, and the talk with them.
 *
 *      HELLO                    silent for silence_us, BYE,
 *   ─────────▶ known ──────────────────────────────────────▶ gone: leases go back
 *                ▲   HELLO of another epoch or connection: leases go back
 *                └───┘
 *
 * Reading the rules takes a worker a while: until its hello names them it gets
 * no tasks, and its silence means nothing.
 *
 * A worker handles its tasks in the order it got them: the one in hand is the
 * oldest of its leases, and when a worker dies that one is to blame. Results of
 * another epoch, another attempt, or a lease that has gone back are dropped. */
#ifndef KESU_ROUTING_WORKERS_H
#define KESU_ROUTING_WORKERS_H

#include "bus.h"
#include "codec.h"
#include "place.h"
#include "queue.h"

#define ROUTING_WORKER_NAME_MAX   64
#define ROUTING_WORKER_CREDIT_MAX 1024

struct routing_worker {
    char name[ROUTING_WORKER_NAME_MAX + 1];
    uint64_t epoch;
    uint64_t peer;
    uint32_t credit;
    bool has_rules;        /* said so in its last hello: only then it gets tasks */
    int64_t rules_sent_us; /* 0: not yet */
    bool full;             /* its queue on the wire is: nothing more until the next beat */
    int64_t heard_us;
    uint64_t done;
    struct routing_list leases; /* oldest first */
    struct codec_pile pile;     /* tasks given and not yet sent: the newest n_piled leases */
    unsigned n_piled;
};

struct routing_workers_opts {
    const char *endpoint;
    struct place far; /* for workers on other machines; keys NULL: nowhere */
    int64_t beat_us, silence_us, lease_us;
    unsigned window; /* tasks a worker holds at most, whatever its credit */
    unsigned max_workers;
    struct routing_queue *queue;
    /* A result of a lease that holds; the task is in hand. NULL judgement: it failed, with reason. */
    void (*on_result)(void *self, struct routing_task *t, const Kesu__V1__Judgement *judgement,
                      const char *reason);
    void (*on_room)(void *self); /* somebody may take tasks now, or tasks came back */
    void *self;
};

/* How often each thing happened, for metrics. */
struct routing_workers_counts {
    int64_t bad, unknown, stale, hellos, died, left, expired, returned, given, results, failed;
};

struct routing_workers {
    struct env *env;
    struct routing_workers_opts opts;
    struct bus_server *server, *far_server;
    struct timer *beat;
    struct arena incoming, outgoing;
    struct routing_worker **list;
    unsigned n, room;
    struct map by_peer; /* peer + 1 */
    struct span rules;  /* encoded Policy in force, ours; p is NULL: none yet */
    uint8_t rules_hash[32];
    struct routing_workers_counts counts;
};

int routing_workers_open(struct env *env, const struct routing_workers_opts *opts,
                         struct routing_workers *ret);
void routing_workers_close(struct routing_workers *w);
/* Copies the policy. Told to all, and again until their hello says they have it. */
void routing_workers_set_rules(struct routing_workers *w, struct span policy, const uint8_t hash[32]);
/* Who takes the next task: the one that holds fewest. NULL: nobody has room. */
struct routing_worker *routing_workers_next(struct routing_workers *w);
/* Gives a task in hand; task_id, attempt and policy_hash are set here. It leaves
 * with the next flush at the latest, one that has ended badly before alone, so
 * that it does not take others with it. E_TOO_BIG: it is still in hand. */
int routing_workers_give(struct routing_workers *w, struct routing_worker *to, struct routing_task *t,
                         Kesu__V1__Task *task);
/* Sends what was given. What cannot be sent goes back unblamed. */
void routing_workers_flush(struct routing_workers *w);
/* All leases go back unblamed: the fold starts anew. */
void routing_workers_recall(struct routing_workers *w);
unsigned routing_workers_leased(const struct routing_workers *w);
/* What came from outside, as the bus hands it over. */
void routing_workers_on_message(void *self, uint64_t peer, const struct bus_msg *msg);

#endif
