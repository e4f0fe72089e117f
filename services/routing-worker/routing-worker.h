/* SPDX-License-Identifier: Apache-2.0 */
/* kesu-routing-worker: judges complaints by the rules it was given. Holds no
 * truth: what it had in hand when it dies goes to another worker.
 *
 *   hello ─▶ rules ─▶ task ─▶ result ─▶ task ...
 *     ▲ hello wanted, or nothing heard of routing for 3 s */
#ifndef KESU_ROUTING_WORKER_H
#define KESU_ROUTING_WORKER_H

#include "bus.h"
#include "codec.h"
#include "rules.h"
#include "sched.h"
#include "stats.h"
#include "svc.h"

extern const struct svc_def routing_worker_service;

struct routing_worker_metrics {
    struct stats_value *tasks, *failed, *limit_hits, *bad, *lost, *hellos, *rules, *waiting;
    struct stats_histogram *judging;
};

/* A task that waits for its turn (work-delay). */
struct routing_worker_waiting {
    struct buf *task;
    int64_t due_us;
};

struct routing_worker_self {
    struct svc *svc;
    struct env *env;
    struct bus_client *client;
    struct timer *beat;
    struct timer *turn; /* when the next waiting task is due */
    const char *name;
    uint32_t credit;
    uint64_t epoch;
    int64_t heard_us; /* of routing; 0: never */
    int64_t delay_us;
    struct routing_worker_waiting *waiting; /* ring of `credit` places */
    uint32_t first_waiting, n_waiting;
    struct codec_pile results; /* not yet sent: they leave when the tasks of a message are done, at 5 ms */
    unsigned n_results;
    int64_t first_result_us;
    struct arena incoming, outgoing, judging;
    /* The rules in force; NULL and why not. */
    struct text_table *table;
    struct arena policy_arena;
    struct rules *rules;
    uint8_t policy_hash[32];
    bool has_hash;
    char no_rules_because[200];
    struct routing_worker_metrics m;
};

/* talk.c: with routing. */
int routing_worker_talk_open(struct routing_worker_self *w);
void routing_worker_talk_close(struct routing_worker_self *w); /* says goodbye; accepts half-opened */
void routing_worker_talk_result(struct routing_worker_self *w, Kesu__V1__TaskResult *result);

/* judge.c: takes over a policy (keeps the one before when that fails); answers a task. */
void routing_worker_judge_rules(struct routing_worker_self *w, struct span policy, const uint8_t hash[32]);
void routing_worker_judge_task(struct routing_worker_self *w, const Kesu__V1__Task *task);
void routing_worker_judge_forget(struct routing_worker_self *w);

#endif
