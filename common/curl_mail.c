/* SPDX-License-Identifier: Apache-2.0 */
/* One mail by SMTP. What counts is whether the other side may have taken it:
 * it may from the moment the whole message was given to the connection until
 * an answer came; a break in between is PORT_UNKNOWN, before it temporary. */
#include <stdlib.h>

#include "curl_port.h"
#include "err.h"
#include "files.h"

#define PASSWORD_MAX_BYTES 1024

static size_t give_body(char *to, size_t size, size_t n, void *self)
{
    struct curl_call *call = self;
    size_t left = call->n_body - call->sent;
    size_t now = left < size * n ? left : size * n;
    memcpy(to, call->body + call->sent, now);
    call->sent += now;
    if (now == 0) {
        call->body_done = true;
        call->line[0] = 0;
    }
    return now;
}

static enum port_outcome outcome_of(const struct curl_call *call, CURLcode result)
{
    if (result == CURLE_OK) return PORT_DONE;
    if (result == CURLE_URL_MALFORMAT || result == CURLE_UNSUPPORTED_PROTOCOL) return PORT_PERMANENT;
    if (call->body_done && !call->replied) return PORT_UNKNOWN;
    /* A no to our greeting or login is about us and may be put right. */
    static const CURLcode about_us[] = {CURLE_LOGIN_DENIED, CURLE_REMOTE_ACCESS_DENIED,
                                        CURLE_WEIRD_SERVER_REPLY, CURLE_COULDNT_CONNECT,
                                        CURLE_USE_SSL_FAILED};
    for (unsigned i = 0; i < sizeof(about_us) / sizeof(about_us[0]) && !call->body_done; i++)
        if (result == about_us[i]) return PORT_TEMPORARY;
    long code = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &code);
    return code >= 500 && code <= 599 ? PORT_PERMANENT : PORT_TEMPORARY;
}

static void finish(struct curl_call *call, CURLcode result)
{
    enum port_outcome outcome = outcome_of(call, result);
    void (*on_done)(void *, enum port_outcome, const char *) = call->on_mail_done;
    void *self = call->self;
    char detail[sizeof(call->error)];
    strncpy(detail, curl_call_detail(call, result), sizeof(detail) - 1);
    detail[sizeof(detail) - 1] = 0;
    curl_call_free(call);
    on_done(self, outcome, detail);
}

/* Nothing that could end the command line it is put into. */
static bool is_address(const char *s)
{
    for (const char *p = s; *p != 0; p++)
        if ((unsigned char)*p <= ' ' || *p == '<' || *p == '>' || *p == 0x7f) return false;
    return strlen(s) <= 320;
}

static int set_login(struct env *env, struct curl_call *call, const struct mail_request *request)
{
    if (request->user == NULL) return 0;
    struct span password = SPAN_NONE;
    int e = request->password_path != NULL
                ? files_read_all(env, request->password_path, PASSWORD_MAX_BYTES, &password)
                : 0;
    if (e < 0) return e;
    char text[PASSWORD_MAX_BYTES + 1];
    memcpy(text, password.p, password.n);
    text[password.n] = 0;
    text[strcspn(text, "\r\n")] = 0;
    curl_easy_setopt(call->easy, CURLOPT_USERNAME, request->user);
    curl_easy_setopt(call->easy, CURLOPT_PASSWORD, text);
    curl_easy_setopt(call->easy, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    explicit_bzero(text, sizeof(text));
    mem_free(&env->mem, (void *)(uintptr_t)password.p);
    return 0;
}

static void set_envelope(struct curl_call *call, const struct mail_request *request)
{
    char address[340];
    snprintf(address, sizeof(address), "<%s>", request->from);
    curl_easy_setopt(call->easy, CURLOPT_MAIL_FROM, address);
    snprintf(address, sizeof(address), "<%s>", request->to);
    call->list = curl_slist_append(NULL, address);
    curl_easy_setopt(call->easy, CURLOPT_MAIL_RCPT, call->list);
}

static int send_mail(struct env *env, const struct mail_request *request, struct mail_call **ret)
{
    if (!is_address(request->from) || !is_address(request->to) || request->to[0] == 0) return E_RANGE;
    struct curl_call *call = curl_call_new(env, request->url, "smtp,smtps", request->timeout_us);
    if (call == NULL) return E_IO;
    call->allow_private = true; /* our own relay */
    call->finish = finish;
    call->on_mail_done = request->on_done;
    call->self = request->self;
    call->n_body = request->message.n;
    call->body = mem_dup(&mem_libc, request->message);
    set_envelope(call, request);
    curl_easy_setopt(call->easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(call->easy, CURLOPT_READFUNCTION, give_body);
    curl_easy_setopt(call->easy, CURLOPT_READDATA, call);
    /* Servers end a session after so many mails (OpenSMTPD: with a 452 after 100). Some mail is the last
     * of its connection, one in eight, so that none comes near. */
    uint8_t chance;
    env_random(env, &chance, sizeof(chance));
    if (chance % 8 == 0) curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, 1L);
    int e = set_login(env, call, request);
    if (e == 0) e = curl_call_start(call);
    if (e < 0) {
        curl_call_free(call);
        return e;
    }
    *ret = (struct mail_call *)call;
    return 0;
}

static void cancel(struct mail_call *call)
{
    curl_call_free((struct curl_call *)call);
}

const struct mail_ops curl_mail_ops = {.send = send_mail, .cancel = cancel};
