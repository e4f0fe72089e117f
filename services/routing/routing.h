/* SPDX-License-Identifier: Apache-2.0 */
/* kesu-routing: what is opened is judged by workers and given to an agent.
 *
 *   CaseOpened ─▶ queue ─▶ worker ─▶ ClassifyCase ─▶ CaseClassified ─▶ heap ─▶ AssignCase ─▶ CaseAssigned
 *                   │ 3 bad ends, no key                ▲
 *                   └────────────▶ default queue ───────┘
 *
 * Believes only the journal, also about its own proposals. */
#ifndef KESU_ROUTING_H
#define KESU_ROUTING_H

#include "assign.h"
#include "fold.h"
#include "handover.h"
#include "identities.h"
#include "stats.h"
#include "svc.h"
#include "workers.h"

extern const struct svc_def routing_service;

#define ROUTING_WANT_KEYS 1024

struct routing_metrics {
    struct stats_value *queued, *keyless, *leased, *workers, *waiting;
    struct stats_value *given, *results, *failed, *dropped, *returned, *expired, *died, *bad;
    struct stats_value *fallbacks, *proposed, *refused, *stuck;
};

struct routing {
    struct svc *svc;
    struct env *env;
    struct fold *fold;
    struct routing_queue queue;
    struct routing_workers workers;
    struct routing_assign assign;
    struct routing_handover handover;
    struct identities identities;
    struct arena scratch; /* of one task or command */
    struct arena policy_arena;
    const Kesu__V1__Policy *policy; /* our copy */
    uint8_t policy_hash[32];
    uint32_t max_tries;
    uint64_t want_keys[ROUTING_WANT_KEYS];
    unsigned n_want_keys;
    int64_t keys_asked_us; /* 0: nothing is asked */
    unsigned n_stuck;      /* cases even the default queue was refused for */
    struct routing_metrics m;
};

/* dispatch.c: tasks to workers, while there are both. */
void routing_dispatch_run(struct routing *r);
void routing_dispatch_tick(struct routing *r);

/* classify.c: the task is in hand, or stale; afterwards it is sent or dropped. */
void routing_classify_send(struct routing *r, struct routing_task *t, const Kesu__V1__Judgement *judgement,
                           bool fallback, const char *reason);
void routing_classify_on_result(void *self, struct routing_task *t, const Kesu__V1__Judgement *judgement,
                                const char *reason);
void routing_classify_on_refused(struct routing *r, const Kesu__V1__ClassifyCase *sent,
                                 const Kesu__V1__Refused *refused);
void routing_classify_moved(struct routing *r, uint64_t case_id, uint64_t version);
/* Of a command about a case: never more than 20 days back, ids are refused after 30. */
int64_t routing_classify_id_time(const struct routing *r, int64_t changed_us);

/* poison.c: to the default queue, with the reason. */
void routing_poison_fallback(struct routing *r, struct routing_task *t, const char *reason);

/* events.c: the handlers of the fold. */
#define ROUTING_N_EVENTS 70
extern const struct fold_row routing_events_rows[ROUTING_N_EVENTS];
int routing_events_load(struct routing *r);
/* The case has another version now, and that is all. */
int routing_events_touch(void *self, struct fold *f, const struct fold_event *ev);

/* group.c: answers to incidents go to their members; merged cases. */
int routing_group_joined(void *self, struct fold *f, const struct fold_event *ev);
int routing_group_left(void *self, struct fold *f, const struct fold_event *ev);
int routing_group_answered(void *self, struct fold *f, const struct fold_event *ev);
int routing_group_shared(void *self, struct fold *f, const struct fold_event *ev);
int routing_group_merged(void *self, struct fold *f, const struct fold_event *ev);
int routing_group_unmerged(void *self, struct fold *f, const struct fold_event *ev);
void routing_group_on_refused(struct routing *r, const Kesu__V1__ShareAnswer *sent,
                              const Kesu__V1__Refused *refused);

/* propose.c: assign.h on the fold. */
void routing_propose_init(struct routing *r);
void routing_propose_run(struct routing *r);
void routing_propose_on_refused(struct routing *r, const Kesu__V1__AssignCase *sent,
                                const Kesu__V1__Refused *refused);
int routing_propose_write(struct routing *r);

/* Takes the policy in force when it is another. */
void routing_take_policy(struct routing *r);

#endif
