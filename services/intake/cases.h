/* SPDX-License-Identifier: Apache-2.0 */
/* The register's rows as messages: cases, agents, and their keys. */
#ifndef INTAKE_CASES_H
#define INTAKE_CASES_H

#include "codec.h"
#include "register.h"

/* E_NOT_FOUND, E_NOMEM. From the arena. */
int intake_case_get(struct intake_register *r, uint64_t case_id, struct arena *arena,
                    Kesu__V1__CaseState **ret);
void intake_case_put(struct intake_register *r, const Kesu__V1__CaseState *state);
/* An agent never heard of is absent, has no cases, and the policy's capacity (0 here). */
int intake_agent_get(struct intake_register *r, const char *agent, struct arena *arena,
                     Kesu__V1__AgentState **ret);
void intake_agent_put(struct intake_register *r, const Kesu__V1__AgentState *state);

/* Of an incident, an 8D, a handover, by its id. E_NOT_FOUND, E_NOMEM. */
int intake_incident_get(struct intake_register *r, uint64_t id, struct arena *arena,
                        Kesu__V1__IncidentState **ret);
void intake_incident_put(struct intake_register *r, const Kesu__V1__IncidentState *state);
void intake_member_key(uint64_t incident_id, uint64_t case_id, struct key *ret);
int intake_eightd_get(struct intake_register *r, uint64_t id, struct arena *arena,
                      Kesu__V1__EightDState **ret);
void intake_eightd_put(struct intake_register *r, const Kesu__V1__EightDState *state);
int intake_handover_get(struct intake_register *r, uint64_t id, struct arena *arena,
                        Kesu__V1__HandoverState **ret);
void intake_handover_put(struct intake_register *r, const Kesu__V1__HandoverState *state);

/* Is what this key seals for named people only, after the event `seq`? It is lifted no sooner than by its
 * event. */
bool intake_key_is_restricted(struct intake_register *r, uint64_t key_id, uint64_t seq);

/* A customer: the profile's key, the newest case that is not erased (each names the one before), the seq of
 * the event that erased them, 0: none, and whether persons.h knows more of them. */
struct customer_row {
    uint64_t profile_key, last_case, erased_seq, more;
};
bool intake_customer_get(struct intake_register *r, uint64_t customer_id, struct customer_row *ret);
void intake_customer_put(struct intake_register *r, uint64_t customer_id, const struct customer_row *row);

void intake_external_key(Kesu__V1__Channel channel, const Kesu__V1__ExternalRef *ref, struct key *ret);
void intake_number_key(unsigned yymm, uint64_t serial, struct key *ret);
void intake_delivery_key(uint64_t cause_seq, uint32_t target, const char *kind, struct key *ret);
void intake_skip_key(const char *fold, uint64_t seq, struct key *ret);
void intake_part_key(struct span hash, uint32_t index, struct key *ret);
void intake_evidence_key(struct span attachment_hash, uint64_t case_id, struct key *ret);

#endif
