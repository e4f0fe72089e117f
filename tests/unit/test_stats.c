// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "stats.h"

static void rendered(void **state)
{
    (void)state;
    struct stats *s = stats_new(&mem_libc);
    struct stats_value *a =
        stats_value(s, STATS_COUNTER, "kesu_refused_total", "code=\"E_STALE\"", "Refusals.");
    struct stats_value *g = stats_value(s, STATS_GAUGE, "kesu_head_seq", NULL, "Head.");
    struct stats_value *b =
        stats_value(s, STATS_COUNTER, "kesu_refused_total", "code=\"E_ENUM\"", "Refusals.");
    assert_ptr_equal(stats_value(s, STATS_GAUGE, "kesu_head_seq", NULL, "Head."), g);
    stats_add(a, 2);
    stats_add(b, 1);
    stats_set(g, -7);
    char *text = stats_render(s, &mem_libc);
    assert_string_equal(text,
                        "# HELP kesu_refused_total Refusals.\n# TYPE kesu_refused_total counter\n"
                        "kesu_refused_total{code=\"E_STALE\"} 2\nkesu_refused_total{code=\"E_ENUM\"} 1\n"
                        "# HELP kesu_head_seq Head.\n# TYPE kesu_head_seq gauge\nkesu_head_seq -7\n");
    mem_free(&mem_libc, text);
    stats_free(&s);
    assert_null(s);
}

static void histogram_buckets(void **state)
{
    (void)state;
    struct stats *s = stats_new(&mem_libc);
    struct stats_histogram *h = stats_histogram(s, "kesu_lag_seconds", NULL, "Lag.");
    stats_observe_us(h, -1);
    stats_observe_us(h, 16);
    stats_observe_us(h, 17);
    stats_observe_us(h, INT64_MAX / 4);
    char *text = stats_render(s, &mem_libc);
    assert_non_null(strstr(text, "kesu_lag_seconds_bucket{le=\"1.6e-05\"} 2\n"));
    assert_non_null(strstr(text, "kesu_lag_seconds_bucket{le=\"3.2e-05\"} 3\n"));
    assert_non_null(strstr(text, "kesu_lag_seconds_bucket{le=\"17179.8692\"} 3\n"));
    assert_non_null(strstr(text, "kesu_lag_seconds_bucket{le=\"+Inf\"} 4\n"));
    assert_non_null(strstr(text, "kesu_lag_seconds_count 4\n"));
    mem_free(&mem_libc, text);
    stats_free(&s);
}

UNIT_MAIN(cmocka_unit_test(rendered), cmocka_unit_test(histogram_buckets))
