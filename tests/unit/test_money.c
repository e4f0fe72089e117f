/* SPDX-License-Identifier: Apache-2.0 */
#include "err.h"
#include "money.h"
#include "unit.h"

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    static const struct {
        const char *text, *again;
        int64_t e4;
    } cases[] = {
        {"TWD 3000", "TWD 3000", 30000000},
        {"TWD 3000.5", "TWD 3000.50", 30005000},
        {"EUR 0.0001", "EUR 0.0001", 1},
        {"CNY -12.25", "CNY -12.25", -122500},
        {"USD 922337203685477", "USD 922337203685477", INT64_C(9223372036854770000)},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Kesu__V1__Money m = KESU__V1__MONEY__INIT;
        char currency[4], text[MONEY_TEXT];
        assert_int_equal(money_parse(cases[i].text, currency, &m.e4), 0);
        assert_int_equal(m.e4, cases[i].e4);
        m.currency = currency;
        assert_string_equal(money_text(&m, text), cases[i].again);
    }
}

static void what_is_no_money_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",        "TWD",     "TWD ",    "twd 5",  "TWDD 5",
                                        "TWD5",    "TWD 5.",  "TWD 1e3", "TWD .5", "TWD 1.00001",
                                        "TWD 1,5", "TWD --5", "TW 5"};
    char currency[4];
    int64_t e4;
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(money_parse(wrong[i], currency, &e4), E_SYNTAX);
    assert_int_equal(money_parse("TWD 922337203685478", currency, &e4), E_RANGE);
    assert_int_equal(money_parse("TWD 99999999999999999999", currency, &e4), E_RANGE);
}

static void sums_stay_in_a_currency_and_in_range(void **state)
{
    (void)state;
    Kesu__V1__Money a = KESU__V1__MONEY__INIT, b = KESU__V1__MONEY__INIT;
    int order;
    a.currency = (char *)(uintptr_t) "TWD";
    b.currency = (char *)(uintptr_t) "EUR";
    a.e4 = INT64_MAX;
    assert_int_equal(money_add(&a, &b), E_MISMATCH);
    assert_int_equal(money_compare(&a, &b, &order), E_MISMATCH);
    b.currency = a.currency;
    b.e4 = 1;
    assert_int_equal(money_add(&a, &b), E_RANGE);
    assert_int_equal(a.e4, INT64_MAX);
    assert_int_equal(money_add(&a, NULL), 0);
    assert_int_equal(money_compare(&a, &b, &order), 0);
    assert_true(order > 0);
}

UNIT_MAIN(cmocka_unit_test(what_is_written_is_read_again), cmocka_unit_test(what_is_no_money_is_refused),
          cmocka_unit_test(sums_stay_in_a_currency_and_in_range))
