/* SPDX-License-Identifier: Apache-2.0 */
/* Rules in, judgements out. A task that cannot be judged is answered too, with
 * the reason: routing counts it against the task, and people read it. */
#include <stdio.h>

#include "clock.h"
#include "err.h"
#include "log.h"
#include "routing-worker.h"

#define POLICY_ARENA_BYTES ((size_t)64 << 20)

void routing_worker_judge_forget(struct routing_worker_self *w)
{
    rules_free(&w->rules);
    arena_deinit(&w->policy_arena);
    arena_init(&w->policy_arena, &w->env->mem, POLICY_ARENA_BYTES);
}

void routing_worker_judge_rules(struct routing_worker_self *w, struct span policy, const uint8_t hash[32])
{
    Kesu__V1__Policy *p;
    struct codec_error error;
    routing_worker_judge_forget(w);
    memcpy(w->policy_hash, hash, sizeof w->policy_hash);
    w->has_hash = true;
    int err = codec_unpack(&kesu__v1__policy__descriptor, policy, &w->policy_arena, (void *)&p, &error);
    if (err != 0) {
        snprintf(w->no_rules_because, sizeof w->no_rules_because, "the policy cannot be read: %.60s: %.100s",
                 error.field, error.reason);
    } else {
        err = rules_new(&w->env->mem, w->table, p, hash, &w->rules, w->no_rules_because,
                        sizeof w->no_rules_because);
    }
    stats_set(w->m.rules, w->rules != NULL ? (int64_t)p->n_rules : 0);
    if (err != 0) {
        log_error(w->env, "no rules", LOG_STR("reason", w->no_rules_because), LOG_ERR(err));
    } else {
        log_info(w->env, "rules", LOG_U64("rules", p->n_rules), LOG_U64("categories", p->n_categories));
    }
}

static void fail(struct routing_worker_self *w, Kesu__V1__TaskResult *result, const char *reason)
{
    Kesu__V1__TaskFailed failed = KESU__V1__TASK_FAILED__INIT;
    failed.reason = (char *)(uintptr_t)reason;
    result->outcome_case = KESU__V1__TASK_RESULT__OUTCOME_FAILED;
    result->failed = &failed;
    stats_add(w->m.failed, 1);
    routing_worker_talk_result(w, result);
}

void routing_worker_judge_task(struct routing_worker_self *w, const Kesu__V1__Task *task)
{
    Kesu__V1__TaskResult result = KESU__V1__TASK_RESULT__INIT;
    Kesu__V1__Judgement judgement;
    unsigned limit_hits = 0;
    result.task_id = task->task_id;
    result.attempt = task->attempt;
    stats_add(w->m.tasks, 1);
    bool same = w->has_hash && task->policy_hash.len == sizeof w->policy_hash &&
                memcmp(task->policy_hash.data, w->policy_hash, sizeof w->policy_hash) == 0;
    if (!same) {
        fail(w, &result, "the worker has other rules than the task asks for");
        return;
    }
    if (w->rules == NULL) {
        fail(w, &result, w->no_rules_because);
        return;
    }
    int64_t from = clock_mono_us(w->env);
    arena_reset(&w->judging);
    int err = rules_judge(w->rules, task, &w->judging, &judgement, &limit_hits);
    stats_observe_us(w->m.judging, clock_mono_us(w->env) - from);
    if (err != 0) {
        fail(w, &result, err_text(err));
        return;
    }
    stats_add(w->m.limit_hits, limit_hits);
    result.outcome_case = KESU__V1__TASK_RESULT__OUTCOME_JUDGEMENT;
    result.judgement = &judgement;
    routing_worker_talk_result(w, &result);
}
