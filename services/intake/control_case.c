/* SPDX-License-Identifier: Apache-2.0 */
/* A case is told by walking back from its last event. Who asks while that event
 * is being written waits for the disk: what may be lost yet is not told.
 *
 * Of a sensitive case number, stage and clocks are told, more only to who reads
 * it: that they do is an event first, and they wait until it is on disk, too. */
#include <stdio.h>

#include "cases.h"
#include "control.h"
#include "decide.h"
#include "due.h"
#include "err.h"
#include "intake.h"
#include "life.h"
#include "persons.h"
#include "policy.h"
#include "seal.h"
#include "uuid.h"
#include "veil.h"

#define REPLY_BYTES ((size_t)900 << 10) /* a reply is one frame of 1 MiB at most */
#define WALK_EVENTS 4096
#define MAX_WAITING 1000

struct walk {
    struct intake *in;
    struct arena *arena;
    bool personal;
    bool accountability; /* may be opened, too */
    size_t bytes;
    unsigned n;
    Kesu__V1__EventRecord *records[WALK_EVENTS]; /* newest first */
    ProtobufCBinaryData opened[WALK_EVENTS];
};

static void open_sealed(struct walk *w, const Kesu__V1__Event *e)
{
    const Kesu__V1__Sealed *sealed = seal_of_event(e);
    struct seal_key key;
    struct span plain;
    if (e->body_case == KESU__V1__EVENT__BODY_ACCOUNTABILITY_RECORDED && !w->accountability) return;
    if (!w->personal || sealed == NULL || !w->in->open ||
        intake_keys_get(w->in->keys, sealed->key_id, &key) != 0)
        return;
    if (seal_open(key.secret, sealed, w->arena, &plain) != 0) return;
    w->opened[w->n] = (ProtobufCBinaryData){plain.n, (uint8_t *)(uintptr_t)plain.p};
    w->bytes += plain.n;
}

static int walk_back(struct walk *w, uint64_t seq)
{
    while (seq != 0 && w->n < WALK_EVENTS && w->bytes < REPLY_BYTES) {
        Kesu__V1__Event *event;
        Kesu__V1__EventRecord *record = arena_alloc(w->arena, sizeof(*record));
        struct span bytes;
        int64_t time_us;
        if (record == NULL) return 0;
        int err = intake_read_event(w->in->journal, seq, w->arena, &event, &time_us, &bytes);
        if (err == E_NOMEM) return 0;
        if (err != 0) return err;
        if (w->bytes + bytes.n > REPLY_BYTES) return 0;
        w->bytes += bytes.n + 32;
        kesu__v1__event_record__init(record);
        record->seq = seq;
        record->block_time = time_us;
        record->event = (ProtobufCBinaryData){bytes.n, (uint8_t *)(uintptr_t)bytes.p};
        open_sealed(w, event);
        w->records[w->n++] = record;
        seq = event->previous_seq;
    }
    return 0;
}

static uint64_t id_asked(struct intake *in, const Kesu__V1__GetCase *get)
{
    unsigned yymm;
    uint64_t serial, id = 0;
    struct key key;
    if (get->which_case == KESU__V1__GET_CASE__WHICH_CASE_ID) return get->case_id;
    if (get->which_case != KESU__V1__GET_CASE__WHICH_NUMBER ||
        due_parse_number(get->number, &yymm, &serial) != 0)
        return 0;
    intake_number_key(yymm, serial, &key);
    intake_register_get_u64(&in->reg, TABLE_NUMBERS, key_span(&key), &id);
    return id;
}

/* ---- sensitive cases ---------------------------------------------------------- */

/* Is the event that says so still there? A full disk may have taken it away. */
static bool is_read(struct intake *in, const struct control_asked *a)
{
    Kesu__V1__Event *event;
    struct span bytes;
    int64_t time_us;
    return a->read_seq != 0 &&
           intake_read_event(in->journal, a->read_seq, &in->control.arena, &event, &time_us, &bytes) == 0 &&
           event->body_case == KESU__V1__EVENT__BODY_CASE_READ && event->case_id == a->id;
}

static int record_reading(struct intake *in, struct control_asked *a)
{
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    Kesu__V1__ReadCase read = KESU__V1__READ_CASE__INIT;
    Kesu__V1__Actor actor = KESU__V1__ACTOR__INIT;
    uint8_t id[UUID_BYTES];
    uuid_new(in->env, id);
    actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF;
    actor.name = a->reader;
    read.case_id = a->id;
    command.id = (ProtobufCBinaryData){sizeof(id), id};
    command.actor = &actor;
    command.body_case = KESU__V1__COMMAND__BODY_READ_CASE;
    command.read_case = &read;
    int err = intake_batch_own(in, &command);
    if (err == 0) a->last_seq = a->read_seq = in->batch.next_seq - 1;
    return err;
}

enum telling { TELL_ALL, TELL_LITTLE, TELL_LATER, TELL_NOT };

static enum telling how_to_tell(struct intake *in, struct control_asked *a, const Kesu__V1__CaseState *state)
{
    if (!intake_veil_is_on(state)) return TELL_ALL;
    if (!intake_veil_may_read(in->policy.active, state, a->reader, in->batch.block_time)) return TELL_LITTLE;
    if (a->read_seq != 0 && journal_head(in->journal).seq < a->read_seq) return TELL_LATER;
    if (is_read(in, a)) return TELL_ALL;
    if (!in->open) return TELL_LATER;
    return record_reading(in, a) == 0 ? TELL_LATER : TELL_NOT;
}

/* ---- answers -------------------------------------------------------------------- */

static int tell_events(struct intake *in, const struct control_asked *a, Kesu__V1__CaseDetail *detail)
{
    struct walk *w = arena_zalloc(&in->control.arena, sizeof(*w));
    if (w == NULL) return E_TOO_BIG;
    w->in = in;
    w->arena = &in->control.arena;
    w->personal = a->personal;
    w->accountability =
        intake_veil_accountability(in->policy.active, detail->state, a->reader, in->batch.block_time);
    int err = walk_back(w, detail->state->last_seq);
    if (err != 0) return err;
    for (unsigned i = 0; i < w->n / 2; i++) {
        Kesu__V1__EventRecord *record = w->records[i];
        ProtobufCBinaryData opened = w->opened[i];
        w->records[i] = w->records[w->n - 1 - i];
        w->opened[i] = w->opened[w->n - 1 - i];
        w->records[w->n - 1 - i] = record;
        w->opened[w->n - 1 - i] = opened;
    }
    detail->n_events = w->n;
    detail->events = w->records;
    detail->n_opened = w->personal ? w->n : 0;
    detail->opened = w->opened;
    return 0;
}

static void tell_customer(struct intake *in, Kesu__V1__CaseDetail *detail)
{
    Kesu__V1__CustomerTraits *traits = arena_alloc(&in->control.arena, sizeof(*traits));
    if (traits == NULL) return;
    if (intake_person_traits(&in->reg, detail->state->customer_id, &in->control.arena, traits))
        detail->customer = traits;
}

static bool refuse(struct intake *in, const struct control_asked *a, int err, const char *field,
                   const char *reason)
{
    svc_refuse(in->svc, a->peer, a->request_id, err, field, reason);
    return true;
}

static void tell_allowed(struct intake *in, const struct control_asked *a, Kesu__V1__CaseDetail *detail)
{
    const struct decide_context context = {
        .block_time = in->batch.block_time, .policy = in->policy.active, .arena = &in->control.arena};
    detail->n_allowed = intake_decide_allowed_to(detail->state, a->reader, &context, &detail->allowed);
}

/* False: its last event, a->last_seq, is not on disk yet. */
static bool tell(struct intake *in, struct control_asked *a)
{
    struct arena *arena = &in->control.arena;
    Kesu__V1__CaseDetail detail = KESU__V1__CASE_DETAIL__INIT;
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    uint64_t head = journal_head(in->journal).seq;
    arena_reset(arena);
    if (a->id == 0 || a->id > head || intake_case_get(&in->reg, a->id, arena, &detail.state) != 0)
        return refuse(in, a, E_UNKNOWN, "get_case", "no such case");
    a->last_seq = detail.state->last_seq;
    if (a->last_seq > head) return false;
    enum telling how = how_to_tell(in, a, detail.state);
    if (how == TELL_LATER) return false;
    if (how == TELL_NOT) return refuse(in, a, E_OVERLOADED, "get_case", "the reading cannot be recorded");
    detail.veiled = how == TELL_LITTLE;
    if (detail.veiled) {
        detail.state = intake_veil_state(detail.state, arena);
        if (detail.state == NULL) return refuse(in, a, E_TOO_BIG, "get_case", NULL);
    } else {
        int err = tell_events(in, a, &detail);
        if (err == E_TOO_BIG) return refuse(in, a, err, "get_case", "the case is too large to be told");
        if (err != 0) return refuse(in, a, E_INTERNAL, "", "the journal cannot be read");
        tell_allowed(in, a, &detail);
        tell_customer(in, &detail);
    }
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_CASE_DETAIL;
    reply.case_detail = &detail;
    svc_answer(in->svc, a->peer, a->request_id, &reply);
    return true;
}

void intake_control_ask(struct intake *in, const struct control_asked *asked, const char *field)
{
    struct control_asked now = *asked;
    if (now.tell(in, &now)) return;
    if (in->control.n_waiting == MAX_WAITING) {
        svc_refuse(in->svc, now.peer, now.request_id, E_OVERLOADED, field, "too many wait for the disk");
        return;
    }
    struct control_asked *a = mem_zalloc(&in->env->mem, sizeof(*a));
    *a = now;
    a->next = in->control.waiting;
    in->control.waiting = a;
    in->control.n_waiting++;
}

void intake_control_case(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct intake *in = self;
    const Kesu__V1__GetCase *get = request->get_case;
    struct control_asked asked = {.tell = tell,
                                  .peer = peer,
                                  .request_id = request->id,
                                  .id = id_asked(in, get),
                                  .personal = get->personal};
    snprintf(asked.reader, sizeof(asked.reader), "%s", get->reader);
    intake_control_ask(in, &asked, "get_case");
}

/* Still on its way to the disk; when it could not be written, the register is behind it again. */
static bool being_written(const struct intake *in, uint64_t seq)
{
    return seq > journal_head(in->journal).seq && seq <= in->reg.meta.seq;
}

void intake_control_case_turn(struct intake *in)
{
    if (in->replaying) return;
    for (struct control_asked **at = &in->control.waiting, *a; (a = *at) != NULL;) {
        if (being_written(in, a->last_seq) || !a->tell(in, a)) {
            at = &a->next;
            continue;
        }
        *at = a->next;
        in->control.n_waiting--;
        mem_free(&in->env->mem, a);
    }
}

void intake_control_case_close(struct intake *in)
{
    for (struct control_asked *a = in->control.waiting, *next; a != NULL; a = next) {
        next = a->next;
        mem_free(&in->env->mem, a);
    }
}
