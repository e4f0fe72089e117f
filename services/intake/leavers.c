/* SPDX-License-Identifier: Apache-2.0 */
#include "leavers.h"

#include "err.h"
#include "intake.h"
#include "life.h"
#include "policy.h"
#include "uuid.h"

#define PORTION_MAX  4096
#define PORTION_MIN  128
#define PORTION_WORK (1 << 20) /* people compared with */
#define ROOM_BYTES   ((size_t)1 << 20)

static bool has_left(const struct intake *in, const char *id)
{
    return id[0] != '\0' && !policy_is_here(policy_staff(in->policy.active, id), in->wallclock.last_us);
}

static void replace(struct intake *in, uint64_t case_id, uint64_t incident_id)
{
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    Kesu__V1__ReplaceLeavers body = KESU__V1__REPLACE_LEAVERS__INIT;
    Kesu__V1__Actor actor = KESU__V1__ACTOR__INIT;
    uint8_t id[UUID_BYTES];
    uuid_new(in->env, id);
    actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_SERVICE;
    actor.name = (char *)(uintptr_t) "intake";
    body.case_id = case_id;
    body.incident_id = incident_id;
    command.id = (ProtobufCBinaryData){sizeof(id), id};
    command.actor = &actor;
    command.body_case = KESU__V1__COMMAND__BODY_REPLACE_LEAVERS;
    command.replace_leavers = &body;
    (void)intake_batch_own(in, &command); /* a refusal is logged; whoever leads may act for who has left */
}

/* ---- incidents ------------------------------------------------------------------ */

struct sought {
    struct intake *in;
    struct arena arena;
    uint64_t *ids;
    size_t n, room;
};

static void on_incident(void *self, struct span key, struct span value)
{
    struct sought *s = self;
    Kesu__V1__IncidentState *incident;
    struct codec_error error;
    uint64_t id;
    arena_reset(&s->arena);
    if (!key_take_u64(&key, &id) ||
        codec_unpack(&kesu__v1__incident_state__descriptor, value, &s->arena, (void *)&incident, &error) != 0)
        return;
    if (incident->closed || !has_left(s->in, incident->lead)) return;
    if (s->n == s->room) {
        s->room = s->room * 2 + 16;
        s->ids = mem_realloc(&s->in->env->mem, s->ids, s->room * sizeof(*s->ids));
    }
    s->ids[s->n++] = id;
}

static void look_at_incidents(struct intake *in)
{
    struct sought s = {.in = in};
    arena_init(&s.arena, &in->env->mem, ROOM_BYTES);
    intake_register_each(&in->reg, TABLE_INCIDENTS, SPAN_NONE, on_incident, &s);
    for (size_t i = 0; i < s.n; i++) replace(in, 0, s.ids[i]);
    mem_free(&in->env->mem, s.ids);
    arena_deinit(&s.arena);
}

/* ---- cases ---------------------------------------------------------------------- */

static bool is_with_leaver(const struct intake *in, const Kesu__V1__CaseState *s)
{
    const Kesu__V1__CaseLife *life = s->life;
    if (!life_is_open(s->stage)) return false;
    if (has_left(in, s->agent)) return true;
    if (life == NULL) return false;
    for (size_t i = 0; i < life->n_tasks; i++)
        if (life->tasks[i]->open && has_left(in, life->tasks[i]->owner)) return true;
    return s->stage == KESU__V1__STAGE__STAGE_APPEALED && life->appeal != NULL &&
           has_left(in, life->appeal->reviewer);
}

static void look_at_cases(struct intake *in)
{
    struct intake_leavers *l = &in->leavers;
    size_t portion = PORTION_WORK / (in->policy.active->n_staff + 1);
    uint64_t ids[PORTION_MAX];
    struct arena arena;
    portion = portion > PORTION_MAX ? PORTION_MAX : portion < PORTION_MIN ? PORTION_MIN : portion;
    unsigned n = intake_register_case_ids(&in->reg, l->before, ids, (unsigned)portion);
    arena_init(&arena, &in->env->mem, ROOM_BYTES);
    for (unsigned i = 0; i < n; i++) {
        Kesu__V1__CaseState *s;
        arena_reset(&arena);
        if (intake_case_get(&in->reg, ids[i], &arena, &s) == 0 && is_with_leaver(in, s))
            replace(in, ids[i], 0);
    }
    arena_deinit(&arena);
    l->looking = n == portion;
    if (n > 0) l->before = ids[n - 1];
}

/* ---- when ----------------------------------------------------------------------- */

static void begin(struct intake *in)
{
    struct intake_leavers *l = &in->leavers;
    const Kesu__V1__Policy *p = in->policy.active;
    *l = (struct intake_leavers){.known = true, .looking = true, .ends = INT64_MAX};
    memcpy(l->policy, in->policy.hash, sizeof(l->policy));
    for (size_t i = 0; i < p->n_staff; i++)
        if (p->staff[i]->until >= in->wallclock.last_us && p->staff[i]->until != 0 &&
            p->staff[i]->until < l->ends)
            l->ends = p->staff[i]->until;
    look_at_incidents(in);
}

void intake_leavers_look(struct intake *in)
{
    struct intake_leavers *l = &in->leavers;
    if (in->replaying || in->batch.not_written) l->known = false; /* what was given may not be so any more */
    if (!in->open || in->replaying || in->batch.not_written || in->policy.active == NULL ||
        intake_register_crowded(&in->reg))
        return;
    if (!l->known || memcmp(l->policy, in->policy.hash, sizeof(l->policy)) != 0 ||
        in->wallclock.last_us > l->ends)
        begin(in);
    if (l->looking) look_at_cases(in);
}
