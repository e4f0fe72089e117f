/* SPDX-License-Identifier: Apache-2.0 */
/* A shift gives its open work to the next: what, by whom, to whom. */
#include "err.h"
#include "evolve_internal.h"

int intake_evolve_handover_opened(struct evolve *e)
{
    const Kesu__V1__HandoverOpened *b = e->event->handover_opened;
    Kesu__V1__HandoverState s = KESU__V1__HANDOVER_STATE__INIT;
    s.handover_id = b->handover_id;
    s.from = b->from;
    s.to = b->to;
    s.due_at = b->due_at;
    s.note = b->note;
    s.n_case_ids = b->n_case_ids;
    s.case_ids = b->case_ids;
    s.n_agents = b->n_agents;
    s.agents = b->agents;
    s.opened_at = e->block_time;
    for (size_t i = 0; i < e->event->n_clocks; i++) {
        s.n_escalate_at = e->event->clocks[i]->n_escalate_at;
        s.escalate_at = e->event->clocks[i]->escalate_at;
    }
    intake_handover_put(e->r, &s);
    return 0;
}

int intake_evolve_handover_accepted(struct evolve *e)
{
    Kesu__V1__HandoverState *s;
    int err = intake_handover_get(e->r, e->event->handover_accepted->handover_id, e->arena, &s);
    if (err != 0) return err;
    s->accepted = true;
    s->accepted_at = e->block_time;
    intake_handover_put(e->r, s);
    return 0;
}

int intake_evolve_handover_late(struct evolve *e)
{
    const Kesu__V1__ClockFired *b = e->event->clock_fired;
    Kesu__V1__HandoverState *s;
    int err = intake_handover_get(e->r, b->work_id, e->arena, &s);
    if (err != 0) return err;
    s->breached = true;
    if (b->level > s->escalated) s->escalated = b->level;
    intake_handover_put(e->r, s);
    return 0;
}
