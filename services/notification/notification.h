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
#include "mail.h"
#include "policy.h"
#include "rows.h"
#include "sched.h"
#include "stats.h"
#include "svc.h"

#define NOTIFICATION_MAX_RETRIES 32
#define NOTIFICATION_MAX_FLIGHTS 256

extern const struct svc_def notification_service;

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
    bool stale;      /* FLIGHT_COMMIT: the person was erased after the letter was made */
    struct mail_call *mail;
    struct http_call *http;
    int64_t began_us;
};

struct notification_settings {
    bool send;
    const char *smtp_url, *smtp_user, *smtp_password_file, *mail_from, *maildir;
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
    uint64_t restored_seq;          /* of the newest JournalRestored, as META has it */

    struct key scanned; /* intents up to here have an attempt */
    struct timer *timer;
    struct notification_flight *flights;
    unsigned n_flying;
    bool stopping;                               /* nothing new leaves */
    Kesu__V1__Gauge info_rows[2], *info_list[2]; /* of the answer to GetInfo in hand */
};

/* intents.c: events to intents. */
#define NOTIFICATION_N_EVENTS 25
extern const struct fold_row notification_intents_rows[NOTIFICATION_N_EVENTS];

/* What a notice tells of. Who is NULL is nobody. */
struct notification_cause {
    const char *on;      /* as in notify.yaml */
    const char *agent;   /* for notices to the agent */
    const char *manager; /* for notices to the manager */
    const Kesu__V1__ClockFired *clock;
    uint64_t
        words_seq; /* of the event with what is said to the customer, also of the answer to an incident */
};
/* Adds one intent a notice of this kind to the state and the table; returns how many. */
unsigned notification_intents_add(struct notification *n, struct fold *f, const struct fold_event *ev,
                                  const struct notification_cause *cause);

/* words.c: what staff says to the customer, and what is asked of staff. */
int notification_words_held(void *self, struct fold *f, const struct fold_event *ev);
int notification_words_undone(void *self, struct fold *f, const struct fold_event *ev);
int notification_words_sent(void *self, struct fold *f, const struct fold_event *ev);
int notification_words_reviewed(void *self, struct fold *f, const struct fold_event *ev);
int notification_words_opinion(void *self, struct fold *f, const struct fold_event *ev);
int notification_words_admitted(void *self, struct fold *f, const struct fold_event *ev);
int notification_words_appeal(void *self, struct fold *f, const struct fold_event *ev);
int notification_words_deadlock(void *self, struct fold *f, const struct fold_event *ev);
int notification_words_returned(void *self, struct fold *f, const struct fold_event *ev);
int notification_words_task(void *self, struct fold *f, const struct fold_event *ev);
int notification_words_transferred(void *self, struct fold *f, const struct fold_event *ev);
int notification_words_submitted(void *self, struct fold *f, const struct fold_event *ev);
int notification_words_reviewer(void *self, struct fold *f, const struct fold_event *ev);
/* This intent is gone: so are its words when no other has them. */
int notification_words_forget(struct notification *n, struct fold *f, const struct notification_intent *i);
int notification_words_erase(struct notification *n, struct fold *f, uint64_t case_id);

/* answers.c: of incidents. */
int notification_answers_given(void *self, struct fold *f, const struct fold_event *ev);
int notification_answers_shared(void *self, struct fold *f, const struct fold_event *ev);
/* What a member is told: in its language, else in the office's, else in the first. E_NOT_FOUND. */
int notification_answers_text(struct fold *f, uint64_t answer_seq, Kesu__V1__Language language,
                              Kesu__V1__Language office, struct arena *arena, const char **ret);

/* send.c */
void notification_send_reset(struct notification *n);         /* drops the flights */
void notification_send_pump(struct notification *n);          /* starts what may start */
bool notification_send_leaving(const struct notification *n); /* is one on its way? */
void notification_send_committed(struct notification *n);
void notification_send_erased(struct notification *n,
                              uint64_t case_id); /* letters not yet gone are made anew */
void notification_send_refused(struct notification *n, const Kesu__V1__RecordDelivery *told,
                               const Kesu__V1__Refused *refused);

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
