/* SPDX-License-Identifier: Apache-2.0 */
/* 8D: its own row, the newest of each cause, and what is open of a case or an
 * incident. */
#include <stdio.h>

#include "err.h"
#include "evolve_internal.h"

static int add_number(struct evolve *e, uint64_t **list, size_t *n, uint64_t number)
{
    uint64_t *more = arena_alloc(e->arena, sizeof(*more) * (*n + 1));
    if (more == NULL) return E_NOMEM;
    if (*n > 0) memcpy(more, *list, sizeof(*more) * *n);
    more[(*n)++] = number;
    *list = more;
    return 0;
}

static void remove_number(uint64_t *list, size_t *n, uint64_t number)
{
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if (list[i] != number) list[kept++] = list[i];
    *n = kept;
}

static int of_case(struct evolve *e, uint64_t id, bool open)
{
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    if (life == NULL) return E_NOMEM;
    if (open) return add_number(e, &life->open_eightds, &life->n_open_eightds, id);
    remove_number(life->open_eightds, &life->n_open_eightds, id);
    life->eightds_closed++;
    return 0;
}

static int of_incident(struct evolve *e, uint64_t incident_id, uint64_t id, bool open)
{
    Kesu__V1__IncidentState *s;
    int err = intake_incident_get(e->r, incident_id, e->arena, &s);
    if (err == 0 && open) err = add_number(e, &s->open_eightds, &s->n_open_eightds, id);
    if (err != 0) return err;
    if (!open) {
        remove_number(s->open_eightds, &s->n_open_eightds, id);
        s->eightds_closed++;
    }
    intake_incident_put(e->r, s);
    return 0;
}

/* Of the case of the event, or of an incident. */
static int count(struct evolve *e, const Kesu__V1__EightDState *s, bool open)
{
    if (e->state != NULL) return of_case(e, s->eightd_id, open);
    return s->incident_id != 0 ? of_incident(e, s->incident_id, s->eightd_id, open) : E_CORRUPT;
}

static void put_cause(struct evolve *e, const char *cause_key, uint64_t id)
{
    if (cause_key[0] != '\0') intake_register_put_u64(e->r, TABLE_CAUSES, span_str(cause_key), id);
}

static void put(struct evolve *e, Kesu__V1__EightDState *s)
{
    s->version++;
    s->last_seq = e->seq;
    intake_eightd_put(e->r, s);
}

int intake_evolve_eightd_opened(struct evolve *e)
{
    const Kesu__V1__EightDOpened *b = e->event->eightd_opened;
    Kesu__V1__EightDState s = KESU__V1__EIGHT_DSTATE__INIT;
    s.eightd_id = b->eightd_id;
    s.case_id = b->case_id;
    s.incident_id = b->incident_id;
    s.title = b->title;
    s.lead = b->lead;
    s.cause_key = b->cause_key;
    s.earlier_id = b->earlier_id;
    s.opened_at = e->block_time;
    put_cause(e, b->cause_key, b->eightd_id);
    put(e, &s);
    return count(e, &s, true);
}

static Kesu__V1__DisciplineState *discipline_of(struct evolve *e, Kesu__V1__EightDState *s, uint32_t number)
{
    for (size_t i = 0; i < s->n_disciplines; i++)
        if (s->disciplines[i]->discipline == number) return s->disciplines[i];
    Kesu__V1__DisciplineState *fresh = arena_alloc(e->arena, sizeof(*fresh));
    if (fresh == NULL) return NULL;
    kesu__v1__discipline_state__init(fresh);
    fresh->discipline = number;
    s->disciplines = intake_evolve_append(e, s->disciplines, &s->n_disciplines, fresh);
    return s->disciplines != NULL ? fresh : NULL;
}

/* The clock of it starts again, when the event says so. */
static void restart(const struct evolve *e, Kesu__V1__DisciplineState *one)
{
    for (size_t i = 0; i < e->event->n_clocks; i++) {
        const Kesu__V1__ClockChange *c = e->event->clocks[i];
        if (c->op != KESU__V1__CLOCK_CHANGE__OP__OP_START) continue;
        one->n_escalate_at = c->n_escalate_at;
        one->escalate_at = c->escalate_at;
        one->breached = false;
        one->escalated = 0;
    }
}

int intake_evolve_discipline_planned(struct evolve *e)
{
    const Kesu__V1__DisciplinePlanned *b = e->event->discipline_planned;
    Kesu__V1__EightDState *s;
    int err = intake_eightd_get(e->r, b->eightd_id, e->arena, &s);
    if (err != 0) return err;
    Kesu__V1__DisciplineState *one = discipline_of(e, s, b->discipline);
    if (one == NULL) return E_NOMEM;
    one->owner = b->owner;
    one->due_at = b->due_at;
    restart(e, one);
    put(e, s);
    return 0;
}

int intake_evolve_discipline_recorded(struct evolve *e)
{
    const Kesu__V1__DisciplineRecorded *b = e->event->discipline_recorded;
    Kesu__V1__EightDState *s;
    int err = intake_eightd_get(e->r, b->eightd_id, e->arena, &s);
    if (err != 0) return err;
    Kesu__V1__DisciplineState *one = discipline_of(e, s, b->discipline);
    if (one == NULL) return E_NOMEM;
    one->done = b->done;
    restart(e, one);
    if (b->cause_key[0] != '\0' && s->cause_key[0] == '\0') {
        s->cause_key = b->cause_key;
        s->earlier_id = b->earlier_id;
        put_cause(e, b->cause_key, s->eightd_id);
    }
    put(e, s);
    return 0;
}

int intake_evolve_eightd_closed(struct evolve *e)
{
    Kesu__V1__EightDState *s;
    int err = intake_eightd_get(e->r, e->event->eightd_closed->eightd_id, e->arena, &s);
    if (err != 0) return err;
    s->closed = true;
    s->closed_at = e->block_time;
    put(e, s);
    return count(e, s, false);
}

/* Nothing of the 8D itself has changed: its version stays. */
int intake_evolve_discipline_late(struct evolve *e)
{
    const Kesu__V1__ClockFired *b = e->event->clock_fired;
    Kesu__V1__EightDState *s;
    int err = intake_eightd_get(e->r, b->work_id, e->arena, &s);
    if (err != 0) return err;
    for (size_t i = 0; i < s->n_disciplines; i++) {
        char clock[24];
        (void)snprintf(clock, sizeof(clock), "discipline_%u", s->disciplines[i]->discipline);
        if (strcmp(clock, b->clock) != 0) continue;
        s->disciplines[i]->breached = true;
        if (b->level > s->disciplines[i]->escalated) s->disciplines[i]->escalated = b->level;
    }
    intake_eightd_put(e->r, s);
    return 0;
}
