// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "err.h"
#include "text.h"

static struct text_table *table;

static int setup(void **state)
{
    (void)state;
    return text_table_new(&mem_libc, &table);
}

static int teardown(void **state)
{
    (void)state;
    text_table_free(&table);
    return 0;
}

static void expect(const char *in, const char *out)
{
    struct arena a;
    arena_init(&a, &mem_libc, 1 << 20);
    struct span got = SPAN_NONE;
    assert_int_equal(text_normalise(table, span_str(in), &a, &got), 0);
    assert_string_equal((const char *)got.p, out);
    assert_int_equal(got.n, strlen(out));
    arena_deinit(&a);
}

static void test_scripts_meet(void **state)
{
    (void)state;
    expect("貨損 賠償", "货损赔偿");
    expect("货损赔偿", "货损赔偿");
    expect("虛假簽收，態度惡劣！", "虚假签收,态度恶劣!");
    expect("臺灣與台湾", "台湾与台湾");
    expect("頭髮乾後裏面", "头发干后里面");
    expect("妳睡不著", "你睡不着");
    expect("“don’t”", "\"don't\"");
}

static void test_width_and_case(void **state)
{
    (void)state;
    expect("ＡＢＣ　１２３", "abc 123");
    expect("Straße ŒUVRE", "strasse œuvre");
    expect("㎏ ﬁne ㈱ ①", "kg fine (株) 1");
    expect("㍿㍿", "株式会社株式会社"); /* four times as long */
    expect("ｶﾞ", "ガ");
    expect("Cafe\xcc\x81", "caf\xc3\xa9");
    expect("\xef\xa4\x80", "岂"); /* a compatibility ideograph, then simplified */
}

static void test_white_space(void **state)
{
    (void)state;
    expect("  late \t\r\n  parcel  ", "late parcel");
    expect("没 有\n收 到 refund 的\u3000钱", "没有收到 refund 的钱");
    expect("a\x01"
           "b\xe2\x80\x8b"
           "c\x7f",
           "abc"); /* control and zero-width */
    expect("", "");
    expect(" \n", "");
}

static void test_runs_of_marks_are_cut(void **state)
{
    (void)state;
    char in[4001] = "e";
    for (size_t i = 1; i + 1 < sizeof in; i += 2) memcpy(in + i, i % 4 == 1 ? "\xcc\x81" : "\xcc\xa3", 2);
    struct arena a;
    arena_init(&a, &mem_libc, 1 << 20);
    struct span got;
    assert_int_equal(text_normalise(table, span_of(in, 3999), &a, &got), 0);
    assert_in_range(got.n, 20, 40);
    arena_deinit(&a);
}

static void test_again_changes_nothing(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, &mem_libc, 1 << 22);
    for (uint32_t code = 1; code < 0x31350; code++) {
        if (code >= 0xd800 && code < 0xe000) continue;
        char in[8];
        int n = code < 0x80 ? snprintf(in, sizeof in, "%c", (int)code)
                : code < 0x800
                    ? snprintf(in, sizeof in, "%c%c", (int)(0xc0 | code >> 6), (int)(0x80 | (code & 63)))
                : code < 0x10000 ? snprintf(in, sizeof in, "%c%c%c", (int)(0xe0 | code >> 12),
                                            (int)(0x80 | (code >> 6 & 63)), (int)(0x80 | (code & 63)))
                                 : snprintf(in, sizeof in, "%c%c%c%c", (int)(0xf0 | code >> 18),
                                            (int)(0x80 | (code >> 12 & 63)), (int)(0x80 | (code >> 6 & 63)),
                                            (int)(0x80 | (code & 63)));
        struct span once, twice;
        assert_int_equal(text_normalise(table, span_of(in, (size_t)n), &a, &once), 0);
        assert_int_equal(text_normalise(table, once, &a, &twice), 0);
        if (!span_equal(once, twice)) fail_msg("U+%04X", code);
        if (code % 1024 == 0) arena_reset(&a);
    }
    arena_deinit(&a);
}

static void test_arena_limit(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, &mem_libc, 64);
    struct span got = SPAN_NONE;
    char in[1000];
    memset(in, 'x', sizeof in);
    assert_int_equal(text_normalise(table, span_of(in, sizeof in), &a, &got), E_NOMEM);
    assert_null(got.p);
    arena_deinit(&a);
}

static void test_languages(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        Kesu__V1__Language language;
    } rows[] = {
        {"快遞員態度惡劣，包裹還沒有收到", KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT},
        {"快递员态度恶劣，包裹还没有收到", KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS},
        {"我的 iPhone 15 Pro Max 屏幕碎了，要求退款", KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS},
        {"My parcel never arrived", KESU__V1__LANGUAGE__LANGUAGE_EN},
        {"My parcel from 上海 never arrived at the address", KESU__V1__LANGUAGE__LANGUAGE_EN},
        {"荷物がまだ届いていません", KESU__V1__LANGUAGE__LANGUAGE_OTHER},
        {"배송이 너무 늦어요", KESU__V1__LANGUAGE__LANGUAGE_OTHER},
        {"Посылка не пришла", KESU__V1__LANGUAGE__LANGUAGE_OTHER},
        {"Le colis est arrivé cassé, je suis très déçu et fâché", KESU__V1__LANGUAGE__LANGUAGE_OTHER},
        {"12345 ???", KESU__V1__LANGUAGE__LANGUAGE_UNSPECIFIED},
        {"", KESU__V1__LANGUAGE__LANGUAGE_UNSPECIFIED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (text_language(table, span_str(rows[i].text)) != rows[i].language) fail_msg("%s", rows[i].text);
}

static void test_simplify(void **state)
{
    (void)state;
    assert_int_equal(text_simplify(table, 0x8ca8), 0x8d27); /* 貨 货 */
    assert_int_equal(text_simplify(table, 0x8d27), 0x8d27);
    assert_int_equal(text_simplify(table, 'A'), 'A');
    assert_int_equal(text_simplify(table, 0xffffffff), 0xffffffff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripts_meet),
        cmocka_unit_test(test_width_and_case),
        cmocka_unit_test(test_white_space),
        cmocka_unit_test(test_runs_of_marks_are_cut),
        cmocka_unit_test(test_again_changes_nothing),
        cmocka_unit_test(test_arena_limit),
        cmocka_unit_test(test_languages),
        cmocka_unit_test(test_simplify),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
