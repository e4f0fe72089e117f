/* SPDX-License-Identifier: Apache-2.0 */
/* One simulated office: every service, the people who use it, the auditor. */
#ifndef KESU_SCENARIO_OFFICE_H
#define KESU_SCENARIO_OFFICE_H

#include "audit.h"
#include "command.h"
#include "feed.h"
#include "shadow.h"
#include "sim/sim.h"
#include "sim/watch.h"
#include "svc.h"

#define OFFICE_RUN           "office/run"
#define OFFICE_DATA          "office/data"
#define OFFICE_POLICY        "office/policy"
#define OFFICE_MAIL          "office/mail"
#define OFFICE_MAILBOX       "complaints@scenario.example"
#define OFFICE_POISON        "POISON-TASK"           /* a text no worker survives */
#define OFFICE_ANSWER_EN     "The lot is withdrawn." /* to incidents */
#define OFFICE_ANSWER_ZH     "此批貨品已下架。"
#define OFFICE_READER        "reader"
#define OFFICE_LITTLE_CREDIT 8
#define OFFICE_MAX_SERVICES  12

struct office;
struct people;
struct mails;
struct mailman;

enum {
    STORE_DELETED,
    SERVICE_STOPPED,
    DISK_LOW,
    POLICY_CHANGED,
    WORKER_LOST,    /* for up to a minute */
    READER_DEAF,    /* it does not read for minutes */
    READER_SLOW,    /* blocks it kept for seconds */
    POISON_TASK,    /* deaths of workers by it */
    SEGMENT_ROLLED, /* of the journal */
    CHECKED,        /* a fold compared with its rebuild amid all this */
    MAIL_POSTED,
    PERSON_ERASED, /* keys */
    KEY_GIVEN,     /* to the reader outside */
    KEY_WITHHELD,  /* for named people only */
    N_DISASTERS
};
extern const char *const disaster_names[N_DISASTERS];

/* One process of the office. */
struct office_service {
    struct office *office;
    const struct svc_def *def;
    const char *instance, *fold; /* fold NULL: it is none */
    const char *query;           /* endpoint of the query socket beside the control socket; NULL */
    struct sim_instance *i;
    struct svc *svc;       /* of this boot */
    uint64_t head_at_boot; /* of the journal, as anybody was told */
    uint64_t heard_life;   /* in which it has heard of intake what credit it has */
    uint64_t epoch;        /* of a worker, as it said last */
    unsigned failed_starts;
};

/* What a reader of the feed may be sent, as intake has heard. */
struct office_credit {
    uint64_t peer;
    int64_t bytes;
    bool outside; /* it is our reader, with a role that does not get all keys */
};

struct office {
    struct sim *sim;
    struct audit audit;
    struct office_service services[OFFICE_MAX_SERVICES];
    unsigned n_services;
    struct sim_instance *inspector; /* asks and arranges; nothing happens to it */
    struct env *inspector_env;
    /* reader.c */
    struct sim_instance *reader;
    struct env *reader_env;
    struct feed *feed;
    uint8_t journal_uuid[16];
    bool has_uuid;
    uint64_t read_seq; /* as the feed gave them */
    uint8_t read_hash[HASH_BYTES];
    struct timer *reader_timer;
    uint64_t reader_keeps; /* bytes of blocks not given back */
    bool resting;          /* no faults any more */
    bool little_credit;    /* clients may have few commands unanswered */
    /* watch.c */
    struct sim_watch watch;
    struct arena watch_arena;
    char **segments;
    unsigned n_segments;
    struct idset leases;      /* tasks given to workers that live */
    struct idset erased_keys; /* told of */
    struct idset rows;        /* commands of folds, committed */
    uint64_t told_seq;        /* by intake to anybody */
    struct office_credit *credits;
    unsigned n_credits;
    struct shadow *shadow;
    struct mails *mails;
    struct mailman *mailman;
    struct people *people;
    uint64_t disasters[N_DISASTERS];
    uint64_t questions;
    int64_t rest_us; /* how long it took until all was quiet */
};

struct office *office_new(uint64_t seed, const char *policy_dir);
void office_free(struct office **p);
/* Runs until then, or until something is broken. */
void office_run(struct office *o, int64_t for_us);

/* reader.c */
void reader_start(struct office *o);

/* disasters.c: as office_run, with things that happen once in a while. */
void disasters_run(struct office *o, int64_t for_us);

/* people.c: whoever submits and works. */
struct people *people_new(struct office *o);
void people_free(struct people **p);
void people_limit(struct people *p, uint32_t most);
uint32_t people_acts(const struct people *p);          /* so far */
void people_rest(struct people *p);                    /* starts nothing new; what is open goes on */
const char *people_unanswered(const struct people *p); /* a command; NULL: all have their answers */
void people_accept_clock(struct people *p);
/* Everyone is there, with room for all. */
void people_all_present(struct people *p);
/* What only the end can show. */
void people_check(const struct people *p);
bool people_change_policy(struct people *p); /* false: not now */
unsigned people_accepted(const struct people *p);
struct people_count { /* of the commands of a kind */
    uint64_t accepted, refused;
};
const struct people_count *people_counts(const struct people *p); /* by the number of the kind */
/* With an id of its own, again until it is answered. */
void people_send(struct people *p, Kesu__V1__Command *command);

/* life.c: somebody does something with a case, or what is beside cases; or tries to. */
void life_act(struct office *o, struct people *p);
/* beside.c: customers, incidents, 8Ds, handovers. */
void beside_act(struct office *o, struct people *p);

/* finish.c: no faults any more; waits until all is quiet, then compares all with all. */
void finish(struct office *o);
/* In the middle: whoever answers must be right. False: nobody did. */
bool finish_check(struct office *o, const struct office_service *s);

#include "parts.h"

#endif
