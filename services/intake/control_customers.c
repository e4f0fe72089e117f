/* SPDX-License-Identifier: Apache-2.0 */
/* The people of whom more is known than their cases, and who may be the same
 * as whom: what somebody has to decide. */
#include <stdlib.h>

#include "control.h"
#include "intake.h"
#include "persons.h"

#define USUAL       100
#define REPLY_BYTES ((size_t)800 << 10)
#define MAX_IDS     1000000
#define SCAN_ROWS   4096 /* looked at for one reply; who asks goes on from there */

struct ids {
    struct arena *arena;
    uint64_t *list;
    size_t n, room;
    uint64_t before;
};

static void on_row(void *self, struct span key, struct span value)
{
    struct ids *x = self;
    uint64_t id;
    (void)value;
    if (!key_take_u64(&key, &id) || (x->before != 0 && id >= x->before) || x->n == MAX_IDS) return;
    if (x->n == x->room) {
        size_t room = x->room * 2 + 64;
        uint64_t *more = arena_alloc(x->arena, sizeof(*more) * room);
        if (more == NULL) return;
        if (x->n > 0) memcpy(more, x->list, sizeof(*more) * x->n);
        x->list = more;
        x->room = room;
    }
    x->list[x->n++] = id;
}

static int falling(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x > y ? -1 : x < y;
}

/* Only what is still a question: not of somebody erased, nor of who is the same by now. */
static void keep_open(struct intake_register *r, struct arena *arena, Kesu__V1__CustomerState *s)
{
    uint64_t root = intake_person_root(r, s->customer_id, arena);
    struct customer_row row;
    size_t kept = 0;
    for (size_t i = 0; i < s->n_suggested; i++)
        if (intake_customer_get(r, s->suggested[i], &row) && row.erased_seq == 0 &&
            intake_person_root(r, s->suggested[i], arena) != root)
            s->suggested[kept++] = s->suggested[i];
    s->n_suggested = kept;
}

static bool is_wanted(struct intake *in, const Kesu__V1__ListCustomers *l, Kesu__V1__CustomerState *s)
{
    struct arena *arena = &in->control.arena;
    Kesu__V1__CustomerTraits *traits = arena_alloc(arena, sizeof(*traits));
    if (s->erased_seq != 0 || traits == NULL) return false;
    bool known = intake_person_traits(&in->reg, s->customer_id, arena, traits);
    if (l->tier != KESU__V1__TIER__TIER_UNSPECIFIED && l->tier != traits->tier) return false;
    keep_open(&in->reg, arena, s);
    s->n_contact_hashes = 0;
    s->n_contact_seqs = 0;
    if (l->suggested) return s->n_suggested > 0;
    s->traits = known ? traits : NULL;
    return s->merged_into == 0;
}

void intake_control_customers(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct intake *in = self;
    struct arena *arena = &in->control.arena;
    const Kesu__V1__ListCustomers *l = request->list_customers;
    Kesu__V1__CustomerList list = KESU__V1__CUSTOMER_LIST__INIT;
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    size_t limit = l->limit == 0 ? USUAL : l->limit, bytes = 0, i = 0;
    struct ids ids = {.arena = arena, .before = l->before};
    arena_reset(arena);
    intake_register_each(&in->reg, TABLE_PERSONS, SPAN_NONE, on_row, &ids);
    if (ids.n > 0) qsort(ids.list, ids.n, sizeof(*ids.list), falling);
    list.customers = arena_alloc(arena, sizeof(*list.customers) * (limit + 1));
    if (list.customers == NULL) limit = 0;
    for (; i < ids.n && i < SCAN_ROWS && list.n_customers < limit && bytes < REPLY_BYTES; i++) {
        Kesu__V1__CustomerState *s;
        if (intake_person_get(&in->reg, ids.list[i], arena, &s) != 0 || !is_wanted(in, l, s)) continue;
        list.customers[list.n_customers++] = s;
        bytes += codec_size(s) + 8;
    }
    if (i > 0 && i < ids.n) list.next_before = ids.list[i - 1];
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_CUSTOMER_LIST;
    reply.customer_list = &list;
    svc_answer(in->svc, peer, request->id, &reply);
}
