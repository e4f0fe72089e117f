/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon in a process of its own: health while it works, is blocked, is
 * stopped; its control socket; its end. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "real_world.h"
#include "svc.h"
#include "unit.h"

#define PATIENCE_US (20 * USEC_PER_SEC)

/* ---- the daemon ------------------------------------------------------------- */

static int block_fd; /* of the child: a request blocks its loop until this is written to */

struct toy {
    struct svc *svc;
    bool ready;
};

static void on_block(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct toy *t = self;
    char c;
    while (read(block_fd, &c, 1) < 0 && errno == EINTR) {
    }
    Kesu__V1__Done done = KESU__V1__DONE__INIT;
    done.count = 7;
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_DONE;
    reply.done = &done;
    svc_answer(t->svc, peer, request->id, &reply);
}

static void on_get_ready(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct toy *t = self;
    t->ready = true;
    svc_refuse(t->svc, peer, request->id, -24, "some.field", "only a test");
}

static void on_info(void *self, Kesu__V1__Info *info)
{
    (void)self;
    info->head_seq = 42;
}

static int start(struct svc *svc, void **ret_self)
{
    static const struct svc_control_row rows[] = {
        {KESU__V1__CONTROL_REQUEST__BODY_GET_STATS, on_block},
        {KESU__V1__CONTROL_REQUEST__BODY_GET_WORKERS, on_get_ready},
    };
    struct toy *t = mem_zalloc(&svc_env(svc)->mem, sizeof(*t));
    t->svc = svc;
    *ret_self = t;
    return svc_control(svc, rows, 2, on_info, t);
}

static void stop(void *self)
{
    struct toy *t = self;
    mem_free(&svc_env(t->svc)->mem, t);
}

static const char *not_ready(void *self)
{
    return ((struct toy *)self)->ready ? NULL : "not asked yet";
}

static const struct conf_def settings[] = {
    {"colour", CONF_CHOICE, "red", 0, 0, "red|green", "a colour"},
    {NULL, CONF_STRING, NULL, 0, 0, NULL, NULL},
};
static const struct svc_def toy_service = {.name = "toy",
                                           .summary = "plays",
                                           .settings = settings,
                                           .start = start,
                                           .stop = stop,
                                           .not_ready = not_ready};

/* ---- the other side --------------------------------------------------------- */

struct daemon {
    pid_t pid;
    int unblock_fd;
    char run_dir[96], data_dir[96];
    unsigned port;
};

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000;
}

/* Forked before the parent has an environment, hence threads. */
static void daemon_start(struct daemon *d, const char *dir, const char *extra)
{
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    snprintf(d->run_dir, sizeof(d->run_dir), "%s/run", dir);
    snprintf(d->data_dir, sizeof(d->data_dir), "%s/data", dir);
    fflush(NULL);
    d->pid = fork();
    if (d->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves nobody behind */
        block_fd = fds[0];
        char *argv[] = {(char *)"kesu-toy",   (char *)"--run-dir", d->run_dir,
                        (char *)"--data-dir", d->data_dir,         (char *)"--log-level",
                        (char *)"error",      (char *)extra,       NULL};
        exit(svc_main(extra != NULL ? 8 : 7, argv, &toy_service));
    }
    close(fds[0]);
    d->unblock_fd = fds[1];
}

static int daemon_wait(struct daemon *d)
{
    int status = 0;
    assert_int_equal(waitpid(d->pid, &status, 0), d->pid);
    close(d->unblock_fd);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool read_port(struct daemon *d)
{
    char path[160], text[16] = "";
    snprintf(path, sizeof(path), "%s/toy.port", d->run_dir);
    FILE *f = fopen(path, "re");
    if (f == NULL) return false;
    bool there = fgets(text, sizeof(text), f) != NULL;
    fclose(f);
    d->port = (unsigned)strtoul(text, NULL, 10);
    return there && d->port > 0;
}

/* Status and body of a GET; 0 when nobody answers within wait_s. */
static int http_get(struct daemon *d, const char *path, int wait_s, char *body, size_t n)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)d->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct timeval wait = {wait_s, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status = 0;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    char text[65536];
    size_t got = 0;
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0) {
        dprintf(fd, "GET %s HTTP/1.0\r\nHost: x\r\n\r\n", path);
        for (ssize_t more;
             got < sizeof(text) - 1 && (more = recv(fd, text + got, sizeof(text) - 1 - got, 0)) > 0;)
            got += (size_t)more;
    }
    close(fd);
    text[got] = 0;
    const char *end = strstr(text, "\r\n\r\n");
    if (end == NULL || sscanf(text, "HTTP/1.%*d %d", &status) != 1) return 0;
    snprintf(body, n, "%s", end + 4);
    return status;
}

/* Asks again until the body begins like this. */
static void http_until(struct daemon *d, const char *path, int status, const char *begins)
{
    char body[256] = "";
    for (int64_t end = now_us() + PATIENCE_US; now_us() < end; usleep(5000))
        if (d->port > 0 || read_port(d))
            if (http_get(d, path, 5, body, sizeof(body)) == status &&
                strncmp(body, begins, strlen(begins)) == 0)
                return;
    fail_msg("%s: not %d %s but %s", path, status, begins, body);
}

struct asked {
    unsigned count;
    Kesu__V1__ControlReply *reply;
};

static void on_reply(void *self, const struct bus_msg *msg)
{
    struct asked *a = self;
    a->reply = kesu__v1__control_reply__unpack(NULL, msg->head.n, msg->head.p);
    a->count++;
}

static Kesu__V1__ControlReply *ask_bytes(struct real_world *w, struct daemon *d, struct span bytes)
{
    char endpoint[128];
    snprintf(endpoint, sizeof(endpoint), "ipc://%s/toy-control.ipc", d->run_dir);
    struct asked a = {0};
    struct bus_client_opts opts = {.endpoint = endpoint, .on_message = on_reply, .self = &a};
    struct bus_client *c = NULL;
    assert_int_equal(bus_connect(w->env, &opts, &c), 0);
    while (bus_send(w->env, c, bytes, NULL) != 0) real_world_pass(w, 5 * USEC_PER_MS);
    if (d->unblock_fd >= 0) assert_true(real_world_wait(w, &a.count, 1));
    bus_client_close(w->env, c);
    return a.reply;
}

static Kesu__V1__ControlReply *ask(struct real_world *w, struct daemon *d,
                                   Kesu__V1__ControlRequest__BodyCase body)
{
    Kesu__V1__GetInfo nothing = KESU__V1__GET_INFO__INIT;
    Kesu__V1__GetWorkers workers = KESU__V1__GET_WORKERS__INIT;
    Kesu__V1__ListAgents agents = KESU__V1__LIST_AGENTS__INIT;
    Kesu__V1__GetStats stats = KESU__V1__GET_STATS__INIT;
    Kesu__V1__ControlRequest q = KESU__V1__CONTROL_REQUEST__INIT;
    q.id = 99;
    q.body_case = body;
    if (body == KESU__V1__CONTROL_REQUEST__BODY_GET_WORKERS)
        q.get_workers = &workers;
    else if (body == KESU__V1__CONTROL_REQUEST__BODY_LIST_AGENTS)
        q.list_agents = &agents;
    else if (body == KESU__V1__CONTROL_REQUEST__BODY_GET_STATS)
        q.get_stats = &stats;
    else
        q.info = &nothing;
    uint8_t bytes[64];
    size_t n = kesu__v1__control_request__pack(&q, bytes);
    return ask_bytes(w, d, span_of(bytes, n));
}

static void make_dir(char dir[64])
{
    snprintf(dir, 64, "/tmp/kesu-svc-XXXXXX");
    assert_non_null(mkdtemp(dir));
}

static void drop_dir(const char *dir)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    assert_int_equal(system(command), 0);
}

/* ---- the tests -------------------------------------------------------------- */

static void busy_is_told_from_dead(void **state)
{
    (void)state;
    struct daemon d = {0};
    char dir[64], body[65536];
    make_dir(dir);
    daemon_start(&d, dir, NULL);
    http_until(&d, "/healthz", 200, "ok");
    http_until(&d, "/readyz", 503, "not asked yet");
    struct real_world *w = NULL;
    real_world_open((void **)&w);
    Kesu__V1__ControlReply *r = ask(w, &d, KESU__V1__CONTROL_REQUEST__BODY_GET_WORKERS);
    assert_int_equal(r->id, 99);
    assert_int_equal(r->refused->code, KESU__V1__ERROR_CODE__E_CAPACITY);
    assert_int_equal(r->refused->disposition, KESU__V1__DISPOSITION__DISPOSITION_RETRY);
    assert_string_equal(r->refused->field, "some.field");
    kesu__v1__control_reply__free_unpacked(r, NULL);
    http_until(&d, "/readyz", 200, "ready");
    assert_int_equal(http_get(&d, "/metrics", 5, body, sizeof(body)), 200);
    assert_non_null(strstr(body, "# TYPE kesu_loop_turn_seconds histogram"));
    assert_int_equal(http_get(&d, "/other", 5, body, sizeof(body)), 404);

    int unblock = d.unblock_fd;
    d.unblock_fd = -1; /* the request is sent, its answer not waited for */
    ask(w, &d, KESU__V1__CONTROL_REQUEST__BODY_GET_STATS);
    real_world_pass(w, 50 * USEC_PER_MS);
    http_until(&d, "/healthz", 200, "busy for 3 s");
    http_until(&d, "/readyz", 503, "busy for");
    assert_int_equal(write(unblock, "x", 1), 1);
    http_until(&d, "/healthz", 200, "ok");
    http_until(&d, "/readyz", 200, "ready");

    kill(d.pid, SIGSTOP);
    assert_int_equal(waitpid(d.pid, NULL, WUNTRACED), d.pid); /* it has stopped, not only been told to */
    assert_int_equal(http_get(&d, "/healthz", 1, body, sizeof(body)), 0);
    kill(d.pid, SIGCONT);
    http_until(&d, "/healthz", 200, "ok");
    kill(d.pid, SIGTERM);
    d.unblock_fd = unblock;
    assert_int_equal(daemon_wait(&d), 0);
    assert_int_equal(http_get(&d, "/healthz", 1, body, sizeof(body)), 0);
    real_world_close((void **)&w);
    drop_dir(dir);
}

static void the_control_socket_answers(void **state)
{
    (void)state;
    struct daemon d = {0};
    char dir[64];
    make_dir(dir);
    daemon_start(&d, dir, NULL);
    http_until(&d, "/healthz", 200, "ok");
    struct real_world *w = NULL;
    real_world_open((void **)&w);
    Kesu__V1__ControlReply *r = ask(w, &d, KESU__V1__CONTROL_REQUEST__BODY_INFO);
    assert_int_equal(r->body_case, KESU__V1__CONTROL_REPLY__BODY_INFO);
    assert_string_equal(r->info->daemon, "toy");
    assert_string_equal(r->info->version, KESU_VERSION);
    assert_false(r->info->ready);
    assert_string_equal(r->info->not_ready_because, "not asked yet");
    assert_int_equal(r->info->head_seq, 42);
    assert_true(r->info->started_at > 0);
    kesu__v1__control_reply__free_unpacked(r, NULL);
    r = ask(w, &d, KESU__V1__CONTROL_REQUEST__BODY_LIST_AGENTS);
    assert_int_equal(r->refused->code, KESU__V1__ERROR_CODE__E_UNKNOWN);
    kesu__v1__control_reply__free_unpacked(r, NULL);
    r = ask_bytes(w, &d, SPAN_LIT("\xff\xff garbage"));
    assert_int_equal(r->refused->code, KESU__V1__ERROR_CODE__E_MALFORMED);
    assert_int_equal(r->refused->disposition, KESU__V1__DISPOSITION__DISPOSITION_FINAL);
    kesu__v1__control_reply__free_unpacked(r, NULL);
    r = ask_bytes(w, &d, SPAN_LIT("\x08\x05")); /* an id and nothing else */
    assert_int_equal(r->id, 5);
    assert_int_equal(r->refused->code, KESU__V1__ERROR_CODE__E_MISSING);
    kesu__v1__control_reply__free_unpacked(r, NULL);
    kill(d.pid, SIGINT);
    assert_int_equal(daemon_wait(&d), 0);
    real_world_close((void **)&w);
    drop_dir(dir);
}

static void a_second_one_of_the_same_name_ends(void **state)
{
    (void)state;
    struct daemon first = {0}, second = {0}, other = {0};
    char dir[64];
    make_dir(dir);
    daemon_start(&first, dir, NULL);
    http_until(&first, "/healthz", 200, "ok");
    daemon_start(&second, dir, "--http-port=0");
    assert_int_equal(daemon_wait(&second), EX_UNAVAILABLE);
    daemon_start(&other, dir, "--instance=toy-2");
    char path[160];
    snprintf(path, sizeof(path), "%s/toy-2.port", other.run_dir);
    for (int64_t end = now_us() + PATIENCE_US; access(path, F_OK) != 0 && now_us() < end;) usleep(5000);
    assert_int_equal(access(path, F_OK), 0);
    kill(other.pid, SIGTERM);
    kill(first.pid, SIGTERM);
    assert_int_equal(daemon_wait(&other), 0);
    assert_int_equal(daemon_wait(&first), 0);
    drop_dir(dir);
}

static void settings_decide_the_exit(void **state)
{
    (void)state;
    static const struct {
        const char *flag;
        int status;
    } rows[] = {
        {"--check-config", EX_OK},
        {"--help", EX_OK},
        {"--version", EX_OK},
        {"--colour=pink", EX_CONFIG},
        {"--http-port=70000", EX_CONFIG},
        {"--no-such", EX_CONFIG},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct daemon d = {0};
        daemon_start(&d, "/nonexistent", rows[i].flag);
        assert_int_equal(daemon_wait(&d), rows[i].status);
    }
}

UNIT_MAIN(cmocka_unit_test(busy_is_told_from_dead), cmocka_unit_test(the_control_socket_answers),
          cmocka_unit_test(a_second_one_of_the_same_name_ends), cmocka_unit_test(settings_decide_the_exit))
