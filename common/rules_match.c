// SPDX-License-Identifier: Apache-2.0
// One pass of the automaton gives every occurrence of every keyword; the few
// regexes whose gate was seen run after it. An occurrence counts unless it is
// part of a longer phrase that the rule excludes, or, for rules of severity,
// is denied ("nobody was hurt").
#include "rules_impl.h"

static struct rules_found *found_of(struct rules *r, uint32_t rule)
{
    struct rules_found *f = &r->found[rule];
    if (f->turn != r->turn) {
        *f = (struct rules_found){.turn = r->turn, .first_keyword = UINT32_MAX};
        r->touched[r->n_touched++] = rule;
    }
    return f;
}

static bool is_word(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

struct scan {
    struct rules *r;
    struct span text;
};

static void on_match(void *self, uint32_t pattern, size_t begin, size_t end)
{
    const struct scan *s = self;
    struct rules *r = s->r;
    const struct rules_pattern *p = &r->patterns[pattern];
    bool apart_before = begin == 0 || !is_word(s->text.p[begin - 1]);
    bool apart_after = end == s->text.n || !is_word(s->text.p[end]);
    for (uint32_t i = p->first_use; i < p->first_use + p->n_uses; i++) {
        const struct rules_use *use = &r->uses[i];
        if (use->kind == RULES_GATE) {
            found_of(r, use->rule)->gate = true;
        } else if ((apart_before || !use->word_begins) && (apart_after || !use->word_ends) &&
                   r->n_hits < RULES_MAX_HITS) {
            r->hits[r->n_hits++] = (struct rules_hit){i, (uint32_t)begin, (uint32_t)end};
        }
    }
}

/* What, right before a word, says that it did not happen. */
static bool is_denied(struct span text, size_t begin)
{
    static const char *const words[] = {
        "没有",        "没",         "无",       "未",      "不是",     "并非",       "不会",   "不存在",
        "没人",        "无人",       "没有人",   "未造成",  "没造成",   "未发生",     "没发生", "没有造成",
        "没有发生",    "未出现",     "没有出现", "不想",    "no ",      "not ",       "never ", "without ",
        "nobody ",     "no one ",    "n't ",     "not be ", "not been", "nobody is ", "not a ", "nobody was ",
        "no one was ", "no one is ", "was not ", "not any "};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        if (begin >= n && memcmp(text.p + begin - n, words[i], n) == 0) return true;
    }
    return false;
}

/* Is the occurrence part of one of the rule's `unless` phrases? */
static bool is_excluded(const struct rules *r, const struct rules_hit *hit, uint32_t rule)
{
    for (uint32_t i = 0; i < r->n_hits; i++) {
        const struct rules_hit *h = &r->hits[i];
        const struct rules_use *use = &r->uses[h->use];
        if (use->kind == RULES_UNLESS && use->rule == rule && h->begin <= hit->begin && h->end >= hit->end)
            return true;
    }
    return false;
}

/* An `unless` phrase that holds none of the rule's keywords voids the rule. */
static void void_rules(struct rules *r)
{
    for (uint32_t i = 0; i < r->n_hits; i++) {
        const struct rules_hit *u = &r->hits[i];
        const struct rules_use *use = &r->uses[u->use];
        if (use->kind != RULES_UNLESS) continue;
        bool holds = false;
        for (uint32_t j = 0; j < r->n_hits && !holds; j++) {
            const struct rules_hit *h = &r->hits[j];
            holds = r->uses[h->use].kind == RULES_KEYWORD && r->uses[h->use].rule == use->rule &&
                    u->begin <= h->begin && u->end >= h->end;
        }
        if (!holds) found_of(r, use->rule)->voided = true;
    }
}

static void count_hit(struct rules *r, const struct rules_text *text, const struct rules_hit *hit)
{
    const struct rules_use *use = &r->uses[hit->use];
    const struct rules_rule *rule = &r->rules[use->rule];
    bool in_subject = hit->begin < text->subject_end;
    if (rule->source->subject_only && !in_subject) return;
    if (rule->category < 0 && is_denied(text->all, hit->begin)) return;
    if (rule->source->n_unless > 0 && is_excluded(r, hit, use->rule)) return;
    struct rules_found *f = found_of(r, use->rule);
    f->fired = true;
    f->in_subject |= in_subject;
    uint64_t bit = UINT64_C(1) << (use->keyword & 63);
    if ((f->seen & bit) == 0) f->kinds++;
    f->seen |= bit;
    if (f->first_keyword > use->keyword) f->first_keyword = use->keyword;
}

static void run_regex(struct rules *r, uint32_t index, const struct rules_text *text, unsigned *limit_hits)
{
    const struct rules_rule *rule = &r->rules[index];
    if (rule->regex == NULL) return;
    if (rule->gated && (r->found[index].turn != r->turn || !r->found[index].gate)) return;
    size_t n = rule->source->subject_only ? text->subject_end : text->all.n;
    int rc = pcre2_match(rule->regex, text->all.p, n, 0, PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, r->pcre_data,
                         r->pcre_match);
    if (rc == PCRE2_ERROR_NOMATCH) return;
    if (rc < 0) {
        ++*limit_hits;
        return;
    }
    struct rules_found *f = found_of(r, index);
    f->fired = true;
    f->kinds++;
    f->in_subject |= pcre2_get_ovector_pointer(r->pcre_data)[0] < text->subject_end;
}

void rules_match(struct rules *r, const struct rules_text *text, unsigned *ret_limit_hits)
{
    r->turn++;
    r->n_hits = r->n_touched = 0;
    struct scan scan = {r, text->all};
    automaton_scan(r->automaton, text->all, on_match, &scan);
    bool any_unless = false;
    for (uint32_t i = 0; i < r->n_hits; i++) {
        enum rules_use_kind kind = r->uses[r->hits[i].use].kind;
        if (kind == RULES_KEYWORD) count_hit(r, text, &r->hits[i]);
        any_unless |= kind == RULES_UNLESS;
    }
    for (uint32_t i = 0; i < r->n_with_regex; i++) run_regex(r, r->with_regex[i], text, ret_limit_hits);
    if (any_unless) void_rules(r);
}
