/* SPDX-License-Identifier: Apache-2.0 */
/* What the email adapter makes of a mail: machine or person, which
 * conversation, which identity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../services/adapters/email/email.h"

#define OFFICE "complaints@example.com"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, &mem_libc, (size_t)4 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

static struct mail_read read_mail(const char *headers, const char *text)
{
    char *raw = arena_printf(&arena, "From: Wang <wang@example.com>\r\n%s\r\n%s", headers, text);
    struct mail_read m;
    assert_int_equal(mail_read(&arena, span_str(raw), &m), 0);
    return m;
}

static enum email_kind kind_of(const char *headers, bool null_sender)
{
    struct mail_read m = read_mail(headers, "text");
    const char *reason = NULL;
    enum email_kind kind = email_kind(&m, OFFICE, null_sender, &reason);
    assert_non_null(reason);
    assert_true((kind == EMAIL_PERSON) == (*reason == 0));
    return kind;
}

static void test_machines_are_told_from_people(void **state)
{
    (void)state;
    assert_int_equal(kind_of("Subject: wet\r\n", false), EMAIL_PERSON);
    assert_int_equal(kind_of("Auto-Submitted: no\r\n", false), EMAIL_PERSON);
    assert_int_equal(kind_of("Auto-Submitted: auto-replied\r\n", false), EMAIL_ANSWER);
    assert_int_equal(kind_of("Auto-Submitted: auto-generated\r\n", false), EMAIL_MACHINE);
    assert_int_equal(kind_of("Precedence: bulk\r\n", false), EMAIL_MACHINE);
    assert_int_equal(kind_of("Precedence: auto_reply\r\n", false), EMAIL_ANSWER);
    assert_int_equal(kind_of("List-Unsubscribe: <mailto:x@y>\r\n", false), EMAIL_MACHINE);
    assert_int_equal(kind_of("Return-Path: <>\r\n", false), EMAIL_ANSWER);
    assert_int_equal(kind_of("Return-Path: <wang@example.com>\r\n", false), EMAIL_PERSON);
    assert_int_equal(kind_of("", true), EMAIL_ANSWER);
    assert_int_equal(kind_of("X-Auto-Response-Suppress: OOF\r\n", false), EMAIL_MACHINE);
    assert_int_equal(kind_of("Content-Type: multipart/report; boundary=x\r\n", false), EMAIL_ANSWER);
}

static void test_loops_are_broken(void **state)
{
    (void)state;
    struct mail_read m = read_mail("", "text");
    const char *reason;
    assert_int_equal(email_kind(&m, "WANG@example.com", false, &reason), EMAIL_ANSWER);
    m.n_received = 51;
    assert_int_equal(email_kind(&m, OFFICE, false, &reason), EMAIL_ANSWER);
    m.n_received = 50;
    assert_int_equal(email_kind(&m, OFFICE, false, &reason), EMAIL_PERSON);
}

static void test_tag_is_found_in_address_then_subject(void **state)
{
    (void)state;
    struct mail_read m = read_mail("To: complaints+2611-000042.K7abcdefgh@example.com\r\n"
                                   "Subject: Re: [2611-000001.zzzzzzzzzz] wet\r\n",
                                   "x");
    assert_string_equal(email_find_tag(&m, &arena), "2611-000042.k7abcdefgh");
    m = read_mail(
        "To: complaints+other@example.com\r\nSubject: Re: [urgent] [2611-1000001.zzzzzzzzzz] wet\r\n", "x");
    assert_string_equal(email_find_tag(&m, &arena), "2611-1000001.zzzzzzzzzz");
    m = read_mail("Subject: Re: [2611-000042] 2611-000042.zzzzzzzzzz\r\n", "x");
    assert_null(email_find_tag(&m, &arena));
}

static void test_identity_is_of_the_mail_and_its_mailbox(void **state)
{
    (void)state;
    uint8_t a[HASH_BYTES], b[HASH_BYTES];
    struct mail_read m = read_mail("Message-ID: <one@x>\r\nReceived: by a\r\n", "text");
    email_identity(&m, OFFICE, a);
    m = read_mail("Message-ID: <one@x>\r\nReceived: by b\r\nReceived: by c\r\n", "text");
    email_identity(&m, OFFICE, b);
    assert_memory_equal(a, b, HASH_BYTES);
    email_identity(&m, "other@example.com", b);
    assert_memory_not_equal(a, b, HASH_BYTES);
    m = read_mail("Message-ID: <one@x>\r\n", "other text");
    email_identity(&m, OFFICE, b);
    assert_memory_not_equal(a, b, HASH_BYTES);
}

static void test_command_names_the_conversation(void **state)
{
    (void)state;
    struct mail_read m =
        read_mail("Reply-To: home@example.com\r\nMessage-ID: <two@x>\r\nIn-Reply-To: <one@x>\r\n"
                  "Subject: wet\r\n",
                  "text");
    Kesu__V1__Command *c = email_command(&m, OFFICE, EMAIL_PERSON, 7, NULL, 0, &arena);
    assert_non_null(c);
    const Kesu__V1__ReceiveMessage *r = c->receive_message;
    assert_string_equal(r->own_thread_key, "two@x");
    assert_int_equal(r->n_thread_keys, 1);
    assert_string_equal(r->thread_keys[0], "one@x");
    assert_int_equal(r->personal->n_contacts, 2);
    assert_string_equal(r->personal->contacts[0]->value, "home@example.com");
    assert_string_equal(r->personal->contacts[1]->value, "wang@example.com");
    assert_false(r->automatic || r->join_only);
    assert_true(email_command(&m, OFFICE, EMAIL_MACHINE, 7, NULL, 0, &arena)->receive_message->automatic);
    assert_true(email_command(&m, OFFICE, EMAIL_ANSWER, 7, NULL, 0, &arena)->receive_message->join_only);
}

static void test_a_list_is_not_a_customer(void **state)
{
    (void)state;
    struct mail_read m = read_mail("Reply-To: list@example.com\r\nList-Id: <list.example.com>\r\n", "text");
    Kesu__V1__Command *c = email_command(&m, OFFICE, EMAIL_MACHINE, 7, NULL, 0, &arena);
    assert_int_equal(c->receive_message->personal->n_contacts, 1);
    assert_string_equal(c->receive_message->personal->contacts[0]->value, "wang@example.com");
}

static void test_what_cannot_be_worked_with(void **state)
{
    (void)state;
    struct mail_read m;
    assert_int_equal(mail_read(&arena, span_str("just some words"), &m), 0);
    assert_non_null(email_unreadable(&m));
    assert_int_equal(mail_read(&arena, span_str("Subject: x\r\n\r\ntext"), &m), 0);
    assert_non_null(email_unreadable(&m));
    m = read_mail("", " \r\n\t ");
    assert_non_null(email_unreadable(&m));
    m = read_mail("Subject: only that\r\n", "");
    assert_null(email_unreadable(&m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_machines_are_told_from_people, setup, teardown),
        cmocka_unit_test_setup_teardown(test_loops_are_broken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tag_is_found_in_address_then_subject, setup, teardown),
        cmocka_unit_test_setup_teardown(test_identity_is_of_the_mail_and_its_mailbox, setup, teardown),
        cmocka_unit_test_setup_teardown(test_command_names_the_conversation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_list_is_not_a_customer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_worked_with, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
