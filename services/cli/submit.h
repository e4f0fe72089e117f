/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KESU_CLI_SUBMIT_H
#define KESU_CLI_SUBMIT_H

#include "cli.h"

/* received_at becomes now when it is not given. */
void cli_submit_complete(struct cli *c, Kesu__V1__ReceiveMessage *m);
/* The channel's identity: a hash over the pieces. */
void cli_submit_identity(struct cli *c, Kesu__V1__ReceiveMessage *m, const char *mailbox,
                         const struct span *pieces, unsigned n);
/* submit --lines FILE */
int cli_submit_lines(struct cli *c, const char *path);

#endif
