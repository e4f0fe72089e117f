/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks of cases: what events start, move and stop; when one may fire. */
#include "authority.h"
#include "decide_life.h"
#include "due.h"
#include "err.h"
#include "policy.h"

#include <stdlib.h>

#define MAX_LEVELS 16 /* of a chain of command */

static Kesu__V1__ClockState *find_clock(const Kesu__V1__CaseState *state, const char *id)
{
    for (size_t i = 0; i < state->n_clocks; i++)
        if (strcmp(state->clocks[i]->clock, id) == 0) return state->clocks[i];
    return NULL;
}

#define ROOM_OF_WORK 10 /* nine disciplines, or one clock of intake's own */

/* An event changes each clock once: those of the case, those the policy may start, and intake's own. */
static Kesu__V1__ClockChange *add_change(struct decide *d, struct decide_event *e,
                                         Kesu__V1__ClockChange__Op op, char *clock)
{
    const Kesu__V1__Policy *p = d->ctx->policy;
    size_t room = ROOM_OF_WORK + (d->state != NULL ? d->state->n_clocks : 0) + (p != NULL ? p->n_clocks : 0);
    if (e->event.clocks == NULL)
        e->event.clocks = arena_alloc(d->ctx->arena, sizeof(*e->event.clocks) * room);
    Kesu__V1__ClockChange *c = intake_decide_new(d, &kesu__v1__clock_change__descriptor);
    if (e->event.clocks == NULL || c == NULL) return NULL;
    c->op = op;
    c->clock = clock;
    e->event.clocks[e->event.n_clocks++] = c;
    return c;
}

static int set_due(struct decide *d, Kesu__V1__ClockChange *c, int64_t started_at, const struct due *due)
{
    c->started_at = started_at;
    c->warn_at = due->warn_at;
    c->due_at = due->due_at;
    c->escalate_at = arena_alloc(d->ctx->arena, sizeof(*c->escalate_at) * (due->n_levels + 1));
    if (c->escalate_at == NULL) return intake_decide_no_memory(d);
    memcpy(c->escalate_at, due->escalate_at, sizeof(*c->escalate_at) * due->n_levels);
    c->n_escalate_at = due->n_levels;
    return 0;
}

int intake_decide_start_clocks(struct decide *d, struct decide_event *e, int64_t received_at)
{
    const Kesu__V1__Policy *p = d->ctx->policy;
    Kesu__V1__Channel channel = e->event.case_opened->channel;
    struct due due;
    for (size_t i = 0; i < p->n_clocks; i++) {
        Kesu__V1__Clock *clock = p->clocks[i];
        if (!life_has_word(clock->starts, "received") ||
            due_compute(clock, channel, KESU__V1__SEVERITY__SEVERITY_UNSPECIFIED, received_at, &due) != 0)
            continue;
        Kesu__V1__ClockChange *c = add_change(d, e, KESU__V1__CLOCK_CHANGE__OP__OP_START, clock->id);
        if (c == NULL) return intake_decide_no_memory(d);
        DECIDE_TRY(set_due(d, c, received_at, &due));
    }
    return 0;
}

/* A judged severity moves the clocks whose times depend on it, and starts
 * those that had no time before. */
int intake_decide_move_clocks(struct decide *d, struct decide_event *e, Kesu__V1__Severity severity)
{
    const Kesu__V1__Policy *p = d->ctx->policy;
    struct due due;
    for (size_t i = 0; i < p->n_clocks; i++) {
        Kesu__V1__Clock *clock = p->clocks[i];
        const Kesu__V1__ClockState *now = find_clock(d->state, clock->id);
        if (now != NULL && !now->running) continue;
        if (now == NULL && !life_has_word(clock->starts, "received")) continue;
        int64_t started_at = now != NULL ? now->started_at : d->state->received_at;
        if (due_compute(clock, d->state->channel, severity, started_at, &due) != 0) continue;
        if (now != NULL && now->due_at == due.due_at && now->warn_at == due.warn_at) continue;
        Kesu__V1__ClockChange__Op op =
            now != NULL ? KESU__V1__CLOCK_CHANGE__OP__OP_MOVE : KESU__V1__CLOCK_CHANGE__OP__OP_START;
        Kesu__V1__ClockChange *c = add_change(d, e, op, clock->id);
        if (c == NULL) return intake_decide_no_memory(d);
        DECIDE_TRY(set_due(d, c, started_at, &due));
    }
    return 0;
}

/* The usual: for a clock that runs and that a later policy dropped. */
static const char *stops_of(const Kesu__V1__Policy *policy, const char *clock_id)
{
    static const char *const usual[][2] = {
        {"receipt", "receipt_delivered"}, {"initial_review", "in_progress"}, {"resolution", "resolved"}};
    const Kesu__V1__Clock *clock = policy != NULL ? policy_clock(policy, clock_id) : NULL;
    if (clock != NULL) return clock->stops;
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(usual[i][0], clock_id) == 0) return usual[i][1];
    return "";
}

/* Is one of these words among the first list, and is it, or is it not, among the second? */
static bool meet(const char *words, const char *list, const char *second, bool among)
{
    char word[64];
    for (const char *at = words; *at != '\0'; at += strspn(at, " ")) {
        size_t n = strcspn(at, " ");
        if (n < sizeof(word)) {
            memcpy(word, at, n);
            word[n] = '\0';
            if (life_has_word(list, word) && life_has_word(second, word) == among) return true;
        }
        at += n;
    }
    return false;
}

static int stop(struct decide *d, struct decide_event *e, char *clock)
{
    return add_change(d, e, KESU__V1__CLOCK_CHANGE__OP__OP_STOP, clock) != NULL ? 0
                                                                                : intake_decide_no_memory(d);
}

int intake_decide_stop_all(struct decide *d, struct decide_event *e)
{
    for (size_t i = 0; i < d->state->n_clocks; i++) {
        const Kesu__V1__ClockState *now = d->state->clocks[i];
        if (now->running) DECIDE_TRY(stop(d, e, now->clock));
    }
    return 0;
}

static int start(struct decide *d, struct decide_event *e, const Kesu__V1__Clock *clock, char *name,
                 int64_t since)
{
    struct due due;
    if (due_compute(clock, d->state->channel, d->state->severity, since, &due) != 0) return 0;
    Kesu__V1__ClockChange *c = add_change(d, e, KESU__V1__CLOCK_CHANGE__OP__OP_START, name);
    if (c == NULL) return intake_decide_no_memory(d);
    return set_due(d, c, since, &due);
}

/* A moment in both lists starts the clock again; one that only stops it wins over one that only starts it,
 * which leaves it alone when it runs: what was asked for first is measured from then. */
static bool is_started(const struct decide *d, const Kesu__V1__Clock *clock, const char *moments)
{
    const Kesu__V1__ClockState *now = find_clock(d->state, clock->id);
    if (meet(moments, clock->stops, clock->starts, false)) return false;
    if (meet(moments, clock->stops, clock->starts, true)) return true;
    return (now == NULL || !now->running) && meet(moments, clock->starts, clock->stops, false);
}

int intake_decide_moments(struct decide *d, struct decide_event *e, const char *moments, int64_t since)
{
    const Kesu__V1__Policy *p = d->ctx->policy;
    if (moments[0] == '\0') return 0;
    for (size_t i = 0; p != NULL && i < p->n_clocks; i++)
        if (is_started(d, p->clocks[i], moments))
            DECIDE_TRY(start(d, e, p->clocks[i], p->clocks[i]->id, since));
    for (size_t i = 0; i < d->state->n_clocks; i++) {
        const Kesu__V1__ClockState *now = d->state->clocks[i];
        const Kesu__V1__Clock *clock = p != NULL ? policy_clock(p, now->clock) : NULL;
        if (now->running && meet(moments, stops_of(p, now->clock), clock != NULL ? clock->starts : "", false))
            DECIDE_TRY(stop(d, e, now->clock));
    }
    return 0;
}

int intake_decide_start_task_clocks(struct decide *d, struct decide_event *e, uint32_t task)
{
    const Kesu__V1__Policy *p = d->ctx->policy;
    for (size_t i = 0; p != NULL && i < p->n_clocks; i++) {
        if (!life_has_word(p->clocks[i]->starts, "task_given")) continue;
        char *name = arena_printf(d->ctx->arena, "%s#%u", p->clocks[i]->id, task);
        if (name == NULL) return intake_decide_no_memory(d);
        DECIDE_TRY(start(d, e, p->clocks[i], name, d->ctx->block_time));
    }
    return 0;
}

/* The number of the sub-task whose clock this is, 0: of none. */
static uint32_t task_of(const char *clock)
{
    const char *mark = strchr(clock, '#');
    return mark != NULL ? (uint32_t)strtoul(mark + 1, NULL, 10) : 0;
}

int intake_decide_stop_task_clocks(struct decide *d, struct decide_event *e, uint32_t task)
{
    for (size_t i = 0; i < d->state->n_clocks; i++) {
        const Kesu__V1__ClockState *now = d->state->clocks[i];
        if (now->running && task_of(now->clock) == task) DECIDE_TRY(stop(d, e, now->clock));
    }
    return 0;
}

int intake_decide_wait(struct decide *d, struct decide_event *e, const char *clock, int64_t until)
{
    Kesu__V1__ClockChange *c =
        add_change(d, e, KESU__V1__CLOCK_CHANGE__OP__OP_START, (char *)(uintptr_t)clock);
    if (c == NULL) return intake_decide_no_memory(d);
    c->started_at = d->ctx->block_time;
    c->due_at = until;
    return 0;
}

int intake_decide_wait_over(struct decide *d, struct decide_event *e, const char *clock)
{
    const Kesu__V1__ClockState *now = find_clock(d->state, clock);
    return now != NULL && now->running ? stop(d, e, now->clock) : 0;
}

int intake_decide_restart(struct decide *d, struct decide_event *e, char **clocks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const Kesu__V1__ClockState *was = find_clock(d->state, clocks[i]);
        if (was == NULL || was->running) continue;
        Kesu__V1__ClockChange *c = add_change(d, e, KESU__V1__CLOCK_CHANGE__OP__OP_START, was->clock);
        if (c == NULL) return intake_decide_no_memory(d);
        c->started_at = was->started_at;
        c->warn_at = was->warn_at;
        c->due_at = was->due_at;
        c->n_escalate_at = was->n_escalate_at;
        c->escalate_at = was->escalate_at;
        c->warned = was->warned;
        c->breached = was->breached;
        c->escalated = was->escalated;
    }
    return 0;
}

int intake_decide_work_due(struct decide *d, struct decide_event *e, uint64_t work_id, char *clock,
                           int64_t due_at)
{
    const Kesu__V1__LifeSettings *s = d->ctx->policy != NULL ? d->ctx->policy->life : NULL;
    struct due due = {.due_at = due_at};
    for (size_t i = 0; s != NULL && i < s->n_overdue_after && i < DUE_MAX_LEVELS; i++)
        due.escalate_at[due.n_levels++] = due_at + s->overdue_after[i];
    Kesu__V1__ClockChange *c = add_change(d, e, KESU__V1__CLOCK_CHANGE__OP__OP_START, clock);
    if (c == NULL) return intake_decide_no_memory(d);
    c->work_id = work_id;
    return set_due(d, c, d->ctx->block_time, &due);
}

int intake_decide_work_over(struct decide *d, struct decide_event *e, uint64_t work_id, char *clock)
{
    Kesu__V1__ClockChange *c = add_change(d, e, KESU__V1__CLOCK_CHANGE__OP__OP_STOP, clock);
    if (c == NULL) return intake_decide_no_memory(d);
    c->work_id = work_id;
    return 0;
}

/* ---- firing --------------------------------------------------------------- */

static int refuse_stale(struct decide *d)
{
    intake_decide_refuse(d, E_STALE, "fire_clock.due_at", "the clock has another time now");
    if (d->state != NULL) d->out->refused.version = d->state->version;
    return E_STALE;
}

int intake_decide_step_due(struct decide *d, const Kesu__V1__FireClock *c, const Kesu__V1__ClockState *now)
{
    bool fired = true;
    int64_t due_at = 0;
    if (c->step == KESU__V1__FIRE_CLOCK__STEP__STEP_UNSPECIFIED)
        return intake_decide_refuse(d, E_MISSING, "fire_clock.step", NULL);
    if (c->step == KESU__V1__FIRE_CLOCK__STEP__STEP_WARN) {
        if (now->warn_at == 0)
            return intake_decide_refuse(d, E_RANGE, "fire_clock.step", "this clock does not warn");
        fired = now->warned || now->breached;
        due_at = now->warn_at;
    } else if (c->step == KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH) {
        fired = now->breached;
        due_at = now->due_at;
    } else {
        if (c->level == 0 || c->level > now->n_escalate_at)
            return intake_decide_refuse(d, E_RANGE, "fire_clock.level", "a level of the ladder, from 1");
        fired = c->level <= now->escalated;
        due_at = now->escalate_at[c->level - 1];
    }
    if (fired) return intake_decide_refuse(d, E_EXISTS, "fire_clock.step", "has fired");
    if (c->due_at != due_at) return refuse_stale(d);
    if (d->ctx->block_time < due_at) return intake_decide_refuse(d, E_NOT_DUE, "fire_clock.due_at", NULL);
    if (d->ctx->clock_alarm) return intake_decide_refuse(d, E_CLOCK_ALARM, "", NULL);
    return 0;
}

/* Whose time it is: of who has the case, the sub-task, or was asked. */
static void responsible(const struct decide *d, const char *clock, const char **ret_who,
                        const char **ret_department)
{
    const Kesu__V1__CaseState *s = d->state;
    const Kesu__V1__CaseLife *life = s->life;
    uint32_t task = task_of(clock);
    *ret_who = s->agent;
    *ret_department = s->department;
    for (size_t i = 0; task != 0 && life != NULL && i < life->n_tasks; i++) {
        if (life->tasks[i]->task != task) continue;
        *ret_who = life->tasks[i]->owner;
        *ret_department = life->tasks[i]->department;
    }
    if (life == NULL) return;
    if (strcmp(clock, "approval") == 0 && life->proposal != NULL && life->proposal->to[0] != '\0')
        *ret_who = life->proposal->to;
    if (strcmp(clock, "appeal_decision") == 0 && life->appeal != NULL && life->appeal->reviewer[0] != '\0')
        *ret_who = life->appeal->reviewer;
}

/* Who stands in for them now, if anybody does who may know of the case and is not late themself. */
static const Kesu__V1__Staff *stand_in(const struct decide *d, const Kesu__V1__Staff *staff, const char *late,
                                       char *const *accused, size_t n)
{
    const Kesu__V1__Policy *p = d->ctx->policy;
    for (size_t i = 0; i < p->n_delegations; i++) {
        const char *to = p->delegations[i]->to;
        const Kesu__V1__Staff *other = policy_staff(p, to);
        if (strcmp(p->delegations[i]->from, staff->id) == 0 && strcmp(to, late) != 0 &&
            authority_delegation(p, staff->id, to, NULL, d->ctx->block_time) != NULL &&
            policy_is_here(other, d->ctx->block_time) && !policy_is_recused(accused, n, other))
            return other;
    }
    return staff;
}

/* Up the ladder from this level: who is here and not accused, or who stands in for them. */
static const char *escalate_to(const struct decide *d, const char *who, const char *department,
                               unsigned level)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    char *const *accused = life != NULL ? life->accused : NULL;
    size_t n = life != NULL ? life->n_accused : 0;
    for (unsigned top = level + MAX_LEVELS; level < top; level++) {
        const Kesu__V1__Staff *staff = policy_escalate_to(d->ctx->policy, who, department, level);
        if (policy_is_here(staff, d->ctx->block_time) && !policy_is_recused(accused, n, staff))
            return stand_in(d, staff, who, accused, n)->id;
    }
    const Kesu__V1__Staff *any = intake_decide_heir(d, who, department, accused, n);
    return any != NULL ? any->id : "";
}

static const char *whom(const struct decide *d, const Kesu__V1__FireClock *c, const char *who,
                        const char *department)
{
    if (life_clock_waits(c->clock)) return "";
    if (c->step == KESU__V1__FIRE_CLOCK__STEP__STEP_WARN && who[0] != '\0') return who;
    if (d->ctx->policy == NULL) return "";
    unsigned level = c->step == KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE ? c->level : 1;
    return escalate_to(d, who, department, level);
}

/* What else a breach of these means, after the clock has fired. */
static const struct {
    const char *clock;
    decide_handler follow;
} breaches[] = {
    {"appeal_window", intake_decide_silence},
    {"reply_hold", intake_decide_reply_over},
};

static int follow_breach(struct decide *d, const char *clock)
{
    for (size_t i = 0; i < sizeof(breaches) / sizeof(breaches[0]); i++)
        if (strcmp(breaches[i].clock, clock) == 0) return breaches[i].follow(d);
    return 0;
}

int intake_decide_fire(struct decide *d)
{
    const Kesu__V1__FireClock *c = d->command->fire_clock;
    DECIDE_TRY(intake_decide_needed(d, "fire_clock.clock", c->clock));
    if (d->state == NULL) return intake_decide_work_late(d);
    const Kesu__V1__ClockState *now = find_clock(d->state, c->clock);
    if (now == NULL)
        return intake_decide_refuse(d, E_UNKNOWN, "fire_clock.clock", "the case has no such clock");
    if (!now->running) return intake_decide_refuse(d, E_EXISTS, "fire_clock.clock", "has stopped");
    DECIDE_TRY(intake_decide_step_due(d, c, now));
    Kesu__V1__ClockFired *body = intake_decide_new(d, &kesu__v1__clock_fired__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->clock = c->clock;
    body->step = c->step;
    body->level = c->step == KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE ? c->level : 0;
    body->due_at = c->due_at;
    body->late = c->late;
    const char *who, *department;
    responsible(d, c->clock, &who, &department);
    body->agent = (char *)(uintptr_t)who;
    body->department = (char *)(uintptr_t)department;
    body->told = (char *)(uintptr_t)whom(d, c, who, department);
    intake_decide_add(d, KESU__V1__EVENT__BODY_CLOCK_FIRED, body);
    return c->step == KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH ? follow_breach(d, c->clock) : 0;
}
