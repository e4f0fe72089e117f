/* SPDX-License-Identifier: Apache-2.0 */
/* One person over several identities.
 *
 * A customer id is an identity, made by the first message of a contact nobody
 * knew. Merging says that one means another; nothing is moved, so that it can
 * be undone. The identities of a person form a tree, whose root names them. */
#ifndef INTAKE_PERSONS_H
#define INTAKE_PERSONS_H

#include "cases.h"

#define PERSON_MAX 32 /* identities */

/* E_NOT_FOUND, E_NOMEM. With what the customer's row says. From the arena. */
int intake_person_get(struct intake_register *r, uint64_t customer_id, struct arena *arena,
                      Kesu__V1__CustomerState **ret);
void intake_person_put(struct intake_register *r, const Kesu__V1__CustomerState *state);
/* Who is meant by this identity: itself, when there is none or none is known. */
uint64_t intake_person_root(struct intake_register *r, uint64_t customer_id, struct arena *arena);
/* All identities of the person, the root first; room for PERSON_MAX. 0: nobody, or no memory. */
unsigned intake_person_all(struct intake_register *r, uint64_t customer_id, struct arena *arena,
                           Kesu__V1__CustomerState **ret);
/* What is known of the person by any identity: a refusal outweighs a consent, VIP outweighs ordinary.
 * false: nothing is. */
bool intake_person_traits(struct intake_register *r, uint64_t customer_id, struct arena *arena,
                          Kesu__V1__CustomerTraits *ret);

#endif
