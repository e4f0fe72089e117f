/* SPDX-License-Identifier: Apache-2.0 */
/* A case's row holds whether it is another work than a case, and its clocks one behind the other: name with
 * NUL, seq, times, count of levels, their times, what has fired. */
#include "rows.h"

#include <endian.h>

#include "check.h"
#include "err.h"

const char *const sla_tables[SLA_N_TABLES] = {"cases", "dues", "meta"};

#define CLOCK_MAX_BYTES (SLA_MAX_NAME + 4 * 8 + 1 + DUE_MAX_LEVELS * 8 + 3)

bool sla_clock_next(const struct sla_clock *c, struct sla_step *ret)
{
    if (!c->warned && !c->breached && c->warn_at != 0) {
        *ret = (struct sla_step){KESU__V1__FIRE_CLOCK__STEP__STEP_WARN, 0, c->warn_at};
    } else if (!c->breached) {
        *ret = (struct sla_step){KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH, 0, c->due_at};
    } else if (c->escalated < c->n_levels) {
        *ret = (struct sla_step){KESU__V1__FIRE_CLOCK__STEP__STEP_ESCALATE, c->escalated + 1,
                                 c->escalate_at[c->escalated]};
    } else {
        return false;
    }
    return true;
}

const char *sla_step_name(Kesu__V1__FireClock__Step step)
{
    return step == KESU__V1__FIRE_CLOCK__STEP__STEP_WARN     ? "warn"
           : step == KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH ? "breach"
                                                             : "escalate";
}

bool sla_name(char to[SLA_MAX_NAME], const char *name)
{
    size_t n = strlen(name) + 1;
    if (n > SLA_MAX_NAME) return false;
    memcpy(to, name, n);
    return true;
}

/* ---- cases ------------------------------------------------------------------ */

static uint8_t *put_u64(uint8_t *p, uint64_t v)
{
    v = htobe64(v);
    memcpy(p, &v, sizeof(v));
    return p + sizeof(v);
}

static uint8_t *pack_clock(uint8_t *p, const struct sla_clock *c)
{
    size_t n = strlen(c->name) + 1;
    memcpy(p, c->name, n);
    p = put_u64(p + n, c->set_seq);
    p = put_u64(p, (uint64_t)c->started_at);
    p = put_u64(p, (uint64_t)c->warn_at);
    p = put_u64(p, (uint64_t)c->due_at);
    *p++ = (uint8_t)c->n_levels;
    for (unsigned i = 0; i < c->n_levels; i++) p = put_u64(p, (uint64_t)c->escalate_at[i]);
    *p++ = c->warned;
    *p++ = c->breached;
    *p++ = (uint8_t)c->escalated;
    return p;
}

static bool take_time(struct span *v, int64_t *ret)
{
    uint64_t u;
    if (!key_take_u64(v, &u)) return false;
    *ret = (int64_t)u;
    return true;
}

static bool take_clock(struct span *v, struct sla_clock *c)
{
    const char *name;
    uint8_t n_levels, warned, breached, escalated;
    if (!key_take_text(v, &name) || !sla_name(c->name, name)) return false;
    if (!key_take_u64(v, &c->set_seq) || !take_time(v, &c->started_at) || !take_time(v, &c->warn_at) ||
        !take_time(v, &c->due_at) || !key_take_u8(v, &n_levels) || n_levels > DUE_MAX_LEVELS)
        return false;
    for (unsigned i = 0; i < n_levels; i++)
        if (!take_time(v, &c->escalate_at[i])) return false;
    if (!key_take_u8(v, &warned) || !key_take_u8(v, &breached) || !key_take_u8(v, &escalated)) return false;
    c->n_levels = n_levels;
    c->warned = warned != 0;
    c->breached = breached != 0;
    c->escalated = escalated;
    return true;
}

int sla_rows_get(struct fold *f, uint64_t case_id, struct sla_case *ret)
{
    struct key k = {0};
    struct span v;
    ret->case_id = case_id;
    ret->n = 0;
    ret->of_work = false;
    key_u64(&k, case_id);
    int r = fold_get(f, SLA_CASES, key_span(&k), &v);
    if (r == E_NOT_FOUND) return 0;
    if (r < 0) return r;
    uint8_t of_work;
    if (!key_take_u8(&v, &of_work)) return E_CORRUPT;
    ret->of_work = of_work != 0;
    while (v.n > 0) {
        struct sla_clock *c = &ret->clocks[ret->n];
        if (ret->n == SLA_MAX_CLOCKS || !take_clock(&v, c)) return E_CORRUPT;
        c->case_id = case_id;
        c->of_work = ret->of_work;
        ret->n++;
    }
    return 0;
}

void sla_rows_put(struct fold *f, const struct sla_case *c)
{
    uint8_t row[1 + SLA_MAX_CLOCKS * CLOCK_MAX_BYTES], *p = row;
    struct key k = {0};
    key_u64(&k, c->case_id);
    if (c->n == 0) {
        fold_del(f, SLA_CASES, key_span(&k));
        return;
    }
    *p++ = c->of_work;
    for (unsigned i = 0; i < c->n; i++) p = pack_clock(p, &c->clocks[i]);
    fold_put(f, SLA_CASES, key_span(&k), span_of(row, (size_t)(p - row)));
}

struct sla_clock *sla_rows_find(struct sla_case *c, const char *name)
{
    for (unsigned i = 0; i < c->n; i++)
        if (strcmp(c->clocks[i].name, name) == 0) return &c->clocks[i];
    return NULL;
}

/* ---- dues ------------------------------------------------------------------- */

void sla_due_key(const struct sla_due *due, struct key *ret)
{
    ret->n = 0;
    key_i64(ret, due->at);
    key_u64(ret, due->case_id);
    key_text(ret, due->name);
}

int sla_due_of_key(struct span key, struct sla_due *ret)
{
    const char *name;
    if (!key_take_i64(&key, &ret->at) || !key_take_u64(&key, &ret->case_id) || !key_take_text(&key, &name) ||
        !sla_name(ret->name, name))
        return E_CORRUPT;
    return 0;
}

void sla_due_of(const struct sla_clock *c, const struct sla_step *step, struct sla_due *ret)
{
    ret->at = step->at;
    ret->case_id = c->case_id;
    (void)sla_name(ret->name, c->name);
}
