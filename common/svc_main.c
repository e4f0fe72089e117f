/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon's life: settings, log, health, the instance, the loop, and the same
 * in reverse. Exit statuses are those of sysexits.h. */
#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "env_real.h"
#include "err.h"
#include "files.h"
#include "log.h"
#include "notify.h"
#include "sched.h"
#include "stats.h"
#include "svc_private.h"

#define READY_EVERY_US (100 * USEC_PER_MS)
#define FINISH_US      (5 * USEC_PER_SEC)
#define MAX_ENDPOINT   107 /* of a socket path, with its name */

struct daemon {
    const struct svc_def *def;
    struct conf *conf;
    struct env_real *real;
    struct env *env;
    struct health *health;
    struct svc *svc;
    struct timer *ready_timer;
    struct turn_hook *ready_hook;
    bool ready, finishing;
    struct stats_value *ready_metric;
    int64_t watchdog_us, fed_us; /* 0: nobody watches us */
};

static void tell_ready(struct daemon *d)
{
    const char *why = svc_not_ready(d->svc);
    health_set_ready(d->health, why);
    if ((why == NULL) != d->ready) {
        d->ready = why == NULL;
        stats_set(d->ready_metric, d->ready);
        if (d->ready)
            log_info(d->env, "ready");
        else
            log_warn(d->env, "not ready", LOG_STR("why", why));
        notify_send(d->ready ? "READY=1\nSTATUS=ready" : "STATUS=not ready");
    }
}

/* From the loop, so that one that no longer turns is noticed. */
static void feed_watchdog(struct daemon *d)
{
    int64_t now = clock_mono_us(d->env);
    if (d->watchdog_us == 0 || now - d->fed_us < d->watchdog_us / 3) return;
    d->fed_us = now;
    notify_send("WATCHDOG=1");
}

static void on_ready_timer(void *self)
{
    struct daemon *d = self;
    tell_ready(d);
    feed_watchdog(d);
    timer_set(d->env, d->ready_timer, clock_mono_us(d->env) + READY_EVERY_US);
}

/* Becoming ready is told at once, so that who waits for it need not wait for the timer. */
static void on_turn_end(void *self)
{
    struct daemon *d = self;
    if (d->finishing && !svc_finishing(d->svc)) env_stop(d->env, 0);
    if (!d->ready && !d->finishing) tell_ready(d);
}

/* Whoever may open the sockets may do everything: the directory must be ours and nobody else's. */
static int check_private(struct daemon *d, const char *run)
{
    struct stat st;
    if (stat(run, &st) != 0) return E_IO;
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) == 0 && st.st_uid == geteuid()) return 0;
    char mode[8];
    snprintf(mode, sizeof(mode), "%04o", (unsigned)st.st_mode & 07777u);
    log_error(d->env, "run-dir: the directory of the sockets must be ours, with mode 0700",
              LOG_STR("found", run), LOG_STR("mode", mode), LOG_U64("owner", st.st_uid),
              LOG_U64("we_are", geteuid()));
    return E_PERMISSION;
}

static int make_directories(struct daemon *d)
{
    const char *run = conf_string(d->conf, "run-dir"), *data = conf_string(d->conf, "data-dir");
    int e = files_mkdir(d->env, data);
    if (e == 0) e = files_mkdir(d->env, run);
    if (e < 0)
        log_error(d->env, "cannot make the directories", LOG_STR("data", data), LOG_STR("run", run),
                  LOG_ERR(e));
    return e == 0 ? check_private(d, run) : e;
}

static int open_health(struct daemon *d)
{
    struct health_opts opts = {
        .host = conf_string(d->conf, "http-host"),
        .port = (uint16_t)conf_int(d->conf, "http-port"),
        .stats = d->env->stats,
        .env = d->env,
        .last_turn_us = env_real_last_turn(d->real),
    };
    uint16_t port = 0;
    int e = health_open(&opts, &d->health, &port);
    if (e < 0) return e;
    char text[16];
    int n = snprintf(text, sizeof(text), "%u\n", port);
    char *path = mem_printf(&d->env->mem, "%s/%s.port", conf_string(d->conf, "run-dir"), d->env->name);
    e = files_replace(d->env, path, span_of(text, (size_t)n));
    mem_free(&d->env->mem, path);
    return e;
}

static int start(struct daemon *d)
{
    int e = make_directories(d);
    if (e == 0) e = open_health(d);
    if (e == 0) e = svc_new(d->env, d->def, d->conf, &d->svc);
    if (e < 0) return e;
    d->ready_metric = stats_value(d->env->stats, STATS_GAUGE, "kesu_ready", NULL, "1: ready");
    stats_set(stats_value(d->env->stats, STATS_GAUGE, "kesu_info", "version=\"" KESU_VERSION "\"",
                          "1, with the version of the program"),
              1);
    d->watchdog_us = notify_watchdog_us();
    d->ready_timer = timer_new(d->env, on_ready_timer, d);
    d->ready_hook = turn_hook_new(d->env, on_turn_end, d);
    timer_set(d->env, d->ready_timer, clock_mono_us(d->env));
    return 0;
}

static void on_finish_over(void *self)
{
    struct daemon *d = self;
    log_warn(d->env, "stops in the middle of something");
    env_stop(d->env, 0);
}

/* What is on its way gets a moment; a second signal ends it. */
static void finish(struct daemon *d)
{
    if (!svc_finishing(d->svc)) return;
    struct timer *limit = timer_new(d->env, on_finish_over, d);
    health_set_ready(d->health, "stopping");
    timer_free(d->env, d->ready_timer);
    d->ready_timer = NULL;
    d->finishing = true;
    timer_set(d->env, limit, clock_mono_us(d->env) + FINISH_US);
    (void)env_real_run(d->real);
    timer_free(d->env, limit);
}

static void stop(struct daemon *d)
{
    if (d->health != NULL) health_set_ready(d->health, "stopping");
    if (d->ready_timer != NULL) timer_free(d->env, d->ready_timer);
    if (d->ready_hook != NULL) turn_hook_free(d->env, d->ready_hook);
    svc_free(&d->svc);
    health_close(d->health);
    env_real_free(&d->real);
}

static int run(const struct svc_def *def, struct conf *conf)
{
    char instance[SVC_INSTANCE_BYTES];
    struct daemon d = {.def = def, .conf = conf};
    svc_instance_name(conf, def, instance);
    int e = env_real_new(instance, &d.real);
    if (e < 0) return EX_OSERR;
    d.env = env_real_env(d.real);
    e = start(&d);
    int status = EX_UNAVAILABLE;
    if (e == 0) {
        log_info(d.env, "started", LOG_STR("version", KESU_VERSION), LOG_I64("pid", getpid()));
        status = env_real_run(d.real);
        log_info(d.env, "stopping", LOG_I64("status", status));
        notify_send("STOPPING=1");
        if (status == 0) finish(&d);
    } else {
        log_error(d.env, "cannot start", LOG_ERR(e));
    }
    stop(&d);
    return status;
}

static void setup_log(const struct conf *conf)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    const char *level = conf_string(conf, "log-level");
    unsigned i = 0;
    while (i < 3 && strcmp(levels[i], level) != 0) i++;
    bool json = strcmp(conf_string(conf, "log-format"), "json") == 0;
    log_setup((enum log_level)i, json ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT);
}

/* Socket paths are short by nature: better said here than by each bind. */
static int check_run_dir(const struct svc_def *def, const struct conf *conf)
{
    char instance[SVC_INSTANCE_BYTES];
    svc_instance_name(conf, def, instance);
    size_t n = strlen(conf_string(conf, "run-dir")) + strlen(instance);
    if (n + strlen("/-control.ipc.lock") <= MAX_ENDPOINT) return 0;
    fprintf(stderr,
            "kesu-%s: run-dir: found a path of %zu bytes, allowed is one short enough for sockets (80)\n",
            def->name, strlen(conf_string(conf, "run-dir")));
    return E_RANGE;
}

int svc_main(int argc, char **argv, const struct svc_def *def)
{
    const struct conf_def *tables[2] = {svc_settings, def->settings};
    unsigned n = def->settings != NULL ? 2 : 1;
    char *program = mem_printf(&mem_libc, "kesu-%s", def->name), *error = NULL, *help = NULL;
    struct conf *conf = NULL;
    int status = EX_OK;
    int e = conf_load(&mem_libc, tables, n, program, argc, argv, environ, &conf, &error);
    if (e < 0) {
        fprintf(stderr, "%s\n", error);
        status = EX_CONFIG;
    } else if (conf_asked(conf) == CONF_HELP) {
        help = conf_help(&mem_libc, tables, n, program, def->summary);
        fputs(help, stdout);
    } else if (conf_asked(conf) == CONF_VERSION) {
        printf("%s %s\n", program, KESU_VERSION);
    } else if (check_run_dir(def, conf) < 0) {
        status = EX_CONFIG;
    } else if (conf_asked(conf) == CONF_CHECK) {
        printf("%s: the settings are right\n", program);
    } else {
        setup_log(conf);
        status = run(def, conf);
    }
    mem_free(&mem_libc, help);
    mem_free(&mem_libc, error);
    mem_free(&mem_libc, program);
    conf_free(&conf);
    return status;
}
