/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a run: without faults everything comes to rest, and then the
 * journal, the register, every fold and the auditor must say the same. */
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "clock.h"
#include "err.h"
#include "life.h"
#include "office.h"

#define QUIET_US (30 * USEC_PER_SEC)
/* The longest ladder of the policy's clocks takes 8 minutes, and begins when the last case is assigned. */
#define PATIENCE_US (20 * USEC_PER_MIN)
#define CHECK_US    (20 * USEC_PER_SEC)
#define ARENA_BYTES ((size_t)64 << 20)

/* ---- asking ----------------------------------------------------------------------- */

/* NULL after having noted that nobody answers, or refuses. Nobody crashes any more. */
static Kesu__V1__ControlReply *must_answer(struct office *o, const char *endpoint,
                                           Kesu__V1__ControlRequest *request, struct arena *arena)
{
    Kesu__V1__ControlReply *reply = ask(o, endpoint, request, 2 * USEC_PER_MIN, arena);
    if (reply == NULL) audit_broken(&o->audit, "%s does not answer", endpoint);
    if (reply != NULL && reply->body_case == KESU__V1__CONTROL_REPLY__BODY_REFUSED)
        audit_broken(&o->audit, "%s refuses: %s %s", endpoint, err_name(-(int)reply->refused->code),
                     reply->refused->reason);
    return reply;
}

static Kesu__V1__ControlReply *ask_control(struct office *o, const char *instance,
                                           Kesu__V1__ControlRequest *request, struct arena *arena)
{
    char endpoint[100];
    snprintf(endpoint, sizeof endpoint, "%s-control", instance);
    return must_answer(o, endpoint, request, arena);
}

/* ---- quiet ----------------------------------------------------------------------------- */

/* The fold has all there is, and nothing it still has to say. */
static bool is_quiet(struct office *o, const struct office_service *s)
{
    struct arena arena;
    arena_init(&arena, &mem_libc, ARENA_BYTES);
    Kesu__V1__GetInfo get = KESU__V1__GET_INFO__INIT;
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_INFO;
    request.info = &get;
    Kesu__V1__ControlReply *reply = ask_control(o, s->instance, &request, &arena);
    bool quiet = false;
    if (reply != NULL && reply->body_case == KESU__V1__CONTROL_REPLY__BODY_INFO) {
        const Kesu__V1__Info *info = reply->info;
        quiet =
            info->ready && (s->fold == NULL || (info->folded_seq == o->audit.n_events && info->outbox == 0));
    }
    arena_deinit(&arena);
    return quiet;
}

/* A clock that still runs has steps to come, or is done with its ladder. NULL: all are done. */
static const struct audit_clock *running_clock(const struct audit_case *c)
{
    for (unsigned k = 0; k < c->n_clocks; k++) {
        const struct audit_clock *clock = &c->clocks[k];
        bool breached = false;
        unsigned level = 0;
        for (unsigned f = 0; f < clock->n_fired; f++) {
            if (clock->fired[f].step == KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH) breached = true;
            if (clock->fired[f].level > level) level = clock->fired[f].level;
        }
        if (clock->running && (!breached || level < clock->n_levels)) return clock;
    }
    return NULL;
}

/* The first of all: of a case, or of other work. */
static const struct audit_clock *any_running(const struct audit *a, const struct audit_case **ret_case)
{
    const struct audit_clock *clock = NULL;
    for (unsigned i = 0; i < a->n_cases && clock == NULL; i++)
        clock = running_clock(*ret_case = &a->cases[i]);
    for (unsigned i = 0; i < a->n_works && clock == NULL; i++)
        clock = running_clock(*ret_case = &a->works[i]);
    return clock;
}

static bool has(const struct office *o, const char *name)
{
    for (unsigned k = 0; k < o->n_services; k++)
        if (strcmp(o->services[k].def->name, name) == 0) return true;
    return false;
}

/* What ended by itself waits for nobody, and what is outside unjudged for who is there. */
static bool case_is_done(const struct office *o, const struct audit_case *c)
{
    if (!life_is_open(c->stage) || c->stage == KESU__V1__STAGE__STAGE_NOT_A_COMPLAINT ||
        c->stage == KESU__V1__STAGE__STAGE_WITHDRAWN || !has(o, "routing") || !has(o, "routing-worker"))
        return true;
    if (!c->classified && c->stage == KESU__V1__STAGE__STAGE_EXTERNAL) return true;
    return c->agent[0] != '\0' && (c->classified || c->stage != KESU__V1__STAGE__STAGE_RECEIVED);
}

/* What is not at rest yet; NULL: nothing. */
static const char *unrest(struct office *o)
{
    static char text[200];
    struct audit *a = &o->audit;
    const char *unanswered = people_unanswered(o->people);
    if (unanswered != NULL) return unanswered;
    for (unsigned i = 0; i < a->n_cases; i++) {
        const struct audit_case *c = &a->cases[i];
        if (case_is_done(o, c)) continue;
        snprintf(text, sizeof text, "case %s (seq %llu): classified %d, agent '%s', stage %d", c->number,
                 (unsigned long long)c->id, c->classified, c->agent, (int)c->stage);
        return text;
    }
    const struct audit_case *late = NULL;
    const struct audit_clock *clock = has(o, "sla-watch") ? any_running(a, &late) : NULL;
    if (clock != NULL) {
        snprintf(text, sizeof text, "clock %s of case %s, due %lld s ago, has fired %u steps of %u",
                 clock->name, late->number, (long long)((sim_wall_us(o->sim) - clock->due_at) / USEC_PER_SEC),
                 clock->n_fired, clock->n_levels + 2);
        return text;
    }
    const struct audit_notice *untold = has(o, "notification") ? audit_untold(a) : NULL;
    if (untold != NULL) {
        snprintf(text, sizeof text, "the %s of seq %llu has no outcome", untold->kind,
                 (unsigned long long)untold->seq);
        return text;
    }
    const char *waiting = mailman_waiting(o->mailman);
    if (waiting != NULL) {
        snprintf(text, sizeof text, "the mail %s stays in new/", waiting);
        return text;
    }
    if (!mails_are_settled(o)) return "a message has no outcome";
    for (unsigned k = 0; k < o->n_services; k++) {
        if (is_quiet(o, &o->services[k])) continue;
        snprintf(text, sizeof text, "%s is not quiet", o->services[k].instance);
        return text;
    }
    return NULL;
}

static void wait_for_quiet(struct office *o)
{
    int64_t until_us = sim_now_us(o->sim) + PATIENCE_US;
    const char *why = "the journal grows";
    while (o->audit.broken[0] == '\0' && sim_now_us(o->sim) < until_us) {
        uint64_t before = o->audit.n_events;
        office_run(o, QUIET_US);
        if (o->audit.n_events != before || o->read_seq != before) continue;
        why = unrest(o);
        if (why != NULL || o->audit.n_events != before) continue;
        o->rest_us = sim_now_us(o->sim) - (until_us - PATIENCE_US);
        return;
    }
    audit_broken(&o->audit, "no rest after %d minutes: %s", (int)(PATIENCE_US / USEC_PER_MIN),
                 why != NULL ? why : "the journal grows");
}

/* ---- everything agrees -------------------------------------------------------------------- */

static Kesu__V1__ControlRequest verify_request(void)
{
    static Kesu__V1__VerifyFold verify = KESU__V1__VERIFY_FOLD__INIT;
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_VERIFY_FOLD;
    request.verify_fold = &verify;
    return request;
}

bool finish_check(struct office *o, const struct office_service *s)
{
    struct arena arena;
    char endpoint[100];
    Kesu__V1__ControlRequest request = verify_request();
    snprintf(endpoint, sizeof endpoint, "%s-control", s->instance);
    arena_init(&arena, &mem_libc, ARENA_BYTES);
    const Kesu__V1__ControlReply *reply = ask(o, endpoint, &request, CHECK_US, &arena);
    bool verified = reply != NULL && reply->body_case == KESU__V1__CONTROL_REPLY__BODY_FOLD_VERIFIED;
    if (verified && !reply->fold_verified->same)
        audit_broken(&o->audit, "the fold of %s is not what its rebuild is: %s", s->instance,
                     reply->fold_verified->difference);
    arena_deinit(&arena);
    watch_recheck(o);
    return verified;
}

static void verify_fold(struct office *o, const struct office_service *s, struct arena *arena)
{
    Kesu__V1__ControlRequest request = verify_request();
    const Kesu__V1__ControlReply *reply = ask_control(o, s->instance, &request, arena);
    if (reply == NULL || reply->body_case != KESU__V1__CONTROL_REPLY__BODY_FOLD_VERIFIED) {
        audit_broken(&o->audit, "%s does not verify its fold", s->instance);
    } else if (!reply->fold_verified->same) {
        audit_broken(&o->audit, "the fold of %s is not what its rebuild is: %s", s->instance,
                     reply->fold_verified->difference);
    }
}

static void verify_journal(struct office *o, struct arena *arena)
{
    Kesu__V1__VerifyJournal verify = KESU__V1__VERIFY_JOURNAL__INIT;
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_VERIFY_JOURNAL;
    request.verify_journal = &verify;
    const Kesu__V1__ControlReply *reply = ask_control(o, "intake", &request, arena);
    if (reply == NULL || reply->body_case != KESU__V1__CONTROL_REPLY__BODY_JOURNAL_VERIFIED) {
        audit_broken(&o->audit, "intake does not verify its journal");
        return;
    }
    const Kesu__V1__JournalVerified *verified = reply->journal_verified;
    bool same = verified->events == o->audit.n_events && verified->head_seq == o->audit.n_events &&
                verified->head_hash.len == HASH_BYTES &&
                memcmp(verified->head_hash.data, o->audit.hash, HASH_BYTES) == 0;
    if (!verified->intact || !same)
        audit_broken(&o->audit, "the journal has %llu events and the auditor %llu: %s",
                     (unsigned long long)verified->events, (unsigned long long)o->audit.n_events,
                     verified->problem);
}

/* Of a case that only named people read nobody sees more than that it is there. */
static void compare_veiled(struct office *o, const struct audit_case *c, const Kesu__V1__CaseState *state)
{
    if (strcmp(state->number, c->number) != 0 || state->version != c->version || state->stage != c->stage)
        audit_broken(&o->audit, "the register and the journal differ on sensitive case %s", c->number);
    if (state->agent[0] != '\0' || state->category[0] != '\0' || state->customer_id != 0 ||
        state->life != NULL)
        audit_broken(&o->audit, "everybody sees what sensitive case %s is about", c->number);
}

static void compare_case(struct office *o, const Kesu__V1__CaseState *state)
{
    struct audit *a = &o->audit;
    const struct audit_case *c = audit_find(a, state->case_id);
    if (c == NULL) {
        audit_broken(a, "the register has case %llu, the journal not", (unsigned long long)state->case_id);
        return;
    }
    if (c->sensitive) {
        compare_veiled(o, c, state);
        return;
    }
    bool same = strcmp(state->number, c->number) == 0 && state->version == c->version &&
                state->stage == c->stage && strcmp(state->agent, c->agent) == 0 &&
                strcmp(state->category, c->category) == 0 && strcmp(state->department, c->department) == 0 &&
                state->severity == c->severity && state->last_seq == c->last_seq &&
                state->messages == c->messages;
    if (!same)
        audit_broken(
            a,
            "the register and the journal differ on case %s: version %llu/%llu, stage %d/%d, agent %s/%s, "
            "category %s/%s, department %s/%s, severity %d/%d, messages %u/%u",
            c->number, (unsigned long long)state->version, (unsigned long long)c->version, (int)state->stage,
            (int)c->stage, state->agent, c->agent, state->category, c->category, state->department,
            c->department, (int)state->severity, (int)c->severity, state->messages, c->messages);
}

static void compare_register(struct office *o, struct arena *arena)
{
    uint64_t before = 0;
    unsigned n = 0;
    do {
        Kesu__V1__ListCases list = KESU__V1__LIST_CASES__INIT;
        list.limit = 7;
        list.before_case = before;
        Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
        request.body_case = KESU__V1__CONTROL_REQUEST__BODY_LIST_CASES;
        request.list_cases = &list;
        const Kesu__V1__ControlReply *reply = ask_control(o, "intake", &request, arena);
        if (reply == NULL || reply->body_case != KESU__V1__CONTROL_REPLY__BODY_CASE_LIST) return;
        for (size_t i = 0; i < reply->case_list->n_cases; i++, n++)
            compare_case(o, reply->case_list->cases[i]);
        before = reply->case_list->next_before;
    } while (before != 0 && n <= o->audit.n_cases);
    if (n != o->audit.n_cases)
        audit_broken(&o->audit, "the register has %u cases of %u", n, o->audit.n_cases);
}

static void compare_agents(struct office *o, struct arena *arena)
{
    Kesu__V1__ListAgents list = KESU__V1__LIST_AGENTS__INIT;
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_LIST_AGENTS;
    request.list_agents = &list;
    const Kesu__V1__ControlReply *reply = ask_control(o, "intake", &request, arena);
    if (reply == NULL || reply->body_case != KESU__V1__CONTROL_REPLY__BODY_AGENT_LIST) return;
    for (size_t i = 0; i < reply->agent_list->n_agents; i++) {
        const Kesu__V1__AgentState *state = reply->agent_list->agents[i];
        for (unsigned k = 0; k < o->audit.n_agents; k++) {
            const struct audit_agent *agent = &o->audit.agents[k];
            if (strcmp(agent->name, state->agent) != 0) continue;
            if (agent->open != state->open_cases || agent->present != (bool)state->present ||
                agent->capacity != state->capacity)
                audit_broken(&o->audit, "the register gives %s %u cases, the journal %u", agent->name,
                             state->open_cases, agent->open);
        }
    }
}

/* Each row of counts, counted again from the cases. */
static void compare_counts(struct office *o, const Kesu__V1__Stats *stats)
{
    const struct audit *a = &o->audit;
    uint64_t sum = 0;
    for (size_t i = 0; i < stats->n_counts; i++) {
        const Kesu__V1__Count *row = stats->counts[i];
        uint64_t n = 0;
        for (unsigned k = 0; k < a->n_cases; k++)
            n += strcmp(a->cases[k].counted_category, row->category) == 0 &&
                 strcmp(a->cases[k].counted_department, row->department) == 0 &&
                 a->cases[k].channel == row->channel && a->cases[k].counted_severity == row->severity;
        if (n != row->opened)
            audit_broken(&o->audit, "analytics counts %llu cases of %s, the journal has %llu",
                         (unsigned long long)row->opened, row->category, (unsigned long long)n);
        sum += n;
    }
    if (sum != a->n_cases)
        audit_broken(&o->audit, "analytics has rows for %llu cases", (unsigned long long)sum);
}

static void compare_stats(struct office *o, const struct office_service *s, struct arena *arena)
{
    Kesu__V1__GetStats get = KESU__V1__GET_STATS__INIT;
    char *by[] = {"category", "department", "channel", "severity"};
    get.by = by;
    get.n_by = sizeof by / sizeof by[0];
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_GET_STATS;
    request.get_stats = &get;
    const Kesu__V1__ControlReply *reply = must_answer(o, s->query, &request, arena);
    if (reply == NULL || reply->body_case != KESU__V1__CONTROL_REPLY__BODY_STATS) return;
    const Kesu__V1__Stats *stats = reply->stats;
    const struct audit_counts *c = &o->audit.counts;
    const struct {
        const char *name;
        uint64_t counted, wanted;
    } rows[] = {
        {"opened", stats->opened, c->opened},
        {"joined", stats->joined, c->joined},
        {"classified", stats->classified, c->classified},
        {"assigned", stats->assigned, c->assigned},
        {"resolved", stats->resolved, c->resolved},
        {"closed", stats->closed, c->closed},
        {"breached", stats->breached, c->breached},
        {"delivered", stats->delivered, c->delivered},
        {"fallback", stats->fallback, c->fallback},
    };
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
        if (rows[k].counted != rows[k].wanted)
            audit_broken(&o->audit, "analytics counts %llu %s, the journal has %llu",
                         (unsigned long long)rows[k].counted, rows[k].name,
                         (unsigned long long)rows[k].wanted);
    compare_counts(o, stats);
}

/* The wall clock is where it was farthest ahead, or where the office's time has
 * gone since: what was made then would else wait until it comes there again. A
 * restarted intake may hold the clock for wrong that was accepted before: an
 * operator looks at it once more. */
static void set_wall(struct office *o)
{
    int64_t highest_us = sim_highest_wall_us(o->sim);
    int64_t office_us = o->audit.time_us + sim_now_us(o->sim) - o->audit.now_us;
    if (office_us > highest_us) highest_us = office_us;
    sim_jump_wall(o->sim, highest_us - sim_wall_us(o->sim));
}

/* What intake has put away when it has stopped. */
static void compare_shadow(struct office *o)
{
    struct office_service *intake = &o->services[0];
    CHECK(strcmp(intake->instance, "intake") == 0);
    if (!sim_is_up(intake->i)) return;
    env_stop(sim_env(intake->i), 0);
    while (sim_is_up(intake->i) && o->audit.broken[0] == '\0')
        CHECK(sim_step(o->sim, sim_now_us(o->sim) + USEC_PER_MIN));
    shadow_check(o, OFFICE_DATA "/intake/register");
}

void finish(struct office *o)
{
    struct arena arena;
    o->resting = true;
    set_wall(o);
    office_run(o, QUIET_US); /* everybody is up again */
    people_rest(o->people);
    people_all_present(o->people);
    people_accept_clock(o->people);
    wait_for_quiet(o);
    if (o->audit.broken[0] != '\0') return;
    arena_init(&arena, &mem_libc, ARENA_BYTES);
    watch_recheck(o);
    people_check(o->people);
    erase_check(o);
    if (has(o, "notification")) mails_check(o);
    verify_journal(o, &arena);
    compare_register(o, &arena);
    compare_agents(o, &arena);
    for (unsigned k = 0; k < o->n_services; k++) {
        arena_reset(&arena);
        if (o->services[k].fold != NULL) verify_fold(o, &o->services[k], &arena);
        if (o->services[k].query != NULL) compare_stats(o, &o->services[k], &arena);
    }
    arena_deinit(&arena);
    if (o->audit.broken[0] == '\0') compare_shadow(o);
}
