/* SPDX-License-Identifier: Apache-2.0 */
/* Customers and staff: they send commands with ids of their own, send again
 * what is not answered, sometimes what is, and keep a ledger of every answer.
 * The ledger outlives crashes of the process that sends. */
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "clock.h"
#include "err.h"
#include "life.h"
#include "office.h"
#include "policy.h"
#include "sched.h"
#include "uuid.h"

#define TICK_US      (100 * USEC_PER_MS)
#define ACT_EVERY_US (400 * USEC_PER_MS)
#define N_CUSTOMERS  14

enum state { PENDING, WAITING, ACCEPTED, REFUSED };
enum which { LANE_NEW, LANE_PEOPLE, N_LANES };

struct entry {
    struct people *people;
    uint8_t id[16];
    struct buf *encoded;
    enum which lane;
    Kesu__V1__Command__BodyCase body;
    enum state state;
    int64_t again_us; /* WAITING */
    int refused_with; /* the last time */
    uint64_t seq, case_id, version;
    char number[32];
    bool joined, poison;
    unsigned customer; /* of a message */
    unsigned external; /* which message it is: the same may be sent with two ids */
};

struct people {
    struct office *o;
    struct sim_instance *i;
    struct env *env;
    struct command_client *clients[N_LANES];
    struct timer *timer;
    struct entry **entries;
    unsigned n_entries, n_open, n_accepted;
    unsigned n_externals;
    uint32_t acts, most_acts;
    struct people_count counts[SHADOW_KINDS];
    bool resting;
    int64_t next_us, drift_us;
};

static void send_entry(struct entry *e);

/* What is acknowledged stands in the journal. */
static void compare(const struct entry *e)
{
    struct audit *a = &e->people->o->audit;
    unsigned long long seq = e->seq;
    if (e->seq == 0) return; /* it changed nothing */
    if (e->seq > a->n_events) {
        audit_broken(a, "seq %llu was acknowledged and is not on disk", seq);
        return;
    }
    const struct audit_event *event = &a->events[e->seq - 1];
    const struct audit_case *c = audit_find(a, e->case_id);
    if (e->case_id != 0 && (c == NULL || strcmp(c->number, e->number) != 0))
        audit_broken(a, "case %llu was acknowledged as %s", (unsigned long long)e->case_id, e->number);
    if (e->body == KESU__V1__COMMAND__BODY_RECEIVE_MESSAGE) {
        if (event->case_id != e->case_id)
            audit_broken(a, "seq %llu was acknowledged for case %llu", seq, (unsigned long long)e->case_id);
    } else if (memcmp(event->command_id, e->id, 16) != 0) {
        audit_broken(a, "seq %llu was acknowledged to another command", seq);
    }
}

static void pick_result(struct entry *e, const Kesu__V1__Accepted *accepted)
{
    struct audit *a = &e->people->o->audit;
    bool again = e->state == ACCEPTED && e->seq != 0; /* what changed nothing is not remembered */
    if (again && (e->seq != accepted->seq || e->case_id != accepted->case_id ||
                  strcmp(e->number, accepted->number) != 0 || !accepted->duplicate || accepted->differed))
        audit_broken(a, "the second answer to a command is another: seq %llu, then %llu",
                     (unsigned long long)e->seq, (unsigned long long)accepted->seq);
    if (e->state != ACCEPTED) e->people->n_accepted++;
    e->state = ACCEPTED;
    e->seq = accepted->seq;
    e->case_id = accepted->case_id;
    e->version = accepted->version;
    e->joined = accepted->joined;
    snprintf(e->number, sizeof e->number, "%s", accepted->number);
    compare(e);
}

/* It goes away when somebody does something else, not by itself. */
static bool waits_for_people(Kesu__V1__ErrorCode code)
{
    return code == (Kesu__V1__ErrorCode)-E_OPEN_WORK || code == (Kesu__V1__ErrorCode)-E_CAPACITY ||
           code == (Kesu__V1__ErrorCode)-E_NOT_DUE || code == (Kesu__V1__ErrorCode)-E_ABSENT;
}

static void on_reply(void *self, const Kesu__V1__Reply *reply)
{
    struct entry *e = self;
    struct people *p = e->people;
    bool was_open = e->state == PENDING || e->state == WAITING;
    if (reply->result_case == KESU__V1__REPLY__RESULT_ACCEPTED) {
        pick_result(e, reply->accepted);
    } else if (e->state == ACCEPTED) {
        if (reply->refused->disposition != KESU__V1__DISPOSITION__DISPOSITION_RETRY)
            audit_broken(&p->o->audit, "what was accepted at seq %llu is refused with %d",
                         (unsigned long long)e->seq, (int)reply->refused->code);
    } else if (reply->refused->disposition == KESU__V1__DISPOSITION__DISPOSITION_RETRY &&
               e->body != KESU__V1__COMMAND__BODY_ASSIGN_CASE && !waits_for_people(reply->refused->code)) {
        e->state = WAITING;
        e->again_us = clock_mono_us(p->env) + USEC_PER_SEC;
        e->refused_with = (int)reply->refused->code;
    } else {
        e->state = REFUSED;
        if (e->body == KESU__V1__COMMAND__BODY_RECEIVE_MESSAGE)
            audit_broken(&p->o->audit, "a message is refused: %s %s", err_name(-(int)reply->refused->code),
                         reply->refused->field);
    }
    if (!was_open || (e->state != ACCEPTED && e->state != REFUSED)) return;
    p->n_open--;
    p->counts[e->body].accepted += e->state == ACCEPTED;
    p->counts[e->body].refused += e->state == REFUSED;
}

static void send_entry(struct entry *e)
{
    command_send(e->people->clients[e->lane], e->id, buf_span(e->encoded), on_reply, e);
}

static struct entry *post(struct people *p, enum which lane, Kesu__V1__Command *command)
{
    struct entry *e = calloc(1, sizeof *e);
    CHECK(e != NULL);
    *e = (struct entry){.people = p, .lane = lane, .body = command->body_case};
    uuid_new(p->env, e->id);
    command->id = (ProtobufCBinaryData){sizeof e->id, e->id};
    e->encoded = codec_pack_buf(command);
    if ((p->n_entries & (p->n_entries + 1)) == 0) {
        p->entries = realloc(p->entries, 2 * (p->n_entries + 1) * sizeof *p->entries);
        CHECK(p->entries != NULL);
    }
    p->entries[p->n_entries++] = e;
    p->n_open++;
    send_entry(e);
    return e;
}

static uint64_t draw(struct people *p, uint64_t below)
{
    return sim_random(p->o->sim, below);
}

void people_send(struct people *p, Kesu__V1__Command *command)
{
    post(p, LANE_PEOPLE, command);
}

/* ---- messages --------------------------------------------------------------------------- */

static const char *const texts[] = {
    "The parcel was soaked through, water damage everywhere.",
    "The cup is broken and I want my money back.",
    "Still waiting for my order 1234, it is late again!",
    "I was injured by the broken glass in the box.",
    "Nobody answers the telephone.",
    "包裹淋濕，要求退款",
};

static void send_message(struct people *p, unsigned external, unsigned customer, const char *answers,
                         const char *text)
{
    static const Kesu__V1__Channel channels[] = {
        KESU__V1__CHANNEL__CHANNEL_EMAIL, KESU__V1__CHANNEL__CHANNEL_EMAIL, KESU__V1__CHANNEL__CHANNEL_WEB,
        KESU__V1__CHANNEL__CHANNEL_CHAT, KESU__V1__CHANNEL__CHANNEL_REGULATOR};
    char name[32], mail[64], key[64];
    snprintf(name, sizeof name, "Customer %u", customer);
    snprintf(mail, sizeof mail, "c%u@customers.example", customer);
    snprintf(key, sizeof key, "<m%u@customers.example>", external);
    uint8_t hash[HASH_BYTES];
    hash_bytes(span_str(key), hash);
    Kesu__V1__Contact contact = KESU__V1__CONTACT__INIT, *contacts[] = {&contact};
    contact.kind = KESU__V1__CONTACT__KIND__KIND_EMAIL;
    contact.value = mail;
    Kesu__V1__Personal personal = KESU__V1__PERSONAL__INIT;
    personal.name = name;
    personal.contacts = contacts;
    personal.n_contacts = 1;
    personal.subject = "A complaint";
    personal.text = (char *)(uintptr_t)text;
    Kesu__V1__ExternalRef ref = KESU__V1__EXTERNAL_REF__INIT;
    ref.mailbox = "office@scenario.example";
    ref.hash = (ProtobufCBinaryData){sizeof hash, hash};
    ref.sent_at = clock_wall_us(p->env);
    Kesu__V1__ReceiveMessage message = KESU__V1__RECEIVE_MESSAGE__INIT;
    message.channel = channels[external % 5];
    message.external = &ref;
    message.received_at = clock_wall_us(p->env);
    message.personal = &personal;
    message.own_thread_key = key;
    char *keys[] = {(char *)(uintptr_t)answers};
    message.thread_keys = keys;
    message.n_thread_keys = answers != NULL ? 1 : 0;
    message.tier = external % 7 == 0 ? KESU__V1__TIER__TIER_VIP : KESU__V1__TIER__TIER_UNSPECIFIED;
    Kesu__V1__Actor actor = KESU__V1__ACTOR__INIT;
    actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_CUSTOMER;
    actor.name = "web";
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    command.actor = &actor;
    command.body_case = KESU__V1__COMMAND__BODY_RECEIVE_MESSAGE;
    command.receive_message = &message;
    struct entry *e = post(p, LANE_NEW, &command);
    e->customer = customer;
    e->external = external;
}

static struct entry *any_message(struct people *p)
{
    for (unsigned tries = 0; tries < 8 && p->n_entries > 0; tries++) {
        struct entry *e = p->entries[draw(p, p->n_entries)];
        if (e->body == KESU__V1__COMMAND__BODY_RECEIVE_MESSAGE && e->state == ACCEPTED) return e;
    }
    return NULL;
}

static const char *text_of(unsigned external)
{
    return texts[external % (sizeof texts / sizeof texts[0])];
}

static void new_complaint(struct people *p)
{
    unsigned external = p->n_externals++;
    send_message(p, external, (unsigned)draw(p, N_CUSTOMERS), NULL, text_of(external));
}

static void mail(struct people *p)
{
    mailman_post(p->o->mailman);
}

static void poison_task(struct people *p)
{
    unsigned external = p->n_externals++;
    send_message(p, external, (unsigned)draw(p, N_CUSTOMERS), NULL, "It says " OFFICE_POISON " on the box.");
    p->entries[p->n_entries - 1]->poison = true;
}

static void another_message(struct people *p)
{
    const struct entry *e = any_message(p);
    if (e == NULL) return;
    char key[64];
    snprintf(key, sizeof key, "<m%u@customers.example>", e->external);
    unsigned external = p->n_externals++;
    send_message(p, external, e->customer, key, text_of(external));
}

/* The same message once more, by a channel that forgot it had sent it. */
static void same_message(struct people *p)
{
    const struct entry *e = any_message(p);
    if (e != NULL && !e->poison) send_message(p, e->external, e->customer, NULL, text_of(e->external));
}

/* The same command, word for word. */
static void same_command(struct people *p)
{
    if (p->n_entries == 0) return;
    struct entry *e = p->entries[draw(p, p->n_entries)];
    if (e->state == ACCEPTED) send_entry(e);
}

/* ---- work ------------------------------------------------------------------------------- */

static const struct {
    const char *id;
    unsigned capacity;
} agents[] = {{"ann", 5}, {"ben", 4}, {"finn", 3}, {"stella", 4}};
#define N_AGENTS (sizeof agents / sizeof agents[0])

static void act_as(struct people *p, Kesu__V1__ActorKind kind, const char *name, Kesu__V1__Command *command)
{
    Kesu__V1__Actor actor = KESU__V1__ACTOR__INIT;
    actor.kind = kind;
    actor.name = (char *)(uintptr_t)name;
    command->actor = &actor;
    people_send(p, command);
}

static void work_on_case(struct people *p)
{
    const struct audit *a = &p->o->audit;
    if (a->n_cases == 0) return;
    const struct audit_case *c = &a->cases[draw(p, a->n_cases)];
    if (c->agent[0] == '\0') return;
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    Kesu__V1__StartWork start = KESU__V1__START_WORK__INIT;
    Kesu__V1__AddNote note = KESU__V1__ADD_NOTE__INIT;
    Kesu__V1__ResolveCase resolve = KESU__V1__RESOLVE_CASE__INIT;
    Kesu__V1__CloseCase close = KESU__V1__CLOSE_CASE__INIT;
    start.case_id = note.case_id = resolve.case_id = close.case_id = c->id;
    note.text = "called the customer";
    resolve.summary = "sent another one";
    close.cause = "method";
    if (draw(p, 5) == 0) {
        command.body_case = KESU__V1__COMMAND__BODY_ADD_NOTE;
        command.add_note = &note;
    } else if (c->stage == KESU__V1__STAGE__STAGE_TRIAGED) {
        command.body_case = KESU__V1__COMMAND__BODY_START_WORK;
        command.start_work = &start;
    } else if (c->stage == KESU__V1__STAGE__STAGE_UNDER_REVIEW) {
        command.body_case = KESU__V1__COMMAND__BODY_RESOLVE_CASE;
        command.resolve_case = &resolve;
    } else {
        command.body_case = KESU__V1__COMMAND__BODY_CLOSE_CASE;
        command.close_case = &close;
    }
    if (draw(p, 3) == 0) {
        command.expected_case = KESU__V1__COMMAND__EXPECTED_EXPECTED_VERSION;
        command.expected_version = c->version;
    }
    act_as(p, KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF, c->agent, &command);
}

/* Another one judges a case anew. */
static void judge_again(struct people *p)
{
    static const struct {
        char *category, *department;
    } judgements[] = {
        {"damage.wet", "logistics"}, {"delay", "logistics"}, {"refund", "finance"}, {"other", "service"}};
    const struct audit *a = &p->o->audit;
    if (a->n_cases == 0) return;
    const struct audit_case *c = &a->cases[draw(p, a->n_cases)];
    size_t k = draw(p, 4);
    uint8_t hash[HASH_BYTES] = {0};
    Kesu__V1__Judgement judgement = KESU__V1__JUDGEMENT__INIT;
    judgement.category = judgements[k].category;
    judgement.department = judgements[k].department;
    judgement.severity = (Kesu__V1__Severity)(1 + draw(p, 4));
    judgement.language = KESU__V1__LANGUAGE__LANGUAGE_EN;
    judgement.policy_hash = (ProtobufCBinaryData){sizeof hash, hash};
    Kesu__V1__ClassifyCase classify = KESU__V1__CLASSIFY_CASE__INIT;
    classify.case_id = c->id;
    classify.judgement = &judgement;
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    command.body_case = KESU__V1__COMMAND__BODY_CLASSIFY_CASE;
    command.classify_case = &classify;
    act_as(p, KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF, "boss", &command);
}

/* ... or gives it to another agent. */
static void assign_again(struct people *p)
{
    const struct audit *a = &p->o->audit;
    if (a->n_cases == 0) return;
    Kesu__V1__AssignCase assign = KESU__V1__ASSIGN_CASE__INIT;
    assign.case_id = a->cases[draw(p, a->n_cases)].id;
    assign.agent = (char *)(uintptr_t)agents[draw(p, N_AGENTS)].id;
    assign.reason = "knows more of it";
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    command.body_case = KESU__V1__COMMAND__BODY_ASSIGN_CASE;
    command.assign_case = &assign;
    act_as(p, KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF, "boss", &command);
}

static void set_presence(struct people *p, size_t k, bool present, unsigned capacity)
{
    Kesu__V1__SetPresence presence = KESU__V1__SET_PRESENCE__INIT;
    presence.agent = (char *)(uintptr_t)agents[k].id;
    presence.present = present;
    presence.capacity = capacity;
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    command.body_case = KESU__V1__COMMAND__BODY_SET_PRESENCE;
    command.set_presence = &presence;
    act_as(p, KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF, agents[k].id, &command);
}

static void change_presence(struct people *p)
{
    size_t k = draw(p, N_AGENTS);
    set_presence(p, k, draw(p, 4) != 0, (unsigned)draw(p, 2) + agents[k].capacity);
}

/* Somebody wants to be forgotten. */
static void erase_person(struct people *p)
{
    const struct audit *a = &p->o->audit;
    if (a->n_cases == 0) return;
    Kesu__V1__EraseCustomer erase = KESU__V1__ERASE_CUSTOMER__INIT;
    erase.case_id = a->cases[draw(p, a->n_cases)].id;
    erase.reason = "asked for it";
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    command.body_case = KESU__V1__COMMAND__BODY_ERASE_CUSTOMER;
    command.erase_customer = &erase;
    act_as(p, KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR, "operator", &command);
}

/* An operator says that the wall clock is right. */
void people_accept_clock(struct people *p)
{
    Kesu__V1__AcceptClock accept = KESU__V1__ACCEPT_CLOCK__INIT;
    accept.reason = "looked at it";
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    command.body_case = KESU__V1__COMMAND__BODY_ACCEPT_CLOCK;
    command.accept_clock = &accept;
    act_as(p, KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR, "operator", &command);
}

/* ... after each jump. */
static void look_at_clock(struct people *p)
{
    int64_t drift_us = clock_wall_us(p->env) - clock_mono_us(p->env);
    if (llabs(drift_us - p->drift_us) < USEC_PER_SEC) return;
    p->drift_us = drift_us;
    people_accept_clock(p);
}

/* ---- another policy --------------------------------------------------------------------- */

static void send_policy(struct people *p, struct span bundle)
{
    uint8_t hash[HASH_BYTES];
    hash_bytes(bundle, hash);
    Kesu__V1__StorePolicyPart part = KESU__V1__STORE_POLICY_PART__INIT;
    part.hash = (ProtobufCBinaryData){sizeof hash, hash};
    part.count = 1;
    part.content = (ProtobufCBinaryData){bundle.n, (uint8_t *)(uintptr_t)bundle.p};
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    command.body_case = KESU__V1__COMMAND__BODY_STORE_POLICY_PART;
    command.store_policy_part = &part;
    act_as(p, KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR, "operator", &command);
    Kesu__V1__ActivatePolicy activate = KESU__V1__ACTIVATE_POLICY__INIT;
    activate.hash = part.hash;
    activate.name = "another";
    command.body_case = KESU__V1__COMMAND__BODY_ACTIVATE_POLICY;
    command.activate_policy = &activate;
    act_as(p, KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR, "operator", &command);
}

bool people_change_policy(struct people *p)
{
    if (!sim_is_up(p->i)) return false;
    struct arena arena;
    Kesu__V1__PolicyBundle *bundle = NULL;
    char *error = NULL;
    arena_init(&arena, &mem_libc, (size_t)64 << 20);
    int e = policy_compile(p->env, OFFICE_POLICY, &arena, &bundle, &error);
    if (e != 0) audit_broken(&p->o->audit, "the policy does not compile: %s", error);
    if (e == 0) { /* more time for the first answer, and a lower bar for what is urgent */
        bundle->policy->clocks[0]->dues[0]->after += (int64_t)draw(p, 20 * USEC_PER_SEC);
        bundle->policy->scoring->s1 += (int32_t)draw(p, 10);
        send_policy(p, codec_pack(bundle, &arena));
    }
    mem_free(&p->env->mem, error);
    arena_deinit(&arena);
    return e == 0;
}

/* ---- the process -------------------------------------------------------------------------- */

static void live(struct people *p)
{
    life_act(p->o, p);
}

static const struct {
    unsigned weight;
    void (*act)(struct people *p);
} acts[] = {
    {22, new_complaint},  {8, another_message}, {4, same_message}, {10, same_command}, {45, work_on_case},
    {3, change_presence}, {3, judge_again},     {3, assign_again}, {1, poison_task},   {6, mail},
    {1, erase_person},    {400, live},
};

static void act(struct people *p)
{
    uint64_t all = 0;
    for (size_t k = 0; k < sizeof acts / sizeof acts[0]; k++) all += acts[k].weight;
    uint64_t at = draw(p, all);
    for (size_t k = 0; k < sizeof acts / sizeof acts[0]; k++) {
        if (at < acts[k].weight) {
            acts[k].act(p);
            return;
        }
        at -= acts[k].weight;
    }
}

static void on_tick(void *self)
{
    struct people *p = self;
    int64_t now_us = clock_mono_us(p->env);
    look_at_clock(p);
    for (unsigned i = 0; i < p->n_entries; i++) {
        struct entry *e = p->entries[i];
        if (e->state != WAITING || e->again_us > now_us) continue;
        e->state = PENDING;
        send_entry(e);
    }
    if (!p->resting && now_us >= p->next_us && p->acts < p->most_acts) {
        p->acts++;
        act(p);
        p->next_us = now_us + (int64_t)draw(p, ACT_EVERY_US);
    }
    timer_set(p->env, p->timer, now_us + TICK_US);
}

static void on_boot(void *self, struct env *env)
{
    static const char *const endpoints[N_LANES] = {"ipc://" OFFICE_RUN "/intake-new.ipc",
                                                   "ipc://" OFFICE_RUN "/intake-people.ipc"};
    struct people *p = self;
    p->env = env;
    for (unsigned k = 0; k < N_LANES; k++) {
        struct command_client_opts opts = {.endpoint = endpoints[k], .client = "people"};
        CHECK(command_client_open(env, &opts, &p->clients[k]) == 0);
    }
    p->timer = timer_new(env, on_tick, p);
    timer_set(env, p->timer, clock_mono_us(env));
    for (unsigned i = 0; i < p->n_entries; i++)
        if (p->entries[i]->state == PENDING) send_entry(p->entries[i]);
}

struct people *people_new(struct office *o)
{
    struct people *p = calloc(1, sizeof *p);
    CHECK(p != NULL);
    *p = (struct people){
        .o = o, .drift_us = sim_wall_us(o->sim) - sim_now_us(o->sim), .most_acts = UINT32_MAX};
    p->i = sim_instance_new(o->sim, "people", on_boot, p);
    for (size_t k = 0; k < N_AGENTS; k++) set_presence(p, k, true, agents[k].capacity);
    return p;
}

void people_free(struct people **pp)
{
    struct people *p = *pp;
    if (p == NULL) return;
    *pp = NULL;
    for (unsigned i = 0; i < p->n_entries; i++) {
        buf_unref(p->entries[i]->encoded);
        free(p->entries[i]);
    }
    free(p->entries);
    free(p);
}

void people_limit(struct people *p, uint32_t most)
{
    p->most_acts = most;
}

uint32_t people_acts(const struct people *p)
{
    return p->acts;
}

void people_rest(struct people *p)
{
    p->resting = true;
}

const char *people_unanswered(const struct people *p)
{
    static char text[120];
    for (unsigned i = 0; i < p->n_entries && p->n_open > 0; i++) {
        const struct entry *e = p->entries[i];
        if (e->state != PENDING && e->state != WAITING) continue;
        snprintf(text, sizeof text, "%s has no answer, but %s", life_command_name(e->body),
                 err_name(-e->refused_with));
        return text;
    }
    return NULL;
}

void people_all_present(struct people *p)
{
    for (size_t k = 0; k < N_AGENTS; k++) set_presence(p, k, true, 1000);
}

const struct people_count *people_counts(const struct people *p)
{
    return p->counts;
}

unsigned people_accepted(const struct people *p)
{
    return p->n_accepted;
}

/* Nobody but a person can judge a poison task; else it goes to the default queue. */
void people_check(const struct people *p)
{
    for (unsigned i = 0; i < p->n_entries; i++) {
        const struct entry *e = p->entries[i];
        const struct audit_case *c =
            e->poison && e->state == ACCEPTED && !e->joined ? audit_find(&p->o->audit, e->case_id) : NULL;
        if (c != NULL && c->classified && !c->fallback && !c->judged_by_person)
            audit_broken(&p->o->audit, "case %s was judged by a worker that cannot have lived", c->number);
    }
}
