/* SPDX-License-Identifier: Apache-2.0 */
/* Headers, then one text/plain part, or text/plain and text/html as
 * alternatives. Bodies that are short ASCII lines go as they are, all others
 * as base64; the boundary comes from the Message-ID, and base64 or a line
 * that begins with "--" (never written 7bit) cannot be taken for it. */
#include "mail_write.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>

#include "codec.h"
#include "due.h"
#include "err.h"
#include "hash.h"

#define WORD_BYTES \
    39 /* of text in an encoded word: 52 characters of base64, 12 around it, and the name before */
#define LINE_BYTES 57 /* of a body in a line of 76 characters of base64 */

struct out {
    struct arena *arena;
    char *p;
    size_t n, cap;
    bool full; /* the arena is */
};

static void put(struct out *o, const char *s, size_t n)
{
    if (o->full || n == 0) return;
    if (o->n + n > o->cap) {
        size_t cap = 2 * (o->n + n) + 1024;
        char *bigger = arena_alloc(o->arena, cap);
        if (bigger == NULL) {
            o->full = true;
            return;
        }
        if (o->n > 0) memcpy(bigger, o->p, o->n);
        o->p = bigger;
        o->cap = cap;
    }
    memcpy(o->p + o->n, s, n);
    o->n += n;
}

static void puts_out(struct out *o, const char *s)
{
    put(o, s, strlen(s));
}

static void header(struct out *o, const char *name, const char *value)
{
    puts_out(o, name);
    puts_out(o, ": ");
    puts_out(o, value);
    puts_out(o, "\r\n");
}

static void put_base64(struct out *o, const char *p, size_t n)
{
    char line[sodium_base64_ENCODED_LEN(LINE_BYTES, sodium_base64_VARIANT_ORIGINAL)];
    sodium_bin2base64(line, sizeof line, (const uint8_t *)p, n, sodium_base64_VARIANT_ORIGINAL);
    puts_out(o, line);
}

/* ---- what may stand in a header ---- */

static bool is_atoms(const char *s, size_t n, const char *not_allowed)
{
    if (n == 0 || s[0] == '.' || s[n - 1] == '.') return false;
    for (size_t i = 0; i < n; i++)
        if (s[i] <= ' ' || s[i] >= 0x7f || strchr(not_allowed, s[i]) != NULL) return false;
    return true;
}

bool mail_write_is_address(const char *s)
{
    const char *at = strrchr(s, '@');
    return at != NULL && strlen(s) <= 254 && at - s <= 64 &&
           is_atoms(s, (size_t)(at - s), "()<>[]:;@\\,\"") &&
           is_atoms(at + 1, strlen(at + 1), "()<>[]:;@\\,\"%");
}

static bool is_id(const char *s)
{
    const char *at = strchr(s, '@');
    return at != NULL && strlen(s) <= 200 && is_atoms(s, (size_t)(at - s), "()<>[]:;@\\,\"") &&
           is_atoms(at + 1, strlen(at + 1), "()<>[]:;@\\,\"");
}

const char *mail_write_plus(struct arena *arena, const char *address, const char *tag)
{
    const char *at = strrchr(address, '@');
    if (at == NULL) return NULL;
    const char *made = arena_printf(arena, "%.*s+%s%s", (int)(at - address), address, tag, at);
    return made != NULL && mail_write_is_address(made) ? made : NULL;
}

/* ---- text in headers ---- */

static bool is_plain(const char *s)
{
    for (; *s != '\0'; s++)
        if (*s < ' ' || *s >= 0x7f) return false;
    return true;
}

/* Control characters stay out even where they are encoded: readers decode them. */
static const char *one_line(struct out *o, const char *s)
{
    char *copy = arena_strdup(o->arena, s);
    o->full = o->full || copy == NULL;
    if (copy == NULL) return "";
    for (char *c = copy; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = ' ';
    return copy;
}

/* Encoded words, one a line; never splits a character. */
static void put_words(struct out *o, const char *s)
{
    struct span left = span_str(s);
    for (bool first = true; left.n > 0; first = false) {
        size_t n = codec_utf8_prefix(left, WORD_BYTES);
        if (n == 0) n = left.n < WORD_BYTES ? left.n : WORD_BYTES;
        puts_out(o, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
        put_base64(o, (const char *)left.p, n);
        puts_out(o, "?=");
        left = span_of(left.p + n, left.n - n);
    }
}

/* Text of a header: as it is when that is short ASCII that no reader decodes. */
static void put_text(struct out *o, const char *s)
{
    s = one_line(o, s);
    if (is_plain(s) && strlen(s) <= 70 && strstr(s, "=?") == NULL)
        puts_out(o, s);
    else
        put_words(o, s);
}

static void put_quoted(struct out *o, const char *s)
{
    puts_out(o, "\"");
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\') puts_out(o, "\\");
        put(o, s, 1);
    }
    puts_out(o, "\"");
}

static void put_mailbox(struct out *o, const char *name, const char *display, const char *address)
{
    puts_out(o, name);
    puts_out(o, ": ");
    display = one_line(o, display);
    if (display[0] != '\0') {
        if (is_plain(display) && strlen(display) <= 60 && strstr(display, "=?") == NULL)
            put_quoted(o, display);
        else
            put_words(o, display);
        puts_out(o, strlen(display) > 30 ? "\r\n " : " ");
    }
    puts_out(o, "<");
    puts_out(o, address);
    puts_out(o, ">\r\n");
}

static void put_date(struct out *o, int64_t date_us)
{
    char text[DUE_LOCAL_TEXT];
    due_mail_date(date_us, text);
    header(o, "Date", text);
}

/* ---- bodies ---- */

static bool goes_as_is(const char *s)
{
    size_t column = 0;
    for (; *s != '\0'; s++) {
        if (*s == '\n') {
            column = 0;
            continue;
        }
        if (column == 0 && (s[0] == '.' || (s[0] == '-' && s[1] == '-'))) return false;
        if ((*s < ' ' && *s != '\t') || *s >= 0x7f || ++column > 78) return false;
    }
    return true;
}

static void put_body(struct out *o, const char *type, const char *s)
{
    bool plain = goes_as_is(s);
    puts_out(o, "Content-Type: ");
    puts_out(o, type);
    puts_out(o, "; charset=utf-8\r\nContent-Transfer-Encoding: ");
    puts_out(o, plain ? "7bit\r\n\r\n" : "base64\r\n\r\n");
    /* Line ends become CRLF first: that is what the encoding is of. */
    struct out crlf = {.arena = o->arena};
    for (const char *end; *s != '\0'; s = end + (*end != '\0' ? 1 : 0)) {
        end = s + strcspn(s, "\n");
        put(&crlf, s, (size_t)(end - s));
        put(&crlf, "\r\n", 2);
    }
    o->full = o->full || crlf.full;
    if (plain) {
        put(o, crlf.p, crlf.n);
        return;
    }
    for (size_t i = 0; i < crlf.n; i += LINE_BYTES) {
        put_base64(o, crlf.p + i, crlf.n - i < LINE_BYTES ? crlf.n - i : LINE_BYTES);
        puts_out(o, "\r\n");
    }
}

static void put_alternatives(struct out *o, const struct mail_write *mail)
{
    uint8_t hash[HASH_BYTES];
    char boundary[2 + 2 * 16 + 1] = "=_";
    hash_bytes(span_str(mail->message_id), hash);
    sodium_bin2hex(boundary + 2, sizeof boundary - 2, hash, 16);
    puts_out(o, "Content-Type: multipart/alternative; boundary=\"");
    puts_out(o, boundary);
    puts_out(o, "\"\r\n\r\n--");
    puts_out(o, boundary);
    puts_out(o, "\r\n");
    put_body(o, "text/plain", mail->text);
    puts_out(o, "\r\n--");
    puts_out(o, boundary);
    puts_out(o, "\r\n");
    put_body(o, "text/html", mail->html);
    puts_out(o, "\r\n--");
    puts_out(o, boundary);
    puts_out(o, "--\r\n");
}

static void put_id(struct out *o, const char *name, const char *id)
{
    puts_out(o, name);
    puts_out(o, ": <");
    puts_out(o, id);
    puts_out(o, ">\r\n");
}

int mail_write(struct arena *arena, const struct mail_write *mail, struct span *ret)
{
    if (!mail_write_is_address(mail->from_address) || !mail_write_is_address(mail->to_address) ||
        (mail->reply_to != NULL && !mail_write_is_address(mail->reply_to)) || !is_id(mail->message_id) ||
        (mail->references != NULL && !is_id(mail->references)))
        return E_RANGE;
    struct out o = {.arena = arena};
    put_date(&o, mail->date_us);
    put_mailbox(&o, "From", mail->from_name, mail->from_address);
    put_mailbox(&o, "To", mail->to_name, mail->to_address);
    if (mail->reply_to != NULL) put_mailbox(&o, "Reply-To", mail->from_name, mail->reply_to);
    puts_out(&o, "Subject: ");
    put_text(&o, mail->subject);
    puts_out(&o, "\r\n");
    put_id(&o, "Message-ID", mail->message_id);
    if (mail->references != NULL) {
        put_id(&o, "In-Reply-To", mail->references);
        put_id(&o, "References", mail->references);
    }
    header(&o, "Auto-Submitted", "auto-generated");
    header(&o, "X-Auto-Response-Suppress", "All");
    header(&o, "MIME-Version", "1.0");
    if (mail->html != NULL && mail->html[0] != '\0')
        put_alternatives(&o, mail);
    else
        put_body(&o, "text/plain", mail->text);
    if (o.full) return E_NOMEM;
    *ret = span_of(o.p, o.n);
    return 0;
}
