/* SPDX-License-Identifier: Apache-2.0 */
/* Which intent goes next.
 *
 * First what waits to be tried again and is due, then intents without an
 * attempt, oldest first: `scanned` moves over them once, so the backlog costs
 * no memory. A flight writes its attempt, waits for the commit, then leaves.
 * After a crash an attempt that still says FLYING is sent once more: with the
 * same Message-ID, and counted. */
#include "check.h"
#include "clock.h"
#include "err.h"
#include "log.h"
#include "notification.h"

#define HOLD_AFTER_US    USEC_PER_DAY
#define FLIGHT_MAX_BYTES ((size_t)8 << 20)
#define POLL_US          (10 * USEC_PER_SEC)

struct candidate {
    struct notification_intent intent;
    struct notification_attempt attempt;
};

/* ---- flights ---- */

static struct notification_flight *find_flight(struct notification *n, uint64_t cause_seq, const char *kind)
{
    for (unsigned k = 0; k < n->set.max_flights; k++) {
        struct notification_flight *f = &n->flights[k];
        if (f->state != FLIGHT_FREE && f->intent.cause_seq == cause_seq && strcmp(f->intent.kind, kind) == 0)
            return f;
    }
    return NULL;
}

static struct notification_flight *take_flight(struct notification *n)
{
    for (unsigned k = 0; k < n->set.max_flights; k++)
        if (n->flights[k].state == FLIGHT_FREE) return &n->flights[k];
    return NULL;
}

void notification_send_reset(struct notification *n)
{
    for (unsigned k = 0; n->flights != NULL && k < n->set.max_flights; k++) {
        notification_transport_cancel(&n->flights[k]);
        arena_deinit(&n->flights[k].arena);
        n->flights[k].state = FLIGHT_FREE;
    }
    n->n_flying = 0;
    n->scanned.n = 0;
}

bool notification_send_leaving(const struct notification *n)
{
    for (unsigned k = 0; k < n->set.max_flights; k++)
        if (n->flights[k].state == FLIGHT_COMMIT || n->flights[k].state == FLIGHT_SENDING) return true;
    return false;
}

static void on_keys(void *self)
{
    struct notification *n = self;
    notification_send_pump(n);
}

static void set_state(struct notification_flight *f, int state)
{
    struct notification *n = f->n;
    if (f->state == FLIGHT_FREE && state != FLIGHT_FREE) n->n_flying++;
    if (f->state != FLIGHT_FREE && state == FLIGHT_FREE) {
        n->n_flying--;
        arena_deinit(&f->arena);
    }
    f->state = (unsigned)state;
    stats_set(n->m.flying, n->n_flying);
}

/* Makes the letter; what cannot be sent gets its outcome at once. */
static void prepare(struct notification_flight *f)
{
    struct notification *n = f->n;
    const char *reason = "";
    uint64_t key_id = 0;
    arena_reset(&f->arena);
    f->letter = (struct notification_letter){0};
    int err = notification_render(f, &reason, &key_id);
    if (err == E_NOT_FOUND) {
        f->key_id = key_id;
        fold_want_keys(n->fold, &key_id, 1, on_keys, n);
        return;
    }
    if (err != 0) {
        Kesu__V1__DeliveryOutcome outcome = err > 0 ? KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_NOT_SENT
                                                    : KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_GIVEN_UP;
        notification_outcome_tell(n, &f->intent, &f->attempt, outcome, "", "", reason);
        set_state(f, FLIGHT_FREE);
        return;
    }
    f->attempt.progress = NOTIFICATION_FLYING;
    f->attempt.attempts++;
    notification_put_attempt(n->fold, &f->intent, &f->attempt);
    fold_touch(n->fold);
    set_state(f, FLIGHT_COMMIT);
}

static void launch(struct notification *n, const struct candidate *c)
{
    struct notification_flight *f = take_flight(n);
    CHECK(f != NULL);
    f->n = n;
    f->intent = c->intent;
    f->attempt = c->attempt;
    f->stale = false;
    arena_init(&f->arena, &n->env->mem, FLIGHT_MAX_BYTES);
    set_state(f, FLIGHT_KEYS);
    prepare(f);
}

/* ---- what is next ---- */

static void wake_at(struct notification *n, int64_t wait_us)
{
    if (wait_us < 0) wait_us = 0;
    timer_set(n->env, n->timer, clock_mono_us(n->env) + (wait_us < POLL_US ? wait_us : POLL_US));
}

/* The first of the retries that is not on its way: one that waits for its key still stands there. */
static int first_retry(struct notification *n, int64_t *ret_next_us, uint64_t *ret_cause_seq,
                       char ret_kind[NOTIFICATION_ID_BYTES])
{
    struct store_cursor *cursor;
    struct span key, value;
    int err = fold_cursor(n->fold, NOTIFICATION_RETRIES, &cursor);
    if (err != 0) return err;
    while ((err = store_step(n->env, cursor, +1, &key, &value)) == 0) {
        const char *kind;
        bool read = key_take_i64(&key, ret_next_us) && key_take_u64(&key, ret_cause_seq) &&
                    key_take_text(&key, &kind) && strlen(kind) < NOTIFICATION_ID_BYTES;
        if (!read) {
            err = E_CORRUPT;
            break;
        }
        memcpy(ret_kind, kind, strlen(kind) + 1);
        if (find_flight(n, *ret_cause_seq, ret_kind) == NULL) break;
    }
    store_cursor_close(n->env, cursor);
    return err;
}

/* 1: *ret is due; 0: none is, and the timer is set for the next; or an error. */
static int next_retry(struct notification *n, struct candidate *ret)
{
    uint64_t cause_seq = 0;
    int64_t next_us = 0;
    char kind[NOTIFICATION_ID_BYTES];
    int err = first_retry(n, &next_us, &cause_seq, kind);
    if (err != 0) return err == E_NOT_FOUND ? 0 : err;
    int64_t wait = next_us - clock_wall_us(n->env);
    if (wait > 0) {
        wake_at(n, wait);
        return 0;
    }
    err = notification_get_intent(n->fold, cause_seq, kind, &ret->intent);
    if (err == 0) err = notification_get_attempt(n->fold, cause_seq, kind, &ret->attempt);
    if (err != 0) return err;
    stats_add(n->m.retried, 1);
    return 1;
}

static bool language_is_known(struct notification *n, uint64_t case_id)
{
    struct notification_state s;
    struct arena arena;
    Kesu__V1__CaseOpened *opened;
    if (notification_get_state(n->fold, case_id, &s) != 0 || s.language != 0) return true;
    arena_init(&arena, &n->env->mem, FLIGHT_MAX_BYTES);
    bool known = notification_get_case(n->fold, case_id, &arena, &opened, NULL) != 0 ||
                 opened->language != 0 || opened->automatic;
    arena_deinit(&arena);
    return known;
}

/* Waits a little for the classification to say in which language to write. */
static bool too_young(struct notification *n, const struct notification_intent *i)
{
    int64_t age = clock_wall_us(n->env) - i->time_us;
    if (i->staff[0] != '\0' || age >= n->set.language_wait_us || age < 0) return false;
    if (language_is_known(n, i->case_id)) return false;
    wake_at(n, n->set.language_wait_us - age);
    return true;
}

static void hold(struct notification *n, const struct notification_intent *i)
{
    struct notification_attempt a = {.progress = NOTIFICATION_HELD};
    notification_put_attempt(n->fold, i, &a);
    notification_put_letter(n->fold, i, true);
    fold_touch(n->fold);
    stats_add(n->m.held, 1);
}

/* Is this intent to be sent now? It is scanned once in a process. */
static bool wanted(struct notification *n, struct candidate *c)
{
    c->attempt = (struct notification_attempt){0};
    int err = notification_get_attempt(n->fold, c->intent.cause_seq, c->intent.kind, &c->attempt);
    if (err == 0) {
        if (c->attempt.progress != NOTIFICATION_FLYING ||
            find_flight(n, c->intent.cause_seq, c->intent.kind) != NULL)
            return false;
        c->attempt.unknown++;
        stats_add(n->m.repeated, 1);
        return true;
    }
    if (c->intent.dead) return false;
    uint64_t rebuilt_to = fold_rebuilt_to(n->fold) > n->rebuilt_to ? fold_rebuilt_to(n->fold) : n->rebuilt_to;
    bool old = c->intent.cause_seq <= rebuilt_to && clock_wall_us(n->env) - c->intent.time_us > HOLD_AFTER_US;
    if (old || c->intent.cause_seq < n->restored_seq) {
        hold(n, &c->intent);
        return false;
    }
    return true;
}

/* The first intent after `scanned`. 1, 0 at the end, or an error. */
static int step_scan(struct notification *n, struct notification_intent *ret)
{
    struct store_cursor *cursor;
    struct span key, value;
    struct key from = n->scanned;
    int err = fold_cursor(n->fold, NOTIFICATION_INTENTS, &cursor);
    if (err != 0) return err;
    if (from.n == 0)
        err = store_step(n->env, cursor, +1, &key, &value);
    else {
        key_u8(&from, 0); /* the least key after it */
        err = store_seek(n->env, cursor, key_span(&from), &key, &value);
    }
    if (err == 0) err = notification_read_intent(key, value, ret);
    store_cursor_close(n->env, cursor);
    if (err == E_NOT_FOUND) return 0;
    return err != 0 ? err : 1;
}

static int next_new(struct notification *n, struct candidate *ret)
{
    for (;;) {
        int got = step_scan(n, &ret->intent);
        if (got != 1) return got;
        if (too_young(n, &ret->intent)) return 0;
        notification_intent_key(ret->intent.cause_seq, ret->intent.kind, &n->scanned);
        if (wanted(n, ret)) return 1;
    }
}

static bool has_key(struct notification *n, uint64_t key_id)
{
    const uint8_t *secret;
    return seal_ring_get(fold_ring(n->fold), key_id, &secret) != E_NOT_FOUND;
}

void notification_send_pump(struct notification *n)
{
    struct candidate c;
    if (n->fold == NULL || !fold_live(n->fold) || !n->set.send || n->stopping) return;
    for (unsigned k = 0; k < n->set.max_flights; k++)
        if (n->flights[k].state == FLIGHT_KEYS && has_key(n, n->flights[k].key_id)) prepare(&n->flights[k]);
    int got = 1;
    while (got == 1 && n->n_flying < n->set.max_flights) {
        got = next_retry(n, &c);
        if (got == 0) got = next_new(n, &c);
        if (got == 1) launch(n, &c);
    }
    if (got < 0 && got != E_CLOSED) log_error(n->env, "what is to be told cannot be read", LOG_ERR(got));
    sched_wake(n->env); /* the turn's end closes the transaction we read in */
}

/* Starting one may end it at once and put another in its place, whose attempt
 * is not committed yet: those that leave now are chosen before. */
void notification_send_committed(struct notification *n)
{
    struct notification_flight *leaving[NOTIFICATION_MAX_FLIGHTS];
    unsigned n_leaving = 0;
    for (unsigned k = 0; k < n->set.max_flights; k++)
        if (n->flights[k].state == FLIGHT_COMMIT) leaving[n_leaving++] = &n->flights[k];
    for (unsigned k = 0; k < n_leaving; k++)
        leaving[k]->state = leaving[k]->stale ? FLIGHT_KEYS : FLIGHT_SENDING;
    for (unsigned k = 0; k < n_leaving; k++) {
        if (leaving[k]->stale) {
            leaving[k]->stale = false;
            prepare(leaving[k]);
            continue;
        }
        leaving[k]->began_us = clock_mono_us(n->env);
        notification_transport_start(leaving[k]);
    }
}

void notification_send_erased(struct notification *n, uint64_t case_id)
{
    for (unsigned k = 0; n->flights != NULL && k < n->set.max_flights; k++)
        if (n->flights[k].state == FLIGHT_COMMIT && n->flights[k].intent.case_id == case_id)
            n->flights[k].stale = true;
}

/* A refusal: the journal has this outcome, or will not have it. */
void notification_send_refused(struct notification *n, const Kesu__V1__RecordDelivery *told,
                               const Kesu__V1__Refused *refused)
{
    struct notification_intent i;
    if (notification_get_intent(n->fold, told->cause_seq, told->kind, &i) != 0) return;
    if (told->outcome == KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_GIVEN_UP && i.dead) {
        notification_put_letter(n->fold, &i, false); /* sent again in vain: a dead letter as before */
    } else if (refused->code != KESU__V1__ERROR_CODE__E_EXISTS) {
        log_warn(n->env, "an outcome was refused", LOG_U64("cause", told->cause_seq),
                 LOG_STR("kind", told->kind), LOG_STR("reason", refused->reason));
    }
}
