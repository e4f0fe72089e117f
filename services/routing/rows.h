/* SPDX-License-Identifier: Apache-2.0 */
/* What routing keeps on disk: seven tables of small rows.
 *
 *   cases      case id        -> struct routing_case: until it is assigned or over
 *   waiting    case id        -> struct routing_brief and the sealed text: until classified
 *   agents     staff id       -> presence, capacity, open cases
 *   customers  customer id    -> cases so far, of this identity
 *   objects    hash of object -> who complained about it lately
 *   handovers  handover id    -> HandoverOpened
 *   handed     case id        -> handover id: accepted, until it is given to somebody
 *   members    incident, case -> nothing
 *   member_of  case           -> incident
 *   answers    incident       -> seq of its newest answer
 *   shares     case, answer   -> seq and time of what it was asked for, until the journal has it
 *   identities customer id    -> the one it means (identities.h) */
#ifndef KESU_ROUTING_ROWS_H
#define KESU_ROUTING_ROWS_H

#include "fold.h"
#include "hash.h"

enum {
    ROUTING_CASES,
    ROUTING_WAITING,
    ROUTING_AGENTS,
    ROUTING_CUSTOMERS,
    ROUTING_OBJECTS,
    ROUTING_HANDOVERS,
    ROUTING_HANDED,
    ROUTING_MEMBERS,
    ROUTING_MEMBER_OF,
    ROUTING_ANSWERS,
    ROUTING_SHARES,
    ROUTING_IDENTITIES,
    ROUTING_N_TABLES
};
extern const char *const routing_tables[ROUTING_N_TABLES];

#define ROUTING_ID_MAX 128 /* bytes of an id of the policy */

/* With ROUTING_MERGED in it, it waits for nothing: it goes on as another case. */
enum routing_case_state { ROUTING_RECEIVED = 1, ROUTING_TRIAGED = 2, ROUTING_MERGED = 0x80 };

struct routing_case {
    uint64_t version;
    int64_t changed_us; /* block time of the event that made this version */
    uint32_t messages;
    uint8_t state;
    uint8_t severity;
    uint8_t language;
    uint8_t escalated; /* highest level of the ladder fired */
    char category[ROUTING_ID_MAX + 1];
    char department[ROUTING_ID_MAX + 1];
};

/* What a task needs beside the text. */
struct routing_brief {
    int64_t since_us; /* occurred, or received */
    uint32_t customer_cases;
    uint32_t same_object;
    uint8_t channel, tier, language;
};

struct routing_agent_row {
    uint32_t capacity;
    uint32_t load;
    uint8_t present;
};

/* E_NOT_FOUND. The row is copied out. */
int routing_rows_case(struct fold *f, uint64_t case_id, struct routing_case *ret);
void routing_rows_put_case(struct fold *f, uint64_t case_id, const struct routing_case *c);
void routing_rows_del_case(struct fold *f, uint64_t case_id);
/* From a value of the table. false: damaged. */
bool routing_rows_read_case(struct span value, struct routing_case *ret);

/* E_NOMEM: the arena is too small. */
int routing_rows_put_waiting(struct fold *f, uint64_t case_id, const struct routing_brief *b,
                             const Kesu__V1__Sealed *sealed, struct arena *arena);
/* The sealed text comes from the arena. E_NOT_FOUND, E_CORRUPT. */
int routing_rows_waiting(struct fold *f, uint64_t case_id, struct arena *arena, struct routing_brief *ret,
                         Kesu__V1__Sealed **ret_sealed);
void routing_rows_del_waiting(struct fold *f, uint64_t case_id);

void routing_rows_put_agent(struct fold *f, const char *id, const struct routing_agent_row *a);
bool routing_rows_read_agent(struct span value, struct routing_agent_row *ret);

/* Every row of a table in order; each gets the key and the value. */
int routing_rows_each(struct env *env, struct fold *f, unsigned table,
                      void (*each)(void *self, struct span key, struct span value), void *self);

#endif
