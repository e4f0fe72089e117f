/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files decide_*.c only. */
#ifndef INTAKE_DECIDE_INTERNAL_H
#define INTAKE_DECIDE_INTERNAL_H

#include "decide.h"

struct decide {
    struct intake_register *view;
    const Kesu__V1__Command *command;
    const struct decide_context *ctx;
    struct decision *out;
    Kesu__V1__CaseState *state;    /* of the case touched by id, or NULL */
    const Kesu__V1__Staff *staff;  /* who acts, when it is staff and there is a policy */
    const Kesu__V1__Staff *behalf; /* for whom, by a delegation, or NULL */
    uint32_t who;                  /* the bits of life.h, of both */
    Kesu__V1__Stage stage;         /* of the case, after the events so far */
};

/* Each returns 0, or the refusal it has written. */
typedef int (*decide_handler)(struct decide *d);

int intake_decide_refuse(struct decide *d, int err, const char *field, const char *reason);
/* The next event, its actor, command and case filled in. body: its zeroed and initialised body. */
struct decide_event *intake_decide_add(struct decide *d, Kesu__V1__Event__BodyCase type, void *body);
/* For so many events more; without it there is room for DECIDE_EVENTS. Events added before may move. */
int intake_decide_reserve(struct decide *d, size_t n);
/* The same for another case; NULL: for none. A command may add several events to a case. */
struct decide_event *intake_decide_add_to(struct decide *d, const Kesu__V1__CaseState *state,
                                          Kesu__V1__Event__BodyCase type, void *body);
/* "review_case.reason" when the command is a ReviewCase. */
char *intake_decide_field(struct decide *d, const char *field);
/* From the arena, initialised. Out of memory is a refusal E_TOO_BIG: returns NULL. */
void *intake_decide_new(struct decide *d, const ProtobufCMessageDescriptor *descriptor);
int intake_decide_no_memory(struct decide *d);
/* E_MISSING when it is empty. (How long it may be, the codec has checked.) */
int intake_decide_needed(struct decide *d, const char *field, const char *text);
void intake_decide_seal(struct decide_event *e, const void *plain, Kesu__V1__Sealed *sealed, uint64_t key_id);
/* Of the policy in force, and not gone: E_NO_POLICY, E_UNKNOWN, E_NOT_ALLOWED. ret may be NULL. */
int intake_decide_somebody(struct decide *d, const char *id, const char *field, const Kesu__V1__Staff **ret);
/* Is who acts, or for whom they do, this one or above them? Always, when it is not staff. Whoever leads
 * stands above who has left. */
bool intake_decide_stands_above(const struct decide *d, const char *whom);
/* E_STALE when the command expects another version than this case has. */
int intake_decide_version(struct decide *d, const Kesu__V1__CaseState *state);
/* May this staff member act for the case: they have it, or stand above who has it. */
int intake_decide_owner(struct decide *d);

/* The case a command touches: d->state and d->stage. */
int intake_decide_load_case(struct decide *d, uint64_t id);
/* Is the command possible for this actor, in this stage of that case, by the table of life? */
int intake_decide_check_stage(struct decide *d);

/* E_RECUSED when this person is accused in the case or reports to who is. staff may be NULL. */
int intake_decide_recusal(struct decide *d, const Kesu__V1__CaseState *state, const Kesu__V1__Staff *staff,
                          const char *field);
/* Who leads this person, or the department when they are nobody: the first up the chain of command who is
 * here and not recused. */
const Kesu__V1__Staff *intake_decide_leader(const struct decide *d, const char *who, const char *department,
                                            char *const *accused, size_t n);
/* E_ABSENT or E_CAPACITY when this agent takes no further case now. */
int intake_decide_room(struct decide *d, char *id, const char *field);
/* E_OPEN_WORK when a sub-task is open: neither answered nor waived. */
int intake_decide_tasks_over(struct decide *d, const char *field);
/* The event added last. */
struct decide_event *intake_decide_last(struct decide *d);

/* decide_life.c */
/* E_MISSING for the first of these fields of the command, with spaces between, that is empty. Words are
 * given when they have text or a file. */
int intake_decide_needs(struct decide *d, const char *fields);
/* A new body of this event with what the command says under the same names; words still to be sealed. */
void *intake_decide_copy(struct decide *d, Kesu__V1__Event__BodyCase type);
/* Adds the event to the case, seals the command's words into it, and moves clocks by the row of the table
 * that it is; E_STAGE when there is none. */
int intake_decide_event(struct decide *d, Kesu__V1__Event__BodyCase type, void *body);
/* The same for what follows from the command without being what it says: no word of it is sealed. */
int intake_decide_follow(struct decide *d, Kesu__V1__Event__BodyCase type, void *body);
/* The key by which words are sealed now. */
uint64_t intake_decide_key(const Kesu__V1__CaseState *state);
int intake_decide_refuse_stage(struct decide *d);
/* Both: an event that says what the command said. */
int intake_decide_plain(struct decide *d, Kesu__V1__Event__BodyCase type);

/* decide_clock.c: what these moments start and stop of the policy's clocks; entering a stage that is not open
 * stops all. since: when a clock that starts has started. */
int intake_decide_moments(struct decide *d, struct decide_event *e, const char *moments, int64_t since);
int intake_decide_stop_all(struct decide *d, struct decide_event *e);
/* The clocks of sub-tasks, "department_task#3"; how a sub-task ends does not matter. */
int intake_decide_start_task_clocks(struct decide *d, struct decide_event *e, uint32_t task);
int intake_decide_stop_task_clocks(struct decide *d, struct decide_event *e, uint32_t task);
/* A clock of no policy, which only breaches; and its end. clock: a literal. */
int intake_decide_wait(struct decide *d, struct decide_event *e, const char *clock, int64_t until);
int intake_decide_wait_over(struct decide *d, struct decide_event *e, const char *clock);
int intake_decide_start_clocks(struct decide *d, struct decide_event *e, int64_t received_at);
/* Clocks that were stopped go on as they stood, with what they had fired. */
int intake_decide_restart(struct decide *d, struct decide_event *e, char **clocks, size_t n);
/* Of a handover or an 8D, which have no case. A clock that has been there before is replaced. */
int intake_decide_work_due(struct decide *d, struct decide_event *e, uint64_t work_id, char *clock,
                           int64_t due_at);
int intake_decide_work_over(struct decide *d, struct decide_event *e, uint64_t work_id, char *clock);
/* May this step of a clock that runs fire now? */
int intake_decide_step_due(struct decide *d, const Kesu__V1__FireClock *c, const Kesu__V1__ClockState *now);
int intake_decide_move_clocks(struct decide *d, struct decide_event *e, Kesu__V1__Severity severity);

/* decide_receive.c: the next number, and the tag of replies that names it. */
int intake_decide_number(struct decide *d, Kesu__V1__CaseOpened *body);
/* Keyed hashes of the names of these files. */
int intake_decide_hash_files(struct decide *d, Kesu__V1__Attachment *const *files, size_t n,
                             ProtobufCBinaryData **ret);

int intake_decide_receive(struct decide *d);
int intake_decide_classify(struct decide *d);
int intake_decide_assign(struct decide *d);
int intake_decide_start_work(struct decide *d);
int intake_decide_note(struct decide *d);
int intake_decide_resolve(struct decide *d);
int intake_decide_close(struct decide *d);
int intake_decide_presence(struct decide *d);
int intake_decide_fire(struct decide *d);
int intake_decide_delivery(struct decide *d);
int intake_decide_policy_part(struct decide *d);
int intake_decide_policy(struct decide *d);
int intake_decide_skip(struct decide *d);
int intake_decide_accept_clock(struct decide *d);
int intake_decide_erase(struct decide *d);

#define DECIDE_TRY(x)                     \
    do {                                  \
        int try_err = (x);                \
        if (try_err != 0) return try_err; \
    } while (0)

#endif
