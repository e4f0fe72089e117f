/* SPDX-License-Identifier: Apache-2.0 */
/* The story of a case for people: paragraph by paragraph who decided what, why,
 * on which rule, and what was possible instead. */
#ifndef KESU_CLI_EXPLAIN_H
#define KESU_CLI_EXPLAIN_H

#include "life.h"
#include "tell.h"

int cli_explain(struct cli *c, const Kesu__V1__CaseDetail *d);

/* explain_rule.c: which rules an event stands on, a line each; nothing: none. */
void explain_rules(const struct teller *t, const Kesu__V1__Event *e,
                   void (*on_rule)(void *self, const char *text), void *self);
/* explain_wrap.c: to standard output, broken at 78 columns; Chinese breaks anywhere
 * but before what ends a phrase. */
void explain_wrap(const char *text, unsigned indent);

#endif
