// SPDX-License-Identifier: Apache-2.0
// Input: the first byte says what the rest is. 0: a text for fixed rules.
// Else: lines of one policy (k keyword, u unless, r regex, s subject only),
// then after an empty line a text for it.
#include <stdlib.h>

#include "check.h"
#include "rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RULES = 16, WORDS = 8 };

struct world {
    struct arena arena;
    Kesu__V1__Policy policy;
    Kesu__V1__Category category, *categories[1];
    Kesu__V1__Rule rules[RULES], *rows[RULES];
    char *keywords[RULES][WORDS], *unless[RULES][WORDS];
    Kesu__V1__Scoring scoring;
    Kesu__V1__Defaults defaults;
};

static void world_init(struct world *w)
{
    memset(w, 0, sizeof *w);
    arena_init(&w->arena, &mem_libc, 8 << 20);
    kesu__v1__policy__init(&w->policy);
    kesu__v1__category__init(&w->category);
    kesu__v1__scoring__init(&w->scoring);
    kesu__v1__defaults__init(&w->defaults);
    w->category.id = "damage.wet";
    w->categories[0] = &w->category;
    w->defaults.category = "damage.wet";
    w->policy.categories = w->categories;
    w->policy.n_categories = 1;
    w->policy.rules = w->rows;
    w->policy.scoring = &w->scoring;
    w->policy.defaults = &w->defaults;
}

static void add_line(struct world *w, char kind, char *text)
{
    size_t i = w->policy.n_rules;
    if (kind == 'k' || kind == 'r' || i == 0) {
        if (i == RULES) return;
        kesu__v1__rule__init(&w->rules[i]);
        w->rules[i].id = "rule";
        w->rules[i].category = "damage.wet";
        w->rules[i].weight = (int32_t)i;
        w->rules[i].keywords = w->keywords[i];
        w->rules[i].unless = w->unless[i];
        w->rows[i] = &w->rules[i];
        w->policy.n_rules++;
    } else {
        i--;
    }
    Kesu__V1__Rule *r = &w->rules[i];
    if (kind == 'r') r->regex = text;
    if (kind == 's') r->subject_only = true;
    if (kind == 'k') r->keywords[r->n_keywords++] = text;
    if (kind == 'u' && r->n_unless < WORDS) r->unless[r->n_unless++] = text;
}

static void judge(struct world *w, const struct text_table *table, char *text)
{
    static const uint8_t hash[32];
    struct rules *rules = NULL;
    char reason[100];
    if (rules_new(&mem_libc, table, &w->policy, hash, &rules, reason, sizeof reason) != 0) return;
    Kesu__V1__Task task = KESU__V1__TASK__INIT;
    Kesu__V1__Judgement got;
    unsigned limit_hits;
    task.subject = text;
    task.text = text;
    if (rules_judge(rules, &task, &w->arena, &got, &limit_hits) == 0) {
        CHECK(got.n_evidence <= 64);
        CHECK(codec_size(&got) > 0);
        for (size_t i = 0; i < got.n_evidence; i++) CHECK(codec_is_utf8(span_str(got.evidence[i]->matched)));
    }
    rules_free(&rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct text_table *table;
    if (table == NULL) CHECK(text_table_new(&mem_libc, &table) == 0);
    if (size < 1 || size > 20000) return 0;
    struct world w;
    world_init(&w);
    char *text = arena_alloc(&w.arena, size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (data[0] == 0) {
        add_line(&w, 'k', (char[]){"淋湿"});
        add_line(&w, 'u', (char[]){"没有淋湿"});
        add_line(&w, 'r', (char[]){"(?:a|b)+c.*\xe9\x9b\xa8"});
    } else {
        for (char *line = text, *next; *line != '\0' && *line != '\n'; line = next) {
            next = line + strcspn(line, "\n");
            if (*next != '\0') *next++ = '\0';
            add_line(&w, *line, line + 1);
            text = next;
        }
    }
    judge(&w, table, text);
    struct span out;
    if (codec_is_utf8(span_str(text)) && text_normalise(table, span_str(text), &w.arena, &out) == 0)
        CHECK(codec_is_utf8(out));
    arena_deinit(&w.arena);
    return 0;
}
