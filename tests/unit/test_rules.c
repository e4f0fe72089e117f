// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "err.h"
#include "rules.h"
#include "rules_impl.h"

#define LIST(...) ((char *[]){__VA_ARGS__}), sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)

static const uint8_t hash[32] = {7};

struct office {
    struct text_table *table;
    struct arena arena;
    Kesu__V1__Policy policy;
    Kesu__V1__Category *categories[16];
    Kesu__V1__Rule *rules[64];
    Kesu__V1__Scoring scoring;
    Kesu__V1__Defaults defaults;
    struct rules *compiled;
    Kesu__V1__Judgement got;
    unsigned limit_hits;
};

static void add_category(struct office *o, const char *id, const char *department, int weight, unsigned rank)
{
    Kesu__V1__Category *c = arena_alloc(&o->arena, sizeof *c);
    kesu__v1__category__init(c);
    c->id = arena_strdup(&o->arena, id);
    c->department = arena_strdup(&o->arena, department);
    c->weight = weight;
    c->rank = rank;
    o->categories[o->policy.n_categories++] = c;
}

static Kesu__V1__Rule *add_rule(struct office *o, const char *category, const char *factor, int weight,
                                char *const *keywords, size_t n)
{
    Kesu__V1__Rule *r = arena_alloc(&o->arena, sizeof *r);
    kesu__v1__rule__init(r);
    r->id = arena_printf(&o->arena, "rule.%zu", o->policy.n_rules);
    r->category = arena_strdup(&o->arena, category);
    r->factor = arena_strdup(&o->arena, factor);
    r->weight = weight;
    r->keywords = arena_alloc(&o->arena, (n + 1) * sizeof *keywords);
    for (size_t i = 0; i < n; i++) r->keywords[i] = arena_strdup(&o->arena, keywords[i]);
    r->n_keywords = n;
    o->rules[o->policy.n_rules++] = r;
    return r;
}

static int setup(void **state)
{
    struct office *o = calloc(1, sizeof *o);
    arena_init(&o->arena, &mem_libc, 8 << 20);
    assert_int_equal(text_table_new(&mem_libc, &o->table), 0);
    kesu__v1__policy__init(&o->policy);
    kesu__v1__scoring__init(&o->scoring);
    kesu__v1__defaults__init(&o->defaults);
    o->scoring.s1 = 60;
    o->scoring.s2 = 40;
    o->scoring.s3 = 20;
    o->defaults.category = "other";
    o->defaults.department = "service";
    o->policy.categories = o->categories;
    o->policy.rules = o->rules;
    o->policy.scoring = &o->scoring;
    o->policy.defaults = &o->defaults;
    add_category(o, "damage.wet", "logistics", 10, 3);
    add_category(o, "damage.contents", "logistics", 20, 2);
    add_category(o, "returns.refund", "service", 5, 1);
    add_category(o, "other", "", 1, 9);
    *state = o;
    return 0;
}

static int teardown(void **state)
{
    struct office *o = *state;
    rules_free(&o->compiled);
    arena_deinit(&o->arena);
    text_table_free(&o->table);
    free(o);
    return 0;
}

static void compile(struct office *o)
{
    char reason[200] = "";
    rules_free(&o->compiled);
    int err = rules_new(&mem_libc, o->table, &o->policy, hash, &o->compiled, reason, sizeof reason);
    if (err != 0) fail_msg("%s", reason);
}

static int judge_task(struct office *o, Kesu__V1__Task *task)
{
    return rules_judge(o->compiled, task, &o->arena, &o->got, &o->limit_hits);
}

static const char *judge(struct office *o, const char *subject, const char *text)
{
    Kesu__V1__Task task = KESU__V1__TASK__INIT;
    task.subject = (char *)(uintptr_t)subject;
    task.text = (char *)(uintptr_t)text;
    assert_int_equal(judge_task(o, &task), 0);
    return o->got.category;
}

static int refused(struct office *o, const char *with)
{
    char reason[200] = "";
    struct rules *r = NULL;
    int err = rules_new(&mem_libc, o->table, &o->policy, hash, &r, reason, sizeof reason);
    assert_null(r);
    if (strstr(reason, with) == NULL) fail_msg("'%s' is not in '%s'", with, reason);
    return err;
}

static void test_scripts_and_fallback(void **state)
{
    struct office *o = *state;
    add_rule(o, "damage.wet", "", 4, LIST("淋濕", "soaked"));
    add_rule(o, "returns.refund", "", 4, LIST("退款", "refund*"));
    compile(o);
    assert_string_equal(judge(o, "", "包裹被雨淋湿了"), "damage.wet");
    assert_string_equal(judge(o, "", "包裹被雨淋濕了"), "damage.wet");
    assert_string_equal(judge(o, "", "ＳＯＡＫＥＤ parcel"), "damage.wet");
    assert_string_equal(judge(o, "", "still not refunded"), "returns.refund");
    assert_string_equal(o->got.department, "service");
    assert_string_equal(judge(o, "", "nothing of the kind"), "other");
    assert_string_equal(o->got.department, "service"); /* the default's */
    assert_memory_equal(o->got.policy_hash.data, hash, sizeof hash);
}

static void test_latin_words_stand_apart(void **state)
{
    struct office *o = *state;
    add_rule(o, "damage.wet", "", 4, LIST("rain", "app", "油"));
    compile(o);
    assert_string_equal(judge(o, "", "the train was late"), "other");
    assert_string_equal(judge(o, "", "rainy"), "other");
    assert_string_equal(judge(o, "", "rain"), "damage.wet");
    assert_string_equal(judge(o, "", "in the rain, again"), "damage.wet");
    assert_string_equal(judge(o, "", "你们APP闪退"), "damage.wet");
    assert_string_equal(judge(o, "", "a油b"), "damage.wet");
}

static void test_votes(void **state)
{
    struct office *o = *state;
    add_rule(o, "damage.wet", "", 4, LIST("wet", "damp", "soaked"));
    add_rule(o, "damage.contents", "", 4, LIST("broken", "cracked"));
    add_rule(o, "returns.refund", "", 4, LIST("refund"));
    compile(o);
    assert_string_equal(judge(o, "", "wet, broken"), "damage.contents");     /* tie: rank */
    assert_string_equal(judge(o, "", "wet and damp, refund"), "damage.wet"); /* two keywords */
    assert_string_equal(judge(o, "", "refund"), "returns.refund");
    assert_string_equal(judge(o, "", "broken, refund"), "returns.refund");       /* tie: rank */
    assert_string_equal(judge(o, "broken", "refund"), "damage.contents");        /* the subject */
    assert_string_equal(judge(o, "", "wet, broken, refund"), "damage.contents"); /* the family */
}

static void test_unless(void **state)
{
    struct office *o = *state;
    Kesu__V1__Rule *r = add_rule(o, "damage.contents", "", 4, LIST("破损"));
    r->unless = (char *[]){"没有破损", "只是咨询"};
    r->n_unless = 2;
    compile(o);
    assert_string_equal(judge(o, "", "外包装没有破损"), "other");
    assert_string_equal(judge(o, "", "外包装沒有破損，裡面破損了"), "damage.contents");
    assert_string_equal(judge(o, "", "破损，只是咨询"), "other");
}

static void test_subject_only(void **state)
{
    struct office *o = *state;
    Kesu__V1__Rule *r = add_rule(o, "damage.wet", "", 4, LIST("wet"));
    r->subject_only = true;
    r = add_rule(o, "returns.refund", "", 4, LIST("nothing of it"));
    r->regex = "re[a-z]+d";
    r->subject_only = true;
    compile(o);
    assert_string_equal(judge(o, "it is wet", ""), "damage.wet");
    assert_string_equal(judge(o, "", "it is wet"), "other");
    assert_string_equal(judge(o, "refund", ""), "returns.refund");
    assert_string_equal(judge(o, "", "refund"), "other");
}

static void test_regex(void **state)
{
    struct office *o = *state;
    Kesu__V1__Rule *rain = add_rule(o, "damage.wet", "", 4, NULL, 0);
    rain->regex = "(?:淋|澆).{0,6}(?:雨|水)";
    rain->label = "淋雨";
    add_rule(o, "returns.refund", "", 4, NULL, 0)->regex = "\\d{2,} days? (?:waiting|delay)";
    compile(o);
    assert_string_equal(judge(o, "", "在外面淋了一夜大雨"), "damage.wet");
    assert_string_equal(o->got.evidence[0]->matched, "淋雨");
    assert_string_equal(judge(o, "", "被澆了一身水"), "damage.wet");
    assert_string_equal(judge(o, "", "雨中"), "other");
    assert_string_equal(judge(o, "", "12 days waiting"), "returns.refund");
    assert_string_equal(o->got.evidence[0]->matched, "");
    assert_string_equal(judge(o, "", "1 days waiting"), "other");
    assert_int_equal(o->got.n_evidence, 1);
}

static void test_match_limit(void **state)
{
    struct office *o = *state;
    add_rule(o, "damage.wet", "", 4, NULL, 0)->regex = "(?:a+)+(?:a+)+[bx]";
    add_rule(o, "returns.refund", "", 4, LIST("refund"));
    compile(o);
    char text[3000];
    memset(text, 'a', sizeof text);
    memcpy(text + sizeof text - 10, " refund c", 10);
    assert_string_equal(judge(o, "", text), "returns.refund");
    assert_int_equal(o->limit_hits, 1);
}

static void test_denied(void **state)
{
    struct office *o = *state;
    add_rule(o, "", "content", 30, LIST("受伤", "injured", "危险"));
    compile(o);
    judge(o, "", "小孩受傷了");
    assert_int_equal(o->got.score, 31);
    judge(o, "", "幸好没有受伤，也没有人受伤");
    assert_int_equal(o->got.score, 1);
    judge(o, "", "luckily nobody was injured");
    assert_int_equal(o->got.score, 1);
    judge(o, "", "没有受伤，但很危险");
    assert_int_equal(o->got.score, 31);
}

static void test_severity(void **state)
{
    struct office *o = *state;
    add_rule(o, "damage.contents", "", 4, LIST("broken"));
    add_rule(o, "", "emotion", 9, LIST("furious"));
    add_rule(o, "", "emotion", 6, LIST("angry"));
    add_rule(o, "", "emotion", 4, LIST("upset"));
    add_rule(o, "", "content", -15, LIST("thank you"));
    compile(o);
    judge(o, "", "broken");
    assert_int_equal(o->got.score, 20);
    assert_int_equal(o->got.severity, KESU__V1__SEVERITY__SEVERITY_S3);
    judge(o, "", "broken, I am upset, angry and furious"); /* 9 + 6/2 + 4/4 */
    assert_int_equal(o->got.score, 33);
    judge(o, "", "broken, thank you");
    assert_int_equal(o->got.score, 5);
    assert_int_equal(o->got.severity, KESU__V1__SEVERITY__SEVERITY_S4);
    int64_t sum = 0;
    judge(o, "broken", "furious");
    for (size_t i = 0; i < o->got.n_evidence; i++)
        if (strcmp(o->got.evidence[i]->factor, "category") != 0) sum += o->got.evidence[i]->weight;
    assert_int_equal(sum, o->got.score);
    assert_string_equal(o->got.evidence[0]->factor, "category");
    assert_string_equal(o->got.evidence[0]->matched, "broken");
    assert_int_equal(o->got.evidence[0]->weight, 8);
}

static void test_facts(void **state)
{
    struct office *o = *state;
    o->scoring.vip = 10;
    o->scoring.regulator = 20;
    o->scoring.media = 25;
    o->scoring.repeat = 3;
    o->scoring.repeat_max = 7;
    o->scoring.count = 5;
    o->scoring.count_max = 18;
    o->scoring.age = 2;
    o->scoring.age_max = 9;
    o->scoring.age_unit = 100;
    compile(o);
    const struct {
        Kesu__V1__Tier tier;
        Kesu__V1__Channel channel;
        uint32_t customers, cases;
        int64_t age;
        int score;
        Kesu__V1__Severity severity;
    } rows[] = {
        {0, KESU__V1__CHANNEL__CHANNEL_WEB, 0, 0, 99, 1, KESU__V1__SEVERITY__SEVERITY_S4},
        {KESU__V1__TIER__TIER_VIP, KESU__V1__CHANNEL__CHANNEL_WEB, 1, 0, 0, 11,
         KESU__V1__SEVERITY__SEVERITY_S4},
        {0, KESU__V1__CHANNEL__CHANNEL_REGULATOR, 0, 0, 0, 21, KESU__V1__SEVERITY__SEVERITY_S3},
        {0, KESU__V1__CHANNEL__CHANNEL_MEDIA, 0, 0, 0, 26, KESU__V1__SEVERITY__SEVERITY_S3},
        {0, KESU__V1__CHANNEL__CHANNEL_WEB, 2, 0, 0, 6, KESU__V1__SEVERITY__SEVERITY_S4},
        {0, KESU__V1__CHANNEL__CHANNEL_WEB, 7, 0, 0, 11, KESU__V1__SEVERITY__SEVERITY_S4},
        {0, KESU__V1__CHANNEL__CHANNEL_WEB, 4000000000, 0, 0, 19, KESU__V1__SEVERITY__SEVERITY_S4},
        {0, KESU__V1__CHANNEL__CHANNEL_WEB, 0, 2, 0, 7, KESU__V1__SEVERITY__SEVERITY_S4},
        {0, KESU__V1__CHANNEL__CHANNEL_WEB, 0, 4000000000, 0, 8, KESU__V1__SEVERITY__SEVERITY_S4},
        {0, KESU__V1__CHANNEL__CHANNEL_WEB, 0, 0, 100, 3, KESU__V1__SEVERITY__SEVERITY_S4},
        {0, KESU__V1__CHANNEL__CHANNEL_WEB, 0, 0, 400, 7, KESU__V1__SEVERITY__SEVERITY_S4},
        {0, KESU__V1__CHANNEL__CHANNEL_WEB, 0, 0, INT64_MAX, 10, KESU__V1__SEVERITY__SEVERITY_S4},
        {KESU__V1__TIER__TIER_VIP, KESU__V1__CHANNEL__CHANNEL_MEDIA, 100, 9, 400, 67,
         KESU__V1__SEVERITY__SEVERITY_S1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Kesu__V1__Task task = KESU__V1__TASK__INIT;
        task.text = "x";
        task.tier = rows[i].tier;
        task.channel = rows[i].channel;
        task.same_object_customers = rows[i].customers;
        task.customer_cases = rows[i].cases;
        task.age = rows[i].age;
        assert_int_equal(judge_task(o, &task), 0);
        if (o->got.score != rows[i].score || o->got.severity != rows[i].severity)
            fail_msg("row %zu: score %d, S%d", i, o->got.score, (int)o->got.severity);
    }
}

static void test_quoted_text_is_left_out(void **state)
{
    struct office *o = *state;
    add_rule(o, "damage.wet", "", 4, LIST("wet"));
    add_rule(o, "returns.refund", "", 4, LIST("refund"));
    compile(o);
    assert_string_equal(judge(o, "", "I want a refund now\n> it came wet\n> wet, I said"), "returns.refund");
    assert_string_equal(judge(o, "", "see what I wrote before\nOn Monday, you wrote:\nall wet"), "other");
    assert_string_equal(judge(o, "", "请看我之前写的内容\n-----原始邮件-----\nwet"), "other");
    assert_string_equal(judge(o, "", "fwd\n-----Original Message-----\nwet"), "damage.wet");
    assert_string_equal(judge(o, "", "> wet"), "damage.wet"); /* nothing else is left */
}

static void test_language(void **state)
{
    struct office *o = *state;
    compile(o);
    judge(o, "", "態度惡劣");
    assert_int_equal(o->got.language, KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT);
    judge(o, "please help", "12345");
    assert_int_equal(o->got.language, KESU__V1__LANGUAGE__LANGUAGE_EN);
    Kesu__V1__Task task = KESU__V1__TASK__INIT;
    task.text = "hello";
    task.language = KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS;
    assert_int_equal(judge_task(o, &task), 0);
    assert_int_equal(o->got.language, KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS);
}

static void test_bad_input(void **state)
{
    struct office *o = *state;
    compile(o);
    Kesu__V1__Task task = KESU__V1__TASK__INIT;
    task.text = "a\xff";
    assert_int_equal(judge_task(o, &task), E_UTF8);
    struct arena small;
    arena_init(&small, &mem_libc, 100);
    char text[1000];
    memset(text, 'x', sizeof text);
    text[999] = '\0';
    task.text = text;
    assert_int_equal(rules_judge(o->compiled, &task, &small, &o->got, &o->limit_hits), E_NOMEM);
    arena_deinit(&small);
}

static void test_bad_rules(void **state)
{
    struct office *o = *state;
    Kesu__V1__Rule *r = add_rule(o, "damage.wet", "", 4, LIST("wet"));
    r->factor = "emotion";
    assert_int_equal(refused(o, "rules[0] 'rule.0': needs either"), E_POLICY);
    r->category = "";
    r->factor = "weather";
    assert_int_equal(refused(o, "no 'weather'"), E_POLICY);
    r->factor = "";
    r->category = "damage.fire";
    assert_int_equal(refused(o, "no 'damage.fire'"), E_POLICY);
    r->category = "damage.wet";
    r->keywords[0] = " ";
    assert_int_equal(refused(o, "keywords[0] is empty"), E_POLICY);
    r->keywords[0] = "*";
    assert_int_equal(refused(o, "keywords[0] is empty"), E_POLICY);
    r->keywords[0] = "wet";
    r->regex = "(unclosed";
    assert_int_equal(refused(o, "at offset 9"), E_POLICY);
    r->regex = "";
    r->n_keywords = 0;
    assert_int_equal(refused(o, "no keyword"), E_POLICY);
}

static void expect_gate(const char *regex, const char *expected)
{
    struct arena a;
    arena_init(&a, &mem_libc, 1 << 16);
    struct span set[RULES_MAX_GATES];
    unsigned n = rules_gate(span_str(regex), &a, set);
    char got[400] = "";
    for (unsigned i = 0; i < n; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%.*s", i > 0 ? " " : "", (int)set[i].n,
                 (const char *)set[i].p);
    if (strcmp(got, expected) != 0) fail_msg("%s: '%s'", regex, got);
    arena_deinit(&a);
}

static void test_gates(void **state)
{
    (void)state;
    expect_gate("abc", "abc");
    expect_gate("\\d+ days?", " day");
    expect_gate("ab?cd", "cd");
    expect_gate("ab?c", "");
    expect_gate("(?:late|slow) parcel", " parcel");
    expect_gate("(?:late|slow)+", "late slow");
    expect_gate("(?:late|slow)?x", "");
    expect_gate("(?:late|slo+w)", "");
    expect_gate("退款|refund", "退款 refund");
    expect_gate("退款|x", "");
    expect_gate("退款.{0,5}没到", "退款");
    expect_gate("[a-z]退款[^]x]+", "退款");
    expect_gate("退{0,3}款", "款");
    expect_gate("(?i)abc", "");
    expect_gate("(?=abc)\\w+", "");
    expect_gate("a\\.b\\bcd", "a.b");
    expect_gate("a\\x{41}bcd", "");
    expect_gate("ab|", "");
    expect_gate("(", "");
    expect_gate("[", "");
    expect_gate("\\", "");
    expect_gate("", "");
}

static void on_match(void *self, uint32_t pattern, size_t begin, size_t end)
{
    char *out = self;
    snprintf(out + strlen(out), 400 - strlen(out), " %u:%zu-%zu", (unsigned)pattern, begin, end);
}

static void test_automaton(void **state)
{
    (void)state;
    struct span patterns[] = {SPAN_LIT("he"),   SPAN_LIT("she"), SPAN_LIT("his"),
                              SPAN_LIT("hers"), SPAN_LIT("s"),   SPAN_LIT("sh\xff")};
    struct automaton *a;
    assert_int_equal(automaton_new(&mem_libc, patterns, 6, &a), 0);
    char got[400] = "";
    automaton_scan(a, SPAN_LIT("ushers sh\xff"), on_match, got);
    assert_string_equal(got, " 4:1-2 1:1-4 0:2-4 3:2-6 4:5-6 4:7-8 5:7-10");
    automaton_free(&a);
    assert_int_equal(automaton_new(&mem_libc, NULL, 0, &a), 0);
    automaton_scan(a, SPAN_LIT("abc"), on_match, got);
    automaton_free(&a);
}

static uint32_t next_random(uint32_t *x)
{
    return *x = *x * 1664525u + 1013904223u;
}

static void count_match(void *self, uint32_t pattern, size_t begin, size_t end)
{
    (void)begin, (void)end;
    ((unsigned *)self)[pattern]++;
}

static void test_automaton_finds_what_searching_finds(void **state)
{
    (void)state;
    uint32_t x = 1;
    uint8_t bytes[40][6], text[2000];
    for (int round = 0; round < 50; round++) {
        struct span patterns[40];
        uint32_t n = 0;
        for (int i = 0; i < 40; i++) {
            size_t len = 1 + (next_random(&x) >> 16) % 6;
            for (size_t j = 0; j < len; j++) bytes[i][j] = (uint8_t)("abc\xe9"[next_random(&x) >> 30]);
            struct span p = span_of(bytes[i], len);
            uint32_t same = 0;
            while (same < n && !span_equal(patterns[same], p)) same++;
            if (same == n) patterns[n++] = p;
        }
        for (size_t i = 0; i < sizeof text; i++) text[i] = (uint8_t)("abc\xe9"[next_random(&x) >> 30]);
        struct automaton *a;
        assert_int_equal(automaton_new(&mem_libc, patterns, n, &a), 0);
        unsigned counts[40] = {0};
        automaton_scan(a, span_of(text, sizeof text), count_match, counts);
        for (uint32_t i = 0; i < n; i++) {
            unsigned expected = 0;
            for (size_t at = 0; at + patterns[i].n <= sizeof text; at++)
                expected += memcmp(text + at, patterns[i].p, patterns[i].n) == 0;
            assert_int_equal(counts[i], expected);
        }
        automaton_free(&a);
    }
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

UNIT_MAIN(ROW(test_scripts_and_fallback), ROW(test_latin_words_stand_apart), ROW(test_votes),
          ROW(test_unless), ROW(test_subject_only), ROW(test_regex), ROW(test_match_limit), ROW(test_denied),
          ROW(test_severity), ROW(test_facts), ROW(test_quoted_text_is_left_out), ROW(test_language),
          ROW(test_bad_input), ROW(test_bad_rules), cmocka_unit_test(test_gates),
          cmocka_unit_test(test_automaton), cmocka_unit_test(test_automaton_finds_what_searching_finds))
