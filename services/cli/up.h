/* SPDX-License-Identifier: Apache-2.0 */
/* `kesu up`: what its files share. */
#ifndef KESU_CLI_UP_H
#define KESU_CLI_UP_H

#include <sys/types.h>

#include "cli.h"

#define UP_MAX_CHILDREN 80
#define UP_MAX_ARGS     24

/* A program kept running. */
struct up_child {
    const char *name; /* prefix of its lines */
    const char *args[UP_MAX_ARGS + 1];
    unsigned n_args;
    unsigned stop_order; /* smaller stop first, together */
    const char *queue;   /* OpenSMTPD: runs in mounts of its own, with this as its queue; NULL: no */
    const char *log;     /* file for its output, NULL: shown here */
    bool once;           /* not started again: its end is the answer */
    pid_t pid;           /* 0: not running */
    int fd;              /* its output, -1: none */
    unsigned color;
    unsigned failures; /* ends since it last ran for a while */
    int64_t started_ms, start_at_ms;
    int status; /* of waitpid, when it ended */
    bool ended;
    size_t n_line;
    char line[4096];
};

struct up {
    struct cli *c;
    struct up_child *children[UP_MAX_CHILDREN];
    unsigned n_children;
    size_t name_width;
    bool color, stopping;
    char *bin; /* directory of the programs */
};

/* up_child.c */
int64_t up_now_ms(void);
struct up_child *up_child_add(struct up *u, const char *name, unsigned stop_order);
void up_child_arg(struct up_child *k, const char *arg);
void up_child_start(struct up *u, struct up_child *k);
void up_child_read(struct up *u, struct up_child *k); /* what it has written, line by line */
void up_child_ended(struct up *u, struct up_child *k, int status);
void up_say(const struct up *u, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *up_child_end_text(const struct up_child *k, char ret[CLI_TEXT]);

/* up_mail.c: the Maildirs, and an SMTP server of our own. */
struct up_mail {
    const char *incoming; /* Maildir the email adapter takes from */
    const char *sent;     /* Maildir outgoing mail ends in */
    const char *smtp_url; /* NULL: straight into sent */
    const char *queue;    /* of OpenSMTPD */
    const char *log;      /* where OpenSMTPD writes what it does */
    const char *config;   /* of OpenSMTPD, NULL: none of ours */
    int port;
};
/* 0 or an exit status after saying why. */
int up_mail_prepare(struct up *u, bool own_server, struct up_mail *ret);
/* Does the server greet? */
bool up_mail_answers(int port);

#endif
