/* SPDX-License-Identifier: Apache-2.0 */
/* Counts by hour, category, department, channel and severity.
 *
 * A cell is 64 bits, hours first, so that a period is a range of keys:
 * hour 24, category 20, department 12, channel 5, severity 3. Category and
 * department are numbers of a table of names that only grows. */
#ifndef KESU_ANALYTICS_CELLS_H
#define KESU_ANALYTICS_CELLS_H

#include "fold.h"
#include "map.h"

#define ANALYTICS_NAME_MAX 255

enum analytics_part {
    ANALYTICS_HOUR,
    ANALYTICS_CATEGORY,
    ANALYTICS_DEPARTMENT,
    ANALYTICS_CHANNEL,
    ANALYTICS_SEVERITY,
    ANALYTICS_N_PARTS
};

struct analytics_cell {
    uint64_t cell;
    uint64_t opened;
    bool changed;
};

struct analytics_cells {
    struct mem *mem;
    struct map map; /* cell + 1 */
    struct analytics_cell **changed;
    size_t n_changed, room_changed;
    char **names; /* 0 is "" */
    uint32_t n_names, room_names, n_names_written;
    struct map by_name;
};

uint64_t analytics_cell_part(uint64_t cell, enum analytics_part part);
uint64_t analytics_cell_with(uint64_t cell, enum analytics_part part, uint64_t value); /* too large: 0 */
uint64_t analytics_cell_mask(enum analytics_part part);

void analytics_cells_init(struct analytics_cells *c, struct mem *mem);
void analytics_cells_deinit(struct analytics_cells *c);
int analytics_cells_load(struct analytics_cells *c, struct env *env, struct fold *f); /* the names */
int analytics_cells_write(struct analytics_cells *c, struct fold *f);
uint32_t analytics_cells_name(struct analytics_cells *c,
                              const char *name); /* its number, a new one if need be */
/* One more, one less. */
int analytics_cells_add(struct analytics_cells *c, struct fold *f, uint64_t cell, int change);

#endif
