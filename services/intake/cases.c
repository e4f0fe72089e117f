/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

#include "check.h"
#include "err.h"
#include "pack.h"

#define ROW_ROOM 4096

static void put_message(struct intake_register *r, enum register_table table, struct span key,
                        const ProtobufCMessage *m)
{
    uint8_t room[ROW_ROOM];
    struct span bytes = pack_end(m, room, sizeof(room));
    if (bytes.p != NULL) {
        intake_register_put(r, table, key, bytes);
    } else {
        struct buf *large = codec_pack_buf(m);
        intake_register_put(r, table, key, buf_span(large));
        buf_unref(large);
    }
}

/* Rows are our own bytes: one that cannot be read is a broken invariant, but for memory. */
static int get_message(struct intake_register *r, enum register_table table, struct span key,
                       const ProtobufCMessageDescriptor *d, struct arena *arena, void **ret)
{
    struct span bytes;
    int err = intake_register_get(r, table, key, &bytes);
    if (err != 0) return err;
    void *m = NULL;
    err = codec_unpack_own(d, bytes, arena, &m);
    CHECK(err == 0 || err == E_NOMEM || err == E_TOO_BIG);
    if (err != 0) return E_NOMEM;
    *ret = m;
    return 0;
}

int intake_case_get(struct intake_register *r, uint64_t case_id, struct arena *arena,
                    Kesu__V1__CaseState **ret)
{
    struct key key = intake_key_u64(case_id);
    void *m = NULL;
    int err = get_message(r, TABLE_CASES, key_span(&key), &kesu__v1__case_state__descriptor, arena, &m);
    if (err == 0) *ret = m;
    return err;
}

void intake_case_put(struct intake_register *r, const Kesu__V1__CaseState *state)
{
    struct key key = intake_key_u64(state->case_id);
    put_message(r, TABLE_CASES, key_span(&key), &state->base);
}

int intake_agent_get(struct intake_register *r, const char *agent, struct arena *arena,
                     Kesu__V1__AgentState **ret)
{
    void *m = NULL;
    int err = get_message(r, TABLE_AGENTS, span_str(agent), &kesu__v1__agent_state__descriptor, arena, &m);
    if (err == E_NOT_FOUND) {
        Kesu__V1__AgentState *fresh = arena_alloc(arena, sizeof(*fresh));
        if (fresh == NULL) return E_NOMEM;
        kesu__v1__agent_state__init(fresh);
        fresh->agent = arena_strdup(arena, agent);
        if (fresh->agent == NULL) return E_NOMEM;
        m = fresh;
    } else if (err != 0) {
        return err;
    }
    *ret = m;
    return 0;
}

void intake_agent_put(struct intake_register *r, const Kesu__V1__AgentState *state)
{
    put_message(r, TABLE_AGENTS, span_str(state->agent), &state->base);
}

static int get_by_id(struct intake_register *r, enum register_table table, uint64_t id,
                     const ProtobufCMessageDescriptor *d, struct arena *arena, void *ret_message)
{
    struct key key = intake_key_u64(id);
    void *m = NULL;
    int err = get_message(r, table, key_span(&key), d, arena, &m);
    if (err == 0) memcpy(ret_message, &m, sizeof(m));
    return err;
}

static void put_by_id(struct intake_register *r, enum register_table table, uint64_t id,
                      const ProtobufCMessage *m)
{
    struct key key = intake_key_u64(id);
    put_message(r, table, key_span(&key), m);
}

int intake_incident_get(struct intake_register *r, uint64_t id, struct arena *arena,
                        Kesu__V1__IncidentState **ret)
{
    return get_by_id(r, TABLE_INCIDENTS, id, &kesu__v1__incident_state__descriptor, arena, ret);
}

void intake_incident_put(struct intake_register *r, const Kesu__V1__IncidentState *state)
{
    put_by_id(r, TABLE_INCIDENTS, state->incident_id, &state->base);
}

void intake_member_key(uint64_t incident_id, uint64_t case_id, struct key *ret)
{
    ret->n = 0;
    key_u64(ret, incident_id);
    key_u64(ret, case_id);
}

int intake_eightd_get(struct intake_register *r, uint64_t id, struct arena *arena,
                      Kesu__V1__EightDState **ret)
{
    return get_by_id(r, TABLE_EIGHTDS, id, &kesu__v1__eight_dstate__descriptor, arena, ret);
}

void intake_eightd_put(struct intake_register *r, const Kesu__V1__EightDState *state)
{
    put_by_id(r, TABLE_EIGHTDS, state->eightd_id, &state->base);
}

int intake_handover_get(struct intake_register *r, uint64_t id, struct arena *arena,
                        Kesu__V1__HandoverState **ret)
{
    return get_by_id(r, TABLE_HANDOVERS, id, &kesu__v1__handover_state__descriptor, arena, ret);
}

void intake_handover_put(struct intake_register *r, const Kesu__V1__HandoverState *state)
{
    put_by_id(r, TABLE_HANDOVERS, state->handover_id, &state->base);
}

bool intake_key_is_restricted(struct intake_register *r, uint64_t key_id, uint64_t seq)
{
    struct key key = intake_key_u64(key_id);
    uint64_t lifted;
    return intake_register_get_u64(r, TABLE_RESTRICTED, key_span(&key), &lifted) &&
           (lifted == 0 || lifted > seq);
}

bool intake_customer_get(struct intake_register *r, uint64_t customer_id, struct customer_row *ret)
{
    struct key key = intake_key_u64(customer_id);
    struct span value;
    if (intake_register_get(r, TABLE_CUSTOMERS, key_span(&key), &value) != 0 || value.n != sizeof(*ret))
        return false;
    memcpy(ret, value.p, sizeof(*ret));
    return true;
}

void intake_customer_put(struct intake_register *r, uint64_t customer_id, const struct customer_row *row)
{
    struct key key = intake_key_u64(customer_id);
    intake_register_put(r, TABLE_CUSTOMERS, key_span(&key), span_of(row, sizeof(*row)));
}

void intake_external_key(Kesu__V1__Channel channel, const Kesu__V1__ExternalRef *ref, struct key *ret)
{
    ret->n = 0;
    key_u8(ret, (uint8_t)channel);
    key_bytes(ret, span_of(ref->hash.data, ref->hash.len));
    key_bytes(ret, span_str(ref->mailbox));
}

void intake_number_key(unsigned yymm, uint64_t serial, struct key *ret)
{
    ret->n = 0;
    key_u32(ret, yymm);
    key_u64(ret, serial);
}

void intake_delivery_key(uint64_t cause_seq, uint32_t target, const char *kind, struct key *ret)
{
    ret->n = 0;
    key_u64(ret, cause_seq);
    key_u32(ret, target);
    key_bytes(ret, span_str(kind));
}

void intake_skip_key(const char *fold, uint64_t seq, struct key *ret)
{
    ret->n = 0;
    key_text(ret, fold);
    key_u64(ret, seq);
}

void intake_part_key(struct span hash, uint32_t index, struct key *ret)
{
    ret->n = 0;
    key_bytes(ret, hash);
    key_u32(ret, index);
}

void intake_evidence_key(struct span attachment_hash, uint64_t case_id, struct key *ret)
{
    ret->n = 0;
    key_bytes(ret, attachment_hash);
    key_u64(ret, case_id);
}
