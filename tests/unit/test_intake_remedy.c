/* SPDX-License-Identifier: Apache-2.0 */
/* Proposals, who approves them, what is decided at once. */
#include "life_desk.h"
#include "unit.h"

#define KIND(name) KESU__V1__REMEDY_KIND__REMEDY_KIND_##name

static Kesu__V1__RemedyLine *line(struct life_desk *d, Kesu__V1__RemedyKind kind, int64_t units)
{
    Kesu__V1__RemedyLine *l = NEW(d, remedy_line);
    l->kind = kind;
    if (units > 0) l->amount = life_money(d, "TWD", units);
    return l;
}

/* An apology and this compensation, of which the customer ends as before. */
static Kesu__V1__ProposeRemedy *proposal(struct life_desk *d, uint64_t id, int64_t units)
{
    Kesu__V1__ProposeRemedy *c = NEW(d, propose_remedy);
    c->case_id = id;
    c->lines = arena_zalloc(&d->arena, sizeof(*c->lines) * 8);
    c->lines[c->n_lines++] = line(d, KIND(APOLOGY), 0);
    if (units > 0) c->lines[c->n_lines++] = line(d, KIND(COMPENSATION), units);
    c->v1 = life_money(d, "TWD", 100);
    c->c = life_money(d, "TWD", 20);
    c->v2 = life_money(d, "TWD", 120);
    return c;
}

static void *submit(struct life_desk *d, uint64_t id)
{
    Kesu__V1__SubmitProposal *c = NEW(d, submit_proposal);
    c->case_id = id;
    return c;
}

static void *decide(struct life_desk *d, uint64_t id, bool yes)
{
    Kesu__V1__DecideProposal *c = NEW(d, decide_proposal);
    c->case_id = id;
    c->decision = yes ? KESU__V1__DECISION__DECISION_APPROVED : KESU__V1__DECISION__DECISION_REJECTED;
    return c;
}

static void *opinion(struct life_desk *d, uint64_t id)
{
    Kesu__V1__SendOpinion *c = NEW(d, send_opinion);
    c->case_id = id;
    c->words = life_words(d, "we offer");
    return c;
}

static uint64_t proposed(struct life_desk *d, int64_t units)
{
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    life_as(d, "ann");
    DONE(d, PROPOSE_REMEDY, proposal(d, id, units), PROPOSED);
    return id;
}

static uint64_t submitted(struct life_desk *d, int64_t units)
{
    uint64_t id = proposed(d, units);
    DONE(d, SUBMIT_PROPOSAL, submit(d, id), APPROVAL);
    return id;
}

static void a_proposal_waits_for_open_sub_tasks(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    Kesu__V1__CaseState *s = life_state(d, id);
    Kesu__V1__TaskState *task = NEW(d, task_state), *tasks[] = {task};
    s->life = NEW(d, case_life);
    task->task = 1;
    task->department = life_text("service");
    task->open = true;
    s->life->tasks = tasks;
    s->life->n_tasks = 1;
    life_put(d, s);
    REFUSED(d, PROPOSE_REMEDY, proposal(d, id, 100), E_OPEN_WORK, "propose_remedy.case_id");
    task->open = false;
    task->waived = true;
    life_put(d, s);
    DONE(d, PROPOSE_REMEDY, proposal(d, id, 100), PROPOSED);
}

static void lines_are_of_one_currency_and_cost_what_they_pay(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    Kesu__V1__ProposeRemedy *c = proposal(d, id, 100);
    c->lines[1]->amount->currency = life_text("CNY");
    REFUSED(d, PROPOSE_REMEDY, c, E_RANGE, "propose_remedy.v1");
    c->lines[1]->amount->currency = life_text("twd");
    REFUSED(d, PROPOSE_REMEDY, c, E_RANGE, "propose_remedy.lines[1].amount");
    c->lines[1]->amount = NULL;
    REFUSED(d, PROPOSE_REMEDY, c, E_MISSING, "propose_remedy.lines[1].amount");
    c->lines[1] = line(d, KIND(COUPON), 0);
    c->lines[1]->carriage_by = life_text("somebody");
    REFUSED(d, PROPOSE_REMEDY, c, E_RANGE, "propose_remedy.lines[1].carriage_by");
    c->lines[1]->carriage_by = life_text("us");
    c->lines[0]->kind = KIND(UNSPECIFIED);
    REFUSED(d, PROPOSE_REMEDY, c, E_MISSING, "propose_remedy.lines[0].kind");
    c->n_lines = 0;
    REFUSED(d, PROPOSE_REMEDY, c, E_MISSING, "propose_remedy.lines");
}

static void several_options_are_weighed_and_one_is_chosen(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    Kesu__V1__ProposeRemedy *c = proposal(d, id, 100);
    c->lines[0]->option = 1;
    c->lines[1]->option = 2;
    c->lines[c->n_lines++] = line(d, KIND(GIFT), 30);
    c->lines[2]->option = 2;
    REFUSED(d, PROPOSE_REMEDY, c, E_MISSING, "propose_remedy.chosen");
    c->chosen = 3;
    REFUSED(d, PROPOSE_REMEDY, c, E_RANGE, "propose_remedy.chosen");
    c->chosen = 2;
    REFUSED(d, PROPOSE_REMEDY, c, E_MISSING, "propose_remedy.options");
    c->options = arena_zalloc(&d->arena, sizeof(*c->options) * 2);
    for (c->n_options = 0; c->n_options < 2; c->n_options++) {
        c->options[c->n_options] = NEW(d, remedy_option);
        c->options[c->n_options]->option = (uint32_t)c->n_options + 1;
        c->options[c->n_options]->pros = life_text("cheap");
        c->options[c->n_options]->cons = life_text("small");
    }
    c->options[0]->cons = life_text("");
    REFUSED(d, PROPOSE_REMEDY, c, E_MISSING, "propose_remedy.options");
    c->options[0]->cons = life_text("slow");
    DONE(d, PROPOSE_REMEDY, c, PROPOSED);
    const Kesu__V1__ProposalState *p = life_state(d, id)->life->proposal;
    assert_int_equal(p->n_lines, 2);
    assert_int_equal(p->lines[1]->kind, KIND(GIFT));
    assert_int_equal(p->total->e4, 1300000);
    assert_string_equal(p->proposer, "ann");
}

static void a_customer_ends_with_no_less_or_there_is_a_reason(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    Kesu__V1__ProposeRemedy *c = proposal(d, id, 100);
    c->v2->e4--;
    REFUSED(d, PROPOSE_REMEDY, c, E_MISSING, "propose_remedy.lower_reason");
    c->lower_reason = life_text("the parcel was late, not lost");
    DONE(d, PROPOSE_REMEDY, c, PROPOSED);
    c->v2 = NULL;
    REFUSED(d, PROPOSE_REMEDY, c, E_MISSING, "propose_remedy.v2");
    DONE(d, PROPOSE_REMEDY, proposal(d, id, 100), PROPOSED);
}

static void the_matrix_caps_what_is_given_in_all(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    REFUSED(d, PROPOSE_REMEDY, proposal(d, id, 9001), E_LIMIT, "propose_remedy.lines");
    assert_non_null(strstr(d->out.refused.reason, "of_damage"));
    DONE(d, PROPOSE_REMEDY, proposal(d, id, 9000), PROPOSED);
    assert_string_equal(life_event(d)->remedy_proposed->limit_rule, "of_damage");
    Kesu__V1__CaseState *s = life_state(d, id);
    s->life->given = life_money(d, "TWD", 8000);
    life_put(d, s);
    REFUSED(d, PROPOSE_REMEDY, proposal(d, id, 1001), E_LIMIT, "propose_remedy.lines");
    DONE(d, PROPOSE_REMEDY, proposal(d, id, 1000), PROPOSED);
}

static void what_comes_back_is_inspected_before_it_is_refunded(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    Kesu__V1__ProposeRemedy *c = proposal(d, id, 0);
    c->lines[0] = line(d, KIND(RETURN), 0);
    c->lines[1] = line(d, KIND(REFUND), 100);
    c->n_lines = 2;
    REFUSED(d, PROPOSE_REMEDY, c, E_RANGE, "propose_remedy.lines[1].kind");
    c->lines[2] = c->lines[1];
    c->lines[1] = line(d, KIND(INSPECTION), 0);
    c->n_lines = 3;
    DONE(d, PROPOSE_REMEDY, c, PROPOSED);
}

static void it_is_submitted_to_the_lowest_who_may(void **state)
{
    struct life_desk *d = *state;
    static const struct {
        int64_t units;
        const char *to;
    } cases[] = {{0, "lead"}, {500, "lead"}, {3000, "lead"}, {3001, "dep"}, {9000, "dep"}};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        submitted(d, cases[i].units);
        assert_string_equal(life_event(d)->proposal_submitted->to, cases[i].to);
    }
    /* Who is accused, and who reports to them, is passed over. */
    uint64_t id = proposed(d, 100);
    Kesu__V1__CaseState *s = life_state(d, id);
    char *accused[] = {life_text("lead")};
    s->agent = life_text("side");
    s->life->accused = accused;
    s->life->n_accused = 1;
    life_put(d, s);
    life_as(d, "side");
    DONE(d, SUBMIT_PROPOSAL, submit(d, id), APPROVAL);
    assert_string_equal(life_event(d)->proposal_submitted->to, "dep");
    REFUSED(d, SUBMIT_PROPOSAL, submit(d, life_case(d, KESU__V1__STAGE__STAGE_PROPOSED)), E_NOT_ALLOWED,
            "actor.name");
    life_as(d, "ann");
    REFUSED(d, SUBMIT_PROPOSAL, submit(d, life_case(d, KESU__V1__STAGE__STAGE_PROPOSED)), E_UNKNOWN,
            "submit_proposal.case_id");
}

static void who_proposes_does_not_approve(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    life_as(d, "lead"); /* stands above ann */
    DONE(d, PROPOSE_REMEDY, proposal(d, id, 100), PROPOSED);
    DONE(d, SUBMIT_PROPOSAL, submit(d, id), APPROVAL);
    assert_string_equal(life_event(d)->proposal_submitted->to, "dep");
    REFUSED(d, DECIDE_PROPOSAL, decide(d, id, true), E_RECUSED, "actor.name");
    life_as(d, "hand");
    d->actor.on_behalf_of = life_text("lead");
    REFUSED(d, DECIDE_PROPOSAL, decide(d, id, true), E_RECUSED, "actor.on_behalf_of");
    uint64_t other = life_case(d, KESU__V1__STAGE__STAGE_INVESTIGATING);
    life_as(d, "side"); /* dep stands above ann */
    d->actor.on_behalf_of = life_text("dep");
    DONE(d, PROPOSE_REMEDY, proposal(d, other, 100), PROPOSED);
    DONE(d, SUBMIT_PROPOSAL, submit(d, other), APPROVAL);
    assert_string_equal(life_event(d)->proposal_submitted->to, "gm");
    life_as(d, "dep");
    REFUSED(d, DECIDE_PROPOSAL, decide(d, other, true), E_RECUSED, "actor.name");
    life_as(d, "ben");
    REFUSED(d, DECIDE_PROPOSAL, decide(d, id, true), E_NOT_ALLOWED, "actor.name");
    life_as(d, "side");
    DONE(d, DECIDE_PROPOSAL, decide(d, id, true), APPROVAL);
    assert_string_equal(life_event(d)->proposal_decided->limit_rule, "section");
    REFUSED(d, DECIDE_PROPOSAL, decide(d, id, true), E_EXISTS, "decide_proposal.decision");
}

static void approval_is_within_a_limit_one_s_own_or_a_delegator_s(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = submitted(d, 3001);
    life_as(d, "lead");
    REFUSED(d, DECIDE_PROPOSAL, decide(d, id, true), E_LIMIT, "decide_proposal.decision");
    assert_non_null(strstr(d->out.refused.reason, "section"));
    life_as(d, "lead");
    d->actor.on_behalf_of = life_text("dep"); /* who stands in for nobody */
    REFUSED(d, DECIDE_PROPOSAL, decide(d, id, true), E_NOT_ALLOWED, "actor.on_behalf_of");
    life_as(d, "side");
    d->actor.on_behalf_of = life_text("dep");
    d->ctx.block_time = LIFE_NOW + 2 * USEC_PER_HOUR;
    REFUSED(d, DECIDE_PROPOSAL, decide(d, id, true), E_NOT_ALLOWED, "actor.on_behalf_of");
    d->ctx.block_time = LIFE_NOW;
    DONE(d, DECIDE_PROPOSAL, decide(d, id, true), APPROVAL);
    assert_string_equal(life_event(d)->proposal_decided->limit_rule, "deputy");
    const Kesu__V1__CaseLife *life = life_state(d, id)->life;
    assert_int_equal(life->n_took_part, 3); /* ann, dep, side */

    id = submitted(d, 8001); /* over what was delegated */
    life_as(d, "side");
    d->actor.on_behalf_of = life_text("dep");
    REFUSED(d, DECIDE_PROPOSAL, decide(d, id, true), E_LIMIT, "decide_proposal.decision");
    life_as(d, "dep");
    DONE(d, DECIDE_PROPOSAL, decide(d, id, true), APPROVAL);
}

static void a_rejection_has_a_reason(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = submitted(d, 100);
    Kesu__V1__DecideProposal *c = decide(d, id, false);
    life_as(d, "lead");
    REFUSED(d, DECIDE_PROPOSAL, c, E_MISSING, "decide_proposal.reason");
    c->reason = life_text("too little");
    DONE(d, DECIDE_PROPOSAL, c, PROPOSED);
    assert_false(life_state(d, id)->life->proposal->submitted);
}

static void a_changed_proposal_is_not_approved(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = submitted(d, 1000);
    life_as(d, "lead");
    DONE(d, DECIDE_PROPOSAL, decide(d, id, true), APPROVAL);
    life_as(d, "ann");
    DONE(d, PROPOSE_REMEDY, proposal(d, id, 2000), PROPOSED);
    assert_true(life_event(d)->remedy_proposed->voids_approval);
    assert_int_equal(life_event(d)->remedy_proposed->proposal, 2);
    DONE(d, SUBMIT_PROPOSAL, submit(d, id), APPROVAL);
    REFUSED(d, SEND_OPINION, opinion(d, id), E_NOT_ALLOWED, "send_opinion.case_id");
    life_as(d, "lead");
    DONE(d, DECIDE_PROPOSAL, decide(d, id, true), APPROVAL);
    life_as(d, "ann");
    DONE(d, SEND_OPINION, opinion(d, id), OPINION_SENT);
    assert_false(life_event(d)->opinion_sent->at_once);
}

static void small_things_are_decided_at_once_and_read_afterwards(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__ConfirmReading *c = NEW(d, confirm_reading);
    REFUSED(d, SEND_OPINION, opinion(d, proposed(d, 501)), E_LIMIT, "send_opinion.case_id");
    uint64_t id = proposed(d, 400);
    DONE(d, SEND_OPINION, opinion(d, id), OPINION_SENT);
    assert_true(life_event(d)->opinion_sent->at_once);
    assert_string_equal(life_event(d)->opinion_sent->limit_rule, "small");
    assert_string_equal(life_state(d, id)->life->opinion->read_by, "lead");
    c->case_id = id;
    REFUSED(d, CONFIRM_READING, c, E_NOT_ALLOWED, "actor.name");
    life_as(d, "side");
    REFUSED(d, CONFIRM_READING, c, E_NOT_ALLOWED, "actor.name");
    life_as(d, "lead");
    DONE(d, CONFIRM_READING, c, OPINION_SENT);
    assert_string_equal(life_state(d, id)->life->opinion->read_by, "");
    REFUSED(d, CONFIRM_READING, c, E_EXISTS, "confirm_reading.case_id");
}

static void what_was_decided_at_once_is_read_though_another_opinion_follows(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__RecordAnswer *c = NEW(d, record_answer);
    uint64_t id = c->case_id = proposed(d, 400);
    DONE(d, SEND_OPINION, opinion(d, id), OPINION_SENT);
    c->answer = KESU__V1__ANSWER__ANSWER_COUNTER_PROPOSED;
    c->words = life_words(d, "a little more");
    DONE(d, RECORD_ANSWER, c, PROPOSED);
    DONE(d, PROPOSE_REMEDY, proposal(d, id, 900), PROPOSED);
    DONE(d, SUBMIT_PROPOSAL, submit(d, id), APPROVAL);
    life_as(d, "lead");
    DONE(d, DECIDE_PROPOSAL, decide(d, id, true), APPROVAL);
    life_as(d, "ann");
    DONE(d, SEND_OPINION, opinion(d, id), OPINION_SENT);
    assert_false(life_event(d)->opinion_sent->at_once);
    assert_string_equal(life_state(d, id)->life->opinion->read_by, "lead");
}

static void at_once_goes_as_far_as_the_quota(void **state)
{
    struct life_desk *d = *state;
    REFUSED(d, SEND_OPINION, opinion(d, proposed(d, 401)), E_LIMIT, "send_opinion.case_id");
    DONE(d, SEND_OPINION, opinion(d, proposed(d, 400)), OPINION_SENT);
    REFUSED(d, SEND_OPINION, opinion(d, proposed(d, 201)), E_LIMIT, "send_opinion.case_id");
    DONE(d, SEND_OPINION, opinion(d, proposed(d, 200)), OPINION_SENT);
    DONE(d, SEND_OPINION, opinion(d, proposed(d, 0)), OPINION_SENT);
    uint64_t fourth = proposed(d, 0);
    REFUSED(d, SEND_OPINION, opinion(d, fourth), E_LIMIT, "send_opinion.case_id");
    d->ctx.block_time += 24 * USEC_PER_HOUR; /* another period */
    DONE(d, SEND_OPINION, opinion(d, fourth), OPINION_SENT);
    /* What the case was given before counts in it. */
    uint64_t id = proposed(d, 300);
    Kesu__V1__CaseState *s = life_state(d, id);
    s->life->given = life_money(d, "TWD", 101);
    life_put(d, s);
    REFUSED(d, SEND_OPINION, opinion(d, id), E_LIMIT, "send_opinion.case_id");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, life_desk_open, life_desk_close)

UNIT_MAIN(TEST(a_proposal_waits_for_open_sub_tasks), TEST(lines_are_of_one_currency_and_cost_what_they_pay),
          TEST(several_options_are_weighed_and_one_is_chosen),
          TEST(a_customer_ends_with_no_less_or_there_is_a_reason), TEST(the_matrix_caps_what_is_given_in_all),
          TEST(what_comes_back_is_inspected_before_it_is_refunded),
          TEST(it_is_submitted_to_the_lowest_who_may), TEST(who_proposes_does_not_approve),
          TEST(approval_is_within_a_limit_one_s_own_or_a_delegator_s), TEST(a_rejection_has_a_reason),
          TEST(a_changed_proposal_is_not_approved),
          TEST(small_things_are_decided_at_once_and_read_afterwards),
          TEST(what_was_decided_at_once_is_read_though_another_opinion_follows),
          TEST(at_once_goes_as_far_as_the_quota))
