/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "clock.h"
#include "contract.h"
#include "err.h"
#include "sched.h"
#include "unit.h"

/* A server that notes what it got, and answers with the same when it should. */
struct heard {
    struct env *env;
    struct bus_server *server;
    unsigned count;
    uint64_t peer; /* of the last */
    char head[32], body[32];
    bool had_body, echoes, in_order;
};

static void note(char ret[32], struct span bytes)
{
    size_t n = bytes.n < 31 ? bytes.n : 31;
    if (n > 0) memcpy(ret, bytes.p, n);
    ret[n] = '\0';
}

static void on_request(void *self, uint64_t peer, const struct bus_msg *msg)
{
    struct heard *h = self;
    note(h->head, msg->head);
    note(h->body, buf_span(msg->body));
    if ((unsigned)strtoul(h->head, NULL, 10) != h->count) h->in_order = false;
    h->had_body = msg->body != NULL;
    h->peer = peer;
    h->count++;
    if (h->echoes) assert_int_equal(bus_reply(h->env, h->server, peer, msg->head, msg->body), 0);
}

static void listen_at(struct contract_world *w, struct heard *h, const char *name, size_t max_bytes)
{
    *h = (struct heard){.env = w->env, .in_order = true};
    struct bus_server_opts opts = {
        .endpoint = contract_endpoint(w, name), .max_bytes = max_bytes, .on_message = on_request, .self = h};
    assert_int_equal(bus_listen(w->env, &opts, &h->server), 0);
}

struct said {
    struct env *env;
    struct bus_client *client;
    unsigned count;
    char head[32], body[32];
    bool had_body;
};

static void on_answer(void *self, const struct bus_msg *msg)
{
    struct said *s = self;
    note(s->head, msg->head);
    note(s->body, buf_span(msg->body));
    s->had_body = msg->body != NULL;
    s->count++;
}

static void connect_to(struct contract_world *w, struct said *s, const char *name)
{
    *s = (struct said){.env = w->env};
    struct bus_client_opts opts = {
        .endpoint = contract_endpoint(w, name), .on_message = on_answer, .self = s};
    assert_int_equal(bus_connect(w->env, &opts, &s->client), 0);
}

/* As whoever needs an answer does: tries until the connection is there. */
static void send_text(struct contract_world *w, struct said *s, const char *head, const char *body)
{
    struct buf *b = body != NULL ? buf_copy(span_str(body)) : NULL;
    int e = E_AGAIN;
    for (unsigned i = 0; i < 1000 && e == E_AGAIN; i++) {
        e = bus_send(w->env, s->client, span_str(head), b);
        if (e == E_AGAIN) contract_pass(w, 5 * USEC_PER_MS);
    }
    assert_int_equal(e, 0);
    buf_unref(b);
}

static void requests_and_replies_carry_their_frames(struct contract_world *w)
{
    struct heard h;
    struct said s;
    listen_at(w, &h, "a", 0);
    h.echoes = true;
    connect_to(w, &s, "a");
    send_text(w, &s, "head", NULL);
    contract_wait(w, &s.count, 1);
    assert_string_equal(h.head, "head");
    assert_string_equal(s.head, "head");
    assert_false(h.had_body || s.had_body);
    send_text(w, &s, "two", "frames");
    contract_wait(w, &s.count, 2);
    assert_true(h.had_body && s.had_body);
    assert_string_equal(h.body, "frames");
    assert_string_equal(s.body, "frames");
    send_text(w, &s, "empty", "");
    contract_wait(w, &s.count, 3);
    assert_true(h.had_body && s.had_body);
    assert_string_equal(s.body, "");
    bus_client_close(w->env, s.client);
    bus_server_close(w->env, h.server);
    bus_client_close(w->env, NULL);
    bus_server_close(w->env, NULL);
}

static void answers_go_to_who_asked(struct contract_world *w)
{
    struct heard h;
    struct said a, b;
    listen_at(w, &h, "a", 0);
    connect_to(w, &a, "a");
    connect_to(w, &b, "a");
    send_text(w, &a, "a", NULL);
    contract_wait(w, &h.count, 1);
    uint64_t peer_a = h.peer;
    send_text(w, &b, "b", NULL);
    contract_wait(w, &h.count, 2);
    assert_true(h.peer != peer_a);
    assert_int_equal(bus_reply(w->env, h.server, peer_a, SPAN_LIT("to a"), NULL), 0);
    assert_int_equal(bus_reply(w->env, h.server, h.peer, SPAN_LIT("to b"), NULL), 0);
    contract_wait(w, &a.count, 1);
    contract_wait(w, &b.count, 1);
    assert_string_equal(a.head, "to a");
    assert_string_equal(b.head, "to b");
    send_text(w, &a, "a", NULL);
    contract_wait(w, &h.count, 3);
    assert_true(h.peer == peer_a); /* one number a connection */
    bus_client_close(w->env, a.client);
    bus_client_close(w->env, b.client);
    bus_server_close(w->env, h.server);
}

static void order_holds_on_a_connection(struct contract_world *w)
{
    struct heard h;
    struct said s;
    listen_at(w, &h, "a", 0);
    connect_to(w, &s, "a");
    for (unsigned i = 0; i < 500; i++) {
        char head[16];
        snprintf(head, sizeof head, "%u", i);
        send_text(w, &s, head, i % 3 == 0 ? "body" : NULL);
    }
    contract_wait(w, &h.count, 500);
    assert_true(h.in_order);
    bus_client_close(w->env, s.client);
    bus_server_close(w->env, h.server);
}

static void without_a_connection_nothing_is_sent(struct contract_world *w)
{
    struct said s;
    connect_to(w, &s, "nobody");
    assert_int_equal(bus_send(w->env, s.client, SPAN_LIT("x"), NULL), E_AGAIN);
    contract_pass(w, 30 * USEC_PER_MS);
    assert_int_equal(bus_send(w->env, s.client, SPAN_LIT("x"), NULL), E_AGAIN);
    struct heard h;
    listen_at(w, &h, "nobody", 0); /* connects in the background when it comes */
    send_text(w, &s, "y", NULL);
    contract_wait(w, &h.count, 1);
    assert_string_equal(h.head, "y");
    bus_client_close(w->env, s.client);
    bus_server_close(w->env, h.server);
}

static void one_process_has_an_endpoint(struct contract_world *w)
{
    struct heard h;
    struct bus_server *other = NULL;
    listen_at(w, &h, "a", 0);
    struct bus_server_opts opts = {
        .endpoint = contract_endpoint(w, "a"), .on_message = on_request, .self = &h};
    assert_int_equal(bus_listen(w->env, &opts, &other), E_EXISTS);
    opts.endpoint = "tcp://127.0.0.1:0";
    assert_int_equal(bus_listen(w->env, &opts, &other), E_PERMISSION); /* no keys */
    assert_null(other);
    bus_server_close(w->env, h.server);
    listen_at(w, &h, "a", 0); /* free again */
    bus_server_close(w->env, h.server);
}

static void a_paused_server_is_left_alone(struct contract_world *w)
{
    struct heard h;
    struct said s;
    listen_at(w, &h, "a", 0);
    connect_to(w, &s, "a");
    send_text(w, &s, "0", NULL);
    contract_wait(w, &h.count, 1);
    bus_pause(w->env, h.server, true);
    send_text(w, &s, "1", NULL);
    send_text(w, &s, "2", NULL);
    contract_pass(w, 50 * USEC_PER_MS);
    assert_int_equal(h.count, 1);
    bus_pause(w->env, h.server, false);
    contract_wait(w, &h.count, 3);
    assert_true(h.in_order);
    bus_client_close(w->env, s.client);
    bus_server_close(w->env, h.server);
}

static void a_full_queue_says_so(struct contract_world *w)
{
    struct heard h;
    struct said s;
    listen_at(w, &h, "a", 0);
    connect_to(w, &s, "a");
    send_text(w, &s, "0", NULL);
    contract_wait(w, &h.count, 1);
    bus_pause(w->env, h.server, true);
    struct buf *body = buf_new(10000);
    memset(body->p, 0, body->n);
    unsigned sent = 1;
    int e = 0;
    for (unsigned i = 0; i < 100000 && e == 0; i++) {
        char head[16];
        snprintf(head, sizeof head, "%u", sent);
        e = bus_send(w->env, s.client, span_str(head), body);
        if (e == 0) sent++;
    }
    buf_unref(body);
    assert_int_equal(e, E_AGAIN);
    bus_pause(w->env, h.server, false);
    contract_wait(w, &h.count, sent); /* what was taken is not lost */
    assert_true(h.in_order);
    send_text(w, &s, "more", NULL);
    contract_wait(w, &h.count, sent + 1);
    bus_client_close(w->env, s.client);
    bus_server_close(w->env, h.server);
}

static void after_a_reconnect_it_is_another_peer(struct contract_world *w)
{
    struct heard h;
    struct said s;
    listen_at(w, &h, "a", 0);
    h.echoes = true;
    connect_to(w, &s, "a");
    send_text(w, &s, "0", NULL);
    contract_wait(w, &s.count, 1);
    uint64_t peer = h.peer;
    bus_client_close(w->env, s.client);
    contract_pass(w, 100 * USEC_PER_MS);
    assert_int_equal(bus_reply(w->env, h.server, peer, SPAN_LIT("x"), NULL), E_NOT_FOUND);
    connect_to(w, &s, "a");
    send_text(w, &s, "1", NULL);
    contract_wait(w, &s.count, 1);
    assert_true(h.peer != peer);
    bus_server_close(w->env, h.server); /* the client connects again by itself */
    listen_at(w, &h, "a", 0);
    h.echoes = true;
    unsigned before = s.count;
    for (unsigned i = 0; i < 100 && s.count == before; i++) { /* one into the gap may be lost */
        send_text(w, &s, "2", NULL);
        contract_pass(w, 50 * USEC_PER_MS);
    }
    assert_true(s.count > before);
    bus_client_close(w->env, s.client);
    bus_server_close(w->env, h.server);
}

static void a_frame_over_the_limit_does_not_come(struct contract_world *w)
{
    struct heard h;
    struct said s;
    listen_at(w, &h, "a", 100);
    connect_to(w, &s, "a");
    char big[102];
    memset(big, 'b', sizeof big);
    big[101] = '\0';
    send_text(w, &s, big, NULL);
    contract_pass(w, 100 * USEC_PER_MS);
    assert_int_equal(h.count, 0);
    for (unsigned i = 0; i < 100 && h.count == 0; i++) { /* it may have cost the connection */
        send_text(w, &s, "small", NULL);
        contract_pass(w, 50 * USEC_PER_MS);
    }
    assert_string_equal(h.head, "small");
    big[100] = '\0'; /* exactly the limit */
    unsigned before = h.count;
    send_text(w, &s, big, NULL);
    contract_wait(w, &h.count, before + 1);
    bus_client_close(w->env, s.client);
    bus_server_close(w->env, h.server);
}

struct closing {
    struct env *env;
    struct bus_server *server;
    unsigned count;
};

static void on_close_request(void *self, uint64_t peer, const struct bus_msg *msg)
{
    struct closing *c = self;
    (void)peer, (void)msg;
    c->count++;
    bus_server_close(c->env, c->server);
}

static void a_server_may_close_in_its_callback(struct contract_world *w)
{
    struct closing c = {.env = w->env};
    struct bus_server_opts opts = {
        .endpoint = contract_endpoint(w, "a"), .on_message = on_close_request, .self = &c};
    assert_int_equal(bus_listen(w->env, &opts, &c.server), 0);
    struct said s;
    connect_to(w, &s, "a");
    send_text(w, &s, "0", NULL);
    bus_send(w->env, s.client, SPAN_LIT("1"), NULL);
    contract_wait(w, &c.count, 1);
    contract_pass(w, 20 * USEC_PER_MS);
    assert_int_equal(c.count, 1);
    bus_client_close(w->env, s.client);
}

static void hints_reach_who_wants_their_topic(struct contract_world *w)
{
    struct bus_publisher *p = NULL;
    struct bus_subscriber *all = NULL, *some = NULL;
    struct said a = {.env = w->env}, b = {.env = w->env};
    assert_int_equal(bus_publisher_open(w->env, contract_endpoint(w, "p"), NULL, &p), 0);
    assert_int_equal(bus_subscriber_open(w->env, contract_endpoint(w, "p"), NULL, "", on_answer, &a, &all),
                     0);
    assert_int_equal(
        bus_subscriber_open(w->env, contract_endpoint(w, "p"), NULL, "CaseO", on_answer, &b, &some), 0);
    for (unsigned i = 0; i < 200 && (a.count == 0 || b.count == 0); i++) { /* what comes first may be lost */
        bus_publish(w->env, p, "CaseOpened.it", SPAN_LIT("seq"));
        contract_pass(w, 10 * USEC_PER_MS);
    }
    assert_string_equal(b.head, "CaseOpened.it");
    assert_string_equal(b.body, "seq");
    unsigned before_a = a.count, before_b = b.count;
    bus_publish(w->env, p, "CaseClosed.it", SPAN_LIT("seq"));
    contract_wait(w, &a.count, before_a + 1);
    contract_pass(w, 20 * USEC_PER_MS);
    assert_string_equal(a.head, "CaseClosed.it");
    assert_int_equal(b.count, before_b);
    bus_subscriber_close(w->env, all);
    bus_subscriber_close(w->env, some);
    bus_publisher_close(w->env, p);
    bus_subscriber_close(w->env, NULL);
    bus_publisher_close(w->env, NULL);
}

const struct contract_row contract_bus_rows[] = {
    {"requests_and_replies_carry_their_frames", requests_and_replies_carry_their_frames},
    {"answers_go_to_who_asked", answers_go_to_who_asked},
    {"order_holds_on_a_connection", order_holds_on_a_connection},
    {"without_a_connection_nothing_is_sent", without_a_connection_nothing_is_sent},
    {"one_process_has_an_endpoint", one_process_has_an_endpoint},
    {"a_paused_server_is_left_alone", a_paused_server_is_left_alone},
    {"a_full_queue_says_so", a_full_queue_says_so},
    {"after_a_reconnect_it_is_another_peer", after_a_reconnect_it_is_another_peer},
    {"a_frame_over_the_limit_does_not_come", a_frame_over_the_limit_does_not_come},
    {"a_server_may_close_in_its_callback", a_server_may_close_in_its_callback},
    {"hints_reach_who_wants_their_topic", hints_reach_who_wants_their_topic},
    {NULL, NULL},
};
