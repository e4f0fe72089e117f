// SPDX-License-Identifier: Apache-2.0
// Every expression of the shipped rules is seen to match and not to match: the
// rules' own test lines are judged by that rule alone, and for each keyword by
// that keyword alone.
#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy.h"
#include "rules.h"
#include "yaml_doc.h"

enum { LEAST_EXPRESSIONS = 500 };

struct world {
    struct text_table *table;
    struct arena arena, judging;
    Kesu__V1__Policy policy;
    Kesu__V1__Category category, *categories[1];
    Kesu__V1__Rule *rules[1];
    Kesu__V1__Defaults defaults;
    unsigned expressions, han, latin, problems;
};

static char *text_of(struct world *w, const char *path)
{
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    char *text = arena_alloc(&w->arena, 1 << 20);
    text[fread(text, 1, (1 << 20) - 1, in)] = '\0';
    fclose(in);
    return text;
}

static void complain(struct world *w, const char *id, const char *what, const char *text)
{
    w->problems++;
    print_error("%s: %s: %s\n", id, what, text);
}

static struct rules *compile(struct world *w, Kesu__V1__Rule *rule)
{
    static const uint8_t hash[32];
    struct rules *rules = NULL;
    char reason[300];
    w->rules[0] = rule;
    if (rules_new(&mem_libc, w->table, &w->policy, hash, &rules, reason, sizeof reason) != 0)
        complain(w, rule->id, "does not compile", reason);
    return rules;
}

/* In the text, or in the subject when the rule looks nowhere else. */
static bool fires(struct world *w, struct rules *rules, const Kesu__V1__Rule *rule, const char *line)
{
    Kesu__V1__Task task = KESU__V1__TASK__INIT;
    Kesu__V1__Judgement got;
    unsigned limit_hits;
    *(rule->subject_only ? &task.subject : &task.text) = (char *)(uintptr_t)line;
    arena_reset(&w->judging);
    assert_int_equal(rules_judge(rules, &task, &w->judging, &got, &limit_hits), 0);
    assert_int_equal(limit_hits, 0);
    for (size_t i = 0; i < got.n_evidence; i++)
        if (strcmp(got.evidence[i]->rule, rule->id) == 0) return true;
    return false;
}

static void check_lines(struct world *w, Kesu__V1__Rule *rule, const struct yaml_doc *doc, yaml_node lines,
                        bool expected)
{
    if (yaml_size(doc, lines) == 0)
        complain(w, rule->id, "has no test lines", expected ? "match" : "no_match");
    struct rules *rules = compile(w, rule);
    for (unsigned i = 0; rules != NULL && i < yaml_size(doc, lines); i++) {
        const char *line = yaml_scalar(doc, yaml_item(doc, lines, i));
        if (fires(w, rules, rule, line) != expected)
            complain(w, rule->id, expected ? "does not match" : "matches", line);
    }
    rules_free(&rules);
}

static void check_keyword(struct world *w, const Kesu__V1__Rule *rule, const struct yaml_doc *doc,
                          yaml_node lines, char *keyword)
{
    Kesu__V1__Rule alone = *rule;
    alone.keywords = &keyword;
    alone.n_keywords = 1;
    alone.regex = "";
    w->expressions++;
    *((uint8_t)keyword[0] >= 0x80 ? &w->han : &w->latin) += 1;
    struct rules *rules = compile(w, &alone);
    bool found = false;
    for (unsigned i = 0; rules != NULL && !found && i < yaml_size(doc, lines); i++)
        found = fires(w, rules, &alone, yaml_scalar(doc, yaml_item(doc, lines, i)));
    if (!found) complain(w, rule->id, "no test line has the keyword", keyword);
    rules_free(&rules);
}

static char **texts_of(struct world *w, const struct yaml_doc *doc, yaml_node list, size_t *ret_n)
{
    *ret_n = list != NULL ? yaml_size(doc, list) : 0;
    char **texts = arena_alloc(&w->arena, (*ret_n + 1) * sizeof *texts);
    for (unsigned i = 0; i < *ret_n; i++)
        texts[i] = arena_strdup(&w->arena, yaml_scalar(doc, yaml_item(doc, list, i)));
    return texts;
}

static char *scalar_of(const struct yaml_doc *doc, yaml_node map, const char *key)
{
    yaml_node n = yaml_get(doc, map, key);
    return (char *)(uintptr_t)(n != NULL ? yaml_scalar(doc, n) : "");
}

static void check_rule(struct world *w, const struct yaml_doc *doc, yaml_node node)
{
    Kesu__V1__Rule rule = KESU__V1__RULE__INIT;
    rule.id = scalar_of(doc, node, "id");
    rule.category = *scalar_of(doc, node, "category") != '\0' ? w->category.id : (char[]){""};
    rule.factor = scalar_of(doc, node, "factor");
    rule.regex = scalar_of(doc, node, "regex");
    rule.weight = 64;
    rule.subject_only = strcmp(scalar_of(doc, node, "subject_only"), "true") == 0;
    rule.keywords = texts_of(w, doc, yaml_get(doc, node, "keywords"), &rule.n_keywords);
    rule.unless = texts_of(w, doc, yaml_get(doc, node, "unless"), &rule.n_unless);
    yaml_node match = yaml_get(doc, node, "match"), no_match = yaml_get(doc, node, "no_match");
    if (match == NULL || no_match == NULL) {
        complain(w, rule.id, "has no test lines", match == NULL ? "match" : "no_match");
        return;
    }
    check_lines(w, &rule, doc, match, true);
    check_lines(w, &rule, doc, no_match, false);
    for (size_t i = 0; i < rule.n_keywords; i++) check_keyword(w, &rule, doc, match, rule.keywords[i]);
    if (*rule.regex != '\0') w->expressions++;
}

static void check_file(struct world *w, const char *path)
{
    struct yaml_doc *doc;
    char *error = NULL;
    if (yaml_doc_parse(&mem_libc, path, span_str(text_of(w, path)), &doc, &error) != 0) {
        complain(w, path, "is not YAML", error);
        mem_free(&mem_libc, error);
        return;
    }
    yaml_node rules = yaml_get(doc, yaml_doc_root(doc), "rules");
    for (unsigned i = 0; i < yaml_size(doc, rules); i++) check_rule(w, doc, yaml_item(doc, rules, i));
    yaml_doc_free(&doc);
}

static void test_every_expression(void **state)
{
    (void)state;
    struct world w = {.problems = 0};
    arena_init(&w.arena, &mem_libc, 64 << 20);
    arena_init(&w.judging, &mem_libc, 1 << 20);
    assert_int_equal(text_table_new(&mem_libc, &w.table), 0);
    kesu__v1__policy__init(&w.policy);
    kesu__v1__category__init(&w.category);
    kesu__v1__defaults__init(&w.defaults);
    w.category.id = "tested";
    w.defaults.category = "none";
    w.categories[0] = &w.category;
    w.policy.categories = w.categories;
    w.policy.rules = w.rules;
    w.policy.n_categories = w.policy.n_rules = 1;
    w.policy.defaults = &w.defaults;
    struct dirent **names;
    int n = scandir("deploy/policy/rules", &names, NULL, alphasort);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        char path[600];
        snprintf(path, sizeof path, "deploy/policy/rules/%s", names[i]->d_name);
        if (strstr(path, ".yaml") != NULL) check_file(&w, path);
        free(names[i]);
    }
    free(names);
    print_message("%u expressions: %u Chinese, %u Latin\n", w.expressions, w.han, w.latin);
    assert_int_equal(w.problems, 0);
    assert_true(w.expressions >= LEAST_EXPRESSIONS);
    text_table_free(&w.table);
    arena_deinit(&w.judging);
    arena_deinit(&w.arena);
}

UNIT_MAIN(cmocka_unit_test(test_every_expression))
