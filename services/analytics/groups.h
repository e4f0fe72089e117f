/* SPDX-License-Identifier: Apache-2.0 */
/* Many complaints of one thing: what incidents hold, and what looks like one.
 *
 *   incidents       incident → members, distinct customers, closed
 *   incident_cases  (incident, case) → its customer
 *   incident_people (customer, incident) → its cases there
 *   groups          thing → who lately complained of it, newest last
 *   covers          thing → newest incident about it
 *
 * A thing is a lot; of a case that names none, a product. It looks like a group
 * complaint when GROUP_PEOPLE different customers (people, over all their
 * identities; rows are of identities) named it within the window,
 * and they are at least half of all who ever did: what many always complain
 * of is no news. From then on for as long as the window holds so many. An
 * open incident about the thing covers it: nothing is suggested. */
#ifndef KESU_ANALYTICS_GROUPS_H
#define KESU_ANALYTICS_GROUPS_H

#include "cases.h"
#include "tie.h"

#define ANALYTICS_GROUP_PEOPLE   5
#define ANALYTICS_GROUP_HOURS    (7 * 24)
#define ANALYTICS_GROUP_MAX      64 /* customers remembered of a thing */
#define ANALYTICS_GROUP_HINTS    16 /* suggested at the same time, newest first */
#define ANALYTICS_GROUP_ANSWERED 20 /* incidents in an answer, newest first */

enum analytics_group_count {
    ANALYTICS_G_INCIDENTS,
    ANALYTICS_G_CLOSED,
    ANALYTICS_G_MEMBERS,   /* who left is none */
    ANALYTICS_G_CUSTOMERS, /* different ones, of each incident */
    ANALYTICS_N_GROUP_COUNTS
};

struct analytics_groups {
    uint64_t counts[ANALYTICS_N_GROUP_COUNTS];
    uint64_t hints[ANALYTICS_GROUP_HINTS]; /* things */
    unsigned n_hints;
    bool changed;
    const struct identities *people;
};

/* A case of this customer came in. It remembers which thing it is about. */
int analytics_groups_opened(struct analytics_groups *g, struct fold *f, struct analytics_case *one,
                            const Kesu__V1__CaseOpened *opened, int64_t time_us);
/* Events of incidents. `one`: the case that joins or leaves; NULL: forgotten, or there is none. */
int analytics_groups_event(struct analytics_groups *g, struct fold *f, const struct analytics_case *one,
                           const struct fold_event *ev);
/* Of each incident that cases of an identity of a and of one of b are in, so many customers more. */
int analytics_groups_tie(struct analytics_groups *g, struct env *env, struct fold *f,
                         const struct analytics_tie *tie);
int analytics_groups_load(struct analytics_groups *g, struct fold *f);
void analytics_groups_write(struct analytics_groups *g, struct fold *f);
/* E_NOMEM, E_CORRUPT, errors of the store. */
int analytics_groups_fill(const struct analytics_groups *g, struct fold *f, struct env *env, int64_t now_us,
                          struct arena *arena, Kesu__V1__Stats *stats);

#endif
