/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in the journal and not in the register is applied before
 * commands are taken: at start, and after a block could not be written. */
#include "check.h"
#include "clock.h"
#include "err.h"
#include "evolve.h"
#include "intake.h"
#include "log.h"

#define STEP_US (20 * USEC_PER_MS)

void intake_apply(struct intake *in, const Kesu__V1__Event *event, uint64_t seq, int64_t block_time,
                  struct arena *arena, Kesu__V1__CaseState *state)
{
    int err = intake_evolve_decided(&in->reg, event, seq, block_time, arena, state);
    if (err == 0) err = intake_policy_on_event(&in->policy, event, seq);
    if (err == 0 && event->body_case == KESU__V1__EVENT__BODY_CUSTOMER_ERASED)
        intake_erase_note(in, event->customer_erased, seq);
    if (err == 0) return;
    log_error(in->env, "event does not fit the register", LOG_U64("seq", seq), LOG_ERR(err));
    env_die(in->env, "an event of the journal does not fit the register");
}

void intake_replay_begin(struct intake *in)
{
    in->replaying = true;
    intake_lanes_pause(in, true);
    if (intake_policy_load(&in->policy) != 0) env_die(in->env, "the policy in force cannot be read");
    sched_wake(in->env);
}

static int replay_block(struct intake *in, struct buf *block)
{
    struct block_head head;
    int err = block_open(buf_span(block), &head);
    for (uint32_t i = 0; i < head.count && err == 0; i++) {
        struct block_event ev;
        Kesu__V1__Event *event = NULL;
        block_event_at(buf_span(block), i, &ev);
        if (ev.seq <= in->reg.meta.seq) continue;
        arena_reset(&in->batch.arena);
        err = codec_unpack_own(&kesu__v1__event__descriptor, ev.bytes, &in->batch.arena, &event);
        if (err == 0) intake_apply(in, event, ev.seq, head.time_us, &in->batch.arena, NULL);
    }
    return err;
}

static void finish(struct intake *in)
{
    in->replaying = false;
    intake_batch_begin(in);
    log_info(in->env, "register is up to date", LOG_U64("seq", in->reg.meta.seq));
}

void intake_replay_step(struct intake *in)
{
    struct journal_head head = journal_head(in->journal);
    int64_t until = clock_mono_us(in->env) + STEP_US;
    unsigned n = 0;
    while (in->reg.meta.seq < head.seq && (n++ == 0 || clock_mono_us(in->env) < until) && n < 64) {
        struct buf *block = NULL;
        int err = journal_read(in->journal, in->reg.meta.seq + 1, &block);
        if (err == 0) err = replay_block(in, block);
        buf_unref(block);
        if (err == 0) continue;
        log_error(in->env, "journal cannot be replayed", LOG_U64("seq", in->reg.meta.seq + 1), LOG_ERR(err));
        env_die(in->env, "the journal cannot be replayed");
        return;
    }
    if (in->reg.meta.seq == head.seq)
        finish(in);
    else
        sched_wake(in->env);
}
