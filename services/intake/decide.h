/* SPDX-License-Identifier: Apache-2.0 */
/* What a command means: events, or a refusal. Pure: the view, the command and
 * the context are all it knows; nothing is written, sealed or sent here. Which
 * command is possible in which stage, and where it leads: common/life.c. */
#ifndef INTAKE_DECIDE_H
#define INTAKE_DECIDE_H

#include "cases.h"
#include "codec.h"
#include "life.h"
#include "register.h"
#include "secrets.h"

#define DECIDE_EVENTS     4  /* of most commands */
#define DECIDE_MAX_EVENTS 72 /* of one that asks for room */

struct decide_context {
    int64_t block_time;             /* the only legal time */
    uint64_t next_seq;              /* of the first event */
    uint64_t next_key_id;           /* of the first new key */
    const Kesu__V1__Policy *policy; /* NULL: none active */
    const uint8_t *policy_hash;     /* 32 bytes */
    unsigned yymm;                  /* of block_time in the office's time zone; 0: no policy */
    const struct intake_secrets *secrets;
    bool storage_low;
    bool clock_alarm;
    const char *client;
    struct arena *arena;
    /* The bytes of a policy whose parts all came; SPAN_NONE when they did not. */
    struct span (*policy_bytes)(void *self, struct span hash, uint32_t *ret_parts, uint64_t *ret_first_seq);
    void *self;
};

struct decide_event {
    Kesu__V1__Event event;
    /* To be sealed with this key into *sealed before the event is encoded; NULL: nothing is. */
    const void *plain;
    Kesu__V1__Sealed *sealed;
    uint64_t key_id;
    const char *department; /* of the case, for hints; may be "" */
    struct span bytes;      /* once it is sealed: the encoded event, in the arena */
};

struct decision {
    int err; /* 0, or why it was refused: then refused says the rest */
    Kesu__V1__Refused refused;
    unsigned n_events, room;
    struct decide_event *events; /* first, or from the arena */
    struct decide_event first[DECIDE_EVENTS];
    unsigned new_keys;          /* used from next_key_id on */
    Kesu__V1__CaseState *state; /* of one event: its case before it, for intake_evolve_decided; or NULL */
    Kesu__V1__Accepted accepted;
};

/* Fills *ret, which stays where it is; its parts live in the context's arena. */
void intake_decide(struct intake_register *view, const Kesu__V1__Command *command,
                   const struct decide_context *context, struct decision *ret);

/* Names of the commands that touch a case and are possible in this stage for
 * somebody of these roles (LIFE_...). From the arena. */
size_t intake_decide_allowed(Kesu__V1__Stage stage, uint32_t who, struct arena *arena, char ***ret);

/* The same of this case for one of staff: by role, tie and recusal; reader "": for anybody of the office. */
size_t intake_decide_allowed_to(Kesu__V1__CaseState *state, const char *reader,
                                const struct decide_context *context, char ***ret);

/* Name of an error code on the wire, and how a client should take it. */
void intake_refused_set(Kesu__V1__Refused *ret, int err, const char *field, const char *reason);

#endif
