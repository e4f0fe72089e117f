/* SPDX-License-Identifier: Apache-2.0 */
/* What is ZeroMQ's own: keys, clients with ids of their own, budgets. */
#include <stdio.h>
#include <unistd.h>
#include <zmq.h>

#include "bus.h"
#include "clock.h"
#include "err.h"
#include "files.h"
#include "real_world.h"
#include "sched.h"
#include "unit.h"

struct pair {
    char public_key[41], secret_key[41];
};

static struct pair new_pair(void)
{
    struct pair p;
    assert_int_equal(zmq_curve_keypair(p.public_key, p.secret_key), 0);
    return p;
}

struct heard {
    struct env *env;
    struct bus_server *server;
    unsigned count, answered;
    char user[64];
    uint64_t peer;
};

static void on_request(void *self, uint64_t peer, const struct bus_msg *msg)
{
    struct heard *h = self;
    h->count++;
    h->peer = peer;
    snprintf(h->user, sizeof(h->user), "%s", msg->user != NULL ? msg->user : "-");
    bus_reply(h->env, h->server, peer, msg->head, msg->body);
}

static void on_answer(void *self, const struct bus_msg *msg)
{
    (void)msg;
    ((struct heard *)self)->answered++;
}

struct door {
    struct pair server, known, stranger;
    char allow[128], endpoint[64];
    struct bus_keys keys;
    struct heard heard;
};

static void open_door(struct real_world *w, struct door *d)
{
    d->server = new_pair();
    d->known = new_pair();
    d->stranger = new_pair();
    snprintf(d->allow, sizeof(d->allow), "%s/allow", w->dir);
    char line[128];
    int n = snprintf(line, sizeof(line), "# who may\n%s adapter mail-1\n", d->known.public_key);
    assert_int_equal(files_replace(w->env, d->allow, span_of(line, (size_t)n)), 0);
    d->keys = (struct bus_keys){.secret_key = d->server.secret_key, .allow_path = d->allow};
    snprintf(d->endpoint, sizeof(d->endpoint), "tcp://127.0.0.1:%d", 20000 + (int)(getpid() % 20000));
    d->heard = (struct heard){.env = w->env};
    struct bus_server_opts opts = {
        .endpoint = d->endpoint, .on_message = on_request, .self = &d->heard, .keys = &d->keys};
    assert_int_equal(bus_listen(w->env, &opts, &d->heard.server), 0);
}

static struct bus_client *knock(struct real_world *w, struct door *d, const struct pair *as,
                                const char *server_key)
{
    struct bus_keys keys = {
        .public_key = as->public_key, .secret_key = as->secret_key, .server_key = server_key};
    struct bus_client_opts opts = {
        .endpoint = d->endpoint, .on_message = on_answer, .self = &d->heard, .keys = &keys};
    struct bus_client *c = NULL;
    assert_int_equal(bus_connect(w->env, &opts, &c), 0);
    return c;
}

static bool gets_in(struct real_world *w, struct door *d, struct bus_client *c)
{
    unsigned before = d->heard.answered;
    for (unsigned i = 0; i < 40 && d->heard.answered == before; i++) {
        bus_send(w->env, c, SPAN_LIT("hello"), NULL);
        real_world_pass(w, 25 * USEC_PER_MS);
    }
    return d->heard.answered > before;
}

static void only_keys_of_the_file_get_in(void **state)
{
    struct real_world *w = *state;
    struct door d;
    open_door(w, &d);
    struct bus_client *c = knock(w, &d, &d.known, d.server.public_key);
    assert_true(gets_in(w, &d, c));
    assert_string_equal(d.heard.user, "adapter mail-1");
    bus_client_close(w->env, c);
    unsigned before = d.heard.count;
    c = knock(w, &d, &d.stranger, d.server.public_key);
    assert_false(gets_in(w, &d, c));
    bus_client_close(w->env, c);
    c = knock(w, &d, &d.known, d.stranger.public_key); /* it is not the server it looks for */
    assert_false(gets_in(w, &d, c));
    bus_client_close(w->env, c);
    assert_int_equal(d.heard.count, before);
    char line[128]; /* a key added to the file needs no restart */
    int n = snprintf(line, sizeof(line), "%s reader far\n", d.stranger.public_key);
    assert_int_equal(files_replace(w->env, d.allow, span_of(line, (size_t)n)), 0);
    c = knock(w, &d, &d.stranger, d.server.public_key);
    assert_true(gets_in(w, &d, c));
    assert_string_equal(d.heard.user, "reader far");
    bus_client_close(w->env, c);
    bus_server_close(w->env, d.heard.server);
}

static void keys_must_be_keys(void **state)
{
    struct real_world *w = *state;
    struct pair p = new_pair();
    struct bus_keys bad[] = {
        {.secret_key = "short", .allow_path = "/dev/null"},
        {.secret_key = p.secret_key},
        {.allow_path = "/dev/null"},
    };
    for (unsigned i = 0; i < 3; i++) {
        struct bus_server_opts opts = {
            .endpoint = "tcp://127.0.0.1:*", .on_message = on_request, .keys = &bad[i]};
        struct bus_server *s = NULL;
        assert_int_equal(bus_listen(w->env, &opts, &s), E_RANGE);
        assert_null(s);
    }
    struct bus_client *c = NULL;
    struct bus_client_opts opts = {.endpoint = "tcp://127.0.0.1:1", .on_message = on_answer};
    assert_int_equal(bus_connect(w->env, &opts, &c), E_PERMISSION);
    opts.endpoint = "udp://127.0.0.1:1";
    assert_int_equal(bus_connect(w->env, &opts, &c), E_UNSUPPORTED);
}

/* A client of another hand may have set its routing id: short ones work, long
 * ones are not answered and hurt nobody. */
static void routing_ids_of_their_own(void **state)
{
    struct real_world *w = *state;
    struct heard h = {.env = w->env};
    char endpoint[128];
    snprintf(endpoint, sizeof(endpoint), "ipc://%s/s", w->dir);
    struct bus_server_opts opts = {.endpoint = endpoint, .on_message = on_request, .self = &h};
    assert_int_equal(bus_listen(w->env, &opts, &h.server), 0);
    void *context = zmq_ctx_new();
    void *named[2] = {zmq_socket(context, ZMQ_DEALER), zmq_socket(context, ZMQ_DEALER)};
    static const char *const ids[2] = {"much-too-long", "worker7"};
    for (unsigned i = 0; i < 2; i++) {
        zmq_setsockopt(named[i], ZMQ_ROUTING_ID, ids[i], strlen(ids[i]));
        assert_int_equal(zmq_connect(named[i], endpoint), 0);
        assert_int_equal(zmq_send(named[i], "hi", 2, 0), 2);
    }
    assert_true(real_world_wait(w, &h.count, 1));
    real_world_pass(w, 20 * USEC_PER_MS);
    assert_int_equal(h.count, 1);
    char answer[8];
    assert_int_equal(zmq_recv(named[1], answer, sizeof(answer), 0), 2);
    /* Frames after the body are nobody's. */
    zmq_send(named[1], "a", 1, ZMQ_SNDMORE);
    zmq_send(named[1], "b", 1, ZMQ_SNDMORE);
    zmq_send(named[1], "c", 1, 0);
    assert_true(real_world_wait(w, &h.count, 2));
    for (unsigned i = 0; i < 2; i++) zmq_close(named[i]);
    bus_server_close(w->env, h.server);
    zmq_ctx_term(context);
}

struct lane_of {
    struct heard heard;
    char *trace;
    unsigned *n;
    char name;
};

static void on_traced(void *self, uint64_t peer, const struct bus_msg *msg)
{
    (void)peer, (void)msg;
    struct lane_of *l = self;
    l->trace[(*l->n)++] = l->name;
}

static void budgets_are_weights(void **state)
{
    struct real_world *w = *state;
    char trace[256] = "", endpoint[2][96];
    unsigned n = 0;
    struct lane_of lanes[2] = {{.trace = trace, .n = &n, .name = 'a'},
                               {.trace = trace, .n = &n, .name = 'b'}};
    struct bus_server *servers[2];
    struct bus_client *clients[2];
    for (unsigned i = 0; i < 2; i++) {
        snprintf(endpoint[i], sizeof(endpoint[i]), "ipc://%s/%u", w->dir, i);
        struct bus_server_opts opts = {
            .endpoint = endpoint[i], .budget = i == 0 ? 8 : 1, .on_message = on_traced, .self = &lanes[i]};
        assert_int_equal(bus_listen(w->env, &opts, &servers[i]), 0);
        bus_pause(w->env, servers[i], true);
        struct bus_client_opts copts = {.endpoint = endpoint[i], .on_message = on_answer, .self = &lanes[i]};
        assert_int_equal(bus_connect(w->env, &copts, &clients[i]), 0);
        for (unsigned sent = 0; sent < 40;) {
            if (bus_send(w->env, clients[i], SPAN_LIT("x"), NULL) == 0)
                sent++;
            else
                real_world_pass(w, 5 * USEC_PER_MS);
        }
    }
    real_world_pass(w, 50 * USEC_PER_MS); /* all of it is in the sockets */
    bus_pause(w->env, servers[0], false);
    bus_pause(w->env, servers[1], false);
    assert_true(real_world_wait(w, &n, 80));
    assert_memory_equal(trace, "aaaaaaaabaaaaaaaab", 18);
    for (unsigned i = 0; i < 2; i++) {
        bus_client_close(w->env, clients[i]);
        bus_server_close(w->env, servers[i]);
    }
}

/* A send consumes the edge of the descriptor: what arrived meanwhile must be found. */
static void nothing_is_missed_while_sending(void **state)
{
    struct real_world *w = *state;
    struct heard h = {.env = w->env};
    char endpoint[128];
    snprintf(endpoint, sizeof(endpoint), "ipc://%s/s", w->dir);
    struct bus_server_opts opts = {.endpoint = endpoint, .on_message = on_request, .self = &h};
    assert_int_equal(bus_listen(w->env, &opts, &h.server), 0);
    struct bus_client_opts copts = {.endpoint = endpoint, .on_message = on_answer, .self = &h};
    struct bus_client *c = NULL;
    assert_int_equal(bus_connect(w->env, &copts, &c), 0);
    unsigned sent = 0;
    for (unsigned round = 0; round < 3000; round++) {
        if (bus_send(w->env, c, SPAN_LIT("x"), NULL) == 0) sent++;
        if (round % 7 == 0 && sent > 0) assert_true(real_world_wait(w, &h.answered, sent));
        if (sent == 0) real_world_pass(w, USEC_PER_MS);
    }
    assert_true(real_world_wait(w, &h.answered, sent));
    assert_true(sent > 1000);
    bus_client_close(w->env, c);
    bus_server_close(w->env, h.server);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, real_world_open, real_world_close)
UNIT_MAIN(TEST(only_keys_of_the_file_get_in), TEST(keys_must_be_keys), TEST(routing_ids_of_their_own),
          TEST(budgets_are_weights), TEST(nothing_is_missed_while_sending))
