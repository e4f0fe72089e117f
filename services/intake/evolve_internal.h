/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files evolve_*.c only. */
#ifndef INTAKE_EVOLVE_INTERNAL_H
#define INTAKE_EVOLVE_INTERNAL_H

#include "cases.h"
#include "evolve.h"

struct evolve {
    struct intake_register *r;
    const Kesu__V1__Event *event;
    uint64_t seq;
    int64_t block_time;
    struct arena *arena;
    Kesu__V1__CaseState *state; /* of event->case_id, NULL when it is 0; put back when the row has returned */
};

/* 0, E_NOMEM, or E_CORRUPT for what does not fit the register. */
typedef int (*evolve_row)(struct evolve *e);

/* Of the case, made when it has none yet. NULL: no memory. */
Kesu__V1__CaseLife *intake_evolve_life(struct evolve *e);
/* This person, or who acts when it is NULL, took part in deciding the case: they do not decide its appeal. */
int intake_evolve_took_part(struct evolve *e, const char *staff);
/* The list of *n pointers with this one behind, from the arena; *n is then one more. NULL: no memory. */
void *intake_evolve_append(struct evolve *e, const void *list, size_t *n, const void *item);
/* This key is taken: the next one is above it. */
void intake_evolve_key(struct evolve *e, const Kesu__V1__Sealed *sealed);
void intake_evolve_contacts(struct evolve *e, const ProtobufCBinaryData *hashes, size_t n, uint64_t customer);
/* evolve_incident.c, evolve_link.c */
int intake_evolve_incident_created(struct evolve *e);
int intake_evolve_joined(struct evolve *e);
int intake_evolve_left(struct evolve *e);
int intake_evolve_incident_changed(struct evolve *e);
int intake_evolve_lot_held(struct evolve *e);
int intake_evolve_incident_answered(struct evolve *e);
int intake_evolve_answer_shared(struct evolve *e);
int intake_evolve_incident_closed(struct evolve *e);
/* The case was told this, itself or as what was merged into it. */
void intake_evolve_got_answer(struct evolve *e, uint64_t incident_id, uint64_t answer_seq);
/* A member who was erased speaks for nobody. */
int intake_evolve_silence(struct evolve *e, const Kesu__V1__CaseState *member);
int intake_evolve_merged(struct evolve *e);
int intake_evolve_absorbed(struct evolve *e);
int intake_evolve_unmerged(struct evolve *e);
int intake_evolve_linked(struct evolve *e);
int intake_evolve_unlinked(struct evolve *e);
void intake_evolve_attachments(struct evolve *e, const ProtobufCBinaryData *hashes, size_t n);

/* evolve_record.c */
int intake_evolve_record_amended(struct evolve *e);
/* Who speaks for the customer, or is affected, may write to the case too. */
int intake_evolve_writers(struct evolve *e, const ProtobufCBinaryData *hashes, size_t n);
int intake_evolve_nature_set(struct evolve *e);
int intake_evolve_evidence_added(struct evolve *e);
/* evolve_customer.c */
int intake_evolve_customer_changed(struct evolve *e);
int intake_evolve_merge_suggested(struct evolve *e);
int intake_evolve_merge_dismissed(struct evolve *e);
int intake_evolve_customers_merged(struct evolve *e);
int intake_evolve_customers_unmerged(struct evolve *e);
int intake_evolve_customer_erased(struct evolve *e);
/* evolve_eightd.c */
int intake_evolve_eightd_opened(struct evolve *e);
int intake_evolve_discipline_planned(struct evolve *e);
int intake_evolve_discipline_recorded(struct evolve *e);
int intake_evolve_eightd_closed(struct evolve *e);
/* evolve_remedy.c */
int intake_evolve_remedy_proposed(struct evolve *e);
int intake_evolve_proposal_submitted(struct evolve *e);
int intake_evolve_proposal_decided(struct evolve *e);
/* evolve_opinion.c */
int intake_evolve_opinion_sent(struct evolve *e);
int intake_evolve_reading_confirmed(struct evolve *e);
int intake_evolve_answer_recorded(struct evolve *e);
int intake_evolve_deadlocked(struct evolve *e);
int intake_evolve_external_referred(struct evolve *e);
int intake_evolve_external_recorded(struct evolve *e);
void intake_evolve_unapproved(Kesu__V1__CaseLife *life); /* the approval of the proposal, if any, is void */
/* evolve_appeal.c */
int intake_evolve_appeal(struct evolve *e, bool late);
int intake_evolve_appeal_filed(struct evolve *e);
int intake_evolve_appeal_admitted(struct evolve *e);
int intake_evolve_reviewer_assigned(struct evolve *e);
int intake_evolve_appeal_decided(struct evolve *e);
/* evolve_execute.c */
int intake_evolve_step_completed(struct evolve *e);
int intake_evolve_recovery_claimed(struct evolve *e);
int intake_evolve_recovery_settled(struct evolve *e);
int intake_evolve_feedback_recorded(struct evolve *e);
int intake_evolve_accountability_recorded(struct evolve *e);
/* evolve_end.c */
int intake_evolve_closed(struct evolve *e);
int intake_evolve_reopened(struct evolve *e);
int intake_evolve_withdrawn(struct evolve *e);
int intake_evolve_conduct_marked(struct evolve *e);
int intake_evolve_held(struct evolve *e);
/* evolve_sensitive.c */
int intake_evolve_sensitive_marked(struct evolve *e);
/* evolve_handover.c */
int intake_evolve_handover_opened(struct evolve *e);
int intake_evolve_handover_accepted(struct evolve *e);
/* A step of the clock of a handover, of an 8D's discipline has fired. */
int intake_evolve_handover_late(struct evolve *e);
int intake_evolve_discipline_late(struct evolve *e);
/* Of the case of the event: this key is for named people only, or no longer. */
void intake_evolve_restrict(struct evolve *e, uint64_t key_id, bool restricted);
int intake_evolve_accused(struct evolve *e);
int intake_evolve_reply_held(struct evolve *e);
int intake_evolve_reply_over(struct evolve *e);
int intake_evolve_reply_started(struct evolve *e);
int intake_evolve_reviewed(struct evolve *e);
int intake_evolve_task_opened(struct evolve *e);
int intake_evolve_task_answered(struct evolve *e);
int intake_evolve_task_transferred(struct evolve *e);
int intake_evolve_task_waived(struct evolve *e);

#endif
