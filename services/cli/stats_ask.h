/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KESU_CLI_STATS_ASK_H
#define KESU_CLI_STATS_ASK_H

#include "cli.h"

/* from: only hours from this time on, 0 = all. 0 or an exit status after saying why. */
int cli_stats_ask(struct cli *c, char **by, size_t n_by, int64_t from, struct arena *arena,
                  Kesu__V1__Stats **ret);
/* What looks like a group complaint, a line each. */
void cli_stats_print_hints(const Kesu__V1__Stats *s);

#endif
