// SPDX-License-Identifier: Apache-2.0
// Category: every rule that fired votes with its weight, more with each further
// keyword of it, twice in the subject; categories of one family (damage.*)
// lend each other a quarter. The most votes win, then the smaller rank.
//
// Severity: the weight of the category, the rules of factors, and what the task
// knows beside the text. Within a factor the strongest reason counts in full
// and each further one half of the one before, so that a long angry text is
// not worse than a fire.
#include "err.h"
#include "rules_impl.h"

enum { FULL = 4, MORE_KEYWORDS_MAX = 4, CATEGORY_EVIDENCE_MAX = 16, MATCHED_MAX = 120 };

const char *const rules_factor_names[RULES_FACTORS] = {"content", "count", "source", "emotion",
                                                       "age",     "scope", "urgency"};

struct scorer {
    struct rules *r;
    struct arena *arena;
    Kesu__V1__Evidence **evidence;
    size_t n_evidence;
    int64_t score;
    bool nomem;
};

static void add_evidence(struct scorer *s, const char *factor, const char *rule, const char *matched,
                         int64_t weight)
{
    if (s->n_evidence == RULES_MAX_EVIDENCE) return;
    Kesu__V1__Evidence *e = arena_alloc(s->arena, sizeof *e);
    if (e == NULL) {
        s->nomem = true;
        return;
    }
    kesu__v1__evidence__init(e);
    e->factor = (char *)(uintptr_t)factor;
    e->rule = (char *)(uintptr_t)rule;
    e->matched = (char *)(uintptr_t)matched;
    e->weight = (int32_t)weight;
    s->evidence[s->n_evidence++] = e;
}

static void add_score(struct scorer *s, enum rules_factor factor, const char *rule, const char *matched,
                      int64_t weight)
{
    if (weight == 0) return;
    s->score += weight;
    add_evidence(s, rules_factor_names[factor], rule, matched, weight);
}

/* The rule's own words, never the customer's; a regex is nothing to read. */
static const char *matched_of(struct scorer *s, uint32_t rule)
{
    const struct rules_rule *row = &s->r->rules[rule];
    uint32_t keyword = s->r->found[rule].first_keyword;
    const char *text = keyword != UINT32_MAX ? row->source->keywords[keyword] : row->source->label;
    size_t n = strlen(text);
    if (n <= MATCHED_MAX) return text;
    char *cut = arena_strdup(s->arena, text);
    if (cut == NULL) {
        s->nomem = true;
        return "";
    }
    cut[codec_utf8_prefix(span_of(text, n), MATCHED_MAX)] = '\0';
    return cut;
}

static bool counts(const struct rules *r, uint32_t rule)
{
    return r->found[rule].fired && !r->found[rule].voided;
}

static int64_t vote_of(const struct rules *r, uint32_t rule)
{
    const struct rules_found *f = &r->found[rule];
    unsigned more = f->kinds - 1 < MORE_KEYWORDS_MAX ? f->kinds - 1 : MORE_KEYWORDS_MAX;
    int64_t vote = (int64_t)r->rules[rule].source->weight * (FULL + (int)more);
    return f->in_subject ? vote + (int64_t)r->rules[rule].source->weight * FULL : vote;
}

static bool same_family(const char *a, const char *b)
{
    size_t n = strcspn(a, ".");
    return n == strcspn(b, ".") && memcmp(a, b, n) == 0;
}

static int64_t clamp(int64_t v, int64_t limit)
{
    return v > limit ? limit : v < -limit ? -limit : v;
}

/* Index of the winning category, or -1. */
static int32_t choose_category(struct rules *r)
{
    const Kesu__V1__Policy *p = r->policy;
    int32_t voted[RULES_MAX_EVIDENCE];
    unsigned n_voted = 0;
    for (uint32_t i = 0; i < r->n_touched; i++) {
        uint32_t rule = r->touched[i];
        int32_t category = r->rules[rule].category;
        if (category < 0 || !counts(r, rule)) continue;
        unsigned j = 0;
        while (j < n_voted && voted[j] != category) j++;
        if (j == n_voted) {
            if (n_voted == RULES_MAX_EVIDENCE) continue;
            voted[n_voted++] = category;
            r->votes[category] = 0;
        }
        r->votes[category] += clamp(vote_of(r, rule), INT32_MAX / 4096);
    }
    int32_t best = -1;
    int64_t best_votes = 0;
    for (unsigned i = 0; i < n_voted; i++) {
        const Kesu__V1__Category *c = p->categories[voted[i]];
        int64_t votes = r->votes[voted[i]] * FULL;
        for (unsigned j = 0; j < n_voted; j++)
            if (j != i && same_family(c->id, p->categories[voted[j]]->id)) votes += r->votes[voted[j]];
        if (votes < best_votes || votes <= 0) continue;
        bool wins = best < 0 || votes > best_votes || c->rank < p->categories[best]->rank ||
                    (c->rank == p->categories[best]->rank && voted[i] < best);
        if (!wins) continue;
        best = voted[i];
        best_votes = votes;
    }
    return best;
}

static void explain_category(struct scorer *s, int32_t category)
{
    for (uint32_t i = 0; i < s->r->n_touched && s->n_evidence < CATEGORY_EVIDENCE_MAX; i++) {
        uint32_t rule = s->r->touched[i];
        if (s->r->rules[rule].category != category || !counts(s->r, rule)) continue;
        add_evidence(s, "category", s->r->rules[rule].source->id, matched_of(s, rule),
                     clamp(vote_of(s->r, rule) / FULL, INT32_MAX));
    }
}

/* The rules of one factor that fired, the strongest first; returns how many. */
static unsigned sort_factor(struct rules *r, enum rules_factor factor, uint32_t ret[RULES_MAX_EVIDENCE])
{
    unsigned n = 0;
    for (uint32_t i = 0; i < r->n_touched; i++) {
        uint32_t rule = r->touched[i];
        if (r->rules[rule].category >= 0 || r->rules[rule].factor != factor || !counts(r, rule)) continue;
        unsigned at = n < RULES_MAX_EVIDENCE ? n++ : RULES_MAX_EVIDENCE - 1;
        while (at > 0 && r->rules[ret[at - 1]].source->weight < r->rules[rule].source->weight) {
            ret[at] = ret[at - 1];
            at--;
        }
        ret[at] = rule;
    }
    return n;
}

static void score_rules(struct scorer *s)
{
    for (enum rules_factor factor = 0; factor < RULES_FACTORS; factor++) {
        uint32_t rules[RULES_MAX_EVIDENCE];
        unsigned n = sort_factor(s->r, factor, rules), rank = 0;
        for (unsigned i = 0; i < n; i++) {
            int64_t weight = s->r->rules[rules[i]].source->weight;
            if (weight > 0) weight = rank < 31 ? weight >> rank++ : 0;
            add_score(s, factor, s->r->rules[rules[i]].source->id, matched_of(s, rules[i]), weight);
        }
    }
}

static unsigned log2_floor(uint64_t v)
{
    unsigned n = 0;
    while (v >>= 1) n++;
    return n;
}

static int64_t at_most(int64_t v, int64_t limit)
{
    return v < limit ? v : limit;
}

/* What stands in the task beside the text. */
static void score_facts(struct scorer *s, const Kesu__V1__Task *task)
{
    const Kesu__V1__Scoring *sc = s->r->policy->scoring;
    if (sc == NULL) return;
    if (task->tier == KESU__V1__TIER__TIER_VIP) add_score(s, RULES_SOURCE, "scoring.vip", "", sc->vip);
    if (task->channel == KESU__V1__CHANNEL__CHANNEL_REGULATOR)
        add_score(s, RULES_SOURCE, "scoring.regulator", "", sc->regulator);
    if (task->channel == KESU__V1__CHANNEL__CHANNEL_MEDIA)
        add_score(s, RULES_SOURCE, "scoring.media", "", sc->media);
    int64_t repeat = at_most((int64_t)task->customer_cases * sc->repeat, sc->repeat_max);
    add_score(s, RULES_AGE, "scoring.repeat", "", repeat);
    int64_t count = (int64_t)log2_floor(task->same_object_customers) * sc->count;
    add_score(s, RULES_COUNT, "scoring.count", "", at_most(count, sc->count_max));
    if (sc->age_unit > 0 && task->age >= sc->age_unit) {
        int64_t age = (int64_t)(1 + log2_floor((uint64_t)(task->age / sc->age_unit))) * sc->age;
        add_score(s, RULES_AGE, "scoring.age", "", at_most(age, sc->age_max));
    }
}

static Kesu__V1__Severity severity_of(const Kesu__V1__Scoring *sc, int64_t score)
{
    if (sc == NULL) return KESU__V1__SEVERITY__SEVERITY_S4;
    if (score >= sc->s1) return KESU__V1__SEVERITY__SEVERITY_S1;
    if (score >= sc->s2) return KESU__V1__SEVERITY__SEVERITY_S2;
    if (score >= sc->s3) return KESU__V1__SEVERITY__SEVERITY_S3;
    return KESU__V1__SEVERITY__SEVERITY_S4;
}

static const Kesu__V1__Category *category_named(const Kesu__V1__Policy *p, const char *id)
{
    for (size_t i = 0; i < p->n_categories; i++)
        if (strcmp(p->categories[i]->id, id) == 0) return p->categories[i];
    return NULL;
}

int rules_score(struct rules *r, const Kesu__V1__Task *task, struct arena *arena, Kesu__V1__Judgement *ret)
{
    const Kesu__V1__Policy *p = r->policy;
    struct scorer s = {.r = r, .arena = arena};
    s.evidence = arena_alloc(arena, RULES_MAX_EVIDENCE * sizeof(Kesu__V1__Evidence *));
    if (s.evidence == NULL) return E_NOMEM;
    int32_t chosen = choose_category(r);
    const char *fallback = p->defaults != NULL ? p->defaults->category : "";
    const Kesu__V1__Category *c = chosen >= 0 ? p->categories[chosen] : category_named(p, fallback);
    if (chosen >= 0) explain_category(&s, chosen);
    if (c != NULL) add_score(&s, RULES_CONTENT, c->id, "", c->weight);
    score_rules(&s);
    score_facts(&s, task);
    if (s.nomem) return E_NOMEM;
    kesu__v1__judgement__init(ret);
    ret->category = c != NULL ? c->id : (char *)(uintptr_t)fallback;
    ret->department = c != NULL && *c->department != '\0' ? c->department
                      : p->defaults != NULL               ? p->defaults->department
                                                          : (char *)(uintptr_t) "";
    ret->severity = severity_of(p->scoring, s.score);
    ret->score = (int32_t)clamp(s.score, INT32_MAX);
    ret->n_evidence = s.n_evidence;
    ret->evidence = s.evidence;
    ret->policy_hash = (ProtobufCBinaryData){sizeof r->policy_hash, r->policy_hash};
    return 0;
}
