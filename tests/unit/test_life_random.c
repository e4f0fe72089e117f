/* SPDX-License-Identifier: Apache-2.0 */
/* Random commands from random people against a register, and what must hold
 * after each, whatever they were. A run is a seed; a failing one is named, and
 * is run alone by KESU_LIFE_FIRST=seed KESU_LIFE_RUNS=1. KESU_LIFE_RUNS says
 * how many runs of 2,000 commands there are, KESU_LIFE_JOBS in how many processes. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../services/intake/evolve.h"
#include "life_rules.h"
#include "life_tally.h"
#include "life_world.h"
#include "sim/sim.h"
#include "unit.h"

#define COMMANDS   2000
#define OPEN_CASES 24
#define N_COMMANDS 96
#define N_CODES    100

/* Of all runs, also of other processes. */
struct counts {
    uint64_t accepted[N_COMMANDS], refused[N_CODES], delegated, at_once, handed;
};

struct run {
    struct life_desk *d;
    struct life_world world;
    struct life_tally tally;
    struct counts *counts;
    struct intake_register again; /* folds the events once more */
    uint64_t seed, id;            /* whose life goes on */
    unsigned n_step;
    bool first;                  /* event of its command */
    Kesu__V1__CaseState *before; /* of the case of the event that is checked */
};

static void broken(const struct run *r, const Kesu__V1__Event *e, const char *what)
{
    fail_msg("seed %llu, command %u, %s by %s on case %llu: %s", (unsigned long long)r->seed, r->n_step,
             life_event_name(e->body_case), e->actor->name, (unsigned long long)e->case_id, what);
}

/* ---- a command --------------------------------------------------------------- */

/* One event into both registers: as it was decided, and as it is read from its bytes. */
static void apply(struct run *r, unsigned command, struct decide_event *de)
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
    if (what == NULL) what = life_tally_event(&r->tally, d, command, r->before, de, seq);
    if (what != NULL) broken(r, e, what);
    if (intake_evolve_decided(&d->view, e, seq, d->ctx.block_time, &d->arena, d->out.state) != 0 ||
        intake_evolve(&r->again, read, seq, d->ctx.block_time, &d->arena) != 0)
        broken(r, e, "cannot be folded");
    if (r->before != NULL) what = life_rules_after(r->before, life_state(d, e->case_id), e);
    if (what == NULL) what = life_tally_folded(&r->tally, d, e);
    if (what != NULL) broken(r, e, what);
    life_world_see(&r->world, e);
}

static void check_version(const struct run *r, const Kesu__V1__Command *c, const Kesu__V1__CaseState *s)
{
    if (s == NULL || c->expected_case != KESU__V1__COMMAND__EXPECTED_EXPECTED_VERSION) return;
    bool stale = c->expected_version != s->version, refused = r->d->out.err == E_STALE;
    if (stale && r->d->out.err == 0)
        fail_msg("seed %llu, command %u: a stale version is taken", (unsigned long long)r->seed, r->n_step);
    if (stale && refused && r->d->out.refused.version != s->version)
        fail_msg("seed %llu, command %u: told another version", (unsigned long long)r->seed, r->n_step);
}

/* s: the case it touches, or NULL. */
static bool send(struct run *r, unsigned command, void *body, const Kesu__V1__CaseState *s)
{
    struct life_desk *d = r->d;
    Kesu__V1__Command c = KESU__V1__COMMAND__INIT;
    memcpy(d->id, &d->ctx.next_seq, sizeof(uint64_t));
    c.id = (ProtobufCBinaryData){16, d->id};
    c.actor = &d->actor;
    c.body_case = (Kesu__V1__Command__BodyCase)command;
    c.start_work = body;
    if (s != NULL && life_draw(&r->world, 16) == 0) {
        c.expected_case = KESU__V1__COMMAND__EXPECTED_EXPECTED_VERSION;
        c.expected_version = s->version - life_draw(&r->world, 2);
    }
    intake_decide(&d->view, &c, &d->ctx, &d->out);
    check_version(r, &c, s);
    if (d->out.err != 0) {
        r->counts->refused[-d->out.err]++;
        return false;
    }
    for (unsigned i = 0; i < d->out.n_events; i++) {
        r->first = i == 0;
        apply(r, command, &d->out.events[i]);
    }
    if (d->view.meta.next_key_id > d->ctx.next_key_id) d->ctx.next_key_id = d->view.meta.next_key_id;
    if (d->out.n_events > 0) r->counts->accepted[command]++;
    return true;
}

static void open_case(struct run *r)
{
    struct life_desk *d = r->d;
    void *body = life_world_message(&r->world);
    d->actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_SERVICE;
    d->actor.name = life_text("web");
    d->actor.on_behalf_of = life_text("");
    if (!send(r, KESU__V1__COMMAND__BODY_RECEIVE_MESSAGE, body, NULL))
        fail_msg("seed %llu: no case: %s %s", (unsigned long long)r->seed, d->out.refused.field,
                 d->out.refused.reason);
}

static void choose_actor(struct run *r, const struct life_row *row, const Kesu__V1__CaseState *s)
{
    static const char *const names[] = {"gm", "dep", "lead", "side", "law", "ann", "ben", "hand", "aud"};
    struct life_desk *d = r->d;
    struct life_world *w = &r->world;
    d->actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF;
    d->actor.name = life_text(names[life_draw(w, sizeof(names) / sizeof(names[0]))]);
    d->actor.on_behalf_of = life_text(life_draw(w, 16) == 0 ? "dep" : "");
    if (row->tie == TIE_OWNER && s->agent[0] != '\0' && life_draw(w, 4) > 0) d->actor.name = s->agent;
    if (row->tie == TIE_REVIEWER && s->life != NULL && s->life->appeal != NULL &&
        s->life->appeal->reviewer[0] != '\0' && life_draw(w, 4) > 0)
        d->actor.name = s->life->appeal->reviewer;
    if ((row->who & LIFE_STAFF) == 0 || life_draw(w, 24) == 0) {
        d->actor.kind = (row->who & LIFE_OPERATOR) != 0 ? KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR
                                                        : KESU__V1__ACTOR_KIND__ACTOR_KIND_SERVICE;
        d->actor.name = life_text("fold");
        d->actor.on_behalf_of = life_text("");
    }
}

/* Is it what few cases should come to, or what keeps many from going on? */
static bool is_rare(const struct life_row *row)
{
    return row->to == KESU__V1__STAGE__STAGE_WITHDRAWN || row->to == KESU__V1__STAGE__STAGE_MERGED ||
           row->to == KESU__V1__STAGE__STAGE_NOT_A_COMPLAINT || row->to == KESU__V1__STAGE__STAGE_EXTERNAL ||
           row->to == KESU__V1__STAGE__STAGE_DEADLOCKED ||
           row->command == KESU__V1__COMMAND__BODY_RESOLVE_CASE;
}

static bool leads_on(const struct life_row *row)
{
    return row->to != LIFE_STAYS || row->command == KESU__V1__COMMAND__BODY_DECIDE_PROPOSAL ||
           row->command == KESU__V1__COMMAND__BODY_COMPLETE_STEP ||
           row->command == KESU__V1__COMMAND__BODY_ASSIGN_REVIEWER;
}

static bool gives_owner(const struct life_row *row)
{
    return row->event == KESU__V1__EVENT__BODY_CASE_ASSIGNED;
}

static bool holds_reply(const Kesu__V1__CaseState *s)
{
    return s->life != NULL && s->life->reply != NULL && s->life->reply->seq != 0;
}

static const struct life_row *row_of(unsigned command)
{
    unsigned i = 0;
    while (life_row(i)->command != command) i++;
    return life_row(i);
}

/* Mostly a row that begins in the stage of the case, half of those that lead on; first somebody gets it. */
static const struct life_row *choose_row(struct run *r, const Kesu__V1__CaseState *s)
{
    const struct life_row *row = NULL;
    unsigned n = 0;
    while (life_row(n) != NULL) n++;
    if (holds_reply(s) && life_draw(&r->world, 8) == 0) return row_of(KESU__V1__COMMAND__BODY_UNDO_REPLY);
    bool any = life_draw(&r->world, 12) == 0, on = !any && life_draw(&r->world, 2) == 0;
    bool owner = on && s->agent[0] == '\0' && s->stage == KESU__V1__STAGE__STAGE_TRIAGED;
    for (unsigned tries = 0; tries < 2000; tries++) {
        row = life_row((unsigned)life_draw(&r->world, n));
        if (row->tie == TIE_FOLLOWS || (!any && (row->from >> s->stage & 1) == 0)) continue;
        if (owner ? !gives_owner(row) : on && !leads_on(row)) continue;
        if (row->command == KESU__V1__COMMAND__BODY_NAME_ACCUSED && life_draw(&r->world, 4) > 0) continue;
        if (!is_rare(row) || life_draw(&r->world, 16) == 0) return row;
    }
    return row;
}

static void command_of_case(struct run *r)
{
    struct life_world *w = &r->world;
    if (r->id == 0 || life_draw(w, 8) == 0) r->id = w->cases.ids[life_draw(w, w->cases.n)];
    uint64_t id = r->id;
    const Kesu__V1__CaseState *s = life_state(r->d, id);
    const struct life_row *row = choose_row(r, s);
    choose_actor(r, row, s);
    void *body = life_body(r->d, row->command, row->variant == LIFE_ANY ? 0 : row->variant, id,
                           (unsigned)life_draw(w, 1 << 20));
    life_world_aim(w, row->command, s, body);
    (void)send(r, row->command, body, row->command != KESU__V1__COMMAND__BODY_CLOSE_EIGHTD ? s : NULL);
}

static void one_command(struct run *r)
{
    struct life_desk *d = r->d;
    struct life_world *w = &r->world;
    void *body;
    arena_reset(&d->arena);
    d->ctx.block_time += (int64_t)life_draw(w, life_draw(w, 2) == 0 ? USEC_PER_SEC : 40 * USEC_PER_MIN);
    if (life_draw(w, 200) == 0) d->ctx.block_time += 11 * 24 * USEC_PER_HOUR;
    if (w->cases.n == 0 || (w->cases.n < OPEN_CASES && life_draw(w, 60) == 0)) {
        open_case(r);
    } else if (life_draw(w, 5) == 0) {
        unsigned command = life_world_office(w, &body);
        (void)send(r, command, body, NULL);
    } else {
        command_of_case(r);
    }
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
        for (unsigned i = 0; i < r->world.cases.n; i++) {
            const Kesu__V1__CaseState *s = life_state(r->d, r->world.cases.ids[i]);
            if (life_is_open(s->stage) && strcmp(s->agent, agents[k]) == 0) open++;
        }
        assert_int_equal(intake_agent_get(&r->d->view, agents[k], &r->d->arena, &a), 0);
        if (a->open_cases != open)
            fail_msg("seed %llu: %s has %u open cases, and is said to have %u", (unsigned long long)r->seed,
                     agents[k], open, a->open_cases);
    }
}

/* Two agents with room, a delegation that is not in force all the time, and years that pass soon. */
static void begin(struct run *r)
{
    static const char *const agents[] = {"ann", "ben"};
    r->d->policy.delegations[0]->starts = LIFE_NOW + 5 * USEC_PER_DAY;
    r->d->policy.delegations[0]->until = LIFE_NOW + 60 * USEC_PER_DAY;
    r->d->settings.retention = 5 * USEC_PER_DAY;
    for (unsigned i = 0; i < 2; i++) {
        Kesu__V1__SetPresence *c = life_body_of(r->d, KESU__V1__COMMAND__BODY_SET_PRESENCE, 0);
        c->agent = life_text(agents[i]);
        c->present = true;
        c->capacity = 1000;
        r->d->actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR;
        assert_true(send(r, KESU__V1__COMMAND__BODY_SET_PRESENCE, c, NULL));
    }
}

static void end(struct run *r)
{
    compare_registers(r);
    count_owners(r);
    const char *what = life_tally_compare(&r->tally, r->d);
    if (what != NULL) fail_msg("seed %llu: %s", (unsigned long long)r->seed, what);
    r->counts->delegated += r->tally.delegated;
    r->counts->at_once += r->tally.at_once;
    r->counts->handed += r->tally.handed;
}

static void run_seed(uint64_t seed, struct counts *counts)
{
    static const uint8_t uuid[16];
    static struct run r;
    void *state;
    life_desk_open(&state);
    r = (struct run){.d = state, .seed = seed, .counts = counts, .world = {.d = state, .random = seed}};
    life_bodies_policy(r.d);
    assert_int_equal(intake_register_open(&r.again, r.d->env, NULL), 0);
    assert_int_equal(intake_register_follow(&r.again, uuid, 0), 0);
    struct arena policy = r.d->arena;
    arena_init(&r.d->arena, &mem_libc, (size_t)64 << 20);
    begin(&r);
    for (r.n_step = 0; r.n_step < COMMANDS; r.n_step++) one_command(&r);
    end(&r);
    arena_deinit(&r.d->arena);
    r.d->arena = policy;
    intake_register_close(&r.again, 0);
    life_desk_close(&state);
}

static uint64_t number_of(const char *name, uint64_t usual)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? strtoull(text, NULL, 10) : usual;
}

/* ---- what was walked -------------------------------------------------------------- */

/* Of the machine, not of the life: nothing here stands still, stops or gets another policy. */
static bool is_walked(unsigned command)
{
    return life_command_name(command)[0] != '\0' && command >= KESU__V1__COMMAND__BODY_RECEIVE_MESSAGE &&
           command != KESU__V1__COMMAND__BODY_STORE_POLICY_PART &&
           command != KESU__V1__COMMAND__BODY_ACTIVATE_POLICY &&
           command != KESU__V1__COMMAND__BODY_SKIP_EVENT && command != KESU__V1__COMMAND__BODY_ACCEPT_CLOCK &&
           command != KESU__V1__COMMAND__BODY_REPLACE_LEAVERS;
}

/* A rule that nothing ever comes near is not tested: every command was accepted, every code refused with. */
static void check_counts(const struct counts *c)
{
    static const int codes[] = {E_STAGE, E_STALE,   E_NOT_ALLOWED, E_LIMIT,
                                E_FINAL, E_RECUSED, E_OPEN_WORK,   E_EXISTS};
    for (unsigned i = 0; i < N_COMMANDS; i++)
        if (is_walked(i) && c->accepted[i] == 0) fail_msg("%s was never accepted", life_command_name(i));
    for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (c->refused[-codes[i]] == 0) fail_msg("nothing was refused with %s", err_name(codes[i]));
    assert_true(c->delegated > 0 && c->at_once > 0 && c->handed > 0);
}

static void print_counts(const struct counts *c, uint64_t sent)
{
    uint64_t accepted = 0;
    unsigned column = 0;
    for (unsigned i = 0; i < N_COMMANDS; i++) {
        if (!is_walked(i)) continue;
        accepted += c->accepted[i];
        printf("%8llu %-22s%s", (unsigned long long)c->accepted[i], life_command_name(i),
               ++column % 4 == 0 ? "\n" : "");
    }
    printf("%s%8llu decided at once, %llu for somebody else, %llu handed over\n", column % 4 != 0 ? "\n" : "",
           (unsigned long long)c->at_once, (unsigned long long)c->delegated, (unsigned long long)c->handed);
    for (int i = 1; i < N_CODES; i++)
        if (c->refused[i] > 0) printf("%8llu %s\n", (unsigned long long)c->refused[i], err_name(-i));
    printf("%llu of %llu commands were accepted\n", (unsigned long long)accepted, (unsigned long long)sent);
}

static void random_commands_break_no_rule(void **state)
{
    uint64_t first = number_of("KESU_LIFE_FIRST", 1), runs = number_of("KESU_LIFE_RUNS", 25);
    uint64_t jobs = number_of("KESU_LIFE_JOBS", 1), job = 0;
    (void)state;
    struct counts *shared =
        mmap(NULL, sizeof(*shared) * jobs, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    while (job + 1 < jobs && fork() != 0) job++;
    for (uint64_t i = job; i < runs; i += jobs) run_seed(first + i, &shared[job]);
    if (job + 1 < jobs) _exit(0);
    for (int status; wait(&status) > 0;) assert_int_equal(status, 0);
    for (uint64_t k = 1; k < jobs; k++)
        for (size_t i = 0; i < sizeof(*shared) / sizeof(uint64_t); i++)
            ((uint64_t *)&shared[0])[i] += ((uint64_t *)&shared[k])[i];
    print_counts(shared, runs * COMMANDS);
    if (runs >= 25) check_counts(shared);
    munmap(shared, sizeof(*shared) * jobs);
}

UNIT_MAIN(cmocka_unit_test(random_commands_break_no_rule))
