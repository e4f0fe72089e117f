/* SPDX-License-Identifier: Apache-2.0 */
/* Who may give how much: limits of authority, delegation, the front line's
 * quota, the compensation matrix. Pure functions of the policy. `total` may be
 * NULL: it costs nothing. */
#ifndef KESU_AUTHORITY_H
#define KESU_AUTHORITY_H

#include "codec.h"

/* The limit that lets this person approve these lines, the widest; NULL: none does. Who acts on behalf of
 * somebody has that person's authority, by a delegation that is in force (ret_by), and no other. */
const Kesu__V1__AuthorityLimit *authority_limit(const Kesu__V1__Policy *p, const Kesu__V1__Staff *staff,
                                                const Kesu__V1__Actor *actor,
                                                Kesu__V1__RemedyLine *const *lines, size_t n,
                                                const Kesu__V1__Money *total, int64_t now,
                                                const Kesu__V1__Delegation **ret_by);
/* By which the one stands in for the other now, for that much. One who has left delegates nothing. */
const Kesu__V1__Delegation *authority_delegation(const Kesu__V1__Policy *p, const char *from, const char *to,
                                                 const Kesu__V1__Money *total, int64_t now);
/* The lowest leader above the proposer who may approve them by their own authority, and is not the agent. */
const Kesu__V1__Staff *authority_approver(const Kesu__V1__Policy *p, const char *proposer, const char *agent,
                                          Kesu__V1__RemedyLine *const *lines, size_t n,
                                          const Kesu__V1__Money *total, int64_t now);
/* E_LIMIT: over the first rule of the compensation matrix that fits, which is in *ret either way. */
int authority_cap(const Kesu__V1__Policy *p, const char *category, const Kesu__V1__Object *object,
                  const Kesu__V1__Money *total, const Kesu__V1__CompensationRule **ret);
/* E_LIMIT: over what this role may decide at once: `whole` in this case, `total` on top of what was used in
 * the period, whose begin is *ret_from (microseconds of the office's wall clock:
 * a day turns at its midnight). A role without a quota is not limited by one. */
int authority_quota(const Kesu__V1__Policy *p, const Kesu__V1__Staff *staff, const Kesu__V1__AgentState *used,
                    const Kesu__V1__Money *total, const Kesu__V1__Money *whole, int64_t now,
                    const Kesu__V1__Quota **ret, int64_t *ret_from);

#endif
