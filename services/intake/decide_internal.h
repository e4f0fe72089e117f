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
    Kesu__V1__CaseState *state; /* of the case touched by id, or NULL */
};

/* Each returns 0, or the refusal it has written. */
typedef int (*decide_handler)(struct decide *d);

int intake_decide_refuse(struct decide *d, int err, const char *field, const char *reason);
/* The next event, its actor, command and case filled in. body: its zeroed and initialised body. */
struct decide_event *intake_decide_add(struct decide *d, Kesu__V1__Event__BodyCase type, void *body);
/* From the arena, initialised. Out of memory is a refusal E_TOO_BIG: returns NULL. */
void *intake_decide_new(struct decide *d, const ProtobufCMessageDescriptor *descriptor);
int intake_decide_no_memory(struct decide *d);
/* E_MISSING when it is empty. (How long it may be, the codec has checked.) */
int intake_decide_needed(struct decide *d, const char *field, const char *text);
void intake_decide_seal(struct decide_event *e, const void *plain, Kesu__V1__Sealed *sealed, uint64_t key_id);
const Kesu__V1__Staff *intake_decide_actor_staff(const struct decide *d);
/* E_STALE when the command expects another version than this case has. */
int intake_decide_version(struct decide *d, const Kesu__V1__CaseState *state);
/* May this staff member act for the case: they have it, or stand above who has it. */
int intake_decide_owner(struct decide *d);

/* Clocks of the policy that stop at any of the stops (NULL-ended). */
int intake_decide_stop_clocks(struct decide *d, struct decide_event *e, const char *const *stops);
int intake_decide_start_clocks(struct decide *d, struct decide_event *e, int64_t received_at);
int intake_decide_move_clocks(struct decide *d, struct decide_event *e, Kesu__V1__Severity severity);

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
