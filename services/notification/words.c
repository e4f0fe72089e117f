/* SPDX-License-Identifier: Apache-2.0 */
/* What staff says to the customer, and what is given to or asked of staff.
 *
 * The words stand sealed in a row of their own, by case and the event that has
 * them, until nobody is left to be told. Those of a reply that is held wait
 * there: undone they go, and when the reply is sent its intent names them. */
#include "err.h"
#include "notification.h"

static int known(int err)
{
    return err == E_NOT_FOUND ? 0 : err;
}

static void drop(struct fold *f, uint64_t case_id, uint64_t seq)
{
    struct key key;
    notification_words_key(case_id, seq, &key);
    fold_del(f, NOTIFICATION_WORDS, key_span(&key));
}

static void keep(struct fold *f, const struct fold_event *ev, const Kesu__V1__Sealed *words)
{
    struct key key;
    notification_words_key(ev->case_id, ev->seq, &key);
    fold_put_message(f, NOTIFICATION_WORDS, key_span(&key), words);
}

static int tell(void *self, struct fold *f, const struct fold_event *ev,
                const struct notification_cause *cause)
{
    struct notification_state s;
    int err = notification_get_state(f, ev->case_id, &s);
    if (err != 0) return known(err);
    unsigned added = notification_intents_add(self, f, ev, cause);
    if (added == 0 && cause->words_seq != 0) drop(f, ev->case_id, cause->words_seq);
    if (added == 0) return 0;
    s.n_intents += added;
    notification_put_state(f, ev->case_id, &s);
    return 0;
}

static int tell_customer(void *self, struct fold *f, const struct fold_event *ev, const char *on,
                         const Kesu__V1__Sealed *words)
{
    if (words == NULL) return 0;
    keep(f, ev, words);
    return tell(self, f, ev, &(struct notification_cause){.on = on, .words_seq = ev->seq});
}

static int tell_staff(void *self, struct fold *f, const struct fold_event *ev, const char *on,
                      const char *staff)
{
    if (staff[0] == '\0') return 0;
    return tell(self, f, ev, &(struct notification_cause){.on = on, .agent = staff});
}

/* ---- a row each ---- */

int notification_words_held(void *self, struct fold *f, const struct fold_event *ev)
{
    (void)self;
    if (ev->event->reply_held->words != NULL) keep(f, ev, ev->event->reply_held->words);
    return 0;
}

int notification_words_undone(void *self, struct fold *f, const struct fold_event *ev)
{
    (void)self;
    drop(f, ev->case_id, ev->event->reply_undone->reply_seq);
    return 0;
}

int notification_words_sent(void *self, struct fold *f, const struct fold_event *ev)
{
    const Kesu__V1__ReplySent *b = ev->event->reply_sent;
    return tell(
        self, f, ev,
        &(struct notification_cause){.on = b->progress ? "progress" : "replied", .words_seq = b->reply_seq});
}

int notification_words_reviewed(void *self, struct fold *f, const struct fold_event *ev)
{
    const Kesu__V1__CaseReviewed *b = ev->event->case_reviewed;
    if (b->finding != KESU__V1__FINDING__FINDING_NOT_FOUNDED) return 0;
    return tell_customer(self, f, ev, "explained", b->words);
}

int notification_words_opinion(void *self, struct fold *f, const struct fold_event *ev)
{
    const Kesu__V1__OpinionSent *b = ev->event->opinion_sent;
    int err = tell_customer(self, f, ev, b->final ? "final_opinion" : "opinion", b->words);
    return err != 0 ? err : tell_staff(self, f, ev, "reading_asked", b->read_by);
}

/* Why not, staff says among themselves. */
int notification_words_admitted(void *self, struct fold *f, const struct fold_event *ev)
{
    if (ev->event->appeal_admitted->admitted) return 0;
    return tell(self, f, ev, &(struct notification_cause){.on = "appeal_not_admitted"});
}

int notification_words_appeal(void *self, struct fold *f, const struct fold_event *ev)
{
    return tell_customer(self, f, ev, "appeal_decided", ev->event->appeal_decided->words);
}

int notification_words_deadlock(void *self, struct fold *f, const struct fold_event *ev)
{
    return tell_customer(self, f, ev, "deadlocked", ev->event->deadlock_declared->words);
}

int notification_words_returned(void *self, struct fold *f, const struct fold_event *ev)
{
    struct key key;
    notification_words_key(ev->case_id, ev->seq, &key);
    fold_put_message(f, NOTIFICATION_WORDS, key_span(&key), ev->event->file_returned);
    return tell(self, f, ev, &(struct notification_cause){.on = "file_returned", .words_seq = ev->seq});
}

int notification_words_task(void *self, struct fold *f, const struct fold_event *ev)
{
    return tell_staff(self, f, ev, "task_given", ev->event->task_opened->owner);
}

int notification_words_transferred(void *self, struct fold *f, const struct fold_event *ev)
{
    return tell_staff(self, f, ev, "task_given", ev->event->task_transferred->owner);
}

int notification_words_submitted(void *self, struct fold *f, const struct fold_event *ev)
{
    return tell_staff(self, f, ev, "approval_asked", ev->event->proposal_submitted->to);
}

int notification_words_reviewer(void *self, struct fold *f, const struct fold_event *ev)
{
    return tell_staff(self, f, ev, "reviewer_assigned", ev->event->reviewer_assigned->reviewer);
}

/* ---- when they go ---- */

/* The first key of a table from `from` on that begins with it; E_NOT_FOUND. */
static int first(struct notification *n, struct fold *f, unsigned table, const struct key *from,
                 struct key *ret)
{
    struct store_cursor *cursor;
    struct span key, value, begin = key_span(from);
    int err = fold_cursor(f, table, &cursor);
    if (err != 0) return err;
    err = store_seek(n->env, cursor, begin, &key, &value);
    if (err == 0 && (key.n < begin.n || memcmp(key.p, begin.p, begin.n) != 0)) err = E_NOT_FOUND;
    if (err == 0) {
        ret->n = 0;
        key_bytes(ret, key);
    }
    store_cursor_close(n->env, cursor);
    return err;
}

int notification_words_forget(struct notification *n, struct fold *f, const struct notification_intent *i)
{
    struct key cause = {.n = 0}, other;
    if (i->words_seq == 0) return 0;
    key_u64(&cause, i->cause_seq);
    int err = first(n, f, NOTIFICATION_INTENTS, &cause, &other);
    if (err == E_NOT_FOUND) drop(f, i->case_id, i->words_seq);
    return known(err);
}

int notification_words_erase(struct notification *n, struct fold *f, uint64_t case_id)
{
    struct key of_case, key;
    int err;
    notification_case_key(case_id, &of_case);
    while ((err = first(n, f, NOTIFICATION_WORDS, &of_case, &key)) == 0)
        fold_del(f, NOTIFICATION_WORDS, key_span(&key));
    return known(err);
}
