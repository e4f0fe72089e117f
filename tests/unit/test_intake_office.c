/* SPDX-License-Identifier: Apache-2.0 */
/* What intake does around commands: gathering, months, trimming, hints, ballast. */
#include <stdio.h>

#include "clock.h"
#include "err.h"
#include "files.h"
#include "intake_rig.h"
#include "unit.h"

static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

/* Counted by the journal, not by ourselves. */
static unsigned blocks_after(struct rig *r, uint64_t seq)
{
    unsigned n = 0;
    struct journal *j = rig_intake(r)->journal;
    while (seq < journal_head(j).seq) {
        struct buf *block;
        struct block_head head;
        assert_int_equal(journal_read(j, seq + 1, &block), 0);
        assert_int_equal(block_open(buf_span(block), &head), 0);
        seq = head.first_seq + head.count - 1;
        buf_unref(block);
        n++;
    }
    return n;
}

static void while_one_commit_runs_the_next_block_gathers(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 51, NULL);
    rig_policy(&r);
    uint64_t before = journal_head(rig_intake(&r)->journal).seq;
    struct sim_faults slow = {.slow_disk = 1000000};
    sim_set_faults(r.sim, &slow);
    for (unsigned i = 0; i < 60; i++) {
        Kesu__V1__Command *c = rig_message(&r, "x", "a@example.org");
        rig_send(&r, RIG_NEW, &c, 1);
    }
    sim_run(r.sim, 20 * USEC_PER_SEC);
    uint64_t events = journal_head(rig_intake(&r)->journal).seq - before;
    assert_int_equal(events, 61); /* 60 cases, one customer */
    assert_true(blocks_after(&r, before) <= 4);
    rig_close(&r);
}

static void an_idle_intake_commits_at_once(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 52, NULL);
    rig_policy(&r);
    uint64_t before = journal_head(rig_intake(&r)->journal).seq;
    for (unsigned i = 0; i < 5; i++) {
        Kesu__V1__Command *c = rig_message(&r, "x", "a@example.org");
        rig_send(&r, RIG_NEW, &c, 1);
        assert_true(rig_run_until_reply(&r, 200 * USEC_PER_MS)); /* no timer is waited for */
    }
    assert_int_equal(blocks_after(&r, before), 5);
    rig_close(&r);
}

static void numbers_follow_the_month_of_the_office(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 53, NULL);
    rig_policy(&r);
    assert_string_equal(rig_accepted(&r, RIG_NEW, rig_message(&r, "x", "a@example.org"))->number,
                        "2511-000001");
    /* In Taipei December begins at 16:00 of the day before in UTC. */
    int64_t december = INT64_C(1764518400) * USEC_PER_SEC;
    sim_run(r.sim, december - USEC_PER_MIN - clock_wall_us(r.client_env));
    assert_string_equal(rig_accepted(&r, RIG_NEW, rig_message(&r, "x", "a@example.org"))->number,
                        "2511-000002");
    sim_run(r.sim, december + USEC_PER_SEC - clock_wall_us(r.client_env));
    assert_string_equal(rig_accepted(&r, RIG_NEW, rig_message(&r, "x", "a@example.org"))->number,
                        "2512-000001");
    rig_restart(&r);
    assert_string_equal(rig_accepted(&r, RIG_NEW, rig_message(&r, "x", "a@example.org"))->number,
                        "2512-000002");
    rig_close(&r);
}

static void set_id_time(Kesu__V1__Command *c, int64_t wall_us)
{
    uint64_t ms = (uint64_t)(wall_us / 1000);
    for (unsigned b = 0; b < 6; b++) c->id.data[b] = (uint8_t)(ms >> (40 - 8 * b));
}

static void nothing_is_trimmed_while_the_clocks_disagree(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 54, NULL);
    rig_policy(&r);
    int64_t before = clock_wall_us(r.client_env);
    Kesu__V1__Command *first = rig_message(&r, "x", "a@example.org");
    rig_accepted(&r, RIG_NEW, first);
    sim_jump_wall(r.sim, 60 * USEC_PER_DAY);
    sim_run(r.sim, USEC_PER_SEC);
    for (unsigned i = 0; i < 3; i++) {
        Kesu__V1__Command *c = rig_message(&r, "x", "a@example.org");
        set_id_time(c, before + USEC_PER_SEC * (2 + i));
        c->receive_message->received_at = before;
        rig_accepted(&r, RIG_NEW, c);
        sim_run(r.sim, 5 * USEC_PER_SEC);
    }
    assert_true(rig_intake(&r)->reg.stored_seq > 0);
    assert_true(rig_intake(&r)->reg.meta.floor_ms < before / 1000 - DEDUP_BACK_MS);
    assert_true(rig_accepted(&r, RIG_NEW, first)->duplicate);
    Kesu__V1__Command *accept = RIG_NEW_COMMAND(&r, OPERATOR, "rig", ACCEPT_CLOCK, accept_clock);
    accept->accept_clock->reason = text("it is two months later");
    rig_accepted(&r, RIG_PEOPLE, accept);
    for (unsigned i = 0; i < 3; i++) {
        sim_run(r.sim, 5 * USEC_PER_SEC);
        rig_accepted(&r, RIG_NEW, rig_message(&r, "x", "a@example.org"));
    }
    sim_run(r.sim, 5 * USEC_PER_SEC);
    assert_true(rig_intake(&r)->reg.meta.floor_ms > before / 1000);
    assert_int_equal(rig_refused(&r, RIG_NEW, first)->code, KESU__V1__ERROR_CODE__E_ID_OLD);
    rig_close(&r);
}

static void a_reply_that_is_lost_is_asked_for_again(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 55, NULL);
    rig_policy(&r);
    Kesu__V1__Command *c = rig_message(&r, "x", "a@example.org");
    rig_send(&r, RIG_NEW, &c, 1);
    sim_run(r.sim, 300);
    bus_client_close(r.client_env, r.lanes[RIG_NEW]); /* gone before the answer */
    sim_run(r.sim, USEC_PER_SEC);
    assert_null(r.reply);
    assert_int_equal(rig_intake(&r)->lanes.n_peers, 0); /* nothing waits for it */
    assert_null(rig_intake(&r)->batch.replies);
    r.lanes[RIG_NEW] = r.lanes[RIG_PEOPLE];
    assert_int_not_equal(rig_accepted(&r, RIG_NEW, c)->case_id, 0);
    rig_close(&r);
}

struct hints {
    unsigned n;
    char topics[32][64];
    uint64_t seqs[32];
};

static void on_hint(void *self, const struct bus_msg *msg)
{
    struct hints *h = self;
    assert_true(h->n < 32);
    snprintf(h->topics[h->n], sizeof(h->topics[0]), "%.*s", (int)msg->head.n, (const char *)msg->head.p);
    assert_int_equal(msg->body->n, 8);
    for (unsigned i = 0; i < 8; i++) h->seqs[h->n] = h->seqs[h->n] << 8 | msg->body->p[i];
    h->n++;
}

static void hints_name_event_department_and_seq(void **state)
{
    (void)state;
    struct rig r;
    struct hints h = {0};
    struct bus_subscriber *s;
    rig_open(&r, 56, NULL);
    rig_policy(&r);
    assert_int_equal(
        bus_subscriber_open(r.client_env, "ipc://run/intake-hint.ipc", NULL, "Case", on_hint, &h, &s), 0);
    sim_run(r.sim, USEC_PER_SEC);
    const Kesu__V1__Accepted *a = rig_accepted(&r, RIG_NEW, rig_message(&r, "secret", "a@example.org"));
    Kesu__V1__Judgement judgement = KESU__V1__JUDGEMENT__INIT;
    judgement.category = text("damage.wet");
    judgement.department = text("transport");
    judgement.severity = KESU__V1__SEVERITY__SEVERITY_S2;
    Kesu__V1__Command *c = RIG_NEW_COMMAND(&r, SERVICE, "routing", CLASSIFY_CASE, classify_case);
    c->classify_case->case_id = a->case_id;
    c->classify_case->judgement = &judgement;
    rig_accepted(&r, RIG_SERVICES, c);
    sim_run(r.sim, USEC_PER_SEC);
    assert_int_equal(h.n, 2); /* CustomerAdded does not begin with Case */
    assert_string_equal(h.topics[0], "CaseOpened.");
    assert_int_equal(h.seqs[0], a->case_id);
    assert_string_equal(h.topics[1], "CaseClassified.transport");
    rig_close(&r);
}

static void the_ballast_is_given_up_when_the_disk_is_full(void **state)
{
    (void)state;
    struct rig r;
    struct file *f;
    uint64_t size;
    rig_open(&r, 57, NULL);
    rig_policy(&r);
    assert_int_equal(file_open(r.env, "data/intake/ballast", FILE_READ, &f), 0);
    assert_int_equal(file_size(r.env, f, &size), 0);
    assert_int_equal(size, 16 << 20);
    file_close(r.env, f);
    struct sim_faults full = {.disk_full = 1000000};
    sim_set_faults(r.sim, &full);
    Kesu__V1__Command *c = rig_message(&r, "x", "a@example.org");
    rig_send(&r, RIG_NEW, &c, 1);
    assert_false(rig_run_until_reply(&r, 2 * USEC_PER_SEC)); /* not written: no yes */
    assert_int_equal(file_open(r.env, "data/intake/ballast", FILE_READ, &f), E_NOT_FOUND);
    sim_set_faults(r.sim, NULL);
    sim_run(r.sim, 15 * USEC_PER_SEC); /* there is room again */
    assert_false(rig_accepted(&r, RIG_NEW, c)->duplicate);
    assert_int_equal(file_open(r.env, "data/intake/ballast", FILE_READ, &f), 0);
    assert_int_equal(file_size(r.env, f, &size), 0);
    assert_int_equal(size, 16 << 20); /* for the next time */
    file_close(r.env, f);
    rig_close(&r);
}

static void a_surge_of_new_cases_is_paused_not_lost(void **state)
{
    (void)state;
    struct rig r;
    Kesu__V1__Command *batch[200];
    rig_open(&r, 58, NULL);
    rig_policy(&r);
    struct sim_faults slow = {.slow_disk = 1000000};
    sim_set_faults(r.sim, &slow);
    static char long_text[60000];
    memset(long_text, 'x', sizeof(long_text) - 1);
    unsigned sent = 0;
    bool paused = false;
    for (unsigned i = 0; i < 60; i++) {
        for (unsigned k = 0; k < 15; k++) batch[k] = rig_message(&r, long_text, "a@example.org");
        rig_send(&r, RIG_NEW, batch, 15);
        sent += 15;
        for (unsigned s = 0; s < 4; s++) {
            sim_step(r.sim, INT64_MAX);
            paused = paused || rig_intake(&r)->lanes.paused;
        }
    }
    sim_set_faults(r.sim, NULL);
    sim_run(r.sim, 60 * USEC_PER_SEC);
    assert_true(paused);
    assert_false(rig_intake(&r)->lanes.paused);
    unsigned cases = 0;
    uint64_t ids[1000];
    cases = intake_register_case_ids(&rig_intake(&r)->reg, 0, ids, 1000);
    assert_int_equal(cases, sent);
    rig_close(&r);
}

static const struct store_ops *sound_disk;

static int commit_and_fail(struct store_txn *t, enum store_sync sync)
{
    (void)sync;
    sound_disk->abort(t);
    return E_IO;
}

static void a_failed_sync_ends_the_process_without_an_answer(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 59, NULL);
    rig_policy(&r);
    sound_disk = r.env->store;
    struct store_ops broken_disk = *sound_disk;
    broken_disk.commit = commit_and_fail;
    r.env->store = &broken_disk;
    unsigned boots = sim_boots(r.intake);
    Kesu__V1__Command *c = rig_message(&r, "x", "a@example.org");
    rig_send(&r, RIG_NEW, &c, 1);
    int64_t until = sim_now_us(r.sim) + USEC_PER_MIN;
    while (sim_boots(r.intake) == boots && sim_step(r.sim, until)) assert_null(r.reply);
    assert_int_equal(sim_boots(r.intake), boots + 1); /* another process, on a disk that works */
    assert_non_null(sim_last_words(r.intake));
    sim_run(r.sim, 5 * USEC_PER_SEC);
    assert_false(rig_accepted(&r, RIG_NEW, c)->duplicate);
    rig_close(&r);
}

UNIT_MAIN(cmocka_unit_test(while_one_commit_runs_the_next_block_gathers),
          cmocka_unit_test(an_idle_intake_commits_at_once),
          cmocka_unit_test(numbers_follow_the_month_of_the_office),
          cmocka_unit_test(nothing_is_trimmed_while_the_clocks_disagree),
          cmocka_unit_test(a_reply_that_is_lost_is_asked_for_again),
          cmocka_unit_test(hints_name_event_department_and_seq),
          cmocka_unit_test(the_ballast_is_given_up_when_the_disk_is_full),
          cmocka_unit_test(a_surge_of_new_cases_is_paused_not_lost),
          cmocka_unit_test(a_failed_sync_ends_the_process_without_an_answer))
