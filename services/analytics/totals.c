/* SPDX-License-Identifier: Apache-2.0 */
#include "totals.h"

#include "analytics.h"
#include "clock.h"
#include "err.h"

const char *const analytics_rate_names[ANALYTICS_N_RATES] = {"opened", "assigned", "closed"};

#define RING_ROW      (8 + 4 * ANALYTICS_N_RATES * ANALYTICS_RATE_SECONDS)
#define TOTALS_ROW    (8 * ANALYTICS_N_TOTALS)
#define HISTOGRAM_ROW (8 * (2 + ANALYTICS_BUCKETS))

void analytics_totals_count(struct analytics_totals *t, enum analytics_total what)
{
    t->totals[what]++;
    t->changed = true;
}

static unsigned place(int64_t second)
{
    return (unsigned)(second % ANALYTICS_RATE_SECONDS);
}

void analytics_totals_rate(struct analytics_totals *t, enum analytics_rate what, int64_t time_us)
{
    struct analytics_ring *r = &t->ring;
    int64_t now = time_us / USEC_PER_SEC;
    if (now < r->second) return; /* block time never goes back */
    for (int64_t s = r->second + 1; s <= now && s <= r->second + ANALYTICS_RATE_SECONDS; s++)
        for (unsigned i = 0; i < ANALYTICS_N_RATES; i++) r->counts[i][place(s)] = 0;
    if (now > r->second + ANALYTICS_RATE_SECONDS) memset(r->counts, 0, sizeof r->counts);
    r->second = now;
    r->counts[what][place(now)]++;
    t->changed = true;
}

double analytics_totals_per_second(const struct analytics_totals *t, enum analytics_rate what, int64_t now_us)
{
    const struct analytics_ring *r = &t->ring;
    int64_t now = now_us / USEC_PER_SEC;
    uint64_t n = 0;
    if (now < r->second) now = r->second;
    for (int64_t s = now - ANALYTICS_RATE_SECONDS + 1; s <= r->second; s++)
        if (s > r->second - ANALYTICS_RATE_SECONDS && s >= 0) n += r->counts[what][place(s)];
    return (double)n / ANALYTICS_RATE_SECONDS;
}

void analytics_totals_route(struct analytics_totals *t, int64_t us)
{
    analytics_histogram_add(&t->route, us);
    t->route_changed = true;
}

void analytics_totals_close(struct analytics_totals *t, int64_t us)
{
    analytics_histogram_add(&t->close, us);
    t->close_changed = true;
}

/* ---- rows ------------------------------------------------------------------ */

static uint8_t *pack(uint8_t *to, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++) *to++ = (uint8_t)(v >> (8 * i));
    return to;
}

static uint64_t unpack(const uint8_t **from, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++) v |= (uint64_t) * (*from)++ << (8 * i);
    return v;
}

static int get(struct fold *f, const char *name, size_t n, const uint8_t **ret)
{
    struct span value;
    int rc = fold_get(f, ANALYTICS_TOTALS, span_str(name), &value);
    if (rc == 0 && value.n != n) rc = E_CORRUPT;
    if (rc == 0) *ret = value.p;
    return rc;
}

static int load_histogram(struct fold *f, const char *name, struct analytics_histogram *h)
{
    const uint8_t *p;
    int rc = get(f, name, HISTOGRAM_ROW, &p);
    if (rc != 0) return rc == E_NOT_FOUND ? 0 : rc;
    h->count = unpack(&p, 8);
    h->max_us = (int64_t)unpack(&p, 8);
    for (unsigned i = 0; i < ANALYTICS_BUCKETS; i++) h->buckets[i] = unpack(&p, 8);
    return 0;
}

static void write_histogram(struct fold *f, const char *name, const struct analytics_histogram *h)
{
    uint8_t row[HISTOGRAM_ROW], *p = pack(pack(row, h->count, 8), (uint64_t)h->max_us, 8);
    for (unsigned i = 0; i < ANALYTICS_BUCKETS; i++) p = pack(p, h->buckets[i], 8);
    fold_put(f, ANALYTICS_TOTALS, span_str(name), span_of(row, sizeof row));
}

int analytics_totals_load(struct analytics_totals *t, struct fold *f)
{
    const uint8_t *p;
    int rc = get(f, "totals", TOTALS_ROW, &p);
    for (unsigned i = 0; rc == 0 && i < ANALYTICS_N_TOTALS; i++) t->totals[i] = unpack(&p, 8);
    if (rc == 0) rc = get(f, "ring", RING_ROW, &p);
    if (rc == 0) {
        t->ring.second = (int64_t)unpack(&p, 8);
        for (unsigned i = 0; i < ANALYTICS_N_RATES; i++)
            for (unsigned s = 0; s < ANALYTICS_RATE_SECONDS; s++)
                t->ring.counts[i][s] = (uint32_t)unpack(&p, 4);
    }
    if (rc != 0 && rc != E_NOT_FOUND) return rc;
    rc = load_histogram(f, "route", &t->route);
    return rc != 0 ? rc : load_histogram(f, "close", &t->close);
}

void analytics_totals_write(struct analytics_totals *t, struct fold *f)
{
    if (t->changed) {
        uint8_t row[RING_ROW], *p = row;
        for (unsigned i = 0; i < ANALYTICS_N_TOTALS; i++) p = pack(p, t->totals[i], 8);
        fold_put(f, ANALYTICS_TOTALS, SPAN_LIT("totals"), span_of(row, TOTALS_ROW));
        p = pack(row, (uint64_t)t->ring.second, 8);
        for (unsigned i = 0; i < ANALYTICS_N_RATES; i++)
            for (unsigned s = 0; s < ANALYTICS_RATE_SECONDS; s++) p = pack(p, t->ring.counts[i][s], 4);
        fold_put(f, ANALYTICS_TOTALS, SPAN_LIT("ring"), span_of(row, sizeof row));
    }
    if (t->route_changed) write_histogram(f, "route", &t->route);
    if (t->close_changed) write_histogram(f, "close", &t->close);
    t->changed = t->route_changed = t->close_changed = false;
}
