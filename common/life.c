/* SPDX-License-Identifier: Apache-2.0 */
#include "life.h"

#include <string.h>

#define CMD(name)       KESU__V1__COMMAND__BODY_##name
#define EV(name)        KESU__V1__EVENT__BODY_##name
#define TO(name)        KESU__V1__STAGE__STAGE_##name
#define ON(name)        (1u << TO(name))
#define ANY_STAGE       (((1u << LIFE_STAGES) - 1) & ~1u)
#define OVER            (ON(CLOSED) | ON(ARCHIVED) | ON(MERGED))
#define OPEN            (ANY_STAGE & ~OVER)
#define TRIAGED_ON      (ON(TRIAGED) | ON(UNDER_REVIEW) | ON(INVESTIGATING) | ON(PROPOSED))
#define BEFORE_PROPOSAL (ON(RECEIVED) | ON(TRIAGED) | ON(UNDER_REVIEW) | ON(INVESTIGATING))
#define CONCLUDED \
    (ON(OPINION_SENT) | ON(EXECUTING) | ON(FEEDBACK) | ON(CLOSED) | ON(EXTERNAL) | ON(DEADLOCKED))

/* Rows of one event in one stage differ by the variant. */
const struct life_row life_rows[] = {
    {CMD(CLASSIFY_CASE), EV(CASE_CLASSIFIED), LIFE_ANY, ON(RECEIVED), TO(TRIAGED), LIFE_OFFICE, TIE_NONE, "",
     "judgement", ""},
    {CMD(CLASSIFY_CASE), EV(CASE_CLASSIFIED), LIFE_ANY, TRIAGED_ON, LIFE_STAYS, LIFE_OFFICE, TIE_NONE, "",
     "judgement", ""},
    {CMD(SET_NATURE), EV(NATURE_SET), 1, ON(RECEIVED) | ON(TRIAGED) | ON(UNDER_REVIEW), TO(NOT_A_COMPLAINT),
     LIFE_DESK, TIE_NONE, "not a complaint", "nature reason", "not_a_complaint"},
    {CMD(SET_NATURE), EV(NATURE_SET), 0, ON(RECEIVED) | ON(TRIAGED) | ON(UNDER_REVIEW), LIFE_STAYS, LIFE_DESK,
     TIE_NONE, "a complaint", "nature reason", ""},
    {CMD(SET_NATURE), EV(NATURE_SET), 1, ON(NOT_A_COMPLAINT), LIFE_STAYS, LIFE_DESK, TIE_NONE,
     "not a complaint", "nature reason", ""},
    {CMD(SET_NATURE), EV(NATURE_SET), 0, ON(NOT_A_COMPLAINT), TO(TRIAGED), LIFE_DESK, TIE_NONE, "a complaint",
     "nature reason", ""},
    {CMD(ASSIGN_CASE), EV(CASE_ASSIGNED), LIFE_ANY, OPEN & ~ON(RECEIVED), LIFE_STAYS, LIFE_OFFICE, TIE_NONE,
     "", "agent", ""},
    {CMD(CLAIM_CASE), EV(CASE_ASSIGNED), LIFE_ANY, OPEN & ~ON(RECEIVED), LIFE_STAYS, LIFE_DESK, TIE_NONE, "",
     "", ""},
    {CMD(START_WORK), EV(WORK_STARTED), LIFE_ANY, ON(TRIAGED), TO(UNDER_REVIEW), LIFE_PEOPLE, TIE_OWNER, "",
     "", "in_progress"},
    {CMD(ADD_NOTE), EV(NOTE_ADDED), LIFE_ANY, ANY_STAGE, LIFE_STAYS, LIFE_OFFICE, TIE_NONE, "", "text", ""},
    {CMD(AMEND_RECORD), EV(RECORD_AMENDED), LIFE_ANY, OPEN, LIFE_STAYS, LIFE_PEOPLE, TIE_OWNER, "",
     "set reason", ""},
    {CMD(ADD_EVIDENCE), EV(EVIDENCE_ADDED), LIFE_ANY, OPEN, LIFE_STAYS, LIFE_OFFICE, TIE_NONE, "",
     "kind given_by words", ""},
    {CMD(RETURN_FILE), EV(FILE_RETURNED), LIFE_ANY, BEFORE_PROPOSAL, LIFE_STAYS, LIFE_DESK, TIE_OWNER, "", "",
     "progress_told"},
    {CMD(NAME_ACCUSED), EV(ACCUSED_NAMED), LIFE_ANY, OPEN, LIFE_STAYS, LIFE_LEADERS, TIE_NONE, "", "reason",
     ""},
    {CMD(RECORD_STATEMENT), EV(STATEMENT_RECORDED), LIFE_ANY, OPEN, LIFE_STAYS, LIFE_STAFF, TIE_NONE, "",
     "staff words", ""},
    {CMD(REPLY_TO_CUSTOMER), EV(REPLY_HELD), LIFE_ANY, OPEN, LIFE_STAYS, LIFE_DESK, TIE_OWNER, "", "words",
     ""},
    {CMD(UNDO_REPLY), EV(REPLY_UNDONE), LIFE_ANY, OPEN, LIFE_STAYS, LIFE_DESK, TIE_OWNER, "", "", ""},
    {CMD(FIRE_CLOCK), EV(REPLY_SENT), 0, ANY_STAGE, LIFE_STAYS, LIFE_SERVICE, TIE_FOLLOWS, "an answer", "",
     "replied progress_told"},
    {CMD(FIRE_CLOCK), EV(REPLY_SENT), 1, ANY_STAGE, LIFE_STAYS, LIFE_SERVICE, TIE_FOLLOWS, "how far it is",
     "", "replied progress_told"},
    {CMD(START_REPLY), EV(REPLY_STARTED), LIFE_ANY, OPEN, LIFE_STAYS, LIFE_DESK, TIE_NONE, "", "", ""},
    {CMD(RECORD_CALL), EV(CALL_RECORDED), 0, OPEN, LIFE_STAYS, LIFE_DESK, TIE_NONE,
     "the customer was reached", "direction outcome at", "replied progress_told"},
    {CMD(RECORD_CALL), EV(CALL_RECORDED), 1, OPEN | ON(CLOSED), LIFE_STAYS, LIFE_DESK, TIE_NONE,
     "call-back, the customer was reached", "direction outcome at", "replied progress_told called_back"},
    {CMD(RECORD_CALL), EV(CALL_RECORDED), 2, OPEN | ON(CLOSED), LIFE_STAYS, LIFE_DESK, TIE_NONE,
     "not reached", "direction outcome at", ""},
    {CMD(REVIEW_CASE), EV(CASE_REVIEWED), 0, ON(UNDER_REVIEW), TO(INVESTIGATING), LIFE_DESK, TIE_OWNER,
     "founded", "finding reason", "reviewed"},
    {CMD(REVIEW_CASE), EV(CASE_REVIEWED), 1, ON(UNDER_REVIEW) | ON(INVESTIGATING), TO(EXPLAINED), LIFE_DESK,
     TIE_OWNER, "not founded", "finding reason words", "reviewed opinion_sent progress_told"},
    {CMD(OPEN_TASK), EV(TASK_OPENED), LIFE_ANY,
     ON(UNDER_REVIEW) | ON(INVESTIGATING) | ON(PROPOSED) | ON(APPEALED), LIFE_STAYS, LIFE_DESK, TIE_NONE, "",
     "department words", ""},
    {CMD(ANSWER_TASK), EV(TASK_ANSWERED), LIFE_ANY, OPEN, LIFE_STAYS, LIFE_STAFF, TIE_NONE, "", "task words",
     ""},
    {CMD(TRANSFER_TASK), EV(TASK_TRANSFERRED), LIFE_ANY, OPEN, LIFE_STAYS, LIFE_STAFF, TIE_NONE, "",
     "task department reason", ""},
    {CMD(WAIVE_TASK), EV(TASK_WAIVED), LIFE_ANY, OPEN, LIFE_STAYS, LIFE_LEADERS, TIE_NONE, "", "task reason",
     ""},
    {CMD(PROPOSE_REMEDY), EV(REMEDY_PROPOSED), LIFE_ANY, ON(UNDER_REVIEW) | ON(INVESTIGATING) | ON(PROPOSED),
     TO(PROPOSED), LIFE_DESK, TIE_OWNER, "", "lines", ""},
    {CMD(PROPOSE_REMEDY), EV(REMEDY_PROPOSED), LIFE_ANY, ON(APPROVAL), TO(PROPOSED), LIFE_DESK, TIE_OWNER,
     "nobody need decide the one before", "lines", "decided"},
    {CMD(SUBMIT_PROPOSAL), EV(PROPOSAL_SUBMITTED), LIFE_ANY, ON(PROPOSED), TO(APPROVAL), LIFE_DESK, TIE_OWNER,
     "", "", "submitted"},
    {CMD(DECIDE_PROPOSAL), EV(PROPOSAL_DECIDED), 0, ON(APPROVAL), LIFE_STAYS, LIFE_LEADERS, TIE_NONE,
     "approved", "decision", "decided"},
    {CMD(DECIDE_PROPOSAL), EV(PROPOSAL_DECIDED), 1, ON(APPROVAL), TO(PROPOSED), LIFE_LEADERS, TIE_NONE,
     "rejected", "decision reason", "decided"},
    {CMD(CONFIRM_READING), EV(READING_CONFIRMED), LIFE_ANY, ANY_STAGE & ~ON(RECEIVED), LIFE_STAYS,
     LIFE_LEADERS, TIE_NONE, "", "", ""},
    {CMD(SEND_OPINION), EV(OPINION_SENT), LIFE_ANY, ON(PROPOSED) | ON(APPROVAL), TO(OPINION_SENT), LIFE_DESK,
     TIE_OWNER, "", "words", "opinion_sent progress_told"},
    {CMD(RECORD_ANSWER), EV(ANSWER_RECORDED), 0, ON(OPINION_SENT), TO(EXECUTING), LIFE_DESK, TIE_NONE,
     "accepted", "answer", "answered"},
    {CMD(RECORD_ANSWER), EV(ANSWER_RECORDED), 6, ON(OPINION_SENT), TO(FEEDBACK), LIFE_DESK, TIE_NONE,
     "accepted, and done before", "answer", "answered executed"},
    {CMD(RECORD_ANSWER), EV(ANSWER_RECORDED), 1, ON(OPINION_SENT), TO(PROPOSED), LIFE_DESK, TIE_NONE,
     "counter-proposed", "answer words", "answered"},
    {CMD(RECORD_ANSWER), EV(ANSWER_RECORDED), 2, ON(OPINION_SENT) | ON(EXPLAINED), TO(APPEALED), LIFE_DESK,
     TIE_NONE, "objected", "answer words", "answered appealed"},
    {CMD(RECORD_ANSWER), EV(ANSWER_RECORDED), 3, ON(OPINION_SENT) | ON(EXPLAINED), TO(DEADLOCKED), LIFE_DESK,
     TIE_NONE, "objected to what is final", "answer words", "answered deadlocked"},
    {CMD(RECORD_ANSWER), EV(ANSWER_RECORDED), 0, ON(EXPLAINED), TO(FEEDBACK), LIFE_DESK, TIE_NONE, "accepted",
     "answer", "answered executed"},
    {CMD(FIRE_CLOCK), EV(ANSWER_RECORDED), 4, ON(OPINION_SENT), TO(EXECUTING), LIFE_SERVICE, TIE_FOLLOWS,
     "silent, which counts as accepted", "", "answered"},
    {CMD(FIRE_CLOCK), EV(ANSWER_RECORDED), 7, ON(OPINION_SENT), TO(FEEDBACK), LIFE_SERVICE, TIE_FOLLOWS,
     "silent, and done before", "", "answered executed"},
    {CMD(FIRE_CLOCK), EV(ANSWER_RECORDED), 5, ON(OPINION_SENT), TO(FEEDBACK), LIFE_SERVICE, TIE_FOLLOWS,
     "silent, which counts as declined", "", "answered executed"},
    {CMD(FIRE_CLOCK), EV(ANSWER_RECORDED), 4, ON(EXPLAINED), TO(FEEDBACK), LIFE_SERVICE, TIE_FOLLOWS,
     "silent", "", "answered executed"},
    {CMD(FIRE_CLOCK), EV(ANSWER_RECORDED), 5, ON(EXPLAINED), TO(FEEDBACK), LIFE_SERVICE, TIE_FOLLOWS,
     "silent", "", "answered executed"},
    {CMD(FILE_APPEAL), EV(APPEAL_FILED), 0, ON(OPINION_SENT) | ON(EXPLAINED), TO(APPEALED),
     LIFE_DESK | LIFE_CUSTOMER, TIE_NONE, "inside the window", "words", "answered appealed"},
    {CMD(FILE_APPEAL), EV(APPEAL_FILED), 1, ON(EXECUTING) | ON(FEEDBACK) | ON(CLOSED), LIFE_STAYS,
     LIFE_DESK | LIFE_CUSTOMER, TIE_NONE, "late", "words", ""},
    {CMD(ADMIT_APPEAL), EV(APPEAL_ADMITTED), 0, ON(EXECUTING) | ON(FEEDBACK) | ON(CLOSED), TO(APPEALED),
     LIFE_LEADERS | LIFE_ROLE(LEGAL), TIE_NONE, "admitted", "reason", "appealed"},
    {CMD(ADMIT_APPEAL), EV(APPEAL_ADMITTED), 1, ON(EXECUTING) | ON(FEEDBACK) | ON(CLOSED), LIFE_STAYS,
     LIFE_LEADERS | LIFE_ROLE(LEGAL), TIE_NONE, "not admitted", "reason", ""},
    {CMD(ASSIGN_REVIEWER), EV(REVIEWER_ASSIGNED), LIFE_ANY, ON(APPEALED), LIFE_STAYS,
     LIFE_LEADERS | LIFE_SERVICE, TIE_NONE, "", "reviewer", ""},
    {CMD(DECIDE_APPEAL), EV(APPEAL_DECIDED), 0, ON(APPEALED), TO(PROPOSED), LIFE_LEADERS | LIFE_ROLE(LEGAL),
     TIE_REVIEWER, "upheld, against an opinion", "outcome reason words", "appeal_decided progress_told"},
    {CMD(DECIDE_APPEAL), EV(APPEAL_DECIDED), 1, ON(APPEALED), TO(OPINION_SENT),
     LIFE_LEADERS | LIFE_ROLE(LEGAL), TIE_REVIEWER, "dismissed, against an opinion", "outcome reason words",
     "appeal_decided opinion_sent progress_told"},
    {CMD(DECIDE_APPEAL), EV(APPEAL_DECIDED), 2, ON(APPEALED), TO(INVESTIGATING),
     LIFE_LEADERS | LIFE_ROLE(LEGAL), TIE_REVIEWER, "upheld, against an explanation", "outcome reason words",
     "appeal_decided progress_told"},
    {CMD(DECIDE_APPEAL), EV(APPEAL_DECIDED), 3, ON(APPEALED), TO(EXPLAINED), LIFE_LEADERS | LIFE_ROLE(LEGAL),
     TIE_REVIEWER, "dismissed, against an explanation", "outcome reason words",
     "appeal_decided opinion_sent progress_told"},
    {CMD(DECLARE_DEADLOCK), EV(DEADLOCK_DECLARED), LIFE_ANY, ON(EXPLAINED) | ON(PROPOSED) | ON(OPINION_SENT),
     TO(DEADLOCKED), LIFE_LEADERS, TIE_NONE, "", "reason words", "answered deadlocked progress_told"},
    {CMD(DECLARE_DEADLOCK), EV(DEADLOCK_DECLARED), LIFE_ANY, ON(DEADLOCKED), LIFE_STAYS, LIFE_LEADERS,
     TIE_NONE, "", "reason words", "progress_told"},
    {CMD(REFER_EXTERNAL), EV(EXTERNAL_REFERRED), LIFE_ANY, OPEN & ~(ON(RECEIVED) | ON(EXTERNAL)),
     TO(EXTERNAL), LIFE_LEADERS | LIFE_ROLE(LEGAL), TIE_NONE, "", "kind body", "referred"},
    {CMD(RECORD_EXTERNAL), EV(EXTERNAL_RECORDED), 0, ON(EXTERNAL), TO(PROPOSED),
     LIFE_LEADERS | LIFE_ROLE(LEGAL), TIE_NONE, "ordered", "outcome reason", ""},
    {CMD(RECORD_EXTERNAL), EV(EXTERNAL_RECORDED), 1, ON(EXTERNAL), TO(FEEDBACK),
     LIFE_LEADERS | LIFE_ROLE(LEGAL), TIE_NONE, "confirmed", "outcome reason", "answered executed"},
    {CMD(RECORD_EXTERNAL), EV(EXTERNAL_RECORDED), 2, ON(EXTERNAL), LIFE_GOES_BACK,
     LIFE_LEADERS | LIFE_ROLE(LEGAL), TIE_NONE, "returned", "outcome reason", ""},
    {CMD(RECORD_EXTERNAL), EV(EXTERNAL_RECORDED), 3, ON(EXTERNAL), LIFE_GOES_BACK,
     LIFE_LEADERS | LIFE_ROLE(LEGAL), TIE_NONE, "returned, the answer is awaited", "outcome reason",
     "answer_awaited"},
    {CMD(COMPLETE_STEP), EV(STEP_COMPLETED), 0, ON(EXECUTING), LIFE_STAYS, LIFE_STAFF, TIE_NONE, "", "step",
     ""},
    {CMD(COMPLETE_STEP), EV(STEP_COMPLETED), 1, ON(EXECUTING), TO(FEEDBACK), LIFE_STAFF, TIE_NONE, "the last",
     "step", "executed"},
    {CMD(COMPLETE_STEP), EV(STEP_COMPLETED), 2, ON(EXECUTING), LIFE_STAYS, LIFE_STAFF, TIE_NONE,
     "what came back is inspected", "step", "inspected"},
    {CMD(COMPLETE_STEP), EV(STEP_COMPLETED), 3, ON(EXECUTING), LIFE_STAYS, LIFE_STAFF, TIE_NONE, "paid",
     "step payment", "paid"},
    {CMD(COMPLETE_STEP), EV(STEP_COMPLETED), 4, ON(EXECUTING), TO(FEEDBACK), LIFE_STAFF, TIE_NONE,
     "paid, the last", "step payment", "paid executed"},
    {CMD(CLAIM_RECOVERY), EV(RECOVERY_CLAIMED), LIFE_ANY, CONCLUDED, LIFE_STAYS, LIFE_STAFF, TIE_NONE, "",
     "party amount", ""},
    {CMD(SETTLE_RECOVERY), EV(RECOVERY_SETTLED), LIFE_ANY, CONCLUDED, LIFE_STAYS, LIFE_STAFF, TIE_NONE, "",
     "claim", ""},
    {CMD(RESOLVE_CASE), EV(CASE_RESOLVED), LIFE_ANY, ON(TRIAGED) | ON(UNDER_REVIEW) | ON(INVESTIGATING),
     TO(FEEDBACK), LIFE_PEOPLE, TIE_OWNER, "", "", "in_progress reviewed replied resolved executed"},
    {CMD(RECORD_FEEDBACK), EV(FEEDBACK_RECORDED), LIFE_ANY, ON(FEEDBACK) | ON(CLOSED), LIFE_STAYS,
     LIFE_DESK | LIFE_SERVICE | LIFE_CUSTOMER, TIE_NONE, "", "csat", "called_back"},
    {CMD(RECORD_ACCOUNTABILITY), EV(ACCOUNTABILITY_RECORDED), LIFE_ANY, CONCLUDED, LIFE_STAYS, LIFE_LEADERS,
     TIE_NONE, "", "staff words", ""},
    {CMD(CLOSE_CASE), EV(CASE_CLOSED), LIFE_ANY,
     ON(FEEDBACK) | ON(WITHDRAWN) | ON(NOT_A_COMPLAINT) | ON(DEADLOCKED), TO(CLOSED), LIFE_PEOPLE, TIE_OWNER,
     "", "cause", "closed"},
    {CMD(REOPEN_CASE), EV(CASE_REOPENED), 0, ON(CLOSED) | ON(WITHDRAWN), TO(UNDER_REVIEW), LIFE_DESK,
     TIE_NONE, "", "reason", "reopened"},
    {CMD(REOPEN_CASE), EV(CASE_REOPENED), 1, ON(CLOSED) | ON(WITHDRAWN), TO(UNDER_REVIEW),
     LIFE_LEADERS | LIFE_ROLE(LEGAL), TIE_NONE, "what an appeal decided", "reason", "reopened"},
    {CMD(WITHDRAW_CASE), EV(CASE_WITHDRAWN), LIFE_ANY, OPEN & ~(ON(WITHDRAWN) | ON(FEEDBACK)), TO(WITHDRAWN),
     LIFE_DESK, TIE_NONE, "", "reason", "withdrawn"},
    {CMD(MARK_CONDUCT), EV(CONDUCT_MARKED), LIFE_ANY, ANY_STAGE & ~ON(ARCHIVED), LIFE_STAYS,
     LIFE_LEADERS | LIFE_ROLE(LEGAL), TIE_NONE, "", "reason", ""},
    {CMD(HOLD_CASE), EV(CASE_HELD), LIFE_ANY, ANY_STAGE, LIFE_STAYS, LIFE_ROLE(LEGAL) | LIFE_OPERATOR,
     TIE_NONE, "", "reason", ""},
    {CMD(ARCHIVE_CASE), EV(CASE_ARCHIVED), LIFE_ANY, ON(CLOSED), TO(ARCHIVED), LIFE_OPERATOR | LIFE_SERVICE,
     TIE_NONE, "", "", ""},
    {CMD(ADD_TO_INCIDENT), EV(JOINED_INCIDENT), LIFE_ANY, OPEN, LIFE_STAYS, LIFE_DESK | LIFE_SERVICE,
     TIE_NONE, "", "incident_id", ""},
    {CMD(REMOVE_FROM_INCIDENT), EV(LEFT_INCIDENT), LIFE_ANY, OPEN, LIFE_STAYS, LIFE_DESK, TIE_NONE, "",
     "reason", ""},
    {CMD(SHARE_ANSWER), EV(ANSWER_SHARED), LIFE_ANY, OPEN, LIFE_STAYS, LIFE_SERVICE, TIE_NONE, "",
     "answer_seq", "replied progress_told"},
    {CMD(MERGE_CASE), EV(CASE_MERGED), 0, OPEN & ~ON(EXTERNAL), TO(MERGED), LIFE_DESK, TIE_OWNER,
     "of the same customer", "into_id reason", ""},
    {CMD(MERGE_CASE), EV(CASE_MERGED), 1, OPEN & ~ON(EXTERNAL), TO(MERGED), LIFE_LEADERS, TIE_OWNER,
     "of another customer", "into_id reason", ""},
    {CMD(UNMERGE_CASE), EV(CASE_UNMERGED), LIFE_ANY, ON(MERGED), LIFE_GOES_BACK, LIFE_DESK, TIE_NONE, "",
     "reason", ""},
    {CMD(MERGE_CASE), EV(CASE_ABSORBED), LIFE_ANY, OPEN, LIFE_STAYS, LIFE_DESK, TIE_FOLLOWS, "",
     "into_id reason", ""},
    {CMD(UNMERGE_CASE), EV(CASE_RELEASED), LIFE_ANY, ANY_STAGE, LIFE_STAYS, LIFE_DESK, TIE_FOLLOWS, "",
     "reason", ""},
    {CMD(SPLIT_CASE), EV(CASES_LINKED), LIFE_ANY, OPEN, LIFE_STAYS, LIFE_DESK, TIE_OWNER, "", "words reason",
     ""},
    {CMD(LINK_CASES), EV(CASES_LINKED), LIFE_ANY, ANY_STAGE, LIFE_STAYS, LIFE_DESK, TIE_NONE, "",
     "other_id kind", ""},
    {CMD(UNLINK_CASES), EV(CASES_UNLINKED), LIFE_ANY, ANY_STAGE, LIFE_STAYS, LIFE_DESK, TIE_NONE, "",
     "other_id reason", ""},
    {CMD(OPEN_EIGHTD), EV(EIGHTD_OPENED), LIFE_ANY, OPEN, LIFE_STAYS, LIFE_STAFF, TIE_NONE, "", "title lead",
     ""},
    {CMD(CLOSE_EIGHTD), EV(EIGHTD_CLOSED), LIFE_ANY, ANY_STAGE, LIFE_STAYS, LIFE_LEADERS, TIE_NONE, "",
     "reason", ""},
    {CMD(MARK_SENSITIVE), EV(SENSITIVE_MARKED), LIFE_ANY, OPEN, LIFE_STAYS, LIFE_LEADERS | LIFE_ROLE(LEGAL),
     TIE_NONE, "", "reason", ""},
    {CMD(READ_CASE), EV(CASE_READ), LIFE_ANY, ANY_STAGE, LIFE_STAYS, LIFE_STAFF | LIFE_ROLE(AUDITOR),
     TIE_NONE, "", "", ""},
    {CMD(FIRE_CLOCK), EV(CLOCK_FIRED), LIFE_ANY, ANY_STAGE, LIFE_STAYS, LIFE_SERVICE, TIE_NONE, "",
     "clock step", ""},
    {CMD(RECORD_DELIVERY), EV(DELIVERY_RECORDED), LIFE_ANY, ANY_STAGE, LIFE_STAYS, LIFE_SERVICE, TIE_NONE, "",
     "kind outcome cause_seq", ""},
    {0},
};
#define N_ROWS (sizeof(life_rows) / sizeof(life_rows[0]) - 1)

/* Places of rows + 1: the first of each command and event, and the next one of the same. */
#define MAX_KINDS 128
static struct {
    uint8_t first[MAX_KINDS], next[N_ROWS];
} of_command, of_event;

__attribute__((constructor)) static void index_rows(void)
{
    _Static_assert(N_ROWS < UINT8_MAX, "a place is a byte");
    for (unsigned i = N_ROWS; i-- > 0;) {
        unsigned command = life_rows[i].command, event = life_rows[i].event;
        of_command.next[i] = of_command.first[command];
        of_command.first[command] = (uint8_t)(i + 1);
        of_event.next[i] = of_event.first[event];
        of_event.first[event] = (uint8_t)(i + 1);
    }
}

static const struct life_row *row_at(unsigned place)
{
    return place != 0 ? &life_rows[place - 1] : NULL;
}

const struct life_row *life_of_command(unsigned command, const struct life_row *after)
{
    if (after != NULL) return row_at(of_command.next[after - life_rows]);
    return command < MAX_KINDS ? row_at(of_command.first[command]) : NULL;
}

const struct life_row *life_of_event(unsigned event, const struct life_row *after)
{
    if (after != NULL) return row_at(of_event.next[after - life_rows]);
    return event < MAX_KINDS ? row_at(of_event.first[event]) : NULL;
}

static unsigned answer_variant(const Kesu__V1__AnswerRecorded *b)
{
    switch (b->answer) {
    case KESU__V1__ANSWER__ANSWER_ACCEPTED:
        return b->done ? 6 : 0;
    case KESU__V1__ANSWER__ANSWER_COUNTER_PROPOSED:
        return b->final ? LIFE_ANY : 1;
    case KESU__V1__ANSWER__ANSWER_OBJECTED:
        return b->final ? 3 : 2;
    case KESU__V1__ANSWER__ANSWER_SILENT:
        if (b->declined) return 5;
        return b->done ? 7 : 4;
    default:
        return LIFE_ANY;
    }
}

static unsigned appeal_variant(const Kesu__V1__AppealDecided *b)
{
    bool dismissed = b->outcome == KESU__V1__APPEAL_OUTCOME__APPEAL_OUTCOME_DISMISSED;
    return (dismissed ? 1u : 0u) + (b->of_explanation ? 2u : 0u);
}

bool life_pays(Kesu__V1__RemedyKind kind)
{
    return kind == KESU__V1__REMEDY_KIND__REMEDY_KIND_REFUND ||
           kind == KESU__V1__REMEDY_KIND__REMEDY_KIND_PARTIAL_REFUND ||
           kind == KESU__V1__REMEDY_KIND__REMEDY_KIND_COMPENSATION ||
           kind == KESU__V1__REMEDY_KIND__REMEDY_KIND_REIMBURSEMENT;
}

static unsigned step_variant(const Kesu__V1__StepCompleted *b)
{
    if (life_pays(b->kind)) return b->last ? 4 : 3;
    if (b->last) return 1;
    return b->kind == KESU__V1__REMEDY_KIND__REMEDY_KIND_INSPECTION ? 2 : 0;
}

static unsigned call_variant(const Kesu__V1__CallRecorded *b)
{
    if (b->outcome != KESU__V1__CALL_OUTCOME__CALL_OUTCOME_REACHED) return 2;
    return b->call_back ? 1 : 0;
}

static unsigned external_variant(const Kesu__V1__ExternalRecorded *b)
{
    return b->answer_awaited ? 3
                             : (unsigned)b->outcome - KESU__V1__EXTERNAL_OUTCOME__EXTERNAL_OUTCOME_ORDERED;
}

unsigned life_variant(const Kesu__V1__Event *e)
{
    switch (e->body_case) {
    case KESU__V1__EVENT__BODY_NATURE_SET:
        return e->nature_set->nature == KESU__V1__NATURE__NATURE_COMPLAINT ? 0 : 1;
    case KESU__V1__EVENT__BODY_REPLY_SENT:
        return e->reply_sent->progress ? 1 : 0;
    case KESU__V1__EVENT__BODY_CALL_RECORDED:
        return call_variant(e->call_recorded);
    case KESU__V1__EVENT__BODY_CASE_REVIEWED:
        return e->case_reviewed->finding == KESU__V1__FINDING__FINDING_NOT_FOUNDED ? 1 : 0;
    case KESU__V1__EVENT__BODY_PROPOSAL_DECIDED:
        return e->proposal_decided->decision == KESU__V1__DECISION__DECISION_APPROVED ? 0 : 1;
    case KESU__V1__EVENT__BODY_ANSWER_RECORDED:
        return answer_variant(e->answer_recorded);
    case KESU__V1__EVENT__BODY_APPEAL_FILED:
        return e->appeal_filed->late ? 1 : 0;
    case KESU__V1__EVENT__BODY_APPEAL_ADMITTED:
        return e->appeal_admitted->admitted ? 0 : 1;
    case KESU__V1__EVENT__BODY_APPEAL_DECIDED:
        return appeal_variant(e->appeal_decided);
    case KESU__V1__EVENT__BODY_EXTERNAL_RECORDED:
        return external_variant(e->external_recorded);
    case KESU__V1__EVENT__BODY_CASE_REOPENED:
        return e->case_reopened->final ? 1 : 0;
    case KESU__V1__EVENT__BODY_CASE_MERGED:
        return e->case_merged->other_customer ? 1 : 0;
    case KESU__V1__EVENT__BODY_STEP_COMPLETED:
        return step_variant(e->step_completed);
    default:
        return LIFE_ANY;
    }
}

static bool is_row(const struct life_row *row, Kesu__V1__Stage from, unsigned variant)
{
    return (row->from >> from & 1) != 0 && (row->variant == LIFE_ANY || row->variant == variant);
}

const struct life_row *life_find(Kesu__V1__Stage from, const Kesu__V1__Event *event)
{
    const struct life_row *row = NULL;
    unsigned variant = life_variant(event);
    while ((row = life_of_event(event->body_case, row)) != NULL)
        if (is_row(row, from, variant)) return row;
    return NULL;
}

const struct life_row *life_find_of(unsigned command, Kesu__V1__Stage from, const Kesu__V1__Event *event)
{
    const struct life_row *row = NULL;
    unsigned variant = life_variant(event);
    while ((row = life_of_event(event->body_case, row)) != NULL)
        if (row->command == command && is_row(row, from, variant)) return row;
    return life_find(from, event);
}

Kesu__V1__Stage life_next(Kesu__V1__Stage from, Kesu__V1__Stage before, const Kesu__V1__Event *event)
{
    if (event->body_case == KESU__V1__EVENT__BODY_CASE_OPENED) return KESU__V1__STAGE__STAGE_RECEIVED;
    const struct life_row *row = life_find(from, event);
    if (row == NULL || row->to == LIFE_STAYS) return from;
    return row->to == LIFE_GOES_BACK ? before : (Kesu__V1__Stage)row->to;
}

bool life_is_open(Kesu__V1__Stage stage)
{
    return (OPEN >> stage & 1) != 0;
}

bool life_of_people(unsigned command)
{
    const struct life_row *row = NULL;
    while ((row = life_of_command(command, row)) != NULL)
        if (row->tie != TIE_FOLLOWS && (row->who & LIFE_STAFF) != 0) return true;
    return false;
}

bool life_has_word(const char *words, const char *word)
{
    for (const char *at = words; at != NULL && word[0] != '\0'; at = strchr(at, ' ')) {
        size_t n = 0;
        at += *at == ' ' ? 1 : 0;
        while (word[n] != '\0' && at[n] == word[n]) n++;
        if (word[n] == '\0' && (at[n] == '\0' || at[n] == ' ')) return true;
    }
    return false;
}

bool life_clock_waits(const char *clock)
{
    return strcmp(clock, "reply_hold") == 0 || strcmp(clock, "appeal_window") == 0;
}

Kesu__V1__StaffRole life_role(const Kesu__V1__Staff *staff)
{
    if (staff->role != KESU__V1__STAFF_ROLE__STAFF_ROLE_UNSPECIFIED) return staff->role;
    return staff->agent ? KESU__V1__STAFF_ROLE__STAFF_ROLE_AGENT
                        : KESU__V1__STAFF_ROLE__STAFF_ROLE_SECTION_MANAGER;
}

uint32_t life_who(const Kesu__V1__Actor *actor, const Kesu__V1__Staff *staff)
{
    switch (actor->kind) {
    case KESU__V1__ACTOR_KIND__ACTOR_KIND_CUSTOMER:
        return LIFE_CUSTOMER;
    case KESU__V1__ACTOR_KIND__ACTOR_KIND_SERVICE:
        return LIFE_SERVICE;
    case KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR:
        return LIFE_OPERATOR;
    case KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF:
        break;
    default:
        return 0;
    }
    return staff != NULL ? 1u << life_role(staff) : 0;
}

static const char *name_of(const ProtobufCMessageDescriptor *d, unsigned number)
{
    const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field(d, number);
    return f != NULL ? f->name : "";
}

const char *life_command_name(unsigned command)
{
    return name_of(&kesu__v1__command__descriptor, command);
}

const char *life_event_name(unsigned event)
{
    return name_of(&kesu__v1__event__descriptor, event);
}
