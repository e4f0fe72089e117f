/* SPDX-License-Identifier: Apache-2.0 */
#include "../../services/routing/queue.h"
#include "unit.h"

static void test_oldest_first_and_returned_before_new(void **state)
{
    struct routing_queue q;
    (void)state;
    routing_queue_init(&q, &mem_libc);
    for (uint64_t id = 1; id <= 3000; id++) routing_queue_add(&q, id);
    assert_null(routing_queue_take(&q));
    routing_queue_committed(&q);
    struct routing_task *one = routing_queue_take(&q), *two = routing_queue_take(&q);
    assert_int_equal(one->case_id, 1);
    assert_int_equal(two->case_id, 2);
    routing_queue_return(&q, two, false, "");
    routing_queue_return(&q, one, true, "why");
    assert_int_equal(routing_queue_waiting(&q), 3000);
    assert_ptr_equal(routing_queue_take(&q), one);
    assert_int_equal(one->tries, 1);
    assert_string_equal(one->reason, "why");
    assert_ptr_equal(routing_queue_take(&q), two);
    assert_int_equal(two->tries, 0);
    for (uint64_t id = 3; id <= 3000; id++) {
        struct routing_task *t = routing_queue_take(&q);
        assert_int_equal(t->case_id, id);
        routing_queue_drop(&q, t);
    }
    assert_null(routing_queue_take(&q));
    assert_ptr_equal(routing_queue_find(&q, 1), one);
    assert_null(routing_queue_find(&q, 5));
    routing_queue_deinit(&q);
}

static void test_keyless_keep_their_order(void **state)
{
    struct routing_queue q;
    (void)state;
    routing_queue_init(&q, &mem_libc);
    for (uint64_t id = 1; id <= 4; id++) routing_queue_add(&q, id);
    routing_queue_committed(&q);
    for (unsigned i = 0; i < 3; i++)
        routing_queue_move(routing_queue_take(&q), ROUTING_TASK_KEYLESS, &q.keyless);
    assert_int_equal(routing_queue_take(&q)->case_id, 4);
    assert_null(routing_queue_take(&q));
    routing_queue_keys_came(&q);
    for (uint64_t id = 1; id <= 3; id++) assert_int_equal(routing_queue_take(&q)->case_id, id);
    routing_queue_deinit(&q);
}

static void test_map_against_an_array(void **state)
{
    static uint64_t values[512];
    void *expected[512] = {0};
    struct map m;
    size_t n = 0;
    uint64_t random = 88172645463325252u;
    (void)state;
    map_init(&m, &mem_libc);
    for (unsigned i = 0; i < 200000; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        size_t k = (size_t)(random % 511) + 1;
        if ((random >> 20) % 2 == 0) {
            n += expected[k] == NULL;
            expected[k] = &values[(random >> 30) % 512];
            map_set(&m, k, expected[k]);
        } else {
            n -= expected[k] != NULL;
            assert_ptr_equal(map_take(&m, k), expected[k]);
            expected[k] = NULL;
        }
        assert_int_equal(m.n, n);
        assert_ptr_equal(map_get(&m, (random >> 40) % 511 + 1), expected[(random >> 40) % 511 + 1]);
    }
    map_deinit(&m);
}

UNIT_MAIN(cmocka_unit_test(test_oldest_first_and_returned_before_new),
          cmocka_unit_test(test_keyless_keep_their_order), cmocka_unit_test(test_map_against_an_array))
