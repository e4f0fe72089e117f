// SPDX-License-Identifier: Apache-2.0
// Compiling: keywords are normalised as the text will be, equal ones of
// different rules share one pattern of the automaton, a regex is compiled with
// the gate that says when it is worth running. Judging: prepare the text,
// match, score. Nothing is allocated while judging but from the arena.
#include "rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "err.h"
#include "rules_impl.h"

enum {
    RULES_MAX = 20000,
    REGEX_MAX = 1000,
    PATTERNS_MAX_BYTES = 8 << 20,
    MATCH_LIMIT = 200000,
    DEPTH_LIMIT = 500,
    HEAP_LIMIT_KIB = 1024,
    JIT_STACK_BYTES = 512 << 10,
};

/* A keyword, excluded phrase or gate on its way into the automaton. */
struct entry {
    struct span text;
    bool word_begins, word_ends;
    struct rules_use use;
};

struct compiler {
    struct rules *r;
    struct entry *entries;
    size_t n, room;
    char *reason;
    size_t reason_n;
};

static int fail(struct compiler *c, uint32_t rule, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct compiler *c, uint32_t rule, const char *format, ...)
{
    char what[200];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    snprintf(c->reason, c->reason_n, "rules[%u] '%.60s': %s", (unsigned)rule, c->r->policy->rules[rule]->id,
             what);
    return E_POLICY;
}

static void *pcre_alloc(size_t n, void *mem)
{
    return mem_alloc(mem, n);
}

static void pcre_free(void *p, void *mem)
{
    mem_free(mem, p);
}

static bool is_word(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static int add_entry(struct compiler *c, uint32_t rule, uint32_t keyword, enum rules_use_kind kind,
                     struct span text)
{
    struct entry e = {.use = {.rule = rule, .keyword = keyword, .kind = kind}};
    bool open_end = kind != RULES_GATE && text.n > 0 && text.p[text.n - 1] == '*';
    if (open_end) text.n--;
    if (text.n == 0)
        return fail(c, rule, "%s[%u] is empty", kind == RULES_KEYWORD ? "keywords" : "unless",
                    (unsigned)keyword);
    e.text = text;
    e.word_begins = kind != RULES_GATE && is_word(text.p[0]);
    e.word_ends = kind != RULES_GATE && !open_end && is_word(text.p[text.n - 1]);
    if (c->n == c->room) {
        c->room = c->room * 2 + 256;
        c->entries = mem_realloc(c->r->mem, c->entries, c->room * sizeof *c->entries);
    }
    c->entries[c->n++] = e;
    return 0;
}

static int add_words(struct compiler *c, uint32_t rule, enum rules_use_kind kind, char *const *words,
                     size_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct span text = span_str(words[i]);
        if (!codec_is_utf8(text)) return fail(c, rule, "keyword %u is not UTF-8", (unsigned)i);
        if (text_normalise(c->r->table, text, &c->r->arena, &text) != 0)
            return fail(c, rule, "too much text in the rules");
        int err = add_entry(c, rule, i, kind, text);
        if (err != 0) return err;
    }
    return 0;
}

/* Han characters of a regex become simplified, as the text will be. */
static int simplify_regex(struct compiler *c, uint32_t rule, struct span *ret)
{
    const char *regex = c->r->policy->rules[rule]->regex;
    struct span in = span_str(regex);
    if (in.n > REGEX_MAX || !codec_is_utf8(in))
        return fail(c, rule, "regex is not UTF-8 or longer than %d bytes", REGEX_MAX);
    uint8_t *out = arena_alloc(&c->r->arena, in.n + 1);
    if (out == NULL) return fail(c, rule, "too much text in the rules");
    memcpy(out, in.p, in.n + 1);
    for (size_t i = 0; i < in.n;) {
        if (out[i] < 0xe0 || out[i] >= 0xf0) {
            i += out[i] < 0x80 ? 1 : out[i] < 0xe0 ? 2 : 4;
            continue;
        }
        uint32_t code = (out[i] & 0x0fu) << 12 | (out[i + 1] & 0x3fu) << 6 | (out[i + 2] & 0x3fu);
        uint32_t to = text_simplify(c->r->table, code);
        if (to >= 0x800 && to < 0x10000) {
            out[i] = (uint8_t)(0xe0 | to >> 12);
            out[i + 1] = (uint8_t)(0x80 | (to >> 6 & 0x3f));
            out[i + 2] = (uint8_t)(0x80 | (to & 0x3f));
        }
        i += 3;
    }
    *ret = span_of(out, in.n);
    return 0;
}

static int add_regex(struct compiler *c, uint32_t rule)
{
    struct rules *r = c->r;
    struct span regex;
    int err = simplify_regex(c, rule, &regex);
    if (err != 0) return err;
    int code;
    PCRE2_SIZE offset;
    pcre2_compile_context *context = pcre2_compile_context_create(r->pcre_general);
    pcre2_set_parens_nest_limit(context, 20);
    pcre2_code *compiled =
        pcre2_compile(regex.p, regex.n, PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE, &code,
                      &offset, context);
    pcre2_compile_context_free(context);
    if (compiled == NULL) {
        PCRE2_UCHAR message[120];
        pcre2_get_error_message(code, message, sizeof message);
        return fail(c, rule, "regex: %s at offset %zu", (const char *)message, (size_t)offset);
    }
    r->rules[rule].regex = compiled;
    pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE); /* without JIT it is slower, nothing else */
    struct span gates[RULES_MAX_GATES];
    unsigned n = rules_gate(regex, &r->arena, gates);
    r->rules[rule].gated = n > 0;
    for (unsigned i = 0; i < n && err == 0; i++) err = add_entry(c, rule, i, RULES_GATE, gates[i]);
    r->with_regex[r->n_with_regex++] = rule;
    return err;
}

static int find_category(const Kesu__V1__Policy *p, const char *id)
{
    for (size_t i = 0; i < p->n_categories; i++)
        if (strcmp(p->categories[i]->id, id) == 0) return (int)i;
    return -1;
}

static int add_rule(struct compiler *c, uint32_t index)
{
    const Kesu__V1__Rule *source = c->r->policy->rules[index];
    struct rules_rule *rule = &c->r->rules[index];
    rule->source = source;
    rule->category = -1;
    bool of_category = *source->category != '\0', of_factor = *source->factor != '\0';
    if (of_category == of_factor) return fail(c, index, "needs either category or factor");
    if (of_category) {
        rule->category = find_category(c->r->policy, source->category);
        if (rule->category < 0) return fail(c, index, "category: no '%.60s'", source->category);
    } else {
        unsigned f = 0;
        while (f < RULES_FACTORS && strcmp(rules_factor_names[f], source->factor) != 0) f++;
        if (f == RULES_FACTORS) return fail(c, index, "factor: no '%.60s'", source->factor);
        rule->factor = (enum rules_factor)f;
    }
    if (source->n_keywords == 0 && *source->regex == '\0') return fail(c, index, "has no keyword, no regex");
    int err = add_words(c, index, RULES_KEYWORD, source->keywords, source->n_keywords);
    if (err == 0) err = add_words(c, index, RULES_UNLESS, source->unless, source->n_unless);
    if (err == 0 && *source->regex != '\0') err = add_regex(c, index);
    return err;
}

static int compare_entries(const void *x, const void *y)
{
    const struct entry *a = x, *b = y;
    int d = span_compare(a->text, b->text);
    if (d != 0) return d;
    if (a->word_begins != b->word_begins) return a->word_begins ? 1 : -1;
    if (a->word_ends != b->word_ends) return a->word_ends ? 1 : -1;
    if (a->use.rule != b->use.rule) return a->use.rule < b->use.rule ? -1 : 1;
    if (a->use.kind != b->use.kind) return a->use.kind < b->use.kind ? -1 : 1;
    return a->use.keyword < b->use.keyword ? -1 : a->use.keyword > b->use.keyword;
}

/* Entries of equal text share a pattern; "whole" is a matter of each use. */
static int build_automaton(struct compiler *c)
{
    struct rules *r = c->r;
    if (c->n > 0) qsort(c->entries, c->n, sizeof *c->entries, compare_entries);
    r->patterns = mem_zalloc(r->mem, (c->n + 1) * sizeof *r->patterns);
    r->uses = mem_alloc(r->mem, (c->n + 1) * sizeof *r->uses);
    struct span *texts = mem_alloc(r->mem, (c->n + 1) * sizeof *texts);
    for (size_t i = 0; i < c->n; i++) {
        const struct entry *e = &c->entries[i];
        if (r->n_patterns == 0 || !span_equal(texts[r->n_patterns - 1], e->text)) {
            texts[r->n_patterns] = e->text;
            r->patterns[r->n_patterns++].first_use = r->n_uses;
        }
        struct rules_pattern *p = &r->patterns[r->n_patterns - 1];
        p->n_uses++;
        r->uses[r->n_uses] = e->use;
        r->uses[r->n_uses].word_begins = e->word_begins;
        r->uses[r->n_uses++].word_ends = e->word_ends;
    }
    int err = automaton_new(r->mem, texts, r->n_patterns, &r->automaton);
    mem_free(r->mem, texts);
    if (err != 0) snprintf(c->reason, c->reason_n, "rules: too many keywords");
    return err != 0 ? E_POLICY : 0;
}

static int compile(struct compiler *c)
{
    struct rules *r = c->r;
    const Kesu__V1__Policy *p = r->policy;
    if (p->n_rules > RULES_MAX) {
        snprintf(c->reason, c->reason_n, "rules: more than %d", RULES_MAX);
        return E_POLICY;
    }
    r->n_rules = (uint32_t)p->n_rules;
    r->rules = mem_zalloc(r->mem, (p->n_rules + 1) * sizeof *r->rules);
    r->with_regex = mem_alloc(r->mem, (p->n_rules + 1) * sizeof *r->with_regex);
    r->found = mem_zalloc(r->mem, (p->n_rules + 1) * sizeof *r->found);
    r->touched = mem_alloc(r->mem, (p->n_rules + 1) * sizeof *r->touched);
    r->votes = mem_alloc(r->mem, (p->n_categories + 1) * sizeof *r->votes);
    r->hits = mem_alloc(r->mem, RULES_MAX_HITS * sizeof *r->hits);
    r->pcre_general = pcre2_general_context_create(pcre_alloc, pcre_free, r->mem);
    r->pcre_match = pcre2_match_context_create(r->pcre_general);
    r->pcre_data = pcre2_match_data_create(1, r->pcre_general);
    r->pcre_stack = pcre2_jit_stack_create(32 << 10, JIT_STACK_BYTES, r->pcre_general);
    pcre2_set_match_limit(r->pcre_match, MATCH_LIMIT);
    pcre2_set_depth_limit(r->pcre_match, DEPTH_LIMIT);
    pcre2_set_heap_limit(r->pcre_match, HEAP_LIMIT_KIB);
    pcre2_jit_stack_assign(r->pcre_match, NULL, r->pcre_stack);
    for (uint32_t i = 0; i < r->n_rules; i++) {
        int err = add_rule(c, i);
        if (err != 0) return err;
    }
    return build_automaton(c);
}

int rules_new(struct mem *m, const struct text_table *t, const Kesu__V1__Policy *policy,
              const uint8_t policy_hash[32], struct rules **ret, char *ret_reason, size_t n)
{
    struct rules *r = mem_zalloc(m, sizeof *r);
    r->mem = m;
    r->table = t;
    r->policy = policy;
    memcpy(r->policy_hash, policy_hash, sizeof r->policy_hash);
    arena_init(&r->arena, m, PATTERNS_MAX_BYTES);
    struct compiler c = {.r = r, .reason = ret_reason, .reason_n = n};
    int err = compile(&c);
    mem_free(m, c.entries);
    if (err != 0) {
        rules_free(&r);
        return err;
    }
    *ret = r;
    return 0;
}

void rules_free(struct rules **p)
{
    struct rules *r = *p;
    if (r == NULL) return;
    for (uint32_t i = 0; i < r->n_rules && r->rules != NULL; i++)
        if (r->rules[i].regex != NULL) pcre2_code_free(r->rules[i].regex);
    automaton_free(&r->automaton);
    pcre2_jit_stack_free(r->pcre_stack);
    pcre2_match_data_free(r->pcre_data);
    pcre2_match_context_free(r->pcre_match);
    pcre2_general_context_free(r->pcre_general);
    mem_free(r->mem, r->patterns);
    mem_free(r->mem, r->uses);
    mem_free(r->mem, r->rules);
    mem_free(r->mem, r->with_regex);
    mem_free(r->mem, r->found);
    mem_free(r->mem, r->touched);
    mem_free(r->mem, r->votes);
    mem_free(r->mem, r->hits);
    arena_deinit(&r->arena);
    mem_free(r->mem, r);
    *p = NULL;
}

static int prepare(const struct rules *r, const Kesu__V1__Task *task, struct arena *arena,
                   struct rules_text *ret)
{
    struct span parts[3] = {span_str(task->subject), span_str(task->text), span_str(task->demand)};
    size_t n = 0;
    for (int i = 0; i < 3; i++) {
        if (!codec_is_utf8(parts[i])) return E_UTF8;
        int err = i == 1 ? rules_unquote(parts[i], arena, &parts[i]) : 0;
        if (err == 0) err = text_normalise(r->table, parts[i], arena, &parts[i]);
        if (err != 0) return err;
        n += parts[i].n + 1;
    }
    uint8_t *all = arena_alloc(arena, n);
    if (all == NULL) return E_NOMEM;
    n = 0;
    for (int i = 0; i < 3; i++) {
        memcpy(all + n, parts[i].p, parts[i].n);
        n += parts[i].n;
        all[n++] = '\n';
        if (i == 0) ret->subject_end = n - 1;
    }
    ret->all = span_of(all, n - 1);
    return 0;
}

int rules_judge(struct rules *r, const Kesu__V1__Task *task, struct arena *arena, Kesu__V1__Judgement *ret,
                unsigned *ret_limit_hits)
{
    struct rules_text text;
    unsigned limit_hits = 0;
    int err = prepare(r, task, arena, &text);
    if (err != 0) return err;
    rules_match(r, &text, &limit_hits);
    Kesu__V1__Judgement judgement;
    err = rules_score(r, task, arena, &judgement);
    if (err != 0) return err;
    judgement.language = task->language;
    if (task->language == KESU__V1__LANGUAGE__LANGUAGE_UNSPECIFIED) {
        judgement.language = text_language(r->table, span_str(task->text));
        if (judgement.language == KESU__V1__LANGUAGE__LANGUAGE_UNSPECIFIED)
            judgement.language = text_language(r->table, span_str(task->subject));
    }
    *ret = judgement;
    *ret_limit_hits = limit_hits;
    return 0;
}
