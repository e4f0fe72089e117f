// SPDX-License-Identifier: Apache-2.0
// Mail for `kesu up`: a Maildir in, a Maildir out, and, as root, OpenSMTPD on a
// loopback port that delivers into the latter as nobody.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "up.h"

#define SMTPD "/usr/sbin/smtpd"

static int make_dir(struct cli *c, const char *path, mode_t mode)
{
    if (mkdir(path, mode) == 0 || errno == EEXIST) return 0;
    return cli_fail(c, CLI_CANNOT_CREATE, "cannot make %s: %s", path, strerror(errno));
}

static int make_maildir(struct cli *c, const char *path)
{
    static const char *const parts[] = {"", "/new", "/cur", "/tmp"};
    int status = 0;
    for (unsigned i = 0; i < 4 && status == 0; i++)
        status = make_dir(c, arena_printf(&c->arena, "%s%s", path, parts[i]), 0700);
    return status;
}

// Can everybody pass through each directory on the way to path?
static bool is_reachable(const char *path)
{
    char *real = realpath(path, NULL);
    bool ok = real != NULL;
    for (char *slash = real; ok && slash != NULL; slash = strchr(slash + 1, '/')) {
        char kept = slash[1];
        struct stat st;
        slash[1] = '\0';
        ok = stat(real, &st) == 0 && (st.st_mode & S_IXOTH) != 0;
        slash[1] = kept;
    }
    struct stat last;
    ok = ok && stat(real, &last) == 0 && (last.st_mode & S_IXOTH) != 0;
    free(real);
    return ok;
}

// Where nobody can deliver: in the data directory, or, when that lies behind a
// closed directory, a fresh one for which a link stands there.
static int make_public_maildir(struct cli *c, const char *mail, const char *sent)
{
    const struct passwd *nobody = getpwnam("nobody");
    char fresh[] = "/var/tmp/kesu-mail-XXXXXX";
    struct stat st;
    if (nobody == NULL) return cli_fail(c, CLI_INTERNAL, "there is no user nobody");
    if (stat(sent, &st) == 0) return 0; // of an earlier start
    chmod(mail, 0711);
    if (is_reachable(mail)) {
        int status = make_dir(c, sent, 0700);
        if (status == 0 && chown(sent, nobody->pw_uid, nobody->pw_gid) != 0)
            status = cli_fail(c, CLI_CANNOT_CREATE, "cannot give %s to nobody: %s", sent, strerror(errno));
        return status;
    }
    unlink(sent); // a link to what is gone
    if (mkdtemp(fresh) == NULL || chown(fresh, nobody->pw_uid, nobody->pw_gid) != 0 ||
        symlink(fresh, sent) != 0)
        return cli_fail(c, CLI_CANNOT_CREATE, "cannot make %s: %s", sent, strerror(errno));
    return 0;
}

static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port = 0;
    if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
        getsockname(fd, (struct sockaddr *)&a, &n) == 0)
        port = ntohs(a.sin_port);
    if (fd >= 0) close(fd);
    return port;
}

bool up_mail_answers(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char greeting[4] = "";
    a.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0 && poll(&p, 1, 1000) > 0 &&
              read(fd, greeting, 3) == 3 && strcmp(greeting, "220") == 0;
    if (fd >= 0) close(fd);
    return ok;
}

static int write_config(struct cli *c, const char *path, int port, const char *maildir)
{
    FILE *f = fopen(path, "w");
    if (f == NULL) return cli_fail(c, CLI_CANNOT_CREATE, "cannot write %s: %s", path, strerror(errno));
    fprintf(f,
            "# Made by kesu up: every mail goes into one Maildir.\n"
            "table all { \"@\" = \"nobody\" }\n"
            "listen on 127.0.0.1 port %d hostname localhost\n"
            "action keep maildir \"%s\" user nobody virtual <all>\n"
            "match from any for any action keep\n",
            port, maildir);
    bool ok = !ferror(f);
    if (fclose(f) != 0) ok = false;
    return ok ? 0 : cli_fail(c, CLI_CANNOT_CREATE, "cannot write %s", path);
}

int up_mail_prepare(struct up *u, bool own_server, struct up_mail *ret)
{
    struct cli *c = u->c;
    char *mail = arena_printf(&c->arena, "%s/mail", c->data_dir);
    char *incoming = arena_printf(&c->arena, "%s/incoming", mail),
         *sent = arena_printf(&c->arena, "%s/sent", mail);
    int status = make_dir(c, c->data_dir, 0711);
    if (status == 0) status = make_dir(c, mail, 0711);
    if (status == 0) status = make_maildir(c, incoming);
    if (status != 0) return status;
    *ret = (struct up_mail){.incoming = incoming, .sent = sent, .smtp_url = cli_flag(c, "smtp-url")};
    if (ret->smtp_url != NULL) return 0;
    const char *why = geteuid() != 0             ? "only root can run OpenSMTPD"
                      : access(SMTPD, X_OK) != 0 ? SMTPD " is not installed"
                                                 : NULL;
    if (!own_server || why != NULL) {
        if (own_server) up_say(u, "%s: outgoing mail goes straight to %s", why, sent);
        return make_maildir(c, sent);
    }
    chmod(c->data_dir, 0711);
    status = make_public_maildir(c, mail, sent);
    char *real = status == 0 ? realpath(sent, NULL) : NULL;
    if (status != 0) return status;
    ret->port = free_port();
    ret->log = arena_printf(&c->arena, "%s/smtpd.log", mail);
    char *queue = arena_printf(&c->arena, "%s/queue", mail);
    status = make_dir(c, queue, 0711);
    char *absolute = realpath(queue, NULL);
    ret->queue = absolute != NULL ? arena_strdup(&c->arena, absolute) : NULL;
    free(absolute);
    ret->config = arena_printf(&c->arena, "%s/smtpd.conf", mail);
    ret->smtp_url = arena_printf(&c->arena, "smtp://127.0.0.1:%d", ret->port);
    if (status == 0) status = write_config(c, ret->config, ret->port, real);
    free(real);
    return status;
}
