// SPDX-License-Identifier: Apache-2.0
// Events in words: a row a type.
#include <inttypes.h>
#include <stdio.h>

#include "cli.h"
#include "clock.h"

typedef void (*story_fn)(const Kesu__V1__Event *e, const char *indent);

const char *cli_event_name(unsigned type)
{
    const ProtobufCFieldDescriptor *f =
        type < 20 ? NULL : protobuf_c_message_descriptor_get_field(&kesu__v1__event__descriptor, type);
    return f != NULL ? f->name : NULL;
}

static void customer_added(const Kesu__V1__Event *e, const char *indent)
{
    (void)indent;
    printf("customer %" PRIu64 " is new, %zu contacts\n", e->customer_added->customer_id,
           e->customer_added->n_contact_hashes);
}

static void case_opened(const Kesu__V1__Event *e, const char *indent)
{
    const Kesu__V1__CaseOpened *o = e->case_opened;
    char channel[CLI_TEXT], language[CLI_TEXT];
    printf("%s opened from %s", o->number,
           cli_word(&kesu__v1__channel__descriptor, (int)o->channel, channel));
    if (o->language != 0)
        printf(", language %s", cli_word(&kesu__v1__language__descriptor, (int)o->language, language));
    if (o->tier == KESU__V1__TIER__TIER_VIP) printf(", VIP");
    if (o->anonymous) printf(", anonymous");
    if (o->automatic) printf(", sent by a machine");
    if (o->suspected_case != 0)
        printf(", names case %" PRIu64 ", but is from somebody else", o->suspected_case);
    putchar('\n');
    const Kesu__V1__Object *b = o->object;
    if (b == NULL) return;
    const char *const parts[][2] = {{"product", b->product},
                                    {"order", b->order},
                                    {"lot", b->lot},
                                    {"waybill", b->waybill},
                                    {"branch", b->branch}};
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i][1][0] != '\0') printf("%s%s %s\n", indent, parts[i][0], parts[i][1]);
}

static void message_added(const Kesu__V1__Event *e, const char *indent)
{
    char channel[CLI_TEXT];
    (void)indent;
    printf("message from %s joined, by its %s%s\n",
           cli_word(&kesu__v1__channel__descriptor, (int)e->message_added->channel, channel),
           cli_or(e->message_added->joined_by, "thread"),
           e->message_added->automatic ? ", sent by a machine" : "");
}

static void case_classified(const Kesu__V1__Event *e, const char *indent)
{
    const Kesu__V1__CaseClassified *k = e->case_classified;
    const Kesu__V1__Judgement *j = k->judgement;
    char severity[CLI_TEXT], language[CLI_TEXT];
    if (j == NULL) {
        printf("classified\n");
        return;
    }
    printf("classified %s, severity %s (score %d), department %s, language %s\n", j->category,
           cli_word(&kesu__v1__severity__descriptor, (int)j->severity, severity), (int)j->score,
           j->department, cli_word(&kesu__v1__language__descriptor, (int)j->language, language));
    if (k->fallback) printf("%sto the default queue: %s\n", indent, k->reason);
    for (size_t i = 0; i < j->n_evidence; i++)
        printf("%s%+d %s: %s%s%s%s\n", indent, (int)j->evidence[i]->weight, j->evidence[i]->factor,
               j->evidence[i]->rule, j->evidence[i]->matched[0] != '\0' ? " \"" : "", j->evidence[i]->matched,
               j->evidence[i]->matched[0] != '\0' ? "\"" : "");
}

static void case_assigned(const Kesu__V1__Event *e, const char *indent)
{
    const Kesu__V1__CaseAssigned *a = e->case_assigned;
    (void)indent;
    printf("given to %s of %s", a->agent, cli_or(a->department, "no department"));
    if (a->previous_agent[0] != '\0') printf(", before with %s", a->previous_agent);
    if (a->reason[0] != '\0') printf(" (%s)", a->reason);
    putchar('\n');
}

static void work_started(const Kesu__V1__Event *e, const char *indent)
{
    (void)indent;
    (void)e;
    printf("work started\n");
}

static void note_added(const Kesu__V1__Event *e, const char *indent)
{
    (void)e;
    (void)indent;
    printf("note added\n");
}

static void case_resolved(const Kesu__V1__Event *e, const char *indent)
{
    (void)indent;
    printf("resolved by %s\n", cli_or(e->case_resolved->agent, "nobody in particular"));
}

static void case_closed(const Kesu__V1__Event *e, const char *indent)
{
    printf("closed, cause %s\n", e->case_closed->cause);
    if (e->case_closed->lesson[0] != '\0') printf("%slesson: %s\n", indent, e->case_closed->lesson);
}

static void presence_set(const Kesu__V1__Event *e, const char *indent)
{
    (void)indent;
    printf("%s is %s, takes %u cases\n", e->presence_set->agent,
           e->presence_set->present ? "present" : "away", (unsigned)e->presence_set->capacity);
}

static void clock_fired(const Kesu__V1__Event *e, const char *indent)
{
    const Kesu__V1__ClockFired *f = e->clock_fired;
    char due[CLI_TEXT];
    (void)indent;
    switch (f->step) {
    case KESU__V1__FIRE_CLOCK__STEP__STEP_WARN:
        printf("clock %s warns", f->clock);
        break;
    case KESU__V1__FIRE_CLOCK__STEP__STEP_BREACH:
        printf("clock %s breached", f->clock);
        break;
    default:
        printf("clock %s escalated, level %u", f->clock, (unsigned)f->level);
        break;
    }
    printf(", due %s%s", cli_time(f->due_at, due), f->late ? ", fired late" : "");
    if (f->told[0] != '\0') printf("; for %s", f->told);
    putchar('\n');
}

static void delivery_recorded(const Kesu__V1__Event *e, const char *indent)
{
    static const char *const outcomes[] = {"-", "delivered", "given up", "not sent"};
    const Kesu__V1__DeliveryRecorded *d = e->delivery_recorded;
    bool known = (unsigned)d->outcome < sizeof outcomes / sizeof outcomes[0];
    (void)indent;
    printf("message '%s' to %s, about event %" PRIu64 ": %s", d->kind, cli_or(d->told, "the customer"),
           d->cause_seq, known ? outcomes[d->outcome] : "-");
    if (d->transport[0] != '\0') printf(" by %s", d->transport);
    if (d->attempts > 1) printf(" after %u attempts", (unsigned)d->attempts);
    if (d->detail[0] != '\0') printf(" (%s)", d->detail);
    putchar('\n');
}

static void policy_part_stored(const Kesu__V1__Event *e, const char *indent)
{
    (void)indent;
    printf("part %u of %u of a policy, %zu bytes\n", (unsigned)e->policy_part_stored->index + 1,
           (unsigned)e->policy_part_stored->count, e->policy_part_stored->content.len);
}

static void policy_activated(const Kesu__V1__Event *e, const char *indent)
{
    char hash[CLI_TEXT + 1];
    (void)indent;
    printf("policy '%s' is in force, hash %s\n", e->policy_activated->name,
           cli_hex(e->policy_activated->hash, hash, 17));
}

static void event_skipped(const Kesu__V1__Event *e, const char *indent)
{
    (void)indent;
    printf("fold %s steps over event %" PRIu64 ": %s\n", e->event_skipped->fold, e->event_skipped->seq,
           e->event_skipped->reason);
}

static void clock_accepted(const Kesu__V1__Event *e, const char *indent)
{
    (void)indent;
    printf("the wall clock was accepted: %s\n", e->clock_accepted->reason);
}

static void customer_erased(const Kesu__V1__Event *e, const char *indent)
{
    const Kesu__V1__CustomerErased *x = e->customer_erased;
    (void)indent;
    if (x->customer_id != 0) printf("customer %" PRIu64, x->customer_id);
    if (x->customer_id == 0 && x->n_case_ids > 0) printf("the person of case %" PRIu64, x->case_ids[0]);
    printf(" was erased, %zu case%s: %s\n", x->n_case_ids, x->n_case_ids == 1 ? "" : "s", x->reason);
}

static void journal_restored(const Kesu__V1__Event *e, const char *indent)
{
    (void)indent;
    printf("the journal was restored behind event %" PRIu64 ", %" PRIu64 " numbers are left out: %s\n",
           e->journal_restored->backup_seq, e->journal_restored->number_gap, e->journal_restored->reason);
}

static const struct {
    Kesu__V1__Event__BodyCase body;
    story_fn tell;
} rows[] = {
    {KESU__V1__EVENT__BODY_CUSTOMER_ADDED, customer_added},
    {KESU__V1__EVENT__BODY_CASE_OPENED, case_opened},
    {KESU__V1__EVENT__BODY_MESSAGE_ADDED, message_added},
    {KESU__V1__EVENT__BODY_CASE_CLASSIFIED, case_classified},
    {KESU__V1__EVENT__BODY_CASE_ASSIGNED, case_assigned},
    {KESU__V1__EVENT__BODY_WORK_STARTED, work_started},
    {KESU__V1__EVENT__BODY_NOTE_ADDED, note_added},
    {KESU__V1__EVENT__BODY_CASE_RESOLVED, case_resolved},
    {KESU__V1__EVENT__BODY_CASE_CLOSED, case_closed},
    {KESU__V1__EVENT__BODY_PRESENCE_SET, presence_set},
    {KESU__V1__EVENT__BODY_CLOCK_FIRED, clock_fired},
    {KESU__V1__EVENT__BODY_DELIVERY_RECORDED, delivery_recorded},
    {KESU__V1__EVENT__BODY_POLICY_PART_STORED, policy_part_stored},
    {KESU__V1__EVENT__BODY_POLICY_ACTIVATED, policy_activated},
    {KESU__V1__EVENT__BODY_EVENT_SKIPPED, event_skipped},
    {KESU__V1__EVENT__BODY_CLOCK_ACCEPTED, clock_accepted},
    {KESU__V1__EVENT__BODY_CUSTOMER_ERASED, customer_erased},
    {KESU__V1__EVENT__BODY_JOURNAL_RESTORED, journal_restored},
};

static void tell_clocks(const Kesu__V1__Event *e, const char *indent)
{
    static const char *const verbs[] = {"", "starts", "moves", "stops"};
    for (size_t i = 0; i < e->n_clocks; i++) {
        const Kesu__V1__ClockChange *k = e->clocks[i];
        char due[CLI_TEXT];
        if (k->op == KESU__V1__CLOCK_CHANGE__OP__OP_UNSPECIFIED ||
            k->op > KESU__V1__CLOCK_CHANGE__OP__OP_STOP)
            continue;
        printf("%sclock %s %s", indent, k->clock, verbs[k->op]);
        if (k->op != KESU__V1__CLOCK_CHANGE__OP__OP_STOP) printf(", due %s", cli_time(k->due_at, due));
        putchar('\n');
    }
}

void cli_story_event(const Kesu__V1__Event *e, uint64_t seq, int64_t time_us, uint64_t case_id,
                     const char *indent)
{
    char time[CLI_TEXT];
    printf("%8" PRIu64 "  %s  ", seq, cli_time(time_us, time));
    if (case_id != 0) printf("case %" PRIu64 ": ", case_id);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].body == e->body_case) {
            rows[i].tell(e, indent);
            tell_clocks(e, indent);
            if (e->actor != NULL && e->actor->kind == KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF)
                printf("%sby %s\n", indent, e->actor->name);
            return;
        }
    printf("event of a newer version (type %d)\n", (int)e->body_case);
}

// Text with an indent before each line.
static void print_text(const char *label, const char *text, const char *indent)
{
    if (text[0] == '\0') return;
    printf("%s%s: ", indent, label);
    for (; *text != '\0'; text++) {
        // Nothing that a terminal would take as an order.
        if ((unsigned char)*text < 0x20 && *text != '\n' && *text != '\t')
            putchar('?');
        else if (*text == '\r' || (unsigned char)*text == 0x7f)
            putchar('?');
        else
            putchar(*text);
        if (*text == '\n') fputs(indent, stdout);
    }
    putchar('\n');
}

static void tell_personal(const Kesu__V1__Personal *p, const char *indent)
{
    char kind[CLI_TEXT];
    if (p == NULL) return;
    print_text("name", p->name, indent);
    for (size_t i = 0; i < p->n_contacts; i++)
        print_text(cli_word(&kesu__v1__contact__kind__descriptor, (int)p->contacts[i]->kind, kind),
                   p->contacts[i]->value, indent);
    print_text("subject", p->subject, indent);
    print_text("text", p->text, indent);
    for (size_t i = 0; i < p->n_attachments; i++)
        print_text("attached", p->attachments[i]->file_name, indent);
}

void cli_story_opened(struct cli *c, const Kesu__V1__Event *e, struct span plain, const char *indent)
{
    struct codec_error error;
    Kesu__V1__CaseText *text = NULL;
    Kesu__V1__NoteText *note = NULL;
    Kesu__V1__Personal *profile = NULL;
    if (plain.n == 0) return;
    switch (e->body_case) {
    case KESU__V1__EVENT__BODY_CASE_OPENED:
    case KESU__V1__EVENT__BODY_MESSAGE_ADDED:
        if (codec_unpack(&kesu__v1__case_text__descriptor, plain, &c->arena, &text, &error) != 0) return;
        tell_personal(text->personal, indent);
        print_text("demand", text->demand, indent);
        print_text("place", text->place, indent);
        return;
    case KESU__V1__EVENT__BODY_NOTE_ADDED:
    case KESU__V1__EVENT__BODY_CASE_RESOLVED:
        if (codec_unpack(&kesu__v1__note_text__descriptor, plain, &c->arena, &note, &error) != 0) return;
        print_text("text", note->text, indent);
        return;
    case KESU__V1__EVENT__BODY_CUSTOMER_ADDED:
        if (codec_unpack(&kesu__v1__personal__descriptor, plain, &c->arena, &profile, &error) != 0) return;
        tell_personal(profile, indent);
        return;
    default:
        return;
    }
}
