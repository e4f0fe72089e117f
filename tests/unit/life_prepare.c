/* SPDX-License-Identifier: Apache-2.0 */
#include "../../services/intake/cases.h"
#include "life_bodies.h"
#include "unit.h"

#define CMD(name)  KESU__V1__COMMAND__BODY_##name
#define KIND(name) KESU__V1__REMEDY_KIND__REMEDY_KIND_##name

static Kesu__V1__RemedyLine *line(struct life_desk *d, Kesu__V1__RemedyKind kind)
{
    Kesu__V1__RemedyLine *l = NEW(d, remedy_line);
    l->kind = kind;
    if (life_pays(kind)) l->amount = life_money(d, "TWD", 100);
    return l;
}

/* Of ann's: one line, or two. */
static void give_proposal(struct life_desk *d, Kesu__V1__CaseLife *life, Kesu__V1__RemedyKind first, bool two)
{
    Kesu__V1__ProposalState *p = life->proposal = NEW(d, proposal_state);
    p->proposal = 1;
    p->proposer = life_text("ann");
    p->lines = arena_alloc(&d->arena, sizeof(*p->lines) * 2);
    p->lines[p->n_lines++] = line(d, first);
    if (two) p->lines[p->n_lines++] = line(d, KIND(APOLOGY));
}

static void give_opinion(struct life_desk *d, Kesu__V1__CaseLife *life)
{
    life->opinion = NEW(d, opinion_state);
    life->opinion->seq = 1;
    life->opinion->proposal = 1;
    life->opinion->read_by = life_text("lead");
}

static void give_task(struct life_desk *d, Kesu__V1__CaseLife *life)
{
    Kesu__V1__TaskState *t = NEW(d, task_state);
    t->task = 1;
    t->department = life_text("service");
    t->owner = life_text("hand");
    t->open = true;
    life->tasks = arena_alloc(&d->arena, sizeof(*life->tasks));
    life->tasks[life->n_tasks++] = t;
}

static void give_clock(struct life_desk *d, Kesu__V1__CaseState *s)
{
    Kesu__V1__ClockState *c = NEW(d, clock_state);
    c->clock = life_text("refund");
    c->running = true;
    c->due_at = LIFE_NOW - 1;
    s->clocks = arena_alloc(&d->arena, sizeof(*s->clocks));
    s->clocks[s->n_clocks++] = c;
}

static void give_eightd(struct life_desk *d, Kesu__V1__CaseState *s)
{
    Kesu__V1__EightDState *e = life_desk_new(d, &kesu__v1__eight_dstate__descriptor);
    e->eightd_id = 77;
    e->case_id = s->case_id;
    e->lead = life_text("lead");
    e->disciplines = arena_alloc(&d->arena, sizeof(*e->disciplines) * 8);
    for (uint32_t i = 1; i <= 8; i++) {
        Kesu__V1__DisciplineState *one = NEW(d, discipline_state);
        one->discipline = i;
        one->done = true;
        e->disciplines[e->n_disciplines++] = one;
    }
    intake_eightd_put(&d->view, e);
    s->life->open_eightds = arena_alloc(&d->arena, sizeof(*s->life->open_eightds));
    s->life->open_eightds[s->life->n_open_eightds++] = 77;
}

static void give_accused(struct life_desk *d, Kesu__V1__CaseLife *life)
{
    life->accused = arena_alloc(&d->arena, sizeof(*life->accused));
    life->accused[life->n_accused++] = life_text("hand");
}

static void give_steps(struct life_desk *d, Kesu__V1__CaseLife *life, unsigned variant)
{
    static const struct {
        Kesu__V1__RemedyKind kind;
        bool two;
    } steps[] = {{KIND(APOLOGY), true},
                 {KIND(APOLOGY), false},
                 {KIND(INSPECTION), true},
                 {KIND(REFUND), true},
                 {KIND(REFUND), false}};
    if (variant < sizeof(steps) / sizeof(steps[0]))
        give_proposal(d, life, steps[variant].kind, steps[variant].two);
}

static void prepare_decision(struct life_desk *d, unsigned command, unsigned variant, Kesu__V1__CaseState *s)
{
    Kesu__V1__CaseLife *life = s->life;
    switch (command) {
    case CMD(SUBMIT_PROPOSAL):
    case CMD(DECIDE_PROPOSAL):
        give_proposal(d, life, KIND(REFUND), false);
        break;
    case CMD(SEND_OPINION):
        give_proposal(d, life, KIND(APOLOGY), false);
        life->proposal->approved = true;
        break;
    case CMD(CONFIRM_READING):
    case CMD(DECLARE_DEADLOCK):
        give_opinion(d, life);
        break;
    case CMD(RECORD_ANSWER):
        give_proposal(d, life, KIND(APOLOGY), false);
        life->steps_done = variant == 6 ? 1 : 0;
        if (variant != 3) break;
        life->appeal = NEW(d, appeal_state);
        life->appeal->outcome = KESU__V1__APPEAL_OUTCOME__APPEAL_OUTCOME_UPHELD;
        break;
    case CMD(RECORD_EXTERNAL):
        if (variant == 3) life->stage_before = KESU__V1__STAGE__STAGE_OPINION_SENT;
        break;
    case CMD(REOPEN_CASE):
        if (variant != 1) break;
        life->appeal = NEW(d, appeal_state);
        life->appeal->outcome = KESU__V1__APPEAL_OUTCOME__APPEAL_OUTCOME_DISMISSED;
        break;
    case CMD(COMPLETE_STEP):
        give_steps(d, life, variant);
        break;
    case CMD(ASSIGN_REVIEWER):
        life->appeal = NEW(d, appeal_state);
        break;
    case CMD(ADMIT_APPEAL):
        life->appeal = NEW(d, appeal_state);
        life->appeal->waits = true;
        break;
    case CMD(DECIDE_APPEAL):
        life->appeal = NEW(d, appeal_state);
        life->appeal->reviewer = d->actor.name;
        if (variant >= 2) break;
        give_proposal(d, life, KIND(APOLOGY), false);
        give_opinion(d, life);
        break;
    default:
        break;
    }
}

static void prepare_rest(struct life_desk *d, unsigned command, Kesu__V1__CaseState *s)
{
    Kesu__V1__CaseLife *life = s->life;
    switch (command) {
    case CMD(CLAIM_CASE):
        s->agent = life_text("");
        break;
    case CMD(RECORD_STATEMENT):
        give_accused(d, life);
        break;
    case CMD(ANSWER_TASK):
    case CMD(TRANSFER_TASK):
    case CMD(WAIVE_TASK):
        give_task(d, life);
        break;
    case CMD(UNDO_REPLY):
        life->reply = NEW(d, reply_state);
        life->reply->seq = 1;
        life->reply->by = life_text("ann");
        life->reply->send_at = LIFE_NOW + 1;
        break;
    case CMD(SETTLE_RECOVERY):
        life->recoveries = arena_alloc(&d->arena, sizeof(*life->recoveries));
        life->recoveries[0] = NEW(d, recovery_state);
        life->recoveries[0]->claim = 1;
        life->recoveries[0]->amount = life_money(d, "TWD", 100);
        life->n_recoveries = 1;
        break;
    case CMD(ARCHIVE_CASE):
        life->ended_at = LIFE_NOW - 2 * d->settings.retention;
        break;
    case CMD(FIRE_CLOCK):
        give_clock(d, s);
        break;
    case CMD(CLOSE_EIGHTD):
        give_eightd(d, s);
        break;
    default:
        break;
    }
}

static void prepare_other(struct life_desk *d, unsigned command, Kesu__V1__CaseState *s)
{
    Kesu__V1__CaseLife *life = s->life;
    Kesu__V1__IncidentState *incident;
    switch (command) {
    case CMD(ADD_TO_INCIDENT):
    case CMD(REMOVE_FROM_INCIDENT):
    case CMD(SHARE_ANSWER):
        incident = NEW(d, incident_state);
        incident->incident_id = 1;
        incident->lead = life_text("lead");
        incident->members = 1;
        incident->answer_seq = 2;
        incident->answers = arena_alloc(&d->arena, sizeof(*incident->answers));
        incident->answers[0] = 2;
        incident->n_answers = 1;
        intake_incident_put(&d->view, incident);
        life->incident_id = command == CMD(ADD_TO_INCIDENT) ? 0 : 1;
        break;
    case CMD(UNLINK_CASES):
    case CMD(UNMERGE_CASE):
        life->links = arena_alloc(&d->arena, sizeof(*life->links));
        life->links[0] = NEW(d, link_state);
        life->links[0]->kind = KESU__V1__LINK_KIND__LINK_KIND_RELATED;
        life->links[0]->other_id = life->merged_into = s->case_id > 1 ? s->case_id - 1 : 1;
        life->n_links = 1;
        break;
    default:
        break;
    }
}

/* Whatever it is merged into: of a person each. */
static void give_customers(struct life_desk *d, Kesu__V1__CaseState *s)
{
    Kesu__V1__CaseState *other = life_state(d, 1 + 1 % d->cases);
    other->customer_id = 1002;
    life_put(d, other);
    s->customer_id = 1001;
}

void life_prepare(struct life_desk *d, unsigned command, unsigned variant, uint64_t case_id)
{
    Kesu__V1__CaseState *s = life_state(d, case_id);
    s->life = NEW(d, case_life);
    s->life->stage_before = KESU__V1__STAGE__STAGE_INVESTIGATING;
    prepare_decision(d, command, variant, s);
    prepare_rest(d, command, s);
    prepare_other(d, command, s);
    if (command == CMD(MERGE_CASE) && variant == 1) give_customers(d, s);
    life_put(d, s);
}
