/* SPDX-License-Identifier: Apache-2.0 */
/* What each event adds. A case is counted under its current judgement: judged
 * anew, it moves from one cell to the other. */
#include "analytics.h"
#include "clock.h"
#include "err.h"
#include "life.h"

const char *const analytics_tables[ANALYTICS_N_TABLES] = {
    "cases",     "cells", "covers",  "groups", "identities", "incident_cases", "incident_people",
    "incidents", "names", "objects", "people", "top",        "totals"};

static int on_case_opened(void *self, struct fold *f, const struct fold_event *ev)
{
    struct analytics_state *s = self;
    const Kesu__V1__CaseOpened *o = ev->event->case_opened;
    struct analytics_case *one = analytics_cases_add(&s->cases, ev->case_id);
    one->received_us = o->received_at;
    one->cell = analytics_cell_with(0, ANALYTICS_HOUR, (uint64_t)(ev->time_us / USEC_PER_HOUR));
    one->cell = analytics_cell_with(one->cell, ANALYTICS_CHANNEL, (uint64_t)o->channel);
    analytics_cases_changed(&s->cases, one);
    analytics_totals_count(&s->totals, ANALYTICS_T_OPENED);
    analytics_totals_rate(&s->totals, ANALYTICS_R_OPENED, ev->time_us);
    int rc = analytics_cells_add(&s->cells, f, one->cell, 1);
    if (rc == 0) rc = analytics_groups_opened(&s->groups, f, one, o, ev->time_us);
    return rc != 0 ? rc : analytics_objects_count(&s->objects, f, &s->identities, o->object, o->customer_id);
}

static int tie(struct analytics_state *s, struct fold *f, uint64_t one, uint64_t other, int change)
{
    uint64_t all[IDENTITIES_MAX], others[IDENTITIES_MAX];
    struct analytics_tie t = {.change = change};
    unsigned n_others = identities_of(&s->identities, other, others);
    unsigned n_all = identities_of(&s->identities, identities_person(&s->identities, one), all);
    for (unsigned i = 0; i < n_all; i++) {
        bool is_other = false;
        for (unsigned k = 0; k < n_others; k++) is_other = is_other || all[i] == others[k];
        if (!is_other) t.all[t.n++] = all[i];
    }
    t.n_one = t.n;
    for (unsigned k = 0; k < n_others; k++) t.all[t.n++] = others[k];
    int rc = analytics_objects_tie(&s->objects, s->env, f, &t);
    return rc != 0 ? rc : analytics_groups_tie(&s->groups, s->env, f, &t);
}

static int on_customers_merged(void *self, struct fold *f, const struct fold_event *ev)
{
    struct analytics_state *s = self;
    const Kesu__V1__CustomersMerged *b = ev->event->customers_merged;
    int rc = tie(s, f, b->customer_id, b->other_id, -1);
    if (rc != 0) return rc;
    return identities_merge(&s->identities, f, ANALYTICS_IDENTITIES, b->customer_id, b->other_id);
}

static int on_customers_unmerged(void *self, struct fold *f, const struct fold_event *ev)
{
    struct analytics_state *s = self;
    const Kesu__V1__CustomersUnmerged *b = ev->event->customers_unmerged;
    int rc = tie(s, f, b->customer_id, b->other_id, 1);
    if (rc == 0) identities_unmerge(&s->identities, f, ANALYTICS_IDENTITIES, b->other_id);
    return rc;
}

static int on_message_added(void *self, struct fold *f, const struct fold_event *ev)
{
    struct analytics_state *s = self;
    (void)f;
    (void)ev;
    analytics_totals_count(&s->totals, ANALYTICS_T_JOINED);
    return 0;
}

static int on_case_classified(void *self, struct fold *f, const struct fold_event *ev)
{
    struct analytics_state *s = self;
    const Kesu__V1__CaseClassified *c = ev->event->case_classified;
    struct analytics_case *one;
    int rc = analytics_cases_get(&s->cases, f, ev->case_id, &one);
    if (rc != 0) return rc == E_NOT_FOUND ? 0 : rc;
    if ((one->flags & ANALYTICS_CLASSIFIED) == 0) analytics_totals_count(&s->totals, ANALYTICS_T_CLASSIFIED);
    if (c->fallback && (one->flags & ANALYTICS_FALLBACK) == 0)
        analytics_totals_count(&s->totals, ANALYTICS_T_FALLBACK);
    one->flags = (uint8_t)(one->flags | ANALYTICS_CLASSIFIED | (c->fallback ? ANALYTICS_FALLBACK : 0));
    analytics_cases_changed(&s->cases, one);
    if (c->judgement == NULL) return 0;
    uint64_t cell = one->cell, was = one->cell;
    cell = analytics_cell_with(cell, ANALYTICS_CATEGORY,
                               analytics_cells_name(&s->cells, c->judgement->category));
    cell = analytics_cell_with(cell, ANALYTICS_DEPARTMENT,
                               analytics_cells_name(&s->cells, c->judgement->department));
    cell = analytics_cell_with(cell, ANALYTICS_SEVERITY, (uint64_t)c->judgement->severity);
    if (cell == was) return 0;
    one->cell = cell;
    rc = analytics_cells_add(&s->cells, f, was, -1);
    return rc != 0 ? rc : analytics_cells_add(&s->cells, f, cell, 1);
}

/* The first time this happens to a case? */
static int first(struct analytics_state *s, struct fold *f, const struct fold_event *ev, uint8_t flag,
                 struct analytics_case **ret)
{
    int rc = analytics_cases_get(&s->cases, f, ev->case_id, ret);
    if (rc != 0) return rc;
    if (((*ret)->flags & flag) != 0) return E_NOT_FOUND;
    (*ret)->flags |= flag;
    analytics_cases_changed(&s->cases, *ret);
    return 0;
}

static int on_case_assigned(void *self, struct fold *f, const struct fold_event *ev)
{
    struct analytics_state *s = self;
    struct analytics_case *one;
    int rc = first(s, f, ev, ANALYTICS_ASSIGNED, &one);
    if (rc != 0) return rc == E_NOT_FOUND ? 0 : rc;
    analytics_totals_count(&s->totals, ANALYTICS_T_ASSIGNED);
    analytics_totals_rate(&s->totals, ANALYTICS_R_ASSIGNED, ev->time_us);
    analytics_totals_route(&s->totals, ev->time_us - one->received_us);
    return 0;
}

static int on_case_resolved(void *self, struct fold *f, const struct fold_event *ev)
{
    struct analytics_state *s = self;
    struct analytics_case *one;
    int rc = first(s, f, ev, ANALYTICS_RESOLVED, &one);
    if (rc == 0) analytics_totals_count(&s->totals, ANALYTICS_T_RESOLVED);
    return rc == E_NOT_FOUND ? 0 : rc;
}

static int on_case_closed(void *self, struct fold *f, const struct fold_event *ev)
{
    struct analytics_state *s = self;
    struct analytics_case *one;
    int rc = analytics_cases_get(&s->cases, f, ev->case_id, &one);
    if (rc != 0) return rc == E_NOT_FOUND ? 0 : rc;
    one->closed = true;
    analytics_cases_changed(&s->cases, one);
    analytics_totals_count(&s->totals, ANALYTICS_T_CLOSED);
    analytics_totals_rate(&s->totals, ANALYTICS_R_CLOSED, ev->time_us);
    analytics_totals_close(&s->totals, ev->time_us - one->received_us);
    return 0;
}

static int on_clock_fired(void *self, struct fold *f, const struct fold_event *ev)
{
    struct analytics_state *s = self;
    (void)f;
    const Kesu__V1__ClockFired *b = ev->event->clock_fired;
    if (b->step == KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH && !life_clock_waits(b->clock))
        analytics_totals_count(&s->totals, ANALYTICS_T_BREACHED);
    return 0;
}

static int on_delivery_recorded(void *self, struct fold *f, const struct fold_event *ev)
{
    struct analytics_state *s = self;
    (void)f;
    if (ev->event->delivery_recorded->outcome == KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DELIVERED)
        analytics_totals_count(&s->totals, ANALYTICS_T_DELIVERED);
    return 0;
}

static int on_outcome(void *self, struct fold *f, const struct fold_event *ev)
{
    struct analytics_state *s = self;
    (void)f;
    analytics_outcomes_count(&s->outcomes, ev->event);
    return 0;
}

static int on_incident(void *self, struct fold *f, const struct fold_event *ev)
{
    struct analytics_state *s = self;
    struct analytics_case *one = NULL;
    int rc = analytics_cases_get(&s->cases, f, ev->case_id, &one);
    if (rc != 0 && rc != E_NOT_FOUND) return rc;
    return analytics_groups_event(&s->groups, f, one, ev);
}

const struct fold_row analytics_events_rows[ANALYTICS_N_EVENTS] = {
    {KESU__V1__EVENT__BODY_CASE_OPENED, on_case_opened},
    {KESU__V1__EVENT__BODY_MESSAGE_ADDED, on_message_added},
    {KESU__V1__EVENT__BODY_CASE_CLASSIFIED, on_case_classified},
    {KESU__V1__EVENT__BODY_CASE_ASSIGNED, on_case_assigned},
    {KESU__V1__EVENT__BODY_CASE_RESOLVED, on_case_resolved},
    {KESU__V1__EVENT__BODY_CASE_CLOSED, on_case_closed},
    {KESU__V1__EVENT__BODY_CLOCK_FIRED, on_clock_fired},
    {KESU__V1__EVENT__BODY_DELIVERY_RECORDED, on_delivery_recorded},
    {KESU__V1__EVENT__BODY_ANSWER_RECORDED, on_outcome},
    {KESU__V1__EVENT__BODY_APPEAL_FILED, on_outcome},
    {KESU__V1__EVENT__BODY_APPEAL_DECIDED, on_outcome},
    {KESU__V1__EVENT__BODY_STEP_COMPLETED, on_outcome},
    {KESU__V1__EVENT__BODY_FEEDBACK_RECORDED, on_outcome},
    {KESU__V1__EVENT__BODY_CASE_REOPENED, on_outcome},
    {KESU__V1__EVENT__BODY_CASE_WITHDRAWN, on_outcome},
    {KESU__V1__EVENT__BODY_INCIDENT_CREATED, on_incident},
    {KESU__V1__EVENT__BODY_JOINED_INCIDENT, on_incident},
    {KESU__V1__EVENT__BODY_LEFT_INCIDENT, on_incident},
    {KESU__V1__EVENT__BODY_INCIDENT_CHANGED, on_incident},
    {KESU__V1__EVENT__BODY_INCIDENT_CLOSED, on_incident},
    {KESU__V1__EVENT__BODY_CUSTOMERS_MERGED, on_customers_merged},
    {KESU__V1__EVENT__BODY_CUSTOMERS_UNMERGED, on_customers_unmerged},
};

/* ---- the whole state --------------------------------------------------------- */

void analytics_state_init(struct analytics_state *s, struct env *env)
{
    memset(s, 0, sizeof *s);
    s->env = env;
    analytics_cases_init(&s->cases, &env->mem);
    analytics_cells_init(&s->cells, &env->mem);
    analytics_objects_init(&s->objects, &env->mem);
    identities_init(&s->identities, &env->mem);
    s->groups.people = &s->identities;
}

void analytics_state_deinit(struct analytics_state *s)
{
    identities_deinit(&s->identities);
    analytics_objects_deinit(&s->objects);
    analytics_cells_deinit(&s->cells);
    analytics_cases_deinit(&s->cases);
}

int analytics_state_load(struct analytics_state *s, struct fold *f)
{
    int rc = analytics_cells_load(&s->cells, s->env, f);
    if (rc == 0) rc = analytics_objects_load(&s->objects, f);
    if (rc == 0) rc = identities_load(&s->identities, s->env, f, ANALYTICS_IDENTITIES);
    if (rc == 0) rc = analytics_totals_load(&s->totals, f);
    if (rc == 0) rc = analytics_outcomes_load(&s->outcomes, f);
    return rc != 0 ? rc : analytics_groups_load(&s->groups, f);
}

int analytics_state_write(struct analytics_state *s, struct fold *f)
{
    analytics_cases_write(&s->cases, f);
    analytics_objects_write(&s->objects, f);
    analytics_totals_write(&s->totals, f);
    analytics_outcomes_write(&s->outcomes, f);
    analytics_groups_write(&s->groups, f);
    return analytics_cells_write(&s->cells, f);
}
