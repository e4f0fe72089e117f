/* SPDX-License-Identifier: Apache-2.0 */
/* Mail and HTTP: how what happens on the wire becomes an outcome. The other
 * side is a script on a lane, because a real server does not lose its answer
 * when asked to. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "curl_port.h"
#include "err.h"
#include "files.h"
#include "real_world.h"
#include "sched.h"
#include "unit.h"

/* A server for one connection. Each line: what it answers to the next line it
 * gets (the first at once); "" nothing any more; "-" or the end: it hangs up. For SMTP the answer
 * after DATA's waits for the final dot; what it got is kept. */
struct script {
    struct job job;
    const char *const *lines;
    unsigned port;
    int listener;
    char got[20000];
    size_t n_got;
    unsigned done;
};

static bool read_until(int fd, struct script *s, const char *end)
{
    size_t from = s->n_got;
    for (;;) {
        ssize_t n = recv(fd, s->got + s->n_got, sizeof(s->got) - 1 - s->n_got, 0);
        if (n <= 0) return false;
        s->n_got += (size_t)n;
        s->got[s->n_got] = 0;
        if (strstr(s->got + from, end) != NULL) return true;
    }
}

static void play(struct job *job)
{
    struct script *s = (struct script *)job;
    int fd = accept(s->listener, NULL, NULL);
    struct timeval wait = {10, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    bool http = s->lines[0][0] == 'H' || s->lines[0][0] == '-';
    for (unsigned i = 0; s->lines[i] != NULL; i++) {
        bool data = i > 0 && strncmp(s->lines[i - 1], "354", 3) == 0;
        if ((i > 0 || http) && !read_until(fd, s, http ? "\r\n\r\n" : data ? "\r\n.\r\n" : "\r\n")) break;
        if (s->lines[i][0] == '-') break;
        if (s->lines[i][0] == 0) {
            read_until(fd, s, "\x01"); /* which never comes: until the other side hangs up */
            break;
        }
        dprintf(fd, "%s\r\n", s->lines[i]);
    }
    close(fd);
    close(s->listener);
}

static void on_played(struct job *job)
{
    ((struct script *)job)->done++;
}

static struct lane *script_start(struct real_world *w, struct script *s, const char *const *lines)
{
    *s = (struct script){.job = {.work = play, .done = on_played}, .lines = lines};
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t n = sizeof(at);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&at, n), 0);
    assert_int_equal(listen(s->listener, 4), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &n), 0);
    s->port = ntohs(at.sin_port);
    struct lane *lane = lane_open(w->env, "script");
    lane_post(w->env, lane, &s->job);
    return lane;
}

struct result {
    unsigned count;
    enum port_outcome outcome;
    int status;
    char detail[200];
};

static void on_mail(void *self, enum port_outcome outcome, const char *detail)
{
    struct result *r = self;
    r->outcome = outcome;
    snprintf(r->detail, sizeof(r->detail), "%s", detail);
    r->count++;
}

static void on_http(void *self, enum port_outcome outcome, int status, const char *detail)
{
    struct result *r = self;
    r->status = status;
    on_mail(self, outcome, detail);
}

static struct mail_request a_mail(const char *url, struct result *r)
{
    return (struct mail_request){.url = url,
                                 .from = "office@kesu.test",
                                 .to = "li@example.test",
                                 .message = SPAN_LIT("Subject: x\r\n\r\nhello\r\n.dot\r\n"),
                                 .timeout_us = 2 * USEC_PER_SEC,
                                 .on_done = on_mail,
                                 .self = r};
}

/* Each mail is the last of its connection. */
static void zeros(struct env *env, void *ret, size_t n)
{
    (void)env;
    memset(ret, 0, n);
}

static void mail_outcomes(void **state)
{
    struct real_world *w = *state;
    w->env->random = zeros;
    static const struct {
        const char *lines[8];
        enum port_outcome outcome;
        const char *detail;
    } rows[] = {
        {{"220 x", "250 x", "250 ok", "250 ok", "354 go", "250 taken as 7", "221 bye"},
         PORT_DONE,
         "250 taken as 7"},
        {{"220 x", "250 x", "250 ok", "550 no such user"}, PORT_PERMANENT, "550 no such user"},
        {{"220 x", "250 x", "250 ok", "451 later"}, PORT_TEMPORARY, "451 later"},
        {{"220 x", "250 x", "250 ok", "250 ok", "354 go", "552 too big"}, PORT_PERMANENT, "552 too big"},
        {{"220 x", "250 x", "250 ok", "250 ok", "354 go", "452 full"}, PORT_TEMPORARY, "452 full"},
        {{"220 x", "250 x", "250 ok", "250 ok", "354 go", "-"}, PORT_UNKNOWN, NULL}, /* the answer is lost */
        {{"220 x", "250 x", "250 ok", "250 ok", "-"}, PORT_TEMPORARY, NULL},         /* before the message */
        {{"220 x", "250 x", "-"}, PORT_TEMPORARY, NULL},
        {{"554 not here"}, PORT_TEMPORARY, NULL}, /* it is about us, not about this mail */
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct script s;
        struct result r = {0};
        char url[64];
        struct lane *lane = script_start(w, &s, rows[i].lines);
        snprintf(url, sizeof(url), "smtp://127.0.0.1:%u", s.port);
        struct mail_request q = a_mail(url, &r);
        struct mail_call *call = NULL;
        assert_int_equal(mail_send(w->env, &q, &call), 0);
        assert_int_equal(r.count, 0); /* in a later turn */
        assert_true(real_world_wait(w, &r.count, 1));
        lane_close(w->env, lane);
        if (r.outcome != rows[i].outcome) fail_msg("row %u: %d %s", i, (int)r.outcome, r.detail);
        if (rows[i].detail != NULL) assert_string_equal(r.detail, rows[i].detail);
        if (i > 0) continue;
        assert_non_null(strstr(s.got, "MAIL FROM:<office@kesu.test>"));
        assert_non_null(strstr(s.got, "RCPT TO:<li@example.test>"));
        assert_non_null(strstr(s.got, "hello\r\n..dot\r\n.\r\n"));
    }
}

static void mail_without_a_server(void **state)
{
    struct real_world *w = *state;
    struct result r = {0};
    struct mail_request q = a_mail("smtp://127.0.0.1:1", &r);
    struct mail_call *call = NULL;
    assert_int_equal(mail_send(w->env, &q, &call), 0);
    assert_true(real_world_wait(w, &r.count, 1));
    assert_int_equal(r.outcome, PORT_TEMPORARY);
    q.url = "ftp://127.0.0.1/x";
    assert_int_equal(mail_send(w->env, &q, &call), 0);
    assert_true(real_world_wait(w, &r.count, 2));
    assert_int_equal(r.outcome, PORT_PERMANENT);
    q.to = "li@x>\r\nRCPT TO:<other@x";
    assert_int_equal(mail_send(w->env, &q, &call), E_RANGE);
    q = a_mail("smtp://127.0.0.1:1", &r);
    q.user = "office";
    q.password_path = "/no/such/file";
    assert_int_equal(mail_send(w->env, &q, &call), E_NOT_FOUND);
}

/* The other side says nothing: after the time it is over, or cancelled before. */
static void mail_takes_no_longer_than_its_time(void **state)
{
    struct real_world *w = *state;
    static const char *const silent[] = {"220 x", "", NULL};
    struct script s, s2;
    struct result r = {0}, never = {0};
    char url[64];
    struct lane *lane = script_start(w, &s, silent), *lane2 = script_start(w, &s2, silent);
    snprintf(url, sizeof(url), "smtp://127.0.0.1:%u", s.port);
    struct mail_request q = a_mail(url, &r);
    q.timeout_us = 300 * USEC_PER_MS;
    struct mail_call *call = NULL, *cancelled = NULL;
    assert_int_equal(mail_send(w->env, &q, &call), 0);
    snprintf(url, sizeof(url), "smtp://127.0.0.1:%u", s2.port);
    q.url = url;
    q.self = &never;
    assert_int_equal(mail_send(w->env, &q, &cancelled), 0);
    real_world_pass(w, 50 * USEC_PER_MS);
    mail_cancel(w->env, cancelled);
    mail_cancel(w->env, NULL);
    assert_true(real_world_wait(w, &r.count, 1));
    assert_int_equal(r.outcome, PORT_TEMPORARY);
    real_world_pass(w, 400 * USEC_PER_MS);
    assert_int_equal(never.count, 0);
    lane_close(w->env, lane);
    lane_close(w->env, lane2);
}

static void http_outcomes(void **state)
{
    struct real_world *w = *state;
    static const struct {
        const char *lines[2];
        enum port_outcome outcome;
        int status;
    } rows[] = {
        {{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"}, PORT_DONE, 200},
        {{"HTTP/1.1 204 OK\r\n"}, PORT_DONE, 204},
        {{"HTTP/1.1 302 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n"}, PORT_PERMANENT, 302},
        {{"HTTP/1.1 404 No\r\nContent-Length: 0\r\n"}, PORT_PERMANENT, 404},
        {{"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n"}, PORT_TEMPORARY, 429},
        {{"HTTP/1.1 503 Later\r\nContent-Length: 0\r\n"}, PORT_TEMPORARY, 503},
        {{"-"}, PORT_UNKNOWN, 0}, /* it read the request and hung up */
    };
    static const char *const headers[] = {"webhook-id: 1", "Content-Type: application/json"};
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct script s;
        struct result r = {0};
        char url[64];
        struct lane *lane = script_start(w, &s, rows[i].lines);
        snprintf(url, sizeof(url), "http://127.0.0.1:%u/hook", s.port);
        struct http_request q = {.url = url,
                                 .headers = headers,
                                 .n_headers = 2,
                                 .body = SPAN_LIT("{}"),
                                 .timeout_us = 5 * USEC_PER_SEC,
                                 .allow_private = true,
                                 .on_done = on_http,
                                 .self = &r};
        struct http_call *call = NULL;
        assert_int_equal(http_post(w->env, &q, &call), 0);
        assert_true(real_world_wait(w, &r.count, 1));
        lane_close(w->env, lane);
        if (r.outcome != rows[i].outcome || r.status != rows[i].status)
            fail_msg("row %u: %d %d %s", i, (int)r.outcome, r.status, r.detail);
        assert_non_null(strstr(s.got, "POST /hook HTTP/1.1\r\n"));
        assert_non_null(strstr(s.got, "webhook-id: 1\r\n"));
    }
}

static void private_addresses_are_refused(void **state)
{
    struct real_world *w = *state;
    static const char *const urls[] = {"http://127.0.0.1:1/", "http://localhost:1/",
                                       "http://[::1]:1/",     "http://2130706433:1/",
                                       "http://0x7f.1:1/",    "http://[::ffff:10.0.0.1]/"};
    struct result r = {0};
    for (unsigned i = 0; i < 6; i++) {
        struct http_request q = {
            .url = urls[i], .timeout_us = 2 * USEC_PER_SEC, .on_done = on_http, .self = &r};
        struct http_call *call = NULL;
        assert_int_equal(http_post(w->env, &q, &call), 0);
        assert_true(real_world_wait(w, &r.count, i + 1));
        assert_int_equal(r.outcome, PORT_PERMANENT);
        assert_string_equal(r.detail, "the address is private: refused");
    }
    static const char *const bad[] = {"X: y\r\nZ: w"};
    struct http_request q = {.url = "http://x/", .headers = bad, .n_headers = 1, .on_done = on_http};
    struct http_call *call = NULL;
    assert_int_equal(http_post(w->env, &q, &call), E_RANGE);
}

static bool is_private(const char *text)
{
    struct sockaddr_storage at = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&at;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&at;
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
        at.ss_family = AF_INET;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
        at.ss_family = AF_INET6;
    }
    return curl_address_is_private((struct sockaddr *)&at);
}

static void which_addresses_are_private(void **state)
{
    (void)state;
    static const char *const yes[] = {
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "203.0.113.9",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fd12:3456::",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2001:db8::1",
        "::10.0.0.1",
        "2001::1",
    };
    static const char *const no[] = {"1.1.1.1",        "9.255.255.255",    "11.0.0.0",      "100.63.255.255",
                                     "100.128.0.0",    "172.15.0.1",       "172.32.0.0",    "192.167.255.255",
                                     "192.169.0.0",    "223.255.255.255",  "2606:4700::",   "2001:4860::1",
                                     "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"};
    for (unsigned i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        if (!is_private(yes[i])) fail_msg("%s is private", yes[i]);
    for (unsigned i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        if (is_private(no[i])) fail_msg("%s is not private", no[i]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, real_world_open, real_world_close)
UNIT_MAIN(TEST(mail_outcomes), TEST(mail_without_a_server), TEST(mail_takes_no_longer_than_its_time),
          TEST(http_outcomes), TEST(private_addresses_are_refused),
          cmocka_unit_test(which_addresses_are_private))
