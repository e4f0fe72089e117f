/* SPDX-License-Identifier: Apache-2.0 */
/* The service: settings, the fold's hooks, start and stop. */
#include "notification.h"

#include "check.h"
#include "clock.h"
#include "err.h"
#include "files.h"
#include "fold_control.h"
#include "log.h"
#include "mail_write.h"
#include "webhook.h"

#define SECRETS_MAX_BYTES ((size_t)4096)

static const struct conf_def settings[] = {
    {"send", CONF_BOOL, "true", 0, 0, NULL, "false: nothing leaves, what is to be told waits"},
    {"smtp-url", CONF_STRING, "smtp://127.0.0.1:25", 0, 0, NULL,
     "server that takes our mail, smtp:// or smtps://; empty: all mail goes into the maildir"},
    {"smtp-user", CONF_STRING, "", 0, 0, NULL, "name to log in with; empty: no login"},
    {"smtp-password-file", CONF_PATH, "", 0, 0, NULL, "file with the password, one line"},
    {"mail-from", CONF_STRING, "", 0, 0, NULL, "sender's address; empty: the policy's"},
    {"maildir", CONF_PATH, "", 0, 0, NULL,
     "directory for notices with transport maildir, and for all mail without an smtp-url"},
    {"webhook-secret-file", CONF_PATH, "", 0, 0, NULL,
     "lines of whsec_ and base64, the newest first; empty: webhooks are not signed"},
    {"webhook-allow-private", CONF_BOOL, "false", 0, 0, NULL,
     "webhooks may go to private networks and this host"},
    {"max-in-flight", CONF_INT, "4", 1, NOTIFICATION_MAX_FLIGHTS, NULL,
     "messages on their way at once; OpenSMTPD lets six connections wait and may forget the seventh"},
    {"send-timeout", CONF_DURATION, "60s", 1000000, 3600000000, NULL, "longest that one sending may take"},
    {"retry-after", CONF_LIST, "1m,5m,15m,1h,4h,12h,24h", 0, 0, NULL,
     "waits before each further attempt; after the last it is a dead letter"},
    {"language-wait", CONF_DURATION, "3s", 0, 60000000, NULL,
     "how long to wait for the language of a customer who did not say"},
    {0},
};

static int read_retries(struct notification *n, const struct conf *conf)
{
    const char *const *list;
    unsigned count = conf_list(conf, "retry-after", &list);
    if (count > NOTIFICATION_MAX_RETRIES) {
        log_error(n->env, "retry-after: at most 32 waits", LOG_U64("found", count));
        return E_RANGE;
    }
    for (unsigned i = 0; i < count; i++) {
        int err = conf_parse_duration(list[i], &n->set.retry_us[i]);
        if (err == 0 && n->set.retry_us[i] > 30 * USEC_PER_DAY) err = E_RANGE;
        if (err != 0) {
            log_error(n->env, "retry-after: each must be a duration of at most 30d",
                      LOG_STR("found", list[i]));
            return err;
        }
    }
    n->set.n_retries = count;
    return 0;
}

static int read_secrets(struct notification *n, const char *path)
{
    struct span content;
    if (path[0] == '\0') return 0;
    int err = files_read_all(n->env, path, SECRETS_MAX_BYTES, &content);
    if (err == 0) {
        const char *signature;
        struct arena arena;
        n->secrets = mem_zalloc(&n->env->mem, content.n + 1);
        memcpy(n->secrets, content.p, content.n);
        mem_free(&n->env->mem, (void *)(uintptr_t)content.p);
        arena_init(&arena, &n->env->mem, 65536);
        err = webhook_sign(&arena, n->secrets, "check", 0, SPAN_NONE, &signature);
        arena_deinit(&arena);
    }
    if (err != 0)
        log_error(n->env, "webhook-secret-file: lines of whsec_ and base64 of 24 to 64 bytes",
                  LOG_STR("path", path), LOG_ERR(err));
    return err;
}

static int read_settings(struct notification *n, const struct conf *conf)
{
    struct notification_settings *s = &n->set;
    s->send = conf_bool(conf, "send");
    s->smtp_url = conf_string(conf, "smtp-url");
    s->smtp_user = conf_string(conf, "smtp-user");
    s->smtp_password_file = conf_string(conf, "smtp-password-file");
    s->mail_from = conf_string(conf, "mail-from");
    s->maildir = conf_string(conf, "maildir");
    s->webhook_allow_private = conf_bool(conf, "webhook-allow-private");
    s->max_flights = (unsigned)conf_int(conf, "max-in-flight");
    s->timeout_us = conf_int(conf, "send-timeout");
    s->language_wait_us = conf_int(conf, "language-wait");
    if (s->mail_from[0] != '\0' && !mail_write_is_address(s->mail_from)) {
        log_error(n->env, "mail-from: must be local@domain", LOG_STR("found", s->mail_from));
        return E_SYNTAX;
    }
    int err = read_retries(n, conf);
    return err != 0 ? err : read_secrets(n, conf_string(conf, "webhook-secret-file"));
}

static void make_metrics(struct notification *n)
{
    struct stats *s = n->env->stats;
    struct notification_metrics *m = &n->m;
    const struct {
        struct stats_value **value;
        enum stats_kind kind;
        const char *name, *help;
    } rows[] = {
        {&m->queued, STATS_GAUGE, "kesu_notification_queued",
         "messages without an outcome, and dead letters"},
        {&m->flying, STATS_GAUGE, "kesu_notification_in_flight", "messages on their way"},
        {&m->intents, STATS_COUNTER, "kesu_notification_intents_total", "messages that became due"},
        {&m->delivered, STATS_COUNTER, "kesu_notification_delivered_total",
         "messages taken by the other side"},
        {&m->given_up, STATS_COUNTER, "kesu_notification_given_up_total", "messages given up"},
        {&m->not_sent, STATS_COUNTER, "kesu_notification_not_sent_total",
         "messages with nobody to send them to"},
        {&m->retried, STATS_COUNTER, "kesu_notification_retried_total", "further attempts"},
        {&m->repeated, STATS_COUNTER, "kesu_notification_repeated_total",
         "attempts whose answer was lost, and which are made again with the same Message-ID"},
        {&m->held, STATS_COUNTER, "kesu_notification_held_total",
         "messages held for a person after a rebuild"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        *rows[i].value = stats_value(s, rows[i].kind, rows[i].name, NULL, rows[i].help);
    m->send_time = stats_histogram(s, "kesu_notification_send_seconds", NULL, "time of one sending");
}

/* ---- hooks ---- */

static int on_open(void *self, struct fold *f)
{
    struct notification *n = self;
    n->queued = n->stored_queued = notification_get_number(f, "queued");
    n->rebuilt_to = notification_get_number(f, "rebuilt_to");
    n->restored_seq = notification_get_number(f, "restored_seq");
    return 0;
}

static void on_reset(void *self, struct fold *f)
{
    struct notification *n = self;
    (void)f;
    notification_send_reset(n);
}

/* The fold forgets that it was rebuilt once it is live; intents of that time may wait longer. */
static int on_commit(void *self, struct fold *f)
{
    struct notification *n = self;
    if (n->queued != n->stored_queued) {
        n->stored_queued = n->queued;
        notification_put_number(f, "queued", n->queued);
    }
    if (fold_rebuilt_to(f) > n->rebuilt_to) {
        n->rebuilt_to = fold_rebuilt_to(f);
        notification_put_number(f, "rebuilt_to", n->rebuilt_to);
    }
    return 0;
}

static void on_committed(void *self, struct fold *f)
{
    struct notification *n = self;
    stats_set(n->m.queued, (int64_t)n->queued);
    if (!fold_live(f) || n->fold == NULL) return;
    notification_send_committed(n);
    notification_send_pump(n);
}

static void on_refused(void *self, struct fold *f, const Kesu__V1__Command *command,
                       const Kesu__V1__Refused *refused)
{
    (void)f;
    if (command->body_case == KESU__V1__COMMAND__BODY_RECORD_DELIVERY)
        notification_send_refused(self, command->record_delivery, refused);
}

static void on_timer(void *self)
{
    notification_send_pump(self);
}

/* ---- a second state, for comparing ---- */

static int aside_open(void *self, void **ret_self)
{
    struct notification *n = self;
    struct notification *aside = mem_zalloc(&n->env->mem, sizeof *aside);
    aside->env = n->env;
    *ret_self = aside;
    return 0;
}

static void aside_close(void *self)
{
    struct notification *aside = self;
    mem_free(&aside->env->mem, aside);
}

static const struct fold_def fold_def = {
    .name = "notification",
    .version = 3,
    .tables = notification_tables,
    .n_tables = NOTIFICATION_N_TABLES,
    .rows = notification_intents_rows,
    .n_rows = NOTIFICATION_N_EVENTS,
    .personal = true,
    .without = CODEC_CLOCKS,
    .sync = STORE_SYNC_FULL,
    .on_open = on_open,
    .on_reset = on_reset,
    .on_commit = on_commit,
    .on_committed = on_committed,
    .on_refused = on_refused,
    .aside_open = aside_open,
    .aside_close = aside_close,
    .local_tables = 1U << NOTIFICATION_ATTEMPTS | 1U << NOTIFICATION_RETRIES | 1U << NOTIFICATION_LETTERS |
                    1U << NOTIFICATION_META,
};

/* ---- what operators ask ---- */

static const struct svc_control_row controls[] = {
    {KESU__V1__CONTROL_REQUEST__BODY_LIST_DEAD_LETTERS, notification_letters_list},
    {KESU__V1__CONTROL_REQUEST__BODY_RESEND_DEAD_LETTERS, notification_letters_resend},
};

static void on_info(void *self, Kesu__V1__Info *info)
{
    struct notification *n = self;
    static const char *const names[] = {"queued", "in_flight"};
    n->info_rows[0] = n->info_rows[1] = (Kesu__V1__Gauge)KESU__V1__GAUGE__INIT;
    for (unsigned i = 0; i < 2; i++) {
        n->info_rows[i].name = (char *)(uintptr_t)names[i];
        n->info_list[i] = &n->info_rows[i];
    }
    n->info_rows[0].value = (int64_t)n->queued;
    n->info_rows[1].value = (int64_t)n->n_flying;
    info->gauges = n->info_list;
    info->n_gauges = 2;
}

/* ---- start and stop ---- */

static void stop(void *self)
{
    struct notification *n = self;
    struct env *env = n->env;
    notification_send_reset(n);
    fold_close(n->fold);
    timer_free(env, n->timer);
    mem_free(&env->mem, n->flights);
    mem_free(&env->mem, n->secrets);
    mem_free(&env->mem, n);
}

static int start(struct svc *svc, void **ret_self)
{
    struct env *env = svc_env(svc);
    struct notification *n = mem_zalloc(&env->mem, sizeof *n);
    n->env = env;
    n->svc = svc;
    make_metrics(n);
    n->timer = timer_new(env, on_timer, n);
    int rc = read_settings(n, svc_conf(svc));
    if (rc == 0) {
        n->flights = mem_zalloc(&env->mem, n->set.max_flights * sizeof *n->flights);
        rc = fold_open_svc(svc, &fold_def, true, n, &n->fold);
    }
    if (rc == 0) rc = fold_control(n->fold, svc, controls, sizeof controls / sizeof controls[0], on_info, n);
    if (rc != 0) {
        stop(n);
        return rc;
    }
    *ret_self = n;
    return 0;
}

static const char *not_ready(void *self)
{
    struct notification *n = self;
    return fold_not_ready(n->fold);
}

/* A mail cut off may have arrived, and would have to be sent again. */
static bool finishing(void *self)
{
    struct notification *n = self;
    n->stopping = true;
    return notification_send_leaving(n);
}

const struct svc_def notification_service = {
    .name = "notification",
    .summary = "tells customers, agents and managers",
    .settings = settings,
    .start = start,
    .stop = stop,
    .not_ready = not_ready,
    .finishing = finishing,
};
