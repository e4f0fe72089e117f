/* SPDX-License-Identifier: Apache-2.0 */
/* The email adapter: real mail in, ReceiveMessage out.
 *
 *   pipe (from an MTA) ─┐                        ┌─ opened, joined, duplicate ─▶ yes to the outside
 *                       ├─▶ take ─▶ intake's reply┤
 *   Maildir ────────────┘     │                  └─ refused: later, or aside with the reason
 *                             └─▶ nobody's mail: automatic; no mail at all: aside
 *
 * It holds no store: a mail stays where it is until intake has it on disk, or
 * until it is set aside, synced, with its reason beside it. */
#ifndef KESU_EMAIL_H
#define KESU_EMAIL_H

#include "blob.h"
#include "command.h"
#include "mail_read.h"
#include "place.h"
#include "svc.h"

extern const struct svc_def email_service;
extern const struct conf_def email_settings[];

#define EMAIL_MAX_BYTES ((size_t)32 << 20) /* of a mail, the most the setting allows twice over */

enum email_outcome {
    EMAIL_OPENED,    /* a case */
    EMAIL_JOINED,    /* a case that was there */
    EMAIL_DUPLICATE, /* taken before */
    EMAIL_AUTOMATIC, /* a machine's: recorded without an answer, or kept beside with the reason */
    EMAIL_ASIDE,     /* no mail, or refused for good: kept beside with the reason */
    EMAIL_LATER,     /* not now; the mail stays where it is */
    EMAIL_N_OUTCOMES
};
extern const char *const email_outcome_names[EMAIL_N_OUTCOMES];

/* reason: one line, borrowed, without personal data. */
typedef void (*email_on_outcome)(void *self, enum email_outcome outcome, const char *reason);

struct email {
    struct env *env;
    struct command_client *client;
    struct blob *blobs;
    const char *aside_dir, *automatic_dir;
    size_t max_bytes;
    struct taking *takings; /* not answered yet */
    struct stats_value *outcomes[EMAIL_N_OUTCOMES];
};

struct email_opts {
    struct place intake; /* the lane for new cases */
    const char *blob_dir;
    const char *keep_dir; /* holds aside/ and automatic/ */
    size_t max_bytes;
};

int email_open(struct email *e, struct env *env, const struct email_opts *opts);
void email_close(struct email *e);

/* Takes one mail; on_outcome is called once, now or in a later turn. raw is not
 * needed after the call. mailbox: the address it came to; null_sender: the
 * envelope said <>. */
void email_take(struct email *e, struct span raw, const char *mailbox, bool null_sender,
                email_on_outcome on_outcome, void *self);

/* ---- the duties, each pure but for set_aside ------------------------------ */

enum email_kind {
    EMAIL_PERSON,  /* opens or joins, and is answered */
    EMAIL_MACHINE, /* bulk, list, generated: opens or joins, never answered */
    EMAIL_ANSWER,  /* bounce, vacation, loop: joins what it names, or is kept beside */
};
/* By RFC 3834, RFC 3464 and custom. ret_reason: static text. */
enum email_kind email_kind(const struct mail_read *mail, const char *mailbox, bool null_sender,
                           const char **ret_reason);

/* A tag as kesu prints it, "2611-000042.k7..." in an address after a plus or
 * in a subject in brackets. From the arena; NULL when there is none. */
const char *email_find_tag(const struct mail_read *mail, struct arena *arena);

/* The same for the same mail in the same mailbox: mailbox, Message-ID, From,
 * Date, subject, body. */
void email_identity(const struct mail_read *mail, const char *mailbox, uint8_t ret[HASH_BYTES]);

/* NULL when it is a mail one can work with, else why not. */
const char *email_unreadable(const struct mail_read *mail);

/* The command without its id; strings are borrowed from mail and arena. */
Kesu__V1__Command *email_command(const struct mail_read *mail, const char *mailbox, enum email_kind kind,
                                 int64_t received_at, const Kesu__V1__Attachment *const *attachments,
                                 unsigned n_attachments, struct arena *arena);

/* DIR/<hash of the mail>.mail and .reason, synced. */
int email_set_aside(struct env *env, const char *dir, struct span raw, const char *reason);

/* forget.c: overwrites and removes what is kept beside and names one of these addresses. */
int email_forget(struct email *e, char *const *addresses, size_t n_addresses, unsigned *ret_n);

/* ---- the two ways in ------------------------------------------------------- */

struct email_maildir;
/* Takes what is in DIR/new, one after the other, and looks again every second;
 * a mail that was taken or kept moves to DIR/cur. */
int email_maildir_open(struct email *e, const char *dir, const char *mailbox, struct email_maildir **ret);
void email_maildir_close(struct email_maildir *m); /* accepts NULL */

/* One mail from standard input; returns a status of sysexits.h: 0 taken, 75
 * not now (the MTA keeps it), 64 usage, 65 larger than can be kept, 78 settings. */
int email_pipe_main(int argc, char **argv);

#endif
