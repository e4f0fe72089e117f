/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes: a thread each, its jobs in order. What is finished waits in the lane
 * until the loop, woken by an async handle, calls its done. */

#include "check.h"
#include "real.h"

struct jobs {
    struct job *first, *last;
};

struct lane {
    struct env_real *real;
    struct lane *next;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t posted_cond, idle_cond;
    struct jobs posted, finished; /* under the mutex */
    bool working, ending;         /* under the mutex */
    _Atomic bool any_finished;
    struct jobs doing; /* of the loop: done is being called */
};

static void jobs_add(struct jobs *q, struct job *job)
{
    job->next = NULL;
    if (q->last != NULL)
        q->last->next = job;
    else
        q->first = job;
    q->last = job;
}

static struct job *jobs_take(struct jobs *q)
{
    struct job *job = q->first;
    if (job == NULL) return NULL;
    q->first = job->next;
    if (q->first == NULL) q->last = NULL;
    job->next = NULL;
    return job;
}

static void jobs_move(struct jobs *to, struct jobs *from)
{
    if (from->first == NULL) return;
    if (to->last != NULL)
        to->last->next = from->first;
    else
        to->first = from->first;
    to->last = from->last;
    *from = (struct jobs){NULL, NULL};
}

static void *lane_main(void *arg)
{
    struct lane *l = arg;
    pthread_mutex_lock(&l->mutex);
    for (;;) {
        struct job *job = jobs_take(&l->posted);
        if (job == NULL) {
            if (l->ending) break;
            pthread_cond_signal(&l->idle_cond);
            pthread_cond_wait(&l->posted_cond, &l->mutex);
            continue;
        }
        l->working = true;
        pthread_mutex_unlock(&l->mutex);
        job->work(job);
        pthread_mutex_lock(&l->mutex);
        l->working = false;
        jobs_add(&l->finished, job);
        atomic_store(&l->any_finished, true);
        uv_async_send(&l->real->async);
    }
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}

struct lane *loop_lane_open(struct env *env, const char *name)
{
    struct env_real *r = real_of(env);
    struct lane *l = mem_zalloc(&env->mem, sizeof(*l));
    l->real = r;
    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->posted_cond, NULL);
    pthread_cond_init(&l->idle_cond, NULL);
    real_thread_start(&l->thread, lane_main, l);
    char short_name[16];
    strncpy(short_name, name, sizeof(short_name) - 1);
    short_name[sizeof(short_name) - 1] = 0;
    pthread_setname_np(l->thread, short_name);
    l->next = r->lanes;
    r->lanes = l;
    r->lanes_changed = true;
    return l;
}

void loop_lane_post(struct lane *l, struct job *job)
{
    pthread_mutex_lock(&l->mutex);
    CHECK(!l->ending);
    jobs_add(&l->posted, job);
    pthread_cond_signal(&l->posted_cond);
    pthread_mutex_unlock(&l->mutex);
}

static void take_finished(struct lane *l)
{
    pthread_mutex_lock(&l->mutex);
    jobs_move(&l->doing, &l->finished);
    atomic_store(&l->any_finished, false);
    pthread_mutex_unlock(&l->mutex);
}

bool loop_lanes_ended(const struct env_real *r)
{
    for (const struct lane *l = r->lanes; l != NULL; l = l->next)
        if (atomic_load_explicit(&l->any_finished, memory_order_relaxed)) return true;
    return false;
}

bool loop_lanes_run(struct env_real *r)
{
    bool ran = false;
    for (struct lane *l = r->lanes; l != NULL; l = l->next)
        if (atomic_load(&l->any_finished)) take_finished(l);
    for (struct lane *l = r->lanes; l != NULL;) {
        struct job *job = jobs_take(&l->doing);
        if (job == NULL) {
            l = l->next;
            continue;
        }
        r->lanes_changed = false;
        job->done(job);
        ran = true;
        if (r->lanes_changed) l = r->lanes; /* a lane was opened or closed: the list is another */
    }
    return ran;
}

void loop_lane_close(struct lane *l)
{
    if (l == NULL) return;
    struct env_real *r = l->real;
    bool more = true;
    while (more) { /* a done may post again */
        pthread_mutex_lock(&l->mutex);
        while (l->posted.first != NULL || l->working) pthread_cond_wait(&l->idle_cond, &l->mutex);
        pthread_mutex_unlock(&l->mutex);
        take_finished(l);
        more = l->doing.first != NULL;
        for (struct job *job; (job = jobs_take(&l->doing)) != NULL;) job->done(job);
    }
    pthread_mutex_lock(&l->mutex);
    l->ending = true;
    pthread_cond_signal(&l->posted_cond);
    pthread_mutex_unlock(&l->mutex);
    pthread_join(l->thread, NULL);
    for (struct lane **p = &r->lanes; *p != NULL; p = &(*p)->next) {
        if (*p != l) continue;
        *p = l->next;
        break;
    }
    r->lanes_changed = true;
    pthread_mutex_destroy(&l->mutex);
    pthread_cond_destroy(&l->posted_cond);
    pthread_cond_destroy(&l->idle_cond);
    mem_free(&r->env.mem, l);
}
