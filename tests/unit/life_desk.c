/* SPDX-License-Identifier: Apache-2.0 */
#include "life_desk.h"

#include "../../services/intake/evolve.h"
#include "sim/sim.h"
#include "unit.h"

static void on_boot(void *self, struct env *env)
{
    struct life_desk *d = self;
    d->env = env;
}

void *life_desk_new(struct life_desk *d, const ProtobufCMessageDescriptor *descriptor)
{
    void *m = arena_alloc(&d->arena, descriptor->sizeof_message);
    assert_non_null(m);
    descriptor->message_init(m);
    return m;
}

char *life_text(const char *s)
{
    return (char *)(uintptr_t)s;
}

Kesu__V1__Money *life_money(struct life_desk *d, const char *currency, int64_t units)
{
    Kesu__V1__Money *m = NEW(d, money);
    m->currency = life_text(currency);
    m->e4 = units * 10000;
    return m;
}

Kesu__V1__Words *life_words(struct life_desk *d, const char *text)
{
    Kesu__V1__Words *w = NEW(d, words);
    w->text = life_text(text);
    return w;
}

static void add_staff(struct life_desk *d, const char *id, const char *manager, Kesu__V1__StaffRole role)
{
    Kesu__V1__Staff *s = NEW(d, staff);
    s->id = life_text(id);
    s->name = life_text(id);
    s->manager = life_text(manager);
    s->department = life_text("service");
    s->role = role;
    s->agent = role == KESU__V1__STAFF_ROLE__STAFF_ROLE_AGENT;
    d->policy.staff[d->policy.n_staff++] = s;
}

static void add_limit(struct life_desk *d, const char *id, Kesu__V1__StaffRole role, int64_t upto)
{
    Kesu__V1__AuthorityLimit *l = NEW(d, authority_limit);
    l->id = life_text(id);
    l->role = role;
    if (upto > 0) l->upto = life_money(d, "TWD", upto);
    d->policy.authority[d->policy.n_authority++] = l;
}

#define ROLE(name) KESU__V1__STAFF_ROLE__STAFF_ROLE_##name

static void add_people(struct life_desk *d)
{
    d->policy.staff = arena_zalloc(&d->arena, sizeof(*d->policy.staff) * 16);
    add_staff(d, "gm", "", ROLE(GENERAL_MANAGER));
    add_staff(d, "dep", "gm", ROLE(DEPUTY));
    add_staff(d, "lead", "dep", ROLE(SECTION_MANAGER));
    add_staff(d, "side", "dep", ROLE(SECTION_MANAGER));
    add_staff(d, "law", "gm", ROLE(LEGAL));
    add_staff(d, "ann", "lead", ROLE(AGENT));
    add_staff(d, "ben", "lead", ROLE(AGENT));
    add_staff(d, "hand", "lead", ROLE(HANDLER));
}

static Kesu__V1__Delegation *add_delegation(struct life_desk *d, const char *from, const char *to)
{
    Kesu__V1__Delegation *one = NEW(d, delegation);
    one->from = life_text(from);
    one->to = life_text(to);
    one->starts = LIFE_NOW - USEC_PER_HOUR;
    one->until = LIFE_NOW + USEC_PER_HOUR;
    d->policy.delegations[d->policy.n_delegations++] = one;
    return one;
}

static void add_rules(struct life_desk *d)
{
    Kesu__V1__Policy *p = &d->policy;
    p->authority = arena_zalloc(&d->arena, sizeof(*p->authority) * 8);
    add_limit(d, "small", ROLE(AGENT), 500);
    add_limit(d, "section", ROLE(SECTION_MANAGER), 3000);
    add_limit(d, "deputy", ROLE(DEPUTY), 20000);
    add_limit(d, "all", ROLE(GENERAL_MANAGER), 0);
    p->quotas = arena_zalloc(&d->arena, sizeof(*p->quotas));
    p->quotas[p->n_quotas++] = NEW(d, quota);
    p->quotas[0]->role = ROLE(AGENT);
    p->quotas[0]->per_case = life_money(d, "TWD", 400);
    p->quotas[0]->per_period = life_money(d, "TWD", 600);
    p->quotas[0]->period = 24 * USEC_PER_HOUR;
    p->quotas[0]->cases = 3;
    p->compensation = arena_zalloc(&d->arena, sizeof(*p->compensation));
    p->compensation[p->n_compensation++] = NEW(d, compensation_rule);
    p->compensation[0]->id = life_text("of_damage");
    p->compensation[0]->category = life_text("damage");
    p->compensation[0]->most = life_money(d, "TWD", 10000);
    p->compensation[0]->percent_of_declared = 100;
    p->compensation[0]->law = life_text("carriage law");
    p->delegations = arena_zalloc(&d->arena, sizeof(*p->delegations) * 2);
    add_delegation(d, "dep", "side")->upto = life_money(d, "TWD", 8000);
    add_delegation(d, "lead", "hand");
    p->departments = arena_zalloc(&d->arena, sizeof(*p->departments));
    p->departments[p->n_departments++] = NEW(d, department);
    p->departments[0]->id = life_text("service");
    p->clocks = arena_zalloc(&d->arena, sizeof(*p->clocks) * 2);
    p->clocks[0] = NEW(d, clock);
    p->clocks[0]->id = life_text("appeal_window");
    p->clocks[0]->starts = life_text("opinion_sent answer_awaited");
    p->clocks[0]->stops = life_text("answered referred");
    p->clocks[1] = NEW(d, clock);
    p->clocks[1]->id = life_text("refund");
    p->clocks[1]->starts = life_text("inspected");
    p->clocks[1]->stops = life_text("paid");
    for (p->n_clocks = 0; p->n_clocks < 2; p->n_clocks++) {
        Kesu__V1__Clock *c = p->clocks[p->n_clocks];
        c->dues = arena_zalloc(&d->arena, sizeof(*c->dues));
        c->dues[c->n_dues++] = NEW(d, clock_due);
        c->dues[0]->after = 10 * 24 * USEC_PER_HOUR;
        c->warn_percent = 80;
    }
}

int life_desk_open(void **state)
{
    static const uint8_t uuid[16];
    struct life_desk *d = mem_zalloc(&mem_libc, sizeof(*d));
    d->sim = sim_new(1, LIFE_NOW);
    sim_instance_new(d->sim, "desk", on_boot, d);
    assert_int_equal(intake_register_open(&d->view, d->env, NULL), 0);
    assert_int_equal(intake_register_follow(&d->view, uuid, 0), 0);
    arena_init(&d->arena, &mem_libc, (size_t)64 << 20);
    kesu__v1__policy__init(&d->policy);
    kesu__v1__life_settings__init(&d->settings);
    d->settings.silence = KESU__V1__ANSWER__ANSWER_ACCEPTED;
    d->settings.retention = 365 * 24 * USEC_PER_HOUR;
    d->settings.eightd_from = KESU__V1__SEVERITY__SEVERITY_S1;
    d->policy.life = &d->settings;
    add_people(d);
    add_rules(d);
    d->ctx = (struct decide_context){.block_time = LIFE_NOW,
                                     .next_seq = 1000,
                                     .next_key_id = 50,
                                     .policy = &d->policy,
                                     .policy_hash = d->policy_hash,
                                     .yymm = 2511,
                                     .secrets = &d->secrets,
                                     .client = "test",
                                     .arena = &d->arena};
    kesu__v1__actor__init(&d->actor);
    life_as(d, "ann");
    *state = d;
    return 0;
}

int life_desk_close(void **state)
{
    struct life_desk *d = *state;
    intake_register_close(&d->view, 0);
    arena_deinit(&d->arena);
    sim_free(&d->sim);
    mem_free(&mem_libc, d);
    return 0;
}

void life_as(struct life_desk *d, const char *staff)
{
    d->actor.kind =
        staff != NULL ? KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF : KESU__V1__ACTOR_KIND__ACTOR_KIND_SERVICE;
    d->actor.name = life_text(staff != NULL ? staff : "sla-watch");
    d->actor.on_behalf_of = life_text("");
}

uint64_t life_case(struct life_desk *d, Kesu__V1__Stage stage)
{
    Kesu__V1__CaseState s = KESU__V1__CASE_STATE__INIT;
    Kesu__V1__AgentState *a;
    s.case_id = ++d->cases;
    s.number = life_text("2511-000001");
    s.version = 3;
    s.stage = stage;
    s.last_seq = s.case_id;
    s.received_at = LIFE_NOW;
    s.key_id = 1;
    s.severity = KESU__V1__SEVERITY__SEVERITY_S3;
    s.category = life_text("damage.wet");
    s.department = life_text("service");
    s.agent = life_text("ann");
    s.object = NEW(d, object);
    s.object->declared_value = life_money(d, "TWD", 9000);
    s.object->insured = true;
    assert_int_equal(intake_agent_get(&d->view, "ann", &d->arena, &a), 0);
    a->present = true;
    a->open_cases++;
    intake_agent_put(&d->view, a);
    intake_case_put(&d->view, &s);
    return s.case_id;
}

Kesu__V1__CaseState *life_state(struct life_desk *d, uint64_t id)
{
    Kesu__V1__CaseState *s;
    assert_int_equal(intake_case_get(&d->view, id, &d->arena, &s), 0);
    return s;
}

void life_put(struct life_desk *d, Kesu__V1__CaseState *state)
{
    intake_case_put(&d->view, state);
}

int life_decide(struct life_desk *d, Kesu__V1__Command__BodyCase type, void *body)
{
    Kesu__V1__Command c = KESU__V1__COMMAND__INIT;
    c.id = (ProtobufCBinaryData){16, d->id};
    c.actor = &d->actor;
    c.body_case = type;
    c.start_work = body;
    intake_decide(&d->view, &c, &d->ctx, &d->out);
    for (unsigned i = 0; i < d->out.n_events && d->out.err == 0; i++) {
        struct decide_event *e = &d->out.events[i];
        if (e->sealed != NULL) e->sealed->key_id = e->key_id;
        d->id[15]++;
        assert_int_equal(intake_evolve_decided(&d->view, &e->event, d->ctx.next_seq++, d->ctx.block_time,
                                               &d->arena, d->out.state),
                         0);
    }
    if (d->view.meta.next_key_id > d->ctx.next_key_id) d->ctx.next_key_id = d->view.meta.next_key_id;
    return d->out.err;
}

const Kesu__V1__Event *life_event(const struct life_desk *d)
{
    assert_true(d->out.n_events > 0);
    return &d->out.events[d->out.n_events - 1].event;
}

void life_refused(struct life_desk *d, Kesu__V1__Command__BodyCase type, void *body, int err,
                  const char *field)
{
    int got = life_decide(d, type, body);
    if (got != err)
        fail_msg("%d (%s: %s), not %d", got, got != 0 ? d->out.refused.field : "",
                 got != 0 ? d->out.refused.reason : "", err);
    assert_string_equal(d->out.refused.field, field);
}

void life_done(struct life_desk *d, Kesu__V1__Command__BodyCase type, void *body, Kesu__V1__Stage stage)
{
    if (life_decide(d, type, body) != 0)
        fail_msg("refused %d (%s: %s)", d->out.err, d->out.refused.field, d->out.refused.reason);
    assert_int_equal(life_state(d, d->out.accepted.case_id)->stage, stage);
}
