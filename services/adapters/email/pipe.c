/* SPDX-License-Identifier: Apache-2.0 */
/* One mail from an MTA's pipe. Exit 0 only when intake has it on disk (or it is
 * set aside, synced); 75 when not now, so that the MTA keeps it and comes again. */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "clock.h"
#include "email.h"
#include "env_real.h"
#include "err.h"
#include "log.h"
#include "sched.h"

extern char **environ;

struct pipe_run {
    struct env *env;
    struct conf *conf;
    struct email email;
    struct timer *timeout;
};

static void on_outcome(void *self, enum email_outcome outcome, const char *reason)
{
    struct pipe_run *run = self;
    if (outcome == EMAIL_LATER) fprintf(stderr, "kesu-email: not now: %s\n", reason);
    env_stop(run->env, outcome == EMAIL_LATER ? EX_TEMPFAIL : EX_OK);
}

static void on_timeout(void *self)
{
    struct pipe_run *run = self;
    fprintf(stderr, "kesu-email: not now: intake did not answer in time\n");
    env_stop(run->env, EX_TEMPFAIL);
}

/* Whole standard input; E_TOO_BIG when it is more than can be kept. */
static int read_input(struct env *env, struct span *ret)
{
    size_t room = (size_t)1 << 16, n = 0, got;
    uint8_t *bytes = mem_alloc(&env->mem, room);
    while ((got = fread(bytes + n, 1, room - n, stdin)) > 0) {
        n += got;
        if (n > 2 * EMAIL_MAX_BYTES) {
            mem_free(&env->mem, bytes);
            return E_TOO_BIG;
        }
        if (n == room) bytes = mem_realloc(&env->mem, bytes, room *= 2);
    }
    if (ferror(stdin)) {
        mem_free(&env->mem, bytes);
        return E_IO;
    }
    *ret = span_of(bytes, n);
    return 0;
}

static int find_intake(const struct conf *conf, struct arena *arena, struct place *ret)
{
    const struct place_opts opts = {.run_dir = conf_string(conf, "run-dir"),
                                    .data_dir = conf_string(conf, "data-dir"),
                                    .address = conf_string(conf, "peer"),
                                    .pair = conf_string(conf, "key-pair"),
                                    .servers = conf_string(conf, "peer-keys")};
    return place_find(&opts, "intake-new", arena, ret);
}

static int run_pipe(struct pipe_run *run, struct env_real *real)
{
    struct env *env = run->env;
    const struct conf *conf = run->conf;
    char blobs[512], keep[512];
    struct place intake;
    struct arena arena;
    arena_init(&arena, &env->mem, 4096);
    int rc = find_intake(conf, &arena, &intake);
    snprintf(blobs, sizeof(blobs), "%s/blobs", conf_string(conf, "data-dir"));
    snprintf(keep, sizeof(keep), "%s/email", conf_string(conf, "data-dir"));
    const struct email_opts opts = {.intake = intake,
                                    .blob_dir = blobs,
                                    .keep_dir = keep,
                                    .max_bytes = (size_t)conf_int(conf, "max-mail-size")};
    struct span raw;
    if (rc == 0) rc = read_input(env, &raw);
    if (rc < 0) {
        fprintf(stderr, "kesu-email: %s\n", err_text(rc));
        arena_deinit(&arena);
        return rc == E_TOO_BIG ? EX_DATAERR : EX_TEMPFAIL;
    }
    rc = email_open(&run->email, env, &opts);
    int status = EX_TEMPFAIL;
    if (rc < 0) {
        fprintf(stderr, "kesu-email: not now: %s\n", err_text(rc));
    } else {
        const char *sender = conf_string(conf, "sender");
        run->timeout = timer_new(env, on_timeout, run);
        timer_set(env, run->timeout, clock_mono_us(env) + conf_int(conf, "pipe-timeout"));
        email_take(&run->email, raw, conf_string(conf, "mailbox"), *sender == 0 || strcmp(sender, "<>") == 0,
                   on_outcome, run);
        status = env_real_run(real);
        timer_free(env, run->timeout);
    }
    email_close(&run->email);
    mem_free(&env->mem, (void *)raw.p);
    arena_deinit(&arena);
    return status;
}

int email_pipe_main(int argc, char **argv)
{
    const struct conf_def *tables[] = {svc_settings, email_settings};
    int kept = 0;
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--pipe") != 0) argv[kept++] = argv[i];
    argv[kept] = NULL;
    struct pipe_run run = {0};
    char *error = NULL;
    if (conf_load(&mem_libc, tables, 2, "kesu-email", kept, argv, environ, &run.conf, &error) < 0) {
        fprintf(stderr, "%s\n", error);
        mem_free(&mem_libc, error);
        return EX_CONFIG;
    }
    if (conf_asked(run.conf) == CONF_HELP) {
        char *help = conf_help(&mem_libc, tables, 2, "kesu-email --pipe", email_service.summary);
        fputs(help, stdout);
        mem_free(&mem_libc, help);
        conf_free(&run.conf);
        return EX_OK;
    }
    log_setup(LOG_ERROR, LOG_FORMAT_TEXT);
    struct env_real *real;
    int status = EX_TEMPFAIL;
    if (env_real_new("email", &real) == 0) {
        run.env = env_real_env(real);
        status = run_pipe(&run, real);
        env_real_free(&real);
    }
    conf_free(&run.conf);
    return status;
}
