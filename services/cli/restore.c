// SPDX-License-Identifier: Apache-2.0
// A backup becomes the data of an office that does not run: first everything
// is checked, then keys and evidence, the journal last, aside and renamed.
//
// The restored journal has an identity of its own and one event behind those of
// the backup, JournalRestored: readers that went further notice, numbers given
// out after the backup are left out, and letters whose fate is not known wait
// for a person.
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "anchor.h"
#include "backup.h"
#include "clock.h"
#include "due.h"
#include "env_real.h"
#include "err.h"
#include "files.h"
#include "journal.h"
#include "key_slot.h"
#include "sched.h"
#include "seal.h"
#include "uuid.h"

enum { PENDING_BYTES = 16 << 20, EVENT_BYTES = 8 << 20 };

struct restoring {
    struct cli *c;
    struct env *env;
    const char *blocks; // the backup's file
    uint64_t last_seq, last_key, lost_keys;
    int64_t time_us;
    struct journal *journal;
    struct backup_reader reader;
    bool ended; // the last block was appended
    int status;
};

// ---- checking ---------------------------------------------------------------

static int look_at(struct restoring *r, struct span block, struct arena *arena)
{
    for (uint32_t i = 0; i < r->reader.head.count; i++) {
        struct block_event ev;
        Kesu__V1__Event *event;
        block_event_at(block, i, &ev);
        arena_reset(arena);
        if (codec_unpack_own(&kesu__v1__event__descriptor, ev.bytes, arena, &event) != 0)
            return cli_fail(r->c, CLI_DATA, "event %" PRIu64 " cannot be read", ev.seq);
        const Kesu__V1__Sealed *sealed = seal_of_event(event);
        if (sealed != NULL && sealed->key_id > r->last_key) r->last_key = sealed->key_id;
    }
    return 0;
}

static int read_anchor(struct cli *c, struct anchor *ret)
{
    struct span text;
    char copy[ANCHOR_TEXT + 1];
    int status = cli_read_file(c, cli_flag(c, "anchor"), ANCHOR_TEXT, &text);
    if (status != 0) return status;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    return anchor_read(copy, ret) == 0 ? 0 : cli_fail(c, CLI_DATA, "%s is no anchor", cli_flag(c, "anchor"));
}

/* Hashes, chain, anchor; the newest key that is used. */
static int check_backup(struct restoring *r)
{
    struct anchor anchor = {.seq = 0};
    struct arena arena;
    struct span block;
    bool anchored = cli_flag(r->c, "anchor") == NULL;
    int got = 1, status = anchored ? 0 : read_anchor(r->c, &anchor);
    if (status == 0) status = cli_backup_open(r->c, r->blocks, &r->reader);
    if (status != 0) return status;
    arena_init(&arena, &mem_libc, EVENT_BYTES);
    while (status == 0 && (got = cli_backup_next(r->c, &r->reader, &block)) == 1) {
        status = look_at(r, block, &arena);
        if (r->reader.next_seq - 1 == anchor.seq)
            anchored = memcmp(anchor.hash, r->reader.hash, HASH_BYTES) == 0;
    }
    arena_deinit(&arena);
    if (got > 1) status = got - 1;
    r->last_seq = r->reader.next_seq - 1;
    r->time_us = r->reader.time_us;
    cli_backup_close(&r->reader);
    if (status == 0 && r->last_seq == 0)
        status = cli_fail(r->c, CLI_NO_INPUT, "%s holds no events", r->blocks);
    if (status == 0 && !anchored)
        status =
            cli_fail(r->c, CLI_DATA, "the anchor, of event %" PRIu64 ", is not in this backup", anchor.seq);
    return status;
}

// ---- keys ---------------------------------------------------------------------

/* Keys that no event uses yet are left out, those that are missing are as if erased. */
static int mend_slots(struct restoring *r, const char *path)
{
    struct file *f = NULL;
    struct key_slot slot;
    int err = file_open(r->env, path, FILE_CREATE, &f);
    for (uint64_t id = 1; err == 0 && id <= r->last_key; id++) {
        size_t n = 0;
        err = file_read(r->env, f, (id - 1) * sizeof slot, &slot, sizeof slot, &n);
        if (err != 0 || (n == sizeof slot && key_slot_is(&slot, id))) continue;
        slot = key_slot_erased(id);
        err = file_write(r->env, f, (id - 1) * sizeof slot, &slot, sizeof slot);
        r->lost_keys++;
    }
    memset(&slot, 0, sizeof slot);
    if (err == 0) err = file_resize(r->env, f, r->last_key * sizeof slot);
    if (err == 0) err = file_sync(r->env, f);
    file_close(r->env, f);
    return err == 0 ? 0 : cli_fail(r->c, CLI_CANNOT_CREATE, "cannot write %s: %s", path, err_text(err));
}

static int restore_keys(struct restoring *r)
{
    struct cli *c = r->c;
    const char *keys = cli_flag(c, "keys");
    struct backup_passphrase pass = {.n = 0};
    char *there = cli_data_path(c, "intake/keys");
    bool kept = access(there, F_OK) == 0;
    if (keys == NULL && !kept)
        return cli_fail(c, CLI_USAGE, "no keys at %s: give --keys, or put the old ones there", there);
    if (keys != NULL && kept)
        return cli_fail(c, CLI_DATA, "%s is there: move it away, or leave out --keys", there);
    if (keys == NULL) return mend_slots(r, cli_data_path(c, "intake/keys/slots"));
    int status = cli_backup_passphrase(c, &pass);
    if (status == 0) status = cli_backup_keys_read(c, keys, &pass);
    memset(&pass, 0, sizeof pass);
    if (status == 0) status = mend_slots(r, cli_data_path(c, "intake/keys.restoring/slots"));
    if (status != 0) return status;
    int err = files_rename(r->env, cli_data_path(c, "intake/keys.restoring"), there);
    return err == 0 ? 0 : cli_fail(c, CLI_CANNOT_CREATE, "cannot make %s: %s", there, err_text(err));
}

// ---- the journal ----------------------------------------------------------------

/* It may be the month before or after, somewhere on earth. */
static size_t months_now(int64_t time_us, uint32_t ret[2])
{
    unsigned west = 0, east = 0;
    (void)due_month("UTC", time_us - 14 * USEC_PER_HOUR, &west);
    (void)due_month("UTC", time_us + 14 * USEC_PER_HOUR, &east);
    ret[0] = west;
    ret[1] = east;
    return west == east ? 1 : 2;
}

static struct buf *last_block(struct restoring *r, uint64_t gap)
{
    Kesu__V1__Command who = KESU__V1__COMMAND__INIT;
    Kesu__V1__Event event = KESU__V1__EVENT__INIT;
    Kesu__V1__JournalRestored body = KESU__V1__JOURNAL_RESTORED__INIT;
    uint32_t months[2];
    int64_t now = clock_wall_us(r->env), time_us = now > r->time_us ? now : r->time_us;
    cli_command_prepare(r->c, &who);
    body.backup_seq = r->last_seq;
    body.n_months = months_now(time_us, months);
    body.months = months;
    body.number_gap = gap;
    body.reason = (char *)(uintptr_t)cli_flag(r->c, "reason");
    event.command_id = who.id;
    event.client = (char *)(uintptr_t) "kesu";
    event.actor = who.actor;
    event.body_case = KESU__V1__EVENT__BODY_JOURNAL_RESTORED;
    event.journal_restored = &body;
    struct span bytes = codec_pack(&event, &r->c->arena);
    struct block_builder *b = block_builder_new(&mem_libc);
    block_begin(b, r->last_seq + 1, time_us);
    memcpy(block_add(b, (uint16_t)event.body_case, 0, 0, bytes.n), bytes.p, bytes.n);
    struct buf *block = block_finish(b);
    block_builder_free(&b);
    return block;
}

static void pump(struct restoring *r);

static void on_durable(void *self, int status)
{
    struct restoring *r = self;
    if (status != 0 && r->status == 0)
        r->status = cli_fail(r->c, CLI_CANNOT_CREATE, "the journal cannot be written: %s", err_text(status));
    pump(r);
    if ((r->ended || r->status != 0) && journal_pending(r->journal) == 0) env_stop(r->env, 0);
}

static void append(struct restoring *r, struct buf *block)
{
    journal_append(r->journal, block, (struct journal_step){NULL, NULL}, on_durable, r);
    buf_unref(block);
}

static void pump(struct restoring *r)
{
    struct span block;
    int got = 1;
    int64_t gap = 0;
    while (r->status == 0 && !r->ended && journal_pending(r->journal) < PENDING_BYTES) {
        got = r->reader.next_seq <= r->last_seq ? cli_backup_next(r->c, &r->reader, &block) : 0;
        if (got == 1) {
            append(r, buf_copy(block));
            continue;
        }
        r->ended = true;
        r->status = got > 1 ? got - 1 : cli_flag_int(r->c, "number-gap", 0, 1000000000, &gap);
        if (r->status == 0) append(r, last_block(r, (uint64_t)gap));
    }
}

static int restore_journal(struct restoring *r)
{
    char *aside = cli_data_path(r->c, "intake/journal.restoring");
    struct journal_opts opts = {.path = aside};
    if (access(aside, F_OK) == 0)
        return cli_fail(r->c, CLI_DATA, "%s is left from a restore that was interrupted: remove it", aside);
    int err = journal_open(r->env, &opts, &r->journal);
    if (err != 0) return cli_fail(r->c, CLI_CANNOT_CREATE, "cannot make %s: %s", aside, err_text(err));
    r->status = cli_backup_open(r->c, r->blocks, &r->reader);
    if (r->status == 0) {
        pump(r);
        env_real_run(r->c->real);
        cli_backup_close(&r->reader);
    }
    bool whole = r->ended && journal_head(r->journal).seq == r->last_seq + 1;
    journal_close(r->journal);
    if (r->status != 0) return r->status;
    if (!whole) return cli_fail(r->c, CLI_UNAVAILABLE, "interrupted; remove %s and begin again", aside);
    err = files_rename(r->env, aside, cli_data_path(r->c, "intake/journal"));
    return err == 0 ? 0 : cli_fail(r->c, CLI_CANNOT_CREATE, "cannot rename %s: %s", aside, err_text(err));
}

int cli_restore(struct cli *c)
{
    struct restoring r = {.c = c, .env = cli_env(c)};
    char *there = cli_data_path(c, "intake/journal"), time[CLI_TEXT];
    uint64_t copied = 0;
    if (cli_flag(c, "reason") == NULL) return cli_fail(c, CLI_USAGE, "--reason TEXT must be given");
    if (access(there, F_OK) == 0)
        return cli_fail(c, CLI_DATA, "%s is there: stop intake and move it away first", there);
    r.blocks = arena_printf(&c->arena, "%s/" BACKUP_JOURNAL, c->args[0]);
    int status = check_backup(&r);
    if (status == 0 && files_mkdir(r.env, cli_data_path(c, "intake")) != 0)
        status = cli_fail(c, CLI_CANNOT_CREATE, "cannot write below %s", c->data_dir);
    if (status == 0) status = restore_keys(&r);
    if (status == 0)
        status = cli_backup_blobs(c, arena_printf(&c->arena, "%s/blobs", c->args[0]),
                                  cli_data_path(c, "blobs"), false, &copied);
    if (status == 0) status = restore_journal(&r);
    if (status != 0) return status;
    printf("restored up to event %" PRIu64 " of %s, %" PRIu64 " attachments\n", r.last_seq,
           cli_time(r.time_us, time), copied);
    if (r.lost_keys > 0) printf("keys missing: %" PRIu64 "; what they sealed is lost\n", r.lost_keys);
    printf("Start the office. Folds rebuild by themselves; letters whose fate is not known wait: see\n"
           "'kesu deadletters list'. Whoever asked to be erased after %s must be erased again.\n",
           cli_time(r.time_us, time));
    return 0;
}
