/* SPDX-License-Identifier: Apache-2.0 */
/* Reading mails: charsets, parts, threads, and what is no mail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "mail_read.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, &mem_libc, (size_t)16 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

static struct mail_read read_mail(const char *raw)
{
    struct mail_read m;
    assert_int_equal(mail_read(&arena, span_str(raw), &m), 0);
    return m;
}

static void test_plain(void **state)
{
    (void)state;
    struct mail_read m = read_mail("From: =?utf-8?B?546L5bCP5piO?= <wang@example.com>\r\n"
                                   "To: Office <complaints@example.com>, b@example.com\r\n"
                                   "Cc: team: c@example.com, d@example.com;\r\n"
                                   "Subject: =?gb2312?B?v827p9e1xvM=?=\r\n"
                                   "Date: Sun, 22 Nov 2026 10:00:00 +0800\r\n"
                                   "Message-ID: <one@example.com>\r\n"
                                   "In-Reply-To: <parent@example.com>\r\n"
                                   "References: <root@example.com> <parent@example.com>\r\n"
                                   "\r\n"
                                   "The parcel is wet.\r\n");
    assert_string_equal(m.from_name, "王小明");
    assert_string_equal(m.from_address, "wang@example.com");
    assert_string_equal(m.message_id, "one@example.com");
    assert_int_equal(m.n_recipients, 4);
    assert_string_equal(m.recipients[3], "d@example.com");
    assert_int_equal(m.date_us, INT64_C(1795312800000000));
    assert_int_equal(m.n_references, 2);
    assert_string_equal(m.references[0], "parent@example.com");
    assert_string_equal(m.references[1], "root@example.com");
    assert_string_equal(m.text, "The parcel is wet.\n");
    assert_true(m.has_headers);
    assert_false(m.null_sender || m.list || m.report || m.suppress_answers);
}

static void test_charsets(void **state)
{
    (void)state;
    static const char big5[] =
        "From: a@b\r\nContent-Type: text/plain; charset=big5\r\n\r\n\xb3\x66\xab\x7e\xb7\x6c\xc3\x61";
    assert_string_equal(read_mail(big5).text, "貨品損壞");
    /* No charset named at all: the fallbacks are tried. */
    static const char gbk[] = "From: a@b\r\n\r\n\xbf\xcd\xbb\xa7\xcd\xb6\xcb\xdf";
    assert_string_equal(read_mail(gbk).text, "客户投诉");
    static const char odd[] =
        "From: a@b\r\nContent-Type: text/plain; charset=no-such-charset\r\n\r\nplain words";
    assert_string_equal(read_mail(odd).text, "plain words");
}

static void test_alternative_prefers_plain_and_keeps_attachments(void **state)
{
    (void)state;
    struct mail_read m =
        read_mail("From: a@b\r\nMIME-Version: 1.0\r\n"
                  "Content-Type: multipart/mixed; boundary=x\r\n\r\n"
                  "--x\r\nContent-Type: multipart/alternative; boundary=y\r\n\r\n"
                  "--y\r\nContent-Type: text/plain\r\n\r\nplain\r\n"
                  "--y\r\nContent-Type: text/html\r\n\r\n<b>html</b>\r\n--y--\r\n"
                  "--x\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n"
                  "Content-Disposition: attachment; filename=\"../../box.png\"\r\n\r\naGVsbG8=\r\n"
                  "--x--\r\n");
    assert_string_equal(m.text, "plain");
    assert_int_equal(m.n_attachments, 1);
    assert_string_equal(m.attachments[0].file_name, "box.png");
    assert_string_equal(m.attachments[0].media_type, "image/png");
    assert_int_equal(m.attachments[0].content.n, 5);
    assert_memory_equal(m.attachments[0].content.p, "hello", 5);
}

static void test_html_only(void **state)
{
    (void)state;
    struct mail_read m = read_mail("From: a@b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
                                   "<html><head><title>no</title><style>p{}</style></head><body>"
                                   "<p>Caf&eacute; &amp; &#31665;&#x7834;</p><!-- no --><script>no()</script>"
                                   "a<br>b&nbsp;&lt;c&gt; 1 < 2</body></html>");
    assert_string_equal(m.text, "Caf&eacute; & 箱破\na\nb <c> 1 < 2");
}

static void test_machines_are_told(void **state)
{
    (void)state;
    struct mail_read m = read_mail(
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@b\r\nAuto-Submitted: auto-replied (vacation)\r\n"
        "Precedence: BULK\r\nList-Id: <x.y>\r\nX-Auto-Response-Suppress: All\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n"
        "--x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; a\r\n\r\n--x--\r\n");
    assert_true(m.null_sender);
    assert_string_equal(m.auto_submitted, "auto-replied");
    assert_string_equal(m.precedence, "bulk");
    assert_true(m.list);
    assert_true(m.suppress_answers);
    assert_true(m.report);
}

static void test_depth_and_parts_are_bounded(void **state)
{
    (void)state;
    static char raw[200000];
    char *p = raw;
    p += sprintf(p, "From: a@b\r\nContent-Type: multipart/mixed; boundary=b0\r\n\r\n");
    for (int i = 0; i < 200; i++)
        p += sprintf(p, "--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n", i, i + 1);
    sprintf(p, "--b200\r\nContent-Type: text/plain\r\n\r\ndeep\r\n");
    struct mail_read m = read_mail(raw);
    assert_true(m.text_cut);
    assert_string_equal(m.text, "");
}

static void test_what_is_no_mail(void **state)
{
    (void)state;
    assert_false(read_mail("\x7f"
                           "ELF\x02\x01\x01")
                     .has_headers);
    assert_false(read_mail("").has_headers);
}

static void test_clean_text_is_utf8(void **state)
{
    (void)state;
    static const char dirty[] = "a\0b\x01\xff\xe5\xae\xa2\xed\xa0\x80\xc0\x80z";
    assert_string_equal(mail_clean_text(&arena, span_of(dirty, sizeof(dirty) - 1), 1000),
                        "ab\xef\xbf\xbd客\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz");
    /* Never splits a character at the limit. */
    assert_string_equal(mail_clean_text(&arena, span_str("客客"), 4), "客");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plain, setup, teardown),
        cmocka_unit_test_setup_teardown(test_charsets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_alternative_prefers_plain_and_keeps_attachments, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_html_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_machines_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_depth_and_parts_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_mail, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clean_text_is_utf8, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
