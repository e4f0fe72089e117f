/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the register. Reads go through one read transaction a turn. The
 * lane sorts a frozen generation and writes it in one transaction; a full
 * disk leaves it frozen for another try, a failed sync ends the process. */
#include "register.h"

#include <stdlib.h>

#include "check.h"
#include "clock.h"
#include "err.h"
#include "hash.h"
#include "log.h"

#define SCHEMA        6
#define FREEZE_ROWS   ((uint32_t)1 << 18)
#define FREEZE_US     (2 * USEC_PER_SEC)
#define CROWDED_BYTES ((size_t)192 << 20)
#define AHEAD         6 /* rows brought near before they are written */
#define TRIM_A_FLUSH  20000
#define FILL_A_TURN   1000

static const char *const table_names[N_REGISTER_TABLES] = {
    [TABLE_META] = "meta",           [TABLE_CASES] = "cases",           [TABLE_CUSTOMERS] = "customers",
    [TABLE_PERSONS] = "persons",     [TABLE_CONTACTS] = "contacts",     [TABLE_AGENTS] = "agents",
    [TABLE_EXTERNALS] = "externals", [TABLE_THREADS] = "threads",       [TABLE_NUMBERS] = "numbers",
    [TABLE_SERIALS] = "serials",     [TABLE_DELIVERIES] = "deliveries", [TABLE_COMMANDS] = "commands",
    [TABLE_SKIPS] = "skips",         [TABLE_PARTS] = "parts",           [TABLE_EVIDENCE] = "evidence",
    [TABLE_INCIDENTS] = "incidents", [TABLE_MEMBERS] = "members",       [TABLE_EIGHTDS] = "eightds",
    [TABLE_CAUSES] = "causes",       [TABLE_HANDOVERS] = "handovers",   [TABLE_RESTRICTED] = "restricted",
};

uint64_t intake_register_hash(enum register_table table, struct span key)
{
    /* Ids in a row lie in a row, in memory, too. */
    if (table == TABLE_CASES || table == TABLE_CUSTOMERS || table == TABLE_NUMBERS) {
        uint64_t v = 0;
        for (size_t i = key.n > 8 ? key.n - 8 : 0; i < key.n; i++) v = v << 8 | key.p[i];
        return v;
    }
    return hash_fast(key) + (uint64_t)table * UINT64_C(0x9e3779b97f4a7c15);
}

static void end_reading(struct intake_register *r)
{
    if (r->reading != NULL) store_abort(r->env, r->reading);
    r->reading = NULL;
}

static int begin_reading(struct intake_register *r)
{
    if (r->reading != NULL) return 0;
    int err = store_begin(r->env, r->store, STORE_READ, &r->reading);
    if (err != 0) env_die(r->env, "the register cannot be read");
    return err;
}

/* ---- opening ------------------------------------------------------------ */

static void last_key(struct intake_register *r, enum register_table table, struct span *ret)
{
    struct store_cursor *c = NULL;
    struct span value;
    *ret = SPAN_NONE;
    if (store_cursor_open(r->env, r->reading, table, &c) != 0) return;
    store_step(r->env, c, -1, ret, &value);
    store_cursor_close(r->env, c);
}

static int load(struct intake_register *r)
{
    struct span value, key;
    if (begin_reading(r) != 0) return E_IO;
    memset(&r->meta, 0, sizeof(r->meta));
    if (store_get(r->env, r->reading, TABLE_META, SPAN_LIT("meta"), &value) == 0) {
        if (value.n < sizeof(uint32_t)) return E_CORRUPT;
        memcpy(&r->meta, value.p, value.n < sizeof(r->meta) ? value.n : sizeof(r->meta));
        if (r->meta.schema > SCHEMA) return E_VERSION;
    }
    memset(r->newest_command, 0, sizeof(r->newest_command));
    last_key(r, TABLE_COMMANDS, &key);
    if (key.n >= sizeof(r->newest_command)) memcpy(r->newest_command, key.p, sizeof(r->newest_command));
    last_key(r, TABLE_CASES, &key);
    r->newest_case = 0;
    key_take_u64(&key, &r->newest_case);
    r->stored_seq = r->meta.seq;
    end_reading(r);
    return 0;
}

static int empty(struct intake_register *r)
{
    struct store_txn *t = NULL;
    int err = store_begin(r->env, r->store, STORE_WRITE, &t);
    if (err != 0) return err;
    for (unsigned i = 0; i < N_REGISTER_TABLES && err == 0; i++) err = store_clear(r->env, t, i);
    if (err != 0) {
        store_abort(r->env, t);
        return err;
    }
    return store_commit(r->env, t, STORE_SYNC_FULL);
}

static void begin_anew(struct intake_register *r, const uint8_t journal_uuid[16])
{
    r->meta = (struct register_meta){.schema = SCHEMA, .next_key_id = 1};
    memcpy(r->meta.journal_uuid, journal_uuid, sizeof(r->meta.journal_uuid));
}

int intake_register_open(struct intake_register *r, struct env *env, const char *path)
{
    *r = (struct intake_register){.env = env};
    intake_rows_init(&r->generations[0], &env->mem);
    intake_rows_init(&r->generations[1], &env->mem);
    r->current = &r->generations[0];
    intake_filter_init(&r->filter, &env->mem);
    r->filling = N_REGISTER_TABLES;
    r->frozen_mono_us = clock_mono_us(env);
    if (path == NULL) return 0;
    struct store_opts opts = {.path = path, .tables = table_names, .n_tables = N_REGISTER_TABLES};
    int err = store_open(env, &opts, &r->store);
    return err == 0 ? load(r) : err;
}

int intake_register_follow(struct intake_register *r, const uint8_t journal_uuid[16], uint64_t head_seq)
{
    struct env *env = r->env;
    if (r->store == NULL) {
        begin_anew(r, journal_uuid);
        return 0;
    }
    bool other = memcmp(r->meta.journal_uuid, journal_uuid, sizeof(r->meta.journal_uuid)) != 0;
    if (r->meta.schema != SCHEMA || other || r->meta.seq > head_seq) {
        if (r->meta.schema != 0)
            log_warn(env, "register is rebuilt from the journal", LOG_U64("stored_seq", r->meta.seq),
                     LOG_U64("head_seq", head_seq));
        int err = empty(r);
        if (err != 0) return err;
        begin_anew(r, journal_uuid);
        memset(r->newest_command, 0, sizeof(r->newest_command));
        r->newest_case = r->stored_seq = 0;
    }
    r->filling = r->stored_seq > 0 ? TABLE_CONTACTS : N_REGISTER_TABLES;
    r->lane = lane_open(env, "register");
    return 0;
}

/* ---- rows --------------------------------------------------------------- */

static bool is_filtered(unsigned table)
{
    return table == TABLE_CONTACTS || table == TABLE_EXTERNALS || table == TABLE_THREADS;
}

/* Ids of commands rise with time: most that are asked for are above everything
 * stored, and need no look at the store. */
static bool surely_not_stored(const struct intake_register *r, enum register_table table, struct span key)
{
    if (table == TABLE_COMMANDS) return memcmp(key.p, r->newest_command, sizeof(r->newest_command)) > 0;
    return r->stored_seq == 0;
}

/* After a start the filter is filled from the store, a little a turn. */
static void fill_filter(struct intake_register *r)
{
    struct store_cursor *c = NULL;
    struct span key, value;
    if (r->filling == N_REGISTER_TABLES || begin_reading(r) != 0) return;
    if (store_cursor_open(r->env, r->reading, r->filling, &c) != 0) return;
    int err = r->filled_to.n > 0 ? store_seek(r->env, c, key_span(&r->filled_to), &key, &value)
                                 : store_step(r->env, c, +1, &key, &value);
    for (unsigned i = 0; err == 0 && i < FILL_A_TURN; i++) {
        intake_filter_add(&r->filter, intake_register_hash((enum register_table)r->filling, key));
        r->filled_to.n = 0;
        key_bytes(&r->filled_to, key);
        err = store_step(r->env, c, +1, &key, &value);
    }
    store_cursor_close(r->env, c);
    if (err != E_NOT_FOUND) return;
    r->filled_to.n = 0;
    do r->filling++;
    while (r->filling < N_REGISTER_TABLES && !is_filtered(r->filling));
}

int intake_register_get(struct intake_register *r, enum register_table table, struct span key,
                        struct span *ret)
{
    uint64_t hash = intake_register_hash(table, key);
    if (is_filtered(table) && r->filling == N_REGISTER_TABLES && !intake_filter_may_have(&r->filter, hash))
        return E_NOT_FOUND;
    const struct row *row = intake_rows_find(r->current, hash, table, key);
    if (row == NULL && r->frozen != NULL) row = intake_rows_find(r->frozen, hash, table, key);
    if (row != NULL) {
        *ret = intake_row_value(row);
        return 0;
    }
    if (r->store == NULL || surely_not_stored(r, table, key)) return E_NOT_FOUND;
    if (begin_reading(r) != 0) return E_IO;
    int err = store_get(r->env, r->reading, table, key, ret);
    if (err != 0 && err != E_NOT_FOUND) env_die(r->env, "the register cannot be read");
    return err;
}

bool intake_register_get_u64(struct intake_register *r, enum register_table table, struct span key,
                             uint64_t *ret)
{
    struct span value;
    if (intake_register_get(r, table, key, &value) != 0 || value.n != sizeof(*ret)) return false;
    memcpy(ret, value.p, sizeof(*ret));
    return true;
}

void intake_register_prefetch(const struct intake_register *r, enum register_table table, struct span key)
{
    uint64_t hash = intake_register_hash(table, key);
    if (is_filtered(table)) intake_filter_prefetch(&r->filter, hash);
    intake_rows_prefetch(r->current, hash, table);
    if (r->frozen != NULL && !is_filtered(table)) intake_rows_prefetch(r->frozen, hash, table);
}

uint8_t *intake_register_reserve(struct intake_register *r, enum register_table table, struct span key,
                                 size_t n)
{
    uint64_t hash = intake_register_hash(table, key);
    if (is_filtered(table)) intake_filter_add(&r->filter, hash);
    return intake_rows_put(r->current, hash, table, key, n);
}

void intake_register_put(struct intake_register *r, enum register_table table, struct span key,
                         struct span value)
{
    uint8_t *p = intake_register_reserve(r, table, key, value.n);
    if (value.n > 0) memcpy(p, value.p, value.n);
}

void intake_register_put_u64(struct intake_register *r, enum register_table table, struct span key,
                             uint64_t value)
{
    memcpy(intake_register_reserve(r, table, key, sizeof(value)), &value, sizeof(value));
}

/* ---- from memory to the store ------------------------------------------- */

static int trim_commands(struct env *env, struct store_txn *t, int64_t floor_ms)
{
    struct key limit = intake_key_u64((uint64_t)floor_ms << 16);
    struct span key, value;
    for (unsigned i = 0; i < TRIM_A_FLUSH; i++) {
        struct store_cursor *c = NULL;
        int err = store_cursor_open(env, t, TABLE_COMMANDS, &c);
        if (err != 0) return err;
        err = store_step(env, c, +1, &key, &value);
        struct key copy = {0};
        bool old = err == 0 && key.n >= 6 && memcmp(key.p, limit.p, 6) < 0;
        if (old) key_bytes(&copy, key);
        store_cursor_close(env, c);
        if (!old) return err == E_NOT_FOUND ? 0 : err;
        err = store_del(env, t, TABLE_COMMANDS, key_span(&copy));
        if (err != 0) return err;
    }
    return 0;
}

static void on_flush_work(struct job *job)
{
    struct register_flush *f = (struct register_flush *)job;
    struct intake_register *r = f->reg;
    struct store_txn *t = NULL;
    intake_rows_sorted(r->frozen, f->sorted);
    int err = store_begin(r->env, r->store, STORE_WRITE, &t);
    if (err != 0) {
        f->status = err;
        return;
    }
    for (uint32_t i = 0; i < r->frozen->count && err == 0; i++) {
        const struct row *row = f->sorted[i];
        if (i + AHEAD < r->frozen->count) intake_row_prefetch(f->sorted[i + AHEAD]);
        if (row->table == TABLE_COMMANDS) f->newest_command = row;
        if (row->table == TABLE_CASES) f->newest_case = row;
        err = store_put(r->env, t, row->table, intake_row_key(row), intake_row_value(row), false);
    }
    if (err == 0 && r->frozen_meta.floor_ms > 0) err = trim_commands(r->env, t, r->frozen_meta.floor_ms);
    if (err == 0)
        err = store_put(r->env, t, TABLE_META, SPAN_LIT("meta"),
                        span_of(&r->frozen_meta, sizeof(r->frozen_meta)), false);
    if (err != 0)
        store_abort(r->env, t);
    else
        err = store_commit(r->env, t, STORE_SYNC_FULL);
    f->status = err;
}

static void note_newest(struct intake_register *r)
{
    const struct register_flush *f = &r->flush;
    if (f->newest_command != NULL && memcmp(f->newest_command->bytes, r->newest_command, 16) > 0)
        memcpy(r->newest_command, f->newest_command->bytes, 16);
    struct span key = f->newest_case != NULL ? intake_row_key(f->newest_case) : SPAN_NONE;
    uint64_t id;
    if (key_take_u64(&key, &id) && id > r->newest_case) r->newest_case = id;
}

static void on_flush_done(struct job *job)
{
    struct register_flush *f = (struct register_flush *)job;
    struct intake_register *r = f->reg;
    r->flushing = false;
    end_reading(r);
    if (f->status != 0 && f->status != E_NOSPACE) env_die(r->env, "the register could not be written");
    if (f->status == 0) {
        note_newest(r);
        r->stored_seq = r->frozen_meta.seq;
        intake_rows_clear(r->frozen);
        r->frozen = NULL;
    } else {
        log_error(r->env, "register not committed", LOG_ERR(f->status));
    }
    mem_free(&r->env->mem, f->sorted);
    f->sorted = NULL;
}

static void freeze(struct intake_register *r, int64_t trim_below_ms)
{
    if (trim_below_ms > r->meta.floor_ms) r->meta.floor_ms = trim_below_ms;
    r->frozen = r->current;
    r->frozen_meta = r->meta;
    r->current = r->frozen == &r->generations[0] ? &r->generations[1] : &r->generations[0];
    r->frozen_mono_us = clock_mono_us(r->env);
}

static void flush(struct intake_register *r)
{
    r->flushing = true;
    r->flush = (struct register_flush){.job = {.work = on_flush_work, .done = on_flush_done}, .reg = r};
    r->flush.sorted = mem_alloc(&r->env->mem, sizeof(*r->flush.sorted) * (r->frozen->count + 1));
    lane_post(r->env, r->lane, &r->flush.job);
}

void intake_register_turn(struct intake_register *r, uint64_t durable_seq, int64_t trim_below_ms)
{
    fill_filter(r);
    end_reading(r);
    if (r->lane == NULL || r->flushing) return;
    bool aged = clock_mono_us(r->env) - r->frozen_mono_us >= FREEZE_US;
    if (r->frozen == NULL && r->current->count > 0 && (aged || r->current->count >= FREEZE_ROWS))
        freeze(r, trim_below_ms);
    /* After a full disk, try again only so often. */
    if (r->frozen != NULL && r->frozen_meta.seq <= durable_seq && (r->flush.status == 0 || aged)) {
        if (r->flush.status != 0) r->frozen_mono_us = clock_mono_us(r->env);
        flush(r);
    }
}

void intake_register_rollback(struct intake_register *r)
{
    struct lane *lane = r->lane;
    r->lane = NULL;
    if (lane != NULL) lane_close(r->env, lane); /* what is being flushed is durable: let it end */
    end_reading(r);
    uint8_t uuid[16];
    memcpy(uuid, r->meta.journal_uuid, sizeof(uuid));
    if (r->frozen != NULL) intake_rows_clear(r->frozen);
    r->frozen = NULL;
    intake_rows_clear(r->current);
    if (r->store == NULL || r->stored_seq == 0) {
        begin_anew(r, uuid);
    } else if (load(r) != 0) {
        env_die(r->env, "the register cannot be read");
    }
    if (r->store != NULL) r->lane = lane_open(r->env, "register");
    r->flush.status = 0;
}

void intake_register_close(struct intake_register *r, uint64_t durable_seq)
{
    if (r->env == NULL) return;
    end_reading(r);
    if (r->lane != NULL) {
        if (!r->flushing && r->frozen == NULL && r->current->count > 0) freeze(r, INT64_MIN);
        if (!r->flushing && r->frozen != NULL && r->frozen_meta.seq <= durable_seq) flush(r);
        lane_close(r->env, r->lane);
    }
    store_close(r->env, r->store);
    intake_rows_deinit(&r->generations[0]);
    intake_rows_deinit(&r->generations[1]);
    intake_filter_deinit(&r->filter);
    *r = (struct intake_register){0};
}

bool intake_register_in_memory(const struct intake_register *r, enum register_table table, struct span key)
{
    uint64_t hash = intake_register_hash(table, key);
    return intake_rows_find(r->current, hash, table, key) != NULL ||
           (r->frozen != NULL && intake_rows_find(r->frozen, hash, table, key) != NULL);
}

bool intake_register_crowded(const struct intake_register *r)
{
    return r->frozen != NULL && r->current->bytes + r->frozen->bytes > CROWDED_BYTES;
}
