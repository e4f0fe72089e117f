// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "err.h"
#include "fake_intake.h"
#include "fold.h"
#include "fold_internal.h"
#include "key.h"

#define WALL_US (1764000000 * USEC_PER_SEC)

/* A fold that counts the notes of each case, in memory until the commit, and
 * asks to classify every case that is opened. */
enum { TABLE_SEQS, TABLE_COUNT, N_TABLES };
static const char *const tables[N_TABLES] = {"seqs", "count"};

struct counting {
    struct tally {
        uint64_t notes;
        bool changed;
    } tally;
    struct office *office;
};

struct office {
    struct sim *sim;
    struct fake_intake intake;
    struct sim_instance *instance;
    struct env *env;
    uint32_t version;
    struct fold_def def;
    struct fold *fold;
    struct counting counting, aside;
    int opened;
    unsigned n_refused, n_live, n_resets, n_sent_twice;
    int refuse_as;    /* error code, 0: accept */
    int last_refused; /* error code */
    uint64_t die_at, fail_at;
    unsigned n_died;
    bool two_commands; /* a note after the classification */
    const char *verified;
    int verify_err;
    char difference[300];
};

static int on_open(void *self, struct fold *f)
{
    struct counting *c = self;
    struct span v;
    if (fold_get(f, TABLE_COUNT, SPAN_LIT("notes"), &v) < 0) return 0;
    return key_take_u64(&v, &c->tally.notes) ? 0 : E_CORRUPT;
}

static void on_reset(void *self, struct fold *f)
{
    struct counting *c = self;
    (void)f;
    memset(&c->tally, 0, sizeof(c->tally));
    c->office->n_resets++;
}

static int on_commit(void *self, struct fold *f)
{
    struct counting *c = self;
    struct key v = {0};
    if (!c->tally.changed) return 0;
    key_u64(&v, c->tally.notes);
    fold_put(f, TABLE_COUNT, SPAN_LIT("notes"), key_span(&v));
    c->tally.changed = false;
    return 0;
}

static void on_live(void *self, struct fold *f)
{
    struct counting *c = self;
    (void)f;
    c->office->n_live++;
}

static void on_refused(void *self, struct fold *f, const Kesu__V1__Command *command,
                       const Kesu__V1__Refused *refused)
{
    struct counting *c = self;
    (void)f;
    assert_int_equal(command->body_case, KESU__V1__COMMAND__BODY_CLASSIFY_CASE);
    c->office->n_refused++;
    c->office->last_refused = -(int)refused->code;
}

/* Every seq once: a row that is there already is a broken fold. */
static int count_seq(struct fold *f, uint64_t seq)
{
    struct key k = {0};
    struct span v;
    key_u64(&k, seq);
    if (fold_get(f, TABLE_SEQS, key_span(&k), &v) == 0) return E_EXISTS;
    fold_put(f, TABLE_SEQS, key_span(&k), SPAN_LIT("x"));
    return 0;
}

static void send_two(struct office *o, struct fold *f, const struct fold_event *ev)
{
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    Kesu__V1__ClassifyCase classify = KESU__V1__CLASSIFY_CASE__INIT;
    Kesu__V1__AddNote note = KESU__V1__ADD_NOTE__INIT;
    classify.case_id = note.case_id = ev->case_id;
    command.body_case = KESU__V1__COMMAND__BODY_CLASSIFY_CASE;
    command.classify_case = &classify;
    fold_send(f, &command, ev->seq, ev->time_us, "classify", 0, false);
    fold_send(f, &command, ev->seq, ev->time_us, "classify", 0, false); /* the same: one row */
    if (!o->two_commands) return;
    note.text = "second";
    command.body_case = KESU__V1__COMMAND__BODY_ADD_NOTE;
    command.add_note = &note;
    fold_send(f, &command, ev->seq, ev->time_us, "note", 0, false);
}

static int on_opened(void *self, struct fold *f, const struct fold_event *ev)
{
    struct counting *c = self;
    struct office *o = c->office;
    if (ev->seq == o->die_at && f->aside_of == NULL) {
        o->n_died++;
        sim_crash(o->instance);
    }
    if (ev->seq == o->fail_at) return E_CORRUPT;
    int r = count_seq(f, ev->seq);
    if (r == 0) send_two(o, f, ev);
    return r;
}

static int on_classified(void *self, struct fold *f, const struct fold_event *ev)
{
    (void)self;
    fold_unsend(f, ev->event->previous_seq, WALL_US, "classify", 0);
    return count_seq(f, ev->seq);
}

static int on_note(void *self, struct fold *f, const struct fold_event *ev)
{
    struct counting *c = self;
    c->tally.notes++;
    c->tally.changed = true;
    return count_seq(f, ev->seq);
}

static const struct fold_row rows[] = {{KESU__V1__EVENT__BODY_CASE_OPENED, on_opened},
                                       {KESU__V1__EVENT__BODY_CASE_CLASSIFIED, on_classified},
                                       {KESU__V1__EVENT__BODY_NOTE_ADDED, on_note}};

static int aside_open(void *self, void **ret_self)
{
    struct counting *c = self;
    struct office *o = c->office;
    memset(&o->aside, 0, sizeof(o->aside));
    o->aside.office = o;
    *ret_self = &o->aside;
    return 0;
}

static void aside_close(void *aside)
{
    struct counting *c = aside;
    c->office->verified = "closed";
}

static void on_boot(void *self, struct env *env)
{
    struct office *o = self;
    struct fold_opts opts = {.data_dir = "data",
                             .feed_endpoint = FAKE_FEED,
                             .command_endpoint = FAKE_COMMANDS,
                             .pause_below_bytes = (uint64_t)512 << 20};
    o->env = env;
    o->fold = NULL;
    o->def = (struct fold_def){.name = "counting",
                               .version = o->version,
                               .tables = tables,
                               .n_tables = N_TABLES,
                               .rows = rows,
                               .n_rows = sizeof(rows) / sizeof(rows[0]),
                               .sync = STORE_SYNC_LATEST,
                               .on_open = on_open,
                               .on_reset = on_reset,
                               .on_commit = on_commit,
                               .on_live = on_live,
                               .on_refused = on_refused,
                               .aside_open = aside_open,
                               .aside_close = aside_close};
    memset(&o->counting, 0, sizeof(o->counting));
    o->counting.office = o;
    o->opened = fold_open(env, &o->def, &opts, &o->counting, &o->fold);
}

static void open_office(struct office *o, uint64_t seed)
{
    memset(o, 0, sizeof(*o));
    o->version = 1;
    o->sim = sim_new(seed, WALL_US);
    fake_intake_init(&o->intake, o->sim);
    o->intake.time_us = WALL_US;
}

static void start(struct office *o)
{
    o->instance = sim_instance_new(o->sim, "counting", on_boot, o);
    assert_int_equal(o->opened, 0);
}

static void close_office(struct office *o)
{
    if (sim_is_up(o->instance)) fold_close(o->fold);
    fake_intake_deinit(&o->intake);
    sim_free(&o->sim);
}

static uint64_t journal_opened(struct office *o)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__CaseOpened body = KESU__V1__CASE_OPENED__INIT;
    e.body_case = KESU__V1__EVENT__BODY_CASE_OPENED;
    e.case_opened = &body;
    uint64_t case_id = (o->intake.building ? o->intake.seq : o->intake.seq) + 1;
    return fake_intake_event(&o->intake, case_id, &e);
}

static void journal_classified(struct office *o, uint64_t case_id)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__CaseClassified body = KESU__V1__CASE_CLASSIFIED__INIT;
    e.body_case = KESU__V1__EVENT__BODY_CASE_CLASSIFIED;
    e.previous_seq = case_id;
    e.case_classified = &body;
    (void)fake_intake_event(&o->intake, case_id, &e);
}

static void journal_note(struct office *o)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__NoteAdded body = KESU__V1__NOTE_ADDED__INIT;
    e.body_case = KESU__V1__EVENT__BODY_NOTE_ADDED;
    e.note_added = &body;
    (void)fake_intake_event(&o->intake, 1, &e);
}

/* Rows of the fold's table of seqs. */
static unsigned n_seqs(struct office *o)
{
    struct store_cursor *c = NULL;
    struct span k, v;
    unsigned n = 0;
    assert_int_equal(fold_cursor(o->fold, TABLE_SEQS, &c), 0);
    while (store_step(o->env, c, +1, &k, &v) == 0) n++;
    store_cursor_close(o->env, c);
    return n;
}

static void folds_live_and_sends_when_committed(void **state)
{
    (void)state;
    struct office o;
    open_office(&o, 1);
    for (int i = 0; i < 10; i++) journal_opened(&o);
    journal_classified(&o, 1); /* its outcome is known: nothing to send */
    fake_intake_block(&o.intake);
    start(&o);
    assert_non_null(fold_not_ready(o.fold));
    assert_int_equal(o.intake.n_commands, 0);
    sim_run(o.sim, 5 * USEC_PER_SEC);
    assert_null(fold_not_ready(o.fold));
    assert_int_equal(o.n_live, 1);
    assert_int_equal(fold_cursor_seq(o.fold), 11);
    assert_int_equal(fold_rebuilt_to(o.fold), 11);
    assert_int_equal(o.intake.n_commands, 9);
    assert_int_equal(o.n_refused, 0);
    assert_int_equal(o.fold->outbox.n, 0);
    const Kesu__V1__Command *c = o.intake.commands[0].command;
    assert_int_equal(c->actor->kind, KESU__V1__ACTOR_KIND__ACTOR_KIND_SERVICE);
    assert_string_equal(c->actor->name, "counting");
    assert_int_equal(c->classify_case->case_id, 2);
    for (unsigned i = 0; i < 9; i++) assert_int_equal(o.intake.commands[i].times, 1);
    close_office(&o);
}

static void nothing_leaves_before_the_head(void **state)
{
    (void)state;
    struct office o;
    open_office(&o, 1);
    journal_opened(&o);
    fake_intake_block(&o.intake);
    for (int i = 0; i < 3000; i++) {
        journal_note(&o);
        fake_intake_block(&o.intake);
    }
    journal_classified(&o, 1); /* the last block of all says that nothing is to be sent */
    fake_intake_block(&o.intake);
    start(&o);
    sim_run(o.sim, 60 * USEC_PER_SEC);
    assert_int_equal(fold_cursor_seq(o.fold), 3002);
    assert_true(stats_get(o.fold->stat_commits) > 2);
    assert_int_equal(o.intake.n_commands, 0);
    close_office(&o);
}

static void every_event_once_through_crashes_and_full_disks(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct office o;
        open_office(&o, seed);
        start(&o);
        struct sim_faults bad = {.lose = 20000,
                                 .duplicate = 20000,
                                 .reorder = 20000,
                                 .delay = 20000,
                                 .crash_before_commit = 20000,
                                 .crash_after_commit = 20000,
                                 .disk_full = 20000};
        sim_set_faults(o.sim, &bad);
        for (int i = 0; i < 100; i++) {
            journal_opened(&o);
            journal_note(&o);
            fake_intake_block(&o.intake);
            sim_run(o.sim, (int64_t)sim_random(o.sim, 500) * USEC_PER_MS);
        }
        sim_set_faults(o.sim, NULL);
        sim_run(o.sim, 120 * USEC_PER_SEC);
        assert_int_equal(fold_cursor_seq(o.fold), 200);
        assert_int_equal(n_seqs(&o), 200);
        assert_int_equal(o.counting.tally.notes, 100);
        assert_int_equal(o.intake.n_commands, 100);
        assert_int_equal(o.fold->outbox.n, 0);
        close_office(&o);
    }
}

/* The classification of a case is refused for now until told otherwise. */
static bool refuse_classify(void *self, const Kesu__V1__Command *command, bool again, Kesu__V1__Reply *reply)
{
    static Kesu__V1__Refused refused;
    struct office *o = self;
    (void)again;
    if (command->body_case != KESU__V1__COMMAND__BODY_CLASSIFY_CASE || o->refuse_as == 0) return true;
    refused = (Kesu__V1__Refused)KESU__V1__REFUSED__INIT;
    refused.code = (Kesu__V1__ErrorCode)-o->refuse_as;
    refused.disposition = o->refuse_as == E_STALE ? KESU__V1__DISPOSITION__DISPOSITION_STALE
                                                  : KESU__V1__DISPOSITION__DISPOSITION_RETRY;
    reply->result_case = KESU__V1__REPLY__RESULT_REFUSED;
    reply->refused = &refused;
    return true;
}

static void keeps_the_order_of_a_case(void **state)
{
    (void)state;
    struct office o;
    open_office(&o, 1);
    o.two_commands = true;
    o.intake.on_command = refuse_classify;
    o.intake.self = &o;
    o.refuse_as = E_STORAGE_LOW;
    start(&o);
    journal_opened(&o);
    journal_opened(&o);
    fake_intake_block(&o.intake);
    sim_run(o.sim, 20 * USEC_PER_SEC);
    assert_int_equal(o.intake.n_commands, 2); /* the second of each case waits for the first */
    assert_true(o.intake.commands[0].times > 3);
    assert_int_equal(o.n_refused, 0);
    sim_crash(o.instance);
    sim_run(o.sim, 20 * USEC_PER_SEC);
    assert_int_equal(o.intake.n_commands, 2);
    o.refuse_as = 0;
    sim_run(o.sim, 60 * USEC_PER_SEC);
    assert_int_equal(o.n_refused, 0);
    assert_int_equal(o.fold->outbox.n, 0);
    assert_int_equal(o.intake.n_commands, 4);
    assert_int_equal(o.intake.commands[2].command->body_case, KESU__V1__COMMAND__BODY_ADD_NOTE);
    close_office(&o);
}

static void tells_refusals_that_need_another_choice(void **state)
{
    (void)state;
    static const int codes[] = {E_STALE, E_CAPACITY, E_ABSENT};
    for (size_t i = 0; i < 3; i++) {
        struct office o;
        open_office(&o, 1);
        o.intake.on_command = refuse_classify;
        o.intake.self = &o;
        o.refuse_as = codes[i];
        start(&o);
        journal_opened(&o);
        fake_intake_block(&o.intake);
        sim_run(o.sim, 20 * USEC_PER_SEC);
        assert_int_equal(o.n_refused, 1);
        assert_int_equal(o.last_refused, codes[i]);
        assert_int_equal(o.fold->outbox.n, 0);
        close_office(&o);
    }
}

static void another_journal_or_version_rebuilds(void **state)
{
    (void)state;
    struct office o;
    open_office(&o, 1);
    for (int i = 0; i < 10; i++) journal_note(&o);
    fake_intake_block(&o.intake);
    start(&o);
    sim_run(o.sim, 5 * USEC_PER_SEC);
    fake_intake_other_journal(&o.intake);
    for (int i = 0; i < 3; i++) journal_note(&o);
    fake_intake_block(&o.intake);
    sim_run(o.sim, 60 * USEC_PER_SEC);
    assert_int_equal(o.n_resets, 1);
    assert_int_equal(fold_cursor_seq(o.fold), 3);
    assert_int_equal(o.counting.tally.notes, 3);
    assert_int_equal(n_seqs(&o), 3);
    o.version = 2;
    sim_crash(o.instance);
    sim_run(o.sim, 30 * USEC_PER_SEC);
    assert_int_equal(o.opened, 0);
    assert_int_equal(fold_rebuilt_to(o.fold), 3);
    assert_int_equal(o.counting.tally.notes, 3);
    sim_crash(o.instance);
    sim_run(o.sim, 30 * USEC_PER_SEC);
    assert_int_equal(fold_rebuilt_to(o.fold), 0); /* the store was kept */
    o.version = 1;
    sim_crash(o.instance);
    sim_run(o.sim, 30 * USEC_PER_SEC);
    assert_int_equal(o.opened, E_VERSION);
    assert_null(o.fold);
    fake_intake_deinit(&o.intake);
    sim_free(&o.sim);
}

static void three_deaths_halt_until_skipped(void **state)
{
    (void)state;
    unsigned n_halted = 0, fewest = UINT32_MAX;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct office o;
        open_office(&o, seed);
        o.die_at = 5;
        for (int i = 0; i < 8; i++) journal_opened(&o);
        start(&o);
        fake_intake_block(&o.intake);
        sim_run(o.sim, 600 * USEC_PER_SEC); /* a power failure forgets the notes, a killed process does not */
        if (sim_is_up(o.instance) && fold_not_ready(o.fold) != NULL && sim_boots(o.instance) >= 3) {
            n_halted++;
            if (o.n_died < fewest) fewest = o.n_died;
            assert_non_null(strstr(fold_not_ready(o.fold), "halted at 5"));
            assert_int_equal(o.intake.n_commands, 0);
            o.intake.skips[0] = 5;
            o.intake.n_skips = 1;
            sim_run(o.sim, 60 * USEC_PER_SEC);
            assert_null(fold_not_ready(o.fold));
            assert_int_equal(n_seqs(&o), 7);
        }
        close_office(&o);
    }
    assert_true(n_halted > 0);
    assert_int_equal(fewest, 3);
}

static void an_error_of_a_handler_halts(void **state)
{
    (void)state;
    struct office o;
    open_office(&o, 1);
    o.fail_at = 3;
    for (int i = 0; i < 8; i++) journal_opened(&o);
    fake_intake_block(&o.intake);
    start(&o);
    sim_run(o.sim, 30 * USEC_PER_SEC);
    assert_non_null(strstr(fold_not_ready(o.fold), "halted at 3"));
    assert_int_equal(o.intake.n_commands, 0);
    assert_int_equal(n_seqs(&o), 0);
    close_office(&o);
}

static void low_storage_pauses(void **state)
{
    (void)state;
    struct office o;
    open_office(&o, 1);
    start(&o);
    journal_note(&o);
    fake_intake_block(&o.intake);
    sim_run(o.sim, 5 * USEC_PER_SEC);
    assert_int_equal(fold_cursor_seq(o.fold), 1);
    sim_set_free_bytes(o.sim, (uint64_t)300 << 20);
    for (int i = 0; i < 5; i++) {
        journal_note(&o);
        fake_intake_block(&o.intake);
        sim_run(o.sim, 5 * USEC_PER_SEC);
    }
    assert_int_equal(fold_cursor_seq(o.fold), 1);
    assert_string_equal(fold_not_ready(o.fold), "storage is low: paused");
    sim_set_free_bytes(o.sim, (uint64_t)4 << 30);
    sim_run(o.sim, 5 * USEC_PER_SEC);
    assert_int_equal(fold_cursor_seq(o.fold), 6);
    assert_int_equal(o.counting.tally.notes, 6);
    assert_null(fold_not_ready(o.fold));
    close_office(&o);
}

static void on_verified(void *self, int err, uint64_t seq, const char *difference)
{
    struct office *o = self;
    (void)seq;
    o->verify_err = err;
    strncpy(o->difference, difference, sizeof(o->difference) - 1);
}

static void verify_finds_what_differs(void **state)
{
    (void)state;
    struct office o;
    open_office(&o, 1);
    start(&o);
    for (int i = 0; i < 50; i++) {
        journal_opened(&o);
        journal_note(&o);
        fake_intake_block(&o.intake);
    }
    sim_run(o.sim, 10 * USEC_PER_SEC);
    o.verify_err = 1;
    assert_int_equal(fold_verify_start(o.fold, on_verified, &o), 0);
    assert_int_equal(fold_verify_start(o.fold, on_verified, &o), E_AGAIN);
    sim_run(o.sim, 10 * USEC_PER_SEC);
    assert_int_equal(o.verify_err, 0);
    assert_string_equal(o.difference, "");
    assert_string_equal(o.verified, "closed");
    fold_put(o.fold, TABLE_SEQS, SPAN_LIT("zzz"), SPAN_LIT("stray"));
    fold_touch(o.fold);
    sim_run(o.sim, USEC_PER_SEC);
    o.verify_err = 1;
    assert_int_equal(fold_verify_start(o.fold, on_verified, &o), 0);
    sim_run(o.sim, 10 * USEC_PER_SEC);
    assert_int_equal(o.verify_err, 0);
    assert_non_null(strstr(o.difference, "table seqs"));
    assert_int_equal(o.intake.n_commands, 50); /* what was folded beside sent nothing */
    assert_null(fold_not_ready(o.fold));
    close_office(&o);
}

static void verify_may_begin_before_the_first_block(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 16; seed++) {
        struct office o;
        open_office(&o, seed);
        for (int i = 0; i < 5; i++) {
            journal_opened(&o);
            fake_intake_block(&o.intake);
        }
        start(&o);
        assert_int_equal(fold_cursor_seq(o.fold), 0);
        o.verify_err = 1;
        assert_int_equal(fold_verify_start(o.fold, on_verified, &o), 0);
        sim_run(o.sim, 20 * USEC_PER_SEC);
        assert_int_equal(o.verify_err, 0);
        assert_string_equal(o.difference, "");
        close_office(&o);
    }
}

static void verify_without_room_says_nothing_of_the_fold(void **state)
{
    (void)state;
    struct office o;
    struct sim_faults no_room = {.disk_full = 1000000};
    open_office(&o, 1);
    start(&o);
    journal_opened(&o);
    fake_intake_block(&o.intake);
    sim_run(o.sim, 10 * USEC_PER_SEC);
    assert_int_equal(fold_cursor_seq(o.fold), 1);
    journal_note(&o);
    fake_intake_block(&o.intake);
    sim_set_faults(o.sim, &no_room);
    assert_int_equal(fold_verify_start(o.fold, on_verified, &o), 0);
    sim_run(o.sim, 10 * USEC_PER_SEC);
    assert_int_equal(o.verify_err, E_AGAIN);
    assert_non_null(strstr(o.difference, "not compared"));
    close_office(&o);
}

static void journal_policy(struct office *o, const char *name, uint8_t hash_byte)
{
    uint8_t hash[HASH_BYTES] = {hash_byte};
    Kesu__V1__PolicyBundle bundle = KESU__V1__POLICY_BUNDLE__INIT;
    Kesu__V1__Policy policy = KESU__V1__POLICY__INIT;
    Kesu__V1__Office office = KESU__V1__OFFICE__INIT;
    office.name = (char *)(uintptr_t)name;
    policy.office = &office;
    bundle.policy = &policy;
    struct buf *all = codec_pack_buf(&bundle);
    for (uint32_t i = 0; i < 2; i++) {
        Kesu__V1__Event e = KESU__V1__EVENT__INIT;
        Kesu__V1__PolicyPartStored part = KESU__V1__POLICY_PART_STORED__INIT;
        size_t half = all->n / 2;
        part.hash = (ProtobufCBinaryData){sizeof(hash), hash};
        part.index = i;
        part.count = 2;
        part.content = (ProtobufCBinaryData){i == 0 ? half : all->n - half, all->p + (i == 0 ? 0 : half)};
        e.body_case = KESU__V1__EVENT__BODY_POLICY_PART_STORED;
        e.policy_part_stored = &part;
        (void)fake_intake_event(&o->intake, 0, &e);
    }
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__PolicyActivated activated = KESU__V1__POLICY_ACTIVATED__INIT;
    activated.hash = (ProtobufCBinaryData){sizeof(hash), hash};
    activated.parts = 2;
    e.body_case = KESU__V1__EVENT__BODY_POLICY_ACTIVATED;
    e.policy_activated = &activated;
    (void)fake_intake_event(&o->intake, 0, &e);
    fake_intake_block(&o->intake);
    buf_unref(all);
}

static void the_policy_in_force_follows_the_cursor(void **state)
{
    (void)state;
    struct office o;
    const uint8_t *hash = NULL;
    open_office(&o, 1);
    start(&o);
    assert_null(fold_policy(o.fold, NULL));
    journal_policy(&o, "first", 1);
    sim_run(o.sim, 5 * USEC_PER_SEC);
    assert_string_equal(fold_policy(o.fold, &hash)->office->name, "first");
    assert_int_equal(hash[0], 1);
    journal_policy(&o, "second", 2);
    sim_run(o.sim, 5 * USEC_PER_SEC);
    assert_string_equal(fold_policy(o.fold, &hash)->office->name, "second");
    sim_crash(o.instance);
    sim_run(o.sim, 60 * USEC_PER_SEC);
    assert_string_equal(fold_policy(o.fold, &hash)->office->name, "second");
    close_office(&o);
}

static void a_silent_intake_is_told(void **state)
{
    (void)state;
    struct office o;
    open_office(&o, 1);
    for (int i = 0; i < 10; i++) journal_opened(&o);
    fake_intake_block(&o.intake);
    start(&o);
    sim_run(o.sim, 5 * USEC_PER_SEC);
    assert_null(fold_not_ready(o.fold));
    sim_crash(o.intake.instance);
    sim_run(o.sim, USEC_PER_SEC);
    assert_null(fold_not_ready(o.fold)); /* a restart is no reason to cry */
    for (int i = 0; i < 4000; i++) {
        if (sim_is_up(o.intake.instance)) sim_crash(o.intake.instance);
        sim_run(o.sim, USEC_PER_MS);
    }
    assert_string_equal(fold_not_ready(o.fold), "intake does not answer");
    sim_run(o.sim, 10 * USEC_PER_SEC);
    assert_null(fold_not_ready(o.fold));
    close_office(&o);
}

UNIT_MAIN(cmocka_unit_test(folds_live_and_sends_when_committed),
          cmocka_unit_test(nothing_leaves_before_the_head),
          cmocka_unit_test(every_event_once_through_crashes_and_full_disks),
          cmocka_unit_test(keeps_the_order_of_a_case),
          cmocka_unit_test(tells_refusals_that_need_another_choice),
          cmocka_unit_test(another_journal_or_version_rebuilds),
          cmocka_unit_test(three_deaths_halt_until_skipped), cmocka_unit_test(an_error_of_a_handler_halts),
          cmocka_unit_test(low_storage_pauses), cmocka_unit_test(verify_finds_what_differs),
          cmocka_unit_test(verify_may_begin_before_the_first_block),
          cmocka_unit_test(verify_without_room_says_nothing_of_the_fold),
          cmocka_unit_test(the_policy_in_force_follows_the_cursor), cmocka_unit_test(a_silent_intake_is_told))
