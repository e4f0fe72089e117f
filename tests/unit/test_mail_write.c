/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "err.h"
#include "mail_read.h"
#include "mail_write.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, &mem_libc, 8 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

static struct mail_write plain(void)
{
    return (struct mail_write){.message_id = "abc@kesu.example",
                               .date_us = 1764000000 * USEC_PER_SEC,
                               .from_name = "The Office",
                               .from_address = "office@kesu.example",
                               .to_name = "",
                               .to_address = "lin@customer.example",
                               .subject = "Complaint",
                               .text = "Dear Lin\n\nyours\n"};
}

static const char *written(const struct mail_write *mail)
{
    struct span out = SPAN_NONE;
    assert_int_equal(mail_write(&arena, mail, &out), 0);
    return arena_printf(&arena, "%.*s", (int)out.n, (const char *)out.p);
}

static struct mail_read read_back(const struct mail_write *mail)
{
    struct span out = SPAN_NONE;
    struct mail_read read;
    assert_int_equal(mail_write(&arena, mail, &out), 0);
    assert_int_equal(mail_read(&arena, out, &read), 0);
    return read;
}

static void test_plain(void **state)
{
    (void)state;
    struct mail_write mail = plain();
    assert_string_equal(written(&mail), "Date: Mon, 24 Nov 2025 16:00:00 +0000\r\n"
                                        "From: \"The Office\" <office@kesu.example>\r\n"
                                        "To: <lin@customer.example>\r\n"
                                        "Subject: Complaint\r\n"
                                        "Message-ID: <abc@kesu.example>\r\n"
                                        "Auto-Submitted: auto-generated\r\n"
                                        "X-Auto-Response-Suppress: All\r\n"
                                        "MIME-Version: 1.0\r\n"
                                        "Content-Type: text/plain; charset=utf-8\r\n"
                                        "Content-Transfer-Encoding: 7bit\r\n"
                                        "\r\n"
                                        "Dear Lin\r\n\r\nyours\r\n");
}

/* What our own reader, GMime, makes of it. */
static void test_read_back(void **state)
{
    (void)state;
    struct mail_write mail = plain();
    char subject[700] = "";
    for (int i = 0; i < 40; i++) strcat(subject, "申訴已收到");
    mail.subject = subject;
    mail.from_name = "凱蘇客訴中心 Kesu";
    mail.references = "first@kesu.example";
    mail.reply_to = "office+2511-000001.abcd@kesu.example";
    mail.text = "林小姐 您好:\n\n-- \n.\nFrom here\n";
    mail.html = "<p>林小姐 &amp; others</p>";
    struct mail_read read = read_back(&mail);
    assert_string_equal(read.subject, subject);
    assert_string_equal(read.from_name, "凱蘇客訴中心 Kesu");
    assert_string_equal(read.from_address, "office@kesu.example");
    assert_string_equal(read.reply_to, mail.reply_to);
    assert_string_equal(read.message_id, "abc@kesu.example");
    assert_string_equal(read.references[0], "first@kesu.example");
    assert_string_equal(read.auto_submitted, "auto-generated");
    assert_int_equal(read.date_us, mail.date_us);
    assert_non_null(strstr(read.text, "林小姐 您好:"));
    assert_non_null(strstr(read.text, "From here"));
}

static void test_lines_are_short(void **state)
{
    (void)state;
    struct mail_write mail = plain();
    char text[900];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    mail.subject = mail.text = mail.to_name = text;
    mail.from_name = "林林林林林林林林林林林林林林林林林林林林林林林林林林林";
    const char *out = written(&mail);
    for (const char *line = out; *line != '\0';) {
        size_t n = strcspn(line, "\r");
        assert_true(n <= 76);
        assert_int_equal(line[n + 1], '\n');
        line += n + 2;
    }
    assert_string_equal(read_back(&mail).subject, text);
}

static unsigned count_headers(const char *out)
{
    unsigned n = 0;
    for (const char *line = out; *line != '\r'; line = strstr(line, "\r\n") + 2) n += *line != ' ';
    return n;
}

static void test_no_injection(void **state)
{
    (void)state;
    const char *evil = "x\r\nBcc: all@customer.example\r\n\r\n<script>\xc3";
    struct mail_write mail = plain();
    unsigned usual = count_headers(written(&mail));
    mail.subject = mail.from_name = mail.to_name = evil;
    assert_int_equal(count_headers(written(&mail)), usual);
    struct mail_read read = read_back(&mail);
    assert_null(strpbrk(read.subject, "\r\n"));
    assert_null(strpbrk(read.from_name, "\r\n"));
    const char **fields[] = {&mail.message_id, &mail.from_address, &mail.to_address, &mail.reply_to,
                             &mail.references};
    const char *bad[] = {"a@b\r\nBcc: c@d", "a@b>", "a b@c", "",    "a", "@", "a@", "@b",
                         "a@b\n",           "林@b", ".a@b",  "a@b."};
    for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++) {
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
            struct span out = SPAN_NONE;
            mail = plain();
            *fields[f] = bad[i];
            assert_int_equal(mail_write(&arena, &mail, &out), E_RANGE);
        }
    }
}

static void test_encoded_words_are_not_forged(void **state)
{
    (void)state;
    struct mail_write mail = plain();
    mail.subject = "=?UTF-8?B?SGVsbG8=?=";
    assert_string_equal(read_back(&mail).subject, mail.subject);
    mail = plain();
    mail.to_name = "Lin \"the\\boss\"";
    assert_non_null(strstr(written(&mail), "To: \"Lin \\\"the\\\\boss\\\"\" <lin@customer.example>\r\n"));
}

static void test_plus(void **state)
{
    (void)state;
    assert_string_equal(mail_write_plus(&arena, "office@kesu.example", "2511-000001.ab"),
                        "office+2511-000001.ab@kesu.example");
    assert_null(mail_write_plus(&arena, "office", "tag"));
    assert_null(mail_write_plus(&arena, "office@kesu.example", "a b"));
}

static void test_same_bytes(void **state)
{
    (void)state;
    struct mail_write mail = plain();
    mail.html = "<p>x</p>";
    assert_string_equal(written(&mail), written(&mail));
}

static void test_limit(void **state)
{
    (void)state;
    struct arena small;
    struct span out = SPAN_NONE;
    struct mail_write mail = plain();
    arena_init(&small, &mem_libc, 600);
    assert_int_equal(mail_write(&small, &mail, &out), E_NOMEM);
    arena_deinit(&small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(test_plain), TEST(test_read_back), TEST(test_lines_are_short), TEST(test_no_injection),
          TEST(test_encoded_words_are_not_forged), TEST(test_plus), TEST(test_same_bytes), TEST(test_limit))
