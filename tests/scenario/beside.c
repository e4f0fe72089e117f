/* SPDX-License-Identifier: Apache-2.0 */
/* What people do beside the life of one case: customers who are one person,
 * incidents and their answers, 8Ds discipline by discipline, handovers. */
#include <stdio.h>

#include "../../services/intake/persons.h"
#include "clock.h"
#include "office.h"

#define CMD(name) KESU__V1__COMMAND__BODY_##name

static uint64_t draw(struct office *o, uint64_t below)
{
    return sim_random(o->sim, below);
}

static struct life_desk *desk_of(struct office *o)
{
    return &o->shadow->desk;
}

static char *anybody(struct office *o)
{
    const Kesu__V1__Policy *p = &desk_of(o)->policy;
    return p->staff[draw(o, p->n_staff)]->id;
}

/* Mostly whoever is named. */
static void send(struct office *o, struct people *p, const char *who, Kesu__V1__Command__BodyCase type,
                 void *body)
{
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    Kesu__V1__Actor actor = KESU__V1__ACTOR__INIT;
    actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF;
    actor.name = draw(o, 8) == 0 || who[0] == '\0' ? anybody(o) : life_text(who);
    command.actor = &actor;
    command.body_case = type;
    command.start_work = body; /* every member of the union is one pointer */
    people_send(p, &command);
}

static uint64_t any_of(struct office *o, enum shadow_list which)
{
    unsigned n = o->shadow->lists[which].n;
    return n > 0 ? o->shadow->lists[which].ids[draw(o, n)] : 1;
}

static uint64_t any_case(struct office *o)
{
    return o->audit.n_cases > 0 ? o->audit.cases[draw(o, o->audit.n_cases)].id : 1;
}

static char **one_text(struct office *o, const char *text)
{
    char **list = arena_alloc(&desk_of(o)->arena, sizeof *list);
    list[0] = life_text(text);
    return list;
}

/* ---- customers ---------------------------------------------------------------------- */

static Kesu__V1__CustomerState *any_customer(struct office *o)
{
    Kesu__V1__CustomerState *s;
    uint64_t id = any_of(o, SHADOW_CUSTOMERS);
    return intake_person_get(&desk_of(o)->view, id, &desk_of(o)->arena, &s) == 0 ? s : NULL;
}

static void change_customer(struct office *o, struct people *p)
{
    struct life_desk *d = desk_of(o);
    Kesu__V1__ChangeCustomer *c = NEW(d, change_customer);
    c->customer_id = any_of(o, SHADOW_CUSTOMERS);
    c->reason = life_text("told us");
    c->n_set = 1;
    if (draw(o, 2) == 0) {
        c->set = one_text(o, "vulnerable");
        c->vulnerable = draw(o, 2) == 0;
    } else { /* a contact that may be somebody else's, too */
        c->set = one_text(o, "contacts");
        c->contacts = arena_alloc(&d->arena, sizeof *c->contacts);
        c->contacts[c->n_contacts++] = NEW(d, contact);
        c->contacts[0]->kind = KESU__V1__CONTACT__KIND__KIND_EMAIL;
        c->contacts[0]->value = arena_printf(&d->arena, "c%u@customers.example", (unsigned)draw(o, 20));
    }
    send(o, p, "ann", CMD(CHANGE_CUSTOMER), c);
}

/* All four have the same fields. */
static void merge_customers(struct office *o, struct people *p)
{
    static const Kesu__V1__Command__BodyCase types[] = {CMD(SUGGEST_MERGE), CMD(DISMISS_MERGE),
                                                        CMD(MERGE_CUSTOMERS), CMD(UNMERGE_CUSTOMERS)};
    struct life_desk *d = desk_of(o);
    const Kesu__V1__CustomerState *s = any_customer(o);
    Kesu__V1__SuggestMerge *c = NEW(d, suggest_merge);
    uint64_t k = draw(o, 4);
    if (s == NULL) return;
    c->customer_id = s->customer_id;
    c->other_id = any_of(o, SHADOW_CUSTOMERS);
    if (k == 1 && s->n_suggested > 0) c->other_id = s->suggested[0];
    if (k == 3 && s->n_merged > 0) c->other_id = s->merged[0];
    if (k == 3 && s->merged_into != 0) {
        c->customer_id = s->merged_into;
        c->other_id = s->customer_id;
    }
    c->reason = life_text("the same voice");
    if (k == 1) c->base.descriptor = &kesu__v1__dismiss_merge__descriptor;
    if (k == 2) c->base.descriptor = &kesu__v1__merge_customers__descriptor;
    if (k == 3) c->base.descriptor = &kesu__v1__unmerge_customers__descriptor;
    send(o, p, "ann", types[k], c);
}

/* ---- incidents ------------------------------------------------------------------------- */

static void create_incident(struct office *o, struct people *p)
{
    struct life_desk *d = desk_of(o);
    Kesu__V1__CreateIncident *c = NEW(d, create_incident);
    c->title = life_text("a lot that leaks");
    c->lot = life_text("L1");
    c->lead = life_text("lead");
    c->reason = life_text("all say the same");
    c->case_ids = arena_alloc(&d->arena, 4 * sizeof *c->case_ids);
    for (uint64_t n = draw(o, 5); n > 0; n--) c->case_ids[c->n_case_ids++] = any_case(o);
    send(o, p, "lead", CMD(CREATE_INCIDENT), c);
}

static void change_incident(struct office *o, struct people *p)
{
    Kesu__V1__ChangeIncident *c = NEW(desk_of(o), change_incident);
    c->incident_id = any_of(o, SHADOW_INCIDENTS);
    c->set = one_text(o, draw(o, 2) == 0 ? "title" : "lot");
    c->n_set = 1;
    c->title = life_text("a lot that leaks much");
    c->lot = life_text(draw(o, 2) == 0 ? "L1" : "L2");
    c->reason = life_text("known better");
    send(o, p, "lead", CMD(CHANGE_INCIDENT), c);
}

static void hold_lot(struct office *o, struct people *p)
{
    Kesu__V1__HoldLot *c = NEW(desk_of(o), hold_lot);
    c->incident_id = any_of(o, SHADOW_INCIDENTS);
    c->held = draw(o, 3) > 0;
    c->reason = life_text("it leaks");
    send(o, p, "lead", CMD(HOLD_LOT), c);
}

static Kesu__V1__LocalText *text_in(struct office *o, Kesu__V1__Language language, const char *text)
{
    Kesu__V1__LocalText *t = NEW(desk_of(o), local_text);
    t->language = language;
    t->text = life_text(text);
    return t;
}

static void answer_incident(struct office *o, struct people *p)
{
    struct life_desk *d = desk_of(o);
    Kesu__V1__AnswerIncident *c = NEW(d, answer_incident);
    c->incident_id = any_of(o, SHADOW_INCIDENTS);
    c->texts = arena_alloc(&d->arena, 2 * sizeof *c->texts);
    c->texts[c->n_texts++] = text_in(o, KESU__V1__LANGUAGE__LANGUAGE_EN, OFFICE_ANSWER_EN);
    c->texts[c->n_texts++] = text_in(o, KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT, OFFICE_ANSWER_ZH);
    send(o, p, "lead", CMD(ANSWER_INCIDENT), c);
}

static void close_incident(struct office *o, struct people *p)
{
    Kesu__V1__CloseIncident *c = NEW(desk_of(o), close_incident);
    if (draw(o, 6) > 0) return;
    c->incident_id = any_of(o, SHADOW_INCIDENTS);
    c->reason = life_text("it is over");
    send(o, p, "lead", CMD(CLOSE_INCIDENT), c);
}

/* ---- 8D ------------------------------------------------------------------------------------ */

/* One that is open, NULL: none was found. */
static Kesu__V1__EightDState *any_eightd(struct office *o)
{
    struct life_desk *d = desk_of(o);
    unsigned n = o->shadow->lists[SHADOW_EIGHTDS].n;
    for (unsigned i = 0; i < n; i++) { /* the oldest first: so that some are done */
        Kesu__V1__EightDState *s;
        uint64_t id = o->shadow->lists[SHADOW_EIGHTDS].ids[i];
        if (intake_eightd_get(&d->view, id, &d->arena, &s) == 0 && !s->closed && draw(o, 3) > 0) return s;
    }
    return NULL;
}

static void open_eightd(struct office *o, struct people *p)
{
    Kesu__V1__OpenEightD *c = life_desk_new(desk_of(o), &kesu__v1__open_eight_d__descriptor);
    if (draw(o, 2) == 0)
        c->incident_id = any_of(o, SHADOW_INCIDENTS);
    else
        c->case_id = any_case(o);
    c->title = life_text("why it leaks");
    c->lead = life_text("lead");
    c->cause_key = life_text(draw(o, 2) == 0 ? "" : "seal:leak");
    send(o, p, "lead", CMD(OPEN_EIGHTD), c);
}

static void plan_discipline(struct office *o, struct people *p)
{
    Kesu__V1__PlanDiscipline *c = NEW(desk_of(o), plan_discipline);
    const Kesu__V1__EightDState *s = any_eightd(o);
    if (s == NULL) return;
    c->eightd_id = s->eightd_id;
    c->discipline = (uint32_t)draw(o, 9);
    c->owner = life_text("hand");
    c->due_at = desk_of(o)->ctx.block_time + USEC_PER_MIN + (int64_t)draw(o, USEC_PER_MIN);
    send(o, p, "lead", CMD(PLAN_DISCIPLINE), c);
}

static bool is_done(const Kesu__V1__EightDState *s, uint32_t discipline)
{
    for (size_t i = 0; i < s->n_disciplines; i++)
        if (s->disciplines[i]->discipline == discipline) return s->disciplines[i]->done;
    return false;
}

static Kesu__V1__Cause *cause(struct office *o, const char *kind)
{
    Kesu__V1__Cause *c = NEW(desk_of(o), cause);
    c->kind = life_text(kind);
    c->branch = life_text("material");
    c->text = life_text("the seal");
    return c;
}

/* What the discipline needs to be done. */
static void fill(struct office *o, Kesu__V1__RecordDiscipline *c)
{
    struct life_desk *d = desk_of(o);
    c->text = life_text("looked at it");
    if (c->discipline == 1) {
        c->team = one_text(o, "hand");
        c->n_team = 1;
    } else if (c->discipline == 2) {
        c->is_is_not = arena_alloc(&d->arena, sizeof *c->is_is_not);
        c->is_is_not[c->n_is_is_not++] = NEW(d, is_is_not);
    } else if (c->discipline == 4) {
        c->causes = arena_alloc(&d->arena, 2 * sizeof *c->causes);
        c->causes[c->n_causes++] = cause(o, "occurrence");
        c->causes[c->n_causes++] = cause(o, "escape");
        c->cause_key = life_text("seal:leak");
    } else if (c->discipline == 5) {
        c->options = arena_alloc(&d->arena, sizeof *c->options);
        c->options[c->n_options] = life_desk_new(d, &kesu__v1__eight_doption__descriptor);
        c->options[c->n_options++]->chosen = true;
    } else if (c->discipline == 6) {
        c->measures = arena_alloc(&d->arena, sizeof *c->measures);
        c->measures[c->n_measures] = NEW(d, measure);
        c->measures[c->n_measures]->name = life_text("defects");
        c->measures[c->n_measures++]->unit = life_text("PPM");
    }
}

/* The next of them, or the end when there is none. */
static void record_discipline(struct office *o, struct people *p)
{
    struct life_desk *d = desk_of(o);
    const Kesu__V1__EightDState *s = any_eightd(o);
    uint32_t next = 1;
    if (s == NULL) return;
    while (next <= 8 && is_done(s, next)) next++;
    if (next > 8) {
        Kesu__V1__CloseEightD *c = life_desk_new(d, &kesu__v1__close_eight_d__descriptor);
        c->eightd_id = s->eightd_id;
        c->reason = life_text("it leaks no more");
        send(o, p, "lead", CMD(CLOSE_EIGHTD), c);
        return;
    }
    Kesu__V1__RecordDiscipline *c = NEW(d, record_discipline);
    c->eightd_id = s->eightd_id;
    c->discipline = next;
    c->done = draw(o, 6) > 0;
    fill(o, c);
    send(o, p, "lead", CMD(RECORD_DISCIPLINE), c);
}

/* ---- handovers ------------------------------------------------------------------------------ */

static void open_handover(struct office *o, struct people *p)
{
    Kesu__V1__OpenHandover *c = NEW(desk_of(o), open_handover);
    if (draw(o, 3) > 0) return;
    c->agents = one_text(o, draw(o, 2) == 0 ? "ann" : "ben");
    c->n_agents = draw(o, 2);
    c->to = life_text("side");
    c->due_at = desk_of(o)->ctx.block_time + USEC_PER_MIN;
    c->note = life_text("the phones are loud");
    send(o, p, "lead", CMD(OPEN_HANDOVER), c);
}

static void accept_handover(struct office *o, struct people *p)
{
    Kesu__V1__AcceptHandover *c = NEW(desk_of(o), accept_handover);
    c->handover_id = any_of(o, SHADOW_HANDOVERS);
    send(o, p, "side", CMD(ACCEPT_HANDOVER), c);
}

void beside_act(struct office *o, struct people *p)
{
    static void (*const acts[])(struct office * o, struct people * p) = {
        change_customer,   merge_customers,   merge_customers,   create_incident,
        change_incident,   hold_lot,          answer_incident,   close_incident,
        open_eightd,       plan_discipline,   open_handover,     accept_handover,
        record_discipline, record_discipline, record_discipline, record_discipline};
    acts[draw(o, sizeof acts / sizeof acts[0])](o, p);
}
