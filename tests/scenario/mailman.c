/* SPDX-License-Identifier: Apache-2.0 */
/* Mail of customers, as an MTA leaves it in a Maildir: written aside, synced,
 * moved to new/. Some come twice, some answer what the office wrote, some have
 * something attached. A mail leaves new/ when its message is in the journal,
 * not before. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "../../services/adapters/email/email.h"
#include "check.h"
#include "clock.h"
#include "files.h"
#include "office.h"

#define ARENA_BYTES ((size_t)4 << 20)

struct posted {
    char name[32];
    uint8_t id[16]; /* as the auditor keeps it */
    bool taken;
};

struct mailman {
    struct office *o;
    struct posted *posted;
    unsigned n, n_written; /* the same mail may be posted twice */
    char *last;            /* text of the newest */
};

struct mailman *mailman_new(struct office *o)
{
    struct mailman *m = calloc(1, sizeof *m);
    CHECK(m != NULL);
    m->o = o;
    CHECK(files_mkdir(o->inspector_env, OFFICE_MAIL "/new") == 0);
    CHECK(files_mkdir(o->inspector_env, OFFICE_MAIL "/cur") == 0);
    CHECK(files_mkdir(o->inspector_env, OFFICE_MAIL "/tmp") == 0);
    return m;
}

void mailman_free(struct mailman **p)
{
    struct mailman *m = *p;
    if (m == NULL) return;
    *p = NULL;
    free(m->posted);
    free(m->last);
    free(m);
}

static bool identify(const char *text, uint8_t ret[16])
{
    struct arena arena;
    struct mail_read mail;
    uint8_t hash[HASH_BYTES];
    arena_init(&arena, &mem_libc, ARENA_BYTES);
    bool read = mail_read(&arena, span_str(text), &mail) == 0;
    if (read) email_identity(&mail, OFFICE_MAILBOX, hash);
    arena_deinit(&arena);
    if (!read) return false;
    memcpy(ret, hash, 16);
    ret[0] ^= (uint8_t)KESU__V1__CHANNEL__CHANNEL_EMAIL;
    return true;
}

static void deliver(struct mailman *m, const char *text)
{
    struct env *env = m->o->inspector_env;
    struct file *f = NULL;
    char from[100], to[100], name[32];
    snprintf(name, sizeof name, "%u.scenario", m->n);
    snprintf(from, sizeof from, OFFICE_MAIL "/tmp/%s", name);
    snprintf(to, sizeof to, OFFICE_MAIL "/new/%s", name);
    CHECK(file_open(env, from, FILE_EXCLUSIVE, &f) == 0);
    CHECK(file_write(env, f, 0, text, strlen(text)) == 0 && file_sync(env, f) == 0);
    file_close(env, f);
    if ((m->n & (m->n - 1)) == 0) {
        m->posted = realloc(m->posted, (m->n > 0 ? 2 * m->n : 1) * sizeof *m->posted);
        CHECK(m->posted != NULL);
    }
    struct posted *p = &m->posted[m->n++];
    *p = (struct posted){.taken = false};
    snprintf(p->name, sizeof p->name, "%s", name);
    CHECK(identify(text, p->id));
    CHECK(files_rename(env, from, to) == 0);
}

/* Where an answer to something the office wrote goes; NULL: nothing was written. */
static const char *any_reply_to(struct office *o, char ret[320])
{
    const struct sim_mail *mails;
    unsigned n = sim_mails(o->sim, &mails);
    if (n == 0) return NULL;
    const struct sim_mail *m = &mails[sim_random(o->sim, n)];
    if (m->headers != NULL) return NULL;
    mails_header(m->message, "reply-to:", ret);
    return ret[0] != '\0' ? ret : NULL;
}

void mailman_post(struct mailman *m)
{
    static const char *const bodies[] = {"The parcel was late again.", "I want my money back.",
                                         "It arrived broken, water damage.", "杯子破損，要求退款"};
    struct office *o = m->o;
    char text[3000], answer[320], attached[600] = "";
    if (m->last != NULL && sim_random(o->sim, 5) == 0) { /* the MTA did not know that it had */
        deliver(m, m->last);
        return;
    }
    const char *to = sim_random(o->sim, 3) == 0 ? any_reply_to(o, answer) : NULL;
    unsigned number = m->n_written++, customer = (unsigned)sim_random(o->sim, 14);
    const char *body = bodies[sim_random(o->sim, 4)];
    bool has_part = sim_random(o->sim, 3) == 0;
    if (has_part)
        snprintf(attached, sizeof attached,
                 "--b%u\r\nContent-Type: image/png; name=\"photo.png\"\r\nContent-Disposition: attachment; "
                 "filename=\"photo.png\"\r\n\r\nphoto number %u\r\n--b%u--\r\n",
                 number, number % 7, number);
    int n = snprintf(text, sizeof text,
                     "From: Customer %u <c%u@customers.example>\r\nTo: %s\r\nSubject: Complaint %u\r\n"
                     "Message-ID: <mail%u@customers.example>\r\nDate: Mon, 24 Nov 2025 16:00:00 +0000\r\n"
                     "MIME-Version: 1.0\r\n",
                     customer, customer, to != NULL ? to : OFFICE_MAILBOX, number, number);
    if (has_part)
        snprintf(text + n, sizeof text - (size_t)n,
                 "Content-Type: multipart/mixed; boundary=b%u\r\n\r\n--b%u\r\nContent-Type: text/plain; "
                 "charset=utf-8\r\n\r\n%s\r\n%s",
                 number, number, body, attached);
    else
        snprintf(text + n, sizeof text - (size_t)n, "Content-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n",
                 body);
    deliver(m, text);
    free(m->last);
    m->last = strdup(text);
}

void mailman_renamed(struct mailman *m, const char *from, const char *to)
{
    static const char new_dir[] = OFFICE_MAIL "/new/";
    if (strncmp(from, new_dir, sizeof new_dir - 1) != 0) return;
    for (unsigned i = 0; i < m->n; i++) {
        if (strcmp(m->posted[i].name, from + sizeof new_dir - 1) != 0) continue;
        m->posted[i].taken = true;
        if (!idset_find(&m->o->audit.externals, m->posted[i].id, NULL))
            audit_broken(&m->o->audit, "%s goes to %s, but its message is not in the journal", from, to);
    }
}

const char *mailman_waiting(const struct mailman *m)
{
    for (unsigned i = 0; i < m->n; i++)
        if (!m->posted[i].taken) return m->posted[i].name;
    return NULL;
}

unsigned mailman_posted(const struct mailman *m)
{
    return m->n;
}
