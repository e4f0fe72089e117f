/* SPDX-License-Identifier: Apache-2.0 */
/* Which identities of customers are one person, as a fold learns it from
 * merges and their undoing.
 *
 * A customer id is an identity; merged into another it means that one, and the
 * identities of a person form a tree whose root names them. Only those that
 * are tied are kept: in memory, and a row each in a table of the fold
 * (identity -> the one it means), from which memory is made again. */
#ifndef KESU_IDENTITIES_H
#define KESU_IDENTITIES_H

#include "fold.h"
#include "map.h"

#define IDENTITIES_MAX 32 /* of a person */

struct identities {
    struct mem *mem;
    struct map map;
};

void identities_init(struct identities *x, struct mem *mem);
void identities_deinit(struct identities *x); /* accepts what was never begun */
/* Drops what was in memory first. */
int identities_load(struct identities *x, struct env *env, struct fold *f, unsigned table);

/* other_id means customer_id from now on. E_CORRUPT when that one means it. */
int identities_merge(struct identities *x, struct fold *f, unsigned table, uint64_t customer_id,
                     uint64_t other_id);
/* other_id is somebody else again, with all that mean it. */
void identities_unmerge(struct identities *x, struct fold *f, unsigned table, uint64_t other_id);

/* The identity that names the person: this one, when nothing is known of it. */
uint64_t identities_person(const struct identities *x, uint64_t customer_id);
/* This identity and all that mean it; all of the person when it names one. Room for IDENTITIES_MAX. */
unsigned identities_of(const struct identities *x, uint64_t customer_id, uint64_t *ret);

#endif
