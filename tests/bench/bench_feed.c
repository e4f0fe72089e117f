/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in the journal, read as any reader does:
 *
 *     bench_feed RUN_DIR [from=SEQ] [opened=N] [classified=N] [assigned=N] [delivered=N] [fired=N]
 *
 * Reads from SEQ (1) to the head and on until each kind was seen as often as
 * asked. Prints key=value: how much, how fast, for each kind how often and when
 * the first and the last arrived (monotonic), and how long after their due
 * clocks were fired. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "clock.h"
#include "codec.h"
#include "env_real.h"
#include "feed.h"
#include "sched.h"

#define STALL_US (30 * USEC_PER_SEC) /* without a new block: what is asked for does not come */
#define LATE_MAX 1000000

static struct kind {
    const char *name;
    uint16_t type;
    uint64_t wanted, seen;
    int64_t first_us, last_us;
} kinds[] = {
    {"opened", KESU__V1__EVENT__BODY_CASE_OPENED, 0, 0, 0, 0},
    {"classified", KESU__V1__EVENT__BODY_CASE_CLASSIFIED, 0, 0, 0, 0},
    {"assigned", KESU__V1__EVENT__BODY_CASE_ASSIGNED, 0, 0, 0, 0},
    {"delivered", KESU__V1__EVENT__BODY_DELIVERY_RECORDED, 0, 0, 0, 0},
    {"fired", KESU__V1__EVENT__BODY_CLOCK_FIRED, 0, 0, 0, 0},
};
enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

struct reading {
    struct env *env;
    struct feed *feed;
    struct timer *stall;
    uint64_t from, head, last_seq, events, blocks, bytes;
    int64_t start_us, last_us;
    struct arena arena;
    int64_t late_us[LATE_MAX];
    uint64_t n_late, n_after_stop;
};

static void fail(struct reading *r, const char *why)
{
    fprintf(stderr, "bench_feed: %s\n", why);
    for (unsigned i = 0; i < N_KINDS; i++)
        fprintf(stderr, "%s %" PRIu64 " of %" PRIu64 "\n", kinds[i].name, kinds[i].seen, kinds[i].wanted);
    env_stop(r->env, 1);
}

static void on_stall(void *self)
{
    fail(self, "nothing comes any more");
}

static void on_refused(void *self, int err)
{
    (void)err;
    fail(self, "the subscription was refused");
}

static void on_subscribed(void *self, const Kesu__V1__Subscribed *s)
{
    struct reading *r = self;
    r->head = s->head_seq;
    r->start_us = clock_mono_us(r->env);
}

static void note_fired(struct reading *r, const struct block_event *e, int64_t block_us)
{
    Kesu__V1__Event *event;
    arena_reset(&r->arena);
    CHECK(codec_unpack_own(&kesu__v1__event__descriptor, e->bytes, &r->arena, (void *)&event) == 0);
    if (event->clock_fired->late)
        r->n_after_stop++;
    else if (r->n_late < LATE_MAX)
        r->late_us[r->n_late++] = block_us - event->clock_fired->due_at;
}

static bool has_all(const struct reading *r)
{
    for (unsigned i = 0; i < N_KINDS; i++)
        if (kinds[i].seen < kinds[i].wanted) return false;
    return r->last_seq >= r->head;
}

static void on_block(void *self, struct buf *block, const struct block_head *head)
{
    struct reading *r = self;
    r->last_us = clock_mono_us(r->env);
    for (uint32_t i = 0; i < head->count; i++) {
        struct block_event e;
        block_event_at(buf_span(block), i, &e);
        if (e.seq < r->from) continue;
        r->events++;
        for (struct kind *k = kinds; k < kinds + N_KINDS; k++) {
            if (e.type != k->type) continue;
            if (k->seen++ == 0) k->first_us = r->last_us;
            k->last_us = r->last_us;
        }
        if (e.type == KESU__V1__EVENT__BODY_CLOCK_FIRED) note_fired(r, &e, head->time_us);
    }
    r->blocks++;
    r->bytes += head->bytes;
    r->last_seq = head->first_seq + head->count - 1;
    feed_done(r->feed, block->n, r->last_seq);
    timer_set(r->env, r->stall, r->last_us + STALL_US);
    if (has_all(r)) env_stop(r->env, 0);
}

static int compare_us(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void print(struct reading *r)
{
    int64_t us = r->last_us > r->start_us ? r->last_us - r->start_us : 1;
    printf("head=%" PRIu64 " events=%" PRIu64 " blocks=%" PRIu64 " bytes=%" PRIu64 " seconds=%.4f rate=%.0f",
           r->last_seq, r->events, r->blocks, r->bytes, (double)us / 1e6,
           (double)r->events * 1e6 / (double)us);
    for (unsigned i = 0; i < N_KINDS; i++)
        printf(" %s=%" PRIu64 " %s_first_us=%" PRId64 " %s_last_us=%" PRId64, kinds[i].name, kinds[i].seen,
               kinds[i].name, kinds[i].first_us, kinds[i].name, kinds[i].last_us);
    qsort(r->late_us, r->n_late, sizeof(r->late_us[0]), compare_us);
    if (r->n_late > 0)
        printf(" late_p50_us=%" PRId64 " late_p99_us=%" PRId64 " late_max_us=%" PRId64,
               r->late_us[r->n_late / 2], r->late_us[r->n_late * 99 / 100], r->late_us[r->n_late - 1]);
    printf(" in_time=%" PRIu64 " after_stop=%" PRIu64 "\n", r->n_late, r->n_after_stop);
}

static bool read_argument(struct reading *r, const char *argument)
{
    const char *value = strchr(argument, '=');
    if (value == NULL) return false;
    size_t n = (size_t)(value - argument);
    uint64_t number = strtoull(value + 1, NULL, 10);
    if (n == 4 && memcmp(argument, "from", 4) == 0) {
        r->from = number;
        return true;
    }
    for (struct kind *k = kinds; k < kinds + N_KINDS; k++) {
        if (strlen(k->name) != n || memcmp(k->name, argument, n) != 0) continue;
        k->wanted = number;
        return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    static struct reading r = {.from = 1};
    struct env_real *real;
    char endpoint[512];
    if (argc < 2 || env_real_new("feed", &real) < 0) return EXIT_FAILURE;
    for (int i = 2; i < argc; i++)
        if (!read_argument(&r, argv[i])) return EXIT_FAILURE;
    r.env = env_real_env(real);
    arena_init(&r.arena, &r.env->mem, (size_t)8 << 20);
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/intake-feed.ipc", argv[1]);
    struct feed_opts opts = {.endpoint = endpoint,
                             .name = "bench",
                             .from_seq = r.from,
                             .self = &r,
                             .on_subscribed = on_subscribed,
                             .on_refused = on_refused,
                             .on_block = on_block};
    r.stall = timer_new(r.env, on_stall, &r);
    timer_set(r.env, r.stall, clock_mono_us(r.env) + STALL_US);
    if (feed_open(r.env, &opts, &r.feed) < 0) return EXIT_FAILURE;
    int status = env_real_run(real);
    if (status == 0) print(&r);
    feed_close(r.feed);
    timer_free(r.env, r.stall);
    arena_deinit(&r.arena);
    env_real_free(&real);
    return status;
}
