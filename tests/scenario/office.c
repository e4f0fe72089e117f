/* SPDX-License-Identifier: Apache-2.0 */
#include "office.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../services/adapters/email/email.h"
#include "../../services/analytics/analytics.h"
#include "../../services/intake/intake.h"
#include "../../services/notification/notification.h"
#include "../../services/routing-worker/routing-worker.h"
#include "../../services/routing/routing.h"
#include "../../services/sla-watch/sla-watch.h"
#include "check.h"
#include "clock.h"
#include "conf.h"
#include "files.h"

#define WALL_US (1764000000 * USEC_PER_SEC)

/* ---- the services ---------------------------------------------------------------- */

static const struct {
    const struct svc_def *def;
    const char *instance, *fold, *query;
} services[] = {
    {&intake_service, "intake", NULL, NULL},
    {&routing_service, "routing", "routing", NULL},
    {&routing_worker_service, "routing-worker-1", NULL, NULL},
    {&routing_worker_service, "routing-worker-2", NULL, NULL},
    {&sla_watch_service, "sla-watch", "sla-watch", NULL},
    {&notification_service, "notification", "notification", NULL},
    {&analytics_service, "analytics", "analytics", "analytics-query"},
    {&email_service, "email", NULL, NULL},
};

static void on_service_boot(void *self, struct env *env)
{
    struct office_service *s = self;
    char instance[80], credit[40];
    snprintf(instance, sizeof instance, "--instance=%s", s->instance);
    char *argv[12] = {"kesu", instance, "--run-dir=" OFFICE_RUN, "--data-dir=" OFFICE_DATA};
    char *envp[] = {NULL};
    int argc = 4;
    if (strcmp(s->def->name, "intake") == 0) {
        argv[argc++] = "--policy-dir=" OFFICE_POLICY;
        argv[argc++] = "--key-pool=64";
        argv[argc++] = "--segment-bytes=64KiB";
        argv[argc++] = "--ballast=256KiB";
        snprintf(credit, sizeof credit, "--command-credit=%u", OFFICE_LITTLE_CREDIT);
        if (s->office->little_credit) argv[argc++] = credit;
    }
    if (strcmp(s->def->name, "notification") == 0) argv[argc++] = "--retry-after=1s,3s,6s,10s,15s";
    if (strcmp(s->def->name, "email") == 0) argv[argc++] = "--maildirs=" OFFICE_MAILBOX "=" OFFICE_MAIL;
    const struct conf_def *const tables[] = {svc_settings, s->def->settings};
    struct conf *conf = NULL;
    char *error = NULL;
    s->svc = NULL;
    s->head_at_boot = s->office->told_seq;
    int e = conf_load(&env->mem, tables, 2, "kesu", argc, argv, envp, &conf, &error);
    if (e != 0) audit_broken(&s->office->audit, "%s", error);
    if (e == 0) e = svc_new(env, s->def, conf, &s->svc);
    if (e == 0) return;
    s->failed_starts++; /* whoever supervises it starts it again */
    env_stop(env, 1);
}

static void on_service_stop(void *self, struct env *env)
{
    struct office_service *s = self;
    (void)env;
    svc_free(&s->svc);
}

static void start_services(struct office *o)
{
    for (size_t k = 0; k < sizeof services / sizeof services[0]; k++) {
        struct office_service *s = &o->services[o->n_services++];
        *s = (struct office_service){.office = o,
                                     .def = services[k].def,
                                     .instance = services[k].instance,
                                     .fold = services[k].fold,
                                     .query = services[k].query};
        s->i = sim_instance_new(o->sim, s->instance, on_service_boot, s);
        sim_on_stop(s->i, on_service_stop);
    }
}

/* ---- the policy --------------------------------------------------------------------- */

static void copy_file(struct env *env, const char *from, const char *to)
{
    static char bytes[1 << 20];
    FILE *in = fopen(from, "rb");
    CHECK(in != NULL);
    size_t n = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    CHECK(files_replace(env, to, span_of(bytes, n)) == 0);
}

/* From the real disk to the simulated one. */
static void copy_tree(struct env *env, const char *from, const char *to)
{
    CHECK(files_mkdir(env, to) == 0);
    struct dirent **entries = NULL;
    int n = scandir(from, &entries, NULL, alphasort);
    CHECK(n > 0);
    for (int i = 0; i < n; i++) {
        char from_path[512], to_path[512];
        snprintf(from_path, sizeof from_path, "%s/%s", from, entries[i]->d_name);
        snprintf(to_path, sizeof to_path, "%s/%s", to, entries[i]->d_name);
        size_t length = strlen(entries[i]->d_name);
        if (length > 5 && strcmp(entries[i]->d_name + length - 5, ".yaml") == 0)
            copy_file(env, from_path, to_path);
        else if (entries[i]->d_name[0] != '.')
            copy_tree(env, from_path, to_path);
        free(entries[i]);
    }
    free(entries);
}

/* ---- all of it ------------------------------------------------------------------------ */

static void on_inspector_boot(void *self, struct env *env)
{
    struct office *o = self;
    o->inspector_env = env;
}

struct office *office_new(uint64_t seed, const char *policy_dir)
{
    struct office *o = calloc(1, sizeof *o);
    CHECK(o != NULL);
    audit_init(&o->audit);
    o->sim = sim_new(seed, WALL_US);
    o->mails = mails_new();
    watch_start(o);
    o->little_credit = sim_random(o->sim, 2) == 0;
    o->inspector = sim_instance_new(o->sim, "inspector", on_inspector_boot, o);
    sim_spare(o->inspector);
    reader_start(o);
    CHECK(files_mkdir(o->inspector_env, OFFICE_RUN) == 0);
    CHECK(files_mkdir(o->inspector_env, OFFICE_DATA) == 0);
    copy_tree(o->inspector_env, policy_dir, OFFICE_POLICY);
    o->shadow = shadow_new(o, OFFICE_POLICY);
    o->mailman = mailman_new(o);
    start_services(o);
    o->people = people_new(o);
    return o;
}

void office_free(struct office **p)
{
    struct office *o = *p;
    if (o == NULL) return;
    *p = NULL;
    shadow_free(&o->shadow);
    sim_free(&o->sim);
    people_free(&o->people);
    mails_free(&o->mails);
    mailman_free(&o->mailman);
    watch_end(o);
    audit_deinit(&o->audit);
    free(o);
}

void office_run(struct office *o, int64_t for_us)
{
    int64_t until_us = sim_now_us(o->sim) + for_us;
    while (o->audit.broken[0] == '\0' && sim_step(o->sim, until_us)) continue;
}
