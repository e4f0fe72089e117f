/* SPDX-License-Identifier: Apache-2.0 */
/* What left the office: each message has one identity, a repeat has the same,
 * and there are no more of them than crashes and lost answers explain. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "check.h"
#include "clock.h"
#include "office.h"

struct sent {
    char id[320];
    const struct sim_mail *first;
    unsigned copies;
};

/* The value of a header line; empty when there is none. */
static void header_of(struct span text, const char *name, char ret[320])
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
        header_of(span_str(m->headers), "webhook-id:", ret);
    else
        header_of(m->message, "message-id:", ret);
    strip(ret);
}

static struct sent *find(struct sent *sent, unsigned n, const char *id)
{
    for (unsigned i = 0; i < n; i++)
        if (strcmp(sent[i].id, id) == 0) return &sent[i];
    return NULL;
}

static bool same_receiver(const struct sim_mail *a, const struct sim_mail *b)
{
    return strcmp(a->url, b->url) == 0 && (a->to == NULL) == (b->to == NULL) &&
           (a->to == NULL || strcmp(a->to, b->to) == 0);
}

static unsigned group(struct office *o, const struct sim_mail *mails, unsigned n, struct sent *sent)
{
    unsigned n_sent = 0;
    for (unsigned i = 0; i < n; i++) {
        char id[320];
        identity_of(&mails[i], id);
        if (id[0] == '\0') audit_broken(&o->audit, "a message to %s has no identity", mails[i].url);
        struct sent *s = find(sent, n_sent, id);
        if (s == NULL) {
            s = &sent[n_sent++];
            *s = (struct sent){.first = &mails[i]};
            snprintf(s->id, sizeof s->id, "%s", id);
        }
        s->copies++;
        if (!same_receiver(s->first, &mails[i])) audit_broken(&o->audit, "%s went to two receivers", id);
    }
    return n_sent;
}

static unsigned allowed_copies(const struct office *o)
{
    /* A fold whose commit found no room begins again where it was, as after a crash. */
    uint64_t copies =
        1 + sim_fault_counts(o->sim)[SIM_MAIL_UNKNOWN] + sim_fault_counts(o->sim)[SIM_DISK_FULL];
    for (unsigned k = 0; k < o->n_services; k++)
        if (strcmp(o->services[k].instance, "notification") == 0) copies += sim_boots(o->services[k].i) - 1;
    return (unsigned)copies;
}

static unsigned outcomes_of(const struct audit *a, const char *id)
{
    unsigned n = 0;
    for (unsigned k = 0; k < a->n_deliveries; k++) n += strcmp(a->deliveries[k].message_id, id) == 0;
    return n;
}

/* Once the journal has its outcome, a message does not go again: whoever may
 * still send it has heard of that within half a minute. */
static void check_repeats(struct office *o, const struct sim_mail *mails, unsigned n)
{
    struct audit *a = &o->audit;
    for (unsigned i = 0; i < n; i++) {
        char id[320];
        identity_of(&mails[i], id);
        for (unsigned k = 0; k < a->n_deliveries; k++)
            if (strcmp(a->deliveries[k].message_id, id) == 0 &&
                mails[i].at_us > a->deliveries[k].seen_us + 30 * USEC_PER_SEC)
                audit_broken(a, "%s was sent again %lld s after its outcome was in the journal", id,
                             (long long)((mails[i].at_us - a->deliveries[k].seen_us) / USEC_PER_SEC));
    }
}

bool mails_are_settled(struct office *o)
{
    const struct sim_mail *mails = NULL;
    unsigned n = sim_mails(o->sim, &mails);
    for (unsigned i = 0; i < n; i++) {
        char id[320];
        identity_of(&mails[i], id);
        if (id[0] != '\0' && outcomes_of(&o->audit, id) == 0) return false;
    }
    return true;
}

void mails_check(struct office *o)
{
    const struct sim_mail *mails = NULL;
    struct audit *a = &o->audit;
    unsigned n = sim_mails(o->sim, &mails);
    struct sent *sent = calloc(n + 1, sizeof *sent);
    CHECK(sent != NULL);
    unsigned n_sent = group(o, mails, n, sent);
    check_repeats(o, mails, n);
    for (unsigned i = 0; i < n_sent; i++) {
        if (sent[i].copies > allowed_copies(o))
            audit_broken(a, "%s was sent %u times", sent[i].id, sent[i].copies);
        unsigned recorded = outcomes_of(a, sent[i].id);
        if (recorded != 1) audit_broken(a, "%s has %u outcomes in the journal", sent[i].id, recorded);
    }
    for (unsigned k = 0; k < a->n_deliveries; k++) {
        const struct audit_delivery *d = &a->deliveries[k];
        bool delivered = d->outcome == KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DELIVERED;
        if (delivered && find(sent, n_sent, d->message_id) == NULL)
            audit_broken(a, "%s of case %llu was delivered, but nobody got it", d->kind,
                         (unsigned long long)d->case_id);
    }
    free(sent);
}
