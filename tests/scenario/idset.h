/* SPDX-License-Identifier: Apache-2.0 */
/* A set of ids of 16 bytes, each with a number. */
#ifndef KESU_SCENARIO_IDSET_H
#define KESU_SCENARIO_IDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idset {
    struct idset_slot {
        bool used;
        uint8_t id[16];
        uint64_t value;
    } * slots;
    size_t n, size;
};

/* false when it was there, with its number as it was. */
bool idset_add(struct idset *s, const uint8_t id[16], uint64_t value);
/* Whether it was there or not. */
void idset_put(struct idset *s, const uint8_t id[16], uint64_t value);
bool idset_find(const struct idset *s, const uint8_t id[16], uint64_t *ret_value); /* ret may be NULL */
void idset_deinit(struct idset *s);

#endif
