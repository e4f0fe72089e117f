/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP POST. Redirects are not followed: they could lead where the check
 * of the address did not look, and a webhook has no need of them. */
#include "curl_port.h"
#include "err.h"

#define ANSWER_MAX_BYTES ((curl_off_t)64 << 10)

static size_t drop_answer(char *text, size_t size, size_t n, void *self)
{
    (void)text;
    struct curl_call *call = self;
    call->sent += size * n;
    return call->sent > (size_t)ANSWER_MAX_BYTES ? 0 : size * n;
}

static enum port_outcome outcome_of(const struct curl_call *call, CURLcode result, long status)
{
    if (call->refused_private || result == CURLE_URL_MALFORMAT || result == CURLE_UNSUPPORTED_PROTOCOL)
        return PORT_PERMANENT;
    if (status == 0) {
        long sent = 0;
        curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &sent);
        return sent > 0 ? PORT_UNKNOWN : PORT_TEMPORARY;
    }
    if (status >= 200 && status <= 299) return PORT_DONE;
    if (status == 408 || status == 425 || status == 429 || status >= 500) return PORT_TEMPORARY;
    return PORT_PERMANENT;
}

static void finish(struct curl_call *call, CURLcode result)
{
    long status = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    enum port_outcome outcome = outcome_of(call, result, status);
    void (*on_done)(void *, enum port_outcome, int, const char *) = call->on_http_done;
    void *self = call->self;
    char detail[64 + sizeof(call->error)];
    if (status != 0)
        snprintf(detail, sizeof(detail), "HTTP status %ld", status);
    else
        snprintf(detail, sizeof(detail), "%s", curl_call_detail(call, result));
    curl_call_free(call);
    on_done(self, outcome, (int)status, detail);
}

static int set_headers(struct curl_call *call, const struct http_request *request)
{
    for (unsigned i = 0; i < request->n_headers; i++) {
        if (strpbrk(request->headers[i], "\r\n") != NULL) return E_RANGE;
        call->list = curl_slist_append(call->list, request->headers[i]);
    }
    call->list = curl_slist_append(call->list, "Expect:"); /* no waiting for 100 */
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->list);
    return 0;
}

static int post(struct env *env, const struct http_request *request, struct http_call **ret)
{
    struct curl_call *call = curl_call_new(env, request->url, "http,https", request->timeout_us);
    if (call == NULL) return E_IO;
    call->allow_private = request->allow_private;
    call->finish = finish;
    call->on_http_done = request->on_done;
    call->self = request->self;
    curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
    call->n_body = request->body.n;
    call->body = mem_dup(&mem_libc, request->body);
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->body);
    curl_easy_setopt(call->easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(call->easy, CURLOPT_USERAGENT, "kesu/" KESU_VERSION);
    curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, drop_answer);
    curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
    int e = set_headers(call, request);
    if (e == 0) e = curl_call_start(call);
    if (e < 0) {
        curl_call_free(call);
        return e;
    }
    *ret = (struct http_call *)call;
    return 0;
}

static void cancel(struct http_call *call)
{
    curl_call_free((struct curl_call *)call);
}

const struct http_ops curl_http_ops = {.post = post, .cancel = cancel};
