/* SPDX-License-Identifier: Apache-2.0 */
/* Peers with unanswered commands are a chained hash table; one that has none
 * is forgotten. */
#include "lanes.h"

#include "check.h"
#include "err.h"
#include "intake.h"
#include "log.h"

#define FIRST_SLOTS 256

struct intake_peer {
    struct intake_peer *next;
    const struct bus_server *server;
    uint64_t peer;
    uint64_t unanswered;
};

/* Messages drained in a turn: 4 : 2 : 1. Of new cases a message may hold 1,024:
 * while they are decided, nobody should wait for a block that is on disk. */
static const struct {
    const char *name;
    unsigned budget;
    bool gives_way;
} lane_table[N_LANES] = {
    {"intake-services", 32, false},
    {"intake-people", 16, false},
    {"intake-new", 8, true},
};

static void on_near(void *self, uint64_t peer, const struct bus_msg *msg)
{
    struct intake_lane *lane = self;
    intake_batch_message(lane->in, lane->server, peer, msg);
}

static void on_far(void *self, uint64_t peer, const struct bus_msg *msg)
{
    struct intake_lane *lane = self;
    intake_batch_message(lane->in, lane->far, peer, msg);
}

int intake_lanes_open(struct intake *in)
{
    struct intake_lanes *l = &in->lanes;
    l->credit = (uint32_t)conf_int(svc_conf(in->svc), "command-credit");
    l->n_peer_slots = FIRST_SLOTS;
    l->peers = mem_zalloc(&in->env->mem, sizeof(*l->peers) * l->n_peer_slots);
    for (unsigned i = 0; i < N_LANES; i++) {
        struct intake_lane *lane = &l->lanes[i];
        lane->in = in;
        struct bus_server_opts opts = {.endpoint = svc_endpoint(in->svc, lane_table[i].name),
                                       .budget = lane_table[i].budget,
                                       .gives_way = lane_table[i].gives_way,
                                       .on_message = on_near,
                                       .self = lane};
        int err = bus_listen(in->env, &opts, &lane->server);
        if (err != 0) {
            log_error(in->env, "cannot listen", LOG_STR("endpoint", opts.endpoint), LOG_ERR(err));
            return err;
        }
        opts.on_message = on_far;
        err = svc_far_listen(in->svc, lane_table[i].name, opts, &lane->far);
        if (err != 0) return err;
    }
    return 0;
}

void intake_lanes_close(struct intake *in)
{
    struct intake_lanes *l = &in->lanes;
    for (unsigned i = 0; i < N_LANES; i++) {
        bus_server_close(in->env, l->lanes[i].server);
        bus_server_close(in->env, l->lanes[i].far);
    }
    for (unsigned i = 0; i < l->n_peer_slots; i++) {
        for (struct intake_peer *p = l->peers[i], *next; p != NULL; p = next) {
            next = p->next;
            mem_free(&in->env->mem, p);
        }
    }
    mem_free(&in->env->mem, l->peers);
    *l = (struct intake_lanes){0};
}

void intake_lanes_pause(struct intake *in, bool paused)
{
    struct intake_lanes *l = &in->lanes;
    if (paused == l->paused) return;
    l->paused = paused;
    for (unsigned i = 0; i < N_LANES; i++) {
        if (l->lanes[i].server != NULL) bus_pause(in->env, l->lanes[i].server, paused);
        if (l->lanes[i].far != NULL) bus_pause(in->env, l->lanes[i].far, paused);
    }
}

/* ---- credit ----------------------------------------------------------------- */

static struct intake_peer **find_peer(struct intake_lanes *l, const struct bus_server *server, uint64_t peer)
{
    uint64_t hash = (peer ^ (uint64_t)(uintptr_t)server >> 4) * UINT64_C(0x9e3779b97f4a7c15);
    struct intake_peer **p = &l->peers[(hash >> 32) & (l->n_peer_slots - 1)];
    while (*p != NULL && ((*p)->peer != peer || (*p)->server != server)) p = &(*p)->next;
    return p;
}

bool intake_lanes_take(struct intake *in, struct bus_server *server, uint64_t peer, unsigned n_commands)
{
    struct intake_peer **at = find_peer(&in->lanes, server, peer), *p = *at;
    if ((p != NULL ? p->unanswered : 0) + n_commands > in->lanes.credit) return false;
    if (n_commands == 0) return true;
    if (p == NULL) {
        p = mem_alloc(&in->env->mem, sizeof(*p));
        *p = (struct intake_peer){.server = server, .peer = peer};
        *at = p;
        in->lanes.n_peers++;
    }
    p->unanswered += n_commands;
    return true;
}

void intake_lanes_answered(struct intake *in, struct bus_server *server, uint64_t peer, unsigned n_commands)
{
    if (n_commands == 0) return;
    struct intake_peer **at = find_peer(&in->lanes, server, peer), *p = *at;
    CHECK(p != NULL && p->unanswered >= n_commands);
    p->unanswered -= n_commands;
    if (p->unanswered > 0) return;
    *at = p->next;
    in->lanes.n_peers--;
    mem_free(&in->env->mem, p);
}
