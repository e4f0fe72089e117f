/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands, and what is the same for all: who acts, which case,
 * which version, which stage. The rest is a handler a command. */
#include "decide_internal.h"

#include <stddef.h>

#include "authority.h"
#include "check.h"
#include "decide_life.h"
#include "err.h"
#include "policy.h"

/* What a command names first, and is loaded before its handler. */
enum subject { OF_NOTHING, OF_CASE, OF_CASE_OR_WORK };

struct command_row {
    decide_handler handle;
    enum subject subject;
    uint32_t who; /* LIFE_...; 0: the table of life says, for each stage */
};

#define ANYBODY                          (LIFE_CUSTOMER | LIFE_OFFICE)
#define ROW(name, handler, subject, who) [KESU__V1__COMMAND__BODY_##name] = {(handler), (subject), (who)}
#define CASE(name, handler)              ROW(name, handler, OF_CASE, 0)

static const struct command_row table[] = {
    ROW(RECEIVE_MESSAGE, intake_decide_receive, OF_NOTHING, ANYBODY),
    CASE(CLASSIFY_CASE, intake_decide_classify),
    CASE(ASSIGN_CASE, intake_decide_assign),
    CASE(START_WORK, intake_decide_start_work),
    CASE(ADD_NOTE, intake_decide_note),
    CASE(RESOLVE_CASE, intake_decide_resolve),
    CASE(CLOSE_CASE, intake_decide_close),
    ROW(SET_PRESENCE, intake_decide_presence, OF_NOTHING, LIFE_PEOPLE),
    ROW(FIRE_CLOCK, intake_decide_fire, OF_CASE_OR_WORK, 0),
    ROW(RECORD_DELIVERY, intake_decide_delivery, OF_CASE_OR_WORK, 0),
    ROW(STORE_POLICY_PART, intake_decide_policy_part, OF_NOTHING, LIFE_OPERATOR),
    ROW(ACTIVATE_POLICY, intake_decide_policy, OF_NOTHING, LIFE_OPERATOR),
    ROW(SKIP_EVENT, intake_decide_skip, OF_NOTHING, LIFE_OPERATOR),
    ROW(ACCEPT_CLOCK, intake_decide_accept_clock, OF_NOTHING, LIFE_OPERATOR),
    ROW(ERASE_CUSTOMER, intake_decide_erase, OF_NOTHING, LIFE_OPERATOR),
    /* decide_record.c */
    CASE(AMEND_RECORD, intake_decide_amend),
    CASE(SET_NATURE, intake_decide_nature),
    CASE(ADD_EVIDENCE, intake_decide_evidence),
    CASE(RETURN_FILE, intake_decide_return_file),
    /* decide_customer.c */
    ROW(CHANGE_CUSTOMER, intake_decide_change_customer, OF_NOTHING, LIFE_STAFF),
    ROW(SUGGEST_MERGE, intake_decide_suggest_merge, OF_NOTHING, LIFE_SERVICE | LIFE_STAFF),
    ROW(DISMISS_MERGE, intake_decide_dismiss_merge, OF_NOTHING, LIFE_STAFF),
    ROW(MERGE_CUSTOMERS, intake_decide_merge_customers, OF_NOTHING, LIFE_PEOPLE),
    ROW(UNMERGE_CUSTOMERS, intake_decide_unmerge_customers, OF_NOTHING, LIFE_PEOPLE),
    /* decide_owner.c */
    CASE(CLAIM_CASE, intake_decide_claim),
    CASE(NAME_ACCUSED, intake_decide_accused),
    CASE(RECORD_STATEMENT, intake_decide_statement),
    /* decide_talk.c */
    CASE(REPLY_TO_CUSTOMER, intake_decide_reply),
    CASE(UNDO_REPLY, intake_decide_undo_reply),
    CASE(START_REPLY, intake_decide_start_reply),
    CASE(RECORD_CALL, intake_decide_call),
    /* decide_review.c */
    CASE(REVIEW_CASE, intake_decide_review),
    CASE(OPEN_TASK, intake_decide_open_task),
    CASE(ANSWER_TASK, intake_decide_answer_task),
    CASE(TRANSFER_TASK, intake_decide_transfer_task),
    CASE(WAIVE_TASK, intake_decide_waive_task),
    /* decide_remedy.c */
    CASE(PROPOSE_REMEDY, intake_decide_propose),
    CASE(SUBMIT_PROPOSAL, intake_decide_submit),
    CASE(DECIDE_PROPOSAL, intake_decide_approve),
    CASE(CONFIRM_READING, intake_decide_confirm_reading),
    /* decide_opinion.c */
    CASE(SEND_OPINION, intake_decide_opinion),
    CASE(RECORD_ANSWER, intake_decide_answer),
    CASE(DECLARE_DEADLOCK, intake_decide_deadlock),
    CASE(REFER_EXTERNAL, intake_decide_external),
    CASE(RECORD_EXTERNAL, intake_decide_external_outcome),
    /* decide_appeal.c */
    CASE(FILE_APPEAL, intake_decide_appeal),
    CASE(ADMIT_APPEAL, intake_decide_admit),
    CASE(ASSIGN_REVIEWER, intake_decide_reviewer),
    CASE(DECIDE_APPEAL, intake_decide_decide_appeal),
    /* decide_execute.c */
    CASE(COMPLETE_STEP, intake_decide_step),
    CASE(CLAIM_RECOVERY, intake_decide_claim_recovery),
    CASE(SETTLE_RECOVERY, intake_decide_settle_recovery),
    CASE(RECORD_FEEDBACK, intake_decide_feedback),
    CASE(RECORD_ACCOUNTABILITY, intake_decide_accountability),
    /* decide_end.c */
    CASE(REOPEN_CASE, intake_decide_reopen),
    CASE(WITHDRAW_CASE, intake_decide_withdraw),
    CASE(MARK_CONDUCT, intake_decide_conduct),
    CASE(HOLD_CASE, intake_decide_hold),
    CASE(ARCHIVE_CASE, intake_decide_archive),
    /* decide_incident.c */
    ROW(CREATE_INCIDENT, intake_decide_create_incident, OF_NOTHING, LIFE_STAFF),
    CASE(ADD_TO_INCIDENT, intake_decide_join_incident),
    CASE(REMOVE_FROM_INCIDENT, intake_decide_leave_incident),
    ROW(CHANGE_INCIDENT, intake_decide_change_incident, OF_NOTHING, LIFE_STAFF),
    ROW(HOLD_LOT, intake_decide_hold_lot, OF_NOTHING, LIFE_LEADERS),
    ROW(ANSWER_INCIDENT, intake_decide_answer_incident, OF_NOTHING, LIFE_STAFF),
    CASE(SHARE_ANSWER, intake_decide_share_answer),
    ROW(CLOSE_INCIDENT, intake_decide_close_incident, OF_NOTHING, LIFE_STAFF),
    /* decide_link.c */
    CASE(MERGE_CASE, intake_decide_merge),
    CASE(UNMERGE_CASE, intake_decide_unmerge),
    CASE(SPLIT_CASE, intake_decide_split),
    CASE(LINK_CASES, intake_decide_link),
    CASE(UNLINK_CASES, intake_decide_unlink),
    /* decide_eightd.c */
    ROW(OPEN_EIGHTD, intake_decide_open_eightd, OF_NOTHING, LIFE_STAFF),
    ROW(PLAN_DISCIPLINE, intake_decide_plan_discipline, OF_NOTHING, LIFE_STAFF),
    ROW(RECORD_DISCIPLINE, intake_decide_discipline, OF_NOTHING, LIFE_STAFF),
    ROW(CLOSE_EIGHTD, intake_decide_close_eightd, OF_NOTHING, LIFE_LEADERS),
    /* decide_sensitive.c */
    CASE(MARK_SENSITIVE, intake_decide_sensitive),
    CASE(READ_CASE, intake_decide_read),
    /* decide_handover.c */
    ROW(OPEN_HANDOVER, intake_decide_open_handover, OF_NOTHING, LIFE_STAFF),
    ROW(ACCEPT_HANDOVER, intake_decide_accept_handover, OF_NOTHING, LIFE_STAFF),
    /* decide_leaver.c */
    ROW(REPLACE_LEAVERS, intake_decide_replace_leavers, OF_NOTHING, LIFE_SERVICE),
};
#define N_ROWS (sizeof(table) / sizeof(table[0]))

/* ---- what handlers use -------------------------------------------------- */

void intake_refused_set(Kesu__V1__Refused *ret, int err, const char *field, const char *reason)
{
    static const Kesu__V1__Disposition dispositions[] = {
        [ERR_NONE] = KESU__V1__DISPOSITION__DISPOSITION_RETRY,
        [ERR_RETRY] = KESU__V1__DISPOSITION__DISPOSITION_RETRY,
        [ERR_STALE] = KESU__V1__DISPOSITION__DISPOSITION_STALE,
        [ERR_FINAL] = KESU__V1__DISPOSITION__DISPOSITION_FINAL,
    };
    CHECK(err < 0 && err > -100);
    kesu__v1__refused__init(ret);
    ret->code = (Kesu__V1__ErrorCode)-err;
    ret->disposition = dispositions[err_disposition(err)];
    ret->field = (char *)(uintptr_t)field;
    ret->reason = (char *)(uintptr_t)(reason != NULL ? reason : err_text(err));
}

int intake_decide_refuse(struct decide *d, int err, const char *field, const char *reason)
{
    intake_refused_set(&d->out->refused, err, field, reason);
    d->out->err = err;
    return err;
}

int intake_decide_no_memory(struct decide *d)
{
    return intake_decide_refuse(d, E_TOO_BIG, "", "the command needs too much memory");
}

void *intake_decide_new(struct decide *d, const ProtobufCMessageDescriptor *descriptor)
{
    void *m = arena_alloc(d->ctx->arena, descriptor->sizeof_message);
    if (m != NULL) descriptor->message_init(m);
    return m;
}

/* The version and event before of a case that this command may have changed already. */
static void follow(struct decide *d, const Kesu__V1__CaseState *state, Kesu__V1__Event *event)
{
    event->case_id = state->case_id;
    event->version = state->version + 1;
    event->previous_seq = state->last_seq;
    for (unsigned i = 0; i + 1 < d->out->n_events; i++) {
        if (d->out->events[i].event.case_id != state->case_id) continue;
        event->version = d->out->events[i].event.version + 1;
        event->previous_seq = d->ctx->next_seq + i;
    }
}

int intake_decide_reserve(struct decide *d, size_t n)
{
    struct decision *out = d->out;
    if (out->n_events + n <= out->room) return 0;
    if (out->n_events + n > DECIDE_MAX_EVENTS) return intake_decide_no_memory(d);
    struct decide_event *more = arena_alloc(d->ctx->arena, sizeof(*more) * (out->n_events + n));
    if (more == NULL) return intake_decide_no_memory(d);
    if (out->n_events > 0) memcpy(more, out->events, sizeof(*more) * out->n_events);
    out->events = more;
    out->room = out->n_events + (unsigned)n;
    return 0;
}

struct decide_event *intake_decide_add_to(struct decide *d, const Kesu__V1__CaseState *state,
                                          Kesu__V1__Event__BodyCase type, void *body)
{
    CHECK(d->out->n_events < d->out->room);
    struct decide_event *e = &d->out->events[d->out->n_events++];
    *e = (struct decide_event){.department = state != NULL ? state->department : ""};
    kesu__v1__event__init(&e->event);
    e->event.command_id = d->command->id;
    e->event.client = (char *)(uintptr_t)d->ctx->client;
    e->event.actor = d->command->actor;
    e->event.body_case = type;
    e->event.case_opened = body; /* every member of the union is one pointer */
    if (state != NULL) follow(d, state, &e->event);
    if (state != NULL && state == d->state) {
        d->out->accepted.case_id = state->case_id;
        d->out->accepted.version = e->event.version;
        d->out->accepted.number = state->number;
    }
    return e;
}

struct decide_event *intake_decide_add(struct decide *d, Kesu__V1__Event__BodyCase type, void *body)
{
    return intake_decide_add_to(d, d->state, type, body);
}

struct decide_event *intake_decide_last(struct decide *d)
{
    return &d->out->events[d->out->n_events - 1];
}

char *intake_decide_field(struct decide *d, const char *field)
{
    char *path =
        arena_printf(d->ctx->arena, "%s.%s", life_command_name((unsigned)d->command->body_case), field);
    return path != NULL ? path : (char *)(uintptr_t) "";
}

void intake_decide_seal(struct decide_event *e, const void *plain, Kesu__V1__Sealed *sealed, uint64_t key_id)
{
    e->plain = plain;
    e->sealed = sealed;
    e->key_id = key_id;
}

int intake_decide_needed(struct decide *d, const char *field, const char *text)
{
    return text[0] != '\0' ? 0 : intake_decide_refuse(d, E_MISSING, field, NULL);
}

int intake_decide_somebody(struct decide *d, const char *id, const char *field, const Kesu__V1__Staff **ret)
{
    if (d->ctx->policy == NULL) return intake_decide_refuse(d, E_NO_POLICY, "", NULL);
    const Kesu__V1__Staff *staff = policy_staff(d->ctx->policy, id);
    if (staff == NULL)
        return intake_decide_refuse(d, E_UNKNOWN, field, "no such person in the policy in force");
    if (!policy_is_here(staff, d->ctx->block_time))
        return intake_decide_refuse(d, E_NOT_ALLOWED, field, "their time here has ended");
    if (ret != NULL) *ret = staff;
    return 0;
}

bool intake_decide_stands_above(const struct decide *d, const char *whom)
{
    const Kesu__V1__Policy *p = d->ctx->policy;
    if (d->staff == NULL || policy_stands_above(p, d->staff->id, whom)) return true;
    if (d->behalf != NULL && policy_stands_above(p, d->behalf->id, whom)) return true;
    return whom[0] != '\0' && (d->who & LIFE_LEADERS) != 0 &&
           !policy_is_here(policy_staff(p, whom), d->ctx->block_time);
}

int intake_decide_owner(struct decide *d)
{
    if (intake_decide_stands_above(d, d->state->agent)) return 0;
    return intake_decide_refuse(d, E_NOT_ALLOWED, "actor.name", "the case belongs to somebody else");
}

/* What happened since, of the newest events that the case remembers. */
static void tell_changes(struct decide *d, const Kesu__V1__CaseState *state)
{
    uint64_t since = d->command->expected_version, n = state->n_recent;
    if (since >= state->version) return;
    if (n > state->version - since) n = state->version - since;
    char **changed = arena_alloc(d->ctx->arena, sizeof(*changed) * (n + 1));
    if (changed == NULL) return;
    for (uint64_t i = 0; i < n; i++)
        changed[i] = (char *)(uintptr_t)life_event_name(state->recent[state->n_recent - n + i]);
    d->out->refused.changed = changed;
    d->out->refused.n_changed = n;
}

int intake_decide_version(struct decide *d, const Kesu__V1__CaseState *state)
{
    if (d->command->expected_case != KESU__V1__COMMAND__EXPECTED_EXPECTED_VERSION ||
        d->command->expected_version == state->version)
        return 0;
    intake_decide_refuse(d, E_STALE, "expected_version", NULL);
    d->out->refused.version = state->version;
    tell_changes(d, state);
    return E_STALE;
}

/* ---- the same for all commands ------------------------------------------ */

/* Who acts for somebody may do what either may, while the delegation lasts. */
static int check_behalf(struct decide *d, const Kesu__V1__Actor *actor)
{
    const char *from = actor->on_behalf_of;
    if (from[0] == '\0') return 0;
    DECIDE_TRY(intake_decide_somebody(d, from, "actor.on_behalf_of", &d->behalf));
    if (authority_delegation(d->ctx->policy, from, actor->name, NULL, d->ctx->block_time) != NULL) return 0;
    return intake_decide_refuse(d, E_NOT_ALLOWED, "actor.on_behalf_of",
                                "no delegation of theirs is in force");
}

static int check_actor(struct decide *d)
{
    const Kesu__V1__Actor *actor = d->command->actor;
    if (actor == NULL) return intake_decide_refuse(d, E_MISSING, "actor", NULL);
    if (actor->kind == KESU__V1__ACTOR_KIND__ACTOR_KIND_UNSPECIFIED)
        return intake_decide_refuse(d, E_MISSING, "actor.kind", NULL);
    if (actor->kind != KESU__V1__ACTOR_KIND__ACTOR_KIND_CUSTOMER)
        DECIDE_TRY(intake_decide_needed(d, "actor.name", actor->name));
    if (actor->kind == KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF && d->ctx->policy != NULL) {
        DECIDE_TRY(intake_decide_somebody(d, actor->name, "actor.name", &d->staff));
        DECIDE_TRY(check_behalf(d, actor));
    }
    d->who = life_who(actor, d->staff);
    if (d->behalf != NULL) d->who |= life_who(actor, d->behalf);
    return 0;
}

static int refuse_actor(struct decide *d)
{
    return intake_decide_refuse(
        d, E_NOT_ALLOWED,
        d->command->actor->kind == KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF ? "actor.name" : "actor.kind",
        NULL);
}

/* Does the life have a row that this command begins with, in whatever stage? */
static bool life_allows(unsigned command, uint32_t who)
{
    const struct life_row *row = NULL;
    while ((row = life_of_command(command, row)) != NULL)
        if (row->tie != TIE_FOLLOWS && (row->who & who) != 0) return true;
    return false;
}

/* Of each command: does it have such a row that begins in this stage? */
static void find_allowed(Kesu__V1__Stage stage, uint32_t who, bool ret[N_ROWS])
{
    const struct life_row *row;
    memset(ret, 0, sizeof(*ret) * N_ROWS);
    for (unsigned i = 0; (row = life_row(i)) != NULL; i++)
        if (row->tie != TIE_FOLLOWS && (row->from >> stage & 1) != 0 && (row->who & who) != 0)
            ret[row->command] = true;
}

size_t intake_decide_allowed(Kesu__V1__Stage stage, uint32_t who, struct arena *arena, char ***ret)
{
    char **allowed = arena_alloc(arena, sizeof(*allowed) * N_ROWS);
    bool is[N_ROWS];
    size_t n = 0;
    if (allowed == NULL) return 0;
    find_allowed(stage, who, is);
    for (unsigned i = 0; i < N_ROWS; i++)
        if (is[i]) allowed[n++] = (char *)(uintptr_t)life_command_name(i);
    *ret = allowed;
    return n;
}

int intake_decide_refuse_stage(struct decide *d)
{
    intake_decide_refuse(d, E_STAGE, intake_decide_field(d, "case_id"), NULL);
    d->out->refused.n_allowed =
        intake_decide_allowed(d->state->stage, d->who, d->ctx->arena, &d->out->refused.allowed);
    return E_STAGE;
}

/* Every body that touches a case has case_id first. */
static uint64_t case_id_of(const Kesu__V1__Command *command)
{
    _Static_assert(offsetof(Kesu__V1__ClassifyCase, case_id) == sizeof(ProtobufCMessage) &&
                       offsetof(Kesu__V1__FireClock, case_id) == sizeof(ProtobufCMessage) &&
                       offsetof(Kesu__V1__ReviewCase, case_id) == sizeof(ProtobufCMessage) &&
                       offsetof(Kesu__V1__ReadCase, case_id) == sizeof(ProtobufCMessage) &&
                       offsetof(Kesu__V1__CloseCase, case_id) == sizeof(ProtobufCMessage),
                   "case_id is the first field");
    return command->start_work->case_id;
}

/* Their own side the accused may tell all the same. */
int intake_decide_recusal(struct decide *d, const Kesu__V1__CaseState *state, const Kesu__V1__Staff *staff,
                          const char *field)
{
    const Kesu__V1__CaseLife *life = state->life;
    if (life == NULL || !policy_is_recused(life->accused, life->n_accused, staff)) return 0;
    return intake_decide_refuse(d, E_RECUSED, field, NULL);
}

static bool is_reviewer(const struct decide *d, const Kesu__V1__Staff *staff)
{
    const Kesu__V1__CaseLife *life = d->state->life;
    return staff != NULL && life != NULL && life->appeal != NULL &&
           strcmp(life->appeal->reviewer, staff->id) == 0;
}

static int check_tie(struct decide *d, const struct life_row *row)
{
    if (d->command->body_case != KESU__V1__COMMAND__BODY_RECORD_STATEMENT)
        DECIDE_TRY(intake_decide_recusal(d, d->state, d->staff, "actor.name"));
    DECIDE_TRY(intake_decide_recusal(d, d->state, d->behalf, "actor.on_behalf_of"));
    if (row->tie == TIE_OWNER) return intake_decide_owner(d);
    if (row->tie == TIE_REVIEWER && d->staff != NULL && !is_reviewer(d, d->staff) &&
        !is_reviewer(d, d->behalf))
        return intake_decide_refuse(d, E_NOT_ALLOWED, "actor.name", "not the reviewer of this appeal");
    return 0;
}

/* The rows of this command that this actor can bring about in this stage differ in what follows only, which
 * the event tells: what they need beyond the first is checked with it. */
int intake_decide_check_stage(struct decide *d)
{
    const struct life_row *row = NULL;
    bool stage = false;
    while ((row = life_of_command(d->command->body_case, row)) != NULL) {
        if (row->tie == TIE_FOLLOWS || (row->from >> d->state->stage & 1) == 0) continue;
        stage = true;
        if ((row->who & d->who) != 0) return check_tie(d, row);
    }
    return stage ? refuse_actor(d) : intake_decide_refuse_stage(d);
}

int intake_decide_load_case(struct decide *d, uint64_t id)
{
    if (id == 0) return intake_decide_refuse(d, E_MISSING, intake_decide_field(d, "case_id"), NULL);
    int err = intake_case_get(d->view, id, d->ctx->arena, &d->state);
    if (err == E_NOMEM) return intake_decide_no_memory(d);
    if (err != 0)
        return intake_decide_refuse(d, E_UNKNOWN, intake_decide_field(d, "case_id"), "no such case");
    d->stage = d->state->stage;
    return 0;
}

static int check_case(struct decide *d)
{
    DECIDE_TRY(intake_decide_load_case(d, case_id_of(d->command)));
    DECIDE_TRY(intake_decide_version(d, d->state));
    return intake_decide_check_stage(d);
}

/* A handover or an 8D is no case: nothing of a case is checked. */
static int check_case_or_work(struct decide *d)
{
    uint64_t work_id = d->command->body_case == KESU__V1__COMMAND__BODY_FIRE_CLOCK
                           ? d->command->fire_clock->work_id
                           : d->command->record_delivery->work_id;
    if (work_id == 0) return check_case(d);
    if (case_id_of(d->command) == 0) return 0;
    return intake_decide_refuse(d, E_RANGE, intake_decide_field(d, "work_id"), "not with case_id");
}

static int decide(struct decide *d)
{
    unsigned command = (unsigned)d->command->body_case;
    const struct command_row *row = command < N_ROWS ? &table[command] : NULL;
    if (row == NULL || row->handle == NULL)
        return intake_decide_refuse(d, E_MISSING, "body", "a command this version knows");
    DECIDE_TRY(check_actor(d));
    if (row->who != 0 ? (row->who & d->who) == 0 : !life_allows(command, d->who)) return refuse_actor(d);
    if (row->subject == OF_CASE_OR_WORK) DECIDE_TRY(check_case_or_work(d));
    if (row->subject == OF_CASE) DECIDE_TRY(check_case(d));
    return row->handle(d);
}

/* Of the office, whoever it is: no ties. */
static size_t allowed_to_anybody(const Kesu__V1__CaseState *state, const struct decide_context *context,
                                 char ***ret)
{
    return intake_decide_allowed(state->stage, LIFE_PEOPLE, context->arena, ret);
}

size_t intake_decide_allowed_to(Kesu__V1__CaseState *state, const char *reader,
                                const struct decide_context *context, char ***ret)
{
    Kesu__V1__Actor actor = KESU__V1__ACTOR__INIT;
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    struct decision out = {0};
    struct decide d = {.command = &command, .ctx = context, .out = &out, .state = state};
    if (reader[0] == '\0') return allowed_to_anybody(state, context, ret);
    actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF;
    actor.name = (char *)(uintptr_t)reader;
    command.actor = &actor;
    char **allowed = arena_alloc(context->arena, sizeof(*allowed) * N_ROWS);
    bool is[N_ROWS];
    size_t n = 0;
    if (allowed == NULL || check_actor(&d) != 0) return 0;
    find_allowed(state->stage, d.who, is);
    for (unsigned i = 0; i < N_ROWS; i++) {
        command.body_case = (Kesu__V1__Command__BodyCase)i;
        if (is[i] && intake_decide_check_stage(&d) == 0)
            allowed[n++] = (char *)(uintptr_t)life_command_name(i);
    }
    *ret = allowed;
    return n;
}

void intake_decide(struct intake_register *view, const Kesu__V1__Command *command,
                   const struct decide_context *context, struct decision *ret)
{
    *ret = (struct decision){.room = DECIDE_EVENTS};
    ret->events = ret->first;
    kesu__v1__accepted__init(&ret->accepted);
    struct decide d = {.view = view, .command = command, .ctx = context, .out = ret};
    ret->err = decide(&d);
    if (ret->err != 0) {
        ret->n_events = 0;
        ret->new_keys = 0;
        return;
    }
    if (ret->n_events > 0) ret->accepted.seq = context->next_seq + ret->n_events - 1;
    if (ret->n_events == 1 && d.state != NULL && d.state->case_id == ret->events[0].event.case_id)
        ret->state = d.state;
}
