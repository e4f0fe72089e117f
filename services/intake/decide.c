/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands, and what is the same for all: who acts, which case,
 * which version, which stage. The rest is a handler a command. */
#include "decide_internal.h"

#include <stddef.h>

#include "check.h"
#include "err.h"
#include "policy.h"

#define ACTOR(name)  (1u << KESU__V1__ACTOR_KIND__ACTOR_KIND_##name)
#define STAGE(name)  (1u << KESU__V1__STAGE__STAGE_##name)
#define ANY_ACTOR    (ACTOR(CUSTOMER) | ACTOR(STAFF) | ACTOR(SERVICE) | ACTOR(OPERATOR))
#define OFFICE       (ACTOR(STAFF) | ACTOR(SERVICE) | ACTOR(OPERATOR))
#define PEOPLE       (ACTOR(STAFF) | ACTOR(OPERATOR))
#define UNTIL_SOLVED (STAGE(RECEIVED) | STAGE(TRIAGED) | STAGE(ASSIGNED) | STAGE(IN_PROGRESS))
#define ANY_STAGE    (UNTIL_SOLVED | STAGE(RESOLVED) | STAGE(CLOSED))

struct command_row {
    struct decide_rule rule;
    decide_handler handle;
    const char *case_field; /* path of case_id in the command, NULL: none */
};

#define ROW(upper, lower, actors, stages, handler, field)                                 \
    {                                                                                     \
        {#lower, KESU__V1__COMMAND__BODY_##upper, (actors), (stages)}, (handler), (field) \
    }
#define CASE_ROW(upper, lower, actors, stages, handler) \
    ROW(upper, lower, actors, stages, handler, #lower ".case_id")

static const struct command_row table[] = {
    ROW(RECEIVE_MESSAGE, receive_message, ANY_ACTOR, 0, intake_decide_receive, NULL),
    CASE_ROW(CLASSIFY_CASE, classify_case, OFFICE, UNTIL_SOLVED, intake_decide_classify),
    CASE_ROW(ASSIGN_CASE, assign_case, OFFICE, UNTIL_SOLVED & ~STAGE(RECEIVED), intake_decide_assign),
    CASE_ROW(START_WORK, start_work, PEOPLE, STAGE(ASSIGNED), intake_decide_start_work),
    CASE_ROW(ADD_NOTE, add_note, OFFICE, ANY_STAGE, intake_decide_note),
    CASE_ROW(RESOLVE_CASE, resolve_case, PEOPLE, STAGE(ASSIGNED) | STAGE(IN_PROGRESS), intake_decide_resolve),
    CASE_ROW(CLOSE_CASE, close_case, PEOPLE, STAGE(RESOLVED), intake_decide_close),
    ROW(SET_PRESENCE, set_presence, PEOPLE, 0, intake_decide_presence, NULL),
    CASE_ROW(FIRE_CLOCK, fire_clock, ACTOR(SERVICE), ANY_STAGE, intake_decide_fire),
    CASE_ROW(RECORD_DELIVERY, record_delivery, ACTOR(SERVICE), ANY_STAGE, intake_decide_delivery),
    ROW(STORE_POLICY_PART, store_policy_part, ACTOR(OPERATOR), 0, intake_decide_policy_part, NULL),
    ROW(ACTIVATE_POLICY, activate_policy, ACTOR(OPERATOR), 0, intake_decide_policy, NULL),
    ROW(SKIP_EVENT, skip_event, ACTOR(OPERATOR), 0, intake_decide_skip, NULL),
    ROW(ACCEPT_CLOCK, accept_clock, ACTOR(OPERATOR), 0, intake_decide_accept_clock, NULL),
    ROW(ERASE_CUSTOMER, erase_customer, ACTOR(OPERATOR), 0, intake_decide_erase, NULL),
};
#define N_ROWS (sizeof(table) / sizeof(table[0]))

const struct decide_rule *intake_decide_rule(unsigned i)
{
    return i < N_ROWS ? &table[i].rule : NULL;
}

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

struct decide_event *intake_decide_add(struct decide *d, Kesu__V1__Event__BodyCase type, void *body)
{
    CHECK(d->out->n_events < DECIDE_MAX_EVENTS);
    struct decide_event *e = &d->out->events[d->out->n_events++];
    *e = (struct decide_event){.department = d->state != NULL ? d->state->department : ""};
    kesu__v1__event__init(&e->event);
    e->event.command_id = d->command->id;
    e->event.client = (char *)(uintptr_t)d->ctx->client;
    e->event.actor = d->command->actor;
    e->event.body_case = type;
    e->event.case_opened = body; /* every member of the union is one pointer */
    if (d->state != NULL) {
        e->event.case_id = d->state->case_id;
        e->event.version = d->state->version + 1;
        e->event.previous_seq = d->state->last_seq;
        d->out->accepted.case_id = d->state->case_id;
        d->out->accepted.version = e->event.version;
        d->out->accepted.number = d->state->number;
    }
    return e;
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

const Kesu__V1__Staff *intake_decide_actor_staff(const struct decide *d)
{
    return d->ctx->policy != NULL ? policy_staff(d->ctx->policy, d->command->actor->name) : NULL;
}

int intake_decide_owner(struct decide *d)
{
    const Kesu__V1__Policy *policy = d->ctx->policy;
    if (d->command->actor->kind != KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF || policy == NULL) return 0;
    const char *name = d->command->actor->name;
    const Kesu__V1__Staff *who = policy_staff(policy, d->state->agent);
    for (unsigned depth = 0; who != NULL && depth < 16; depth++) {
        if (strcmp(who->id, name) == 0) return 0;
        who = who->manager[0] != '\0' ? policy_staff(policy, who->manager) : NULL;
    }
    if (strcmp(d->state->agent, name) == 0) return 0;
    return intake_decide_refuse(d, E_NOT_ALLOWED, "actor.name", "the case belongs to somebody else");
}

int intake_decide_version(struct decide *d, const Kesu__V1__CaseState *state)
{
    if (d->command->expected_case != KESU__V1__COMMAND__EXPECTED_EXPECTED_VERSION ||
        d->command->expected_version == state->version)
        return 0;
    intake_decide_refuse(d, E_STALE, "expected_version", NULL);
    d->out->refused.version = state->version;
    return E_STALE;
}

/* ---- the same for all commands ------------------------------------------ */

static int check_actor(struct decide *d, const struct command_row *row)
{
    const Kesu__V1__Actor *actor = d->command->actor;
    if (actor == NULL) return intake_decide_refuse(d, E_MISSING, "actor", NULL);
    if (actor->kind == KESU__V1__ACTOR_KIND__ACTOR_KIND_UNSPECIFIED)
        return intake_decide_refuse(d, E_MISSING, "actor.kind", NULL);
    if ((row->rule.actors & (1u << actor->kind)) == 0)
        return intake_decide_refuse(d, E_NOT_ALLOWED, "actor.kind", NULL);
    if (actor->kind == KESU__V1__ACTOR_KIND__ACTOR_KIND_CUSTOMER) return 0;
    DECIDE_TRY(intake_decide_needed(d, "actor.name", actor->name));
    if (actor->kind == KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF && d->ctx->policy != NULL &&
        intake_decide_actor_staff(d) == NULL)
        return intake_decide_refuse(d, E_UNKNOWN, "actor.name", "no such person in the policy in force");
    return 0;
}

static int refuse_stage(struct decide *d, const struct command_row *row)
{
    char **allowed = arena_alloc(d->ctx->arena, sizeof(*allowed) * N_ROWS);
    if (allowed == NULL) return intake_decide_no_memory(d);
    intake_decide_refuse(d, E_STAGE, row->case_field, NULL);
    d->out->refused.allowed = allowed;
    for (unsigned i = 0; i < N_ROWS; i++)
        if (table[i].rule.stages & (1u << d->state->stage))
            allowed[d->out->refused.n_allowed++] = (char *)(uintptr_t)table[i].rule.command;
    return E_STAGE;
}

/* Every body that touches a case has case_id first. */
static uint64_t case_id_of(const Kesu__V1__Command *command)
{
    _Static_assert(offsetof(Kesu__V1__ClassifyCase, case_id) == sizeof(ProtobufCMessage) &&
                       offsetof(Kesu__V1__AssignCase, case_id) == sizeof(ProtobufCMessage) &&
                       offsetof(Kesu__V1__FireClock, case_id) == sizeof(ProtobufCMessage) &&
                       offsetof(Kesu__V1__RecordDelivery, case_id) == sizeof(ProtobufCMessage) &&
                       offsetof(Kesu__V1__CloseCase, case_id) == sizeof(ProtobufCMessage),
                   "case_id is the first field");
    return command->start_work->case_id;
}

static int check_case(struct decide *d, const struct command_row *row)
{
    uint64_t id = case_id_of(d->command);
    if (id == 0) return intake_decide_refuse(d, E_MISSING, row->case_field, NULL);
    int err = intake_case_get(d->view, id, d->ctx->arena, &d->state);
    if (err == E_NOMEM) return intake_decide_no_memory(d);
    if (err != 0) return intake_decide_refuse(d, E_UNKNOWN, row->case_field, "no such case");
    DECIDE_TRY(intake_decide_version(d, d->state));
    if ((row->rule.stages & (1u << d->state->stage)) == 0) return refuse_stage(d, row);
    return 0;
}

static const struct command_row *find_row(unsigned body)
{
    for (unsigned i = 0; i < N_ROWS; i++)
        if (table[i].rule.body == body) return &table[i];
    return NULL;
}

static int decide(struct decide *d)
{
    const struct command_row *row = find_row((unsigned)d->command->body_case);
    if (row == NULL) return intake_decide_refuse(d, E_MISSING, "body", "a command this version knows");
    DECIDE_TRY(check_actor(d, row));
    if (row->case_field != NULL) DECIDE_TRY(check_case(d, row));
    return row->handle(d);
}

void intake_decide(struct intake_register *view, const Kesu__V1__Command *command,
                   const struct decide_context *context, struct decision *ret)
{
    *ret = (struct decision){0};
    kesu__v1__accepted__init(&ret->accepted);
    struct decide d = {view, command, context, ret, NULL};
    ret->err = decide(&d);
    if (ret->err != 0) {
        ret->n_events = 0;
        ret->new_keys = 0;
        return;
    }
    if (ret->n_events > 0) ret->accepted.seq = context->next_seq + ret->n_events - 1;
}
