/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold over many events: sums of a period and of a case, who stands
 * for whom, who is one person, what each member of an incident was told, which
 * reply is held. Kept from the events alone, beside the register. */
#ifndef TESTS_UNIT_LIFE_TALLY_H
#define TESTS_UNIT_LIFE_TALLY_H

#include "life_desk.h"

#define TALLY_CASES  1024
#define TALLY_PEOPLE 256
#define TALLY_AGENTS 16

struct tally_case {
    uint64_t case_id, incident_id, held_reply;
    int64_t given;
    uint32_t cleared; /* the proposal that may be told and done, 0: none */
    uint64_t told[64];
    unsigned n_told;
};

struct life_tally {
    struct tally_case cases[TALLY_CASES];
    unsigned n_cases;
    struct {
        uint64_t id, into;
    } people[TALLY_PEOPLE];
    unsigned n_people;
    struct {
        char id[16];
        int64_t from, sum;
        unsigned cases;
    } agents[TALLY_AGENTS];
    unsigned n_agents;
    struct {
        uint64_t id, version;
    } others[TALLY_CASES]; /* incidents and 8Ds */
    unsigned n_others;
    uint64_t delegated, at_once, handed; /* how often there was something to look at */
};

/* What an event that is about to be folded breaks; NULL: nothing. was: its case before, or NULL. */
const char *life_tally_event(struct life_tally *t, struct life_desk *d, unsigned command,
                             const Kesu__V1__CaseState *was, const struct decide_event *e, uint64_t seq);
/* ... once it is folded: what has a version of its own, but for cases. */
const char *life_tally_folded(struct life_tally *t, struct life_desk *d, const Kesu__V1__Event *e);
/* What the register says otherwise. */
const char *life_tally_compare(struct life_tally *t, struct life_desk *d);

#endif
