/* SPDX-License-Identifier: Apache-2.0 */
/* What there is while commands are sent at random: the cases, incidents, 8Ds,
 * handovers and customers that came, and commands that name them. */
#ifndef TESTS_UNIT_LIFE_WORLD_H
#define TESTS_UNIT_LIFE_WORLD_H

#include "life_bodies.h"

#define WORLD_MAX 1024

struct life_ids {
    uint64_t ids[WORLD_MAX];
    unsigned n;
};

struct life_world {
    struct life_desk *d;
    uint64_t random;
    struct life_ids cases, incidents, eightds, handovers, customers;
};

/* Below n. */
uint64_t life_draw(struct life_world *w, uint64_t n);
/* What an event that was folded brings. */
void life_world_see(struct life_world *w, const Kesu__V1__Event *e);
/* A complaint, by one of twenty people. */
void *life_world_message(struct life_world *w);
/* A command that begins with no case, its actor (of the desk) and its body. */
unsigned life_world_office(struct life_world *w, void **ret_body);
/* What a command of a case names beside it. */
void life_world_aim(struct life_world *w, unsigned command, const Kesu__V1__CaseState *s, void *body);

#endif
