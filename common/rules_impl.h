/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of rules*.c share. */
#ifndef KESU_RULES_IMPL_H
#define KESU_RULES_IMPL_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "automaton.h"
#include "rules.h"

#define RULES_MAX_HITS     4096 /* of one text; what comes after is not looked at */
#define RULES_MAX_EVIDENCE 64
#define RULES_MAX_GATES    32

enum rules_factor {
    RULES_CONTENT,
    RULES_COUNT,
    RULES_SOURCE,
    RULES_EMOTION,
    RULES_AGE,
    RULES_SCOPE,
    RULES_URGENCY,
    RULES_FACTORS,
};
extern const char *const rules_factor_names[RULES_FACTORS];

/* Why a pattern is in the automaton. */
enum rules_use_kind { RULES_KEYWORD, RULES_UNLESS, RULES_GATE };
struct rules_use {
    uint32_t rule;
    uint32_t keyword; /* index in the rule's list */
    enum rules_use_kind kind;
    bool word_begins, word_ends; /* a Latin letter or digit there must not have another beside it */
};

struct rules_pattern {
    uint32_t first_use, n_uses;
};

struct rules_rule {
    const Kesu__V1__Rule *source;
    int32_t category; /* index in the policy, or -1 */
    enum rules_factor factor;
    pcre2_code *regex; /* or NULL */
    bool gated;
};

/* One occurrence in the text that a rule looks at. */
struct rules_hit {
    uint32_t use;
    uint32_t begin, end;
};

/* What the text says about one rule; cleared by `turn`. */
struct rules_found {
    uint64_t turn;
    uint32_t first_keyword; /* UINT32_MAX: only the regex */
    uint32_t kinds;         /* different keywords */
    uint64_t seen;          /* bits of keyword numbers modulo 64 */
    bool fired, gate, in_subject, voided;
};

struct rules {
    struct mem *mem;
    const struct text_table *table;
    const Kesu__V1__Policy *policy;
    uint8_t policy_hash[32];
    struct automaton *automaton;
    struct arena arena; /* patterns' text */
    struct rules_pattern *patterns;
    uint32_t n_patterns;
    struct rules_use *uses; /* by pattern */
    uint32_t n_uses;
    struct rules_rule *rules;
    uint32_t n_rules;
    uint32_t *with_regex; /* rules that have one */
    uint32_t n_with_regex;
    pcre2_general_context *pcre_general;
    pcre2_match_context *pcre_match;
    pcre2_match_data *pcre_data;
    pcre2_jit_stack *pcre_stack;
    /* Scratch of one judging. */
    uint64_t turn;
    struct rules_found *found;
    uint32_t *touched; /* rules with a row of this turn */
    uint32_t n_touched;
    struct rules_hit *hits;
    uint32_t n_hits;
    int64_t *votes; /* by category */
};

/* Subject, text and demand as one normalised text, parts separated by \n. */
struct rules_text {
    struct span all;
    size_t subject_end;
};

/* What the writer of a mail wrote, without the lines quoted from others,
 * unless nothing much remains. Points into text or is from the arena. E_NOMEM. */
int rules_unquote(struct span text, struct arena *arena, struct span *ret);

/* Literals of which every match of the regex holds at least one; 0 when that
 * cannot be told. Each points into the regex or the arena. */
unsigned rules_gate(struct span regex, struct arena *arena, struct span ret[RULES_MAX_GATES]);

/* Fills found and touched. */
void rules_match(struct rules *r, const struct rules_text *text, unsigned *ret_limit_hits);

/* From found: category, severity, evidence. E_NOMEM. */
int rules_score(struct rules *r, const Kesu__V1__Task *task, struct arena *arena, Kesu__V1__Judgement *ret);

#endif
