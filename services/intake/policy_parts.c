/* SPDX-License-Identifier: Apache-2.0 */
/* A policy travels as parts and stands in the journal as parts: they are put
 * together from memory while they come, from the journal later. The one in
 * force is copied into a file as well: its segment may be moved away. */
#include "policy_parts.h"

#include "cases.h"
#include "err.h"
#include "files.h"
#include "hash.h"
#include "log.h"
#include "policy.h"

static void drop_upload(struct intake_policy *p)
{
    for (unsigned i = 0; i < POLICY_MAX_PARTS; i++) buf_unref(p->upload.parts[i]);
    memset(&p->upload, 0, sizeof(p->upload));
}

void intake_policy_init(struct intake_policy *p, struct env *env, struct intake_register *reg,
                        struct journal *journal, const char *copy_path)
{
    *p = (struct intake_policy){.env = env, .reg = reg, .journal = journal, .copy_path = copy_path};
    arena_init(&p->arena, &env->mem, POLICY_MAX_BYTES * 8);
}

void intake_policy_deinit(struct intake_policy *p)
{
    if (p->env == NULL) return;
    drop_upload(p);
    buf_unref(p->whole);
    arena_deinit(&p->arena);
    *p = (struct intake_policy){0};
}

int intake_read_event(struct journal *j, uint64_t seq, struct arena *arena, Kesu__V1__Event **ret,
                      int64_t *ret_block_time, struct span *ret_bytes)
{
    struct buf *block = NULL;
    struct block_head head;
    struct block_event ev;
    struct codec_error error;
    int err = journal_read(j, seq, &block);
    if (err != 0) return err;
    err = block_open(buf_span(block), &head);
    if (err == 0) {
        block_event_at(buf_span(block), (uint32_t)(seq - head.first_seq), &ev);
        uint8_t *copy = arena_alloc(arena, ev.bytes.n + 1);
        if (copy == NULL) {
            err = E_NOMEM;
        } else {
            memcpy(copy, ev.bytes.p, ev.bytes.n);
            *ret_bytes = span_of(copy, ev.bytes.n);
            *ret_block_time = head.time_us;
            err = codec_unpack(&kesu__v1__event__descriptor, *ret_bytes, arena, ret, &error);
        }
    }
    buf_unref(block);
    return err == E_NOMEM ? err : err != 0 ? E_CORRUPT : 0;
}

/* ---- putting together ------------------------------------------------------ */

static int read_part(struct intake_policy *p, struct span hash, uint32_t index, struct buf **ret,
                     uint32_t *ret_count, uint64_t *ret_seq)
{
    struct key key;
    struct arena arena;
    Kesu__V1__Event *event = NULL;
    int64_t time_us;
    struct span bytes;
    intake_part_key(hash, index, &key);
    if (!intake_register_get_u64(p->reg, TABLE_PARTS, key_span(&key), ret_seq)) return E_NOT_FOUND;
    arena_init(&arena, &p->env->mem, 4 * BLOCK_MAX_BYTES);
    int err = intake_read_event(p->journal, *ret_seq, &arena, &event, &time_us, &bytes);
    if (err == 0 && event->body_case != KESU__V1__EVENT__BODY_POLICY_PART_STORED) err = E_CORRUPT;
    if (err == 0) {
        *ret_count = event->policy_part_stored->count;
        *ret = buf_copy(
            span_of(event->policy_part_stored->content.data, event->policy_part_stored->content.len));
    }
    arena_deinit(&arena);
    return err;
}

/* What memory has not got comes from the journal, into memory. */
static int complete(struct intake_policy *p, struct span hash)
{
    struct upload *u = &p->upload;
    if (u->count == 0 || !span_equal(span_of(u->hash, 32), hash)) {
        drop_upload(p);
        memcpy(u->hash, hash.p, 32);
    }
    for (uint32_t i = 0; i == 0 || i < u->count; i++) {
        if (u->parts[i] != NULL) continue;
        uint32_t count = 0;
        int err = read_part(p, hash, i, &u->parts[i], &count, &u->seqs[i]);
        if (err != 0) return err;
        if (count == 0 || count > POLICY_MAX_PARTS) return E_CORRUPT;
        u->count = count;
    }
    return 0;
}

struct span intake_policy_bytes(void *self, struct span hash, uint32_t *ret_parts, uint64_t *ret_first_seq)
{
    struct intake_policy *p = self;
    struct upload *u = &p->upload;
    size_t n = 0;
    if (hash.n != 32 || complete(p, hash) != 0) return SPAN_NONE;
    for (uint32_t i = 0; i < u->count; i++) n += u->parts[i]->n;
    if (n > POLICY_MAX_BYTES) return SPAN_NONE;
    buf_unref(p->whole);
    p->whole = buf_new(n);
    n = 0;
    for (uint32_t i = 0; i < u->count; i++) {
        memcpy(p->whole->p + n, u->parts[i]->p, u->parts[i]->n);
        n += u->parts[i]->n;
    }
    *ret_parts = u->count;
    *ret_first_seq = u->seqs[0];
    return buf_span(p->whole);
}

/* ---- in force -------------------------------------------------------------- */

static int use(struct intake_policy *p, struct span bytes, const uint8_t hash[32])
{
    Kesu__V1__PolicyBundle *bundle = NULL;
    struct codec_error error;
    p->active = NULL;
    arena_reset(&p->arena);
    int err = codec_unpack(&kesu__v1__policy_bundle__descriptor, bytes, &p->arena, &bundle, &error);
    if (err != 0 || bundle->policy == NULL || bundle->policy->office == NULL) return E_CORRUPT;
    p->active = bundle->policy;
    memcpy(p->hash, hash, 32);
    return 0;
}

static bool use_copy(struct intake_policy *p, const uint8_t hash[32])
{
    struct span bytes;
    uint8_t found[32];
    if (p->copy_path == NULL || files_read_all(p->env, p->copy_path, POLICY_MAX_BYTES, &bytes) != 0)
        return false;
    hash_bytes(bytes, found);
    bool used = memcmp(found, hash, sizeof(found)) == 0 && use(p, bytes, hash) == 0;
    mem_free(&p->env->mem, (void *)(uintptr_t)bytes.p);
    return used;
}

static int take_into_force(struct intake_policy *p, struct span hash)
{
    uint32_t parts;
    uint64_t first_seq;
    uint8_t kept[32];
    memcpy(kept, hash.p, 32);
    struct span bytes = intake_policy_bytes(p, hash, &parts, &first_seq);
    if (bytes.p == NULL || use(p, bytes, kept) != 0) return E_CORRUPT;
    int err = p->copy_path != NULL ? files_replace(p->env, p->copy_path, bytes) : 0;
    if (err != 0) log_warn(p->env, "no copy of the policy in force", LOG_ERR(err));
    drop_upload(p);
    buf_unref(p->whole);
    p->whole = NULL;
    return 0;
}

static void keep_part(struct intake_policy *p, const Kesu__V1__PolicyPartStored *b, uint64_t seq)
{
    struct upload *u = &p->upload;
    if (b->hash.len != 32 || b->count > POLICY_MAX_PARTS || b->index >= b->count) return;
    if (u->count == 0 || memcmp(u->hash, b->hash.data, 32) != 0) {
        drop_upload(p);
        memcpy(u->hash, b->hash.data, 32);
        u->count = b->count;
    }
    buf_unref(u->parts[b->index]);
    u->parts[b->index] = buf_copy(span_of(b->content.data, b->content.len));
    u->seqs[b->index] = seq;
}

int intake_policy_on_event(struct intake_policy *p, const Kesu__V1__Event *event, uint64_t seq)
{
    if (event->body_case == KESU__V1__EVENT__BODY_POLICY_PART_STORED)
        keep_part(p, event->policy_part_stored, seq);
    if (event->body_case != KESU__V1__EVENT__BODY_POLICY_ACTIVATED) return 0;
    return take_into_force(p, span_of(event->policy_activated->hash.data, event->policy_activated->hash.len));
}

int intake_policy_load(struct intake_policy *p)
{
    p->active = NULL;
    if (p->reg->meta.policy_seq == 0) return 0;
    if (use_copy(p, p->reg->meta.policy_hash)) return 0;
    return take_into_force(p, span_of(p->reg->meta.policy_hash, 32));
}
