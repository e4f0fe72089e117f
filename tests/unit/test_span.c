// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "span.h"

static void compare(void **state)
{
    (void)state;
    assert_true(span_compare(SPAN_LIT("a"), SPAN_LIT("ab")) < 0);
    assert_true(span_compare(SPAN_LIT("b"), SPAN_LIT("ab")) > 0);
    assert_int_equal(span_compare(SPAN_NONE, SPAN_LIT("")), 0);
    assert_true(span_equal(SPAN_LIT("x"), span_str("x")));
    assert_false(span_equal(SPAN_LIT("x"), span_str("y")));
}

static void buf_counts(void **state)
{
    (void)state;
    struct buf *b = buf_copy(SPAN_LIT("bytes"));
    assert_ptr_equal(buf_ref(b), b);
    buf_unref(b);
    assert_true(span_equal(buf_span(b), SPAN_LIT("bytes")));
    assert_int_equal(b->refs, 1);
    buf_unref(b);
    buf_unref(NULL);
    assert_int_equal(buf_span(NULL).n, 0);
}

UNIT_MAIN(cmocka_unit_test(compare), cmocka_unit_test(buf_counts))
