/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "err.h"
#include "policy_fixture.h"

/* One change to the rules, and what trying them says. */
static void test_tries(void **state)
{
    (void)state;
    static const struct {
        const char *piece, *by, *said;
    } changes[] = {
        {"soaked,", "soaked,", NULL},
        {"The parcel was soaked", "The parcel was late",
         "rules/words.yaml:7: rules[0].match[0]: found 'The parcel was late', which wet does not match, "
         "allowed"},
        {"A dry parcel", "a 泡水 parcel",
         "rules/words.yaml:8: rules[0].no_match[0]: found 'a 泡水 parcel', which wet matches, allowed"},
        {"burn(t|ed)", "burn(t|ed", "rules/words.yaml:9: rules[1]: found "},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct policy_fixture f;
        char *error = NULL;
        policy_fixture_init(&f);
        policy_fixture_change(&f, "rules/words.yaml", changes[i].piece, changes[i].by);
        assert_int_equal(policy_fixture_compile(&f), 0);
        int err = policy_try(&mem_libc, f.bundle, &error);
        if (changes[i].said == NULL) {
            if (err != 0) print_error("%s", error);
            assert_int_equal(err, 0);
        } else {
            assert_int_equal(err, E_POLICY);
            if (strstr(error, changes[i].said) == NULL) print_error("%s", error);
            assert_non_null(strstr(error, changes[i].said));
        }
        mem_free(&mem_libc, error);
        policy_fixture_deinit(&f);
    }
}

UNIT_MAIN(cmocka_unit_test(test_tries))
