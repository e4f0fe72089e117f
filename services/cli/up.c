// SPDX-License-Identifier: Apache-2.0
// All daemons as children of one process: start, show their logs, start again
// what dies, stop in order. Ends by a signal, or by the end of the demo.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "check.h"
#include "up.h"

enum { STOP_MS = 15000, SMTP_START_MS = 10000, ORDERS = 4, NO_PROGRAM = 127 };

static const char *find_policy(struct up *u)
{
    struct cli *c = u->c;
    if (cli_flag(c, "policy-dir") != NULL) return cli_flag(c, "policy-dir");
    for (unsigned i = 0; i < 2; i++) {
        char *org = arena_printf(
            &c->arena, i == 0 ? "%s/../../../deploy/policy/org.yaml" : "%s/../share/kesu/policy/org.yaml",
            u->bin);
        if (access(org, R_OK) != 0) continue;
        org[strlen(org) - strlen("/org.yaml")] = '\0';
        return org;
    }
    return NULL;
}

static int find_programs(struct up *u)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0) return cli_fail(u->c, CLI_INTERNAL, "cannot find the program's own directory");
    path[n] = '\0';
    char *slash = strrchr(path, '/');
    *slash = '\0';
    u->bin = arena_strdup(&u->c->arena, path);
    return 0;
}

static struct up_child *add_program(struct up *u, const char *name, const char *program, unsigned stop_order)
{
    struct cli *c = u->c;
    struct up_child *k = up_child_add(u, name, stop_order);
    up_child_arg(k, arena_printf(&c->arena, "%s/%s", u->bin, program));
    up_child_arg(k, "--run-dir");
    up_child_arg(k, c->run_dir);
    up_child_arg(k, "--data-dir");
    up_child_arg(k, c->data_dir);
    if (cli_switch(c, "demo") && strcmp(name, "demo") != 0) {
        up_child_arg(k, "--log-level");
        up_child_arg(k, "warn");
    }
    return k;
}

static void add_notification(struct up *u, const struct up_mail *mail)
{
    struct up_child *k = add_program(u, "notification", "kesu-notification", 1);
    up_child_arg(k, "--smtp-url");
    up_child_arg(k, mail->smtp_url != NULL ? mail->smtp_url : "");
    up_child_arg(k, "--maildir");
    up_child_arg(k, mail->sent);
    if (mail->smtp_url != NULL) return;
    up_child_arg(k, "--max-in-flight"); /* a Maildir forgets none, and each commit serves so many */
    up_child_arg(k, "64");
}

static void add_demo(struct up *u, const struct up_mail *mail)
{
    struct cli *c = u->c;
    bool terminal = isatty(STDOUT_FILENO) == 1;
    struct up_child *k = add_program(u, "demo", "kesu", 0);
    k->once = true;
    up_child_arg(k, "demo");
    up_child_arg(k, "--follow");
    up_child_arg(k, "--complaints");
    up_child_arg(k, terminal ? "0" : cli_flag(c, "complaints"));
    up_child_arg(k, "--rate");
    up_child_arg(k, terminal ? cli_flag(c, "rate") : "20");
    up_child_arg(k, "--limit");
    up_child_arg(k, cli_flag(c, "limit"));
    up_child_arg(k, "--incoming");
    up_child_arg(k, mail->incoming);
    if (cli_flag(c, "smtp-url") == NULL) {
        up_child_arg(k, "--maildir");
        up_child_arg(k, mail->sent);
    }
}

static int add_children(struct up *u, const struct up_mail *mail)
{
    struct cli *c = u->c;
    int64_t workers = 0;
    int status = cli_flag_int(c, "workers", 1, 64, &workers);
    if (status != 0) return status;
    const char *policy = find_policy(u);
    if (policy == NULL)
        return cli_fail(c, CLI_NO_INPUT, "no policy beside the program; give one with --policy-dir");
    struct up_child *intake = add_program(u, "intake", "kesu-intake", 2);
    up_child_arg(intake, "--policy-dir");
    up_child_arg(intake, policy);
    add_program(u, "routing", "kesu-routing", 1);
    for (int64_t i = 1; i <= workers; i++) {
        char *name = arena_printf(&c->arena, "worker-%d", (int)i);
        struct up_child *k = add_program(u, name, "kesu-routing-worker", 0);
        up_child_arg(k, "--instance");
        up_child_arg(k, name);
    }
    add_program(u, "sla-watch", "kesu-sla-watch", 1);
    add_notification(u, mail);
    add_program(u, "analytics", "kesu-analytics", 1);
    struct up_child *email = add_program(u, "email", "kesu-email", 0);
    up_child_arg(email, "--maildirs");
    up_child_arg(email, arena_printf(&c->arena, "%s=%s", cli_flag(c, "mailbox"), mail->incoming));
    if (cli_switch(c, "demo")) add_demo(u, mail);
    return 0;
}

static struct up_child *find_pid(struct up *u, pid_t pid)
{
    for (unsigned i = 0; i < u->n_children; i++)
        if (u->children[i]->pid == pid) return u->children[i];
    return NULL;
}

static void reap(struct up *u)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        struct up_child *k = find_pid(u, pid);
        if (k != NULL) up_child_ended(u, k, status);
    }
}

// Waits for output, ends and signals until a time; true when asked to stop.
static bool wait_until(struct up *u, int signals, int64_t until_ms)
{
    struct pollfd fds[UP_MAX_CHILDREN + 1];
    unsigned n = 0;
    int64_t left = until_ms - up_now_ms();
    bool stop = false;
    for (unsigned i = 0; i < u->n_children; i++)
        fds[n++] = (struct pollfd){.fd = u->children[i]->fd, .events = POLLIN};
    fds[n++] = (struct pollfd){.fd = signals, .events = POLLIN};
    if (poll(fds, n, left < 0 ? 0 : left > 1000 ? 1000 : (int)left) < 0 && errno != EINTR) return true;
    for (unsigned i = 0; i < u->n_children; i++)
        if (fds[i].revents != 0) up_child_read(u, u->children[i]);
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo != SIGCHLD) stop = true;
    reap(u);
    return stop;
}

static bool any_runs(const struct up *u, unsigned order)
{
    for (unsigned i = 0; i < u->n_children; i++)
        if (u->children[i]->pid != 0 && u->children[i]->stop_order == order) return true;
    return false;
}

static void signal_order(const struct up *u, unsigned order, int signal)
{
    for (unsigned i = 0; i < u->n_children; i++)
        if (u->children[i]->pid != 0 && u->children[i]->stop_order == order)
            kill(u->children[i]->pid, signal);
}

// Who takes in first, the folds next, intake after them, the mail server last.
static void stop_all(struct up *u, int signals)
{
    u->stopping = true;
    for (unsigned order = 0; order < ORDERS; order++) {
        int64_t end = up_now_ms() + STOP_MS;
        signal_order(u, order, SIGTERM);
        while (any_runs(u, order) && up_now_ms() < end) wait_until(u, signals, end);
        if (!any_runs(u, order)) continue;
        up_say(u, "some did not stop when asked; they are killed");
        signal_order(u, order, SIGKILL);
        while (any_runs(u, order)) wait_until(u, signals, up_now_ms() + 100);
    }
}

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

// The mail server must greet before anybody sends; without it mail goes
// straight into the Maildir.
static bool start_smtpd(struct up *u, struct up_mail *mail, int signals, bool *ret_stop)
{
    struct up_child *k = up_child_add(u, "smtpd", 3);
    up_child_arg(k, "/usr/sbin/smtpd");
    up_child_arg(k, "-d");
    up_child_arg(k, "-f");
    up_child_arg(k, mail->config);
    k->queue = mail->queue;
    k->log = mail->log;
    k->once = true; // until it has greeted
    up_child_start(u, k);
    int64_t end = up_now_ms() + SMTP_START_MS;
    while (!k->ended && up_now_ms() < end && !*ret_stop) {
        if (up_mail_answers(mail->port)) {
            k->once = false;
            return true;
        }
        *ret_stop = wait_until(u, signals, up_now_ms() + 100);
    }
    return false;
}

static void start_due(struct up *u)
{
    for (unsigned i = 0; i < u->n_children; i++) {
        struct up_child *k = u->children[i];
        if (k->pid == 0 && !(k->once && k->ended) && up_now_ms() >= k->start_at_ms) up_child_start(u, k);
    }
}

static int64_t next_start(const struct up *u)
{
    int64_t next = up_now_ms() + 1000;
    for (unsigned i = 0; i < u->n_children; i++) {
        const struct up_child *k = u->children[i];
        if (k->pid == 0 && !(k->once && k->ended) && k->start_at_ms < next) next = k->start_at_ms;
    }
    return next;
}

static const struct up_child *ended_demo(const struct up *u)
{
    for (unsigned i = 0; i < u->n_children; i++)
        if (u->children[i]->once && u->children[i]->ended && strcmp(u->children[i]->name, "demo") == 0)
            return u->children[i];
    return NULL;
}

// Wrong settings do not get better by starting again.
static const struct up_child *misconfigured(const struct up *u)
{
    for (unsigned i = 0; i < u->n_children; i++) {
        const struct up_child *k = u->children[i];
        int status = k->ended && WIFEXITED(k->status) ? WEXITSTATUS(k->status) : 0;
        if (status == EX_CONFIG || status == EX_USAGE || status == NO_PROGRAM) return k;
    }
    return NULL;
}

static int watch(struct up *u, int signals)
{
    bool stop = false;
    while (!stop && ended_demo(u) == NULL) {
        const struct up_child *bad = misconfigured(u);
        if (bad != NULL) {
            stop_all(u, signals);
            return cli_fail(u->c, CLI_INTERNAL, "%s cannot run as it was started, see above", bad->name);
        }
        start_due(u);
        stop = wait_until(u, signals, next_start(u));
    }
    const struct up_child *demo = ended_demo(u);
    up_say(u, demo != NULL ? "the demo is over, stopping" : "stopping");
    stop_all(u, signals);
    if (demo == NULL) return CLI_OK;
    return WIFEXITED(demo->status) ? WEXITSTATUS(demo->status) : CLI_INTERNAL;
}

static int run(struct up *u, int signals)
{
    struct cli *c = u->c;
    struct up_mail mail;
    bool stop = false;
    int status = find_programs(u);
    if (status == 0) status = up_mail_prepare(u, cli_switch(c, "demo"), &mail);
    if (status != 0) return status;
    if (mail.config != NULL && !start_smtpd(u, &mail, signals, &stop) && !stop)
        return cli_fail(c, CLI_UNAVAILABLE, "OpenSMTPD did not start on 127.0.0.1:%d; see %s", mail.port,
                        mail.log);
    if (!stop) status = add_children(u, &mail);
    if (status == 0 && !stop) {
        up_say(u, "data in %s, sockets in %s, outgoing mail %s %s", c->data_dir, c->run_dir,
               mail.smtp_url != NULL ? "through" : "into", mail.smtp_url != NULL ? mail.smtp_url : mail.sent);
        return watch(u, signals);
    }
    return status;
}

int cli_up(struct cli *c)
{
    struct up u = {.c = c, .color = isatty(STDOUT_FILENO) == 1, .name_width = strlen("notification")};
    int signals = open_signals();
    if (signals < 0) return cli_fail(c, CLI_INTERNAL, "no signal descriptor");
    int status = run(&u, signals);
    stop_all(&u, signals);
    for (unsigned i = 0; i < u.n_children; i++) {
        if (u.children[i]->fd >= 0) close(u.children[i]->fd);
        mem_free(&mem_libc, u.children[i]);
    }
    close(signals);
    return status;
}
