/* SPDX-License-Identifier: Apache-2.0 */
/* The only writer: commands in, events into the journal, blocks out.
 *
 *   replaying ──▶ making keys ──▶ ready ◀──▶ paused (too much in flight)
 *       ▲                           │
 *       └──── an append failed ─────┘                                      */
#ifndef INTAKE_INTAKE_H
#define INTAKE_INTAKE_H

#include "batch.h"
#include "control.h"
#include "erase.h"
#include "head_export.h"
#include "journal.h"
#include "keys.h"
#include "lanes.h"
#include "leavers.h"
#include "poison.h"
#include "policy_parts.h"
#include "readers.h"
#include "register.h"
#include "secrets.h"
#include "storage.h"
#include "svc.h"
#include "wallclock.h"

struct intake {
    struct svc *svc;
    struct env *env;
    struct journal *journal;
    struct intake_register reg;
    struct intake_keys *keys;
    struct intake_secrets secrets;
    struct intake_poison *poison;
    struct intake_policy policy;
    struct intake_wallclock wallclock;
    struct intake_storage storage;
    struct intake_batch batch;
    struct intake_erase erase;
    struct intake_lanes lanes;
    struct intake_readers readers;
    struct intake_control control;
    struct intake_head_export head_export;
    struct intake_leavers leavers;
    struct bus_publisher *hints, *far_hints; /* NULL: nowhere */
    struct turn_hook *turn;
    struct timer *tick;
    bool replaying;
    bool open; /* the sockets are */
    bool failed, stopping;
    struct {
        struct stats_value *accepted, *duplicate, *refused, *events, *blocks, *overloaded, *readers, *head,
            *storage_low, *clock_alarm, *pending_bytes, *poison_refused, *erased;
        struct stats_histogram *commit;
    } stats;
};

extern const struct svc_def intake_service;

/* Events the register has not got, from the journal, a few blocks a turn. */
void intake_replay_begin(struct intake *in);
void intake_replay_step(struct intake *in);
/* One event into register and policy: live and replayed alike. Stops the process when it does not fit.
 * state: as intake_evolve_decided has it. */
void intake_apply(struct intake *in, const Kesu__V1__Event *event, uint64_t seq, int64_t block_time,
                  struct arena *arena, Kesu__V1__CaseState *state);

#endif
