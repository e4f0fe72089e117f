/* SPDX-License-Identifier: Apache-2.0 */
/* The service on the simulated world, its journal written by the test. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../services/notification/notification.h"
#include "check.h"
#include "clock.h"
#include "conf.h"
#include "err.h"
#include "fake_intake.h"
#include "hash.h"
#include "policy_fixture.h"
#include "seal.h"
#include "sim/sim.h"

#define WALL_US (1764000000 * USEC_PER_SEC)
#define EN      KESU__V1__LANGUAGE__LANGUAGE_EN
#define ZH_HANT KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT
#define UNKNOWN KESU__V1__LANGUAGE__LANGUAGE_UNSPECIFIED

struct world {
    struct sim *sim;
    struct fake_intake intake;
    struct policy_fixture policy;
    struct sim_instance *instance;
    struct svc *svc;
    struct arena arena;
    unsigned n_outcomes;
    struct {
        char kind[32], message_id[200], detail[200];
        int outcome;
        unsigned attempts;
    } outcomes[64];
    const char *name; /* of the customer */
    bool refuse;      /* everything, as if it stood in the journal */
};

static void on_boot(void *self, struct env *env)
{
    struct world *w = self;
    char *argv[] = {"kesu-notification", "--run-dir=run", "--data-dir=data", "--retry-after=1m,10m,1h", NULL};
    char *envp[] = {NULL};
    const struct conf_def *const tables[] = {svc_settings, notification_service.settings};
    struct conf *conf = NULL;
    char *error = NULL;
    CHECK(conf_load(&env->mem, tables, 2, "kesu-notification", 4, argv, envp, &conf, &error) == 0);
    CHECK(svc_new(env, &notification_service, conf, &w->svc) == 0);
}

/* What intake does with an outcome: journals it, once. */
static bool on_command(void *self, const Kesu__V1__Command *command, bool again, Kesu__V1__Reply *reply)
{
    static Kesu__V1__Refused refused = KESU__V1__REFUSED__INIT;
    struct world *w = self;
    const Kesu__V1__RecordDelivery *r = command->record_delivery;
    CHECK(command->body_case == KESU__V1__COMMAND__BODY_RECORD_DELIVERY);
    if (again) return true;
    CHECK(w->n_outcomes < 64);
    snprintf(w->outcomes[w->n_outcomes].kind, 32, "%s", r->kind);
    snprintf(w->outcomes[w->n_outcomes].message_id, 200, "%s", r->message_id);
    snprintf(w->outcomes[w->n_outcomes].detail, 200, "%s", r->detail);
    w->outcomes[w->n_outcomes].outcome = (int)r->outcome;
    w->outcomes[w->n_outcomes++].attempts = r->attempts;
    if (w->refuse) {
        refused.code = KESU__V1__ERROR_CODE__E_EXISTS;
        refused.disposition = KESU__V1__DISPOSITION__DISPOSITION_FINAL;
        reply->result_case = KESU__V1__REPLY__RESULT_REFUSED;
        reply->refused = &refused;
        return true;
    }
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__DeliveryRecorded body = KESU__V1__DELIVERY_RECORDED__INIT;
    body.kind = r->kind;
    body.cause_seq = r->cause_seq;
    body.outcome = r->outcome;
    body.attempts = r->attempts;
    body.detail = r->detail;
    e.body_case = KESU__V1__EVENT__BODY_DELIVERY_RECORDED;
    e.delivery_recorded = &body;
    fake_intake_event(&w->intake, r->case_id, &e);
    fake_intake_block(&w->intake);
    return true;
}

static void journal(struct world *w, uint64_t case_id, int body_case, void *body)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    e.body_case = (unsigned)body_case;
    e.case_opened = body; /* of the union */
    fake_intake_event(&w->intake, case_id, &e);
}

static void journal_policy(struct world *w)
{
    Kesu__V1__PolicyPartStored part = KESU__V1__POLICY_PART_STORED__INIT;
    Kesu__V1__PolicyActivated activated = KESU__V1__POLICY_ACTIVATED__INIT;
    uint8_t hash[HASH_BYTES];
    policy_fixture_init(&w->policy);
    policy_fixture_change(
        &w->policy, "notify.yaml", "notices:\n",
        "notices:\n"
        "  - {id: reply, on: replied, to: customer, transport: smtp, template: reply}\n"
        "  - {id: file, on: file_returned, to: customer, transport: smtp, template: file}\n"
        "  - {id: closed, on: closed, to: customer, transport: smtp, template: closed}\n"
        "  - {id: end, on: closed_no_survey, to: customer, transport: smtp, template: end}\n"
        "  - {id: opinion, on: opinion, to: customer, transport: smtp, template: reply}\n"
        "  - {id: final, on: final_opinion, to: customer, transport: smtp, template: final}\n"
        "  - {id: late, on: appeal_not_admitted, to: customer, transport: smtp, template: late}\n"
        "  - {id: task, on: task_given, to: agent, transport: smtp, template: breach}\n"
        "  - {id: lesson, on: lesson, to: agent, transport: smtp, template: breach}\n");
    policy_fixture_set(&w->policy, "templates/reply.yaml",
                       "en: {subject: 'Re {{number}}', text: '{{words}}'}\n");
    policy_fixture_set(&w->policy, "templates/closed.yaml",
                       "en: {subject: 'How was it?', text: '{{number}}'}\n");
    policy_fixture_set(&w->policy, "templates/end.yaml", "en: {subject: 'The end', text: '{{number}}'}\n");
    policy_fixture_set(&w->policy, "templates/final.yaml", "en: {subject: 'Final', text: '{{words}}'}\n");
    policy_fixture_set(&w->policy, "templates/late.yaml", "en: {subject: 'Too late', text: '{{number}}'}\n");
    policy_fixture_set(&w->policy, "templates/file.yaml",
                       "en: {subject: 'Re {{number}}', text: '({{missing}}) [{{words}}]'}\n"
                       "zh-Hant: {subject: 'Re {{number}}', text: '({{missing}}) [{{words}}]'}\n");
    policy_fixture_change(&w->policy, "routing.yaml", "categories:\n",
                          "evidence:\n"
                          "  - {id: photo, names: {zh-Hant: 照片, zh-Hans: 相片, en: a photo}}\n"
                          "categories:\n");
    assert_int_equal(policy_fixture_compile(&w->policy), 0);
    struct buf *bundle = codec_pack_buf(w->policy.bundle);
    hash_bytes(buf_span(bundle), hash);
    part.hash = activated.hash = (ProtobufCBinaryData){HASH_BYTES, hash};
    part.count = activated.parts = 1;
    part.content = (ProtobufCBinaryData){bundle->n, bundle->p};
    activated.first_part_seq = 1;
    journal(w, 0, KESU__V1__EVENT__BODY_POLICY_PART_STORED, &part);
    journal(w, 0, KESU__V1__EVENT__BODY_POLICY_ACTIVATED, &activated);
    fake_intake_block(&w->intake);
    buf_unref(bundle);
}

static uint64_t journal_case(struct world *w, const char *email, Kesu__V1__Language language, bool automatic)
{
    Kesu__V1__CaseOpened opened = KESU__V1__CASE_OPENED__INIT;
    Kesu__V1__CaseText text = KESU__V1__CASE_TEXT__INIT;
    Kesu__V1__Personal personal = KESU__V1__PERSONAL__INIT;
    Kesu__V1__Contact contact = KESU__V1__CONTACT__INIT, *contacts[] = {&contact};
    Kesu__V1__Sealed sealed;
    uint64_t case_id = w->intake.seq + 1;
    struct seal_key key = {.id = case_id, .secret = {(uint8_t)case_id}};
    contact.kind = KESU__V1__CONTACT__KIND__KIND_EMAIL;
    contact.value = (char *)(uintptr_t)email;
    personal.name = (char *)(uintptr_t)w->name;
    personal.subject = "Soaked";
    personal.n_contacts = email != NULL;
    personal.contacts = contacts;
    text.personal = &personal;
    assert_int_equal(seal_message(w->intake.env, &key, &text, &w->arena, &sealed), 0);
    opened.number = "2511-000001";
    opened.reply_tag = "2511-000001.abcdefgh";
    opened.personal = &sealed;
    opened.language = language;
    opened.automatic = automatic;
    journal(w, case_id, KESU__V1__EVENT__BODY_CASE_OPENED, &opened);
    fake_intake_block(&w->intake);
    return case_id;
}

static void journal_language(struct world *w, uint64_t case_id, Kesu__V1__Language language)
{
    Kesu__V1__CaseClassified classified = KESU__V1__CASE_CLASSIFIED__INIT;
    Kesu__V1__Judgement j = KESU__V1__JUDGEMENT__INIT;
    j.category = "damage.wet";
    j.department = "transport";
    j.severity = KESU__V1__SEVERITY__SEVERITY_S1;
    j.language = language;
    classified.judgement = &j;
    journal(w, case_id, KESU__V1__EVENT__BODY_CASE_CLASSIFIED, &classified);
    fake_intake_block(&w->intake);
}

static struct world *world_new(uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);
    w->name = "Lin";
    w->sim = sim_new(seed, WALL_US);
    arena_init(&w->arena, &mem_libc, 1 << 20);
    fake_intake_init(&w->intake, w->sim);
    w->intake.on_command = on_command;
    w->intake.self = w;
    journal_policy(w);
    return w;
}

static void world_start(struct world *w)
{
    w->instance = sim_instance_new(w->sim, "notification", on_boot, w);
    sim_run(w->sim, USEC_PER_SEC);
}

static void world_free(struct world *w)
{
    if (w->instance != NULL && sim_is_up(w->instance)) svc_free(&w->svc);
    fake_intake_deinit(&w->intake);
    policy_fixture_deinit(&w->policy);
    arena_deinit(&w->arena);
    sim_free(&w->sim);
    free(w);
}

static const struct sim_mail *mail(struct world *w, unsigned i, unsigned of)
{
    const struct sim_mail *mails;
    assert_int_equal(sim_mails(w->sim, &mails), of);
    return of > 0 ? &mails[i] : NULL;
}

static bool says(const struct sim_mail *m, const char *what)
{
    return memmem(m->message.p, m->message.n, what, strlen(what)) != NULL;
}

static int64_t metric(struct world *w, const char *name)
{
    char *text = stats_render(sim_env(w->instance)->stats, &mem_libc), line[100];
    snprintf(line, sizeof line, "\n%s ", name);
    char *at = strstr(text, line);
    assert_non_null(at);
    int64_t value = atoll(at + strlen(line));
    mem_free(&mem_libc, text);
    return value;
}

/* ---- tests ---- */

static void test_receipt(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_start(w);
    journal_case(w, "lin@customer.example", EN, false);
    sim_run(w->sim, 2 * USEC_PER_SEC); /* at once: the customer said in which language */
    const struct sim_mail *m = mail(w, 0, 1);
    assert_string_equal(m->to, "lin@customer.example");
    assert_string_equal(m->from, "office+2511-000001.abcdefgh@kesu.example");
    assert_true(says(m, "Subject: Complaint 2511-000001\r\n"));
    assert_true(says(m, "Auto-Submitted: auto-generated\r\n"));
    assert_int_equal(w->n_outcomes, 1);
    assert_string_equal(w->outcomes[0].kind, "receipt");
    assert_int_equal(w->outcomes[0].outcome, KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DELIVERED);
    assert_true(says(m, w->outcomes[0].message_id));
    assert_int_equal(metric(w, "kesu_notification_queued"), 0);
    world_free(w);
}

static void test_breach_to_the_manager(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    Kesu__V1__ClockFired fired = KESU__V1__CLOCK_FIRED__INIT;
    world_start(w);
    uint64_t case_id = journal_case(w, "robot@customer.example", EN, true);
    fired.clock = "resolution";
    fired.step = KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH;
    fired.due_at = WALL_US;
    fired.told = "lead";
    journal(w, case_id, KESU__V1__EVENT__BODY_CLOCK_FIRED, &fired);
    fake_intake_block(&w->intake);
    sim_run(w->sim, 10 * USEC_PER_SEC);
    const struct sim_mail *m = mail(w, 0, 1); /* and no receipt: automatic */
    assert_string_equal(m->to, "lead@kesu.example");
    assert_true(says(m, "time to resolve was due 2025-11-2"));
    assert_int_equal(w->n_outcomes, 2);
    for (unsigned i = 0; i < 2; i++) {
        bool receipt = strcmp(w->outcomes[i].kind, "receipt") == 0;
        assert_int_equal(w->outcomes[i].outcome,
                         receipt ? KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_NOT_SENT
                                 : KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DELIVERED);
    }
    world_free(w);
}

static void test_no_empty_words(void **state)
{
    (void)state;
    struct world *w = world_new(15);
    w->name = "";
    world_start(w);
    journal_case(w, "lin@customer.example", EN, false);
    sim_run(w->sim, 2 * USEC_PER_SEC);
    assert_true(says(mail(w, 0, 1), "Dear customer\r\n"));
    world_free(w);
}

static void test_waits_for_the_language(void **state)
{
    (void)state;
    struct world *w = world_new(3);
    world_start(w);
    uint64_t case_id = journal_case(w, "lin@customer.example", UNKNOWN, false);
    sim_run(w->sim, USEC_PER_SEC);
    mail(w, 0, 0);
    journal_language(w, case_id, ZH_HANT);
    sim_run(w->sim, USEC_PER_SEC);
    assert_true(says(mail(w, 0, 1), "=?UTF-8?B?")); /* the Chinese subject */
    journal_case(w, "wu@customer.example", UNKNOWN, false);
    sim_run(w->sim, 10 * USEC_PER_SEC); /* nobody says: the office's */
    assert_true(says(mail(w, 1, 2), "Subject: Complaint"));
    world_free(w);
}

static void test_tries_again_later(void **state)
{
    (void)state;
    struct world *w = world_new(4);
    world_start(w);
    sim_set_faults(w->sim, &(struct sim_faults){.mail_temporary = 1000000});
    journal_case(w, "lin@customer.example", EN, false);
    sim_run(w->sim, 50 * USEC_PER_SEC);
    assert_int_equal(metric(w, "kesu_notification_retried_total"), 0);
    sim_run(w->sim, 20 * USEC_PER_SEC); /* past the first wait of a minute */
    assert_int_equal(metric(w, "kesu_notification_retried_total"), 1);
    sim_set_faults(w->sim, NULL);
    sim_run(w->sim, 9 * USEC_PER_MIN);
    mail(w, 0, 0);
    sim_run(w->sim, 2 * USEC_PER_MIN);
    mail(w, 0, 1);
    assert_int_equal(w->outcomes[0].attempts, 3);
    world_free(w);
}

static void test_dead_letter(void **state)
{
    (void)state;
    struct world *w = world_new(5);
    world_start(w);
    sim_set_faults(w->sim, &(struct sim_faults){.mail_temporary = 1000000});
    journal_case(w, "lin@customer.example", EN, false);
    sim_run(w->sim, 3 * USEC_PER_HOUR);
    assert_int_equal(w->n_outcomes, 1);
    assert_int_equal(w->outcomes[0].outcome, KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_GIVEN_UP);
    assert_int_equal(w->outcomes[0].attempts, 4);
    assert_null(strchr(w->outcomes[0].detail, '@'));
    sim_set_faults(w->sim, NULL);
    sim_crash(w->instance); /* a dead letter stays one */
    sim_run(w->sim, 30 * USEC_PER_HOUR);
    mail(w, 0, 0);
    assert_int_equal(metric(w, "kesu_notification_queued"), 1);
    world_free(w);
}

static void test_lost_answer_repeats_the_same_mail(void **state)
{
    (void)state;
    struct world *w = world_new(6);
    world_start(w);
    sim_set_faults(w->sim, &(struct sim_faults){.mail_unknown = 1000000});
    journal_case(w, "lin@customer.example", EN, false);
    sim_run(w->sim, 20 * USEC_PER_SEC);
    sim_set_faults(w->sim, NULL);
    sim_run(w->sim, 5 * USEC_PER_MIN);
    const struct sim_mail *mails;
    unsigned n = sim_mails(w->sim, &mails);
    assert_in_range(n, 1, 2);
    assert_true(span_equal(mails[0].message, mails[n - 1].message)); /* to the byte */
    assert_int_equal(metric(w, "kesu_notification_repeated_total"), 1);
    assert_int_equal(w->n_outcomes, 1);
    world_free(w);
}

/* Crashes all through a run of many cases: each is told, as one mail to the
 * byte, and twice only if a crash took it in the air. */
static unsigned crash_run(uint64_t seed)
{
    struct world *w = world_new(seed);
    const unsigned n_cases = 20;
    unsigned n_crashes = 0, n_mails;
    const struct sim_mail *mails;
    world_start(w);
    for (unsigned i = 0; i < n_cases; i++) {
        char email[40];
        snprintf(email, sizeof email, "c%u@customer.example", i);
        journal_case(w, email, EN, false);
        sim_run(w->sim, (int64_t)sim_random(w->sim, 700 * USEC_PER_MS));
        if (i % 3 == 2 && sim_is_up(w->instance)) {
            sim_crash(w->instance);
            n_crashes++;
        }
    }
    sim_run(w->sim, 5 * USEC_PER_MIN);
    assert_int_equal(w->n_outcomes, n_cases);
    n_mails = sim_mails(w->sim, &mails);
    unsigned n_repeated = 0;
    bool told[20] = {false};
    for (unsigned i = 0; i < n_mails; i++) {
        unsigned who = (unsigned)atoi(mails[i].to + 1);
        n_repeated += told[who];
        told[who] = true;
    }
    for (unsigned i = 0; i < n_cases; i++) assert_true(told[i]);
    assert_true(n_repeated <= n_crashes * 16);
    world_free(w);
    return n_crashes;
}

static void test_crashes(void **state)
{
    (void)state;
    unsigned n_crashes = 0;
    for (uint64_t seed = 100; seed < 110; seed++) n_crashes += crash_run(seed);
    assert_true(n_crashes >= 20);
}

static void resend_all(struct world *w)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__ResendDeadLetters all = KESU__V1__RESEND_DEAD_LETTERS__INIT;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_RESEND_DEAD_LETTERS;
    request.resend_dead_letters = &all;
    notification_letters_resend(svc_self(w->svc), 0, &request); /* nobody waits for the answer */
}

static void test_dead_letters_to_the_erased_are_dropped(void **state)
{
    (void)state;
    struct world *w = world_new(15);
    uint64_t cases[4];
    world_start(w);
    sim_set_faults(w->sim, &(struct sim_faults){.mail_permanent = 1000000});
    for (unsigned i = 0; i < 4; i++) cases[3 - i] = journal_case(w, "lin@customer.example", EN, false);
    sim_run(w->sim, USEC_PER_MIN);
    assert_int_equal(w->n_outcomes, 4);
    assert_int_equal(metric(w, "kesu_notification_queued"), 4);
    Kesu__V1__CustomerErased erased = KESU__V1__CUSTOMER_ERASED__INIT;
    erased.n_case_ids = 3; /* not the oldest */
    erased.case_ids = cases;
    journal(w, 0, KESU__V1__EVENT__BODY_CUSTOMER_ERASED, &erased);
    fake_intake_block(&w->intake);
    sim_run(w->sim, USEC_PER_MIN);
    assert_int_equal(metric(w, "kesu_notification_queued"), 1);
    sim_crash(w->instance);
    sim_run(w->sim, USEC_PER_MIN);
    resend_all(w);
    sim_run(w->sim, USEC_PER_MIN);
    assert_int_equal(w->n_outcomes, 5);
    world_free(w);
}

/* In vain while the other side is away: its second giving up is refused, it stays a dead letter. */
static void test_dead_letter_sent_again(void **state)
{
    (void)state;
    struct world *w = world_new(10);
    world_start(w);
    sim_set_faults(w->sim, &(struct sim_faults){.mail_permanent = 1000000});
    journal_case(w, "lin@customer.example", EN, false);
    sim_run(w->sim, USEC_PER_MIN);
    assert_int_equal(w->n_outcomes, 1);
    w->refuse = true;
    for (unsigned round = 1; round <= 2; round++) {
        resend_all(w);
        sim_run(w->sim, USEC_PER_MIN);
        assert_int_equal(w->n_outcomes, 1 + round);
    }
    w->refuse = false;
    sim_set_faults(w->sim, NULL);
    sim_run(w->sim, USEC_PER_HOUR); /* not by itself */
    mail(w, 0, 0);
    resend_all(w);
    sim_run(w->sim, USEC_PER_MIN);
    mail(w, 0, 1);
    assert_int_equal(w->n_outcomes, 4);
    assert_string_equal(w->outcomes[0].message_id, w->outcomes[3].message_id);
    assert_int_equal(metric(w, "kesu_notification_queued"), 0);
    resend_all(w); /* there is none any more */
    sim_run(w->sim, USEC_PER_MIN);
    mail(w, 0, 1);
    world_free(w);
}

/* A store that is rebuilt from a journal with old intents without an outcome. */
static void test_rebuild_holds_what_is_old(void **state)
{
    (void)state;
    struct world *w = world_new(7);
    w->intake.time_us = WALL_US - 25 * USEC_PER_HOUR;
    journal_case(w, "old@customer.example", EN, false);
    w->intake.time_us = WALL_US - 23 * USEC_PER_HOUR;
    journal_case(w, "new@customer.example", EN, false);
    w->intake.time_us = 0;
    world_start(w);
    sim_run(w->sim, USEC_PER_MIN);
    assert_string_equal(mail(w, 0, 1)->to, "new@customer.example");
    assert_int_equal(metric(w, "kesu_notification_held_total"), 1);
    sim_crash(w->instance); /* held is held, though the store is no longer fresh */
    sim_run(w->sim, USEC_PER_MIN);
    mail(w, 0, 1);
    assert_int_equal(w->n_outcomes, 1);
    world_free(w);
}

/* Of the rebuilt store only the first blocks have come: what became of the receipt stands later. */
static void test_rebuild_tells_nothing_before_the_head(void **state)
{
    (void)state;
    struct world *w = world_new(13);
    Kesu__V1__DeliveryRecorded told = KESU__V1__DELIVERY_RECORDED__INIT;
    const struct sim_mail *mails;
    uint64_t case_id = journal_case(w, "lin@customer.example", EN, false);
    fake_intake_block(&w->intake);
    told.kind = (char *)(uintptr_t) "receipt";
    told.cause_seq = case_id;
    told.outcome = KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DELIVERED;
    journal(w, case_id, KESU__V1__EVENT__BODY_DELIVERY_RECORDED, &told);
    fake_intake_block(&w->intake);
    w->intake.slow_feed = true;
    world_start(w);
    sim_run(w->sim, USEC_PER_MIN);
    assert_int_equal(w->n_outcomes, 0);
    assert_int_equal(sim_mails(w->sim, &mails), 0);
    world_free(w);
}

static void test_archived_case_is_forgotten(void **state)
{
    (void)state;
    struct world *w = world_new(8);
    Kesu__V1__CaseClosed closed = KESU__V1__CASE_CLOSED__INIT;
    Kesu__V1__CaseArchived archived = KESU__V1__CASE_ARCHIVED__INIT;
    world_start(w);
    uint64_t case_id = journal_case(w, "lin@customer.example", EN, false);
    journal(w, case_id, KESU__V1__EVENT__BODY_CASE_CLOSED, &closed);
    journal(w, case_id, KESU__V1__EVENT__BODY_CASE_ARCHIVED, &archived); /* before the receipt is out */
    fake_intake_block(&w->intake);
    sim_run(w->sim, 10 * USEC_PER_SEC);
    mail(w, 0, 2);
    struct notification *n = svc_self(w->svc);
    struct notification_state s;
    assert_int_equal(notification_get_state(n->fold, case_id, &s), E_NOT_FOUND);
    journal_language(w, case_id, EN); /* and never comes back */
    sim_run(w->sim, USEC_PER_SEC);
    assert_int_equal(notification_get_state(n->fold, case_id, &s), E_NOT_FOUND);
    world_free(w);
}

/* ---- what staff says ---- */

static const struct sim_mail *sent_mail(struct world *w, unsigned i)
{
    return mail(w, i, i + 1);
}

static uint64_t hold_reply(struct world *w, uint64_t case_id, const char *text)
{
    Kesu__V1__ReplyHeld held = KESU__V1__REPLY_HELD__INIT;
    Kesu__V1__Words words = KESU__V1__WORDS__INIT;
    Kesu__V1__Sealed sealed;
    struct seal_key key = {.id = case_id, .secret = {(uint8_t)case_id}};
    words.text = (char *)(uintptr_t)text;
    assert_int_equal(seal_message(w->intake.env, &key, &words, &w->arena, &sealed), 0);
    held.words = &sealed;
    uint64_t seq = w->intake.seq + 1;
    journal(w, case_id, KESU__V1__EVENT__BODY_REPLY_HELD, &held);
    fake_intake_block(&w->intake);
    return seq;
}

static void send_reply(struct world *w, uint64_t case_id, uint64_t reply_seq)
{
    Kesu__V1__ReplySent sent = KESU__V1__REPLY_SENT__INIT;
    sent.reply_seq = reply_seq;
    journal(w, case_id, KESU__V1__EVENT__BODY_REPLY_SENT, &sent);
    fake_intake_block(&w->intake);
    sim_run(w->sim, 10 * USEC_PER_SEC);
}

static unsigned count_words(struct world *w)
{
    struct notification *n = svc_self(w->svc);
    struct store_cursor *cursor;
    struct span key, value;
    unsigned count = 0;
    assert_int_equal(fold_cursor(n->fold, NOTIFICATION_WORDS, &cursor), 0);
    while (store_step(n->env, cursor, +1, &key, &value) == 0) count++;
    store_cursor_close(n->env, cursor);
    fold_touch(n->fold); /* the turn's end closes the transaction */
    return count;
}

static void test_a_held_reply_is_mailed_when_it_is_sent(void **state)
{
    (void)state;
    struct world *w = world_new(21);
    world_start(w);
    uint64_t case_id = journal_case(w, "lin@customer.example", EN, false);
    sim_run(w->sim, 2 * USEC_PER_SEC);
    sent_mail(w, 0); /* the receipt */
    uint64_t seq = hold_reply(w, case_id, "a courier brings it tomorrow");
    sim_run(w->sim, 10 * USEC_PER_SEC);
    mail(w, 0, 1);
    send_reply(w, case_id, seq);
    const struct sim_mail *m = sent_mail(w, 1);
    assert_string_equal(m->to, "lin@customer.example");
    assert_true(says(m, "a courier brings it tomorrow"));
    assert_true(says(m, "References: "));
    assert_int_equal(count_words(w), 0); /* once it is delivered nothing of it is kept */
    world_free(w);
}

static void test_an_undone_reply_is_never_mailed(void **state)
{
    (void)state;
    struct world *w = world_new(22);
    Kesu__V1__ReplyUndone undone = KESU__V1__REPLY_UNDONE__INIT;
    world_start(w);
    uint64_t case_id = journal_case(w, "lin@customer.example", EN, false);
    undone.reply_seq = hold_reply(w, case_id, "too early");
    sim_run(w->sim, USEC_PER_SEC);
    assert_int_equal(count_words(w), 1);
    journal(w, case_id, KESU__V1__EVENT__BODY_REPLY_UNDONE, &undone);
    fake_intake_block(&w->intake);
    sim_run(w->sim, 10 * USEC_PER_SEC);
    mail(w, 0, 1); /* the receipt */
    assert_int_equal(count_words(w), 0);
    world_free(w);
}

static void return_file(struct world *w, uint64_t case_id, const char *text)
{
    Kesu__V1__FileReturned file = KESU__V1__FILE_RETURNED__INIT;
    Kesu__V1__Words words = KESU__V1__WORDS__INIT;
    Kesu__V1__Sealed sealed;
    struct seal_key key = {.id = case_id, .secret = {(uint8_t)case_id}};
    char *missing[] = {(char[]){"photo"}, (char[]){"weight"}};
    file.missing = missing;
    file.n_missing = 2;
    words.text = (char *)(uintptr_t)text;
    if (text[0] != '\0') {
        assert_int_equal(seal_message(w->intake.env, &key, &words, &w->arena, &sealed), 0);
        file.words = &sealed;
    }
    journal(w, case_id, KESU__V1__EVENT__BODY_FILE_RETURNED, &file);
    fake_intake_block(&w->intake);
    sim_run(w->sim, 10 * USEC_PER_SEC);
}

static void test_who_has_to_complete_a_file_is_told_what_is_missing(void **state)
{
    (void)state;
    struct world *w = world_new(24);
    world_start(w);
    uint64_t english = journal_case(w, "lin@customer.example", EN, false);
    uint64_t chinese = journal_case(w, "wang@customer.example", KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT, false);
    sim_run(w->sim, 2 * USEC_PER_SEC);
    return_file(w, english, "by mail, please");
    return_file(w, chinese, ""); /* the list says it all */
    assert_true(says(mail(w, 2, 4), "(- a photo"));
    assert_true(says(mail(w, 2, 4), "- weight) [by mail, please]"));
    assert_string_equal(mail(w, 3, 4)->to, "wang@customer.example");
    assert_int_equal(count_words(w), 0);
    world_free(w);
}

static void test_a_waiting_clock_is_told_to_nobody(void **state)
{
    (void)state;
    struct world *w = world_new(23);
    Kesu__V1__ClockFired fired = KESU__V1__CLOCK_FIRED__INIT;
    world_start(w);
    uint64_t case_id = journal_case(w, "robot@customer.example", EN, true);
    fired.clock = "reply_hold";
    fired.step = KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH;
    fired.told = "lead";
    journal(w, case_id, KESU__V1__EVENT__BODY_CLOCK_FIRED, &fired);
    fake_intake_block(&w->intake);
    sim_run(w->sim, 10 * USEC_PER_SEC);
    assert_int_equal(w->n_outcomes, 1); /* the receipt, not sent to a machine */
    world_free(w);
}

static void test_who_has_a_sub_task_is_told(void **state)
{
    (void)state;
    struct world *w = world_new(24);
    Kesu__V1__TaskOpened opened = KESU__V1__TASK_OPENED__INIT;
    world_start(w);
    uint64_t case_id = journal_case(w, "robot@customer.example", EN, true);
    opened.task = 1;
    opened.owner = "lead";
    journal(w, case_id, KESU__V1__EVENT__BODY_TASK_OPENED, &opened);
    fake_intake_block(&w->intake);
    sim_run(w->sim, 10 * USEC_PER_SEC);
    const struct sim_mail *m = mail(w, 0, 1);
    assert_string_equal(m->to, "lead@kesu.example");
    world_free(w);
}

static void test_a_lesson_is_told_to_the_unit_that_is_responsible(void **state)
{
    (void)state;
    struct world *w = world_new(26);
    Kesu__V1__CaseClosed closed = KESU__V1__CASE_CLOSED__INIT;
    world_start(w);
    uint64_t without = journal_case(w, "robot@customer.example", EN, true);
    uint64_t with = journal_case(w, "robot@customer.example", EN, true);
    closed.cause = "method";
    closed.agent = "ann";
    closed.unit = "transport";
    journal(w, without, KESU__V1__EVENT__BODY_CASE_CLOSED, &closed);
    closed.lesson = "wrap cups twice";
    journal(w, with, KESU__V1__EVENT__BODY_CASE_CLOSED, &closed);
    fake_intake_block(&w->intake);
    sim_run(w->sim, 10 * USEC_PER_SEC);
    const struct sim_mail *m = mail(w, 0, 1); /* and no other */
    assert_string_equal(m->to, "boss@kesu.example");
    world_free(w);
}

static void test_the_end_asks_only_who_wants_to_be_asked(void **state)
{
    (void)state;
    struct world *w = world_new(27);
    Kesu__V1__CaseClosed closed = KESU__V1__CASE_CLOSED__INIT;
    world_start(w);
    uint64_t asked = journal_case(w, "lin@customer.example", EN, false);
    uint64_t not_asked = journal_case(w, "wang@customer.example", EN, false);
    sim_run(w->sim, 2 * USEC_PER_SEC);
    closed.cause = "method";
    journal(w, asked, KESU__V1__EVENT__BODY_CASE_CLOSED, &closed);
    closed.no_survey = true;
    journal(w, not_asked, KESU__V1__EVENT__BODY_CASE_CLOSED, &closed);
    fake_intake_block(&w->intake);
    sim_run(w->sim, 10 * USEC_PER_SEC);
    assert_string_equal(mail(w, 2, 4)->to, "lin@customer.example");
    assert_true(says(mail(w, 2, 4), "Subject: How was it?"));
    assert_string_equal(mail(w, 3, 4)->to, "wang@customer.example");
    assert_true(says(mail(w, 3, 4), "Subject: The end"));
    world_free(w);
}

static void test_what_is_final_is_told_as_final(void **state)
{
    (void)state;
    struct world *w = world_new(28);
    Kesu__V1__OpinionSent opinion = KESU__V1__OPINION_SENT__INIT;
    Kesu__V1__AppealAdmitted admitted = KESU__V1__APPEAL_ADMITTED__INIT;
    Kesu__V1__Words words = KESU__V1__WORDS__INIT;
    Kesu__V1__Sealed sealed;
    world_start(w);
    uint64_t case_id = journal_case(w, "lin@customer.example", EN, false);
    struct seal_key key = {.id = case_id, .secret = {(uint8_t)case_id}};
    sim_run(w->sim, 2 * USEC_PER_SEC);
    words.text = "two cups";
    assert_int_equal(seal_message(w->intake.env, &key, &words, &w->arena, &sealed), 0);
    opinion.words = &sealed;
    for (unsigned i = 0; i < 2; i++) {
        opinion.final = i == 1;
        journal(w, case_id, KESU__V1__EVENT__BODY_OPINION_SENT, &opinion);
        fake_intake_block(&w->intake);
        sim_run(w->sim, 10 * USEC_PER_SEC);
        admitted.admitted = i == 0;
        journal(w, case_id, KESU__V1__EVENT__BODY_APPEAL_ADMITTED, &admitted);
        fake_intake_block(&w->intake);
        sim_run(w->sim, 10 * USEC_PER_SEC);
    }
    assert_true(says(mail(w, 1, 4), "Subject: Re 2511-"));
    assert_true(says(mail(w, 2, 4), "Subject: Final"));
    assert_true(says(mail(w, 2, 4), "two cups"));
    assert_true(says(mail(w, 3, 4), "Subject: Too late"));
    world_free(w);
}

static void test_keys_are_asked_for(void **state)
{
    (void)state;
    struct world *w = world_new(9);
    world_start(w);
    struct notification *n = svc_self(w->svc);
    uint64_t case_id = journal_case(w, "lin@customer.example", EN, false);
    seal_ring_add(fold_ring(n->fold), case_id, SPAN_NONE); /* erased */
    sim_run(w->sim, 10 * USEC_PER_SEC);
    mail(w, 0, 0);
    assert_int_equal(w->outcomes[0].outcome, KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_NOT_SENT);
    assert_string_equal(w->outcomes[0].detail, "the person was erased");
    journal_case(w, "wu@customer.example", EN, false); /* not in the ring: WantKeys */
    sim_run(w->sim, 10 * USEC_PER_SEC);
    mail(w, 0, 1);
    world_free(w);
}

static void test_message_id(void **state)
{
    (void)state;
    uint8_t uuid[16] = {1}, other[16] = {2};
    char a[100], b[100];
    notification_message_id(uuid, 7, "receipt", 0, "kesu.example", a, sizeof a);
    notification_message_id(uuid, 7, "receipt", 0, "kesu.example", b, sizeof b);
    assert_string_equal(a, b);
    assert_int_equal(strlen(a), 32 + strlen("@kesu.example"));
    notification_message_id(other, 7, "receipt", 0, "kesu.example", b, sizeof b);
    assert_string_not_equal(a, b);
    notification_message_id(uuid, 8, "receipt", 0, "kesu.example", b, sizeof b);
    assert_string_not_equal(a, b);
    notification_message_id(uuid, 7, "resolved", 0, "kesu.example", b, sizeof b);
    assert_string_not_equal(a, b);
    notification_message_id(uuid, 7, "receipt", 1, "kesu.example", b, sizeof b);
    assert_string_not_equal(a, b);
}

UNIT_MAIN(cmocka_unit_test(test_receipt), cmocka_unit_test(test_breach_to_the_manager),
          cmocka_unit_test(test_no_empty_words), cmocka_unit_test(test_waits_for_the_language),
          cmocka_unit_test(test_tries_again_later), cmocka_unit_test(test_dead_letter),
          cmocka_unit_test(test_dead_letter_sent_again),
          cmocka_unit_test(test_dead_letters_to_the_erased_are_dropped),
          cmocka_unit_test(test_lost_answer_repeats_the_same_mail), cmocka_unit_test(test_crashes),
          cmocka_unit_test(test_rebuild_holds_what_is_old),
          cmocka_unit_test(test_rebuild_tells_nothing_before_the_head),
          cmocka_unit_test(test_archived_case_is_forgotten),
          cmocka_unit_test(test_a_lesson_is_told_to_the_unit_that_is_responsible),
          cmocka_unit_test(test_the_end_asks_only_who_wants_to_be_asked),
          cmocka_unit_test(test_what_is_final_is_told_as_final), cmocka_unit_test(test_keys_are_asked_for),
          cmocka_unit_test(test_a_held_reply_is_mailed_when_it_is_sent),
          cmocka_unit_test(test_an_undone_reply_is_never_mailed),
          cmocka_unit_test(test_who_has_to_complete_a_file_is_told_what_is_missing),
          cmocka_unit_test(test_a_waiting_clock_is_told_to_nobody),
          cmocka_unit_test(test_who_has_a_sub_task_is_told), cmocka_unit_test(test_message_id))
