/* SPDX-License-Identifier: Apache-2.0 */
/* Cases of accepted handovers, until each is given to somebody of the new shift. */
#ifndef KESU_ROUTING_HANDOVER_H
#define KESU_ROUTING_HANDOVER_H

#include "fold.h"
#include "map.h"

struct routing;

struct routing_handover {
    struct mem *mem;
    struct map pending; /* case id -> struct handed */
    uint64_t *order;    /* case ids as they came; some may be settled */
    size_t n_order, room;
};

void routing_handover_init(struct routing_handover *h, struct mem *mem);
void routing_handover_deinit(struct routing_handover *h);
/* From the store. */
int routing_handover_load(struct routing *r);

/* Rows of the fold. */
int routing_handover_on_opened(void *self, struct fold *f, const struct fold_event *ev);
int routing_handover_on_accepted(void *self, struct fold *f, const struct fold_event *ev);
/* The case was given to somebody, or is over. */
void routing_handover_settled(struct routing *r, struct fold *f, uint64_t case_id);

/* Proposes as much as fits. */
void routing_handover_run(struct routing *r);
void routing_handover_on_refused(struct routing *r, const Kesu__V1__AssignCase *sent,
                                 const Kesu__V1__Refused *refused);

#endif
