/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox: commands not yet answered, as rows and in memory.
 *
 *   fold_send ─▶ fresh ─(commit)─▶ ready ─▶ flying ─▶ answered: row gone, on_refused
 *                  │                 ▲        │
 *             fold_unsend            └─waiting┘ refused for now
 *
 * Of one case only the oldest command is ready, flying or waiting, so that
 * they arrive in order; commands of no case do not wait for each other. What is
 * sent and unsent within one transaction never becomes a row. After a restart
 * every row is sent again: the derived ids make that harmless. */
#include "fold_internal.h"

#include "check.h"
#include "err.h"
#include "key.h"
#include "log.h"

#define FIRST_BUCKETS  256
#define FLYING_MAX     4096 /* handed to the command client at once */
#define RETRY_FIRST_US (50 * USEC_PER_MS)
#define RETRY_MAX_US   (30 * USEC_PER_SEC)
#define ROW_CASE       UUID_BYTES
#define ROW_COMMAND    (ROW_CASE + 8)

enum entry_place { FRESH, FLUSHED, BEHIND, READY, FLYING, WAITING };

struct outbox_entry {
    struct fold *fold;
    struct outbox_entry *same_id, *same_case; /* in the buckets; the second of heads only */
    struct outbox_entry *next_of_case;
    struct outbox_entry *next, *previous; /* fresh, flushed; ready, waiting, gone */
    uint64_t order, case_id;
    int64_t retry_us; /* monotonic, when waiting */
    uint8_t place;
    bool gone; /* unsent: whoever still holds it frees it */
    uint8_t attempts;
    size_t n;      /* of the row */
    uint8_t row[]; /* id, case, encoded command: as it stands in the table */
};

static void list_append(struct outbox_list *l, struct outbox_entry *e)
{
    e->next = NULL;
    e->previous = l->last;
    if (l->last != NULL)
        l->last->next = e;
    else
        l->first = e;
    l->last = e;
}

static void list_remove(struct outbox_list *l, struct outbox_entry *e)
{
    if (e->previous != NULL)
        e->previous->next = e->next;
    else
        l->first = e->next;
    if (e->next != NULL)
        e->next->previous = e->previous;
    else
        l->last = e->previous;
}

/* ---- finding --------------------------------------------------------------- */

static struct outbox_entry **id_bucket(struct fold_outbox *o, const uint8_t id[UUID_BYTES])
{
    uint64_t h;
    memcpy(&h, id + 8, sizeof(h));
    return &o->by_id[(h ^ h >> 32) & (o->n_buckets - 1)];
}

static struct outbox_entry **case_bucket(struct fold_outbox *o, uint64_t case_id)
{
    return &o->by_case[(case_id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (o->n_buckets - 1)];
}

static struct outbox_entry *find_id(struct fold_outbox *o, const uint8_t id[UUID_BYTES])
{
    struct outbox_entry *e = *id_bucket(o, id);
    while (e != NULL && memcmp(e->row, id, UUID_BYTES) != 0) e = e->same_id;
    return e;
}

static struct outbox_entry *find_case(struct fold_outbox *o, uint64_t case_id)
{
    struct outbox_entry *e = *case_bucket(o, case_id);
    while (e != NULL && e->case_id != case_id) e = e->same_case;
    return e;
}

static void grow(struct fold *f)
{
    struct fold_outbox *o = &f->outbox;
    unsigned n_old = o->n_buckets;
    struct outbox_entry **ids = o->by_id, **cases = o->by_case;
    o->n_buckets = n_old == 0 ? FIRST_BUCKETS : 4 * n_old;
    o->by_id = mem_zalloc(&f->env->mem, o->n_buckets * sizeof(struct outbox_entry *));
    o->by_case = mem_zalloc(&f->env->mem, o->n_buckets * sizeof(struct outbox_entry *));
    for (unsigned i = 0; i < n_old; i++) {
        for (struct outbox_entry *e = ids[i], *next; e != NULL; e = next) {
            next = e->same_id;
            struct outbox_entry **to = id_bucket(o, e->row);
            e->same_id = *to;
            *to = e;
        }
        for (struct outbox_entry *e = cases[i], *next; e != NULL; e = next) {
            next = e->same_case;
            struct outbox_entry **to = case_bucket(o, e->case_id);
            e->same_case = *to;
            *to = e;
        }
    }
    mem_free(&f->env->mem, ids);
    mem_free(&f->env->mem, cases);
}

static bool is_head(struct fold_outbox *o, const struct outbox_entry *e)
{
    return e->case_id == 0 || find_case(o, e->case_id) == e;
}

static void link_entry(struct fold *f, struct outbox_entry *e)
{
    struct fold_outbox *o = &f->outbox;
    if (o->n >= o->n_buckets) grow(f);
    struct outbox_entry **bucket = id_bucket(o, e->row);
    e->same_id = *bucket;
    *bucket = e;
    o->n++;
    if (e->case_id == 0) return;
    struct outbox_entry *head = find_case(o, e->case_id);
    if (head != NULL) {
        while (head->next_of_case != NULL) head = head->next_of_case;
        head->next_of_case = e;
        return;
    }
    bucket = case_bucket(o, e->case_id);
    e->same_case = *bucket;
    *bucket = e;
}

static void become_ready(struct fold_outbox *o, struct outbox_entry *e)
{
    e->place = READY;
    list_append(&o->ready, e);
}

/* Out of its case's queue; the next one may go. */
static void unlink_case(struct fold_outbox *o, struct outbox_entry *e)
{
    struct outbox_entry **p = case_bucket(o, e->case_id);
    while (*p != NULL && (*p)->case_id != e->case_id) p = &(*p)->same_case;
    struct outbox_entry *head = *p;
    CHECK(head != NULL);
    if (head != e) {
        while (head->next_of_case != e) head = head->next_of_case;
        head->next_of_case = e->next_of_case;
        return;
    }
    struct outbox_entry *next = e->next_of_case;
    if (next == NULL) {
        *p = e->same_case;
        return;
    }
    next->same_case = e->same_case;
    *p = next;
    if (next->place == BEHIND) become_ready(o, next);
}

static void unlink_entry(struct fold *f, struct outbox_entry *e)
{
    struct fold_outbox *o = &f->outbox;
    struct outbox_entry **p = id_bucket(o, e->row);
    while (*p != e) p = &(*p)->same_id;
    *p = e->same_id;
    o->n--;
    if (e->case_id != 0) unlink_case(o, e);
}

/* ---- rows ------------------------------------------------------------------- */

static void delete_row(struct fold *f, const struct outbox_entry *e)
{
    struct key k = {0};
    key_u64(&k, e->order);
    fold_own_del(f, FOLD_OUTBOX, key_span(&k));
}

void fold_outbox_flush(struct fold *f)
{
    struct fold_outbox *o = &f->outbox;
    struct outbox_entry *e = o->fresh;
    o->fresh = NULL;
    o->fresh_end = &o->fresh;
    while (e != NULL) {
        struct outbox_entry *next = e->next;
        if (e->gone) {
            mem_free(&f->env->mem, e);
        } else {
            struct key k = {0};
            key_u64(&k, e->order);
            fold_own_put(f, FOLD_OUTBOX, key_span(&k), span_of(e->row, e->n), true);
            e->place = FLUSHED;
            e->next = o->flushed;
            o->flushed = e;
        }
        e = next;
    }
}

static struct outbox_entry *entry_new(struct fold *f, uint64_t order, size_t n)
{
    struct outbox_entry *e = mem_alloc(&f->env->mem, sizeof(*e) + n);
    memset(e, 0, sizeof(*e));
    e->fold = f;
    e->order = order;
    e->n = n;
    return e;
}

static struct span entry_command(const struct outbox_entry *e)
{
    return span_of(e->row + ROW_COMMAND, e->n - ROW_COMMAND);
}

static int load_row(struct fold *f, struct span key, struct span value)
{
    struct fold_outbox *o = &f->outbox;
    uint64_t order;
    if (!key_take_u64(&key, &order) || value.n < ROW_COMMAND) return E_CORRUPT;
    struct outbox_entry *e = entry_new(f, order, value.n);
    memcpy(e->row, value.p, value.n);
    memcpy(&e->case_id, e->row + ROW_CASE, sizeof(e->case_id));
    e->place = BEHIND;
    link_entry(f, e);
    if (is_head(o, e)) become_ready(o, e);
    if (o->next_order <= order) o->next_order = order + 1;
    return 0;
}

int fold_outbox_load(struct fold *f)
{
    struct store_cursor *c;
    struct span key, value;
    struct store_txn *t = fold_txn(f);
    if (t == NULL) return f->failed;
    int r = store_cursor_open(f->env, t, fold_own_table(f, FOLD_OUTBOX), &c);
    if (r < 0) return r;
    while ((r = store_step(f->env, c, +1, &key, &value)) == 0)
        if ((r = load_row(f, key, value)) < 0) break;
    store_cursor_close(f->env, c);
    return r == E_NOT_FOUND ? 0 : r;
}

/* ---- sending ---------------------------------------------------------------- */

static void pump(struct fold *f);

static void wait_for(struct fold *f, struct outbox_entry *e)
{
    struct fold_outbox *o = &f->outbox;
    uint32_t r;
    env_random(f->env, &r, sizeof(r));
    int64_t wait = RETRY_FIRST_US << (e->attempts < 10 ? e->attempts : 10);
    if (wait > RETRY_MAX_US) wait = RETRY_MAX_US;
    wait += (int64_t)((uint64_t)r * (uint64_t)(wait / 4) >> 32);
    if (e->attempts < UINT8_MAX) e->attempts++;
    e->retry_us = clock_mono_us(f->env) + wait;
    e->place = WAITING;
    list_append(&o->waiting, e);
    if (o->timer_us == 0 || e->retry_us < o->timer_us) {
        o->timer_us = e->retry_us;
        timer_set(f->env, o->timer, o->timer_us);
    }
}

static void on_retry(void *self)
{
    struct fold *f = self;
    struct fold_outbox *o = &f->outbox;
    int64_t now = clock_mono_us(f->env), soonest = 0;
    o->timer_us = 0;
    for (struct outbox_entry *e = o->waiting.first, *next; e != NULL; e = next) {
        next = e->next;
        if (e->retry_us <= now) {
            list_remove(&o->waiting, e);
            become_ready(o, e);
        } else if (soonest == 0 || e->retry_us < soonest) {
            soonest = e->retry_us;
        }
    }
    if (soonest != 0) {
        o->timer_us = soonest > now + 10 * USEC_PER_MS ? soonest : now + 10 * USEC_PER_MS;
        timer_set(f->env, o->timer, o->timer_us);
    }
    pump(f);
}

/* Somebody else's capacity or presence is a reason to choose again, not to wait. */
static bool is_final(const Kesu__V1__Reply *reply)
{
    if (reply->result_case == KESU__V1__REPLY__RESULT_ACCEPTED) return true;
    if (reply->result_case != KESU__V1__REPLY__RESULT_REFUSED) return false;
    const Kesu__V1__Refused *r = reply->refused;
    return r->disposition != KESU__V1__DISPOSITION__DISPOSITION_RETRY ||
           r->code == KESU__V1__ERROR_CODE__E_CAPACITY || r->code == KESU__V1__ERROR_CODE__E_ABSENT;
}

static void answer(struct fold *f, struct outbox_entry *e, const Kesu__V1__Reply *reply)
{
    delete_row(f, e);
    fold_changed(f);
    unlink_entry(f, e);
    if (reply->result_case != KESU__V1__REPLY__RESULT_REFUSED) return;
    log_debug(f->env, "fold: a command was refused", LOG_U64("case", e->case_id),
              LOG_STR("reason", reply->refused->reason));
    if (f->def->on_refused == NULL) return;
    Kesu__V1__Command *command;
    arena_reset(&f->arena); /* no event is in hand now */
    int r = codec_unpack_own(&kesu__v1__command__descriptor, entry_command(e), &f->arena, &command);
    if (r == 0)
        f->def->on_refused(f->self, f, command, reply->refused);
    else
        log_error(f->env, "fold: a command of our own cannot be read", LOG_ERR(r));
}

static void on_reply(void *self, const Kesu__V1__Reply *reply)
{
    struct outbox_entry *e = self;
    struct fold *f = e->fold;
    f->outbox.n_flying--;
    if (!e->gone && !is_final(reply)) {
        wait_for(f, e);
        return;
    }
    if (e->gone)
        list_remove(&f->outbox.gone, e);
    else
        answer(f, e, reply);
    mem_free(&f->env->mem, e);
    pump(f);
}

static void pump(struct fold *f)
{
    struct fold_outbox *o = &f->outbox;
    if (!f->live || f->commands == NULL) return;
    while (o->ready.first != NULL && o->n_flying < FLYING_MAX) {
        struct outbox_entry *e = o->ready.first;
        list_remove(&o->ready, e);
        e->place = FLYING;
        o->n_flying++;
        command_send(f->commands, e->row, entry_command(e), on_reply, e);
    }
}

void fold_outbox_committed(struct fold *f)
{
    struct fold_outbox *o = &f->outbox;
    struct outbox_entry *flushed = NULL;
    while (o->flushed != NULL) { /* they lie newest first */
        struct outbox_entry *e = o->flushed;
        o->flushed = e->next;
        e->next = flushed;
        flushed = e;
    }
    while (flushed != NULL) {
        struct outbox_entry *e = flushed;
        flushed = e->next;
        e->place = BEHIND;
        if (is_head(o, e)) become_ready(o, e);
    }
    stats_set(f->stat_outbox, o->n);
    pump(f);
}

/* ---- what services call ------------------------------------------------------ */

/* The case a command touches: field case_id of its body, when it has one. */
static uint64_t command_case(const Kesu__V1__Command *command)
{
    const ProtobufCFieldDescriptor *body =
        protobuf_c_message_descriptor_get_field(&kesu__v1__command__descriptor, (unsigned)command->body_case);
    CHECK(body != NULL);
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(body->descriptor, "case_id");
    if (field == NULL || field->type != PROTOBUF_C_TYPE_UINT64) return 0;
    uint64_t case_id;
    const uint8_t *message = *(const uint8_t *const *)((const uint8_t *)command + body->offset);
    memcpy(&case_id, message + field->offset, sizeof(case_id));
    return case_id;
}

void fold_send(struct fold *f, Kesu__V1__Command *command, uint64_t cause_seq, int64_t time_us,
               const char *purpose, uint64_t target, bool urgent)
{
    struct fold_outbox *o = &f->outbox;
    Kesu__V1__Actor actor = KESU__V1__ACTOR__INIT;
    uint8_t id[UUID_BYTES];
    CHECK(f->opts.command_endpoint != NULL);
    uuid_derive(time_us, f->def->name, cause_seq, purpose, target, id);
    if (find_id(o, id) != NULL) return;
    actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_SERVICE;
    actor.name = (char *)(uintptr_t)f->def->name;
    command->actor = &actor;
    command->id = (ProtobufCBinaryData){UUID_BYTES, id};
    struct buf *packed = codec_pack_buf(command);
    struct outbox_entry *e = entry_new(f, o->next_order++, ROW_COMMAND + packed->n);
    e->case_id = command_case(command);
    memcpy(e->row, id, UUID_BYTES);
    memcpy(e->row + ROW_CASE, &e->case_id, sizeof(e->case_id));
    memcpy(e->row + ROW_COMMAND, packed->p, packed->n);
    buf_unref(packed);
    command->actor = NULL;
    command->id = (ProtobufCBinaryData){0, NULL};
    e->place = FRESH;
    *o->fresh_end = e;
    o->fresh_end = &e->next;
    link_entry(f, e);
    fold_changed(f);
    if (urgent) fold_touch(f);
}

void fold_unsend(struct fold *f, uint64_t cause_seq, int64_t time_us, const char *purpose, uint64_t target)
{
    struct fold_outbox *o = &f->outbox;
    uint8_t id[UUID_BYTES];
    uuid_derive(time_us, f->def->name, cause_seq, purpose, target, id);
    struct outbox_entry *e = find_id(o, id);
    if (e == NULL) return;
    if (e->place != FRESH) delete_row(f, e);
    if (e->place == READY) list_remove(&o->ready, e);
    if (e->place == WAITING) list_remove(&o->waiting, e);
    unlink_entry(f, e);
    if (e->place == FLYING) list_append(&o->gone, e);
    if (e->place == FRESH || e->place == FLYING)
        e->gone = true;
    else
        mem_free(&f->env->mem, e);
}

/* ---- life -------------------------------------------------------------------- */

void fold_outbox_init(struct fold *f)
{
    f->outbox.timer = timer_new(f->env, on_retry, f);
    f->outbox.fresh_end = &f->outbox.fresh;
    grow(f);
}

void fold_outbox_clear(struct fold *f)
{
    struct fold_outbox *o = &f->outbox;
    timer_cancel(f->env, o->timer);
    o->timer_us = 0;
    for (struct outbox_entry *e = o->fresh, *next; e != NULL; e = next) {
        next = e->next;
        if (e->gone) mem_free(&f->env->mem, e);
    }
    while (o->gone.first != NULL) {
        struct outbox_entry *e = o->gone.first;
        list_remove(&o->gone, e);
        mem_free(&f->env->mem, e);
    }
    for (unsigned i = 0; i < o->n_buckets; i++) {
        for (struct outbox_entry *e = o->by_id[i], *next; e != NULL; e = next) {
            next = e->same_id;
            mem_free(&f->env->mem, e);
        }
        o->by_id[i] = o->by_case[i] = NULL;
    }
    o->n = o->n_flying =
        0; /* next_order goes on: what is sent before the rows are loaded again follows them */
    o->fresh = o->flushed = NULL;
    o->fresh_end = &o->fresh;
    o->ready = o->waiting = (struct outbox_list){NULL, NULL};
}

void fold_outbox_deinit(struct fold *f)
{
    if (f->outbox.timer == NULL) return;
    fold_outbox_clear(f);
    timer_free(f->env, f->outbox.timer);
    mem_free(&f->env->mem, f->outbox.by_id);
    mem_free(&f->env->mem, f->outbox.by_case);
}
