/* SPDX-License-Identifier: Apache-2.0 */
/* All policies that were in force, from the journal, as any reader reads it. */
#ifndef KESU_CLI_POLICIES_H
#define KESU_CLI_POLICIES_H

#include "cli.h"
#include "hash.h"
#include "span.h"

struct cli_policy {
    uint64_t seq; /* of its activation */
    uint8_t hash[HASH_BYTES];
    struct buf *bytes;
    Kesu__V1__PolicyBundle *bundle; /* once somebody asked, in the arena of the command */
};

struct cli_policies {
    struct cli_policy *list; /* as they came into force */
    unsigned n;
};

#define CLI_NOW UINT64_MAX

/* To be freed also when it fails. An exit status, said why. */
int cli_policies_read(struct cli *c, struct cli_policies *ret);
void cli_policies_free(struct cli_policies *p);
/* The one that the event of this seq was decided by; NULL: there was none. */
int cli_policies_at(struct cli *c, struct cli_policies *p, uint64_t seq, const Kesu__V1__Policy **ret);

#endif
