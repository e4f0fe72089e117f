/* SPDX-License-Identifier: Apache-2.0 */
/* Random commands from random people against a register, and what must hold
 * after each, whatever they were. A run is a seed; a failing one is named, and
 * is run alone by KESU_LIFE_FIRST=seed KESU_LIFE_RUNS=1. KESU_LIFE_RUNS says
 * how many runs of 2,000 commands there are, KESU_LIFE_JOBS in how many processes. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../services/intake/evolve.h"
#include "life_bodies.h"
#include "life_rules.h"
#include "money.h"
#include "sim/sim.h"
#include "unit.h"

#define COMMANDS  2000
#define MAX_CASES 64

struct run {
    struct life_desk *d;
    struct intake_register again; /* folds the events once more */
    uint64_t seed, random;
    uint64_t ids[MAX_CASES];
    unsigned n_cases, n_accepted, n_step;
    bool first;                  /* event of its command */
    Kesu__V1__CaseState *before; /* of the case of the event that is checked */
};

static uint64_t draw(struct run *r, uint64_t n)
{
    uint64_t z = (r->random += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % n;
}

static void broken(const struct run *r, const Kesu__V1__Event *e, const char *what)
{
    fail_msg("seed %llu, command %u, %s by %s on case %llu: %s", (unsigned long long)r->seed, r->n_step,
             life_event_name(e->body_case), e->actor->name, (unsigned long long)e->case_id, what);
}

/* ---- a command --------------------------------------------------------------- */

/* One event into both registers: as it was decided, and as it is read from its bytes. */
static void apply(struct run *r, struct decide_event *de)
{
    struct life_desk *d = r->d;
    Kesu__V1__Event *e = &de->event, *read;
    uint64_t seq = d->ctx.next_seq++;
    if (de->sealed != NULL) de->sealed->key_id = de->key_id;
    r->before = e->case_id != 0 && e->body_case != KESU__V1__EVENT__BODY_CASE_OPENED
                    ? life_state(d, e->case_id)
                    : NULL;
    struct span bytes = codec_pack(e, &d->arena);
    assert_int_equal(codec_unpack_own(&kesu__v1__event__descriptor, bytes, &d->arena, &read), 0);
    const char *what = r->before != NULL ? life_rules_before(&d->policy, r->before, e, r->first) : NULL;
    if (what != NULL) broken(r, e, what);
    if (intake_evolve_decided(&d->view, e, seq, d->ctx.block_time, &d->arena, d->out.state) != 0 ||
        intake_evolve(&r->again, read, seq, d->ctx.block_time, &d->arena) != 0)
        broken(r, e, "cannot be folded");
    if (r->before != NULL) what = life_rules_after(r->before, life_state(d, e->case_id), e);
    if (what != NULL) broken(r, e, what);
}

static bool send(struct run *r, unsigned command, void *body)
{
    struct life_desk *d = r->d;
    Kesu__V1__Command c = KESU__V1__COMMAND__INIT;
    memcpy(d->id, &d->ctx.next_seq, sizeof(uint64_t));
    c.id = (ProtobufCBinaryData){16, d->id};
    c.actor = &d->actor;
    c.body_case = (Kesu__V1__Command__BodyCase)command;
    c.start_work = body;
    intake_decide(&d->view, &c, &d->ctx, &d->out);
    if (d->out.err != 0) return false;
    for (unsigned i = 0; i < d->out.n_events; i++) {
        r->first = i == 0;
        apply(r, &d->out.events[i]);
    }
    if (d->view.meta.next_key_id > d->ctx.next_key_id) d->ctx.next_key_id = d->view.meta.next_key_id;
    r->n_accepted++;
    return true;
}

static void open_case(struct run *r)
{
    struct life_desk *d = r->d;
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
    m->personal->contacts[0] = NEW(d, contact);
    m->personal->contacts[0]->kind = KESU__V1__CONTACT__KIND__KIND_EMAIL;
    m->personal->contacts[0]->value = arena_printf(&d->arena, "c%u@example.org", (unsigned)draw(r, 20));
    m->personal->n_contacts = 1;
    d->actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_SERVICE;
    d->actor.name = life_text("web");
    if (!send(r, KESU__V1__COMMAND__BODY_RECEIVE_MESSAGE, m))
        fail_msg("seed %llu: no case: %s %s", (unsigned long long)r->seed, d->out.refused.field,
                 d->out.refused.reason);
    for (unsigned i = 0; i < d->out.n_events; i++)
        if (d->out.events[i].event.body_case == KESU__V1__EVENT__BODY_CASE_OPENED)
            r->ids[r->n_cases++] = d->out.events[i].event.case_id;
}

static void choose_actor(struct run *r, const struct life_row *row, const Kesu__V1__CaseState *s)
{
    static const char *const names[] = {"gm", "dep", "lead", "side", "law", "ann", "ben", "hand", "aud"};
    struct life_desk *d = r->d;
    d->actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF;
    d->actor.name = life_text(names[draw(r, sizeof(names) / sizeof(names[0]))]);
    d->actor.on_behalf_of = life_text(draw(r, 16) == 0 ? "dep" : "");
    if (row->tie == TIE_OWNER && s->agent[0] != '\0' && draw(r, 4) > 0) d->actor.name = s->agent;
    if (row->tie == TIE_REVIEWER && s->life != NULL && s->life->appeal != NULL &&
        s->life->appeal->reviewer[0] != '\0' && draw(r, 4) > 0)
        d->actor.name = s->life->appeal->reviewer;
    if ((row->who & LIFE_STAFF) == 0 || draw(r, 24) == 0) {
        d->actor.kind = (row->who & LIFE_OPERATOR) != 0 ? KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR
                                                        : KESU__V1__ACTOR_KIND__ACTOR_KIND_SERVICE;
        d->actor.name = life_text("fold");
    }
}

/* Mostly a row that begins in the stage of the case; what rarely ends a case, seldom. */
static const struct life_row *choose_row(struct run *r, const Kesu__V1__CaseState *s)
{
    const struct life_row *row = NULL;
    unsigned n = 0;
    while (life_row(n) != NULL) n++;
    bool any = draw(r, 10) == 0;
    for (unsigned tries = 0; tries < 1000; tries++) {
        row = life_row((unsigned)draw(r, n));
        if (row->tie == TIE_FOLLOWS || (!any && (row->from >> s->stage & 1) == 0)) continue;
        bool ends = row->to == KESU__V1__STAGE__STAGE_WITHDRAWN || row->to == KESU__V1__STAGE__STAGE_MERGED ||
                    row->to == KESU__V1__STAGE__STAGE_NOT_A_COMPLAINT ||
                    row->to == KESU__V1__STAGE__STAGE_EXTERNAL || row->to == KESU__V1__STAGE__STAGE_ARCHIVED;
        if (!ends || draw(r, 12) == 0) return row;
    }
    return row;
}

static void one_command(struct run *r)
{
    struct life_desk *d = r->d;
    arena_reset(&d->arena);
    d->ctx.block_time += (int64_t)draw(r, 20 * (uint64_t)USEC_PER_MIN);
    if (draw(r, 200) == 0) d->ctx.block_time += 11 * 24 * USEC_PER_HOUR;
    if (r->n_cases == 0 || (r->n_cases < MAX_CASES && draw(r, 60) == 0)) {
        open_case(r);
        return;
    }
    uint64_t id = r->ids[draw(r, r->n_cases)];
    const Kesu__V1__CaseState *s = life_state(d, id);
    const struct life_row *row = choose_row(r, s);
    choose_actor(r, row, s);
    void *body = life_body(d, row->command, row->variant == LIFE_ANY ? 0 : row->variant, id,
                           (unsigned)draw(r, 1 << 20));
    (void)send(r, row->command, body);
}

/* ---- at the end ------------------------------------------------------------- */

struct compare {
    const struct run *run;
    struct intake_register *other;
    enum register_table table;
    unsigned n;
};

static void compare_row(void *self, struct span key, struct span value)
{
    struct compare *c = self;
    struct span other;
    if (intake_register_get(c->other, c->table, key, &other) != 0 || other.n != value.n ||
        memcmp(other.p, value.p, value.n) != 0)
        fail_msg("seed %llu: a row of table %d is another after replay", (unsigned long long)c->run->seed,
                 (int)c->table);
    c->n++;
}

static void compare_registers(struct run *r)
{
    for (unsigned t = TABLE_CASES; t < N_REGISTER_TABLES; t++) {
        struct compare one = {r, &r->again, (enum register_table)t, 0},
                       other = {r, &r->d->view, (enum register_table)t, 0};
        if (t == TABLE_AGENTS) continue; /* presence was put there by hand: compared below */
        intake_register_each(&r->d->view, one.table, SPAN_NONE, compare_row, &one);
        intake_register_each(&r->again, other.table, SPAN_NONE, compare_row, &other);
        assert_int_equal(one.n, other.n);
    }
}

static void count_owners(struct run *r)
{
    static const char *const agents[] = {"ann", "ben", "lead", "side", "dep", "gm"};
    for (unsigned k = 0; k < sizeof(agents) / sizeof(agents[0]); k++) {
        uint32_t open = 0;
        Kesu__V1__AgentState *a;
        for (unsigned i = 0; i < r->n_cases; i++) {
            const Kesu__V1__CaseState *s = life_state(r->d, r->ids[i]);
            if (life_is_open(s->stage) && strcmp(s->agent, agents[k]) == 0) open++;
        }
        assert_int_equal(intake_agent_get(&r->d->view, agents[k], &r->d->arena, &a), 0);
        if (a->open_cases != open)
            fail_msg("seed %llu: %s has %u open cases, and is said to have %u", (unsigned long long)r->seed,
                     agents[k], open, a->open_cases);
    }
}

static void make_room(struct run *r)
{
    static const char *const agents[] = {"ann", "ben"};
    for (unsigned i = 0; i < 2; i++) {
        Kesu__V1__AgentState a = KESU__V1__AGENT_STATE__INIT;
        a.agent = life_text(agents[i]);
        a.present = true;
        a.capacity = 1000000;
        intake_agent_put(&r->d->view, &a);
        intake_agent_put(&r->again, &a);
    }
}

static unsigned run_seed(uint64_t seed)
{
    static const uint8_t uuid[16];
    void *state;
    struct run r = {.seed = seed, .random = seed};
    life_desk_open(&state);
    r.d = state;
    life_bodies_policy(r.d);
    assert_int_equal(intake_register_open(&r.again, r.d->env, NULL, uuid, 0), 0);
    struct arena policy = r.d->arena;
    arena_init(&r.d->arena, &mem_libc, (size_t)64 << 20);
    make_room(&r);
    for (r.n_step = 0; r.n_step < COMMANDS; r.n_step++) one_command(&r);
    compare_registers(&r);
    count_owners(&r);
    arena_deinit(&r.d->arena);
    r.d->arena = policy;
    intake_register_close(&r.again, 0);
    life_desk_close(&state);
    return r.n_accepted;
}

static uint64_t number_of(const char *name, uint64_t usual)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? strtoull(text, NULL, 10) : usual;
}

static void random_commands_break_no_rule(void **state)
{
    uint64_t first = number_of("KESU_LIFE_FIRST", 1), runs = number_of("KESU_LIFE_RUNS", 10);
    uint64_t jobs = number_of("KESU_LIFE_JOBS", 1), job = 0, accepted = 0;
    (void)state;
    while (job + 1 < jobs && fork() != 0) job++;
    for (uint64_t i = job; i < runs; i += jobs) accepted += run_seed(first + i);
    printf("job %llu: %llu of %llu commands were accepted\n", (unsigned long long)job,
           (unsigned long long)accepted, (unsigned long long)((runs - job + jobs - 1) / jobs * COMMANDS));
    assert_true(accepted * 10 > (runs - job + jobs - 1) / jobs * COMMANDS); /* most are refused, not all */
    if (job + 1 < jobs) {
        fflush(stdout);
        _exit(0);
    }
    for (int status; wait(&status) > 0;) assert_int_equal(status, 0);
}

UNIT_MAIN(cmocka_unit_test(random_commands_break_no_rule))
