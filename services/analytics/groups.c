/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

#include "analytics.h"
#include "clock.h"
#include "err.h"
#include "hash.h"
#include "key.h"
#include "store.h"

#define NAME       SPAN_LIT("groups")
#define ENTRY      12 /* customer, hour */
#define ROW_BYTES  (9 + 1 + ANALYTICS_VALUE_MAX + (size_t)ENTRY * (ANALYTICS_GROUP_MAX + 1))
#define ANONYMOUS  (UINT64_C(1) << 63) /* a case that stands for a customer */
#define LIST_BYTES (8 * (ANALYTICS_N_GROUP_COUNTS + ANALYTICS_GROUP_HINTS))

static struct key one_key(uint64_t id)
{
    struct key k = {.n = 0};
    key_u64(&k, id);
    return k;
}

static struct key pair_key(uint64_t a, uint64_t b)
{
    struct key k = one_key(a);
    key_u64(&k, b);
    return k;
}

static uint8_t *put(uint8_t *to, uint64_t v, unsigned n)
{
    for (unsigned i = n; i > 0; i--) *to++ = (uint8_t)(v >> (8 * (i - 1)));
    return to;
}

static void add(struct analytics_groups *g, enum analytics_group_count what, int n)
{
    if (n >= 0)
        g->counts[what] += (uint64_t)n;
    else if (g->counts[what] >= (uint64_t)-n)
        g->counts[what] -= (uint64_t)-n;
    g->changed = true;
}

/* ---- things ------------------------------------------------------------------ */

static struct span value_of(const char *text)
{
    return span_of(text, codec_utf8_prefix(span_str(text), ANALYTICS_VALUE_MAX));
}

/* 0: none. */
static uint64_t thing_of(unsigned kind, const char *text)
{
    if (text[0] == '\0') return 0;
    uint64_t id = hash_fast(value_of(text)) + kind;
    return id != 0 ? id : 1;
}

struct entry {
    uint64_t who;
    uint32_t hour;
};

struct window {
    uint8_t kind;
    uint64_t ever; /* customers; who comes back after the window counts again */
    struct span value;
    struct entry entries[ANALYTICS_GROUP_MAX + 1]; /* oldest first */
    unsigned n;
};

static int get_window(struct fold *f, uint64_t thing, struct window *w)
{
    struct key k = one_key(thing);
    struct span row;
    uint8_t n_value;
    w->n = 0;
    int rc = fold_get(f, ANALYTICS_GROUPS, key_span(&k), &row);
    if (rc != 0) return rc;
    if (!key_take_u8(&row, &w->kind) || !key_take_u64(&row, &w->ever) || !key_take_u8(&row, &n_value) ||
        row.n < n_value || (row.n - n_value) % ENTRY != 0 || (row.n - n_value) / ENTRY > ANALYTICS_GROUP_MAX)
        return E_CORRUPT;
    w->value = span_of(row.p, n_value);
    row = span_of(row.p + n_value, row.n - n_value);
    for (; row.n > 0; w->n++)
        if (!key_take_u64(&row, &w->entries[w->n].who) || !key_take_u32(&row, &w->entries[w->n].hour))
            return E_CORRUPT;
    return 0;
}

static void put_window(struct fold *f, uint64_t thing, const struct window *w)
{
    uint8_t row[ROW_BYTES], *p = row;
    struct key k = one_key(thing);
    *p++ = w->kind;
    p = put(p, w->ever, 8);
    *p++ = (uint8_t)w->value.n;
    if (w->value.n > 0) memcpy(p, w->value.p, w->value.n);
    p += w->value.n;
    for (unsigned i = 0; i < w->n; i++) p = put(put(p, w->entries[i].who, 8), w->entries[i].hour, 4);
    fold_put(f, ANALYTICS_GROUPS, key_span(&k), span_of(row, (size_t)(p - row)));
}

/* Those of the window, this identity the newest. */
static void note(const struct identities *people, struct window *w, uint64_t who, uint32_t hour)
{
    unsigned kept = 0;
    bool known = false;
    uint64_t person = identities_person(people, who);
    for (unsigned i = 0; i < w->n; i++) {
        known = known || identities_person(people, w->entries[i].who) == person;
        if (w->entries[i].who == who || w->entries[i].hour + ANALYTICS_GROUP_HOURS < hour) continue;
        w->entries[kept++] = w->entries[i];
    }
    if (kept == ANALYTICS_GROUP_MAX) {
        kept--;
        memmove(w->entries, w->entries + 1, kept * sizeof(w->entries[0]));
    }
    w->entries[kept++] = (struct entry){who, hour};
    w->n = kept;
    if (!known) w->ever++;
}

/* Different people, from this entry on. */
static unsigned n_people(const struct identities *people, const struct window *w, unsigned from)
{
    uint64_t seen[ANALYTICS_GROUP_MAX + 1];
    unsigned n = 0, k;
    for (unsigned i = from; i < w->n; i++) {
        uint64_t person = identities_person(people, w->entries[i].who);
        for (k = people->map.n > 0 ? 0 : n; k < n && seen[k] != person; k++)
            ;
        if (k == n) seen[n++] = person;
    }
    return n;
}

static bool is_suggested(const struct analytics_groups *g, uint64_t thing)
{
    for (unsigned i = 0; i < g->n_hints; i++)
        if (g->hints[i] == thing) return true;
    return false;
}

/* The newest first; of too many the oldest goes. */
static void suggest(struct analytics_groups *g, uint64_t thing)
{
    unsigned i = 0;
    if (g->n_hints > 0 && g->hints[0] == thing) return;
    while (i < g->n_hints && g->hints[i] != thing) i++;
    if (i == g->n_hints && g->n_hints < ANALYTICS_GROUP_HINTS) g->n_hints++;
    if (i == ANALYTICS_GROUP_HINTS) i--;
    memmove(g->hints + 1, g->hints, i * sizeof(g->hints[0]));
    g->hints[0] = thing;
    g->changed = true;
}

int analytics_groups_opened(struct analytics_groups *g, struct fold *f, struct analytics_case *one,
                            const Kesu__V1__CaseOpened *opened, int64_t time_us)
{
    const Kesu__V1__Object *o = opened->object;
    struct window w;
    one->customer_id = opened->customer_id;
    if (o == NULL) return 0;
    unsigned kind = o->lot[0] != '\0' ? ANALYTICS_K_LOT : ANALYTICS_K_PRODUCT;
    const char *text = o->lot[0] != '\0' ? o->lot : o->product;
    one->thing = thing_of(kind, text);
    if (one->thing == 0) return 0;
    int rc = get_window(f, one->thing, &w);
    if (rc == E_NOT_FOUND) w = (struct window){.kind = (uint8_t)kind};
    if (rc != 0 && rc != E_NOT_FOUND) return rc;
    w.value = value_of(text);
    note(g->people, &w, opened->customer_id != 0 ? opened->customer_id : one->case_id | ANONYMOUS,
         (uint32_t)(time_us / USEC_PER_HOUR));
    put_window(f, one->thing, &w);
    unsigned n = n_people(g->people, &w, 0);
    if (n >= ANALYTICS_GROUP_PEOPLE && (w.ever <= 2 * (uint64_t)n || is_suggested(g, one->thing)))
        suggest(g, one->thing);
    return 0;
}

/* ---- incidents --------------------------------------------------------------- */

struct incident {
    uint64_t members, customers;
    uint8_t closed;
};

static int take_incident(struct span row, struct incident *ret)
{
    if (!key_take_u64(&row, &ret->members) || !key_take_u64(&row, &ret->customers) ||
        !key_take_u8(&row, &ret->closed))
        return E_CORRUPT;
    return 0;
}

/* Members join before the incident is told: whoever is first makes the row. */
static int get_incident(struct analytics_groups *g, struct fold *f, uint64_t id, struct incident *ret)
{
    struct key k = one_key(id);
    struct span row;
    int rc = fold_get(f, ANALYTICS_INCIDENTS, key_span(&k), &row);
    *ret = (struct incident){0};
    if (rc == E_NOT_FOUND && g != NULL) add(g, ANALYTICS_G_INCIDENTS, 1);
    if (rc == E_NOT_FOUND && g != NULL) return 0;
    return rc != 0 ? rc : take_incident(row, ret);
}

static void put_incident(struct fold *f, uint64_t id, const struct incident *i)
{
    struct key k = one_key(id), v = pair_key(i->members, i->customers);
    key_u8(&v, i->closed);
    fold_put(f, ANALYTICS_INCIDENTS, key_span(&k), key_span(&v));
}

static int get_number(struct fold *f, unsigned table, const struct key *k, uint64_t *ret)
{
    struct span row;
    int rc = fold_get(f, table, key_span(k), &row);
    *ret = 0;
    if (rc == E_NOT_FOUND) return 0;
    if (rc == 0 && !key_take_u64(&row, ret)) rc = E_CORRUPT;
    return rc;
}

static void put_number(struct fold *f, unsigned table, const struct key *k, uint64_t n)
{
    struct key v = one_key(n);
    if (n == 0)
        fold_del(f, table, key_span(k));
    else
        fold_put(f, table, key_span(k), key_span(&v));
}

/* Is a case of one of these identities in it? But not of this one. */
static int is_in(struct fold *f, uint64_t id, const uint64_t *identities, unsigned n, uint64_t but, bool *ret)
{
    uint64_t cases = 0;
    int rc = 0;
    for (unsigned i = 0; rc == 0 && cases == 0 && i < n; i++) {
        struct key k = pair_key(identities[i], id);
        if (identities[i] != but) rc = get_number(f, ANALYTICS_INCIDENT_PEOPLE, &k, &cases);
    }
    *ret = cases != 0;
    return rc;
}

/* One more or one less case of this customer: is the person new to it, or gone? */
static int count_person(const struct identities *people, struct fold *f, uint64_t id, uint64_t customer_id,
                        int change, bool *ret)
{
    struct key k = pair_key(customer_id, id);
    uint64_t cases, all[IDENTITIES_MAX];
    bool other;
    *ret = true;
    if (customer_id == 0) return 0;
    unsigned n = identities_of(people, identities_person(people, customer_id), all);
    int rc = get_number(f, ANALYTICS_INCIDENT_PEOPLE, &k, &cases);
    if (rc == 0) rc = is_in(f, id, all, n, customer_id, &other);
    if (rc != 0) return rc;
    if (change < 0 && cases == 0) return E_CORRUPT;
    *ret = !other && (change > 0 ? cases == 0 : cases == 1);
    put_number(f, ANALYTICS_INCIDENT_PEOPLE, &k, change > 0 ? cases + 1 : cases - 1);
    return 0;
}

static int count_member(struct analytics_groups *g, struct fold *f, uint64_t id, uint64_t customer_id,
                        int change)
{
    struct incident i;
    bool person;
    int rc = get_incident(g, f, id, &i);
    if (rc == 0) rc = count_person(g->people, f, id, customer_id, change, &person);
    if (rc != 0) return rc;
    if (change < 0 && (i.members == 0 || (person && i.customers == 0))) return E_CORRUPT;
    i.members = change > 0 ? i.members + 1 : i.members - 1;
    if (person) i.customers = change > 0 ? i.customers + 1 : i.customers - 1;
    put_incident(f, id, &i);
    add(g, ANALYTICS_G_MEMBERS, change);
    if (person) add(g, ANALYTICS_G_CUSTOMERS, change);
    return 0;
}

/* An incident is looked at with the first identity that has cases in it. */
static int tie_incident(struct analytics_groups *g, struct fold *f, const struct analytics_tie *tie,
                        unsigned at, uint64_t id)
{
    struct incident i;
    bool before, one, other = false;
    int rc = is_in(f, id, tie->all, at, 0, &before);
    if (rc != 0 || before) return rc;
    rc = is_in(f, id, tie->all, tie->n_one, 0, &one);
    if (rc == 0 && one) rc = is_in(f, id, tie->all + tie->n_one, tie->n - tie->n_one, 0, &other);
    if (rc != 0 || !other) return rc;
    rc = get_incident(NULL, f, id, &i);
    if (rc != 0) return rc == E_NOT_FOUND ? E_CORRUPT : rc;
    i.customers = tie->change > 0 ? i.customers + 1 : i.customers - 1;
    put_incident(f, id, &i);
    add(g, ANALYTICS_G_CUSTOMERS, tie->change);
    return 0;
}

int analytics_groups_tie(struct analytics_groups *g, struct env *env, struct fold *f,
                         const struct analytics_tie *tie)
{
    for (unsigned i = 0; i < tie->n; i++) {
        struct key k = one_key(tie->all[i]);
        int rc;
        while ((rc = analytics_tie_next(env, f, ANALYTICS_INCIDENT_PEOPLE, tie->all[i], &k)) == 0) {
            struct span row = span_of(k.p + 8, k.n - 8);
            uint64_t id;
            if (!key_take_u64(&row, &id)) return E_CORRUPT;
            rc = tie_incident(g, f, tie, i, id);
            if (rc != 0) return rc;
            key_u8(&k, 0);
        }
        if (rc != E_NOT_FOUND) return rc;
    }
    return 0;
}

static void cover(struct fold *f, uint64_t thing, uint64_t id)
{
    struct key k = one_key(thing);
    if (thing != 0) put_number(f, ANALYTICS_COVERS, &k, id);
}

static int joined(struct analytics_groups *g, struct fold *f, const struct analytics_case *one,
                  const struct fold_event *ev)
{
    uint64_t id = ev->event->joined_incident->incident_id;
    struct key k = pair_key(id, ev->case_id);
    uint64_t customer_id = one != NULL ? one->customer_id : 0;
    struct key v = one_key(customer_id);
    fold_put(f, ANALYTICS_INCIDENT_CASES, key_span(&k), key_span(&v));
    if (one != NULL) cover(f, one->thing, id);
    return count_member(g, f, id, customer_id, +1);
}

static int left(struct analytics_groups *g, struct fold *f, const struct fold_event *ev)
{
    uint64_t id = ev->event->left_incident->incident_id, customer_id;
    struct key k = pair_key(id, ev->case_id);
    int rc = get_number(f, ANALYTICS_INCIDENT_CASES, &k, &customer_id);
    if (rc != 0) return rc;
    fold_del(f, ANALYTICS_INCIDENT_CASES, key_span(&k));
    return count_member(g, f, id, customer_id, -1);
}

static int created(struct analytics_groups *g, struct fold *f, const Kesu__V1__IncidentCreated *b)
{
    struct incident i;
    int rc = get_incident(g, f, b->incident_id, &i);
    if (rc == 0) put_incident(f, b->incident_id, &i);
    cover(f, thing_of(ANALYTICS_K_LOT, b->lot), b->incident_id);
    return rc;
}

static void changed(struct fold *f, const Kesu__V1__IncidentChanged *b)
{
    for (size_t i = 0; i < b->n_set; i++)
        if (strcmp(b->set[i], "lot") == 0) cover(f, thing_of(ANALYTICS_K_LOT, b->lot), b->incident_id);
}

static int closed(struct analytics_groups *g, struct fold *f, uint64_t id)
{
    struct incident i;
    int rc = get_incident(g, f, id, &i);
    if (rc != 0 || i.closed != 0) return rc;
    i.closed = 1;
    put_incident(f, id, &i);
    add(g, ANALYTICS_G_CLOSED, 1);
    return 0;
}

int analytics_groups_event(struct analytics_groups *g, struct fold *f, const struct analytics_case *one,
                           const struct fold_event *ev)
{
    const Kesu__V1__Event *e = ev->event;
    switch (e->body_case) {
    case KESU__V1__EVENT__BODY_INCIDENT_CREATED:
        return created(g, f, e->incident_created);
    case KESU__V1__EVENT__BODY_JOINED_INCIDENT:
        return joined(g, f, one, ev);
    case KESU__V1__EVENT__BODY_LEFT_INCIDENT:
        return left(g, f, ev);
    case KESU__V1__EVENT__BODY_INCIDENT_CHANGED:
        changed(f, e->incident_changed);
        return 0;
    case KESU__V1__EVENT__BODY_INCIDENT_CLOSED:
        return closed(g, f, e->incident_closed->incident_id);
    default:
        return 0;
    }
}

/* ---- rows -------------------------------------------------------------------- */

int analytics_groups_load(struct analytics_groups *g, struct fold *f)
{
    struct span row;
    int rc = fold_get(f, ANALYTICS_TOTALS, NAME, &row);
    if (rc != 0) return rc == E_NOT_FOUND ? 0 : rc;
    if (row.n != LIST_BYTES) return E_CORRUPT;
    for (unsigned i = 0; i < ANALYTICS_N_GROUP_COUNTS; i++) (void)key_take_u64(&row, &g->counts[i]);
    for (unsigned i = 0; i < ANALYTICS_GROUP_HINTS; i++) {
        (void)key_take_u64(&row, &g->hints[i]);
        if (g->hints[i] != 0) g->n_hints = i + 1;
    }
    return 0;
}

void analytics_groups_write(struct analytics_groups *g, struct fold *f)
{
    uint8_t row[LIST_BYTES], *p = row;
    if (!g->changed) return;
    for (unsigned i = 0; i < ANALYTICS_N_GROUP_COUNTS; i++) p = put(p, g->counts[i], 8);
    for (unsigned i = 0; i < ANALYTICS_GROUP_HINTS; i++) p = put(p, i < g->n_hints ? g->hints[i] : 0, 8);
    fold_put(f, ANALYTICS_TOTALS, NAME, span_of(row, sizeof(row)));
    g->changed = false;
}

/* ---- answers ----------------------------------------------------------------- */

static int is_covered(struct fold *f, uint64_t thing, bool *ret)
{
    struct key k = one_key(thing);
    struct incident i;
    uint64_t id;
    int rc = get_number(f, ANALYTICS_COVERS, &k, &id);
    *ret = false;
    if (rc != 0 || id == 0) return rc;
    rc = get_incident(NULL, f, id, &i);
    *ret = rc == 0 && i.closed == 0;
    return rc == E_NOT_FOUND ? 0 : rc;
}

/* NULL: nothing to suggest any more. */
static int fill_hint(const struct identities *people, struct fold *f, uint64_t thing, uint32_t hour,
                     struct arena *arena, Kesu__V1__IncidentHint **ret)
{
    struct window w;
    bool covered;
    unsigned from = 0;
    unsigned n = 0;
    *ret = NULL;
    int rc = is_covered(f, thing, &covered);
    if (rc == 0) rc = get_window(f, thing, &w);
    if (rc != 0 || covered) return rc;
    while (from < w.n && w.entries[from].hour + ANALYTICS_GROUP_HOURS < hour) from++;
    n = n_people(people, &w, from);
    if (n < ANALYTICS_GROUP_PEOPLE) return 0;
    Kesu__V1__IncidentHint *hint = arena_alloc(arena, sizeof(*hint));
    char *value = arena_alloc(arena, w.value.n + 1);
    if (hint == NULL || value == NULL) return E_NOMEM;
    kesu__v1__incident_hint__init(hint);
    memcpy(value, w.value.p, w.value.n);
    value[w.value.n] = '\0';
    hint->kind = (char *)(uintptr_t)analytics_kind_names[w.kind < ANALYTICS_N_KINDS ? w.kind : 0];
    hint->value = value;
    hint->customers = n;
    hint->since = w.entries[from].hour * USEC_PER_HOUR;
    hint->last = w.entries[w.n - 1].hour * USEC_PER_HOUR;
    *ret = hint;
    return 0;
}

static int fill_hints(const struct analytics_groups *g, struct fold *f, int64_t now_us, struct arena *arena,
                      Kesu__V1__Stats *stats)
{
    int rc = 0;
    stats->incident_hints = arena_alloc(arena, sizeof(*stats->incident_hints) * ANALYTICS_GROUP_HINTS);
    if (stats->incident_hints == NULL) return E_NOMEM;
    for (unsigned i = 0; rc == 0 && i < g->n_hints; i++) {
        Kesu__V1__IncidentHint *hint;
        rc = fill_hint(g->people, f, g->hints[i], (uint32_t)(now_us / USEC_PER_HOUR), arena, &hint);
        if (rc == 0 && hint != NULL) stats->incident_hints[stats->n_incident_hints++] = hint;
    }
    return rc;
}

/* Newest first. */
static int fill_incidents(struct fold *f, struct env *env, struct arena *arena, Kesu__V1__Stats *stats)
{
    struct span key, value;
    struct store_cursor *c;
    struct incident one;
    Kesu__V1__IncidentCount *rows = arena_alloc(arena, sizeof(*rows) * ANALYTICS_GROUP_ANSWERED);
    stats->incident_counts = arena_alloc(arena, sizeof(*stats->incident_counts) * ANALYTICS_GROUP_ANSWERED);
    if (rows == NULL || stats->incident_counts == NULL) return E_NOMEM;
    int rc = fold_cursor(f, ANALYTICS_INCIDENTS, &c);
    if (rc != 0) return rc;
    rc = store_step(env, c, -1, &key, &value);
    while (rc == 0 && stats->n_incident_counts < ANALYTICS_GROUP_ANSWERED) {
        Kesu__V1__IncidentCount *row = &rows[stats->n_incident_counts];
        kesu__v1__incident_count__init(row);
        rc = key_take_u64(&key, &row->incident_id) ? take_incident(value, &one) : E_CORRUPT;
        if (rc != 0) break;
        row->members = one.members;
        row->customers = one.customers;
        row->closed = one.closed != 0;
        stats->incident_counts[stats->n_incident_counts++] = row;
        rc = store_step(env, c, -1, &key, &value);
    }
    store_cursor_close(env, c);
    return rc == E_NOT_FOUND ? 0 : rc;
}

int analytics_groups_fill(const struct analytics_groups *g, struct fold *f, struct env *env, int64_t now_us,
                          struct arena *arena, Kesu__V1__Stats *stats)
{
    stats->incidents = g->counts[ANALYTICS_G_INCIDENTS];
    stats->incidents_closed = g->counts[ANALYTICS_G_CLOSED];
    stats->incident_members = g->counts[ANALYTICS_G_MEMBERS];
    stats->incident_customers = g->counts[ANALYTICS_G_CUSTOMERS];
    int rc = fill_hints(g, f, now_us, arena, stats);
    return rc != 0 ? rc : fill_incidents(f, env, arena, stats);
}
