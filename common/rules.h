/* SPDX-License-Identifier: Apache-2.0 */
/* Judging a complaint by the rules of a policy, with evidence. Pure.
 *
 * Keywords and text are compared normalised (text.h). A Latin letter or digit
 * at a keyword's edge must not have another beside it; a final * lifts that at
 * the end. A phrase of `unless` that holds a keyword excuses that occurrence;
 * any other voids the rule. In rules of a factor an occurrence that is denied
 * right before it ("nobody was hurt") does not count. */
#ifndef KESU_RULES_H
#define KESU_RULES_H

#include "codec.h"
#include "text.h"

struct rules; /* compiled: one automaton for all keywords, regexes with JIT */

/* policy must outlive it. E_POLICY with ret_reason naming rule and offset. */
int rules_new(struct mem *m, const struct text_table *t, const Kesu__V1__Policy *policy,
              const uint8_t policy_hash[32], struct rules **ret, char *ret_reason, size_t n);
void rules_free(struct rules **p);
/* Not for two threads at once. ret: from the arena, the rules and the policy. E_NOMEM, E_UTF8. limit_hits:
 * regexes stopped by a match limit (no match). */
int rules_judge(struct rules *r, const Kesu__V1__Task *task, struct arena *arena, Kesu__V1__Judgement *ret,
                unsigned *ret_limit_hits);

#endif
