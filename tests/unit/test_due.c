/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "due.h"
#include "err.h"

#define S1  KESU__V1__SEVERITY__SEVERITY_S1
#define WEB KESU__V1__CHANNEL__CHANNEL_WEB
#define S4  KESU__V1__SEVERITY__SEVERITY_S4

static void test_computes(void **state)
{
    (void)state;
    Kesu__V1__ClockDue s1 = KESU__V1__CLOCK_DUE__INIT, all = KESU__V1__CLOCK_DUE__INIT;
    Kesu__V1__ClockDue *dues[] = {&s1, &all};
    int64_t ladder[] = {USEC_PER_HOUR, 2 * USEC_PER_HOUR};
    Kesu__V1__Clock clock = KESU__V1__CLOCK__INIT;
    struct due due;
    s1.severity = S1;
    s1.after = 48 * USEC_PER_HOUR;
    all.after = 15 * USEC_PER_DAY;
    clock.dues = dues;
    clock.n_dues = 2;
    clock.warn_percent = 80;
    clock.escalate_after = ladder;
    clock.n_escalate_after = 2;
    assert_int_equal(due_compute(&clock, WEB, S1, 1000, &due), 0);
    assert_int_equal(due.due_at, 1000 + 48 * USEC_PER_HOUR);
    assert_int_equal(due.warn_at, 1000 + 48 * USEC_PER_HOUR / 100 * 80);
    assert_int_equal(due.n_levels, 2);
    assert_int_equal(due.escalate_at[1], 1000 + 50 * USEC_PER_HOUR);
    assert_int_equal(due_compute(&clock, WEB, S4, 0, &due), 0);
    assert_int_equal(due.due_at, 15 * USEC_PER_DAY);
    dues[1] = &s1;
    assert_int_equal(due_compute(&clock, WEB, S4, 0, &due), E_UNKNOWN);
}

static void a_channel_may_have_times_of_its_own(void **state)
{
    (void)state;
    Kesu__V1__ClockDue all = KESU__V1__CLOCK_DUE__INIT, chat = KESU__V1__CLOCK_DUE__INIT,
                       grave = KESU__V1__CLOCK_DUE__INIT;
    Kesu__V1__ClockDue *dues[] = {&all}, *chat_dues[] = {&chat, &grave};
    Kesu__V1__Channel channels[] = {KESU__V1__CHANNEL__CHANNEL_SMS, KESU__V1__CHANNEL__CHANNEL_CHAT};
    Kesu__V1__ChannelDues by_channel = KESU__V1__CHANNEL_DUES__INIT, *list[] = {&by_channel};
    Kesu__V1__Clock clock = KESU__V1__CLOCK__INIT;
    struct due due;
    all.after = USEC_PER_DAY;
    chat.after = 5 * USEC_PER_MIN;
    grave.severity = S1;
    grave.after = USEC_PER_MIN;
    clock.dues = dues;
    clock.n_dues = 1;
    by_channel.channels = channels;
    by_channel.n_channels = 2;
    by_channel.dues = chat_dues;
    by_channel.n_dues = 2;
    clock.by_channel = list;
    clock.n_by_channel = 1;
    assert_int_equal(due_compute(&clock, WEB, S1, 0, &due), 0);
    assert_int_equal(due.due_at, USEC_PER_DAY);
    assert_int_equal(due_compute(&clock, KESU__V1__CHANNEL__CHANNEL_CHAT, S4, 0, &due), 0);
    assert_int_equal(due.due_at, 5 * USEC_PER_MIN);
    assert_int_equal(due_compute(&clock, KESU__V1__CHANNEL__CHANNEL_CHAT, S1, 0, &due), 0);
    assert_int_equal(due.due_at, USEC_PER_MIN);
}

static unsigned month(const char *zone, int64_t seconds)
{
    unsigned yymm = 0;
    assert_int_equal(due_month(zone, seconds * USEC_PER_SEC, &yymm), 0);
    return yymm;
}

static void test_month(void **state)
{
    (void)state;
    unsigned yymm;
    assert_int_equal(month("UTC", 1796083199), 2611); /* 2026-11-30T23:59:59Z */
    assert_int_equal(month("UTC", 1796083200), 2612);
    assert_int_equal(month("Asia/Taipei", 1796054399), 2611); /* eight hours earlier */
    assert_int_equal(month("Asia/Taipei", 1796054400), 2612);
    assert_int_equal(month("America/New_York", 1796101199), 2611);
    assert_int_equal(month("America/New_York", 1796101200), 2612);
    assert_int_equal(month("America/New_York", 1782878399), 2606); /* summer time */
    assert_int_equal(month("America/New_York", 1782878400), 2607);
    assert_int_equal(month("UTC", 951782400), 2); /* 29 February 2000 */
    assert_int_equal(month("UTC", -1), 6912);
    assert_int_equal(due_month("Asia/Nowhere", 0, &yymm), E_RANGE);
    assert_int_equal(due_month("", 0, &yymm), E_RANGE);
    assert_int_equal(due_month("../../etc/passwd", 0, &yymm), E_RANGE);
}

static void test_texts(void **state)
{
    (void)state;
    char text[DUE_LOCAL_TEXT];
    due_local_text("Asia/Taipei", INT64_C(1764000000) * USEC_PER_SEC, text);
    assert_string_equal(text, "2025-11-25 00:00");
    due_local_text("America/New_York", INT64_C(1709182799) * USEC_PER_SEC, text);
    assert_string_equal(text, "2024-02-28 23:59");
    due_local_text("Asia/Nowhere", 0, text);
    assert_string_equal(text, "");
    due_mail_date(0, text);
    assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 +0000");
    due_mail_date(INT64_C(1709251199) * USEC_PER_SEC, text);
    assert_string_equal(text, "Thu, 29 Feb 2024 23:59:59 +0000");
    due_mail_date(-1, text);
    assert_string_equal(text, "Wed, 31 Dec 1969 23:59:59 +0000");
}

static void test_number(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "2611-00042",
                                        "2611000042",
                                        "2613-000001",
                                        "2600-000001",
                                        "2611-0000042",
                                        "2611-00004x",
                                        "2611-000000",
                                        "261-1000042",
                                        "+611-000042",
                                        "2611-1234567890123"};
    char text[NUMBER_TEXT];
    unsigned yymm;
    uint64_t serial;
    due_number(2611, 42, text);
    assert_string_equal(text, "2611-000042");
    due_number(101, 1234567, text);
    assert_string_equal(text, "0101-1234567");
    assert_int_equal(due_parse_number("0101-1234567", &yymm, &serial), 0);
    assert_int_equal(yymm, 101);
    assert_int_equal(serial, 1234567);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(due_parse_number(wrong[i], &yymm, &serial), E_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_computes), cmocka_unit_test(a_channel_may_have_times_of_its_own),
        cmocka_unit_test(test_month),    cmocka_unit_test(test_texts),
        cmocka_unit_test(test_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
