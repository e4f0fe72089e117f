/* SPDX-License-Identifier: Apache-2.0 */
/* What leaves the office: each message has one identity and one receiver, its
 * attempt stands in the committed store, a repeat has the same identity and a
 * reason: nobody knows what became of the one before, or a crash, or a store
 * that found no room and began again. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "../../services/notification/notification.h"
#include "check.h"
#include "clock.h"
#include "office.h"

/* Whoever may still send a message has heard by then that its outcome is in the journal. */
#define HEARD_US (30 * USEC_PER_SEC)

struct mail {
    char id[320];
    char *url, *to;
    uint64_t cause_seq; /* what it tells */
    char kind[AUDIT_ID];
    unsigned copies, taken;
    unsigned boot, failed_commits; /* of the sender, at the last copy */
    enum port_outcome outcome;
};

struct mails {
    struct mail *list;
    unsigned n;
    struct idset places; /* hash of the id: place, from 1 */
};

/* The value of a header line; empty when there is none. */
void mails_header(struct span text, const char *name, char ret[320])
{
    ret[0] = '\0';
    size_t length = strlen(name);
    for (size_t at = 0; at + length < text.n;) {
        const uint8_t *end = memchr(text.p + at, '\n', text.n - at);
        size_t n = end != NULL ? (size_t)(end - text.p) - at : text.n - at;
        if (n == 0 || (n == 1 && text.p[at] == '\r')) return; /* the body begins */
        if (n > length && strncasecmp((const char *)text.p + at, name, length) == 0) {
            const char *value = (const char *)text.p + at + length;
            size_t left = n - length;
            while (left > 0 && (*value == ' ' || *value == '\t')) value++, left--;
            while (left > 0 && (value[left - 1] == '\r' || value[left - 1] == ' ')) left--;
            snprintf(ret, 320, "%.*s", (int)(left < 319 ? left : 319), value);
            return;
        }
        at += n + 1;
    }
}

/* Without the angle brackets of a header. */
static void strip(char *id)
{
    size_t n = strlen(id);
    if (n < 2 || id[0] != '<' || id[n - 1] != '>') return;
    memmove(id, id + 1, n - 2);
    id[n - 2] = '\0';
}

static void identity_of(const struct sim_mail *m, char ret[320])
{
    if (m->headers != NULL)
        mails_header(span_str(m->headers), "webhook-id:", ret);
    else
        mails_header(m->message, "message-id:", ret);
    strip(ret);
}

static bool find(const struct mails *ms, const char *id, uint8_t ret_hash[HASH_BYTES], struct mail **ret)
{
    uint64_t place;
    hash_bytes(span_str(id), ret_hash);
    if (!idset_find(&ms->places, ret_hash, &place)) return false;
    *ret = &ms->list[place - 1];
    return true;
}

static struct mail *mail_of(struct mails *ms, const struct sim_mail *sim_mail, const char *id)
{
    uint8_t hash[HASH_BYTES];
    struct mail *m = NULL;
    if (find(ms, id, hash, &m)) return m;
    if ((ms->n & (ms->n - 1)) == 0) {
        ms->list = realloc(ms->list, (ms->n > 0 ? 2 * ms->n : 1) * sizeof *ms->list);
        CHECK(ms->list != NULL);
    }
    m = &ms->list[ms->n++];
    *m = (struct mail){.url = strdup(sim_mail->url), .to = strdup(sim_mail->to != NULL ? sim_mail->to : "")};
    snprintf(m->id, sizeof m->id, "%s", id);
    idset_add(&ms->places, hash, ms->n);
    return m;
}

/* The attempt stands in the store before the message leaves; it says what it is of. */
static bool is_committed(struct office *o, const struct office_service *s, struct mail *m)
{
    char store[200], made[320];
    struct span key = SPAN_NONE, value;
    snprintf(store, sizeof store, OFFICE_DATA "/%s.fold", s->fold);
    while (sim_disk_seek(o->sim, store, "attempts", false, key, true, &key, &value)) {
        struct span k = key;
        uint64_t cause_seq;
        const char *kind;
        if (!key_take_u64(&k, &cause_seq) || !key_take_text(&k, &kind) || value.n == 0) return false;
        if (value.p[0] != NOTIFICATION_FLYING) continue;
        notification_message_id(o->journal_uuid, cause_seq, kind, 0, "", made, sizeof made);
        if (strncmp(made, m->id, 32) != 0) continue;
        m->cause_seq = cause_seq;
        snprintf(m->kind, sizeof m->kind, "%s", kind);
        return true;
    }
    return false;
}

static void check_repeat(struct office *o, const struct mail *m, const struct sim_mail *sim_mail)
{
    const struct audit_delivery *d = audit_outcome(&o->audit, m->id);
    if (d != NULL && sim_now_us(o->sim) > d->seen_us + HEARD_US + sim_frozen_us(o->sim))
        audit_broken(&o->audit, "%s is sent again %lld s after its outcome was in the journal", m->id,
                     (long long)((sim_now_us(o->sim) - d->seen_us) / USEC_PER_SEC));
    bool same_life = m->boot == sim_mail->boot && m->failed_commits == sim_failed_commits(sim_mail->by);
    if (m->copies > 0 && same_life && (m->outcome == PORT_DONE || m->outcome == PORT_PERMANENT))
        audit_broken(&o->audit, "%s is sent again without a reason", m->id);
    if (strcmp(m->url, sim_mail->url) != 0 || strcmp(m->to, sim_mail->to != NULL ? sim_mail->to : "") != 0)
        audit_broken(&o->audit, "%s goes to two receivers", m->id);
}

void mails_leave(struct office *o, const struct office_service *s, const struct sim_mail *sim_mail)
{
    char id[320];
    identity_of(sim_mail, id);
    if (id[0] == '\0') audit_broken(&o->audit, "a message to %s has no identity", sim_mail->url);
    struct mail *m = mail_of(o->mails, sim_mail, id);
    erase_check_mail(o, sim_mail, watch_effect(o, s, "a message"));
    if (!is_committed(o, s, m)) audit_broken(&o->audit, "%s leaves before its attempt is committed", id);
    check_repeat(o, m, sim_mail);
    m->copies++;
    m->boot = sim_mail->boot;
    m->failed_commits = sim_failed_commits(sim_mail->by);
    m->outcome = sim_mail->outcome;
}

void mails_taken(struct office *o, const struct sim_mail *sim_mail)
{
    char id[320];
    identity_of(sim_mail, id);
    mail_of(o->mails, sim_mail, id)->taken++;
}

/* Of an erased person only that there is nothing more to be sent. */
static bool is_settled(struct audit *a, const struct mail *m)
{
    if (audit_outcome(a, m->id) != NULL) return true;
    const struct audit_case *c = m->cause_seq > 0 && m->cause_seq <= a->n_events
                                     ? audit_find(a, a->events[m->cause_seq - 1].case_id)
                                     : NULL;
    return c != NULL && c->erased_seq > 0 && audit_is_settled(a, m->cause_seq, m->kind);
}

bool mails_are_settled(struct office *o)
{
    for (unsigned i = 0; i < o->mails->n; i++)
        if (!is_settled(&o->audit, &o->mails->list[i])) return false;
    return true;
}

void mails_check(struct office *o)
{
    for (unsigned k = 0; k < o->audit.n_deliveries; k++) {
        const struct audit_delivery *d = &o->audit.deliveries[k];
        struct mail *m = NULL;
        uint8_t hash[HASH_BYTES];
        if (d->outcome != KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DELIVERED) continue;
        if (!find(o->mails, d->message_id, hash, &m) || m->taken == 0)
            audit_broken(&o->audit, "%s of case %llu was delivered, but nobody got it", d->kind,
                         (unsigned long long)d->case_id);
    }
}

struct mails *mails_new(void)
{
    struct mails *ms = calloc(1, sizeof *ms);
    CHECK(ms != NULL);
    return ms;
}

void mails_free(struct mails **p)
{
    struct mails *ms = *p;
    if (ms == NULL) return;
    *p = NULL;
    for (unsigned i = 0; i < ms->n; i++) {
        free(ms->list[i].url);
        free(ms->list[i].to);
    }
    free(ms->list);
    idset_deinit(&ms->places);
    free(ms);
}
