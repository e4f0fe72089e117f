/* SPDX-License-Identifier: Apache-2.0 */
/* GetStats: cells of the wanted hours added up over what was not asked for. */
#include <stdlib.h>

#include "analytics.h"
#include "clock.h"
#include "err.h"
#include "key.h"
#include "store.h"

#define MAX_GROUPS   8192
#define TOP_ANSWERED 10 /* of each kind */

struct group {
    uint64_t cell, opened;
};

static const char *const part_names[ANALYTICS_N_PARTS] = {"hour", "category", "department", "channel",
                                                          "severity"};

static int mask_of(const Kesu__V1__GetStats *request, uint64_t *ret)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < request->n_by; i++) {
        unsigned part = 0;
        while (part < ANALYTICS_N_PARTS && strcmp(part_names[part], request->by[i]) != 0) part++;
        if (part == ANALYTICS_N_PARTS) return E_RANGE;
        mask |= analytics_cell_mask((enum analytics_part)part);
    }
    *ret = mask;
    return 0;
}

static int compare_groups(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    return x->cell < y->cell ? -1 : x->cell > y->cell;
}

/* Rows of the same group do not lie side by side: a table finds them. */
static int gather(struct analytics_state *s, struct fold *f, const Kesu__V1__GetStats *request, uint64_t mask,
                  struct group *groups, size_t *ret_n)
{
    struct store_cursor *c;
    struct key from = {.n = 0};
    struct span key, value;
    struct map by_cell;
    uint64_t cell, opened;
    int64_t first = request->from > 0 ? request->from / USEC_PER_HOUR : 0;
    size_t n = 0;
    int rc = fold_cursor(f, ANALYTICS_CELLS, &c);
    if (rc != 0) return rc;
    map_init(&by_cell, &s->env->mem);
    key_u64(&from, analytics_cell_with(0, ANALYTICS_HOUR, (uint64_t)first));
    rc = store_seek(s->env, c, key_span(&from), &key, &value);
    for (; rc == 0; rc = store_step(s->env, c, 1, &key, &value)) {
        if (!key_take_u64(&key, &cell) || !key_take_u64(&value, &opened)) {
            rc = E_CORRUPT;
            break;
        }
        if (request->to != 0 &&
            (int64_t)analytics_cell_part(cell, ANALYTICS_HOUR) * USEC_PER_HOUR >= request->to)
            break;
        struct group *g = map_get(&by_cell, (cell & mask) + 1);
        if (g == NULL && n == MAX_GROUPS) {
            rc = E_TOO_BIG;
            break;
        }
        if (g == NULL) {
            g = &groups[n++];
            *g = (struct group){.cell = cell & mask};
            map_set(&by_cell, (cell & mask) + 1, g);
        }
        g->opened += opened;
    }
    store_cursor_close(s->env, c);
    map_deinit(&by_cell);
    *ret_n = n;
    return rc == E_NOT_FOUND ? 0 : rc;
}

static int fill_counts(struct analytics_state *s, struct fold *f, const Kesu__V1__GetStats *request,
                       uint64_t mask, struct arena *arena, Kesu__V1__Stats *stats)
{
    struct group *groups = arena_alloc(arena, MAX_GROUPS * sizeof *groups);
    size_t n = 0;
    if (groups == NULL) return E_NOMEM;
    int rc = gather(s, f, request, mask, groups, &n);
    if (rc != 0) return rc;
    qsort(groups, n, sizeof *groups, compare_groups);
    stats->counts = arena_alloc(arena, (n + 1) * sizeof(Kesu__V1__Count *));
    Kesu__V1__Count *rows = arena_alloc(arena, (n + 1) * sizeof *rows);
    if (stats->counts == NULL || rows == NULL) return E_NOMEM;
    for (size_t i = 0; i < n; i++) {
        uint64_t cell = groups[i].cell;
        kesu__v1__count__init(&rows[i]);
        rows[i].hour = (int64_t)analytics_cell_part(cell, ANALYTICS_HOUR) * USEC_PER_HOUR;
        rows[i].category = s->cells.names[analytics_cell_part(cell, ANALYTICS_CATEGORY)];
        rows[i].department = s->cells.names[analytics_cell_part(cell, ANALYTICS_DEPARTMENT)];
        rows[i].channel = (Kesu__V1__Channel)analytics_cell_part(cell, ANALYTICS_CHANNEL);
        rows[i].severity = (Kesu__V1__Severity)analytics_cell_part(cell, ANALYTICS_SEVERITY);
        rows[i].opened = groups[i].opened;
        stats->counts[stats->n_counts++] = &rows[i];
    }
    return 0;
}

static Kesu__V1__Distribution *distribution(struct analytics_histogram *h, struct arena *arena)
{
    Kesu__V1__Distribution *d = arena_alloc(arena, sizeof *d);
    if (d == NULL) return NULL;
    kesu__v1__distribution__init(d);
    d->count = h->count;
    d->p50 = analytics_histogram_quantile(h, 50);
    d->p90 = analytics_histogram_quantile(h, 90);
    d->p99 = analytics_histogram_quantile(h, 99);
    d->max = h->max_us;
    d->n_buckets = analytics_histogram_used(h);
    d->buckets = h->buckets;
    return d;
}

static int fill_objects(struct analytics_state *s, struct arena *arena, Kesu__V1__Stats *stats)
{
    const size_t room = (size_t)ANALYTICS_N_KINDS * TOP_ANSWERED;
    Kesu__V1__TopObject *rows = arena_alloc(arena, room * sizeof *rows);
    stats->top_objects = arena_alloc(arena, room * sizeof(Kesu__V1__TopObject *));
    if (rows == NULL || stats->top_objects == NULL) return E_NOMEM;
    for (unsigned kind = 0; kind < ANALYTICS_N_KINDS; kind++)
        for (unsigned i = 0; i < s->objects.n_top[kind] && i < TOP_ANSWERED; i++) {
            struct analytics_object *one = &s->objects.top[kind][i];
            Kesu__V1__TopObject *row = &rows[stats->n_top_objects];
            kesu__v1__top_object__init(row);
            row->kind = (char *)(uintptr_t)analytics_kind_names[kind];
            row->value = one->value;
            row->count = one->count;
            row->customers = one->customers;
            stats->top_objects[stats->n_top_objects++] = row;
        }
    return 0;
}

static int fill_rates(struct analytics_state *s, int64_t now_us, struct arena *arena, Kesu__V1__Stats *stats)
{
    Kesu__V1__Rate *rows = arena_alloc(arena, ANALYTICS_N_RATES * sizeof *rows);
    stats->rates = arena_alloc(arena, ANALYTICS_N_RATES * sizeof(Kesu__V1__Rate *));
    if (rows == NULL || stats->rates == NULL) return E_NOMEM;
    for (unsigned i = 0; i < ANALYTICS_N_RATES; i++) {
        kesu__v1__rate__init(&rows[i]);
        rows[i].what = (char *)(uintptr_t)analytics_rate_names[i];
        rows[i].per_second = analytics_totals_per_second(&s->totals, (enum analytics_rate)i, now_us);
        stats->rates[stats->n_rates++] = &rows[i];
    }
    return 0;
}

static void fill_totals(const uint64_t totals[ANALYTICS_N_TOTALS], Kesu__V1__Stats *stats)
{
    stats->opened = totals[ANALYTICS_T_OPENED];
    stats->classified = totals[ANALYTICS_T_CLASSIFIED];
    stats->assigned = totals[ANALYTICS_T_ASSIGNED];
    stats->resolved = totals[ANALYTICS_T_RESOLVED];
    stats->closed = totals[ANALYTICS_T_CLOSED];
    stats->breached = totals[ANALYTICS_T_BREACHED];
    stats->delivered = totals[ANALYTICS_T_DELIVERED];
    stats->fallback = totals[ANALYTICS_T_FALLBACK];
    stats->joined = totals[ANALYTICS_T_JOINED];
}

int analytics_answer(struct analytics_state *s, struct fold *f, int64_t now_us,
                     const Kesu__V1__GetStats *request, struct arena *arena, Kesu__V1__Stats **ret,
                     const char **ret_field, const char **ret_reason)
{
    uint64_t mask;
    *ret_field = "get_stats";
    *ret_reason = "the counters cannot be read now";
    if (mask_of(request, &mask) != 0) {
        *ret_field = "get_stats.by";
        *ret_reason = "allowed: hour, category, department, channel, severity";
        return E_RANGE;
    }
    Kesu__V1__Stats *stats = arena_alloc(arena, sizeof *stats);
    if (stats == NULL) return E_NOMEM;
    kesu__v1__stats__init(stats);
    stats->folded_seq = fold_cursor_seq(f);
    fill_totals(s->totals.totals, stats);
    int rc = analytics_state_write(s, f); /* so that the rows are all there is */
    if (rc == 0) rc = fill_counts(s, f, request, mask, arena, stats);
    if (rc == E_TOO_BIG) *ret_reason = "too many counts: ask for fewer hours, or by less";
    if (rc == 0) rc = fill_objects(s, arena, stats);
    if (rc == 0) rc = fill_rates(s, now_us, arena, stats);
    if (rc == 0) rc = analytics_outcomes_fill(&s->outcomes, arena, stats);
    if (rc == 0) rc = analytics_groups_fill(&s->groups, f, s->env, now_us, arena, stats);
    stats->route = distribution(&s->totals.route, arena);
    stats->close = distribution(&s->totals.close, arena);
    if (rc == 0 && (stats->route == NULL || stats->close == NULL)) rc = E_NOMEM;
    if (rc == 0) *ret = stats;
    return rc;
}
