/* SPDX-License-Identifier: Apache-2.0 */
/* The ways out: an SMTP server, a Maildir (tmp, synced, renamed to new), a
 * signed POST. */

#include "clock.h"
#include "err.h"
#include "files.h"
#include "log.h"
#include "notification.h"
#include "webhook.h"

const char *notification_transport_name(enum notification_transport t)
{
    static const char *const names[] = {"smtp", "maildir", "webhook"};
    return names[t];
}

static void on_mail_done(void *self, enum port_outcome outcome, const char *detail)
{
    notification_outcome(self, outcome, detail);
}

static void on_http_done(void *self, enum port_outcome outcome, int status, const char *detail)
{
    (void)status; /* stands in the detail */
    notification_outcome(self, outcome, detail);
}

static int start_smtp(struct notification_flight *f)
{
    const struct notification_settings *set = &f->n->set;
    struct mail_request request = {
        .url = set->smtp_url,
        .from = f->letter.from,
        .to = f->letter.to,
        .message = f->letter.body,
        .user = set->smtp_user[0] != '\0' ? set->smtp_user : NULL,
        .password_path = set->smtp_password_file[0] != '\0' ? set->smtp_password_file : NULL,
        .timeout_us = set->timeout_us,
        .on_done = on_mail_done,
        .self = f,
    };
    return mail_send(f->n->env, &request, &f->mail);
}

static int start_webhook(struct notification_flight *f)
{
    struct notification *n = f->n;
    const char *signature = NULL;
    int64_t now_s = clock_wall_us(n->env) / USEC_PER_SEC;
    const char *headers[4] = {"Content-Type: application/json"};
    unsigned n_headers = 3;
    headers[1] = arena_printf(&f->arena, "webhook-id: %s", f->letter.message_id);
    headers[2] = arena_printf(&f->arena, "webhook-timestamp: %lld", (long long)now_s);
    if (n->secrets != NULL) {
        int err =
            webhook_sign(&f->arena, n->secrets, f->letter.message_id, now_s, f->letter.body, &signature);
        if (err != 0) return err;
        headers[n_headers++] = arena_printf(&f->arena, "webhook-signature: %s", signature);
    }
    for (unsigned i = 0; i < n_headers; i++)
        if (headers[i] == NULL) return E_NOMEM;
    struct http_request request = {
        .url = f->letter.url,
        .headers = headers,
        .n_headers = n_headers,
        .body = f->letter.body,
        .timeout_us = n->set.timeout_us,
        .allow_private = n->set.webhook_allow_private,
        .on_done = on_http_done,
        .self = f,
    };
    return http_post(n->env, &request, &f->http);
}

/* The file's name comes from the Message-ID: repeating it replaces the file. */
static int write_maildir(struct notification_flight *f)
{
    struct notification *n = f->n;
    struct file *file;
    const char *dir = n->set.maildir;
    int id_n = (int)strcspn(f->letter.message_id, "@");
    const char *tmp_dir = arena_printf(&f->arena, "%s/tmp", dir),
               *new_dir = arena_printf(&f->arena, "%s/new", dir);
    const char *tmp = arena_printf(&f->arena, "%s/tmp/%.*s", dir, id_n, f->letter.message_id);
    const char *to = arena_printf(&f->arena, "%s/new/%.*s", dir, id_n, f->letter.message_id);
    const char *cur_dir = arena_printf(&f->arena, "%s/cur", dir);
    if (tmp_dir == NULL || new_dir == NULL || tmp == NULL || to == NULL || cur_dir == NULL) return E_NOMEM;
    int err = files_mkdir(n->env, tmp_dir);
    if (err == 0) err = files_mkdir(n->env, new_dir);
    if (err == 0) err = files_mkdir(n->env, cur_dir);
    if (err == 0) err = file_open(n->env, tmp, FILE_CREATE, &file);
    if (err != 0) return err;
    err = file_resize(n->env, file, 0);
    if (err == 0) err = file_write(n->env, file, 0, f->letter.body.p, f->letter.body.n);
    if (err == 0 && file_sync(n->env, file) != 0)
        env_die(n->env, "a mail could not be synced into the Maildir");
    file_close(n->env, file);
    return err == 0 ? files_rename(n->env, tmp, to) : err;
}

void notification_transport_start(struct notification_flight *f)
{
    int err = 0;
    bool done = false;
    if (f->letter.transport == NOTIFICATION_SMTP) {
        err = start_smtp(f);
    } else if (f->letter.transport == NOTIFICATION_WEBHOOK) {
        err = start_webhook(f);
    } else if (f->n->set.maildir[0] == '\0') {
        err = E_UNSUPPORTED;
    } else {
        err = write_maildir(f);
        done = err == 0;
    }
    if (err == 0 && !done) return;
    if (err != 0)
        log_warn(f->n->env, "a message cannot leave", LOG_U64("cause", f->intent.cause_seq),
                 LOG_STR("transport", notification_transport_name(f->letter.transport)), LOG_ERR(err));
    notification_outcome(f,
                         done             ? PORT_DONE
                         : err == E_RANGE ? PORT_PERMANENT
                                          : PORT_TEMPORARY,
                         done ? "" : err_text(err));
}

void notification_transport_cancel(struct notification_flight *f)
{
    if (f->state != FLIGHT_SENDING) return;
    mail_cancel(f->n->env, f->mail);
    http_cancel(f->n->env, f->http);
    f->mail = NULL;
    f->http = NULL;
}
