/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters and letters held since a rebuild: listed and sent again at an
 * operator's word. */
#include "clock.h"
#include "err.h"
#include "notification.h"

#define LIST_MAX   1000
#define RESEND_MAX 256 /* looked up at a time */

static void refuse(struct notification *n, uint64_t peer, const Kesu__V1__ControlRequest *request, int err,
                   const char *field, const char *reason)
{
    svc_refuse(n->svc, peer, request->id, err, field, reason);
}

/* Intents that have a letter, from after `from`; at most max. Returns how many, or an error. */
static int read_letters(struct notification *n, struct key *from, struct notification_intent *ret,
                        bool *ret_held, unsigned max)
{
    struct store_cursor *cursor;
    struct span key, value;
    struct key keys[RESEND_MAX];
    unsigned n_keys = 0, n_found = 0;
    if (max > RESEND_MAX) max = RESEND_MAX;
    int err = fold_cursor(n->fold, NOTIFICATION_LETTERS, &cursor);
    if (err != 0) return err;
    err = store_seek(n->env, cursor, key_span(from), &key, &value);
    while (err == 0 && n_keys < max) {
        keys[n_keys].n = 0;
        key_bytes(&keys[n_keys], key);
        ret_held[n_keys++] = value.n > 0 && value.p[0] != 0;
        err = store_step(n->env, cursor, +1, &key, &value);
    }
    store_cursor_close(n->env, cursor);
    if (err != 0 && err != E_NOT_FOUND) return err;
    for (unsigned i = 0; i < n_keys; i++) {
        err = fold_get(n->fold, NOTIFICATION_INTENTS, key_span(&keys[i]), &value);
        if (err == 0) err = notification_read_intent(key_span(&keys[i]), value, &ret[n_found]);
        if (err != 0 && err != E_NOT_FOUND) return err;
        if (err == 0) ret_held[n_found++] = ret_held[i];
    }
    if (n_keys > 0) {
        *from = keys[n_keys - 1];
        key_u8(from, 0);
    }
    return (int)n_found;
}

static void fill(Kesu__V1__DeadLetter *letter, const struct notification_intent *i, bool held)
{
    kesu__v1__dead_letter__init(letter);
    letter->cause_seq = i->cause_seq;
    letter->kind = (char *)(uintptr_t)i->kind;
    letter->case_id = i->case_id;
    letter->attempts = i->attempts;
    letter->detail =
        (char *)(uintptr_t)(held ? "not known to be sent since a rebuild or a restored journal" : i->detail);
    letter->since = held ? i->time_us : i->dead_since_us;
    letter->held = held;
}

void notification_letters_list(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct notification *n = self;
    unsigned limit = request->list_dead_letters->limit;
    Kesu__V1__DeadLetterList list = KESU__V1__DEAD_LETTER_LIST__INIT;
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    if (limit < 1 || limit > LIST_MAX) {
        refuse(n, peer, request, E_RANGE, "list_dead_letters.limit", "1 to 1000");
        return;
    }
    struct mem *m = &n->env->mem;
    struct notification_intent *intents = mem_alloc(m, LIST_MAX * sizeof *intents);
    bool *held = mem_alloc(m, LIST_MAX * sizeof *held);
    Kesu__V1__DeadLetter *letters = mem_alloc(m, LIST_MAX * sizeof *letters);
    list.letters = mem_alloc(m, LIST_MAX * sizeof(void *));
    struct key from = {.n = 0};
    key_u8(&from, 0);
    int got = 1;
    while (got > 0 && list.n_letters < limit) {
        size_t at = list.n_letters;
        got = read_letters(n, &from, intents + at, held + at, limit - (unsigned)at);
        for (int k = 0; k < got; k++) {
            fill(&letters[at + (size_t)k], &intents[at + (size_t)k], held[at + (size_t)k]);
            list.letters[list.n_letters++] = &letters[at + (size_t)k];
        }
    }
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_DEAD_LETTER_LIST;
    reply.dead_letter_list = &list;
    if (got < 0)
        refuse(n, peer, request, got, "", err_text(got));
    else
        svc_answer(n->svc, peer, request->id, &reply);
    mem_free(m, list.letters);
    mem_free(m, letters);
    mem_free(m, held);
    mem_free(m, intents);
}

static void send_again(struct notification *n, const struct notification_intent *i)
{
    struct notification_attempt a = {0};
    int err = notification_get_attempt(n->fold, i->cause_seq, i->kind, &a);
    uint32_t round = i->dead ? 1 : 0; /* a held one never had an outcome */
    if (err == 0 && a.round >= round) round = i->dead ? a.round + 1 : a.round;
    notification_drop_attempt(n->fold, i);
    a = (struct notification_attempt){
        .progress = NOTIFICATION_WAITING, .round = round, .next_us = clock_wall_us(n->env)};
    notification_put_attempt(n->fold, i, &a);
}

void notification_letters_resend(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct notification *n = self;
    uint64_t only = request->resend_dead_letters->cause_seq;
    Kesu__V1__Done done = KESU__V1__DONE__INIT;
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    struct mem *m = &n->env->mem;
    struct notification_intent *intents = mem_alloc(m, RESEND_MAX * sizeof *intents);
    bool held[RESEND_MAX];
    struct key from = {.n = 0};
    key_u64(&from, only);
    int got = 1;
    bool more = true;
    while (more && (got = read_letters(n, &from, intents, held, RESEND_MAX)) > 0) {
        for (int k = 0; k < got && more; k++) {
            more = only == 0 || intents[k].cause_seq == only;
            if (!more) break;
            send_again(n, &intents[k]);
            done.count++;
        }
    }
    mem_free(m, intents);
    if (got < 0) {
        refuse(n, peer, request, got, "", err_text(got));
        return;
    }
    if (only != 0 && done.count == 0) {
        refuse(n, peer, request, E_UNKNOWN, "resend_dead_letters.cause_seq", "no dead letter of this event");
        return;
    }
    fold_touch(n->fold);
    notification_send_pump(n);
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_DONE;
    reply.done = &done;
    svc_answer(n->svc, peer, request->id, &reply);
}
