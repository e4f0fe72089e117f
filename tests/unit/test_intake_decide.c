/* SPDX-License-Identifier: Apache-2.0 */
/* Each row of the table of commands: it moves the case, or refuses and says why. */
#include <stdio.h>

#include "../../services/intake/decide.h"
#include "../../services/intake/evolve.h"
#include "clock.h"
#include "err.h"
#include "policy_fixture.h"
#include "sim/sim.h"
#include "unit.h"

#define NOW (INT64_C(1764000000) * 1000000)

struct desk {
    struct sim *sim;
    struct env *env;
    struct intake_register view;
    struct intake_secrets secrets;
    struct policy_fixture policy;
    struct arena arena;
    struct decide_context ctx;
    struct decision out;
    struct span policy_bytes;
    uint64_t seq;
    Kesu__V1__Actor actor;
    uint8_t id[16], policy_hash[32];
};

static void on_boot(void *self, struct env *env)
{
    struct desk *d = self;
    d->env = env;
}

static struct span policy_bytes(void *self, struct span hash, uint32_t *ret_parts, uint64_t *ret_first_seq)
{
    struct desk *d = self;
    (void)hash;
    *ret_parts = 1;
    *ret_first_seq = 1;
    return d->policy_bytes;
}

static int open_desk(void **state)
{
    static const uint8_t uuid[16];
    struct desk *d = mem_zalloc(&mem_libc, sizeof(*d));
    d->sim = sim_new(1, NOW);
    sim_instance_new(d->sim, "desk", on_boot, d);
    assert_int_equal(intake_register_open(&d->view, d->env, NULL), 0);
    assert_int_equal(intake_register_follow(&d->view, uuid, 0), 0);
    memset(&d->secrets, 7, sizeof(d->secrets));
    policy_fixture_init(&d->policy);
    policy_fixture_change(&d->policy, "org.yaml", "agent: true\n",
                          "agent: true\n"
                          "  - {id: ben, name: Ben, email: ben@kesu.example, department: service, "
                          "manager: boss, language: en, agent: true}\n");
    assert_int_equal(policy_fixture_compile(&d->policy), 0);
    arena_init(&d->arena, &mem_libc, (size_t)64 << 20);
    d->ctx = (struct decide_context){.block_time = NOW,
                                     .next_seq = 1000,
                                     .next_key_id = 5,
                                     .policy = d->policy.bundle->policy,
                                     .policy_hash = d->policy_hash,
                                     .yymm = 2511,
                                     .secrets = &d->secrets,
                                     .client = "test",
                                     .arena = &d->arena,
                                     .policy_bytes = policy_bytes,
                                     .self = d};
    kesu__v1__actor__init(&d->actor);
    d->actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR;
    d->actor.name = (char *)(uintptr_t) "rig";
    *state = d;
    return 0;
}

static int close_desk(void **state)
{
    struct desk *d = *state;
    intake_register_close(&d->view, 0);
    policy_fixture_deinit(&d->policy);
    arena_deinit(&d->arena);
    sim_free(&d->sim);
    mem_free(&mem_libc, d);
    return 0;
}

static void *body_of(struct desk *d, const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *m = arena_alloc(&d->arena, descriptor->sizeof_message);
    descriptor->message_init(m);
    return m;
}

static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

/* 0 or the refusal; the events are applied. */
static int decide(struct desk *d, Kesu__V1__Command__BodyCase type, void *body)
{
    Kesu__V1__Command c = KESU__V1__COMMAND__INIT;
    c.id = (ProtobufCBinaryData){16, d->id};
    c.actor = &d->actor;
    c.body_case = type;
    c.start_work = body;
    intake_decide(&d->view, &c, &d->ctx, &d->out);
    for (unsigned i = 0; i < d->out.n_events && d->out.err == 0; i++) {
        d->id[15]++;
        assert_int_equal(intake_evolve_decided(&d->view, &d->out.events[i].event, d->ctx.next_seq++,
                                               d->ctx.block_time, &d->arena, d->out.state),
                         0);
    }
    return d->out.err;
}

static void act_as(struct desk *d, Kesu__V1__ActorKind kind, const char *name)
{
    d->actor.kind = kind;
    d->actor.name = text(name);
}

static uint64_t put_case(struct desk *d, Kesu__V1__Stage stage)
{
    Kesu__V1__CaseState s = KESU__V1__CASE_STATE__INIT;
    s.case_id = ++d->seq;
    s.number = text("2511-000001");
    s.version = 3;
    s.stage = stage;
    s.last_seq = s.case_id;
    s.received_at = NOW;
    s.key_id = 1;
    if (stage >= KESU__V1__STAGE__STAGE_TRIAGED) s.department = text("transport");
    if (stage >= KESU__V1__STAGE__STAGE_TRIAGED) s.agent = text("ben");
    intake_case_put(&d->view, &s);
    Kesu__V1__AgentState a = KESU__V1__AGENT_STATE__INIT;
    a.agent = text("ben");
    a.present = true;
    a.capacity = 7;
    a.open_cases = 3;
    intake_agent_put(&d->view, &a);
    a.agent = text("anna");
    a.open_cases = 0;
    intake_agent_put(&d->view, &a);
    return s.case_id;
}

/* ---- bodies that are right ------------------------------------------------------ */

static void *classify(struct desk *d, uint64_t id)
{
    Kesu__V1__ClassifyCase *c = body_of(d, &kesu__v1__classify_case__descriptor);
    c->case_id = id;
    c->judgement = body_of(d, &kesu__v1__judgement__descriptor);
    c->judgement->category = text("damage.wet");
    c->judgement->department = text("transport");
    c->judgement->severity = KESU__V1__SEVERITY__SEVERITY_S1;
    return c;
}

static void *assign(struct desk *d, uint64_t id)
{
    Kesu__V1__AssignCase *c = body_of(d, &kesu__v1__assign_case__descriptor);
    c->case_id = id;
    c->agent = text("anna");
    return c;
}

static void *start_work(struct desk *d, uint64_t id)
{
    Kesu__V1__StartWork *c = body_of(d, &kesu__v1__start_work__descriptor);
    c->case_id = id;
    return c;
}

static void *note(struct desk *d, uint64_t id)
{
    Kesu__V1__AddNote *c = body_of(d, &kesu__v1__add_note__descriptor);
    c->case_id = id;
    c->text = text("called");
    return c;
}

static void *resolve(struct desk *d, uint64_t id)
{
    Kesu__V1__ResolveCase *c = body_of(d, &kesu__v1__resolve_case__descriptor);
    c->case_id = id;
    c->summary = text("done");
    return c;
}

static void *close_case(struct desk *d, uint64_t id)
{
    Kesu__V1__CloseCase *c = body_of(d, &kesu__v1__close_case__descriptor);
    c->case_id = id;
    c->cause = text("method");
    return c;
}

static Kesu__V1__RecordDelivery *delivery(struct desk *d, uint64_t id)
{
    Kesu__V1__RecordDelivery *c = body_of(d, &kesu__v1__record_delivery__descriptor);
    c->case_id = id;
    c->kind = text("receipt");
    c->cause_seq = id;
    c->outcome = KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DELIVERED;
    return c;
}

static void *delivery_body(struct desk *d, uint64_t id)
{
    return delivery(d, id);
}

static const struct {
    Kesu__V1__Command__BodyCase type;
    void *(*body)(struct desk *d, uint64_t id);
} moves[] = {
    {KESU__V1__COMMAND__BODY_CLASSIFY_CASE, classify},
    {KESU__V1__COMMAND__BODY_ASSIGN_CASE, assign},
    {KESU__V1__COMMAND__BODY_START_WORK, start_work},
    {KESU__V1__COMMAND__BODY_ADD_NOTE, note},
    {KESU__V1__COMMAND__BODY_RESOLVE_CASE, resolve},
    {KESU__V1__COMMAND__BODY_CLOSE_CASE, close_case},
    {KESU__V1__COMMAND__BODY_RECORD_DELIVERY, delivery_body},
};

static void who_may_send_what(void **state)
{
    struct desk *d = *state;
    static const struct {
        unsigned move;
        Kesu__V1__ActorKind kind;
        const char *name;
        int err;
    } cases[] = {
        {0, KESU__V1__ACTOR_KIND__ACTOR_KIND_CUSTOMER, "c", E_NOT_ALLOWED},
        {0, KESU__V1__ACTOR_KIND__ACTOR_KIND_SERVICE, "routing", 0},
        {1, KESU__V1__ACTOR_KIND__ACTOR_KIND_CUSTOMER, "c", E_NOT_ALLOWED},
        {2, KESU__V1__ACTOR_KIND__ACTOR_KIND_SERVICE, "routing", E_NOT_ALLOWED},
        {2, KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF, "ben", 0},
        {2, KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF, "boss", 0}, /* above ben */
        {2, KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF, "anna", E_NOT_ALLOWED},
        {2, KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF, "nobody", E_UNKNOWN},
        {4, KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF, "anna", E_NOT_ALLOWED},
        {6, KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR, "op", E_NOT_ALLOWED},
        {3, KESU__V1__ACTOR_KIND__ACTOR_KIND_UNSPECIFIED, "x", E_MISSING},
        {3, KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR, "", E_MISSING},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t id = put_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
        act_as(d, cases[i].kind, cases[i].name);
        int err = decide(d, moves[cases[i].move].type, moves[cases[i].move].body(d, id));
        if (err != cases[i].err) fail_msg("case %u: %d, not %d", i, err, cases[i].err);
        if (err != 0) assert_memory_equal(d->out.refused.field, "actor", 5);
    }
}

static void a_case_that_is_not_there_or_has_changed(void **state)
{
    struct desk *d = *state;
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_ADD_NOTE, note(d, 0)), E_MISSING);
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_ADD_NOTE, note(d, 77)), E_UNKNOWN);
    assert_string_equal(d->out.refused.field, "add_note.case_id");
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY__NOT_SET, NULL), E_MISSING);
    assert_string_equal(d->out.refused.field, "body");
}

static void an_agent_has_room_or_not(void **state)
{
    struct desk *d = *state;
    uint64_t id = put_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    Kesu__V1__AssignCase *c = assign(d, id);
    c->agent = text("boss"); /* staff, but no agent */
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_ASSIGN_CASE, c), E_UNKNOWN);
    Kesu__V1__AgentState a = KESU__V1__AGENT_STATE__INIT;
    a.agent = c->agent = text("anna");
    a.capacity = 2;
    intake_agent_put(&d->view, &a);
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_ASSIGN_CASE, c), E_ABSENT);
    a.present = true;
    a.open_cases = 2;
    intake_agent_put(&d->view, &a);
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_ASSIGN_CASE, c), E_CAPACITY);
    a.open_cases = 1;
    intake_agent_put(&d->view, &a);
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_ASSIGN_CASE, c), 0);
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_ASSIGN_CASE, c), E_EXISTS);
    Kesu__V1__AgentState *now;
    assert_int_equal(intake_agent_get(&d->view, "anna", &d->arena, &now), 0);
    assert_int_equal(now->open_cases, 2);
    /* Given on: the first agent has room again. */
    c->agent = text("ben");
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_ASSIGN_CASE, c), 0);
    assert_string_equal(d->out.events[0].event.case_assigned->previous_agent, "anna");
    assert_int_equal(intake_agent_get(&d->view, "anna", &d->arena, &now), 0);
    assert_int_equal(now->open_cases, 1);
}

static void judgements_name_what_the_policy_has(void **state)
{
    struct desk *d = *state;
    uint64_t id = put_case(d, KESU__V1__STAGE__STAGE_RECEIVED);
    Kesu__V1__ClassifyCase *c = classify(d, id);
    c->judgement->category = text("nothing");
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_CLASSIFY_CASE, c), E_UNKNOWN);
    assert_string_equal(d->out.refused.field, "classify_case.judgement.category");
    c = classify(d, id);
    c->judgement->department = text("nothing");
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_CLASSIFY_CASE, c), E_UNKNOWN);
    c = classify(d, id);
    c->judgement->severity = KESU__V1__SEVERITY__SEVERITY_UNSPECIFIED;
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_CLASSIFY_CASE, c), E_MISSING);
    c = classify(d, id);
    c->fallback = true;
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_CLASSIFY_CASE, c), E_MISSING);
    assert_string_equal(d->out.refused.field, "classify_case.reason");
}

static void a_closed_case_has_a_cause_of_the_list(void **state)
{
    struct desk *d = *state;
    Kesu__V1__CloseCase *c = close_case(d, put_case(d, KESU__V1__STAGE__STAGE_FEEDBACK));
    c->cause = text("bad luck");
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_CLOSE_CASE, c), E_RANGE);
    assert_int_equal(d->out.refused.n_allowed, 9);
    c->cause = text("");
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_CLOSE_CASE, c), E_MISSING);
    c->cause = text("customer");
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_CLOSE_CASE, c), 0);
}

static void a_delivered_message_is_delivered_once(void **state)
{
    struct desk *d = *state;
    uint64_t id = put_case(d, KESU__V1__STAGE__STAGE_RECEIVED), other;
    act_as(d, KESU__V1__ACTOR_KIND__ACTOR_KIND_SERVICE, "notification");
    Kesu__V1__RecordDelivery *c = delivery(d, id);
    c->message_id = text("<1@kesu>");
    c->outcome = KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_GIVEN_UP;
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_RECORD_DELIVERY, c), 0);
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_RECORD_DELIVERY, c), E_EXISTS);
    c->outcome = KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DELIVERED; /* sent again by a person */
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_RECORD_DELIVERY, c), 0);
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_RECORD_DELIVERY, c), E_EXISTS);
    c->target = 1; /* another recipient */
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_RECORD_DELIVERY, c), 0);
    c->cause_seq = 1 << 30;
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_RECORD_DELIVERY, c), E_UNKNOWN);
    /* Our mail's own id names the case from now on. */
    uint8_t hash[HASH_SHORT_BYTES];
    intake_secrets_thread(&d->secrets, KESU__V1__CHANNEL__CHANNEL_EMAIL, "<1@kesu>", hash);
    assert_true(intake_register_get_u64(&d->view, TABLE_THREADS, span_of(hash, sizeof(hash)), &other));
    assert_int_equal(other, id);
}

static void presence_is_one_s_own(void **state)
{
    struct desk *d = *state;
    Kesu__V1__SetPresence *c = body_of(d, &kesu__v1__set_presence__descriptor);
    c->agent = text("anna");
    c->present = true;
    c->capacity = 3;
    act_as(d, KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF, "ben");
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_SET_PRESENCE, c), E_NOT_ALLOWED);
    act_as(d, KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF, "anna");
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_SET_PRESENCE, c), 0);
    assert_int_equal(d->out.n_events, 1);
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_SET_PRESENCE, c), 0);
    assert_int_equal(d->out.n_events, 0); /* already so */
    c->agent = text("boss");
    act_as(d, KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR, "op");
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_SET_PRESENCE, c), E_UNKNOWN);
}

static void policies_are_checked_before_they_are_in_force(void **state)
{
    struct desk *d = *state;
    uint8_t hash[32];
    struct span good = codec_pack(d->policy.bundle, &d->arena);
    Kesu__V1__ActivatePolicy *c = body_of(d, &kesu__v1__activate_policy__descriptor);
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_ACTIVATE_POLICY, c), E_MISSING);
    hash_bytes(good, hash);
    c->hash = (ProtobufCBinaryData){32, hash};
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_ACTIVATE_POLICY, c), E_UNKNOWN);
    d->policy_bytes = span_of(good.p, good.n - 1);
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_ACTIVATE_POLICY, c), E_POLICY);
    d->policy_bytes = SPAN_LIT("\xff\xff\xff");
    hash_bytes(d->policy_bytes, hash);
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_ACTIVATE_POLICY, c), E_POLICY);
    d->policy_bytes = good;
    hash_bytes(good, hash);
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_ACTIVATE_POLICY, c), 0);
    assert_int_equal(d->out.n_events, 1);
    assert_memory_equal(d->view.meta.policy_hash, hash, 32);

    Kesu__V1__StorePolicyPart *p = body_of(d, &kesu__v1__store_policy_part__descriptor);
    p->hash = c->hash;
    p->content = (ProtobufCBinaryData){1, hash};
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_STORE_POLICY_PART, p), E_RANGE);
    p->count = p->index = 2;
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_STORE_POLICY_PART, p), E_RANGE);
    p->index = 1;
    d->ctx.storage_low = true;
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_STORE_POLICY_PART, p), E_STORAGE_LOW);
    d->ctx.storage_low = false;
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_STORE_POLICY_PART, p), 0);
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_STORE_POLICY_PART, p), 0);
    assert_int_equal(d->out.n_events, 0);
}

static void skips_and_accepted_clocks(void **state)
{
    struct desk *d = *state;
    Kesu__V1__SkipEvent *s = body_of(d, &kesu__v1__skip_event__descriptor);
    s->fold = text("routing");
    s->reason = text("cannot be read");
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_SKIP_EVENT, s), E_MISSING);
    s->seq = d->ctx.next_seq;
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_SKIP_EVENT, s), E_UNKNOWN);
    s->seq = 5;
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_SKIP_EVENT, s), 0);
    assert_int_equal(d->out.n_events, 1);
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_SKIP_EVENT, s), 0);
    assert_int_equal(d->out.n_events, 0);
    Kesu__V1__AcceptClock *a = body_of(d, &kesu__v1__accept_clock__descriptor);
    a->reason = text("it is right");
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_ACCEPT_CLOCK, a), 0); /* others may wait for it */
    d->ctx.clock_alarm = true;
    assert_int_equal(decide(d, KESU__V1__COMMAND__BODY_ACCEPT_CLOCK, a), 0);
    assert_int_equal(d->out.n_events, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_desk, close_desk)

UNIT_MAIN(TEST(who_may_send_what), TEST(a_case_that_is_not_there_or_has_changed),
          TEST(an_agent_has_room_or_not), TEST(judgements_name_what_the_policy_has),
          TEST(a_closed_case_has_a_cause_of_the_list), TEST(a_delivered_message_is_delivered_once),
          TEST(presence_is_one_s_own), TEST(policies_are_checked_before_they_are_in_force),
          TEST(skips_and_accepted_clocks))
