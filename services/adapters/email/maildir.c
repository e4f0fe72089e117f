/* SPDX-License-Identifier: Apache-2.0 */
/* A Maildir, filled by an MTA, fetchmail or mbsync. A mail in new/ is taken and
 * then moved to cur/; a crash in between takes it again, which its identity
 * makes harmless. A few are under way at once; one that must wait stays in
 * new/ and does not hold up the others. */
#include <stdio.h>

#include "clock.h"
#include "email.h"
#include "err.h"
#include "files.h"
#include "log.h"
#include "sched.h"
#include "stats.h"

#define UNDER_WAY     64
#define LOOK_AGAIN_US USEC_PER_SEC
#define NAME_BYTES    256
#define PATH_BYTES    1024

struct slot {
    struct email_maildir *maildir;
    char name[NAME_BYTES]; /* "" = free */
};

struct email_maildir {
    struct email *email;
    char *dir, *mailbox;
    struct timer *timer;
    unsigned under_way;
    bool more;    /* the last look stopped before the end */
    bool waiting; /* a mail must wait: no new look before the timer */
    struct slot slots[UNDER_WAY];
};

static void look(struct email_maildir *m);

static void path_of(const struct email_maildir *m, const char *folder, const char *name, const char *end,
                    char ret[PATH_BYTES])
{
    snprintf(ret, PATH_BYTES, "%s/%s%s%s%s", m->dir, folder, *name ? "/" : "", name, end);
}

static void on_outcome(void *self, enum email_outcome outcome, const char *reason)
{
    struct slot *slot = self;
    struct email_maildir *m = slot->maildir;
    (void)reason;
    if (outcome == EMAIL_LATER) {
        m->waiting = true;
    } else {
        char from[PATH_BYTES], to[PATH_BYTES];
        path_of(m, "new", slot->name, "", from);
        path_of(m, "cur", slot->name, ":2,S", to);
        int rc = files_rename(m->email->env, from, to);
        if (rc < 0 && rc != E_NOT_FOUND) {
            log_error(m->email->env, "cannot move a mail to cur", LOG_ERR(rc));
            m->waiting = true;
        }
    }
    slot->name[0] = 0;
    m->under_way--;
    if (m->more && !m->waiting && m->under_way == 0) timer_set(m->email->env, m->timer, 0);
}

static bool is_under_way(const struct email_maildir *m, const char *name)
{
    for (unsigned i = 0; i < UNDER_WAY; i++)
        if (strcmp(m->slots[i].name, name) == 0) return true;
    return false;
}

static struct slot *free_slot(struct email_maildir *m)
{
    for (unsigned i = 0; i < UNDER_WAY; i++)
        if (m->slots[i].name[0] == 0) return &m->slots[i];
    return NULL;
}

/* It stays a file of the Maildir; its path goes aside. */
static void set_huge_aside(struct email_maildir *m, const char *name)
{
    struct email *e = m->email;
    char from[PATH_BYTES], to[PATH_BYTES];
    path_of(m, "new", name, "", from);
    path_of(m, "cur", name, ":2,S", to);
    int rc = email_set_aside(e->env, e->aside_dir, span_str(to),
                             "a file too large to be read, whose path this is");
    if (rc == 0) rc = files_rename(e->env, from, to);
    if (rc < 0) {
        log_error(e->env, "cannot set a mail aside", LOG_STR("name", name), LOG_ERR(rc));
        return;
    }
    stats_add(e->outcomes[EMAIL_ASIDE], 1);
    log_warn(e->env, "mail", LOG_STR("outcome", email_outcome_names[EMAIL_ASIDE]), LOG_STR("path", to));
}

static int on_name(void *self, const char *name)
{
    struct email_maildir *m = self;
    if (name[0] == '.' || strlen(name) >= NAME_BYTES || is_under_way(m, name)) return 0;
    struct slot *slot = free_slot(m);
    if (slot == NULL) {
        m->more = true;
        return 1;
    }
    struct env *env = m->email->env;
    char path[PATH_BYTES];
    path_of(m, "new", name, "", path);
    struct span raw;
    int rc = files_read_all(env, path, 2 * EMAIL_MAX_BYTES, &raw);
    if (rc == E_TOO_BIG) {
        set_huge_aside(m, name);
        return 0;
    }
    if (rc < 0) {
        if (rc != E_NOT_FOUND) log_error(env, "cannot read a mail", LOG_STR("name", name), LOG_ERR(rc));
        return 0;
    }
    snprintf(slot->name, NAME_BYTES, "%s", name);
    m->under_way++;
    email_take(m->email, raw, m->mailbox, false, on_outcome, slot);
    mem_free(&env->mem, (void *)raw.p);
    return 0;
}

static void look(struct email_maildir *m)
{
    char path[PATH_BYTES];
    path_of(m, "new", "", "", path);
    m->more = false;
    m->waiting = false;
    int rc = files_list(m->email->env, path, on_name, m);
    if (rc < 0) log_error(m->email->env, "cannot list the Maildir", LOG_STR("dir", m->dir), LOG_ERR(rc));
}

static void on_timer(void *self)
{
    struct email_maildir *m = self;
    look(m);
    int64_t wait = m->more && !m->waiting && m->under_way == 0 ? 0 : LOOK_AGAIN_US;
    timer_set(m->email->env, m->timer, clock_mono_us(m->email->env) + wait);
}

int email_maildir_open(struct email *e, const char *dir, const char *mailbox, struct email_maildir **ret)
{
    static const char *const folders[] = {"new", "cur", "tmp"};
    struct email_maildir *m = mem_zalloc(&e->env->mem, sizeof(*m));
    m->email = e;
    m->dir = mem_strdup(&e->env->mem, dir);
    m->mailbox = mem_strdup(&e->env->mem, mailbox);
    for (unsigned i = 0; i < UNDER_WAY; i++) m->slots[i].maildir = m;
    for (unsigned i = 0; i < 3; i++) {
        char path[PATH_BYTES];
        path_of(m, folders[i], "", "", path);
        int rc = files_mkdir(e->env, path);
        if (rc < 0) {
            email_maildir_close(m);
            return rc;
        }
    }
    m->timer = timer_new(e->env, on_timer, m);
    timer_set(e->env, m->timer, 0);
    *ret = m;
    return 0;
}

void email_maildir_close(struct email_maildir *m)
{
    if (m == NULL) return;
    struct env *env = m->email->env;
    timer_free(env, m->timer);
    mem_free(&env->mem, m->dir);
    mem_free(&env->mem, m->mailbox);
    mem_free(&env->mem, m);
}
