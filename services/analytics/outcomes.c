/* SPDX-License-Identifier: Apache-2.0 */
#include "outcomes.h"

#include "analytics.h"
#include "err.h"
#include "key.h"

static void add(struct analytics_outcomes *o, enum analytics_outcome what, uint64_t n)
{
    o->counts[what] += n;
    o->changed = true;
}

static void pay(struct analytics_outcomes *o, const Kesu__V1__Money *m)
{
    if (m == NULL || strlen(m->currency) != 3) return;
    for (unsigned i = 0; i < ANALYTICS_CURRENCIES; i++) {
        struct analytics_paid *p = &o->paid[i];
        if (p->currency[0] == '\0') memcpy(p->currency, m->currency, sizeof(p->currency));
        if (strcmp(p->currency, m->currency) != 0) continue;
        (void)__builtin_add_overflow(p->e4, m->e4, &p->e4);
        o->changed = true;
        return;
    }
}

void analytics_outcomes_count(struct analytics_outcomes *o, const Kesu__V1__Event *e)
{
    switch (e->body_case) {
    case KESU__V1__EVENT__BODY_APPEAL_FILED:
        add(o, ANALYTICS_O_APPEALS, 1);
        break;
    case KESU__V1__EVENT__BODY_ANSWER_RECORDED:
        if (e->answer_recorded->answer == KESU__V1__ANSWER__ANSWER_OBJECTED && !e->answer_recorded->final)
            add(o, ANALYTICS_O_APPEALS, 1);
        break;
    case KESU__V1__EVENT__BODY_APPEAL_DECIDED:
        if (e->appeal_decided->outcome != KESU__V1__APPEAL_OUTCOME__APPEAL_OUTCOME_DISMISSED)
            add(o, ANALYTICS_O_UPHELD, 1);
        break;
    case KESU__V1__EVENT__BODY_STEP_COMPLETED:
        if (e->step_completed->payment != NULL) pay(o, e->step_completed->payment->amount);
        break;
    case KESU__V1__EVENT__BODY_FEEDBACK_RECORDED:
        add(o, ANALYTICS_O_FEEDBACKS, 1);
        add(o, ANALYTICS_O_CSAT, e->feedback_recorded->csat);
        break;
    case KESU__V1__EVENT__BODY_CASE_REOPENED:
        add(o, ANALYTICS_O_REOPENED, 1);
        break;
    case KESU__V1__EVENT__BODY_CASE_WITHDRAWN:
        add(o, ANALYTICS_O_WITHDRAWN, 1);
        break;
    default:
        break;
    }
}

#define NAME      SPAN_LIT("outcomes")
#define ROW_BYTES (8 * ANALYTICS_N_OUTCOMES + 12 * ANALYTICS_CURRENCIES)

int analytics_outcomes_load(struct analytics_outcomes *o, struct fold *f)
{
    struct span row;
    int rc = fold_get(f, ANALYTICS_TOTALS, NAME, &row);
    if (rc != 0) return rc == E_NOT_FOUND ? 0 : rc;
    if (row.n != ROW_BYTES) return E_CORRUPT;
    for (unsigned i = 0; i < ANALYTICS_N_OUTCOMES; i++)
        if (!key_take_u64(&row, &o->counts[i])) return E_CORRUPT;
    for (unsigned i = 0; i < ANALYTICS_CURRENCIES; i++) {
        uint64_t e4 = 0;
        memcpy(o->paid[i].currency, row.p, 3);
        row = span_of(row.p + 4, row.n - 4);
        if (!key_take_u64(&row, &e4)) return E_CORRUPT;
        o->paid[i].e4 = (int64_t)e4;
    }
    return 0;
}

static uint8_t *put(uint8_t *to, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++) *to++ = (uint8_t)(v >> (56 - 8 * i));
    return to;
}

void analytics_outcomes_write(struct analytics_outcomes *o, struct fold *f)
{
    uint8_t row[ROW_BYTES], *p = row;
    if (!o->changed) return;
    for (unsigned i = 0; i < ANALYTICS_N_OUTCOMES; i++) p = put(p, o->counts[i]);
    for (unsigned i = 0; i < ANALYTICS_CURRENCIES; i++) {
        memcpy(p, o->paid[i].currency, 4);
        p = put(p + 4, (uint64_t)o->paid[i].e4);
    }
    fold_put(f, ANALYTICS_TOTALS, NAME, span_of(row, sizeof(row)));
    o->changed = false;
}

int analytics_outcomes_fill(struct analytics_outcomes *o, struct arena *arena, Kesu__V1__Stats *stats)
{
    Kesu__V1__Money *rows = arena_alloc(arena, sizeof(*rows) * ANALYTICS_CURRENCIES);
    stats->paid = arena_alloc(arena, sizeof(*stats->paid) * ANALYTICS_CURRENCIES);
    if (rows == NULL || stats->paid == NULL) return E_NOMEM;
    for (unsigned i = 0; i < ANALYTICS_CURRENCIES && o->paid[i].currency[0] != '\0'; i++) {
        kesu__v1__money__init(&rows[i]);
        rows[i].currency = o->paid[i].currency;
        rows[i].e4 = o->paid[i].e4;
        stats->paid[stats->n_paid++] = &rows[i];
    }
    stats->appeals = o->counts[ANALYTICS_O_APPEALS];
    stats->upheld = o->counts[ANALYTICS_O_UPHELD];
    stats->reopened = o->counts[ANALYTICS_O_REOPENED];
    stats->withdrawn = o->counts[ANALYTICS_O_WITHDRAWN];
    stats->feedbacks = o->counts[ANALYTICS_O_FEEDBACKS];
    stats->csat_sum = o->counts[ANALYTICS_O_CSAT];
    return 0;
}
