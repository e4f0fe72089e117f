/* SPDX-License-Identifier: Apache-2.0 */
#include "shadow.h"

#include <stdlib.h>

#include "../../services/intake/evolve.h"
#include "../unit/life_rules.h"
#include "check.h"
#include "life.h"
#include "office.h"
#include "policy.h"

#define ARENA_BYTES ((size_t)32 << 20)

struct shadow *shadow_new(struct office *o, const char *policy_dir)
{
    static const uint8_t uuid[16];
    struct shadow *s = calloc(1, sizeof *s);
    Kesu__V1__PolicyBundle *bundle = NULL;
    char *error = NULL;
    CHECK(s != NULL);
    arena_init(&s->kept, &mem_libc, (size_t)64 << 20);
    arena_init(&s->desk.arena, &mem_libc, ARENA_BYTES);
    CHECK(policy_compile(o->inspector_env, policy_dir, &s->kept, &bundle, &error) == 0);
    s->desk.policy = *bundle->policy;
    CHECK(intake_register_open(&s->desk.view, o->inspector_env, NULL) == 0);
    CHECK(intake_register_follow(&s->desk.view, uuid, 0) == 0);
    return s;
}

void shadow_free(struct shadow **p)
{
    struct shadow *s = *p;
    if (s == NULL) return;
    *p = NULL;
    intake_register_close(&s->desk.view, 0);
    for (unsigned i = 0; i < N_SHADOW_LISTS; i++) free(s->lists[i].ids);
    idset_deinit(&s->answers);
    idset_deinit(&s->reopened);
    idset_deinit(&s->joined);
    arena_deinit(&s->desk.arena);
    arena_deinit(&s->kept);
    free(s);
}

/* ---- an event ---------------------------------------------------------------- */

static void pair_id(uint64_t a, uint64_t b, uint8_t ret[16])
{
    memcpy(ret, &a, sizeof a);
    memcpy(ret + 8, &b, sizeof b);
}

static void remember(struct idset *set, uint64_t case_id, uint64_t seq)
{
    uint8_t id[16];
    pair_id(case_id, 0, id);
    idset_put(set, id, seq);
}

static uint64_t remembered(const struct idset *set, uint64_t case_id)
{
    uint8_t id[16];
    uint64_t seq = 0;
    pair_id(case_id, 0, id);
    (void)idset_find(set, id, &seq);
    return seq;
}

static void list_add(struct shadow *s, enum shadow_list which, uint64_t id)
{
    unsigned n = s->lists[which].n;
    if ((n & (n + 1)) == 0) {
        s->lists[which].ids = realloc(s->lists[which].ids, 2 * (n + 1) * sizeof(uint64_t));
        CHECK(s->lists[which].ids != NULL);
    }
    s->lists[which].ids[s->lists[which].n++] = id;
}

static void note(struct office *o, uint64_t seq, const Kesu__V1__Event *e)
{
    struct shadow *s = o->shadow;
    uint8_t id[16];
    switch (e->body_case) {
    case KESU__V1__EVENT__BODY_CUSTOMER_ADDED:
        list_add(s, SHADOW_CUSTOMERS, e->customer_added->customer_id);
        break;
    case KESU__V1__EVENT__BODY_INCIDENT_CREATED:
        list_add(s, SHADOW_INCIDENTS, e->incident_created->incident_id);
        break;
    case KESU__V1__EVENT__BODY_EIGHTD_OPENED:
        list_add(s, SHADOW_EIGHTDS, e->eightd_opened->eightd_id);
        break;
    case KESU__V1__EVENT__BODY_HANDOVER_OPENED:
        list_add(s, SHADOW_HANDOVERS, e->handover_opened->handover_id);
        break;
    case KESU__V1__EVENT__BODY_JOINED_INCIDENT:
        remember(&s->joined, e->case_id, seq);
        break;
    case KESU__V1__EVENT__BODY_ANSWER_SHARED:
        pair_id(e->case_id, e->answer_shared->answer_seq, id);
        if (!idset_add(&s->answers, id, seq))
            audit_broken(&o->audit, "seq %llu: case %llu gets the answer of seq %llu once more",
                         (unsigned long long)seq, (unsigned long long)e->case_id,
                         (unsigned long long)e->answer_shared->answer_seq);
        break;
    default:
        break;
    }
}

static void complain(struct office *o, uint64_t seq, const Kesu__V1__Event *e, const char *what)
{
    if (what != NULL)
        audit_broken(&o->audit, "seq %llu, %s by %s on case %llu: %s", (unsigned long long)seq,
                     life_event_name(e->body_case), e->actor != NULL ? e->actor->name : "",
                     (unsigned long long)e->case_id, what);
}

static bool begins_command(struct shadow *s, const Kesu__V1__Event *e)
{
    bool first = e->command_id.len != 16 || memcmp(e->command_id.data, s->last_command, 16) != 0;
    if (e->command_id.len == 16) memcpy(s->last_command, e->command_id.data, 16);
    return first;
}

static Kesu__V1__CaseState *state_of(struct shadow *s, uint64_t case_id)
{
    Kesu__V1__CaseState *state;
    return case_id != 0 && intake_case_get(&s->desk.view, case_id, &s->desk.arena, &state) == 0 ? state
                                                                                                : NULL;
}

static void take_event(struct office *o, int64_t time_us, const struct block_event *row)
{
    struct shadow *s = o->shadow;
    struct arena *arena = &s->desk.arena;
    Kesu__V1__Event *e = NULL;
    arena_reset(arena);
    CHECK(codec_unpack_own(&kesu__v1__event__descriptor, row->bytes, arena, &e) == 0);
    bool first = begins_command(s, e);
    const Kesu__V1__CaseState *was = state_of(s, e->case_id);
    if (was != NULL) complain(o, row->seq, e, life_rules_before(&s->desk.policy, was, e, first));
    if (intake_evolve(&s->desk.view, e, row->seq, time_us, arena) != 0) {
        complain(o, row->seq, e, "it does not fit the register");
        return;
    }
    const Kesu__V1__CaseState *now = was != NULL ? state_of(s, e->case_id) : NULL;
    if (now != NULL) complain(o, row->seq, e, life_rules_after(was, now, e));
    if (now != NULL && !life_is_open(was->stage) && life_is_open(now->stage))
        remember(&s->reopened, e->case_id, row->seq);
    if ((unsigned)e->body_case < SHADOW_KINDS) s->events[e->body_case]++;
    note(o, row->seq, e);
}

void shadow_block(struct office *o, struct span block, const struct block_head *head)
{
    for (uint32_t i = 0; i < head->count && o->audit.broken[0] == '\0'; i++) {
        struct block_event row;
        block_event_at(block, i, &row);
        take_event(o, head->time_us, &row);
    }
    o->shadow->desk.ctx.block_time = head->time_us;
}

bool shadow_is_restricted(struct shadow *s, uint64_t key_id)
{
    return intake_key_is_restricted(&s->desk.view, key_id, UINT64_MAX);
}

/* ---- at the end ---------------------------------------------------------------- */

static const struct {
    enum register_table table;
    const char *name;
} tables[] = {
    {TABLE_CASES, "cases"},           {TABLE_CUSTOMERS, "customers"},   {TABLE_PERSONS, "persons"},
    {TABLE_CONTACTS, "contacts"},     {TABLE_AGENTS, "agents"},         {TABLE_EXTERNALS, "externals"},
    {TABLE_THREADS, "threads"},       {TABLE_NUMBERS, "numbers"},       {TABLE_SERIALS, "serials"},
    {TABLE_DELIVERIES, "deliveries"}, {TABLE_COMMANDS, "commands"},     {TABLE_SKIPS, "skips"},
    {TABLE_PARTS, "parts"},           {TABLE_EVIDENCE, "evidence"},     {TABLE_INCIDENTS, "incidents"},
    {TABLE_MEMBERS, "members"},       {TABLE_EIGHTDS, "eightds"},       {TABLE_CAUSES, "causes"},
    {TABLE_HANDOVERS, "handovers"},   {TABLE_RESTRICTED, "restricted"},
};

static void count_row(void *self, struct span key, struct span value)
{
    unsigned *n = self;
    (void)key;
    (void)value;
    ++*n;
}

/* Every row on disk is one of the shadow's, and none is missing; of commands the oldest may be gone. */
static void compare_table(struct office *o, const char *path, size_t k)
{
    struct intake_register *view = &o->shadow->desk.view;
    struct span key = SPAN_NONE, value, own;
    unsigned n = 0, wanted = 0;
    for (bool past = false; sim_disk_seek(o->sim, path, tables[k].name, false, key, past, &key, &value);
         n++) {
        past = true;
        if (intake_register_get(view, tables[k].table, key, &own) == 0 && span_equal(own, value)) continue;
        audit_broken(&o->audit, "a row of %s in the register is another than the journal makes",
                     tables[k].name);
        return;
    }
    intake_register_each(view, tables[k].table, SPAN_NONE, count_row, &wanted);
    if (n != wanted && (tables[k].table != TABLE_COMMANDS || n > wanted))
        audit_broken(&o->audit, "the register has %u rows of %s, the journal makes %u", n, tables[k].name,
                     wanted);
}

/* Who was a member, and in somebody's hands, from the answer on or from when it joined. */
static void check_member(struct office *o, const struct audit_case *c)
{
    struct shadow *s = o->shadow;
    arena_reset(&s->desk.arena);
    const Kesu__V1__CaseState *state = state_of(s, c->id);
    Kesu__V1__IncidentState *incident;
    if (state == NULL || state->life == NULL || state->life->incident_id == 0 || c->erased_seq != 0 ||
        !life_is_open(c->stage))
        return;
    if (intake_incident_get(&s->desk.view, state->life->incident_id, &s->desk.arena, &incident) != 0) {
        audit_broken(&o->audit, "case %s is of an incident that is not there", c->number);
        return;
    }
    uint64_t joined = remembered(&s->joined, c->id), reopened = remembered(&s->reopened, c->id);
    if (incident->answer_seq == 0 || (incident->answer_seq < reopened && joined < reopened)) return;
    if (state->life->answer_seq < incident->answer_seq)
        audit_broken(&o->audit, "case %s has not got the answer of seq %llu to its incident", c->number,
                     (unsigned long long)incident->answer_seq);
}

void shadow_check(struct office *o, const char *register_path)
{
    for (size_t k = 0; k < sizeof tables / sizeof tables[0]; k++) compare_table(o, register_path, k);
    for (unsigned i = 0; i < o->audit.n_cases; i++) check_member(o, &o->audit.cases[i]);
}
