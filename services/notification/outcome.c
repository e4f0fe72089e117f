/* SPDX-License-Identifier: Apache-2.0 */
/* What became of a flight: done, again later, or given up; and telling it. */
#include "check.h"
#include "clock.h"
#include "err.h"
#include "log.h"
#include "notification.h"

/* One line of ASCII, addresses left out: what a server answers may name people. */
static void clean_detail(const char *s, char ret[NOTIFICATION_DETAIL_BYTES])
{
    size_t used = 0;
    while (*s != '\0' && used + 16 < NOTIFICATION_DETAIL_BYTES) {
        size_t n = strcspn(s, " ");
        if (memchr(s, '@', n) != NULL) {
            memcpy(ret + used, "(address)", 9);
            used += 9;
        } else {
            for (size_t i = 0; i < n && used + 16 < NOTIFICATION_DETAIL_BYTES; i++)
                ret[used++] = s[i] > ' ' && s[i] < 0x7f ? s[i] : '?';
        }
        s += n;
        if (*s == ' ') {
            ret[used++] = ' ';
            s++;
        }
    }
    ret[used] = '\0';
}

void notification_outcome_tell(struct notification *n, const struct notification_intent *i,
                               struct notification_attempt *a, Kesu__V1__DeliveryOutcome outcome,
                               const char *transport, const char *message_id, const char *detail)
{
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    Kesu__V1__RecordDelivery body = KESU__V1__RECORD_DELIVERY__INIT;
    char purpose[NOTIFICATION_ID_BYTES + 12];
    clean_detail(detail, a->detail);
    a->progress = NOTIFICATION_TOLD;
    notification_put_attempt(n->fold, i, a);
    body.case_id = i->case_id;
    body.work_id = i->work_id;
    body.kind = (char *)(uintptr_t)i->kind;
    body.cause_seq = i->cause_seq;
    body.outcome = outcome;
    body.transport = (char *)(uintptr_t)transport;
    body.message_id = (char *)(uintptr_t)message_id;
    body.attempts = a->attempts;
    body.detail = a->detail;
    body.told = (char *)(uintptr_t)i->staff;
    command.body_case = KESU__V1__COMMAND__BODY_RECORD_DELIVERY;
    command.record_delivery = &body;
    notification_purpose(i->kind, a->round, purpose);
    fold_send(n->fold, &command, i->cause_seq, i->time_us, purpose, 0, true);
    struct stats_value *count =
        outcome == KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DELIVERED  ? n->m.delivered
        : outcome == KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_NOT_SENT ? n->m.not_sent
                                                                           : n->m.given_up;
    stats_add(count, 1);
}

static void finish(struct notification_flight *f, Kesu__V1__DeliveryOutcome outcome, const char *detail)
{
    notification_outcome_tell(f->n, &f->intent, &f->attempt, outcome,
                              notification_transport_name(f->letter.transport), f->letter.message_id, detail);
}

static void again_later(struct notification_flight *f, const char *detail)
{
    struct notification *n = f->n;
    unsigned step = f->attempt.attempts - 1;
    if (step >= n->set.n_retries) {
        finish(f, KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_GIVEN_UP, detail);
        return;
    }
    clean_detail(detail, f->attempt.detail);
    f->attempt.progress = NOTIFICATION_WAITING;
    f->attempt.next_us = clock_wall_us(n->env) + n->set.retry_us[step];
    notification_put_attempt(n->fold, &f->intent, &f->attempt);
    fold_touch(n->fold);
}

void notification_outcome(struct notification_flight *f, enum port_outcome outcome, const char *detail)
{
    struct notification *n = f->n;
    struct notification_intent now;
    CHECK(f->state == FLIGHT_SENDING);
    f->mail = NULL;
    f->http = NULL;
    stats_observe_us(n->m.send_time, clock_mono_us(n->env) - f->began_us);
    if (notification_get_intent(n->fold, f->intent.cause_seq, f->intent.kind, &now) == 0) {
        switch (outcome) {
        case PORT_DONE:
            finish(f, KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DELIVERED, detail);
            break;
        case PORT_PERMANENT:
            finish(f, KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_GIVEN_UP, detail);
            break;
        case PORT_UNKNOWN:
            f->attempt.unknown++;
            stats_add(n->m.repeated, 1);
            again_later(f, detail);
            break;
        case PORT_TEMPORARY:
            again_later(f, detail);
            break;
        }
    }
    f->state = FLIGHT_FREE;
    n->n_flying--;
    stats_set(n->m.flying, n->n_flying);
    arena_deinit(&f->arena);
    notification_send_pump(n);
}
