/* SPDX-License-Identifier: Apache-2.0 */
/* What analytics remembers of an open case: where it is
 * counted, whose it is and about what. */
#ifndef KESU_ANALYTICS_CASES_H
#define KESU_ANALYTICS_CASES_H

#include "fold.h"
#include "map.h"

enum {
    ANALYTICS_CLASSIFIED = 1,
    ANALYTICS_ASSIGNED = 2,
    ANALYTICS_RESOLVED = 4,
    ANALYTICS_FALLBACK = 8,
};

struct analytics_case {
    uint64_t case_id;
    int64_t received_us;
    uint64_t cell;
    uint64_t customer_id; /* 0: nobody known */
    uint64_t thing;       /* see groups.h; 0: none */
    uint8_t flags;
    bool stored; /* a row is in the store */
    bool changed;
    bool closed; /* the row goes */
};

struct analytics_cases {
    struct mem *mem;
    struct map map;
    struct analytics_case **changed;
    size_t n_changed, room_changed;
};

void analytics_cases_init(struct analytics_cases *c, struct mem *mem);
void analytics_cases_deinit(struct analytics_cases *c);
struct analytics_case *analytics_cases_add(struct analytics_cases *c, uint64_t case_id);
/* E_NOT_FOUND: closed, or none of ours. */
int analytics_cases_get(struct analytics_cases *c, struct fold *f, uint64_t case_id,
                        struct analytics_case **ret);
void analytics_cases_changed(struct analytics_cases *c, struct analytics_case *one);
void analytics_cases_write(struct analytics_cases *c, struct fold *f);

#endif
