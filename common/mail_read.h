/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a mail (RFC 5322, MIME) as it came: nothing in it is trusted. */
#ifndef KESU_MAIL_READ_H
#define KESU_MAIL_READ_H

#include "mem.h"

#define MAIL_MAX_DEPTH       32  /* of nested parts; deeper ones are left out */
#define MAIL_MAX_PARTS       256 /* walked in all */
#define MAIL_MAX_ATTACHMENTS 64
#define MAIL_MAX_REFERENCES  48
#define MAIL_MAX_RECIPIENTS  64
#define MAIL_TEXT_BYTES      ((size_t)64 << 10) /* of text kept */

struct mail_attachment {
    const char *file_name;  /* never NULL; without any directory */
    const char *media_type; /* "image/png" */
    struct span content;    /* decoded */
};

/* All text is UTF-8 without NUL, all strings are there ("" when missing), all
 * live in the arena. Addresses are without angle brackets, ids too. */
struct mail_read {
    const char *message_id;
    const char *from_name, *from_address;
    const char *reply_to; /* first address */
    const char *subject;
    const char *date; /* as written */
    int64_t date_us;  /* 0 when unreadable */
    const char *text; /* what a person reads: plain text, else HTML without its tags */
    bool text_cut;    /* there was more of it, or parts were left out */
    const char *references[MAIL_MAX_REFERENCES]; /* In-Reply-To, then References from the last */
    unsigned n_references;
    const char *recipients[MAIL_MAX_RECIPIENTS]; /* To, Cc, Delivered-To, X-Original-To */
    unsigned n_recipients;
    struct mail_attachment attachments[MAIL_MAX_ATTACHMENTS];
    unsigned n_attachments;
    /* What tells a machine's mail from a person's. */
    const char *auto_submitted; /* first word, lower case */
    const char *precedence;     /* lower case */
    bool null_sender;           /* Return-Path: <> */
    bool list;                  /* any List-* header */
    bool report;                /* multipart/report, or a part of message/delivery-status */
    bool suppress_answers;      /* X-Auto-Response-Suppress, X-Autoreply and their like */
    unsigned n_received;
    bool has_headers; /* at least one header every mail has (From, Date, To, Subject, Received) */
};

/* E_NOMEM when it needs more than the arena may hold. Anything else that is
 * wrong with a mail is read as far as it goes. */
int mail_read(struct arena *arena, struct span raw, struct mail_read *ret);

/* Text of an HTML document: tags, scripts and styles left out, entities
 * resolved, blocks on lines of their own. in: UTF-8. From the arena. */
int mail_html_text(struct arena *arena, struct span html, struct span *ret);

/* The document as UTF-8 without NUL or other control characters but newline
 * and tab: what is no UTF-8 becomes U+FFFD. From the arena, NUL-ended; NULL past the limit. */
char *mail_clean_text(struct arena *arena, struct span text, size_t max);

#endif
