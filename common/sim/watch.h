/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into the simulated world from outside, at the moment things happen.
 * Whoever watches draws nothing. */
#ifndef KESU_SIM_WATCH_H
#define KESU_SIM_WATCH_H

#include "sim.h"

struct role_user;

struct sim_sent { /* a message an instance gave to the bus */
    const struct sim_instance *from;
    const char *endpoint;
    bool by_server; /* it answers one of its peers: */
    uint64_t peer;
    struct span head;
    const struct buf *body; /* NULL: none */
};

struct sim_watch { /* any may be NULL */
    void *self;
    void (*on_commit)(void *self, const struct sim_instance *i, const char *path); /* a store's */
    void (*on_sent)(void *self, const struct sim_sent *m);
    void (*on_call)(void *self, const struct sim_mail *m); /* to be taken outside, or not */
    void (*on_taken)(void *self, const struct sim_mail *m);
    void (*on_renamed)(void *self, const struct sim_instance *i, const char *from, const char *to);
    /* Before a message is handed over: true and the instance dies of it. peer: of
     * a server, else 0. */
    bool (*on_handed)(void *self, const struct sim_instance *to, const char *endpoint, uint64_t peer,
                      struct span head);
};

void sim_set_watch(struct sim *s, const struct sim_watch *w); /* kept by the caller */
/* Mixed from all steps and all that was sent: the same run has the same. */
uint64_t sim_trace(const struct sim *s);
uint64_t sim_steps(const struct sim *s);
const char *sim_name(const struct sim_instance *i);
unsigned sim_failed_commits(const struct sim_instance *i);

/* A record of a store as it is on disk, the first with a key >= (past: >) key.
 * safe: of what a power failure at this moment cannot take. Valid until the
 * store's next commit. */
bool sim_disk_seek(struct sim *s, const char *path, const char *table, bool safe, struct span key, bool past,
                   struct span *ret_key, struct span *ret_value);

/* Bytes of a file; false: there are not so many. safe: as it was synced last. */
bool sim_disk_read(struct sim *s, const char *path, bool safe, uint64_t offset, void *ret, size_t n);

/* Servers take what it sends from now on for this user's, as if it had a key. The user is the caller's. */
void sim_set_user(struct sim_instance *i, const struct role_user *user);
/* No fault crashes or freezes it. */
void sim_spare(struct sim_instance *i);
/* A crash, and it stays away for so long. */
void sim_crash_for(struct sim_instance *i, int64_t for_us);
/* Stops it as SIGSTOP does; what comes for it waits. */
void sim_freeze(struct sim_instance *i, int64_t for_us);
int64_t sim_frozen_us(const struct sim *s);       /* of all, in all */
int64_t sim_highest_wall_us(const struct sim *s); /* the wall clock ever showed */

#endif
