/* SPDX-License-Identifier: Apache-2.0 */
/* Incidents as operators ask: a list, and one with its members and events. */
#include <stdlib.h>

#include "cases.h"
#include "control.h"
#include "err.h"
#include "intake.h"

#define USUAL       100
#define REPLY_BYTES ((size_t)800 << 10)
#define WALK_EVENTS 1000
#define MAX_IDS     100000

/* Ids of rows, in no order. */
struct ids {
    struct arena *arena;
    uint64_t *list;
    size_t n, room;
    uint64_t above, below; /* neither of them */
};

static void add_id(struct ids *x, uint64_t id)
{
    if (id <= x->above || id >= x->below || x->n == MAX_IDS) return;
    if (x->n == x->room) {
        size_t room = x->room * 2 + 64;
        uint64_t *more = arena_alloc(x->arena, sizeof(*more) * room);
        if (more == NULL) return;
        if (x->n > 0) memcpy(more, x->list, sizeof(*more) * x->n);
        x->list = more;
        x->room = room;
    }
    x->list[x->n++] = id;
}

static void on_incident(void *self, struct span key, struct span value)
{
    uint64_t id;
    (void)value;
    if (key_take_u64(&key, &id)) add_id(self, id);
}

static void on_member(void *self, struct span key, struct span value)
{
    uint64_t incident_id, case_id, member = 0;
    if (value.n == sizeof(member)) memcpy(&member, value.p, sizeof(member));
    if ((member & 1) != 0 && key_take_u64(&key, &incident_id) && key_take_u64(&key, &case_id))
        add_id(self, case_id);
}

static int rising(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x > y ? 1 : -(x < y);
}

static int falling(const void *a, const void *b)
{
    return rising(b, a);
}

/* ---- a list ------------------------------------------------------------------ */

void intake_control_incidents(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct intake *in = self;
    struct arena *arena = &in->control.arena;
    const Kesu__V1__ListIncidents *l = request->list_incidents;
    Kesu__V1__IncidentList list = KESU__V1__INCIDENT_LIST__INIT;
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    uint64_t head = journal_head(in->journal).seq;
    size_t limit = l->limit == 0 ? USUAL : l->limit, bytes = 0, i = 0;
    arena_reset(arena);
    struct ids ids = {.arena = arena, .below = l->before != 0 && l->before <= head ? l->before : head + 1};
    intake_register_each(&in->reg, TABLE_INCIDENTS, SPAN_NONE, on_incident, &ids);
    if (ids.n > 0) qsort(ids.list, ids.n, sizeof(*ids.list), falling);
    list.incidents = arena_alloc(arena, sizeof(*list.incidents) * (limit + 1));
    for (; list.incidents != NULL && i < ids.n && list.n_incidents < limit && bytes < REPLY_BYTES; i++) {
        Kesu__V1__IncidentState *s;
        if (intake_incident_get(&in->reg, ids.list[i], arena, &s) != 0 || (l->open && s->closed)) continue;
        list.incidents[list.n_incidents++] = s;
        bytes += codec_size(s) + 8;
    }
    if (i > 0 && i < ids.n) list.next_before = ids.list[i - 1];
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_INCIDENT_LIST;
    reply.incident_list = &list;
    svc_answer(in->svc, peer, request->id, &reply);
}

/* ---- one ---------------------------------------------------------------------- */

static bool speaks(const Kesu__V1__IncidentState *s, uint64_t case_id)
{
    for (size_t i = 0; i < s->n_representatives; i++)
        if (s->representatives[i] == case_id) return true;
    return false;
}

static Kesu__V1__IncidentMember *tell_member(struct intake *in, const Kesu__V1__IncidentState *s,
                                             uint64_t case_id)
{
    struct arena *arena = &in->control.arena;
    Kesu__V1__IncidentMember *m = arena_alloc(arena, sizeof(*m));
    Kesu__V1__CaseState *c;
    if (m == NULL || intake_case_get(&in->reg, case_id, arena, &c) != 0) return NULL;
    kesu__v1__incident_member__init(m);
    m->case_id = case_id;
    m->number = c->number;
    m->stage = c->stage;
    m->language = c->language;
    m->customer_id = c->customer_id;
    m->answer_seq = c->life != NULL ? c->life->answer_seq : 0;
    m->representative = speaks(s, case_id);
    m->agent = c->agent;
    return m;
}

static void tell_members(struct intake *in, const Kesu__V1__GetIncident *get,
                         Kesu__V1__IncidentDetail *detail)
{
    struct ids ids = {.arena = &in->control.arena, .above = get->after_case, .below = UINT64_MAX};
    struct key prefix = intake_key_u64(get->incident_id);
    size_t limit = get->limit == 0 ? USUAL : get->limit;
    intake_register_each(&in->reg, TABLE_MEMBERS, key_span(&prefix), on_member, &ids);
    if (ids.n > 0) qsort(ids.list, ids.n, sizeof(*ids.list), rising);
    detail->members = arena_alloc(ids.arena, sizeof(*detail->members) * (limit + 1));
    for (size_t i = 0; detail->members != NULL && i < ids.n; i++) {
        if (detail->n_members == limit) {
            detail->next_after = ids.list[i - 1];
            return;
        }
        Kesu__V1__IncidentMember *m = tell_member(in, detail->state, ids.list[i]);
        if (m != NULL) detail->members[detail->n_members++] = m;
    }
}

/* The event of this incident before this one; 0: it is the first. */
static uint64_t previous_of(const Kesu__V1__Event *e)
{
    switch (e->body_case) {
    case KESU__V1__EVENT__BODY_INCIDENT_CHANGED:
        return e->incident_changed->previous;
    case KESU__V1__EVENT__BODY_LOT_HELD:
        return e->lot_held->previous;
    case KESU__V1__EVENT__BODY_INCIDENT_ANSWERED:
        return e->incident_answered->previous;
    case KESU__V1__EVENT__BODY_INCIDENT_CLOSED:
        return e->incident_closed->previous;
    default:
        return 0;
    }
}

/* What is not on disk yet is not told. */
static int tell_events(struct intake *in, Kesu__V1__IncidentDetail *detail, size_t bytes)
{
    struct arena *arena = &in->control.arena;
    uint64_t seq = detail->state->last_seq, head = journal_head(in->journal).seq;
    Kesu__V1__EventRecord **list = arena_alloc(arena, sizeof(Kesu__V1__EventRecord *) * WALK_EVENTS);
    size_t n = 0;
    while (list != NULL && seq != 0 && seq <= head && n < WALK_EVENTS && bytes < REPLY_BYTES) {
        Kesu__V1__Event *event;
        Kesu__V1__EventRecord *record = arena_alloc(arena, sizeof(*record));
        struct span span;
        if (record == NULL) break;
        kesu__v1__event_record__init(record);
        int err = intake_read_event(in->journal, seq, arena, &event, &record->block_time, &span);
        if (err == E_NOMEM) break;
        if (err != 0) return err;
        record->seq = seq;
        record->event = (ProtobufCBinaryData){span.n, (uint8_t *)(uintptr_t)span.p};
        list[n++] = record;
        bytes += span.n + 32;
        seq = previous_of(event);
    }
    detail->events = list;
    detail->n_events = n;
    for (size_t i = 0; i < n / 2; i++) {
        Kesu__V1__EventRecord *other = list[i];
        list[i] = list[n - 1 - i];
        list[n - 1 - i] = other;
    }
    return 0;
}

void intake_control_incident(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct intake *in = self;
    struct arena *arena = &in->control.arena;
    const Kesu__V1__GetIncident *get = request->get_incident;
    Kesu__V1__IncidentDetail detail = KESU__V1__INCIDENT_DETAIL__INIT;
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    arena_reset(arena);
    if (intake_incident_get(&in->reg, get->incident_id, arena, &detail.state) != 0 ||
        get->incident_id > journal_head(in->journal).seq) {
        svc_refuse(in->svc, peer, request->id, E_UNKNOWN, "get_incident.incident_id", "no such incident");
        return;
    }
    tell_members(in, get, &detail);
    int err = tell_events(in, &detail, codec_size(&detail));
    if (err != 0) {
        svc_refuse(in->svc, peer, request->id, E_INTERNAL, "", "the journal cannot be read");
        return;
    }
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_INCIDENT_DETAIL;
    reply.incident_detail = &detail;
    svc_answer(in->svc, peer, request->id, &reply);
}
