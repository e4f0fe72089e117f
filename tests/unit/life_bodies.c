/* SPDX-License-Identifier: Apache-2.0 */
#include "life_bodies.h"

#include "check.h"
#include "unit.h"

#define CMD(name) KESU__V1__COMMAND__BODY_##name
#define LINES     4

static const Kesu__V1__RemedyKind kinds[] = {
    KESU__V1__REMEDY_KIND__REMEDY_KIND_APOLOGY,      KESU__V1__REMEDY_KIND__REMEDY_KIND_COMPENSATION,
    KESU__V1__REMEDY_KIND__REMEDY_KIND_RETURN,       KESU__V1__REMEDY_KIND__REMEDY_KIND_INSPECTION,
    KESU__V1__REMEDY_KIND__REMEDY_KIND_REFUND,       KESU__V1__REMEDY_KIND__REMEDY_KIND_COUPON,
    KESU__V1__REMEDY_KIND__REMEDY_KIND_REIMBURSEMENT};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* ---- the policy ----------------------------------------------------------- */

static Kesu__V1__Category *category(struct life_desk *d, const char *id)
{
    Kesu__V1__Category *c = NEW(d, category);
    c->id = life_text(id);
    c->department = life_text("service");
    return c;
}

void life_bodies_policy(struct life_desk *d)
{
    Kesu__V1__Policy *p = &d->policy;
    Kesu__V1__Staff *auditor = NEW(d, staff);
    auditor->id = auditor->name = life_text("aud");
    auditor->department = life_text("service");
    auditor->role = KESU__V1__STAFF_ROLE__STAFF_ROLE_AUDITOR;
    p->staff[p->n_staff++] = auditor;
    p->categories = arena_zalloc(&d->arena, sizeof(*p->categories) * 2);
    p->categories[p->n_categories++] = category(d, "damage.wet");
    p->categories[0]->evidence = arena_zalloc(&d->arena, sizeof(char *));
    p->categories[0]->evidence[p->categories[0]->n_evidence++] = life_text("package_photo");
    p->categories[p->n_categories++] = category(d, "other");
    p->departments[0]->manager = life_text("lead");
    p->office = NEW(d, office);
    p->office->time_zone = life_text("UTC");
    p->defaults = NEW(d, defaults);
    p->defaults->department = life_text("service");
    p->defaults->category = life_text("other");
    p->defaults->capacity = 1000;
}

/* ---- what many have, by the names of their fields ------------------------- */

static void set_field(struct life_desk *d, ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    static const char *const texts[] = {"reason", "text", "summary", "title", "lesson"};
    void *at = (uint8_t *)m + f->offset;
    if (f->descriptor == &kesu__v1__words__descriptor) *(Kesu__V1__Words **)at = life_words(d, "words");
    for (unsigned i = 0; f->type == PROTOBUF_C_TYPE_STRING && i < sizeof(texts) / sizeof(texts[0]); i++)
        if (strcmp(f->name, texts[i]) == 0) *(char **)at = life_text("because");
}

void *life_body_of(struct life_desk *d, unsigned command, uint64_t case_id)
{
    const ProtobufCFieldDescriptor *oneof =
        protobuf_c_message_descriptor_get_field(&kesu__v1__command__descriptor, command);
    const ProtobufCMessageDescriptor *descriptor = oneof->descriptor;
    ProtobufCMessage *m = life_desk_new(d, descriptor);
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &descriptor->fields[i];
        if (strcmp(f->name, "case_id") == 0) memcpy((uint8_t *)m + f->offset, &case_id, sizeof(case_id));
        if (f->label != PROTOBUF_C_LABEL_REPEATED) set_field(d, m, f);
    }
    return m;
}

static char **list_of(struct life_desk *d, const char *one)
{
    char **list = arena_alloc(&d->arena, sizeof(*list));
    list[0] = life_text(one);
    return list;
}

/* ---- a command each ------------------------------------------------------- */

static const char *agent_of(unsigned salt)
{
    return salt % 2 == 0 ? "ben" : "ann";
}

static const char *anybody(unsigned salt)
{
    static const char *const all[] = {"hand", "ben", "ann", "lead", "law", "side"};
    return all[salt % (sizeof(all) / sizeof(all[0]))];
}

static void classify(struct life_desk *d, Kesu__V1__ClassifyCase *c, unsigned salt)
{
    c->judgement = NEW(d, judgement);
    c->judgement->category = life_text(salt % 3 == 0 ? "other" : "damage.wet");
    c->judgement->department = life_text("service");
    c->judgement->severity = (Kesu__V1__Severity)(2 + salt % 3);
    if (salt % 16 == 15) c->judgement->severity = KESU__V1__SEVERITY__SEVERITY_S1;
}

static Kesu__V1__RemedyLine *line(struct life_desk *d, Kesu__V1__RemedyKind kind, int64_t amount)
{
    Kesu__V1__RemedyLine *l = NEW(d, remedy_line);
    l->kind = kind;
    if (life_pays(kind)) l->amount = life_money(d, "TWD", amount);
    return l;
}

static void propose(struct life_desk *d, Kesu__V1__ProposeRemedy *c, unsigned salt)
{
    static const int64_t amounts[] = {50, 180, 350, 450, 900, 2900, 9000, 12000};
    int64_t sum = 0;
    c->lines = arena_alloc(&d->arena, sizeof(*c->lines) * LINES);
    for (unsigned i = 0; i <= salt % 3; i++) {
        Kesu__V1__RemedyKind kind = kinds[(salt / 3 + i) % N_KINDS];
        int64_t amount = amounts[(salt / 21 + i) % 8];
        c->lines[c->n_lines++] = line(d, kind, amount);
        if (life_pays(kind)) sum += amount;
    }
    if (sum == 0) return;
    c->v1 = life_money(d, "TWD", sum);
    c->v2 = life_money(d, "TWD", sum);
}

static void answer(Kesu__V1__RecordAnswer *c, unsigned variant)
{
    static const Kesu__V1__Answer answers[] = {
        KESU__V1__ANSWER__ANSWER_ACCEPTED, KESU__V1__ANSWER__ANSWER_COUNTER_PROPOSED,
        KESU__V1__ANSWER__ANSWER_OBJECTED, KESU__V1__ANSWER__ANSWER_OBJECTED,
        KESU__V1__ANSWER__ANSWER_SILENT,   KESU__V1__ANSWER__ANSWER_SILENT};
    c->answer = variant < 6 ? answers[variant] : KESU__V1__ANSWER__ANSWER_ACCEPTED;
}

/* The next step, with the proof of what it pays. */
static void step(struct life_desk *d, const Kesu__V1__CaseLife *life, Kesu__V1__CompleteStep *c)
{
    c->step = life != NULL ? life->steps_done + 1 : 1;
    const Kesu__V1__ProposalState *p = life != NULL ? life->proposal : NULL;
    if (p == NULL || c->step > p->n_lines || !life_pays(p->lines[c->step - 1]->kind)) return;
    c->payment = NEW(d, payment_proof);
    c->payment->reference = life_text("transfer 1");
    c->payment->amount = p->lines[c->step - 1]->amount;
    c->payment->paid_at = d->ctx.block_time;
}

static void fire(const Kesu__V1__CaseState *s, Kesu__V1__FireClock *c, unsigned salt)
{
    c->clock = life_text("none");
    c->step = KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH;
    for (size_t i = 0; i < s->n_clocks; i++) {
        const Kesu__V1__ClockState *now = s->clocks[(i + salt) % s->n_clocks];
        if (!now->running || now->breached) continue;
        c->clock = now->clock;
        c->due_at = now->due_at;
    }
}

static uint32_t a_task(const Kesu__V1__CaseLife *life, unsigned salt)
{
    for (size_t i = 0; life != NULL && i < life->n_tasks; i++) {
        const Kesu__V1__TaskState *t = life->tasks[(i + salt) % life->n_tasks];
        if (t->open) return t->task;
    }
    return 1;
}

static void set_task(struct life_desk *d, unsigned command, const Kesu__V1__CaseLife *life,
                     ProtobufCMessage *m, unsigned salt)
{
    Kesu__V1__OpenTask *open = (Kesu__V1__OpenTask *)m;
    Kesu__V1__TransferTask *transfer = (Kesu__V1__TransferTask *)m;
    (void)d;
    if (command == CMD(OPEN_TASK)) {
        open->department = life_text("service");
        open->owner = life_text(salt % 4 == 0 ? "" : anybody(salt));
    } else if (command == CMD(TRANSFER_TASK)) {
        transfer->task = a_task(life, salt);
        transfer->department = life_text("service");
        transfer->owner = life_text(anybody(salt));
    } else if (command == CMD(WAIVE_TASK)) {
        ((Kesu__V1__WaiveTask *)m)->task = a_task(life, salt);
    } else {
        ((Kesu__V1__AnswerTask *)m)->task = a_task(life, salt);
    }
}

static void set_review(struct life_desk *d, unsigned command, unsigned variant, ProtobufCMessage *m,
                       unsigned salt)
{
    Kesu__V1__RecordCall *call = (Kesu__V1__RecordCall *)m;
    switch (command) {
    case CMD(SET_NATURE):
        ((Kesu__V1__SetNature *)m)->nature =
            variant == 0 ? KESU__V1__NATURE__NATURE_COMPLAINT : KESU__V1__NATURE__NATURE_INQUIRY;
        break;
    case CMD(RECORD_CALL):
        call->direction = KESU__V1__CALL_DIRECTION__CALL_DIRECTION_OUT;
        call->outcome = variant == 2 ? KESU__V1__CALL_OUTCOME__CALL_OUTCOME_NO_ANSWER
                                     : KESU__V1__CALL_OUTCOME__CALL_OUTCOME_REACHED;
        call->at = d->ctx.block_time;
        call->call_back = variant == 1;
        break;
    case CMD(REVIEW_CASE):
        ((Kesu__V1__ReviewCase *)m)->finding =
            variant == 1 ? KESU__V1__FINDING__FINDING_NOT_FOUNDED : KESU__V1__FINDING__FINDING_FOUNDED;
        break;
    case CMD(NAME_ACCUSED):
        if (salt % 8 == 0) break;
        ((Kesu__V1__NameAccused *)m)->staff = list_of(d, anybody(salt));
        ((Kesu__V1__NameAccused *)m)->n_staff = 1;
        break;
    default:
        break;
    }
}

static void set_decision(struct life_desk *d, unsigned command, unsigned variant,
                         const Kesu__V1__CaseLife *life, ProtobufCMessage *m, unsigned salt)
{
    switch (command) {
    case CMD(PROPOSE_REMEDY):
        propose(d, (Kesu__V1__ProposeRemedy *)m, salt);
        break;
    case CMD(DECIDE_PROPOSAL):
        ((Kesu__V1__DecideProposal *)m)->decision =
            variant == 1 ? KESU__V1__DECISION__DECISION_REJECTED : KESU__V1__DECISION__DECISION_APPROVED;
        break;
    case CMD(RECORD_ANSWER):
        answer((Kesu__V1__RecordAnswer *)m, variant);
        break;
    case CMD(ADMIT_APPEAL):
        ((Kesu__V1__AdmitAppeal *)m)->admitted = variant == 0;
        break;
    case CMD(ASSIGN_REVIEWER):
        ((Kesu__V1__AssignReviewer *)m)->reviewer = life_text(salt % 2 == 0 ? "side" : "law");
        break;
    case CMD(DECIDE_APPEAL):
        ((Kesu__V1__DecideAppeal *)m)->outcome = variant % 2 == 1
                                                     ? KESU__V1__APPEAL_OUTCOME__APPEAL_OUTCOME_DISMISSED
                                                     : KESU__V1__APPEAL_OUTCOME__APPEAL_OUTCOME_UPHELD;
        break;
    case CMD(RECORD_EXTERNAL):
        ((Kesu__V1__RecordExternal *)m)->outcome = variant == 3
                                                       ? KESU__V1__EXTERNAL_OUTCOME__EXTERNAL_OUTCOME_RETURNED
                                                       : (Kesu__V1__ExternalOutcome)(variant % 3 + 1);
        break;
    case CMD(COMPLETE_STEP):
        step(d, life, (Kesu__V1__CompleteStep *)m);
        break;
    default:
        break;
    }
}

static void set_end(struct life_desk *d, unsigned command, const Kesu__V1__CaseLife *life,
                    ProtobufCMessage *m, unsigned salt)
{
    switch (command) {
    case CMD(REFER_EXTERNAL):
        ((Kesu__V1__ReferExternal *)m)->kind = KESU__V1__BODY_KIND__BODY_KIND_REGULATOR;
        ((Kesu__V1__ReferExternal *)m)->body = life_text("the regulator");
        break;
    case CMD(CLAIM_RECOVERY):
        ((Kesu__V1__ClaimRecovery *)m)->party = life_text("the carrier");
        ((Kesu__V1__ClaimRecovery *)m)->amount = life_money(d, "TWD", 100);
        break;
    case CMD(SETTLE_RECOVERY):
        ((Kesu__V1__SettleRecovery *)m)->claim =
            life != NULL && life->n_recoveries > 0 ? (uint32_t)(1 + salt % life->n_recoveries) : 1;
        ((Kesu__V1__SettleRecovery *)m)->amount = life_money(d, "TWD", 80);
        break;
    case CMD(RECORD_FEEDBACK):
        ((Kesu__V1__RecordFeedback *)m)->csat = 1 + salt % 5;
        ((Kesu__V1__RecordFeedback *)m)->expectation = 3;
        break;
    case CMD(RECORD_ACCOUNTABILITY):
        ((Kesu__V1__RecordAccountability *)m)->staff = life_text("hand");
        break;
    case CMD(CLOSE_CASE):
        ((Kesu__V1__CloseCase *)m)->cause = life_text("method");
        break;
    case CMD(MARK_CONDUCT):
        ((Kesu__V1__MarkConduct *)m)->conduct = (Kesu__V1__Conduct)(2 - salt % 3);
        break;
    case CMD(HOLD_CASE):
        ((Kesu__V1__HoldCase *)m)->held = life == NULL || !life->held;
        break;
    default:
        break;
    }
}

static void set_person(struct life_desk *d, unsigned command, const Kesu__V1__CaseState *s,
                       ProtobufCMessage *m, unsigned salt)
{
    const Kesu__V1__CaseLife *life = s->life;
    switch (command) {
    case CMD(CLASSIFY_CASE):
        classify(d, (Kesu__V1__ClassifyCase *)m, salt);
        break;
    case CMD(ASSIGN_CASE):
        ((Kesu__V1__AssignCase *)m)->agent =
            life_text(strcmp(s->agent, "ben") == 0 ? "ann" : agent_of(salt % 2 * 2));
        break;
    case CMD(RECORD_STATEMENT):
        ((Kesu__V1__RecordStatement *)m)->staff =
            life != NULL && life->n_accused > 0 ? life->accused[0] : life_text("hand");
        break;
    case CMD(ADD_EVIDENCE):
        ((Kesu__V1__AddEvidence *)m)->kind = life_text("photo");
        ((Kesu__V1__AddEvidence *)m)->given_by = life_text("customer");
        break;
    case CMD(AMEND_RECORD):
        ((Kesu__V1__AmendRecord *)m)->set = list_of(d, "internal");
        ((Kesu__V1__AmendRecord *)m)->n_set = 1;
        ((Kesu__V1__AmendRecord *)m)->fields = NEW(d, record_fields);
        ((Kesu__V1__AmendRecord *)m)->fields->internal = !s->internal;
        break;
    case CMD(MARK_SENSITIVE):
        ((Kesu__V1__MarkSensitive *)m)->readers = list_of(d, "dep");
        ((Kesu__V1__MarkSensitive *)m)->n_readers = salt % 2;
        break;
    case CMD(FIRE_CLOCK):
        fire(s, (Kesu__V1__FireClock *)m, salt);
        break;
    case CMD(RECORD_DELIVERY):
        ((Kesu__V1__RecordDelivery *)m)->kind = life_text("receipt");
        ((Kesu__V1__RecordDelivery *)m)->cause_seq = 1;
        ((Kesu__V1__RecordDelivery *)m)->target = (uint32_t)s->case_id * 64 + salt % 64;
        ((Kesu__V1__RecordDelivery *)m)->outcome = KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DELIVERED;
        break;
    default:
        break;
    }
}

static uint64_t another(const struct life_desk *d, uint64_t id, unsigned salt)
{
    uint64_t other = 1 + salt % (d->cases > 0 ? d->cases : 1);
    return other == id ? other % d->cases + 1 : other;
}

static void set_link(struct life_desk *d, unsigned command, const Kesu__V1__CaseState *s, ProtobufCMessage *m,
                     unsigned salt)
{
    const Kesu__V1__CaseLife *life = s->life;
    uint64_t other = another(d, s->case_id, salt);
    switch (command) {
    case CMD(ADD_TO_INCIDENT):
        ((Kesu__V1__AddToIncident *)m)->incident_id = 1;
        break;
    case CMD(SHARE_ANSWER):
        ((Kesu__V1__ShareAnswer *)m)->answer_seq = 2;
        break;
    case CMD(MERGE_CASE):
        ((Kesu__V1__MergeCase *)m)->into_id = other;
        break;
    case CMD(LINK_CASES):
        ((Kesu__V1__LinkCases *)m)->other_id = other;
        ((Kesu__V1__LinkCases *)m)->kind = KESU__V1__LINK_KIND__LINK_KIND_RELATED;
        break;
    case CMD(UNLINK_CASES):
        ((Kesu__V1__UnlinkCases *)m)->other_id =
            life != NULL && life->n_links > 0 ? life->links[0]->other_id : other;
        break;
    case CMD(OPEN_EIGHTD):
        ((Kesu__V1__OpenEightD *)m)->lead = life_text("lead");
        break;
    case CMD(CLOSE_EIGHTD):
        ((Kesu__V1__CloseEightD *)m)->eightd_id =
            life != NULL && life->n_open_eightds > 0 ? life->open_eightds[0] : 77;
        break;
    default:
        break;
    }
}

void *life_body(struct life_desk *d, unsigned command, unsigned variant, uint64_t case_id, unsigned salt)
{
    ProtobufCMessage *m = life_body_of(d, command, case_id);
    const Kesu__V1__CaseState *s = life_state(d, case_id);
    if (command == CMD(OPEN_TASK) || command == CMD(ANSWER_TASK) || command == CMD(TRANSFER_TASK) ||
        command == CMD(WAIVE_TASK))
        set_task(d, command, s->life, m, salt);
    set_person(d, command, s, m, salt);
    set_review(d, command, variant, m, salt);
    set_decision(d, command, variant, s->life, m, salt);
    set_end(d, command, s->life, m, salt);
    set_link(d, command, s, m, salt);
    return m;
}
