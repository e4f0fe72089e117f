/* SPDX-License-Identifier: Apache-2.0 */
/* Cases of the register by a filter of flags, page by page. */
#ifndef KESU_CLI_CASES_H
#define KESU_CLI_CASES_H

#include "cli.h"

struct cli_cases {
    Kesu__V1__CaseState **cases; /* newest first, in the arena */
    size_t n;
    uint64_t next_before; /* 0: no more */
};

/* At most limit that fit the flags, older than before (0: the newest on). */
int cli_cases_find(struct cli *c, unsigned limit, uint64_t before, struct cli_cases *ret);
void cli_cases_head(void);
void cli_cases_row(const Kesu__V1__CaseState *s);

/* progress.c: a bar on standard error. */
void cli_progress(double share, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
