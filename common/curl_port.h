/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the libcurl ports: what curl.c, curl_mail.c, curl_http.c share. */
#ifndef KESU_CURL_PORT_H
#define KESU_CURL_PORT_H

#include <curl/curl.h>
#include <sys/socket.h>

#include "http.h"
#include "mail.h"
#include "real.h"

/* One transfer, of either port. */
struct curl_call {
    struct curl_port *port;
    struct curl_call *next, **link;
    CURL *easy;
    struct curl_slist *list; /* recipients or headers */
    uint8_t *body;
    size_t n_body, sent;
    bool body_done;       /* all of it was handed to libcurl ... */
    bool replied;         /* ... and the other side answered since */
    bool refused_private; /* its address is not allowed */
    bool allow_private;
    char line[256]; /* last of the other side */
    char error[CURL_ERROR_SIZE];
    void (*finish)(struct curl_call *call, CURLcode result);
    void (*on_mail_done)(void *self, enum port_outcome outcome, const char *detail);
    void (*on_http_done)(void *self, enum port_outcome outcome, int status, const char *detail);
    void *self;
};

/* With what both ports set; NULL when libcurl cannot. Not started. */
struct curl_call *curl_call_new(struct env *env, const char *url, const char *protocols, int64_t timeout_us);
int curl_call_start(struct curl_call *call);
/* Frees it, running or not. Accepts NULL. */
void curl_call_free(struct curl_call *call);
const char *curl_call_detail(const struct curl_call *call, CURLcode result);

/* Of a private network, this host, a group, or reserved: nothing a stranger's
 * URL may reach. IANA special-purpose registries (RFC 6890). */
bool curl_address_is_private(const struct sockaddr *address);

#endif
