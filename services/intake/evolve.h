/* SPDX-License-Identifier: Apache-2.0 */
/* What an event changes in the register. Pure: the same events give the same
 * rows, whether they were decided a moment ago or replayed after years. */
#ifndef INTAKE_EVOLVE_H
#define INTAKE_EVOLVE_H

#include "codec.h"
#include "register.h"

/* Scratch comes from the arena. An event that does not fit the register is a
 * broken invariant: E_CORRUPT. */
int intake_evolve(struct intake_register *r, const Kesu__V1__Event *event, uint64_t seq, int64_t block_time,
                  struct arena *arena);
/* The same of the only event of a command. state: of its case, as the command was decided on it; it is
 * changed. NULL: the register is asked. */
int intake_evolve_decided(struct intake_register *r, const Kesu__V1__Event *event, uint64_t seq,
                          int64_t block_time, struct arena *arena, Kesu__V1__CaseState *state);

#endif
