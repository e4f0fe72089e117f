/* SPDX-License-Identifier: Apache-2.0 */
/* HTML to text for reading and matching: one pass, tags out, entities in.
 * Broken HTML gives odd spacing, never an error. */
#include <ctype.h>
#include <stdlib.h>

#include "err.h"
#include "mail_read.h"

struct out {
    char *p;
    size_t n;
    bool space; /* a space or newline is already there */
};

static void put(struct out *o, char c)
{
    bool blank = c == ' ' || c == '\n';
    if (blank && o->space) {
        if (c == '\n' && o->n > 0) o->p[o->n - 1] = '\n';
        return;
    }
    o->p[o->n++] = c;
    o->space = blank;
}

/* What each entity stands for; the rest is numeric or left as written. */
static const struct {
    const char *name, *text;
} entities[] = {
    {"amp", "&"},        {"lt", "<"},         {"gt", ">"},          {"quot", "\""},       {"apos", "'"},
    {"nbsp", " "},       {"ndash", "\u2013"}, {"mdash", "\u2014"},  {"lsquo", "\u2018"},  {"rsquo", "\u2019"},
    {"ldquo", "\u201c"}, {"rdquo", "\u201d"}, {"hellip", "\u2026"}, {"copy", "\u00a9"},   {"reg", "\u00ae"},
    {"euro", "\u20ac"},  {"pound", "\u00a3"}, {"yen", "\u00a5"},    {"middot", "\u00b7"}, {"bull", "\u2022"},
};

static size_t utf8_put(uint32_t c, char *ret)
{
    if (c < 0x80) {
        ret[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        ret[0] = (char)(0xc0 | (c >> 6));
        ret[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        ret[0] = (char)(0xe0 | (c >> 12));
        ret[1] = (char)(0x80 | ((c >> 6) & 0x3f));
        ret[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    ret[0] = (char)(0xf0 | (c >> 18));
    ret[1] = (char)(0x80 | ((c >> 12) & 0x3f));
    ret[2] = (char)(0x80 | ((c >> 6) & 0x3f));
    ret[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* At "&": writes what it stands for and returns how many bytes it took; 0 when
 * it is no entity. The text is never longer than the entity. */
static size_t entity(struct span in, struct out *o)
{
    char name[12];
    size_t n = 1;
    while (n < in.n && n < sizeof(name) && (isalnum(in.p[n]) || in.p[n] == '#')) n++;
    if (n == 1 || n == sizeof(name)) return 0;
    memcpy(name, in.p + 1, n - 1);
    name[n - 1] = 0;
    size_t took = n < in.n && in.p[n] == ';' ? n + 1 : n;
    if (name[0] == '#') {
        bool hex = name[1] == 'x' || name[1] == 'X';
        unsigned long c = strtoul(name + (hex ? 2 : 1), NULL, hex ? 16 : 10);
        if (c == 0xa0) c = ' ';
        if (c < 0x20 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) || c == 0x7f) c = ' ';
        char text[4];
        size_t length = utf8_put((uint32_t)c, text);
        for (size_t i = 0; i < length && i < took; i++) put(o, text[i]);
        return took;
    }
    for (size_t i = 0; i < sizeof(entities) / sizeof(*entities); i++) {
        if (strcmp(name, entities[i].name) != 0) continue;
        for (const char *t = entities[i].text; *t; t++) put(o, *t);
        return took;
    }
    return 0;
}

static bool tag_is(struct span in, size_t at, const char *name)
{
    size_t n = strlen(name);
    if (at + n > in.n || strncasecmp((const char *)in.p + at, name, n) != 0) return false;
    return at + n == in.n || !isalnum(in.p[at + n]);
}

static bool breaks_line(struct span in, size_t at)
{
    static const char *const blocks[] = {"br", "p",  "div", "tr",    "li",         "h1",
                                         "h2", "h3", "h4",  "table", "blockquote", "hr"};
    if (at < in.n && in.p[at] == '/') at++;
    for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++)
        if (tag_is(in, at, blocks[i])) return true;
    return false;
}

/* Past the end of "</name". */
static size_t skip_element(struct span in, size_t at, const char *name)
{
    for (; at + 2 < in.n; at++)
        if (in.p[at] == '<' && in.p[at + 1] == '/' && tag_is(in, at + 2, name)) break;
    while (at < in.n && in.p[at] != '>') at++;
    return at < in.n ? at + 1 : in.n;
}

/* At "<": past the tag, comment, or element nobody reads. */
static size_t skip_tag(struct span in, size_t at, struct out *o)
{
    static const char *const unread[] = {"script", "style", "head", "title"};
    if (in.n - at >= 4 && memcmp(in.p + at, "<!--", 4) == 0) {
        const uint8_t *end = memmem(in.p + at + 4, in.n - at - 4, "-->", 3);
        return end != NULL ? (size_t)(end - in.p) + 3 : in.n;
    }
    for (size_t i = 0; i < sizeof(unread) / sizeof(*unread); i++)
        if (tag_is(in, at + 1, unread[i])) return skip_element(in, at, unread[i]);
    if (breaks_line(in, at + 1)) put(o, '\n');
    char quote = 0;
    for (at++; at < in.n; at++) {
        char c = (char)in.p[at];
        if (quote != 0) {
            if (c == quote) quote = 0;
        } else if (c == '>') {
            return at + 1;
        } else if (c == '"' || c == '\'') {
            quote = c;
        }
    }
    return in.n;
}

int mail_html_text(struct arena *arena, struct span html, struct span *ret)
{
    struct out o = {arena_alloc(arena, html.n + 1), 0, true};
    if (o.p == NULL) return E_NOMEM;
    for (size_t at = 0; at < html.n;) {
        char c = (char)html.p[at];
        size_t took;
        if (c == '<' && at + 1 < html.n &&
            (isalpha(html.p[at + 1]) || strchr("/!?", html.p[at + 1]) != NULL)) {
            at = skip_tag(html, at, &o);
        } else if (c == '&' && (took = entity(span_of(html.p + at, html.n - at), &o)) > 0) {
            at += took;
        } else {
            put(&o, isspace((unsigned char)c) ? ' ' : c);
            at++;
        }
    }
    o.p[o.n] = 0;
    *ret = span_of(o.p, o.n);
    return 0;
}
