/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's multi interface on the loop: it names the sockets and the time it
 * waits for, uv watches them, and whatever finished is told afterwards. */
#include "check.h"
#include "curl_port.h"
#include "err.h"

struct curl_port {
    struct env_real *real;
    CURLM *multi;
    uv_timer_t *timer; /* of its own memory: outlives the port until uv closed it */
    struct curl_call *calls;
};

struct watch {
    uv_poll_t poll;
    struct curl_port *port;
    curl_socket_t socket;
};

static void on_closed(uv_handle_t *handle)
{
    mem_free(&mem_libc, handle);
}

static void finish_all(struct curl_port *p)
{
    int left = 0;
    for (CURLMsg *m; (m = curl_multi_info_read(p->multi, &left)) != NULL;) {
        if (m->msg != CURLMSG_DONE) continue;
        CURLcode result = m->data.result;
        struct curl_call *call = NULL;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        p->real->ran = true;
        call->finish(call, result);
    }
}

static void act(struct curl_port *p, curl_socket_t socket, int events)
{
    int running = 0;
    curl_multi_socket_action(p->multi, socket, events, &running);
    finish_all(p);
}

static void on_socket_event(uv_poll_t *handle, int status, int events)
{
    struct watch *w = (struct watch *)handle;
    int what = status < 0 ? CURL_CSELECT_ERR : 0;
    if (events & UV_READABLE) what |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE) what |= CURL_CSELECT_OUT;
    act(w->port, w->socket, what);
}

static int on_watch(CURL *easy, curl_socket_t socket, int what, void *self, void *watched)
{
    (void)easy;
    struct curl_port *p = self;
    struct watch *w = watched;
    if (what == CURL_POLL_REMOVE) {
        if (w == NULL) return 0;
        curl_multi_assign(p->multi, socket, NULL);
        uv_poll_stop(&w->poll);
        uv_close((uv_handle_t *)&w->poll, on_closed);
        return 0;
    }
    if (w == NULL) {
        w = mem_zalloc(&mem_libc, sizeof(*w));
        w->port = p;
        w->socket = socket;
        CHECK(uv_poll_init_socket(&p->real->loop, &w->poll, socket) == 0);
        curl_multi_assign(p->multi, socket, w);
    }
    int events = (what != CURL_POLL_OUT ? UV_READABLE : 0) | (what != CURL_POLL_IN ? UV_WRITABLE : 0);
    uv_poll_start(&w->poll, events, on_socket_event);
    return 0;
}

static void on_timer(uv_timer_t *handle)
{
    act(handle->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout(CURLM *multi, long timeout_ms, void *self)
{
    (void)multi;
    struct curl_port *p = self;
    if (timeout_ms < 0)
        uv_timer_stop(p->timer);
    else
        uv_timer_start(p->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

static struct curl_port *port_of(struct env *env)
{
    struct env_real *r = real_of(env);
    if (r->curl != NULL) return r->curl;
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    struct curl_port *p = mem_zalloc(&mem_libc, sizeof(*p));
    p->real = r;
    p->multi = curl_multi_init();
    CHECK(p->multi != NULL);
    curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, on_watch);
    curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
    curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
    p->timer = mem_zalloc(&mem_libc, sizeof(*p->timer));
    CHECK(uv_timer_init(&r->loop, p->timer) == 0);
    p->timer->data = p;
    r->curl = p;
    return p;
}

void curl_deinit(struct env_real *r)
{
    struct curl_port *p = r->curl;
    if (p == NULL) return;
    r->curl = NULL;
    while (p->calls != NULL) curl_call_free(p->calls);
    curl_multi_cleanup(p->multi);
    uv_timer_stop(p->timer);
    uv_close((uv_handle_t *)p->timer, on_closed);
    mem_free(&mem_libc, p);
    curl_global_cleanup();
}

static curl_socket_t open_socket(void *self, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct curl_call *call = self;
    if (!call->allow_private && curl_address_is_private(&address->addr)) {
        call->refused_private = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t on_line(char *text, size_t size, size_t n, void *self)
{
    struct curl_call *call = self;
    size_t length = size * n;
    if (call->replied) return length; /* the good-bye after the answer */
    size_t keep = length < sizeof(call->line) - 1 ? length : sizeof(call->line) - 1;
    while (keep > 0 && (text[keep - 1] == '\r' || text[keep - 1] == '\n')) keep--;
    if (keep == 0) return length;
    memcpy(call->line, text, keep);
    call->line[keep] = 0;
    call->replied = call->body_done;
    return length;
}

struct curl_call *curl_call_new(struct env *env, const char *url, const char *protocols, int64_t timeout_us)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL) return NULL;
    struct curl_call *call = mem_zalloc(&mem_libc, sizeof(*call));
    call->port = port_of(env);
    call->easy = easy;
    int64_t timeout_ms = timeout_us / USEC_PER_MS > 0 ? timeout_us / USEC_PER_MS : 1;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* an address is checked: no one may stand between */
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    return call;
}

int curl_call_start(struct curl_call *call)
{
    if (curl_multi_add_handle(call->port->multi, call->easy) != CURLM_OK) return E_IO;
    call->next = call->port->calls;
    call->link = &call->port->calls;
    if (call->next != NULL) call->next->link = &call->next;
    call->port->calls = call;
    return 0;
}

void curl_call_free(struct curl_call *call)
{
    if (call == NULL) return;
    if (call->link != NULL) {
        curl_multi_remove_handle(call->port->multi, call->easy);
        *call->link = call->next;
        if (call->next != NULL) call->next->link = call->link;
    }
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->list);
    if (call->body != NULL) explicit_bzero(call->body, call->n_body);
    mem_free(&mem_libc, call->body);
    mem_free(&mem_libc, call);
}

const char *curl_call_detail(const struct curl_call *call, CURLcode result)
{
    if (call->refused_private) return "the address is private: refused";
    if (call->line[0] != 0 && (result == CURLE_OK || call->replied || !call->body_done)) return call->line;
    if (call->error[0] != 0) return call->error;
    return curl_easy_strerror(result);
}
