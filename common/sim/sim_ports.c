/* SPDX-License-Identifier: Apache-2.0 */
/* Mail and web requests: taken by the outside world, or not.
 *
 * Two moments: the other side takes it (recorded in the world), then its
 * answer comes. A crash in between leaves what was taken unknown to the
 * sender, as does the fault mail_unknown. */
#include <stdlib.h>

#include "../check.h"
#include "world.h"

struct sim_port_call {
    struct sim_port_call *next;
    struct sim *sim;
    struct sim_instance *i; /* NULL: crashed or cancelled */
    struct sim_mail mail;
    enum port_outcome outcome;
    bool reaches; /* the other side takes it */
    struct sim_event *event;
    void (*on_mail_done)(void *self, enum port_outcome outcome, const char *detail);
    void (*on_http_done)(void *self, enum port_outcome outcome, int status, const char *detail);
    void *self;
};

static void mail_free(struct sim_mail *m)
{
    free(m->from);
    free(m->to);
    free(m->url);
    free(m->headers);
    free((void *)(uintptr_t)m->message.p);
}

static void call_free(struct sim_port_call *c)
{
    struct sim_port_call **at = &c->sim->calls;
    while (*at != c) at = &(*at)->next;
    *at = c->next;
    sim_cancel(&c->event);
    mail_free(&c->mail);
    free(c);
}

static void record(struct sim *s, struct sim_port_call *c)
{
    if (s->n_mails == s->mails_size) {
        s->mails_size = s->mails_size > 0 ? 2 * s->mails_size : 32;
        s->mails = (struct sim_mail *)realloc(s->mails, s->mails_size * sizeof *s->mails);
        CHECK(s->mails != NULL);
    }
    c->mail.at_us = s->now_us;
    s->mails[s->n_mails++] = c->mail;
    c->mail = (struct sim_mail){0};
    if (s->watch != NULL && s->watch->on_taken != NULL)
        s->watch->on_taken(s->watch->self, &s->mails[s->n_mails - 1]);
}

static void on_answer(void *self)
{
    static const char *const details[] = {"250 taken", "451 later", "550 no", "connection lost"};
    static const int statuses[] = {200, 503, 410, 0};
    struct sim_port_call *c = (struct sim_port_call *)self;
    struct sim_port_call call = *c;
    c->event = NULL;
    call_free(c);
    if (call.on_mail_done != NULL) call.on_mail_done(call.self, call.outcome, details[call.outcome]);
    if (call.on_http_done != NULL)
        call.on_http_done(call.self, call.outcome, statuses[call.outcome], details[call.outcome]);
}

static void on_taken(void *self)
{
    struct sim_port_call *c = (struct sim_port_call *)self;
    struct sim *s = c->sim;
    c->event = NULL;
    if (c->reaches) record(s, c);
    if (c->i == NULL)
        call_free(c);
    else
        c->event = sim_at(s, c->i, s->now_us + (int64_t)sim_random(s, 200 * USEC_PER_MS), on_answer, c);
}

static struct sim_port_call *call_new(struct sim_instance *i, struct span message, const char *url,
                                      void *self)
{
    struct sim *s = i->sim;
    struct sim_port_call *c = (struct sim_port_call *)sim_alloc(sizeof *c);
    uint8_t *copy = (uint8_t *)sim_alloc(message.n);
    if (message.n > 0) memcpy(copy, message.p, message.n);
    *c = (struct sim_port_call){.next = s->calls, .sim = s, .i = i, .self = self};
    c->mail.url = sim_copy_text(url);
    c->mail.message = span_of(copy, message.n);
    c->mail.by = i;
    c->mail.boot = i->boot;
    c->mail.at_us = s->now_us;
    if (sim_fault(s, SIM_MAIL_TEMPORARY))
        c->outcome = PORT_TEMPORARY;
    else if (sim_fault(s, SIM_MAIL_PERMANENT))
        c->outcome = PORT_PERMANENT;
    else if (sim_fault(s, SIM_MAIL_UNKNOWN))
        c->outcome = PORT_UNKNOWN;
    c->mail.outcome = c->outcome;
    c->reaches = c->outcome == PORT_DONE || (c->outcome == PORT_UNKNOWN && sim_random(s, 2) == 0);
    s->calls = c;
    int64_t takes_us = USEC_PER_MS + (int64_t)sim_random(s, 500 * USEC_PER_MS);
    c->event = sim_at(s, NULL, s->now_us + takes_us, on_taken, c);
    return c;
}

static void tell(const struct sim_port_call *c)
{
    const struct sim_watch *w = c->sim->watch;
    if (w != NULL && w->on_call != NULL) w->on_call(w->self, &c->mail);
}

static int sim_mail_send(struct env *env, const struct mail_request *request, struct mail_call **ret)
{
    struct sim_port_call *c = call_new(sim_of(env), request->message, request->url, request->self);
    c->mail.from = sim_copy_text(request->from);
    c->mail.to = sim_copy_text(request->to);
    c->on_mail_done = request->on_done;
    tell(c);
    *ret = (struct mail_call *)c;
    return 0;
}

static int sim_http_post(struct env *env, const struct http_request *request, struct http_call **ret)
{
    struct sim_port_call *c = call_new(sim_of(env), request->body, request->url, request->self);
    size_t n = 1;
    for (unsigned k = 0; k < request->n_headers; k++) n += strlen(request->headers[k]) + 1;
    c->mail.headers = (char *)sim_alloc(n);
    for (unsigned k = 0; k < request->n_headers; k++) {
        strcat(c->mail.headers, request->headers[k]);
        strcat(c->mail.headers, "\n");
    }
    c->on_http_done = request->on_done;
    tell(c);
    *ret = (struct http_call *)c;
    return 0;
}

/* What is on its way is taken or not, by the seed; nobody hears of it. */
static void abandon(struct sim_port_call *c)
{
    bool answered = c->mail.url == NULL;
    c->i = NULL;
    if (answered || c->event->instance != NULL || sim_random(c->sim, 2) == 0) call_free(c);
}

static void sim_mail_cancel(struct mail_call *call)
{
    if (call != NULL) abandon((struct sim_port_call *)call);
}

static void sim_http_cancel(struct http_call *call)
{
    if (call != NULL) abandon((struct sim_port_call *)call);
}

const struct mail_ops sim_mail_ops = {sim_mail_send, sim_mail_cancel};
const struct http_ops sim_http_ops = {sim_http_post, sim_http_cancel};

unsigned sim_mails(const struct sim *s, const struct sim_mail **ret)
{
    *ret = s->mails;
    return s->n_mails;
}

void sim_ports_drop(struct sim_instance *i)
{
    for (struct sim_port_call *c = i->sim->calls, *next; c != NULL; c = next) {
        next = c->next;
        if (c->i == i) abandon(c);
    }
}

void sim_ports_free_all(struct sim *s)
{
    while (s->calls != NULL) call_free(s->calls);
    for (unsigned k = 0; k < s->n_mails; k++) mail_free(&s->mails[k]);
    free(s->mails);
}
