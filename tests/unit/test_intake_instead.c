/* SPDX-License-Identifier: Apache-2.0 */
/* Who has a case when nobody who was chosen for it may. */
#include "life_desk.h"
#include "unit.h"

/* Nobody has it, and this person is accused. */
static uint64_t accusing(struct life_desk *d, const char *who)
{
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    Kesu__V1__CaseState *s = life_state(d, id);
    s->agent = life_text("");
    s->life = NEW(d, case_life);
    s->life->accused = arena_zalloc(&d->arena, sizeof(char *));
    s->life->accused[s->life->n_accused++] = life_text(who);
    life_put(d, s);
    return id;
}

static Kesu__V1__AssignCase *to_ann(struct life_desk *d, uint64_t id)
{
    Kesu__V1__AssignCase *c = NEW(d, assign_case);
    c->case_id = id;
    c->agent = life_text("ann");
    return c;
}

static void whoever_leads_has_what_no_agent_may_have(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = accusing(d, "lead");
    d->policy.departments[0]->manager = life_text("lead");
    life_as(d, NULL);
    DONE(d, ASSIGN_CASE, to_ann(d, id), TRIAGED);
    assert_string_equal(life_event(d)->case_assigned->agent, "dep");
    assert_string_equal(life_state(d, id)->agent, "dep");
}

static void another_agent_comes_first(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = accusing(d, "ann");
    life_as(d, NULL);
    REFUSED(d, ASSIGN_CASE, to_ann(d, id), E_RECUSED, "assign_case.agent");
}

static void who_gives_it_by_hand_is_told(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = accusing(d, "lead");
    life_as(d, "gm");
    REFUSED(d, ASSIGN_CASE, to_ann(d, id), E_RECUSED, "assign_case.agent");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, life_desk_open, life_desk_close)
UNIT_MAIN(TEST(whoever_leads_has_what_no_agent_may_have), TEST(another_agent_comes_first),
          TEST(who_gives_it_by_hand_is_told))
