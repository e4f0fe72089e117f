/* SPDX-License-Identifier: Apache-2.0 */
/* Who may give how much, who stands in for whom, and who is not here any more. */
#include "authority.h"
#include "life_desk.h"
#include "policy.h"
#include "unit.h"

#define KIND(name) KESU__V1__REMEDY_KIND__REMEDY_KIND_##name
#define ROLE(name) KESU__V1__STAFF_ROLE__STAFF_ROLE_##name

/* The limit of this person for compensation of so much, "" for none. */
static const char *limit_of(struct life_desk *d, const char *who, const char *behalf, const char *currency,
                            int64_t units)
{
    Kesu__V1__RemedyLine *line = NEW(d, remedy_line);
    const Kesu__V1__Delegation *by;
    line->kind = KIND(COMPENSATION);
    d->actor.on_behalf_of = life_text(behalf);
    const Kesu__V1__AuthorityLimit *l =
        authority_limit(&d->policy, policy_staff(&d->policy, who), &d->actor, &line, 1,
                        life_money(d, currency, units), d->ctx.block_time, &by);
    if (l != NULL) assert_true((by != NULL) == (behalf[0] != '\0'));
    return l != NULL ? l->id : "";
}

static void gone_since(struct life_desk *d, const char *who, int64_t until)
{
    ((Kesu__V1__Staff *)(uintptr_t)policy_staff(&d->policy, who))->until = until;
}

static void a_limit_counts_to_its_last_unit_in_its_currency_only(void **state)
{
    struct life_desk *d = *state;
    assert_string_equal(limit_of(d, "lead", "", "TWD", 3000), "section");
    assert_string_equal(limit_of(d, "lead", "", "TWD", 3001), "");
    assert_string_equal(limit_of(d, "lead", "", "USD", 1), "");
    assert_string_equal(limit_of(d, "ann", "", "TWD", 501), "");
    assert_string_equal(limit_of(d, "gm", "", "TWD", 900000), "all");
    assert_string_equal(limit_of(d, "law", "", "TWD", 1), "");
}

static void a_limit_for_some_kinds_covers_no_others(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__RemedyKind kinds[] = {KIND(APOLOGY)};
    Kesu__V1__AuthorityLimit *section = d->policy.authority[1];
    section->kinds = kinds;
    section->n_kinds = 1;
    assert_string_equal(limit_of(d, "lead", "", "TWD", 600), "");
    kinds[0] = KIND(COMPENSATION);
    assert_string_equal(limit_of(d, "lead", "", "TWD", 600), "section");
}

static void who_stands_in_has_the_delegators_limit_within_amount_and_time(void **state)
{
    struct life_desk *d = *state;
    assert_string_equal(limit_of(d, "side", "dep", "TWD", 8000), "deputy");
    assert_string_equal(limit_of(d, "side", "dep", "TWD", 8001), "");
    assert_string_equal(limit_of(d, "side", "", "TWD", 8000), "");
    assert_string_equal(limit_of(d, "lead", "dep", "TWD", 1), "");
    assert_string_equal(limit_of(d, "hand", "lead", "TWD", 3001), ""); /* as far as the delegator's own */
    d->ctx.block_time = LIFE_NOW + USEC_PER_HOUR + 1;
    assert_string_equal(limit_of(d, "side", "dep", "TWD", 1), "");
    d->ctx.block_time = LIFE_NOW - USEC_PER_HOUR - 1;
    assert_string_equal(limit_of(d, "side", "dep", "TWD", 1), "");
    d->ctx.block_time = LIFE_NOW;
    gone_since(d, "dep", LIFE_NOW - 1);
    assert_string_equal(limit_of(d, "side", "dep", "TWD", 1), "");
}

static void the_approver_is_the_lowest_above_who_may_and_is_here(void **state)
{
    struct life_desk *d = *state;
    const Kesu__V1__Money *little = life_money(d, "TWD", 100), *much = life_money(d, "TWD", 3001);
    const Kesu__V1__Staff *s = authority_approver(&d->policy, "ann", "ann", NULL, 0, little, LIFE_NOW);
    assert_string_equal(s->id, "lead");
    s = authority_approver(&d->policy, "ann", "lead", NULL, 0, little, LIFE_NOW);
    assert_string_equal(s->id, "dep");
    s = authority_approver(&d->policy, "ann", "ann", NULL, 0, much, LIFE_NOW);
    assert_string_equal(s->id, "dep");
    gone_since(d, "dep", LIFE_NOW - 1);
    s = authority_approver(&d->policy, "ann", "ann", NULL, 0, much, LIFE_NOW);
    assert_string_equal(s->id, "gm");
    assert_null(authority_approver(&d->policy, "gm", "ann", NULL, 0, little, LIFE_NOW));
}

static int quota(struct life_desk *d, const Kesu__V1__AgentState *used, int64_t units, const char *currency,
                 int64_t now, int64_t *ret_from)
{
    const Kesu__V1__Quota *q;
    const Kesu__V1__Money *m = life_money(d, currency, units);
    return authority_quota(&d->policy, policy_staff(&d->policy, "ann"), used, m, m, now, &q, ret_from);
}

static void the_front_line_has_a_quota_a_case_and_a_period(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__AgentState used = KESU__V1__AGENT_STATE__INIT;
    int64_t from, other;
    assert_int_equal(quota(d, &used, 400, "TWD", LIFE_NOW, &from), 0);
    assert_int_equal(quota(d, &used, 401, "TWD", LIFE_NOW, &from), E_LIMIT);
    used.quota_from = from;
    used.quota_e4 = 300 * 10000;
    used.quota_currency = life_text("TWD");
    used.quota_cases = 1;
    assert_int_equal(quota(d, &used, 300, "TWD", LIFE_NOW, &other), 0);
    assert_int_equal(quota(d, &used, 301, "TWD", LIFE_NOW, &other), E_LIMIT);
    assert_int_equal(quota(d, &used, 1, "USD", LIFE_NOW, &other), E_LIMIT);
    used.quota_e4 = INT64_MAX;
    assert_int_equal(quota(d, &used, 1, "TWD", LIFE_NOW, &other), E_LIMIT);
    assert_int_equal(quota(d, &used, 1, "TWD", LIFE_NOW + 24 * USEC_PER_HOUR, &other), 0);
    used.quota_e4 = 0;
    used.quota_cases = 3;
    assert_int_equal(quota(d, &used, 0, "TWD", LIFE_NOW, &other), E_LIMIT);
}

static void a_period_of_a_day_turns_at_midnight_of_the_office(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__Office office = KESU__V1__OFFICE__INIT;
    Kesu__V1__AgentState used = KESU__V1__AGENT_STATE__INIT;
    const int64_t midnight = INT64_C(1764000000) - 1764000000 % 86400 + 16 * 3600; /* in Taipei */
    int64_t before, after;
    d->policy.office = &office;
    office.time_zone = life_text("Asia/Taipei");
    assert_int_equal(quota(d, &used, 1, "TWD", midnight * USEC_PER_SEC - 1, &before), 0);
    assert_int_equal(quota(d, &used, 1, "TWD", midnight * USEC_PER_SEC, &after), 0);
    assert_int_equal(after - before, 24 * USEC_PER_HOUR);
    assert_int_equal(quota(d, &used, 1, "TWD", (midnight + 8 * 3600) * USEC_PER_SEC, &before), 0);
    assert_int_equal(before, after);
}

static Kesu__V1__StartWork *start_work(struct life_desk *d)
{
    Kesu__V1__StartWork *c = NEW(d, start_work);
    c->case_id = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED); /* it is ann's */
    return c;
}

static void who_acts_for_somebody_needs_their_delegation(void **state)
{
    struct life_desk *d = *state;
    life_as(d, "side");
    REFUSED(d, START_WORK, start_work(d), E_NOT_ALLOWED, "actor.name");
    d->actor.on_behalf_of = life_text("nobody");
    REFUSED(d, START_WORK, start_work(d), E_UNKNOWN, "actor.on_behalf_of");
    d->actor.on_behalf_of = life_text("lead");
    REFUSED(d, START_WORK, start_work(d), E_NOT_ALLOWED, "actor.on_behalf_of");
    d->actor.on_behalf_of = life_text("dep"); /* who stands above ann */
    d->ctx.block_time = LIFE_NOW + USEC_PER_HOUR + 1;
    REFUSED(d, START_WORK, start_work(d), E_NOT_ALLOWED, "actor.on_behalf_of");
    d->ctx.block_time = LIFE_NOW;
    DONE(d, START_WORK, start_work(d), UNDER_REVIEW);
    assert_string_equal(life_event(d)->actor->on_behalf_of, "dep");
}

static void the_accused_do_not_act_through_others(void **state)
{
    struct life_desk *d = *state;
    char *accused[] = {life_text("lead")};
    Kesu__V1__StartWork *c = start_work(d);
    Kesu__V1__CaseState *s = life_state(d, c->case_id);
    s->life = NEW(d, case_life);
    s->life->accused = accused;
    s->life->n_accused = 1;
    life_put(d, s);
    ((Kesu__V1__Staff *)(uintptr_t)policy_staff(&d->policy, "hand"))->manager = life_text("dep");
    life_as(d, "hand");
    d->actor.on_behalf_of = life_text("lead");
    REFUSED(d, START_WORK, c, E_RECUSED, "actor.on_behalf_of");
}

static Kesu__V1__AssignCase *assign(struct life_desk *d, const char *agent)
{
    Kesu__V1__AssignCase *c = NEW(d, assign_case);
    c->case_id = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    c->agent = life_text(agent);
    return c;
}

static void who_is_gone_neither_acts_nor_gets_work(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__SetPresence *presence = NEW(d, set_presence);
    presence->agent = life_text("ben");
    presence->present = true;
    presence->capacity = 5;
    life_as(d, "lead");
    assert_int_equal(life_decide(d, KESU__V1__COMMAND__BODY_SET_PRESENCE, presence), 0);
    gone_since(d, "ben", LIFE_NOW - 1);
    REFUSED(d, ASSIGN_CASE, assign(d, "ben"), E_NOT_ALLOWED, "assign_case.agent");
    gone_since(d, "ben", LIFE_NOW); /* the last moment is theirs still */
    DONE(d, ASSIGN_CASE, assign(d, "ben"), TRIAGED);
    gone_since(d, "lead", LIFE_NOW - 1);
    REFUSED(d, ASSIGN_CASE, assign(d, "ben"), E_NOT_ALLOWED, "actor.name");
    life_as(d, "gm");
    Kesu__V1__CreateIncident *incident = NEW(d, create_incident);
    uint64_t cases[] = {life_case(d, KESU__V1__STAGE__STAGE_TRIAGED)};
    incident->case_ids = cases;
    incident->n_case_ids = 1;
    incident->title = life_text("a lot");
    incident->lead = life_text("lead");
    REFUSED(d, CREATE_INCIDENT, incident, E_NOT_ALLOWED, "create_incident.lead");
}

static void who_reports_to_the_accused_is_not_given_the_case(void **state)
{
    struct life_desk *d = *state;
    char *accused[] = {life_text("lead")};
    Kesu__V1__AssignCase *c = assign(d, "ben");
    Kesu__V1__CaseState *s = life_state(d, c->case_id);
    s->life = NEW(d, case_life);
    s->life->accused = accused;
    s->life->n_accused = 1;
    life_put(d, s);
    life_as(d, "dep");
    REFUSED(d, ASSIGN_CASE, c, E_RECUSED, "assign_case.agent");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, life_desk_open, life_desk_close)

UNIT_MAIN(TEST(a_limit_counts_to_its_last_unit_in_its_currency_only),
          TEST(a_limit_for_some_kinds_covers_no_others),
          TEST(who_stands_in_has_the_delegators_limit_within_amount_and_time),
          TEST(the_approver_is_the_lowest_above_who_may_and_is_here),
          TEST(the_front_line_has_a_quota_a_case_and_a_period),
          TEST(a_period_of_a_day_turns_at_midnight_of_the_office),
          TEST(who_acts_for_somebody_needs_their_delegation), TEST(the_accused_do_not_act_through_others),
          TEST(who_is_gone_neither_acts_nor_gets_work),
          TEST(who_reports_to_the_accused_is_not_given_the_case))
