/* SPDX-License-Identifier: Apache-2.0 */
/* The auditor: folds the journal on its own, as simply as it can be said, and
 * says what is broken. It shares no code with the services. */
#ifndef KESU_SCENARIO_AUDIT_H
#define KESU_SCENARIO_AUDIT_H

#include "audit_rows.h"
#include "block.h"
#include "idset.h"

struct audit {
    struct audit_event *events; /* [seq - 1] */
    uint64_t n_events;
    struct audit_case *cases;
    unsigned n_cases;
    struct audit_case *works; /* handovers and 8Ds: their clocks, under their own ids */
    unsigned n_works;
    struct audit_block *blocks;
    unsigned n_blocks;
    struct idset commands;                 /* ids in the journal: first seq */
    struct idset expected, expected_cases; /* versions that commands were made for, and whose */
    uint8_t checked_command[16];
    struct idset externals; /* messages of the channels: seq */
    struct audit_agent agents[16];
    unsigned n_agents;
    struct audit_erasure *erasures;
    unsigned n_erasures;
    struct audit_delivery *deliveries;
    unsigned n_deliveries;
    struct audit_notice *notices;
    unsigned n_notices, n_told; /* those before n_told are settled */
    struct idset outcomes;      /* message ids: place among the deliveries, from 1 */
    struct idset settled;       /* cause and kind of deliveries: the same */
    struct audit_counts counts;
    uint8_t hash[HASH_BYTES]; /* of the last block */
    int64_t time_us;
    char month[8]; /* of the newest case: YYMM- */
    unsigned long serial;
    unsigned policies; /* put into force */
    int64_t now_us;    /* of the world, when a block is read */
    char broken[400];  /* the first thing that was; empty: none */
};

void audit_init(struct audit *a);
void audit_deinit(struct audit *a);
void audit_block(struct audit *a, struct span block, const struct block_head *head);
/* The block that begins with seq; NULL: none does. */
const struct audit_block *audit_find_block(const struct audit *a, uint64_t first_seq);
/* Of a delivery's message id, or of what it tells; NULL: the journal has no outcome yet. */
const struct audit_delivery *audit_outcome(const struct audit *a, const char *message_id);
bool audit_is_settled(const struct audit *a, uint64_t cause_seq, const char *kind);
const struct audit_notice *audit_untold(struct audit *a); /* the oldest without an outcome; NULL: none */
/* A handover or an 8D. */
struct audit_case *audit_work(struct audit *a, uint64_t work_id);
struct audit_case *audit_find(struct audit *a, uint64_t case_id);
void audit_broken(struct audit *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
