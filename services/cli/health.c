// SPDX-License-Identifier: Apache-2.0
// Is a daemon of this machine ready? Asked over HTTP, as a container's health
// check does, so that no other program is needed in its image.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli.h"
#include "clock.h"

enum { ANSWER_BYTES = 4096 };

static bool parse_port(const char *text, uint16_t *ret)
{
    char *end = NULL;
    long port = strtol(text, &end, 10);
    if (end == text || (*end != '\0' && *end != '\n') || port < 1 || port > 65535) return false;
    *ret = (uint16_t)port;
    return true;
}

static int find_port(struct cli *c, uint16_t *ret)
{
    const char *variable = getenv("KESU_HTTP_PORT");
    if (c->n_args == 0) {
        if (variable != NULL && parse_port(variable, ret)) return 0;
        return cli_fail(c, CLI_USAGE, "name a daemon, or set KESU_HTTP_PORT to its port");
    }
    char *path = arena_printf(&c->arena, "%s/%s.port", c->run_dir, c->args[0]), text[16] = "";
    FILE *f = path != NULL ? fopen(path, "r") : NULL;
    bool ok = f != NULL && fgets(text, sizeof text, f) != NULL && parse_port(text, ret);
    if (f != NULL) (void)fclose(f);
    return ok ? 0 : cli_fail(c, CLI_UNAVAILABLE, "%s says no port", path);
}

// Until the other side closes, the answer is full, or the time is over.
static size_t receive(struct cli *c, int fd, char ret[ANSWER_BYTES])
{
    int64_t end = clock_mono_us(cli_env(c)) + c->timeout_us;
    size_t n = 0;
    while (n < ANSWER_BYTES - 1) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = end - clock_mono_us(cli_env(c));
        if (left <= 0 || poll(&p, 1, (int)(left / USEC_PER_MS) + 1) <= 0) break;
        ssize_t more = recv(fd, ret + n, ANSWER_BYTES - 1 - n, 0);
        if (more <= 0) break;
        n += (size_t)more;
    }
    ret[n] = '\0';
    return n;
}

static size_t ask(struct cli *c, uint16_t port, char ret[ANSWER_BYTES])
{
    static const char request[] = "GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n";
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    a.sin_port = htons(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t n = 0;
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
        send(fd, request, sizeof request - 1, MSG_NOSIGNAL) == (ssize_t)(sizeof request - 1))
        n = receive(c, fd, ret);
    if (fd >= 0) close(fd);
    return n;
}

int cli_health(struct cli *c)
{
    char answer[ANSWER_BYTES];
    uint16_t port = 0;
    int http = 0, status = find_port(c, &port);
    if (status != 0) return status;
    const char *name = c->n_args > 0 ? c->args[0] : "the daemon", *body = NULL;
    if (ask(c, port, answer) > 0 && sscanf(answer, "HTTP/1.%*1[01] %d", &http) == 1)
        body = strstr(answer, "\r\n\r\n");
    if (body == NULL) return cli_fail(c, CLI_UNAVAILABLE, "%s does not answer on port %u", name, port);
    fputs(body + 4, stdout);
    return http == 200 ? CLI_OK : CLI_NO;
}
