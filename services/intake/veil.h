/* SPDX-License-Identifier: Apache-2.0 */
/* Who is told what of a case that only named people read. */
#ifndef INTAKE_VEIL_H
#define INTAKE_VEIL_H

#include "codec.h"

bool intake_veil_is_on(const Kesu__V1__CaseState *state);
/* A named reader who is still here, and neither accused nor under who is. policy NULL: named is enough. */
bool intake_veil_may_read(const Kesu__V1__Policy *policy, const Kesu__V1__CaseState *state, const char *staff,
                          int64_t now);
/* May they see what is held against people: leaders, legal and the auditor, but not who is accused. */
bool intake_veil_accountability(const Kesu__V1__Policy *policy, const Kesu__V1__CaseState *state,
                                const char *staff, int64_t now);
/* Number, stage and clocks of it, when it is sensitive; else as it is. NULL: no memory. */
Kesu__V1__CaseState *intake_veil_state(Kesu__V1__CaseState *state, struct arena *arena);

#endif
