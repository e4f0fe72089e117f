/* SPDX-License-Identifier: Apache-2.0 */
/* From a mail to a ReceiveMessage: who, what, and which conversation. */
#include <ctype.h>

#include "email.h"
#include "err.h"

/* "dddd-dddddd", more digits allowed, a dot, then at least 8 of [a-z0-9].
 * Returns its length at s, 0 when there is none. */
static size_t tag_length(const char *s)
{
    size_t n = 0, digits = 0, mac = 0;
    while (n < 4 && isdigit((unsigned char)s[n])) n++;
    if (n != 4 || s[n++] != '-') return 0;
    while (isdigit((unsigned char)s[n + digits])) digits++;
    n += digits;
    if (digits < 6 || digits > 12 || s[n++] != '.') return 0;
    while (isalnum((unsigned char)s[n + mac])) mac++;
    return mac >= 8 && mac <= 64 ? n + mac : 0;
}

static const char *tag_in(const char *s, char before, struct arena *arena)
{
    for (const char *p = s; *p; p++) {
        if (*p != before) continue;
        size_t n = tag_length(p + 1);
        if (n == 0) continue;
        char *tag = arena_alloc(arena, n + 1);
        if (tag == NULL) return NULL;
        for (size_t i = 0; i < n; i++) tag[i] = (char)tolower((unsigned char)p[1 + i]);
        tag[n] = 0;
        return tag;
    }
    return NULL;
}

const char *email_find_tag(const struct mail_read *mail, struct arena *arena)
{
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        const char *tag = tag_in(mail->recipients[i], '+', arena);
        if (tag != NULL) return tag;
    }
    return tag_in(mail->subject, '[', arena);
}

void email_identity(const struct mail_read *mail, const char *mailbox, uint8_t ret[HASH_BYTES])
{
    const char *const parts[] = {mailbox,    mail->message_id, mail->from_address,
                                 mail->date, mail->subject,    mail->text};
    enum { N = sizeof(parts) / sizeof(*parts) };
    struct span pieces[N];
    /* With each NUL, so that no two divisions of the same bytes are alike. */
    for (unsigned i = 0; i < N; i++) pieces[i] = span_of(parts[i], strlen(parts[i]) + 1);
    uint8_t text[HASH_BYTES];
    hash_pieces(pieces, N, text);
    struct span all[1 + MAIL_MAX_ATTACHMENTS] = {span_of(text, sizeof(text))};
    for (unsigned i = 0; i < mail->n_attachments; i++) all[1 + i] = mail->attachments[i].content;
    hash_pieces(all, 1 + mail->n_attachments, ret);
}

const char *email_unreadable(const struct mail_read *mail)
{
    if (!mail->has_headers) return "no mail: it has none of the headers a mail has";
    if (*mail->from_address == 0 && !mail->null_sender) return "nobody sent it: no address in From or Sender";
    const char *p = mail->text;
    while (isspace((unsigned char)*p)) p++;
    if (*p == 0 && *mail->subject == 0 && mail->n_attachments == 0)
        return "empty: no text, subject or attachment";
    return NULL;
}

static Kesu__V1__Contact *contact(const char *address, struct arena *arena)
{
    Kesu__V1__Contact *c = arena_alloc(arena, sizeof(*c));
    if (c == NULL) return NULL;
    kesu__v1__contact__init(c);
    c->kind = KESU__V1__CONTACT__KIND__KIND_EMAIL;
    c->value = (char *)address;
    return c;
}

/* The address answers go to first; on lists Reply-To is the list's. */
static int set_contacts(const struct mail_read *mail, Kesu__V1__Personal *personal, struct arena *arena)
{
    personal->contacts = arena_zalloc(arena, 2 * sizeof(*personal->contacts));
    if (personal->contacts == NULL) return E_NOMEM;
    const char *addresses[2] = {mail->list ? "" : mail->reply_to, mail->from_address};
    if (strcasecmp(addresses[0], addresses[1]) == 0) addresses[0] = "";
    for (unsigned i = 0; i < 2; i++) {
        if (*addresses[i] == 0) continue;
        Kesu__V1__Contact *c = contact(addresses[i], arena);
        if (c == NULL) return E_NOMEM;
        personal->contacts[personal->n_contacts++] = c;
    }
    return 0;
}

static Kesu__V1__Personal *personal_of(const struct mail_read *mail,
                                       const Kesu__V1__Attachment *const *attachments, unsigned n_attachments,
                                       struct arena *arena)
{
    Kesu__V1__Personal *p = arena_alloc(arena, sizeof(*p));
    if (p == NULL) return NULL;
    kesu__v1__personal__init(p);
    p->name = (char *)mail->from_name;
    p->subject = (char *)mail->subject;
    /* Intake wants a subject or a text. */
    p->text = (char *)(*mail->text == 0 && *mail->subject == 0 ? "(attachments only)" : mail->text);
    p->attachments = (Kesu__V1__Attachment **)attachments;
    p->n_attachments = n_attachments;
    return set_contacts(mail, p, arena) < 0 ? NULL : p;
}

static Kesu__V1__ExternalRef *external_of(const struct mail_read *mail, const char *mailbox,
                                          struct arena *arena)
{
    Kesu__V1__ExternalRef *e = arena_alloc(arena, sizeof(*e));
    uint8_t *hash = arena_alloc(arena, HASH_BYTES);
    if (e == NULL || hash == NULL) return NULL;
    kesu__v1__external_ref__init(e);
    email_identity(mail, mailbox, hash);
    e->mailbox = (char *)mailbox;
    e->hash = (ProtobufCBinaryData){HASH_BYTES, hash};
    e->sent_at = mail->date_us;
    return e;
}

Kesu__V1__Command *email_command(const struct mail_read *mail, const char *mailbox, enum email_kind kind,
                                 int64_t received_at, const Kesu__V1__Attachment *const *attachments,
                                 unsigned n_attachments, struct arena *arena)
{
    Kesu__V1__Command *command = arena_alloc(arena, sizeof(*command));
    Kesu__V1__ReceiveMessage *m = arena_alloc(arena, sizeof(*m));
    Kesu__V1__Actor *actor = arena_alloc(arena, sizeof(*actor));
    if (command == NULL || m == NULL || actor == NULL) return NULL;
    kesu__v1__command__init(command);
    kesu__v1__receive_message__init(m);
    kesu__v1__actor__init(actor);
    actor->kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_CUSTOMER;
    actor->name = (char *)"email";
    command->actor = actor;
    command->body_case = KESU__V1__COMMAND__BODY_RECEIVE_MESSAGE;
    command->receive_message = m;
    m->channel = KESU__V1__CHANNEL__CHANNEL_EMAIL;
    m->received_at = received_at;
    m->external = external_of(mail, mailbox, arena);
    m->personal = personal_of(mail, attachments, n_attachments, arena);
    if (m->external == NULL || m->personal == NULL) return NULL;
    m->thread_keys = (char **)mail->references;
    m->n_thread_keys = mail->n_references;
    m->own_thread_key = (char *)mail->message_id;
    m->automatic = kind != EMAIL_PERSON;
    m->join_only = kind == EMAIL_ANSWER;
    const char *tag = email_find_tag(mail, arena);
    if (tag != NULL) m->reply_tag = (char *)tag;
    return command;
}
