/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "err.h"
#include "template.h"

static const char *rendered(struct arena *a, const char *source, enum template_context context,
                            const char *customer)
{
    const char *values[TEMPLATE_N_VALUES] = {
        [TEMPLATE_customer] = customer, [TEMPLATE_number] = "2611-000042"};
    struct span out = SPAN_NONE;
    assert_int_equal(template_render(source, context, values, a, &out), 0);
    assert_int_equal(strlen((const char *)out.p), out.n);
    return (const char *)out.p;
}

static void test_renders(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, &mem_libc, 65536);
    assert_string_equal(rendered(&a, "", TEMPLATE_TEXT, "x"), "");
    assert_string_equal(rendered(&a, "{{number}} {{ customer }}{{tag}}!", TEMPLATE_TEXT, "林"),
                        "2611-000042 林!");
    assert_string_equal(rendered(&a, "a { b } }} c", TEMPLATE_TEXT, ""), "a { b } }} c");
    assert_string_equal(rendered(&a, "{{customer}}", TEMPLATE_TEXT, "{{number}}"),
                        "{{number}}"); /* once only */
    arena_deinit(&a);
}

static void test_escapes_by_context(void **state)
{
    (void)state;
    struct arena a;
    const char *evil = "<b>&\"'\r\nBcc: x@y\t\x01";
    arena_init(&a, &mem_libc, 65536);
    assert_string_equal(rendered(&a, "<p>{{customer}}</p>", TEMPLATE_HTML, evil),
                        "<p>&lt;b&gt;&amp;&quot;&#39; \nBcc: x@y\t </p>");
    assert_string_equal(rendered(&a, "<{{customer}}>", TEMPLATE_TEXT, evil), "<<b>&\"' \nBcc: x@y\t >");
    assert_string_equal(rendered(&a, "Re:\n{{customer}}", TEMPLATE_HEADER, evil), "Re: <b>&\"'  Bcc: x@y  ");
    arena_deinit(&a);
}

static void test_refuses(void **state)
{
    (void)state;
    struct arena a;
    char reason[900];
    struct span out = SPAN_NONE;
    const char *values[TEMPLATE_N_VALUES] = {NULL};
    arena_init(&a, &mem_libc, 64);
    assert_int_equal(template_check("{{number}} {{customer}}", reason, sizeof reason), 0);
    assert_int_equal(template_check("{{nomber}}", reason, sizeof reason), E_SYNTAX);
    assert_non_null(strstr(reason, "found {{nomber}}, allowed {{number}}, {{tag}}"));
    assert_int_equal(template_check("a {{number", reason, sizeof reason), E_SYNTAX);
    assert_string_equal(reason, "found '{{' without '}}'");
    assert_int_equal(template_render("{{x}}", TEMPLATE_TEXT, values, &a, &out), E_SYNTAX);
    assert_int_equal(template_render("0123456789012345678901234567890123456789012345678901234567890123456789",
                                     TEMPLATE_TEXT, values, &a, &out),
                     E_NOMEM);
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_renders),
        cmocka_unit_test(test_escapes_by_context),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
