/* SPDX-License-Identifier: Apache-2.0 */
/* Events to rows. The rules for what has fired are intake's: a step counts as
 * not fired again when a move puts its time after the block that moves it; a
 * start is a new run, of which nothing has fired but what it says. */
#include "err.h"
#include "log.h"
#include "sla-watch.h"

static void disarm(struct sla_watch *w, struct fold *f, const struct sla_clock *c)
{
    struct sla_step step;
    struct sla_due due;
    struct key k;
    if (!sla_clock_next(c, &step)) return;
    sla_due_of(c, &step, &due);
    sla_due_key(&due, &k);
    fold_del(f, SLA_DUES, key_span(&k));
    sla_fire_unsend(f, c, &step);
    w->armed--;
    w->armed_changed = true;
}

static void arm(struct sla_watch *w, struct fold *f, const struct sla_clock *c)
{
    struct sla_step step;
    struct sla_due due;
    struct key k;
    if (!sla_clock_next(c, &step)) return;
    sla_due_of(c, &step, &due);
    sla_due_key(&due, &k);
    fold_put(f, SLA_DUES, key_span(&k), SPAN_LIT("."));
    w->armed++;
    w->armed_changed = true;
    sla_fire_armed(w, &due);
}

static int set_times(struct sla_clock *c, const Kesu__V1__ClockChange *change, const struct fold_event *ev)
{
    if (change->n_escalate_at > DUE_MAX_LEVELS) return E_RANGE;
    c->set_seq = ev->seq;
    c->started_at = change->started_at;
    c->warn_at = change->warn_at;
    c->due_at = change->due_at;
    c->n_levels = (unsigned)change->n_escalate_at;
    for (unsigned i = 0; i < c->n_levels; i++) c->escalate_at[i] = change->escalate_at[i];
    if (change->op == KESU__V1__CLOCK_CHANGE__OP__OP_START) {
        c->warned = change->warned;
        c->breached = change->breached;
        c->escalated = change->escalated;
        return 0;
    }
    if (change->warn_at > ev->time_us) c->warned = false;
    if (change->due_at > ev->time_us) {
        c->breached = false;
        c->escalated = 0;
    }
    return 0;
}

static int start_clock(struct sla_case *row, const char *name, struct sla_clock **ret)
{
    if (row->n == SLA_MAX_CLOCKS) return E_RANGE;
    struct sla_clock *c = &row->clocks[row->n];
    memset(c, 0, sizeof(*c));
    c->case_id = row->case_id;
    c->of_work = row->of_work;
    if (!sla_name(c->name, name)) return E_RANGE;
    row->n++;
    *ret = c;
    return 0;
}

static int change_clock(struct sla_watch *w, struct fold *f, struct sla_case *row,
                        const Kesu__V1__ClockChange *change, const struct fold_event *ev)
{
    struct sla_clock *c = sla_rows_find(row, change->clock);
    if (c != NULL) disarm(w, f, c);
    if (change->op == KESU__V1__CLOCK_CHANGE__OP__OP_STOP) {
        if (c != NULL) *c = row->clocks[--row->n];
        return 0;
    }
    int r = c == NULL ? start_clock(row, change->clock, &c) : 0;
    if (r == 0) r = set_times(c, change, ev);
    if (r == 0) arm(w, f, c);
    return r;
}

static int fire(struct sla_watch *w, struct fold *f, struct sla_case *row, const Kesu__V1__ClockFired *fired)
{
    struct sla_clock *c = sla_rows_find(row, fired->clock);
    if (c == NULL) return 0;
    disarm(w, f, c);
    if (fired->step == KESU__V1__FIRE_CLOCK__STEP__STEP_WARN) c->warned = true;
    if (fired->step == KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH) c->breached = true;
    if (fired->step == KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE && fired->level > c->escalated)
        c->escalated = fired->level;
    arm(w, f, c);
    return 0;
}

/* Of a handover or an 8D. */
static int work_fired(struct sla_watch *w, struct fold *f, const Kesu__V1__ClockFired *fired)
{
    struct sla_case row;
    int r = sla_rows_get(f, fired->work_id, &row);
    if (r == 0) r = fire(w, f, &row, fired);
    if (r == 0) sla_rows_put(f, &row);
    return r;
}

static int change_work(struct sla_watch *w, struct fold *f, const Kesu__V1__ClockChange *change,
                       const struct fold_event *ev)
{
    struct sla_case row;
    int r = sla_rows_get(f, change->work_id, &row);
    row.of_work = true;
    if (r == 0) r = change_clock(w, f, &row, change, ev);
    if (r == 0) sla_rows_put(f, &row);
    return r;
}

static int on_work_event(void *self, struct fold *f, const struct fold_event *ev)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < ev->event->n_clocks; i++)
        if (ev->event->clocks[i]->work_id != 0) r = change_work(self, f, ev->event->clocks[i], ev);
    return r;
}

static int on_case_event(void *self, struct fold *f, const struct fold_event *ev)
{
    struct sla_watch *w = self;
    const Kesu__V1__Event *e = ev->event;
    bool fired = ev->type == KESU__V1__EVENT__BODY_CLOCK_FIRED;
    struct sla_case row;
    int r = 0;
    if (e->n_clocks == 0 && !fired) return 0;
    if (fired && ev->case_id == 0) return work_fired(w, f, e->clock_fired);
    if (ev->type == KESU__V1__EVENT__BODY_CASE_OPENED) {
        row.case_id = ev->case_id;
        row.of_work = false;
        row.n = 0;
    } else {
        r = sla_rows_get(f, ev->case_id, &row);
    }
    if (r == 0 && fired) r = fire(w, f, &row, e->clock_fired);
    for (size_t i = 0; r == 0 && i < e->n_clocks; i++)
        if (e->clocks[i]->work_id == 0) r = change_clock(w, f, &row, e->clocks[i], ev);
    if (r == 0) sla_rows_put(f, &row);
    return r;
}

static int on_eightd_closed(void *self, struct fold *f, const struct fold_event *ev)
{
    int r = on_work_event(self, f, ev);
    return r == 0 && ev->case_id != 0 ? on_case_event(self, f, ev) : r;
}

static int on_clock_accepted(void *self, struct fold *f, const struct fold_event *ev)
{
    struct sla_watch *w = self;
    (void)ev;
    if (w->fold == NULL || !fold_live(f)) return 0;
    sla_wallclock_init(&w->wallclock, w->env);
    sla_fire_start(w);
    return 0;
}

/* All events of cases: any may start or stop a clock. */
#define ROW(name)                                   \
    {                                               \
        KESU__V1__EVENT__BODY_##name, on_case_event \
    }
const struct fold_row sla_events_rows[SLA_N_EVENTS] = {
    ROW(CASE_OPENED),
    ROW(MESSAGE_ADDED),
    ROW(CASE_CLASSIFIED),
    ROW(CASE_ASSIGNED),
    ROW(WORK_STARTED),
    ROW(NOTE_ADDED),
    ROW(CASE_RESOLVED),
    ROW(CASE_CLOSED),
    ROW(CLOCK_FIRED),
    ROW(DELIVERY_RECORDED),
    ROW(RECORD_AMENDED),
    ROW(NATURE_SET),
    ROW(EVIDENCE_ADDED),
    ROW(FILE_RETURNED),
    ROW(ACCUSED_NAMED),
    ROW(STATEMENT_RECORDED),
    ROW(REPLY_HELD),
    ROW(REPLY_UNDONE),
    ROW(REPLY_SENT),
    ROW(REPLY_STARTED),
    ROW(CALL_RECORDED),
    ROW(CASE_REVIEWED),
    ROW(TASK_OPENED),
    ROW(TASK_ANSWERED),
    ROW(TASK_TRANSFERRED),
    ROW(TASK_WAIVED),
    ROW(REMEDY_PROPOSED),
    ROW(PROPOSAL_SUBMITTED),
    ROW(PROPOSAL_DECIDED),
    ROW(READING_CONFIRMED),
    ROW(OPINION_SENT),
    ROW(ANSWER_RECORDED),
    ROW(DEADLOCK_DECLARED),
    ROW(EXTERNAL_REFERRED),
    ROW(EXTERNAL_RECORDED),
    ROW(APPEAL_FILED),
    ROW(APPEAL_ADMITTED),
    ROW(REVIEWER_ASSIGNED),
    ROW(APPEAL_DECIDED),
    ROW(STEP_COMPLETED),
    ROW(RECOVERY_CLAIMED),
    ROW(RECOVERY_SETTLED),
    ROW(FEEDBACK_RECORDED),
    ROW(ACCOUNTABILITY_RECORDED),
    ROW(CASE_REOPENED),
    ROW(CASE_WITHDRAWN),
    ROW(CONDUCT_MARKED),
    ROW(CASE_HELD),
    ROW(CASE_ARCHIVED),
    ROW(JOINED_INCIDENT),
    ROW(LEFT_INCIDENT),
    ROW(ANSWER_SHARED),
    ROW(CASE_MERGED),
    ROW(CASE_ABSORBED),
    ROW(CASE_UNMERGED),
    ROW(CASE_RELEASED),
    ROW(CASES_LINKED),
    ROW(CASES_UNLINKED),
    ROW(EIGHTD_OPENED),
    {KESU__V1__EVENT__BODY_EIGHTD_CLOSED, on_eightd_closed},
    {KESU__V1__EVENT__BODY_DISCIPLINE_PLANNED, on_work_event},
    {KESU__V1__EVENT__BODY_DISCIPLINE_RECORDED, on_work_event},
    {KESU__V1__EVENT__BODY_HANDOVER_OPENED, on_work_event},
    {KESU__V1__EVENT__BODY_HANDOVER_ACCEPTED, on_work_event},
    ROW(SENSITIVE_MARKED),
    ROW(CASE_READ),
    {KESU__V1__EVENT__BODY_CLOCK_ACCEPTED, on_clock_accepted},
};
#undef ROW
