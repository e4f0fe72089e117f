// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "command.h"
#include "fake_intake.h"
#include "uuid.h"

#define WALL_US (1764000000 * USEC_PER_SEC)

struct sender {
    struct sim *sim;
    struct fake_intake intake;
    struct sim_instance *instance;
    struct env *env;
    struct command_client *client;
    unsigned n_answered, n_duplicates;
    uint64_t cases[2000]; /* answered, in order */
    unsigned unanswered_max;
};

static void on_boot(void *self, struct env *env)
{
    struct sender *s = self;
    struct command_client_opts opts = {.endpoint = FAKE_COMMANDS, .client = "unit"};
    s->env = env;
    assert_int_equal(command_client_open(env, &opts, &s->client), 0);
}

static void open_sender(struct sender *s, uint64_t seed)
{
    memset(s, 0, sizeof(*s));
    s->sim = sim_new(seed, WALL_US);
    fake_intake_init(&s->intake, s->sim);
    s->instance = sim_instance_new(s->sim, "sender", on_boot, s);
}

static void close_sender(struct sender *s)
{
    command_client_close(s->client);
    fake_intake_deinit(&s->intake);
    sim_free(&s->sim);
}

static void on_reply(void *self, const Kesu__V1__Reply *reply)
{
    struct sender *s = self;
    s->n_answered++;
    if (reply->result_case == KESU__V1__REPLY__RESULT_ACCEPTED && reply->accepted->duplicate)
        s->n_duplicates++;
}

static void send_one(struct sender *s, uint64_t case_id, size_t n_text)
{
    static char text[70000];
    Kesu__V1__Command c = KESU__V1__COMMAND__INIT;
    Kesu__V1__AddNote note = KESU__V1__ADD_NOTE__INIT;
    uint8_t id[UUID_BYTES];
    uuid_derive(WALL_US, "unit", case_id, "note", 0, id);
    memset(text, 'x', n_text);
    text[n_text] = 0;
    note.case_id = case_id;
    note.text = text;
    c.id = (ProtobufCBinaryData){sizeof(id), id};
    c.body_case = KESU__V1__COMMAND__BODY_ADD_NOTE;
    c.add_note = &note;
    struct buf *b = codec_pack_buf(&c);
    command_send(s->client, id, buf_span(b), on_reply, s);
    buf_unref(b);
}

static void gathers_batches_within_their_limits(void **state)
{
    (void)state;
    struct sender s;
    open_sender(&s, 1);
    for (uint64_t i = 1; i <= 1500; i++) send_one(&s, i, 10);
    sim_run(s.sim, 5 * USEC_PER_SEC);
    assert_int_equal(s.n_answered, 1500);
    assert_true(s.intake.n_batches <= 3);
    for (uint64_t i = 1; i <= 40; i++) send_one(&s, 2000 + i, 65536);
    sim_run(s.sim, 5 * USEC_PER_SEC);
    assert_int_equal(s.n_answered, 1540);
    assert_int_equal(command_unanswered(s.client), 0);
    for (unsigned i = 0; i < s.intake.n_commands; i++) assert_int_equal(s.intake.commands[i].times, 1);
    close_sender(&s);
}

static void stays_within_credit(void **state)
{
    (void)state;
    struct sender s;
    open_sender(&s, 1);
    s.intake.credit = 5;
    send_one(&s, 1, 10);
    sim_run(s.sim, 5 * USEC_PER_SEC);
    s.intake.n_batches = 0;
    for (uint64_t i = 2; i <= 101; i++) send_one(&s, i, 10);
    sim_run(s.sim, 5 * USEC_PER_SEC);
    assert_int_equal(s.n_answered, 101);
    assert_true(s.intake.n_batches >= 20);
    close_sender(&s);
}

static void sends_again_until_answered(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct sender s;
        open_sender(&s, seed);
        struct sim_faults bad = {.lose = 300000, .duplicate = 200000, .reorder = 200000, .delay = 200000};
        sim_set_faults(s.sim, &bad);
        for (uint64_t i = 1; i <= 300; i++) {
            send_one(&s, i, 10);
            sim_run(s.sim, 20 * USEC_PER_MS);
            if (i == 150) sim_crash(s.intake.instance);
        }
        sim_set_faults(s.sim, NULL);
        sim_run(s.sim, 90 * USEC_PER_SEC);
        assert_int_equal(s.n_answered, 300);
        assert_int_equal(s.intake.n_commands, 300);
        assert_int_equal(command_unanswered(s.client), 0);
        close_sender(&s);
    }
}

static void waits_longer_each_time(void **state)
{
    (void)state;
    struct sender s;
    open_sender(&s, 1);
    s.intake.deaf = true;
    send_one(&s, 1, 10);
    sim_run(s.sim, 60 * USEC_PER_SEC);
    s.intake.deaf = false;
    sim_run(s.sim, 40 * USEC_PER_SEC);
    assert_int_equal(s.n_answered, 1);
    assert_true(s.intake.commands[0].at_us > WALL_US + 60 * USEC_PER_SEC);
    assert_int_equal(s.intake.commands[0].times, 1);
    close_sender(&s);
}

UNIT_MAIN(cmocka_unit_test(gathers_batches_within_their_limits), cmocka_unit_test(stays_within_credit),
          cmocka_unit_test(sends_again_until_answered), cmocka_unit_test(waits_longer_each_time))
