// SPDX-License-Identifier: Apache-2.0
// One table says of every code point what it becomes: nothing, a space, another
// code point, or a sequence kept in a pool. A text is measured in one pass and
// written in a second; only one that holds combining marks goes through
// utf8proc first, because composing looks at more than one code point.
//
// The table is the same for everybody and takes a noticeable time to build, so
// a process builds it once; handles share it.
#include "text.h"

#include <opencc/opencc.h>
#include <pthread.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "check.h"
#include "err.h"

enum {
    CODES = 0x110000,
    PAGE = 256,
    PAGES = CODES / PAGE,
    POOL_MAX = 65536,
    SEQUENCE_MAX = 32, /* code points one becomes */
    MARKS_MAX = 16,    /* of a run; more only serve to make sorting them slow */
};

#define CODE_MASK   0x1fffffu
#define IS_HAN      (1u << 21)
#define IS_HANT     (1u << 22) /* written otherwise in simplified script */
#define IS_HANS     (1u << 23) /* written otherwise in traditional script */
#define IS_SPACE    (1u << 24)
#define IS_DROPPED  (1u << 25)
#define IS_MARK     (1u << 26)
#define IS_SEQUENCE (1u << 27) /* the code is an index into the pool */
#define IS_LETTER   (1u << 28)
#define IS_OTHER    (1u << 29) /* letter of a script that is neither Latin nor Han */

struct text_table {
    uint32_t *pages[PAGES]; /* NULL: every code point is itself */
    uint32_t pool[POOL_MAX];
    uint32_t pool_used;
    int error;
};

static struct text_table shared;
static pthread_once_t shared_once = PTHREAD_ONCE_INIT;

static uint32_t row_of(const struct text_table *t, uint32_t code)
{
    const uint32_t *page = t->pages[code / PAGE];
    return page != NULL ? page[code % PAGE] : code;
}

static uint32_t *row_at(struct text_table *t, uint32_t code)
{
    uint32_t **page = &t->pages[code / PAGE];
    if (*page == NULL) {
        *page = malloc(PAGE * sizeof **page);
        CHECK(*page != NULL);
        for (uint32_t i = 0; i < PAGE; i++) (*page)[i] = code / PAGE * PAGE + i;
    }
    return &(*page)[code % PAGE];
}

/* ---- UTF-8; the input was validated, the end is respected all the same ---- */

static uint32_t decode(const uint8_t **p, const uint8_t *end)
{
    const uint8_t *s = *p;
    uint32_t n = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if ((size_t)(end - s) < n) {
        *p = end;
        return 0;
    }
    *p = s + n;
    if (n == 1) return s[0];
    if (n == 2) return (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
    if (n == 3) return (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
    uint32_t code = (s[0] & 0x07u) << 18 | (s[1] & 0x3fu) << 12 | (s[2] & 0x3fu) << 6 | (s[3] & 0x3fu);
    return code < CODES ? code : 0;
}

static size_t encoded_size(uint32_t code)
{
    return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

static uint8_t *encode(uint8_t *p, uint32_t code)
{
    if (code < 0x80) {
        *p++ = (uint8_t)code;
    } else if (code < 0x800) {
        *p++ = (uint8_t)(0xc0 | code >> 6);
        *p++ = (uint8_t)(0x80 | (code & 0x3f));
    } else {
        if (code < 0x10000) {
            *p++ = (uint8_t)(0xe0 | code >> 12);
        } else {
            *p++ = (uint8_t)(0xf0 | code >> 18);
            *p++ = (uint8_t)(0x80 | (code >> 12 & 0x3f));
        }
        *p++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        *p++ = (uint8_t)(0x80 | (code & 0x3f));
    }
    return p;
}

/* ---- building the table -------------------------------------------------- */

static bool is_han(uint32_t code)
{
    return (code >= 0x3400 && code <= 0x9fff) || (code >= 0xf900 && code <= 0xfaff) ||
           (code >= 0x20000 && code <= 0x3134f) || code == 0x3005 || code == 0x3007;
}

/* OpenCC's answer for each Han code point, a line each, in one call. */
static int convert_han(const char *config, uint32_t first, uint32_t last, uint32_t *ret)
{
    opencc_t opencc = opencc_open(config);
    if (opencc == (opencc_t)-1) return E_IO;
    uint8_t *in = malloc((size_t)(last - first + 1) * 5);
    CHECK(in != NULL);
    uint8_t *p = in;
    for (uint32_t code = first; code <= last; code++) {
        p = encode(p, code);
        *p++ = '\n';
    }
    char *out = opencc_convert_utf8(opencc, (const char *)in, (size_t)(p - in));
    free(in);
    if (out == NULL || out == (char *)-1) {
        opencc_close(opencc);
        return E_IO;
    }
    const uint8_t *q = (const uint8_t *)out, *end = q + strlen(out);
    for (uint32_t code = first; code <= last; code++) {
        uint32_t to = q < end ? decode(&q, end) : code;
        ret[code - first] = to != '\n' && to != 0 ? to : code;
        while (q < end && *q != '\n') q++;
        if (q < end) q++;
    }
    opencc_convert_utf8_free(out);
    opencc_close(opencc);
    return 0;
}

static int build_han(struct text_table *t, uint32_t first, uint32_t last)
{
    size_t n = last - first + 1;
    uint32_t *simple = malloc(2 * n * sizeof *simple);
    CHECK(simple != NULL);
    uint32_t *traditional = simple + n;
    int err = convert_han("t2s.json", first, last, simple);
    if (err == 0) err = convert_han("s2t.json", first, last, traditional);
    for (uint32_t code = first; err == 0 && code <= last; code++) {
        uint32_t to = simple[code - first];
        for (int i = 0; i < 4 && to >= first && to <= last; i++) to = simple[to - first];
        uint32_t flags = IS_HAN | IS_LETTER;
        if (to != code && traditional[code - first] == code) flags |= IS_HANT;
        if (to == code && traditional[code - first] != code) flags |= IS_HANS;
        *row_at(t, code) = to | flags;
    }
    free(simple);
    return err;
}

static bool is_space(uint32_t code, utf8proc_category_t category)
{
    return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
           category == UTF8PROC_CATEGORY_ZP || (code >= 9 && code <= 13) || code == 0x85;
}

static uint32_t flags_of(uint32_t code, utf8proc_category_t category)
{
    uint32_t flags = 0;
    if (category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME) flags |= IS_MARK;
    bool jamo = (code >= 0x1100 && code <= 0x11ff) || (code >= 0xa960 && code <= 0xa97f) ||
                (code >= 0xd7b0 && code <= 0xd7ff);
    if (jamo) flags |= IS_MARK;
    if (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) {
        flags |= IS_LETTER;
        if (code >= 0x250 && !is_han(code) && !(code >= 0xff00 && code <= 0xff60)) flags |= IS_OTHER;
    }
    return flags;
}

/* What one code point becomes by NFKC and case folding, then simplified. */
static void build_row(struct text_table *t, uint32_t code)
{
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)code);
    if (category == UTF8PROC_CATEGORY_CN || category == UTF8PROC_CATEGORY_CO) return;
    if (is_space(code, category)) {
        *row_at(t, code) = ' ' | IS_SPACE;
        return;
    }
    if (category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CS) {
        *row_at(t, code) = IS_DROPPED;
        return;
    }
    uint32_t flags = flags_of(code, category);
    uint8_t in[4];
    utf8proc_uint8_t *out = NULL;
    utf8proc_ssize_t n = utf8proc_map(in, encode(in, code) - in, &out,
                                      UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE |
                                          UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
    CHECK(n >= 0);
    uint32_t codes[SEQUENCE_MAX], n_codes = 0;
    for (const uint8_t *p = out, *end = out + n; p < end && n_codes < SEQUENCE_MAX;) {
        uint32_t to = decode(&p, end), row = row_of(t, to);
        codes[n_codes++] = (row & IS_HAN) != 0 ? row & CODE_MASK : to;
        if ((row & IS_HAN) != 0) flags |= row & (IS_HAN | IS_HANT | IS_HANS);
    }
    free(out);
    if (n_codes == 0) {
        *row_at(t, code) = IS_DROPPED;
    } else if (n_codes == 1) {
        if (utf8proc_category((utf8proc_int32_t)codes[0]) == UTF8PROC_CATEGORY_MN) flags |= IS_MARK;
        if (codes[0] == ' ') flags |= IS_SPACE;
        if (codes[0] != code || flags != 0) *row_at(t, code) = codes[0] | flags;
    } else {
        CHECK(t->pool_used + n_codes + 1 <= POOL_MAX);
        *row_at(t, code) = t->pool_used | flags | IS_SEQUENCE;
        t->pool[t->pool_used++] = n_codes;
        for (uint32_t i = 0; i < n_codes; i++) t->pool[t->pool_used++] = codes[i];
    }
}

static void build(void)
{
    struct text_table *t = &shared;
    t->error = build_han(t, 0x3400, 0x9fff);
    if (t->error == 0) t->error = build_han(t, 0x20000, 0x3134f);
    if (t->error != 0) return;
    /* What OpenCC decides by phrase only, and people write either way. */
    *row_at(t, 0x8457) = 0x7740 | IS_HAN | IS_LETTER;           /* 著 着 */
    *row_at(t, 0x59b3) = 0x4f60 | IS_HAN | IS_LETTER | IS_HANT; /* 妳 你 */
    for (uint32_t code = 0; code < 0x3400; code++) build_row(t, code);
    for (uint32_t code = 0xa000; code < 0xac00; code++) build_row(t, code);
    for (uint32_t code = 0xac00; code < 0xd7a4; code++) *row_at(t, code) = code | IS_LETTER | IS_OTHER;
    for (uint32_t code = 0xd7b0; code < 0x1fbff; code++)
        if (code < 0xd800 || code >= 0xf900) build_row(t, code);
    for (uint32_t code = 0xe0000; code < 0xe0200; code++) build_row(t, code);
    *row_at(t, 0x2018) = *row_at(t, 0x2019) = '\'';
    *row_at(t, 0x201c) = *row_at(t, 0x201d) = '"';
}

int text_table_new(struct mem *m, struct text_table **ret)
{
    (void)m;
    pthread_once(&shared_once, build);
    if (shared.error != 0) return shared.error;
    *ret = &shared;
    return 0;
}

void text_table_free(struct text_table **p)
{
    *p = NULL;
}

/* ---- using it ------------------------------------------------------------- */

struct writer {
    uint8_t *p;     /* room for `room` bytes */
    size_t n, room; /* n goes on past the room: then it says how much would do */
    bool han;       /* the last one written */
    bool space;     /* one is owed */
};

static void write_code(struct writer *w, uint32_t code, bool han)
{
    if (code == ' ') {
        w->space = true;
        return;
    }
    if (w->space && w->n > 0 && !(w->han && han)) {
        if (w->n < w->room) w->p[w->n] = ' ';
        w->n++;
    }
    size_t size = encoded_size(code);
    w->space = false;
    w->han = han;
    if (w->n + size <= w->room) encode(w->p + w->n, code);
    w->n += size;
}

/* Returns the flags met. */
static uint32_t convert(const struct text_table *t, struct span in, struct writer *w)
{
    uint32_t met = 0;
    for (const uint8_t *p = in.p, *end = in.p + in.n; p < end;) {
        uint32_t row = row_of(t, decode(&p, end));
        met |= row;
        if ((row & IS_DROPPED) != 0) continue;
        if ((row & IS_SEQUENCE) == 0) {
            write_code(w, row & CODE_MASK, (row & IS_HAN) != 0);
            continue;
        }
        const uint32_t *sequence = &t->pool[row & CODE_MASK];
        for (uint32_t i = 1; i <= sequence[0]; i++) write_code(w, sequence[i], (row & IS_HAN) != 0);
    }
    return met;
}

/* Composes what stands in several code points. ret: from malloc. */
static int compose(const struct text_table *t, struct span in, struct span *ret)
{
    uint8_t *kept = malloc(in.n + 1);
    if (kept == NULL) return E_NOMEM;
    uint8_t *out = kept;
    unsigned run = 0;
    for (const uint8_t *p = in.p, *end = in.p + in.n; p < end;) {
        const uint8_t *start = p;
        run = (row_of(t, decode(&p, end)) & IS_MARK) != 0 ? run + 1 : 0;
        if (run > MARKS_MAX) continue;
        memcpy(out, start, (size_t)(p - start));
        out += p - start;
    }
    utf8proc_uint8_t *composed = NULL;
    utf8proc_ssize_t n = utf8proc_map(kept, out - kept, &composed,
                                      UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE |
                                          UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
    free(kept);
    if (n < 0) return n == UTF8PROC_ERROR_NOMEM ? E_NOMEM : E_UTF8;
    *ret = span_of(composed, (size_t)n);
    return 0;
}

int text_normalise(const struct text_table *t, struct span in, struct arena *arena, struct span *ret)
{
    size_t room = in.n + in.n / 2; /* enough for nearly all */
    struct writer out = {.p = arena_alloc(arena, room + 1), .room = room};
    uint8_t *composed = NULL;
    if (out.p == NULL) return E_NOMEM;
    if ((convert(t, in, &out) & IS_MARK) != 0) {
        int err = compose(t, in, &in);
        if (err != 0) return err;
        composed = (uint8_t *)(uintptr_t)in.p;
        out = (struct writer){.p = out.p, .room = room};
        convert(t, in, &out);
    }
    if (out.n > room) {
        out = (struct writer){.p = arena_alloc(arena, out.n + 1), .room = out.n};
        if (out.p != NULL) convert(t, in, &out);
    }
    free(composed);
    if (out.p == NULL) return E_NOMEM;
    out.p[out.n] = '\0';
    *ret = span_of(out.p, out.n);
    return 0;
}

uint32_t text_simplify(const struct text_table *t, uint32_t code)
{
    if (code >= CODES) return code;
    uint32_t row = row_of(t, code);
    return (row & IS_HAN) != 0 && (row & IS_SEQUENCE) == 0 ? row & CODE_MASK : code;
}

Kesu__V1__Language text_language(const struct text_table *t, struct span in)
{
    size_t han = 0, hant = 0, hans = 0, latin = 0, accented = 0, other = 0;
    for (const uint8_t *p = in.p, *end = in.p + in.n; p < end;) {
        uint32_t code = decode(&p, end), row = row_of(t, code);
        if ((row & IS_HAN) != 0) {
            han++;
            hant += (row & IS_HANT) != 0;
            hans += (row & IS_HANS) != 0;
        } else if ((row & IS_OTHER) != 0) {
            other++;
        } else if ((row & IS_LETTER) != 0) {
            latin++;
            accented += code >= 0x80 && code < 0x250;
        }
    }
    if (han + latin + other == 0) return KESU__V1__LANGUAGE__LANGUAGE_UNSPECIFIED;
    /* A Han character says about as much as three Latin letters. */
    if (other > han && other * 3 > latin) return KESU__V1__LANGUAGE__LANGUAGE_OTHER;
    if (other * 5 > han * 2 && other > 3 && han * 3 > latin) return KESU__V1__LANGUAGE__LANGUAGE_OTHER;
    if (han * 3 >= latin)
        return hant > hans ? KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT : KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS;
    return accented * 25 > latin ? KESU__V1__LANGUAGE__LANGUAGE_OTHER : KESU__V1__LANGUAGE__LANGUAGE_EN;
}
