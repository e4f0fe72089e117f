/* SPDX-License-Identifier: Apache-2.0 */
/* The policy that is shipped compiles, speaks three languages, and leaves no
 * category without somebody for it. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "clock.h"
#include "due.h"
#include "policy.h"

#define DIR_SHIPPED "deploy/policy/"

static struct arena arena;
static Kesu__V1__PolicyFile *files[64];
static size_t n_files;
static Kesu__V1__Policy *policy;

static void read_file(const char *path)
{
    char full[600];
    snprintf(full, sizeof full, DIR_SHIPPED "%.200s", path);
    FILE *in = fopen(full, "rb");
    assert_non_null(in);
    Kesu__V1__PolicyFile *file = arena_alloc(&arena, sizeof *file);
    kesu__v1__policy_file__init(file);
    file->path = arena_strdup(&arena, path);
    file->content.data = arena_alloc(&arena, 1 << 20);
    file->content.len = fread(file->content.data, 1, 1 << 20, in);
    fclose(in);
    files[n_files++] = file;
}

static void read_folder(const char *folder)
{
    char full[600];
    struct dirent **names;
    snprintf(full, sizeof full, DIR_SHIPPED "%s", folder);
    int n = scandir(full, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        snprintf(full, sizeof full, "%s%s", folder, names[i]->d_name);
        if (strstr(full, ".yaml") != NULL) read_file(full);
        free(names[i]);
    }
    if (n >= 0) free(names);
}

static int set_up(void **state)
{
    (void)state;
    char *error = NULL;
    Kesu__V1__PolicyBundle *bundle;
    arena_init(&arena, &mem_libc, (size_t)256 << 20);
    read_folder("");
    read_folder("rules/");
    read_folder("templates/");
    int err = policy_compile_files(&mem_libc, files, n_files, &arena, &bundle, &error);
    if (err == 0) err = policy_try(&mem_libc, bundle, &error);
    if (err != 0) print_error("%s", error);
    mem_free(&mem_libc, error);
    if (err == 0) policy = bundle->policy;
    return err;
}

static int tear_down(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

static const Kesu__V1__Language languages[] = {
    KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT,
    KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS,
    KESU__V1__LANGUAGE__LANGUAGE_EN,
};

static bool somebody_for(const Kesu__V1__Category *c, Kesu__V1__Language language)
{
    for (size_t i = 0; i < policy->n_staff; i++) {
        const Kesu__V1__Staff *s = policy->staff[i];
        if (s->agent && strcmp(s->department, c->department) == 0 && policy_has_skill(s, c->id, language))
            return true;
    }
    return false;
}

static void test_somebody_for_everything(void **state)
{
    (void)state;
    for (size_t i = 0; i < policy->n_categories; i++) {
        for (size_t l = 0; l < 3; l++) {
            if (!somebody_for(policy->categories[i], languages[l]))
                print_error("nobody of %s for %s in language %d\n", policy->categories[i]->department,
                            policy->categories[i]->id, (int)languages[l]);
            assert_true(somebody_for(policy->categories[i], languages[l]));
        }
    }
}

static void test_three_languages(void **state)
{
    (void)state;
    for (size_t i = 0; i < policy->n_notices; i++)
        for (size_t l = 0; l < 3; l++)
            assert_int_equal(policy_template(policy, policy->notices[i]->template_, languages[l])->language,
                             languages[l]);
    for (size_t i = 0; i < policy->n_categories; i++) assert_int_equal(policy->categories[i]->n_names, 3);
    for (size_t i = 0; i < policy->n_departments; i++) assert_int_equal(policy->departments[i]->n_names, 3);
    for (size_t i = 0; i < policy->n_clocks; i++) assert_int_equal(policy->clocks[i]->n_names, 3);
    assert_int_equal(policy->office->n_names, 3);
}

/* Agent, section manager, deputy general manager, general manager. */
static void test_ladder_reaches_the_top(void **state)
{
    (void)state;
    for (size_t i = 0; i < policy->n_staff; i++) {
        const Kesu__V1__Staff *s = policy->staff[i];
        if (s->agent) assert_string_equal(policy_escalate_to(policy, s->id, s->department, 3)->manager, "");
    }
}

static void test_clocks(void **state)
{
    (void)state;
    assert_int_equal(policy_clock(policy, "receipt")->dues[0]->after, INT64_C(300000000));
    assert_non_null(policy_clock(policy, "initial_review"));
    assert_int_equal(policy_clock(policy, "resolution")->n_dues, 5);
    const Kesu__V1__Clock *first = policy_clock(policy, "first_reply");
    struct due due;
    assert_int_equal(due_compute(first, KESU__V1__CHANNEL__CHANNEL_CHAT, 0, 0, &due), 0);
    assert_int_equal(due.due_at, 5 * USEC_PER_MIN);
    assert_int_equal(due_compute(first, KESU__V1__CHANNEL__CHANNEL_PHONE, 0, 0, &due), 0);
    assert_int_equal(due.due_at, 24 * USEC_PER_HOUR);
}

/* Evidence is read by people. */
static void test_a_regex_has_words(void **state)
{
    (void)state;
    size_t n_regex = 0;
    for (size_t i = 0; i < policy->n_rules; i++) {
        if (policy->rules[i]->regex[0] == '\0') continue;
        n_regex++;
        if (policy->rules[i]->label[0] == '\0') print_error("%s has no label\n", policy->rules[i]->id);
        assert_string_not_equal(policy->rules[i]->label, "");
    }
    assert_true(n_regex > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_somebody_for_everything), cmocka_unit_test(test_three_languages),
        cmocka_unit_test(test_ladder_reaches_the_top),  cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_a_regex_has_words),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
