// SPDX-License-Identifier: Apache-2.0
// Reads a regex only as far as needed to find what must stand in every match:
// a run of plain characters, or a group of plain alternatives that is not
// optional. Whatever is not understood ends the search with "cannot be told",
// which costs time and never a match.
#include "rules_impl.h"

enum { LEAST_BYTES = 2 };

/* Best set of literals of one branch so far. */
struct best {
    struct span set[RULES_MAX_GATES];
    unsigned n;
    size_t least; /* length of the shortest */
};

struct reader {
    struct span in;
    size_t at;
    uint8_t *run; /* plain characters read since the last other thing */
    size_t run_n;
};

static bool is_letter(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static size_t character_size(uint8_t c)
{
    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

static void consider(struct best *best, const struct span *set, unsigned n)
{
    size_t least = SIZE_MAX;
    for (unsigned i = 0; i < n; i++)
        if (set[i].n < least) least = set[i].n;
    if (n == 0 || least < LEAST_BYTES || least <= best->least) return;
    memcpy(best->set, set, n * sizeof *set);
    best->n = n;
    best->least = least;
}

static void end_run(struct reader *r, struct best *best)
{
    struct span run = span_of(r->run, r->run_n);
    if (run.n > 0) consider(best, &run, 1);
    r->run += r->run_n;
    r->run_n = 0;
}

/* The index after a class that opens at `at`; 0 when it does not end. */
static size_t skip_class(struct span in, size_t at)
{
    size_t i = at + 1;
    if (i < in.n && in.p[i] == '^') i++;
    if (i < in.n && in.p[i] == ']') i++;
    while (i < in.n && in.p[i] != ']') {
        if (in.p[i] == '[') return 0; /* POSIX classes are left alone */
        i += in.p[i] == '\\' ? 2 : 1;
    }
    return i < in.n ? i + 1 : 0;
}

/* The index after a group that opens at `at`; 0 when it does not end. */
static size_t skip_group(struct span in, size_t at)
{
    unsigned depth = 0;
    for (size_t i = at; i < in.n;) {
        uint8_t c = in.p[i];
        if (c == '\\') {
            if (i + 1 < in.n && in.p[i + 1] == 'Q') return 0;
            i += 2;
        } else if (c == '[') {
            i = skip_class(in, i);
            if (i == 0) return 0;
        } else {
            i++;
            if (c == '(') depth++;
            if (c == ')' && --depth == 0) return i;
        }
    }
    return 0;
}

/* Is what stands at `at` a quantifier, may it be zero times, where does it end?
 * False when it is not understood. */
static bool read_quantifier(struct span in, size_t at, bool *ret_any, bool *ret_optional, size_t *ret_after)
{
    *ret_any = *ret_optional = false;
    *ret_after = at;
    if (at >= in.n) return true;
    uint8_t c = in.p[at];
    if (c == '?' || c == '*' || c == '+') {
        *ret_any = true;
        *ret_optional = c != '+';
        at++;
    } else if (c == '{') {
        size_t i = at + 1;
        while (i < in.n && ((in.p[i] >= '0' && in.p[i] <= '9') || in.p[i] == ',')) i++;
        if (i >= in.n || in.p[i] != '}' || i == at + 1 || in.p[at + 1] == ',') return false;
        *ret_any = true;
        *ret_optional = in.p[at + 1] == '0';
        at = i + 1;
    } else {
        return true;
    }
    if (at < in.n && (in.p[at] == '?' || in.p[at] == '+')) at++;
    *ret_after = at;
    return true;
}

/* Plain alternatives of a group's inside; 0 when there is anything else. */
static unsigned read_alternatives(struct span inside, struct span ret[RULES_MAX_GATES])
{
    unsigned n = 0;
    size_t start = 0;
    for (size_t i = 0; i <= inside.n; i++) {
        if (i < inside.n && inside.p[i] != '|') {
            if (memchr("\\[](){}?*+.^$", inside.p[i], 13) != NULL) return 0;
            continue;
        }
        if (i == start || n == RULES_MAX_GATES) return 0;
        ret[n++] = span_of(inside.p + start, i - start);
        start = i + 1;
    }
    return n;
}

static bool read_group(struct reader *r, struct best *best)
{
    size_t open = r->at, after = skip_group(r->in, open);
    if (after == 0) return false;
    end_run(r, best);
    struct span inside = span_of(r->in.p + open + 1, after - open - 2);
    bool look_around = false;
    if (inside.n >= 2 && inside.p[0] == '?') {
        look_around = inside.p[1] == '=' || inside.p[1] == '!' || inside.p[1] == '<';
        if (inside.p[1] != ':' && !look_around) return false;
        inside = span_of(inside.p + 2, inside.n - 2);
    } else if (inside.n >= 1 && (inside.p[0] == '*' || inside.p[0] == '?')) {
        return false;
    }
    bool any, optional;
    if (!read_quantifier(r->in, after, &any, &optional, &r->at)) return false;
    struct span set[RULES_MAX_GATES];
    if (!optional && !look_around) consider(best, set, read_alternatives(inside, set));
    return true;
}

static bool read_escape(struct reader *r, struct best *best, bool *ret_literal, uint8_t *ret_c)
{
    if (r->at + 1 >= r->in.n) return false;
    uint8_t c = r->in.p[r->at + 1];
    *ret_literal = !is_letter(c) && c < 0x80;
    *ret_c = c;
    if (*ret_literal) return true;
    if (memchr("bBdDsSwWAzZ", c, 11) == NULL) return false;
    end_run(r, best);
    bool any, optional;
    return read_quantifier(r->in, r->at + 2, &any, &optional, &r->at);
}

static bool read_plain(struct reader *r, struct best *best, const uint8_t *p, size_t n, size_t after)
{
    bool any, optional;
    size_t next;
    if (!read_quantifier(r->in, after, &any, &optional, &next)) return false;
    if (!optional) {
        memcpy(r->run + r->run_n, p, n);
        r->run_n += n;
    }
    if (any) end_run(r, best);
    r->at = next;
    return true;
}

/* One alternative of the whole; false: cannot be told. */
static bool read_branch(struct reader *r, struct best *best)
{
    while (r->at < r->in.n && r->in.p[r->at] != '|') {
        uint8_t c = r->in.p[r->at];
        bool any, optional, literal;
        if (c == '(') {
            if (!read_group(r, best)) return false;
        } else if (c == '\\') {
            if (!read_escape(r, best, &literal, &c)) return false;
            if (literal && !read_plain(r, best, &c, 1, r->at + 2)) return false;
        } else if (c == '[' || c == '.' || c == '^' || c == '$') {
            size_t after = c == '[' ? skip_class(r->in, r->at) : r->at + 1;
            if (after == 0) return false;
            end_run(r, best);
            if (!read_quantifier(r->in, after, &any, &optional, &r->at)) return false;
        } else if (memchr(")]{}?*+", c, 7) != NULL) {
            return false;
        } else {
            size_t n = character_size(c);
            if (r->at + n > r->in.n) return false;
            if (!read_plain(r, best, r->in.p + r->at, n, r->at + n)) return false;
        }
    }
    end_run(r, best);
    return best->n > 0;
}

unsigned rules_gate(struct span regex, struct arena *arena, struct span ret[RULES_MAX_GATES])
{
    struct reader r = {.in = regex, .run = arena_alloc(arena, regex.n + 1)};
    unsigned n = 0;
    if (r.run == NULL) return 0;
    for (;;) {
        struct best best = {.n = 0};
        if (!read_branch(&r, &best) || n + best.n > RULES_MAX_GATES) return 0;
        memcpy(ret + n, best.set, best.n * sizeof *ret);
        n += best.n;
        if (r.at >= r.in.n) return n;
        r.at++; /* the | */
    }
}
