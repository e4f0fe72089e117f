/* SPDX-License-Identifier: Apache-2.0 */
/* Several people act on one case: who has seen an older one is told so, and what has changed since. */
#include "../../services/intake/cases.h"
#include "life_desk.h"
#include "unit.h"

static Kesu__V1__AddNote *note(struct life_desk *d, uint64_t id)
{
    Kesu__V1__AddNote *c = NEW(d, add_note);
    c->case_id = id;
    c->text = life_text("called");
    return c;
}

static Kesu__V1__RecordCall *call(struct life_desk *d, uint64_t id)
{
    Kesu__V1__RecordCall *c = NEW(d, record_call);
    c->case_id = id;
    c->direction = KESU__V1__CALL_DIRECTION__CALL_DIRECTION_OUT;
    c->outcome = KESU__V1__CALL_OUTCOME__CALL_OUTCOME_REACHED;
    c->at = LIFE_NOW;
    return c;
}

/* What it is decided to be, by who has seen this version; nothing is applied. */
static const struct decision *as_of(struct life_desk *d, uint64_t version, Kesu__V1__Command__BodyCase type,
                                    void *body)
{
    Kesu__V1__Command c = KESU__V1__COMMAND__INIT;
    c.id = (ProtobufCBinaryData){16, d->id};
    c.actor = &d->actor;
    c.expected_case = KESU__V1__COMMAND__EXPECTED_EXPECTED_VERSION;
    c.expected_version = version;
    c.body_case = type;
    c.start_work = body;
    intake_decide(&d->view, &c, &d->ctx, &d->out);
    return &d->out;
}

#define NOTE KESU__V1__COMMAND__BODY_ADD_NOTE

static void who_has_seen_an_older_case_is_told_what_changed(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW), seen = life_state(d, id)->version;
    DONE(d, ADD_NOTE, note(d, id), UNDER_REVIEW);
    DONE(d, RECORD_CALL, call(d, id), UNDER_REVIEW);
    const struct decision *out = as_of(d, seen, NOTE, note(d, id));
    assert_int_equal(out->err, E_STALE);
    assert_int_equal(out->n_events, 0);
    assert_string_equal(out->refused.field, "expected_version");
    assert_int_equal(out->refused.disposition, KESU__V1__DISPOSITION__DISPOSITION_STALE);
    assert_int_equal(out->refused.version, seen + 2);
    assert_int_equal(out->refused.n_changed, 2);
    assert_string_equal(out->refused.changed[0], "note_added");
    assert_string_equal(out->refused.changed[1], "call_recorded");
    out = as_of(d, seen + 1, NOTE, note(d, id));
    assert_int_equal(out->err, E_STALE);
    assert_int_equal(out->refused.n_changed, 1);
    assert_string_equal(out->refused.changed[0], "call_recorded");
    assert_int_equal(as_of(d, seen + 2, NOTE, note(d, id))->err, 0);
    assert_int_equal(out->events[0].event.version, seen + 3);
}

static void of_long_ago_the_newest_are_told(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW), seen = life_state(d, id)->version;
    for (unsigned i = 0; i < 20; i++) DONE(d, ADD_NOTE, note(d, id), UNDER_REVIEW);
    DONE(d, RECORD_CALL, call(d, id), UNDER_REVIEW);
    const struct decision *out = as_of(d, seen, NOTE, note(d, id));
    assert_int_equal(out->refused.version, seen + 21);
    assert_int_equal(out->refused.n_changed, 16);
    assert_string_equal(out->refused.changed[15], "call_recorded");
}

static void nobody_has_seen_what_is_to_come(void **state)
{
    struct life_desk *d = *state;
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW), now = life_state(d, id)->version;
    const struct decision *out = as_of(d, now + 1, NOTE, note(d, id));
    assert_int_equal(out->err, E_STALE);
    assert_int_equal(out->refused.version, now);
    assert_int_equal(out->refused.n_changed, 0);
}

static void of_two_who_claim_what_both_have_seen_the_first_has_it(void **state)
{
    struct life_desk *d = *state;
    Kesu__V1__ClaimCase *c = NEW(d, claim_case);
    uint64_t id = c->case_id = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    Kesu__V1__CaseState *s = life_state(d, id);
    uint64_t seen = s->version;
    s->agent = life_text("");
    life_put(d, s);
    Kesu__V1__AgentState a = KESU__V1__AGENT_STATE__INIT;
    a.agent = life_text("ben");
    a.present = true;
    a.capacity = 5;
    intake_agent_put(&d->view, &a);
    life_as(d, "ben");
    DONE(d, CLAIM_CASE, c, TRIAGED);
    life_as(d, "ann");
    const struct decision *out = as_of(d, seen, KESU__V1__COMMAND__BODY_CLAIM_CASE, c);
    assert_int_equal(out->err, E_STALE);
    assert_string_equal(out->refused.changed[0], "case_assigned");
    REFUSED(d, CLAIM_CASE, c, E_EXISTS, "claim_case.case_id");
    assert_string_equal(life_state(d, id)->agent, "ben");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, life_desk_open, life_desk_close)

UNIT_MAIN(TEST(who_has_seen_an_older_case_is_told_what_changed), TEST(of_long_ago_the_newest_are_told),
          TEST(nobody_has_seen_what_is_to_come), TEST(of_two_who_claim_what_both_have_seen_the_first_has_it))
