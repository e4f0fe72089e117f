/* SPDX-License-Identifier: Apache-2.0 */
/* Backups: a directory of sealed bytes, and beside it, elsewhere, the keys.
 *
 *   DIR/journal.blocks   the journal's blocks, one after the other
 *   DIR/blobs/           evidence files as they are
 *   KEYS                 key store, secrets and the evidence's key, sealed with a passphrase */
#ifndef KESU_CLI_BACKUP_H
#define KESU_CLI_BACKUP_H

#include "block.h"
#include "cli.h"

#define BACKUP_JOURNAL "journal.blocks"

/* Blocks of a file, each checked against the one before. */
struct backup_reader {
    int fd;
    uint8_t *block; /* BLOCK_MAX_BYTES */
    struct block_head head;
    uint64_t bytes, next_seq; /* after the last whole block */
    uint8_t hash[HASH_BYTES];
    int64_t time_us;
};

/* An exit status after saying why; a file that is not there is an empty one. */
int cli_backup_open(struct cli *c, const char *path, struct backup_reader *ret);
void cli_backup_close(struct backup_reader *r);
/* 1: a block, its bytes from r->block; 0: the end, or a block that is not whole; else an exit status + 1. */
int cli_backup_next(struct cli *c, struct backup_reader *r, struct span *ret);

/* backup_keys.c */
struct backup_passphrase {
    char text[1024];
    size_t n;
};
int cli_backup_passphrase(struct cli *c, struct backup_passphrase *ret);
int cli_backup_keys_write(struct cli *c, const char *path, const struct backup_passphrase *pass);
/* Into DATA_DIR: intake/keys.restoring/ and blobs/key. */
int cli_backup_keys_read(struct cli *c, const char *path, const struct backup_passphrase *pass);

/* backup_blobs.c: copies what `to` has not, but for the key; mirror: and removes what `from` has not. */
int cli_backup_blobs(struct cli *c, const char *from, const char *to, bool mirror, uint64_t *ret_copied);

char *cli_data_path(struct cli *c, const char *name); /* DATA_DIR/NAME */

#endif
