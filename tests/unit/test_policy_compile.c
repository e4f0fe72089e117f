/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "clock.h"
#include "err.h"
#include "policy_fixture.h"
#include "policy_schema.h"

static void test_compiles(void **state)
{
    (void)state;
    struct policy_fixture f;
    policy_fixture_init(&f);
    int err = policy_fixture_compile(&f);
    if (err != 0) print_error("%s", f.error);
    assert_int_equal(err, 0);
    const Kesu__V1__Policy *p = f.bundle->policy;
    assert_int_equal(f.bundle->n_files, 7);
    assert_string_equal(p->office->mail_from, "office@kesu.example");
    assert_int_equal(p->office->language, KESU__V1__LANGUAGE__LANGUAGE_EN);
    assert_int_equal(p->n_departments, 2);
    assert_string_equal(p->departments[0]->sections[0]->manager, "lead");
    assert_int_equal(p->n_staff, 4);
    assert_true(p->staff[3]->agent);
    assert_int_equal(p->staff[3]->capacity, 7); /* the default */
    assert_int_equal(p->n_rules, 2);
    assert_string_equal(p->rules[0]->keywords[1], "wet through"); /* trimmed */
    assert_string_equal(p->rules[1]->regex, "burn(t|ed)");
    assert_int_equal(p->scoring->age_unit, USEC_PER_DAY);
    assert_int_equal(p->clocks[1]->n_dues, 2);
    assert_int_equal(p->clocks[1]->dues[0]->severity, KESU__V1__SEVERITY__SEVERITY_S1);
    assert_int_equal(p->clocks[1]->dues[0]->after, 48 * USEC_PER_HOUR);
    assert_int_equal(p->clocks[1]->escalate_after[1], USEC_PER_DAY);
    assert_string_equal(p->notices[0]->on, "opened");
    assert_int_equal(p->n_templates, 3);
    policy_fixture_deinit(&f);
}

static void test_money_times_and_roles(void **state)
{
    (void)state;
    struct policy_fixture f;
    policy_fixture_init(&f);
    policy_fixture_change(
        &f, "org.yaml", "    agent: true\n",
        "    agent: true\n    until: 2026-12-31T18:00:00+08:00\n    shift: night\n"
        "shifts:\n  - {id: night, names: {en: Night}, begins: '20:00', ends: '08:30', lead: lead}\n"
        "authority:\n  - {id: small, role: agent, kinds: [coupon, refund], upto: TWD 500.25}\n"
        "life: {reply_hold: 30s, silence: objected, eightd_from: S2}\n");
    assert_int_equal(policy_fixture_compile(&f), 0);
    const Kesu__V1__Policy *p = f.bundle->policy;
    const Kesu__V1__Staff *anna = policy_staff(p, "anna");
    assert_int_equal(anna->role, KESU__V1__STAFF_ROLE__STAFF_ROLE_AGENT);
    assert_int_equal(policy_staff(p, "top")->role, KESU__V1__STAFF_ROLE__STAFF_ROLE_GENERAL_MANAGER);
    assert_int_equal(policy_staff(p, "lead")->role, KESU__V1__STAFF_ROLE__STAFF_ROLE_SECTION_MANAGER);
    assert_int_equal(anna->until, INT64_C(1798711200) * 1000000);
    assert_int_equal(p->shifts[0]->begins, 20 * 60);
    assert_int_equal(p->shifts[0]->ends, 8 * 60 + 30);
    assert_string_equal(p->authority[0]->upto->currency, "TWD");
    assert_int_equal(p->authority[0]->upto->e4, 5002500);
    assert_int_equal(p->authority[0]->n_kinds, 2);
    assert_int_equal(p->authority[0]->kinds[1], KESU__V1__REMEDY_KIND__REMEDY_KIND_REFUND);
    assert_int_equal(p->life->silence, KESU__V1__ANSWER__ANSWER_OBJECTED);
    assert_int_equal(p->life->eightd_from, KESU__V1__SEVERITY__SEVERITY_S2);
    policy_fixture_deinit(&f);
}

static void test_same_source_same_bytes(void **state)
{
    (void)state;
    struct policy_fixture f, g;
    policy_fixture_init(&f);
    policy_fixture_init(&g);
    assert_int_equal(policy_fixture_compile(&f), 0);
    assert_int_equal(policy_fixture_compile(&g), 0);
    struct buf *a = codec_pack_buf(f.bundle), *b = codec_pack_buf(g.bundle);
    assert_true(span_equal(buf_span(a), buf_span(b)));
    buf_unref(a);
    buf_unref(b);
    policy_fixture_deinit(&f);
    policy_fixture_deinit(&g);
}

static void test_rules_of_several_files(void **state)
{
    (void)state;
    struct policy_fixture f;
    policy_fixture_init(&f);
    policy_fixture_set(&f, "rules/more.yaml",
                       "rules:\n  - {id: more, category: other, weight: 1, keywords: [more]}\n");
    assert_int_equal(policy_fixture_compile(&f), 0);
    assert_int_equal(f.bundle->policy->n_rules, 3);
    policy_fixture_set(&f, "rules/more.yaml",
                       "rules:\n  - {id: more, category: nowhere, weight: 1, keywords: [more]}\n");
    assert_int_equal(policy_fixture_compile(&f), E_POLICY);
    assert_string_equal(f.error, "rules/more.yaml:2: rules[0].category: found 'nowhere', allowed an id of "
                                 "categories\n");
    policy_fixture_deinit(&f);
}

static void test_tells_all_problems(void **state)
{
    (void)state;
    struct policy_fixture f;
    policy_fixture_init(&f);
    policy_fixture_change(&f, "sla.yaml", "warn_percent: 80", "warn_percent: x");
    policy_fixture_change(&f, "sla.yaml", "starts: received", "start: received");
    policy_fixture_change(&f, "notify.yaml", "to: manager", "to: nobody");
    assert_int_equal(policy_fixture_compile(&f), E_POLICY);
    assert_non_null(strstr(f.error, "sla.yaml:2: clocks[0].warn_percent: found 'x', allowed 1 to 99\n"));
    assert_non_null(
        strstr(f.error, "sla.yaml:2: clocks[0]: found unknown key 'start', allowed id, names, starts, "));
    assert_non_null(strstr(f.error, "sla.yaml:2: clocks[0].starts: missing (the moments that start it, when "
                                    "it does not run), allowed a list "));
    assert_non_null(strstr(f.error, "notify.yaml:3: notices[1].to: found 'nobody', allowed one of customer, "
                                    "agent, manager\n"));
    policy_fixture_deinit(&f);
}

static void test_files(void **state)
{
    (void)state;
    struct policy_fixture f;
    policy_fixture_init(&f);
    policy_fixture_set(&f, "sla.yaml", NULL);
    policy_fixture_set(&f, "slo.yaml", "clocks: []\n");
    policy_fixture_set(&f, "templates/empty.yaml", "");
    policy_fixture_set(&f, "rules/broken.yaml", "rules: [\n");
    assert_int_equal(policy_fixture_compile(&f), E_POLICY);
    assert_non_null(strstr(f.error, "sla.yaml:1: missing"));
    assert_non_null(strstr(f.error, "slo.yaml:1: found unknown file, allowed org.yaml"));
    assert_non_null(strstr(f.error, "templates/empty.yaml:1: found no map"));
    assert_non_null(strstr(f.error, "rules/broken.yaml:"));
    policy_fixture_deinit(&f);
}

static void test_stops_telling(void **state)
{
    (void)state;
    struct policy_fixture f;
    policy_fixture_init(&f);
    char text[8000] = "notices:\n";
    for (int i = 0; i < 300; i++) strcat(text, "  - {id: -}\n");
    policy_fixture_set(&f, "notify.yaml", text);
    assert_int_equal(policy_fixture_compile(&f), E_POLICY);
    assert_non_null(strstr(f.error, "allowed a list of 0 to 64 maps"));
    text[9] = '\0';
    for (int i = 0; i < 64; i++) strcat(text, "  - {id: -}\n");
    policy_fixture_set(&f, "notify.yaml", text);
    assert_int_equal(policy_fixture_compile(&f), E_POLICY);
    unsigned lines = 0;
    for (const char *c = f.error; *c != '\0'; c++) lines += *c == '\n';
    assert_int_equal(lines, POLICY_MAX_PROBLEMS + 1);
    assert_non_null(strstr(f.error, "and 120 more problems"));
    policy_fixture_deinit(&f);
}

/* ---- every key with a bad value ----
 *
 * From the tables alone a document is written that is sound but for the value
 * of one key; the refusal must name file, line, path, what was found and what
 * the table allows. */

struct writer {
    char text[16384];
    const struct policy_key *bad; /* gets a value it does not allow */
    const char *value;
    unsigned line, bad_line;
    char path[200], bad_path[200];
};

static void put(struct writer *w, const char *s)
{
    assert_true(strlen(w->text) + strlen(s) < sizeof w->text);
    strcat(w->text, s);
    for (; *s != '\0'; s++) w->line += *s == '\n';
}

static const char *sound_value(const struct policy_key *k)
{
    static char text[64];
    switch (k->type) {
    case POLICY_INT:
        snprintf(text, sizeof text, "%lld", (long long)k->min);
        return text;
    case POLICY_BOOL:
        return "true";
    case POLICY_DURATION:
        return "24h";
    case POLICY_CHOICE:
    case POLICY_ENUM:
    case POLICY_CHOICES:
        snprintf(text, sizeof text, "%.*s", (int)strcspn(k->choices, "|"), k->choices);
        return text;
    case POLICY_ENUMS:
        snprintf(text, sizeof text, "[%.*s]", (int)strcspn(k->choices, "|"), k->choices);
        return text;
    case POLICY_MONEY:
        return "TWD 12.50";
    case POLICY_TIME:
        return "2026-12-31T18:00:00+08:00";
    case POLICY_MINUTE:
        return "'08:30'";
    case POLICY_LANGUAGE:
        return "en";
    case POLICY_EMAIL:
        return "a@b.example";
    case POLICY_URL:
        return "https://b.example/";
    case POLICY_TEXTS:
    case POLICY_LINES:
        return "[word]";
    case POLICY_DURATIONS:
        return "[1h]";
    case POLICY_NAMES:
        return "{en: Name}";
    case POLICY_DUES:
        return "{all: 1h}";
    default:
        return "word";
    }
}

/* Of the right kind of node where there is one, so that the range is what is refused. */
static const char *bad_value(const struct policy_key *k)
{
    static char text[64];
    switch (k->type) {
    case POLICY_TEXT:
        return "\"\"";
    case POLICY_ID:
        return "Not-An-Id";
    case POLICY_INT:
        snprintf(text, sizeof text, "%lld", (long long)k->max + 1);
        return text;
    case POLICY_BOOL:
        return "no";
    case POLICY_DURATION:
        return "010";
    case POLICY_LANGUAGE:
        return "zh";
    case POLICY_EMAIL:
        return "'a@b c'";
    case POLICY_URL:
        return "ftp://b.example/";
    case POLICY_MAP:
        return "[]";
    default:
        return "neither";
    }
}

static void put_shape(struct writer *w, const struct policy_shape *shape, unsigned indent);

static void put_key(struct writer *w, const struct policy_key *k, unsigned indent)
{
    char line[64];
    snprintf(line, sizeof line, "%*s%s: ", (int)indent, "", k->key);
    put(w, line);
    size_t before = strlen(w->path);
    snprintf(w->path + before, sizeof w->path - before, "%s%s", before > 0 ? "." : "", k->key);
    if (k == w->bad) {
        w->value = bad_value(k);
        w->bad_line = w->line;
        strcpy(w->bad_path, w->path);
        put(w, w->value);
        put(w, "\n");
    } else if (k->type == POLICY_MAP) {
        put(w, "\n");
        put_shape(w, k->shape, indent + 2);
    } else if (k->type == POLICY_MAPS) {
        snprintf(line, sizeof line, "\n%*s-\n", (int)indent + 2, "");
        put(w, line);
        strcat(w->path, "[0]");
        put_shape(w, k->shape, indent + 4);
    } else {
        put(w, sound_value(k));
        put(w, "\n");
    }
    w->path[before] = '\0';
}

static void put_shape(struct writer *w, const struct policy_shape *shape, unsigned indent)
{
    for (const struct policy_key *k = shape->keys; k->key != NULL; k++) put_key(w, k, indent);
}

static void expect_refused(const struct policy_file *def, const struct policy_key *bad)
{
    struct writer w = {.bad = bad, .line = 1};
    char path[64], expected[POLICY_ALLOWED_MAX + 100], allowed[POLICY_ALLOWED_MAX];
    snprintf(path, sizeof path, "%s%s", def->path, strchr(def->path, '/') != NULL ? "x.yaml" : "");
    if (def->by_language) {
        put(&w, "en:\n");
        strcpy(w.path, "en");
    }
    put_shape(&w, def->shape, def->by_language ? 2 : 0);
    struct policy_fixture f;
    policy_fixture_init(&f);
    f.n = 0;
    policy_fixture_set(&f, path, w.text);
    assert_int_equal(policy_fixture_compile(&f), E_POLICY);
    if (bad != NULL) {
        policy_key_allowed(bad, allowed, sizeof allowed);
        snprintf(expected, sizeof expected, "%s:%u: %s: found ", path, w.bad_line, w.bad_path);
        const char *at = strstr(f.error, expected);
        if (at == NULL) print_error("%s wanted in\n%s\nof\n%s", expected, f.error, w.text);
        assert_non_null(at);
        snprintf(expected, sizeof expected, "allowed %s\n", allowed);
        const char *says = strstr(at, expected);
        assert_non_null(says);
        assert_true(memchr(at, '\n', (size_t)(says - at)) == NULL);
    } else {
        snprintf(expected, sizeof expected, "%s:", path); /* nothing to say of a sound file */
        if (strstr(f.error, expected) != NULL) print_error("%s\nof\n%s", f.error, w.text);
        assert_null(strstr(f.error, expected));
    }
    policy_fixture_deinit(&f);
}

static unsigned walk_keys(const struct policy_file *def, const struct policy_shape *shape)
{
    unsigned n = 0;
    for (const struct policy_key *k = shape->keys; k->key != NULL; k++) {
        assert_non_null(k->help);
        expect_refused(def, k);
        n++;
        if (k->shape != NULL) n += walk_keys(def, k->shape);
    }
    return n;
}

static void test_every_key(void **state)
{
    (void)state;
    unsigned n = 0;
    for (const struct policy_file *def = policy_files; def->path != NULL; def++) {
        expect_refused(def, NULL);
        n += walk_keys(def, def->shape);
    }
    assert_true(n >= 70);
}

struct listing {
    unsigned n;
    bool seen;
};

static void on_key(void *self, const char *file, const char *path, bool required, const char *allowed,
                   const char *help)
{
    struct listing *l = self;
    l->n++;
    if (strcmp(file, "sla.yaml") != 0 || strcmp(path, "clocks[].warn_percent") != 0) return;
    l->seen = required && strcmp(allowed, "1 to 99") == 0 && help[0] != '\0';
}

static void test_lists_keys(void **state)
{
    (void)state;
    struct listing l = {0};
    policy_keys(on_key, &l);
    assert_true(l.n >= 70 && l.seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compiles),
        cmocka_unit_test(test_money_times_and_roles),
        cmocka_unit_test(test_same_source_same_bytes),
        cmocka_unit_test(test_rules_of_several_files),
        cmocka_unit_test(test_tells_all_problems),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_stops_telling),
        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_lists_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
