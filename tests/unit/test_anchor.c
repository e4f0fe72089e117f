/* SPDX-License-Identifier: Apache-2.0 */
#include "anchor.h"

#include "err.h"
#include "unit.h"

static const uint8_t seed[ANCHOR_SEED_BYTES] = {5};

static void what_is_written_is_read(void **state)
{
    (void)state;
    char text[ANCHOR_TEXT];
    struct anchor a = {.seq = 42, .hash = {1, 2}, .journal_uuid = {3}, .time_us = 77}, b;
    anchor_write(&a, seed, text);
    assert_int_equal(anchor_read(text, &b), 0);
    assert_true(b.is_signed);
    assert_int_equal(b.seq, 42);
    assert_int_equal(b.time_us, 77);
    assert_memory_equal(a.hash, b.hash, sizeof(a.hash));
    assert_memory_equal(a.key, b.key, sizeof(a.key));
}

static void whatever_is_changed_is_noticed(void **state)
{
    (void)state;
    char text[ANCHOR_TEXT];
    struct anchor a = {.seq = 42, .time_us = 77}, b;
    anchor_write(&a, seed, text);
    for (size_t i = 0; text[i] != '\0'; i++) {
        char was = text[i];
        if (was < '0' || was > '9') continue; /* the words between are not content */
        text[i] = was == '7' ? '6' : '7';
        assert_int_not_equal(anchor_read(text, &b), 0);
        text[i] = was;
    }
}

static void a_first_line_alone_is_an_anchor(void **state)
{
    (void)state;
    struct anchor b;
    char line[80] = "7 ";
    memset(line + 2, 'a', 64);
    assert_int_equal(anchor_read(line, &b), 0);
    assert_false(b.is_signed);
    assert_int_equal(b.seq, 7);
    line[65] = '\0';
    assert_int_equal(anchor_read(line, &b), E_SYNTAX);
    assert_int_equal(anchor_read("", &b), E_SYNTAX);
}

UNIT_MAIN(cmocka_unit_test(what_is_written_is_read), cmocka_unit_test(whatever_is_changed_is_noticed),
          cmocka_unit_test(a_first_line_alone_is_an_anchor))
