/* SPDX-License-Identifier: Apache-2.0 */
/* What the simulated world has beyond the contract: crashes and faults. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "clock.h"
#include "err.h"
#include "files.h"
#include "mail.h"
#include "sched.h"
#include "sim/sim.h"
#include "store.h"
#include "unit.h"

#define WALL_US (1764000000 * USEC_PER_SEC)

static const char *const tables[] = {"t"};

struct box { /* an instance that only boots */
    struct env *env;
    unsigned boots;
};

static void on_boot(void *self, struct env *env)
{
    struct box *b = self;
    b->env = env;
    b->boots++;
}

static struct store *open_store(struct env *env)
{
    struct store *s = NULL;
    struct store_opts opts = {.path = "data/store", .tables = tables, .n_tables = 1};
    assert_int_equal(store_open(env, &opts, &s), 0);
    return s;
}

static int write_number(struct env *env, struct store *s, char number, enum store_sync sync)
{
    struct store_txn *t = NULL;
    assert_int_equal(store_begin(env, s, STORE_WRITE, &t), 0);
    assert_int_equal(store_put(env, t, 0, SPAN_LIT("k"), span_of(&number, 1), false), 0);
    return store_commit(env, t, sync);
}

static char read_number(struct env *env)
{
    struct store *s = open_store(env);
    struct store_txn *t = NULL;
    struct span got = SPAN_LIT("-");
    assert_int_equal(store_begin(env, s, STORE_READ, &t), 0);
    store_get(env, t, 0, SPAN_LIT("k"), &got);
    char number = (char)got.p[0];
    store_abort(env, t);
    store_close(env, s);
    return number;
}

/* Which of the numbers a power failure after these two commits leaves. */
static void after_power_failure(enum store_sync sync, bool seen[256])
{
    for (uint64_t seed = 0; seed < 32; seed++) {
        struct sim *s = sim_new(seed, WALL_US);
        struct box b = {0};
        struct sim_instance *i = sim_instance_new(s, "box", on_boot, &b);
        struct store *store = open_store(b.env);
        assert_int_equal(write_number(b.env, store, '1', STORE_SYNC_FULL), 0);
        assert_int_equal(write_number(b.env, store, '2', sync), 0);
        assert_int_equal(write_number(b.env, store, '3', sync), 0);
        struct store_txn *open = NULL; /* what is not committed is lost in any case */
        assert_int_equal(store_begin(b.env, store, STORE_WRITE, &open), 0);
        assert_int_equal(store_put(b.env, open, 0, SPAN_LIT("k"), SPAN_LIT("4"), false), 0);
        sim_power_failure(i);
        assert_false(sim_is_up(i));
        sim_run(s, 5 * USEC_PER_SEC);
        assert_int_equal(b.boots, 2);
        seen[(unsigned char)read_number(b.env)] = true;
        sim_free(&s);
    }
}

static void a_power_failure_leaves_synced_commits(void **state)
{
    (void)state;
    bool seen[256] = {false};
    after_power_failure(STORE_SYNC_FULL, seen);
    assert_true(seen['3']);
    assert_false(seen['2'] || seen['1'] || seen['4'] || seen['-']);
}

static void the_latest_commit_may_be_lost_but_no_older_one(void **state)
{
    (void)state;
    bool seen[256] = {false};
    after_power_failure(STORE_SYNC_LATEST, seen);
    assert_true(seen['3'] && seen['2']);
    assert_false(seen['1'] || seen['4'] || seen['-']);
}

static void a_power_failure_takes_what_was_not_synced_of_files(void **state)
{
    (void)state;
    bool old = false, new = false, gone = false;
    for (uint64_t seed = 0; seed < 64; seed++) {
        struct sim *s = sim_new(seed, WALL_US);
        struct box b = {0};
        struct sim_instance *i = sim_instance_new(s, "box", on_boot, &b);
        struct file *f = NULL, *fresh = NULL;
        assert_int_equal(file_open(b.env, "f", FILE_CREATE, &f), 0);
        assert_int_equal(file_write(b.env, f, 0, "old", 3), 0);
        assert_int_equal(file_sync(b.env, f), 0);
        assert_int_equal(file_write(b.env, f, 0, "new", 3), 0);
        assert_int_equal(file_open(b.env, "fresh", FILE_CREATE, &fresh), 0);
        sim_power_failure(i);
        sim_run(s, 5 * USEC_PER_SEC);
        struct span got = SPAN_NONE;
        assert_int_equal(files_read_all(b.env, "f", 10, &got), 0);
        old |= span_equal(got, SPAN_LIT("old"));
        new |= span_equal(got, SPAN_LIT("new"));
        assert_int_equal(got.n, 3);
        gone |= files_read_all(b.env, "fresh", 10, &got) == E_NOT_FOUND;
        sim_free(&s);
    }
    assert_true(old && new &&gone);
}

static void a_full_disk_leaves_the_store_as_it_was(void **state)
{
    (void)state;
    struct sim *s = sim_new(1, WALL_US);
    struct box b = {0};
    sim_instance_new(s, "box", on_boot, &b);
    struct store *store = open_store(b.env);
    assert_int_equal(write_number(b.env, store, '1', STORE_SYNC_FULL), 0);
    sim_set_faults(s, &(struct sim_faults){.disk_full = 1000000});
    assert_int_equal(write_number(b.env, store, '2', STORE_SYNC_FULL), E_NOSPACE);
    assert_int_equal(sim_fault_counts(s)[SIM_DISK_FULL], 1);
    sim_set_faults(s, NULL);
    store_close(b.env, store);
    assert_int_equal(read_number(b.env), '1');
    sim_free(&s);
}

/* ---- a pair that talks: for everything about messages and about one seed ----------- */

struct pair {
    struct env *server_env, *client_env;
    struct bus_server *server;
    struct bus_client *client;
    struct timer *timer;
    struct mail_call *mail;
    char trace[4096]; /* what the server got, and when */
    unsigned sent, got, mails_done;
    uint64_t last_peer;
    unsigned peers, late, twice; /* late: an older number on another connection */
    unsigned long last, last_of_peer;
    unsigned wrong; /* order broken within a connection */
};

static void on_request(void *self, uint64_t peer, const struct bus_msg *msg)
{
    struct pair *p = self;
    char text[16] = "";
    memcpy(text, msg->head.p, msg->head.n < 15 ? msg->head.n : 15);
    unsigned long number = strtoul(text, NULL, 10);
    if (peer == p->last_peer && number < p->last_of_peer) p->wrong++;
    if (peer != p->last_peer && number < p->last) p->late++;
    if (number == p->last && p->got > 0) p->twice++;
    if (peer != p->last_peer) p->peers++;
    p->last_peer = peer;
    p->last = p->last_of_peer = number;
    p->got++;
    size_t n = strlen(p->trace);
    snprintf(p->trace + n, sizeof p->trace - n, "%s@%lld ", text, (long long)clock_mono_us(p->server_env));
}

static void on_server_boot(void *self, struct env *env)
{
    struct pair *p = self;
    struct bus_server_opts opts = {.endpoint = "ipc://s", .on_message = on_request, .self = p};
    p->server_env = env;
    assert_int_equal(bus_listen(env, &opts, &p->server), 0);
}

static void on_answer(void *self, const struct bus_msg *msg)
{
    (void)self, (void)msg;
}

static void on_tick(void *self)
{
    struct pair *p = self;
    char text[16];
    snprintf(text, sizeof text, "%u", p->sent);
    if (bus_send(p->client_env, p->client, span_str(text), NULL) == 0) p->sent++;
    timer_set(p->client_env, p->timer, clock_mono_us(p->client_env) + 100);
}

static void on_client_boot(void *self, struct env *env)
{
    struct pair *p = self;
    struct bus_client_opts opts = {.endpoint = "ipc://s", .on_message = on_answer, .self = p};
    p->client_env = env;
    assert_int_equal(bus_connect(env, &opts, &p->client), 0);
    p->timer = timer_new(env, on_tick, p);
    timer_set(env, p->timer, clock_mono_us(env));
}

static void run_pair(struct pair *p, uint64_t seed, const struct sim_faults *faults, int64_t for_us,
                     uint64_t counts[SIM_N_FAULTS])
{
    *p = (struct pair){0};
    struct sim *s = sim_new(seed, WALL_US);
    sim_instance_new(s, "server", on_server_boot, p);
    sim_instance_new(s, "client", on_client_boot, p);
    sim_set_faults(s, faults);
    sim_run(s, for_us);
    memcpy(counts, sim_fault_counts(s), SIM_N_FAULTS * sizeof counts[0]);
    sim_free(&s);
}

static void message_faults_happen_and_are_counted(void **state)
{
    (void)state;
    struct pair p;
    uint64_t counts[SIM_N_FAULTS];
    run_pair(&p, 1, NULL, USEC_PER_SEC, counts);
    assert_true(p.sent > 1000 && p.sent - p.got < 10 && p.peers == 1 && p.wrong == 0);
    run_pair(&p, 1, &(struct sim_faults){.lose = 100000}, USEC_PER_SEC, counts);
    assert_true(counts[SIM_LOSE] > 0);
    assert_true(p.sent - p.got >= counts[SIM_LOSE] - 3 && p.sent - p.got < counts[SIM_LOSE] + 10);
    run_pair(&p, 1, &(struct sim_faults){.duplicate = 100000}, USEC_PER_SEC, counts);
    assert_true(counts[SIM_DUPLICATE] > 0 && p.twice + 3 > counts[SIM_DUPLICATE]);
    run_pair(&p, 1, &(struct sim_faults){.reorder = 1000}, 30 * USEC_PER_SEC, counts);
    assert_true(counts[SIM_REORDER] > 0 && p.late > 0 && p.wrong == 0 && p.peers > counts[SIM_REORDER]);
    run_pair(&p, 1, &(struct sim_faults){.delay = 1000}, 30 * USEC_PER_SEC, counts);
    assert_true(counts[SIM_DELAY] > 0 && p.wrong == 0 && p.peers == 1);
}

static void the_same_seed_gives_the_same_run(void **state)
{
    (void)state;
    static struct pair a, b, c;
    const struct sim_faults faults = {.lose = 10000, .duplicate = 10000, .reorder = 1000, .crash_step = 500};
    uint64_t counts_a[SIM_N_FAULTS], counts_b[SIM_N_FAULTS], counts_c[SIM_N_FAULTS];
    run_pair(&a, 7, &faults, 10 * USEC_PER_SEC, counts_a);
    run_pair(&b, 7, &faults, 10 * USEC_PER_SEC, counts_b);
    run_pair(&c, 8, &faults, 10 * USEC_PER_SEC, counts_c);
    assert_true(counts_a[SIM_CRASH_STEP] > 0);
    assert_memory_equal(counts_a, counts_b, sizeof counts_a);
    assert_string_equal(a.trace, b.trace);
    assert_string_not_equal(a.trace, c.trace);
}

/* ---- crashes inside of a service's own code -------------------------------------------- */

struct committer {
    struct sim_instance *i;
    struct env *env;
    struct store *store;
    struct timer *timer;
    unsigned went_on, stops;
    char last;
};

static void on_commit_due(void *self)
{
    struct committer *c = self;
    assert_int_equal(write_number(c->env, c->store, '9', STORE_SYNC_FULL), 0);
    c->went_on++;
    env_stop(c->env, 0);
}

static void on_committer_boot(void *self, struct env *env)
{
    struct committer *c = self;
    c->env = env;
    mem_alloc(&env->mem, 1000); /* dropped with the instance */
    c->last = read_number(env);
    c->store = open_store(env);
    c->timer = timer_new(env, on_commit_due, c);
    if (c->last != '9') timer_set(env, c->timer, clock_mono_us(env) + 1);
}

static void on_committer_stop(void *self, struct env *env)
{
    struct committer *c = self;
    (void)env;
    c->stops++;
}

static void run_committer(struct committer *c, const struct sim_faults *faults, int64_t for_us)
{
    *c = (struct committer){0};
    struct sim *s = sim_new(3, WALL_US);
    c->i = sim_instance_new(s, "committer", on_committer_boot, c);
    sim_on_stop(c->i, on_committer_stop);
    sim_set_faults(s, faults);
    sim_run(s, for_us);
    sim_set_faults(s, NULL);
    sim_run(s, 20 * USEC_PER_SEC);
    sim_free(&s);
}

static void a_commit_may_crash_before_or_after_it_is_kept(void **state)
{
    (void)state;
    struct committer c;
    run_committer(&c, &(struct sim_faults){.crash_before_commit = 1000000}, USEC_PER_MS);
    assert_int_equal(c.last, '9'); /* only the second time */
    assert_int_equal(c.went_on, 1);
    run_committer(&c, &(struct sim_faults){.crash_after_commit = 1000000}, USEC_PER_MS);
    assert_int_equal(c.last, '9');
    assert_int_equal(c.went_on, 0); /* it was kept, but nobody could know */
}

static void a_stop_is_orderly_and_starts_again(void **state)
{
    (void)state;
    struct committer c;
    run_committer(&c, NULL, USEC_PER_MS);
    assert_int_equal(c.stops, 1);
    assert_int_equal(c.last, '9');
}

static void on_mail_done(void *self, enum port_outcome outcome, const char *detail)
{
    unsigned *outcomes = self;
    (void)detail;
    outcomes[outcome]++;
}

static void mails_are_recorded_when_they_were_taken(void **state)
{
    (void)state;
    struct sim *s = sim_new(5, WALL_US);
    struct box b = {0};
    sim_instance_new(s, "box", on_boot, &b);
    sim_set_faults(
        s, &(struct sim_faults){.mail_temporary = 200000, .mail_permanent = 200000, .mail_unknown = 300000});
    unsigned outcomes[4] = {0};
    const struct mail_request request = {.url = "smtp://x",
                                         .from = "",
                                         .to = "a@example.org",
                                         .message = SPAN_LIT("text"),
                                         .on_done = on_mail_done,
                                         .self = outcomes};
    struct mail_call *call = NULL;
    for (unsigned i = 0; i < 100; i++) assert_int_equal(mail_send(b.env, &request, &call), 0);
    assert_int_equal(outcomes[PORT_DONE], 0); /* in a later turn */
    sim_run(s, 5 * USEC_PER_SEC);
    const struct sim_mail *mails = NULL;
    unsigned n = sim_mails(s, &mails);
    assert_true(outcomes[PORT_DONE] > 0 && outcomes[PORT_TEMPORARY] > 0 && outcomes[PORT_PERMANENT] > 0);
    assert_int_equal(outcomes[0] + outcomes[1] + outcomes[2] + outcomes[3], 100);
    assert_true(n > outcomes[PORT_DONE] && n < outcomes[PORT_DONE] + outcomes[PORT_UNKNOWN]);
    assert_string_equal(mails[0].to, "a@example.org");
    sim_free(&s);
}

UNIT_MAIN(cmocka_unit_test(a_power_failure_leaves_synced_commits),
          cmocka_unit_test(the_latest_commit_may_be_lost_but_no_older_one),
          cmocka_unit_test(a_power_failure_takes_what_was_not_synced_of_files),
          cmocka_unit_test(a_full_disk_leaves_the_store_as_it_was),
          cmocka_unit_test(message_faults_happen_and_are_counted),
          cmocka_unit_test(the_same_seed_gives_the_same_run),
          cmocka_unit_test(a_commit_may_crash_before_or_after_it_is_kept),
          cmocka_unit_test(a_stop_is_orderly_and_starts_again),
          cmocka_unit_test(mails_are_recorded_when_they_were_taken))
