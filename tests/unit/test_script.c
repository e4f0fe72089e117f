/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include "err.h"
#include "unit.h"

static void check(Kesu__V1__Language to, const char *text, const char *wanted)
{
    struct arena arena;
    char *got = NULL;
    arena_init(&arena, &mem_libc, 1 << 16);
    assert_int_equal(script_convert(text, to, &arena, &got), 0);
    assert_string_equal(got, wanted);
    arena_deinit(&arena);
}

static void test_from_one_script_to_the_other(void **state)
{
    (void)state;
    check(KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS, "請勿食用該批湯品", "请勿食用该批汤品");
    check(KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT, "请勿食用该批汤品", "請勿食用該批湯品");
    check(KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT, "Lot L-7", "Lot L-7");
    check(KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT, "", "");
}

/* One character of the simplified script has several of the other: the word decides. */
static void test_by_words(void **state)
{
    (void)state;
    check(KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT, "头发", "頭髮");
    check(KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT, "发货", "發貨");
}

static void test_only_chinese_has_two_scripts(void **state)
{
    struct arena arena;
    char *got = NULL;
    (void)state;
    arena_init(&arena, &mem_libc, 1 << 16);
    assert_int_equal(script_convert("Lot", KESU__V1__LANGUAGE__LANGUAGE_EN, &arena, &got), E_RANGE);
    assert_null(got);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_one_script_to_the_other),
        cmocka_unit_test(test_by_words),
        cmocka_unit_test(test_only_chinese_has_two_scripts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
