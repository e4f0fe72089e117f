/* SPDX-License-Identifier: Apache-2.0 */
#include "life_world.h"

#include "../../services/intake/cases.h"
#include "../../services/intake/persons.h"
#include "unit.h"

#define CMD(name) KESU__V1__COMMAND__BODY_##name

uint64_t life_draw(struct life_world *w, uint64_t n)
{
    uint64_t z = (w->random += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % n;
}

static void add(struct life_ids *list, uint64_t id)
{
    assert_true(list->n < WORLD_MAX);
    list->ids[list->n++] = id;
}

/* 0: there is none yet. */
static uint64_t any(struct life_world *w, const struct life_ids *list)
{
    return list->n > 0 ? list->ids[life_draw(w, list->n)] : 0;
}

void life_world_see(struct life_world *w, const Kesu__V1__Event *e)
{
    if (e->body_case == KESU__V1__EVENT__BODY_CASE_OPENED) add(&w->cases, e->case_id);
    if (e->body_case == KESU__V1__EVENT__BODY_CUSTOMER_ADDED)
        add(&w->customers, e->customer_added->customer_id);
    if (e->body_case == KESU__V1__EVENT__BODY_INCIDENT_CREATED)
        add(&w->incidents, e->incident_created->incident_id);
    if (e->body_case == KESU__V1__EVENT__BODY_EIGHTD_OPENED) add(&w->eightds, e->eightd_opened->eightd_id);
    if (e->body_case == KESU__V1__EVENT__BODY_HANDOVER_OPENED)
        add(&w->handovers, e->handover_opened->handover_id);
}

/* ---- a message ---------------------------------------------------------------- */

static Kesu__V1__Contact *contact(struct life_world *w)
{
    Kesu__V1__Contact *c = NEW(w->d, contact);
    c->kind = KESU__V1__CONTACT__KIND__KIND_EMAIL;
    c->value = arena_printf(&w->d->arena, "c%u@example.org", (unsigned)life_draw(w, 20));
    return c;
}

void *life_world_message(struct life_world *w)
{
    struct life_desk *d = w->d;
    Kesu__V1__ReceiveMessage *m = NEW(d, receive_message);
    uint8_t *hash = arena_zalloc(&d->arena, 32);
    memcpy(hash, &d->ctx.next_seq, sizeof(d->ctx.next_seq));
    m->channel = KESU__V1__CHANNEL__CHANNEL_WEB;
    m->received_at = d->ctx.block_time;
    m->external = NEW(d, external_ref);
    m->external->mailbox = life_text("test");
    m->external->hash = (ProtobufCBinaryData){32, hash};
    m->personal = NEW(d, personal);
    m->personal->text = life_text("it is wet");
    m->personal->contacts = arena_alloc(&d->arena, sizeof(void *));
    m->personal->contacts[0] = contact(w);
    m->personal->n_contacts = 1;
    return m;
}

/* ---- incidents ------------------------------------------------------------------ */

static void create_incident(struct life_world *w, Kesu__V1__CreateIncident *c)
{
    c->lead = life_text("lead");
    c->lot = life_text(life_draw(w, 2) == 0 ? "L1" : "");
    c->case_ids = arena_alloc(&w->d->arena, sizeof(*c->case_ids) * 2);
    while (c->n_case_ids <= life_draw(w, 2) && w->cases.n > 0)
        c->case_ids[c->n_case_ids++] = any(w, &w->cases);
}

static void answer_incident(struct life_world *w, Kesu__V1__AnswerIncident *c)
{
    c->texts = arena_alloc(&w->d->arena, sizeof(*c->texts));
    c->texts[c->n_texts++] = NEW(w->d, local_text);
    c->texts[0]->language = KESU__V1__LANGUAGE__LANGUAGE_EN;
    c->texts[0]->text = life_text("the lot is recalled");
}

static void change_incident(struct life_world *w, Kesu__V1__ChangeIncident *c)
{
    c->set = arena_alloc(&w->d->arena, sizeof(*c->set));
    c->set[c->n_set++] = life_text(life_draw(w, 2) == 0 ? "title" : "lead");
    c->lead = life_text("lead");
}

static void set_incident(struct life_world *w, unsigned command, void *body)
{
    Kesu__V1__IncidentState *s = NULL;
    uint64_t id = any(w, &w->incidents);
    if (id != 0) (void)intake_incident_get(&w->d->view, id, &w->d->arena, &s);
    w->d->actor.name = life_text(life_draw(w, 6) == 0 ? "ann" : "lead");
    if (command == CMD(CREATE_INCIDENT)) create_incident(w, body);
    if (command == CMD(ANSWER_INCIDENT)) {
        ((Kesu__V1__AnswerIncident *)body)->incident_id = id;
        answer_incident(w, body);
    }
    if (command == CMD(CHANGE_INCIDENT)) {
        ((Kesu__V1__ChangeIncident *)body)->incident_id = id;
        change_incident(w, body);
    }
    if (command == CMD(HOLD_LOT)) {
        ((Kesu__V1__HoldLot *)body)->incident_id = id;
        ((Kesu__V1__HoldLot *)body)->held = s == NULL || !s->lot_held;
    }
    if (command == CMD(CLOSE_INCIDENT)) ((Kesu__V1__CloseIncident *)body)->incident_id = id;
}

/* ---- 8Ds ------------------------------------------------------------------------- */

/* One that is open, if a few looks find one. */
static Kesu__V1__EightDState *an_eightd(struct life_world *w)
{
    Kesu__V1__EightDState *s = NULL;
    for (unsigned i = 0; i < 8 && w->eightds.n > 0 && (s == NULL || s->closed); i++)
        (void)intake_eightd_get(&w->d->view, any(w, &w->eightds), &w->d->arena, &s);
    return s;
}

static uint32_t not_done(const Kesu__V1__EightDState *s)
{
    uint32_t next = 1;
    for (size_t i = 0; s != NULL && i < s->n_disciplines; i++)
        if (s->disciplines[i]->done && s->disciplines[i]->discipline == next) {
            next++;
            i = SIZE_MAX; /* from the first again */
        }
    return next > 8 ? 8 : next;
}

static Kesu__V1__Cause *cause(struct life_world *w, const char *kind)
{
    Kesu__V1__Cause *c = NEW(w->d, cause);
    c->kind = life_text(kind);
    c->branch = life_text("method");
    c->text = life_text("the seal leaks");
    return c;
}

static void say_causes(struct life_world *w, Kesu__V1__RecordDiscipline *c, const Kesu__V1__EightDState *s)
{
    c->causes = arena_alloc(&w->d->arena, sizeof(*c->causes) * 2);
    c->causes[c->n_causes++] = cause(w, "occurrence");
    c->causes[c->n_causes++] = cause(w, "escape");
    c->cause_key = s != NULL && s->cause_key[0] != '\0' ? s->cause_key : life_text("seal:leak");
}

static void say_discipline(struct life_world *w, Kesu__V1__RecordDiscipline *c,
                           const Kesu__V1__EightDState *s)
{
    void **one = arena_alloc(&w->d->arena, sizeof(*one));
    c->discipline = not_done(s);
    c->done = life_draw(w, 8) > 0;
    switch (c->discipline) {
    case 1:
        *one = life_text("ann");
        c->team = (char **)one;
        c->n_team = 1;
        break;
    case 2:
        *one = NEW(w->d, is_is_not);
        c->is_is_not = (Kesu__V1__IsIsNot **)one;
        c->n_is_is_not = 1;
        break;
    case 4:
        say_causes(w, c, s);
        break;
    case 5:
        *one = life_desk_new(w->d, &kesu__v1__eight_doption__descriptor);
        c->options = (Kesu__V1__EightDOption **)one;
        c->options[0]->chosen = true;
        c->n_options = 1;
        break;
    case 6:
        *one = NEW(w->d, measure);
        c->measures = (Kesu__V1__Measure **)one;
        c->measures[0]->name = life_text("defects");
        c->measures[0]->unit = life_text("PPM");
        c->n_measures = 1;
        break;
    default:
        break;
    }
}

static void set_eightd(struct life_world *w, unsigned command, void *body)
{
    Kesu__V1__EightDState *s = an_eightd(w);
    uint64_t id = s != NULL ? s->eightd_id : 0;
    w->d->actor.name = s != NULL ? s->lead : life_text("lead");
    if (command == CMD(OPEN_EIGHTD)) {
        ((Kesu__V1__OpenEightD *)body)->incident_id = any(w, &w->incidents);
        ((Kesu__V1__OpenEightD *)body)->lead = life_text("lead");
    } else if (command == CMD(PLAN_DISCIPLINE)) {
        ((Kesu__V1__PlanDiscipline *)body)->eightd_id = id;
        ((Kesu__V1__PlanDiscipline *)body)->discipline = (uint32_t)life_draw(w, 9);
        ((Kesu__V1__PlanDiscipline *)body)->owner = life_text("ben");
        ((Kesu__V1__PlanDiscipline *)body)->due_at = w->d->ctx.block_time + USEC_PER_DAY;
    } else if (command == CMD(CLOSE_EIGHTD)) {
        ((Kesu__V1__CloseEightD *)body)->eightd_id = id;
    } else {
        ((Kesu__V1__RecordDiscipline *)body)->eightd_id = id;
        say_discipline(w, body, s);
    }
}

/* ---- customers ------------------------------------------------------------------- */

static void change_customer(struct life_world *w, Kesu__V1__ChangeCustomer *c)
{
    c->customer_id = any(w, &w->customers);
    c->set = arena_alloc(&w->d->arena, sizeof(*c->set));
    c->tier = KESU__V1__TIER__TIER_VIP;
    c->set[c->n_set++] = life_text(life_draw(w, 2) == 0 ? "tier" : "contacts");
    if (strcmp(c->set[0], "tier") == 0) return;
    c->contacts = arena_alloc(&w->d->arena, sizeof(*c->contacts));
    c->contacts[c->n_contacts++] = contact(w);
}

static void set_customer(struct life_world *w, unsigned command, void *body)
{
    /* The five commands that name two begin alike. */
    Kesu__V1__MergeCustomers *both = body;
    Kesu__V1__CustomerState *s = NULL;
    if (command == CMD(CHANGE_CUSTOMER)) {
        change_customer(w, body);
        return;
    }
    both->customer_id = any(w, &w->customers);
    both->other_id = any(w, &w->customers);
    for (unsigned i = 0; i < 20 && command == CMD(UNMERGE_CUSTOMERS); i++) {
        if (intake_person_get(&w->d->view, both->other_id, &w->d->arena, &s) == 0 && s->merged_into != 0) {
            both->customer_id = s->merged_into;
            return;
        }
        both->other_id = any(w, &w->customers);
    }
    for (unsigned i = 0; i < 20 && command == CMD(DISMISS_MERGE); i++) {
        if (intake_person_get(&w->d->view, both->customer_id, &w->d->arena, &s) == 0 && s->n_suggested > 0) {
            both->other_id = s->suggested[life_draw(w, s->n_suggested)];
            return;
        }
        both->customer_id = any(w, &w->customers);
    }
}

/* ---- handovers, the office ---------------------------------------------------------- */

static void set_office(struct life_world *w, unsigned command, void *body)
{
    static const char *const agents[] = {"ann", "ben"};
    struct life_desk *d = w->d;
    Kesu__V1__OpenHandover *open = body;
    Kesu__V1__HandoverState *s = NULL;
    Kesu__V1__SetPresence *presence = body;
    switch (command) {
    case CMD(OPEN_HANDOVER):
        d->actor.name = life_text("lead");
        open->to = life_text("side");
        open->due_at = d->ctx.block_time + USEC_PER_HOUR;
        open->agents = arena_alloc(&d->arena, sizeof(*open->agents));
        open->agents[open->n_agents++] = life_text(agents[life_draw(w, 2)]);
        break;
    case CMD(ACCEPT_HANDOVER):
        ((Kesu__V1__AcceptHandover *)body)->handover_id = any(w, &w->handovers);
        if (w->handovers.n > 0 && intake_handover_get(&d->view, any(w, &w->handovers), &d->arena, &s) == 0)
            d->actor.name = s->to;
        break;
    case CMD(SET_PRESENCE):
        presence->agent = life_text(agents[life_draw(w, 2)]);
        presence->present = life_draw(w, 8) > 0;
        presence->capacity = (uint32_t)(1000 + life_draw(w, 8));
        d->actor.name = presence->agent;
        break;
    case CMD(ERASE_CUSTOMER):
        ((Kesu__V1__EraseCustomer *)body)->customer_id = any(w, &w->customers);
        d->actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR;
        break;
    default:
        break;
    }
}

static void set_any(struct life_world *w, unsigned command, void *body)
{
    if (command >= CMD(CHANGE_CUSTOMER) && command <= CMD(UNMERGE_CUSTOMERS))
        set_customer(w, command, body);
    else if (command >= CMD(CREATE_INCIDENT) && command <= CMD(CLOSE_INCIDENT))
        set_incident(w, command, body);
    else if (command >= CMD(OPEN_EIGHTD) && command <= CMD(CLOSE_EIGHTD))
        set_eightd(w, command, body);
    else
        set_office(w, command, body);
}

unsigned life_world_office(struct life_world *w, void **ret_body)
{
    static const unsigned commands[] = {
        CMD(CREATE_INCIDENT),   CMD(CHANGE_INCIDENT),   CMD(HOLD_LOT),          CMD(ANSWER_INCIDENT),
        CMD(ANSWER_INCIDENT),   CMD(CLOSE_INCIDENT),    CMD(OPEN_EIGHTD),       CMD(PLAN_DISCIPLINE),
        CMD(RECORD_DISCIPLINE), CMD(RECORD_DISCIPLINE), CMD(RECORD_DISCIPLINE), CMD(RECORD_DISCIPLINE),
        CMD(RECORD_DISCIPLINE), CMD(RECORD_DISCIPLINE), CMD(CLOSE_EIGHTD),      CMD(CLOSE_EIGHTD),
        CMD(CHANGE_CUSTOMER),   CMD(CHANGE_CUSTOMER),   CMD(SUGGEST_MERGE),     CMD(DISMISS_MERGE),
        CMD(MERGE_CUSTOMERS),   CMD(UNMERGE_CUSTOMERS), CMD(OPEN_HANDOVER),     CMD(ACCEPT_HANDOVER),
        CMD(SET_PRESENCE),      CMD(ERASE_CUSTOMER)};
    unsigned command = commands[life_draw(w, sizeof(commands) / sizeof(commands[0]))];
    if ((command == CMD(ERASE_CUSTOMER) || command == CMD(CLOSE_INCIDENT)) && life_draw(w, 16) > 0)
        command = CMD(OPEN_HANDOVER);
    w->d->actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF;
    w->d->actor.name = life_text("lead");
    w->d->actor.on_behalf_of = life_text("");
    *ret_body = life_body_of(w->d, command, 0);
    set_any(w, command, *ret_body);
    return command;
}

/* ---- of a case ------------------------------------------------------------------------ */

static void share(struct life_world *w, const Kesu__V1__CaseState *s, Kesu__V1__ShareAnswer *c)
{
    Kesu__V1__IncidentState *incident;
    if (s->life == NULL || s->life->incident_id == 0) return;
    if (intake_incident_get(&w->d->view, s->life->incident_id, &w->d->arena, &incident) == 0 &&
        incident->n_answers > 0)
        c->answer_seq = incident->answers[life_draw(w, incident->n_answers)];
}

static void hand_over(struct life_world *w, const Kesu__V1__CaseState *s, Kesu__V1__AssignCase *c)
{
    Kesu__V1__HandoverState *h;
    for (unsigned i = 0; i < 8 && w->handovers.n > 0; i++) {
        if (intake_handover_get(&w->d->view, any(w, &w->handovers), &w->d->arena, &h) != 0) return;
        for (size_t k = 0; k < h->n_case_ids; k++)
            if (h->case_ids[k] == s->case_id) c->handover_id = h->handover_id;
    }
}

/* Mostly by who has the sub-task. */
static void as_owner(struct life_world *w, const Kesu__V1__CaseState *s, uint32_t task)
{
    for (size_t i = 0; s->life != NULL && i < s->life->n_tasks; i++)
        if (s->life->tasks[i]->task == task && life_draw(w, 4) > 0)
            w->d->actor.name = s->life->tasks[i]->owner;
}

void life_world_aim(struct life_world *w, unsigned command, const Kesu__V1__CaseState *s, void *body)
{
    static const char *const reviewers[] = {"side", "law", "gm", "dep"};
    if (command == CMD(ASSIGN_REVIEWER))
        ((Kesu__V1__AssignReviewer *)body)->reviewer = life_text(reviewers[life_draw(w, 4)]);
    if (command == CMD(ADD_TO_INCIDENT))
        ((Kesu__V1__AddToIncident *)body)->incident_id = any(w, &w->incidents);
    if (command == CMD(SHARE_ANSWER)) share(w, s, body);
    if (command == CMD(MERGE_CASE)) ((Kesu__V1__MergeCase *)body)->into_id = any(w, &w->cases);
    if (command == CMD(LINK_CASES)) ((Kesu__V1__LinkCases *)body)->other_id = any(w, &w->cases);
    if (command == CMD(ASSIGN_CASE) && life_draw(w, 2) == 0) hand_over(w, s, body);
    if (command == CMD(ANSWER_TASK)) as_owner(w, s, ((Kesu__V1__AnswerTask *)body)->task);
    if (command == CMD(TRANSFER_TASK)) as_owner(w, s, ((Kesu__V1__TransferTask *)body)->task);
    if (command == CMD(READ_CASE) && life_draw(w, 2) == 0) w->d->actor.name = life_text("dep");
    if (command == CMD(DECIDE_PROPOSAL) && life_draw(w, 2) == 0) {
        w->d->actor.name = life_text("side");
        w->d->actor.on_behalf_of = life_text("dep");
    }
}
