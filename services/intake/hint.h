/* SPDX-License-Identifier: Apache-2.0 */
/* Live hints: "<EventName>.<department>" and a seq, lossy by nature, without
 * personal data. One a topic and block: of the newest such event. */
#ifndef INTAKE_HINT_H
#define INTAKE_HINT_H

#include "bus.h"
#include "codec.h"

#define HINT_MAX 64 /* topics a block; more are not told */

struct hint_set {
    unsigned n;
    struct hint {
        uint16_t type;
        char department[65];
        uint64_t seq;
    } hints[HINT_MAX];
};

void intake_hint_add(struct hint_set *set, unsigned type, const char *department, uint64_t seq);
void intake_hint_publish(struct env *env, struct bus_publisher *publisher, const struct hint_set *set);
/* "CaseOpened"; NULL for a number that is no event. */
const char *intake_hint_event_name(unsigned type);

#endif
