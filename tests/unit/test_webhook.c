/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "err.h"
#include "webhook.h"

/* Made with another implementation of HMAC-SHA256 (Python's). */
static void test_signs(void **state)
{
    (void)state;
    struct arena a;
    const char *signature = NULL;
    arena_init(&a, &mem_libc, 65536);
    assert_int_equal(webhook_sign(&a, "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3A=\n", "msg_1", 1764000000,
                                  SPAN_LIT("{\"a\":1}"), &signature),
                     0);
    assert_string_equal(signature, "v1,N5iUv5A+/l0bs4Ey/yLe3SO/djWVOgLyObm2XdWnj1s=");
    assert_int_equal(webhook_sign(&a,
                                  "whsec_cG9ubWxramloZ2ZlZGNiYTk4NzY1NDMyMTA=\r\n\n"
                                  "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3A=",
                                  "msg_1", 1764000000, SPAN_LIT("{\"a\":1}"), &signature),
                     0);
    assert_string_equal(
        signature,
        "v1,Dtvgzj8XKBv1hQJ9JhjiaoBKyMQ94fFIZfx44ihbt/Q= v1,N5iUv5A+/l0bs4Ey/yLe3SO/djWVOgLyObm2XdWnj1s=");
    arena_deinit(&a);
}

static void test_refuses(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "\n",
                                        "whsec_",
                                        "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3A=",
                                        "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3A= x",
                                        "whsec_c2hvcnQ=",
                                        "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3A=\nrubbish"};
    struct arena a;
    const char *signature = NULL;
    arena_init(&a, &mem_libc, 65536);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(webhook_sign(&a, wrong[i], "id", 1, SPAN_NONE, &signature), E_SYNTAX);
    assert_null(signature);
    arena_deinit(&a);
}

static void test_json(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, &mem_libc, 65536);
    assert_string_equal(webhook_json_string(&a, ""), "\"\"");
    assert_string_equal(webhook_json_string(&a, "a\"b\\c\n\x01林\x7f"),
                        "\"a\\\"b\\\\c\\u000a\\u0001林\\u007f\"");
    arena_deinit(&a);
}

UNIT_MAIN(cmocka_unit_test(test_signs), cmocka_unit_test(test_refuses), cmocka_unit_test(test_json))
