/* SPDX-License-Identifier: Apache-2.0 */
/* The policy in force, and the parts of those still being sent. */
#ifndef INTAKE_POLICY_PARTS_H
#define INTAKE_POLICY_PARTS_H

#include "codec.h"
#include "journal.h"
#include "register.h"

#define POLICY_MAX_PARTS 64

struct intake_policy {
    struct env *env;
    struct intake_register *reg;
    struct journal *journal;
    const char *copy_path; /* borrowed: a file for what is in force, NULL: none */
    struct arena arena;
    const Kesu__V1__Policy *active; /* NULL before the first */
    uint8_t hash[32];
    struct upload { /* parts that may not be durable yet */
        uint8_t hash[32];
        uint32_t count;
        struct buf *parts[POLICY_MAX_PARTS];
        uint64_t seqs[POLICY_MAX_PARTS];
    } upload;
    struct buf *whole; /* what intake_policy_bytes gave last */
};

void intake_policy_init(struct intake_policy *p, struct env *env, struct intake_register *reg,
                        struct journal *journal, const char *copy_path);
void intake_policy_deinit(struct intake_policy *p);
/* After evolve of each event: keeps parts, takes an activated policy into force. */
int intake_policy_on_event(struct intake_policy *p, const Kesu__V1__Event *event, uint64_t seq);
/* What the register says is in force, from its copy or the journal: at start. */
int intake_policy_load(struct intake_policy *p);
/* For decide_context.policy_bytes; self is a struct intake_policy. Valid until the next call. */
struct span intake_policy_bytes(void *self, struct span hash, uint32_t *ret_parts, uint64_t *ret_first_seq);

/* An event of the journal, from the arena. E_NOT_FOUND, E_CORRUPT, ... */
int intake_read_event(struct journal *j, uint64_t seq, struct arena *arena, Kesu__V1__Event **ret,
                      int64_t *ret_block_time, struct span *ret_bytes);

#endif
