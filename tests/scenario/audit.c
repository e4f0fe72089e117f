/* SPDX-License-Identifier: Apache-2.0 */
/* Each event is compared with what the events before it allow: one owner, no
 * agent over their capacity, each clock step once and never early, versions
 * and numbers without gaps. */
#include "audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "err.h"
#include "life.h"

#define ARENA_BYTES ((size_t)8 << 20)

void audit_broken(struct audit *a, const char *format, ...)
{
    if (a->broken[0] != '\0') return;
    va_list args;
    va_start(args, format);
    vsnprintf(a->broken, sizeof a->broken, format, args);
    va_end(args);
}

static void copy_id(char ret[AUDIT_ID], const char *s)
{
    snprintf(ret, AUDIT_ID, "%s", s);
}

void audit_init(struct audit *a)
{
    *a = (struct audit){0};
}

void audit_deinit(struct audit *a)
{
    free(a->events);
    free(a->cases);
    free(a->works);
    free(a->blocks);
    for (unsigned i = 0; i < a->n_erasures; i++) free(a->erasures[i].key_ids);
    free(a->erasures);
    free(a->deliveries);
    free(a->notices);
    idset_deinit(&a->commands);
    idset_deinit(&a->expected);
    idset_deinit(&a->expected_cases);
    idset_deinit(&a->externals);
    idset_deinit(&a->outcomes);
    idset_deinit(&a->settled);
}

/* Room for one more: the array doubles at powers of two. */
static void *grow(void *p, uint64_t n, size_t size)
{
    if (n > 0 && (n & (n - 1)) != 0) return p;
    p = realloc(p, (n > 0 ? 2 * n : 1) * size);
    CHECK(p != NULL);
    return p;
}

struct audit_case *audit_find(struct audit *a, uint64_t case_id)
{
    unsigned low = 0, high = a->n_cases; /* they are in order of their ids */
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (a->cases[middle].id < case_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < a->n_cases && a->cases[low].id == case_id ? &a->cases[low] : NULL;
}

struct audit_case *audit_work(struct audit *a, uint64_t work_id)
{
    for (unsigned i = 0; i < a->n_works; i++)
        if (a->works[i].id == work_id) return &a->works[i];
    a->works = (struct audit_case *)grow(a->works, a->n_works, sizeof *a->works);
    struct audit_case *w = &a->works[a->n_works++];
    *w = (struct audit_case){.id = work_id};
    snprintf(w->number, sizeof w->number, "work %llu", (unsigned long long)work_id);
    return w;
}

static struct audit_agent *agent_of(struct audit *a, const char *name)
{
    for (unsigned i = 0; i < a->n_agents; i++)
        if (strcmp(a->agents[i].name, name) == 0) return &a->agents[i];
    CHECK(a->n_agents < sizeof a->agents / sizeof a->agents[0]);
    struct audit_agent *agent = &a->agents[a->n_agents++];
    *agent = (struct audit_agent){.present = false};
    copy_id(agent->name, name);
    return agent;
}

/* ---- clocks -------------------------------------------------------------------- */

static struct audit_clock *clock_of(struct audit_case *c, const char *name)
{
    for (unsigned i = 0; i < c->n_clocks; i++)
        if (strcmp(c->clocks[i].name, name) == 0) return &c->clocks[i];
    return NULL;
}

/* A step that has a new time, still to come, may fire anew. */
static void forget_fired(struct audit_clock *k, int64_t time_us)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < k->n_fired; i++) {
        bool warn = k->fired[i].step == KESU__V1__FIRE_CLOCK__STEP__STEP_WARN;
        if ((warn ? k->warn_at : k->due_at) <= time_us) k->fired[kept++] = k->fired[i];
    }
    k->n_fired = kept;
}

/* What starts has fired what it says it has. */
static void remember_fired(struct audit_clock *k, const Kesu__V1__ClockChange *change)
{
    k->n_fired = 0;
    if (change->warned) k->fired[k->n_fired++].step = KESU__V1__FIRE_CLOCK__STEP__STEP_WARN;
    if (change->breached) k->fired[k->n_fired++].step = KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH;
    for (unsigned i = 0; i < k->n_fired; i++) k->fired[i].level = 0;
    for (unsigned level = 1; level <= change->escalated && k->n_fired < AUDIT_STEPS; level++) {
        k->fired[k->n_fired].step = KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE;
        k->fired[k->n_fired++].level = level;
    }
}

/* One that is another each time it starts. */
static bool is_passing(const char *clock)
{
    return strchr(clock, '#') != NULL || strcmp(clock, "reply_hold") == 0 ||
           strcmp(clock, "external_due") == 0;
}

static void change_clock(struct audit *a, uint64_t seq, int64_t time_us, struct audit_case *c,
                         const Kesu__V1__ClockChange *change)
{
    struct audit_clock *k = clock_of(c, change->clock);
    if (change->op == KESU__V1__CLOCK_CHANGE__OP__OP_START) {
        if (k == NULL && c->n_clocks == AUDIT_CLOCKS) {
            audit_broken(a, "seq %llu starts one clock more, %s", (unsigned long long)seq, change->clock);
            return;
        }
        if (k == NULL) {
            k = &c->clocks[c->n_clocks++];
            *k = (struct audit_clock){.running = true};
            copy_id(k->name, change->clock);
        }
        k->running = true;
        remember_fired(k, change);
    } else if (k == NULL || !k->running) {
        audit_broken(a, "seq %llu moves or stops clock %s, which does not run", (unsigned long long)seq,
                     change->clock);
        return;
    }
    if (change->op == KESU__V1__CLOCK_CHANGE__OP__OP_STOP) {
        k->running = false;
        if (is_passing(k->name)) *k = c->clocks[--c->n_clocks];
        return;
    }
    k->warn_at = change->warn_at;
    k->due_at = change->due_at;
    k->n_levels = change->n_escalate_at < 8 ? (unsigned)change->n_escalate_at : 8;
    for (unsigned i = 0; i < k->n_levels; i++) k->escalate_at[i] = change->escalate_at[i];
    forget_fired(k, time_us);
    bool ordered = k->warn_at < k->due_at;
    for (unsigned i = 0; i < k->n_levels; i++)
        ordered = ordered && k->escalate_at[i] > (i > 0 ? k->escalate_at[i - 1] : k->due_at);
    if (!ordered)
        audit_broken(a, "seq %llu: steps of clock %s out of order", (unsigned long long)seq, k->name);
}

static void fire_clock(struct audit *a, uint64_t seq, int64_t time_us, struct audit_case *c,
                       const Kesu__V1__ClockFired *fired)
{
    struct audit_clock *k = clock_of(c, fired->clock);
    unsigned long long n = seq;
    if (k == NULL || !k->running) {
        audit_broken(a, "seq %llu: clock %s of case %s fired without running", n, fired->clock, c->number);
        return;
    }
    int64_t due_at = fired->step == KESU__V1__FIRE_CLOCK__STEP__STEP_WARN     ? k->warn_at
                     : fired->step == KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH ? k->due_at
                     : fired->level >= 1 && fired->level <= k->n_levels ? k->escalate_at[fired->level - 1]
                                                                        : -1;
    if (fired->due_at != due_at)
        audit_broken(a, "seq %llu: clock %s of case %s fired for another due time", n, fired->clock,
                     c->number);
    if (time_us < due_at)
        audit_broken(a, "seq %llu: clock %s of case %s fired %lld us early", n, fired->clock, c->number,
                     (long long)(due_at - time_us));
    for (unsigned i = 0; i < k->n_fired; i++)
        if (k->fired[i].step == (int)fired->step && k->fired[i].level == fired->level)
            audit_broken(a, "seq %llu: clock %s of case %s fired this step twice", n, fired->clock,
                         c->number);
    if (k->n_fired == AUDIT_STEPS) {
        audit_broken(a, "seq %llu: clock %s of case %s fires without end", n, fired->clock, c->number);
        return;
    }
    k->fired[k->n_fired].step = (int)fired->step;
    k->fired[k->n_fired++].level = fired->level;
    if (fired->step == KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH && !life_clock_waits(fired->clock))
        a->counts.breached++;
}

/* The notices of the scenario's policy. */
static void expect_notice(struct audit *a, uint64_t seq, const char *kind)
{
    a->notices = (struct audit_notice *)grow(a->notices, a->n_notices, sizeof *a->notices);
    a->notices[a->n_notices++] = (struct audit_notice){seq, kind};
}

const struct audit_notice *audit_untold(struct audit *a)
{
    while (a->n_told < a->n_notices &&
           audit_is_settled(a, a->notices[a->n_told].seq, a->notices[a->n_told].kind))
        a->n_told++;
    return a->n_told < a->n_notices ? &a->notices[a->n_told] : NULL;
}

/* ---- events of a case --------------------------------------------------------------- */

struct input { /* one event */
    uint64_t seq;
    int64_t time_us;
    const Kesu__V1__Event *event;
};

/* YYMM-000001, YYMM-000002 ... in each month, as the cases come. */
static void check_number(struct audit *a, uint64_t seq, const char *number)
{
    if (strncmp(number, a->month, 5) != 0) {
        if (strncmp(number, a->month, 5) < 0)
            audit_broken(a, "seq %llu: number %s after month %s", (unsigned long long)seq, number, a->month);
        snprintf(a->month, sizeof a->month, "%.5s", number);
        a->serial = 0;
    }
    unsigned long serial = strlen(number) > 5 ? strtoul(number + 5, NULL, 10) : 0;
    if (strlen(number) != 11 || number[4] != '-' || serial != ++a->serial)
        audit_broken(a, "seq %llu: number %s where serial %lu was next", (unsigned long long)seq, number,
                     a->serial);
}

static void check_external(struct audit *a, const struct input *in, const Kesu__V1__ExternalRef *ref,
                           Kesu__V1__Channel channel)
{
    uint8_t id[16];
    uint64_t before = 0;
    if (ref == NULL || ref->hash.len != HASH_BYTES) return;
    memcpy(id, ref->hash.data, sizeof id);
    id[0] ^= (uint8_t)channel;
    if (!idset_add(&a->externals, id, in->seq)) {
        idset_find(&a->externals, id, &before);
        audit_broken(a, "seq %llu: the message of seq %llu once more", (unsigned long long)in->seq,
                     (unsigned long long)before);
    }
}

static void on_opened(struct audit *a, const struct input *in, struct audit_case *c)
{
    const Kesu__V1__CaseOpened *opened = in->event->case_opened;
    snprintf(c->number, sizeof c->number, "%s", opened->number);
    c->stage = KESU__V1__STAGE__STAGE_RECEIVED;
    c->channel = opened->channel;
    c->received_at = opened->received_at;
    c->messages = 1;
    check_number(a, in->seq, opened->number);
    check_external(a, in, opened->external, opened->channel);
    expect_notice(a, in->seq, "receipt");
    a->counts.opened++;
    if (a->policies == 0) audit_broken(a, "seq %llu: a case without a policy", (unsigned long long)in->seq);
}

static void on_added(struct audit *a, const struct input *in, struct audit_case *c)
{
    const Kesu__V1__MessageAdded *added = in->event->message_added;
    check_external(a, in, added->external, added->channel);
    c->messages++;
    a->counts.joined++;
}

static void count_judgement(struct audit_case *c)
{
    copy_id(c->counted_category, c->category);
    copy_id(c->counted_department, c->department);
    c->counted_severity = c->severity;
}

static void on_classified(struct audit *a, const struct input *in, struct audit_case *c)
{
    const Kesu__V1__CaseClassified *classified = in->event->case_classified;
    copy_id(c->category, classified->judgement->category);
    copy_id(c->department, classified->judgement->department);
    c->severity = classified->judgement->severity;
    if (!c->was_closed) {
        if (!c->classified) a->counts.classified++;
        if (classified->fallback && !c->fallback) a->counts.fallback++;
        count_judgement(c);
    }
    c->classified = true;
    c->fallback = c->fallback || classified->fallback;
    if (in->event->actor != NULL && in->event->actor->kind != KESU__V1__ACTOR_KIND__ACTOR_KIND_SERVICE)
        c->judged_by_person = true;
}

/* Who leads, or gets a case because somebody else may not have it, gets it whatever room they have. */
static void check_room(struct audit *a, const struct input *in, const struct audit_agent *agent)
{
    bool follows = a->n_events > 1 && in->event->command_id.len == 16 &&
                   memcmp(a->events[a->n_events - 2].command_id, in->event->command_id.data, 16) == 0;
    if (!follows && agent->known && (!agent->present || agent->open >= agent->capacity))
        audit_broken(a, "seq %llu: %s has %u of %u cases, present %d", (unsigned long long)in->seq,
                     agent->name, agent->open, agent->capacity, agent->present);
}

static void on_assigned(struct audit *a, const struct input *in, struct audit_case *c)
{
    const Kesu__V1__CaseAssigned *assigned = in->event->case_assigned;
    unsigned long long n = in->seq;
    if (strcmp(assigned->previous_agent, c->agent) != 0)
        audit_broken(a, "seq %llu: case %s was of %s, not of %s", n, c->number, c->agent,
                     assigned->previous_agent);
    struct audit_agent *agent = agent_of(a, assigned->agent);
    check_room(a, in, agent);
    if (c->agent[0] != '\0') agent_of(a, c->agent)->open--;
    if (!c->was_assigned && !c->was_closed) a->counts.assigned++;
    c->was_assigned = true;
    agent->open++;
    copy_id(c->agent, assigned->agent);
    expect_notice(a, in->seq, "assigned");
}

static void on_resolved(struct audit *a, const struct input *in, struct audit_case *c)
{
    if (strcmp(in->event->case_resolved->agent, c->agent) != 0)
        audit_broken(a, "seq %llu: case %s resolved by another", (unsigned long long)in->seq, c->number);
    expect_notice(a, in->seq, "resolved");
    if (!c->was_resolved && !c->was_closed) a->counts.resolved++;
    c->was_resolved = true;
}

static void on_closed(struct audit *a, const struct input *in, struct audit_case *c)
{
    if (strcmp(in->event->case_closed->agent, c->agent) != 0)
        audit_broken(a, "seq %llu: case %s closed by another", (unsigned long long)in->seq, c->number);
    if (!c->was_closed) a->counts.closed++;
    c->was_closed = true;
}

static void on_fired(struct audit *a, const struct input *in, struct audit_case *c)
{
    static const char *const kinds[] = {
        [KESU__V1__FIRE_CLOCK__STEP__STEP_WARN] = "warn",
        [KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH] = "breach",
        [KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE] = "escalated",
    };
    const Kesu__V1__ClockFired *fired = in->event->clock_fired;
    fire_clock(a, in->seq, in->time_us, c, fired);
    if (life_clock_waits(fired->clock)) return;
    if ((unsigned)fired->step < sizeof kinds / sizeof kinds[0] && kinds[fired->step] != NULL)
        expect_notice(a, in->seq, kinds[fired->step]);
}

/* A handover nobody accepted, a discipline nobody did. */
static void on_work_late(struct audit *a, const struct input *in, const Kesu__V1__ClockFired *fired)
{
    bool escalated = fired->step == KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE;
    fire_clock(a, in->seq, in->time_us, audit_work(a, fired->work_id), fired);
    if (strcmp(fired->clock, "handover") == 0)
        expect_notice(a, in->seq, "handover_late");
    else
        expect_notice(a, in->seq, escalated ? "discipline_escalated" : "discipline_late");
}

/* What staff wrote to the customer, or gave to each other. */
static void on_words(struct audit *a, const struct input *in, struct audit_case *c)
{
    const Kesu__V1__Event *e = in->event;
    (void)c;
    switch (e->body_case) {
    case KESU__V1__EVENT__BODY_REPLY_SENT:
        expect_notice(a, in->seq, e->reply_sent->progress ? "progress" : "reply");
        break;
    case KESU__V1__EVENT__BODY_CASE_REVIEWED:
        if (e->case_reviewed->finding == KESU__V1__FINDING__FINDING_NOT_FOUNDED)
            expect_notice(a, in->seq, "explained");
        break;
    case KESU__V1__EVENT__BODY_OPINION_SENT:
        expect_notice(a, in->seq, e->opinion_sent->final ? "final_opinion" : "opinion");
        if (e->opinion_sent->read_by[0] != '\0') expect_notice(a, in->seq, "reading");
        break;
    case KESU__V1__EVENT__BODY_APPEAL_ADMITTED:
        if (!e->appeal_admitted->admitted) expect_notice(a, in->seq, "appeal_not_admitted");
        break;
    case KESU__V1__EVENT__BODY_APPEAL_DECIDED:
        expect_notice(a, in->seq, "appeal_decided");
        break;
    case KESU__V1__EVENT__BODY_DEADLOCK_DECLARED:
        expect_notice(a, in->seq, "deadlocked");
        break;
    case KESU__V1__EVENT__BODY_FILE_RETURNED:
        if (e->file_returned->words != NULL) expect_notice(a, in->seq, "file_returned");
        break;
    case KESU__V1__EVENT__BODY_ANSWER_SHARED:
        expect_notice(a, in->seq, "incident_answer");
        break;
    default:
        break;
    }
}

static void on_given(struct audit *a, const struct input *in, struct audit_case *c)
{
    const Kesu__V1__Event *e = in->event;
    (void)c;
    if (e->body_case == KESU__V1__EVENT__BODY_TASK_OPENED && e->task_opened->owner[0] != '\0')
        expect_notice(a, in->seq, "task");
    if (e->body_case == KESU__V1__EVENT__BODY_TASK_TRANSFERRED && e->task_transferred->owner[0] != '\0')
        expect_notice(a, in->seq, "task");
    if (e->body_case == KESU__V1__EVENT__BODY_PROPOSAL_SUBMITTED && e->proposal_submitted->to[0] != '\0')
        expect_notice(a, in->seq, "approval");
    if (e->body_case == KESU__V1__EVENT__BODY_REVIEWER_ASSIGNED) expect_notice(a, in->seq, "reviewer");
}

static void text_id(const char *text, uint8_t ret[16])
{
    uint8_t hash[HASH_BYTES];
    hash_bytes(span_str(text), hash);
    memcpy(ret, hash, 16);
}

static void cause_id(uint64_t cause_seq, const char *kind, uint8_t ret[16])
{
    char text[AUDIT_ID + 24];
    snprintf(text, sizeof text, "%llu %s", (unsigned long long)cause_seq, kind);
    text_id(text, ret);
}

const struct audit_delivery *audit_outcome(const struct audit *a, const char *message_id)
{
    uint8_t id[16];
    uint64_t place;
    text_id(message_id, id);
    return idset_find(&a->outcomes, id, &place) ? &a->deliveries[place - 1] : NULL;
}

bool audit_is_settled(const struct audit *a, uint64_t cause_seq, const char *kind)
{
    uint8_t id[16];
    cause_id(cause_seq, kind, id);
    return idset_find(&a->settled, id, NULL);
}

static void on_delivery(struct audit *a, const struct input *in, struct audit_case *c)
{
    const Kesu__V1__DeliveryRecorded *recorded = in->event->delivery_recorded;
    a->deliveries = (struct audit_delivery *)grow(a->deliveries, a->n_deliveries, sizeof *a->deliveries);
    struct audit_delivery *d = &a->deliveries[a->n_deliveries++];
    *d = (struct audit_delivery){.case_id = c->id,
                                 .cause_seq = recorded->cause_seq,
                                 .target = recorded->target,
                                 .seen_us = a->now_us,
                                 .attempts = recorded->attempts,
                                 .outcome = recorded->outcome};
    copy_id(d->kind, recorded->kind);
    snprintf(d->transport, sizeof d->transport, "%s", recorded->transport);
    snprintf(d->message_id, sizeof d->message_id, "%s", recorded->message_id);
    uint8_t id[16];
    cause_id(d->cause_seq, d->kind, id);
    if (!idset_add(&a->settled, id, a->n_deliveries))
        audit_broken(a, "seq %llu: the outcome of %s for seq %llu is recorded twice",
                     (unsigned long long)in->seq, d->kind, (unsigned long long)d->cause_seq);
    text_id(d->message_id, id);
    if (d->message_id[0] != '\0' && !idset_add(&a->outcomes, id, a->n_deliveries))
        audit_broken(a, "seq %llu: %s has a second outcome", (unsigned long long)in->seq, d->message_id);
    if (d->outcome == KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DELIVERED) a->counts.delivered++;
}

static void on_absorbed(struct audit *a, const struct input *in, struct audit_case *c)
{
    (void)a;
    (void)in;
    c->absorbed = true;
}

static void on_sensitive(struct audit *a, const struct input *in, struct audit_case *c)
{
    (void)a;
    c->sensitive = in->event->sensitive_marked->n_readers > 0;
}

static const struct {
    Kesu__V1__Event__BodyCase type;
    void (*check)(struct audit *a, const struct input *in, struct audit_case *c);
} case_rows[] = {
    {KESU__V1__EVENT__BODY_CASE_OPENED, on_opened},
    {KESU__V1__EVENT__BODY_MESSAGE_ADDED, on_added},
    {KESU__V1__EVENT__BODY_CASE_CLASSIFIED, on_classified},
    {KESU__V1__EVENT__BODY_CASE_ASSIGNED, on_assigned},
    {KESU__V1__EVENT__BODY_CASE_RESOLVED, on_resolved},
    {KESU__V1__EVENT__BODY_CASE_CLOSED, on_closed},
    {KESU__V1__EVENT__BODY_CLOCK_FIRED, on_fired},
    {KESU__V1__EVENT__BODY_DELIVERY_RECORDED, on_delivery},
    {KESU__V1__EVENT__BODY_SENSITIVE_MARKED, on_sensitive},
    {KESU__V1__EVENT__BODY_CASE_ABSORBED, on_absorbed},
    {KESU__V1__EVENT__BODY_REPLY_SENT, on_words},
    {KESU__V1__EVENT__BODY_CASE_REVIEWED, on_words},
    {KESU__V1__EVENT__BODY_OPINION_SENT, on_words},
    {KESU__V1__EVENT__BODY_APPEAL_ADMITTED, on_words},
    {KESU__V1__EVENT__BODY_APPEAL_DECIDED, on_words},
    {KESU__V1__EVENT__BODY_DEADLOCK_DECLARED, on_words},
    {KESU__V1__EVENT__BODY_FILE_RETURNED, on_words},
    {KESU__V1__EVENT__BODY_ANSWER_SHARED, on_words},
    {KESU__V1__EVENT__BODY_TASK_OPENED, on_given},
    {KESU__V1__EVENT__BODY_TASK_TRANSFERRED, on_given},
    {KESU__V1__EVENT__BODY_PROPOSAL_SUBMITTED, on_given},
    {KESU__V1__EVENT__BODY_REVIEWER_ASSIGNED, on_given},
};

/* By the one table; who has a case has it in hand while it is open. */
static void change_stage(struct audit *a, const struct input *in, struct audit_case *c)
{
    const Kesu__V1__Event *e = in->event;
    if (e->body_case == KESU__V1__EVENT__BODY_CASE_OPENED) return;
    Kesu__V1__Stage next = life_next(c->stage, c->stage_before, e);
    if (next == c->stage) return;
    if (next == KESU__V1__STAGE__STAGE_EXTERNAL || next == KESU__V1__STAGE__STAGE_MERGED)
        c->stage_before = c->stage;
    if (c->agent[0] != '\0' && life_is_open(c->stage) && !life_is_open(next)) agent_of(a, c->agent)->open--;
    if (c->agent[0] != '\0' && !life_is_open(c->stage) && life_is_open(next)) agent_of(a, c->agent)->open++;
    c->stage = next;
}

/* Of the case, or of a work that has begun or ended. */
static void change_clocks(struct audit *a, const struct input *in, struct audit_case *c)
{
    for (size_t i = 0; i < in->event->n_clocks; i++) {
        const Kesu__V1__ClockChange *change = in->event->clocks[i];
        struct audit_case *of = change->work_id != 0 ? audit_work(a, change->work_id) : c;
        if (of != NULL)
            change_clock(a, in->seq, in->time_us, of, change);
        else
            audit_broken(a, "seq %llu: a clock of nothing", (unsigned long long)in->seq);
    }
}

static void check_case_event(struct audit *a, const struct input *in)
{
    const Kesu__V1__Event *e = in->event;
    unsigned long long n = in->seq;
    if (e->body_case == KESU__V1__EVENT__BODY_CASE_OPENED) {
        a->cases = (struct audit_case *)grow(a->cases, a->n_cases, sizeof *a->cases);
        a->cases[a->n_cases++] = (struct audit_case){.id = in->seq};
    }
    struct audit_case *c = audit_find(a, e->case_id);
    if (c == NULL) {
        audit_broken(a, "seq %llu is of case %llu, which was never opened", n,
                     (unsigned long long)e->case_id);
        return;
    }
    if (e->version != c->version + 1 || e->previous_seq != c->last_seq)
        audit_broken(a, "seq %llu: version %llu after %llu, previous seq %llu not %llu", n,
                     (unsigned long long)e->version, (unsigned long long)c->version,
                     (unsigned long long)e->previous_seq, (unsigned long long)c->last_seq);
    c->version = e->version;
    c->last_seq = in->seq;
    for (size_t i = 0; i < sizeof case_rows / sizeof case_rows[0]; i++)
        if (case_rows[i].type == e->body_case) case_rows[i].check(a, in, c);
    change_stage(a, in, c);
    change_clocks(a, in, c);
    for (unsigned i = 0; i < c->n_clocks; i++)
        if (c->stage == KESU__V1__STAGE__STAGE_CLOSED && c->clocks[i].running)
            audit_broken(a, "seq %llu: clock %s runs in a closed case", n, c->clocks[i].name);
}

/* ---- all events ------------------------------------------------------------------------- */

static void on_erased(struct audit *a, uint64_t seq, const Kesu__V1__CustomerErased *erased)
{
    a->erasures = (struct audit_erasure *)grow(a->erasures, a->n_erasures, sizeof *a->erasures);
    struct audit_erasure *x = &a->erasures[a->n_erasures++];
    *x = (struct audit_erasure){.seq = seq, .n_keys = (unsigned)erased->n_key_ids};
    x->key_ids = (uint64_t *)calloc(erased->n_key_ids + 1, sizeof *x->key_ids);
    CHECK(x->key_ids != NULL);
    if (x->n_keys > 0) memcpy(x->key_ids, erased->key_ids, x->n_keys * sizeof *x->key_ids);
    for (size_t i = 0; i < erased->n_case_ids; i++) {
        struct audit_case *c = audit_find(a, erased->case_ids[i]);
        if (c == NULL)
            audit_broken(a, "seq %llu erases a case that was never opened", (unsigned long long)seq);
        else if (c->erased_seq == 0)
            c->erased_seq = seq;
    }
}

static void check_event(struct audit *a, const struct input *in)
{
    const Kesu__V1__Event *e = in->event;
    if (e->case_id != 0) {
        check_case_event(a, in);
        return;
    }
    change_clocks(a, in, NULL);
    if (e->body_case == KESU__V1__EVENT__BODY_CLOCK_FIRED) {
        on_work_late(a, in, e->clock_fired);
    } else if (e->body_case == KESU__V1__EVENT__BODY_DELIVERY_RECORDED) {
        on_delivery(a, in, audit_work(a, e->delivery_recorded->work_id));
    } else if (e->body_case == KESU__V1__EVENT__BODY_PRESENCE_SET) {
        struct audit_agent *agent = agent_of(a, e->presence_set->agent);
        agent->known = true;
        agent->present = e->presence_set->present;
        agent->capacity = e->presence_set->capacity;
    } else if (e->body_case == KESU__V1__EVENT__BODY_POLICY_ACTIVATED) {
        a->policies++;
    } else if (e->body_case == KESU__V1__EVENT__BODY_CUSTOMER_ERASED) {
        on_erased(a, in->seq, e->customer_erased);
    }
}

/* What a command was made for: this version of this case. */
static void check_version(struct audit *a, const struct audit_event *event, const Kesu__V1__Event *e)
{
    uint64_t expected = 0, case_id = 0;
    if (!idset_find(&a->expected, event->command_id, &expected) ||
        !idset_find(&a->expected_cases, event->command_id, &case_id) || case_id != e->case_id ||
        memcmp(a->checked_command, event->command_id, 16) == 0)
        return;
    memcpy(a->checked_command, event->command_id, 16);
    if (e->version != expected + 1)
        audit_broken(a, "seq %llu: a command made for version %llu of case %llu changes version %llu",
                     (unsigned long long)a->n_events, (unsigned long long)expected,
                     (unsigned long long)e->case_id, (unsigned long long)e->version - 1);
}

/* The events of a command lie side by side, so each id begins once. */
static void check_identity(struct audit *a, const struct audit_event *event, const Kesu__V1__Event *e)
{
    static const uint8_t none[16];
    const uint8_t *id = event->command_id;
    uint64_t before = 0;
    if (memcmp(id, none, 16) == 0) return;
    if (e->case_id != 0) check_version(a, event, e);
    if (a->n_events > 1 && memcmp(id, event[-1].command_id, 16) == 0) return;
    if (idset_add(&a->commands, id, a->n_events)) return;
    idset_find(&a->commands, id, &before);
    audit_broken(a, "a command was done twice, at seq %llu and %llu", (unsigned long long)before,
                 (unsigned long long)a->n_events);
}

static void take_event(struct audit *a, int64_t time_us, const struct block_event *row, struct arena *arena)
{
    Kesu__V1__Event *e = NULL;
    struct codec_error error;
    arena_reset(arena);
    if (codec_unpack(&kesu__v1__event__descriptor, row->bytes, arena, (void *)&e, &error) != 0) {
        audit_broken(a, "seq %llu cannot be read: %s", (unsigned long long)row->seq, error.reason);
        return;
    }
    a->events = (struct audit_event *)grow(a->events, a->n_events, sizeof *a->events);
    struct audit_event *event = &a->events[a->n_events++];
    *event = (struct audit_event){.type = row->type, .case_id = row->case_id, .time_us = time_us};
    if (e->command_id.len == 16) memcpy(event->command_id, e->command_id.data, 16);
    if (row->seq != a->n_events || row->case_id != e->case_id || row->type != (uint16_t)e->body_case)
        audit_broken(a, "seq %llu: the row of the block says something else", (unsigned long long)row->seq);
    check_identity(a, event, e);
    check_event(a, &(struct input){row->seq, time_us, e});
}

void audit_block(struct audit *a, struct span block, const struct block_head *head)
{
    struct arena arena;
    arena_init(&arena, &mem_libc, ARENA_BYTES);
    if (block_verify(block, a->hash) != 0)
        audit_broken(a, "the block of seq %llu breaks the chain", (unsigned long long)head->first_seq);
    if (head->time_us < a->time_us)
        audit_broken(a, "block time goes back at seq %llu", (unsigned long long)head->first_seq);
    if (head->first_seq != a->n_events + 1)
        audit_broken(a, "seq %llu stands after seq %llu", (unsigned long long)head->first_seq,
                     (unsigned long long)a->n_events);
    memcpy(a->hash, head->hash, sizeof a->hash);
    a->time_us = head->time_us;
    a->blocks = (struct audit_block *)grow(a->blocks, a->n_blocks, sizeof *a->blocks);
    a->blocks[a->n_blocks++] = (struct audit_block){.first_seq = head->first_seq};
    memcpy(a->blocks[a->n_blocks - 1].hash, head->hash, HASH_BYTES);
    for (uint32_t i = 0; i < head->count; i++) {
        struct block_event row;
        block_event_at(block, i, &row);
        take_event(a, head->time_us, &row, &arena);
    }
    arena_deinit(&arena);
}

const struct audit_block *audit_find_block(const struct audit *a, uint64_t first_seq)
{
    unsigned low = 0, high = a->n_blocks;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (a->blocks[middle].first_seq < first_seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low < a->n_blocks && a->blocks[low].first_seq == first_seq ? &a->blocks[low] : NULL;
}
