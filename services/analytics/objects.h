/* SPDX-License-Identifier: Apache-2.0 */
/* What complaints are about, counted exactly: a row for each value of each
 * kind, with its distinct customers: people over all their identities (an
 * anonymous case stands for one). Who named what is kept by identity, so that
 * a merge and its undoing find what they change.
 *
 * The most frequent of each kind are kept at hand: counts only grow, so who
 * belongs among them is known at each step. Ties: who got there first. */
#ifndef KESU_ANALYTICS_OBJECTS_H
#define KESU_ANALYTICS_OBJECTS_H

#include "fold.h"
#include "map.h"
#include "tie.h"

#define ANALYTICS_TOP          20
#define ANALYTICS_VALUE_MAX    128 /* bytes */
#define ANALYTICS_OBJECT_BYTES 16  /* of a value's hash */

enum analytics_kind {
    ANALYTICS_K_PRODUCT,
    ANALYTICS_K_PART,
    ANALYTICS_K_LOT,
    ANALYTICS_K_BRANCH,
    ANALYTICS_K_WAYBILL,
    ANALYTICS_N_KINDS
};
extern const char *const analytics_kind_names[ANALYTICS_N_KINDS];

struct analytics_object {
    uint8_t kind;
    uint8_t hash[ANALYTICS_OBJECT_BYTES];
    uint64_t count, customers;
    uint64_t first_customer; /* needs no row of its own; 0: none yet */
    bool changed;
    char value[ANALYTICS_VALUE_MAX + 1];
};

struct analytics_objects {
    struct mem *mem;
    struct map map;
    struct analytics_object **changed;
    size_t n_changed, room_changed;
    struct analytics_object top[ANALYTICS_N_KINDS][ANALYTICS_TOP]; /* copies, the most frequent first */
    unsigned n_top[ANALYTICS_N_KINDS];
    bool top_changed[ANALYTICS_N_KINDS];
};

void analytics_objects_init(struct analytics_objects *o, struct mem *mem);
void analytics_objects_deinit(struct analytics_objects *o);
int analytics_objects_load(struct analytics_objects *o, struct fold *f);
void analytics_objects_write(struct analytics_objects *o, struct fold *f);
int analytics_objects_count(struct analytics_objects *o, struct fold *f, const struct identities *people,
                            const Kesu__V1__Object *object, uint64_t customer_id);
/* Of each object that an identity of a and one of b have complained about, so many customers more. */
int analytics_objects_tie(struct analytics_objects *o, struct env *env, struct fold *f,
                          const struct analytics_tie *tie);

#endif
