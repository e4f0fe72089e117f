/* SPDX-License-Identifier: Apache-2.0 */
/* Answers are made at once, but for the check of the whole journal: that goes
 * a few blocks a turn. */
#include "control.h"

#include <stdlib.h>

#include "cases.h"
#include "err.h"
#include "intake.h"
#include "log.h"
#include "veil.h"

#define ARENA_LIMIT ((size_t)32 << 20)
#define REPLY_BYTES ((size_t)900 << 10) /* a reply is one frame of 1 MiB at most */
#define SCAN_CASES  4096
#define STEP_BLOCKS 8

struct verify_task {
    struct verify_task *next;
    uint64_t peer, id;
    uint64_t next_seq, anchor_seq;
    bool has_anchor, anchor_met;
    uint8_t anchor[HASH_BYTES], hash[HASH_BYTES];
    Kesu__V1__JournalVerified result;
};

/* ---- lists ------------------------------------------------------------------------ */

static bool to_be_read_by(const Kesu__V1__CaseState *s, const char *who)
{
    const Kesu__V1__OpinionState *o = s->life != NULL ? s->life->opinion : NULL;
    return o != NULL && strcmp(o->read_by, who) == 0;
}

static bool wanted(const Kesu__V1__ListCases *l, const Kesu__V1__CaseState *s)
{
    return (l->stage == 0 || l->stage == s->stage) && (l->severity == 0 || l->severity == s->severity) &&
           (l->department[0] == '\0' || strcmp(l->department, s->department) == 0) &&
           (l->agent[0] == '\0' || strcmp(l->agent, s->agent) == 0) &&
           (l->read_by[0] == '\0' || to_be_read_by(s, l->read_by));
}

static void on_list_cases(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct intake *in = self;
    struct arena *arena = &in->control.arena;
    const Kesu__V1__ListCases *l = request->list_cases;
    Kesu__V1__CaseList list = KESU__V1__CASE_LIST__INIT;
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    uint64_t head = journal_head(in->journal).seq;
    uint64_t before = l->before_case != 0 && l->before_case <= head ? l->before_case : head + 1;
    unsigned limit = l->limit == 0 ? 100 : l->limit;
    size_t bytes = 0;
    arena_reset(arena);
    uint64_t *ids = arena_alloc(arena, sizeof(*ids) * SCAN_CASES);
    list.cases = arena_alloc(arena, sizeof(*list.cases) * (limit + 1));
    unsigned n = intake_register_case_ids(&in->reg, before, ids, SCAN_CASES), i = 0;
    for (; i < n && list.n_cases < limit && bytes < REPLY_BYTES; i++) {
        Kesu__V1__CaseState *state;
        if (intake_case_get(&in->reg, ids[i], arena, &state) != 0) continue;
        state = intake_veil_state(state, arena); /* before it is looked at: what is asked for tells, too */
        if (state == NULL || !wanted(l, state)) continue;
        list.cases[list.n_cases++] = state;
        bytes += codec_size(state) + 8;
    }
    if (i > 0 && (i < n || n == SCAN_CASES)) list.next_before = ids[i - 1];
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_CASE_LIST;
    reply.case_list = &list;
    svc_answer(in->svc, peer, request->id, &reply);
}

static void on_list_agents(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct intake *in = self;
    struct arena *arena = &in->control.arena;
    Kesu__V1__AgentList list = KESU__V1__AGENT_LIST__INIT;
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    const Kesu__V1__Policy *p = in->policy.active;
    arena_reset(arena);
    size_t n = p != NULL ? p->n_staff : 0;
    list.agents = arena_alloc(arena, sizeof(*list.agents) * (n + 1));
    for (size_t i = 0; i < n; i++)
        if (p->staff[i]->agent &&
            intake_agent_get(&in->reg, p->staff[i]->id, arena, &list.agents[list.n_agents]) == 0)
            list.n_agents++;
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_AGENT_LIST;
    reply.agent_list = &list;
    svc_answer(in->svc, peer, request->id, &reply);
}

/* ---- the whole journal --------------------------------------------------------------- */

static void on_verify(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct intake *in = self;
    const Kesu__V1__VerifyJournal *v = request->verify_journal;
    struct verify_task *t = mem_zalloc(&in->env->mem, sizeof(*t));
    t->peer = peer;
    t->id = request->id;
    t->next_seq = journal_head(in->journal).oldest_seq;
    t->anchor_seq = v->anchor_seq;
    t->has_anchor = v->anchor_hash.len == HASH_BYTES;
    if (t->has_anchor) memcpy(t->anchor, v->anchor_hash.data, HASH_BYTES);
    kesu__v1__journal_verified__init(&t->result);
    t->next = in->control.tasks;
    in->control.tasks = t;
    sched_wake(in->env);
}

static char *problem(struct intake *in, const char *what, uint64_t seq)
{
    return arena_printf(&in->control.arena, "%s at seq %llu", what, (unsigned long long)seq);
}

/* False: it ends here, result.problem says why. */
static bool verify_block(struct intake *in, struct verify_task *t)
{
    struct buf *block = NULL;
    struct block_head head = {0};
    bool first = t->result.blocks == 0 && t->next_seq > 1;
    int err = journal_read(in->journal, t->next_seq, &block);
    if (err == 0) err = block_open(buf_span(block), &head);
    if (err == 0) err = block_verify(buf_span(block), first ? NULL : t->hash);
    if (err == 0 && head.first_seq != t->next_seq) err = E_CORRUPT;
    if (err == 0) {
        memcpy(t->hash, head.hash, HASH_BYTES);
        t->next_seq += head.count;
        t->result.blocks++;
        t->result.events += head.count;
        if (t->has_anchor && t->anchor_seq == t->next_seq - 1)
            t->anchor_met = memcmp(t->anchor, t->hash, HASH_BYTES) == 0;
    } else {
        t->result.problem = problem(in, "hash, chain or content does not fit", t->next_seq);
    }
    buf_unref(block);
    return err == 0;
}

static void finish_verify(struct intake *in, struct verify_task *t)
{
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    if (t->result.problem[0] == '\0' && t->has_anchor && !t->anchor_met)
        t->result.problem = problem(in, "the anchor is not in this journal", t->anchor_seq);
    t->result.intact = t->result.problem[0] == '\0';
    t->result.head_seq = t->next_seq - 1;
    t->result.head_hash = (ProtobufCBinaryData){HASH_BYTES, t->hash};
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_JOURNAL_VERIFIED;
    reply.journal_verified = &t->result;
    svc_answer(in->svc, t->peer, t->id, &reply);
}

void intake_control_turn(struct intake *in)
{
    intake_control_case_turn(in);
    for (struct verify_task **at = &in->control.tasks; *at != NULL;) {
        struct verify_task *t = *at;
        bool good = true;
        arena_reset(&in->control.arena);
        for (unsigned i = 0; i < STEP_BLOCKS && good && t->next_seq <= journal_head(in->journal).seq; i++)
            good = verify_block(in, t);
        if (good && t->next_seq <= journal_head(in->journal).seq) {
            at = &t->next;
            continue;
        }
        finish_verify(in, t);
        *at = t->next;
        mem_free(&in->env->mem, t);
    }
    if (in->control.tasks != NULL) sched_wake(in->env);
}

/* ---- info ---------------------------------------------------------------------------- */

static void on_info(void *self, Kesu__V1__Info *info)
{
    struct intake *in = self;
    struct arena *arena = &in->control.arena;
    struct journal_head head = journal_head(in->journal);
    const struct {
        const char *name;
        int64_t value;
    } gauges[] = {
        {"storage_low", in->storage.low},
        {"storage_free_bytes", (int64_t)in->storage.free_bytes},
        {"clock_alarm", in->wallclock.alarm},
        {"pending_bytes", (int64_t)journal_pending(in->journal)},
        {"register_seq", (int64_t)in->reg.meta.seq},
        {"register_stored_seq", (int64_t)in->reg.stored_seq},
        {"policy_seq", (int64_t)in->reg.meta.policy_seq},
        {"keys_ahead", in->keys != NULL ? (int64_t)intake_keys_ahead(in->keys, in->reg.meta.next_key_id) : 0},
    };
    unsigned n = sizeof(gauges) / sizeof(gauges[0]);
    arena_reset(arena);
    info->head_seq = head.seq;
    info->block_time = in->wallclock.last_us;
    uint8_t *uuid = arena_alloc(arena, sizeof(head.uuid)), *hash = arena_alloc(arena, HASH_BYTES);
    memcpy(uuid, head.uuid, sizeof(head.uuid));
    memcpy(hash, head.hash, HASH_BYTES);
    info->journal_uuid = (ProtobufCBinaryData){sizeof(head.uuid), uuid};
    if (head.seq > 0) info->head_hash = (ProtobufCBinaryData){HASH_BYTES, hash};
    info->gauges = arena_alloc(arena, sizeof(*info->gauges) * n);
    for (unsigned i = 0; i < n; i++) {
        Kesu__V1__Gauge *g = arena_alloc(arena, sizeof(*g));
        kesu__v1__gauge__init(g);
        g->name = (char *)(uintptr_t)gauges[i].name;
        g->value = gauges[i].value;
        info->gauges[info->n_gauges++] = g;
    }
    intake_readers_info(in, info, arena);
}

int intake_control_open(struct intake *in)
{
    static const struct svc_control_row rows[] = {
        {KESU__V1__CONTROL_REQUEST__BODY_GET_CASE, intake_control_case},
        {KESU__V1__CONTROL_REQUEST__BODY_LIST_CASES, on_list_cases},
        {KESU__V1__CONTROL_REQUEST__BODY_GET_CUSTOMER, intake_control_customer},
        {KESU__V1__CONTROL_REQUEST__BODY_LIST_CUSTOMERS, intake_control_customers},
        {KESU__V1__CONTROL_REQUEST__BODY_LIST_AGENTS, on_list_agents},
        {KESU__V1__CONTROL_REQUEST__BODY_GET_EIGHTD, intake_control_eightd},
        {KESU__V1__CONTROL_REQUEST__BODY_LIST_EIGHTDS, intake_control_eightds},
        {KESU__V1__CONTROL_REQUEST__BODY_LIST_HANDOVERS, intake_control_handovers},
        {KESU__V1__CONTROL_REQUEST__BODY_GET_INCIDENT, intake_control_incident},
        {KESU__V1__CONTROL_REQUEST__BODY_LIST_INCIDENTS, intake_control_incidents},
        {KESU__V1__CONTROL_REQUEST__BODY_VERIFY_JOURNAL, on_verify},
    };
    arena_init(&in->control.arena, &in->env->mem, ARENA_LIMIT);
    return svc_control(in->svc, rows, sizeof(rows) / sizeof(rows[0]), on_info, in);
}

void intake_control_close(struct intake *in)
{
    for (struct verify_task *t = in->control.tasks, *next; t != NULL; t = next) {
        next = t->next;
        mem_free(&in->env->mem, t);
    }
    intake_control_case_close(in);
    if (in->control.arena.mem != NULL) arena_deinit(&in->control.arena);
}
