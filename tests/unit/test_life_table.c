/* SPDX-License-Identifier: Apache-2.0 */
/* The whole table of the life is walked: each command in each stage, from each
 * actor, with the body that leads to each variant. It moves as the table says,
 * or is refused with the code the table gives, or by a rule of its own; what is
 * refused changes nothing. */
#include <stdio.h>

#include "life_bodies.h"
#include "policy.h"
#include "unit.h"

static const struct {
    const char *name;
    Kesu__V1__ActorKind kind;
    uint32_t bit;
    bool above_ann; /* or ann, or no staff at all */
} actors[] = {
    {"ann", KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF, LIFE_ROLE(AGENT), true},
    {"ben", KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF, LIFE_ROLE(AGENT), false},
    {"hand", KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF, LIFE_ROLE(HANDLER), false},
    {"lead", KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF, LIFE_ROLE(SECTION_MANAGER), true},
    {"side", KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF, LIFE_ROLE(SECTION_MANAGER), false},
    {"dep", KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF, LIFE_ROLE(DEPUTY), true},
    {"gm", KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF, LIFE_ROLE(GENERAL_MANAGER), true},
    {"law", KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF, LIFE_ROLE(LEGAL), false},
    {"aud", KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF, LIFE_ROLE(AUDITOR), false},
    {"fold", KESU__V1__ACTOR_KIND__ACTOR_KIND_SERVICE, LIFE_SERVICE, true},
    {"op", KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR, LIFE_OPERATOR, true},
    {"", KESU__V1__ACTOR_KIND__ACTOR_KIND_CUSTOMER, LIFE_CUSTOMER, true},
};
#define N_ACTORS (sizeof(actors) / sizeof(actors[0]))
#define MAX_ROWS 128

struct walk {
    struct life_desk *d;
    struct arena policy; /* the desk's, which has another one for each cell */
    bool moved[MAX_ROWS];
    unsigned cells, moves;
};

/* How the actor is tied to the case beside having it or standing above who has it. */
enum column { FREE, ACCUSED, REPORTS_TO_ACCUSED, NOT_REVIEWER, N_COLUMNS };

struct cell {
    unsigned command, variant, actor;
    Kesu__V1__Stage stage;
    enum column column;
};

/* ---- what the table says, read once more ---------------------------------- */

static bool has_row(unsigned command, uint32_t stages, uint32_t who)
{
    const struct life_row *row;
    for (unsigned i = 0; (row = life_row(i)) != NULL; i++)
        if (row->command == command && row->tie != TIE_FOLLOWS && (row->from & stages) != 0 &&
            (row->who & who) != 0)
            return true;
    return false;
}

static const struct life_row *first_row(const struct cell *c)
{
    const struct life_row *row;
    for (unsigned i = 0; (row = life_row(i)) != NULL; i++)
        if (row->command == c->command && row->tie != TIE_FOLLOWS && (row->from >> c->stage & 1) != 0 &&
            (row->who & actors[c->actor].bit) != 0)
            return row;
    return NULL;
}

/* Who is accused may say their side, and nothing else. */
static bool is_recused(const struct cell *c)
{
    return (c->column == ACCUSED || c->column == REPORTS_TO_ACCUSED) &&
           c->command != KESU__V1__COMMAND__BODY_RECORD_STATEMENT;
}

/* 0: the table lets them. */
static int expected(const struct cell *c)
{
    uint32_t stage = 1u << c->stage, who = actors[c->actor].bit;
    if (!has_row(c->command, UINT32_MAX, who)) return E_NOT_ALLOWED;
    if (!has_row(c->command, stage, UINT32_MAX)) return E_STAGE;
    const struct life_row *row = first_row(c);
    if (row == NULL) return E_NOT_ALLOWED;
    if (is_recused(c)) return E_RECUSED;
    bool reviewer =
        c->column != NOT_REVIEWER || actors[c->actor].kind != KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF;
    if (row->tie == TIE_OWNER && !actors[c->actor].above_ann) return E_NOT_ALLOWED;
    return row->tie == TIE_REVIEWER && !reviewer ? E_NOT_ALLOWED : 0;
}

/* ---- a cell ---------------------------------------------------------------- */

static void fail_cell(const struct walk *w, const struct cell *c, const char *what)
{
    const struct decision *out = &w->d->out;
    fail_msg("%s %u by %s (%d) in stage %d: %s; got %d (%s: %s), %u events", life_command_name(c->command),
             c->variant, actors[c->actor].name, (int)c->column, (int)c->stage, what, out->err,
             out->err != 0 ? out->refused.field : "", out->err != 0 ? out->refused.reason : "",
             out->n_events);
}

static void check_allowed(const struct walk *w, const struct cell *c)
{
    const Kesu__V1__Refused *refused = &w->d->out.refused;
    size_t n = 0;
    for (unsigned i = 0; i < 256; i++) n += has_row(i, 1u << c->stage, actors[c->actor].bit) ? 1 : 0;
    if (refused->n_allowed != n) fail_cell(w, c, "another number of commands is said to be allowed");
    for (size_t i = 0; i < refused->n_allowed; i++) {
        const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(
            &kesu__v1__command__descriptor, refused->allowed[i]);
        assert_non_null(f);
        if (!has_row(f->id, 1u << c->stage, actors[c->actor].bit)) fail_cell(w, c, refused->allowed[i]);
    }
}

/* Each event of the case is in the table, and the stage is where they lead. */
static void check_moved(struct walk *w, const struct cell *c, uint64_t id)
{
    Kesu__V1__Stage stage = c->stage;
    Kesu__V1__Stage before = (Kesu__V1__Stage)life_state(w->d, id)->life->stage_before;
    bool first = true;
    for (unsigned i = 0; i < w->d->out.n_events; i++) {
        const Kesu__V1__Event *e = &w->d->out.events[i].event;
        if (e->case_id != id) continue;
        const struct life_row *row = life_find_of(first ? c->command : 0, stage, e);
        if (row == NULL) fail_cell(w, c, "an event that is not in the table");
        if (first && (row->command != c->command || (row->who & actors[c->actor].bit) == 0))
            fail_cell(w, c, "an event of another row");
        for (unsigned k = 0; first && life_row(k) != NULL; k++)
            w->moved[k] = w->moved[k] || life_row(k) == row;
        stage = life_next(stage, before, e);
        first = false;
    }
    if (first) fail_cell(w, c, "accepted, and nothing happened");
    if (life_state(w->d, id)->stage != stage) fail_cell(w, c, "another stage than the table's");
    w->moves++;
}

static void tie(struct life_desk *d, const struct cell *c, uint64_t id)
{
    Kesu__V1__CaseState *s = life_state(d, id);
    const char *who = actors[c->actor].name;
    if (c->column == REPORTS_TO_ACCUSED) who = policy_staff(&d->policy, who)->manager;
    if (c->column == ACCUSED || c->column == REPORTS_TO_ACCUSED) {
        s->life->accused = arena_alloc(&d->arena, sizeof(*s->life->accused));
        s->life->accused[0] = life_text(who);
        s->life->n_accused = 1;
    }
    if (c->column == NOT_REVIEWER && s->life->appeal != NULL)
        s->life->appeal->reviewer = life_text("somebody");
    life_put(d, s);
}

static void walk_cell(struct walk *w, const struct cell *c)
{
    struct life_desk *d = w->d;
    arena_reset(&d->arena);
    uint64_t other = life_case(d, KESU__V1__STAGE__STAGE_UNDER_REVIEW), id = life_case(d, c->stage);
    (void)other;
    d->actor.kind = actors[c->actor].kind;
    d->actor.name = life_text(actors[c->actor].name);
    life_prepare(d, c->command, c->variant, id);
    if (c->column != FREE) tie(d, c, id);
    void *body = life_body(d, c->command, c->variant, id, 1);
    struct span before = codec_pack(life_state(d, id), &d->arena);
    int err = life_decide(d, (Kesu__V1__Command__BodyCase)c->command, body), says = expected(c);
    w->cells++;
    if (says != 0 && err != says) fail_cell(w, c, "the table refuses it otherwise");
    if (says == E_STAGE) check_allowed(w, c);
    if (err == 0) {
        check_moved(w, c, id);
        return;
    }
    struct span after = codec_pack(life_state(d, id), &d->arena);
    if (d->out.n_events != 0 || before.n != after.n || memcmp(before.p, after.p, after.n) != 0)
        fail_cell(w, c, "refused, and yet something happened");
}

/* Who is no staff has no such ties, nor does the top a manager. */
static bool has_column(const struct life_desk *d, unsigned actor, enum column column)
{
    if (column == FREE) return true;
    if (actors[actor].kind != KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF) return false;
    return column != REPORTS_TO_ACCUSED || policy_staff(&d->policy, actors[actor].name)->manager[0] != '\0';
}

static void walk_variant(struct walk *w, unsigned command, unsigned variant)
{
    for (int stage = KESU__V1__STAGE__STAGE_RECEIVED; stage < LIFE_STAGES; stage++)
        for (unsigned a = 0; a < N_ACTORS; a++)
            for (unsigned column = 0; column < N_COLUMNS; column++) {
                struct cell c = {command, variant == LIFE_ANY ? 0 : variant, a, (Kesu__V1__Stage)stage,
                                 (enum column)column};
                if (has_column(w->d, a, c.column)) walk_cell(w, &c);
            }
}

static bool is_new(unsigned i)
{
    for (unsigned k = 0; k < i; k++)
        if (life_row(k)->command == life_row(i)->command && life_row(k)->variant == life_row(i)->variant &&
            life_row(k)->tie != TIE_FOLLOWS)
            return false;
    return true;
}

static void make_room(struct life_desk *d)
{
    static const char *const agents[] = {"ann", "ben"};
    for (unsigned i = 0; i < 2; i++) {
        Kesu__V1__AgentState a = KESU__V1__AGENT_STATE__INIT;
        a.agent = life_text(agents[i]);
        a.present = true;
        a.capacity = UINT32_MAX;
        intake_agent_put(&d->view, &a);
    }
}

static void the_whole_table_is_walked(void **state)
{
    struct walk w = {.d = *state};
    const struct life_row *row;
    life_bodies_policy(w.d);
    make_room(w.d);
    w.policy = w.d->arena;
    arena_init(&w.d->arena, &mem_libc, (size_t)64 << 20);
    for (unsigned i = 0; (row = life_row(i)) != NULL; i++)
        if (row->tie != TIE_FOLLOWS && is_new(i)) walk_variant(&w, row->command, row->variant);
    for (unsigned i = 0; (row = life_row(i)) != NULL; i++)
        if (row->tie != TIE_FOLLOWS && !w.moved[i])
            fail_msg("%s leads nobody anywhere by row %u (%s)", life_command_name(row->command), i,
                     row->when);
    arena_deinit(&w.d->arena);
    w.d->arena = w.policy;
    print_message("%u cells, %u of them move\n", w.cells, w.moves);
}

/* What has to be given are fields of the command: else intake would stop at it. */
static void what_is_needed_can_be_given(void **state)
{
    const struct life_row *row;
    (void)state;
    for (unsigned i = 0; (row = life_row(i)) != NULL; i++) {
        const ProtobufCFieldDescriptor *oneof =
            protobuf_c_message_descriptor_get_field(&kesu__v1__command__descriptor, row->command);
        char word[64];
        for (const char *at = row->needs; sscanf(at, " %63s", word) == 1;
             at = strstr(at, word) + strlen(word))
            if (protobuf_c_message_descriptor_get_field_by_name(oneof->descriptor, word) == NULL)
                fail_msg("%s has no %s", oneof->name, word);
    }
}

static void words_are_whole(void **state)
{
    (void)state;
    assert_true(life_has_word("received", "received"));
    assert_true(life_has_word("paid executed", "paid"));
    assert_true(life_has_word("unpaid paid_twice  paid", "paid"));
    assert_false(life_has_word("unpaid paid_twice prepaid", "paid"));
    assert_false(life_has_word("", "paid"));
    assert_false(life_has_word("paid", ""));
    assert_false(life_has_word("pai", "paid"));
}

/* As it was judged before stands beside how it is judged now. */
static void a_judgement_tells_the_one_before(void **state)
{
    struct life_desk *d = *state;
    life_bodies_policy(d);
    uint64_t id = life_case(d, KESU__V1__STAGE__STAGE_TRIAGED);
    Kesu__V1__ClassifyCase *c = life_body(d, KESU__V1__COMMAND__BODY_CLASSIFY_CASE, 0, id, 3);
    DONE(d, CLASSIFY_CASE, c, TRIAGED);
    const Kesu__V1__CaseClassified *b = life_event(d)->case_classified;
    assert_string_equal(b->judgement->category, "other");
    assert_string_equal(b->previous_category, "damage.wet");
    assert_string_equal(b->previous_department, "service");
    assert_int_equal(b->previous_severity, KESU__V1__SEVERITY__SEVERITY_S3);
}

UNIT_MAIN(cmocka_unit_test_setup_teardown(a_judgement_tells_the_one_before, life_desk_open, life_desk_close),
          cmocka_unit_test(words_are_whole), cmocka_unit_test(what_is_needed_can_be_given),
          cmocka_unit_test_setup_teardown(the_whole_table_is_walked, life_desk_open, life_desk_close))
