/* SPDX-License-Identifier: Apache-2.0 */
/* Packing of rows: fixed numbers first, little-endian, then texts with a NUL
 * after each. Reading checks lengths, so that a damaged row is a halt of the
 * fold and never a stray pointer. */
#include "rows.h"

#include <stdio.h>

#include "err.h"
#include "key.h"

const char *const routing_tables[ROUTING_N_TABLES] = {"cases",     "waiting",   "agents", "customers",
                                                      "objects",   "handovers", "handed", "members",
                                                      "member_of", "answers",   "shares", "identities"};

#define CASE_FIXED  24
#define BRIEF_BYTES 19

static void pack(uint8_t *to, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++) to[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t unpack(const uint8_t *from, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++) v |= (uint64_t)from[i] << (8 * i);
    return v;
}

static struct span case_key(struct key *k, uint64_t case_id)
{
    k->n = 0;
    key_u64(k, case_id);
    return key_span(k);
}

static bool take_text(struct span *from, char ret[ROUTING_ID_MAX + 1])
{
    const uint8_t *end = from->n > 0 ? memchr(from->p, 0, from->n) : NULL;
    if (end == NULL || end - from->p > ROUTING_ID_MAX) return false;
    size_t n = (size_t)(end - from->p) + 1;
    memcpy(ret, from->p, n);
    *from = span_of(from->p + n, from->n - n);
    return true;
}

bool routing_rows_read_case(struct span value, struct routing_case *ret)
{
    if (value.n < CASE_FIXED) return false;
    ret->version = unpack(value.p, 8);
    ret->changed_us = (int64_t)unpack(value.p + 8, 8);
    ret->messages = (uint32_t)unpack(value.p + 16, 4);
    ret->state = value.p[20];
    ret->severity = value.p[21];
    ret->language = value.p[22];
    ret->escalated = value.p[23];
    struct span texts = span_of(value.p + CASE_FIXED, value.n - CASE_FIXED);
    return take_text(&texts, ret->category) && take_text(&texts, ret->department);
}

int routing_rows_case(struct fold *f, uint64_t case_id, struct routing_case *ret)
{
    struct key k;
    struct span value;
    int rc = fold_get(f, ROUTING_CASES, case_key(&k, case_id), &value);
    if (rc != 0) return rc;
    return routing_rows_read_case(value, ret) ? 0 : E_CORRUPT;
}

void routing_rows_put_case(struct fold *f, uint64_t case_id, const struct routing_case *c)
{
    uint8_t row[CASE_FIXED + 2 * (ROUTING_ID_MAX + 1)];
    struct key k;
    pack(row, c->version, 8);
    pack(row + 8, (uint64_t)c->changed_us, 8);
    pack(row + 16, c->messages, 4);
    row[20] = c->state;
    row[21] = c->severity;
    row[22] = c->language;
    row[23] = c->escalated;
    size_t n = CASE_FIXED, n_category = strlen(c->category) + 1, n_department = strlen(c->department) + 1;
    memcpy(row + n, c->category, n_category);
    memcpy(row + n + n_category, c->department, n_department);
    fold_put(f, ROUTING_CASES, case_key(&k, case_id), span_of(row, n + n_category + n_department));
}

void routing_rows_del_case(struct fold *f, uint64_t case_id)
{
    struct key k;
    fold_del(f, ROUTING_CASES, case_key(&k, case_id));
}

int routing_rows_put_waiting(struct fold *f, uint64_t case_id, const struct routing_brief *b,
                             const Kesu__V1__Sealed *sealed, struct arena *arena)
{
    struct span packed = sealed != NULL ? codec_pack(sealed, arena) : SPAN_LIT("");
    uint8_t *row = arena_alloc(arena, BRIEF_BYTES + packed.n);
    struct key k;
    if (packed.p == NULL || row == NULL) return E_NOMEM;
    pack(row, (uint64_t)b->since_us, 8);
    pack(row + 8, b->customer_cases, 4);
    pack(row + 12, b->same_object, 4);
    row[16] = b->channel;
    row[17] = b->tier;
    row[18] = b->language;
    memcpy(row + BRIEF_BYTES, packed.p, packed.n);
    fold_put(f, ROUTING_WAITING, case_key(&k, case_id), span_of(row, BRIEF_BYTES + packed.n));
    return 0;
}

int routing_rows_waiting(struct fold *f, uint64_t case_id, struct arena *arena, struct routing_brief *ret,
                         Kesu__V1__Sealed **ret_sealed)
{
    struct key k;
    struct span value;
    int rc = fold_get(f, ROUTING_WAITING, case_key(&k, case_id), &value);
    if (rc != 0) return rc;
    if (value.n < BRIEF_BYTES) return E_CORRUPT;
    struct routing_brief b = {.since_us = (int64_t)unpack(value.p, 8),
                              .customer_cases = (uint32_t)unpack(value.p + 8, 4),
                              .same_object = (uint32_t)unpack(value.p + 12, 4),
                              .channel = value.p[16],
                              .tier = value.p[17],
                              .language = value.p[18]};
    rc = codec_unpack_own(&kesu__v1__sealed__descriptor,
                          span_of(value.p + BRIEF_BYTES, value.n - BRIEF_BYTES), arena, (void *)ret_sealed);
    if (rc == 0) *ret = b;
    return rc == 0 ? 0 : E_CORRUPT;
}

void routing_rows_del_waiting(struct fold *f, uint64_t case_id)
{
    struct key k;
    fold_del(f, ROUTING_WAITING, case_key(&k, case_id));
}

void routing_rows_put_agent(struct fold *f, const char *id, const struct routing_agent_row *a)
{
    uint8_t row[9];
    pack(row, a->capacity, 4);
    pack(row + 4, a->load, 4);
    row[8] = a->present;
    fold_put(f, ROUTING_AGENTS, span_str(id), span_of(row, sizeof row));
}

bool routing_rows_read_agent(struct span value, struct routing_agent_row *ret)
{
    if (value.n != 9) return false;
    *ret = (struct routing_agent_row){.capacity = (uint32_t)unpack(value.p, 4),
                                      .load = (uint32_t)unpack(value.p + 4, 4),
                                      .present = value.p[8]};
    return true;
}

int routing_rows_each(struct env *env, struct fold *f, unsigned table,
                      void (*each)(void *self, struct span key, struct span value), void *self)
{
    struct store_cursor *c;
    struct span key, value;
    int rc = fold_cursor(f, table, &c);
    if (rc != 0) return rc;
    for (rc = store_step(env, c, 1, &key, &value); rc == 0; rc = store_step(env, c, 1, &key, &value))
        each(self, key, value);
    store_cursor_close(env, c);
    return rc == E_NOT_FOUND ? 0 : rc;
}
