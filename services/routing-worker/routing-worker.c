/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's settings, metrics and life. */
#include "routing-worker.h"

#include "err.h"
#include "log.h"

#define TEXT_ARENA_BYTES    ((size_t)4 << 20)
#define MESSAGE_ARENA_BYTES ((size_t)4 << 20)
#define JUDGING_ARENA_BYTES ((size_t)8 << 20)

static const struct conf_def settings[] = {
    {"name", CONF_STRING, "", 0, 0, NULL, "name told to routing, at most 64 bytes; empty: the instance's"},
    {"credit", CONF_INT, "64", 1, 1024, NULL, "tasks taken at once"},
    {"work-delay", CONF_INT, "0", 0, 10000000, NULL,
     "microseconds each task waits, for measuring how work scales"},
    {.name = NULL},
};

static void add_metrics(struct routing_worker_self *w)
{
    struct stats *s = w->env->stats;
    w->m = (struct routing_worker_metrics){
        .tasks = stats_value(s, STATS_COUNTER, "kesu_worker_tasks_total", NULL, "Tasks taken"),
        .failed =
            stats_value(s, STATS_COUNTER, "kesu_worker_failed_total", NULL, "Tasks answered with a failure"),
        .limit_hits = stats_value(s, STATS_COUNTER, "kesu_worker_regex_limit_hits_total", NULL,
                                  "Regexes stopped by a match limit, taken as no match"),
        .bad = stats_value(s, STATS_COUNTER, "kesu_worker_bad_messages_total", NULL, "Messages refused"),
        .lost = stats_value(s, STATS_COUNTER, "kesu_worker_lost_results_total", NULL,
                            "Results or tasks dropped for lack of room"),
        .hellos = stats_value(s, STATS_COUNTER, "kesu_worker_hellos_total", NULL, "Hellos said to routing"),
        .rules = stats_value(s, STATS_GAUGE, "kesu_worker_rules", NULL, "Rules in force"),
        .waiting = stats_value(s, STATS_GAUGE, "kesu_worker_waiting", NULL, "Tasks that wait for work-delay"),
        .judging = stats_histogram(s, "kesu_worker_judging_seconds", NULL, "Time of one judgement"),
    };
}

static const char *not_ready(void *self)
{
    const struct routing_worker_self *w = self;
    if (w->heard_us == 0) return "nothing heard of routing yet";
    if (!w->has_hash) return "no rules yet";
    return w->rules == NULL ? w->no_rules_because : NULL;
}

static void stop(void *self)
{
    struct routing_worker_self *w = self;
    struct env *env = w->env;
    routing_worker_talk_close(w);
    rules_free(&w->rules);
    arena_deinit(&w->policy_arena);
    text_table_free(&w->table);
    arena_deinit(&w->incoming);
    arena_deinit(&w->outgoing);
    arena_deinit(&w->judging);
    mem_free(&env->mem, w);
}

static int start(struct svc *svc, void **ret_self)
{
    struct env *env = svc_env(svc);
    struct routing_worker_self *w = mem_zalloc(&env->mem, sizeof *w);
    w->svc = svc;
    w->env = env;
    w->name = conf_string(svc_conf(svc), "name");
    if (*w->name == '\0') w->name = svc_instance(svc);
    w->credit = (uint32_t)conf_int(svc_conf(svc), "credit");
    w->delay_us = conf_int(svc_conf(svc), "work-delay");
    arena_init(&w->incoming, &env->mem, MESSAGE_ARENA_BYTES);
    arena_init(&w->outgoing, &env->mem, TEXT_ARENA_BYTES);
    arena_init(&w->judging, &env->mem, JUDGING_ARENA_BYTES);
    routing_worker_judge_forget(w);
    add_metrics(w);
    int err = strlen(w->name) <= 64 ? text_table_new(&env->mem, &w->table) : E_RANGE;
    if (err == 0) err = routing_worker_talk_open(w);
    if (err == 0) err = svc_control(svc, NULL, 0, NULL, w);
    if (err != 0) {
        log_error(env, "cannot start", LOG_ERR(err));
        stop(w);
        return err;
    }
    *ret_self = w;
    return 0;
}

const struct svc_def routing_worker_service = {
    .name = "routing-worker",
    .summary = "judges complaints by the rules of the policy; start as many as needed",
    .settings = settings,
    .start = start,
    .stop = stop,
    .not_ready = not_ready,
};
