// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "mem.h"

static unsigned allocations, frees;

static void *counting_realloc(void *self, void *p, size_t n)
{
    (void)self;
    if (p == NULL) allocations++;
    if (n == 0) frees++;
    return mem_libc.realloc(NULL, p, n);
}

static struct mem counting = {counting_realloc, NULL};

static void arena_stops_at_its_limit(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, &mem_libc, 1000);
    assert_non_null(arena_alloc(&a, 512));
    assert_null(arena_alloc(&a, 512));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_non_null(arena_alloc(&a, 400));
    assert_true(a.used <= 1000);
    arena_deinit(&a);
}

static void arena_is_aligned_and_separate(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, &mem_libc, 64 << 20);
    uint8_t *before = NULL;
    for (size_t n = 0; n < 3000; n++) {
        uint8_t *p = arena_zalloc(&a, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        if (before != NULL && n > 1) assert_int_equal(before[n - 2], 0xee);
        if (n > 0) memset(p, 0xee, n);
        before = p;
    }
    arena_deinit(&a);
}

static void reset_keeps_one_chunk(void **state)
{
    (void)state;
    allocations = frees = 0;
    struct arena a;
    arena_init(&a, &counting, 64 << 20);
    for (int i = 0; i < 100; i++) assert_non_null(arena_alloc(&a, 10000));
    arena_reset(&a);
    assert_int_equal(a.used, 0);
    assert_int_equal(allocations, frees + 1);
    unsigned before = allocations;
    assert_non_null(arena_alloc(&a, 10000));
    assert_int_equal(allocations, before);
    arena_deinit(&a);
    assert_int_equal(allocations, frees);
}

static void strings(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, &mem_libc, 100);
    assert_string_equal(arena_strdup(&a, "abc"), "abc");
    assert_string_equal(arena_printf(&a, "%d-%s", 42, "x"), "42-x");
    assert_null(arena_printf(&a, "%200d", 1));
    arena_deinit(&a);
    char *s = mem_strdup(&mem_libc, "hello");
    assert_string_equal(s, "hello");
    mem_free(&mem_libc, s);
    mem_free(&mem_libc, NULL);
}

UNIT_MAIN(cmocka_unit_test(arena_stops_at_its_limit), cmocka_unit_test(arena_is_aligned_and_separate),
          cmocka_unit_test(reset_keeps_one_chunk), cmocka_unit_test(strings))
