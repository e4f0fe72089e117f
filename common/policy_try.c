/* SPDX-License-Identifier: Apache-2.0 */
/* Tries the rules: each is compiled on its own and judges its test lines,
 * which only the source has; then all are compiled together. */
#include <stdio.h>

#include "err.h"
#include "policy.h"
#include "policy_schema.h"
#include "rules.h"

#define JUDGING_BYTES ((size_t)4 << 20)

struct trying {
    struct policy_walk w; /* for its problems */
    const Kesu__V1__Policy *policy;
    struct text_table *table;
    struct arena arena;
    const struct yaml_doc *doc;
    size_t next; /* rule of the policy that comes next in the source */
};

static const uint8_t no_hash[32];

/* A policy of one rule, whose vote is not outweighed by any other. */
static struct rules *compile_alone(struct trying *t, const Kesu__V1__Rule *rule, Kesu__V1__Policy *alone,
                                   Kesu__V1__Rule **list, char *reason, size_t n)
{
    struct rules *rules = NULL;
    list[0] = (Kesu__V1__Rule *)(uintptr_t)rule;
    *alone = *t->policy;
    alone->rules = list;
    alone->n_rules = 1;
    return rules_new(t->w.m, t->table, alone, no_hash, &rules, reason, n) == 0 ? rules : NULL;
}

static int fires(struct trying *t, struct rules *rules, const Kesu__V1__Rule *rule, const char *line)
{
    Kesu__V1__Task task = KESU__V1__TASK__INIT;
    Kesu__V1__Judgement got = KESU__V1__JUDGEMENT__INIT;
    unsigned limit_hits;
    *(rule->subject_only ? &task.subject : &task.text) = (char *)(uintptr_t)line;
    arena_reset(&t->arena);
    int err = rules_judge(rules, &task, &t->arena, &got, &limit_hits);
    if (err != 0) return err;
    for (size_t i = 0; i < got.n_evidence; i++)
        if (strcmp(got.evidence[i]->rule, rule->id) == 0) return 1;
    return 0;
}

static void try_lines(struct trying *t, struct rules *rules, const Kesu__V1__Rule *rule, yaml_node lines,
                      const char *path, int expected)
{
    for (unsigned i = 0; lines != NULL && i < yaml_size(t->doc, lines); i++) {
        yaml_node item = yaml_item(t->doc, lines, i);
        const char *line = yaml_scalar(t->doc, item);
        char at[POLICY_PATH_MAX];
        (void)snprintf(at, sizeof at, "%.150s[%u]", path, i);
        int got = fires(t, rules, rule, line);
        if (got == expected) continue;
        size_t shown = codec_utf8_prefix(span_str(line), 60);
        policy_walk_problem(&t->w, yaml_doc_name(t->doc), yaml_line(t->doc, item), at,
                            "found '%.*s%s', which %.64s %s, allowed a line that %s", (int)shown, line,
                            line[shown] != '\0' ? "..." : "", rule->id,
                            got < 0    ? err_text(got)
                            : got == 1 ? "matches"
                                       : "does not match",
                            expected == 1 ? "matches" : "does not");
    }
}

static void try_rule(struct trying *t, unsigned i, yaml_node node, const Kesu__V1__Rule *rule)
{
    static const struct {
        const char *key;
        int expected;
    } lists[] = {{"match", 1}, {"no_match", 0}};
    Kesu__V1__Policy alone;
    Kesu__V1__Rule *list[1];
    char reason[300], path[POLICY_PATH_MAX];
    struct rules *rules = compile_alone(t, rule, &alone, list, reason, sizeof reason);
    if (rules == NULL) {
        (void)snprintf(path, sizeof path, "rules[%u]", i);
        policy_walk_problem(&t->w, yaml_doc_name(t->doc), yaml_line(t->doc, node), path, "found %s", reason);
        return;
    }
    for (size_t k = 0; k < 2; k++) {
        (void)snprintf(path, sizeof path, "rules[%u].%s", i, lists[k].key);
        try_lines(t, rules, rule, yaml_get(t->doc, node, lists[k].key), path, lists[k].expected);
    }
    rules_free(&rules);
}

/* The rules of the policy stand in the order of its files. */
static int try_file(struct trying *t, const Kesu__V1__PolicyFile *file)
{
    struct yaml_doc *doc;
    char *error = NULL;
    int err =
        yaml_doc_parse(t->w.m, file->path, span_of(file->content.data, file->content.len), &doc, &error);
    if (err != 0) {
        policy_walk_line(&t->w, error);
        mem_free(t->w.m, error);
        return E_POLICY;
    }
    t->doc = doc;
    yaml_node rules = yaml_get(doc, yaml_doc_root(doc), "rules");
    for (unsigned i = 0; rules != NULL && i < yaml_size(doc, rules); i++, t->next++) {
        if (t->next < t->policy->n_rules) try_rule(t, i, yaml_item(doc, rules, i), t->policy->rules[t->next]);
    }
    yaml_doc_free(&doc);
    return 0;
}

int policy_try(struct mem *m, const Kesu__V1__PolicyBundle *bundle, char **ret_error)
{
    struct trying t = {.w = {.m = m}, .policy = bundle->policy};
    struct rules *rules = NULL;
    char reason[300];
    int err = text_table_new(m, &t.table);
    if (err != 0) {
        *ret_error = mem_strdup(m, "the table of Chinese characters cannot be read\n");
        return E_IO;
    }
    arena_init(&t.arena, m, JUDGING_BYTES);
    for (size_t i = 0; i < bundle->n_files && err == 0; i++)
        if (strncmp(bundle->files[i]->path, "rules/", 6) == 0) err = try_file(&t, bundle->files[i]);
    if (t.w.n_problems == 0) {
        if (rules_new(m, t.table, t.policy, no_hash, &rules, reason, sizeof reason) != 0)
            policy_walk_problem(&t.w, "rules/", 1, "", "found %s", reason);
        rules_free(&rules);
    }
    err = t.w.problems != NULL ? E_POLICY : 0;
    if (err != 0) {
        *ret_error = t.w.problems;
        t.w.problems = NULL;
    }
    policy_walk_deinit(&t.w);
    arena_deinit(&t.arena);
    text_table_free(&t.table);
    return err;
}
