// SPDX-License-Identifier: Apache-2.0
// Mail clients put what they answer under the answer, marked line by line or
// by one heading. What an earlier mail said has been judged with that mail.
#include "err.h"
#include "rules_impl.h"

enum { ENOUGH_BYTES = 12 };

static struct span trim(struct span line)
{
    while (line.n > 0 && (*line.p == ' ' || *line.p == '\t')) line = span_of(line.p + 1, line.n - 1);
    while (line.n > 0 && memchr(" \t\r", line.p[line.n - 1], 3) != NULL) line.n--;
    return line;
}

static bool begins(struct span line, const char *with)
{
    size_t n = strlen(with);
    return line.n >= n && memcmp(line.p, with, n) == 0;
}

static bool ends(struct span line, const char *with)
{
    size_t n = strlen(with);
    return line.n >= n && memcmp(line.p + line.n - n, with, n) == 0;
}

/* From this line on another's mail follows. */
static bool is_heading(struct span line)
{
    if (begins(line, "On ") && ends(line, "wrote:")) return true;
    if (line.n < 120 &&
        (ends(line, "写道：") || ends(line, "寫道：") || ends(line, "写道:") || ends(line, "寫道:")))
        return true;
    if (!begins(line, "--")) return false;
    while (line.n > 0 && (*line.p == '-' || *line.p == ' ')) line = span_of(line.p + 1, line.n - 1);
    return begins(line, "Original Message") || begins(line, "原始邮件") || begins(line, "原始郵件") ||
           begins(line, "邮件原件") || begins(line, "回复的原邮件") || begins(line, "原郵件");
}

static struct span next_line(struct span *text)
{
    const uint8_t *end = memchr(text->p, '\n', text->n);
    size_t n = end != NULL ? (size_t)(end - text->p) : text->n;
    struct span line = span_of(text->p, n);
    size_t step = end != NULL ? n + 1 : n;
    *text = span_of(text->p + step, text->n - step);
    return line;
}

int rules_unquote(struct span text, struct arena *arena, struct span *ret)
{
    if (text.n == 0 || memchr(text.p, '\n', text.n) == NULL) {
        *ret = text;
        return 0;
    }
    uint8_t *kept = arena_alloc(arena, text.n + 1);
    if (kept == NULL) return E_NOMEM;
    size_t n = 0, said = 0;
    for (struct span rest = text; rest.n > 0;) {
        struct span line = next_line(&rest), bare = trim(line);
        if (begins(bare, ">")) continue;
        if (is_heading(bare) && said >= ENOUGH_BYTES) break;
        memcpy(kept + n, line.p, line.n);
        n += line.n;
        kept[n++] = '\n';
        said += bare.n;
    }
    *ret = said >= ENOUGH_BYTES ? span_of(kept, n) : text;
    return 0;
}
