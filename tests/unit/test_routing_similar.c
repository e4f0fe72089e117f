/* SPDX-License-Identifier: Apache-2.0 */
#include "../../services/routing/similar.h"
#include "unit.h"

static void test_people_of_an_object(void **state)
{
    uint8_t row[(ROUTING_SIMILAR_MAX + 1) * 12];
    unsigned n = 0;
    (void)state;
    n = routing_similar_note(row, n, 7, 1000);
    n = routing_similar_note(row, n, 7, 1001);
    assert_int_equal(n, 1);
    n = routing_similar_note(row, n, 8, 1001);
    assert_int_equal(n, 2);
    n = routing_similar_note(row, n, 9, 1001 + ROUTING_SIMILAR_WINDOW_HOURS);
    assert_int_equal(n, 3);
    n = routing_similar_note(row, n, 9, 1002 + ROUTING_SIMILAR_WINDOW_HOURS);
    assert_int_equal(n, 1);
    for (uint64_t who = 100; who < 200; who++) n = routing_similar_note(row, n, who, 2000);
    assert_int_equal(n, ROUTING_SIMILAR_MAX);
}

UNIT_MAIN(cmocka_unit_test(test_people_of_an_object))
