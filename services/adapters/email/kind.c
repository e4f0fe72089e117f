/* SPDX-License-Identifier: Apache-2.0 */
/* Telling a machine's mail from a person's, so that no two machines ever
 * answer each other. A table of signs, the first that fits decides. */
#include <strings.h>

#include "email.h"

#define MOST_RECEIVED 50 /* hops; more is a loop */

struct sign {
    bool (*fits)(const struct mail_read *m, const char *mailbox, bool null_sender);
    enum email_kind kind;
    const char *reason;
};

static bool local_part_is(const char *address, const char *name)
{
    size_t n = strlen(name);
    return strncasecmp(address, name, n) == 0 && (address[n] == '@' || address[n] == 0);
}

static bool is_loop(const struct mail_read *m, const char *mailbox, bool null_sender)
{
    (void)null_sender;
    return m->n_received > MOST_RECEIVED || strcasecmp(m->from_address, mailbox) == 0;
}

static bool is_report(const struct mail_read *m, const char *mailbox, bool null_sender)
{
    (void)mailbox;
    (void)null_sender;
    return m->report;
}

static bool is_null_sender(const struct mail_read *m, const char *mailbox, bool null_sender)
{
    (void)mailbox;
    return m->null_sender || null_sender;
}

static bool is_daemon(const struct mail_read *m, const char *mailbox, bool null_sender)
{
    (void)mailbox;
    (void)null_sender;
    return local_part_is(m->from_address, "mailer-daemon") || local_part_is(m->from_address, "postmaster");
}

static bool is_auto_reply(const struct mail_read *m, const char *mailbox, bool null_sender)
{
    (void)mailbox;
    (void)null_sender;
    return strcmp(m->auto_submitted, "auto-replied") == 0 ||
           strcmp(m->auto_submitted, "auto-notified") == 0 || strcmp(m->precedence, "auto_reply") == 0;
}

static bool is_generated(const struct mail_read *m, const char *mailbox, bool null_sender)
{
    (void)mailbox;
    (void)null_sender;
    return *m->auto_submitted != 0 && strcmp(m->auto_submitted, "no") != 0;
}

static bool is_bulk(const struct mail_read *m, const char *mailbox, bool null_sender)
{
    (void)mailbox;
    (void)null_sender;
    return strcmp(m->precedence, "bulk") == 0 || strcmp(m->precedence, "junk") == 0 ||
           strcmp(m->precedence, "list") == 0;
}

static bool is_list(const struct mail_read *m, const char *mailbox, bool null_sender)
{
    (void)mailbox;
    (void)null_sender;
    return m->list;
}

static bool wants_no_answer(const struct mail_read *m, const char *mailbox, bool null_sender)
{
    (void)mailbox;
    (void)null_sender;
    return m->suppress_answers || local_part_is(m->from_address, "noreply") ||
           local_part_is(m->from_address, "no-reply") || local_part_is(m->from_address, "donotreply");
}

static const struct sign signs[] = {
    {is_loop, EMAIL_ANSWER, "a loop: from our own mailbox, or too many hops"},
    {is_report, EMAIL_ANSWER, "a report of delivery (RFC 3464)"},
    {is_null_sender, EMAIL_ANSWER, "null sender"},
    {is_daemon, EMAIL_ANSWER, "from a mail system"},
    {is_auto_reply, EMAIL_ANSWER, "an automatic answer (RFC 3834)"},
    {is_generated, EMAIL_MACHINE, "Auto-Submitted says a machine sent it (RFC 3834)"},
    {is_bulk, EMAIL_MACHINE, "Precedence says bulk, junk or list"},
    {is_list, EMAIL_MACHINE, "from a mailing list (RFC 2369)"},
    {wants_no_answer, EMAIL_MACHINE, "the sender wants no answer"},
};

enum email_kind email_kind(const struct mail_read *mail, const char *mailbox, bool null_sender,
                           const char **ret_reason)
{
    for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
        if (!signs[i].fits(mail, mailbox, null_sender)) continue;
        *ret_reason = signs[i].reason;
        return signs[i].kind;
    }
    *ret_reason = "";
    return EMAIL_PERSON;
}
