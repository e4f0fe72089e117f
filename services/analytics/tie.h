/* SPDX-License-Identifier: Apache-2.0 */
/* Two people become one, or two again: who names what is kept by identity, and
 * what both have named has one person less, or one more. */
#ifndef KESU_ANALYTICS_TIE_H
#define KESU_ANALYTICS_TIE_H

#include "identities.h"
#include "key.h"

struct analytics_tie {
    uint64_t all[2 * IDENTITIES_MAX]; /* identities of the one, then of the other */
    unsigned n_one, n;
    int change; /* -1, +1 */
};

/* The next row of a table whose keys begin with an identity: *key is where to begin, then the row's.
 * E_NOT_FOUND: of this identity there is no more. */
int analytics_tie_next(struct env *env, struct fold *f, unsigned table, uint64_t identity, struct key *key);

#endif
