/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogs of sentences and words: whole, in every language, and naming
 * only fields there are. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "../../services/cli/explain.h"

static const struct tell_entry *entry_of(const char *key)
{
    for (const struct tell_entry *x = tell_entries; x->key != NULL; x++)
        if (strcmp(x->key, key) == 0) return x;
    return NULL;
}

static void assert_entry(const char *key)
{
    if (entry_of(key) == NULL) fail_msg("services/cli/dictionary.c needs a row for '%s'", key);
}

static bool is_event(const ProtobufCFieldDescriptor *f)
{
    return (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

static void every_event_has_a_sentence_in_every_language(void **state)
{
    (void)state;
    const ProtobufCMessageDescriptor *d = &kesu__v1__event__descriptor;
    unsigned seen = 0;
    for (unsigned i = 0; i < d->n_fields; i++) {
        const struct tell_sentence *s = tell_sentences;
        if (!is_event(&d->fields[i])) continue;
        while (s->event != 0 && (s->event != d->fields[i].id || s->variant != LIFE_ANY)) s++;
        if (s->event == 0) fail_msg("no sentence for %s", d->fields[i].name);
        for (int k = 0; k < TELL_LANGUAGES; k++) assert_true(s->text[k] != NULL && s->text[k][0] != '\0');
        seen++;
    }
    assert_true(seen > 80);
}

/* {a.b|text}, {#a}, {!a=b?text}: the path has to lead to a field. */
static void check_term(const ProtobufCMessageDescriptor *d, const char *term, const char *whole)
{
    char name[64];
    term += strspn(term, "#!");
    for (;;) {
        size_t n = strcspn(term, ".|=?}");
        snprintf(name, sizeof name, "%.*s", (int)n, term);
        const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(d, name);
        if (f == NULL) fail_msg("no field '%s' of %s in: %s", name, d->short_name, whole);
        if (term[n] != '.') return;
        d = f->descriptor;
        term += n + 1;
    }
}

static void sentences_name_only_fields_there_are(void **state)
{
    (void)state;
    for (const struct tell_sentence *s = tell_sentences; s->event != 0; s++) {
        const ProtobufCMessageDescriptor *d =
            protobuf_c_message_descriptor_get_field(&kesu__v1__event__descriptor, s->event)->descriptor;
        for (int k = 0; k < TELL_LANGUAGES; k++)
            for (const char *at = s->text[k]; (at = strchr(at, '{')) != NULL; at++)
                check_term(d, at + 1, s->text[k]);
    }
}

static void check_enum(const ProtobufCEnumDescriptor *d)
{
    for (unsigned i = 0; i < d->n_values; i++)
        if (d->values[i].value != 0) assert_entry(d->values[i].name);
}

static void values_of_enums_are_in_the_dictionary(void **state)
{
    static const ProtobufCEnumDescriptor *const enums[] = {
        &kesu__v1__stage__descriptor,        &kesu__v1__staff_role__descriptor,
        &kesu__v1__channel__descriptor,      &kesu__v1__language__descriptor,
        &kesu__v1__nature__descriptor,       &kesu__v1__finding__descriptor,
        &kesu__v1__remedy_kind__descriptor,  &kesu__v1__decision__descriptor,
        &kesu__v1__answer__descriptor,       &kesu__v1__appeal_outcome__descriptor,
        &kesu__v1__body_kind__descriptor,    &kesu__v1__external_outcome__descriptor,
        &kesu__v1__conduct__descriptor,      &kesu__v1__link_kind__descriptor,
        &kesu__v1__call_outcome__descriptor, &kesu__v1__call_direction__descriptor,
        &kesu__v1__actor_kind__descriptor,   &kesu__v1__delivery_outcome__descriptor,
    };
    (void)state;
    for (unsigned i = 0; i < sizeof enums / sizeof enums[0]; i++) check_enum(enums[i]);
}

static void whatever_moves_a_case_has_a_phrase(void **state)
{
    const struct life_row *row;
    unsigned seen = 0;
    (void)state;
    for (unsigned i = 0; (row = life_row(i)) != NULL; i++) {
        if (row->tie == TIE_FOLLOWS || (row->who & (LIFE_STAFF | LIFE_CUSTOMER)) == 0) continue;
        if (row->to == LIFE_STAYS && row->variant == LIFE_ANY) continue;
        if (row->command == KESU__V1__COMMAND__BODY_RECORD_CALL) continue;
        assert_entry(life_command_name(row->command));
        if (row->when[0] != '\0') assert_entry(row->when);
        seen++;
    }
    assert_true(seen > 30);
}

static void empty_fields_take_their_brackets_with_them(void **state)
{
    const struct teller hant = {.language = TELL_HANT}, english = {.language = TELL_EN};
    Kesu__V1__CaseReviewed b = KESU__V1__CASE_REVIEWED__INIT;
    char text[TELL_TEXT];
    (void)state;
    b.finding = KESU__V1__FINDING__FINDING_PARTLY;
    tell(&english, "it is {finding}[, before {before}][: {reason|-}]{!reason?, without a reason}", &b.base,
         text);
    assert_string_equal(text, "it is partly founded: -, without a reason");
    b.before = KESU__V1__FINDING__FINDING_FOUNDED;
    b.reason = (char *)(uintptr_t) "photos";
    tell(&hant, "{finding=partly?＊}{finding=founded?！}{finding}[（{before}）][：{reason}]", &b.base, text);
    assert_string_equal(text, "＊部分成立（成立）：photos");
}

static void money_and_lists_read_well(void **state)
{
    const struct teller english = {.language = TELL_EN};
    Kesu__V1__RemedyProposed b = KESU__V1__REMEDY_PROPOSED__INIT;
    Kesu__V1__Money money = KESU__V1__MONEY__INIT;
    Kesu__V1__RemedyLine first = KESU__V1__REMEDY_LINE__INIT, second = first;
    Kesu__V1__RemedyLine *lines[] = {&first, &second};
    char text[TELL_TEXT];
    (void)state;
    money.currency = (char *)(uintptr_t) "TWD";
    money.e4 = 30005000;
    first.kind = KESU__V1__REMEDY_KIND__REMEDY_KIND_REFUND;
    first.amount = &money;
    second.kind = KESU__V1__REMEDY_KIND__REMEDY_KIND_APOLOGY;
    b.lines = lines;
    b.n_lines = 2;
    tell(&english, "{#lines}: {lines}", &b.base, text);
    assert_string_equal(text, "2: refund TWD 3000.50, apology");
}

UNIT_MAIN(cmocka_unit_test(every_event_has_a_sentence_in_every_language),
          cmocka_unit_test(sentences_name_only_fields_there_are),
          cmocka_unit_test(values_of_enums_are_in_the_dictionary),
          cmocka_unit_test(whatever_moves_a_case_has_a_phrase),
          cmocka_unit_test(empty_fields_take_their_brackets_with_them),
          cmocka_unit_test(money_and_lists_read_well))
