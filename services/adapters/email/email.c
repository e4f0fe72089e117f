/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon: one or more Maildirs, each with its mailbox. */
#include "email.h"

#include "err.h"
#include "log.h"

struct email_daemon {
    struct env *env;
    struct svc *svc;
    struct email email;
    struct email_maildir **maildirs;
    unsigned n_maildirs;
};

const struct conf_def email_settings[] = {
    {"maildirs", CONF_LIST, "", 0, 0, NULL, "Maildirs to take mail from, each ADDRESS=DIRECTORY"},
    {"mailbox", CONF_STRING, "complaints@localhost", 0, 0, NULL, "with --pipe: the address the mail came to"},
    {"sender", CONF_STRING, "unknown", 0, 0, NULL, "with --pipe: the envelope sender; empty or <> for none"},
    {"pipe-timeout", CONF_DURATION, "30s", 100000, INT64_C(600000000), NULL,
     "with --pipe: how long to wait for intake before exit 75"},
    {"max-mail-size", CONF_SIZE, "25MiB", 1024, (int64_t)EMAIL_MAX_BYTES, NULL, "larger mails are set aside"},
    {.name = NULL},
};

static void stop(void *self)
{
    struct email_daemon *d = self;
    struct mem *mem = &d->env->mem;
    for (unsigned i = 0; i < d->n_maildirs; i++) email_maildir_close(d->maildirs[i]);
    email_close(&d->email);
    mem_free(mem, d->maildirs);
    mem_free(mem, d);
}

static int open_maildirs(struct email_daemon *d, const struct conf *conf)
{
    const char *const *list;
    unsigned n = conf_list(conf, "maildirs", &list);
    d->maildirs = mem_zalloc(&d->env->mem, (n + 1) * sizeof(struct email_maildir *));
    for (unsigned i = 0; i < n; i++) {
        const char *equals = strchr(list[i], '=');
        if (equals == NULL || equals == list[i] || equals[1] == 0) {
            log_error(d->env, "maildirs: each must be ADDRESS=DIRECTORY", LOG_STR("found", list[i]));
            return E_SYNTAX;
        }
        char *mailbox = mem_strdup(&d->env->mem, list[i]);
        mailbox[equals - list[i]] = 0;
        int rc = email_maildir_open(&d->email, equals + 1, mailbox, &d->maildirs[i]);
        mem_free(&d->env->mem, mailbox);
        if (rc < 0) {
            log_error(d->env, "cannot open the Maildir", LOG_STR("dir", equals + 1), LOG_ERR(rc));
            return rc;
        }
        d->n_maildirs = i + 1;
    }
    return 0;
}

static void on_forget(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct email_daemon *d = self;
    const Kesu__V1__ForgetMails *f = request->forget_mails;
    Kesu__V1__Done done = KESU__V1__DONE__INIT;
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    unsigned n = 0;
    int rc = email_forget(&d->email, f->addresses, f->n_addresses, &n);
    if (rc != 0) {
        svc_refuse(d->svc, peer, request->id, rc, "forget_mails", err_text(rc));
        return;
    }
    done.count = n;
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_DONE;
    reply.done = &done;
    svc_answer(d->svc, peer, request->id, &reply);
}

static const struct svc_control_row controls[] = {
    {KESU__V1__CONTROL_REQUEST__BODY_FORGET_MAILS, on_forget},
};

static int start(struct svc *svc, void **ret_self)
{
    struct env *env = svc_env(svc);
    struct email_daemon *d = mem_zalloc(&env->mem, sizeof(*d));
    d->env = env;
    d->svc = svc;
    struct place intake = {0};
    int rc = svc_peer(svc, "intake-new", &intake);
    const struct email_opts opts = {.intake = intake,
                                    .blob_dir = svc_path(svc, "blobs"),
                                    .keep_dir = svc_path(svc, "email"),
                                    .max_bytes = (size_t)conf_int(svc_conf(svc), "max-mail-size")};
    if (rc == 0) rc = email_open(&d->email, env, &opts);
    if (rc == 0) rc = open_maildirs(d, svc_conf(svc));
    if (rc == 0) rc = svc_control(svc, controls, sizeof(controls) / sizeof(*controls), NULL, d);
    if (rc < 0) {
        stop(d);
        return rc;
    }
    *ret_self = d;
    return 0;
}

const struct svc_def email_service = {
    .name = "email",
    .summary = "takes mail: from Maildirs, or one mail with --pipe",
    .settings = email_settings,
    .start = start,
    .stop = stop,
};
