/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the simulated world: what its files share. */
#ifndef KESU_SIM_WORLD_H
#define KESU_SIM_WORLD_H

#include <setjmp.h>

#include "../bus.h"
#include "../clock.h"
#include "../files.h"
#include "../http.h"
#include "../mail.h"
#include "../sched.h"
#include "../store.h"
#include "sim.h"
#include "watch.h"

/* Something that happens at a time. Of an instance: dropped with its crash,
 * and a turn of it; of the world (instance NULL): always. */
struct sim_event {
    int64_t due_us;
    uint64_t order; /* among those due at once */
    struct sim_instance *instance;
    unsigned boot;
    bool dead;
    void (*run)(void *self);
    void *self;
};

struct sim_disk_store;
struct sim_disk_entry;
struct sim_bus_link;
struct sim_port_call;

struct sim {
    uint64_t random, fault_random; /* states of two streams */
    uint64_t serial;
    uint64_t trace, steps;
    const struct sim_watch *watch; /* NULL: nobody */
    int64_t now_us, wall_offset_us, highest_wall_us, frozen_us;
    struct sim_faults faults;
    uint64_t counts[SIM_N_FAULTS];
    uint32_t fires, *fired;
    unsigned n_fired, n_only;
    const uint32_t *only; /* NULL: all */
    struct sim_event **heap;
    size_t n_heap, heap_size;
    struct sim_instance *instances; /* newest first */
    unsigned n_instances;
    struct sim_instance *running; /* inside its code */
    jmp_buf crash;
    uint64_t free_bytes;
    /* bus */
    uint64_t last_peer;
    struct bus_server *servers;
    struct bus_client *clients;
    struct bus_publisher *publishers;
    struct bus_subscriber *subscribers;
    struct sim_bus_link *links;
    struct sim_bus_message *in_hand;
    /* disk */
    struct sim_disk_store *stores;
    struct sim_disk_entry **entries; /* sorted by path */
    size_t n_entries, entries_size;
    /* outside */
    struct sim_port_call *calls;
    struct sim_mail *mails;
    unsigned n_mails;
    size_t mails_size;
};

struct sim_block;

struct sim_instance {
    struct env env;
    struct sim *sim;
    struct sim_instance *next;
    char *name;
    char *last_words;
    void (*on_boot)(void *self, struct env *env);
    void (*on_stop)(void *self, struct env *env);
    void *self;
    unsigned boot; /* from 1; raised by each start */
    unsigned failed_commits;
    int64_t frozen_until_us;
    int64_t away_us; /* at least, after the next crash */
    bool spared;
    const struct role_user *user; /* who it is to servers; NULL: nobody asks */
    bool up, stopping, woken;
    bool ending;              /* its turn: a timer that is set needs no other turn */
    struct sim_block *blocks; /* of the allocator */
    struct sim_event *turn_end;
    struct timer *timers;
    struct turn_hook *hooks, *hooks_last;
    struct lane *lanes;
    struct store *stores;
    struct file *files;
};

/* What lives outside an instance's allocator: never NULL, zeroed. */
void *sim_alloc(size_t n);
char *sim_copy_text(const char *s); /* NULL of NULL */

static inline struct sim_instance *sim_of(struct env *env)
{
    return (struct sim_instance *)env->mem.self;
}

struct sim_event *sim_at(struct sim *s, struct sim_instance *i, int64_t due_us, void (*run)(void *self),
                         void *self);
void sim_cancel(struct sim_event **p); /* accepts NULL inside, sets it */
/* The next number of a stream. */
uint64_t sim_mix(uint64_t *state);
/* Something that belongs to the run. */
void sim_trace_add(struct sim *s, uint64_t x);
/* Draws the chance; counts it when it fires. */
bool sim_fault(struct sim *s, unsigned fault);
/* A turn's end will come. */
void sim_touch(struct sim_instance *i);
/* The running instance crashes here and now: does not return when code of an
 * instance is running, does nothing else (the test program is). */
void sim_crash_here(struct sim *s);

extern const struct clock_ops sim_clock_ops;
extern const struct sched_ops sim_sched_ops;
extern const struct bus_ops sim_bus_ops;
extern const struct store_ops sim_store_ops;
extern const struct files_ops sim_files_ops;
extern const struct mail_ops sim_mail_ops;
extern const struct http_ops sim_http_ops;

void sim_sched_run_hooks(struct sim_instance *i);

/* Take what an instance had from the world. */
void sim_sched_drop(struct sim_instance *i);
void sim_bus_drop(struct sim_instance *i);
void sim_store_drop(struct sim_instance *i, bool power);
void sim_files_drop(struct sim_instance *i, bool power);
void sim_ports_drop(struct sim_instance *i);
void sim_store_free_all(struct sim *s);
void sim_files_free_all(struct sim *s);
void sim_ports_free_all(struct sim *s);

/* The directory of a store stands among the files. */
void sim_files_add_dir(struct sim *s, const char *path);
void sim_files_remove_dir(struct sim *s, const char *path);
/* "./a//b/" and "a/b" are one. To be freed with free. */
char *sim_files_path(const char *path);

#endif
