/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a case: staff, customers and operators do what the case is in
 * the stage for, mostly who may; and sometimes anybody does anything. They
 * look into the shadow, so what they see may have changed when intake decides. */
#include "life.h"

#include <stdio.h>

#include "../unit/life_bodies.h"
#include "clock.h"
#include "office.h"
#include "policy.h"

#define CMD(name) KESU__V1__COMMAND__BODY_##name

static uint64_t draw(struct office *o, uint64_t below)
{
    return sim_random(o->sim, below);
}

/* ---- which case, which command ----------------------------------------------------- */

static Kesu__V1__CaseState *state_of(struct office *o, uint64_t id)
{
    return life_state(&o->shadow->desk, id);
}

/* NULL: somebody has each. */
static const struct audit_case *newest_unowned(const struct audit *a)
{
    for (unsigned i = a->n_cases; i > 0; i--)
        if (a->cases[i - 1].agent[0] == '\0' && a->cases[i - 1].classified) return &a->cases[i - 1];
    return NULL;
}

/* Of some the one with which most has happened: so that a few come far. */
static Kesu__V1__CaseState *choose_case(struct office *o)
{
    const struct audit *a = &o->audit;
    const struct audit_case *best = NULL;
    if (a->n_cases == 0) return NULL;
    if (draw(o, 16) == 0) best = newest_unowned(a);
    if (best != NULL) return state_of(o, best->id);
    for (uint64_t tries = draw(o, 5); tries < 5; tries++) {
        const struct audit_case *c = &a->cases[draw(o, a->n_cases)];
        bool over = c->stage == KESU__V1__STAGE__STAGE_ARCHIVED || c->stage == KESU__V1__STAGE__STAGE_MERGED;
        if (best == NULL || (!over && c->version > best->version)) best = c;
    }
    return state_of(o, best->id);
}

static bool ends(const struct life_row *row)
{
    return row->to == KESU__V1__STAGE__STAGE_WITHDRAWN || row->to == KESU__V1__STAGE__STAGE_MERGED ||
           row->to == KESU__V1__STAGE__STAGE_NOT_A_COMPLAINT || row->to == KESU__V1__STAGE__STAGE_EXTERNAL ||
           row->to == KESU__V1__STAGE__STAGE_DEADLOCKED;
}

static bool has_open_task(const Kesu__V1__CaseLife *life)
{
    for (size_t i = 0; i < life->n_tasks; i++)
        if (life->tasks[i]->open) return true;
    return false;
}

/* Is there what it is about? */
static bool has_object(const struct life_row *row, const Kesu__V1__CaseState *s)
{
    static const Kesu__V1__CaseLife nothing = KESU__V1__CASE_LIFE__INIT;
    const Kesu__V1__CaseLife *life = s->life != NULL ? s->life : &nothing;
    switch (row->command) {
    case CMD(CLAIM_CASE):
        return s->agent[0] == '\0';
    case CMD(RECORD_STATEMENT):
        return life->n_accused > 0;
    case CMD(UNDO_REPLY):
        return life->reply != NULL && life->reply->seq != 0;
    case CMD(ANSWER_TASK):
    case CMD(TRANSFER_TASK):
    case CMD(WAIVE_TASK):
        return has_open_task(life);
    case CMD(CONFIRM_READING):
        return life->opinion != NULL && life->opinion->read_by[0] != '\0';
    case CMD(ADMIT_APPEAL):
        return life->appeal != NULL && life->appeal->waits;
    case CMD(SETTLE_RECOVERY):
        return life->n_recoveries > 0;
    case CMD(REMOVE_FROM_INCIDENT):
        return life->incident_id != 0;
    case CMD(UNLINK_CASES):
        return life->n_links > 0;
    case CMD(CLOSE_EIGHTD):
        return life->n_open_eightds > 0;
    default:
        return true;
    }
}

/* What leads on more often than what leads nowhere, what ends a case seldom, what services do hardly ever. */
static bool is_wanted(struct office *o, const struct life_row *row, const Kesu__V1__CaseState *s)
{
    if (row->tie == TIE_FOLLOWS) return false;
    if (!has_object(row, s)) return draw(o, 20) == 0;
    if ((row->who & (LIFE_STAFF | LIFE_OPERATOR | LIFE_CUSTOMER)) == 0) return draw(o, 40) == 0;
    if (ends(row)) return draw(o, 8) == 0;
    return row->to != LIFE_STAYS || draw(o, 2) == 0;
}

static const struct life_row *choose_row(struct office *o, const Kesu__V1__CaseState *s)
{
    const struct life_row *row = NULL;
    unsigned n = 0;
    bool any = draw(o, 20) == 0;
    while (life_row(n) != NULL) n++;
    for (unsigned tries = 0; tries < 500; tries++) {
        row = life_row((unsigned)draw(o, n));
        if ((any || (row->from >> s->stage & 1) != 0) && is_wanted(o, row, s)) return row;
    }
    return row;
}

/* ---- who ------------------------------------------------------------------------------ */

static bool has_role(const struct life_row *row, const Kesu__V1__Staff *staff)
{
    const Kesu__V1__Actor actor = {.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF};
    return (row->who & life_who(&actor, staff)) != 0;
}

static char *anybody(struct office *o)
{
    const Kesu__V1__Policy *p = &o->shadow->desk.policy;
    return p->staff[draw(o, p->n_staff)]->id;
}

/* Whose turn it is; NULL: nobody's. */
static char *turn_of(const struct life_row *row, const Kesu__V1__CaseState *s)
{
    const Kesu__V1__CaseLife *life = s->life;
    if (row->tie == TIE_OWNER && s->agent[0] != '\0') return s->agent;
    if (life == NULL) return NULL;
    if (row->tie == TIE_REVIEWER && life->appeal != NULL && life->appeal->reviewer[0] != '\0')
        return life->appeal->reviewer;
    if (row->command == CMD(DECIDE_PROPOSAL) && life->proposal != NULL && life->proposal->to[0] != '\0')
        return life->proposal->to;
    if (row->command == CMD(CONFIRM_READING) && life->opinion != NULL && life->opinion->read_by[0] != '\0')
        return life->opinion->read_by;
    bool of_task = row->command == CMD(ANSWER_TASK) || row->command == CMD(TRANSFER_TASK);
    for (size_t i = 0; of_task && i < life->n_tasks; i++)
        if (life->tasks[i]->open) return life->tasks[i]->owner;
    return NULL;
}

static char *member_of_staff(struct office *o, const struct life_row *row, const Kesu__V1__CaseState *s)
{
    const Kesu__V1__Policy *p = &o->shadow->desk.policy;
    char *turn = turn_of(row, s);
    if (turn != NULL && draw(o, 5) > 0) return turn;
    if (draw(o, 10) == 0) return anybody(o);
    for (unsigned tries = 0; tries < 50; tries++) {
        const Kesu__V1__Staff *staff = p->staff[draw(o, p->n_staff)];
        if (has_role(row, staff)) return staff->id;
    }
    return anybody(o);
}

static void choose_actor(struct office *o, const struct life_row *row, const Kesu__V1__CaseState *s,
                         Kesu__V1__Actor *ret)
{
    bool customer = (row->who & LIFE_CUSTOMER) != 0 && draw(o, 3) == 0;
    bool by_operator = (row->who & LIFE_STAFF) == 0 || draw(o, 60) == 0 ||
                       ((row->who & LIFE_OPERATOR) != 0 && draw(o, 12) == 0);
    kesu__v1__actor__init(ret);
    ret->kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF;
    if (by_operator) ret->kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR;
    if (customer) ret->kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_CUSTOMER;
    ret->name = customer || by_operator ? life_text("somebody") : member_of_staff(o, row, s);
    if (strcmp(ret->name, "side") == 0 && draw(o, 4) == 0) ret->on_behalf_of = life_text("dep");
}

/* ---- what -------------------------------------------------------------------------------- */

static uint64_t any_of(struct office *o, enum shadow_list which)
{
    unsigned n = o->shadow->lists[which].n;
    return n > 0 ? o->shadow->lists[which].ids[draw(o, n)] : 1;
}

static uint64_t any_case(struct office *o)
{
    return o->audit.cases[draw(o, o->audit.n_cases)].id;
}

static void set_case(struct office *o, const struct life_row *row, const Kesu__V1__CaseState *s, void *body)
{
    static char *agents[] = {"ann", "ben", "finn", "stella"};
    static uint8_t hash[HASH_BYTES];
    const Kesu__V1__Staff *owner = o->shadow->desk.policy.staff[draw(o, o->shadow->desk.policy.n_staff)];
    int64_t soon = o->shadow->desk.ctx.block_time + (int64_t)draw(o, 2 * USEC_PER_MIN);
    switch (row->command) {
    case CMD(CLASSIFY_CASE):
        ((Kesu__V1__ClassifyCase *)body)->judgement->policy_hash = (ProtobufCBinaryData){sizeof hash, hash};
        break;
    case CMD(ASSIGN_CASE):
        ((Kesu__V1__AssignCase *)body)->agent = agents[draw(o, 4)];
        break;
    case CMD(OPEN_TASK):
        ((Kesu__V1__OpenTask *)body)->owner = owner->id;
        ((Kesu__V1__OpenTask *)body)->department = owner->department;
        break;
    case CMD(TRANSFER_TASK):
        ((Kesu__V1__TransferTask *)body)->owner = owner->id;
        ((Kesu__V1__TransferTask *)body)->department = owner->department;
        break;
    case CMD(REPLY_TO_CUSTOMER):
        ((Kesu__V1__ReplyToCustomer *)body)->progress = draw(o, 2) == 0;
        break;
    case CMD(REFER_EXTERNAL):
        if (draw(o, 2) == 0) ((Kesu__V1__ReferExternal *)body)->due_at = soon;
        break;
    case CMD(ADD_TO_INCIDENT):
        ((Kesu__V1__AddToIncident *)body)->incident_id = any_of(o, SHADOW_INCIDENTS);
        break;
    case CMD(MERGE_CASE):
        ((Kesu__V1__MergeCase *)body)->into_id = any_case(o);
        break;
    case CMD(LINK_CASES):
        ((Kesu__V1__LinkCases *)body)->other_id = any_case(o);
        break;
    case CMD(UNLINK_CASES):
        if (s->life == NULL || s->life->n_links == 0) ((Kesu__V1__UnlinkCases *)body)->other_id = any_case(o);
        break;
    default:
        break;
    }
}

static void send(struct office *o, struct people *p, const struct life_row *row, const Kesu__V1__CaseState *s)
{
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    Kesu__V1__Actor actor;
    unsigned variant = row->variant != LIFE_ANY ? row->variant : 0;
    choose_actor(o, row, s, &actor);
    void *body = life_body(&o->shadow->desk, row->command, variant, s->case_id, (unsigned)draw(o, 1 << 20));
    set_case(o, row, s, body);
    command.actor = &actor;
    command.body_case = (Kesu__V1__Command__BodyCase)row->command;
    command.start_work = body; /* every member of the union is one pointer */
    if (draw(o, 3) == 0) {
        command.expected_case = KESU__V1__COMMAND__EXPECTED_EXPECTED_VERSION;
        command.expected_version = s->version - (draw(o, 4) == 0 ? 1 : 0);
    }
    people_send(p, &command);
}

void life_act(struct office *o, struct people *p)
{
    arena_reset(&o->shadow->desk.arena);
    if (draw(o, 5) == 0) {
        beside_act(o, p);
        return;
    }
    Kesu__V1__CaseState *s = choose_case(o);
    if (s != NULL) send(o, p, choose_row(o, s), s);
}
