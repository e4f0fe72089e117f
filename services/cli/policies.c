// SPDX-License-Identifier: Apache-2.0
// A policy is activated once all its parts are there, or again without them.
#include "policies.h"

#include <stdlib.h>

#include "env_real.h"
#include "err.h"
#include "feed.h"

enum { MAX_PARTS = 64, PART_ARENA = 4 << 20 };

// The parts since the last change of hash are kept.
struct finding {
    struct env *env;
    struct feed *feed;
    struct cli_policies *found;
    uint64_t head;
    uint8_t hash[HASH_BYTES];
    struct buf *parts[MAX_PARTS];
    uint32_t count;
    int err;
};

static void drop_parts(struct finding *f)
{
    for (unsigned i = 0; i < MAX_PARTS; i++) {
        buf_unref(f->parts[i]);
        f->parts[i] = NULL;
    }
    f->count = 0;
}

static void take_part(struct finding *f, const Kesu__V1__PolicyPartStored *p)
{
    if (p->index >= MAX_PARTS || p->hash.len != HASH_BYTES) return;
    if (f->count == 0 || memcmp(f->hash, p->hash.data, HASH_BYTES) != 0) drop_parts(f);
    memcpy(f->hash, p->hash.data, HASH_BYTES);
    f->count = p->count;
    buf_unref(f->parts[p->index]);
    f->parts[p->index] = buf_copy(span_of(p->content.data, p->content.len));
}

// The parts together, or what it was when it was in force before; NULL: not all are known.
static struct buf *whole(const struct finding *f, const uint8_t *hash)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    for (unsigned i = 0; i < f->found->n; i++)
        if (memcmp(f->found->list[i].hash, hash, HASH_BYTES) == 0) return buf_ref(f->found->list[i].bytes);
    if (f->count == 0 || f->count > MAX_PARTS || memcmp(f->hash, hash, HASH_BYTES) != 0) return NULL;
    for (unsigned i = 0; i < f->count; i++) {
        if (f->parts[i] == NULL) {
            mem_free(&mem_libc, bytes);
            return NULL;
        }
        bytes = mem_realloc(&mem_libc, bytes, n + f->parts[i]->n + 1);
        memcpy(bytes + n, f->parts[i]->p, f->parts[i]->n);
        n += f->parts[i]->n;
    }
    struct buf *all = buf_copy(span_of(bytes, n));
    mem_free(&mem_libc, bytes);
    return all;
}

static void take_activation(struct finding *f, const Kesu__V1__PolicyActivated *a, uint64_t seq)
{
    struct cli_policies *p = f->found;
    struct buf *bytes = a->hash.len == HASH_BYTES ? whole(f, a->hash.data) : NULL;
    if (bytes == NULL) return;
    p->list = mem_realloc(&mem_libc, p->list, (p->n + 1) * sizeof *p->list);
    struct cli_policy *one = &p->list[p->n++];
    *one = (struct cli_policy){.seq = seq, .bytes = bytes};
    memcpy(one->hash, a->hash.data, HASH_BYTES);
}

static void take_event(struct finding *f, const struct block_event *b)
{
    struct arena arena;
    struct codec_error error;
    Kesu__V1__Event *e = NULL;
    if (b->type != KESU__V1__EVENT__BODY_POLICY_PART_STORED &&
        b->type != KESU__V1__EVENT__BODY_POLICY_ACTIVATED)
        return;
    arena_init(&arena, &mem_libc, PART_ARENA);
    if (codec_unpack(&kesu__v1__event__descriptor, b->bytes, &arena, &e, &error) == 0) {
        if (e->body_case == KESU__V1__EVENT__BODY_POLICY_PART_STORED) take_part(f, e->policy_part_stored);
        if (e->body_case == KESU__V1__EVENT__BODY_POLICY_ACTIVATED)
            take_activation(f, e->policy_activated, b->seq);
    }
    arena_deinit(&arena);
}

static void on_block(void *self, struct buf *block, const struct block_head *head)
{
    struct finding *f = self;
    for (uint32_t i = 0; i < head->count; i++) {
        struct block_event b;
        block_event_at(buf_span(block), i, &b);
        take_event(f, &b);
    }
    uint64_t last = head->first_seq + head->count - 1;
    feed_done(f->feed, block->n, last);
    if (last >= f->head) env_stop(f->env, 0);
}

static void on_refused(void *self, int err)
{
    struct finding *f = self;
    f->err = err;
    env_stop(f->env, 0);
}

int cli_policies_read(struct cli *c, struct cli_policies *ret)
{
    struct finding f = {.env = cli_env(c), .found = ret};
    Kesu__V1__Info *info = NULL;
    *ret = (struct cli_policies){0};
    int status = cli_info(c, "intake", &info);
    if (status != 0) return status;
    if (info->head_seq == 0) return 0;
    f.head = info->head_seq;
    struct place place = cli_place(c, "intake-feed");
    struct feed_opts opts = {
        .endpoint = place.endpoint,
        .keys = place.keys,
        .name = "kesu-policy",
        .from_seq = 1,
        .self = &f,
        .on_block = on_block,
        .on_refused = on_refused,
    };
    int err = feed_open(f.env, &opts, &f.feed);
    if (err == 0) env_real_run(c->real);
    feed_close(f.feed);
    drop_parts(&f);
    if (err == 0) err = f.err;
    return err == 0 ? 0 : cli_fail(c, CLI_INTERNAL, "the policies: %s", err_text(err));
}

void cli_policies_free(struct cli_policies *p)
{
    for (unsigned i = 0; i < p->n; i++) buf_unref(p->list[i].bytes);
    mem_free(&mem_libc, p->list);
    *p = (struct cli_policies){0};
}

int cli_policies_at(struct cli *c, struct cli_policies *p, uint64_t seq, const Kesu__V1__Policy **ret)
{
    struct cli_policy *one = NULL;
    struct codec_error error;
    for (unsigned i = 0; i < p->n && p->list[i].seq < seq; i++) one = &p->list[i];
    *ret = NULL;
    if (one == NULL) return 0;
    int err = 0;
    if (one->bundle == NULL)
        err = codec_unpack(&kesu__v1__policy_bundle__descriptor, buf_span(one->bytes), &c->arena,
                           &one->bundle, &error);
    if (err != 0) return cli_fail(c, CLI_INTERNAL, "a policy: %s", err_text(err));
    *ret = one->bundle->policy;
    return 0;
}

int cli_policy_in_force(struct cli *c, const Kesu__V1__Policy **ret)
{
    struct cli_policies all;
    int status = cli_policies_read(c, &all);
    if (status == 0) status = cli_policies_at(c, &all, CLI_NOW, ret);
    cli_policies_free(&all);
    return status;
}
