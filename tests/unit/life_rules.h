/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of every event of a case, whatever was commanded: said once
 * more, apart from who decides, for tests that send commands at random. */
#ifndef TESTS_UNIT_LIFE_RULES_H
#define TESTS_UNIT_LIFE_RULES_H

#include "codec.h"

/* What an event breaks of a case as it was before; NULL: nothing. first: of its command. */
const char *life_rules_before(const Kesu__V1__Policy *policy, const Kesu__V1__CaseState *was,
                              const Kesu__V1__Event *event, bool first);
/* ... of how the case is after it. */
const char *life_rules_after(const Kesu__V1__CaseState *was, const Kesu__V1__CaseState *now,
                             const Kesu__V1__Event *event);

#endif
