/* SPDX-License-Identifier: Apache-2.0 */
/* Taking one mail. Read it; what is no mail goes aside; attachments are on disk
 * before the command that names them leaves; the reply decides. Refused for
 * now means later, refused for good means aside with intake's reason; a bounce
 * that names no case of ours is kept beside as automatic. */
#include <stdio.h>

#include "clock.h"
#include "email.h"
#include "err.h"
#include "log.h"
#include "stats.h"
#include "uuid.h"

/* Reading needs the decoded copy, the text and what GMime was told. */
#define ARENA_BYTES(n) ((n)*6 + ((size_t)4 << 20))

const char *const email_outcome_names[EMAIL_N_OUTCOMES] = {"opened",    "joined", "duplicate",
                                                           "automatic", "aside",  "later"};

struct taking {
    struct taking *next, **at; /* of email->takings */
    struct email *email;
    email_on_outcome on_outcome;
    void *self;
    enum email_kind kind;
    const char *kind_reason;
    struct span raw; /* a copy, for setting aside after the reply */
};

static void forget(struct taking *t)
{
    struct mem *mem = &t->email->env->mem;
    *t->at = t->next;
    if (t->next != NULL) t->next->at = t->at;
    mem_free(mem, (void *)t->raw.p);
    mem_free(mem, t);
}

static void finish(struct taking *t, enum email_outcome outcome, const char *reason)
{
    struct email *e = t->email;
    stats_add(e->outcomes[outcome], 1);
    log_info(e->env, "mail", LOG_STR("outcome", email_outcome_names[outcome]), LOG_STR("reason", reason));
    t->on_outcome(t->self, outcome, reason);
    forget(t);
}

/* When even that fails the mail stays where it is. */
static void keep_beside(struct taking *t, enum email_outcome outcome, const char *reason)
{
    struct email *e = t->email;
    const char *dir = outcome == EMAIL_ASIDE ? e->aside_dir : e->automatic_dir;
    int rc = email_set_aside(e->env, dir, t->raw, reason);
    if (rc < 0) {
        log_error(e->env, "cannot set a mail aside", LOG_STR("dir", dir), LOG_ERR(rc));
        finish(t, EMAIL_LATER, err_text(rc));
        return;
    }
    finish(t, outcome, reason);
}

static void on_reply(void *self, const Kesu__V1__Reply *reply)
{
    struct taking *t = self;
    if (reply->result_case == KESU__V1__REPLY__RESULT_ACCEPTED) {
        const Kesu__V1__Accepted *a = reply->accepted;
        enum email_outcome outcome = a->duplicate              ? EMAIL_DUPLICATE
                                     : t->kind != EMAIL_PERSON ? EMAIL_AUTOMATIC
                                     : a->joined               ? EMAIL_JOINED
                                                               : EMAIL_OPENED;
        finish(t, outcome, t->kind_reason);
        return;
    }
    const Kesu__V1__Refused *r = reply->refused;
    if (r->disposition == KESU__V1__DISPOSITION__DISPOSITION_RETRY) {
        finish(t, EMAIL_LATER, r->reason);
    } else if (t->kind == EMAIL_ANSWER && r->code == KESU__V1__ERROR_CODE__E_UNKNOWN) {
        keep_beside(t, EMAIL_AUTOMATIC, t->kind_reason);
    } else {
        char reason[512];
        snprintf(reason, sizeof(reason), "refused: %s: %s: %s", err_name(-(int)r->code), r->field, r->reason);
        keep_beside(t, EMAIL_ASIDE, reason);
    }
}

static int put_attachments(struct email *e, const struct mail_read *mail, struct arena *arena,
                           Kesu__V1__Attachment ***ret)
{
    Kesu__V1__Attachment **list = arena_zalloc(arena, (mail->n_attachments + 1) * sizeof(*list));
    if (list == NULL) return E_NOMEM;
    for (unsigned i = 0; i < mail->n_attachments; i++) {
        const struct mail_attachment *from = &mail->attachments[i];
        Kesu__V1__Attachment *a = arena_alloc(arena, sizeof(*a));
        uint8_t *name = arena_alloc(arena, HASH_BYTES);
        if (a == NULL || name == NULL) return E_NOMEM;
        kesu__v1__attachment__init(a);
        int rc = blob_put(e->blobs, from->content, name);
        if (rc < 0) return rc;
        a->blob = (ProtobufCBinaryData){HASH_BYTES, name};
        a->file_name = (char *)from->file_name;
        a->media_type = (char *)from->media_type;
        a->size = from->content.n;
        list[i] = a;
    }
    *ret = list;
    return 0;
}

static int send_mail(struct taking *t, const struct mail_read *mail, const char *mailbox, struct arena *arena)
{
    struct email *e = t->email;
    Kesu__V1__Attachment **attachments;
    int rc = put_attachments(e, mail, arena, &attachments);
    if (rc < 0) return rc;
    Kesu__V1__Command *command =
        email_command(mail, mailbox, t->kind, clock_wall_us(e->env),
                      (const Kesu__V1__Attachment *const *)attachments, mail->n_attachments, arena);
    if (command == NULL) return E_NOMEM;
    uint8_t id[UUID_BYTES];
    uuid_new(e->env, id);
    command->id = (ProtobufCBinaryData){sizeof(id), id};
    struct span encoded = codec_pack(command, arena);
    if (encoded.p == NULL) return E_NOMEM;
    command_send(e->client, id, encoded, on_reply, t);
    return 0;
}

void email_take(struct email *e, struct span raw, const char *mailbox, bool null_sender,
                email_on_outcome on_outcome, void *self)
{
    struct taking *t = mem_zalloc(&e->env->mem, sizeof(*t));
    *t = (struct taking){.email = e,
                         .on_outcome = on_outcome,
                         .self = self,
                         .kind_reason = "",
                         .raw = span_of(mem_dup(&e->env->mem, raw), raw.n),
                         .next = e->takings,
                         .at = &e->takings};
    if (t->next != NULL) t->next->at = &t->next;
    e->takings = t;
    if (raw.n > e->max_bytes) {
        keep_beside(t, EMAIL_ASIDE, "larger than max-mail-size");
        return;
    }
    struct arena arena;
    arena_init(&arena, &e->env->mem, ARENA_BYTES(raw.n));
    struct mail_read mail;
    int rc = mail_read(&arena, raw, &mail);
    const char *unreadable = rc < 0 ? "it unfolds to more than its size allows" : email_unreadable(&mail);
    if (unreadable != NULL) {
        keep_beside(t, EMAIL_ASIDE, unreadable);
    } else {
        t->kind = email_kind(&mail, mailbox, null_sender, &t->kind_reason);
        rc = send_mail(t, &mail, mailbox, &arena);
        if (rc == E_NOMEM || rc == E_TOO_BIG)
            keep_beside(t, EMAIL_ASIDE, "larger than a complaint may be");
        else if (rc < 0)
            finish(t, EMAIL_LATER, err_text(rc));
    }
    arena_deinit(&arena);
}

int email_open(struct email *e, struct env *env, const struct email_opts *opts)
{
    *e = (struct email){.env = env, .max_bytes = opts->max_bytes};
    struct arena paths;
    arena_init(&paths, &env->mem, 4096);
    e->aside_dir = mem_strdup(&env->mem, arena_printf(&paths, "%s/aside", opts->keep_dir));
    e->automatic_dir = mem_strdup(&env->mem, arena_printf(&paths, "%s/automatic", opts->keep_dir));
    arena_deinit(&paths);
    for (unsigned i = 0; i < EMAIL_N_OUTCOMES; i++) {
        char labels[64];
        snprintf(labels, sizeof(labels), "outcome=\"%s\"", email_outcome_names[i]);
        e->outcomes[i] = stats_value(env->stats, STATS_COUNTER, "kesu_email_mails_total", labels,
                                     "Mails by what became of them");
    }
    int rc = blob_open(env, opts->blob_dir, &e->blobs);
    if (rc < 0) return rc;
    const struct command_client_opts client = {
        .endpoint = opts->intake.endpoint, .client = "email", .keys = opts->intake.keys};
    return command_client_open(env, &client, &e->client);
}

void email_close(struct email *e)
{
    command_client_close(e->client);
    while (e->takings != NULL) forget(e->takings);
    blob_close(e->blobs);
    mem_free(&e->env->mem, (void *)e->aside_dir);
    mem_free(&e->env->mem, (void *)e->automatic_dir);
}
