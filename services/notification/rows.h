/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in the fold's tables. */
#ifndef KESU_NOTIFICATION_ROWS_H
#define KESU_NOTIFICATION_ROWS_H

#include "fold.h"
#include "key.h"

#define NOTIFICATION_ID_BYTES     65 /* of ids, with NUL */
#define NOTIFICATION_DETAIL_BYTES 201

enum notification_table {
    NOTIFICATION_CASES,     /* case id -> CaseOpened without what we do not need */
    NOTIFICATION_STATES,    /* case id -> struct notification_state */
    NOTIFICATION_SUMMARIES, /* case id -> Sealed of the last resolution */
    NOTIFICATION_WORDS,     /* case id, seq of who said it -> Sealed Words to the customer, or FileReturned */
    NOTIFICATION_INTENTS,   /* cause, kind -> struct notification_intent */
    NOTIFICATION_ANSWERS,   /* seq of an answer to an incident -> IncidentAnswered, both scripts */
    /* What follows is not in the journal. */
    NOTIFICATION_ATTEMPTS, /* cause, kind -> struct notification_attempt */
    NOTIFICATION_RETRIES,  /* wall time, cause, kind -> nothing */
    NOTIFICATION_LETTERS,  /* cause, kind -> 1 when held, 0 when dead */
    NOTIFICATION_META,     /* name -> number */
    NOTIFICATION_N_TABLES
};

/* What a case is now. */
struct notification_state {
    uint32_t n_intents; /* rows in INTENTS */
    bool archived;
    Kesu__V1__Severity severity;
    Kesu__V1__Language language;
    char category[NOTIFICATION_ID_BYTES];
    char department[NOTIFICATION_ID_BYTES];
    char agent[NOTIFICATION_ID_BYTES];
};

struct notification_intent {
    uint64_t cause_seq;
    char kind[NOTIFICATION_ID_BYTES];
    uint64_t case_id;
    int64_t time_us;                   /* block time of the cause */
    char staff[NOTIFICATION_ID_BYTES]; /* who is told; "" = the customer, "-" = nobody was there */
    char clock[NOTIFICATION_ID_BYTES];
    int64_t due_us;
    uint32_t level;
    uint64_t words_seq;                /* of the event that has the words; 0: none */
    uint64_t work_id;                  /* of no case: the handover or the 8D that is late */
    char owner[NOTIFICATION_ID_BYTES]; /* who should have done it */
    bool dead;                         /* given up, as the journal says */
    uint32_t attempts;
    int64_t dead_since_us;
    char detail[NOTIFICATION_DETAIL_BYTES];
};

enum notification_progress {
    NOTIFICATION_FLYING = 1, /* sent or about to be: after a crash the outcome is unknown */
    NOTIFICATION_WAITING,    /* in RETRIES */
    NOTIFICATION_TOLD,       /* outcome is in the outbox or the journal */
    NOTIFICATION_HELD,       /* for a person */
};

struct notification_attempt {
    enum notification_progress progress;
    uint32_t attempts;
    uint32_t unknown; /* of these, without an answer */
    uint32_t round;   /* sent again by a person so often */
    int64_t next_us;  /* wall */
    char detail[NOTIFICATION_DETAIL_BYTES];
};

extern const char *const notification_tables[NOTIFICATION_N_TABLES];

/* Reading: 0, E_NOT_FOUND, E_CORRUPT. */
void notification_case_key(uint64_t case_id, struct key *ret);
void notification_words_key(uint64_t case_id, uint64_t seq, struct key *ret);
void notification_intent_key(uint64_t cause_seq, const char *kind, struct key *ret);
int notification_get_case(struct fold *f, uint64_t case_id, struct arena *arena, Kesu__V1__CaseOpened **ret,
                          uint32_t *ret_n_intents);
void notification_put_case(struct fold *f, uint64_t case_id, const Kesu__V1__CaseOpened *opened,
                           uint32_t n_intents, struct arena *arena);
void notification_drop_case(struct fold *f, uint64_t case_id);
int notification_get_state(struct fold *f, uint64_t case_id, struct notification_state *ret);
void notification_put_state(struct fold *f, uint64_t case_id, const struct notification_state *s);
int notification_get_intent(struct fold *f, uint64_t cause_seq, const char *kind,
                            struct notification_intent *ret);
int notification_read_intent(struct span key, struct span value, struct notification_intent *ret);
void notification_put_intent(struct fold *f, const struct notification_intent *i);
int notification_get_attempt(struct fold *f, uint64_t cause_seq, const char *kind,
                             struct notification_attempt *ret);
void notification_put_attempt(struct fold *f, const struct notification_intent *i,
                              const struct notification_attempt *a);
/* Forgets attempt, retry and letter of an intent. */
void notification_drop_attempt(struct fold *f, const struct notification_intent *i);
void notification_put_letter(struct fold *f, const struct notification_intent *i, bool held);
uint64_t notification_get_number(struct fold *f, const char *name);
void notification_put_number(struct fold *f, const char *name, uint64_t value);
/* The purpose under which an outcome is sent. */
void notification_purpose(const char *kind, uint32_t round, char ret[NOTIFICATION_ID_BYTES + 12]);

#endif
