/* SPDX-License-Identifier: Apache-2.0 */
/* Tells people: the customer, the agent, the manager.
 *
 *   event ──▶ intent ──▶ flight: attempt row committed ──▶ sent ──▶ outcome ──▶ RecordDelivery
 *               ▲                                            │
 *               └────────── later, with backoff ◀────────────┘
 *
 * An intent is removed by the event that records its outcome, never by us. */
#ifndef KESU_NOTIFICATION_H
#define KESU_NOTIFICATION_H

#include "fold.h"
#include "http.h"
#include "key.h"
#include "mail.h"
#include "policy.h"
#include "sched.h"
#include "stats.h"
#include "svc.h"

#define NOTIFICATION_ID_BYTES     65 /* of ids, with NUL */
#define NOTIFICATION_DETAIL_BYTES 201
#define NOTIFICATION_MAX_RETRIES  32
#define NOTIFICATION_MAX_FLIGHTS  256

extern const struct svc_def notification_service;

enum notification_table {
    NOTIFICATION_CASES,     /* case id -> CaseOpened without what we do not need */
    NOTIFICATION_STATES,    /* case id -> struct notification_state */
    NOTIFICATION_SUMMARIES, /* case id -> Sealed of the last resolution */
    NOTIFICATION_INTENTS,   /* cause, kind -> struct notification_intent */
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
    bool closed;
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
    bool dead; /* given up, as the journal says */
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

enum notification_transport { NOTIFICATION_SMTP, NOTIFICATION_MAILDIR, NOTIFICATION_WEBHOOK };

/* What is sent. Strings live in the flight's arena. */
struct notification_letter {
    enum notification_transport transport;
    const char *from, *to;  /* envelope */
    const char *url;        /* of the webhook */
    const char *message_id; /* also the webhook's id */
    struct span body;
};

struct notification;

struct notification_flight {
    struct notification *n;
    enum { FLIGHT_FREE, FLIGHT_KEYS, FLIGHT_COMMIT, FLIGHT_SENDING } state;
    struct notification_intent intent;
    struct notification_attempt attempt;
    struct notification_letter letter;
    struct arena arena;
    uint64_t key_id; /* FLIGHT_KEYS: waits for this one */
    struct mail_call *mail;
    struct http_call *http;
    int64_t began_us;
};

struct notification_settings {
    bool send;
    const char *smtp_url, *smtp_user, *smtp_password_file, *mail_from, *maildir, *webhook_secrets;
    bool webhook_allow_private;
    unsigned max_flights;
    int64_t timeout_us, language_wait_us;
    int64_t retry_us[NOTIFICATION_MAX_RETRIES];
    unsigned n_retries;
};

struct notification_metrics {
    struct stats_value *queued, *flying, *intents, *delivered, *given_up, *not_sent, *retried, *repeated,
        *held;
    struct stats_histogram *send_time;
};

struct notification {
    struct env *env;
    struct svc *svc;
    struct fold *fold; /* NULL in a second state that is only compared */
    struct notification_settings set;
    struct notification_metrics m;
    char *secrets; /* of webhooks, NULL when there are none */

    uint64_t queued, stored_queued; /* rows in INTENTS; as META has it */
    uint64_t rebuilt_to;            /* as META has it */

    struct key scanned; /* intents up to here have an attempt */
    bool scan_waits;    /* the next one is too young */
    struct timer *timer;
    struct notification_flight *flights;
    unsigned n_flying;
    Kesu__V1__Gauge info_rows[2], *info_list[2]; /* of the answer to GetInfo in hand */
};

extern const char *const notification_tables[NOTIFICATION_N_TABLES];

/* rows.c: what stands in the tables. Reading: 0, E_NOT_FOUND, E_CORRUPT. */
void notification_case_key(uint64_t case_id, struct key *ret);
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

/* intents.c: events to intents. */
#define NOTIFICATION_N_EVENTS 7
extern const struct fold_row notification_intents_rows[NOTIFICATION_N_EVENTS];

/* send.c */
void notification_send_reset(struct notification *n); /* drops the flights */
void notification_send_pump(struct notification *n);  /* starts what may start */
void notification_send_committed(struct notification *n);
void notification_send_answered(struct notification *n, const Kesu__V1__RecordDelivery *told,
                                const Kesu__V1__Reply *reply);

/* outcome.c: what became of a flight or an intent that needs none. */
void notification_outcome(struct notification_flight *flight, enum port_outcome outcome, const char *detail);
void notification_outcome_tell(struct notification *n, const struct notification_intent *i,
                               struct notification_attempt *a, Kesu__V1__DeliveryOutcome outcome,
                               const char *transport, const char *message_id, const char *detail);

/* transport.c: takes a committed flight out. */
void notification_transport_start(struct notification_flight *flight);
void notification_transport_cancel(struct notification_flight *flight);
const char *notification_transport_name(enum notification_transport t);

/* render.c: the letter of a flight, into its arena. 0; 1 and ret_reason:
 * nobody to send it to; E_NOT_FOUND and ret_key: that key is needed; another
 * error and ret_reason: it cannot be made. */
int notification_render(struct notification_flight *flight, const char **ret_reason, uint64_t *ret_key);
void notification_message_id(const uint8_t journal_uuid[16], uint64_t cause_seq, const char *kind,
                             uint32_t target, const char *domain, char *ret, size_t n);

/* letters.c: dead letters, as operators ask. */
void notification_letters_list(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request);
void notification_letters_resend(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request);

#endif
