/* SPDX-License-Identifier: Apache-2.0 */
/* Incidents: a row each, one a member, and in each member which incident it is
 * of. Members of a new incident join before it is told: its row is there from
 * the first of them on. */
#include "err.h"
#include "evolve_internal.h"
#include "life.h"

static int load(struct evolve *e, uint64_t id, Kesu__V1__IncidentState **ret)
{
    return intake_incident_get(e->r, id, e->arena, ret);
}

static int load_or_make(struct evolve *e, uint64_t id, Kesu__V1__IncidentState **ret)
{
    int err = load(e, id, ret);
    if (err != E_NOT_FOUND) return err;
    Kesu__V1__IncidentState *fresh = arena_alloc(e->arena, sizeof(*fresh));
    if (fresh == NULL) return E_NOMEM;
    kesu__v1__incident_state__init(fresh);
    fresh->incident_id = id;
    *ret = fresh;
    return 0;
}

/* One more event of its own. */
static void put(struct evolve *e, Kesu__V1__IncidentState *s)
{
    s->version++;
    s->last_seq = e->seq;
    intake_incident_put(e->r, s);
}

int intake_evolve_incident_created(struct evolve *e)
{
    const Kesu__V1__IncidentCreated *b = e->event->incident_created;
    Kesu__V1__IncidentState *s;
    int err = load_or_make(e, b->incident_id, &s);
    if (err != 0) return err;
    s->title = b->title;
    s->lot = b->lot;
    s->category = b->category;
    s->lead = b->lead;
    s->created_at = e->block_time;
    put(e, s);
    return 0;
}

static uint64_t member_of(struct evolve *e, uint64_t incident_id, struct key *ret_key)
{
    uint64_t member = 0;
    intake_member_key(incident_id, e->state->case_id, ret_key);
    (void)intake_register_get_u64(e->r, TABLE_MEMBERS, key_span(ret_key), &member);
    return member;
}

/* What it was told it was told, wherever it has been since: should it join again, it gets only what is newer.
 */
static uint64_t put_member(struct evolve *e, uint64_t incident_id, bool is_member)
{
    struct key key;
    uint64_t got = member_of(e, incident_id, &key) >> 1;
    intake_register_put_u64(e->r, TABLE_MEMBERS, key_span(&key), got << 1 | (is_member ? 1 : 0));
    return got;
}

void intake_evolve_got_answer(struct evolve *e, uint64_t incident_id, uint64_t answer_seq)
{
    Kesu__V1__CaseLife *life = e->state->life;
    struct key key;
    uint64_t member = member_of(e, incident_id, &key);
    if (member >> 1 < answer_seq)
        intake_register_put_u64(e->r, TABLE_MEMBERS, key_span(&key), answer_seq << 1 | (member & 1));
    if (life != NULL && life->incident_id == incident_id && life->answer_seq < answer_seq)
        life->answer_seq = answer_seq;
}

int intake_evolve_joined(struct evolve *e)
{
    uint64_t id = e->event->joined_incident->incident_id;
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    Kesu__V1__IncidentState *s;
    if (life == NULL) return E_NOMEM;
    int err = load_or_make(e, id, &s);
    if (err != 0) return err;
    s->members++;
    intake_incident_put(e->r, s);
    life->incident_id = life->last_incident = id;
    life->answer_seq = put_member(e, id, true);
    return 0;
}

static void stop_speaking(Kesu__V1__IncidentState *s, uint64_t case_id)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->n_representatives; i++)
        if (s->representatives[i] != case_id) s->representatives[kept++] = s->representatives[i];
    s->n_representatives = kept;
}

int intake_evolve_left(struct evolve *e)
{
    uint64_t id = e->event->left_incident->incident_id;
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    Kesu__V1__IncidentState *s;
    if (life == NULL) return E_NOMEM;
    int err = load(e, id, &s);
    if (err != 0) return err;
    life->incident_id = 0;
    if (s->members > 0) s->members--;
    stop_speaking(s, e->state->case_id);
    intake_incident_put(e->r, s);
    (void)put_member(e, id, false);
    return 0;
}

int intake_evolve_silence(struct evolve *e, const Kesu__V1__CaseState *member)
{
    Kesu__V1__IncidentState *s;
    if (member->life == NULL || member->life->incident_id == 0) return 0;
    int err = load(e, member->life->incident_id, &s);
    if (err != 0) return err;
    stop_speaking(s, member->case_id);
    intake_incident_put(e->r, s);
    return 0;
}

static bool among(char **set, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(set[i], name) == 0) return true;
    return false;
}

int intake_evolve_incident_changed(struct evolve *e)
{
    const Kesu__V1__IncidentChanged *b = e->event->incident_changed;
    Kesu__V1__IncidentState *s;
    int err = load(e, b->incident_id, &s);
    if (err != 0) return err;
    if (among(b->set, b->n_set, "title")) s->title = b->title;
    if (among(b->set, b->n_set, "lead")) s->lead = b->lead;
    if (among(b->set, b->n_set, "lot")) s->lot = b->lot;
    if (among(b->set, b->n_set, "representatives")) {
        s->n_representatives = b->n_representatives;
        s->representatives = b->representatives;
    }
    put(e, s);
    return 0;
}

int intake_evolve_lot_held(struct evolve *e)
{
    const Kesu__V1__LotHeld *b = e->event->lot_held;
    Kesu__V1__IncidentState *s;
    int err = load(e, b->incident_id, &s);
    if (err != 0) return err;
    if (b->held) {
        s->held_lots = intake_evolve_append(e, s->held_lots, &s->n_held_lots, b->lot);
        if (s->held_lots == NULL) return E_NOMEM;
    } else {
        size_t kept = 0;
        for (size_t i = 0; i < s->n_held_lots; i++)
            if (strcmp(s->held_lots[i], b->lot) != 0) s->held_lots[kept++] = s->held_lots[i];
        s->n_held_lots = kept;
    }
    s->lot_held = s->n_held_lots > 0;
    if (s->lot[0] == '\0') s->lot = b->lot;
    put(e, s);
    return 0;
}

int intake_evolve_incident_answered(struct evolve *e)
{
    Kesu__V1__IncidentState *s;
    int err = load(e, e->event->incident_answered->incident_id, &s);
    if (err != 0) return err;
    uint64_t *answers = arena_alloc(e->arena, sizeof(*answers) * (s->n_answers + 1));
    if (answers == NULL) return E_NOMEM;
    if (s->n_answers > 0) memcpy(answers, s->answers, sizeof(*answers) * s->n_answers);
    answers[s->n_answers++] = e->seq;
    s->answers = answers;
    s->answer_seq = e->seq;
    put(e, s);
    return 0;
}

int intake_evolve_answer_shared(struct evolve *e)
{
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    if (life == NULL) return E_NOMEM;
    intake_evolve_got_answer(e, e->event->answer_shared->incident_id, e->event->answer_shared->answer_seq);
    return 0;
}

int intake_evolve_incident_closed(struct evolve *e)
{
    Kesu__V1__IncidentState *s;
    int err = load(e, e->event->incident_closed->incident_id, &s);
    if (err != 0) return err;
    s->closed = true;
    put(e, s);
    return 0;
}
