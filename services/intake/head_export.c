/* SPDX-License-Identifier: Apache-2.0 */
#include "head_export.h"

#include <inttypes.h>
#include <stdio.h>

#include "clock.h"
#include "err.h"
#include "files.h"
#include "log.h"

int intake_head_export_init(struct intake_head_export *x, struct env *env, const char *dir)
{
    *x = (struct intake_head_export){.env = env, .dir = dir, .last_hour = -1};
    int err = files_mkdir(env, dir);
    if (err == 0) x->lane = lane_open(env, "head");
    return err;
}

void intake_head_export_deinit(struct intake_head_export *x)
{
    if (x->env == NULL) return;
    lane_close(x->env, x->lane);
    *x = (struct intake_head_export){0};
}

static void on_work(struct job *job)
{
    struct head_job *j = (struct head_job *)job;
    struct env *env = j->of->env;
    struct file *f = NULL;
    int err = file_open(env, j->aside, FILE_CREATE, &f);
    if (err == 0) err = file_resize(env, f, 0);
    if (err == 0) err = file_write(env, f, 0, j->text, strlen(j->text));
    if (err == 0) err = file_sync(env, f);
    file_close(env, f);
    if (err == 0) err = files_rename(env, j->aside, j->path);
    j->status = err;
}

static void on_done(struct job *job)
{
    struct head_job *j = (struct head_job *)job;
    j->of->writing = false;
    if (j->status != 0)
        log_warn(j->of->env, "head not exported", LOG_ERR(j->status), LOG_STR("path", j->path));
}

void intake_head_export_look(struct intake_head_export *x, const struct journal_head *head,
                             int64_t block_time_us, const uint8_t seed[ANCHOR_SEED_BYTES])
{
    int64_t hour = block_time_us / USEC_PER_HOUR;
    if (x->writing || head->seq == 0 || hour == x->last_hour || head->seq == x->last_seq) return;
    struct anchor a = {.seq = head->seq, .time_us = head->time_us};
    memcpy(a.hash, head->hash, sizeof(a.hash));
    memcpy(a.journal_uuid, head->uuid, sizeof(a.journal_uuid));
    x->job = (struct head_job){.job = {.work = on_work, .done = on_done}, .of = x};
    anchor_write(&a, seed, x->job.text);
    snprintf(x->job.path, sizeof(x->job.path), "%s/%020" PRIu64 ".anchor", x->dir, head->seq);
    snprintf(x->job.aside, sizeof(x->job.aside), "%s/new", x->dir);
    x->last_hour = hour;
    x->last_seq = head->seq;
    x->writing = true;
    lane_post(x->env, x->lane, &x->job.job);
}
