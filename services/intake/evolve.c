/* SPDX-License-Identifier: Apache-2.0 */
/* One row an event type. Events of a case load its state, change it, and put
 * it back with its new version; the rest is done by each. */
#include "cases.h"
#include "check.h"
#include "dedup.h"
#include "due.h"
#include "err.h"
#include "evolve_internal.h"
#include "life.h"

void intake_evolve_key(struct evolve *e, const Kesu__V1__Sealed *sealed)
{
    if (sealed != NULL && sealed->key_id >= e->r->meta.next_key_id)
        e->r->meta.next_key_id = sealed->key_id + 1;
}

void intake_evolve_contacts(struct evolve *e, const ProtobufCBinaryData *hashes, size_t n, uint64_t customer)
{
    for (size_t i = 0; i < n && customer != 0; i++) {
        struct span key = span_of(hashes[i].data, hashes[i].len);
        uint64_t known = 0;
        if (key.n > 0 && (!intake_register_get_u64(e->r, TABLE_CONTACTS, key, &known) || known == 0))
            intake_register_put_u64(e->r, TABLE_CONTACTS, key, customer);
    }
}

static void put_thread(struct evolve *e, const ProtobufCBinaryData *hash)
{
    struct span known, key = span_of(hash->data, hash->len);
    if (key.n > 0 && intake_register_get(e->r, TABLE_THREADS, key, &known) != 0)
        intake_register_put_u64(e->r, TABLE_THREADS, key, e->state->case_id);
}

static void put_external(struct evolve *e, Kesu__V1__Channel channel, const Kesu__V1__ExternalRef *ref)
{
    struct key key;
    if (ref == NULL) return;
    intake_external_key(channel, ref, &key);
    intake_register_put_u64(e->r, TABLE_EXTERNALS, key_span(&key), e->state->case_id);
}

void intake_evolve_attachments(struct evolve *e, const ProtobufCBinaryData *hashes, size_t n)
{
    struct key key;
    for (size_t i = 0; i < n; i++) {
        intake_evidence_key(span_of(hashes[i].data, hashes[i].len), e->state->case_id, &key);
        intake_register_put(e->r, TABLE_EVIDENCE, key_span(&key), SPAN_NONE);
    }
    if (n > 0) e->state->attachment_seq = e->seq;
}

/* The cases of a customer form a chain, the newest first. */
static void put_case_of(struct evolve *e, uint64_t customer_id)
{
    struct customer_row row = {0};
    if (customer_id == 0) return;
    (void)intake_customer_get(e->r, customer_id, &row);
    e->state->previous_case = row.last_case;
    row.last_case = e->state->case_id;
    intake_customer_put(e->r, customer_id, &row);
}

static int change_agent(struct evolve *e, const char *agent, int by)
{
    Kesu__V1__AgentState *a;
    if (agent[0] == '\0') return 0;
    int err = intake_agent_get(e->r, agent, e->arena, &a);
    if (err != 0) return err;
    if (by < 0 && a->open_cases == 0) return E_CORRUPT;
    a->open_cases = by < 0 ? a->open_cases - 1 : a->open_cases + 1;
    intake_agent_put(e->r, a);
    return 0;
}

/* ---- clocks ---------------------------------------------------------------- */

static Kesu__V1__ClockState *clock_of(struct evolve *e, char *id)
{
    Kesu__V1__CaseState *s = e->state;
    for (size_t i = 0; i < s->n_clocks; i++)
        if (strcmp(s->clocks[i]->clock, id) == 0) return s->clocks[i];
    Kesu__V1__ClockState **more = arena_alloc(e->arena, sizeof(*more) * (s->n_clocks + 1));
    Kesu__V1__ClockState *fresh = arena_alloc(e->arena, sizeof(*fresh));
    if (more == NULL || fresh == NULL) return NULL;
    kesu__v1__clock_state__init(fresh);
    fresh->clock = id;
    if (s->n_clocks > 0) memcpy(more, s->clocks, sizeof(*more) * s->n_clocks);
    more[s->n_clocks++] = fresh;
    s->clocks = more;
    return fresh;
}

/* A start is a new run, of which nothing has fired but what it says. Of a move: what has fired counts no more
 * when its new time is still to come. */
static void set_times(struct evolve *e, const Kesu__V1__ClockChange *c, Kesu__V1__ClockState *clock)
{
    clock->running = true;
    clock->started_at = c->started_at;
    clock->warn_at = c->warn_at;
    clock->due_at = c->due_at;
    clock->n_escalate_at = c->n_escalate_at;
    clock->escalate_at = c->escalate_at;
    if (c->op == KESU__V1__CLOCK_CHANGE__OP__OP_START) {
        clock->warned = c->warned;
        clock->breached = c->breached;
        clock->escalated = c->escalated;
        return;
    }
    if (c->warn_at > e->block_time) clock->warned = false;
    if (c->due_at > e->block_time) {
        clock->breached = false;
        clock->escalated = 0;
    }
}

/* Of a sub-task, a reply that is held, or a body outside: when it stops there is nothing left to know of it.
 */
static bool is_passing(const char *clock)
{
    return strchr(clock, '#') != NULL || strcmp(clock, "reply_hold") == 0 ||
           strcmp(clock, "external_due") == 0;
}

static void forget_clock(struct evolve *e, const char *id)
{
    Kesu__V1__CaseState *s = e->state;
    size_t kept = 0;
    for (size_t i = 0; i < s->n_clocks; i++)
        if (strcmp(s->clocks[i]->clock, id) != 0) s->clocks[kept++] = s->clocks[i];
    s->n_clocks = kept;
}

static int change_clocks(struct evolve *e)
{
    for (size_t i = 0; i < e->event->n_clocks; i++) {
        const Kesu__V1__ClockChange *c = e->event->clocks[i];
        if (c->work_id != 0) continue;
        if (c->op == KESU__V1__CLOCK_CHANGE__OP__OP_STOP && is_passing(c->clock)) {
            forget_clock(e, c->clock);
            continue;
        }
        Kesu__V1__ClockState *clock = clock_of(e, c->clock);
        if (clock == NULL) return E_NOMEM;
        if (c->op == KESU__V1__CLOCK_CHANGE__OP__OP_STOP) {
            clock->running = false;
            clock->stopped_at = e->block_time;
        } else {
            set_times(e, c, clock);
        }
    }
    return 0;
}

/* ---- a row each ------------------------------------------------------------ */

static int on_customer_added(struct evolve *e)
{
    const Kesu__V1__CustomerAdded *b = e->event->customer_added;
    struct customer_row row = {.profile_key = b->profile != NULL ? b->profile->key_id : 0};
    intake_evolve_key(e, b->profile);
    intake_customer_put(e->r, b->customer_id, &row);
    intake_evolve_contacts(e, b->contact_hashes, b->n_contact_hashes, b->customer_id);
    return 0;
}

static int put_number(struct evolve *e, const char *number)
{
    unsigned yymm;
    uint64_t serial;
    struct key key;
    if (due_parse_number(number, &yymm, &serial) != 0) return E_CORRUPT;
    intake_number_key(yymm, serial, &key);
    intake_register_put_u64(e->r, TABLE_NUMBERS, key_span(&key), e->state->case_id);
    key.n = 0;
    key_u32(&key, yymm);
    intake_register_put_u64(e->r, TABLE_SERIALS, key_span(&key), serial);
    return 0;
}

static int on_case_opened(struct evolve *e)
{
    const Kesu__V1__CaseOpened *b = e->event->case_opened;
    Kesu__V1__CaseState *s = e->state;
    s->number = b->number;
    s->channel = b->channel;
    s->customer_id = b->customer_id;
    s->received_at = b->received_at;
    s->opened_at = e->block_time;
    s->language = b->language;
    s->tier = b->tier;
    s->key_id = b->personal != NULL ? b->personal->key_id : 0;
    s->suspected_case = b->suspected_case;
    s->messages = 1;
    s->reply_tag = b->reply_tag;
    s->n_contact_hashes = b->n_contact_hashes;
    s->contact_hashes = b->contact_hashes;
    s->automatic = b->automatic;
    s->object = b->object;
    s->occurred_at = b->occurred_at;
    s->anonymous = b->anonymous;
    s->internal = b->internal;
    intake_evolve_key(e, b->personal);
    intake_evolve_contacts(e, b->contact_hashes, b->n_contact_hashes, b->customer_id);
    put_case_of(e, b->customer_id);
    intake_evolve_attachments(e, b->attachment_hashes, b->n_attachment_hashes);
    put_external(e, b->channel, b->external);
    put_thread(e, &b->thread_hash);
    int err = intake_evolve_writers(e, b->other_contact_hashes, b->n_other_contact_hashes);
    return err != 0 ? err : put_number(e, b->number);
}

static int on_message_added(struct evolve *e)
{
    const Kesu__V1__MessageAdded *b = e->event->message_added;
    e->state->messages++;
    put_external(e, b->channel, b->external);
    put_thread(e, &b->thread_hash);
    intake_evolve_attachments(e, b->attachment_hashes, b->n_attachment_hashes);
    return 0;
}

static int on_case_classified(struct evolve *e)
{
    const Kesu__V1__CaseClassified *b = e->event->case_classified;
    Kesu__V1__CaseState *s = e->state;
    if (b->judgement == NULL) return E_CORRUPT;
    s->category = b->judgement->category;
    s->department = b->judgement->department;
    s->severity = b->judgement->severity;
    if (b->judgement->language != KESU__V1__LANGUAGE__LANGUAGE_UNSPECIFIED)
        s->language = b->judgement->language;
    s->fallback = b->fallback;
    return 0;
}

static int on_case_assigned(struct evolve *e)
{
    int err = change_agent(e, e->state->agent, -1);
    if (err == 0) err = change_agent(e, e->event->case_assigned->agent, +1);
    e->state->agent = e->event->case_assigned->agent;
    return err;
}

static int on_presence_set(struct evolve *e)
{
    Kesu__V1__AgentState *a;
    int err = intake_agent_get(e->r, e->event->presence_set->agent, e->arena, &a);
    if (err != 0) return err;
    a->present = e->event->presence_set->present;
    a->capacity = e->event->presence_set->capacity;
    intake_agent_put(e->r, a);
    return 0;
}

static int on_clock_fired(struct evolve *e)
{
    const Kesu__V1__ClockFired *b = e->event->clock_fired;
    if (e->state == NULL)
        return strcmp(b->clock, "handover") == 0 ? intake_evolve_handover_late(e)
                                                 : intake_evolve_discipline_late(e);
    Kesu__V1__ClockState *clock = clock_of(e, b->clock);
    if (clock == NULL) return E_NOMEM;
    if (b->step == KESU__V1__FIRE_CLOCK__STEP__STEP_WARN) clock->warned = true;
    if (b->step == KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH) clock->breached = true;
    if (b->step == KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE && b->level > clock->escalated)
        clock->escalated = b->level;
    return 0;
}

static int on_delivery_recorded(struct evolve *e)
{
    const Kesu__V1__DeliveryRecorded *b = e->event->delivery_recorded;
    struct key key;
    intake_delivery_key(b->cause_seq, b->target, b->kind, &key);
    intake_register_put_u64(e->r, TABLE_DELIVERIES, key_span(&key), (uint64_t)b->outcome);
    put_thread(e, &b->thread_hash);
    return 0;
}

static int on_policy_part_stored(struct evolve *e)
{
    const Kesu__V1__PolicyPartStored *b = e->event->policy_part_stored;
    struct key key;
    intake_part_key(span_of(b->hash.data, b->hash.len), b->index, &key);
    intake_register_put_u64(e->r, TABLE_PARTS, key_span(&key), e->seq);
    return 0;
}

static int on_policy_activated(struct evolve *e)
{
    const Kesu__V1__PolicyActivated *b = e->event->policy_activated;
    if (b->hash.len != sizeof(e->r->meta.policy_hash)) return E_CORRUPT;
    memcpy(e->r->meta.policy_hash, b->hash.data, b->hash.len);
    e->r->meta.policy_parts = b->parts;
    e->r->meta.policy_seq = e->seq;
    return 0;
}

static int on_event_skipped(struct evolve *e)
{
    struct key key;
    intake_skip_key(e->event->event_skipped->fold, e->event->event_skipped->seq, &key);
    intake_register_put(e->r, TABLE_SKIPS, key_span(&key), SPAN_NONE);
    return 0;
}

/* Numbers that were given out after the backup are not known: they are left out. */
static int on_journal_restored(struct evolve *e)
{
    const Kesu__V1__JournalRestored *b = e->event->journal_restored;
    for (size_t i = 0; i < b->n_months; i++) {
        struct key key = {.n = 0};
        uint64_t serial = 0;
        key_u32(&key, b->months[i]);
        (void)intake_register_get_u64(e->r, TABLE_SERIALS, key_span(&key), &serial);
        intake_register_put_u64(e->r, TABLE_SERIALS, key_span(&key), serial + b->number_gap);
    }
    return 0;
}

/* of_case: of one that is there. What has no function changes the stage at most. files: it has words, with
 * what was shown. */
#define CASE(name, row)  [KESU__V1__EVENT__BODY_##name] = {true, false, (row)}
#define WORDS(name, row) [KESU__V1__EVENT__BODY_##name] = {true, true, (row)}
#define OTHER(name, row) [KESU__V1__EVENT__BODY_##name] = {false, false, (row)}

static const struct {
    bool of_case, files;
    evolve_row row;
} table[] = {
    OTHER(CUSTOMER_ADDED, on_customer_added),
    CASE(CASE_OPENED, on_case_opened),
    CASE(MESSAGE_ADDED, on_message_added),
    CASE(CASE_CLASSIFIED, on_case_classified),
    CASE(CASE_ASSIGNED, on_case_assigned),
    CASE(WORK_STARTED, NULL),
    CASE(NOTE_ADDED, NULL),
    CASE(CASE_RESOLVED, NULL),
    CASE(CASE_CLOSED, intake_evolve_closed),
    OTHER(PRESENCE_SET, on_presence_set),
    CASE(CLOCK_FIRED, on_clock_fired),
    CASE(DELIVERY_RECORDED, on_delivery_recorded),
    OTHER(POLICY_PART_STORED, on_policy_part_stored),
    OTHER(POLICY_ACTIVATED, on_policy_activated),
    OTHER(EVENT_SKIPPED, on_event_skipped),
    OTHER(CLOCK_ACCEPTED, NULL),
    OTHER(CUSTOMER_ERASED, intake_evolve_customer_erased),
    OTHER(JOURNAL_RESTORED, on_journal_restored),
    /* evolve_record.c */
    CASE(RECORD_AMENDED, intake_evolve_record_amended),
    CASE(NATURE_SET, intake_evolve_nature_set),
    WORDS(EVIDENCE_ADDED, intake_evolve_evidence_added),
    WORDS(FILE_RETURNED, NULL),
    /* evolve_customer.c */
    OTHER(CUSTOMER_CHANGED, intake_evolve_customer_changed),
    OTHER(MERGE_SUGGESTED, intake_evolve_merge_suggested),
    OTHER(MERGE_DISMISSED, intake_evolve_merge_dismissed),
    OTHER(CUSTOMERS_MERGED, intake_evolve_customers_merged),
    OTHER(CUSTOMERS_UNMERGED, intake_evolve_customers_unmerged),
    /* evolve_owner.c */
    CASE(ACCUSED_NAMED, intake_evolve_accused),
    WORDS(STATEMENT_RECORDED, NULL),
    /* evolve_talk.c */
    WORDS(REPLY_HELD, intake_evolve_reply_held),
    CASE(REPLY_UNDONE, intake_evolve_reply_over),
    CASE(REPLY_SENT, intake_evolve_reply_over),
    CASE(REPLY_STARTED, intake_evolve_reply_started),
    WORDS(CALL_RECORDED, NULL),
    /* evolve_review.c */
    WORDS(CASE_REVIEWED, intake_evolve_reviewed),
    WORDS(TASK_OPENED, intake_evolve_task_opened),
    WORDS(TASK_ANSWERED, intake_evolve_task_answered),
    CASE(TASK_TRANSFERRED, intake_evolve_task_transferred),
    CASE(TASK_WAIVED, intake_evolve_task_waived),
    /* evolve_remedy.c */
    CASE(REMEDY_PROPOSED, intake_evolve_remedy_proposed),
    CASE(PROPOSAL_SUBMITTED, intake_evolve_proposal_submitted),
    CASE(PROPOSAL_DECIDED, intake_evolve_proposal_decided),
    CASE(READING_CONFIRMED, intake_evolve_reading_confirmed),
    /* evolve_opinion.c */
    WORDS(OPINION_SENT, intake_evolve_opinion_sent),
    WORDS(ANSWER_RECORDED, intake_evolve_answer_recorded),
    WORDS(DEADLOCK_DECLARED, intake_evolve_deadlocked),
    CASE(EXTERNAL_REFERRED, intake_evolve_external_referred),
    CASE(EXTERNAL_RECORDED, intake_evolve_external_recorded),
    /* evolve_appeal.c */
    WORDS(APPEAL_FILED, intake_evolve_appeal_filed),
    CASE(APPEAL_ADMITTED, intake_evolve_appeal_admitted),
    CASE(REVIEWER_ASSIGNED, intake_evolve_reviewer_assigned),
    WORDS(APPEAL_DECIDED, intake_evolve_appeal_decided),
    /* evolve_execute.c */
    WORDS(STEP_COMPLETED, intake_evolve_step_completed),
    CASE(RECOVERY_CLAIMED, intake_evolve_recovery_claimed),
    CASE(RECOVERY_SETTLED, intake_evolve_recovery_settled),
    WORDS(FEEDBACK_RECORDED, intake_evolve_feedback_recorded),
    CASE(ACCOUNTABILITY_RECORDED, intake_evolve_accountability_recorded),
    /* evolve_end.c */
    CASE(CASE_REOPENED, intake_evolve_reopened),
    WORDS(CASE_WITHDRAWN, intake_evolve_withdrawn),
    WORDS(CONDUCT_MARKED, intake_evolve_conduct_marked),
    CASE(CASE_HELD, intake_evolve_held),
    CASE(CASE_ARCHIVED, NULL),
    /* evolve_incident.c */
    OTHER(INCIDENT_CREATED, intake_evolve_incident_created),
    CASE(JOINED_INCIDENT, intake_evolve_joined),
    CASE(LEFT_INCIDENT, intake_evolve_left),
    OTHER(INCIDENT_CHANGED, intake_evolve_incident_changed),
    OTHER(LOT_HELD, intake_evolve_lot_held),
    OTHER(INCIDENT_ANSWERED, intake_evolve_incident_answered),
    CASE(ANSWER_SHARED, intake_evolve_answer_shared),
    OTHER(INCIDENT_CLOSED, intake_evolve_incident_closed),
    /* evolve_link.c */
    CASE(CASE_MERGED, intake_evolve_merged),
    CASE(CASE_ABSORBED, intake_evolve_absorbed),
    CASE(CASE_UNMERGED, intake_evolve_unmerged),
    CASE(CASE_RELEASED, NULL),
    CASE(CASES_LINKED, intake_evolve_linked),
    CASE(CASES_UNLINKED, intake_evolve_unlinked),
    /* evolve_eightd.c */
    CASE(EIGHTD_OPENED, intake_evolve_eightd_opened),
    OTHER(DISCIPLINE_PLANNED, intake_evolve_discipline_planned),
    OTHER(DISCIPLINE_RECORDED, intake_evolve_discipline_recorded),
    CASE(EIGHTD_CLOSED, intake_evolve_eightd_closed),
    /* evolve_sensitive.c */
    CASE(SENSITIVE_MARKED, intake_evolve_sensitive_marked),
    CASE(CASE_READ, NULL),
    /* evolve_handover.c */
    OTHER(HANDOVER_OPENED, intake_evolve_handover_opened),
    OTHER(HANDOVER_ACCEPTED, intake_evolve_handover_accepted),
};
#define N_ROWS (sizeof(table) / sizeof(table[0]))

static int load_case(struct evolve *e)
{
    if (e->state != NULL) return 0;
    if (e->event->body_case != KESU__V1__EVENT__BODY_CASE_OPENED)
        return intake_case_get(e->r, e->event->case_id, e->arena, &e->state);
    e->state = arena_alloc(e->arena, sizeof(*e->state));
    if (e->state == NULL) return E_NOMEM;
    kesu__v1__case_state__init(e->state);
    e->state->case_id = e->event->case_id;
    return 0;
}

Kesu__V1__CaseLife *intake_evolve_life(struct evolve *e)
{
    Kesu__V1__CaseState *s = e->state;
    if (s->life == NULL) {
        s->life = arena_alloc(e->arena, sizeof(*s->life));
        if (s->life != NULL) kesu__v1__case_life__init(s->life);
    }
    return s->life;
}

void *intake_evolve_append(struct evolve *e, const void *list, size_t *n, const void *item)
{
    uint8_t *more = arena_alloc(e->arena, sizeof(item) * (*n + 1));
    if (more == NULL) return NULL;
    if (*n > 0) memcpy(more, list, sizeof(item) * *n);
    memcpy(more + sizeof(item) * *n, &item, sizeof(item));
    ++*n;
    return more;
}

int intake_evolve_took_part(struct evolve *e, const char *staff)
{
    const Kesu__V1__Actor *actor = e->event->actor;
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    if (life == NULL) return E_NOMEM;
    if (staff == NULL)
        staff = actor != NULL && actor->kind == KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF ? actor->name : "";
    for (size_t i = 0; i < life->n_took_part; i++)
        if (strcmp(life->took_part[i], staff) == 0) return 0;
    if (staff[0] == '\0') return 0;
    life->took_part = intake_evolve_append(e, life->took_part, &life->n_took_part, staff);
    return life->took_part != NULL ? 0 : E_NOMEM;
}

#define RECENT 16

static int remember_type(struct evolve *e)
{
    Kesu__V1__CaseState *s = e->state;
    size_t kept = s->n_recent < RECENT ? s->n_recent : RECENT - 1;
    uint32_t *recent = arena_alloc(e->arena, sizeof(*recent) * (kept + 1));
    if (recent == NULL) return E_NOMEM;
    if (kept > 0) memcpy(recent, s->recent + (s->n_recent - kept), sizeof(*recent) * kept);
    recent[kept] = (uint32_t)e->event->body_case;
    s->recent = recent;
    s->n_recent = kept + 1;
    return 0;
}

/* Whoever has a case that ends is free for another; who had one that goes on has it again. */
static int change_stage(struct evolve *e)
{
    Kesu__V1__CaseState *s = e->state;
    Kesu__V1__Stage before = s->life != NULL ? (Kesu__V1__Stage)s->life->stage_before : 0;
    Kesu__V1__Stage next = life_next(s->stage, before, e->event);
    if (next == s->stage) return 0;
    if (next == KESU__V1__STAGE__STAGE_EXTERNAL || next == KESU__V1__STAGE__STAGE_MERGED) {
        if (intake_evolve_life(e) == NULL) return E_NOMEM;
        s->life->stage_before = (uint32_t)s->stage;
    }
    int change = (int)life_is_open(next) - (int)life_is_open(s->stage);
    bool first = s->stage == KESU__V1__STAGE__STAGE_UNSPECIFIED;
    s->stage = next;
    return first || change == 0 ? 0 : change_agent(e, s->agent, change);
}

/* What was shown with the words is evidence of the case. */
static void note_files(struct evolve *e)
{
    const ProtobufCMessage *body =
        &e->event->case_opened->base; /* every member of the union is one pointer */
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(body->descriptor, "attachment_hashes");
    ProtobufCBinaryData *hashes;
    size_t n;
    CHECK(f != NULL);
    memcpy(&hashes, (const uint8_t *)body + f->offset, sizeof(hashes));
    memcpy(&n, (const uint8_t *)body + f->quantifier_offset, sizeof(n));
    intake_evolve_attachments(e, hashes, n);
}

/* The row sees the stage in which the event happened. */
static int of_case(struct evolve *e, evolve_row row, bool files)
{
    int err = load_case(e);
    if (err == 0) err = change_clocks(e);
    if (err == 0 && files) note_files(e);
    if (err == 0 && row != NULL) err = row(e);
    if (err == 0) err = change_stage(e);
    if (err == 0) err = remember_type(e);
    if (err != 0) return err;
    e->state->version = e->event->version;
    e->state->last_seq = e->seq;
    intake_case_put(e->r, e->state);
    return 0;
}

static void remember_command(struct evolve *e)
{
    struct dedup_row row = {.seq = e->seq,
                            .case_id = e->event->case_id,
                            .version = e->event->version,
                            .command_hash = e->event->command_hash,
                            .joined = e->event->body_case == KESU__V1__EVENT__BODY_MESSAGE_ADDED};
    intake_dedup_put(e->r, e->event->client, e->event->command_id.data, &row);
}

int intake_evolve_decided(struct intake_register *r, const Kesu__V1__Event *event, uint64_t seq,
                          int64_t block_time, struct arena *arena, Kesu__V1__CaseState *state)
{
    struct evolve e = {r, event, seq, block_time, arena, state};
    int err = 0;
    unsigned type = (unsigned)event->body_case;
    CHECK(state == NULL || (state->case_id == event->case_id && state->version + 1 == event->version));
    if (type < N_ROWS && table[type].of_case && event->case_id != 0)
        err = of_case(&e, table[type].row, table[type].files);
    else if (type < N_ROWS && table[type].row != NULL)
        err = table[type].row(&e);
    if (err != 0) return err == E_NOMEM ? err : E_CORRUPT;
    if (event->command_hash != 0 && event->command_id.len == 16) remember_command(&e);
    r->meta.seq = seq;
    r->meta.block_time = block_time;
    return 0;
}

int intake_evolve(struct intake_register *r, const Kesu__V1__Event *event, uint64_t seq, int64_t block_time,
                  struct arena *arena)
{
    return intake_evolve_decided(r, event, seq, block_time, arena, NULL);
}
