/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a case as one table: which event takes it from which stage to
 * which, who may cause it, what has to be given, which moments of clocks it is.
 * Intake decides by it; whoever folds the journal learns the stage from it. */
#ifndef KESU_LIFE_H
#define KESU_LIFE_H

#include "codec.h"

#define LIFE_STAGES 19 /* numbers of Stage are below */

/* Who may: a bit a role of staff, and one each for who is not staff. */
#define LIFE_ROLE(name) (1u << KESU__V1__STAFF_ROLE__STAFF_ROLE_##name)
#define LIFE_CUSTOMER   (1u << 16)
#define LIFE_SERVICE    (1u << 17)
#define LIFE_OPERATOR   (1u << 18)

#define LIFE_LEADERS (LIFE_ROLE(SECTION_MANAGER) | LIFE_ROLE(DEPUTY) | LIFE_ROLE(GENERAL_MANAGER))
#define LIFE_DESK    (LIFE_ROLE(AGENT) | LIFE_ROLE(HANDLER) | LIFE_LEADERS)
#define LIFE_STAFF   (LIFE_DESK | LIFE_ROLE(LEGAL))
#define LIFE_PEOPLE  (LIFE_STAFF | LIFE_OPERATOR)
#define LIFE_OFFICE  (LIFE_PEOPLE | LIFE_SERVICE)

/* What else ties the actor to the case. Who stands above somebody counts as them. */
enum life_tie {
    TIE_NONE,
    TIE_OWNER,    /* has the case */
    TIE_REVIEWER, /* decides its appeal */
    TIE_FOLLOWS,  /* nobody sends it for this case: it follows from a command that is in another row */
};

enum { LIFE_STAYS = 0, LIFE_GOES_BACK = -1 }; /* in place of a stage: to the one before */

struct life_row {
    unsigned command; /* KESU__V1__COMMAND__BODY_... */
    unsigned event;   /* KESU__V1__EVENT__BODY_... */
    unsigned variant; /* as life_variant tells of the event; LIFE_ANY: whichever */
    uint32_t from;    /* a bit a stage */
    int to;           /* Stage, LIFE_STAYS, LIFE_GOES_BACK */
    uint32_t who;     /* LIFE_ROLE(...) | ... */
    enum life_tie tie;
    const char *when;    /* the variant in words, "" */
    const char *needs;   /* fields that must be given, with spaces between */
    const char *moments; /* of clocks, with spaces between */
};
#define LIFE_ANY UINT32_MAX

extern const struct life_row life_rows[]; /* after the last one of no event */

static inline const struct life_row *life_row(unsigned i) /* NULL: no more */
{
    return life_rows[i].event != 0 ? &life_rows[i] : NULL;
}

/* Rows of a command, and those of an event, in their order; after NULL: the first. NULL: no more. */
const struct life_row *life_of_command(unsigned command, const struct life_row *after);
const struct life_row *life_of_event(unsigned event, const struct life_row *after);

/* What of an event decides where it leads; rows of one event differ by it. */
unsigned life_variant(const Kesu__V1__Event *event);
/* The row of this event in this stage; NULL: it cannot happen there. */
const struct life_row *life_find(Kesu__V1__Stage from, const Kesu__V1__Event *event);
/* The same, where several commands lead to it: this command's row, if it has one there. */
const struct life_row *life_find_of(unsigned command, Kesu__V1__Stage from, const Kesu__V1__Event *event);
/* The stage after an event of a case; `before` is where LIFE_GOES_BACK leads. */
Kesu__V1__Stage life_next(Kesu__V1__Stage from, Kesu__V1__Stage before, const Kesu__V1__Event *event);

/* Is it in somebody's hands: neither closed, archived nor merged. */
bool life_is_open(Kesu__V1__Stage stage);
/* May staff send this command at all? */
bool life_of_people(unsigned command);
/* Is a word among words with spaces between? */
bool life_has_word(const char *words, const char *word);
/* Is money paid for it, which has to be proven? */
bool life_pays(Kesu__V1__RemedyKind kind);
/* In policies of before there were roles who takes cases is an agent, who does not leads. */
Kesu__V1__StaffRole life_role(const Kesu__V1__Staff *staff);
/* The bit of an actor: of the staff member's role, or of the kind of actor. */
uint32_t life_who(const Kesu__V1__Actor *actor, const Kesu__V1__Staff *staff);
/* All words of clocks: what the rows say, and what intake tells beside them. */
#define LIFE_MOMENTS                                                                                    \
    "received|receipt_delivered|customer_message|in_progress|replied|progress_told|reviewed|submitted|" \
    "decided|opinion_sent|answer_awaited|answered|appealed|appeal_decided|referred|inspected|paid|"     \
    "executed|called_back|"                                                                             \
    "resolved|closed|withdrawn|not_a_complaint|deadlocked|reopened|task_given|task_answered"
/* Is this clock no promise of ours but a time we wait: nobody breaches it? */
bool life_clock_waits(const char *clock);
/* Names as in the .proto: "review_case", "case_reviewed". */
const char *life_command_name(unsigned command);
const char *life_event_name(unsigned event);

#endif
