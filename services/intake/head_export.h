/* SPDX-License-Identifier: Apache-2.0 */
/* The signed head, exported once an hour of block time into a directory: to be
 * fetched and kept where intake's owner cannot change it. */
#ifndef INTAKE_HEAD_EXPORT_H
#define INTAKE_HEAD_EXPORT_H

#include "anchor.h"
#include "journal.h"
#include "sched.h"

struct intake_head_export {
    struct env *env;
    struct lane *lane;
    const char *dir;
    uint64_t last_seq;
    int64_t last_hour;
    bool writing;
    struct head_job {
        struct job job;
        struct intake_head_export *of;
        char text[ANCHOR_TEXT], path[512], aside[520];
        int status;
    } job;
};

int intake_head_export_init(struct intake_head_export *x, struct env *env, const char *dir);
void intake_head_export_deinit(struct intake_head_export *x);
/* Writes DIR/<seq>.anchor when a new hour has begun and the head has moved. */
void intake_head_export_look(struct intake_head_export *x, const struct journal_head *head,
                             int64_t block_time_us, const uint8_t seed[ANCHOR_SEED_BYTES]);

#endif
