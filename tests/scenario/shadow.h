/* SPDX-License-Identifier: Apache-2.0 */
/* The register once more: folded from the journal the moment it is on disk, in
 * memory, apart from intake. The rules of the life are checked on it, people
 * look into it before they act, and at the end intake's own must be the same. */
#ifndef KESU_SCENARIO_SHADOW_H
#define KESU_SCENARIO_SHADOW_H

#include "../unit/life_desk.h"
#include "block.h"
#include "idset.h"

struct office;

enum shadow_list { SHADOW_CUSTOMERS, SHADOW_INCIDENTS, SHADOW_EIGHTDS, SHADOW_HANDOVERS, N_SHADOW_LISTS };
#define SHADOW_KINDS 160 /* numbers of commands and events are below */

struct shadow {
    struct life_desk desk; /* its register and policy, and room for one thing at a time */
    struct arena kept;     /* the policy */
    struct {
        uint64_t *ids;
        unsigned n;
    } lists[N_SHADOW_LISTS];
    struct idset answers;  /* case and answer: which members have it */
    struct idset reopened; /* case: when it was the last time */
    struct idset joined;   /* case: when it joined its incident */
    uint8_t last_command[16];
    uint64_t events[SHADOW_KINDS]; /* of each kind */
};

struct shadow *shadow_new(struct office *o, const char *policy_dir);
void shadow_free(struct shadow **p);
void shadow_block(struct office *o, struct span block, const struct block_head *head);
/* Is what this key seals for named people only? */
bool shadow_is_restricted(struct shadow *s, uint64_t key_id);
/* At the end: the register is as it should be, and each member of an incident has its answer. */
void shadow_check(struct office *o, const char *register_path);

#endif
