/* SPDX-License-Identifier: Apache-2.0 */
/* What analytics answers equals a recount of the journal, whatever happened
 * to it on the way. */
#include <stdio.h>
#include <stdlib.h>

#include "../../services/analytics/analytics.h"
#include "clock.h"
#include "err.h"
#include "fake_intake.h"
#include "unit.h"

#define WALL       (INT64_C(1764000000) * USEC_PER_SEC)
#define MAX_EVENTS 4096
#define N_PRODUCTS 30
#define N_PEOPLE   40

struct told { /* an event, as the recount needs it */
    Kesu__V1__Event__BodyCase body;
    uint64_t case_id;
    int64_t time_us, received_us;
    int channel, category, department, severity;
    bool counts; /* fallback, breach, delivered */
    int product;
    uint64_t customer;
};

struct office {
    struct sim *sim;
    struct fake_intake intake;
    struct sim_instance *instance;
    struct analytics_state state;
    struct fold *fold;
    struct env *env;
    struct told told[MAX_EVENTS];
    unsigned n_told;
    uint64_t open[MAX_EVENTS];
    unsigned n_open;
    unsigned means[N_PEOPLE]; /* merged into; 0: nobody */
};

static char *const categories[] = {"damage.wet", "delay.delivery", "other"};
static char *const departments[] = {"logistics", "finance"};

/* ---- telling a story ---------------------------------------------------------- */

static struct told *tell(struct office *o, Kesu__V1__Event *event, uint64_t case_id)
{
    struct told *t = &o->told[o->n_told++];
    assert_true(o->n_told <= MAX_EVENTS);
    t->body = event->body_case;
    t->time_us = o->intake.time_us;
    t->case_id = case_id;
    fake_intake_event(&o->intake, case_id, event);
    return t;
}

static void tell_opened(struct office *o)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__CaseOpened body = KESU__V1__CASE_OPENED__INIT;
    Kesu__V1__Object object = KESU__V1__OBJECT__INIT;
    char product[32], waybill[32];
    int which = (int)sim_random(o->sim, N_PRODUCTS);
    which = which * which / N_PRODUCTS;
    uint64_t case_id = o->intake.seq + 1;
    snprintf(product, sizeof product, "product %d", which);
    snprintf(waybill, sizeof waybill, "W%u", (unsigned)case_id);
    object.product = product;
    object.waybill = waybill;
    body.object = &object;
    body.channel = (Kesu__V1__Channel)(1 + sim_random(o->sim, 4));
    body.customer_id = sim_random(o->sim, N_PEOPLE); /* 0: anonymous */
    body.received_at = o->intake.time_us - (int64_t)sim_random(o->sim, 3600) * USEC_PER_SEC;
    e.body_case = KESU__V1__EVENT__BODY_CASE_OPENED;
    e.case_opened = &body;
    struct told *t = tell(o, &e, case_id);
    t->received_us = body.received_at;
    t->channel = (int)body.channel;
    t->product = which;
    t->customer = body.customer_id;
    o->open[o->n_open++] = case_id;
}

static void tell_classified(struct office *o, uint64_t case_id)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__CaseClassified body = KESU__V1__CASE_CLASSIFIED__INIT;
    Kesu__V1__Judgement judgement = KESU__V1__JUDGEMENT__INIT;
    int category = (int)sim_random(o->sim, 3), department = (int)sim_random(o->sim, 2);
    judgement.category = categories[category];
    judgement.department = departments[department];
    judgement.severity = (Kesu__V1__Severity)(1 + sim_random(o->sim, 4));
    body.judgement = &judgement;
    body.fallback = sim_random(o->sim, 5) == 0;
    e.body_case = KESU__V1__EVENT__BODY_CASE_CLASSIFIED;
    e.case_classified = &body;
    struct told *t = tell(o, &e, case_id);
    t->category = category;
    t->department = department;
    t->severity = (int)judgement.severity;
    t->counts = body.fallback;
}

static void tell_other(struct office *o, uint64_t case_id)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__MessageAdded message = KESU__V1__MESSAGE_ADDED__INIT;
    Kesu__V1__CaseAssigned assigned = KESU__V1__CASE_ASSIGNED__INIT;
    Kesu__V1__CaseResolved resolved = KESU__V1__CASE_RESOLVED__INIT;
    Kesu__V1__ClockFired fired = KESU__V1__CLOCK_FIRED__INIT;
    Kesu__V1__DeliveryRecorded delivery = KESU__V1__DELIVERY_RECORDED__INIT;
    bool counts = sim_random(o->sim, 2) == 0;
    fired.step = counts ? KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH : KESU__V1__FIRE_CLOCK__STEP__STEP_WARN;
    delivery.outcome = counts ? KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DELIVERED
                              : KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_GIVEN_UP;
    switch (sim_random(o->sim, 5)) {
    case 0:
        e.body_case = KESU__V1__EVENT__BODY_MESSAGE_ADDED, e.message_added = &message;
        break;
    case 1:
        e.body_case = KESU__V1__EVENT__BODY_CASE_ASSIGNED, e.case_assigned = &assigned;
        break;
    case 2:
        e.body_case = KESU__V1__EVENT__BODY_CASE_RESOLVED, e.case_resolved = &resolved;
        break;
    case 3:
        e.body_case = KESU__V1__EVENT__BODY_CLOCK_FIRED, e.clock_fired = &fired;
        break;
    default:
        e.body_case = KESU__V1__EVENT__BODY_DELIVERY_RECORDED, e.delivery_recorded = &delivery;
    }
    tell(o, &e, case_id)->counts = counts;
}

static void tell_closed(struct office *o, unsigned i)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__CaseClosed body = KESU__V1__CASE_CLOSED__INIT;
    e.body_case = KESU__V1__EVENT__BODY_CASE_CLOSED;
    e.case_closed = &body;
    tell(o, &e, o->open[i]);
    o->open[i] = o->open[--o->n_open];
}

static unsigned person(const struct office *o, unsigned id)
{
    while (o->means[id] != 0) id = o->means[id];
    return id;
}

static unsigned n_identities(const struct office *o, unsigned of)
{
    unsigned n = 0;
    for (unsigned id = 1; id < N_PEOPLE; id++) n += person(o, id) == of;
    return n;
}

/* Two people become one, or the last such mistake of somebody is undone. */
static void tell_tie(struct office *o)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    Kesu__V1__CustomersMerged merged = KESU__V1__CUSTOMERS_MERGED__INIT;
    Kesu__V1__CustomersUnmerged unmerged = KESU__V1__CUSTOMERS_UNMERGED__INIT;
    unsigned other = 1 + (unsigned)sim_random(o->sim, N_PEOPLE - 1);
    unsigned one = person(o, 1 + (unsigned)sim_random(o->sim, N_PEOPLE - 1));
    if (o->means[other] != 0) {
        unmerged.customer_id = o->means[other];
        unmerged.other_id = other;
        e.body_case = KESU__V1__EVENT__BODY_CUSTOMERS_UNMERGED;
        e.customers_unmerged = &unmerged;
        o->means[other] = 0;
    } else if (one != other && n_identities(o, one) + n_identities(o, other) <= IDENTITIES_MAX) {
        merged.customer_id = one;
        merged.other_id = other;
        e.body_case = KESU__V1__EVENT__BODY_CUSTOMERS_MERGED;
        e.customers_merged = &merged;
        o->means[other] = one;
    } else {
        return;
    }
    tell(o, &e, 0);
}

static void tell_block(struct office *o)
{
    o->intake.time_us += (int64_t)sim_random(o->sim, 300) * USEC_PER_SEC;
    for (uint64_t n = 1 + sim_random(o->sim, 12); n > 0; n--) {
        unsigned i = o->n_open > 0 ? (unsigned)sim_random(o->sim, o->n_open) : 0;
        uint64_t what = sim_random(o->sim, 10);
        if (sim_random(o->sim, 8) == 0) tell_tie(o);
        if (what < 3 || o->n_open == 0)
            tell_opened(o);
        else if (what < 5)
            tell_classified(o, o->open[i]);
        else if (what < 9)
            tell_other(o, o->open[i]);
        else
            tell_closed(o, i);
    }
    fake_intake_block(&o->intake);
}

/* ---- the recount ---------------------------------------------------------------- */

struct recount {
    uint64_t totals[ANALYTICS_N_TOTALS];
    struct analytics_histogram route, close;
    uint64_t product[N_PRODUCTS], people[N_PRODUCTS];
};

static bool before(const struct office *o, unsigned i, Kesu__V1__Event__BodyCase body)
{
    for (unsigned k = 0; k < i; k++)
        if (o->told[k].case_id == o->told[i].case_id && o->told[k].body == body) return true;
    return false;
}

static const struct told *opening(const struct office *o, uint64_t case_id)
{
    for (unsigned k = 0; k < o->n_told; k++)
        if (o->told[k].case_id == case_id && o->told[k].body == KESU__V1__EVENT__BODY_CASE_OPENED)
            return &o->told[k];
    return NULL;
}

static bool fell_back_before(const struct office *o, unsigned i)
{
    for (unsigned k = 0; k < i; k++)
        if (o->told[k].case_id == o->told[i].case_id && o->told[k].body == o->told[i].body &&
            o->told[k].counts)
            return true;
    return false;
}

static void recount_object(const struct office *o, struct recount *r)
{
    static bool seen[N_PRODUCTS][N_PEOPLE];
    memset(seen, 0, sizeof seen);
    for (unsigned i = 0; i < o->n_told; i++) {
        const struct told *t = &o->told[i];
        if (t->body != KESU__V1__EVENT__BODY_CASE_OPENED) continue;
        r->product[t->product]++;
        unsigned who = person(o, (unsigned)t->customer);
        r->people[t->product] += who == 0 || !seen[t->product][who];
        seen[t->product][who] = true;
    }
}

static void recount(const struct office *o, struct recount *r)
{
    memset(r, 0, sizeof *r);
    recount_object(o, r);
    for (unsigned i = 0; i < o->n_told; i++) {
        const struct told *t = &o->told[i];
        switch (t->body) {
        case KESU__V1__EVENT__BODY_CASE_OPENED:
            r->totals[ANALYTICS_T_OPENED]++;
            break;
        case KESU__V1__EVENT__BODY_MESSAGE_ADDED:
            r->totals[ANALYTICS_T_JOINED]++;
            break;
        case KESU__V1__EVENT__BODY_CASE_CLASSIFIED:
            r->totals[ANALYTICS_T_CLASSIFIED] += !before(o, i, t->body);
            r->totals[ANALYTICS_T_FALLBACK] += t->counts && !fell_back_before(o, i);
            break;
        case KESU__V1__EVENT__BODY_CASE_ASSIGNED:
            if (before(o, i, t->body)) break;
            r->totals[ANALYTICS_T_ASSIGNED]++;
            analytics_histogram_add(&r->route, t->time_us - opening(o, t->case_id)->received_us);
            break;
        case KESU__V1__EVENT__BODY_CASE_RESOLVED:
            r->totals[ANALYTICS_T_RESOLVED] += !before(o, i, t->body);
            break;
        case KESU__V1__EVENT__BODY_CASE_CLOSED:
            r->totals[ANALYTICS_T_CLOSED]++;
            analytics_histogram_add(&r->close, t->time_us - opening(o, t->case_id)->received_us);
            break;
        case KESU__V1__EVENT__BODY_CLOCK_FIRED:
            r->totals[ANALYTICS_T_BREACHED] += t->counts;
            break;
        default:
            r->totals[ANALYTICS_T_DELIVERED] += t->counts;
        }
    }
}

/* Cases opened that a count of the answer is about. */
static uint64_t recount_cell(const struct office *o, const Kesu__V1__Count *c)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < o->n_told; i++) {
        const struct told *t = &o->told[i], *judged = NULL;
        if (t->body != KESU__V1__EVENT__BODY_CASE_OPENED) continue;
        for (unsigned k = 0; k < o->n_told; k++)
            if (o->told[k].case_id == t->case_id && o->told[k].body == KESU__V1__EVENT__BODY_CASE_CLASSIFIED)
                judged = &o->told[k];
        n += (int)c->channel == t->channel && c->hour == t->time_us / USEC_PER_HOUR * USEC_PER_HOUR &&
             strcmp(c->category, judged != NULL ? categories[judged->category] : "") == 0 &&
             strcmp(c->department, judged != NULL ? departments[judged->department] : "") == 0 &&
             (int)c->severity == (judged != NULL ? judged->severity : 0);
    }
    return n;
}

/* ---- comparing ------------------------------------------------------------------ */

static Kesu__V1__Stats *ask(struct office *o, struct arena *arena, char **by, size_t n_by, int64_t from,
                            int64_t to)
{
    Kesu__V1__GetStats request = KESU__V1__GET_STATS__INIT;
    Kesu__V1__Stats *stats = NULL;
    const char *field, *reason;
    request.by = by;
    request.n_by = n_by;
    request.from = from;
    request.to = to;
    assert_int_equal(
        analytics_answer(&o->state, o->fold, o->intake.time_us, &request, arena, &stats, &field, &reason), 0);
    return stats;
}

static void compare_distribution(const Kesu__V1__Distribution *d, const struct analytics_histogram *h)
{
    assert_int_equal(d->count, h->count);
    assert_int_equal(d->max, h->max_us);
    assert_int_equal(d->n_buckets, analytics_histogram_used(h));
    for (size_t i = 0; i < d->n_buckets; i++) assert_int_equal(d->buckets[i], h->buckets[i]);
}

static void compare_objects(const Kesu__V1__Stats *stats, const struct recount *r)
{
    unsigned products = 0;
    uint64_t last = UINT64_MAX;
    for (size_t i = 0; i < stats->n_top_objects; i++) {
        const Kesu__V1__TopObject *t = stats->top_objects[i];
        if (strcmp(t->kind, "product") != 0) continue;
        unsigned which = (unsigned)atoi(t->value + strlen("product "));
        assert_int_equal(t->count, r->product[which]);
        assert_int_equal(t->customers, r->people[which]);
        assert_true(t->count <= last);
        last = t->count;
        products++;
    }
    assert_int_equal(products, 10);
    unsigned above = 0;
    for (unsigned i = 0; i < N_PRODUCTS; i++) above += r->product[i] > last;
    assert_true(above < 10); /* nobody more frequent was left out */
}

static void compare(struct office *o)
{
    char *all[] = {"hour", "category", "department", "channel", "severity"};
    static struct recount r;
    struct arena arena;
    uint64_t sum = 0;
    arena_init(&arena, &mem_libc, (size_t)16 << 20);
    recount(o, &r);
    Kesu__V1__Stats *stats = ask(o, &arena, all, 5, 0, 0);
    assert_int_equal(stats->folded_seq, o->n_told);
    for (size_t i = 0; i < stats->n_counts; i++) {
        assert_int_equal(stats->counts[i]->opened, recount_cell(o, stats->counts[i]));
        sum += stats->counts[i]->opened;
    }
    assert_int_equal(sum, r.totals[ANALYTICS_T_OPENED]);
    assert_memory_equal(o->state.totals.totals, r.totals, sizeof r.totals);
    compare_distribution(stats->route, &r.route);
    compare_distribution(stats->close, &r.close);
    compare_objects(stats, &r);
    int64_t middle = (WALL + o->intake.time_us) / 2 / USEC_PER_HOUR * USEC_PER_HOUR;
    uint64_t early = ask(o, &arena, NULL, 0, 0, middle)->counts[0]->opened;
    uint64_t late = ask(o, &arena, NULL, 0, middle, 0)->counts[0]->opened;
    assert_true(early > 0 && late > 0);
    assert_int_equal(early + late, sum);
    arena_deinit(&arena);
}

/* ---- tests ------------------------------------------------------------------------ */

static void on_boot(void *self, struct env *env)
{
    struct office *o = self;
    o->env = env;
    o->fold = NULL;
    analytics_state_init(&o->state, env);
    struct fold_opts opts = {.data_dir = "data", .feed_endpoint = FAKE_FEED};
    assert_int_equal(fold_open(env, &analytics_fold, &opts, &o->state, &o->fold), 0);
}

static struct office *open_office(uint64_t seed)
{
    struct office *o = calloc(1, sizeof *o);
    o->sim = sim_new(seed, WALL);
    fake_intake_init(&o->intake, o->sim);
    o->intake.time_us = WALL;
    o->instance = sim_instance_new(o->sim, "analytics", on_boot, o);
    return o;
}

static void close_office(struct office *o)
{
    fold_close(o->fold);
    analytics_state_deinit(&o->state);
    fake_intake_deinit(&o->intake);
    sim_free(&o->sim);
    free(o);
}

static void test_equals_a_recount_under_crashes(void **state)
{
    unsigned boots = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct office *o = open_office(seed);
        sim_set_faults(o->sim, &(struct sim_faults){.lose = 10000,
                                                    .duplicate = 10000,
                                                    .reorder = 10000,
                                                    .delay = 10000,
                                                    .crash_step = 2000,
                                                    .crash_before_commit = 30000,
                                                    .crash_after_commit = 30000,
                                                    .disk_full = 20000});
        for (unsigned i = 0; i < 250; i++) {
            tell_block(o);
            sim_run(o->sim, (int64_t)sim_random(o->sim, 400) * USEC_PER_MS);
        }
        sim_set_faults(o->sim, NULL);
        sim_run(o->sim, 120 * USEC_PER_SEC);
        compare(o);
        boots += sim_boots(o->instance);
        close_office(o);
    }
    assert_true(boots > 12 + 24);
}

static void test_a_rebuild_gives_the_same(void **state)
{
    struct office *o = open_office(77);
    (void)state;
    for (unsigned i = 0; i < 200; i++) tell_block(o);
    sim_run(o->sim, 10 * USEC_PER_SEC);
    compare(o);
    fold_close(o->fold);
    analytics_state_deinit(&o->state);
    assert_int_equal(store_remove(o->env, "data/analytics.fold"), 0);
    on_boot(o, o->env);
    sim_run(o->sim, 10 * USEC_PER_SEC);
    compare(o);
    close_office(o);
}

static void tell_life(struct office *o, Kesu__V1__Event__BodyCase type, void *body)
{
    Kesu__V1__Event e = KESU__V1__EVENT__INIT;
    e.body_case = type;
    e.case_opened = body;
    tell(o, &e, 1);
}
#define LIFE(o, type, body) tell_life((o), KESU__V1__EVENT__BODY_##type, (body))

static void check_outcomes(struct office *o)
{
    struct arena arena;
    arena_init(&arena, &mem_libc, (size_t)16 << 20);
    Kesu__V1__Stats *s = ask(o, &arena, NULL, 0, 0, 0);
    assert_int_equal(s->appeals, 2);
    assert_int_equal(s->upheld, 1);
    assert_int_equal(s->reopened, 1);
    assert_int_equal(s->withdrawn, 1);
    assert_int_equal(s->feedbacks, 2);
    assert_int_equal(s->csat_sum, 6);
    assert_int_equal(s->n_paid, 2);
    assert_string_equal(s->paid[0]->currency, "TWD");
    assert_int_equal(s->paid[0]->e4, 24);
    assert_string_equal(s->paid[1]->currency, "USD");
    arena_deinit(&arena);
}

static void test_how_cases_end_is_counted(void **state)
{
    struct office *o = open_office(79);
    Kesu__V1__AppealFiled filed = KESU__V1__APPEAL_FILED__INIT;
    Kesu__V1__AnswerRecorded answer = KESU__V1__ANSWER_RECORDED__INIT;
    Kesu__V1__AppealDecided decided = KESU__V1__APPEAL_DECIDED__INIT;
    Kesu__V1__StepCompleted step = KESU__V1__STEP_COMPLETED__INIT;
    Kesu__V1__PaymentProof payment = KESU__V1__PAYMENT_PROOF__INIT;
    Kesu__V1__Money money = KESU__V1__MONEY__INIT;
    Kesu__V1__FeedbackRecorded feedback = KESU__V1__FEEDBACK_RECORDED__INIT;
    Kesu__V1__CaseReopened reopened = KESU__V1__CASE_REOPENED__INIT;
    Kesu__V1__CaseWithdrawn withdrawn = KESU__V1__CASE_WITHDRAWN__INIT;
    (void)state;
    LIFE(o, APPEAL_FILED, &filed);
    answer.answer = KESU__V1__ANSWER__ANSWER_OBJECTED;
    LIFE(o, ANSWER_RECORDED, &answer);
    answer.final = true; /* no appeal any more */
    LIFE(o, ANSWER_RECORDED, &answer);
    decided.outcome = KESU__V1__APPEAL_OUTCOME__APPEAL_OUTCOME_PARTLY;
    LIFE(o, APPEAL_DECIDED, &decided);
    decided.outcome = KESU__V1__APPEAL_OUTCOME__APPEAL_OUTCOME_DISMISSED;
    LIFE(o, APPEAL_DECIDED, &decided);
    LIFE(o, STEP_COMPLETED, &step);
    step.payment = &payment;
    payment.amount = &money;
    money.currency = "TWD";
    money.e4 = 12;
    LIFE(o, STEP_COMPLETED, &step);
    LIFE(o, STEP_COMPLETED, &step);
    money.currency = "USD";
    LIFE(o, STEP_COMPLETED, &step);
    feedback.csat = 2;
    LIFE(o, FEEDBACK_RECORDED, &feedback);
    feedback.csat = 4;
    LIFE(o, FEEDBACK_RECORDED, &feedback);
    LIFE(o, CASE_REOPENED, &reopened);
    LIFE(o, CASE_WITHDRAWN, &withdrawn);
    tell_opened(o);
    fake_intake_block(&o->intake);
    sim_run(o->sim, 10 * USEC_PER_SEC);
    check_outcomes(o);
    fold_close(o->fold);
    analytics_state_deinit(&o->state);
    on_boot(o, o->env);
    check_outcomes(o); /* before anything comes in again */
    close_office(o);
}

static void test_a_restart_finds_what_was_counted(void **state)
{
    struct office *o = open_office(78);
    (void)state;
    for (unsigned i = 0; i < 100; i++) tell_block(o);
    sim_run(o->sim, 10 * USEC_PER_SEC);
    fold_close(o->fold);
    analytics_state_deinit(&o->state);
    on_boot(o, o->env);
    compare(o); /* before anything comes in again */
    close_office(o);
}

static void test_asking_for_what_there_is_not(void **state)
{
    struct office *o = open_office(79);
    char *by[] = {"colour"};
    Kesu__V1__GetStats request = KESU__V1__GET_STATS__INIT;
    Kesu__V1__Stats *stats;
    const char *field, *reason;
    struct arena arena;
    (void)state;
    arena_init(&arena, &mem_libc, 1 << 20);
    request.by = by;
    request.n_by = 1;
    assert_int_equal(analytics_answer(&o->state, o->fold, WALL, &request, &arena, &stats, &field, &reason),
                     E_RANGE);
    assert_string_equal(field, "get_stats.by");
    arena_deinit(&arena);
    close_office(o);
}

UNIT_MAIN(cmocka_unit_test(test_equals_a_recount_under_crashes),
          cmocka_unit_test(test_a_rebuild_gives_the_same), cmocka_unit_test(test_how_cases_end_is_counted),
          cmocka_unit_test(test_a_restart_finds_what_was_counted),
          cmocka_unit_test(test_asking_for_what_there_is_not))
