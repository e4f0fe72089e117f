/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that were accepted: the same id again gets the same answer.
 *
 * Ids are UUIDv7, scoped by client, taken while their time is within 30 days
 * back and 5 minutes ahead of block time. Rows lie in order of time, so old
 * ones are trimmed from the front; below that floor no id is ever taken. */
#ifndef INTAKE_DEDUP_H
#define INTAKE_DEDUP_H

#include "codec.h"
#include "register.h"

#define DEDUP_BACK_MS  (INT64_C(30) * 24 * 3600 * 1000)
#define DEDUP_AHEAD_MS (INT64_C(5) * 60 * 1000)
/* Trimmed a day after they are too old to be taken. */
#define DEDUP_TRIM_MS (DEDUP_BACK_MS + INT64_C(24) * 3600 * 1000)

struct dedup_row {
    uint64_t seq; /* of the command's last event */
    uint64_t case_id;
    uint64_t version;
    uint64_t command_hash;
    uint64_t joined;
};

/* 0, E_MISSING, E_MALFORMED, E_ID_OLD, E_ID_AHEAD. */
int intake_dedup_check_id(struct span id, int64_t block_time_us, int64_t floor_ms);
void intake_dedup_prefetch(const struct intake_register *r, const char *client, const uint8_t id[16]);
bool intake_dedup_find(struct intake_register *r, const char *client, const uint8_t id[16],
                       struct dedup_row *ret);
void intake_dedup_put(struct intake_register *r, const char *client, const uint8_t id[16],
                      const struct dedup_row *row);

#endif
