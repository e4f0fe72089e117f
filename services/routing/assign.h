/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets a case: proposals, decided without effects of their own.
 *
 * Waiting cases stand in a heap a class (department, category, language,
 * escalated or not), the most severe and then the oldest first. An agent must
 * be present, have room, and have skill and language; a requirement that
 * nobody of the department could ever meet is dropped. Agents of the chain of
 * command are asked when the case was escalated, or when the department has no
 * agents; when there are none either, those of the default department. */
#ifndef KESU_ROUTING_ASSIGN_H
#define KESU_ROUTING_ASSIGN_H

#include "agents.h"
#include "bars.h"
#include "policy.h"

struct routing_class;
struct routing_department;

struct routing_proposal {
    uint64_t case_id;
    struct routing_agent *agent; /* NULL while stale */
    uint64_t want_version;       /* stale: once the case has got there */
};

struct routing_assign {
    struct mem *mem;
    struct routing_agents agents;
    struct routing_department *departments;
    unsigned n_departments;
    struct routing_class **classes;
    unsigned n_classes, room_classes;
    struct map class_by_key;
    struct map flying; /* case id -> proposal */
    struct routing_bars bars;
    uint64_t *passed; /* in this run: cases that those who may have them have no room for */
    unsigned n_passed, room_passed;
    const Kesu__V1__Policy *policy;
    bool changed; /* a run may find something */
    bool shut;    /* some agent is shut for a time */
    /* The row of a case; anything but 0 or a state that is not triaged: it waits no more. */
    int (*get_case)(void *self, uint64_t case_id, struct routing_case *ret);
    void (*propose)(void *self, uint64_t case_id, const struct routing_case *c, const char *agent,
                    const char *reason);
    void *self;
};

void routing_assign_init(struct routing_assign *a, struct mem *mem);
void routing_assign_deinit(struct routing_assign *a);
/* The policy stays valid until the next call or deinit. */
void routing_assign_set_policy(struct routing_assign *a, const Kesu__V1__Policy *policy);
void routing_assign_presence(struct routing_assign *a, const char *id, bool present, uint32_t capacity);
void routing_assign_load(struct routing_assign *a, const char *id, int change);
void routing_assign_wait(struct routing_assign *a, uint64_t case_id, const struct routing_case *c);
/* The case was assigned or is over: its proposal, if any, is history. */
void routing_assign_settled(struct routing_assign *a, uint64_t case_id);
/* The case has this version now: a stale proposal may be decided again. */
void routing_assign_moved(struct routing_assign *a, uint64_t case_id, const struct routing_case *c);
/* The agent that is proposed may not have the case, whatever room they have; tell refused, too. */
void routing_assign_bar(struct routing_assign *a, uint64_t case_id);
/* A proposal was refused. retry: choose again; version: the case's, 0 when it was not that. */
void routing_assign_refused(struct routing_assign *a, uint64_t case_id, bool retry, uint64_t version,
                            int64_t now_us);
/* Who is here still, and on shift, at this time of the wall clock. */
void routing_assign_look(struct routing_assign *a, int64_t wall_us);
/* Proposes as much as fits: to who is on shift before who is not. now_us: monotonic. */
void routing_assign_run(struct routing_assign *a, int64_t now_us);
uint64_t routing_assign_waiting(const struct routing_assign *a); /* rows in heaps, some may be gone */

#endif
