/* SPDX-License-Identifier: Apache-2.0 */
#include "intake_rig.h"

#include <stdio.h>

#include "unit.h"

#include "check.h"
#include "clock.h"
#include "uuid.h"

static void on_intake_stop(void *self, struct env *env)
{
    struct rig *r = self;
    (void)env;
    svc_free(&r->svc);
}

static void on_intake_boot(void *self, struct env *env)
{
    struct rig *r = self;
    r->env = env;
    r->svc = NULL;
    svc_new(env, &intake_service, r->conf, &r->svc);
}

static void on_reply(void *self, const struct bus_msg *msg)
{
    struct rig *r = self;
    struct codec_error error;
    Kesu__V1__ReplyBatch *reply;
    assert_int_equal(codec_unpack(&kesu__v1__reply_batch__descriptor, msg->head, &r->arena, &reply, &error),
                     0);
    if (reply->batch == r->batch || reply->batch == 0) r->reply = reply; /* not one of long ago */
}

static void on_answer(void *self, const struct bus_msg *msg)
{
    struct rig *r = self;
    struct codec_error error;
    assert_int_equal(
        codec_unpack(&kesu__v1__control_reply__descriptor, msg->head, &r->arena, &r->answer, &error), 0);
}

static void on_outside_boot(void *self, struct env *env)
{
    static const char *const names[] = {"intake-services", "intake-people", "intake-new"};
    struct rig *r = self;
    char endpoint[64];
    r->client_env = env;
    for (unsigned i = 0; i < 3; i++) {
        snprintf(endpoint, sizeof(endpoint), "ipc://run/%s.ipc", names[i]);
        struct bus_client_opts opts = {.endpoint = endpoint, .on_message = on_reply, .self = r};
        assert_int_equal(bus_connect(env, &opts, &r->lanes[i]), 0);
    }
    struct bus_client_opts opts = {
        .endpoint = "ipc://run/intake-control.ipc", .on_message = on_answer, .self = r};
    assert_int_equal(bus_connect(env, &opts, &r->control), 0);
}

static void load_conf(struct rig *r, const char *const *args)
{
    const struct conf_def *tables[] = {svc_settings, intake_service.settings};
    char *argv[24] = {(char *)(uintptr_t) "kesu-intake", (char *)(uintptr_t) "--run-dir",
                      (char *)(uintptr_t) "run", (char *)(uintptr_t) "--data-dir",
                      (char *)(uintptr_t) "data"};
    char *envp[] = {NULL}, *error = NULL;
    int argc = 5;
    for (; args != NULL && *args != NULL; args++) argv[argc++] = (char *)(uintptr_t)*args;
    int err = conf_load(&mem_libc, tables, 2, "kesu-intake", argc, argv, envp, &r->conf, &error);
    if (err != 0) fail_msg("%s", error);
}

static bool is_ready(struct rig *r)
{
    return r->svc != NULL && intake_service.not_ready(svc_self(r->svc)) == NULL;
}

static void run_until_ready(struct rig *r)
{
    int64_t until = sim_now_us(r->sim) + 60 * USEC_PER_SEC;
    while (!is_ready(r))
        if (!sim_step(r->sim, until)) break;
    assert_true(is_ready(r));
    sim_run(r->sim, USEC_PER_SEC); /* clients find their way */
}

void rig_open(struct rig *r, uint64_t seed, const char *const *args)
{
    *r = (struct rig){.client = "rig"};
    arena_init(&r->arena, &mem_libc, (size_t)512 << 20);
    load_conf(r, args);
    r->sim = sim_new(seed, RIG_WALL_US);
    r->intake = sim_instance_new(r->sim, "intake", on_intake_boot, r);
    sim_on_stop(r->intake, on_intake_stop);
    r->outside = sim_instance_new(r->sim, "outside", on_outside_boot, r);
    run_until_ready(r);
}

void rig_close(struct rig *r)
{
    if (sim_is_up(r->intake)) svc_free(&r->svc);
    sim_free(&r->sim);
    conf_free(&r->conf);
    arena_deinit(&r->arena);
    if (r->policy.n > 0) policy_fixture_deinit(&r->policy);
}

void rig_restart(struct rig *r)
{
    r->svc = NULL;
    sim_crash(r->intake);
    run_until_ready(r);
}

void rig_stop_and_start(struct rig *r)
{
    svc_free(&r->svc);
    on_intake_boot(r, r->env);
    run_until_ready(r);
}

struct intake *rig_intake(struct rig *r)
{
    return svc_self(r->svc);
}

/* ---- commands ---------------------------------------------------------------- */

void rig_id(struct rig *r, uint8_t ret[16])
{
    uuid_derive(clock_wall_us(r->client_env), "rig", ++r->ids, "test", 0, ret);
}

Kesu__V1__Command *rig_command(struct rig *r, Kesu__V1__ActorKind kind, const char *name,
                               Kesu__V1__Command__BodyCase body, const ProtobufCMessageDescriptor *d)
{
    Kesu__V1__Command *c = arena_alloc(&r->arena, sizeof(*c));
    uint8_t *id = arena_alloc(&r->arena, 16);
    ProtobufCMessage *m = arena_alloc(&r->arena, d->sizeof_message);
    kesu__v1__command__init(c);
    c->actor = arena_alloc(&r->arena, sizeof(*c->actor));
    kesu__v1__actor__init(c->actor);
    d->message_init(m);
    rig_id(r, id);
    c->id = (ProtobufCBinaryData){16, id};
    c->actor->kind = kind;
    c->actor->name = (char *)(uintptr_t)name;
    c->body_case = body;
    c->start_work = (Kesu__V1__StartWork *)m;
    return c;
}

Kesu__V1__Command *rig_message(struct rig *r, const char *text, const char *mail)
{
    Kesu__V1__Command *c = RIG_NEW_COMMAND(r, CUSTOMER, "rig", RECEIVE_MESSAGE, receive_message);
    Kesu__V1__ReceiveMessage *m = c->receive_message;
    m->channel = KESU__V1__CHANNEL__CHANNEL_EMAIL;
    m->received_at = clock_wall_us(r->client_env);
    m->personal = arena_alloc(&r->arena, sizeof(*m->personal));
    kesu__v1__personal__init(m->personal);
    m->personal->text = (char *)(uintptr_t)text;
    if (mail == NULL) return c;
    Kesu__V1__Contact *contact = arena_alloc(&r->arena, sizeof(*contact));
    kesu__v1__contact__init(contact);
    contact->kind = KESU__V1__CONTACT__KIND__KIND_EMAIL;
    contact->value = (char *)(uintptr_t)mail;
    m->personal->contacts = arena_alloc(&r->arena, sizeof(contact));
    m->personal->contacts[0] = contact;
    m->personal->n_contacts = 1;
    return c;
}

void rig_raw(struct rig *r, unsigned lane, struct span bytes)
{
    r->reply = NULL;
    assert_int_equal(bus_send(r->client_env, r->lanes[lane], bytes, NULL), 0);
}

void rig_send(struct rig *r, unsigned lane, Kesu__V1__Command **commands, size_t n)
{
    Kesu__V1__CommandBatch batch = KESU__V1__COMMAND_BATCH__INIT;
    batch.client = (char *)(uintptr_t)r->client;
    batch.batch = ++r->batch;
    batch.n_commands = n;
    batch.commands = commands;
    rig_raw(r, lane, codec_pack(&batch, &r->arena));
}

bool rig_run_until_reply(struct rig *r, int64_t for_us)
{
    int64_t until = sim_now_us(r->sim) + for_us;
    while (r->reply == NULL)
        if (!sim_step(r->sim, until)) return false;
    return true;
}

const Kesu__V1__Reply *rig_do(struct rig *r, unsigned lane, Kesu__V1__Command *command)
{
    rig_send(r, lane, &command, 1);
    assert_true(rig_run_until_reply(r, 30 * USEC_PER_SEC));
    assert_int_equal(r->reply->n_replies, 1);
    assert_int_equal(r->reply->batch, r->batch);
    return r->reply->replies[0];
}

const Kesu__V1__Accepted *rig_accepted(struct rig *r, unsigned lane, Kesu__V1__Command *command)
{
    const Kesu__V1__Reply *reply = rig_do(r, lane, command);
    if (reply->result_case == KESU__V1__REPLY__RESULT_REFUSED)
        fail_msg("refused: %d %s %s", reply->refused->code, reply->refused->field, reply->refused->reason);
    return reply->accepted;
}

const Kesu__V1__Refused *rig_refused(struct rig *r, unsigned lane, Kesu__V1__Command *command)
{
    const Kesu__V1__Reply *reply = rig_do(r, lane, command);
    assert_int_equal(reply->result_case, KESU__V1__REPLY__RESULT_REFUSED);
    return reply->refused;
}

const Kesu__V1__ControlReply *rig_ask(struct rig *r, Kesu__V1__ControlRequest *request)
{
    int64_t until = sim_now_us(r->sim) + 30 * USEC_PER_SEC;
    struct span bytes = codec_pack(request, &r->arena);
    r->answer = NULL;
    assert_int_equal(bus_send(r->client_env, r->control, bytes, NULL), 0);
    while (r->answer == NULL) assert_true(sim_step(r->sim, until));
    return r->answer;
}

Kesu__V1__CaseState *rig_case(struct rig *r, uint64_t case_id)
{
    Kesu__V1__CaseState *state;
    assert_int_equal(intake_case_get(&rig_intake(r)->reg, case_id, &r->arena, &state), 0);
    return state;
}

/* ---- policy -------------------------------------------------------------------- */

static const char more_staff[] = "agent: true\n"
                                 "  - {id: ben, name: Ben, email: ben@kesu.example, department: service, "
                                 "manager: boss, language: en, agent: true}\n";

static void set_present(struct rig *r, const char *agent)
{
    Kesu__V1__Command *c = RIG_NEW_COMMAND(r, OPERATOR, "rig", SET_PRESENCE, set_presence);
    c->set_presence->agent = (char *)(uintptr_t)agent;
    c->set_presence->present = true;
    c->set_presence->capacity = 7;
    rig_accepted(r, RIG_PEOPLE, c);
}

void rig_policy(struct rig *r)
{
    uint8_t hash[HASH_BYTES];
    policy_fixture_init(&r->policy);
    policy_fixture_change(&r->policy, "org.yaml", "agent: true\n", more_staff);
    assert_int_equal(policy_fixture_compile(&r->policy), 0);
    struct span bytes = codec_pack(r->policy.bundle, &r->arena);
    hash_bytes(bytes, hash);
    size_t half = bytes.n / 2;
    for (uint32_t i = 0; i < 2; i++) {
        Kesu__V1__Command *c = RIG_NEW_COMMAND(r, OPERATOR, "rig", STORE_POLICY_PART, store_policy_part);
        c->store_policy_part->hash = (ProtobufCBinaryData){sizeof(hash), hash};
        c->store_policy_part->index = i;
        c->store_policy_part->count = 2;
        c->store_policy_part->content =
            (ProtobufCBinaryData){i == 0 ? half : bytes.n - half, (uint8_t *)(uintptr_t)bytes.p + i * half};
        rig_accepted(r, RIG_PEOPLE, c);
    }
    Kesu__V1__Command *c = RIG_NEW_COMMAND(r, OPERATOR, "rig", ACTIVATE_POLICY, activate_policy);
    c->activate_policy->hash = (ProtobufCBinaryData){sizeof(hash), hash};
    rig_accepted(r, RIG_PEOPLE, c);
    set_present(r, "anna");
    set_present(r, "ben");
}

/* ---- readers ----------------------------------------------------------------------- */

static unsigned alive(Kesu__V1__Key *const *keys, size_t n)
{
    unsigned found = 0;
    for (size_t i = 0; i < n; i++) found += keys[i]->secret.len > 0;
    return found;
}

static void on_block_follows(struct rig_reader *reader, const Kesu__V1__BlockFollows *follows,
                             const struct buf *block)
{
    struct block_head head;
    assert_non_null(block);
    assert_int_equal(block_open(buf_span(block), &head), 0);
    assert_int_equal(block_verify(buf_span(block), NULL), 0);
    if (head.first_seq != reader->next_seq && reader->next_seq != 0) reader->broken_order = true;
    reader->next_seq = head.first_seq + head.count;
    reader->bytes += block->n;
    reader->n_blocks++;
    reader->n_stored += (unsigned)follows->stored;
    reader->n_keys += alive(follows->keys, follows->n_keys);
    memcpy(reader->last_hash, head.hash, sizeof(reader->last_hash));
}

static void on_feed(void *self, const struct bus_msg *msg)
{
    struct rig_reader *reader = self;
    struct codec_error error;
    Kesu__V1__FeedReply *m;
    assert_int_equal(
        codec_unpack(&kesu__v1__feed_reply__descriptor, msg->head, &reader->rig->arena, &m, &error), 0);
    if (m->body_case == KESU__V1__FEED_REPLY__BODY_BLOCK) on_block_follows(reader, m->block, msg->body);
    if (m->body_case == KESU__V1__FEED_REPLY__BODY_HEAD) reader->n_heads++;
    if (m->body_case == KESU__V1__FEED_REPLY__BODY_KEYS)
        reader->n_keys += alive(m->keys->keys, m->keys->n_keys);
    if (m->body_case == KESU__V1__FEED_REPLY__BODY_REFUSED) {
        reader->refused = m->refused->code;
        snprintf(reader->refused_field, sizeof(reader->refused_field), "%s", m->refused->field);
    }
    if (m->body_case == KESU__V1__FEED_REPLY__BODY_SUBSCRIBED) {
        reader->subscribed = true;
        reader->subscribed_head = m->subscribed->head_seq;
        reader->n_skips = 0;
        for (size_t i = 0; i < m->subscribed->n_skips && i < 8; i++)
            reader->skips[reader->n_skips++] = m->subscribed->skips[i];
        memcpy(reader->uuid, m->subscribed->journal_uuid.data, 16);
    }
}

struct rig_reader *rig_reader(struct rig *r, unsigned i)
{
    struct rig_reader *reader = &r->readers[i];
    if (reader->client != NULL) bus_client_close(r->client_env, reader->client);
    *reader = (struct rig_reader){.rig = r};
    struct bus_client_opts opts = {
        .endpoint = "ipc://run/intake-feed.ipc", .on_message = on_feed, .self = reader};
    assert_int_equal(bus_connect(r->client_env, &opts, &reader->client), 0);
    sim_run(r->sim, USEC_PER_SEC);
    return reader;
}

void rig_request(struct rig_reader *reader, Kesu__V1__FeedRequest *request)
{
    struct span bytes = codec_pack(request, &reader->rig->arena);
    assert_int_equal(bus_send(reader->rig->client_env, reader->client, bytes, NULL), 0);
}

void rig_subscribe(struct rig_reader *reader, Kesu__V1__Subscribe *s)
{
    Kesu__V1__FeedRequest request = KESU__V1__FEED_REQUEST__INIT;
    request.body_case = KESU__V1__FEED_REQUEST__BODY_SUBSCRIBE;
    request.subscribe = s;
    rig_request(reader, &request);
    sim_run(reader->rig->sim, USEC_PER_SEC);
}

int rig_setup(void **state)
{
    struct rig *r = mem_zalloc(&mem_libc, sizeof(*r));
    rig_open(r, 31, NULL);
    rig_policy(r);
    *state = r;
    return 0;
}

int rig_teardown(void **state)
{
    rig_close(*state);
    mem_free(&mem_libc, *state);
    return 0;
}
