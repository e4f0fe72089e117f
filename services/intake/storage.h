/* SPDX-License-Identifier: Apache-2.0 */
/* Room on the disk: below a reserve no new cases are taken; a ballast file is
 * given up so that what is under way can still be finished and stopped, and
 * made again when there is room for it beside the reserve. */
#ifndef INTAKE_STORAGE_H
#define INTAKE_STORAGE_H

#include "env.h"

struct intake_storage {
    struct env *env;
    const char *dir;
    char *ballast_path;
    uint64_t reserve_bytes, ballast_bytes;
    uint64_t free_bytes;
    bool low;
    bool has_ballast;     /* or cannot have it */
    int64_t next_look_us; /* monotonic */
};

int intake_storage_init(struct intake_storage *s, struct env *env, const char *dir, const char *ballast_path,
                        uint64_t reserve_bytes, uint64_t ballast_bytes);
void intake_storage_deinit(struct intake_storage *s);
/* At most once a second. */
void intake_storage_look(struct intake_storage *s);
/* A write found the disk full. */
void intake_storage_full(struct intake_storage *s);

#endif
