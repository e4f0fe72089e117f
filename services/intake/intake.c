/* SPDX-License-Identifier: Apache-2.0 */
/* Start: journal, secrets, register, replay, keys, then the sockets. Stop: the
 * sockets, what is under way in the journal, the register, in this order. */
#include "intake.h"

#include <stdio.h>

#include "clock.h"
#include "dedup.h"
#include "err.h"
#include "files.h"
#include "first_policy.h"
#include "log.h"
#include "stats.h"

#define TICK_US (250 * USEC_PER_MS)

static const struct conf_def settings[] = {
    {"policy-dir", CONF_PATH, "", 0, 0, NULL, "policy to put into force at the first start"},
    {"ballast", CONF_SIZE, "16MiB", 0, INT64_C(1) << 40, NULL, "given up when the disk is full"},
    {"command-credit", CONF_INT, "16384", 1, 1 << 24, NULL, "commands a client may have unanswered"},
    {"key-pool", CONF_INT, "32768", 64, 1 << 20, NULL, "keys of cases and customers made at once, ahead"},
    {"segment-bytes", CONF_SIZE, "1GiB", 1 << 16, INT64_C(1) << 36, NULL, "size of a journal segment"},
    SVC_FAR_SETTINGS,
    {NULL, CONF_STRING, NULL, 0, 0, NULL, NULL},
};

static void open_stats(struct intake *in)
{
    struct stats *s = in->env->stats;
    in->stats.accepted = stats_value(s, STATS_COUNTER, "kesu_intake_commands_total", "result=\"accepted\"",
                                     "commands answered");
    in->stats.duplicate = stats_value(s, STATS_COUNTER, "kesu_intake_commands_total", "result=\"duplicate\"",
                                      "commands answered");
    in->stats.refused = stats_value(s, STATS_COUNTER, "kesu_intake_commands_total", "result=\"refused\"",
                                    "commands answered");
    in->stats.overloaded = stats_value(s, STATS_COUNTER, "kesu_intake_overloaded_total", NULL,
                                       "batches above a client's credit");
    in->stats.poison_refused = stats_value(s, STATS_COUNTER, "kesu_intake_poison_total", NULL,
                                           "commands refused because they stopped intake twice");
    in->stats.erased = stats_value(s, STATS_COUNTER, "kesu_intake_erased_keys_total", NULL,
                                   "keys destroyed for people who asked to be forgotten");
    in->stats.events = stats_value(s, STATS_COUNTER, "kesu_intake_events_total", NULL, "events decided");
    in->stats.blocks = stats_value(s, STATS_COUNTER, "kesu_intake_blocks_total", NULL, "blocks on disk");
    in->stats.commit = stats_histogram(s, "kesu_intake_commit_seconds", NULL, "from append to on disk");
    in->stats.head = stats_value(s, STATS_GAUGE, "kesu_intake_head_seq", NULL, "last event on disk");
    in->stats.readers = stats_value(s, STATS_GAUGE, "kesu_intake_readers", NULL, "readers of the journal");
    in->stats.pending_bytes =
        stats_value(s, STATS_GAUGE, "kesu_intake_pending_bytes", NULL, "appended and not yet on disk");
    in->stats.storage_low =
        stats_value(s, STATS_GAUGE, "kesu_intake_storage_low", NULL, "1: new cases are refused");
    in->stats.clock_alarm =
        stats_value(s, STATS_GAUGE, "kesu_intake_clock_alarm", NULL, "1: wall and monotonic clock disagree");
}

static const char *path_in(struct intake *in, const char *name)
{
    char text[64];
    snprintf(text, sizeof(text), "intake/%s", name);
    return svc_path(in->svc, text);
}

/* ---- turns ---------------------------------------------------------------------- */

/* The sockets open when everything behind them is there. */
static int open_sockets(struct intake *in)
{
    int err = intake_lanes_open(in);
    if (err == 0) err = intake_readers_open(in);
    if (err == 0) err = bus_publisher_open(in->env, svc_endpoint(in->svc, "intake-hint"), NULL, &in->hints);
    struct place far;
    if (err == 0) err = svc_far(in->svc, "intake-hint", &far);
    if (err == 0 && far.keys != NULL)
        err = bus_publisher_open(in->env, far.endpoint, far.keys, &in->far_hints);
    if (err == 0) err = svc_control_far(in->svc, "intake-control");
    return err;
}

static void become_ready(struct intake *in)
{
    if (in->failed) return;
    if (in->keys == NULL) {
        unsigned pool = (unsigned)conf_int(svc_conf(in->svc), "key-pool");
        int err =
            intake_keys_open(in->env, path_in(in, "keys/slots"), in->reg.meta.next_key_id, pool, &in->keys);
        if (err != 0) {
            log_error(in->env, "cannot start", LOG_STR("because", "the key store"), LOG_ERR(err));
            in->failed = true;
            env_stop(in->env, 1);
            return;
        }
    }
    intake_erase_turn(in); /* what a crash left unfinished */
    intake_keys_refill(in->keys, in->reg.meta.next_key_id);
    if (intake_keys_ahead(in->keys, in->reg.meta.next_key_id) == 0) return;
    const char *dir = conf_string(svc_conf(in->svc), "policy-dir");
    if (intake_first_policy(in, dir) != 0 || open_sockets(in) != 0) {
        in->failed = true;
        env_stop(in->env, 1);
        return;
    }
    in->open = true;
    log_info(in->env, "taking commands", LOG_U64("head_seq", journal_head(in->journal).seq));
}

static int64_t trim_below_ms(const struct intake *in)
{
    return in->wallclock.alarm ? INT64_MIN : in->wallclock.last_us / USEC_PER_MS - DEDUP_TRIM_MS;
}

static void on_turn(void *self)
{
    struct intake *in = self;
    intake_storage_look(&in->storage);
    if (in->replaying && !in->batch.not_written) intake_replay_step(in);
    if (!in->replaying && !in->open) become_ready(in);
    intake_batch_turn(in);
    uint64_t head_seq = journal_head(in->journal).seq;
    if (in->open) {
        intake_readers_turn(in);
        intake_control_turn(in);
    }
    intake_register_turn(&in->reg, intake_erase_bound(&in->erase, head_seq), trim_below_ms(in));
    if (in->open && !in->replaying) intake_keys_refill(in->keys, in->reg.meta.next_key_id);
    stats_set(in->stats.head, (int64_t)head_seq);
    stats_set(in->stats.readers, in->readers.n);
    stats_set(in->stats.storage_low, in->storage.low);
    stats_set(in->stats.clock_alarm, in->wallclock.alarm);
}

/* The disk was full when the first policy was to be written: once more, until it is there. */
static void renew_first_policy(struct intake *in)
{
    if (!in->open || in->replaying || in->policy.active != NULL || in->storage.low) return;
    if (in->batch.in_flight > 0 || block_count(in->batch.builder) > 0) return;
    (void)intake_first_policy(in, conf_string(svc_conf(in->svc), "policy-dir"));
}

static void on_tick(void *self)
{
    struct intake *in = self;
    if (!in->replaying) intake_wallclock_block_time(&in->wallclock);
    renew_first_policy(in);
    intake_leavers_look(in);
    struct journal_head head = journal_head(in->journal);
    if (in->open)
        intake_head_export_look(&in->head_export, &head, in->wallclock.last_us, in->secrets.sign_seed);
    timer_set(in->env, in->tick, clock_mono_us(in->env) + TICK_US);
}

/* ---- start and stop ----------------------------------------------------------------- */

static int failed(struct intake *in, const char *what, int err)
{
    log_error(in->env, "cannot start", LOG_STR("because", what), LOG_ERR(err));
    return err;
}

static int open_state(struct intake *in)
{
    const struct conf *conf = svc_conf(in->svc);
    struct journal_opts opts = {.path = path_in(in, "journal"),
                                .segment_bytes = (uint64_t)conf_int(conf, "segment-bytes")};
    int err = files_mkdir(in->env, path_in(in, "keys"));
    if (err != 0) return failed(in, "the data directory", err);
    /* First: its lock, kept to the end, is what keeps a second process from the journal. */
    err = intake_register_open(&in->reg, in->env, path_in(in, "register"));
    if (err != 0) return failed(in, "the register", err);
    err = journal_open(in->env, &opts, &in->journal);
    if (err != 0) return failed(in, "the journal", err);
    err = intake_secrets_open(in->env, path_in(in, "keys/secrets"), &in->secrets);
    if (err != 0) return failed(in, "the secrets", err);
    struct journal_head head = journal_head(in->journal);
    err = intake_register_follow(&in->reg, head.uuid, head.seq);
    if (err != 0) return failed(in, "the register", err);
    intake_erase_init(&in->erase, in->env, path_in(in, "keys/slots"), svc_path(in->svc, "blobs"));
    err = intake_poison_open(in->env, path_in(in, "in-hand"), &in->poison);
    if (err != 0) return failed(in, "the note of commands in hand", err);
    intake_policy_init(&in->policy, in->env, &in->reg, in->journal, path_in(in, "policy"));
    intake_wallclock_init(&in->wallclock, in->env, head.time_us);
    intake_batch_init(in);
    err = intake_head_export_init(&in->head_export, in->env, path_in(in, "heads"));
    if (err != 0) return failed(in, "the directory of heads", err);
    return intake_storage_init(&in->storage, in->env, path_in(in, "journal"), path_in(in, "ballast"),
                               (uint64_t)conf_int(conf, "storage-reserve"),
                               (uint64_t)conf_int(conf, "ballast"));
}

static void stop(void *self)
{
    struct intake *in = self;
    if (in == NULL) return;
    turn_hook_free(in->env, in->turn);
    timer_free(in->env, in->tick);
    intake_control_close(in);
    intake_readers_close(in);
    intake_lanes_close(in);
    /* What is under way is finished; its replies find nobody and are asked for again. */
    uint64_t head_seq = in->journal != NULL ? journal_head(in->journal).seq : 0;
    in->stopping = true;
    journal_close(in->journal);
    bus_publisher_close(in->env, in->hints);
    bus_publisher_close(in->env, in->far_hints);
    intake_head_export_deinit(&in->head_export);
    intake_register_close(&in->reg, intake_erase_bound(&in->erase, head_seq));
    intake_erase_deinit(&in->erase);
    intake_keys_close(&in->keys);
    intake_poison_close(&in->poison);
    intake_batch_deinit(in);
    intake_policy_deinit(&in->policy);
    intake_storage_deinit(&in->storage);
    memset(&in->secrets, 0, sizeof(in->secrets));
    mem_free(&in->env->mem, in);
}

static int start(struct svc *svc, void **ret_self)
{
    struct intake *in = mem_zalloc(&svc_env(svc)->mem, sizeof(*in));
    in->svc = svc;
    in->env = svc_env(svc);
    open_stats(in);
    int err = open_state(in);
    if (err == 0) err = intake_control_open(in);
    if (err != 0) {
        stop(in);
        return err;
    }
    in->turn = turn_hook_new(in->env, on_turn, in);
    in->tick = timer_new(in->env, on_tick, in);
    on_tick(in);
    intake_replay_begin(in);
    *ret_self = in;
    return 0;
}

static const char *not_ready(void *self)
{
    const struct intake *in = self;
    if (in->replaying) return "replaying the journal";
    if (!in->open) return "making keys";
    return NULL;
}

const struct svc_def intake_service = {
    .name = "intake",
    .summary = "takes commands, decides them, writes the journal",
    .settings = settings,
    .start = start,
    .stop = stop,
    .not_ready = not_ready,
};
