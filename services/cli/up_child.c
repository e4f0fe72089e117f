// SPDX-License-Identifier: Apache-2.0
// One child of `kesu up`: started in a process group of its own, so that a
// Ctrl-C reaches us alone; its output comes through a pipe, prefixed line by
// line; when it dies it starts again after 0.25 s, 0.5 s ... 10 s.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "up.h"

enum { FIRST_PAUSE_MS = 250, LONGEST_PAUSE_MS = 10000, STEADY_MS = 10000 };

int64_t up_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void up_say(const struct up *u, const char *format, ...)
{
    va_list args;
    printf(u->color ? "\033[1m%-*s |\033[0m " : "%-*s | ", (int)u->name_width, "kesu");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

struct up_child *up_child_add(struct up *u, const char *name, unsigned stop_order)
{
    CHECK(u->n_children < UP_MAX_CHILDREN);
    struct up_child *k = mem_zalloc(&mem_libc, sizeof *k);
    k->name = name;
    k->fd = -1;
    k->stop_order = stop_order;
    k->color = 31 + u->n_children % 6;
    if (strlen(name) > u->name_width) u->name_width = strlen(name);
    u->children[u->n_children++] = k;
    return k;
}

void up_child_arg(struct up_child *k, const char *arg)
{
    CHECK(k->n_args < UP_MAX_ARGS);
    k->args[k->n_args++] = arg;
}

// A mount namespace with a /run and a mail queue of its own: beside an
// OpenSMTPD of the system ours would find its control socket taken. Where the
// kernel does not allow it (a container) there is none beside us either.
static void isolate(const struct up_child *k)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return;
    bool ok = mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m") == 0 &&
              mount(k->queue, "/var/spool/smtpd", NULL, MS_BIND, NULL) == 0;
    if (!ok) fprintf(stderr, "no mounts of its own: %s\n", strerror(errno));
}

_Noreturn static void become(const struct up_child *k, int out, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(CLI_INTERNAL);
    int null = open("/dev/null", O_RDONLY);
    if (k->log != NULL) out = open(k->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    if (k->queue != NULL) isolate(k);
    execv(k->args[0], (char *const *)(uintptr_t)k->args);
    fprintf(stderr, "cannot run %s: %s\n", k->args[0], strerror(errno));
    _exit(127);
}

void up_child_start(struct up *u, struct up_child *k)
{
    int fds[2];
    pid_t parent = getpid();
    fflush(stdout);
    if (pipe2(fds, O_CLOEXEC) != 0) {
        k->start_at_ms = up_now_ms() + LONGEST_PAUSE_MS;
        return;
    }
    k->pid = fork();
    if (k->pid == 0) become(k, fds[1], parent);
    close(fds[1]);
    if (k->pid < 0) {
        close(fds[0]);
        k->pid = 0;
        k->start_at_ms = up_now_ms() + LONGEST_PAUSE_MS;
        up_say(u, "%s cannot be started: %s", k->name, strerror(errno));
        return;
    }
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    if (k->fd >= 0) close(k->fd);
    k->fd = fds[0];
    k->n_line = 0;
    k->ended = false;
    k->started_ms = up_now_ms();
}

static void print_line(const struct up *u, const struct up_child *k)
{
    if (u->color)
        printf("\033[%um%-*s |\033[0m ", k->color, (int)u->name_width, k->name);
    else
        printf("%-*s | ", (int)u->name_width, k->name);
    fwrite(k->line, 1, k->n_line, stdout);
    putchar('\n');
}

void up_child_read(struct up *u, struct up_child *k)
{
    char piece[4096];
    ssize_t n = -1;
    // Not for ever: the others have something to say too.
    for (int turn = 0; turn < 64 && k->fd >= 0 && (n = read(k->fd, piece, sizeof piece)) > 0; turn++)
        for (ssize_t i = 0; i < n; i++) {
            bool end = piece[i] == '\n';
            if (!end) k->line[k->n_line++] = piece[i];
            if (!end && k->n_line < sizeof k->line) continue;
            print_line(u, k);
            k->n_line = 0;
        }
    if (k->fd >= 0 && n == 0) {
        if (k->n_line > 0) print_line(u, k);
        k->n_line = 0;
        close(k->fd);
        k->fd = -1;
    }
    fflush(stdout);
}

const char *up_child_end_text(const struct up_child *k, char ret[CLI_TEXT])
{
    if (WIFSIGNALED(k->status))
        snprintf(ret, CLI_TEXT, "was killed by signal %d (%s)", WTERMSIG(k->status),
                 strsignal(WTERMSIG(k->status)));
    else
        snprintf(ret, CLI_TEXT, "ended with status %d", WEXITSTATUS(k->status));
    return ret;
}

void up_child_ended(struct up *u, struct up_child *k, int status)
{
    char text[CLI_TEXT];
    up_child_read(u, k);
    k->pid = 0;
    k->status = status;
    k->ended = true;
    if (u->stopping || k->once) return;
    int64_t now = up_now_ms();
    if (now - k->started_ms > STEADY_MS) k->failures = 0;
    int64_t pause = (int64_t)FIRST_PAUSE_MS << (k->failures < 6 ? k->failures : 6);
    if (pause > LONGEST_PAUSE_MS) pause = LONGEST_PAUSE_MS;
    k->failures++;
    k->start_at_ms = now + pause;
    up_say(u, "%s %s; again in %.2f s", k->name, up_child_end_text(k, text), (double)pause / 1000);
}
