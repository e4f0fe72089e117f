/* SPDX-License-Identifier: Apache-2.0 */
/* 8Ds and handovers, as their rows say; an 8D with all its events, by walking
 * back from the last, once that is on disk. */
#include <stdlib.h>

#include "cases.h"
#include "control.h"
#include "err.h"
#include "intake.h"

#define REPLY_BYTES ((size_t)900 << 10) /* a reply is one frame of 1 MiB at most */
#define WALK_EVENTS 4096
#define MOST        1000
#define USUAL       100

struct id_list {
    struct arena *arena;
    uint64_t *ids;
    size_t n, room;
};

static void on_id(void *self, struct span key, struct span value)
{
    struct id_list *l = self;
    uint64_t id;
    (void)value;
    if (!key_take_u64(&key, &id)) return;
    if (l->n == l->room) {
        size_t room = l->room * 2 + 256;
        uint64_t *grown = arena_alloc(l->arena, room * sizeof(*grown));
        if (grown == NULL) return;
        if (l->n > 0) memcpy(grown, l->ids, l->n * sizeof(*grown));
        l->ids = grown;
        l->room = room;
    }
    l->ids[l->n++] = id;
}

static int falling(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x > y ? -1 : x < y;
}

/* The ids of a table, newest first. */
static struct id_list ids_of(struct intake *in, enum register_table table)
{
    struct id_list l = {.arena = &in->control.arena};
    arena_reset(l.arena);
    intake_register_each(&in->reg, table, SPAN_NONE, on_id, &l);
    if (l.n > 0) qsort(l.ids, l.n, sizeof(*l.ids), falling);
    return l;
}

static void too_big(struct intake *in, uint64_t peer, uint64_t id)
{
    svc_refuse(in->svc, peer, id, E_TOO_BIG, "", "too many for one answer");
}

void intake_control_eightds(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct intake *in = self;
    const Kesu__V1__ListEightDs *l = request->list_eightds;
    Kesu__V1__EightDList list = KESU__V1__EIGHT_DLIST__INIT;
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    struct id_list ids = ids_of(in, TABLE_EIGHTDS);
    size_t limit = l->limit == 0 ? USUAL : l->limit, bytes = 0;
    list.eightds = arena_alloc(ids.arena, sizeof(*list.eightds) * (MOST + 1));
    for (size_t i = 0; i < ids.n && list.n_eightds < limit && bytes < REPLY_BYTES; i++) {
        Kesu__V1__EightDState *s;
        if (list.eightds == NULL || intake_eightd_get(&in->reg, ids.ids[i], ids.arena, &s) != 0) {
            too_big(in, peer, request->id);
            return;
        }
        if ((l->case_id != 0 && l->case_id != s->case_id) ||
            (l->incident_id != 0 && l->incident_id != s->incident_id) || (l->open && s->closed))
            continue;
        list.eightds[list.n_eightds++] = s;
        bytes += codec_size(s) + 8;
    }
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_EIGHTD_LIST;
    reply.eightd_list = &list;
    svc_answer(in->svc, peer, request->id, &reply);
}

void intake_control_handovers(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct intake *in = self;
    const Kesu__V1__ListHandovers *l = request->list_handovers;
    Kesu__V1__HandoverList list = KESU__V1__HANDOVER_LIST__INIT;
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    struct id_list ids = ids_of(in, TABLE_HANDOVERS);
    size_t limit = l->limit == 0 ? USUAL : l->limit, bytes = 0;
    list.handovers = arena_alloc(ids.arena, sizeof(*list.handovers) * (MOST + 1));
    for (size_t i = 0; i < ids.n && list.n_handovers < limit; i++) {
        Kesu__V1__HandoverState *s;
        if (list.handovers == NULL || intake_handover_get(&in->reg, ids.ids[i], ids.arena, &s) != 0) {
            too_big(in, peer, request->id);
            return;
        }
        if ((l->open && s->accepted) || (l->to[0] != '\0' && strcmp(l->to, s->to) != 0)) continue;
        bytes += codec_size(s) + 8;
        if (bytes > REPLY_BYTES) break;
        list.handovers[list.n_handovers++] = s;
    }
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_HANDOVER_LIST;
    reply.handover_list = &list;
    svc_answer(in->svc, peer, request->id, &reply);
}

/* ---- one 8D ---------------------------------------------------------------- */

static uint64_t event_before(const Kesu__V1__Event *e)
{
    switch (e->body_case) {
    case KESU__V1__EVENT__BODY_DISCIPLINE_PLANNED:
        return e->discipline_planned->previous;
    case KESU__V1__EVENT__BODY_DISCIPLINE_RECORDED:
        return e->discipline_recorded->previous;
    case KESU__V1__EVENT__BODY_EIGHTD_CLOSED:
        return e->eightd_closed->previous;
    default:
        return 0;
    }
}

/* Into ret, oldest first; what does not fit, the oldest, is left out. */
static int walk_back(struct intake *in, uint64_t seq, Kesu__V1__EightDDetail *ret)
{
    struct arena *arena = &in->control.arena;
    Kesu__V1__EventRecord **records = arena_alloc(arena, sizeof(*records) * WALK_EVENTS);
    size_t n = 0, bytes = 0;
    while (records != NULL && seq != 0 && n < WALK_EVENTS) {
        Kesu__V1__Event *event;
        Kesu__V1__EventRecord *record = arena_alloc(arena, sizeof(*record));
        struct span encoded;
        int64_t time_us;
        int err =
            record == NULL ? E_NOMEM : intake_read_event(in->journal, seq, arena, &event, &time_us, &encoded);
        if (err != 0 && err != E_NOMEM) return err;
        if (err == E_NOMEM || bytes + encoded.n > REPLY_BYTES) break;
        kesu__v1__event_record__init(record);
        record->seq = seq;
        record->block_time = time_us;
        record->event = (ProtobufCBinaryData){encoded.n, (uint8_t *)(uintptr_t)encoded.p};
        bytes += encoded.n + 32;
        records[WALK_EVENTS - ++n] = record;
        seq = event_before(event);
    }
    ret->n_events = n;
    ret->events = records != NULL ? records + WALK_EVENTS - n : NULL;
    return 0;
}

static bool tell_eightd(struct intake *in, struct control_asked *a)
{
    struct arena *arena = &in->control.arena;
    Kesu__V1__EightDDetail detail = KESU__V1__EIGHT_DDETAIL__INIT;
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    Kesu__V1__CaseState *state;
    uint64_t head = journal_head(in->journal).seq;
    arena_reset(arena);
    if (a->id > head || intake_eightd_get(&in->reg, a->id, arena, &detail.state) != 0) {
        svc_refuse(in->svc, a->peer, a->request_id, E_UNKNOWN, "get_eightd.eightd_id", "no such 8D");
        return true;
    }
    a->last_seq = detail.state->last_seq;
    if (a->last_seq > head) return false;
    if (detail.state->case_id != 0 && intake_case_get(&in->reg, detail.state->case_id, arena, &state) == 0)
        detail.number = state->number;
    if (walk_back(in, detail.state->last_seq, &detail) != 0) {
        svc_refuse(in->svc, a->peer, a->request_id, E_INTERNAL, "", "the journal cannot be read");
        return true;
    }
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_EIGHTD_DETAIL;
    reply.eightd_detail = &detail;
    svc_answer(in->svc, a->peer, a->request_id, &reply);
    return true;
}

void intake_control_eightd(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct control_asked asked = {
        .tell = tell_eightd, .peer = peer, .request_id = request->id, .id = request->get_eightd->eightd_id};
    intake_control_ask(self, &asked, "get_eightd");
}
