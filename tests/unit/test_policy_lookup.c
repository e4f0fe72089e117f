/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy_fixture.h"

#define EN      KESU__V1__LANGUAGE__LANGUAGE_EN
#define ZH_HANT KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT
#define ZH_HANS KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS
#define OTHER   KESU__V1__LANGUAGE__LANGUAGE_OTHER

static struct policy_fixture f;

static int set_up(void **state)
{
    (void)state;
    policy_fixture_init(&f);
    return policy_fixture_compile(&f);
}

static int tear_down(void **state)
{
    (void)state;
    policy_fixture_deinit(&f);
    return 0;
}

static void test_finds(void **state)
{
    (void)state;
    const Kesu__V1__Policy *p = f.bundle->policy;
    assert_string_equal(policy_department(p, "transport")->manager, "boss");
    assert_string_equal(policy_staff(p, "anna")->name, "Anna");
    assert_string_equal(policy_category(p, "damage.wet")->department, "transport");
    assert_int_equal(policy_clock(p, "receipt")->warn_percent, 80);
    assert_null(policy_department(p, "x"));
    assert_null(policy_staff(p, ""));
    assert_null(policy_category(p, "damage"));
    assert_null(policy_clock(p, "x"));
}

static void test_skills(void **state)
{
    (void)state;
    const Kesu__V1__Staff *anna = policy_staff(f.bundle->policy, "anna");
    assert_true(policy_has_skill(anna, "damage.wet", ZH_HANT));
    assert_true(policy_has_skill(anna, "damage.wet", ZH_HANS));
    assert_true(policy_has_skill(anna, "damage", OTHER));
    assert_false(policy_has_skill(anna, "damage.wet", EN));
    assert_false(policy_has_skill(anna, "damages.wet", ZH_HANT));
    assert_false(policy_has_skill(anna, "other", ZH_HANT));
    assert_false(policy_has_skill(policy_staff(f.bundle->policy, "boss"), "other", OTHER));
    assert_true(policy_skill_covers("*", "other"));
    assert_true(policy_skill_covers("other", "other"));
    assert_false(policy_skill_covers("other", "other.thing"));
}

static const char *told(const char *agent, const char *department, unsigned level)
{
    const Kesu__V1__Staff *s = policy_escalate_to(f.bundle->policy, agent, department, level);
    return s != NULL ? s->id : "";
}

static void test_ladder(void **state)
{
    (void)state;
    assert_string_equal(told("anna", "transport", 1), "lead");
    assert_string_equal(told("anna", "transport", 2), "boss");
    assert_string_equal(told("anna", "transport", 3), "top");
    assert_string_equal(told("anna", "transport", 7), "top");  /* rather than nobody */
    assert_string_equal(told("lead", "transport", 1), "boss"); /* nobody is their own manager */
    assert_string_equal(told("", "transport", 1), "boss");
    assert_string_equal(told("", "", 1), "boss"); /* not classified yet: the default department's */
    assert_string_equal(told("gone", "transport", 1), "boss");
}

static void test_languages(void **state)
{
    (void)state;
    const Kesu__V1__Policy *p = f.bundle->policy;
    const Kesu__V1__Department *d = p->departments[0];
    assert_string_equal(policy_local_name(d->names, d->n_names, ZH_HANT), "儲運部");
    assert_string_equal(policy_local_name(d->names, d->n_names, ZH_HANS), "Transport");
    assert_string_equal(policy_local_name(NULL, 0, EN), "");
    assert_string_equal(policy_template(p, "receipt", ZH_HANT)->subject, "申訴 {{number}}");
    assert_string_equal(policy_template(p, "receipt", OTHER)->subject, "Complaint {{number}}");
    assert_null(policy_template(p, "x", EN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_finds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_skills, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ladder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_languages, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
