/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a mail with GMime, which never refuses one: headers are copied out
 * first, then the parts are walked once, to a depth and a number, and sorted
 * into text a person reads and attachments. What is over a limit is left out
 * and text_cut says so. Text whose charset is wrong or missing is decoded with
 * the charsets our mail comes in. */
#include "mail_read.h"

#include <gmime/gmime.h>
#include <pthread.h>

#include "err.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static GMimeParserOptions *options;

static void setup(void)
{
    /* The first that fits without an error is taken; the last fits always. */
    static const char *charsets[] = {"utf-8", "gb18030", "big5", "windows-1252", "iso-8859-1", NULL};
    g_mime_init();
    options = g_mime_parser_options_new();
    g_mime_parser_options_set_fallback_charsets(options, charsets);
}

struct walk {
    struct arena *arena;
    struct mail_read *mail;
    GByteArray *plain, *html;
    unsigned parts;
    int err;
};

static bool is_continuation(uint8_t c)
{
    return (c & 0xc0) == 0x80;
}

/* Length of the character at p, 0 when it is no UTF-8. */
static size_t character(const uint8_t *p, size_t n)
{
    size_t length = p[0] < 0x80                   ? 1
                    : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
                    : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
                    : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                                  : 0;
    if (length == 0 || length > n) return 0;
    for (size_t i = 1; i < length; i++)
        if (!is_continuation(p[i])) return 0;
    if (p[0] == 0xe0 && p[1] < 0xa0) return 0;
    if (p[0] == 0xed && p[1] >= 0xa0) return 0;
    if (p[0] == 0xf0 && p[1] < 0x90) return 0;
    if (p[0] == 0xf4 && p[1] >= 0x90) return 0;
    return length;
}

char *mail_clean_text(struct arena *arena, struct span text, size_t max)
{
    /* One wrong byte becomes three. */
    size_t room = text.n * 3 < max ? text.n * 3 : max;
    char *ret = arena_alloc(arena, room + 1);
    if (ret == NULL) return NULL;
    size_t n = 0;
    for (size_t at = 0; at < text.n;) {
        size_t length = character(text.p + at, text.n - at);
        const char *from = (const char *)text.p + at;
        uint8_t c = text.p[at];
        at += length > 0 ? length : 1;
        if (length == 0) {
            from = "\xef\xbf\xbd";
            length = 3;
        } else if (c == 0x7f || (c < 0x20 && c != '\n' && c != '\t')) {
            continue;
        }
        if (n + length > room) break;
        memcpy(ret + n, from, length);
        n += length;
    }
    ret[n] = 0;
    return ret;
}

/* Text of one line, from GMime's decoded value or raw bytes. */
static const char *copy_line(struct walk *w, const char *s, size_t max)
{
    if (s == NULL) return "";
    char *copy = mail_clean_text(w->arena, span_str(s), max);
    if (copy == NULL) {
        w->err = E_NOMEM;
        return "";
    }
    for (char *p = copy; *p; p++)
        if (*p == '\n' || *p == '\t') *p = ' ';
    size_t n = strlen(copy);
    while (n > 0 && copy[n - 1] == ' ') copy[--n] = 0;
    while (*copy == ' ') copy++;
    return copy;
}

static const char *copy_lower(struct walk *w, const char *s, const char *end_at)
{
    char word[128];
    size_t n = strcspn(s, end_at);
    if (n >= sizeof(word)) n = sizeof(word) - 1;
    for (size_t i = 0; i < n; i++) word[i] = g_ascii_tolower(s[i]);
    word[n] = 0;
    return copy_line(w, word, sizeof(word));
}

/* ---- headers ------------------------------------------------------------ */

static void add_reference(struct walk *w, const char *id)
{
    struct mail_read *m = w->mail;
    if (id == NULL || *id == 0 || strlen(id) > 990) return;
    const char *copy = copy_line(w, id, 990);
    for (unsigned i = 0; i < m->n_references; i++)
        if (strcmp(m->references[i], copy) == 0) return;
    if (m->n_references < MAIL_MAX_REFERENCES) m->references[m->n_references++] = copy;
}

static void read_references(struct walk *w, const char *value)
{
    GMimeReferences *refs = g_mime_references_parse(options, value);
    for (int i = g_mime_references_length(refs) - 1; i >= 0; i--)
        add_reference(w, g_mime_references_get_message_id(refs, i));
    g_mime_references_free(refs);
}

/* Mailboxes of a list, also those inside groups; on_address returns false to stop. */
static void each_address(InternetAddressList *list, unsigned depth,
                         bool (*on_address)(struct walk *w, const char *name, const char *address),
                         struct walk *w)
{
    for (int i = 0; list != NULL && i < internet_address_list_length(list); i++) {
        InternetAddress *a = internet_address_list_get_address(list, i);
        if (INTERNET_ADDRESS_IS_MAILBOX(a)) {
            const char *address = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(a));
            if (address != NULL && *address != 0 && !on_address(w, internet_address_get_name(a), address))
                return;
        } else if (INTERNET_ADDRESS_IS_GROUP(a) && depth < 4) {
            each_address(internet_address_group_get_members(INTERNET_ADDRESS_GROUP(a)), depth + 1, on_address,
                         w);
        }
    }
}

static bool on_recipient(struct walk *w, const char *name, const char *address)
{
    (void)name;
    struct mail_read *m = w->mail;
    if (m->n_recipients == MAIL_MAX_RECIPIENTS) return false;
    m->recipients[m->n_recipients++] = copy_line(w, address, 320);
    return true;
}

static bool on_from(struct walk *w, const char *name, const char *address)
{
    w->mail->from_name = copy_line(w, name, 256);
    w->mail->from_address = copy_line(w, address, 320);
    return false;
}

static bool on_reply_to(struct walk *w, const char *name, const char *address)
{
    (void)name;
    w->mail->reply_to = copy_line(w, address, 320);
    return false;
}

static void read_addresses(struct walk *w, const char *value,
                           bool (*on_address)(struct walk *w, const char *name, const char *address))
{
    InternetAddressList *list = internet_address_list_parse(options, value);
    if (list == NULL) return;
    each_address(list, 0, on_address, w);
    g_object_unref(list);
}

static void on_h_from(struct walk *w, const char *raw, const char *value)
{
    (void)value;
    if (*w->mail->from_address == 0) read_addresses(w, raw, on_from);
}

static void on_h_reply_to(struct walk *w, const char *raw, const char *value)
{
    (void)value;
    if (*w->mail->reply_to == 0) read_addresses(w, raw, on_reply_to);
}

static void on_h_recipient(struct walk *w, const char *raw, const char *value)
{
    (void)value;
    read_addresses(w, raw, on_recipient);
}

static void on_h_subject(struct walk *w, const char *raw, const char *value)
{
    (void)raw;
    if (*w->mail->subject == 0) w->mail->subject = copy_line(w, value, 1000);
}

static void on_h_date(struct walk *w, const char *raw, const char *value)
{
    (void)raw;
    if (*w->mail->date != 0) return;
    w->mail->date = copy_line(w, value, 128);
    GDateTime *date = g_mime_utils_header_decode_date(w->mail->date);
    if (date == NULL) return;
    int64_t s = g_date_time_to_unix(date);
    if (s > 0 && s < INT64_C(1) << 40) w->mail->date_us = s * 1000000;
    g_date_time_unref(date);
}

static void on_h_message_id(struct walk *w, const char *raw, const char *value)
{
    (void)raw;
    if (*w->mail->message_id != 0) return;
    char *id = g_mime_utils_decode_message_id(value);
    if (id != NULL && strlen(id) <= 990) w->mail->message_id = copy_line(w, id, 990);
    g_free(id);
}

static void on_h_references(struct walk *w, const char *raw, const char *value)
{
    (void)raw;
    read_references(w, value);
}

static void on_h_auto_submitted(struct walk *w, const char *raw, const char *value)
{
    (void)raw;
    w->mail->auto_submitted = copy_lower(w, value, " ;(");
}

static void on_h_precedence(struct walk *w, const char *raw, const char *value)
{
    (void)raw;
    w->mail->precedence = copy_lower(w, value, " ;(");
}

static void on_h_return_path(struct walk *w, const char *raw, const char *value)
{
    (void)value;
    while (*raw == ' ' || *raw == '\t') raw++;
    if (strncmp(raw, "<>", 2) == 0) w->mail->null_sender = true;
}

static void on_h_suppress(struct walk *w, const char *raw, const char *value)
{
    (void)raw;
    const char *v = copy_lower(w, value, ";(");
    w->mail->suppress_answers |= strcmp(v, "none") != 0 && strcmp(v, "no") != 0;
}

static void on_h_received(struct walk *w, const char *raw, const char *value)
{
    (void)raw;
    (void)value;
    w->mail->n_received++;
}

static const struct {
    const char *name;
    void (*on_header)(struct walk *w, const char *raw, const char *value);
    bool common; /* every mail has one of these */
} headers[] = {
    {"From", on_h_from, true},
    {"Sender", on_h_from, false},
    {"Reply-To", on_h_reply_to, false},
    {"To", on_h_recipient, true},
    {"Cc", on_h_recipient, false},
    {"Delivered-To", on_h_recipient, false},
    {"X-Original-To", on_h_recipient, false},
    {"Subject", on_h_subject, true},
    {"Date", on_h_date, true},
    {"Message-ID", on_h_message_id, true},
    {"In-Reply-To", on_h_references, false},
    {"Auto-Submitted", on_h_auto_submitted, false},
    {"Precedence", on_h_precedence, false},
    {"Return-Path", on_h_return_path, false},
    {"X-Auto-Response-Suppress", on_h_suppress, false},
    {"X-Autoreply", on_h_suppress, false},
    {"X-Autorespond", on_h_suppress, false},
    {"Received", on_h_received, true},
};

static void read_headers(struct walk *w, GMimeObject *top)
{
    GMimeHeaderList *list = g_mime_object_get_header_list(top);
    int n = g_mime_header_list_get_count(list);
    for (int i = 0; i < n && i < 2000; i++) {
        GMimeHeader *h = g_mime_header_list_get_header_at(list, i);
        const char *name = g_mime_header_get_name(h);
        const char *raw = g_mime_header_get_raw_value(h), *value = g_mime_header_get_value(h);
        if (name == NULL || raw == NULL) continue;
        if (g_ascii_strncasecmp(name, "List-", 5) == 0) w->mail->list = true;
        for (size_t k = 0; k < sizeof(headers) / sizeof(*headers); k++) {
            if (g_ascii_strcasecmp(name, headers[k].name) != 0) continue;
            headers[k].on_header(w, raw, value != NULL ? value : raw);
            w->mail->has_headers |= headers[k].common;
        }
    }
    /* After In-Reply-To, so that the strongest name of a thread comes first. */
    const char *references = g_mime_object_get_header(top, "References");
    if (references != NULL) read_references(w, references);
}

/* ---- parts --------------------------------------------------------------- */

/* The last part of a path, at most 255 bytes. */
static const char *file_name(struct walk *w, const char *name)
{
    if (name == NULL) return "";
    const char *file = name;
    for (const char *p = name; *p; p++)
        if ((*p == '/' || *p == '\\') && p[1] != 0) file = p + 1;
    return copy_line(w, file, 255);
}

static void keep_attachment(struct walk *w, GMimeObject *part, const char *name, GByteArray *bytes)
{
    struct mail_read *m = w->mail;
    if (m->n_attachments == MAIL_MAX_ATTACHMENTS) {
        m->text_cut = true;
        return;
    }
    uint8_t *content = arena_alloc(w->arena, bytes->len + 1);
    if (content == NULL) {
        w->err = E_NOMEM;
        return;
    }
    memcpy(content, bytes->data, bytes->len);
    const char *file = file_name(w, name);
    GMimeContentType *type = g_mime_object_get_content_type(part);
    char *media = type != NULL ? g_mime_content_type_get_mime_type(type) : NULL;
    m->attachments[m->n_attachments++] = (struct mail_attachment){
        .file_name = file,
        .media_type = copy_line(w, media != NULL ? media : "application/octet-stream", 127),
        .content = span_of(content, bytes->len)};
    g_free(media);
}

static GByteArray *decoded(GMimePart *part)
{
    GByteArray *bytes = g_byte_array_new();
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    if (content == NULL) return bytes;
    GMimeStream *out = g_mime_stream_mem_new_with_byte_array(bytes);
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(out), FALSE);
    g_mime_data_wrapper_write_to_stream(content, out);
    g_object_unref(out);
    return bytes;
}

static void keep_text(struct walk *w, GMimeTextPart *part, bool html)
{
    GByteArray *into = html ? w->html : w->plain;
    char *text = g_mime_text_part_get_text(part);
    if (text == NULL) return;
    if (!g_utf8_validate(text, -1, NULL)) {
        char *fallback = g_mime_utils_decode_8bit(options, text, strlen(text));
        g_free(text);
        text = fallback;
    }
    if (into->len > 0) g_byte_array_append(into, (const guint8 *)"\n", 1);
    g_byte_array_append(into, (const guint8 *)text, (guint)strlen(text));
    g_free(text);
}

static void walk_leaf(struct walk *w, GMimePart *part)
{
    GMimeObject *object = GMIME_OBJECT(part);
    GMimeContentType *type = g_mime_object_get_content_type(object);
    const char *name = g_mime_part_get_filename(part), *disposition = g_mime_object_get_disposition(object);
    if (type != NULL && g_mime_content_type_is_type(type, "message", "delivery-status"))
        w->mail->report = true;
    bool attached =
        name != NULL || (disposition != NULL && g_ascii_strcasecmp(disposition, "attachment") == 0);
    if (GMIME_IS_TEXT_PART(part) && !attached &&
        (g_mime_content_type_is_type(type, "text", "plain") ||
         g_mime_content_type_is_type(type, "text", "html"))) {
        keep_text(w, GMIME_TEXT_PART(part), g_mime_content_type_is_type(type, "text", "html"));
        return;
    }
    GByteArray *bytes = decoded(part);
    if (bytes->len > 0) keep_attachment(w, object, name, bytes);
    g_byte_array_free(bytes, TRUE);
}

static void walk_part(struct walk *w, GMimeObject *part, unsigned depth)
{
    if (part == NULL || w->err != 0) return;
    if (depth > MAIL_MAX_DEPTH || ++w->parts > MAIL_MAX_PARTS) {
        w->mail->text_cut = true;
        return;
    }
    if (GMIME_IS_MULTIPART(part)) {
        GMimeContentType *type = g_mime_object_get_content_type(part);
        if (type != NULL && g_mime_content_type_is_type(type, "multipart", "report")) w->mail->report = true;
        for (int i = 0; i < g_mime_multipart_get_count(GMIME_MULTIPART(part)); i++)
            walk_part(w, g_mime_multipart_get_part(GMIME_MULTIPART(part), i), depth + 1);
    } else if (GMIME_IS_MESSAGE_PART(part)) {
        GMimeMessage *inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(part));
        if (inner != NULL) walk_part(w, g_mime_message_get_mime_part(inner), depth + 1);
    } else if (GMIME_IS_PART(part)) {
        walk_leaf(w, GMIME_PART(part));
    }
}

static int choose_text(struct walk *w)
{
    struct span text = span_of(w->plain->data, w->plain->len);
    bool blank = true;
    for (size_t i = 0; i < text.n && blank; i++) blank = g_ascii_isspace((gchar)text.p[i]);
    if (blank && w->html->len > 0) {
        int rc = mail_html_text(w->arena, span_of(w->html->data, w->html->len), &text);
        if (rc < 0) return rc;
    }
    char *clean = mail_clean_text(w->arena, text, MAIL_TEXT_BYTES);
    if (clean == NULL) return E_NOMEM;
    if (text.n > MAIL_TEXT_BYTES) w->mail->text_cut = true;
    w->mail->text = clean;
    return 0;
}

int mail_read(struct arena *arena, struct span raw, struct mail_read *ret)
{
    pthread_once(&once, setup);
    struct mail_read mail = {.message_id = "",
                             .from_name = "",
                             .from_address = "",
                             .reply_to = "",
                             .subject = "",
                             .date = "",
                             .text = "",
                             .auto_submitted = "",
                             .precedence = ""};
    struct walk w = {.arena = arena, .mail = &mail, .plain = g_byte_array_new(), .html = g_byte_array_new()};
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer((const char *)raw.p, raw.n);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, options);
    if (message != NULL) {
        read_headers(&w, GMIME_OBJECT(message));
        walk_part(&w, g_mime_message_get_mime_part(message), 0);
        if (w.err == 0) w.err = choose_text(&w);
        g_object_unref(message);
    }
    g_object_unref(parser);
    g_object_unref(stream);
    g_byte_array_free(w.plain, TRUE);
    g_byte_array_free(w.html, TRUE);
    if (w.err != 0) return w.err;
    *ret = mail;
    return 0;
}
