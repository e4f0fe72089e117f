/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KESU_CLI_DAEMONS_H
#define KESU_CLI_DAEMONS_H

#include "cli.h"

/* The daemons with a control socket, in the order of their starting. */
struct cli_daemon {
    const char *name; /* NULL ends the table */
    bool is_fold;
};
extern const struct cli_daemon cli_daemons[];

/* Its info, or NULL when it does not answer in time. Says nothing. */
Kesu__V1__Info *cli_daemon_info(struct cli *c, const char *name, int64_t timeout_us, struct arena *arena);
/* A line a daemon. */
void cli_daemons_print(struct cli *c, struct arena *arena, int64_t timeout_us, unsigned *ret_silent);

#endif
