/* SPDX-License-Identifier: Apache-2.0 */
/* Three ways in: services, people, new cases, drained by weight, so that a
 * surge of new cases never starves the work on those that are there. Each peer
 * may have so many commands unanswered. */
#ifndef INTAKE_LANES_H
#define INTAKE_LANES_H

#include "bus.h"
#include "svc.h"

#define N_LANES 3

struct intake;
struct intake_peer;

struct intake_lane {
    struct intake *in;
    struct bus_server *server;
    struct bus_server *far; /* tcp with keys, NULL when not set */
};

struct intake_lanes {
    struct intake_lane lanes[N_LANES];
    bool paused;
    uint32_t credit; /* commands a peer may have unanswered */
    struct intake_peer **peers;
    unsigned n_peer_slots, n_peers;
};

int intake_lanes_open(struct intake *in);
void intake_lanes_close(struct intake *in);
void intake_lanes_pause(struct intake *in, bool paused);
/* False when it would have more than its credit. */
bool intake_lanes_take(struct intake *in, struct bus_server *server, uint64_t peer, unsigned n_commands);
void intake_lanes_answered(struct intake *in, struct bus_server *server, uint64_t peer, unsigned n_commands);

#endif
