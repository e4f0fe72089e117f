/* SPDX-License-Identifier: Apache-2.0 */
/* An object's row lists the last identities that named it, oldest first; those
 * outside the window fall out when the row is next touched. Which of them are
 * one person is looked up when they are counted, so that a merge and its
 * undoing have nothing to change here. */
#include "similar.h"

#include "clock.h"
#include "err.h"
#include "hash.h"
#include "key.h"
#include "rows.h"

#define ENTRY     12
#define COUNT     4
#define ANONYMOUS (UINT64_C(1) << 63)

static void put(uint8_t *to, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++) to[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t get(const uint8_t *from, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++) v |= (uint64_t)from[i] << (8 * i);
    return v;
}

static uint32_t cases_of(struct fold *f, uint64_t identity)
{
    struct key k = {.n = 0};
    struct span value;
    key_u64(&k, identity);
    bool found = fold_get(f, ROUTING_CUSTOMERS, key_span(&k), &value) == 0 && value.n == COUNT;
    return found ? (uint32_t)get(value.p, COUNT) : 0;
}

uint32_t routing_similar_customer(struct fold *f, const struct identities *people, uint64_t customer_id)
{
    struct key k = {.n = 0};
    uint64_t all[IDENTITIES_MAX];
    uint8_t row[COUNT];
    if (customer_id == 0) return 0;
    uint32_t own = cases_of(f, customer_id), n = own;
    key_u64(&k, customer_id);
    put(row, own + 1, sizeof row);
    fold_put(f, ROUTING_CUSTOMERS, key_span(&k), span_of(row, sizeof row));
    unsigned n_all = identities_of(people, identities_person(people, customer_id), all);
    for (unsigned i = 0; i < n_all && n_all > 1; i++)
        if (all[i] != customer_id) n += cases_of(f, all[i]);
    return n;
}

void routing_similar_forget(struct fold *f, uint64_t customer_id)
{
    struct key k = {.n = 0};
    key_u64(&k, customer_id);
    if (customer_id != 0) fold_del(f, ROUTING_CUSTOMERS, key_span(&k));
}

unsigned routing_similar_note(uint8_t *row, unsigned n, uint64_t who, uint32_t hour)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *e = row + (size_t)i * ENTRY;
        if (get(e, 8) == who || get(e + 8, 4) + ROUTING_SIMILAR_WINDOW_HOURS < hour) continue;
        memmove(row + (size_t)kept++ * ENTRY, e, ENTRY);
    }
    if (kept == ROUTING_SIMILAR_MAX) memmove(row, row + ENTRY, (size_t)--kept * ENTRY);
    put(row + (size_t)kept * ENTRY, who, 8);
    put(row + (size_t)kept * ENTRY + 8, hour, 4);
    return kept + 1;
}

unsigned routing_similar_people(const struct identities *people, const uint8_t *row, unsigned n)
{
    uint64_t seen[ROUTING_SIMILAR_MAX];
    unsigned n_seen = 0, k;
    if (people->map.n == 0 || n > ROUTING_SIMILAR_MAX) return n;
    for (unsigned i = 0; i < n; i++) {
        uint64_t who = identities_person(people, get(row + (size_t)i * ENTRY, 8));
        for (k = 0; k < n_seen && seen[k] != who; k++)
            ;
        if (k == n_seen) seen[n_seen++] = who;
    }
    return n_seen;
}

uint32_t routing_similar_object(struct fold *f, const struct identities *people, uint64_t case_id,
                                uint64_t customer_id, int64_t time_us, const Kesu__V1__Object *object)
{
    uint8_t name[HASH_BYTES] = {0}, row[(ROUTING_SIMILAR_MAX + 1) * ENTRY];
    struct span value = SPAN_NONE, key = span_of(name, HASH_SHORT_BYTES);
    unsigned n = 0;
    if (object == NULL) return 0;
    if (object->product[0] == 0 && object->part_number[0] == 0 && object->lot[0] == 0) return 0;
    struct span pieces[] = {span_of(object->product, strlen(object->product) + 1),
                            span_of(object->part_number, strlen(object->part_number) + 1),
                            span_str(object->lot)};
    hash_pieces(pieces, 3, name);
    if (fold_get(f, ROUTING_OBJECTS, key, &value) == 0 && value.n <= ROUTING_SIMILAR_MAX * ENTRY) {
        n = (unsigned)(value.n / ENTRY);
        memcpy(row, value.p, (size_t)n * ENTRY);
    }
    n = routing_similar_note(row, n, customer_id != 0 ? customer_id : case_id | ANONYMOUS,
                             (uint32_t)(time_us / USEC_PER_HOUR));
    fold_put(f, ROUTING_OBJECTS, key, span_of(row, (size_t)n * ENTRY));
    return routing_similar_people(people, row, n);
}
