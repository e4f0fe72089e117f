// SPDX-License-Identifier: Apache-2.0
// Following the journal: each event of the blocks, filtered, in words or JSON.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "cli.h"
#include "env_real.h"
#include "err.h"
#include "feed.h"
#include "json.h"

enum { MAX_TYPES = 16, RING_KEYS = 65536, EVENT_ARENA = 32 << 20 };

struct tail {
    struct cli *c;
    struct env *env;
    struct feed *feed;
    struct seal_ring *ring;
    struct arena arena; // of one event
    uint16_t types[MAX_TYPES];
    unsigned n_types;
    uint64_t case_id, from, until, printed, limit;
    bool follow, personal;
    const char *department;
    // cases that the department has, as far as seen: open addressing
    uint64_t *cases;
    size_t n_cases, cases_size;
    int status;
};

static size_t slot_of(const struct tail *t, uint64_t case_id)
{
    size_t i = (size_t)hash_fast(span_of(&case_id, sizeof case_id)) & (t->cases_size - 1);
    while (t->cases[i] != 0 && t->cases[i] != case_id) i = (i + 1) & (t->cases_size - 1);
    return i;
}

static void remember(struct tail *t, uint64_t case_id)
{
    if ((t->n_cases + 1) * 2 > t->cases_size) {
        uint64_t *old = t->cases;
        size_t n = t->cases_size;
        t->cases_size = n > 0 ? n * 2 : 1024;
        t->cases = mem_zalloc(&mem_libc, t->cases_size * sizeof t->cases[0]);
        for (size_t i = 0; i < n; i++)
            if (old[i] != 0) t->cases[slot_of(t, old[i])] = old[i];
        mem_free(&mem_libc, old);
    }
    size_t i = slot_of(t, case_id);
    if (t->cases[i] == 0) t->n_cases++;
    t->cases[i] = case_id;
}

static const char *department_of(const Kesu__V1__Event *e)
{
    if (e->body_case == KESU__V1__EVENT__BODY_CASE_CLASSIFIED && e->case_classified->judgement != NULL)
        return e->case_classified->judgement->department;
    if (e->body_case == KESU__V1__EVENT__BODY_CASE_ASSIGNED) return e->case_assigned->department;
    if (e->body_case == KESU__V1__EVENT__BODY_CLOCK_FIRED) return e->clock_fired->department;
    return "";
}

static bool is_of_department(struct tail *t, const Kesu__V1__Event *e, uint64_t case_id)
{
    if (case_id == 0) return false;
    if (strcmp(department_of(e), t->department) == 0) remember(t, case_id);
    return t->cases_size > 0 && t->cases[slot_of(t, case_id)] == case_id;
}

static bool is_wanted(const struct tail *t, const struct block_event *b)
{
    if (b->seq < t->from) return false;
    if (t->case_id != 0 && b->case_id != t->case_id) return false;
    for (unsigned i = 0; i < t->n_types; i++)
        if (t->types[i] == b->type) return true;
    return t->n_types == 0;
}

static void print_opened(struct tail *t, const Kesu__V1__Event *e)
{
    static const char indent[] = "                               ";
    const Kesu__V1__Sealed *s = seal_of_event(e);
    const uint8_t *secret = NULL;
    struct span plain = SPAN_NONE;
    if (s == NULL) return;
    int err = seal_ring_get(t->ring, s->key_id, &secret);
    if (err == 0) err = seal_open(secret, s, &t->arena, &plain);
    if (err == 0)
        cli_story_opened(t->c, e, plain, indent);
    else
        printf("%s(sealed: %s)\n", indent, err_text(err));
}

static void print_event(struct tail *t, const Kesu__V1__Event *e, const struct block_event *b,
                        int64_t time_us)
{
    static const char indent[] = "                               ";
    if (!t->c->json) {
        cli_story_event(e, b->seq, time_us, b->case_id, indent);
        if (t->personal) print_opened(t, e);
        return;
    }
    char *json = json_from_message(&mem_libc, e, 0);
    printf("{\"seq\":\"%" PRIu64 "\",\"block_time\":\"%" PRId64 "\",\"type\":\"%s\",\"event\":%s}\n", b->seq,
           time_us, cli_or(cli_event_name(b->type), "unknown"), json);
    mem_free(&mem_libc, json);
}

static void tell(struct tail *t, const struct block_event *b, int64_t time_us)
{
    struct codec_error error;
    Kesu__V1__Event *e = NULL;
    if (t->department == NULL && !is_wanted(t, b)) return;
    arena_reset(&t->arena);
    int err = codec_unpack(&kesu__v1__event__descriptor, b->bytes, &t->arena, &e, &error);
    if (err != 0) {
        fprintf(stderr, "kesu tail: event %" PRIu64 ": %s: %s\n", b->seq, error.field, error.reason);
        t->status = CLI_INTERNAL;
        return;
    }
    if (t->department != NULL && (!is_of_department(t, e, b->case_id) || !is_wanted(t, b))) return;
    print_event(t, e, b, time_us);
    t->printed++;
}

static void on_block(void *self, struct buf *block, const struct block_head *head)
{
    struct tail *t = self;
    for (uint32_t i = 0; i < head->count && t->printed < t->limit; i++) {
        struct block_event b;
        block_event_at(buf_span(block), i, &b);
        if (b.seq <= t->until || t->follow) tell(t, &b, head->time_us);
    }
    uint64_t last = head->first_seq + head->count - 1;
    feed_done(t->feed, block->n, last);
    if (t->follow) fflush(stdout);
    if (t->printed >= t->limit || (!t->follow && last >= t->until)) env_stop(t->env, 0);
    if (ferror(stdout)) env_stop(t->env, 0);
}

static void on_subscribed(void *self, const Kesu__V1__Subscribed *s)
{
    struct tail *t = self;
    if (t->until == 0) t->until = s->head_seq;
    if (!t->follow && t->from > t->until) env_stop(t->env, 0);
}

static void on_refused(void *self, int err)
{
    struct tail *t = self;
    t->status = cli_fail(t->c, CLI_DATA, "intake refused: %s", err_text(err));
    env_stop(t->env, 0);
}

static int take_types(struct tail *t)
{
    unsigned place = 0;
    for (const char *name; (name = cli_flag_next(t->c, "type", &place)) != NULL;) {
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field_by_name(&kesu__v1__event__descriptor, name);
        if (f == NULL || f->id < 20) {
            cli_fail(t->c, CLI_USAGE, "--type: no event '%s'; there are:", name);
            for (unsigned id = 20; cli_event_name(id) != NULL; id++)
                fprintf(stderr, "  %s\n", cli_event_name(id));
            return CLI_USAGE;
        }
        if (t->n_types == MAX_TYPES) return cli_fail(t->c, CLI_USAGE, "too many types");
        t->types[t->n_types++] = (uint16_t)f->id;
    }
    return 0;
}

// Where to begin: as told, some events before the newest, or with the next one.
static int take_start(struct tail *t)
{
    struct cli *c = t->c;
    int64_t from = 0, last = -1, limit = INT64_MAX;
    Kesu__V1__Info *info = NULL;
    int status = cli_flag_int(c, "from", 1, INT64_MAX, &from);
    if (status == 0) status = cli_flag_int(c, "last", 0, INT64_MAX, &last);
    if (status == 0) status = cli_flag_int(c, "limit", 1, INT64_MAX, &limit);
    if (status == 0) status = cli_info(c, "intake", &info);
    if (status != 0) return status;
    t->limit = (uint64_t)limit;
    if (from > 0)
        t->from = (uint64_t)from;
    else if (last >= 0)
        t->from = info->head_seq > (uint64_t)last ? info->head_seq - (uint64_t)last + 1 : 1;
    else if (t->case_id != 0)
        t->from = t->case_id;
    else
        t->from = info->head_seq + 1;
    if (!t->follow) t->until = info->head_seq;
    return 0;
}

static int prepare(struct tail *t)
{
    struct cli *c = t->c;
    t->follow = !cli_switch(c, "no-follow");
    t->personal = cli_switch(c, "personal");
    t->department = cli_flag(c, "department");
    int status = take_types(t);
    if (status == 0 && cli_flag(c, "case") != NULL) {
        Kesu__V1__CaseDetail *d = NULL;
        status = cli_case(c, cli_flag(c, "case"), &d);
        if (status == 0) t->case_id = d->state->case_id;
    }
    return status == 0 ? take_start(t) : status;
}

static int follow(struct tail *t)
{
    struct place place = cli_place(t->c, "intake-feed");
    struct feed_opts opts = {
        .endpoint = place.endpoint,
        .keys = place.keys,
        .name = "kesu-tail",
        .from_seq = t->from,
        .ring = t->ring,
        .self = t,
        .on_subscribed = on_subscribed,
        .on_block = on_block,
        .on_refused = on_refused,
    };
    if (!t->follow && t->from > t->until) return 0;
    int err = feed_open(t->env, &opts, &t->feed);
    if (err != 0) return cli_fail(t->c, CLI_INTERNAL, "%s", err_text(err));
    env_real_run(t->c->real);
    feed_close(t->feed);
    return t->status;
}

int cli_tail(struct cli *c)
{
    struct tail t = {.c = c, .env = cli_env(c)};
    int status = prepare(&t);
    if (status != 0) return status;
    arena_init(&t.arena, &mem_libc, EVENT_ARENA);
    if (t.personal) t.ring = seal_ring_new(&mem_libc, RING_KEYS);
    status = follow(&t);
    seal_ring_free(&t.ring);
    arena_deinit(&t.arena);
    mem_free(&mem_libc, t.cases);
    return status;
}
