/* SPDX-License-Identifier: Apache-2.0 */
/* What the auditor remembers of cases, agents, deliveries. */
#ifndef KESU_SCENARIO_AUDIT_ROWS_H
#define KESU_SCENARIO_AUDIT_ROWS_H

#include "block.h"
#include "codec.h"

#define AUDIT_ID     72
#define AUDIT_CLOCKS 32
#define AUDIT_STEPS  12

struct audit_clock {
    char name[AUDIT_ID];
    bool running;
    int64_t warn_at, due_at;
    unsigned n_levels;
    int64_t escalate_at[8];
    struct {
        int step;
        unsigned level;
    } fired[AUDIT_STEPS];
    unsigned n_fired;
};

struct audit_case {
    uint64_t id, version, last_seq;
    char number[32];
    Kesu__V1__Stage stage, stage_before;
    char agent[AUDIT_ID], department[AUDIT_ID], category[AUDIT_ID];
    Kesu__V1__Severity severity;
    Kesu__V1__Channel channel;
    bool classified, fallback, judged_by_person;
    bool was_assigned, was_resolved, was_closed, sensitive, absorbed;
    char counted_category[AUDIT_ID], counted_department[AUDIT_ID]; /* at its first end */
    Kesu__V1__Severity counted_severity;
    int64_t received_at;
    uint64_t erased_seq; /* 0: it was not */
    unsigned messages;
    struct audit_clock clocks[AUDIT_CLOCKS];
    unsigned n_clocks;
};

struct audit_event {
    uint16_t type;
    uint64_t case_id;
    int64_t time_us;
    uint8_t command_id[16];
};

struct audit_block {
    uint64_t first_seq;
    uint8_t hash[HASH_BYTES];
};

struct audit_erasure {
    uint64_t seq;
    uint64_t *key_ids;
    unsigned n_keys;
};

struct audit_agent {
    char name[AUDIT_ID];
    bool known, present; /* known: has ever said so */
    unsigned capacity, open;
};

/* One DeliveryRecorded. */
struct audit_delivery {
    uint64_t case_id, cause_seq;
    char kind[AUDIT_ID];
    unsigned target, attempts;
    int64_t seen_us; /* by the auditor */
    Kesu__V1__DeliveryOutcome outcome;
    char transport[16], message_id[320];
};

/* Somebody must be told of it: an outcome will say so. */
struct audit_notice {
    uint64_t seq;
    const char *kind;
};

struct audit_counts { /* of cases: classified, assigned ... before they first ended; of events: the others */
    uint64_t opened, joined, classified, assigned, resolved, closed, breached, delivered, fallback;
};

#endif
