/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of the life of a case, a file an area. */
#ifndef INTAKE_DECIDE_LIFE_H
#define INTAKE_DECIDE_LIFE_H

#include "decide_internal.h"

/* decide_record.c */
int intake_decide_amend(struct decide *d);
int intake_decide_nature(struct decide *d);
int intake_decide_evidence(struct decide *d);
int intake_decide_return_file(struct decide *d);
/* decide_customer.c */
int intake_decide_change_customer(struct decide *d);
/* Adds MergeSuggested when one of these contacts is of another person and nobody has decided that yet. */
int intake_decide_suggest(struct decide *d, uint64_t customer_id, const ProtobufCBinaryData *contacts,
                          size_t n);
int intake_decide_suggest_merge(struct decide *d);
int intake_decide_dismiss_merge(struct decide *d);
int intake_decide_merge_customers(struct decide *d);
int intake_decide_unmerge_customers(struct decide *d);
/* decide_owner.c */
/* A service chose somebody who may not have the case, nor may any agent beside them: who has it instead,
 * NULL: nobody need. */
const Kesu__V1__Staff *intake_decide_instead(const struct decide *d, const Kesu__V1__Staff *chosen);
/* Who leads them, or the department, or anybody who does, that is here and neither accused nor under who is;
 * NULL: there is nobody. */
const Kesu__V1__Staff *intake_decide_heir(const struct decide *d, const char *who, const char *department,
                                          char *const *accused, size_t n);
/* Give the case, the sub-task to somebody else; both follow from another command. */
int intake_decide_give_case(struct decide *d, const Kesu__V1__Staff *to, const char *reason);
int intake_decide_give_task(struct decide *d, const Kesu__V1__TaskState *task, const Kesu__V1__Staff *to,
                            const char *reason);
/* The case comes back to work: when nobody has it who is here, its heir has it. */
int intake_decide_adopt(struct decide *d, const char *reason);
int intake_decide_claim(struct decide *d);
int intake_decide_accused(struct decide *d);
int intake_decide_statement(struct decide *d);
/* decide_talk.c */
int intake_decide_reply(struct decide *d);
int intake_decide_reply_over(struct decide *d); /* the reply that was held leaves */
int intake_decide_undo_reply(struct decide *d);
int intake_decide_start_reply(struct decide *d);
int intake_decide_call(struct decide *d);
/* decide_review.c */
int intake_decide_review(struct decide *d);
int intake_decide_open_task(struct decide *d);
int intake_decide_answer_task(struct decide *d);
int intake_decide_transfer_task(struct decide *d);
int intake_decide_waive_task(struct decide *d);
/* decide_remedy.c */
int intake_decide_propose(struct decide *d);
int intake_decide_submit(struct decide *d);
int intake_decide_approve(struct decide *d); /* decide_approve.c, as the next and intake_decide_submit */
int intake_decide_confirm_reading(struct decide *d);
/* What earlier proposals of the case have cost and this total together; NULL: nothing. */
int intake_decide_whole(struct decide *d, const Kesu__V1__Money *total, Kesu__V1__Money **ret);
/* decide_approve.c */
/* E_UNKNOWN when nothing is proposed. */
int intake_decide_has_proposal(struct decide *d, const Kesu__V1__ProposalState **ret);
/* E_LIMIT when it is over the proposer's own limit or quota; else body says who reads it. */
int intake_decide_at_once(struct decide *d, const Kesu__V1__ProposalState *p, Kesu__V1__OpinionSent *body);
/* decide_opinion.c */
int intake_decide_opinion(struct decide *d);
int intake_decide_answer(struct decide *d);
int intake_decide_deadlock(struct decide *d);
int intake_decide_external(struct decide *d);
int intake_decide_external_outcome(struct decide *d);
int intake_decide_silence(struct decide *d); /* the appeal window has passed without a word */
/* decide_appeal.c */
bool intake_decide_is_final(const Kesu__V1__CaseLife *life); /* was an appeal decided in this cycle? */
bool intake_decide_window_over(const struct decide *d);
int intake_decide_appeal(struct decide *d);
int intake_decide_admit(struct decide *d);
int intake_decide_decide_appeal(struct decide *d);
/* decide_reviewer.c */
/* E_RECUSED when they have the case, had a part in what was decided, or are accused. */
int intake_decide_different(struct decide *d, const Kesu__V1__Staff *staff, const char *field);
/* Of a case that is now appealed: the appeal gets its reviewer, when there is somebody. */
int intake_decide_name_reviewer(struct decide *d);
/* When these become accused: a reviewer who is, or reports to one, gives the appeal to another; so does one
 * who has left. */
int intake_decide_recuse_reviewer(struct decide *d, char *const *accused, size_t n, const char *reason);
int intake_decide_reviewer(struct decide *d);
/* decide_execute.c */
/* A currency and no less than nothing; field: below the command, as in intake_decide_field. */
int intake_decide_money(struct decide *d, const char *field, const Kesu__V1__Money *m);
int intake_decide_step(struct decide *d);
int intake_decide_claim_recovery(struct decide *d);
int intake_decide_settle_recovery(struct decide *d);
int intake_decide_feedback(struct decide *d);
int intake_decide_accountability(struct decide *d);
/* decide_end.c */
int intake_decide_open_tasks(struct decide *d); /* E_OPEN_WORK while one is open and not waived */
int intake_decide_reopen(struct decide *d);
int intake_decide_withdraw(struct decide *d);
int intake_decide_conduct(struct decide *d);
int intake_decide_hold(struct decide *d);
int intake_decide_archive(struct decide *d);
/* decide_incident.c */
int intake_decide_create_incident(struct decide *d);
int intake_decide_join_incident(struct decide *d);
int intake_decide_leave_incident(struct decide *d);
int intake_decide_change_incident(struct decide *d);
int intake_decide_hold_lot(struct decide *d);
int intake_decide_answer_incident(struct decide *d);
int intake_decide_share_answer(struct decide *d);
int intake_decide_close_incident(struct decide *d);
/* decide_link.c */
int intake_decide_merge(struct decide *d);
int intake_decide_unmerge(struct decide *d);
int intake_decide_split(struct decide *d);
int intake_decide_link(struct decide *d);
int intake_decide_unlink(struct decide *d);
/* decide_work.c: a handover or a discipline that is late. */
int intake_decide_work_late(struct decide *d);
/* "discipline_4" */
char *intake_decide_discipline_clock(struct decide *d, uint32_t discipline);
/* decide_eightd.c */
int intake_decide_open_eightd(struct decide *d);
int intake_decide_plan_discipline(struct decide *d);
int intake_decide_discipline(struct decide *d);
int intake_decide_close_eightd(struct decide *d);
/* decide_sensitive.c */
int intake_decide_sensitive(struct decide *d);
int intake_decide_read(struct decide *d);
/* decide_handover.c */
int intake_decide_open_handover(struct decide *d);
int intake_decide_accept_handover(struct decide *d);
/* May the case be given away by this handover: it was accepted, and one of its agents has the case. */
int intake_decide_handed(struct decide *d, uint64_t handover_id);
/* decide_leaver.c */
int intake_decide_replace_leavers(struct decide *d);

#endif
