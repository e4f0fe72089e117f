/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs go first: their names stand in what only the keys open. A blob that
 * another case names too, of somebody who is not erased, stays. Failing to
 * write zeros over a key ends the process: the next start tries again. */
#include "erase.h"

#include "blob.h"
#include "err.h"
#include "intake.h"
#include "log.h"
#include "seal.h"
#include "stats.h"

#define ARENA_LIMIT ((size_t)64 << 20)

void intake_erase_init(struct intake_erase *x, struct env *env, const char *keys_path, const char *blobs_path)
{
    *x = (struct intake_erase){.env = env, .keys_path = keys_path, .blobs_path = blobs_path};
}

void intake_erase_deinit(struct intake_erase *x)
{
    if (x->env == NULL) return;
    mem_free(&x->env->mem, x->seqs);
    *x = (struct intake_erase){0};
}

void intake_erase_note(struct intake *in, const Kesu__V1__CustomerErased *event, uint64_t seq)
{
    struct intake_erase *x = &in->erase;
    if (in->replaying && !intake_keys_any_alive(x->env, x->keys_path, event->key_ids, event->n_key_ids))
        return;
    if (x->n > 0 && x->seqs[x->n - 1] >= seq) return; /* replayed after a full disk */
    if (x->n == x->room) {
        x->room = x->room * 2 + 16;
        x->seqs = mem_realloc(&x->env->mem, x->seqs, x->room * sizeof(*x->seqs));
    }
    x->seqs[x->n++] = seq;
}

void intake_erase_rollback(struct intake_erase *x, uint64_t durable_seq)
{
    while (x->n > 0 && x->seqs[x->n - 1] > durable_seq) x->n--;
}

uint64_t intake_erase_bound(const struct intake_erase *x, uint64_t durable_seq)
{
    return x->n > 0 && x->seqs[0] <= durable_seq ? x->seqs[0] - 1 : durable_seq;
}

/* ---- evidence --------------------------------------------------------------- */

struct sharers {
    struct arena *arena;
    uint64_t *cases;
    size_t n, room;
    bool lost; /* not all could be noted */
};

static void on_sharer(void *self, struct span key, struct span value)
{
    struct sharers *s = self;
    uint64_t case_id;
    (void)value;
    key = span_of(key.p + HASH_SHORT_BYTES, key.n - HASH_SHORT_BYTES);
    if (!key_take_u64(&key, &case_id)) return;
    if (s->n == s->room) {
        size_t room = s->room * 2 + 16;
        uint64_t *grown = arena_alloc(s->arena, room * sizeof(*grown));
        s->lost = s->lost || grown == NULL;
        if (grown == NULL) return;
        if (s->n > 0) memcpy(grown, s->cases, s->n * sizeof(*grown));
        s->cases = grown;
        s->room = room;
    }
    s->cases[s->n++] = case_id;
}

static bool is_shared(struct intake *in, struct span name, struct arena *arena)
{
    uint8_t hash[HASH_SHORT_BYTES];
    struct sharers s = {.arena = arena};
    intake_secrets_attachment(&in->secrets, name, hash);
    intake_register_each(&in->reg, TABLE_EVIDENCE, span_of(hash, sizeof(hash)), on_sharer, &s);
    for (size_t i = 0; i < s.n; i++) {
        Kesu__V1__CaseState *state;
        if (intake_case_get(&in->reg, s.cases[i], arena, &state) != 0 || state->erased_seq == 0) return true;
    }
    return s.lost;
}

static void drop_attachments(struct intake *in, struct blob *blobs, Kesu__V1__Attachment *const *files,
                             size_t n, struct arena *arena)
{
    for (size_t i = 0; i < n; i++) {
        const ProtobufCBinaryData *name = &files[i]->blob;
        if (name->len != HASH_BYTES || is_shared(in, span_of(name->data, name->len), arena)) continue;
        int err = blob_drop(blobs, name->data);
        if (err == E_NOT_FOUND)
            log_warn(in->env, "evidence of an erased person is not in this data directory");
        else if (err != 0)
            log_error(in->env, "evidence of an erased person could not be destroyed", LOG_ERR(err));
    }
}

/* What customers send is a text of the case, all else is words. */
static int drop_files_of(struct intake *in, struct blob *blobs, const Kesu__V1__Event *event,
                         const uint8_t *secret, const Kesu__V1__Sealed *sealed, struct arena *arena)
{
    Kesu__V1__CaseText *text;
    Kesu__V1__Words *words;
    bool sent = event->body_case == KESU__V1__EVENT__BODY_CASE_OPENED ||
                event->body_case == KESU__V1__EVENT__BODY_MESSAGE_ADDED;
    int err = sent ? seal_open_message(secret, sealed, &kesu__v1__case_text__descriptor, arena, &text)
                   : seal_open_message(secret, sealed, &kesu__v1__words__descriptor, arena, &words);
    if (err != 0) return err;
    if (!sent)
        drop_attachments(in, blobs, words->attachments, words->n_attachments, arena);
    else if (text->personal != NULL)
        drop_attachments(in, blobs, text->personal->attachments, text->personal->n_attachments, arena);
    return 0;
}

/* The event with attachments before this one, as each but the first says. */
static uint64_t previous_of(const Kesu__V1__Event *event)
{
    const ProtobufCMessage *body = &event->case_opened->base; /* of the union */
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(body->descriptor, "previous_attachment_seq");
    uint64_t seq = 0;
    if (f != NULL) memcpy(&seq, (const uint8_t *)body + f->offset, sizeof(seq));
    return seq;
}

/* Events with attachments are a chain. It ends where a key is gone: a crash came after that. */
static void drop_evidence(struct intake *in, struct blob *blobs, uint64_t seq)
{
    struct arena arena;
    arena_init(&arena, &in->env->mem, ARENA_LIMIT);
    while (seq != 0) {
        Kesu__V1__Event *event;
        struct seal_key key;
        struct span bytes;
        int64_t time_us;
        arena_reset(&arena);
        int err = intake_read_event(in->journal, seq, &arena, &event, &time_us, &bytes);
        const Kesu__V1__Sealed *sealed = err == 0 ? seal_of_event(event) : NULL;
        if (sealed == NULL || intake_keys_get(in->keys, sealed->key_id, &key) != 0) break;
        err = drop_files_of(in, blobs, event, key.secret, sealed, &arena);
        memset(&key, 0, sizeof(key));
        if (err != 0) break;
        seq = previous_of(event);
    }
    arena_deinit(&arena);
}

static void drop_all_evidence(struct intake *in, const Kesu__V1__CustomerErased *event, struct arena *arena)
{
    struct blob *blobs = NULL;
    for (size_t i = 0; i < event->n_case_ids; i++) {
        Kesu__V1__CaseState *state;
        if (intake_case_get(&in->reg, event->case_ids[i], arena, &state) != 0 || state->attachment_seq == 0)
            continue;
        int err = blobs == NULL ? blob_open(in->env, in->erase.blobs_path, &blobs) : 0;
        if (err != 0) {
            log_error(in->env, "evidence of an erased person could not be destroyed", LOG_ERR(err));
            return;
        }
        drop_evidence(in, blobs, state->attachment_seq);
    }
    blob_close(blobs);
}

/* ---- keys ------------------------------------------------------------------- */

static int carry_out(struct intake *in, uint64_t seq)
{
    struct arena arena;
    Kesu__V1__Event *event;
    struct span bytes;
    int64_t time_us;
    arena_init(&arena, &in->env->mem, ARENA_LIMIT);
    int err = intake_read_event(in->journal, seq, &arena, &event, &time_us, &bytes);
    if (err == 0 && event->body_case != KESU__V1__EVENT__BODY_CUSTOMER_ERASED) err = E_CORRUPT;
    if (err == 0) {
        const Kesu__V1__CustomerErased *b = event->customer_erased;
        drop_all_evidence(in, b, &arena);
        err = intake_keys_erase(in->keys, b->key_ids, b->n_key_ids);
        stats_add(in->stats.erased, (int64_t)b->n_key_ids);
        if (err == 0)
            log_info(in->env, "a customer was erased", LOG_U64("seq", seq), LOG_U64("cases", b->n_case_ids));
    }
    arena_deinit(&arena);
    return err;
}

void intake_erase_turn(struct intake *in)
{
    struct intake_erase *x = &in->erase;
    uint64_t durable = journal_head(in->journal).seq;
    unsigned done = 0;
    if (in->keys == NULL) return;
    for (; done < x->n && x->seqs[done] <= durable; done++) {
        int err = carry_out(in, x->seqs[done]);
        if (err == 0) continue;
        log_error(in->env, "keys could not be erased", LOG_U64("seq", x->seqs[done]), LOG_ERR(err));
        env_die(in->env, "keys could not be erased");
        return;
    }
    if (done == 0) return;
    x->n -= done;
    memmove(x->seqs, x->seqs + done, x->n * sizeof(*x->seqs));
    intake_readers_forget_keys(in);
}
