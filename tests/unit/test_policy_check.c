/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "err.h"
#include "policy_fixture.h"

/* One change to the small policy, and what is said of it. */
static const struct {
    const char *path, *piece, *by, *said;
} changes[] = {
    {"org.yaml", "Asia/Taipei", "Asia/Nowhere",
     "org.yaml:3: office.time_zone: found 'Asia/Nowhere', allowed an IANA"},
    {"org.yaml", "- id: service", "- id: transport",
     "org.yaml:13: departments[1].id: found 'transport' again"},
    {"org.yaml", "manager: boss", "manager: nobody",
     "org.yaml:10: departments[0].manager: found 'nobody', allowed"},
    {"org.yaml", "manager: lead}", "manager: led}",
     "org.yaml:12: departments[0].sections[0].manager: found 'led'"},
    {"org.yaml", "department: service,", "department: x,",
     "org.yaml:17: staff[0].department: found 'x', allowed"},
    {"org.yaml", "    section: hub", "    section: x",
     "org.yaml:24: staff[3].section: found 'x', allowed a section"},
    {"org.yaml", "    manager: lead", "    manager: x", "org.yaml:25: staff[3].manager: found 'x', allowed"},
    {"org.yaml", "manager: top", "manager: lead",
     "staff[1].manager: found 'lead', whose chain of command is a ring"},
    {"org.yaml", "damage.*,", "damages.*,",
     "org.yaml:26: staff[3].skills[0]: found 'damages.*', allowed a category"},
    {"org.yaml", "'lang:zh'", "'lang:fr'", "staff[3].skills[1]: found 'lang:fr', allowed"},
    {"org.yaml", "    agent: true\n", "    agent: true\n    shift: x\n",
     "staff[3].shift: found 'x', allowed an id of shifts"},
    {"org.yaml", "    agent: true\n",
     "    agent: true\nshifts:\n  - {id: d, names: {en: D}, begins: '08:00', ends: '20:00', lead: x}\n",
     "shifts[0].lead: found 'x'"},
    {"org.yaml", "    agent: true\n",
     "    agent: true\nquotas:\n  - {id: q, role: agent, per_period: TWD 5}\n", "quotas[0].period: missing"},
    {"org.yaml", "    agent: true\n",
     "    agent: true\nquotas:\n  - {id: q, role: agent, per_case: EUR 1, per_period: TWD 5, period: 24h}\n",
     "quotas[0].per_period: found another currency"},
    {"org.yaml", "    agent: true\n",
     "    agent: true\ncompensation:\n  - {id: c, category: x, most: TWD 5}\n",
     "compensation[0].category: found 'x'"},
    {"org.yaml", "    agent: true\n", "    agent: true\ncompensation:\n  - {id: c, law: none}\n",
     "compensation[0].most: found no cap"},
    {"org.yaml", "    agent: true\n",
     "    agent: true\ndelegations:\n  - {id: d, from: lead, to: x, until: 2026-12-31}\n",
     "delegations[0].to: found 'x'"},
    {"org.yaml", "    agent: true\n",
     "    agent: true\ndelegations:\n  - {id: d, from: lead, to: lead, until: 2026-12-31}\n",
     "delegations[0].to: found the delegator"},
    {"org.yaml", "    agent: true\n",
     "    agent: true\ndelegations:\n  - {id: d, from: lead, to: boss, starts: 2027-01-01, until: "
     "2026-12-31}\n",
     "delegations[0].until: found no later"},
    {"org.yaml", "    agent: true\n",
     "    agent: true\nauthority:\n  - {id: a, role: agent}\n  - {id: a, role: legal}\n",
     "authority[1].id: found 'a' again"},
    {"routing.yaml", "weight: 10, rank: 1}", "weight: 10, rank: 1, evidence: [photo]}",
     "categories[0].evidence[0]: found 'photo', allowed an id of evidence"},
    {"routing.yaml", "department: transport", "department: x",
     "routing.yaml:2: categories[0].department: found 'x'"},
    {"routing.yaml", "id: other", "id: damage.wet",
     "routing.yaml:3: categories[1].id: found 'damage.wet' again"},
    {"routing.yaml", "s2: 60", "s2: 90",
     "scoring.s1: found s1 90, s2 90, s3 30, allowed s1 above s2 above s3"},
    {"routing.yaml", "category: other", "category: x",
     "defaults.category: found 'x', allowed an id of categories"},
    {"rules/words.yaml", "id: danger", "id: wet", "rules/words.yaml:9: rules[1].id: found 'wet' again"},
    {"rules/words.yaml", "    category: damage.wet\n", "",
     "rules[0]: found 'wet' with neither category nor factor"},
    {"rules/words.yaml", "weight: 60", "weight: 60, category: other", "rules[1]: found 'danger' with both"},
    {"rules/words.yaml", ", regex: 'burn(t|ed)'", "", "rules[1]: found 'danger' with nothing to look for"},
    {"rules/words.yaml", "not wet", "soaked", "rules[0].unless: found 'soaked', which is a keyword too"},
    {"sla.yaml", "all: 15d", "S2: 15d", "sla.yaml:3: clocks[1].dues: missing all"},
    {"sla.yaml", "channels: [chat]", "channels: [chat, sms, chat]",
     "clocks[1].by_channel: found a channel twice"},
    {"sla.yaml", "all: 1h", "S2: 1h", "clocks[1].by_channel[0].dues: missing all"},
    {"sla.yaml", "[1h, 24h]", "[24h, 1h]", "clocks[1].escalate_after: found level 2 no later than"},
    {"sla.yaml", "[1h, 24h]", "[1h,2h,3h,4h,5h,6h,7h,8h,9h]",
     "clocks[1].escalate_after: found 9 levels, allowed 8"},
    {"notify.yaml", "id: receipt", "id: welcome",
     "clocks[0].stops: found receipt_delivered, allowed only with"},
    {"notify.yaml", "to: manager", "to: customer",
     "notify.yaml:3: notices[1].to: found 'customer' on 'breach'"},
    {"notify.yaml", "on: breach", "on: opened", "notify.yaml:3: notices[1].to: found 'manager' on 'opened'"},
    {"notify.yaml", "transport: smtp, template: breach", "transport: webhook, template: breach",
     "notices[1].url: found '' with transport webhook, allowed an url"},
    {"notify.yaml", "transport: smtp, template: breach", "transport: smtp, template: breach, url: 'http://a'",
     "notices[1].url: found 'http://a' with transport smtp"},
    {"notify.yaml", "template: breach", "template: x",
     "notices[1].template: found 'x', allowed a file of templates/"},
    {"templates/breach.yaml",
     "en:", "zh-Hant:", "notices[1].template: found 'breach', allowed a file of templates/"},
    {"templates/breach.yaml", "{{due}}", "{{dew}}",
     "templates/breach.yaml:1: en.text: found {{dew}}, allowed {{number"},
    {"templates/breach.yaml", "{{due}}", "{{due",
     "templates/breach.yaml:1: en.text: found '{{' without '}}'"},
    {"templates/receipt.yaml", "'Complaint", "\"Complaint\\n\" #",
     "templates/receipt.yaml:2: en.subject: found several"},
};

static void test_changes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct policy_fixture f;
        policy_fixture_init(&f);
        policy_fixture_change(&f, changes[i].path, changes[i].piece, changes[i].by);
        int err = policy_fixture_compile(&f);
        if (err == 0 || strstr(f.error, changes[i].said) == NULL)
            print_error("%s -> %s: wanted '%s', said '%s'\n", changes[i].piece, changes[i].by,
                        changes[i].said, err == 0 ? "nothing" : f.error);
        assert_int_equal(err, E_POLICY);
        assert_non_null(strstr(f.error, changes[i].said));
        policy_fixture_deinit(&f);
    }
}

/* A compiled policy that came over the wire has not met the walker. */
static void test_compiled(void **state)
{
    (void)state;
    struct policy_fixture f;
    char reason[300] = "";
    policy_fixture_init(&f);
    assert_int_equal(policy_fixture_compile(&f), 0);
    Kesu__V1__Policy *p = f.bundle->policy;
    assert_int_equal(policy_check(p, reason, sizeof reason), 0);
    assert_string_equal(reason, "");
    p->clocks[0]->warn_percent = 100;
    assert_int_equal(policy_check(p, reason, sizeof reason), E_POLICY);
    assert_string_equal(reason, "clocks[0].warn_percent: found 100, allowed 1 to 99");
    p->clocks[0]->warn_percent = 80;
    p->clocks[1]->dues[1]->after = -1;
    assert_int_equal(policy_check(p, reason, sizeof reason), E_POLICY);
    assert_non_null(strstr(reason, "clocks[1].dues: found -1 microseconds"));
    p->clocks[1]->dues[1]->after = 1000000;
    p->staff[0]->role = (Kesu__V1__StaffRole)77;
    assert_int_equal(policy_check(p, reason, sizeof reason), E_POLICY);
    assert_non_null(strstr(reason, "staff[0].role: found 77"));
    p->staff[0]->role = KESU__V1__STAFF_ROLE__STAFF_ROLE_LEGAL;
    p->staff[0]->email = (char *)"nobody\r\nBcc: all@kesu.example";
    assert_int_equal(policy_check(p, reason, sizeof reason), E_POLICY);
    assert_non_null(strstr(reason, "staff[0].email: found "));
    Kesu__V1__Policy empty = KESU__V1__POLICY__INIT;
    assert_int_equal(policy_check(&empty, reason, sizeof reason), E_POLICY);
    assert_non_null(strstr(reason, "office: missing"));
    policy_fixture_deinit(&f);
}

static void test_diff(void **state)
{
    (void)state;
    struct policy_fixture f, g;
    policy_fixture_init(&f);
    policy_fixture_init(&g);
    policy_fixture_change(&g, "sla.yaml", "warn_percent: 80", "warn_percent: 70");
    policy_fixture_change(&g, "sla.yaml", "warn_percent: 80", "warn_percent: 70");
    policy_fixture_change(&g, "rules/words.yaml", "id: danger", "id: fire");
    policy_fixture_change(&g, "rules/words.yaml", "soaked,", "soaked, drenched,");
    policy_fixture_change(&g, "routing.yaml", "vip: 20", "vip: 25");
    policy_fixture_change(&g, "templates/receipt.yaml", "您好", "你好");
    assert_int_equal(policy_fixture_compile(&f), 0);
    assert_int_equal(policy_fixture_compile(&g), 0);
    char *diff = policy_diff(&mem_libc, f.bundle->policy, g.bundle->policy);
    assert_string_equal(diff,
                        "~ rules wet: keywords changed (3 -> 4)\n"
                        "- rules danger\n"
                        "+ rules fire\n"
                        "~ scoring: vip 20 -> 25\n"
                        "~ clocks receipt: warn_percent 80 -> 70\n"
                        "~ clocks resolution: warn_percent 80 -> 70\n"
                        "~ templates receipt zh-Hant: text '{{customer}} 您好' -> '{{customer}} 你好'\n");
    mem_free(&mem_libc, diff);
    diff = policy_diff(&mem_libc, f.bundle->policy, f.bundle->policy);
    assert_string_equal(diff, "");
    mem_free(&mem_libc, diff);
    policy_fixture_deinit(&f);
    policy_fixture_deinit(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_compiled),
        cmocka_unit_test(test_diff),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
