/* SPDX-License-Identifier: Apache-2.0 */
/* 8D, on a case or on an incident: opened by whom it concerns, planned by its
 * lead, a discipline recorded by who owns it, closed by a leader once D1 to D8
 * are done (D0, the emergency, is not always there). What a discipline says is
 * replaced as a whole each time it is recorded. The same cause again names the
 * 8D before. */
#include "decide_life.h"
#include "err.h"
#include "policy.h"

#define LAST_DISCIPLINE 8

static int load(struct decide *d, uint64_t id, Kesu__V1__EightDState **ret)
{
    if (id == 0) return intake_decide_refuse(d, E_MISSING, intake_decide_field(d, "eightd_id"), NULL);
    int err = intake_eightd_get(d->view, id, d->ctx->arena, ret);
    if (err == E_NOMEM) return intake_decide_no_memory(d);
    if (err != 0)
        return intake_decide_refuse(d, E_UNKNOWN, intake_decide_field(d, "eightd_id"), "no such 8D");
    if (d->command->expected_case == KESU__V1__COMMAND__EXPECTED_EXPECTED_VERSION &&
        d->command->expected_version != (*ret)->version) {
        intake_decide_refuse(d, E_STALE, "expected_version", NULL);
        d->out->refused.version = (*ret)->version;
        return E_STALE;
    }
    if ((*ret)->closed)
        return intake_decide_refuse(d, E_STAGE, intake_decide_field(d, "eightd_id"), "the 8D is closed");
    return 0;
}

static int check_staff(struct decide *d, const char *field, const char *id)
{
    return intake_decide_somebody(d, id, intake_decide_field(d, field), NULL);
}

static const Kesu__V1__DisciplineState *discipline_of(const Kesu__V1__EightDState *s, uint32_t number)
{
    for (size_t i = 0; i < s->n_disciplines; i++)
        if (s->disciplines[i]->discipline == number) return s->disciplines[i];
    return NULL;
}

/* The lead, who stands above them, and who owns the discipline when one is named. */
static int check_hand(struct decide *d, const Kesu__V1__EightDState *s, const char *owner)
{
    const char *me = d->command->actor->name;
    if (d->ctx->policy == NULL || policy_stands_above(d->ctx->policy, me, s->lead)) return 0;
    if (owner[0] != '\0' && strcmp(owner, me) == 0) return 0;
    return intake_decide_refuse(d, E_NOT_ALLOWED, "actor.name", "this is in somebody else's hands");
}

/* The newest 8D of this cause but itself; 0: none. */
static uint64_t earlier(struct decide *d, const char *cause_key, uint64_t itself)
{
    uint64_t id = 0;
    if (cause_key[0] == '\0') return 0;
    (void)intake_register_get_u64(d->view, TABLE_CAUSES, span_str(cause_key), &id);
    return id != itself ? id : 0;
}

/* ---- opened --------------------------------------------------------------- */

static int check_incident(struct decide *d, uint64_t id)
{
    Kesu__V1__IncidentState *incident;
    int err = intake_incident_get(d->view, id, d->ctx->arena, &incident);
    if (err == E_NOMEM) return intake_decide_no_memory(d);
    if (err != 0) return intake_decide_refuse(d, E_UNKNOWN, "open_eightd.incident_id", "no such incident");
    if (incident->closed)
        return intake_decide_refuse(d, E_STAGE, "open_eightd.incident_id", "the incident is closed");
    return 0;
}

int intake_decide_open_eightd(struct decide *d)
{
    const Kesu__V1__OpenEightD *c = d->command->open_eightd;
    if (c->case_id == 0 && c->incident_id == 0)
        return intake_decide_refuse(d, E_MISSING, "open_eightd.case_id", "this or incident_id");
    if (c->case_id != 0 && c->incident_id != 0)
        return intake_decide_refuse(d, E_RANGE, "open_eightd.incident_id", "not with case_id");
    if (c->case_id != 0) {
        DECIDE_TRY(intake_decide_load_case(d, c->case_id));
        DECIDE_TRY(intake_decide_version(d, d->state));
        DECIDE_TRY(intake_decide_check_stage(d));
    } else {
        DECIDE_TRY(check_incident(d, c->incident_id));
    }
    DECIDE_TRY(intake_decide_needs(d, "title lead"));
    DECIDE_TRY(check_staff(d, "lead", c->lead));
    if (d->state != NULL)
        DECIDE_TRY(
            intake_decide_recusal(d, d->state, policy_staff(d->ctx->policy, c->lead), "open_eightd.lead"));
    Kesu__V1__EightDOpened *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_EIGHTD_OPENED);
    if (body == NULL) return intake_decide_no_memory(d);
    body->eightd_id = d->ctx->next_seq;
    body->earlier_id = earlier(d, c->cause_key, 0);
    if (d->state != NULL) return intake_decide_event(d, KESU__V1__EVENT__BODY_EIGHTD_OPENED, body);
    intake_decide_add(d, KESU__V1__EVENT__BODY_EIGHTD_OPENED, body);
    return 0;
}

static int start(struct decide *d, struct decide_event *e, uint64_t id, uint32_t discipline, int64_t due_at)
{
    char *clock = intake_decide_discipline_clock(d, discipline);
    return clock != NULL ? intake_decide_work_due(d, e, id, clock, due_at) : intake_decide_no_memory(d);
}

static int stop(struct decide *d, struct decide_event *e, uint64_t id, uint32_t discipline)
{
    char *clock = intake_decide_discipline_clock(d, discipline);
    return clock != NULL ? intake_decide_work_over(d, e, id, clock) : intake_decide_no_memory(d);
}

/* ---- planned -------------------------------------------------------------- */

int intake_decide_plan_discipline(struct decide *d)
{
    const Kesu__V1__PlanDiscipline *c = d->command->plan_discipline;
    Kesu__V1__EightDState *s;
    DECIDE_TRY(load(d, c->eightd_id, &s));
    DECIDE_TRY(check_hand(d, s, ""));
    DECIDE_TRY(intake_decide_needs(d, "owner due_at"));
    DECIDE_TRY(check_staff(d, "owner", c->owner));
    if (c->due_at <= d->ctx->block_time)
        return intake_decide_refuse(d, E_RANGE, "plan_discipline.due_at", "it is over");
    Kesu__V1__DisciplinePlanned *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_DISCIPLINE_PLANNED);
    if (body == NULL) return intake_decide_no_memory(d);
    body->previous = s->last_seq;
    struct decide_event *e = intake_decide_add(d, KESU__V1__EVENT__BODY_DISCIPLINE_PLANNED, body);
    const Kesu__V1__DisciplineState *before = discipline_of(s, c->discipline);
    return before != NULL && before->done ? 0 : start(d, e, c->eightd_id, c->discipline, c->due_at);
}

/* ---- recorded ------------------------------------------------------------- */

/* What one discipline alone has. */
static int check_places(struct decide *d, const Kesu__V1__RecordDiscipline *c)
{
    const struct {
        const char *field;
        bool given;
        uint32_t discipline;
    } places[] = {
        {"team", c->n_team > 0, 1},
        {"is_is_not", c->n_is_is_not > 0, 2},
        {"causes", c->n_causes > 0, 4},
        {"cause_key", c->cause_key[0] != '\0', 4},
        {"options", c->n_options > 0, 5},
        {"measures", c->n_measures > 0, 6},
        {"read_across", c->n_read_across > 0, 7},
    };
    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (places[i].given && places[i].discipline != c->discipline)
            return intake_decide_refuse(d, E_RANGE, intake_decide_field(d, places[i].field),
                                        "not with this discipline");
    return 0;
}

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(word, *words) == 0) return true;
    return false;
}

static int check_causes(struct decide *d, const Kesu__V1__RecordDiscipline *c)
{
    static const char *const kinds[] = {"occurrence", "escape", NULL};
    static const char *const branches[] = {"man",         "machine",     "material", "method",
                                           "environment", "measurement", NULL};
    for (size_t i = 0; i < c->n_causes; i++) {
        const Kesu__V1__Cause *cause = c->causes[i];
        if (!is_one_of(cause->kind, kinds))
            return intake_decide_refuse(d, E_ENUM, "record_discipline.causes.kind", "occurrence or escape");
        if (!is_one_of(cause->branch, branches))
            return intake_decide_refuse(d, E_ENUM, "record_discipline.causes.branch",
                                        "man, machine, material, method, environment or measurement");
        DECIDE_TRY(intake_decide_needed(d, "record_discipline.causes.text", cause->text));
    }
    return 0;
}

static int check_content(struct decide *d, const Kesu__V1__RecordDiscipline *c)
{
    unsigned chosen = 0;
    DECIDE_TRY(check_places(d, c));
    DECIDE_TRY(check_causes(d, c));
    for (size_t i = 0; i < c->n_team; i++) DECIDE_TRY(check_staff(d, "team", c->team[i]));
    for (size_t i = 0; i < c->n_options; i++) chosen += c->options[i]->chosen ? 1 : 0;
    if (chosen > 1)
        return intake_decide_refuse(d, E_RANGE, "record_discipline.options.chosen", "one of them at most");
    for (size_t i = 0; i < c->n_measures; i++) {
        DECIDE_TRY(intake_decide_needed(d, "record_discipline.measures.name", c->measures[i]->name));
        DECIDE_TRY(intake_decide_needed(d, "record_discipline.measures.unit", c->measures[i]->unit));
    }
    return 0;
}

static int missing(struct decide *d, const char *field, const char *reason)
{
    return intake_decide_refuse(d, E_MISSING, intake_decide_field(d, field), reason);
}

/* What has to stand there before a discipline is called done. */
static int check_done(struct decide *d, const Kesu__V1__EightDState *s, const Kesu__V1__RecordDiscipline *c)
{
    bool occurrence = false, escape = false, chosen = false;
    for (size_t i = 0; i < c->n_causes; i++) {
        occurrence = occurrence || strcmp(c->causes[i]->kind, "occurrence") == 0;
        escape = escape || strcmp(c->causes[i]->kind, "escape") == 0;
    }
    for (size_t i = 0; i < c->n_options; i++) chosen = chosen || c->options[i]->chosen;
    switch (c->discipline) {
    case 1:
        return c->n_team > 0 ? 0 : missing(d, "team", NULL);
    case 2:
        return c->n_is_is_not > 0 ? 0 : missing(d, "is_is_not", NULL);
    case 4:
        if (!occurrence || !escape)
            return missing(d, "causes", "why it occurred, and why it was not found in time");
        return c->cause_key[0] != '\0' || s->cause_key[0] != '\0' ? 0 : missing(d, "cause_key", NULL);
    case 5:
        return chosen ? 0 : missing(d, "options", "with the one that was chosen");
    case 6:
        return c->n_measures > 0 ? 0 : missing(d, "measures", "before and after");
    case 7:
        return c->n_read_across > 0 || c->text[0] != '\0' ? 0 : missing(d, "read_across", NULL);
    default:
        return c->text[0] != '\0' ? 0 : missing(d, "text", NULL);
    }
}

int intake_decide_discipline(struct decide *d)
{
    const Kesu__V1__RecordDiscipline *c = d->command->record_discipline;
    Kesu__V1__EightDState *s;
    DECIDE_TRY(load(d, c->eightd_id, &s));
    const Kesu__V1__DisciplineState *planned = discipline_of(s, c->discipline);
    DECIDE_TRY(check_hand(d, s, planned != NULL ? planned->owner : ""));
    DECIDE_TRY(check_content(d, c));
    if (c->done) DECIDE_TRY(check_done(d, s, c));
    bool named = c->cause_key[0] != '\0' && s->cause_key[0] == '\0';
    if (c->cause_key[0] != '\0' && !named && strcmp(c->cause_key, s->cause_key) != 0)
        return intake_decide_refuse(d, E_EXISTS, "record_discipline.cause_key", "the cause has its name");
    Kesu__V1__DisciplineRecorded *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_DISCIPLINE_RECORDED);
    if (body == NULL) return intake_decide_no_memory(d);
    body->previous = s->last_seq;
    body->earlier_id = named ? earlier(d, c->cause_key, s->eightd_id) : 0;
    struct decide_event *e = intake_decide_add(d, KESU__V1__EVENT__BODY_DISCIPLINE_RECORDED, body);
    if (planned == NULL || planned->due_at == 0 || (planned->done != 0) == (c->done != 0)) return 0;
    return c->done ? stop(d, e, c->eightd_id, c->discipline)
                   : start(d, e, c->eightd_id, c->discipline, planned->due_at);
}

/* ---- closed --------------------------------------------------------------- */

static int check_all_done(struct decide *d, const Kesu__V1__EightDState *s)
{
    char *open = arena_strdup(d->ctx->arena, "");
    for (uint32_t i = 1; i <= LAST_DISCIPLINE && open != NULL; i++) {
        const Kesu__V1__DisciplineState *one = discipline_of(s, i);
        if (one != NULL && one->done) continue;
        open = arena_printf(d->ctx->arena, "%s%sD%u", open, open[0] != '\0' ? ", " : "not done: ", i);
    }
    if (open == NULL) return intake_decide_no_memory(d);
    return open[0] == '\0' ? 0 : intake_decide_refuse(d, E_OPEN_WORK, "close_eightd.eightd_id", open);
}

int intake_decide_close_eightd(struct decide *d)
{
    const Kesu__V1__CloseEightD *c = d->command->close_eightd;
    Kesu__V1__EightDState *s;
    DECIDE_TRY(load(d, c->eightd_id, &s));
    if (s->case_id != 0) {
        DECIDE_TRY(intake_decide_load_case(d, s->case_id));
        DECIDE_TRY(intake_decide_check_stage(d));
    }
    DECIDE_TRY(intake_decide_needs(d, "reason"));
    DECIDE_TRY(check_all_done(d, s));
    Kesu__V1__EightDClosed *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_EIGHTD_CLOSED);
    if (body == NULL) return intake_decide_no_memory(d);
    body->previous = s->last_seq;
    if (d->state != NULL)
        DECIDE_TRY(intake_decide_event(d, KESU__V1__EVENT__BODY_EIGHTD_CLOSED, body));
    else
        intake_decide_add(d, KESU__V1__EVENT__BODY_EIGHTD_CLOSED, body);
    /* D0 may be planned and never done. */
    for (size_t i = 0; i < s->n_disciplines; i++)
        if (!s->disciplines[i]->done && s->disciplines[i]->due_at != 0)
            DECIDE_TRY(stop(d, intake_decide_last(d), s->eightd_id, s->disciplines[i]->discipline));
    return 0;
}
