/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the life of a case that are right, for tests that send all of them. */
#ifndef TESTS_UNIT_LIFE_BODIES_H
#define TESTS_UNIT_LIFE_BODIES_H

#include "life.h"
#include "life_desk.h"

/* Completes the desk's policy with what commands name: categories, an auditor. */
void life_bodies_policy(struct life_desk *d);
/* A body of this command with its case, and words and texts wherever it has room for them. */
void *life_body_of(struct life_desk *d, unsigned command, uint64_t case_id);
/* A body of this command that leads to this variant of its event, as the case is now; what depends on chance
 * depends on salt. NULL: the case has nothing to say it of. */
void *life_body(struct life_desk *d, unsigned command, unsigned variant, uint64_t case_id, unsigned salt);
/* Gives the case what the command needs there to be, as if it had happened before. */
void life_prepare(struct life_desk *d, unsigned command, unsigned variant, uint64_t case_id);

#endif
