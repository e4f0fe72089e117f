/* SPDX-License-Identifier: Apache-2.0 */
/* Sending one mail to one SMTP server. */
#ifndef KESU_MAIL_H
#define KESU_MAIL_H

#include "env.h"

enum port_outcome {
    PORT_DONE,      /* the other side took it */
    PORT_TEMPORARY, /* it did not; later it may */
    PORT_PERMANENT, /* it did not and will not */
    PORT_UNKNOWN,   /* the answer was lost: it may have taken it */
};

struct mail_request {
    const char *url;                  /* smtp://host:port, smtps:// */
    const char *from;                 /* envelope; "" = null sender */
    const char *to;                   /* envelope */
    struct span message;              /* RFC 5322, CRLF; copied */
    const char *user, *password_path; /* NULL: no authentication */
    int64_t timeout_us;
    /* detail: last line of the other side, or of the library; borrowed. */
    void (*on_done)(void *self, enum port_outcome outcome, const char *detail);
    void *self;
};

struct mail_call;

struct mail_ops {
    int (*send)(struct env *env, const struct mail_request *request, struct mail_call **ret);
    void (*cancel)(struct mail_call *call);
};

/* on_done is called once, in a later turn, unless cancelled; then *ret is gone. */
static inline int mail_send(struct env *env, const struct mail_request *request, struct mail_call **ret)
{
    return env->mail->send(env, request, ret);
}
/* accepts NULL */
static inline void mail_cancel(struct env *env, struct mail_call *call)
{
    env->mail->cancel(call);
}

#endif
