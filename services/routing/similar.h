/* SPDX-License-Identifier: Apache-2.0 */
/* What other cases say about this one: counts that go with its task. */
#ifndef KESU_ROUTING_SIMILAR_H
#define KESU_ROUTING_SIMILAR_H

#include "fold.h"
#include "identities.h"

#define ROUTING_SIMILAR_WINDOW_HOURS (7 * 24)
#define ROUTING_SIMILAR_MAX          32 /* people remembered an object */

/* Earlier cases of this person, by all identities, then counts this one. 0 for customer 0. */
uint32_t routing_similar_customer(struct fold *f, const struct identities *people, uint64_t customer_id);
/* What was counted of somebody erased goes. */
void routing_similar_forget(struct fold *f, uint64_t customer_id);
/* Distinct people who complained about the same thing (product, part number
 * and lot, as far as said) in the window, this one among them; then remembers
 * this one. Without a customer the case stands for one. 0: no object is named. */
uint32_t routing_similar_object(struct fold *f, const struct identities *people, uint64_t case_id,
                                uint64_t customer_id, int64_t time_us, const Kesu__V1__Object *object);
/* The list itself, pure: n entries of 12 bytes in row, which has room for one
 * more. Returns how many identities it holds afterwards. */
unsigned routing_similar_note(uint8_t *row, unsigned n, uint64_t who, uint32_t hour);
/* How many people these are. */
unsigned routing_similar_people(const struct identities *people, const uint8_t *row, unsigned n);

#endif
