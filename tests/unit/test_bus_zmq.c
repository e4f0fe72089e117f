/* SPDX-License-Identifier: Apache-2.0 */
/* What is ZeroMQ's own: keys, clients with ids of their own, budgets. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "bus_zmq.h"
#include "clock.h"
#include "err.h"
#include "real.h"
#include "real_world.h"
#include "sched.h"
#include "unit.h"

static struct keypair new_pair(void)
{
    struct keypair p;
    assert_int_equal(keypair_new(&p), 0);
    return p;
}

struct heard {
    struct env *env;
    struct bus_server *server;
    unsigned count, answered;
    char user[96];
    uint64_t peer;
};

static void on_request(void *self, uint64_t peer, const struct bus_msg *msg)
{
    struct heard *h = self;
    h->count++;
    h->peer = peer;
    snprintf(h->user, sizeof(h->user), "%s %s", msg->user != NULL ? role_name(msg->user->role) : "-",
             msg->user != NULL ? msg->user->name : "-");
    bus_reply(h->env, h->server, peer, msg->head, msg->body);
}

static void on_answer(void *self, const struct bus_msg *msg)
{
    (void)msg;
    ((struct heard *)self)->answered++;
}

struct door {
    struct real_world *w;
    struct keypair server, known, stranger;
    char allow[128], pair[128], servers[128], endpoint[64];
    struct bus_keys keys;
    struct heard heard;
};

static void set_file(struct door *d, char path[128], const char *name, const char *text)
{
    snprintf(path, 128, "%s/%s", d->w->dir, name);
    assert_int_equal(keypair_replace_file(path, span_str(text)), 0);
}

static void set_allow(struct door *d, const char *key, const char *role_and_name)
{
    char text[256];
    snprintf(text, sizeof(text), "# who may\n%s %s\n", key, role_and_name);
    set_file(d, d->allow, "allow", text);
}

static void open_door(struct real_world *w, struct door *d, enum role_socket socket)
{
    *d = (struct door){.w = w, .server = new_pair(), .known = new_pair(), .stranger = new_pair()};
    set_allow(d, d->known.public_key, "adapter mail-1");
    snprintf(d->pair, sizeof(d->pair), "%s/pair", w->dir);
    assert_int_equal(keypair_write(d->pair, &d->server, true), 0);
    d->keys = (struct bus_keys){.pair_path = d->pair, .allow_path = d->allow, .socket = socket};
    snprintf(d->endpoint, sizeof(d->endpoint), "tcp://127.0.0.1:%d", 10000 + (int)(getpid() % 10000));
    d->heard = (struct heard){.env = w->env};
    struct bus_server_opts opts = {
        .endpoint = d->endpoint, .on_message = on_request, .self = &d->heard, .keys = &d->keys};
    assert_int_equal(bus_listen(w->env, &opts, &d->heard.server), 0);
}

/* The client's files may change behind it afterwards: "as" is its name for them. */
static struct bus_client *knock(struct door *d, const char *as, const struct keypair *pair,
                                const char *servers)
{
    char pair_path[160], servers_path[128];
    snprintf(pair_path, sizeof(pair_path), "%s/%s.pair", d->w->dir, as);
    assert_int_equal(keypair_write(pair_path, pair, true), 0);
    set_file(d, servers_path, as, servers);
    struct bus_keys keys = {.pair_path = pair_path, .servers_path = servers_path};
    struct bus_client_opts opts = {
        .endpoint = d->endpoint, .on_message = on_answer, .self = &d->heard, .keys = &keys};
    struct bus_client *c = NULL;
    assert_int_equal(bus_connect(d->w->env, &opts, &c), 0);
    return c;
}

static bool gets_in_within(struct door *d, struct bus_client *c, unsigned tries)
{
    unsigned before = d->heard.answered;
    for (unsigned i = 0; i < tries && d->heard.answered == before; i++) {
        bus_send(d->w->env, c, SPAN_LIT("hello"), NULL);
        real_world_pass(d->w, 25 * USEC_PER_MS);
    }
    return d->heard.answered > before;
}

static bool gets_in(struct door *d, struct bus_client *c)
{
    return gets_in_within(d, c, 800);
}

static bool stays_out(struct door *d, struct bus_client *c)
{
    return !gets_in_within(d, c, 40);
}

static void only_keys_of_the_list_get_in(void **state)
{
    struct real_world *w = *state;
    struct door d;
    open_door(w, &d, SOCKET_NEW);
    struct bus_client *c = knock(&d, "known", &d.known, d.server.public_key);
    assert_true(gets_in(&d, c));
    assert_string_equal(d.heard.user, "adapter mail-1");
    bus_client_close(w->env, c);
    unsigned before = d.heard.count;
    c = knock(&d, "stranger", &d.stranger, d.server.public_key);
    assert_true(stays_out(&d, c));
    bus_client_close(w->env, c);
    c = knock(&d, "lost", &d.known, d.stranger.public_key); /* it is not the server it looks for */
    assert_true(stays_out(&d, c));
    bus_client_close(w->env, c);
    assert_int_equal(d.heard.count, before);
    bus_server_close(w->env, d.heard.server);
}

static void lists_change_while_they_are_used(void **state)
{
    struct real_world *w = *state;
    struct door d;
    open_door(w, &d, SOCKET_NEW);
    struct bus_client *c = knock(&d, "known", &d.known, d.server.public_key);
    assert_true(gets_in(&d, c));
    set_file(&d, d.allow, "allow", "nonsense\n"); /* is not taken: the old one goes on */
    real_world_pass(w, 600 * USEC_PER_MS);
    assert_true(gets_in(&d, c));
    set_allow(&d, d.stranger.public_key, "reader far");
    struct bus_client *other = knock(&d, "stranger", &d.stranger, d.server.public_key);
    assert_true(gets_in(&d, other));
    assert_string_equal(d.heard.user, "reader far");
    unsigned before = d.heard.count;
    assert_true(stays_out(&d, c)); /* its connection has ended, too */
    assert_int_equal(d.heard.count, before);
    bus_client_close(w->env, c);
    bus_client_close(w->env, other);
    bus_server_close(w->env, d.heard.server);
}

static void a_server_changes_its_pair(void **state)
{
    struct real_world *w = *state;
    struct door d;
    char both[128];
    open_door(w, &d, SOCKET_NEW);
    struct keypair next = new_pair();
    snprintf(both, sizeof(both), "%s\n%s\n", d.server.public_key, next.public_key);
    struct bus_client *c = knock(&d, "known", &d.known, both);
    assert_true(gets_in(&d, c));
    assert_int_equal(keypair_write(d.pair, &next, true), 0);
    real_world_pass(w, 600 * USEC_PER_MS);
    assert_true(gets_in(&d, c));
    struct bus_client *late = knock(&d, "late", &d.known, d.server.public_key);
    assert_true(stays_out(&d, late)); /* the old one is no more */
    bus_client_close(w->env, late);
    bus_client_close(w->env, c);
    bus_server_close(w->env, d.heard.server);
}

static void a_client_changes_its_pair(void **state)
{
    struct real_world *w = *state;
    struct door d;
    open_door(w, &d, SOCKET_NEW);
    struct bus_client *c = knock(&d, "known", &d.known, d.server.public_key);
    assert_true(gets_in(&d, c));
    struct keypair next = new_pair();
    char path[160];
    snprintf(path, sizeof(path), "%s/known.pair", w->dir);
    assert_int_equal(keypair_write(path, &next, true), 0);
    set_allow(&d, next.public_key, "adapter mail-2");
    real_world_pass(w, 600 * USEC_PER_MS);
    assert_true(gets_in(&d, c));
    assert_string_equal(d.heard.user, "adapter mail-2");
    bus_client_close(w->env, c);
    bus_server_close(w->env, d.heard.server);
}

static void ignore_signal(int number)
{
    (void)number;
}

/* To each thread but this one; how many there are. */
static unsigned signal_threads(int number)
{
    unsigned n = 0;
    DIR *threads = opendir("/proc/self/task");
    assert_non_null(threads);
    for (struct dirent *t; (t = readdir(threads)) != NULL;) {
        pid_t id = (pid_t)strtol(t->d_name, NULL, 10);
        if (id == 0 || id == getpid()) continue;
        assert_int_equal(tgkill(getpid(), id, number), 0);
        n++;
    }
    closedir(threads);
    return n;
}

/* The kernel may give a signal of the process to any thread that does not block it. */
static void a_signal_does_not_close_the_door(void **state)
{
    struct real_world *w = *state;
    struct door d;
    struct sigaction wake = {.sa_handler = ignore_signal}, before;
    open_door(w, &d, SOCKET_NEW);
    assert_int_equal(sigaction(SIGTERM, &wake, &before), 0);
    for (unsigned i = 0; i < 20; i++) {            /* one that waits, and one that does not */
        assert_true(signal_threads(SIGTERM) >= 3); /* ZeroMQ's and the door's */
        real_world_pass(w, 5 * USEC_PER_MS);
    }
    struct bus_client *c = knock(&d, "known", &d.known, d.server.public_key);
    assert_true(gets_in(&d, c));
    bus_client_close(w->env, c);
    bus_server_close(w->env, d.heard.server);
    assert_int_equal(sigaction(SIGTERM, &before, NULL), 0);
}

/* What cannot refuse turns away at the door. */
static void who_cannot_be_refused_is_turned_away(void **state)
{
    struct real_world *w = *state;
    struct door d;
    open_door(w, &d, SOCKET_TASKS);
    struct bus_client *c = knock(&d, "known", &d.known, d.server.public_key);
    assert_true(stays_out(&d, c));
    assert_int_equal(d.heard.count, 0);
    set_allow(&d, d.known.public_key, "worker mail-1");
    assert_true(gets_in(&d, c));
    bus_client_close(w->env, c);
    bus_server_close(w->env, d.heard.server);
}

/* A socket that asks for keys, but nobody answers for: ZeroMQ lets all in. */
static void the_test_finds_an_open_door(void **state)
{
    struct real_world *w = *state;
    struct bus_context context = {.zmq = zmq_ctx_new()};
    struct keypair pair = new_pair();
    struct bus_door door = {.env = w->env, .name = SOCKET_NEW};
    memcpy(door.public_key, pair.public_key, KEY_TEXT);
    int yes = 1;
    for (unsigned named = 0; named < 2; named++) {
        void *socket = zmq_socket(context.zmq, ZMQ_ROUTER);
        assert_int_equal(zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &yes, sizeof(yes)), 0);
        assert_int_equal(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, pair.secret_key, KEY_TEXT), 0);
        if (named == 1) zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, "intake-new", 10);
        assert_int_equal(zmq_bind(socket, "tcp://127.0.0.1:*"), 0);
        assert_int_equal(bus_curve_test(&context, &door, socket, ZMQ_ROUTER), E_PERMISSION);
        zmq_close(socket);
    }
    zmq_ctx_term(context.zmq);
}

static void keys_must_be_files_of_ours(void **state)
{
    struct real_world *w = *state;
    struct door d = {.w = w};
    char open_pair[128], no_pair[128];
    struct keypair pair = new_pair();
    set_file(&d, d.allow, "allow", "");
    snprintf(d.pair, sizeof(d.pair), "%s/pair", w->dir);
    snprintf(open_pair, sizeof(open_pair), "%s/open", w->dir);
    assert_int_equal(keypair_write(d.pair, &pair, true), 0);
    assert_int_equal(keypair_write(open_pair, &pair, true), 0);
    assert_int_equal(chmod(open_pair, 0640), 0);
    set_file(&d, no_pair, "none", "public-key: 'short'\n");
    set_file(&d, d.servers, "servers", "short\n");
    const struct {
        struct bus_keys keys;
        int err;
    } bad[] = {
        {{.pair_path = no_pair, .allow_path = d.allow}, E_SYNTAX},
        {{.pair_path = open_pair, .allow_path = d.allow}, E_PERMISSION},
        {{.pair_path = d.pair}, E_RANGE},
        {{.allow_path = d.allow}, E_RANGE},
        {{.pair_path = d.pair, .allow_path = d.servers}, E_SYNTAX},
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct bus_server_opts opts = {
            .endpoint = "tcp://127.0.0.1:*", .on_message = on_request, .keys = &bad[i].keys};
        struct bus_server *s = NULL;
        assert_int_equal(bus_listen(w->env, &opts, &s), bad[i].err);
        assert_null(s);
    }
    struct bus_client *c = NULL;
    struct bus_keys wrong = {.pair_path = d.pair, .servers_path = d.servers};
    struct bus_client_opts opts = {.endpoint = "tcp://127.0.0.1:1", .on_message = on_answer, .keys = &wrong};
    assert_int_equal(bus_connect(w->env, &opts, &c), E_SYNTAX);
    opts.keys = NULL;
    assert_int_equal(bus_connect(w->env, &opts, &c), E_PERMISSION);
    struct bus_publisher *p = NULL;
    struct bus_subscriber *sub = NULL;
    assert_int_equal(bus_publisher_open(w->env, "tcp://127.0.0.1:*", NULL, &p), E_PERMISSION);
    assert_int_equal(bus_subscriber_open(w->env, opts.endpoint, NULL, "", on_answer, &d, &sub), E_PERMISSION);
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
struct busy_lane {
    struct job job; /* first */
    struct lane_of to;
    struct env *env;
    struct lane *lane;
    bool posted;
};

static void no_work(struct job *job)
{
    (void)job;
}

static void on_job_done(struct job *job)
{
    struct busy_lane *b = (struct busy_lane *)job;
    b->to.trace[(*b->to.n)++] = 'd';
}

/* At the first message a job is begun, and has ended before the handler returns. */
static void on_message_beside_job(void *self, uint64_t peer, const struct bus_msg *msg)
{
    struct busy_lane *b = self;
    on_traced(&b->to, peer, msg);
    if (b->posted) return;
    b->posted = true;
    lane_post(b->env, b->lane, &b->job);
    while (!loop_lanes_ended(real_of(b->env))) continue;
}

static void a_job_that_ended_comes_before_the_next_message(void **state)
{
    struct real_world *w = *state;
    static const char *const wanted[] = {"aaaaad", "adaaaa"};
    for (unsigned gives_way = 0; gives_way < 2; gives_way++) {
        char trace[64] = "", endpoint[96];
        unsigned n = 0;
        struct busy_lane b = {.job = {.work = no_work, .done = on_job_done},
                              .to = {.trace = trace, .n = &n, .name = 'a'},
                              .env = w->env,
                              .lane = lane_open(w->env, "beside")};
        struct heard heard = {.env = w->env};
        struct bus_client *client;
        struct bus_server *server;
        snprintf(endpoint, sizeof(endpoint), "ipc://%s/way-%u", w->dir, gives_way);
        struct bus_server_opts opts = {.endpoint = endpoint,
                                       .budget = 8,
                                       .gives_way = gives_way == 1,
                                       .on_message = on_message_beside_job,
                                       .self = &b};
        assert_int_equal(bus_listen(w->env, &opts, &server), 0);
        bus_pause(w->env, server, true);
        struct bus_client_opts copts = {.endpoint = endpoint, .on_message = on_answer, .self = &heard};
        assert_int_equal(bus_connect(w->env, &copts, &client), 0);
        for (unsigned sent = 0; sent < 5;) {
            if (bus_send(w->env, client, SPAN_LIT("x"), NULL) == 0)
                sent++;
            else
                real_world_pass(w, 5 * USEC_PER_MS);
        }
        real_world_pass(w, 50 * USEC_PER_MS); /* all of it is in the socket */
        bus_pause(w->env, server, false);
        assert_true(real_world_wait(w, &n, 6));
        assert_string_equal(trace, wanted[gives_way]);
        bus_client_close(w->env, client);
        bus_server_close(w->env, server);
        lane_close(w->env, b.lane);
    }
}

UNIT_MAIN(TEST(only_keys_of_the_list_get_in), TEST(lists_change_while_they_are_used),
          TEST(a_server_changes_its_pair), TEST(a_client_changes_its_pair),
          TEST(a_signal_does_not_close_the_door), TEST(who_cannot_be_refused_is_turned_away),
          TEST(the_test_finds_an_open_door), TEST(keys_must_be_files_of_ours), TEST(routing_ids_of_their_own),
          TEST(budgets_are_weights), TEST(a_job_that_ended_comes_before_the_next_message),
          TEST(nothing_is_missed_while_sending))
