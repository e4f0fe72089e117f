/* SPDX-License-Identifier: Apache-2.0 */
/* The world: a heap of events in virtual time, instances that boot and crash.
 *
 * A step takes the earliest event (ties by the seed), sets the time to it and
 * runs it inside its instance. An instance's code may crash anywhere inside
 * (a commit, env_die): it is left by longjmp and everything it had is dropped. */
#include <stdio.h>
#include <stdlib.h>

#include "../check.h"
#include "../stats.h"
#include "world.h"

#define FREEZE_MAX_US (20 * USEC_PER_SEC)

/* ---- memory ---------------------------------------------------------------- */

struct sim_block {
    struct sim_block *next, *previous;
    struct sim_instance *owner;
    size_t n;
    max_align_t p[];
};

void *sim_alloc(size_t n)
{
    void *p = calloc(1, n > 0 ? n : 1);
    CHECK(p != NULL);
    return p;
}

char *sim_copy_text(const char *s)
{
    if (s == NULL) return NULL;
    char *copy = strdup(s);
    CHECK(copy != NULL);
    return copy;
}

static void block_unlink(struct sim_block *b)
{
    if (b->next != NULL) b->next->previous = b->previous;
    if (b->previous != NULL)
        b->previous->next = b->next;
    else
        b->owner->blocks = b->next;
}

static void *instance_realloc(void *self, void *p, size_t n)
{
    struct sim_instance *i = (struct sim_instance *)self;
    struct sim_block *b = p != NULL ? (struct sim_block *)((char *)p - offsetof(struct sim_block, p)) : NULL;
    if (b != NULL) {
        CHECK(b->owner == i); /* memory of another instance, or freed twice */
        block_unlink(b);
    }
    if (n == 0) {
        if (b != NULL) b->owner = NULL;
        free(b);
        return NULL;
    }
    b = realloc(b, sizeof *b + n);
    CHECK(b != NULL);
    *b = (struct sim_block){.next = i->blocks, .owner = i, .n = n};
    if (i->blocks != NULL) i->blocks->previous = b;
    i->blocks = b;
    return b->p;
}

static void free_blocks(struct sim_instance *i)
{
    while (i->blocks != NULL) {
        struct sim_block *b = i->blocks;
        i->blocks = b->next;
        free(b);
    }
}

/* ---- chance ---------------------------------------------------------------- */

uint64_t sim_mix(uint64_t *state)
{
    uint64_t x = (*state += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 */
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t sim_random(struct sim *s, uint64_t below)
{
    return below > 0 ? sim_mix(&s->random) % below : 0;
}

void sim_trace_add(struct sim *s, uint64_t x)
{
    s->trace = (s->trace ^ x) * UINT64_C(0x9e3779b97f4a7c15);
    s->trace ^= s->trace >> 32;
}

/* ---- events ---------------------------------------------------------------- */

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
    if (a->due_us != b->due_us) return a->due_us < b->due_us;
    return a->order < b->order;
}

static void sift_up(struct sim *s, size_t at, struct sim_event *e)
{
    while (at > 0 && is_before(e, s->heap[(at - 1) / 2])) {
        s->heap[at] = s->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    s->heap[at] = e;
}

/* Throws out what was cancelled before it makes the heap larger. */
static void make_room(struct sim *s)
{
    size_t n = s->n_heap, kept = 0;
    for (size_t i = 0; i < n; i++) {
        struct sim_event *e = s->heap[i];
        if (e->dead) /* nobody points to it */
            free(e);
        else
            sift_up(s, kept++, e);
    }
    s->n_heap = kept;
    if (kept < s->heap_size / 2) return;
    s->heap_size = s->heap_size > 0 ? 2 * s->heap_size : 64;
    s->heap = (struct sim_event **)realloc((void *)s->heap, s->heap_size * sizeof(struct sim_event *));
    CHECK(s->heap != NULL);
}

struct sim_event *sim_at(struct sim *s, struct sim_instance *i, int64_t due_us, void (*run)(void *self),
                         void *self)
{
    struct sim_event *e = (struct sim_event *)sim_alloc(sizeof *e);
    /* The serial makes each order different from all others. */
    uint64_t order = (sim_random(s, UINT64_C(1) << 24) << 40) | (++s->serial & ((UINT64_C(1) << 40) - 1));
    *e = (struct sim_event){
        due_us < s->now_us ? s->now_us : due_us, order, i, i != NULL ? i->boot : 0, false, run, self};
    if (s->n_heap == s->heap_size) make_room(s);
    sift_up(s, s->n_heap++, e);
    return e;
}

void sim_cancel(struct sim_event **p)
{
    if (*p != NULL) (*p)->dead = true;
    *p = NULL;
}

static struct sim_event *pop(struct sim *s)
{
    struct sim_event *top = s->heap[0], *last = s->heap[--s->n_heap];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= s->n_heap) break;
        if (child + 1 < s->n_heap && is_before(s->heap[child + 1], s->heap[child])) child++;
        if (is_before(last, s->heap[child])) break;
        s->heap[at] = s->heap[child];
        at = child;
    }
    if (s->n_heap > 0) s->heap[at] = last;
    return top;
}

static bool is_dropped(const struct sim_event *e)
{
    return e->dead || (e->instance != NULL && (!e->instance->up || e->instance->boot != e->boot));
}

/* ---- instances --------------------------------------------------------------- */

/* Runs code of an instance; true when it crashed inside. */
static bool run_inside(struct sim *s, struct sim_instance *i, void (*run)(void *self), void *self)
{
    s->running = i;
    bool crashed = setjmp(s->crash) != 0;
    if (!crashed) run(self);
    s->running = NULL;
    return crashed;
}

void sim_crash_here(struct sim *s)
{
    if (s->running != NULL) longjmp(s->crash, 1);
}

static void boot(void *self);

static void drop(struct sim_instance *i, bool power)
{
    struct sim *s = i->sim;
    if (!i->up) return;
    i->up = false;
    i->stopping = i->woken = i->ending = false;
    sim_bus_drop(i);
    sim_ports_drop(i);
    sim_sched_drop(i);
    sim_store_drop(i, power);
    sim_files_drop(i, power);
    free_blocks(i);
    sim_cancel(&i->turn_end);
    int64_t delay_us = i->away_us + 10 * USEC_PER_MS + (int64_t)sim_random(s, 3 * USEC_PER_SEC);
    i->away_us = 0;
    sim_at(s, NULL, s->now_us + delay_us, boot, i);
}

static void on_turn_end(void *self)
{
    struct sim_instance *i = (struct sim_instance *)self;
    i->turn_end = NULL;
    sim_sched_run_hooks(i);
    if (i->woken) sim_touch(i);
    i->woken = false;
    if (i->stopping && i->on_stop != NULL) i->on_stop(i->self, &i->env);
}

void sim_touch(struct sim_instance *i)
{
    if (i->turn_end != NULL || !i->up) return;
    int64_t due_us = i->sim->now_us + 1 + (int64_t)sim_random(i->sim, 20);
    i->turn_end = sim_at(i->sim, i, due_us, on_turn_end, i);
}

static void call_boot(void *self)
{
    struct sim_instance *i = (struct sim_instance *)self;
    i->env.stats = stats_new(&i->env.mem);
    i->on_boot(i->self, &i->env);
}

static void instance_random(struct env *env, void *ret, size_t n)
{
    struct sim *s = sim_of(env)->sim;
    for (size_t at = 0; at < n; at += 8) {
        uint64_t x = sim_mix(&s->random);
        memcpy((char *)ret + at, &x, n - at < 8 ? n - at : 8);
    }
}

static void instance_stop(struct env *env, int status)
{
    (void)status;
    sim_of(env)->stopping = true;
    sim_touch(sim_of(env));
}

static void instance_die(struct env *env, const char *why)
{
    struct sim_instance *i = sim_of(env);
    free(i->last_words);
    i->last_words = sim_copy_text(why);
    sim_crash_here(i->sim);
    check_failed(why, i->name, 0); /* the test program called the service itself */
}

static void boot(void *self)
{
    struct sim_instance *i = (struct sim_instance *)self;
    i->boot++;
    i->up = true;
    i->frozen_until_us = i->away_us = 0;
    i->env = (struct env){
        .name = i->name,
        .mem = {instance_realloc, i},
        .clock = &sim_clock_ops,
        .sched = &sim_sched_ops,
        .bus = &sim_bus_ops,
        .store = &sim_store_ops,
        .files = &sim_files_ops,
        .mail = &sim_mail_ops,
        .http = &sim_http_ops,
        .random = instance_random,
        .stop = instance_stop,
        .die = instance_die,
    };
    if (run_inside(i->sim, i, call_boot, i))
        drop(i, sim_random(i->sim, 2) == 0);
    else
        sim_touch(i);
}

struct sim_instance *sim_instance_new(struct sim *s, const char *name,
                                      void (*on_boot)(void *self, struct env *env), void *self)
{
    struct sim_instance *i = (struct sim_instance *)sim_alloc(sizeof *i);
    *i = (struct sim_instance){.sim = s, .name = sim_copy_text(name), .on_boot = on_boot, .self = self};
    i->next = s->instances;
    s->instances = i;
    s->n_instances++;
    boot(i);
    return i;
}

void sim_on_stop(struct sim_instance *i, void (*on_stop)(void *self, struct env *env))
{
    i->on_stop = on_stop;
}

void sim_crash(struct sim_instance *i)
{
    if (i->sim->running == i) sim_crash_here(i->sim);
    drop(i, sim_random(i->sim, 2) == 0);
}

void sim_set_user(struct sim_instance *i, const struct role_user *user)
{
    i->user = user;
}

void sim_spare(struct sim_instance *i)
{
    i->spared = true;
}

void sim_crash_for(struct sim_instance *i, int64_t for_us)
{
    i->away_us = for_us;
    sim_crash(i);
}

void sim_power_failure(struct sim_instance *i)
{
    CHECK(i->sim->running != i);
    drop(i, true);
}

bool sim_is_up(const struct sim_instance *i)
{
    return i->up;
}

struct env *sim_env(struct sim_instance *i)
{
    return i->up ? &i->env : NULL;
}

unsigned sim_boots(const struct sim_instance *i)
{
    return i->boot;
}

const char *sim_last_words(const struct sim_instance *i)
{
    return i->last_words;
}

/* ---- the world ----------------------------------------------------------------- */

struct sim *sim_new(uint64_t seed, int64_t wall_us)
{
    struct sim *s = (struct sim *)sim_alloc(sizeof *s);
    s->random = s->fault_random = seed;
    s->now_us = USEC_PER_SEC;
    s->wall_offset_us = wall_us - s->now_us;
    s->free_bytes = UINT64_C(100) << 30;
    sim_mix(&s->random);
    s->fault_random = sim_mix(&s->fault_random) ^ UINT64_C(0x5bd1e9955bd1e995);
    return s;
}

void sim_free(struct sim **p)
{
    struct sim *s = *p;
    if (s == NULL) return;
    while (s->instances != NULL) {
        struct sim_instance *i = s->instances;
        drop(i, false);
        s->instances = i->next;
        free(i->name);
        free(i->last_words);
        free(i);
    }
    sim_ports_free_all(s);
    sim_store_free_all(s);
    sim_files_free_all(s);
    while (s->n_heap > 0) free(s->heap[--s->n_heap]);
    free((void *)s->heap);
    free(s->fired);
    free(s);
    *p = NULL;
}

int64_t sim_now_us(const struct sim *s)
{
    return s->now_us;
}

int64_t sim_wall_us(const struct sim *s)
{
    return s->now_us + s->wall_offset_us;
}

void sim_jump_wall(struct sim *s, int64_t by_us)
{
    s->highest_wall_us = sim_highest_wall_us(s);
    s->wall_offset_us += by_us;
}

int64_t sim_highest_wall_us(const struct sim *s)
{
    int64_t wall_us = sim_wall_us(s);
    return wall_us > s->highest_wall_us ? wall_us : s->highest_wall_us;
}

void sim_freeze(struct sim_instance *i, int64_t for_us)
{
    if (!i->up) return;
    i->frozen_until_us = i->sim->now_us + for_us;
    i->sim->frozen_us += for_us;
}

int64_t sim_frozen_us(const struct sim *s)
{
    return s->frozen_us;
}

void sim_set_watch(struct sim *s, const struct sim_watch *w)
{
    s->watch = w;
}

uint64_t sim_trace(const struct sim *s)
{
    return s->trace;
}

uint64_t sim_steps(const struct sim *s)
{
    return s->steps;
}

const char *sim_name(const struct sim_instance *i)
{
    return i->name;
}

unsigned sim_failed_commits(const struct sim_instance *i)
{
    return i->failed_commits;
}

void sim_set_free_bytes(struct sim *s, uint64_t n)
{
    s->free_bytes = n;
}

/* NULL: one that is spared. */
static struct sim_instance *any_instance(struct sim *s)
{
    struct sim_instance *i = s->instances;
    for (uint64_t n = sim_random(s, s->n_instances); n > 0; n--) i = i->next;
    return i->spared ? NULL : i;
}

static void step_faults(struct sim *s)
{
    if (sim_fault(s, SIM_CLOCK_FORWARD)) sim_jump_wall(s, (int64_t)sim_random(s, USEC_PER_HOUR));
    if (sim_fault(s, SIM_CLOCK_BACK)) sim_jump_wall(s, -(int64_t)sim_random(s, USEC_PER_HOUR));
    if (s->n_instances == 0) return;
    struct sim_instance *i = NULL;
    if (sim_fault(s, SIM_FREEZE) && (i = any_instance(s)) != NULL)
        sim_freeze(i, (int64_t)sim_random(s, FREEZE_MAX_US));
    if (sim_fault(s, SIM_CRASH_STEP) && (i = any_instance(s)) != NULL) sim_crash(i);
}

/* Back into the heap, in the same order as before. */
static bool waits(struct sim *s, struct sim_event *e)
{
    if (e->instance == NULL || e->instance->frozen_until_us <= e->due_us) return false;
    e->due_us = e->instance->frozen_until_us;
    if (s->n_heap == s->heap_size) make_room(s);
    sift_up(s, s->n_heap++, e);
    return true;
}

bool sim_step(struct sim *s, int64_t until_us)
{
    while (s->n_heap > 0 && s->heap[0]->due_us <= until_us) {
        struct sim_event *e = pop(s);
        if (is_dropped(e)) {
            free(e);
            continue;
        }
        if (waits(s, e)) continue;
        struct sim_event now = *e;
        free(e);
        s->now_us = now.due_us;
        s->steps++;
        sim_trace_add(s, (uint64_t)now.due_us ^ now.order ^ s->random);
        if (now.instance == NULL) {
            now.run(now.self);
        } else {
            bool is_end = now.run == on_turn_end;
            bool crashed = run_inside(s, now.instance, now.run, now.self);
            if (crashed)
                drop(now.instance, sim_random(s, 2) == 0);
            else if (is_end && now.instance->stopping)
                drop(now.instance, false);
            else if (!is_end)
                sim_touch(now.instance);
        }
        step_faults(s);
        return true;
    }
    return false;
}

void sim_run(struct sim *s, int64_t for_us)
{
    int64_t until_us = s->now_us + for_us;
    while (sim_step(s, until_us)) continue;
    if (s->now_us < until_us) s->now_us = until_us;
}
