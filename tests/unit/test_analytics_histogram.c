/* SPDX-License-Identifier: Apache-2.0 */
#include "../../services/analytics/histogram.h"
#include "../../services/analytics/totals.h"
#include "clock.h"
#include "unit.h"

static void test_buckets_are_quarters_of_octaves(void **state)
{
    (void)state;
    assert_int_equal(analytics_histogram_bucket(-5), 0);
    assert_int_equal(analytics_histogram_bucket(0), 0);
    assert_int_equal(analytics_histogram_bucket(1), 0);
    assert_int_equal(analytics_histogram_bucket(2), 4);
    assert_int_equal(analytics_histogram_bucket(3), 6); /* 2^1.5 = 2.83 */
    assert_int_equal(analytics_histogram_bucket(1024), 40);
    assert_int_equal(analytics_histogram_bucket(1217), 40); /* 2^10.25 = 1217.7 */
    assert_int_equal(analytics_histogram_bucket(1218), 41);
    assert_int_equal(analytics_histogram_bucket(1448), 41); /* 2^10.5 = 1448.2 */
    assert_int_equal(analytics_histogram_bucket(1449), 42);
    assert_int_equal(analytics_histogram_bucket(INT64_MAX), ANALYTICS_BUCKETS - 1);
    unsigned last = 0;
    for (int64_t v = 1; v < 100000; v++) {
        assert_in_range(analytics_histogram_bucket(v), last, last + 4);
        last = analytics_histogram_bucket(v);
    }
}

static void test_quantiles_and_merging(void **state)
{
    struct analytics_histogram all = {0}, even = {0}, odd = {0};
    (void)state;
    assert_int_equal(analytics_histogram_quantile(&all, 50), 0);
    for (int64_t v = 1; v <= 1000; v++) {
        analytics_histogram_add(&all, v * 1000);
        analytics_histogram_add(v % 2 == 0 ? &even : &odd, v * 1000);
    }
    assert_in_range(analytics_histogram_quantile(&all, 50), 500000, 500000 * 119 / 100 + 1);
    assert_in_range(analytics_histogram_quantile(&all, 90), 900000, 1000000);
    assert_int_equal(analytics_histogram_quantile(&all, 100), 1000000);
    assert_int_equal(all.max_us, 1000000);
    for (unsigned i = 0; i < ANALYTICS_BUCKETS; i++)
        assert_int_equal(all.buckets[i], even.buckets[i] + odd.buckets[i]);
    assert_int_equal(analytics_histogram_used(&all), analytics_histogram_bucket(1000000) + 1);
}

static void test_rates_of_the_last_minute(void **state)
{
    struct analytics_totals t = {0};
    const int64_t start = INT64_C(1700000000) * USEC_PER_SEC;
    (void)state;
    for (int64_t s = 0; s < 300; s++)
        for (int i = 0; i < 10; i++) analytics_totals_rate(&t, ANALYTICS_R_OPENED, start + s * USEC_PER_SEC);
    int64_t now = start + 299 * USEC_PER_SEC;
    assert_true(analytics_totals_per_second(&t, ANALYTICS_R_OPENED, now) == 10.0);
    assert_true(analytics_totals_per_second(&t, ANALYTICS_R_OPENED, now + 30 * USEC_PER_SEC) == 5.0);
    assert_true(analytics_totals_per_second(&t, ANALYTICS_R_OPENED, now + 60 * USEC_PER_SEC) == 0.0);
    assert_true(analytics_totals_per_second(&t, ANALYTICS_R_CLOSED, now) == 0.0);
    analytics_totals_rate(&t, ANALYTICS_R_CLOSED, now + 45 * USEC_PER_SEC);
    now += 45 * USEC_PER_SEC;
    assert_true(analytics_totals_per_second(&t, ANALYTICS_R_OPENED, now) == 2.5);
    analytics_totals_rate(&t, ANALYTICS_R_CLOSED, now + 600 * USEC_PER_SEC);
    assert_true(analytics_totals_per_second(&t, ANALYTICS_R_OPENED, now) == 0.0);
}

UNIT_MAIN(cmocka_unit_test(test_buckets_are_quarters_of_octaves),
          cmocka_unit_test(test_quantiles_and_merging), cmocka_unit_test(test_rates_of_the_last_minute))
