/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the tables: packed by hand, small, the same bytes for the same
 * journal (the first six tables are compared by `fold verify`). */
#include <stdio.h>

#include "check.h"
#include "err.h"
#include "rows.h"

const char *const notification_tables[NOTIFICATION_N_TABLES] = {
    [NOTIFICATION_CASES] = "cases",         [NOTIFICATION_STATES] = "states",
    [NOTIFICATION_SUMMARIES] = "summaries", [NOTIFICATION_WORDS] = "words",
    [NOTIFICATION_INTENTS] = "intents",     [NOTIFICATION_ANSWERS] = "answers",
    [NOTIFICATION_ATTEMPTS] = "attempts",   [NOTIFICATION_RETRIES] = "retries",
    [NOTIFICATION_LETTERS] = "letters",     [NOTIFICATION_META] = "meta",
};

void notification_case_key(uint64_t case_id, struct key *ret)
{
    ret->n = 0;
    key_u64(ret, case_id);
}

void notification_words_key(uint64_t case_id, uint64_t seq, struct key *ret)
{
    notification_case_key(case_id, ret);
    key_u64(ret, seq);
}

void notification_intent_key(uint64_t cause_seq, const char *kind, struct key *ret)
{
    ret->n = 0;
    key_u64(ret, cause_seq);
    key_text(ret, kind);
}

static bool take_text(struct span *v, char *ret, size_t n)
{
    const char *s;
    if (!key_take_text(v, &s) || strlen(s) >= n) return false;
    memcpy(ret, s, strlen(s) + 1);
    return true;
}

/* ---- cases ---- */

int notification_get_case(struct fold *f, uint64_t case_id, struct arena *arena, Kesu__V1__CaseOpened **ret,
                          uint32_t *ret_n_intents)
{
    struct key key;
    struct span v;
    uint8_t n_intents;
    notification_case_key(case_id, &key);
    int err = fold_get(f, NOTIFICATION_CASES, key_span(&key), &v);
    if (err != 0) return err;
    if (!key_take_u8(&v, &n_intents)) return E_CORRUPT;
    if (ret_n_intents != NULL) *ret_n_intents = n_intents;
    if (ret == NULL) return 0;
    return codec_unpack_own(&kesu__v1__case_opened__descriptor, v, arena, (void *)ret);
}

void notification_put_case(struct fold *f, uint64_t case_id, const Kesu__V1__CaseOpened *opened,
                           uint32_t n_intents, struct arena *arena)
{
    Kesu__V1__CaseOpened kept = *opened;
    struct key key;
    kept.external = NULL;
    kept.object = NULL;
    kept.n_contact_hashes = 0;
    kept.contact_hashes = NULL;
    kept.thread_hash = (ProtobufCBinaryData){0, NULL};
    struct span packed = codec_pack(&kept, arena);
    uint8_t *row = arena_alloc(arena, packed.n + 1);
    CHECK(packed.p != NULL &&
          row != NULL); /* an event's scratch has room for what is smaller than the event */
    row[0] = (uint8_t)n_intents;
    memcpy(row + 1, packed.p, packed.n);
    notification_case_key(case_id, &key);
    fold_put(f, NOTIFICATION_CASES, key_span(&key), span_of(row, packed.n + 1));
}

void notification_drop_case(struct fold *f, uint64_t case_id)
{
    struct key key;
    notification_case_key(case_id, &key);
    fold_del(f, NOTIFICATION_CASES, key_span(&key));
    fold_del(f, NOTIFICATION_STATES, key_span(&key));
    fold_del(f, NOTIFICATION_SUMMARIES, key_span(&key));
}

/* A case of which nothing was said since it was opened has no row yet. */
int notification_get_state(struct fold *f, uint64_t case_id, struct notification_state *ret)
{
    struct key key;
    struct span v;
    struct notification_state s = {0};
    uint8_t archived, severity, language;
    notification_case_key(case_id, &key);
    int err = fold_get(f, NOTIFICATION_STATES, key_span(&key), &v);
    if (err == E_NOT_FOUND) {
        err = notification_get_case(f, case_id, NULL, NULL, &s.n_intents);
        if (err == 0) *ret = s;
        return err;
    }
    if (err != 0) return err;
    if (!key_take_u32(&v, &s.n_intents) || !key_take_u8(&v, &archived) || !key_take_u8(&v, &severity) ||
        !key_take_u8(&v, &language) || !take_text(&v, s.category, sizeof s.category) ||
        !take_text(&v, s.department, sizeof s.department) || !take_text(&v, s.agent, sizeof s.agent))
        return E_CORRUPT;
    s.archived = archived != 0;
    s.severity = (Kesu__V1__Severity)severity;
    s.language = (Kesu__V1__Language)language;
    *ret = s;
    return 0;
}

void notification_put_state(struct fold *f, uint64_t case_id, const struct notification_state *s)
{
    struct key key, v = {.n = 0};
    notification_case_key(case_id, &key);
    key_u32(&v, s->n_intents);
    key_u8(&v, s->archived);
    key_u8(&v, (uint8_t)s->severity);
    key_u8(&v, (uint8_t)s->language);
    key_text(&v, s->category);
    key_text(&v, s->department);
    key_text(&v, s->agent);
    fold_put(f, NOTIFICATION_STATES, key_span(&key), key_span(&v));
}

/* ---- intents ---- */

int notification_read_intent(struct span k, struct span v, struct notification_intent *ret)
{
    struct notification_intent i = {0};
    uint8_t dead;
    if (!key_take_u64(&k, &i.cause_seq) || !take_text(&k, i.kind, sizeof i.kind) ||
        !key_take_u64(&v, &i.case_id) || !key_take_i64(&v, &i.time_us) ||
        !take_text(&v, i.staff, sizeof i.staff) || !take_text(&v, i.clock, sizeof i.clock) ||
        !key_take_i64(&v, &i.due_us) || !key_take_u32(&v, &i.level) || !key_take_u64(&v, &i.words_seq) ||
        !key_take_u64(&v, &i.work_id) || !take_text(&v, i.owner, sizeof i.owner) || !key_take_u8(&v, &dead) ||
        !key_take_u32(&v, &i.attempts) || !key_take_i64(&v, &i.dead_since_us) ||
        !take_text(&v, i.detail, sizeof i.detail))
        return E_CORRUPT;
    i.dead = dead != 0;
    *ret = i;
    return 0;
}

int notification_get_intent(struct fold *f, uint64_t cause_seq, const char *kind,
                            struct notification_intent *ret)
{
    struct key key;
    struct span v;
    if (strlen(kind) >= NOTIFICATION_ID_BYTES) return E_NOT_FOUND;
    notification_intent_key(cause_seq, kind, &key);
    int err = fold_get(f, NOTIFICATION_INTENTS, key_span(&key), &v);
    return err != 0 ? err : notification_read_intent(key_span(&key), v, ret);
}

void notification_put_intent(struct fold *f, const struct notification_intent *i)
{
    struct key key, v = {.n = 0};
    notification_intent_key(i->cause_seq, i->kind, &key);
    key_u64(&v, i->case_id);
    key_i64(&v, i->time_us);
    key_text(&v, i->staff);
    key_text(&v, i->clock);
    key_i64(&v, i->due_us);
    key_u32(&v, i->level);
    key_u64(&v, i->words_seq);
    key_u64(&v, i->work_id);
    key_text(&v, i->owner);
    key_u8(&v, i->dead);
    key_u32(&v, i->attempts);
    key_i64(&v, i->dead_since_us);
    key_text(&v, i->detail);
    fold_put(f, NOTIFICATION_INTENTS, key_span(&key), key_span(&v));
}

/* ---- attempts ---- */

int notification_get_attempt(struct fold *f, uint64_t cause_seq, const char *kind,
                             struct notification_attempt *ret)
{
    struct notification_attempt a = {0};
    struct key key;
    struct span v;
    uint8_t progress;
    notification_intent_key(cause_seq, kind, &key);
    int err = fold_get(f, NOTIFICATION_ATTEMPTS, key_span(&key), &v);
    if (err != 0) return err;
    if (!key_take_u8(&v, &progress) || !key_take_u32(&v, &a.attempts) || !key_take_u32(&v, &a.unknown) ||
        !key_take_u32(&v, &a.round) || !key_take_i64(&v, &a.next_us) ||
        !take_text(&v, a.detail, sizeof a.detail))
        return E_CORRUPT;
    a.progress = (enum notification_progress)progress;
    *ret = a;
    return 0;
}

static void retry_key(const struct notification_intent *i, int64_t next_us, struct key *ret)
{
    ret->n = 0;
    key_i64(ret, next_us);
    key_u64(ret, i->cause_seq);
    key_text(ret, i->kind);
}

/* An attempt that waits stands in RETRIES by its time, and only then. */
void notification_put_attempt(struct fold *f, const struct notification_intent *i,
                              const struct notification_attempt *a)
{
    struct notification_attempt before;
    struct key key, v = {.n = 0};
    if (notification_get_attempt(f, i->cause_seq, i->kind, &before) == 0 &&
        before.progress == NOTIFICATION_WAITING) {
        retry_key(i, before.next_us, &key);
        fold_del(f, NOTIFICATION_RETRIES, key_span(&key));
    }
    if (a->progress == NOTIFICATION_WAITING) {
        retry_key(i, a->next_us, &key);
        fold_put(f, NOTIFICATION_RETRIES, key_span(&key), SPAN_LIT("r"));
    }
    key_u8(&v, (uint8_t)a->progress);
    key_u32(&v, a->attempts);
    key_u32(&v, a->unknown);
    key_u32(&v, a->round);
    key_i64(&v, a->next_us);
    key_text(&v, a->detail);
    notification_intent_key(i->cause_seq, i->kind, &key);
    fold_put(f, NOTIFICATION_ATTEMPTS, key_span(&key), key_span(&v));
}

void notification_drop_attempt(struct fold *f, const struct notification_intent *i)
{
    struct notification_attempt a;
    struct key key;
    if (notification_get_attempt(f, i->cause_seq, i->kind, &a) == 0 && a.progress == NOTIFICATION_WAITING) {
        retry_key(i, a.next_us, &key);
        fold_del(f, NOTIFICATION_RETRIES, key_span(&key));
    }
    notification_intent_key(i->cause_seq, i->kind, &key);
    fold_del(f, NOTIFICATION_ATTEMPTS, key_span(&key));
    fold_del(f, NOTIFICATION_LETTERS, key_span(&key));
}

void notification_put_letter(struct fold *f, const struct notification_intent *i, bool held)
{
    struct key key;
    uint8_t v = held;
    notification_intent_key(i->cause_seq, i->kind, &key);
    fold_put(f, NOTIFICATION_LETTERS, key_span(&key), span_of(&v, 1));
}

uint64_t notification_get_number(struct fold *f, const char *name)
{
    struct span v;
    uint64_t number = 0;
    if (fold_get(f, NOTIFICATION_META, span_str(name), &v) == 0) (void)key_take_u64(&v, &number);
    return number;
}

void notification_put_number(struct fold *f, const char *name, uint64_t value)
{
    struct key v = {.n = 0};
    key_u64(&v, value);
    fold_put(f, NOTIFICATION_META, span_str(name), key_span(&v));
}

void notification_purpose(const char *kind, uint32_t round, char ret[NOTIFICATION_ID_BYTES + 12])
{
    if (round == 0)
        (void)snprintf(ret, NOTIFICATION_ID_BYTES + 12, "%s", kind);
    else
        (void)snprintf(ret, NOTIFICATION_ID_BYTES + 12, "%s#%u", kind, round);
}
