/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP POST, for webhooks. */
#ifndef KESU_HTTP_H
#define KESU_HTTP_H

#include "mail.h"

struct http_request {
    const char *url;            /* http:// or https:// */
    const char *const *headers; /* "Name: value", n of them */
    unsigned n_headers;
    struct span body; /* copied */
    int64_t timeout_us;
    bool allow_private; /* addresses of private networks and this host */
    /* status: of HTTP, 0 when there was none. 2xx is PORT_DONE; 408, 425, 429
     * and 5xx PORT_TEMPORARY; other answers PORT_PERMANENT. */
    void (*on_done)(void *self, enum port_outcome outcome, int status, const char *detail);
    void *self;
};

struct http_call;

struct http_ops {
    int (*post)(struct env *env, const struct http_request *request, struct http_call **ret);
    void (*cancel)(struct http_call *call);
};

static inline int http_post(struct env *env, const struct http_request *request, struct http_call **ret)
{
    return env->http->post(env, request, ret);
}
/* accepts NULL */
static inline void http_cancel(struct env *env, struct http_call *call)
{
    env->http->cancel(call);
}

#endif
