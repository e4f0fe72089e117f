/* SPDX-License-Identifier: Apache-2.0 */
/* One scan: text is copied, a name between {{ and }} is looked up and its
 * value copied escaped. Rendering counts in a first pass and writes in a
 * second, into one piece of the arena. */
#include "template.h"

#include <stdio.h>

#include "check.h"
#include "err.h"

const char *const template_names[TEMPLATE_N_VALUES] = {
#define X(name, what) #name,
    TEMPLATE_VALUES(X)
#undef X
};

struct piece {
    const char *text; /* literal, when value < 0 */
    size_t n;
    int value;
};

static int value_of(const char *name, size_t n)
{
    for (int i = 0; i < TEMPLATE_N_VALUES; i++)
        if (strlen(template_names[i]) == n && memcmp(template_names[i], name, n) == 0) return i;
    return -1;
}

/* The next piece, and moves on; 1, 0 at the end, E_SYNTAX. */
static int next_piece(const char **at, struct piece *ret)
{
    const char *s = *at;
    if (*s == '\0') return 0;
    const char *open = strstr(s, "{{");
    if (open != s) {
        size_t n = open != NULL ? (size_t)(open - s) : strlen(s);
        *ret = (struct piece){s, n, -1};
        *at = s + n;
        return 1;
    }
    const char *name = s + 2;
    const char *close = strstr(name, "}}");
    if (close == NULL) return E_SYNTAX;
    const char *after = close + 2;
    while (*name == ' ') name++;
    while (close > name && close[-1] == ' ') close--;
    int value = value_of(name, (size_t)(close - name));
    *ret = (struct piece){name, (size_t)(close - name), value};
    *at = after;
    return value < 0 ? E_SYNTAX : 1;
}

int template_check(const char *source, char *ret_reason, size_t n)
{
    const char *at = source;
    struct piece piece = {NULL, 0, -1};
    int got;
    while ((got = next_piece(&at, &piece)) == 1) continue;
    if (got == 0) return 0;
    if (strncmp(at, "{{", 2) == 0) {
        (void)snprintf(ret_reason, n, "found '{{' without '}}'");
        return E_SYNTAX;
    }
    size_t used = (size_t)snprintf(ret_reason, n, "found {{%.*s}}, allowed ",
                                   (int)(piece.n < 40 ? piece.n : 40), piece.text);
    for (int i = 0; i < TEMPLATE_N_VALUES && used < n; i++)
        used +=
            (size_t)snprintf(ret_reason + used, n - used, "%s{{%s}}", i > 0 ? ", " : "", template_names[i]);
    return E_SYNTAX;
}

static const char *escape_of(char c, enum template_context context)
{
    if ((unsigned char)c < 0x20 || c == 0x7f)
        return context != TEMPLATE_HEADER && (c == '\n' || c == '\t') ? NULL : " ";
    if (context != TEMPLATE_HTML) return NULL;
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* ret NULL: counts only. */
static size_t put_escaped(const char *s, size_t n, enum template_context context, char *ret)
{
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        const char *escape = escape_of(s[i], context);
        size_t bytes = escape != NULL ? strlen(escape) : 1;
        if (ret != NULL) memcpy(ret + used, escape != NULL ? escape : &s[i], bytes);
        used += bytes;
    }
    return used;
}

static int render_into(const char *source, enum template_context context, const char *const *values,
                       char *ret, size_t *ret_n)
{
    size_t used = 0;
    struct piece piece;
    int got;
    while ((got = next_piece(&source, &piece)) == 1) {
        const char *s = piece.value >= 0 ? values[piece.value] : piece.text;
        size_t n = piece.value < 0 ? piece.n : s != NULL ? strlen(s) : 0;
        /* What the policy wrote is its own markup, but never a second header line. */
        enum template_context of_text = context == TEMPLATE_HTML ? TEMPLATE_TEXT : context;
        used += put_escaped(s, n, piece.value >= 0 ? context : of_text, ret != NULL ? ret + used : NULL);
    }
    *ret_n = used;
    return got;
}

int template_render(const char *source, enum template_context context,
                    const char *const values[TEMPLATE_N_VALUES], struct arena *arena, struct span *ret)
{
    size_t n, written;
    int err = render_into(source, context, values, NULL, &n);
    if (err != 0) return err;
    char *text = arena_alloc(arena, n + 1);
    if (text == NULL) return E_NOMEM;
    CHECK(render_into(source, context, values, text, &written) == 0 && written == n);
    text[n] = '\0';
    *ret = span_of(text, n);
    return 0;
}
